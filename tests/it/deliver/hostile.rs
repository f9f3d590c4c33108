//! Against receivers that answer in every bad way.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use fenghuo::deliver::SinkState;
use fenghuo::store::{DeadLetterFilter, Store as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

use super::{Desk, SECRET, alert, until};

/// Serves `router` until the runtime of the test ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

// On one thread, so that the subscriber of this thread gets everything.
#[tokio::test]
async fn secrets_that_a_receiver_echoes_are_not_repeated() {
    let desk = Desk::new("t-echo");
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    // With one subscriber alone, a log line that another test's thread comes by first would be
    // judged by that thread's subscriber, which is none, and be switched off for all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // The first request is answered with 401, the rest with 422; each echoes what it was sent, and
    // some of it so far back that the excerpt cuts through it.
    let count = Arc::new(Mutex::new(0));
    let echo = Router::new().fallback(move |headers: HeaderMap| {
        let mut count = count.lock().unwrap();
        *count += 1;
        let status = if *count == 1 { StatusCode::UNAUTHORIZED } else { StatusCode::UNPROCESSABLE_ENTITY };
        let sent = headers["authorization"].to_str().unwrap().to_owned();
        assert_eq!(sent, "Bearer TOKEN-PLANTED");
        let text = format!("bad token {sent}, secret {SECRET} {}", "TOKEN-PLANTED".repeat(1000));
        std::future::ready((status, text).into_response())
    });
    let address = serve(echo).await;
    let mut config = desk.config(address);
    config.url.push_str("?key=URL-PLANTED");
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker_with("a", &config, SECRET);
    let status = worker.status.clone();
    until("the alert to be put aside", || desk.pending() == 0).await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    let shown = format!("{letters:?} {:?}", status.borrow());
    worker.stop().await;
    // And one that cannot be reached at all.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    config.url = format!("http://{}/URL-PLANTED", listener.local_addr().unwrap());
    drop(listener);
    desk.commit(vec![alert("QS-2", 1)]);
    let worker = desk.worker_with("b", &config, SECRET);
    until("the failure", || matches!(worker.state(), SinkState::Failing { .. })).await;
    let shown = format!("{shown} {:?}", worker.state());
    worker.stop().await;
    drop(guard);
    let row = desk.store.due(
        (desk.clock())() + jiff::SignedDuration::from_hours(1),
        "t-echo",
        1,
        "x",
        jiff::Timestamp::MAX,
    );
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("dead letter") && log.contains("bad token"), "{log}");
    let everything = format!("{log} {shown} {row:?}");
    for planted in ["TOKEN-PLANTED", "TOKEN", "PLANTED", SECRET, &SECRET[..16]] {
        assert!(!everything.contains(planted), "{planted} in {everything}");
    }
    assert!(everything.contains("cannot connect"), "{everything}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed_and_raise_an_alarm() {
    let desk = Desk::new("t-redirect");
    let lured = Arc::new(Mutex::new(0));
    let count = Arc::clone(&lured);
    let elsewhere = serve(Router::new().fallback(move || {
        *count.lock().unwrap() += 1;
        std::future::ready("thank you")
    }))
    .await;
    let lure = Router::new().fallback(move || {
        let to = format!("http://{elsewhere}/");
        std::future::ready((StatusCode::PERMANENT_REDIRECT, [("location", to)]).into_response())
    });
    let worker = {
        desk.commit(vec![alert("QS-1", 1)]);
        desk.worker("a", serve(lure).await)
    };
    until("the alarm", || matches!(worker.state(), SinkState::Alarmed { .. })).await;
    worker.stop().await;
    assert_eq!((*lured.lock().unwrap(), desk.pending()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_to_wait_is_left_alone_until_then() {
    let desk = Desk::new("t-wait");
    let stamps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stamps);
    let busy = Router::new().fallback(move |headers: HeaderMap| {
        let mut seen = seen.lock().unwrap();
        let stamp: i64 = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let signature = headers["webhook-signature"].to_str().unwrap().to_owned();
        seen.push((stamp, headers["webhook-id"].to_str().unwrap().to_owned(), signature));
        let is_first = seen.len() == 1;
        std::future::ready(if is_first {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response()
        } else {
            StatusCode::NO_CONTENT.into_response()
        })
    });
    let mut config = desk.config(serve(busy).await);
    config.concurrency = 1;
    desk.commit(vec![alert("QS-1", 1), alert("QS-2", 1)]);
    let worker = desk.worker_with("a", &config, SECRET);
    until("the pause", || matches!(worker.state(), SinkState::Failing { .. })).await;
    worker.wake.wake();
    desk.forward(3601);
    worker.wake.wake();
    until("both alerts", || desk.pending() == 0).await;
    worker.stop().await;
    let stamps = stamps.lock().unwrap();
    assert_eq!(stamps.len(), 3, "{stamps:?}");
    assert!(stamps[1..].iter().all(|(stamp, ..)| *stamp >= stamps[0].0 + 3600), "{stamps:?}");
    let again = stamps[1..].iter().find(|(_, id, _)| *id == stamps[0].1).unwrap();
    assert_ne!(again.2, stamps[0].2, "signed anew for the new time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_not_read_to_its_end() {
    let desk = Desk::new("t-endless");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The request is small enough to come at once; what of it is not read does not matter.
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker("a", address);
    until("the alert to be put aside", || desk.pending() == 0).await;
    worker.stop().await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    assert_eq!(letters[0].detail, format!("HTTP 400: {}", "x".repeat(512)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_fails_for_too_long_is_given_up_when_asked_to() {
    let desk = Desk::new("t-giveup");
    let broken = Router::new().fallback(|| std::future::ready(StatusCode::INTERNAL_SERVER_ERROR));
    let mut config = desk.config(serve(broken).await);
    config.retry.give_up_after_hours = Some(2);
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker_with("a", &config, SECRET);
    until("some failures", || matches!(worker.state(), SinkState::Failing { .. })).await;
    assert_eq!(desk.pending(), 1);
    desk.forward(2 * 3600);
    worker.wake.wake();
    until("giving up", || desk.pending() == 0).await;
    worker.stop().await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    assert_eq!(letters[0].detail, "given up after 2 h: HTTP 500");
}
