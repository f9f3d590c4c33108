//! Files that grow, are rotated, are emptied.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;

use super::*;

fn follow(path: &Path, kept: &Arc<Kept>) -> Running {
    let config = FileConfig { follow: true, poll_interval_milliseconds: 10, ..FileConfig::of(path) };
    Running::start(config, kept)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn lines_are_taken_as_they_are_finished() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.ndjson", line("1"));
    let kept = Arc::default();
    let mut running = follow(&path, &kept);
    assert_eq!(running.ids(1), ["1"]);
    let second = line("2");
    append(&path, &second[..20]);
    // A later whole line proves that the first part was not taken for a line.
    append(&path, &second[20..]);
    append(&path, &line("3"));
    assert_eq!(running.ids(2), ["2", "3"]);
    append(&path, "{\"id\":");
    running.stop();

    let mut again = follow(&path, &kept);
    append(&path, "\"4\"}\n");
    assert_eq!(again.ids(1), ["4"], "goes on at the line that was not finished");
    again.stop();
}

#[test]
fn an_empty_file_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.csv", "");
    let mut running = follow(&path, &Arc::default());
    append(&path, "id,received_at,text\n");
    append(&path, "1,t,\"停水\n两天\"\n2,t,停电\n");
    assert_eq!(running.ids(2), ["1", "2"]);
    append(&path, "3,t,停气\n");
    let third = running.next();
    assert_eq!((id(&third), &*third.at), ("3".into(), "line 5"));
    running.stop();
}

#[test]
fn a_rotated_file_is_finished_and_the_new_one_read_from_its_beginning() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.ndjson", line("1"));
    let kept = Arc::default();
    let mut running = follow(&path, &kept);
    let first = running.next();
    let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, folder.path().join("a.ndjson.1")).unwrap();
    // The writer has not noticed yet, and leaves its last line unfinished.
    writer.write_all(line("2").as_bytes()).unwrap();
    writer.write_all(line("3").trim_end().as_bytes()).unwrap();
    File::create(&path).unwrap().write_all(format!("{}{}", line("4"), line("5")).as_bytes()).unwrap();
    assert_eq!(running.ids(3), ["2", "3", "4"]);
    let last = running.next();
    assert_eq!(id(&last), "5");
    assert_ne!(first.source, last.source, "a position of one is none of the other");
    running.stop();
    append(&path, &line("6"));
    let mut again = follow(&path, &kept);
    assert_eq!(again.ids(1), ["6"]);
    again.stop();
}

#[test]
fn a_file_that_is_emptied_is_read_from_its_beginning() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.ndjson", format!("{}{}{}", line("1"), line("2"), line("3")));
    let kept = Arc::default();
    let mut running = follow(&path, &kept);
    assert_eq!(running.ids(3), ["1", "2", "3"]);
    // As copytruncate does it: the same inode. It soon is longer than what was read.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(0).unwrap();
    append(&path, &(4..10).map(|id| line(&id.to_string())).collect::<String>());
    assert_eq!(running.ids(6), ["4", "5", "6", "7", "8", "9"]);
    running.stop();
}

#[test]
fn the_same_beginning_after_emptying_is_another_generation() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.csv", "id,received_at,text\n1,t,停水\n2,t,停电\n");
    let kept = Arc::default();
    let mut running = follow(&path, &kept);
    assert_eq!(running.ids(2), ["1", "2"]);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(0).unwrap();
    append(&path, "id,received_at,text\n1,t,停水\n");
    let first = running.next();
    assert_eq!(id(&first), "1");
    assert!(first.source.ends_with(".2"), "{}", first.source);
    running.stop();
    append(&path, "7,t,停气\n");
    let mut again = follow(&path, &kept);
    let next = again.next();
    assert_eq!((id(&next), &next.source), ("7".into(), &first.source));
    again.stop();

    // While nobody looked, the file was written anew and is shorter than the stored position.
    let path = write(&folder, "a.csv", "id,received_at,text\n1,t,停水\n8,t,冷\n");
    let mut anew = follow(&path, &kept);
    assert_eq!(anew.ids(2), ["1", "8"]);
    anew.stop();
}

#[test]
fn files_are_followed_side_by_side_and_may_be_away_for_a_while() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (write(&folder, "a.ndjson", line("1")), write(&folder, "b.ndjson", line("2")));
    let config = FileConfig {
        paths: vec![a.clone(), b.clone()],
        follow: true,
        poll_interval_milliseconds: 10,
        ..FileConfig::default()
    };
    let mut running = Running::start(config, &Arc::default());
    assert_eq!(running.ids(2), ["1", "2"]);
    fs::rename(&a, folder.path().join("a.old")).unwrap();
    append(&b, &line("3"));
    assert_eq!(running.ids(1), ["3"]);
    fs::write(&a, line("4")).unwrap();
    assert_eq!(running.ids(1), ["4"]);
    running.stop();
}
