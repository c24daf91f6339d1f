//! `Regex`: regular expressions of PCRE2.

use std::rc::Rc;

use mlua::UserData;
use mlua::Value;

use super::Row;
use super::search::Search;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "exec", run: exec },
    Row { name: "match", run: find },
    Row { name: "new", run: new },
];

/// HAProxy: `MAX_MATCH`.
const GROUPS_MAX: usize = 20;

/// What a compiled expression takes beside its text, and how much of each byte of that.
const OBJECT: usize = 2 << 10;
const BYTE: usize = 64;

#[derive(Clone, Debug)]
struct Regex(Rc<(Search, Option<Charge>)>);

impl UserData for Regex {}

fn exec(args: &Args<'_>) -> Result<Reply, Raise> {
    let regex = args.object::<Regex>(1, "Regex")?;
    let found = regex.0.0.groups(&args.lua_string(2)?.as_bytes())?.is_some();
    Reply::value(args.lua(), found)
}

fn find(args: &Args<'_>) -> Result<Reply, Raise> {
    let regex = args.object::<Regex>(1, "Regex")?;
    let subject = args.lua_string(2)?;
    let subject = subject.as_bytes();
    let Some(groups) = regex.0.0.groups(&subject)? else {
        return Reply::value(args.lua(), false);
    };
    let table = args.lua().create_table()?;
    for index in 0..groups.len().min(GROUPS_MAX) {
        let group = groups.get(index).and_then(|(from, to)| subject.get(from..to));
        table.raw_set(index + 1, args.lua().create_string(group.unwrap_or_default())?)?;
    }
    Ok(Reply::values([Value::Boolean(true), Value::Table(table)]))
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let sensitive = !matches!(args.value(2), Value::Nil | Value::Boolean(false));
    let (lua, text) = (args.lua(), args.text(1)?);
    let charge = account::charge_object(lua, OBJECT + text.len().saturating_mul(BYTE))?;
    match Search::new(&text, !sensitive, charge.is_some()) {
        Ok(search) => {
            let object = super::object(lua, Regex(Rc::new((search, charge))))?;
            Ok(Reply::values([Value::Boolean(true), Value::Table(object)]))
        }
        Err(error) => {
            let message = lua.create_string(error)?;
            Ok(Reply::values([Value::Boolean(false), Value::String(message)]))
        }
    }
}
