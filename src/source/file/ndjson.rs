//! NDJSON: one event a line.

use std::io::{self, BufRead};

use crate::model::{DeadReason, Position};

use super::RawRecord;
use super::characters::{Characters, without_mark};
use super::lines::{End, Line, Lines};

/// Reads the events of an NDJSON file.
#[derive(Debug)]
pub(super) struct Ndjson<R> {
    pub(super) lines: Lines<R>,
    pub(super) characters: Characters,
}

impl<R: BufRead> Ndjson<R> {
    /// The next event; blank lines are passed over.
    pub(super) fn next(&mut self, end: End) -> io::Result<Option<RawRecord>> {
        while let Some(line) = self.lines.next(end)? {
            if !line.is_blank() {
                return Ok(Some(self.record(line)));
            }
        }
        Ok(None)
    }

    fn record(&self, line: Line) -> RawRecord {
        let content = if line.number == 1 { without_mark(line.content()) } else { line.content() };
        let event = match (line.too_long, self.characters) {
            (Some(length), _) => Err(too_long("line", length)),
            // Whether it is UTF-8 and JSON is for the decoder to say; here it is only carried on.
            (None, Characters::Utf8) if content.len() == line.content().len() => Ok(None),
            (None, Characters::Utf8) => Ok(Some(content.to_vec())),
            (None, characters) => match characters.read(content) {
                Ok(text) => Ok(Some(text.into_owned().into_bytes())),
                Err(unreadable) => {
                    Err((DeadReason::InvalidEncoding, format!("the line {}", unreadable.advice())))
                }
            },
        };
        RawRecord {
            number: line.number,
            at: format!("line {}", line.number).into(),
            next: position(line.end),
            raw: line.bytes,
            event,
        }
    }
}

pub(super) fn too_long(what: &str, length: u64) -> (DeadReason, String) {
    let detail = format!("the {what} has {length} bytes; raise file.max_line_bytes if that is meant");
    (DeadReason::TooLarge, detail)
}

/// Files of eight exabytes will not come.
pub(super) fn position(offset: u64) -> Position {
    Position(i64::try_from(offset).unwrap_or(i64::MAX))
}
