//! What the pages name is there: links, files, types and constants.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, end: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, end, out);
        } else if path.to_string_lossy().ends_with(end) {
            out.push(path);
        }
    }
}

/// The pages and their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let mut found: Vec<PathBuf> = ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        .map(|name| root().join(name))
        .to_vec();
    for folder in ["docs", "rules", "deploy"] {
        files(&root().join(folder), ".md", &mut found);
    }
    assert!(found.len() > 15, "{found:?}");
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    found.into_iter().map(read).collect()
}

/// All code files by their paths, and all of their words.
static CODE: LazyLock<(Vec<PathBuf>, std::collections::BTreeSet<String>)> = LazyLock::new(|| {
    let mut found = Vec::new();
    for folder in ["src", "tests/it", "benches"] {
        files(&root().join(folder), ".rs", &mut found);
    }
    let mut words = std::collections::BTreeSet::new();
    for path in &found {
        let text = fs::read_to_string(path).unwrap();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        // A name that only a comment still has is not there any more.
        for line in text.lines().map(|line| line.split("//").next().unwrap()) {
            words.extend(line.split(|c| !is_word(c)).map(str::to_owned));
        }
    }
    (found, words)
});

/// What stands between single backticks outside of code blocks, paragraph by paragraph.
fn quoted(text: &str) -> Vec<Vec<String>> {
    let mut paragraphs = vec![Vec::new()];
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            continue;
        }
        for paragraph in part.split("\n\n") {
            // Over line ends, where a name never goes.
            let words = paragraph.split('`').skip(1).step_by(2).map(|word| word.replace('\n', " "));
            paragraphs.push(words.collect());
        }
    }
    paragraphs
}

fn is_code_file(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension == "rs")
}

/// Where a path that a page names may be: in the repository, or in `src`, as ARCHITECTURE.md says.
/// `None` when it is no path of ours, or has a stand-in for a name in it.
fn places(word: &str) -> Option<[PathBuf; 2]> {
    const STAND_INS: [&str; 4] = ["x", "x.rs", "000N_name.sql", "ROOM"];
    let first = word.split('/').next().filter(|first| !first.is_empty())?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !word.contains('/') || !word.chars().all(is_plain) || first == "target" || first.starts_with('.') {
        return None;
    }
    let is_ours = root().join(first).is_dir() || root().join("src").join(first).is_dir();
    let is_stand_in = word.split('/').any(|part| STAND_INS.contains(&part));
    (is_ours && !is_stand_in).then(|| [root().join(word), root().join("src").join(word)])
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut links = 0;
    for (page, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
    assert!(links > 60, "{links}");
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut named = 0;
    for (page, text) in pages() {
        for word in quoted(&text).into_iter().flatten() {
            let is_bare_file = is_code_file(&word) && !word.contains(['/', ' ']) && word != "x.rs";
            let is_there = if is_bare_file {
                CODE.0.iter().any(|path| path.ends_with(&word))
            } else if let Some(places) = places(&word) {
                places.iter().any(|place| place.exists())
            } else {
                continue;
            };
            named += 1;
            assert!(is_there, "{}: there is no {word}", page.display());
        }
    }
    assert!(named > 100, "{named}");
}

#[test]
fn every_name_of_the_code_that_a_page_gives_with_its_place_is_in_the_code() {
    let mut named = 0;
    for (page, text) in pages() {
        let is_all_code = page.ends_with("ARCHITECTURE.md");
        for paragraph in quoted(&text) {
            let names_code = paragraph.iter().any(|word| is_code_file(word) || word.starts_with("src/"));
            for word in paragraph.iter().filter(|_| is_all_code || names_code) {
                let is_name = |part: &str| {
                    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                };
                let parts: Vec<&str> = word.split("::").collect();
                // A constant (`LINGER`), a type (`Lease`) or something of one (`Engine::apply`). What
                // has no lower case and no underscore may be a signal or a word of another language.
                let is_code = parts.iter().all(|part| is_name(part))
                    && parts[0].starts_with(|c: char| c.is_ascii_uppercase())
                    && !["SIGINT", "SIGTERM", "SIGHUP", "POST", "GET", "XConfig"].contains(&&**word)
                    && !word.starts_with("FENGHUO_");
                if is_code {
                    named += 1;
                    let gone = parts.iter().find(|part| !CODE.1.contains(**part));
                    assert!(gone.is_none(), "{}: no {} is in the code", page.display(), gone.unwrap());
                }
            }
        }
    }
    assert!(named > 80, "{named}");
}
