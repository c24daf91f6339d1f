//! `socket`: what LuaSocket has beside the methods of a socket.

use std::future::poll_fn;
use std::net::IpAddr;
use std::task::Poll;
use std::time::Duration;

use mlua::IntoLua;
use mlua::Lua;
use mlua::Table;
use mlua::Value;

use super::Row;
use crate::clock;
use crate::lua::account::What;
use crate::lua::api::core::waits;
use crate::lua::api::miss;
use crate::lua::api::socket::Socket;
use crate::lua::book::Info;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::reach;
use crate::net::addr::Family;
use crate::net::resolve;
use crate::net::timer;

pub(super) const TABLE: &[Row] = &[
    Row { name: "dirty", run: dirty },
    Row { name: "gethostname", run: gethostname },
    Row { name: "gettime", run: gettime },
    Row { name: "lookup", run: lookup },
    Row { name: "select", run: select },
    Row { name: "sleep", run: sleep },
    Row { name: "targets", run: targets },
    Row { name: "tohostname", run: tohostname },
];

/// The longest wait, in seconds.
const LONGEST: f64 = 2_147_483.0;

/// How many sockets one call may wait for.
const SOCKETS_MAX: usize = 1024;

/// `dirty(socket)`: whether there is something that was read and not received.
fn dirty(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), args.object::<Socket>(1, "Socket")?.is_dirty())
}

fn gethostname(args: &Args<'_>) -> Result<Reply, Raise> {
    // The name of the machine is not a tenant's.
    if Info::of(args.lua())?.tenant.is_some() {
        return Reply::value(args.lua(), "localhost");
    }
    crate::lua::api::text(args.lua(), rustix::system::uname().nodename().to_bytes())
}

/// `gettime()`: seconds since 1970.
fn gettime(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), clock::date().as_secs_f64())
}

/// `lookup(name, family)`: a list of addresses, or nil and what is wrong.
fn lookup(args: &Args<'_>) -> Result<Reply, Raise> {
    let (lua, name, family) = (args.lua(), args.text(1)?, family(args)?);
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Reply::values([list(lua, &[ip])?]));
    }
    let tenant = Info::of(lua)?.tenant;
    if tenant.as_ref().is_some_and(|account| !reach::asks_for(&account.policy, &name)) {
        return miss(lua, "refused by policy");
    }
    let token = tenant.as_ref().map(|account| account.charge(What::Lookups, 1)).transpose();
    let Ok(token) = token else { return miss(lua, "too many lookups") };
    if tenant.is_none() && matches!(current::context(), Context::Body | Context::Init) {
        return Ok(Reply::values(found(lua, resolve::blocking(&name, family))?));
    }
    waits("lookup")?;
    let lua = lua.clone();
    Ok(Reply::wait(async move { found(&lua, resolve::lookup(name, family, token).await) }))
}

/// `targets(name, family)`: what `connect` is to be called with, one after the other. A tenant's
/// names are resolved where they are granted, there.
fn targets(args: &Args<'_>) -> Result<Reply, Raise> {
    if Info::of(args.lua())?.tenant.is_none() {
        return lookup(args);
    }
    let list = args.lua().create_table()?;
    list.raw_set(1, args.lua_string(1)?)?;
    Ok(Reply::values([Value::Table(list)]))
}

/// `tohostname(address)`: the name of an address, or nil and what is wrong.
fn tohostname(args: &Args<'_>) -> Result<Reply, Raise> {
    let (lua, text) = (args.lua().clone(), args.text(1)?);
    // Whom an address belongs to is asked of the operator's name servers.
    if Info::of(&lua)?.tenant.is_some() {
        return miss(&lua, "refused by policy");
    }
    let Ok(ip) = text.parse() else { return miss(&lua, "host not found") };
    waits("tohostname")?;
    Ok(Reply::wait(async move {
        Ok(match resolve::name(ip).await {
            Ok(name) => vec![Value::String(lua.create_string(name)?)],
            Err(_) => vec![Value::Nil, "host not found".into_lua(&lua)?],
        })
    }))
}

/// `select(readers, writers, seconds)`: which of them can be read and written, as two lists of
/// their places; the third result is `timeout` where there are none.
fn select(args: &Args<'_>) -> Result<Reply, Raise> {
    waits("select")?;
    let (readers, writers) = (sockets(args, 1)?, sockets(args, 2)?);
    let timeout = if args.is_nil(3) { None } else { seconds(args, 3)? };
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let ready = poll_fn(|cx| {
            let mut places = |sockets: &[Socket], is_input: bool| -> Vec<usize> {
                let mut is_ready = |socket: &Socket| match is_input {
                    true => socket.poll_input(cx).is_ready(),
                    false => socket.poll_output(cx).is_ready(),
                };
                let places = sockets.iter().zip(1..);
                places.filter_map(|(socket, place)| is_ready(socket).then_some(place)).collect()
            };
            let found = (places(&readers, true), places(&writers, false));
            if found.0.is_empty() && found.1.is_empty() {
                return Poll::Pending;
            }
            Poll::Ready(found)
        });
        let found = match timeout {
            Some(timeout) => timer::timeout(timeout, ready).await.ok(),
            None => Some(ready.await),
        };
        let why = if found.is_some() { Value::Nil } else { "timeout".into_lua(&lua)? };
        let (input, output) = found.unwrap_or_default();
        Ok(vec![input.into_lua(&lua)?, output.into_lua(&lua)?, why])
    }))
}

fn sleep(args: &Args<'_>) -> Result<Reply, Raise> {
    waits("sleep")?;
    let time = seconds(args, 1)?.unwrap_or_default();
    Ok(Reply::wait(async move {
        timer::sleep(time).await;
        Ok(Vec::new())
    }))
}

fn family(args: &Args<'_>) -> Result<Family, Raise> {
    if args.is_nil(2) {
        return Ok(Family::Any);
    }
    match args.text(2)?.as_str() {
        "inet" => Ok(Family::V4),
        "inet6" => Ok(Family::V6),
        _ => Ok(Family::Any),
    }
}

/// Returns a time; what is below zero is none.
fn seconds(args: &Args<'_>, index: usize) -> Result<Option<Duration>, Raise> {
    let seconds = args.number(index)?.min(LONGEST);
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

fn sockets(args: &Args<'_>, index: usize) -> Result<Vec<Socket>, Raise> {
    if args.is_nil(index) {
        return Ok(Vec::new());
    }
    let list = args.table(index)?;
    let count = list.raw_len();
    if count > SOCKETS_MAX {
        return Err(args.bad(index, "too many sockets"));
    }
    let socket = |place| {
        let object: Table = list.raw_get(place).ok()?;
        let Ok(Value::UserData(data)) = object.raw_get(0) else { return None };
        data.borrow::<Socket>().ok().map(|socket| Socket::clone(&socket))
    };
    let all: Option<Vec<_>> = (1..=count).map(socket).collect();
    all.ok_or_else(|| args.bad(index, "Socket expected"))
}

fn found(lua: &Lua, found: std::io::Result<Vec<IpAddr>>) -> Outcome {
    match found {
        Ok(found) => Ok(vec![list(lua, &found)?]),
        Err(_) => Ok(vec![Value::Nil, "host not found".into_lua(lua)?]),
    }
}

fn list(lua: &Lua, found: &[IpAddr]) -> Result<Value, Raise> {
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    Ok(texts.into_lua(lua)?)
}
