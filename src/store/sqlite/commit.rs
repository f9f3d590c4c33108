//! The one commit point.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::json;

use super::super::{CommitError, StoreError};
use super::row::{begin, callers_to_bytes, int, kind_name, nanos, state_name, to_json};
use super::{dead, outbox};
use crate::model::{
    Alert, Commit, ComplaintRecord, GroupId, IncidentRecord, KeptReading, PartitionKey, PositionDelta,
};

/// Applies everything in one transaction. On an error the transaction is dropped, which undoes it.
pub(super) fn commit(
    connection: &mut Connection,
    commit: &Commit,
    sinks: &[String],
) -> Result<(), CommitError> {
    let transaction = begin(connection)?;
    let batch = Batch::start(&transaction, commit)?;
    for delta in &commit.positions {
        batch.advance(delta)?;
    }
    for record in &commit.complaints {
        batch.complaint(record)?;
    }
    for (id, group) in &commit.regrouped {
        batch.regroup(id.as_str(), group.as_ref())?;
    }
    for (old, into) in &commit.aliases {
        batch.alias(old, into)?;
    }
    for incident in &commit.incidents {
        batch.incident(batch.partition, incident)?;
    }
    for (partition, incidents) in &commit.left {
        batch.leave(partition, incidents)?;
    }
    for alert in &commit.alerts {
        batch.alert(alert, sinks)?;
    }
    for letter in &commit.dead_letters {
        dead::insert(&transaction, letter, None)?;
    }
    transaction.commit()?;
    Ok(())
}

/// So many earlier versions of a complaint are known again; a sender that corrects more often will
/// hardly send one of the first again.
const MOST_EARLIER: i64 = 16;

/// A commit in progress.
struct Batch<'t> {
    transaction: &'t Transaction<'t>,
    partition: i64,
    partition_name: &'t PartitionKey,
    now: Timestamp,
    kept_at: i64,
}

impl<'t> Batch<'t> {
    /// Moves the partition's row on. More commits than this one builds on mean that another engine
    /// has worked on this partition, which also covers sources without positions.
    fn start(transaction: &'t Transaction<'t>, commit: &'t Commit) -> Result<Self, CommitError> {
        let kept_at = nanos(commit.committed_at)?;
        let name = commit.partition.as_str();
        let stored: Option<(i64, i64)> = transaction
            .prepare_cached("SELECT next_seq, commits FROM partitions WHERE name = ?1")?
            .query_row(params![name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (mut next, commits) = stored.unwrap_or((0, 0));
        if int(commit.after)? != commits {
            return Err(CommitError::Lost { r#source: name.to_owned() });
        }
        if let Some(highest) = commit.complaints.iter().map(|record| record.seq).max() {
            next = next.max(int(highest.saturating_add(1))?);
        }
        let clock = commit.clock.map(nanos).transpose()?;
        let partition = transaction
            .prepare_cached(
                "INSERT INTO partitions (name, clock, next_seq, committed_at, commits)
                 VALUES (?1, ?2, ?3, ?4, 1)
                 ON CONFLICT (name) DO UPDATE SET clock = coalesce(excluded.clock, clock),
                     next_seq = excluded.next_seq, committed_at = excluded.committed_at,
                     commits = commits + 1
                 RETURNING key",
            )?
            .query_row(params![name, clock, next, kept_at], |row| row.get(0))?;
        Ok(Self {
            transaction,
            partition,
            partition_name: &commit.partition,
            now: commit.committed_at,
            kept_at,
        })
    }

    fn lost(&self) -> CommitError {
        CommitError::Lost { r#source: self.partition_name.to_string() }
    }

    fn advance(&self, delta: &PositionDelta) -> Result<(), CommitError> {
        let stored: Option<i64> = self
            .transaction
            .prepare_cached("SELECT position FROM positions WHERE source = ?1")?
            .query_row(params![delta.source], |row| row.get(0))
            .optional()?;
        if stored != delta.from.map(|position| position.0) {
            return Err(CommitError::Lost { r#source: delta.source.clone() });
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO positions (source, position, committed_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source) DO UPDATE
                 SET position = excluded.position, committed_at = excluded.committed_at",
            )?
            .execute(params![delta.source, delta.to.0, self.kept_at])?;
        Ok(())
    }

    fn complaint(&self, record: &ComplaintRecord) -> Result<(), StoreError> {
        let complaint = &record.complaint;
        let key: i64 = self
            .transaction
            .prepare_cached(
                "INSERT INTO complaints
                     (partition, seq, id, clock, kept_at, content, version, callers, body, decision)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO UPDATE SET partition = excluded.partition, seq = excluded.seq,
                     clock = excluded.clock, kept_at = excluded.kept_at, content = excluded.content,
                     version = excluded.version, callers = excluded.callers, body = excluded.body,
                     decision = excluded.decision,
                     earlier = substr(earlier || printf('%016x', content), -?11)
                 RETURNING key",
            )?
            .query_row(
                params![
                    self.partition,
                    int(record.seq)?,
                    complaint.id.as_str(),
                    nanos(record.clock)?,
                    self.kept_at,
                    // The hash's 64 bits as they are; SQLite only knows signed numbers.
                    record.content.0.cast_signed(),
                    record.version,
                    callers_to_bytes(&record.callers),
                    to_json("a complaint", &**complaint)?,
                    to_json("a decision", &record.decision)?,
                    16 * MOST_EARLIER,
                ],
                |row| row.get(0),
            )?;
        self.keep_reading(key, record)?;
        let group = record.decision.group.group.as_ref();
        // A new complaint that stays alone, the most frequent case, has nothing to change.
        if group.is_none() && record.version == 1 {
            return Ok(());
        }
        self.join(key, group)
    }

    fn keep_reading(&self, key: i64, record: &ComplaintRecord) -> Result<(), StoreError> {
        if let Some(KeptReading { version, bytes }) = &record.reading {
            self.transaction
                .prepare_cached(
                    "INSERT INTO readings (complaint, version, reading) VALUES (?1, ?2, ?3)
                     ON CONFLICT (complaint) DO UPDATE
                     SET version = excluded.version, reading = excluded.reading",
                )?
                .execute(params![key, version.cast_signed(), bytes])?;
        } else if record.version > 1 {
            // That of the former version is not this one's.
            self.transaction
                .prepare_cached("DELETE FROM readings WHERE complaint = ?1")?
                .execute(params![key])?;
        }
        Ok(())
    }

    fn regroup(&self, id: &str, group: Option<&GroupId>) -> Result<(), StoreError> {
        let key: Option<i64> = self
            .transaction
            .prepare_cached("SELECT key FROM complaints WHERE id = ?1")?
            .query_row(params![id], |row| row.get(0))
            .optional()?;
        // A complaint that retention has deleted is in no group any more.
        key.map_or(Ok(()), |key| self.join(key, group))
    }

    /// Puts a complaint into a group or into none, and drops the group it was in when that has
    /// become empty.
    fn join(&self, complaint: i64, group: Option<&GroupId>) -> Result<(), StoreError> {
        let before: Option<i64> = self
            .transaction
            .prepare_cached("SELECT grp FROM members WHERE complaint = ?1")?
            .query_row(params![complaint], |row| row.get(0))
            .optional()?;
        let after = group.map(|group| self.group(group)).transpose()?;
        if before == after {
            return Ok(());
        }
        match after {
            Some(after) => self
                .transaction
                .prepare_cached(
                    "INSERT INTO members (complaint, grp) VALUES (?1, ?2)
                     ON CONFLICT (complaint) DO UPDATE SET grp = excluded.grp",
                )?
                .execute(params![complaint, after])?,
            None => self
                .transaction
                .prepare_cached("DELETE FROM members WHERE complaint = ?1")?
                .execute(params![complaint])?,
        };
        before.map_or(Ok(()), |before| drop_if_empty(self.transaction, before).map(drop))
    }

    /// The key of a group, made when it is new. A group that the engine names lives, also when it
    /// had gone into another under earlier settings: the engine's last word counts.
    fn group(&self, id: &GroupId) -> Result<i64, StoreError> {
        let key: Option<i64> = self
            .transaction
            .prepare_cached("SELECT key FROM groups WHERE id = ?1")?
            .query_row(params![id.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(key) = key {
            return Ok(key);
        }
        self.transaction
            .prepare_cached("DELETE FROM aliases WHERE old = ?1")?
            .execute(params![id.as_str()])?;
        self.transaction
            .prepare_cached("INSERT INTO groups (id) VALUES (?1)")?
            .execute(params![id.as_str()])?;
        Ok(self.transaction.last_insert_rowid())
    }

    /// All members of `old`, also those the engine has long forgotten, are from now on in `into`.
    fn alias(&self, old: &GroupId, into: &GroupId) -> Result<(), StoreError> {
        let into_key = self.group(into)?;
        let old_key: Option<i64> = self
            .transaction
            .prepare_cached("SELECT key FROM groups WHERE id = ?1")?
            .query_row(params![old.as_str()], |row| row.get(0))
            .optional()?;
        if old_key == Some(into_key) {
            return Err(StoreError::Other(format!("group {old} is said to have gone into itself")));
        }
        if let Some(old_key) = old_key {
            for sql in
                ["UPDATE members SET grp = ?2 WHERE grp = ?1", "UPDATE aliases SET grp = ?2 WHERE grp = ?1"]
            {
                self.transaction.prepare_cached(sql)?.execute(params![old_key, into_key])?;
            }
            self.transaction
                .prepare_cached("DELETE FROM groups WHERE key = ?1")?
                .execute(params![old_key])?;
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO aliases (old, grp) VALUES (?1, ?2) ON CONFLICT (old) DO UPDATE SET grp = excluded.grp",
            )?
            .execute(params![old.as_str(), into_key])?;
        drop_if_empty(self.transaction, into_key).map(drop)
    }

    /// Notes what has changed in an engine that complaints have left.
    fn leave(&self, partition: &PartitionKey, incidents: &[IncidentRecord]) -> Result<(), StoreError> {
        let left: Option<i64> = self
            .transaction
            .prepare_cached("UPDATE partitions SET commits = commits + 1 WHERE name = ?1 RETURNING key")?
            .query_row(params![partition.as_str()], |row| row.get(0))
            .optional()?;
        let left =
            left.ok_or_else(|| StoreError::Other(format!("there is no engine {partition} to leave")))?;
        incidents.iter().try_for_each(|incident| self.incident(left, incident))
    }

    fn incident(&self, partition: i64, incident: &IncidentRecord) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO incidents
                     (partition, id, kind, grp, entity, open, revision, changed_at, kept_at, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO UPDATE SET partition = excluded.partition, kind = excluded.kind,
                     grp = excluded.grp, entity = excluded.entity, open = excluded.open,
                     revision = excluded.revision, changed_at = excluded.changed_at,
                     kept_at = excluded.kept_at, state = excluded.state",
            )?
            .execute(params![
                partition,
                incident.id.as_str(),
                kind_name(incident.kind),
                incident.group.as_ref().map(GroupId::as_str),
                incident.entity,
                incident.open,
                incident.revision,
                nanos(incident.changed_at)?,
                self.kept_at,
                incident.state,
            ])?;
        Ok(())
    }

    fn alert(&self, alert: &Alert, sinks: &[String]) -> Result<(), CommitError> {
        let told: Option<(u32, i64)> = self
            .transaction
            .prepare_cached(
                "SELECT revision, partition FROM alerts WHERE id = ?1 ORDER BY revision DESC LIMIT 1",
            )?
            .query_row(params![alert.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match told {
            Some((_, partition)) if partition != self.partition => {
                let id = &alert.id;
                return Err(CommitError::Other(format!(
                    "{id} is an alert of another engine; please report this"
                )));
            }
            // An engine that knows less than the store does: another has gone on in its place.
            Some((told, _)) if alert.revision <= told => return Err(self.lost()),
            _ => {}
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO alerts (partition, id, revision, kind, raised_at, kept_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.partition,
                alert.id.as_str(),
                alert.revision,
                kind_name(alert.kind),
                nanos(alert.raised_at)?,
                self.kept_at,
                to_json("an alert", alert)?,
            ])?;
        let key = self.transaction.last_insert_rowid();
        for sink in sinks {
            outbox::insert(self.transaction, sink, key, alert.id.as_str(), self.kept_at)?;
        }
        let detail = json!({
            "revision": alert.revision,
            "state": state_name(alert.state),
            "level": alert.level.as_str(),
            "callers": alert.callers,
            "sinks": sinks,
        });
        dead::audit(self.transaction, self.now, "alert", alert.id.as_str(), &detail)?;
        Ok(())
    }
}

/// Deletes a group (and its aliases) that has no member any more; returns whether it did.
pub(super) fn drop_if_empty(connection: &Connection, group: i64) -> Result<bool, StoreError> {
    let deleted = connection
        .prepare_cached(
            "DELETE FROM groups WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE grp = ?1)",
        )?
        .execute(params![group])?;
    Ok(deleted > 0)
}
