//! What stands before a channel: it lets pass, holds and keeps back by the [`Plan`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::route::{Facts, Passage, Plan};
use crate::model::Alert;
use crate::store::{OutboxRow, Store, StoreError};
use crate::telemetry::deliver::AlertKeptBack;

/// What stands before one channel.
#[derive(Debug, Clone)]
pub struct Gate {
    channel: String,
    plan: Arc<Plan>,
}

impl Gate {
    /// One before `channel`.
    #[must_use]
    pub fn new(channel: &str, plan: Arc<Plan>) -> Self {
        Self { channel: channel.into(), plan }
    }

    /// Lets pass what may go out at `now` and returns it; settles in the store what is kept back, and
    /// gives back what has to wait.
    ///
    /// # Errors
    /// When the store cannot be read or written; the leases then end by themselves.
    pub(super) fn pass(
        &self,
        store: &dyn Store,
        rows: Vec<OutboxRow>,
        now: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        if rows.is_empty() {
            return Ok(rows);
        }
        // What is open, and nothing that has ended.
        let open: Vec<Alert> = store.told(&self.channel, None)?;
        let mut passed = Vec::new();
        let mut held: BTreeMap<Timestamp, Vec<OutboxRow>> = BTreeMap::new();
        for row in rows {
            let facts = Facts::read(&row.alert, &self.channel, store)?;
            match self.plan.passage(&self.channel, &facts, &open, now) {
                Passage::Send(_) => passed.push(row),
                Passage::Hold { until, .. } => held.entry(until).or_default().push(row),
                Passage::Suppress(why) => {
                    store.suppressed(std::slice::from_ref(&row), now, &why)?;
                    AlertKeptBack { sink: &self.channel, alert: row.alert.id.as_str(), why: &why }.emit();
                }
            }
        }
        for (until, rows) in held {
            store.release_all(&rows, until)?;
        }
        Ok(passed)
    }
}
