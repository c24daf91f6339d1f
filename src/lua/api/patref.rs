//! `Patref` (`core.get_patref`): the entries of a map or ACL file, changed one by one or all at once.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::UserData;
use mlua::Value;

use super::Row;
use super::miss;
use super::proxy::operators_alone;
use super::text;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::sample::pattern;
use crate::sample::pattern::Refusal;

pub(super) const TABLE: &[Row] = &[
    Row { name: "add", run: add },
    Row { name: "add_bulk", run: add_bulk },
    Row { name: "commit", run: commit },
    Row { name: "del", run: del },
    Row { name: "find", run: find },
    Row { name: "get_name", run: |args| text(args.lua(), &of(args)?.file) },
    Row { name: "giveup", run: giveup },
    Row { name: "is_map", run: |args| Reply::value(args.lua(), of(args)?.is_map) },
    Row { name: "list", run: list },
    Row { name: "new", run: new },
    Row { name: "prepare", run: prepare },
    Row { name: "purge", run: purge },
    Row { name: "set", run: set },
];

#[derive(Clone, Debug)]
struct Patref(Rc<State>);

#[derive(Debug)]
struct State {
    file: String,
    is_map: bool,
    /// What takes the place of all entries at `commit`.
    draft: RefCell<Option<Vec<(String, String)>>>,
}

impl UserData for Patref {}

/// `new(name)`
fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    operators_alone(args)?;
    args.need(1)?;
    if current::context() == Context::Body {
        return Err(Raise::new("get_patref: not available in main code"));
    }
    let file = args.text(1)?;
    let is_map = pattern::is_map(&file)
        .map_err(|_| Raise::new(format!("get_patref: unknown pattern reference '{file}'")))?;
    let state = State { file, is_map, draft: RefCell::new(None) };
    Reply::value(args.lua(), super::object(args.lua(), Patref(Rc::new(state)))?)
}

fn add(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 3)?;
    let it = of(args)?;
    let pair = (args.text(2)?, it.value(args, 3)?);
    it.add(args, vec![pair])
}

/// Of a list of keys, or of a table of keys and values.
fn add_bulk(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let it = of(args)?;
    let mut pairs = Vec::new();
    let wrong =
        |_| args.bad(2, if it.is_map { "keys and values expected" } else { "keys expected" });
    if it.is_map {
        for pair in args.table(2)?.pairs::<mlua::LuaString, mlua::LuaString>() {
            let (key, value) = pair.map_err(wrong)?;
            pairs.push((key.to_string_lossy(), value.to_string_lossy()));
        }
    } else {
        for key in args.table(2)?.sequence_values::<mlua::LuaString>() {
            pairs.push((key.map_err(wrong)?.to_string_lossy(), String::new()));
        }
    }
    it.add(args, pairs)
}

fn commit(args: &Args<'_>) -> Result<Reply, Raise> {
    let it = of(args)?;
    let Some(draft) = it.draft.take() else {
        return miss(args.lua(), "nothing was prepared");
    };
    said(args, pattern::replace(&it.file, &draft))
}

fn del(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let (it, key) = (of(args)?, args.text(2)?);
    if let Some(draft) = &mut *it.draft.borrow_mut() {
        let before = draft.len();
        draft.retain(|(known, _)| *known != key);
        return Reply::value(args.lua(), draft.len() < before);
    }
    Reply::value(args.lua(), pattern::remove(&it.file, &key).unwrap_or(false))
}

/// `find(patref, key)`: the value of exactly this key; true in a list of patterns.
fn find(args: &Args<'_>) -> Result<Reply, Raise> {
    let it = of(args)?;
    let Value::String(key) = args.value(2) else { return Ok(Reply::values([Value::Nil])) };
    match pattern::lookup(&it.file, &key.to_string_lossy()) {
        Ok(Some(value)) if it.is_map => text(args.lua(), value),
        Ok(Some(_)) => Reply::value(args.lua(), true),
        _ => Ok(Reply::values([Value::Nil])),
    }
}

fn giveup(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?.draft.take();
    Ok(Reply::nothing())
}

/// `list(patref)`: all keys and values, in turn.
fn list(args: &Args<'_>) -> Result<Reply, Raise> {
    let it = of(args)?;
    let table = args.lua().create_table()?;
    for (key, value) in pattern::entries(&it.file).unwrap_or_default() {
        table.raw_push(key)?;
        table.raw_push(value)?;
    }
    Reply::value(args.lua(), table)
}

/// Begins anew: what is added from now on takes the place of all at `commit`.
fn prepare(args: &Args<'_>) -> Result<Reply, Raise> {
    of(args)?.draft.replace(Some(Vec::new()));
    Reply::value(args.lua(), true)
}

fn purge(args: &Args<'_>) -> Result<Reply, Raise> {
    let it = of(args)?;
    if let Some(draft) = &mut *it.draft.borrow_mut() {
        draft.clear();
        return Reply::value(args.lua(), true);
    }
    said(args, pattern::replace(&it.file, &[]))
}

/// `set(patref, key, value[, force])`: with `force`, a key that is not there is added.
fn set(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(3, 4)?;
    let it = of(args)?;
    let (key, value) = (args.text(2)?, args.text(3)?);
    let force = matches!(args.value(4), Value::Boolean(true))
        || matches!(args.value(4), Value::Integer(number) if *number != 0);
    if !it.is_map {
        return miss(args.lua(), "not a map");
    }
    if let Some(draft) = &mut *it.draft.borrow_mut() {
        let mut known = false;
        for pair in draft.iter_mut().filter(|pair| pair.0 == key) {
            (pair.1, known) = (value.clone(), true);
        }
        if !known && force {
            draft.push((key, value));
        }
        return match known || force {
            true => Reply::value(args.lua(), true),
            false => miss(args.lua(), "entry not found"),
        };
    }
    match pattern::set(&it.file, &key, &value, force) {
        Ok(false) => miss(args.lua(), "entry not found"),
        other => said(args, other.map(drop)),
    }
}

impl State {
    fn value(&self, args: &Args<'_>, index: usize) -> Result<String, Raise> {
        if self.is_map { args.text(index) } else { Ok(String::new()) }
    }

    fn add(&self, args: &Args<'_>, pairs: Vec<(String, String)>) -> Result<Reply, Raise> {
        if let Some(draft) = &mut *self.draft.borrow_mut() {
            draft.extend(pairs);
            return Reply::value(args.lua(), true);
        }
        said(args, pattern::append(&self.file, &pairs))
    }
}

fn said(args: &Args<'_>, done: Result<(), Refusal>) -> Result<Reply, Raise> {
    match done {
        Ok(()) => Reply::value(args.lua(), true),
        Err(why) => miss(args.lua(), &why.to_string()),
    }
}

fn of(args: &Args<'_>) -> Result<Rc<State>, Raise> {
    Ok(args.object::<Patref>(1, "Patref")?.0)
}
