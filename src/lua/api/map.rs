//! `Map`: a map file, looked up by scripts; and the changes of maps and ACLs at run time.

use std::rc::Rc;

use bytes::Bytes;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::text;
use super::txn_class::bytes;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::sample::pattern;
use crate::sample::pattern::Method;
use crate::sample::pattern::UnknownFile;

pub(super) const TABLE: &[Row] = &[
    Row { name: "lookup", run: lookup },
    Row { name: "new", run: new },
    Row { name: "slookup", run: slookup },
];

/// Of `core`.
pub(super) const CHANGES: &[Row] = &[
    Row { name: "add_acl", run: add_acl },
    Row { name: "del_acl", run: del_acl },
    Row { name: "del_map", run: del_map },
    Row { name: "set_map", run: set_map },
];

#[derive(Clone, Debug)]
struct Map(Rc<pattern::Map>);

impl UserData for Map {}

fn lookup(args: &Args<'_>) -> Result<Reply, Raise> {
    match found(args)? {
        Some(value) => text(args.lua(), value),
        None => Ok(Reply::values([Value::Nil])),
    }
}

/// `Map.new(file, method)`: the method is a number of the table in `api.lua`, or its name.
fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 2)?;
    if !matches!(current::context(), Context::Body | Context::Init) {
        return Err(Raise::new("Map.new: not available outside of body and init contexts"));
    }
    let file = args.text(1)?;
    let name = if args.is_nil(2) { "str".to_owned() } else { args.text(2)? };
    let method = Method::find(&name).ok_or_else(|| args.bad(2, "invalid match method"))?;
    let map = pattern::Map::load(&file, method)
        .map_err(|reason| Raise::new(format!("'new': {reason}.")))?;
    Reply::value(args.lua(), super::object(args.lua(), Map(Rc::new(map)))?)
}

fn slookup(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), found(args)?.unwrap_or_default())
}

fn found(args: &Args<'_>) -> Result<Option<Bytes>, Raise> {
    args.need(2)?;
    let map = args.object::<Map>(1, "Map")?;
    Ok(map.0.lookup(&bytes(args, 2)?))
}

fn add_acl(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, pattern::add_acl)
}

fn del_acl(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, pattern::del_acl)
}

fn del_map(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, pattern::del_map)
}

fn set_map(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    let value = args.text(3)?;
    changed(args, 3, |file, key| pattern::set_map(file, key, &value))
}

fn changed(
    args: &Args<'_>,
    count: usize,
    change: impl FnOnce(&str, &str) -> Result<(), UnknownFile>,
) -> Result<Reply, Raise> {
    args.need(count)?;
    let name = args.name();
    if current::context() == Context::Body {
        return Err(Raise::new(format!("{name}: not available in main code")));
    }
    let (file, key) = (args.text(1)?, args.text(2)?);
    match change(&file, &key) {
        Ok(()) => Ok(Reply::nothing()),
        Err(UnknownFile) => {
            // HAProxy: `del_map` says "acl" too.
            let kind = if name == "set_map" { "map" } else { "acl" };
            Err(Raise::new(format!("'{name}': unknown {kind} file '{file}'")))
        }
    }
}
