//! Random Lua programs that end: their loops and calls use up what they are given.

use std::fmt;
use std::fmt::Write;

/// What every program begins with: what it may use up, and the digest that it returns.
const HEAD: &str = "\
local fuel, digest = FUEL, 7
local function mix(...)
    for i = 1, select('#', ...) do
        local v = select(i, ...)
        local s = type(v) == 'table' and 'table' .. #v or type(v) == 'function' and 'function'
            or type(v) == 'thread' and 'thread' or tostring(v)
        digest = (digest * 31 + #s) % 16777213
        for at = 1, math.min(#s, 6) do digest = (digest * 33 + s:byte(at)) % 16777213 end
    end
    return ...
end
local function num(v) v = tonumber(v) or 3 return v == v and math.abs(v) < 1e9 and v or 5 end
local function str(v) return type(v) == 'string' and v:sub(1, 24) or type(v) == 'number' and ('%.6g'):format(v) or type(v) end
local MT = {}
MT.__index = function(t, k) return k == 'v' and 1 or rawget(t, 1) end
MT.__newindex = function(t, k, v) rawset(t, 1, num(v) % 1000) end
MT.__add = function(a, b) mix('add') return setmetatable({ (num(a) + num(b)) % 1000 }, MT) end
MT.__sub = function(a, b) return setmetatable({ num(rawequal(a, b)) }, MT) end
MT.__concat = function(a, b) mix('concat') return str(a) .. str(b) end
MT.__eq = function(a, b) mix('eq') return rawget(a, 1) == rawget(b, 1) end
MT.__lt = function(a, b) return num(a) < num(b) end
MT.__le = function(a, b) return num(a) <= num(b) end
MT.__len = function(a) return 4 end
MT.__unm = function(a) return setmetatable({ -num(rawget(a, 1)) }, MT) end
MT.__call = function(self, ...) return select('#', ...), ... end
MT.__tostring = function(a) return 'obj' .. str(rawget(a, 1)) end
MT.__pairs = function(a) return function(_, k) if not k then return 1, a.v end end, a, nil end
local plain_num = num
num = function(v) if getmetatable(v) == MT then return plain_num(rawget(v, 1)) end return plain_num(v) end
local a, b, c, d = 1, 'two', setmetatable({ 3 }, MT), { 4, 5, 6 }
";

const NAMES: &[&str] = &["a", "b", "c", "d"];

/// Numbers drawn one after the other from a seed.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below the limit.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        let at = self.below(list.len() as u64);
        list[usize::try_from(at).unwrap()]
    }
}

/// A program's text.
#[derive(Debug)]
pub(super) struct Program(String);

impl Program {
    pub(super) fn random(seed: u64) -> Self {
        let mut writer = Writer {
            random: Random::new(seed),
            text: HEAD.replace("FUEL", &(20 + seed % 60).to_string()),
            depth: 0,
            functions: 0,
            labels: 0,
        };
        let statements = 4 + writer.random.below(8);
        for _ in 0..statements {
            writer.statement();
        }
        writer.line("mix(a, b, c, d)");
        writer.line("return digest .. ' ' .. fuel");
        Self(writer.text)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

struct Writer {
    random: Random,
    text: String,
    depth: usize,
    /// How many functions `f1`, `f2`.. are known: each calls those before it only.
    functions: usize,
    labels: usize,
}

impl Writer {
    fn line(&mut self, line: impl AsRef<str>) {
        let indent = "    ".repeat(self.depth);
        writeln!(self.text, "{indent}{}", line.as_ref()).unwrap();
    }

    /// Writes some statements between two lines. What they define is forgotten.
    fn block(&mut self, open: impl AsRef<str>, close: impl AsRef<str>) {
        let functions = self.functions;
        self.line(open);
        self.depth += 1;
        self.line("fuel = fuel - 1 if fuel < 0 then return 'dry' end");
        let statements = 1 + self.random.below(3);
        for _ in 0..statements {
            self.statement();
        }
        self.depth -= 1;
        self.functions = functions;
        self.line(close);
    }

    fn statement(&mut self) {
        if self.depth > 3 {
            return self.simple();
        }
        match self.random.below(16) {
            0..=4 => self.simple(),
            5 | 6 => self.loops(),
            7 => {
                let condition = self.condition();
                self.block(
                    format!("do local r = (function() if {condition} then"),
                    "end end)() end",
                );
            }
            8 => self.function(),
            9 => self.protected(),
            10 | 11 => self.coroutine(),
            12 => self.callback(),
            13 => self.jump(),
            14 => self.closures(),
            _ => self.iterator(),
        }
    }

    /// A statement without a block.
    fn simple(&mut self) {
        // `c` stays the object and `d` the list: few programs are to end with an error.
        let name = self.random.pick(&["a", "b"]);
        let (number, text, value) = (self.number(), self.string(), self.value());
        let small = self.random.below(9);
        let line = match self.random.below(14) {
            0 => format!("{name} = {number}"),
            1 => format!("{name} = {text}"),
            2 => format!("{name} = {value}"),
            3 => format!("mix({value}, {number})"),
            4 => format!("d[#d % 7 + 1] = {value}"),
            5 => format!("c.x = {number} {name} = c + {number} mix({name}, rawget(c, 1))"),
            6 => format!("{name} = later({value} or 1)"),
            7 => "mix(pcall(later))".to_owned(),
            8 => format!("table.insert(d, {}, {value})", self.random.pick(&["1", "#d", "#d + 1"])),
            9 => format!("mix(table.remove(d{}))", self.random.pick(&["", ", 1"])),
            10 => format!("if type({name}) == 'string' and #{name} > 60 then {name} = {text} end"),
            11 if self.functions > 0 => {
                let function = 1 + self.random.below(self.functions as u64);
                format!("{name} = f{function}({value}, {number})")
            }
            12 => format!("mix(load('local x = ... return x, x ~= {small}', '=l', 't')({value}))"),
            _ => format!("mix(c({value}, {number}), -c, #c, c == c + 1, c < c + 1)"),
        };
        self.line(line);
    }

    fn loops(&mut self) {
        let count = 2 + self.random.below(9);
        match self.random.below(4) {
            0 => self.block(
                format!("do local r = (function() for i = 1, {count} do mix(i)"),
                "end end)() end",
            ),
            1 => self.block(
                format!("do local n = 0 local r = (function() while n < {count} do n = n + 1"),
                "end end)() mix(n) end",
            ),
            2 => self.block(
                format!("do local n = {count} local r = (function() repeat n = n - 1"),
                "until n < 0 end)() mix(n, r) end",
            ),
            _ => {
                let value = self.value();
                self.line(format!(
                    "do local s = 0 for i = 1, {} do s = (s * 3 + i) % 1013 if s == 5 then s = num({value}) end end mix(s) end",
                    count * 6
                ));
            }
        }
    }

    fn function(&mut self) {
        let name = self.functions + 1;
        self.block(format!("local function f{name}(a, b, ...)"), "end");
        self.functions = name;
    }

    fn protected(&mut self) {
        let value = self.value();
        match self.random.below(4) {
            0 => self.block("mix(pcall(function()", "error(str(b), 0) end))"),
            1 => self.block(
                "mix(xpcall(function()",
                "error({ 1 }) end, function(m) return type(m) .. 'handled' end))",
            ),
            2 => self.block(
                "mix(select(2, pcall(function(...)",
                format!("return d.x.y end, {value})))"),
            ),
            _ => self.block("mix(pcall(pcall, function()", "local x = later(nil) end))"),
        }
    }

    fn coroutine(&mut self) {
        let (number, value) = (self.number(), self.value());
        match self.random.below(4) {
            0 => self.block(
                "do local co = coroutine.create(function(x) mix(x, coroutine.yield(x, 1))",
                format!(
                    "return coroutine.yield(later('y')) end) \
                     mix(coroutine.resume(co, {value})) mix(coroutine.resume(co, {number})) \
                     mix(coroutine.resume(co)) mix(coroutine.status(co), coroutine.resume(co)) end"
                ),
            ),
            1 => self.block(
                "for x in coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i) end",
                "end) do mix(x) end",
            ),
            2 => self.block(
                "mix(pcall(coroutine.wrap(function() coroutine.wrap(function()",
                "error('deep', 0) end)() end)))",
            ),
            _ => {
                let text = self.string();
                self.block(
                    format!("do local co co = coroutine.wrap(function() for w in ({text}):gmatch('%w') do coroutine.yield(w) end"),
                    "return 'no more' end) mix(co(), co(), (pcall(co))) end",
                );
            }
        }
    }

    fn callback(&mut self) {
        let text = self.string();
        let pattern =
            self.random.pick(&["%w", "(%w)(%w)", "o", "()", "[a-m]+", "^t", ".-e", "%f[%a]%a"]);
        match self.random.below(4) {
            0 => self.block(
                format!("mix(({text}):gsub('{pattern}', function(x, y)"),
                "return x and str(x) .. 'q' end))",
            ),
            1 => self.block("do local list = { 5, 3, 9, 1, 7, 3 } table.sort(list, function(x, y)", "return x < y end) mix(unpack(list)) end"),
            2 => self.block(
                "mix(pcall(table.sort, { 3, 1, 2 }, function(x, y)",
                "if fuel % 5 == 0 then error('unsorted', 0) end return x > y end))",
            ),
            _ => self.line(format!(
                "mix(({text}):gsub('{pattern}', setmetatable({{}}, {{ __index = function(_, k) return later(str(k)) .. '!' end }})))"
            )),
        }
    }

    fn jump(&mut self) {
        self.labels += 1;
        let label = self.labels;
        let condition = self.condition();
        self.line(format!("do local n = 0 ::back{label}:: n = n + 1 fuel = fuel - 1"));
        self.simple();
        self.line(format!(
            "if n < 6 and fuel > 0 and ({condition} or n < 3) then goto back{label} end end"
        ));
    }

    fn closures(&mut self) {
        let value = self.value();
        self.line("do local list = {}");
        self.block(
            "for i = 1, 4 do local k = i list[i] = function(...)",
            "k = k + select('#', ...) return k, ... end end",
        );
        self.line(format!("for i = 1, 4 do mix(list[i]({value}, i)) mix(list[i]()) end end"));
    }

    fn iterator(&mut self) {
        let text = self.string();
        let head = match self.random.below(5) {
            0 => format!("for w in ({text}):gmatch('%w+') do mix(w)"),
            1 => "for i, v in ipairs(d) do mix(i, v)".to_owned(),
            2 => "for k, v in pairs(c) do mix(k, v)".to_owned(),
            3 => "for k, v in next, { 8, 9, 10 } do mix(k, v)".to_owned(),
            _ => {
                "for k in function(_, k) k = (k or 0) + 1 if k < 5 then return k end end do mix(k)"
                    .to_owned()
            }
        };
        self.block(format!("do local r = (function() {head}"), "end end)() mix(r) end");
    }

    fn number(&mut self) -> String {
        let (name, small) = (self.random.pick(NAMES), self.random.below(20));
        match self.random.below(7) {
            0 | 1 => small.to_string(),
            2 => format!("num({name})"),
            3 => format!("num({name}) % {} + {small}", small + 3),
            4 => format!("(num({name}) * {small} - 1.5)"),
            5 => format!("math.floor(num({name}) / {})", small + 1),
            _ => format!("#str({name})"),
        }
    }

    fn string(&mut self) -> String {
        let (name, small) = (self.random.pick(NAMES), self.random.below(9));
        match self.random.below(8) {
            0 => "'the quick brown fox'".to_owned(),
            1 => format!("('ab'):rep({small})"),
            2 => format!("str({name}) .. '{small}'"),
            3 => format!("('%5.2f|%s'):format(num({name}), str(b))"),
            4 => format!("str({name}):upper():sub(1, {small})"),
            5 => format!("(str({name}):gsub('%w', '%0.'))"),
            6 => format!("table.concat({{ str({name}), {small}, 'z' }}, '-')"),
            _ => format!("(c .. str({name}))"),
        }
    }

    fn value(&mut self) -> String {
        let name = self.random.pick(NAMES);
        match self.random.below(8) {
            0 | 1 => self.number(),
            2 | 3 => self.string(),
            4 => name.to_owned(),
            5 => format!("tostring(c) .. str({name})"),
            6 => format!("(c.v or {name})"),
            _ => format!("({name} == b and {} or 0)", self.random.below(9)),
        }
    }

    fn condition(&mut self) -> String {
        let (name, number) = (self.random.pick(NAMES), self.number());
        match self.random.below(5) {
            0 => format!("num({name}) < {number}"),
            1 => format!("str({name}) ~= b"),
            2 => format!("(str({name}):find('o') or 0) > 1"),
            3 => "c + 1 ~= c".to_owned(),
            _ => format!("{name} and fuel % 2 == 0"),
        }
    }
}
