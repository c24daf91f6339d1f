//! Fetches of frontends, backends and servers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::proxy::Counter;
use crate::proxy::Proxy;
use crate::proxy::Server;
use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::INTERNAL;

const BACKEND: &[Source] = &[Source::Backend];
const FRONTEND: &[Source] = &[Source::Frontend];
const SERVER: &[Source] = &[Source::Server];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("avg_queue", Type::Sint, INTERNAL, avg_queue, "requests queued per server")
        .takes(&[Kind::Backend]),
    Fetch::new("be_conn", Type::Sint, INTERNAL, be_conn, "connections of a backend")
        .takes(&[Kind::Backend]),
    Fetch::new("be_conn_free", Type::Sint, INTERNAL, be_conn_free, "free places of a backend")
        .takes(&[Kind::Backend]),
    Fetch::new("be_connect_timeout", Type::Sint, BACKEND, be_connect_timeout, "milliseconds"),
    Fetch::new("be_id", Type::Sint, BACKEND, be_id, "number of the backend"),
    Fetch::new("be_name", Type::Str, BACKEND, be_name, "name of the backend"),
    Fetch::new("be_queue_timeout", Type::Sint, BACKEND, be_queue_timeout, "milliseconds"),
    Fetch::new("be_server_timeout", Type::Sint, BACKEND, be_server_timeout, "milliseconds"),
    Fetch::new("be_tarpit_timeout", Type::Sint, BACKEND, be_tarpit_timeout, "milliseconds"),
    Fetch::new("be_tunnel_timeout", Type::Sint, BACKEND, be_tunnel_timeout, "milliseconds"),
    Fetch::new("connslots", Type::Sint, INTERNAL, be_conn_free, "free places of a backend")
        .takes(&[Kind::Backend]),
    Fetch::new("cur_client_timeout", Type::Sint, FRONTEND, fe_client_timeout, "milliseconds"),
    Fetch::new("cur_server_timeout", Type::Sint, BACKEND, be_server_timeout, "milliseconds"),
    Fetch::new("cur_tunnel_timeout", Type::Sint, BACKEND, be_tunnel_timeout, "milliseconds"),
    Fetch::new("fe_client_timeout", Type::Sint, FRONTEND, fe_client_timeout, "milliseconds"),
    Fetch::new("fe_conn", Type::Sint, INTERNAL, conn, "connections of a frontend")
        .takes(&[Kind::Frontend]),
    Fetch::new("fe_id", Type::Sint, FRONTEND, fe_id, "number of the frontend"),
    Fetch::new("fe_name", Type::Str, FRONTEND, fe_name, "name of the frontend"),
    Fetch::new("nbsrv", Type::Sint, INTERNAL, nbsrv, "usable servers of a backend")
        .takes(&[Kind::Backend]),
    Fetch::new("queue", Type::Sint, INTERNAL, queue, "requests queued for a backend")
        .takes(&[Kind::Backend]),
    Fetch::new("srv_conn", Type::Sint, INTERNAL, srv_conn, "connections of a server")
        .takes(&[Kind::Server]),
    Fetch::new("srv_conn_free", Type::Sint, INTERNAL, srv_conn_free, "free places of a server")
        .takes(&[Kind::Server]),
    Fetch::new("srv_id", Type::Sint, SERVER, srv_id, "number of the server"),
    Fetch::new("srv_is_up", Type::Bool, INTERNAL, srv_is_up, "whether a server is usable")
        .takes(&[Kind::Server]),
    Fetch::new("srv_iweight", Type::Sint, INTERNAL, srv_weight, "configured weight of a server")
        .takes(&[Kind::Server]),
    Fetch::new("srv_name", Type::Str, SERVER, srv_name, "name of the server"),
    Fetch::new("srv_queue", Type::Sint, INTERNAL, srv_queue, "requests queued for a server")
        .takes(&[Kind::Server]),
    Fetch::new("srv_uweight", Type::Sint, INTERNAL, srv_weight, "weight of a server")
        .takes(&[Kind::Server]),
    Fetch::new("srv_weight", Type::Sint, INTERNAL, srv_weight, "effective weight of a server")
        .takes(&[Kind::Server]),
];

/// Returns the proxy that an argument names.
fn proxy<'a>(ctx: &Ctx<'a>, arguments: &Arguments) -> Option<&'a Arc<Proxy>> {
    match arguments.get(0)? {
        Argument::Proxy(id) => ctx.txn.session.proxies.find(*id),
        _ => None,
    }
}

/// Returns the server that an argument names.
fn server<'a>(ctx: &Ctx<'a>, arguments: &Arguments) -> Option<&'a Arc<Server>> {
    match arguments.get(0)? {
        Argument::Server(id, index) => ctx.txn.session.proxies.find(*id)?.servers.get(*index),
        _ => None,
    }
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Str(Bytes::copy_from_slice(text.as_bytes())))
}

/// HAProxy: a timeout that is not set is no sample.
fn millis(timeout: Option<Duration>) -> Option<Value> {
    timeout.and_then(|timeout| i64::try_from(timeout.as_millis()).ok()).map(Value::Int)
}

fn avg_queue(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let proxy = proxy(ctx, arguments)?;
    let queued = proxy.counters.sum(Counter::Queued);
    let servers = i64::try_from(usable(proxy)).ok()?;
    Some(Value::Int(if servers == 0 { queued } else { (queued + servers - 1) / servers }))
}

fn conn(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let proxy = proxy(ctx, arguments)?;
    Some(Value::Int(proxy.counters.sum(Counter::Current).max(0)))
}

fn be_conn(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let proxy = proxy(ctx, arguments)?;
    Some(Value::Int(proxy.counters.sum(Counter::Serving).max(0)))
}

/// HAProxy: -1 where a server has no limit.
fn be_conn_free(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let mut free = 0_i64;
    for server in &proxy(ctx, arguments)?.servers {
        if !server.is_running() {
            continue;
        }
        if server.current_maxconn() == 0 {
            return Some(Value::Int(-1));
        }
        free +=
            (i64::from(server.current_maxconn()) - server.counters.sum(Counter::Current)).max(0);
    }
    Some(Value::Int(free))
}

fn be_connect_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.backend.timeouts.connect)
}

fn be_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let backend = &ctx.txn.backend;
    backend.caps.backend.then_some(Value::Int(i64::from(backend.uuid)))
}

fn be_name(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let backend = &ctx.txn.backend;
    if backend.caps.backend { text(&backend.name) } else { None }
}

fn be_queue_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.backend.timeouts.queue)
}

fn be_server_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.backend.timeouts.server)
}

fn be_tarpit_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.backend.timeouts.tarpit)
}

fn be_tunnel_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.backend.timeouts.tunnel)
}

fn fe_client_timeout(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    millis(ctx.txn.session.frontend.timeouts.client)
}

fn fe_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::from(ctx.txn.session.frontend.uuid)))
}

fn fe_name(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    text(&ctx.txn.session.frontend.name)
}

fn nbsrv(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    Some(super::count(usable(proxy(ctx, arguments)?)))
}

/// HAProxy: backup servers count only where no other is left.
fn usable(proxy: &Proxy) -> usize {
    let up = |backup: bool| {
        proxy
            .servers
            .iter()
            .filter(|server| server.is_eligible() && server.backup == backup)
            .count()
    };
    match up(false) {
        0 => up(true),
        active => active,
    }
}

fn queue(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let proxy = proxy(ctx, arguments)?;
    Some(Value::Int(proxy.counters.sum(Counter::Queued).max(0)))
}

fn srv_conn(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let server = server(ctx, arguments)?;
    Some(Value::Int(server.counters.sum(Counter::Current).max(0)))
}

fn srv_conn_free(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let server = server(ctx, arguments)?;
    if server.current_maxconn() == 0 {
        return Some(Value::Int(-1));
    }
    let free = i64::from(server.current_maxconn()) - server.counters.sum(Counter::Current);
    Some(Value::Int(free.max(0)))
}

fn srv_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ctx.txn.server.as_ref().map(|server| Value::Int(i64::from(server.puid)))
}

fn srv_is_up(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    server(ctx, arguments).map(|server| Value::Bool(server.is_running()))
}

fn srv_weight(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    server(ctx, arguments).map(|server| Value::Int(i64::from(server.current_weight())))
}

fn srv_name(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    text(&ctx.txn.server.as_ref()?.name)
}

fn srv_queue(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let server = server(ctx, arguments)?;
    Some(Value::Int(server.counters.sum(Counter::Queued).max(0)))
}
