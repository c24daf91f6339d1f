//! `act`: what an action may ask for.

use super::Row;
use crate::lua::current;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::script::Verdict;

pub(super) const TABLE: &[Row] = &[Row { name: "wake_time", run: wake_time }];

fn wake_time(args: &Args<'_>) -> Result<Reply, Raise> {
    // Called as `act:wake_time(ms)` and as `act.wake_time(ms)`.
    let index = args.count();
    current::set_wake(u32::try_from(args.integer(index)?).ok());
    Ok(Reply::nothing())
}

/// Returns what a number returned by an action means; HAProxy takes any other as `CONTINUE`.
pub(super) fn verdict(number: f64) -> Verdict {
    match super::whole(number) {
        Some(1) => Verdict::Stop,
        Some(2) => Verdict::Yield(current::take_wake()),
        Some(3) => Verdict::Error,
        Some(4) => Verdict::Done,
        Some(5) => Verdict::Deny,
        Some(6) => Verdict::Abort,
        Some(7) => Verdict::Invalid,
        _ => Verdict::Continue,
    }
}
