//! A body on its way into a channel, while rules and services look at it.

use std::cell::RefMut;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;

use crate::http::Headers;
use crate::txn::Direction;
use crate::txn::Shared;

use super::super::end::End;
use super::super::http2::Wire;
use super::super::transfer::Fault;
use super::super::transfer::Incoming;
use super::super::transfer::Piece;

/// A body that is read into a channel.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) incoming: Incoming,
    pub(super) trailers: Headers,
    /// Decoded, but there was no room for it yet.
    held: Bytes,
    direction: Direction,
}

impl Intake {
    /// Returns a body of this direction.
    pub(super) fn new(incoming: Incoming, direction: Direction) -> Self {
        Self { incoming, trailers: Headers::new(), held: Bytes::new(), direction }
    }

    /// Decodes into the channel what was read already, as far as it has room.
    pub(super) fn take_buffered(&mut self, from: &mut End, txn: &Shared) -> Result<(), Fault> {
        let mut channel = RefMut::map(txn.borrow_mut(), |txn| txn.channel_mut(self.direction));
        while !channel.is_eof() && channel.room() > 0 {
            let room = channel.room();
            if !self.held.is_empty() {
                let fits = self.held.split_to(room.min(self.held.len()));
                channel.push_input(&fits);
                continue;
            }
            match self.incoming.decode(&mut from.buf, room).map_err(|_| Fault::Invalid)? {
                Piece::NeedMore => break,
                Piece::Data(data) => self.held = data,
                Piece::End(trailers) => {
                    self.trailers = trailers;
                    channel.end_input();
                }
            }
        }
        Ok(())
    }

    /// Reads into the channel as long as there is something and room for it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut End,
        txn: &Shared,
        scratch: &mut [u8],
    ) -> Result<(), Fault> {
        loop {
            self.take_buffered(from, txn)?;
            if !self.wants_more(cx, txn) {
                return Ok(());
            }
            if from.is_eof() {
                return self.at_eof(from, txn);
            }
            match from.poll_fill(cx, scratch) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => {
                    txn.borrow_mut().channel_mut(self.direction).end_input();
                    return Err(Fault::Read);
                }
            }
        }
    }

    /// Tells whether the channel takes more, and asks to be woken when that changes.
    fn wants_more(&self, cx: &Context<'_>, txn: &Shared) -> bool {
        let mut txn = txn.borrow_mut();
        let channel = txn.channel_mut(self.direction);
        channel.register(cx);
        !channel.is_eof() && channel.room() > 0
    }

    /// The sender has closed: that is the end of a body without framing, and of others too early.
    fn at_eof(&mut self, from: &mut End, txn: &Shared) -> Result<(), Fault> {
        txn.borrow_mut().channel_mut(self.direction).end_input();
        match self.incoming {
            Incoming::UntilClose | Incoming::Done => {
                self.incoming = Incoming::Done;
                self.trailers = from.wire_mut().map(Wire::take_trailers).unwrap_or_default();
                Ok(())
            }
            Incoming::Length(_) | Incoming::Chunked(_) => Err(Fault::Read),
        }
    }

    /// Takes what has been decoded; the rest is on the wire.
    pub(super) fn take_decoded(&mut self, txn: &Shared) -> [Bytes; 2] {
        let mut txn = txn.borrow_mut();
        let input = txn.channel_mut(self.direction).take_input(usize::MAX);
        [input, std::mem::take(&mut self.held)]
    }

    /// Tells whether it waits for the sender.
    pub(super) fn wants_input(&self, txn: &Shared) -> bool {
        let txn = txn.borrow();
        let channel = txn.channel(self.direction);
        !channel.is_eof() && channel.room() > 0
    }
}
