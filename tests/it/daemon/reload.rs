//! SIGHUP: rules and log level are read again, in the running program.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fenghuo::generate::Generated;
use fenghuo::model::ComplaintId;
use fenghuo::store::Store as _;
use serde_json::json;

use super::{Daemon, World, line, stream};
use crate::support::{wait_for, wait_until};

pub(super) fn reloads(world: &World, daemon: &Daemon, outcome: &str) -> u64 {
    let name = format!("fenghuo_reloads_total{{outcome=\"{outcome}\"}}");
    daemon.metric(&world.centre, &name).map_or(0, |count| count.parse().unwrap())
}

/// Reloads, and waits until that has come to `outcome`.
fn reload(world: &World, daemon: &Daemon, outcome: &str) {
    let before = reloads(world, daemon, outcome);
    daemon.hang_up();
    wait_until("the reload", || reloads(world, daemon, outcome) > before);
}

pub(super) fn send(world: &World, daemon: &Daemon, body: Vec<u8>) {
    let request = daemon.http.post(daemon.url("/v1/complaints"));
    let request = request.header("content-type", "application/x-ndjson").body(body);
    let status = world.centre.runtime.block_on(request.send()).unwrap().status();
    assert_eq!(status.as_u16(), 200);
}

/// The rules that a stored complaint meets.
fn met(world: &World, id: &str) -> Vec<String> {
    let stored = world.store().unwrap().complaint(&ComplaintId::from(id)).unwrap().unwrap();
    stored.record.decision.risks.iter().map(|hit| hit.rule.clone()).collect()
}

/// A complaint that only a rule of this test can match.
pub(super) fn complaint(id: &str) -> Vec<u8> {
    let text = "来电人反映有人在小区里推销乌托邦养鹿项目，交了两万元，现在要求退钱。";
    let event = json!({"id": id, "received_at": "2026-03-01T08:00:00+08:00", "text": text});
    serde_json::to_vec(&event).unwrap()
}

/// A copy of the shipped packs, to change.
fn packs(world: &World) -> PathBuf {
    let folder = world.path("risk");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/risk")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    folder
}

pub(super) const RULE: &str = "rules:
  - id: T01
    title: 养鹿
    category: 养鹿项目
    status: stable
    version: 1
    owner: 区金融工作部门
    references: [无]
    false_positives: [无]
    strong:
      - weight: 90
        terms: [乌托邦养鹿]
    tests:
      must_fire: [有人推销乌托邦养鹿项目]
      must_not_fire: [动物园的鹿]
";

#[test]
fn rules_are_taken_over_and_a_bad_pack_leaves_the_last_good_one() {
    let world = World::new("[rules]\nrisk_dir = \"risk\"\n");
    let file = packs(&world).join("90-test.yaml");
    let daemon = world.daemon();
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    send(&world, &daemon, complaint("a-1"));
    let raised = || world.centre.accepted().values().filter(|alert| alert.contains("养鹿项目")).count();

    fs::write(&file, RULE).unwrap();
    reload(&world, &daemon, "taken_over");
    send(&world, &daemon, complaint("a-2"));
    wait_until("the alert of the new rule", || raised() == 1);

    fs::write(&file, RULE.replace("strong:", "stron:")).unwrap();
    reload(&world, &daemon, "refused");
    let (status, text) = daemon.get(&world.centre, "/readyz");
    assert_eq!(status, 200, "it works, with the rules before: {text}");
    assert!(text.contains("90-test.yaml:") && text.contains("stron"), "{text}");
    let log = daemon.log();
    assert!(log.contains("the reload failed, and what was in use still is"), "{log}");
    assert_eq!(daemon.metric(&world.centre, "fenghuo_reload_refused").as_deref(), Some("1"));
    send(&world, &daemon, complaint("a-3"));
    assert_eq!(met(&world, "a-3"), ["T01"], "the last good rules are in use");
    assert_eq!(met(&world, "a-1"), [""; 0], "what was decided stays");

    fs::write(&file, RULE).unwrap();
    reload(&world, &daemon, "taken_over");
    assert!(!daemon.get(&world.centre, "/readyz").1.contains("degraded"));
    assert_eq!(daemon.metric(&world.centre, "fenghuo_reload_refused").as_deref(), Some("0"));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn reloads_in_mid_stream_change_no_decision() {
    let events = stream(300, 61);
    let batches = |events: &[Generated]| -> Vec<Vec<u8>> {
        events.iter().map(line).collect::<Vec<_>>().chunks(15).map(|lines| lines.join(&b'\n')).collect()
    };
    let run = |is_disturbed: bool| {
        let world = World::new("");
        let daemon = world.daemon();
        wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
        for (number, batch) in batches(&events).into_iter().enumerate() {
            if is_disturbed && number % 4 == 2 {
                // Not waited for: it falls somewhere into the next batches.
                daemon.hang_up();
            }
            send(&world, &daemon, batch);
        }
        if is_disturbed {
            wait_until("a reload", || reloads(&world, &daemon, "taken_over") > 0);
        }
        world.all_accepted()
    };
    let expected = run(false);
    assert!(expected.len() > 10);
    assert_eq!(run(true), expected);
}

#[test]
fn the_log_level_is_taken_over_and_what_needs_a_restart_is_named() {
    let world = World::new("[log]\nlevel = \"info\"\n");
    let daemon = world.daemon();
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    send(&world, &daemon, complaint("a-1"));
    assert!(!daemon.log().contains("batch committed"));
    let file = world.path("fenghuo.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("\"info\"", "\"debug\"").replace("[http]", "[http]\nack_timeout_seconds = 9"),
    )
    .unwrap();
    reload(&world, &daemon, "taken_over");
    send(&world, &daemon, complaint("a-2"));
    wait_until("a line of debugging", || daemon.log().contains("batch committed"));
    wait_until("what needs a restart", || {
        daemon.log().lines().any(|line| line.contains("need a restart") && line.contains("sections=\"http\""))
    });

    fs::write(&file, "[log]\nlevel = \"lous\"\n").unwrap();
    reload(&world, &daemon, "refused");
    assert!(daemon.get(&world.centre, "/readyz").1.contains("lous"), "the reason is shown");
}

#[test]
fn the_service_manager_is_told_in_order() {
    let world = World::new("");
    let path = world.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let mut program = super::program();
    program.env("NOTIFY_SOCKET", &path);
    let daemon = Daemon::spawn(program, &world.path("fenghuo.toml"), &[], Stdio::null());
    // The next message with one of these; status lines come whenever they change.
    let next = |wanted: &[&str]| {
        wait_for("the service manager to be told", || {
            let mut bytes = [0; 4096];
            let length = socket.recv(&mut bytes).unwrap();
            let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
            wanted.iter().any(|wanted| text.lines().any(|line| line == *wanted)).then_some(text)
        })
    };
    let all = ["READY=1", "RELOADING=1", "STOPPING=1"];
    assert!(next(&all).contains("READY=1"));
    daemon.hang_up();
    let text = next(&all);
    assert!(text.contains("RELOADING=1") && text.contains("MONOTONIC_USEC="), "{text}");
    assert!(next(&all).contains("READY=1"));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(next(&all).contains("STOPPING=1"));
}
