//! Heads as they are sent.

use bytes::BytesMut;

use crate::http::Headers;
use crate::http::Request;
use crate::http::Response;

/// Writes the head of a request.
pub fn write_request(request: &Request, out: &mut BytesMut) {
    write_request_to(request, &request.uri, out);
}

/// Writes the head of a request with another target.
pub fn write_request_to(request: &Request, target: &[u8], out: &mut BytesMut) {
    let method = request.method.as_bytes();
    out.reserve(method.len().saturating_add(target.len()).saturating_add(16));
    out.extend_from_slice(method);
    out.extend_from_slice(b" ");
    out.extend_from_slice(target);
    out.extend_from_slice(b" ");
    out.extend_from_slice(request.version.over_http1().as_str().as_bytes());
    out.extend_from_slice(b"\r\n");
    write_headers(&request.headers, out);
}

/// Writes the head of a response.
pub fn write_response(response: &Response, out: &mut BytesMut) {
    out.reserve(response.reason.len().saturating_add(32));
    out.extend_from_slice(response.version.over_http1().as_str().as_bytes());
    out.extend_from_slice(&digits(response.status));
    out.extend_from_slice(&response.reason);
    out.extend_from_slice(b"\r\n");
    write_headers(&response.headers, out);
}

/// Writes header lines and the empty line after them.
pub(crate) fn write_headers(headers: &Headers, out: &mut BytesMut) {
    let size = headers.iter().map(|line| line.name.len().saturating_add(line.value.len()));
    let size = size.fold(2, |sum: usize, line| sum.saturating_add(line).saturating_add(4));
    out.reserve(size);
    for line in headers {
        out.extend_from_slice(&line.name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(&line.value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Returns the status between blanks: always three digits.
fn digits(status: u16) -> [u8; 5] {
    let digit = |unit: u16| {
        let digit =
            status.checked_div(unit).unwrap_or_default().checked_rem(10).unwrap_or_default();
        b'0'.saturating_add(u8::try_from(digit).unwrap_or_default())
    };
    [b' ', digit(100), digit(10), digit(1), b' ']
}
