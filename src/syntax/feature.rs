//! What luaproxy has of what HAProxy can be built with, and which HAProxy it speaks for.

use super::HAPROXY_VERSION;

/// One name of the feature list that `-vv` prints and `feature()` asks.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// HAProxy's name; `LUAJIT` is luaproxy's own.
    pub name: &'static str,
    /// Whether luaproxy has it.
    pub present: bool,
}

/// The features, sorted: HAProxy's names, each with a plain answer.
pub const FEATURES: &[Feature] = &[
    no("51DEGREES"),
    yes("ACCEPT4"),
    no("BACKTRACE"),
    no("CLOSEFROM"),
    no("CPU_AFFINITY"),
    no("CRYPT_H"),
    no("DEVICEATLAS"),
    no("DL"),
    no("ENGINE"),
    yes("EPOLL"),
    no("EVPORTS"),
    yes("GETADDRINFO"),
    no("KQUEUE"),
    no("LIBATOMIC"),
    no("LIBCRYPT"),
    no("LINUX_CAP"),
    no("LINUX_SPLICE"),
    no("LINUX_TPROXY"),
    yes("LUA"),
    yes("LUAJIT"),
    no("MATH"),
    no("MEMORY_PROFILING"),
    no("NETFILTER"),
    no("NS"),
    no("OBSOLETE_LINKER"),
    no("OPENSSL"),
    no("OPENSSL_AWSLC"),
    no("OPENSSL_WOLFSSL"),
    no("OT"),
    no("PCRE"),
    yes("PCRE2"),
    yes("PCRE2_JIT"),
    no("PCRE_JIT"),
    no("POLL"),
    no("PRCTL"),
    no("PROCCTL"),
    no("PROMEX"),
    no("PTHREAD_EMULATION"),
    no("QUIC"),
    no("QUIC_OPENSSL_COMPAT"),
    no("RT"),
    no("SHM_OPEN"),
    no("SLZ"),
    no("STATIC_PCRE"),
    no("STATIC_PCRE2"),
    no("SYSTEMD"),
    no("TFO"),
    yes("THREAD"),
    no("THREAD_DUMP"),
    no("TPROXY"),
    no("WURFL"),
    no("ZLIB"),
];

/// The options that are enabled in a running luaproxy, of those that `enabled()` knows.
const ENABLED: &[&str] = &["EPOLL", "GETADDRINFO", "REUSEPORT"];

/// Returns whether luaproxy has a feature.
pub fn is_present(name: &str) -> bool {
    FEATURES.iter().any(|feature| feature.present && feature.name == name)
}

/// Returns whether an option is enabled.
pub fn is_enabled(name: &str) -> bool {
    ENABLED.contains(&name)
}

/// A release of HAProxy, in the order in which releases come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    stage: Stage,
    /// Number of the development release, or of commits after a release.
    number: u32,
}

/// How far a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Development,
    Candidate,
    Release,
}

impl Version {
    /// Returns the release whose language luaproxy speaks.
    pub(super) fn current() -> Self {
        Self::parse(HAPROXY_VERSION)
    }

    /// Reads `2.4-dev19`, `2.6.12-1`, `3.0`; what is missing or strange is zero.
    pub(super) fn parse(text: &str) -> Self {
        let (base, tail) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = base.split('.').map(leading_number);
        let (stage, number) = if let Some(number) = tail.strip_prefix("dev") {
            (Stage::Development, number)
        } else if let Some(number) = tail.strip_prefix("rc") {
            (Stage::Candidate, number)
        } else {
            (Stage::Release, tail)
        };
        Self {
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
            patch: numbers.next().unwrap_or(0),
            stage,
            number: leading_number(number),
        }
    }
}

const fn yes(name: &'static str) -> Feature {
    Feature { name, present: true }
}

const fn no(name: &'static str) -> Feature {
    Feature { name, present: false }
}

fn leading_number(text: &str) -> u32 {
    let length = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text.get(..length).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
