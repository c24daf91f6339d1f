//! Connections to servers that carry many requests at a time, of one worker.

use std::cell::Cell;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use h2::client;
use h2::client::SendRequest;
use hashbrown::HashMap;

use crate::clock;
use crate::net;
use crate::net::Addr;
use crate::proxy::Id;
use crate::proxy::Server;
use crate::proxy::pool::PURGE_DELAY;
use crate::proxy::pool::Way;
use crate::task;

use super::super::local::Local;
use super::io::Io;
use super::wire::Wire;

/// Connections to servers, by proxy and server.
#[derive(Debug, Default)]
pub(in crate::stream) struct Trunks {
    servers: RefCell<HashMap<(Id, u32), Vec<Trunk>>>,
}

/// A connection that carries many requests.
#[derive(Clone, Debug)]
pub(in crate::stream) struct Trunk {
    request: SendRequest<Bytes>,
    state: Rc<State>,
    /// This end's address.
    pub(in crate::stream) local_addr: Addr,
    /// What was said on it.
    pub(in crate::stream) way: Way,
    /// What TLS has agreed on.
    pub(in crate::stream) tls: Option<Rc<net::tls::Info>>,
}

#[derive(Debug)]
struct State {
    scheme: &'static str,
    /// How many requests are under way.
    active: Cell<usize>,
    /// How many may be, as far as we are concerned.
    most: usize,
    /// It has answered a request.
    proven: Cell<bool>,
    alive: Cell<bool>,
    idle_since: Cell<Instant>,
}

/// The place of a request on a connection.
#[derive(Debug)]
pub(super) struct Seat(Rc<State>);

impl Seat {
    fn take(state: &Rc<State>) -> Rc<Self> {
        state.active.set(state.active.get().saturating_add(1));
        Rc::new(Self(Rc::clone(state)))
    }

    /// Returns the scheme of what goes over the connection.
    pub(super) fn scheme(&self) -> &'static str {
        self.0.scheme
    }

    /// Notes that the server has answered.
    pub(super) fn prove(&self) {
        self.0.proven.set(true);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get().saturating_sub(1));
        self.0.idle_since.set(clock::cached());
    }
}

impl Trunk {
    /// Begins to speak HTTP/2 on a connection.
    pub(in crate::stream) async fn open(
        stream: net::Stream,
        way: Way,
        local: &Local,
    ) -> io::Result<Self> {
        let settings = &local.program.global.http2;
        let local_addr = stream.local_addr().unwrap_or(Addr::Unnamed);
        let tls = stream.tls().cloned();
        let mut builder = client::Builder::new();
        builder
            .initial_window_size(settings.be.initial_window)
            .initial_connection_window_size(settings.be.buffer)
            .max_concurrent_streams(0)
            .initial_max_send_streams(settings.be.concurrent())
            .header_table_size(settings.header_table)
            .max_frame_size(settings.max_frame)
            .max_header_list_size(super::head_size(local))
            .max_send_buffer_size(super::SEND_BUFFER)
            .enable_push(false);
        let handshake = builder.handshake(Io::new(stream, BytesMut::new()));
        let (request, connection) = handshake.await.map_err(|error| {
            error.into_io().unwrap_or_else(|| io::ErrorKind::InvalidData.into())
        })?;
        let state = Rc::new(State {
            scheme: if tls.is_some() { "https" } else { "http" },
            active: Cell::new(0),
            most: settings.be.concurrent(),
            proven: Cell::new(false),
            alive: Cell::new(true),
            idle_since: Cell::new(clock::cached()),
        });
        let driven = Rc::clone(&state);
        task::spawn(async move {
            // How it ends its requests learn for themselves.
            let _ended = connection.await;
            driven.alive.set(false);
        })
        .detach();
        Ok(Self { request, state, local_addr, way, tls })
    }

    /// Returns one more stream.
    pub(in crate::stream) fn stream(&self) -> Wire {
        Wire::to_server(self.request.clone(), Seat::take(&self.state))
    }

    fn has_room(&self) -> bool {
        let most = self.state.most.min(self.request.current_max_send_streams());
        self.state.alive.get() && self.state.active.get() < most
    }
}

impl Trunks {
    /// Finds a connection that takes one more request; an idle one only where `idle` will do.
    pub(in crate::stream) fn find(
        &self,
        proxy: Id,
        server: &Server,
        way: &Way,
        idle: bool,
    ) -> Option<Trunk> {
        let mut servers = self.servers.borrow_mut();
        let list = servers.get_mut(&(proxy, server.puid))?;
        list.retain(|trunk| trunk.state.alive.get());
        let good = |trunk: &&Trunk| {
            let active = trunk.state.active.get();
            trunk.way == *way
                && trunk.state.proven.get()
                && (idle || active > 0)
                && trunk.has_room()
        };
        list.iter().find(good).cloned()
    }

    /// Keeps a connection for others.
    pub(in crate::stream) fn put(&self, proxy: Id, server: &Server, trunk: Trunk) {
        self.servers.borrow_mut().entry((proxy, server.puid)).or_default().push(trunk);
    }

    /// Closes what is dead, or has been idle for too long.
    pub(in crate::stream) fn purge(&self, now: Instant) {
        let fresh = |trunk: &Trunk| {
            let idle = now.saturating_duration_since(trunk.state.idle_since.get());
            trunk.state.alive.get() && (trunk.state.active.get() > 0 || idle < PURGE_DELAY)
        };
        self.servers.borrow_mut().retain(|_, list| {
            list.retain(fresh);
            !list.is_empty()
        });
    }

    /// Closes each once its requests are done.
    pub(in crate::stream) fn clear(&self) {
        self.servers.borrow_mut().clear();
    }

    /// Tells whether there is none.
    pub(in crate::stream) fn is_empty(&self) -> bool {
        self.servers.borrow().is_empty()
    }
}
