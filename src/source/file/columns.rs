//! From a table's header and rows to events.

use serde_json::{Map, Number, Value, json};

use crate::model::DeadReason;

use super::ColumnsConfig;
use super::headers::{Field, folded};

/// Which column holds what, for one table.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    headers: Vec<String>,
    /// What each column holds; `None`: passed on under its header.
    fields: Vec<Option<Field>>,
}

/// A table that lacks a column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has no column {}; it has {}{}", self.wanted(), self.found(), self.advice())]
pub(super) struct MissingColumn {
    field: Field,
    /// What it is called in the configuration; empty when the usual headers were looked for.
    names: Vec<String>,
    headers: Vec<String>,
    /// The header most like it, of those that hold nothing else.
    nearest: Option<String>,
}

impl MissingColumn {
    fn new(field: Field, names: &[String], headers: &[String], fields: &[Option<Field>]) -> Self {
        let usual = field.usual().iter().map(|&name| name.to_owned());
        let candidates: Vec<String> = names.iter().map(|name| folded(name)).chain(usual).collect();
        let likeness = |header: &&String| {
            let header = folded(header);
            candidates.iter().map(|name| strsim::normalized_levenshtein(name, &header)).fold(0.0, f64::max)
        };
        let free = headers.iter().zip(fields).filter(|(header, field)| field.is_none() && !header.is_empty());
        let nearest = free
            .map(|(header, _)| header)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .filter(|header| likeness(header) >= 0.4)
            .cloned();
        Self { field, names: names.to_vec(), headers: headers.to_vec(), nearest }
    }

    fn wanted(&self) -> String {
        let name = self.field.name();
        if self.names.is_empty() {
            format!("for `{name}`, {}", self.field.meaning())
        } else {
            format!("{}, which you named for `{name}`", self.names.join(" or "))
        }
    }

    fn found(&self) -> String {
        let named: Vec<&str> =
            self.headers.iter().map(String::as_str).filter(|header| !header.is_empty()).collect();
        if named.is_empty() { "no columns at all".into() } else { named.join(", ") }
    }

    fn advice(&self) -> String {
        let key = self.field.name();
        match &self.nearest {
            Some(header) => {
                format!("; the nearest is {header}: set file.columns.{key} = \"{header}\" if that is it")
            }
            None => format!("; set file.columns.{key} to the column that holds it"),
        }
    }
}

/// What a row says that does not fit, for people: the column and what is wrong with its cell.
pub(super) type RowFault = (DeadReason, String);

impl Columns {
    /// Finds the columns of a table.
    ///
    /// # Errors
    /// The first column that is required, or was named in the configuration, and is not there.
    pub(super) fn of(headers: &[String], config: &ColumnsConfig) -> Result<Self, MissingColumn> {
        let headers: Vec<String> =
            headers.iter().map(|header| header.trim().trim_start_matches('\u{feff}').to_owned()).collect();
        let plain: Vec<String> = headers.iter().map(|header| folded(header)).collect();
        let mut fields = vec![None; headers.len()];
        // Columns that somebody named are taken first, so that no usual name claims them.
        let mut order: Vec<Field> = Field::ALL.to_vec();
        order.sort_by_key(|&field| named(config, field).is_empty());
        for field in order {
            let names = named(config, field);
            let mut is_found = false;
            let wanted: Vec<String> = if names.is_empty() {
                field.usual().iter().map(|&name| name.to_owned()).collect()
            } else {
                names.iter().map(|name| folded(name)).collect()
            };
            for name in wanted {
                let at =
                    plain.iter().zip(&fields).position(|(header, taken)| *header == name && taken.is_none());
                if let Some(at) = at {
                    fields[at] = Some(field);
                    is_found = true;
                    if !field.takes_several() {
                        break;
                    }
                }
            }
            // A list of columns to leave out may well be longer than the table is wide.
            if !is_found && !names.is_empty() && field != Field::Drop {
                return Err(MissingColumn::new(field, names, &headers, &fields));
            }
        }
        for (header, field) in plain.iter().zip(&mut fields) {
            if field.is_none() && is_personal(header) {
                *field = Some(Field::Drop);
            }
        }
        let has = |field| fields.contains(&Some(field));
        for field in [Field::Id, Field::ReceivedAt] {
            if !has(field) {
                return Err(MissingColumn::new(field, &[], &headers, &fields));
            }
        }
        if !has(Field::Text) && !has(Field::Title) {
            return Err(MissingColumn::new(Field::Text, &[], &headers, &fields));
        }
        Ok(Self { headers, fields })
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.headers.len()
    }

    /// Where the column of a field stands, if there is one.
    pub(super) fn index(&self, field: Field) -> Option<usize> {
        self.fields.iter().position(|&held| held == Some(field))
    }

    /// The event of a row, as JSON. Cells beyond the last column must be empty, cells missing at
    /// the end are a fault: in both cases the cells before may have slipped.
    pub(super) fn event(&self, cells: &[impl AsRef<str>]) -> Result<Vec<u8>, RowFault> {
        let fault = |what: String| Err((DeadReason::InvalidRow, what));
        let width = self.len();
        if cells.len() < width || cells[width..].iter().any(|cell| !cell.as_ref().trim().is_empty()) {
            return fault(format!(
                "the row has {} cells and the header has {width}; a cell with a delimiter or a line end in it must stand \
                 in quotes",
                cells.len()
            ));
        }
        let mut event = Map::new();
        let (mut caller, mut place) = (Map::new(), Map::new());
        let (mut category, mut also, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (header, field)) in self.headers.iter().zip(&self.fields).enumerate() {
            let cell = cells[at].as_ref().trim();
            let column = || format!("column {} ({header})", at + 1);
            let Some(field) = *field else {
                if !cell.is_empty() {
                    event.insert(self.extra_key(at), json!(cell));
                }
                continue;
            };
            if cell.is_empty() {
                if matches!(field, Field::Id | Field::ReceivedAt) {
                    return fault(format!("{} is empty; every row needs {}", column(), field.meaning()));
                }
                continue;
            }
            let last = field.name().rsplit('.').next().unwrap_or_default().to_owned();
            match field {
                Field::Drop => {}
                Field::Category => category.push(cell),
                Field::CallerAlso => also.push(cell),
                // A person with several earlier orders has them in one cell.
                Field::Earlier => earlier
                    .extend(cell.split([',', '，', '、', ';', '；', ' ']).filter(|one| !one.is_empty())),
                Field::CallerName => drop(caller.insert(last, json!(masked_name(cell)))),
                Field::CallerId | Field::CallerPhone => drop(caller.insert(last, json!(cell))),
                Field::District | Field::Street | Field::Community | Field::Address => {
                    place.insert(last, json!(cell));
                }
                Field::Lon | Field::Lat => {
                    let degrees = cell.parse::<f64>().ok().and_then(Number::from_f64);
                    let Some(degrees) = degrees else {
                        return fault(format!("{} is {cell:?}; it must be a number of degrees", column()));
                    };
                    place.insert(last, Value::Number(degrees));
                }
                _ => drop(event.insert(last, json!(cell))),
            }
        }
        if !event.contains_key("text") && !event.contains_key("title") {
            return fault("the row says nothing: the columns for `title` and `text` are empty".into());
        }
        if !also.is_empty() {
            caller.insert("also".into(), json!(also));
        }
        if !category.is_empty() {
            event.insert("category".into(), json!(category));
        }
        if !earlier.is_empty() {
            event.insert("earlier".into(), json!(earlier));
        }
        for (key, part) in [("caller", caller), ("place", place)] {
            if !part.is_empty() {
                event.insert(key.into(), Value::Object(part));
            }
        }
        serde_json::to_vec(&event).map_err(|error| (DeadReason::InvalidRow, error.to_string()))
    }

    /// The key of a column that is passed on: its header. A header that is empty, stands twice, or
    /// is called like a field of the event it does not hold gets its number.
    fn extra_key(&self, at: usize) -> String {
        let header = &self.headers[at];
        let is_field =
            ["id", "received_at", "channel", "caller", "title", "text", "place", "category", "subject"]
                .into_iter()
                .chain(["tags", "earlier"])
                .any(|name| name == header);
        if header.is_empty() || is_field || self.headers[..at].contains(header) {
            format!("{header}#{}", at + 1)
        } else {
            header.clone()
        }
    }
}

/// Columns that hold numbers of people, although nobody said what to do with them. What we do not
/// read, we need not protect.
fn is_personal(header: &str) -> bool {
    ["电话", "手机", "身份证", "证件号", "银行卡", "银行账号"].iter().any(|word| header.contains(word))
}

/// 王小明 becomes 王**: enough to address somebody, not to know them.
fn masked_name(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map_or_else(String::new, String::from);
    first + &"*".repeat(characters.count().min(3))
}

fn named(config: &ColumnsConfig, field: Field) -> &[String] {
    match field {
        Field::Id => &config.id,
        Field::ReceivedAt => &config.received_at,
        Field::Title => &config.title,
        Field::Text => &config.text,
        Field::Channel => &config.channel,
        Field::Subject => &config.subject,
        Field::Category => &config.category,
        Field::Earlier => &config.earlier,
        Field::CallerId => &config.caller.id,
        Field::CallerPhone => &config.caller.phone,
        Field::CallerAlso => &config.caller.also,
        Field::CallerName => &config.caller.name,
        Field::District => &config.place.district,
        Field::Street => &config.place.street,
        Field::Community => &config.place.community,
        Field::Address => &config.place.address,
        Field::Lon => &config.place.lon,
        Field::Lat => &config.place.lat,
        Field::Drop => &config.drop,
    }
}
