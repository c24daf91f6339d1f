//! What the streams of one worker share.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use event_listener::Event;
use event_listener::EventListener;

use crate::clock;
use crate::http;
use crate::net::timer;
use crate::net::tls::Acceptor;
use crate::program::Program;
use crate::program::Section;
use crate::proxy;
use crate::proxy::Pool;
use crate::proxy::pool::Kept;
use crate::proxy::pool::PURGE_DELAY;
use crate::script::Scripts;
use crate::task;

use super::http2::Trunk;
use super::http2::Trunks;

/// The least size of the buffer that bytes pass through.
const PASSAGE: usize = 64 * 1024;

/// What the streams of one worker share.
#[derive(Debug)]
pub struct Local {
    /// Index of the worker.
    pub worker: usize,
    /// The configuration.
    pub program: Arc<Program>,
    /// The script host.
    pub scripts: Rc<dyn Scripts>,
    /// Idle connections to servers.
    pub(super) pool: Pool,
    /// Connections to servers that speak HTTP/2.
    pub(super) trunks: Trunks,
    /// What every read goes into: used within one poll, never kept.
    pub(super) scratch: RefCell<Vec<u8>>,
    /// How large a message's head may be.
    pub(super) limits: http::Limits,
    streams: Cell<u64>,
    sessions: Cell<u64>,
    purging: Cell<bool>,
    stopping: Cell<bool>,
    stop: Event,
}

/// Where a connection has come in.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The frontend.
    pub frontend: proxy::Id,
    /// The `bind` line: its number and its name.
    pub listener: (u32, Arc<str>),
    /// `proto h2`: HTTP/2 from the first byte.
    pub http2: bool,
    /// `accept-proxy`
    pub accept_proxy: bool,
    /// `nice`
    pub nice: i32,
    /// How TLS is accepted, where it is.
    pub tls: Option<Arc<Acceptor>>,
}

impl Local {
    /// Returns what the streams of this worker share.
    pub fn new(worker: usize, program: Arc<Program>, scripts: Rc<dyn Scripts>) -> Rc<Self> {
        let global = &program.global;
        let limits = http::Limits::new(global.bufsize, global.maxrewrite, global.maxhdr);
        let scratch = RefCell::new(vec![0; global.bufsize.max(PASSAGE)]);
        Rc::new(Self {
            worker,
            program,
            scripts,
            pool: Pool::default(),
            trunks: Trunks::default(),
            scratch,
            limits,
            streams: Cell::new(0),
            sessions: Cell::new(0),
            purging: Cell::new(false),
            stopping: Cell::new(false),
            stop: Event::new(),
        })
    }

    /// Lets idle clients go, and closes each connection after its exchange: a soft stop.
    pub fn stop(&self) {
        self.stopping.set(true);
        self.pool.clear();
        self.trunks.clear();
        self.stop.notify(usize::MAX);
    }

    /// Tells whether a soft stop is under way.
    pub fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Returns what is ready when a soft stop begins.
    pub(super) fn stop_listener(&self) -> EventListener {
        self.stop.listen()
    }

    /// Returns a section of the configuration.
    pub(super) fn section(&self, id: proxy::Id) -> Option<&Section> {
        self.program.section(id)
    }

    /// Returns the number of a new stream, unique in the process.
    pub(super) fn next_stream(&self) -> u64 {
        self.number(&self.streams)
    }

    /// Returns the number of a new session, unique in the process.
    pub(super) fn next_session(&self) -> u64 {
        self.number(&self.sessions)
    }

    /// Each worker has every n-th number.
    fn number(&self, counter: &Cell<u64>) -> u64 {
        let turn = counter.get();
        counter.set(turn.wrapping_add(1));
        turn.wrapping_mul(self.program.global.nbthread.max(1) as u64)
            .wrapping_add(self.worker as u64)
    }

    /// Keeps an idle connection to a server, for a while.
    pub(super) fn keep(
        self: &Rc<Self>,
        session: u64,
        proxy: proxy::Id,
        server: &proxy::Server,
        kept: Kept,
    ) {
        if self.stopping.get() {
            return;
        }
        self.pool.put(session, proxy, server, kept, clock::cached());
        self.purge_later();
    }

    /// Keeps a connection to a server for the requests of all.
    pub(super) fn share(self: &Rc<Self>, proxy: proxy::Id, server: &proxy::Server, trunk: Trunk) {
        if self.stopping.get() {
            return;
        }
        self.trunks.put(proxy, server, trunk);
        self.purge_later();
    }

    fn purge_later(self: &Rc<Self>) {
        if !self.purging.replace(true) {
            task::spawn(purge(Rc::clone(self))).detach();
        }
    }
}

/// Closes connections that were idle for too long, until there are none.
async fn purge(local: Rc<Local>) {
    while !(local.pool.is_empty() && local.trunks.is_empty()) {
        timer::sleep(PURGE_DELAY).await;
        local.pool.purge(clock::cached());
        local.trunks.purge(clock::cached());
    }
    local.purging.set(false);
}
