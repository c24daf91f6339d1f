//! The examples in scripts/: each is started as its remarks say, and does what they say.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use libtest_mimic::Trial;

use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::process::DEADLINE;
use crate::support::process::Process;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// An example, what must be installed for it, whether HAProxy 2.6 runs it too, and its test.
type Example = (&'static str, &'static [Tool], bool, fn(Setup));

const EXAMPLES: &[Example] = &[
    ("converter", &[], false, converter),
    ("hello_world", &[], false, hello_world),
    ("redirect", &[], true, redirect),
    ("redis_task", &[Tool::Redis], true, redis_task),
    ("reverse_proxy", &[], true, reverse_proxy),
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
    trials.push(peer::trial("example::hello_world_by_curl::luaproxy", &[Tool::Curl], by_curl));
    trials
}

fn hello_world(setup: Setup) {
    let proxy = start(setup, "hello_world", &["TCP", "HTTP"]);
    assert_eq!(proxy.connect("TCP").rest(), b"hello world\n");
    assert_eq!(get(&proxy, "/", ""), (200, "hello world\n".to_owned(), String::new()));
    proxy.stop();
}

fn by_curl() {
    let proxy = start(Setup::new(Peer::Luaproxy), "hello_world", &["TCP", "HTTP"]);
    let url = format!("http://{}/", proxy.addr("HTTP"));
    let output = Command::new(Tool::Curl.path().unwrap()).args(["-sS", &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello world\n", "{output:?}");
    proxy.stop();
}

fn redirect(setup: Setup) {
    let proxy = start(setup, "redirect", &["HTTP"]);
    assert_eq!(get(&proxy, "/", "").2, "/hello");
    assert_eq!(get(&proxy, "/home", "").2, "/en/");
    assert_eq!(get(&proxy, "/home", "accept-language: fr-CH, fr;q=0.9\r\n").2, "/fr/");
    assert_eq!(get(&proxy, "/home", "accept-language: //evil\r\n").2, "/en/");
    assert_eq!(get(&proxy, "/hello", "").1, "here\n");
    proxy.stop();
}

fn converter(setup: Setup) {
    let proxy = start(setup, "converter", &["HTTP"]);
    // FNV-1a of "a" is a published test vector.
    assert_eq!(get(&proxy, "/Some/Page", "").1, format!("some-page {}\n", fnv("/Some/Page")));
    assert_eq!(fnv("a"), "e40c292c");
    proxy.stop();
}

fn reverse_proxy(setup: Setup) {
    let answer = "HTTP/1.1 200 OK\r\nserver: old/1.0\r\ncontent-length: 2\r\n\r\nok";
    let origin = Origin::start(Script::Answer(answer.into()));
    let proxy = start(setup.env("SERVER", origin.addr()), "reverse_proxy", &["HTTP"]);
    let mut client = proxy.connect("HTTP");
    client.send("GET /page HTTP/1.1\r\nhost: x\r\nx-real-ip: 192.0.2.66\r\n\r\n");
    let page = client.message().unwrap();
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("server"), None);
    client.send("GET /static/a.css HTTP/1.1\r\nhost: x\r\n\r\n");
    let file = client.message().unwrap();
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
        let (status, body, _) = get(&proxy, "/", "");
        assert_eq!(status, 200);
        let visits = body.trim().strip_prefix("visits: ").unwrap().to_owned();
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

/// Returns the status, the body and the location of an answer.
fn get(proxy: &Proxy, path: &str, headers: &str) -> (u16, String, String) {
    let mut client = proxy.connect("HTTP");
    client.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n"));
    let answer = client.message().unwrap_or_else(|| panic!("it said:\n{}", proxy.said()));
    let location = answer.header("location").unwrap_or_default().to_owned();
    (answer.status(), answer.text(), location)
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

/// A Redis server of the test's own, with nothing saved.
struct Redis {
    port: u16,
    _process: Process,
}

impl Redis {
    fn start() -> Self {
        // Redis cannot inherit a socket: a port is taken, given back, and asked for again.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut command = Command::new(Tool::Redis.path().unwrap());
            command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
            let process = Process::start(command.args(["--port", &port.to_string()]), &[]);
            let lines = process.stdout.wait_for("that it is ready", |line| {
                line.contains("eady to accept connections") || line.contains("bind: Address")
            });
            if lines.contains("eady to accept") {
                return Self { port, _process: process };
            }
        }
        panic!("no port for redis-server");
    }
}
