//! Every setting there is, read off the JSON Schema of the configuration.

use schemars::JsonSchema;
use serde_json::Value;

/// Stands in a path for a name that the user gives, as in `channels.NAME.timeout_seconds`.
pub const NAME: &str = "NAME";

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The way to it, for example `store.path`.
    pub path: String,
    /// What it means: its doc comment, in lines.
    pub doc: String,
    /// What it takes.
    pub kind: Kind,
    /// The value it has when nobody sets it; `Null` when it is then absent.
    pub default: Value,
    /// The smallest number allowed.
    pub min: Option<f64>,
    /// The largest number allowed.
    pub max: Option<f64>,
}

/// What a setting takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(Vec<String>),
    /// A list of texts or numbers.
    List(Box<Kind>),
    /// A table with keys of the user's own.
    Map,
    /// A list of tables with known keys, by their names.
    Tables(Vec<String>),
    /// Something the schema does not narrow down.
    Any,
}

/// A table of settings: `[store]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name; empty for the settings that stand at the top.
    pub path: String,
    /// What it is about.
    pub doc: String,
    /// Whether the part it configures is off unless the table is there.
    pub optional: bool,
    /// Its settings in the order they are declared.
    pub settings: Vec<Setting>,
}

/// All settings, in sections.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    /// The sections in the order they are declared; the top comes first.
    pub sections: Vec<Section>,
}

impl Catalog {
    /// Reads the catalog of a configuration type.
    #[must_use]
    pub fn of<T: JsonSchema>() -> Self {
        let schema = schemars::schema_for!(T).to_value();
        let mut catalog = Self::default();
        let walk = Walk { definitions: schema.get("$defs").cloned().unwrap_or(Value::Null) };
        walk.section(&mut catalog.sections, "", &schema, &schema, false);
        catalog
    }

    /// The setting with this path, in which names that the user gives may stand.
    pub fn get(&self, path: &str) -> Option<&Setting> {
        self.settings().find(|setting| matches(&setting.path, path))
    }

    /// The sections of a configuration, once for each name that its user has given.
    #[must_use]
    pub fn sections_of(&self, config: &Value) -> Vec<Section> {
        let mut out = Vec::new();
        for section in &self.sections {
            let Some((before, after)) = section.path.split_once(NAME) else {
                out.push(section.clone());
                continue;
            };
            let table =
                before.trim_end_matches('.').split('.').try_fold(config, |value, name| value.get(name));
            for name in table.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
                let path = format!("{before}{name}{after}");
                let within = |setting: &Setting| {
                    let last = setting.path.rsplit('.').next().unwrap_or_default();
                    Setting { path: format!("{path}.{last}"), ..setting.clone() }
                };
                let settings = section.settings.iter().map(within).collect();
                out.push(Section { path: path.clone(), settings, ..section.clone() });
            }
        }
        out
    }

    /// All settings of all sections.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.sections.iter().flat_map(|section| &section.settings)
    }

    /// Whether something can be set at this path: a setting, a section, or a key of a map.
    #[must_use]
    pub fn admits(&self, path: &str) -> bool {
        self.settings().any(|setting| {
            matches(&setting.path, path)
                || setting.kind == Kind::Map
                    && path.strip_prefix(&setting.path).is_some_and(|rest| rest.starts_with('.'))
        }) || self.sections.iter().any(|section| !path.is_empty() && matches(&section.path, path))
    }
}

/// Whether a path of the catalog means this path.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('.');
    pattern.split('.').all(|wanted| parts.next().is_some_and(|part| wanted == NAME || wanted == part))
        && parts.next().is_none()
}

struct Walk {
    definitions: Value,
}

impl Walk {
    fn section(&self, out: &mut Vec<Section>, path: &str, node: &Value, target: &Value, optional: bool) {
        let index = out.len();
        let section = Section { path: path.into(), doc: doc(node, target), optional, settings: Vec::new() };
        out.push(section);
        let Some(properties) = target.get("properties").and_then(Value::as_object) else { return };
        for (name, property) in properties {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let (resolved, can_be_absent) = self.resolve(property);
            let named = resolved.get("additionalProperties").map(|each| self.resolve(each).0);
            if let Some(each) = named.filter(|each| each.get("properties").is_some()) {
                self.section(out, &format!("{inner}.{NAME}"), property, &each, true);
            } else if resolved.get("properties").is_some() {
                // What lies in a part that is off by default is off with it.
                self.section(out, &inner, property, &resolved, optional || can_be_absent);
            } else {
                let setting = self.setting(inner, property, &resolved);
                out[index].settings.push(setting);
            }
        }
    }

    fn setting(&self, path: String, property: &Value, target: &Value) -> Setting {
        let number = |name| target.get(name).or_else(|| property.get(name)).and_then(Value::as_f64);
        Setting {
            path,
            doc: doc(property, target),
            kind: self.kind(target),
            default: property.get("default").cloned().unwrap_or(Value::Null),
            min: number("minimum"),
            max: number("maximum"),
        }
    }

    fn kind(&self, target: &Value) -> Kind {
        if let Some(words) = choices(target) {
            return Kind::Choice(words);
        }
        match type_name(target) {
            Some("string") => Kind::Text,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            Some("object") => Kind::Map,
            Some("array") => {
                let (items, _) = self.resolve(target.get("items").unwrap_or(&Value::Null));
                match items.get("properties").and_then(Value::as_object) {
                    Some(properties) => Kind::Tables(properties.keys().cloned().collect()),
                    None => Kind::List(Box::new(self.kind(&items))),
                }
            }
            _ => Kind::Any,
        }
    }

    // Follows references and takes "or absent" away; says whether it was there.
    fn resolve(&self, node: &Value) -> (Value, bool) {
        let reference = node.get("$ref").and_then(Value::as_str);
        if let Some(name) = reference.and_then(|reference| reference.strip_prefix("#/$defs/")) {
            return self.resolve(&self.definitions[name]);
        }
        let is_null = |node: &Value| node.get("type").and_then(Value::as_str) == Some("null");
        if let Some(forms) = node.get("anyOf").and_then(Value::as_array)
            && let [one] = &*forms.iter().filter(|form| !is_null(form)).collect::<Vec<_>>()
        {
            return (self.resolve(one).0, forms.len() > 1);
        }
        if let Some([one]) = node.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.resolve(one);
        }
        (node.clone(), false)
    }
}

fn doc(property: &Value, target: &Value) -> String {
    let text = |node: &Value| node.get("description").and_then(Value::as_str).map(str::to_owned);
    text(property).or_else(|| text(target)).unwrap_or_default()
}

fn type_name(node: &Value) -> Option<&str> {
    match node.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

// An enum is a list of words, or, where its variants have docs, one form for each word.
fn choices(node: &Value) -> Option<Vec<String>> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(words) = node.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(word).collect());
    }
    let forms = node.get("oneOf").and_then(Value::as_array)?;
    let mut words = Vec::new();
    for form in forms {
        match (form.get("const").and_then(word), form.get("enum").and_then(Value::as_array)) {
            (Some(one), _) => words.push(one),
            (None, Some(several)) => words.extend(several.iter().filter_map(word)),
            (None, None) => return None,
        }
    }
    Some(words)
}

/// Whether a setting of this name holds a path of the file system, by the rule that such settings
/// are called `path`, `dir`, `file` or end in `_path`, `_dir`, `_file` (or their plurals). A test
/// holds the configuration to it.
#[must_use]
pub fn names_a_path(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    matches!(last, "path" | "dir" | "file" | "paths" | "dirs" | "files")
}

/// Whether a setting of this name holds the name of an environment variable with a secret in it.
#[must_use]
pub fn names_a_variable(name: &str) -> bool {
    name.ends_with("_env")
}
