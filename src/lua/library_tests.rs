//! The libraries a script finds: they do what LuaJIT's do, call scripts back where these may wait,
//! and none of them holds a worker.

use futures_lite::future;
use mlua::Function;

use super::Error;
use super::Limits;
use super::Options;
use super::Reach;
use super::Ret;
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
            Ok(vec![value])
        }))
    });
    vm.lua().globals().set("later", later.unwrap()).unwrap();
    vm
}

fn run_in(context: Context, vm: &Vm, source: &str) -> Result<Ret, Error> {
    let function = vm.load("t.lua", source.as_bytes())?;
    let current = Current { context, txn: None };
    let (call, step) = super::current::with(&current, || vm.start(&function, &[], Limits::NONE));
    future::block_on(driver::finish(call, step, &current))
}

fn run(source: &str) -> Result<Ret, Error> {
    run_in(Context::Task, &vm(), source)
}

fn string(text: &str) -> Ret {
    Ret::Str(text.as_bytes().to_vec())
}

/// Calls of a script from all functions that call one; `f` waits and returns its argument.
const CALLBACKS: &[&str] = &[
    "tostring(setmetatable({}, { __tostring = function() return f('x') end }))",
    "('%s'):format(setmetatable({}, { __tostring = function() return f('x') end }))",
    "print(setmetatable({}, { __tostring = function() return f('') end }))",
    "table.sort({ 2, 1 }, function(a, b) return f(a) < f(b) end)",
    "table.sort({ setmetatable({}, { __lt = function() return f(true) end }), setmetatable({}, {}) })",
    "('x'):gsub('x', f)",
    "('x'):gsub('x', setmetatable({}, { __index = function(_, k) return f(k) end }))",
    "xpcall(error, function(m) return f(m) end, 'x')",
    "xpcall(function() error(f('x')) end, debug.traceback)",
    "load(coroutine.wrap(function() coroutine.yield(f('return 1')) end))",
    "table.foreach({ 1 }, function(_, v) f(v) end)",
    "table.foreachi({ 1 }, function(_, v) f(v) end)",
    "require('of.preload')",
    "for _ in pairs(setmetatable({}, { __pairs = function() return f(next), {} end })) do end",
    "for _ in ipairs(setmetatable({}, { __ipairs = function() return f(next), {} end })) do end",
    "return #setmetatable({}, { __len = function() return f(1) end })",
    "return setmetatable({}, { __concat = function() return f('x') end }) .. 'y'",
    "return setmetatable({}, { __index = function(_, k) return f(k) end }).x",
    "return -setmetatable({}, { __unm = function() return f(1) end })",
    "return setmetatable({}, { __call = function(_, x) return f(x) end })(1)",
    "return setmetatable({}, { __lt = function() return f(true) end }) < setmetatable({}, {})",
    "local mt = { __eq = function() return f(true) end }
     return setmetatable({}, mt) == setmetatable({}, mt)",
];

#[test]
fn whatever_calls_a_script_back_lets_it_wait() {
    for source in CALLBACKS {
        let program = format!(
            "local waited = false
             local function f(...)
                waited = true
                return (later(...))
             end
             package.preload['of.preload'] = function() return f('module') end
             local function try() {source} end
             try()
             return tostring(waited)"
        );
        assert_eq!(run(&program).unwrap(), string("true"), "{source}");
    }
}

/// Returns what functions of the libraries make of random arguments, a line for each case.
const CASES: &str = r##"
local seed, cases = ...
local function random(most)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return math.floor(seed / 65536) % most + 1
end
local function show(...)
    local out = { ... }
    for i = 1, select("#", ...) do
        local kind = type(out[i])
        out[i] = kind .. ":" .. (kind == "table" and table.concat(out[i], " ") or kind == "function" and "" or tostring(out[i]))
    end
    return table.concat(out, ",")
end
local spoken = setmetatable({}, { __tostring = function() return "spoken" end })
local values = {
    0, -1, 1.5, 2 ^ 31, 2 ^ 53, 1 / 0, -1 / 0, "", "x", "12", "0x10", ("long"):rep(40), true, false, spoken, type, "a\0b\n\"\\",
}
local function value() return values[random(#values + 1)] end
local formats = {
    "%d", "%5.2f", "%s", "%10s", "%-10s|", "%.3s", "%q", "%x", "%c", "%%", "%i", "%g", "%a", "%5", "%", "%99999d", "%s%s%s%s%s", "%z",
}
local function some_format()
    local out = {}
    for i = 1, random(4) do out[i] = formats[random(#formats)] end
    return table.concat(out, "-")
end
local function sorted(list, less)
    table.sort(list, less)
    return list
end
local function inserted(list, ...)
    table.insert(list, ...)
    return list
end
local function list()
    local out = {}
    for i = 1, random(20) do out[i] = random(9) end
    return out
end
local function strings()
    local out = list()
    for i, v in ipairs(out) do out[i] = "s" .. v end
    return out
end
local lines = {}
local function greater(a, b) return a > b end
for i = 1, cases do
    local f, a, b, c, d = some_format(), value(), value(), value(), value()
    lines[i] = table.concat({
        show(f, a, b, c, d), show(pcall(string.format, f, a, b, c, d)), show(pcall(string.format, f)),
        show(tostring(a)), show(pcall(sorted, list())), show(pcall(sorted, strings(), greater)),
        show(pcall(inserted, list(), 1, 7)), show(pcall(inserted, list(), 7)),
        show(pcall(string.rep, b, random(9) - 2, c)), show(pcall(load, "return " .. tostring(a), "=c", "t")),
        show(xpcall(function(...) return ... end, type, a, b)), show(xpcall(error, function(m) return m, 1 end, a)),
        show(xpcall(error, function(m) error("again") end, a)), show(pcall(tonumber, b, random(40))), show(collectgarbage()),
        show(pcall(setmetatable(values, nil).x)), show(pcall(sorted, { 1, "a", 2 })), show(pcall(sorted, { {}, {} })),
        show(pcall(sorted, setmetatable(list(), { __index = error, __len = error }))),
        show(pcall(string.find, a, b)), show(pcall(string.gsub, a, b, c, d)), show(pcall(string.match, a, b, c)), show(pcall(string.gmatch, a, b)),
        show(pcall(string.find, b, b, c, d)),
    }, "|")
end
return lines
"##;

#[test]
fn functions_do_what_luajits_do() {
    let (native, _memory) = raw::open(mlua::StdLib::ALL_SAFE);
    let theirs = native.load(CASES).set_name("=cases").into_function().unwrap();
    let vm = vm();
    let ours = vm.lua().load(CASES).set_name("=cases").into_function().unwrap();
    let run = |function: &Function, seed: u32| -> Vec<mlua::LuaString> {
        function.call((seed, 100)).unwrap()
    };
    for seed in 0..30_u32 {
        for (expected, got) in run(&theirs, seed).iter().zip(run(&ours, seed)) {
            assert_eq!(
                String::from_utf8_lossy(&expected.as_bytes()),
                String::from_utf8_lossy(&got.as_bytes())
            );
        }
    }
}

#[test]
fn a_handler_sees_the_stack_that_failed() {
    let source = "
        local function deep() error('x', 0) end
        local function handler(m) return debug.traceback(m, 2) end
        local _, text = xpcall(function() deep() end, handler)
        local _, inner = xpcall(function() deep() end, function(m)
            local _, other = xpcall(error, handler, 'other')
            return other:match('^[^\\n]*') .. debug.traceback(m)
        end)
        return tostring(text:find(\"^x\\nstack traceback:.*in [%a ]*'deep'\") ~= nil)
            .. tostring(inner:find(\"^otherx\\nstack traceback:.*in [%a ]*'deep'\") ~= nil)
            .. tostring(debug.traceback('after'):find('deep') == nil)";
    let ret = run(source).unwrap();
    assert_eq!(ret, string("truetruetrue"));
}

#[test]
fn long_work_is_done_in_full() {
    let source = "
        local text = ('ab'):rep(300000)
        local upper, count = text:gsub('a', 'A')
        local twice = text:gsub('.', '%0%0')
        local mapped = text:gsub('%w', { a = 'xyz' })
        local n = 0
        for _ in text:gmatch('b') do n = n + 1 end
        local list = {}
        for i = 1, 60000 do list[i] = i end
        table.insert(list, 2, 'x')
        return table.concat({ count, #upper, upper:sub(-4), #twice, #mapped, n, #list, list[1], list[2],
            list[3], list[60001], tostring(text:find('b.*a')), tostring(text:find('(a).*%1b$')),
            #text:match('^%w*$') }, ' ')";
    let expected = "300000 600000 AbAb 1200000 1200000 300000 60001 1 x 2 60000 2 1 600000";
    assert_eq!(run(source).unwrap(), string(expected));
}

#[test]
fn long_lists_are_joined_in_pieces() {
    let source = "
        local list, expected = {}, '1'
        for i = 1, 5001 do list[i] = i end
        for i = 2, 5001 do expected = expected .. ', ' .. i end
        local same = table.concat(list, ', ') == expected
        local inner = table.concat(list, ', ', 2, 5000) == expected:sub(4, -7)
        list[4500] = {}
        local _, why = pcall(table.concat, list)
        local _, many = pcall(string.format, '', unpack(list, 1, 1001))
        return tostring(same) .. tostring(inner) .. why .. many";
    let expected = "truetrueinvalid value (table) at index 4500 in table for 'concat'\
        too many arguments to 'format'";
    assert_eq!(run(source).unwrap(), string(expected));
}

#[test]
fn what_a_script_compiles_is_not_too_long() {
    let source = "local text = ' ' .. (' '):rep(2 ^ 20) .. 'return 1'
        local f, why = load(text)
        local g, also = load(coroutine.wrap(function() while true do coroutine.yield(text) end end))
        return tostring(f) .. why .. tostring(g) .. also .. tostring(loadstring(text))";
    let refused = "nilchunk is too large to be compiled now";
    assert_eq!(run(source).unwrap(), string(&format!("{refused}{refused}nil")));
    let source = "return load(' ' .. (' '):rep(2 ^ 20) .. 'return 7')()";
    assert_eq!(run_in(Context::Body, &vm(), source).unwrap(), Ret::Number(7.0));
}

#[test]
fn a_whole_collection_leaves_no_garbage() {
    let source = "
        collectgarbage()
        local before = collectgarbage('count')
        local t = {}
        for i = 1, 20000 do t[i] = { i } end
        t = nil
        local result = collectgarbage('collect')
        return tostring(result) .. tostring(collectgarbage('count') < before + 100)
            .. type(collectgarbage('step', 1e9))";
    assert_eq!(run(source).unwrap(), string("0trueboolean"));
}
