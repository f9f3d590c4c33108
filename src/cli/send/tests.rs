use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use secrecy::SecretString;

use super::*;

type Requests = Arc<Mutex<Vec<(Option<String>, String)>>>;

/// A daemon that answers as `answer` says, given how many requests came before and the body.
async fn daemon(
    answer: impl Fn(usize, &str) -> Response + Clone + Send + Sync + 'static,
) -> (String, Requests) {
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    let handler = post(async move |headers: HeaderMap, body: Bytes| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push((token, body.clone()));
            seen.len() - 1
        };
        answer(before, &body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/complaints", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/v1/complaints", handler)).into_future());
    (url, requests)
}

fn accepted(body: &str) -> Response {
    let results: Vec<_> =
        body.lines().map(|line| serde_json::json!({ "status": "accepted", "id": line })).collect();
    serde_json::json!({ "results": results }).to_string().into_response()
}

fn client(url: &str, give_up_after: u64) -> Client {
    let token = SecretString::from("secret-token");
    Client::new(url, Some(&token), Duration::from_secs(5), Duration::from_secs(give_up_after)).unwrap()
}

fn batch(texts: &[&str]) -> Vec<Line> {
    (1..).zip(texts).map(|(number, text)| Line { number, bytes: text.as_bytes().to_vec() }).collect()
}

async fn deliver_to(client: &Client, texts: &[&str]) -> anyhow::Result<(Summary, Vec<(u64, String)>)> {
    let mut summary = Summary::default();
    let refusals = deliver(client, batch(texts), &mut summary, &indicatif::ProgressBar::hidden()).await?;
    Ok((summary, refusals))
}

#[tokio::test]
async fn a_busy_daemon_is_asked_again_when_it_says_and_the_token_goes_along() {
    let (url, requests) = daemon(|before, body| match before {
        0 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response(),
        1 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        2 => StatusCode::BAD_GATEWAY.into_response(),
        _ => accepted(body),
    })
    .await;
    let (summary, refusals) = deliver_to(&client(&url, 60), &["1", "2"]).await.unwrap();
    assert_eq!(summary, Summary { sent: 2, accepted: 2, retries: 3, ..Summary::default() });
    assert!(refusals.is_empty());
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|(token, body)| token.as_deref() == Some("Bearer secret-token") && body == "1\n2\n")
    );
}

#[tokio::test]
async fn a_batch_that_is_too_large_goes_in_halves_and_in_order() {
    let (url, requests) = daemon(|_, body| {
        let is_large = body.lines().count() > 1 || body.contains("huge");
        if is_large { StatusCode::PAYLOAD_TOO_LARGE.into_response() } else { accepted(body) }
    })
    .await;
    let (summary, refusals) = deliver_to(&client(&url, 60), &["1", "huge", "3"]).await.unwrap();
    assert_eq!(summary, Summary { sent: 3, accepted: 2, refused: 1, ..Summary::default() });
    assert_eq!(refusals, [(2, "the event is larger than the daemon takes".to_owned())]);
    let single: Vec<String> = requests
        .lock()
        .unwrap()
        .iter()
        .map(|(_, body)| body.clone())
        .filter(|body| body.lines().count() == 1)
        .collect();
    assert_eq!(single, ["1\n", "huge\n", "3\n"]);
}

#[tokio::test]
async fn what_the_daemon_refuses_is_named_by_its_line() {
    let (url, _) = daemon(|_, _| {
        let results = serde_json::json!([
            { "status": "repeated" },
            { "status": "updated" },
            { "status": "dead_letter", "reason": "missing_field", "detail": "`id` is missing" },
        ]);
        serde_json::json!({ "results": results }).to_string().into_response()
    })
    .await;
    let (summary, refusals) = deliver_to(&client(&url, 60), &["1", "2", "3"]).await.unwrap();
    assert_eq!(summary, Summary { sent: 3, repeated: 1, updated: 1, refused: 1, ..Summary::default() });
    assert_eq!(refusals, [(3, "missing_field: `id` is missing".to_owned())]);
}

#[tokio::test]
async fn a_daemon_that_cannot_be_used_is_one_line() {
    let said = async |client: &Client| {
        let error = deliver_to(client, &["1", "2"]).await.unwrap_err();
        assert_eq!(crate::cli::exit::of(&error), Exit::Unavailable);
        format!("{error:#}").replace(client.url(), "URL")
    };
    let (url, _) = daemon(|_, _| StatusCode::UNAUTHORIZED.into_response()).await;
    insta::assert_snapshot!(said(&client(&url, 60)).await, @"URL: it refuses us (401 Unauthorized); give the right token with --token-file");
    let (url, _) = daemon(|_, _| "<html>\n hello".into_response()).await;
    insta::assert_snapshot!(said(&client(&url, 60)).await, @"URL: it answers 200 OK and not as a fenghuo daemon does: <html> hello");
    let (url, _) = daemon(|_, _| r#"{"results":[]}"#.into_response()).await;
    insta::assert_snapshot!(said(&client(&url, 60)).await, @"0 answers to 2 events; is URL a fenghuo daemon?");
    let (url, _) =
        daemon(|_, _| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")]).into_response()).await;
    insta::assert_snapshot!(said(&client(&url, 5)).await, @"URL: it is busy (503 Service Unavailable); gave up after 0 s");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", taken.local_addr().unwrap());
    drop(taken);
    insta::assert_snapshot!(said(&client(&url, 0)).await, @"URL: it cannot be reached: Connection refused (os error 111); gave up after 0 s");
}
