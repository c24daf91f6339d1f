//! Exchanges over HTTP/2, as the client sees them and as the server does; HAProxy's are the same.

use std::process::Command;

use base64::Engine as _;
use libtest_mimic::Trial;
use sha1::Digest as _;
use sha1::Sha1;

use super::frames::DATA;
use super::frames::END_STREAM;
use super::frames::HEADERS;
use super::frames::OK;
use super::frames::RST_STREAM;
use super::frames::Raw;
use super::frames::frame;
use super::frames::get;
use super::frames::head;
use super::frames::request;
use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::ONE_SERVER;
use crate::support::case::Scenario;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// The same, where the server speaks HTTP/2.
const OVER_HTTP2: &str = "
frontend web
    bind \"fd@${web}\"
    default_backend app
backend app
    server s1 \"${s1}\" proto h2
";

const LIST: &[Scenario] = &[
    ("request_as_the_server_gets_it", request_as_the_server_gets_it),
    ("cookies_become_one_line", cookies_become_one_line),
    ("authority_goes_before_host", authority_goes_before_host),
    ("body_without_a_length_is_chunked", body_without_a_length_is_chunked),
    ("trailers_of_a_request", trailers_of_a_request),
    ("trailers_of_an_answer", trailers_of_an_answer),
    ("answer_that_ends_with_its_connection", answer_that_ends_with_its_connection),
    ("streams_do_not_wait_for_one_another", streams_do_not_wait_for_one_another),
    ("connect_opens_a_tunnel", connect_opens_a_tunnel),
    ("websocket_over_http2", websocket_over_http2),
    ("log_says_http2", log_says_http2),
    ("prior_knowledge_on_a_bind_line", prior_knowledge_on_a_bind_line),
    ("dead_server_is_a_503", dead_server_is_a_503),
];

/// A case of two proxies.
type Link = (&'static str, fn(&Chain));

/// What a proxy does towards servers, with the other proxy behind it.
const CHAINS: &[Link] = &[
    ("request_over_http2_arrives", request_over_http2_arrives),
    ("many_requests_share_a_connection", many_requests_share_a_connection),
    ("chunks_and_trailers_become_frames", chunks_and_trailers_become_frames),
    ("websocket_from_http1", websocket_from_http1),
    ("server_that_goes_away_is_not_missed", server_that_goes_away_is_not_missed),
];

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = case::scenarios("h2::exchange", LIST);
    let name = "h2::exchange::answer_that_is_cut_off_is_reset::luaproxy";
    trials.push(peer::trial(name, &[], answer_that_is_cut_off_is_reset));
    trials.push(peer::trial(
        "h2::exchange::curl_and_nghttp",
        &[Tool::Curl, Tool::Nghttp],
        programs,
    ));
    for (name, run) in CHAINS {
        for front in Peer::BOTH {
            for back in Peer::BOTH {
                if (front, back) == (Peer::Haproxy, Peer::Haproxy) {
                    continue;
                }
                let (first, second) = (front.name(), back.name());
                let name = format!("h2::chain::{name}::{first}_to_{second}");
                let tools = [front.tools(), back.tools()].concat();
                trials.push(peer::trial(name, &tools, move || run(&Chain { front, back })));
            }
        }
    }
    trials
}

fn start(peer: Peer, origin: &Origin, config: &str) -> Proxy {
    Setup::new(peer).env("s1", origin.addr()).start(&format!("{GLOBAL}{HTTP}{config}"))
}

/// Sends a request and returns the body of the answer, which is 200.
fn ask(proxy: &Proxy, lines: &[(&str, &str)]) -> String {
    let mut raw = Raw::connect(proxy, b"");
    raw.client.send(request(1, lines));
    let (status, body) = raw.answer(1);
    assert_eq!(status, OK);
    body
}

fn request_as_the_server_gets_it(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin, ONE_SERVER);
    let lines =
        [&get("/a?b=c")[..], &[("x-one", "1"), ("te", "trailers"), ("x-two", "2")]].concat();
    let seen = ask(&proxy, &lines);
    assert_eq!(
        seen,
        "GET /a?b=c HTTP/1.1\r\nhost: x\r\nx-one: 1\r\nte: trailers\r\nx-two: 2\r\n\r\n"
    );
    proxy.stop();
}

fn cookies_become_one_line(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin, ONE_SERVER);
    let cookies = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")];
    let seen = ask(&proxy, &[&get("/")[..], &cookies].concat());
    assert_eq!(seen, "GET / HTTP/1.1\r\nhost: x\r\nx: y\r\ncookie: a=1; b=2; c=3\r\n\r\n");
    proxy.stop();
}

fn authority_goes_before_host(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin, ONE_SERVER);
    let seen = ask(&proxy, &[&get("/")[..], &[("host", "other")]].concat());
    assert_eq!(seen, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let alone = [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "other")];
    assert_eq!(ask(&proxy, &alone), "GET / HTTP/1.1\r\nhost: other\r\n\r\n");
    proxy.stop();
}

fn body_without_a_length_is_chunked(peer: Peer) {
    let origin = Origin::with(|client| {
        while let Some(message) = client.message() {
            let chunked = message.header("transfer-encoding") == Some("chunked");
            let text = format!("{chunked} {}", message.text());
            client.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()));
        }
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    let post = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/")];
    raw.client.send(head(1, &post));
    raw.client.send(frame(DATA, 0, 1, b"hello "));
    raw.client.send(frame(DATA, END_STREAM, 1, b"world"));
    assert_eq!(raw.answer(1), (OK, "true hello world".to_owned()));
    let sized = [&post[..], &[("content-length", "5")]].concat();
    raw.client.send(head(3, &sized));
    raw.client.send(frame(DATA, END_STREAM, 3, b"world"));
    assert_eq!(raw.answer(3), (OK, "false world".to_owned()));
    proxy.stop();
}

fn trailers_of_a_request(peer: Peer) {
    let origin = Origin::with(|client| {
        let message = client.message().unwrap();
        let text = message.trailers.replace("\r\n", "|");
        client.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()));
        client.message();
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(head(1, &get("/")));
    raw.client.send(frame(DATA, 0, 1, b"hello"));
    raw.client.send(request(1, &[("x-sum", "5")]));
    let (status, seen) = raw.answer(1);
    assert_eq!(status, OK);
    assert!(seen.starts_with("x-sum: 5|"), "{seen}");
    proxy.stop();
}

fn trailers_of_an_answer(peer: Peer) {
    let origin = Origin::start(Script::Answer(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n"
            .to_vec(),
    ));
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/")));
    assert!(!raw.next(&[HEADERS]).ends());
    let mut last = raw.next(&[DATA, HEADERS]);
    while last.kind == DATA {
        assert!(!last.ends());
        last = raw.next(&[DATA, HEADERS]);
    }
    assert!(last.ends());
    assert_eq!(raw.bodies[&1], b"hello");
    proxy.stop();
}

fn answer_that_ends_with_its_connection(peer: Peer) {
    let origin = Origin::start(Script::AnswerAndClose(b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec()));
    let proxy = start(peer, &origin, ONE_SERVER);
    assert_eq!(ask(&proxy, &get("/")), "hello");
    proxy.stop();
}

fn answer_that_is_cut_off_is_reset() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec();
    let origin = Origin::start(Script::AnswerAndClose(cut));
    let proxy = start(Peer::Luaproxy, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/")));
    assert_eq!(raw.next(&[RST_STREAM]).stream, 1);
    proxy.stop();
}

/// The answer to the second request comes while the first has none.
fn streams_do_not_wait_for_one_another(peer: Peer) {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::with(move |client| {
        while let Some(message) = client.message() {
            if message.head.starts_with("GET /slow") {
                wait.lock().unwrap().recv().unwrap();
            }
            client.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/slow")));
    raw.client.send(request(3, &get("/fast")));
    assert_eq!(raw.answer(3), (OK, "ok".to_owned()));
    go.send(()).unwrap();
    assert_eq!(raw.answer(1), (OK, "ok".to_owned()));
    proxy.stop();
}

/// Answers a head and sends back what follows.
fn mirror_after(begins: &'static str) -> Origin {
    Origin::with(move |client| {
        let head = client.head().unwrap();
        assert!(head.starts_with(begins), "{head}");
        let named = |line: &&str| line.to_ascii_lowercase().starts_with("sec-websocket-key: ");
        let key = head.lines().find(named).and_then(|line| line.split(' ').nth(1));
        client.send(key.map_or_else(|| "HTTP/1.1 200 OK\r\n\r\n".to_owned(), switch));
        while let Some(byte) = client.take_maybe(1) {
            client.send_maybe(byte);
        }
    })
}

/// The answer to a request for WebSocket (RFC 6455 4.2.2).
fn switch(key: &str) -> String {
    let sum = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(sum);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
}

fn talks(raw: &mut Raw) {
    let answer = raw.next(&[HEADERS]);
    // By its index, or spelled out as HAProxy does here.
    let good = answer.payload[0] == OK || answer.payload.starts_with(b"\x48\x03200");
    assert!(good && !answer.ends(), "{answer:?}");
    for word in ["hello", "again"] {
        raw.client.send(frame(DATA, 0, 1, word.as_bytes()));
        while raw.bodies.get(&1).map_or(0, Vec::len) < word.len() {
            raw.next(&[DATA]);
        }
        assert_eq!(raw.bodies.remove(&1).unwrap(), word.as_bytes());
    }
    raw.client.send(frame(DATA, END_STREAM, 1, b""));
    while !raw.next(&[DATA]).ends() {}
}

fn connect_opens_a_tunnel(peer: Peer) {
    let origin = mirror_after("CONNECT x:443 HTTP/1.1\r\n");
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(head(1, &[(":method", "CONNECT"), (":authority", "x:443")]));
    talks(&mut raw);
    proxy.stop();
}

/// RFC 8441.
fn websocket_over_http2(peer: Peer) {
    let origin = mirror_after("GET /chat HTTP/1.1\r\n");
    let proxy = start(peer, &origin, ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    let lines = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "x"),
        (":path", "/chat"),
        ("sec-websocket-version", "13"),
    ];
    raw.client.send(head(1, &lines));
    talks(&mut raw);
    proxy.stop();
}

fn log_says_http2(peer: Peer) {
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()));
    let proxy = start(peer, &origin, ONE_SERVER);
    assert_eq!(ask(&proxy, &get("/a?b")), "ok");
    proxy.wait_to_say(" web app/s1 ");
    proxy.wait_to_say("\"GET http://x/a?b HTTP/2.0\"");
    proxy.stop();
}

fn prior_knowledge_on_a_bind_line(peer: Peer) {
    let config = "
frontend web
    bind \"fd@${web}\" proto h2
    http-request return status 200 content-type text/plain lf-string \"%[fc_http_major] %[req.ver]\"
";
    let proxy = start(peer, &Origin::start(Script::Refused), config);
    assert_eq!(ask(&proxy, &get("/")), "2 2.0");
    let mut client = proxy.connect("web");
    client.send_maybe("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let rest = client.rest();
    assert!(!rest.starts_with(b"HTTP/1"), "{rest:?}");
    proxy.stop();
}

fn dead_server_is_a_503(peer: Peer) {
    let proxy = start(peer, &Origin::start(Script::Refused), ONE_SERVER);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/")));
    let (_, body) = raw.answer(1);
    assert!(body.contains("503 Service Unavailable"), "{body}");
    proxy.stop();
}

fn programs() {
    let proxy = start(Peer::Luaproxy, &Origin::start(Script::Echo), ONE_SERVER);
    let url = format!("http://{}/a", proxy.addr("web"));
    let run = |program: Tool, args: &[&str]| {
        let mut command = Command::new(program.path().unwrap());
        let out = command.args(args).arg(&url).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let curl =
        |args: &[&str]| run(Tool::Curl, &[&["-s", "--http2-prior-knowledge"], args].concat());
    assert!(curl(&[]).starts_with("GET /a HTTP/1.1\r\nhost: 127.0.0.1:"));
    assert!(
        curl(&["-d", "hello"])
            .ends_with("content-type: application/x-www-form-urlencoded\r\n\r\nhello")
    );
    assert!(curl(&["-I"]).starts_with("HTTP/2 200"));
    let seen = curl(&["-H", "expect: 100-continue", "-d", "hello", "-o", "-", "-v"]);
    assert!(seen.ends_with("hello"), "{seen}");
    let seen = run(Tool::Nghttp, &["-d", "/dev/null", "--trailer", "x-sum: 0"]);
    assert!(seen.starts_with("POST /a HTTP/1.1\r\n"), "{seen}");
    assert!(run(Tool::Nghttp, &["-m", "50"]).len() > 50 * 40);
    proxy.stop();
}

/// Two proxies that speak HTTP/2 to each other.
struct Chain {
    front: Peer,
    back: Peer,
}

impl Chain {
    fn start(&self, origin: &Origin, back: &str) -> (Proxy, Proxy) {
        let back = start(self.back, origin, back);
        let config = format!("{GLOBAL}{HTTP}{OVER_HTTP2}");
        (Setup::new(self.front).env("s1", back.addr("web")).start(&config), back)
    }
}

fn request_over_http2_arrives(chain: &Chain) {
    let origin = Origin::start(Script::Echo);
    let (front, back) = chain.start(&origin, ONE_SERVER);
    let mut client = front.connect("web");
    for nth in 0..3 {
        client.send(format!("POST /{nth}?q HTTP/1.1\r\nhost: y\r\ncontent-length: 5\r\n\r\nhello"));
        let answer = client.message().unwrap();
        assert_eq!(answer.status(), 200);
        let expected =
            format!("POST /{nth}?q HTTP/1.1\r\nhost: y\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(answer.text(), expected);
    }
    client.send("HEAD / HTTP/1.1\r\nhost: y\r\n\r\n");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(ask(&front, &get("/z")), "GET /z HTTP/1.1\r\nhost: x\r\n\r\n");
    front.stop();
    back.stop();
}

fn many_requests_share_a_connection(chain: &Chain) {
    let ports = "
frontend web
    bind \"fd@${web}\" proto h2
    http-request return status 200 content-type text/plain lf-string %[src_port]
";
    let (front, back) = chain.start(&Origin::start(Script::Refused), ports);
    let mut raw = Raw::connect(&front, b"");
    let mut port = |stream| {
        raw.client.send(request(stream, &get("/")));
        let (status, port) = raw.answer(stream);
        assert_eq!(status, OK);
        port
    };
    // HAProxy gives a client's first request a connection that may be its own.
    let _first = port(1);
    let second = port(3);
    for stream in (5..31).step_by(2) {
        assert_eq!(port(stream), second);
    }
    front.stop();
    back.stop();
}

fn chunks_and_trailers_become_frames(chain: &Chain) {
    let origin = Origin::with(|client| {
        while let Some(message) = client.message() {
            let text = format!("{}{}", message.text(), message.trailers.contains("x-sum: 5"));
            client.send(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n0\r\n\
                 x-back: 1\r\n\r\n",
                text.len()
            ));
        }
    });
    let (front, back) = chain.start(&origin, ONE_SERVER);
    let mut client = front.connect("web");
    client.send("POST / HTTP/1.1\r\nhost: y\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send("5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n");
    let answer = client.message().unwrap();
    assert_eq!(answer.text(), "hellotrue");
    assert!(answer.trailers.contains("x-back: 1"), "{}", answer.trailers);
    front.stop();
    back.stop();
}

fn websocket_from_http1(chain: &Chain) {
    let origin = mirror_after("GET /chat HTTP/1.1\r\n");
    let (front, back) = chain.start(&origin, ONE_SERVER);
    let mut client = front.connect("web");
    client.send(
        "GET /chat HTTP/1.1\r\nhost: y\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let head = client.head().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("ccept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    client.send("hello");
    assert_eq!(client.take(5), b"hello");
    front.stop();
    back.stop();
}

/// A server that has said goodbye gets no more requests on that connection, and nobody notices.
fn server_that_goes_away_is_not_missed(chain: &Chain) {
    let short = "
frontend web
    bind \"fd@${web}\" proto h2
    timeout http-keep-alive 1ms
    timeout client 1s
    http-request return status 200 content-type text/plain string ok
";
    let (front, back) = chain.start(&Origin::start(Script::Refused), short);
    let mut client: Client = front.connect("web");
    for _ in 0..20 {
        client.send("GET / HTTP/1.1\r\nhost: y\r\n\r\n");
        assert_eq!(client.message().unwrap().text(), "ok");
    }
    front.stop();
    back.stop();
}
