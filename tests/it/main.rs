//! Integration tests: everything they need runs on loopback and ends with them.

#[cfg(feature = "kafka")]
mod kafka;
mod support;
