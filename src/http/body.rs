//! Bodies read piece by piece, whatever tells where they end.

use bytes::BytesMut;

use super::Body;
use super::Error;
use super::Headers;
use super::Limits;
use super::chunked;
use super::chunked::Event;

/// Reads a body of any framing.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Length(u64),
    Chunked(chunked::Decoder),
    UntilClose,
    Done,
}

impl Decoder {
    /// Returns a decoder at the start of a body.
    pub fn new(body: Body, limits: &Limits) -> Self {
        let state = match body {
            Body::None => State::Length(0),
            Body::Length(length) => State::Length(length),
            Body::Chunked => State::Chunked(chunked::Decoder::new(limits)),
            Body::UntilClose | Body::Tunnel => State::UntilClose,
        };
        Self { state }
    }

    /// Says whether the end of the body was found.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Takes the next piece off the buffer; the end is told once, as trailers that may be empty.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Event, Error> {
        let event = match &mut self.state {
            State::Length(0) => Event::Trailers(Headers::new()),
            State::Done => Event::NeedMore,
            State::Chunked(decoder) => decoder.decode(buf)?,
            _ if buf.is_empty() => Event::NeedMore,
            State::Length(left) => {
                let data = chunked::take(buf, *left);
                *left = left.saturating_sub(chunked::len(&data));
                Event::Data(data)
            }
            State::UntilClose => Event::Data(chunked::take(buf, u64::MAX)),
        };
        if matches!(event, Event::Trailers(_)) {
            self.state = State::Done;
        }
        Ok(event)
    }

    /// Takes note that no more bytes will come, which ends some bodies and cuts others short.
    pub fn close(&mut self) -> Result<(), Error> {
        match self.state {
            State::Length(0) | State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(Error::Truncated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Body, input: &str) -> (String, bool, String, Result<(), Error>) {
        let mut decoder = Decoder::new(body, &Limits::default());
        let mut buf = BytesMut::from(input);
        let mut data = Vec::new();
        let mut ended = false;
        loop {
            match decoder.decode(&mut buf).unwrap() {
                Event::Data(piece) => data.extend_from_slice(&piece),
                Event::Trailers(_) => ended = true,
                Event::NeedMore => break,
            }
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&data), ended, text(&buf), decoder.close())
    }

    #[test]
    fn each_framing_ends_where_it_says() {
        let cut = Err(Error::Truncated);
        for (body, input, data, ended, rest, close) in [
            (Body::None, "next", "", true, "next", Ok(())),
            (Body::Length(0), "next", "", true, "next", Ok(())),
            (Body::Length(3), "abcnext", "abc", true, "next", Ok(())),
            (Body::Length(3), "ab", "ab", false, "", cut),
            (Body::Chunked, "1\r\na\r\n0\r\n\r\nnext", "a", true, "next", Ok(())),
            (Body::Chunked, "1\r\na\r\n0\r\n", "a", false, "", cut),
            (Body::UntilClose, "abc", "abc", false, "", Ok(())),
            (Body::Tunnel, "abc", "abc", false, "", Ok(())),
        ] {
            let expected = (data.to_owned(), ended, rest.to_owned(), close);
            assert_eq!(read(body, input), expected, "{body:?} {input}");
        }
    }
}
