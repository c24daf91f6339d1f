//! One direction's bytes: an input that rules may look at, then an output on its way out.
//!
//! A channel does no I/O. Whoever fills it, drains it or waits for it registers a waker; every
//! change wakes them all (they are three at most), and each looks again.

use std::task::Context;
use std::task::Waker;

use bytes::Bytes;
use bytes::BytesMut;

/// One direction's bytes.
///
/// `data` holds the output first: `[output | input]`. So forwarding moves a boundary, not bytes.
#[derive(Debug)]
pub struct Channel {
    data: BytesMut,
    output: usize,
    capacity: usize,
    /// No more input will come: its producer has closed.
    eof: bool,
    /// Nothing more can go out: its consumer has gone.
    closed: bool,
    /// Bytes ever forwarded.
    forwarded: u64,
    wakers: Vec<Waker>,
}

impl Channel {
    /// Returns an empty channel that holds at most this many bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            data: BytesMut::new(),
            output: 0,
            capacity,
            eof: false,
            closed: false,
            forwarded: 0,
            wakers: Vec::new(),
        }
    }

    /// Returns the bytes that rules have not passed on yet.
    pub fn input(&self) -> &[u8] {
        self.data.get(self.output..).unwrap_or_default()
    }

    /// Returns the bytes on their way out.
    pub fn output(&self) -> &[u8] {
        self.data.get(..self.output).unwrap_or_default()
    }

    /// Returns how many bytes still fit.
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.data.len())
    }

    /// Tells whether the producer has closed: what is in the input is all there will be.
    pub fn is_eof(&self) -> bool {
        self.eof
    }

    /// Tells whether the consumer has gone: nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns how many bytes have been forwarded so far.
    pub fn forwarded(&self) -> u64 {
        self.forwarded
    }

    /// Adds bytes that came in. The producer asks [`Channel::room`] first.
    pub fn push_input(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.wake();
    }

    /// Says that no more input will come.
    pub fn end_input(&mut self) {
        self.eof = true;
        self.wake();
    }

    /// Says that nothing can go out any more.
    pub fn close(&mut self) {
        self.closed = true;
        self.wake();
    }

    /// Moves up to `count` bytes from the input to the output; returns how many.
    pub fn forward(&mut self, count: usize) -> usize {
        let count = count.min(self.data.len().saturating_sub(self.output));
        self.output = self.output.saturating_add(count);
        self.forwarded = self.forwarded.saturating_add(count as u64);
        self.wake();
        count
    }

    /// Puts bytes at the end of the output, before the input; returns how many fitted.
    pub fn send(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        let input = self.data.split_off(self.output);
        self.data.extend_from_slice(bytes.get(..count).unwrap_or_default());
        self.output = self.data.len();
        self.data.unsplit(input);
        self.forwarded = self.forwarded.saturating_add(count as u64);
        self.wake();
        count
    }

    /// Replaces `length` bytes of the input at `offset` with others; `false`, with nothing changed,
    /// where that is out of range or does not fit.
    pub fn replace(&mut self, offset: usize, length: usize, bytes: &[u8]) -> bool {
        let input = self.input();
        let Some(end) = offset.checked_add(length).filter(|&end| end <= input.len()) else {
            return false;
        };
        if bytes.len() > self.room().saturating_add(length) {
            return false;
        }
        let tail = self.data.split_off(self.output.saturating_add(end));
        self.data.truncate(self.output.saturating_add(offset));
        self.data.extend_from_slice(bytes);
        self.data.unsplit(tail);
        self.wake();
        true
    }

    /// Takes up to `count` bytes off the front of the input.
    pub fn take_input(&mut self, count: usize) -> Bytes {
        let mut input = self.data.split_off(self.output);
        let taken = input.split_to(count.min(input.len())).freeze();
        self.data.unsplit(input);
        self.wake();
        taken
    }

    /// Removes `count` bytes of the output that have been written.
    pub fn drain_output(&mut self, count: usize) {
        let count = count.min(self.output);
        let _written = self.data.split_to(count);
        self.output = self.output.saturating_sub(count);
        self.wake();
    }

    /// Drops everything that has not gone out.
    pub fn clear(&mut self) {
        self.data.clear();
        self.output = 0;
        self.wake();
    }

    /// Asks to be woken at the next change.
    pub fn register(&mut self, cx: &Context<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
    }

    fn wake(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_goes_before_pending_input() {
        let mut channel = Channel::new(64);
        channel.push_input(b"input");
        assert_eq!(channel.send(b"sent"), 4);
        assert_eq!(channel.output(), b"sent");
        assert_eq!(channel.input(), b"input");
        assert_eq!(channel.forward(2), 2);
        assert_eq!(channel.output(), b"sentin");
        channel.drain_output(4);
        assert_eq!(channel.output(), b"in");
        assert_eq!(channel.take_input(9), "put");
        assert_eq!(channel.input(), b"");
    }

    #[test]
    fn a_full_channel_takes_what_fits() {
        let mut channel = Channel::new(4);
        assert_eq!(channel.send(b"abcdef"), 4);
        assert_eq!(channel.room(), 0);
        assert_eq!(channel.output(), b"abcd");
    }

    #[test]
    fn a_replacement_that_does_not_fit_changes_nothing() {
        let mut channel = Channel::new(8);
        channel.push_input(b"abcdef");
        assert!(!channel.replace(0, 2, b"12345"));
        assert!(!channel.replace(5, 2, b""));
        assert_eq!(channel.input(), b"abcdef");
        assert!(channel.replace(2, 2, b"XYZ"));
        assert_eq!(channel.input(), b"abXYZef");
    }
}
