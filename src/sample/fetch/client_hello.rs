//! Fetches of the first message of TLS that passes by: nothing is decrypted.

use bytes::Bytes;

use crate::net::tls::hello;
use crate::net::tls::hello::Hello;
use crate::sample::argument::Arguments;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::txn::Direction;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::tls::bin;

const REQUEST: &[Source] = &[Source::RequestL6];
const RESPONSE: &[Source] = &[Source::ResponseL6];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new(
        "rep_ssl_hello_type",
        Type::Sint,
        RESPONSE,
        |c, _| kind(c, Direction::Response),
        "type of the TLS message",
    ),
    Fetch::new(
        "req.ssl_alpn",
        Type::Str,
        REQUEST,
        alpn,
        "first protocol that the client offers by ALPN",
    ),
    Fetch::new(
        "req.ssl_cipherlist",
        Type::Bin,
        REQUEST,
        |c, _| sent(c).map(|hello| bin(hello.ciphers)),
        "ciphers that the client offers",
    ),
    Fetch::new(
        "req.ssl_ec_ext",
        Type::Bool,
        REQUEST,
        |c, _| sent(c).map(|hello| Value::Bool(hello.groups().is_some())),
        "whether the client has elliptic curves",
    ),
    Fetch::new(
        "req.ssl_hello_type",
        Type::Sint,
        REQUEST,
        |c, _| kind(c, Direction::Request),
        "type of the TLS message",
    ),
    Fetch::new(
        "req.ssl_keyshare_groups",
        Type::Bin,
        REQUEST,
        |c, _| sent(c)?.key_shares().map(|list| Value::Bin(list.into())),
        "groups that the client offers keys of",
    ),
    Fetch::new(
        "req.ssl_sigalgs",
        Type::Bin,
        REQUEST,
        |c, _| sent(c)?.signatures().map(bin),
        "signature algorithms that the client offers",
    ),
    Fetch::new("req.ssl_sni", Type::Str, REQUEST, sni, "server that the client asks for"),
    Fetch::new(
        "req.ssl_st_ext",
        Type::Sint,
        REQUEST,
        |c, _| sent(c).map(ticket),
        "session ticket: 0 none, 1 wanted, 2 there",
    ),
    Fetch::new(
        "req.ssl_supported_groups",
        Type::Bin,
        REQUEST,
        |c, _| sent(c)?.groups().map(bin),
        "groups that the client offers",
    ),
    Fetch::new("req.ssl_ver", Type::Sint, REQUEST, version, "version that the client offers"),
    Fetch::new(
        "req_ssl_hello_type",
        Type::Sint,
        REQUEST,
        |c, _| kind(c, Direction::Request),
        "type of the TLS message",
    ),
    Fetch::new("req_ssl_sni", Type::Str, REQUEST, sni, "server that the client asks for"),
    Fetch::new("req_ssl_ver", Type::Sint, REQUEST, version, "version that the client offers"),
    Fetch::new(
        "res.ssl_hello_type",
        Type::Sint,
        RESPONSE,
        |c, _| kind(c, Direction::Response),
        "type of the TLS message",
    ),
];

/// Returns the type of the TLS handshake message that the bytes begin with (RFC 8446 4).
fn kind(ctx: &Ctx<'_>, direction: Direction) -> Option<Value> {
    match ctx.txn.channel(direction).input() {
        [22, 3, _, _, _, kind, ..] => Some(Value::Int(i64::from(*kind))),
        [] | [22] | [22, 3, ..] => {
            ctx.set_may_change(true);
            None
        }
        _ => None,
    }
}

fn sent<'a>(ctx: &Ctx<'a>) -> Option<Hello<'a>> {
    match Hello::of_stream(ctx.txn.req.input()) {
        Ok(hello) => Some(hello),
        Err(hello::Error::Short) => {
            ctx.set_may_change(true);
            None
        }
        Err(hello::Error::Other) => None,
    }
}

fn alpn(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    // HAProxy gives the first one alone.
    sent(ctx)?.alpn()?.next().map(|name| Value::Str(Bytes::copy_from_slice(name)))
}

fn sni(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    sent(ctx)?.server_name().map(|name| Value::Str(Bytes::copy_from_slice(name)))
}

fn ticket(hello: Hello<'_>) -> Value {
    Value::Int(hello.ticket().map_or(0, |ticket| if ticket.is_empty() { 1 } else { 2 }))
}

fn version(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    sent(ctx).map(|hello| {
        let (major, minor) = hello.version;
        Value::Int(i64::from(major) << 16 | i64::from(minor))
    })
}
