//! The links of the documents: what they lead to in the repository is there.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use libtest_mimic::Trial;

use crate::support::peer;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        peer::trial("link::links_lead_somewhere", &[], links_lead_somewhere),
        peer::trial("link::headings_have_their_anchors", &[], headings_have_their_anchors),
    ]
}

fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for file in documents() {
        let text = without_code(&fs::read_to_string(&file).unwrap());
        for link in links(&text) {
            if !leads_somewhere(&file, link) {
                dead.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

fn headings_have_their_anchors() {
    for (heading, name) in [
        ("## Writing scripts", "writing-scripts"),
        ("# `core`: time, and more", "core-time-and-more"),
        ("### `txn.http`", "txnhttp"),
        ("## How long_ may it - run?", "how-long_-may-it---run"),
    ] {
        assert_eq!(anchor(heading).as_deref(), Some(name));
    }
    assert_eq!(anchor("#no heading"), None);
    assert_eq!(links("a [b](c#d) and ![e](f \"g\") [h] (i)"), ["c#d", "f"]);
    assert_eq!(without_code("a\n```lua\n[b](c)\n```\nd `[e](f)`\n"), "a\nd \n");
}

/// Returns the documents of the repository, those of bench and types included.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["", "docs", "bench", "scripts", "types", "tests/fuzz"].map(|name| root.join(name));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    files
}

fn leads_somewhere(file: &Path, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let (path, name) = link.split_once('#').map_or((link, None), |(path, name)| (path, Some(name)));
    let target = match path {
        "" => file.to_owned(),
        _ => file.parent().unwrap().join(path),
    };
    match name {
        None => target.exists(),
        Some(name) => fs::read_to_string(target).is_ok_and(|text| {
            without_fences(&text).lines().filter_map(anchor).any(|known| known == name)
        }),
    }
}

/// Returns where the links of a text lead.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    ends.collect()
}

/// Returns the name that a heading has in links.
fn anchor(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    if level == 0 || level > 6 || !text.starts_with(' ') {
        return None;
    }
    let kept = text.trim().chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

fn without_code(text: &str) -> String {
    let text = without_fences(text);
    text.split('`').step_by(2).collect()
}

fn without_fences(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
