//! Exchanges that take two sides acting in turn: large bodies, early answers, tunnels, reuse.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

use libtest_mimic::Trial;
use sha2::Digest;
use sha2::Sha256;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::ONE_SERVER;
use crate::support::case::Scenario;
use crate::support::case::TCP;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;
use crate::support::syslog::Syslog;

const LIST: &[Scenario] = &[
    ("large_request_body_with_length", large_request_body_with_length),
    ("large_request_body_in_chunks", large_request_body_in_chunks),
    ("large_response_body_with_length", large_response_body_with_length),
    ("large_response_body_in_chunks", large_response_body_in_chunks),
    ("large_bodies_both_ways_at_once_over_tcp", large_bodies_both_ways_at_once_over_tcp),
    ("head_in_single_bytes", head_in_single_bytes),
    ("body_arrives_in_steps", body_arrives_in_steps),
    ("answer_before_the_body_was_sent", answer_before_the_body_was_sent),
    ("continue_comes_from_the_server", continue_comes_from_the_server),
    ("tunnel_carries_both_directions", tunnel_carries_both_directions),
    ("server_connection_serves_many_requests", server_connection_serves_many_requests),
    ("dead_idle_server_connection_is_not_used", dead_idle_server_connection_is_not_used),
    ("head_just_under_the_buffer_passes", head_just_under_the_buffer_passes),
    ("head_beyond_the_buffer_is_refused", head_beyond_the_buffer_is_refused),
    ("more_headers_than_allowed_are_refused", more_headers_than_allowed_are_refused),
    ("answer_head_beyond_the_buffer_is_a_502", answer_head_beyond_the_buffer_is_a_502),
    ("slow_reader_holds_the_server_back", slow_reader_holds_the_server_back),
    ("slow_server_holds_the_client_back", slow_server_holds_the_client_back),
    ("client_reset_ends_the_server_side", client_reset_ends_the_server_side),
    ("server_reset_ends_the_client_side", server_reset_ends_the_client_side),
    ("one_at_a_time_when_maxconn_is_one", one_at_a_time_when_maxconn_is_one),
    ("queue_timeout_answers_503", queue_timeout_answers_503),
    ("round_robin_by_weight", round_robin_by_weight),
    ("syslog_over_udp", syslog_over_udp),
    ("syslog_rfc5424", syslog_rfc5424),
    ("half_close_of_the_server_over_tcp", half_close_of_the_server_over_tcp),
];

/// Large enough for many buffers, small enough for a debug build.
const LARGE: usize = 10 * 1024 * 1024;

pub(crate) fn trials() -> Vec<Trial> {
    case::scenarios("proxy::exchange", LIST)
}

fn start(peer: Peer, origin: &Origin) -> Proxy {
    start_with(peer, origin, HTTP, ONE_SERVER)
}

fn start_with(peer: Peer, origin: &Origin, defaults: &str, config: &str) -> Proxy {
    Setup::new(peer).env("s1", origin.addr()).start(&format!("{GLOBAL}{defaults}{config}"))
}

fn large_request_body_with_length(peer: Peer) {
    let origin = digesting_origin();
    let proxy = start(peer, &origin);
    let (mut client, body) = (proxy.connect("web"), noise(LARGE));
    client.send(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LARGE}\r\n\r\n"));
    client.send(&body);
    assert_eq!(client.message().unwrap().text(), digest(&body));
    proxy.stop();
}

fn large_request_body_in_chunks(peer: Peer) {
    let origin = digesting_origin();
    let proxy = start(peer, &origin);
    let (mut client, body) = (proxy.connect("web"), noise(LARGE));
    client.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(chunked(&body));
    assert_eq!(client.message().unwrap().text(), digest(&body));
    proxy.stop();
}

fn large_response_body_with_length(peer: Peer) {
    let origin = Origin::with(|client| {
        while client.message().is_some() {
            client.send_maybe(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n"));
            client.send_maybe(noise(LARGE));
        }
    });
    receives_large(&start(peer, &origin));
}

fn large_response_body_in_chunks(peer: Peer) {
    let origin = Origin::with(|client| {
        while client.message().is_some() {
            client.send_maybe("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            client.send_maybe(chunked(&noise(LARGE)));
        }
    });
    receives_large(&start(peer, &origin));
}

fn receives_large(proxy: &Proxy) {
    let mut client = proxy.connect("web");
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        let body = client.message().unwrap().body;
        assert_eq!(digest(&body), digest(&noise(LARGE)));
    }
}

fn large_bodies_both_ways_at_once_over_tcp(peer: Peer) {
    let origin = Origin::start(Script::Mirror);
    let proxy = start_with(peer, &origin, TCP, ONE_SERVER);
    let mut client = proxy.connect("web");
    let socket = client.socket.try_clone().unwrap();
    let writer = thread::spawn(move || {
        let mut client = Client::from_socket(socket);
        client.send(noise(LARGE));
        client.shut();
    });
    let body = client.rest();
    writer.join().unwrap();
    assert_eq!(digest(&body), digest(&noise(LARGE)));
    drop(client);
    proxy.stop();
}

fn head_in_single_bytes(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    for byte in b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.message().unwrap().text(), "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    proxy.stop();
}

fn body_arrives_in_steps(peer: Peer) {
    let (tell, told) = mpsc::channel();
    let origin = Origin::with(move |client| {
        let head = client.head().unwrap();
        tell.send(head).unwrap();
        for _ in 0..3 {
            tell.send(String::from_utf8(client.take(4)).unwrap()).unwrap();
        }
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\n");
    assert!(told.recv().unwrap().starts_with("POST / "), "the head goes on before the body");
    for part in ["one,", "two,", "last"] {
        client.send(part);
        assert_eq!(told.recv().unwrap(), part, "each part goes on as it comes");
    }
    assert_eq!(client.message().unwrap().status(), 200);
    proxy.stop();
}

fn answer_before_the_body_was_sent(peer: Peer) {
    let origin = Origin::with(|client| {
        client.head();
        client.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
        client.rest();
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    let answer = client.message().unwrap();
    assert_eq!((answer.status(), answer.text()), (413, "big".to_owned()));
    proxy.stop();
}

fn continue_comes_from_the_server(peer: Peer) {
    let origin = Origin::with(|client| {
        let head = client.head().unwrap();
        assert!(head.contains("expect: 100-continue"), "{head}");
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = client.take(4);
        assert_eq!(body, b"body");
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 100);
    client.send("body");
    assert_eq!(client.message().unwrap().status(), 200);
    proxy.stop();
}

fn tunnel_carries_both_directions(peer: Peer) {
    let origin = Origin::with(|client| {
        client.head();
        client
            .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
        for turn in 0..3 {
            assert_eq!(client.line(), format!("ping {turn}\n"));
            client.send(format!("pong {turn}\n"));
        }
        assert!(client.rest().is_empty());
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 101);
    for turn in 0..3 {
        client.send(format!("ping {turn}\n"));
        assert_eq!(client.line(), format!("pong {turn}\n"));
    }
    client.shut();
    client.ended();
    proxy.stop();
}

fn server_connection_serves_many_requests(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    for _ in 0..20 {
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!(client.message().unwrap().status(), 200);
    }
    assert_eq!(origin.connections(), 1, "one client keeps one server connection");
    proxy.stop();
}

fn dead_idle_server_connection_is_not_used(peer: Peer) {
    let origin = Origin::with(|client| {
        client.message();
        client.send_maybe("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    for _ in 0..10 {
        client.send_maybe("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        match client.message() {
            Some(answer) => assert_eq!(answer.status(), 200, "{}", proxy.said()),
            // HAProxy asks the client to try again; luaproxy tries again itself.
            None if peer == Peer::Haproxy => client = proxy.connect("web"),
            None => panic!("no answer; it said:\n{}", proxy.said()),
        }
    }
    proxy.stop();
}

fn head_just_under_the_buffer_passes(peer: Peer) {
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()));
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send(format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "a".repeat(15_000)));
    assert_eq!(client.message().unwrap().status(), 200);
    proxy.stop();
}

fn head_beyond_the_buffer_is_refused(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send_maybe(format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "a".repeat(20_000)));
    assert_eq!(client.message().unwrap().status(), 400);
    proxy.stop();
}

fn more_headers_than_allowed_are_refused(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send_maybe(format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200)));
    assert_eq!(client.message().unwrap().status(), 400);
    proxy.stop();
}

fn answer_head_beyond_the_buffer_is_a_502(peer: Peer) {
    let head = format!("HTTP/1.1 200 OK\r\nlong: {}\r\n\r\n", "a".repeat(20_000));
    let origin = Origin::start(Script::AnswerAndClose(head.into_bytes()));
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 502);
    proxy.stop();
}

/// The proxy must not take in what its client does not take off it.
fn slow_reader_holds_the_server_back(peer: Peer) {
    const FLOOD: usize = 256 * 1024 * 1024;
    let (tell, told) = mpsc::channel();
    let origin = Origin::with(move |client| {
        use std::io::Write;
        client.head();
        client.socket.set_write_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
        let (mut sent, part) = (0, vec![b'x'; 65536]);
        while sent < FLOOD {
            match client.socket.write(&part) {
                Ok(wrote) => sent += wrote,
                Err(_) => break,
            }
        }
        tell.send(sent).unwrap();
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let sent = told.recv().unwrap();
    assert!(sent < FLOOD / 4, "the server could write {sent} bytes to nobody");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 200") || sent > 0);
    drop(client);
    proxy.stop();
}

/// The proxy must not take in what its server does not take off it.
fn slow_server_holds_the_client_back(peer: Peer) {
    use std::io::Write;
    const FLOOD: usize = 256 * 1024 * 1024;
    let (done, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::with(move |client| {
        client.head();
        wait.lock().unwrap().recv().unwrap_err();
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {FLOOD}\r\n\r\n"));
    client.socket.set_write_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    let (mut sent, part) = (0, vec![b'x'; 65536]);
    while sent < FLOOD {
        match client.socket.write(&part) {
            Ok(wrote) => sent += wrote,
            Err(_) => break,
        }
    }
    assert!(sent < FLOOD / 4, "the client could write {sent} bytes to nobody");
    drop(done);
    drop(client);
    proxy.stop();
}

fn client_reset_ends_the_server_side(peer: Peer) {
    let (tell, told) = mpsc::channel();
    let gone = Arc::new(Barrier::new(2));
    let may_go_on = gone.clone();
    let origin = Origin::with(move |client| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nstart");
        may_go_on.wait();
        for _ in 0..9999 {
            client.send_maybe([b'x'; 100]);
        }
        client.rest();
        tell.send(()).unwrap();
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(client.head().is_some());
    assert_eq!(client.take(5), b"start");
    client.reset();
    gone.wait();
    told.recv().unwrap();
    let line = proxy.process.stdout.wait_for_text("\"GET / HTTP/1.1\"");
    assert!(line.contains(" CD-- "), "{line}");
    proxy.stop();
}

fn server_reset_ends_the_client_side(peer: Peer) {
    let origin = Origin::with(|client| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nstart");
        let socket = client.socket.try_clone().unwrap();
        Client::from_socket(socket).reset();
    });
    let proxy = start(peer, &origin);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.rest();
    let line = proxy.process.stdout.wait_for_text("\"GET / HTTP/1.1\"");
    assert!(line.contains(" SD-- ") || line.contains(" SH-- "), "{line}");
    proxy.stop();
}

/// Two clients, a server that may have one connection: the second waits for the first.
fn one_at_a_time_when_maxconn_is_one(peer: Peer) {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let origin = Origin::with(move |client| {
        while client.message().is_some() {
            opened.wait();
            client.send_maybe("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let config = ONE_SERVER.replace("server s1 \"${s1}\"", "server s1 \"${s1}\" maxconn 1");
    let proxy = start_with(peer, &origin, HTTP, &config);
    let mut clients = [proxy.connect("web"), proxy.connect("web")];
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    }
    for _ in 0..2 {
        gate.wait();
    }
    for client in &mut clients {
        assert_eq!(client.message().unwrap().status(), 200);
    }
    proxy.stop();
}

fn queue_timeout_answers_503(peer: Peer) {
    let origin = Origin::start(Script::Silent);
    let config = ONE_SERVER
        .replace("server s1 \"${s1}\"", "timeout queue 100ms\n    server s1 \"${s1}\" maxconn 1");
    let proxy = start_with(peer, &origin, HTTP, &config);
    let mut first = proxy.connect("web");
    first.send("GET /first HTTP/1.1\r\nhost: x\r\n\r\n");
    origin.wait_for_request();
    let mut second = proxy.connect("web");
    second.send("GET /second HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(second.message().unwrap().status(), 503);
    let line = proxy.process.stdout.wait_for_text("/second");
    assert!(line.contains(" 503 217 - - sQ-- "), "{line}");
    assert!(line.contains("app/<NOSRV>"), "{line}");
}

fn round_robin_by_weight(peer: Peer) {
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()));
    let config = ONE_SERVER.replace(
        "    server s1 \"${s1}\"\n",
        "    balance roundrobin
    http-response set-header x-server %s
    server a \"${s1}\" weight 20
    server b \"${s1}\" weight 10
    server c \"${s1}\" weight 0\n",
    );
    let proxy = start_with(peer, &origin, HTTP, &config);
    let mut client = proxy.connect("web");
    let mut counts = [0; 3];
    for _ in 0..30 {
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = client.message().unwrap();
        let server = answer.header("x-server").unwrap().as_bytes()[0] - b'a';
        counts[usize::from(server)] += 1;
    }
    assert_eq!(counts, [20, 10, 0]);
    proxy.stop();
}

fn syslog_over_udp(peer: Peer) {
    let line = syslog_line(peer, "log \"${log}\" local3\n    log-tag mytag");
    let (head, rest) = line.split_once(" mytag[").unwrap_or_else(|| panic!("{line}"));
    assert!(head.starts_with("<158>"), "{line}");
    let (id, rest) = rest.split_once("]: ").unwrap_or_else(|| panic!("{line}"));
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
    assert!(rest.starts_with("127.0.0.1:"), "{line}");
    assert!(rest.trim_end().ends_with("\"GET / HTTP/1.1\""), "{line}");
}

fn syslog_rfc5424(peer: Peer) {
    let line = syslog_line(peer, "log \"${log}\" format rfc5424 daemon");
    assert!(line.starts_with("<30>1 20"), "{line}");
    assert!(line.contains(" haproxy ") || line.contains(" luaproxy "), "{line}");
    assert!(line.contains(" - - 127.0.0.1:"), "{line}");
}

/// Returns the datagram that one request is logged with.
fn syslog_line(peer: Peer, log: &str) -> String {
    let (origin, syslog) = (Origin::start(Script::Echo), Syslog::start());
    let config = format!("global\n    {log}\n{HTTP}{ONE_SERVER}");
    let setup = Setup::new(peer).env("s1", origin.addr()).env("log", syslog.addr());
    let proxy = setup.start(&config);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 200);
    let line = syslog.lines.wait_for_text("GET / HTTP/1.1");
    proxy.stop();
    line
}

fn half_close_of_the_server_over_tcp(peer: Peer) {
    let (tell, told) = mpsc::channel();
    let origin = Origin::with(move |client| {
        client.send("all I say\n");
        client.shut();
        tell.send(client.rest()).unwrap();
    });
    let proxy = start_with(peer, &origin, TCP, ONE_SERVER);
    let mut client = proxy.connect("web");
    assert_eq!(client.line(), "all I say\n");
    client.ended();
    client.send("but I go on\n");
    client.shut();
    assert_eq!(told.recv().unwrap(), b"but I go on\n");
    proxy.stop();
}

/// A server that answers with the digest of each request's body.
fn digesting_origin() -> Origin {
    Origin::with(|client| {
        while let Some(request) = client.message() {
            let digest = digest(&request.body);
            let length = digest.len();
            client
                .send_maybe(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{digest}"));
        }
    })
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Returns that many bytes without a pattern, the same at each call.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Returns the body in chunks of many sizes.
fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 8);
    let mut rest = body;
    let mut size = 1;
    while !rest.is_empty() {
        let (part, left) = rest.split_at(size.min(rest.len()));
        out.extend(format!("{:x}\r\n", part.len()).bytes());
        out.extend(part);
        out.extend(b"\r\n");
        rest = left;
        size = (size * 7 + 3) % 65_537 + 1;
    }
    out.extend(b"0\r\n\r\n");
    out
}
