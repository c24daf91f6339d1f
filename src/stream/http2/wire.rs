//! One stream of an HTTP/2 connection, as an exchange sees its side: heads, bytes, an end.
//!
//! What was received counts as taken when the next piece is asked for: until then its sender's
//! window stays as small as it is.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf as _;
use bytes::Bytes;
use bytes::BytesMut;
use h2::Reason;
use h2::RecvStream;
use h2::SendStream;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use h2::server::SendResponse;

use crate::http;
use crate::http::Headers;
use crate::http::Method;
use crate::http::Response;
use crate::http::Text;
use crate::http::h1::Framing;
use crate::http::http2;

use super::link::Seat;

/// The largest piece that is sent as one.
const PIECE: usize = 16 * 1024;

/// One stream.
pub(in crate::stream) struct Wire {
    side: Side,
    send: Option<SendStream<Bytes>>,
    recv: Option<RecvStream>,
    /// Received and not yet handed out.
    data: Bytes,
    /// Handed out, and perhaps not yet taken.
    owed: usize,
    /// What has come after the body.
    trailers: Headers,
    ended: bool,
    /// It may become a tunnel: its end is told by closing alone.
    open: bool,
    /// The connection was gone before our head could go out.
    broken: bool,
}

/// Which side of the stream we are, and our head until it has been sent.
enum Side {
    /// A client's stream: it waits for a response.
    Server { respond: SendResponse<Bytes>, head: Option<::http::Response<()>> },
    /// A stream to a server: it carries a request.
    Client {
        request: SendRequest<Bytes>,
        head: Option<::http::Request<()>>,
        response: Option<ResponseFuture>,
        /// WebSocket is asked for, with this key.
        upgrade: Option<Option<Text>>,
        /// Its place on the connection.
        seat: Rc<Seat>,
    },
}

/// The head of a response that did not come.
#[derive(Debug)]
pub(in crate::stream) enum Missing {
    /// It came and cannot be read.
    Invalid,
    /// The stream or its connection has ended; `untouched` where the server says that it has not
    /// looked at the request.
    Closed { untouched: bool },
}

impl Wire {
    /// Returns the stream of a client's request.
    pub(super) fn of_client(respond: SendResponse<Bytes>, recv: RecvStream) -> Self {
        Self::new(Side::Server { respond, head: None }, Some(recv))
    }

    /// Returns a stream to a server.
    pub(super) fn to_server(request: SendRequest<Bytes>, seat: Rc<Seat>) -> Self {
        Self::new(Side::Client { request, head: None, response: None, upgrade: None, seat }, None)
    }

    fn new(side: Side, recv: Option<RecvStream>) -> Self {
        let (data, trailers) = (Bytes::new(), Headers::new());
        Self {
            side,
            send: None,
            recv,
            data,
            owed: 0,
            trailers,
            ended: false,
            open: false,
            broken: false,
        }
    }

    /// Tells whether nothing of a body will come.
    pub(in crate::stream) fn is_bodiless(&self) -> bool {
        self.data.is_empty() && self.recv.as_ref().is_some_and(RecvStream::is_end_stream)
    }

    /// Takes the response that goes out before the next byte.
    pub(in crate::stream) fn respond(&mut self, response: &Response) -> Result<(), http::Error> {
        let made = http2::write_response(response)?;
        if let Side::Server { respond, head } = &mut self.side {
            if made.status().is_informational() {
                // One that cannot be sent is not owed.
                let _unused = respond.send_informational(made);
            } else {
                *head = Some(made);
            }
        }
        Ok(())
    }

    /// Takes the request that goes out before the next byte.
    pub(in crate::stream) fn request(
        &mut self,
        request: &http::Request,
    ) -> Result<(), http::Error> {
        if let Side::Client { head, seat, upgrade, .. } = &mut self.side {
            let made = http2::write_request(request, seat.scheme())?;
            self.open = made.method() == ::http::Method::CONNECT;
            if made.extensions().get::<h2::ext::Protocol>().is_some() {
                *upgrade = Some(request.headers.first("sec-websocket-key").cloned());
            }
            *head = Some(made);
        }
        Ok(())
    }

    /// Sends the head, once; with `end` it is all there is.
    fn poll_head(&mut self, cx: &mut Context<'_>, end: bool) -> Poll<io::Result<()>> {
        match &mut self.side {
            Side::Server { respond, head } => {
                if let Some(head) = head.take() {
                    self.send = Some(respond.send_response(head, end).map_err(failed)?);
                    self.ended = end;
                }
            }
            Side::Client { request, head, response, .. } => {
                if head.is_some() {
                    let ready = ready!(request.poll_ready(cx));
                    self.broken |= ready.is_err();
                    ready.map_err(failed)?;
                }
                if let Some(head) = head.take() {
                    let (future, send) = request.send_request(head, end).map_err(failed)?;
                    (*response, self.send) = (Some(future), Some(send));
                    self.ended = end;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Returns how much may be sent now, of so many bytes.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(cx, false))?;
        let send = self.send.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let wanted = wanted.min(PIECE);
        send.reserve_capacity(wanted);
        let room = match send.capacity() {
            0 => match ready!(send.poll_capacity(cx)) {
                Some(room) => room.map_err(failed)?,
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            },
            room => room,
        };
        Poll::Ready(Ok(room.min(wanted)))
    }

    fn send(&mut self, data: Bytes, end: bool) -> io::Result<()> {
        let send = self.send.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.ended = end;
        send.send_data(data, end).map_err(failed)
    }

    /// Sends what there is room for.
    pub(in crate::stream) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = ready!(self.poll_room(cx, bytes.len()))?;
        let piece = Bytes::copy_from_slice(bytes.get(..room).unwrap_or_default());
        self.send(piece, false)?;
        Poll::Ready(Ok(room))
    }

    /// Sends all that is pending; gives how much that was in this call. With `end` the last piece
    /// says that it is the last.
    pub(in crate::stream) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        pending: &mut BytesMut,
        end: bool,
    ) -> Poll<io::Result<()>> {
        let end = end && !self.open;
        if pending.is_empty() {
            ready!(self.poll_head(cx, end))?;
            if end && !self.ended {
                self.send(Bytes::new(), true)?;
            }
        }
        while !pending.is_empty() {
            let room = ready!(self.poll_room(cx, pending.len()))?;
            let piece = pending.split_to(room).freeze();
            self.send(piece, end && pending.is_empty())?;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the stream with trailers.
    pub(in crate::stream) fn poll_trailers(
        &mut self,
        cx: &mut Context<'_>,
        trailers: &Headers,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_head(cx, false))?;
        let made = http2::write_trailers(trailers).map_err(|_| io::ErrorKind::InvalidData)?;
        let send = self.send.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.ended = true;
        Poll::Ready(send.send_trailers(made).map_err(failed))
    }

    /// Reads into a buffer; 0 is the end. What was read before has been taken by now.
    pub(in crate::stream) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(recv) = &mut self.recv else { return Poll::Pending };
        if self.owed > 0 {
            let owed = std::mem::take(&mut self.owed);
            // A stream that was reset has no window any more.
            let _unused = recv.flow_control().release_capacity(owed);
        }
        while self.data.is_empty() {
            match ready!(recv.poll_data(cx)) {
                Some(data) => self.data = data.map_err(failed)?,
                None => {
                    if let Some(map) = ready!(recv.poll_trailers(cx)).map_err(failed)? {
                        self.trailers = http2::read_trailers(&map);
                    }
                    return Poll::Ready(Ok(0));
                }
            }
        }
        let count = self.data.len().min(buffer.len());
        self.data.copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        self.owed = count;
        Poll::Ready(Ok(count))
    }

    /// Takes what has come after the body.
    pub(in crate::stream) fn take_trailers(&mut self) -> Headers {
        std::mem::take(&mut self.trailers)
    }

    /// Is ready when the peer has reset the stream, or its connection is gone.
    pub(in crate::stream) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let reset = match (&mut self.send, &mut self.side) {
            (Some(_), _) if self.ended => return Poll::Pending,
            (Some(send), _) => send.poll_reset(cx),
            (None, Side::Server { respond, .. }) => respond.poll_reset(cx),
            (None, Side::Client { .. }) => return Poll::Pending,
        };
        reset.map(drop)
    }

    /// Waits for a response's head, interim ones too.
    pub(in crate::stream) fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        limits: &http::Limits,
    ) -> Poll<Result<(Response, Framing), Missing>> {
        let Side::Client { response, seat, upgrade, .. } = &mut self.side else {
            return Poll::Pending;
        };
        let Some(future) = response else {
            let untouched = self.broken;
            return if untouched {
                Poll::Ready(Err(Missing::Closed { untouched }))
            } else {
                Poll::Pending
            };
        };
        if let Poll::Ready(Some(Ok(interim))) = future.poll_informational(cx) {
            let (head, ()) = interim.into_parts();
            let read = http2::read_response(&head, false, method, limits);
            return Poll::Ready(read.map_err(|_| Missing::Invalid));
        }
        let (head, recv) = match ready!(Pin::new(future).poll(cx)) {
            Ok(answer) => answer.into_parts(),
            Err(error) => return Poll::Ready(Err(missing(&error))),
        };
        *response = None;
        seat.prove();
        let ended = recv.is_end_stream();
        self.recv = Some(recv);
        let (read, framing) =
            http2::read_response(&head, ended, method, limits).map_err(|_| Missing::Invalid)?;
        Poll::Ready(Ok(match upgrade {
            Some(key) if read.status / 100 == 2 => http2::upgraded(read, key.as_ref()),
            _ => (read, framing),
        }))
    }

    /// Says that nothing more comes from here.
    pub(in crate::stream) fn close(&mut self) -> io::Result<()> {
        if self.ended || self.send.is_none() {
            return Ok(());
        }
        self.send(Bytes::new(), true)
    }

    /// Breaks a stream off that has not been sent to its end; tells whether that was so.
    pub(super) fn abort(&mut self, reason: Reason) -> bool {
        match (&mut self.send, &mut self.side) {
            _ if self.ended => return false,
            (Some(send), _) => send.send_reset(reason),
            (None, Side::Server { respond, .. }) => respond.send_reset(reason),
            (None, Side::Client { .. }) => {}
        }
        true
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("ended", &self.ended).finish_non_exhaustive()
    }
}

fn failed(error: h2::Error) -> io::Error {
    error.into_io().unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
}

fn missing(error: &h2::Error) -> Missing {
    if error.reason() == Some(Reason::PROTOCOL_ERROR) && error.is_library() {
        return Missing::Invalid;
    }
    let refused = error.reason() == Some(Reason::REFUSED_STREAM);
    let leaving =
        error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR);
    Missing::Closed { untouched: refused || leaving }
}
