//! The actions of all rule sets, one row each.

use super::Kind;
use super::Verdict;
use super::action::Action;
use super::capture;
use super::connection;
use super::header;
use super::parse::Failed;
use super::parse::Parser;
use super::redirect;
use super::reply;
use super::script;
use super::uri;
use super::var;
use super::wait;

use Kind::HttpAfterResponse as HttpAfter;
use Kind::HttpRequest as HttpReq;
use Kind::HttpResponse as HttpRes;
use Kind::TcpRequestConnection as TcpConn;
use Kind::TcpRequestContent as TcpReq;
use Kind::TcpRequestSession as TcpSess;
use Kind::TcpResponseContent as TcpRes;

/// An action.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name; one that ends with `(` goes on with an argument in parentheses.
    pub name: &'static str,
    /// The rule sets it may stand in.
    pub kinds: &'static [Kind],
    /// Reads its words; the parser stands behind the name.
    pub(super) parse: fn(&mut Parser<'_>) -> Result<Action, Failed>,
    /// Its words, as the documentation shows them.
    pub args: &'static str,
    /// What it does.
    pub doc: &'static str,
}

const HTTP: &[Kind] = &[HttpReq, HttpRes, HttpAfter];
const HTTP_NOT_AFTER: &[Kind] = &[HttpReq, HttpRes];
const TCP: &[Kind] = &[TcpConn, TcpSess, TcpReq, TcpRes];
const REQUEST: &[Kind] = &[TcpConn, TcpSess, TcpReq, HttpReq];
const CONTENT: &[Kind] = &[TcpReq, TcpRes, HttpReq, HttpRes, HttpAfter];

/// All actions, by name.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    Row { name: "accept", kinds: TCP, parse: accept, args: "", doc: "Lets the connection or its content pass: no more rules of this set." },
    Row { name: "add-header", kinds: HTTP, parse: header::add_header, args: "<name> <fmt>", doc: "Adds a header line." },
    Row { name: "allow", kinds: HTTP, parse: accept, args: "", doc: "Lets the message pass: no more rules of this set." },
    Row { name: "auth", kinds: &[HttpReq], parse: reply::auth, args: "[realm <realm>]", doc: "Asks for a user name and a password, with status 401 or 407." },
    Row { name: "capture", kinds: &[TcpReq, HttpReq, HttpRes, HttpAfter], parse: capture::capture, args: "<sample> [ len <length> | id <id> ]", doc: "Keeps a sample in a capture slot, for the log." },
    Row { name: "del-header", kinds: HTTP, parse: header::del_header, args: "<name> [ -m <meth> ]", doc: "Removes all lines of a header." },
    Row { name: "deny", kinds: HTTP_NOT_AFTER, parse: reply::deny, args: "[ { status | deny_status } <code> ] [ content-type <type> ] [ default-errorfiles | errorfile <file> | file <file> | lf-file <file> | string <str> | lf-string <fmt> ] [ hdr <name> <fmt> ]*", doc: "Refuses the message, with status 403 for a request and 502 for a response." },
    Row { name: "expect-proxy", kinds: &[TcpConn], parse: connection::expect_proxy, args: "layer4", doc: "The connection begins with a header of the PROXY protocol." },
    Row { name: "lua", kinds: CONTENT, parse: script::lua, args: "<function>", doc: "Calls a global Lua function by its name." },
    Row { name: "redirect", kinds: HTTP_NOT_AFTER, parse: redirect::redirect, args: "{ location <fmt> | prefix <fmt> | scheme <fmt> } [ code <code> ] [ drop-query ] [ append-slash ] [ ignore-empty ] [ set-cookie <cookie> | clear-cookie <cookie> ]", doc: "Sends the client elsewhere." },
    Row { name: "reject", kinds: &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq], parse: reject, args: "", doc: "Closes the connection without a word." },
    Row { name: "replace-header", kinds: HTTP, parse: header::replace_header, args: "<name> <regex> <fmt>", doc: "Replaces each line of a header that matches; `\\1` stands for a group." },
    Row { name: "replace-path", kinds: &[HttpReq], parse: uri::replace_path, args: "<regex> <fmt>", doc: "Replaces the path, where it matches, and keeps the query." },
    Row { name: "replace-pathq", kinds: &[HttpReq], parse: uri::replace_pathq, args: "<regex> <fmt>", doc: "Replaces the path and the query, where they match." },
    Row { name: "replace-uri", kinds: &[HttpReq], parse: uri::replace_uri, args: "<regex> <fmt>", doc: "Replaces the whole target, where it matches." },
    Row { name: "replace-value", kinds: HTTP, parse: header::replace_value, args: "<name> <regex> <fmt>", doc: "Replaces each comma-separated value of a header that matches." },
    Row { name: "return", kinds: HTTP_NOT_AFTER, parse: reply::return_, args: "[ status <code> ] [ content-type <type> ] [ default-errorfiles | errorfile <file> | file <file> | lf-file <file> | string <str> | lf-string <fmt> ] [ hdr <name> <fmt> ]*", doc: "Answers at once." },
    Row { name: "set-dst", kinds: REQUEST, parse: connection::set_dst, args: "<sample>", doc: "Sets the destination address, and port 0." },
    Row { name: "set-dst-port", kinds: REQUEST, parse: connection::set_dst_port, args: "<sample>", doc: "Sets the destination port." },
    Row { name: "set-header", kinds: HTTP, parse: header::set_header, args: "<name> <fmt>", doc: "Replaces all lines of a header by one." },
    Row { name: "set-log-level", kinds: CONTENT, parse: connection::set_log_level, args: "{ silent | <level> }", doc: "Sets the level at which the exchange is logged." },
    Row { name: "set-method", kinds: &[HttpReq], parse: uri::set_method, args: "<fmt>", doc: "Sets the method." },
    Row { name: "set-nice", kinds: &[TcpReq, TcpRes, HttpReq, HttpRes], parse: connection::set_nice, args: "<nice>", doc: "Sets the niceness of the exchange, -1024 to 1024." },
    Row { name: "set-path", kinds: &[HttpReq], parse: uri::set_path, args: "<fmt>", doc: "Sets the path, and keeps the query." },
    Row { name: "set-pathq", kinds: &[HttpReq], parse: uri::set_pathq, args: "<fmt>", doc: "Sets the path and the query." },
    Row { name: "set-query", kinds: &[HttpReq], parse: uri::set_query, args: "<fmt>", doc: "Sets the query, without its `?`." },
    Row { name: "set-src", kinds: REQUEST, parse: connection::set_src, args: "<sample>", doc: "Sets the source address, and port 0." },
    Row { name: "set-src-port", kinds: REQUEST, parse: connection::set_src_port, args: "<sample>", doc: "Sets the source port." },
    Row { name: "set-status", kinds: &[HttpRes, HttpAfter], parse: uri::set_status, args: "<status> [ reason <str> ]", doc: "Sets the status." },
    Row { name: "set-uri", kinds: &[HttpReq], parse: uri::set_uri, args: "<fmt>", doc: "Sets the whole target." },
    Row { name: "set-var", kinds: Kind::ALL, parse: var::set_var, args: "(<var>[,<cond>...]) <sample>", doc: "Sets a variable." },
    Row { name: "set-var-fmt", kinds: Kind::ALL, parse: var::set_var_fmt, args: "(<var>[,<cond>...]) <fmt>", doc: "Sets a variable to a formatted text." },
    Row { name: "silent-drop", kinds: &[TcpConn, TcpSess, TcpReq, TcpRes, HttpReq, HttpRes], parse: reject, args: "", doc: "Closes the connection without a word." },
    Row { name: "strict-mode", kinds: HTTP, parse: header::strict_mode, args: "{ on | off }", doc: "Whether a rewriting error ends the exchange." },
    Row { name: "tarpit", kinds: &[HttpReq], parse: reply::tarpit, args: "[ { status | deny_status } <code> ] ...", doc: "Holds the client for `timeout tarpit`, then refuses, with status 500." },
    Row { name: "unset-var", kinds: Kind::ALL, parse: var::unset_var, args: "(<var>)", doc: "Removes a variable." },
    Row { name: "use-service", kinds: &[TcpReq, HttpReq], parse: script::use_service, args: "lua.<name>", doc: "Runs a Lua service in the place of a server." },
    Row { name: "wait-for-body", kinds: HTTP_NOT_AFTER, parse: wait::wait_for_body, args: "time <time> [ at-least <bytes> ]", doc: "Waits for the body." },
];

/// Returns the action with this name, for these rules.
pub(super) fn find(kind: Kind, word: &str) -> Option<&'static Row> {
    let name = word.split('(').next().unwrap_or(word);
    let row = TABLE.iter().find(|row| row.name == name && row.kinds.contains(&kind))?;
    (name == word || row.is_function()).then_some(row)
}

/// Returns the names of the actions of these rules.
pub(super) fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |row| row.kinds.contains(&kind)).map(|row| row.name)
}

/// Returns the names as HAProxy lists them.
pub(super) fn expected(kind: Kind) -> String {
    let rows = TABLE.iter().filter(|row| row.kinds.contains(&kind));
    let names =
        rows.map(|row| format!("'{}{}'", row.name, if row.is_function() { "(*)" } else { "" }));
    names.collect::<Vec<_>>().join(", ")
}

impl Row {
    /// Tells whether the name goes on with an argument in parentheses.
    pub fn is_function(&self) -> bool {
        self.args.starts_with('(')
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn accept(_: &mut Parser<'_>) -> Result<Action, Failed> {
    Ok(Action::End(Verdict::Accept))
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn reject(_: &mut Parser<'_>) -> Result<Action, Failed> {
    Ok(Action::End(Verdict::Reject))
}
