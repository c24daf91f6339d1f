//! A client that writes HTTP/2 frames by hand, right ones and wrong ones (RFC 9113 4).

use std::collections::BTreeMap;

use crate::support::client::Client;
use crate::support::proxy::Proxy;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame that has come.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The error code of `RST_STREAM` or `GOAWAY`.
    pub(super) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    pub(super) fn ends(&self) -> bool {
        self.flags & END_STREAM != 0
    }
}

/// Returns the bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns header lines that are compressed by no table.
pub(super) fn literals(lines: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
        match length {
            Some(length) => [&[length], text.as_bytes()].concat(),
            None => {
                let rest = text.len() - 127;
                let (low, high) = (rest % 128 + 128, rest / 128);
                assert!(high < 128, "longer than a test needs");
                let bytes = [127, u8::try_from(low).unwrap(), u8::try_from(high).unwrap()];
                [&bytes, text.as_bytes()].concat()
            }
        }
    };
    let line = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    lines.iter().flat_map(line).collect()
}

/// The lines that a request needs.
pub(super) fn get(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", path)]
}

/// Returns a whole request without a body.
pub(super) fn request(stream: u32, lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &literals(lines))
}

/// Returns the head of a request whose body follows.
pub(super) fn head(stream: u32, lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &literals(lines))
}

/// A connection that speaks HTTP/2.
pub(super) struct Raw {
    pub(super) client: Client,
    /// What has come of bodies.
    pub(super) bodies: BTreeMap<u32, Vec<u8>>,
}

impl Raw {
    /// Connects, and says hello with these settings.
    pub(super) fn connect(proxy: &Proxy, settings: &[u8]) -> Self {
        let mut raw = Self { client: proxy.connect("web"), bodies: BTreeMap::new() };
        raw.client.send([PREFACE, &frame(SETTINGS, 0, 0, settings)].concat());
        raw
    }

    /// Waits for the next frame that is about this; settings are acknowledged by the way.
    pub(super) fn next(&mut self, kinds: &[u8]) -> Frame {
        loop {
            let frame = self.read().expect("the connection has ended");
            if kinds.contains(&frame.kind) {
                return frame;
            }
        }
    }

    /// Waits for the next frame.
    pub(super) fn read(&mut self) -> Option<Frame> {
        let head = self.client.take_maybe(9)?;
        let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap()) & 0x7fff_ffff;
        let payload = if length == 0 { Vec::new() } else { self.client.take(length) };
        let frame = Frame { kind: head[3], flags: head[4], stream, payload };
        if frame.kind == SETTINGS && frame.flags & ACK == 0 {
            self.client.send_maybe(self::frame(SETTINGS, ACK, 0, b""));
        }
        if frame.kind == DATA {
            self.bodies.entry(stream).or_default().extend_from_slice(&frame.payload);
        }
        Some(frame)
    }

    /// Reads a whole answer: the first byte of its head, which tells the usual statuses, and its
    /// body.
    pub(super) fn answer(&mut self, stream: u32) -> (u8, String) {
        let head = self.next(&[HEADERS]);
        assert_eq!(head.stream, stream);
        let mut ended = head.ends();
        while !ended {
            ended = self.next(&[DATA, HEADERS]).ends();
        }
        let body = self.bodies.remove(&stream).unwrap_or_default();
        (head.payload[0], String::from_utf8(body).unwrap())
    }
}

/// The first byte of a head that says 200.
pub(super) const OK: u8 = 0x88;
