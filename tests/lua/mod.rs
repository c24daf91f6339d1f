//! Scripts in the proxy, beside HAProxy running the same ones.

mod client;
mod hostile;
mod niceness;
mod preemption;
mod redis;
mod runtime;
mod shim;
mod soak;
mod stall;
mod start;

use libtest_mimic::Trial;

use crate::support::case;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = case::folder("lua");
    trials.extend(client::trials());
    trials.extend(hostile::trials());
    trials.extend(niceness::trials());
    trials.extend(preemption::trials());
    trials.extend(redis::trials());
    trials.extend(runtime::trials());
    trials.extend(shim::trials());
    trials.extend(soak::trials());
    trials.extend(stall::trials());
    trials.extend(start::trials());
    trials
}
