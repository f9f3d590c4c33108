//! Alerts as an engine would raise them: what templates are checked with, and tests.

use crate::model::{
    Alert, AlertBody, AlertKind, AlertState, GroupAlert, Level, RiskAlert, RiskHit, ScorePart, Span, Where,
};

/// A group incident as an engine would raise it.
pub(in crate::deliver) fn group() -> Alert {
    let members: Vec<_> = (1..=6).map(|n| format!("2026022800{n:04}").into()).collect();
    Alert {
        id: "QS20260301-7F3K2QXA".into(),
        revision: 1,
        partition: "main".into(),
        kind: AlertKind::GroupIncident,
        state: AlertState::Raised,
        level: Level::Blue,
        raised_at: "2026-03-01T03:25:05Z".parse().expect("a time"),
        title: "【群诉·蓝】青石里小区：搅拌站噪音".into(),
        summary: "3人反映青石里小区旁搅拌站夜间施工。".into(),
        callers: 3,
        complaints: 6,
        anonymous: 1,
        first_at: "2026-02-26T00:12:00Z".parse().expect("a time"),
        last_at: "2026-03-01T03:25:05Z".parse().expect("a time"),
        members: members.clone(),
        body: AlertBody::Group(GroupAlert {
            group: "g-1".into(),
            place: Some("展览路街道 青石里小区".into()),
            key_terms: vec!["搅拌站".into(), "噪音".into()],
            central: members[0].clone(),
            threshold: 3,
            window_days: 30,
            evidence: Vec::new(),
            grouping: "3-0badcafe".into(),
            pack: "0123456789abcdef".into(),
            usual: None,
            registered: None,
            copied: 0,
            merged_into: None,
        }),
    }
}

/// A financial risk as an engine would raise it.
pub(in crate::deliver) fn risk() -> Alert {
    let part = |what: &str, score| ScorePart { what: what.into(), score };
    let hit = RiskHit {
        rule: "F07".into(),
        rule_version: 2,
        tags: vec!["涉企".into()],
        category: "预付卡".into(),
        score: 85,
        alert_at: 80,
        parts: vec![part("strong:跑路", 60.0), part("context:预付", 30.0), part("lower:询问", -5.0)],
        spans: vec![Span { field: Where::Text, start: 0, end: 6 }],
        masked: Vec::new(),
        entity: Some("某某健身".into()),
        entity_span: None,
        claims: Vec::new(),
        standard: None,
        touches: Vec::new(),
        suppressed: None,
    };
    Alert {
        id: "JR20260301-0C4M9TPD".into(),
        kind: AlertKind::FinancialRisk,
        level: Level::Orange,
        title: "某某健身 卷款跑路".into(),
        summary: String::new(),
        callers: 2,
        complaints: 2,
        anonymous: 0,
        members: vec!["a1".into(), "a2".into()],
        body: AlertBody::Risk(RiskAlert {
            entity: Some("某某健身".into()),
            hits: vec![("a1".into(), hit)],
            pack: "0123456789abcdef".into(),
            claimed: crate::model::Claimed::default(),
            index: None,
            streets: Vec::new(),
            incidents: Vec::new(),
            earlier: Vec::new(),
        }),
        ..group()
    }
}

/// One of each kind and state, with and without what may be missing, with more than fits, and with
/// words that would be markup.
pub(in crate::deliver) fn all() -> Vec<Alert> {
    let states = [AlertState::Raised, AlertState::Updated, AlertState::Resolved, AlertState::Reopened];
    let levels = [Level::Blue, Level::Yellow, Level::Orange, Level::Red];
    let mut alerts = Vec::new();
    for (state, level) in states.into_iter().zip(levels) {
        for alert in [group(), risk()] {
            alerts.push(Alert { state, level, ..alert });
        }
    }
    let AlertBody::Group(group_body) = group().body else { unreachable!("a group incident") };
    let bare = GroupAlert { place: None, key_terms: Vec::new(), ..group_body };
    alerts.push(Alert { body: AlertBody::Group(bare), summary: String::new(), ..group() });
    alerts.push(Alert {
        title: "【群诉·红】<@all> [x](http://a) **".into(),
        summary: "很长的说明。".repeat(2000),
        ..group()
    });
    alerts
}
