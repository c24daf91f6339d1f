//! Reading a PROXY header off a connection, and not a byte of what follows it.

use std::future::poll_fn;
use std::time::Duration;

use crate::net::Stream;
use crate::net::timer::Deadline;

use super::Error;
use super::Header;
use super::parse;

/// How much is looked at in one go: most headers are shorter.
const GLANCE: usize = 256;

/// Reads a header, which must be complete within this time.
pub async fn receive(stream: &Stream, within: Option<Duration>) -> Result<Header, Error> {
    let deadline = Deadline::new();
    if let Some(within) = within {
        deadline.set_after(within);
    }
    deadline.bound(read(stream)).await.unwrap_or(Err(Error::Timeout))
}

async fn read(stream: &Stream) -> Result<Header, Error> {
    let (mut seen, mut glance) = (Vec::new(), [0; GLANCE]);
    loop {
        let peeked = poll_fn(|cx| stream.poll_peek(cx, &mut glance)).await;
        let count = peeked.map_err(|_| Error::Closed)?;
        if count == 0 {
            return Err(if seen.is_empty() { Error::Closed } else { Error::Truncated });
        }
        let before = seen.len();
        seen.extend_from_slice(glance.get(..count).unwrap_or_default());
        let parsed = parse(&seen)?;
        // What belongs to the header is taken; what follows is somebody else's.
        let end = parsed.as_ref().map_or(seen.len(), |(_, length)| *length);
        let taken = glance.get_mut(..end.saturating_sub(before)).unwrap_or_default();
        stream.try_read(taken).map_err(|_| Error::Closed)?;
        if let Some((header, _)) = parsed {
            return Ok(header);
        }
    }
}
