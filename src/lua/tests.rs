//! Calls: results, errors, waiting, preemption and the end of those that will not end.

use std::time::Duration;

use futures_lite::future;
use mlua::Value;

use super::Arg;
use super::Error;
use super::Kind;
use super::Limits;
use super::Options;
use super::Reach;
use super::Ret;
use super::Step;
use super::Vm;
use super::current::Context;
use super::current::Current;
use super::driver;
use super::host;
use super::host::Reply;
use super::raw;

fn vm() -> Vm {
    let vm = Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL }).unwrap();
    let later = host::function(&vm, "later", |args| {
        let value = args.value(1).clone();
        Ok(Reply::wait(async move {
            future::yield_now().await;
            if value.is_nil() {
                return Err(host::Raise::new("later: nothing"));
            }
            Ok(vec![value, Value::Integer(7)])
        }))
    })
    .unwrap();
    vm.lua().globals().set("later", later).unwrap();
    let whole = host::function(&vm, "whole", |args| {
        args.need(1)?;
        Reply::value(args.lua(), args.integer(1)? + 1)
    })
    .unwrap();
    vm.lua().globals().set("whole", whole).unwrap();
    let below_c = |_: &mlua::Lua, f: mlua::Function| f.call::<Value>(());
    vm.lua().globals().set("below_c", vm.lua().create_function(below_c).unwrap()).unwrap();
    vm
}

fn limited(vm: &Vm, source: &str, limits: Limits) -> Result<Ret, Error> {
    let function = vm.load("t.lua", source.as_bytes())?;
    let (call, step) = vm.start(&function, &[Arg::Str(b"arg"), Arg::Int(3)], limits);
    future::block_on(driver::finish(call, step, &TASK))
}

fn run(source: &str) -> Result<Ret, Error> {
    limited(&vm(), source, Limits::SESSION)
}

fn string(text: &str) -> Ret {
    Ret::Str(text.as_bytes().to_vec())
}

const TASK: Current = Current { context: Context::Task, txn: None };

const SHORT: Limits = Limits {
    total: Some(Duration::from_millis(40)),
    burst: Some(Duration::from_millis(40)),
    ..Limits::NONE
};

#[test]
fn a_compiled_loop_is_stopped() {
    super::selftest().unwrap();
}

#[test]
fn the_version_is_luajits() {
    assert!(super::version().starts_with("LuaJIT 2.1"), "{}", super::version());
}

#[test]
fn values_go_in_and_come_out() {
    for (source, expected) in [
        ("return", Ret::Nothing),
        ("return nil", Ret::Nil),
        ("return ...", string("arg")),
        ("local _, n = ... return n + 0.5", Ret::Number(3.5)),
        ("return true, 1", Ret::Bool(true)),
        ("return {}", Ret::Other),
        ("return table.unpack({ 'a' })", string("a")),
        ("return type(bit.band) .. type(require('bit').band)", string("functionfunction")),
        ("return tostring(newproxy)", string("nil")),
        ("#!/usr/bin/lua\nreturn 'x'", string("x")),
    ] {
        assert_eq!(run(source).unwrap(), expected, "{source}");
    }
}

#[test]
fn errors_read_as_haproxy_writes_them() {
    for (source, expected) in [
        (
            "\nlocal function f()\nerror('boom')\nend\nf()",
            "t.lua:3: boom from [C]: in global 'error', \
             t.lua:3: in local 'f', t.lua:5: in main chunk",
        ),
        (
            "whole(1.5)",
            "t.lua:1: bad argument #1 to 'whole' (number has no \
             integer representation) from [C]: in upvalue 'error', t.lua:1: in main chunk",
        ),
        (
            "local a = later()",
            "t.lua:1: later: nothing from [C]: in upvalue 'error', \
             t.lua:1: in main chunk",
        ),
        (
            "error({})",
            "unknown runtime error from [C]: in global 'error', \
          t.lua:1: in main chunk",
        ),
    ] {
        assert_eq!(run(source).unwrap_err().to_string(), expected, "{source}");
    }
    let error = vm().load("t.lua", b"\nerror error").unwrap_err();
    assert_eq!(error.message, "t.lua:2: '=' expected near 'error'");
    assert!(vm().load("t.lua", b"\x1bLJ\x02").is_err(), "bytecode is refused");
}

#[test]
fn scripts_catch_host_errors_as_strings() {
    let source = "local ok, message = pcall(whole, {}) return type(message) .. message";
    let expected = "stringbad argument #1 to 'whole' (number expected, got table)";
    assert_eq!(run(source).unwrap(), string(expected));
    let source = "local ok, message = pcall(function() return later(nil), 1 end) return message";
    assert_eq!(run(source).unwrap(), string("t.lua:1: later: nothing"));
}

#[test]
fn waiting_returns_the_results() {
    let source = "local a, b = later('x') return a .. b .. later('y')";
    assert_eq!(run(source).unwrap(), string("x7y"));
}

#[test]
fn a_coroutine_of_the_script_waits_too() {
    let source = "
        local out = {}
        local outer = coroutine.wrap(function()
            local inner = coroutine.create(function(a)
                out[#out + 1] = a .. later('w')
                local b = coroutine.yield('y')
                out[#out + 1] = b .. later('z')
                return 'end'
            end)
            local _, y = coroutine.resume(inner, 'a')
            coroutine.yield(y)
            local _, e = coroutine.resume(inner, 'b')
            coroutine.yield(e)
            coroutine.yield(tostring(coroutine.resume(inner)) .. coroutine.status(inner))
        end)
        return table.concat({ outer(), outer(), outer(), table.concat(out) }, ' ')";
    assert_eq!(run(source).unwrap(), string("y end falsedead awbz"));
}

#[test]
fn a_waiting_coroutine_is_not_resumed_by_another_call() {
    let vm = vm();
    let first = vm
        .load(
            "t.lua",
            b"host = coroutine.running()
              co = coroutine.create(function() return later('x') end)
              return select(2, coroutine.resume(co))",
        )
        .unwrap();
    let (mut call, mut step) = vm.start(&first, &[], Limits::SESSION);
    while matches!(step, Step::Preempted) {
        step = call.go_on();
    }
    let Step::Waiting(op) = step else { panic!("{step:?}") };
    let source = "local ok, why = coroutine.resume(co, true, 'forged')
        local hok = coroutine.resume(host, true, 'forged')
        return tostring(ok) .. why .. tostring(hok) .. coroutine.status(co)";
    let ret = limited(&vm, source, Limits::SESSION).unwrap();
    assert_eq!(ret, string("falsecannot resume non-suspended coroutinefalsenormal"));
    let mut step = call.answer(future::block_on(op));
    while matches!(step, Step::Preempted) {
        step = call.go_on();
    }
    let Step::Done(ret) = step else { panic!("{step:?}") };
    assert_eq!(ret, string("x"));
}

#[test]
fn waiting_where_c_is_between_is_an_error() {
    let source = "local why
        below_c(function() why = select(2, pcall(later, 'x')) end)
        return why";
    assert_eq!(run(source).unwrap(), string("attempt to yield across a C-call boundary"));
    let source = "local why
        below_c(function()
            _, why = coroutine.resume(coroutine.create(function() later('x') end))
        end)
        return why";
    assert_eq!(run(source).unwrap(), string("attempt to yield across a C-call boundary"));
}

#[test]
fn a_yield_to_the_host_lets_others_run() {
    assert_eq!(run("coroutine.yield(5) coroutine.yield() return 'on'").unwrap(), string("on"));
}

/// Loops that a script could hold a worker with.
const ENDLESS: &[&str] = &[
    "while true do end",
    "local s = 0 for i = 1, 1e18 do s = s + i end",
    "while true do pcall(function() while true do end end) end",
    "local function f() return f() end f()",
    "repeat xpcall(function() while true do end end, function() while true do end end) until false",
    "coroutine.wrap(function() while true do end end)()",
    "while true do coroutine.wrap(function() pcall(function() while true do end end) end)() end",
    "while true do coroutine.resume(coroutine.create(function() coroutine.yield() end)) end",
    "string.gsub('x', 'x', function() while true do end end)",
    "while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end",
    "string.gsub('x', 'x', function()
        coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()
     end)",
    "table.sort({ 1, 2, 3 }, function() while true do end end)",
    "setmetatable({}, { __index = function() while true do end end }).x()",
    "while true do coroutine.yield() end",
    "local t = setmetatable({}, { __tostring = function() while true do end end }) tostring(t)",
    "local t = setmetatable({}, { __tostring = function() while true do end end })
     while true do pcall(string.format, '%s', t) end",
    "local t = setmetatable({}, { __tostring = function()
        xpcall(function() while true do end end, function() while true do end end)
     end })
     while true do pcall(string.format, '%s', t) end",
    "xpcall(error, function() while true do pcall(function() while true do end end) end end)",
    "xpcall(error, setmetatable({}, { __call = function() while true do end end }))",
    "load(function() while true do end end)",
    "while true do pcall(load, function() while true do end end) end",
    "pcall(load, function() while true do pcall(load, function() while true do end end) end end)
     while true do end",
    "for _ in coroutine.wrap(function() while true do end end) do end",
    "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end",
    "return 'x' .. setmetatable({}, { __concat = function() while true do end end })",
    "table.sort(setmetatable({ 1, 2, 3 }, {}), function() while true do end end)",
    "string.gsub('x', 'x', setmetatable({}, { __index = function() while true do end end }))",
    "while true do pcall(debug.sethook) end",
    "setmetatable({}, { __call = function() while true do end end })()",
    "setmetatable({}, { __newindex = function() while true do end end }).x = 1",
    "return setmetatable({}, { __add = function() while true do end end }) + 1",
    "return -setmetatable({}, { __unm = function() while true do end end })",
    "return #setmetatable({}, { __len = function() while true do end end })",
    "local mt = { __eq = function() while true do end end }
     return setmetatable({}, mt) == setmetatable({}, mt)",
    "local mt = { __lt = function() while true do end end }
     return setmetatable({}, mt) < setmetatable({}, mt)",
    "local mt = { __le = function() while true do end end }
     table.sort({ setmetatable({}, mt), setmetatable({}, mt) }, function(a, b) return a <= b end)",
    "for _ in function() while true do end end do end",
    "for _ in ('x'):gmatch('x') do while true do end end",
    "local t = setmetatable({}, { __tostring = function() while true do end end })
     while true do pcall(error, t) pcall(print, t) end",
    "while true do pcall(table.concat, { 1, {} }) pcall(later, nil) pcall(whole, {}) end",
    "local function nest(n)
        return coroutine.wrap(function() if n > 0 then nest(n - 1) end while true do end end)()
     end
     nest(100)",
];

/// Scripts that want to know that they are ended.
const WATCHFUL: &[&str] = &[
    "pcall(SPIN) noticed = true",
    "xpcall(SPIN, function() noticed = true end) noticed = true",
    "pcall(string.format, '%s', OBJECT) noticed = true",
    "xpcall(string.format, function() noticed = true end, '%s', OBJECT) noticed = true",
    "string.format('%s', setmetatable({}, { __tostring = function()
        xpcall(SPIN, function() noticed = true end)
        noticed = true
     end }))
     noticed = true",
    "local co = coroutine.create(SPIN) coroutine.resume(co) noticed = true",
    "local co = coroutine.wrap(function() pcall(SPIN) noticed = true end) pcall(co) noticed = true",
    "string.format('%s', setmetatable({}, { __tostring = function()
        local co = coroutine.create(SPIN)
        xpcall(coroutine.wrap(function() SPIN() noticed = true end), function() noticed = true end)
        noticed = coroutine.resume(co)
     end }))
     noticed = true",
    "for _ in SPIN do noticed = true end noticed = true",
    "table.sort({ 1, 2, 3 }, function() SPIN() noticed = true end) noticed = true",
    "local _ = ('x'):gsub('x', function() SPIN() noticed = true end) noticed = true",
    "load(function() SPIN() noticed = true end) noticed = true",
];

#[test]
fn no_script_notices_its_end() {
    let vm = vm();
    vm.limit_memory(8 << 20).unwrap();
    for (spin, limits, kind) in [
        ("while true do end", SHORT, Kind::Time),
        ("while true do pcall(function() while true do end end) end", SHORT, Kind::Time),
        ("local t = {} while true do t[#t + 1] = { #t } end", Limits::NONE, Kind::Memory),
    ] {
        for watchful in WATCHFUL {
            let source = format!(
                "local function SPIN() {spin} end
                 local OBJECT = setmetatable({{}}, {{ __tostring = SPIN }})
                 {watchful}"
            );
            let error = limited(&vm, &source, limits).unwrap_err();
            assert_eq!(error.kind, kind, "{source}: {error}");
            let noticed: Value = vm.lua().globals().get("noticed").unwrap();
            assert!(noticed.is_nil(), "{source}");
        }
    }
}

#[test]
fn a_dropped_call_runs_nothing() {
    let vm = vm();
    for source in [
        "pcall(function() while true do end end) noticed = true",
        "coroutine.wrap(function() pcall(later, 1) noticed = true end)() noticed = true",
        "xpcall(later, function() noticed = true end, 1) noticed = true",
    ] {
        let function = vm.load("=__mlua_async_poll", source.as_bytes()).unwrap();
        let (call, step) = vm.start(&function, &[], Limits::SESSION);
        assert!(matches!(step, Step::Preempted | Step::Waiting(_)), "{step:?}");
        drop((step, call));
        vm.sweep();
        let noticed: Value = vm.lua().globals().get("noticed").unwrap();
        assert!(noticed.is_nil(), "{source}");
    }
}

#[test]
fn what_runs_without_a_hook_is_out_of_reach() {
    let source = "
        local file = io.stdout
        local found = { tostring(getmetatable(file)), tostring(file.__index), tostring(file.__gc) }
        found[4] = tostring(pcall(function() file.write.__gc = print end))
        found[5] = tostring(newproxy)
        found[6] = tostring(jit.attach) .. tostring(pcall(require, 'jit.profile'))
        found[7] = tostring((pcall(debug.sethook, print, 'l')))
        local sink = io.open('/dev/null', 'w')
        sink:write('x')
        found[8] = io.type(sink) .. tostring(sink:close()) .. io.type(sink)
        return table.concat(found, ' ')";
    let expected = "false nil nil false nil nilfalse false filetrueclosed file";
    assert_eq!(run(source).unwrap(), string(expected));
}

#[test]
fn libraries_work_as_they_did() {
    for (expression, expected) in [
        ("('hello'):gsub('l', function() end)", "hello 2"),
        ("('hello'):gsub('(l)(.)', function(a, b) return b .. a end)", "hello 1"),
        ("('hello'):gsub('', function(at) return '-' end)", "-h-e-l-l-o- 6"),
        ("('hello'):gsub('()', function(at) return at end)", "1h2e3l4l5o6 6"),
        ("('hello'):gsub('^h', function() return 'j' end)", "jello 1"),
        ("('hhh'):gsub('^h', function() return 'j' end)", "jhh 1"),
        ("('abc'):gsub('%w*', function(s) return '<' .. s .. '>' end)", "<abc><> 2"),
        ("('abc'):gsub('%w', function(s) return 1 end, 2)", "11c 2"),
        ("('abc'):gsub('%w', function(s) return 1 end, 0)", "abc 0"),
        ("('THE (quick) fox'):gsub('%f[%a]%a+', string.lower)", "the (quick) fox 3"),
        ("('12345'):rep(2):gsub(3, function() return 'x' end)", "12x4512x45 2"),
        (
            "('$a $b'):gsub('%$(%w)', setmetatable({}, { __index = function(_, k) return k:upper() end }))",
            "A B 2",
        ),
        ("('$a $b'):gsub('%$(%w)', { a = 1 })", "1 $b 2"),
        ("('a.b'):gsub('.', '%0%0', 1)", "aa.b 1"),
        (
            "pcall(string.gsub, 'a', 'a', function() return {} end)",
            "false invalid replacement value (a table)",
        ),
        (
            "pcall(function() string.gsub({}, 'a', print) end)",
            "false t.lua:9: bad argument #1 to 'gsub' (string expected, got table)",
        ),
        ("load(function() end)", "function"),
        ("load('return 1', 'x', 't', {})()", "1"),
        ("load('return x', 'x', 't', { x = 5 })()", "5"),
        (
            "load(string.dump(print == nil and print or function() end))",
            "nil attempt to load chunk with wrong mode",
        ),
        ("load('x', 'x', 'b')", "nil attempt to load chunk with wrong mode"),
        ("load(function() error('boom', 0) end)", "nil boom"),
        ("loadstring('return ...')(7)", "7"),
        ("load('x x', '=chunk')", "nil chunk:1: '=' expected near 'x'"),
        ("xpcall(error, function(m) return m .. '!' end, 'a')", "false a!"),
        ("xpcall(function(...) return ... end, print, 1, 2)", "true 1 2"),
        (
            "pcall(table.insert, {}, 0, 1)",
            "false bad argument #2 to 'insert' (position out of bounds)",
        ),
        (
            "pcall(table.insert, {}, 2 ^ 31, 1)",
            "false bad argument #2 to 'insert' (position out of bounds)",
        ),
        ("(function() local t = {} table.insert(t, 3, 1) return t[3], t[1] end)()", "1 nil"),
        ("pcall(table.sort, { 1, 'a' })", "false attempt to compare string with number"),
        (
            "pcall(function() table.sort(5) end)",
            "false t.lua:9: bad argument #1 to 'sort' (table expected, got number)",
        ),
    ] {
        let source = format!(
            "local function show(...)
                local out = {{ ... }}
                for i = 1, select('#', ...) do
                    local v = out[i]
                    out[i] = type(v) == 'function' and 'function' or tostring(v)
                end
                return table.concat(out, ' ')
             end
             return show({expression})"
        );
        assert_eq!(run(&source).unwrap(), string(expected), "{expression}");
    }
}

#[test]
fn lists_are_sorted_and_grow_in_place() {
    let sorts = "
        math.randomseed(1)
        for length = 0, 70 do
            for _, less in pairs({ false, function(a, b) return a > b end }) do
                local list = {}
                for i = 1, length do list[i] = math.random(30) end
                table.sort(list, less or nil)
                for i = 2, length do
                    local a, b = list[i - 1], list[i]
                    if less and a < b or not less and a > b then return 'unsorted' end
                end
            end
        end
        local t = { 'b', 'c', 'a' }
        table.sort(t)
        table.insert(t, 1, 'x')
        table.insert(t, 5, 'y')
        table.insert(t, 'z')
        return table.concat(t)";
    assert_eq!(run(sorts).unwrap(), string("xabcyz"));
}

#[test]
fn what_scripts_call_back_from_may_wait() {
    let source = "
        local text = ('a b'):gsub('%w', function(c) return (later(c .. c)) end)
        local list = { 3, 1, 2 }
        table.sort(list, function(a, b) return later(a) < later(b) end)
        local chunk = load(coroutine.wrap(function() coroutine.yield(later('return 4')) end))
        local object = setmetatable({}, { __tostring = function() return later('t') end })
        return text .. table.concat(list) .. chunk() .. ('%s%5s%%%d'):format(object, object, 7)";
    assert_eq!(run(source).unwrap(), string("aa bb1234t    t%7"));
}

#[test]
fn deep_recursion_is_refused() {
    for source in [
        "local function f() return (string.gsub('x', 'x', f)) end f()",
        "local t t = setmetatable({}, { __index = function(_, k) return (k:gsub('x', t)) end })
         return t.x",
        "local function f() coroutine.wrap(function() string.gsub('x', 'x', f) end)() end f()",
        "local function f() table.sort({ 2, 1 }, f) return true end f()",
        "local function f() assert(load(f)) return nil end f()",
        "local mt = {} mt.__concat = function(a) return a .. 'x' end return setmetatable({}, mt) .. 1",
    ] {
        let error = run(source).unwrap_err();
        assert!(error.message.contains("stack overflow"), "{source}: {error}");
    }
}

#[test]
fn endless_loops_are_ended() {
    for source in ENDLESS {
        let error = limited(&vm(), source, SHORT).unwrap_err();
        assert_eq!(error.kind, Kind::Time, "{source}: {error}");
    }
}

#[test]
fn a_state_serves_on_after_a_kill() {
    let vm = vm();
    for source in ENDLESS {
        assert!(limited(&vm, source, SHORT).is_err());
        assert_eq!(limited(&vm, "return (later('on'))", SHORT).unwrap(), string("on"));
    }
}

#[test]
fn a_timeout_says_where() {
    let error =
        limited(&vm(), "\nlocal function spin() while true do end end\nspin()", SHORT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "burst timeout from t.lua:2: in local 'spin', t.lua:3: in main chunk"
    );
    let spent = error.spent.unwrap();
    assert!(spent.ends_with(" ms of CPU without waiting (tune.lua.burst-timeout 40ms)"), "{spent}");
    let error = limited(
        &vm(),
        "local function inner()\nwhile true do end\nend
         coroutine.wrap(function() coroutine.wrap(inner)() end)()",
        SHORT,
    );
    assert_eq!(
        error.unwrap_err().traceback,
        "t.lua:2: in function line 1, [C]: in upvalue 'yield', t.lua:4: in main chunk"
    );
    let total = Limits { total: Some(Duration::from_millis(30)), ..Limits::NONE };
    let error = limited(&vm(), "while true do later(1) end", total).unwrap_err();
    assert_eq!(error.message, "execution timeout");
    // It is ended at a wait, though no slice is ever long enough to be interrupted.
    let spent = error.spent.unwrap();
    let used = spent.strip_prefix("after ").and_then(|text| text.split(' ').next());
    let used: f64 = used.unwrap().parse().unwrap();
    assert!((30.0..90.0).contains(&used), "{spent}");
}

#[test]
fn deep_coroutines_are_refused() {
    let source = "
        local function deep(n)
            return coroutine.wrap(function() return deep(n + 1) end)()
        end
        local ok, why = pcall(deep, 0)
        return why:match('C stack overflow')";
    let depth = "local n = 0 local function deep() n = n + 1 coroutine.wrap(deep)() end pcall(deep) return n";
    let Ret::Number(depth) = run(depth).unwrap() else { panic!() };
    assert!((190.0..=260.0).contains(&depth), "{depth}");
    assert_eq!(run(source).unwrap(), string("C stack overflow"));
    let source = "
        local function deep(n)
            return n == 0 and 'bottom' or coroutine.wrap(deep)(n - 1)
        end
        return deep(150)";
    assert_eq!(run(source).unwrap(), string("bottom"));
}

/// Programs whose result must not depend on where they are preempted.
const PROGRAMS: &[&str] = &[
    "local s = 0 for i = 1, 20000 do s = s + i % 7 end return tostring(s)",
    "local t = {} for i = 1, 300 do t[i] = (i * 7919) % 301 end table.sort(t)
         return t[1] .. ' ' .. t[150] .. ' ' .. t[300]",
    "local gen = coroutine.wrap(function() for i = 1, 200 do coroutine.yield(i) end end)
         local s = 0 for i in gen do s = s + i end return tostring(s)",
    "local co = coroutine.create(function() for i = 1, 100 do coroutine.yield() end end)
         local n = 0 while coroutine.resume(co) do n = n + 1 end return tostring(n)",
    "local s = ('abc'):rep(50):gsub('b', function(c) return c:upper() .. 'q' end)
         return #s .. s:sub(1, 6)",
    "local n = 0
         for i = 1, 50 do
            local ok, e = pcall(function() if i % 2 == 0 then error('e' .. i, 0) end return i end)
            if not ok then n = n + #e end
         end
         return tostring(n) .. later('x')",
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
         local mt = { __index = function(_, k) return k * 2 end, __lt = function(a, b)
            return rawget(a, 1) < rawget(b, 1) end }
         local a, b = setmetatable({ 1 }, mt), setmetatable({ 2 }, mt)
         return fib(15) .. ' ' .. a[21] .. tostring(a < b) .. tostring(b < a)",
];

#[test]
fn preemption_everywhere_changes_no_result() {
    let vm = vm();
    for source in PROGRAMS {
        let expected = limited(&vm, source, Limits::NONE).unwrap();
        raw::set_zeal(true);
        let function = vm.load("t.lua", source.as_bytes()).unwrap();
        let (mut call, mut step) = vm.start(&function, &[], Limits::NONE);
        let mut preemptions = 0;
        let result = loop {
            step = match step {
                Step::Done(ret) => break ret,
                Step::Failed(error) => panic!("{source}: {error}"),
                Step::Waiting(op) => call.answer(future::block_on(op)),
                Step::Preempted => {
                    preemptions += 1;
                    call.go_on()
                }
            };
        };
        raw::set_zeal(false);
        assert_eq!(result, expected, "{source}");
        assert!(preemptions > 9, "{source}");
    }
}

#[test]
fn preempted_calls_take_turns() {
    let vm = vm();
    let source = b"local n = 0 while not done do n = n + 1 end return 'ended'";
    let waiting = vm.load("t.lua", source).unwrap();
    let (first, step) = vm.start(&waiting, &[], Limits::SESSION);
    let other = async {
        future::yield_now().await;
        limited(&vm, "done = true", Limits::SESSION)
    };
    let both = future::zip(driver::finish(first, step, &TASK), other);
    let (ended, _) = future::block_on(both);
    assert_eq!(ended.unwrap(), string("ended"));
}

/// Scripts that want more than they may have.
const GROWING: &[&str] = &[
    "local t = {} for i = 1, 1e9 do t[i] = { i } end",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do pcall(function() while true do t[#t + 1] = ('x'):rep(1e5) .. #t end end) end",
    "local t = {} while true do t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) end",
    "local t = {} coroutine.wrap(function() while true do
        pcall(function() while true do t[#t + 1] = { #t } end end)
     end end)()",
    "local t = {} string.format('%s', setmetatable({}, { __tostring = function()
        while true do pcall(function() while true do t[#t + 1] = { #t } end end) end
     end }))",
    "local t = {} xpcall(error, function() while true do t[#t + 1] = { #t } end end)",
    "local t = {} while true do
        xpcall(function() while true do t[#t + 1] = ('x'):rep(1e6) .. #t end end, function()
            while true do t[#t + 1] = { #t } end
        end)
     end",
    "local t = {} while true do t[#t + 1] = whole(#t) .. ('x'):rep(1e4) end",
];

#[test]
fn a_call_that_grows_is_ended_and_the_state_serves_on() {
    let vm = vm();
    vm.limit_memory(vm.memory() + (8 << 20)).unwrap();
    for grow in GROWING {
        let error = limited(&vm, grow, Limits::NONE).unwrap_err();
        assert_eq!((error.kind, &*error.message), (Kind::Memory, "out of memory error"), "{grow}");
        assert!(error.spent.is_some(), "{grow}");
        assert_eq!(limited(&vm, "return (later('on'))", SHORT).unwrap(), string("on"), "{grow}");
    }
}

#[test]
fn what_grows_too_large_is_logged() {
    let vm = vm();
    vm.limit_memory(8 << 20).unwrap();
    let error = limited(&vm, "local t = {}\nwhile true do t[#t + 1] = { #t } end", Limits::NONE);
    let log = error.unwrap_err().to_log(1);
    let (place, spent) = log.split_once("; ").unwrap();
    assert_eq!(place, "out of memory error from t.lua:2: in main chunk");
    assert!(
        spent.starts_with("stopped holding 6")
            && spent.ends_with("m of memory (tune.lua.maxmem 8m)"),
        "{spent}"
    );
}

#[test]
fn garbage_is_collected_before_memory_runs_out() {
    let vm = vm();
    vm.limit_memory(8 << 20).unwrap();
    for churn in [
        "local live = {} for i = 1, 40000 do live[i] = { i } end
         for i = 1, 2e6 do local _ = { i, i + 1 } end return (later(#live))",
        "local live = ('x'):rep(1e6) for i = 1, 400 do local _ = ('y'):rep(1e6) .. i end
         return (later(40000))",
        "local live = {} for i = 1, 40000 do live[i] = { i } end
         return (string.format('%s', setmetatable({}, { __tostring = function()
            for i = 1, 1e6 do local _ = { i, i + 1 } end
            return tostring(#live)
         end })) + 0)",
    ] {
        assert_eq!(limited(&vm, churn, Limits::NONE).unwrap(), Ret::Number(40000.0), "{churn}");
    }
}

#[test]
fn a_tenant_takes_no_large_block_at_once() {
    let vm = vm();
    vm.limit_tenant(16 << 20).unwrap();
    let source = "local ok, why = pcall(string.rep, 'x', 3e6) return tostring(ok) .. why";
    assert_eq!(limited(&vm, source, SHORT).unwrap(), string("falsenot enough memory"));
    let error = limited(&vm, "\nlocal s = ('x'):rep(3e6)", SHORT).unwrap_err();
    assert_eq!(error.kind, Kind::Memory);
    assert_eq!(error.traceback, "[C]: in method 'rep', t.lua:2: in main chunk");
    assert_eq!(error.spent.as_deref(), Some("asking for 4m at once: at most 2m (memory-max 16m)"));
    assert!(!vm.is_doomed());
}
