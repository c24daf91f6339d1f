//! A running call of a script: what it does until it returns, fails, waits or is preempted.

use std::fmt;
use std::mem;

use mlua::Function;
use mlua::Thread;
use mlua::Value;

use super::current;
use super::error::Error;
use super::error::Kind;
use super::host;
use super::host::Op;
use super::host::Pending;
use super::meter::Limits;
use super::meter::Meter;
use super::raw;
use super::raw::Arg;
use super::raw::Resumed;
use super::raw::Ret;
use super::vm::Vm;

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
    /// How many sockets it has opened, less those it has closed.
    opened: i32,
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
        let meter = Meter::new(limits);
        let mut call =
            Self { vm: vm.clone(), thread: None, pending: None, meter, opened: 0, wake: None };
        let thread = match vm.take_thread() {
            Ok(thread) => thread,
            Err(error) => return (call, Step::Failed(error)),
        };
        current::set_wake(None);
        call.meter.begin();
        let resumed = raw::start(vm, &thread, function, args);
        call.meter = Meter::end();
        let step = call.settle(thread, resumed);
        (call, step)
    }

    /// Goes on after a preemption.
    pub fn go_on(&mut self) -> Step {
        self.resume(&[])
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
        self.meter = Meter::end();
        self.settle(thread, resumed)
    }

    fn settle(&mut self, thread: Thread, resumed: Resumed) -> Step {
        let pending = host::take_pending();
        self.opened = self.opened.saturating_add(current::take_opened());
        let step = self.conclude(thread, resumed, pending);
        if self.thread.is_some() {
            self.wake = current::take_wake();
        } else {
            self.close();
        }
        step
    }

    /// Closes what a call that will never go on has left open.
    fn close(&mut self) {
        // HAProxy collects then too: only the collector knows who else holds a socket.
        if mem::take(&mut self.opened) > 0 {
            self.vm.sweep();
        }
    }

    fn conclude(&mut self, thread: Thread, resumed: Resumed, pending: Option<Pending>) -> Step {
        match resumed {
            Resumed::Done(ret) => {
                self.vm.give_thread(thread);
                Step::Done(ret)
            }
            Resumed::Waiting => match pending {
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
            Resumed::Preempted if self.meter.is_killed() => {
                self.conclude(thread, Resumed::Killed, pending)
            }
            Resumed::Preempted => {
                self.thread = Some(thread);
                self.pending = pending;
                Step::Preempted
            }
            Resumed::Killed => {
                let error = Error::time(self.meter.reached(), raw::traceback(&thread));
                drop(thread);
                self.vm.sweep();
                Step::Failed(error)
            }
            Resumed::Failed(error) if self.meter.is_killed() && error.kind == Kind::Raised => {
                Step::Failed(Error::time(self.meter.reached(), error.traceback))
            }
            Resumed::Failed(error) => {
                if error.kind == Kind::Memory {
                    // LuaJIT collects nothing when memory runs out.
                    drop(thread);
                    self.vm.sweep();
                }
                Step::Failed(error)
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.thread = None;
        self.close();
    }
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
