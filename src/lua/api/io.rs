//! What tenants read: files below their `read-dir`, modules below their `lua-path`.

use std::path::PathBuf;
use std::sync::Arc;

use mlua::Lua;
use mlua::Value;

use super::Row;
use super::miss;
use super::text;
use crate::lua::account::Account;
use crate::lua::account::What;
use crate::lua::book::Info;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::folder;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::module::Module;
use crate::task;

pub(super) const TABLE: &[Row] =
    &[Row { name: "open", run: open }, Row { name: "require", run: require }];

/// `open(name)`: the content of a file, or nil and why not.
fn open(args: &Args<'_>) -> Result<Reply, Raise> {
    let (account, name) = (account(args)?, args.text(1)?);
    if let Some(why) = cannot_wait() {
        return miss(args.lua(), &format!("{name}: {why}"));
    }
    if is_start() {
        return match read(&account, &name) {
            Ok(bytes) => text(args.lua(), bytes),
            Err(why) => miss(args.lua(), &why),
        };
    }
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let found = task::unblock(move || read(&account, &name)).await;
        Ok(match found {
            Ok(bytes) => vec![Value::String(lua.create_string(bytes)?)],
            Err(why) => vec![Value::Nil, Value::String(lua.create_string(why)?)],
        })
    }))
}

/// `require(name)`: the function of a module and its file; or nil, where it is not, and true unless
/// nothing could be looked at; or false, its file and what is wrong with it.
fn require(args: &Args<'_>) -> Result<Reply, Raise> {
    let (account, name) = (account(args)?, args.text(1)?);
    if let Some(module) = account.modules.known(&name) {
        return Ok(Reply::values(found(args.lua(), Ok(module))?));
    }
    if let Some(why) = cannot_wait().filter(|_| !account.policy.paths.is_empty()) {
        return miss(args.lua(), &format!("\n\t{why}"));
    }
    if is_start() || account.policy.paths.is_empty() {
        return Ok(Reply::values(found(args.lua(), account.modules.find(&account.policy, &name))?));
    }
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let module = task::unblock(move || account.modules.find(&account.policy, &name)).await;
        found(&lua, module)
    }))
}

fn found(lua: &Lua, module: Result<Arc<Module>, String>) -> Outcome {
    let text = |text: &str| lua.create_string(text).map(Value::String);
    let module = match module {
        Ok(module) => module,
        Err(why) => return Ok(vec![Value::Nil, text(&why)?, Value::Boolean(true)]),
    };
    let function = module.chunk.as_ref().map_err(Clone::clone).and_then(|chunk| chunk.load(lua));
    Ok(match function {
        Ok(function) => vec![Value::Function(function), text(&module.file)?],
        Err(error) => vec![Value::Boolean(false), text(&module.file)?, text(&error.message)?],
    })
}

/// Returns the content of a file below a tenant's `read-dir`, or why there is none. It blocks.
pub(in crate::lua) fn read(account: &Arc<Account>, name: &str) -> Result<Vec<u8>, String> {
    let fail = |why: &str| Err(format!("{name}: {why}"));
    let Some((folder, path)) = place(account, name) else { return fail("Permission denied") };
    let opened = match folder::open(&folder, &path) {
        Ok(opened) => opened,
        Err(error) => return fail(&folder::why(&error)),
    };
    let max = account.policy.read_max;
    let charge = account.charge(What::Memory, opened.length.min(max));
    let charge = match charge {
        Ok(charge) => charge,
        Err(raise) => return fail(&String::from_utf8_lossy(raise.message())),
    };
    let read = opened.read(max).map_err(|error| format!("{name}: {}", folder::why(&error)));
    drop(charge);
    read
}

/// Returns a tenant's `read-dir` and the path below it that a name means.
pub(super) fn place(account: &Account, name: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = account.policy.read_dir.as_ref()?;
    Some((folder.clone(), folder::below(folder, name)?))
}

fn account(args: &Args<'_>) -> Result<Arc<Account>, Raise> {
    let denied = || Raise::new(format!("{}: not granted", args.name()));
    Info::of(args.lua())?.tenant.ok_or_else(denied)
}

/// Says why a call can neither block nor wait.
fn cannot_wait() -> Option<String> {
    let context = current::context();
    let may = is_loading() || context.may_wait();
    (!may).then(|| format!("no file can be read in the {} context", context.name()))
}

/// Says whether the process starts: nothing can wait then, and nobody is waiting.
fn is_start() -> bool {
    is_loading() && !task::is_running()
}

fn is_loading() -> bool {
    matches!(current::context(), Context::Body | Context::Init)
}
