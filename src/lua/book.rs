//! What scripts have registered, and the settings their calls obey.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mlua::Function;
use mlua::Lua;
use mlua::Value;

use super::account::Account;
use super::error::Error;
use super::host::Raise;
use super::meter::Limits;
use super::vm::WeakVm;
use crate::log;
use crate::log::Level;
use crate::log::Target;
use crate::proxy;
use crate::script::Id;
use crate::script::Kind;
use crate::txn;

/// Which of a worker's states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one of `lua-load`, which only one worker has.
    Shared,
    /// The worker's own, of `lua-load-per-thread`.
    Own,
}

/// A registered function.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub place: Place,
    /// `None` in a worker that has not got the state.
    pub function: Option<Function>,
    /// Of an action: the rule sets it may stand in.
    pub environments: Vec<&'static str>,
    /// Of an action: how many words of the rule it takes.
    pub arguments: usize,
    /// Of a service: takes HTTP requests.
    pub http: bool,
    /// Found by its global name (`http-request lua NAME`), not registered.
    pub global: bool,
    /// It has been logged that what it returns is no sample.
    pub warned: Cell<bool>,
}

/// A task that was registered before the scheduler runs.
#[derive(Debug)]
pub(super) struct Queued {
    pub place: Place,
    pub function: Function,
    pub arguments: Vec<Value>,
}

/// What the states of a worker have registered.
#[derive(Debug, Default)]
pub(super) struct Book {
    fetches: RefCell<Vec<Entry>>,
    converters: RefCell<Vec<Entry>>,
    actions: RefCell<Vec<Entry>>,
    services: RefCell<Vec<Entry>>,
    pub inits: RefCell<Vec<(Place, Function)>>,
    pub tasks: RefCell<Vec<Queued>>,
    /// The scheduler runs: tasks start at once.
    pub running: Cell<bool>,
    pub settings: RefCell<Settings>,
    /// The proxies, once the configuration is complete.
    pub proxies: RefCell<Option<Arc<proxy::Set>>>,
}

/// The `tune.lua.*` settings.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub session: Option<Duration>,
    pub service: Option<Duration>,
    pub task: Option<Duration>,
    /// Of a body or init function.
    pub load: Option<Duration>,
    pub tenant_jit: bool,
    /// States of tenants that are kept while idle.
    pub idle_states: usize,
    /// States prepared ahead for cold tenants.
    pub spare_states: usize,
    pub burst: Option<Duration>,
    pub bool_samples: bool,
    pub nil_is_false: bool,
    pub log_loggers: bool,
    pub log_stderr: Option<bool>,
    pub memory_max: usize,
    pub libraries: Option<Vec<String>>,
    /// Where messages go that belong to no proxy: the `log` lines of `global`.
    pub loggers: Vec<Target>,
}

/// What a state knows of itself; kept with the state.
#[derive(Clone, Debug)]
pub(super) struct Info {
    pub book: Rc<Book>,
    pub place: Place,
    /// `core.thread`, and the number in messages.
    pub number: u32,
    pub vm: WeakVm,
    /// Whose state it is; `None` where the operator's own scripts run.
    pub tenant: Option<Arc<Account>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session: Limits::SESSION.total,
            service: Limits::SESSION.total,
            task: None,
            load: Some(Duration::from_secs(10)),
            tenant_jit: true,
            idle_states: 1024,
            spare_states: 1,
            burst: Limits::SESSION.burst,
            bool_samples: false,
            nil_is_false: false,
            log_loggers: true,
            log_stderr: None,
            memory_max: 0,
            libraries: None,
            loggers: Vec::new(),
        }
    }
}

impl Settings {
    /// Returns the limits of a call for a session.
    pub(super) fn for_session(&self) -> Limits {
        Limits { total: self.session, burst: self.burst, ..Limits::SESSION }
    }

    /// Returns the limits of a service.
    pub(super) fn for_service(&self) -> Limits {
        Limits { knob: "tune.lua.service-timeout", total: self.service, ..self.for_session() }
    }

    /// Returns the limits of a task.
    pub(super) fn for_task(&self) -> Limits {
        Limits { total: self.task, burst: self.burst, ..Limits::TASK }
    }
}

impl Book {
    /// Returns the table of a kind.
    pub(super) fn table(&self, kind: Kind) -> &RefCell<Vec<Entry>> {
        match kind {
            Kind::Fetch => &self.fetches,
            Kind::Converter => &self.converters,
            Kind::Action => &self.actions,
            Kind::Service => &self.services,
        }
    }

    /// Adds a function and returns its id; of two with one name, the last one counts.
    pub(super) fn register(&self, kind: Kind, entry: Entry) -> Id {
        let mut table = self.table(kind).borrow_mut();
        let same = |known: &Entry| known.name == entry.name && known.global == entry.global;
        let index = if let Some(index) = table.iter().position(same) {
            if table.get(index).is_some_and(|known| known.function.is_some()) {
                let text = format!(
                    "Trying to register {} 'lua.{}' more than once. This will become a hard error \
                     in version 2.5.",
                    kind_name(kind),
                    entry.name
                );
                log::program(Level::Warning, &text);
            }
            if let Some(known) = table.get_mut(index) {
                *known = entry;
            }
            index
        } else {
            table.push(entry);
            table.len() - 1
        };
        Id(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Finds a registered function by its name.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<(Id, Entry)> {
        let table = self.table(kind).borrow();
        let index = table.iter().position(|entry| entry.name == name && !entry.global)?;
        Some((Id(u32::try_from(index).ok()?), table.get(index)?.clone()))
    }

    /// Logs why a call failed, to the context's loggers and to stderr.
    pub(super) fn report(&self, what: &str, error: &Error, state: u32, txn: Option<&txn::Shared>) {
        let text = format!("Lua {what}: {}.", error.to_log(state));
        self.send(Level::Err, &text, txn);
        log::program(Level::Alert, &text);
    }

    /// Sends what a script says to where `tune.lua.log.*` tells.
    pub(super) fn say(&self, level: Level, text: &str, txn: Option<&txn::Shared>) {
        let settings = self.settings.borrow();
        let (loggers, stderr) = (settings.log_loggers, settings.log_stderr);
        drop(settings);
        let sent = loggers && self.send(level, text, txn);
        if stderr.unwrap_or(!sent) && level < Level::Debug {
            log::program(level, text);
        }
    }

    /// Sends a line to the loggers of the context; says whether there are any.
    fn send(&self, level: Level, text: &str, txn: Option<&txn::Shared>) -> bool {
        let proxy = txn.and_then(|txn| Some(Arc::clone(&txn.try_borrow().ok()?.backend)));
        let settings = self.settings.borrow();
        let targets = proxy.as_ref().map_or(&settings.loggers, |proxy| &proxy.loggers);
        log::send(targets, level, text.as_bytes());
        !targets.is_empty()
    }
}

impl Info {
    /// Returns what is known of a state.
    pub(super) fn of(lua: &Lua) -> Result<Self, Raise> {
        match lua.app_data_ref::<Self>() {
            Some(info) => Ok(info.clone()),
            None => Err(Raise::new("the state is not set up")),
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Fetch => "fetch",
        Kind::Converter => "converter",
        Kind::Action => "action",
        Kind::Service => "service",
    }
}
