//! Going on where reading was left, and only in the same file.

use proptest::prelude::*;

use super::*;

/// Reads a file in as many runs as it takes, each stopped after some records.
fn in_runs(path: &Path, config: &FileConfig, kept: &Arc<Kept>, runs: &[usize]) -> Vec<Vec<u8>> {
    let mut raw = Vec::new();
    for &count in runs {
        let mut running = Running::start(config.clone(), kept);
        for _ in 0..count {
            // The file may be over before the run is.
            let Some(record) = running.poll() else { break };
            raw.push(record.raw);
        }
        running.stop();
    }
    let rest = Running::start(FileConfig { paths: vec![path.to_owned()], ..config.clone() }, kept).finish();
    raw.extend(rest.into_iter().map(|record| record.raw));
    raw
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn stops_anywhere_change_nothing(
        runs in prop::collection::vec(0_usize..5, 0..4),
        rows in prop::collection::vec("[ab\"\n,停]{0,6}", 0..12),
        is_table: bool,
    ) {
        let folder = TempDir::new().unwrap();
        let path = if is_table {
            let rows: Vec<String> =
                rows.iter().enumerate().map(|(id, row)| format!("{id},t,{row}\n")).collect();
            write(&folder, "a.csv", format!("id,received_at,text\n{}", rows.concat()))
        } else {
            write(&folder, "a.ndjson", rows.join("\n"))
        };
        let config = FileConfig { max_line_bytes: 1024, ..FileConfig::of(&path) };
        let undisturbed: Vec<Vec<u8>> = read(&path, &config).into_iter().map(|record| record.raw).collect();
        prop_assert_eq!(in_runs(&path, &config, &Arc::default(), &runs), undisturbed);
    }
}

#[test]
fn a_file_read_to_its_end_is_not_read_again() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.ndjson", format!("{}{}", line("1"), line("2")));
    let kept = Arc::default();
    let first = Running::start(FileConfig::of(&path), &kept).finish();
    assert_eq!(first.iter().map(id).collect::<Vec<_>>(), ["1", "2"]);
    assert!(first[0].source.starts_with(&format!("file:{}#", path.display())));
    assert_eq!(Running::start(FileConfig::of(&path), &kept).finish().len(), 0);
}

#[test]
fn an_export_that_was_corrected_is_read_from_its_beginning() {
    let folder = TempDir::new().unwrap();
    let table = |text: &str| format!("id,received_at,text\n1,t,停水\n2,t,{text}\n3,t,停气\n");
    let path = write(&folder, "a.csv", table("停电"));
    let kept = Arc::default();
    assert_eq!(Running::start(FileConfig::of(&path), &kept).finish().len(), 3);
    write(&folder, "a.csv", table("停了三天电"));
    let again = Running::start(FileConfig::of(&path), &kept).finish();
    assert_eq!(again.iter().map(id).collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn several_files_are_read_one_after_the_other() {
    let folder = TempDir::new().unwrap();
    let first = write(&folder, "b.ndjson", line("1"));
    let second = write(&folder, "a.csv", "id,received_at,text\n2,t,停水\n");
    let config = FileConfig { paths: vec![first, second], ..FileConfig::default() };
    let records = Running::start(config, &Arc::default()).finish();
    assert_eq!(records.iter().map(id).collect::<Vec<_>>(), ["1", "2"]);
    assert_ne!(records[0].source, records[1].source);
}

#[test]
fn a_workbook_goes_on_at_its_row() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.xlsx");
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in
        [["id", "received_at", "text"], ["1", "t", "停水"], ["2", "t", "停电"], ["3", "t", "停气"]]
            .into_iter()
            .enumerate()
    {
        for (column, cell) in cells.into_iter().enumerate() {
            sheet.write(row as u32, column as u16, cell).unwrap();
        }
    }
    workbook.save(&path).unwrap();
    let kept = Arc::default();
    let mut running = Running::start(FileConfig::of(&path), &kept);
    // More may have been handed over; only the first is committed.
    assert_eq!(running.poll().as_ref().map(id), Some("1".into()));
    running.stop();
    let rest = Running::start(FileConfig::of(&path), &kept).finish();
    assert_eq!(rest.iter().map(id).collect::<Vec<_>>(), ["2", "3"]);
}

#[test]
fn an_unreadable_file_ends_the_source_with_its_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none.csv");
    for follow in [false, true] {
        let config = FileConfig { follow, ..FileConfig::of(&path) };
        let source = FileSource::new(config, Arc::<Kept>::default(), Holdings::default()).unwrap();
        let (intake, _outlet) = intake(8, 1024);
        let error = Box::new(source).run(intake, CancellationToken::new()).unwrap_err();
        let told = format!("{error:#}").replace(folder.path().to_str().unwrap(), "FOLDER");
        insta::allow_duplicates! { insta::assert_snapshot!(told, @"FOLDER/none.csv: cannot be read: No such file or directory (os error 2); look at the path") };
    }
}
