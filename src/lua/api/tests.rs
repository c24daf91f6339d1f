//! The API as scripts see it, called through the script host.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;

use crate::clock;
use crate::http;
use crate::lua::Host;
use crate::net::Addr;
use crate::proxy;
use crate::proxy::Mode;
use crate::proxy::testing;
use crate::script::Call;
use crate::script::Loader;
use crate::script::Outcome;
use crate::script::Registry;
use crate::script::Scripts;
use crate::script::Setting;
use crate::script::Verdict;
use crate::script::call;
use crate::task;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Session;
use crate::txn::Shared;
use crate::txn::Txn;
use crate::txn::Vars;
use crate::value::Value;

pub(in crate::lua) fn txn(mode: Mode) -> Shared {
    let frontend = Arc::new(testing::proxy(0, "f", mode));
    let address = |port| RefCell::new(Addr::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    let session = Session {
        id: 1,
        worker: 0,
        proxies: Arc::new(proxy::Set::new(vec![Arc::clone(&frontend)])),
        frontend,
        listener: (1, "l".into()),
        src: address(1000),
        dst: address(80),
        accepted: clock::now(),
        accept_date: clock::date(),
        vars: RefCell::new(Vars::default()),
        expect_proxy: Default::default(),
        proxy_header: Default::default(),
        requests: Cell::new(0),
        tls: OnceCell::new(),
        failure: OnceCell::new(),
    };
    let mut txn = Txn::new(Rc::new(session), 1, 0, 64);
    if mode == Mode::Http {
        let mut request = http::Request::default();
        request.set_uri("/path?a=1");
        request.headers.add("Host", "example.org");
        request.headers.add("x-a", "1");
        request.headers.add("x-a", "2, 3");
        txn.request = Some(request);
    }
    txn.into_shared()
}

/// Loads a script as `t.lua`.
fn host(source: &str) -> Rc<Host> {
    try_host(source).unwrap()
}

fn try_host(source: &str) -> Result<Rc<Host>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.lua");
    std::fs::write(&file, source).unwrap();
    let host = Host::new(0);
    let load = crate::script::Load {
        file: file.to_str().unwrap().to_owned(),
        arguments: vec!["one".to_owned()],
        per_thread: false,
        dialect: crate::dialect::Dialect::LuaJit,
    };
    let short = |message: String| message.replace(file.to_str().unwrap(), "t.lua");
    host.load(&load).map_err(|error| short(error.message))?;
    host.run_init().map_err(|error| short(error.message))?;
    Ok(host)
}

#[test]
fn libraries_are_opened_by_name() {
    let names = |list: &[&str]| Some(list.iter().map(|name| (*name).to_owned()).collect());
    let body = "core.register_converters('c', function(name)
        local ok, found = pcall(require, name)
        return tostring(ok) .. ' ' .. type(io) .. ' ' .. type(string.dump)
    end)";
    for (libraries, expected) in [
        (None, "false table nil"),
        (names(&["string", "package"]), "false nil nil"),
        (names(&["string", "package", "ffi"]), "true nil nil"),
        (names(&["string", "package", "io", "bytecode"]), "false table function"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.lua");
        std::fs::write(&file, body).unwrap();
        let host = Host::new(0);
        host.set(Setting::OpenLibs(libraries.clone()));
        let file = file.to_str().unwrap().to_owned();
        host.load(&crate::script::Load {
            file,
            arguments: Vec::new(),
            per_thread: false,
            dialect: crate::dialect::Dialect::LuaJit,
        })
        .unwrap();
        let id = host.find_converter("c").unwrap();
        let scripts: Rc<dyn Scripts> = host;
        let input = Value::Str(Bytes::from_static(b"ffi"));
        let step = task::block_on(call(&scripts, Call::Converter { id, input, arguments: &[] }));
        let expected = Value::Str(Bytes::from_static(expected.as_bytes()));
        assert_eq!(step.unwrap(), Outcome::Value(Some(expected)), "{libraries:?}");
    }
}

/// Runs a body as an action of a request and returns its verdict.
fn act(txn: &Shared, body: &str) -> Outcome {
    act_in(txn, Direction::Request, body)
}

fn act_in(txn: &Shared, direction: Direction, body: &str) -> Outcome {
    let source = format!("core.register_action('a', {{ 'http-req' }}, function(txn) {body} end)");
    let host = host(&source);
    let id = host.find_action("a").unwrap().id;
    let scripts: Rc<dyn Scripts> = host;
    let action = Call::Action { id, txn, direction, arguments: &[] };
    task::block_on(call(&scripts, action)).unwrap()
}

/// Runs an action that returns a string, and gives that string.
fn eval(txn: &Shared, body: &str) -> String {
    let body = format!(
        "local function run() {body} end
         local ok, value = pcall(run)
         txn:set_var('txn.result', tostring(value))"
    );
    assert_eq!(act(txn, &body), Outcome::Verdict(Verdict::Continue), "{body}");
    let value = txn.borrow().var(Scope::Txn, "result");
    String::from_utf8(value.unwrap().into_bytes().to_vec()).unwrap()
}

fn fetch(source: &str, arguments: &[Bytes]) -> Outcome {
    let host = host(source);
    let id = host.find_fetch("x").unwrap();
    let scripts: Rc<dyn Scripts> = host;
    let txn = txn(Mode::Http);
    let fetch = Call::Fetch { id, txn: &txn, direction: Direction::Request, arguments };
    task::block_on(call(&scripts, fetch)).unwrap()
}

fn text(text: &'static str) -> Value {
    Value::Str(Bytes::from_static(text.as_bytes()))
}

#[test]
fn fetches_give_what_haproxy_gives() {
    for (returned, value) in [
        ("'a' .. arg", Some(text("ab"))),
        ("42", Some(Value::Int(42))),
        ("-3", Some(Value::Int(-3))),
        ("1.7", None),
        ("true", Some(Value::Bool(true))),
        ("nil", None),
        ("{}", Some(Value::Bool(false))),
        ("select(2, 1)", None),
    ] {
        let source =
            format!("core.register_fetches('x', function(txn, arg) return {returned} end)");
        let outcome = fetch(&source, &[Bytes::from_static(b"b")]);
        assert_eq!(outcome, Outcome::Value(value), "{returned}");
    }
}

#[test]
fn fetches_that_wait_or_fail_give_nothing() {
    for body in ["core.sleep(1)", "error('x')", "error({})", "core.tcp():connect('127.0.0.1', 1)"] {
        let source = format!("core.register_fetches('x', function() {body} return 'x' end)");
        assert_eq!(fetch(&source, &[]), Outcome::Failed, "{body}");
    }
    let source = "core.register_fetches('x', function() core.yield() return 'x' end)";
    assert_eq!(fetch(source, &[]), Outcome::Value(Some(text("x"))));
    let source = "core.register_fetches('x', function() core.done('early') return 'x' end)";
    assert_eq!(fetch(source, &[]), Outcome::Value(Some(text("early"))));
}

#[test]
fn converters_get_their_input_and_arguments() {
    let host = host("core.register_converters('x', function(s, a) return s:upper() .. a end)");
    let id = host.find_converter("x").unwrap();
    let scripts: Rc<dyn Scripts> = host;
    let arguments = [Bytes::from_static(b"!")];
    let convert = Call::Converter { id, input: text("abc"), arguments: &arguments };
    let outcome = task::block_on(call(&scripts, convert)).unwrap();
    assert_eq!(outcome, Outcome::Value(Some(text("ABC!"))));
}

#[test]
fn actions_return_verdicts() {
    for (body, verdict) in [
        ("", Verdict::Continue),
        ("return 99", Verdict::Continue),
        ("return act.STOP", Verdict::Stop),
        ("act:wake_time(250) return act.YIELD", Verdict::Yield(Some(250))),
        ("return act.DENY", Verdict::Deny),
        ("txn:done()", Verdict::Done),
        ("pcall(function() txn:done() end) return act.DENY", Verdict::Done),
        ("txn:close()", Verdict::Done),
        ("core.msleep(1) core.yield() return act.STOP", Verdict::Stop),
    ] {
        assert_eq!(act(&txn(Mode::Http), body), Outcome::Verdict(verdict), "{body}");
    }
    assert_eq!(act(&txn(Mode::Http), "error('boom')"), Outcome::Failed);
}

#[test]
fn functions_of_2015_are_found_by_their_global_name() {
    let host = host("function hello(txn) txn:res_channel():send('hi\\n') end not_one = 1");
    let id = host.global_function("hello").unwrap();
    assert_eq!(host.global_function("nope"), Err(crate::script::FunctionError::NotFound));
    assert_eq!(host.global_function("not_one"), Err(crate::script::FunctionError::NotAFunction));
    let txn = txn(Mode::Tcp);
    let scripts: Rc<dyn Scripts> = host;
    let direction = Direction::Request;
    let action = Call::Action { id, txn: &txn, direction, arguments: &[] };
    task::block_on(call(&scripts, action)).unwrap();
    assert_eq!(txn.borrow().res.output(), b"hi\n");
}

#[test]
fn expressions_on_an_http_request() {
    for (body, expected) in [
        ("return txn.sf:path() .. txn.f:method()", "/pathGET"),
        ("return txn:path() .. txn.f.url_param(txn.f, 'a')", "/path1"),
        ("return txn.f:hdr('x-a', 2)", "2"),
        ("return type(txn.f:hdr('none'))", "nil"),
        ("return '[' .. txn.sf:hdr('none') .. ']'", "[]"),
        ("return txn.f:nope()", "t.lua"),
        ("return txn.http:req_get_headers()['x-a'][1]", "2, 3"),
        ("return txn:get_headers()['x-a']", "2, 3"),
        ("txn.http:req_set_header('X-B', 5) return txn.f:hdr('x-b')", "5"),
        ("txn.http.req:add_header('x-a', '4') return txn.f:hdr('x-a', 4)", "4"),
        ("txn.http.req.del_header(txn, 'x-a') return txn.f:hdr_cnt('x-a')", "0"),
        ("txn.http:req_rep_value('x-a', '(.)', 'v\\\\1') return txn.f:hdr('x-a', 3)", "v3"),
        ("txn.http.req:replace_header('x-a', '^1$', 'one') return txn.f:hdr('x-a', 1)", "one"),
        ("txn.http:req_set_path('/np') return txn.f:url()", "/np?a=1"),
        ("txn.http:req_set_query('') return txn.f:url()", "/path?"),
        ("return txn.http:req_set_uri('no good')", "false"),
        ("txn.http:req_add_header('x', 'a\\r\\nb: c')", "bad argument"),
        ("txn.http:res_get_headers()", "res_get_headers: not available in a request context"),
        ("txn:set_var('txn.v', 7) return txn:get_var('txn.v') + 1", "8"),
        ("return txn:set_var('nope.v', 7)", "false"),
        ("return txn:set_var('txn.v', 1.5)", "false"),
        ("return txn:set_var('txn.v', 1, true)", "true"),
        ("txn:set_var('txn.v', nil) return txn:get_var('txn.v')", "0"),
        ("txn:set_var('req.v', 'x') txn:unset_var('req.v') return txn:get_var('req.v')", "nil"),
        ("txn:set_priv({ 5 }) return txn:get_priv()[1]", "5"),
        ("txn.req:get()", "Cannot manipulate HAProxy channels in HTTP mode."),
        ("return tostring(txn)", "HAProxy class TXN"),
    ] {
        let result = eval(&txn(Mode::Http), body);
        assert!(result.contains(expected), "{body}: {result}");
    }
}

#[test]
fn functions_of_core() {
    for (body, expected) in [
        ("return table.concat(core.tokenize('a,,b;c', ',;', true), '|')", "a|b|c"),
        ("return core.http_date('Sun, 06 Nov 1994 08:49:37 GMT')", "784111777"),
        ("return type(core.now().sec) .. core.err .. core.silent", "number3-1"),
        (
            "return core.match_addr(core.parse_addr('10.0.0.0/8'), core.parse_addr('10.1.2.3'))",
            "true",
        ),
        ("return core.parse_addr('x')", "nil"),
        ("core.sleep(0.5)", "bad argument #1 to 'sleep' (number has no integer representation)"),
        ("core.sleep(-1)", "bad argument #1 to 'sleep'"),
        ("core.sleep()", "'sleep' needs 1 arguments"),
        ("core.register_init(print)", "register_init: not available outside of body context"),
        ("core.register_task()", "register_task: <func> argument is required"),
        ("core.set_map('nofile', 'a', 'b')", "'set_map': unknown map file 'nofile'"),
        ("core.add_acl('nofile', 'a')", "'add_acl': unknown acl file 'nofile'"),
        ("core.set_nice(5000)", "nil"),
        ("local c = core.concat() c:add('a') c:add(1) return c:dump()", "a1"),
        (
            "local ok, r = Regex.new('(b)(c)?', false) local m, t = r:match('aBd') return #t .. t[2]",
            "3B",
        ),
        ("local ok, why = Regex.new('(', true) return tostring(ok) .. type(why)", "falsestring"),
        ("return core.thread .. tostring(core.tcp())", "0HAProxy class Socket"),
        ("return txn.c:upper('abc') .. txn.sc:add('1', 2)", "ABC3"),
    ] {
        let result = eval(&txn(Mode::Http), body);
        assert!(result.contains(expected), "{body}: {result}");
    }
}

#[test]
fn channels_hold_their_input_before_it_goes_on() {
    for (body, expected) in [
        ("return txn.req:dup() .. txn.req:get_in_length()", "one\ntwo7"),
        ("return txn.req:get_line() .. txn.req:input()", "one\n3"),
        ("txn.req:append('X') return txn.req:dup()", "one\ntwoX"),
        ("return txn.req:set(('x'):rep(100)) .. txn.req:dup()", "-1one\ntwo"),
        ("txn.req:set('Z') return txn.req:dup()", "Z"),
        ("txn.req:forward(3) return txn.req:output() .. txn.req:dup()", "3\ntwo"),
        ("txn.req:forward(-1)", "must not be negative"),
        ("txn.req:send('S') return txn.req:get_out_len() .. txn.req:dup()", "1one\ntwo"),
        ("return txn.req:data(-3) .. txn.req:line(0, 2)", "twoon"),
        ("txn.req:data(9)", "offset out of range."),
        ("txn.req:remove(0, 4) txn.req:insert('-', 3) return txn.req:dup()", "two-"),
        ("txn.req:get() return type(txn.req:get())", "nil"),
        ("return txn:get_req_buf():get()", "one\ntwo"),
    ] {
        let txn = txn(Mode::Tcp);
        txn.borrow_mut().req.push_input(b"one\ntwo");
        txn.borrow_mut().req.end_input();
        let result = eval(&txn, body);
        assert!(result.contains(expected), "{body}: {result}");
    }
}

#[test]
fn a_channel_that_is_full_makes_the_sender_wait() {
    let txn = txn(Mode::Tcp);
    let host = host(
        "core.register_action('a', { 'tcp-req' }, function(txn)
            txn:set_var('txn.sent', txn.res:send(('x'):rep(100)))
         end)",
    );
    let id = host.find_action("a").unwrap().id;
    let scripts: Rc<dyn Scripts> = host;
    let consumer = Rc::clone(&txn);
    task::block_on(async move {
        let drain = task::spawn(async move {
            let mut drained = 0;
            while drained < 100 {
                task::yield_now().await;
                let count = consumer.borrow().res.output().len();
                consumer.borrow_mut().res.drain_output(count);
                drained += count;
            }
        });
        let direction = Direction::Request;
        let action = Call::Action { id, txn: &txn, direction, arguments: &[] };
        call(&scripts, action).await;
        drain.await;
        assert_eq!(txn.borrow().var(Scope::Txn, "sent"), Some(Value::Int(100)));
    })
    .unwrap();
}

#[test]
fn services_answer() {
    let host = host(
        "core.register_service('s', 'http', function(applet)
            applet:set_status(201)
            applet:add_header('x-path', applet.path .. applet.qs)
            applet:start_response()
            applet:send(applet:receive() .. applet.headers.host[0])
         end)",
    );
    let service = host.find_service("s").unwrap();
    assert!(service.http);
    let scripts: Rc<dyn Scripts> = host;
    let txn = txn(Mode::Http);
    txn.borrow_mut().req.push_input(b"body ");
    txn.borrow_mut().req.end_input();
    let run = call(&scripts, Call::HttpService { id: service.id, txn: &txn });
    assert_eq!(task::block_on(run).unwrap(), Outcome::Served);
    let txn = txn.borrow();
    let response = txn.response.as_ref().unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(response.headers.first("x-path").unwrap(), "/patha=1");
    assert_eq!(txn.res.output(), b"body example.org");
    assert!(txn.res.is_eof());
}

#[test]
fn a_reply_ends_the_exchange() {
    let txn = txn(Mode::Http);
    let body = "local r = txn:reply{ status = 403, reason = 'No' }
        r:add_header('X-A', 'b') r:set_body('nope') txn:done(r)";
    assert_eq!(act(&txn, body), Outcome::Verdict(Verdict::Done));
    let reply = txn.borrow_mut().reply.take().unwrap();
    assert_eq!((reply.status, &reply.body[..]), (403, &b"nope"[..]));
    assert_eq!(reply.headers, [(Bytes::from("x-a"), Bytes::from("b"))]);
}

#[test]
fn a_handle_outlives_its_exchange_harmlessly() {
    let host = host(
        "core.register_action('a', { 'http-req' }, function(txn)
            if kept then kept:get_var('txn.x') end
            kept = txn
         end)",
    );
    let id = host.find_action("a").unwrap().id;
    let scripts: Rc<dyn Scripts> = host;
    let run = || {
        let txn = txn(Mode::Http);
        let direction = Direction::Request;
        let action = Call::Action { id, txn: &txn, direction, arguments: &[] };
        task::block_on(call(&scripts, action)).unwrap()
    };
    assert_eq!(run(), Outcome::Verdict(Verdict::Continue));
    assert_eq!(run(), Outcome::Failed);
}

#[test]
fn sockets_speak_as_luasocket_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = [0; 5];
        stream.read_exact(&mut got).unwrap();
        stream.write_all(b"li\rne\r\n12345rest").unwrap();
        got
    });
    let txn = txn(Mode::Tcp);
    let body = format!(
        "local s = core.tcp()
         s:settimeout(5)
         local out = {{ s:connect('127.0.0.1', {port}) }}
         local co = coroutine.wrap(function() out[2] = s:send('>hello<', 2, 6) end)
         co()
         out[3] = s:receive()
         out[4] = s:receive(3)
         out[5] = s:receive(6, '>')
         local data, why, partial = s:receive('*l')
         out[6] = tostring(data) .. why .. partial
         out[7] = select(3, s:getpeername()) .. s:close() .. s:close()
         return table.concat(out, ' ')"
    );
    assert_eq!(eval(&txn, &body), "1 6 line 123 >45res nilclosedt inet11");
    assert_eq!(&server.join().unwrap(), b"hello");
    let refused = "local ok, why = core.tcp():connect('127.0.0.1', 1) return why";
    assert_eq!(eval(&txn, refused), "connection refused");
    let named = eval(&txn, "core.tcp():connect('localhost', 80)");
    assert!(named.ends_with("connect: cannot parse destination address 'localhost:'"), "{named}");
}

#[test]
fn tasks_run_on_the_scheduler() {
    let host = host(
        "core.register_task(function(a) core.msleep(1) done = a end, 'yes')
         core.register_fetches('x', function() return done end)",
    );
    let id = host.find_fetch("x").unwrap();
    let txn = txn(Mode::Http);
    let outcome = task::block_on(async {
        host.run_tasks();
        crate::net::timer::sleep(std::time::Duration::from_millis(20)).await;
        let scripts: Rc<dyn Scripts> = host.clone();
        let direction = Direction::Request;
        call(&scripts, Call::Fetch { id, txn: &txn, direction, arguments: &[] }).await
    });
    assert_eq!(outcome.unwrap(), Outcome::Value(Some(text("yes"))));
}

#[test]
fn bodies_fail_in_haproxys_words() {
    for (source, expected) in [
        ("error error", "error in Lua file 't.lua': t.lua:1: '=' expected near 'error'"),
        ("error('boom')", "Lua runtime error: t.lua:1: boom"),
        ("error({})", "Lua runtime error: unknown runtime error"),
        ("core.sleep(1)", "Lua runtime error: t.lua:1: sleep: not available in the body context"),
        (
            "core.register_converters('x', 1)",
            "Lua runtime error: t.lua:1: bad argument #2 to 'register_converters' (function \
             expected, got number)",
        ),
        (
            "core.register_init(function() error('ib') end)",
            "Lua init: runtime error: 't.lua:1: ib' from [C]: in global 'error', t.lua:1: in \
             function line 1",
        ),
        ("assert(... == 'one')", ""),
    ] {
        let message = try_host(source).err().unwrap_or_default();
        assert_eq!(message, expected, "{source}");
    }
    let missing = Host::new(0).load(&crate::script::Load {
        file: "nofile.lua".to_owned(),
        arguments: Vec::new(),
        per_thread: false,
        dialect: crate::dialect::Dialect::LuaJit,
    });
    assert_eq!(
        missing.unwrap_err().message,
        "error in Lua file 'nofile.lua': cannot open nofile.lua: No such file or directory"
    );
}

#[test]
fn a_further_worker_has_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str, source: &str, per_thread| {
        let file = folder.path().join(name);
        std::fs::write(&file, source).unwrap();
        let file = file.to_str().unwrap().to_owned();
        crate::script::Load {
            file,
            arguments: Vec::new(),
            per_thread,
            dialect: crate::dialect::Dialect::LuaJit,
        }
    };
    let first = Host::new(0);
    let shared = "core.register_fetches('s', function() return 's' end)";
    first.load(&load("s.lua", shared, false)).unwrap();
    let own = "core.register_fetches('x', function() return core.thread end)";
    first.load(&load("x.lua", own, true)).unwrap();
    first.run_init().unwrap();
    let id = first.find_fetch("x").unwrap();
    let plan = first.plan();
    let outcome = thread::spawn(move || {
        let second: Rc<dyn Scripts> = Host::from_plan(&plan, 1).unwrap();
        let txn = txn(Mode::Http);
        let direction = Direction::Request;
        let fetch = Call::Fetch { id, txn: &txn, direction, arguments: &[] };
        task::block_on(call(&second, fetch)).unwrap()
    });
    assert_eq!(outcome.join().unwrap(), Outcome::Value(Some(Value::Int(2))));
}

#[test]
fn a_call_that_spins_is_ended() {
    let host = host("core.register_fetches('x', function() while true do end end)");
    host.set(Setting::BurstTimeout(Some(std::time::Duration::from_millis(20))));
    let id = host.find_fetch("x").unwrap();
    let scripts: Rc<dyn Scripts> = host;
    let txn = txn(Mode::Http);
    let direction = Direction::Request;
    let fetch = Call::Fetch { id, txn: &txn, direction, arguments: &[] };
    assert_eq!(task::block_on(call(&scripts, fetch)).unwrap(), Outcome::Failed);
}

#[test]
fn proxies_are_there_once_the_configuration_is() {
    let host = host(
        "core.register_fetches('x', function()
            local names = {}
            for name, proxy in pairs(core.backends) do names[#names + 1] = name end
            local s = core.proxies.b.servers.s1
            return names[1] .. s:get_name() .. s:get_addr() .. core.backends.b:get_stats().stot
                .. core.proxies.b:get_mode() .. tostring(core.frontends.nope)
         end)",
    );
    let id = host.find_fetch("x").unwrap();
    let scripts: Rc<dyn Scripts> = host.clone();
    let txn = txn(Mode::Http);
    let run = || {
        let direction = Direction::Request;
        let fetch = Call::Fetch { id, txn: &txn, direction, arguments: &[] };
        task::block_on(call(&scripts, fetch)).unwrap()
    };
    assert_eq!(run(), Outcome::Failed);
    host.set_proxies(Arc::new(proxy::Set::new(vec![testing::backend(&[("s1", 1, 0)])])));
    assert_eq!(run(), Outcome::Value(Some(text("bs1127.0.0.1:90httpnil"))));
}
