//! The programs that cases run beside the proxy, and which of them this machine has.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::LazyLock;

use libtest_mimic::Failed;
use libtest_mimic::Trial;

/// A program of other people that a case needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Haproxy,
    Curl,
    Netcat,
    Nghttp,
    Openssl,
    Redis,
    RedisCli,
    /// The library redis-lua.
    RedisLua,
    Lua,
}

impl Tool {
    const ALL: &[Self] = &[
        Self::Haproxy,
        Self::Curl,
        Self::Netcat,
        Self::Nghttp,
        Self::Openssl,
        Self::Redis,
        Self::RedisCli,
        Self::RedisLua,
        Self::Lua,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Haproxy => "haproxy",
            Self::Curl => "curl",
            Self::Netcat => "nc",
            Self::Nghttp => "nghttp",
            Self::Openssl => "openssl",
            Self::Redis => "redis-server",
            Self::RedisCli => "redis-cli",
            Self::RedisLua => "redis.lua",
            Self::Lua => "lua5.4",
        }
    }

    /// Returns where the program is, if it is installed.
    pub(crate) fn path(self) -> Option<PathBuf> {
        static PATHS: LazyLock<Vec<Option<PathBuf>>> =
            LazyLock::new(|| Tool::ALL.iter().map(|tool| find(tool.name())).collect());
        PATHS[self as usize].clone()
    }
}

/// Says which programs are missing, one line for each.
pub(crate) fn announce() {
    for tool in Tool::ALL.iter().filter(|tool| tool.path().is_none()) {
        println!("skipped: {} not installed", tool.name());
    }
}

/// Returns a case that is skipped where one of its tools is missing.
pub(crate) fn trial(
    name: impl Into<String>,
    tools: &[Tool],
    run: impl FnOnce() + Send + 'static,
) -> Trial {
    let missing = tools.iter().any(|tool| tool.path().is_none());
    Trial::test(name, move || -> Result<(), Failed> {
        run();
        Ok(())
    })
    .with_ignored_flag(missing)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/share/lua/5.1"].map(PathBuf::from);
    env::split_paths(OsStr::new(&path))
        .chain(usual)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
