//! The pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::highlight::{Mark, highlight};
use super::parts::{fact, level, link, page, sorry, state, time};
use super::read::{ReadModel, ask};
use super::shown::Shown;
use super::{PAGE, RulesShown, ShowRules};
use crate::model::{
    Alert, AlertBody, AlertId, ComplaintId, GroupAlert, KeptApart, MemberEvidence, NotifyReason, RiskAlert,
    RiskHit, Span, Where,
};
use crate::store::{AlertFilter, Delivery, StoreError, StoredAlert};

type Model = State<Arc<dyn ReadModel>>;

/// Where a page of the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Begin {
    before: Option<i64>,
}

/// The newest alerts, the last revision of each.
pub(super) async fn list(
    State(model): Model,
    Extension(rules): Extension<ShowRules>,
    begin: Result<Query<Begin>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(begin)) = begin else {
        return sorry(StatusCode::BAD_REQUEST, "网址中的 before 不是数字");
    };
    let filter = AlertFilter { before: begin.before, latest_only: true, ..AlertFilter::default() };
    let found = match ask(model, move |model| model.alerts(&filter, PAGE)).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let next = if found.len() == PAGE as usize { found.last().map(|last| last.key) } else { None };
    let body = html! {
        h1 { "提示" }
        @if found.is_empty() { p.empty { "没有提示" } }
        @for one in &found { (row(one)) }
        nav {
            span { @if begin.before.is_some() { a href="/" { "最新" } } }
            span { @if let Some(key) = next { a href={ "/?before=" (key) } { "更早" } } }
        }
        (rules_in_use(&rules()))
    };
    page("提示", &body)
}

fn rules_in_use(rules: &RulesShown) -> Markup {
    html! {
        p.dim { "规则库 " (rules.pack) "，" (rules.rules) " 条规则，" (time(rules.since)) " 起使用" }
        @if let Some(refused) = &rules.refused {
            div.card { "规则或配置有误，未启用，仍使用上一版：" (refused) }
        }
    }
}

fn row(one: &StoredAlert) -> Markup {
    let alert = &one.alert;
    let place = match &alert.body {
        AlertBody::Group(group) => group.place.as_deref(),
        AlertBody::Risk(risk) => risk.entity.as_deref(),
    };
    html! {
        div.card {
            h3 { (level(alert.level)) a href=(link("alerts", alert.id.as_str())) { (alert.title) } }
            div.dim {
                (state(alert.state)) " " (alert.callers) " 人 · " (alert.complaints) " 件"
                @if let Some(place) = place { " · " (place) }
                " · " (time(alert.raised_at))
            }
        }
    }
}

/// One alert: what is said last, why, and what was said before.
pub(super) async fn alert(State(model): Model, Path(id): Path<String>) -> Response {
    let found = ask(model, move |model| {
        let id = AlertId::from(id);
        let (revisions, deliveries) = (model.alert(&id)?, model.deliveries(&id)?);
        let verdicts = model.judgements(&id)?;
        let members = match revisions.last() {
            Some(last) => explained_members(model, last)?,
            None => BTreeMap::new(),
        };
        Ok((revisions, deliveries, members, verdicts))
    })
    .await;
    let (revisions, deliveries, members, verdicts) = match found {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let Some(last) = revisions.last() else {
        return sorry(StatusCode::NOT_FOUND, "没有这个编号的提示");
    };
    let body = html! {
        (head(last))
        @if !verdicts.is_empty() { h2 { "人工核实" } }
        @for (place, one) in verdicts.iter().rev().enumerate() {
            // Only the last one counts.
            p class=(if place == 0 { "" } else { "dim" }) { (one.chinese()) " " (time(one.at)) }
        }
        @match &last.body {
            AlertBody::Group(group) => (group_reasons(group, &members)),
            AlertBody::Risk(risk) => (risk_reasons(risk, &members)),
        }
        h2 { "全部工单（" (last.members.len()) "）" }
        p { @for id in last.members.iter().rev() { a href=(link("complaints", id.as_str())) { (id) } " " } }
        h2 { "各版" }
        @for (index, one) in revisions.iter().enumerate().rev() {
            div.card {
                (level(one.level)) (state(one.state)) " 第" (one.revision) "版 " (time(one.raised_at))
                " " (NotifyReason::of(index.checked_sub(1).map(|before| &revisions[before]), one).chinese())
                div { (one.title) }
                div.dim { (one.summary) }
                (told(&deliveries, one.revision))
            }
        }
    };
    page(&last.title, &body)
}

/// What became of a revision at each receiver.
fn told(deliveries: &[Delivery], revision: u32) -> Markup {
    html! {
        @for one in deliveries.iter().filter(|one| one.revision == revision) {
            div.dim {
                (one.sink) " " (one.state.chinese())
                @if let Some(at) = one.at { " " (time(at)) }
                @if one.attempts > 0 { "（失败 " (one.attempts) " 次）" }
                @if let Some(said) = &one.said { "：" (said) }
            }
        }
    }
}

fn explained_members(
    model: &dyn ReadModel,
    alert: &Alert,
) -> Result<BTreeMap<ComplaintId, Shown>, StoreError> {
    let ids: Vec<&ComplaintId> = match &alert.body {
        AlertBody::Group(group) => group.evidence.iter().map(|(id, _)| id).chain([&group.central]).collect(),
        AlertBody::Risk(risk) => risk.hits.iter().map(|(id, _)| id).collect(),
    };
    let mut members = BTreeMap::new();
    for id in ids {
        // Retention may have deleted it; the alert still says why it counted.
        if let Some(stored) = model.complaint(id)? {
            members.insert(id.clone(), Shown::from(stored));
        }
    }
    Ok(members)
}

fn head(alert: &Alert) -> Markup {
    html! {
        h1 { (level(alert.level)) (alert.title) }
        p { (alert.summary) }
        dl {
            (fact("编号", Some(html! { (alert.id) " 第" (alert.revision) "版" })))
            (fact("类别", Some(html! { (alert.kind.chinese()) " " (state(alert.state)) })))
            (fact("人数", Some(html! { (alert.callers) " 人，" (alert.complaints) " 件"
                @if alert.anonymous > 0 { "（其中 " (alert.anonymous) " 件无来电人信息，不计人数）" } })))
            (fact("最早", Some(time(alert.first_at))))
            (fact("最近", Some(time(alert.last_at))))
            (fact("判定", Some(time(alert.raised_at))))
        }
    }
}

fn group_reasons(group: &GroupAlert, members: &BTreeMap<ComplaintId, Shown>) -> Markup {
    html! {
        dl {
            (fact("地点", group.place.as_ref().map(|place| html! { (place) })))
            (fact("共同用词", Some(html! { (group.key_terms.join("、")) })))
            (fact("起报", Some(html! { (group.window_days) " 天内 " (group.threshold) " 人" })))
            (fact("平时", group.usual.map(|usual| html! {
                "每个统计期约 " (usual.rounded()) " 人（此前 " (usual.windows) " 期平均）"
            })))
            (fact("已登记事项", group.registered.as_ref().map(|name| html! { (name) "（超出登记时预计的人数）" })))
            (fact("疑似转发", (group.copied > 0).then(|| html! { (group.copied) " 人的文字几乎相同" })))
            (fact("规则库", (!group.pack.is_empty()).then(|| html! { (group.pack) })))
            (fact("归组版本", (!group.grouping.is_empty()).then(|| html! { (group.grouping) })))
            (fact("代表工单", Some(html! { a href=(link("complaints", group.central.as_str())) { (group.central) } })))
        }
        @if let Some(central) = members.get(&group.central) {
            h2 { "代表工单" }
            div.card { (words(central, &[])) }
        }
        h2 { "为何归为一组（最近 " (group.evidence.len()) " 件）" }
        @for (id, evidence) in group.evidence.iter().rev() {
            div.card {
                h3 { a href=(link("complaints", id.as_str())) { (id) } }
                (why_joined(evidence))
                @match members.get(id) {
                    Some(shown) => (words(shown, &evidence_marks(evidence))),
                    None => p.dim { "原文已超过保存期限" },
                }
            }
        }
    }
}

fn risk_reasons(risk: &RiskAlert, members: &BTreeMap<ComplaintId, Shown>) -> Markup {
    html! {
        dl {
            (fact("主体", risk.entity.as_ref().map(|name| html! { (name) })))
            (fact("规则库", Some(html! { (risk.pack) })))
            (risk_facts(risk))
        }
        h2 { "命中的规则（最近 " (risk.hits.len()) " 件）" }
        @for (id, hit) in risk.hits.iter().rev() {
            div.card {
                h3 { a href=(link("complaints", id.as_str())) { (id) } }
                (why_risky(hit))
                @match members.get(id) {
                    Some(shown) => (words(shown, &hit_marks(hit))),
                    None => p.dim { "原文已超过保存期限" },
                }
            }
        }
    }
}

fn risk_facts(risk: &RiskAlert) -> Markup {
    html! {
        @if let Some(index) = &risk.index {
            (fact("风险指数", Some(html! { (index.total) "（满分100，供排序参考，不是结论）" })))
            @for one in &index.dimensions { (fact(one.dimension.chinese(), Some(html! { (one.chinese()) }))) }
        }
        (fact("街道", (!risk.streets.is_empty()).then(|| html! { (risk.streets.join("、")) })))
        (fact("关联群诉", (!risk.incidents.is_empty()).then(|| html! {
            @for id in &risk.incidents { a href=(link("alerts", id.as_str())) { (id) } " " }
        })))
    }
}

/// One complaint: what was decided about it and why, also when nothing was raised.
pub(super) async fn complaint(State(model): Model, Path(id): Path<String>) -> Response {
    let found = ask(model, move |model| model.complaint(&ComplaintId::from(id))).await;
    let shown = match found {
        Ok(Some(stored)) => Shown::from(stored),
        Ok(None) => return sorry(StatusCode::NOT_FOUND, "没有这个编号的工单"),
        Err(error) => return failed(&error),
    };
    let decision = &shown.decision;
    let mut marks: Vec<(Span, Mark)> = decision.risks.iter().flat_map(hit_marks).collect();
    marks.extend(decision.group.evidence.iter().flat_map(|evidence| evidence_marks(evidence)));
    marks.extend(decision.places.iter().filter_map(|place| Some((place.span?, Mark::Place))));
    let body = html! {
        h1 { "工单 " (shown.id) }
        (facts(&shown))
        div.card { (words(&shown, &marks)) }
        h2 { "提示" }
        @if decision.raised.is_empty() { p { "这件工单到达时没有触发提示。" } }
        @for (id, revision, raised) in &decision.raised {
            p { (level(*raised)) "触发 " a href=(link("alerts", id.as_str())) { (id) } " 第" (revision) "版" }
        }
        h2 { "归组" }
        @match (&shown.group, &decision.group.evidence) {
            (None, _) => p { "独立，没有找到同一事项的其他工单。" },
            (Some(group), None) => p { (group) "，为该组的第一件。" },
            (Some(group), Some(evidence)) => { p { (group) } (why_joined(evidence)) },
        }
        @if let Some(former) = decision.group.former(shown.group.as_ref()) {
            p.dim { "到达时归入 " (former) "，该组后来与别的组合并。" }
        }
        @if let Some(name) = &decision.group.registered {
            p.dim { "该组属于已登记事项“" (name) "”，人数未超出登记时预计的，没有列为群诉事件。" }
        }
        @if decision.group.late { p.dim { "到达时已晚于允许的时间，仍按发生时间处理。" } }
        @if !decision.group.kept_apart.is_empty() {
            p { "相近而未并入：" }
            ul { @for apart in &decision.group.kept_apart { li { (why_apart(apart)) } } }
        }
        h2 { "金融风险" }
        @if decision.risks.is_empty() { p { "没有命中规则。" } }
        @for hit in &decision.risks { div.card { (why_risky(hit)) } }
    };
    page(&format!("工单 {}", shown.id), &body)
}

fn facts(shown: &Shown) -> Markup {
    let place: Vec<&str> = [&shown.district, &shown.street, &shown.community, &shown.address]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let read: Vec<&str> = shown.decision.places.iter().map(|place| &*place.name).collect();
    let text = |value: &str| (!value.is_empty()).then(|| html! { (value) });
    html! {
        dl {
            (fact("来电时间", Some(time(shown.received_at))))
            (fact("渠道", shown.channel.as_deref().and_then(text)))
            (fact("来电人", Some(match (&shown.phone, shown.has_caller) {
                (Some(phone), _) => html! { (phone) },
                (None, true) => html! { "已隐去" },
                (None, false) => html! { "无信息，不计入人数" },
            })))
            (fact("地点", text(&place.join(" "))))
            (fact("识别到的地点", text(&read.join("、"))))
            (fact("分类", text(&shown.category.join(" / "))))
            (fact("被反映单位", shown.subject.as_deref().and_then(text)))
            (fact("标签", text(&shown.tags.join("、"))))
            (fact("版本", (shown.version > 1).then(|| html! { "第" (shown.version) "版" })))
        }
    }
}

fn words(shown: &Shown, marks: &[(Span, Mark)]) -> Markup {
    html! {
        @if !shown.title.is_empty() { h3 { (highlight(&shown.title, Where::Title, marks)) } }
        @if !shown.text.is_empty() { div.words { (highlight(&shown.text, Where::Text, marks)) } }
        @if let Some(subject) = &shown.subject
            && marks.iter().any(|(span, _)| span.field == Where::Subject)
        {
            div { "被反映单位：" (highlight(subject, Where::Subject, marks)) }
        }
    }
}

fn why_joined(evidence: &MemberEvidence) -> Markup {
    let terms = evidence.shared_terms.iter().map(|shared| format!("{} {:.2}", shared.term, shared.weight));
    let places: Vec<&str> = evidence.shared_places.iter().map(|place| &*place.name).collect();
    let parts: Vec<String> = evidence.parts.iter().map(crate::model::ScorePart::chinese).collect();
    html! {
        div.dim {
            "最像 " a href=(link("complaints", evidence.nearest.as_str())) { (evidence.nearest) }
            (format!("，相似度 {:.2}，门槛 {:.2}", evidence.similarity, evidence.threshold))
            @if !places.is_empty() { "；地点一致：" (places.join("、")) }
            "；共同用词：" (terms.collect::<Vec<_>>().join("、"))
            @if !parts.is_empty() { "；计分：" (parts.join("，")) }
        }
    }
}

fn why_apart(apart: &KeptApart) -> Markup {
    let reason = apart.chinese();
    html! {
        a href=(link("complaints", apart.nearest.as_str())) { (apart.nearest) }
        (format!("：{reason}（相似度 {:.2}，门槛 {:.2}）", apart.similarity, apart.threshold))
    }
}

fn why_risky(hit: &RiskHit) -> Markup {
    let parts: Vec<String> = hit.parts.iter().map(crate::model::ScorePart::chinese).collect();
    let verdict = match hit.alert_at {
        // The rule is on trial.
        i32::MAX => "试运行，只记录".to_owned(),
        at if hit.alerts() => format!("达到 {at} 分"),
        at => format!("未达到 {at} 分，只记录"),
    };
    let verdict = match &hit.suppressed {
        Some(suppressed) => suppressed.chinese(),
        None => verdict,
    };
    html! {
        div {
            "规则 " (hit.rule) " 第" (hit.rule_version) "版 · " (hit.category) " · " (hit.score) " 分，" (verdict)
            @if let Some(entity) = &hit.entity { " · 主体：" (entity) }
            @if !hit.tags.is_empty() { " · 标签：" (hit.tags.join("、")) }
        }
        div.dim { (parts.join("，")) }
        @if !hit.masked.is_empty() { div.dim { "划线处形似而不计分" } }
    }
}

fn evidence_marks(evidence: &MemberEvidence) -> Vec<(Span, Mark)> {
    let terms = evidence.shared_terms.iter().filter_map(|shared| Some((shared.span?, Mark::Term)));
    let places = evidence.shared_places.iter().filter_map(|place| Some((place.span?, Mark::Place)));
    terms.chain(places).collect()
}

fn hit_marks(hit: &RiskHit) -> Vec<(Span, Mark)> {
    let terms = hit.spans.iter().map(|&span| (span, Mark::Term));
    let masked = hit.masked.iter().map(|&span| (span, Mark::Masked));
    let entity = hit.entity_span.map(|span| (span, Mark::Entity));
    terms.chain(masked).chain(entity).collect()
}

fn failed(error: &StoreError) -> Response {
    sorry(StatusCode::SERVICE_UNAVAILABLE, &format!("暂时读不到数据：{error}"))
}
