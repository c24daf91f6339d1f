//! What a call of a script costs, and what small programs cost inside the script host.
//!
//! usage: cargo bench --bench lua [-- LUAJIT...]
//!
//! Each LUAJIT is a program that runs `micro.lua` too, to compare with.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, looks at the clock, and ends when something is wrong"
)]

use std::cell::Cell;
use std::cell::RefCell;
use std::env;
use std::fs;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use luaproxy::clock;
use luaproxy::compile;
use luaproxy::diag::Severity;
use luaproxy::diag::Sources;
use luaproxy::http;
use luaproxy::lua;
use luaproxy::lua::Limits;
use luaproxy::lua::Vm;
use luaproxy::net::Addr;
use luaproxy::program::Program;
use luaproxy::script;
use luaproxy::script::Call;
use luaproxy::script::Outcome;
use luaproxy::script::Registry;
use luaproxy::script::Scripts;
use luaproxy::syntax;
use luaproxy::task;
use luaproxy::txn;
use luaproxy::txn::Direction;
use luaproxy::value::Value;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MICRO: &str = include_str!("micro.lua");

const SCRIPT: &str = "
core.register_converters('same', function(text) return text end)
core.register_converters('empty', function() end)
core.register_fetches('empty', function() return 1 end)
core.register_action('empty', { 'http-req' }, function() end)
";

/// What the same function costs where only Lua calls it: not inlined, since it is another each time.
const PLAIN: &str = "
local rounds, list = ..., {}
for index = 1, 8 do list[index] = loadstring('return function(text) return text end')() end
local text = 'some text'
for round = 1, rounds do text = list[round % 8 + 1](text) end
return #text
";

const CONFIG: &str = "
global
    lua-load-per-thread \"${script}\"
    tune.lua.session-timeout 1h
    tune.lua.burst-timeout 1h
tenant acme
    lua-load \"${script}\"
frontend web
    mode http
    bind 127.0.0.1:0
";

fn main() {
    let peers: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    calls();
    micro(&peers);
}

fn calls() {
    println!("{:32} {:>10} {:>12}", "call", "ns", "calls/s");
    let plain = plain();
    row("the function alone, from Lua", plain);
    let folder = env::temp_dir().join(format!("luaproxy-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("script.lua");
    fs::write(&script, SCRIPT).unwrap();
    let (program, host) = compiled(&CONFIG.replace("${script}", script.to_str().unwrap()));
    fs::remove_dir_all(&folder).unwrap();
    let txn = txn(&program);
    task::block_on(async move {
        host.run_tasks();
        for prefix in ["", "acme:"] {
            let scripts: Rc<dyn Scripts> = Rc::<lua::Host>::clone(&host);
            let id = host.find_converter(&format!("{prefix}same")).expect("it is registered");
            let converter = measure(|| {
                let input = Value::Str(Bytes::from_static(b"some text"));
                start(&scripts, Call::Converter { id, input, arguments: &[] });
            });
            row(&format!("converter {prefix}same"), converter);
            row("  above the function alone", converter - plain);
            let id = host.find_fetch(&format!("{prefix}empty")).expect("it is registered");
            let direction = Direction::Request;
            row(
                &format!("fetch {prefix}empty"),
                measure(|| {
                    start(&scripts, Call::Fetch { id, txn: &txn, direction, arguments: &[] });
                }),
            );
            let action = host.find_action(&format!("{prefix}empty")).expect("it is registered");
            let id = action.id;
            row(
                &format!("action {prefix}empty"),
                measure(|| {
                    start(&scripts, Call::Action { id, txn: &txn, direction, arguments: &[] });
                }),
            );
        }
    })
    .unwrap();
}

fn micro(peers: &[String]) {
    lua::watchdog::set_slice(Duration::from_millis(1));
    let mut columns = vec![("host".to_owned(), inside())];
    // The watchdog never interrupts then.
    lua::watchdog::set_slice(Duration::from_secs(3600));
    columns.push(("no slices".to_owned(), inside()));
    let folder = env::temp_dir().join(format!("luaproxy-micro-{}.lua", std::process::id()));
    fs::write(&folder, MICRO).unwrap();
    println!();
    for (index, peer) in peers.iter().enumerate() {
        let answer = Command::new(peer).arg(&folder).output().unwrap();
        let name = format!("luajit {}", index + 1);
        println!("{name}: {peer}");
        columns.push((name, String::from_utf8(answer.stdout).unwrap()));
    }
    fs::remove_file(&folder).unwrap();
    print!("{:16}", "ns a round");
    columns.iter().for_each(|(name, _)| print!(" {name:>12}"));
    println!();
    let cell = |text: &str, line: usize| {
        text.lines().nth(line).and_then(|line| line.split_once('\t')).map(|(_, ns)| ns.to_owned())
    };
    for (line, text) in columns[0].1.lines().enumerate() {
        print!("{:16}", text.split('\t').next().unwrap_or_default());
        for (_, column) in &columns {
            print!(" {:>12}", cell(column, line).unwrap_or_default());
        }
        println!();
    }
}

fn row(name: &str, ns: f64) {
    println!("{name:32} {ns:10.0} {:12.0}", 1e9 / ns.max(0.1));
}

/// Returns nanoseconds a call: the best of some rounds, as the machine does other things, too.
fn measure(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 200_000;
    (0..9)
        .map(|_| {
            let begin = Instant::now();
            (0..CALLS).for_each(|_| call());
            begin.elapsed().as_secs_f64() / f64::from(CALLS) * 1e9
        })
        .fold(f64::INFINITY, f64::min)
}

fn start(scripts: &Rc<dyn Scripts>, call: Call<'_>) {
    match black_box(Rc::clone(scripts).start(call)) {
        // One that has run for too long by the watchdog's tick: it goes on, elsewhere.
        script::Step::Suspended(suspended) => drop(suspended),
        script::Step::Ended(Outcome::Failed) => panic!("a call failed"),
        script::Step::Ended(_) => {}
    }
}

fn plain() -> f64 {
    const ROUNDS: i64 = 2_000_000;
    let vm = Vm::new(lua::Options { id: 0, jit: true, reach: lua::Reach::GLOBAL }).unwrap();
    let function = vm.load("plain.lua", PLAIN.as_bytes()).unwrap();
    (0..9)
        .map(|_| {
            let begin = Instant::now();
            vm.run(&function, &[lua::Arg::Int(ROUNDS)], Limits::NONE).unwrap();
            begin.elapsed().as_secs_f64() / 2e6 * 1e9
        })
        .fold(f64::INFINITY, f64::min)
}

/// Runs `micro.lua` in a state of the host.
fn inside() -> String {
    let vm = Vm::new(lua::Options { id: 0, jit: true, reach: lua::Reach::GLOBAL }).unwrap();
    let function = vm.load("micro.lua", MICRO.as_bytes()).unwrap();
    match vm.run(&function, &[], Limits::NONE).unwrap() {
        lua::Ret::Str(text) => String::from_utf8(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn compiled(text: &str) -> (Program, Rc<lua::Host>) {
    let mut sources = Sources::default();
    sources.add("bench.cfg", text);
    let mut env = syntax::Env::new();
    let (tree, _) = syntax::parse(&sources, &mut env);
    let host = lua::Host::new(0);
    let input = compile::Input {
        sources: &sources,
        tree: &tree,
        env: &env,
        loader: &*host,
        default_maxconn: 0,
    };
    let compiled = compile::compile(input);
    for report in &compiled.diagnostics {
        assert!(report.severity != Severity::Alert, "{report:?}");
    }
    (compiled.program.unwrap(), host)
}

fn txn(program: &Program) -> txn::Shared {
    let frontend = Arc::clone(&program.sections[0].proxy);
    let address = |port| RefCell::new(Addr::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    let session = txn::Session {
        id: 1,
        worker: 0,
        proxies: Arc::clone(&program.proxies),
        frontend,
        listener: (1, "l".into()),
        src: address(1000),
        dst: address(80),
        accepted: clock::now(),
        accept_date: clock::date(),
        vars: RefCell::new(txn::Vars::default()),
        expect_proxy: Default::default(),
        proxy_header: Default::default(),
        requests: Cell::new(0),
        tls: std::cell::OnceCell::new(),
        failure: std::cell::OnceCell::new(),
    };
    let mut txn = txn::Txn::new(Rc::new(session), 1, 0, 16384);
    let mut request = http::Request::default();
    request.set_uri("/path?a=1");
    request.headers.add("Host", "example.org");
    txn.request = Some(request);
    txn.into_shared()
}
