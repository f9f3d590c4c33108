//! A store that has no room, or that somebody else has locked: intake stops with an alarm, nothing
//! that was acknowledged is lost, and it goes on by itself.

use std::process::Stdio;

use fenghuo::model::ComplaintId;
use fenghuo::store::Store as _;
use rusqlite::Connection;
use serde_json::Value;

use super::{Daemon, World, line, stream};
use crate::support::{wait_for, wait_until};

/// Status, `Retry-After`, body.
type Answer = (u16, Option<String>, String);

async fn post(daemon: &Daemon, body: Vec<u8>) -> Answer {
    let request = daemon.http.post(daemon.url("/v1/complaints"));
    let answer = request.header("content-type", "application/x-ndjson").body(body).send().await.unwrap();
    let again = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), again, answer.text().await.unwrap())
}

fn send(world: &World, daemon: &Daemon, body: &[u8]) -> Answer {
    world.centre.runtime.block_on(post(daemon, body.to_vec()))
}

/// Sends until the daemon is up and takes it.
fn send_until_taken(world: &World, daemon: &Daemon, body: &[u8]) {
    wait_until("a batch to be taken", || send(world, daemon, body).0 == 200);
}

/// The ids of the lines that an answer calls durable.
fn durable(answer: &str) -> Vec<ComplaintId> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let lines = answer["results"].as_array().unwrap().iter();
    let is_durable =
        |line: &&Value| ["accepted", "repeated", "updated"].contains(&line["status"].as_str().unwrap());
    lines.filter(is_durable).map(|line| ComplaintId::from(line["id"].as_str().unwrap())).collect()
}

#[test]
fn a_full_store_stops_intake_and_what_was_acknowledged_is_there_when_there_is_room() {
    let events = stream(1500, 51);
    let batches: Vec<Vec<u8>> =
        events.iter().map(line).collect::<Vec<_>>().chunks(20).map(|lines| lines.join(&b'\n')).collect();

    let world = World::new("");
    let daemon = world.daemon();
    for batch in &batches {
        send_until_taken(&world, &daemon, batch);
    }
    let expected = world.all_accepted();
    drop(daemon);

    let world = World::new("");
    let small = ["--set", "store.max_size_mib=1", "--set", "http.ack_timeout_seconds=2"];
    let daemon = world.daemon_with(&small, Stdio::null());
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let mut acknowledged = Vec::new();
    let mut refused = None;
    for (number, batch) in batches.iter().enumerate() {
        let (status, again, text) = send(&world, &daemon, batch);
        match status {
            200 => {
                let (ids, lines) = (durable(&text), batch.split(|byte| *byte == b'\n').count());
                acknowledged.extend(ids.clone());
                if ids.len() < lines {
                    refused = Some(number);
                    break;
                }
            }
            503 => {
                assert!(again.is_some(), "{text}");
                refused = Some(number);
                break;
            }
            _ => panic!("{status}: {text}"),
        }
    }
    let refused = refused.expect("it never fills up");
    assert!(refused > 3, "full after {refused} batches; the test would show little");

    // The alarm: readiness with the reason and the remedy, metrics, log; the process is not stuck.
    let (status, text) = daemon.get(&world.centre, "/readyz");
    assert_eq!(status, 503, "{text}");
    assert!(
        text.contains("intake has stopped: the store has no room to write") && text.contains("max_size_mib"),
        "{text}"
    );
    assert_eq!(daemon.get(&world.centre, "/healthz").0, 200);
    assert_eq!(daemon.metric(&world.centre, "fenghuo_store_stalled").as_deref(), Some("1"));
    assert!(daemon.log().contains("the store takes no commits"), "{}", daemon.log());
    // Further events are refused at once, with when to come again and why.
    let (status, again, text) = send(&world, &daemon, &batches[refused]);
    assert_eq!((status, again.is_some()), (503, true), "{text}");
    assert!(text.contains("no room"), "{text}");
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");

    let daemon = world.daemon_with(&["--set", "store.max_size_mib=64"], Stdio::null());
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let known = world.store().unwrap().known(&acknowledged).unwrap();
    for id in &acknowledged {
        assert!(known.contains_key(id), "{id} was acknowledged and is gone");
    }
    for batch in &batches[refused..] {
        send_until_taken(&world, &daemon, batch);
    }
    assert_eq!(world.all_accepted(), expected);
}

#[test]
fn a_locked_store_stops_intake_until_it_is_free() {
    let events: Vec<Vec<u8>> = stream(20, 52).iter().map(line).collect();
    let world = World::new("");
    let daemon = world.daemon_with(&["--set", "store.busy_timeout_seconds=0"], Stdio::null());
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let other = Connection::open(world.path("data/fenghuo.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let waiting = world.centre.runtime.spawn({
        let (http, url, body) = (daemon.http.clone(), daemon.url("/v1/complaints"), events.join(&b'\n'));
        async move {
            let request = http.post(url).header("content-type", "application/x-ndjson").body(body);
            request.send().await.unwrap().status().as_u16()
        }
    });
    let text = wait_for("the alarm", || {
        let (status, text) = daemon.get(&world.centre, "/readyz");
        (status == 503).then_some(text)
    });
    assert!(text.contains("locked by another process"), "{text}");
    assert_eq!(send(&world, &daemon, &events[0]).0, 503);

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(world.centre.runtime.block_on(waiting).unwrap(), 200, "who waited is answered");
    wait_until("it is ready again", || daemon.get(&world.centre, "/readyz").0 == 200);
    assert_eq!(daemon.metric(&world.centre, "fenghuo_store_stalled").as_deref(), Some("0"));
    assert!(daemon.log().contains("takes commits again"), "{}", daemon.log());
}
