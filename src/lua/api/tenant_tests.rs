//! What a tenant's scripts may reach and make the host hold.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use mlua::Function;
use mlua::Value;

use super::Entries;
use super::Handle;
use super::tests::txn;
use crate::lua::Error;
use crate::lua::Limits;
use crate::lua::Options;
use crate::lua::Reach;
use crate::lua::Ret;
use crate::lua::Vm;
use crate::lua::account::Account;
use crate::lua::account::What;
use crate::lua::book::Book;
use crate::lua::book::Info;
use crate::lua::book::Place;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::current::Current;
use crate::lua::driver;
use crate::lua::raw::Arg;
use crate::net::addr;
use crate::net::addr::Spec;
use crate::net::listener;
use crate::proxy::Mode;
use crate::script::policy::Host;
use crate::script::policy::Policy;
use crate::script::policy::Target;
use crate::task;
use crate::txn::Direction;
use crate::txn::Shared;

/// A tenant's state.
struct Tenant {
    vm: Vm,
    account: Arc<Account>,
}

impl Tenant {
    fn new(policy: Policy) -> Self {
        let vm = Vm::new(Options { id: 1, jit: true, reach: Reach::Tenant }).unwrap();
        let account = Account::new(Arc::new(policy));
        let info = Info {
            book: Rc::new(Book::default()),
            place: Place::Own,
            number: 1,
            vm: vm.downgrade(),
            tenant: Some(Arc::clone(&account)),
        };
        vm.set_up(info).unwrap();
        Self { vm, account }
    }

    /// Runs a script to its end, as a task; returns what it returns, or its error.
    fn run(&self, script: &str) -> Result<String, String> {
        self.run_in(Context::Task, script)
    }

    fn run_in(&self, context: Context, script: &str) -> Result<String, String> {
        let current = Current { context, txn: None };
        let function = self.vm.load("script", script.as_bytes()).unwrap();
        let (call, step) = current::with(&current, || self.vm.start(&function, &[], Limits::NONE));
        result(task::block_on(driver::finish(call, step, &current)).unwrap())
    }
}

impl Tenant {
    /// Runs a script as an action, with the exchange as `txn`.
    fn act(&self, txn: &Shared, script: &str) -> Result<String, String> {
        let lua = self.vm.lua();
        let source = format!("return function(txn) {script} end");
        let body = self.vm.load("script", source.as_bytes()).unwrap();
        let entries = lua.app_data_ref::<Entries>().unwrap().clone();
        let function: Function = entries.txn.call(body.call::<Function>(()).unwrap()).unwrap();
        let handle = Handle { txn: Rc::downgrade(txn), direction: Direction::Request };
        let current = Current { context: Context::Action, txn: Some(handle.txn.clone()) };
        let object = Value::UserData(lua.create_userdata(handle).unwrap());
        let start = || self.vm.start(&function, &[Arg::Value(&object)], Limits::NONE);
        let (call, step) = current::with(&current, start);
        result(task::block_on(driver::finish(call, step, &current)).unwrap())
    }

    fn memory(&self) -> usize {
        self.account.held(What::Memory)
    }
}

fn result(ended: Result<Ret, Error>) -> Result<String, String> {
    match ended {
        Ok(Ret::Str(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(other) => Ok(format!("{other:?}")),
        Err(error) => Err(error.message),
    }
}

/// A policy that grants a port of this machine.
fn granted(port: u16) -> Policy {
    let host = Host::Net("127.0.0.1/32".parse().unwrap());
    let target = Target { host, ports: (port, port) };
    Policy { connect_allow: vec![target], ..Policy::new("acme") }
}

/// A server that answers each connection with so many bytes and closes it.
fn server(bytes: usize, connections: usize) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            // Whoever has enough may hang up.
            stream.write_all(&vec![b'x'; bytes]).unwrap_or_default();
        }
    });
    (port, thread)
}

fn connect(port: u16) -> String {
    format!("local s = core.tcp() local ok, why = s:connect('127.0.0.1', {port}) ")
}

#[test]
fn only_what_is_granted_is_connected() {
    let (port, server) = server(3, 1);
    let tenant = Tenant::new(granted(port));
    assert_eq!(tenant.run(&(connect(port) + "return s:receive(3)")), Ok("xxx".to_owned()));
    server.join().unwrap();
    for (place, port) in [
        ("127.0.0.1", 1),
        ("127.0.0.2", port),
        ("[::ffff:127.0.0.1]", 1),
        ("0.0.0.0", port),
        ("localhost", port),
        ("/run/x.sock", 0),
        ("unix@x.sock", 0),
        ("abns@x", 0),
    ] {
        let script = format!(
            "local ok, why = core.tcp():connect('{place}', {port} > 0 and {port} or nil)
             return tostring(ok) .. ' ' .. why"
        );
        assert_eq!(tenant.run(&script), Ok("nil refused by policy".to_owned()), "{place}:{port}");
    }
    assert_eq!(tenant.account.held(What::Sockets), 0);
    assert_eq!(tenant.account.held(What::Memory), 0);
}

#[test]
fn the_proxys_own_sockets_are_granted_by_port() {
    let spec = Spec::parse("127.0.0.1:0", &addr::BIND).unwrap();
    let mut bound = listener::bind(&spec, &listener::Options::default(), 1).unwrap();
    let bound = bound.pop().and_then(|mut bound| bound.pop()).unwrap();
    let port = bound.addr().port().unwrap();
    let mut policy = granted(port);
    let tenant = Tenant::new(policy.clone());
    assert_eq!(tenant.run(&(connect(port) + "return tostring(ok)")), Ok("1".to_owned()));
    policy.connect_allow[0].ports = (0, u16::MAX);
    let tenant = Tenant::new(policy);
    assert_eq!(tenant.run(&(connect(port) + "return why")), Ok("refused by policy".to_owned()));
}

#[test]
fn a_name_is_checked_after_it_is_resolved() {
    let (port, server) = server(3, 1);
    let name = Target { host: Host::Name("localhost".to_owned()), ports: (0, u16::MAX) };
    let mut policy = Policy { connect_allow: vec![name], ..Policy::new("acme") };
    let script = format!(
        "local s = core.tcp() local ok, why = s:connect('LocalHost', {port})
         return ok and s:receive(3) or why"
    );
    assert_eq!(
        Tenant::new(policy.clone()).run(&script),
        Ok("refused by policy".to_owned()),
        "a name does not lead into this machine"
    );
    policy.connect_allow.extend(
        ["127.0.0.1/32", "::1/128"]
            .map(|net| Target { host: Host::Net(net.parse().unwrap()), ports: (port, port) }),
    );
    let tenant = Tenant::new(policy);
    assert_eq!(tenant.run(&script), Ok("xxx".to_owned()));
    assert_eq!(tenant.account.held(What::Lookups), 0);
    server.join().unwrap();
}

#[test]
fn sockets_are_counted_and_closed_with_their_call() {
    let (port, server) = server(0, 4);
    let tenant = Tenant::new(Policy { connections_max: 2, ..granted(port) });
    let script = format!(
        "kept = {{}}
         for i = 1, 3 do
             kept[i] = core.tcp()
             local ok, why = kept[i]:connect('127.0.0.1', {port})
             if not ok then return why end
         end"
    );
    let full = "tenant acme: too many sockets (2 held, connections-max 2)";
    assert_eq!(tenant.run(&script), Ok(full.to_owned()));
    // It is over: what a global holds is closed too.
    assert_eq!(tenant.account.held(What::Sockets), 0);
    assert_eq!(tenant.account.held(What::Memory), 0);
    let closed = "local data, why = kept[1]:receive() return why";
    assert_eq!(tenant.run(closed), Ok("closed".to_owned()));
    let error = tenant.run(&script.replace("return why", "error(why, 0)"));
    assert_eq!(error, Err(full.to_owned()));
    assert_eq!(tenant.account.held(What::Sockets), 0);
    server.join().unwrap();
}

#[test]
fn what_a_socket_receives_is_bounded() {
    let (port, server) = server(4 << 20, 2);
    let tenant = Tenant::new(Policy { memory_max: 1 << 20, ..granted(port) });
    for pattern in ["*a", "*l"] {
        let error = tenant.run(&(connect(port) + &format!("return s:receive('{pattern}')")));
        let error = error.unwrap_err();
        assert!(error.contains("tenant acme: too many bytes of the host"), "{error}");
        assert_eq!(tenant.account.held(What::Memory), 0);
    }
    server.join().unwrap();
}

#[test]
fn global_scripts_leave_open_what_a_global_holds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut dropped, _) = listener.accept().unwrap();
        let (mut kept, _) = listener.accept().unwrap();
        // The first one is collected; only the second one still talks.
        let mut got = Vec::new();
        dropped.read_to_end(&mut got).unwrap();
        kept.write_all(b"kept").unwrap();
        got
    });
    let vm = Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL }).unwrap();
    let (book, number) = (Rc::new(Book::default()), 0);
    let place = Place::Shared;
    vm.set_up(Info { book, place, number, vm: vm.downgrade(), tenant: None }).unwrap();
    let current = Current { context: Context::Task, txn: None };
    let run = async |script: String| {
        let function = vm.load("script", script.as_bytes()).unwrap();
        let (call, step) = current::with(&current, || vm.start(&function, &[], Limits::NONE));
        driver::finish(call, step, &current).await.unwrap()
    };
    let got = task::block_on(async {
        run(connect(port) + "kept = core.tcp() kept:connect('127.0.0.1', " + &format!("{port})"))
            .await;
        run("return kept:receive(4)".to_owned()).await
    });
    assert_eq!(got.unwrap(), Ret::Str(b"kept".to_vec()));
    assert_eq!(server.join().unwrap(), b"");
}

#[test]
fn variables_are_charged_until_they_end() {
    let (tenant, txn) = (Tenant::new(Policy::new("acme")), txn(Mode::Http));
    let set = |name: &str, length: usize| {
        let script = format!("return tostring(txn:set_var('{name}', ('x'):rep({length})))");
        assert_eq!(tenant.act(&txn, &script), Ok("true".to_owned()), "{name}");
    };
    set("txn.a", 1000);
    let one = tenant.memory();
    assert!(one >= 1000);
    set("txn.a", 10);
    assert_eq!(tenant.memory(), one - 990);
    set("sess.b", 1000);
    set("req.c", 1000);
    assert!(tenant.memory() > 2000);
    tenant.act(&txn, "txn:unset_var('sess.b')").unwrap();
    txn.borrow_mut().begin_response();
    assert_eq!(tenant.memory(), one - 990);
    tenant.act(&txn, "txn.c:set_var(('x'):rep(500), 'txn.d')").unwrap();
    assert_eq!(tenant.memory(), one - 990 + one - 500);
    drop(txn);
    assert_eq!(tenant.memory(), 0);
}

#[test]
fn variables_are_bounded() {
    let (tenant, txn) = (Tenant::new(Policy::new("acme")), txn(Mode::Http));
    let many = "for i = 1, 2000 do txn:set_var('txn.v' .. i, i) end";
    let error = tenant.act(&txn, many).unwrap_err();
    assert!(error.contains("too many variables"), "{error}");
    let large = "for i = 1, 100 do txn:set_var('sess.v' .. i, ('x'):rep(1e6)) end";
    let error = tenant.act(&txn, large).unwrap_err();
    assert!(error.contains("too many bytes of the host"), "{error}");
    drop(txn);
    assert_eq!(tenant.memory(), 0);
}

#[test]
fn buffers_are_bounded_and_given_back() {
    let tenant = Tenant::new(Policy { memory_max: 1 << 20, ..Policy::new("acme") });
    let grow = "local c = core.concat() for i = 1, 1e6 do c:add(('x'):rep(1000)) end";
    assert!(tenant.run(grow).unwrap_err().contains("too many bytes of the host"));
    // Garbage is found before it fills the account.
    let many = "for i = 1, 1000 do local c = core.concat() c:add(('x'):rep(5000)) end";
    tenant.run(many).unwrap();
    let many = "for i = 1, 1000 do Regex.new('a' .. i, true) end";
    tenant.run(many).unwrap();
    let kept = "local t = {} for i = 1, 1e6 do t[i] = select(2, Regex.new('a', true)) end";
    assert!(tenant.run(kept).unwrap_err().contains("too many bytes of the host"));
    tenant.vm.sweep();
    assert_eq!(tenant.memory(), 0);
}

#[test]
fn heads_and_replies_are_bounded() {
    let (tenant, txn) = (Tenant::new(Policy::new("acme")), txn(Mode::Http));
    for script in [
        "for i = 1, 1e6 do txn.http:req_add_header('x-a', 'b') end",
        "for i = 1, 1e6 do txn.http:req_set_header('x-' .. i, ('b'):rep(1000)) end",
    ] {
        let error = tenant.act(&txn, script).unwrap_err();
        assert!(error.contains("the head of the message is too large"), "{error}");
    }
    let error = tenant.act(&txn, "txn.http:req_set_uri('/' .. ('a'):rep(1e5))").unwrap_err();
    assert!(error.contains("longer than 64 KiB"), "{error}");
    let reply = "txn:done(txn:reply({ status = 200, body = ('x'):rep(1000) }))";
    tenant.act(&txn, reply).unwrap();
    assert_eq!(tenant.memory(), 1000);
    txn.borrow_mut().reply = None;
    assert_eq!(tenant.memory(), 0);
    let reply = "local h = {} for i = 1, 2000 do h[i] = true end txn:reply({ headers = h })";
    assert!(tenant.act(&txn, reply).unwrap_err().contains("too many headers"));
}

#[test]
fn what_is_registered_is_bounded() {
    let tenant = Tenant::new(Policy::new("acme"));
    let script = "for i = 1, 1e6 do core.register_fetches('f' .. i, print) end";
    let error = tenant.run_in(Context::Body, script).unwrap_err();
    assert!(error.contains("1000 functions at most"), "{error}");
    let tenant = Tenant::new(Policy { tasks_max: 3, ..Policy::new("acme") });
    let script = "for i = 1, 1e6 do core.register_task(print) end";
    let error = tenant.run_in(Context::Init, script).unwrap_err();
    assert!(error.contains("too many tasks (3 held, tasks-max 3)"), "{error}");
}

#[test]
fn samples_give_no_more_than_what_is_granted() {
    let (tenant, txn) = (Tenant::new(Policy::new("acme")), txn(Mode::Http));
    assert_eq!(tenant.act(&txn, "return tostring(txn.f:env('PATH'))"), Ok("nil".to_owned()));
    for (script, expected) in [
        ("txn.c:map('x', '/etc/passwd')", "'/etc/passwd' is not granted"),
        ("txn.c:map('x', '../x')", "'../x' is not granted"),
        ("txn.c:regsub('x', '(a*)*b', 'c')", "not available to tenants"),
        ("txn.c:upper(('x'):rep(1e5))", "longer than 64 KiB"),
        ("core.set_map('/etc/hosts', 'a', 'b')", "is not granted"),
        ("core.add_acl('/etc/hosts', 'a')", "is not granted"),
    ] {
        let error = tenant.act(&txn, script).unwrap_err();
        assert!(error.contains(expected), "{script}: {error}");
    }
    let error = tenant.run_in(Context::Body, "Map.new('/etc/passwd')").unwrap_err();
    assert!(error.contains("is not granted"), "{error}");
}

#[test]
fn entries_of_maps_are_charged_until_they_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.map");
    std::fs::write(&file, "a 1\n").unwrap();
    let read_dir = Some(folder.path().to_owned());
    let tenant = Tenant::new(Policy { read_dir, ..Policy::new("acme") });
    let file = file.to_str().unwrap();
    let map = format!("map = Map.new('{file}', Map.str) other = Map.new('x.map', Map.str)");
    tenant.run_in(Context::Body, &map).unwrap();
    let before = tenant.memory();
    tenant
        .run(&format!("core.set_map('{file}', 'b', '2') core.set_map('x.map', 'b', '3')"))
        .unwrap();
    assert!(tenant.memory() > before);
    assert_eq!(tenant.run("return map:lookup('b') .. other:lookup('a')"), Ok("31".to_owned()));
    tenant.run(&format!("core.del_map('{file}', 'b')")).unwrap();
    assert_eq!(tenant.memory(), before);
    let many = format!("for i = 1, 1e6 do core.set_map('{file}', 'k' .. i, ('v'):rep(60000)) end");
    let error = tenant.run(&many).unwrap_err();
    assert!(error.contains("too many bytes of the host"), "{error}");
}

#[test]
fn texts_are_cut_into_no_more_than_some_thousand() {
    let tenant = Tenant::new(Policy::new("acme"));
    let script = "local list = core.tokenize(('a,'):rep(5000) .. 'b', ',', true)
        local all = core.tokenize(',,a;b', ',;')
        return #list .. list[5001] .. #all .. table.concat(all, '|')";
    assert_eq!(tenant.run(script), Ok("5001b4||a|b".to_owned()));
    let error = tenant.run("core.tokenize((','):rep(1e6), ',', true)").unwrap_err();
    assert!(error.ends_with("tokenize: more than 10000 tokens"), "{error}");
    let error = tenant.run("core.tokenize({})").unwrap_err();
    assert!(error.starts_with("script:1: bad argument #1 to 'tokenize'"), "{error}");
}
