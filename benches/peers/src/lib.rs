//! What the peer benches share: the terms of the shipped rule pack and texts to search.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The literal terms of all rule files (without patterns) and the test texts in them.
pub fn terms_and_texts(dir: &Path) -> (Vec<String>, Vec<String>) {
    let (mut terms, mut texts) = (BTreeSet::new(), Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("the rule folder is there")
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    for file in files {
        let content = std::fs::read_to_string(&file).expect("a rule file is readable");
        let value: Value = serde_saphyr::from_str(&content).expect("a rule file is YAML");
        collect(&value, "", &mut terms, &mut texts);
    }
    (terms.into_iter().collect(), texts)
}

fn collect(value: &Value, key: &str, terms: &mut BTreeSet<String>, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => match key {
            "terms" | "masks" if !text.starts_with("re:") => {
                terms.insert(text.to_lowercase());
            }
            "must_fire" | "must_not_fire" | "quiet" => texts.push(text.clone()),
            _ => {}
        },
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, terms, texts)),
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(value, key, terms, texts)),
        _ => {}
    }
}

/// `count` complaints of about 300 characters, put together from `texts` in a fixed order.
pub fn complaints(texts: &[String], count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let mut complaint = String::new();
            let mut at = number * 7;
            while complaint.chars().count() < 300 {
                complaint.push_str(&texts[at % texts.len()]);
                at += 13;
            }
            complaint
        })
        .collect()
}
