//! HTTP messages: bytes in, values out; knows no socket and no clock.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

use std::fmt;

use bytes::Bytes;

pub mod body;
pub mod check;
pub mod chunked;
pub mod connection;
pub mod cookie;
pub mod date;
pub mod h1;
mod header;
pub mod http2;
pub mod list;
mod message;
mod method;
pub mod status;
pub mod uri;

pub use header::Header;
pub use header::Headers;
pub use message::Body;
pub use message::Request;
pub use message::Response;
pub use message::Version;
pub use method::Method;

/// Bytes of a message: cheap to clone and to slice.
pub type Text = Bytes;

/// How large a message's head or trailers may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most bytes of a head: `tune.bufsize` less `tune.maxrewrite`.
    pub head: usize,
    /// The most header lines: `tune.http.maxhdr`.
    pub headers: usize,
}

impl Limits {
    /// Returns the limits that HAProxy derives from its `tune.` settings.
    pub fn new(bufsize: usize, maxrewrite: usize, maxhdr: usize) -> Self {
        Self { head: bufsize.saturating_sub(maxrewrite), headers: maxhdr }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(16384, 1024, 101)
    }
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// The method is not a token.
    Method,
    /// The request's target has a byte that may not stand there, or a form that its method forbids.
    Uri,
    /// The version is none that is spoken here.
    Version,
    /// The status is no number of three digits.
    Status,
    /// A header's name is empty, is no token, or is followed by a space.
    Name,
    /// A header's value has a control character.
    Value,
    /// A line does not end as it must.
    Line,
    /// `Host` is given twice, is malformed, or contradicts the request's target.
    Host,
    /// `Content-Length` is no number, or several that differ.
    Length,
    /// `Transfer-Encoding` is not understood or may not stand there.
    Encoding,
    /// A transfer coding other than `chunked`.
    Coding,
    /// `Upgrade: websocket` without a key.
    Upgrade,
    /// The head or the trailers are larger than the limit.
    TooLarge,
    /// There are more header lines than the limit.
    TooMany,
    /// A chunk's size or its end is malformed.
    Chunk,
    /// The input ended before the message did.
    Truncated,
}

impl Error {
    /// Returns the status with which HAProxy answers a request refused for this.
    pub fn status(self) -> u16 {
        if self == Self::Coding { 422 } else { 400 }
    }

    /// Returns the reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "invalid method",
            Self::Uri => "invalid request target",
            Self::Version => "invalid version",
            Self::Status => "invalid status",
            Self::Name => "invalid header name",
            Self::Value => "invalid header value",
            Self::Line => "invalid line ending",
            Self::Host => "invalid host",
            Self::Length => "invalid content length",
            Self::Encoding => "invalid transfer encoding",
            Self::Coding => "unsupported transfer coding",
            Self::Upgrade => "invalid upgrade",
            Self::TooLarge => "message head too large",
            Self::TooMany => "too many headers",
            Self::Truncated => "message ended early",
            Self::Chunk => "invalid chunk",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Error {}

/// Returns where a part of a text begins in it.
fn offset(text: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}
