//! What can be watched from outside: one struct per happening that logs and counts together.
//!
//! **Does:** declares every metric series and the log line that goes with it; renders `/metrics`.
//! **Promises:** the structs here are the complete metric reference; nothing else in the code
//! touches a metric. Secrets and personal data have no field to go into. **Leaves to others:**
//! deciding when something happens.
//!
//! A room's happenings live in the file that bears the room's name. To add one: declare its series
//! as a `LazyLock` static with `counter`, `gauge` or `histogram`, document the struct with
//! meaning, labels and the setting that moves it, and give it an `emit(self)`.

#[cfg(feature = "daemon")]
pub mod daemon;
pub mod deliver;
#[cfg(feature = "daemon")]
pub mod file;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod pipeline;
pub mod source;
pub mod store;

use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, TextEncoder};

/// Registers a counter. `name` ends in `_total`.
fn counter(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let series = IntCounterVec::new(Opts::new(name, help), labels).expect("a valid series name");
    prometheus::register(Box::new(series.clone())).expect("a series is declared once");
    series
}

/// Registers a gauge.
fn gauge(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let series = IntGaugeVec::new(Opts::new(name, help), labels).expect("a valid series name");
    prometheus::register(Box::new(series.clone())).expect("a series is declared once");
    series
}

/// Registers a histogram. `name` ends in its unit, for example `_seconds`.
fn histogram(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    let series = HistogramVec::new(options, labels).expect("a valid series name");
    prometheus::register(Box::new(series.clone())).expect("a series is declared once");
    series
}

/// All series in the Prometheus text format.
///
/// # Errors
/// When a series cannot be encoded, which would be a defect of ours.
pub fn render() -> Result<Vec<u8>, prometheus::Error> {
    let mut out = Vec::new();
    TextEncoder::new().encode(&prometheus::gather(), &mut out)?;
    Ok(out)
}
