//! When to try again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::RetryConfig;

/// The longest wait that a receiver may ask for. More is more likely a mistake of its than meant.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// Exponential backoff with full jitter: uniform between 0 and `initial * 2^failures`, at most
/// `max`. The number of failures is kept in the store, so a restart does not begin again at the
/// shortest wait. Full jitter spreads senders that failed together best for the fewest requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
}

impl Backoff {
    /// From the settings.
    #[must_use]
    pub fn new(config: &RetryConfig) -> Self {
        Self {
            initial: Duration::from_secs(config.initial_seconds.into()),
            max: Duration::from_secs(config.max_seconds.into()),
        }
    }

    /// The longest wait after so many failures before this one.
    #[must_use]
    pub fn ceiling(&self, failures_before: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures_before).unwrap_or(u32::MAX);
        self.initial.saturating_mul(factor).min(self.max)
    }

    /// How long to wait: `chance` (0 to 1) of the ceiling, or longer when the receiver asked for it.
    #[must_use]
    pub fn wait(&self, failures_before: u32, chance: f64, asked: Option<Duration>) -> Duration {
        let drawn = self.ceiling(failures_before).mul_f64(chance.clamp(0.0, 1.0));
        drawn.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

/// Reads a `Retry-After` header: seconds, or an HTTP date, of which the time from `now` on counts
/// (none when it has passed). `None` when it is neither.
#[must_use]
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits only, so a failure means more than a u64 holds.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoff(initial_seconds: u32, max_seconds: u32) -> Backoff {
        Backoff::new(&RetryConfig { initial_seconds, max_seconds, give_up_after_hours: None })
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum_and_never_overflows() {
        let seconds = |failures| backoff(1, 60).ceiling(failures).as_secs();
        assert_eq!([0, 1, 2, 3, 5, 6, 31, 32, 4_000_000_000].map(seconds), [1, 2, 4, 8, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        let now = "1994-11-06T08:48:37Z".parse().unwrap();
        let read = |value| parse_retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(read("99999999999999999999999"), Some(u64::MAX));
        assert_eq!([read("-5"), read("soon"), read("")], [None; 3]);
    }

    #[test]
    fn what_the_receiver_asks_for_is_honoured_within_reason() {
        let wait = |asked| backoff(1, 60).wait(3, 0.5, Some(Duration::from_secs(asked))).as_secs();
        assert_eq!(wait(2), 4, "never sooner than the backoff");
        assert_eq!(wait(600), 600, "later than our own maximum");
        assert_eq!(wait(u64::MAX), LONGEST_ASKED.as_secs());
    }

    proptest! {
        #[test]
        fn a_wait_is_never_above_its_ceiling(failures: u32, chance in 0.0..1.0, initial in 1..3600_u32, max in 3600..86_400_u32) {
            let backoff = backoff(initial, max);
            let wait = backoff.wait(failures, chance, None);
            prop_assert!(wait <= backoff.ceiling(failures));
            prop_assert!(backoff.ceiling(failures) <= Duration::from_secs(max.into()));
            prop_assert!(backoff.ceiling(failures) <= backoff.ceiling(failures.saturating_add(1)));
        }
    }
}
