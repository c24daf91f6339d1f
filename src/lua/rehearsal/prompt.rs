//! Lines of Lua, run one after the other in a rehearsal.

use std::fmt;
use std::time::Duration;

use mlua::Function;
use mlua::Value;

use super::Rehearsal;
use crate::lua::error::Error;
use crate::lua::loader;
use crate::lua::raw::Ret;
use crate::script::LoadError;

/// Runs texts.
pub struct Prompt<'a> {
    rehearsal: &'a Rehearsal,
    evaluate: Function,
}

/// What came of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its values, as text.
    Values(String),
    /// Its error.
    Failed(String),
    /// It goes on in the next line.
    Incomplete,
}

impl<'a> Prompt<'a> {
    /// Returns a prompt with a transaction `txn`.
    pub fn new(rehearsal: &'a Rehearsal) -> Result<Self, LoadError> {
        let evaluate = evaluate(rehearsal).map_err(|error| loader::failure(&error))?;
        Ok(Self { rehearsal, evaluate })
    }

    /// Runs a text for so much processor time at most.
    pub async fn run(&self, text: &str, limit: Duration) -> Answer {
        let argument = match self.rehearsal.vm.lua().create_string(text) {
            Ok(text) => Value::String(text),
            Err(error) => return Answer::Failed(Error::from(error).message),
        };
        match self.rehearsal.call(&self.evaluate, &[argument], limit).await {
            Ok(Ret::Str(text)) => {
                let text = String::from_utf8_lossy(&text);
                match text.split_at_checked(1) {
                    Some(("+", values)) => Answer::Values(values.to_owned()),
                    Some((_, why)) => Answer::Failed(why.to_owned()),
                    None => Answer::Values(String::new()),
                }
            }
            Ok(Ret::Bool(false)) => Answer::Incomplete,
            // `core.done()` at the prompt.
            Ok(_) => Answer::Values(String::new()),
            Err(error) => Answer::Failed(error.to_log(0)),
        }
    }
}

fn evaluate(rehearsal: &Rehearsal) -> Result<Function, Error> {
    let lua = rehearsal.vm.lua();
    let show = super::show(lua)?;
    let chunk = lua.load(include_str!("prompt.lua")).set_name("=luaproxy");
    Ok(chunk.call(show)?)
}

impl fmt::Debug for Prompt<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Prompt").field("rehearsal", &self.rehearsal).finish_non_exhaustive()
    }
}
