//! `AppletHTTP` and `AppletTCP`: what a service reads and writes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use mlua::LuaString;
use mlua::UserData;
use mlua::Value;

use super::Handle;
use super::Row;
use super::channel::optional;
use super::channel::send_rest;
use super::count;
use super::handle;
use super::http::fill;
use super::http::room;
use super::txn_class::bytes;
use crate::http;
use crate::http::Response;
use crate::lua::account;
use crate::lua::account::What;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::net::timer;
use crate::txn::Direction;

pub(super) const HTTP: &[Row] = &[
    Row { name: "add_header", run: add_header },
    Row { name: "fields", run: fields },
    Row { name: "getline", run: |args| read(args, Want::Line) },
    Row { name: "receive", run: receive },
    Row { name: "send", run: send_body },
    Row { name: "set_status", run: set_status },
    Row { name: "start_response", run: start_response },
];

pub(super) const TCP: &[Row] = &[
    Row { name: "getline", run: |args| read(args, Want::Line) },
    Row { name: "receive", run: receive },
    Row { name: "send", run: send },
    Row { name: "try_receive", run: try_receive },
];

/// The head of a response that has not been started.
#[derive(Clone, Debug)]
struct Head(Rc<RefCell<Response>>);

impl UserData for Head {}

/// What a service wants to read.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// All until the end, or so many bytes.
    Bytes(Option<usize>),
    /// A line with its end.
    Line,
}

fn add_header(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    let (name, value) = (args.string(2)?, bytes(args, 3)?);
    if !http::check::name(&name) {
        return Err(args.bad(2, "invalid header name"));
    }
    if !http::check::value(&value) {
        return Err(args.bad(3, "invalid header value"));
    }
    let head = head(args)?;
    let headers = &mut head.0.borrow_mut().headers;
    room(args, headers, name.len() + value.len())?;
    headers.add(name, value);
    Ok(Reply::nothing())
}

/// Makes the table of an applet out of the exchange it answers.
fn fields(args: &Args<'_>) -> Result<Reply, Raise> {
    let Value::UserData(data) = args.value(1) else {
        return Err(args.wrong(1, "userdata"));
    };
    let handle = data.borrow::<Handle>()?.clone();
    let lua = args.lua();
    let table = lua.create_table()?;
    table.raw_set(0, data)?;
    table.raw_set(1, lua.create_userdata(Head(Rc::new(RefCell::new(Response::new(200)))))?)?;
    let shared = handle.get()?;
    let txn = shared.borrow();
    let headers = lua.create_table()?;
    if let Some(request) = &txn.request {
        let path = request.path().unwrap_or_default();
        let length = request.headers.first("content-length");
        let length = length.and_then(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok());
        table.raw_set("method", lua.create_string(request.method.as_bytes())?)?;
        table.raw_set("path", lua.create_string(path)?)?;
        table.raw_set("qs", lua.create_string(request.query().unwrap_or_default())?)?;
        table.raw_set("version", request.version.as_str())?;
        table.raw_set("length", length)?;
        fill(lua, &headers, &request.headers)?;
    }
    table.raw_set("headers", headers)?;
    Reply::value(lua, table)
}

fn receive(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 3)?;
    let wanted = match args.is_nil(2) {
        true => None,
        // -1 is all, as in HAProxy.
        false => usize::try_from(args.integer(2)?).ok(),
    };
    read(args, Want::Bytes(wanted))
}

fn send_body(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let handle = handle(args, "AppletHTTP")?;
    if handle.get()?.borrow().response.is_none() {
        return Err(Raise::new("'send' : 'start_response' must be called before"));
    }
    write(Handle { direction: Direction::Response, ..handle }, args.lua_string(2)?)
}

fn set_status(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 3)?;
    let status = u16::try_from(args.integer(2)?).ok().filter(|status| *status >= 100);
    let status = status.filter(|status| *status < 600);
    let reason = if args.is_nil(3) { None } else { Some(bytes(args, 3)?) };
    let Some(status) = status else {
        return Reply::value(args.lua(), false);
    };
    if !reason.as_ref().is_none_or(|reason| http::check::reason(reason)) {
        return Err(args.bad(3, "invalid reason"));
    }
    head(args)?.0.borrow_mut().set_status(status, reason);
    Reply::value(args.lua(), true)
}

fn start_response(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let head = head(args)?;
    let txn = handle(args, "AppletHTTP")?.get()?;
    let mut txn = txn.borrow_mut();
    if txn.response.is_some() {
        return Err(Raise::new("'start_response' : the response has been started"));
    }
    txn.response = Some(head.0.borrow().clone());
    Ok(Reply::nothing())
}

fn send(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let handle = handle(args, "AppletTCP")?;
    write(Handle { direction: Direction::Response, ..handle }, args.lua_string(2)?)
}

/// What is there, without waiting; nil at the end.
fn try_receive(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let txn = handle(args, "AppletTCP")?.get()?;
    let mut txn = txn.borrow_mut();
    let bytes = txn.req.take_input(usize::MAX);
    if bytes.is_empty() && txn.req.is_eof() {
        return Ok(Reply::values([Value::Nil]));
    }
    super::text(args.lua(), &bytes)
}

fn head(args: &Args<'_>) -> Result<Head, Raise> {
    let data = args.table(1)?.raw_get::<Value>(1)?;
    match &data {
        Value::UserData(data) => Ok(data.borrow::<Head>()?.clone()),
        _ => Err(args.wrong(1, "AppletHTTP")),
    }
}

fn write(handle: Handle, text: LuaString) -> Result<Reply, Raise> {
    let sent = {
        let txn = handle.get()?;
        let mut txn = txn.borrow_mut();
        let channel = txn.channel_mut(handle.direction);
        if channel.is_closed() {
            return Ok(Reply::values([Value::Integer(-1)]));
        }
        channel.send(&text.as_bytes())
    };
    if sent == text.as_bytes().len() {
        return Ok(count(sent));
    }
    Ok(Reply::wait(async move {
        let sent = send_rest(&handle, &text, sent).await;
        Ok(vec![Value::Integer(sent.and_then(|sent| i64::try_from(sent).ok()).unwrap_or(-1))])
    }))
}

/// Reads what is wanted from the client; an empty string is the end.
fn read(args: &Args<'_>, want: Want) -> Result<Reply, Raise> {
    let handle = handle(args, "Applet")?;
    let lua = args.lua().clone();
    // HAProxy 3.2: a third argument is a limit in milliseconds.
    let limit = match args.is_nil(3) {
        true => None,
        false => Some(u64::try_from(args.integer(3)?).map_err(|_| args.bad(3, "negative"))?),
    };
    let mut got = Vec::new();
    if collect(&handle, want, &mut got)? {
        return super::text(args.lua(), got);
    }
    let mut charge = account::charge(args.lua(), What::Memory, got.len())?;
    Ok(Reply::wait(async move {
        let end = poll_fn(|cx| {
            let before = got.len();
            let found = collect(&handle, want, &mut got);
            if let Some(charge) = &mut charge
                && let Err(raise) = charge.grow(got.len() - before)
            {
                return Poll::Ready(Err(raise));
            }
            match found {
                Ok(true) | Err(_) => Poll::Ready(Ok(())),
                Ok(false) => {
                    if let Some(txn) = handle.txn.upgrade() {
                        txn.borrow_mut().req.register(cx);
                    }
                    Poll::Pending
                }
            }
        });
        match limit {
            // What has come by then is the result.
            Some(limit) => {
                timer::timeout(Duration::from_millis(limit), end).await.unwrap_or(Ok(()))
            }
            None => end.await,
        }?;
        let result: Outcome = Ok(vec![optional(&lua, Some(got))?]);
        result
    }))
}

/// Takes what is there of what is wanted; says whether that is all.
fn collect(handle: &Handle, want: Want, got: &mut Vec<u8>) -> Result<bool, Raise> {
    let txn = handle.get()?;
    let mut txn = txn.borrow_mut();
    let channel = &mut txn.req;
    let wanted = match want {
        Want::Bytes(Some(wanted)) => wanted.saturating_sub(got.len()),
        Want::Bytes(None) => usize::MAX,
        Want::Line => memchr::memchr(b'\n', channel.input()).map_or(usize::MAX, |end| end + 1),
    };
    let taken = if channel.input().is_empty() { Bytes::new() } else { channel.take_input(wanted) };
    got.extend_from_slice(&taken);
    let enough = match want {
        Want::Bytes(Some(wanted)) => got.len() >= wanted,
        Want::Bytes(None) => false,
        Want::Line => got.last() == Some(&b'\n'),
    };
    Ok(enough || (channel.is_eof() && channel.input().is_empty()))
}
