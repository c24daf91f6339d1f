//! The runtime API: commands over a socket, beside HAProxy's answers to the same ones.

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::Scenario;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[
    ("commands_are_answered", commands_are_answered),
    ("a_conversation_goes_on_until_it_is_quit", a_conversation_goes_on_until_it_is_quit),
    ("levels_hold_back_what_changes_something", levels_hold_back_what_changes_something),
    ("scripts_register_commands", scripts_register_commands),
    ("maintenance_reaches_the_traffic", maintenance_reaches_the_traffic),
];

const CONFIG: &str = "
frontend web
    bind \"fd@${web}\"
    http-request set-header x %[src,map_ip(a.map,none)]
    default_backend app
backend app
    server s1 \"${s1}\" weight 5 maxconn 7
";

const SCRIPT: &str = r#"
core.register_cli({ "show", "hello" }, "show hello : greets", function(applet, ...)
    applet:send("hello " .. table.concat({ ... }, ",") .. "\n")
end)
core.register_cli({ "ask" }, "ask : reads a line", function(applet)
    applet:send("what?\n")
    applet:send("it was " .. applet:getline())
end)
core.register_cli({ "fail" }, "fail : fails", function(applet)
    applet:send("so far\n")
    error("no further")
end)
"#;

pub(crate) fn trials() -> Vec<Trial> {
    case::scenarios("lua::runtime", LIST)
}

struct Running {
    proxy: Proxy,
    _origin: Origin,
}

fn start(peer: Peer, level: &str) -> Running {
    let origin = Origin::start(Script::Echo);
    let setup = Setup::new(peer).env("s1", origin.addr()).file("script.lua", SCRIPT);
    let setup = setup.file("a.map", "10.0.0.0/8 ten\n");
    let path = setup.folder().join("stats.sock");
    let global = format!("{GLOBAL}    stats socket {} mode 600 {level}\n", path.display());
    let proxy = setup.start(&format!("{global}    lua-load script.lua\n{HTTP}{CONFIG}"));
    Running { proxy, _origin: origin }
}

impl Running {
    fn connect(&self) -> Client {
        self.proxy.connect_unix("stats.sock")
    }

    fn ask(&self, command: &str) -> String {
        let mut client = self.connect();
        client.send(format!("{command}\n"));
        String::from_utf8(client.rest()).unwrap()
    }
}

fn commands_are_answered(peer: Peer) {
    let running = start(peer, "level admin");
    for (command, expected) in [
        ("set server app/s1 weight 10", "\n"),
        ("get weight app/s1", "10 (initial 5)\n\n"),
        ("set weight app/s1 50%; get weight app/s1", "\n2 (initial 5)\n\n"),
        ("set server app/s1 state maint", "\n"),
        (
            "set server app/s1 state x",
            "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n",
        ),
        ("enable server app/s1", "\n"),
        ("set server app/nope weight 10", "No such server.\n\n"),
        ("set server nope/x weight 10", "No such backend.\n\n"),
        ("set server app", "Require 'backend/server'.\n\n"),
        ("set maxconn server app/s1 9", "\n"),
        ("show backend", "# name\napp\n\n"),
        ("show cli level", "admin\n\n"),
        (
            "get map a.map 10.1.1.1",
            "type=ip, case=sensitive, found=yes, idx=tree, key=\"10.0.0.0/8\", value=\"ten\", type=\"str\"\n\n",
        ),
        ("get map a.map 9.1.1.1", "type=ip, case=sensitive, found=no\n\n"),
        ("add map a.map 1.1.1.1 one", "\n"),
        ("set map a.map 1.1.1.1 two", "\n"),
        ("set map a.map 1.1.1.9 two", "entry not found.\n\n"),
        ("del map a.map 1.1.1.1", "\n"),
        ("del map a.map 1.1.1.1", "Key not found.\n\n"),
        ("set map a.map 10.0.0.0/8 a\\ b\\;", "\n"),
        ("show stat nope 4 -1", "No such proxy.\n\n"),
        ("show map nope", "Unknown map identifier. Please use #<id> or <file>.\n\n"),
        ("disable frontend web", "\n"),
        ("enable frontend web", "\n"),
        ("enable frontend web", "All sockets are already enabled.\n\n"),
    ] {
        assert_eq!(running.ask(command), expected, "{command}");
    }
    let stat = running.ask("show stat app 4 -1");
    assert!(stat.starts_with("# pxname,svname,qcur,"), "{stat}");
    assert!(stat.contains("\napp,s1,0,0,0,0,9,0,0,0,,0,,0,0,0,0,no check,2,1,0,"), "{stat}");
    assert!(running.ask("show info").contains("\nCurrConns: "));
    let state = running.ask("show servers state");
    assert!(state.starts_with("1\n# be_id be_name srv_id srv_name srv_addr "), "{state}");
    assert!(state.contains(" app 1 s1 127.0.0.1 2 0 2 5 "), "{state}");
    assert!(running.ask("bogus").starts_with("Unknown command"), "{}", running.ask("bogus"));
    assert!(running.ask("help").contains("  show stat "));
    running.proxy.stop();
}

fn a_conversation_goes_on_until_it_is_quit(peer: Peer) {
    let running = start(peer, "level admin");
    let mut client = running.connect();
    client.send("prompt\n");
    client.send("show backend\n");
    client.send("get weight app/s1; show cli level\n");
    client.send("user; show cli level; prompt\n");
    let said = String::from_utf8(client.rest()).unwrap();
    assert_eq!(said, "\n> # name\napp\n\n> 5 (initial 5)\n\n> admin\n\n> \n> user\n\n> \n");
    running.proxy.stop();
}

fn levels_hold_back_what_changes_something(peer: Peer) {
    let running = start(peer, "level operator");
    assert!(running.ask("set server app/s1 state maint").contains("Permission denied"));
    assert_eq!(running.ask("show backend"), "# name\napp\n\n");
    running.proxy.stop();
}

fn scripts_register_commands(peer: Peer) {
    let running = start(peer, "level admin");
    assert_eq!(running.ask("show hello a b"), "hello show,hello,a,b\n\n");
    assert_eq!(running.ask("show hello \\;\\ ;show cli level"), "hello show,hello,; \n\nadmin\n\n");
    assert_eq!(running.ask("fail;show cli level"), "so far\n\nadmin\n\n");
    assert!(running.ask("help").contains("greets"));
    let mut client = running.connect();
    client.send("ask\nfine\n");
    assert_eq!(String::from_utf8(client.rest()).unwrap(), "what?\nit was fine\n\n");
    running.proxy.stop();
}

fn maintenance_reaches_the_traffic(peer: Peer) {
    let running = start(peer, "level admin");
    let ask = || {
        let mut client = running.proxy.connect("web");
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        client.message().unwrap().status()
    };
    assert_eq!(ask(), 200);
    assert_eq!(running.ask("disable server app/s1"), "\n");
    assert_eq!(ask(), 503);
    assert_eq!(running.ask("enable server app/s1"), "\n");
    assert_eq!(ask(), 200);
    running.proxy.stop();
}
