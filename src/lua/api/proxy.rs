//! `Proxy` and `Listener` (`core.proxies`, `core.frontends`, `core.backends`): what is configured,
//! what was counted, and which of it the operator's scripts may change.

use std::sync::Arc;

use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::server::Server;
use super::text;
use crate::lua::account;
use crate::lua::book::Info;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy;
use crate::proxy::info;
use crate::proxy::stat;
use crate::proxy::stat::Cell;
use crate::proxy::stat::Subject;

pub(super) const PROXY: &[Row] = &[
    Row { name: "get_cap", run: get_cap },
    Row { name: "get_mailers", run: get_mailers },
    Row { name: "get_mode", run: |args| text(args.lua(), of_proxy(args)?.0.mode_name()) },
    Row { name: "get_name", run: |args| text(args.lua(), &of_proxy(args)?.0.name) },
    Row { name: "get_srv_act", run: |args| Ok(super::count(of_proxy(args)?.0.serving(false))) },
    Row { name: "get_srv_bck", run: |args| Ok(super::count(of_proxy(args)?.0.serving(true))) },
    Row { name: "get_stats", run: get_stats },
    Row { name: "get_uuid", run: |args| number(args, of_proxy(args)?.0.uuid) },
    Row { name: "list", run: list },
    Row { name: "list_listeners", run: list_listeners },
    Row { name: "list_servers", run: list_servers },
    Row { name: "pause", run: |args| change(args, proxy::Proxy::pause) },
    Row { name: "resume", run: |args| change(args, |proxy| _ = proxy.resume()) },
    Row { name: "shut_bcksess", run: shut_bcksess },
    Row { name: "stop", run: |args| change(args, proxy::Proxy::stop) },
];

/// Of `core`.
pub(super) const INFO: &[Row] = &[
    Row { name: "get_info", run: get_info },
    Row { name: "use_native_mailers_config", run: use_native_mailers_config },
];

pub(super) const LISTENER: &[Row] = &[Row { name: "get_stats", run: listener_stats }];

#[derive(Clone, Debug)]
pub(super) struct Proxy(pub Arc<proxy::Proxy>);

/// A `bind` line of a proxy, by its place.
#[derive(Clone, Debug)]
struct Listener(Arc<proxy::Proxy>, usize);

impl UserData for Proxy {}
impl UserData for Listener {}

fn get_cap(args: &Args<'_>) -> Result<Reply, Raise> {
    let caps = of_proxy(args)?.0.caps;
    let name = match (caps.frontend, caps.backend) {
        (true, true) => "proxy",
        (true, false) => "frontend",
        (false, true) => "backend",
        (false, false) => "ruleset",
    };
    text(args.lua(), name)
}

/// The lines of `show info`.
fn get_info(args: &Args<'_>) -> Result<Reply, Raise> {
    operators_alone(args)?;
    let info = Info::of(args.lua())?;
    let proxies = info.book.proxies.borrow().clone();
    let proxies = proxies.ok_or_else(|| {
        Raise::new("get_info: not available before the configuration is complete")
    })?;
    let table = args.lua().create_table_with_capacity(0, info::TABLE.len())?;
    for line in info::TABLE {
        set(&table, line.name, line.of(&proxies))?;
    }
    Reply::value(args.lua(), table)
}

fn set(table: &Table, name: &str, cell: Option<Cell<'_>>) -> Result<(), Raise> {
    match cell {
        Some(Cell::Number(number)) => table.raw_set(name, number)?,
        Some(Cell::Text(text)) => table.raw_set(name, &*text)?,
        None => {}
    }
    Ok(())
}

fn use_native_mailers_config(_: &Args<'_>) -> Result<Reply, Raise> {
    Err(Raise::new("use_native_mailers_config: there are no 'mailers' sections"))
}

/// HAProxy: nil where no mailers are configured.
fn get_mailers(args: &Args<'_>) -> Result<Reply, Raise> {
    of_proxy(args)?;
    Ok(Reply::values([Value::Nil]))
}

fn get_stats(args: &Args<'_>) -> Result<Reply, Raise> {
    let proxy = of_proxy(args)?.0;
    let subject = match proxy.caps.backend {
        true => Subject::Backend(&proxy),
        false => Subject::Frontend(&proxy),
    };
    Reply::value(args.lua(), stats(args, subject)?)
}

fn listener_stats(args: &Args<'_>) -> Result<Reply, Raise> {
    let Listener(proxy, index) = args.object::<Listener>(1, "Listener")?;
    let Some(it) = proxy.listeners.get(index) else { return Ok(Reply::values([Value::Nil])) };
    let subject = Subject::Listener(&proxy, &it.name, it.id, &it.addr);
    Reply::value(args.lua(), stats(args, subject)?)
}

/// Makes a table of the columns of a line of `show stat`.
pub(super) fn stats(args: &Args<'_>, subject: Subject<'_>) -> Result<Table, Raise> {
    let table = args.lua().create_table_with_capacity(0, stat::TABLE.len())?;
    for column in stat::TABLE {
        set(&table, column.name, column.of(subject))?;
    }
    Ok(table)
}

/// `list(kind)`: the proxies that are `frontend` or `backend`, or all of them.
fn list(args: &Args<'_>) -> Result<Reply, Raise> {
    let kind = args.text(1)?;
    let info = Info::of(args.lua())?;
    let proxies = info.book.proxies.borrow().clone();
    let proxies = proxies.ok_or_else(|| {
        Raise::new("core.proxies: not available before the configuration is complete")
    })?;
    let table = args.lua().create_table()?;
    let wanted = |proxy: &&Arc<proxy::Proxy>| match kind.as_str() {
        "frontend" => proxy.caps.frontend,
        "backend" => proxy.caps.backend,
        _ => true,
    };
    for proxy in proxies.iter().filter(wanted) {
        table.raw_push(object(args, proxy)?)?;
    }
    Reply::value(args.lua(), table)
}

/// Makes the object of a proxy.
pub(super) fn object(args: &Args<'_>, proxy: &Arc<proxy::Proxy>) -> Result<Table, Raise> {
    let object = super::object(args.lua(), Proxy(Arc::clone(proxy)))?;
    object.raw_set("name", proxy.name.as_str())?;
    object.raw_set("uuid", proxy.uuid)?;
    Ok(object)
}

fn list_servers(args: &Args<'_>) -> Result<Reply, Raise> {
    let table = args.lua().create_table()?;
    let proxy = of_proxy(args)?.0;
    for server in &proxy.servers {
        let server = Server { proxy: Arc::clone(&proxy), server: Arc::clone(server) };
        table.raw_push(server.into_object(args.lua())?)?;
    }
    Reply::value(args.lua(), table)
}

fn list_listeners(args: &Args<'_>) -> Result<Reply, Raise> {
    let table = args.lua().create_table()?;
    let proxy = of_proxy(args)?.0;
    for (index, listener) in proxy.listeners.iter().enumerate() {
        let object = super::object(args.lua(), Listener(Arc::clone(&proxy), index))?;
        object.raw_set("name", listener.name.as_str())?;
        table.raw_push(object)?;
    }
    Reply::value(args.lua(), table)
}

/// Refused, for a script would rely on it.
fn shut_bcksess(args: &Args<'_>) -> Result<Reply, Raise> {
    of_proxy(args)?;
    Err(Raise::new("'shut_bcksess': sessions cannot be ended from outside"))
}

fn change(args: &Args<'_>, run: impl FnOnce(&proxy::Proxy)) -> Result<Reply, Raise> {
    operators_alone(args)?;
    args.need(1)?;
    run(&of_proxy(args)?.0);
    Ok(Reply::nothing())
}

/// Raises in a tenant's state: what all share is the operator's to change.
pub(super) fn operators_alone(args: &Args<'_>) -> Result<(), Raise> {
    match account::of(args.lua()) {
        Some(_) => Err(Raise::new(format!("'{}' is not a tenant's to call", args.name()))),
        None => Ok(()),
    }
}

pub(super) fn number(args: &Args<'_>, number: u32) -> Result<Reply, Raise> {
    args.need(1)?;
    Ok(Reply::values([Value::Integer(number.into())]))
}

fn of_proxy(args: &Args<'_>) -> Result<Proxy, Raise> {
    args.object(1, "Proxy")
}
