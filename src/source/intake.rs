//! The bounded way from the sources into the pipeline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::Record;

/// Bytes are counted in these units, since a semaphore counts in `u32`.
const UNIT: usize = 256;

/// The sources' end: bounded in records and in bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    sender: mpsc::Sender<Admitted>,
    budget: Arc<Semaphore>,
    units: u32,
}

/// The pipeline's end.
#[derive(Debug)]
pub struct Outlet(mpsc::Receiver<Admitted>);

/// A record with the room it takes, which is free again when this is dropped.
#[derive(Debug)]
struct Admitted {
    record: Record,
    _room: OwnedSemaphorePermit,
}

/// There is no room; the record is given back.
#[derive(Debug)]
pub struct IntakeFull(pub Box<Record>);

/// The pipeline has stopped.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline has stopped taking events")]
pub struct IntakeClosed;

/// Makes an intake that holds at most `records` records and about `bytes` bytes.
#[must_use]
pub fn intake(records: usize, bytes: usize) -> (Intake, Outlet) {
    let (sender, receiver) = mpsc::channel(records.max(1));
    let units = u32::try_from((bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let budget = Arc::new(Semaphore::new(units as usize));
    (Intake { sender, budget, units }, Outlet(receiver))
}

impl Intake {
    /// Hands a record over if there is room now.
    ///
    /// # Errors
    /// `Ok(Err(full))` gives the record back when there is no room.
    pub fn try_send(&self, record: Record) -> Result<Result<(), IntakeFull>, IntakeClosed> {
        let permit = match Arc::clone(&self.budget).try_acquire_many_owned(self.cost(&record)) {
            Ok(permit) => permit,
            Err(_) if self.sender.is_closed() => return Err(IntakeClosed),
            Err(_) => return Ok(Err(IntakeFull(Box::new(record)))),
        };
        match self.sender.try_send(Admitted { record, _room: permit }) {
            Ok(()) => Ok(Ok(())),
            Err(mpsc::error::TrySendError::Full(Admitted { record, .. })) => {
                Ok(Err(IntakeFull(Box::new(record))))
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(IntakeClosed),
        }
    }

    /// Hands a record over, waiting on this thread for room; gives up when `shutdown` is cancelled.
    ///
    /// # Errors
    /// When the pipeline has stopped or shutdown was asked for.
    pub fn send_blocking(
        &self,
        mut record: Record,
        shutdown: &CancellationToken,
    ) -> Result<(), IntakeClosed> {
        loop {
            match self.try_send(record)? {
                Ok(()) => return Ok(()),
                Err(IntakeFull(back)) => record = *back,
            }
            if shutdown.is_cancelled() {
                return Err(IntakeClosed);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether at least half of the room is free: when a paused source may go on.
    #[must_use]
    pub fn is_roomy(&self) -> bool {
        self.budget.available_permits() >= self.units as usize / 2
            && self.sender.capacity() >= self.sender.max_capacity() / 2
    }

    // A record larger than the whole budget takes all of it, so that it passes alone.
    fn cost(&self, record: &Record) -> u32 {
        let bytes =
            record.raw.len() + record.event.as_ref().ok().and_then(Option::as_ref).map_or(0, Vec::len);
        u32::try_from(bytes / UNIT + 1).unwrap_or(u32::MAX).min(self.units)
    }
}

impl Outlet {
    /// The next record, waiting for one; `None` when all sources are gone.
    pub async fn recv(&mut self) -> Option<Record> {
        self.0.recv().await.map(|admitted| admitted.record)
    }

    /// The next record if one is there.
    pub fn try_recv(&mut self) -> Option<Record> {
        self.0.try_recv().ok().map(|admitted| admitted.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PartitionKey;

    fn record(bytes: usize) -> Record {
        Record {
            partition: PartitionKey::from("main"),
            source: Arc::from("test"),
            next: None,
            at: "line 1".into(),
            raw: vec![b'x'; bytes],
            event: Ok(None),
            reply: None,
            lease: super::super::Lease::default(),
        }
    }

    #[test]
    fn bytes_and_records_are_both_bounded_and_nothing_is_lost() {
        let (intake, mut outlet) = intake(2, 4096);
        assert!(intake.try_send(record(10)).unwrap().is_ok());
        let Err(IntakeFull(back)) = intake.try_send(record(1 << 20)).unwrap() else {
            panic!("the bytes do not fit")
        };
        assert_eq!(back.raw.len(), 1 << 20);
        assert!(intake.try_send(record(10)).unwrap().is_ok());
        assert!(intake.try_send(record(10)).unwrap().is_err(), "the records do not fit");
        assert!(!intake.is_roomy());
        assert!(outlet.try_recv().is_some() && outlet.try_recv().is_some());
        assert!(intake.try_send(*back).unwrap().is_ok(), "a huge record passes alone");
        drop(outlet);
        assert!(intake.try_send(record(10)).is_err());
    }
}
