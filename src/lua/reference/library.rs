//! Lua's own libraries, as states have them.

use super::Class;
use super::Contexts;
use super::Entry;
use super::function;
use super::method;
use super::value;

/// The names of the classes here.
pub(super) const ALL: &[&str] = &[
    "_G",
    "bit",
    "bit32",
    "bit64",
    "coroutine",
    "debug",
    "file",
    "io",
    "jit",
    "math",
    "os",
    "package",
    "string",
    "table",
    "utf8",
];

const fn library(name: &'static str, how: &'static str, entries: &'static [Entry]) -> Class {
    Class { name, how, at: Contexts::ANYWHERE, entries }
}

pub(super) const GLOBAL: Class = library("_G", "The global functions of Lua.", GLOBAL_ENTRIES);

#[rustfmt::skip]
const GLOBAL_ENTRIES: &[Entry] = &[
    value("_VERSION", "string", "the version of the language"),
    function("assert", "value: any, message?: any, ...: any", "...", "raises an error where the value is false or nil").raises("the message"),
    function("collectgarbage", "what?: string, argument?: integer", "any", "steers the collector"),
    function("dofile", "file?: string", "...", "runs a file"),
    function("error", "message: any, level?: integer", "", "raises an error").raises("the message"),
    function("gcinfo", "", "integer", "gives the memory in use, in KiB"),
    function("getfenv", "function?: function|integer", "table", "gives the globals of a function"),
    function("getmetatable", "object: any", "any", "gives the metatable"),
    function("ipairs", "list: table", "function, table, integer", "walks through a list"),
    function("load", "chunk: string|function, name?: string, mode?: string, env?: table", "function?, string?", "compiles text; bytecode is refused"),
    function("loadfile", "file?: string, mode?: string, env?: table", "function?, string?", "compiles a file; bytecode is refused"),
    function("loadstring", "chunk: string, name?: string", "function?, string?", "compiles text; bytecode is refused"),
    function("module", "name: string, ...: function", "", "makes a module, as Lua 5.1 does"),
    function("next", "table: table, key?: any", "any, any", "gives the entry behind a key"),
    function("pairs", "table: table", "function, any, any", "walks through a table; honours `__pairs`"),
    function("pcall", "run: function, ...: any", "boolean, ...", "calls a function and catches its error; the end of the call is none"),
    function("print", "...: any", "", "writes to the standard output"),
    function("rawequal", "one: any, other: any", "boolean", "compares without metamethods"),
    function("rawget", "table: table, key: any", "any", "reads without metamethods"),
    function("rawlen", "value: table|string", "integer", "gives the length without metamethods"),
    function("rawset", "table: table, key: any, value: any", "table", "writes without metamethods"),
    function("require", "name: string", "any", "loads a module").raises("where it is not found"),
    function("select", "index: integer|\"#\", ...: any", "...", "gives the arguments from an index on, or their number"),
    function("setfenv", "function: function|integer, env: table", "function", "sets the globals of a script's function").raises("for the host's functions"),
    function("setmetatable", "table: table, metatable: table?", "table", "sets the metatable"),
    function("tonumber", "value: any, base?: integer", "number?", "makes a number"),
    function("tostring", "value: any", "string", "makes text"),
    function("type", "value: any", "string", "gives the name of the type"),
    function("unpack", "list: table, first?: integer, last?: integer", "...", "gives the elements of a list"),
    function("warn", "text: string, ...: string", "", "logs a warning, once `warn(\"@on\")` was called; `@off` ends that"),
    function("xpcall", "run: function, handler: function, ...: any", "boolean, ...", "calls a function; the handler gets its error once the stack is unwound"),
];

pub(super) const BIT: Class =
    library("bit", "LuaJIT's operations on 32 bits, also of `require \"bit\"`.", BIT_ENTRIES);

#[rustfmt::skip]
const BIT_ENTRIES: &[Entry] = &[
    function("arshift", "value: integer, bits: integer", "integer", "shifts right, keeping the sign"),
    function("band", "value: integer, ...: integer", "integer", "and"),
    function("bnot", "value: integer", "integer", "not"),
    function("bor", "value: integer, ...: integer", "integer", "or"),
    function("bswap", "value: integer", "integer", "swaps the bytes"),
    function("bxor", "value: integer, ...: integer", "integer", "exclusive or"),
    function("lshift", "value: integer, bits: integer", "integer", "shifts left"),
    function("rol", "value: integer, bits: integer", "integer", "rotates left"),
    function("ror", "value: integer, bits: integer", "integer", "rotates right"),
    function("rshift", "value: integer, bits: integer", "integer", "shifts right"),
    function("tobit", "value: number", "integer", "makes 32 bits with a sign"),
    function("tohex", "value: integer, digits?: integer", "string", "writes hexadecimal digits"),
];

pub(super) const BIT32: Class =
    library("bit32", "Lua 5.2's operations on 32 bits: results have no sign.", BIT32_ENTRIES);

#[rustfmt::skip]
const BIT32_ENTRIES: &[Entry] = &[
    function("arshift", "value: integer, bits: integer", "integer", "shifts right, keeping the sign"),
    function("band", "...: integer", "integer", "and"),
    function("bnot", "value: integer", "integer", "not"),
    function("bor", "...: integer", "integer", "or"),
    function("btest", "...: integer", "boolean", "says whether `band` has any bit"),
    function("bxor", "...: integer", "integer", "exclusive or"),
    function("extract", "value: integer, first: integer, width?: integer", "integer", "gives some bits"),
    function("lrotate", "value: integer, bits: integer", "integer", "rotates left"),
    function("lshift", "value: integer, bits: integer", "integer", "shifts left"),
    function("replace", "value: integer, bits: integer, first: integer, width?: integer", "integer", "puts some bits"),
    function("rrotate", "value: integer, bits: integer", "integer", "rotates right"),
    function("rshift", "value: integer, bits: integer", "integer", "shifts right; zeros come in"),
];

pub(super) const BIT64: Class = library(
    "bit64",
    "Lua 5.4's operators on integers of 64 bits: exact as far as numbers hold them, which is up to \
     2^53. `dialect 5.4` makes calls of them. A table may have metamethods (`__band`, `__idiv`).",
    BIT64_ENTRIES,
);

#[rustfmt::skip]
const BIT64_ENTRIES: &[Entry] = &[
    function("band", "one: any, other: any", "any", "`one & other`").raises("where one has a fraction"),
    function("bnot", "value: any", "any", "`~value`"),
    function("bor", "one: any, other: any", "any", "`one | other`"),
    function("bxor", "one: any, other: any", "any", "`one ~ other`"),
    function("idiv", "one: any, other: any", "any", "`one // other`").raises("where an integer is divided by zero"),
    function("lshift", "value: any, bits: any", "any", "`value << bits`"),
    function("rshift", "value: any, bits: any", "any", "`value >> bits`; zeros come in"),
];

pub(super) const COROUTINE: Class = library(
    "coroutine",
    "Coroutines. What waits for the host in one lets the whole call wait.",
    COROUTINE_ENTRIES,
);

#[rustfmt::skip]
const COROUTINE_ENTRIES: &[Entry] = &[
    function("close", "coroutine: thread", "boolean, any", "ends a coroutine that does not run; false and the error of one that failed"),
    function("create", "run: function", "thread", "makes a coroutine"),
    function("isyieldable", "", "boolean", "says whether this coroutine can yield"),
    function("resume", "coroutine: thread, ...: any", "boolean, ...", "goes on with a coroutine"),
    function("running", "", "thread, boolean", "gives the running coroutine"),
    function("status", "coroutine: thread", "string", "gives `running`, `suspended`, `normal` or `dead`"),
    function("wrap", "run: function", "function", "makes a function that goes on with a coroutine"),
    function("yield", "...: any", "...", "hands values to who has resumed the coroutine"),
];

pub(super) const DEBUG: Class = library("debug", "What looks into a state.", DEBUG_ENTRIES);

#[rustfmt::skip]
const DEBUG_ENTRIES: &[Entry] = &[
    function("debug", "", "", "reads and runs lines from the terminal: it keeps the worker, so use `luaproxy repl`"),
    function("getfenv", "object: any", "table", "gives the environment of an object"),
    function("gethook", "thread?: thread", "function?, string, integer", "gives the hook"),
    function("getinfo", "function: function|integer, what?: string", "table?", "describes a function or a level of the stack"),
    function("getlocal", "level: integer, index: integer", "string?, any", "gives a local variable"),
    function("getmetatable", "object: any", "any", "gives the metatable, hidden or not"),
    function("getregistry", "", "table", "gives the registry"),
    function("getupvalue", "function: function, index: integer", "string?, any", "gives an upvalue"),
    function("getuservalue", "object: userdata", "any", "gives the value kept with a userdata"),
    function("setfenv", "object: any, env: table", "any", "sets the environment of an object"),
    function("sethook", "hook?: function, mask?: string, count?: integer", "", "sets a hook; the host's replaces it when a script is to be stopped"),
    function("setlocal", "level: integer, index: integer, value: any", "string?", "sets a local variable"),
    function("setmetatable", "object: any, metatable: table?", "any", "sets the metatable of any value"),
    function("setupvalue", "function: function, index: integer, value: any", "string?", "sets an upvalue"),
    function("setuservalue", "object: userdata, value: any", "any", "sets the value kept with a userdata"),
    function("traceback", "message?: string, level?: integer", "string", "describes the stack"),
    function("upvalueid", "function: function, index: integer", "userdata", "identifies an upvalue"),
    function("upvaluejoin", "one: function, index: integer, other: function, place: integer", "", "lets two functions share an upvalue"),
];

pub(super) const FILE: Class = library(
    "file",
    "`io.open()`: an open file. Reading and writing keep the worker as long as the disk takes.",
    FILE_ENTRIES,
);

#[rustfmt::skip]
const FILE_ENTRIES: &[Entry] = &[
    method("close", "", "boolean?, string?", "closes it"),
    method("flush", "", "boolean?, string?", "writes what is buffered"),
    method("lines", "...: string|integer", "function", "walks through the lines"),
    method("read", "...: string|integer", "...", "reads"),
    method("seek", "whence?: string, offset?: integer", "integer?, string?", "moves, and gives the place"),
    method("setvbuf", "mode: string, size?: integer", "boolean?, string?", "sets the buffering"),
    method("write", "...: string|number", "any, string?", "writes"),
];

pub(super) const IO: Class = library(
    "io",
    "Files. A tenant with `read-dir` has `open`, `lines` and `type`, for reading below that folder.",
    IO_ENTRIES,
);

#[rustfmt::skip]
const IO_ENTRIES: &[Entry] = &[
    function("close", "file?: file", "boolean?, string?", "closes a file"),
    function("flush", "", "boolean?, string?", "writes what is buffered"),
    function("input", "file?: file|string", "file", "gives or sets the default input"),
    function("lines", "file?: string, ...: string|integer", "function", "walks through the lines of a file"),
    function("open", "file: string, mode?: string", "file?, string?", "opens a file"),
    function("output", "file?: file|string", "file", "gives or sets the default output"),
    function("popen", "command: string, mode?: string", "file?, string?", "starts a program"),
    function("read", "...: string|integer", "...", "reads from the default input"),
    value("stderr", "file", "the standard error"),
    value("stdin", "file", "the standard input"),
    value("stdout", "file", "the standard output"),
    function("tmpfile", "", "file", "makes a file that is gone when it is closed"),
    function("type", "object: any", "string?", "says whether it is an open or a closed file"),
    function("write", "...: string|number", "any, string?", "writes to the default output"),
];

pub(super) const JIT: Class = library("jit", "LuaJIT's compiler.", JIT_ENTRIES);

#[rustfmt::skip]
const JIT_ENTRIES: &[Entry] = &[
    value("arch", "string", "the processor"),
    function("flush", "what?: function|boolean, recursive?: boolean", "", "throws machine code away"),
    function("off", "what?: function|boolean, recursive?: boolean", "", "compiles a function no more"),
    function("on", "what?: function|boolean, recursive?: boolean", "", "compiles a function again"),
    value("opt", "table", "the options of the optimizer"),
    value("os", "string", "the system"),
    function("security", "what: string", "...", "says which hardening is built in"),
    function("status", "", "boolean, ...", "says whether the compiler is on, and its options"),
    value("version", "string", "the version of LuaJIT"),
    value("version_num", "integer", "the version of LuaJIT as a number"),
];

pub(super) const MATH: Class = library("math", "Mathematics.", MATH_ENTRIES);

#[rustfmt::skip]
const MATH_ENTRIES: &[Entry] = &[
    function("abs", "x: number", "number", "gives the absolute value"),
    function("acos", "x: number", "number", "gives the arc cosine"),
    function("asin", "x: number", "number", "gives the arc sine"),
    function("atan", "x: number", "number", "gives the arc tangent"),
    function("atan2", "y: number, x: number", "number", "gives the angle of a point"),
    function("ceil", "x: number", "number", "rounds up"),
    function("cos", "x: number", "number", "gives the cosine"),
    function("cosh", "x: number", "number", "gives the hyperbolic cosine"),
    function("deg", "x: number", "number", "makes degrees of radians"),
    function("exp", "x: number", "number", "gives the power of e"),
    function("floor", "x: number", "number", "rounds down"),
    function("fmod", "x: number, y: number", "number", "gives the rest of a division that rounds towards zero"),
    function("frexp", "x: number", "number, integer", "splits into mantissa and exponent"),
    value("huge", "number", "infinity"),
    function("ldexp", "m: number, e: integer", "number", "makes a number of mantissa and exponent"),
    function("log", "x: number, base?: number", "number", "gives the logarithm"),
    function("log10", "x: number", "number", "gives the logarithm to the base of 10"),
    function("max", "x: number, ...: number", "number", "gives the largest"),
    value("maxinteger", "integer", "2^53-1: up to there every integer is exact"),
    function("min", "x: number, ...: number", "number", "gives the smallest"),
    value("mininteger", "integer", "-(2^53-1)"),
    function("modf", "x: number", "number, number", "splits into whole and fraction"),
    value("pi", "number", "pi"),
    function("pow", "x: number, y: number", "number", "gives a power"),
    function("rad", "x: number", "number", "makes radians of degrees"),
    function("random", "m?: integer, n?: integer", "number", "gives a random number; not for secrets"),
    function("randomseed", "x: number", "", "begins another row of random numbers"),
    function("sin", "x: number", "number", "gives the sine"),
    function("sinh", "x: number", "number", "gives the hyperbolic sine"),
    function("sqrt", "x: number", "number", "gives the square root"),
    function("tan", "x: number", "number", "gives the tangent"),
    function("tanh", "x: number", "number", "gives the hyperbolic tangent"),
    function("tointeger", "x: any", "integer?", "gives an integer, or nil where there is a fraction or no number"),
    function("type", "x: any", "string?", "gives `integer` where there is no fraction, `float`, or nil for no number"),
    function("ult", "m: integer, n: integer", "boolean", "compares as integers of 64 bits without a sign"),
];

pub(super) const OS: Class = library("os", "The system.", OS_ENTRIES);

#[rustfmt::skip]
const OS_ENTRIES: &[Entry] = &[
    function("clock", "", "number", "gives processor time; in a tenant, the time since the start as of the last wake-up"),
    function("date", "format?: string, time?: integer", "string|table", "writes a date"),
    function("difftime", "later: integer, earlier: integer", "number", "gives the seconds between two times"),
    function("execute", "command?: string", "any", "runs a command, and keeps the worker meanwhile"),
    function("exit", "code?: integer|boolean, close?: boolean", "", "ends the process"),
    function("getenv", "name: string", "string?", "gives a variable as the configuration has left it; to a tenant, what is granted"),
    function("remove", "file: string", "boolean?, string?", "removes a file"),
    function("rename", "from: string, to: string", "boolean?, string?", "renames a file"),
    function("setlocale", "locale?: string, category?: string", "string?", "sets the locale of the process"),
    function("time", "date?: table", "integer?", "gives the time, or that of a date, in seconds since 1970"),
    function("tmpname", "", "string", "gives a name for a file"),
];

pub(super) const PACKAGE: Class = library("package", "Modules.", PACKAGE_ENTRIES);

#[rustfmt::skip]
const PACKAGE_ENTRIES: &[Entry] = &[
    value("config", "string", "how paths are written"),
    value("cpath", "string", "where C modules are looked for"),
    value("loaded", "table<string, any>", "the modules loaded so far"),
    value("loaders", "function[]", "what looks for a module"),
    function("loadlib", "file: string, name: string", "function?, string?", "links a C library"),
    value("path", "string", "where modules are looked for"),
    value("preload", "table<string, function>", "loaders of modules by name"),
    value("searchers", "function[]", "`package.loaders` in Lua 5.2"),
    function("searchpath", "name: string, path: string, separator?: string, replacement?: string", "string?, string?", "looks for a file"),
    function("seeall", "module: table", "", "lets a module see the globals"),
];

pub(super) const STRING: Class = library(
    "string",
    "Text. Patterns are searched in slices, so that a long search can be stopped.",
    STRING_ENTRIES,
);

#[rustfmt::skip]
const STRING_ENTRIES: &[Entry] = &[
    function("byte", "s: string, first?: integer, last?: integer", "...", "gives bytes as numbers"),
    function("char", "...: integer", "string", "makes text of bytes"),
    function("find", "s: string, pattern: string, first?: integer, plain?: boolean", "integer?, integer?, ...", "looks for a pattern"),
    function("format", "format: string, ...: any", "string", "writes values"),
    function("gmatch", "s: string, pattern: string", "function", "walks through the matches"),
    function("gsub", "s: string, pattern: string, replacement: string|table|function, most?: integer", "string, integer", "replaces matches"),
    function("len", "s: string", "integer", "gives the length"),
    function("lower", "s: string", "string", "makes small letters"),
    function("match", "s: string, pattern: string, first?: integer", "string?, ...", "gives what a pattern captures"),
    function("pack", "format: string, ...: any", "string", "makes bytes of values, as Lua 5.4 does").raises("where a value does not fit"),
    function("packsize", "format: string", "integer", "gives how many bytes a format takes"),
    function("rep", "s: string, count: integer, separator?: string", "string", "repeats"),
    function("reverse", "s: string", "string", "turns it around"),
    function("sub", "s: string, first: integer, last?: integer", "string", "gives a part"),
    function("unpack", "format: string, s: string, first?: integer", "...", "reads values from bytes; gives them and the place behind them; integers beyond 2^53 are rounded").raises("where the bytes end too early"),
    function("upper", "s: string", "string", "makes capital letters"),
];

pub(super) const TABLE: Class = library("table", "Tables.", TABLE_ENTRIES);

#[rustfmt::skip]
const TABLE_ENTRIES: &[Entry] = &[
    function("concat", "list: table, separator?: string, first?: integer, last?: integer", "string", "joins a list"),
    function("foreach", "table: table, run: function", "any", "calls a function for each entry"),
    function("foreachi", "list: table, run: function", "any", "calls a function for each element"),
    function("getn", "list: table", "integer", "gives the length"),
    function("insert", "list: table, place: any, value?: any", "", "adds an element, at the end or at a place"),
    function("maxn", "table: table", "number", "gives the largest number among the keys"),
    function("move", "from: table, first: integer, last: integer, place: integer, to?: table", "table", "copies elements"),
    function("pack", "...: any", "table", "makes a list with its length `n`"),
    function("remove", "list: table, place?: integer", "any", "removes an element"),
    function("sort", "list: table, before?: fun(one: any, other: any): boolean", "", "sorts; the comparison may wait"),
    function("unpack", "list: table, first?: integer, last?: integer", "...", "gives the elements of a list"),
];

pub(super) const UTF8: Class =
    library("utf8", "Characters of text that is UTF-8, as in Lua 5.4.", UTF8_ENTRIES);

#[rustfmt::skip]
const UTF8_ENTRIES: &[Entry] = &[
    function("char", "...: integer", "string", "makes text of codes"),
    value("charpattern", "string", "the pattern of one character"),
    function("codepoint", "s: string, first?: integer, last?: integer, lax?: boolean", "...", "gives the codes of characters").raises("where it is no UTF-8"),
    function("codes", "s: string, lax?: boolean", "function, string, integer", "walks through places and codes").raises("where it is no UTF-8"),
    function("len", "s: string, first?: integer, last?: integer, lax?: boolean", "integer?, integer?", "counts characters; nil and the place where it is no UTF-8"),
    function("offset", "s: string, n: integer, from?: integer", "integer?", "gives the place of the n-th character"),
];
