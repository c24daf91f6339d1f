//! Fetches of certificates: the client's (`ssl_c_`), this side's (`ssl_f_`), the server's
//! (`ssl_s_`).

use bytes::Bytes;
use sha1::Digest as _;

use crate::net::tls::x509::Parsed;
use crate::net::tls::x509::Whose;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::tls;
use super::tls::bin;
use super::tls::str;

/// Gives a certificate, in DER.
type Der = for<'a> fn(&Ctx<'a>) -> Option<&'a [u8]>;

const L5: &[Source] = &[Source::ClientL5];
const SERVER_L5: &[Source] = &[Source::ServerL5];

/// Returns the row of a part of a name.
const fn name(
    name: &'static str,
    sources: &'static [Source],
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
    doc: &'static str,
) -> Fetch {
    Fetch::new(name, Type::Str, sources, run, doc)
        .takes(&[Kind::Str, Kind::Int, Kind::Str])
        .required(0)
        .checked(check_format)
}

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new(
        "ssl_c_ca_err",
        Type::Sint,
        L5,
        |c, _| found(c, |f| f.authority.0),
        "error of the client's issuer",
    ),
    Fetch::new(
        "ssl_c_ca_err_depth",
        Type::Sint,
        L5,
        |c, _| found(c, |f| f.authority.1),
        "where in its chain that is",
    ),
    Fetch::new(
        "ssl_c_chain_der",
        Type::Bin,
        L5,
        |c, _| chain(&tls::client(c)?.peer),
        "the client's certificates, in DER",
    ),
    Fetch::new(
        "ssl_c_der",
        Type::Bin,
        L5,
        |c, _| of_client(c).map(bin),
        "the client's certificate, in DER",
    ),
    Fetch::new(
        "ssl_c_err",
        Type::Sint,
        L5,
        |c, _| found(c, |f| f.certificate),
        "error of the client's certificate",
    ),
    name(
        "ssl_c_i_dn",
        L5,
        |c, a| dn(c, a, of_client, Whose::Issuer),
        "issuer of the client's certificate, or an entry of it",
    ),
    Fetch::new(
        "ssl_c_key_alg",
        Type::Str,
        L5,
        |c, _| key_algorithm(c, of_client),
        "kind of its key",
    ),
    Fetch::new(
        "ssl_c_notafter",
        Type::Str,
        L5,
        |c, _| not_after(c, of_client),
        "its end, as `YYMMDDhhmmssZ`",
    ),
    Fetch::new(
        "ssl_c_notbefore",
        Type::Str,
        L5,
        |c, _| not_before(c, of_client),
        "its beginning, as `YYMMDDhhmmssZ`",
    ),
    name(
        "ssl_c_s_dn",
        L5,
        |c, a| dn(c, a, of_client, Whose::Subject),
        "subject of the client's certificate, or an entry of it",
    ),
    Fetch::new(
        "ssl_c_san",
        Type::Str,
        L5,
        |c, _| Some(str(&Parsed::new(of_client(c)?)?.alternative_names()?)),
        "its other names",
    ),
    Fetch::new("ssl_c_serial", Type::Bin, L5, |c, _| serial(c, of_client), "its serial number"),
    Fetch::new("ssl_c_sha1", Type::Bin, L5, |c, _| of_client(c).map(sha1), "its SHA-1 fingerprint"),
    Fetch::new(
        "ssl_c_sig_alg",
        Type::Str,
        L5,
        |c, _| signature_algorithm(c, of_client),
        "what it is signed with",
    ),
    Fetch::new(
        "ssl_c_used",
        Type::Bool,
        L5,
        |c, _| tls::client(c).map(|info| Value::Bool(!info.peer.is_empty())),
        "whether the client has a certificate",
    ),
    Fetch::new(
        "ssl_c_verify",
        Type::Sint,
        L5,
        |c, _| found(c, |f| if f.certificate == 0 { f.authority.0 } else { f.certificate }),
        "result of the client's verification",
    ),
    Fetch::new("ssl_c_version", Type::Sint, L5, |c, _| version(c, of_client), "its version"),
    Fetch::new(
        "ssl_f_der",
        Type::Bin,
        L5,
        |c, _| own(c).map(bin),
        "the certificate that the client was shown, in DER",
    ),
    name("ssl_f_i_dn", L5, |c, a| dn(c, a, own, Whose::Issuer), "its issuer, or an entry of it"),
    Fetch::new("ssl_f_key_alg", Type::Str, L5, |c, _| key_algorithm(c, own), "kind of its key"),
    Fetch::new(
        "ssl_f_notafter",
        Type::Str,
        L5,
        |c, _| not_after(c, own),
        "its end, as `YYMMDDhhmmssZ`",
    ),
    Fetch::new(
        "ssl_f_notbefore",
        Type::Str,
        L5,
        |c, _| not_before(c, own),
        "its beginning, as `YYMMDDhhmmssZ`",
    ),
    name("ssl_f_s_dn", L5, |c, a| dn(c, a, own, Whose::Subject), "its subject, or an entry of it"),
    Fetch::new("ssl_f_serial", Type::Bin, L5, |c, _| serial(c, own), "its serial number"),
    Fetch::new("ssl_f_sha1", Type::Bin, L5, |c, _| own(c).map(sha1), "its SHA-1 fingerprint"),
    Fetch::new(
        "ssl_f_sig_alg",
        Type::Str,
        L5,
        |c, _| signature_algorithm(c, own),
        "what it is signed with",
    ),
    Fetch::new("ssl_f_version", Type::Sint, L5, |c, _| version(c, own), "its version"),
    Fetch::new(
        "ssl_s_chain_der",
        Type::Bin,
        SERVER_L5,
        |c, _| chain(&tls::server(c)?.peer),
        "the server's certificates, in DER",
    ),
    Fetch::new(
        "ssl_s_der",
        Type::Bin,
        SERVER_L5,
        |c, _| of_server(c).map(bin),
        "the server's certificate, in DER",
    ),
    name(
        "ssl_s_i_dn",
        SERVER_L5,
        |c, a| dn(c, a, of_server, Whose::Issuer),
        "issuer of the server's certificate, or an entry of it",
    ),
    Fetch::new(
        "ssl_s_key_alg",
        Type::Str,
        SERVER_L5,
        |c, _| key_algorithm(c, of_server),
        "kind of its key",
    ),
    Fetch::new(
        "ssl_s_notafter",
        Type::Str,
        SERVER_L5,
        |c, _| not_after(c, of_server),
        "its end, as `YYMMDDhhmmssZ`",
    ),
    Fetch::new(
        "ssl_s_notbefore",
        Type::Str,
        SERVER_L5,
        |c, _| not_before(c, of_server),
        "its beginning, as `YYMMDDhhmmssZ`",
    ),
    name(
        "ssl_s_s_dn",
        SERVER_L5,
        |c, a| dn(c, a, of_server, Whose::Subject),
        "subject of the server's certificate, or an entry of it",
    ),
    Fetch::new(
        "ssl_s_serial",
        Type::Bin,
        SERVER_L5,
        |c, _| serial(c, of_server),
        "its serial number",
    ),
    Fetch::new(
        "ssl_s_sha1",
        Type::Bin,
        SERVER_L5,
        |c, _| of_server(c).map(sha1),
        "its SHA-1 fingerprint",
    ),
    Fetch::new(
        "ssl_s_sig_alg",
        Type::Str,
        SERVER_L5,
        |c, _| signature_algorithm(c, of_server),
        "what it is signed with",
    ),
    Fetch::new("ssl_s_version", Type::Sint, SERVER_L5, |c, _| version(c, of_server), "its version"),
];

fn of_client<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    tls::client(ctx)?.peer.first().map(Vec::as_slice)
}

fn own<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    tls::client(ctx)?.shown.as_ref().map(|shown| shown.der())
}

fn of_server<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    tls::server(ctx)?.peer.first().map(Vec::as_slice)
}

fn found(ctx: &Ctx<'_>, of: fn(crate::net::tls::Found) -> u32) -> Option<Value> {
    tls::client(ctx).map(|info| Value::Int(i64::from(of(info.found))))
}

fn chain(chain: &[Vec<u8>]) -> Option<Value> {
    (!chain.is_empty()).then(|| Value::Bin(chain.concat().into()))
}

fn key_algorithm(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(str(&Parsed::new(of(ctx)?)?.key_algorithm()))
}

fn not_after(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(str(&Parsed::new(of(ctx)?)?.not_after()?))
}

fn not_before(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(str(&Parsed::new(of(ctx)?)?.not_before()?))
}

fn signature_algorithm(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(str(&Parsed::new(of(ctx)?)?.signature_algorithm()))
}

fn serial(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(bin(Parsed::new(of(ctx)?)?.serial()))
}

fn version(ctx: &Ctx<'_>, of: Der) -> Option<Value> {
    Some(Value::Int(Parsed::new(of(ctx)?)?.version()))
}

fn sha1(der: &[u8]) -> Value {
    Value::Bin(Bytes::copy_from_slice(&sha1::Sha1::digest(der)))
}

fn dn(ctx: &Ctx<'_>, arguments: &Arguments, of: Der, whose: Whose) -> Option<Value> {
    let parsed = Parsed::new(of(ctx)?)?;
    let entry = arguments.lossy(0);
    let text = if !entry.is_empty() {
        parsed.entry(whose, &entry, arguments.int(1).unwrap_or(1))?
    } else if arguments.text(2).is_some() {
        parsed.dn_rfc2253(whose)
    } else {
        parsed.dn(whose)
    };
    Some(str(&text))
}

/// HAProxy: the third argument can only be `rfc2253`.
fn check_format(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.text(2) {
        Some(format) if format.as_ref() != b"rfc2253" => Err(Reason::Custom(
            "only rfc2253 or a blank value are currently supported as the format argument."
                .to_owned(),
        )),
        _ => Ok(()),
    }
}
