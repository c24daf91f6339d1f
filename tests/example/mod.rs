//! The examples in scripts/: each is started as its remarks say, and does what they say.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Instant;

use libtest_mimic::Trial;

use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::process::DEADLINE;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;
use crate::support::redis::Redis;

mod access;
mod geoip;
mod protocol;

/// An example, what must be installed for it, whether HAProxy 2.6 runs it too, and its test.
type Example = (&'static str, &'static [Tool], bool, fn(Setup));

const EXAMPLES: &[Example] = &[
    ("acme", &[Tool::Curl], true, access::acme),
    ("connect_proxy", &[Tool::Curl], true, protocol::connect_proxy),
    ("converter", &[Tool::Curl], false, converter),
    ("cors", &[Tool::Curl], true, access::cors),
    ("forward_auth", &[Tool::Curl], true, access::forward_auth),
    ("geoip", &[Tool::Curl], true, geoip::geoip),
    ("hello_world", &[Tool::Curl, Tool::Netcat], false, hello_world),
    ("ip_reputation", &[Tool::Curl], true, access::ip_reputation),
    ("jwt", &[Tool::Curl], true, access::jwt),
    ("prometheus", &[Tool::Curl], true, protocol::prometheus),
    ("proof_of_work", &[Tool::Curl], true, access::proof_of_work),
    ("redirect", &[Tool::Curl], true, redirect),
    ("redis_server", &[Tool::RedisCli], true, protocol::redis_server),
    ("redis_task", &[Tool::Curl, Tool::Redis], true, redis_task),
    ("reverse_proxy", &[Tool::Curl], true, reverse_proxy),
    ("socks5", &[Tool::Curl], true, protocol::socks5),
    ("tenants", &[Tool::Curl], false, tenants),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("example::every_example_has_a_test", || {
        every_example_has_a_test();
        Ok(())
    })];
    for (name, tools, oracle, run) in EXAMPLES {
        for peer in Peer::BOTH {
            if peer == Peer::Haproxy && !oracle {
                continue;
            }
            let tools = [tools, peer.tools()].concat();
            let name = format!("example::{name}::{}", peer.name());
            trials.push(peer::trial(name, &tools, move || run(Setup::new(peer))));
        }
    }
    trials
}

fn hello_world(setup: Setup) {
    let proxy = start(setup, "hello_world", &["TCP", "HTTP"]);
    let addr = proxy.addr("TCP");
    let heard = run(Tool::Netcat, &[&addr.ip().to_string(), &addr.port().to_string()]);
    assert_eq!(heard, "hello world\n");
    let answer = curl(&proxy, "/", &[]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello world\n"));
    proxy.stop();
}

fn redirect(setup: Setup) {
    let proxy = start(setup, "redirect", &["HTTP"]);
    let location = |path, language: &str| {
        let header = format!("accept-language: {language}");
        curl(&proxy, path, &["-H", &header]).header("location").map(str::to_owned)
    };
    assert_eq!(location("/", "").as_deref(), Some("/hello"));
    assert_eq!(location("/home", "").as_deref(), Some("/en/"));
    assert_eq!(location("/home", "fr-CH, fr;q=0.9").as_deref(), Some("/fr/"));
    assert_eq!(location("/home", "//evil").as_deref(), Some("/en/"));
    assert_eq!(curl(&proxy, "/hello", &[]).body, "here\n");
    proxy.stop();
}

fn converter(setup: Setup) {
    let proxy = start(setup, "converter", &["HTTP"]);
    // FNV-1a of "a" is a published test vector.
    let body = curl(&proxy, "/Some/Page", &[]).body;
    assert_eq!(body, format!("some-page {}\n", fnv("/Some/Page")));
    assert_eq!(fnv("a"), "e40c292c");
    proxy.stop();
}

fn tenants(setup: Setup) {
    let proxy = start(setup.env("GREETING", "good day"), "tenants", &["HTTP"]);
    for (path, status, body) in [
        ("/acme", 200, "good day acme\n"),
        ("/loop", 503, ""),
        ("/grow", 503, ""),
        ("/spy", 200, "nothing\n"),
        ("/careful", 200, "hello careful\n"),
        ("/acme", 200, "good day acme\n"),
    ] {
        let answer = curl(&proxy, path, &[]);
        assert_eq!(answer.status, status, "{path}");
        assert!(status != 200 || answer.body == body, "{path}: {}", answer.body);
    }
    proxy.wait_to_say("tenant mallory: script stopped after");
    proxy.wait_to_say("memory-max 8m");
    proxy.stop();
}

fn reverse_proxy(setup: Setup) {
    let answer = "HTTP/1.1 200 OK\r\nserver: old/1.0\r\ncontent-length: 2\r\n\r\nok";
    let origin = Origin::start(Script::Answer(answer.into()));
    let proxy = start(setup.env("SERVER", origin.addr()), "reverse_proxy", &["HTTP"]);
    let page = curl(&proxy, "/page", &["-H", "x-real-ip: 192.0.2.66"]);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("server"), None);
    let file = curl(&proxy, "/static/a.css", &[]);
    assert_eq!(file.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(origin.requests()[0].header("x-real-ip"), Some("127.0.0.1"));
    proxy.stop();
}

fn redis_task(setup: Setup) {
    let redis = Redis::start();
    let proxy =
        start(setup.env("REDIS", format!("127.0.0.1:{}", redis.port)), "redis_task", &["HTTP"]);
    let until = Instant::now() + DEADLINE;
    loop {
        let answer = curl(&proxy, "/", &[]);
        assert_eq!(answer.status, 200);
        let visits = answer.body.trim().strip_prefix("visits: ").unwrap().to_owned();
        if visits.parse::<u32>().is_ok_and(|visits| visits > 1) {
            break;
        }
        assert!(Instant::now() < until, "{visits}; it said:\n{}", proxy.said());
    }
    proxy.stop();
}

fn every_example_has_a_test() {
    let mut names: Vec<String> = fs::read_dir(root().join("scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cfg"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let tested: Vec<&str> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, tested);
}

/// Starts an example from the root of the repository, its ports replaced.
fn start(setup: Setup, name: &str, sockets: &[&str]) -> Proxy {
    let names: Vec<String> = sockets.iter().map(|&name| name.to_owned()).collect();
    let file = PathBuf::from(format!("scripts/{name}.cfg"));
    setup.current_dir(root()).start_file(&file, &names)
}

/// What curl was answered.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Asks for a path as a person would.
fn curl(proxy: &Proxy, path: &str, options: &[&str]) -> Answer {
    curl_url(&format!("http://{}{path}", proxy.addr("HTTP")), options)
}

fn curl_url(url: &str, options: &[&str]) -> Answer {
    let said = run(Tool::Curl, &[&["-sS", "-i", "--max-time", "20"], options, &[url]].concat());
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), head: head.to_owned(), body: body.to_owned() }
}

/// Runs a program to its end and returns what it printed.
fn run(tool: Tool, arguments: &[&str]) -> String {
    let output = try_run(tool, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn try_run(tool: Tool, arguments: &[&str]) -> Output {
    let mut command = Command::new(tool.path().unwrap());
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn fnv(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
