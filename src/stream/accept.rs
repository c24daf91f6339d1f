//! A client's connection: the session, the rules it meets first, and what its mode makes of it.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;

use crate::clock;
use crate::net;
use crate::net::Addr;
use crate::net::proxy_protocol;
use crate::net::proxy_protocol::Error;
use crate::program::Section;
use crate::proxy::Counter;
use crate::proxy::Mode;
use crate::proxy::Proxy;
use crate::rule::RuleSet;
use crate::rule::Verdict;
use crate::sample::Eval;
use crate::task;
use crate::txn::Direction;
use crate::txn::Failure;
use crate::txn::Session;
use crate::txn::Shared;
use crate::txn::Txn;
use crate::txn::Vars;

use super::end::End;
use super::handshake;
use super::http;
use super::http2;
use super::line;
use super::local::Entry;
use super::local::Local;
use super::tcp;

/// Runs a client's connection to its end. It counts as open from this call on, not only when the
/// future first runs: whoever accepts the next one must see it.
pub fn serve(
    local: Rc<Local>,
    conn: net::Stream,
    src: Addr,
    entry: Rc<Entry>,
) -> impl Future<Output = ()> {
    let open = local.section(entry.frontend).map(|section| Open::count(section, local.worker));
    async move {
        let _open = open;
        run(local, conn, src, &entry).await;
    }
}

async fn run(local: Rc<Local>, mut conn: net::Stream, src: Addr, entry: &Entry) {
    let program = Arc::clone(&local.program);
    let Some(section) = program.section(entry.frontend) else { return };
    if entry.nice != 0 {
        task::set_nice(entry.nice);
    }
    let dst = conn.local_addr().unwrap_or(Addr::Unnamed);
    let session = Rc::new(Session {
        id: local.next_session(),
        worker: local.worker,
        frontend: Arc::clone(&section.proxy),
        proxies: Arc::clone(&program.proxies),
        listener: entry.listener.clone(),
        src: RefCell::new(src),
        dst: RefCell::new(dst),
        accepted: clock::cached(),
        accept_date: clock::date(),
        expect_proxy: Cell::new(entry.accept_proxy),
        proxy_header: OnceCell::new(),
        vars: RefCell::new(Vars::default()),
        requests: Cell::new(0),
        tls: OnceCell::new(),
        failure: OnceCell::new(),
    });
    if section.proxy.options.client_tcp_keep_alive {
        // A UNIX socket has none, and that is as well.
        let _unused = conn.set_keepalive(&net::stream::Keepalive::default());
    }
    if !admit(&local, section, &session, &section.tcp_connection).await {
        return;
    }
    if session.expect_proxy.get()
        && let Err(error) = Box::pin(hear(section, &session, &conn)).await
    {
        refuse(&local, section, &session, Failure::from(&error));
        return;
    }
    if let Some(acceptor) = &entry.tls
        && let Err(failure) =
            Box::pin(handshake::accept(section, &session, &mut conn, acceptor)).await
    {
        refuse(&local, section, &session, failure);
        return;
    }
    if !admit(&local, section, &session, &section.tcp_session).await {
        return;
    }
    let agreed = conn.tls().is_some_and(|tls| tls.is_alpn(b"h2"));
    if (entry.http2 || agreed) && section.proxy.mode == Mode::Http {
        return Box::pin(http2::run(local, section, session, conn, BytesMut::new())).await;
    }
    let client = End::new(conn, section.proxy.timeouts.client);
    match section.proxy.mode {
        Mode::Http => http::run(local, section, session, client).await,
        Mode::Tcp => tcp::run(&local, section, session, client).await,
    }
}

/// Returns a new exchange of a session.
pub(super) fn new_exchange(local: &Local, session: &Rc<Session>, nth: u32) -> Txn {
    let id = local.next_stream();
    let mut txn = Txn::new(Rc::clone(session), id, nth, local.program.global.bufsize);
    for (places, slots) in txn.captures.iter_mut().zip(&session.frontend.captures) {
        places.resize(slots.len(), None);
    }
    txn
}

/// Notes and logs why a connection never becomes an exchange.
fn refuse(local: &Local, section: &Section, session: &Rc<Session>, failure: Failure) {
    let failure = session.failure.get_or_init(|| failure);
    line::refused(local, section, session, failure);
}

/// Reads the PROXY header that a connection begins with.
async fn hear(section: &Section, session: &Session, conn: &net::Stream) -> Result<(), Error> {
    let header = proxy_protocol::receive(conn, section.proxy.timeouts.client).await?;
    if let Some((src, dst)) = &header.addrs {
        session.src.replace(src.clone());
        session.dst.replace(dst.clone());
    }
    session.proxy_header.get_or_init(|| Box::new(header));
    Ok(())
}

/// Applies `tcp-request connection` or `tcp-request session`; false closes the connection.
async fn admit(local: &Local, section: &Section, session: &Rc<Session>, rules: &RuleSet) -> bool {
    if rules.is_empty() {
        return true;
    }
    let txn: Shared = new_exchange(local, session, 0).into_shared();
    let eval =
        Eval { txn: &txn, direction: Direction::Request, is_final: true, scripts: &local.scripts };
    match Box::pin(rules.run(eval)).await {
        Verdict::Continue | Verdict::Accept | Verdict::Wait => true,
        Verdict::Deny
        | Verdict::Reject
        | Verdict::Reply
        | Verdict::Tarpit
        | Verdict::Service(_)
        | Verdict::Done
        | Verdict::Invalid
        | Verdict::Error => {
            section.proxy.counters.add(local.worker, Counter::RequestsDenied, 1);
            false
        }
    }
}

/// A connection that is counted while it is open.
struct Open {
    proxy: Arc<Proxy>,
    worker: usize,
}

impl Open {
    fn count(section: &Section, worker: usize) -> Self {
        let proxy = Arc::clone(&section.proxy);
        proxy.counters.add(worker, Counter::Current, 1);
        proxy.counters.add(worker, Counter::Total, 1);
        Self { proxy, worker }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.proxy.counters.add(self.worker, Counter::Current, -1);
    }
}
