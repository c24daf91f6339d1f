//! A Lua state: the only place that makes one.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::rc::Weak;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use mlua::Function;
use mlua::Lua;
use mlua::Thread;
use mlua::chunk::ChunkMode;

use super::account::Account;
use super::api;
use super::book::Info;
use super::call::Call;
use super::call::Step;
use super::chunk;
use super::closing;
use super::closing::Held;
use super::current;
use super::current::Context;
use super::environment;
use super::error::Error;
use super::meter::Limits;
use super::raw;
use super::raw::Arg;
use super::raw::Limit;
use super::raw::Memory;
use super::raw::Ret;
use super::share::Share;
use super::watchdog;
use super::watchdog::Who;
use crate::task;

/// How a state is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number in log messages: 0 for the state all threads share.
    pub id: u32,
    /// Whether scripts are compiled to machine code.
    pub jit: bool,
    /// Whose scripts run there.
    pub reach: Reach,
}

/// What the scripts of a state reach of LuaJIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A tenant's: what [`super::environment`] lists, and nothing else.
    Tenant,
    /// The operator's own: everything but what can crash the process, which the configuration
    /// grants by name (`tune.lua.openlibs`).
    Global {
        /// `require "ffi"`.
        ffi: bool,
        /// Chunks that are compiled already.
        bytecode: bool,
    },
}

impl Reach {
    /// What global scripts reach unless the configuration says more.
    pub const GLOBAL: Self = Self::Global { ffi: false, bytecode: false };
}

/// A state with its recycled threads; cheap to clone, bound to the worker that made it.
#[derive(Clone)]
pub struct Vm {
    inner: Rc<Inner>,
}

/// A state that may be gone: what is kept with the state itself.
#[derive(Clone)]
pub(super) struct WeakVm {
    inner: Weak<Inner>,
}

/// What listens to LuaJIT's compiler (`jit.attach`), which scripts do not have.
pub(super) struct Tracer(pub Function);

struct Inner {
    // Before the state, whose values they are.
    idle: RefCell<Vec<Thread>>,
    wrap: Function,
    share_function: Function,
    lock: Function,
    id: u32,
    who: Cell<Who>,
    jit: bool,
    /// Nobody shall begin anything in it any more.
    doomed: Cell<bool>,
    tenant: OnceCell<Arc<Account>>,
    /// Of a tenant's: what its runs are charged to.
    share: OnceCell<Rc<Share>>,
    /// How many collections have to end before what is garbage now is surely gone.
    sweeps: Cell<u8>,
    reach: Reach,
    /// No other state of the process, past or present, has this number.
    serial: u64,
    held: Rc<Held>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Elsewhere all is over, and it may take its time.
        if task::is_running() {
            task::spawn_nice(0, closing::close(Rc::clone(&self.held))).detach();
        }
    }
}

impl WeakVm {
    /// Returns the state, if it is still there.
    pub(super) fn upgrade(&self) -> Option<Vm> {
        self.inner.upgrade().map(|inner| Vm { inner })
    }
}

impl fmt::Debug for WeakVm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WeakVm").finish_non_exhaustive()
    }
}

/// What `tune.lua.openlibs` names.
const LIBRARIES: &[&str] = &["debug", "io", "math", "os", "package", "string", "table", "utf8"];

static SERIALS: AtomicU64 = AtomicU64::new(0);

/// How many threads are kept for further calls.
const IDLE_MAX: usize = 128;

static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
static STRING_LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();

/// The longest chunk a script may compile when it runs.
const LOAD_MAX: usize = 1 << 20;

/// The longest chunk a tenant's script may compile, and what it may have of what takes long: about
/// two milliseconds.
pub(super) const TENANT_LOAD_MAX: usize = 16 << 10;
const TENANT_BRANCHES_MAX: usize = 500;
const TENANT_EXPONENTS_MAX: usize = 50;

/// The collector's pace: LuaJIT collects nothing at its last extremity, so it must not fall behind.
const PAUSE: i32 = 120;
const STEP_MULTIPLIER: i32 = 300;

/// What a state may hold where everything is done to disturb scripts.
const ZEAL_MEMORY: usize = 24 << 20;

/// The most machine code of a tenant's state, which no allocator sees.
const MACHINE_CODE: usize = 512 << 10;

impl Vm {
    /// Makes a state with HAProxy's libraries and readies the calling thread to run it.
    pub fn new(options: Options) -> Result<Self, Error> {
        watchdog::watch().map_err(|error: io::Error| {
            Error::raised(format!("cannot start the watchdog: {error}"))
        })?;
        let (lua, memory) = raw::open(environment::libraries(options));
        let pace =
            mlua::state::GcIncParams::default().pause(PAUSE).step_multiplier(STEP_MULTIPLIER);
        lua.gc_set_mode(mlua::state::GcMode::Incremental(pace));
        let loaders = environment::prepare(&lua, options.reach)?;
        let (wrap, share_function, lock) = lua
            .load(include_str!("prelude.lua"))
            .set_name(raw::PRELUDE)
            .set_mode(ChunkMode::Text)
            .call::<(Function, Function, Function)>(raw::tools(&lua)?)?;
        if let (Reach::Global { .. }, Ok(jit)) =
            (options.reach, lua.globals().get::<mlua::Table>("jit"))
            && let Ok(attach) = jit.raw_get("attach")
        {
            drop(lua.set_app_data(Tracer(attach)));
        }
        let dying = lua.create_function(|_, ()| Ok(raw::is_dying()))?;
        library(&lua, &LIBRARY, include_str!("libraries.lua"))?.call::<()>((
            dying,
            lua.create_function(|lua, ()| Ok(load_max(lua)))?,
            lua.create_function(|lua, text| Ok(is_costly(lua, &text)))?,
            raw::collector(&lua)?,
        ))?;
        library(&lua, &STRING_LIBRARY, include_str!("libraries_string.lua"))?
            .call::<()>(raw::library_tools(&lua)?)?;
        environment::give_back(&lua, options.reach, loaders)?;
        if cfg!(luaproxy_zeal) {
            memory.limit(
                &lua,
                Limit { bytes: ZEAL_MEMORY, block: usize::MAX, knob: ("zeal", ZEAL_MEMORY) },
            );
        }
        let idle = RefCell::new(Vec::new());
        Ok(Self {
            inner: Rc::new(Inner {
                idle,
                wrap,
                share_function,
                lock,
                id: options.id,
                who: Cell::new(Who::State(options.id)),
                jit: options.jit,
                doomed: Cell::new(false),
                tenant: OnceCell::new(),
                share: OnceCell::new(),
                sweeps: Cell::new(0),
                reach: options.reach,
                serial: SERIALS.fetch_add(1, Ordering::Relaxed),
                held: Rc::new(Held { memory, lua }),
            }),
        })
    }

    /// Returns the state, for making values.
    pub fn lua(&self) -> &Lua {
        &self.inner.held.lua
    }

    /// Returns the number of the state in log messages.
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    /// Returns how many bytes the state holds.
    pub fn memory(&self) -> usize {
        self.inner.held.memory.held()
    }

    /// Compiles a script; `name` stands in its messages.
    pub fn load(&self, name: &str, source: &[u8]) -> Result<Function, Error> {
        Ok(text(&self.inner.held.lua, name, source).into_function()?)
    }

    /// Starts a function; the call goes on with the [`Step`]s that follow.
    pub fn start(&self, function: &Function, args: &[Arg<'_>], limits: Limits) -> (Call, Step) {
        Call::start(self, function, args, limits)
    }

    /// Runs a function to its end on a thread that has nothing else to do.
    pub fn run(&self, function: &Function, args: &[Arg<'_>], limits: Limits) -> Result<Ret, Error> {
        let (mut call, mut step) = self.start(function, args, limits);
        loop {
            step = match step {
                Step::Done(ret) => return Ok(ret),
                Step::Failed(error) => return Err(error),
                Step::Preempted => call.go_on(),
                Step::Waiting(_) => return Err(Error::raised("yield not allowed")),
            };
        }
    }

    /// Gives the state the API.
    pub(super) fn set_up(&self, info: Info) -> Result<(), Error> {
        self.set_info(info)?;
        let entries = api::install(self)?;
        drop(self.inner.held.lua.set_app_data(entries));
        environment::close(self)?;
        self.tenant().map_or(Ok(()), |account| environment::grant(self.lua(), account))
    }

    /// Returns a number that no other state has.
    pub(super) fn serial(&self) -> u64 {
        self.inner.serial
    }

    /// Returns what the state's scripts reach of LuaJIT.
    pub(super) fn reach(&self) -> Reach {
        self.inner.reach
    }

    /// Tells the state what it is.
    pub(super) fn set_info(&self, info: Info) -> Result<(), Error> {
        if let Some(tenant) = &info.tenant {
            environment::grant(&self.inner.held.lua, tenant)?;
            self.inner.tenant.get_or_init(|| Arc::clone(tenant));
            self.inner.who.set(watchdog::enroll(tenant));
        }
        drop(self.inner.held.lua.set_app_data(info));
        Ok(())
    }

    /// Has the runs in this state charged to its tenant, from now on.
    pub(super) fn set_share(&self, share: Rc<Share>) {
        // A state has one tenant in its life.
        self.inner.share.set(share).unwrap_or_default();
    }

    pub(super) fn share(&self) -> Option<&Share> {
        self.inner.share.get().map(|share| &**share)
    }

    pub(super) fn has_jit(&self) -> bool {
        self.inner.jit
    }

    /// Says whether this is the same state.
    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }

    /// Returns what outlives it for a while.
    #[cfg(test)]
    pub(super) fn held(&self) -> Rc<Held> {
        Rc::clone(&self.inner.held)
    }

    /// Returns what the state knows of itself.
    pub(super) fn info(&self) -> Option<Info> {
        self.inner.held.lua.app_data_ref::<Info>().map(|info| info.clone())
    }

    pub(super) fn downgrade(&self) -> WeakVm {
        WeakVm { inner: Rc::downgrade(&self.inner) }
    }

    /// Removes the libraries that are not named (`tune.lua.openlibs`).
    pub(super) fn keep_libraries(&self, names: &[String]) -> Result<(), Error> {
        let globals = self.inner.held.lua.globals();
        let loaded: Option<mlua::Table> = globals
            .raw_get::<Option<mlua::Table>>("package")?
            .map_or(Ok(None), |package| package.raw_get("loaded"))?;
        for name in LIBRARIES.iter().filter(|name| !names.iter().any(|kept| kept == *name)) {
            globals.raw_set(*name, mlua::Nil)?;
            if let Some(loaded) = &loaded {
                loaded.raw_set(*name, mlua::Nil)?;
            }
        }
        Ok(())
    }

    /// Limits what the state of the operator's own scripts may hold; 0 is no limit.
    pub(super) fn limit_memory(&self, bytes: usize) -> Result<(), Error> {
        if bytes > 0 {
            let limit = Limit { bytes, block: usize::MAX, knob: ("tune.lua.maxmem", bytes) };
            self.inner.held.memory.limit(&self.inner.held.lua, limit);
        }
        Ok(())
    }

    /// Limits what a tenant's state may hold, machine code included.
    ///
    /// One instruction may take the eighth part: copying more would hold the worker for too long.
    pub(super) fn limit_tenant(&self, memory_max: usize) -> Result<(), Error> {
        let lua = &self.inner.held.lua;
        let loaded: mlua::Table = lua.named_registry_value("_LOADED")?;
        let jit: Option<mlua::Table> = loaded.raw_get("jit.opt")?;
        let mut bytes = memory_max;
        if let Some(jit) = jit {
            jit.raw_get::<Function>("start")?
                .call::<()>(format!("maxmcode={}", MACHINE_CODE >> 10))?;
            bytes = bytes.saturating_sub(MACHINE_CODE).max(memory_max / 2);
        }
        let block = (memory_max / 8).clamp(256 << 10, 4 << 20);
        self.inner.held.memory.limit(lua, Limit { bytes, block, knob: ("memory-max", memory_max) });
        Ok(())
    }

    /// Returns the account of the state's memory.
    pub(super) fn heap(&self) -> &Memory {
        &self.inner.held.memory
    }

    /// Says that the state is to be thrown away.
    pub(super) fn doom(&self) {
        self.inner.doomed.set(true);
    }

    /// Says whether the state is to be thrown away: a script has used up its memory.
    pub(super) fn is_doomed(&self) -> bool {
        self.inner.doomed.get()
    }

    /// Returns whose scripts it runs, for the watchdog.
    pub(super) fn who(&self) -> Who {
        self.inner.who.get()
    }

    /// Returns the tenant whose state it is.
    pub(super) fn tenant(&self) -> Option<&Arc<Account>> {
        self.inner.tenant.get()
    }

    /// Makes a script's function of one that may wait or fail; see [`super::host`].
    pub(super) fn wrap(&self, function: Function) -> Result<Function, Error> {
        Ok(self.inner.wrap.call(function)?)
    }

    /// Returns what makes a script's function of each number that `function` takes before its
    /// arguments.
    pub(super) fn share_function(&self, function: Function) -> Result<Function, Error> {
        Ok(self.inner.share_function.call(function)?)
    }

    /// Takes a thread that runs nothing.
    pub(super) fn take_thread(&self) -> Result<Thread, Error> {
        if let Some(thread) = self.inner.idle.borrow_mut().pop() {
            return Ok(thread);
        }
        let thread = raw::new_thread(&self.inner.held.lua)?;
        self.inner.lock.call::<()>(&thread)?;
        Ok(thread)
    }

    /// Takes a thread back whose function has returned.
    pub(super) fn give_thread(&self, thread: Thread) {
        let mut idle = self.inner.idle.borrow_mut();
        if idle.len() < IDLE_MAX {
            idle.push(thread);
        }
    }

    /// Lets the collector find, beside other work, what calls have left open.
    pub(super) fn sweep_soon(&self) {
        // The cycle that runs may have passed what is garbage only now.
        if self.inner.sweeps.replace(2) > 0 {
            return;
        }
        let vm = self.downgrade();
        let work = async move {
            while vm.upgrade().is_some_and(|vm| vm.sweep_some()) {
                task::yield_now().await;
            }
        };
        task::spawn(work).detach();
    }

    /// Goes some steps on with a collection; says whether there is more to do.
    fn sweep_some(&self) -> bool {
        if self.heap().slice() {
            self.inner.sweeps.set(self.inner.sweeps.get().saturating_sub(1));
        }
        self.inner.sweeps.get() > 0
    }

    /// Collects all garbage now.
    pub(super) fn sweep(&self) {
        // A finalizer that fails has told no one; there is no one to tell.
        self.inner.held.lua.gc_collect().unwrap_or_default();
    }
}

/// Returns the chunk of a script's text.
///
/// Bytecode is refused: it can do anything. The host names every chunk.
pub(super) fn text<'a>(lua: &Lua, name: &str, source: &'a [u8]) -> mlua::chunk::Chunk<'a> {
    let chunk = lua.load(without_shebang(source));
    chunk.set_name(format!("@{name}")).set_mode(ChunkMode::Text)
}

/// Loads a file of the host's own, compiled once for all states, without its lines and names.
pub(super) fn library(
    lua: &Lua,
    compiled: &OnceLock<Vec<u8>>,
    source: &str,
) -> Result<Function, Error> {
    let code = precompile(lua, compiled, source)?;
    Ok(lua.load(code).set_name(raw::PRELUDE).set_mode(ChunkMode::Binary).into_function()?)
}

/// Compiles a file of the host's own, unless that was done: a tenant's own state cannot.
pub(super) fn precompile<'a>(
    lua: &Lua,
    compiled: &'a OnceLock<Vec<u8>>,
    source: &str,
) -> Result<&'a [u8], Error> {
    if let Some(code) = compiled.get() {
        return Ok(code);
    }
    let chunk = lua.load(source).set_name(raw::PRELUDE).set_mode(ChunkMode::Text);
    // LuaJIT's own leaves the names out.
    let dump: Function = lua.globals().get::<mlua::Table>("string")?.get("dump")?;
    let code: mlua::LuaString = dump.call((chunk.into_function()?, true))?;
    Ok(compiled.get_or_init(|| code.as_bytes().to_vec()))
}

/// Returns how long a chunk may be that a script compiles now: no hook runs meanwhile.
fn load_max(lua: &Lua) -> usize {
    match current::context() {
        _ if is_tenants(lua) => TENANT_LOAD_MAX,
        Context::Body | Context::Init => usize::MAX,
        _ => LOAD_MAX,
    }
}

/// Says whether a chunk takes too long to compile for a tenant's script.
fn is_costly(lua: &Lua, text: &mlua::LuaString) -> bool {
    if !is_tenants(lua) {
        return false;
    }
    let (branches, exponents) = chunk::costly(&text.as_bytes());
    branches > TENANT_BRANCHES_MAX || exponents > TENANT_EXPONENTS_MAX
}

fn is_tenants(lua: &Lua) -> bool {
    lua.app_data_ref::<Info>().is_some_and(|info| info.tenant.is_some())
}

impl fmt::Debug for Vm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Vm").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

/// Blanks a first line that is for the shell, keeping the numbers of the lines.
fn without_shebang(source: &[u8]) -> &[u8] {
    let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
    if source.first() != Some(&b'#') {
        return source;
    }
    let end = memchr::memchr(b'\n', source).unwrap_or(source.len());
    source.get(end..).unwrap_or_default()
}
