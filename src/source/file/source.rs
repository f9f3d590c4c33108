//! The files as a source of the pipeline.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::model::{PartitionKey, Position, Positions};
use crate::source::{Holdings, Intake, IntakeClosed, Lease, Source};
use crate::telemetry::file as happening;

use super::follow::{Following, Tail, Turn};
use super::identity::{Digest, source_name};
use super::lines::End;
use super::open::{self, Rows};
use super::{FileConfig, FileConfigError, Format, RawRecord};

/// A file cannot be read, or not be read on: one line that names it, with what to do.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FileError(anyhow::Error);

/// How soon a shutdown is noticed while waiting.
const NOTICE: Duration = Duration::from_millis(50);

/// Reads files, or stdin, into the pipeline.
pub struct FileSource {
    config: FileConfig,
    positions: Arc<dyn Positions>,
    holdings: Holdings,
}

/// The name under which the files are awaited.
const EXPECTED: &str = "file";

impl FileSource {
    /// Checks the settings; nothing is opened yet.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn new(
        config: FileConfig,
        positions: Arc<dyn Positions>,
        holdings: Holdings,
    ) -> Result<Self, FileConfigError> {
        config.check()?;
        holdings.expect(EXPECTED, &engine());
        Ok(Self { config, positions, holdings })
    }

    /// Looks at the files before anything is promised: whether they are there and readable and,
    /// of tables, have the columns. Workbooks are large to look into, so that is left to reading.
    ///
    /// # Errors
    /// The first file that cannot be read.
    pub fn look(&self) -> Result<(), FileError> {
        for path in self.config.paths.iter().filter(|path| !is_stdin(path)) {
            self.look_at(path).with_context(|| path.display().to_string()).map_err(FileError)?;
        }
        Ok(())
    }

    fn look_at(&self, path: &Path) -> anyhow::Result<()> {
        // Opening a pipe would wait for who writes to it.
        if std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            return Ok(());
        }
        let file = open::open(path)?;
        let head = open::head(&file)?;
        let form = open::form(path, &head, &self.config)?;
        // A followed file may have been made just now and get its header later.
        if form == Format::Csv && !(head.is_empty() && self.config.follow) {
            open::rows(path, &file, form, &self.config, Position(0), &Arc::default())?;
        }
        Ok(())
    }

    fn is_stdin(&self) -> bool {
        self.config.paths.iter().all(|path| is_stdin(path))
    }

    /// Reads one file to its end.
    fn read(&self, path: &Path, mut handover: Handover<'_>) -> anyhow::Result<()> {
        let file = open::open(path)?;
        if !file.metadata()?.is_file() {
            return self.read_stream(file, path, handover);
        }
        let form = open::form(path, &open::head(&file)?, &self.config)?;
        let source: Arc<str> = source_name(path, &Digest::whole(&file).context("cannot be read")?).into();
        let stored = self.positions.position(&source)?;
        let mut rows =
            open::rows(path, &file, form, &self.config, stored.unwrap_or(Position(0)), &Arc::default())?;
        happening::FileOpened { path, source: &source, from: stored }.emit();
        let _held = self.holdings.hold(&source, &engine());
        let mut records = 0;
        while let Some(record) = rows.next(End::Final).context("cannot be read on")? {
            handover.give(record, &source, true)?;
            records += 1;
        }
        happening::FileFinished { path, source: &source, records }.emit();
        Ok(())
    }

    /// Reads stdin, or a pipe with a name, until it is closed. What was read cannot be read again,
    /// so it has no position.
    fn read_stream(
        &self,
        input: impl Read + Send + 'static,
        path: &Path,
        mut handover: Handover<'_>,
    ) -> anyhow::Result<()> {
        let input = Interruptible::start(input, handover.shutdown)?;
        let mut rows = open::stream(Box::new(input), &self.config)?;
        let name = if is_stdin(path) { "stdin".to_owned() } else { format!("file:{}", path.display()) };
        let source: Arc<str> = name.into();
        let _held = self.holdings.hold(&source, &engine());
        let mut records = 0;
        while let Some(record) = rows.next(End::Final).context("cannot be read on")? {
            handover.give(record, &source, false)?;
            records += 1;
        }
        happening::FileFinished { path, source: &source, records }.emit();
        Ok(())
    }

    /// Reads files side by side for ever.
    fn follow(&self, handover: Handover<'_>) -> anyhow::Result<()> {
        let shutdown = handover.shutdown;
        let positions = &*self.positions;
        let (config, holdings) = (&self.config, &self.holdings);
        let mut following = Following { config, positions, holdings, handover, taken: BTreeSet::new() };
        let mut tails = Vec::new();
        for path in &self.config.paths {
            tails.push(Tail::open(path, &mut following).with_context(|| path.display().to_string())?);
        }
        // From here on each file speaks for itself.
        self.holdings.settle(EXPECTED);
        let poll = Duration::from_millis(self.config.poll_interval_milliseconds.into());
        while !shutdown.is_cancelled() {
            let mut is_idle = true;
            for tail in &mut tails {
                is_idle &= tail.turn(&mut following)? == Turn::Idle;
            }
            let end = Instant::now() + poll;
            while is_idle && !shutdown.is_cancelled() && Instant::now() < end {
                std::thread::sleep(NOTICE.min(end.saturating_duration_since(Instant::now())));
            }
        }
        Ok(())
    }

    fn read_all(&self, handover: &Handover<'_>) -> anyhow::Result<()> {
        let handover = || Handover { lease: handover.lease.clone(), ..*handover };
        if self.config.follow && !self.is_stdin() {
            return self.follow(handover());
        }
        for path in &self.config.paths {
            if is_stdin(path) {
                self.read_stream(io::stdin(), path, handover()).context("stdin")?;
            } else {
                self.read(path, handover()).with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }
}

impl Source for FileSource {
    fn name(&self) -> &'static str {
        if self.is_stdin() { "stdin" } else { "file" }
    }

    fn run(self: Box<Self>, intake: Intake, shutdown: CancellationToken) -> anyhow::Result<()> {
        let handover = Handover { intake: &intake, shutdown: &shutdown, lease: Lease::default() };
        let read = self.read_all(&handover);
        self.holdings.settle(EXPECTED);
        match read {
            // The rest stays in the file, to be read from the stored position.
            Err(error) if error.is::<IntakeClosed>() || shutdown.is_cancelled() => Ok(()),
            result => result.map_err(|error| FileError(error).into()),
        }
    }
}

/// The engine that files feed.
pub(super) fn engine() -> PartitionKey {
    PartitionKey::from("main")
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The way into the pipeline.
pub(super) struct Handover<'a> {
    pub(super) intake: &'a Intake,
    pub(super) shutdown: &'a CancellationToken,
    pub(super) lease: Lease,
}

impl Handover<'_> {
    /// Hands a record over, waiting for room.
    ///
    /// # Errors
    /// When the pipeline has stopped or shutdown was asked for.
    pub(super) fn give(
        &mut self,
        record: RawRecord,
        source: &Arc<str>,
        keeps_position: bool,
    ) -> Result<(), IntakeClosed> {
        if self.shutdown.is_cancelled() {
            return Err(IntakeClosed);
        }
        self.intake.send_blocking(record.into_record(source, &self.lease, keeps_position), self.shutdown)
    }
}

/// A stream whose reading ends with an error at shutdown. Reading a terminal or a pipe cannot be
/// interrupted, so it happens on a thread that is left behind.
struct Interruptible {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    used: usize,
    shutdown: CancellationToken,
}

impl Interruptible {
    fn start(mut input: impl Read + Send + 'static, shutdown: &CancellationToken) -> anyhow::Result<Self> {
        let (send, chunks) = sync_channel(2);
        let read = move || {
            loop {
                let mut chunk = vec![0; 64 * 1024];
                let read = input.read(&mut chunk).map(|read| {
                    chunk.truncate(read);
                    chunk
                });
                let is_last = read.as_ref().is_ok_and(Vec::is_empty);
                if send.send(read).is_err() || is_last {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("stdin".into())
            .spawn(read)
            .context("starting the thread that reads")?;
        Ok(Self { chunks, chunk: Vec::new(), used: 0, shutdown: shutdown.clone() })
    }
}

impl Read for Interruptible {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() {
            if self.shutdown.is_cancelled() {
                return Err(io::Error::other("shutting down"));
            }
            match self.chunks.recv_timeout(NOTICE) {
                Ok(chunk) => (self.chunk, self.used) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.chunk.is_empty() {
                return Ok(0);
            }
        }
        let read = out.len().min(self.chunk.len() - self.used);
        out[..read].copy_from_slice(&self.chunk[self.used..self.used + read]);
        self.used += read;
        Ok(read)
    }
}

/// The records of one file from its beginning, without a pipeline: for replays.
pub struct Records {
    path: String,
    rows: Rows,
    size: Option<u64>,
    is_over: bool,
}

/// Reads the records of a file, or of stdin when `path` is `-`. The paths and `follow` of the
/// configuration do not count here.
///
/// # Errors
/// When the file cannot be opened, or a required column is missing: one line that names the file.
pub fn records(path: &Path, config: &FileConfig) -> anyhow::Result<Records> {
    config.check_values()?;
    let name = if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() };
    let open = || -> anyhow::Result<(Rows, Option<u64>)> {
        if is_stdin(path) {
            return Ok((open::stream(Box::new(io::stdin()), config)?, None));
        }
        let file = open::open(path)?;
        let about = file.metadata()?;
        // A pipe with a name cannot be read at a place of our choice.
        if !about.is_file() {
            return Ok((open::stream(Box::new(file), config)?, None));
        }
        let form = open::form(path, &open::head(&file)?, config)?;
        Ok((open::rows(path, &file, form, config, Position(0), &Arc::default())?, Some(about.len())))
    };
    let (rows, size) = open().with_context(|| name.clone())?;
    Ok(Records { path: name, rows, size, is_over: false })
}

impl Records {
    /// How many bytes of the file have been read.
    pub fn bytes_read(&self) -> u64 {
        match self.rows {
            Rows::Sheet(_) => self.size.unwrap_or(0),
            _ => self.rows.offset(),
        }
    }

    /// How many bytes there are, for a file.
    pub fn size(&self) -> Option<u64> {
        self.size
    }
}

impl Iterator for Records {
    type Item = anyhow::Result<RawRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record = self.rows.next(End::Final);
        self.is_over = !matches!(record, Ok(Some(_)));
        record.with_context(|| format!("{}: cannot be read on", self.path)).transpose()
    }
}
