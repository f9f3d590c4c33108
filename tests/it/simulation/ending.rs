//! What a run ended with, and the receiver that took its alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fenghuo::deliver::{Attempt, Backoff, RetryConfig, Sink, SinkFuture, Verdict, webhook_id};
use fenghuo::model::{Alert, ComplaintId};
use jiff::Timestamp;

use super::world::SINK;

/// What a run ended with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ending {
    /// Each complaint's number, version, clock, group and decision.
    pub(super) complaints: BTreeMap<ComplaintId, String>,
    /// The alerts in the store.
    pub(super) stored: BTreeSet<String>,
    /// What the receiver took, by alert: its revisions in the order they came.
    pub(super) accepted: BTreeMap<String, Vec<String>>,
    /// What was put aside. A client whose answer was cut off sends again, so a line may be there
    /// twice; none may be missing.
    pub(super) letters: BTreeSet<(String, String)>,
    /// The engines' states at the end.
    pub(super) engines: Vec<String>,
    /// How many complaints are in another group than they were put into: theirs has gone into it.
    pub(super) merged: usize,
}

impl Ending {
    /// Compares with an undisturbed run, and shows where they part.
    pub(super) fn assert_same(&self, expected: &Self, what: &str) {
        let (found, expected) = (self.lines(), expected.lines());
        let odd = found.symmetric_difference(&expected);
        let odd: Vec<String> = odd
            .map(|line| {
                let other = if found.contains(line) { &expected } else { &found };
                let begin: String = line.chars().take(40).collect();
                let twin = other.iter().find(|other| other.starts_with(&begin)).map_or("", |twin| twin);
                let same = line.chars().zip(twin.chars()).take_while(|(a, b)| a == b).count();
                let rest: String = line.chars().skip(same.saturating_sub(30)).take(160).collect();
                format!("{} {begin} … {rest}", if found.contains(line) { "found   " } else { "expected" })
            })
            .take(12)
            .collect();
        assert!(odd.is_empty(), "{what} differs from the undisturbed run:\n{}", odd.join("\n"));
        assert!(found == expected);
    }

    fn lines(&self) -> BTreeSet<String> {
        let mut lines: BTreeSet<String> = BTreeSet::new();
        lines.extend(self.complaints.iter().map(|(id, told)| format!("complaint {id} {told}")));
        lines.extend(self.stored.iter().map(|id| format!("stored {id}")));
        for (id, revisions) in &self.accepted {
            lines.extend(revisions.iter().enumerate().map(|(at, body)| format!("accepted {id} {at} {body}")));
        }
        lines.extend(self.letters.iter().map(|letter| format!("letter {letter:?}")));
        for (engine, told) in self.engines.iter().enumerate() {
            lines.extend(told.lines().enumerate().map(|(at, line)| format!("engine {engine} {at} {line}")));
        }
        lines
    }
}

/// Takes each alert revision once, as a receiver that drops repeats does.
#[derive(Debug, Default)]
pub(super) struct Receiver(Mutex<(BTreeSet<String>, Vec<Alert>)>);

impl Receiver {
    fn take(&self, alert: &Alert) {
        let mut inner = self.0.lock().unwrap();
        if inner.0.insert(webhook_id(alert)) {
            inner.1.push(alert.clone());
        }
    }

    pub(super) fn accepted(&self) -> BTreeMap<String, Vec<String>> {
        let mut accepted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for alert in &self.0.lock().unwrap().1 {
            let bytes = serde_json::to_string(alert).unwrap();
            accepted.entry(alert.id.to_string()).or_default().push(bytes);
        }
        accepted
    }
}

/// Hands alerts to the receiver, and dies when its time has come.
pub(super) struct Courier {
    pub(super) receiver: Arc<Receiver>,
    /// How many alerts it hands over before it dies.
    pub(super) left: AtomicUsize,
    pub(super) died: Arc<tokio::sync::Notify>,
}

impl Sink for Courier {
    fn name(&self) -> &str {
        SINK
    }

    fn concurrency(&self) -> usize {
        2
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(&RetryConfig::default())
    }

    fn give_up_after(&self) -> Option<Duration> {
        None
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], _: Timestamp) -> SinkFuture<'s> {
        Box::pin(async move {
            self.receiver.take(alerts[0]);
            if self.left.fetch_sub(1, Ordering::Relaxed) <= 1 {
                self.died.notify_one();
                std::future::pending::<()>().await;
            }
            Attempt { verdict: Verdict::Delivered, detail: "taken".into(), retry_after: None }
        })
    }
}
