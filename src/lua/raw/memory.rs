//! The memory of a state: who counts it, and what becomes of a script that wants too much.
//!
//! LuaJIT collects nothing when memory runs out, so it must not run out. Beyond the soft limit the
//! allocator arms the hook, which suspends the call until all garbage is collected; a script that
//! lives above the soft limit even then is ended. The hard limit is met only by what a single
//! instruction allocates.

use std::alloc;
use std::alloc::Layout;
use std::cell::Cell;
use std::ffi::CStr;
use std::ffi::c_int;
use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::ptr::NonNull;

use mlua::ffi;
use mlua::ffi::lua_State;

use super::hook;

/// The name of what tells that a cycle is complete.
const WATCH: &CStr = c"luaproxy.watch";

/// How many steps of the collector are done at once: some ten microseconds each.
const SLICE: usize = 16;

/// What a state may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) struct Limit {
    /// Bytes in all.
    pub bytes: usize,
    /// Bytes of one allocation.
    pub block: usize,
    /// The setting it comes from, and what that says.
    pub knob: (&'static str, usize),
}

/// What the state needs before its script may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Want {
    /// Garbage must be collected.
    Collect,
    /// The script must end.
    End,
}

/// Why memory was refused last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// One allocation of so many bytes is too large.
    Block(usize),
    /// So many bytes more than are held are too many.
    Limit(usize),
    /// So many bytes were still held when all garbage was gone.
    Live(usize),
    /// The system has no such block.
    System(usize),
}

/// The account of a state's memory, which LuaJIT knows by its address.
#[derive(Debug)]
pub(super) struct Heap {
    held: Cell<usize>,
    soft: Cell<usize>,
    hard: Cell<usize>,
    block: Cell<usize>,
    knob: Cell<(&'static str, usize)>,
    /// The host allocates, which must not fail.
    exempt: Cell<bool>,
    want: Cell<Option<Want>>,
    /// There is an object whose end tells that a cycle is complete.
    watched: Cell<bool>,
    /// How many were completed where a script could not be suspended.
    cycles: Cell<u8>,
    refusal: Cell<Option<Refusal>>,
    /// Whether allocations are counted, and how many there were, of how many bytes.
    counts: Cell<bool>,
    counted: Cell<(u64, u64)>,
}

/// The hold on a state's memory; to be dropped before the state.
pub(in crate::lua) struct Memory {
    main: *mut lua_State,
    heap: NonNull<Heap>,
    /// The allocator the state was made with, and its data.
    theirs: (ffi::lua_Alloc, *mut c_void),
}

impl Memory {
    /// Becomes the allocator of a state.
    pub(super) fn take_over(lua: &mlua::Lua) -> Self {
        let main = lua.exec_raw_lua(mlua::state::RawLua::state);
        let mut data = ptr::null_mut();
        // SAFETY: the state is alive; the pointer is ours.
        let theirs = unsafe { ffi::lua_getallocf(main, &raw mut data) };
        let heap = Heap {
            held: Cell::new(lua.used_memory()),
            soft: Cell::new(usize::MAX),
            hard: Cell::new(usize::MAX),
            block: Cell::new(usize::MAX),
            knob: Cell::new(("", 0)),
            exempt: Cell::new(false),
            want: Cell::new(None),
            watched: Cell::new(false),
            cycles: Cell::new(0),
            refusal: Cell::new(None),
            counts: Cell::new(false),
            counted: Cell::new((0, 0)),
        };
        let heap = NonNull::from(Box::leak(Box::new(heap)));
        let memory = Self { main, heap, theirs: (theirs, data) };
        memory.set_allocator(allocate, heap.as_ptr().cast());
        memory
    }

    /// Returns how many bytes the state holds.
    pub(in crate::lua) fn held(&self) -> usize {
        self.heap().held.get()
    }

    /// Begins to count allocations, from none, or ends that.
    pub(in crate::lua) fn count(&self, counts: bool) {
        self.heap().counts.set(counts);
        self.heap().counted.set((0, 0));
    }

    /// Returns how many allocations there were since they are counted, and of how many bytes.
    pub(in crate::lua) fn counted(&self) -> (u64, u64) {
        self.heap().counted.get()
    }

    /// Limits what the state may hold.
    pub(in crate::lua) fn limit(&self, lua: &mlua::Lua, limit: Limit) {
        // mlua calls LuaJIT unprotected where it thinks that memory does not run out. It asks its
        // own allocator, so that has to be there for a moment.
        let (theirs, data) = self.theirs;
        self.set_allocator(theirs, data);
        lua.set_memory_limit(usize::MAX).unwrap_or_default();
        self.set_allocator(allocate, self.heap.as_ptr().cast());
        let heap = self.heap();
        heap.hard.set(limit.bytes);
        heap.soft.set(limit.bytes / 4 * 3);
        heap.block.set(limit.block);
        heap.knob.set(limit.knob);
    }

    /// Runs something that must not fail for want of memory.
    pub(in crate::lua) fn exempt<T>(&self, run: impl FnOnce() -> T) -> T {
        let outer = self.heap().exempt.replace(true);
        let result = run();
        self.heap().exempt.set(outer);
        result
    }

    /// Returns what the script must wait for, or that it must end.
    pub(in crate::lua) fn want(&self) -> Option<Want> {
        self.heap().want.get()
    }

    /// Goes some microseconds on with collecting; says whether a cycle is complete.
    pub(in crate::lua) fn step(&self) -> bool {
        step(self.main)
    }

    /// Goes about a tenth of a millisecond on with collecting; says whether a cycle is complete.
    pub(in crate::lua) fn slice(&self) -> bool {
        slice(self.main)
    }

    /// Says whether collecting has left little enough, and takes note of it.
    pub(in crate::lua) fn is_relieved(&self) -> bool {
        self.heap().is_relieved()
    }

    /// Has the script end: all garbage is gone, and it holds too much.
    pub(in crate::lua) fn condemn(&self) {
        self.heap().condemn();
    }

    /// Takes note that the call which wanted too much is over, and says what it wanted.
    pub(in crate::lua) fn settle(&self) -> Option<String> {
        let heap = self.heap();
        heap.want.set(None);
        heap.cycles.set(0);
        let refusal = heap.refusal.take()?;
        let (held, (knob, set)) = (heap.held.get(), heap.knob.get());
        let limit = if set == 0 { String::new() } else { format!(" ({knob} {})", Size(set)) };
        Some(match refusal {
            Refusal::Block(bytes) => {
                let most = Size(heap.block.get());
                format!("asking for {} at once: at most {most}{limit}", Size(bytes))
            }
            Refusal::Limit(bytes) => {
                format!("asking for {} beyond {}{limit}", Size(bytes), Size(held))
            }
            Refusal::Live(held) => format!("holding {} of memory{limit}", Size(held)),
            Refusal::System(bytes) => {
                format!("asking for {}, which the system has not got", Size(bytes))
            }
        })
    }

    fn heap(&self) -> &Heap {
        // SAFETY: freed in `drop` alone.
        unsafe { self.heap.as_ref() }
    }

    fn set_allocator(&self, function: ffi::lua_Alloc, data: *mut c_void) {
        // SAFETY: both allocators give and take blocks of the same layout from the same place.
        unsafe { ffi::lua_setallocf(self.main, function, data) };
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // mlua frees its own account with the state only if it finds it there.
        let (theirs, data) = self.theirs;
        self.set_allocator(theirs, data);
        // SAFETY: it was leaked by `take_over`, and LuaJIT has just forgotten it.
        drop(unsafe { Box::from_raw(self.heap.as_ptr()) });
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heap().fmt(out)
    }
}

impl Heap {
    /// Says what the hook must do for the memory's sake.
    pub(super) fn want(&self) -> Option<Want> {
        self.want.get()
    }

    /// Goes on with collecting where a script cannot be suspended: to be called again as long as
    /// there is something wanted, between two instructions.
    pub(super) fn collect(&self, state: *mut lua_State) {
        let complete = slice(state);
        if !self.is_relieved() && complete {
            let cycles = self.cycles.get() + 1;
            self.cycles.set(cycles);
            // What became garbage after a cycle had begun is found by the next.
            if cycles == 2 {
                self.condemn();
            }
        }
    }

    fn is_relieved(&self) -> bool {
        let relieved = self.held.get() <= self.soft.get();
        if relieved {
            self.want.set(None);
            self.cycles.set(0);
        }
        relieved
    }

    fn condemn(&self) {
        self.refusal.set(Some(Refusal::Live(self.held.get())));
        self.want.set(Some(Want::End));
    }

    /// Says whether a block may grow, and has the script stopped that holds too much.
    fn admits(&self, old: usize, new: usize) -> bool {
        if new <= old || self.exempt.get() {
            return true;
        }
        #[cfg(test)]
        if tests::is_refused() {
            self.refusal.set(Some(Refusal::System(new)));
            return false;
        }
        let held = self.held.get().saturating_add(new - old);
        if new > self.block.get() {
            // Nothing is short yet: the script may catch that.
            self.refusal.set(Some(Refusal::Block(new)));
            return false;
        }
        let fits = held <= self.hard.get();
        if !fits {
            self.refusal.set(Some(Refusal::Limit(new - old)));
        }
        if held > self.soft.get() && self.want.get() != Some(Want::End) {
            let runs = hook::is_running(ptr::from_ref(self));
            let want = if runs && !fits { Want::End } else { Want::Collect };
            if self.want.replace(Some(want)) != Some(want) && runs {
                hook::arm_running();
            }
        }
        fits
    }
}

/// A number of bytes, as the configuration would say it.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..0x2800 => return write!(out, "{} bytes", self.0),
            0x2800..0x10_0000 => (1 << 10, "k"),
            _ => (1 << 20, "m"),
        };
        match self.0 % unit * 10 / unit {
            0 => write!(out, "{}{name}", self.0 / unit),
            tenths => write!(out, "{}.{tenths}{name}", self.0 / unit),
        }
    }
}

/// Returns the account of a state's memory, if it is ours.
pub(super) fn of<'a>(state: *mut lua_State) -> Option<&'a Heap> {
    let mut data = ptr::null_mut();
    // SAFETY: the state is alive; the pointer is ours.
    let function = unsafe { ffi::lua_getallocf(state, &raw mut data) };
    let ours: ffi::lua_Alloc = allocate;
    if !ptr::fn_addr_eq(function, ours) {
        return None;
    }
    // SAFETY: our allocator's data is a heap, which lives as long as it is the allocator.
    unsafe { data.cast::<Heap>().as_ref() }
}

/// Goes some microseconds on with collecting for a script that runs.
pub(in crate::lua) fn collect_some(lua: &mlua::Lua) {
    step(lua.exec_raw_lua(mlua::state::RawLua::state));
}

/// `collect()`: goes about a tenth of a millisecond on; says whether a cycle is complete.
pub(super) unsafe extern "C-unwind" fn go_on(state: *mut lua_State) -> c_int {
    let complete = slice(state);
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushboolean(state, c_int::from(complete)) };
    1
}

fn slice(state: *mut lua_State) -> bool {
    (0..SLICE).any(|_| step(state))
}

/// Goes on with collecting as far as LuaJIT itself does at once; says whether a cycle is complete.
///
/// `LUA_GCSTEP` would go on for as many steps as KiB were asked for in large blocks. What makes a
/// string does one; that a cycle is complete shows in the end of an object that nobody holds.
fn step(state: *mut lua_State) -> bool {
    let Some(heap) = of(state) else { return true };
    let outer = heap.exempt.replace(true);
    if !heap.watched.replace(true) {
        watch(state);
    }
    control(state, ffi::LUA_GCRESTART, 0);
    // SAFETY: an empty string is always there, and there is a free slot.
    unsafe { ffi::lua_pushlstring_(state, c"".as_ptr(), 0) };
    // SAFETY: it was just put there.
    unsafe { ffi::lua_settop(state, -2) };
    heap.exempt.set(outer);
    !heap.watched.get()
}

/// Makes an object that nobody holds and that tells of its end.
fn watch(state: *mut lua_State) {
    // SAFETY: there are free slots; what is held is exempt.
    unsafe { ffi::lua_newuserdata(state, 1) };
    // SAFETY: as above; the name is the host's own.
    if unsafe { ffi::luaL_newmetatable(state, WATCH.as_ptr()) } != 0 {
        // SAFETY: as above.
        unsafe { ffi::lua_pushcclosure(state, ended, 0) };
        // SAFETY: the metatable is below the function.
        unsafe { ffi::lua_setfield(state, -2, c"__gc".as_ptr()) };
    }
    // SAFETY: the userdata is below its metatable.
    unsafe { ffi::lua_setmetatable(state, -2) };
    // SAFETY: the userdata is on top.
    unsafe { ffi::lua_settop(state, -2) };
}

/// The finalizer of what [`watch`] makes.
unsafe extern "C-unwind" fn ended(state: *mut lua_State) -> c_int {
    if let Some(heap) = of(state) {
        heap.watched.set(false);
    }
    0
}

fn control(state: *mut lua_State, what: c_int, data: c_int) -> c_int {
    // SAFETY: the state is alive; finalizers are the host's own and raise nothing.
    unsafe { ffi::lua_gc(state, what, data) }
}

/// LuaJIT's `lua_Alloc`: refuses by returning null, which raises an error in the script.
unsafe extern "C" fn allocate(
    heap: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: the state was given its heap with this function, see `Memory`.
    let Some(heap) = (unsafe { heap.cast::<Heap>().as_ref() }) else { return ptr::null_mut() };
    // Without a block, its size says nothing.
    let old = if block.is_null() { 0 } else { old };
    let (Some(from), Some(to)) = (layout(old), layout(new)) else { return ptr::null_mut() };
    if !heap.admits(old, new) {
        return ptr::null_mut();
    }
    let moved = if new == 0 {
        if old > 0 {
            // SAFETY: the block was allocated with this layout, as all blocks of the state.
            unsafe { alloc::dealloc(block.cast(), from) };
        }
        ptr::null_mut()
    } else if old == 0 {
        // SAFETY: the size is not zero.
        unsafe { alloc::alloc(to) }
    } else {
        // SAFETY: the block has this layout; the new size is not zero, and no more than a layout's.
        unsafe { alloc::realloc(block.cast(), from, new) }
    };
    if moved.is_null() && new > 0 {
        heap.refusal.set(Some(Refusal::System(new)));
    } else {
        heap.held.set(heap.held.get().saturating_sub(old).saturating_add(new));
        if heap.counts.get() && new > old {
            let (count, bytes) = heap.counted.get();
            heap.counted.set((count + 1, bytes + (new - old) as u64));
        }
    }
    moved.cast()
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size, ffi::SYS_MIN_ALIGN).ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::lua::Error;
    use crate::lua::Kind;
    use crate::lua::Limits;
    use crate::lua::Options;
    use crate::lua::Reach;
    use crate::lua::Ret;
    use crate::lua::Vm;

    thread_local! {
        /// How many allocations are left before one is refused; 0 refuses none.
        static LEFT: Cell<usize> = const { Cell::new(0) };
    }

    /// Says whether the allocation that is asked for is the one to be refused.
    pub(super) fn is_refused() -> bool {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        left == 1
    }

    /// Allocates in all the ways that end in a place of its own.
    const PROGRAM: &str = "
        local result
        for _ = 1, 10 do
        local list, text = {}, ''
        for i = 1, 20 do list[i], list['k' .. i], text = { i }, i + 0.5, text .. i end
        local co = coroutine.wrap(function(...)
            for i = 1, 5 do coroutine.yield(i .. (...)) end
        end)
        for _ = 1, 5 do list[#list + 1] = co(text) end
        local ok, why = pcall(error, setmetatable({}, { __tostring = function() return text end }))
        list[#list + 1] = tostring(why)
        xpcall(function() error(text) end, function(m) return debug.traceback(m) end)
        list[#list + 1] = text:gsub('%d', function(d) return d .. d end)
        list[#list + 1] = text:gsub('(%d)(%d)', '%2%1'):upper():rep(50):reverse()
        for a, b in text:gmatch('(.)(.)') do list[a .. b] = { text:find('(' .. b .. ')') } end
        table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
        list[#list + 1] = assert(load('return function(...) return { ... } end'))()(unpack(list, 1, 20))
        result = ('%s %q %g'):format(#list, text, 0.1) .. table.concat({ text, text }, ',')
        end
        return result";

    #[test]
    fn any_allocation_may_be_refused() {
        let mut failed = 0;
        for jit in [true, false] {
            let state = || {
                let vm = Vm::new(Options { id: 1, jit, reach: Reach::GLOBAL }).unwrap();
                vm.limit_tenant(64 << 20).unwrap();
                vm
            };
            let mut vm = state();
            let mut program = vm.load("program.lua", PROGRAM.as_bytes()).unwrap();
            let expected = vm.run(&program, &[], Limits::NONE).unwrap();
            for left in 1..=2000 {
                LEFT.set(left);
                let result = vm.run(&program, &[], Limits::NONE);
                LEFT.set(0);
                match result {
                    Ok(value) => assert_eq!(value, expected, "{left}"),
                    Err(Error { kind: Kind::Memory, .. }) => failed += 1,
                    // It was raised anew, by `coroutine.wrap` or by the script.
                    Err(error) if error.message.ends_with("not enough memory") => failed += 1,
                    Err(error) => panic!("{left}: {error:?}"),
                }
                let after = vm.load("after.lua", b"return ('x'):rep(3) .. #{ 1, 2 }").unwrap();
                let after = vm.run(&after, &[], Limits::NONE).unwrap();
                assert_eq!(after, Ret::Str(b"xxx2".to_vec()), "{left}");
                if vm.is_doomed() {
                    vm = state();
                    program = vm.load("program.lua", PROGRAM.as_bytes()).unwrap();
                }
            }
        }
        assert!(failed > 2000, "{failed}");
    }
}
