//! One sink's line: what is due, what is under way, when to pause.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::sink::{Attempt, Sink};
use super::status::Follow;
use super::{Blame, Clock, Payload, SinkState, Verdict, webhook_id};
use crate::model::{DeadLetter, DeadReason};
use crate::store::{OutboxRow, Store, StoreError};
use crate::telemetry::deliver::{AlertAttempted, OutboxFailed, SinkStateChanged};

/// Looked at least so often, for commits of another process and clocks that were set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Rows that are due and cannot be had (leased to another process this moment) are not asked for
/// more often than this.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// A store that fails is asked again after this.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// A lease outlives the longest attempt by this, for the store to take note of its end.
const LEASE_MARGIN: Duration = Duration::from_secs(15);

/// One sink's part of the worker.
pub(super) struct Line {
    store: Arc<dyn Store>,
    sink: Arc<dyn Sink>,
    clock: Clock,
    owner: String,
    states: Arc<watch::Sender<BTreeMap<String, SinkState>>>,
    shutdown: CancellationToken,
    follow: Follow,
    shown: &'static str,
    /// Nothing is sent before this: the receiver is away, or asked to wait.
    pause_until: Option<Timestamp>,
    /// Failures in a row that were the sink's.
    sink_failures: u32,
    tasks: JoinSet<Ended>,
    under_way: Vec<(Id, Arc<OutboxRow>)>,
}

struct Ended {
    attempt: Attempt,
    took: Duration,
}

impl Line {
    pub(super) fn new(
        store: Arc<dyn Store>,
        sink: Arc<dyn Sink>,
        clock: Clock,
        owner: String,
        states: Arc<watch::Sender<BTreeMap<String, SinkState>>>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            store,
            sink,
            clock,
            owner,
            states,
            shutdown,
            follow: Follow::default(),
            shown: SinkState::Ok.as_str(),
            pause_until: None,
            sink_failures: 0,
            tasks: JoinSet::new(),
            under_way: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, mut wake: watch::Receiver<u64>, grace: Duration) {
        let shutdown = self.shutdown.clone();
        while !shutdown.is_cancelled() {
            // Taken note of before looking, so that a wake in between is not lost.
            wake.borrow_and_update();
            let sleep = self.start_due().await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(ended) = self.tasks.join_next_with_id() => self.settle(ended).await,
                _ = wake.changed() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
        self.drain(grace).await;
    }

    /// Starts what is due and has room; returns how long nothing new can be expected.
    async fn start_due(&mut self) -> Duration {
        let now = (self.clock)();
        if let Some(until) = self.pause_until.filter(|until| *until > now) {
            return between(now, until).min(LONGEST_SLEEP);
        }
        let room = self.sink.concurrency().saturating_sub(self.tasks.len());
        if room == 0 {
            return LONGEST_SLEEP;
        }
        let lease_until = after(now, self.sink.timeout() + LEASE_MARGIN);
        let (sink, owner) = (Arc::clone(&self.sink), self.owner.clone());
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let due = move |store: &dyn Store| {
            let rows = store.due(now, sink.name(), limit, &owner, lease_until)?;
            // With every slot taken, the end of an attempt is the next thing to happen.
            let next = if rows.len() < room { store.next_due(sink.name())? } else { None };
            Ok((rows, next))
        };
        let (rows, next) = match self.ask("taking due alerts", due).await {
            Ok(found) => found,
            Err(Failed) => return STORE_PAUSE,
        };
        for row in rows {
            self.start(Arc::new(row));
        }
        next.map_or(LONGEST_SLEEP, |next| between(now, next).clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
    }

    fn start(&mut self, row: Arc<OutboxRow>) {
        let (sink, clock, sent) = (Arc::clone(&self.sink), Arc::clone(&self.clock), Arc::clone(&row));
        let task = self.tasks.spawn(async move {
            let start = Instant::now();
            let attempt = sink.send(&sent.alert, clock()).await;
            Ended { attempt, took: start.elapsed() }
        });
        self.under_way.push((task.id(), row));
    }

    /// Writes down what came of an attempt.
    async fn settle(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, Ended { mut attempt, took }) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Ended { attempt: panicked(), took: Duration::ZERO }),
        };
        let Some(at) = self.under_way.iter().position(|(task, _)| *task == id) else { return };
        let (_, row) = self.under_way.swap_remove(at);
        let now = (self.clock)();
        self.note(&attempt, now);
        if let Some(limit) = self.sink.give_up_after()
            && matches!(attempt.verdict, Verdict::Retry { .. })
            && between(row.created_at, now) >= limit
        {
            attempt.verdict = Verdict::Refused;
            attempt.detail = format!("given up after {} h: {}", limit.as_secs() / 3600, attempt.detail);
        }
        let wait = self.sink.backoff().wait(row.attempts, rand::random(), attempt.retry_after);
        AlertAttempted {
            sink: self.sink.name(),
            webhook_id: &webhook_id(&row.alert),
            outcome: attempt.verdict.as_str(),
            detail: &attempt.detail,
            attempts: row.attempts,
            took,
            lag: (attempt.verdict == Verdict::Delivered).then(|| between(row.created_at, now)),
            again_in: matches!(attempt.verdict, Verdict::Retry { .. }).then_some(wait),
        }
        .emit();

        let detail = attempt.detail;
        let until = row.lease_until;
        match attempt.verdict {
            Verdict::Delivered => {
                let note = move |store: &dyn Store| store.delivered(&row, now, &detail).map(drop);
                self.keep_asking("noting a delivery", until, note).await;
            }
            Verdict::Refused => {
                let letter = letter(&row, detail, now);
                let note = move |store: &dyn Store| store.refused(&row, &letter).map(drop);
                self.keep_asking("putting a refused alert aside", until, note).await;
            }
            Verdict::Retry { .. } => {
                let when = after(now, wait);
                let note = move |store: &dyn Store| store.retry_at(&row, when, &detail).map(drop);
                self.keep_asking("noting a failure", until, note).await;
            }
        }
    }

    /// What an attempt says about the sink: its state, and whether to pause.
    fn note(&mut self, attempt: &Attempt, now: Timestamp) {
        match attempt.verdict {
            Verdict::Retry { blame: Blame::Sink, .. } => {
                let wait = self.sink.backoff().wait(self.sink_failures, rand::random(), attempt.retry_after);
                self.sink_failures = self.sink_failures.saturating_add(1);
                self.pause_until = self.pause_until.max(Some(after(now, wait)));
            }
            Verdict::Retry { blame: Blame::Row, .. } => {}
            Verdict::Delivered | Verdict::Refused => self.sink_failures = 0,
        }
        if let Some(state) = self.follow.note(attempt.verdict, &attempt.detail, now) {
            let (sink, name) = (self.sink.name(), state.as_str());
            let error = if state == SinkState::Ok { "" } else { &attempt.detail };
            SinkStateChanged { sink, state: name, error, again: name == self.shown }.emit();
            self.shown = name;
            self.states.send_modify(|states| drop(states.insert(sink.to_owned(), state)));
        }
    }

    /// Goes on with what is due now, and lets it end, within `grace`; gives back the rest. What
    /// the last commits raised goes out this way, one revision after the other; what has to wait
    /// for a receiver that is away does not hold up the end.
    async fn drain(&mut self, grace: Duration) {
        let end = tokio::time::Instant::now() + grace;
        while tokio::time::Instant::now() < end {
            self.start_due().await;
            match tokio::time::timeout_at(end, self.tasks.join_next_with_id()).await {
                Ok(Some(ended)) => self.settle(ended).await,
                Ok(None) | Err(_) => break,
            }
        }
        self.tasks.shutdown().await;
        let now = (self.clock)();
        for (_, row) in std::mem::take(&mut self.under_way) {
            // The receiver may have it; then it drops the repeat. A failure leaves the lease to end.
            let _ = self.ask("giving back an alert", move |store| store.release(&row, now)).await;
        }
    }

    /// Asks until the store answers, or until `until`, when the row is anybody's again and will be
    /// sent once more.
    async fn keep_asking(
        &self,
        what: &'static str,
        until: Timestamp,
        ask: impl Fn(&dyn Store) -> Result<(), StoreError> + Send + Sync + 'static,
    ) {
        let ask = Arc::new(ask);
        loop {
            let again = Arc::clone(&ask);
            let answer = self.ask(what, move |store| again(store)).await;
            if answer.is_ok() || self.shutdown.is_cancelled() || (self.clock)() >= until {
                return;
            }
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }

    /// Asks the store on a thread that may block; a failure is logged and counted.
    async fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failed> {
        let store = Arc::clone(&self.store);
        let error = match tokio::task::spawn_blocking(move || ask(&*store)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        OutboxFailed { sink: self.sink.name(), what, error: &error }.emit();
        Err(Failed)
    }
}

/// The store did not answer; it was logged and counted.
struct Failed;

fn panicked() -> Attempt {
    Attempt {
        verdict: Verdict::Retry { blame: Blame::Row, alarm: false },
        detail: "the attempt panicked, which is a defect of fenghuo; please report it".into(),
        retry_after: None,
    }
}

fn letter(row: &OutboxRow, detail: String, now: Timestamp) -> DeadLetter {
    DeadLetter {
        reason: DeadReason::Rejected,
        detail,
        source: row.sink.clone(),
        at: webhook_id(&row.alert),
        seen_at: now,
        // An alert that cannot be written is refused for just that, with the reason in `detail`.
        bytes: Payload::new(row.alert.clone()).to_bytes().unwrap_or_default(),
        is_event: false,
    }
}

/// The time from `from` to `to`; none when `to` is earlier.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
