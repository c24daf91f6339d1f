//! Frontends, backends and their servers: settings and live state. Knows no rules.

pub mod balance;
mod counters;
pub mod event;
pub mod info;
pub mod live;
pub mod pool;
mod queue;
mod server;
mod settings;
pub mod stat;

#[cfg(test)]
pub(crate) mod testing;

pub use counters::Counter;
pub use counters::Counters;
pub use live::Admin;
pub use live::Live;
pub use pool::Pool;
pub use queue::Place;
pub use queue::Places;
pub use queue::Queue;
pub use queue::Ticket;
pub use server::SendProxy;
pub use server::Server;
pub use server::Tlvs;
pub use settings::Balance;
pub use settings::Capture;
pub use settings::ForwardFor;
pub use settings::KeepAlive;
pub use settings::Mode;
pub use settings::Options;
pub use settings::Timeouts;

use std::sync::Arc;

use bytes::Bytes;

/// Index of a proxy in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u32);

/// What a proxy section may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Accepts clients: `frontend` and `listen`.
    pub frontend: bool,
    /// Reaches servers: `backend` and `listen`.
    pub backend: bool,
}

/// One `frontend`, `backend` or `listen` section.
#[derive(Debug)]
pub struct Proxy {
    /// Its index in the program.
    pub id: Id,
    /// HAProxy's numeric id (`id`, or the place of the section, from 1).
    pub uuid: u32,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub caps: Caps,
    /// `mode`.
    pub mode: Mode,
    /// `timeout ...`; `None` is no limit.
    pub timeouts: Timeouts,
    /// `option ...`.
    pub options: Options,
    /// `maxconn`; 0 is no limit.
    pub maxconn: u32,
    /// `fullconn`; 0 is none.
    pub fullconn: u32,
    /// `retries`.
    pub retries: u32,
    /// `balance`.
    pub balance: Balance,
    /// Its servers in the order of the configuration.
    pub servers: Vec<Arc<Server>>,
    /// The capture slots of requests and of responses.
    pub captures: [Vec<Capture>; 2],
    /// `errorfile`, `errorloc`: whole answers by status; one without a byte closes the connection.
    pub error_answers: Vec<(u16, Bytes)>,
    /// Where it logs to.
    pub loggers: Vec<crate::log::Target>,
    /// `description`.
    pub description: Option<String>,
    /// What it has counted.
    pub counters: Counters,
    /// Whose turn it is among its servers.
    pub turn: balance::Turn,
    /// Who waits for a place on one.
    pub queue: Queue,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// Whether it accepts.
    pub doors: live::Doors,
}

/// One address of a `bind` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `id`, or its place in the section, from 1.
    pub id: u32,
    /// `name`, or `sock-` and the number.
    pub name: String,
    /// The address as it is written.
    pub addr: String,
}

impl Proxy {
    /// Returns a proxy with nothing in it.
    pub fn blank() -> Self {
        Self {
            id: Id(0),
            uuid: 0,
            name: String::new(),
            caps: Caps::default(),
            mode: Mode::default(),
            timeouts: Timeouts::default(),
            options: Options::default(),
            maxconn: 0,
            fullconn: 0,
            retries: 3,
            balance: Balance::default(),
            servers: Vec::new(),
            captures: [Vec::new(), Vec::new()],
            error_answers: Vec::new(),
            loggers: Vec::new(),
            description: None,
            counters: Counters::new(1),
            turn: balance::Turn::default(),
            queue: Queue::default(),
            listeners: Vec::new(),
            doors: live::Doors::default(),
        }
    }
}

/// The names of all proxies and their servers, known before any section's body is compiled.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By [`Id`]: name, capabilities, names of the servers.
    pub entries: Vec<(String, Caps, Vec<String>)>,
}

impl Directory {
    /// Returns the id of the first proxy with this name and at least these capabilities.
    pub fn find(&self, name: &str, caps: Caps) -> Option<Id> {
        let index = self.entries.iter().position(|(known, has, _)| {
            known == name && (!caps.frontend || has.frontend) && (!caps.backend || has.backend)
        })?;
        u32::try_from(index).ok().map(Id)
    }

    /// Returns the index of a server in a proxy.
    pub fn find_server(&self, proxy: Id, name: &str) -> Option<usize> {
        let (_, _, servers) = self.entries.get(proxy.0 as usize)?;
        servers.iter().position(|server| server == name)
    }
}

/// All proxies of a program, by [`Id`].
#[derive(Debug, Default)]
pub struct Set {
    list: Vec<Arc<Proxy>>,
    /// What they share.
    pub process: info::Process,
}

impl Set {
    /// Returns the set of these proxies, whose ids are their indices.
    pub fn new(list: Vec<Arc<Proxy>>) -> Self {
        Self { list, process: info::Process::default() }
    }

    /// Returns the proxy with this id.
    pub fn find(&self, id: Id) -> Option<&Arc<Proxy>> {
        self.list.get(id.0 as usize)
    }

    /// Returns the first proxy with this name and at least these capabilities.
    pub fn find_named(&self, name: &str, caps: Caps) -> Option<&Arc<Proxy>> {
        self.list.iter().find(|proxy| {
            proxy.name == name
                && (!caps.frontend || proxy.caps.frontend)
                && (!caps.backend || proxy.caps.backend)
        })
    }

    /// Returns all proxies in the order of the configuration.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Proxy>> {
        self.list.iter()
    }
}
