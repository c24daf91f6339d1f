//! Rules and scripts beside the connections they look at: what they wait for comes into the
//! exchange's channels, and what they send goes out, while they run.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;

use crate::txn::Channel;
use crate::txn::Direction;
use crate::txn::Shared;
use crate::txn::Txn;

use super::end::End;
use super::local::Local;
use super::termination::Cause;
use super::termination::Error;
use super::termination::Phase;
use super::transfer::Transfer;

/// The connections of a TCP exchange and its channels.
#[derive(Debug)]
pub(super) struct Pump<'a> {
    local: &'a Local,
    txn: &'a Shared,
    client: &'a mut End,
    /// The server and what goes to it, once there is one.
    server: Option<(&'a mut End, &'a mut Transfer)>,
    /// Which rules look on.
    direction: Direction,
    /// What is sent to the client counts as the response.
    counted: bool,
    /// The client takes no more at present.
    blocked: bool,
}

impl<'a> Pump<'a> {
    /// Returns a pump between a client and what looks at its request.
    pub(super) fn request(local: &'a Local, txn: &'a Shared, client: &'a mut End) -> Self {
        Self {
            local,
            txn,
            client,
            server: None,
            direction: Direction::Request,
            counted: false,
            blocked: false,
        }
    }

    /// Returns a pump for what looks at the response; the request goes by.
    pub(super) fn response(
        local: &'a Local,
        txn: &'a Shared,
        client: &'a mut End,
        server: (&'a mut End, &'a mut Transfer),
    ) -> Self {
        let direction = Direction::Response;
        Self { local, txn, client, server: Some(server), direction, counted: false, blocked: false }
    }

    /// Counts what is sent to the client: nothing else answers it.
    pub(super) fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    /// Reads what is there already.
    pub(super) async fn prime(&mut self) -> Result<(), Error> {
        let primed = |cx: &mut Context<'_>| match self.poll(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(never)) => match never {},
            Poll::Pending => Poll::Ready(Ok(())),
        };
        poll_fn(primed).await
    }

    /// Runs to the end of `future`, unless a connection breaks or is silent for too long.
    pub(super) async fn run<F: Future>(&mut self, future: F) -> Result<F::Output, Error> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            self.poll(cx).map(|broken| broken.map(|never| match never {}))
        })
        .await
    }

    /// Writes what is left to go out to the client.
    pub(super) async fn drain(&mut self) -> Result<(), Error> {
        let txn = self.txn;
        self.run(poll_fn(|cx| {
            let mut txn = txn.borrow_mut();
            if txn.res.output().is_empty() || txn.res.is_closed() {
                return Poll::Ready(());
            }
            txn.res.register(cx);
            Poll::Pending
        }))
        .await?;
        let flushed = poll_fn(|cx| {
            let flushed = self.client.poll_sent(cx);
            if flushed.is_ready() {
                return flushed;
            }
            self.client.poll_expired(cx).map(|()| Err(std::io::ErrorKind::TimedOut.into()))
        });
        flushed.await.map_err(|_| Error::client(Phase::Data, Cause::Closed))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Never, Error>> {
        let mut scratch = self.local.scratch.borrow_mut();
        self.poll_drain(cx)?;
        match &mut self.server {
            None => {
                let filled = poll_fill(cx, self.client, self.txn, self.direction, &mut scratch);
                filled.map_err(|()| Error::client(Phase::Data, Cause::Closed))?;
            }
            Some((server, up)) => {
                if !up.is_over()
                    && let Poll::Ready(done) = up.poll(cx, self.client, server, &mut scratch)
                {
                    done.map_err(|fault| super::relay::data_error(fault, true))?;
                    let _unused = server.shutdown_write();
                }
                let filled = poll_fill(cx, server, self.txn, self.direction, &mut scratch);
                filled.map_err(|()| Error::server(Phase::Data, Cause::Closed))?;
            }
        }
        let mut txn = self.txn.borrow_mut();
        txn.req.register(cx);
        txn.res.register(cx);
        self.poll_timeouts(cx, &txn)
    }

    /// Only those are timed of whom something is expected.
    fn poll_timeouts(&self, cx: &mut Context<'_>, txn: &Txn) -> Poll<Result<Never, Error>> {
        let blocked = !txn.res.output().is_empty();
        let reading = match &self.server {
            None => !txn.req.is_eof() && txn.req.room() > 0,
            Some((_, up)) => up.wants_input(),
        };
        if (blocked || reading) && self.client.poll_expired(cx).is_ready() {
            return Poll::Ready(Err(Error::client(Phase::Data, Cause::Timeout)));
        }
        if let Some((server, up)) = &self.server {
            let reading = !txn.res.is_eof() && txn.res.room() > 0;
            if (reading || up.has_output()) && server.poll_expired(cx).is_ready() {
                return Poll::Ready(Err(Error::server(Phase::Data, Cause::Timeout)));
            }
        }
        Poll::Pending
    }

    /// Writes what rules and scripts have sent to the client.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            let mut txn = self.txn.borrow_mut();
            if txn.res.output().is_empty() {
                // What is broken the next read or write finds out.
                let _unused = self.client.poll_sent(cx);
                return Ok(());
            }
            match self.client.poll_write(cx, txn.res.output()) {
                Poll::Pending => {
                    if !std::mem::replace(&mut self.blocked, true) {
                        self.client.touch();
                    }
                    return Ok(());
                }
                Poll::Ready(Ok(count)) => {
                    self.blocked = false;
                    txn.res.drain_output(count);
                    if self.counted {
                        txn.bytes[1] = txn.bytes[1].saturating_add(count as u64);
                    }
                }
                Poll::Ready(Err(_)) => {
                    txn.res.close();
                    return Err(Error::client(Phase::Data, Cause::Closed));
                }
            }
        }
    }
}

/// A pump does not end by itself.
pub(super) enum Never {}

/// Reads into a channel as long as there is something and room for it.
fn poll_fill(
    cx: &mut Context<'_>,
    from: &mut End,
    txn: &Shared,
    direction: Direction,
    scratch: &mut [u8],
) -> Result<(), ()> {
    loop {
        let mut txn = txn.borrow_mut();
        let room = match txn.channel(direction) {
            channel if channel.is_eof() || channel.room() == 0 => return Ok(()),
            channel => channel.room(),
        };
        let count = if from.buf.is_empty() {
            let Some(room) = scratch.get_mut(..room.min(scratch.len())) else { return Ok(()) };
            match from.poll_read(cx, room) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(count)) => {
                    let data = room.get(..count).unwrap_or_default();
                    txn.channel_mut(direction).push_input(data);
                    count
                }
                Poll::Ready(Err(_)) => {
                    txn.channel_mut(direction).end_input();
                    return Err(());
                }
            }
        } else {
            let data = from.buf.split_to(room.min(from.buf.len()));
            txn.channel_mut(direction).push_input(&data);
            data.len()
        };
        if count == 0 {
            txn.channel_mut(direction).end_input();
        }
        // HAProxy counts what comes in, whatever becomes of it.
        let bytes = &mut txn.bytes[direction as usize];
        *bytes = bytes.saturating_add(count as u64);
    }
}

/// Waits until the input of a channel has changed, or for ever.
pub(super) async fn changed(txn: &Shared, direction: Direction) {
    let mark = |channel: &Channel| (channel.input().len(), channel.is_eof());
    let before = mark(txn.borrow().channel(direction));
    poll_fn(|cx| {
        let mut txn = txn.borrow_mut();
        let channel = txn.channel_mut(direction);
        if mark(channel) != before {
            return Poll::Ready(());
        }
        channel.register(cx);
        Poll::Pending
    })
    .await;
}
