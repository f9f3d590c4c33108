//! Keeps what was decided: complaints, groups, incidents, alerts, the outbox, positions, dead
//! letters and the audit trail.
//!
//! **Does:** takes one [`Commit`] per batch and applies all of it or nothing; answers the look-ups
//! that restarting, deduplication, delivery, the console and the command line need; deletes what
//! has grown old. **Promises:** a commit that returned `Ok` survives a crash (and power loss, with
//! [`Synchronous::Full`]); a commit that returned an error left nothing behind; a reader who lost
//! its source partition, or an engine that lost its partition, cannot commit
//! ([`CommitError::Lost`]); alerts leave the outbox in order, one revision after the other, for
//! each sink and alert; a file that is damaged, foreign or of a newer version is refused and left
//! as it is. **Leaves to others:** deciding anything, sending anything, the clock: times come in as
//! values.
//!
//! [`Store`] is the interface; [`sqlite::SqliteStore`] the embedded implementation. All calls
//! block and are meant for threads that may.

mod config;
mod error;
mod records;
pub mod sqlite;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use rustc_hash::FxHashMap;

pub use crate::model::{Counts, OutboxDepth, SweepReport};
pub use config::{MIN_AUDIT_DAYS, RetentionConfig, StoreConfig, Synchronous};
pub use error::{CommitError, OpenError, StoreError};
pub use records::{
    AlertFilter, AuditEntry, BackupProgress, CheckReport, DeadLetterEntry, DeadLetterFilter, Delivery,
    DeliveryState, Known, OpenComplaint, OutboxRow, PartitionState, StoredAlert, StoredComplaint,
    StoredDeadLetter, VacuumReport, Words,
};

use crate::model::Positions;
use crate::model::{
    Alert, AlertId, Commit, ComplaintId, DeadLetter, GroupId, IncidentRecord, Judgement, OpenSince,
    PartitionKey, Truth,
};

/// Everything the other rooms ask of a store. [`Positions`] gives the sources where they left off
/// (an `Arc<dyn Store>` can be handed over as `Arc<dyn Positions>`).
pub trait Store: Positions + Send + Sync {
    // ---- the pipeline ----

    /// Applies all of a batch, with one outbox row for each alert and each of `sinks`, or nothing.
    /// Refused as [`CommitError::Lost`] when the partition has committed since, when a position
    /// does not join on to what is stored, or when an alert revision is already there. A partition
    /// that a complaint leaves counts as having committed, so that whoever runs it elsewhere
    /// rebuilds it.
    fn commit(&self, commit: &Commit, sinks: &[String]) -> Result<(), CommitError>;

    /// What is known of these complaints; those never seen are missing from the answer.
    fn known(&self, ids: &[ComplaintId]) -> Result<FxHashMap<ComplaintId, Known>, StoreError>;

    /// Where an engine stood at its last commit; `None` when it never committed.
    fn partition_state(&self, partition: &PartitionKey) -> Result<Option<PartitionState>, StoreError>;

    /// All engines that ever committed, in the order of their names.
    fn partitions(&self) -> Result<Vec<(PartitionKey, PartitionState)>, StoreError>;

    /// Hands what a start needs of an engine's open complaints to `each`, in the order they were applied,
    /// until it breaks: of a complaint with a reading of this version that, of others the complaint. One
    /// consistent picture, however long it takes. Returns how many were handed over.
    fn open_window(
        &self,
        partition: &PartitionKey,
        since: OpenSince,
        version: u64,
        each: &mut dyn FnMut(OpenComplaint) -> ControlFlow<()>,
    ) -> Result<u64, StoreError>;

    /// Hands the complaints of an engine from the first whose clock is `since` or later to `each`,
    /// in the order they were applied, until it breaks. One consistent picture, however long it
    /// takes. Returns how many were handed over.
    fn history(
        &self,
        partition: &PartitionKey,
        since: Timestamp,
        each: &mut dyn FnMut(StoredComplaint) -> ControlFlow<()>,
    ) -> Result<u64, StoreError>;

    /// All kept incidents and risk cases of an engine, ordered by id.
    fn incidents(&self, partition: &PartitionKey) -> Result<Vec<IncidentRecord>, StoreError>;

    // ---- looking things up ----

    /// One incident or risk case.
    fn incident(&self, id: &AlertId) -> Result<Option<IncidentRecord>, StoreError>;

    /// All revisions of an alert, oldest first; empty when there is none of this id.
    fn alert(&self, id: &AlertId) -> Result<Vec<Alert>, StoreError>;

    /// The newest alerts that pass the filter, newest first, at most `limit`.
    fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<StoredAlert>, StoreError>;

    /// Keeps a person's verdict on the last revision of an alert, and notes it in the audit trail: whether
    /// it was right, why, and who says so. `None` when there is no such alert.
    fn judge(
        &self,
        alert: &AlertId,
        verdict: (Truth, &str, &str),
        now: Timestamp,
    ) -> Result<Option<Judgement>, StoreError>;

    /// All verdicts on one alert, or on all alerts, oldest first; of one alert the last counts.
    fn judgements(&self, alert: Option<&AlertId>) -> Result<Vec<Judgement>, StoreError>;

    /// One complaint.
    fn complaint(&self, id: &ComplaintId) -> Result<Option<StoredComplaint>, StoreError>;

    /// The group that `id` is now: itself while it lives, or the one it went into; `None` when it
    /// has no members any more.
    fn resolve_group(&self, id: &GroupId) -> Result<Option<GroupId>, StoreError>;

    /// The kept members of a group (or of the one it went into), in the order they were applied.
    fn group_members(&self, id: &GroupId) -> Result<Vec<ComplaintId>, StoreError>;

    /// How much is kept. Walks the indices: ask every few seconds, not for every event.
    fn counts(&self) -> Result<Counts, StoreError>;

    // ---- delivery ----

    /// Leases up to `limit` rows of a sink that are due at `now` to `owner` until `lease_until`:
    /// only the oldest undelivered revision of each alert; the highest level first, within a level the
    /// longest due.
    fn due(
        &self,
        now: Timestamp,
        sink: &str,
        limit: u32,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError>;

    /// When the next row of a sink is due, leased ones at the end of their lease; `None` when
    /// nothing waits.
    fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError>;

    /// The receiver has all of these, told in one message. The rows stay as the record of the
    /// delivery, with what the receiver answered. Returns how many were still waiting (the others
    /// somebody else delivered).
    fn delivered_all(&self, rows: &[OutboxRow], now: Timestamp, receipt: &str) -> Result<u64, StoreError>;

    /// [`delivered_all`](Self::delivered_all) for one; false when it was not waiting any more.
    fn delivered(&self, row: &OutboxRow, now: Timestamp, receipt: &str) -> Result<bool, StoreError> {
        Ok(self.delivered_all(std::slice::from_ref(row), now, receipt)? > 0)
    }

    /// Settles rows without sending them, for good: `why` says in words for people what keeps them
    /// back, and stays on record. The alerts' next revisions are then due. Returns how many were
    /// still waiting.
    fn suppressed(&self, rows: &[OutboxRow], now: Timestamp, why: &str) -> Result<u64, StoreError>;

    /// Sending these failed; try again at `when`. Returns how many leases were still held: the
    /// others had gone to somebody else, whose business they now are.
    fn retry_all_at(&self, rows: &[OutboxRow], when: Timestamp, error: &str) -> Result<u64, StoreError>;

    /// [`retry_all_at`](Self::retry_all_at) for one; false when the lease had gone.
    fn retry_at(&self, row: &OutboxRow, when: Timestamp, error: &str) -> Result<bool, StoreError> {
        Ok(self.retry_all_at(std::slice::from_ref(row), when, error)? > 0)
    }

    /// Gives leases back untried, to be due at `when`, for example on shutdown. Returns how many were
    /// still held.
    fn release_all(&self, rows: &[OutboxRow], when: Timestamp) -> Result<u64, StoreError>;

    /// [`release_all`](Self::release_all) for one; false when the lease had gone already.
    fn release(&self, row: &OutboxRow, when: Timestamp) -> Result<bool, StoreError> {
        Ok(self.release_all(std::slice::from_ref(row), when)? > 0)
    }

    /// Sending can never succeed: the row leaves the outbox and `letter` becomes a dead letter in
    /// one transaction; the alert's next revision is then due. Returns the dead letter's number, or
    /// `None` when the row was not waiting any more.
    fn refused(&self, row: &OutboxRow, letter: &DeadLetter) -> Result<Option<i64>, StoreError>;

    /// The last revision that a sink has of each alert that is not over; with `ended_since` also of
    /// those of which it had the end then or later: what a receiver that forgets has to be told again.
    /// Ordered by id.
    fn told(&self, sink: &str, ended_since: Option<Timestamp>) -> Result<Vec<Alert>, StoreError>;

    /// What became of an alert at each sink, by revision and sink.
    fn deliveries(&self, id: &AlertId) -> Result<Vec<Delivery>, StoreError>;

    /// What waits for one sink.
    fn outbox_depth(&self, sink: &str) -> Result<OutboxDepth, StoreError>;

    /// What waits, for every sink that has something waiting, by name.
    fn outbox_depths(&self) -> Result<Vec<OutboxDepth>, StoreError>;

    // ---- dead letters and audit ----

    /// The newest dead letters that pass the filter, newest first, at most `limit`.
    fn dead_letters(&self, filter: &DeadLetterFilter, limit: u32)
    -> Result<Vec<DeadLetterEntry>, StoreError>;

    /// One dead letter with its original bytes.
    fn dead_letter(&self, id: i64) -> Result<Option<StoredDeadLetter>, StoreError>;

    /// Takes events that were put aside to feed them in again, oldest first, at most `limit`:
    /// marks them as fed in again at `now` and returns them with their bytes. The letters stay.
    /// Letters whose bytes are no event are left out; for alerts that a receiver refused see
    /// [`Store::requeue_refused`].
    fn take_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<StoredDeadLetter>, StoreError>;

    /// Puts refused alerts that pass the filter back into the outbox of the sink that refused them,
    /// due at `now`; marks the letters as fed in again. Returns how many.
    fn requeue_refused(&self, filter: &DeadLetterFilter, now: Timestamp) -> Result<u64, StoreError>;

    /// Adds a line to the audit trail.
    fn note(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// The newest lines of the audit trail, of one kind when given, newest first.
    fn audit(&self, kind: Option<&str>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    // ---- care ----

    /// Deletes what is older at `now` than the retention settings say, in small transactions so
    /// that commits get in between. Complaints of an engine are deleted only below its clock in
    /// `keep_since` (the begin of its open window); engines not named there keep all of theirs.
    fn sweep(
        &self,
        now: Timestamp,
        keep_since: &BTreeMap<PartitionKey, Timestamp>,
    ) -> Result<SweepReport, StoreError>;

    /// Writes a consistent copy to a new file while commits go on.
    ///
    /// # Errors
    /// Also when `to` exists: nothing is ever overwritten.
    fn backup(&self, to: &Path, progress: &mut dyn FnMut(BackupProgress)) -> Result<(), StoreError>;

    /// Reads everything and reports what does not fit together.
    fn check(&self) -> Result<CheckReport, StoreError>;

    /// Gives free pages back to the disk. Needs as much free disk as the store is large, and
    /// commits wait for it.
    fn vacuum(&self) -> Result<VacuumReport, StoreError>;
}
