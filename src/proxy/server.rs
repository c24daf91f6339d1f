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
    /// `weight`, 0 to 256.
    pub weight: u32,
    /// `maxconn`; 0 is no limit.
    pub maxconn: u32,
    /// `backup`: used only when no other is there.
    pub backup: bool,
    /// `disabled`: in maintenance from the start.
    pub disabled: bool,
    /// What it has counted.
    pub counters: Counters,
    /// Who uses it now.
    pub places: Places,
}
