//! Wherever a script is called from, one that does not come back lets others be served.

use std::fs;

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// Where a script is called, and the lines of the frontend that call it for the path `/spin`.
const PLACES: &[(&str, &str)] = &[
    ("an_acl", "acl spins path,lua.conv -m found\n http-request set-header x-a b if spins"),
    ("a_condition", "http-request deny if { lua.fetch -m str no }"),
    ("a_content_rule", "tcp-request content reject if { lua.fetch -m str no }"),
    ("a_converter_in_a_format", "http-request set-header x-a \"a %[path,upper,lower,lua.conv] b\""),
    ("a_fetch_in_a_format", "http-request set-header x-a \"a %[lua.fetch] b\""),
    ("a_log_line", "log-format \"%[lua.fetch]\""),
    ("a_map", "http-request set-header x-a %[lua.fetch,map_str(empty.map,none)]"),
    ("a_response_action", "http-response lua.action"),
    ("a_response_header", "http-response set-header x-a %[lua.fetch]"),
    (
        "a_return",
        "http-request return status 200 content-type text/plain lf-string %[lua.fetch] if { path /spin }",
    ),
    ("a_service", "http-request use-service lua.service if { path /spin }"),
    ("a_unique_id", "unique-id-format %[lua.fetch]\n unique-id-header x-id"),
    ("a_variable", "http-request set-var(txn.a) lua.fetch"),
    ("an_action", "http-request lua.action"),
    ("a_chosen_backend", "use_backend %[lua.fetch] if { path /spin }"),
];

/// Spins from a request for `/spin` on until another request sets it free.
const SCRIPT: &str = r#"
local spinning, freed = 0, 0

local function spin(path)
    if path == "/spin" then
        spinning = spinning + 1
        local before = freed
        while freed == before do end
        spinning = spinning - 1
    end
    return "app"
end

core.register_action("action", { "http-req", "http-res" }, function(txn)
    spin(txn:get_var("txn.path"))
end)
core.register_fetches("fetch", function(txn) return spin(txn:get_var("txn.path")) end)
core.register_converters("conv", spin)
core.register_service("service", "http", function(applet)
    spin(applet.path)
    applet:set_status(200)
    applet:add_header("content-length", "3")
    applet:start_response()
    applet:send("app")
end)
core.register_task(function()
    while true do
        core.msleep(1)
        if freed == 2e6 then spin("/spin") end
    end
end)
core.register_fetches("spinning", function() return tostring(spinning) end)
core.register_fetches("free", function()
    local before = tostring(spinning)
    freed = freed + 1
    return before
end)
core.register_action("task", { "http-req" }, function() freed = 2e6 end)
"#;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = PLACES
        .iter()
        .map(|(place, lines)| {
            Trial::test(format!("lua::preemption::{place}"), move || {
                while_it_spins(lines, |proxy| {
                    let mut client = proxy.connect("web");
                    client.send("GET /spin HTTP/1.1\r\nhost: x\r\n\r\n");
                    Some(client)
                });
                Ok(())
            })
        })
        .collect();
    trials.push(Trial::test("lua::preemption::a_task", || {
        while_it_spins("", |proxy| {
            assert_eq!(ask(&mut proxy.connect("web"), "/task"), "0");
            None
        });
        Ok(())
    }));
    trials.push(Trial::test("lua::preemption::an_idle_watchdog_sleeps", || {
        the_watchdog_sleeps();
        Ok(())
    }));
    trials
}

/// After scripts have run, requests that run none do not wake the watchdog; scripts do.
fn the_watchdog_sleeps() {
    let config = format!(
        "{}    lua-load script.lua
{}
frontend web
    bind \"fd@${{web}}\"
    http-request return status 200 content-type text/plain lf-string %[lua.spinning] if {{ path /script }}
    http-request return status 200 content-type text/plain string none
",
        case::GLOBAL,
        case::HTTP
    );
    let proxy = Setup::new(Peer::Luaproxy)
        .file("script.lua", "core.register_fetches('spinning', function() return 'yes' end)")
        .start(&config);
    let mut client = proxy.connect("web");
    assert_eq!(ask(&mut client, "/script"), "yes");
    for _ in 0..2 {
        let before = wake_ups(&proxy);
        // It looks around for a while before it sleeps again.
        while wake_ups(&proxy) == before {
            assert_eq!(ask(&mut client, "/script"), "yes");
        }
        proxy.until(|| {
            let mut client = proxy.connect("web");
            let before = wake_ups(&proxy);
            for _ in 0..500 {
                assert_eq!(ask(&mut client, "/native"), "none");
            }
            (wake_ups(&proxy) == before).then_some(())
        });
    }
    proxy.stop();
}

/// How often the watchdog's thread has gone to sleep.
fn wake_ups(proxy: &Proxy) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", proxy.process.id())).unwrap();
    let folder = tasks
        .map(|entry| entry.unwrap().path())
        .find(|path| fs::read_to_string(path.join("comm")).is_ok_and(|name| name == "watchdog\n"))
        .expect("a watchdog");
    let status = fs::read_to_string(folder.join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:"));
    line.unwrap().split_whitespace().last().unwrap().parse().unwrap()
}

/// Starts one worker, makes a script spin, and is answered before the script is.
fn while_it_spins(lines: &str, start: fn(&Proxy) -> Option<Client>) {
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()));
    let config = format!(
        "{}    nbthread 1
    tune.lua.session-timeout 0
    tune.lua.service-timeout 0
    tune.lua.burst-timeout 0
    lua-load script.lua
{}
frontend web
    bind \"fd@${{web}}\"
    tcp-request inspect-delay 10s
    tcp-request content set-var(txn.path) path if HTTP
    http-request set-var(txn.path) path
    http-request lua.task if {{ path /task }}
    http-request return status 200 content-type text/plain lf-string %[lua.spinning] if {{ path /spinning /task }}
    http-request return status 200 content-type text/plain lf-string %[lua.free] if {{ path /free }}
    {lines}
    default_backend app
backend app
    server s1 \"${{s1}}\"
",
        case::GLOBAL,
        case::HTTP
    );
    let proxy = Setup::new(Peer::Luaproxy)
        .env("s1", origin.addr())
        .file("script.lua", SCRIPT)
        .file("empty.map", "")
        .start(&config);
    let first = start(&proxy);
    let mut second = proxy.connect("web");
    wait_for(&mut second, "1");
    // It is answered while the script spins, as often as it asks.
    for _ in 0..5 {
        assert_eq!(ask(&mut second, "/spinning"), "1", "{}", proxy.said());
    }
    assert_eq!(ask(&mut second, "/free"), "1");
    if let Some(mut first) = first {
        let answer = first.message().unwrap();
        assert_eq!(answer.status(), 200, "{}", proxy.said());
    }
    wait_for(&mut second, "0");
    proxy.stop();
}

/// Asks until so many scripts spin.
fn wait_for(client: &mut Client, count: &str) {
    let asked = (0..100_000).find(|_| ask(client, "/spinning") == count);
    assert!(asked.is_some(), "never {count} scripts");
}

fn ask(client: &mut Client, path: &str) -> String {
    client.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    client.message().expect("an answer while the script spins").text()
}
