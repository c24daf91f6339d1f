//! What scripts reach, and what they do not.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future;
use mlua::Function;
use mlua::StdLib;
use mlua::Table;

use super::super::account::Account;
use super::super::api;
use super::super::api::Entries;
use super::super::api::Handle;
use super::super::api::tests::txn;
use super::super::book::Book;
use super::super::book::Info;
use super::super::book::Place;
use super::super::call::Step;
use super::super::current;
use super::super::current::Context;
use super::super::current::Current;
use super::super::driver;
use super::super::error::Error;
use super::super::meter::Limits;
use super::super::raw::Ret;
use super::super::vm::Options;
use super::super::vm::Reach;
use super::super::vm::Vm;
use crate::proxy::Mode;
use crate::script::policy::Policy;
use crate::task;
use crate::txn::Direction;
use crate::txn::Shared;

fn tenant(policy: Policy) -> Vm {
    let vm = Vm::new(Options { id: 1, jit: true, reach: Reach::Tenant }).unwrap();
    let tenant = Some(Account::new(Arc::new(policy)));
    let book = Rc::new(Book::default());
    let weak = vm.downgrade();
    vm.set_up(Info { book, place: Place::Own, number: 1, vm: weak, tenant }).unwrap();
    vm
}

fn global(ffi: bool, bytecode: bool) -> Vm {
    let reach = Reach::Global { ffi, bytecode };
    let vm = Vm::new(Options { id: 0, jit: true, reach }).unwrap();
    let book = Rc::new(Book::default());
    let weak = vm.downgrade();
    let info = Info { book, place: Place::Shared, number: 0, vm: weak, tenant: None };
    vm.set_up(info).unwrap();
    vm
}

fn run(vm: &Vm, source: &str) -> Result<Ret, Error> {
    run_in(vm, Context::Body, source)
}

fn run_in(vm: &Vm, context: Context, source: &str) -> Result<Ret, Error> {
    let function = vm.load("t.lua", source.as_bytes())?;
    let current = Current { context, txn: None };
    let (call, step) = current::with(&current, || vm.start(&function, &[], Limits::SESSION));
    future::block_on(driver::finish(call, step, &current))
}

/// Returns what an expression gives, or its error, as text.
fn eval(vm: &Vm, expression: &str) -> String {
    let source = format!(
        "local function show(ok, first, ...)
            if not ok then return first end
            local out = {{ ... }}
            for i = 1, select('#', ...) do out[i] = tostring(out[i]) end
            return table.concat(out, ' ')
         end
         -- No tail call, so that errors know their line.
         return show(pcall(function() return nil, {expression} end))"
    );
    match run(vm, &source) {
        Ok(Ret::Str(text)) => String::from_utf8_lossy(&text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Compares with a file of the repository, or writes it when `LUAPROXY_BLESS` is set.
fn compare(file: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("LUAPROXY_BLESS").is_some() {
        fs::write(path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let (found, expected): (Vec<&str>, Vec<&str>) =
        (found.lines().collect(), expected.lines().collect());
    let more: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    let less: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "{file}: not expected: {more:#?}, not found: {less:#?}; \
         LUAPROXY_BLESS=1 writes it anew, for you to read"
    );
}

#[test]
fn a_tenant_reaches_what_is_written_down_and_nothing_else() {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("a.txt"), "text").unwrap();
    let vm = tenant(Policy { read_dir: Some(files.path().to_owned()), ..Policy::new("acme") });
    let lua = vm.lua();
    let roots = "
        local _, regex = Regex.new('a', true)
        local _ = utf8.char, bit32.band, bit64.band
        return {
            _G = _G, Concat = core.concat(), File = io.open('a.txt'), Lines = io.lines('a.txt'),
            Regex = regex, Network = core.parse_addr('::1'),
            Thread = coroutine.create(print), Wrapped = coroutine.wrap(print),
            Match = string.gmatch('a', 'a'), Chunk = load('return 1'),
            Error = select(2, pcall(error)),
        }";
    let roots = vm.load("t.lua", roots.as_bytes()).unwrap();
    let current = Current { context: Context::Body, txn: None };
    let roots: Table = current::with(&current, || roots.call(())).unwrap();
    let socket = || lua.load("return core.tcp()").call::<Table>(());
    let task = Current { context: Context::Task, txn: None };
    roots.raw_set("Socket", current::with(&task, socket).unwrap()).unwrap();
    let objects = "local name, roots = ...
        return function(object)
            roots[name] = object
            if name == 'Txn' then
                roots.Fetch, roots.Converter = object.f.path, object.c.lower
                roots.Safe, roots.Old = object.sf.path, object.path
                roots.Http, roots.Request, roots.Response = object.http, object.req, object.res
                roots.HttpSide, roots.Reply = object.http.req, object:reply()
            else
                roots[name .. 'Fetch'] = object.f.path
            end
        end";
    let exchange = txn(Mode::Http);
    let handle = Handle { txn: Rc::downgrade(&exchange), direction: Direction::Request };
    let entries = lua.app_data_ref::<Entries>().map(|entries| entries.clone()).unwrap();
    for (name, enter) in
        [("Txn", &entries.txn), ("AppletHTTP", &entries.http), ("AppletTCP", &entries.tcp)]
    {
        let take: Function = lua.load(objects).call((name, &roots)).unwrap();
        let call: Function = enter.call(take).unwrap();
        call.call::<()>(lua.create_userdata(handle.clone()).unwrap()).unwrap();
    }
    // Each function is made when it is first asked for.
    let touch = "local names, roots = ...
        for _, root in next, roots do
            for _, name in ipairs(names) do
                for _, way in ipairs({ name, name:sub(5), 'replace_' .. name:sub(9) }) do
                    pcall(function() return root[way] end)
                end
            end
        end";
    let touch: Function = lua.load(touch).into_function().unwrap();
    let names: Vec<&str> = api::names().iter().map(|(_, name)| *name).collect();
    touch.call::<()>((names, roots.clone())).unwrap();
    // The library that shows everything is opened only now, beside what the tenant has.
    let globals = lua.globals();
    let own: Table = globals.raw_get("debug").unwrap();
    globals.raw_set("debug", mlua::Nil).unwrap();
    lua.load_std_libs(StdLib::DEBUG).unwrap();
    let debug: Table = globals.raw_get("debug").unwrap();
    globals.raw_set("debug", own).unwrap();
    let walk = lua.load(include_str!("walk.lua"));
    let (reached, held): (String, String) = walk.call((debug, roots)).unwrap();
    let text = format!(
        "What a tenant's scripts reach, and the kind of it. `{{}}` is a metatable.\n\n{reached}\n\n\
         Functions of C that only the host's own functions hold. `^` is an upvalue.\n\n{held}\n"
    );
    compare("tests/lua/reachable.txt", &text);
}

#[test]
fn no_way_leads_out() {
    let vm = tenant(Policy::new("acme"));
    for (expression, expected) in [
        ("io, jit, ffi, newproxy, setfenv, getfenv, gcinfo, module, dofile, loadfile", "nil"),
        (
            "string.dump, package.loadlib, package.loaders, package.searchpath, debug.getregistry",
            "nil",
        ),
        ("os.execute, os.exit, os.remove, os.rename, os.tmpname, os.setlocale, table.maxn", "nil"),
        ("pcall(require, 'ffi')", "no module"),
        ("pcall(require, 'jit.util')", "no module"),
        ("pcall(require, 'string.buffer')", "no module"),
        ("load('\\27LJ\\2')", "wrong mode"),
        ("load(function() return nil end, 'x', 'b')", "wrong mode"),
        ("getmetatable(''), getmetatable(core.proxies)", "false false"),
        ("setmetatable(core.concat(), {})", "protected metatable"),
        ("collectgarbage('stop')", "invalid option"),
        ("collectgarbage() + collectgarbage('step'), collectgarbage('count') > 1", "0 true"),
        ("os.getenv('PATH')", "nil"),
        ("io", "nil"),
    ] {
        let found = eval(&vm, expression);
        let all_nil = expected == "nil" && found.split(' ').all(|part| part == "nil");
        let expected = if expected == "no module" { "not found" } else { expected };
        assert!(all_nil || expected != "nil" && found.contains(expected), "{expression}: {found}");
    }
}

#[test]
fn no_address_is_shown() {
    let vm = tenant(Policy::new("acme"));
    let list = "{ {}, print, coroutine.create(print), core.concat(), core.concat()[0], tostring, string.find }";
    for expression in [
        format!(
            "(function() local out = '' for _, v in ipairs({list}) do out = out .. tostring(v) .. string.format('%s %q', v, 'x') end return out end)()"
        ),
        "debug.traceback('x')".to_owned(),
        "tostring(setmetatable({}, { __metatable = { __tostring = print } }))".to_owned(),
        "select(2, pcall(error, {}))".to_owned(),
        "select(2, xpcall(string.rep, debug.traceback))".to_owned(),
        "debug.traceback(coroutine.create(print))".to_owned(),
    ] {
        let found = eval(&vm, &expression);
        // A running number has eight digits and begins with zeros; an address has ten and more.
        let hex = found.split("0x").skip(1);
        assert!(hex.clone().all(|part| part.starts_with("0000")), "{expression}: {found}");
        assert!(!found.contains("builtin#"), "{expression}: {found}");
    }
    let evasive = "setmetatable({}, { __tostring = function() return {} end })";
    for call in ["string.format('%s', X)", "string.format('%s', 1, 2, 3, X)", "print(X)"] {
        let found = eval(&vm, &call.replace('X', evasive));
        assert!(!found.contains("0x"), "{call}: {found}");
    }
    assert_eq!(eval(&vm, "string.format('%p', {})"), "t.lua:8: invalid option '%p' to 'format'");
    assert_eq!(eval(&vm, "string.format('%%p %d%%%5s|', 1, 'p')"), "%p 1%    p|");
    let same = "(function() local a, b = {}, {} return tostring(a) == tostring(a),
        tostring(a) == tostring(b), string.format('%s', a) == tostring(a) end)()";
    assert_eq!(eval(&vm, same), "true false true");
    let own = "setmetatable({}, { __tostring = function() return 'table: mine' end })";
    assert_eq!(
        eval(&vm, &format!("tostring({own}), ('%s'):format({own})")),
        "table: mine table: mine"
    );
}

#[test]
fn tracebacks_are_bounded_and_name_the_script() {
    let vm = tenant(Policy::new("acme"));
    let source = "local function deep(n) if n == 0 then return (debug.traceback('why', 1)) end
            local text = deep(n - 1) return text end
        return deep(100)";
    let Ok(Ret::Str(text)) = run(&vm, source) else { panic!() };
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("why\nstack traceback:\n\tt.lua:1: in function 'deep'\n"), "{text}");
    assert_eq!(text.lines().count(), 2 + super::LEVELS_MAX);
    let source =
        "local ok, text = xpcall(function() error('boom') end, debug.traceback) return text";
    let Ok(Ret::Str(text)) = run(&vm, source) else { panic!() };
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("t.lua:1: boom\nstack traceback:\n\t"), "{text}");
    assert!(text.contains("t.lua:1: in function <t.lua:1>"), "{text}");
}

#[test]
fn modules_are_found_below_the_path_and_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "a.lua",
        "count = (count or 0) + 1 return { name = ..., twice = require 'b' == require('b') }",
    );
    write("b.lua", "return { bit = require('bit') == bit }");
    write("cycle.lua", "return require 'cycle'");
    write("wrong.lua", "x x");
    write("byte.lua", "\u{1b}LJ\u{2}");
    write("quiet.lua", "");
    let path = folder.path().join("?.lua").display().to_string();
    let vm = tenant(Policy { paths: vec![path], ..Policy::new("acme") });
    for (expression, expected) in [
        ("require('a').name, require('a').twice, require('b').bit, count", "a true true 1"),
        ("require 'cycle'", "loop or previous error loading module 'cycle'"),
        ("require 'wrong'", "wrong.lua:1: '=' expected near 'x'"),
        ("require 'byte'", "attempt to load a binary chunk"),
        ("require 'quiet', package.loaded.quiet", "true true"),
        ("require '../a'", "not found"),
        ("require 'none'", "no file"),
        ("require {}", "string expected, got table"),
        (
            "(function() package.preload.p = function(...) return { ... } end return require('p')[2] end)()",
            ":preload:",
        ),
    ] {
        let found = eval(&vm, expression);
        assert!(found.contains(expected), "{expression}: {found}");
    }
    // Later, what is there already costs no wait, and all else waits for it.
    write("late.lua", "return 'late'");
    let source = "return require('a').name .. require 'late'";
    let late = run_in(&vm, Context::Action, source);
    assert_eq!(late, Ok(Ret::Str(b"alate".to_vec())));
    // So does a body, where others are served meanwhile.
    write("body.lua", "return 'body'");
    let source = vm.load("t.lua", b"return require 'body'").unwrap();
    let waited = task::block_on(async {
        let current = Current { context: Context::Body, txn: None };
        let (call, step) = current::with(&current, || vm.start(&source, &[], Limits::NONE));
        assert!(matches!(step, Step::Waiting(_)), "{step:?}");
        driver::finish(call, step, &current).await
    });
    assert_eq!(waited.unwrap(), Ok(Ret::Str(b"body".to_vec())));
    let error =
        run_in(&vm, Context::Converter, "local found = require 'later' return found").unwrap_err();
    let why = "t.lua:1: module 'later' not found:\n\tno field package.preload['later']\
               \n\tno file can be read in the converter context";
    assert_eq!(error.message, why);
}

#[test]
fn files_are_read_below_the_granted_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "one\ntwo\n\n4 rest").unwrap();
    fs::write(folder.path().join("long.txt"), vec![b'x'; 101]).unwrap();
    let read_dir = Some(folder.path().to_owned());
    let vm = tenant(Policy { read_dir, read_max: 100, ..Policy::new("acme") });
    let whole = folder.path().join("a.txt").display().to_string();
    for (expression, expected) in [
        ("io.open('a.txt'):read()", "one"),
        (
            "io.open('a.txt'):read('l', '*L', 'l', 'n', 2, 'a', 'a', 'l')",
            "one two\n  4  r est  nil",
        ),
        (&format!("io.open('{whole}'):read(3)"), "one"),
        (
            "(function() local n = 0 for line in io.lines('a.txt') do n = n + #line end return n end)()",
            "12",
        ),
        (
            "(function() local f = io.open('a.txt') return f:seek('end'), f:seek('set', 4), f:read(), f:seek(), f:close(), io.type(f) end)()",
            "15 4 two 8 true closed file",
        ),
        (
            "(function() local f = io.open('a.txt') f:close() return f:read() end)()",
            "t.lua:8: attempt to use a closed file",
        ),
        ("io.open('a.txt', 'w')", "nil a.txt: Permission denied 13"),
        ("io.open('../a.txt')", "nil ../a.txt: Permission denied 2"),
        ("io.open('/etc/passwd')", "nil /etc/passwd: Permission denied 2"),
        ("io.open('none')", "nil none: No such file or directory 2"),
        ("io.open('long.txt')", "nil long.txt: File too large 2"),
        ("io.lines('none')", "t.lua:8: none: No such file or directory"),
        (
            "io.popen, io.write, io.stdout, io.output, io.read, io.tmpfile",
            "nil nil nil nil nil nil",
        ),
        ("require 'io' == io", "true"),
    ] {
        assert_eq!(eval(&vm, expression), expected, "{expression}");
    }
    let source = "return io.open('a.txt'):read()";
    assert_eq!(run_in(&vm, Context::Task, source), Ok(Ret::Str(b"one".to_vec())));
    assert!(run_in(&vm, Context::Fetch, source).is_err());
}

#[test]
fn time_is_coarse_and_dates_are_harmless() {
    let vm = tenant(Policy::new("acme"));
    for (expression, expected) in [
        ("os.date('!%Y-%m-%d %H:%M:%S', 0)", "1970-01-01 00:00:00"),
        (
            "os.date('!*t', 86399).hour, os.date('!*t', 0).wday, os.date('!*t', 0).isdst",
            "23 5 false",
        ),
        ("os.time(os.date('*t', 1700000000)), os.difftime(7, 2)", "1700000000 5"),
        (
            "os.time({ year = 2023, month = 14, day = -3 }) - os.time({ year = 2024, month = 1, day = 28 })",
            "0",
        ),
        ("os.time({ year = 2023 })", "t.lua:8: field 'month' missing in date table"),
        ("os.time({ year = 1e99, month = 1, day = 1 })", "t.lua:8: field 'year' is out-of-bound"),
        ("os.time({ year = 2000000000, month = 1, day = 1 })", "nil"),
        ("os.date('%c', 1e15)", "t.lua:8: bad argument #2 to 'date' (time out of range)"),
        ("os.date('%'), #os.date(('%c'):rep(512))", "% 12288"),
        ("os.date(('%c'):rep(513))", "t.lua:8: bad argument #1 to 'date' (format too long)"),
        ("type(os.time()), type(os.clock())", "number number"),
    ] {
        assert_eq!(eval(&vm, expression), expected, "{expression}");
    }
    // On a worker, whose clock is read once for each wake-up.
    crate::clock::update();
    let still = "local at, now = os.clock(), core.now()
        for i = 1, 1e5 do if os.clock() ~= at then return 'moved' end end
        local later = core.now()
        return later.sec == now.sec and later.usec == now.usec and 'still'";
    let found = run(&vm, still);
    crate::clock::forget();
    assert_eq!(found, Ok(Ret::Str(b"still".to_vec())));
}

#[test]
fn what_can_crash_the_process_is_granted_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.lua"), "\u{1b}LJ\u{2}").unwrap();
    fs::write(folder.path().join("t.lua"), "return 'text'").unwrap();
    let path = format!("package.path = '{}/?.lua;'", folder.path().display());
    let plain = global(false, false);
    run(&plain, &path).unwrap();
    for (expression, expected) in [
        ("string.dump", "nil"),
        ("load('\\27LJ\\2')", "nil attempt to load chunk with wrong mode"),
        ("loadstring('\\27LJ\\2')", "nil attempt to load chunk with wrong mode"),
        ("require 't'", "text"),
        ("type(io.open), type(os.execute), type(debug.getinfo)", "function function function"),
        ("setfenv(core.log, {})", "t.lua:8: 'setfenv' cannot change environment of given object"),
        ("setfenv(print, {})", "t.lua:8: 'setfenv' cannot change environment of given object"),
        ("getfenv(core.log) == _G", "true"),
        ("setfenv(function() return x end, { x = 5 })()", "5"),
        ("(function() setfenv(1, { x = 6 }) return x end)()", "6"),
        ("(function() x = 7 return getfenv(1).x, getfenv().x end)()", "7 7"),
    ] {
        assert_eq!(eval(&plain, expression), expected, "{expression}");
    }
    assert!(eval(&plain, "require 'm'").contains("attempt to load chunk with wrong mode"));
    assert!(eval(&plain, "require 'ffi'").contains("not found"));
    let granted = global(true, true);
    assert_eq!(eval(&granted, "require('ffi').new('int', 5) + 1"), "6LL");
    assert_eq!(eval(&granted, "load(string.dump(function() return 'dumped' end))()"), "dumped");
}

#[test]
fn only_granted_variables_are_in_the_environment() {
    let vm = tenant(Policy { env: vec!["PATH".to_owned()], ..Policy::new("acme") });
    assert_eq!(eval(&vm, "type(os.getenv('PATH')), os.getenv('HOME')"), "string nil");
}

/// Runs the body of a function whose argument is an exchange.
fn with_txn(vm: &Vm, exchange: &Shared, body: &str) -> String {
    let lua = vm.lua();
    let source =
        format!("local txn = ... return tostring(select(2, pcall(function() {body} end)))");
    let function: Function = lua.load(source).into_function().unwrap();
    let entries = lua.app_data_ref::<Entries>().map(|entries| entries.clone()).unwrap();
    let call: Function = entries.txn.call(function).unwrap();
    let handle = Handle { txn: Rc::downgrade(exchange), direction: Direction::Request };
    let task = Current { context: Context::Action, txn: None };
    current::with(&task, || call.call(lua.create_userdata(handle).unwrap())).unwrap()
}

#[test]
fn what_is_the_operators_is_not_a_tenants() {
    let env = vec!["PATH".to_owned()];
    let (vm, exchange) = (tenant(Policy { env, ..Policy::new("acme") }), txn(Mode::Http));
    for (body, expected) in [
        ("return #txn.f:env('PATH') > 0", "true"),
        ("return txn.f:env('HOME')", "nil"),
        ("return txn:env('HOME')", "nil"),
        ("return txn:get_var('proc.x')", "variables of the scope 'proc' are not a tenant's"),
        ("return txn:set_var('proc.x', 1)", "variables of the scope 'proc' are not a tenant's"),
        ("return txn:unset_var('proc.x')", "variables of the scope 'proc' are not a tenant's"),
        ("return txn.f:var('proc.x')", "variables of the scope 'proc' are not a tenant's"),
        ("return txn.c:set_var('a', 'proc.x')", "variables of the scope 'proc' are not a tenant's"),
        ("return core.get_var('proc.x')", "variables of the scope 'proc' are not a tenant's"),
        ("return txn.c:map('a', '/etc/passwd')", "'/etc/passwd' is not granted"),
        ("return txn:set_var('txn.x', 1)", "true"),
        ("return txn:get_var('txn.x')", "1"),
    ] {
        let found = with_txn(&vm, &exchange, body);
        assert!(found == expected || found.ends_with(expected), "{body}: {found}");
    }
}

#[test]
fn private_values_stay_in_their_state() {
    let exchange = txn(Mode::Http);
    let (one, other) = (tenant(Policy::new("one")), tenant(Policy::new("other")));
    assert_eq!(one.id(), other.id());
    with_txn(&one, &exchange, "txn:set_priv({ 'one' })");
    assert_eq!(with_txn(&other, &exchange, "return txn:get_priv()"), "nil");
    with_txn(&other, &exchange, "txn:set_priv({ 'other' })");
    assert_eq!(with_txn(&one, &exchange, "return txn:get_priv()[1]"), "one");
    // A later state in the place of one that is gone.
    drop(other);
    let later = tenant(Policy::new("later"));
    assert_eq!(with_txn(&later, &exchange, "return txn:get_priv()"), "nil");
}
