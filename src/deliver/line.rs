//! One sink's line: what is due, what is under way, when to pause.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::payload::letter;
use super::sink::{Attempt, Sink};
use super::status::Follow;
use super::times::{LONGEST_SLEEP, after, between, until};
use super::{Blame, Clock, Gate, SinkState, Verdict, webhook_id};
use crate::model::Alert;
use crate::store::{OutboxRow, Store, StoreError};
use crate::telemetry::deliver::{AlertAttempted, OutboxFailed, SinkStateChanged};

/// A store that fails is asked again after this.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// A lease outlives the longest attempt by this, for the store to take note of its end.
const LEASE_MARGIN: Duration = Duration::from_secs(15);

/// So many rows are taken at once to make a digest of; more than a chat's message can tell of.
const DIGEST_ROWS: u32 = 64;

/// How long a receiver that forgets is told again of what has ended.
const RESOLVED_AGAIN: Duration = Duration::from_mins(15);

/// One sink's part of the worker.
pub(super) struct Line {
    store: Arc<dyn Store>,
    gate: Option<Gate>,
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
    under_way: Vec<(Id, Rows)>,
    /// The tokens of a sink that takes only so many messages.
    pace: Option<Pace>,
    /// So many rows are sent alone, since a digest with them was refused.
    alone: usize,
    /// What tells a forgetful receiver again, one at a time, and when the next one is due.
    renewals: JoinSet<Attempt>,
    renew_at: tokio::time::Instant,
}

/// What one message tells of.
type Rows = Arc<[OutboxRow]>;

struct Ended {
    attempt: Attempt,
    took: Duration,
}

impl Line {
    pub(super) fn new(
        store: Arc<dyn Store>,
        gate: Option<Gate>,
        sink: Arc<dyn Sink>,
        clock: Clock,
        owner: String,
        states: Arc<watch::Sender<BTreeMap<String, SinkState>>>,
        shutdown: CancellationToken,
    ) -> Self {
        let pace = sink.limit().map(Pace::new);
        Self {
            store,
            gate,
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
            pace,
            alone: 0,
            renewals: JoinSet::new(),
            renew_at: tokio::time::Instant::now(),
        }
    }

    pub(super) async fn run(mut self, mut wake: watch::Receiver<u64>, grace: Duration) {
        let shutdown = self.shutdown.clone();
        while !shutdown.is_cancelled() {
            // Taken note of before looking, so that a wake in between is not lost.
            wake.borrow_and_update();
            let sleep = self.start_due().await.min(self.start_renewal().await);
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(ended) = self.renewals.join_next() => {
                    let attempt = ended.unwrap_or_else(|_| Attempt::panicked());
                    self.note(&attempt, (self.clock)());
                }
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
        if let Some(pace) = &self.pace {
            // Asked before a token is taken, which would be gone for nothing.
            match self.ask("looking for due alerts", next_due(&self.sink)).await {
                Ok(Some(due)) if due <= now => {}
                Ok(next) => return until(now, next),
                Err(Failed) => return STORE_PAUSE,
            }
            if let Err(wait) = pace.take_one() {
                return wait.min(LONGEST_SLEEP);
            }
        }
        let limit = match (&self.pace, self.alone) {
            (Some(_), 0) => DIGEST_ROWS,
            (Some(_), _) => 1,
            (None, _) => u32::try_from(room).unwrap_or(u32::MAX),
        };
        let lease_until = after(now, self.sink.timeout() + LEASE_MARGIN);
        let (sink, owner, gate) = (Arc::clone(&self.sink), self.owner.clone(), self.gate.clone());
        let due = move |store: &dyn Store| {
            let mut rows = store.due(now, sink.name(), limit, &owner, lease_until)?;
            if let Some(gate) = gate {
                rows = gate.pass(store, rows, now)?;
            }
            // With every slot taken, the end of an attempt is the next thing to happen.
            let next = if rows.len() < room { store.next_due(sink.name())? } else { None };
            Ok((rows, next))
        };
        let (rows, next) = match self.ask("taking due alerts", due).await {
            Ok(found) => found,
            Err(Failed) => return STORE_PAUSE,
        };
        let is_one_each = self
            .pace
            .as_ref()
            .is_none_or(|pace| rows.len() < 2 || rows.len() <= room && pace.take(rows.len() - 1));
        if is_one_each {
            self.alone = self.alone.saturating_sub(rows.len());
            for row in rows {
                self.start([row].into());
            }
        } else {
            self.start_digest(rows, now).await;
        }
        until(now, next)
    }

    /// Sends as many as one message holds, and gives the rest back.
    async fn start_digest(&mut self, mut rows: Vec<OutboxRow>, now: Timestamp) {
        let alerts: Vec<&Alert> = rows.iter().map(|row| &row.alert).collect();
        let holds = self.sink.holds(&alerts).clamp(1, rows.len());
        let rest = rows.split_off(holds);
        self.start(rows.into());
        if !rest.is_empty() {
            // A failure leaves the leases to end.
            let _ = self.ask("giving back alerts", move |store| store.release_all(&rest, now)).await;
        }
    }

    /// Tells a receiver that forgets again of what it has, when it is time; returns how long until
    /// the next time.
    async fn start_renewal(&mut self) -> Duration {
        let Some(every) = self.sink.renew_every() else { return LONGEST_SLEEP };
        let wait = self.renew_at.saturating_duration_since(tokio::time::Instant::now());
        if !wait.is_zero() || !self.renewals.is_empty() {
            return if wait.is_zero() { LONGEST_SLEEP } else { wait };
        }
        self.renew_at = tokio::time::Instant::now() + every;
        let now = (self.clock)();
        let ended_since = now.checked_sub(RESOLVED_AGAIN).ok();
        let sink = Arc::clone(&self.sink);
        let told = self.ask("looking for open alerts", move |store| store.told(sink.name(), ended_since));
        match told.await {
            Ok(told) if !told.is_empty() => {
                let sink = Arc::clone(&self.sink);
                self.renewals.spawn(async move {
                    let alerts: Vec<&Alert> = told.iter().collect();
                    sink.send(&alerts, now).await
                });
            }
            Ok(_) | Err(Failed) => {}
        }
        every
    }

    fn start(&mut self, rows: Rows) {
        let (sink, clock, sent) = (Arc::clone(&self.sink), Arc::clone(&self.clock), Arc::clone(&rows));
        let task = self.tasks.spawn(async move {
            let start = Instant::now();
            let alerts: Vec<&Alert> = sent.iter().map(|row| &row.alert).collect();
            let attempt = sink.send(&alerts, clock()).await;
            Ended { attempt, took: start.elapsed() }
        });
        self.under_way.push((task.id(), rows));
    }

    /// Writes down what came of an attempt.
    async fn settle(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, Ended { mut attempt, took }) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Ended { attempt: Attempt::panicked(), took: Duration::ZERO }),
        };
        let Some(at) = self.under_way.iter().position(|(task, _)| *task == id) else { return };
        let (_, rows) = self.under_way.swap_remove(at);
        let now = (self.clock)();
        if attempt.verdict == Verdict::Refused && rows.len() > 1 {
            // Perhaps one of them is at fault: each alone will show which.
            self.alone = rows.len();
            attempt.verdict = Verdict::Retry { blame: Blame::Row, alarm: false };
            attempt.detail = format!("refused in a digest: {}", attempt.detail);
        }
        self.note(&attempt, now);
        let detail = attempt.detail;
        if attempt.verdict == Verdict::Delivered {
            for row in rows.iter() {
                self.tell(row, attempt.verdict, &detail, took, now, None);
            }
            let until = rows[0].lease_until;
            let note = move |store: &dyn Store| store.delivered_all(&rows, now, &detail).map(drop);
            return self.keep_asking("noting a delivery", until, note).await;
        }
        for row in rows.iter() {
            self.settle_failed(row.clone(), attempt.verdict, &detail, attempt.retry_after, took, now).await;
        }
    }

    /// Puts one alert aside, or has it tried again.
    async fn settle_failed(
        &self,
        row: OutboxRow,
        mut verdict: Verdict,
        detail: &str,
        retry_after: Option<Duration>,
        took: Duration,
        now: Timestamp,
    ) {
        let mut detail = detail.to_owned();
        if let Some(limit) = self.sink.give_up_after()
            && matches!(verdict, Verdict::Retry { .. })
            && between(row.created_at, now) >= limit
        {
            verdict = Verdict::Refused;
            detail = format!("given up after {} h: {detail}", limit.as_secs() / 3600);
        }
        let wait = self.sink.backoff().wait(row.attempts, rand::random(), retry_after);
        self.tell(&row, verdict, &detail, took, now, Some(wait));
        let until = row.lease_until;
        if verdict == Verdict::Refused {
            let letter = letter(&row, detail, now);
            let note = move |store: &dyn Store| store.refused(&row, &letter).map(drop);
            self.keep_asking("putting a refused alert aside", until, note).await;
        } else {
            let when = after(now, wait);
            let note = move |store: &dyn Store| store.retry_at(&row, when, &detail).map(drop);
            self.keep_asking("noting a failure", until, note).await;
        }
    }

    /// Logs and counts what came of one alert.
    fn tell(
        &self,
        row: &OutboxRow,
        verdict: Verdict,
        detail: &str,
        took: Duration,
        now: Timestamp,
        wait: Option<Duration>,
    ) {
        AlertAttempted {
            sink: self.sink.name(),
            webhook_id: &webhook_id(&row.alert),
            outcome: verdict.as_str(),
            detail,
            attempts: row.attempts,
            took,
            lag: (verdict == Verdict::Delivered).then(|| between(row.created_at, now)),
            again_in: wait.filter(|_| matches!(verdict, Verdict::Retry { .. })),
        }
        .emit();
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
        for (_, rows) in std::mem::take(&mut self.under_way) {
            // The receiver may have it; then it drops the repeat. A failure leaves the lease to end.
            let _ = self.ask("giving back alerts", move |store| store.release_all(&rows, now)).await;
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

fn next_due(
    sink: &Arc<dyn Sink>,
) -> impl FnOnce(&dyn Store) -> Result<Option<Timestamp>, StoreError> + use<> {
    let sink = Arc::clone(sink);
    move |store| store.next_due(sink.name())
}

/// The store did not answer; it was logged and counted.
struct Failed;
