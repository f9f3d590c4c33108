//! Ending in order: sources, then the pipeline with what they handed over, then delivery.

use std::process::Stdio;

use fenghuo::store::Store as _;

use super::{Daemon, World, line, stream};

/// Time enough for a busy machine; nothing waits for it.
const PATIENCE: [&str; 2] = ["--set", "shutdown_seconds=90"];

/// Sends everything in one request; durable when this returns.
fn send(world: &World, daemon: &Daemon) {
    let lines: Vec<Vec<u8>> = stream(240, 41).iter().map(line).collect();
    let request = daemon
        .http
        .post(daemon.url("/v1/complaints"))
        .header("content-type", "application/x-ndjson")
        .body(lines.join(&b'\n'));
    let answer = world.centre.runtime.block_on(request.send()).unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

/// [`send`]s, and asks the daemon to end.
fn send_and_stop(world: &World, daemon: Daemon) {
    send(world, &daemon);
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("not ended in time"), "{log}");
}

fn pending(world: &World) -> u64 {
    world.store().unwrap().outbox_depths().unwrap().iter().map(|depth| depth.pending).sum()
}

#[test]
fn what_the_last_batch_raised_goes_out_before_the_end() {
    let world = World::new("");
    let daemon = world.daemon_with(&PATIENCE, Stdio::null());
    // Answered as soon as it listens, which may be before the engine stands.
    crate::support::wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    send_and_stop(&world, daemon);
    assert_eq!(pending(&world), 0, "all revisions went out, one after the other");
    let accepted = world.centre.accepted();
    assert!(accepted.keys().any(|(_, revision)| *revision > 1), "too few alerts: {:?}", accepted.keys());
}

#[test]
fn a_receiver_that_is_away_does_not_hold_up_the_end() {
    let world = World::new("");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("webhook.url=http://{nobody}/alerts");
    let daemon = world.daemon_with(&["--set", &url], Stdio::null());
    crate::support::wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    send_and_stop(&world, daemon);
    assert!(pending(&world) > 0);
    let daemon = world.daemon();
    assert!(!world.all_accepted().is_empty());
    drop(daemon);
}

#[test]
fn told_twice_it_ends_at_once_with_its_own_code() {
    let world = World::new("");
    // It takes connections and never answers, so that an orderly end takes its time.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("webhook.url=http://{}/alerts", silent.local_addr().unwrap());
    let mut daemon = world.daemon_with(&["--set", &url, "--set", "shutdown_seconds=600"], Stdio::null());
    crate::support::wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    send(&world, &daemon);
    daemon.tell("-TERM");
    crate::support::wait_until("it says so", || daemon.log().contains("once more to stop at once"));
    daemon.tell("-INT");
    let status = crate::support::wait_for("the daemon to end", || daemon.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130), "{}", daemon.log());
    assert!(world.store().unwrap().counts().unwrap().complaints > 100, "what was answered is kept");
}

#[test]
fn metrics_show_what_is_kept_and_what_waits() {
    let world = World::new("");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("webhook.url=http://{nobody}/alerts");
    let daemon = world.daemon_with(&["--set", &url], Stdio::null());
    crate::support::wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    let waits = "fenghuo_outbox_pending{sink=\"webhook\"}";
    crate::support::wait_until("an empty outbox to be shown", || {
        daemon.metric(&world.centre, waits).as_deref() == Some("0")
    });
    send_and_stop(&world, daemon);

    // They are looked at when it starts, before anything comes.
    let daemon = world.daemon_with(&["--set", &url], Stdio::null());
    let (counts, pending) = (world.store().unwrap().counts().unwrap(), pending(&world).to_string());
    let value = |name: &str| daemon.metric(&world.centre, name);
    crate::support::wait_until("the outbox to be shown", || value(waits).as_ref() == Some(&pending));
    let kept = counts.complaints.to_string();
    assert_eq!(value("fenghuo_store_records{kind=\"complaint\"}").as_ref(), Some(&kept));
    let bytes = value("fenghuo_store_bytes{part=\"file\"}").unwrap();
    assert!(bytes.parse::<u64>().unwrap() > 10_000, "{bytes}");
    let age = "fenghuo_outbox_oldest_age_seconds{sink=\"webhook\"}";
    crate::support::wait_until("what waits to grow old", || value(age).is_some_and(|age| age != "0"));
}
