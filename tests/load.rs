//! Many requests and many connections: none fails, nothing is left behind. Nothing is timed.

use std::fs;
use std::thread;

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::case::Scenario;
use crate::support::case::TCP;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::process::DEADLINE;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[
    ("ten_thousand_requests_kept_alive", ten_thousand_requests_kept_alive),
    ("a_thousand_connections_at_once", a_thousand_connections_at_once),
    ("a_thousand_tcp_connections_one_after_another", connections_one_after_another),
    ("a_thousand_scripted_requests", a_thousand_scripted_requests),
];

/// Without a log: its pipe would have to be read as fast.
const QUIET: &str = "
defaults
    mode http
    timeout connect 10s
    timeout client 30s
    timeout server 30s
";

const CONFIG: &str = "
listen web
    bind \"fd@${web}\"
    server s1 \"${s1}\"
";

pub(crate) fn trials() -> Vec<Trial> {
    case::scenarios("load", LIST)
}

fn ten_thousand_requests_kept_alive(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&format!("{QUIET}{CONFIG}"));
    let watch = Watch::start(&proxy);
    let addr = proxy.addr("web");
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            thread::spawn(move || {
                let mut client = Client::connect(addr).unwrap();
                for turn in 0..2500 {
                    let path = format!("/{worker}/{turn}");
                    client.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
                    let answer = client.message().expect("each request is answered");
                    assert_eq!(answer.status(), 200);
                    assert!(answer.text().contains(&path), "an answer belongs to its request");
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    watch.nothing_is_left(&proxy);
    proxy.stop();
}

fn a_thousand_connections_at_once(peer: Peer) {
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into()));
    let config = format!("global\n    maxconn 3000\n{QUIET}{CONFIG}");
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&config);
    let watch = Watch::start(&proxy);
    let mut clients: Vec<Client> = (0..1000).map(|_| proxy.connect("web")).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        }
        for client in &mut clients {
            assert_eq!(client.message().expect("each is answered").text(), "ok");
        }
    }
    drop(clients);
    watch.nothing_is_left(&proxy);
    proxy.stop();
}

fn connections_one_after_another(peer: Peer) {
    let origin = Origin::start(Script::Mirror);
    let config = TCP.replace("option tcplog", "no log");
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&format!("{config}{CONFIG}"));
    let watch = Watch::start(&proxy);
    for turn in 0..1000 {
        let mut client = proxy.connect("web");
        client.send(format!("turn {turn}\n"));
        assert_eq!(client.line(), format!("turn {turn}\n"));
    }
    watch.nothing_is_left(&proxy);
    proxy.stop();
}

fn a_thousand_scripted_requests(peer: Peer) {
    const SCRIPT: &str = "
core.register_action('a', { 'http-req' }, function(txn)
    if txn.sf:path():sub(-1) == '7' then core.msleep(1) end
    txn.http:req_set_header('x-len', tostring(#txn.sf:path()))
end)
core.register_converters('rev', function(s) return s:reverse() end)
";
    let config = format!(
        "global\n    lua-load script.lua\n{QUIET}
listen web
    bind \"fd@${{web}}\"
    http-request lua.a
    http-request return status 200 content-type text/plain lf-string \"%[path,lua.rev] %[req.hdr(x-len)]\"
"
    );
    let proxy = Setup::new(peer).file("script.lua", SCRIPT).start(&config);
    let watch = Watch::start(&proxy);
    let mut client = proxy.connect("web");
    for turn in 1000..2000 {
        client.send(format!("GET /{turn} HTTP/1.1\r\nhost: x\r\n\r\n"));
        let answer = client.message().expect("each request is answered");
        let reversed: String = turn.to_string().chars().rev().collect();
        assert_eq!(answer.text(), format!("{reversed}/ 5"));
    }
    drop(client);
    watch.nothing_is_left(&proxy);
    proxy.stop();
}

/// What a proxy holds before the load.
struct Watch {
    descriptors: usize,
    memory: usize,
}

impl Watch {
    /// Looks at a proxy that has served one connection: its workers and pools are made.
    fn start(proxy: &Proxy) -> Self {
        let mut client = proxy.connect("web");
        client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(!client.take(1).is_empty());
        drop(client);
        Self { descriptors: descriptors(proxy), memory: memory(proxy) }
    }

    /// Waits until the descriptors are back, some idle server connections apart, and checks that
    /// the memory is within bounds that only a leak per request would break.
    fn nothing_is_left(&self, proxy: &Proxy) {
        const IDLE: usize = 200;
        let until = std::time::Instant::now() + DEADLINE;
        while descriptors(proxy) > self.descriptors + IDLE {
            let now = descriptors(proxy);
            assert!(
                std::time::Instant::now() < until,
                "{} descriptors, now {now}",
                self.descriptors
            );
            thread::yield_now();
        }
        let (before, after) = (self.memory, memory(proxy));
        assert!(after < before + 128 * 1024, "{before} KiB before, {after} KiB after");
    }
}

fn descriptors(proxy: &Proxy) -> usize {
    fs::read_dir(format!("/proc/{}/fd", proxy.process.id())).unwrap().count()
}

/// The resident memory in KiB.
fn memory(proxy: &Proxy) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
