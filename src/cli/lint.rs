//! `luaproxy lint`: what an author should look at in a script.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use argh::FromArgValue;
use argh::FromArgs;

use super::command::Input;
use super::configuration::reason;
use super::console::Console;
use crate::diag::Diagnostic;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::diag::Span;
use crate::diag::render;
use crate::dialect;
use crate::dialect::Edit;
use crate::dialect::Finding;

/// Shows what a script does otherwise here than in Lua 5.4, globals that its functions write, what
/// waits where nothing may, and what is not compiled in loops of registered functions.
/// The exit status is 0 where there is nothing to say, 1 where there is, 2 where a file is not read.
#[derive(FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Lint {
    /// rewrite what can be without changing what it does
    #[argh(switch)]
    fix: bool,

    /// how to say it: text, json, or github (annotations of a workflow)
    #[argh(option, default = "Format::Text")]
    format: Format,

    /// scripts
    #[argh(positional)]
    files: Vec<PathBuf>,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Github,
}

const FORMATS: &[(&str, Format)] =
    &[("github", Format::Github), ("json", Format::Json), ("text", Format::Text)];

impl FromArgValue for Format {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        let found = FORMATS.iter().find(|(name, _)| *name == value);
        found.map(|(_, format)| *format).ok_or_else(|| {
            let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            format!("takes one of '{}', not '{value}'", known.join("', '"))
        })
    }
}

/// A finding, and where a reader finds it.
struct Shown<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    finding: &'a Finding,
}

const FOUND: u8 = 1;

pub(super) fn run(input: &Input<'_>) -> ExitCode {
    let lint: Lint = match input.parse() {
        Ok(lint) => lint,
        Err(code) => return code,
    };
    if lint.files.is_empty() {
        return input.wrong("lint: no file is named");
    }
    let (mut found, mut unread) = (false, false);
    for file in &lint.files {
        match one(file, &lint, input.console) {
            Ok(count) => found |= count > 0,
            Err(why) => {
                unread = true;
                input.console.line(Severity::Alert, &format!("lint: {why}"));
            }
        }
    }
    match (unread, found) {
        (true, _) => ExitCode::from(super::command::USAGE),
        (false, true) => ExitCode::from(FOUND),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// Says what there is to say of a file; returns how much that is.
fn one(file: &Path, lint: &Lint, console: Console) -> Result<usize, String> {
    let name = file.display().to_string();
    let mut text =
        fs::read(file).map_err(|error| format!("cannot read '{name}': {}", reason(&error)))?;
    let read = |text: &[u8]| {
        dialect::lint(text).map_err(|error| format!("{name}:{}: {}", error.line, error.message))
    };
    let mut findings = read(&text)?;
    if lint.fix {
        let edits: Vec<Edit> = findings.iter().flat_map(|finding| finding.fix.clone()).collect();
        if !edits.is_empty() {
            text = dialect::apply(&text, &edits);
            fs::write(file, &text)
                .map_err(|error| format!("cannot write '{name}': {}", reason(&error)))?;
            findings = read(&text)?;
        }
    }
    match lint.format {
        Format::Text => console.answer(&picture(&name, &text, &findings)),
        Format::Json => each(&name, &text, &findings, |shown| console.answer(&json(shown))),
        Format::Github => each(&name, &text, &findings, |shown| console.answer(&github(shown))),
    }
    Ok(findings.len())
}

fn each(file: &str, text: &[u8], findings: &[Finding], mut show: impl FnMut(&Shown<'_>)) {
    for finding in findings {
        let before = text.get(..finding.place.0).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        show(&Shown { file, line, column: before.len() - start + 1, finding });
    }
}

/// Returns findings as the program shows what is wrong with a configuration.
fn picture(file: &str, text: &[u8], findings: &[Finding]) -> String {
    let mut sources = Sources::default();
    let source = sources.add(file, String::from_utf8_lossy(text));
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let warnings: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| {
            let (start, end) = finding.place;
            let span = Span { source, start: offset(start), end: offset(end) };
            let message = format!("{} [{}]", finding.message, finding.rule);
            let warning = Diagnostic::warning(span, message);
            match &finding.hint {
                Some(hint) => warning.hint(hint),
                None => warning,
            }
        })
        .collect();
    render::pictures(&sources, &warnings)
}

/// Returns a finding as an object on a line of its own.
fn json(shown: &Shown<'_>) -> String {
    let Shown { file, line, column, finding } = shown;
    let object = serde_json::json!({
        "file": file, "line": line, "column": column, "rule": finding.rule,
        "message": finding.message, "hint": finding.hint, "fixable": !finding.fix.is_empty(),
    });
    format!("{object}\n")
}

/// Returns a finding as a command of a GitHub workflow.
fn github(shown: &Shown<'_>) -> String {
    let escape = |text: &str| {
        text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace(':', "%3A")
    };
    let Shown { file, line, column, finding } = shown;
    let message = finding.message.replace('%', "%25").replace('\n', "%0A");
    format!(
        "::warning file={},line={line},col={column},title={}::{message}\n",
        escape(file).replace(',', "%2C"),
        finding.rule
    )
}
