//! The directives of all sections, one row each.

use crate::diag::Diagnostic;
use crate::diag::Span;
use crate::diag::suggest;
use crate::syntax::Line;

use super::Cx;
use super::draft::Kind;
use super::known;

/// A directive.
#[derive(Clone, Copy)]
pub struct Directive {
    /// Its keyword.
    pub name: &'static str,
    /// The sections it may stand in, by the initials of their names: `G`, `D`, `F`, `B`,
    /// `L`, `T`.
    pub sections: &'static str,
    /// Compiles a line of it.
    pub(super) run: for<'a> fn(&mut Cx<'a>, &'a Line),
    /// Its arguments, as the documentation shows them.
    pub args: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl std::fmt::Debug for Directive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directive").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tables of all families.
const TABLES: &[&[Directive]] = &[
    super::balance::TABLE,
    super::bind::TABLE,
    super::capture::TABLE,
    super::error_file::TABLE,
    super::global::TABLE,
    super::http2::TABLE,
    super::httpclient::TABLE,
    super::log::TABLE,
    super::lua::TABLE,
    super::option::TABLE,
    super::rules::TABLE,
    super::server::TABLE,
    super::settings::TABLE,
    super::stats::TABLE,
    super::switch::TABLE,
    super::tenant::TABLE,
    super::timeout::TABLE,
    super::tls::TABLE,
    super::tune::TABLE,
];

/// Returns all directives.
pub fn directives() -> impl Iterator<Item = &'static Directive> + Clone {
    TABLES.iter().copied().flatten()
}

/// Compiles a line of the section at hand.
pub(super) fn run<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    let kind = cx.draft.kind;
    let word = line.text(0);
    let mut named = directives().filter(|row| row.name == word);
    if let Some(row) = named.clone().find(|row| row.sections.contains(kind.initial())) {
        (row.run)(cx, line);
        return;
    }
    // What belongs in proxies and what belongs elsewhere know nothing of each other.
    match named.find(|row| kind.is_proxy() && row.sections.contains(['D', 'F', 'B', 'L'])) {
        Some(row) => misplaced(cx, row, line),
        None => unknown(cx, line),
    }
}

/// Reports a directive of a proxy in a section of the wrong kind.
fn misplaced(cx: &mut Cx<'_>, row: &Directive, line: &Line) {
    let kind = cx.draft.kind;
    let span = keyword_span(line);
    let name = row.name;
    if kind == Kind::Defaults {
        cx.alert(span, format!("'{name}' not allowed in 'defaults' section."));
        return;
    }
    let lacks = if kind == Kind::Backend { "frontend" } else { "backend" };
    let owner = cx.draft.owner();
    if matches!(name, "server" | "default-server") {
        let message = format!("'{name}' not allowed because {owner} has no {lacks} capability.");
        cx.alert(span, message);
        return;
    }
    let maybe = match (name, kind) {
        ("maxconn", Kind::Backend) => " Maybe you want 'fullconn' instead ?",
        ("fullconn", _) => " Maybe you want 'maxconn' instead ?",
        _ => "",
    };
    cx.warn(span, format!("'{name}' ignored because {owner} has no {lacks} capability.{maybe}"));
}

/// Reports a keyword that is not there, or not yet.
fn unknown(cx: &mut Cx<'_>, line: &Line) {
    let kind = cx.draft.kind;
    let word = line.text(0);
    let span = keyword_span(line);
    if kind.is_proxy()
        && let Some(message) = known::removed(word)
    {
        cx.alert(span, message);
        return;
    }
    if known::is_known(kind, word) {
        cx.alert(span, format!("'{word}' is known to HAProxy but not supported yet"));
        return;
    }
    let here = directives().filter(|row| row.sections.contains(kind.initial()));
    // `no` and `default` are too short to be meant by mistake.
    let names = here.map(|row| row.name).filter(|name| !matches!(*name, "no" | "default"));
    let elsewhere: Vec<_> = directives().filter(|row| row.name == word).collect();
    let mut message = format!("unknown keyword '{word}' in '{}' section", kind.keyword());
    let mut hint = None;
    if !elsewhere.is_empty() {
        let sections: String = elsewhere.iter().map(|row| row.sections).collect();
        hint = Some(format!("'{word}' belongs in {}", places(&sections)));
    } else if let Some(near) = suggest::suggest(word, names) {
        message.push_str(&format!("; did you mean '{near}' maybe ?"));
        hint = Some(format!("did you mean '{near}' ?"));
    }
    let report = Diagnostic::alert(span, message);
    cx.push(Diagnostic { hint, ..report });
}

/// Returns the sections of a row in words.
pub(super) fn places(sections: &str) -> String {
    let kinds = Kind::ALL.iter().filter(|kind| sections.contains(kind.initial()));
    kinds.map(|kind| format!("'{}'", kind.keyword())).collect::<Vec<_>>().join(", ")
}

fn keyword_span(line: &Line) -> Span {
    line.words.first().map_or(line.span, |word| word.span)
}
