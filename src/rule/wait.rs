//! Waiting for the message that a rule looks at: whoever fills the channel wakes the rule.

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::net::timer;
use crate::sample::Eval;
use crate::txn::Txn;
use crate::value::unit;

use super::action::Action;
use super::parse::Failed;
use super::parse::Parser;

/// `wait-for-body time <time> [ at-least <bytes> ]`
pub(super) fn wait_for_body(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let (mut time, mut at_least) = (None, 0);
    loop {
        if parser.take_keyword("time") {
            let Some(word) = parser.next_argument() else {
                return Err(parser.fail_at_last("missing argument for 'time'"));
            };
            match unit::time(&word.text, unit::Unit::Millisecond) {
                Ok(value) => time = Some(value),
                Err(error) => return Err(parser.fail_at_last(error.to_string())),
            }
        } else if parser.take_keyword("at-least") {
            let Some(word) = parser.next_argument() else {
                return Err(parser.fail_at_last("missing argument for 'at-least'"));
            };
            match unit::size(&word.text) {
                Ok(value) => at_least = value,
                Err(error) => return Err(parser.fail_at_last(error.to_string())),
            }
        } else {
            break;
        }
    }
    match time {
        Some(time) => Ok(Action::WaitForBody { time, at_least }),
        None => Err(parser.fail("expects time <time> [ at-least <bytes> ]")),
    }
}

/// Waits until `at_least` bytes of the body are there (0: all of it), no more fits, no more comes,
/// or the time is over.
pub(super) async fn for_body(eval: Eval<'_>, time: Duration, at_least: usize) {
    let ready = |txn: &Txn| {
        let channel = txn.channel(eval.direction);
        let enough = at_least > 0 && channel.input().len() >= at_least;
        enough || channel.is_eof() || channel.is_closed() || channel.room() == 0
    };
    until(eval, Some(time), ready).await;
}

/// Waits until a channel has changed, or the time is over.
pub(super) async fn for_change(eval: Eval<'_>, time: Option<Duration>) {
    let marks = |txn: &Txn| {
        let of = |channel: &crate::txn::Channel| {
            (channel.input().len(), channel.output().len(), channel.is_eof(), channel.is_closed())
        };
        (of(&txn.req), of(&txn.res))
    };
    let before = marks(&eval.txn.borrow());
    until(eval, time, |txn| marks(txn) != before).await;
}

async fn until(eval: Eval<'_>, time: Option<Duration>, ready: impl Fn(&Txn) -> bool) {
    if ready(&eval.txn.borrow()) {
        return;
    }
    let mut over = pin!(async move {
        match time {
            Some(time) => timer::sleep(time).await,
            None => std::future::pending().await,
        }
    });
    poll_fn(|cx| {
        let mut txn = eval.txn.borrow_mut();
        if ready(&txn) {
            return Poll::Ready(());
        }
        txn.req.register(cx);
        txn.res.register(cx);
        drop(txn);
        over.as_mut().poll(cx)
    })
    .await;
}
