//! What routes, inhibition and mute windows keep back, in the real worker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fenghuo::deliver::route::{InhibitConfig, MuteConfig, Plan, RouteConfig};
use fenghuo::deliver::{Attempt, Backoff, Deliver, Gate, RetryConfig, Sink, SinkFuture, Verdict, webhook_id};
use fenghuo::model::{Alert, AlertBody, AlertState, Commit, GroupAlert, IncidentRecord, Level, PartitionKey};
use fenghuo::store::{DeliveryState, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::{Desk, alert, until};

/// Takes everything.
struct Taker {
    name: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Sink for Taker {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(&RetryConfig::default())
    }

    fn give_up_after(&self) -> Option<Duration> {
        None
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], _: Timestamp) -> SinkFuture<'s> {
        self.taken.lock().unwrap().extend(alerts.iter().map(|alert| webhook_id(alert)));
        Box::pin(std::future::ready(Attempt {
            verdict: Verdict::Delivered,
            detail: "taken".into(),
            retry_after: None,
        }))
    }
}

fn plan(
    sink: &str,
    routes: Vec<RouteConfig>,
    inhibit: Option<InhibitConfig>,
    mute: Vec<MuteConfig>,
) -> Arc<Plan> {
    Arc::new(Plan::new(routes, inhibit, [(sink.to_owned(), mute)].into(), TimeZone::UTC))
}

/// Runs a worker behind a gate until `done`; returns what came through.
async fn run(desk: &Desk, plan: &Arc<Plan>, done: impl FnMut() -> bool) -> Vec<String> {
    let taken = Arc::<Mutex<Vec<String>>>::default();
    let sink: Arc<dyn Sink> = Arc::new(Taker { name: desk.sink.clone(), taken: Arc::clone(&taken) });
    let gates = BTreeMap::from([(desk.sink.clone(), Gate::new(&desk.sink, Arc::clone(plan)))]);
    let store: Arc<dyn Store> = desk.store.clone();
    let deliver = Deliver::new(store, vec![sink], desk.clock(), "a".into()).with_gates(gates);
    let stop = CancellationToken::new();
    let task = tokio::spawn(deliver.run(stop.clone(), Duration::from_secs(5)));
    until("the outbox", done).await;
    stop.cancel();
    task.await.unwrap();
    std::mem::take(&mut *taken.lock().unwrap())
}

fn of(id: &str, revision: u32, level: Level) -> Alert {
    let base = alert(id, revision);
    let AlertBody::Group(group) = base.body.clone() else { panic!("a group incident") };
    let body = AlertBody::Group(GroupAlert { place: Some("青石里小区".into()), ..group });
    Alert { level, body, ..base }
}

/// Commits a revision with its incident, as an engine does.
fn commit(desk: &Desk, alert: Alert) {
    let main = PartitionKey::from("main");
    let after = desk.store.partition_state(&main).unwrap().map_or(0, |state| state.commits);
    let mut commit = Commit::new(main, after, (desk.clock())());
    commit.incidents = vec![IncidentRecord {
        id: alert.id.clone(),
        kind: alert.kind,
        group: Some("g-1".into()),
        entity: None,
        open: alert.state != AlertState::Resolved,
        revision: alert.revision,
        changed_at: alert.raised_at,
        state: "{}".into(),
    }];
    commit.alerts = vec![alert];
    desk.store.commit(&commit, std::slice::from_ref(&desk.sink)).unwrap();
}

fn states(desk: &Desk, id: &str) -> Vec<(u32, DeliveryState, String)> {
    let found = desk.store.deliveries(&id.into()).unwrap();
    found.into_iter().map(|one| (one.revision, one.state, one.said.unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_route_sends_is_kept_on_record_and_not_sent() {
    let desk = Desk::new("t-routes");
    let red = RouteConfig {
        name: "红".into(),
        levels: vec![Level::Red],
        to: vec!["t-routes".into()],
        ..RouteConfig::default()
    };
    let rest = RouteConfig { name: "其余".into(), nobody: true, ..RouteConfig::default() };
    let plan = plan("t-routes", vec![red, rest], None, Vec::new());
    commit(&desk, of("QS-1", 1, Level::Blue));
    commit(&desk, of("QS-1", 2, Level::Red));
    commit(&desk, of("QS-2", 1, Level::Blue));
    commit(&desk, Alert { state: AlertState::Resolved, ..of("QS-1", 3, Level::Yellow) });
    commit(&desk, Alert { state: AlertState::Resolved, ..of("QS-2", 2, Level::Blue) });
    let taken = run(&desk, &plan, || desk.pending() == 0).await;
    assert_eq!(taken, ["QS-1.2", "QS-1.3"], "whoever was told of it is told of its end, whatever its level");
    let why = "按路由不发此渠道：不发往任何渠道";
    assert_eq!(
        states(&desk, "QS-1"),
        [
            (1, DeliveryState::Suppressed, why.into()),
            (2, DeliveryState::Delivered, "taken".into()),
            (3, DeliveryState::Delivered, "taken".into())
        ]
    );
    assert_eq!(states(&desk, "QS-2")[1].2, "此渠道没有收到过该提示，不再告知解除");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_incident_that_was_told_keeps_its_yellow_sibling_back() {
    let desk = Desk::new("t-inhibit");
    let plan = plan("t-inhibit", Vec::new(), Some(InhibitConfig::default()), Vec::new());
    commit(&desk, of("QS-1", 1, Level::Red));
    assert_eq!(run(&desk, &plan, || desk.pending() == 0).await, ["QS-1.1"]);
    commit(&desk, of("QS-2", 1, Level::Yellow));
    commit(&desk, of("QS-3", 1, Level::Orange));
    assert_eq!(run(&desk, &plan, || desk.pending() == 0).await, ["QS-3.1"]);
    assert!(states(&desk, "QS-2")[0].2.contains("QS-1"));
    // When the red one is over, the next one is told.
    commit(&desk, Alert { state: AlertState::Resolved, ..of("QS-1", 2, Level::Red) });
    commit(&desk, of("QS-2", 2, Level::Yellow));
    let mut taken = run(&desk, &plan, || desk.pending() == 0).await;
    taken.sort();
    assert_eq!(taken, ["QS-1.2", "QS-2.2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_morning_comes_in_the_morning() {
    let desk = Desk::new("t-mute");
    // From an hour ago until in an hour, whatever the time is.
    let hour =
        |by: i64| (Timestamp::now() + jiff::SignedDuration::from_hours(by)).strftime("%H:%M").to_string();
    let mute = MuteConfig { hours: Some(format!("{}-{}", hour(-1), hour(1))), ..MuteConfig::default() };
    let plan = plan("t-mute", Vec::new(), None, vec![mute]);
    commit(&desk, of("QS-1", 1, Level::Blue));
    commit(&desk, of("QS-2", 1, Level::Red));
    assert_eq!(run(&desk, &plan, || desk.pending() == 1).await, ["QS-2.1"]);
    assert_eq!(states(&desk, "QS-1")[0].1, DeliveryState::Waiting);
    let due = desk.store.next_due("t-mute").unwrap().unwrap();
    assert!(due > Timestamp::now() + jiff::SignedDuration::from_mins(50), "no busy waiting: {due}");
    desk.forward(3700);
    assert_eq!(run(&desk, &plan, || desk.pending() == 0).await, ["QS-1.1"]);
}
