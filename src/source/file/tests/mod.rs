//! The file source on real files.

mod following;
mod formats;
mod restarts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::{DeadReason, Position, Positions};
use crate::source::{Holdings, Outlet, Record, Source as _, intake};

/// Positions as a store would keep them.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<String, Position>>);

impl Positions for Kept {
    fn position(&self, source: &str) -> anyhow::Result<Option<Position>> {
        Ok(self.0.lock().unwrap().get(source).copied())
    }
}

impl Kept {
    fn keep(&self, record: &Record) {
        if let Some(next) = record.next {
            self.0.lock().unwrap().insert(record.source.to_string(), next);
        }
    }
}

/// A source at work.
struct Running {
    outlet: Outlet,
    shutdown: CancellationToken,
    thread: JoinHandle<anyhow::Result<()>>,
    kept: Arc<Kept>,
}

impl Running {
    fn start(config: FileConfig, kept: &Arc<Kept>) -> Self {
        let source =
            FileSource::new(config, Arc::clone(kept) as Arc<dyn Positions>, Holdings::default()).unwrap();
        let (intake, outlet) = intake(64, 1 << 20);
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let thread = std::thread::Builder::new()
            .name("file".into())
            .spawn(move || Box::new(source).run(intake, stop))
            .unwrap();
        Self { outlet, shutdown, thread, kept: Arc::clone(kept) }
    }

    /// The next record, its position kept as if it was committed.
    fn next(&mut self) -> Record {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(record) = self.outlet.try_recv() {
                self.kept.keep(&record);
                return record;
            }
            assert!(Instant::now() < deadline && !self.thread.is_finished(), "no record came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The next record, its position kept; `None` when there is none and the source has ended.
    fn poll(&mut self) -> Option<Record> {
        loop {
            let is_over = self.thread.is_finished();
            match self.outlet.try_recv() {
                Some(record) => {
                    self.kept.keep(&record);
                    return Some(record);
                }
                None if is_over => return None,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// The ids of the next records.
    fn ids(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| id(&self.next())).collect()
    }

    /// Stops it; whatever it had handed over is not committed.
    fn stop(self) {
        self.shutdown.cancel();
        self.thread.join().unwrap().unwrap();
    }

    /// Waits until it has read everything.
    fn finish(mut self) -> Vec<Record> {
        let records = std::iter::from_fn(|| self.poll()).collect();
        self.thread.join().unwrap().unwrap();
        records
    }
}

fn id(record: &Record) -> String {
    let event: Value = serde_json::from_slice(record.event().unwrap()).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path, config: &FileConfig) -> Vec<RawRecord> {
    records(path, config).unwrap().collect::<anyhow::Result<_>>().unwrap()
}

fn event(record: &RawRecord) -> Value {
    serde_json::from_slice(record.event().unwrap()).unwrap()
}

fn refused(record: &RawRecord) -> (DeadReason, &str) {
    let (reason, detail) = record.event().unwrap_err();
    (*reason, detail)
}

fn line(id: &str) -> String {
    format!("{{\"id\":\"{id}\",\"received_at\":\"2026-03-01T08:00:00+08:00\",\"text\":\"停水\"}}\n")
}
