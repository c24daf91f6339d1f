//! One server: where it is and what it is doing.

use crate::net::Addr;

use super::Counters;
use super::Places;

/// One `server` line.
#[derive(Debug)]
pub struct Server {
    /// HAProxy's numeric id, from 1 in each backend.
    pub puid: u32,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub addr: Addr,
    /// Where the line has no port of its own: what is added to the port that the client connected
    /// to.
    pub port_offset: Option<i32>,
    /// `weight`, 0 to 256.
    pub weight: u32,
    /// `maxconn`; 0 is no limit.
    pub maxconn: u32,
    /// `maxqueue`: how many may wait for it alone; 0 is no limit.
    pub maxqueue: u32,
    /// `backup`: used only when no other is there.
    pub backup: bool,
    /// `disabled`: in maintenance from the start.
    pub disabled: bool,
    /// What it has counted.
    pub counters: Counters,
    /// Who uses it now.
    pub places: Places,
}

impl Server {
    /// Returns a server that is nowhere.
    pub fn blank() -> Self {
        Self {
            puid: 0,
            name: String::new(),
            addr: Addr::Unnamed,
            port_offset: None,
            weight: 1,
            maxconn: 0,
            maxqueue: 0,
            backup: false,
            disabled: false,
            counters: Counters::new(1),
            places: Places::default(),
        }
    }
}
