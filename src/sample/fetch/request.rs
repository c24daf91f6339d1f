//! Fetches of the request line and of what is computed from it.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::http::Request;
use crate::http::Text;
use crate::http::uri;
use crate::proxy::Mode;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::sample::hash;
use crate::value::Type;
use crate::value::Value;

use super::CONSTANT;
use super::Fetch;
use super::REMEMBERED;
use super::REQUEST;

const BYTES: &[Source] = &[Source::RequestL6];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("base", Type::Str, REQUEST, base, "the host and the path"),
    Fetch::new("base32", Type::Sint, REQUEST, base32, "a hash of the host and the path"),
    Fetch::new("base32+src", Type::Bin, REQUEST, base32_src, "base32 and the client's address"),
    Fetch::new("baseq", Type::Str, REQUEST, baseq, "the host, the path and the query"),
    Fetch::new("http_auth_bearer", Type::Str, REQUEST, http_auth_bearer, "the token of a client")
        .takes(&[Kind::Str])
        .required(0),
    Fetch::new("http_auth_pass", Type::Str, REQUEST, http_auth_pass, "the client's password"),
    Fetch::new("http_auth_type", Type::Str, REQUEST, http_auth_type, "the client's scheme"),
    Fetch::new("http_auth_user", Type::Str, REQUEST, http_auth_user, "the client's name"),
    Fetch::new("http_first_req", Type::Bool, REMEMBERED, http_first_req, "first of its connection"),
    Fetch::new("internal.strm.is_htx", Type::Bool, CONSTANT, is_http, "the stream speaks HTTP"),
    Fetch::new("method", Type::Meth, REMEMBERED, method, "the method"),
    Fetch::new("path", Type::Str, REQUEST, path, "the path"),
    Fetch::new("pathq", Type::Str, REQUEST, pathq, "the path and the query"),
    Fetch::new("query", Type::Str, REQUEST, query, "the query without its mark")
        .takes(&[Kind::Str])
        .required(0),
    Fetch::new("req.proto_http", Type::Bool, BYTES, proto_http, "the request is of HTTP"),
    Fetch::new("req.ver", Type::Str, REMEMBERED, ver, "the version of the request"),
    Fetch::new("req_proto_http", Type::Bool, BYTES, proto_http, "the request is of HTTP"),
    Fetch::new("req_ver", Type::Str, REMEMBERED, ver, "the version of the request"),
    Fetch::new("unique-id", Type::Str, CONSTANT, unique_id, "the identifier of the exchange"),
    Fetch::new("url", Type::Str, REQUEST, url, "the target as it was sent"),
    Fetch::new("url32", Type::Sint, REQUEST, url32, "a hash of the host and the target"),
    Fetch::new("url32+src", Type::Bin, REQUEST, url32_src, "url32 and the client's address"),
    Fetch::new("url_ip", Type::Ipv4, REQUEST, url_ip, "the address in an absolute target"),
    Fetch::new("url_port", Type::Sint, REQUEST, url_port, "the port in an absolute target"),
];

/// Returns the request, or says that it may still come.
fn request<'a>(ctx: &Ctx<'a>) -> Option<&'a Request> {
    let request = ctx.txn.request.as_ref();
    ctx.set_may_change(request.is_none());
    request
}

/// Returns the host, then what is given.
fn with_host(request: &Request, rest: &[u8]) -> Text {
    let host = request.host().map(|host| &host[..]).unwrap_or_default();
    [host, rest].concat().into()
}

/// HAProxy: without a path there is no base.
fn base(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    Some(Value::Str(with_host(request, uri::path(&request.uri)?)))
}

fn base32(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    let path = uri::path(&request.uri).unwrap_or_default();
    // HAProxy: a path that does not start with a slash is not hashed.
    let path = if path.starts_with(b"/") { path } else { b"" };
    Some(Value::Int(i64::from(hash_of(request, path))))
}

fn hash_of(request: &Request, rest: &[u8]) -> u32 {
    hash::avalanche(hash::sdbm(&with_host(request, rest)))
}

fn base32_src(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    with_src(ctx, &base32(ctx, arguments)?)
}

/// Returns a hash and the client's address, one after the other.
fn with_src(ctx: &Ctx<'_>, hash: &Value) -> Option<Value> {
    let Value::Int(hash) = *hash else { return None };
    let mut bytes = u32::try_from(hash).ok()?.to_be_bytes().to_vec();
    match ctx.txn.session.src.borrow().ip()? {
        IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
    }
    Some(Value::Bin(bytes.into()))
}

fn baseq(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    Some(Value::Str(with_host(request, uri::split(&request.uri).pathq?)))
}

/// Returns what follows a scheme in a header, `Authorization` by default.
fn credentials(request: &Request, header: &[u8]) -> Option<(Text, Text)> {
    let line = request.headers.last(header)?;
    let space = memchr::memchr(b' ', line)?;
    let rest = line.get(space..)?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    Some((line.slice(..space), line.slice(space + blanks..)))
}

fn http_auth_bearer(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let header = arguments.text(0).filter(|name| !name.is_empty());
    let header = header.map_or(&b"authorization"[..], |name| name);
    let (scheme, token) = credentials(request(ctx)?, header)?;
    scheme.eq_ignore_ascii_case(b"bearer").then_some(Value::Str(token))
}

fn basic(ctx: &Ctx<'_>) -> Option<(Bytes, Bytes)> {
    let (scheme, token) = credentials(request(ctx)?, b"authorization")?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let text = Bytes::from(STANDARD.decode(token).ok()?);
    let colon = memchr::memchr(b':', &text)?;
    Some((text.slice(..colon), text.slice(colon + 1..)))
}

fn http_auth_pass(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    basic(ctx).map(|(_, password)| Value::Str(password))
}

fn http_auth_type(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let (scheme, _) = credentials(request(ctx)?, b"authorization")?;
    match scheme.to_ascii_lowercase().as_slice() {
        b"basic" => Some(Value::Str(Bytes::from_static(b"Basic"))),
        b"bearer" => Some(Value::Str(Bytes::from_static(b"Bearer"))),
        _ => None,
    }
}

fn http_auth_user(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    basic(ctx).map(|(user, _)| Value::Str(user))
}

fn http_first_req(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(ctx.txn.nth == 0))
}

fn is_http(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(ctx.txn.session.frontend.mode == Mode::Http))
}

fn method(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    request(ctx).map(|request| Value::Meth(request.method.to_text()))
}

fn path(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    request(ctx)?.path().map(Value::Str)
}

fn pathq(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    request(ctx)?.pathq().map(Value::Str)
}

/// HAProxy: with `with_qm` the mark is a part of it.
fn query(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    let mark = memchr::memchr(b'?', &request.uri)?;
    let with_mark = arguments.text(0).is_some_and(|option| &option[..] == b"with_qm");
    Some(Value::Str(request.uri.slice(if with_mark { mark } else { mark + 1 }..)))
}

fn proto_http(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    request(ctx).map(|_| Value::Bool(true))
}

fn ver(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let version = request(ctx)?.version.number();
    Some(Value::Str(Bytes::from_static(version.as_bytes())))
}

fn unique_id(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    ctx.txn.unique_id.clone().map(Value::Str)
}

fn url(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    request(ctx).map(|request| Value::Str(request.uri.clone()))
}

fn url32(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    Some(Value::Int(i64::from(hash_of(request, &request.uri))))
}

fn url32_src(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    with_src(ctx, &url32(ctx, arguments)?)
}

fn url_ip(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let authority = request(ctx)?.authority()?;
    let (host, _) = uri::host_port(uri::without_user(&authority));
    std::str::from_utf8(host).ok()?.parse().ok().map(Value::Ipv4)
}

/// HAProxy: without a port it is 80, or 443 with `https`.
fn url_port(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let request = request(ctx)?;
    let authority = request.authority()?;
    let (host, port) = uri::host_port(uri::without_user(&authority));
    let _: std::net::Ipv4Addr = std::str::from_utf8(host).ok()?.parse().ok()?;
    let port = match port {
        Some(port) => std::str::from_utf8(port).ok()?.parse::<u16>().ok()?,
        None if request.scheme().is_some_and(|s| s.eq_ignore_ascii_case(b"https")) => 443,
        None => 80,
    };
    Some(Value::Int(i64::from(port)))
}
