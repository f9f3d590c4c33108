//! `fenghuo demo`: everything at once, on a generated stream.

mod report;
mod settings;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueHint};
use jiff::Timestamp;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::daemon::serve;
use crate::deliver::receiver::{self, Event, ReceiverConfig};
use crate::deliver::{SigningSecret, render_alert};
use crate::generate::{GenerateConfig, Generator};
use crate::model::{Alert, AlertKind, AlertState, PartitionKey};
use crate::source::{Intake, Lease, Record, Source};

use super::{Context, Exit};
use report::Report;
use settings::Folder;

const EXAMPLES: &str = "Examples:
  fenghuo demo
  fenghuo demo --complaints 20000 --seed 7
  fenghuo demo --once --data-dir ./demo-data

Of a configuration only rules, engine, decoding and threads are used: a demo touches no service.";

/// Arguments of `fenghuo demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// How many complaints to generate
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    pub complaints: u64,

    /// Seed of the generated stream; the same seed gives the same alerts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Complaints to play each second; 0 plays as fast as possible
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub speed: u32,

    /// Address and port of the HTTP side
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,

    /// Folder to keep the data in, of no service; without it, one that is removed at the end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// End when the stream is over instead of staying open until Ctrl-C
    #[arg(long)]
    pub once: bool,
}

impl DemoArgs {
    /// Whether only this machine reaches the HTTP side.
    fn is_local(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

/// An average day of the demo's district: what a large district really receives.
const DAYS: u32 = 7;
/// After the last complaint, alerts that are still on their way are waited for this long.
const QUIET: Duration = Duration::from_secs(2);

/// Plays a generated stream through the whole daemon: engine, store, outbox, webhook, receiver.
///
/// # Errors
/// When the port is taken or the data folder cannot be used.
pub fn run(args: &DemoArgs, context: &Context) -> anyhow::Result<Exit> {
    context.start_plain_logging()?;
    let loaded = context.config()?;
    let folder = Folder::open(args.data_dir.as_deref())?;
    let shutdown = CancellationToken::new();
    super::run::stop_on_signals(shutdown.clone())?;

    let told: Arc<Mutex<Told>> = Arc::default();
    let receiver = start_receiver(Arc::clone(&told), context.clone(), shutdown.clone())?;
    let settings = settings::settings(loaded, args, folder.path(), &receiver)?;
    let played = Arc::new(Played::default());
    let source = GeneratedSource {
        args: GenerateConfig { seed: args.seed, ..GenerateConfig::spread(args.complaints, DAYS) },
        speed: args.speed,
        played: Arc::clone(&played),
    };

    let mut out = context.out();
    writeln!(
        out,
        "fenghuo 烽火: a generated district's {} complaints of {DAYS} days, played fast.",
        args.complaints
    )?;
    writeln!(out, "Alerts go through store, outbox and signed webhook to a receiver, which prints them.\n")?;
    out.flush()?;
    drop(out);
    let started = Instant::now();
    let report = Report {
        program: report::program(),
        address: args.listen,
        takes_complaints: args.is_local(),
        folder: folder.path().to_path_buf(),
        is_temporary: folder.is_temporary(),
        once: args.once,
    };
    let show = {
        let (context, played, told) = (context.clone(), Arc::clone(&played), Arc::clone(&told));
        move || {
            let told = told.lock().unwrap_or_else(PoisonError::into_inner);
            let events = played.events.load(Ordering::Relaxed);
            report.write(&mut context.out(), &told, events, started.elapsed())
        }
    };
    let ending = watch_end(args.once, played, told, shutdown.clone(), show)?;
    let result = serve::run_with(&settings, vec![Box::new(source)], &shutdown);
    shutdown.cancel();
    // The watcher ends with the token; what it could not print is said by the result.
    let _ = ending.join();
    result.map(|()| Exit::Ok)
}

/// The address and secret file of the demo's own receiver.
struct DemoReceiver {
    url: String,
    secret: String,
}

fn start_receiver(
    told: Arc<Mutex<Told>>,
    context: Context,
    shutdown: CancellationToken,
) -> anyhow::Result<DemoReceiver> {
    let mut key = [0_u8; 32];
    rand::rng().fill(&mut key);
    let secret = format!("whsec_{}", BASE64_STANDARD.encode(key));
    let config = ReceiverConfig::new(SigningSecret::parse(&secret.clone().into())?, Arc::new(Timestamp::now));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("the demo's receiver cannot listen")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}/alerts", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let receive = move || {
        runtime.block_on(async move {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!(%error, "the demo's receiver cannot listen"),
            };
            let on_event = move |event| {
                if let Event::Accepted { payload, .. } = event {
                    print(&payload.alert, &told, &context);
                }
            };
            if let Err(error) = receiver::serve(listener, config, on_event, shutdown).await {
                tracing::error!(%error, "the demo's receiver has ended");
            }
        });
    };
    thread::Builder::new().name("demo-receiver".into()).spawn(receive)?;
    Ok(DemoReceiver { url, secret })
}

/// What the receiver has been told.
#[derive(Debug, Default)]
struct Told {
    raised: u64,
    grown: u64,
    resolved: u64,
    risks: u64,
    last: Option<Instant>,
    /// The largest group incident, to try `explain` on.
    largest: Option<(u32, String)>,
}

fn print(alert: &Alert, told: &Mutex<Told>, context: &Context) {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    told.last = Some(Instant::now());
    match (alert.kind, alert.state) {
        (AlertKind::FinancialRisk, AlertState::Raised) => told.risks += 1,
        (AlertKind::GroupIncident, AlertState::Raised) => told.raised += 1,
        (_, AlertState::Updated | AlertState::Reopened) => told.grown += 1,
        (_, AlertState::Resolved) => told.resolved += 1,
    }
    if alert.kind == AlertKind::GroupIncident
        && told.largest.as_ref().is_none_or(|(callers, _)| alert.callers > *callers)
    {
        told.largest = Some((alert.callers, alert.id.to_string()));
    }
    let mut out = context.out();
    // A terminal that went away must not stop the daemon.
    let _ = writeln!(out, "{}\n", render_alert(alert)).and_then(|()| out.flush());
}

/// How far the stream has been played.
#[derive(Debug, Default)]
struct Played {
    events: AtomicU64,
    is_over: AtomicBool,
}

/// Plays a generated stream at a given speed.
struct GeneratedSource {
    args: GenerateConfig,
    speed: u32,
    played: Arc<Played>,
}

impl Source for GeneratedSource {
    fn name(&self) -> &'static str {
        "generated"
    }

    fn run(self: Box<Self>, intake: Intake, shutdown: CancellationToken) -> anyhow::Result<()> {
        let started = Instant::now();
        let (partition, source, lease) =
            (PartitionKey::from("main"), Arc::from("generated"), Lease::default());
        for (index, event) in (1_u64..).zip(Generator::new(self.args)?) {
            let mut raw = Vec::new();
            event.write_json(&mut raw);
            let record = Record {
                partition: partition.clone(),
                source: Arc::clone(&source),
                next: None,
                at: format!("event {index}").into(),
                raw,
                event: Ok(None),
                reply: None,
                lease: lease.clone(),
            };
            if intake.send_blocking(record, &shutdown).is_err() {
                return Ok(());
            }
            self.played.events.store(index, Ordering::Relaxed);
            if self.speed > 0 {
                let due = started + Duration::from_secs_f64(index as f64 / f64::from(self.speed));
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
        self.played.is_over.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Shows what happened once the stream is over and the alerts have come in.
fn watch_end(
    once: bool,
    played: Arc<Played>,
    told: Arc<Mutex<Told>>,
    shutdown: CancellationToken,
    show: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> anyhow::Result<thread::JoinHandle<()>> {
    let watch = move || {
        let mut over = None;
        while !shutdown.is_cancelled() {
            thread::sleep(Duration::from_millis(100));
            if over.is_none() && played.is_over.load(Ordering::Relaxed) {
                over = Some(Instant::now());
            }
            let last = told.lock().unwrap_or_else(PoisonError::into_inner).last.max(over);
            if over.is_some() && last.is_some_and(|last| last.elapsed() > QUIET) {
                // A terminal that went away must not keep the daemon from its end.
                let _ = show();
                if once {
                    shutdown.cancel();
                }
                return;
            }
        }
    };
    Ok(thread::Builder::new().name("demo-end".into()).spawn(watch)?)
}
