//! What a person has said of a complaint, as tables and JSON write it.

use serde_json::{Map, Value};

/// A value of a judged file that is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no verdict; write true or 1 for a risk, false or 0 for none, and null or nothing where nobody knows"
)]
pub struct NoVerdict(pub String);

/// What stands at a dotted path of a complaint's own fields (`label.strict`): in objects inside each
/// other, or, as tables have it, under the whole path as one name.
#[must_use]
pub fn field<'v>(fields: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let nested = path.split_once('.').and_then(|(first, rest)| field(fields.get(first)?.as_object()?, rest));
    nested.or_else(|| fields.get(path))
}

/// What a person has said: a risk, none, or nothing (`None`).
///
/// # Errors
/// When the value says neither.
pub fn verdict(value: Option<&Value>) -> Result<Option<bool>, NoVerdict> {
    let no_verdict = |value: &Value| NoVerdict(value.to_string());
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(is_risk)) => Ok(Some(*is_risk)),
        Some(value @ Value::Number(number)) => match number.as_f64() {
            Some(1.0) => Ok(Some(true)),
            Some(0.0) => Ok(Some(false)),
            _ => Err(no_verdict(value)),
        },
        Some(value @ Value::String(word)) => match word.trim().to_lowercase().as_str() {
            "" | "null" => Ok(None),
            "1" | "true" | "yes" | "y" | "是" => Ok(Some(true)),
            "0" | "false" | "no" | "n" | "否" => Ok(Some(false)),
            _ => Err(no_verdict(value)),
        },
        Some(value) => Err(no_verdict(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_person_says_is_read_as_tables_and_json_write_it() {
        for (value, said) in [
            (json!(null), None),
            (json!(""), None),
            (json!(1), Some(true)),
            (json!("1"), Some(true)),
            (json!("是"), Some(true)),
            (json!(false), Some(false)),
            (json!(" No "), Some(false)),
        ] {
            assert_eq!(verdict(Some(&value)), Ok(said), "{value}");
        }
        assert_eq!(verdict(None), Ok(None));
        for value in [json!("maybe"), json!(2), json!([1])] {
            assert!(verdict(Some(&value)).is_err(), "{value}");
        }
    }

    #[test]
    fn a_path_leads_into_objects_or_is_the_name_of_a_column() {
        let fields = |value: Value| value.as_object().unwrap().clone();
        let nested = fields(json!({"label": {"strict": "1"}, "其他": 2}));
        assert_eq!(field(&nested, "label.strict"), Some(&json!("1")));
        assert_eq!(field(&nested, "其他"), Some(&json!(2)));
        assert_eq!(field(&nested, "label.kind"), None);
        let flat = fields(json!({"label.strict": "0", "label": "x"}));
        assert_eq!(field(&flat, "label.strict"), Some(&json!("0")));
    }
}
