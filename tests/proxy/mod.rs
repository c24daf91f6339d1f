//! The whole proxy between real clients and real servers, beside HAProxy doing the same.

mod attack;
mod exchange;
mod storm;

use libtest_mimic::Trial;

use crate::support::case;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = case::folder("proxy");
    trials.extend(attack::trials());
    trials.extend(exchange::trials());
    trials.extend(storm::trials());
    trials
}
