//! fenghuo 烽火 watches a district's hotline complaints as they arrive, raises group incidents
//! (群诉) and financial risks, and explains every alert. `ARCHITECTURE.md` follows one event
//! through the rooms below.

#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod console;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod deliver;
pub mod engine;
pub mod entity;
pub mod eval;
pub mod generate;
pub mod group;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod model;
pub mod place;
pub mod rules;
pub mod source;
#[cfg(feature = "daemon")]
pub mod store;
#[cfg(feature = "daemon")]
pub mod telemetry;
pub mod text;
