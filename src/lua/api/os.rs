//! `os.getenv`: the environment as the configuration has left it (`setenv`), not the process's.

use super::Row;
use super::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::syntax::Env;

pub(super) const TABLE: &[Row] = &[Row { name: "getenv", run: getenv }];

fn getenv(args: &Args<'_>) -> Result<Reply, Raise> {
    let name = args.string(1)?;
    match str::from_utf8(&name).ok().and_then(Env::find_published) {
        Some(value) => text(args.lua(), value),
        None => Ok(Reply::values([mlua::Value::Nil])),
    }
}
