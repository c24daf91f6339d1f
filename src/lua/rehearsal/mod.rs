//! Scripts without traffic: exchanges that are built, servers that are played, a clock that stands
//! still. What `luaproxy test`, `bench` and `repl` stand on; the states are those of the proxy.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use mlua::Function;
use mlua::Lua;
use mlua::Value;

use super::api::Row;
use super::book::Info;
use super::current::Context;
use super::current::Current;
use super::driver;
use super::error::Error;
use super::host;
use super::host::Args;
use super::host::Raise;
use super::host::Reply;
use super::loader;
use super::meter::Limits;
use super::raw::Arg;
use super::raw::Ret;
use super::scripts::Host;
use super::vm::Vm;
use crate::clock;
use crate::dialect::Dialect;
use crate::script::Load;
use crate::script::LoadError;
use crate::script::Loader;
use crate::task;

mod exchange;
pub mod measure;
pub mod prompt;
mod server;
pub mod suite;

/// What the Lua part asks of the host.
const TABLES: &[&[Row]] = &[TABLE, exchange::TABLE, server::TABLE];

const TABLE: &[Row] = &[
    Row { name: "date", run: date },
    Row { name: "heard", run: heard },
    Row { name: "set_date", run: set_date },
    Row { name: "settle", run: settle },
];

/// A worker's script host with built exchanges in place of clients.
pub struct Rehearsal {
    host: Rc<Host>,
    vm: Vm,
}

/// What a rehearsal is in touch with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Connections reach the network, messages the logs.
    Real,
    /// Connections end at servers that are played, messages are kept.
    Played,
}

/// What a rehearsal keeps with its state.
#[derive(Clone, Default)]
struct Scene(Rc<Inner>);

#[derive(Default)]
struct Inner {
    servers: RefCell<Vec<server::Server>>,
}

impl Rehearsal {
    /// Sets the scene in the state of `lua-load`.
    pub fn new(host: &Rc<Host>, world: World) -> Result<Self, LoadError> {
        let vm = host.open(false)?;
        let scene = Scene::default();
        if world == World::Played {
            host.book.heard.replace(Some(Vec::new()));
            server::play(&vm, &scene);
        }
        drop(vm.lua().set_app_data(scene));
        set(&vm).map_err(|error| loader::failure(&error))?;
        Ok(Self { host: Rc::clone(host), vm })
    }

    /// Runs the body of a file.
    pub fn load(&self, file: &str) -> Result<(), LoadError> {
        let dialect = Dialect::LuaJit;
        let arguments = Vec::new();
        let load = Load { file: file.to_owned(), arguments, per_thread: false, dialect };
        self.host.load(&load)
    }

    /// Returns the script host.
    pub fn host(&self) -> &Rc<Host> {
        &self.host
    }

    /// Takes what was logged since the last time.
    pub fn take_heard(&self) -> Vec<String> {
        take(&self.host.book.heard, 0)
    }

    /// Returns how many servers are played.
    fn servers(&self) -> usize {
        self.scene().map_or(0, |scene| scene.0.servers.borrow().len())
    }

    /// Plays no more than the first servers.
    fn keep_servers(&self, count: usize) {
        if let Some(scene) = self.scene() {
            let ended = scene.0.servers.borrow_mut().split_off(count);
            drop(ended);
        }
    }

    fn scene(&self) -> Option<Scene> {
        self.vm.lua().app_data_ref::<Scene>().map(|scene| scene.clone())
    }

    /// Runs a function as a task does.
    async fn call(
        &self,
        function: &Function,
        arguments: &[Value],
        total: Duration,
    ) -> Result<Ret, Error> {
        let limits = Limits { total: Some(total), knob: "--timeout", ..Limits::NONE };
        let current = Current { context: Context::Task, txn: None };
        let arguments: Vec<Arg<'_>> = arguments.iter().map(Arg::Value).collect();
        let (call, step) =
            super::current::with(&current, || self.vm.start(function, &arguments, limits));
        driver::finish(call, step, &current).await
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        server::end();
    }
}

impl fmt::Debug for Rehearsal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Rehearsal").field("vm", &self.vm).finish_non_exhaustive()
    }
}

/// Makes the globals of a rehearsal.
fn set(vm: &Vm) -> Result<(), Error> {
    let functions = vm.lua().create_table()?;
    for row in TABLES.iter().copied().flatten() {
        functions.raw_set(row.name, host::function(vm, row.name, row.run)?)?;
    }
    let chunk = vm.lua().load(include_str!("rehearsal.lua")).set_name("=luaproxy");
    Ok(chunk.call(functions)?)
}

/// Returns the function that writes values as text: the same for the same value.
fn show(lua: &Lua) -> Result<Function, Error> {
    Ok(lua.load(include_str!("show.lua")).set_name("=luaproxy").call(())?)
}

fn scene(args: &Args<'_>) -> Result<Scene, Raise> {
    let scene = args.lua().app_data_ref::<Scene>().map(|scene| scene.clone());
    scene.ok_or_else(|| Raise::new("there is no rehearsal"))
}

fn script_host(args: &Args<'_>) -> Result<Rc<Host>, Raise> {
    let host = Info::of(args.lua())?.book.host.upgrade();
    host.ok_or_else(|| Raise::new("the script host has ended"))
}

/// `date()`: seconds since 1970, with a fraction.
fn date(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), clock::cached_date().as_secs_f64())
}

/// `set_date(seconds)`
fn set_date(args: &Args<'_>) -> Result<Reply, Raise> {
    let seconds = args.number(1)?;
    let date = Duration::try_from_secs_f64(seconds);
    clock::set_date(date.map_err(|_| args.bad(1, "date out of range"))?);
    Ok(Reply::nothing())
}

/// Takes the messages from a number on.
fn take(heard: &RefCell<Option<Vec<String>>>, from: usize) -> Vec<String> {
    let mut heard = heard.borrow_mut();
    heard.as_mut().map(|heard| heard.split_off(from.min(heard.len()))).unwrap_or_default()
}

/// `settle()`: all run that can, before this goes on.
fn settle(_: &Args<'_>) -> Result<Reply, Raise> {
    Ok(Reply::wait(async {
        task::yield_last().await;
        Ok(Vec::new())
    }))
}

/// `heard()`: what was logged since the last time.
fn heard(args: &Args<'_>) -> Result<Reply, Raise> {
    let lines = take(&script_host(args)?.book.heard, 0);
    Reply::value(args.lua(), args.lua().create_sequence_from(lines)?)
}
