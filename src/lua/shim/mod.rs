//! What Lua 5.3 and 5.4 have and LuaJIT lacks: `string.pack`, `utf8`, parts of `math`, `bit32`.
//!
//! A number of LuaJIT is a double: an integer beyond 2^53 is the nearest one.

use std::sync::OnceLock;

use mlua::Table;

use super::api;
use super::api::Row;
use super::error::Error;
use super::host::Args;
use super::host::Raise;
use super::host::Reply;
use super::vm::Vm;
use super::vm::library;
use super::vm::precompile;
use crate::log::Level;

mod pack;
mod utf8;

#[cfg(test)]
mod tests;

pub(super) use pack::TABLE as STRING;
pub(super) use utf8::TABLE as UTF8;

/// Functions of several libraries.
pub(super) const TABLE: &[Row] = &[Row { name: "ult", run: ult }, Row { name: "warn", run: warn }];

static SHIM: OnceLock<Vec<u8>> = OnceLock::new();

/// What is made when a script first looks at it.
const LAZY: &[Lazy] = &[
    Lazy { name: "bit32", compiled: &BIT32, source: include_str!("bit32.lua") },
    Lazy { name: "bit64", compiled: &BIT64, source: include_str!("bit64.lua") },
    Lazy { name: "queue", compiled: &QUEUE, source: include_str!("../api/queue.lua") },
    Lazy { name: "utf8", compiled: &CHARACTERS, source: include_str!("utf8.lua") },
];

static BIT32: OnceLock<Vec<u8>> = OnceLock::new();
static BIT64: OnceLock<Vec<u8>> = OnceLock::new();
static QUEUE: OnceLock<Vec<u8>> = OnceLock::new();
static CHARACTERS: OnceLock<Vec<u8>> = OnceLock::new();

/// A library in Lua, which gets the host's functions of its name.
struct Lazy {
    name: &'static str,
    compiled: &'static OnceLock<Vec<u8>>,
    source: &'static str,
}

/// Whether `warn` says what it gets.
struct Warns;

/// Adds it to the libraries of a state that has the classes of the API.
pub(super) fn install(vm: &Vm, classes: &Table) -> Result<(), Error> {
    let lua = vm.lua();
    for lazy in LAZY {
        precompile(lua, lazy.compiled, lazy.source)?;
    }
    let weak = vm.downgrade();
    let make = lua.create_function(move |_, name: String| {
        let vm = weak.upgrade().ok_or_else(|| mlua::Error::runtime("the state has ended"))?;
        make(&vm, &name).map_err(|error| mlua::Error::runtime(error.message))
    })?;
    classes.raw_set("lazy", make.clone())?;
    Ok(library(lua, &SHIM, include_str!("shim.lua"))?.call((classes, make))?)
}

/// Makes a library.
fn make(vm: &Vm, name: &str) -> Result<Table, Error> {
    let lazy = LAZY.iter().find(|lazy| lazy.name == name);
    let lazy = lazy.ok_or_else(|| Error::raised(format!("no library '{name}'")))?;
    Ok(library(vm.lua(), lazy.compiled, lazy.source)?.call(api::class(vm, name)?)?)
}

/// `math.ult(a, b)`: of 64 bits without a sign, negative numbers are the largest.
fn ult(args: &Args<'_>) -> Result<Reply, Raise> {
    let (one, other) = (integer(args, 1)?, integer(args, 2)?);
    Reply::value(args.lua(), one.cast_unsigned() < other.cast_unsigned())
}

/// `warn(text, ..)`: off until a script says `warn("@on")`, as in Lua.
fn warn(args: &Args<'_>) -> Result<Reply, Raise> {
    let mut message = Vec::new();
    for index in 1..=args.count().max(1) {
        message.extend_from_slice(&args.lua_string(index)?.as_bytes());
    }
    match &message[..] {
        b"@on" if args.count() == 1 => drop(args.lua().set_app_data(Warns)),
        b"@off" if args.count() == 1 => drop(args.lua().remove_app_data::<Warns>()),
        [b'@', ..] if args.count() == 1 => {}
        _ if args.lua().app_data_ref::<Warns>().is_some() => {
            let text = [b"Lua warning: ", &message[..]].concat();
            api::say(args, Level::Warning, &text)?;
        }
        _ => {}
    }
    Ok(Reply::nothing())
}

/// Returns an integer of 64 bits, in Lua's words when it is none.
fn integer(args: &Args<'_>, index: usize) -> Result<i64, Raise> {
    let number = args.number(index)?;
    api::whole(number).ok_or_else(|| args.bad(index, "number has no integer representation"))
}

/// Returns an integer that may be missing.
fn optional(args: &Args<'_>, index: usize, default: i64) -> Result<i64, Raise> {
    if args.is_nil(index) { Ok(default) } else { integer(args, index) }
}

/// Returns a length as Lua's integer.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
