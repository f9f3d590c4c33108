//! Channels against local robots that keep to what the vendors document: error codes in a 200,
//! limits by the minute, signatures, lengths.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use base64::Engine as _;
use fenghuo::deliver::channel::{
    self, ChannelConfig, ChannelSecrets, DingtalkConfig, FeishuConfig, WecomConfig,
};
use fenghuo::deliver::{RetryConfig, Sink, SinkState, Words};
use fenghuo::model::{Alert, Level};
use fenghuo::store::{DeadLetterFilter, Store as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use super::{Desk, Worker, alert, until};

const SECRET: &str = "SEC-PLANTED-SECRET";

/// A local robot of one vendor.
#[derive(Clone)]
struct Robot {
    vendor: &'static str,
    per_minute: usize,
    /// Answers with which to begin, in place of its own: status and body.
    script: Arc<Mutex<Vec<(u16, Value)>>>,
    taken: Arc<Mutex<Vec<Value>>>,
    stamps: Arc<Mutex<Vec<Instant>>>,
    slow: Duration,
}

impl Robot {
    fn new(vendor: &'static str) -> Self {
        let per_minute = if vendor == "feishu" { 100 } else { 20 };
        let (script, taken, stamps) = Default::default();
        Self { vendor, per_minute, script, taken, stamps, slow: Duration::ZERO }
    }

    fn with_script(self, script: Vec<(u16, Value)>) -> Self {
        *self.script.lock().unwrap() = script;
        self
    }

    async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(routing::post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn texts(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|body| text_of(self.vendor, body).to_owned()).collect()
    }

    fn error(&self, code: i64, message: &str) -> (StatusCode, Json<Value>) {
        let body = match self.vendor {
            "feishu" => json!({ "code": code, "msg": message, "data": {} }),
            _ => json!({ "errcode": code, "errmsg": message }),
        };
        (StatusCode::OK, Json(body))
    }
}

fn text_of<'v>(vendor: &str, body: &'v Value) -> &'v str {
    let text = match vendor {
        "wecom" => &body["markdown"]["content"],
        "dingtalk" => &body["markdown"]["text"],
        _ => &body["card"]["elements"][0]["text"]["content"],
    };
    text.as_str().unwrap_or_default()
}

fn hmac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

type Params = Query<std::collections::BTreeMap<String, String>>;

async fn take(State(robot): State<Robot>, Query(query): Params, body: Bytes) -> (StatusCode, Json<Value>) {
    tokio::time::sleep(robot.slow).await;
    let mut script = robot.script.lock().unwrap();
    if !script.is_empty() {
        let (status, body) = script.remove(0);
        return (StatusCode::from_u16(status).unwrap(), Json(body));
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let now = Timestamp::now();
    match robot.vendor {
        "wecom" if query.get("key").is_none_or(|key| key != "KEY-PLANTED") => {
            return robot.error(93_000, "invalid webhook url");
        }
        "wecom" if text_of("wecom", &body).len() > 4096 => {
            return robot.error(40_058, "markdown.content exceed max length 4096");
        }
        "dingtalk" => {
            let stamp = query.get("timestamp").map_or("", String::as_str);
            let wanted = hmac(SECRET, &format!("{stamp}\n{SECRET}"));
            let age = stamp.parse().map_or(i64::MAX, |stamp: i64| (now.as_millisecond() - stamp).abs());
            if query.get("sign") != Some(&wanted) || age > 3_600_000 {
                return robot.error(310_000, "sign not match");
            }
        }
        "feishu" => {
            let stamp = body["timestamp"].as_str().unwrap_or("0");
            let wanted = hmac(&format!("{stamp}\n{SECRET}"), "");
            if body["sign"] != wanted.as_str()
                || (now.as_second() - stamp.parse::<i64>().unwrap()).abs() > 3600
            {
                return robot
                    .error(19_021, "sign match fail or timestamp is not within one hour from current time");
            }
        }
        _ => {}
    }
    let mut stamps = robot.stamps.lock().unwrap();
    stamps.push(Instant::now());
    let within = |window: u64| stamps.iter().filter(|at| at.elapsed() < Duration::from_secs(window)).count();
    if within(60) > robot.per_minute || robot.vendor == "feishu" && within(1) > 5 {
        let code = match robot.vendor {
            "wecom" => 45_009,
            "dingtalk" => 130_101,
            _ => 11_232,
        };
        return robot.error(code, "too fast");
    }
    robot.taken.lock().unwrap().push(body);
    robot.error(0, "ok")
}

fn config(vendor: &str) -> ChannelConfig {
    let env = || Some("UNUSED".to_owned());
    let retry = RetryConfig { initial_seconds: 1, max_seconds: 1, give_up_after_hours: None };
    let mut config = ChannelConfig { retry, ..ChannelConfig::default() };
    match vendor {
        "wecom" => config.wecom = Some(WecomConfig { url_env: env(), ..WecomConfig::default() }),
        "dingtalk" => {
            config.dingtalk =
                Some(DingtalkConfig { url_env: env(), secret_env: env(), ..DingtalkConfig::default() });
        }
        _ => {
            config.feishu =
                Some(FeishuConfig { url_env: env(), secret_env: env(), ..FeishuConfig::default() });
        }
    }
    config
}

fn sink(name: &str, vendor: &str, address: SocketAddr) -> Arc<dyn Sink> {
    let (url, secret, path) = match vendor {
        "wecom" => ("wecom.url", "", "cgi-bin/webhook/send?key=KEY-PLANTED"),
        "dingtalk" => ("dingtalk.url", "dingtalk.secret", "robot/send?access_token=KEY-PLANTED"),
        _ => ("feishu.url", "feishu.secret", "open-apis/bot/v2/hook/KEY-PLANTED"),
    };
    let secrets =
        ChannelSecrets::from([(url, format!("http://{address}/{path}\n").into()), (secret, SECRET.into())]);
    let words = Arc::new(Words::load(None, Some("https://fenghuo.example")).unwrap());
    channel::open(name, &config(vendor), &secrets, &words).unwrap()
}

fn worker(desk: &Desk, vendor: &str, address: SocketAddr) -> Worker {
    desk.worker_of("a", sink(&desk.sink, vendor, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_robot_takes_an_alert_in_its_own_form() {
    for vendor in ["wecom", "dingtalk", "feishu"] {
        let desk = Desk::new(&format!("t-form-{vendor}"));
        let robot = Robot::new(vendor);
        desk.commit(vec![alert("QS-1", 1), alert("QS-1", 2)]);
        let worker = worker(&desk, vendor, robot.serve().await);
        until("both revisions", || desk.pending() == 0).await;
        assert_eq!(worker.state(), SinkState::Ok);
        worker.stop().await;
        let texts = robot.texts();
        assert_eq!(texts.len(), 2, "{vendor}");
        for wanted in ["3人", "https://fenghuo.example/alerts/QS-1", "QS-1 第1版"] {
            assert!(texts[0].contains(wanted), "{vendor}: {wanted} in {}", texts[0]);
        }
        assert!(texts[1].contains("QS-1 第2版"), "{vendor}: in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_a_200_is_no_delivery() {
    let desk = Desk::new("t-codes");
    let robot = Robot::new("wecom").with_script(vec![
        (200, json!({ "errcode": -1, "errmsg": "system busy" })),
        (500, json!({ "errcode": 0 , "errmsg": "not so" })),
        (502, json!("bad gateway")),
        (200, json!({ "errcode": 40_058, "errmsg": "invalid Request Parameter" })),
    ]);
    desk.commit(vec![alert("QS-1", 1), alert("QS-1", 2)]);
    let worker = worker(&desk, "wecom", robot.serve().await);
    until("both to be settled", || desk.pending() == 0).await;
    worker.stop().await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(
        (letters[0].at.as_str(), letters[0].detail.as_str()),
        ("QS-1.1", "code 40058 invalid Request Parameter")
    );
    assert_eq!(robot.texts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_whose_settings_are_wrong_raises_an_alarm_and_keeps_what_waits() {
    for (vendor, code) in [("dingtalk", 310_000), ("feishu", 19_024), ("wecom", 93_000)] {
        let desk = Desk::new(&format!("t-alarm-{vendor}"));
        let field = if vendor == "feishu" { "code" } else { "errcode" };
        let said = format!("refused KEY-PLANTED {SECRET}");
        let robot = Robot::new(vendor).with_script(vec![(200, json!({ field: code, "msg": said })); 2]);
        desk.commit(vec![alert("QS-1", 1)]);
        let worker = worker(&desk, vendor, robot.serve().await);
        until("the alarm", || matches!(worker.state(), SinkState::Alarmed { .. })).await;
        let shown = format!("{:?}", worker.state());
        assert!(shown.contains(&code.to_string()) && !shown.contains("PLANTED"), "{shown}");
        until("delivery once it is mended", || desk.pending() == 0).await;
        worker.stop().await;
        assert!(desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_that_was_told_too_fast_is_left_alone_as_long_as_its_vendor_says() {
    let desk = Desk::new("t-too-fast");
    let robot = Robot::new("dingtalk")
        .with_script(vec![(200, json!({ "errcode": 130_101, "errmsg": "send too fast" }))]);
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = worker(&desk, "dingtalk", robot.serve().await);
    until("the pause", || matches!(worker.state(), SinkState::Failing { .. })).await;
    desk.forward(590);
    worker.wake.wake();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(robot.texts().is_empty(), "ten minutes are not over");
    desk.forward(20);
    worker.wake.wake();
    until("the alert", || desk.pending() == 0).await;
    worker.stop().await;
    assert_eq!(robot.texts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_becomes_digests_within_the_limit_with_nothing_lost_and_the_highest_first() {
    let desk = Desk::new("t-flood");
    let robot = Robot::new("wecom");
    let flood: Vec<Alert> =
        (0..120).map(|n| Alert { level: level_of(n), ..alert(&format!("QS-{n:04}"), 1) }).collect();
    desk.commit(flood);
    let worker = worker(&desk, "wecom", robot.serve().await);
    until("the flood to be told", || desk.pending() == 0).await;
    assert_eq!(worker.state(), SinkState::Ok, "never too fast");
    worker.stop().await;
    let texts = robot.texts();
    assert!((3..=8).contains(&texts.len()), "{} messages", texts.len());
    let all = texts.join("\n");
    for n in 0..120 {
        assert_eq!(all.matches(&format!("[QS-{n:04}]")).count(), 1, "QS-{n:04} is told once");
    }
    assert!(texts[0].contains("条提示一并告知：红"), "{}", texts[0]);
    let first = |level: Level| {
        let ids = (0..120).filter(|n| level_of(*n) == level);
        ids.map(|n| all.find(&format!("[QS-{n:04}]")).unwrap()).collect::<Vec<_>>()
    };
    let (red, blue) = (first(Level::Red), first(Level::Blue));
    assert!(red.iter().max() < blue.iter().min(), "every red one stands before every blue one");
}

fn level_of(n: usize) -> Level {
    [Level::Blue, Level::Yellow, Level::Orange, Level::Red][n % 4]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_is_refused_is_told_one_by_one() {
    let desk = Desk::new("t-digest-refused");
    let robot = Robot::new("feishu").with_script(vec![(400, json!({ "code": 9499, "msg": "Bad Request" }))]);
    desk.commit((0..6).map(|n| alert(&format!("QS-{n}"), 1)).collect());
    let worker = worker(&desk, "feishu", robot.serve().await);
    until("all six", || desk.pending() == 0).await;
    worker.stop().await;
    assert_eq!(robot.texts().len(), 6);
    assert!(desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_robot_is_given_up_in_time_and_tried_again() {
    let desk = Desk::new("t-slow");
    let mut robot = Robot::new("wecom");
    robot.slow = Duration::from_secs(5);
    desk.commit(vec![alert("QS-1", 1)]);
    let address = robot.serve().await;
    let secrets = ChannelSecrets::from([("wecom.url", format!("http://{address}/?key=KEY-PLANTED").into())]);
    let words = Arc::new(Words::load(None, None).unwrap());
    let config = ChannelConfig { timeout_seconds: 1, ..config("wecom") };
    let sink = channel::open(&desk.sink, &config, &secrets, &words).unwrap();
    let worker = desk.worker_of("a", sink);
    until("the failure", || matches!(worker.state(), SinkState::Failing { .. })).await;
    let shown = format!("{:?}", worker.state());
    assert!(shown.contains("no answer in time") && !shown.contains("PLANTED"), "{shown}");
    worker.stop().await;
    assert_eq!(desk.pending(), 1);
}
