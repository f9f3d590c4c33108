//! The way into the store and its answers: committed, taken by somebody else, not now.

use std::sync::Arc;
use std::time::Instant;

use crate::model::{Alert, Commit, ComplaintRecord};
use crate::source::Lease;
use crate::store::{CommitError, StoreError};
use crate::telemetry::pipeline as happening;

use super::live::Live;
use super::{Pipeline, RETRY, Stop};

/// Why the store could not be used at the last try, if it could not.
#[derive(Default)]
struct Stall(Option<String>);

impl Stall {
    fn is_new(&self) -> bool {
        self.0.is_none()
    }
}

/// Whether a commit went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    Yes,
    /// Somebody else has the partition: the batch is theirs.
    Lost,
}

impl Pipeline {
    /// Commits, waiting as long as the store has no room.
    pub(super) fn commit(&mut self, commit: &Commit, leases: &[Lease]) -> Result<Committed, Stop> {
        let mut stall = Stall::default();
        loop {
            match self.parts.store.commit(commit, &self.parts.sinks) {
                Ok(()) => break,
                Err(error @ CommitError::Lost { .. }) if leases.is_empty() && !self.is_leased(commit) => {
                    // Nobody takes these sources away: a second daemon works on this store. Going on
                    // would drop one batch after the other.
                    return Err(Stop::Fatal(anyhow::Error::new(error).context(
                        "another daemon uses this data folder; stop it, or give this one its own store.path",
                    )));
                }
                Err(CommitError::Lost { source }) => {
                    happening::BatchLost { source: &source }.emit();
                    for lease in leases {
                        lease.lose();
                    }
                    self.live.remove(&commit.partition);
                    return Ok(Committed::Lost);
                }
                // Waiting does not help: the file is damaged, or another version has taken it over, or
                // this batch is one that the store will never take.
                Err(error) if !error.is_passing() => {
                    return Err(Stop::Fatal(anyhow::Error::new(error).context(
                        "the batch is not committed, and nothing of it is lost: it is read or sent again",
                    )));
                }
                Err(error) => {
                    // What retention does not keep may be the room that is missing.
                    if matches!(error, CommitError::Full(_)) && stall.is_new() {
                        self.make_room();
                    }
                    self.stalled(&mut stall, &error.to_string())?;
                }
            }
        }
        self.recovered(&stall);
        if let Some(live) = self.live.get_mut(&commit.partition) {
            // Not from when the commit was asked for: it may have waited for room since.
            live.committed((self.parts.now)());
            for delta in &commit.positions {
                live.positions.insert(Arc::from(delta.source.as_str()), Some(delta.to));
            }
        }
        tell_alerts(&commit.alerts);
        self.count_hits(&commit.complaints);
        if !commit.alerts.is_empty() {
            (self.parts.wake)();
        }
        Ok(Committed::Yes)
    }

    /// Says that the store cannot be used for now, and waits a moment before it is tried again.
    fn stalled(&self, stall: &mut Stall, reason: &str) -> Result<(), Stop> {
        happening::StoreStalled { reason, is_new: stall.0.as_deref() != Some(reason) }.emit();
        stall.0 = Some(reason.to_owned());
        self.health.failed(format!("intake has stopped: {reason}"));
        self.health.beat(Instant::now(), super::LIFE_SIGN);
        if self.shutdown.is_cancelled() {
            return Err(Stop::Shutdown);
        }
        std::thread::sleep(RETRY);
        Ok(())
    }

    fn recovered(&self, stall: &Stall) {
        if !stall.is_new() {
            happening::StoreRecovered.emit();
            self.health.ok();
        }
    }

    /// Asks the store, waiting as long as it cannot be used for a passing reason.
    pub(super) fn patiently<T>(&self, ask: impl Fn(&Self) -> anyhow::Result<T>) -> Result<T, Stop> {
        let mut stall = Stall::default();
        loop {
            match ask(self) {
                Ok(answer) => {
                    self.recovered(&stall);
                    return Ok(answer);
                }
                Err(error) if error.downcast_ref().is_some_and(StoreError::is_passing) => {
                    self.stalled(&mut stall, &format!("{error:#}"))?;
                }
                Err(error) => return Err(Stop::Fatal(error)),
            }
        }
    }

    fn count_hits(&self, complaints: &[ComplaintRecord]) {
        let pack = &self.parts.preparer.knowledge().pack;
        for hit in complaints.iter().flat_map(|record| &record.decision.risks) {
            let alert_at = pack.rule(&hit.rule).map_or(hit.alert_at, |rule| rule.alert_at);
            happening::RuleMet { rule: &hit.rule, outcome: hit.outcome(alert_at) }.emit();
        }
    }

    fn is_leased(&self, commit: &Commit) -> bool {
        self.live.get(&commit.partition).is_some_and(Live::is_leased)
    }
}

fn tell_alerts(alerts: &[Alert]) {
    for alert in alerts {
        happening::AlertRaised {
            id: alert.id.as_str(),
            revision: alert.revision,
            kind: alert.kind,
            state: alert.state,
            level: alert.level,
            callers: alert.callers,
        }
        .emit();
    }
}
