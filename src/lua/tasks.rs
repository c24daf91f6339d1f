//! Tasks of scripts (`core.register_task`): coroutines of their own on the worker's scheduler.

use super::book::Info;
use super::book::Queued;
use super::current;
use super::current::Context;
use super::current::Current;
use super::driver;
use super::raw::Arg;
use crate::task;

/// Starts a task.
pub(super) fn spawn(info: &Info, queued: Queued) {
    task::spawn(run(info.clone(), queued)).detach();
}

async fn run(info: Info, queued: Queued) {
    let Some(vm) = info.vm.upgrade() else { return };
    let limits = info.book.settings.borrow().for_task();
    let current = Current { context: Context::Task, txn: None };
    let arguments: Vec<Arg<'_>> = queued.arguments.iter().map(Arg::Value).collect();
    let (call, step) = current::with(&current, || vm.start(&queued.function, &arguments, limits));
    drop(arguments);
    if let Err(error) = driver::finish(call, step, &current).await {
        info.book.report("task", &error, info.number, None);
    }
}
