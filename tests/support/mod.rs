//! What cases need: the proxy under test and its oracle, clients, servers, log receivers.

pub(crate) mod block;
pub(crate) mod case;
pub(crate) mod client;
pub(crate) mod normal;
pub(crate) mod origin;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod syslog;
