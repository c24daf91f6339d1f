//! What scripts have registered, and the settings their calls obey.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map;
use std::rc::Rc;
use std::rc::Weak;
use std::sync::Arc;
use std::time::Duration;

use mlua::Function;
use mlua::Lua;
use mlua::Value;

use super::account::Account;
use super::account::Charge;
use super::client;
use super::error;
use super::error::Error;
use super::host::Raise;
use super::meter::Limits;
use super::scripts::Host;
use super::tenants::Use;
use super::vm::WeakVm;
use crate::log;
use crate::log::Level;
use crate::log::Target;
use crate::net::tls::Connector;
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
    /// A tenant's, by its index: made when it is called, and thrown away when it is idle.
    Tenant(u32),
}

/// A registered function.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub place: Place,
    /// `None` while the worker has not got the state.
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

/// A task that was registered before it can run.
#[derive(Debug)]
pub(super) struct Queued {
    pub place: Place,
    pub function: Function,
    pub arguments: Vec<Value>,
    /// Keeps the tenant's state.
    pub used: Option<Use>,
    /// Of a tenant's.
    pub charge: Option<Charge>,
}

/// A function given to `core.register_init`.
#[derive(Debug)]
pub(super) struct Init {
    pub place: Place,
    pub function: Function,
    /// Keeps the tenant's state.
    pub used: Option<Use>,
}

/// The registered functions of a kind, by id and by name.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Where those are that are not global.
    names: HashMap<String, usize>,
}

/// What the states of a worker have registered.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Whose book it is.
    pub host: Weak<Host>,
    pub worker: usize,
    fetches: RefCell<Table>,
    converters: RefCell<Table>,
    actions: RefCell<Table>,
    services: RefCell<Table>,
    /// Of `core.register_cli`: the words of each command, and how it is used.
    pub commands: RefCell<Vec<(String, String)>>,
    pub inits: RefCell<Vec<Init>>,
    pub tasks: RefCell<Vec<Queued>>,
    /// The scheduler runs: tasks start at once.
    pub running: Cell<bool>,
    pub settings: RefCell<Settings>,
    /// The proxies, once the configuration is complete.
    pub proxies: RefCell<Option<Arc<proxy::Set>>>,
    /// All messages, where they are kept and not logged.
    pub heard: RefCell<Option<Vec<String>>>,
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
    pub runtime_dns: bool,
    /// `httpclient.*`
    pub client: client::Limits,
    pub client_verify: bool,
    /// Verifies by the authorities of `httpclient.ssl.ca-file`.
    pub client_tls: Option<Connector>,
    pub socket_compat: bool,
    pub ssl_verify: bool,
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

/// Whom a message concerns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whom<'a> {
    pub txn: Option<&'a txn::Shared>,
    pub tenant: Option<&'a Account>,
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
            runtime_dns: false,
            client: client::Limits::DEFAULT,
            client_verify: true,
            client_tls: None,
            socket_compat: false,
            ssl_verify: true,
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

    /// Returns the limits of a body or init function.
    pub(super) fn for_load(&self) -> Limits {
        Limits { total: self.load, knob: "tune.lua.load-timeout", ..Limits::NONE }
    }

    /// Returns the limits of a task.
    pub(super) fn for_task(&self) -> Limits {
        Limits { total: self.task, burst: self.burst, ..Limits::TASK }
    }
}

impl Table {
    /// Returns the entry of an id.
    pub(super) fn get(&self, id: Id) -> Option<&Entry> {
        self.entries.get(id.0 as usize)
    }

    /// Returns all, in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Finds a registered function by its name.
    pub(super) fn find(&self, name: &str) -> Option<(Id, &Entry)> {
        let index = *self.names.get(name)?;
        Some((id(index), self.entries.get(index)?))
    }

    /// Adds an entry, or puts it in the place of the one with its name.
    pub(super) fn put(&mut self, entry: Entry) -> Id {
        let known = if entry.global {
            self.entries.iter().position(|known| known.global && known.name == entry.name)
        } else {
            match self.names.entry(entry.name.clone()) {
                hash_map::Entry::Occupied(known) => Some(*known.get()),
                hash_map::Entry::Vacant(free) => {
                    free.insert(self.entries.len());
                    None
                }
            }
        };
        let index = known.unwrap_or(self.entries.len());
        match self.entries.get_mut(index) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
        id(index)
    }

    /// Forgets a function whose state is gone; its id stays.
    pub(super) fn forget(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut(id.0 as usize) {
            entry.function = None;
        }
    }
}

impl FromIterator<Entry> for Table {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let mut table = Self::default();
        for entry in entries {
            table.put(entry);
        }
        table
    }
}

impl Book {
    pub(super) fn new(host: Weak<Host>, worker: usize) -> Self {
        Self { host, worker, ..Self::default() }
    }

    /// Keeps a message, where messages are kept.
    fn keeps(&self, text: &str) -> bool {
        let mut heard = self.heard.borrow_mut();
        heard.as_mut().map(|heard| heard.push(text.to_owned())).is_some()
    }

    /// Returns the table of a kind.
    pub(super) fn table(&self, kind: Kind) -> &RefCell<Table> {
        match kind {
            Kind::Fetch => &self.fetches,
            Kind::Converter => &self.converters,
            Kind::Action => &self.actions,
            Kind::Service => &self.services,
        }
    }

    /// Adds a function; of two with one name, the last one counts.
    ///
    /// A tenant's name is that tenant's alone, and once the configuration is compiled its scripts
    /// register nothing new: a state that is made anew fills the places of the first.
    pub(super) fn register(&self, kind: Kind, entry: Entry) -> Result<(), Raise> {
        let tenant = match entry.place {
            Place::Tenant(index) => self.host.upgrade().and_then(|host| host.tenant(index)),
            Place::Shared | Place::Own => None,
        };
        let known = {
            let table = self.table(kind).borrow();
            table.find(&entry.name).map(|(_, known)| (known.place, known.function.is_some()))
        };
        match known {
            Some((place, _)) if place != entry.place && (tenant.is_some() || is_tenant(place)) => {
                let text = format!("'lua.{}' is registered by another script", entry.name);
                return Err(Raise::new(text));
            }
            Some((_, true)) if tenant.is_some() => {
                let text = format!("'lua.{}' is registered twice", entry.name);
                return Err(Raise::new(text));
            }
            Some((_, true)) => {
                let text = format!(
                    "Trying to register {} 'lua.{}' more than once. This will become a hard error \
                     in version 2.5.",
                    kind_name(kind),
                    entry.name
                );
                log::program(Level::Warning, &text);
            }
            None if self.running.get()
                && let Some(tenant) = &tenant =>
            {
                let (kind, name) = (kind_name(kind), &entry.name);
                let text = format!("{kind} 'lua.{name}' was not registered at start: ignored");
                self.say(Level::Warning, &text, tenant.whom());
                return Ok(());
            }
            _ => {}
        }
        let id = self.table(kind).borrow_mut().put(entry);
        if let Some(tenant) = tenant {
            tenant.note_registered(kind, id);
        }
        Ok(())
    }

    /// Finds a registered function by its name.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<(Id, Entry)> {
        let table = self.table(kind).borrow();
        table.find(name).map(|(id, entry)| (id, entry.clone()))
    }

    /// Logs why a call failed, to the context's loggers and to stderr.
    pub(super) fn report(&self, what: &str, error: &Error, state: u32, whom: Whom<'_>) {
        let Some(tenant) = whom.tenant else {
            let text = format!("Lua {what}: {}.", error.to_log(state));
            if self.keeps(&text) {
                return;
            }
            self.send(Level::Err, &text, whom);
            log::program(Level::Alert, &text);
            return;
        };
        let Some(again) = tenant.may_report(&error.place(what)) else { return };
        // Of a script that was stopped the log tells, however much the script itself has said: each
        // such line costs its tenant the time or memory of a call.
        if error.kind == error::Kind::Raised && !self.may_log(whom) {
            return;
        }
        let text = error.to_log(state);
        let more = if again > 0 { format!(" (and {again} times before)") } else { String::new() };
        let (name, text) = (&tenant.policy.name, log_text(text.as_bytes()));
        let text = format!("tenant {name}: Lua {what}: {text}{more}.");
        if self.keeps(&text) {
            return;
        }
        self.send(Level::Err, &text, whom);
        log::program(Level::Alert, &text);
    }

    /// Sends what a script says to where `tune.lua.log.*` tells.
    pub(super) fn say(&self, level: Level, text: &str, whom: Whom<'_>) {
        if self.may_log(whom) {
            self.put(level, text, whom);
        }
    }

    /// Says whether a message may be logged; tells how many were not before it.
    fn may_log(&self, whom: Whom<'_>) -> bool {
        let Some(tenant) = whom.tenant else { return true };
        let Some(dropped) = tenant.may_log() else { return false };
        if dropped > 0 {
            let text = format!("{dropped} messages of tenant {} were dropped.", tenant.policy.name);
            self.put(Level::Notice, &text, whom);
        }
        true
    }

    fn put(&self, level: Level, text: &str, whom: Whom<'_>) {
        if self.keeps(text) {
            return;
        }
        let settings = self.settings.borrow();
        let (loggers, stderr) = (settings.log_loggers, settings.log_stderr);
        drop(settings);
        let sent = loggers && self.send(level, text, whom);
        if stderr.unwrap_or(!sent) && level < Level::Debug {
            log::program(level, text);
        }
    }

    /// Sends a line to the tenant's loggers, or those of the context; says whether there are any.
    fn send(&self, level: Level, text: &str, whom: Whom<'_>) -> bool {
        let proxy = whom.txn.and_then(|txn| Some(Arc::clone(&txn.try_borrow().ok()?.backend)));
        let own = whom.tenant.map(|tenant| &tenant.policy.loggers).filter(|own| !own.is_empty());
        let settings = self.settings.borrow();
        let targets = own.or_else(|| Some(&proxy.as_ref()?.loggers)).unwrap_or(&settings.loggers);
        log::send(targets, level, text.as_bytes());
        !targets.is_empty()
    }
}

impl Info {
    /// Says something for a script, in a context.
    pub(super) fn say(&self, level: Level, text: &str, txn: Option<&txn::Shared>) {
        self.book.say(level, text, Whom { txn, tenant: self.tenant.as_deref() });
    }

    /// Counts one more user of the state, if it is a tenant's.
    pub(super) fn enter(&self) -> Option<Use> {
        let Place::Tenant(index) = self.place else { return None };
        let host = self.book.host.upgrade()?;
        let tenant = host.tenant(index)?;
        Some(host.enter(tenant))
    }

    /// Returns a name as the configuration finds it.
    pub(super) fn scoped(&self, name: String) -> String {
        match &self.tenant {
            Some(tenant) => format!("{}:{name}", tenant.policy.name),
            None => name,
        }
    }

    /// Returns what is known of a state.
    pub(super) fn of(lua: &Lua) -> Result<Self, Raise> {
        match lua.app_data_ref::<Self>() {
            Some(info) => Ok(info.clone()),
            None => Err(Raise::new("the state is not set up")),
        }
    }
}

/// Returns what is logged of a tenant's text: not much, and nothing that could forge a line of a
/// log or act on a terminal.
pub(super) fn log_text(text: &[u8]) -> String {
    let text = text.get(..TENANT_TEXT_MAX).unwrap_or(text);
    let clean = text.iter().map(|&byte| if byte.is_ascii_control() { b'.' } else { byte });
    String::from_utf8_lossy(&clean.collect::<Vec<u8>>()).into_owned()
}

/// The longest text of a tenant that is logged.
const TENANT_TEXT_MAX: usize = 1 << 10;

/// Returns under which name the function of a command is kept: no rule can name it.
pub(super) fn command_name(path: &str) -> String {
    format!("<cli> {path}")
}

fn is_tenant(place: Place) -> bool {
    matches!(place, Place::Tenant(_))
}

fn id(index: usize) -> Id {
    Id(u32::try_from(index).unwrap_or(u32::MAX))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Fetch => "fetch",
        Kind::Converter => "converter",
        Kind::Action => "action",
        Kind::Service => "service",
    }
}
