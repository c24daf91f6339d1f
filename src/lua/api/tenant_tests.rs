//! What a tenant's scripts may reach and make the host hold.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use crate::lua::Limits;
use crate::lua::Options;
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
use crate::net::addr;
use crate::net::addr::Spec;
use crate::net::listener;
use crate::script::policy::Host;
use crate::script::policy::Policy;
use crate::script::policy::Target;
use crate::task;

/// A tenant's state.
struct Tenant {
    vm: Vm,
    account: Arc<Account>,
}

impl Tenant {
    fn new(policy: Policy) -> Self {
        let vm = Vm::new(Options { id: 1, jit: true }).unwrap();
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
        match task::block_on(driver::finish(call, step, &current)).unwrap() {
            Ok(Ret::Str(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Ok(other) => Ok(format!("{other:?}")),
            Err(error) => Err(error.message),
        }
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
    let vm = Vm::new(Options { id: 0, jit: true }).unwrap();
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
