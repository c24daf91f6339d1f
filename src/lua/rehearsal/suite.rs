//! Tests in the style of `describe` and `it`, run one after the other in a rehearsal.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use mlua::Function;
use mlua::Value;

use super::Rehearsal;
use crate::lua::api::Row;
use crate::lua::error::Error;
use crate::lua::error::Kind;
use crate::lua::host;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::loader;
use crate::lua::raw::Ret;
use crate::net::timer;
use crate::script::LoadError;

const TABLE: &[Row] =
    &[Row { name: "complain", run: complain }, Row { name: "declare", run: declare }];

/// How long a test may wait by the clock that stands still: as nothing else moves, it waits for
/// what never comes.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The tests of one file.
pub struct Suite<'a> {
    rehearsal: &'a Rehearsal,
    run: Function,
    notes: Notes,
}

/// A test that a file has declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name behind those of its groups.
    pub name: String,
    /// `pending` is not run.
    pub runs: bool,
    /// Where it stands.
    pub line: u32,
}

/// Why a test failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// File and line of the expectation, where it is one.
    pub place: String,
    /// What was expected and what was got, as text that can be compared.
    pub difference: Option<(String, String)>,
}

/// What the Lua part tells.
#[derive(Clone, Default)]
struct Notes(Rc<Inner>);

#[derive(Default)]
struct Inner {
    tests: RefCell<Vec<Test>>,
    failures: RefCell<Vec<Failure>>,
}

impl<'a> Suite<'a> {
    /// Gives a rehearsal what tests are written with.
    pub fn new(rehearsal: &'a Rehearsal) -> Result<Self, LoadError> {
        let notes = Notes::default();
        drop(rehearsal.vm.lua().set_app_data(notes.clone()));
        let run = runner(rehearsal).map_err(|error| loader::failure(&error))?;
        Ok(Self { rehearsal, run, notes })
    }

    /// Returns the tests that have been declared.
    pub fn tests(&self) -> Vec<Test> {
        self.notes.0.tests.borrow().clone()
    }

    /// Runs the test with this number, from 1, for so much processor time at most; returns all that
    /// is wrong.
    pub async fn run(&self, number: usize, limit: Duration) -> Vec<Failure> {
        let number = Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let arguments = [number];
        let servers = self.rehearsal.servers();
        let call = self.rehearsal.call(&self.run, &arguments, limit);
        let ended = timer::timeout(PATIENCE, call).await;
        self.rehearsal.keep_servers(servers);
        let mut failures = self.notes.0.failures.take();
        let other = match ended {
            Ok(Ok(Ret::Bool(true))) if failures.is_empty() => None,
            Ok(Ok(_)) if !failures.is_empty() => None,
            Ok(Ok(_)) => Some("the test has ended itself (core.done)".to_owned()),
            Ok(Err(error)) => Some(words(&error)),
            Err(_) => Some("the test waits for what never comes".to_owned()),
        };
        failures.extend(other.map(|message| Failure { message, ..Failure::default() }));
        failures
    }
}

fn runner(rehearsal: &Rehearsal) -> Result<Function, Error> {
    let vm = &rehearsal.vm;
    let functions = vm.lua().create_table()?;
    functions.raw_set("show", super::show(vm.lua())?)?;
    for row in TABLE {
        functions.raw_set(row.name, host::function(vm, row.name, row.run)?)?;
    }
    let chunk = vm.lua().load(include_str!("suite.lua")).set_name("=luaproxy");
    Ok(chunk.call(functions)?)
}

fn words(error: &Error) -> String {
    match error.kind {
        Kind::Raised => error.to_string(),
        Kind::Time | Kind::Memory => error.to_log(0),
    }
}

fn notes(args: &Args<'_>) -> Result<Notes, Raise> {
    let notes = args.lua().app_data_ref::<Notes>().map(|notes| notes.clone());
    notes.ok_or_else(|| Raise::new("there is no suite"))
}

/// `declare(name, runs, line)`
fn declare(args: &Args<'_>) -> Result<Reply, Raise> {
    let line = u32::try_from(args.integer(3)?).unwrap_or_default();
    let runs = args.value(2) == &Value::Boolean(true);
    notes(args)?.0.tests.borrow_mut().push(Test { name: args.text(1)?, runs, line });
    Ok(Reply::nothing())
}

/// `complain(message, place [, expected, got])`
fn complain(args: &Args<'_>) -> Result<Reply, Raise> {
    let difference = match args.is_nil(3) {
        true => None,
        false => Some((args.text(3)?, args.text(4)?)),
    };
    let failure = Failure { message: args.text(1)?, place: args.text(2)?, difference };
    notes(args)?.0.failures.borrow_mut().push(failure);
    Ok(Reply::nothing())
}

impl fmt::Debug for Suite<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Suite").field("tests", &self.notes.0.tests).finish_non_exhaustive()
    }
}
