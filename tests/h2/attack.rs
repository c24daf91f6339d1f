//! What a hostile or broken client may send, and what becomes of it (RFC 9113, RFC 7541).

use libtest_mimic::Trial;

use super::frames::ACK;
use super::frames::CONTINUATION;
use super::frames::DATA;
use super::frames::END_HEADERS;
use super::frames::END_STREAM;
use super::frames::GOAWAY;
use super::frames::HEADERS;
use super::frames::OK;
use super::frames::PING;
use super::frames::RST_STREAM;
use super::frames::Raw;
use super::frames::SETTINGS;
use super::frames::WINDOW_UPDATE;
use super::frames::frame;
use super::frames::get;
use super::frames::head;
use super::frames::literals;
use super::frames::request;
use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::Scenario;
use crate::support::peer;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// What must come of it.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The connection ends; the code is one of these.
    Away(&'static [u32]),
    /// The stream ends, and the connection goes on.
    Reset(&'static [u32]),
    /// A right answer.
    Served,
    /// A refusal as an answer.
    Refused,
}

/// The library says this of sizes and of compression too: the connection ends all the same.
const PROTOCOL: u32 = 1;
const FLOW: u32 = 3;
const CLOSED: u32 = 5;
const SIZE: u32 = 6;
const COMPRESSION: u32 = 9;
const CALM: u32 = 11;

use End::Away;
use End::Refused;
use End::Reset;
use End::Served;

/// What is sent after the settings on stream 1, in a sentence.
type Row = (&'static str, fn() -> Vec<u8>, End);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("plain_request", || request(1, &get("/")), Served),
    ("frame_of_an_unknown_kind_is_passed_over", || [frame(0x77, 0xff, 0, b"what"), request(1, &get("/"))].concat(), Served),
    ("priority_is_passed_over", || [frame(2, 0, 1, &[0, 0, 0, 0, 16]), request(1, &get("/"))].concat(), Served),
    ("te_trailers_is_legal", || request(1, &with(&[("te", "trailers")])), Served),
    ("head_in_two_frames", in_two_frames, Served),
    ("padded_head", || frame(HEADERS, END_STREAM | END_HEADERS | 8, 1, &[&[3], &literals(&get("/"))[..], &[0; 3]].concat()), Served),
    ("frame_beyond_the_size_limit", || frame(DATA, 0, 1, &[0; 16385]), Away(&[SIZE])),
    ("data_on_stream_0", || frame(DATA, 0, 0, b"x"), Away(&[PROTOCOL])),
    ("data_on_a_stream_that_is_not_open", || frame(DATA, 0, 1, b"x"), Away(&[PROTOCOL])),
    ("headers_on_stream_0", || request(0, &get("/")), Away(&[PROTOCOL])),
    ("headers_on_an_even_stream", || request(2, &get("/")), Away(&[PROTOCOL])),
    ("headers_on_a_stream_passed_over", || [request(5, &get("/")), request(3, &get("/"))].concat(), Away(&[PROTOCOL, CLOSED])),
    ("padding_longer_than_its_frame", || frame(DATA, 8, 1, b"\xff"), Away(&[PROTOCOL])),
    ("window_of_0_for_all", || frame(WINDOW_UPDATE, 0, 0, &[0; 4]), Away(&[PROTOCOL])),
    ("window_beyond_its_limit", || frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), Away(&[FLOW])),
    ("window_of_a_stream_beyond_its_limit", || [head(1, &get("/")), frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff])].concat(), Reset(&[FLOW])),
    ("window_update_of_a_wrong_size", || frame(WINDOW_UPDATE, 0, 0, &[0; 3]), Away(&[SIZE, PROTOCOL])),
    ("settings_on_a_stream", || frame(SETTINGS, 0, 1, b""), Away(&[PROTOCOL])),
    ("settings_of_a_wrong_size", || frame(SETTINGS, 0, 0, &[0; 5]), Away(&[SIZE, PROTOCOL])),
    ("acknowledged_settings_with_a_payload", || frame(SETTINGS, ACK, 0, &[0; 6]), Away(&[SIZE, PROTOCOL])),
    ("push_neither_on_nor_off", || frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2]), Away(&[PROTOCOL])),
    ("initial_window_beyond_its_limit", || frame(SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0]), Away(&[FLOW, PROTOCOL])),
    ("frame_size_below_its_least", || frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]), Away(&[PROTOCOL])),
    ("ping_of_a_wrong_size", || frame(PING, 0, 0, &[0; 7]), Away(&[SIZE, PROTOCOL])),
    ("ping_on_a_stream", || frame(PING, 0, 1, &[0; 8]), Away(&[PROTOCOL])),
    ("push_promise_of_a_client", || frame(5, END_HEADERS, 1, &[0, 0, 0, 2]), Away(&[PROTOCOL])),
    ("reset_of_stream_0", || frame(RST_STREAM, 0, 0, &[0; 4]), Away(&[PROTOCOL])),
    ("reset_of_a_stream_that_is_not_open", || frame(RST_STREAM, 0, 1, &[0; 4]), Away(&[PROTOCOL])),
    ("reset_of_a_wrong_size", || [head(1, &get("/")), frame(RST_STREAM, 0, 1, &[0; 3])].concat(), Away(&[SIZE, PROTOCOL])),
    ("continuation_of_nothing", || frame(CONTINUATION, END_HEADERS, 1, b""), Away(&[PROTOCOL])),
    ("head_that_is_interrupted", || [frame(HEADERS, 0, 1, b""), frame(DATA, 0, 1, b"x")].concat(), Away(&[PROTOCOL])),
    ("head_that_goes_on_elsewhere", || [frame(HEADERS, 0, 1, b""), frame(CONTINUATION, END_HEADERS, 3, b"")].concat(), Away(&[PROTOCOL])),
    ("head_that_goes_on_for_ever", || [frame(HEADERS, 0, 1, b""), frame(CONTINUATION, 0, 1, &literals(&[("a", "b")])).repeat(5000)].concat(), Away(&[PROTOCOL, CALM])),
    ("index_of_no_header", || frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xfe"), Away(&[COMPRESSION, PROTOCOL])),
    ("header_that_is_cut_off", || frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x00\x7f"), Away(&[COMPRESSION, PROTOCOL])),
    ("table_larger_than_allowed", || frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x3f\xe1\xff\x03"), Away(&[COMPRESSION, PROTOCOL])),
    ("name_in_upper_case", || request(1, &with(&[("Aa", "b")])), Away(&[PROTOCOL])),
    ("connection_header", || request(1, &with(&[("connection", "close")])), Reset(&[PROTOCOL])),
    ("transfer_encoding", || request(1, &with(&[("transfer-encoding", "chunked")])), Reset(&[PROTOCOL])),
    ("te_of_something_else", || request(1, &with(&[("te", "gzip")])), Reset(&[PROTOCOL])),
    ("method_is_missing", || request(1, &get("/")[1..]), Reset(&[PROTOCOL])),
    ("scheme_is_missing", || request(1, &[(":method", "GET"), (":path", "/"), (":authority", "x")]), Reset(&[PROTOCOL])),
    ("path_is_missing", || request(1, &get("/")[..3]), Reset(&[PROTOCOL])),
    ("path_is_empty", || request(1, &get("")), Reset(&[PROTOCOL])),
    ("path_twice", || request(1, &with(&[(":path", "/")])), Reset(&[PROTOCOL])),
    ("pseudo_header_that_nobody_knows", || request(1, &[&[(":x", "/")][..], &get("/")].concat()), Away(&[PROTOCOL])),
    ("pseudo_header_of_a_response", || request(1, &[&[(":status", "200")][..], &get("/")].concat()), Reset(&[PROTOCOL])),
    ("pseudo_header_after_another", || request(1, &[&[("a", "b")][..], &get("/")].concat()), Reset(&[PROTOCOL])),
    ("line_end_in_a_value", || request(1, &with(&[("a", "b\r\nc: d")])), Away(&[PROTOCOL])),
    ("line_end_in_a_path", || request(1, &get("/ HTTP/1.1\r\nx: y")), Reset(&[PROTOCOL])),
    ("user_in_the_authority", || request(1, &[(":method", "GET"), (":scheme", "http"), (":authority", "a@b"), (":path", "/")]), Reset(&[PROTOCOL])),
    ("two_lengths", || [head(1, &with(&[("content-length", "1"), ("content-length", "2")])), frame(DATA, END_STREAM, 1, b"x")].concat(), Reset(&[PROTOCOL])),
    ("length_beyond_the_body", || [head(1, &with(&[("content-length", "5")])), frame(DATA, END_STREAM, 1, b"x")].concat(), Reset(&[PROTOCOL])),
    ("body_beyond_the_length", || [head(1, &with(&[("content-length", "1")])), frame(DATA, END_STREAM, 1, b"xy")].concat(), Reset(&[PROTOCOL])),
    ("connect_with_a_path", || request(1, &[(":method", "CONNECT"), (":authority", "x:1"), (":path", "/")]), Reset(&[PROTOCOL])),
    ("more_headers_than_allowed", || request(1, &[&get("/")[..], &[("a", "b"); 102]].concat()), Reset(&[PROTOCOL])),
    ("head_beyond_the_buffer", || request(1, &with(&[("a", &"x".repeat(15360))])), Refused),
];

fn with<'a>(lines: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&get("/")[..], lines].concat()
}

fn in_two_frames() -> Vec<u8> {
    let lines = literals(&get("/"));
    let (start, end) = lines.split_at(9);
    let first = frame(HEADERS, END_STREAM, 1, start);
    [first, frame(CONTINUATION, END_HEADERS, 1, end)].concat()
}

const CONFIG: &str = "
frontend web
    bind \"fd@${web}\"
    http-request return status 200 content-type text/plain string here
";

fn start(peer: Peer) -> Proxy {
    Setup::new(peer).start(&format!("{GLOBAL}{HTTP}{CONFIG}"))
}

const LIST: &[Scenario] = &[
    ("ping_is_answered", ping_is_answered),
    ("preface_that_goes_wrong_is_no_http2", preface_that_goes_wrong_is_no_http2),
    ("soft_stop_lets_streams_end", soft_stop_lets_streams_end),
];

pub(crate) fn trials() -> Vec<Trial> {
    let row = |(name, bytes, end): &'static Row| {
        let name = format!("h2::attack::{name}::luaproxy");
        peer::trial(name, &[], move || meets(&bytes(), *end))
    };
    let mut trials: Vec<Trial> = TABLE.iter().map(row).collect();
    trials.extend(case::scenarios("h2::attack", LIST));
    let storms: [(&str, fn()); 3] = [
        ("storm_of_resets_ends_the_connection", storm_of_resets),
        ("storm_of_empty_frames_ends_the_connection", storm_of_empty_frames),
        ("storm_of_pings_keeps_the_connection_bounded", storm_of_pings),
    ];
    for (name, run) in storms {
        trials.push(peer::trial(format!("h2::attack::{name}::luaproxy"), &[], run));
    }
    trials
}

fn meets(bytes: &[u8], end: End) {
    let proxy = start(Peer::Luaproxy);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send_maybe(bytes);
    match end {
        Away(codes) => {
            let away = raw.next(&[GOAWAY]);
            assert!(codes.contains(&away.code()), "{away:?}");
        }
        Reset(codes) => {
            let reset = raw.next(&[RST_STREAM, GOAWAY]);
            assert_eq!(reset.kind, RST_STREAM, "{reset:?}");
            assert!(codes.contains(&reset.code()), "{reset:?}");
            raw.client.send(request(7, &get("/")));
            assert_eq!(raw.answer(7), (OK, "here".to_owned()));
        }
        Served => assert_eq!(raw.answer(1), (OK, "here".to_owned())),
        Refused => assert_ne!(raw.next(&[HEADERS]).payload[0], OK),
    }
    // Whatever one client does, the next is served.
    let mut next = Raw::connect(&proxy, b"");
    next.client.send(request(1, &get("/")));
    assert_eq!(next.answer(1), (OK, "here".to_owned()));
    proxy.stop();
}

fn ping_is_answered(peer: Peer) {
    let proxy = start(peer);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(frame(PING, 0, 0, b"abcdefgh"));
    let pong = raw.next(&[PING]);
    assert_eq!((pong.flags, &pong.payload[..]), (ACK, &b"abcdefgh"[..]));
    proxy.stop();
}

fn preface_that_goes_wrong_is_no_http2(peer: Peer) {
    let proxy = start(peer);
    let mut client = proxy.connect("web");
    client.send("PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 400);
    proxy.stop();
}

/// A client that opens streams and breaks them off costs more than it pays (CVE-2023-44487).
fn storm_of_resets() {
    let proxy = start(Peer::Luaproxy);
    let mut raw = Raw::connect(&proxy, b"");
    for stream in (1..40_000).step_by(2) {
        raw.client.send_maybe(request(stream, &get("/")));
        raw.client.send_maybe(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    assert_eq!(raw.next(&[GOAWAY]).code(), CALM);
    proxy.stop();
}

fn storm_of_empty_frames() {
    let proxy = start(Peer::Luaproxy);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(head(1, &get("/")));
    raw.client.send_maybe(frame(DATA, 0, 1, b"").repeat(100_000));
    let end = raw.next(&[GOAWAY, RST_STREAM]);
    assert!(end.kind == RST_STREAM || end.code() == CALM, "{end:?}");
    proxy.stop();
}

/// Pings whose answers nobody reads: they wait in the client's socket, not here.
fn storm_of_pings() {
    let proxy = start(Peer::Luaproxy);
    let mut raw = Raw::connect(&proxy, b"");
    let pings = frame(PING, 0, 0, b"abcdefgh").repeat(1000);
    let sent = raw.client.send_until_full(&pings, 64 * 1024 * 1024);
    assert!(sent < 64 * 1024 * 1024, "it takes whatever comes");
    let mut next = Raw::connect(&proxy, b"");
    next.client.send(request(1, &get("/")));
    assert_eq!(next.answer(1), (OK, "here".to_owned()));
}

fn soft_stop_lets_streams_end(peer: Peer) {
    let proxy = start(peer);
    let mut raw = Raw::connect(&proxy, b"");
    raw.client.send(request(1, &get("/")));
    assert_eq!(raw.answer(1), (OK, "here".to_owned()));
    proxy.process.signal(rustix::process::Signal::USR1);
    assert_eq!(raw.next(&[GOAWAY]).code(), 0);
}
