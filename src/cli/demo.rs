//! `fenghuo demo`: everything at once, on a generated stream.

use std::net::SocketAddr;
use std::path::PathBuf;

use std::io::Write as _;
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

use crate::daemon::config::{Config, Loaded, Settings};
use crate::daemon::serve;
use crate::deliver::receiver::{self, Event, ReceiverConfig};
use crate::deliver::{SigningSecret, WebhookConfig, render_alert};
use crate::generate::{GenerateConfig, Generator};
use crate::model::{Alert, AlertKind, AlertState, PartitionKey};
use crate::source::{Intake, Lease, Record, Source};

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo demo
  fenghuo demo --complaints 20000 --seed 7
  fenghuo demo --once --data-dir ./demo-data";

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

    /// Folder to keep the data in; without it, one that is removed at the end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// End when the stream is over instead of staying open until Ctrl-C
    #[arg(long)]
    pub once: bool,
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
    let temporary = TemporaryFolder::new(args.data_dir.is_none())?;
    let folder = args.data_dir.clone().unwrap_or_else(|| temporary.path.clone());
    let shutdown = CancellationToken::new();
    super::run::stop_on_signals(shutdown.clone())?;

    let told: Arc<Mutex<Told>> = Arc::default();
    let receiver = start_receiver(Arc::clone(&told), context.clone(), shutdown.clone())?;
    let settings = settings(loaded, args, &folder, &receiver)?;
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
    let ending = watch_end(
        args.once,
        Arc::clone(&played),
        Arc::clone(&told),
        shutdown.clone(),
        Report {
            context: context.clone(),
            address: args.listen,
            folder: folder.clone(),
            is_temporary: args.data_dir.is_none(),
            started,
        },
    )?;
    let result = serve::run_with(&settings, vec![Box::new(source)], &shutdown);
    shutdown.cancel();
    // The watcher ends with the token; what it could not print is said by the result.
    let _ = ending.join();
    result.map(|()| Exit::Ok)
}

/// A folder that is removed at the end.
struct TemporaryFolder {
    path: PathBuf,
    is_ours: bool,
}

impl TemporaryFolder {
    fn new(is_wanted: bool) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("fenghuo-demo-{}", std::process::id()));
        if is_wanted {
            std::fs::create_dir_all(&path)
                .with_context(|| format!("{}: cannot make this folder", path.display()))?;
        }
        Ok(Self { path, is_ours: is_wanted })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if self.is_ours {
            // Left behind, it is in the way of nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
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

fn settings(
    loaded: Loaded<Config>,
    args: &DemoArgs,
    folder: &std::path::Path,
    receiver: &DemoReceiver,
) -> anyhow::Result<Settings> {
    let secret_file = folder.join("demo-webhook.secret");
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot make this folder", folder.display()))
        .or_exit(Exit::Store)?;
    write_secret(&secret_file, &receiver.secret)
        .with_context(|| format!("{}: cannot be written", secret_file.display()))
        .or_exit(Exit::Store)?;
    let mut loaded = loaded;
    loaded.config.store.path = folder.to_path_buf();
    loaded.config.http.listen = args.listen.to_string();
    loaded.config.webhook = Some(WebhookConfig {
        url: receiver.url.clone(),
        secret_file: Some(secret_file),
        ..WebhookConfig::default()
    });
    Ok(Settings::new(&loaded)?)
}

fn write_secret(path: &std::path::Path, secret: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())
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

/// What the last screen needs.
struct Report {
    context: Context,
    address: SocketAddr,
    folder: PathBuf,
    is_temporary: bool,
    started: Instant,
}

/// Says what happened once the stream is over and the alerts have come in.
fn watch_end(
    once: bool,
    played: Arc<Played>,
    told: Arc<Mutex<Told>>,
    shutdown: CancellationToken,
    report: Report,
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
                let told = told.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = report.print(&told, played.events.load(Ordering::Relaxed), once);
                if once {
                    shutdown.cancel();
                }
                return;
            }
        }
    };
    Ok(thread::Builder::new().name("demo-end".into()).spawn(watch)?)
}

impl Report {
    fn print(&self, told: &Told, events: u64, once: bool) -> std::io::Result<()> {
        let Told { raised, grown, resolved, risks, largest, .. } = told;
        let mut out = self.context.out();
        let seconds = self.started.elapsed().as_secs();
        writeln!(out, "────────────────────────────────────────────────────────────────────────")?;
        writeln!(out, "{events} events played in {seconds} s.")?;
        writeln!(out, "{raised} group incidents (群诉) and {risks} financial risks (金融风险) raised;")?;
        writeln!(out, "{grown} told again as they grew, {resolved} resolved after a quiet time.")?;
        writeln!(out, "\nEach alert came once, signed, through the outbox. Try next:")?;
        if !once {
            writeln!(
                out,
                "  http://{}/                      every alert with its explanation",
                self.address
            )?;
            writeln!(out, "  http://{}/metrics and /readyz   how the daemon is doing", self.address)?;
            let body = r#"{"id":"my-1","received_at":"2026-03-07T12:00:00+08:00","text":"楼下饭店油烟大"}"#;
            writeln!(
                out,
                "  curl -H 'content-type: application/json' -d '{body}' \\\n       http://{}/v1/complaints",
                self.address
            )?;
        }
        if let Some((_, id)) = largest {
            let folder = self.folder.display();
            writeln!(out, "  fenghuo explain {id} --data-dir {folder}")?;
        }
        writeln!(out, "  fenghuo replay --events yours.ndjson --out decided     on your own data")?;
        if !once {
            let removed = if self.is_temporary { "; the demo's data is then removed" } else { "" };
            writeln!(out, "\nCtrl-C ends it{removed}.")?;
        }
        out.flush()
    }
}
