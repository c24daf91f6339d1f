//! What a tenant holds of the host, on all workers together, and whether it may have more.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::mem;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use mlua::Lua;

use super::book::Info;
use super::host::Raise;
use super::module::Modules;
use super::raw;
use crate::clock;
use crate::script::policy::Policy;

/// The account of a tenant; all its states and workers share it.
#[derive(Debug)]
pub(super) struct Account {
    /// What the operator grants it.
    pub policy: Arc<Policy>,
    /// What its `require` has found.
    pub modules: Modules,
    /// What the watchdog knows it by, once it has a state.
    pub number: OnceLock<u32>,
    held: [AtomicUsize; What::COUNT],
    born: Instant,
    /// Until when its calls are refused: milliseconds since `born`.
    quarantine: AtomicU64,
    /// When the bucket of its messages is full again: milliseconds since `born`.
    refilled: AtomicU64,
    /// Messages dropped since the last one that was not.
    dropped: AtomicU64,
    last_failure: Failure,
}

/// The last failure that was logged of a tenant.
#[derive(Debug, Default)]
struct Failure {
    /// What its message says, and where.
    hash: AtomicU64,
    /// When it was logged: milliseconds since `born`.
    at: AtomicU64,
    /// How often it came again since.
    again: AtomicU64,
}

/// Messages of a tenant: so many at once, and one each so many milliseconds.
const MESSAGES_BURST: u64 = 100;
const MESSAGE_INTERVAL: u64 = 50;

/// How long the same failure is not logged again, in milliseconds.
const FAILURE_INTERVAL: u64 = 1000;

/// What the host holds for a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Bytes of variables, map entries, buffers.
    Memory,
    /// Open sockets.
    Sockets,
    /// Tasks that have not ended.
    Tasks,
    /// Names that are being resolved, each by a thread.
    Lookups,
}

/// Something charged to an account until it is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    account: Arc<Account>,
    what: What,
    amount: usize,
}

/// How many bytes outside of a state are worth a step of its collector, and the most steps at once.
const STEP: usize = 1 << 10;
const STEPS_MAX: usize = 64;

/// One tenant must not have all the threads that resolve names.
const LOOKUPS_MAX: usize = 4;

impl What {
    const COUNT: usize = 4;
}

/// Returns the account of the tenant whose state this is; the operator's own scripts have none.
pub(super) fn of(lua: &Lua) -> Option<Arc<Account>> {
    let info = lua.app_data_ref::<Info>()?;
    info.tenant.clone()
}

/// Charges something to the tenant whose state this is, if it is one's.
pub(super) fn charge(lua: &Lua, what: What, amount: usize) -> Result<Option<Charge>, Raise> {
    of(lua).map(|account| account.charge(what, amount)).transpose()
}

/// Lets the collector work for what an object holds outside of the state: else it would not know
/// that there is anything to be found.
pub(super) fn weigh(lua: &Lua, bytes: usize) {
    for _ in 0..(bytes / STEP).clamp(1, STEPS_MAX) {
        raw::collect_some(lua);
    }
}

/// Charges a tenant for what an object holds outside of the state; garbage is looked for first.
pub(super) fn charge_object(lua: &Lua, bytes: usize) -> Result<Option<Charge>, Raise> {
    let Some(account) = of(lua) else { return Ok(None) };
    weigh(lua, bytes);
    account.charge(What::Memory, bytes).map(Some)
}

/// Returns bytes that are charged to a tenant as long as anybody shares them.
pub(super) fn bytes(lua: &Lua, bytes: Vec<u8>) -> Result<Bytes, Raise> {
    Ok(match charge(lua, What::Memory, bytes.len())? {
        Some(charge) => Bytes::from_owner(Owned { bytes, _charge: charge }),
        None => bytes.into(),
    })
}

struct Owned {
    bytes: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Account {
    pub(super) fn new(policy: Arc<Policy>) -> Arc<Self> {
        Arc::new(Self {
            policy,
            modules: Modules::default(),
            number: OnceLock::new(),
            held: Default::default(),
            born: clock::now(),
            quarantine: AtomicU64::new(0),
            refilled: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            last_failure: Failure::default(),
        })
    }

    /// Charges something, or says why it cannot be had.
    pub(super) fn charge(self: &Arc<Self>, what: What, amount: usize) -> Result<Charge, Raise> {
        let limit = self.limit(what);
        let Some(counter) = self.held.get(what as usize) else {
            return Err(Raise::new("no such account"));
        };
        let add = |held: usize| held.checked_add(amount).filter(|sum| *sum <= limit);
        match counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(Charge { account: Arc::clone(self), what, amount }),
            Err(held) => Err(self.refusal(what, held, limit)),
        }
    }

    /// Returns how much of something is held.
    #[cfg(test)]
    pub(super) fn held(&self, what: What) -> usize {
        self.held.get(what as usize).map_or(0, |held| held.load(Ordering::Relaxed))
    }

    /// Refuses the tenant's calls for a while.
    pub(super) fn quarantine(&self, time: Duration) {
        self.quarantine.fetch_max(self.age().saturating_add(millis(time)), Ordering::Relaxed);
    }

    /// Says whether the tenant's calls are refused now.
    pub(super) fn is_quarantined(&self) -> bool {
        let until = self.quarantine.load(Ordering::Relaxed);
        until != 0 && self.age() < until
    }

    /// Says whether the tenant may log a message now, and how many were dropped before it.
    pub(super) fn may_log(&self) -> Option<u64> {
        self.may_log_at(self.age())
    }

    fn may_log_at(&self, now: u64) -> Option<u64> {
        let take = |refilled: u64| {
            let after = refilled.max(now) + MESSAGE_INTERVAL;
            (after - now <= MESSAGES_BURST * MESSAGE_INTERVAL).then_some(after)
        };
        if self.refilled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.dropped.swap(0, Ordering::Relaxed))
    }

    /// Says whether a failure is worth a line, and how often it was not since the last line.
    pub(super) fn may_report(&self, message: &str) -> Option<u64> {
        self.may_report_at(message, self.age())
    }

    fn may_report_at(&self, message: &str, now: u64) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        message.hash(&mut hasher);
        let hash = hasher.finish();
        let last = &self.last_failure;
        let known = last.hash.swap(hash, Ordering::Relaxed) == hash;
        if known && now.saturating_sub(last.at.load(Ordering::Relaxed)) < FAILURE_INTERVAL {
            last.again.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        last.at.store(now, Ordering::Relaxed);
        let again = last.again.swap(0, Ordering::Relaxed);
        Some(if known { again } else { 0 })
    }

    fn age(&self) -> u64 {
        millis(clock::now().saturating_duration_since(self.born))
    }

    fn limit(&self, what: What) -> usize {
        match what {
            What::Memory => self.policy.memory_max,
            What::Sockets => self.policy.connections_max as usize,
            What::Tasks => self.policy.tasks_max as usize,
            What::Lookups => LOOKUPS_MAX,
        }
    }

    fn refusal(&self, what: What, held: usize, limit: usize) -> Raise {
        let (name, knob) = match what {
            What::Memory => ("bytes of the host", "memory-max"),
            What::Sockets => ("sockets", "connections-max"),
            What::Tasks => ("tasks", "tasks-max"),
            What::Lookups => ("names to resolve", "at once"),
        };
        let tenant = &self.policy.name;
        Raise::new(format!("tenant {tenant}: too many {name} ({held} held, {knob} {limit})"))
    }
}

impl Charge {
    /// Charges more of the same.
    pub(super) fn grow(&mut self, amount: usize) -> Result<(), Raise> {
        let mut more = self.account.charge(self.what, amount)?;
        // It is given back with the whole.
        self.amount += mem::take(&mut more.amount);
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(held) = self.account.held.get(self.what as usize) {
            held.fetch_sub(self.amount, Ordering::Relaxed);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let account = Account::new(Arc::new(Policy { connections_max: 2, ..Policy::new("acme") }));
        let one = account.charge(What::Sockets, 1);
        let two = account.charge(What::Sockets, 1);
        assert!(one.is_ok() && two.is_ok());
        let refused = account
            .charge(What::Sockets, 1)
            .map(drop)
            .map_err(|raise| String::from_utf8_lossy(raise.message()).into_owned());
        assert_eq!(
            refused,
            Err("tenant acme: too many sockets (2 held, connections-max 2)".to_owned())
        );
        drop(one);
        assert_eq!(account.held(What::Sockets), 1);
        assert!(account.charge(What::Sockets, 1).is_ok());
    }

    #[test]
    fn what_grows_is_given_back_as_a_whole() {
        let account = Account::new(Arc::new(Policy { memory_max: 10, ..Policy::new("acme") }));
        let mut charge = account.charge(What::Memory, 4).unwrap();
        charge.grow(6).unwrap();
        assert!(charge.grow(1).is_err());
        assert_eq!(account.held(What::Memory), 10);
        drop(charge);
        assert_eq!(account.held(What::Memory), 0);
    }

    #[test]
    fn messages_come_in_a_burst_and_then_by_the_second() {
        let account = Account::new(Arc::new(Policy::new("acme")));
        let logged = |now| (0..1000).filter(|_| account.may_log_at(now).is_some()).count();
        assert_eq!(logged(0), 100);
        assert_eq!(logged(0), 0);
        // One each 50 ms; the first of them tells what was dropped.
        assert_eq!(account.may_log_at(50), Some(1900));
        assert_eq!(logged(1050), 20);
        assert_eq!(logged(100_000), 100);
    }

    #[test]
    fn the_same_failure_is_told_once_a_second() {
        let account = Account::new(Arc::new(Policy::new("acme")));
        assert_eq!(account.may_report_at("a.lua:1: x", 10), Some(0));
        assert_eq!(account.may_report_at("a.lua:1: x", 20), None);
        assert_eq!(account.may_report_at("a.lua:1: x", 30), None);
        assert_eq!(account.may_report_at("a.lua:1: x", 1010), Some(2));
        assert_eq!(account.may_report_at("a.lua:2: x", 1011), Some(0));
    }

    #[test]
    fn quarantine_refuses_calls() {
        let account = Account::new(Arc::new(Policy::new("acme")));
        assert!(!account.is_quarantined());
        account.quarantine(Duration::from_secs(60));
        assert!(account.is_quarantined());
    }
}
