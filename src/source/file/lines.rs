//! Lines with a limit, their place in the file, and an end that may move.

use std::io::{self, BufRead};

/// One line as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its bytes with its line end; at most the limit when it is too long.
    pub(super) bytes: Vec<u8>,
    /// The offset of its first byte.
    pub(super) start: u64,
    /// The offset of the byte after it.
    pub(super) end: u64,
    /// Counted from 1.
    pub(super) number: u64,
    /// How long it really is, when that is beyond the limit.
    pub(super) too_long: Option<u64>,
}

impl Line {
    /// The bytes without the line end.
    pub(super) fn content(&self) -> &[u8] {
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    pub(super) fn is_blank(&self) -> bool {
        self.too_long.is_none() && self.content().trim_ascii().is_empty()
    }
}

/// Whether the end of what can be read is the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is: a last line without a line end is a line.
    Final,
    /// More may come: a line without a line end is not finished.
    MayGrow,
}

/// Reads lines; can go on after an end that has moved. Never holds more than the limit and one
/// read buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
    // The line being read: its bytes up to the limit, and its length so far.
    partial: Vec<u8>,
    length: u64,
    offset: u64,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// `reader` stands at `offset`, at the beginning of line `number`.
    pub(super) fn new(reader: R, limit: usize, offset: u64, number: u64) -> Self {
        Self { reader, limit, partial: Vec::new(), length: 0, offset, number }
    }

    /// How many bytes have been read, the unfinished line included.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What the reader has at hand without moving on.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self, end: End) -> io::Result<Option<Line>> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                let is_line = end == End::Final && self.length > 0;
                return Ok(is_line.then(|| self.finish()));
            }
            let newline = buffer.iter().position(|&byte| byte == b'\n');
            let taken = newline.map_or(buffer.len(), |at| at + 1);
            let room = self.limit.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&buffer[..taken.min(room)]);
            self.reader.consume(taken);
            self.length += taken as u64;
            self.offset += taken as u64;
            if newline.is_some() {
                return Ok(Some(self.finish()));
            }
        }
    }

    fn finish(&mut self) -> Line {
        let bytes = std::mem::take(&mut self.partial);
        let length = std::mem::take(&mut self.length);
        let number = self.number;
        self.number += 1;
        let too_long = (length > bytes.len() as u64).then_some(length);
        Line { bytes, start: self.offset - length, end: self.offset, number, too_long }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, bytes), limit, 0, 1);
        std::iter::from_fn(|| lines.next(End::Final).unwrap()).collect()
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; 10_000];
        text.extend(b"\nshort\r\nlast");
        let lines = all(&text, 100, 64);
        assert_eq!(lines[0].bytes.len(), 100);
        assert_eq!(lines[0].too_long, Some(10_001));
        assert_eq!(lines[1].content(), b"short");
        assert_eq!((lines[2].content(), lines[2].number), (b"last".as_slice(), 3));
        assert_eq!(lines[2].end, text.len() as u64);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_text_whatever_the_buffer(
            text in "[ab\n\r]{0,60}", buffer in 1_usize..8,
        ) {
            let lines = all(text.as_bytes(), 1000, buffer);
            let expected: Vec<&str> = text.split_inclusive('\n').collect();
            prop_assert_eq!(lines.len(), expected.len());
            let mut end = 0;
            for (line, expected) in lines.iter().zip(expected) {
                end += expected.len() as u64;
                prop_assert_eq!(&line.bytes, expected.as_bytes());
                prop_assert_eq!(line.end, end);
            }
        }
    }
}
