//! What the operator grants a tenant: a `tenant` section, compiled.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::Load;
use crate::log;

/// A `tenant` section: the scripts of one tenant, and what they may use and reach.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The section's name: what the tenant registers is `lua.NAME:what`.
    pub name: String,
    /// Where the section stands: `file:line`.
    pub place: String,
    /// The tenant's scripts, in order (`lua-load`).
    pub loads: Vec<Load>,
    /// Where `require` looks, with `?` for the module (`lua-path`); nothing else is found.
    pub paths: Vec<String>,
    /// The longest run before a forced yield (`cpu-slice`); `None` is `tune.lua.slice`.
    pub slice: Option<Duration>,
    /// Processor time of one call (`cpu-max`).
    pub cpu_max: Duration,
    /// Percent of a worker in a sliding second (`cpu-share`); beyond it, others go first.
    pub cpu_share: u8,
    /// Bytes of each state, and of what the host holds for the tenant (`memory-max`).
    pub memory_max: usize,
    /// The least niceness of the tenant's runs (`nice`).
    pub nice: i32,
    /// Where sockets may connect to (`connect-allow`); nothing else can be reached.
    pub connect_allow: Vec<Target>,
    /// Where they may not, though allowed (`connect-deny`).
    pub connect_deny: Vec<Target>,
    /// Sockets open at once, on all workers together (`connections-max`).
    pub connections_max: u32,
    /// Tasks at once, on all workers together (`tasks-max`).
    pub tasks_max: u32,
    /// The only folder whose files can be read (`read-dir`).
    pub read_dir: Option<PathBuf>,
    /// Bytes of the largest file that can be read (`read-dir ... max SIZE`).
    pub read_max: usize,
    /// The variables of the environment that `os.getenv` knows (`env`).
    pub env: Vec<String>,
    /// What becomes of an exchange whose script fails (`on-error`).
    pub on_error: OnError,
    /// Where the tenant's messages go (`log`); with none, to those of its proxy.
    pub loggers: Vec<log::Target>,
    /// Whether scripts are compiled to machine code (`jit`); `None` is `tune.lua.tenant-jit`.
    pub jit: Option<bool>,
}

/// What becomes of an exchange whose script fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It ends with this status: the default.
    Deny {
        /// Of the answer, in mode http.
        status: u16,
    },
    /// It goes on, as HAProxy's does.
    Continue,
}

/// One word of `connect-allow` or `connect-deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whom.
    pub host: Host,
    /// The first and last port.
    pub ports: (u16, u16),
}

/// Whom a [`Target`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Every address that is not refused unless it is named.
    Any,
    /// An address or network.
    Net(IpNet),
    /// A name, as the script gives it; its addresses are checked after the host resolved it.
    Name(String),
    /// A UNIX socket.
    Unix(PathBuf),
}

impl Policy {
    /// Bytes a state may hold.
    pub const MEMORY_MAX: usize = 16 << 20;
    /// Processor time of one call.
    pub const CPU_MAX: Duration = Duration::from_millis(50);

    /// Returns a policy that grants nothing beyond running.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            place: String::new(),
            loads: Vec::new(),
            paths: Vec::new(),
            slice: None,
            cpu_max: Self::CPU_MAX,
            cpu_share: 50,
            memory_max: Self::MEMORY_MAX,
            nice: 0,
            connect_allow: Vec::new(),
            connect_deny: Vec::new(),
            connections_max: 100,
            tasks_max: 16,
            read_dir: None,
            read_max: 1 << 20,
            env: Vec::new(),
            on_error: OnError::Deny { status: 503 },
            loggers: Vec::new(),
            jit: None,
        }
    }
}

impl Target {
    /// Says whether an address and port are this target's; names are the caller's business.
    pub fn matches(&self, address: IpAddr, port: u16) -> bool {
        let (first, last) = self.ports;
        let host = match &self.host {
            Host::Any => true,
            Host::Net(net) => net.contains(&address),
            Host::Name(_) | Host::Unix(_) => false,
        };
        host && (first..=last).contains(&port)
    }
}
