//! The HTTP client of scripts with servers that act: connections used again, closed, held up.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use libtest_mimic::Trial;

use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::origin;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Setup;

/// Many buffers long.
const LARGE: usize = 8 << 20;

type Case = (&'static str, fn());

const LIST: &[Case] = &[
    ("one_connection_serves_many_requests", one_connection_serves_many_requests),
    ("a_closed_idle_connection_is_not_used", a_closed_idle_connection_is_not_used),
    ("a_request_without_an_answer_is_sent_again", a_request_without_an_answer_is_sent_again),
    ("what_may_not_be_sent_twice_is_not", what_may_not_be_sent_twice_is_not),
    ("a_large_body_goes_and_comes", a_large_body_goes_and_comes),
    ("a_large_body_goes_and_comes_in_pieces", a_large_body_goes_and_comes_in_pieces),
    ("interim_answers_without_end_hold_nobody", interim_answers_without_end_hold_nobody),
    ("a_paused_frontend_accepts_later", a_paused_frontend_accepts_later),
    ("a_socket_with_a_path_is_a_destination", a_socket_with_a_path_is_a_destination),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, run): &Case| {
        let run = *run;
        Trial::test(format!("lua::client::{name}"), move || {
            run();
            Ok(())
        })
    };
    LIST.iter().map(trial).collect()
}

/// A frontend that is paused accepts nothing, until it is resumed.
fn a_paused_frontend_accepts_later() {
    let script = "core.register_service('s', 'http', function(applet)
            local other, name = core.frontends['other'], applet.path:sub(2)
            if name ~= 'look' then other[name](other) end
            applet:set_status(200)
            applet:start_response()
            applet:send(other:get_stats().scur .. ' ' .. other:get_stats().status)
        end)";
    let config = "frontend web
    bind \"fd@${web}\"
    http-request use-service lua.s
frontend other
    bind \"fd@${other}\"
    http-request return status 204
";
    let setup = Setup::new(Peer::Luaproxy).file("script.lua", script);
    let proxy = setup.start(&format!("{GLOBAL}    lua-load script.lua\n{HTTP}{config}"));
    let mut web = proxy.connect("web");
    let mut ask = |path: &str| {
        web.send(format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        web.message().unwrap().text()
    };
    assert_eq!(ask("pause"), "0 OPEN");
    let mut waiting = proxy.connect("other");
    waiting.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(ask("look"), "0 OPEN");
    ask("resume");
    assert_eq!(waiting.message().unwrap().status(), 204);
    assert_eq!(ask("stop"), "1 STOP");
    drop(waiting);
    drop(web);
    proxy.stop();
}

/// Runs the body of an action and returns what it returns.
fn run(origin: &Origin, body: &str) -> String {
    run_in(Setup::new(Peer::Luaproxy).env("s1", origin.addr()), body)
}

fn run_in(setup: Setup, body: &str) -> String {
    let script = format!(
        "core.register_service('s', 'http', function(applet)
            local client, url = core.httpclient(), 'http://' .. (os.getenv('s1') or 'x') .. '/'
            local function run() {body} end
            applet:set_status(200)
            applet:start_response()
            applet:send(tostring(run()))
        end)"
    );
    let config = "    lua-load script.lua\nfrontend web\n    bind \"fd@${web}\"\n    http-request \
                  use-service lua.s\n";
    let (global, rest) = config.split_once('\n').unwrap();
    let setup = setup.file("script.lua", script);
    let proxy = setup.start(&format!("{GLOBAL}{global}\n{HTTP}{rest}"));
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = client.message().unwrap();
    assert_eq!(answer.status(), 200, "{}", proxy.said());
    drop(client);
    proxy.stop();
    answer.text()
}

fn one_connection_serves_many_requests() {
    let origin = Origin::start(Script::Echo);
    let body = "local sum = 0
        for i = 1, 5 do sum = sum + client:get({ url = url }).status end
        for i = 1, 5 do sum = sum + core.httpclient():put({ url = url, body = 'x' }).status end
        return sum";
    assert_eq!(run(&origin, body), "2000");
    assert_eq!(origin.connections(), 1);
}

fn a_closed_idle_connection_is_not_used() {
    // The first answer does not say that the connection ends with it.
    let origin = Origin::with(|client| {
        if let Some(request) = client.message() {
            client.send_maybe(origin::echo(&request));
        }
    });
    let body = "local sum = 0
        for i = 1, 5 do sum = sum + client:get({ url = url, retries = 0 }).status end
        return sum";
    assert_eq!(run(&origin, body), "1000");
}

fn a_request_without_an_answer_is_sent_again() {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let origin = Origin::with(move |client| {
        let Some(request) = client.message() else { return };
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            client.send_maybe(origin::echo(&request));
        }
    });
    assert_eq!(run(&origin, "return client:get({ url = url }).status"), "200");
    assert_eq!(turns.load(Ordering::SeqCst), 2);
}

fn what_may_not_be_sent_twice_is_not() {
    let origin = Origin::start(Script::Close);
    let body = "local r = client:post({ url = url, body = 'pay' }) return r.error .. r.status";
    assert_eq!(run(&origin, body), "closed0");
    assert_eq!(origin.requests().len(), 1);
}

fn a_large_body_goes_and_comes() {
    let body = format!(
        "local r = client:post({{ url = url, body = ('x'):rep({LARGE}) }})
        return r.status .. ' ' .. #r.body"
    );
    let seen = run(&Origin::mirroring(LARGE), &body);
    assert_eq!(seen, format!("200 {LARGE}"));
}

fn a_large_body_goes_and_comes_in_pieces() {
    let mut body = String::from("local piece, left, got = ('x'):rep(65536), 128, 0\n");
    write!(
        body,
        "local r = client:request({{
            url = url, method = 'POST',
            headers = {{ ['x-length'] = '{LARGE}' }},
            body = function() if left > 0 then left = left - 1 return piece end end,
            sink = function(piece) got = got + #piece end,
        }})
        return r.status .. ' ' .. got .. ' ' .. #r.body"
    )
    .unwrap();
    assert_eq!(run(&Origin::mirroring(LARGE), &body), format!("200 {LARGE} 0"));
}

fn a_socket_with_a_path_is_a_destination() {
    let setup = Setup::new(Peer::Luaproxy);
    let path = setup.folder().join("s.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        use std::io::Read;
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        let count = socket.read(&mut bytes).unwrap();
        socket.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    });
    let body = format!(
        "local r = client:get({{ url = 'http://api.example/v1', dst = 'unix@{}' }})
        return r.status .. ' ' .. r.body",
        path.display()
    );
    assert_eq!(run_in(setup, &body), "200 hello");
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /v1 HTTP/1.1\r\nhost: api.example\r\n"), "{request}");
}

fn interim_answers_without_end_hold_nobody() {
    let origin = Origin::with(|client| {
        drop(client.message());
        let many = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(1000);
        while client.socket.write_all(&many).is_ok() {}
    });
    let body = "local answer = client:get({ url = url, timeout = 300 })
        return answer.phase .. ' ' .. answer.error";
    assert_eq!(run(&origin, body), "response timeout");
}
