//! XLSX: a sheet with a header row, then one work order a row.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType, Reader as _, Xlsx, XlsxError};

use crate::model::Position;

use super::columns::{Columns, MissingColumn};
use super::headers::Field;
use super::{ColumnsConfig, RawRecord};

/// As in CSV files, a heading may stand above the header.
const HEADER_ROWS: usize = 5;

/// Reads the rows of one sheet, which is held in memory: a workbook cannot be read in passing.
#[derive(Debug)]
pub(super) struct Sheet {
    name: String,
    columns: Columns,
    rows: std::vec::IntoIter<Row>,
}

/// The cells of a row that are not empty.
#[derive(Debug)]
struct Row {
    /// Counted from 1, as Excel shows it.
    number: u32,
    cells: Vec<(u32, Cell)>,
}

#[derive(Debug)]
enum Cell {
    Text(String),
    /// A number without a date format: still a time when it stands in the column for times.
    Number(f64),
}

/// Why a workbook cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SheetError {
    // The library's message already tells the whole chain of causes.
    #[error("is damaged or no XLSX workbook: {0}")]
    Workbook(String),
    #[error("has no sheet {wanted}; it has {found}; set file.sheet to one of them")]
    NoSheet { wanted: String, found: String },
    #[error("has no sheets")]
    Empty,
    #[error("sheet {0} is empty; the first row must name the columns")]
    NoHeader(String),
    #[error("sheet {0} {1}")]
    Missing(String, MissingColumn),
}

impl From<XlsxError> for SheetError {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error.to_string())
    }
}

impl Sheet {
    /// Reads the sheet; rows before `from` are passed over.
    pub(super) fn open(
        path: &Path,
        sheet: Option<&str>,
        config: &ColumnsConfig,
        from: Position,
    ) -> Result<Self, SheetError> {
        let mut workbook: Xlsx<BufReader<File>> = calamine::open_workbook(path)?;
        let names = workbook.sheet_names();
        let name = match sheet {
            None => names.first().ok_or(SheetError::Empty)?.clone(),
            Some(wanted) => match names.iter().find(|name| name.as_str() == wanted) {
                Some(name) => name.clone(),
                None => {
                    let (wanted, found) = (wanted.to_owned(), names.join(", "));
                    return Err(SheetError::NoSheet { wanted, found });
                }
            },
        };
        let rows = read(&mut workbook, &name)?;
        let mut fault = None;
        for (at, row) in rows.iter().take(HEADER_ROWS).enumerate() {
            let width = row.cells.last().map_or(0, |(column, _)| *column as usize + 1);
            let headers = row.texts(width, None);
            match Columns::of(&headers, config) {
                Ok(columns) => {
                    let mut rows = rows;
                    rows.drain(..=at);
                    rows.retain(|row| i64::from(row.number) >= from.0);
                    return Ok(Self { name, columns, rows: rows.into_iter() });
                }
                Err(missing) if row.cells.len() > 1 => drop(fault.get_or_insert(missing)),
                Err(_) => {}
            }
        }
        Err(match fault {
            Some(missing) => SheetError::Missing(name, missing),
            None => SheetError::NoHeader(name),
        })
    }

    /// The next row; rows of empty cells are passed over.
    pub(super) fn next(&mut self) -> Option<RawRecord> {
        let row = self.rows.next()?;
        let width = row.cells.last().map_or(0, |(column, _)| *column as usize + 1).max(self.columns.len());
        let cells = row.texts(width, self.columns.index(Field::ReceivedAt));
        let event = self.columns.event(&cells).map(Some);
        Some(RawRecord {
            number: row.number.into(),
            at: format!("row {} of sheet {}", row.number, self.name).into(),
            next: Position(i64::from(row.number) + 1),
            raw: serde_json::to_vec(&cells).unwrap_or_default(),
            event,
        })
    }
}

/// All rows with something in them. Cell by cell, not as a rectangle: one cell that was formatted
/// at the far end of a sheet would make the rectangle millions of cells large.
fn read(workbook: &mut Xlsx<BufReader<File>>, name: &str) -> Result<Vec<Row>, SheetError> {
    let mut reader = workbook.worksheet_cells_reader(name)?;
    let mut rows: Vec<Row> = Vec::new();
    while let Some(cell) = reader.next_cell()? {
        let (row, column) = cell.get_position();
        let Some(value) = value(cell.get_value()) else { continue };
        match rows.last_mut() {
            Some(last) if last.number == row + 1 => last.cells.push((column, value)),
            _ => rows.push(Row { number: row + 1, cells: vec![(column, value)] }),
        }
    }
    for row in &mut rows {
        row.cells.sort_by_key(|(column, _)| *column);
    }
    Ok(rows)
}

fn value(cell: &DataRef<'_>) -> Option<Cell> {
    let text = match cell {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => return Some(Cell::Number(*value)),
        DataRef::DateTime(time) => time_text(time),
        // #N/A and the like: a formula that came to nothing.
        DataRef::Error(_) => return None,
    };
    (!text.trim().is_empty()).then_some(Cell::Text(text))
}

fn time_text(time: &ExcelDateTime) -> String {
    // A serial number of days cannot hold every second exactly; the nearest one is meant.
    let (year, month, day, hour, minute, mut second, milli) = time.to_ymd_hms_milli();
    if milli >= 500 && second < 59 {
        second += 1;
    }
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

impl Row {
    /// The cells as texts, empty ones included; a bare number in column `time` is a serial date.
    fn texts(&self, width: usize, time: Option<usize>) -> Vec<String> {
        let mut texts = vec![String::new(); width];
        for (column, cell) in &self.cells {
            let at = *column as usize;
            texts[at] = match cell {
                Cell::Text(text) => text.clone(),
                // 1954 to 2119; smaller and larger numbers are no Excel dates anybody means.
                Cell::Number(serial) if time == Some(at) && (20_000.0..80_000.0).contains(serial) => {
                    time_text(&ExcelDateTime::new(*serial, ExcelDateTimeType::DateTime, false))
                }
                // Display gives 13800000000 for a phone that Excel holds as 1.38e10.
                Cell::Number(number) => number.to_string(),
            };
        }
        texts
    }
}
