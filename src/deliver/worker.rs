//! Takes due rows from the outbox and sends them, one task for each sink.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::{Clock, Gate, Sink, SinkState};
use crate::store::Store;
use crate::telemetry::deliver::{OutboxFailed, SinkOpened, SinkUnknown};

/// The outbox worker. [`Deliver::run`] works until it is told to stop.
pub struct Deliver {
    store: Arc<dyn Store>,
    sinks: Vec<Arc<dyn Sink>>,
    clock: Clock,
    owner: String,
    wake: Wake,
    states: watch::Sender<BTreeMap<String, SinkState>>,
    gates: BTreeMap<String, Gate>,
}

/// Tells the worker that a commit has put something into the outbox. Cheap to clone; may be called
/// from any thread. Without it, the worker looks every half minute.
#[derive(Debug, Clone)]
pub struct Wake(watch::Sender<u64>);

impl Wake {
    /// Looks for due rows now.
    pub fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl std::fmt::Debug for Deliver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sinks: Vec<&str> = self.sinks.iter().map(|sink| sink.name()).collect();
        f.debug_struct("Deliver").field("owner", &self.owner).field("sinks", &sinks).finish_non_exhaustive()
    }
}

impl Deliver {
    /// A worker for `sinks`. `owner` names this process in leases; two processes on one store must
    /// have different ones.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, sinks: Vec<Arc<dyn Sink>>, clock: Clock, owner: String) -> Self {
        let states = sinks.iter().map(|sink| (sink.name().to_owned(), SinkState::Ok)).collect();
        let (wake, states) = (Wake(watch::Sender::new(0)), watch::Sender::new(states));
        Self { store, sinks, clock, owner, wake, states, gates: BTreeMap::new() }
    }

    /// Puts gates before sinks, by the sinks' names; the others get everything.
    #[must_use]
    pub fn with_gates(mut self, gates: BTreeMap<String, Gate>) -> Self {
        self.gates = gates;
        self
    }

    /// The way to wake it.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// How each sink is doing, by name; changes can be waited for. [`super::problem`] makes a line
    /// for people of it.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<BTreeMap<String, SinkState>> {
        self.states.subscribe()
    }

    /// Delivers until `shutdown` is cancelled. What is due then, and needs no waiting, still goes
    /// out within `grace`; rows whose attempt did not end are given back and sent again at the next
    /// start.
    pub async fn run(mut self, shutdown: CancellationToken, grace: std::time::Duration) {
        self.tell_of_unknown_sinks().await;
        let states = Arc::new(self.states);
        let mut lines = JoinSet::new();
        for sink in self.sinks {
            SinkOpened { sink: sink.name() }.emit();
            let line = Line::new(
                Arc::clone(&self.store),
                self.gates.remove(sink.name()),
                sink,
                Arc::clone(&self.clock),
                self.owner.clone(),
                Arc::clone(&states),
                shutdown.clone(),
            );
            lines.spawn(line.run(self.wake.0.subscribe(), grace));
        }
        // A panic in a line is a defect of ours; passing it on lets the daemon see it and end, with
        // everything undelivered safe in the outbox.
        while let Some(ended) = lines.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }

    // Whatever waits under a name that nobody delivers to would otherwise wait unseen for ever.
    async fn tell_of_unknown_sinks(&self) {
        let store = Arc::clone(&self.store);
        let depths = tokio::task::spawn_blocking(move || store.outbox_depths()).await;
        let error = match depths {
            Ok(Ok(depths)) => {
                for depth in depths {
                    if !self.sinks.iter().any(|sink| sink.name() == depth.sink) {
                        SinkUnknown { sink: &depth.sink, pending: depth.pending }.emit();
                    }
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        OutboxFailed { sink: "", what: "looking at what waits", error: &error }.emit();
    }
}
