//! `fenghuo explain`: why an alert was raised, or why nothing was.

use std::path::PathBuf;

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Args, ValueHint};
use serde_json::json;

use crate::deliver::{local_time, render_alert};
use crate::model::{
    Alert, AlertBody, AlertId, ComplaintId, GroupAlert, KeptApart, MemberEvidence, NotifyReason, RiskHit,
    ScorePart, Span, Where,
};
use crate::store::sqlite::SqliteStore;
use crate::store::{Delivery, Store, StoredComplaint};

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo explain QS20260301-7F3K2QXA
  fenghuo explain 20260228-001234 --json

Exit code 1 says that there is no alert and no complaint of this id.";

/// Arguments of `fenghuo explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The id of an alert or of a complaint
    #[arg(value_name = "ALERT_ID|COMPLAINT_ID")]
    pub id: String,

    /// Folder with the daemon's data (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the explanation as JSON
    #[arg(long)]
    pub json: bool,
}

/// Looks an alert or a complaint up and says why it is as it is.
///
/// # Errors
/// When the configuration is wrong or the store cannot be read.
pub fn run(args: &ExplainArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut config = context.config()?.config.store;
    if let Some(folder) = &args.data_dir {
        config.path.clone_from(folder);
    }
    let store = SqliteStore::open_read_only(&config)?;
    let revisions = store.alert(&AlertId::from(args.id.as_str()))?;
    if let Some(last) = revisions.last() {
        let deliveries = store.deliveries(&last.id)?;
        if args.json {
            let reasons: Vec<NotifyReason> = reasons(&revisions).map(|(_, reason)| reason).collect();
            let verdicts = store.judgements(Some(&last.id))?;
            context.print_json(&json!({
                "kind": "alert", "revisions": revisions, "reasons": reasons, "deliveries": deliveries,
                "verdicts": verdicts,
            }))?;
        } else {
            let mut words = render_alert(last);
            for judgement in store.judgements(Some(&last.id))? {
                writeln!(words, "  核实：{}", judgement.chinese())?;
            }
            words.push_str(&told(&revisions, &deliveries));
            words.push('\n');
            if let AlertBody::Group(group) = &last.body {
                words.push_str(&members(group, &store)?);
            }
            print(context, &words)?;
        }
        return Ok(Exit::Ok);
    }
    if let Some(stored) = store.complaint(&ComplaintId::from(args.id.as_str()))? {
        if args.json {
            let record = &stored.record;
            context.print_json(&json!({
                "kind": "complaint", "complaint": record.complaint, "group": stored.group,
                "version": record.version, "decision": record.decision,
            }))?;
        } else {
            print(context, &complaint(&stored))?;
        }
        return Ok(Exit::Ok);
    }
    if args.json {
        context.print_json(&json!({ "kind": null, "id": args.id }))?;
    } else {
        print(context, &format!("没有编号为 {} 的提示或诉求\n", args.id))?;
    }
    Ok(Exit::Problems)
}

/// Why each revision was told.
fn reasons(revisions: &[Alert]) -> impl Iterator<Item = (&Alert, NotifyReason)> {
    let before = std::iter::once(None).chain(revisions.iter().map(Some));
    revisions.iter().zip(before).map(|(now, before)| (now, NotifyReason::of(before, now)))
}

/// What was told to whom, revision by revision.
fn told(revisions: &[Alert], deliveries: &[Delivery]) -> String {
    let mut words = String::from("\n告知情况：\n");
    for (alert, reason) in reasons(revisions) {
        let (number, at) = (alert.revision, local_time(alert.raised_at));
        let _ = writeln!(words, "· 第{number}版 {at} {}", reason.chinese());
        for delivery in deliveries.iter().filter(|delivery| delivery.revision == number) {
            let at = delivery.at.map(|at| format!(" {}", local_time(at))).unwrap_or_default();
            let said = delivery.said.as_deref().map(|said| format!("：{said}")).unwrap_or_default();
            let failed = match delivery.attempts {
                0 => String::new(),
                attempts => format!("（失败{attempts}次）"),
            };
            let _ = writeln!(words, "  {} {}{at}{failed}{said}", delivery.sink, delivery.state.chinese());
        }
    }
    words
}

fn print(context: &Context, words: &str) -> anyhow::Result<()> {
    let mut out = context.out();
    out.write_all(words.as_bytes())?;
    Ok(out.flush()?)
}

/// Why each of the newest members is in, with the words as they stand in it.
fn members(group: &GroupAlert, store: &dyn Store) -> anyhow::Result<String> {
    let mut words = String::from("\n各件诉求归入的理由：\n");
    for (id, evidence) in &group.evidence {
        writeln!(words, "· {id} {}", why_joined(evidence))?;
        if let Some(stored) = store.complaint(id)? {
            let marked = marked(&stored, evidence.shared_terms.iter().filter_map(|term| term.span));
            writeln!(words, "  {marked}")?;
        }
    }
    Ok(words)
}

fn why_joined(evidence: &MemberEvidence) -> String {
    let terms: Vec<&str> = evidence.shared_terms.iter().map(|shared| shared.term.as_str()).collect();
    let places: Vec<&str> = evidence.shared_places.iter().map(|place| &*place.name).collect();
    let place = if places.is_empty() {
        String::new()
    } else {
        format!("，地点一致（{}）", places.join("、"))
    };
    let parts: Vec<String> = evidence.parts.iter().map(ScorePart::chinese).collect();
    let parts = if parts.is_empty() { String::new() } else { format!("（{}）", parts.join("，")) };
    format!(
        "与 {} 相似度{:.2}{parts}，达到{:.2}{place}，共同用词：{}",
        evidence.nearest,
        evidence.similarity,
        evidence.threshold,
        terms.join("、")
    )
}

/// Why a complaint is where it is, and why nothing was raised if nothing was.
fn complaint(stored: &StoredComplaint) -> String {
    let record = &stored.record;
    let decision = &record.decision;
    let mut words = format!("诉求 {}（{}）\n", record.complaint.id, local_time(record.complaint.received_at));
    let mut line = |text: String| {
        words.push_str(&text);
        words.push('\n');
    };
    if !record.complaint.title.is_empty() {
        line(format!("标题：{}", record.complaint.title));
    }
    let places: Vec<&str> = decision.places.iter().map(|place| &*place.name).collect();
    line(if places.is_empty() {
        "地点：未能识别".to_owned()
    } else {
        format!("地点：{}", places.join("、"))
    });
    if record.callers.is_empty() {
        line("来电人：无信息，不计入人数".to_owned());
    }
    match (&stored.group, &decision.group.evidence) {
        (None, _) => line("归组：独立，没有找到同一事项的其他诉求".to_owned()),
        (Some(group), None) => line(format!("归组：{group}，为该组的第一件")),
        (Some(group), Some(evidence)) => line(format!("归组：{group}，{}", why_joined(evidence))),
    }
    if let Some(former) = decision.group.former(stored.group.as_ref()) {
        line(format!("合组：到达时归入 {former}，该组后来与别的组合并"));
    }
    for apart in &decision.group.kept_apart {
        line(format!("未并入：{}", why_apart(apart)));
    }
    if let Some(name) = &decision.group.registered {
        line(format!("已登记：该组属于已登记事项“{name}”，人数未超出登记时预计的，没有列为群诉事件"));
    }
    if decision.group.late {
        line("迟到：到达时已晚于允许的时间，仍按发生时间处理".to_owned());
    }
    for hit in &decision.risks {
        line(risk(hit, stored));
    }
    if decision.risks.is_empty() {
        line("金融风险：没有命中规则".to_owned());
    }
    if decision.raised.is_empty() {
        line("提示：这件诉求到达时没有触发提示".to_owned());
    }
    for (id, revision, level) in &decision.raised {
        line(format!("提示：触发 {id} 第{revision}版（{}）", level.chinese()));
    }
    words
}

fn why_apart(apart: &KeptApart) -> String {
    let reason = match apart.reason.as_str() {
        "below_threshold" => format!("相似度{:.2}，未达到{:.2}", apart.similarity, apart.threshold),
        _ => apart.chinese().to_owned(),
    };
    let group = apart.group.as_ref().map(|group| format!("（{group}）")).unwrap_or_default();
    format!("{}{group}，{reason}", apart.nearest)
}

fn risk(hit: &RiskHit, stored: &StoredComplaint) -> String {
    let parts: Vec<String> = hit.parts.iter().map(|part| format!("{} {:+}", part.what, part.score)).collect();
    let verdict = match hit.alert_at {
        i32::MAX => "试运行规则，只记录".to_owned(),
        alert_at if hit.alerts() => format!("达到{alert_at}分"),
        alert_at => format!("未达到{alert_at}分，只记录"),
    };
    let verdict = match &hit.suppressed {
        Some(suppressed) => suppressed.chinese(),
        None => verdict,
    };
    let entity = hit.entity.as_ref().map(|name| format!("，涉及“{name}”")).unwrap_or_default();
    let tags =
        if hit.tags.is_empty() { String::new() } else { format!("，标签：{}", hit.tags.join("、")) };
    format!(
        "金融风险：规则{}第{}版（{}）{}分，{verdict}{entity}{tags}：{}\n  {}",
        hit.rule,
        hit.rule_version,
        hit.category,
        hit.score,
        parts.join("，"),
        marked(stored, hit.spans.iter().copied())
    )
}

/// The words around the spans, each span in 【】.
pub(super) fn marked(stored: &StoredComplaint, spans: impl Iterator<Item = Span>) -> String {
    const AROUND: usize = 6;
    let complaint = &stored.record.complaint;
    let mut pieces = Vec::new();
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_unstable();
    for span in spans {
        let field = match span.field {
            Where::Title => complaint.title.as_str(),
            Where::Text => complaint.text.as_str(),
            Where::Subject => complaint.subject.as_deref().unwrap_or(""),
        };
        let (start, end) = (span.start as usize, span.end as usize);
        // A later version of the complaint may be shorter than the one explained.
        let (Some(before), Some(word), Some(after)) =
            (field.get(..start), field.get(start..end), field.get(end..))
        else {
            continue;
        };
        let skip = before.chars().count().saturating_sub(AROUND);
        let before: String = before.chars().skip(skip).collect();
        let after: String = after.chars().take(AROUND).collect();
        pieces.push(format!("{before}【{word}】{after}").replace('\n', " "));
    }
    pieces.join(" … ")
}
