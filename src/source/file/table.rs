//! CSV: a header, then one work order a row. A row may go over several lines where a cell in
//! quotes has line ends in it.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::model::DeadReason;

use super::characters::{Characters, Unreadable, without_mark};
use super::columns::{Columns, MissingColumn};
use super::lines::{End, Line, Lines};
use super::ndjson::{position, too_long};
use super::{ColumnsConfig, RawRecord};

/// The header stands in one of the first rows: exports like to put a heading above it.
const HEADER_ROWS: usize = 5;

/// Reads the rows of a CSV file.
pub(super) struct Table<R> {
    lines: Lines<R>,
    /// Lines that were taken into a row which turned out not to be one, to be read again.
    again: VecDeque<Line>,
    /// The lines of the row being read, and what they have come to so far.
    row: Vec<Line>,
    cells: Cells,
    characters: Characters,
    delimiter: u8,
    limit: usize,
    columns: Columns,
}

/// Why a table cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error(transparent)]
    Missing(#[from] MissingColumn),
    #[error("has a header that {}", .0.advice())]
    Unreadable(Unreadable),
    #[error("is empty; the first row must name the columns")]
    Empty,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A row taken apart, or what hinders that.
enum Row {
    Cells(Vec<String>),
    /// A quote is open at the end.
    Unfinished,
    Unreadable(Unreadable),
}

impl<R: BufRead> Table<R> {
    /// Reads the header from `lines`, which stand at the beginning of the file.
    pub(super) fn open(
        lines: Lines<R>,
        characters: Characters,
        delimiter: u8,
        limit: usize,
        config: &ColumnsConfig,
    ) -> Result<Self, HeaderError> {
        let columns =
            Columns::of(&["id".into(), "received_at".into(), "text".into()], &ColumnsConfig::default())?;
        let mut table = Self {
            lines,
            again: VecDeque::new(),
            row: Vec::new(),
            cells: Cells::new(delimiter),
            characters,
            delimiter,
            limit,
            columns,
        };
        let mut first_fault = None;
        for _ in 0..HEADER_ROWS {
            let Some((_, row)) = table.take_row(End::Final)? else { break };
            let headers = match row {
                Row::Cells(headers) => headers,
                Row::Unreadable(unreadable) => return Err(HeaderError::Unreadable(unreadable)),
                Row::Unfinished => continue,
            };
            match Columns::of(&headers, config) {
                Ok(columns) => return Ok(Self { columns, ..table }),
                Err(fault) if headers.iter().filter(|header| !header.is_empty()).count() > 1 => {
                    first_fault.get_or_insert(fault);
                }
                // A heading of one cell says nothing about columns.
                Err(fault) if first_fault.is_none() && table.lines.offset() == 0 => return Err(fault.into()),
                Err(_) => {}
            }
        }
        Err(first_fault.map_or(HeaderError::Empty, HeaderError::Missing))
    }

    /// Goes on with lines that stand elsewhere in the file.
    pub(super) fn moved(self, lines: Lines<R>) -> Self {
        Self { lines, again: VecDeque::new(), row: Vec::new(), cells: Cells::new(self.delimiter), ..self }
    }

    /// How many bytes have been read.
    pub(super) fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// The offset after the header, where the first row begins.
    pub(super) fn start(&self) -> u64 {
        self.again.front().map_or(self.lines.offset(), |line| line.start)
    }

    /// The next row; blank lines and rows of empty cells are passed over.
    pub(super) fn next(&mut self, end: End) -> io::Result<Option<RawRecord>> {
        while let Some((lines, row)) = self.take_row(end)? {
            if let Row::Cells(cells) = &row
                && cells.iter().all(|cell| cell.trim().is_empty())
            {
                continue;
            }
            return Ok(Some(self.record(lines, row)));
        }
        Ok(None)
    }

    fn record(&self, lines: Vec<Line>, row: Row) -> RawRecord {
        let number = lines.first().map_or(0, |line| line.number);
        let end = lines.last().map_or(0, |line| line.end);
        let long = lines.iter().find_map(|line| line.too_long);
        let event = match (long, row) {
            (Some(length), _) => Err(too_long("row", length)),
            (None, Row::Cells(cells)) => self.columns.event(&cells).map(Some),
            (None, Row::Unreadable(unreadable)) => {
                Err((DeadReason::InvalidEncoding, format!("the row {}", unreadable.advice())))
            }
            (None, Row::Unfinished) => Err((
                DeadReason::InvalidRow,
                "the row opens a quote that is never closed; write a quote inside a cell twice".into(),
            )),
        };
        let raw = lines.into_iter().flat_map(|line| line.bytes).collect();
        RawRecord { number, at: format!("line {number}").into(), next: position(end), raw, event }
    }

    /// The lines of the next row and its cells. A row of which the quotes do not close before the
    /// end or the limit is given up: its first line is taken alone, the others are read again, so
    /// that one stray quote costs one row.
    fn take_row(&mut self, end: End) -> io::Result<Option<(Vec<Line>, Row)>> {
        loop {
            let line = match self.again.pop_front() {
                Some(line) => Some(line),
                None => self.lines.next(end)?,
            };
            let Some(line) = line else {
                if self.row.is_empty() || end == End::MayGrow {
                    return Ok(None);
                }
                return Ok(Some(self.give_up()));
            };
            // A blank line is no row, but it may well be part of a cell in quotes.
            if self.row.is_empty() && line.is_blank() {
                continue;
            }
            let row = self.read_line(&line);
            let is_long = line.too_long.is_some()
                || self.row.iter().map(|line| line.bytes.len()).sum::<usize>() + line.bytes.len()
                    > self.limit;
            self.row.push(line);
            match row {
                Row::Cells(_) if !is_long => return Ok(Some((self.end_row(), row))),
                Row::Unfinished if !is_long => {}
                // Alone it is itself too long or unreadable; after others, their quote is stray.
                row if self.row.len() == 1 => return Ok(Some((self.end_row(), row))),
                _ => return Ok(Some(self.give_up())),
            }
        }
    }

    fn end_row(&mut self) -> Vec<Line> {
        self.cells = Cells::new(self.delimiter);
        std::mem::take(&mut self.row)
    }

    fn give_up(&mut self) -> (Vec<Line>, Row) {
        let mut lines = self.end_row();
        let rest = lines.split_off(1);
        for line in rest.into_iter().rev() {
            self.again.push_front(line);
        }
        (lines, Row::Unfinished)
    }

    /// Reads a further line of the row.
    fn read_line(&mut self, line: &Line) -> Row {
        let bytes = if line.number == 1 { without_mark(line.content()) } else { line.content() };
        let text = match self.characters.read(bytes) {
            Ok(text) => text,
            Err(unreadable) => return Row::Unreadable(unreadable),
        };
        // The last line of a file may lack its line end; it ends the row all the same.
        let is_end = self.cells.feed(text.as_bytes()) || self.cells.feed(b"\n");
        if is_end { Row::Cells(self.cells.texts()) } else { Row::Unfinished }
    }
}

/// The cells of one row, read line by line.
struct Cells {
    reader: Box<Reader>,
    text: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    count: usize,
}

impl Cells {
    fn new(delimiter: u8) -> Self {
        let reader =
            Box::new(ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build());
        Self { reader, text: Vec::new(), ends: Vec::new(), written: 0, count: 0 }
    }

    /// Reads on; whether the row has ended.
    fn feed(&mut self, mut input: &[u8]) -> bool {
        while !input.is_empty() {
            // Room for all of the input: unquoting never makes text longer.
            self.text.resize(self.written + input.len() + 16, 0);
            self.ends.resize(self.count + input.len() + 16, 0);
            let (text, ends) = (&mut self.text[self.written..], &mut self.ends[self.count..]);
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            input = &input[read..];
            self.written += written;
            self.count += ended;
            if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                return true;
            }
        }
        false
    }

    fn texts(&self) -> Vec<String> {
        let mut start = 0;
        let ends = self.ends[..self.count].iter();
        ends.map(|&end| {
            // What went in was text, and cells end at ASCII characters.
            let cell = String::from_utf8_lossy(&self.text[start..end]).into_owned();
            start = end;
            cell
        })
        .collect()
    }
}
