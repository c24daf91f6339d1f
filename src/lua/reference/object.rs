//! What scripts make or find: sockets, maps, regular expressions, proxies and servers.

use super::Class;
use super::Contexts;
use super::Entry;
use super::function;
use super::method;
use super::value;

pub(super) const SOCKET: Class = Class {
    name: "Socket",
    how: "`core.tcp()`: a connection, with the contract of LuaSocket. What fails gives nil and why: \
          `timeout`, `closed`, `connection refused`, `refused by policy` and so on.",
    at: Contexts::WAITING,
    entries: SOCKET_ENTRIES,
};

#[rustfmt::skip]
const SOCKET_ENTRIES: &[Entry] = &[
    method("close", "", "integer", "closes it"),
    method("connect", "address: string, port?: integer", "integer?, string?", "connects to an address, or `unix@path`")
        .raises("where it has been connected before; an address that cannot be read"),
    method("connect_ssl", "address: string, port?: integer, options?: table", "integer?, string?", "connects with TLS, and verifies that the server is the one that was meant; options: `sni`, `verify`, `ca`, `alpn`")
        .raises("as `connect`; options that cannot be read"),
    method("getpeername", "", "string?, integer|string|nil, string?", "gives the address, port and family of the other end"),
    method("getsockname", "", "string?, integer|string|nil, string?", "gives the address, port and family of this end"),
    method("receive", "pattern?: string|integer, prefix?: string", "string?, string?, string?", "reads a line (`*l`, also by default), all (`*a`) or so many bytes; on failure nil, why and what has come"),
    method("send", "data: string, first?: integer, last?: integer", "integer?, string?, integer?", "sends; gives the index of the last byte sent"),
    method("setoption", "option: string, value?: any", "integer", "sets `tcp-nodelay` or `keepalive`; ignores any other"),
    method("settimeout", "seconds?: number, mode?: string", "integer", "sets how long each operation may take"),
    method("shutdown", "mode?: \"both\"|\"send\"|\"receive\"", "boolean?, string?", "ends one direction or both"),
];

pub(super) const CONCAT: Class = Class {
    name: "Concat",
    how: "`core.concat()`: a string that grows.",
    at: Contexts::ANYWHERE,
    entries: &[
        method("add", "text: string", "", "adds text").raises("`out of memory error` beyond 1 GiB"),
        method("dump", "", "string", "gives the whole"),
    ],
};

pub(super) const MAP: Class = Class {
    name: "Map",
    how: "`Map.new()`: a map file. Changes of the file's entries at run time are seen.",
    at: Contexts::ANYWHERE,
    entries: MAP_ENTRIES,
};

#[rustfmt::skip]
const MAP_ENTRIES: &[Entry] = &[
    value("_beg", "string", "matches the beginning of the text"),
    value("_dir", "string", "matches between slashes"),
    value("_dom", "string", "matches between dots"),
    value("_end", "string", "matches the end of the text"),
    value("_int", "string", "matches integers and ranges"),
    value("_ip", "string", "matches addresses and networks"),
    value("_reg", "string", "matches regular expressions"),
    value("_str", "string", "matches the whole text"),
    value("_sub", "string", "matches a part of the text"),
    value("beg", "string", "`Map._beg`, as HAProxy 1.6 has it"),
    value("dir", "string", "`Map._dir`, as HAProxy 1.6 has it"),
    value("dom", "string", "`Map._dom`, as HAProxy 1.6 has it"),
    value("end", "string", "`Map._end`, as HAProxy 1.6 has it"),
    value("int", "string", "`Map._int`, as HAProxy 1.6 has it"),
    value("ip", "string", "`Map._ip`, as HAProxy 1.6 has it"),
    method("lookup", "key: string", "string?", "gives the value of what the key matches; nil where there is none"),
    function("new", "file: string, method?: string", "Map", "loads a map file; keys are matched as `Map._str` does unless the method says how")
        .at(Contexts::LOADING).raises("a file that cannot be read"),
    value("reg", "string", "`Map._reg`, as HAProxy 1.6 has it"),
    method("slookup", "key: string", "string", "as `lookup`; an empty string where there is none"),
    value("str", "string", "`Map._str`, as HAProxy 1.6 has it"),
    value("sub", "string", "`Map._sub`, as HAProxy 1.6 has it"),
];

pub(super) const PATREF: Class = Class {
    name: "Patref",
    how: "`core.get_patref()`: the entries of a map or ACL file. `patref[key]` gives the value of \
          exactly this key, true in an ACL file, or nil; `pairs(patref)` goes through all. What \
          fails gives nil and why.",
    at: Contexts::NOT_BODY,
    entries: PATREF_ENTRIES,
};

#[rustfmt::skip]
const PATREF_ENTRIES: &[Entry] = &[
    method("add", "key: string, value?: string", "boolean?, string?", "adds an entry"),
    method("add_bulk", "entries: table<any, string>", "boolean?, string?", "adds many at once: keys and values of a map, a list of keys of an ACL file"),
    method("commit", "", "boolean?, string?", "puts what was added since `prepare` in the place of all entries, at once"),
    method("del", "key: string", "boolean", "removes a key; says whether it was there"),
    method("get_name", "", "string", "gives the file's name"),
    method("giveup", "", "", "forgets what was added since `prepare`"),
    method("is_map", "", "boolean", "says whether keys have values"),
    method("prepare", "", "boolean", "keeps what is added from now on apart, until `commit`"),
    method("purge", "", "boolean?, string?", "removes all entries"),
    method("set", "key: string, value: string, force?: boolean", "boolean?, string?", "sets the value of a key; adds one that is not there if forced"),
];

pub(super) const REGEX: Class = Class {
    name: "Regex",
    how: "`Regex.new()`: a regular expression of PCRE2.",
    at: Contexts::ANYWHERE,
    entries: REGEX_ENTRIES,
};

#[rustfmt::skip]
const REGEX_ENTRIES: &[Entry] = &[
    method("exec", "text: string", "boolean", "says whether it matches"),
    method("match", "text: string", "boolean, string[]?", "says whether it matches; gives the match and its groups, at most 20"),
    function("new", "regex: string, case_sensitive: boolean", "boolean, Regex|string", "compiles an expression; false and why where that fails"),
];

pub(super) const CERT_CACHE: Class = Class {
    name: "CertCache",
    how: "A global.",
    at: Contexts::NOT_BODY,
    entries: CERT_CACHE_ENTRIES,
};

#[rustfmt::skip]
const CERT_CACHE_ENTRIES: &[Entry] = &[
    function("set", "certificate: { filename: string, crt: string, key?: string, issuer?: string, ocsp?: string }", "", "replaces a certificate that is in use, by the name of its file; connections that stand keep the old one")
        .raises("a file that no certificate in use was loaded from; text that cannot be read"),
];
