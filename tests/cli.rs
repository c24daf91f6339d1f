//! The command line: what it answers, what it refuses, how it ends.

use std::fs;
use std::process::Command;
use std::process::Output;

use libtest_mimic::Trial;
use rustix::process::Signal;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::Scenario;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::proxy::Peer;
use crate::support::proxy::Setup;

const BOTH: &[Scenario] = &[
    ("check_of_a_valid_file_says_so", check_of_a_valid_file_says_so),
    ("check_of_a_wrong_file_fails", check_of_a_wrong_file_fails),
    ("missing_file_is_refused", missing_file_is_refused),
    ("soft_stop_lets_a_request_finish", soft_stop_lets_a_request_finish),
    ("term_stops_at_once", term_stops_at_once),
];

const OWN: &[(&str, fn())] = &[
    ("version_names_itself", version_names_itself),
    ("no_argument_is_a_usage_error", no_argument_is_a_usage_error),
    ("all_mistakes_are_reported_at_once", all_mistakes_are_reported_at_once),
    ("script_mistakes_are_reported_by_check", script_mistakes_are_reported_by_check),
    ("condition_is_answered_by_the_exit_status", condition_is_answered_by_the_exit_status),
    ("unknown_option_is_refused", unknown_option_is_refused),
    ("config_by_an_equals_sign", config_by_an_equals_sign),
];

const VALID: &str = "
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:64999
    http-request return
";

const LISTEN: &str = "
listen web
    bind \"fd@${web}\"
    server s1 \"${s1}\"
";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = case::scenarios("cli", BOTH);
    for (name, run) in OWN {
        trials.push(peer::trial(format!("cli::{name}::luaproxy"), &[], run));
    }
    trials
}

fn check_of_a_valid_file_says_so(peer: Peer) {
    let output = peer.check(VALID);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Configuration file is valid\n");
}

fn check_of_a_wrong_file_fails(peer: Peer) {
    let output = peer.check(&VALID.replace("http-request return", "log-sampel path"));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("[ALERT]"), "{said}");
    assert!(said.contains("unknown keyword 'log-sampel' in 'frontend' section"), "{said}");
    assert!(said.contains("Error(s) found in configuration file : test.cfg"), "{said}");
}

fn missing_file_is_refused(peer: Peer) {
    let output = Command::new(peer.program()).args(["-c", "-f", "/nowhere.cfg"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("/nowhere.cfg"), "{}", text(&output));
}

fn soft_stop_lets_a_request_finish(peer: Peer) {
    let (tell, told) = std::sync::mpsc::channel();
    let (gate, pass) = std::sync::mpsc::channel::<()>();
    let pass = std::sync::Mutex::new(pass);
    let origin = Origin::with(move |client| {
        client.message();
        tell.send(()).unwrap();
        pass.lock().unwrap().recv().unwrap();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let config = format!("{GLOBAL}{HTTP}{LISTEN}");
    let mut proxy = Setup::new(peer).env("s1", origin.addr()).start(&config);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    told.recv().unwrap();
    proxy.process.signal(Signal::USR1);
    gate.send(()).unwrap();
    assert_eq!(client.message().unwrap().text(), "ok");
    assert_eq!(proxy.process.wait().code(), Some(0), "{}", proxy.said());
}

fn term_stops_at_once(peer: Peer) {
    let origin = Origin::start(Script::Silent);
    let config = format!("{GLOBAL}{HTTP}{LISTEN}");
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&config);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    origin.wait_for_request();
    proxy.stop();
    client.ended();
}

fn version_names_itself() {
    let output = luaproxy(&["-v"]);
    assert!(output.status.success());
    assert!(text(&output).contains("luaproxy version "), "{}", text(&output));
    let output = luaproxy(&["-vv"]);
    for word in ["LuaJIT", "+LUA"] {
        assert!(text(&output).contains(word), "-vv names {word}: {}", text(&output));
    }
}

fn no_argument_is_a_usage_error() {
    let output = luaproxy(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("--config"), "{}", text(&output));
}

fn all_mistakes_are_reported_at_once() {
    let wrong = VALID.replace("mode http", "mode htpt").replace(
        "http-request return",
        "use_backend nobody\n    acl a path_begg /\n    http-request dney",
    );
    let output = Peer::Luaproxy.check(&wrong);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1));
    for word in ["htpt", "nobody", "path_begg", "dney"] {
        assert!(said.contains(word), "no word of {word} in:\n{said}");
    }
}

fn script_mistakes_are_reported_by_check() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.lua"), "local x = = 1\n").unwrap();
    let config = format!("global\n    lua-load {}/bad.lua\n{VALID}", folder.path().display());
    let output = Peer::Luaproxy.check(&config);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("bad.lua:1:"), "{}", text(&output));
}

fn condition_is_answered_by_the_exit_status() {
    assert_eq!(luaproxy(&["-cc", "feature(LUA)"]).status.code(), Some(0));
    assert_eq!(luaproxy(&["-cc", "streq(a,b)"]).status.code(), Some(1));
}

fn unknown_option_is_refused() {
    let output = luaproxy(&["--confg", "x.cfg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("--config"), "a hint: {}", text(&output));
}

fn config_by_an_equals_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cfg");
    fs::write(&file, VALID).unwrap();
    let output = luaproxy(&["--check", &format!("--config={}", file.display())]);
    assert!(output.status.success(), "{}", text(&output));
}

fn luaproxy(args: &[&str]) -> Output {
    Command::new(Peer::Luaproxy.program()).args(args).output().unwrap()
}

/// Everything a program said.
fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
