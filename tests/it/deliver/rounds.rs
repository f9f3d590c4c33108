//! Against the reference receiver, well and ill.

use fenghuo::deliver::receiver::{Event, Fail, Order};
use fenghuo::deliver::{SinkState, problem};
use fenghuo::model::DeadReason;
use fenghuo::store::{DeadLetterFilter, Store as _};

use super::{Centre, Desk, Events, SECRET, accepted, alert, refusals, repeats, until};

/// Five alerts of four revisions each, committed as an engine would: interleaved, in batches.
fn commit_five_by_four(desk: &Desk) -> usize {
    for revision in 1..=4 {
        desk.commit((1..=5).map(|n| alert(&format!("QS-{n}"), revision)).collect());
    }
    20
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_and_in_order() {
    let desk = Desk::new("t-order");
    let centre = Centre::start(Fail::None).await;
    commit_five_by_four(&desk);
    let worker = desk.worker("a", centre.address);
    until("the backlog", || desk.pending() == 0).await;
    // What is committed later is sent at once when the worker is woken.
    desk.commit(vec![alert("QS-1", 5), alert("QS-6", 1)]);
    worker.wake.wake();
    until("the newcomers", || desk.pending() == 0).await;
    assert_eq!(worker.state(), SinkState::Ok);
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!(accepted(&events).len(), 22);
    let first_or_next = |event: &Event| match event {
        Event::Accepted { order, payload, .. } => {
            matches!(order, Order::First) == (payload.alert.revision == 1)
                && !matches!(order, Order::Gap { .. })
        }
        _ => false,
    };
    assert!(events.lock().unwrap().iter().all(first_or_next));
    let Event::Accepted { payload, .. } = &events.lock().unwrap()[0] else { panic!("accepted above") };
    assert_eq!(payload.alert, alert(payload.alert.id.as_str(), 1), "what arrives is what was committed");
    let metrics = String::from_utf8(fenghuo::telemetry::render().unwrap()).unwrap();
    let count = r#"fenghuo_deliver_attempt_seconds_count{outcome="delivered",sink="t-order"} 22"#;
    assert!(metrics.contains(count), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_are_tried_again() {
    let desk = Desk::new("t-500");
    let centre = Centre::start("500:2".parse().unwrap()).await;
    let all = commit_five_by_four(&desk);
    let worker = desk.worker("a", centre.address);
    until("the backlog", || desk.pending() == 0).await;
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!(accepted(&events).len(), all);
    assert!(refusals(&events).len() >= all / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_raises_an_alarm_and_loses_nothing() {
    let desk = Desk::new("t-401");
    let centre = Centre::start(Fail::None).await;
    desk.commit(vec![alert("QS-1", 1)]);
    let other = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlIHNhbWUgbGVuZ3Ro";
    let worker = desk.worker_with("a", &desk.config(centre.address), other);
    until("the alarm", || matches!(worker.state(), SinkState::Alarmed { .. })).await;
    let line = problem(&worker.status.borrow()).unwrap();
    assert!(line.contains("t-401 has refused all alerts since") && line.contains("HTTP 401"), "{line}");
    let metrics = String::from_utf8(fenghuo::telemetry::render().unwrap()).unwrap();
    let alarmed = r#"fenghuo_deliver_sink_state{sink="t-401",state="alarmed"} 1"#;
    assert!(metrics.contains(alarmed), "{metrics}");
    worker.stop().await;
    assert_eq!(desk.pending(), 1);
    assert!(desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap().is_empty());
    assert!(refusals(&centre.events).iter().all(|refusal| refusal.contains("same secret")));

    let worker = desk.worker_with("b", &desk.config(centre.address), SECRET);
    until("delivery with the right secret", || desk.pending() == 0).await;
    assert_eq!(worker.state(), SinkState::Ok);
    worker.stop().await;
    assert_eq!(accepted(&centre.stop().await.1), ["QS-1.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_put_aside_and_blocks_nobody() {
    let desk = Desk::new("t-422");
    let centre = Centre::start("422:QS-3".parse().unwrap()).await;
    commit_five_by_four(&desk);
    let worker = desk.worker("a", centre.address);
    until("the backlog", || desk.pending() == 0).await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    let mut places: Vec<&str> = letters.iter().map(|letter| letter.at.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["QS-3.1", "QS-3.2", "QS-3.3", "QS-3.4"]);
    for letter in &letters {
        assert_eq!((letter.reason, letter.source.as_str()), (DeadReason::Rejected, "t-422"));
        assert_eq!(letter.detail, "HTTP 422: as asked, answered with 422");
    }
    worker.stop().await;
    let (address, events) = centre.stop().await;
    assert_eq!(accepted(&events).len(), 16);

    // Mended: the refused ones are put back and arrive.
    let centre = Centre::start_with(address, events, |_| {}).await;
    let again = DeadLetterFilter { source: Some("t-422".into()), ..DeadLetterFilter::default() };
    assert_eq!(desk.store.requeue_refused(&again, (desk.clock())()).unwrap(), 4);
    let worker = desk.worker("b", address);
    until("those put back", || desk.pending() == 0).await;
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!(accepted(&events).len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_gets_everything_when_it_is_back() {
    let desk = Desk::new("t-down");
    let (address, events) = Centre::start(Fail::None).await.stop().await;
    let all = commit_five_by_four(&desk);
    let worker = desk.worker("a", address);
    until("the outage to show", || matches!(worker.state(), SinkState::Failing { .. })).await;
    assert_eq!(desk.pending(), all as u64);
    let centre = Centre::start_with(address, events, |_| {}).await;
    until("the backlog", || desk.pending() == 0).await;
    assert_eq!(worker.state(), SinkState::Ok);
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!((accepted(&events).len(), repeats(&events)), (all, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_make_repeats_that_are_dropped() {
    let desk = Desk::new("t-drop");
    let centre = Centre::start("drop:2".parse().unwrap()).await;
    let all = commit_five_by_four(&desk);
    let worker = desk.worker("a", centre.address);
    until("the backlog", || desk.pending() == 0).await;
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!((accepted(&events).len(), repeats(&events)), (all, all / 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receivers_file_knows_repeats_after_a_restart() {
    let desk = Desk::new("t-out");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("alerts.ndjson");
    // It accepts, keeps, and never manages to answer.
    let address = "127.0.0.1:0".parse().unwrap();
    let centre = Centre::start_with(address, Events::default(), |config| {
        (config.fail, config.out) = ("drop".parse().unwrap(), Some(out.clone()));
    })
    .await;
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker("a", centre.address);
    until("the alert to be accepted", || !accepted(&centre.events).is_empty()).await;
    let (address, events) = centre.stop().await;
    let centre = Centre::start_with(address, events, |config| config.out = Some(out.clone())).await;
    until("the repeat", || desk.pending() == 0).await;
    worker.stop().await;
    let (_, events) = centre.stop().await;
    assert_eq!(accepted(&events), ["QS-1.1"]);
    assert!(repeats(&events) >= 1);
    let kept = std::fs::read_to_string(&out).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");
}
