//! The worker ends in the middle of its work.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fenghuo::deliver::SigningSecret;
use fenghuo::deliver::receiver::{self, Event, Fail, ReceiverConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Centre, Desk, Events, SECRET, accepted, alert, repeats, until};

/// Between the receiver's acceptance and the store's note of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_sending_and_noting_makes_one_repeat() {
    let desk = Desk::new("t-crash");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let secret = SigningSecret::parse(&SECRET.into()).unwrap();
    // The receiver has accepted, and holds its answer back until the worker is gone. It takes the
    // worker's clock, which is set forward.
    let config = ReceiverConfig::new(secret, desk.clock());
    let events = Events::default();
    let (reached, has_reached) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let stop = CancellationToken::new();
    let (told, token, mut hold) = (Arc::clone(&events), stop.clone(), Some((reached, released)));
    let server = tokio::spawn(receiver::serve(
        listener,
        config,
        move |event: Event| {
            told.lock().unwrap().push(event);
            if let Some((reached, released)) = hold.take() {
                reached.send(()).unwrap();
                released.recv_timeout(Duration::from_mins(2)).unwrap();
            }
        },
        token,
    ));
    desk.commit(vec![alert("QS-1", 1), alert("QS-1", 2)]);
    let worker = desk.worker("a", address);
    let reached = tokio::task::spawn_blocking(move || has_reached.recv_timeout(Duration::from_mins(2)));
    reached.await.unwrap().unwrap();
    worker.crash().await;
    release.send(()).unwrap();
    assert_eq!(desk.pending(), 2, "nothing was noted");

    let worker = desk.worker("b", address);
    // The crashed worker's lease must end first.
    desk.forward(3600);
    worker.wake.wake();
    until("both revisions", || desk.pending() == 0).await;
    worker.stop().await;
    stop.cancel();
    server.await.unwrap().unwrap();
    assert_eq!((accepted(&events), repeats(&events)), (vec!["QS-1.1".into(), "QS-1.2".into()], 1));
}

/// A shutdown that cannot wait gives the lease back, so that the next start need not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_gives_back_what_is_under_way() {
    use fenghuo::deliver::{Deliver, Sink, WebhookSecrets, WebhookSink};

    let desk = Desk::new("t-shutdown");
    let arrived = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&arrived);
    let never = axum::Router::new().fallback(move || {
        *seen.lock().unwrap() = true;
        std::future::pending::<()>()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, never).await });
    desk.commit(vec![alert("QS-1", 1)]);
    let secrets = WebhookSecrets { signing: SECRET.into(), token: None };
    let sink: Arc<dyn Sink> = Arc::new(WebhookSink::new(&desk.config(silent), &secrets).unwrap());
    let deliver = Deliver::new(desk.store.clone(), vec![sink], desk.clock(), "a".into());
    let stop = CancellationToken::new();
    let task = tokio::spawn(deliver.run(stop.clone(), Duration::ZERO));
    until("the request", || *arrived.lock().unwrap()).await;
    stop.cancel();
    task.await.unwrap();
    server.abort();

    let centre = Centre::start(Fail::None).await;
    let worker = desk.worker("b", centre.address);
    until("delivery without waiting for a lease", || desk.pending() == 0).await;
    worker.stop().await;
    assert_eq!(accepted(&centre.stop().await.1), ["QS-1.1"]);
}
