//! The checks before the group is joined: settings that cannot work are one clear line and the end;
//! a broker that is away is waited for.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::IsError;
use tokio_util::sync::CancellationToken;

use crate::telemetry::kafka as happening;

use super::faults::{Fault, explain};
use super::rebalance::{GroupContext, Shared};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long one attempt may take.
const ASK: Duration = Duration::from_secs(5);

/// Waits until the topic can be seen. Returns whether it can; `false` when `shutdown` came first.
///
/// # Errors
/// When the settings cannot work: one line with the remedy.
pub(super) fn check(
    consumer: &BaseConsumer<GroupContext>,
    shared: &Shared,
    shutdown: &CancellationToken,
) -> anyhow::Result<bool> {
    let topic = shared.config.topic.as_str();
    let mut pause = FIRST_PAUSE;
    loop {
        if shutdown.is_cancelled() {
            return Ok(false);
        }
        let Some(fault) = attempt(consumer, shared, shutdown) else {
            shared.health.contact();
            return Ok(true);
        };
        if fault.lasting {
            anyhow::bail!("{}", fault.message);
        }
        happening::StartDelayed { topic, message: &fault.message, retry_in: pause }.emit();
        shared.health.facts().fault = Some(fault.message);
        let end = Instant::now() + pause;
        while Instant::now() < end && !shutdown.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What stands in the way, the most telling first.
fn attempt(
    consumer: &BaseConsumer<GroupContext>,
    shared: &Shared,
    shutdown: &CancellationToken,
) -> Option<Fault> {
    let topic = shared.config.topic.as_str();
    let end = Instant::now() + ASK;
    let mut seen: Vec<Fault> = Vec::new();
    loop {
        // Short questions, so that a refused login is told at once and not after the whole time.
        let answer = consumer.fetch_metadata(Some(topic), Duration::from_millis(500));
        // Serves the client's errors; there are no records before the group is joined.
        while consumer.poll(Duration::ZERO).is_some() {}
        seen.extend(shared.take_faults());
        match answer {
            Ok(metadata) => {
                let found = metadata.topics().iter().find(|found| found.name() == topic)?;
                let error = found.error().filter(IsError::is_error)?;
                return Some(explain(error.into(), "", &shared.config));
            }
            Err(error) => {
                let lasting = seen.iter().position(|fault| fault.lasting);
                if let Some(lasting) = lasting {
                    return Some(seen.swap_remove(lasting));
                }
                if Instant::now() < end && !shutdown.is_cancelled() {
                    continue;
                }
                let named = seen.iter().position(|fault| fault.kind != "connection").unwrap_or(0);
                if named < seen.len() {
                    return Some(seen.swap_remove(named));
                }
                let code = error.rdkafka_error_code()?;
                return Some(explain(code, "", &shared.config));
            }
        }
    }
}
