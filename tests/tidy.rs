//! The rules of the project that no compiler checks: layers, doors, sizes, the shape of a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use libtest_mimic::Failed;
use libtest_mimic::Trial;

/// A dependency and the only places that may name it.
struct Door {
    name: &'static str,
    places: &'static [&'static str],
}

const DOORS: &[Door] = &[
    Door { name: "annotate_snippets", places: &["diag/render.rs"] },
    Door { name: "argh", places: &["cli/", "main.rs"] },
    Door { name: "async_io", places: &["worker/", "task/", "cli/"] },
    Door { name: "async_task", places: &["task/scheduler.rs"] },
    Door { name: "dns_lookup", places: &["net/resolve.rs"] },
    Door { name: "full_moon", places: &["dialect/"] },
    Door { name: "h2", places: &["http/http2/", "stream/http2/"] },
    Door { name: "hdrhistogram", places: &["cli/"] },
    Door { name: "maxminddb", places: &["lua/library/"] },
    Door { name: "mlua", places: &["lua/"] },
    Door { name: "mlua_sys", places: &["lua/"] },
    Door { name: "rustls", places: &["net/tls/"] },
    Door { name: "rustls_native_certs", places: &["net/tls/"] },
    Door { name: "rustyline", places: &["cli/"] },
    Door { name: "similar", places: &["cli/"] },
    Door { name: "smol", places: &["worker/", "net/resolve.rs", "task/", "cli/"] },
    Door { name: "tokio", places: &["stream/http2/io.rs"] },
    Door { name: "webpki", places: &["lua/library/key.rs"] },
];

/// The only places with unsafe code.
const UNSAFE: &[&str] = &["lua/raw/", "net/inherited.rs"];

/// Names that say nothing.
const NAMELESS: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

/// Words that promise later work.
const DEBT: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

const LINES: usize = 600;

/// A source file of the crate.
struct Source {
    /// Below `src/`.
    path: String,
    text: String,
    /// The lines that are code: no comment, no text in quotes, no tests at the end.
    code: Vec<(usize, String)>,
}

type Rule = fn(&[Source]) -> Vec<String>;

const RULES: &[(&str, Rule)] = &[
    ("layers_go_down", layers_go_down),
    ("every_module_has_a_layer", every_module_has_a_layer),
    ("dependencies_stay_behind_their_doors", dependencies_stay_behind_their_doors),
    ("unsafe_stays_in_its_files", unsafe_stays_in_its_files),
    ("files_are_short", files_are_short),
    ("files_begin_with_what_they_hold", files_begin_with_what_they_hold),
    ("imports_are_plain", imports_are_plain),
    ("no_promises_of_later_work", no_promises_of_later_work),
    ("names_say_something", names_say_something),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = RULES
        .iter()
        .map(|(name, rule)| {
            Trial::test(format!("tidy::{name}"), move || {
                let wrong = rule(&sources());
                if wrong.is_empty() { Ok(()) } else { Err(Failed::from(wrong.join("\n"))) }
            })
        })
        .collect();
    trials.push(Trial::test("tidy::the_documents_are_there", || {
        the_documents_are_there();
        Ok(())
    }));
    trials.push(Trial::test("tidy::the_code_reader_reads", || {
        the_code_reader_reads();
        Ok(())
    }));
    trials
}

fn layers_go_down(sources: &[Source]) -> Vec<String> {
    let layers = layers();
    let mut wrong = Vec::new();
    for source in sources {
        let own = module(&source.path);
        let Some(&layer) = layers.get(own) else { continue };
        for (number, line) in &source.code {
            for used in line.split("crate::").skip(1).map(first_name) {
                if used != own && layers.get(used).is_some_and(|&other| other >= layer) {
                    wrong.push(format!(
                        "src/{}:{number}: {own} (layer {layer}) uses {used}",
                        source.path
                    ));
                }
            }
        }
    }
    wrong
}

fn every_module_has_a_layer(sources: &[Source]) -> Vec<String> {
    let layers = layers();
    let mut wrong = Vec::new();
    for source in sources {
        let own = module(&source.path);
        if !matches!(own, "lib" | "main") && !layers.contains_key(own) {
            wrong.push(format!("src/{}: '{own}' is in no layer of src/lib.rs", source.path));
        }
    }
    wrong
}

fn dependencies_stay_behind_their_doors(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for door in DOORS {
        for (source, number) in lines_with(sources, &format!("{}::", door.name)) {
            if !door.places.iter().any(|place| source.path.starts_with(place)) {
                wrong.push(format!("src/{}:{number}: '{}' has a door", source.path, door.name));
            }
        }
    }
    wrong
}

fn unsafe_stays_in_its_files(sources: &[Source]) -> Vec<String> {
    lines_with(sources, "unsafe")
        .into_iter()
        .filter(|(source, _)| !UNSAFE.iter().any(|place| source.path.starts_with(place)))
        .map(|(source, number)| format!("src/{}:{number}: unsafe code", source.path))
        .collect()
}

fn files_are_short(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| !source.path.ends_with("tests.rs"))
        .map(|source| (source, without_tests(&source.text).lines().count()))
        .filter(|(_, count)| *count > LINES)
        .map(|(source, count)| format!("src/{}: {count} lines without tests", source.path))
        .collect()
}

fn files_begin_with_what_they_hold(sources: &[Source]) -> Vec<String> {
    let tests = files(&root().join("tests")).into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    });
    sources
        .iter()
        .map(|source| (format!("src/{}", source.path), source.text.clone()))
        .chain(tests)
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| format!("{name}: does not begin with `//!`"))
        .collect()
}

fn imports_are_plain(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.path.ends_with("tests.rs")) {
        for (number, line) in &source.code {
            let Some((_, import)) = line.split_once("use ") else { continue };
            let grouped = import.starts_with("crate::{") || import.starts_with("super::{");
            if import.ends_with("::*;") || grouped {
                wrong.push(format!("src/{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    wrong
}

fn no_promises_of_later_work(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            if DEBT.iter().any(|word| {
                line.contains(&format!("{word}:")) || line.contains(&format!("{word} "))
            }) || line.contains("todo!")
                || line.contains("unimplemented!")
            {
                wrong.push(format!("src/{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    wrong
}

fn names_say_something(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| {
            let parts = source.path.trim_end_matches(".rs").split('/');
            parts.into_iter().any(|part| NAMELESS.contains(&part))
        })
        .map(|source| format!("src/{}: has no name yet, so it has no place", source.path))
        .collect()
}

fn the_documents_are_there() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap_or_default();
    let changes = read("CHANGELOG.md");
    assert!(changes.contains("## Unreleased") || changes.contains("## 0."), "CHANGELOG.md");
    let readme = read("README.md");
    for command in ["cargo run --release -- --config scripts/hello_world.cfg", "scripts/test"] {
        assert!(readme.contains(command), "README.md names `{command}`");
    }
    let architecture = read("docs/ARCHITECTURE.md");
    for name in layers().keys() {
        assert!(architecture.contains(name.as_str()), "docs/ARCHITECTURE.md names `{name}`");
    }
    assert!(!read("docs/scripts.md").is_empty(), "docs/scripts.md");
    assert!(!read("LICENSE").is_empty(), "LICENSE");
}

/// Returns the layer of each module, from the table in src/lib.rs.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut layers = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = line.split('|').map(str::trim);
        let Some(Ok(layer)) = cells.next().map(str::parse) else { continue };
        for name in cells.next().unwrap_or_default().split(',') {
            layers.insert(name.trim().to_owned(), layer);
        }
    }
    assert!(layers.len() > 10, "src/lib.rs has the table of layers");
    layers
}

fn sources() -> Vec<Source> {
    let folder = root().join("src");
    files(&folder)
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let path = file.strip_prefix(&folder).unwrap().display().to_string();
            let code = code(without_tests(&text));
            Source { path, text, code }
        })
        .collect()
}

/// Returns all Rust files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the top module of a file below `src/`.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn first_name(text: &str) -> &str {
    let end = text.find(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_');
    &text[..end.unwrap_or(text.len())]
}

fn lines_with<'a>(sources: &'a [Source], text: &str) -> Vec<(&'a Source, usize)> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in &source.code {
            if line.match_indices(text).any(|(at, _)| is_word(line, at, at + text.len())) {
                found.push((source, *number));
            }
        }
    }
    found
}

fn is_word(line: &str, start: usize, end: usize) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = line.as_bytes();
    let before = start.checked_sub(1).is_some_and(|at| part(bytes[at]));
    let after = bytes.get(end).is_some_and(|&byte| part(byte));
    !before && (!after || line[start..end].ends_with("::"))
}

/// Returns the text up to the unit tests at its end.
fn without_tests(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(at) => &text[..at],
        None => text,
    }
}

/// Returns the lines without their comments and without what stands in double quotes.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut out = String::new();
        let mut quoted = false;
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\\' if quoted => drop(chars.next()),
                '\'' if !quoted && chars.peek() == Some(&'"') => drop(chars.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && chars.peek() == Some(&'/') => break,
                _ if !quoted => out.push(char),
                _ => {}
            }
        }
        lines.push((number + 1, out));
    }
    lines
}

fn the_code_reader_reads() {
    let lines =
        code("let a = \"crate::x // \\\" unsafe\"; // unsafe\nuse crate::b; let q = '\"'; c\n");
    let lines: Vec<&str> = lines.iter().map(|(_, line)| line.trim()).collect();
    assert_eq!(lines, ["let a = ;", "use crate::b; let q = '; c"]);
    assert_eq!(first_name("net::addr"), "net");
    assert!(is_word("x unsafe {", 2, 8));
    assert!(!is_word("unsafe_code", 0, 6));
}
