//! Happenings of the file source.

use std::path::Path;
use std::sync::LazyLock;

use prometheus::IntCounterVec;

use super::counter;
use crate::model::Position;

static REPLACED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_file_replaced_total", "Followed files that were rotated or written anew", &["why"])
});

/// A file is read, from the beginning or from where it was left.
#[derive(Debug)]
pub struct FileOpened<'a> {
    /// The file.
    pub path: &'a Path,
    /// The source partition it is, which names its content too.
    pub source: &'a str,
    /// Where reading goes on; `None` when it was not read before.
    pub from: Option<Position>,
}

impl FileOpened<'_> {
    /// Logs it.
    pub fn emit(self) {
        let from = self.from.map_or(0, |position| position.0);
        tracing::info!(path = %self.path.display(), source = self.source, from, "reading file");
    }
}

/// A file was read to its end.
#[derive(Debug)]
pub struct FileFinished<'a> {
    /// The file.
    pub path: &'a Path,
    /// The source partition it is.
    pub source: &'a str,
    /// How many records were handed over in this run.
    pub records: u64,
}

impl FileFinished<'_> {
    /// Logs it.
    pub fn emit(self) {
        let Self { path, source, records } = self;
        tracing::info!(path = %path.display(), source, records, "read file to its end");
    }
}

/// A followed file is another one now: the old one was finished, the new one is read from its
/// beginning.
///
/// Series `fenghuo_file_replaced_total{why}`: `rotated` (another file under the name) or `rewritten`
/// (the same file, shorter or with another beginning). Lines that were written to a rewritten file
/// and overwritten before they were read are lost; rotate by renaming.
#[derive(Debug)]
pub struct FileReplaced<'a> {
    /// The file.
    pub path: &'a Path,
    /// `rotated` or `rewritten`.
    pub why: &'static str,
}

impl FileReplaced<'_> {
    /// Counts and logs it.
    pub fn emit(self) {
        REPLACED.with_label_values(&[self.why]).inc();
        tracing::info!(path = %self.path.display(), why = self.why, "file was replaced");
    }
}

/// A followed file cannot be looked at for the moment; it is tried again.
#[derive(Debug)]
pub struct FileUnreadable<'a> {
    /// The file.
    pub path: &'a Path,
    /// What hinders.
    pub error: &'a anyhow::Error,
}

impl FileUnreadable<'_> {
    /// Logs it.
    pub fn emit(self) {
        tracing::warn!(path = %self.path.display(), error = format!("{:#}", self.error), "cannot read file; trying again");
    }
}
