//! Scripts in the proxy, beside HAProxy running the same ones.

use libtest_mimic::Trial;

use crate::support::case;

pub(crate) fn trials() -> Vec<Trial> {
    case::folder("lua")
}
