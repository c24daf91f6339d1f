//! What heads say about bodies, made to agree with what is sent; and their size in the log.

use bytes::Bytes;
use bytes::BytesMut;

use crate::http::Body;
use crate::http::Headers;
use crate::http::Request;
use crate::http::Response;

/// What HAProxy counts for a start line beside its text.
const START_LINE: u64 = 20;

/// Makes headers say how a body is framed: rules may have changed them.
pub(super) fn declare(headers: &mut Headers, body: Body) {
    match body {
        Body::Length(length) => {
            headers.remove("transfer-encoding");
            let mut known = headers.lines(b"content-length");
            let said = known.next().and_then(|line| std::str::from_utf8(line).ok());
            let right = said.and_then(|line| line.parse().ok()) == Some(length);
            let alone = known.next().is_none();
            drop(known);
            if !right || !alone {
                headers.set("content-length", length.to_string());
            }
        }
        Body::Chunked => {
            headers.remove("content-length");
            if !headers.contains_token("transfer-encoding", "chunked") {
                headers.set("transfer-encoding", "chunked");
            }
        }
        Body::None | Body::UntilClose => {
            headers.remove("content-length");
            headers.remove("transfer-encoding");
        }
        Body::Tunnel => {}
    }
}

/// Tells whether a response asks for credentials that hold for its connection from then on (RFC
/// 4559): no other client may get it. HAProxy does the same.
pub(super) fn binds_connection(response: &Response) -> bool {
    let name = match response.status {
        401 => b"www-authenticate".as_slice(),
        407 => b"proxy-authenticate".as_slice(),
        _ => return false,
    };
    let begins = |line: &[u8], scheme: &[u8]| {
        line.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    response.headers.lines(name).any(|line| begins(line, b"negotiate") || begins(line, b"ntlm"))
}

/// Returns the line with which a request began.
pub(super) fn request_line(request: &Request) -> Bytes {
    let method = request.method.as_bytes();
    let version = request.version.as_str().as_bytes();
    let size = method.len().saturating_add(request.uri.len()).saturating_add(version.len());
    let mut line = BytesMut::with_capacity(size.saturating_add(2));
    line.extend_from_slice(method);
    line.extend_from_slice(b" ");
    line.extend_from_slice(&request.uri);
    line.extend_from_slice(b" ");
    line.extend_from_slice(version);
    line.freeze()
}

/// Returns the size of a request's head as HAProxy counts it for its log.
pub(super) fn request_size(request: &Request) -> u64 {
    let line = [request.method.as_bytes().len(), request.uri.len(), 8];
    size(line, &request.headers)
}

/// Returns the size of a response's head as HAProxy counts it for its log.
pub(super) fn response_size(response: &Response) -> u64 {
    size([8, 3, response.reason.len()], &response.headers)
}

/// The start line, the lines without their separators, and one for the end.
fn size(line: [usize; 3], headers: &Headers) -> u64 {
    let line = line.iter().map(|part| *part as u64).sum::<u64>();
    let lines = headers.iter().map(|header| (header.name.len() as u64, header.value.len() as u64));
    lines.fold(line.saturating_add(START_LINE).saturating_add(1), |sum, (name, value)| {
        sum.saturating_add(name).saturating_add(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_made_to_agree_with_the_body() {
        for (body, length, encoding) in [
            (Body::Length(5), Some("5"), None),
            (Body::Chunked, None, Some("chunked")),
            (Body::None, None, None),
            (Body::UntilClose, None, None),
        ] {
            let mut headers = Headers::new();
            headers.add("content-length", "7");
            headers.add("transfer-encoding", "chunked");
            declare(&mut headers, body);
            let text = |name: &str| headers.first(name).map(|line| line.to_vec());
            assert_eq!(text("content-length"), length.map(|text: &str| text.into()), "{body:?}");
            assert_eq!(text("transfer-encoding"), encoding.map(|text: &str| text.into()));
        }
        let mut headers = Headers::new();
        headers.add("content-length", "5");
        headers.add("x", "1");
        declare(&mut headers, Body::Length(5));
        assert_eq!(headers.get(0).map(|line| &line.name[..]), Some(&b"content-length"[..]));
    }

    #[test]
    fn sizes_are_those_of_haproxys_log() {
        let mut response = Response::new(200);
        response.reason = Bytes::from_static(b"OK");
        response.headers.add("content-length", "0");
        assert_eq!(response_size(&response), 49);
        response.headers.set("content-length", "5");
        response.headers.add("content-type", "text/plain");
        assert_eq!(response_size(&response) + 5, 76);
    }
}
