//! `md5`, `sha1`, `sha2`: digests of whole strings.

use super::Row;
use super::digest;
use super::digest::Digest;
use crate::lua::api::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "exor", run: exor },
    Row { name: "from_hex", run: from_hex },
    Row { name: "hmac", run: hmac },
    Row { name: "sum", run: sum },
    Row { name: "to_hex", run: to_hex },
];

/// `exor(one, other)`: of two strings of one length.
fn exor(args: &Args<'_>) -> Result<Reply, Raise> {
    let (one, other) = (args.lua_string(1)?, args.lua_string(2)?);
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return Err(Raise::new("lengths must be equal"));
    }
    let bytes: Vec<u8> = one.iter().zip(&*other).map(|(one, other)| one ^ other).collect();
    text(args.lua(), bytes)
}

fn from_hex(args: &Args<'_>) -> Result<Reply, Raise> {
    let digits = args.lua_string(1)?;
    match hex::decode(digits.as_bytes()) {
        Ok(bytes) => text(args.lua(), bytes),
        Err(_) => Err(args.bad(1, "hexadecimal digits expected")),
    }
}

/// `hmac(digest, key, text)`
fn hmac(args: &Args<'_>) -> Result<Reply, Raise> {
    let mut keyed = (named(args)?.keyed)(&args.lua_string(2)?.as_bytes());
    keyed.update(&args.lua_string(3)?.as_bytes());
    text(args.lua(), keyed.finish())
}

/// `sum(digest, text)`
fn sum(args: &Args<'_>) -> Result<Reply, Raise> {
    let mut digest = (named(args)?.make)();
    digest.update(&args.lua_string(2)?.as_bytes());
    text(args.lua(), digest.finalize())
}

fn to_hex(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), hex::encode(args.lua_string(1)?.as_bytes()))
}

fn named(args: &Args<'_>) -> Result<&'static Digest, Raise> {
    let name = args.text(1)?;
    digest::find(&name).ok_or_else(|| args.bad(1, &format!("unknown digest '{name}'")))
}
