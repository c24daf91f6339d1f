//! Heads that are read, put right or refused; what haproxy 2.6 did with each is beside it.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::http::Limits;
use crate::http::Text;
use crate::http::Version;

use Body::Chunked;
use Body::Length;
use Body::UntilClose;

/// Lines after `POST / HTTP/1.1` and `Host: x`; what is sent on in their place, the body, whether the
/// connection is kept; what haproxy 2.6 does.
type Framed = (&'static str, Result<(&'static str, Body, bool), Error>, &'static str);

const FRAMED: &[Framed] = &[
    ("", Ok(("", Body::None, true)), "same"),
    ("Content-Length: 3", Ok(("content-length: 3", Length(3), true)), "same"),
    ("Content-Length: 0", Ok(("content-length: 0", Length(0), true)), "same"),
    ("Content-Length: 3\r\nContent-Length: 3", Ok(("content-length: 3", Length(3), true)), "same"),
    ("Content-Length: 3, 3", Ok(("content-length: 3", Length(3), true)), "same"),
    ("Content-Length: 003", Ok(("content-length: 3", Length(3), true)), "sends 003"),
    ("Content-Length: 3, 03", Ok(("content-length: 3", Length(3), true)), "sends 03"),
    ("Content-Length: 3\r\nContent-Length: 4", Err(Error::Length), "400"),
    ("Content-Length: 3, 4", Err(Error::Length), "400"),
    ("Content-Length: 3,", Err(Error::Length), "400"),
    ("Content-Length: +3", Err(Error::Length), "400"),
    ("Content-Length: -3", Err(Error::Length), "400"),
    ("Content-Length: 0x3", Err(Error::Length), "400"),
    ("Content-Length:", Err(Error::Length), "400"),
    ("Content-Length: 3 3", Err(Error::Length), "400"),
    ("Content-Length: 3a", Err(Error::Length), "400"),
    ("Content-Length: \"3\"", Err(Error::Length), "400"),
    ("Content-Length: 99999999999999999999", Err(Error::Length), "400"),
    ("Content-Length: 9223372036854775808", Err(Error::Length), "400"),
    ("Content-Length: 18446744073709551615", Err(Error::Length), "accepts"),
    ("Transfer-Encoding: chunked", Ok(("transfer-encoding: chunked", Chunked, true)), "same"),
    ("Transfer-Encoding:\tchunked", Ok(("transfer-encoding: chunked", Chunked, true)), "same"),
    (
        "Transfer-Encoding: ChUnKeD",
        Ok(("transfer-encoding: chunked", Chunked, true)),
        "sends ChUnKeD",
    ),
    (
        "Transfer-Encoding: chunked,",
        Ok(("transfer-encoding: chunked", Chunked, true)),
        "sends the comma",
    ),
    (
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        Ok(("transfer-encoding: chunked", Chunked, false)),
        "same",
    ),
    (
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        Ok(("transfer-encoding: chunked", Chunked, false)),
        "same",
    ),
    (
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 6",
        Err(Error::Length),
        "400",
    ),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: chunked, chunked", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: chunked, gzip", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: gzip", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: gzip\r\nContent-Length: 3", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: identity\r\nContent-Length: 3", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: xchunked", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: chunked;q=1", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: \"chunked\"", Err(Error::Encoding), "400"),
    ("Transfer-Encoding:", Err(Error::Encoding), "400"),
    ("Transfer-Encoding: gzip, chunked", Err(Error::Coding), "422"),
    ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", Err(Error::Coding), "422"),
    ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", Err(Error::Coding), "422"),
    ("Transfer-Encoding: ,chunked", Err(Error::Coding), "422"),
    ("Transfer-Encoding:\x0bchunked", Err(Error::Value), "400"),
    ("Transfer-Encoding : chunked", Err(Error::Name), "400"),
    ("Transfer-Encoding: chunked\0", Err(Error::Value), "400"),
    ("Transfer-Encoding:\r\n chunked", Err(Error::Name), "unfolds"),
    (" Transfer-Encoding: chunked", Err(Error::Name), "unfolds"),
    ("Transfer_Encoding: chunked", Ok(("transfer_encoding: chunked", Body::None, true)), "same"),
    ("A: b\r\n c", Err(Error::Name), "unfolds"),
    ("A: b\nB: c", Ok(("a: b\r\nb: c", Body::None, true)), "same"),
    ("A: b\rB: c", Err(Error::Value), "400"),
    ("A: b\r\r", Err(Error::Value), "400"),
    ("A\0: b", Err(Error::Name), "400"),
    ("A: \0b", Err(Error::Value), "accepts"),
    ("A: \x01b\x7f", Err(Error::Value), "accepts"),
    ("A: \u{e9}", Ok(("a: \u{e9}", Body::None, true)), "same"),
    ("\u{e9}: a", Err(Error::Name), "400"),
    (": a", Err(Error::Name), "400"),
    ("abc", Err(Error::Name), "400"),
    ("a b: c", Err(Error::Name), "400"),
    ("abc:", Ok(("abc: ", Body::None, true)), "same"),
    ("A:  \t b \t", Ok(("a: b", Body::None, true)), "same"),
    ("Host: x", Ok(("", Body::None, true)), "same"),
    ("Host: X", Ok(("", Body::None, true)), "same"),
    ("Host: y", Err(Error::Host), "400"),
    ("Connection: close", Ok(("", Body::None, false)), "same"),
    ("Connection: keep-alive, foo", Ok(("connection: foo", Body::None, true)), "same"),
    (
        "Connection: TE, close\r\nTE: trailers",
        Ok(("connection: TE\r\nte: trailers", Body::None, false)),
        "same",
    ),
    ("TE: trailers, gzip", Ok(("te: trailers", Body::None, true)), "same"),
    (
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive",
        Ok(("keep-alive: timeout=5\r\nproxy-connection: keep-alive", Body::None, true)),
        "same",
    ),
    (
        "Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 3",
        Ok(("connection: Upgrade\r\ncontent-length: 3", Length(3), true)),
        "same",
    ),
];

#[test]
fn framing_is_clear_or_refused() {
    for (lines, expected, oracle) in FRAMED {
        let end = if lines.is_empty() { "" } else { "\r\n" };
        let input = format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}{end}\r\n3\r\nabc");
        let found = request(input.as_bytes()).unwrap_or_else(|| panic!("{lines:?}: not complete"));
        let expected = expected.map(|(lines, body, keep)| {
            let end = if lines.is_empty() { "" } else { "\r\n" };
            (format!("POST / HTTP/1.1\r\nhost: x\r\n{lines}{end}\r\n"), body, keep)
        });
        let found = found.map(|(request, framing, rest)| {
            assert_eq!(rest, b"3\r\nabc", "{lines:?}");
            (written(&request), framing.body, framing.keep_alive)
        });
        assert_eq!(
            found.map_err(|refused| refused.error),
            expected,
            "{lines:?} (haproxy: {oracle})"
        );
    }
}

/// A head without its last empty line; what is sent on; what haproxy 2.6 does.
type Started = (&'static str, Result<&'static str, Error>, &'static str);

const STARTED: &[Started] = &[
    ("GET / HTTP/1.1\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("GET / HTTP/1.1\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("\nGET / HTTP/1.1\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("GET  /  HTTP/1.1\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    (" GET / HTTP/1.1\r\nHost: x", Err(Error::Method), "400"),
    ("GET\t/\tHTTP/1.1\r\nHost: x", Err(Error::Method), "accepts"),
    ("GET / HTTP/1.1 \r\nHost: x", Err(Error::Line), "400"),
    ("GET / HTTP/1.1\r\n Host: x", Err(Error::Name), "400"),
    ("GET /a b HTTP/1.1\r\nHost: x", Err(Error::Version), "400"),
    ("GET /a b HTTP/1.5", Err(Error::Version), "400"),
    ("GET http://:80/ HTTP/1.0", Err(Error::Uri), "accepts"),
    ("GET x://:/ HTTP/1.0", Err(Error::Uri), "accepts"),
    ("GET /\u{e9} HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET /\x7f HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET /\x01 HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET /\0 HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET /a#f HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET a/b HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET x:80 HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("get / HTTP/1.1\r\nHost: x", Ok("get / HTTP/1.1\r\nhost: x"), "same"),
    ("G!#x / HTTP/1.1\r\nHost: x", Ok("G!#x / HTTP/1.1\r\nhost: x"), "same"),
    ("G(T / HTTP/1.1\r\nHost: x", Err(Error::Method), "400"),
    ("GET /\r\nHost: x", Err(Error::Uri), "400"),
    ("GET / HTTP/0.9\r\nHost: x", Err(Error::Version), "accepts"),
    ("GET / HTTP/1.2\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("GET / HTTP/1.9\r\nHost: x", Ok("GET / HTTP/1.1\r\nhost: x"), "same"),
    ("GET / HTTP/2.0\r\nHost: x", Err(Error::Version), "accepts"),
    ("GET / HTTP/1.6\r\r\nHost: x", Err(Error::Version), "400"),
    ("GET / HTTP/1.\r\nHost: x", Err(Error::Version), "400"),
    ("GET / HTTP/11\r\nHost: x", Err(Error::Version), "400"),
    ("GET / HTTP/1.10\r\nHost: x", Err(Error::Line), "400"),
    ("GET / HTTP/1.20\r\nHost: x", Err(Error::Version), "400"),
    ("GET / HTTP/01.1\r\nHost: x", Err(Error::Version), "400"),
    ("GET / http/1.1\r\nHost: x", Err(Error::Version), "400"),
    ("GET / RTSP/1.0\r\nHost: x", Err(Error::Version), "400"),
    ("GET / HTTP/1.0\r\nHost: x", Ok("GET / HTTP/1.0\r\nhost: x"), "same"),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", Err(Error::Encoding), "accepts"),
    // where to
    ("GET / HTTP/1.1", Ok("GET / HTTP/1.1"), "same"),
    ("GET * HTTP/1.1\r\nHost: x", Ok("GET * HTTP/1.1\r\nhost: x"), "same"),
    ("OPTIONS * HTTP/1.1\r\nHost: x", Ok("OPTIONS * HTTP/1.1\r\nhost: x"), "same"),
    ("GET //x/y HTTP/1.1\r\nHost: x", Ok("GET //x/y HTTP/1.1\r\nhost: x"), "same"),
    ("GET http://x/ HTTP/1.1", Ok("GET http://x/ HTTP/1.1"), "same"),
    ("GET http://x HTTP/1.1\r\nHost: x", Ok("GET http://x HTTP/1.1\r\nhost: x"), "same"),
    ("GET http://x/ HTTP/1.1\r\nHost: X", Ok("GET http://x/ HTTP/1.1\r\nhost: X"), "same"),
    ("GET http://u@x/ HTTP/1.1\r\nHost: x", Ok("GET http://u@x/ HTTP/1.1\r\nhost: x"), "same"),
    (
        "GET http://u@x:80/p HTTP/1.1\r\nHost: x:80",
        Ok("GET http://u@x/p HTTP/1.1\r\nhost: x"),
        "same",
    ),
    ("GET http://x:/ HTTP/1.1\r\nHost: x", Ok("GET http://x/ HTTP/1.1\r\nhost: x"), "same"),
    ("GET https://x:443/ HTTP/1.1\r\nHost: x", Ok("GET https://x/ HTTP/1.1\r\nhost: x"), "same"),
    ("GET http://x/ HTTP/1.1\r\nHost: x:80", Ok("GET http://x/ HTTP/1.1\r\nhost: x:80"), "same"),
    (
        "GET http://x:81/ HTTP/1.1\r\nHost: x:81",
        Ok("GET http://x:81/ HTTP/1.1\r\nhost: x:81"),
        "same",
    ),
    ("GET http://x:81/ HTTP/1.1\r\nHost: x", Err(Error::Host), "400"),
    ("GET http://y/ HTTP/1.1\r\nHost: x", Err(Error::Host), "400"),
    ("GET http://x/ HTTP/1.1\r\nHost:", Err(Error::Host), "400"),
    ("GET http://x?a=1 HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("GET http:/// HTTP/1.1\r\nHost: x", Err(Error::Uri), "accepts"),
    ("GET ftp://x:21/ HTTP/1.1\r\nHost: x", Err(Error::Host), "400"),
    ("CONNECT x:80 HTTP/1.1", Ok("CONNECT x:80 HTTP/1.1"), "same"),
    ("CONNECT x:443 HTTP/1.1\r\nHost: x:443", Ok("CONNECT x:443 HTTP/1.1\r\nhost: x"), "same"),
    ("CONNECT x:8 HTTP/1.1\r\nHost: x", Err(Error::Host), "400"),
    ("CONNECT y:80 HTTP/1.1\r\nHost: x", Err(Error::Host), "400"),
    ("CONNECT x HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("CONNECT x: HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    ("CONNECT /x HTTP/1.1\r\nHost: x", Err(Error::Uri), "400"),
    (
        "CONNECT x:8 HTTP/1.1\r\nHost: x:8\r\nContent-Length: 3",
        Ok("CONNECT x:8 HTTP/1.1\r\nhost: x:8"),
        "same",
    ),
    ("GET / HTTP/1.1\r\nHost:", Ok("GET / HTTP/1.1\r\nhost: "), "same"),
    ("GET / HTTP/1.1\r\nHost: [::1]:80", Ok("GET / HTTP/1.1\r\nhost: [::1]:80"), "same"),
    ("GET / HTTP/1.1\r\nHost: a_b.c%20:", Ok("GET / HTTP/1.1\r\nhost: a_b.c%20:"), "same"),
    ("GET / HTTP/1.1\r\nHost: a b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: a/b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: a@b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: a?b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: a#b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: a:b", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: ::1", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: [::1", Err(Error::Host), "accepts"),
    ("GET / HTTP/1.1\r\nHost: \u{e9}", Err(Error::Host), "accepts"),
    // another protocol
    (
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: foo",
        Ok("GET / HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: foo"),
        "same",
    ),
    ("GET / HTTP/1.1\r\nUpgrade: websocket", Ok("GET / HTTP/1.1\r\nupgrade: websocket"), "same"),
    ("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: WebSocket", Err(Error::Upgrade), "400"),
    ("POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket", Err(Error::Upgrade), "400"),
    (
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a",
        Err(Error::Upgrade),
        "400",
    ),
];

#[test]
fn requests_start_as_they_must() {
    for (head, expected, oracle) in STARTED {
        let found = request(format!("{head}\r\n\r\n").as_bytes());
        let found = found.unwrap_or_else(|| panic!("{head:?}: not complete"));
        let found = found.map(|(request, ..)| written(&request)).map_err(|refused| refused.error);
        let expected = expected.map(|head| format!("{head}\r\n\r\n"));
        assert_eq!(found, expected, "{head:?} (haproxy: {oracle})");
    }
}

/// A response without its last empty line; its body, whether the connection is kept, and what is
/// sent on; what haproxy 2.6 does.
type Answered = (&'static str, Result<(Body, bool, &'static str), Error>, &'static str);

const ANSWERED: &[Answered] = &[
    ("HTTP/1.1 200 OK", Ok((UntilClose, false, "HTTP/1.1 200 OK")), "same"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 3",
        Ok((Length(3), true, "HTTP/1.1 200 OK\r\ncontent-length: 3")),
        "same",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3",
        Ok((Length(3), true, "HTTP/1.1 200 OK\r\ncontent-length: 3")),
        "same",
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4", Err(Error::Length), "502"),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
        Ok((Chunked, true, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked")),
        "same",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3",
        Ok((Chunked, false, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked")),
        "same",
    ),
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked",
        Ok((Chunked, false, "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked")),
        "same",
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip", Err(Error::Encoding), "502"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked", Err(Error::Coding), "502"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked", Err(Error::Encoding), "502"),
    ("HTTP/1.1 204 No\r\nContent-Length: 3", Ok((Body::None, true, "HTTP/1.1 204 No")), "same"),
    (
        "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked",
        Ok((Body::None, true, "HTTP/1.1 204 No")),
        "same",
    ),
    (
        "HTTP/1.1 304 No\r\nContent-Length: 3",
        Ok((Body::None, true, "HTTP/1.1 304 No\r\ncontent-length: 3")),
        "same",
    ),
    (
        "HTTP/1.1 103 Early\r\nLink: a",
        Ok((Body::None, true, "HTTP/1.1 103 Early\r\nlink: a")),
        "same",
    ),
    (
        "HTTP/1.1 101 Sw\r\nConnection: upgrade\r\nUpgrade: foo",
        Ok((Body::Tunnel, false, "HTTP/1.1 101 Sw\r\nconnection: upgrade\r\nupgrade: foo")),
        "same",
    ),
    (
        "HTTP/1.0 200 OK\r\nContent-Length: 3",
        Ok((Length(3), false, "HTTP/1.0 200 OK\r\ncontent-length: 3")),
        "same",
    ),
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3",
        Ok((Length(3), true, "HTTP/1.0 200 OK\r\ncontent-length: 3")),
        "same",
    ),
    ("HTTP/1.1 200", Ok((UntilClose, false, "HTTP/1.1 200 ")), "same"),
    ("HTTP/1.1 200 ", Ok((UntilClose, false, "HTTP/1.1 200 ")), "same"),
    ("HTTP/1.1  200  OK", Ok((UntilClose, false, "HTTP/1.1 200 OK")), "same"),
    ("HTTP/1.1 404 Not  Here", Ok((UntilClose, false, "HTTP/1.1 404 Not  Here")), "same"),
    ("HTTP/1.1 200 caf\u{e9}", Ok((UntilClose, false, "HTTP/1.1 200 caf\u{e9}")), "same"),
    ("HTTP/1.2 200 OK", Ok((UntilClose, false, "HTTP/1.1 200 OK")), "same"),
    ("HTTP/1.1 999 OK", Ok((UntilClose, false, "HTTP/1.1 999 OK")), "same"),
    ("\r\nHTTP/1.1 200 OK", Ok((UntilClose, false, "HTTP/1.1 200 OK")), "same"),
    ("HTTP/1.1 099 OK", Err(Error::Status), "accepts"),
    ("HTTP/1.1 1000 OK", Err(Error::Status), "accepts"),
    ("HTTP/1.1 20 OK", Err(Error::Status), "accepts"),
    ("HTTP/1.1 2x0 OK", Err(Error::Status), "502"),
    ("HTTP/1.1 200 a\x01b", Err(Error::Status), "accepts"),
    ("HTTP/2.0 200 OK", Err(Error::Version), "accepts"),
    ("ICY 200 OK", Err(Error::Version), "502"),
    ("HTTP/1.1 200 OK\r\nA: b\r\n c", Err(Error::Name), "unfolds"),
    ("HTTP/1.1 200 OK\r\nA : b", Err(Error::Name), "502"),
    ("HTTP/1.1 200 OK\r\nA: b\rc", Err(Error::Value), "502"),
    ("HTTP/1.1 200 OK\r\nContent-Length:\x0b3", Err(Error::Value), "502"),
];

#[test]
fn responses_are_framed_as_they_must() {
    for (head, expected, oracle) in ANSWERED {
        let found = response(format!("{head}\r\n\r\nabc").as_bytes(), &Method::Get);
        let found = found.unwrap_or_else(|| panic!("{head:?}: not complete"));
        let found = found.map(|(response, framing, rest)| {
            assert_eq!(rest, b"abc");
            let mut out = BytesMut::new();
            write_response(&response, &mut out);
            (framing.body, framing.keep_alive, text(&out))
        });
        let expected = expected.map(|(body, keep, head)| (body, keep, format!("{head}\r\n\r\n")));
        assert_eq!(found.map_err(Error::from), expected, "{head:?} (haproxy: {oracle})");
    }
}

#[test]
fn the_request_tells_whether_a_response_has_a_body() {
    for (method, head, body, keep) in [
        (Method::Head, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Body::None, true),
        (Method::Head, "HTTP/1.1 200 OK\r\n\r\n", Body::None, true),
        (Method::Head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Body::None, true),
        (Method::Connect, "HTTP/1.1 200 OK\r\n\r\n", Body::Tunnel, false),
        (Method::Connect, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Body::Tunnel, false),
        (Method::Connect, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\n", Length(3), true),
        (Method::Get, "HTTP/1.1 205 OK\r\nContent-Length: 0\r\n\r\n", Length(0), true),
    ] {
        let (found, framing, _) = response(head.as_bytes(), &method).unwrap().unwrap();
        assert_eq!((framing.body, framing.keep_alive), (body, keep), "{method} {head}");
        assert_eq!(response_framing(&found, &method).body, body);
    }
}

#[test]
fn a_framing_says_what_the_head_wants() {
    let input = b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
    assert!(request(input).unwrap().unwrap().1.expect);
    let input = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    assert!(!request(input).unwrap().unwrap().1.expect);
    let input = b"GET / HTTP/1.1\r\nConnection: a, upgrade\r\nUpgrade: foo\r\n\r\n";
    let (found, framing, _) = request(input).unwrap().unwrap();
    assert!(framing.upgrade);
    assert!(request_framing(&found).upgrade);
    let input = b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    assert!(request(input).unwrap().unwrap().1.keep_alive);
}

#[test]
fn a_built_message_that_contradicts_itself_is_not_kept() {
    let mut built = Request { uri: Text::from_static(b"/"), ..Request::default() };
    built.headers.add("Content-Length", "1");
    assert_eq!(request_framing(&built).body, Length(1));
    built.headers.add("Content-Length", "2");
    assert_eq!(request_framing(&built), UNCLEAR);
}

#[test]
fn heads_are_limited() {
    let head = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes();
    assert!(request(&head(&"a:b\r\n".repeat(101))).unwrap().is_ok());
    let many = request(&head(&"a:b\r\n".repeat(102))).unwrap();
    assert_eq!(many.unwrap_err().error, Error::TooMany);
    let limit = Limits::default().head - head("a: \r\n").len();
    let fits = head(&format!("a: {}\r\n", "b".repeat(limit)));
    assert!(request(&fits).unwrap().is_ok());
    let large = head(&format!("a: {}\r\n", "b".repeat(limit + 1)));
    let refused = request(&large).unwrap().unwrap_err();
    assert_eq!(refused, Refused { error: Error::TooLarge, at: 15360 });
    let limits = Limits { headers: 300, ..Limits::default() };
    let mut buf = BytesMut::from(&head(&"a:b\r\n".repeat(300))[..]);
    let (found, _) = parse_request(&mut buf, &limits).unwrap().unwrap();
    assert_eq!(found.headers.len(), 300);
}

#[test]
fn a_refusal_says_where() {
    for (input, at) in [
        ("G(T / HTTP/1.1\r\n\r\n", 1),
        ("GET /\x01 HTTP/1.1\r\n\r\n", 5),
        ("GET /a b HTTP/1.1\r\n\r\n", 9),
        ("GET / HTTP/3.1\r\n\r\n", 6),
        ("GET / HTTP/1.1\r\nA: b\r\nC d: e\r\n\r\n", 23),
        ("GET / HTTP/1.1\r\nA: b\0\r\n\r\n", 20),
        ("GET / HTTP/1.1\r\nA: b\r\nContent-Length: x\r\n\r\n", 38),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 31),
    ] {
        let mut buf = BytesMut::from(input);
        let refused = parse_request(&mut buf, &Limits::default()).unwrap_err();
        assert_eq!(refused.at, at, "{input:?} {refused:?}");
        assert_eq!(buf, input, "a refused head stays");
    }
}

#[test]
fn a_head_is_not_copied() {
    let input = b"GET /path HTTP/1.1\r\nHOST: x\r\n\r\n";
    let mut buf = BytesMut::from(&input[..]);
    let start = buf.as_ptr().addr();
    let (found, _) = parse_request(&mut buf, &Limits::default()).unwrap().unwrap();
    assert_eq!(found.uri.as_ptr().addr(), start + 4);
    assert_eq!(found.headers.get(0).unwrap().name.as_ptr().addr(), start + 20);
    assert_eq!(found.host().unwrap().as_ptr().addr(), start + 26);
}

/// A head, what it says about what follows, and the bytes that were not taken; `None`: not complete.
type Outcome<T, E = Refused> = Option<Result<(T, Framing, Vec<u8>), E>>;

fn request(input: &[u8]) -> Outcome<Request> {
    requests(&[input.to_vec()])
}

fn requests(pieces: &[Vec<u8>]) -> Outcome<Request> {
    read(pieces, |buf| parse_request(buf, &Limits::default()))
}

fn response(input: &[u8], method: &Method) -> Outcome<Response> {
    responses(&[input.to_vec()], method)
}

fn responses(pieces: &[Vec<u8>], method: &Method) -> Outcome<Response> {
    read(pieces, |buf| parse_response(buf, method, &Limits::default()))
}

/// Feeds pieces until there is an outcome, which has the bytes that were not taken.
fn read<T>(
    pieces: &[Vec<u8>],
    mut parse: impl FnMut(&mut BytesMut) -> Result<Option<(T, Framing)>, Refused>,
) -> Outcome<T> {
    let mut buf = BytesMut::new();
    let mut pieces = pieces.iter();
    loop {
        buf.extend_from_slice(pieces.next()?);
        match parse(&mut buf) {
            Ok(None) => {}
            Ok(Some((head, framing))) => {
                let rest = [&buf[..], &pieces.as_slice().concat()].concat();
                return Some(Ok((head, framing, rest)));
            }
            Err(refused) => return Some(Err(refused)),
        }
    }
}

fn written(request: &Request) -> String {
    let mut out = BytesMut::new();
    write_request(request, &mut out);
    text(&out)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fragments(mut input: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = input.split_at((*cut).min(input.len()));
        pieces.push(piece.to_vec());
        input = rest;
    }
    pieces.push(input.to_vec());
    pieces
}

/// What matters of an outcome: where a refusal is said to be may depend on how much is there.
fn gist<T>(outcome: Outcome<T>) -> Outcome<T, Error> {
    outcome.map(|outcome| outcome.map_err(Error::from))
}

fn heads() -> impl Strategy<Value = Vec<u8>> {
    let framed = FRAMED
        .iter()
        .map(|row| format!("POST / HTTP/1.1\r\nHost: x\r\n{}\r\n\r\nabc", row.0).into_bytes());
    let started = STARTED.iter().map(|row| format!("{}\r\n\r\nabc", row.0).into_bytes());
    let answered = ANSWERED.iter().map(|row| format!("{}\r\n\r\nabc", row.0).into_bytes());
    prop::sample::select(framed.chain(started).chain(answered).collect::<Vec<_>>())
}

#[test]
fn a_version_is_judged_alike_however_much_of_its_line_is_there() {
    for head in ["$ 2 HTTP/1.6\r\r\ng:w\r\n\r\n", "GET / HTTP/1.6\r\n\r\n"] {
        for cut in 0..head.len() {
            let pieces = [head[..cut].into(), head[cut..].into()];
            assert_eq!(gist(requests(&pieces)), gist(request(head.as_bytes())), "{head:?} {cut}");
        }
    }
    for head in [" HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n"] {
        for cut in 0..head.len() {
            let pieces = [head[..cut].into(), head[cut..].into()];
            let whole = gist(response(head.as_bytes(), &Method::Get));
            assert_eq!(gist(responses(&pieces, &Method::Get)), whole, "{head:?} {cut}");
        }
    }
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        head in heads(),
        cuts in prop::collection::vec(0usize..20, 0..60),
    ) {
        let pieces = fragments(&head, &cuts);
        prop_assert_eq!(gist(requests(&pieces)), gist(request(&head)));
        let method = Method::Get;
        prop_assert_eq!(gist(responses(&pieces, &method)), gist(response(&head, &method)));
    }

    #[test]
    fn changed_bytes_make_no_difference_between_pieces(
        mut head in heads(),
        at: prop::sample::Index,
        byte: u8,
        cuts in prop::collection::vec(1usize..4, 0..60),
    ) {
        *at.get_mut(&mut head) = byte;
        let pieces = fragments(&head, &cuts);
        prop_assert_eq!(gist(requests(&pieces)), gist(request(&head)));
        let method = Method::Head;
        prop_assert_eq!(gist(responses(&pieces, &method)), gist(response(&head, &method)));
    }

    #[test]
    fn what_is_sent_on_is_read_alike(mut head in heads(), at: prop::sample::Index, byte: u8) {
        *at.get_mut(&mut head) = byte;
        if let Some(Ok((sent, framing, _))) = request(&head) {
            let mut out = BytesMut::new();
            write_request(&sent, &mut out);
            let (found, again, rest) = request(&out).unwrap().unwrap();
            prop_assert_eq!(found, sent);
            prop_assert_eq!(again.body, framing.body);
            prop_assert!(rest.is_empty());
        }
        if let Some(Ok((sent, framing, _))) = response(&head, &Method::Get) {
            let mut out = BytesMut::new();
            write_response(&sent, &mut out);
            let (found, again, rest) = response(&out, &Method::Get).unwrap().unwrap();
            prop_assert_eq!(found, sent);
            prop_assert_eq!(again.body, framing.body);
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn no_bytes_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(request(&input));
        drop(response(&input, &Method::Get));
    }

    #[test]
    fn what_is_written_is_read(
        method in "[A-Z]{1,8}",
        path in "/[!-\"$-~]{0,20}",
        lines in prop::collection::vec(("x-[a-z0-9-]{1,10}", "[!-~]([ -~]{0,20}[!-~])?"), 0..10),
    ) {
        prop_assume!(method != "CONNECT");
        let mut sent = Request {
            method: Method::parse(method.as_bytes()).unwrap(),
            uri: path.into(),
            version: Version::Http11,
            headers: Headers::new(),
        };
        for (name, value) in lines {
            sent.headers.add(name, value);
        }
        let mut out = BytesMut::new();
        write_request(&sent, &mut out);
        let (found, _) = parse_request(&mut out, &Limits::default()).unwrap().unwrap();
        prop_assert_eq!(found, sent);
        prop_assert!(out.is_empty());
    }
}
