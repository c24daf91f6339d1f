//! What is the same for the whole process: its host's name, its random numbers, its connections.

use std::cell::Cell;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use base64::Engine as _;
use bytes::Bytes;

use crate::proxy::Counter;
use crate::txn::Txn;

static HOSTNAME: LazyLock<String> = LazyLock::new(|| {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
});

/// Returns the machine's name.
pub(super) fn hostname() -> &'static str {
    &HOSTNAME
}

/// Returns how many connections of clients are open.
pub(super) fn connections(txn: &Txn) -> i64 {
    let frontends = txn.session.proxies.iter().filter(|proxy| proxy.caps.frontend);
    frontends.map(|proxy| proxy.counters.sum(Counter::Current)).sum::<i64>().max(0)
}

thread_local! {
    static STATE: Cell<u64> = Cell::new(std::hash::RandomState::new().hash_one(0_u8));
}

/// Returns a random number: good for samples, not for secrets (splitmix64).
pub(super) fn random() -> u64 {
    let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns a key for a request to go over to WebSocket (RFC 6455 4.1).
pub fn nonce() -> Bytes {
    let bytes = [random().to_ne_bytes(), random().to_ne_bytes()].concat();
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_differ() {
        assert_ne!(random(), random());
        assert!(!hostname().is_empty());
    }
}
