//! Backup, check, vacuum, counts.

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, params};

use super::super::{BackupProgress, CheckReport, Counts, StoreError, VacuumReport};
use super::open::{look, new_private_file, publish};
use super::row::unsigned;
use crate::model::DeadReason;

/// Pages copied between two reports of progress: 8 MiB.
const PAGES_PER_STEP: i32 = 1024;

/// The most faults a report lists.
const MOST_FAULTS: usize = 100;

pub(super) fn backup(
    source: &Connection,
    to: &Path,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(), StoreError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        StoreError::Other(format!("cannot {what} {}: {error}", to.display()))
    };
    if to.exists() {
        return Err(failed("write the backup", &"it exists already; name a new file"));
    }
    // Written beside the target and renamed when whole, so that half a backup never looks like one.
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Partial(PathBuf::from(partial));
    new_private_file(&partial.0)
        .map_err(|error| failed("make the backup file (remove a leftover .partial first)", &error))?;
    {
        // The snapshot is held for the whole copy: commits go on and do not make it start again.
        let snapshot = source.unchecked_transaction()?;
        snapshot.query_row("SELECT count(*) FROM partitions", [], |_| Ok(()))?;
        let mut target = Connection::open(&partial.0)?;
        let copy = Backup::new(&snapshot, &mut target)?;
        loop {
            let step = copy.step(PAGES_PER_STEP)?;
            let state = copy.progress();
            let total = u64::try_from(state.pagecount).unwrap_or(0);
            let left = u64::try_from(state.remaining).unwrap_or(0);
            progress(BackupProgress { done: total.saturating_sub(left), total });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(StoreError::Busy("the backup's source is locked".into())),
            }
        }
    }
    let copied = look(&partial.0)?;
    let found: String = copied.query_row("PRAGMA quick_check (1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Damaged(found));
    }
    drop(copied);
    publish(&partial.0, to).map_err(|error| failed("finish the backup", &error))
}

/// Removes a file that was not finished.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After success it is gone already; on failure there is nobody to tell.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What must hold beyond the structure of the file: each query lists the rows for which it does not.
const INVARIANTS: &[&str] = &[
    "SELECT 'group ' || id || ' has no member' FROM groups AS g
     WHERE NOT EXISTS (SELECT 1 FROM members WHERE grp = g.key)",
    "SELECT 'group ' || old || ' both lives and has gone into another' FROM aliases
     WHERE old IN (SELECT id FROM groups)",
    "SELECT 'complaint ' || complaints.id || ' is numbered ' || seq || ', above what its engine has given out'
     FROM complaints JOIN partitions ON partitions.key = partition WHERE seq >= next_seq",
    "SELECT 'alert ' || id || ' has revisions missing' FROM alerts
     GROUP BY id HAVING min(revision) <> 1 OR max(revision) <> count(*)",
    "SELECT 'outbox row ' || seq || ' names another alert than it holds' FROM outbox
     JOIN alerts ON alerts.key = alert WHERE alert_id <> alerts.id",
    "SELECT 'outbox row ' || seq || ' would never be sent' FROM outbox AS o
     WHERE delivered_at IS NULL AND due_at IS NULL AND NOT EXISTS
         (SELECT 1 FROM outbox AS p WHERE p.sink = o.sink AND p.alert_id = o.alert_id
            AND p.delivered_at IS NULL AND p.seq < o.seq)",
    "SELECT 'outbox row ' || seq || ' would be sent out of order' FROM outbox AS o
     WHERE due_at IS NOT NULL AND (delivered_at IS NOT NULL OR EXISTS
         (SELECT 1 FROM outbox AS p WHERE p.sink = o.sink AND p.alert_id = o.alert_id
            AND p.delivered_at IS NULL AND p.seq < o.seq))",
    "SELECT 'complaint ' || id || ' has text that is not JSON' FROM complaints
     WHERE NOT json_valid(body) OR NOT json_valid(decision)",
    "SELECT 'incident ' || id || ' has a state that is not JSON' FROM incidents WHERE NOT json_valid(state)",
    "SELECT 'alert ' || id || ' revision ' || revision || ' is not JSON' FROM alerts WHERE NOT json_valid(body)",
];

pub(super) fn check(connection: &Connection) -> Result<CheckReport, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut faults = Vec::new();
    let pages = unsigned(transaction.query_row("PRAGMA page_count", [], |row| row.get(0))?)?;
    collect(&transaction, "PRAGMA integrity_check (100)", "", &mut faults)?;
    if !faults.is_empty() {
        // On a broken structure the other questions have no meaning.
        return Ok(CheckReport { faults, pages });
    }
    let dangling = "SELECT \"table\" FROM pragma_foreign_key_check";
    collect(&transaction, dangling, "a row points at nothing in table ", &mut faults)?;
    for sql in INVARIANTS {
        collect(&transaction, sql, "", &mut faults)?;
    }
    Ok(CheckReport { faults, pages })
}

/// Adds a line for each row that a query finds, up to the bound.
fn collect(
    connection: &Connection,
    sql: &str,
    prefix: &str,
    faults: &mut Vec<String>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while faults.len() < MOST_FAULTS
        && let Some(row) = rows.next()?
    {
        let found: String = row.get(0)?;
        if found != "ok" {
            faults.push(format!("{prefix}{found}"));
        }
    }
    Ok(())
}

pub(super) fn vacuum(connection: &Connection) -> Result<VacuumReport, StoreError> {
    let before_bytes = file_bytes(connection)?;
    connection.execute_batch("VACUUM")?;
    // Until the log is folded in, the file itself keeps its size.
    connection.query_row("PRAGMA wal_checkpoint (TRUNCATE)", [], |_| Ok(()))?;
    Ok(VacuumReport { before_bytes, after_bytes: file_bytes(connection)? })
}

fn file_bytes(connection: &Connection) -> Result<u64, StoreError> {
    unsigned(connection.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?)
}

pub(super) fn counts(connection: &Connection) -> Result<Counts, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let count = |sql: &str| -> Result<u64, StoreError> {
        unsigned(transaction.prepare_cached(sql)?.query_row(params![], |row| row.get(0))?)
    };
    let mut counts = Counts {
        complaints: count("SELECT count(*) FROM complaints")?,
        groups: count("SELECT count(*) FROM groups")?,
        incidents: count("SELECT count(*) FROM incidents")?,
        incidents_open: count("SELECT count(*) FROM incidents WHERE open")?,
        alerts: count("SELECT count(*) FROM alerts")?,
        outbox_pending: count("SELECT count(*) FROM outbox WHERE delivered_at IS NULL")?,
        file_bytes: file_bytes(&transaction)?,
        free_bytes: count("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size")?,
        ..Counts::default()
    };
    let mut reasons = transaction.prepare_cached(
        "SELECT reason, count(*) FROM dead_letters WHERE redriven_at IS NULL GROUP BY reason",
    )?;
    let mut rows = reasons.query([])?;
    while let Some(row) = rows.next()? {
        let reason: DeadReason = row.get::<_, String>(0)?.parse().map_err(StoreError::Damaged)?;
        counts.dead_letters.insert(reason.as_str(), unsigned(row.get(1)?)?);
    }
    Ok(counts)
}
