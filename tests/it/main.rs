//! Integration tests: everything they need runs on loopback and ends with them.
#![expect(clippy::unwrap_used, clippy::cast_possible_wrap, reason = "a test that cannot go on should panic")]

#[cfg(feature = "kafka")]
mod kafka;
mod support;
//! Integration tests: one binary, a module for each room.

mod http;
