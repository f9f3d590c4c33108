//! Complaints sent over HTTP, with and without crashes.

use fenghuo::generate::Generated;
use fenghuo::store::Store as _;
use serde_json::Value;

use super::{Accepted, Daemon, World, line, stream};
use crate::support::{wait_for, wait_until};

/// So many events go in one request.
const BATCH: usize = 20;

fn batches(events: &[Generated]) -> Vec<Vec<u8>> {
    let lines: Vec<Vec<u8>> = events.iter().map(line).collect();
    lines.chunks(BATCH).map(|lines| lines.join(&b'\n')).collect()
}

/// Posts a batch; `None` when no answer came, or one that asks to come again (the daemon is starting).
async fn post(daemon: &Daemon, batch: &[u8]) -> Option<Value> {
    let request = daemon
        .http
        .post(daemon.url("/v1/complaints"))
        .header("content-type", "application/x-ndjson")
        .body(batch.to_vec());
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    if status == 503 {
        return None;
    }
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&answer["unavailable"], &answer["dead_letter"]), (&0.into(), &0.into()), "{text}");
    Some(answer)
}

/// Posts a batch as often as it takes.
fn post_until_taken(world: &World, daemon: &Daemon, batch: &[u8]) -> Value {
    wait_for("a batch to be taken", || world.centre.runtime.block_on(post(daemon, batch)))
}

fn undisturbed(events: &[Generated]) -> (World, Accepted) {
    let world = World::new("");
    let daemon = world.daemon();
    for batch in batches(events) {
        post_until_taken(&world, &daemon, &batch);
    }
    let accepted = world.all_accepted();
    assert!(accepted.len() > 10, "only {} alerts; the test would show little", accepted.len());
    assert!(accepted.keys().any(|(_, revision)| *revision > 1), "no alert was told again");
    let (status, log) = daemon.stop();
    assert!(status.success(), "{status}:\n{log}");
    (world, accepted)
}

#[test]
fn two_runs_over_http_push_the_same_alerts() {
    let events = stream(300, 11);
    let (_, first) = undisturbed(&events);
    let (_, second) = undisturbed(&events);
    assert_eq!(first, second);
}

#[test]
fn kills_in_mid_stream_lose_and_double_nothing() {
    let events = stream(400, 12);
    let (_, expected) = undisturbed(&events);

    let world = World::new("");
    let batches = batches(&events);
    let mut daemon = world.daemon();
    let mut unanswered = 0;
    for (number, batch) in batches.iter().enumerate() {
        if number % 3 != 1 {
            post_until_taken(&world, &daemon, batch);
            continue;
        }
        // Killed at some moment while the batch is under way: each time a little later.
        let (kill, wait) = (daemon.child.id(), u64::try_from(number).unwrap() * 3);
        let answer = world.centre.runtime.block_on(async {
            let kill = async {
                tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
                tokio::process::Command::new("kill").args(["-9", &kill.to_string()]).status().await
            };
            let (answer, killed) = tokio::join!(post(&daemon, batch), kill);
            assert!(killed.unwrap().success());
            answer
        });
        daemon.kill();
        daemon = world.daemon();
        if answer.is_none() {
            unanswered += 1;
            post_until_taken(&world, &daemon, batch);
        }
    }
    assert!(unanswered > 0, "no kill hit a batch under way");
    assert_eq!(world.all_accepted(), expected);
    drop(daemon);
    let check = world.command(&["store", "check"]);
    assert!(check.status.success(), "{check:?}");
}

#[test]
fn a_daemon_answers_its_watchers_explains_itself_and_ends_well() {
    let events = stream(200, 13);
    let world = World::new("");
    let daemon = world.daemon();
    let mut accepted = 0;
    for batch in batches(&events) {
        let answer = post_until_taken(&world, &daemon, &batch);
        accepted += answer["accepted"].as_u64().unwrap();
    }
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let (status, metrics) = daemon.get(&world.centre, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("# TYPE fenghuo_"), "{metrics}");
    let alerts = world.all_accepted();
    let counts = world.store().unwrap().counts().unwrap();
    assert_eq!((counts.complaints, accepted > 0, alerts.is_empty()), (accepted, true, false));

    let (id, _) = alerts.keys().next().unwrap();
    let said = world.command(&["explain", id]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success() && text.contains(id.as_str()), "{text}");
    assert!(text.contains("告知情况：\n· 第1版") && text.contains("首次提示\n"), "{text}");
    assert!(text.contains(" 已送达 ") && text.contains("：HTTP 200"), "{text}");
    let complaint = events[0].complaint.id.as_str();
    let said = world.command(&["explain", complaint, "--json"]);
    let value: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(said.status.success());
    assert_eq!((&value["kind"], &value["complaint"]["id"]), (&"complaint".into(), &complaint.into()));
    assert_eq!(world.command(&["explain", "nobody-knows-this"]).status.code(), Some(1));

    let listed = world.command(&["entity", "list", "--top", "3", "--json"]);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let totals: Vec<u64> = listed.iter().map(|one| one["index"]["total"].as_u64().unwrap()).collect();
    assert!((1..=3).contains(&totals.len()) && totals.is_sorted_by(|a, b| a >= b), "{totals:?}");
    let name = listed[0]["name"].as_str().unwrap();
    let shown = world.command(&["entity", "show", &format!("北京{name}有限公司")]);
    let page = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{page}");
    for part in [name, listed[0]["id"].as_str().unwrap(), "风险指数", "合规性", "（同名；原文：", "起一周"]
    {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    assert_eq!(world.command(&["entity", "show", "无人知晓的云帆"]).status.code(), Some(1));
    let said = world.command(&["rules", "why-not", "F07", "--complaint", complaint, "--json"]);
    let value: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((&value["complaint"]["id"], &value["reading"]["rule"]), (&complaint.into(), &"F07".into()));
    let said = world.command(&["rules", "why-not", "F07", "--complaint", "nobody-knows-this"]);
    assert_eq!(said.status.code(), Some(1));

    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("has not ended in time") && !log.contains("panicked"), "{log}");
}

#[test]
fn replay_writes_the_same_bytes_with_any_number_of_threads() {
    let world = World::new("");
    let path = |name: &str| world.path(name).display().to_string();
    let events = path("stream.ndjson");
    let made = world.command(&["generate", "--complaints", "5000", "--seed", "5", "--out", &events]);
    assert!(made.status.success(), "{made:?}");
    for threads in ["1", "4"] {
        let out = path(threads);
        let run = world.command(&["replay", "--events", &events, "--out", &out, "--threads", threads]);
        assert!(run.status.success(), "{run:?}");
    }
    for name in ["groups.ndjson", "alerts.ndjson", "risks.ndjson"] {
        let read = |threads| std::fs::read(world.path(threads).join(name)).unwrap();
        let (one, four) = (read("1"), read("4"));
        assert!(!one.is_empty(), "{name} is empty");
        assert!(one == four, "{name} differs");
    }
}

#[test]
fn replay_counts_the_last_version_and_knows_no_present() {
    let world = World::new("");
    let path = |name: &str| world.path(name).display().to_string();
    let event = |id: &str, at: &str, text: &str| {
        format!(r#"{{"id": "{id}", "received_at": "{at}", "text": "{text}"}}"#)
    };
    let promised = "永安里小区的聚宝盆公司高息集资，承诺保本月息三分，现在不还钱";
    let events = [
        event("1", "2026-03-01T08:00:00+08:00", promised),
        event("2", "2026-03-01T09:00:00+08:00", promised),
        event("1", "2026-03-01T10:00:00+08:00", "永安里小区停水三天"),
        event("3", "2098-03-01T10:00:00+08:00", promised),
        event("4", "2100-01-02T10:00:00+08:00", promised),
    ];
    std::fs::write(world.path("events.ndjson"), events.join("\n")).unwrap();
    let replay = |out: &str, more: &[&str]| {
        let args = ["replay", "--events", &path("events.ndjson"), "--out", &path(out), "--json"];
        let run = world.command(&[&args, more].concat());
        let risks = std::fs::read_to_string(world.path(out).join("risks.ndjson")).unwrap();
        let ids = risks.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
        let ids: std::collections::BTreeSet<String> = ids.map(|id| id.as_str().unwrap().to_owned()).collect();
        (run.status.code(), ids.into_iter().collect::<String>())
    };
    assert_eq!(replay("all", &[]), (Some(1), "23".into()));
    assert_eq!(replay("past", &["--not-after", "2030-01-01T00:00:00Z"]), (Some(1), "2".into()));
}
