//! Fetches of what TLS has agreed on, with the client (`ssl_fc_`) and with the server (`ssl_bc_`).

use std::hash::Hasher as _;

use bytes::Bytes;

use crate::net::tls::Info;
use crate::net::tls::agreement;
use crate::net::tls::hello;
use crate::net::tls::hello::Hello;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::txn::Failure;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;

type Run = fn(&Ctx<'_>, &Arguments) -> Option<Value>;

const L4: &[Source] = &[Source::ClientL4];
const L5: &[Source] = &[Source::ClientL5];
const SERVER_L4: &[Source] = &[Source::ServerL4];
const SERVER_L5: &[Source] = &[Source::ServerL5];

/// Returns the row of a list of the client's first message, with or without grease.
const fn list(name: &'static str, out: Type, run: Run, doc: &'static str) -> Fetch {
    Fetch::new(name, out, L5, run, doc).takes(&[Kind::Int]).required(0)
}

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new(
        "bc_err",
        Type::Sint,
        SERVER_L4,
        |c, _| server_failure(c, code),
        "error of the server's connection, 0",
    ),
    Fetch::new(
        "bc_err_str",
        Type::Str,
        SERVER_L4,
        |c, _| server_failure(c, text),
        "the same in words",
    ),
    Fetch::new(
        "fc_err",
        Type::Sint,
        L4,
        |c, _| client_failure(c, code),
        "error of the client's connection, 0",
    ),
    Fetch::new("fc_err_str", Type::Str, L4, |c, _| client_failure(c, text), "the same in words"),
    Fetch::new(
        "ssl_bc",
        Type::Bool,
        SERVER_L5,
        |c, _| Some(Value::Bool(server(c).is_some())),
        "whether the server speaks TLS",
    ),
    Fetch::new(
        "ssl_bc_alg_keysize",
        Type::Sint,
        SERVER_L5,
        |c, _| server(c).map(bits),
        "bits of the cipher's key",
    ),
    Fetch::new(
        "ssl_bc_alpn",
        Type::Str,
        SERVER_L5,
        |c, _| server(c).and_then(alpn),
        "protocol chosen with TLS",
    ),
    Fetch::new("ssl_bc_cipher", Type::Str, SERVER_L5, |c, _| server(c).map(cipher), "cipher"),
    Fetch::new(
        "ssl_bc_curve",
        Type::Str,
        SERVER_L5,
        |c, _| server(c).and_then(group),
        "group of the key exchange",
    ),
    Fetch::new(
        "ssl_bc_err",
        Type::Sint,
        SERVER_L4,
        |c, _| server_failure(c, code),
        "error of TLS, 0",
    ),
    Fetch::new(
        "ssl_bc_err_str",
        Type::Str,
        SERVER_L4,
        |c, _| server_failure(c, text),
        "the same in words",
    ),
    Fetch::new(
        "ssl_bc_is_resumed",
        Type::Bool,
        SERVER_L5,
        |c, _| server(c).map(resumed),
        "whether TLS was resumed",
    ),
    Fetch::new(
        "ssl_bc_protocol",
        Type::Str,
        SERVER_L5,
        |c, _| server(c).map(version),
        "version of TLS",
    ),
    Fetch::new(
        "ssl_bc_use_keysize",
        Type::Sint,
        SERVER_L5,
        |c, _| server(c).map(bits),
        "bits of the cipher's key",
    ),
    Fetch::new(
        "ssl_fc",
        Type::Bool,
        L5,
        |c, _| Some(Value::Bool(client(c).is_some())),
        "whether the client speaks TLS",
    ),
    Fetch::new(
        "ssl_fc_alg_keysize",
        Type::Sint,
        L5,
        |c, _| client(c).map(bits),
        "bits of the cipher's key",
    ),
    Fetch::new(
        "ssl_fc_alpn",
        Type::Str,
        L5,
        |c, _| client(c).and_then(alpn),
        "protocol chosen with TLS",
    ),
    Fetch::new("ssl_fc_cipher", Type::Str, L5, |c, _| client(c).map(cipher), "cipher"),
    list(
        "ssl_fc_cipherlist_bin",
        Type::Bin,
        |c, a| filtered(ciphers(c)?, a).map(Value::Bin),
        "ciphers that the client offers; 1 leaves out grease",
    ),
    list(
        "ssl_fc_cipherlist_hex",
        Type::Str,
        |c, a| filtered(ciphers(c)?, a).map(|list| Value::Str(hex::encode_upper(list).into())),
        "the same in hexadecimal",
    ),
    list(
        "ssl_fc_cipherlist_str",
        Type::Str,
        |c, a| filtered(ciphers(c)?, a).map(|list| names(&list)),
        "the same by OpenSSL's names",
    ),
    Fetch::new(
        "ssl_fc_cipherlist_xxh",
        Type::Sint,
        L5,
        |c, _| ciphers(c).map(xxh),
        "hash of the same",
    ),
    Fetch::new(
        "ssl_fc_client_random",
        Type::Bin,
        L5,
        |c, _| sent(c).map(|hello| bin(hello.random)),
        "the client's random bytes",
    ),
    Fetch::new(
        "ssl_fc_crtname",
        Type::Str,
        L5,
        crt_name,
        "file of the certificate that the client was shown",
    ),
    Fetch::new(
        "ssl_fc_curve",
        Type::Str,
        L5,
        |c, _| client(c).and_then(group),
        "group of the key exchange",
    ),
    Fetch::new(
        "ssl_fc_early_rcvd",
        Type::Bool,
        L5,
        |c, _| client(c).map(|_| Value::Bool(false)),
        "whether early data came, no",
    ),
    Fetch::new(
        "ssl_fc_ecformats_bin",
        Type::Bin,
        L5,
        |c, _| sent(c)?.point_formats().map(bin),
        "formats of points that the client offers",
    ),
    list(
        "ssl_fc_eclist_bin",
        Type::Bin,
        |c, a| filtered(sent(c)?.groups()?, a).map(Value::Bin),
        "groups that the client offers; 1 leaves out grease",
    ),
    Fetch::new("ssl_fc_err", Type::Sint, L4, |c, _| client_failure(c, code), "error of TLS, 0"),
    Fetch::new(
        "ssl_fc_err_str",
        Type::Str,
        L4,
        |c, _| client_failure(c, text),
        "the same in words",
    ),
    list(
        "ssl_fc_extlist_bin",
        Type::Bin,
        |c, a| filtered(&sent(c)?.extension_numbers(), a).map(Value::Bin),
        "extensions that the client sends; 1 leaves out grease",
    ),
    Fetch::new(
        "ssl_fc_has_crt",
        Type::Bool,
        L5,
        |c, _| client(c).map(|info| Value::Bool(!info.peer.is_empty() && !info.resumed)),
        "whether the client gave a certificate",
    ),
    Fetch::new(
        "ssl_fc_has_early",
        Type::Bool,
        L5,
        |c, _| client(c).map(|_| Value::Bool(false)),
        "whether early data was used, no",
    ),
    Fetch::new(
        "ssl_fc_has_sni",
        Type::Bool,
        L5,
        |c, _| client(c).map(|info| Value::Bool(info.sni.is_some())),
        "whether the client has named a server",
    ),
    Fetch::new(
        "ssl_fc_is_resumed",
        Type::Bool,
        L5,
        |c, _| client(c).map(resumed),
        "whether TLS was resumed",
    ),
    Fetch::new("ssl_fc_protocol", Type::Str, L5, |c, _| client(c).map(version), "version of TLS"),
    Fetch::new(
        "ssl_fc_protocol_hello_id",
        Type::Sint,
        L5,
        |c, _| sent(c).map(hello_id),
        "version that the client's first message has",
    ),
    list(
        "ssl_fc_sigalgs_bin",
        Type::Bin,
        |c, a| filtered(sent(c)?.signatures()?, a).map(Value::Bin),
        "signature algorithms that the client offers; 1 leaves out grease",
    ),
    Fetch::new(
        "ssl_fc_sni",
        Type::Str,
        L5,
        |c, _| client(c)?.sni.as_deref().map(str),
        "server that the client has named",
    ),
    list(
        "ssl_fc_supported_versions_bin",
        Type::Bin,
        |c, a| filtered(sent(c)?.versions()?, a).map(Value::Bin),
        "versions that the client offers; 1 leaves out grease",
    ),
    Fetch::new(
        "ssl_fc_use_keysize",
        Type::Sint,
        L5,
        |c, _| client(c).map(bits),
        "bits of the cipher's key",
    ),
];

pub(super) fn client<'a>(ctx: &Ctx<'a>) -> Option<&'a Info> {
    ctx.txn.session.tls.get().map(AsRef::as_ref)
}

pub(super) fn server<'a>(ctx: &Ctx<'a>) -> Option<&'a Info> {
    ctx.txn.server_tls.as_deref()
}

/// Returns what the client has sent first, where it is kept.
fn sent<'a>(ctx: &Ctx<'a>) -> Option<Hello<'a>> {
    Hello::of_message(&client(ctx)?.hello)
}

pub(super) fn str(text: &str) -> Value {
    Value::Str(Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn bin(bytes: &[u8]) -> Value {
    Value::Bin(Bytes::copy_from_slice(bytes))
}

fn client_failure(ctx: &Ctx<'_>, of: fn(Option<&Failure>) -> Option<Value>) -> Option<Value> {
    of(ctx.txn.session.failure.get())
}

fn server_failure(ctx: &Ctx<'_>, of: fn(Option<&Failure>) -> Option<Value>) -> Option<Value> {
    of(ctx.txn.server_failure.as_ref())
}

#[expect(clippy::unnecessary_wraps, reason = "as its sibling has it")]
fn code(failure: Option<&Failure>) -> Option<Value> {
    Some(Value::Int(failure.map_or(0, |failure| i64::from(failure.code))))
}

fn text(failure: Option<&Failure>) -> Option<Value> {
    failure.map(|failure| str(&failure.text))
}

fn bits(info: &Info) -> Value {
    Value::Int(i64::from(info.bits))
}

fn alpn(info: &Info) -> Option<Value> {
    info.alpn.as_deref().map(|name| Value::Str(Bytes::copy_from_slice(name)))
}

fn cipher(info: &Info) -> Value {
    Value::Str(Bytes::from_static(info.cipher.as_bytes()))
}

fn version(info: &Info) -> Value {
    Value::Str(Bytes::from_static(info.version.as_bytes()))
}

fn group(info: &Info) -> Option<Value> {
    (!info.group.is_empty()).then(|| Value::Str(Bytes::from_static(info.group.as_bytes())))
}

fn resumed(info: &Info) -> Value {
    Value::Bool(info.resumed)
}

fn hello_id(hello: Hello<'_>) -> Value {
    let (major, minor) = hello.version;
    Value::Int(i64::from(u16::from_be_bytes([major, minor])))
}

fn crt_name(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    client(ctx)?.shown.as_ref().map(|shown| str(shown.file()))
}

fn ciphers<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    sent(ctx).map(|hello| hello.ciphers)
}

#[expect(clippy::unnecessary_wraps, reason = "its callers have an option already")]
fn filtered(list: &[u8], arguments: &Arguments) -> Option<Bytes> {
    Some(match arguments.int(0) {
        Some(1) => hello::without_grease(list).into(),
        _ => Bytes::copy_from_slice(list),
    })
}

fn names(list: &[u8]) -> Value {
    let names: Vec<String> = list
        .chunks_exact(2)
        .map(|pair| {
            let number = u16::from_be_bytes([pair[0], pair[1]]);
            agreement::name(number).map_or_else(|| format!("UNKNOWN({number:04x})"), str::to_owned)
        })
        .collect();
    Value::Str(names.join(",").into())
}

fn xxh(list: &[u8]) -> Value {
    let mut hasher = xxhash_rust::xxh64::Xxh64::new(0);
    hasher.write(list);
    Value::Int(hasher.finish().cast_signed())
}
