//! Tasks of scripts (`core.register_task`): coroutines of their own on the worker's scheduler.

use std::rc::Rc;

use mlua::Function;
use mlua::Value;

use super::account::What;
use super::book::Book;
use super::book::Info;
use super::book::Queued;
use super::book::Whom;
use super::current;
use super::current::Context;
use super::current::Current;
use super::driver;
use super::host::Raise;
use super::raw::Arg;
use super::vm::Vm;
use crate::task;

/// Registers a task: it starts at once, or when what registers it is done.
///
/// Of the tasks that a tenant's bodies register, one worker alone has one each.
pub(super) fn register(
    info: &Info,
    function: Function,
    arguments: Vec<Value>,
) -> Result<(), Raise> {
    let (book, used) = (&info.book, info.enter());
    let loads = matches!(current::context(), Context::Body | Context::Init);
    let of_body = used.as_ref().filter(|_| loads);
    if of_body.is_some() && book.worker != 0 {
        return Ok(());
    }
    let charge = info.tenant.as_ref().map(|account| account.charge(What::Tasks, 1)).transpose()?;
    of_body.map(|used| used.tenant.note_task()).unwrap_or_default();
    let queued = Queued { place: info.place, function, arguments, used, charge };
    if book.running.get() && !loads {
        spawn(book, queued);
    } else {
        book.tasks.borrow_mut().push(queued);
    }
    Ok(())
}

/// Starts a task.
pub(super) fn spawn(book: &Rc<Book>, queued: Queued) {
    let Some(vm) = book.host.upgrade().and_then(|host| host.vm(queued.place)) else { return };
    let Some(tenant) = queued.used.as_ref().map(|used| Rc::clone(&used.tenant)) else {
        task::spawn(run(vm, queued, None)).detach();
        return;
    };
    let key = tenant.tasks.borrow_mut().insert(None);
    let task = task::spawn_nice(tenant.nice(task::nice()), run(vm, queued, Some(key)));
    if let Some(place) = tenant.tasks.borrow_mut().get_mut(key) {
        *place = Some(task);
    }
}

/// Runs a task; `key` is its place among those of its tenant.
async fn run(vm: Vm, queued: Queued, key: Option<usize>) {
    let Some(info) = vm.info() else { return };
    // The charge is held to the end.
    let Queued { function, arguments, used, charge: _charge, .. } = queued;
    let limits = match &used {
        Some(used) => used.tenant.for_task(),
        None => info.book.settings.borrow().for_task(),
    };
    let current = Current { context: Context::Task, txn: None };
    let arguments: Vec<Arg<'_>> = arguments.iter().map(Arg::Value).collect();
    let (call, step) = current::with(&current, || vm.start(&function, &arguments, limits));
    drop(arguments);
    if let Err(error) = driver::finish(call, step, &current).await {
        let whom = Whom { txn: None, tenant: info.tenant.as_deref() };
        info.book.report("task", &error, info.number, whom);
    }
    let Some(used) = used else { return };
    if vm.is_doomed() {
        // Ends this task too.
        if let Some(host) = info.book.host.upgrade() {
            host.discard(&used.tenant, &vm);
        }
    } else if let Some(key) = key {
        let own = used.tenant.tasks.borrow_mut().try_remove(key).flatten();
        own.map(task::Task::detach).unwrap_or_default();
    }
}
