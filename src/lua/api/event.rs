//! `EventSub` (`core.event_sub`, `server:event_sub`): what happens to servers.

use std::cell::Cell;
use std::rc::Rc;

use event_listener::Event as Wake;
use futures_lite::future;
use mlua::Lua;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::proxy::operators_alone;
use super::server::Server;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy::Admin;
use crate::proxy::event::Event;
use crate::proxy::event::Kind;
use crate::proxy::event::Subscription;

pub(super) const TABLE: &[Row] = &[
    Row { name: "event_sub", run: event_sub },
    Row { name: "next", run: next },
    Row { name: "unsub", run: unsub },
];

#[derive(Clone, Debug)]
struct EventSub(Rc<Open>);

#[derive(Debug)]
struct Open {
    subscription: Subscription,
    ended: Cell<bool>,
    end: Wake,
}

impl UserData for EventSub {}

/// `event_sub(names[, server])`.
fn event_sub(args: &Args<'_>) -> Result<Reply, Raise> {
    operators_alone(args)?;
    let server = if args.is_nil(2) { None } else { Some(args.object::<Server>(2, "Server")?) };
    let mut names = Vec::new();
    for name in args.table(1)?.sequence_values::<mlua::LuaString>() {
        let name = name.map_err(|_| args.bad(1, "table of strings expected"))?;
        names.push(name.to_string_lossy());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let subscription = Subscription::new(&names, server.map(|it| it.server));
    let subscription = subscription
        .ok_or_else(|| args.bad(1, "unknown event, expect names such as 'SERVER_UP'"))?;
    let open = Open { subscription, ended: Cell::new(false), end: Wake::new() };
    Reply::value(args.lua(), super::object(args.lua(), EventSub(Rc::new(open)))?)
}

/// `next(sub)`: name, data and time of the next event; nothing once the subscription has ended.
fn next(args: &Args<'_>) -> Result<Reply, Raise> {
    let open = args.object::<EventSub>(1, "EventSub")?.0;
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let end = open.end.listen();
        if open.ended.get() {
            return Ok(Vec::new());
        }
        let event = future::or(async { Some(open.subscription.next().await) }, async {
            end.await;
            None
        });
        let Some(event) = event.await else { return Ok(Vec::new()) };
        Ok(vec![
            Value::String(lua.create_string(event.kind.name())?),
            Value::Table(data(&lua, &event)?),
            Value::Number(event.when.as_secs_f64()),
        ])
    }))
}

fn unsub(args: &Args<'_>) -> Result<Reply, Raise> {
    let open = args.object::<EventSub>(1, "EventSub")?.0;
    open.ended.set(true);
    open.end.notify(usize::MAX);
    Ok(Reply::nothing())
}

/// Makes HAProxy's `ServerEvent` of an event.
fn data(lua: &Lua, event: &Event) -> Result<Table, Raise> {
    let table = lua.create_table()?;
    table.raw_set("name", event.server.name.as_str())?;
    table.raw_set("puid", event.server.puid)?;
    table.raw_set("rid", 0)?;
    table.raw_set("proxy_name", event.proxy.name.as_str())?;
    table.raw_set("proxy_uuid", event.proxy.uuid)?;
    let reference = Server { proxy: event.proxy.clone(), server: event.server.clone() };
    table.raw_set("reference", reference.into_object(lua)?)?;
    let more = lua.create_table()?;
    match &event.kind {
        Kind::Up | Kind::Down => {}
        Kind::State { old, new, admin } => {
            more.raw_set("admin", *admin)?;
            more.raw_set("cause", "")?;
            more.raw_set("old_state", *old)?;
            more.raw_set("new_state", *new)?;
            more.raw_set("requeued", 0)?;
            table.raw_set("state", more)?;
        }
        Kind::Admin { old, new } => {
            more.raw_set("cause", "")?;
            more.raw_set("old_admin", flags(*old))?;
            more.raw_set("new_admin", flags(*new))?;
            more.raw_set("requeued", 0)?;
            table.raw_set("admin", more)?;
        }
        Kind::Addr { old, new } => {
            for (name, addr) in [("prev", old), ("next", new)] {
                let part = lua.create_table()?;
                part.raw_set("addr", addr.ip().map(|ip| ip.to_string()))?;
                part.raw_set("port", addr.port())?;
                more.raw_set(name, part)?;
            }
            table.raw_set("inetaddr", more)?;
        }
    }
    Ok(table)
}

fn flags(admin: Admin) -> Vec<&'static str> {
    match admin {
        Admin::Ready => Vec::new(),
        Admin::Drain => vec!["DRAIN", "FDRAIN"],
        Admin::Maint => vec!["MAINT", "FMAINT"],
    }
}
