//! Examples that speak a protocol of their own.

use std::net::SocketAddr;

use super::curl;
use super::curl_url;
use super::run;
use super::start;
use super::try_run;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer::Tool;
use crate::support::proxy::Setup;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

pub(super) fn connect_proxy(setup: Setup) {
    let origin = Origin::start(Script::Answer(HELLO.into()));
    let setup = setup.env("CONNECT_PORTS", origin.addr().port());
    let proxy = start(setup, "connect_proxy", &["PROXY"]);
    let through = format!("http://{}", proxy.addr("PROXY"));
    let url = format!("http://{}/", origin.addr());
    let answer = run(Tool::Curl, &["-sS", "--proxytunnel", "--proxy", &through, &url]);
    assert_eq!(answer, "hello");

    // What is sent before the answer reaches the server.
    let mut client = proxy.connect("PROXY");
    client
        .send(format!("CONNECT {} HTTP/1.1\r\nx: y\r\n\r\nGET / HTTP/1.0\r\n\r\n", origin.addr()));
    assert_eq!(client.head().unwrap(), "HTTP/1.1 200 Connection established\r\n\r\n");
    assert_eq!(client.message().unwrap().text(), "hello");

    let many = format!("CONNECT 127.0.0.1:80 HTTP/1.1\r\n{}", "x: y\r\n".repeat(101));
    for (request, status) in [
        ("CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", 403),
        ("CONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n", 403),
        ("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", 403),
        ("CONNECT 999.0.0.1:443 HTTP/1.1\r\n\r\n", 403),
        ("CONNECT name.example:443 HTTP/1.1\r\n\r\n", 400),
        ("CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n", 400),
        ("CONNECT 127.0.0.1:80 HTTP/3\r\n\r\n", 400),
        ("GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", 405),
        ("\0\u{1}\n", 405),
        (&many, 400),
    ] {
        let mut client = proxy.connect("PROXY");
        client.send(request);
        assert_eq!(client.message().unwrap().status(), status, "{request}");
        client.ended();
    }
    proxy.stop();
}

pub(super) fn prometheus(setup: Setup) {
    let origin = Origin::start(Script::Answer(HELLO.into()));
    let proxy = start(setup.env("SERVER", origin.addr()), "prometheus", &["HTTP", "METRICS"]);
    for _ in 0..3 {
        assert_eq!(curl(&proxy, "/", &[]).status, 200);
    }
    let metrics = format!("http://{}/metrics", proxy.addr("METRICS"));
    let answer = curl_url(&metrics, &[]);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let value = |name: &str| {
        let line = answer.body.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in:\n{}", answer.body)).trim().to_owned()
    };
    assert_eq!(value("luaproxy_server_sessions_total{proxy=\"app\",server=\"s1\"}"), "3");
    assert_eq!(value("luaproxy_backend_responses_total{proxy=\"app\",code=\"2xx\"}"), "3");
    assert_eq!(value("luaproxy_frontend_responses_total{proxy=\"web\",code=\"5xx\"}"), "0");
    assert_ne!(value("luaproxy_frontend_bytes_in_total{proxy=\"web\"}"), "0", "{}", answer.body);
    check_exposition(&answer.body);
    let other = format!("http://{}/", proxy.addr("METRICS"));
    assert_eq!(curl_url(&other, &[]).status, 404);
    proxy.stop();
}

/// Checks that a text is what Prometheus reads: each sample below the type of its metric, and no
/// metric twice.
fn check_exposition(text: &str) {
    let (mut known, mut current) = (Vec::new(), String::new());
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert!(!known.contains(&name), "{line}");
            known.push(name);
            name.clone_into(&mut current);
        } else if !line.starts_with("# HELP ") {
            let (name, rest) = line.split_once('{').unwrap();
            let (labels, value) = rest.split_once("} ").unwrap();
            assert_eq!(name, current, "{line}");
            assert!(labels.split(',').all(|label| label.contains("=\"")), "{line}");
            assert!(value.parse::<u64>().is_ok(), "{line}");
        }
    }
    assert!(known.len() > 10, "{text}");
}

pub(super) fn redis_server(setup: Setup) {
    let proxy = start(setup, "redis_server", &["REDIS"]);
    let port = proxy.addr("REDIS").port().to_string();
    let ask = |words: &[&str]| run(Tool::RedisCli, &[&["-p", &port], words].concat());
    assert_eq!(ask(&["set", "greeting", "hello there"]), "OK\n");
    assert_eq!(ask(&["get", "greeting"]), "hello there\n");
    assert_eq!(ask(&["get", "none"]), "\n");
    assert_eq!(ask(&["incr", "number"]), "1\n");
    assert_eq!(ask(&["incr", "number"]), "2\n");
    assert!(ask(&["incr", "greeting"]).contains("not an integer"));
    assert_eq!(ask(&["dbsize"]), "2\n");
    assert_eq!(ask(&["set", "short", "x", "ex", "100"]), "OK\n");
    assert_eq!(ask(&["ttl", "greeting"]), "-1\n");
    assert!(["99\n", "100\n"].contains(&ask(&["ttl", "short"]).as_str()));
    assert!(ask(&["set", "short", "x", "ex", "never"]).contains("syntax error"));
    assert_eq!(ask(&["del", "short", "number", "none"]), "2\n");
    assert_eq!(ask(&["exists", "number"]), "0\n");
    assert!(ask(&["flushall"]).contains("unknown command"));
    assert!(ask(&["get"]).contains("wrong number of arguments"));

    // Many at once, what is no text, and as a person types it.
    let mut client = proxy.connect("REDIS");
    client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$6\r\n\r\n\0\xff\r\n\r\n*2\r\n$3\r\nget\r\n$1\r\nb\r\nPING\r\n\r\nping hello\r\n");
    let expected = b"+OK\r\n$6\r\n\r\n\0\xff\r\n\r\n+PONG\r\n$5\r\nhello\r\n";
    assert_eq!(client.take(expected.len()), expected);
    client.send("QUIT\r\n");
    assert_eq!(client.rest(), b"+OK\r\n");

    for (wrong, answer) in [
        ("*1000\r\n", "-ERR Protocol error: too many arguments\r\n"),
        ("*1\r\n$99999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*1\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*-1\r\n", "-ERR unknown command\r\n"),
        ("*2\r\n$4\r\nECHO\r\n$5\r\nhel", ""),
        ("*2\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    ] {
        let mut client = proxy.connect("REDIS");
        client.send(wrong);
        client.shut();
        assert_eq!(String::from_utf8(client.rest()).unwrap(), answer, "{wrong}");
    }
    proxy.stop();
}

pub(super) fn socks5(setup: Setup) {
    let origin = Origin::start(Script::Answer(HELLO.into()));
    let url = format!("http://{}/", origin.addr());
    let peer = setup.peer();
    let proxy = start(setup, "socks5", &["SOCKS"]);
    let through = proxy.addr("SOCKS").to_string();
    assert_eq!(run(Tool::Curl, &["-sS", "--socks5", &through, &url]), "hello");
    assert_eq!(run(Tool::Curl, &["-sS", "--socks5", &through, &url]), "hello");
    // A name is the client's to resolve.
    let named = url.replace("127.0.0.1", "localhost");
    assert!(!try_run(Tool::Curl, &["-sS", "--socks5-hostname", &through, &named]).status.success());

    // One byte after the other.
    let mut client = proxy.connect("SOCKS");
    let mut ask = |bytes: &[u8], answer: &[u8]| {
        for byte in bytes {
            client.send([*byte]);
        }
        assert_eq!(client.take(answer.len()), answer);
    };
    ask(b"\x05\x02\x01\x00", b"\x05\x00");
    ask(&to(b"\x01", origin.addr()), b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.message().unwrap().text(), "hello");

    for (hello, request, code) in [
        (&b"\x05\x01\x00"[..], to(b"\x01", ([192, 0, 2, 1], 80).into()), 2),
        (b"\x05\x01\x00", to(b"\x02", origin.addr()), 7),
        (b"\x05\x01\x00", b"\x05\x01\x00\x03\x01x\x00\x50".to_vec(), 8),
        (b"\x05\x01\x00", b"\x05\x01\x00\x09".to_vec(), 8),
    ] {
        let mut client = proxy.connect("SOCKS");
        // All at once.
        client.send([hello, &request].concat());
        assert_eq!(client.rest(), [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0], "{request:?}");
    }
    for (wrong, answer) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], &b""[..]),
        (b"\x05\x01\x07", b"\x05\xff"),
        (b"\x05\x00", b"\x05\xff"),
    ] {
        let mut client = proxy.connect("SOCKS");
        client.send(wrong);
        assert_eq!(client.rest(), answer, "{wrong:?}");
    }
    // Somebody who leaves within the talk.
    let client = proxy.connect("SOCKS");
    client.shut();
    drop(client);
    proxy.stop();

    let setup = Setup::new(peer).env("SOCKS_USER", "me").env("SOCKS_PASSWORD", "secret");
    let proxy = start(setup, "socks5", &["SOCKS"]);
    let as_who = |who: &str| {
        let through = format!("socks5://{who}{}", proxy.addr("SOCKS"));
        try_run(Tool::Curl, &["-sS", "--proxy", &through, &url])
    };
    assert_eq!(as_who("me:secret@").stdout, b"hello");
    assert!(!as_who("me:wrong@").status.success());
    assert!(!as_who("").status.success());
    proxy.stop();
}

/// Returns a request of SOCKS5: a command, and an IPv4 address to go to.
fn to(command: &[u8], addr: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(addr) = addr else { panic!("{addr} is not IPv4") };
    let port = addr.port().to_be_bytes();
    [b"\x05", command, b"\x00\x01", &addr.ip().octets(), &port].concat()
}
