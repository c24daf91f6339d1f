//! The run queue: who is next, by virtual time and niceness. Knows no task and no clock.
//!
//! A run costs its real time, scaled by niceness, in virtual time; the least is next. The queue's
//! own virtual time goes on as fast as that of a task would that got its fair share: one that ran
//! long waits for no more than it took, and one that slept goes before those that are always ready,
//! but saves nothing up.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Where one task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The virtual time it has used, in nanoseconds at niceness 0.
    pub(super) used: u64,
    pub(super) weight: Weight,
}

/// How far one that slept may be put before its fair share, in virtual nanoseconds: the queue's time
/// must go on even where everyone in it has just woken.
const CREDIT: u64 = 20_000_000;

/// What a niceness is worth: -1024 gets four times the share of 0, and 1024 a quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// Virtual nanoseconds per 1024 real ones.
    cost: u32,
}

impl Weight {
    /// Returns the weight of a niceness from -1024 to 1024.
    pub(super) fn of(nice: i32) -> Self {
        let whole = nice.div_euclid(512);
        let part = nice.rem_euclid(512);
        // 2^x is close to 1 + x * (0.656 + 0.344 x) between 0 and 1: the error is under 0.3 %.
        let part = i64::from(part);
        let fraction = 1024 + part * 2 * (672 + part * 352 / 512) / 1024;
        let cost = if whole >= 0 { fraction << whole.min(2) } else { fraction >> (-whole).min(2) };
        Self { cost: u32::try_from(cost).unwrap_or(1024) }
    }

    fn charge(self, real: u64) -> u64 {
        real.max(1).saturating_mul(u64::from(self.cost)).div_ceil(1024)
    }

    fn share(self) -> u64 {
        (1 << 20) / u64::from(self.cost.max(1))
    }
}

/// Items in the order in which they run.
pub(super) struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    /// The virtual time of the queue.
    now: u64,
    /// The shares of all in the queue.
    load: u64,
    /// Keeps those of equal virtual time in order.
    sequence: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), now: 0, load: 0, sequence: 0 }
    }

    /// Adds an item. One that has slept is taken to have used little less than its fair share.
    pub(super) fn push(&mut self, item: T, standing: Standing, has_slept: bool) {
        // Those that are always ready lie about their fair share, and it would wait for half of them.
        let first = self.heap.peek().map_or(self.now, |entry| entry.used.min(self.now));
        let awake = first.max(self.now.saturating_sub(CREDIT));
        let used = if has_slept { standing.used.max(awake) } else { standing.used };
        self.sequence += 1;
        self.load += standing.weight.share();
        let (sequence, weight) = (self.sequence, standing.weight);
        self.heap.push(Entry { used, was_ready: !has_slept, sequence, weight, item });
    }

    /// Takes the next item, with its standing.
    pub(super) fn pop(&mut self) -> Option<(T, Standing)> {
        let Entry { used, weight, item, .. } = self.heap.pop()?;
        self.load = self.load.saturating_sub(weight.share());
        self.now = self.now.max(used);
        Some((item, Standing { used, weight }))
    }

    /// Returns the standing of an item after it ran for `real` nanoseconds.
    pub(super) fn charge(&mut self, before: Standing, weight: Weight, real: u64) -> Standing {
        // Fair would be the time divided by all shares, this item's included.
        let shares = self.load + weight.share();
        self.now += real.saturating_mul(1024) / shares.max(1);
        Standing { used: before.used.saturating_add(weight.charge(real)), weight }
    }

    /// Returns a standing that comes after all that are in the queue now.
    pub(super) fn behind_all(&self, standing: Standing) -> Standing {
        let last = self.heap.iter().map(|entry| entry.used).max();
        Standing { used: standing.used.max(last.unwrap_or(0)), ..standing }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

struct Entry<T> {
    used: u64,
    /// Comes after those that have just woken.
    was_ready: bool,
    sequence: u64,
    weight: Weight,
    item: T,
}

impl<T> Entry<T> {
    fn rank(&self) -> (u64, bool, u64) {
        (self.used, self.was_ready, self.sequence)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap's greatest comes first.
        other.rank().cmp(&self.rank())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: u64 = 1_000_000;

    fn at(nice: i32) -> Standing {
        Standing { used: 0, weight: Weight::of(nice) }
    }

    /// Runs tasks that are always ready, and returns how often each ran.
    fn share(nices: &[i32], runs: usize) -> Vec<usize> {
        let mut queue = Queue::new();
        for (task, nice) in nices.iter().enumerate() {
            queue.push(task, at(*nice), true);
        }
        let mut count = vec![0; nices.len()];
        for _ in 0..runs {
            let (task, standing) = queue.pop().unwrap();
            count[task] += 1;
            let standing = queue.charge(standing, standing.weight, SLICE);
            queue.push(task, standing, false);
        }
        count
    }

    #[test]
    fn weights_double_every_512() {
        let costs: Vec<u32> =
            [-1024, -512, 0, 512, 1024].iter().map(|nice| Weight::of(*nice).cost).collect();
        assert_eq!(costs, [256, 512, 1024, 2048, 4096]);
        assert!((-1024..1024).all(|nice| Weight::of(nice).cost <= Weight::of(nice + 1).cost));
        assert_eq!(Weight::of(256).cost, 1448);
    }

    #[test]
    fn equal_niceness_takes_turns() {
        assert_eq!(share(&[0, 0, 0, 0], 4000), [1000; 4]);
        assert_eq!(share(&[1024, 1024], 100), [50, 50]);
    }

    #[test]
    fn the_nicest_gets_a_sixteenth_of_the_least_nice_and_is_not_starved() {
        let count = share(&[-1024, 1024], 17_000);
        assert!((15_900..=16_100).contains(&count[0]), "{count:?}");
        let count = share(&[-1024, -1024, -1024, 1024], 49_000);
        assert!((900..=1100).contains(&count[3]), "{count:?}");
        let count = share(&[0, 1024], 5000);
        assert!((3950..=4050).contains(&count[0]), "{count:?}");
    }

    #[test]
    fn new_tasks_without_end_do_not_starve_one_that_has_run_long() {
        let mut queue = Queue::new();
        queue.push("long", at(1024), true);
        let (_, standing) = queue.pop().unwrap();
        queue.push("short", at(0), true);
        queue.push("short", at(0), true);
        let standing = queue.charge(standing, standing.weight, 50 * SLICE);
        queue.push("long", standing, false);
        let mut runs = 0;
        loop {
            let (name, standing) = queue.pop().unwrap();
            if name == "long" {
                break;
            }
            runs += 1;
            queue.charge(standing, standing.weight, SLICE);
            queue.push("short", at(0), true);
            assert!(runs < 1000, "starved");
        }
        // It waits until each of the two of niceness 0 had four times as much, and their credit.
        assert!((390..=460).contains(&runs), "{runs}");
    }

    #[test]
    fn one_that_steps_back_is_behind_all_and_still_has_its_turn() {
        let mut queue = Queue::new();
        for name in ["humble", "one", "other"] {
            queue.push(name, at(if name == "other" { 1024 } else { 0 }), true);
        }
        let mut order = String::new();
        for _ in 0..300 {
            let (name, standing) = queue.pop().unwrap();
            order.push(name.chars().next().unwrap());
            let mut standing = queue.charge(standing, standing.weight, SLICE);
            if name == "humble" {
                standing = queue.behind_all(standing);
            }
            queue.push(name, standing, false);
        }
        let count = |letter| order.matches(letter).count();
        // As often as the slowest of the others.
        assert!(count("h").abs_diff(count("ot")) <= count("h"), "{order}");
        assert!(count("h") >= 30 && count("h") * 2 < count("o"), "{order}");
    }

    #[test]
    fn one_that_slept_goes_before_many_that_are_always_ready() {
        let mut queue = Queue::new();
        for _ in 0..64 {
            queue.push("ready", at(0), true);
        }
        queue.push("guest", at(0), true);
        let mut guest = None;
        for turn in 0..10_000 {
            let (name, standing) = queue.pop().unwrap();
            if name == "guest" {
                guest = Some(queue.charge(standing, standing.weight, SLICE / 10));
                continue;
            }
            let standing = queue.charge(standing, standing.weight, SLICE);
            queue.push("ready", standing, false);
            // It comes back at any time, and is next at once.
            if turn % 97 == 0
                && let Some(standing) = guest.take()
            {
                queue.push("guest", standing, true);
                let (name, standing) = queue.pop().unwrap();
                assert_eq!(name, "guest", "{turn}");
                guest = Some(queue.charge(standing, standing.weight, SLICE / 10));
            }
        }
    }

    #[test]
    fn a_sleeper_gets_no_credit() {
        let mut queue = Queue::new();
        queue.push("busy", at(0), true);
        for _ in 0..100 {
            let (name, standing) = queue.pop().unwrap();
            let standing = queue.charge(standing, standing.weight, SLICE);
            queue.push(name, standing, false);
        }
        queue.push("sleeper", at(0), true);
        let mut count = 0;
        for _ in 0..100 {
            let (name, standing) = queue.pop().unwrap();
            count += usize::from(name == "sleeper");
            let standing = queue.charge(standing, standing.weight, SLICE);
            queue.push(name, standing, false);
        }
        assert!((49..=51).contains(&count), "{count}");
    }
}
