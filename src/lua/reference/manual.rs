//! `docs/lua.md`: all that scripts find, printed from the rows.

use std::fmt::Write;

use super::CLASSES;
use super::Class;
use super::Entry;
use super::Kind;
use super::sample;
use super::sample::Sample;
use crate::lua::environment;

/// Returns `docs/lua.md`.
pub(in crate::lua) fn lua() -> String {
    let mut out = String::from(
        "# The Lua API\n\n\
         All that scripts find, printed by `luaproxy manual --lua` from the tables that are compared \
         with what\na state contains. [scripts.md](scripts.md) says how it is used; `luaproxy types \
         DIR` writes the same for\nthe Lua language server. What is marked *not for tenants* is \
         missing where the scripts of a `tenant` run.\n\n",
    );
    for class in CLASSES {
        let _infallible = writeln!(out, "- [{}](#{})", class.name, anchor(class.name));
    }
    out.push_str("- [Fetches](#fetches)\n- [Converters](#converters)\n");
    for class in CLASSES {
        write_class(&mut out, class);
    }
    let how = "`txn.f`: nil where there is no sample; `txn.sf`: an empty string then. Names are those \
               of the configuration with `_` for `.` and `-`.";
    samples(&mut out, "Fetches", how, &sample::fetches());
    let how = "`txn.c`: nil where a converter gives nothing; `txn.sc`: an empty string then.";
    samples(&mut out, "Converters", how, &sample::converters());
    out
}

fn write_class(out: &mut String, class: &Class) {
    let _infallible = writeln!(out, "\n## {}\n\n{}", class.name, class.how);
    if class.is_library() && !environment::has_table(class.name) {
        out.push_str("\n*Not for tenants.*\n");
    }
    for entry in class.entries {
        let _infallible =
            writeln!(out, "\n### `{}`\n\n{}.", form(class, entry), sentence(entry.doc));
        let mut facts = Vec::new();
        if matches!(entry.kind, Kind::Function | Kind::Method) {
            facts.push(format!("where: {}", entry.at.unwrap_or(class.at).words()));
        }
        if !entry.raises.is_empty() {
            facts.push(format!("raises: {}", entry.raises));
        }
        if is_withheld(class, entry) {
            facts.push("*not for tenants*".to_owned());
        }
        if !facts.is_empty() {
            let _infallible = writeln!(out, "({})", facts.join("; "));
        }
    }
}

/// Says whether a tenant lacks a name of a table that it has.
fn is_withheld(class: &Class, entry: &Entry) -> bool {
    let of_table = matches!(entry.kind, Kind::Function | Kind::Value);
    of_table && environment::has_table(class.name) && !environment::has_name(class.name, entry.name)
}

fn form(class: &Class, entry: &Entry) -> String {
    let table = match class.name {
        "_G" => String::new(),
        name => format!("{name}."),
    };
    let object = class.name.to_lowercase();
    let gives = if entry.gives.is_empty() { String::new() } else { format!(": {}", entry.gives) };
    match entry.kind {
        Kind::Function => format!("{table}{}({}){gives}", entry.name, entry.takes),
        Kind::Value => format!("{table}{}{gives}", entry.name),
        Kind::Method => format!("{object}:{}({}){gives}", entry.name, entry.takes),
        Kind::Field => format!("{object}.{}{gives}", entry.name),
    }
}

fn samples(out: &mut String, name: &str, how: &str, list: &[Sample]) {
    let _infallible =
        writeln!(out, "\n## {name}\n\n{how}\n\n| method | gives | what |\n| --- | --- | --- |");
    for sample in list {
        let (name, takes) = (&sample.name, &sample.takes);
        let form = format!("`{name}({takes})`").replace('|', "\\|");
        let gives = sample.gives.replace('|', "\\|");
        let _infallible =
            writeln!(out, "| {form} | {gives} | {} |", sample.doc.replace('|', "\\|"));
    }
}

fn sentence(doc: &str) -> String {
    let mut letters = doc.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase()
}
