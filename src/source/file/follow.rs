//! Following files that grow and are rotated.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use jiff::Timestamp;

use crate::model::{Position, Positions};
use crate::source::{Held, Holdings, IntakeClosed};
use crate::telemetry::file as happening;

use super::identity::{Digest, generation, source_name};
use super::lines::End;
use super::open::{self, Rows};
use super::source::{Handover, engine};
use super::{FileConfig, Format};

/// So many records are taken from one file before the others have their turn.
const TURN: u32 = 1000;

/// A file that is followed.
pub(super) struct Tail {
    path: PathBuf,
    reading: Option<Reading>,
    /// A fault was told and has not gone away.
    is_faulty: bool,
}

/// The file that stands, or stood, under the path.
struct Reading {
    file: File,
    form: Format,
    digest: Digest,
    rows: Rows,
    source: Arc<str>,
    /// Its place on the board of what is read.
    held: Held,
    /// Set when what stands in the file now is no longer what we were reading.
    let_go: Arc<AtomicBool>,
    /// Another file stands under the path. The writer may still be writing to this one until it
    /// has taken notice, so it is left a poll later.
    is_replaced: bool,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing to do for now.
    Idle,
    /// There may be more.
    Busy,
}

/// What all followed files share.
pub(super) struct Following<'a> {
    pub(super) config: &'a FileConfig,
    pub(super) positions: &'a dyn Positions,
    pub(super) holdings: &'a Holdings,
    pub(super) handover: Handover<'a>,
    /// Names of source partitions that were read to their end.
    pub(super) taken: BTreeSet<String>,
}

impl Tail {
    /// Opens the file, which must be there at the start.
    pub(super) fn open(path: &Path, following: &mut Following<'_>) -> anyhow::Result<Self> {
        let mut tail = Self { path: path.to_owned(), reading: None, is_faulty: false };
        tail.begin(following)?;
        Ok(tail)
    }

    /// Takes what there is, within a turn. Passing faults are told and tried again.
    ///
    /// # Errors
    /// When the pipeline has stopped.
    pub(super) fn turn(&mut self, following: &mut Following<'_>) -> Result<Turn, IntakeClosed> {
        let now = Timestamp::now();
        match self.try_turn(following) {
            Ok(turn) => {
                self.is_faulty = false;
                if let Some(reading) = &self.reading {
                    reading.held.at_end((turn == Turn::Idle).then_some(now));
                }
                Ok(turn)
            }
            Err(error) => match error.downcast::<IntakeClosed>() {
                Ok(closed) => Err(closed),
                Err(error) => {
                    let is_gone = error
                        .downcast_ref::<std::io::Error>()
                        .is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
                    // Between the renaming and the new file there is none, which is no fault.
                    if !self.is_faulty && !is_gone {
                        happening::FileUnreadable { path: &self.path, error: &error }.emit();
                        self.is_faulty = true;
                    }
                    Ok(Turn::Idle)
                }
            },
        }
    }

    fn try_turn(&mut self, following: &mut Following<'_>) -> anyhow::Result<Turn> {
        let Some(reading) = &mut self.reading else {
            std::fs::metadata(&self.path)?;
            self.begin(following)?;
            return Ok(if self.reading.is_some() { Turn::Busy } else { Turn::Idle });
        };
        let length = reading.file.metadata()?.len();
        let offset = reading.rows.offset();
        if length != offset {
            // The beginning is looked at before every read: a file that was emptied and has grown
            // beyond our position in the meantime shows only there.
            let is_same = Digest::beginning(&reading.file, reading.form)?.as_ref() == Some(&reading.digest);
            if length < offset || !is_same {
                reading.let_go.store(true, Ordering::Relaxed);
                return self.replace("rewritten", following);
            }
            let is_through = reading.read(TURN, End::MayGrow, &mut following.handover)?;
            return Ok(if is_through && reading.rows.offset() == offset { Turn::Idle } else { Turn::Busy });
        }
        let about = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Turn::Idle),
            about => about?,
        };
        if inode(&about) == inode(&reading.file.metadata()?) {
            reading.is_replaced = false;
            return Ok(Turn::Idle);
        }
        if !reading.is_replaced {
            reading.is_replaced = true;
            return Ok(Turn::Idle);
        }
        self.replace("rotated", following)
    }

    /// Finishes the old file, its last line taken as it is, and goes over to the new one.
    fn replace(&mut self, why: &'static str, following: &mut Following<'_>) -> anyhow::Result<Turn> {
        if let Some(mut reading) = self.reading.take() {
            following.taken.insert(reading.source.to_string());
            let read = reading.read(u32::MAX, End::Final, &mut following.handover);
            happening::FileReplaced { path: &self.path, why }.emit();
            read?;
        }
        self.begin(following)?;
        Ok(Turn::Busy)
    }

    /// Opens what stands under the path, once there is enough of it to know it again.
    fn begin(&mut self, following: &mut Following<'_>) -> anyhow::Result<()> {
        let path = &self.path;
        let file = open::open(path)?;
        let form = open::form(path, &open::head(&file)?, following.config)?;
        if form == Format::Xlsx {
            anyhow::bail!("is a workbook, which cannot be followed; set file.follow to false");
        }
        let Some(digest) = Digest::beginning(&file, form)? else { return Ok(()) };
        let name = source_name(path, &digest);
        let (source, stored) = generation(&name, &file, following.positions, &following.taken)?;
        let let_go = Arc::default();
        let from = stored.unwrap_or(Position(0));
        let rows = open::rows(path, &file, form, following.config, from, &let_go)?;
        happening::FileOpened { path, source: &source, from: stored }.emit();
        let source = source.into();
        let held = following.holdings.hold(&source, &engine());
        self.reading = Some(Reading { file, form, digest, rows, source, held, let_go, is_replaced: false });
        Ok(())
    }
}

impl Reading {
    /// Hands over at most `most` records; whether the end was reached.
    fn read(&mut self, most: u32, end: End, handover: &mut Handover<'_>) -> anyhow::Result<bool> {
        for _ in 0..most {
            let Some(record) = self.rows.next(end).context("cannot be read on")? else { return Ok(true) };
            handover.give(record, &self.source, true)?;
        }
        Ok(false)
    }
}

fn inode(about: &Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}
