//! All that scripts find, in words: what `docs/lua.md` and `types/` are printed from.
//!
//! # How to add a name
//!
//! Each class, table and library is a [`Class`] in one of the files here, and each of its names a
//! row, in the order of the names. A row is made by
//!
//! - [`function`]: of a table, called with a dot (`core.sleep(1)`, `Map.new(..)`);
//! - [`value`]: of a table, no function (`core.thread`, `act.DENY`);
//! - [`method`]: of an object, called with a colon (`txn:get_var(..)`);
//! - [`field`]: of an object, no function (`txn.f`).
//!
//! What it takes is written `name: type, optional?: type, ...: type`, what it gives
//! `type, type?`; types are those of the Lua language server (`string[]`,
//! `table<string, string>`, `fun(txn: TXN)`, the name of a class here). `at` says where it may be
//! called, when that is not wherever the class can be had; `raises` says which errors a caller
//! should expect beside those of wrong arguments. A new class goes into [`CLASSES`] too.
//!
//! The tests here compare the rows with what a state contains, both ways: who adds a function to a
//! state is told which row is missing, who removes one is told which row is left. Then
//! `LUAPROXY_WRITE_DOCS=1 cargo test --lib lua_manual` prints `docs/lua.md` and `types/` anew.

mod applet;
mod client;
mod core;
mod library;
pub(super) mod manual;
mod object;
mod proxy;
mod sample;
#[cfg(test)]
mod tests;
mod txn;
pub(super) mod types;

/// A class of objects, a table or a library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// Its name: that of the global, where it is a table.
    pub name: &'static str,
    /// How a script comes by it.
    pub how: &'static str,
    /// Where it can be had.
    pub at: Contexts,
    /// Its names, sorted.
    pub entries: &'static [Entry],
}

/// One name of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub name: &'static str,
    pub kind: Kind,
    /// Its parameters; the type of a field or value is in `gives`.
    pub takes: &'static str,
    /// Its results.
    pub gives: &'static str,
    /// Where it may be called; `None` is wherever the class can be had.
    pub at: Option<Contexts>,
    /// Which errors it raises beside those of wrong arguments.
    pub raises: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a table, called with a dot.
    Function,
    /// Of a table.
    Value,
    /// Of an object, called with a colon.
    Method,
    /// Of an object.
    Field,
}

/// A set of the contexts in which scripts run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contexts(u8);

/// All classes, in the order of the manual.
pub(super) const CLASSES: &[&Class] = &[
    &core::CORE,
    &core::ACT,
    &txn::TXN,
    &txn::HTTP,
    &txn::HTTP_REQ,
    &txn::HTTP_RES,
    &txn::REPLY,
    &txn::CHANNEL,
    &applet::HTTP,
    &applet::TCP,
    &object::SOCKET,
    &client::HTTP_CLIENT,
    &object::CONCAT,
    &object::MAP,
    &object::PATREF,
    &object::REGEX,
    &object::CERT_CACHE,
    &client::QUEUE,
    &proxy::PROXY,
    &proxy::SERVER,
    &proxy::LISTENER,
    &proxy::EVENT_SUB,
    &library::GLOBAL,
    &library::BIT,
    &library::BIT32,
    &library::BIT64,
    &library::COROUTINE,
    &library::DEBUG,
    &library::FILE,
    &library::IO,
    &library::JIT,
    &library::MATH,
    &library::OS,
    &library::PACKAGE,
    &library::STRING,
    &library::TABLE,
    &library::UTF8,
];

/// The order of the contexts in a [`Contexts`].
const NAMES: &[&str] = &["body", "init", "task", "action", "sample fetch", "converter", "service"];

impl Contexts {
    pub(super) const BODY: Self = Self(1);
    pub(super) const ACTION: Self = Self(8);
    pub(super) const SERVICE: Self = Self(64);
    /// Body and init: while the configuration is read.
    pub(super) const LOADING: Self = Self(3);
    /// Where a script may wait.
    pub(super) const WAITING: Self = Self(4 | 8 | 64);
    /// Where there is a transaction.
    pub(super) const TXN: Self = Self(8 | 16);
    pub(super) const NOT_BODY: Self = Self(126);
    pub(super) const ANYWHERE: Self = Self(127);

    /// Says them in words.
    pub(super) fn words(self) -> String {
        if self == Self::ANYWHERE {
            return "anywhere".to_owned();
        }
        let is_in = |place: usize| self.0 & (1 << place) != 0;
        let names = NAMES.iter().enumerate().filter(|(place, _)| is_in(*place));
        names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the row of a function of a table.
const fn function(
    name: &'static str,
    takes: &'static str,
    gives: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { name, kind: Kind::Function, takes, gives, at: None, raises: "", doc }
}

/// Returns the row of a value of a table.
const fn value(name: &'static str, gives: &'static str, doc: &'static str) -> Entry {
    Entry { name, kind: Kind::Value, takes: "", gives, at: None, raises: "", doc }
}

/// Returns the row of a method of an object.
const fn method(
    name: &'static str,
    takes: &'static str,
    gives: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { name, kind: Kind::Method, takes, gives, at: None, raises: "", doc }
}

/// Returns the row of a field of an object.
const fn field(name: &'static str, gives: &'static str, doc: &'static str) -> Entry {
    Entry { name, kind: Kind::Field, takes: "", gives, at: None, raises: "", doc }
}

impl Entry {
    /// Says where it may be called.
    const fn at(self, contexts: Contexts) -> Self {
        Self { at: Some(contexts), ..self }
    }

    /// Says which errors it raises.
    const fn raises(self, raises: &'static str) -> Self {
        Self { raises, ..self }
    }
}

impl Class {
    /// Says whether it is Lua's own: its types are known without us.
    fn is_library(&self) -> bool {
        library::ALL.contains(&self.name)
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parameter<'a> {
    name: &'a str,
    optional: bool,
    kind: &'a str,
}

/// Splits what a row takes into its parameters.
fn parameters(takes: &str) -> Vec<Parameter<'_>> {
    let split = |text| split_top(text).into_iter();
    split(takes)
        .map(|part| {
            let (name, kind) = part.split_once(':').unwrap_or((part, "any"));
            let (name, optional) = match name.strip_suffix('?') {
                Some(name) => (name, true),
                None => (name, false),
            };
            Parameter { name, optional, kind: kind.trim() }
        })
        .collect()
}

/// Splits at the commas that stand in no brackets.
fn split_top(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (place, letter) in text.char_indices() {
        match letter {
            '(' | '<' | '[' | '{' => depth += 1,
            ')' | '>' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}
