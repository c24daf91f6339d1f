//! The Lua API: one file per class, its functions in a table.

use std::sync::LazyLock;
use std::sync::OnceLock;

use bytes::Bytes;
use mlua::Function;
use mlua::IntoLua;
use mlua::Lua;
use mlua::LuaString;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::book::Info;
use super::current;
use super::error::Error;
use super::host;
use super::host::Args;
use super::host::Raise;
use super::host::Reply;
use super::raw::Ret;
use super::shim;
use super::vm::Reach;
use super::vm::Vm;
use super::vm::library;
use crate::log::Level;
use crate::script::Verdict;
use crate::txn;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::value;

mod act;
mod applet;
mod certificate;
mod channel;
mod concat;
pub(super) mod core;
mod event;
mod http;
mod httpclient;
pub(super) mod io;
mod map;
mod os;
mod patref;
mod proxy;
mod queue;
mod regex;
mod reply;
mod sample;
mod search;
mod server;
pub(super) mod socket;
mod txn_class;

pub(super) use socket::adopt;

#[cfg(test)]
mod tenant_tests;
#[cfg(test)]
pub(super) mod tests;

/// A function of a class.
pub(super) struct Row {
    /// As scripts call it.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&Args<'_>) -> Result<Reply, Raise>,
}

/// The classes, as the Lua part of the API names them.
const CLASSES: &[(&str, &[Row])] = &[
    ("act", act::TABLE),
    ("applet_http", applet::HTTP),
    ("applet_tcp", applet::TCP),
    ("certificate", certificate::TABLE),
    ("channel", channel::TABLE),
    ("concat", concat::TABLE),
    ("core", core::TABLE),
    ("core", map::CHANGES),
    ("core", proxy::INFO),
    ("event", event::TABLE),
    ("http", http::TABLE),
    ("httpclient", httpclient::TABLE),
    ("io", io::TABLE),
    ("listener", proxy::LISTENER),
    ("map", map::TABLE),
    ("os", os::TABLE),
    ("os", os::TENANT),
    ("patref", patref::TABLE),
    ("proxy", proxy::PROXY),
    ("queue", queue::TABLE),
    ("regex", regex::TABLE),
    ("reply", reply::TABLE),
    ("sample", sample::TABLE),
    ("server", server::TABLE),
    ("shim", shim::TABLE),
    ("socket", socket::TABLE),
    ("string", shim::STRING),
    ("txn", txn_class::TABLE),
    ("utf8", shim::UTF8),
];

static API: OnceLock<Vec<u8>> = OnceLock::new();

/// What scripts hold of an exchange: it may end before they let go of it.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub txn: txn::Handle,
    /// Of a channel, its direction; of all else, the direction whose rules run.
    pub direction: Direction,
}

/// What makes a function callable for the proxy: each takes the script's function.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    /// Of fetches and actions: the exchange becomes a `TXN` object.
    pub txn: Function,
    /// Of HTTP services.
    pub http: Function,
    /// Of TCP services.
    pub tcp: Function,
}

impl UserData for Handle {}

impl Handle {
    /// Returns the exchange, if it has not ended.
    pub(super) fn get(&self) -> Result<txn::Shared, Raise> {
        self.txn.upgrade().ok_or_else(|| Raise::new("the transaction has ended"))
    }
}

/// Gives a state its classes.
///
/// Most states call few functions, so each is made when it is first asked for.
pub(super) fn install(vm: &Vm) -> Result<Entries, Error> {
    let lua = vm.lua();
    let classes = lua.create_table()?;
    classes.raw_set("find", lua.create_function(|_, asked| Ok(find(&asked)))?)?;
    classes.raw_set("make", maker(vm)?)?;
    classes.raw_set("core", class(vm, "core")?)?;
    // Nobody is to change what a tenant's objects are made of, be it by mistake.
    classes.raw_set("hidden", vm.reach() == Reach::Tenant)?;
    let info = Info::of(lua).map_err(|_| Error::raised("the state is not set up"))?;
    classes.raw_set("thread", info.number)?;
    shim::install(vm, &classes)?;
    let (txn, http, tcp) = library(lua, &API, include_str!("api.lua"))?.call(classes)?;
    Ok(Entries { txn, http, tcp })
}

/// Returns what a tenant has in place of Lua's own libraries.
pub(super) fn for_tenant(vm: &Vm) -> Result<Table, Error> {
    let classes = vm.lua().create_table()?;
    for name in ["io", "os"] {
        classes.raw_set(name, class(vm, name)?)?;
    }
    Ok(classes)
}

/// All functions, with the classes they are of. A function's place is its number.
static ROWS: LazyLock<Vec<(&'static str, &'static Row)>> = LazyLock::new(|| {
    let rows = |(class, rows): &(&'static str, &'static [Row])| {
        let class = *class;
        rows.iter().map(move |row| (class, row))
    };
    CLASSES.iter().flat_map(rows).collect()
});

/// Returns the number of a function, by its class and name.
fn find((class, name): &(LuaString, Value)) -> Option<usize> {
    let Value::String(name) = name else { return None };
    let (class, name) = (class.as_bytes(), name.as_bytes());
    ROWS.iter()
        .position(|(known, row)| row.name.as_bytes() == &*name && known.as_bytes() == &*class)
}

/// Returns what makes a function of its number.
fn maker(vm: &Vm) -> Result<Function, Error> {
    host::functions(vm, |number| ROWS.get(number).map(|(_, row)| *row))
}

/// Makes all functions of a class.
pub(super) fn class(vm: &Vm, name: &str) -> Result<Table, Error> {
    let (class, make) = (vm.lua().create_table()?, maker(vm)?);
    for (number, (_, row)) in ROWS.iter().enumerate().filter(|(_, (class, _))| *class == name) {
        class.raw_set(row.name, make.call::<Function>(number)?)?;
    }
    Ok(class)
}

/// Returns the classes and names of all functions: none is there before it is asked for.
#[cfg(test)]
pub(super) fn names() -> Vec<(&'static str, &'static str)> {
    ROWS.iter().map(|(class, row)| (*class, row.name)).collect()
}

/// Logs a text of a script.
pub(super) fn say(args: &Args<'_>, level: Level, text: &[u8]) -> Result<(), Raise> {
    core::say_text(args.lua(), level, text, current::txn().as_ref())
}

/// Returns the exchange an object stands for.
pub(super) fn handle(args: &Args<'_>, class: &str) -> Result<Handle, Raise> {
    args.object::<Handle>(1, class)
}

/// Makes an object of a class: a table with the data in its field 0.
pub(super) fn object(lua: &Lua, data: impl UserData + 'static) -> Result<Table, Raise> {
    let table = lua.create_table_with_capacity(1, 0)?;
    table.raw_set(0, lua.create_userdata(data)?)?;
    Ok(table)
}

/// Returns a value as scripts see it.
pub(super) fn to_lua(lua: &Lua, value: value::Value) -> Result<Value, Raise> {
    Ok(match value {
        value::Value::Bool(yes) => {
            let info = Info::of(lua)?;
            let booleans = info.book.settings.borrow().bool_samples;
            // HAProxy: `tune.lua.bool-sample-conversion pre-3.1-bug`, the default.
            if booleans { Value::Boolean(yes) } else { Value::Integer(i64::from(yes)) }
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of Lua is a double")]
        value::Value::Int(number) => Value::Number(number as f64),
        other => Value::String(lua.create_string(other.into_bytes())?),
    })
}

/// Returns what a script gives as a value; `None` for nil and for what is none.
pub(super) fn from_lua(value: &Value) -> Option<value::Value> {
    Some(match value {
        Value::Boolean(yes) => value::Value::Bool(*yes),
        Value::Integer(number) => value::Value::Int(*number),
        Value::Number(number) => value::Value::Int(whole(*number)?),
        Value::String(text) => value::Value::Str(Bytes::copy_from_slice(&text.as_bytes())),
        _ => return None,
    })
}

/// Returns what a fetch or converter has returned as a sample.
pub(super) fn returned(ret: Ret) -> Option<value::Value> {
    match ret {
        Ret::Nothing => None,
        Ret::Bool(yes) => Some(value::Value::Bool(yes)),
        Ret::Number(number) => whole(number).map(value::Value::Int),
        Ret::Str(text) => Some(value::Value::Str(text.into())),
        // HAProxy: a table or a function is false, and so is nil where its rule is kept.
        Ret::Nil | Ret::Other => Some(value::Value::Bool(false)),
    }
}

/// Returns what a number that an action returned asks for.
pub(super) fn verdict(number: f64) -> Verdict {
    act::verdict(number)
}

/// Returns a number that has no fraction as an integer.
pub(super) fn whole(number: f64) -> Option<i64> {
    // 2^63: what is not below does not fit.
    let fits = number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "it was just found to fit")]
    fits.then_some(number as i64)
}

/// Raises where a tenant names a variable of the process: all tenants would share it.
pub(super) fn guard(args: &Args<'_>, scope: Option<Scope>) -> Result<(), Raise> {
    if scope == Some(Scope::Proc) && Info::of(args.lua())?.tenant.is_some() {
        return Err(Raise::new("variables of the scope 'proc' are not a tenant's"));
    }
    Ok(())
}

/// Returns a reply of one string.
pub(super) fn text(lua: &Lua, text: impl AsRef<[u8]>) -> Result<Reply, Raise> {
    Ok(Reply::values([Value::String(lua.create_string(text)?)]))
}

/// Returns a reply of one integer.
pub(super) fn count(count: usize) -> Reply {
    Reply::values([Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))])
}

/// Returns a reply of `nil` and a message.
pub(super) fn miss(lua: &Lua, why: &str) -> Result<Reply, Raise> {
    Ok(Reply::values([Value::Nil, why.into_lua(lua)?]))
}
