//! Telling the service manager how the process is doing. Everything here does nothing when there
//! is none.

use std::io;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::health::{Health, Report};

/// The longest time after which the status line is brought up to date.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The process is up: units that wait for it may start.
pub fn ready(report: &Report) {
    tell(&[NotifyState::Ready, NotifyState::Status(&report.line())]);
}

/// The configuration or the rules are being read again. Call [`ready`] when that is over, whether
/// it succeeded or not.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the time for the service manager cannot be read"),
    }
}

/// The process is stopping.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Keeps the status line up to date and, where the unit has a watchdog, gives signs of life while
/// `health` is alive: a process with a stuck part is restarted by the service manager. Returns when
/// `shutdown` is cancelled.
pub async fn watch(health: Health, shutdown: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    watch_with(health, watchdog, shutdown, tell).await;
}

// A third of the watchdog's time leaves room for one sign of life to come late.
async fn watch_with(
    health: Health,
    watchdog: Option<Duration>,
    shutdown: CancellationToken,
    mut tell: impl FnMut(&[NotifyState<'_>]),
) {
    let every = watchdog.map_or(STATUS_EVERY, |limit| (limit / 3).min(STATUS_EVERY));
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = String::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let report = health.report(Instant::now());
        if watchdog.is_some() && report.alive {
            tell(&[NotifyState::Watchdog]);
        }
        let line = report.line();
        if line != last {
            tell(&[NotifyState::Status(&line)]);
            last = line;
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    let told: io::Result<()> = sd_notify::notify(state);
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_stop_when_a_part_is_stuck() {
        let health = Health::new();
        let part = health.register("pipeline");
        part.ok();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (shutdown, seen) = (CancellationToken::new(), Arc::clone(&told));
        let watch = watch_with(health, Some(Duration::from_secs(30)), shutdown.clone(), move |states| {
            seen.lock().unwrap().extend(states.iter().map(ToString::to_string));
        });
        let watching = tokio::spawn(watch);
        tokio::time::sleep(Duration::from_secs(15)).await;
        let alive = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(alive, ["WATCHDOG=1", "STATUS=ready", "WATCHDOG=1"]);

        // A sign of life that was due before the test began, so the part is stuck at any time.
        let long_ago = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        part.beat(long_ago, Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(20)).await;
        let stuck = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(stuck.len(), 1, "{stuck:?}");
        assert!(stuck[0].starts_with("STATUS=not ready: pipeline failed: no sign of life"), "{stuck:?}");

        shutdown.cancel();
        watching.await.unwrap();
    }
}
