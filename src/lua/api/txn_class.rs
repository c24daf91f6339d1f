//! `TXN`: the exchange a fetch or action is called for.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use mlua::Lua;
use mlua::Value;

use super::Handle;
use super::Row;
use super::core;
use super::handle;
use super::reply;
use crate::log::Level;
use crate::lua::account;
use crate::lua::account::What;
use crate::lua::book::Info;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::raw::Ret;
use crate::proxy::Mode;
use crate::txn::Direction;
use crate::txn::Held;
use crate::txn::Scope;
use crate::txn::Txn;
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

/// The longest text that a tenant gives to the proxy at once.
pub(super) const TEXT_MAX: usize = 64 << 10;

/// The most variables of a scope that a tenant adds to, and what each takes besides its text.
const VARS_MAX: usize = 1000;
const VAR: usize = 128;

/// What scripts keep with an exchange: a value for each state.
struct Private(Vec<(u64, Value)>);

fn say(args: &Args<'_>, level: Level, index: usize) -> Result<Reply, Raise> {
    args.need(index)?;
    let txn = handle(args, "TXN")?.get()?;
    core::say_in(args, level, index, Some(&txn))
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
    let number = serial(args)?;
    let txn = txn.borrow();
    let private = txn.private.as_ref().and_then(|data| data.downcast_ref::<Private>());
    let value = private.and_then(|list| list.0.iter().find(|(state, _)| *state == number));
    Ok(Reply::values([value.map_or(Value::Nil, |(_, value)| value.clone())]))
}

fn get_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let txn = handle(args, "TXN")?.get()?;
    let name = args.text(2)?;
    let found = Scope::split(&name);
    super::guard(args, found.map(|(scope, _)| scope))?;
    let value = found.and_then(|(scope, name)| txn.borrow().var(scope, name));
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
    let number = serial(args)?;
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

/// Returns which state this is: one must not get another's value, nor may a later one.
fn serial(args: &Args<'_>) -> Result<u64, Raise> {
    let vm = Info::of(args.lua())?.vm.upgrade();
    vm.map(|vm| vm.serial()).ok_or_else(|| Raise::new("the state has ended"))
}

fn set_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(3, 4)?;
    let txn = handle(args, "TXN")?.get()?;
    let name = args.text(2)?;
    let Some((scope, name)) = Scope::split(&name) else {
        return Reply::value(args.lua(), false);
    };
    super::guard(args, Some(scope))?;
    let if_exist = !matches!(args.value(4), Value::Nil | Value::Boolean(false));
    let mut txn = txn.borrow_mut();
    // HAProxy: what the process has is not created; all else is, whatever the flag says.
    if if_exist && scope == Scope::Proc && txn.var(scope, name).is_none() {
        return Reply::value(args.lua(), false);
    }
    let value = match (super::from_lua(args.value(3)), args.value(3)) {
        (Some(value), _) => value,
        // Neither rounded in silence nor a text: a sample has no fractions.
        (None, Value::Number(_)) => return Reply::value(args.lua(), false),
        // HAProxy: nil, a table or a function is false.
        (None, _) => value::Value::Bool(false),
    };
    let (value, held) = hold(args.lua(), &txn, scope, name, value)?;
    let set = txn.hold_var(scope, name, value, held);
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
    let found = Scope::split(&name);
    super::guard(args, found.map(|(scope, _)| scope))?;
    let unset = found.is_some_and(|(scope, name)| txn.borrow_mut().unset_var(scope, name));
    Reply::value(args.lua(), unset)
}

/// Returns the bytes of an argument, shared from here on.
pub(super) fn bytes(args: &Args<'_>, index: usize) -> Result<Bytes, Raise> {
    let text = args.lua_string(index)?;
    let text = text.as_bytes();
    if text.len() > TEXT_MAX && account::of(args.lua()).is_some() {
        return Err(args.bad(index, "longer than 64 KiB"));
    }
    Ok(Bytes::copy_from_slice(&text))
}

/// Charges a tenant for a variable; returns its value, and what is to be kept with it.
pub(super) fn hold(
    lua: &Lua,
    txn: &Txn,
    scope: Scope,
    name: &str,
    value: value::Value,
) -> Result<(value::Value, Held), Raise> {
    let Some(account) = account::of(lua) else { return Ok((value, None)) };
    // Every rule looks through them.
    if txn.var_count(scope) >= VARS_MAX && txn.var(scope, name).is_none() {
        return Err(Raise::new(format!("too many variables: {VARS_MAX} is the most")));
    }
    let length = match &value {
        value::Value::Str(text) | value::Value::Bin(text) | value::Value::Meth(text) => text.len(),
        _ => 0,
    };
    let charge = account.charge(What::Memory, VAR + name.len() + length)?;
    // A part of a long text must not keep the whole.
    let copied = match value {
        value::Value::Str(text) => value::Value::Str(Bytes::copy_from_slice(&text)),
        value::Value::Bin(text) => value::Value::Bin(Bytes::copy_from_slice(&text)),
        other => other,
    };
    Ok((copied, Some(Arc::new(charge))))
}
