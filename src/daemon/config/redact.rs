//! Keeping secrets out of what is shown. Settings never hold secrets by themselves (they name a
//! file or a variable), but people put passwords into addresses and into free-form properties.

use serde_json::Value;

const HIDDEN: &str = "(hidden)";

/// The value as it may be shown.
pub(super) fn value(path: &str, value: Value) -> Value {
    let name = path.rsplit('.').next().unwrap_or(path);
    match value {
        Value::Object(map) => {
            let inner = |(key, inner): (String, Value)| {
                let shown = self::value(&key, inner);
                (key, shown)
            };
            Value::Object(map.into_iter().map(inner).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| self::value(path, item)).collect()),
        Value::String(_) if is_secret(name) => Value::String(HIDDEN.into()),
        Value::String(text) => Value::String(address(&text)),
        other => other,
    }
}

// `ssl.key.password` is a secret, `password_file` says where one is.
fn is_secret(name: &str) -> bool {
    let tells_where = ["_file", "_env", "_dir", ".location"].iter().any(|end| name.ends_with(end));
    !tells_where && ["password", "secret", "token", "credential"].iter().any(|word| name.contains(word))
}

// User and password before `@`, and the query, where robots carry their keys.
fn address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?(hidden)"));
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("(hidden)@{host}"),
        None => authority.into(),
    };
    format!("{scheme}://{authority}{path}{query}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_in_addresses_and_properties_are_hidden() {
        let shown = value("webhook.url", json!("https://me:pw@host:1/p/q?key=abc"));
        assert_eq!(shown, json!("https://(hidden)@host:1/p/q?(hidden)"));
        let shown = value("kafka.librdkafka", json!({"sasl.password": "pw", "client.rack": "r1"}));
        assert_eq!(shown, json!({"sasl.password": "(hidden)", "client.rack": "r1"}));
    }

    #[test]
    fn what_only_says_where_a_secret_is_stays() {
        assert_eq!(value("kafka.password_file", json!("/etc/pw")), json!("/etc/pw"));
        assert_eq!(value("http.tokens_env", json!("FENGHUO_TOKENS")), json!("FENGHUO_TOKENS"));
        assert_eq!(value("store.path", json!("/a/b?c")), json!("/a/b?c"));
    }
}
