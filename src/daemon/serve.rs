//! The daemon: starts every part, watches them, and stops them in order and in bounded time.
//!
//! Starting fails with one clear line before anything is promised; stopping goes along the way of
//! an event: sources first, then the pipeline with what they have handed over, then delivery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::console;
use crate::deliver::{Deliver, Gate, Sink, Wake};
use crate::model::{PartitionKey, Positions};
use crate::source::decode::Decoder;
use crate::source::file::FileSource;
use crate::source::http::{Availability, HttpSource};
use crate::source::{Holdings, Intake, Source, intake};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::telemetry::daemon::RulesInUse;

use super::config::Settings;
use super::health::{Health, State};
use super::pipeline::{NoProbe, Pipeline, PipelineParts, Stop};
use super::reload::{Ask, Reload, Reloader, Start};
use super::standing::Board;
use super::{admin, core, poll, probes, secrets, sinks, systemd};

/// How often the parts are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Runs until `shutdown` is cancelled or a part cannot go on.
///
/// # Errors
/// When the daemon cannot start, or a part has failed for good.
pub fn run(settings: &Settings, shutdown: &CancellationToken) -> anyhow::Result<()> {
    run_with(settings, Vec::new(), shutdown)
}

/// [`run`] with sources besides the configured ones; the daemon goes on when they end.
///
/// # Errors
/// See [`run`].
pub fn run_with(
    settings: &Settings,
    extra: Vec<Box<dyn Source>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    Daemon::start(settings, extra, None, shutdown)?.watch(shutdown)
}

/// [`run`], reading configuration and rules again when that is asked for.
///
/// # Errors
/// See [`run`].
pub fn run_reloadable(
    settings: &Settings,
    reload: Reload,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    Daemon::start(settings, Vec::new(), Some(reload), shutdown)?.watch(shutdown)
}

/// A running daemon.
struct Daemon {
    health: Health,
    parts: Vec<Part>,
    delivery: Delivery,
    reloader: Option<Reloader>,
    patience: Duration,
    runtime: tokio::runtime::Runtime,
}

/// The outbox worker, which stops last: what the last batch raised still goes out.
struct Delivery {
    wake: Wake,
    stop: CancellationToken,
    /// How long it may go on after everything else has stopped.
    grace: Duration,
    /// `None` when there is nobody to deliver to.
    working: Option<tokio::task::JoinHandle<()>>,
}

impl Delivery {
    /// Sends what is due and can be sent within the grace, then ends.
    fn end(self, runtime: &tokio::runtime::Runtime) {
        self.stop.cancel();
        let Some(working) = self.working else { return };
        // The worker keeps to its grace itself; the rest is for the store to take note.
        let limit = self.grace + Duration::from_secs(1);
        match runtime.block_on(async { tokio::time::timeout(limit, working).await }) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(part = "deliver", %error, "ended with an error"),
            Err(_) => {
                tracing::warn!(
                    part = "deliver",
                    "has not ended in time; the next start goes on where it was"
                );
            }
        }
    }
}

/// A part on a thread of its own.
struct Part {
    name: &'static str,
    /// Whether the daemon ends when this part does.
    is_vital: bool,
    ended: Receiver<anyhow::Result<()>>,
}

impl Part {
    fn spawn(
        name: &'static str,
        is_vital: bool,
        work: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (tell, ended) = channel();
        let run = move || {
            // When nobody listens any more, the process is ending.
            let _ = tell.send(work());
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name, is_vital, ended })
    }
}

impl Daemon {
    fn start(
        settings: &Settings,
        extra: Vec<Box<dyn Source>>,
        reload: Option<Reload>,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let config = &settings.config;
        let health = Health::new();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.store)?);
        let caller = &config.caller;
        let key =
            secrets::caller_key(caller.key_file.as_deref(), caller.key_env.as_deref(), &settings.data_dir)?;
        if let Some(path) = &key.made {
            tracing::info!(path = %path.display(), "made a key to tell callers apart; keep it with the data");
        }
        let engine = Arc::new(config.engine.clone());
        engine.validate()?;
        let knowledge = core::knowledge(&config.rules, &engine)?;
        let board = Board::new(&knowledge.pack, &config.rules, Timestamp::now());
        RulesInUse { pack: knowledge.pack.hash() }.emit();
        let preparer = core::preparer(knowledge.clone(), &key.key)?;
        let decoder = Decoder::new(config.decode.clone())?;
        rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads.get())
            .thread_name(|number| format!("prepare-{number}"))
            .build_global()
            .context("starting the threads that prepare complaints")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fenghuo")
            .enable_all()
            .build()
            .context("starting the runtime")?;

        let holdings = Holdings::default();
        let (intake, outlet) =
            intake(config.intake.queue_records as usize, config.intake.queue_mib as usize * 1024 * 1024);
        let asks = reload.as_ref().map(|reload| reload.asks.clone());
        let mut sources = sources(settings, &health, &store, &holdings, (&board, asks))?;
        sources.extend(extra.into_iter().map(|source| (source, false)));

        let (open, gates) = (sinks::open(config)?, sinks::gates(config)?);
        let sinks: Vec<String> = open.iter().map(|sink| sink.name().to_owned()).collect();
        let delivery = deliver(settings, open, gates, &health, &store, &runtime);
        let wake = delivery.wake.clone();
        runtime.spawn(poll::run(Arc::clone(&store), sinks.clone(), shutdown.clone()));
        let parts = PipelineParts {
            store,
            decoder,
            preparer,
            config: Arc::clone(&engine),
            sinks,
            holdings,
            batch: config.intake.batch_records as usize,
            wake: Box::new(move || wake.wake()),
            now: Box::new(Timestamp::now),
            probe: Arc::new(NoProbe),
        };
        let pipeline = Pipeline::new(parts, health.register("pipeline"), shutdown.clone());
        let start = Start { renewal: pipeline.renewal(), caller_key: key.key, engine, knowledge, board };
        let reloader = reload.map(|reload| Reloader::new(reload, start, &health, config)).transpose()?;
        let handle = runtime.handle().clone();
        let mut threads = Vec::new();
        threads.push(Part::spawn("pipeline", true, move || match pipeline.run(outlet, &handle) {
            Ok(()) | Err(Stop::Shutdown) => Ok(()),
            Err(stop) => Err(stop.into()),
        })?);
        for (source, is_vital) in sources {
            let (intake, shutdown): (Intake, _) = (intake.clone(), shutdown.clone());
            threads.push(Part::spawn(source.name(), is_vital, move || source.run(intake, shutdown))?);
        }
        let patience = Duration::from_secs(config.shutdown_seconds.into());
        Ok(Self { health, parts: threads, delivery, reloader, patience, runtime })
    }

    /// Waits a moment. A reload that is asked for ends it; one that comes before the daemon is ready
    /// waits until then, so that the service manager hears of both in order.
    fn wait(&mut self, shutdown: &CancellationToken, is_ready: bool) {
        match self.reloader.as_mut().filter(|_| is_ready) {
            Some(reloader) => reloader.wait(LOOK, shutdown),
            None => thread::sleep(LOOK),
        }
    }

    /// Waits until shutdown is asked for or a vital part ends, then until all parts have ended or
    /// patience has.
    fn watch(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let mut is_told_ready = false;
        let mut failed = None;
        self.runtime.spawn(systemd::watch(self.health.clone(), shutdown.clone()));
        while !shutdown.is_cancelled() && failed.is_none() {
            let report = self.health.report(Instant::now());
            if report.ready && !is_told_ready {
                systemd::ready(&report);
                is_told_ready = true;
            }
            self.wait(shutdown, is_told_ready);
            if shutdown.is_cancelled() {
                // Parts that end now do as they are told.
                break;
            }
            self.parts.retain(|part| match part.ended.try_recv() {
                Err(std::sync::mpsc::TryRecvError::Empty) => true,
                Ok(Ok(())) if !part.is_vital => false,
                Ok(Ok(())) => {
                    failed = Some(anyhow::anyhow!("{} has ended", part.name));
                    false
                }
                Ok(Err(error)) => {
                    failed = Some(error.context(part.name));
                    false
                }
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    failed = Some(anyhow::anyhow!("{} has panicked; see the log above", part.name));
                    false
                }
            });
            if self.delivery.working.as_ref().is_some_and(tokio::task::JoinHandle::is_finished) {
                failed = Some(anyhow::anyhow!("deliver has panicked; see the log above"));
            }
        }
        systemd::stopping();
        // The sources stop first; when the last of them is gone, the pipeline has taken in what
        // they handed over and ends.
        shutdown.cancel();
        let end = Instant::now() + self.patience.saturating_sub(self.delivery.grace);
        for part in &self.parts {
            match part.ended.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(part = part.name, error = format!("{error:#}"), "ended with an error");
                }
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!(
                        part = part.name,
                        "has not ended in time; the next start goes on where it was"
                    );
                }
                Err(RecvTimeoutError::Disconnected) => tracing::error!(part = part.name, "has panicked"),
            }
        }
        self.delivery.end(&self.runtime);
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        failed.map_or(Ok(()), Err)
    }
}

/// Builds the sources; ports are open and settings checked when this returns.
fn sources(
    settings: &Settings,
    health: &Health,
    store: &Arc<dyn Store>,
    holdings: &Holdings,
    (board, asks): (&Board, Option<Sender<Ask>>),
) -> anyhow::Result<Vec<(Box<dyn Source>, bool)>> {
    let config = &settings.config;
    let mut sources: Vec<(Box<dyn Source>, bool)> = Vec::new();
    let watched = health.clone();
    let availability: Availability =
        Arc::new(move || match watched.report(Instant::now()).parts.get("pipeline") {
            Some(State::Ok | State::Degraded(_)) => Ok(()),
            Some(state @ (State::Starting | State::Failed(_))) => Err(state.to_string()),
            None => Err("the daemon is stopping".to_owned()),
        });
    let mut extra = probes::router(health.clone());
    // Complaints are people's words: who may read them from elsewhere is for a proxy with logins in
    // front of this machine to say.
    if config.http.address().is_ok_and(|address| address.ip().is_loopback()) {
        let rules = board.clone();
        extra = extra.merge(console::router(Arc::new(Arc::clone(store)), Arc::new(move || rules.shown())));
    } else {
        tracing::info!("the console is off, since it is served on loopback addresses only");
    }
    let http = HttpSource::bind(config.http.clone(), PartitionKey::from("main"), availability, extra)?
        .guard(admin::router(board.clone(), asks, Arc::clone(store)));
    sources.push((Box::new(http), true));
    if let Some(file) = &config.file {
        let positions: Arc<dyn Positions> = store.clone();
        let source = FileSource::new(file.clone(), positions, holdings.clone())?;
        source.look()?;
        // At the end of the files the daemon goes on with its other sources.
        sources.push((Box::new(source), false));
    }
    #[cfg(feature = "kafka")]
    if let Some(kafka) = &config.kafka {
        let positions: Arc<dyn Positions> = store.clone();
        let source = crate::source::kafka::KafkaSource::new(kafka.clone(), positions, holdings.clone())?;
        watch_kafka(health, source.health())?;
        sources.push((Box::new(source), true));
    }
    Ok(sources)
}

/// Carries what the Kafka source says of itself to the health board.
#[cfg(feature = "kafka")]
fn watch_kafka(health: &Health, kafka: crate::source::kafka::KafkaHealth) -> anyhow::Result<()> {
    let reporter = health.register("kafka");
    let look = move || {
        loop {
            match kafka.ready() {
                Ok(()) => reporter.ok(),
                Err(reason) => reporter.failed(reason.to_string()),
            }
            thread::sleep(LOOK);
        }
    };
    thread::Builder::new().name("kafka-health".into()).spawn(look).context("starting kafka-health")?;
    Ok(())
}

/// Starts the outbox worker.
fn deliver(
    settings: &Settings,
    sinks: Vec<Arc<dyn Sink>>,
    gates: BTreeMap<String, Gate>,
    health: &Health,
    store: &Arc<dyn Store>,
    runtime: &tokio::runtime::Runtime,
) -> Delivery {
    let has_sinks = !sinks.is_empty();
    // Leases in the outbox tell processes apart, also when a process number is used again.
    let owner = format!("{}-{}", std::process::id(), Timestamp::now().as_nanosecond());
    let worker = Deliver::new(Arc::clone(store), sinks, Arc::new(Timestamp::now), owner).with_gates(gates);
    let (wake, stop) = (worker.wake(), CancellationToken::new());
    let mut states = worker.status();
    let reporter = health.register("deliver");
    reporter.ok();
    let is_wanted = stop.clone();
    runtime.spawn(async move {
        while states.changed().await.is_ok() {
            match crate::deliver::problem(&states.borrow_and_update()) {
                None => reporter.ok(),
                Some(problem) => reporter.degraded(problem),
            }
        }
        if !has_sinks || is_wanted.is_cancelled() {
            reporter.done();
        }
    });
    // A third of the time for stopping: enough for what the last batch raised, and a receiver that
    // does not answer cannot take it from the sources and the pipeline.
    let grace = Duration::from_secs(settings.config.shutdown_seconds.into()) / 3;
    let working = runtime.spawn(worker.run(stop.clone(), grace));
    Delivery { wake, stop, grace, working: has_sinks.then_some(working) }
}
