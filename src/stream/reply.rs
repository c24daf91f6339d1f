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
    let (mut head, body) =
        found.unwrap_or_else(|| (Response::new(reply.status), reply.body.clone()));
    if !reply.reason.is_empty() {
        head.reason = reply.reason.clone();
    }
    let mut length = length_line(&head, &body, reply);
    for (index, (name, value)) in reply.headers.iter().enumerate() {
        if index == length {
            add_length(&mut head, &body);
            length = usize::MAX;
        }
        head.headers.add(name, value.clone());
    }
    if length < usize::MAX {
        add_length(&mut head, &body);
    }
    (head, body)
}

/// Returns in front of which header HAProxy puts the length; `usize::MAX` where there is none.
fn length_line(head: &Response, body: &Bytes, reply: &Reply) -> usize {
    let bodiless = matches!(reply.status, 100..=199 | 204 | 304) && body.is_empty();
    let given = |(name, _): &(Bytes, Bytes)| {
        name.eq_ignore_ascii_case(b"content-length")
            || name.eq_ignore_ascii_case(b"transfer-encoding")
    };
    // An answer from a file is complete.
    if bodiless || !head.headers.is_empty() || reply.headers.iter().any(given) {
        return usize::MAX;
    }
    let place =
        |known: &[u8]| reply.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case(known));
    match (place(b"location"), place(b"content-type")) {
        (Some(_), _) => 0,
        (None, Some(place)) => place,
        (None, None) => reply.headers.len(),
    }
}

fn add_length(head: &mut Response, body: &Bytes) {
    head.headers.add("content-length", body.len().to_string());
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
    let (head, _) = h1::parse_response(&mut rest, &Method::Get, limits).ok()??;
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
        assert_eq!(text(&proxy, &reply), "HTTP/1.0 503 Gone fishing\r\nx-a: 1\r\n\r\nback soon");
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
