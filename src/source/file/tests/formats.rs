//! Every form and encoding, and what is wrong with files.

use encoding_rs::GB18030;
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook};
use serde_json::json;

use super::*;

const TABLE: &str = "工单编号,来电时间,标题,诉求内容,来电号码,来电人,所属街道,社区,事发地址,一级分类,二级分类,被反映单位,回访结果,身份证号\r\n\
    GD001,2026-03-01 08:30:00,停水,\"小区停水,两天了\r\n没人管\",13800000000,王小明,展览路街道,百万庄社区,百万庄大街1号,公用事业,停水,甲物业,未回访,110102190001010000\r\n\
    GD002,2026/3/1 9:05,,暖气不热,,,,,,,,,,\r\n";

fn expected() -> [Value; 2] {
    [
        json!({
            "id": "GD001", "received_at": "2026-03-01 08:30:00", "title": "停水",
            "text": "小区停水,两天了\n没人管",
            "caller": {"phone": "13800000000", "name": "王**"},
            "place": {"street": "展览路街道", "community": "百万庄社区", "address": "百万庄大街1号"},
            "category": ["公用事业", "停水"], "subject": "甲物业", "回访结果": "未回访",
        }),
        json!({"id": "GD002", "received_at": "2026/3/1 9:05", "text": "暖气不热"}),
    ]
}

#[test]
fn a_table_is_the_same_in_every_encoding() {
    let folder = TempDir::new().unwrap();
    let marked = [b"\xEF\xBB\xBF".as_slice(), TABLE.as_bytes()].concat();
    let gb18030 = GB18030.encode(TABLE).0.into_owned();
    for (name, bytes, encoding) in [
        ("plain.csv", TABLE.as_bytes().to_vec(), Encoding::Auto),
        ("marked.csv", marked.clone(), Encoding::Auto),
        ("marked-set.csv", marked, Encoding::Utf8),
        ("gb.csv", gb18030.clone(), Encoding::Auto),
        ("gb-set.csv", gb18030, Encoding::Gb18030),
        ("no-ending", TABLE.as_bytes().to_vec(), Encoding::Auto),
    ] {
        let path = write(&folder, name, &bytes);
        let records = read(&path, &FileConfig { encoding, ..FileConfig::default() });
        assert_eq!(records.iter().map(event).collect::<Vec<_>>(), expected(), "{name}");
        assert_eq!((&*records[0].at, &*records[1].at), ("line 2", "line 4"));
        let raw: Vec<u8> = records.iter().flat_map(|record| record.raw.clone()).collect();
        assert!(bytes.ends_with(&raw), "{name}: the bytes of the rows as they stand in the file");
        assert_eq!(records[1].next, Position(i64::try_from(bytes.len()).unwrap()));
    }
}

#[test]
fn delimiters_are_set_or_told_by_the_name() {
    let folder = TempDir::new().unwrap();
    let tabs = "id\treceived_at\ttext\n1\t2026-03-01 08:00:00\t停水, 停电\n";
    assert_eq!(event(&read(&write(&folder, "a.tsv", tabs), &FileConfig::default())[0])["text"], "停水, 停电");
    // 0x7C is also the second byte of many characters of GB18030, such as 獆.
    let (bars, ..) =
        GB18030.encode("id|received_at|text\n1|2026-03-01 08:00:00|獆|\n2|2026-03-01 08:00:00|停水\n");
    let config = FileConfig { delimiter: Some('|'), encoding: Encoding::Gb18030, ..FileConfig::default() };
    let records = read(&write(&folder, "bars.csv", &bars), &config);
    assert_eq!(event(&records[0])["text"], "獆");
    assert_eq!(event(&records[1])["text"], "停水");
}

#[test]
fn ndjson_is_passed_on_as_it_is() {
    let folder = TempDir::new().unwrap();
    let text = format!("\u{feff}{}\n  \n{}not json\n{}", line("1"), line("2"), line("3").trim_end());
    let path = write(&folder, "a.ndjson", &text);
    let records = read(&path, &FileConfig::default());
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [1, 4, 5, 6]);
    assert_eq!(event(&records[0])["id"], "1");
    assert_eq!(records[1].event, Ok(None), "the bytes themselves are the event");
    assert_eq!(records[2].event().unwrap(), b"not json\n", "for the decoder to refuse");
    assert_eq!(event(&records[3])["id"], "3", "the last line needs no line end");
    assert_eq!(records[3].next, Position(i64::try_from(text.len()).unwrap()));

    let gb18030 = write(&folder, "gb.ndjson", GB18030.encode(&line("1")).0);
    assert_eq!(event(&read(&gb18030, &FileConfig::default())[0])["text"], "停水");
}

#[test]
fn a_line_beyond_the_limit_is_cut_and_costs_no_other() {
    let folder = TempDir::new().unwrap();
    let text = format!("{}{}\n{}", line("1"), "x".repeat(3_000_000), line("2"));
    let config = FileConfig { max_line_bytes: 4096, ..FileConfig::default() };
    let records = read(&write(&folder, "a.ndjson", text), &config);
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].raw.len(), 4096);
    insta::assert_snapshot!(refused(&records[1]).1, @"the line has 3000001 bytes; raise file.max_line_bytes if that is meant");
    assert_eq!(refused(&records[1]).0, DeadReason::TooLarge);
    assert_eq!(event(&records[2])["id"], "2");

    let rows = format!("id,received_at,text\n1,t,{}\n2,t,停水\n", "长".repeat(5000));
    let records = read(&write(&folder, "a.csv", rows), &config);
    assert_eq!(refused(&records[0]).0, DeadReason::TooLarge);
    assert_eq!(event(&records[1])["id"], "2");
}

#[test]
fn bad_rows_are_put_aside_with_row_and_column() {
    let folder = TempDir::new().unwrap();
    let table = "编号,来电时间,内容,经度\n\
        1,2026-03-01,停水,116.3\n\
        ,2026-03-01,停水,\n\
        3,2026-03-01\n\
        4,2026-03-01,停水,,多一格\n\
        5,,停水,\n\
        6,2026-03-01,,\n\
        7,2026-03-01,停水,东经\n\
        \n,,,\n\
        8,2026-03-01,停水,\n";
    let records = read(&write(&folder, "a.csv", table), &FileConfig::default());
    let told: Vec<String> = records
        .iter()
        .map(|record| match record.event() {
            Ok(_) => format!("{}: ok", record.at),
            Err((reason, detail)) => format!("{}: {reason}: {detail}", record.at),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
line 2: ok
line 3: invalid_row: column 1 (编号) is empty; every row needs the number of the work order
line 4: invalid_row: the row has 2 cells and the header has 4; a cell with a delimiter or a line end in it must stand in quotes
line 5: invalid_row: the row has 5 cells and the header has 4; a cell with a delimiter or a line end in it must stand in quotes
line 6: invalid_row: column 2 (来电时间) is empty; every row needs the time of the call
line 7: invalid_row: the row says nothing: the columns for `title` and `text` are empty
line 8: invalid_row: column 4 (经度) is "东经"; it must be a number of degrees
line 11: ok
"#);
    assert_eq!(event(&records[0])["place"]["lon"], json!(116.3));
}

#[test]
fn a_stray_quote_costs_one_row() {
    let folder = TempDir::new().unwrap();
    let rows: Vec<String> = (4..300).map(|number| format!("{number},t,停气{number}\n")).collect();
    let table = format!("id,received_at,text\n1,t,停水\n2,t,\"没有合上\n3,t,停电\n{}", rows.concat());
    for limit in [1 << 20, 1024] {
        let config = FileConfig { max_line_bytes: limit, ..FileConfig::default() };
        let records = read(&write(&folder, "a.csv", &table), &config);
        assert_eq!(records.len(), 299, "limit {limit}");
        assert_eq!(refused(&records[1]).0, DeadReason::InvalidRow);
        assert_eq!((&*records[1].at, records[1].raw.as_slice()), ("line 3", "2,t,\"没有合上\n".as_bytes()));
        assert_eq!(event(&records[2])["id"], "3");
        assert_eq!(event(&records[298])["id"], "299");
    }
}

#[test]
fn rows_in_another_encoding_are_put_aside() {
    let folder = TempDir::new().unwrap();
    let mut bytes = "编号,来电时间,内容\n1,t,停水\n".as_bytes().to_vec();
    bytes.extend_from_slice(&GB18030.encode("2,t,停电\n").0);
    bytes.extend_from_slice("3,t,停气\n".as_bytes());
    let records = read(&write(&folder, "a.csv", bytes), &FileConfig::default());
    insta::assert_snapshot!(refused(&records[1]).1, @r#"the row is not UTF-8; if the file is GB18030, set file.encoding = "gb18030""#);
    assert_eq!(refused(&records[1]).0, DeadReason::InvalidEncoding);
    assert_eq!(event(&records[2])["id"], "3");
}

#[test]
fn columns_can_be_named_and_a_heading_may_stand_above() {
    let folder = TempDir::new().unwrap();
    let table = "三月份工单明细,,,\n序,拨入,说了什么,内容\n7,2026-03-01,停水,不相干\n";
    let config: FileConfig = toml::from_str(
        "columns.id = \"序\"\ncolumns.received_at = [\"来电时间\", \"拨入\"]\ncolumns.text = \"说了什么\"",
    )
    .unwrap();
    let records = read(&write(&folder, "a.csv", table), &config);
    assert_eq!(
        event(&records[0]),
        json!({"id": "7", "received_at": "2026-03-01", "text": "停水", "内容": "不相干"})
    );
}

#[test]
fn earlier_work_orders_come_from_all_their_columns_one_by_one() {
    let folder = TempDir::new().unwrap();
    let table = "工单编号,来电时间,诉求内容,旧工单编号,催办单号\n3,t,停水,\"1、2\",9\n4,t,停水,,\n";
    let records = read(&write(&folder, "a.csv", table), &FileConfig::default());
    assert_eq!(event(&records[0])["earlier"], json!(["1", "2", "9"]));
    assert_eq!(event(&records[1]).get("earlier"), None);
}

#[test]
fn numbers_of_people_are_not_read_unless_named() {
    let folder = TempDir::new().unwrap();
    let table = "编号,时间,内容,回访电话,备用电话,id\n1,t,停水,13900000001,13900000002,x\n";
    let records = read(&write(&folder, "a.csv", table), &FileConfig::default());
    // The column `id` is taken for the id, so the column 编号 is passed on.
    assert_eq!(
        event(&records[0]),
        json!({"id": "x", "received_at": "t", "text": "停水", "编号": "1", "caller": {"also": ["13900000002"]}})
    );
}

fn problem(path: &Path, config: &FileConfig, folder: &TempDir) -> String {
    let error = records(path, config).map(|_| ()).unwrap_err();
    format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn what_is_wrong_with_a_file_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let auto = FileConfig::default();
    let told = |name: &str, bytes: &[u8]| problem(&write(&folder, name, bytes), &auto, &folder);
    let lines = [
        told("no-id.csv", "来电时间,诉求内容\n".as_bytes()),
        told("near.csv", "工单编号,来点时间,诉求内容\n".as_bytes()),
        told("no-text.csv", "工单编号,来电时间,电话\n".as_bytes()),
        told("empty.csv", b""),
        told("utf16.csv", b"\xFF\xFEi\0d\0"),
        told("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1"),
        told("text.xlsx", b"id,text"),
        told("zip.csv", b"PK\x03\x04...."),
        told("broken.xlsx", b"PK\x03\x04...."),
        problem(&folder.path().join("none.csv"), &auto, &folder),
        problem(folder.path(), &auto, &folder).replace(folder.path().to_str().unwrap(), "FOLDER"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
no-id.csv: has no column for `id`, the number of the work order; it has 来电时间, 诉求内容; set file.columns.id to the column that holds it
near.csv: has no column for `received_at`, the time of the call; it has 工单编号, 来点时间, 诉求内容; the nearest is 来点时间: set file.columns.received_at = "来点时间" if that is it
no-text.csv: has no column for `text`, what the caller said; it has 工单编号, 来电时间, 电话; set file.columns.text to the column that holds it
empty.csv: is empty; the first row must name the columns
utf16.csv: is written in UTF-16; save it as UTF-8 (in Excel: "CSV UTF-8") and try again
old.xls: is a workbook of Excel 97-2003; save it as .xlsx and try again
text.xlsx: is not an XLSX workbook; if it is a text table, name it .csv or set file.format = "csv"
zip.csv: is a workbook or another zip file, not text; name it .xlsx or set file.format = "xlsx"
broken.xlsx: is damaged or no XLSX workbook: Zip error: invalid Zip archive: Could not find EOCD
none.csv: cannot be read: No such file or directory (os error 2); look at the path
FOLDER: is a folder; name the files in it
"#);
    let named = FileConfig {
        columns: ColumnsConfig { subject: vec!["单位".into()], ..ColumnsConfig::default() },
        ..FileConfig::default()
    };
    let path = write(&folder, "named.csv", "工单编号,来电时间,诉求内容,涉及单位\n");
    insta::assert_snapshot!(problem(&path, &named, &folder), @r#"named.csv: has no column 单位, which you named for `subject`; it has 工单编号, 来电时间, 诉求内容, 涉及单位; the nearest is 涉及单位: set file.columns.subject = "涉及单位" if that is it"#);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let check = |text: &str| toml::from_str::<FileConfig>(text).unwrap().check().unwrap_err().to_string();
    let lines = [
        check(""),
        check("paths = [\"a.csv\", \"a.csv\"]"),
        check("paths = [\"a.xlsx\"]\nfollow = true"),
        check("paths = [\"-\", \"a.csv\"]\nfollow = true"),
        check("paths = [\"a.csv\"]\ndelimiter = \"，\""),
        check("paths = [\"a.csv\"]\npoll_interval_milliseconds = 1"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
`file.paths` is empty; name at least one file, or "-" for stdin
`file.paths` names a.csv twice; name each file once
a.xlsx is a workbook, which cannot be followed; set `file.follow` to false
`file.paths` names "-" beside files that are followed; read stdin in a process of its own
`file.delimiter` is '，'; use one ASCII character that is no quote and no line end
`file.poll_interval_milliseconds` is 1; it must be from 10 to 60000
"#);
    assert!(toml::from_str::<FileConfig>("colums.id = \"a\"").is_err());
}

#[test]
fn a_workbook_is_read_with_its_dates_and_numbers() {
    let folder = TempDir::new().unwrap();
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("说明").unwrap().write(0, 0, "请看第二页").unwrap();
    let sheet = workbook.add_worksheet().set_name("工单").unwrap();
    let date = CellFormat::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let headers = ["工单编号", "来电时间", "诉求内容", "来电号码", "街道", "备注"];
    sheet.write(0, 0, "三月份工单明细").unwrap();
    for (column, header) in headers.into_iter().enumerate() {
        sheet.write(1, column as u16, header).unwrap();
    }
    let time = ExcelDateTime::from_ymd(2026, 3, 1).unwrap().and_hms(11, 25, 5).unwrap();
    sheet.write(2, 0, "GD001").unwrap();
    sheet.write_with_format(2, 1, &time, &date).unwrap();
    sheet.write(2, 2, "停水").unwrap();
    sheet.write(2, 3, 13_800_000_000.0).unwrap();
    // Row 4 of the sheet is empty; row 5 has a date without a format, and no text.
    sheet.write(4, 0, 20_260_301_000_002_i64).unwrap();
    sheet.write(4, 1, 46_082.5).unwrap();
    sheet.write(5, 0, "GD003").unwrap();
    sheet.write(5, 1, "2026-03-01 12:00").unwrap();
    sheet.write(5, 2, "停电").unwrap();
    // A cell far away must not make the table large.
    sheet.write(1_000_000, 16_000, " ").unwrap();
    let path = folder.path().join("a.xlsx");
    workbook.save(&path).unwrap();

    let config = FileConfig { sheet: Some("工单".into()), ..FileConfig::default() };
    let records = read(&path, &config);
    assert_eq!(
        event(&records[0]),
        json!({"id": "GD001", "received_at": "2026-03-01 11:25:05", "text": "停水", "caller": {"phone": "13800000000"}})
    );
    assert_eq!(&*records[1].at, "row 5 of sheet 工单");
    assert_eq!(refused(&records[1]).0, DeadReason::InvalidRow);
    let raw = String::from_utf8_lossy(&records[1].raw);
    assert!(raw.contains("\"20260301000002\"") && raw.contains("2026-03-01 12:00:00"), "{raw}");
    assert_eq!(event(&records[2])["id"], "GD003");
    assert_eq!((records.len(), records[2].next), (3, Position(7)));

    insta::assert_snapshot!(problem(&path, &FileConfig { sheet: Some("三月".into()), ..FileConfig::default() }, &folder), @"a.xlsx: has no sheet 三月; it has 说明, 工单; set file.sheet to one of them");
    insta::assert_snapshot!(problem(&path, &FileConfig::default(), &folder), @"a.xlsx: sheet 说明 is empty; the first row must name the columns");
}
