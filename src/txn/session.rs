//! One client's connection.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::net::Addr;
use crate::net::proxy_protocol::Header;
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
}
