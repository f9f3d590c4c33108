//! `fenghuo store` and `fenghuo dead-letters` on a real store.

use std::sync::{Arc, Mutex};

use assert_cmd::Command;
use fenghuo::model::{Commit, DeadLetter, DeadReason, PartitionKey};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{Store as _, StoreConfig};
use tempfile::TempDir;

fn fenghuo(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenghuo"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FENGHUO_")) {
        command.env_remove(name);
    }
    let output = command.current_dir(folder.path()).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A store with three dead letters: one of broken bytes, one that an event can be made of, one row.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&StoreConfig::at(folder.path().join("data"))).unwrap();
    let letter = |reason, detail: &str, at: &str, bytes: &[u8]| DeadLetter {
        reason,
        detail: detail.into(),
        source: "file:orders.ndjson".into(),
        at: at.into(),
        seen_at: "2026-03-01T08:00:00Z".parse().unwrap(),
        bytes: bytes.to_vec(),
        is_event: !at.starts_with("row"),
    };
    let letters = vec![
        letter(DeadReason::InvalidJson, "cut short", "line 1", b"{\"id\": \x1b[31m"),
        letter(DeadReason::TimeOutOfRange, "year 9999", "line 2", b"{\n\"id\":\"2\"}"),
        letter(DeadReason::MissingField, "no number", "row 3 of sheet Q1", b"[\"\",\"a\"]"),
    ];
    let now = "2026-03-01T08:00:00Z".parse().unwrap();
    let commit = Commit { dead_letters: letters, ..Commit::new(PartitionKey::from("main"), 0, now) };
    store.commit(&commit, &[]).unwrap();
    folder
}

#[test]
fn a_store_is_checked_backed_up_and_vacuumed() {
    let folder = folder();
    let (code, out, err) = fenghuo(&folder, &["store", "check"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("is sound: 0 complaints"), "{out}");
    let (code, out, _) = fenghuo(&folder, &["store", "check", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &answer["ok"], &answer["counts"]["dead_letters"]["invalid_json"]),
        (0, &true.into(), &1.into())
    );

    let (code, _, err) = fenghuo(&folder, &["store", "backup", "copy.db"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, out, _) = fenghuo(&folder, &["store", "check", "--data-dir", "copy.db"]);
    assert!(code == 0 && out.contains("copy.db is sound"), "{out}");
    let (code, _, err) = fenghuo(&folder, &["store", "backup", "copy.db"]);
    assert!(code == 4 && err.contains("copy.db"), "nothing is overwritten: {err}");
    assert_eq!(fenghuo(&folder, &["store", "vacuum"]).0, 0);
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["store", "check"][..], &["store", "vacuum"], &["dead-letters", "list"]] {
        let (code, out, err) = fenghuo(&folder, args);
        assert_eq!((code, out.as_str(), err.lines().count()), (4, "", 1), "{err}");
        assert!(err.starts_with("fenghuo: there is no store at data/fenghuo.db"), "{err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_that_cannot_be_written_is_one_line_and_its_own_code() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let folder = folder();
    let (data, program) = (folder.path().join("data"), folder.path().join("fenghuo"));
    let allow =
        |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    // Where it was built, another user may have no way to it.
    fs::copy(env!("CARGO_BIN_EXE_fenghuo"), &program).unwrap();
    for (path, mode) in
        [(program.as_path(), 0o755), (folder.path(), 0o755), (&data.join("fenghuo.db"), 0o444)]
    {
        allow(path, mode);
    }
    allow(&data, 0o555);
    let before: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for args in [
        &["run", "--listen", "127.0.0.1:0"][..],
        &["run", "--listen", "127.0.0.1:0", "--data-dir", "data/new"],
        &["store", "check"],
        &["store", "vacuum"],
        &["dead-letters", "redrive", "--all"],
    ] {
        let mut command = std::process::Command::new(&program);
        // No permission keeps root from writing.
        if folder.path().metadata().unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        let output = command.current_dir(folder.path()).env_clear().args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(4), 1), "{args:?}: {said}");
        let is_clear = said.contains("give this user write access to the file and its folder")
            || said.contains("point store.path at a folder that this user may write to");
        assert!(said.starts_with("fenghuo: ") && said.contains("data/") && is_clear, "{args:?}: {said}");
    }
    let after: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
    allow(&data, 0o755);
}

#[test]
fn dead_letters_are_listed_and_shown() {
    let folder = folder();
    let (code, out, _) = fenghuo(&folder, &["dead-letters", "list"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r#"
3  2026-03-01T08:00:00Z  missing_field      file:orders.ndjson row 3 of sheet Q1 (8 bytes): no number
2  2026-03-01T08:00:00Z  time_out_of_range  file:orders.ndjson line 2 (11 bytes): year 9999
1  2026-03-01T08:00:00Z  invalid_json       file:orders.ndjson line 1 (12 bytes): cut short
"#);
    let (_, out, _) = fenghuo(&folder, &["dead-letters", "list", "--reason", "invalid_json", "--json"]);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(listed.len(), 1);
    let (code, out, _) = fenghuo(&folder, &["dead-letters", "show", "1"]);
    assert!(code == 0 && out.contains("cut short") && !out.contains('\u{1b}'), "{out}");
    let (_, raw, _) = fenghuo(&folder, &["dead-letters", "show", "1", "--raw"]);
    assert_eq!(raw, "{\"id\": \u{1b}[31m");
    let (code, _, err) = fenghuo(&folder, &["dead-letters", "show", "99"]);
    assert!(code == 1 && err.contains("there is no dead letter 99"), "{err}");
    let (code, _, err) = fenghuo(&folder, &["dead-letters", "list", "--reason", "bad"]);
    assert!(code == 2 && err.contains("time_out_of_range"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_to_the_daemon_again_and_are_marked() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let intake = axum::routing::post(async move |body: String| {
        let status = if body.contains("31m") { "dead_letter" } else { "accepted" };
        seen.lock().unwrap().push(body);
        axum::Json(
            serde_json::json!({ "results": [{ "line": 1, "status": status, "reason": "invalid_json" }] }),
        )
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/complaints", listener.local_addr().unwrap());
    let server = tokio::spawn(
        axum::serve(listener, axum::Router::new().route("/v1/complaints", intake)).into_future(),
    );

    let (code, out, err, left) = tokio::task::spawn_blocking(move || {
        let folder = folder();
        let (code, out, err) = fenghuo(&folder, &["dead-letters", "redrive", "--all", "--url", &url]);
        (code, out, err, fenghuo(&folder, &["dead-letters", "list", "--json"]).1)
    })
    .await
    .unwrap();
    server.abort();
    assert_eq!(code, 1, "one was put aside again");
    insta::assert_snapshot!(out, @"1 events put back in, 1 put aside again, 1 stay, 0 alerts back in the outbox");
    insta::assert_snapshot!(err, @"
3: stays: it is no event: fix the row in the table and feed it again
1: put aside again: invalid_json
");
    assert_eq!(*bodies.lock().unwrap(), ["{ \"id\":\"2\"}\n", "{\"id\": \u{1b}[31m\n"]);
    let left: Vec<serde_json::Value> = serde_json::from_str(&left).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0]["id"], &left[0]["redriven_at"]), (&3.into(), &serde_json::Value::Null));
}
