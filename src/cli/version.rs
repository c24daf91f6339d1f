//! What `-v` and `-vv` print.

use std::fmt::Write as _;
use std::fs;

use crate::syntax;
use crate::syntax::feature::FEATURES;

/// Returns the lines of `-v`.
pub fn short() -> String {
    let release = syntax::HAPROXY_VERSION;
    let branch = release.rsplit_once('.').map_or(release, |(branch, _)| branch);
    let mut text =
        format!("luaproxy version {} (HAProxy {branch} language)\n", env!("CARGO_PKG_VERSION"));
    let kernel = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    let (system, release, version) = (kernel("ostype"), kernel("osrelease"), kernel("version"));
    let (system, release, version) = (system.trim(), release.trim(), version.trim());
    let machine = std::env::consts::ARCH;
    writeln!(text, "Running on: {system} {release} {version} {machine}").ok();
    text
}

/// Returns the lines of `-vv`; `lua` is the version of the Lua that runs the scripts.
pub fn long(lua: &str) -> String {
    let mut text = short();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let (major, minor) = pcre2::version();
    let jit = if pcre2::is_jit_available() { "yes" } else { "no" };
    write!(
        text,
        "Build options :\n  TARGET  = {system}-{machine}\n  PROFILE = {build}\n\nFeature list :"
    )
    .ok();
    for feature in FEATURES {
        write!(text, " {}{}", if feature.present { '+' } else { '-' }, feature.name).ok();
    }
    write!(
        text,
        "\n\nBuilt with multi-threading support.\nBuilt with Lua version : {lua}\nBuilt with PCRE2 \
         version : {major}.{minor}\nPCRE2 library supports JIT : {jit}\n\nAvailable polling \
         systems :\n      epoll : pref=300,  test result OK\nTotal: 1 (1 usable), will use epoll.\n"
    )
    .ok();
    text
}

#[cfg(test)]
mod tests {
    use super::long;
    use super::short;

    #[test]
    fn version_names_the_language() {
        assert!(short().starts_with("luaproxy version "));
        assert!(short().lines().next().is_some_and(|l| l.ends_with("(HAProxy 3.0 language)")));
    }

    #[test]
    fn features_are_listed_as_haproxy_lists_them() {
        let text = long("LuaJIT");
        let list = text.lines().find_map(|line| line.strip_prefix("Feature list : ")).unwrap();
        assert!(list.split(' ').any(|name| name == "+LUA"));
        assert!(list.split(' ').any(|name| name == "-QUIC"));
        assert!(text.contains("\nBuilt with Lua version : LuaJIT\n"));
    }
}
