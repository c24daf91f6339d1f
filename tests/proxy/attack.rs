//! Clients and servers that try to get at what is not theirs, or at more than their share.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use libtest_mimic::Trial;
use rustix::process::Signal;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::ONE_SERVER;
use crate::support::case::Scenario;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[
    ("answer_is_framed_by_the_method_that_was_sent", answer_is_framed_by_the_method_that_was_sent),
    ("request_is_not_repeated_after_an_interim_answer", not_repeated_after_an_interim_answer),
    ("burst_of_connections_is_held_back_at_maxconn", burst_is_held_back_at_maxconn),
    ("interim_answers_without_end_leave_others_served", interim_answers_leave_others_served),
    ("connection_with_credentials_serves_one_client", connection_with_credentials),
    ("http_reuse_never_keeps_one_connection", http_reuse_never_keeps_one_connection),
    ("one_server_that_is_full_does_not_stop_the_other", full_server_does_not_stop_the_other),
    ("hard_stop_after_ends_every_worker", hard_stop_after_ends_every_worker),
];

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) fn trials() -> Vec<Trial> {
    case::scenarios("proxy::attack", LIST)
}

/// Starts a proxy with one worker, so that nothing depends on which one accepts.
fn start(peer: Peer, origin: &Origin, config: &str) -> Proxy {
    let text = format!("{GLOBAL}    nbthread 1\n{HTTP}{config}");
    Setup::new(peer).env("s1", origin.addr()).start(&text)
}

/// A body that comes late, of an answer that the client takes to have none, is nobody's answer.
fn answer_is_framed_by_the_method_that_was_sent(peer: Peer) {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::with(move |client| {
        while let Some(request) = client.message() {
            if request.head.contains(" /first ") {
                assert!(request.head.starts_with("GET "), "{}", request.head);
                client.send_maybe("HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n");
                wait.lock().unwrap().recv().unwrap();
                client.send_maybe("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            } else {
                client.send_maybe(OK);
            }
        }
    });
    let config = ONE_SERVER.replace(
        "    default_backend",
        "    http-request set-method GET if { path /first }\n    default_backend",
    );
    let proxy = start(peer, &origin, &config);
    let mut client = proxy.connect("web");
    client.send("HEAD /first HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(client.head().unwrap().contains("content-length: 38"));
    client.send("GET /second HTTP/1.1\r\nhost: x\r\n\r\n");
    go.send(()).unwrap();
    assert_eq!(client.message().unwrap().text(), "ok");
    proxy.stop();
}

fn not_repeated_after_an_interim_answer(peer: Peer) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let origin = Origin::with(move |client| {
        while let Some(request) = client.message() {
            if request.head.contains(" /second ") {
                counted.fetch_add(1, Ordering::SeqCst);
                client.send_maybe("HTTP/1.1 103 Early Hints\r\n\r\n");
                return;
            }
            client.send_maybe(OK);
        }
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut client = proxy.connect("web");
    client.send("GET /first HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 200);
    client.send("GET /second HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 103 "));
    client.rest();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    proxy.stop();
}

fn burst_is_held_back_at_maxconn(peer: Peer) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (now, most.clone());
    let origin = Origin::with(move |client| {
        while client.message().is_some() {
            let count = counted.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(count, Ordering::SeqCst);
            // Long enough for others to come, if they could.
            (0..1000).for_each(|_| thread::yield_now());
            counted.fetch_sub(1, Ordering::SeqCst);
            client.send_maybe(OK);
        }
    });
    let config = ONE_SERVER.replace("    default_backend", "    maxconn 2\n    default_backend");
    let proxy = start(peer, &origin, &config);
    let mut clients: Vec<_> = (0..16).map(|_| proxy.connect("web")).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.message().unwrap().status(), 200);
    }
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 2, "{most} connections at the same time");
    proxy.stop();
}

fn interim_answers_leave_others_served(peer: Peer) {
    let origin = Origin::with(|client| {
        use std::io::Write;
        let Some(request) = client.message() else { return };
        if request.head.contains(" /other ") {
            client.send_maybe(OK);
            return;
        }
        let flood = "HTTP/1.1 102 Processing\r\n\r\n".repeat(2000);
        while client.socket.write_all(flood.as_bytes()).is_ok() {}
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut first = proxy.connect("web");
    first.send("GET /flood HTTP/1.0\r\n\r\n");
    for _ in 0..20 {
        let mut second = proxy.connect("web");
        second.send("GET /other HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert_eq!(second.message().unwrap().text(), "ok");
    }
    drop(first);
    proxy.stop();
}

/// NTLM holds for a connection, not for a request: whoever gets it is who has logged in there.
fn connection_with_credentials(peer: Peer) {
    let count = AtomicUsize::new(0);
    let origin = Origin::with(move |client| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        while let Some(request) = client.message() {
            let head = if request.head.contains(" /login ") {
                "401 Unauthorized\r\nwww-authenticate: NTLM abc"
            } else {
                "200 OK"
            };
            client.send_maybe(format!("HTTP/1.1 {head}\r\ncontent-length: 1\r\n\r\n{number}"));
        }
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let (mut other, mut user) = (proxy.connect("web"), proxy.connect("web"));
    other.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let others = other.message().unwrap().text();
    user.send("GET /login HTTP/1.1\r\nhost: x\r\n\r\n");
    let users = user.message().unwrap().text();
    assert_ne!(others, users);
    other.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(other.message().unwrap().text(), others);
    user.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(user.message().unwrap().text(), users);
    proxy.stop();
}

fn http_reuse_never_keeps_one_connection(peer: Peer) {
    let origin = Origin::start(Script::Answer(OK.into()));
    let config = ONE_SERVER.replace("    server", "    http-reuse never\n    server");
    let proxy = start(peer, &origin, &config);
    for clients in 1..=2 {
        let mut client = proxy.connect("web");
        for _ in 0..3 {
            client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
            assert_eq!(client.message().unwrap().text(), "ok");
        }
        assert_eq!(origin.connections(), clients);
    }
    proxy.stop();
}

/// Who waits for one server must not keep those waiting whom another could serve.
fn full_server_does_not_stop_the_other(peer: Peer) {
    let (done, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let wait = Mutex::new(wait);
    let origin = Origin::with(move |client| {
        while let Some(request) = client.message() {
            if request.head.contains(" /hold ") {
                tell.send(()).unwrap();
                wait.lock().unwrap().recv().unwrap_err();
            }
            client.send_maybe(OK);
        }
    });
    let config = ONE_SERVER.replace(
        "    server s1 \"${s1}\"\n",
        "    use-server s1 if { path /hold }\n    use-server s2 if { path /two }
    server s1 \"${s1}\" maxconn 1\n    server s2 \"${s1}\" maxconn 1\n",
    );
    let proxy = start(peer, &origin, &config);
    let mut held = [proxy.connect("web"), proxy.connect("web")];
    held[0].send("GET /hold HTTP/1.1\r\nhost: x\r\n\r\n");
    told.recv().unwrap();
    held[1].send("GET /hold HTTP/1.1\r\nhost: x\r\n\r\n");
    for path in ["/two", "/any", "/two"] {
        let mut client = proxy.connect("web");
        client.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
        assert_eq!(client.message().unwrap().status(), 200, "{path}");
    }
    drop(done);
    drop(held);
    proxy.stop();
}

fn hard_stop_after_ends_every_worker(peer: Peer) {
    let origin = Origin::start(Script::Silent);
    let text = format!("{GLOBAL}    nbthread 4\n    hard-stop-after 100ms\n{HTTP}{ONE_SERVER}");
    let mut proxy = Setup::new(peer).env("s1", origin.addr()).start(&text);
    let mut clients: Vec<_> = (0..4).map(|_| proxy.connect("web")).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        origin.wait_for_request();
    }
    proxy.process.signal(Signal::USR1);
    assert!(proxy.process.wait().success());
    clients.iter_mut().for_each(|client| drop(client.rest()));
}
