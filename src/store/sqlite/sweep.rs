//! Deleting what has grown old, a little at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

use super::super::{RetentionConfig, StoreError, SweepReport};
use super::row::{begin, nanos, partition_key};
use super::{SqliteStore, commit, dead};
use crate::model::PartitionKey;

/// Rows per transaction: some milliseconds of work, so that a commit hardly waits.
const CHUNK: i64 = 500;

/// Transactions per kind of record and call, so that a call ends.
const MOST_CHUNKS: usize = 200;

pub(super) fn sweep(
    store: &SqliteStore,
    keep: &RetentionConfig,
    now: Timestamp,
    keep_since: &BTreeMap<PartitionKey, Timestamp>,
) -> Result<SweepReport, StoreError> {
    let mut report = SweepReport::default();
    let cutoff = |days: u32| {
        let at = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days)));
        nanos(at.unwrap_or(Timestamp::MIN)).unwrap_or(i64::MIN)
    };

    let complaints = cutoff(keep.complaints_days);
    for (partition, since) in keep_since {
        let since = nanos(*since)?;
        let mut groups = 0;
        report.complaints += in_chunks(store, &mut report.more, |transaction| {
            let swept = old_complaints(transaction, partition, since, complaints)?;
            groups += swept.groups;
            Ok(swept.complaints)
        })?;
        report.groups += groups;
        in_chunks(store, &mut report.more, |transaction| old_readings(transaction, partition, since))?;
    }
    report.deliveries += delete(store, &mut report.more, DELIVERIES, cutoff(keep.deliveries_days))?;
    report.incidents += delete(store, &mut report.more, INCIDENTS, cutoff(keep.incidents_days))?;
    report.alerts += delete(store, &mut report.more, ALERTS, cutoff(keep.alerts_days))?;
    report.dead_letters += delete(store, &mut report.more, DEAD_LETTERS, cutoff(keep.dead_letters_days))?;
    report.audit += delete(store, &mut report.more, AUDIT, cutoff(keep.audit_days))?;

    if report.total() > 0 {
        store.write(|connection| {
            let transaction = begin(connection)?;
            dead::audit(&transaction, now, "swept", "retention", &json!(report))?;
            Ok(transaction.commit()?)
        })?;
    }
    Ok(report)
}

/// Runs `chunk`, which returns how many rows it deleted, in a transaction each until nothing is left
/// or the bound is reached.
fn in_chunks(
    store: &SqliteStore,
    more: &mut bool,
    mut chunk: impl FnMut(&Transaction<'_>) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let mut total = 0;
    for _ in 0..MOST_CHUNKS {
        let deleted = store.write(|connection| {
            let transaction = begin(connection)?;
            let deleted = chunk(&transaction)?;
            transaction.commit()?;
            Ok(deleted)
        })?;
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
    }
    *more = true;
    Ok(total)
}

fn delete(store: &SqliteStore, more: &mut bool, sql: &str, cutoff: i64) -> Result<u64, StoreError> {
    in_chunks(store, more, |transaction| {
        Ok(transaction.prepare_cached(sql)?.execute(params![cutoff, CHUNK])? as u64)
    })
}

const DELIVERIES: &str = "DELETE FROM outbox WHERE seq IN
    (SELECT seq FROM outbox WHERE delivered_at < ?1 ORDER BY delivered_at LIMIT ?2)";

const INCIDENTS: &str = "DELETE FROM incidents WHERE key IN
    (SELECT key FROM incidents WHERE NOT open AND kept_at < ?1 LIMIT ?2)";

/// All revisions of an alert go together, so that what is left always counts from 1; and only after
/// its incident and its deliveries.
const ALERTS: &str = "DELETE FROM alerts WHERE id IN
    (SELECT id FROM alerts AS a WHERE revision = 1 AND kept_at < ?1
       AND NOT EXISTS (SELECT 1 FROM alerts AS b WHERE b.id = a.id AND b.kept_at >= ?1)
       AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.id = a.id)
       AND NOT EXISTS (SELECT 1 FROM alerts AS c JOIN outbox ON outbox.alert = c.key WHERE c.id = a.id)
     LIMIT ?2)";

const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE id IN
    (SELECT id FROM (SELECT id, seen_at FROM dead_letters ORDER BY id LIMIT ?2) WHERE seen_at < ?1)";

const AUDIT: &str = "DELETE FROM audit WHERE id IN
    (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2) WHERE at < ?1)";

struct Swept {
    complaints: u64,
    groups: u64,
}

/// Deletes the oldest complaints of an engine, up to the first that must stay: clock and commit
/// time both rise with the number, so whatever comes after it must stay too.
fn old_complaints(
    transaction: &Transaction<'_>,
    partition: &PartitionKey,
    since: i64,
    cutoff: i64,
) -> Result<Swept, StoreError> {
    let nothing = Swept { complaints: 0, groups: 0 };
    let Some(partition) = partition_key(transaction, partition.as_str())? else { return Ok(nothing) };
    let mut last = None;
    let mut groups = BTreeSet::new();
    {
        let mut select = transaction.prepare_cached(
            "SELECT seq, clock, kept_at, grp FROM complaints LEFT JOIN members ON complaint = key
             WHERE partition = ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = select.query(params![partition, CHUNK])?;
        while let Some(row) = rows.next()? {
            let (seq, clock, kept_at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if clock >= since || kept_at >= cutoff {
                break;
            }
            last = Some(seq);
            groups.extend(row.get::<_, Option<i64>>(3)?);
        }
    }
    let Some(last) = last else { return Ok(nothing) };
    let complaints = transaction
        .prepare_cached("DELETE FROM complaints WHERE partition = ?1 AND seq <= ?2")?
        .execute(params![partition, last])? as u64;
    Ok(Swept { complaints, groups: drop_empty(transaction, &groups)? })
}

/// Deletes readings of complaints that are no longer open. The oldest come first; one whose complaint was
/// corrected since may stay a while longer.
fn old_readings(
    transaction: &Transaction<'_>,
    partition: &PartitionKey,
    since: i64,
) -> Result<u64, StoreError> {
    let Some(partition) = partition_key(transaction, partition.as_str())? else { return Ok(0) };
    let deleted = transaction
        .prepare_cached(
            "DELETE FROM readings WHERE complaint IN
                (SELECT key FROM
                    (SELECT key, partition, clock FROM readings JOIN complaints ON key = complaint
                     ORDER BY complaint LIMIT ?3)
                 WHERE partition = ?1 AND clock < ?2)",
        )?
        .execute(params![partition, since, CHUNK])?;
    Ok(deleted as u64)
}

fn drop_empty(connection: &Connection, groups: &BTreeSet<i64>) -> Result<u64, StoreError> {
    let mut dropped = 0;
    for group in groups {
        dropped += u64::from(commit::drop_if_empty(connection, *group)?);
    }
    Ok(dropped)
}
