//! The script host of a worker: starts the calls that the proxy makes and goes on with them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::task::Context as TaskContext;
use std::task::Poll;

use bytes::Bytes;
use mlua::Value;
use slab::Slab;

use super::api;
use super::api::Handle;
use super::book::Book;
use super::book::Place;
use super::call::Call as LuaCall;
use super::call::Step as LuaStep;
use super::current;
use super::current::Context;
use super::current::Current;
use super::error::Error;
use super::host::Op;
use super::loader::Plan;
use super::meter::Limits;
use super::raw::Arg;
use super::raw::Ret;
use super::tasks;
use super::vm::Vm;
use crate::log::Level;
use crate::log::Target;
use crate::script;
use crate::script::Call;
use crate::script::Id;
use crate::script::Kind;
use crate::script::Outcome;
use crate::script::Step;
use crate::script::Suspended;
use crate::script::Verdict;
use crate::txn;
use crate::txn::Direction;

/// The script host of a worker, and of the program while a configuration is compiled.
pub struct Host {
    pub(super) worker: usize,
    pub(super) book: Rc<Book>,
    /// The state of `lua-load`.
    pub(super) shared: RefCell<Option<Vm>>,
    /// The worker's state of `lua-load-per-thread`.
    pub(super) own: RefCell<Option<Vm>>,
    /// What other workers do to become like this one.
    pub(super) plan: RefCell<Plan>,
    /// The suspended calls; `None` in a place whose call is being polled or has ended.
    calls: RefCell<Slab<Option<Running>>>,
}

/// What is known of a call from its start on.
#[derive(Clone, Debug)]
struct Origin {
    kind: Kind,
    id: Id,
    http: bool,
    current: Current,
    state: u32,
}

/// A suspended call.
struct Running {
    // Before the call, which closes what is left open.
    parked: Parked,
    call: LuaCall,
    origin: Origin,
}

/// What a suspended call does.
enum Parked {
    Waiting(Op),
    /// Gives way, once.
    Preempted {
        given: bool,
    },
}

impl Host {
    /// Returns a host without scripts, for the worker with this index.
    pub fn new(worker: usize) -> Rc<Self> {
        Rc::new(Self {
            worker,
            book: Rc::default(),
            shared: RefCell::default(),
            own: RefCell::default(),
            plan: RefCell::default(),
            calls: RefCell::default(),
        })
    }

    /// Sets where messages go that belong to no proxy: the `log` lines of `global`.
    pub fn set_loggers(&self, loggers: Vec<Target>) {
        self.book.settings.borrow_mut().loggers = loggers;
    }

    /// Starts the tasks that scripts have registered. To be called on the worker's executor.
    pub fn run_tasks(&self) {
        self.book.running.set(true);
        let queued = self.book.tasks.take();
        for task in queued {
            let info = self.vm(task.place).and_then(|vm| vm.info());
            if let Some(info) = info {
                tasks::spawn(&info, task);
            }
        }
    }

    /// Returns a state, if this worker has it.
    pub(super) fn vm(&self, place: Place) -> Option<Vm> {
        match place {
            Place::Shared => self.shared.borrow().clone(),
            Place::Own => self.own.borrow().clone(),
        }
    }

    /// Starts a registered function.
    fn begin(
        self: Rc<Self>,
        origin: Origin,
        first: Option<&Value>,
        arguments: &[Arg<'_>],
        limits: Limits,
    ) -> Step {
        let found = {
            let table = self.book.table(origin.kind).borrow();
            let entry = table.get(origin.id.0 as usize);
            entry.and_then(|entry| Some((entry.function.clone()?, entry.place)))
        };
        let Some((function, vm)) =
            found.and_then(|(function, place)| Some((function, self.vm(place)?)))
        else {
            self.report(&origin, &Error::raised("the function is not in this worker's states"));
            return Step::Ended(Outcome::Failed);
        };
        let origin = Origin { state: vm.id(), ..origin };
        let mut all = Vec::with_capacity(arguments.len() + 1);
        all.extend(first.map(Arg::Value));
        all.extend_from_slice(arguments);
        let (call, step) = current::with(&origin.current, || vm.start(&function, &all, limits));
        match self.settle(&origin, step) {
            Ok(outcome) => Step::Ended(outcome),
            Err(parked) => {
                let running = Running { parked, call, origin };
                let number = self.calls.borrow_mut().insert(Some(running));
                Step::Suspended(Suspended::new(self, number))
            }
        }
    }

    /// Goes on with a call until it ends or has to wait.
    fn advance(&self, running: &mut Running, cx: &mut TaskContext<'_>) -> Poll<Outcome> {
        loop {
            let Running { parked, call, origin } = running;
            let step = match parked {
                Parked::Waiting(op) => {
                    let Poll::Ready(outcome) =
                        current::with(&origin.current, || op.as_mut().poll(cx))
                    else {
                        return Poll::Pending;
                    };
                    current::with(&origin.current, || call.answer(outcome))
                }
                Parked::Preempted { given: false } => {
                    *parked = Parked::Preempted { given: true };
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Parked::Preempted { given: true } => {
                    current::with(&origin.current, || call.go_on())
                }
            };
            match self.settle(&running.origin, step) {
                Ok(outcome) => return Poll::Ready(outcome),
                Err(parked) => running.parked = parked,
            }
        }
    }

    /// Returns how a call has ended, or how it waits.
    fn settle(&self, origin: &Origin, step: LuaStep) -> Result<Outcome, Parked> {
        match step {
            LuaStep::Done(ret) => Ok(self.conclude(origin, ret)),
            LuaStep::Preempted => Err(Parked::Preempted { given: false }),
            LuaStep::Waiting(op) if origin.current.context.may_wait() => Err(Parked::Waiting(op)),
            LuaStep::Waiting(_) => {
                let why = if origin.kind == Kind::Converter {
                    "yield functions like core.tcp() or core.sleep() are not allowed"
                } else {
                    "yield not allowed"
                };
                let error = Error { kind: super::Kind::Time, ..Error::raised(why) };
                self.report(origin, &error);
                Ok(Outcome::Failed)
            }
            LuaStep::Failed(error) => {
                self.report(origin, &error);
                Ok(Outcome::Failed)
            }
        }
    }

    fn conclude(&self, origin: &Origin, ret: Ret) -> Outcome {
        match origin.kind {
            Kind::Fetch | Kind::Converter => {
                if let Ret::Number(number) = ret
                    && api::whole(number).is_none()
                {
                    self.warn_of_fraction(origin, number);
                }
                if ret == Ret::Nil && !self.book.settings.borrow().nil_is_false {
                    return Outcome::Value(None);
                }
                Outcome::Value(api::returned(ret))
            }
            Kind::Action => Outcome::Verdict(match ret {
                Ret::Number(number) => api::verdict(number),
                _ => Verdict::Continue,
            }),
            Kind::Service => {
                let Some(txn) = origin.current.txn.as_ref().and_then(txn::Handle::upgrade) else {
                    return Outcome::Failed;
                };
                let mut txn = txn.borrow_mut();
                if origin.http && txn.response.is_none() {
                    // HAProxy: no word of it but the 500.
                    return Outcome::Failed;
                }
                txn.res.end_input();
                Outcome::Served
            }
        }
    }

    /// Logs, once a function, that a number with a fraction is no sample.
    fn warn_of_fraction(&self, origin: &Origin, number: f64) {
        let table = self.book.table(origin.kind).borrow();
        let Some(entry) = table.get(origin.id.0 as usize) else { return };
        if entry.warned.replace(true) {
            return;
        }
        let kind = if origin.kind == Kind::Converter { "converter" } else { "sample-fetch" };
        let text = format!(
            "Lua {kind} '{}': a number with a fraction is no sample: {number}.",
            entry.name
        );
        let txn = origin.current.txn.as_ref().and_then(txn::Handle::upgrade);
        self.book.say(Level::Warning, &text, txn.as_ref());
    }

    /// Logs why a call failed.
    fn report(&self, origin: &Origin, error: &Error) {
        let table = self.book.table(origin.kind).borrow();
        let name = table.get(origin.id.0 as usize).map_or("?", |entry| entry.name.as_str());
        let what = match (origin.kind, origin.http) {
            (Kind::Fetch, _) => format!("sample-fetch '{name}'"),
            (Kind::Converter, _) => format!("converter '{name}'"),
            (Kind::Action, _) => format!("function '{name}'"),
            (Kind::Service, true) => format!("applet http '<lua.{name}>'"),
            (Kind::Service, false) => format!("applet tcp '<lua.{name}>'"),
        };
        let txn = origin.current.txn.as_ref().and_then(txn::Handle::upgrade);
        self.book.report(&what, error, origin.state, txn.as_ref());
    }

    /// Starts a function whose first argument is an exchange.
    fn begin_with_txn(
        self: Rc<Self>,
        (kind, id, http): (Kind, Id, bool),
        txn: &txn::Shared,
        direction: Direction,
        arguments: &[Bytes],
    ) -> Step {
        let context = match kind {
            Kind::Fetch | Kind::Converter => Context::Fetch,
            Kind::Action => Context::Action,
            Kind::Service => Context::Service,
        };
        let limits = match kind {
            Kind::Service => self.book.settings.borrow().for_service(),
            _ => self.book.settings.borrow().for_session(),
        };
        let handle = Handle { txn: Rc::downgrade(txn), direction };
        let current = Current { context, txn: Some(handle.txn.clone()) };
        let origin = Origin { kind, id, http, current, state: 0 };
        let place = {
            let table = self.book.table(kind).borrow();
            table.get(id.0 as usize).map(|entry| entry.place)
        };
        let data = place
            .and_then(|place| self.vm(place))
            .map(|vm| vm.lua().create_userdata(handle).map(Value::UserData));
        let data = match data.transpose() {
            Ok(data) => data,
            Err(error) => {
                self.report(&origin, &error.into());
                return Step::Ended(Outcome::Failed);
            }
        };
        let arguments: Vec<Arg<'_>> = arguments.iter().map(|text| Arg::Str(text)).collect();
        self.begin(origin, data.as_ref(), &arguments, limits)
    }
}

impl script::Scripts for Host {
    fn start(self: Rc<Self>, call: Call<'_>) -> Step {
        match call {
            Call::Fetch { id, txn, direction, arguments } => {
                self.begin_with_txn((Kind::Fetch, id, false), txn, direction, arguments)
            }
            Call::Converter { id, input, arguments } => {
                let current = Current { context: Context::Converter, txn: None };
                let origin = Origin { kind: Kind::Converter, id, http: false, current, state: 0 };
                let input = input.into_bytes();
                let mut all = Vec::with_capacity(arguments.len() + 1);
                all.push(Arg::Str(&input));
                all.extend(arguments.iter().map(|text| Arg::Str(text)));
                let limits = self.book.settings.borrow().for_session();
                self.begin(origin, None, &all, limits)
            }
            Call::Action { id, txn, direction, arguments } => {
                self.begin_with_txn((Kind::Action, id, false), txn, direction, arguments)
            }
            Call::HttpService { id, txn } => {
                self.begin_with_txn((Kind::Service, id, true), txn, Direction::Request, &[])
            }
            Call::TcpService { id, txn } => {
                self.begin_with_txn((Kind::Service, id, false), txn, Direction::Request, &[])
            }
        }
    }

    fn poll(&self, number: usize, cx: &mut TaskContext<'_>) -> Poll<Outcome> {
        // Out of its place meanwhile: what the script does may start or end other calls.
        let running = self.calls.borrow_mut().get_mut(number).and_then(Option::take);
        let Some(mut running) = running else { return Poll::Ready(Outcome::Failed) };
        let poll = self.advance(&mut running, cx);
        if poll.is_pending()
            && let Some(place) = self.calls.borrow_mut().get_mut(number)
        {
            *place = Some(running);
        }
        poll
    }

    fn cancel(&self, number: usize) {
        let running = self.calls.borrow_mut().try_remove(number).flatten();
        // Outside of the table: what ends with it may end other calls.
        drop(running);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Host").field("worker", &self.worker).finish_non_exhaustive()
    }
}
