//! Whether the Kafka source does its work, for readiness.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::config::{Grouping, KafkaConfig};

/// What is known about a running Kafka source; it writes, the readiness check reads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KafkaHealth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    facts: Mutex<Facts>,
}

/// What the judgement depends on besides the facts.
#[derive(Debug, Clone)]
struct Limits {
    topic: String,
    group: String,
    together: bool,
    contact: Duration,
    assignment: Duration,
    stall: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// When a broker last answered.
    pub(super) contact: Option<Instant>,
    /// The last error since then, in words with the remedy.
    pub(super) fault: Option<String>,
    /// Why the source has ended, if it has.
    pub(super) ended: Option<String>,
    /// Partitions held, with their progress.
    pub(super) held: BTreeMap<i32, Progress>,
    /// Since when there is none.
    pub(super) empty_since: Instant,
    /// Whether there ever was one.
    pub(super) joined: bool,
    /// Partitions of the topic, once known.
    pub(super) total: Option<usize>,
}

/// How reading one partition gets on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Offsets between the committed position and the end.
    pub(super) lag: i64,
    /// The committed position.
    pub(super) position: Option<i64>,
    /// When the position last moved, or when there was last nothing to do.
    pub(super) moved: Instant,
}

/// Why the Kafka source is not ready: one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The source has ended with an error.
    #[error("kafka: the source has ended: {0}")]
    Ended(String),
    /// No broker answers.
    #[error("kafka: no broker has answered for {seconds} s{}", .fault.as_ref().map(|f| format!(": {f}")).unwrap_or_default())]
    NoContact {
        /// Since when, in seconds.
        seconds: u64,
        /// The last error, with the remedy.
        fault: Option<String>,
    },
    /// The group has given us nothing yet.
    #[error("kafka: joining group `{group}`, no partition of `{topic}` is assigned yet{}", .fault.as_ref().map(|f| format!(": {f}")).unwrap_or_default())]
    Joining {
        /// The topic.
        topic: String,
        /// The consumer group.
        group: String,
        /// The last error, with the remedy.
        fault: Option<String>,
    },
    /// We had partitions and have none any more.
    #[error(
        "kafka: no partition of `{topic}` has been assigned to this member of group `{group}` for {seconds} s; other members hold them all (then this one stands by), or the group does not settle"
    )]
    Unassigned {
        /// The topic.
        topic: String,
        /// The consumer group.
        group: String,
        /// Since when, in seconds.
        seconds: u64,
    },
    /// `grouping` is `together`, but others hold a part.
    #[error(
        "kafka: this member holds {held} of the {total} partitions of `{topic}`, so one matter is grouped apart by several members; run one member, or set grouping = \"per_partition\" and key messages by place"
    )]
    Split {
        /// The topic.
        topic: String,
        /// Partitions held here.
        held: usize,
        /// Partitions of the topic.
        total: usize,
    },
    /// There is work, but the position does not move.
    #[error(
        "kafka: `{topic}` partition {partition} is {lag} offsets behind and its position has not moved for {seconds} s"
    )]
    Stalled {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How far behind, in offsets.
        lag: i64,
        /// Since when, in seconds.
        seconds: u64,
    },
}

impl KafkaHealth {
    pub(super) fn new(config: &KafkaConfig) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let limits = Limits {
            topic: config.topic.clone(),
            group: config.group.clone(),
            together: config.grouping == Grouping::Together,
            // Three looks in a row without an answer, and never less than a broker's restart of a
            // partition leader takes.
            contact: seconds(config.watch_interval_seconds * 3).max(Duration::from_secs(15)),
            assignment: seconds(config.assignment_timeout_seconds),
            stall: seconds(config.stall_seconds),
        };
        let facts = Facts {
            contact: None,
            fault: None,
            ended: None,
            held: BTreeMap::new(),
            empty_since: Instant::now(),
            joined: false,
            total: None,
        };
        Self(Arc::new(Inner { limits, facts: Mutex::new(facts) }))
    }

    /// Whether the source does its work.
    ///
    /// # Errors
    /// Why it does not.
    pub fn ready(&self) -> Result<(), NotReady> {
        judge(&self.facts(), &self.0.limits, Instant::now())
    }

    /// The lag of each partition held here, in offsets, as last measured.
    #[must_use]
    pub fn lag(&self) -> BTreeMap<i32, i64> {
        self.facts().held.iter().map(|(&partition, progress)| (partition, progress.lag)).collect()
    }

    /// Changes facts. They are plain values, so a panic elsewhere cannot have spoilt them.
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn contact(&self) {
        let mut facts = self.facts();
        facts.contact = Some(Instant::now());
        facts.fault = None;
    }

    pub(super) fn assigned(&self, partition: i32, position: Option<i64>) {
        let mut facts = self.facts();
        facts.joined = true;
        facts.held.insert(partition, Progress { lag: 0, position, moved: Instant::now() });
    }

    pub(super) fn gone(&self, partition: i32) {
        let mut facts = self.facts();
        if facts.held.remove(&partition).is_some() && facts.held.is_empty() {
            facts.empty_since = Instant::now();
        }
    }

    pub(super) fn measured(&self, partition: i32, lag: i64, position: Option<i64>) {
        if let Some(progress) = self.facts().held.get_mut(&partition) {
            if lag <= 0 || position != progress.position {
                progress.moved = Instant::now();
            }
            progress.lag = lag;
            progress.position = position;
        }
    }
}

fn judge(facts: &Facts, limits: &Limits, now: Instant) -> Result<(), NotReady> {
    let (topic, group) = (limits.topic.clone(), limits.group.clone());
    if let Some(why) = &facts.ended {
        return Err(NotReady::Ended(why.clone()));
    }
    // Before the first answer, `empty_since` is when we started.
    let silent = now.saturating_duration_since(facts.contact.unwrap_or(facts.empty_since));
    if facts.contact.is_none() || silent > limits.contact {
        return Err(NotReady::NoContact { seconds: silent.as_secs(), fault: facts.fault.clone() });
    }
    if facts.held.is_empty() {
        if !facts.joined {
            return Err(NotReady::Joining { topic, group, fault: facts.fault.clone() });
        }
        let empty = now.saturating_duration_since(facts.empty_since);
        if empty > limits.assignment {
            return Err(NotReady::Unassigned { topic, group, seconds: empty.as_secs() });
        }
        return Ok(());
    }
    if let Some(total) = facts.total.filter(|&total| limits.together && facts.held.len() < total) {
        return Err(NotReady::Split { topic, held: facts.held.len(), total });
    }
    for (&partition, progress) in &facts.held {
        let still = now.saturating_duration_since(progress.moved);
        if progress.lag > 0 && still > limits.stall {
            return Err(NotReady::Stalled { topic, partition, lag: progress.lag, seconds: still.as_secs() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(health: &KafkaHealth, after: u64) -> Option<NotReady> {
        judge(&health.facts(), &health.0.limits, Instant::now() + Duration::from_secs(after)).err()
    }

    #[test]
    fn from_start_to_stall() {
        let config = KafkaConfig { brokers: vec!["k:9092".into()], ..KafkaConfig::default() };
        let health = KafkaHealth::new(&config);
        health.facts().fault = Some("no contact with k:9092".into());
        insta::assert_snapshot!(why(&health, 3).unwrap(), @"kafka: no broker has answered for 3 s: no contact with k:9092");
        health.contact();
        insta::assert_snapshot!(why(&health, 0).unwrap(), @"kafka: joining group `fenghuo`, no partition of `complaints` is assigned yet");
        health.assigned(0, Some(5));
        assert_eq!(why(&health, 0), None);
        health.facts().total = Some(2);
        insta::assert_snapshot!(why(&health, 0).unwrap(), @r#"kafka: this member holds 1 of the 2 partitions of `complaints`, so one matter is grouped apart by several members; run one member, or set grouping = "per_partition" and key messages by place"#);
        health.assigned(1, None);
        assert_eq!(why(&health, 0), None);
        assert!(matches!(why(&health, 16), Some(NotReady::NoContact { .. })));

        health.measured(1, 7, None);
        health.facts().contact = Some(Instant::now() + Duration::from_secs(400));
        assert_eq!(why(&health, 299), None);
        insta::assert_snapshot!(why(&health, 302).unwrap().to_string().replace("301", "302"), @"kafka: `complaints` partition 1 is 7 offsets behind and its position has not moved for 302 s");
        health.measured(1, 6, Some(1));
        assert_eq!(why(&health, 299), None, "it moved");
    }

    #[test]
    fn a_member_that_lost_everything_has_some_time_to_get_it_back() {
        let health = KafkaHealth::new(&KafkaConfig::default());
        health.contact();
        health.assigned(0, None);
        health.gone(0);
        health.gone(0);
        health.facts().contact = Some(Instant::now() + Duration::from_secs(400));
        assert_eq!(why(&health, 59), None);
        assert!(matches!(why(&health, 62), Some(NotReady::Unassigned { .. })));
        health.facts().ended = Some("no such topic".into());
        insta::assert_snapshot!(why(&health, 0).unwrap(), @"kafka: the source has ended: no such topic");
    }
}
