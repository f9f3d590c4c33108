//! Which file this is: so that a stored position is never applied to another one.
//!
//! A path says little: exports are overwritten, logs are rotated. So the name of a source partition
//! is `file:PATH#DIGEST`, and a position belongs to that name.
//!
//! * A file that is read to its end and left is known by all of its bytes. If anything in it has
//!   changed, it is read from its beginning; what was seen before is dropped by its id.
//! * A file that is followed grows, so it is known by its beginning: the first line of an NDJSON
//!   file, the header and the first row of a CSV file. A stored position must also lie within the
//!   file and just after a line end; if it does not, the file was written anew with the same
//!   beginning, and goes by the next generation: `file:PATH#DIGEST.2`.
//!
//! The inode is only looked at to notice a rotation while following. It is not part of the name:
//! copying or restoring a file changes it, and a new file may get the inode of an old one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::Position;
use crate::model::Positions;

use super::Format;
use super::open::{HEAD, head};

/// A digest of a file or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest(String);

impl Digest {
    fn of(hash: Sha256) -> Self {
        let bytes: [u8; 32] = hash.finalize().into();
        Self(format!("{:016x}", u64::from_be_bytes(std::array::from_fn(|at| bytes[at]))))
    }

    /// Of the whole file.
    pub(super) fn whole(file: &File) -> std::io::Result<Self> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Self::of(hash)),
                Ok(read) => hash.update(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Of the beginning of a file that grows; `None` while there is too little of it.
    pub(super) fn beginning(file: &File, form: Format) -> std::io::Result<Option<Self>> {
        let lines = if form == Format::Ndjson { 1 } else { 2 };
        let head = head(file)?;
        let mut ends = head.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at + 1);
        let end = match ends.nth(lines - 1) {
            Some(end) => end,
            None if head.len() == HEAD => HEAD,
            None => return Ok(None),
        };
        let mut hash = Sha256::new();
        hash.update(&head[..end]);
        Ok(Some(Self::of(hash)))
    }
}

/// The name of a source partition.
pub(super) fn source_name(path: &Path, digest: &Digest) -> String {
    // A path that cannot be made absolute (the working folder is gone) still names the file.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("file:{}#{}", path.display(), digest.0)
}

/// The generation of a growing file to read, and where its reading was left: the last one of which
/// a position is stored, if that can be right, else the next. `taken` are names that this process
/// has already read to their end.
pub(super) fn generation(
    name: &str,
    file: &File,
    positions: &dyn Positions,
    taken: &BTreeSet<String>,
) -> anyhow::Result<(String, Option<Position>)> {
    let mut known = None;
    let mut number = 0;
    loop {
        number += 1;
        let candidate = if number == 1 { name.to_owned() } else { format!("{name}.{number}") };
        if taken.contains(&candidate) {
            known = None;
            continue;
        }
        match positions.position(&candidate)? {
            Some(position) => known = is_line_end(file, position)?.then_some((candidate, Some(position))),
            None => return Ok(known.unwrap_or((candidate, None))),
        }
    }
}

/// Whether a stored position can be one of this file.
fn is_line_end(file: &File, position: Position) -> std::io::Result<bool> {
    let Ok(offset) = u64::try_from(position.0) else { return Ok(false) };
    let Some(before) = offset.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, before)? == 1 && byte[0] == b'\n')
}
