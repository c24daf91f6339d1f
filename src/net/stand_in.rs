//! What stands in for the network on this thread, where there is to be none: in tests of scripts.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use crate::net::addr::Addr;
use crate::net::stream::Stream;

/// All that can be reached from a thread.
pub trait StandIn {
    /// Connects to an address.
    fn connect(&self, addr: &Addr) -> io::Result<Stream>;
    /// Returns the addresses of a name.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

thread_local! {
    static STAND_IN: RefCell<Option<Rc<dyn StandIn>>> = const { RefCell::new(None) };
}

/// Sets what this thread reaches in place of the network.
pub fn set(stand_in: Option<Rc<dyn StandIn>>) {
    STAND_IN.set(stand_in);
}

/// Returns what this thread reaches in place of the network, if it is not to reach that.
pub(super) fn get() -> Option<Rc<dyn StandIn>> {
    STAND_IN.with_borrow(Clone::clone)
}
