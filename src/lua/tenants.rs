//! The tenants of a worker: their states are made when they are called, thrown away when they are
//! idle or broken, and prepared ahead so that nobody waits.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::rc::Weak;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

use futures_lite::future;
use slab::Slab;

use super::account::Account;
use super::book::Book;
use super::book::Info;
use super::book::Place;
use super::book::Whom;
use super::chunk::Chunk;
use super::error::Error;
use super::loader;
use super::meter::Limits;
use super::scripts::Host;
use super::share::Share;
use super::tasks;
use super::vm::Options;
use super::vm::Reach;
use super::vm::Vm;
use crate::clock;
use crate::log::Level;
use crate::net::timer;
use crate::script::Id;
use crate::script::Kind;
use crate::script::Load;
use crate::script::LoadError;
use crate::script::Outcome;
use crate::script::policy::OnError;
use crate::script::policy::Policy;
use crate::task;

/// The most a body or init function of a tenant may take.
const BODY_MAX: Duration = Duration::from_secs(1);

/// How long calls are refused after a state could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// What all workers know of a tenant.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub account: Arc<Account>,
    /// The files, in order.
    pub files: Arc<[(Load, Chunk)]>,
}

/// A tenant on a worker.
#[derive(Debug)]
pub(super) struct Tenant {
    pub index: u32,
    pub known: Known,
    pub share: Rc<Share>,
    /// Its tasks, which end with the state.
    pub tasks: RefCell<Slab<Option<task::Task<()>>>>,
    state: RefCell<State>,
    /// The functions that the state has registered.
    registered: RefCell<Vec<(Kind, Id)>>,
    /// Its bodies register tasks, so that the state must be there.
    has_tasks: Cell<bool>,
    /// Calls and tasks that have not ended.
    users: Cell<usize>,
    /// When the last of them ended, if its state is idle: its key in [`States::idle`].
    rested: Cell<Option<u64>>,
    /// When a state may be made again, after one could not.
    retry: Cell<Option<Instant>>,
    /// It has been logged that its calls are refused.
    told: Cell<bool>,
}

#[derive(Debug)]
enum State {
    None,
    /// It is being made; who waits for it.
    Opening(Vec<Waker>),
    Open(Vm),
}

/// Counts a call or task among the users of a tenant's state.
pub(super) struct Use {
    pub tenant: Rc<Tenant>,
    host: Weak<Host>,
}

/// Whether a call may begin.
pub(super) enum Admission {
    /// At once.
    Go(Option<Use>),
    /// When the state is there.
    Wait(Use),
    /// After everyone who is waiting now: the tenant has used up its share.
    Last,
    /// It may not.
    Refused(Outcome),
}

/// The states of tenants on a worker.
#[derive(Debug, Default)]
pub(super) struct States {
    tenants: RefCell<Vec<Rc<Tenant>>>,
    /// Made ahead, for any tenant.
    spares: RefCell<Vec<Vm>>,
    /// The tenants whose states have no users, in the order in which they lost the last one.
    idle: RefCell<BTreeMap<u64, Rc<Tenant>>>,
    /// Counts the ends of calls and tasks that left a state idle.
    ends: Cell<u64>,
    /// Counts the states that were made for tenants.
    opened: Cell<u64>,
}

impl Tenant {
    fn new(index: u32, known: Known) -> Rc<Self> {
        let share = Rc::new(Share::new(known.account.policy.cpu_share));
        Rc::new(Self {
            index,
            known,
            share,
            tasks: RefCell::default(),
            state: RefCell::new(State::None),
            registered: RefCell::default(),
            has_tasks: Cell::new(false),
            users: Cell::new(0),
            rested: Cell::new(None),
            retry: Cell::new(None),
            told: Cell::new(false),
        })
    }

    /// Returns the state, if there is one.
    pub(super) fn vm(&self) -> Option<Vm> {
        match &*self.state.borrow() {
            State::Open(vm) => Some(vm.clone()),
            State::None | State::Opening(_) => None,
        }
    }

    /// Returns the limits of a call.
    pub(super) fn for_call(&self) -> Limits {
        let policy = self.policy();
        Limits { total: Some(policy.cpu_max), burst: None, slice: policy.slice, knob: "cpu-max" }
    }

    /// Returns the limits of a task, which may live for ever.
    pub(super) fn for_task(&self) -> Limits {
        let policy = self.policy();
        Limits { total: None, burst: Some(policy.cpu_max), slice: policy.slice, knob: "cpu-max" }
    }

    /// Returns what becomes of an exchange whose call has failed.
    pub(super) fn failed(&self) -> Outcome {
        match self.policy().on_error {
            OnError::Deny { status } => Outcome::Refused(status),
            OnError::Continue => Outcome::Failed,
        }
    }

    /// Returns a niceness that is not below the tenant's.
    pub(super) fn nice(&self, nice: i32) -> i32 {
        nice.max(self.policy().nice)
    }

    /// Has a task woken when the state has been made.
    pub(super) fn wake_when_open(&self, waker: &Waker) {
        if let State::Opening(wakers) = &mut *self.state.borrow_mut()
            && !wakers.iter().any(|known| known.will_wake(waker))
        {
            wakers.push(waker.clone());
        }
    }

    /// Takes note that its state has registered a function.
    pub(super) fn note_registered(&self, kind: Kind, id: Id) {
        self.registered.borrow_mut().push((kind, id));
    }

    /// Takes note that its bodies register tasks.
    pub(super) fn note_task(&self) {
        self.has_tasks.set(true);
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.known.account.policy
    }

    /// Returns the limits of a body or init function.
    pub(super) fn for_body(&self, book: &Book) -> Limits {
        let limit = book.settings.borrow().load.map_or(BODY_MAX, |limit| limit.min(BODY_MAX));
        let slice = self.policy().slice;
        Limits { total: Some(limit), burst: None, slice, knob: "tune.lua.load-timeout" }
    }

    pub(super) fn whom(&self) -> Whom<'_> {
        Whom { txn: None, tenant: Some(&self.known.account) }
    }

    fn place(&self) -> Place {
        Place::Tenant(self.index)
    }

    fn is_open(&self) -> bool {
        matches!(*self.state.borrow(), State::Open(_))
    }

    /// Puts a state, or its lack, in the place of the one before.
    fn set_state(&self, state: State) {
        match self.state.replace(state) {
            State::Opening(wakers) => wakers.into_iter().for_each(Waker::wake),
            State::None | State::Open(_) => {}
        }
    }
}

impl States {
    /// Takes note that a tenant's state has lost its last user.
    fn lay(&self, tenant: &Rc<Tenant>) {
        let end = self.ends.get() + 1;
        self.ends.set(end);
        tenant.rested.set(Some(end));
        self.idle.borrow_mut().insert(end, Rc::clone(tenant));
    }

    /// Takes note that a tenant's state is not idle any more, if it was.
    fn rouse(&self, tenant: &Tenant) {
        if let Some(end) = tenant.rested.take() {
            self.idle.borrow_mut().remove(&end);
        }
    }

    /// Returns the tenant whose state has been idle for longest, if there are too many.
    fn find_surplus(&self, most: usize) -> Option<Rc<Tenant>> {
        let idle = self.idle.borrow();
        if idle.len() <= most {
            return None;
        }
        idle.first_key_value().map(|(_, tenant)| Rc::clone(tenant))
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let users = self.tenant.users.get().saturating_sub(1);
        self.tenant.users.set(users);
        if users == 0
            && let Some(host) = self.host.upgrade()
        {
            host.rest(&self.tenant);
        }
    }
}

impl fmt::Debug for Use {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Use").field("tenant", &self.tenant.index).finish()
    }
}

impl Host {
    /// Makes a tenant known on this worker.
    pub(super) fn add_tenant(&self, known: Known) -> Rc<Tenant> {
        let mut tenants = self.states.tenants.borrow_mut();
        let index = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
        let tenant = Tenant::new(index, known);
        tenants.push(Rc::clone(&tenant));
        tenant
    }

    /// Returns a tenant by its index.
    pub(super) fn tenant(&self, index: u32) -> Option<Rc<Tenant>> {
        self.states.tenants.borrow().get(index as usize).cloned()
    }

    /// Returns what other workers must know of the tenants.
    pub(super) fn known_tenants(&self) -> Vec<Known> {
        self.states.tenants.borrow().iter().map(|tenant| tenant.known.clone()).collect()
    }

    /// Decides whether a call of a function may begin; `has_waited` says that others went first.
    pub(super) fn admit(self: &Rc<Self>, kind: Kind, id: Id, has_waited: bool) -> Admission {
        let place = self.book.table(kind).borrow().get(id).map(|entry| entry.place);
        let Some(Place::Tenant(index)) = place else { return Admission::Go(None) };
        let Some(tenant) = self.tenant(index) else { return Admission::Refused(Outcome::Failed) };
        if tenant.known.account.is_quarantined() {
            return self.refuse(&tenant);
        }
        tenant.told.set(false);
        if !has_waited && tenant.share.is_over(super::watchdog::now()) {
            return Admission::Last;
        }
        if matches!(*tenant.state.borrow(), State::None) {
            if tenant.retry.get().is_some_and(|retry| clock::now() < retry) {
                return Admission::Refused(tenant.failed());
            }
            self.open_tenant(&tenant);
        }
        // Its runs count as the tenant's, whoever else's exchange it is.
        task::set_nice(tenant.nice(task::nice()));
        let is_open = tenant.is_open();
        let used = self.enter(tenant);
        if is_open { Admission::Go(Some(used)) } else { Admission::Wait(used) }
    }

    /// Counts one more user of a tenant's state.
    pub(super) fn enter(self: &Rc<Self>, tenant: Rc<Tenant>) -> Use {
        tenant.users.set(tenant.users.get().saturating_add(1));
        self.states.rouse(&tenant);
        Use { tenant, host: Rc::downgrade(self) }
    }

    /// Takes note that a tenant's state has no user any more.
    fn rest(self: &Rc<Self>, tenant: &Rc<Tenant>) {
        if !tenant.is_open() {
            return;
        }
        self.states.lay(tenant);
        let most = self.book.settings.borrow().idle_states;
        while let Some(oldest) = self.states.find_surplus(most) {
            self.close_tenant(&oldest);
        }
    }

    /// Throws a state away that must not be used again; its calls fail, its tasks end.
    pub(super) fn discard(self: &Rc<Self>, tenant: &Rc<Tenant>, vm: &Vm) {
        if tenant.vm().is_none_or(|open| !open.is(vm)) {
            return;
        }
        self.close_tenant(tenant);
        self.wake_calls(vm);
        self.restart_tasks(tenant);
    }

    /// Runs the bodies of a tenant once, for what they register.
    pub(super) fn try_tenant(self: &Rc<Self>, tenant: &Rc<Tenant>) -> Result<(), LoadError> {
        let used = self.enter(Rc::clone(tenant));
        let vm = self.make_tenant(tenant)?;
        tenant.set_state(State::Open(vm.clone()));
        let made = future::block_on(self.run_bodies(tenant, &vm));
        drop(used);
        // Neither a task nor an init function needs it: the workers make their own when called.
        if made.is_err() || tenant.users.get() == 0 {
            self.close_tenant(tenant);
        }
        made
    }

    /// Ends the states that nobody uses.
    pub(super) fn close_unused(&self) {
        for tenant in self.states.tenants.borrow().iter() {
            if tenant.users.get() == 0 {
                self.close_tenant(tenant);
            }
        }
    }

    /// Makes spare states while the worker has nothing else to do.
    pub(super) fn prepare_spares(self: &Rc<Self>) {
        if self.states.tenants.borrow().is_empty() {
            return;
        }
        let host = Rc::downgrade(self);
        let prepare = async move {
            while let Some(host) = host.upgrade() {
                let settings = host.book.settings.borrow().clone();
                if host.states.spares.borrow().len() >= settings.spare_states {
                    return;
                }
                // One that cannot be made now is made when it is needed, and fails there.
                let Ok(vm) = host.make_blank(settings.tenant_jit) else { return };
                vm.sweep();
                host.states.spares.borrow_mut().push(vm);
                drop(host);
                task::yield_now().await;
            }
        };
        task::spawn_nice(task::NICE_MAX, prepare).detach();
    }

    /// Starts to make a tenant's state.
    fn open_tenant(self: &Rc<Self>, tenant: &Rc<Tenant>) {
        tenant.set_state(State::Opening(Vec::new()));
        let (host, used) = (Rc::clone(self), self.enter(Rc::clone(tenant)));
        let open = async move {
            let tenant = &used.tenant;
            match host.ready_tenant(tenant).await {
                Ok(vm) => {
                    // A script that has just been compiled leaves much behind.
                    vm.sweep_soon();
                    tenant.retry.set(None);
                    tenant.set_state(State::Open(vm));
                    host.start_tasks(tenant.place());
                }
                Err(error) => {
                    tenant.retry.set(Some(clock::now() + RETRY));
                    host.close_tenant(tenant);
                    let mut text = format!("tenant {}: {}", tenant.policy().name, error.message);
                    if !error.traceback.is_empty() {
                        text.push_str(" from ");
                        text.push_str(&error.traceback.join(", "));
                    }
                    host.book.say(Level::Alert, &text, tenant.whom());
                    host.restart_tasks(tenant);
                }
            }
        };
        task::spawn_nice(tenant.nice(task::nice()), open).detach();
    }

    /// Makes a state and runs all that a tenant does before its first call.
    async fn ready_tenant(self: &Rc<Self>, tenant: &Rc<Tenant>) -> Result<Vm, LoadError> {
        let vm = self.make_tenant(tenant)?;
        self.run_bodies(tenant, &vm).await?;
        let place = tenant.place();
        let inits = take_where(&self.book.inits, |init| init.place == place);
        for init in inits {
            self.call_init(&init, &vm, tenant.for_body(&self.book)).await?;
        }
        Ok(vm)
    }

    async fn run_bodies(&self, tenant: &Tenant, vm: &Vm) -> Result<(), LoadError> {
        for (load, chunk) in &*tenant.known.files {
            let function = chunk.load(vm.lua()).map_err(|error| loader::failure(&error))?;
            self.run_body(load, &function, vm, tenant.for_body(&self.book)).await?;
        }
        Ok(())
    }

    /// Makes the state of a tenant, of a spare one if there is one.
    fn make_tenant(self: &Rc<Self>, tenant: &Tenant) -> Result<Vm, LoadError> {
        let policy = tenant.policy();
        let jit = policy.jit.unwrap_or(self.book.settings.borrow().tenant_jit);
        let spare = {
            let mut spares = self.states.spares.borrow_mut();
            let index = spares.iter().position(|vm| vm.has_jit() == jit);
            index.map(|index| spares.swap_remove(index))
        };
        if spare.is_some() {
            self.prepare_spares();
        }
        let make = || -> Result<Vm, Error> {
            let vm = spare.map_or_else(|| self.make_blank(jit), Ok)?;
            vm.limit_tenant(policy.memory_max)?;
            vm.set_info(Info {
                book: Rc::clone(&self.book),
                place: tenant.place(),
                number: vm.id(),
                vm: vm.downgrade(),
                tenant: Some(Arc::clone(&tenant.known.account)),
            })?;
            vm.set_share(Rc::clone(&tenant.share));
            Ok(vm)
        };
        let vm = make().map_err(|error| loader::failure(&error))?;
        self.states.opened.set(self.states.opened.get() + 1);
        Ok(vm)
    }

    /// Makes a state with all that tenants have in common.
    fn make_blank(&self, jit: bool) -> Result<Vm, Error> {
        let number = u32::try_from(self.book.worker).unwrap_or(0).saturating_add(1);
        let vm = Vm::new(Options { id: number, jit, reach: Reach::Tenant })?;
        let (book, place) = (Rc::clone(&self.book), Place::Own);
        vm.set_up(Info { book, place, number, vm: vm.downgrade(), tenant: None })?;
        Ok(vm)
    }

    /// Lets go of a tenant's state; it is gone when the last call that stands in it has ended.
    fn close_tenant(&self, tenant: &Tenant) {
        self.states.rouse(tenant);
        tenant.set_state(State::None);
        for (kind, id) in tenant.registered.take() {
            self.book.table(kind).borrow_mut().forget(id);
        }
        if tenant.users.get() > 0 {
            let place = tenant.place();
            drop(take_where(&self.book.inits, |init| init.place == place));
            drop(take_where(&self.book.tasks, |task| task.place == place));
        }
        drop(tenant.tasks.take());
    }

    /// Starts the tasks that a tenant's bodies have registered.
    fn start_tasks(&self, place: Place) {
        for task in take_where(&self.book.tasks, |task| task.place == place) {
            tasks::spawn(&self.book, task);
        }
    }

    /// Makes a state anew, in a while, for the tasks that lived in the old one.
    fn restart_tasks(self: &Rc<Self>, tenant: &Rc<Tenant>) {
        if !tenant.has_tasks.get() || self.book.worker != 0 {
            return;
        }
        let (host, again) = (Rc::downgrade(self), Rc::clone(tenant));
        let open = async move {
            timer::sleep(RETRY).await;
            if let Some(host) = host.upgrade()
                && matches!(*again.state.borrow(), State::None)
            {
                host.open_tenant(&again);
            }
        };
        task::spawn_nice(tenant.nice(0), open).detach();
    }

    fn refuse(&self, tenant: &Tenant) -> Admission {
        if !tenant.told.replace(true) {
            let text =
                format!("tenant {}: its calls are refused for a while", tenant.policy().name);
            self.book.say(Level::Err, &text, tenant.whom());
        }
        Admission::Refused(tenant.failed())
    }
}

fn take_where<T>(list: &RefCell<Vec<T>>, is_wanted: impl Fn(&T) -> bool) -> Vec<T> {
    let all = list.take();
    let (wanted, others) = all.into_iter().partition(is_wanted);
    *list.borrow_mut() = others;
    wanted
}

#[cfg(test)]
#[path = "tenants_tests.rs"]
mod tests;
