//! `maxminddb`: what a file of that format says of an address.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use maxminddb::Reader;
use mlua::IntoLua;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;

use super::Row;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::account::What;
use crate::lua::api;
use crate::lua::api::miss;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::task;

pub(super) const TABLE: &[Row] = &[
    Row { name: "lookup", run: lookup },
    Row { name: "metadata", run: metadata },
    Row { name: "open", run: open },
];

/// How deep a record may be.
const DEPTH_MAX: usize = 64;

/// A file that was read, and what a tenant is charged for it.
#[derive(Clone)]
struct Database(Rc<(Reader<Vec<u8>>, Option<Charge>)>);

impl UserData for Database {}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Database").finish_non_exhaustive()
    }
}

/// `lookup(database, address)`: its record, or nil and why there is none.
fn lookup(args: &Args<'_>) -> Result<Reply, Raise> {
    let database = args.object::<Database>(1, "database")?;
    let (text, lua) = (args.text(2)?, args.lua());
    let Ok(address) = text.parse::<IpAddr>() else {
        return miss(lua, &format!("'{text}' is no address"));
    };
    let found = database.0.0.lookup(address);
    match found.and_then(|found| found.decode::<serde_json::Value>()) {
        Ok(Some(record)) => Ok(Reply::values([to_lua(lua, &record, 0)?])),
        Ok(None) => miss(lua, "no entry"),
        Err(error) => miss(lua, &error.to_string().to_lowercase()),
    }
}

/// `metadata(database)`: what the file says of itself.
fn metadata(args: &Args<'_>) -> Result<Reply, Raise> {
    let database = args.object::<Database>(1, "database")?;
    let metadata = database.0.0.metadata();
    let table = args.lua().create_table()?;
    table.raw_set("build_epoch", metadata.build_epoch)?;
    table.raw_set("database_type", metadata.database_type.clone())?;
    table.raw_set("ip_version", metadata.ip_version)?;
    table.raw_set("languages", metadata.languages.clone())?;
    table.raw_set("node_count", metadata.node_count)?;
    table.raw_set("record_size", metadata.record_size)?;
    Ok(Reply::values([Value::Table(table)]))
}

/// `open(name)`: a database, or nil and what is wrong. A tenant's is below its `read-dir`.
fn open(args: &Args<'_>) -> Result<Reply, Raise> {
    let (name, lua) = (args.text(1)?, args.lua().clone());
    let account = account::of(&lua);
    let read = move || match &account {
        Some(account) => api::io::read(account, &name),
        None => std::fs::read(&name).map_err(|error| format!("{name}: {error}")),
    };
    let context = current::context();
    if context.may_wait() {
        return Ok(Reply::wait(async move {
            let bytes = task::unblock(read).await;
            made(&lua, bytes)
        }));
    }
    if matches!(context, Context::Body | Context::Init) {
        return Ok(Reply::values(made(&lua, read())?));
    }
    miss(&lua, &format!("no file can be read in the {} context", context.name()))
}

fn made(lua: &Lua, bytes: Result<Vec<u8>, String>) -> Outcome {
    let fail = |why: String| Ok(vec![Value::Nil, why.into_lua(lua)?]);
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(why) => return fail(why),
    };
    let charge = account::charge(lua, What::Memory, bytes.len())?;
    match Reader::from_source(bytes) {
        Ok(reader) => {
            let database = api::object(lua, Database(Rc::new((reader, charge))))?;
            Ok(vec![Value::Table(database)])
        }
        Err(error) => fail(error.to_string().to_lowercase()),
    }
}

fn to_lua(lua: &Lua, value: &serde_json::Value, depth: usize) -> Result<Value, Raise> {
    if depth > DEPTH_MAX {
        return Err(Raise::new("the record is too deep"));
    }
    Ok(match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(yes) => Value::Boolean(*yes),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(0.0)),
        serde_json::Value::String(text) => Value::String(lua.create_string(text)?),
        serde_json::Value::Array(list) => {
            let table = lua.create_table()?;
            for (index, value) in list.iter().enumerate() {
                table.raw_set(index + 1, to_lua(lua, value, depth + 1)?)?;
            }
            Value::Table(table)
        }
        serde_json::Value::Object(fields) => {
            let table = lua.create_table()?;
            for (name, value) in fields {
                table.raw_set(name.as_str(), to_lua(lua, value, depth + 1)?)?;
            }
            Value::Table(table)
        }
    })
}
