//! Lines of a file or of stdin, in batches of what is there, so that a slow pipe is not held back
//! until a batch is full.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Context as _;

use crate::cli::{Exit, OrExit as _};

/// The most bytes in one batch, unless a single line has more.
const BATCH_BYTES: usize = 1 << 20;

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Line {
    pub(in crate::cli) number: u64,
    pub(in crate::cli) bytes: Vec<u8>,
}

/// Reads lines on a thread of its own.
#[derive(Debug)]
pub(in crate::cli) struct Lines {
    name: String,
    receiver: Receiver<io::Result<Line>>,
    held: Option<Line>,
}

impl Lines {
    pub(in crate::cli) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        match path.filter(|path| path.as_os_str() != "-") {
            None => Self::of("stdin".into(), io::stdin()),
            Some(path) => {
                let name = path.display().to_string();
                let file =
                    File::open(path).with_context(|| format!("cannot read {name}")).or_exit(Exit::Input)?;
                Self::of(name, file)
            }
        }
    }

    pub(in crate::cli) fn of(name: String, input: impl Read + Send + 'static) -> anyhow::Result<Self> {
        let (sender, receiver) = sync_channel(1024);
        std::thread::Builder::new().name("read".into()).spawn(move || {
            let mut input = BufReader::new(input);
            for number in 1.. {
                let mut bytes = Vec::new();
                let read = input.read_until(b'\n', &mut bytes);
                while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                    bytes.pop();
                }
                let line = match read {
                    Ok(0) => return,
                    Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                    Ok(_) => Ok(Line { number, bytes }),
                    Err(error) => Err(error),
                };
                let is_end = line.is_err();
                if sender.send(line).is_err() || is_end {
                    return;
                }
            }
        })?;
        Ok(Self { name, receiver, held: None })
    }

    pub(in crate::cli) fn name(&self) -> &str {
        &self.name
    }

    /// The next lines that are there, at most `most`, waiting for one; `None` at the end.
    pub(in crate::cli) fn batch(&mut self, most: usize) -> io::Result<Option<Vec<Line>>> {
        let first = match self.held.take() {
            Some(line) => line,
            None => match self.receiver.recv() {
                Ok(line) => line?,
                Err(_) => return Ok(None),
            },
        };
        let mut bytes = first.bytes.len();
        let mut batch = vec![first];
        while batch.len() < most {
            let Ok(line) = self.receiver.try_recv() else { break };
            let line = line?;
            bytes += line.bytes.len() + 1;
            if bytes > BATCH_BYTES {
                self.held = Some(line);
                break;
            }
            batch.push(line);
        }
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: Vec<u8>, most: usize) -> Vec<Vec<Line>> {
        let mut lines = Lines::of("test".into(), io::Cursor::new(input)).unwrap();
        std::iter::from_fn(|| lines.batch(most).unwrap()).collect()
    }

    #[test]
    fn lines_keep_their_numbers_and_batches_their_bounds() {
        let batches = all(b"a\r\n\n  \nb\nc".to_vec(), 2);
        assert!(batches.iter().all(|batch| batch.len() <= 2));
        let lines: Vec<_> = batches.into_iter().flatten().map(|line| (line.number, line.bytes)).collect();
        assert_eq!(lines, [(1, b"a".to_vec()), (4, b"b".to_vec()), (5, b"c".to_vec())]);
    }

    #[test]
    fn a_large_line_goes_alone_and_nothing_is_lost() {
        let mut input = vec![b'x'; BATCH_BYTES + 10];
        input.extend_from_slice(b"\ny\n");
        let batches = all(input, 100);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    }
}
