//! The script host of a worker: starts the calls that the proxy makes and goes on with them.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::rc::Weak;
use std::task::Context as TaskContext;
use std::task::Poll;
use std::task::Waker;

use mlua::Value;
use slab::Slab;

use super::api;
use super::api::Handle;
use super::book::Book;
use super::book::Place;
use super::book::Whom;
use super::book::command_name;
use super::call::Call as LuaCall;
use super::call::Step as LuaStep;
use super::current;
use super::current::Context;
use super::current::Current;
use super::error::Error;
use super::host;
use super::host::Op;
use super::loader::Plan;
use super::order::Kept;
use super::order::Order;
use super::raw::Arg;
use super::raw::Ret;
use super::tasks;
use super::tenants::Admission;
use super::tenants::States;
use super::tenants::Use;
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
use crate::task;
use crate::txn;

/// The script host of a worker, and of the program while a configuration is compiled.
pub struct Host {
    pub(super) book: Rc<Book>,
    /// The state of `lua-load`.
    pub(super) shared: RefCell<Option<Vm>>,
    /// The worker's state of `lua-load-per-thread`.
    pub(super) own: RefCell<Option<Vm>>,
    /// The states of tenants.
    pub(super) states: States,
    /// What other workers do to become like this one.
    pub(super) plan: RefCell<Plan>,
    /// The suspended calls; `None` in a place whose call is being polled or has ended.
    calls: RefCell<Slab<Option<Suspension>>>,
}

/// What is known of a call from its start on.
#[derive(Debug)]
struct Origin {
    kind: Kind,
    id: Id,
    http: bool,
    current: Current,
    state: u32,
    tenant: Option<Use>,
}

/// A call that has not ended.
enum Suspension {
    /// It has not begun; `has_waited` once others went first. A tenant's state is kept for it.
    Queued {
        order: Kept,
        has_waited: bool,
        tenant: Option<Use>,
    },
    Running(Box<Running>),
}

/// A suspended call.
struct Running {
    // Before the call, which closes what is left open.
    parked: Parked,
    call: LuaCall,
    vm: Vm,
    origin: Origin,
    /// Of a tenant's: its end is told when the state is thrown away.
    waker: Option<Waker>,
}

/// What a suspended call does.
enum Parked {
    Waiting(Op),
    /// It has what it waited for.
    Answered(host::Outcome),
    /// Gives way, once.
    Preempted,
    /// It is its turn again.
    Ready(Option<host::Outcome>),
}

impl Host {
    /// Returns a host without scripts, for the worker with this index.
    pub fn new(worker: usize) -> Rc<Self> {
        Rc::new_cyclic(|host| Self {
            book: Rc::new(Book::new(Weak::clone(host), worker)),
            shared: RefCell::default(),
            own: RefCell::default(),
            states: States::default(),
            plan: RefCell::default(),
            calls: RefCell::default(),
        })
    }

    /// Sets where messages go that belong to no proxy: the `log` lines of `global`.
    pub fn set_loggers(&self, loggers: Vec<Target>) {
        self.book.settings.borrow_mut().loggers = loggers;
    }

    /// Starts the tasks that scripts have registered. To be called on the worker's executor.
    pub fn run_tasks(self: &Rc<Self>) {
        self.book.running.set(true);
        let queued = self.book.tasks.take();
        for task in queued {
            tasks::spawn(&self.book, task);
        }
        self.prepare_spares();
    }

    /// Returns a state, if this worker has it.
    pub(super) fn vm(&self, place: Place) -> Option<Vm> {
        match place {
            Place::Shared => self.shared.borrow().clone(),
            Place::Own => self.own.borrow().clone(),
            Place::Tenant(index) => self.tenant(index)?.vm(),
        }
    }

    /// Wakes the calls that are suspended in a state.
    pub(super) fn wake_calls(&self, vm: &Vm) {
        let calls = self.calls.borrow();
        let wakers: Vec<Waker> = calls
            .iter()
            .filter_map(|(_, call)| match call {
                Some(Suspension::Running(running)) if running.vm.is(vm) => running.waker.clone(),
                _ => None,
            })
            .collect();
        drop(calls);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Starts a registered function.
    fn begin(&self, order: &Order<'_>, tenant: Option<Use>) -> Result<Outcome, Box<Running>> {
        let found = {
            let table = self.book.table(order.kind).borrow();
            table.get(order.id).map(|entry| (entry.function.clone(), entry.place))
        };
        let vm = found.as_ref().and_then(|(_, place)| self.vm(*place));
        let context = match order.kind {
            Kind::Converter => Context::Converter,
            Kind::Fetch => Context::Fetch,
            Kind::Action => Context::Action,
            Kind::Service => Context::Service,
        };
        let current = Current { context, txn: order.txn.map(Rc::downgrade) };
        let state = vm.as_ref().map_or(0, Vm::id);
        let (kind, id, http) = (order.kind, order.id, order.http);
        let origin = Origin { kind, id, http, current, state, tenant };
        let (Some((Some(function), _)), Some(vm)) = (found, vm) else {
            let error = Error::raised("the function is not in this worker's states");
            return Ok(self.fail(&origin, &error));
        };
        let first = match order.txn {
            Some(txn) => {
                let handle = Handle { txn: Rc::downgrade(txn), direction: order.direction };
                match vm.lua().create_userdata(handle) {
                    Ok(data) => Some(Value::UserData(data)),
                    Err(error) => return Ok(self.fail(&origin, &error.into())),
                }
            }
            None => None,
        };
        let mut arguments = Vec::with_capacity(order.arguments.len() + 1);
        arguments.extend(first.as_ref().map(Arg::Value));
        arguments.extend(order.input.as_ref().map(|input| Arg::Str(input)));
        arguments.extend(order.arguments.iter().map(|text| Arg::Str(text)));
        let limits = match (&origin.tenant, order.kind) {
            (Some(used), _) => used.tenant.for_call(),
            (None, Kind::Service) => self.book.settings.borrow().for_service(),
            (None, _) => self.book.settings.borrow().for_session(),
        };
        let (call, step) =
            current::with(&origin.current, || vm.start(&function, &arguments, limits));
        match self.settle(&origin, &vm, step) {
            Ok(outcome) => Ok(outcome),
            Err(parked) => Err(Box::new(Running { parked, call, vm, origin, waker: None })),
        }
    }

    /// Goes on with a call until it ends or has to wait.
    fn advance(
        self: &Rc<Self>,
        suspension: &mut Suspension,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Outcome> {
        match suspension {
            Suspension::Running(running) => self.run(running, cx),
            Suspension::Queued { order, has_waited, tenant } => {
                let order = order.order();
                match self.admit(order.kind, order.id, *has_waited) {
                    Admission::Go(used) => match self.begin(&order, used) {
                        Ok(outcome) => Poll::Ready(outcome),
                        Err(mut running) => {
                            let poll = self.run(&mut running, cx);
                            *suspension = Suspension::Running(running);
                            poll
                        }
                    },
                    Admission::Wait(used) => {
                        used.tenant.wake_when_open(cx.waker());
                        *tenant = Some(used);
                        Poll::Pending
                    }
                    Admission::Last => {
                        *has_waited = true;
                        task::go_last();
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    Admission::Refused(outcome) => Poll::Ready(outcome),
                }
            }
        }
    }

    /// Goes on with a call that has begun.
    fn run(self: &Rc<Self>, running: &mut Running, cx: &mut TaskContext<'_>) -> Poll<Outcome> {
        let poll = loop {
            let Running { parked, call, vm, origin, .. } = running;
            if vm.is_doomed() {
                let error = Error::raised("the tenant's state was restarted");
                break Poll::Ready(self.fail(origin, &error));
            }
            match mem::replace(parked, Parked::Preempted) {
                Parked::Waiting(mut op) => {
                    match current::with(&origin.current, || op.as_mut().poll(cx)) {
                        Poll::Ready(outcome) => *parked = Parked::Answered(outcome),
                        Poll::Pending => {
                            *parked = Parked::Waiting(op);
                            break Poll::Pending;
                        }
                    }
                }
                Parked::Answered(outcome) if call.is_over_share() => {
                    *parked = Parked::Ready(Some(outcome));
                    task::go_last();
                    cx.waker().wake_by_ref();
                    break Poll::Pending;
                }
                Parked::Preempted => {
                    *parked = Parked::Ready(None);
                    if call.is_over_share() {
                        task::go_last();
                    }
                    cx.waker().wake_by_ref();
                    break Poll::Pending;
                }
                Parked::Answered(outcome) | Parked::Ready(Some(outcome)) => {
                    let step = current::with(&origin.current, || call.answer(outcome));
                    match self.settle(origin, vm, step) {
                        Ok(outcome) => break Poll::Ready(outcome),
                        Err(next) => *parked = next,
                    }
                }
                Parked::Ready(None) => {
                    let step = current::with(&origin.current, || call.go_on());
                    match self.settle(origin, vm, step) {
                        Ok(outcome) => break Poll::Ready(outcome),
                        Err(next) => *parked = next,
                    }
                }
            }
        };
        if poll.is_pending() && running.origin.tenant.is_some() {
            running.waker = Some(cx.waker().clone());
        }
        poll
    }

    /// Returns how a call has ended, or how it waits.
    fn settle(&self, origin: &Origin, vm: &Vm, step: LuaStep) -> Result<Outcome, Parked> {
        let settled = self.judge(origin, step);
        // Not before the end of this call, whose failure says why.
        if settled.is_ok()
            && vm.is_doomed()
            && let (Some(used), Some(host)) = (&origin.tenant, self.book.host.upgrade())
        {
            host.discard(&used.tenant, vm);
        }
        settled
    }

    fn judge(&self, origin: &Origin, step: LuaStep) -> Result<Outcome, Parked> {
        match step {
            LuaStep::Done(ret) => Ok(self.conclude(origin, ret)),
            LuaStep::Preempted => Err(Parked::Preempted),
            LuaStep::Waiting(op) if origin.current.context.may_wait() => Err(Parked::Waiting(op)),
            LuaStep::Waiting(_) => {
                let why = if origin.kind == Kind::Converter {
                    "yield functions like core.tcp() or core.sleep() are not allowed"
                } else {
                    "yield not allowed"
                };
                let error = Error { kind: super::Kind::Time, ..Error::raised(why) };
                Ok(self.fail(origin, &error))
            }
            LuaStep::Failed(error) => Ok(self.fail(origin, &error)),
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
                    return failed(origin);
                };
                let mut txn = txn.borrow_mut();
                if origin.http && txn.response.is_none() {
                    // HAProxy: no word of it but the 500.
                    return failed(origin);
                }
                txn.res.end_input();
                Outcome::Served
            }
        }
    }

    /// Logs, once a function, that a number with a fraction is no sample.
    fn warn_of_fraction(&self, origin: &Origin, number: f64) {
        let table = self.book.table(origin.kind).borrow();
        let Some(entry) = table.get(origin.id) else { return };
        if entry.warned.replace(true) {
            return;
        }
        let kind = if origin.kind == Kind::Converter { "converter" } else { "sample-fetch" };
        let text = format!(
            "Lua {kind} '{}': a number with a fraction is no sample: {number}.",
            entry.name
        );
        let txn = origin.current.txn.as_ref().and_then(txn::Handle::upgrade);
        self.book.say(Level::Warning, &text, Whom { txn: txn.as_ref(), ..origin.whom() });
    }

    /// Logs why a call failed, and returns what becomes of it.
    fn fail(&self, origin: &Origin, error: &Error) -> Outcome {
        let table = self.book.table(origin.kind).borrow();
        let name = table.get(origin.id).map_or("?", |entry| entry.name.as_str());
        let name = match &origin.tenant {
            Some(_) => name.split_once(':').map_or(name, |(_, name)| name),
            None => name,
        };
        let what = match (origin.kind, origin.http) {
            (Kind::Fetch, _) => format!("sample-fetch '{name}'"),
            (Kind::Converter, _) => format!("converter '{name}'"),
            (Kind::Action, _) => format!("function '{name}'"),
            (Kind::Service, true) => format!("applet http '<lua.{name}>'"),
            (Kind::Service, false) => format!("applet tcp '<lua.{name}>'"),
        };
        let txn = origin.current.txn.as_ref().and_then(txn::Handle::upgrade);
        let whom = Whom { txn: txn.as_ref(), ..origin.whom() };
        self.book.report(&what, error, origin.state, whom);
        failed(origin)
    }
}

impl Origin {
    fn whom(&self) -> Whom<'_> {
        self.tenant.as_ref().map_or_else(Whom::default, |used| used.tenant.whom())
    }
}

fn failed(origin: &Origin) -> Outcome {
    origin.tenant.as_ref().map_or(Outcome::Failed, |used| used.tenant.failed())
}

impl script::Scripts for Host {
    fn find_command(&self, words: &[&str]) -> Option<Id> {
        let commands = self.book.commands.borrow();
        let begins = |path: &&(String, String)| {
            let count = path.0.split(' ').count();
            path.0.split(' ').eq(words.iter().copied().take(count))
        };
        let (path, _) = commands.iter().filter(begins).max_by_key(|(path, _)| path.len())?;
        self.book.find(Kind::Service, &command_name(path)).map(|(id, _)| id)
    }

    fn commands(&self) -> Vec<(String, String)> {
        self.book.commands.borrow().clone()
    }

    fn start(self: Rc<Self>, call: Call<'_>) -> Step {
        let order = Order::from(call);
        let suspension = match self.admit(order.kind, order.id, false) {
            Admission::Go(used) => match self.begin(&order, used) {
                Ok(outcome) => return Step::Ended(outcome),
                Err(running) => Suspension::Running(running),
            },
            Admission::Refused(outcome) => return Step::Ended(outcome),
            Admission::Wait(used) => {
                Suspension::Queued { order: order.keep(), has_waited: false, tenant: Some(used) }
            }
            Admission::Last => {
                Suspension::Queued { order: order.keep(), has_waited: false, tenant: None }
            }
        };
        let number = self.calls.borrow_mut().insert(Some(suspension));
        Step::Suspended(Suspended::new(self, number))
    }

    fn poll(&self, number: usize, cx: &mut TaskContext<'_>) -> Poll<Outcome> {
        // Out of its place meanwhile: what the script does may start or end other calls.
        let running = self.calls.borrow_mut().get_mut(number).and_then(Option::take);
        let (Some(mut running), Some(host)) = (running, self.book.host.upgrade()) else {
            return Poll::Ready(Outcome::Failed);
        };
        let poll = host.advance(&mut running, cx);
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
        out.debug_struct("Host").field("worker", &self.book.worker).finish_non_exhaustive()
    }
}
