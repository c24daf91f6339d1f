//! The end of a state: what its scripts have made is freed in slices, beside other work.

use std::rc::Rc;

use mlua::Lua;
use mlua::LuaString;
use mlua::Nil;
use mlua::Value;

use super::api;
use super::book::Info;
use super::environment;
use super::raw::Memory;
use crate::task;

/// A state and its memory.
#[derive(Debug)]
pub(super) struct Held {
    // Before the state, whose allocator it is.
    pub memory: Memory,
    pub lua: Lua,
}

/// After how many ends of a cycle all garbage is gone: one may have passed it by, the next calls
/// finalizers, and the third frees what those needed.
const CYCLES: usize = 3;

/// How many names are removed in one slice.
const NAMES: usize = 256;

/// Ends a state that nobody uses any more: LuaJIT would free all of it at once.
pub(super) async fn close(held: Rc<Held>) {
    empty(&held).await;
    for _ in 0..CYCLES {
        while !held.memory.slice() {
            task::yield_now().await;
        }
    }
}

/// Removes all by which something of a script's can be found.
async fn empty(held: &Held) {
    let (lua, memory) = (&held.lua, &held.memory);
    drop(lua.remove_app_data::<api::Entries>());
    drop(lua.remove_app_data::<Info>());
    environment::forget(lua);
    let globals = lua.globals();
    memory.exempt(|| {
        lua.set_type_metatable::<LuaString>(None);
        // What stays is freed at once, later.
        for libraries in ["_LOADED", "_PRELOAD"] {
            lua.unset_named_registry_value(libraries).unwrap_or_default();
        }
        globals.set_metatable(None).unwrap_or_default();
    });
    let mut names = globals.pairs::<Value, Value>();
    loop {
        let removed = memory.exempt(|| {
            names
                .by_ref()
                .take(NAMES)
                .flatten()
                .filter(|(name, _)| globals.raw_set(name, Nil).is_ok())
                .count()
        });
        if removed < NAMES {
            return;
        }
        task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::Context;
    use std::task::Waker;

    use super::close;
    use crate::lua::Limits;
    use crate::lua::Options;
    use crate::lua::Reach;
    use crate::lua::Vm;
    use crate::lua::account::Account;
    use crate::lua::book::Book;
    use crate::lua::book::Info;
    use crate::lua::book::Place;
    use crate::script::policy::Policy;

    /// Where a script can leave what it has made.
    const PLACES: &[&str] = &[
        "big = many",
        "for i = 1, #many do _G['k' .. i] = many[i] end",
        "for i = 1, #many do _G[i] = 'text ' .. i end",
        "setmetatable(_G, { __index = many })",
        "string.big = many",
        "core.big = many",
        "table.big = many",
        "package.loaded.big = many",
        "setmetatable(package.loaded, many)",
        "local co = coroutine.wrap(function() coroutine.yield() return many end) co() Map.co = co",
        "for i = 1, #many do many[i] = core.concat() end core.x = many",
    ];

    fn state() -> Vm {
        let vm = Vm::new(Options { id: 1, jit: true, reach: Reach::Tenant }).unwrap();
        let tenant = Some(Account::new(Arc::new(Policy::new("acme"))));
        let book = Rc::new(Book::default());
        vm.set_up(Info { book, place: Place::Own, number: 1, vm: vm.downgrade(), tenant }).unwrap();
        vm
    }

    #[test]
    fn a_state_is_freed_in_slices_wherever_its_scripts_have_left_things() {
        for place in PLACES {
            let vm = state();
            let source = format!(
                "local many = {{}} for i = 1, 50000 do many[i] = {{ i, 'n' .. i }} end {place}"
            );
            let fill = vm.load("fill.lua", source.as_bytes()).unwrap();
            vm.run(&fill, &[], Limits::NONE).unwrap();
            drop(fill);
            let held = vm.held();
            drop(vm);
            let mut closing = pin!(close(Rc::clone(&held)));
            let mut turns = 0;
            let mut longest = 0;
            let full = held.memory.held();
            let mut before = full;
            while closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                turns += 1;
                longest = longest.max(before.saturating_sub(held.memory.held()));
                before = held.memory.held();
            }
            before = before.min(held.memory.held());
            // What is freed at once, at the end, is a few blocks: of the emptied globals, and of
            // LuaJIT's table of strings, which shrinks slowly.
            assert!(before < full / 4, "{place}: {before} of {full} bytes");
            assert!(turns > 5, "{place}: {turns} turns");
            assert!(longest < 4 << 20, "{place}: {longest} bytes at once");
        }
    }
}
