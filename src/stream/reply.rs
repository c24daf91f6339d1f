//! Answers made here: by rules, by scripts, and for what went wrong.

use bytes::Bytes;
use bytes::BytesMut;

use crate::http;
use crate::http::Limits;
use crate::http::Method;
use crate::http::Response;
use crate::http::h1;
use crate::proxy::Proxy;
use crate::txn::Reply;

/// Returns the head and the body of an answer.
pub(super) fn build(proxy: &Proxy, reply: &Reply, limits: &Limits) -> (Response, Bytes) {
    let found = if reply.from_error_files { find(proxy, reply.status, limits) } else { None };
    let (mut head, body) = found.unwrap_or_else(|| {
        let mut head = Response::new(reply.status);
        head.headers.add("content-length", reply.body.len().to_string());
        (head, reply.body.clone())
    });
    if !reply.reason.is_empty() {
        head.reason = reply.reason.clone();
    }
    for (name, value) in &reply.headers {
        head.headers.add(name, value.clone());
    }
    (head, body)
}

/// Returns the bytes of an answer where there is no request to be answered.
pub(super) fn raw(proxy: &Proxy, status: u16) -> Bytes {
    let mut files = proxy.error_answers.iter();
    let file = files.find(|(known, _)| *known == status).map(|(_, file)| file.clone());
    file.or_else(|| http::status::raw(status)).unwrap_or_default()
}

/// Finds the answer for a status: an `errorfile`, or HAProxy's own.
fn find(proxy: &Proxy, status: u16, limits: &Limits) -> Option<(Response, Bytes)> {
    let mut files = proxy.error_answers.iter();
    let file = files.find(|(known, _)| *known == status);
    file.and_then(|(_, file)| parse(file, limits)).or_else(|| http::status::answer(status))
}

fn parse(file: &Bytes, limits: &Limits) -> Option<(Response, Bytes)> {
    let mut rest = BytesMut::from(&file[..]);
    let (mut head, _) = h1::parse_response(&mut rest, &Method::Get, limits).ok()??;
    head.version = http::Version::Http11;
    head.headers.remove("content-length");
    head.headers.insert_first("content-length", rest.len().to_string());
    Some((head, rest.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Mode;
    use crate::proxy::testing;

    fn text(proxy: &Proxy, reply: &Reply) -> String {
        let (head, body) = build(proxy, reply, &Limits::default());
        let mut out = BytesMut::new();
        h1::write_response(&head, &mut out);
        out.extend_from_slice(&body);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn an_error_file_takes_the_place_of_the_built_in_answer() {
        let proxy = testing::proxy(0, "p", Mode::Http);
        let reply = Reply { status: 503, from_error_files: true, ..Reply::default() };
        let built_in = text(&proxy, &reply);
        assert!(
            built_in.starts_with("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\n")
        );
        let file = Bytes::from_static(b"HTTP/1.0 503 Gone fishing\r\nX-A: 1\r\n\r\nback soon");
        let proxy = Proxy { error_answers: vec![(503, file)], ..proxy };
        assert_eq!(
            text(&proxy, &reply),
            "HTTP/1.1 503 Gone fishing\r\ncontent-length: 9\r\nx-a: 1\r\n\r\nback soon"
        );
    }

    #[test]
    fn a_length_comes_before_the_headers_of_a_reply() {
        let proxy = testing::proxy(0, "p", Mode::Http);
        let headers =
            vec![(Bytes::from_static(b"content-type"), Bytes::from_static(b"text/plain"))];
        let body = Bytes::from_static(b"hello");
        let reply = Reply { status: 200, headers, body, ..Reply::default() };
        assert_eq!(
            text(&proxy, &reply),
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\n\r\nhello"
        );
    }
}
