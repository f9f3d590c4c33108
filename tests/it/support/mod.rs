//! What several tests need: a real Kafka broker, a place to wait.

#[cfg(feature = "kafka")]
pub(crate) mod kafka;

use std::time::{Duration, Instant};

/// Waits until `done` gives something, looking often; the deadline is generous, since nothing
/// is measured here.
///
/// # Panics
/// After a minute, saying `what` was waited for.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(Instant::now() < end, "waited a minute for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for a condition.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    wait_for(what, || done().then_some(()));
}
