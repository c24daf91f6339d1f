//! `TXN`: the exchange a fetch or action is called for.

use std::any::Any;

use bytes::Bytes;
use mlua::Value;

use super::Handle;
use super::Row;
use super::core;
use super::handle;
use super::reply;
use crate::log::Level;
use crate::lua::book::Info;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::raw::Ret;
use crate::proxy::Mode;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::value;

pub(super) const TABLE: &[Row] = &[
    Row { name: "Alert", run: |args| say(args, Level::Alert, 2) },
    Row { name: "Debug", run: |args| say(args, Level::Debug, 2) },
    Row { name: "Info", run: |args| say(args, Level::Info, 2) },
    Row { name: "Warning", run: |args| say(args, Level::Warning, 2) },
    Row { name: "close", run: close },
    Row { name: "deflog", run: |args| say(args, Level::Info, 2) },
    Row { name: "done", run: done },
    Row { name: "finish", run: done },
    Row { name: "get_headers", run: get_headers },
    Row { name: "get_priv", run: get_priv },
    Row { name: "get_var", run: get_var },
    Row { name: "has_http", run: has_http },
    Row { name: "log", run: log },
    Row { name: "set_loglevel", run: set_loglevel },
    Row { name: "set_priv", run: set_priv },
    Row { name: "set_var", run: set_var },
    Row { name: "side", run: side },
    Row { name: "unset_var", run: unset_var },
];

/// What scripts keep with an exchange: a value for each state.
struct Private(Vec<(u32, Value)>);

fn say(args: &Args<'_>, level: Level, index: usize) -> Result<Reply, Raise> {
    args.need(index)?;
    let txn = handle(args, "TXN")?.get()?;
    let text = args.string(index)?;
    Info::of(args.lua())?.say(level, &core::printable(&text), Some(&txn));
    Ok(Reply::nothing())
}

/// Ends the exchange at once: what has not gone out is dropped.
fn close(args: &Args<'_>) -> Result<Reply, Raise> {
    let txn = handle(args, "TXN")?.get()?;
    {
        let mut txn = txn.borrow_mut();
        txn.reply = None;
        txn.res.clear();
        txn.req.clear();
    }
    Ok(Reply::Finish(Ret::Number(4.0)))
}

/// Ends the exchange: with a reply, or with what has been sent.
fn done(args: &Args<'_>) -> Result<Reply, Raise> {
    let handle = handle(args, "TXN")?;
    let txn = handle.get()?;
    if current::context() == Context::Fetch {
        return Ok(Reply::Finish(Ret::Nothing));
    }
    if !args.is_nil(2) {
        let answer = reply::from_table(args, &args.table(2)?)?;
        if txn.borrow().session.frontend.mode == Mode::Http {
            txn.borrow_mut().reply = Some(answer);
        }
    }
    // `act.DONE`
    Ok(Reply::Finish(Ret::Number(4.0)))
}

/// The headers of the message, one value a name: the last one.
fn get_headers(args: &Args<'_>) -> Result<Reply, Raise> {
    let handle = handle(args, "TXN")?;
    let txn = handle.get()?;
    let table = args.lua().create_table()?;
    let txn = txn.borrow();
    for header in txn.headers(handle.direction).into_iter().flatten() {
        let value = args.lua().create_string(&header.value)?;
        table.raw_set(args.lua().create_string(&header.name)?, value)?;
    }
    Reply::value(args.lua(), table)
}

fn get_priv(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let txn = handle(args, "TXN")?.get()?;
    let number = Info::of(args.lua())?.number;
    let txn = txn.borrow();
    let private = txn.private.as_ref().and_then(|data| data.downcast_ref::<Private>());
    let value = private.and_then(|list| list.0.iter().find(|(state, _)| *state == number));
    Ok(Reply::values([value.map_or(Value::Nil, |(_, value)| value.clone())]))
}

fn get_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "TXN")?.get()?;
    let name = args.text(2)?;
    let value = Scope::split(&name).and_then(|(scope, name)| txn.borrow().var(scope, name));
    Ok(Reply::values([match value {
        Some(value) => super::to_lua(args.lua(), value)?,
        None => Value::Nil,
    }]))
}

/// Whether there is an `http` field.
fn has_http(args: &Args<'_>) -> Result<Reply, Raise> {
    let txn = handle(args, "TXN")?.get()?;
    let is_http = txn.borrow().request.is_some();
    Reply::value(args.lua(), is_http)
}

fn log(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    let level = u8::try_from(args.integer(2)?).ok().and_then(Level::from_number);
    say(args, level.ok_or_else(|| args.bad(2, "Invalid loglevel."))?, 3)
}

fn set_loglevel(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "TXN")?.get()?;
    let level = i8::try_from(args.integer(2)?).ok().filter(|level| (-1..=7).contains(level));
    let level = level.ok_or_else(|| args.bad(2, "Bad level. It must be between 0 and 7"))?;
    txn.borrow_mut().log_level = Some(level);
    Ok(Reply::nothing())
}

fn set_priv(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "TXN")?.get()?;
    let number = Info::of(args.lua())?.number;
    let value = args.value(2).clone();
    let mut txn = txn.borrow_mut();
    let private: &mut Box<dyn Any> =
        txn.private.get_or_insert_with(|| Box::new(Private(Vec::new())));
    if let Some(list) = private.downcast_mut::<Private>() {
        list.0.retain(|(state, _)| *state != number);
        list.0.push((number, value));
    }
    Ok(Reply::nothing())
}

fn set_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(3, 4)?;
    let txn = handle(args, "TXN")?.get()?;
    let name = args.text(2)?;
    let Some((scope, name)) = Scope::split(&name) else {
        return Reply::value(args.lua(), false);
    };
    let if_exist = !matches!(args.value(4), Value::Nil | Value::Boolean(false));
    let mut txn = txn.borrow_mut();
    if if_exist && txn.var(scope, name).is_none() {
        return Reply::value(args.lua(), false);
    }
    let value = match (super::from_lua(args.value(3)), args.value(3)) {
        (Some(value), _) => value,
        // Neither rounded in silence nor a text: a sample has no fractions.
        (None, Value::Number(_)) => return Reply::value(args.lua(), false),
        // HAProxy: nil, a table or a function is false.
        (None, _) => value::Value::Bool(false),
    };
    let set = txn.set_var(scope, name, value);
    Reply::value(args.lua(), set)
}

/// The data of the channel of a direction: `true` is the request's.
fn side(args: &Args<'_>) -> Result<Reply, Raise> {
    let handle = handle(args, "TXN")?;
    let request = matches!(args.value(2), Value::Boolean(true));
    let direction = if request { Direction::Request } else { Direction::Response };
    let data = args.lua().create_userdata(Handle { direction, ..handle })?;
    Ok(Reply::values([Value::UserData(data)]))
}

fn unset_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "TXN")?.get()?;
    let name = args.text(2)?;
    let unset =
        Scope::split(&name).is_some_and(|(scope, name)| txn.borrow_mut().unset_var(scope, name));
    Reply::value(args.lua(), unset)
}

/// Returns the bytes of an argument, shared from here on.
pub(super) fn bytes(args: &Args<'_>, index: usize) -> Result<Bytes, Raise> {
    Ok(Bytes::from(args.string(index)?))
}
