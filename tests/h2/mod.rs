//! HTTP/2: to clients and to servers, between real programs and against hostile frames.

use libtest_mimic::Trial;

mod attack;
mod exchange;
mod flow;
mod frames;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = attack::trials();
    trials.extend(exchange::trials());
    trials.extend(flow::trials());
    trials
}
