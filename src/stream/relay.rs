//! Both directions of a connection whose bytes nobody looks at any more.

use std::future::poll_fn;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use crate::proxy::Timeouts;

use super::end::End;
use super::local::Local;
use super::termination::Cause;
use super::termination::Error;
use super::termination::Phase;
use super::transfer::Fault;
use super::transfer::Transfer;

/// A connection from a client to a server.
#[derive(Debug)]
pub(super) struct Relay<'a> {
    pub(super) client: &'a mut End,
    pub(super) server: &'a mut End,
    pub(super) up: Transfer,
    pub(super) down: Transfer,
    client_fin: Option<Duration>,
    server_fin: Option<Duration>,
}

impl<'a> Relay<'a> {
    /// Returns a relay; `timeout tunnel` takes the place of both sides' timeouts.
    pub(super) fn new(
        client: &'a mut End,
        server: &'a mut End,
        frontend: &Timeouts,
        backend: &Timeouts,
    ) -> Self {
        if let Some(tunnel) = backend.tunnel {
            client.set_timeout(Some(tunnel));
            server.set_timeout(Some(tunnel));
        }
        Self {
            client,
            server,
            up: Transfer::tunnel(bytes::BytesMut::new()),
            down: Transfer::tunnel(bytes::BytesMut::new()),
            client_fin: frontend.client_fin,
            server_fin: backend.server_fin,
        }
    }

    /// Passes bytes on until both sides have closed.
    pub(super) async fn run(&mut self, local: &Local) -> Result<(), Error> {
        poll_fn(|cx| {
            let mut scratch = local.scratch.borrow_mut();
            self.poll(cx, &mut scratch)
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Result<(), Error>> {
        if !self.up.is_over()
            && let Poll::Ready(done) = self.up.poll(cx, self.client, self.server, scratch)
        {
            done.map_err(|fault| data_error(fault, true))?;
            // Where that fails the other direction finds out.
            let _unused = self.server.shutdown_write();
            if self.server_fin.is_some() {
                self.server.set_timeout(self.server_fin);
            }
        }
        if !self.down.is_over()
            && let Poll::Ready(done) = self.down.poll(cx, self.server, self.client, scratch)
        {
            done.map_err(|fault| data_error(fault, false))?;
            let _unused = self.client.shutdown_write();
            if self.client_fin.is_some() {
                self.client.set_timeout(self.client_fin);
            }
        }
        if self.up.is_over() && self.down.is_over() {
            return Poll::Ready(Ok(()));
        }
        self.poll_timeouts(cx)
    }

    /// A side is timed only while something is expected from it.
    fn poll_timeouts(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let client = self.up.wants_input() || self.down.has_output();
        if client && self.client.poll_expired(cx).is_ready() {
            return Poll::Ready(Err(Error::client(Phase::Data, Cause::Timeout)));
        }
        let server = self.down.wants_input() || self.up.has_output();
        if server && self.server.poll_expired(cx).is_ready() {
            return Poll::Ready(Err(Error::server(Phase::Data, Cause::Timeout)));
        }
        Poll::Pending
    }
}

/// Returns whose fault it is that a direction has stopped; `up` is the one from the client.
pub(super) fn data_error(fault: Fault, up: bool) -> Error {
    let from_client = match fault {
        Fault::Read => up,
        Fault::Write => !up,
        Fault::Invalid if up => return Error::proxy(Phase::Data, Cause::Invalid),
        Fault::Invalid => return Error::server(Phase::Data, Cause::Invalid),
    };
    if from_client {
        Error::client(Phase::Data, Cause::Closed)
    } else {
        Error::server(Phase::Data, Cause::Closed)
    }
}
