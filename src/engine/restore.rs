//! Putting an engine back to where it stood, from what was stored.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::group::Restored;
use crate::model::{AlertKind, IncidentRecord};

use super::fold::{Engine, days};
use super::incidents::GroupCase;

impl Engine {
    /// Puts a stored complaint back. Complaints come in the order of their numbers, oldest first;
    /// nothing is decided anew.
    pub fn restore_complaint(&mut self, restored: Restored<'_>) {
        let (seq, clock) = (restored.seq, restored.clock);
        self.grouper.restore(restored);
        self.next_seq = self.next_seq.max(seq + 1);
        self.newest = self.newest.max(Some(clock));
    }

    /// Puts a stored incident or case back, after the complaints. `clock` is where the engine stood.
    ///
    /// # Errors
    /// When its state is not one of ours: the store belongs to another version.
    pub fn restore_incident(
        &mut self,
        record: &IncidentRecord,
        clock: Timestamp,
    ) -> Result<(), serde_json::Error> {
        match record.kind {
            AlertKind::GroupIncident => {
                let case: GroupCase = serde_json::from_str(&record.state)?;
                let id = case.group.clone();
                self.due.extend(
                    case.incident
                        .due(days(self.config.group.resolve_after_days))
                        .map(|due| (due, id.clone())),
                );
                self.cases.insert(id.clone(), case);
                // Nothing can join it when its members are no longer open.
                self.drop_empty_case(&id);
            }
            AlertKind::FinancialRisk => {
                self.risks.restore(serde_json::from_str(&record.state)?, clock, &self.config.risk);
            }
        }
        Ok(())
    }

    /// Sets the clock and the next number, after everything is put back.
    pub fn restore_clock(&mut self, clock: Option<Timestamp>, next_seq: u64) {
        self.clock = clock;
        self.next_seq = self.next_seq.max(next_seq);
    }

    /// The number the next complaint will get.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The state in words that two equal engines share, for tests that compare a restored engine
    /// with one that never stopped.
    pub fn describe(&mut self) -> String {
        use std::fmt::Write as _;
        let mut out = format!(
            "clock {:?} newest {:?} next {}\n",
            self.clock,
            self.newest.max(self.clock),
            self.next_seq
        );
        let _ = writeln!(out, "{}", self.grouper.describe());
        let cases: BTreeMap<_, _> = self.cases.iter().collect();
        let _ = writeln!(out, "{cases:#?}\n{:#?}\n{}", self.due, self.risks.describe());
        out
    }
}
