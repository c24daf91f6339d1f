//! Scripts in the proxy, beside HAProxy running the same ones.

mod stall;

use libtest_mimic::Trial;

use crate::support::case;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = case::folder("lua");
    trials.extend(stall::trials());
    trials
}
