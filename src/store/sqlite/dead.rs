//! Dead letters and the audit trail.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::super::{AuditEntry, DeadLetterEntry, DeadLetterFilter, StoreError, StoredDeadLetter};
use super::outbox;
use super::row::{begin, from_json, moment, nanos, to_json, unsigned};
use crate::model::{DeadLetter, DeadReason};

/// Adds a dead letter; `refused` names the sink and the alert's key when a receiver refused it.
pub(super) fn insert(
    connection: &Connection,
    letter: &DeadLetter,
    refused: Option<(&str, i64)>,
) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO dead_letters (reason, detail, source, place, seen_at, sink, alert, bytes, is_event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            letter.reason.as_str(),
            letter.detail,
            letter.source,
            letter.at,
            nanos(letter.seen_at)?,
            refused.map(|(sink, _)| sink),
            refused.map(|(_, alert)| alert),
            letter.bytes,
            letter.is_event,
        ])?;
    Ok(connection.last_insert_rowid())
}

const COLUMNS: &str = "SELECT id, reason, detail, source, place, seen_at, redriven_at, is_event";

/// The filter's conditions as parameters 1 to 5.
const MATCHING: &str = "FROM dead_letters
    WHERE (?1 IS NULL OR id IN (SELECT value FROM json_each(?1)))
      AND (?2 IS NULL OR reason = ?2)
      AND (?3 IS NULL OR source = ?3)
      AND id < ?4
      AND (?5 OR redriven_at IS NULL)";

type FilterParams<'f> = (Option<String>, Option<&'static str>, Option<&'f str>, i64, bool);

fn filter_params(filter: &DeadLetterFilter) -> Result<FilterParams<'_>, StoreError> {
    let ids = if filter.ids.is_empty() { None } else { Some(to_json("a list of numbers", &filter.ids)?) };
    Ok((
        ids,
        filter.reason.map(DeadReason::as_str),
        filter.source.as_deref(),
        filter.before.unwrap_or(i64::MAX),
        filter.include_redriven,
    ))
}

fn reason_from(name: &str) -> Result<DeadReason, StoreError> {
    name.parse().map_err(StoreError::Damaged)
}

fn letter(row: &Row<'_>) -> Result<StoredDeadLetter, StoreError> {
    Ok(StoredDeadLetter {
        id: row.get(0)?,
        letter: DeadLetter {
            reason: reason_from(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?,
            detail: row.get(2)?,
            source: row.get(3)?,
            at: row.get(4)?,
            seen_at: moment(row.get(5)?),
            bytes: row.get(8)?,
            is_event: row.get(7)?,
        },
        redriven_at: row.get::<_, Option<i64>>(6)?.map(moment),
    })
}

pub(super) fn list(
    connection: &Connection,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetterEntry>, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!("{COLUMNS}, length(bytes) {MATCHING} ORDER BY id DESC LIMIT ?6"))?;
    let (ids, reason, source, before, redriven) = filter_params(filter)?;
    let mut rows = statement.query(params![ids, reason, source, before, redriven, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(DeadLetterEntry {
            id: row.get(0)?,
            reason: reason_from(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?,
            detail: row.get(2)?,
            source: row.get(3)?,
            at: row.get(4)?,
            seen_at: moment(row.get(5)?),
            redriven_at: row.get::<_, Option<i64>>(6)?.map(moment),
            is_event: row.get(7)?,
            bytes: unsigned(row.get(8)?)?,
        });
    }
    Ok(found)
}

pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<StoredDeadLetter>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{COLUMNS}, bytes FROM dead_letters WHERE id = ?1"))?;
    let mut rows = statement.query(params![id])?;
    rows.next()?.map(letter).transpose()
}

pub(super) fn take(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<StoredDeadLetter>, StoreError> {
    let transaction = begin(connection)?;
    let mut found = Vec::new();
    {
        let mut select = transaction.prepare_cached(&format!(
            "{COLUMNS}, bytes {MATCHING} AND sink IS NULL AND is_event ORDER BY id LIMIT ?6"
        ))?;
        let (ids, reason, source, before, redriven) = filter_params(filter)?;
        let mut rows = select.query(params![ids, reason, source, before, redriven, limit])?;
        while let Some(row) = rows.next()? {
            found.push(StoredDeadLetter { redriven_at: Some(now), ..letter(row)? });
        }
    }
    for taken in &found {
        mark(&transaction, taken.id, now)?;
    }
    if !found.is_empty() {
        let ids: Vec<i64> = found.iter().map(|taken| taken.id).collect();
        audit(&transaction, now, "redriven", "dead letters", &json!({ "ids": ids }))?;
    }
    transaction.commit()?;
    Ok(found)
}

fn mark(connection: &Connection, id: i64, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE dead_letters SET redriven_at = ?2 WHERE id = ?1")?
        .execute(params![id, nanos(now)?])?;
    Ok(())
}

pub(super) fn requeue_refused(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let transaction = begin(connection)?;
    let mut found: Vec<(i64, String, i64, String)> = Vec::new();
    {
        // An alert that retention has deleted cannot be sent any more; its letter stays as it is.
        let mut select = transaction.prepare_cached(&format!(
            "SELECT id, sink, alert, (SELECT alerts.id FROM alerts WHERE key = alert)
             {MATCHING} AND sink IS NOT NULL AND alert IS NOT NULL ORDER BY id"
        ))?;
        let (ids, reason, source, before, redriven) = filter_params(filter)?;
        let mut rows = select.query(params![ids, reason, source, before, redriven])?;
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        }
    }
    for (id, sink, alert, alert_id) in &found {
        outbox::insert(&transaction, sink, *alert, alert_id, nanos(now)?)?;
        mark(&transaction, *id, now)?;
        audit(&transaction, now, "requeued", alert_id, &json!({ "sink": sink, "dead_letter": id }))?;
    }
    transaction.commit()?;
    Ok(found.len() as u64)
}

/// Adds a line to the audit trail.
pub(super) fn audit(
    connection: &Connection,
    at: Timestamp,
    kind: &str,
    subject: &str,
    detail: &Value,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO audit (at, kind, subject, detail) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![nanos(at)?, kind, subject, to_json("an audit entry", detail)?])?;
    Ok(())
}

pub(super) fn audit_trail(
    connection: &Connection,
    kind: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, kind, subject, detail FROM audit WHERE ?1 IS NULL OR kind = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![kind, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let subject: String = row.get(2)?;
        let detail = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let detail = from_json("audit entry on", &subject, detail)?;
        found.push(AuditEntry { at: moment(row.get(0)?), kind: row.get(1)?, subject, detail });
    }
    Ok(found)
}
