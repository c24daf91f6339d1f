//! `Regex`: regular expressions of PCRE2.

use std::rc::Rc;

use mlua::UserData;
use mlua::Value;
use pcre2::bytes::RegexBuilder;

use super::Row;
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

#[derive(Clone, Debug)]
struct Regex(Rc<pcre2::bytes::Regex>);

impl UserData for Regex {}

fn exec(args: &Args<'_>) -> Result<Reply, Raise> {
    let regex = args.object::<Regex>(1, "Regex")?;
    let found = regex.0.is_match(&args.string(2)?).unwrap_or(false);
    Reply::value(args.lua(), found)
}

fn find(args: &Args<'_>) -> Result<Reply, Raise> {
    let regex = args.object::<Regex>(1, "Regex")?;
    let subject = args.string(2)?;
    let Ok(Some(groups)) = regex.0.captures(&subject) else {
        return Reply::value(args.lua(), false);
    };
    let table = args.lua().create_table()?;
    for index in 0..groups.len().min(GROUPS_MAX) {
        let group = groups.get(index).map(|group| group.as_bytes()).unwrap_or_default();
        table.raw_set(index + 1, args.lua().create_string(group)?)?;
    }
    Ok(Reply::values([Value::Boolean(true), Value::Table(table)]))
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let sensitive = !matches!(args.value(2), Value::Nil | Value::Boolean(false));
    let mut builder = RegexBuilder::new();
    builder.caseless(!sensitive).jit_if_available(true);
    match builder.build(&args.text(1)?) {
        Ok(regex) => {
            let object = super::object(args.lua(), Regex(Rc::new(regex)))?;
            Ok(Reply::values([Value::Boolean(true), Value::Table(object)]))
        }
        Err(error) => {
            let message = args.lua().create_string(error.to_string())?;
            Ok(Reply::values([Value::Boolean(false), Value::String(message)]))
        }
    }
}
