//! Directives that HAProxy has and this proxy does not yet.

use super::draft::Kind;

/// Of the `global` section; a name that ends with `*` is a beginning.
const GLOBAL: &[&str] = &[
    "51degrees-*",
    "acme.scheduler",
    "anonkey",
    "busy-polling",
    "chroot",
    "close-spread-time",
    "cluster-secret",
    "cpu-affinity",
    "cpu-map",
    "cpu-policy",
    "cpu-set",
    "deviceatlas-*",
    "dns-accept-family",
    "external-check",
    "fd-hard-limit",
    "force-cfg-parser-pause",
    "gid",
    "grace",
    "group",
    "h1-accept-payload-with-any-method",
    "h1-case-adjust",
    "h1-case-adjust-file",
    "h1-do-not-close-on-insecure-transfer-encoding",
    "h2-workaround-bogus-websocket-clients",
    "harden.*",
    "http-err-codes",
    "http-fail-codes",
    "httpclient.*",
    "issuers-chain-path",
    "jwt.*",
    "key-base",
    "limited-quic",
    "log-profile",
    "max-spread-checks",
    "max-threads-per-group",
    "maxcompcpuusage",
    "maxcomprate",
    "maxconnrate",
    "maxpipes",
    "maxsessrate",
    "maxsslconn",
    "maxsslrate",
    "maxzlibmem",
    "mworker-*",
    "no-memory-trimming",
    "no-quic",
    "noepoll",
    "noevports",
    "nogetaddrinfo",
    "nokqueue",
    "noktls",
    "nopoll",
    "noreuseport",
    "nosplice",
    "ocsp-update.*",
    "pp2-never-send-local",
    "prealloc-fd",
    "profiling.*",
    "server-state-base",
    "server-state-file",
    "setcap",
    "shm-stats-*",
    "ssl-*",
    "stress-level",
    "thread-group",
    "thread-hard-limit",
    "trace",
    "tune.*",
    "uid",
    "unix-bind",
    "user",
    "warn-blocked-traffic-after",
    "wurfl-*",
];

/// Of the sections of proxies.
const PROXY: &[&str] = &[
    "be-unpublished",
    "bind-process",
    "clitcpka-cnt",
    "clitcpka-idle",
    "clitcpka-intvl",
    "compression",
    "cookie",
    "dispatch",
    "dynamic-cookie-key",
    "email-alert",
    "errorfiles",
    "external-check",
    "filter",
    "filter-sequence",
    "force-be-switch",
    "force-persist",
    "grace",
    "guid",
    "hash-balance-factor",
    "hash-preserve-affinity",
    "hash-type",
    "http-check",
    "http-error",
    "http-send-name-header",
    "ignore-persist",
    "load-server-state-from-file",
    "log-format-sd",
    "log-steps",
    "max-keep-alive-queue",
    "max-session-srv-conns",
    "persist",
    "publish",
    "rate-limit",
    "retry-on",
    "server-state-file-name",
    "server-template",
    "source",
    "srvtcpka-cnt",
    "srvtcpka-idle",
    "srvtcpka-intvl",
    "ssl-f-use",
    "stats",
    "stick",
    "stick-table",
    "tcp-check",
    "transparent",
    "use-fcgi-app",
];

/// What HAProxy once had, and what to use.
const REMOVED: &[(&str, &str)] = &[
    ("appsession", "'appsession' is not supported anymore since HAProxy 1.6."),
    (
        "block",
        "The 'block' directive is not supported anymore since HAProxy 2.1. Use 'http-request deny' which uses the exact same syntax.",
    ),
    (
        "clitimeout",
        "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'.",
    ),
    (
        "contimeout",
        "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'.",
    ),
    (
        "monitor-net",
        "'monitor-net' doesn't exist anymore. Please use 'http-request return status 200 if { src ... }' instead.",
    ),
    (
        "redisp",
        "keyword 'redisp' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'.",
    ),
    (
        "reqadd",
        "The 'reqadd' directive is not supported anymore since HAProxy 2.1. Use 'http-request add-header' instead.",
    ),
    (
        "reqallow",
        "The 'reqallow' directive is not supported anymore since HAProxy 2.1. Use 'http-request allow' instead.",
    ),
    (
        "reqdel",
        "The 'reqdel' directive is not supported anymore since HAProxy 2.1. Use 'http-request del-header' instead.",
    ),
    (
        "reqdeny",
        "The 'reqdeny' not supported anymore since HAProxy 2.1. Use 'http-request deny' instead.",
    ),
    (
        "reqirep",
        "The 'reqirep' directive is not supported anymore since HAProxy 2.1. Use 'http-request replace-header' instead.",
    ),
    (
        "reqrep",
        "The 'reqrep' directive is not supported anymore since HAProxy 2.1. Use 'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header' instead.",
    ),
    (
        "reqtarpit",
        "The 'reqtarpit' directive is not supported anymore since HAProxy 2.1. Use 'http-request tarpit' instead.",
    ),
    (
        "rspadd",
        "The 'rspadd' directive is not supported anymore since HAProxy 2.1. Use 'http-response add-header' instead.",
    ),
    (
        "rspdel",
        "The 'rspdel' directive is not supported anymore since HAProxy 2.1. Use 'http-response del-header' .",
    ),
    (
        "rspdeny",
        "The 'rspdeny' directive is not supported anymore since HAProxy 2.1. Use 'http-response deny' instead.",
    ),
    (
        "rsprep",
        "The 'rsprep' directive is not supported anymore since HAProxy 2.1. Use 'http-response replace-header' instead.",
    ),
    (
        "srvtimeout",
        "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'.",
    ),
];

/// Returns what to say about a directive that HAProxy once had.
pub(super) fn removed(word: &str) -> Option<&'static str> {
    REMOVED.iter().find(|(name, _)| *name == word).map(|(_, message)| *message)
}

/// Tells whether HAProxy has this directive in such a section.
pub(super) fn is_known(kind: Kind, word: &str) -> bool {
    let list = match kind {
        Kind::Global => GLOBAL,
        // HAProxy has no such section.
        Kind::Tenant => return false,
        Kind::Defaults | Kind::Frontend | Kind::Backend | Kind::Listen => PROXY,
    };
    list.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == *known,
    })
}
