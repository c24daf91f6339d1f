//! The chunked coding (RFC 9112 7.1), read and written piece by piece.

use bytes::Bytes;
use bytes::BytesMut;

use super::Error;
use super::Headers;
use super::Limits;
use super::h1;

/// The most bytes of a line that says a chunk's size, its extensions included.
const MAX_LINE: u16 = 4096;

/// Fields that may not come after a body: they would change how the message was read, where it was
/// sent, or who it is from (RFC 9110 6.5.1). Sorted.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// What a body's decoder has found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Nothing: more bytes are needed.
    NeedMore,
    /// A piece of the body.
    Data(Bytes),
    /// The end of the body, with the trailers.
    Trailers(Headers),
}

/// Reads a chunked body.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// The bytes of the size's line so far.
    line: u16,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Before the first digit of a size.
    Size,
    /// After a digit of a size.
    Digits(u64),
    /// In blanks after a size.
    Blank(u64),
    /// In the extensions after a size.
    Extension(u64),
    /// Before the line feed of a size's line.
    SizeEnd(u64),
    /// In a chunk, with so many bytes to come.
    Data(u64),
    /// After a chunk, before its carriage return.
    DataEnd,
    /// Before the line feed after a chunk.
    DataEndLf,
    /// After the last chunk.
    Trailers,
    /// After the end.
    Done,
}

impl Decoder {
    /// Returns a decoder at the start of a body.
    pub fn new(limits: &Limits) -> Self {
        Self { state: State::Size, line: 0, limits: *limits }
    }

    /// Says whether the body has ended; what follows in the buffer is not its.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next piece off the buffer; no byte of the body is copied.
    ///
    /// After the end nothing more is taken. After an error the connection is of no more use.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Event, Error> {
        loop {
            match self.state {
                State::Data(left) => return Ok(self.data(left, buf)),
                State::Trailers => return self.trailers(buf),
                State::Done => return Ok(Event::NeedMore),
                _ if buf.is_empty() => return Ok(Event::NeedMore),
                _ => self.framing(buf)?,
            }
        }
    }

    /// Takes bytes that are no data, up to the next that is or to the end of the buffer.
    fn framing(&mut self, buf: &mut BytesMut) -> Result<(), Error> {
        let mut taken = 0usize;
        for &byte in buf.iter() {
            if matches!(self.state, State::Data(_) | State::Trailers) {
                break;
            }
            self.state = self.step(byte).ok_or(Error::Chunk)?;
            taken = taken.saturating_add(1);
        }
        bytes::Buf::advance(buf, taken);
        Ok(())
    }

    /// Returns the state after this byte, if it may stand here. A bare line feed may not.
    fn step(&mut self, byte: u8) -> Option<State> {
        self.line = self.line.saturating_add(1);
        if self.line > MAX_LINE {
            return None;
        }
        Some(match (self.state, byte) {
            (State::Size, _) => State::Digits(hex(byte)?),
            (State::Digits(size) | State::Blank(size) | State::Extension(size), b'\r') => {
                State::SizeEnd(size)
            }
            (State::Digits(size) | State::Blank(size), b' ' | b'\t') => State::Blank(size),
            (State::Digits(size) | State::Blank(size), b';') => State::Extension(size),
            (State::Digits(size), _) => State::Digits(shift(size, hex(byte)?)?),
            (State::Extension(size), b'\t' | b' '..=b'~' | 0x80..) => State::Extension(size),
            (State::SizeEnd(0), b'\n') => State::Trailers,
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataEnd, b'\r') => State::DataEndLf,
            (State::DataEndLf, b'\n') => {
                self.line = 0;
                State::Size
            }
            _ => return None,
        })
    }

    fn data(&mut self, left: u64, buf: &mut BytesMut) -> Event {
        if buf.is_empty() {
            return Event::NeedMore;
        }
        let data = take(buf, left);
        let left = left.saturating_sub(len(&data));
        self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
        self.line = 0;
        Event::Data(data)
    }

    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Event, Error> {
        let Some(mut trailers) = h1::parse_trailers(buf, &self.limits)? else {
            return Ok(Event::NeedMore);
        };
        // Dropped, not refused: nothing reads them, and HAProxy lets such messages through.
        trailers.remove_if(|name| {
            FORBIDDEN.binary_search_by(|forbidden| forbidden.as_bytes().cmp(name)).is_ok()
        });
        self.state = State::Done;
        Ok(Event::Trailers(trailers))
    }
}

/// Writes the line before a chunk of this size, which is not 0.
pub fn write_size(size: usize, out: &mut BytesMut) {
    out.extend_from_slice(format!("{size:x}\r\n").as_bytes());
}

/// Writes the line end after a chunk.
pub fn write_end(out: &mut BytesMut) {
    out.extend_from_slice(b"\r\n");
}

/// Writes a whole chunk; none for no data, as that would be the last.
pub fn write_chunk(data: &[u8], out: &mut BytesMut) {
    if !data.is_empty() {
        write_size(data.len(), out);
        out.extend_from_slice(data);
        write_end(out);
    }
}

/// Writes the last chunk and the trailers.
pub fn write_last(trailers: &Headers, out: &mut BytesMut) {
    out.extend_from_slice(b"0\r\n");
    h1::write_headers(trailers, out);
}

/// Takes up to so many bytes off a buffer.
pub(super) fn take(buf: &mut BytesMut, most: u64) -> Bytes {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    buf.split_to(buf.len().min(most)).freeze()
}

/// Returns the length of a piece as bodies count it.
pub(super) fn len(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

fn hex(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

/// Appends a digit to a size that must stay below 2^63.
fn shift(size: u64, digit: u64) -> Option<u64> {
    let size = size.checked_mul(16)?.checked_add(digit)?;
    i64::try_from(size).is_ok().then_some(size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Outcome = Result<(Vec<u8>, Headers, Vec<u8>), Error>;

    /// Decodes input that comes in pieces; `None` as an outcome: not complete.
    fn decode(pieces: &[&[u8]]) -> Option<Outcome> {
        let mut decoder = Decoder::new(&Limits::default());
        let mut buf = BytesMut::new();
        let mut body = Vec::new();
        let mut trailers = None;
        for piece in pieces {
            buf.extend_from_slice(piece);
            while trailers.is_none() {
                match decoder.decode(&mut buf) {
                    Ok(Event::NeedMore) => break,
                    Ok(Event::Data(data)) => body.extend_from_slice(&data),
                    Ok(Event::Trailers(found)) => trailers = Some(found),
                    Err(error) => return Some(Err(error)),
                }
            }
        }
        assert_eq!(decoder.is_done(), trailers.is_some());
        trailers.map(|trailers| Ok((body, trailers, buf.to_vec())))
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

    /// A body; what is made of it; what haproxy 2.6 made of it.
    const BODIES: &[(&str, Option<&str>, &str)] = &[
        ("0\r\n\r\n", Some(""), "same"),
        ("3\r\nabc\r\n0\r\n\r\n", Some("abc"), "same"),
        ("A\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\n", Some("0123456789x"), "same"),
        ("3;a=b\r\nabc\r\n0\r\n\r\n", Some("abc"), "same"),
        ("3 ;a=b\r\nabc\r\n0;z\r\n\r\n", Some("abc"), "same"),
        ("3  \r\nabc\r\n0\r\n\r\n", Some("abc"), "same"),
        ("0000000000000000000000003\r\nabc\r\n0\r\n\r\n", Some("abc"), "same"),
        ("3\r\nabc\r\n0\r\nX: y\r\n\r\n", Some("abc"), "same"),
        (" 3\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("3\nabc\n0\n\n", None, "accepted"),
        ("3\nabc\r\n0\r\n\r\n", None, "accepted"),
        ("3\r\nabc\n0\r\n\r\n", None, "accepted"),
        ("3;a\nabc\r\n0\r\n\r\n", None, "accepted"),
        ("3\r\nabc\r\n0\n\r\n", None, "accepted"),
        ("0\r\n\n", None, "accepted"),
        ("0\r\nX: y\n\r\n", None, "accepted"),
        ("3\r\nabcd\r\n0\r\n\r\n", None, "400"),
        ("0x3\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("ffffffffffffffff\r\nabc", None, "400"),
        ("8000000000000000\r\nabc", None, "400"),
        ("10000000000000003\r\nabc", None, "400"),
        ("\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("-3\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("+3\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("3\rabc\r\n0\r\n\r\n", None, "400"),
        ("3;a\rb\r\nabc\r\n0\r\n\r\n", None, "400"),
        ("3;\0\r\nabc\r\n0\r\n\r\n", None, "accepted"),
        ("3\r\nabc\r\n0\r\nX y\r\n\r\n", None, "400"),
        ("3\r\nabc\r\n0\r\nX : y\r\n\r\n", None, "400"),
        ("3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n", None, "unfolded"),
    ];

    #[test]
    fn bodies_are_read_or_refused() {
        for (input, expected, oracle) in BODIES {
            let found = decode(&[input.as_bytes()]).expect(input);
            let body = found.ok().map(|(body, ..)| String::from_utf8(body).unwrap());
            assert_eq!(body.as_deref(), *expected, "{input:?} (haproxy: {oracle})");
        }
    }

    #[test]
    fn trailers_are_kept_unless_they_are_forbidden() {
        let input =
            b"0\r\nX: y\r\nContent-Length: 5\r\nHost: q\r\nTRANSFER-ENCODING: a\r\n\r\nnext";
        let (_, trailers, rest) = decode(&[input]).unwrap().unwrap();
        assert_eq!(trailers.len(), 1);
        assert_eq!(trailers.first("x").unwrap(), "y");
        assert_eq!(rest, b"next");
        assert!(FORBIDDEN.is_sorted());
    }

    #[test]
    fn lines_and_trailers_are_limited() {
        let long = [b"3;".to_vec(), vec![b'a'; 5000]].concat();
        assert_eq!(decode(&[&long]), Some(Err(Error::Chunk)));
        let zeros = vec![b'0'; 5000];
        assert_eq!(decode(&[&zeros]), Some(Err(Error::Chunk)));
        let many = [b"0\r\n".to_vec(), b"a:b\r\n".repeat(102)].concat();
        assert_eq!(decode(&[&many]), Some(Err(Error::TooMany)));
        let large = [b"0\r\na:".to_vec(), vec![b'a'; 16000]].concat();
        assert_eq!(decode(&[&large]), Some(Err(Error::TooLarge)));
    }

    #[test]
    fn data_is_not_copied() {
        let mut buf = BytesMut::from(&b"3\r\nabc\r\n"[..]);
        let start = buf.as_ptr().addr();
        let mut decoder = Decoder::new(&Limits::default());
        let Ok(Event::Data(data)) = decoder.decode(&mut buf) else { panic!("no data") };
        assert_eq!(data.as_ptr().addr(), start + 3);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_in_any_pieces(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            trailer in prop::option::of("[ -~]{0,20}"),
            cuts in prop::collection::vec(0usize..30, 0..20),
        ) {
            let mut trailers = Headers::new();
            if let Some(value) = trailer {
                trailers.add("x-t", value.trim().to_owned());
            }
            let mut out = BytesMut::new();
            for chunk in &chunks {
                write_chunk(chunk, &mut out);
            }
            write_last(&trailers, &mut out);
            out.extend_from_slice(b"next");
            let pieces = fragments(&out, &cuts);
            let pieces: Vec<_> = pieces.iter().map(|piece| &piece[..]).collect();
            let (body, found, rest) = decode(&pieces).unwrap().unwrap();
            prop_assert_eq!(body, chunks.concat());
            prop_assert_eq!(found, trailers);
            prop_assert_eq!(rest, b"next");
        }

        #[test]
        fn pieces_make_no_difference(
            index in 0..BODIES.len(),
            cuts in prop::collection::vec(0usize..6, 0..40),
        ) {
            let input = BODIES.get(index).unwrap().0.as_bytes();
            let pieces = fragments(input, &cuts);
            let pieces: Vec<_> = pieces.iter().map(|piece| &piece[..]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[input]));
        }

        #[test]
        fn no_bytes_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(decode(&[&input]));
        }

        #[test]
        fn no_likely_bytes_panic(input in "[0-9a-f;:x \r\n]{0,60}") {
            drop(decode(&[input.as_bytes()]));
        }
    }
}
