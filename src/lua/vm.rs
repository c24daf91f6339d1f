//! A Lua state: the only place that makes one.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;

use mlua::Function;
use mlua::Lua;
use mlua::Thread;
use mlua::chunk::ChunkMode;

use super::call::Call;
use super::call::Step;
use super::error::Error;
use super::meter::Limits;
use super::raw;
use super::raw::Arg;
use super::raw::Ret;
use super::watchdog;

/// How a state is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number in log messages: 0 for the state all threads share.
    pub id: u32,
    /// Whether scripts are compiled to machine code.
    pub jit: bool,
}

/// A state with its recycled threads; cheap to clone, bound to the worker that made it.
#[derive(Clone)]
pub struct Vm {
    inner: Rc<Inner>,
}

struct Inner {
    // Before the state, whose values they are.
    idle: RefCell<Vec<Thread>>,
    wrap: Function,
    lock: Function,
    id: u32,
    lua: Lua,
}

/// How many threads are kept for further calls.
const IDLE_MAX: usize = 128;

/// The collector's pace: LuaJIT collects nothing at its last extremity, so it must not fall behind.
const PAUSE: i32 = 120;
const STEP_MULTIPLIER: i32 = 300;

impl Vm {
    /// Makes a state with HAProxy's libraries and readies the calling thread to run it.
    pub fn new(options: Options) -> Result<Self, Error> {
        watchdog::watch().map_err(|error: io::Error| {
            Error::raised(format!("cannot start the watchdog: {error}"))
        })?;
        let lua = raw::open(options.jit);
        let pace =
            mlua::state::GcIncParams::default().pause(PAUSE).step_multiplier(STEP_MULTIPLIER);
        lua.gc_set_mode(mlua::state::GcMode::Incremental(pace));
        let (wrap, lock) = lua
            .load(include_str!("prelude.lua"))
            .set_name(raw::PRELUDE)
            .set_mode(ChunkMode::Text)
            .call::<(Function, Function)>(raw::tools(&lua)?)?;
        let idle = RefCell::new(Vec::new());
        Ok(Self { inner: Rc::new(Inner { idle, wrap, lock, id: options.id, lua }) })
    }

    /// Returns the state, for making values.
    pub fn lua(&self) -> &Lua {
        &self.inner.lua
    }

    /// Returns the number of the state in log messages.
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    /// Returns how many bytes the state holds.
    pub fn memory(&self) -> usize {
        self.inner.lua.used_memory()
    }

    /// Compiles a script; `name` stands in its messages.
    pub fn load(&self, name: &str, source: &[u8]) -> Result<Function, Error> {
        let chunk = self.inner.lua.load(without_shebang(source));
        // Bytecode is refused: it can do anything. The host names every chunk.
        let chunk = chunk.set_name(format!("@{name}")).set_mode(ChunkMode::Text);
        Ok(chunk.into_function()?)
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

    /// Makes a script's function of one that may wait or fail; see [`super::host`].
    pub(super) fn wrap(&self, function: Function) -> Result<Function, Error> {
        Ok(self.inner.wrap.call(function)?)
    }

    /// Takes a thread that runs nothing.
    pub(super) fn take_thread(&self) -> Result<Thread, Error> {
        if let Some(thread) = self.inner.idle.borrow_mut().pop() {
            return Ok(thread);
        }
        let thread = raw::new_thread(&self.inner.lua)?;
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

    /// Closes what a call that will never go on has left open.
    pub(super) fn sweep(&self) {
        // A finalizer that fails has told no one; there is no one to tell.
        self.inner.lua.gc_collect().unwrap_or_default();
    }
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
