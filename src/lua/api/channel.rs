//! `Channel`: the bytes of one direction, in the spellings of 2015 and of today.

use std::future::poll_fn;
use std::task::Poll;

use mlua::Lua;
use mlua::LuaString;
use mlua::Value;

use super::Handle;
use super::Row;
use super::count;
use super::handle;
use super::text;
use crate::lua::current;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy::Mode;
use crate::txn::Channel;
use crate::txn::Direction;

pub(super) const TABLE: &[Row] = &[
    Row { name: "append", run: append },
    Row { name: "data", run: data },
    Row { name: "dup", run: |args| take(args, Part::All, false) },
    Row { name: "forward", run: forward },
    Row { name: "get", run: |args| take(args, Part::All, true) },
    Row { name: "get_in_len", run: input },
    Row { name: "get_in_length", run: input },
    Row { name: "get_line", run: |args| take(args, Part::Line, true) },
    Row { name: "get_out_len", run: output },
    Row { name: "get_out_length", run: output },
    Row { name: "getline", run: |args| take(args, Part::Line, true) },
    Row { name: "input", run: input },
    Row { name: "insert", run: insert },
    Row { name: "is_full", run: is_full },
    Row { name: "is_resp", run: is_resp },
    Row { name: "line", run: line },
    Row { name: "may_recv", run: may_recv },
    Row { name: "output", run: output },
    Row { name: "prepend", run: prepend },
    Row { name: "remove", run: remove },
    Row { name: "send", run: send },
    Row { name: "set", run: set },
];

/// What of the input is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Line,
}

fn append(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let text = args.string(2)?;
    change(args, |channel| {
        let end = channel.input().len();
        (end, 0, text)
    })
}

fn data(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 3)?;
    let handle = raw(args)?;
    let txn = handle.get()?;
    let txn = txn.borrow();
    let channel = txn.channel(handle.direction);
    let (start, end) = range(args, 2, channel.input().len())?;
    let bytes = channel.input().get(start..end).unwrap_or_default();
    if bytes.is_empty() && channel.is_eof() {
        return Ok(Reply::values([Value::Nil]));
    }
    text(args.lua(), bytes)
}

fn forward(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let handle = raw(args)?;
    let wanted = usize::try_from(args.integer(2)?)
        .map_err(|_| args.bad(2, "the length must not be negative"))?;
    let mut moved = handle.get()?.borrow_mut().channel_mut(handle.direction).forward(wanted);
    if moved == wanted || !current::context().may_wait() {
        return Ok(count(moved));
    }
    Ok(Reply::wait(async move {
        poll_fn(|cx| {
            let Some(txn) = handle.txn.upgrade() else { return Poll::Ready(()) };
            let mut txn = txn.borrow_mut();
            let channel = txn.channel_mut(handle.direction);
            if !channel.input().is_empty() {
                moved += channel.forward(wanted.saturating_sub(moved));
            }
            if moved >= wanted || channel.is_eof() || channel.is_closed() {
                return Poll::Ready(());
            }
            channel.register(cx);
            Poll::Pending
        })
        .await;
        Ok(vec![Value::Integer(i64::try_from(moved).unwrap_or(i64::MAX))])
    }))
}

fn input(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = handle(args, "Channel")?;
    let txn = handle.get()?;
    let length = txn.borrow().channel(handle.direction).input().len();
    Ok(count(length))
}

fn insert(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 3)?;
    let text = args.string(2)?;
    let offset = if args.is_nil(3) { 0 } else { args.integer(3)? };
    let handle = raw(args)?;
    let length = handle.get()?.borrow().channel(handle.direction).input().len();
    let start = place(args, 3, offset, length)?;
    change(args, |_| (start, 0, text))
}

fn is_full(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = handle(args, "Channel")?;
    let txn = handle.get()?;
    let full = txn.borrow().channel(handle.direction).room() == 0;
    Reply::value(args.lua(), full)
}

fn is_resp(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = handle(args, "Channel")?;
    Reply::value(args.lua(), handle.direction == Direction::Response)
}

fn line(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 3)?;
    let handle = raw(args)?;
    let txn = handle.get()?;
    let txn = txn.borrow();
    let channel = txn.channel(handle.direction);
    let (start, end) = range(args, 2, channel.input().len())?;
    let bytes = channel.input().get(start..end).unwrap_or_default();
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |place| place + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    if bytes.is_empty() && channel.is_eof() {
        return Ok(Reply::values([Value::Nil]));
    }
    text(args.lua(), bytes)
}

fn may_recv(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = handle(args, "Channel")?;
    let txn = handle.get()?;
    let open = !txn.borrow().channel(handle.direction).is_eof();
    Reply::value(args.lua(), open)
}

fn output(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = handle(args, "Channel")?;
    let txn = handle.get()?;
    let length = txn.borrow().channel(handle.direction).output().len();
    Ok(count(length))
}

fn prepend(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let text = args.string(2)?;
    change(args, |_| (0, 0, text))
}

fn remove(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 3)?;
    let handle = raw(args)?;
    let txn = handle.get()?;
    let mut txn = txn.borrow_mut();
    let channel = txn.channel_mut(handle.direction);
    let (start, end) = range(args, 2, channel.input().len())?;
    channel.replace(start, end.saturating_sub(start), b"");
    Ok(count(end.saturating_sub(start)))
}

fn send(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let handle = raw(args)?;
    let text = args.lua_string(2)?;
    let sent = {
        let txn = handle.get()?;
        let mut txn = txn.borrow_mut();
        let channel = txn.channel_mut(handle.direction);
        if channel.is_closed() {
            return Ok(Reply::values([Value::Integer(-1)]));
        }
        channel.send(&text.as_bytes())
    };
    if sent == text.as_bytes().len() || !current::context().may_wait() {
        return Ok(count(sent));
    }
    Ok(Reply::wait(async move {
        let sent = send_rest(&handle, &text, sent).await;
        Ok(vec![Value::Integer(sent.and_then(|sent| i64::try_from(sent).ok()).unwrap_or(-1))])
    }))
}

fn set(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 4)?;
    let text = args.string(2)?;
    let handle = raw(args)?;
    let length = handle.get()?.borrow().channel(handle.direction).input().len();
    let (start, end) = range(args, 3, length)?;
    change(args, |_| (start, end.saturating_sub(start), text))
}

/// Sends what did not fit as room is made; `None` when nothing can go out any more.
pub(super) async fn send_rest(handle: &Handle, text: &LuaString, mut sent: usize) -> Option<usize> {
    poll_fn(|cx| {
        let Some(txn) = handle.txn.upgrade() else { return Poll::Ready(None) };
        let mut txn = txn.borrow_mut();
        let channel = txn.channel_mut(handle.direction);
        if channel.is_closed() {
            return Poll::Ready(None);
        }
        let bytes = text.as_bytes();
        if channel.room() > 0 {
            sent += channel.send(bytes.get(sent..).unwrap_or_default());
        }
        if sent >= bytes.len() {
            return Poll::Ready(Some(sent));
        }
        channel.register(cx);
        Poll::Pending
    })
    .await
}

/// Returns or takes input, waiting for some where that is allowed; nil at the end.
fn take(args: &Args<'_>, part: Part, consume: bool) -> Result<Reply, Raise> {
    args.need(1)?;
    let handle = raw(args)?;
    if let Some(found) = look(&handle, part, consume)? {
        return match found {
            Some(bytes) => text(args.lua(), bytes),
            None => Ok(Reply::values([Value::Nil])),
        };
    }
    if !current::context().may_wait() {
        return text(args.lua(), b"");
    }
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let found = poll_fn(|cx| match look(&handle, part, consume) {
            Ok(Some(found)) => Poll::Ready(found),
            Ok(None) => {
                if let Some(txn) = handle.txn.upgrade() {
                    txn.borrow_mut().channel_mut(handle.direction).register(cx);
                }
                Poll::Pending
            }
            Err(_) => Poll::Ready(None),
        })
        .await;
        Ok(vec![optional(&lua, found)?])
    }))
}

/// Returns what is there: `None` for nothing yet, `Some(None)` for nothing ever again.
fn look(handle: &Handle, part: Part, consume: bool) -> Result<Option<Option<Vec<u8>>>, Raise> {
    let txn = handle.get()?;
    let mut txn = txn.borrow_mut();
    let channel = txn.channel_mut(handle.direction);
    let Some(length) = ready(channel, part) else { return Ok(None) };
    if length == 0 {
        return Ok(Some(None));
    }
    let bytes = channel.input().get(..length).unwrap_or_default().to_vec();
    if consume {
        drop(channel.take_input(length));
    }
    Ok(Some(Some(bytes)))
}

/// Returns how many bytes of the input are what is wanted; 0 at the end.
fn ready(channel: &Channel, part: Part) -> Option<usize> {
    let input = channel.input();
    let over = channel.is_eof() || channel.room() == 0;
    match part {
        Part::All if !input.is_empty() || channel.is_eof() => Some(input.len()),
        Part::All => None,
        Part::Line => match memchr::memchr(b'\n', input) {
            Some(place) => Some(place + 1),
            None => over.then_some(input.len()),
        },
    }
}

pub(super) fn optional(lua: &Lua, bytes: Option<Vec<u8>>) -> Result<Value, Raise> {
    Ok(match bytes {
        Some(bytes) => Value::String(lua.create_string(bytes)?),
        None => Value::Nil,
    })
}

/// Returns the channel of an object, where its bytes may be touched.
fn raw(args: &Args<'_>) -> Result<Handle, Raise> {
    let handle = handle(args, "Channel")?;
    if handle.get()?.borrow().session.frontend.mode == Mode::Http {
        return Err(Raise::new("Cannot manipulate HAProxy channels in HTTP mode."));
    }
    Ok(handle)
}

/// Replaces a range of the input; returns how much was put there, or -1 if it does not fit.
fn change(
    args: &Args<'_>,
    what: impl FnOnce(&Channel) -> (usize, usize, Vec<u8>),
) -> Result<Reply, Raise> {
    let handle = raw(args)?;
    let txn = handle.get()?;
    let mut txn = txn.borrow_mut();
    let channel = txn.channel_mut(handle.direction);
    let (start, length, text) = what(channel);
    if channel.replace(start, length, &text) {
        return Ok(count(text.len()));
    }
    Ok(Reply::values([Value::Integer(-1)]))
}

/// Returns the range that an offset and a length, both optional, mean of an input.
fn range(args: &Args<'_>, index: usize, input: usize) -> Result<(usize, usize), Raise> {
    let start = if args.is_nil(index) { 0 } else { args.integer(index)? };
    let start = place(args, index, start, input)?;
    let left = input.saturating_sub(start);
    let length = match args.is_nil(index + 1) {
        true => left,
        false => match args.integer(index + 1)? {
            -1 => left,
            length => usize::try_from(length)
                .ok()
                .filter(|&length| length <= left)
                .ok_or_else(|| args.bad(index + 1, "length out of range."))?,
        },
    };
    Ok((start, start.saturating_add(length)))
}

/// Returns an offset from the start, or from the end if it is negative.
fn place(args: &Args<'_>, index: usize, offset: i64, input: usize) -> Result<usize, Raise> {
    let from_start = usize::try_from(offset).ok();
    let from_end = || input.checked_sub(usize::try_from(offset.unsigned_abs()).ok()?);
    from_start
        .or_else(from_end)
        .filter(|&start| start <= input)
        .ok_or_else(|| args.bad(index, "offset out of range."))
}
