//! Integration tests: one binary, one module for each room or promise; everything they need runs on
//! loopback and ends with them.
#![expect(clippy::unwrap_used, clippy::cast_possible_wrap, reason = "a test that cannot go on should panic")]

mod care;
mod cli;
mod console;
mod daemon;
mod deliver;
mod deploy;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod licences;
mod pages;
mod rooms;
mod rules;
mod simulation;
mod support;
