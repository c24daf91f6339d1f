//! The sections: which there are, what they are named, and the walk through their lines.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Span;
use crate::proxy;
use crate::syntax::Line;
use crate::syntax::Section;

use super::Cx;
use super::draft::Draft;
use super::draft::Kind;
use super::draft::Settings;
use super::lua;
use super::rules;
use super::settings;
use super::table;
use super::tenant;

/// Compiles the `global` sections and loads the scripts they name, then those of tenants.
pub(super) fn globals(cx: &mut Cx<'_>) {
    for section in &cx.input.tree.sections {
        if section.keyword.text != "global" {
            continue;
        }
        if let Some(word) = section.args.first() {
            let message = format!("'global' cannot handle unexpected argument '{}'.", word.text);
            cx.alert(word.span, message);
        }
        for line in &section.lines {
            table::run(cx, line);
        }
    }
    lua::load(cx);
    tenant::sections(cx);
}

/// Compiles the sections of proxies.
pub(super) fn proxies<'a>(cx: &mut Cx<'a>) -> Vec<Draft<'a>> {
    let named = directory(cx);
    let mut drafts = Vec::new();
    let mut defaults: Vec<(&str, Settings<'a>)> = Vec::new();
    for section in &cx.input.tree.sections {
        match Kind::find(&section.keyword.text) {
            Some(Kind::Global | Kind::Tenant) => {}
            Some(Kind::Defaults) => {
                let name = section.name().filter(|name| *name != "from").unwrap_or_default();
                let settings = base(cx, section, Kind::Defaults, &defaults);
                let draft = Draft {
                    kind: Kind::Defaults,
                    name: name.to_owned(),
                    span: section.span,
                    settings,
                    ..Draft::default()
                };
                let draft = body(cx, draft, section);
                defaults.push((name, draft.settings));
            }
            Some(kind) => {
                let Some((_, id)) = named.iter().find(|(span, _)| *span == section.span) else {
                    continue;
                };
                let settings = base(cx, section, kind, &defaults);
                let draft = Draft {
                    kind,
                    name: section.name().unwrap_or_default().to_owned(),
                    id: Some(*id),
                    span: section.span,
                    settings,
                    ..Draft::default()
                };
                drafts.push(body(cx, draft, section));
            }
            None => {
                let keyword = &section.keyword.text;
                let message =
                    format!("section '{keyword}' is known to HAProxy but not supported yet");
                cx.alert(section.keyword.span, message);
            }
        }
    }
    drafts
}

/// Learns the names of all proxies and their servers; returns which section has which id.
fn directory(cx: &mut Cx<'_>) -> Vec<(Span, proxy::Id)> {
    let mut seen: Vec<(Kind, &str, Span)> = Vec::new();
    let mut named = Vec::new();
    for section in &cx.input.tree.sections {
        let Some(kind) = Kind::find(&section.keyword.text) else { continue };
        if !kind.is_proxy() || kind == Kind::Defaults {
            continue;
        }
        let Some(name) = name(cx, section, kind) else { continue };
        let clash = seen.iter().find(|(other, known, _)| *known == name && clashes(*other, kind));
        if let Some((other, _, at)) = clash {
            let (file, line) = cx.input.sources.place(section.span);
            let (other_file, other_line) = cx.input.sources.place(*at);
            let message = format!(
                "Parsing [{file}:{line}]: {} '{name}' has the same name as {} '{name}' declared \
                 at {other_file}:{other_line}.",
                kind.noun(),
                other.noun()
            );
            cx.alert_bare(section.args.first().map_or(section.span, |word| word.span), message);
        }
        seen.push((kind, name, section.span));
        let servers = section.lines.iter().filter(|line| line.text(0) == "server");
        let servers = servers.map(|line| line.text(1).to_owned()).collect();
        let id = proxy::Id(u32::try_from(cx.directory.entries.len()).unwrap_or(u32::MAX));
        cx.directory.entries.push((name.to_owned(), kind.caps(), servers));
        named.push((section.span, id));
    }
    named
}

/// HAProxy: a frontend and a backend may have the same name.
fn clashes(one: Kind, other: Kind) -> bool {
    let (one, other) = (one.caps(), other.caps());
    (one.frontend && other.frontend) || (one.backend && other.backend)
}

/// Returns the name of a section of a proxy, if it has a good one.
fn name<'a>(cx: &mut Cx<'_>, section: &'a Section, kind: Kind) -> Option<&'a str> {
    let keyword = kind.keyword();
    let Some(word) = section.args.first() else {
        cx.alert(section.span, format!("'{keyword}' expects an <id> argument"));
        return None;
    };
    if let Some(bad) = word.text.chars().find(|c| !is_name_char(*c)) {
        let message =
            format!("character '{bad}' is not permitted in '{keyword}' name '{}'.", word.text);
        cx.alert(word.span, message);
        return None;
    }
    if let Some(extra) = section.args.get(1)
        && extra.text != "from"
    {
        cx.alert(extra.span, "please use the 'bind' keyword for listening addresses.");
    }
    Some(&word.text)
}

/// Tells whether a name of a proxy or a server may have this character.
pub(super) fn is_name_char(byte: char) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, '-' | '_' | '.' | ':')
}

/// Returns the settings that a section begins with.
fn base<'a>(
    cx: &mut Cx<'a>,
    section: &'a Section,
    kind: Kind,
    defaults: &[(&str, Settings<'a>)],
) -> Settings<'a> {
    let from = section.args.iter().position(|word| word.text == "from");
    let Some(from) = from.filter(|at| *at == 1 || kind == Kind::Defaults) else {
        // A `defaults` section begins anew.
        return match defaults.last() {
            Some((_, settings)) if kind != Kind::Defaults => settings.clone(),
            _ => Settings::default(),
        };
    };
    let Some(word) = section.args.get(from + 1) else {
        let span = section.args.get(from).map_or(section.span, |word| word.span);
        let message = format!("'{}' expects a <defaults> name after 'from'.", kind.keyword());
        cx.alert(span, message);
        return Settings::default();
    };
    if let Some((_, settings)) = defaults.iter().rev().find(|(name, _)| *name == word.text) {
        return settings.clone();
    }
    let name = section.name().unwrap_or_default();
    let message =
        format!("defaults section '{}' not found for {} '{name}'.", word.text, kind.noun());
    cx.alert(word.span, message);
    Settings::default()
}

/// Compiles the lines of a section: first those that its `defaults` section leaves to it.
fn body<'a>(cx: &mut Cx<'a>, draft: Draft<'a>, section: &'a Section) -> Draft<'a> {
    cx.draft = draft;
    // The mode tells what expressions may read, wherever its line stands.
    for line in section.lines.iter().filter(|line| line.text(0) == "mode") {
        settings::set_mode(cx, line.text(1));
    }
    if cx.draft.kind != Kind::Defaults {
        cx.replaying = true;
        for line in cx.draft.settings.lines.clone() {
            if rules::applies(cx.draft.kind, line) {
                table::run(cx, line);
            }
        }
        cx.replaying = false;
        cx.draft.orders = Default::default();
    }
    for line in &section.lines {
        statement(cx, line);
    }
    std::mem::take(&mut cx.draft)
}

/// Compiles a line that may begin with `no` or `default`.
fn statement<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    match line.text(0) {
        "no" | "default" if line.text(1) == "option" => table::run(cx, line),
        "no" if line.text(1) == "log" => table::run(cx, line),
        "no" | "default" => {
            let message = "negation/default currently supported only for options, log, \
                           busy-polling, set-dumpable, strict-limits, insecure-fork-wanted and \
                           numa-cpu-mapping.";
            cx.push(Diagnostic::alert(line.span, message).lead(Lead::Reader));
        }
        _ => table::run(cx, line),
    }
}
