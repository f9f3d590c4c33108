//! Complaint events from an Apache Kafka topic.
//!
//! **Does:** joins a consumer group, reads the partitions it is given and hands records over with
//! their offsets. **Promises:** reading starts where our own store says and nowhere else; a full
//! pipeline pauses reading but never polling; a partition is given back only after the batch in
//! work has ended (or a deadline passed, and then the store refuses what comes too late); nothing
//! is written for a partition that was lost. **Leaves to others:** keeping positions (`store`),
//! rebuilding engines when partitions come and go (see [the room's rules](super)).
//!
//! Who runs where: [`KafkaSource::run`](super::Source::run) polls on its own thread and all
//! callbacks of the group run inside its poll (`consumer`, `rebalance`); `lag` asks the brokers
//! how far the topic goes on a second thread and feeds [`KafkaHealth`].

mod client;
mod config;
mod consumer;
mod faults;
mod health;
mod lag;
mod preflight;
mod rebalance;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio_util::sync::CancellationToken;

use super::{Holdings, Intake, Source};
use crate::model::Positions;
use crate::telemetry::kafka as happening;
use rebalance::{GroupContext, Shared};

pub use crate::kafka::{KafkaConfigError, SaslMechanism, Security};
pub use config::{Grouping, KafkaConfig, Start};
pub use health::{KafkaHealth, NotReady};

/// Reads one topic as a member of a consumer group.
pub struct KafkaSource {
    shared: Arc<Shared>,
}

impl KafkaSource {
    /// Checks the settings; nothing is connected yet.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn new(
        config: KafkaConfig,
        positions: Arc<dyn Positions>,
        holdings: Holdings,
    ) -> Result<Self, KafkaConfigError> {
        config.client()?.create_native_config().map_err(crate::kafka::refused)?;
        Ok(Self { shared: Arc::new(Shared::new(config, positions, holdings)) })
    }

    /// How the source gets on, to be asked while it runs.
    #[must_use]
    pub fn health(&self) -> KafkaHealth {
        self.shared.health.clone()
    }

    fn read(&self, intake: Intake, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let consumer = Arc::new(consumer::connect(&self.shared)?);
        let (stop, stopped) = mpsc::channel();
        let mut watch = None;
        let result = (|| {
            if !preflight::check(&consumer, &self.shared, shutdown)? {
                return Ok(());
            }
            consumer.subscribe(&[&self.shared.config.topic])?;
            let look = lag::Watch::new(Arc::clone(&self.shared), Arc::clone(&consumer));
            let run = move || look.run(&stopped);
            let spawned = thread::Builder::new().name("kafka-watch".into()).spawn(run);
            watch = Some(spawned.context("the thread that watches Kafka cannot be started")?);
            consumer::PollLoop::new(Arc::clone(&consumer), Arc::clone(&self.shared), intake).run(shutdown)
        })();
        drop(stop);
        self.close(consumer, watch);
        result
    }

    /// Leaves the group on another thread, and goes on without it after `close_timeout_seconds`.
    fn close(&self, consumer: Arc<BaseConsumer<GroupContext>>, watch: Option<thread::JoinHandle<()>>) {
        let patience = Duration::from_secs(self.shared.config.close_timeout_seconds.into());
        // Part of the time is for waiting for batches, the rest for telling the group.
        self.shared.close_by(Instant::now() + patience * 3 / 4);
        let (done, closed) = mpsc::channel();
        let close = move || {
            if let Some(watch) = watch {
                // A panic there was reported by the panic hook; there is nothing left to save.
                let _ = watch.join();
            }
            // The last owner: this revokes what is held, leaves the group and waits for both.
            drop(consumer);
            let _ = done.send(());
        };
        let spawned = thread::Builder::new().name("kafka-close".into()).spawn(close);
        if spawned.is_err() || closed.recv_timeout(patience).is_err() {
            happening::CloseLate { topic: &self.shared.config.topic }.emit();
        }
        // Whatever the group was told or not: nothing may be published any more.
        for (_, held) in self.shared.board().iter() {
            held.lease.lose();
            self.shared.holdings.release(&held.source, &held.lease);
        }
    }
}

impl Source for KafkaSource {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn run(self: Box<Self>, intake: Intake, shutdown: CancellationToken) -> anyhow::Result<()> {
        let result = self.read(intake, &shutdown);
        self.shared.health.facts().ended = Some(match &result {
            Ok(()) => "it was stopped".into(),
            Err(error) => format!("{error:#}"),
        });
        result
    }
}
