//! A client's connection that speaks HTTP/2: each of its streams is an exchange of its own.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use event_listener::EventListener;
use h2::Reason;
use h2::RecvStream;
use h2::server;
use h2::server::Connection;
use h2::server::SendResponse;

use crate::clock;
use crate::http::http2;
use crate::net;
use crate::net::timer::Deadline;
use crate::program::Section;
use crate::proxy::Counter;
use crate::sample;
use crate::task;
use crate::txn::Session;

use super::super::end::End;
use super::super::http;
use super::super::local::Local;
use super::io::Io;
use super::wire::Wire;

/// How long a client may take to go once it was told to.
const LINGER: Duration = Duration::from_secs(2);

/// How many of its own requests a client may break off before it is sent away; each that ends well
/// makes good for one.
const BROKEN_OFF: u32 = 1000;

/// A stream as it comes.
type Incoming = (::http::Request<RecvStream>, SendResponse<Bytes>);

/// Runs a client's connection to its end; `early` is what was read of it.
pub(in crate::stream) async fn run(
    local: Rc<Local>,
    frontend: &Section,
    session: Rc<Session>,
    stream: net::Stream,
    early: BytesMut,
) {
    let crew = Rc::new(Crew {
        stop: RefCell::new(Box::pin(local.stop_listener())),
        nice: task::nice(),
        local,
        session,
        open: Cell::new(0),
        broken_off: Cell::new(0),
        waker: RefCell::new(None),
    });
    let timeouts = &frontend.proxy.timeouts;
    let idle = Deadline::new();
    set(&idle, timeouts.http_request.or(timeouts.client));
    let handshake = builder(&crew.local).handshake(Io::new(stream, early));
    let Ok(Ok(connection)) = idle.bound(Box::pin(handshake)).await else { return };
    let mut client = Client { crew, frontend, connection, idle, phase: Phase::Open, nth: 0 };
    client.serve().await;
    let Client { crew, connection, .. } = client;
    // Streams that are still under way see that the connection is gone.
    drop(connection);
    crew.all_done().await;
    crew.local.pool.forget(crew.session.id);
}

fn builder(local: &Local) -> server::Builder {
    let settings = &local.program.global.http2;
    let mut builder = server::Builder::new();
    builder
        .initial_window_size(settings.fe.initial_window)
        .initial_connection_window_size(settings.fe.buffer)
        .max_concurrent_streams(settings.fe.streams)
        .header_table_size(settings.header_table)
        .max_frame_size(settings.max_frame)
        .max_header_list_size(super::head_size(local))
        .max_send_buffer_size(super::SEND_BUFFER)
        .enable_connect_protocol();
    builder
}

fn set(deadline: &Deadline, after: Option<Duration>) {
    match after {
        Some(after) => deadline.set_after(after),
        None => deadline.clear(),
    }
}

/// How far a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A soft stop: streams that there are go on.
    Leaving,
    /// The client has been told that this is the end.
    Closing,
}

/// A client's connection.
struct Client<'a> {
    crew: Rc<Crew>,
    frontend: &'a Section,
    connection: Connection<Io, Bytes>,
    /// Until when something must come while no stream is open.
    idle: Deadline,
    phase: Phase,
    nth: u32,
}

impl Client<'_> {
    async fn serve(&mut self) {
        while let Some((request, respond)) = poll_fn(|cx| self.poll_next(cx)).await {
            let (head, body) = request.into_parts();
            let stream = Stream { nth: self.nth, head, body, respond };
            self.nth = self.nth.wrapping_add(1);
            let most = self.crew.local.program.global.http2.fe.total;
            if self.phase == Phase::Open && most.is_some_and(|most| self.nth >= most) {
                self.phase = Phase::Leaving;
                self.connection.graceful_shutdown();
            }
            self.idle.clear();
            self.crew.enter();
            let crew = Rc::clone(&self.crew);
            task::spawn(async move {
                let leave = Leave(crew);
                stream.run(&leave.0).await;
            })
            .detach();
        }
    }

    /// Gives the next stream; `None` once the connection has ended.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.crew.waker.replace(Some(cx.waker().clone()));
        if self.phase == Phase::Open && self.crew.poll_stop(cx) {
            self.phase = Phase::Leaving;
            self.connection.graceful_shutdown();
        }
        if self.phase != Phase::Closing && self.crew.broken_off.get() > self.crew.most_broken_off()
        {
            self.close(Reason::ENHANCE_YOUR_CALM);
        }
        loop {
            // Streams that were broken off and are not done yet count too: more wait their turn,
            // and the library bounds how many of those may be broken off in turn.
            if self.crew.is_full() {
                let closed = self.connection.poll_closed(cx);
                if closed.is_ready() {
                    return Poll::Ready(None);
                }
            } else {
                match self.connection.poll_accept(cx) {
                    Poll::Ready(Some(Ok(stream))) => return Poll::Ready(Some(stream)),
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                    Poll::Pending => {}
                }
            }
            if self.crew.open.get() > 0 && self.phase != Phase::Closing {
                return Poll::Pending;
            }
            if self.idle.when().is_none() {
                self.rest();
            }
            if self.idle.poll_expired(cx).is_pending() {
                return Poll::Pending;
            }
            if self.phase != Phase::Open {
                return Poll::Ready(None);
            }
            self.close(Reason::NO_ERROR);
        }
    }

    /// Begins to wait for the next stream.
    fn rest(&self) {
        let timeouts = &self.frontend.proxy.timeouts;
        let keep = timeouts.http_keep_alive.or(timeouts.http_request).or(timeouts.client);
        set(&self.idle, if self.phase == Phase::Open { keep } else { Some(LINGER) });
    }

    fn close(&mut self, reason: Reason) {
        self.connection.abrupt_shutdown(reason);
        self.phase = Phase::Closing;
        self.idle.set_after(LINGER);
    }
}

/// What the streams of a connection share.
struct Crew {
    local: Rc<Local>,
    session: Rc<Session>,
    nice: i32,
    /// How many streams are under way.
    open: Cell<usize>,
    /// How many the client has broken off, less those that ended well.
    broken_off: Cell<u32>,
    /// Runs the connection.
    waker: RefCell<Option<Waker>>,
    /// Is ready when a soft stop begins.
    stop: RefCell<Pin<Box<EventListener>>>,
}

impl Crew {
    fn poll_stop(&self, cx: &mut Context<'_>) -> bool {
        self.local.is_stopping() || self.stop.borrow_mut().as_mut().poll(cx).is_ready()
    }

    fn is_full(&self) -> bool {
        let most = self.local.program.global.http2.fe.concurrent();
        self.open.get() >= most.saturating_mul(2)
    }

    fn most_broken_off(&self) -> u32 {
        self.local.program.global.http2.fe.glitches.unwrap_or(BROKEN_OFF)
    }

    fn enter(&self) {
        self.open.set(self.open.get().saturating_add(1));
    }

    fn note(&self, broken_off: bool) {
        let count = self.broken_off.get();
        let count = if broken_off { count.saturating_add(1) } else { count.saturating_sub(1) };
        self.broken_off.set(count);
    }

    async fn all_done(&self) {
        poll_fn(|cx| {
            self.waker.replace(Some(cx.waker().clone()));
            if self.open.get() == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// A stream that leaves its connection's count, however it ends.
struct Leave(Rc<Crew>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

/// One stream.
struct Stream {
    nth: u32,
    head: ::http::request::Parts,
    body: RecvStream,
    respond: SendResponse<Bytes>,
}

impl Stream {
    async fn run(self, crew: &Crew) {
        let local = &crew.local;
        let program = Arc::clone(&local.program);
        let Some(frontend) = program.section(crew.session.frontend.id) else { return };
        let Self { nth, head, body, mut respond } = self;
        let read = http2::read_request(&head, body.is_end_stream(), &local.limits, sample::nonce);
        drop(head);
        let Ok((request, framing)) = read else {
            // RFC 9113 8.1.1: a malformed request.
            frontend.proxy.counters.add(local.worker, Counter::RequestErrors, 1);
            respond.send_reset(Reason::PROTOCOL_ERROR);
            crew.note(true);
            return;
        };
        task::set_nice(crew.nice);
        let now = (clock::cached(), clock::cached_date());
        let wire = Wire::of_client(respond, body);
        let mut client = End::of_stream(wire, frontend.proxy.timeouts.client);
        let asked = http::Asked { request, framing, begun: now, first_byte: now, nth };
        let exchange = http::exchange(local, frontend, &crew.session, &mut client, asked);
        Box::pin(exchange).await;
        let broken_off = client.wire_mut().is_some_and(|wire| wire.abort(Reason::CANCEL));
        crew.note(broken_off);
    }
}
