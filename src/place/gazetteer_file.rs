//! Reading gazetteer files: TOML walked by hand, so that every fault is told with file and line.

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use rustc_hash::FxHashMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::PlaceKind;
use crate::text::normalise;

/// A place that is known by name. Names are in normal form.
#[derive(Debug, Clone, Hash)]
pub(super) struct Place {
    pub kind: PlaceKind,
    pub name: Box<str>,
    pub aliases: Vec<Box<str>>,
    pub code: Option<Box<str>>,
    pub street: Option<Box<str>>,
}

impl Place {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.name).chain(self.aliases.iter().map(|alias| &**alias))
    }
}

/// A gazetteer that cannot be used: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum GazetteerError {
    /// The folder or a file of it cannot be read.
    #[error("{path}: {error}; check the path and its permissions")]
    Unreadable {
        /// The folder or file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The folder holds no `*.toml`.
    #[error("{0}: no *.toml file here; put at least one gazetteer file into it")]
    NoFiles(String),
    /// A file's content is wrong.
    #[error("{place}: {message}")]
    Content {
        /// `file:line`.
        place: String,
        /// What is wrong and the remedy.
        message: String,
    },
}

/// All places of a folder's `*.toml` files.
pub(super) fn load(dir: &Path) -> Result<Vec<Place>, GazetteerError> {
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        move |error| GazetteerError::Unreadable { path, error }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = entry.map_err(unreadable(dir))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(GazetteerError::NoFiles(dir.display().to_string()));
    }
    let mut files = Vec::new();
    for path in &paths {
        files.push((path.display().to_string(), fs::read_to_string(path).map_err(unreadable(path))?));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (&**name, &**content)).collect();
    parse_all(&files)
}

/// The places of several files, names checked to be unique across them.
pub(super) fn parse_all(files: &[(&str, &str)]) -> Result<Vec<Place>, GazetteerError> {
    let mut reader = Reader::default();
    for (name, content) in files {
        reader.file = String::from(*name);
        reader.content = String::from(*content);
        let table = DeTable::parse(content).map_err(|error| {
            let message = error.message().lines().next().unwrap_or("not TOML").to_owned();
            reader.wrong(error.span().unwrap_or_default(), message)
        })?;
        reader.district(table.get_ref())?;
    }
    Ok(reader.places)
}

#[derive(Default)]
struct Reader {
    file: String,
    content: String,
    places: Vec<Place>,
    /// Where each name was first given.
    seen: FxHashMap<String, String>,
}

type Entry<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

impl Reader {
    fn at(&self, span: &Range<usize>) -> String {
        let start = span.start.min(self.content.len());
        let line = String::from_utf8_lossy(&self.content.as_bytes()[..start]).matches('\n').count() + 1;
        format!("{}:{line}", self.file)
    }

    fn wrong(&self, span: Range<usize>, message: impl fmt::Display) -> GazetteerError {
        GazetteerError::Content { place: self.at(&span), message: message.to_string() }
    }

    fn district(&mut self, table: &DeTable<'_>) -> Result<(), GazetteerError> {
        self.check_keys(table, &["district", "code", "aliases", "sites", "roads", "street"])?;
        let code = self.code(table, 6)?;
        let name = self.required(table, "district", 0..0)?;
        let aliases = self.aliases(table)?;
        self.add(PlaceKind::District, &name, &aliases, code.clone(), None)?;
        self.lists(table, None)?;
        let Some(streets) = table.get("street") else { return Ok(()) };
        let DeValue::Array(streets) = streets.get_ref() else {
            return Err(
                self.wrong(streets.span(), "`street` must be a list: begin each street with [[street]]")
            );
        };
        for street in streets {
            let DeValue::Table(table) = street.get_ref() else {
                return Err(
                    self.wrong(street.span(), "`street` must be a table: begin each street with [[street]]")
                );
            };
            self.check_keys(table, &["name", "code", "aliases", "communities", "sites", "roads"])?;
            let name = self.required(table, "name", street.span())?;
            let street_name: Box<str> = normalise(name.get_ref()).text().into();
            let street_code = self.code(table, 9)?;
            if let (Some(code), Some(district)) = (&street_code, &code)
                && !code.starts_with(&**district)
            {
                let message = format!("code {code} does not begin with the district's code {district}");
                return Err(self.wrong(table.get("code").map_or(0..0, Spanned::span), message));
            }
            let aliases = self.aliases(table)?;
            self.add(PlaceKind::Street, &name, &aliases, street_code, None)?;
            self.lists(table, Some(&street_name))?;
        }
        Ok(())
    }

    /// `communities`, `sites` and `roads` of one table.
    fn lists(&mut self, table: &DeTable<'_>, street: Option<&str>) -> Result<(), GazetteerError> {
        for (key, kind) in
            [("communities", PlaceKind::Community), ("sites", PlaceKind::Site), ("roads", PlaceKind::Road)]
        {
            let Some(list) = table.get(key) else { continue };
            let DeValue::Array(list) = list.get_ref() else {
                return Err(self.wrong(list.span(), format!("`{key}` must be a list of names")));
            };
            for item in list {
                let (name, aliases) = self.names(item, key)?;
                self.add(kind, &name, &aliases, None, street.map(Into::into))?;
            }
        }
        Ok(())
    }

    /// A name, or a list of a name and its other names.
    fn names(
        &self,
        item: &Spanned<DeValue<'_>>,
        key: &str,
    ) -> Result<(Spanned<String>, Vec<Spanned<String>>), GazetteerError> {
        let expected = || format!("`{key}` holds \"name\" or [\"name\", \"other name\", …]");
        match item.get_ref() {
            DeValue::String(name) => Ok((Spanned::new(item.span(), name.to_string()), Vec::new())),
            DeValue::Array(names) => {
                let mut names = names.iter().map(|name| match name.get_ref() {
                    DeValue::String(text) => Ok(Spanned::new(name.span(), text.to_string())),
                    _ => Err(self.wrong(name.span(), expected())),
                });
                let first = names.next().ok_or_else(|| self.wrong(item.span(), expected()))??;
                Ok((first, names.collect::<Result<_, _>>()?))
            }
            _ => Err(self.wrong(item.span(), expected())),
        }
    }

    fn add(
        &mut self,
        kind: PlaceKind,
        name: &Spanned<String>,
        aliases: &[Spanned<String>],
        code: Option<Box<str>>,
        street: Option<Box<str>>,
    ) -> Result<(), GazetteerError> {
        let name = self.unique(name, kind)?;
        let aliases = aliases.iter().map(|alias| self.unique(alias, kind)).collect::<Result<_, _>>()?;
        self.places.push(Place { kind, name, aliases, code, street });
        Ok(())
    }

    /// The name in normal form, refused when empty, too short to be told from other words, or given
    /// before.
    fn unique(&mut self, name: &Spanned<String>, kind: PlaceKind) -> Result<Box<str>, GazetteerError> {
        let given = name.get_ref();
        let normal = normalise(given.trim()).text().to_owned();
        if normal.is_empty() {
            return Err(self.wrong(name.span(), "empty name; write it or remove the entry"));
        }
        if normal.chars().count() < 2 {
            let message =
                format!("`{given}` has one character and would be found everywhere; write the full name");
            return Err(self.wrong(name.span(), message));
        }
        // Communities are written without their ending, which a site may bear the name of.
        let ending = if kind == PlaceKind::Community { "社区" } else { "" };
        let normal = if normal.ends_with(ending) { normal } else { format!("{normal}{ending}") };
        let at = self.at(&name.span());
        if let Some(first) = self.seen.insert(normal.clone(), at.clone()) {
            let message =
                format!("`{given}` is given already at {first}; one name stands for one place, remove one");
            return Err(GazetteerError::Content { place: at, message });
        }
        Ok(normal.into())
    }

    fn check_keys(&self, table: &DeTable<'_>, known: &[&str]) -> Result<(), GazetteerError> {
        // In the order of the file, so that the first fault is the one told.
        let mut unknown: Vec<Entry<'_, '_>> =
            table.iter().filter(|(key, _)| !known.contains(&&**key.get_ref())).collect();
        unknown.sort_by_key(|(key, _)| key.span().start);
        let Some((key, _)) = unknown.first() else { return Ok(()) };
        let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key.get_ref()));
        let message = match nearest {
            Some(nearest) if strsim::damerau_levenshtein(nearest, key.get_ref()) <= 3 => {
                format!("unknown key `{}`; did you mean `{nearest}`?", key.get_ref())
            }
            _ => format!("unknown key `{}`; known are {}", key.get_ref(), known.join(", ")),
        };
        Err(self.wrong(key.span(), message))
    }

    fn required(
        &self,
        table: &DeTable<'_>,
        key: &str,
        otherwise: Range<usize>,
    ) -> Result<Spanned<String>, GazetteerError> {
        match table.get(key).map(|value| (value.span(), value.get_ref())) {
            Some((span, DeValue::String(text))) => Ok(Spanned::new(span, text.to_string())),
            Some((span, _)) => Err(self.wrong(span, format!("`{key}` must be text in quotes"))),
            None => Err(self.wrong(otherwise, format!("`{key}` is missing; add {key} = \"…\""))),
        }
    }

    fn aliases(&self, table: &DeTable<'_>) -> Result<Vec<Spanned<String>>, GazetteerError> {
        let Some(value) = table.get("aliases") else { return Ok(Vec::new()) };
        let (first, mut rest) = match value.get_ref() {
            DeValue::Array(_) => self.names(value, "aliases")?,
            _ => return Err(self.wrong(value.span(), "`aliases` must be a list of names")),
        };
        rest.insert(0, first);
        Ok(rest)
    }

    fn code(&self, table: &DeTable<'_>, digits: usize) -> Result<Option<Box<str>>, GazetteerError> {
        let Some(value) = table.get("code") else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(code)
                if code.len() == digits && code.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Ok(Some((&**code).into()))
            }
            _ => Err(self.wrong(value.span(), format!("`code` must be {digits} digits in quotes"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(content: &str) -> String {
        parse_all(&[("a.toml", content)]).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read() {
        let content = "district = \"云州区\"\ncode = \"990101\"\nroads = [\"云州大街\"]\n[[street]]\nname = \"青溪街道\"\n\
            code = \"990101001\"\ncommunities = [\"柳荫\", \"石桥社区\"]\nsites = [[\"云栖雅苑\", \"云栖苑\"], \"ＡＢ广场\"]\n";
        let places = parse_all(&[("a.toml", content)]).unwrap();
        let names: Vec<_> = places.iter().map(|place| &*place.name).collect();
        assert_eq!(names, ["云州区", "云州大街", "青溪街道", "柳荫社区", "石桥社区", "云栖雅苑", "ab广场"]);
        assert_eq!(places[5].aliases, ["云栖苑".into()]);
        assert_eq!(places[5].street.as_deref(), Some("青溪街道"));
        assert_eq!(places[2].code.as_deref(), Some("990101001"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        insta::assert_snapshot!(error("district = \"甲乙区\"\nstreets = []"), @"a.toml:2: unknown key `streets`; did you mean `street`?");
        insta::assert_snapshot!(error("district = \"甲乙区\"\nfoobarbaz = 1"), @"a.toml:2: unknown key `foobarbaz`; known are district, code, aliases, sites, roads, street");
        insta::assert_snapshot!(error("code = \"110102\""), @r#"a.toml:1: `district` is missing; add district = "…""#);
        insta::assert_snapshot!(error("district = \"甲乙区\"\ncode = \"1101\""), @"a.toml:2: `code` must be 6 digits in quotes");
        insta::assert_snapshot!(error("district = \"甲乙区\"\nsites = [\"青溪园\",\n\"青溪园\"]"), @"a.toml:3: `青溪园` is given already at a.toml:2; one name stands for one place, remove one");
        insta::assert_snapshot!(error("district = \"甲乙区\"\nsites = [[\"青溪园\", \" \"]]"), @"a.toml:2: empty name; write it or remove the entry");
        insta::assert_snapshot!(error("district = \"甲乙区\"\nsites = [\"园\"]"), @"a.toml:2: `园` has one character and would be found everywhere; write the full name");
        insta::assert_snapshot!(error("district = \"甲乙区\"\n\nsites = [3]"), @r#"a.toml:3: `sites` holds "name" or ["name", "other name", …]"#);
        insta::assert_snapshot!(error("district = \"甲乙区\"\nsites = [[]]"), @r#"a.toml:2: `sites` holds "name" or ["name", "other name", …]"#);
        insta::assert_snapshot!(error("district = \"甲乙区\"\nstreet = 1"), @"a.toml:2: `street` must be a list: begin each street with [[street]]");
        insta::assert_snapshot!(error("district = \"甲乙区\"\n[[street]]\ncode = \"110102001\""), @r#"a.toml:2: `name` is missing; add name = "…""#);
        insta::assert_snapshot!(error("district = \"甲乙区\"\ncode = \"110102\"\n[[street]]\nname = \"青溪街道\"\ncode = \"110101001\""), @"a.toml:5: code 110101001 does not begin with the district's code 110102");
        insta::assert_snapshot!(error("district = \"甲乙区\nsites = []"), @r#"a.toml:1: invalid basic string, expected `"`"#);
    }

    #[test]
    fn folders() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            load(dir.path()).unwrap_err().to_string().ends_with("put at least one gazetteer file into it")
        );
        assert!(load(&dir.path().join("none")).unwrap_err().to_string().contains("check the path"));
        fs::write(dir.path().join("b.toml"), "district = \"乙区\"\nsites = [\"青溪园\"]").unwrap();
        fs::write(dir.path().join("a.toml"), "district = \"甲区\"\nsites = [\"青溪园\"]").unwrap();
        let message = load(dir.path()).unwrap_err().to_string();
        assert!(
            message.contains("b.toml:2: `青溪园` is given already at") && message.contains("a.toml:2"),
            "{message}"
        );
    }
}
