//! Brings a call to its end on a worker, letting others run while it waits or is preempted.

use futures_lite::future;

use super::call::Call;
use super::call::Step;
use super::error::Error;
use super::raw::Ret;

/// Awaits the end of a call after its first step.
pub async fn finish(mut call: Call, mut step: Step) -> Result<Ret, Error> {
    loop {
        step = match step {
            Step::Done(ret) => return Ok(ret),
            Step::Failed(error) => return Err(error),
            Step::Preempted => {
                future::yield_now().await;
                call.go_on()
            }
            Step::Waiting(op) => {
                let outcome = op.await;
                call.answer(outcome)
            }
        };
    }
}
