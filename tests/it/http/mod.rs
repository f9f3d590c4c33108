//! The HTTP intake, against a real server on a free port and a pipeline that stands in.

#![expect(clippy::unwrap_used, reason = "in the helpers of tests too, a failure is the test's")]

mod stand_in;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use fenghuo::model::PartitionKey;
use fenghuo::source::http::{Availability, HttpConfig, HttpError, HttpSource};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::stand_in::{Pipeline, Server};

const TOKEN: &str = "0123456789abcdef-token";

fn event(id: &str, text: &str) -> String {
    json!({"id": id, "received_at": "2026-02-28T11:25:05+08:00", "text": text}).to_string()
}

/// The problem of a refusal, checked for its form.
async fn problem_of(response: reqwest::Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["type"].as_str().unwrap().starts_with("urn:fenghuo:problem:"));
    assert!(!problem["detail"].as_str().unwrap().contains('\n'));
    problem
}

#[tokio::test]
async fn one_event_is_accepted_repeated_updated_or_put_aside() {
    let server = Server::start(Pipeline::Works, HttpConfig::default());
    let send = |body: String| server.post("application/json; charset=UTF-8", body);
    let response = send(event("1", "漏水")).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"id": "1", "status": "accepted"}));
    for (text, status) in [("漏水", "repeated"), ("漏水三天", "updated")] {
        let response = send(event("1", text)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"id": "1", "status": status}));
    }
    let response = send(r#"{"id":"2"}"#.into()).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = problem_of(response).await;
    assert_eq!(problem["reason"], "missing_field");
    assert!(problem["detail"].as_str().unwrap().contains("`received_at`"));
}

#[tokio::test]
async fn a_batch_has_a_result_for_every_line() {
    let server = Server::start(Pipeline::Works, HttpConfig::default());
    let body = [
        event("1", "漏水"),
        String::new(),
        "{oops".into(),
        event("1", "漏水"),
        event("1", "又漏水") + "\r",
        event("2", "噪音"),
    ];
    let response = server.post("application/x-ndjson", body.join("\n") + "\n").await;
    assert_eq!(response.status(), StatusCode::OK);
    insta::assert_snapshot!(serde_json::to_string_pretty(&response.json::<Value>().await.unwrap()).unwrap(), @r#"
    {
      "accepted": 2,
      "repeated": 1,
      "updated": 1,
      "dead_letter": 1,
      "unavailable": 0,
      "results": [
        {
          "line": 1,
          "id": "1",
          "status": "accepted"
        },
        {
          "line": 3,
          "status": "dead_letter",
          "reason": "invalid_json",
          "detail": "the event is not JSON: key must be a string at line 1 column 2; check how the sender writes quotes and line breaks"
        },
        {
          "line": 4,
          "id": "1",
          "status": "repeated"
        },
        {
          "line": 5,
          "id": "1",
          "status": "updated"
        },
        {
          "line": 6,
          "id": "2",
          "status": "accepted"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_batch_larger_than_the_intake_goes_through() {
    let server = Server::start(Pipeline::Works, HttpConfig::default());
    let lines: Vec<String> = (0..2000).map(|n| event(&n.to_string(), "漏水")).collect();
    let response = server.post("application/x-ndjson", lines.join("\n")).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["accepted"], 2000);
    assert_eq!(answer["results"].as_array().unwrap().len(), 2000);
    assert_eq!(answer["results"][1999]["id"], "1999");
}

#[tokio::test]
async fn only_a_right_token_may_send() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, format!("# for tests\n\n{TOKEN}\nanother-token-0123456789\n")).unwrap();
    let server = Server::start(Pipeline::Works, HttpConfig { tokens_file: Some(path), ..Default::default() });
    let send = |authorization: Option<&'static str>| {
        let mut request =
            reqwest::Client::new().post(server.url()).header("content-type", "application/json");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        request.body(event("1", "x")).send()
    };
    for (authorization, challenge) in [
        (None, "Bearer realm=\"fenghuo\""),
        (Some("Basic MDEyMzQ1Njc4OWFiY2RlZi10b2tlbg=="), "Bearer realm=\"fenghuo\""),
        (Some("Bearer 0123456789abcdef-tokem"), "Bearer realm=\"fenghuo\", error=\"invalid_token\""),
        (Some("Bearer 0123456789abcdef-toke"), "Bearer realm=\"fenghuo\", error=\"invalid_token\""),
    ] {
        let response = send(authorization).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert_eq!(response.headers()["www-authenticate"], challenge);
        let problem = problem_of(response).await;
        assert!(!problem.to_string().contains("0123456789"), "no token is told");
    }
    assert_eq!(send(Some("bearer 0123456789abcdef-token")).await.unwrap().status(), StatusCode::CREATED);
    let health = reqwest::get(format!("http://{}/healthz", server.address)).await.unwrap();
    assert_eq!(health.text().await.unwrap(), "ok", "merged routes have rules of their own");
}

#[tokio::test]
async fn what_is_no_event_is_refused_before_it_is_read() {
    let server = Server::start(Pipeline::Works, HttpConfig { max_lines: 3, ..Default::default() });
    for content_type in ["text/csv", "multipart/form-data; boundary=x", "application/json; charset=gbk"] {
        let response = server.post(content_type, event("1", "x")).await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        problem_of(response).await;
    }
    let client = reqwest::Client::new();
    let untyped = client.post(server.url()).body(event("1", "x")).send().await.unwrap();
    assert_eq!(untyped.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let gzip = client.post(server.url()).header("content-type", "application/json");
    let gzip = gzip.header("content-encoding", "gzip").body("x").send().await.unwrap();
    assert_eq!(gzip.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);

    for (content_type, body) in [("application/json", " \n"), ("application/x-ndjson", "\n\r\n")] {
        let response = server.post(content_type, body).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem_of(response).await["type"], "urn:fenghuo:problem:no-event");
    }
    let response = server.post("application/x-ndjson", "1\n2\n3\n4\n").await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(problem_of(response).await["detail"].as_str().unwrap().contains("3 lines"));

    let response = client.get(server.url()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
    problem_of(response).await;
}

#[tokio::test]
async fn fifty_megabytes_are_refused_with_an_answer_and_the_server_goes_on() {
    let server = Server::start(Pipeline::Works, HttpConfig::default());
    let huge = event("1", &"x".repeat(50 << 20));
    let response = server.post("application/json", huge.clone()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(problem_of(response).await["detail"].as_str().unwrap().contains("http.max_body_bytes"));

    // Without a length, so that it shows only while reading.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(b"POST /v1/complaints HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for chunk in huge.as_bytes().chunks(1 << 20) {
        write!(stream, "{:x}\r\n", chunk.len()).unwrap();
        stream.write_all(chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert!(first_line(&mut stream).contains(" 413 "));

    // Within the body's limit, but not the event's: put aside, and the others of the batch are not.
    let batch = format!("{}\n{}\n", event("1", &"x".repeat(2 << 20)), event("2", "x"));
    let answer: Value = server.post("application/x-ndjson", batch).await.json().await.unwrap();
    assert_eq!((&answer["results"][0]["reason"], &answer["accepted"]), (&json!("too_large"), &json!(1)));
}

fn first_line(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut bytes = [0; 64];
    let read = stream.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..read]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::start(Pipeline::Works, HttpConfig { body_timeout_seconds: 1, ..Default::default() });
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .write_all(b"POST /v1/complaints HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\"")
        .unwrap();
    assert!(first_line(&mut stream).contains(" 408 "));
    assert_eq!(server.post("application/json", event("1", "x")).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn no_answer_says_stored_before_it_is() {
    for kind in [Pipeline::Silent, Pipeline::Drops] {
        let server = Server::start(kind, HttpConfig { ack_timeout_seconds: 1, ..Default::default() });
        for content_type in ["application/json", "application/x-ndjson"] {
            let response = server.post(content_type, event("1", "x")).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "5");
            assert!(problem_of(response).await["detail"].as_str().unwrap().contains("send them again"));
        }
    }
}

#[tokio::test]
async fn a_full_intake_says_come_again() {
    let config = HttpConfig { ack_timeout_seconds: 2, ..Default::default() };
    let server = Server::start(Pipeline::Stuck, config);
    // Two lines find room and are not answered, the third finds none in time.
    let response = server.post("application/x-ndjson", "1\n2\n3\n").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    for content_type in ["application/json", "application/x-ndjson"] {
        let response = server.post(content_type, event("1", "x")).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "1");
        problem_of(response).await;
    }
}

#[tokio::test]
async fn too_many_requests_at_once_say_come_again() {
    let config = HttpConfig { max_concurrent_requests: 1, ..Default::default() };
    let server = Server::start(Pipeline::Works, config);
    let mut first = TcpStream::connect(server.address).unwrap();
    let body = event("1", "x");
    let (start, end) = body.split_at(4);
    write!(first, "POST /v1/complaints HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{start}", body.len()).unwrap();
    // Until the first has its place, the second gets it.
    let mut status = StatusCode::CREATED;
    for _ in 0..1000 {
        status = server.post("application/json", event("2", "x")).await.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    first.write_all(end.as_bytes()).unwrap();
    assert!(first_line(&mut first).contains(" 201 "));
}

#[test]
fn a_stalled_store_is_told_at_once_and_the_connection_is_kept() {
    let server = Server::start(Pipeline::Works, HttpConfig::default());
    let mut stream = TcpStream::connect(server.address).unwrap();
    let body = event("1", "x");
    let mut send = || {
        let length = body.len();
        write!(stream, "POST /v1/complaints HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        answer(&mut stream)
    };
    assert!(send().starts_with("HTTP/1.1 201 "));
    server.stalled.store(true, Ordering::SeqCst);
    let stalled = send();
    assert!(
        stalled.starts_with("HTTP/1.1 503 ") && stalled.contains("the disk is full; free some room"),
        "{stalled}"
    );
    assert!(stalled.to_ascii_lowercase().contains("retry-after: 5"), "{stalled}");
    server.stalled.store(false, Ordering::SeqCst);
    assert!(send().starts_with("HTTP/1.1 200 "));
}

/// One whole answer, so that the connection can be used again.
fn answer(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(char::from(byte[0]));
    }
    let lower = text.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn stopping_answers_what_waits_and_ends() {
    let config = HttpConfig { shutdown_grace_seconds: 1, ack_timeout_seconds: 600, ..Default::default() };
    let mut server = Server::start(Pipeline::Silent, config);
    let address = server.address;
    let url = server.url();
    let waiting = tokio::spawn(async move {
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        request.body(event("1", "x")).send().await.unwrap()
    });
    for _ in 0..3000 {
        if server.taken.load(Ordering::SeqCst) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.taken.load(Ordering::SeqCst), 1, "the pipeline has it, and the request waits");
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    assert_eq!(waiting.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(TcpStream::connect(address).is_err(), "the port is closed");
}

fn refused(config: HttpConfig) -> HttpError {
    let available: Availability = Arc::new(|| Ok(()));
    HttpSource::bind(config, PartitionKey::from("main"), available, Router::new()).unwrap_err()
}

#[test]
fn what_cannot_be_opened_says_why_in_one_line() {
    let listen = |listen: &str| HttpConfig { listen: listen.into(), ..Default::default() };
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = holder.local_addr().unwrap();
    let message = refused(listen(&busy.to_string())).to_string().replace(&busy.to_string(), "ADDRESS");
    insta::assert_snapshot!(message, @"http.listen: another program already listens on ADDRESS; stop it (is a fenghuo running?) or set another port");
    insta::assert_snapshot!(refused(listen("0.0.0.0:0")), @"http.listen is 0.0.0.0:0, which other machines reach, and no tokens are configured; set http.tokens_file, or http.allow_unauthenticated = true if a proxy in front checks who sends");
    insta::assert_snapshot!(refused(HttpConfig { allow_unauthenticated: true, ..listen("192.0.2.1:8787") }), @"http.listen: this machine has no address 192.0.2.1:8787; set one of its own, or 0.0.0.0 for all");
    insta::assert_snapshot!(refused(listen("8787")), @r#"http.listen is "8787", which is no address (invalid socket address); give one like 127.0.0.1:8787"#);
    insta::assert_snapshot!(refused(HttpConfig { max_lines: 0, ..listen("127.0.0.1:0") }), @"http.max_lines is 0; it must be from 1 to 1000000");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let with_tokens = |content: &str| {
        std::fs::write(&path, content).unwrap();
        let config = HttpConfig { tokens_file: Some(path.clone()), ..listen("127.0.0.1:0") };
        let message = refused(config).to_string().replace(&path.display().to_string(), "TOKENS");
        assert!(!message.contains("secret"), "no token is told");
        message
    };
    insta::assert_snapshot!(with_tokens("# none\n"), @"http.tokens_file TOKENS has no token; write one a line, for example of `openssl rand -hex 32`");
    insta::assert_snapshot!(with_tokens("# one\nsecret\n"), @"http.tokens_file TOKENS line 2: a token of less than 16 characters can be guessed; use a longer one");
    insta::assert_snapshot!(with_tokens("secret secret secret\n"), @"http.tokens_file TOKENS line 1: a token is ASCII without blanks; remove what is not");
    std::fs::remove_file(&path).unwrap();
    let missing = HttpConfig { tokens_file: Some(path.clone()), ..listen("127.0.0.1:0") };
    insta::assert_snapshot!(refused(missing).to_string().replace(&path.display().to_string(), "TOKENS"), @"http.tokens_file TOKENS: No such file or directory (os error 2); give a file that fenghuo may read");
}
