//! Tests of the fetches.

use super::*;

#[test]
fn names_are_unique_and_each_table_is_sorted() {
    for table in TABLES {
        assert!(table.is_sorted_by(|a, b| a.name < b.name), "{:?}", table.first());
    }
    let mut names: Vec<&str> = fetches().map(|fetch| fetch.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_row_is_documented_and_reads_something() {
    for fetch in fetches() {
        assert!(!fetch.doc.is_empty(), "{}", fetch.name);
        assert!(!fetch.sources.is_empty(), "{}", fetch.name);
        assert!(fetch.signature.required <= fetch.signature.kinds.len(), "{}", fetch.name);
    }
}
