//! `CertCache`: certificates that are changed while they are in use.

use std::path::Path;

use mlua::Value;

use super::Row;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::net::tls::store;
use crate::net::tls::store::Beside;

pub(super) const TABLE: &[Row] = &[Row { name: "set", run: set }];

fn set(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    if current::context() == Context::Body {
        return Err(Raise::new("CertCache.set: not available in the body context"));
    }
    let Value::Table(table) = args.value(1) else {
        return Err(args.bad(1, "table expected"));
    };
    let get = |name: &str| match table.raw_get::<Value>(name) {
        Ok(Value::String(text)) => Ok(Some(text.as_bytes().to_vec())),
        Ok(Value::Nil) => Ok(None),
        _ => Err(Raise::new(format!("CertCache.set: '{name}' is no string"))),
    };
    let missing = |name: &str| Raise::new(format!("CertCache.set: '{name}' is missing"));
    let file = get("filename")?.ok_or_else(|| missing("filename"))?;
    let file = String::from_utf8_lossy(&file).into_owned();
    let text = get("crt")?.ok_or_else(|| missing("crt"))?;
    let beside = Beside { key: get("key")?, issuer: get("issuer")?, ocsp: get("ocsp")? };
    store::replace(Path::new(&file), &text, &beside)
        .map_err(|error| Raise::new(format!("CertCache.set: {error}")))?;
    Ok(Reply::nothing())
}
