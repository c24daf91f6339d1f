//! Encodings, digests of strings, filters, and `bit`.

use super::tests::check;
use super::tests::eval;
use super::tests::run;
use super::tests::script;
use super::tests::state;

#[test]
fn base64_is_that_of_rfc_4648() {
    check(
        "local base64 = require 'base64'",
        &[
            ("base64.encode(''), base64.encode('f'), base64.encode('foob')", " Zg== Zm9vYg=="),
            ("base64.decode('Zm9v\\r\\nYmE='), base64.decode('Zm9vYmE')", "fooba fooba"),
            ("base64.decode('Zm9v!')", "nil invalid base64"),
            (
                "base64.encode_url('\\255\\254a'), base64.decode_url('__5h')",
                "__5h \u{fffd}\u{fffd}a",
            ),
            ("base64.encode({})", "LINE: bad argument #1 to 'encode' (string expected, got table)"),
        ],
    );
}

#[test]
fn digests_are_those_of_the_standards() {
    // RFC 1321 A.5, RFC 3174 7.3, FIPS 180-4, RFC 2202 and RFC 4231.
    let abc256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check(
        "local md5, sha1, sha2 = require 'md5', require 'sha1', require 'sha2'",
        &[
            ("md5.sumhexa('')", "d41d8cd98f00b204e9800998ecf8427e"),
            ("md5.sumhexa('message digest')", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("#md5.sum('a'), md5.exor('ab', '  ')", "16 AB"),
            ("md5.exor('a', '')", "LINE: lengths must be equal"),
            ("sha1('abc'), #sha1.binary('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d 20"),
            (
                "sha1.hmac('Jefe', 'what do ya want for nothing?')",
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            ("sha2.sha256('abc')", abc256),
            ("sha2.sha256()('a')('b')('c')()", abc256),
            ("sha2.sha224('abc')", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (
                "sha2.sha384('abc'):sub(1, 16), sha2.sha512('abc'):sub(1, 16)",
                "cb00753f45a35e8b ddaf35a193617aba",
            ),
            (
                "sha2.hmac(sha2.sha256, 'Jefe', 'what do ya want for nothing?')",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            ("sha2.hmac(sha2.sha1, 'k')('a')('b')() == sha1.hmac('k', 'ab')", "true"),
            ("sha2.hex_to_bin('616263'), sha2.bin_to_hex('abc')", "abc 616263"),
            (
                "sha2.hex_to_bin('6')",
                "LINE: bad argument #1 to 'from_hex' (hexadecimal digits expected)",
            ),
            ("sha2.hmac(print, 'k', 'a')", "LINE: Unknown hash function"),
        ],
    );
}

#[test]
fn filters_of_mime_take_a_text_in_any_pieces() {
    script(
        r##"
        local ltn12, mime = require 'ltn12', require 'mime'
        local function filtered(text, filter, size)
            local list = {}
            ltn12.BLOCKSIZE = size
            local ok, why = ltn12.pump.all(ltn12.source.string(text),
                ltn12.sink.chain(filter, (ltn12.sink.table(list))))
            assert(ok, why)
            ltn12.BLOCKSIZE = 2048
            return table.concat(list)
        end
        local text = "Aã = b \r\n\tc \255\0.\r\n.dot\r\n" .. ("x"):rep(200) .. " "
        for size = 1, 7 do
            for _, kind in ipairs { "base64", "quoted-printable" } do
                local encoded = filtered(text, mime.encode(kind), size)
                assert(not encoded:find("[\128-\255]"))
                local decoded = filtered(encoded, mime.decode(kind), size)
                assert(decoded == text, kind .. size .. decoded)
            end
            local wrapped = filtered(text, ltn12.filter.chain(mime.encode("base64"), mime.wrap("base64")), size)
            for line in wrapped:gmatch("[^\r\n]+") do assert(#line <= 76, line) end
            assert(wrapped:sub(-2) == "\r\n")
            assert(filtered(wrapped, mime.decode("base64"), size) == text)
            local quoted = ltn12.filter.chain(mime.encode("quoted-printable"), mime.wrap("quoted-printable"))
            quoted = filtered(text, quoted, size)
            for line in quoted:gmatch("[^\r\n]+") do assert(#line <= 76, line) end
            assert(filtered(quoted, mime.decode("quoted-printable"), size) == text)
            assert(filtered("a\rb\nc\r\nd\n\ne\n\rf", mime.normalize(), size) == "a\r\nb\r\nc\r\nd\r\n\r\ne\r\nf")
            assert(filtered("a\nb", mime.normalize("|"), size) == "a|b")
            assert(filtered(".a\r\n.b\r\n..c.", mime.stuff(), size) == "..a\r\n..b\r\n...c.")
        end
        "##,
    );
}

#[test]
fn low_level_filters_return_what_is_left() {
    check(
        "local mime = require 'mime'
         local function q(...) local t = { ... }
            for i = 1, select('#', ...) do t[i] = t[i] == nil and 'nil' or '[' .. tostring(t[i]) .. ']' end
            return table.concat(t, ' ') end",
        &[
            ("q(mime.b64('foob'))", "[Zm9vYg==] nil"),
            ("q(mime.b64('foob', 'ar!'))", "[Zm9vYmFy] [!]"),
            ("q(mime.b64(nil))", "nil nil"),
            ("q(mime.b64(''))", "nil nil"),
            ("q(mime.unb64('Zm9v', 'Yg'))", "[foo] [Yg]"),
            ("q(mime.unb64('Zg=='))", "[f] nil"),
            ("q(mime.qp('a b'))", "[a=20b=\r\n] nil"),
            ("q(mime.qp('', 'é \\r\\n'))", "[=C3=A9=20\r\n] []"),
            ("q(mime.qp('', 'a\\r\\n', '=0D=0A'))", "[a=0D=0A] []"),
            ("q(mime.qp('', 'a\\r'))", "[a] [\r]"),
            ("q(mime.unqp('=C3=A', '9=\\r\\n='))", "[é] [=]"),
            ("q(mime.unqp('=XY'))", "[=XY] nil"),
            ("q(mime.wrp(3, 'abcd', 3))", "[abc\r\nd] [2]"),
            ("q(mime.wrp(2, nil, 3))", "[\r\n] [3]"),
            ("q(mime.wrp(3, nil, 3))", "nil [3]"),
            ("q(mime.qpwrp(4, 'ab=20', 4))", "[ab=\r\n=20] [1]"),
            ("q(mime.eol(0, 'a\\r'))", "[a\r\n] [13]"),
            ("q(mime.dot(2, '.'))", "[..] [0]"),
            ("mime.encode('none')", "LINE: unknown key (none)"),
        ],
    );
}

#[test]
fn sources_sinks_and_pumps_follow_ltn12() {
    script(
        r##"
        local ltn12 = require 'ltn12'
        local source, sink, filter, pump = ltn12.source, ltn12.sink, ltn12.filter, ltn12.pump
        local function drain(src) local t = {} assert(pump.all(src, (sink.table(t)))) return table.concat(t) end
        assert(drain(source.cat(source.string("a"), source.empty(), source.table { "b", "c" })) == "abc")
        local snk, list = sink.table()
        assert(pump.all(source.string("hello"), sink.chain(string.upper and function(c) return c and c:upper() end, snk)))
        assert(table.concat(list) == "HELLO")
        local ok, why = pump.all(source.error("broken"), sink.null())
        assert(ok == nil and why == "broken")
        ok, why = pump.all(source.string("x"), sink.error("full"))
        assert(ok == nil and why == "full")
        local src = source.rewind(source.string("tail"))
        src("head-")
        assert(src() == "head-" and src() == "tail" and src() == nil)
        local double = filter.cycle(function(left, chunk) return chunk and chunk .. chunk or nil, left end, "")
        assert(drain(source.chain(source.string("ab"), double)) == "abab")
        local marks = filter.chain(function(c) return c and c .. "1" or "end1" end, function(c) return c and c .. "2" or "end2" end)
        assert(marks("x") == "x12" and marks(nil) == "end12end2")
        local other = source.simplify(function() return "first", source.string("second") end)
        assert(other() == "first" and other() == "second")
        -- A source that waits: nothing of the pump is in C.
        local waiting = coroutine.wrap(function()
            return drain(function() return coroutine.yield() end)
        end)
        waiting() waiting("a") waiting("b")
        assert(waiting(nil) == "ab")
        "##,
    );
}

#[test]
fn bit_has_the_semantics_of_bitop() {
    check(
        "local bit = require 'bit'",
        &[
            ("bit == _G.bit", "true"),
            (
                "bit.tobit(0xffffffff), bit.tobit(0xffffffff + 1), bit.tobit(2 ^ 40 + 1234)",
                "-1 0 1234",
            ),
            (
                "bit.tohex(1), bit.tohex(-1), bit.tohex(-1, 4), bit.tohex(0x2b, -2), bit.tohex(255, 2)",
                "00000001 ffffffff ffff 2B ff",
            ),
            (
                "bit.bnot(0), bit.bnot(-1), bit.bnot(0xffffffff), bit.bnot(0x12345678)",
                "-1 0 0 -305419897",
            ),
            (
                "bit.band(0x12345678, 0xff), bit.bor(1, 2, 4, 8), bit.bxor(0xa5a5f0f0, 0xaa55ff00)",
                "120 15 267390960",
            ),
            ("bit.band(7), bit.bor(7), bit.bxor(7)", "7 7 7"),
            (
                "bit.lshift(1, 0), bit.lshift(1, 8), bit.lshift(1, 40), bit.lshift(0x87654321, 12)",
                "1 256 256 1412567040",
            ),
            (
                "bit.rshift(256, 8), bit.rshift(-256, 8), bit.rshift(0x87654321, 12)",
                "1 16777215 554580",
            ),
            (
                "bit.arshift(256, 8), bit.arshift(-256, 8), bit.arshift(0x87654321, 12)",
                "1 -1 -493996",
            ),
            (
                "bit.rol(0x12345678, 12), bit.ror(0x12345678, 12), bit.rol(1, 33)",
                "1164411171 1736516421 2",
            ),
            ("bit.bswap(0x12345678), bit.bswap(0x78563412)", "2018915346 305419896"),
            ("bit.band('0x1f', 15), bit.tobit('7')", "15 7"),
            (
                "bit.tobit(-2 ^ 31), bit.tobit(2 ^ 31), bit.tobit(-2 ^ 51), bit.tobit(2 ^ 50 + 5)",
                "-2147483648 -2147483648 0 5",
            ),
            ("bit.band()", "LINE: bad argument #1 to 'band' (number expected, got no value)"),
            ("bit.bnot('x')", "LINE: bad argument #1 to 'bnot' (number expected, got string)"),
            ("bit.lshift(1)", "LINE: bad argument #2 to 'lshift' (number expected, got no value)"),
            ("bit.tohex({})", "LINE: bad argument #1 to 'tohex' (number expected, got table)"),
            ("bit.bxor(1, nil)", "LINE: bad argument #2 to 'bxor' (number expected, got nil)"),
            ("bit.bswap(true)", "LINE: bad argument #1 to 'bswap' (number expected, got boolean)"),
        ],
    );
    // Fractions are rounded somehow, to one of their neighbours.
    let vm = state(None);
    assert_eq!(
        eval(&vm, "", "bit.tobit(1.3) == 1 and (bit.tobit(1.5) == 1 or bit.tobit(1.5) == 2)"),
        "true"
    );
}

#[test]
fn loops_over_bit_are_compiled() {
    let found = run(
        &state(None),
        "local util = require 'jit.util'
        local band, bor, bxor, bnot, tobit = bit.band, bit.bor, bit.bxor, bit.bnot, bit.tobit
        local lshift, rshift, arshift = bit.lshift, bit.rshift, bit.arshift
        local rol, ror, bswap = bit.rol, bit.ror, bit.bswap
        jit.flush()
        local x = 1
        for i = 1, 1000 do
            x = bxor(rol(x, 5), band(i, 0xff), bor(ror(x, 3), 1))
            x = tobit(lshift(x, 1) + rshift(x, 7) + arshift(bswap(x), 2) + bnot(i))
        end
        local trace = util.traceinfo(1)
        return trace and trace.linktype or 'none'",
    );
    assert_eq!(found, "loop");
}
