//! Bad input of every kind through the built program: one clear line each, and nothing else is lost.

use std::fs;
use std::process::Stdio;

use fenghuo::store::Store as _;
use serde_json::{Value, json};

use super::{Daemon, World};
use crate::support::wait_until;

fn good(id: usize) -> Vec<u8> {
    let event =
        json!({"id": format!("good-{id}"), "received_at": "2026-03-01T08:00:00+08:00", "text": "小区停水"});
    serde_json::to_vec(&event).unwrap()
}

/// Bad events: what it is, and its bytes.
fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let event = |change: &dyn Fn(&mut Value)| {
        let mut event = json!({"id": "bad", "received_at": "2026-03-01T08:00:00+08:00", "text": "小区停水"});
        change(&mut event);
        serde_json::to_vec(&event).unwrap()
    };
    let set = |name: &str, value: Value| event(&|event| event[name] = value.clone());
    vec![
        ("cut short", br#"{"id":"bad","received_at":"2026-03-01T0"#.to_vec()),
        (
            "not UTF-8",
            b"{\"id\":\"bad\",\"received_at\":\"2026-03-01T08:00:00+08:00\",\"text\":\"\xCE\xD2\xC3\xC7\"}"
                .to_vec(),
        ),
        ("year 9999", set("received_at", json!("9999-01-01T00:00:00+08:00"))),
        ("negative time", set("received_at", json!(-5))),
        ("no id", event(&|event| drop(event.as_object_mut().unwrap().remove("id")))),
        ("negative id", set("id", json!(-7))),
        ("control characters in the id", set("id", json!("a\u{0}\u{7}b"))),
        (
            "raw control character",
            b"{\"id\":\"bad\",\"received_at\":\"2026-03-01T08:00:00+08:00\",\"text\":\"a\x07b\"}".to_vec(),
        ),
        ("no words", set("text", json!("  "))),
        ("a list", b"[1, 2]".to_vec()),
        ("text as number", set("text", json!(-1))),
        ("too deep", set("x", (0..40).fold(json!(1), |inner, _| json!([inner])))),
        ("50 MB", set("text", json!("水".repeat((50 << 20) / 3)))),
    ]
}

fn post(world: &World, daemon: &Daemon, body: Vec<u8>) -> (u16, Value) {
    world.centre.runtime.block_on(async {
        let request =
            daemon.http.post(daemon.url("/v1/complaints")).header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

#[test]
fn every_bad_event_over_http_is_told_why_and_good_ones_go_on() {
    let world = World::new("");
    let daemon = world.daemon();
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let mut said = Vec::new();
    for (number, (what, body)) in bad().into_iter().enumerate() {
        let (status, answer) = post(&world, &daemon, body);
        let reason = answer["reason"].as_str().unwrap_or("-");
        said.push(format!("{what}: {status} {reason}: {}", answer["detail"].as_str().unwrap_or_default()));
        assert_eq!(post(&world, &daemon, good(number)).0, 201, "after {what}");
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
cut short: 422 invalid_json: the event is cut short at line 1 column 39; send it whole, on one line
not UTF-8: 422 invalid_encoding: byte 63 of the event (0xCE) is not UTF-8; send UTF-8, converting from GBK or GB 18030 first
year 9999: 422 time_out_of_range: `received_at` is "9999-01-01T00:00:00+08:00", a time in the future; check the sender's clock, and its zone (without an offset, a time is read as Asia/Shanghai)
negative time: 422 time_out_of_range: `received_at` is "-5", before the year 2000; check the sender, or lower `decode.earliest_year`
no id: 422 missing_field: `id` is missing; every event needs its work order's number
negative id: 422 invalid_field: `id` is the number -7; give the work order's number as a text or a whole number
control characters in the id: 422 invalid_field: `id` is "a\u{0}\u{7}b", with a control character in it; send it without
raw control character: 422 invalid_json: the event is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 64; check how the sender writes quotes and line breaks
no words: 422 missing_field: `title` and `text` are both missing or empty; an event needs one of them
a list: 422 invalid_field: the event is a list; send its members as events of their own, one a line
text as number: 422 invalid_field: `text` is a number; give it as a text
too deep: 422 too_deep: `x` is nested deeper than 16 levels; send it flatter
50 MB: 413 -: the body has more than 16777216 bytes; send smaller batches, or raise http.max_body_bytes
"#);
    assert_eq!(world.store().unwrap().counts().unwrap().complaints, bad().len() as u64);
}

#[test]
fn a_bad_row_of_a_table_is_kept_as_a_row_and_not_sent_as_an_event() {
    let world = World::new("");
    let file = world.path("orders.csv");
    fs::write(&file, "编号,时间,内容\n1,2026-03-01 08:00:00,停水\n2,昨天,停水\n3,2026-03-01\n").unwrap();
    let daemon = world.daemon_with(&["--input", file.to_str().unwrap()], Stdio::null());
    let counts = || world.store().and_then(|store| store.counts().ok());
    wait_until("the good row", || counts().is_some_and(|counts| counts.complaints == 1));
    wait_until("both letters", || {
        counts().is_some_and(|counts| counts.dead_letters.values().sum::<u64>() == 2)
    });
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");

    // Nobody listens any more: what is no event is not even sent.
    let redriven = world.command(&["dead-letters", "redrive", "--all", "--json"]);
    assert_eq!(redriven.status.code(), Some(1), "{redriven:?}");
    let said: Value = serde_json::from_slice(&redriven.stdout).unwrap();
    assert_eq!(said, serde_json::json!({ "events": 0, "refused_again": 0, "stay": 2, "alerts": 0 }));
    let listed = world.command(&["dead-letters", "list", "--json"]);
    let letters: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    for letter in &letters {
        assert_eq!((&letter["is_event"], &letter["redriven_at"]), (&Value::Bool(false), &Value::Null));
        assert!(letter["source"].as_str().unwrap().contains("orders.csv#"), "{letter}");
    }
    assert_eq!(letters.len(), 2);
}

#[test]
fn every_bad_line_of_a_file_goes_to_the_dead_letters_and_the_others_are_read() {
    let world = World::new("");
    let file = world.path("orders.ndjson");
    let bad = bad();
    let lines: Vec<Vec<u8>> =
        bad.iter().enumerate().flat_map(|(number, (_, bytes))| [bytes.clone(), good(number)]).collect();
    fs::write(&file, lines.join(&b'\n')).unwrap();
    let daemon = world.daemon_with(&["--input", file.to_str().unwrap()], Stdio::null());
    let counts = || world.store().and_then(|store| store.counts().ok());
    wait_until("all good lines", || counts().is_some_and(|counts| counts.complaints == bad.len() as u64));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");

    let listed = world.command(&["dead-letters", "list", "--json", "--limit", "100"]);
    let letters: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let mut said: Vec<String> = letters
        .iter()
        .map(|letter| {
            assert!(letter["source"].as_str().unwrap().contains("orders.ndjson"), "{letter}");
            let text = |name: &str| letter[name].as_str().unwrap_or_default();
            format!("{}: {}: {}", text("at"), text("reason"), text("detail"))
        })
        .collect();
    said.reverse();
    assert_eq!(said.len(), bad.len(), "{said:#?}");
    insta::assert_snapshot!(said.join("\n"), @r#"
line 1: invalid_json: the event is cut short at line 1 column 39; send it whole, on one line
line 3: invalid_encoding: byte 63 of the event (0xCE) is not UTF-8; send UTF-8, converting from GBK or GB 18030 first
line 5: time_out_of_range: `received_at` is "9999-01-01T00:00:00+08:00", a time in the future; check the sender's clock, and its zone (without an offset, a time is read as Asia/Shanghai)
line 7: time_out_of_range: `received_at` is "-5", before the year 2000; check the sender, or lower `decode.earliest_year`
line 9: missing_field: `id` is missing; every event needs its work order's number
line 11: invalid_field: `id` is the number -7; give the work order's number as a text or a whole number
line 13: invalid_field: `id` is "a\u{0}\u{7}b", with a control character in it; send it without
line 15: invalid_json: the event is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 64; check how the sender writes quotes and line breaks
line 17: missing_field: `title` and `text` are both missing or empty; an event needs one of them
line 19: invalid_field: the event is a list; send its members as events of their own, one a line
line 21: invalid_field: `text` is a number; give it as a text
line 23: too_deep: `x` is nested deeper than 16 levels; send it flatter
line 25: too_large: the line has 52428863 bytes; raise file.max_line_bytes if that is meant
"#);
    // The log has one line for each, too, with the same words.
    for line in &said {
        let detail = line.splitn(3, ": ").nth(2).unwrap();
        assert!(
            log.lines().filter(|line| line.contains("event put aside")).any(|line| line.contains(detail)),
            "{detail}"
        );
    }
}
