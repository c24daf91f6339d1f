//! A chunked body: pieces make no difference, and what is written again is read alike.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use luaproxy::http::Body;
use luaproxy::http::Error;
use luaproxy::http::Headers;
use luaproxy::http::Limits;
use luaproxy::http::body::Decoder;
use luaproxy::http::chunked;
use luaproxy::http::chunked::Event;

/// Small, so that they are reached.
const LIMITS: Limits = Limits { head: 1024, headers: 20 };

/// Of what is sent on: spaces that a sender left out take room.
const ROOMY: Limits = Limits { head: 4096, headers: 20 };

fuzz_target!(|data: &[u8]| {
    let whole = read(&[data], &LIMITS);
    if let Some((&cut, rest)) = data.split_first() {
        let cut = usize::from(cut).min(rest.len());
        let (start, end) = rest.split_at(cut);
        assert_eq!(read(&[start, end], &LIMITS), read(&[rest], &LIMITS));
    }
    if let Some(Ok((body, trailers))) = whole {
        let mut out = BytesMut::new();
        chunked::write_chunk(&body, &mut out);
        chunked::write_last(&trailers, &mut out);
        assert_eq!(read(&[&out], &ROOMY), Some(Ok((body, trailers))));
    }
});

fn read(pieces: &[&[u8]], limits: &Limits) -> Option<Result<(Vec<u8>, Headers), Error>> {
    let mut decoder = Decoder::new(Body::Chunked, limits);
    let mut buf = BytesMut::new();
    let mut body = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Event::NeedMore) => break,
                Ok(Event::Data(data)) => body.extend_from_slice(&data),
                Ok(Event::Trailers(trailers)) => return Some(Ok((body, trailers))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
    None
}
