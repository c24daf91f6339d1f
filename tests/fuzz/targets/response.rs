//! A response's head: pieces make no difference, and what is sent on is read alike.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use luaproxy::http::Error;
use luaproxy::http::Limits;
use luaproxy::http::Method;
use luaproxy::http::Response;
use luaproxy::http::h1;
use luaproxy::http::h1::Framing;

const LIMITS: Limits = Limits { head: 1024, headers: 20 };

/// What is sent on may be longer than what came: line ends and the spaces after colons are added.
const WIDE: Limits = Limits { head: 4096, headers: 40 };

fuzz_target!(|data: &[u8]| {
    let whole = read(&[data], &LIMITS);
    if let Some((&cut, rest)) = data.split_first() {
        let cut = usize::from(cut).min(rest.len());
        let (start, end) = rest.split_at(cut);
        assert_eq!(read(&[start, end], &LIMITS), read(&[rest], &LIMITS));
    }
    if let Some(Ok((response, framing))) = whole {
        let mut out = BytesMut::new();
        h1::write_response(&response, &mut out);
        let Some(Ok((again, framed))) = read(&[&out], &WIDE) else { panic!("what is sent on is refused") };
        assert_eq!((again, framed.body), (response, framing.body));
    }
});

fn read(pieces: &[&[u8]], limits: &Limits) -> Option<Result<(Response, Framing), Error>> {
    let mut buf = BytesMut::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        match h1::parse_response(&mut buf, &Method::Get, limits) {
            Ok(None) => {}
            Ok(Some(head)) => return Some(Ok(head)),
            Err(refused) => {
                assert!(refused.at <= buf.len());
                return Some(Err(refused.error));
            }
        }
    }
    None
}
