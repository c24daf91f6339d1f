//! JSON as scripts read and write it.

use super::tests::check;
use super::tests::run;
use super::tests::script;
use super::tests::state;
use crate::script::policy::Policy;

const JSON: &str = "local json = require 'json'";

#[test]
fn values_are_written_as_json() {
    check(
        JSON,
        &[
            (
                "json.encode({ 1, 'a', true, json.null, { x = 1.5 } })",
                r#"[1,"a",true,null,{"x":1.5}]"#,
            ),
            ("json.encode({})", "{}"),
            ("json.encode(json.empty_array)", "[]"),
            ("json.encode(setmetatable({}, json.empty_array_mt))", "[]"),
            ("json.encode(setmetatable({ 1, nil, 3 }, json.array_mt))", "[1,null,3]"),
            (r#"json.encode("\"\\/\8\12\n\r\t\1\127é")"#, r#""\"\\/\b\f\n\r\t\u0001\u007fé""#),
            ("json.encode({ 1, 2, nil, 4 })", "[1,2,null,4]"),
            (
                "json.encode({ [1] = 1, [100] = 2 })",
                "LINE: Cannot serialise table: excessively sparse array",
            ),
            ("json.encode({ [3.5] = 'x' })", r#"{"3.5":"x"}"#),
            (
                "json.encode({ [true] = 1 })",
                "LINE: Cannot serialise boolean: table key must be a number or string",
            ),
            ("json.encode(print)", "LINE: Cannot serialise function: type not supported"),
            ("json.encode(0/0)", "LINE: Cannot serialise number: must not be NaN or Infinity"),
            ("json.encode(nil)", "null"),
            (
                "json.encode(2 ^ 53), json.encode(-1), json.encode(0.1), json.encode(1e300)",
                "9007199254740992 -1 0.1 1e+300",
            ),
            ("json.encode(1 / 3)", "0.33333333333333"),
            (
                "json.encode((function() local t = {} t[1] = t return t end)())",
                "LINE: Cannot serialise , excessive depth (1001)",
            ),
        ],
    );
}

#[test]
fn json_is_read_as_values() {
    check(
        JSON,
        &[
            (r#"json.decode('{"a":[1,2,{"b":null}],"c":"x"}').a[3].b == json.null"#, "true"),
            (r#"json.decode([=[ [ 1 , -2.5e3 , "\u00e9\ud83d\ude00" ] ]=])[3]"#, "é😀"),
            (r#"json.decode([=["\\\/\b\f\n\r\t\u0041"]=]):byte(1, -1)"#, "92 47 8 12 10 13 9 65"),
            ("#json.decode('[]'), next(json.decode('{}')) == nil", "0 true"),
            ("json.decode('true'), json.decode('false'), json.decode(' 12 ')", "true false 12"),
            ("json.decode('')", "LINE: Expected value but found T_END at character 1"),
            ("json.decode('[1,]')", "LINE: Expected value but found invalid token at character 4"),
            (
                "json.decode('[1 2]')",
                "LINE: Expected comma or array end but found invalid token at character 4",
            ),
            (
                r#"json.decode('{"a" 1}')"#,
                "LINE: Expected colon but found invalid token at character 6",
            ),
            (
                r#"json.decode('{"a":1,}')"#,
                "LINE: Expected object key string but found invalid token at character 8",
            ),
            (
                "json.decode('{a:1}')",
                "LINE: Expected object key string but found invalid token at character 2",
            ),
            ("json.decode('01')", "LINE: Expected value but found invalid token at character 1"),
            ("json.decode('1.')", "LINE: Expected value but found invalid token at character 1"),
            ("json.decode('nul')", "LINE: Expected value but found invalid token at character 1"),
            ("json.decode('1 x')", "LINE: Expected the end but found invalid token at character 3"),
            (
                r#"json.decode([=["\ud800"]=])"#,
                "LINE: Expected escape sequence but found invalid token at character 2",
            ),
            (
                r#"json.decode([=["\u00g0"]=])"#,
                "LINE: Expected escape sequence but found invalid token at character 2",
            ),
            (
                r#"json.decode([=["a\nb"]=]):len(), pcall(json.decode, '"a\10b"')"#,
                "3 false Expected string end but found invalid token at character 3",
            ),
            ("json.decode(('['):rep(1001))", "LINE: Found too many nested data structures (1001)"),
            ("json.decode({})", "LINE: bad argument #1 to 'decode' (string expected, got table)"),
            ("json.decode()", "LINE: bad argument #1 to 'decode' (string expected, got no value)"),
        ],
    );
}

#[test]
fn safe_calls_return_what_is_wrong() {
    check(
        "local json = require 'cjson.safe'",
        &[
            ("json.decode('[')", "nil Expected value but found T_END at character 2"),
            ("json.encode(print)", "nil Cannot serialise function: type not supported"),
            ("json.decode('[1]')[1], json.null == require('json').null", "1 true"),
        ],
    );
}

#[test]
fn settings_belong_to_one_library() {
    script(
        "local json = require('json').new()
        assert(json.encode_number_precision(3) == 3 and json.encode(1 / 3) == '0.333')
        assert(require('json').encode(1 / 3) ~= '0.333')
        json.encode_empty_table_as_object(false)
        assert(json.encode({}) == '[]')
        json.decode_array_with_array_mt(true)
        json.encode_empty_table_as_object(true)
        assert(json.encode(json.decode('[]')) == '[]')
        json.encode_sparse_array(true)
        assert(json.encode({ [1000] = 1 }) == '{\"1000\":1}')
        json.encode_invalid_numbers('null')
        assert(json.encode({ 0 / 0 }) == '[null]')
        json.decode_max_depth(2)
        assert(not pcall(json.decode, '[[[1]]]') and json.decode('[[1]]'))
        assert(not pcall(json.decode_invalid_numbers, true))",
    );
}

#[test]
fn long_texts_are_read_in_pieces() {
    script(
        "local json = require 'json'
        local list = {}
        for i = 1, 20000 do list[i] = { id = i, name = 'n' .. i } end
        local text = json.encode({ list = list })
        local back = json.decode(text).list
        assert(#back == 20000 and back[20000].name == 'n20000')
        local wrong, why = pcall(json.decode, text:sub(1, -2))
        assert(not wrong and why:find('comma or object end'))",
    );
}

#[test]
fn other_calls_run_while_a_long_text_is_read() {
    let vm = state(Some(Policy::new("acme")));
    // It is far over the time of a call: that it ends shows that it could be stopped.
    let found = run(
        &vm,
        "local json = require 'json'
        local text = '[' .. ('[],'):rep(100000) .. '1]'
        local co = coroutine.wrap(function() return #json.decode(text) end)
        return tostring(co())",
    );
    assert_eq!(found, "100001");
}

#[test]
fn dkjson_returns_positions_and_keeps_the_kind_of_tables() {
    check(
        "local json = require 'dkjson'",
        &[
            (r#"select(2, json.decode('{"a":1} x'))"#, "8"),
            ("json.decode('[1,', 1)", "nil 4 Expected value but found T_END at character 4"),
            ("json.decode('[null,2]')[1], #json.decode('[1,2]')", "nil 2"),
            ("json.decode('xx[7]', 3)[1]", "7"),
            ("json.decode('null', 1, 'none')", "none 5"),
            ("json.encode((json.decode('[]'))), json.encode((json.decode('{}')))", "[] {}"),
            (
                "json.encode({}), json.encode({ 1, 2 }), json.encode({ json.null })",
                "[] [1,2] [null]",
            ),
            (
                "json.encode({ b = 1, a = { 1 } }, { indent = true, keyorder = { 'a', 'b' } })",
                "{\n  \"a\":[1],\n  \"b\":1\n}",
            ),
            ("json.quotestring('a\"')", "\"a\\\"\""),
            ("json.encode({ print })", "LINE: type 'function' is not supported by JSON."),
            (
                "json.encode((function() local t = {} t[1] = t return t end)())",
                "LINE: reference cycle",
            ),
        ],
    );
}
