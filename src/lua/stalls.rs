//! What the functions of the libraries cost: on ordinary input against LuaJIT's own, and in the
//! longest single calls that a tenant can make. Measurements, in Markdown.
//!
//! `cargo test --release --lib lua::stalls -- --ignored --nocapture --test-threads 1`

use std::rc::Rc;
use std::sync::Arc;
use std::task;
use std::task::Waker;
use std::time::Duration;

use mlua::Function;
use mlua::LuaString;
use rustix::time::ClockId;
use rustix::time::clock_gettime;

use super::Limits;
use super::Options;
use super::Reach;
use super::Step;
use super::Vm;
use super::account::Account;
use super::book::Book;
use super::book::Info;
use super::book::Place;
use super::chunk::Chunk;
use super::closing;
use super::current;
use super::current::Context;
use super::current::Current;
use super::environment;
use super::raw;
use crate::script::policy::Policy;

/// The limit of the states that are measured.
const MEMORY_MAX: usize = 16 << 20;

/// What is interrupted needs no longer.
const LIMITS: Limits = Limits { total: Some(Duration::from_millis(300)), ..Limits::NONE };

/// How often each is measured; the least counts.
const RUNS: usize = 5;

/// Single calls: what is made before, and the call.
const CALLS: &[(&str, &str)] = &[
    ("", "return ('x'):rep(2^21 - 100)"),
    ("", "return ('ab'):rep(2^20 - 100, 'c')"),
    ("x = ('x'):rep(2^20 - 100)", "return x .. x"),
    ("x = ('x'):rep(2^18 - 100)", "return x .. x .. x .. x .. x .. x .. x .. x"),
    ("x = ('x'):rep(2^21 - 100)", "return x:upper()"),
    ("x = ('x'):rep(2^21 - 100)", "return x:reverse()"),
    ("x = ('x'):rep(2^21 - 100)", "return x:sub(2)"),
    ("x = ('x'):rep(2^21 - 100)", "return ('%s'):format(x)"),
    ("x = ('\\0'):rep(2^19)", "return ('%q'):format(x)"),
    ("x = ('x'):rep(2^21 - 100)", "return x:byte(1, -1)"),
    ("x = ('x'):rep(7000)", "return x:byte(1, -1)"),
    ("x = ('x'):rep(2^21 - 100) y = x .. 'a' x = x .. 'b'", "return x < y"),
    ("x = ('x'):rep(2^21 - 100)", "return x:find('y', 1, true)"),
    ("x = ('x'):rep(2^21 - 100)", "return x:find('y')"),
    ("x = ('x'):rep(2^21 - 100) y = ('x'):rep(2^20) .. 'y'", "return x:find(y, 1, true)"),
    ("x = ('x'):rep(2^21 - 100)", "return x:find('.*y')"),
    ("x = (' '):rep(2^21 - 100)", "return x:gsub('%s+$', '')"),
    ("x = ('x'):rep(2^20 - 100)", "return x:gsub('x', 'yy')"),
    ("x = ('x'):rep(2^18 - 100)", "return x:gsub('x', '%0%0%0%0%0%0%0')"),
    ("x = ('x'):rep(2^20 - 100)", "return x:gsub('.', { x = 'y' })"),
    ("x = ('9'):rep(2^21 - 100)", "return tonumber(x)"),
    ("x = (' '):rep(2^21 - 100) .. '1'", "return x + 1"),
    ("x = ('1'):rep(2^20) .. 'e-' .. ('9'):rep(2^20 - 100)", "return tonumber(x)"),
    ("x = ('z'):rep(2^21 - 100)", "return tonumber(x, 36)"),
    ("x = {} for i = 1, 130000 do x[i] = 'x' end", "return table.concat(x)"),
    ("x = {} for i = 1, 130000 do x[i] = i + 0.1 end", "return table.concat(x, 'xxx')"),
    ("x = {} for i = 1, 130000 do x[i] = 1e-300 + i * 1e-305 end", "return table.concat(x)"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "return unpack(x)"),
    ("x = {} for i = 1, 7900 do x[i] = i end", "return select('#', unpack(x))"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "table.insert(x, 1, 0)"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "return table.remove(x, 1)"),
    ("x = {} for i = 1, 49999 do x[i] = i end", "return table.remove(x, 1)"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "table.sort(x)"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "return table.move(x, 1, 260000, 2)"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "return table.pack(unpack(x, 1, 7900))"),
    ("x = {} for i = 1, 260000 do x[i] = i end", "return table.maxn(x)"),
    ("x = {} for i = 1, 65000 do x[i .. 'k'] = i end", "return table.maxn(x)"),
    (
        "x = {} for i = 1, 65000 do x['k' .. i] = i end for k in pairs(x) do x[k] = nil end",
        "return next(x)",
    ),
    (
        "x = {} for i = 1, 260000 do x[i] = i end for i = 1, 260000 do x[i] = nil end",
        "return next(x)",
    ),
    ("x = {} for i = 1, 260000 do x[i] = i end for i = 1, 259999 do x[i] = nil end", "return #x"),
    ("x = {} for i = 1, 131072 do x[i] = i end", "x[131073] = 1"),
    ("x = {} for i = 1, 32768 do x[i + 0.5] = i end", "x.y = 1"),
    ("x = {} for i = 1, 65536 do x[i + 0.5] = i end", "x.y = 1"),
    ("x = {} for i = 1, 32768 do x[-i] = i end", "x.y = 1"),
    (
        "x = {} for i = 1, 60000 do x[i] = 'k' .. i end",
        "for i = 60001, 70000 do x[i] = 'k' .. i end",
    ),
    ("x = {} for i = 0, 4095 do x[2^52 + i * 2^32 + 0] = 1 end", "x.y = 1"),
    ("x = {} for i = 1, 4095 do x[i * 2^-1000] = 1 end", "x.y = 1"),
    ("x = {} for i = 1, 8191 do x[i * 2^40] = 1 end", "x.y = 1"),
    ("", "return string.char(unpack({ ('x'):byte(1, -1) }))"),
    ("", "return ('%099d'):rep(100):format(unpack({}, 1, 100))"),
    (
        "",
        "return ('%.99f'):rep(90):format(unpack((function() local t = {} for i = 1, 90 do t[i] = 1e308 end return t end)()))",
    ),
    ("x = {} for i = 1, 100000 do x[i] = {} end", "x = nil return collectgarbage('step', 1000)"),
    ("x = {} for i = 1, 100000 do x[i] = {} end", "x = nil return collectgarbage()"),
    ("x = {} for i = 1, 200000 do x[i] = i .. 'x' end", "x = nil return collectgarbage()"),
    ("function x(n) if n > 0 then x(n - 1) return 1 end error('x') end", "return pcall(x, 60000)"),
    ("function x(n) return n == 0 and 0 or 1 + x(n - 1) end", "return x(15000)"),
    ("function x(n) return n == 0 and debug.traceback() or #x(n - 1) .. '' end", "return x(15000)"),
    ("x = coroutine.wrap(function(...) return ... end)", "return x(unpack({}, 1, 7900))"),
];

/// What the collector may do at once, however it is asked: what a state is filled with.
const FILLS: &[&str] = &[
    "x = setmetatable({}, { __mode = 'k' }) for i = 1, 60000 do x[{}] = i end",
    "x = {} for i = 1, 50000 do x[i] = setmetatable({ {} }, { __mode = 'v' }) end",
    "y = { __mode = 'kv' } x = {} for i = 1, 80000 do x[i] = setmetatable({ {} }, y) end",
    "x = {} for i = 1, 9000 do x[i] = coroutine.create(print) end",
    "x = {} for i = 1, 40000 do x[i] = core.concat() end",
    "x = {} for i = 1, 100000 do x[i] = { i } end for i = 1, 100000 do x[i][1] = {} end",
    "x = {} for i = 1, 150000 do x[i] = function() return x end end",
    "x = {} for i = 1, 250000 do x[i] = i .. 'x' end",
];

/// Chunks for `load`: a part that is repeated.
const CHUNKS: &[(&str, &str, &str)] = &[
    ("return a", " or a", ""),
    ("return {}", "or{}", ""),
    ("return a", " and a", ""),
    ("return a", "..a", ""),
    ("return a", "+a", ""),
    ("return ", "{", ""),
    ("return {", "{},", "}"),
    ("return {", "1e-9,", "}"),
    ("return {", "1e308,", "}"),
    ("return {", "5e-324,", "}"),
    ("return {", "a=1,", "}"),
    ("if a then ", "elseif a then ", "end"),
    ("while a do ", "if a then break end ", "end"),
    ("", "goto a ", "::a::"),
    ("", "do goto a end ", "::a::"),
    ("", "local a ", ""),
    ("", "do local a end ", ""),
    ("", "a=a ", ""),
    ("", "a()", ""),
    ("a", ",a", "=1"),
    ("", "f=function()end ", ""),
    ("local a,b,c,d,e ", "f=function()return a,b,c,d,e end ", ""),
    ("return ", "(", ""),
    ("return ", "not ", "a"),
    ("--[[", "=", "]]"),
    ("return '", "\\\\z", "'"),
];

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn tenant(jit: bool) -> Vm {
    let vm = Vm::new(Options { id: 1, jit, reach: Reach::Tenant }).unwrap();
    let tenant = Some(Account::new(Arc::new(Policy::new("acme"))));
    let book = Rc::new(Book::default());
    vm.limit_tenant(MEMORY_MAX).unwrap();
    vm.set_up(Info { book, place: Place::Own, number: 1, vm: vm.downgrade(), tenant }).unwrap();
    vm
}

/// Runs a chunk to its end; returns the longest slice in milliseconds, and what came of it.
fn run(vm: &Vm, source: &str) -> (f64, String) {
    let function = match vm.load("stall", source.as_bytes()) {
        Ok(function) => function,
        Err(error) => return (0.0, error.message),
    };
    let current = Current { context: Context::Action, txn: None };
    let mut longest = 0.0_f64;
    let outcome = current::with(&current, || {
        let begin = cpu();
        let (mut call, mut step) = vm.start(&function, &[], LIMITS);
        longest = cpu() - begin;
        while matches!(step, Step::Preempted) {
            let begin = cpu();
            step = call.go_on();
            longest = longest.max(cpu() - begin);
        }
        match step {
            Step::Done(_) => String::new(),
            Step::Failed(error) => error.spent.map_or(error.message, String::from),
            _ => "waits".to_owned(),
        }
    });
    (longest * 1e3, outcome)
}

/// Prints how long a worker is held by what no hook interrupts.
#[test]
#[ignore = "a measurement"]
fn longest() {
    println!(
        "| before | call | longest ms | sweep ms | close ms | outcome |\n| --- | --- | --- | --- | --- | --- |"
    );
    for (before, call) in CALLS {
        show(before, call, call);
    }
    FILLS.iter().for_each(|fill| show(fill, "return 1", fill));
    for (first, part, last) in CHUNKS {
        show_body(first, part, last);
        let count = (super::vm::TENANT_LOAD_MAX - first.len() - last.len()) / part.len();
        let before =
            format!("x = [==[{first}]==] .. ([==[{part}]==]):rep({count}) .. [==[{last}]==]");
        let call = "local f, e = load(x) if not f then error(e:sub(-40), 0) end";
        show(&before, call, &format!("load: {first}{part}{part}..{last}"));
    }
}

/// Prints how long it takes to compile the longest body, and to load it in a state.
fn show_body(first: &str, part: &str, last: &str) {
    let (branches, exponents) = super::chunk::costly(part.as_bytes());
    let branches = branches.max(exponents);
    let count = ((1 << 20) - first.len() - last.len()) / part.len();
    let count = 20_000_usize.checked_div(branches).map_or(count, |most| count.min(most));
    let text = format!("{first}{}{last}", part.repeat(count));
    let begin = cpu();
    let chunk = Chunk::compile("stall", text.as_bytes());
    let compile = (cpu() - begin) * 1e3;
    let vm = tenant(true);
    let begin = cpu();
    let outcome = match chunk.and_then(|chunk| chunk.load(vm.lua())) {
        Ok(_) => String::new(),
        Err(error) => error.message.chars().take(80).collect(),
    };
    let load = (cpu() - begin) * 1e3;
    println!(
        "| body | `{first}{part}{part}..{last}` | compile {compile:.2} | load {load:.2} | | {outcome} |"
    );
}

/// Returns the milliseconds of the longest of some slices, the last of which says that it is.
fn slices(mut slice: impl FnMut() -> bool) -> f64 {
    let mut longest = 0.0_f64;
    loop {
        let begin = cpu();
        let is_last = slice();
        longest = longest.max((cpu() - begin) * 1e3);
        if is_last {
            return longest;
        }
    }
}

/// Ends a state; returns the milliseconds of the longest slice.
fn end(vm: Vm) -> f64 {
    let held = vm.held();
    drop(vm);
    let mut closing = Box::pin(closing::close(held));
    slices(|| closing.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_ready())
}

fn show(before: &str, call: &str, name: &str) {
    let (mut longest, mut sweep, mut close) = (f64::MAX, f64::MAX, f64::MAX);
    let mut outcome = String::new();
    for index in 0..RUNS {
        let vm = tenant(index % 2 == 0);
        let (_, failed) = run(&vm, before);
        let (took, result) = run(&vm, call);
        longest = longest.min(took);
        outcome = if failed.is_empty() { result } else { failed };
        let heap = vm.heap();
        sweep = sweep.min(slices(|| heap.slice()));
        close = close.min(end(vm));
    }
    let before = if before.len() > 100 { "" } else { before };
    println!("| `{before}` | `{name}` | {longest:.2} | {sweep:.2} | {close:.2} | {outcome} |");
}

/// Prints what the string functions cost against LuaJIT's own.
#[test]
#[ignore = "a measurement"]
fn cost() {
    let options = Options { id: 0, jit: true, reach: Reach::GLOBAL };
    let (native, _memory) = raw::open(environment::libraries(options));
    let vm = Vm::new(options).unwrap();
    let source = include_str!("stalls.lua");
    let rows = |lua: &mlua::Lua| -> Vec<(LuaString, f64)> {
        let clock = lua.create_function(|_, ()| Ok(cpu())).unwrap();
        let function: Function = lua.load(source).into_function().unwrap();
        let rows: Vec<mlua::Table> = function.call(clock).unwrap();
        rows.iter().map(|row| (row.get(1).unwrap(), row.get(2).unwrap())).collect()
    };
    println!("| call | LuaJIT ns | ns | ratio |\n| --- | --- | --- | --- |");
    for ((name, theirs), (_, ours)) in rows(&native).iter().zip(rows(vm.lua())) {
        println!("| `{}` | {theirs:.0} | {ours:.0} | {:.2} |", name.display(), ours / theirs);
    }
}
