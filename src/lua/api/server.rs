//! `Server` (`proxy.servers`): where it is, what it does, and what the operator's scripts make it
//! do.

use std::sync::Arc;

use mlua::Lua;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::proxy::number;
use super::proxy::object;
use super::proxy::operators_alone;
use super::proxy::stats;
use super::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy;
use crate::proxy::Admin;
use crate::proxy::Counter;
use crate::proxy::stat::Subject;

pub(super) const TABLE: &[Row] = &[
    Row { name: "agent_disable", run: without_checks },
    Row { name: "agent_enable", run: without_checks },
    Row { name: "agent_force_down", run: without_checks },
    Row { name: "agent_force_up", run: without_checks },
    Row { name: "check_disable", run: without_checks },
    Row { name: "check_enable", run: without_checks },
    Row { name: "check_force_down", run: |args| set_up(args, false) },
    Row { name: "check_force_nolb", run: |args| set_admin(args, Admin::Drain) },
    Row { name: "check_force_up", run: |args| set_up(args, true) },
    Row { name: "get_addr", run: get_addr },
    Row { name: "get_cur_sess", run: get_cur_sess },
    Row { name: "get_maxconn", run: |args| number(args, of(args)?.server.current_maxconn()) },
    Row { name: "get_name", run: |args| text(args.lua(), &of(args)?.server.name) },
    Row { name: "get_pend_conn", run: |args| number(args, of(args)?.server.places.waiting()) },
    Row { name: "get_proxy", run: get_proxy },
    Row { name: "get_puid", run: |args| number(args, of(args)?.server.puid) },
    Row { name: "get_rid", run: get_rid },
    Row { name: "get_stats", run: get_stats },
    Row { name: "get_trackers", run: get_trackers },
    Row { name: "get_weight", run: |args| number(args, of(args)?.server.current_weight()) },
    Row { name: "is_backup", run: |args| Reply::value(args.lua(), of(args)?.server.backup) },
    Row { name: "is_draining", run: is_draining },
    Row { name: "is_dynamic", run: is_dynamic },
    Row { name: "set_addr", run: set_addr },
    Row { name: "set_drain", run: |args| set_admin(args, Admin::Drain) },
    Row { name: "set_maint", run: |args| set_admin(args, Admin::Maint) },
    Row {
        name: "set_maxconn",
        run: |args| set_number(args, |it, to| it.proxy.set_maxconn(&it.server, to)),
    },
    Row { name: "set_ready", run: |args| set_admin(args, Admin::Ready) },
    Row {
        name: "set_weight",
        run: |args| set_number(args, |it, to| it.proxy.set_weight(&it.server, to)),
    },
    Row { name: "shut_sess", run: shut_sess },
    Row { name: "tracking", run: |args| of(args).map(|_| Reply::values([Value::Nil])) },
];

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub proxy: Arc<proxy::Proxy>,
    pub server: Arc<proxy::Server>,
}

impl UserData for Server {}

impl Server {
    /// Makes the object of a server.
    pub(super) fn into_object(self, lua: &Lua) -> Result<Table, Raise> {
        let (name, puid) = (self.server.name.clone(), self.server.puid);
        let object = super::object(lua, self)?;
        object.raw_set("name", name)?;
        object.raw_set("puid", puid)?;
        Ok(object)
    }
}

/// There is nothing to be enabled or forced: said, for a script would rely on it.
fn without_checks(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?;
    Err(Raise::new(format!("'{}': servers are not checked", args.name())))
}

fn set_up(args: &Args<'_>, up: bool) -> Result<Reply, Raise> {
    operators_alone(args)?;
    let it = of(args)?;
    it.proxy.set_up(&it.server, up);
    Ok(Reply::nothing())
}

fn set_admin(args: &Args<'_>, admin: Admin) -> Result<Reply, Raise> {
    operators_alone(args)?;
    let it = of(args)?;
    it.proxy.set_admin(&it.server, admin);
    Ok(Reply::nothing())
}

fn set_number(
    args: &Args<'_>,
    set: impl FnOnce(&Server, &str) -> Result<(), &'static str>,
) -> Result<Reply, Raise> {
    operators_alone(args)?;
    args.need(2)?;
    match set(&of(args)?, &args.text(2)?) {
        Ok(()) => Ok(Reply::values([Value::Nil])),
        Err(why) => text(args.lua(), why),
    }
}

fn set_addr(args: &Args<'_>) -> Result<Reply, Raise> {
    operators_alone(args)?;
    args.between(2, 3)?;
    let it = of(args)?;
    let port = if args.is_nil(3) { None } else { Some(args.text(3)?) };
    let said = it.proxy.set_addr(&it.server, &args.text(2)?, port.as_deref(), "Lua script");
    // HAProxy says in the same way what was done and what was not.
    text(args.lua(), said.unwrap_or_else(|why| format!("{why} by 'Lua script'")))
}

fn get_addr(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), of(args)?.server.current_addr().to_string())
}

fn get_cur_sess(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), of(args)?.server.counters.sum(Counter::Current))
}

fn get_proxy(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), object(args, &of(args)?.proxy)?)
}

fn get_stats(args: &Args<'_>) -> Result<Reply, Raise> {
    let it = of(args)?;
    Reply::value(args.lua(), stats(args, Subject::Server(&it.proxy, &it.server))?)
}

/// Nothing follows another server's state: `track` is refused.
fn get_trackers(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?;
    Reply::value(args.lua(), args.lua().create_table()?)
}

fn is_draining(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), of(args)?.server.admin() == Admin::Drain)
}

/// HAProxy counts how often a name was given to a new server: here, servers stay.
fn get_rid(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?;
    number(args, 0)
}

/// Servers are those of the configuration.
fn is_dynamic(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?;
    Reply::value(args.lua(), false)
}

fn shut_sess(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?;
    Err(Raise::new("'shut_sess': sessions cannot be ended from outside"))
}

fn of(args: &Args<'_>) -> Result<Server, Raise> {
    args.object(1, "Server")
}
