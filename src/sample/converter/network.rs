//! Converters of addresses, hosts and ports.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::proxy::Caps;
use crate::proxy::Counter;
use crate::proxy::Server;
use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;

pub(super) const TABLE: &[Converter] = &[
    Converter::new("fe_exists", Type::Str, Type::Bool, fe_exists, "whether a frontend is there"),
    Converter::new("host_only", Type::Str, Type::Str, host_only, "a host without its port"),
    Converter::new("ipmask", Type::Addr, Type::Addr, ipmask, "the network of an address")
        .takes(&[Kind::Mask4, Kind::Mask6])
        .required(1),
    Converter::new("nbsrv", Type::Str, Type::Sint, nbsrv, "usable servers of a backend"),
    Converter::new("port_only", Type::Str, Type::Sint, port_only, "the port after a host, or 0"),
    Converter::new("srv_is_up", Type::Str, Type::Bool, srv_is_up, "whether a server is usable"),
    Converter::new("srv_queue", Type::Str, Type::Sint, srv_queue, "requests queued for a server"),
];

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?.to_vec()).ok()
}

fn fe_exists(value: Value, _: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let caps = Caps { frontend: true, backend: false };
    let found = ctx?.txn.session.proxies.find_named(&text(value)?, caps);
    Some(Value::Bool(found.is_some()))
}

/// Returns where the port begins: after the last `:` that is in no brackets.
fn colon(text: &[u8]) -> Option<usize> {
    memchr::memrchr2(b':', b']', text).filter(|at| text.get(*at) == Some(&b':'))
}

fn host_only(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let end = colon(&text).unwrap_or(text.len());
    Some(Value::Str(text.slice(..end)))
}

fn ipmask(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    match (value, arguments.get(0)?, arguments.get(1)) {
        (Value::Ipv4(ip), Argument::Ipv4(mask), _) => {
            Some(Value::Ipv4(Ipv4Addr::from(u32::from(ip) & u32::from(*mask))))
        }
        (Value::Ipv6(ip), _, Some(Argument::Ipv6(mask))) => {
            Some(Value::Ipv6(Ipv6Addr::from(u128::from(ip) & u128::from(*mask))))
        }
        _ => None,
    }
}

fn nbsrv(value: Value, _: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let caps = Caps { frontend: false, backend: true };
    let proxy = ctx?.txn.session.proxies.find_named(&text(value)?, caps)?;
    let usable = proxy.servers.iter().filter(|server| server.is_eligible()).count();
    i64::try_from(usable).ok().map(Value::Int)
}

fn port_only(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let port = colon(&text).and_then(|at| text.get(at + 1..)).unwrap_or_default();
    let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
    Some(Value::Int(port.unwrap_or_default()))
}

/// Runs something on the server that `backend/server` names, or a server of the current backend.
fn with_server<T>(value: Value, ctx: Option<&Ctx<'_>>, run: impl Fn(&Server) -> T) -> Option<T> {
    let (name, txn) = (text(value)?, ctx?.txn);
    let (proxy, server) = match name.split_once('/') {
        Some((proxy, server)) => {
            let caps = Caps { frontend: false, backend: true };
            (txn.session.proxies.find_named(proxy, caps)?, server)
        }
        None => (&txn.backend, &*name),
    };
    proxy.servers.iter().find(|known| known.name == server).map(|server| run(server))
}

fn srv_is_up(value: Value, _: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    with_server(value, ctx, |server| Value::Bool(server.is_running()))
}

fn srv_queue(value: Value, _: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    with_server(value, ctx, |server| Value::Int(server.counters.sum(Counter::Queued).max(0)))
}
