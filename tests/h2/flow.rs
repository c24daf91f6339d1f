//! Large bodies: they arrive whole, and who does not read holds back who sends.

use std::fmt::Write as _;
use std::sync::mpsc;

use libtest_mimic::Trial;
use sha2::Digest as _;
use sha2::Sha256;

use super::frames::DATA;
use super::frames::END_STREAM;
use super::frames::HEADERS;
use super::frames::OK;
use super::frames::Raw;
use super::frames::SETTINGS;
use super::frames::WINDOW_UPDATE;
use super::frames::frame;
use super::frames::get;
use super::frames::head;
use super::frames::request;
use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::ONE_SERVER;
use crate::support::case::Scenario;
use crate::support::origin::Origin;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[
    ("large_answer_arrives", large_answer_arrives),
    ("large_request_arrives", large_request_arrives),
    ("answer_stops_at_the_window", answer_stops_at_the_window),
    ("request_stops_where_the_server_does_not_read", request_stops_where_the_server_does_not_read),
];

const LARGE: usize = 4 * 1024 * 1024;

pub(super) fn trials() -> Vec<Trial> {
    case::scenarios("h2::flow", LIST)
}

fn start(peer: Peer, origin: &Origin) -> Proxy {
    Setup::new(peer).env("s1", origin.addr()).start(&format!("{GLOBAL}{HTTP}{ONE_SERVER}"))
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..length).map(|_| next()).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn large_origin() -> Origin {
    Origin::with(|client| {
        while client.message().is_some() {
            client.send_maybe(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n"));
            client.send_maybe(noise(LARGE));
        }
    })
}

fn window(stream: u32, size: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &size.to_be_bytes())
}

fn large_answer_arrives(peer: Peer) {
    let proxy = start(peer, &large_origin());
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/")));
    let mut data = raw.next(&[HEADERS]);
    while !data.ends() {
        data = raw.next(&[DATA]);
        let size = u32::try_from(data.payload.len()).unwrap();
        if size > 0 {
            raw.client.send([window(0, size), window(1, size)].concat());
        }
    }
    assert_eq!(digest(&raw.bodies[&1]), digest(&noise(LARGE)));
    proxy.stop();
}

/// Gives as much as the windows let it, and counts what it has given.
struct Sender {
    stream: i64,
    connection: i64,
    initial: i64,
}

impl Sender {
    /// Waits until something may be sent; returns how much.
    fn room(&mut self, raw: &mut Raw) -> usize {
        while self.stream.min(self.connection) <= 0 {
            let update = raw.next(&[WINDOW_UPDATE, SETTINGS]);
            self.take(&update);
        }
        usize::try_from(self.stream.min(self.connection)).unwrap().min(16384)
    }

    fn take(&mut self, update: &super::frames::Frame) {
        let number = |bytes: &[u8]| i64::from(u32::from_be_bytes(bytes.try_into().unwrap()));
        match (update.kind, update.stream) {
            (WINDOW_UPDATE, 0) => self.connection += number(&update.payload),
            (WINDOW_UPDATE, _) => self.stream += number(&update.payload),
            _ => {
                for setting in update.payload.chunks(6).filter(|setting| setting[1] == 4) {
                    let initial = number(&setting[2..]);
                    self.stream += initial - self.initial;
                    self.initial = initial;
                }
            }
        }
    }

    fn sent(&mut self, count: usize) {
        let count = i64::try_from(count).unwrap();
        self.stream -= count;
        self.connection -= count;
    }
}

const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/")];

fn large_request_arrives(peer: Peer) {
    let origin = Origin::with(|client| {
        let text = digest(&client.message().unwrap().body);
        client.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 64\r\n\r\n{text}"));
        client.message();
    });
    let proxy = start(peer, &origin);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(head(1, &POST));
    let body = noise(LARGE);
    let mut sender = Sender { stream: 65535, connection: 65535, initial: 65535 };
    let mut left = &body[..];
    while !left.is_empty() {
        let (now, rest) = left.split_at(sender.room(&mut raw).min(left.len()));
        raw.client.send(frame(DATA, if rest.is_empty() { END_STREAM } else { 0 }, 1, now));
        sender.sent(now.len());
        left = rest;
    }
    assert_eq!(raw.answer(1), (OK, digest(&body)));
    proxy.stop();
}

fn answer_stops_at_the_window(peer: Peer) {
    let proxy = start(peer, &large_origin());
    // No window for bodies at all until the client opens one.
    let mut raw = Raw::connect(&proxy, &[0, 4, 0, 0, 0, 0]);
    raw.client.send(request(1, &get("/")));
    assert_eq!(raw.next(&[HEADERS]).payload[0], OK);
    raw.client.send(window(1, 1000));
    while raw.bodies.get(&1).map_or(0, Vec::len) < 1000 {
        raw.next(&[DATA]);
    }
    // What comes before the answer to a ping was sent before: nothing beyond the window.
    raw.client.send(frame(super::frames::PING, 0, 0, &[0; 8]));
    let pong = raw.next(&[super::frames::PING, DATA]);
    assert_eq!(pong.kind, super::frames::PING, "{pong:?}");
    assert_eq!(raw.bodies[&1].len(), 1000);
    proxy.stop();
}

fn request_stops_where_the_server_does_not_read(peer: Peer) {
    let (done, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::with(move |client| {
        client.head();
        let _gone = wait.lock().unwrap().recv();
    });
    let proxy = start(peer, &origin);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(head(1, &POST));
    let mut sender = Sender { stream: 65535, connection: 65535, initial: 65535 };
    let most = 64 * 1024 * 1024;
    let mut sent = 0;
    let piece = vec![0; 16384];
    // Sends as long as windows are given; a ping tells that none are on their way.
    while sent < most {
        if sender.stream.min(sender.connection) <= 0 {
            raw.client.send(frame(super::frames::PING, 0, 0, &[0; 8]));
            let mut given = raw.next(&[super::frames::PING, WINDOW_UPDATE, SETTINGS]);
            while given.kind != super::frames::PING {
                sender.take(&given);
                given = raw.next(&[super::frames::PING, WINDOW_UPDATE, SETTINGS]);
            }
            if sender.stream.min(sender.connection) <= 0 {
                break;
            }
        }
        let now = sender.room(&mut raw);
        raw.client.send(frame(DATA, 0, 1, &piece[..now]));
        sender.sent(now);
        sent += now;
    }
    assert!(sent < most, "all of it was taken");
    drop(done);
}
