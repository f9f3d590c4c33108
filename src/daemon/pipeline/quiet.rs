//! Letting time pass in engines to which nothing comes.

use crate::engine::Effects;
use crate::model::PartitionKey;
use crate::source::{Lease, LeaseGuard};

use super::{Pipeline, Step, Stop};

impl Pipeline {
    /// When an engine has been idle long enough, its clock goes on with the wall clock: up to now
    /// when its sources hand over what they get, else up to the moment at which all of them were
    /// known to have no more. A backlog, a broker that does not answer and a start are no quiet.
    pub(super) fn let_time_pass(&mut self, partition: &PartitionKey) -> Result<(), Stop> {
        let now = (self.parts.now)();
        if self.parts.holdings.is_expected(partition) {
            return Ok(());
        }
        let held = self.parts.holdings.of(partition);
        let Some(live) = self.live.get_mut(partition) else { return Ok(()) };
        if live.is_leased() && held.is_empty() {
            return Ok(());
        }
        let known = held.iter().try_fold(now, |known, holding| Some(known.min(holding.end?)));
        let (Some(known), Some((clock, since))) = (known, live.anchor) else { return Ok(()) };
        let idle = known.duration_since(since);
        if idle.as_secs() < i64::from(self.parts.config.idle_after_seconds) {
            return Ok(());
        }
        // What is decided here is published under the same rights as a batch.
        let leases: Vec<Lease> =
            held.into_iter().map(|holding| holding.lease).filter(|lease| lease.id().is_some()).collect();
        if leases.iter().filter_map(Lease::id).any(|id| !live.leases.contains(&id)) {
            return Ok(());
        }
        let guards: Option<Vec<LeaseGuard>> = leases.iter().map(Lease::enter).collect();
        let Some(guards) = guards else { return Ok(()) };
        let mut effects = Effects::default();
        live.engine.advance(clock.saturating_add(idle).unwrap_or(clock), &mut effects);
        let incidents = live.engine.incidents(&mut effects);
        if effects.alerts.is_empty() && incidents.is_empty() {
            return Ok(());
        }
        let mut commit = live.commit(partition, now);
        commit.incidents = incidents;
        commit.alerts = effects.alerts;
        self.step(Step::Applied)?;
        self.commit(&commit, &leases)?;
        drop(guards);
        self.step(Step::Committed)
    }
}
