//! What cases need: the proxy under test and its oracle, clients, servers, log receivers.

pub(crate) mod peer;
