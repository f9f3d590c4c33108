//! Looks at the store from time to time, for `/metrics`: how much is kept, how much waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::store::{OutboxDepth, Store, StoreError};
use crate::telemetry::store::{OutboxState, StoreState, StoreUnreadable};

/// How often: as often as it is usual to scrape.
const EVERY: Duration = Duration::from_secs(15);
/// Counting a large store takes its time; at most one part in so many is spent on it.
const SHARE: u32 = 20;

/// Looks now and then every 15 seconds, on a thread that may block, until `shutdown` is cancelled.
/// `sinks` are shown also while nothing waits for them.
pub async fn run(store: Arc<dyn Store>, sinks: Vec<String>, shutdown: CancellationToken) {
    let mut sinks: BTreeSet<String> = sinks.into_iter().collect();
    loop {
        let (asked, store) = (Instant::now(), Arc::clone(&store));
        let looking = tokio::task::spawn_blocking(move || {
            if let Err(error) = look(&*store, &mut sinks) {
                StoreUnreadable { error: &error }.emit();
            }
            sinks
        });
        sinks = match looking.await {
            Ok(sinks) => sinks,
            // A panic is a defect of ours, told by the panic itself; numbers are not worth an end.
            Err(_) => return,
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY.max(asked.elapsed() * SHARE)) => {}
        }
    }
}

fn look(store: &dyn Store, sinks: &mut BTreeSet<String>) -> Result<(), StoreError> {
    StoreState { counts: &store.counts()? }.emit();
    let depths = store.outbox_depths()?;
    sinks.extend(depths.iter().map(|depth| depth.sink.clone()));
    let now = Timestamp::now();
    for sink in sinks.iter() {
        let nothing = OutboxDepth { sink: sink.clone(), pending: 0, oldest: None };
        let depth = depths.iter().find(|depth| depth.sink == *sink).unwrap_or(&nothing);
        OutboxState { depth, now }.emit();
    }
    Ok(())
}
