//! The console over HTTP, on a real store.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use fenghuo::console::{ReadModel, RulesShown, router};
use fenghuo::model::{
    Alert, AlertBody, AlertKind, AlertState, CallerKey, Commit, Complaint, ComplaintRecord, ContentHash,
    Decision, GroupAlert, GroupDecision, KeptApart, Level, MemberEvidence, PartitionKey, RiskAlert, RiskHit,
    ScorePart, SharedTerm, Span, Where,
};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{Store, StoreConfig};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const TEXT: &str = "搅拌站<script>alert(1)</script>夜里很吵";

/// The rules that are shown to be in use.
fn rules() -> RulesShown {
    let refused = Some("a.yaml:1:1: unknown key `<b>`".to_owned());
    RulesShown { pack: "0badcafe0badcafe".into(), rules: 20, since: at(), refused }
}

fn at() -> Timestamp {
    "2026-03-01T03:25:05Z".parse().unwrap()
}

fn span(field: Where, start: u32, end: u32) -> Span {
    Span { field, start, end }
}

fn evidence() -> MemberEvidence {
    MemberEvidence {
        nearest: "a/1 ?#".into(),
        similarity: 0.5,
        threshold: 0.25,
        shared_terms: vec![SharedTerm {
            term: "搅拌站".into(),
            weight: 0.75,
            span: Some(span(Where::Text, 0, 9)),
        }],
        shared_places: Vec::new(),
        parts: vec![ScorePart { what: "terms".into(), score: 0.5 }],
    }
}

fn hit() -> RiskHit {
    RiskHit {
        rule: "F07".into(),
        rule_version: 2,
        category: "预付卡".into(),
        tags: vec!["七有五性".into(), "涉企".into()],
        score: 85,
        alert_at: 80,
        parts: vec![ScorePart { what: "strong:很吵".into(), score: 60.0 }],
        spans: Vec::new(),
        masked: vec![span(Where::Text, 9, 17)],
        entity: Some("<某某>".into()),
        entity_span: None,
        claims: Vec::new(),
        standard: None,
        touches: Vec::new(),
        suppressed: None,
    }
}

fn complaint(id: &str, seq: u64, decision: Decision) -> ComplaintRecord {
    let complaint: Complaint = serde_json::from_value(serde_json::json!({
        "id": id, "received_at": at(), "title": "噪音", "text": TEXT,
        "caller": { "id": "ACCOUNT-PLANTED", "phone": "13800001234", "name": "NAME-PLANTED", "also": ["13900005678"] },
        "place": { "street": "展览路街道", "note": "NOTE-PLANTED" }, "callerName": "OTHER-PLANTED",
    }))
    .unwrap();
    ComplaintRecord {
        seq,
        complaint: Arc::new(complaint),
        callers: [CallerKey(0x00ca_11e2)].into_iter().collect(),
        content: ContentHash(seq),
        version: 1,
        clock: at(),
        decision,
        reading: None,
    }
}

fn alert(id: &str, revision: u32, body: AlertBody) -> Alert {
    Alert {
        id: id.into(),
        revision,
        partition: "main".into(),
        kind: match body {
            AlertBody::Group(_) => AlertKind::GroupIncident,
            AlertBody::Risk(_) => AlertKind::FinancialRisk,
        },
        state: if revision == 1 { AlertState::Raised } else { AlertState::Updated },
        level: Level::Orange,
        raised_at: at(),
        title: format!("【群诉·橙】<b>{id}</b>"),
        summary: format!("第{revision}次说明 & 更多"),
        callers: 3,
        complaints: 4,
        anonymous: 1,
        first_at: at(),
        last_at: at(),
        members: vec!["a/1 ?#".into(), "a2".into(), "gone".into()],
        body,
    }
}

fn group() -> AlertBody {
    AlertBody::Group(GroupAlert {
        group: "g-1".into(),
        place: Some("青石里小区".into()),
        key_terms: vec!["搅拌站".into()],
        central: "a/1 ?#".into(),
        threshold: 3,
        window_days: 30,
        evidence: vec![("a2".into(), evidence().into()), ("gone".into(), evidence().into())],
        grouping: "3-0badcafe".into(),
        pack: String::new(),
        usual: None,
        registered: None,
        copied: 0,
        merged_into: None,
    })
}

fn risk() -> AlertBody {
    AlertBody::Risk(RiskAlert {
        entity: Some("<某某>".into()),
        hits: vec![("a2".into(), hit())],
        pack: "0f".into(),
        claimed: fenghuo::model::Claimed::default(),
        index: None,
        streets: Vec::new(),
        incidents: Vec::new(),
        earlier: Vec::new(),
    })
}

struct Site {
    _dir: tempfile::TempDir,
    address: SocketAddr,
}

impl Site {
    async fn open(complaints: Vec<ComplaintRecord>, alerts: Vec<Alert>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&StoreConfig::at(dir.path())).unwrap());
        let commit = Commit {
            clock: Some(at()),
            complaints,
            alerts,
            ..Commit::new(PartitionKey::from("main"), 0, at())
        };
        store.commit(&commit, &["centre".into()]).unwrap();
        let model: Arc<dyn ReadModel> = Arc::new(store);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router(model, Arc::new(rules))).await });
        Self { _dir: dir, address }
    }

    async fn example() -> Self {
        let alone = Decision {
            group: GroupDecision {
                kept_apart: vec![KeptApart {
                    nearest: "a2".into(),
                    group: None,
                    similarity: 0.2,
                    threshold: 0.25,
                    reason: "other_place".into(),
                }],
                ..GroupDecision::default()
            },
            ..Decision::default()
        };
        let joined = Decision {
            group: GroupDecision {
                group: Some("g-1".into()),
                evidence: Some(evidence().into()),
                ..GroupDecision::default()
            },
            risks: vec![hit()],
            raised: vec![("QS-1".into(), 1, Level::Orange)],
            ..Decision::default()
        };
        let complaints = vec![complaint("a/1 ?#", 0, alone), complaint("a2", 1, joined)];
        let alerts = vec![alert("QS-1", 1, group()), alert("JR-1", 1, risk()), alert("QS-1", 2, group())];
        Self::open(complaints, alerts).await
    }

    async fn get(&self, path: &str) -> (u16, reqwest::header::HeaderMap, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    }

    async fn page(&self, path: &str) -> String {
        let (status, headers, body) = self.get(path).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (200, "text/html; charset=utf-8"),
            "{body}"
        );
        body
    }

    async fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

const PAGES: [&str; 5] =
    ["/", "/alerts/QS-1", "/alerts/JR-1", "/complaints/a2", "/complaints/a%2F1%20%3F%23"];
const API: [&str; 5] = [
    "/v1/alerts",
    "/v1/alerts/QS-1",
    "/v1/alerts/JR-1",
    "/v1/complaints/a2",
    "/v1/complaints/a%2F1%20%3F%23",
];

#[tokio::test]
async fn a_foreign_name_for_this_machine_reads_nothing() {
    let site = Site::example().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in PAGES.iter().chain(&API) {
        let url = format!("http://{}{path}", site.address);
        let answer = client.get(url).header("host", "attacker.example:8787").send().await.unwrap();
        assert_eq!(answer.status(), 421, "{path}");
        let told = answer.text().await.unwrap();
        assert!(told.starts_with("the console is served under the names of this machine only"), "{told}");
    }
}

#[tokio::test]
async fn nothing_about_the_caller_but_a_masked_phone() {
    let site = Site::example().await;
    for path in PAGES.iter().chain(&API) {
        let (status, _, body) = site.get(path).await;
        assert_eq!(status, 200, "{path}");
        for secret in ["PLANTED", "13800001234", "0001234", "13900005678", "ca11e2"] {
            assert!(!body.contains(secret), "{secret} at {path}: {body}");
        }
    }
    assert_eq!(site.json("/v1/complaints/a2").await["phone"], "138****1234");
    assert!(site.page("/complaints/a2").await.contains("138****1234"));
}

#[tokio::test]
async fn words_from_outside_are_escaped_and_the_policy_allows_only_our_style() {
    let site = Site::example().await;
    for path in PAGES {
        let (_, headers, body) = site.get(path).await;
        assert!(
            !body.contains("<script") && !body.contains("<b>") && !body.contains("<某某>"),
            "{path}: {body}"
        );
        assert!(
            !body.contains("http://") && !body.contains("https://") && !body.contains(" style="),
            "{path}"
        );
        let style = body.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_group_is_explained_with_the_shared_words_marked() {
    let site = Site::example().await;
    let list = site.page("/").await;
    assert!(list.contains(r#"<span class="level orange">橙</span>"#), "{list}");
    assert_eq!(list.matches("href=\"/alerts/QS-1\"").count(), 1, "only the last revision");
    assert!(list.contains("3 人 · 4 件 · 青石里小区 · ") && list.contains("2026-03-01 11:25"), "{list}");

    let page = site.page("/alerts/QS-1").await;
    for said in [
        r#"<mark class="m-term" title="依据">搅拌站</mark>&lt;script&gt;"#,
        "30 天内 3 人",
        "相似度 0.50，门槛 0.25；共同用词：搅拌站 0.75；计分：用词 +0.5",
        r#"href="/complaints/a%2F1%20%3F%23""#,
        "原文已超过保存期限",
        "第1次说明 &amp; 更多",
        "第2次说明",
        "首次提示",
        "centre 待发",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    let deliveries = site.json("/v1/alerts/QS-1").await["deliveries"].take();
    assert_eq!((&deliveries[0]["sink"], &deliveries[0]["state"]), (&"centre".into(), &"waiting".into()));
}

#[tokio::test]
async fn a_risk_and_complaints_are_explained() {
    let site = Site::example().await;
    let page = site.page("/alerts/JR-1").await;
    let masked = r#"<mark class="m-masked" title="已排除，不计分">&lt;script&gt;</mark>"#;
    for said in ["规则 F07 第2版 · 预付卡 · 85 分，达到 80 分", "强特征 很吵 +60", masked, "&lt;某某&gt;"]
    {
        assert!(page.contains(said), "{said} in {page}");
    }
    let joined = site.page("/complaints/a2").await;
    for said in ["触发 <a href=\"/alerts/QS-1\">QS-1</a> 第1版", "g-1", "展览路街道", "规则 F07"] {
        assert!(joined.contains(said), "{said} in {joined}");
    }
    let alone = site.page("/complaints/a%2F1%20%3F%23").await;
    for said in ["没有触发提示", "独立", "地点不同（相似度 0.20，门槛 0.25）", "没有命中规则"]
    {
        assert!(alone.contains(said), "{said} in {alone}");
    }
}

#[tokio::test]
async fn the_json_answers_page_through_everything() {
    let many = (0..7).map(|n| alert(&format!("QS-{n}"), 1, group())).collect();
    let site = Site::open(Vec::new(), many).await;
    let mut seen: Vec<String> = Vec::new();
    let mut path = "/v1/alerts?limit=3".to_owned();
    loop {
        let page = site.json(&path).await;
        let alerts = page["alerts"].as_array().unwrap();
        seen.extend(alerts.iter().map(|one| one["alert"]["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_i64() else { break };
        path = format!("/v1/alerts?limit=3&before={next}");
    }
    assert_eq!(seen, ["QS-6", "QS-5", "QS-4", "QS-3", "QS-2", "QS-1", "QS-0"]);

    let site = Site::example().await;
    assert_eq!(site.json("/v1/alerts").await["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(site.json("/v1/alerts?revisions=all").await["alerts"].as_array().unwrap().len(), 3);
    let revisions = site.json("/v1/alerts/QS-1").await["revisions"].take();
    let revisions: Vec<Alert> = serde_json::from_value(revisions).unwrap();
    assert_eq!(revisions, [alert("QS-1", 1, group()), alert("QS-1", 2, group())]);
    assert_eq!(site.json("/v1/complaints/a2").await["decision"]["group"]["group"], "g-1");
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_is_said_so() {
    let site = Site::open(Vec::new(), Vec::new()).await;
    assert!(site.page("/").await.contains("没有提示"));
    for (path, status, said) in [
        ("/alerts/none", 404, "没有这个编号的提示"),
        ("/complaints/%3Cb%3E", 404, "没有这个编号的工单"),
        ("/?before=x", 400, "不是数字"),
        ("/v1/alerts/none", 404, "no alert of this id"),
        ("/v1/complaints/none", 404, "no complaint of this id"),
        ("/v1/alerts?limit=0", 400, "limit is 0; use 1 to 500"),
        ("/v1/alerts?limit=x", 400, "limit"),
        ("/v1/alerts?limti=1", 400, "limti"),
    ] {
        let (found, headers, body) = site.get(path).await;
        assert_eq!(found, status, "{path}: {body}");
        assert!(body.contains(said), "{path}: {body}");
        assert!(headers.contains_key("content-security-policy"), "{path}");
    }
}
