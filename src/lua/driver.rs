//! Brings a call to its end on a worker, letting others run while it waits or is preempted.

use super::call::Call;
use super::call::Step;
use super::current;
use super::current::Context;
use super::current::Current;
use super::error::Error;
use super::raw::Ret;
use crate::task;

/// Awaits the end of a call after its first step.
pub(super) async fn finish(
    mut call: Call,
    mut step: Step,
    current: &Current,
) -> Result<Ret, Error> {
    loop {
        step = match step {
            Step::Done(ret) => return Ok(ret),
            Step::Failed(error) => return Err(error),
            Step::Preempted => {
                give_way(&call).await;
                current::with(current, || call.go_on())
            }
            // A worker that makes a state does so beside other work; at the start there is none.
            Step::Waiting(_)
                if matches!(current.context, Context::Body | Context::Init)
                    && !task::is_running() =>
            {
                return Err(Error::raised("yield not allowed"));
            }
            Step::Waiting(op) => {
                let outcome = op.await;
                if call.is_over_share() {
                    task::yield_last().await;
                }
                current::with(current, || call.answer(outcome))
            }
        };
    }
}

/// Lets others run; all of them, if the tenant has used up its share.
async fn give_way(call: &Call) {
    if call.is_over_share() {
        task::yield_last().await;
    } else {
        task::yield_now().await;
    }
}
