//! One side of a stream: its connection, what was read and not yet used, and its timeout.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Buf as _;
use bytes::BytesMut;

use crate::http::Headers;
use crate::net;
use crate::net::timer::Deadline;

use super::http2::Wire;
use super::local::Local;

/// How much is read ahead of its use.
const AHEAD: usize = 16 * 1024;

/// One side of a stream.
pub(super) struct End {
    carrier: Carrier,
    /// What was read and not yet used. An idle connection holds no memory here.
    pub(super) buf: BytesMut,
    /// The peer has closed its side.
    eof: bool,
    deadline: Deadline,
    timeout: Option<Duration>,
}

/// What carries a side of a stream.
#[derive(Debug)]
enum Carrier {
    /// A connection, one stream after the other.
    Socket(net::Stream),
    /// A stream among others of a connection.
    Wire(Box<Wire>),
}

/// The peer has gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

impl End {
    /// Returns a connection that may be silent for so long.
    pub(super) fn new(stream: net::Stream, timeout: Option<Duration>) -> Self {
        Self::with(Carrier::Socket(stream), timeout)
    }

    /// Returns a stream of HTTP/2 that may be silent for so long.
    pub(super) fn of_stream(wire: Wire, timeout: Option<Duration>) -> Self {
        Self::with(Carrier::Wire(Box::new(wire)), timeout)
    }

    fn with(carrier: Carrier, timeout: Option<Duration>) -> Self {
        let (buf, deadline) = (BytesMut::new(), Deadline::new());
        let mut end = Self { carrier, buf, eof: false, deadline, timeout };
        end.set_timeout(timeout);
        end
    }

    /// Returns the connection alone and what was read of it; a stream of HTTP/2 has none.
    pub(super) fn into_parts(self) -> Option<(net::Stream, BytesMut)> {
        match self.carrier {
            Carrier::Socket(stream) => Some((stream, self.buf)),
            Carrier::Wire(_) => None,
        }
    }

    /// Returns the stream of HTTP/2 that this is.
    pub(super) fn wire_mut(&mut self) -> Option<&mut Wire> {
        match &mut self.carrier {
            Carrier::Socket(_) => None,
            Carrier::Wire(wire) => Some(wire),
        }
    }

    /// Tells whether this is a stream of HTTP/2, where messages end by themselves.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.carrier, Carrier::Wire(_))
    }

    /// Tells the peer that nothing more comes; where that fails it has gone.
    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        match &mut self.carrier {
            Carrier::Socket(stream) => stream.shutdown_write(),
            Carrier::Wire(wire) => wire.close(),
        }
    }

    /// Drops what has come already.
    pub(super) fn discard(&self, scratch: &mut [u8]) {
        let Carrier::Socket(stream) = &self.carrier else { return };
        let mut turns = 0..16;
        while turns.next().is_some() && stream.try_read(scratch).is_ok_and(|count| count > 0) {}
    }

    /// Tells whether the peer has closed its side. What it sent before may still be in `buf`.
    pub(super) fn is_eof(&self) -> bool {
        self.eof
    }

    /// Sets how long this side may be silent, beginning now.
    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
        match timeout {
            Some(timeout) => self.deadline.set_after(timeout),
            None => self.deadline.clear(),
        }
    }

    /// Notes that something happened on this side.
    pub(super) fn touch(&self) {
        if let Some(timeout) = self.timeout {
            self.deadline.set_after(timeout);
        }
    }

    /// Is ready when this side has been silent for too long.
    pub(super) fn poll_expired(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.deadline.poll_expired(cx)
    }

    /// Reads into a buffer; 0 is the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = match &mut self.carrier {
            Carrier::Socket(stream) => ready!(stream.poll_read(cx, buffer))?,
            Carrier::Wire(wire) => ready!(wire.poll_read(cx, buffer))?,
        };
        self.touch();
        self.eof |= count == 0;
        Poll::Ready(Ok(count))
    }

    /// Reads once and keeps what came; 0 is the end.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.poll_read(cx, scratch))?;
        self.buf.extend_from_slice(scratch.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    /// Is ready when the peer has gone: when its connection is broken, and with `half` also when it
    /// has closed its side. What comes meanwhile is kept, up to a limit.
    pub(super) fn poll_gone(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        half: bool,
    ) -> Poll<()> {
        if let Carrier::Wire(wire) = &mut self.carrier {
            return wire.poll_gone(cx);
        }
        while !self.eof && self.buf.len() < AHEAD {
            if ready!(self.poll_fill(cx, scratch)).is_err() {
                return Poll::Ready(());
            }
        }
        if self.eof && half { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Runs to the end of `future`, unless the peer goes first.
    pub(super) async fn beside<F: Future>(
        &mut self,
        local: &Local,
        half: bool,
        future: F,
    ) -> Result<F::Output, Gone> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            self.poll_gone(cx, &mut local.scratch.borrow_mut(), half).map(|()| Err(Gone))
        })
        .await
    }

    /// Writes as much as the socket takes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = match &mut self.carrier {
            Carrier::Socket(stream) => ready!(stream.poll_write(cx, bytes))?,
            Carrier::Wire(wire) => ready!(wire.poll_write(cx, bytes))?,
        };
        self.touch();
        Poll::Ready(Ok(count))
    }

    /// Writes all of an answer, unless the peer does not take it in time.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.touch();
        let mut pending = BytesMut::from(bytes);
        poll_fn(|cx| {
            let done = self.poll_flush(cx, &mut pending);
            if done.is_ready() {
                return done;
            }
            self.poll_expired(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
        })
        .await
    }

    /// Writes all that is pending.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        pending: &mut BytesMut,
    ) -> Poll<io::Result<()>> {
        if let Carrier::Wire(wire) = &mut self.carrier {
            let before = pending.len();
            let flushed = wire.poll_flush(cx, pending, false);
            if pending.len() < before {
                self.touch();
            }
            return flushed;
        }
        while !pending.is_empty() {
            match ready!(self.poll_write(cx, pending))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => pending.advance(count),
            }
        }
        self.poll_sent(cx)
    }

    /// Is ready when nothing that was written waits within the connection.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.carrier {
            Carrier::Socket(stream) => stream.poll_flush(cx),
            Carrier::Wire(_) => Poll::Ready(Ok(())),
        }
    }
}

impl End {
    /// Writes all that is pending, and with it the end of the message where that is not told by
    /// what was written.
    pub(super) fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        pending: &mut BytesMut,
        trailers: &Headers,
    ) -> Poll<io::Result<()>> {
        if !self.is_http2() || !trailers.is_empty() {
            ready!(self.poll_flush(cx, pending))?;
        }
        let Carrier::Wire(wire) = &mut self.carrier else { return Poll::Ready(Ok(())) };
        if trailers.is_empty() {
            let before = pending.len();
            let flushed = wire.poll_flush(cx, pending, true);
            if pending.len() < before {
                self.touch();
            }
            return flushed;
        }
        wire.poll_trailers(cx, trailers)
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End")
            .field("carrier", &self.carrier)
            .field("buffered", &self.buf.len())
            .field("eof", &self.eof)
            .finish_non_exhaustive()
    }
}
