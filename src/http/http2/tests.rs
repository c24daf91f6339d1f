//! Heads of HTTP/2, from the library's and into it.

use ::http::header::HeaderName;

use super::*;

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut request = ::http::Request::new(());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = uri.parse().unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request.into_parts().0
}

fn read(head: &request::Parts, ended: bool) -> Result<(Request, Framing), Error> {
    read_request(head, ended, &Limits::default(), || Text::from_static(b"key"))
}

fn shown(headers: &Headers) -> String {
    let line = |line: &super::super::Header| {
        let text = |part: &Text| String::from_utf8(part.to_vec()).unwrap();
        format!("{}: {}\n", text(&line.name), text(&line.value))
    };
    headers.iter().map(line).collect()
}

#[test]
fn a_request_is_read_as_haproxy_reads_it() {
    let headers = [("cookie", "a=1"), ("x", " y "), ("host", "other"), ("cookie", "b=2")];
    let (request, framing) = read(&parts("GET", "http://x/a?b", &headers), true).unwrap();
    assert_eq!(request.uri, "http://x/a?b");
    assert_eq!(request.version.as_str(), "HTTP/2.0");
    assert_eq!(shown(&request.headers), "host: x\nx: y\ncookie: a=1; b=2\n");
    assert_eq!(framing.body, Body::None);
    let (request, _) = read(&parts("GET", "/a", &[("host", "y")]), true).unwrap();
    assert_eq!((&request.uri[..], shown(&request.headers)), (&b"/a"[..], "host: y\n".to_owned()));
    let (request, _) = read(&parts("CONNECT", "x:1", &[]), false).unwrap();
    assert_eq!(request.uri, "x:1");
}

#[test]
fn a_body_is_framed_by_its_length_or_its_end() {
    for (length, ended, body) in [
        (None, true, Body::None),
        (None, false, Body::Chunked),
        (Some("0"), true, Body::Length(0)),
        (Some("5"), false, Body::Length(5)),
    ] {
        let headers: Vec<_> = length.iter().map(|length| ("content-length", *length)).collect();
        let (_, framing) = read(&parts("POST", "http://x/", &headers), ended).unwrap();
        assert_eq!(framing.body, body, "{length:?} {ended}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for (uri, headers, error) in [
        ("http://u@x/", &[][..], Error::Uri),
        ("/", &[("host", "a"), ("host", "b")], Error::Host),
        ("/", &[("host", "a/b")], Error::Host),
        ("http://x/", &[("content-length", "1"), ("content-length", "2")], Error::Length),
        ("http://x/", &[("content-length", "+1")], Error::Length),
        ("http://x/", &[("transfer-encoding", "gzip")], Error::Encoding),
    ] {
        assert_eq!(read(&parts("GET", uri, headers), true).unwrap_err(), error, "{uri}");
    }
    let many = [("a", "b"); 102];
    assert_eq!(read(&parts("GET", "/", &many), true).unwrap_err(), Error::TooMany);
}

#[test]
fn what_belongs_to_a_connection_does_not_leave_it() {
    let mut request = Request { uri: "/a".into(), ..Request::default() };
    for (name, value) in [
        ("host", "x"),
        ("connection", "keep-alive, x-own"),
        ("keep-alive", "timeout=5"),
        ("x-own", "1"),
        ("te", "gzip, trailers"),
        ("transfer-encoding", "chunked"),
        ("accept", "*/*"),
    ] {
        request.headers.add(name, value);
    }
    let made = write_request(&request, "http").unwrap();
    assert_eq!(made.uri(), "http://x/a");
    let mut names: Vec<_> = made.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "te"]);
    assert_eq!(made.headers()["te"], "trailers");
    let mut response = Response::new(204);
    response.headers.add("connection", "close");
    response.headers.add("upgrade", "x");
    assert!(write_response(&response).unwrap().headers().is_empty());
    response.headers.add("bad name", "x");
    assert_eq!(write_response(&response).unwrap_err(), Error::Name);
}

#[test]
fn websocket_is_asked_for_in_either_way() {
    let mut head = parts("CONNECT", "http://x/chat", &[("sec-websocket-version", "13")]);
    head.extensions.insert(Protocol::from_static("websocket"));
    let (request, framing) = read(&head, false).unwrap();
    assert!(framing.upgrade);
    assert_eq!(request.method, Method::Get);
    assert!(shown(&request.headers).contains("upgrade: websocket\nsec-websocket-key: key\n"));
    let again = write_request(&request, "http").unwrap();
    assert_eq!(again.method(), ::http::Method::CONNECT);
    assert_eq!(again.extensions().get::<Protocol>().unwrap().as_str(), "websocket");
    assert!(!again.headers().contains_key("sec-websocket-key"));
    // RFC 6455 1.3.
    let (granted, _) =
        upgraded(Response::new(200), Some(&Text::from_static(b"dGhlIHNhbXBsZSBub25jZQ==")));
    assert_eq!(granted.status, 101);
    assert_eq!(
        granted.headers.first("sec-websocket-accept").unwrap(),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    head.extensions.insert(Protocol::from_static("connect-udp"));
    assert_eq!(read(&head, false).unwrap_err(), Error::Upgrade);
}

#[test]
fn a_response_is_read() {
    let mut head = ::http::Response::new(()).into_parts().0;
    let limits = Limits::default();
    for (ended, method, body) in [
        (true, Method::Get, Body::Length(0)),
        (false, Method::Get, Body::Chunked),
        (true, Method::Head, Body::None),
        (false, Method::Connect, Body::Tunnel),
    ] {
        let (response, framing) = read_response(&head, ended, &method, &limits).unwrap();
        assert_eq!((response.status, &response.reason[..]), (200, &b"OK"[..]));
        assert_eq!(framing.body, body, "{method:?} {ended}");
    }
    head.status = StatusCode::NO_CONTENT;
    let (_, framing) = read_response(&head, true, &Method::Get, &limits).unwrap();
    assert_eq!(framing.body, Body::None);
}
