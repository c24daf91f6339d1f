//! A running call of a script: what it does until it returns, fails, waits or is preempted.

use std::fmt;
use std::mem;
use std::rc::Weak;

use mlua::Function;
use mlua::Thread;
use mlua::Value;

use super::current;
use super::current::Close;
use super::error::Error;
use super::error::Kind;
use super::host;
use super::host::Op;
use super::host::Pending;
use super::meter;
use super::meter::Limits;
use super::meter::Meter;
use super::raw;
use super::raw::Arg;
use super::raw::Resumed;
use super::raw::Ret;
use super::raw::Want;
use super::vm::Vm;
use super::watchdog;

/// What a call did last.
pub enum Step {
    /// It returned.
    Done(Ret),
    /// It waits; its results go to [`Call::answer`].
    Waiting(Op),
    /// Others shall run before [`Call::go_on`].
    Preempted,
    /// It is over.
    Failed(Error),
}

/// A call of a script's function on a thread of its own.
pub struct Call {
    vm: Vm,
    /// `None` once the call is over.
    thread: Option<Thread>,
    /// What it was about to wait for when it was preempted.
    pending: Option<Pending>,
    meter: Meter,
    /// It waits for garbage to be collected; how many cycles were completed.
    collecting: Option<u8>,
    /// What it has opened, and may not have closed.
    opened: Vec<Weak<dyn Close>>,
    /// When it wants to be called again, if it has said so.
    wake: Option<u32>,
}

impl Call {
    /// Starts a function.
    pub(super) fn start(
        vm: &Vm,
        function: &Function,
        args: &[Arg<'_>],
        limits: Limits,
    ) -> (Self, Step) {
        let meter = Meter::new(vm.who(), limits);
        let mut call = Self {
            vm: vm.clone(),
            thread: None,
            pending: None,
            meter,
            collecting: None,
            opened: Vec::new(),
            wake: None,
        };
        let thread = match vm.take_thread() {
            Ok(thread) => thread,
            Err(error) => return (call, Step::Failed(error)),
        };
        current::set_wake(None);
        call.meter.begin();
        let resumed = raw::start(vm, &thread, function, args);
        call.end_slice();
        let step = call.settle(thread, resumed);
        (call, step)
    }

    /// Goes on after a preemption.
    pub fn go_on(&mut self) -> Step {
        if self.collecting.is_some() && self.thread.is_some() {
            self.meter.begin();
            let enough = self.collect();
            self.end_slice();
            if !enough && !self.meter.is_killed() {
                return Step::Preempted;
            }
            self.collecting = None;
        }
        self.resume(&[])
    }

    /// Goes on with collecting for a slice; says whether the script may go on, if only to its end.
    fn collect(&mut self) -> bool {
        let heap = self.vm.heap();
        while heap.want() == Some(Want::Collect) {
            if !heap.step() {
                if meter::is_slice_over() {
                    return false;
                }
            } else if !heap.is_relieved() {
                // What became garbage after a cycle had begun is found by the next.
                match self.collecting.replace(1) {
                    Some(0) => {}
                    _ => heap.condemn(),
                }
            }
        }
        true
    }

    /// Goes on with the results of what the call waited for.
    pub fn answer(&mut self, results: host::Outcome) -> Step {
        self.meter.wait();
        match results {
            Ok(values) => {
                let mut all = Vec::with_capacity(values.len() + 1);
                all.push(Value::Boolean(true));
                all.extend(values);
                self.resume(&all)
            }
            Err(raise) => match self.vm.lua().create_string(raise.message()) {
                Ok(message) => self.resume(&[Value::Boolean(false), Value::String(message)]),
                Err(error) => Step::Failed(error.into()),
            },
        }
    }

    fn resume(&mut self, values: &[Value]) -> Step {
        let Some(thread) = self.thread.take() else {
            return Step::Failed(Error::raised("the call is over"));
        };
        host::put_pending(self.pending.take());
        current::set_wake(self.wake);
        self.meter.begin();
        let resumed = raw::go_on(&self.vm, &thread, values);
        self.end_slice();
        self.settle(thread, resumed)
    }

    /// Says whether the tenant has used up its share of the worker.
    pub(super) fn is_over_share(&self) -> bool {
        self.vm.share().is_some_and(|share| share.is_over(watchdog::now()))
    }

    /// Charges the slice that has just ended.
    fn end_slice(&mut self) {
        let before = self.meter.used();
        self.meter = Meter::end();
        if let Some(share) = self.vm.share() {
            let used = self.meter.used().saturating_sub(before).as_micros();
            share.charge(watchdog::now(), u64::try_from(used).unwrap_or(u64::MAX));
        }
    }

    fn settle(&mut self, thread: Thread, resumed: Resumed) -> Step {
        let pending = host::take_pending();
        let opened = current::take_opened();
        if !opened.is_empty() {
            self.opened.retain(is_open);
            self.opened.extend(opened);
        }
        let step = self.conclude(thread, resumed, pending);
        if self.thread.is_some() {
            self.wake = current::take_wake();
        } else {
            let ended = matches!(&step, Step::Failed(error) if error.kind != Kind::Raised);
            self.close(ended);
        }
        step
    }

    /// Closes what a call that will never go on has left open.
    ///
    /// What the host has ended leaves nothing, nor does any call of a tenant.
    fn close(&mut self, ended: bool) {
        let opened = mem::take(&mut self.opened);
        if !opened.iter().any(is_open) {
            return;
        }
        if ended || self.vm.tenant().is_some() {
            opened.iter().filter_map(Weak::upgrade).for_each(|opened| opened.close());
        } else {
            // HAProxy: a global may hold it. Only the collector knows.
            self.vm.sweep_soon();
        }
    }

    fn conclude(&mut self, thread: Thread, resumed: Resumed, pending: Option<Pending>) -> Step {
        match resumed {
            Resumed::Done(ret) => {
                self.vm.give_thread(thread);
                Step::Done(ret)
            }
            Resumed::Waiting => match pending {
                // Nor is one that waits again and again.
                Some(Pending::Wait(_)) if self.meter.is_killed() => {
                    self.conclude(thread, Resumed::Killed, None)
                }
                Some(Pending::Wait(op)) => {
                    self.thread = Some(thread);
                    Step::Waiting(op)
                }
                Some(Pending::Finish(ret)) => {
                    drop(thread);
                    Step::Done(ret)
                }
                None => Step::Failed(Error::raised("nothing to wait for")),
            },
            // A script that gives way by itself is not seen by the hook.
            Resumed::Preempted if self.is_over() => self.conclude(thread, Resumed::Killed, pending),
            Resumed::Preempted => {
                self.thread = Some(thread);
                self.pending = pending;
                self.collecting = self.vm.heap().want().map(|_| 0);
                Step::Preempted
            }
            Resumed::Killed => {
                let place = raw::take_place(&thread);
                drop(thread);
                Step::Failed(self.ended(place))
            }
            Resumed::Failed(error) if self.is_over() => Step::Failed(self.ended(error.traceback)),
            Resumed::Failed(error) if error.kind == Kind::Memory => {
                drop(thread);
                Step::Failed(self.starved(error.traceback))
            }
            Resumed::Failed(error) => Step::Failed(self.named(error)),
        }
    }

    /// Says whether the call has used up its time or memory.
    fn is_over(&self) -> bool {
        self.meter.is_killed() || self.vm.heap().want() == Some(Want::End)
    }

    /// Returns the error of a call that the host has ended.
    fn ended(&self, place: String) -> Error {
        if !self.meter.is_killed() {
            return self.starved(place);
        }
        let error = Error::time(self.meter.reached(), place);
        self.named(Error { spent: self.meter.spent(), ..error })
    }

    /// Returns the error of a call that found no memory, and makes room for others.
    fn starved(&self, place: String) -> Error {
        let doomed = self.vm.heap().want() == Some(Want::End);
        let spent = self.vm.heap().settle().map(String::into_boxed_str);
        match self.vm.tenant() {
            Some(_) if doomed => self.vm.doom(),
            Some(_) => self.vm.sweep_soon(),
            // LuaJIT collects nothing when memory runs out, and no other state is made of this one.
            None => self.vm.sweep(),
        }
        self.named(Error { spent, ..Error::memory(place) })
    }

    /// Gives an error the name of the tenant.
    fn named(&self, error: Error) -> Error {
        let tenant = self.vm.tenant().map(|account| account.policy.name.as_str().into());
        Error { tenant, ..error }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.thread = None;
        self.close(false);
    }
}

fn is_open(opened: &Weak<dyn Close>) -> bool {
    opened.upgrade().is_some_and(|opened| opened.is_open())
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Call").field("vm", &self.vm).field("meter", &self.meter).finish()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(ret) => out.debug_tuple("Done").field(ret).finish(),
            Self::Waiting(_) => out.write_str("Waiting"),
            Self::Preempted => out.write_str("Preempted"),
            Self::Failed(error) => out.debug_tuple("Failed").field(error).finish(),
        }
    }
}
