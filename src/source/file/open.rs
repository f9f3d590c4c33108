//! Opening a file: its form, its characters, and the reader for both.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::model::Position;

use super::characters::Characters;
use super::lines::{End, Lines};
use super::ndjson::Ndjson;
use super::sheet::Sheet;
use super::table::Table;
use super::{FileConfig, Format, RawRecord};

/// So much of the beginning of a file is looked at to tell its form and its characters.
pub(super) const HEAD: usize = 64 * 1024;
const BUFFER: usize = 256 * 1024;

pub(super) type Input = BufReader<Box<dyn Read + Send>>;

/// A file that can be let go of: from then on it is at its end, whatever is written to it.
struct Held {
    file: File,
    let_go: Arc<AtomicBool>,
}

impl Read for Held {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.let_go.load(Ordering::Relaxed) { Ok(0) } else { self.file.read(out) }
    }
}

/// Reads the records of one file, whatever its form.
pub(super) enum Rows {
    Ndjson(Ndjson<Input>),
    Table(Table<Input>),
    Sheet(Sheet),
}

impl Rows {
    /// The next record; `None` at the end.
    pub(super) fn next(&mut self, end: End) -> std::io::Result<Option<RawRecord>> {
        match self {
            Self::Ndjson(ndjson) => ndjson.next(end),
            Self::Table(table) => table.next(end),
            Self::Sheet(sheet) => Ok(sheet.next()),
        }
    }

    /// How many bytes have been read; 0 for a workbook, which is read at once.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Self::Ndjson(ndjson) => ndjson.lines.offset(),
            Self::Table(table) => table.offset(),
            Self::Sheet(_) => 0,
        }
    }
}

/// The form that a file's name tells.
pub(super) fn by_name(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match &*ending {
        "ndjson" | "jsonl" | "json" => Some(Format::Ndjson),
        "csv" | "tsv" => Some(Format::Csv),
        "xlsx" | "xlsm" => Some(Format::Xlsx),
        _ => None,
    }
}

/// The form of a file that begins with `head`.
pub(super) fn form(path: &Path, head: &[u8], config: &FileConfig) -> anyhow::Result<Format> {
    let is_zip = head.starts_with(b"PK\x03\x04");
    let form = match config.format {
        Format::Auto => by_name(path).unwrap_or({
            let text = super::characters::without_mark(head).trim_ascii_start();
            match text.first() {
                _ if is_zip => Format::Xlsx,
                // Nothing at all is no table without a header: it has no events.
                Some(b'{') | None => Format::Ndjson,
                _ => Format::Csv,
            }
        }),
        form => form,
    };
    if head.starts_with(b"\xD0\xCF\x11\xE0") {
        anyhow::bail!("is a workbook of Excel 97-2003; save it as .xlsx and try again");
    }
    if is_zip && form != Format::Xlsx {
        anyhow::bail!(
            "is a workbook or another zip file, not text; name it .xlsx or set file.format = \"xlsx\""
        );
    }
    if form == Format::Xlsx && !is_zip && !head.is_empty() {
        anyhow::bail!(
            "is not an XLSX workbook; if it is a text table, name it .csv or set file.format = \"csv\""
        );
    }
    Ok(form)
}

/// Opens a file for reading, with what to do when that fails.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let file = File::open(path).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => "; look at the path",
            std::io::ErrorKind::PermissionDenied => "; let the user that runs fenghuo read it",
            _ => "",
        };
        anyhow::anyhow!("cannot be read: {error}{remedy}")
    })?;
    anyhow::ensure!(!file.metadata()?.is_dir(), "is a folder; name the files in it");
    Ok(file)
}

/// The first bytes of a file, at most [`HEAD`].
pub(super) fn head(file: &File) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < head.len() {
        match file.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}

fn delimiter(path: &Path, config: &FileConfig) -> u8 {
    let is_tabbed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
    let delimiter = config.delimiter.unwrap_or(if is_tabbed { '\t' } else { ',' });
    u8::try_from(delimiter).unwrap_or(b',')
}

/// The reader of a file, standing at `from`. Once `let_go` is set, nothing more is read of it.
pub(super) fn rows(
    path: &Path,
    file: &File,
    form: Format,
    config: &FileConfig,
    from: Position,
    let_go: &Arc<AtomicBool>,
) -> anyhow::Result<Rows> {
    if form == Format::Xlsx {
        return Ok(Rows::Sheet(Sheet::open(path, config.sheet.as_deref(), &config.columns, from)?));
    }
    let characters = Characters::of(config.encoding, &head(file)?)?;
    let from = u64::try_from(from.0).context("a position below zero is stored")?;
    let limit = config.max_line_bytes;
    let at = |offset: u64| -> anyhow::Result<Input> {
        let mut file = file.try_clone().context("cannot be read")?;
        file.seek(SeekFrom::Start(offset)).context("cannot be read")?;
        Ok(BufReader::with_capacity(BUFFER, Box::new(Held { file, let_go: Arc::clone(let_go) })))
    };
    let number = if from == 0 { 1 } else { 1 + newlines(at(0)?.take(from)).context("cannot be read")? };
    if form == Format::Ndjson {
        return Ok(Rows::Ndjson(Ndjson { lines: Lines::new(at(from)?, limit, from, number), characters }));
    }
    let lines = Lines::new(at(0)?, limit, 0, 1);
    let table = Table::open(lines, characters, delimiter(path, config), limit, &config.columns)?;
    if from <= table.start() {
        return Ok(Rows::Table(table));
    }
    Ok(Rows::Table(table.moved(Lines::new(at(from)?, limit, from, number))))
}

/// The reader of a stream that cannot be read twice: stdin.
pub(super) fn stream(input: Box<dyn Read + Send>, config: &FileConfig) -> anyhow::Result<Rows> {
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER, input), config.max_line_bytes, 0, 1);
    let head = lines.peek().context("cannot be read")?.to_vec();
    let path = Path::new("-");
    let form = form(path, &head, config)?;
    let characters = Characters::of(config.encoding, &head)?;
    let limit = config.max_line_bytes;
    match form {
        Format::Xlsx => anyhow::bail!("is a workbook, which cannot be read from a stream; save it as a file"),
        Format::Ndjson => Ok(Rows::Ndjson(Ndjson { lines, characters })),
        Format::Csv | Format::Auto => {
            let delimiter = delimiter(path, config);
            Ok(Rows::Table(Table::open(lines, characters, delimiter, limit, &config.columns)?))
        }
    }
}

/// How many line ends there are.
fn newlines(mut input: impl Read) -> std::io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut count = 0;
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(count),
            Ok(read) => count += buffer[..read].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
