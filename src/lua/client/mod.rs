//! The HTTP client of scripts: HTTP/1.1 over the worker's sockets, with TLS or without;
//! connections are used again.
//! Knows no Lua.

use std::borrow::Cow;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;

use super::account::Charge;
use super::book::Info;
use super::connect;
use super::connect::READ_SIZE;
use super::connect::reason;
use super::tls::Wish;
use crate::clock;
use crate::http;
use crate::http::Headers;
use crate::http::Method;
use crate::http::Response;
use crate::http::body::Decoder;
use crate::http::chunked;
use crate::http::chunked::Event;
use crate::http::h1;
use crate::net::Stream;
use crate::net::timer;

mod pool;
mod target;

pub(super) use pool::Pool;
pub(super) use target::Target;
pub(super) use target::Unusable;

/// A request as it is sent.
#[derive(Debug)]
pub(super) struct Request {
    pub target: Target,
    pub head: http::Request,
    /// All of the body; `None` where it comes piece by piece.
    pub body: Option<Bytes>,
    pub limits: Limits,
}

/// How long what may take, and how often it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// From the beginning to the end.
    pub total: Option<Duration>,
    /// Until a connection is there, with TLS where it is wanted.
    pub connect: Duration,
    /// Until the response's head is there, and between two pieces of a body.
    pub response: Option<Duration>,
    pub retries: u32,
}

/// Why there is no response, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// `connect`, `send`, `response` or `body`.
    pub phase: &'static str,
    pub why: Cow<'static, str>,
    again: Again,
}

/// Whether a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// It may have been served, or will never be.
    No,
    /// After a pause.
    Later,
    /// The connection was an idle one that the server has closed.
    AtOnce,
}

/// A request under way, and its response.
#[derive(Debug)]
pub(super) struct Exchange {
    connection: Connection,
    target: Target,
    method: Method,
    response_limit: Option<Duration>,
    deadline: Option<Instant>,
    /// Pieces of the request's body are still to come.
    uploading: bool,
    /// What could not be sent at once.
    unsent: Bytes,
    /// The server has said something.
    heard: bool,
    /// Once the response's head has come.
    decoder: Option<Decoder>,
    keep_alive: bool,
}

/// A connection to a server.
#[derive(Debug)]
struct Connection {
    stream: Stream,
    buf: BytesMut,
    /// It has carried a request before.
    reused: bool,
    _charges: Option<(Charge, Charge)>,
}

/// How much of a response is read ahead while the request is still sent.
const AHEAD: usize = 64 << 10;

/// The first pause before another try; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(50);

const LONGEST_PAUSE: Duration = Duration::from_secs(1);

const TIMEOUT: &str = "timeout";
const CLOSED: &str = "closed";

impl Limits {
    /// HAProxy's `httpclient.retries` and `httpclient.timeout.connect`.
    pub(super) const DEFAULT: Self = Self {
        total: None,
        connect: Duration::from_secs(5),
        response: Some(Duration::from_secs(30)),
        retries: 3,
    };
}

impl Exchange {
    /// Connects and sends a request, as often as may be tried; waits for the response's head,
    /// unless there is more to be sent.
    pub(super) async fn begin(
        request: &Request,
        info: &Info,
        pool: &Rc<Pool>,
    ) -> Result<(Self, Option<Response>), Fault> {
        let deadline = request.limits.total.and_then(|limit| clock::cached().checked_add(limit));
        let mut pause = PAUSE;
        let mut tries = 0;
        loop {
            let fault = match Self::attempt(request, info, pool, deadline).await {
                Ok(begun) => return Ok(begun),
                Err(fault) => fault,
            };
            match fault.again {
                Again::AtOnce => continue,
                Again::Later if tries < request.limits.retries => {}
                Again::Later | Again::No => return Err(fault),
            }
            tries += 1;
            bound(deadline, None, timer::sleep(pause)).await.map_err(|_| fault)?;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(
        request: &Request,
        info: &Info,
        pool: &Rc<Pool>,
        deadline: Option<Instant>,
    ) -> Result<(Self, Option<Response>), Fault> {
        // Who closes an idle connection may have got the request: only what may be sent twice
        // takes one.
        let method = &request.head.method;
        let kept = (method.is_idempotent() && request.body.is_some())
            .then(|| pool.take(&request.target))
            .flatten();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let opening = Connection::open(&request.target, info, pool);
                bound(deadline, Some(request.limits.connect), opening)
                    .await
                    .unwrap_or_else(|_| Err(Fault::again("connect", TIMEOUT)))?
            }
        };
        let mut head = BytesMut::new();
        h1::write_request(&request.head, &mut head);
        head.extend_from_slice(request.body.as_deref().unwrap_or_default());
        let mut exchange = Self {
            connection,
            target: request.target.clone(),
            method: method.clone(),
            response_limit: request.limits.response,
            deadline,
            uploading: request.body.is_none(),
            unsent: head.freeze(),
            heard: false,
            decoder: None,
            keep_alive: false,
        };
        if exchange.uploading {
            exchange.send().await?;
            return Ok((exchange, None));
        }
        match exchange.head().await {
            Ok(response) => Ok((exchange, Some(response))),
            Err(fault) if fault.again == Again::No || !method.is_idempotent() => {
                Err(Fault { again: Again::No, ..fault })
            }
            Err(fault) if exchange.connection.reused => {
                Err(Fault { again: Again::AtOnce, ..fault })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Sends a piece of the body; false where the answer must be read before it goes on.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<bool, Fault> {
        // An empty chunk would be the last.
        if !piece.is_empty() && self.uploading {
            self.encode(|out| chunked::write_chunk(piece, out));
        }
        self.send().await
    }

    /// Ends the body.
    pub(super) async fn finish(&mut self) -> Result<bool, Fault> {
        if std::mem::take(&mut self.uploading) {
            self.encode(|out| chunked::write_last(&Headers::new(), out));
        }
        self.send().await
    }

    fn encode(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut out = BytesMut::from(&self.unsent[..]);
        write(&mut out);
        self.unsent = out.freeze();
    }

    /// Waits for the head of the response, while what is left of the request is sent.
    pub(super) async fn head(&mut self) -> Result<Response, Fault> {
        let (deadline, limit) = (self.deadline, self.response_limit);
        let found = bound(deadline, limit, poll_fn(|cx| self.poll_head(cx))).await;
        found.unwrap_or_else(|_| Err(Fault::new("response", TIMEOUT)))
    }

    /// Returns the next piece of the response's body; `None` at its end.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        let (deadline, limit) = (self.deadline, self.response_limit);
        let found = bound(deadline, limit, poll_fn(|cx| self.poll_body(cx))).await;
        found.unwrap_or_else(|_| Err(Fault::new("body", TIMEOUT)))
    }

    /// Gives the connection to the pool, if nothing is under way on it.
    pub(super) fn release(self, pool: &Rc<Pool>) {
        let done = self.decoder.as_ref().is_some_and(Decoder::is_done);
        let sent = self.unsent.is_empty() && !self.uploading;
        if done && sent && self.keep_alive && self.connection.buf.is_empty() {
            pool.put(self.target, Connection { reused: true, ..self.connection });
        }
    }

    /// Sends what is unsent; false where the server wants its answer to be read first.
    async fn send(&mut self) -> Result<bool, Fault> {
        let (deadline, limit) = (self.deadline, self.response_limit);
        let sent = bound(deadline, limit, poll_fn(|cx| self.poll_send(cx))).await;
        sent.unwrap_or_else(|_| Err(Fault::new("send", TIMEOUT)))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Fault>> {
        loop {
            match self.poll_push(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(true)),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Fault::new("send", CLOSED))),
                Poll::Pending if self.connection.buf.len() >= AHEAD => {
                    return Poll::Ready(Ok(false));
                }
                Poll::Pending => match ready!(self.connection.poll_fill(cx)) {
                    Ok(count) if count > 0 => {}
                    _ => return Poll::Ready(Err(Fault::new("send", CLOSED))),
                },
            }
        }
    }

    /// Sends what it can, beside reading.
    ///
    /// An answer may come before the whole request was sent; who gives it may read no more.
    fn go_on_sending(&mut self, cx: &mut Context<'_>) {
        let _unused = self.poll_push(cx);
    }

    /// Gives what is unsent to the socket.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let count = ready!(self.connection.stream.poll_write(cx, &self.unsent))?;
            drop(self.unsent.split_to(count));
        }
        self.connection.stream.poll_flush(cx)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response, Fault>> {
        let limits = http::Limits::default();
        loop {
            self.go_on_sending(cx);
            match h1::parse_response(&mut self.connection.buf, &self.method, &limits) {
                Ok(Some((response, _))) if response.is_interim() => {
                    // A server may send them without end.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Some((response, framing))) => {
                    self.decoder = Some(Decoder::new(framing.body, &limits));
                    self.keep_alive = framing.keep_alive;
                    return Poll::Ready(Ok(response));
                }
                Ok(None) => {}
                Err(refused) => {
                    return Poll::Ready(Err(Fault::new("response", refused.error.as_str())));
                }
            }
            let why = match ready!(self.connection.poll_fill(cx)) {
                Ok(0) => CLOSED,
                Ok(_) => {
                    self.heard = true;
                    continue;
                }
                Err(error) => reason(&error),
            };
            let again = if self.heard { Again::No } else { Again::Later };
            return Poll::Ready(Err(Fault { phase: "response", why: why.into(), again }));
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        loop {
            self.go_on_sending(cx);
            let Some(decoder) = &mut self.decoder else { return Poll::Ready(Ok(None)) };
            if decoder.is_done() {
                return Poll::Ready(Ok(None));
            }
            match decoder.decode(&mut self.connection.buf) {
                Ok(Event::Data(data)) => return Poll::Ready(Ok(Some(data))),
                Ok(Event::Trailers(_)) => return Poll::Ready(Ok(None)),
                Ok(Event::NeedMore) => {}
                Err(error) => return Poll::Ready(Err(Fault::new("body", error.as_str()))),
            }
            match ready!(self.connection.poll_fill(cx)) {
                Ok(0) => {
                    self.keep_alive = false;
                    // Whoever cuts a connection must not pass for the server that ends its answer.
                    if self.connection.stream.is_truncated() {
                        return Poll::Ready(Err(Fault::new("body", CLOSED)));
                    }
                    let end = decoder.close().map(|()| None);
                    return Poll::Ready(end.map_err(|_| Fault::new("body", CLOSED)));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Fault::new("body", reason(&error)))),
            }
        }
    }
}

impl Connection {
    async fn open(target: &Target, info: &Info, pool: &Rc<Pool>) -> Result<Self, Fault> {
        let weight = target.tls.as_ref().map_or(0, Wish::weight);
        let charges = info.tenant.as_ref().map(|account| {
            connect::charges(account, weight).or_else(|_| {
                // What is idle makes room.
                pool.clear();
                connect::charges(account, weight)
            })
        });
        let charges = charges.transpose();
        let charges = charges.map_err(|_| Fault::new("connect", "too many sockets"))?;
        let mut stream = connect::open(&target.destination, info).await.map_err(|why| {
            let final_word = matches!(why, "refused by policy" | "host not found");
            let again = if final_word { Again::No } else { Again::Later };
            Fault { phase: "connect", why: why.into(), again }
        })?;
        if let Some(wish) = &target.tls {
            let usual = info.book.settings.borrow().client_tls.clone();
            let secured = wish.secure(&mut stream, &target.destination, usual).await;
            secured.map_err(|failure| {
                let again = if failure.is_broken { Again::Later } else { Again::No };
                Fault { phase: "connect", why: failure.why.into(), again }
            })?;
        }
        Ok(Self { stream, buf: BytesMut::new(), reused: false, _charges: charges })
    }

    /// Reads more; 0 is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // On the stack: nothing is held while it waits.
        let mut chunk = [0; READ_SIZE];
        let count = ready!(self.stream.poll_read(cx, &mut chunk))?;
        self.buf.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }
}

impl Fault {
    /// There is no request any more.
    pub(super) const CLOSED: Self =
        Self { phase: "response", why: Cow::Borrowed(CLOSED), again: Again::No };

    fn new(phase: &'static str, why: &'static str) -> Self {
        Self { phase, why: Cow::Borrowed(why), again: Again::No }
    }

    fn again(phase: &'static str, why: &'static str) -> Self {
        Self { phase, why: Cow::Borrowed(why), again: Again::Later }
    }
}

/// Awaits something until a deadline and for no longer than a limit.
async fn bound<T>(
    deadline: Option<Instant>,
    limit: Option<Duration>,
    what: impl Future<Output = T>,
) -> Result<T, timer::Elapsed> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(clock::cached()));
    match [left, limit].into_iter().flatten().min() {
        Some(limit) => timer::timeout(limit, what).await,
        None => Ok(what.await),
    }
}
