//! The scripts that docs/scripts.md shows: each runs with the configuration that follows it.

use std::fs;

use libtest_mimic::Trial;

use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::client::Message;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::proxy::Peer;
use crate::support::proxy::Setup;

/// The first word that a script registers, a request, and what the answer must have.
type Shown = (&'static str, &'static str, fn(&Message));

const SHOWN: &[Shown] = &[
    ("tag", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", |answer| has(answer, "x-seen", "inner")),
    ("teapot", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", |answer| {
        assert_eq!((answer.status(), answer.text()), (418, "short and stout\n".to_owned()));
    }),
    ("count", "GET / HTTP/1.1\r\nhost: x\r\naccept: a\r\naccept: b\r\n\r\n", |answer| {
        has(answer, "x-accept", "a 2");
    }),
    ("tier", "GET / HTTP/1.1\r\nhost: x\r\nx-key: gold-1\r\n\r\n", |answer| {
        has(answer, "x-tier", "gold");
    }),
    ("mask", "GET / HTTP/1.1\r\nhost: x\r\nx-card: 123456789\r\n\r\n", |answer| {
        has(answer, "x-card", "*****6789");
    }),
    ("upper", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc", |answer| {
        assert_eq!(answer.text(), "ABC");
    }),
    ("is_ticking", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", |answer| has(answer, "x-ticking", "1")),
    ("ask", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", |answer| {
        has(answer, "x-verdict", "HTTP/1.1 200 OK");
    }),
    ("describe", "GET /p HTTP/1.1\r\nhost: x\r\n\r\n", |answer| {
        let text = answer.text();
        assert!(text.contains(r#""path":"/p""#) && text.contains(r#""tags":["a","b"]"#), "{text}");
    }),
    ("check", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", |answer| has(answer, "x-verdict", "200")),
    ("guard", "GET / HTTP/1.1\r\nhost: x\r\nx-token: secret\r\n\r\n", |answer| {
        assert_eq!(answer.status(), 200);
    }),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, request, check) in SHOWN {
        for peer in Peer::BOTH {
            // HAProxy has no libraries.
            if *name == "describe" && matches!(peer, Peer::Haproxy) {
                continue;
            }
            let title = format!("document::{name}::{}", peer.name());
            trials.push(peer::trial(title, peer.tools(), move || run(peer, name, request, *check)));
        }
    }
    trials.push(peer::trial("document::every_pair_is_run", &[], every_pair_is_run));
    trials
}

fn run(peer: Peer, name: &str, request: &str, check: fn(&Message)) {
    let (script, config) = pairs()
        .into_iter()
        .find(|(script, _)| registers(script, name))
        .unwrap_or_else(|| panic!("docs/scripts.md shows no {name}"));
    let origin = Origin::start(Script::Echo);
    let setup = Setup::new(peer).env("s1", origin.addr()).file("script.lua", script);
    let proxy = setup.start(&format!("{GLOBAL}    lua-load script.lua\n{HTTP}{config}"));
    let mut client = proxy.connect("web");
    client.send(request);
    let answer = client.message().unwrap_or_else(|| panic!("it said:\n{}", proxy.said()));
    check(&answer);
    proxy.stop();
}

fn every_pair_is_run() {
    for (script, _) in pairs() {
        assert!(SHOWN.iter().any(|(name, ..)| registers(&script, name)), "not run:\n{script}");
    }
}

fn registers(script: &str, name: &str) -> bool {
    script.contains(&format!("(\"{name}\", "))
}

/// Returns each script that is followed by a configuration.
fn pairs() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scripts.md");
    let text = fs::read_to_string(path).unwrap();
    let mut pairs = Vec::new();
    let mut last = String::new();
    for part in text.split("\n```").skip(1).step_by(2) {
        match part.split_once('\n') {
            Some(("lua", script)) => last = script.to_owned(),
            Some(("haproxy", config)) => pairs.push((last.clone(), format!("\n{config}\n"))),
            _ => {}
        }
    }
    pairs
}

fn has(answer: &Message, name: &str, value: &str) {
    assert_eq!(answer.header(name), Some(value), "{}", answer.head);
}
