//! What a receiver has accepted: known ids, the last revision of each alert, and the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::Order;
use crate::deliver::{Payload, webhook_id};
use crate::model::AlertId;

/// Why the file of accepted alerts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be opened, read or mended.
    #[error("cannot use {}: {error}; name a file that this user may write", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A line is not an accepted alert.
    #[error("{} line {line} is not an accepted alert: {error}; move the file away to begin a new one", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Somebody else has it open.
    #[error("{} is in use by another receiver; name another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
}

/// Accepted alerts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    seen: FxHashSet<String>,
    last: FxHashMap<AlertId, u32>,
    file: Option<File>,
}

impl Ledger {
    /// Reads what was accepted before, and keeps the file open to append to it.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, LedgerError> {
        let mut ledger = Self::default();
        let Some(path) = path else { return Ok(ledger) };
        let fault = |error| LedgerError::File { path: path.into(), error };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(LedgerError::InUse { path: path.into() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(fault(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fault)?;
        // A last line without its end was being written in a crash: it was never answered for, and
        // comes again.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(fault)?;
            bytes.truncate(whole);
        }
        for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let payload: Payload = serde_json::from_slice(line).map_err(|error| LedgerError::Line {
                path: path.into(),
                line: index + 1,
                error,
            })?;
            ledger.remember(&payload);
        }
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// Whether it was accepted before.
    pub(super) fn has(&self, webhook_id: &str) -> bool {
        self.seen.contains(webhook_id)
    }

    /// Accepts an alert: on disk when this returns. After a failure the file is as it was before.
    pub(super) fn accept(&mut self, payload: &Payload, body: &[u8]) -> io::Result<Order> {
        if let Some(file) = &mut self.file {
            let before = file.seek(io::SeekFrom::End(0))?;
            // In JSON, line ends stand between tokens only.
            let mut line: Vec<u8> =
                body.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect();
            line.push(b'\n');
            if let Err(error) = file.write_all(&line).and_then(|()| file.sync_data()) {
                file.set_len(before)?;
                return Err(error);
            }
        }
        Ok(self.remember(payload))
    }

    fn remember(&mut self, payload: &Payload) -> Order {
        let alert = &payload.alert;
        self.seen.insert(webhook_id(alert));
        let Some(last) = self.last.get_mut(&alert.id) else {
            self.last.insert(alert.id.clone(), alert.revision);
            return Order::First;
        };
        let before = *last;
        *last = before.max(alert.revision);
        match alert.revision {
            next if next == before.saturating_add(1) => Order::Next,
            later if later > before => Order::Gap { last: before },
            _ => Order::Violated { last: before },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::samples as examples;
    use crate::model::Alert;

    fn payload(revision: u32) -> Payload {
        Payload::new(Alert { revision, ..examples::group() })
    }

    fn accept(ledger: &mut Ledger, revision: u32) -> Order {
        let payload = payload(revision);
        ledger.accept(&payload, &payload.to_bytes().unwrap()).unwrap()
    }

    #[test]
    fn the_order_of_revisions_is_told() {
        let mut ledger = Ledger::open(None).unwrap();
        let orders = [2, 3, 5, 4, 6].map(|revision| accept(&mut ledger, revision));
        assert_eq!(
            orders,
            [Order::First, Order::Next, Order::Gap { last: 3 }, Order::Violated { last: 5 }, Order::Next]
        );
    }

    #[test]
    fn the_file_survives_a_restart_and_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.ndjson");
        let mut ledger = Ledger::open(Some(&path)).unwrap();
        accept(&mut ledger, 1);
        let pretty = serde_json::to_vec_pretty(&payload(2)).unwrap();
        ledger.accept(&payload(2), &pretty).unwrap();
        assert!(matches!(Ledger::open(Some(&path)), Err(LedgerError::InUse { .. })));
        drop(ledger);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"schema\":1,\"id"].concat()).unwrap();

        let mut ledger = Ledger::open(Some(&path)).unwrap();
        let id = |revision| webhook_id(&payload(revision).alert);
        assert!(ledger.has(&id(1)) && ledger.has(&id(2)) && !ledger.has(&id(3)));
        assert_eq!(accept(&mut ledger, 3), Order::Next);
        drop(ledger);
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), 3, "{lines}");
        assert!(lines.as_bytes().starts_with(&whole));
    }

    #[test]
    fn a_file_that_is_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        std::fs::write(&path, "hello\n").unwrap();
        let error = Ledger::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("notes.txt line 1 is not an accepted alert"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"hello\n");
        assert!(Ledger::open(Some(dir.path())).is_err());
    }
}
