//! Brings a call to its end on a worker, letting others run while it waits or is preempted.

use super::call::Call;
use super::call::Step;
use super::current;
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
                task::yield_now().await;
                current::with(current, || call.go_on())
            }
            Step::Waiting(op) => {
                let outcome = op.await;
                current::with(current, || call.answer(outcome))
            }
        };
    }
}
