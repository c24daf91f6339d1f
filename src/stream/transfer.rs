//! One direction of a stream on its way: read, decoded, encoded and written, with back-pressure.
//!
//! What needs no new framing goes from the read buffer, which all streams of a worker share,
//! straight to the other socket. Only what that does not take at once is kept.

use std::io;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::BytesMut;

use crate::http;
use crate::http::Headers;
use crate::http::chunked;
use crate::http::chunked::Decoder;

use super::end::End;
use super::http2::Wire;

/// How much may wait to be written before reading stops.
const HIGH: usize = 64 * 1024;

/// How often one direction reads before others get their turn.
const TURNS: usize = 8;

/// How the end of a body is recognised.
#[derive(Debug)]
pub(super) enum Incoming {
    /// It has been.
    Done,
    /// After so many bytes more.
    Length(u64),
    /// By its last chunk.
    Chunked(Decoder),
    /// By the end of the connection, or of the stream.
    UntilClose,
}

/// How the end of a body is made known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// By its length or by closing: bytes are passed on as they are.
    Raw,
    /// By a last chunk.
    Chunked,
    /// Not at all: nobody gets the body.
    Nowhere,
}

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
    /// Encoded and not yet written.
    pub(super) pending: BytesMut,
    /// Bytes of the body so far.
    pub(super) moved: u64,
    /// What follows the body.
    trailers: Headers,
    /// The end has been encoded.
    ended: bool,
    /// Something is written, and waits within the receiver's connection.
    unsent: bool,
    /// The end has been written.
    over: bool,
}

/// What stops a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The sender's connection is broken, or closed before the end.
    Read,
    /// The sender's message cannot be read.
    Invalid,
    /// The receiver's connection is broken.
    Write,
}

/// What decoding has found.
#[derive(Debug)]
pub(super) enum Piece {
    /// More bytes are needed.
    NeedMore,
    /// A part of the body.
    Data(bytes::Bytes),
    /// The end.
    End(Headers),
}

impl Incoming {
    /// Returns the reader of a body.
    pub(super) fn new(body: http::Body, limits: &http::Limits) -> Self {
        match body {
            http::Body::None | http::Body::Length(0) => Self::Done,
            http::Body::Length(length) => Self::Length(length),
            http::Body::Chunked => Self::Chunked(Decoder::new(limits)),
            http::Body::UntilClose | http::Body::Tunnel => Self::UntilClose,
        }
    }

    /// Returns the reader of a body that comes from there: a stream of HTTP/2 ends by itself.
    pub(super) fn of(end: &mut End, body: http::Body, limits: &http::Limits) -> Self {
        match end.wire_mut() {
            Some(wire) if body != http::Body::None && !wire.is_bodiless() => Self::UntilClose,
            Some(_) => Self::Done,
            None => Self::new(body, limits),
        }
    }

    /// Tells whether the end has been reached.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes the next part of the body off what was read, at most so many bytes.
    pub(super) fn decode(&mut self, buf: &mut BytesMut, most: usize) -> Result<Piece, http::Error> {
        let piece = match self {
            Self::Done => Piece::End(Headers::new()),
            Self::Length(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(most).min(buf.len());
                let data = buf.split_to(most).freeze();
                *left = left.saturating_sub(most as u64);
                if data.is_empty() { Piece::NeedMore } else { Piece::Data(data) }
            }
            Self::UntilClose if buf.is_empty() => Piece::NeedMore,
            Self::UntilClose => Piece::Data(buf.split_to(most.min(buf.len())).freeze()),
            Self::Chunked(decoder) => match decoder.decode(buf)? {
                chunked::Event::NeedMore => Piece::NeedMore,
                chunked::Event::Data(data) => Piece::Data(data),
                chunked::Event::Trailers(trailers) => {
                    *self = Self::Done;
                    Piece::End(trailers)
                }
            },
        };
        if matches!(self, Self::Length(0)) {
            *self = Self::Done;
        }
        Ok(piece)
    }

    /// Returns how many bytes may be passed on untouched; `None` where they must be decoded.
    fn raw(&self) -> Option<usize> {
        match self {
            Self::Length(left) => Some(usize::try_from(*left).unwrap_or(usize::MAX)),
            Self::UntilClose => Some(usize::MAX),
            Self::Done | Self::Chunked(_) => None,
        }
    }

    fn passed(&mut self, count: usize) {
        if let Self::Length(left) = self {
            *left = left.saturating_sub(count as u64);
            if *left == 0 {
                *self = Self::Done;
            }
        }
    }
}

impl Transfer {
    /// Returns a direction that begins with what is pending already: a head.
    pub(super) fn new(incoming: Incoming, outgoing: Outgoing, pending: BytesMut) -> Self {
        let trailers = Headers::new();
        let (ended, over, unsent) = (false, false, false);
        Self { incoming, outgoing, pending, moved: 0, trailers, ended, unsent, over }
    }

    /// Returns a direction that passes everything on until the end of the connection.
    pub(super) fn tunnel(pending: BytesMut) -> Self {
        Self::new(Incoming::UntilClose, Outgoing::Raw, pending)
    }

    /// Tells whether everything has been passed on.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Tells whether it waits for the sender.
    pub(super) fn wants_input(&self) -> bool {
        !self.ended && !self.has_output()
    }

    /// Tells whether it waits for the receiver.
    pub(super) fn has_output(&self) -> bool {
        self.unsent || !self.pending.is_empty()
    }

    /// Adds a part of the body.
    pub(super) fn push(&mut self, data: &[u8]) {
        self.moved = self.moved.saturating_add(data.len() as u64);
        match self.outgoing {
            Outgoing::Raw => self.pending.extend_from_slice(data),
            Outgoing::Chunked => chunked::write_chunk(data, &mut self.pending),
            Outgoing::Nowhere => {}
        }
    }

    /// Ends the body.
    pub(super) fn end(&mut self, trailers: &Headers) {
        if !self.ended {
            self.ended = true;
            self.incoming = Incoming::Done;
            if self.outgoing == Outgoing::Chunked {
                chunked::write_last(trailers, &mut self.pending);
            } else if !trailers.is_empty() {
                self.trailers = trailers.clone();
            }
        }
    }

    /// Encodes what was read already.
    pub(super) fn take_buffered(&mut self, buf: &mut BytesMut) -> Result<(), Fault> {
        while !self.ended && self.pending.len() < HIGH {
            match self.incoming.decode(buf, HIGH).map_err(|_| Fault::Invalid)? {
                Piece::NeedMore => break,
                Piece::Data(data) => self.push(&data),
                Piece::End(trailers) => self.end(&trailers),
            }
        }
        Ok(())
    }

    /// Goes on as far as both sockets let it; ready when everything has been passed on.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut End,
        to: &mut End,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Fault>> {
        for _ in 0..TURNS {
            self.take_buffered(&mut from.buf)?;
            let written = self.poll_out(cx, to);
            self.unsent = written.is_pending();
            ready!(written).map_err(|_| Fault::Write)?;
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if !from.buf.is_empty() && self.incoming.raw().is_some() {
                continue;
            }
            ready!(self.poll_step(cx, from, to, scratch))?;
            // What has come is the receiver's to take from now on.
            to.touch();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what is pending, and the end once that has been reached.
    pub(super) fn poll_out(&mut self, cx: &mut Context<'_>, to: &mut End) -> Poll<io::Result<()>> {
        if !self.ended {
            return to.poll_flush(cx, &mut self.pending);
        }
        ready!(to.poll_finish(cx, &mut self.pending, &self.trailers))?;
        self.over = true;
        Poll::Ready(Ok(()))
    }

    /// Reads once, and writes it at once where it needs no new framing.
    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut End,
        to: &mut End,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Fault>> {
        if from.is_eof() {
            return Poll::Ready(self.at_eof(from));
        }
        let Some(most) = self.incoming.raw().filter(|_| self.outgoing == Outgoing::Raw) else {
            let filled = ready!(from.poll_fill(cx, scratch));
            return Poll::Ready(filled.map(drop).map_err(|_| Fault::Read));
        };
        let most = most.min(scratch.len());
        let room = scratch.get_mut(..most).unwrap_or_default();
        let count = ready!(from.poll_read(cx, room)).map_err(|_| Fault::Read)?;
        let data = room.get(..count).unwrap_or_default();
        self.incoming.passed(count);
        self.moved = self.moved.saturating_add(count as u64);
        if data.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.incoming.is_done() && to.is_http2() {
            // The last piece says that it is the last.
            self.pending.extend_from_slice(data);
            return Poll::Ready(Ok(()));
        }
        let written = match to.poll_write(cx, data) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) => return Poll::Ready(Err(Fault::Write)),
            Poll::Pending => 0,
        };
        self.pending.extend_from_slice(data.get(written..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }

    /// The sender has closed: that is the end of a body without framing, and of others too early.
    fn at_eof(&mut self, from: &mut End) -> Result<(), Fault> {
        match self.incoming {
            Incoming::UntilClose | Incoming::Done => {
                let wire = from.wire_mut();
                self.end(&wire.map(Wire::take_trailers).unwrap_or_default());
                Ok(())
            }
            Incoming::Length(_) | Incoming::Chunked(_) => Err(Fault::Read),
        }
    }
}
