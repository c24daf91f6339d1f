//! The commands of the runtime API (`stats socket`), one row each: words in, text out. Knows no
//! socket and no script.

use std::sync::Arc;

use crate::proxy::Set;

mod map;
mod server;
mod show;

/// What a socket, or who speaks through it, may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    User,
    #[default]
    Operator,
    Admin,
}

/// One command as it was given.
#[derive(Debug)]
pub struct Call<'a> {
    pub set: &'a Arc<Set>,
    pub level: Level,
    /// What follows the words of the row.
    words: &'a [&'a str],
}

/// A command.
#[derive(Clone, Copy)]
struct Row {
    words: &'static str,
    args: &'static str,
    doc: &'static str,
    level: Level,
    run: fn(&Call<'_>) -> Result<String, String>,
}

/// All commands but those that change the conversation itself, by name.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { words: "add acl", args: "<acl> <pattern>", doc: "add an acl entry", level: Level::Operator, run: map::add_acl },
    Row { words: "add map", args: "<map> <key> <val>", doc: "add a map entry", level: Level::Operator, run: map::add_map },
    Row { words: "clear acl", args: "<acl>", doc: "clear the contents of this acl", level: Level::Operator, run: map::clear },
    Row { words: "clear map", args: "<map>", doc: "clear the contents of this map", level: Level::Operator, run: map::clear },
    Row { words: "del acl", args: "<acl> <key>", doc: "delete acl entries matching <key>", level: Level::Operator, run: map::del },
    Row { words: "del map", args: "<map> <key>", doc: "delete map entries matching <key>", level: Level::Operator, run: map::del },
    Row { words: "disable frontend", args: "<frontend>", doc: "temporarily disable specific frontend", level: Level::Admin, run: server::disable_frontend },
    Row { words: "disable server", args: "<bk>/<srv>", doc: "disable a server for maintenance", level: Level::Admin, run: server::disable_server },
    Row { words: "enable frontend", args: "<frontend>", doc: "re-enable specific frontend", level: Level::Admin, run: server::enable_frontend },
    Row { words: "enable server", args: "<bk>/<srv>", doc: "enable a disabled server", level: Level::Admin, run: server::enable_server },
    Row { words: "get acl", args: "<acl> <value>", doc: "report the patterns matching a sample for an ACL", level: Level::User, run: map::get_acl },
    Row { words: "get map", args: "<map> <value>", doc: "report the keys and values matching a sample for a map", level: Level::User, run: map::get_map },
    Row { words: "get weight", args: "<bk>/<srv>", doc: "report a server's current weight", level: Level::User, run: server::get_weight },
    Row { words: "set map", args: "<map> <key> <value>", doc: "modify a map entry", level: Level::Operator, run: map::set_map },
    Row { words: "set maxconn server", args: "<bk>/<srv>", doc: "change a server's maxconn setting", level: Level::Admin, run: server::set_maxconn },
    Row { words: "set server", args: "<bk>/<srv> [opts]", doc: "change a server's state, weight or address", level: Level::Admin, run: server::set_server },
    Row { words: "set weight", args: "<bk>/<srv> <weight>", doc: "change a server's weight", level: Level::Admin, run: server::set_weight },
    Row { words: "show acl", args: "[<acl>]", doc: "report available acls or dump an acl's contents", level: Level::User, run: map::show_acl },
    Row { words: "show backend", args: "", doc: "list backends in the current running config", level: Level::User, run: show::backend },
    Row { words: "show cli level", args: "", doc: "display the level of the current CLI session", level: Level::User, run: show::cli_level },
    Row { words: "show env", args: "[var]", doc: "dump environment variables known to the process", level: Level::Operator, run: show::env },
    Row { words: "show info", args: "", doc: "report information about the running process", level: Level::User, run: show::info },
    Row { words: "show map", args: "[<map>]", doc: "report available maps or dump a map's contents", level: Level::User, run: map::show_map },
    Row { words: "show servers state", args: "[<backend>]", doc: "dump volatile server information", level: Level::User, run: show::servers_state },
    Row { words: "show stat", args: "[<iid|proxy> <type> <sid>]", doc: "report counters for each proxy and server", level: Level::User, run: show::stat },
    Row { words: "show version", args: "", doc: "show version of the current process", level: Level::User, run: show::version },
    Row { words: "shutdown frontend", args: "<frontend>", doc: "stop a specific frontend", level: Level::Admin, run: server::shutdown_frontend },
];

/// The commands that change the conversation: whoever holds it runs them.
const OWN: &[(&str, &str)] = &[
    ("help", "list the commands"),
    ("operator", "lower the level of the current CLI session to operator"),
    ("prompt", "toggle interactive mode with prompt"),
    ("quit", "disconnect"),
    ("user", "lower the level of the current CLI session to user"),
];

impl Level {
    /// Returns the level of this name.
    pub fn find(name: &str) -> Option<Self> {
        [Self::User, Self::Operator, Self::Admin].into_iter().find(|level| level.name() == name)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl<'a> Call<'a> {
    /// Returns a word, from 0.
    fn word(&self, index: usize) -> Option<&'a str> {
        self.words.get(index).copied()
    }
}

/// Runs a command; `None` if there is none of this name.
pub fn run(set: &Arc<Set>, level: Level, words: &[&str]) -> Option<String> {
    let (row, count) = TABLE.iter().find_map(|row| {
        let count = row.words.split(' ').count();
        let begins = row.words.split(' ').eq(words.iter().copied().take(count));
        begins.then_some((row, count))
    })?;
    if level < row.level {
        return Some("Permission denied\n".to_owned());
    }
    if row.args.is_empty()
        && let Some(word) = words.get(count)
    {
        return Some(format!("'{word}' is not supported by '{}'.\n", row.words));
    }
    let call = Call { set, level, words: words.get(count..).unwrap_or_default() };
    Some((row.run)(&call).unwrap_or_else(|why| format!("{why}\n")))
}

/// Returns the list of commands that begin with a word, all if none does; `others` are scripts'.
pub fn help(words: &[&str], level: Level, others: &[(String, String)]) -> String {
    let first = words.first().copied().unwrap_or_default();
    let mut lines: Vec<(String, &str)> = TABLE
        .iter()
        .filter(|row| row.level <= level)
        .map(|row| (format!("{} {}", row.words, row.args).trim_end().to_owned(), row.doc))
        .collect();
    lines.extend(others.iter().map(|(words, doc)| (words.clone(), doc.as_str())));
    let is_near = |line: &(String, &str)| line.0.split(' ').next() == Some(first);
    if lines.iter().any(is_near) {
        lines.retain(is_near);
    }
    lines.extend(OWN.iter().map(|(words, doc)| ((*words).to_owned(), *doc)));
    lines.iter().map(|(words, doc)| format!("  {words:<40}: {doc}\n")).collect()
}

#[cfg(test)]
mod tests;
