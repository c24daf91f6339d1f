//! A connection: a TCP or UNIX stream that does not block its worker.

use std::future::poll_fn;
use std::io;
use std::io::IoSlice;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use futures_lite::AsyncRead;
use futures_lite::AsyncWrite;
use rustix::net::RecvFlags;
use rustix::net::SendFlags;
use socket2::SockRef;
use socket2::TcpKeepalive;

use crate::net::addr::Addr;
use crate::net::reactor::Source;
use crate::net::tls;

/// A connected stream socket. Reading and writing take `&self`, and may go on side by side.
#[derive(Debug)]
pub struct Stream {
    source: Source,
    /// What lies between the bytes and the socket, where anything does.
    tls: Option<Box<tls::Layer>>,
}

/// When the kernel looks whether the peer is still there; `None` leaves the system's defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keepalive {
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

impl Stream {
    /// Takes over a connected, non-blocking socket.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { source: Source::new(fd)?, tls: None })
    }

    /// Takes over a socket whose connection is on its way: it is writable once that is decided.
    pub(super) fn pending(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { source: Source::pending(fd)?, tls: None })
    }

    /// Returns two connected streams.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (left, right) = std::os::unix::net::UnixStream::pair()?;
        left.set_nonblocking(true)?;
        right.set_nonblocking(true)?;
        Ok((Self::new(left.into())?, Self::new(right.into())?))
    }

    /// Reads what is there: `WouldBlock` if there is nothing yet, 0 at the end of the stream.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(tls) = &self.tls {
            return tls.try_read(&self.source, buffer);
        }
        let count = self.source.try_read(|fd| rustix::io::read(fd, &mut *buffer))?;
        self.after_read(count, buffer.len());
        Ok(count)
    }

    /// Writes what fits into the socket's buffer: `WouldBlock` if nothing does.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(tls) = &self.tls {
            return tls.try_write(&self.source, &[IoSlice::new(bytes)]);
        }
        self.source.try_write(|fd| rustix::net::send(fd, bytes, SendFlags::NOSIGNAL))
    }

    /// Writes what fits of several pieces.
    pub fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(tls) = &self.tls {
            return tls.try_write(&self.source, pieces);
        }
        self.source.try_write(|fd| rustix::io::writev(fd, pieces))
    }

    /// Reads, or wakes the task when there is something to read.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(tls) = &self.tls {
            return tls.poll_read(&self.source, cx, buffer);
        }
        let count = ready!(self.source.poll_read(cx, |fd| rustix::io::read(fd, &mut *buffer)))?;
        self.after_read(count, buffer.len());
        Poll::Ready(Ok(count))
    }

    /// Looks at what is there and leaves it, or wakes the task when there is something. Only below
    /// all layers.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        self.source
            .poll_read(cx, |fd| rustix::net::recv(fd, &mut *buffer, flags).map(|(count, _)| count))
    }

    /// Writes, or wakes the task when there is room. With TLS, what is written may wait until
    /// [`Self::poll_flush`].
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(tls) = &self.tls {
            return tls.poll_write(&self.source, cx, &[IoSlice::new(bytes)]);
        }
        self.source.poll_write(cx, |fd| rustix::net::send(fd, bytes, SendFlags::NOSIGNAL))
    }

    /// Writes several pieces, or wakes the task when there is room.
    pub fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(tls) = &self.tls {
            return tls.poll_write(&self.source, cx, pieces);
        }
        self.source.poll_write(cx, |fd| rustix::io::writev(fd, pieces))
    }

    /// Is ready when all that was written has gone to the socket.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.tls {
            Some(tls) => tls.poll_flush(&self.source, cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Is ready when a read is worth a try.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.tls.as_ref().is_some_and(|tls| tls.has_plaintext()) {
            return Poll::Ready(());
        }
        self.source.poll_readable(cx)
    }

    /// Is ready when a write is worth a try.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.source.poll_writable(cx)
    }

    /// Reads as soon as there is something.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, buffer)).await
    }

    /// Writes as soon as there is room. With TLS, what is written may wait until
    /// [`Self::flush`].
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_write(cx, bytes)).await
    }

    /// Writes all of `bytes`.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.write(bytes).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(count..).unwrap_or_default();
        }
        self.flush().await
    }

    /// Waits until all that was written has gone to the socket.
    pub async fn flush(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Returns what the TLS handshake has agreed on, where there was one.
    pub fn tls(&self) -> Option<&Rc<tls::Info>> {
        self.tls.as_deref().map(tls::Layer::info)
    }

    /// Tells whether the peer ended a TLS connection without saying so: what came last may be
    /// missing.
    pub fn is_truncated(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_truncated())
    }

    /// Puts a layer between the bytes and the socket.
    pub(super) fn set_tls(&mut self, layer: tls::Layer) {
        self.tls = Some(Box::new(layer));
    }

    /// Returns the socket below all layers.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the address of the other end.
    pub fn peer_addr(&self) -> io::Result<Addr> {
        Ok(Addr::from_sock(&self.socket().peer_addr()?))
    }

    /// Returns the address of this end: where the client connected to.
    pub fn local_addr(&self) -> io::Result<Addr> {
        Ok(Addr::from_sock(&self.socket().local_addr()?))
    }

    /// Sends small pieces at once (`true`), or waits for more (`false`). For TCP alone.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket().set_tcp_nodelay(nodelay)
    }

    /// Lets the kernel find out whether the peer is still there. For TCP alone.
    pub fn set_keepalive(&self, keepalive: &Keepalive) -> io::Result<()> {
        self.socket().set_tcp_keepalive(&keepalive.to_socket())
    }

    /// Tells the peer that nothing more comes; reading goes on.
    pub fn shutdown_write(&self) -> io::Result<()> {
        if let Some(tls) = &self.tls {
            tls.close(&self.source);
        }
        self.socket().shutdown(Shutdown::Write)
    }

    /// Closes with a reset: what was not sent is lost, and no TIME-WAIT remains.
    pub fn abort(mut self) {
        self.tls = None;
        // On a UNIX socket it has no meaning, and closing is all there is.
        drop(self.socket().set_linger(Some(Duration::ZERO)));
    }

    /// Returns whether an idle connection can be used: it is open, and nothing came in.
    pub fn is_idle(&self) -> bool {
        if let Some(tls) = &self.tls {
            return !self.source.has_hung_up() && tls.is_idle(&self.source);
        }
        // What comes is told by an event, and events are taken at every wake-up.
        !self.source.has_hung_up()
            && (!self.source.may_read() || matches!(self.peek(), Err(rustix::io::Errno::AGAIN)))
    }

    /// Returns whether the peer has closed its side, or the connection is broken.
    ///
    /// What the peer sent before may still wait to be read.
    pub fn has_hung_up(&self) -> bool {
        self.source.has_hung_up()
            || match self.peek() {
                Ok(count) => count == 0,
                Err(error) => error != rustix::io::Errno::AGAIN,
            }
    }

    /// Returns the error that the kernel keeps for this socket, and clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket().take_error()
    }

    fn peek(&self) -> rustix::io::Result<usize> {
        let mut byte = [0; 1];
        loop {
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            match rustix::net::recv(&self.source, &mut byte, flags) {
                Err(rustix::io::Errno::INTR) => {}
                done => return done.map(|(count, _)| count),
            }
        }
    }

    fn after_read(&self, count: usize, room: usize) {
        // A short read took all there was: the next byte comes with an event.
        if count > 0 && count < room {
            self.source.drained();
        }
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.source)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &self.tls {
            tls.close(&self.source);
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

impl AsyncRead for &Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Stream::poll_read(*self, cx, buffer)
    }
}

impl AsyncWrite for &Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Stream::poll_write(*self, cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Stream::poll_write_vectored(*self, cx, pieces)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Stream::poll_flush(*self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Stream::poll_flush(*self, cx))?;
        Poll::Ready(self.shutdown_write())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Self::poll_read(&self, cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write(&self, cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write_vectored(&self, cx, pieces)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(&self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Self::poll_flush(&self, cx))?;
        Poll::Ready(self.shutdown_write())
    }
}

impl Keepalive {
    pub(super) fn to_socket(self) -> TcpKeepalive {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = self.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = self.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = self.count {
            keepalive = keepalive.with_retries(count);
        }
        keepalive
    }
}
