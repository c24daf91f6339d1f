//! `crypto`, `openssl`, `maxminddb`, against the vectors of the standards and what OpenSSL makes.

use super::tests::check;
use super::tests::run;
use super::tests::run_in;
use super::tests::script;
use super::tests::state;
use crate::lua::current::Context;
use crate::script::policy::Policy;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../tests/lua/keys/", $name))
    };
}

/// What the scripts of these tests begin with: keys and certificates by their names.
fn keys() -> String {
    let mut out = "local crypto = require 'crypto'
        local function unhex(text) return (text:gsub('%s', ''):gsub('..', function(d) return string.char(tonumber(d, 16)) end)) end
        local function eq(a, b) if a ~= b then error(tostring(a) .. ' is not ' .. tostring(b), 2) end end
        local PEM = {} "
        .to_owned();
    for (name, text) in [
        ("ca", key!("ca.pem")),
        ("ec", key!("ec.pem")),
        ("ec_public", key!("ec_public.pem")),
        ("ec_signature", key!("ec_signature.txt")),
        ("encrypted", key!("encrypted.pem")),
        ("leaf", key!("leaf.pem")),
        ("rsa", key!("rsa.pem")),
        ("rsa_public", key!("rsa_public.pem")),
        ("rsa_sha1", key!("rsa_sha1.txt")),
        ("rsa_signature", key!("rsa_signature.txt")),
        ("rsa_traditional", key!("rsa_traditional.pem")),
        ("stranger", key!("stranger.pem")),
    ] {
        out.push_str(&format!("PEM.{name} = [[{text}]] "));
    }
    out
}

#[test]
fn digests_and_hmacs_are_those_of_the_standards() {
    // RFC 1321, RFC 3174, FIPS 180-4; RFC 2202 and RFC 4231, case 1.
    check(
        "local crypto = require 'crypto'
        local key = ('\\11'):rep(20)",
        &[
            ("crypto.digest('md5', 'abc')", "900150983cd24fb0d6963f7d28e17f72"),
            ("crypto.digest('SHA1', 'abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("#crypto.digest('sha256', 'abc', true), crypto.hex('ab')", "32 6162"),
            (
                "crypto.hmac.digest('md5', 'Hi There', ('\\11'):rep(16))",
                "9294727a3638bb1c13f48ef8158bfc9d",
            ),
            (
                "crypto.hmac.digest('sha1', 'Hi There', key)",
                "b617318655057264e28bc0b6fb378c8ef146be00",
            ),
            (
                "crypto.hmac.digest('sha256', 'Hi There', key)",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                "crypto.hmac.digest('sha384', 'Hi There', key)",
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
            ),
            (
                "crypto.hmac.digest('sha512', 'Hi There', key):sub(1, 32)",
                "87aa7cdea5ef619d4ff0b4241a1d6cb0",
            ),
            ("crypto.digest('md9', '')", "LINE: digest 'md9' is not available"),
            (
                "crypto.digest('md5')",
                "LINE: bad argument #2 to 'digest' (string expected, got no value)",
            ),
            (
                "crypto.hmac.new('md5'), 1",
                "LINE: bad argument #2 to 'new' (string expected, got no value)",
            ),
            ("#crypto.list('digests'), #crypto.list('ciphers')", "6 13"),
            ("tostring(crypto.digest.new('sha256'))", "crypto.digest sha256"),
        ],
    );
}

#[test]
fn objects_take_a_text_in_pieces() {
    script(
        "local crypto = require 'crypto'
        local d = crypto.digest.new('sha256')
        assert(d:update('a') == d)
        local other = d:clone()
        d:update('b')
        assert(d:final('c') == crypto.digest('sha256', 'abc'))
        assert(#d:final(true) == 32)
        assert(other:final('bc') == crypto.digest('sha256', 'abc'))
        assert(d:reset():final('x') == crypto.digest('sha256', 'x'))
        local long = ('0123456789abcdef'):rep(20000)
        assert(d:reset():final(long) == crypto.digest('sha256', long))
        local h = crypto.hmac.new('sha1', 'key')
        h:update('a')
        assert(h:clone():final('b') == crypto.hmac.digest('sha1', 'ab', 'key'))
        assert(h:final('b', true) == crypto.hmac.digest('sha1', 'ab', 'key', true))
        assert(not pcall(d.update, {}, 'x') and not pcall(d.update, d))",
    );
}

#[test]
fn ciphers_are_those_of_the_standards() {
    // SP 800-38A F.1, F.2, F.5; the cases 2, 8 and 14 of GCM's specification.
    let vectors = [
        ("aes-128-ecb", "3ad77bb40d7a3660a89ecaf32466ef97"),
        ("aes-192-ecb", "bd334f1d6e45f25ff712a214571fa5cc"),
        ("aes-256-ecb", "f3eed1bdb5d2a03c064b5a7e3db181f8"),
        ("aes-128-cbc", "7649abac8119b246cee98e9b12e9197d"),
        ("aes-192-cbc", "4f021db243bc633d7178183a9fa071e8"),
        ("aes-256-cbc", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
        ("aes-128-ctr", "874d6191b620e3261bef6864990db6ce"),
        ("aes-192-ctr", "1abc932417521ca24f2b0459fe7e6e0b"),
        ("aes-256-ctr", "601ec313775789a5b7a7f504bbf3d228"),
    ];
    let mut source = keys();
    source.push_str(
        "local key = { ['128'] = '2b7e151628aed2a6abf7158809cf4f3c',
            ['192'] = '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
            ['256'] = '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4' }
        local iv = { cbc = '000102030405060708090a0b0c0d0e0f', ctr = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', ecb = '' }
        local plain = unhex('6bc1bee22e409f96e93d7e117393172a')
        local function test(name, expected)
            local size, mode = name:match('aes%-(%d+)%-(%a+)')
            local k, v = unhex(key[size]), unhex(iv[mode])
            local text = crypto.encrypt(name, plain, k, v, false)
            eq(crypto.hex(text), expected)
            eq(crypto.decrypt(name, text, k, v, false), plain)
            for _, length in ipairs { 0, 1, 15, 16, 17, 70000 } do
                local long = ('x'):rep(length)
                eq(crypto.decrypt(name, crypto.encrypt(name, long, k, v), k, v), long)
            end
            local e, d = crypto.encrypt.new(name, k, v), crypto.decrypt.new(name, k, v)
            local out = ''
            for piece in ('a text in pieces of some length'):gmatch('.?.?.?.?.?') do out = out .. e:update(piece) end
            out = out .. e:final()
            local back = ''
            for piece in out:gmatch('.?.?.?.?.?.?.?') do back = back .. d:update(piece) end
            eq(back .. d:final(), 'a text in pieces of some length')
            assert(not pcall(e.update, e, 'x') and not pcall(e.final, e))
        end ",
    );
    for (name, expected) in vectors {
        source.push_str(&format!("test('{name}', '{expected}') "));
    }
    source.push_str(
        "local zeros = ('\\0'):rep(16)
        for name, expected in pairs {
            ['aes-128-gcm'] = '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf',
            ['aes-192-gcm'] = '98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb',
            ['aes-256-gcm'] = 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
        } do
            local text = crypto.encrypt(name, zeros, '', '')
            eq(crypto.hex(text), expected)
            eq(crypto.decrypt(name, text, '', ''), zeros)
            local none, why = crypto.decrypt(name, text:sub(1, -2) .. 'x', '', '')
            eq(none, nil) eq(why, 'bad decrypt')
        end
        local key, iv = unhex('0123456789abcdef23456789abcdef01456789abcdef0123'), unhex('1234567890abcdef')
        local text = crypto.encrypt('des-ede3-cbc', 'Now is the time for all ', key, iv, false)
        eq(crypto.hex(text), 'f3c0ff026c023089656fbb169def7edb30ba36075d6f0176')
        eq(crypto.decrypt('DES3', text, key, iv, false), 'Now is the time for all ')
        -- A short key and no vector: zeros, as OpenSSL's callers have it.
        eq(crypto.hex(crypto.encrypt('aes128', 'hello', 'secret')), 'c290e8b6de4ea5773414e019fe7f17a3')
        local none, why = crypto.decrypt('aes-128-cbc', 'short', 'k')
        eq(none, nil) eq(why, 'wrong final block length')
        none, why = crypto.decrypt('aes-128-cbc', zeros, 'k')
        eq(why, 'bad decrypt')
        none, why = crypto.encrypt('aes-128-cbc', 'short', 'k', 'v', false)
        eq(why, 'wrong final block length')
        local ok
        ok, why = pcall(crypto.encrypt, 'bf-cbc', 'x', 'k')
        assert(why:find(\"cipher 'bf-cbc' is not available\", 1, true), why)
        ok, why = pcall(crypto.encrypt, 'aes-128-cbc', 'x', ('k'):rep(65))
        assert(why:find('invalid encryption key length', 1, true), why)
        ok, why = pcall(crypto.encrypt, 'aes-128-cbc', 'x', 'k', ('v'):rep(17))
        assert(why:find('invalid iv length', 1, true), why)",
    );
    script(&source);
}

#[test]
fn signatures_are_those_of_openssl() {
    script(&format!(
        "{} local rsa, public = crypto.pkey.from_pem(PEM.rsa, true), crypto.pkey.from_pem(PEM.rsa_public)
        local signature = crypto.sign('sha256', 'a message', rsa)
        eq(crypto.hex(signature), PEM.rsa_signature:match('%x+'))
        eq(crypto.verify('sha256', 'a message', signature, public), true)
        eq(crypto.verify('sha256', 'another', signature, public), false)
        eq(crypto.verify('sha256', 'a message', 'x', public), false)
        eq(crypto.verify('sha1', 'a message', unhex(PEM.rsa_sha1), public), true)
        local none, why = crypto.sign('md5', 'a message', rsa)
        eq(none, nil) eq(why, 'RSA signatures over md5 are not available')
        none, why = crypto.sign('sha256', 'a message', public)
        eq(why, 'the key is not private')
        local s, v = crypto.sign.new('sha512'), crypto.verify.new('sha512')
        s:update('a '):update('message') v:update('a message')
        eq(v:final(s:final(rsa), public), true)
        local ec, ec_public = crypto.pkey.from_pem(PEM.ec, true), crypto.pkey.from_pem(PEM.ec_public)
        eq(crypto.verify('sha256', 'a message', unhex(PEM.ec_signature), ec_public), true)
        eq(crypto.verify('sha256', 'a message', crypto.sign('sha256', 'a message', ec), ec_public), true)
        eq(crypto.verify('sha256', 'another', unhex(PEM.ec_signature), ec_public), false)
        eq(crypto.sign('sha1', 'x', ec), nil)",
        keys()
    ));
}

#[test]
fn keys_are_read_and_written() {
    script(&format!(
        "{} local rsa = crypto.pkey.from_pem(PEM.rsa, true)
        eq(rsa:to_pem(), PEM.rsa_public)
        eq(tostring(rsa), 'crypto.pkey rsa 2048 private')
        eq(crypto.pkey.from_pem(PEM.rsa_traditional, true):to_pem(), PEM.rsa_public)
        eq(crypto.pkey.from_pem(rsa:to_pem(true), true):to_pem(), PEM.rsa_public)
        local public = crypto.pkey.from_pem(PEM.rsa_public)
        eq(select(2, public:to_pem(true)), 'the key is not private')
        eq(tostring(crypto.pkey.from_pem(PEM.ec, true)), 'crypto.pkey ec 256 private')
        eq(crypto.pkey.from_pem(PEM.ec, true):to_pem(), PEM.ec_public)
        -- Who does not ask for the private key does not get it.
        eq(tostring(crypto.pkey.from_pem(PEM.rsa)), 'crypto.pkey rsa 2048 public')
        eq(select(2, crypto.pkey.from_pem('none')), 'no key can be read')
        eq(select(2, crypto.pkey.from_pem(PEM.rsa_public, true)), 'the key is not private')
        eq(select(2, crypto.pkey.from_pem(PEM.encrypted, true)), 'keys with a password are not available')
        assert(not pcall(crypto.pkey.from_pem, PEM.encrypted, true, 'x'))
        local ok, why = pcall(crypto.pkey.generate, 'dsa', 1024)
        assert(why:find(\"keys of kind 'dsa' are not available\", 1, true), why)
        ok, why = pcall(crypto.pkey.generate, 'rsa', 512)
        assert(why:find('keys of 512 bits are not available', 1, true), why)
        local made = crypto.pkey.generate('rsa', 2048)
        local back = crypto.pkey.from_pem(made:to_pem(true), true)
        eq(crypto.verify('sha256', 'x', crypto.sign('sha256', 'x', back), made), true)
        made = crypto.pkey.generate('ec', 384)
        eq(crypto.verify('sha384', 'x', crypto.sign('sha384', 'x', made), made), true)",
        keys()
    ));
    let vm = state(None);
    let found = run_in(
        &vm,
        Context::Converter,
        "return select(2, pcall(require('crypto').pkey.generate, 'rsa', 2048))",
    );
    assert!(found.contains("not available in the converter context"), "{found}");
}

#[test]
fn files_of_keys_are_where_the_script_may_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k.pem"), key!("rsa_public.pem")).unwrap();
    let script = "local crypto = require 'crypto'
        local key, why = crypto.pkey.read('k.pem')
        local none, missing = crypto.pkey.read('none.pem')
        local ok, written = pcall(key.write, key, 'x.pem')
        return tostring(key) .. '|' .. missing .. '|' .. tostring(written)";
    let read_dir = Some(folder.path().to_owned());
    let vm = state(Some(Policy { read_dir, ..Policy::new("acme") }));
    let found = run(&vm, script);
    assert_eq!(found, "crypto.pkey rsa 2048 public|none.pem: No such file or directory|nil");
    let plain = state(Some(Policy::new("acme")));
    assert!(run(&plain, script).contains("pkey: no file can be opened here"));
    let path = folder.path().display();
    let script = format!(
        "local crypto = require 'crypto'
        local key = crypto.pkey.read('{path}/k.pem')
        assert(key:write('{path}/copy.pem'))
        return crypto.pkey.read('{path}/copy.pem'):to_pem()"
    );
    assert_eq!(run(&state(None), &script), key!("rsa_public.pem"));
}

#[test]
fn certificates_are_read_and_checked() {
    script(&format!(
        "{} local leaf = crypto.x509_cert():from_pem(PEM.leaf)
        eq(leaf:pubkey():to_pem(), PEM.ec_public)
        eq(select(2, crypto.x509_cert():from_pem('x')), 'no certificate can be read')
        local ca = crypto.x509_ca()
        eq(ca:verify_pem(PEM.leaf), false)
        eq(ca:add_pem(PEM.ca), true)
        eq(ca:verify_pem(PEM.leaf), true)
        eq(ca:verify_pem(PEM.stranger), false)
        eq(select(2, ca:add_pem('x')), 'no certificate can be read')",
        keys()
    ));
}

#[test]
fn what_is_left_out_says_so() {
    check(
        "local crypto = require 'crypto'",
        &[
            (
                "crypto.seal('aes-128-cbc', 'x', {})",
                "LINE: seal: not available: envelopes of RSA are left out",
            ),
            (
                "crypto.open.new('aes-128-cbc')",
                "LINE: open: not available: envelopes of RSA are left out",
            ),
            ("crypto.rand.load('x')", "LINE: rand.load: not available: the system has the seed"),
            (
                "#crypto.rand.bytes(10), #crypto.rand.pseudo_bytes(0), crypto.rand.status()",
                "10 0 true",
            ),
            ("crypto.rand.bytes(16) == crypto.rand.bytes(16)", "false"),
            (
                "crypto.rand.bytes(2 ^ 21)",
                "LINE: bad argument #1 to 'random' (between 0 and 1048576 bytes expected)",
            ),
            (
                "crypto.list('x')",
                "LINE: bad argument #1 to 'list' ('ciphers' or 'digests' expected)",
            ),
        ],
    );
}

#[test]
fn luaossl_has_what_scripts_call() {
    script(&format!(
        "{} local digest, hmac, pkey, x509 = require 'openssl.digest', require 'openssl.hmac', require 'openssl.pkey', require 'openssl.x509'
        local rand, cipher = require 'openssl.rand', require 'openssl.cipher'
        eq(crypto.hex(digest.new('SHA256'):update('a', 'b'):final('c')), crypto.digest('sha256', 'abc'))
        eq(crypto.hex(hmac.new('key', 'SHA512'):final('data')), crypto.hmac.digest('sha512', 'data', 'key'))
        local key = pkey.new(PEM.rsa)
        local signature = key:sign(digest.new('sha256'):update('a message'))
        eq(crypto.hex(signature), PEM.rsa_signature:match('%x+'))
        local public = pkey.new(PEM.rsa_public)
        eq(public:verify(signature, digest.new('sha256'):update('a message')), true)
        eq(public:verify(signature, digest.new('sha256'):update('other')), false)
        eq(public:toPEM('public'), PEM.rsa_public)
        eq(select('#', key:toPEM('public', 'private')), 2)
        eq(key:type(), 'rsaEncryption')
        -- As a JSON Web Key has it: modulus and exponent.
        local found = key:getParameters()
        local again = pkey.new {{ type = 'RSA', n = found.n:toBinary(), e = found.e:toBinary() }}
        eq(again:toPEM('public'), PEM.rsa_public)
        eq(found.e:toHex(), '010001') eq(found.bits, 2048)
        eq(pkey.new {{ type = 'EC', curve = 'prime256v1' }}:type(), 'id-ecPublicKey')
        assert(not pcall(pkey.new, 'x') and not pcall(pkey.new, {{ type = 'DSA' }}))
        assert(not pcall(public.toPEM, public, 'private') and not pcall(public.sign, public, digest.new('sha256')))
        local leaf = x509.new(PEM.leaf)
        eq(leaf:getPublicKey():toPEM('public'), PEM.ec_public)
        eq(tostring(leaf:getIssuer()), 'CN=test ca') eq(leaf:getSerial():toHex(), '1234')
        local from, to = leaf:getLifetime()
        assert(from < to and leaf:toPEM() == PEM.leaf)
        assert(not pcall(x509.new, 'x'))
        eq(#rand.bytes(5), 5)
        for _ = 1, 100 do local n = rand.uniform(3) assert(n >= 0 and n < 3) end
        local text = cipher.new('aes-128-cbc'):encrypt(('k'):rep(16), ('v'):rep(16)):final('hello')
        eq(cipher.new('aes-128-cbc'):decrypt(('k'):rep(16), ('v'):rep(16)):final(text), 'hello')
        local ok, why = pcall(function() cipher.new('aes-128-cbc'):encrypt('k', 'v') end)
        assert(why:find('16 bytes of key expected, got 1', 1, true), why)
        assert(not pcall(cipher.new, 'rc4'))
        eq(require('openssl').digest, digest)",
        keys()
    ));
}

/// Writes a file of the format `mmdb` that knows 10.0.0.0/8.
fn database() -> Vec<u8> {
    let text = |text: &str| {
        let mut out = vec![0x40 | u8::try_from(text.len()).unwrap()];
        out.extend_from_slice(text.as_bytes());
        out
    };
    let map = |count: u8| vec![0xe0 | count];
    let (nodes, bits) = (8_u32, 0b0000_1010_u8);
    let mut out = Vec::new();
    for node in 0..nodes {
        let next = if node + 1 == nodes { nodes + 16 } else { node + 1 };
        let is_one = bits >> (7 - node) & 1 == 1;
        let (left, right) = if is_one { (nodes, next) } else { (next, nodes) };
        out.extend_from_slice(&left.to_be_bytes());
        out.extend_from_slice(&right.to_be_bytes());
    }
    out.extend_from_slice(&[0; 16]);
    for part in [
        map(2),
        text("country"),
        map(1),
        text("iso_code"),
        text("XX"),
        text("asn"),
        vec![0xc2, 0x01, 0x00],
    ] {
        out.extend(part);
    }
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let small = |value: u8| vec![0xa1, value];
    for part in [
        map(9),
        text("node_count"),
        vec![0xc1, 8],
        text("record_size"),
        small(32),
        text("ip_version"),
        small(4),
        text("database_type"),
        text("Test"),
        text("languages"),
        vec![0x01, 0x04],
        text("en"),
        text("binary_format_major_version"),
        small(2),
        text("binary_format_minor_version"),
        small(0),
        text("build_epoch"),
        vec![0x01, 0x02, 7],
        text("description"),
        map(0),
    ] {
        out.extend(part);
    }
    out
}

#[test]
fn databases_of_addresses_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.mmdb");
    std::fs::write(&file, database()).unwrap();
    std::fs::write(folder.path().join("wrong.mmdb"), "no database").unwrap();
    let source = |folder: &str| {
        format!(
            "local maxminddb = require 'maxminddb'
            local function eq(a, b) if a ~= b then error(tostring(a) .. ' is not ' .. tostring(b), 2) end end
            local db = assert(maxminddb.open('{folder}t.mmdb'))
            local found = db:lookup('10.1.2.3')
            eq(found.country.iso_code, 'XX') eq(found.asn, 256)
            eq(db:get('10.1.2.3', 'country', 'iso_code'), 'XX')
            eq(db:get('10.1.2.3', 'country', 'none', 'x'), nil)
            eq(select(2, db:lookup('192.0.2.1')), 'no entry')
            eq(select(2, db:lookup('x')), \"'x' is no address\")
            eq(db:metadata().database_type, 'Test')
            assert(select(2, maxminddb.open('{folder}wrong.mmdb')))
            assert(not pcall(maxminddb.new, '{folder}none.mmdb'))
            return 'done'"
        )
    };
    let path = format!("{}/", folder.path().display());
    assert_eq!(run(&state(None), &source(&path)), "done");
    let read_dir = Some(folder.path().to_owned());
    let vm = state(Some(Policy { read_dir, ..Policy::new("acme") }));
    assert_eq!(run(&vm, &source("")), "done");
    let outside = run(&vm, "return select(2, require('maxminddb').open('/etc/passwd'))");
    assert_eq!(outside, "/etc/passwd: Permission denied");
    assert!(
        run(&state(Some(Policy::new("acme"))), "return require 'maxminddb'").contains("not found")
    );
}
