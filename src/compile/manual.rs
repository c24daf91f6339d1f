//! The manual of the configuration language, printed from the tables that compile it.

use std::fmt::Write;

use crate::rule;
use crate::sample;

use super::balance;
use super::bind;
use super::draft::Kind;
use super::option;
use super::server;
use super::table;
use super::timeout;
use super::tls;

/// What the rows of the `tenant` section do not say.
const TENANT: &str = "
`tenant <name> [ from <other> ]` begins it, once for each tenant. Its scripts run in states of
their own, with what is granted here and nothing else. What they register is found as
`lua.<name>:<function>`, wherever an action, a service, a fetch or a converter may stand. A section
`from` another one begins with what that one grants, but has scripts of its own; one that others
begin with needs none.

    tenant acme
        lua-load      acme/policy.lua         # registers an action 'check'
        lua-path      acme/lib/?.lua
        cpu-max       20ms
        memory-max    16m
        connect-allow 10.0.0.0/8:6379 [fd00::]/8:6379 api.example.com:443
        connect-deny  10.0.0.1
        read-dir      acme/data max 64k
        env           API_TOKEN
        on-error      deny status 503

    frontend www
        mode http
        bind :80
        http-request lua.acme:check

A `<target>` is `<address>[/<mask>]`, a name, or `*`, with `:<port>`, `:<first>-<last>` or `:*`
behind it (an IPv6 address stands in brackets then), or `unix@<path>`. Addresses of the machine
itself, of its link and of its own sockets are reached only where they are named. A name is the
one that the script gives; its addresses are checked too.
";

/// Returns `docs/configuration.md`.
pub fn configuration() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         What luaproxy has of HAProxy's configuration language, printed by `luaproxy manual` from \
         the tables\nthat compile it. What HAProxy has beyond this is refused by name.\n",
    );
    for kind in Kind::ALL.iter().filter(|kind| **kind == Kind::Global) {
        section(&mut out, &format!("The `{}` section", kind.keyword()), "G");
    }
    section(&mut out, "The `tenant` section", "T");
    out.push_str(TENANT);
    section(&mut out, "Sections of proxies: `defaults`, `frontend`, `backend`, `listen`", "DFBL");
    rows(
        &mut out,
        "Events of `timeout`",
        timeout::EVENTS.iter().map(|event| (event.name.to_owned(), event.doc)),
    );
    let flags = option::FLAGS.iter().map(|flag| (flag.name.to_owned(), flag.doc));
    let others = option::OTHERS.iter().map(|(name, doc)| ((*name).to_owned(), *doc));
    let mut options: Vec<_> = flags.chain(others).collect();
    options.sort();
    rows(&mut out, "Names of `option`", options.into_iter());
    rows(
        &mut out,
        "Algorithms of `balance`",
        balance::ALGORITHMS.iter().map(|(name, _, doc)| ((*name).to_owned(), *doc)),
    );
    rows(
        &mut out,
        "Options of `bind`",
        with_tls(
            bind::OPTIONS.iter().map(|row| (form(row.name, row.args), row.doc)),
            tls::Side::Bind,
        ),
    );
    rows(
        &mut out,
        "Options of `server` and `default-server`",
        with_tls(
            server::OPTIONS.iter().map(|row| (form(row.name, row.args), row.doc)),
            tls::Side::Server,
        ),
    );
    actions(&mut out);
    fetches(&mut out);
    converters(&mut out);
    out
}

/// Adds the options about TLS to others.
fn with_tls(
    others: impl Iterator<Item = (String, &'static str)>,
    side: tls::Side,
) -> impl Iterator<Item = (String, &'static str)> {
    let own = tls::OPTIONS.iter().filter(move |row| row.is_for(side));
    let mut all: Vec<_> =
        others.chain(own.map(|row| (form(row.name, row.args), row.doc))).collect();
    all.sort();
    all.into_iter()
}

fn section(out: &mut String, title: &str, initials: &str) {
    heading(out, title);
    let mut list: Vec<_> = table::directives()
        .filter(|row| initials.chars().any(|initial| row.sections.contains(initial)))
        .collect();
    list.sort_by_key(|row| row.name);
    let _infallible = writeln!(out, "| directive | where | what |\n| --- | --- | --- |");
    for row in list {
        let places = table::places(row.sections).replace('\'', "");
        let form = form(row.name, row.args);
        let _infallible = writeln!(out, "| {} | {places} | {} |", code(&form), cell(row.doc));
    }
}

fn actions(out: &mut String) {
    heading(out, "Actions of rules");
    let _infallible = writeln!(out, "| action | where | what |\n| --- | --- | --- |");
    for row in rule::TABLE {
        let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.keyword()).collect();
        let glue = if row.is_function() { "" } else { " " };
        let form = format!("{}{glue}{}", row.name, row.args);
        let (form, kinds) = (code(form.trim_end()), kinds.join(", "));
        let _infallible = writeln!(out, "| {form} | {kinds} | {} |", cell(row.doc));
    }
}

fn fetches(out: &mut String) {
    heading(out, "Sample fetches");
    let mut list: Vec<_> = sample::fetches().collect();
    list.sort_by_key(|row| row.name);
    let _infallible = writeln!(out, "| fetch | gives | what |\n| --- | --- | --- |");
    for row in list {
        let _infallible =
            writeln!(out, "| `{}` | {} | {} |", row.name, row.out.name(), cell(row.doc));
    }
}

fn converters(out: &mut String) {
    heading(out, "Converters");
    let mut list: Vec<_> = sample::converters().collect();
    list.sort_by_key(|row| row.name);
    let _infallible =
        writeln!(out, "| converter | takes | gives | what |\n| --- | --- | --- | --- |");
    for row in list {
        let (input, output) = (row.input.name(), row.out.name());
        let _infallible =
            writeln!(out, "| `{}` | {input} | {output} | {} |", row.name, cell(row.doc));
    }
}

fn rows(out: &mut String, title: &str, list: impl Iterator<Item = (String, &'static str)>) {
    heading(out, title);
    let _infallible = writeln!(out, "| name | what |\n| --- | --- |");
    for (name, doc) in list {
        let _infallible = writeln!(out, "| {} | {} |", code(&name), cell(doc));
    }
}

fn heading(out: &mut String, title: &str) {
    let _infallible = writeln!(out, "\n## {title}\n");
}

fn form(name: &str, args: &str) -> String {
    format!("{name} {args}").trim_end().to_owned()
}

/// A `|` would end the cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
