//! Fetches of the connections: addresses, ports, and what they have negotiated.

use std::net::IpAddr;
use std::net::UdpSocket;

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
const L5: &[Source] = &[Source::ClientL5];
const SERVER_L4: &[Source] = &[Source::ServerL4];
const SERVER_L5: &[Source] = &[Source::ServerL5];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("bc_dst", Type::Addr, SERVER_L4, bc_dst, "where the server is"),
    Fetch::new("bc_dst_port", Type::Sint, SERVER_L4, bc_dst_port, "the server's port"),
    Fetch::new("bc_http_major", Type::Sint, SERVER_L4, bc_http_major, "version of HTTP, 1"),
    Fetch::new("bc_src", Type::Addr, SERVER_L4, bc_src, "where we connect from"),
    Fetch::new("bc_src_port", Type::Sint, SERVER_L4, bc_src_port, "the port we connect from"),
    Fetch::new("dst", Type::Addr, L4, dst, "where the client has connected to"),
    Fetch::new("dst_is_local", Type::Bool, L4, dst_is_local, "whether dst is of this machine"),
    Fetch::new("dst_port", Type::Sint, L4, dst_port, "the port the client has connected to"),
    Fetch::new("fc_dst", Type::Addr, L4, dst, "where the client has connected to"),
    Fetch::new("fc_dst_is_local", Type::Bool, L4, dst_is_local, "whether it is of this machine"),
    Fetch::new("fc_dst_port", Type::Sint, L4, dst_port, "the port the client has connected to"),
    Fetch::new("fc_err", Type::Sint, L4, fc_err, "error of the client's connection, 0"),
    Fetch::new("fc_http_major", Type::Sint, L4, fc_http_major, "version of HTTP, 1"),
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
    Fetch::new("req.ssl_hello_type", Type::Sint, &[Source::RequestL6], hello_type, "TLS message"),
    Fetch::new("so_id", Type::Sint, &[Source::Listener], so_id, "number of the bind line"),
    Fetch::new("so_name", Type::Str, &[Source::Listener], so_name, "name of the bind line"),
    Fetch::new("src", Type::Addr, L4, src, "where the client is"),
    Fetch::new("src_is_local", Type::Bool, L4, src_is_local, "whether src is of this machine"),
    Fetch::new("src_port", Type::Sint, L4, src_port, "the client's port"),
    Fetch::new("ssl_bc", Type::Bool, SERVER_L5, no, "whether the server speaks TLS"),
    Fetch::new("ssl_bc_is_resumed", Type::Bool, SERVER_L5, none, "whether TLS was resumed"),
    Fetch::new("ssl_c_ca_err", Type::Sint, L5, none, "error of the client's issuer"),
    Fetch::new("ssl_c_err", Type::Sint, L5, none, "error of the client's certificate"),
    Fetch::new("ssl_c_s_dn", Type::Str, L5, none, "subject of the client's certificate")
        .takes(&[Kind::Str, Kind::Int, Kind::Str])
        .required(0),
    Fetch::new("ssl_c_used", Type::Bool, L5, none, "whether the client has a certificate"),
    Fetch::new("ssl_c_verify", Type::Sint, L5, none, "result of the client's verification"),
    Fetch::new("ssl_fc", Type::Bool, L5, no, "whether the client speaks TLS"),
    Fetch::new("ssl_fc_alpn", Type::Str, L5, none, "protocol chosen with TLS"),
    Fetch::new("ssl_fc_cipher", Type::Str, L5, none, "cipher"),
    Fetch::new("ssl_fc_err", Type::Sint, L4, none, "error of TLS"),
    Fetch::new("ssl_fc_has_crt", Type::Bool, L5, none, "whether the client gave a certificate"),
    Fetch::new("ssl_fc_has_sni", Type::Bool, L5, none, "whether the client has named a server"),
    Fetch::new("ssl_fc_is_resumed", Type::Bool, L5, none, "whether TLS was resumed"),
    Fetch::new("ssl_fc_protocol", Type::Str, L5, none, "version of TLS"),
    Fetch::new("ssl_fc_session_id", Type::Bin, L5, none, "TLS session"),
    Fetch::new("ssl_fc_sni", Type::Str, L5, none, "server that the client has named"),
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
    ctx.txn.server_addrs.as_ref().map(|_| Value::Int(1))
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

fn fc_err(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(0))
}

fn fc_http_major(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(1))
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

/// Returns the type of the TLS handshake message that the input begins with (RFC 8446 4).
fn hello_type(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    match ctx.txn.req.input() {
        [22, 3, _, _, _, kind, ..] => Some(Value::Int(i64::from(*kind))),
        [] | [22] | [22, 3, ..] => {
            ctx.set_may_change(true);
            None
        }
        _ => None,
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

/// A connection without TLS has none of its properties.
fn none(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    None
}

/// HAProxy: an address is of this machine where a socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}
