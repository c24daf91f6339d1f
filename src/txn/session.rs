//! One client's connection.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::clock;
use crate::net::Addr;
use crate::net::proxy_protocol;
use crate::net::proxy_protocol::Header;
use crate::net::tls;
use crate::proxy;

use super::Vars;

/// One client's connection, for as long as it lasts.
#[derive(Debug)]
pub struct Session {
    /// Number of this connection in the process.
    pub id: u64,
    /// Index of the worker that accepted it.
    pub worker: usize,
    /// The frontend that accepted it.
    pub frontend: Arc<proxy::Proxy>,
    /// All proxies of the program, for fetches that name one.
    pub proxies: Arc<proxy::Set>,
    /// The `bind` line it came in by: its number from 1, and its `name` or address.
    pub listener: (u32, Arc<str>),
    /// Where the client is; `set-src` may change what is seen here.
    pub src: RefCell<Addr>,
    /// Where the client connected to.
    pub dst: RefCell<Addr>,
    /// `tcp-request connection expect-proxy`: a PROXY header comes before anything else.
    pub expect_proxy: Cell<bool>,
    /// What its PROXY header has said.
    pub proxy_header: OnceCell<Box<Header>>,
    /// When it was accepted.
    pub accepted: Instant,
    /// When it was accepted, as a date: time since 1970.
    pub accept_date: Duration,
    /// Variables of scope `sess`.
    pub vars: RefCell<Vars>,
    /// Requests seen so far.
    pub requests: Cell<u32>,
    /// What the TLS handshake has agreed on, once it has.
    pub tls: OnceCell<Rc<tls::Info>>,
    /// Why the connection never became an exchange.
    pub failure: OnceCell<Failure>,
}

/// Why a connection never became an exchange.
#[derive(Clone, Debug)]
pub struct Failure {
    /// HAProxy's number (`fc_err`).
    pub code: u32,
    /// HAProxy's words (`fc_err_str`).
    pub text: String,
    /// The client has gone before it said anything.
    pub is_silent: bool,
}

impl Failure {
    /// Returns the failure of a handshake that takes too long.
    pub fn slow_handshake() -> Self {
        Self { code: 25, text: "Timeout during SSL handshake".to_owned(), is_silent: false }
    }
}

impl From<&tls::Error> for Failure {
    fn from(error: &tls::Error) -> Self {
        Self { code: error.code(), text: error.to_string(), is_silent: error.is_silent() }
    }
}

impl From<&proxy_protocol::Error> for Failure {
    fn from(error: &proxy_protocol::Error) -> Self {
        use proxy_protocol::Error as Wrong;
        let code = match error {
            Wrong::Closed => 10,
            Wrong::Timeout => 12,
            Wrong::Truncated => 13,
            Wrong::NotHeader => 14,
            Wrong::Invalid => 15,
            Wrong::Protocol => 16,
        };
        Self { code, text: error.to_string(), is_silent: *error == Wrong::Closed }
    }
}

impl Session {
    /// Returns a session of nobody: what it has of a client is unknown.
    pub fn blank(frontend: Arc<proxy::Proxy>, proxies: Arc<proxy::Set>) -> Self {
        Self {
            id: 1,
            worker: 0,
            frontend,
            proxies,
            listener: (1, "".into()),
            src: RefCell::new(Addr::Unnamed),
            dst: RefCell::new(Addr::Unnamed),
            expect_proxy: Cell::default(),
            proxy_header: OnceCell::new(),
            accepted: clock::cached(),
            accept_date: clock::cached_date(),
            vars: RefCell::default(),
            requests: Cell::new(1),
            tls: OnceCell::new(),
            failure: OnceCell::new(),
        }
    }
}
