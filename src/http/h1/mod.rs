//! HTTP/1 heads: read from a buffer, written into one.

use super::Body;
use super::Error;
use super::Headers;
use super::Method;
use super::Request;
use super::Response;

mod facts;
mod host;
mod parse;
mod write;

pub(super) use host::check as check_target;
pub use parse::parse_request;
pub use parse::parse_response;
pub(super) use parse::parse_trailers;
pub(super) use write::write_headers;
pub use write::write_request;
pub use write::write_request_to;
pub use write::write_response;

/// What a head says about what follows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Framing {
    /// Where the body ends.
    pub body: Body,
    /// Whether the connection may be used again after the message.
    pub keep_alive: bool,
    /// Whether another protocol is asked for or granted.
    pub upgrade: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expect: bool,
}

/// A head that is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Why.
    pub error: Error,
    /// The offset in the buffer of what is wrong.
    pub at: usize,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

/// Returns the framing of a request that was built here; what it contradicts is not framed.
pub fn request_framing(request: &Request) -> Framing {
    match facts::Facts::of(lines(&request.headers)) {
        Ok(facts) => facts.request(&request.method, request.version),
        Err(_) => UNCLEAR,
    }
}

/// Returns the framing of a response that was built here, given its request's method.
pub fn response_framing(response: &Response, request: &Method) -> Framing {
    match facts::Facts::of(lines(&response.headers)) {
        Ok(facts) => facts.response(request, response.status, response.version),
        Err(_) => UNCLEAR,
    }
}

/// Returns the framing of a request that came otherwise than as HTTP/1, or what contradicts it.
pub(super) fn strict_request_framing(request: &Request) -> Result<Framing, Error> {
    let facts = facts::Facts::of(lines(&request.headers)).map_err(|(error, _)| error)?;
    Ok(facts.request(&request.method, request.version))
}

/// Returns the framing of a response that came otherwise than as HTTP/1, or what contradicts it.
pub(super) fn strict_response_framing(
    response: &Response,
    request: &Method,
) -> Result<Framing, Error> {
    let facts = facts::Facts::of(lines(&response.headers)).map_err(|(error, _)| error)?;
    Ok(facts.response(request, response.status, response.version))
}

const UNCLEAR: Framing =
    Framing { body: Body::None, keep_alive: false, upgrade: false, expect: false };

fn lines(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.iter().map(|line| (&line.name[..], &line.value[..]))
}

#[cfg(test)]
mod tests;
