//! Complaint events from files and stdin: NDJSON, and tables of work orders as CSV or XLSX.
//!
//! **Does:** reads lines and rows, makes an event of each row by its columns ([`ColumnsConfig`]),
//! and hands them over with the position after them; follows files that grow and are rotated.
//! **Promises:** a stored position is only ever applied to the file it was taken from (`identity`
//! says how a file is known); a line or row that is too long, unreadable or does not fit its header
//! becomes a record with the reason, and costs no other row; never more than one line and one
//! buffer is held (of a workbook, its one sheet). **Leaves to others:** saying what an event may be
//! ([`decode`](super::decode)), keeping positions (`store`).
//!
//! [`FileSource`] feeds the pipeline, [`records`] is the same reading as a plain iterator.

mod characters;
mod columns;
mod config;
mod follow;
mod headers;
mod identity;
mod lines;
mod ndjson;
mod open;
mod record;
mod sheet;
mod source;
mod table;
#[cfg(test)]
mod tests;

pub use config::{CallerColumns, ColumnsConfig, Encoding, FileConfig, FileConfigError, Format, PlaceColumns};
pub use record::RawRecord;
pub use source::{FileError, FileSource, Records, records};
