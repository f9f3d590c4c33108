//! What would narrow a rule so that hits which people have judged false go and none judged true does: the
//! fewest masks, or an exception for a company.
//!
//! Nothing is believed that was not tried: each proposal is laid over the pack and all judged complaints
//! are read again with it, and the texts of all rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use crate::engine::{Knowledge, Prepared, Preparer};
use crate::model::{AlertBody, AlertId, Complaint, ComplaintId, RiskHit, Span, Truth, Where};
use crate::rules::RuleFiles;
use crate::store::{Store, StoredComplaint};
use crate::text::{Segmenter, normalise};

/// Whole words that a mask may take in on each side of a rule's word.
const WORDS: usize = 2;
/// So many masks are tried for each choice, those in most false hits first.
const TRIED: usize = 24;
/// More masks than this narrow no rule: it is another rule that is wanted.
const MOST_MASKS: usize = 3;
/// Signs over which no mask reaches.
const BREAKS: [char; 20] = [
    '，', '。', '！', '？', '；', '：', '、', ',', '.', '!', '?', ';', ':', ' ', '\n', '“', '”', '"', '（',
    '）',
];

/// What would narrow one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The rule's id.
    pub rule: String,
    /// Complaints of alerts judged false on which the rule alerts today.
    pub wrong: Vec<ComplaintId>,
    /// How many complaints of alerts judged true it alerts on; none of them would go.
    pub right: usize,
    /// Masks for the rule, the one that hides most first.
    pub masks: Vec<String>,
    /// Companies for an exception, tried where masks do not do it all.
    pub companies: Vec<String>,
    /// Complaints on which it would still alert wrongly.
    pub left: Vec<ComplaintId>,
    /// What people gave as reasons.
    pub reasons: Vec<String>,
}

/// A complaint that people have judged, by an alert it was in.
struct Judged {
    stored: StoredComplaint,
    alerts_today: bool,
    hit: Option<RiskHit>,
}

/// What to narrow with, and what reads complaints.
pub struct Bench<'a> {
    /// The rule files as they are.
    pub files: &'a RuleFiles,
    /// Reads complaints with them.
    pub preparer: &'a Preparer,
}

/// What would narrow each rule that has false hits; `only` asks for one rule.
///
/// # Errors
/// When the store or the rules cannot be read.
pub fn suggest(store: &dyn Store, bench: &Bench<'_>, only: Option<&str>) -> anyhow::Result<Vec<Suggestion>> {
    let mut by_rule: BTreeMap<String, BTreeMap<ComplaintId, bool>> = BTreeMap::new();
    let mut reasons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let judgements = store.judgements(None).context("reading verdicts")?;
    let last: BTreeMap<AlertId, (Truth, String)> = judgements
        .into_iter()
        .map(|judgement| (judgement.alert, (judgement.verdict, judgement.reason)))
        .collect();
    for (alert, (verdict, reason)) in last {
        let revisions = store.alert(&alert).context("reading a judged alert")?;
        let Some(AlertBody::Risk(risk)) = revisions.last().map(|alert| &alert.body) else { continue };
        for (id, hit) in &risk.hits {
            let complaints = by_rule.entry(hit.rule.clone()).or_default();
            match verdict {
                // Who is in an alert that was right is right, whatever else it is in.
                Truth::True => drop(complaints.insert(id.clone(), true)),
                Truth::False => {
                    complaints.entry(id.clone()).or_insert(false);
                    reasons.entry(hit.rule.clone()).or_default().insert(reason.clone());
                }
                Truth::Unsure => {}
            }
        }
    }
    let mut found = Vec::new();
    for (rule, complaints) in by_rule {
        if only.is_some_and(|only| only != rule) || bench.preparer.knowledge().pack.rule(&rule).is_none() {
            continue;
        }
        let (mut wrong, mut right) = (Vec::new(), Vec::new());
        for (id, is_right) in complaints {
            // Retention may have deleted it.
            let Some(stored) = store.complaint(&id).context("reading a judged complaint")? else { continue };
            let judged = Judged::read(bench.preparer, stored, &rule);
            if judged.alerts_today {
                if is_right { &mut right } else { &mut wrong }.push(judged);
            }
        }
        if !wrong.is_empty() {
            let reasons = reasons.remove(&rule).unwrap_or_default().into_iter().collect();
            found.push(bench.narrow(&rule, &wrong, &right, reasons)?);
        }
    }
    Ok(found)
}

impl Judged {
    fn read(preparer: &Preparer, stored: StoredComplaint, rule: &str) -> Self {
        let record = &stored.record;
        let complaint = Arc::clone(&record.complaint);
        let Prepared { risks, .. } =
            preparer.prepare_stored(complaint, record.callers.clone(), record.content);
        let hit = risks.into_iter().find(|hit| hit.rule == rule);
        Self { alerts_today: hit.as_ref().is_some_and(RiskHit::alerts), hit, stored }
    }

    /// Whether the rule alerts on it, as another preparer reads it.
    fn alerts_by(&self, preparer: &Preparer, rule: &str) -> bool {
        Self::read(preparer, self.stored.clone(), rule).alerts_today
    }
}

impl Bench<'_> {
    fn narrow(
        &self,
        rule: &str,
        wrong: &[Judged],
        right: &[Judged],
        reasons: Vec<String>,
    ) -> anyhow::Result<Suggestion> {
        let failing = self.preparer.knowledge().pack.run_tests().failures.len();
        let mut masks: Vec<String> = Vec::new();
        let mut left: Vec<&Judged> = wrong.iter().collect();
        while masks.len() < MOST_MASKS && !left.is_empty() {
            let mut best: Option<(Vec<&Judged>, String)> = None;
            for mask in candidates(&self.preparer.knowledge().segmenter, &left, right) {
                let tried: Vec<String> = masks.iter().cloned().chain([mask.clone()]).collect();
                let Some(after) = self.with_masks(rule, &tried, failing)? else { continue };
                if right.iter().any(|judged| !judged.alerts_by(&after, rule)) {
                    continue;
                }
                let stay: Vec<&Judged> =
                    left.iter().copied().filter(|judged| judged.alerts_by(&after, rule)).collect();
                if stay.len() < best.as_ref().map_or(left.len(), |(stay, _)| stay.len()) {
                    best = Some((stay, mask));
                }
            }
            let Some((stay, mask)) = best else { break };
            masks.push(mask);
            left = stay;
        }
        let company = |judged: &Judged| judged.hit.as_ref().and_then(|hit| hit.entity.clone());
        let trusted: BTreeSet<String> = right.iter().filter_map(company).collect();
        let is_wrong_alone = |name: &String| !trusted.iter().any(|other| crate::entity::same(other, name));
        let companies: BTreeSet<String> =
            left.iter().filter_map(|judged| company(judged)).filter(is_wrong_alone).collect();
        left.retain(|judged| company(judged).is_none_or(|name| !companies.contains(&name)));
        let id = |judged: &Judged| judged.stored.record.complaint.id.clone();
        Ok(Suggestion {
            rule: rule.to_owned(),
            wrong: wrong.iter().map(id).collect(),
            right: right.len(),
            masks,
            companies: companies.into_iter().collect(),
            left: left.into_iter().map(id).collect(),
            reasons: reasons.into_iter().filter(|reason| !reason.is_empty()).collect(),
        })
    }

    /// What reads complaints when the rule has these masks, too; `None` when the pack does not take them, or
    /// more of its own texts fail than before.
    fn with_masks(&self, rule: &str, masks: &[String], failing: usize) -> anyhow::Result<Option<Preparer>> {
        let list = serde_json::to_string(masks).context("masks are texts")?;
        let text = format!("change:\n  rules: [{{id: {rule}, masks: {{add: {list}}}}}]\n");
        let Ok(pack) = self.files.with("overlay/~tried.yaml", &text).pack() else { return Ok(None) };
        if pack.run_tests().failures.len() > failing {
            return Ok(None);
        }
        let knowledge = Knowledge { pack: Arc::new(pack), ..self.preparer.knowledge().clone() };
        Ok(Some(self.preparer.with(knowledge)))
    }
}

/// Longer words around the rule's words in false hits that stand in no true one; those in most false hits
/// first, of equal ones the shortest.
fn candidates(segmenter: &Segmenter, wrong: &[&Judged], right: &[Judged]) -> Vec<String> {
    let said = |judged: &Judged| {
        let Complaint { title, text, subject, .. } = &*judged.stored.record.complaint;
        [title.as_str(), text, subject.as_deref().unwrap_or_default()]
            .map(|field| normalise(field).text().to_owned())
            .join("\n")
    };
    let right: Vec<String> = right.iter().map(said).collect();
    let wrong_texts: Vec<String> = wrong.iter().map(|judged| said(judged)).collect();
    let mut words: BTreeSet<String> = BTreeSet::new();
    for judged in wrong {
        let spans = judged.hit.as_ref().map(|hit| hit.spans.as_slice()).unwrap_or_default();
        for span in spans {
            words.extend(around(segmenter, &judged.stored.record.complaint, *span));
        }
    }
    let mut ranked: Vec<(usize, String)> = words
        .into_iter()
        .filter(|word| !right.iter().any(|text| text.contains(normalise(word).text())))
        .map(|word| {
            let normal = normalise(&word);
            (wrong_texts.iter().filter(|text| text.contains(normal.text())).count(), word)
        })
        .collect();
    ranked.sort_by_key(|(count, word)| (std::cmp::Reverse(*count), word.chars().count(), word.clone()));
    ranked.into_iter().take(TRIED).map(|(_, word)| word).collect()
}

/// The words of a span with whole words that stand around them in the same clause.
fn around(segmenter: &Segmenter, complaint: &Complaint, span: Span) -> Vec<String> {
    let field = match span.field {
        Where::Title => complaint.title.as_str(),
        Where::Text => complaint.text.as_str(),
        Where::Subject => complaint.subject.as_deref().unwrap_or_default(),
    };
    let (start, end) = (span.start as usize, span.end as usize);
    let (Some(before), Some(word), Some(after)) =
        (field.get(..start), field.get(start..end), field.get(end..))
    else {
        return Vec::new();
    };
    let before = before.rsplit(BREAKS).next().unwrap_or_default();
    let after = after.split(BREAKS).next().unwrap_or_default();
    let starts = segmenter.cut(before).into_iter().rev().take(WORDS).map(|token| token.start);
    let heads: Vec<&str> = std::iter::once("").chain(starts.map(|at| &before[at..])).collect();
    let ends = segmenter.cut(after).into_iter().take(WORDS).map(|token| token.end);
    let tails: Vec<&str> = std::iter::once("").chain(ends.map(|at| &after[..at])).collect();
    let mut found = Vec::new();
    for head in &heads {
        for tail in tails.iter().filter(|tail| !(head.is_empty() && tail.is_empty())) {
            found.push(format!("{head}{word}{tail}"));
        }
    }
    found
}
