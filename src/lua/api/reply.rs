//! `Reply`: an HTTP answer made by a script.

use bytes::Bytes;
use mlua::Table;
use mlua::Value;

use super::Row;
use crate::http;
use crate::lua::account;
use crate::lua::host;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::txn;

pub(super) const TABLE: &[Row] = &[Row { name: "check", run: check }];

/// The most header values of one reply.
const HEADERS_MAX: usize = 1000;

/// Raises if a reply could not be sent.
fn check(args: &Args<'_>) -> Result<Reply, Raise> {
    from_table(args, &args.table(1)?)?;
    Ok(Reply::nothing())
}

/// Returns the answer in a table: `status`, `reason`, `headers` and `body`.
pub(super) fn from_table(args: &Args<'_>, table: &Table) -> Result<txn::Reply, Raise> {
    let lua = args.lua();
    let status = match table.raw_get::<Value>("status")? {
        Value::Nil => 200,
        value => lua.coerce_integer(value)?.unwrap_or(0),
    };
    let status = u16::try_from(status).ok().filter(|status| (200..=599).contains(status));
    let status = status.ok_or_else(|| Raise::new("reply: the status must be 200 to 599"))?;
    let reason = bytes(args, table.raw_get::<Value>("reason")?)?.unwrap_or_default();
    if !http::check::reason(&reason) {
        return Err(Raise::new("reply: invalid reason"));
    }
    let body = bytes(args, table.raw_get::<Value>("body")?)?.unwrap_or_default();
    let headers = match table.raw_get::<Value>("headers")? {
        Value::Table(headers) => headers_of(args, "reply", &headers)?,
        _ => Vec::new(),
    };
    Ok(txn::Reply { status, reason, headers, body, from_error_files: false })
}

/// Returns names and values; of each name one value, or a list counted from 0 or 1.
pub(super) fn headers_of(
    args: &Args<'_>,
    what: &str,
    table: &Table,
) -> Result<Vec<(Bytes, Bytes)>, Raise> {
    let mut headers = Vec::new();
    for (count, pair) in table.pairs::<Value, Value>().enumerate() {
        if count >= HEADERS_MAX {
            return Err(Raise::new(format!("{what}: too many headers")));
        }
        let (name, values) = pair?;
        let Some(name) = bytes(args, name)? else { continue };
        match values {
            Value::Table(values) => {
                // Lists are counted from 0 and from 1.
                let first = usize::from(values.raw_get::<Value>(0)?.is_nil());
                for index in first.. {
                    let Some(value) = bytes(args, values.raw_get::<Value>(index)?)? else { break };
                    push(&mut headers, what, name.clone(), value)?;
                }
            }
            value => {
                if let Some(value) = bytes(args, value)? {
                    push(&mut headers, what, name, value)?;
                }
            }
        }
    }
    Ok(headers)
}

fn push(
    headers: &mut Vec<(Bytes, Bytes)>,
    what: &str,
    name: Bytes,
    value: Bytes,
) -> Result<(), Raise> {
    if headers.len() >= HEADERS_MAX {
        return Err(Raise::new(format!("{what}: too many headers")));
    }
    if !http::check::name(&name) || !http::check::value(&value) {
        let name = String::from_utf8_lossy(&name).into_owned();
        return Err(Raise::new(format!("{what}: invalid header '{name}'")));
    }
    headers.push((name, value));
    Ok(())
}

/// Returns the text of a string or number.
fn bytes(args: &Args<'_>, value: Value) -> Result<Option<Bytes>, Raise> {
    let text = match value {
        Value::String(text) => text,
        value @ (Value::Integer(_) | Value::Number(_)) => host::spell(args.lua(), &value)?,
        _ => return Ok(None),
    };
    account::bytes(args.lua(), text.as_bytes().to_vec()).map(Some)
}
