//! What scripts reach of Lua. The operator's own: all but what can crash the process, which the
//! configuration grants by name. A tenant's: what this file lists, and nothing else.

use std::fmt::Write;
use std::sync::OnceLock;

use mlua::Function;
use mlua::Lua;
use mlua::MultiValue;
use mlua::StdLib;
use mlua::Table;
use mlua::Value;
use mlua::chunk::Chunk;
use mlua::chunk::ChunkMode;
use mlua::debug::Debug;

use super::account::Account;
use super::api;
use super::error::Error;
use super::library as libraries;
use super::raw;
use super::vm::Options;
use super::vm::Reach;
use super::vm::Vm;
use super::vm::library;

/// The tables of Lua that a tenant finds, and all that is in them.
///
/// The classes of the API are its own: they are made for scripts, and hold nothing of LuaJIT.
#[rustfmt::skip]
const REACHED: &[(&str, &[&str])] = &[
    ("bit", &["arshift", "band", "bnot", "bor", "bswap", "bxor", "lshift", "rol", "ror", "rshift", "tobit", "tohex"]),
    ("core", &[
        "Alert", "Debug", "Info", "Warning", "add_acl", "alert", "asctime_date", "backends", "concat", "crit",
        "debug", "del_acl", "del_map", "done", "emerg", "err", "frontends", "get_var", "http_date", "httpclient", "imf_date",
        "info", "log", "match_addr", "msleep", "notice", "now", "parse_addr", "proxies", "queue", "register_action",
        "register_converters", "register_fetches", "register_init", "register_service", "register_task",
        "rfc850_date", "set_map", "set_nice", "silent", "sleep", "tcp", "thread", "tokenize", "wait", "warning", "yield",
    ]),
    ("coroutine", &["close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"]),
    ("debug", &["traceback"]),
    ("math", &[
        "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp",
        "huge", "ldexp", "log", "log10", "max", "maxinteger", "min", "mininteger", "modf", "pi", "pow", "rad",
        "random", "randomseed", "sin", "sinh", "sqrt", "tan", "tanh", "tointeger", "type", "ult",
    ]),
    ("os", &["clock", "date", "difftime", "getenv", "time"]),
    ("package", &["config", "cpath", "loaded", "path", "preload"]),
    ("string", &["byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep", "reverse", "sub", "unpack", "upper"]),
    ("table", &["concat", "insert", "move", "pack", "remove", "sort", "unpack"]),
    ("_G", &[
        "Map", "Regex", "_G", "_VERSION", "act", "assert", "bit", "bit32", "bit64", "collectgarbage", "core", "coroutine", "debug",
        "error", "getmetatable", "ipairs", "load", "loadstring", "math", "next", "os", "package", "pairs", "pcall",
        "print", "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "string", "table",
        "tonumber", "tostring", "type", "unpack", "utf8", "warn", "xpcall",
    ]),
];

/// The modules that are there without a file; each is the global of its name.
const MODULES: &[&str] =
    &["bit", "bit32", "bit64", "core", "coroutine", "debug", "math", "string", "table", "utf8"];

/// What loads bytecode where the configuration grants that.
const LOADERS: &[&str] = &["dofile", "load", "loadfile", "loadstring"];

/// How many levels of the stack `debug.traceback` shows.
const LEVELS_MAX: usize = 24;

/// Reads a file for a tenant's state: what `io` is made with where files are granted.
struct Open(Function);

/// What tenants have in place of LuaJIT's, compiled once for all states.
static TENANT: OnceLock<Vec<u8>> = OnceLock::new();

/// Says whether a tenant finds a table of Lua's.
pub(super) fn has_table(name: &str) -> bool {
    REACHED.iter().any(|(table, _)| *table == name)
}

/// Says whether a tenant finds a name in a table.
pub(super) fn has_name(table: &str, name: &str) -> bool {
    let found = REACHED.iter().find(|(known, _)| *known == table);
    found.is_none_or(|(_, names)| names.contains(&name))
}

/// Returns the libraries a state is opened with: what is not opened is nowhere in it.
pub(super) fn libraries(options: Options) -> StdLib {
    let base = match options.reach {
        Reach::Tenant => StdLib::BIT | StdLib::MATH | StdLib::STRING | StdLib::TABLE,
        Reach::Global { ffi: true, .. } => StdLib::ALL ^ StdLib::JIT,
        Reach::Global { ffi: false, .. } => StdLib::ALL ^ StdLib::JIT ^ StdLib::FFI,
    };
    // Without its library the JIT is off.
    if options.jit { base | StdLib::JIT } else { base }
}

/// Readies a new state for the host's own scripts, and returns what it has at first.
pub(super) fn prepare(lua: &Lua, reach: Reach) -> Result<Vec<(&'static str, Value)>, Error> {
    let globals = lua.globals();
    if reach == Reach::Tenant {
        let debug = lua.create_table()?;
        debug.raw_set("traceback", lua.create_function(traceback)?)?;
        globals.raw_set("debug", debug)?;
    }
    let loaders = LOADERS.iter().map(|name| Ok((*name, globals.raw_get(*name)?)));
    loaders.collect()
}

/// Gives loaders back that take bytecode, where the configuration grants it by name.
pub(super) fn give_back(
    lua: &Lua,
    reach: Reach,
    loaders: Vec<(&'static str, Value)>,
) -> Result<(), Error> {
    if let Reach::Global { bytecode: true, .. } = reach {
        for (name, loader) in loaders {
            lua.globals().raw_set(name, loader)?;
        }
    }
    Ok(())
}

/// Takes from a state that has the API what its scripts must not reach.
pub(super) fn close(vm: &Vm) -> Result<(), Error> {
    let lua = vm.lua();
    match vm.reach() {
        Reach::Global { bytecode, .. } => {
            let arguments = (bytecode, raw::PRELUDE, libraries::finder(vm)?);
            Ok(chunk(lua, include_str!("global.lua")).call::<()>(arguments)?)
        }
        Reach::Tenant => {
            let classes = api::for_tenant(vm)?;
            let files: Table = classes.raw_get("io")?;
            drop(lua.set_app_data(Open(files.raw_get("open")?)));
            library(lua, &TENANT, include_str!("tenant.lua"))?.call::<()>((
                classes,
                MODULES,
                lua.create_function(tells)?,
                libraries::finder(vm)?,
            ))?;
            REACHED.iter().try_for_each(|(name, kept)| cut(lua, name, kept))
        }
    }
}

/// Gives a tenant's state what its policy grants beyond what every tenant has.
pub(super) fn grant(lua: &Lua, account: &Account) -> Result<(), Error> {
    if account.policy.read_dir.is_some()
        && let Some(open) = lua.app_data_ref::<Open>()
    {
        let files: Table = chunk(lua, include_str!("files.lua")).call(&open.0)?;
        let package: Table = lua.globals().raw_get("package")?;
        package.raw_get::<Table>("loaded")?.raw_set("io", &files)?;
        lua.globals().raw_set("io", files)?;
    }
    Ok(())
}

/// Lets go of what the host keeps for a tenant's state.
pub(super) fn forget(lua: &Lua) {
    drop(lua.remove_app_data::<Open>());
}

fn chunk(lua: &Lua, source: &'static str) -> Chunk<'static> {
    lua.load(source).set_name(raw::PRELUDE).set_mode(ChunkMode::Text)
}

/// Leaves some names in a table.
fn cut(lua: &Lua, name: &str, kept: &[&str]) -> Result<(), Error> {
    let table: Table = lua.globals().raw_get(name)?;
    let mut others = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair?;
        let is_kept = match &key {
            Value::String(key) => kept.iter().any(|kept| kept.as_bytes() == &*key.as_bytes()),
            _ => false,
        };
        if !is_kept {
            others.push(key);
        }
    }
    for key in others {
        table.raw_set(key, Value::Nil)?;
    }
    Ok(())
}

/// Says whether a table tells by itself what `tostring` makes of it; a script can make
/// `getmetatable` say anything.
fn tells(_: &Lua, value: Value) -> mlua::Result<bool> {
    let Value::Table(table) = value else { return Ok(false) };
    match table.metatable() {
        Some(metatable) => Ok(!metatable.raw_get::<Value>("__tostring")?.is_nil()),
        None => Ok(false),
    }
}

/// `debug.traceback([thread,] [message [, level]])`, without the addresses LuaJIT's shows.
fn traceback(lua: &Lua, values: MultiValue) -> mlua::Result<Value> {
    let mut values = values.into_iter().peekable();
    let thread = match values.peek() {
        Some(Value::Thread(thread)) => Some(thread.clone()),
        _ => None,
    };
    let mut values = values.skip(usize::from(thread.is_some()));
    let mut text = match values.next() {
        None | Some(Value::Nil) => String::new(),
        Some(Value::String(message)) => {
            let mut message = message.to_string_lossy();
            message.push('\n');
            message
        }
        Some(other) => return Ok(other),
    };
    let level = values.next().and_then(|level| level.as_usize());
    text.push_str("stack traceback:");
    match thread {
        Some(thread) => {
            for line in raw::traceback(&thread).split(", ").filter(|line| !line.is_empty()) {
                text.push_str("\n\t");
                text.push_str(line);
            }
        }
        None => {
            let first = level.unwrap_or(1);
            for level in first..first.saturating_add(LEVELS_MAX) {
                if lua.inspect_stack(level, |frame| describe(frame, &mut text)).is_none() {
                    break;
                }
            }
        }
    }
    Ok(Value::String(lua.create_string(text)?))
}

/// Appends a line on one level of the stack, as Lua writes it; the host's own are left out.
fn describe(frame: &Debug<'_>, text: &mut String) {
    let source = frame.source();
    let place = source.short_src.as_deref().unwrap_or("?");
    if source.source.as_deref() == Some(raw::PRELUDE) {
        return;
    }
    let line = frame.current_line().map(|line| format!("{line}:")).unwrap_or_default();
    let names = frame.names();
    // Writing to memory does not fail.
    let written = match (&names.name, source.what) {
        (_, "main") => write!(text, "\n\t{place}:{line} in main chunk"),
        (Some(name), _) => write!(text, "\n\t{place}:{line} in function '{name}'"),
        (None, "C") => write!(text, "\n\t[C]: ?"),
        (None, _) => {
            let defined = source.line_defined.unwrap_or_default();
            write!(text, "\n\t{place}:{line} in function <{place}:{defined}>")
        }
    };
    written.unwrap_or_default();
}

#[cfg(test)]
mod tests;
