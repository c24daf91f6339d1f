//! Fetches of the connections: addresses, ports, and what they have negotiated.

use std::net::IpAddr;
use std::net::UdpSocket;

use crate::http::Version;
use crate::net::Addr;
use crate::net::proxy_protocol;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::INTERNAL;

const L4: &[Source] = &[Source::ClientL4];
const SERVER_L4: &[Source] = &[Source::ServerL4];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("bc_dst", Type::Addr, SERVER_L4, bc_dst, "where the server is"),
    Fetch::new("bc_dst_port", Type::Sint, SERVER_L4, bc_dst_port, "the server's port"),
    Fetch::new("bc_http_major", Type::Sint, SERVER_L4, bc_http_major, "version of HTTP, 1 or 2"),
    Fetch::new("bc_src", Type::Addr, SERVER_L4, bc_src, "where we connect from"),
    Fetch::new("bc_src_port", Type::Sint, SERVER_L4, bc_src_port, "the port we connect from"),
    Fetch::new("dst", Type::Addr, L4, dst, "where the client has connected to"),
    Fetch::new("dst_is_local", Type::Bool, L4, dst_is_local, "whether dst is of this machine"),
    Fetch::new("dst_port", Type::Sint, L4, dst_port, "the port the client has connected to"),
    Fetch::new("fc_dst", Type::Addr, L4, dst, "where the client has connected to"),
    Fetch::new("fc_dst_is_local", Type::Bool, L4, dst_is_local, "whether it is of this machine"),
    Fetch::new("fc_dst_port", Type::Sint, L4, dst_port, "the port the client has connected to"),
    Fetch::new("fc_http_major", Type::Sint, L4, fc_http_major, "version of HTTP, 1 or 2"),
    Fetch::new("fc_pp_authority", Type::Str, L4, fc_pp_authority, "authority of the PROXY header"),
    Fetch::new("fc_pp_tlv", Type::Str, L4, fc_pp_tlv, "value of a TLV of the PROXY header")
        .takes(&[Kind::Str])
        .checked(check_tlv)
        .each(each_tlv),
    Fetch::new("fc_pp_unique_id", Type::Str, L4, fc_pp_unique_id, "unique id of the PROXY header"),
    Fetch::new("fc_rcvd_proxy", Type::Bool, L4, fc_rcvd_proxy, "whether a PROXY header came"),
    Fetch::new("fc_src", Type::Addr, L4, src, "where the client is"),
    Fetch::new("fc_src_is_local", Type::Bool, L4, src_is_local, "whether it is of this machine"),
    Fetch::new("fc_src_port", Type::Sint, L4, src_port, "the client's port"),
    Fetch::new("so_id", Type::Sint, &[Source::Listener], so_id, "number of the bind line"),
    Fetch::new("so_name", Type::Str, &[Source::Listener], so_name, "name of the bind line"),
    Fetch::new("src", Type::Addr, L4, src, "where the client is"),
    Fetch::new("src_is_local", Type::Bool, L4, src_is_local, "whether src is of this machine"),
    Fetch::new("src_port", Type::Sint, L4, src_port, "the client's port"),
    Fetch::new("stopping", Type::Bool, INTERNAL, no, "whether the process is stopping"),
];

fn ip(addr: &Addr) -> Option<Value> {
    addr.ip().map(Value::from_ip)
}

fn port(addr: &Addr) -> Option<Value> {
    addr.port().map(|port| Value::Int(i64::from(port)))
}

fn bc_dst(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ip(&ctx.txn.server_addrs.as_ref()?.1)
}

fn bc_dst_port(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    port(&ctx.txn.server_addrs.as_ref()?.1)
}

fn bc_http_major(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ctx.txn.server_addrs.as_ref()?;
    Some(major(ctx.txn.response.as_ref().map(|response| response.version)))
}

fn bc_src(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ip(&ctx.txn.server_addrs.as_ref()?.0)
}

fn bc_src_port(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    port(&ctx.txn.server_addrs.as_ref()?.0)
}

fn dst(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ip(&ctx.txn.session.dst.borrow())
}

fn dst_is_local(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ctx.txn.session.dst.borrow().ip().map(|ip| Value::Bool(is_local(ip)))
}

fn dst_port(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    port(&ctx.txn.session.dst.borrow())
}

fn fc_http_major(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(major(ctx.txn.request.as_ref().map(|request| request.version)))
}

/// Returns the major version that a connection speaks, going by a message of it.
fn major(version: Option<Version>) -> Value {
    Value::Int(if version == Some(Version::Http2) { 2 } else { 1 })
}

fn fc_pp_authority(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    tlv(ctx, proxy_protocol::AUTHORITY)
}

fn fc_pp_tlv(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    tlv(ctx, tlv_kind(arguments)?)
}

fn each_tlv(ctx: &Ctx<'_>, arguments: &Arguments, enough: &mut dyn FnMut(Value) -> bool) {
    let Some(header) = ctx.txn.session.proxy_header.get() else { return };
    let Some(kind) = tlv_kind(arguments) else { return };
    let _found = header.tlvs(kind).map(Value::Str).any(enough);
}

fn fc_pp_unique_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    tlv(ctx, proxy_protocol::UNIQUE_ID)
}

fn fc_rcvd_proxy(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(ctx.txn.session.proxy_header.get().is_some()))
}

fn tlv(ctx: &Ctx<'_>, kind: u8) -> Option<Value> {
    ctx.txn.session.proxy_header.get()?.tlvs(kind).next().map(Value::Str)
}

fn tlv_kind(arguments: &Arguments) -> Option<u8> {
    let id = arguments.text(0)?;
    proxy_protocol::parse_kind(std::str::from_utf8(id).ok()?)
}

fn check_tlv(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match tlv_kind(arguments) {
        Some(_) => Ok(()),
        None => Err(Reason::Custom(format!("Invalid TLV Type '{}'", arguments.lossy(0)))),
    }
}

fn so_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::from(ctx.txn.session.listener.0)))
}

fn so_name(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let name = &ctx.txn.session.listener.1;
    Some(Value::Str(bytes::Bytes::copy_from_slice(name.as_bytes())))
}

fn src(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ip(&ctx.txn.session.src.borrow())
}

fn src_is_local(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ctx.txn.session.src.borrow().ip().map(|ip| Value::Bool(is_local(ip)))
}

fn src_port(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    port(&ctx.txn.session.src.borrow())
}

fn no(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(false))
}

/// HAProxy: an address is of this machine where a socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}
