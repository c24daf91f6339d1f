//! How much of its worker a tenant has used in the last second. Reads no clock.

use std::cell::Cell;

/// The length of a bucket in microseconds; ten of them are the sliding second.
const BUCKET: u64 = 100_000;
const BUCKETS: usize = 10;

/// The processor time of a tenant's runs on one worker.
#[derive(Debug)]
pub(super) struct Share {
    /// What it may use in a second, in microseconds; `None` is all of it.
    limit: Option<u64>,
    used: [Cell<u64>; BUCKETS],
    sum: Cell<u64>,
    /// The number of the bucket that is filled now, counted from the beginning of time.
    latest: Cell<u64>,
}

impl Share {
    /// Returns an account for this percentage of a worker (`cpu-share`).
    pub(super) fn new(percent: u8) -> Self {
        let limit = (percent < 100).then(|| u64::from(percent) * (1_000_000 / 100));
        Self { limit, used: Default::default(), sum: Cell::new(0), latest: Cell::new(0) }
    }

    /// Charges a run that has just ended; both in microseconds.
    pub(super) fn charge(&self, now: u64, used: u64) {
        if self.limit.is_none() || used == 0 {
            return;
        }
        self.forget(now);
        if let Some(bucket) = self.bucket(self.latest.get()) {
            bucket.set(bucket.get().saturating_add(used));
            self.sum.set(self.sum.get().saturating_add(used));
        }
    }

    /// Says whether others shall run first.
    pub(super) fn is_over(&self, now: u64) -> bool {
        let Some(limit) = self.limit else { return false };
        if self.sum.get() <= limit {
            return false;
        }
        self.forget(now);
        self.sum.get() > limit
    }

    /// Empties the buckets that are older than a second.
    fn forget(&self, now: u64) {
        let (now, latest) = (now / BUCKET, self.latest.get());
        let oldest = now.saturating_sub(BUCKETS as u64);
        for number in latest.max(oldest)..now {
            if let Some(bucket) = self.bucket(number + 1) {
                self.sum.set(self.sum.get().saturating_sub(bucket.take()));
            }
        }
        self.latest.set(now.max(latest));
    }

    fn bucket(&self, number: u64) -> Option<&Cell<u64>> {
        self.used.get(usize::try_from(number % BUCKETS as u64).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn above_its_share_for_as_long_as_the_second_lasts() {
        let share = Share::new(50);
        share.charge(0, SECOND / 2);
        assert!(!share.is_over(0), "all of it, not more");
        share.charge(BUCKET, 1);
        assert!(share.is_over(BUCKET));
        assert!(share.is_over(SECOND - 1));
        assert!(!share.is_over(SECOND), "what was used in the first tenth is a second ago");
        share.charge(5 * SECOND, SECOND);
        assert!(share.is_over(5 * SECOND + 9 * BUCKET));
        assert!(!share.is_over(6 * SECOND));
        assert!(!share.is_over(5 * SECOND), "a clock that lags brings nothing back");
    }

    #[test]
    fn all_of_a_worker_is_no_limit() {
        let share = Share::new(100);
        share.charge(0, 10 * SECOND);
        assert!(!share.is_over(0));
    }

    proptest::proptest! {
        #[test]
        fn the_sum_is_that_of_the_last_ten_buckets(
            runs in proptest::collection::vec((0u64..300_000, 1u64..50_000), 0..200)
        ) {
            let share = Share::new(50);
            let (mut now, mut all) = (0, Vec::new());
            for (pause, used) in runs {
                now += pause;
                share.charge(now, used);
                all.push((now / BUCKET, used));
                let recent = |(number, _): &&(u64, u64)| number + BUCKETS as u64 > now / BUCKET;
                let expected: u64 = all.iter().filter(recent).map(|(_, used)| used).sum();
                proptest::prop_assert_eq!(share.sum.get(), expected);
            }
        }
    }
}
