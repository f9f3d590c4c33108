//! Alerts on their way to the sinks.
//!
//! Of the undelivered rows of one sink and alert only the oldest has a due time; when it leaves,
//! the next one gets one. So order holds by construction, and looking for work never walks over
//! rows that wait behind others. A lease is a due time in the future with an owner's name.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::super::{Delivery, DeliveryState, OutboxDepth, OutboxRow, StoreError};
use super::row::{begin, moment, nanos, small, unsigned};
use super::{dead, read};
use crate::model::{Alert, AlertId, DeadLetter};

/// Adds a row; it is due at once unless an older one of its sink and alert is still waiting.
pub(super) fn insert(
    connection: &Connection,
    sink: &str,
    alert: i64,
    alert_id: &str,
    created_at: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (sink, alert, alert_id, created_at, due_at, level)
             SELECT ?1, ?2, ?3, ?4, CASE WHEN EXISTS
                 (SELECT 1 FROM outbox WHERE sink = ?1 AND alert_id = ?3 AND delivered_at IS NULL)
                 THEN NULL ELSE ?4 END,
                 (SELECT CASE json_extract(body, '$.level')
                     WHEN 'red' THEN 4 WHEN 'orange' THEN 3 WHEN 'yellow' THEN 2 ELSE 1 END
                  FROM alerts WHERE key = ?2)",
        )?
        .execute(params![sink, alert, alert_id, created_at])?;
    Ok(())
}

/// Whether anything of a sink is due; asked on a reading connection, so that an idle worker does
/// not take the write lock.
pub(super) fn any_due(connection: &Connection, now: Timestamp, sink: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE sink = ?1 AND due_at <= ?2)")?
        .query_row(params![sink, nanos(now)?], |row| row.get(0))?)
}

pub(super) fn due(
    connection: &mut Connection,
    now: Timestamp,
    sink: &str,
    limit: u32,
    owner: &str,
    lease_until: Timestamp,
) -> Result<Vec<OutboxRow>, StoreError> {
    let transaction = begin(connection)?;
    let mut found = Vec::new();
    {
        let mut select = transaction.prepare_cached(
            "SELECT seq, created_at, attempts, last_error, alert_id, body
             FROM outbox INDEXED BY outbox_by_level JOIN alerts ON alerts.key = outbox.alert
             WHERE sink = ?1 AND due_at <= ?2 ORDER BY level DESC, due_at, seq LIMIT ?3",
        )?;
        let mut lease =
            transaction.prepare_cached("UPDATE outbox SET due_at = ?2, lease_owner = ?3 WHERE seq = ?1")?;
        let mut rows = select.query(params![sink, nanos(now)?, limit])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(4)?;
            found.push(OutboxRow {
                seq: row.get(0)?,
                sink: sink.to_owned(),
                alert: read::alert_from(&id, row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
                attempts: small(row.get(2)?)?,
                last_error: row.get(3)?,
                created_at: moment(row.get(1)?),
                lease_owner: owner.to_owned(),
                lease_until,
            });
        }
        drop(rows);
        let until = nanos(lease_until)?;
        for row in &found {
            lease.execute(params![row.seq, until, owner])?;
        }
    }
    transaction.commit()?;
    Ok(found)
}

pub(super) fn next_due(connection: &Connection, sink: &str) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = connection
        .prepare_cached("SELECT min(due_at) FROM outbox WHERE sink = ?1 AND due_at IS NOT NULL")?
        .query_row(params![sink], |row| row.get(0))?;
    Ok(due.map(moment))
}

/// Settles rows as sent, or as kept back when `suppressed`; returns how many were still waiting.
pub(super) fn settled(
    connection: &mut Connection,
    rows: &[OutboxRow],
    now: Timestamp,
    receipt: &str,
    suppressed: bool,
) -> Result<u64, StoreError> {
    let transaction = begin(connection)?;
    let mut settled = 0;
    for row in rows {
        // Not fenced by the lease: the receiver has it, whoever sent it.
        let waiting = transaction
            .prepare_cached(
                "UPDATE outbox SET delivered_at = ?2, receipt = ?3, suppressed = ?4, due_at = NULL,
                     lease_owner = NULL
                 WHERE seq = ?1 AND delivered_at IS NULL",
            )?
            .execute(params![row.seq, nanos(now)?, receipt, suppressed])?;
        if waiting > 0 {
            promote(&transaction, &row.sink, row.alert.id.as_str(), nanos(now)?)?;
            settled += 1;
        }
    }
    transaction.commit()?;
    Ok(settled)
}

/// Makes the oldest waiting row of a sink and alert due.
fn promote(connection: &Connection, sink: &str, alert_id: &str, now: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE outbox SET due_at = ?3 WHERE due_at IS NULL AND seq =
                 (SELECT min(seq) FROM outbox WHERE sink = ?1 AND alert_id = ?2 AND delivered_at IS NULL)",
        )?
        .execute(params![sink, alert_id, now])?;
    Ok(())
}

/// Ends leases with a new due time; counts the attempt when there was an error. Returns how many
/// leases were still held.
pub(super) fn give_back(
    connection: &mut Connection,
    rows: &[OutboxRow],
    when: Timestamp,
    error: Option<&str>,
) -> Result<u64, StoreError> {
    let transaction = begin(connection)?;
    let mut held = 0;
    for row in rows {
        let changed = transaction
            .prepare_cached(
                "UPDATE outbox SET due_at = ?3, lease_owner = NULL, last_error = coalesce(?4, last_error),
                     attempts = attempts + (?4 IS NOT NULL)
                 WHERE seq = ?1 AND lease_owner = ?2 AND due_at = ?5",
            )?
            .execute(params![row.seq, row.lease_owner, nanos(when)?, error, nanos(row.lease_until)?])?;
        held += changed as u64;
    }
    transaction.commit()?;
    Ok(held)
}

pub(super) fn refused(
    connection: &mut Connection,
    row: &OutboxRow,
    letter: &DeadLetter,
) -> Result<Option<i64>, StoreError> {
    let transaction = begin(connection)?;
    let alert: Option<i64> = transaction
        .prepare_cached("DELETE FROM outbox WHERE seq = ?1 AND delivered_at IS NULL RETURNING alert")?
        .query_row(params![row.seq], |row| row.get(0))
        .optional()?;
    let Some(alert) = alert else { return Ok(None) };
    let id = dead::insert(&transaction, letter, Some((&row.sink, alert)))?;
    promote(&transaction, &row.sink, row.alert.id.as_str(), nanos(letter.seen_at)?)?;
    let detail = json!({ "revision": row.alert.revision, "sink": row.sink, "dead_letter": id });
    dead::audit(&transaction, letter.seen_at, "refused", row.alert.id.as_str(), &detail)?;
    transaction.commit()?;
    Ok(Some(id))
}

pub(super) fn told(
    connection: &Connection,
    sink: &str,
    ended_since: Option<Timestamp>,
) -> Result<Vec<Alert>, StoreError> {
    // With one aggregate max(), SQLite takes the other columns from the row that has it.
    let mut statement = connection.prepare_cached(
        "SELECT alerts.id, alerts.body, max(alerts.revision) FROM incidents
         JOIN alerts ON alerts.id = incidents.id
         JOIN outbox ON outbox.alert = alerts.key AND outbox.sink = ?1
             AND outbox.delivered_at IS NOT NULL AND outbox.suppressed = 0
         WHERE incidents.open = 1 OR (incidents.revision = alerts.revision AND outbox.delivered_at >= ?2)
         GROUP BY alerts.id ORDER BY alerts.id",
    )?;
    let mut rows = statement.query(params![sink, ended_since.map(nanos).transpose()?])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        found.push(read::alert_from(&id, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

pub(super) fn deliveries(connection: &Connection, id: &AlertId) -> Result<Vec<Delivery>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, sink, CASE WHEN delivered_at IS NULL THEN 0 WHEN suppressed = 0 THEN 1 ELSE 2 END,
             coalesce(delivered_at, due_at), coalesce(receipt, last_error), attempts
         FROM alerts JOIN outbox ON outbox.alert = alerts.key WHERE alerts.id = ?1
         UNION ALL
         SELECT revision, dead_letters.sink, 3, seen_at, detail, 0
         FROM alerts JOIN dead_letters ON dead_letters.alert = alerts.key
         WHERE alerts.id = ?1 AND redriven_at IS NULL
         ORDER BY 1, 2",
    )?;
    let mut rows = statement.query(params![id.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Delivery {
            revision: small(row.get(0)?)?,
            sink: row.get(1)?,
            state: match row.get::<_, i64>(2)? {
                0 => DeliveryState::Waiting,
                1 => DeliveryState::Delivered,
                2 => DeliveryState::Suppressed,
                _ => DeliveryState::Refused,
            },
            at: row.get::<_, Option<i64>>(3)?.map(moment),
            said: row.get(4)?,
            attempts: small(row.get(5)?)?,
        });
    }
    Ok(found)
}

pub(super) fn depths(connection: &Connection, sink: Option<&str>) -> Result<Vec<OutboxDepth>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sink, count(*), min(created_at) FROM outbox
         WHERE delivered_at IS NULL AND (?1 IS NULL OR sink = ?1) GROUP BY sink ORDER BY sink",
    )?;
    let mut rows = statement.query(params![sink])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(OutboxDepth {
            sink: row.get(0)?,
            pending: unsigned(row.get(1)?)?,
            oldest: row.get::<_, Option<i64>>(2)?.map(moment),
        });
    }
    Ok(found)
}
