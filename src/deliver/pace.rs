//! How fast a receiver may be told: a token bucket that keeps to a limit in any minute.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// The bucket of one sink.
pub(super) struct Pace {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

/// How a limit is kept: so many tokens at once, and one more after each `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Messages that may go out at once after a quiet time.
    pub burst: NonZeroU32,
    /// One more each time.
    pub interval: Duration,
}

impl Limit {
    /// Keeps to `per_minute` messages in any minute, wherever it begins. A bucket of all of them would
    /// let twice as many through in the first minute: what it holds and what comes in the meantime.
    /// So it holds a quarter, and at most 3 (robots also count by the second), and the rest comes
    /// evenly.
    #[must_use]
    pub fn per_minute(per_minute: u32) -> Self {
        let burst = (per_minute / 4).clamp(1, 3);
        let rest = per_minute.saturating_sub(burst).max(1);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // With one a minute there is no rest, and a full minute lies between two.
        Self { burst, interval: Duration::from_mins(1) / rest }
    }
}

impl Pace {
    pub(super) fn new(limit: Limit) -> Self {
        // The interval is never zero: at most 6000 a minute.
        let quota = Quota::with_period(limit.interval).unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN));
        let clock = DefaultClock::default();
        Self { limiter: RateLimiter::direct_with_clock(quota.allow_burst(limit.burst), clock.clone()), clock }
    }

    /// Takes tokens for `messages` if there are as many.
    pub(super) fn take(&self, messages: usize) -> bool {
        let Some(messages) = u32::try_from(messages).ok().and_then(NonZeroU32::new) else { return false };
        matches!(self.limiter.check_n(messages), Ok(Ok(())))
    }

    /// Takes a token, or says how long until there is one.
    pub(super) fn take_one(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    /// When messages go out that are sent as soon as they may, in milliseconds.
    fn sent(per_minute: u32, minutes: u64) -> Vec<u64> {
        let limit = Limit::per_minute(per_minute);
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(limit.interval).unwrap().allow_burst(limit.burst);
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let mut sent = Vec::new();
        for at in 0..minutes * 60_000 / 10 {
            while limiter.check().is_ok() {
                sent.push(at * 10);
            }
            clock.advance(Duration::from_millis(10));
        }
        sent
    }

    fn most_within(sent: &[u64], window: u64) -> usize {
        sent.iter()
            .map(|from| sent.iter().filter(|at| (*from..from + window).contains(*at)).count())
            .max()
            .unwrap()
    }

    #[test]
    fn vendors_limits_are_kept_in_any_minute_and_any_second() {
        let wecom = sent(20, 5);
        assert!(most_within(&wecom, 60_000) <= 20, "{}", most_within(&wecom, 60_000));
        assert!(wecom.len() >= 5 * 17, "{}: no slower than need be", wecom.len());
        let feishu = sent(100, 3);
        assert!(most_within(&feishu, 60_000) <= 100 && most_within(&feishu, 1000) <= 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_limit_is_kept_in_any_minute(per_minute in 2..300_u32) {
            prop_assert!(most_within(&sent(per_minute, 3), 60_000) <= per_minute as usize);
        }
    }
}
