//! `HTTP` (`txn.http`): start lines and headers, in the spellings of 2015 and of today.

use bytes::Bytes;
use mlua::Lua;
use mlua::Table;
use mlua::Value;
use pcre2::bytes::CaptureLocations;

use super::Row;
use super::handle;
use super::search::Search;
use super::txn_class::bytes;
use crate::http;
use crate::http::Headers;
use crate::http::Method;
use crate::lua::account;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::raw::Ret;
use crate::txn;
use crate::txn::Direction;
use crate::txn::Txn;

pub(super) const TABLE: &[Row] = &[
    Row { name: "redirect", run: redirect },
    Row { name: "req_add_header", run: |args| add_header(args, Direction::Request) },
    Row { name: "req_del_header", run: |args| del_header(args, Direction::Request) },
    Row { name: "req_get_headers", run: |args| get_headers(args, Direction::Request) },
    Row { name: "req_rep_header", run: |args| replace(args, Direction::Request, true) },
    Row { name: "req_rep_value", run: |args| replace(args, Direction::Request, false) },
    Row { name: "req_set_header", run: |args| set_header(args, Direction::Request) },
    Row { name: "req_set_method", run: req_set_method },
    Row { name: "req_set_path", run: req_set_path },
    Row { name: "req_set_query", run: req_set_query },
    Row { name: "req_set_uri", run: req_set_uri },
    Row { name: "res_add_header", run: |args| add_header(args, Direction::Response) },
    Row { name: "res_del_header", run: |args| del_header(args, Direction::Response) },
    Row { name: "res_get_headers", run: |args| get_headers(args, Direction::Response) },
    Row { name: "res_rep_header", run: |args| replace(args, Direction::Response, true) },
    Row { name: "res_rep_value", run: |args| replace(args, Direction::Response, false) },
    Row { name: "res_set_header", run: |args| set_header(args, Direction::Response) },
    Row { name: "res_set_status", run: res_set_status },
];

/// The most header lines, and bytes of header lines, that a tenant makes of a message.
const LINES_MAX: usize = 1000;
const HEAD_MAX: usize = 64 << 10;

fn redirect(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "HTTP")?.get()?;
    let location = bytes(args, 2)?;
    if !http::check::value(&location) {
        return Err(args.bad(2, "invalid location"));
    }
    txn.borrow_mut().reply = Some(txn::Reply {
        status: 302,
        // HAProxy's word for a redirection, not the usual one of that status.
        reason: Bytes::from_static(b"Found"),
        headers: vec![(Bytes::from_static(b"location"), location)],
        ..txn::Reply::default()
    });
    // `act.DONE`
    Ok(Reply::Finish(Ret::Number(4.0)))
}

fn add_header(args: &Args<'_>, direction: Direction) -> Result<Reply, Raise> {
    need(args, 3)?;
    let (name, value) = name_and_value(args)?;
    on_headers(args, direction, |headers| {
        room(args, headers, name.len() + value.len())?;
        headers.add(&name, value);
        Ok(())
    })
}

fn del_header(args: &Args<'_>, direction: Direction) -> Result<Reply, Raise> {
    need(args, 2)?;
    let name = args.string(2)?;
    on_headers(args, direction, |headers| {
        headers.remove(&name);
        Ok(())
    })
}

/// All values by lower-case name, each list counted from 0 as HAProxy's.
fn get_headers(args: &Args<'_>, direction: Direction) -> Result<Reply, Raise> {
    args.need(1)?;
    let shared = message(args, direction)?;
    let txn = shared.borrow();
    let table = args.lua().create_table()?;
    if let Some(headers) = txn.headers(direction) {
        fill(args.lua(), &table, headers)?;
    }
    Reply::value(args.lua(), table)
}

/// Puts headers into a table: a list of values for each name.
pub(super) fn fill(lua: &Lua, table: &Table, headers: &Headers) -> Result<(), Raise> {
    for header in headers {
        let name = lua.create_string(&header.name)?;
        let value = lua.create_string(&header.value)?;
        match table.raw_get::<Value>(&name)? {
            Value::Table(values) => {
                // `#` does not count the value at 0.
                let index = values.raw_len() + 1;
                values.raw_set(index, value)?;
            }
            _ => {
                let values = lua.create_table_with_capacity(1, 1)?;
                values.raw_set(0, value)?;
                table.raw_set(name, values)?;
            }
        }
    }
    Ok(())
}

fn replace(args: &Args<'_>, direction: Direction, whole_line: bool) -> Result<Reply, Raise> {
    need(args, 4)?;
    let name = args.string(2)?;
    let tenant = account::of(args.lua()).is_some();
    let search = Search::new(&args.text(3)?, false, tenant);
    let search = search.map_err(|_| args.bad(3, "invalid regex"))?;
    let replacement = args.string(4)?;
    if !http::check::value(&replacement) {
        return Err(args.bad(4, "invalid header value"));
    }
    on_headers(args, direction, |headers| {
        let (mut left, mut failed) = (HEAD_MAX, None);
        let rewrite = |value: &[u8]| {
            if failed.is_some() {
                return None;
            }
            let groups = search.groups(value).map_err(|raise| failed = Some(raise)).ok()??;
            let new = expand(&replacement, value, &groups, left)?;
            left -= new.len();
            Some(new)
        };
        if whole_line {
            headers.replace_lines(&name, rewrite);
        } else {
            headers.replace_values(&name, rewrite);
        }
        failed.map_or(Ok(()), Err)
    })
}

fn set_header(args: &Args<'_>, direction: Direction) -> Result<Reply, Raise> {
    need(args, 3)?;
    let (name, value) = name_and_value(args)?;
    on_headers(args, direction, |headers| {
        room(args, headers, name.len() + value.len())?;
        headers.set(&name, value);
        Ok(())
    })
}

fn req_set_method(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = bytes(args, 2)?;
    let legal = http::check::method(&text);
    on_request(args, legal, |request| request.method = Method::from_text(text))
}

fn req_set_path(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.string(2)?;
    on_request(args, http::check::uri(&text), |request| request.set_path(&text))
}

fn req_set_query(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.string(2)?;
    let legal = text.is_empty() || http::check::uri(&text);
    on_request(args, legal, |request| request.set_query(&text))
}

fn req_set_uri(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = bytes(args, 2)?;
    on_request(args, http::check::uri(&text), |request| request.set_uri(text))
}

fn res_set_status(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 3)?;
    let status = u16::try_from(args.integer(2)?).unwrap_or(0);
    let reason = if args.is_nil(3) { None } else { Some(bytes(args, 3)?) };
    if !http::check::status(status) {
        return Err(args.bad(2, "invalid status"));
    }
    if !reason.as_ref().is_none_or(|reason| http::check::reason(reason)) {
        return Err(args.bad(3, "invalid reason"));
    }
    let shared = message(args, Direction::Response)?;
    let mut txn = shared.borrow_mut();
    if let Some(response) = txn.response.as_mut() {
        response.set_status(status, reason);
    }
    Ok(Reply::nothing())
}

/// Raises unless there are exactly so many arguments, with HAProxy's names for the functions.
fn need(args: &Args<'_>, count: usize) -> Result<(), Raise> {
    if args.count() == count {
        return Ok(());
    }
    let name = args.name().replace("_header", "_hdr").replace("_rep_value", "_rep_hdr");
    Err(Raise::new(format!("'{name}' needs {count} arguments")))
}

fn name_and_value(args: &Args<'_>) -> Result<(Vec<u8>, Bytes), Raise> {
    let (name, value) = (args.string(2)?, bytes(args, 3)?);
    if !http::check::name(&name) {
        return Err(args.bad(2, "invalid header name"));
    }
    if !http::check::value(&value) {
        return Err(args.bad(3, "invalid header value"));
    }
    Ok((name, value))
}

/// Raises where a tenant would make the head of a message longer than any peer takes.
pub(super) fn room(args: &Args<'_>, headers: &Headers, more: usize) -> Result<(), Raise> {
    if account::of(args.lua()).is_none() {
        return Ok(());
    }
    let length = |header: &http::Header| header.name.len() + header.value.len();
    let total = headers.iter().map(length).sum::<usize>().saturating_add(more);
    if headers.len() >= LINES_MAX || total > HEAD_MAX {
        let why = format!("{}: the head of the message is too large", args.name());
        return Err(Raise::new(why));
    }
    Ok(())
}

/// Returns the exchange whose message of this direction may be used now.
fn message(args: &Args<'_>, direction: Direction) -> Result<txn::Shared, Raise> {
    let handle = handle(args, "HTTP")?;
    if handle.direction != direction {
        let context = match handle.direction {
            Direction::Request => "request",
            Direction::Response => "response",
        };
        let why = format!("{}: not available in a {context} context", args.name());
        return Err(Raise::new(why));
    }
    handle.get()
}

fn on_headers(
    args: &Args<'_>,
    direction: Direction,
    change: impl FnOnce(&mut Headers) -> Result<(), Raise>,
) -> Result<Reply, Raise> {
    let shared = message(args, direction)?;
    let mut txn = shared.borrow_mut();
    if let Some(headers) = Txn::headers_mut(&mut txn, direction) {
        change(headers)?;
    }
    Ok(Reply::nothing())
}

/// Changes the request if the new part is legal, and says whether it was.
fn on_request(
    args: &Args<'_>,
    legal: bool,
    change: impl FnOnce(&mut http::Request),
) -> Result<Reply, Raise> {
    args.need(2)?;
    let shared = message(args, Direction::Request)?;
    let mut txn = shared.borrow_mut();
    let Some(request) = txn.request.as_mut().filter(|_| legal) else {
        return Reply::value(args.lua(), false);
    };
    change(request);
    Reply::value(args.lua(), true)
}

/// Fills `\0` to `\9` of a replacement with the groups of a match.
///
/// `None` if it gets longer than it may: groups can be repeated without end.
fn expand(
    replacement: &[u8],
    value: &[u8],
    groups: &CaptureLocations,
    max: usize,
) -> Option<Bytes> {
    let mut out = Vec::with_capacity(replacement.len());
    let mut bytes = replacement.iter();
    while let Some(&byte) = bytes.next() {
        if out.len() > max {
            return None;
        }
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(digit @ b'0'..=b'9') => {
                let group = groups.get(usize::from(digit - b'0'));
                let group = group.and_then(|(from, to)| value.get(from..to));
                out.extend_from_slice(group.unwrap_or_default());
            }
            Some(&other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    (out.len() <= max).then(|| out.into())
}
