//! The seam to Lua: what the proxy may ask of a script host. Knows no Lua.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::net::tls::Connector;
use crate::proxy;
use crate::txn;
use crate::value::Value;

mod hint;
pub mod policy;

pub use hint::hint;

use policy::Policy;

/// Index of a function that a script registered, in the table of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub u32);

/// A registered action (`core.register_action`).
#[derive(Clone, Debug)]
pub struct Action {
    /// Which.
    pub id: Id,
    /// The rule sets it may stand in: `tcp-req`, `tcp-res`, `http-req`, `http-res`, `http-after-res`.
    pub environments: Vec<&'static str>,
    /// How many words of the rule it takes.
    pub arguments: usize,
}

/// A registered service (`core.register_service`).
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Which.
    pub id: Id,
    /// Takes HTTP requests; otherwise it takes a TCP stream.
    pub http: bool,
}

/// Why a global function cannot be called by name (`http-request lua NAME`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionError {
    /// There is no such global.
    NotFound,
    /// The global is something else.
    NotAFunction,
}

/// What scripts have registered: asked while a configuration is compiled.
///
/// An id stays valid in every worker: each state gives the same function the same id.
pub trait Registry {
    /// Finds the fetch `lua.NAME`.
    fn find_fetch(&self, name: &str) -> Option<Id>;
    /// Finds the converter `lua.NAME`.
    fn find_converter(&self, name: &str) -> Option<Id>;
    /// Finds the action `lua.NAME`.
    fn find_action(&self, name: &str) -> Option<Action>;
    /// Finds the service `lua.NAME`.
    fn find_service(&self, name: &str) -> Option<Service>;
    /// Makes a global function callable as an action, as the configuration of 2015 does.
    fn global_function(&self, name: &str) -> Result<Id, FunctionError>;
    /// Tells whether a function of this kind lives in the state that only one worker has
    /// (`lua-load`), so that what calls it must run there.
    fn is_shared(&self, kind: Kind, id: Id) -> bool;
    /// Returns the names of all functions of a kind, for messages about one that is not there.
    fn names(&self, _: Kind) -> Vec<String> {
        Vec::new()
    }
}

/// The script host while a configuration is compiled: it loads files and gives what they register.
pub trait Loader: Registry {
    /// Runs a file's body (`lua-load`, `lua-load-per-thread`) with its arguments.
    fn load(&self, load: &Load) -> Result<(), LoadError>;
    /// Makes a tenant known and runs the bodies of its files once, for what they register: it is
    /// found as `TENANT:NAME` from then on.
    fn load_tenant(&self, policy: Arc<Policy>) -> Result<(), LoadError>;
    /// The words that `lua-modules` takes: libraries that need no file.
    fn libraries(&self) -> Vec<&'static str> {
        Vec::new()
    }
    /// `lua-prepend-path PATH [path|cpath]`.
    fn prepend_path(&self, path: &str, native: bool);
    /// `tune.lua.*`.
    fn set(&self, setting: Setting);
    /// Shows scripts the proxies, once the configuration is complete.
    fn set_proxies(&self, _: Arc<proxy::Set>) {}
    /// Runs the functions given to `core.register_init`, in order.
    fn run_init(&self) -> Result<(), LoadError>;
}

/// One `lua-load` or `lua-load-per-thread` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The file as the configuration names it.
    pub file: String,
    /// What the chunk gets as `...`.
    pub arguments: Vec<String>,
    /// One state per worker, not one for all.
    pub per_thread: bool,
    /// How the file is read.
    pub dialect: Dialect,
}

/// Why a file could not be loaded, in HAProxy's words, and the traceback below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Such as `error in Lua file 'x.lua': x.lua:1: syntax error near 'y'`.
    pub message: String,
    /// A line for each level of the stack.
    pub traceback: Vec<String>,
}

/// A `tune.lua.*` setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `tune.lua.maxmem`, in bytes; 0 is no limit.
    MaxMemory(usize),
    /// `tune.lua.slice`, or what `tune.lua.forced-yield` stands for: the longest run before a
    /// forced yield.
    Slice(std::time::Duration),
    /// `tune.lua.tenant-jit`: whether scripts of tenants are compiled to machine code.
    TenantJit(bool),
    /// `tune.lua.idle-states`: how many states of tenants a worker keeps while they are idle.
    IdleStates(usize),
    /// `tune.lua.spare-states`: how many states a worker prepares ahead for cold tenants.
    SpareStates(usize),
    /// `tune.lua.load-timeout`: CPU time of a body or init function.
    LoadTimeout(Option<std::time::Duration>),
    /// `tune.lua.session-timeout`: CPU time of the calls of a stream.
    SessionTimeout(Option<std::time::Duration>),
    /// `tune.lua.service-timeout`: CPU time of a service.
    ServiceTimeout(Option<std::time::Duration>),
    /// `tune.lua.task-timeout`: CPU time of a task.
    TaskTimeout(Option<std::time::Duration>),
    /// `tune.lua.burst-timeout`: CPU time between two waits.
    BurstTimeout(Option<std::time::Duration>),
    /// `tune.lua.log.loggers`: messages go to the loggers of the context.
    LogLoggers(bool),
    /// `tune.lua.log.stderr`: messages go to stderr; `None` is `auto`.
    LogStderr(Option<bool>),
    /// `tune.lua.openlibs`: the libraries scripts get; `None` is all.
    OpenLibs(Option<Vec<String>>),
    /// `tune.lua.nil-sample-conversion false`: a nil that a fetch or converter returns is false, as
    /// in HAProxy; otherwise it is no sample.
    NilIsFalse(bool),
    /// `httpclient.timeout.connect`: of the requests of scripts.
    ClientConnect(std::time::Duration),
    /// `httpclient.retries`: of the requests of scripts.
    ClientRetries(u32),
    /// `httpclient.ssl.ca-file`: what the requests of scripts verify servers with.
    ClientTls(Connector),
    /// `httpclient.ssl.verify`: requests verify the server where scripts do not say.
    ClientVerify(bool),
    /// `tune.lua.runtime-dns`: sockets of the operator's own scripts may connect to names.
    RuntimeDns(bool),
    /// `tune.lua.ssl-verify`: scripts' TLS connections verify the server where they do not say.
    SslVerify(bool),
    /// `tune.lua.socket-compat haproxy`: sockets return what HAProxy's do.
    SocketCompat(bool),
    /// `tune.lua.bool-sample-conversion normal`: boolean samples reach Lua as booleans.
    BoolSamples(bool),
}

/// The tables of registered functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sample fetches.
    Fetch,
    /// Converters.
    Converter,
    /// Actions, by `core.register_action` and by global name.
    Action,
    /// Services.
    Service,
}

/// One call of a script.
#[derive(Debug)]
pub enum Call<'a> {
    /// A sample fetch: gives a value.
    Fetch { id: Id, txn: &'a txn::Shared, direction: txn::Direction, arguments: &'a [Bytes] },
    /// A converter: gives a value.
    Converter { id: Id, input: Value, arguments: &'a [Bytes] },
    /// An action: gives a verdict. It may wait.
    Action { id: Id, txn: &'a txn::Shared, direction: txn::Direction, arguments: &'a [Bytes] },
    /// A service that answers an HTTP request: reads the body from `txn.req`, puts its head in
    /// `txn.response` and its body in the output of `txn.res`, and ends the input of `txn.res`
    /// (`end_input`) when it is done. It may wait.
    HttpService { id: Id, txn: &'a txn::Shared },
    /// A service that talks to a TCP client: reads `txn.req`, writes `txn.res`. It may wait.
    TcpService { id: Id, txn: &'a txn::Shared },
    /// A command of the runtime API, which talks as a service does; its words. It may wait.
    Command { id: Id, txn: &'a txn::Shared, arguments: &'a [Bytes] },
}

/// How a call of a script ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A fetch or converter gave this.
    Value(Option<Value>),
    /// An action gave this.
    Verdict(Verdict),
    /// A service is done.
    Served,
    /// It failed; the host has logged why. HAProxy's outcome follows: an action continues, a fetch
    /// gives no sample, a service answers 500.
    Failed,
    /// It failed, and its tenant's exchanges then end with this status (`on-error deny`), whatever
    /// called the script.
    Refused(u16),
}

/// What a scripted action asks for: the `act.*` names of the Lua API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `act.CONTINUE`: the next rule.
    Continue,
    /// `act.STOP`: no more rules of this set.
    Stop,
    /// `act.YIELD`: call it again, after this many milliseconds or when something has changed.
    Yield(Option<u32>),
    /// `act.ERROR`: an internal error.
    Error,
    /// `act.DONE`: the exchange is over; the answer, if any, is in `txn.reply`.
    Done,
    /// `act.DENY`: refused by rule.
    Deny,
    /// `act.ABORT`: end without an answer.
    Abort,
    /// `act.INVALID`: the message is invalid.
    Invalid,
}

/// What starting a call gives.
#[derive(Debug)]
pub enum Step {
    /// It has ended.
    Ended(Outcome),
    /// It waits, or was made to give way: poll it.
    Suspended(Suspended),
}

/// A call that has not ended, by its number in the host. Dropping it ends the call.
#[derive(Debug)]
pub struct Suspended {
    host: Rc<dyn Scripts>,
    number: usize,
}

/// The script host of a worker.
pub trait Scripts: std::fmt::Debug {
    /// Finds the command that some words begin with (`core.register_cli`).
    fn find_command(&self, _: &[&str]) -> Option<Id> {
        None
    }
    /// Returns all commands: their words, and how they are used.
    fn commands(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// Starts a call.
    fn start(self: Rc<Self>, call: Call<'_>) -> Step;
    /// Goes on with a suspended call.
    fn poll(&self, number: usize, cx: &mut Context<'_>) -> Poll<Outcome>;
    /// Ends a suspended call for good and closes what it had opened.
    fn cancel(&self, number: usize);
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Fetch, Self::Converter, Self::Action, Self::Service];

    /// Returns what messages call one.
    const fn noun(self) -> &'static str {
        match self {
            Self::Fetch => "a fetch",
            Self::Converter => "a converter",
            Self::Action => "an action",
            Self::Service => "a service",
        }
    }
}

impl Suspended {
    /// Returns the suspended call with this number.
    pub fn new(host: Rc<dyn Scripts>, number: usize) -> Self {
        Self { host, number }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.host.cancel(self.number);
    }
}

/// Calls a script and waits for its end. A call that does not suspend allocates nothing here.
pub async fn call(host: &Rc<dyn Scripts>, call: Call<'_>) -> Outcome {
    match Rc::clone(host).start(call) {
        Step::Ended(outcome) => outcome,
        Step::Suspended(suspended) => poll_fn(|cx| suspended.host.poll(suspended.number, cx)).await,
    }
}

/// A host without scripts.
#[derive(Debug)]
pub struct NoScripts;

impl Scripts for NoScripts {
    fn start(self: Rc<Self>, _: Call<'_>) -> Step {
        Step::Ended(Outcome::Failed)
    }

    fn poll(&self, _: usize, _: &mut Context<'_>) -> Poll<Outcome> {
        Poll::Ready(Outcome::Failed)
    }

    fn cancel(&self, _: usize) {}
}

impl Registry for NoScripts {
    fn find_fetch(&self, _: &str) -> Option<Id> {
        None
    }

    fn find_converter(&self, _: &str) -> Option<Id> {
        None
    }

    fn find_action(&self, _: &str) -> Option<Action> {
        None
    }

    fn find_service(&self, _: &str) -> Option<Service> {
        None
    }

    fn global_function(&self, _: &str) -> Result<Id, FunctionError> {
        Err(FunctionError::NotFound)
    }

    fn is_shared(&self, _: Kind, _: Id) -> bool {
        false
    }
}

impl Loader for NoScripts {
    fn load(&self, load: &Load) -> Result<(), LoadError> {
        let message = format!("error in Lua file '{}': no script host", load.file);
        Err(LoadError { message, traceback: Vec::new() })
    }

    fn load_tenant(&self, policy: Arc<Policy>) -> Result<(), LoadError> {
        let message = format!("tenant '{}': no script host", policy.name);
        Err(LoadError { message, traceback: Vec::new() })
    }

    fn prepend_path(&self, _: &str, _: bool) {}

    fn set(&self, _: Setting) {}

    fn run_init(&self) -> Result<(), LoadError> {
        Ok(())
    }
}
