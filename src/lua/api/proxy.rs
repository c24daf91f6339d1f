//! `Proxy` and `Server` (`core.proxies`, `core.backends`, `core.frontends`): what is configured and
//! what has been counted.

use std::sync::Arc;

use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::text;
use crate::lua::book::Info;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy;
use crate::proxy::Counter;
use crate::proxy::Counters;
use crate::proxy::Mode;

pub(super) const PROXY: &[Row] = &[
    Row { name: "get_cap", run: get_cap },
    Row { name: "get_mode", run: get_mode },
    Row { name: "get_name", run: |args| text(args.lua(), &of_proxy(args)?.0.name) },
    Row { name: "get_srv_act", run: |args| count_servers(args, false) },
    Row { name: "get_srv_bck", run: |args| count_servers(args, true) },
    Row { name: "get_stats", run: proxy_stats },
    Row { name: "get_uuid", run: |args| number(args, of_proxy(args)?.0.uuid) },
    Row { name: "list", run: list },
    Row { name: "list_servers", run: list_servers },
];

pub(super) const SERVER: &[Row] = &[
    Row { name: "get_addr", run: |args| text(args.lua(), of_server(args)?.0.addr.to_string()) },
    Row { name: "get_cur_sess", run: get_cur_sess },
    Row { name: "get_maxconn", run: |args| number(args, of_server(args)?.0.maxconn) },
    Row { name: "get_name", run: |args| text(args.lua(), &of_server(args)?.0.name) },
    Row { name: "get_puid", run: |args| number(args, of_server(args)?.0.puid) },
    Row { name: "get_stats", run: server_stats },
    Row { name: "get_weight", run: |args| number(args, of_server(args)?.0.weight) },
    Row { name: "is_backup", run: |args| Reply::value(args.lua(), of_server(args)?.0.backup) },
];

/// HAProxy's columns of `show stat`, as far as they are counted.
const COLUMNS: &[(&str, Counter)] = &[
    ("bin", Counter::BytesIn),
    ("bout", Counter::BytesOut),
    ("dreq", Counter::RequestsDenied),
    ("dresp", Counter::ResponsesDenied),
    ("econ", Counter::ConnectErrors),
    ("ereq", Counter::RequestErrors),
    ("eresp", Counter::ResponseErrors),
    ("hrsp_1xx", Counter::Status1xx),
    ("hrsp_2xx", Counter::Status2xx),
    ("hrsp_3xx", Counter::Status3xx),
    ("hrsp_4xx", Counter::Status4xx),
    ("hrsp_5xx", Counter::Status5xx),
    ("hrsp_other", Counter::StatusOther),
    ("qcur", Counter::Queued),
    ("req_tot", Counter::Requests),
    ("scur", Counter::Current),
    ("stot", Counter::Total),
    ("wretr", Counter::Retries),
];

#[derive(Clone, Debug)]
struct Proxy(Arc<proxy::Proxy>);

#[derive(Clone, Debug)]
struct Server(Arc<proxy::Server>);

impl UserData for Proxy {}
impl UserData for Server {}

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

fn get_mode(args: &Args<'_>) -> Result<Reply, Raise> {
    let name = match of_proxy(args)?.0.mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
    };
    text(args.lua(), name)
}

fn count_servers(args: &Args<'_>, backup: bool) -> Result<Reply, Raise> {
    let proxy = of_proxy(args)?;
    let servers = proxy.0.servers.iter();
    Ok(super::count(servers.filter(|it| it.backup == backup && !it.disabled).count()))
}

fn proxy_stats(args: &Args<'_>) -> Result<Reply, Raise> {
    let proxy = of_proxy(args)?;
    let table = stats(args, &proxy.0.counters)?;
    table.raw_set("pxname", proxy.0.name.as_str())?;
    table.raw_set("svname", if proxy.0.caps.backend { "BACKEND" } else { "FRONTEND" })?;
    table.raw_set("status", if proxy.0.caps.frontend { "OPEN" } else { "UP" })?;
    table.raw_set("iid", proxy.0.uuid)?;
    Reply::value(args.lua(), table)
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
        let object = super::object(args.lua(), Proxy(Arc::clone(proxy)))?;
        object.raw_set("name", proxy.name.as_str())?;
        object.raw_set("uuid", proxy.uuid)?;
        table.raw_push(object)?;
    }
    Reply::value(args.lua(), table)
}

fn list_servers(args: &Args<'_>) -> Result<Reply, Raise> {
    let table = args.lua().create_table()?;
    for server in &of_proxy(args)?.0.servers {
        let object = super::object(args.lua(), Server(Arc::clone(server)))?;
        object.raw_set("name", server.name.as_str())?;
        object.raw_set("puid", server.puid)?;
        table.raw_push(object)?;
    }
    Reply::value(args.lua(), table)
}

fn get_cur_sess(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), of_server(args)?.0.counters.sum(Counter::Current))
}

fn server_stats(args: &Args<'_>) -> Result<Reply, Raise> {
    let server = of_server(args)?;
    let table = stats(args, &server.0.counters)?;
    table.raw_set("svname", server.0.name.as_str())?;
    table.raw_set("sid", server.0.puid)?;
    table.raw_set("weight", server.0.weight)?;
    table.raw_set("status", if server.0.disabled { "MAINT" } else { "no check" })?;
    table.raw_set("bck", u8::from(server.0.backup))?;
    table.raw_set("act", u8::from(!server.0.backup))?;
    Reply::value(args.lua(), table)
}

fn stats(args: &Args<'_>, counters: &Counters) -> Result<Table, Raise> {
    let table = args.lua().create_table_with_capacity(0, COLUMNS.len())?;
    for (name, counter) in COLUMNS {
        table.raw_set(*name, counters.sum(*counter))?;
    }
    Ok(table)
}

fn number(args: &Args<'_>, number: u32) -> Result<Reply, Raise> {
    args.need(1)?;
    Ok(Reply::values([Value::Integer(number.into())]))
}

fn of_proxy(args: &Args<'_>) -> Result<Proxy, Raise> {
    args.object(1, "Proxy")
}

fn of_server(args: &Args<'_>) -> Result<Server, Raise> {
    args.object(1, "Server")
}
