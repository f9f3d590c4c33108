//! Where the history comes from, chunk by chunk.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::daemon::ahead::{CHUNK, read_ahead};
use crate::engine::{Prepared, Preparer};
use crate::model::{DeadReason, PartitionKey};
use crate::source::decode::Decoder;
use crate::source::file::RawRecord;
use crate::store::{Store, StoredComplaint};

use super::period::{Lead, Period};

/// The earliest time that a store keeps, in the year 1677.
pub(in crate::daemon) const EARLIEST: Timestamp = Timestamp::constant(-9_223_372_036, 0);

/// Complaints of the past.
pub enum History<'a> {
    /// Those that the store keeps. They pass through engines of the same names as they did live.
    Store(&'a dyn Store),
    /// Those of a file.
    Events(Events<'a>),
}

/// A file of events.
pub struct Events<'a> {
    /// The records, in the order in which they came.
    pub records: &'a mut dyn Iterator<Item = anyhow::Result<RawRecord>>,
    /// Reads their bytes.
    pub decoder: &'a Decoder,
    /// Events later than this are taken as mistakes.
    pub not_after: Timestamp,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Entries read, also those that are repeats, updates, or not of the period.
    pub entries: u64,
    /// Distinct complaints of the period.
    pub complaints: u64,
    /// Those of before, which only show what the engine knew when the period began.
    pub before: u64,
    /// Events that could not be read, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The first day of the period with a complaint.
    pub first_day: Option<Date>,
    /// The last one.
    pub last_day: Option<Date>,
}

impl Read {
    pub(super) fn count(&mut self, at: Timestamp, period: &Period) {
        if !period.contains(at) {
            self.before += 1;
            return;
        }
        self.complaints += 1;
        let day = period.day(at);
        self.first_day = Some(self.first_day.map_or(day, |first| first.min(day)));
        self.last_day = self.last_day.max(Some(day));
    }
}

/// One entry of the history.
pub(super) enum Item {
    Raw(RawRecord),
    Stored(Box<StoredComplaint>),
}

/// An event that could not be read.
pub(super) struct Refused {
    pub(super) number: u64,
    pub(super) reason: DeadReason,
    pub(super) detail: String,
}

/// How the events of a file are read; the store's complaints need none.
pub(super) type Decoding<'a> = Option<(&'a Decoder, Timestamp)>;

type Each<'a> = dyn FnMut(&PartitionKey, Decoding<'_>, Vec<Item>) -> anyhow::Result<()> + 'a;

impl History<'_> {
    /// Hands everything within `lead` over in chunks, and some that is not.
    pub(super) fn each(self, lead: &Lead, each: &mut Each<'_>) -> anyhow::Result<()> {
        match self {
            Self::Store(store) => {
                for (partition, _) in store.partitions()? {
                    stored(store, &partition, lead, each)?;
                }
            }
            Self::Events(Events { records, decoder, not_after }) => {
                let partition = PartitionKey::from("main");
                let mut records = records.peekable();
                while records.peek().is_some() {
                    let chunk = records.by_ref().take(CHUNK).map(|record| record.map(Item::Raw));
                    let chunk = chunk.collect::<anyhow::Result<Vec<Item>>>()?;
                    each(&partition, Some((decoder, not_after)), chunk)?;
                }
            }
        }
        Ok(())
    }
}

/// The complaints of one engine.
fn stored(
    store: &dyn Store,
    partition: &PartitionKey,
    lead: &Lead,
    each: &mut Each<'_>,
) -> anyhow::Result<()> {
    let read = |put: &mut dyn FnMut(Item) -> ControlFlow<()>| {
        store.history(partition, lead.from.max(EARLIEST), &mut |stored| {
            if stored.record.clock >= lead.last {
                return ControlFlow::Break(());
            }
            put(Item::Stored(Box::new(stored)))
        })
    };
    read_ahead("history", read, |chunk| each(partition, None, chunk))??;
    Ok(())
}

/// Reads one entry with each pack; `None` when it is of another time.
pub(super) fn prepare<const N: usize>(
    item: Item,
    decoding: Decoding<'_>,
    lead: &Lead,
    preparers: [&Preparer; N],
) -> Result<Option<[Prepared; N]>, Refused> {
    let (mut first, complaint, callers, content) = match item {
        Item::Stored(stored) => {
            let record = stored.record;
            (None, record.complaint, record.callers, record.content)
        }
        Item::Raw(record) => {
            let refused = |reason, detail| Refused { number: record.number, reason, detail };
            let event = record.event().map_err(|(reason, detail)| refused(*reason, detail.clone()))?;
            let (decoder, not_after) = decoding.expect("only files have raw records");
            let decoded =
                decoder.decode(event, not_after).map_err(|fault| refused(fault.reason, fault.detail))?;
            if !lead.contains(decoded.complaint.received_at) {
                return Ok(None);
            }
            let first = preparers[0].prepare(decoded.complaint, decoded.content);
            let (complaint, callers) = (Arc::clone(&first.complaint), first.callers.clone());
            (Some(first), complaint, callers, decoded.content)
        }
    };
    if !lead.contains(complaint.received_at) {
        return Ok(None);
    }
    Ok(Some(preparers.map(|preparer| {
        first
            .take()
            .unwrap_or_else(|| preparer.prepare_stored(Arc::clone(&complaint), callers.clone(), content))
    })))
}
