//! `stats` of the `global` section: the sockets of the runtime API.

use crate::admin::Level;
use crate::net::addr;
use crate::net::addr::Spec;
use crate::program::Bind;
use crate::program::StatsSocket;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;
use super::bind;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "stats", sections: "G", run: stats, args: "socket <address> [ level { user | operator | admin } ] [ { backlog | gid | group | mode | uid | user } <value> ]*", doc: "A socket that takes commands (`help` lists them) and those that scripts register with `core.register_cli`. By default its level is `operator`; what changes servers and frontends needs `admin`, what changes maps and ACL files `operator`." },
];

/// The options of `bind` lines that these sockets have, too.
const OPTIONS: &[&str] = &["backlog", "gid", "group", "mode", "uid", "user"];

/// What else HAProxy sets here.
const KNOWN: &[&str] = &["bind-process", "maxconn", "timeout"];

fn stats(cx: &mut Cx<'_>, line: &Line) {
    let what = line.text(1);
    if what != "socket" {
        let message = if KNOWN.contains(&what) {
            format!("'stats {what}' is known to HAProxy but not supported yet")
        } else {
            format!(
                "'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' (got \
                 '{what}')"
            )
        };
        cx.alert(line.span_from(1), message);
        return;
    }
    let Some(place) = line.words.get(2) else {
        let message = "'stats socket' in global section expects an address or a path to a UNIX \
                       socket.";
        cx.alert(line.span, message);
        return;
    };
    let spec = match Spec::parse(&place.text, &addr::BIND) {
        Ok(spec) => spec,
        Err(error) => {
            cx.alert(place.span, format!("'stats socket' : {error}"));
            return;
        }
    };
    let mut bind = Bind::default();
    let mut level = Level::default();
    let mut words = line.rest(3).iter();
    while let Some(word) = words.next() {
        let value = words.next();
        if let Err(message) = option(&mut bind, &mut level, &word.text, value) {
            cx.alert(word.span, format!("'stats socket' : {message}"));
            // What stands behind it may belong to it.
            return;
        }
    }
    cx.global.stats.push(StatsSocket { spec, level, options: bind.options, line: line.span });
}

fn option(
    bind: &mut Bind,
    level: &mut Level,
    name: &str,
    value: Option<&Word>,
) -> Result<(), String> {
    if name == "level" {
        let text = value.map_or("", |value| value.text.as_str());
        *level = Level::find(text).ok_or_else(|| {
            format!("''level' only supports 'user', 'operator', and 'admin' (got '{text}')'")
        })?;
        return Ok(());
    }
    match bind::OPTIONS.iter().find(|option| option.name == name) {
        Some(option) if OPTIONS.contains(&name) => {
            (option.set)(bind, value).map_err(|why| format!("''{name}' : {why}'"))
        }
        None if !bind::KNOWN.contains(&name) => Err(format!("unknown keyword '{name}'.")),
        Some(_) | None => Err(format!("'{name}' is known to HAProxy but not supported yet")),
    }
}
