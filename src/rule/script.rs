//! Actions and services in Lua: `lua.NAME`, `lua FUNCTION`, `use-service lua.NAME`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::sample::Eval;
use crate::script as host;

use super::Kind;
use super::Verdict;
use super::action::Action;
use super::parse::Failed;
use super::parse::Parser;
use super::wait;

/// `lua.NAME [args]`: an action that a script registered for this kind of rules; `None` where
/// none has.
pub(super) fn registered(parser: &mut Parser<'_>, name: &str) -> Option<Result<Action, Failed>> {
    let action = parser.scripts().find_action(name)?;
    let environment = parser.kind().environment()?;
    if !action.environments.contains(&environment) {
        return None;
    }
    let mut arguments = Vec::with_capacity(action.arguments);
    for _ in 0..action.arguments {
        let Some(word) = parser.next_argument() else {
            let message = format!("expects {} arguments", action.arguments);
            return Some(Err(parser.fail(message)));
        };
        arguments.push(Bytes::copy_from_slice(word.bytes()));
    }
    parser.uses(host::Kind::Action, action.id);
    Some(Ok(Action::Script { id: action.id, arguments }))
}

/// `lua FUNCTION`: a global function by its name, as the configuration of 2015 has it.
pub(super) fn lua(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let Some(word) = parser.next_argument() else {
        return Err(parser.fail("expect Lua function name"));
    };
    let name = word.text.as_str();
    match parser.scripts().global_function(name) {
        Ok(id) => {
            parser.uses(host::Kind::Action, id);
            Ok(Action::Script { id, arguments: Vec::new() })
        }
        Err(host::FunctionError::NotFound) => {
            Err(parser.fail_at_last(format!("Lua function '{name}' not found")))
        }
        Err(host::FunctionError::NotAFunction) => {
            Err(parser.fail_at_last(format!("'{name}' is not a function")))
        }
    }
}

/// `use-service lua.NAME`
pub(super) fn use_service(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let Some(word) = parser.next_argument() else {
        return Err(parser.fail("'use-service' expects a service name."));
    };
    let name = word.text.as_str();
    let found = name.strip_prefix("lua.").and_then(|name| parser.scripts().find_service(name));
    let Some(service) = found else {
        if name == "prometheus-exporter" {
            let message = "'prometheus-exporter' is known to HAProxy but not supported yet";
            return Err(parser.fail_at_last(message));
        }
        let failed = parser.fail_at_last(format!("'{name}' unknown service name."));
        if let Some(name) = name.strip_prefix("lua.") {
            parser.hint(host::hint(|kind| parser.scripts().names(kind), host::Kind::Service, name));
        }
        return Err(failed);
    };
    match (service.http, parser.kind() == Kind::HttpRequest) {
        (true, false) => {
            Err(parser.fail_at_last("HTTP applets are forbidden from 'tcp-request' rulesets"))
        }
        (false, true) => {
            Err(parser.fail_at_last("TCP applets are forbidden from 'http-request' rulesets"))
        }
        _ => {
            parser.uses(host::Kind::Service, service.id);
            Ok(Action::Service { id: service.id, name: Arc::from(format!("<{name}>")) })
        }
    }
}

/// Calls a scripted action until it does not ask to be called again.
pub(super) async fn run(id: host::Id, arguments: &[Bytes], eval: Eval<'_>) -> Verdict {
    loop {
        let call = host::Call::Action { id, txn: eval.txn, direction: eval.direction, arguments };
        let verdict = match host::call(eval.scripts, call).await {
            host::Outcome::Verdict(verdict) => verdict,
            // HAProxy: an action that fails is as one that does nothing.
            host::Outcome::Value(_) | host::Outcome::Served | host::Outcome::Failed => {
                return Verdict::Continue;
            }
            host::Outcome::Refused(status) => {
                eval.txn.borrow_mut().refused = Some(status);
                return Verdict::Deny;
            }
        };
        match verdict {
            host::Verdict::Yield(time) => {
                let time = time.map(|time| Duration::from_millis(u64::from(time)));
                wait::for_change(eval, time).await;
            }
            host::Verdict::Continue => return Verdict::Continue,
            host::Verdict::Stop => return Verdict::Accept,
            host::Verdict::Error => return Verdict::Error,
            host::Verdict::Done => return Verdict::Done,
            host::Verdict::Deny => return deny(eval),
            host::Verdict::Abort => return abort(eval),
            host::Verdict::Invalid => return Verdict::Invalid,
        }
    }
}

/// Ends the exchange; HAProxy tells an HTTP client that there is no server for it.
fn abort(eval: Eval<'_>) -> Verdict {
    let mut txn = eval.txn.borrow_mut();
    if txn.request.is_some() && eval.direction == crate::txn::Direction::Request {
        txn.reply =
            Some(crate::txn::Reply { status: 503, from_error_files: true, ..Default::default() });
    }
    Verdict::Reject
}

/// Refuses the message as `http-request deny` and `http-response deny` do, unless the script has
/// made its own answer.
fn deny(eval: Eval<'_>) -> Verdict {
    let status = match eval.direction {
        crate::txn::Direction::Request => 403,
        crate::txn::Direction::Response => 502,
    };
    let mut txn = eval.txn.borrow_mut();
    if txn.request.is_some() && txn.reply.is_none() {
        txn.reply =
            Some(crate::txn::Reply { status, from_error_files: true, ..Default::default() });
    }
    Verdict::Deny
}
