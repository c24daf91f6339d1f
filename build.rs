//! Builds LuaJIT with hooks that are checked in compiled code.
//!
//! Without `LUAJIT_ENABLE_CHECKHOOK` a compiled loop never looks at a hook, and no script could be
//! stopped. `mlua-sys` is told (feature `external`) that the linking is done here.

use std::env;

fn main() {
    let mut flags = env::var("CFLAGS").unwrap_or_default();
    println!("cargo:rustc-check-cfg=cfg(luaproxy_asan)");
    if env::var("CARGO_CFG_SANITIZE").is_ok_and(|names| names.contains("address")) {
        // So that what LuaJIT's C does to memory is seen, too.
        println!("cargo:rustc-cfg=luaproxy_asan");
        flags.push_str(" -fsanitize=address -fno-omit-frame-pointer -DLUAJIT_USE_SYSMALLOC");
    }
    println!("cargo:rustc-check-cfg=cfg(luaproxy_zeal)");
    println!("cargo:rerun-if-env-changed=LUAPROXY_ZEAL");
    if env::var_os("LUAPROXY_ZEAL").is_some() {
        // For tests: preempts scripts wherever that is possible.
        println!("cargo:rustc-cfg=luaproxy_zeal");
    }
    // `cc` hands CFLAGS to LuaJIT's compiler line; XCFLAGS is taken by luajit-src itself.
    #[expect(unsafe_code, clippy::disallowed_methods, reason = "a build script has one thread")]
    // SAFETY: no other thread reads the environment of this build script.
    unsafe {
        env::set_var("CFLAGS", format!("{flags} -DLUAJIT_ENABLE_CHECKHOOK"));
    }
    let artifacts = luajit_src::Build::new().lua52compat(true).debug(false).build();
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CFLAGS");
    println!("cargo:rustc-link-search=native={}", artifacts.lib_dir().display());
    for lib in artifacts.libs() {
        // Whole archive: the order of archives on the linker's line does not matter then.
        println!("cargo:rustc-link-lib=static:+whole-archive={lib}");
    }
}
