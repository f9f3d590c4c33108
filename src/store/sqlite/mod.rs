//! The embedded store: one SQLite file with a write-ahead log.
//!
//! One connection writes, behind a lock; others read, each with its own consistent picture, and
//! never wait for the writer. Two processes on one host may have the file open, as during a
//! take-over: SQLite's locks order their commits, positions and numbers fence the one that is out
//! of date. `docs/decisions/0001-store.md` says why SQLite and how the fence works.

mod care;
mod commit;
mod dead;
mod open;
mod outbox;
mod read;
pub(super) mod row;
mod schema;
mod sweep;
#[cfg(test)]
mod tests;
mod verdicts;
mod window;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::{
    AlertFilter, AuditEntry, BackupProgress, CheckReport, CommitError, Counts, DeadLetterEntry,
    DeadLetterFilter, Delivery, Known, OpenComplaint, OpenError, OutboxDepth, OutboxRow, PartitionState,
    Store, StoreConfig, StoreError, StoredAlert, StoredComplaint, StoredDeadLetter, SweepReport,
    VacuumReport,
};
use crate::model::Positions;
use crate::model::{
    Alert, AlertId, Commit, ComplaintId, DeadLetter, GroupId, IncidentRecord, Judgement, OpenSince,
    PartitionKey, Position, Truth,
};
use crate::telemetry::store::{StoreCommitFailed, StoreCommitted, StoreSwept};

/// Idle reading connections that are kept; more are opened when more are needed at once.
const IDLE_READERS: usize = 4;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    config: StoreConfig,
    file: PathBuf,
    // Before the writer, since fields are dropped in this order: the last connection to close folds
    // the write-ahead log into the file, which a reader cannot.
    readers: Mutex<Vec<Connection>>,
    /// `None` when opened to read only.
    writer: Option<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the store to read and write; makes it when it is missing, upgrades an older one.
    ///
    /// # Errors
    /// When the file is damaged, foreign, newer, locked, or cannot be written; it is then left as
    /// it was.
    pub fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        Self::open_with(config, &open::Schema::current())
    }

    fn open_with(config: &StoreConfig, schema: &open::Schema<'_>) -> Result<Self, OpenError> {
        let writer = open::writer(config, schema)?;
        Self::assemble(config, Some(writer))
    }

    /// Opens an existing store to read, also while another process writes. Whatever would write
    /// fails with [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// When the file is missing, damaged, foreign, or of another version.
    pub fn open_read_only(config: &StoreConfig) -> Result<Self, OpenError> {
        open::inspect_to_read(config)?;
        Self::assemble(config, None)
    }

    fn assemble(config: &StoreConfig, writer: Option<Connection>) -> Result<Self, OpenError> {
        // The first reader is opened here, so that a file that cannot be read fails at the start.
        let reader = open::reader(config)?;
        Ok(Self {
            config: config.clone(),
            file: config.file(),
            writer: writer.map(Mutex::new),
            readers: Mutex::new(vec![reader]),
        })
    }

    /// The store's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.config).map_err(|error| StoreError::Other(error.to_string()))?,
        };
        let answer = ask(&connection);
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        answer
    }

    fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        let read_only = || StoreError::ReadOnly("it was opened to read only".into());
        self.writer.as_ref().map(lock).ok_or_else(read_only)
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        change(&mut *self.writer()?)
    }
}

/// A panic elsewhere while the lock was held has dropped its transaction and so undone it; the
/// connection is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Positions for SqliteStore {
    fn position(&self, source: &str) -> anyhow::Result<Option<Position>> {
        Ok(self.read(|connection| read::position(connection, source))?)
    }
}

impl Store for SqliteStore {
    fn commit(&self, commit: &Commit, sinks: &[String]) -> Result<(), CommitError> {
        let start = Instant::now();
        let applied = self
            .writer()
            .map_err(CommitError::from)
            .and_then(|mut connection| commit::commit(&mut connection, commit, sinks));
        match applied {
            Ok(()) => {
                StoreCommitted {
                    seconds: start.elapsed().as_secs_f64(),
                    complaints: commit.complaints.len(),
                    alerts: commit.alerts.len(),
                    dead_letters: commit.dead_letters.len(),
                }
                .emit();
                Ok(())
            }
            Err(error) => {
                StoreCommitFailed { kind: error.kind(), error: &error }.emit();
                Err(error)
            }
        }
    }

    fn known(&self, ids: &[ComplaintId]) -> Result<FxHashMap<ComplaintId, Known>, StoreError> {
        self.read(|connection| read::known(connection, ids))
    }

    fn partition_state(&self, partition: &PartitionKey) -> Result<Option<PartitionState>, StoreError> {
        let mut found = self.read(|connection| read::partitions(connection, Some(partition)))?;
        Ok(found.pop().map(|(_, state)| state))
    }

    fn partitions(&self) -> Result<Vec<(PartitionKey, PartitionState)>, StoreError> {
        self.read(|connection| read::partitions(connection, None))
    }

    fn open_window(
        &self,
        partition: &PartitionKey,
        since: OpenSince,
        version: u64,
        each: &mut dyn FnMut(OpenComplaint) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        self.read(|connection| window::open_window(connection, partition, since, version, each))
    }

    fn history(
        &self,
        partition: &PartitionKey,
        since: Timestamp,
        each: &mut dyn FnMut(StoredComplaint) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        self.read(|connection| window::history(connection, partition, since, each))
    }

    fn incidents(&self, partition: &PartitionKey) -> Result<Vec<IncidentRecord>, StoreError> {
        self.read(|connection| read::incidents(connection, partition))
    }

    fn incident(&self, id: &AlertId) -> Result<Option<IncidentRecord>, StoreError> {
        self.read(|connection| read::incident(connection, id))
    }

    fn alert(&self, id: &AlertId) -> Result<Vec<Alert>, StoreError> {
        self.read(|connection| read::alert(connection, id))
    }

    fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<StoredAlert>, StoreError> {
        self.read(|connection| read::alerts(connection, filter, limit))
    }

    fn judge(
        &self,
        alert: &AlertId,
        verdict: (Truth, &str, &str),
        now: Timestamp,
    ) -> Result<Option<Judgement>, StoreError> {
        self.write(|connection| verdicts::judge(connection, alert, verdict, now))
    }

    fn judgements(&self, alert: Option<&AlertId>) -> Result<Vec<Judgement>, StoreError> {
        self.read(|connection| verdicts::list(connection, alert))
    }

    fn complaint(&self, id: &ComplaintId) -> Result<Option<StoredComplaint>, StoreError> {
        self.read(|connection| read::complaint(connection, id))
    }

    fn resolve_group(&self, id: &GroupId) -> Result<Option<GroupId>, StoreError> {
        self.read(|connection| read::resolve_group(connection, id))
    }

    fn group_members(&self, id: &GroupId) -> Result<Vec<ComplaintId>, StoreError> {
        self.read(|connection| read::group_members(connection, id))
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.read(care::counts)
    }

    fn due(
        &self,
        now: Timestamp,
        sink: &str,
        limit: u32,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        if !self.read(|connection| outbox::any_due(connection, now, sink))? {
            return Ok(Vec::new());
        }
        self.write(|connection| outbox::due(connection, now, sink, limit, owner, lease_until))
    }

    fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| outbox::next_due(connection, sink))
    }

    fn delivered_all(&self, rows: &[OutboxRow], now: Timestamp, receipt: &str) -> Result<u64, StoreError> {
        self.write(|connection| outbox::settled(connection, rows, now, receipt, false))
    }

    fn suppressed(&self, rows: &[OutboxRow], now: Timestamp, why: &str) -> Result<u64, StoreError> {
        self.write(|connection| outbox::settled(connection, rows, now, why, true))
    }

    fn retry_all_at(&self, rows: &[OutboxRow], when: Timestamp, error: &str) -> Result<u64, StoreError> {
        self.write(|connection| outbox::give_back(connection, rows, when, Some(error)))
    }

    fn release_all(&self, rows: &[OutboxRow], when: Timestamp) -> Result<u64, StoreError> {
        self.write(|connection| outbox::give_back(connection, rows, when, None))
    }

    fn refused(&self, row: &OutboxRow, letter: &DeadLetter) -> Result<Option<i64>, StoreError> {
        self.write(|connection| outbox::refused(connection, row, letter))
    }

    fn told(&self, sink: &str, ended_since: Option<Timestamp>) -> Result<Vec<Alert>, StoreError> {
        self.read(|connection| outbox::told(connection, sink, ended_since))
    }

    fn deliveries(&self, id: &AlertId) -> Result<Vec<Delivery>, StoreError> {
        self.read(|connection| outbox::deliveries(connection, id))
    }

    fn outbox_depth(&self, sink: &str) -> Result<OutboxDepth, StoreError> {
        let mut found = self.read(|connection| outbox::depths(connection, Some(sink)))?;
        let nothing = || OutboxDepth { sink: sink.to_owned(), pending: 0, oldest: None };
        Ok(found.pop().unwrap_or_else(nothing))
    }

    fn outbox_depths(&self) -> Result<Vec<OutboxDepth>, StoreError> {
        self.read(|connection| outbox::depths(connection, None))
    }

    fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterEntry>, StoreError> {
        self.read(|connection| dead::list(connection, filter, limit))
    }

    fn dead_letter(&self, id: i64) -> Result<Option<StoredDeadLetter>, StoreError> {
        self.read(|connection| dead::one(connection, id))
    }

    fn take_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.write(|connection| dead::take(connection, filter, limit, now))
    }

    fn requeue_refused(&self, filter: &DeadLetterFilter, now: Timestamp) -> Result<u64, StoreError> {
        self.write(|connection| dead::requeue_refused(connection, filter, now))
    }

    fn note(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|connection| {
            let transaction = row::begin(connection)?;
            dead::audit(&transaction, entry.at, &entry.kind, &entry.subject, &entry.detail)?;
            Ok(transaction.commit()?)
        })
    }

    fn audit(&self, kind: Option<&str>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|connection| dead::audit_trail(connection, kind, limit))
    }

    fn sweep(
        &self,
        now: Timestamp,
        keep_since: &BTreeMap<PartitionKey, Timestamp>,
    ) -> Result<SweepReport, StoreError> {
        let report = sweep::sweep(self, &self.config.retention, now, keep_since)?;
        StoreSwept { report: &report }.emit();
        Ok(report)
    }

    fn backup(&self, to: &Path, progress: &mut dyn FnMut(BackupProgress)) -> Result<(), StoreError> {
        self.read(|connection| care::backup(connection, to, progress))
    }

    fn check(&self) -> Result<CheckReport, StoreError> {
        self.read(care::check)
    }

    fn vacuum(&self) -> Result<VacuumReport, StoreError> {
        self.write(|connection| care::vacuum(connection))
    }
}
