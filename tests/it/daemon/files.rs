//! Complaints read from files and stdin, with and without crashes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use fenghuo::generate::Generated;
use fenghuo::store::Store as _;
use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::{Accepted, Daemon, World, line, program, stream};
use crate::support::wait_until;

/// Small batches, so that a file takes many commits and a crash falls between two of them.
const SMALL_BATCHES: &str = "[intake]\nbatch_records = 5\nqueue_records = 20\n";

/// Writes events as a file of one form.
type Write = fn(&Path, &[Generated]);

/// Where the events' fields stand in the tables: some under the usual headers, some not.
const COLUMNS: [(&str, &str); 14] = [
    ("单据", "/id"),
    ("拨打时刻", "/received_at"),
    ("受理渠道", "/channel"),
    ("客户编号", "/caller/id"),
    ("来电号码", "/caller/phone"),
    ("备用电话", "/caller/also/0"),
    ("另一电话", "/caller/also/1"),
    ("标题", "/title"),
    ("原话", "/text"),
    ("所属区", "/place/district"),
    ("所属街道", "/place/street"),
    ("事发地址", "/place/address"),
    ("被反映单位", "/subject"),
    ("社区", "/place/community"),
];
const CATEGORIES: [&str; 3] = ["一级分类", "二级分类", "三级分类"];
const MAPPING: &str = "[file.columns]\nid = \"单据\"\nreceived_at = [\"来电时刻\", \"拨打时刻\"]\ntext = \"原话\"\n\
                       [file.columns.caller]\nalso = [\"备用电话\", \"另一电话\"]\n";

/// The events as an export carries them: local times, one row each, a header.
fn table(events: &[Generated]) -> Vec<Vec<String>> {
    let header = COLUMNS.iter().map(|(header, _)| *header).chain(CATEGORIES).map(str::to_owned);
    let mut rows = vec![header.collect()];
    for event in events {
        let event: Value = serde_json::from_slice(&line(event)).unwrap();
        let cell = |path: &str| {
            let text = event.pointer(path).and_then(Value::as_str).unwrap_or_default();
            let is_time = path == "/received_at";
            if is_time { text.replace('T', " ").replace("+08:00", "") } else { text.to_owned() }
        };
        let categories = (0..CATEGORIES.len()).map(|at| cell(&format!("/category/{at}")));
        rows.push(COLUMNS.iter().map(|(_, path)| cell(path)).chain(categories).collect());
    }
    rows
}

fn write_ndjson(path: &Path, events: &[Generated]) {
    fs::write(path, events.iter().map(line).collect::<Vec<_>>().join(&b'\n')).unwrap();
}

fn write_csv(path: &Path, events: &[Generated]) {
    let mut out = csv::Writer::from_path(path).unwrap();
    for row in table(events) {
        out.write_record(row).unwrap();
    }
    out.flush().unwrap();
}

fn write_xlsx(path: &Path, events: &[Generated]) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip(table(events)) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    workbook.save(path).unwrap();
}

/// Where reading began or went on, each time a file was opened.
fn openings(log: &str) -> Vec<u64> {
    let from = |line: &str| line.split("from=").nth(1)?.split_whitespace().next()?.parse().ok();
    log.lines().filter(|line| line.contains("reading file")).filter_map(from).collect()
}

fn complaints(world: &World) -> u64 {
    world.store().and_then(|store| store.counts().ok()).map_or(0, |counts| counts.complaints)
}

fn distinct(events: &[Generated]) -> u64 {
    events.iter().map(|event| event.complaint.id.as_str()).collect::<BTreeSet<_>>().len() as u64
}

/// Ends a daemon that has read all there is, and lets the next one deliver what is left.
fn end(world: &World, daemon: Daemon, events: &[Generated]) -> Accepted {
    wait_until("the file to be read to its end", || daemon.log().contains("to its end"));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(complaints(world), distinct(events), "what was handed over is taken in:\n{log}");
    let rest = world.daemon_with(&["--input", "/dev/null"], Stdio::null());
    let accepted = world.all_accepted();
    drop(rest);
    assert_eq!(world.store().unwrap().counts().unwrap().dead_letters.len(), 0);
    accepted
}

/// What comes of the events when they are read from one file that nothing disturbs.
fn undisturbed(events: &[Generated]) -> Accepted {
    let world = World::new("");
    let file = world.path("orders.ndjson");
    write_ndjson(&file, events);
    let daemon = world.daemon_with(&["--input", file.to_str().unwrap()], Stdio::null());
    let accepted = end(&world, daemon, events);
    assert!(accepted.len() > 10, "only {} alerts; the test would show little", accepted.len());
    accepted
}

#[test]
fn every_form_of_a_file_gives_the_same_alerts_however_often_it_is_killed() {
    let events = stream(400, 31);
    let expected = undisturbed(&events);
    let forms: [(&str, Write); 3] =
        [("orders.ndjson", write_ndjson), ("orders.csv", write_csv), ("orders.xlsx", write_xlsx)];
    // Side by side, since each waits for the leases of killed daemons to end.
    std::thread::scope(|scope| {
        for (name, write) in forms {
            let (events, expected) = (&events, &expected);
            scope.spawn(move || {
                let world = killed_in_mid_file(name, write, events);
                let daemon = world.daemon();
                assert_eq!(end(&world, daemon, events), *expected, "{name}");
                // Read once more, it stands at its end.
                let daemon = world.daemon();
                wait_until("the file to be read to its end", || daemon.log().contains("to its end"));
                assert!(daemon.log().contains("records=0"), "{name}: {}", daemon.log());
            });
        }
    });
}

/// A world in which daemons were killed while they read a file.
fn killed_in_mid_file(name: &str, write: Write, events: &[Generated]) -> World {
    // Paths in a configuration file are relative to it.
    let world = World::new(&format!("{SMALL_BATCHES}[file]\npaths = [\"{name}\"]\n{MAPPING}"));
    write(&world.path(name), events);
    let (mut cut, mut last) = (0, 0);
    for share in [5, 3, 2] {
        let daemon = world.daemon();
        let enough = distinct(events) / share;
        wait_until("part of the file to be committed", || complaints(&world) >= enough);
        let opened = openings(&daemon.log());
        daemon.kill();
        assert!(opened[0] >= last, "{name}: it went back: {opened:?} after {last}");
        last = opened[0];
        cut += u32::from(complaints(&world) < distinct(events));
    }
    assert!(cut > 0, "{name}: no kill fell into the reading");
    assert!(last > 0, "{name}: reading began anew");
    world
}

#[test]
fn stdin_is_read_to_its_end_and_the_daemon_goes_on() {
    let events = stream(300, 32);
    let expected = undisturbed(&events);
    for (name, write) in [("ndjson", write_ndjson as Write), ("csv", write_csv)] {
        let world = World::new(&format!("[file]\n{MAPPING}"));
        let file = world.path(name);
        write(&file, &events);
        let mut daemon = world.daemon_with(&["--input", "-"], Stdio::piped());
        let mut stdin = daemon.child.stdin.take().unwrap();
        stdin.write_all(&fs::read(&file).unwrap()).unwrap();
        drop(stdin);
        assert_eq!(end(&world, daemon, &events), expected, "{name}");
    }
}

#[test]
fn a_followed_file_that_grows_and_is_rotated_is_read_once_through_kills() {
    let events = stream(300, 33);
    let expected = undisturbed(&events);
    let world =
        World::new("[file]\npaths = [\"live.ndjson\"]\nfollow = true\npoll_interval_milliseconds = 20\n");
    let (live, old) = (world.path("live.ndjson"), world.path("live.ndjson.1"));
    let text = |events: &[Generated]| -> Vec<u8> {
        events.iter().flat_map(|event| [line(event), b"\n".to_vec()].concat()).collect()
    };
    let append = |bytes: &[u8]| {
        fs::OpenOptions::new().create(true).append(true).open(&live).unwrap().write_all(bytes).unwrap();
    };
    let (first, second) = (text(&events[..200]), text(&events[200..]));
    append(&first[..first.len() / 4]);
    let mut daemon = world.daemon();
    wait_until("the first lines", || complaints(&world) > 20);
    // Torn in the middle of a line: the rest of it comes while nobody reads.
    daemon.kill();
    append(&first[first.len() / 4..first.len() / 2]);
    daemon = world.daemon();
    assert!(openings(&daemon.log()).iter().all(|from| *from > 0), "{}", daemon.log());
    append(&first[first.len() / 2..]);
    wait_until("the first file", || complaints(&world) >= distinct(&events[..200]));
    fs::rename(&live, &old).unwrap();
    append(&second[..second.len() / 2]);
    wait_until("the second file", || complaints(&world) > distinct(&events[..200]) + 20);
    daemon.kill();
    append(&second[second.len() / 2..]);
    let daemon = world.daemon();
    wait_until("all lines", || complaints(&world) == distinct(&events));
    // The last lines may be updates of complaints that are there already.
    let size = fs::metadata(&live).unwrap().len();
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let daemon = world.daemon();
    wait_until("the rest to be read", || openings(&daemon.log()).len() == 1);
    drop(daemon);
    let mut daemon = world.daemon();
    let mut tries = 0;
    while openings(&daemon.log()) != [size] {
        tries += 1;
        assert!(tries < 100, "it never reads to the end: {:?} of {size}", openings(&daemon.log()));
        drop(daemon);
        daemon = world.daemon();
    }
    assert_eq!(world.all_accepted(), expected);
}

#[test]
fn a_file_that_cannot_be_read_ends_the_start_with_one_line() {
    let world = World::new("");
    fs::write(world.path("table.csv"), "编号,内容\n1,停水\n").unwrap();
    fs::create_dir(world.path("folder")).unwrap();
    let refused = |name: &str, more: &[&str]| {
        let file = world.path(name);
        let mut command = program();
        command
            .args(["run", "--config"])
            .arg(world.path("fenghuo.toml"))
            .arg("--input")
            .arg(&file)
            .args(more);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{text}");
        let said: Vec<&str> = text.lines().filter(|line| line.starts_with("fenghuo: ")).collect();
        assert_eq!(said.len(), 1, "{text}");
        said[0].replace(&world.dir.path().display().to_string(), "")
    };
    let said = [
        refused("missing.csv", &[]),
        refused("folder", &[]),
        refused("table.csv", &[]),
        refused("table.csv", &["--set", "file.columns.received_at=时间"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
fenghuo: /missing.csv: cannot be read: No such file or directory (os error 2); look at the path
fenghuo: /folder: is a folder; name the files in it
fenghuo: /table.csv: has no column for `received_at`, the time of the call; it has 编号, 内容; set file.columns.received_at to the column that holds it
fenghuo: /table.csv: has no column 时间, which you named for `received_at`; it has 编号, 内容; set file.columns.received_at to the column that holds it
");
}

#[test]
fn replay_decides_the_same_whatever_form_the_file_has() {
    let events = stream(300, 34);
    let world = World::new(&format!("[file]\nfollow = true\n{MAPPING}"));
    // Names that mean something in a list of paths, or to a shell.
    let forms: [(&str, Write); 3] =
        [("orders.ndjson", write_ndjson), ("工单, 三月 (1).csv", write_csv), ("[工单].xlsx", write_xlsx)];
    let replay = |events: &Path, stdin: Stdio, out: &str, threads: &str| {
        let mut command = program();
        command.args(["replay", "--threads", threads, "--config"]).arg(world.path("fenghuo.toml"));
        command.arg("--events").arg(events).arg("--out").arg(world.path(out)).stdin(stdin);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        ["groups", "alerts", "risks"]
            .map(|name| fs::read_to_string(world.path(out).join(format!("{name}.ndjson"))).unwrap())
    };
    let path = |name: &str| world.path(name);
    for (name, write) in forms {
        write(&path(name), &events);
    }
    let expected = replay(&path("orders.ndjson"), Stdio::null(), "expected", "1");
    assert!(expected.iter().all(|text| !text.is_empty()));
    for (name, _) in &forms[1..] {
        assert!(replay(&path(name), Stdio::null(), "table", "3") == expected, "{name}");
    }
    for name in ["-", "/dev/stdin"] {
        for (form, _) in &forms[..2] {
            let input = fs::File::open(path(form)).unwrap();
            // Through a pipe, which cannot be read twice.
            let mut cat =
                std::process::Command::new("cat").stdin(input).stdout(Stdio::piped()).spawn().unwrap();
            let pipe = cat.stdout.take().unwrap();
            assert!(replay(Path::new(name), pipe.into(), "stdin", "2") == expected, "{form} through {name}");
            assert!(cat.wait().unwrap().success());
        }
    }
}

#[test]
fn replay_says_which_rows_it_cannot_use() {
    let world = World::new("");
    fs::write(world.path("a.csv"), "编号,时间,内容\n1,2026-03-01 08:00:00,停水\n2,昨天,停水\n3,2026-03-01\n")
        .unwrap();
    let (events, out) = (world.path("a.csv"), world.path("out"));
    let output =
        world.command(&["replay", "--events", events.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap().replace(&world.dir.path().display().to_string(), "");
    let said: Vec<&str> = said.lines().filter_map(|line| Some(line.split_once(" WARN ")?.1)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
fenghuo::cli::replay: /a.csv:3: invalid_time: `received_at` is "昨天", no time that we can read; give a time like 2026-02-28T11:25:05+08:00
fenghuo::cli::replay: /a.csv:4: invalid_row: the row has 2 cells and the header has 3; a cell with a delimiter or a line end in it must stand in quotes
"#);
}
