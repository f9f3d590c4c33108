//! How much an engine and a store hold: what people and metrics are told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// How much an engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineStatus {
    /// How far time has come (event time).
    pub clock: Option<Timestamp>,
    /// Complaints that others may join.
    pub open_complaints: u32,
    /// Distinct terms and sites that they hold; memory grows with complaints and with these.
    pub open_terms: usize,
    /// Groups of them.
    pub open_groups: usize,
    /// Incidents raised and not resolved.
    pub open_incidents: usize,
    /// Risk cases raised and not resolved.
    pub open_cases: usize,
    /// Events that came later than allowed, since this engine was made.
    pub late: u64,
}

/// What waits for one sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxDepth {
    /// The sink.
    pub sink: String,
    /// Revisions not delivered yet.
    pub pending: u64,
    /// When the oldest of them was committed.
    pub oldest: Option<Timestamp>,
}

/// How much is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Complaints.
    pub complaints: u64,
    /// Groups.
    pub groups: u64,
    /// Incidents and risk cases.
    pub incidents: u64,
    /// Those of them that are open.
    pub incidents_open: u64,
    /// Alert revisions.
    pub alerts: u64,
    /// Revisions times sinks not delivered.
    pub outbox_pending: u64,
    /// Dead letters that were not fed in again, by reason.
    pub dead_letters: BTreeMap<&'static str, u64>,
    /// The size of the file in bytes, free pages included, write-ahead log not.
    pub file_bytes: u64,
    /// Bytes in free pages, which are used before the file grows.
    pub free_bytes: u64,
}

/// What a sweep deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Complaints.
    pub complaints: u64,
    /// Groups that lost their last member.
    pub groups: u64,
    /// Incidents and risk cases.
    pub incidents: u64,
    /// Alert revisions.
    pub alerts: u64,
    /// Records of deliveries.
    pub deliveries: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Lines of the audit trail.
    pub audit: u64,
    /// The sweep stopped at its bound; call again soon.
    pub more: bool,
}

impl SweepReport {
    /// Everything deleted together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.complaints
            + self.groups
            + self.incidents
            + self.alerts
            + self.deliveries
            + self.dead_letters
            + self.audit
    }
}
