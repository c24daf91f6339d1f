//! Patterns against what LuaJIT's own functions make of them, in slices of any size.

use mlua::Function;

use super::Error;
use super::Progress;
use super::STEPS;
use super::Search;
use crate::lua::Options;
use crate::lua::Reach;
use crate::lua::Vm;
use crate::lua::raw;

/// Returns what the functions make of random patterns, a line for each case.
const CASES: &str = r##"
local seed, cases = ...
local function random(most)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return math.floor(seed / 65536) % most + 1
end
local letters = { "a", "b", "c", "1", "(", ")", " ", "\0", "\200", "a", "b", "x=" }
local pieces = {
    "a", "b", ".", "%a", "%d", "[ab]", "[^a]", "[a-c%d]", "[]]", "[^]-]", "[%a-]", "%z", "%Z", "\0", "(", ")", "()",
    "%1", "%2", "%0", "*", "+", "-", "?", "*", "-", "^", "$", "%b()", "%bab", "%f[%w]", "%f[^%z]", "%", "[",
    "]", "%b", "%f", "%(", "%.", "(a*)", "(.-)", "(b)", "%w+", "%s*", "\200", "[\128-\255]", "%g", "%x", "%p", "%c", "%u", "%L",
}
local function some(list, most)
    local out = {}
    for i = 1, random(most) - 1 do out[i] = list[random(#list)] end
    return table.concat(out)
end
local function show(...)
    local out = { ... }
    for i = 1, select("#", ...) do out[i] = type(out[i]) .. ":" .. tostring(out[i]) end
    return table.concat(out, ",")
end
local function each(s, p)
    local out = {}
    for a, b in string.gmatch(s, p) do
        out[#out + 1] = show(a, b)
        if #out > 30 then break end
    end
    return table.concat(out, ";")
end
local mt = { __index = function(_, key) return key == "b" and "B" or nil end }
local values = { a = "A", b = 7, c = false, [1] = "one", [2] = "%1" }
local bad = { a = {} }
local function call(a, b) return b and a .. b or a ~= "b" and a end
local lines = {}
for i = 1, cases do
    local p, s = some(pieces, 8), some(letters, 10)
    local init, most = random(14) - 6, random(6) - 2
    local repl = some({ "x", "%0", "%1", "%2", "%%", "%", "y%a" }, 4)
    lines[i] = table.concat({
        show(p), show(s), init, most, show(repl),
        show(pcall(string.find, s, p, init)), show(pcall(string.find, s, p, init, true)),
        show(pcall(string.match, s, p, init)), show(pcall(each, s, p)),
        show(pcall(string.gsub, s, p, repl, most)), show(pcall(string.gsub, s, p, repl)),
        show(pcall(string.gsub, s, p, values)), show(pcall(string.gsub, s, p, bad, most)),
        show(pcall(string.gsub, s, p, call)), show(pcall(string.gsub, s, p, setmetatable({}, mt), most)),
    }, "|")
end
return lines
"##;

fn ours() -> Vm {
    Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL }).unwrap()
}

#[test]
fn functions_do_what_luajits_do_at_any_pace() {
    let (native, _memory) = raw::open(mlua::StdLib::ALL_SAFE);
    let theirs = native.load(CASES).set_name("=cases").into_function().unwrap();
    let vm = ours();
    let ours = vm.lua().load(CASES).set_name("=cases").into_function().unwrap();
    let run = |function: &Function, seed: u32| -> Vec<mlua::LuaString> {
        function.call((seed, 400)).unwrap()
    };
    for seed in 0..40_u32 {
        let expected = run(&theirs, seed);
        for steps in [None, Some(1 + seed as usize % 30)] {
            raw::set_steps(steps);
            for (expected, got) in expected.iter().zip(run(&ours, seed)) {
                assert_eq!(
                    String::from_utf8_lossy(&expected.as_bytes()),
                    String::from_utf8_lossy(&got.as_bytes()),
                    "in steps of {steps:?}"
                );
            }
        }
    }
    raw::set_steps(None);
}

fn search(subject: &[u8], pattern: &[u8], each: usize) -> (Result<Progress, Error>, usize) {
    let mut search = Search::new();
    search.begin(0, false);
    for turn in 1.. {
        let result = search.run(subject, pattern, &mut each.clone());
        if result != Ok(Progress::Paused) {
            return (result, turn);
        }
    }
    unreachable!()
}

#[test]
fn a_search_that_takes_long_is_made_in_turns() {
    let spaces = vec![b' '; 2000];
    let (result, turns) = search(&spaces, b"%s+a", STEPS);
    assert_eq!(result, Ok(Progress::Missed));
    assert!(turns > 50, "{turns}");
    let (result, turns) = search(&[b'('; 5000], b"%b()", STEPS);
    assert_eq!(result, Ok(Progress::Missed));
    assert!(turns > 20, "{turns}");
}
