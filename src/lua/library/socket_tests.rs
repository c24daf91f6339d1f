//! Sockets, requests and addresses as scripts see them.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::thread;

use super::super::current::Context;
use super::tests::run;
use super::tests::run_in;
use super::tests::state;
use crate::script::policy::Host;
use crate::script::policy::Policy;
use crate::script::policy::Target;

/// Serves connections one after the other; returns the port.
fn serve(count: usize, each: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for _ in 0..count {
            each(listener.accept().unwrap().0);
        }
    });
    port
}

/// Reads a request: its body too, where it is in chunks.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    let mut end: &[u8] = b"\r\n\r\n";
    while !request.ends_with(end) && stream.read(&mut byte).unwrap_or(0) > 0 {
        request.push(byte[0]);
        if request.ends_with(b"chunked\r\n") {
            end = b"\r\n0\r\n\r\n";
        }
    }
    String::from_utf8(request).unwrap()
}

/// Answers each request with one of some answers, in order, and sends what was asked.
fn answers(list: &'static [&'static str]) -> (u16, std::sync::mpsc::Receiver<String>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for answer in list {
            let mut stream = listener.accept().unwrap().0;
            sender.send(read_request(&mut stream)).unwrap();
            stream.write_all(answer.replace("PORT", &port.to_string()).as_bytes()).unwrap();
        }
    });
    (port, receiver)
}

/// Runs a script that asserts, with `port` and `socket`.
fn script(port: u16, source: &str) {
    let source = format!(
        "local port, socket = {port}, require 'socket'
        local function eq(a, b) if a ~= b then error(tostring(a) .. ' is not ' .. tostring(b), 2) end end
        {source}
        return 'done'"
    );
    assert_eq!(run(&state(None), &source), "done");
}

#[test]
fn lines_blocks_and_everything_are_received_as_from_luasocket() {
    let port = serve(1, |mut stream| {
        stream.write_all(b"one\r\ntw\ro\n12345rest").unwrap();
    });
    script(
        port,
        "local c = assert(socket.connect('127.0.0.1', port))
        eq(c:receive(), 'one')
        eq(c:receive('*l', '>'), '>two')
        eq(c:receive(2), '12')
        eq(c:receive(4, 'ab'), 'ab34')
        eq(c:receive(1, 'abc'), 'abc')
        eq(c:receive(0), '')
        eq(c:receive('*a', '='), '=5rest')
        local a, why, partial = c:receive('*a')
        eq(a, nil) eq(why, 'closed') eq(partial, '')
        a, why, partial = c:receive(3, 'x')
        eq(why, 'closed') eq(partial, 'x')
        local received = c:getstats()
        assert(received > 0)
        c:close()
        eq(select(2, c:receive()), 'closed')
        eq(select(2, c:send('x')), 'closed')",
    );
}

#[test]
fn sending_counts_from_the_start_of_the_text() {
    let port = serve(1, |mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        stream.write_all(all.as_bytes()).unwrap();
    });
    script(
        port,
        "local c = socket.tcp()
        eq(c:connect('127.0.0.1', port), 1)
        eq(c:send('hello'), 5)
        eq(c:send('hello', 2, 3), 3)
        eq(c:send('hello', -2), 5)
        eq(c:send('hello', 4, 2), 3)
        eq(select(2, c:getstats()), 9)
        eq(c:setoption('tcp-nodelay', true), 1) eq(c:getoption('tcp-nodelay'), true)
        local ip, at, family = c:getpeername()
        eq(ip, '127.0.0.1') eq(at, port) eq(family, 'inet') eq(c:getfamily(), 'inet')
        eq(c:shutdown('send'), 1)
        eq(c:receive('*a'), 'helloello')
        assert(not pcall(c.shutdown, c, 'all'))",
    );
}

#[test]
fn timeouts_are_for_each_operation_or_for_all() {
    // It says one byte for each that it reads, and never an end of a line.
    let port = serve(2, |mut stream| {
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|count| count > 0) {
            stream.write_all(b"x").unwrap();
        }
    });
    script(
        port,
        "local c = assert(socket.connect('127.0.0.1', port))
        eq(c:settimeout(0), 1)
        local a, why, partial = c:receive()
        eq(a, nil) eq(why, 'timeout') eq(partial, '')
        c:settimeout(5)
        c:send('a')
        eq(c:receive(1), 'x')
        c:settimeout(nil)
        c:settimeout(0.02, 't')
        c:send('abc')
        a, why, partial = c:receive('*l')
        eq(why, 'timeout')
        c:settimeout(-1) c:settimeout(-1, 't')
        local block, total = c:gettimeout()
        eq(block, -1) eq(total, -1)
        assert(not pcall(c.settimeout, c, 1, 'q'))
        assert(select(2, pcall(c.bind, c)):find('not available'))
        local other = socket.tcp()
        local ok, wrong = pcall(other.connect, other, '127.0.0.1')
        assert(wrong:find(\"bad argument #2 to 'connect'\", 1, true), wrong)",
    );
}

#[test]
fn several_sockets_are_waited_for_at_once() {
    let port = serve(3, |mut stream| {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() > 0 {
            stream.write_all(b"yes\nmore\n").unwrap();
        }
        thread::spawn(move || stream.read_to_end(&mut Vec::new()));
    });
    script(
        port,
        "local a = assert(socket.connect('127.0.0.1', port))
        a:send('x')
        local b = assert(socket.connect('127.0.0.1', port))
        b:send('x')
        local c = assert(socket.connect('127.0.0.1', port))
        local readable, writable, why = socket.select({ c }, nil, 0)
        eq(#readable, 0) eq(#writable, 0) eq(why, 'timeout')
        local seen = {}
        while not (seen[a] and seen[b]) do
            readable = socket.select({ a, b, c }, nil, 10)
            assert(#readable > 0 and readable[readable[1]])
            for _, each in ipairs(readable) do
                assert(each ~= c)
                seen[each] = true
                eq(each:receive(), 'yes')
                -- What was read and not received counts.
                eq(each:dirty(), true)
                eq(socket.select({ each }, nil, 10)[1], each)
                eq(each:receive(), 'more')
            end
        end
        readable, writable, why = socket.select({ a }, { c })
        eq(writable[1], c) eq(why, nil)
        assert(not pcall(socket.select, { 1 }, nil, 0))",
    );
}

#[test]
fn protected_calls_return_what_try_raises() {
    script(
        0,
        "local closed = 0
        local try = socket.newtry(function() closed = closed + 1 end)
        local f = socket.protect(function(...) return try(...) end)
        eq(f(1, 2), 1) eq(closed, 0)
        local a, why = f(nil, 'broken')
        eq(a, nil) eq(why, 'broken') eq(closed, 1)
        a, why = f(false, { 'table' })
        eq(why[1], 'table')
        local ok, other = pcall(socket.protect(error), 'mine', 0)
        eq(ok, false) eq(other, 'mine')
        eq(socket.skip(2, 1, 2, 3), 3) eq(socket.try('x'), 'x')
        -- A call that waits, in a coroutine and below protect.
        local co = coroutine.wrap(function()
            return socket.protect(function() socket.sleep(0.001) return socket.try('slept') end)()
        end)
        eq(co(), 'slept')
        assert(socket.gettime() > 1e9)
        eq(socket.dns.toip('127.0.0.1'), '127.0.0.1')
        local ip, all = socket.dns.toip('localhost')
        assert(#all.ip > 0 and ip)
        assert(#socket.dns.gethostname() > 0)
        assert(#socket.dns.getaddrinfo('localhost') > 0)
        local none, wrong = socket.connect('127.0.0.1', 1)
        eq(none, nil) eq(wrong, 'connection refused')
        assert(not pcall(socket.bind, '*', 1))",
    );
}

#[test]
fn unix_sockets_are_named_by_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"hello\n").unwrap();
    });
    script(
        0,
        &format!(
            "local c = require('socket.unix')()
            eq(c:connect('{}'), 1)
            eq(c:receive(), 'hello')",
            path.display()
        ),
    );
}

#[test]
fn a_tenant_has_sockets_where_it_may_connect() {
    let port = serve(1, |mut stream| stream.write_all(b"hello\n").unwrap());
    let host = Host::Net("127.0.0.1/32".parse().unwrap());
    let connect_allow = vec![Target { host, ports: (port, port) }];
    let vm = state(Some(Policy { connect_allow, ..Policy::new("acme") }));
    let ask = |script: &str| run(&vm, &format!("local socket = require 'socket' {script}"));
    let connect =
        format!("local c = assert(socket.connect('127.0.0.1', {port})) return c:receive()");
    assert_eq!(ask(&connect), "hello");
    for address in ["'127.0.0.1', 1", "'127.0.0.2', 80", "'localhost', 80", "'::1', 80"] {
        let script = format!("return select(2, socket.connect({address}))");
        assert_eq!(ask(&script), "refused by policy", "{address}");
    }
    assert_eq!(ask("return select(2, socket.dns.toip('localhost'))"), "refused by policy");
    assert_eq!(ask("return select(2, socket.dns.tohostname('127.0.0.1'))"), "refused by policy");
    assert_eq!(ask("return socket.dns.gethostname()"), "localhost");
    let plain = state(Some(Policy::new("acme")));
    assert!(run(&plain, "return require 'socket'").contains("module 'socket' not found"));
    let found =
        run_in(&vm, Context::Fetch, "return require('socket').tcp():connect('127.0.0.1', 1)");
    assert!(!found.is_empty());
}

#[test]
fn requests_are_answered() {
    let (port, asked) = answers(&[
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: 1\r\nx-a: 2\r\n folded\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nx-end: 1\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\n\r\nto the end",
        "HTTP/1.1 302 Found\r\nlocation: /next?x=1\r\ncontent-length: 9\r\n\r\nelsewhere",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "nothing\r\n\r\n",
    ]);
    script(
        port,
        r#"
        local http, ltn12 = require "socket.http", require "ltn12"
        local base = "http://127.0.0.1:" .. port
        local body, code, headers, status = http.request(base .. "/a b?x")
        eq(body, nil) eq(code, "invalid request")
        body, code, headers, status = http.request(base .. "/a?x#f")
        eq(body, "hello") eq(code, 200) eq(status, "HTTP/1.1 200 OK") eq(headers["x-a"], "1, 2 folded")
        body, code, headers = http.request(base .. "/post", "a=1")
        eq(body, "abcde") eq(code, 201) eq(headers["x-end"], "1")
        local parts = {}
        local one
        one, code = http.request { url = base, method = "PUT", sink = ltn12.sink.table(parts),
            source = ltn12.source.string("chunked body"), headers = { ["X-Mine"] = 7 } }
        eq(one, 1) eq(code, 404) eq(table.concat(parts), "to the end")
        body, code, headers = http.request("http://user:pa%3ass@127.0.0.1:" .. port .. "/first")
        eq(body, "next") eq(code, 200)
        body, code = http.request(base .. "/none")
        eq(body, "") eq(code, 204)
        one, code, headers = http.request { url = base, method = "HEAD" }
        eq(one, 1) eq(headers["content-length"], "10")
        body, code = http.request(base)
        eq(body, nil) eq(code, "closed")
        body, code = http.request(base)
        eq(body, nil) eq(code, "invalid status line")
        eq(select(2, http.request("gopher://x/")), "unknown scheme 'gopher'")
        eq(select(2, http.request("http:///x")), "invalid host 'nil'")
        eq(select(2, http.request { url = base, proxy = "http://p" }), "proxies are not available")
        eq(select(2, http.request { url = base, method = "A B" }), "invalid request")
        eq(select(2, http.request { url = base .. "/x\r\ny: z" }), "invalid request")
        eq(select(2, http.request("http://127.0.0.1:1/")), "connection refused")
        "#,
    );
    let asked: Vec<String> = asked.try_iter().collect();
    assert!(asked[0].starts_with("GET /a?x HTTP/1.1\r\n"), "{}", asked[0]);
    for part in
        ["User-Agent: LuaSocket", "Connection: close, TE", "TE: trailers", "Host: 127.0.0.1:"]
    {
        assert!(asked[0].contains(part), "{}", asked[0]);
    }
    assert!(asked[1].starts_with("POST /post") && asked[1].contains("Content-Length: 3\r\n"));
    assert!(asked[2].contains("x-mine: 7") && asked[2].contains("Transfer-Encoding: chunked"));
    assert!(asked[3].contains("Authorization: Basic dXNlcjpwYTpzcw==\r\n"), "{}", asked[3]);
    assert!(asked[4].starts_with("GET /next?x=1 ") && asked[4].contains("Authorization"));
    assert!(asked[6].starts_with("HEAD / "));
}

#[test]
fn headers_without_end_are_not_listened_to() {
    for more in [" goes on\r\n", "x: y\r\n"] {
        let port = serve(1, move |mut stream| {
            read_request(&mut stream);
            let lines = "HTTP/1.1 200 OK\r\nx: y\r\n".to_owned() + &more.repeat(5000);
            stream.write_all(lines.as_bytes()).unwrap_or_default();
        });
        script(
            port,
            r#"
            local ok, why = require("socket.http").request("http://127.0.0.1:" .. port)
            eq(ok, nil) eq(why, "too many headers")
            "#,
        );
    }
}

#[test]
fn what_a_script_sends_on_is_no_second_request() {
    let (port, _asked) = answers(&["HTTP/1.1 200 OK\r\n\r\n"]);
    script(
        port,
        r#"
        local http = require "socket.http"
        local ok, why = http.request { url = "http://127.0.0.1:" .. port, headers = { a = "b\r\nc: d" } }
        eq(ok, nil) eq(why, "invalid header")
        "#,
    );
}

#[test]
fn addresses_are_taken_apart_and_put_together() {
    super::tests::script(
        r##"
        -- A tenant that may connect nowhere has no sockets, and so none of their libraries.
        local ok, url = pcall(require, "socket.url")
        if not ok then return "done" end
        local function eq(a, b) if a ~= b then error(tostring(a) .. " is not " .. tostring(b), 2) end end
        local p = url.parse("http://user:pass@host:8080/a/b;p?q=1#f")
        eq(p.scheme, "http") eq(p.user, "user") eq(p.password, "pass") eq(p.host, "host")
        eq(p.port, "8080") eq(p.path, "/a/b") eq(p.params, "p") eq(p.query, "q=1") eq(p.fragment, "f")
        eq(p.authority, "user:pass@host:8080") eq(url.build(p), "http://user:pass@host:8080/a/b;p?q=1#f")
        eq(url.parse("//[::1]:80/x").host, "::1") eq(url.parse("http://h:/").port, "")
        eq(url.parse(""), nil) eq(url.parse("redis://h:1/?timeout=3").query, "timeout=3")
        eq(url.parse("host/path", { scheme = "x" }).scheme, "x")
        local base = "http://a/b/c/d;p?q"
        -- RFC 3986 5.4
        for relative, absolute in pairs {
            ["g:h"] = "g:h", ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
            ["/g"] = "http://a/g", ["//g"] = "http://g", ["?y"] = "http://a/b/c/d;p?y", ["g?y"] = "http://a/b/c/g?y",
            ["#s"] = "http://a/b/c/d;p?q#s", ["g#s"] = "http://a/b/c/g#s", ["g;x"] = "http://a/b/c/g;x",
            ["."] = "http://a/b/c/", [".."] = "http://a/b/", ["../g"] = "http://a/b/g", ["../.."] = "http://a/",
            ["../../g"] = "http://a/g", ["../../../g"] = "http://a/g", ["/./g"] = "http://a/g", ["g.."] = "http://a/b/c/g..",
            ["./g/."] = "http://a/b/c/g/", ["g/../h"] = "http://a/b/c/h", [""] = base,
        } do
            eq(url.absolute(base, relative), absolute)
        end
        eq(url.escape("a b/é"), "a%20b%2f%c3%a9") eq(url.unescape("a%20b%zz"), "a b%zz")
        local path = url.parse_path("/a/b%20c/")
        eq(path[2], "b c") eq(path.is_absolute, 1) eq(path.is_directory, 1) eq(url.build_path(path), "/a/b%20c/")
        eq(require("socket.headers").canonic["content-type"], "Content-Type")
        "##,
    );
}
