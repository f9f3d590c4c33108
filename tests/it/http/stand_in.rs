//! A server on a free port, and a pipeline that stands in for the real one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use axum::Router;
use axum::routing::get;
use fenghuo::model::{ContentHash, PartitionKey};
use fenghuo::source::decode::{DecodeConfig, Decoder};
use fenghuo::source::http::{Availability, HttpConfig, HttpSource};
use fenghuo::source::{Outcome, Outlet, Record, Source as _, intake};
use tokio_util::sync::CancellationToken;

/// What the pipeline that stands in does with records.
pub(super) enum Pipeline {
    /// Decodes, remembers and answers.
    Works,
    /// Takes them and never answers.
    Silent,
    /// Takes them and drops them unanswered, as a pipeline does that stops.
    Drops,
    /// Takes nothing; there is room for two.
    Stuck,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    shutdown: CancellationToken,
    pub(super) stalled: Arc<AtomicBool>,
    pub(super) taken: Arc<AtomicUsize>,
    source: Option<JoinHandle<anyhow::Result<()>>>,
    pipeline: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(kind: Pipeline, config: HttpConfig) -> Self {
        let config = HttpConfig { listen: "127.0.0.1:0".into(), ..config };
        let stalled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stalled);
        let availability: Availability = Arc::new(move || {
            if flag.load(Ordering::SeqCst) { Err("the disk is full; free some room".into()) } else { Ok(()) }
        });
        let extra = Router::new().route("/healthz", get(async || "ok"));
        let http = HttpSource::bind(config, PartitionKey::from("main"), availability, extra).unwrap();
        let address = http.local_addr();
        let shutdown = CancellationToken::new();
        let room = if matches!(kind, Pipeline::Stuck) { 2 } else { 64 };
        let (intake, outlet) = intake(room, 64 << 20);
        let stop = shutdown.clone();
        let source = spawn(move || Box::new(http).run(intake, stop));
        let stop = shutdown.clone();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let pipeline = spawn(move || run_pipeline(&kind, outlet, &stop, &count));
        Self { address, shutdown, stalled, taken, source: Some(source), pipeline: Some(pipeline) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/v1/complaints", self.address)
    }

    pub(super) async fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
        let request = reqwest::Client::new().post(self.url()).header("content-type", content_type);
        request.body(body).send().await.unwrap()
    }

    pub(super) fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(source) = self.source.take() {
            source.join().unwrap().unwrap();
        }
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::Builder::new().name("test".into()).spawn(run).unwrap()
}

fn run_pipeline(kind: &Pipeline, mut outlet: Outlet, stop: &CancellationToken, taken: &AtomicUsize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let mut stored = BTreeMap::new();
    let mut held = Vec::new();
    if matches!(kind, Pipeline::Stuck) {
        runtime.block_on(stop.cancelled());
    }
    while let Some(record) = runtime.block_on(outlet.recv()) {
        taken.fetch_add(1, Ordering::SeqCst);
        match kind {
            Pipeline::Works => work(&decoder, &mut stored, record),
            Pipeline::Silent => held.push(record),
            Pipeline::Drops | Pipeline::Stuck => drop(record),
        }
    }
}

fn work(decoder: &Decoder, stored: &mut BTreeMap<String, ContentHash>, record: Record) {
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let outcome = match decoder.decode(record.event().unwrap(), now) {
        Ok(event) => {
            let id = event.complaint.id;
            match stored.insert(id.to_string(), event.content) {
                None => Outcome::Accepted(id),
                Some(content) if content == event.content => Outcome::Repeated(id),
                Some(_) => Outcome::Updated(id),
            }
        }
        Err(error) => Outcome::DeadLetter(error.reason, error.detail.into()),
    };
    // A client that went away does not read its answer.
    let _ = record.reply.unwrap().send(outcome);
}
