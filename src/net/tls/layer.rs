//! The TLS layer of a connection: what lies between its bytes and its socket.

use std::cell::Cell;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::io::IoSlice;
use std::io::Read as _;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use rustls::Connection;

use crate::net::reactor::Source;

use super::client_check;
use super::client_check::Found;
use super::error::Error;
use super::info::Info;
use super::store::Certificate;

/// The TLS layer of a connection. Like the socket's, its methods take `&self`.
pub(in crate::net) struct Layer {
    conn: RefCell<Connection>,
    info: Rc<Info>,
    /// What the check of the client's certificate has found.
    found: Cell<Found>,
    /// The peer has closed its socket without saying so before.
    truncated: Cell<bool>,
}

impl Layer {
    pub(super) fn new(conn: Connection) -> Self {
        Self {
            conn: RefCell::new(conn),
            info: Rc::default(),
            found: Cell::default(),
            truncated: Cell::new(false),
        }
    }

    /// Returns what was agreed on.
    pub(in crate::net) fn info(&self) -> &Rc<Info> {
        &self.info
    }

    /// Tells whether the peer ended without saying so: what came last may be missing.
    pub(in crate::net) fn is_truncated(&self) -> bool {
        self.truncated.get()
    }

    /// Notes what was agreed on, and what else is known of the connection.
    pub(super) fn finish(&mut self, hello: Vec<u8>, shown: Option<Arc<Certificate>>) {
        let info = Info::new(self.conn.get_mut());
        self.info = Rc::new(Info { hello, shown, found: self.found.get(), ..info });
    }

    /// Returns the error of a handshake with a client.
    pub(super) fn client_error(&self, error: rustls::Error) -> Error {
        match error {
            rustls::Error::InvalidCertificate(_) if self.found.get().authority.0 != 0 => {
                Error::Authority(error)
            }
            rustls::Error::InvalidCertificate(_) => Error::Certificate(error),
            error => Error::Handshake(error),
        }
    }

    pub(in crate::net) fn try_read(&self, source: &Source, buffer: &mut [u8]) -> io::Result<usize> {
        let mut conn = self.conn.borrow_mut();
        loop {
            match conn.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // HAProxy: a server that closes without a word ends its answer all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.truncated.set(true);
                    return Ok(0);
                }
                done => return done,
            }
            receive(&mut conn, source)?;
        }
    }

    pub(in crate::net) fn try_write(
        &self,
        source: &Source,
        pieces: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        let mut conn = self.conn.borrow_mut();
        send(&mut conn, source)?;
        let count = conn.writer().write_vectored(pieces)?;
        unless_full(send(&mut conn, source))?;
        Ok(count)
    }

    pub(in crate::net) fn poll_read(
        &self,
        source: &Source,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_read(source, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_readable(cx));
                }
                done => return Poll::Ready(done),
            }
        }
    }

    pub(in crate::net) fn poll_write(
        &self,
        source: &Source,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write(source, pieces) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_writable(cx));
                }
                done => return Poll::Ready(done),
            }
        }
    }

    /// Writes what waits inside.
    pub(in crate::net) fn poll_flush(
        &self,
        source: &Source,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match send(&mut self.conn.borrow_mut(), source) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_writable(cx));
                }
                done => return Poll::Ready(done),
            }
        }
    }

    /// Tells whether a read gives something without the socket.
    pub(in crate::net) fn has_plaintext(&self) -> bool {
        let mut conn = self.conn.borrow_mut();
        match conn.process_new_packets() {
            Ok(state) => state.plaintext_bytes_to_read() > 0 || state.peer_has_closed(),
            Err(_) => true,
        }
    }

    /// Tells whether the connection can be used again: what came meanwhile was no data.
    pub(in crate::net) fn is_idle(&self, source: &Source) -> bool {
        let mut conn = self.conn.borrow_mut();
        loop {
            match receive(&mut conn, source) {
                Err(error) => {
                    let open = error.kind() == io::ErrorKind::WouldBlock;
                    return open && !conn.wants_write();
                }
                Ok(0) => return false,
                Ok(_) => {}
            }
            match conn.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            }
        }
    }

    /// Tells the peer that nothing more comes, as far as the socket takes it now.
    pub(in crate::net) fn close(&self, source: &Source) {
        let mut conn = self.conn.borrow_mut();
        conn.send_close_notify();
        let _unused = send(&mut conn, source);
    }

    /// Does the rest of a handshake.
    pub(super) async fn shake_hands(&self, source: &Source) -> Result<(), rustls::Error> {
        poll_fn(|cx| self.poll_handshake(source, cx)).await
    }

    fn poll_handshake(
        &self,
        source: &Source,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), rustls::Error>> {
        let mut conn = self.conn.borrow_mut();
        let conn = &mut *conn;
        loop {
            // What came with the first message may be in the buffer already.
            let processed = conn.process_new_packets();
            let found = client_check::take_found();
            if found != Found::default() {
                self.found.set(found);
            }
            let sent = send(conn, source);
            processed?;
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_writable(cx));
                    continue;
                }
                Err(_) => return Poll::Ready(Err(ended())),
                Ok(()) => {}
            }
            if !conn.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            match conn.read_tls(&mut Wire { source, kept: None }) {
                Ok(0) => return Poll::Ready(Err(ended())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_readable(cx));
                }
                Err(_) => return Poll::Ready(Err(ended())),
                Ok(_) => {}
            }
        }
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What stands for a connection that ended in the middle of a handshake: rustls has no word for it.
fn ended() -> rustls::Error {
    rustls::Error::HandshakeNotComplete
}

/// Returns the error of a handshake; `of` tells those apart that are the peer's.
pub(super) fn failed(error: rustls::Error, of: impl FnOnce(rustls::Error) -> Error) -> Error {
    if error == ended() { Error::Truncated } else { of(error) }
}

/// Reads once from the socket, and answers what must be answered.
fn receive(conn: &mut Connection, source: &Source) -> io::Result<usize> {
    let count = conn.read_tls(&mut Wire { source, kept: None })?;
    let processed = conn.process_new_packets();
    unless_full(send(conn, source))?;
    match processed {
        Ok(_) => Ok(count),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// Writes to the socket what waits.
fn send(conn: &mut Connection, source: &Source) -> io::Result<()> {
    while conn.wants_write() {
        conn.write_tls(&mut Wire { source, kept: None })?;
    }
    Ok(())
}

fn unless_full(sent: io::Result<()>) -> io::Result<()> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        done => done,
    }
}

/// The socket as rustls sees it.
pub(super) struct Wire<'a> {
    pub(super) source: &'a Source,
    /// Takes a copy of what is read, up to its capacity.
    pub(super) kept: Option<&'a mut Vec<u8>>,
}

impl io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.try_read(|fd| rustix::io::read(fd, &mut *buffer))?;
        if count > 0 && count < buffer.len() {
            // A short read took all there was: the next byte comes with an event.
            self.source.drained();
        }
        if let Some(kept) = &mut self.kept {
            let room = kept.capacity().saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
        }
        Ok(count)
    }
}

impl io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.source.try_write(|fd| rustix::io::write(fd, bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.source.try_write(|fd| rustix::io::writev(fd, pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
