//! Which server is next: the algorithms of `balance`.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::Release;

use arc_swap::ArcSwapOption;

use super::Balance;
use super::Place;
use super::Proxy;
use super::Server;

/// Whose turn it is.
#[derive(Debug, Default)]
pub struct Turn {
    next: AtomicUsize,
    order: OnceLock<Box<[u16]>>,
    /// In place of the first order, once weights were changed.
    changed: AtomicBool,
    later: ArcSwapOption<Box<[u16]>>,
}

impl Turn {
    /// Makes the order anew when it is next asked for: a weight was changed.
    pub(super) fn forget_order(&self) {
        self.later.store(None);
        self.changed.store(true, Release);
    }
}

/// What choosing a server gives.
#[derive(Debug)]
pub enum Choice {
    /// A place on this server.
    Server(Place),
    /// There are servers, but none has a free place.
    Full,
    /// There is none that may be used.
    None,
}

/// Who asks for a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking<'a> {
    /// Index of the worker.
    pub worker: usize,
    /// The client's address, for `balance source`.
    pub src: Option<IpAddr>,
    /// The server that has just failed: another is preferred.
    pub avoid: Option<&'a Arc<Server>>,
    /// Holds a ticket of the queue; who does not stands behind those who do.
    pub queued: bool,
}

impl Proxy {
    /// Chooses a server and takes a place on it.
    pub fn choose_server(self: &Arc<Self>, asking: &Asking<'_>) -> Choice {
        let usable = self.servers.iter().any(|server| is_usable(server, false));
        let candidates = if usable { Candidates::Active } else { Candidates::Backup };
        if candidates == Candidates::Backup
            && !self.servers.iter().any(|server| is_usable(server, true))
        {
            return Choice::None;
        }
        if !asking.queued && self.queue.waiting() > 0 {
            return Choice::Full;
        }
        let chosen = match candidates {
            Candidates::Active => self.choose_active(asking),
            // Without `option allbackups` only the first one is used.
            Candidates::Backup => self.first_of(asking, |server| is_usable(server, true)),
        };
        chosen.map_or(Choice::Full, Choice::Server)
    }

    /// Takes a place on a given server, whatever the algorithm (`use-server`).
    pub fn choose_this(self: &Arc<Self>, server: &Arc<Server>, asking: &Asking<'_>) -> Choice {
        if !server.is_running() {
            return Choice::None;
        }
        if !asking.queued && server.current_maxconn() != 0 && self.queue.waiting() > 0 {
            return Choice::Full;
        }
        Place::take(self, server, asking.worker).map_or(Choice::Full, Choice::Server)
    }

    fn choose_active(self: &Arc<Self>, asking: &Asking<'_>) -> Option<Place> {
        let preferred = |server: &Arc<Server>| {
            is_usable(server, false) && asking.avoid.is_none_or(|avoid| !Arc::ptr_eq(avoid, server))
        };
        let chosen = self.choose_among(asking, preferred);
        if chosen.is_some() || asking.avoid.is_none() {
            return chosen;
        }
        self.choose_among(asking, |server| is_usable(server, false))
    }

    fn choose_among(
        self: &Arc<Self>,
        asking: &Asking<'_>,
        usable: impl Fn(&Arc<Server>) -> bool,
    ) -> Option<Place> {
        match self.balance {
            Balance::RoundRobin | Balance::StaticRr => {
                self.in_turn(asking, self.turn.next.fetch_add(1, Relaxed), usable)
            }
            Balance::Random => self.at_random(asking, usable),
            Balance::Source => self.in_turn(asking, hash(asking.src), usable),
            Balance::LeastConn => self.least_used(asking, usable),
            Balance::First => self.first_of(asking, usable),
        }
    }

    /// Goes round the servers by weight from a place in the order.
    fn in_turn(
        self: &Arc<Self>,
        asking: &Asking<'_>,
        start: usize,
        usable: impl Fn(&Arc<Server>) -> bool,
    ) -> Option<Place> {
        self.with_order(|order| {
            let count = order.len();
            (0..count)
                .filter_map(|step| order.get(start.wrapping_add(step).checked_rem(count)?))
                .filter_map(|&index| self.servers.get(usize::from(index)))
                .filter(|&server| usable(server))
                .find_map(|server| Place::take(self, server, asking.worker))
        })
    }

    /// Does something with the order of the servers.
    fn with_order<T>(&self, run: impl FnOnce(&[u16]) -> T) -> T {
        if !self.turn.changed.load(Acquire) {
            return run(self.turn.order.get_or_init(|| smooth_order(&self.servers)));
        }
        if let Some(order) = &*self.turn.later.load() {
            return run(order);
        }
        let order = smooth_order(&self.servers);
        let result = run(&order);
        self.turn.later.store(Some(Arc::new(order)));
        result
    }

    /// Draws two servers by weight and takes the less used one.
    fn at_random(
        self: &Arc<Self>,
        asking: &Asking<'_>,
        usable: impl Fn(&Arc<Server>) -> bool,
    ) -> Option<Place> {
        let drawn = self.with_order(|order| {
            let draw = || {
                let turn = scramble(self.turn.next.fetch_add(1, Relaxed));
                let place = turn.checked_rem(order.len())?;
                let server = self.servers.get(usize::from(*order.get(place)?))?;
                usable(server).then_some(server)
            };
            [draw(), draw()]
        });
        drawn
            .into_iter()
            .flatten()
            .min_by_key(|server| load(server))
            .and_then(|server| Place::take(self, server, asking.worker))
            .or_else(|| self.least_used(asking, usable))
    }

    fn least_used(
        self: &Arc<Self>,
        asking: &Asking<'_>,
        usable: impl Fn(&Arc<Server>) -> bool,
    ) -> Option<Place> {
        let count = self.servers.len();
        let start = self.turn.next.fetch_add(1, Relaxed);
        let has_place = |server: &Arc<Server>| {
            let limit = server.current_maxconn();
            usable(server) && (limit == 0 || server.places.used() < limit)
        };
        let least = (0..count)
            .filter_map(|step| self.servers.get(start.wrapping_add(step).checked_rem(count)?))
            .filter(|&server| has_place(server))
            .min_by_key(|server| load(server))?;
        Place::take(self, least, asking.worker).or_else(|| self.first_of(asking, usable))
    }

    fn first_of(
        self: &Arc<Self>,
        asking: &Asking<'_>,
        usable: impl Fn(&Arc<Server>) -> bool,
    ) -> Option<Place> {
        let mut servers = self.servers.iter().filter(|&server| usable(server));
        servers.find_map(|server| Place::take(self, server, asking.worker))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Candidates {
    Active,
    Backup,
}

fn is_usable(server: &Server, backup: bool) -> bool {
    server.backup == backup && server.is_eligible()
}

/// Returns how busy a server is for its weight.
fn load(server: &Server) -> u64 {
    let used = u64::from(server.places.used()).saturating_mul(256);
    used.checked_div(server.current_weight().into()).unwrap_or(u64::MAX)
}

fn hash(src: Option<IpAddr>) -> usize {
    let bits = match src {
        Some(IpAddr::V4(addr)) => u64::from(addr.to_bits()),
        Some(IpAddr::V6(addr)) => addr.octets().chunks(8).fold(0_u64, |sum, half| {
            let half = half.iter().fold(0_u64, |bits, &byte| (bits << 8) | u64::from(byte));
            sum.rotate_left(17) ^ half
        }),
        None => 0,
    };
    scramble(usize::try_from(bits).unwrap_or_default())
}

/// Returns well-mixed bits: the finalizer of `SplitMix64`.
fn scramble(number: usize) -> usize {
    let mut bits = (number as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((bits ^ (bits >> 31)) & u64::from(u32::MAX)).unwrap_or_default()
}

/// Returns the servers' indices such that each stands there as often as its weight asks for, as
/// far as possible from itself.
fn smooth_order(servers: &[Arc<Server>]) -> Box<[u16]> {
    let divisor =
        servers.iter().map(|server| server.current_weight()).fold(0, common_divisor).max(1);
    let weights: Vec<i64> = servers
        .iter()
        .map(|server| {
            i64::from(server.current_weight()).checked_div(divisor.into()).unwrap_or_default()
        })
        .collect();
    let total: i64 = weights.iter().sum();
    let mut credit = vec![0_i64; weights.len()];
    let mut order = Vec::new();
    for _ in 0..total {
        for (credit, weight) in credit.iter_mut().zip(&weights) {
            *credit = credit.saturating_add(*weight);
        }
        let richest = credit.iter().copied().max().unwrap_or_default();
        let Some(index) = credit.iter().position(|&credit| credit == richest) else { break };
        if let Some(credit) = credit.get_mut(index) {
            *credit = credit.saturating_sub(total);
        }
        order.extend(u16::try_from(index));
    }
    order.into()
}

fn common_divisor(left: u32, right: u32) -> u32 {
    match left.checked_rem(right) {
        None => left,
        Some(rest) => common_divisor(right, rest),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::proxy::testing;

    fn names(proxy: &Arc<Proxy>, count: usize) -> String {
        let asking = Asking::default();
        (0..count)
            .map(|_| pick(proxy, &asking).map_or_else(|| "-".into(), |(name, _)| name))
            .collect()
    }

    fn pick(proxy: &Arc<Proxy>, asking: &Asking<'_>) -> Option<(String, Place)> {
        match proxy.choose_server(asking) {
            Choice::Server(place) => Some((place.server().name.clone(), place)),
            Choice::Full | Choice::None => None,
        }
    }

    #[test]
    fn servers_take_turns_by_weight() {
        let proxy = testing::backend(&[("a", 100, 0), ("b", 100, 0), ("c", 100, 0)]);
        assert_eq!(names(&proxy, 7), "abcabca");
        let proxy = testing::backend(&[("a", 5, 0), ("b", 1, 0), ("c", 1, 0)]);
        assert_eq!(names(&proxy, 7), "aabacaa");
        let proxy = testing::backend(&[("a", 0, 0), ("b", 1, 0)]);
        assert_eq!(names(&proxy, 2), "bb");
        assert_eq!(names(&testing::backend(&[]), 1), "-");
    }

    #[test]
    fn a_full_server_is_passed_over_and_its_place_comes_back() {
        let proxy = testing::backend(&[("a", 1, 1), ("b", 1, 1)]);
        let asking = Asking::default();
        let first = pick(&proxy, &asking).unwrap();
        let second = pick(&proxy, &asking).unwrap();
        assert_eq!((&*first.0, &*second.0), ("a", "b"));
        assert!(matches!(proxy.choose_server(&asking), Choice::Full));
        drop(second);
        assert_eq!(pick(&proxy, &asking).unwrap().0, "b");
    }

    #[test]
    fn a_failed_server_is_avoided_while_there_is_another() {
        let proxy = testing::backend(&[("a", 1, 0), ("b", 1, 0)]);
        let avoid = Arc::clone(proxy.servers.first().unwrap());
        let asking = Asking { avoid: Some(&avoid), ..Asking::default() };
        assert_eq!(pick(&proxy, &asking).unwrap().0, "b");
        assert_eq!(pick(&proxy, &asking).unwrap().0, "b");
        let proxy = testing::backend(&[("a", 1, 0)]);
        let avoid = Arc::clone(proxy.servers.first().unwrap());
        let asking = Asking { avoid: Some(&avoid), ..Asking::default() };
        assert_eq!(pick(&proxy, &asking).unwrap().0, "a");
    }

    #[test]
    fn who_has_waited_longest_gets_the_place() {
        let proxy = testing::backend(&[("a", 1, 1)]);
        let asking = Asking::default();
        let held = pick(&proxy, &asking).unwrap();
        let mut first = crate::proxy::Ticket::draw(&proxy, 0, None);
        let mut second = crate::proxy::Ticket::draw(&proxy, 0, None);
        assert_eq!((first.position(), second.position()), (0, 1));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.poll_called(&mut cx).is_pending());
        assert!(second.poll_called(&mut cx).is_pending());
        drop(held);
        assert!(matches!(proxy.choose_server(&asking), Choice::Full));
        assert!(second.poll_called(&mut cx).is_pending());
        assert!(first.poll_called(&mut cx).is_ready());
        let place = pick(&proxy, &Asking { queued: true, ..asking }).unwrap();
        drop(first);
        drop(place);
        assert!(second.poll_called(&mut cx).is_ready());
    }

    #[test]
    fn a_called_ticket_that_leaves_calls_the_next() {
        let proxy = testing::backend(&[("a", 1, 1)]);
        let held = pick(&proxy, &Asking::default()).unwrap();
        let mut first = crate::proxy::Ticket::draw(&proxy, 0, None);
        let mut second = crate::proxy::Ticket::draw(&proxy, 0, None);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.poll_called(&mut cx).is_pending());
        assert!(second.poll_called(&mut cx).is_pending());
        drop(held);
        drop(first);
        assert!(second.poll_called(&mut cx).is_ready());
    }
}
