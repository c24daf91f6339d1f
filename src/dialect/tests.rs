//! What is said of scripts, and what becomes of them.

use super::*;

/// Returns the rules and the text they mark.
fn found(source: &str) -> String {
    let findings = check(source.as_bytes()).unwrap();
    let one = |finding: &Finding| {
        let (start, end) = finding.place;
        format!("{}:{}", finding.rule, &source[start..end])
    };
    findings.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_differs_is_found_and_nothing_else() {
    for (source, expected) in [
        ("return a // b", "floor-division://"),
        ("-- // << 40\nreturn '//'", ""),
        ("return a << 40", "shift:<<"),
        ("return a >> 31, a >> 32, a << -1", "shift:>> shift:<<"),
        ("return 1 << 31, 1 << 30, 1 << 62", "bits:<< shift:<<"),
        ("return x & 0xFFFFFFFF, x & 0xff, x | 0x7fffffff", "bits:&"),
        ("return 2^40 | 0, x ~ -2147483649, x ~ -2147483648", "bits:| bits:~"),
        ("return a ~= b, ~a", ""),
        ("local x <const> = 1", "attribute:<const>"),
        ("local y, z < close > = 1, 2", "attribute:< close >"),
        ("return 9007199254740993, 9007199254740992, 1e300", "integer:9007199254740993"),
        (
            "return 0xFFFFFFFFFFFFFFFF, 0x20000000000001, 99999999999999999999",
            "integer:0x20000000000001",
        ),
        ("return 0xFFFFFFFFFFFFFLL, 9007199254740993LL", ""),
        (
            "return math.ult(a, b), math.random(0), math.random(0, 1), math.random()",
            "ult:math.ult random:math.random",
        ),
        ("local x = _ENV.print; _ENV = {}", "env:_ENV env:_ENV"),
        ("return t._ENV, ('\u{e4}' // 1)", "floor-division://"),
        ("#!/usr/bin/lua // \nreturn 1 // 1", "floor-division://"),
    ] {
        assert_eq!(found(source), expected, "{source}");
        assert!(expected.is_empty() || is_suspicious(source.as_bytes()), "{source}");
    }
    assert!(!is_suspicious(b"local a = b ~= c and 1 / 2 -- nothing"));
}

#[test]
fn places_of_a_text_that_is_no_utf_8_are_those_of_its_bytes() {
    let findings = check(b"local s = '\xff\xfe\xe4' return s, 1 // 2").unwrap();
    assert_eq!(findings[0].place, (28, 30));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    let error = check(b"local a = 1\nlocal b = = 2").unwrap_err();
    assert_eq!(error.line, 2);
}

#[test]
fn what_nests_too_deep_is_refused_before_it_is_read() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("not ", ""),
        ("- ", ""),
        ("~", ""),
        ("a .. ", ""),
        ("a ^ ", ""),
        ("#", ""),
        ("function() return ", " end"),
        ("(function() return -", " end)"),
        ("a[", "]"),
        ("f(", ")"),
    ] {
        let nest = |count: usize| format!("return {}1{}", open.repeat(count), close.repeat(count));
        let error = check(nest(10_000).as_bytes()).unwrap_err();
        assert!(error.message.contains("nested"), "{open}: {error:?}");
        assert!(check(nest(50).as_bytes()).is_ok(), "{open}");
    }
    for block in ["do ", "while true do ", "if true then ", "for i = 1, 2 do ", "repeat "] {
        let end = if block == "repeat " { " until true" } else { " end" };
        let error = check((block.repeat(10_000) + &end.repeat(10_000)).as_bytes()).unwrap_err();
        assert!(error.message.contains("nested"), "{block}: {error:?}");
        check((block.repeat(50) + &end.repeat(50)).as_bytes()).unwrap();
    }
    // Long is not deep.
    check(format!("return {}1", "a + ".repeat(10_000)).as_bytes()).unwrap();
    check(format!("local t = {{ {} }}", "-1, #t, not x, ".repeat(10_000)).as_bytes()).unwrap();
    check("x = -1 y = -a ".repeat(10_000).as_bytes()).unwrap();
    check("if a then b() elseif not c then d() end ".repeat(10_000).as_bytes()).unwrap();
}

#[test]
fn scripts_of_lua_5_4_are_rewritten_in_their_lines() {
    for (source, expected) in [
        ("return a + b", "return a + b"),
        ("return a // b", "local __idiv = bit64.idiv return (__idiv(a , b))"),
        ("return a//b//c", "local __idiv = bit64.idiv return (__idiv((__idiv(a,b)),c))"),
        (
            "return a // (b // c)",
            "local __idiv = bit64.idiv return (__idiv(a , ((__idiv(b , c)))))",
        ),
        (
            "return ~a & ~~b",
            "local __band, __bnot = bit64.band, bit64.bnot return (__band((__bnot(a)) , (__bnot((__bnot(b))))))",
        ),
        (
            "return a | b ~ c & d << e >> f",
            "local __band, __bor, __bxor, __shl, __shr = bit64.band, bit64.bor, bit64.bxor, bit64.lshift, bit64.rshift return (__bor(a , (__bxor(b , (__band(c , (__shr((__shl(d , e)) , f))))))))",
        ),
        (
            "return a ~= b, f(x)[1] // #y -- c",
            "local __idiv = bit64.idiv return a ~= b, (__idiv(f(x)[1] , #y)) -- c",
        ),
        (
            "local x <const>, y = 1,\n2 // 3",
            "local __idiv = bit64.idiv local x        , y = 1,\n(__idiv(2 , 3))",
        ),
        ("#!lua\nreturn 1 // 2", "#!lua\nlocal __idiv = bit64.idiv return (__idiv(1 , 2))"),
        (
            "return '//' --[[ // ]] // '<<'",
            "local __idiv = bit64.idiv return (__idiv('//' --[[ // ]] , '<<'))",
        ),
        ("return -a // -b ^ 2", "local __idiv = bit64.idiv return (__idiv(-a , -b ^ 2))"),
        ("return 1 .. 2 << 3", "local __shl = bit64.lshift return (__shl(1 .. 2 , 3))"),
        (
            "return function() return a\n//\nb end",
            "local __idiv = bit64.idiv return function() return (__idiv(a\n,\nb)) end",
        ),
    ] {
        let text = transform(source.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&text), expected);
        assert_eq!(
            text.iter().filter(|byte| **byte == b'\n').count(),
            source.matches('\n').count()
        );
    }
    let error = transform(b"local a\nlocal b <close> = a").unwrap_err();
    assert_eq!((error.line, error.place), (2, (16, 23)));
    assert!(error.message.contains("'<close>'"), "{error:?}");
    assert!(transform(b"local b <clse> = a").unwrap_err().message.contains("'clse'"));
    assert_eq!(transform(b"return '\xff\xe4'").unwrap(), b"return '\xff\xe4'");
}

#[test]
fn fixes_rewrite_what_they_are_of() {
    let fixed = |source: &str| {
        let edits: Vec<Edit> =
            check(source.as_bytes()).unwrap().into_iter().flat_map(|it| it.fix).collect();
        String::from_utf8(apply(source.as_bytes(), &edits)).unwrap()
    };
    assert_eq!(fixed("return a // b // c"), "return math.floor(math.floor(a / b) / c)");
    assert_eq!(fixed("return a//(b//c)"), "return math.floor(a/(math.floor(b/c)))");
    assert_eq!(fixed("local a <const> = 1"), "local a         = 1");
    assert_eq!(fixed("return x & 0xFFFFFFFF"), "return x & 0xFFFFFFFF");
}

/// Returns the rules of `lint` and the lines they mark.
fn linted(source: &str) -> String {
    let findings = lint(source.as_bytes()).unwrap();
    let one =
        |it: &Finding| format!("{}:{}", it.rule, source[..it.place.0].matches('\n').count() + 1);
    findings.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn globals_that_functions_write_are_found() {
    for (source, expected) in [
        ("x = 1\nfunction f() end", ""),
        ("local function f()\n x = 1 end", "global:2"),
        ("local x\nlocal function f() x = 1 end", ""),
        ("count = 0\nlocal function f() count = count + 1 end", ""),
        (
            "local function f(a, ...) a = 1 for i = 1, 2 do i = 3 end for k, v in x do k, v = 1 end end",
            "",
        ),
        ("local function f()\n do local y end\n y = 1 end", "global:3"),
        ("local function f()\n function g() end end", "global:2"),
        ("local function f() local function g() g = 1 end end", ""),
        ("function t.f() self.x, t.y, _ = 1 end", ""),
        ("local function f()\n a, b.c, d = 1 end", "global:2 global:2"),
    ] {
        assert_eq!(linted(source), expected, "{source}");
    }
}

#[test]
fn waits_that_a_fetch_or_converter_reaches_are_found() {
    for (source, expected) in [
        ("core.register_fetches('a', function()\n core.sleep(1) end)", "wait:2"),
        ("core.register_converters('a', function()\n return core.tcp() end)", "wait:2"),
        ("core.register_action('a', { 'http-req' }, function()\n core.sleep(1) end)", ""),
        ("core.register_service('a', 'http', function() core.msleep(1) end)", ""),
        ("core.register_task(function() core.sleep(1) end)", ""),
        ("local function f()\n core.msleep(1) end\ncore.register_fetches('a', f)", "wait:2"),
        ("local f = function()\n core.msleep(1) end\ncore.register_fetches('a', f)", "wait:2"),
        (
            "local function g()\n core.httpclient():get() end\nfunction f() g() end\ncore.register_fetches('a', f)",
            "wait:2",
        ),
        (
            "local function g() core.sleep(1) end\nlocal function f() end\ncore.register_fetches('a', f)",
            "",
        ),
        (
            "core.register_fetches('a', function()\n core.register_task(function() core.sleep(1) end) end)",
            "",
        ),
        (
            "local function f() f() g() end\nlocal function g()\n f() core.sleep(1) end\ncore.register_fetches('a', f)\ncore.register_converters('a', f)",
            "wait:3",
        ),
    ] {
        assert_eq!(linted(source), expected, "{source}");
    }
}

#[test]
fn what_is_not_compiled_in_loops_of_registered_functions_is_found() {
    let action = |body: &str| {
        format!("core.register_action('a', {{ 'http-req' }}, function(txn)\n{body}\nend)")
    };
    for (body, expected) in [
        ("for i = 1, 9 do\n s = t:gsub('a', 'b') end", "global:3 jit:3"),
        ("local s = t:gsub('a', 'b')", ""),
        ("while x do\n table.sort(t) end", "jit:3"),
        ("repeat\n local f = function() end until x", "jit:3"),
        ("for _, v in ipairs(t) do\n v:match('x') os.time() end", "jit:3 jit:3"),
        ("for i = 1, 9 do t[i] = string.format('%d', i) .. #t end", ""),
    ] {
        assert_eq!(linted(&action(body)), expected, "{body}");
    }
    // At the start it runs once.
    assert_eq!(linted("for i = 1, 9 do table.sort(t) end"), "");
}
