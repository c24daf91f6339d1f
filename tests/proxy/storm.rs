//! Broken messages by the hundred: the proxy answers or closes, and goes on serving.

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::Scenario;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[
    ("broken_requests_leave_the_proxy_serving", broken_requests),
    ("broken_answers_leave_the_proxy_serving", broken_answers),
    ("broken_bodies_leave_the_proxy_serving", broken_bodies),
];

const ROUNDS: u64 = 300;

/// Rules and scripts look at all of a message: what is broken passes through them, too.
const CONFIG: &str = "
frontend web
    bind \"fd@${web}\"
    timeout client 1s
    timeout http-request 1s
    http-request set-var(txn.a) req.hdr(host),lower
    http-request set-header x-path \"%[path,url_dec] %[url_param(q)] %[req.cook(c)] %[req.hdr_cnt(b)]\"
    http-request replace-header a (.*)b(.*) \\1\\2
    http-response set-header x-status \"%[status] %[res.cook(s)]\"
    default_backend app
backend app
    timeout server 1s
    server s1 \"${s1}\"
frontend well
    bind \"fd@${well}\"
    http-request return status 200
";

const REQUEST: &str = "POST /path?q=1&c=%20 HTTP/1.1\r\nHost: www.example.org\r\nCookie: c=1; d=2\r\n\
A: aba\r\nB: 1, 2\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";

const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n\
5\r\nhello\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\ntrailer: 1\r\n\r\n";

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: s=1; path=/\r\n\
Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

pub(crate) fn trials() -> Vec<Trial> {
    case::scenarios("proxy::storm", LIST)
}

fn broken_requests(peer: Peer) {
    send_broken(peer, REQUEST);
}

fn broken_bodies(peer: Peer) {
    send_broken(peer, CHUNKED);
}

fn send_broken(peer: Peer, text: &str) {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    // It answers whatever came: what it was sent may be any bytes.
    let origin = Origin::with(move |client| {
        client.send_maybe(answer);
        client.shut_maybe();
        client.rest();
    });
    let proxy = start(peer, &origin);
    for round in 0..ROUNDS {
        let mut client = proxy.connect("web");
        client.send_maybe(broken(text.as_bytes(), round));
        client.shut_maybe();
        client.rest();
    }
    is_well(&proxy);
    proxy.stop();
}

fn broken_answers(peer: Peer) {
    let round = std::sync::atomic::AtomicU64::new(0);
    let origin = Origin::with(move |client| {
        client.head();
        let round = round.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        client.send_maybe(broken(ANSWER.as_bytes(), round));
        client.shut_maybe();
        client.rest();
    });
    let proxy = start(peer, &origin);
    for _ in 0..ROUNDS {
        let mut client = proxy.connect("web");
        client.send_maybe("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        client.rest();
    }
    is_well(&proxy);
    proxy.stop();
}

fn start(peer: Peer, origin: &Origin) -> Proxy {
    Setup::new(peer).env("s1", origin.addr()).start(&format!("{GLOBAL}{HTTP}{CONFIG}"))
}

fn is_well(proxy: &Proxy) {
    let mut client: Client = proxy.connect("well");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = client.message().unwrap_or_else(|| panic!("it said:\n{}", proxy.said()));
    assert_eq!(answer.status(), 200);
}

/// Returns the text with a few changes, the same ones for the same round.
fn broken(text: &[u8], round: u64) -> Vec<u8> {
    const BYTES: &[u8] = b"\0\r\n\t :,;=%/?#\"\\\x7f\x80\xff0aZ";
    let mut state = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % limit.max(1)
    };
    let mut out = text.to_vec();
    for _ in 0..=next(3) {
        let (at, byte) = (next(out.len()), BYTES[next(BYTES.len())]);
        match next(6) {
            0 => out.insert(at, byte),
            1 => drop(out.remove(at)),
            2 => out[at] = byte,
            3 => out.truncate(at),
            4 => drop(out.splice(at..at, vec![byte; next(5000)])),
            _ => {
                let end = (at + next(20)).min(out.len());
                let part = out[at..end].to_vec();
                drop(out.splice(at..at, part));
            }
        }
        if out.is_empty() {
            break;
        }
    }
    out
}
