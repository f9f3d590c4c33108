//! The engine over a file of events, as fast as it goes: what analysts tune with.
//!
//! Reading and preparing run on all threads, chunk by chunk; the fold runs in the order of the
//! file. Only event time counts, so the output is the same from run to run and for any number of
//! threads.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::engine::{Arrival, Effects, Engine, EngineConfig, Prepared, Preparer};
use crate::model::{
    Alert, AlertBody, AlertState, ComplaintId, DeadReason, GroupId, PartitionKey, RiskHit, Span,
};
use crate::source::decode::Decoder;
use crate::source::file::RawRecord;

use super::ledger::{Ledger, Novelty};

/// So many events are prepared side by side. Larger chunks use threads better, smaller ones less
/// memory.
const CHUNK: usize = 2048;

/// What a replay needs besides the events.
#[derive(Debug)]
pub struct Replay<'a> {
    /// Reads event bytes.
    pub decoder: &'a Decoder,
    /// Reads complaints.
    pub preparer: &'a Preparer,
    /// The engine's settings.
    pub config: Arc<EngineConfig>,
    /// Events later than this (plus the decoder's tolerance) are taken as mistakes, as the daemon
    /// takes those from the future.
    pub not_after: Timestamp,
    /// The threads to prepare on.
    pub pool: &'a rayon::ThreadPool,
}

/// Where the results go, one JSON object a line.
pub struct Outputs<'a> {
    /// `{"id","group"}` for every complaint, in the order they first came.
    pub groups: &'a mut dyn Write,
    /// One line for each time a group incident was raised or reopened, in that order.
    pub alerts: &'a mut dyn Write,
    /// One line for each complaint and risk rule that alerts, in the order the complaints first came.
    pub risks: &'a mut dyn Write,
    /// Called with events that could not be read: the line or row (from 1), reason, detail.
    pub rejected: &'a mut dyn FnMut(u64, DeadReason, &str),
    /// Called after each chunk with the number of events read so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    /// Events read.
    pub events: u64,
    /// Distinct complaints among them.
    pub complaints: u64,
    /// Events that repeat one that came before.
    pub repeats: u64,
    /// Events that update one that came before.
    pub updates: u64,
    /// Events that could not be read, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Events later than allowed.
    pub late: u64,
    /// Groups of two and more complaints.
    pub groups: u64,
    /// Group incidents raised.
    pub incidents: u64,
    /// Risk cases raised.
    pub risk_cases: u64,
    /// Alert revisions of both kinds.
    pub alerts: u64,
}

#[derive(Serialize)]
struct GroupLine<'a> {
    id: &'a ComplaintId,
    group: Option<&'a GroupId>,
}

#[derive(Serialize)]
struct AlertLine<'a> {
    group: &'a GroupId,
    raised_at: String,
    ids: &'a [ComplaintId],
    #[serde(flatten)]
    alert: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct RiskLine<'a> {
    id: &'a ComplaintId,
    rule: &'a str,
    category: &'a str,
    score: i32,
    entity: Option<&'a str>,
    spans: &'a [Span],
}

impl Replay<'_> {
    /// Folds all events and writes what comes of them.
    ///
    /// # Errors
    /// When an event cannot be fetched or an output cannot be written.
    pub fn run(
        &self,
        events: impl Iterator<Item = anyhow::Result<RawRecord>>,
        out: &mut Outputs<'_>,
    ) -> anyhow::Result<ReplaySummary> {
        let mut engine = Engine::new(
            PartitionKey::from("main"),
            Arc::clone(&self.config),
            self.preparer.knowledge().clone(),
        )?;
        let zone = self.config.zone()?;
        let mut summary = ReplaySummary::default();
        let mut ledger = Ledger::default();
        let mut order: Vec<(ComplaintId, Option<GroupId>)> = Vec::new();
        let mut at: FxHashMap<ComplaintId, usize> = FxHashMap::default();
        let mut hits: BTreeMap<usize, Vec<RiskHit>> = BTreeMap::new();
        let mut merged: FxHashMap<GroupId, GroupId> = FxHashMap::default();
        let mut events = events.peekable();
        while events.peek().is_some() {
            let chunk: Vec<RawRecord> = events.by_ref().take(CHUNK).collect::<anyhow::Result<_>>()?;
            let prepared: Vec<Result<Prepared, (DeadReason, String)>> =
                self.pool.install(|| chunk.par_iter().map(|record| self.prepare(record)).collect());
            let mut effects = Effects::default();
            for (record, prepared) in chunk.iter().zip(prepared) {
                summary.events += 1;
                let prepared = match prepared {
                    Ok(prepared) => prepared,
                    Err((reason, detail)) => {
                        *summary.rejected.entry(reason.as_str()).or_default() += 1;
                        (out.rejected)(record.number, reason, &detail);
                        continue;
                    }
                };
                let novelty = ledger.judge(&prepared.complaint.id, prepared.content);
                match novelty {
                    Novelty::New => {
                        at.insert(prepared.complaint.id.clone(), order.len());
                        order.push((prepared.complaint.id.clone(), None));
                    }
                    Novelty::Repeat => summary.repeats += 1,
                    Novelty::Update(_) => summary.updates += 1,
                }
                if let Some(version) = novelty.version() {
                    let reached = prepared.complaint.received_at;
                    engine.apply(Arrival { prepared, version, reached }, &mut effects);
                }
            }
            for record in std::mem::take(&mut effects.complaints) {
                let index = at[&record.complaint.id];
                // The last version is the one that counts.
                let met: Vec<RiskHit> = record.decision.risks.into_iter().filter(RiskHit::alerts).collect();
                if !met.is_empty() || record.version > 1 {
                    hits.insert(index, met);
                }
                order[index].1 = record.decision.group.group;
            }
            // After the decisions: who was alone in one of this chunk may be a founder by its end.
            for (id, group) in std::mem::take(&mut effects.regrouped) {
                order[at[&id]].1 = group;
            }
            merged.extend(std::mem::take(&mut effects.merged));
            for alert in &effects.alerts {
                summary.alerts += 1;
                let first = alert.state == AlertState::Raised;
                match &alert.body {
                    AlertBody::Group(group) => {
                        summary.incidents += u64::from(first);
                        if matches!(alert.state, AlertState::Raised | AlertState::Reopened) {
                            write_alert(out.alerts, alert, &group.group, &zone)?;
                        }
                    }
                    AlertBody::Risk(_) => summary.risk_cases += u64::from(first),
                }
            }
            (out.progress)(summary.events);
        }
        let mut groups: Vec<&GroupId> = Vec::new();
        // A group goes into another at most once and is not named again after that, so this ends.
        let last = |group| std::iter::successors(Some(group), |group| merged.get(*group)).last();
        for (id, group) in &order {
            let group = group.as_ref().and_then(last);
            write_line(out.groups, &GroupLine { id, group })?;
            groups.extend(group);
        }
        for (index, hits) in &hits {
            hits.iter().try_for_each(|hit| write_risk(out.risks, &order[*index].0, hit))?;
        }
        groups.sort_unstable();
        groups.dedup();
        summary.groups = groups.len() as u64;
        summary.complaints = order.len() as u64;
        summary.late = engine.status().late;
        Ok(summary)
    }

    fn prepare(&self, record: &RawRecord) -> Result<Prepared, (DeadReason, String)> {
        let event = record.event().map_err(Clone::clone)?;
        let decoded =
            self.decoder.decode(event, self.not_after).map_err(|fault| (fault.reason, fault.detail))?;
        Ok(self.preparer.prepare(decoded.complaint, decoded.content))
    }
}

fn write_alert(
    out: &mut dyn Write,
    alert: &Alert,
    group: &GroupId,
    zone: &jiff::tz::TimeZone,
) -> anyhow::Result<()> {
    let serde_json::Value::Object(mut fields) = serde_json::to_value(alert)? else {
        anyhow::bail!("an alert is a JSON object");
    };
    fields.remove("raised_at");
    // With the offset, so that a reader sees local time and loses nothing.
    let raised_at = alert.raised_at.display_with_offset(zone.to_offset(alert.raised_at)).to_string();
    write_line(out, &AlertLine { group, raised_at, ids: &alert.members, alert: fields })
}

fn write_risk(out: &mut dyn Write, id: &ComplaintId, hit: &RiskHit) -> anyhow::Result<()> {
    let RiskHit { rule, category, score, entity, spans, .. } = hit;
    write_line(out, &RiskLine { id, rule, category, score: *score, entity: entity.as_deref(), spans })
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line).context("writing a result line")?;
    out.write_all(b"\n").context("writing a result line")
}
