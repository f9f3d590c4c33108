//! Wires the rooms into a running process.
//!
//! **Does:** configuration, secrets, logging, health, service manager; starts and stops the tasks
//! of the other rooms. **Promises:** a start that cannot work fails with one clear line before
//! anything is touched. **Leaves to others:** all decisions about complaints.

mod admin;
mod ahead;
pub mod backtest;
pub mod config;
pub mod core;
pub mod faults;
pub mod health;
pub mod ledger;
pub mod logging;
pub mod pipeline;
pub mod poll;
pub mod probes;
pub mod reload;
pub mod replay;
pub mod secrets;
pub mod serve;
pub mod sinks;
pub mod standing;
pub mod stats;
pub mod suggest;
pub mod systemd;
pub mod trial;
