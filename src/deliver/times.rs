//! Times between moments, and how long a line may sleep.

use std::time::Duration;

use jiff::Timestamp;

/// Looked at least so often, for commits of another process and clocks that were set.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Rows that are due and cannot be had (leased to another process this moment) are not asked for
/// more often than this.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// How long nothing new can be expected.
pub(super) fn until(now: Timestamp, next: Option<Timestamp>) -> Duration {
    next.map_or(LONGEST_SLEEP, |next| between(now, next).clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
}

/// The time from `from` to `to`; none when `to` is earlier.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
