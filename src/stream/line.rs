//! The log line of an exchange: whether there is one, at which level, and to whom it goes.

use std::rc::Rc;

use bytes::Bytes;

use crate::clock;
use crate::log;
use crate::log::Level;
use crate::net::Addr;
use crate::program::Section;
use crate::proxy::Counter;
use crate::sample;
use crate::sample::Eval;
use crate::sample::Format;
use crate::txn::Direction;
use crate::txn::Failure;
use crate::txn::Session;
use crate::txn::Shared;
use crate::txn::Txn;

use super::accept::new_exchange;
use super::local::Local;
use super::termination;

/// Logs an exchange that has ended, or for `option logasap` one whose response begins.
pub(super) async fn end(local: &Local, section: &Section, txn: &Shared) {
    let Some((level, failed)) = level(section, &txn.borrow()) else { return };
    let format = match &section.error_log_format {
        Some(format) if failed && txn.borrow().status == 0 => Some(format),
        _ => section.log_format.as_ref().filter(|_| !section.log_connect),
    };
    if let Some(format) = format {
        write(local, section, txn, (level, format)).await;
    }
}

/// Logs an exchange that begins, where that is all that is logged (HAProxy: a proxy without a
/// log format).
pub(super) async fn begin(local: &Local, section: &Section, txn: &Shared) {
    if section.log_connect
        && !section.proxy.loggers.is_empty()
        && let Some(format) = &section.log_format
    {
        write(local, section, txn, (Level::Info, format)).await;
    }
}

async fn write(local: &Local, section: &Section, txn: &Shared, line: (Level, &Format)) {
    let (level, format) = line;
    let eval =
        Eval { txn, direction: Direction::Response, is_final: true, scripts: &local.scripts };
    let line = if format.is_scripted() {
        let line = Box::pin(format.eval(eval)).await;
        // A script that fails here changes the line alone.
        txn.borrow_mut().refused = None;
        line
    } else {
        let mut line = Vec::with_capacity(256);
        eval.native(|ctx| format.render(ctx, &mut line));
        Bytes::from(line)
    };
    section.proxy.counters.add(local.worker, Counter::Logs, 1);
    log::send_tagged(&section.proxy.loggers, section.log_tag.as_deref(), level, &line);
}

/// Logs a connection that was refused before its first exchange.
pub(super) fn refused(local: &Local, section: &Section, session: &Rc<Session>, failure: &Failure) {
    let options = &section.proxy.options;
    if section.proxy.loggers.is_empty() || options.dont_log_null && failure.is_silent {
        return;
    }
    let level = if options.log_separate_errors { Level::Err } else { Level::Info };
    section.proxy.counters.add(local.worker, Counter::Logs, 1);
    let line = match &section.error_log_format {
        None => refusal(section, session, &failure.text),
        Some(format) => {
            let txn = new_exchange(local, session, 0).into_shared();
            let direction = Direction::Request;
            let eval = Eval { txn: &txn, direction, is_final: true, scripts: &local.scripts };
            let mut line = Vec::with_capacity(256);
            eval.native(|ctx| format.render(ctx, &mut line));
            line
        }
    };
    log::send_tagged(&section.proxy.loggers, section.log_tag.as_deref(), level, &line);
}

/// Returns HAProxy's line of a connection that was refused.
fn refusal(section: &Section, session: &Session, error: &str) -> Vec<u8> {
    let bind = section.binds.iter().find(|bind| bind.id == session.listener.0);
    let mut line = match &*session.src.borrow() {
        Addr::Inet(src) => format!("{}:{} [", src.ip(), src.port()),
        // HAProxy: a UNIX socket has its listener's number for a port.
        _ => format!("unix:{} [", session.listener.0),
    }
    .into_bytes();
    sample::write_date(session.accept_date, &mut line);
    let name = &section.proxy.name;
    let rest = match bind {
        Some(bind) if bind.is_named => format!("] {name}/{}: {error}", bind.name),
        _ => format!("] {name}/{}: {error}", session.listener.0),
    };
    line.extend_from_slice(rest.as_bytes());
    line
}

/// Notes when an exchange has ended.
pub(super) fn stamp_end(txn: &Shared) {
    let mut txn = txn.borrow_mut();
    if txn.timers.end.is_none() {
        txn.timers.end = Some(clock::cached());
    }
}

/// Returns the level of an exchange's line and whether it counts as failed; `None` without a line.
fn level(section: &Section, txn: &Txn) -> Option<(Level, bool)> {
    let proxy = &section.proxy;
    if proxy.loggers.is_empty() {
        return None;
    }
    let failed = termination::is_error(txn);
    if proxy.options.dont_log_normal && !failed {
        return None;
    }
    if proxy.options.dont_log_null && txn.bytes[0] == 0 {
        return None;
    }
    let default =
        if failed && proxy.options.log_separate_errors { Level::Err } else { Level::Info };
    let level = match txn.log_level {
        None => default,
        Some(number) => Level::from_number(u8::try_from(number).ok()?)?,
    };
    Some((level, failed))
}
