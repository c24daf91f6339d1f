//! HTTP/2: connections that carry many exchanges, each an exchange like any other.

mod client;
mod io;
mod link;
mod wire;

pub(super) use client::run;
pub(super) use link::Trunk;
pub(super) use link::Trunks;
pub(super) use wire::Missing;
pub(super) use wire::Wire;

use super::local::Local;

/// Returns the most bytes of a head, as both protocols have it.
fn head_size(local: &Local) -> u32 {
    u32::try_from(local.limits.head).unwrap_or(u32::MAX)
}

/// How much of one stream may wait to be sent.
const SEND_BUFFER: usize = 64 * 1024;
