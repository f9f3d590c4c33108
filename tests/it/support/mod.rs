//! What several tests need: a real Kafka broker, a place to wait.

#[cfg(feature = "kafka")]
pub(crate) mod kafka;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Shows the logs of what is tested when `RUST_LOG` is set, for example `RUST_LOG=fenghuo=debug`.
pub(crate) fn show_logs() {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_default_env() else { return };
    let shown = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    // An error says that another test was first.
    drop(shown);
}

/// Waits until `done` gives something, looking often; the deadline is generous, since nothing
/// is measured here.
///
/// # Panics
/// After two minutes, saying `what` was waited for.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(Instant::now() < end, "waited two minutes for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for a condition.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    wait_for(what, || done().then_some(()));
}

/// A port of loopback that nobody uses, outside of the range from which outgoing connections take
/// theirs, so that it is still free after a restart.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 1000).expect("below 1000") * 10;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
