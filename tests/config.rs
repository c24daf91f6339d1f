//! Configurations whose comments say what must be reported about the line below them, and nothing
//! else:
//!
//! ```text
//! # ALERT 5 unknown keyword 'timoeut' in 'frontend' section
//!     timoeut client 3s
//! ```
//!
//! The number is the column of what the message is about. Where HAProxy refuses the same line, its
//! words are compared with ours.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;

use libtest_mimic::Trial;
use luaproxy::compile;
use luaproxy::diag::Diagnostic;
use luaproxy::diag::Severity;
use luaproxy::diag::Sources;
use luaproxy::script;
use luaproxy::syntax;

use crate::support::peer;
use crate::support::peer::Tool;

const DIRECTORY: &str = "tests/config";

pub(crate) fn trials() -> Vec<Trial> {
    let mut names: Vec<String> = fs::read_dir(DIRECTORY)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".cfg"))
        .collect();
    names.sort();
    let mut trials = Vec::new();
    for name in names {
        let (file, oracle) = (name.clone(), name.clone());
        trials.push(peer::trial(format!("config::{name}"), &[], move || check(&file)));
        trials.push(peer::trial(
            format!("config::{name}::as_haproxy"),
            &[Tool::Haproxy],
            move || {
                compare(&oracle);
            },
        ));
    }
    trials.push(peer::trial("config::manual_is_current", &[], manual_is_current));
    trials
}

/// What is said about one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    line: usize,
    column: usize,
    severity: &'static str,
    message: String,
}

fn check(name: &str) {
    let path = format!("{DIRECTORY}/{name}");
    let text = fs::read_to_string(&path).unwrap();
    let mut said = report(&path, &text);
    let mut expected = expectations(&text);
    said.sort();
    expected.sort();
    if said == expected {
        return;
    }
    let mut difference = String::new();
    for said in said.iter().filter(|said| !expected.contains(said)) {
        let Said { line, column, severity, message } = said;
        writeln!(difference, "said, not expected, line {line}:\n# {severity} {column} {message}")
            .unwrap();
    }
    for Said { line, column, severity, message } in
        expected.iter().filter(|expected| !said.contains(expected))
    {
        writeln!(difference, "expected, not said, line {line}:\n# {severity} {column} {message}")
            .unwrap();
    }
    panic!("{name}:\n{difference}");
}

/// Compiles a configuration and returns what is said about it.
fn report(name: &str, text: &str) -> Vec<Said> {
    let mut sources = Sources::default();
    sources.add(name, text);
    let mut env: syntax::Env = [("HOST", "127.0.0.1")].into_iter().collect();
    let (tree, mut reports) = syntax::parse(&sources, &mut env);
    let loader = Scripts::default();
    let input = compile::Input {
        sources: &sources,
        tree: &tree,
        env: &env,
        loader: &loader,
        default_maxconn: 0,
    };
    let compiled = compile::compile(input);
    let refused = compiled.diagnostics.iter().any(|report| report.severity == Severity::Alert);
    assert_eq!(compiled.program.is_none(), refused, "an alert leaves no program");
    reports.extend(compiled.diagnostics);
    reports.iter().map(|report| said(&sources, report)).collect()
}

fn said(sources: &Sources, report: &Diagnostic) -> Said {
    let severity = match report.severity {
        Severity::Alert => "ALERT",
        Severity::Warning => "WARNING",
        Severity::Notice => "NOTICE",
        Severity::Diag => "DIAG",
    };
    let message = without_lines(&report.message.replace('\n', "\\n"));
    let Some(span) = report.span else { return Said { line: 0, column: 0, severity, message } };
    let (_, line) = sources.place(span);
    let text = sources.source(span.source).map_or("", |source| source.text.as_str());
    let start = span.start as usize;
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    Said { line, column: start - begin + 1, severity, message }
}

/// Replaces the numbers of lines, as in `x.cfg:7`, which every new comment would change.
fn without_lines(message: &str) -> String {
    let mut out = String::new();
    for (index, part) in message.split(".cfg:").enumerate() {
        let digits =
            part.find(|byte: char| !byte.is_ascii_digit() && byte != 'N').unwrap_or(part.len());
        out.push_str(if index == 0 { part } else { ".cfg:N" });
        out.push_str(if index == 0 { "" } else { &part[digits..] });
    }
    match out.find(" at line ") {
        Some(at) => out[..at].to_owned() + out[at + 9..].trim_start_matches(char::is_numeric),
        None => out,
    }
}

/// Returns what the comments say must be reported.
fn expectations(text: &str) -> Vec<Said> {
    let mut pending: Vec<Said> = Vec::new();
    let mut done = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("# ").and_then(|comment| {
            let (severity, rest) = comment.split_once(' ')?;
            let severity =
                ["ALERT", "WARNING", "NOTICE"].into_iter().find(|known| *known == severity)?;
            let (column, message) = rest.split_once(' ')?;
            Some((severity, column.parse().unwrap(), message.to_owned()))
        });
        match comment {
            Some((severity, column, message)) => {
                pending.push(Said { line: 0, column, severity, message });
            }
            None => done.extend(pending.drain(..).map(|said| Said { line: index + 1, ..said })),
        }
    }
    assert!(pending.is_empty(), "a comment stands above no line");
    done
}

/// Compares words with HAProxy, line by line: where both say something about a line, it is the
/// same, unless ours is that it is not supported yet.
fn compare(name: &str) {
    let path = format!("{DIRECTORY}/{name}");
    let text = fs::read_to_string(&path).unwrap();
    if text.starts_with("# not HAProxy:") {
        return;
    }
    let ours = report(&path, &text);
    let haproxy = Tool::Haproxy.path().unwrap();
    let output =
        Command::new(haproxy).env("HOST", "127.0.0.1").args(["-c", "-f", &path]).output().unwrap();
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    let theirs: Vec<(usize, String)> =
        output.lines().filter_map(|line| their_words(&path, line)).collect();
    for said in &ours {
        let unsupported = said.message.ends_with("not supported yet");
        let theirs: Vec<String> = theirs
            .iter()
            .filter(|(line, _)| *line == said.line)
            .map(|(_, message)| normal(message))
            .collect();
        let same = ours
            .iter()
            .filter(|other| other.line == said.line)
            .any(|other| theirs.contains(&normal(&other.message)));
        assert!(
            theirs.is_empty() || unsupported || same,
            "{path}:{}\n HAProxy: {theirs:#?}\n ours:    {}",
            said.line,
            said.message
        );
    }
}

/// Returns the line and the message of `[ALERT] (1) : config : parsing [x.cfg:7] : message`.
fn their_words(name: &str, text: &str) -> Option<(usize, String)> {
    let (_, rest) = text.split_once(" : config : ")?;
    let rest = rest.strip_prefix("parsing ")?;
    let (place, message) = rest.strip_prefix('[')?.split_once(']')?;
    if message.contains("too many fatal errors") {
        return None;
    }
    let line = place.strip_prefix(name)?.strip_prefix(':')?.parse().ok()?;
    Some((line, message.trim_start_matches([' ', ':']).to_owned()))
}

/// Returns a message without what may differ: lists of names, guesses, the final stop.
fn normal(message: &str) -> String {
    let mut message = without_lines(message);
    for guess in ["; did you mean", " Did you mean"] {
        // HAProxy guesses where we do not, and the other way round.
        if let Some(at) = message.find(guess) {
            message.truncate(at);
        }
    }
    for list in ["' expects 'add-", "' expects 'accept", "' expects 'wait-for", "' expects 'ot-"] {
        if let Some(at) = message.find(list) {
            let got = message.rfind("got '").unwrap_or(message.len());
            message.replace_range(at..got, "' expects .. ");
        }
    }
    message.trim_end_matches(['.', ' ']).to_owned()
}

fn manual_is_current() {
    let manual = compile::manual::configuration();
    let path = "docs/configuration.md";
    if std::env::var_os("LUAPROXY_WRITE_DOCS").is_some() {
        fs::create_dir_all("docs").unwrap();
        fs::write(path, &manual).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == manual, "{path} is old: print it anew with `luaproxy manual`");
}

/// A host whose scripts have registered a function of each kind, and have two globals.
#[derive(Debug, Default)]
struct Scripts {
    loaded: Mutex<Vec<script::Load>>,
}

impl script::Registry for Scripts {
    fn find_fetch(&self, name: &str) -> Option<script::Id> {
        matches!(name, "known" | "acme:check").then_some(script::Id(0))
    }

    fn find_converter(&self, name: &str) -> Option<script::Id> {
        matches!(name, "known" | "acme:check").then_some(script::Id(0))
    }

    fn find_action(&self, name: &str) -> Option<script::Action> {
        let environments = vec!["http-req", "tcp-req"];
        let arguments = usize::from(name == "with_argument");
        matches!(name, "known" | "with_argument" | "acme:check").then_some(script::Action {
            id: script::Id(0),
            environments,
            arguments,
        })
    }

    fn find_service(&self, name: &str) -> Option<script::Service> {
        match name {
            "http" | "acme:serve" => Some(script::Service { id: script::Id(0), http: true }),
            "tcp" => Some(script::Service { id: script::Id(1), http: false }),
            _ => None,
        }
    }

    fn global_function(&self, name: &str) -> Result<script::Id, script::FunctionError> {
        match name {
            "known" => Ok(script::Id(1)),
            "number" => Err(script::FunctionError::NotAFunction),
            _ => Err(script::FunctionError::NotFound),
        }
    }

    fn is_shared(&self, _: script::Kind, _: script::Id) -> bool {
        true
    }
}

impl script::Loader for Scripts {
    fn load(&self, load: &script::Load) -> Result<(), script::LoadError> {
        if load.file.ends_with("missing.lua") {
            let message = format!(
                "error in Lua file '{0}': cannot open {0}: No such file or directory",
                load.file
            );
            return Err(script::LoadError { message, traceback: Vec::new() });
        }
        self.loaded.lock().unwrap().push(load.clone());
        Ok(())
    }

    fn load_tenant(&self, policy: Arc<script::policy::Policy>) -> Result<(), script::LoadError> {
        policy.loads.iter().try_for_each(|load| self.load(load))
    }

    fn libraries(&self) -> Vec<&'static str> {
        vec!["base64", "json"]
    }

    fn prepend_path(&self, _: &str, _: bool) {}

    fn set(&self, _: script::Setting) {}

    fn run_init(&self) -> Result<(), script::LoadError> {
        Ok(())
    }
}
