//! `Map`: a map file, looked up by scripts; and the changes of maps and ACLs at run time.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::io;
use super::text;
use super::txn_class::bytes;
use crate::lua::account;
use crate::lua::account::Account;
use crate::lua::account::Charge;
use crate::lua::account::What;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::sample::pattern;
use crate::sample::pattern::Method;
use crate::sample::pattern::UnknownFile;
use crate::txn::Held;

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

/// The most entries of a file that a tenant changes or looks up: each change goes through them.
const ENTRIES_MAX: usize = 10_000;

/// What an entry takes beside its text.
const ENTRY: usize = 128;

#[derive(Clone, Debug)]
struct Map(Rc<(pattern::Map, Option<Charge>)>);

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
    let (mut file, mut charge) = (args.text(1)?, None);
    if let Some(account) = account::of(args.lua()) {
        file = granted_map(args, &account, &file)?;
        let count = pattern::count(&file).unwrap_or_default();
        charge = account::charge_object(args.lua(), count.saturating_mul(ENTRY))?;
    }
    let name = if args.is_nil(2) { "str".to_owned() } else { args.text(2)? };
    let method = Method::find(&name).ok_or_else(|| args.bad(2, "invalid match method"))?;
    let map = pattern::Map::load(&file, method)
        .map_err(|reason| Raise::new(format!("'new': {reason}.")))?;
    Reply::value(args.lua(), super::object(args.lua(), Map(Rc::new((map, charge))))?)
}

fn slookup(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), found(args)?.unwrap_or_default())
}

fn found(args: &Args<'_>) -> Result<Option<Bytes>, Raise> {
    args.need(2)?;
    let map = args.object::<Map>(1, "Map")?;
    Ok(map.0.0.lookup(&bytes(args, 2)?))
}

fn add_acl(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, "", pattern::add_acl)
}

fn del_acl(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, "", |file, key, _| pattern::del_acl(file, key))
}

fn del_map(args: &Args<'_>) -> Result<Reply, Raise> {
    changed(args, 2, "", |file, key, _| pattern::del_map(file, key))
}

fn set_map(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    let value = String::from_utf8_lossy(&bytes(args, 3)?).into_owned();
    changed(args, 3, &value, |file, key, held| pattern::set_map(file, key, &value, held))
}

fn changed(
    args: &Args<'_>,
    count: usize,
    value: &str,
    change: impl FnOnce(&str, &str, &Held) -> Result<(), UnknownFile>,
) -> Result<Reply, Raise> {
    args.need(count)?;
    let name = args.name();
    if current::context() == Context::Body {
        return Err(Raise::new(format!("{name}: not available in main code")));
    }
    let (mut file, key) = (args.text(1)?, bytes(args, 2)?);
    let key = String::from_utf8_lossy(&key);
    let mut held: Held = None;
    if let Some(account) = account::of(args.lua()) {
        file = granted_file(args, &account, &file)?;
        if pattern::count(&file).is_ok_and(|count| count > ENTRIES_MAX) {
            return Err(Raise::new(format!("'{name}': '{file}' has too many entries")));
        }
        if !name.starts_with("del") {
            let charge = account.charge(What::Memory, ENTRY + key.len() + value.len())?;
            held = Some(Arc::new(charge));
        }
    }
    match change(&file, &key, &held) {
        Ok(()) => Ok(Reply::nothing()),
        Err(UnknownFile) => {
            // HAProxy: `del_map` says "acl" too.
            let kind = if name == "set_map" { "map" } else { "acl" };
            Err(Raise::new(format!("'{name}': unknown {kind} file '{file}'")))
        }
    }
}

/// Returns the path of a map below a tenant's `read-dir`, or raises.
///
/// One that is new is read here, where no link leads out, and known by its path from then on.
pub(super) fn granted_map(
    args: &Args<'_>,
    account: &Arc<Account>,
    name: &str,
) -> Result<String, Raise> {
    let file = granted_file(args, account, name)?;
    if pattern::count(&file).is_err() {
        let refused = |why| Raise::new(format!("{}: '{name}' is not granted: {why}", args.name()));
        pattern::preload(&file, &io::read(account, name).map_err(refused)?);
    }
    Ok(file)
}

/// Returns the path of a file below a tenant's `read-dir`, however it is named, or raises.
fn granted_file(args: &Args<'_>, account: &Account, name: &str) -> Result<String, Raise> {
    match io::place(account, name) {
        Some((folder, path)) => Ok(folder.join(path).to_string_lossy().into_owned()),
        None => Err(Raise::new(format!("{}: '{name}' is not granted", args.name()))),
    }
}
