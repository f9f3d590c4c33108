//! An engine's complaints in the order in which it applied them: the open ones for a start, and the past.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{OpenComplaint, StoreError, StoredComplaint, Words};
use super::read::{COMPLAINT, stored_complaint};
use super::row::{callers_from_bytes, moment, nanos, partition_key, unsigned};
use crate::model::{ComplaintId, ContentHash, GroupId, OpenSince, PartitionKey};

/// Of a complaint with a reading that can be used the words are not fetched, and nothing of the decision when
/// it is alone.
const OPEN: &str = "SELECT complaints.id, seq, clock, content, callers, groups.id,
        CASE WHEN readings.version = ?4 THEN reading END,
        CASE WHEN readings.version IS NOT ?4 THEN body END,
        CASE WHEN members.grp IS NOT NULL OR readings.version IS NOT ?4 THEN decision END
    FROM complaints LEFT JOIN members ON members.complaint = complaints.key
    LEFT JOIN groups ON groups.key = members.grp LEFT JOIN readings ON readings.complaint = complaints.key
    WHERE partition = ?1 AND seq >= ?2 AND (members.grp IS NOT NULL OR clock >= ?3) ORDER BY seq";

pub(super) fn open_window(
    connection: &Connection,
    partition: &PartitionKey,
    since: OpenSince,
    version: u64,
    each: &mut dyn FnMut(OpenComplaint) -> ControlFlow<()>,
) -> Result<u64, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some(key) = partition_key(&transaction, partition.as_str())? else { return Ok(0) };
    let Some(first) = first_since(&transaction, key, nanos(since.grouped)?)? else { return Ok(0) };
    let mut statement = transaction.prepare_cached(OPEN)?;
    let mut rows = statement.query(params![key, first, nanos(since.alone)?, version.cast_signed()])?;
    let mut handed = 0;
    while let Some(row) = rows.next()? {
        let complaint = open_complaint(row)?;
        handed += 1;
        if each(complaint).is_break() {
            break;
        }
    }
    Ok(handed)
}

fn open_complaint(row: &Row<'_>) -> Result<OpenComplaint, StoreError> {
    let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    let callers = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
    let words = match row.get::<_, Option<Vec<u8>>>(6)? {
        Some(reading) => Words::Read(reading),
        None => Words::Unread(row.get(7)?),
    };
    Ok(OpenComplaint {
        id: ComplaintId::from(id),
        seq: unsigned(row.get(1)?)?,
        clock: moment(row.get(2)?),
        callers: callers_from_bytes(id, callers)?,
        content: ContentHash(row.get::<_, i64>(3)?.cast_unsigned()),
        group: row.get::<_, Option<String>>(5)?.map(GroupId::from),
        words,
        decision: row.get(8)?,
    })
}

pub(super) fn history(
    connection: &Connection,
    partition: &PartitionKey,
    since: Timestamp,
    each: &mut dyn FnMut(StoredComplaint) -> ControlFlow<()>,
) -> Result<u64, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some(key) = partition_key(&transaction, partition.as_str())? else { return Ok(0) };
    let Some(first) = first_since(&transaction, key, nanos(since)?)? else { return Ok(0) };
    let mut statement = transaction
        .prepare_cached(&format!("{COMPLAINT} WHERE partition = ?1 AND seq >= ?2 ORDER BY seq"))?;
    let mut rows = statement.query(params![key, first])?;
    let mut handed = 0;
    while let Some(row) = rows.next()? {
        let complaint = stored_complaint(row)?;
        handed += 1;
        if each(complaint).is_break() {
            break;
        }
    }
    Ok(handed)
}

/// The first number whose clock is `since` or later. The clock rises with the number, so this is a
/// binary search through the index: no second index, and no walk over a year of old complaints.
fn first_since(connection: &Connection, partition: i64, since: i64) -> Result<Option<i64>, StoreError> {
    let mut at_or_after = connection.prepare_cached(
        "SELECT seq, clock FROM complaints WHERE partition = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
    )?;
    let (mut low, mut high): (i64, i64) = {
        let mut ends = connection
            .prepare_cached("SELECT min(seq), max(seq) + 1 FROM complaints WHERE partition = ?1")?;
        let found: (Option<i64>, Option<i64>) =
            ends.query_row(params![partition], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(low), Some(high)) = found else { return Ok(None) };
        (low, high)
    };
    // Everything below `low` is too old; the answer, if there is one, is below or at `best`.
    let mut best = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = at_or_after
            .query_row(params![partition, middle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((seq, clock)) if clock >= since => {
                best = Some(seq);
                high = middle;
            }
            Some((seq, _)) => low = seq + 1,
            None => high = middle,
        }
    }
    Ok(best)
}
