//! `types/`: annotations for the Lua language server, printed from the rows.

use std::fmt::Write;

use super::CLASSES;
use super::Class;
use super::Entry;
use super::Kind;
use super::parameters;
use super::sample;
use super::sample::Sample;
use super::split_top;

/// What an editor must know to find the files.
const SETTINGS: &str = "{
    \"$schema\": \"https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json\",
    \"runtime\": { \"version\": \"LuaJIT\" },
    \"workspace\": { \"library\": [\"types\"] }
}
";

/// Returns the names and texts of the files.
pub(in crate::lua) fn files() -> Vec<(String, String)> {
    let own = CLASSES.iter().filter(|class| !class.is_library());
    let mut files: Vec<_> =
        own.map(|class| (format!("{}.lua", class.name), annotate(class))).collect();
    files.push(("Fetches.lua".to_owned(), samples("Fetches", &sample::fetches())));
    files.push(("Converters.lua".to_owned(), samples("Converters", &sample::converters())));
    files.push((".luarc.json".to_owned(), SETTINGS.to_owned()));
    files.sort();
    files
}

fn annotate(class: &Class) -> String {
    let mut out = head(class.name, class.how);
    let is_global = class.entries.iter().any(is_of_table);
    for entry in class.entries.iter().filter(|entry| !is_callable(entry)) {
        let _infallible = writeln!(
            out,
            "---@field {} {} {}",
            field_name(entry.name),
            union(entry.gives),
            entry.doc
        );
    }
    let _infallible = match is_global {
        true => writeln!(out, "{} = {{}}", class.name),
        false => writeln!(out, "local {} = {{}}", class.name),
    };
    for entry in class.entries.iter().filter(|entry| is_callable(entry)) {
        let separator = if entry.kind == Kind::Function { '.' } else { ':' };
        let Entry { name, takes, gives, doc, .. } = entry;
        Function { class: class.name, separator, name, takes, gives, doc }.annotate(&mut out);
    }
    out
}

fn samples(name: &str, list: &[Sample]) -> String {
    let mut out = head(name, "HAProxy's own, as methods.");
    let _infallible = writeln!(out, "local {name} = {{}}");
    for sample in list {
        let doc = format!("`{}`: {}", sample.original, sample.doc);
        let (takes, gives) = (&sample.takes, &format!("{}|nil", sample.gives));
        Function { class: name, separator: ':', name: &sample.name, takes, gives, doc: &doc }
            .annotate(&mut out);
    }
    out
}

fn head(name: &str, how: &str) -> String {
    format!(
        "---@meta\n-- Printed by `luaproxy types`: do not edit.\n\n--- {how}\n---@class {name}\n"
    )
}

/// A function to annotate.
struct Function<'a> {
    class: &'a str,
    separator: char,
    name: &'a str,
    takes: &'a str,
    gives: &'a str,
    doc: &'a str,
}

impl Function<'_> {
    fn annotate(&self, out: &mut String) {
        let Self { class, separator, name, takes, gives, doc } = self;
        let _infallible = writeln!(out, "\n--- {doc}");
        let parameters = parameters(takes);
        for parameter in &parameters {
            let mark = if parameter.optional { "?" } else { "" };
            let _infallible =
                writeln!(out, "---@param {}{mark} {}", safe(parameter.name), parameter.kind);
        }
        for kind in split_top(gives) {
            let kind = if kind == "..." { "any ..." } else { kind };
            let _infallible = writeln!(out, "---@return {kind}");
        }
        let mut names: Vec<_> = parameters.iter().map(|parameter| safe(parameter.name)).collect();
        let _infallible = if is_keyword(name) {
            names.insert(0, "self");
            writeln!(out, "{class}[\"{name}\"] = function({}) end", names.join(", "))
        } else {
            writeln!(out, "function {class}{separator}{name}({}) end", names.join(", "))
        };
    }
}

fn is_of_table(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Function | Kind::Value)
}

fn is_callable(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Function | Kind::Method)
}

fn field_name(name: &str) -> String {
    if is_keyword(name) { format!("[\"{name}\"]") } else { name.to_owned() }
}

fn union(gives: &str) -> String {
    split_top(gives).join("|")
}

/// A parameter may not be named like a keyword.
fn safe(name: &str) -> &str {
    match name {
        "function" => "func",
        "end" => "stop",
        name => name,
    }
}

fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
        "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
    ];
    KEYWORDS.contains(&name)
}
