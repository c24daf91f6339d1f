//! Starting with scripts that are wrong: what is said, beside what HAProxy says of the same ones.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::case::HTTP;
use crate::support::peer;
use crate::support::proxy::Peer;

/// A name, a script, a line of the frontend, and what is said; then whether HAProxy 2.6 says so.
type Start = (&'static str, &'static str, &'static str, &'static str, bool);

const STARTS: &[Start] = &[
    (
        "syntax_error_names_its_line",
        "local x = 1\nx = = 2\n",
        "",
        "error in Lua file 'script.lua': script.lua:2: unexpected symbol near '='",
        true,
    ),
    ("error_in_the_body", "error('boom')", "", "Lua runtime error: script.lua:1: boom", true),
    ("error_that_is_no_text", "error({})", "", "Lua runtime error: unknown", false),
    (
        "error_in_an_init_function",
        "core.register_init(function() error('initboom') end)",
        "",
        "Lua init: runtime error: 'script.lua:1: initboom' from [C]: in global 'error'",
        false,
    ),
    (
        "fetch_that_nobody_registered",
        "",
        "http-request set-header x %[lua.nope]",
        "unknown fetch method 'lua.nope'",
        true,
    ),
    (
        "converter_that_nobody_registered",
        "",
        "http-request set-header x %[path,lua.nope]",
        "unknown converter 'lua.nope'",
        true,
    ),
    (
        "fetch_with_a_thirteenth_argument",
        "core.register_fetches('f', function() return '' end)",
        "http-request set-header x %[lua.f(1,2,3,4,5,6,7,8,9,10,11,12,13)]",
        "expected ')' before ',13)]'",
        false,
    ),
    (
        "action_with_too_few_words",
        "core.register_action('a', { 'http-req' }, function() end, 2)",
        "http-request lua.a one",
        "expects 2 arguments",
        false,
    ),
    (
        "action_in_a_rule_set_it_is_not_for",
        "core.register_action('a', { 'tcp-req' }, function() end)",
        "http-request lua.a",
        "'http-request' expects ",
        true,
    ),
    (
        "service_that_nobody_registered",
        "",
        "http-request use-service lua.nope",
        "'lua.nope' unknown service name",
        true,
    ),
    (
        "name_registered_twice",
        "for i = 1, 2 do core.register_converters('c', function() return '' end) end",
        "",
        "Trying to register converter 'lua.c' more than once. This will become a hard error in \
         version 2.5.",
        true,
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for start in STARTS {
        for peer in Peer::BOTH {
            if peer == Peer::Luaproxy || start.4 {
                let title = format!("lua::start::{}::{}", start.0, peer.name());
                trials.push(peer::trial(title, peer.tools(), move || check(peer, start)));
            }
        }
    }
    trials
}

fn check(peer: Peer, (_, script, rule, expected, _): &Start) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "global\n    lua-load script.lua\n{HTTP}\nfrontend web\n    bind 127.0.0.1:0\n    {rule}\n"
    );
    fs::write(folder.path().join("script.lua"), script).unwrap();
    fs::write(folder.path().join("test.cfg"), config).unwrap();
    let output = Command::new(peer.program())
        .args(["-c", "-f", "test.cfg"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(expected), "{said}");
}
