//! Tests of patterns and their files.

use std::io::Write;

use bytes::Bytes;

use crate::value::Value;

use super::List;
use super::Map;
use super::Method;

fn list(method: Method, ignore_case: bool, patterns: &[&str]) -> List {
    let mut list = List::new(method, ignore_case);
    for pattern in patterns {
        list.push(pattern).unwrap();
    }
    list
}

fn text(text: &str) -> Value {
    Value::Str(Bytes::copy_from_slice(text.as_bytes()))
}

type Row = (Method, bool, &'static [&'static str], &'static str, Option<usize>);

#[test]
fn texts_match_as_their_method_says() {
    let cases: &[Row] = &[
        (Method::Str, false, &["a", "b"], "b", Some(1)),
        (Method::Str, false, &["a"], "A", None),
        (Method::Str, true, &["Aa"], "aA", Some(0)),
        (Method::Beg, false, &["/", "/api"], "/api/x", Some(1)),
        (Method::Beg, false, &["/api"], "/ap", None),
        (Method::End, false, &[".jpg", ".png"], "/a.png", Some(1)),
        (Method::Sub, false, &["b"], "abc", Some(0)),
        (Method::Sub, true, &["B"], "abc", Some(0)),
        (Method::Dir, false, &["b"], "/a/b/c", Some(0)),
        (Method::Dir, false, &["/b/c/"], "/a/b/c?d", Some(0)),
        (Method::Dir, false, &["b"], "/a/bc", None),
        (Method::Dom, false, &["example.com"], "www.example.com:80", Some(0)),
        (Method::Dom, false, &["example.com"], "www.example.com.org", Some(0)),
        (Method::Dom, false, &["ample.com"], "www.example.com", None),
        (Method::Reg, false, &["^a.c$"], "abc", Some(0)),
        (Method::Reg, true, &["^A"], "abc", Some(0)),
        (Method::Len, false, &["1:2", "3"], "abc", Some(1)),
        (Method::Found, false, &[], "", Some(0)),
    ];
    for (method, ignore_case, patterns, sample, expected) in cases {
        let found = list(*method, *ignore_case, patterns).find(&text(sample));
        assert_eq!(found, *expected, "{method:?} {patterns:?} {sample}");
    }
}

#[test]
fn the_longest_network_wins_and_families_mix() {
    let list = list(
        Method::Ip,
        false,
        &["10.0.0.0/8", "10.1.0.0/16", "10.9.0.1/255.255.0.255", "2001:db8::/32", "192.168.0.1"],
    );
    for (ip, expected) in [
        ("10.1.2.3", Some(1)),
        ("10.2.2.3", Some(0)),
        ("10.9.77.1", Some(0)),
        ("2001:db8::5", Some(3)),
        ("::ffff:192.168.0.1", Some(4)),
        ("11.0.0.1", None),
    ] {
        assert_eq!(list.find(&Value::from_ip(ip.parse().unwrap())), expected, "{ip}");
    }
}

#[test]
fn numbers_are_single_or_ranges() {
    let list = list(Method::Int, false, &["5", "10:20", "100:", ":-5"]);
    for (number, expected) in
        [(5, Some(0)), (6, None), (10, Some(1)), (20, Some(1)), (1000, Some(2)), (-6, Some(3))]
    {
        assert_eq!(list.find(&Value::Int(number)), expected, "{number}");
    }
}

#[test]
fn patterns_that_do_not_parse_are_refused() {
    for (method, pattern, message) in [
        (Method::Int, "a", "'a' is not a number"),
        (Method::Int, "3:1", "'3:1' is not a valid number range"),
        (Method::Ip, "foo", "'foo' is not a valid IPv4 or IPv6 address"),
        (Method::Ip, "1.2.3.4/33", "'1.2.3.4/33' is not a valid IPv4 or IPv6 address"),
        (Method::Bin, "zz", "an hex digit is expected (found 'z')"),
        (Method::Reg, "(", "regex '(' is invalid (error=missing closing parenthesis, erroffset=1)"),
    ] {
        let error = List::new(method, false).push(pattern).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_map_is_read_and_changed() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "# comment\n\n  a \tone two \r\nb 2\n").unwrap();
    let name = file.path().to_str().unwrap().to_owned();
    let map = Map::load(&name, Method::Str).unwrap();
    let get = |key: &'static str| map.lookup(&Bytes::from_static(key.as_bytes()));
    assert_eq!(get("a"), Some("one two".into()));
    assert_eq!(get("c"), None);
    super::set_map(&name, "c", "3", &None).unwrap();
    super::set_map(&name, "a", "1", &None).unwrap();
    super::del_map(&name, "b").unwrap();
    assert_eq!((get("a"), get("b"), get("c")), (Some("1".into()), None, Some("3".into())));
    assert_eq!(super::lookup(&name, "c"), Ok(Some("3".into())));
    assert_eq!(super::set_map("/no/such", "a", "b", &None), Err(super::UnknownFile));
    let missing = Map::load("/no/such", Method::Str).unwrap_err();
    assert_eq!(missing.to_string(), "failed to open pattern file </no/such>");
}

#[test]
fn a_value_of_a_map_takes_the_groups_of_the_match() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "^/(.*)/x$ new-\\1").unwrap();
    let map = Map::open_groups(file.path().to_str().unwrap(), None).unwrap();
    assert_eq!(map.lookup(&"/abc/x".into()), Some("new-abc".into()));
}

proptest::proptest! {
    #[test]
    fn a_prefix_is_found_as_by_comparison(
        prefixes in proptest::collection::vec("[ab]{0,3}", 1..5),
        sample in "[ab]{0,5}",
    ) {
        let patterns: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        let found = list(Method::Beg, false, &patterns).find(&text(&sample));
        let expected = patterns.iter().any(|prefix| sample.starts_with(prefix));
        assert_eq!(found.is_some(), expected);
    }
}
