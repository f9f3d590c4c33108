//! `fenghuo rules fmt`

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, Quotes};
use serde_json::json;

use super::super::{Context, Exit};
use super::{RulesIn, counted, fail, print};

/// As wide as the other files of the project.
const WIDTH: usize = 120;

/// Arguments of `fenghuo rules fmt`.
#[derive(Debug, Args)]
pub struct FmtArgs {
    #[command(flatten)]
    rules: RulesIn,

    /// Change nothing; fail when a file is laid out otherwise
    #[arg(long)]
    check: bool,

    /// Write the answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &FmtArgs, context: &Context) -> anyhow::Result<Exit> {
    let origin = args.rules.origin(context)?;
    if origin.folder.is_none() && origin.overlay.is_none() {
        return fail("the built-in rules have no files to lay out; name a folder");
    }
    let files = origin.files()?;
    let (mut changed, mut refused) = (Vec::new(), Vec::new());
    for (name, text) in files.each().filter(|(name, _)| origin.has_file(name)) {
        let path = origin.path(name);
        match laid_out(text) {
            Ok(new) if new == text => {}
            Ok(new) => {
                if !args.check {
                    put(Path::new(&path), &new)?;
                }
                changed.push(path);
            }
            Err(why) => refused.push(format!("{path}: {why}")),
        }
    }
    let is_good = refused.is_empty() && (changed.is_empty() || !args.check);
    if args.json {
        context.print_json(&json!({ "ok": is_good, "changed": changed, "refused": refused }))?;
    } else {
        let verb = if args.check { "would be laid out anew" } else { "laid out anew" };
        let (count, all) = (changed.len(), counted(files.count(), "file"));
        let mut lines: Vec<String> = changed.iter().map(|path| format!("{path}: {verb}")).collect();
        lines.extend(refused);
        lines.push(format!("{}: {count} of {all} {verb}\n", origin.told()));
        print(context, &lines.join("\n"))?;
    }
    Ok(if is_good { Exit::Ok } else { Exit::Problems })
}

/// The canonical layout of a file, with its comments. What it says is held against the original, so that a
/// layout never changes a rule.
fn laid_out(text: &str) -> Result<String, String> {
    let layout = LayoutOptions { print_width: WIDTH, ..LayoutOptions::default() };
    let language = LanguageOptions {
        quotes: Quotes::PreferSingle,
        trailing_comma: false,
        brace_spacing: false,
        ..LanguageOptions::default()
    };
    let new = pretty_yaml::format_text(text, &FormatOptions { layout, language })
        .map_err(|error| format!("is not understood ({error}); see `fenghuo rules check`"))?;
    let value =
        |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).map_err(|error| error.to_string());
    let comments = |text: &str| text.matches('#').count();
    if value(text)? != value(&new)? || comments(text) != comments(&new) {
        return Err("cannot be laid out without a change of what it says; left as it is".to_owned());
    }
    Ok(new)
}

/// Puts a file in the place of another at once, so that a daemon that looks never sees half of it.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(path).with_context(|| format!("{}: not found", path.display()))?;
    let folder = path.parent().context("a file is in a folder")?;
    let said = || format!("{}: cannot be written", path.display());
    let mut file = tempfile::Builder::new().prefix(".fmt").tempfile_in(folder).with_context(said)?;
    file.write_all(text.as_bytes()).with_context(said)?;
    let rights = fs::metadata(&path).with_context(said)?.permissions();
    fs::set_permissions(file.path(), rights).with_context(said)?;
    file.persist(&path).with_context(said)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_keeps_comments_and_what_is_said_and_is_final() {
        let text = "# yaml-language-server: $schema=schema.json\nmasks:   [ 少跑路,   \"跑路费\" ] # 说明\ngroups:\n    flight: { title: 失联,\n      terms: [跑路] }\n\n\n    # 商户\n    shop: {title: 商户, terms: ['re:店.{0,4}家']}\n";
        let new = laid_out(text).unwrap();
        insta::assert_snapshot!(new, @"
# yaml-language-server: $schema=schema.json
masks: [少跑路, '跑路费'] # 说明
groups:
  flight: {title: 失联, terms: [跑路]}

  # 商户
  shop: {title: 商户, terms: ['re:店.{0,4}家']}
");
        assert_eq!(laid_out(&new).unwrap(), new);
    }

    #[test]
    fn every_shipped_file_can_be_laid_out() {
        for (name, text) in crate::rules::RuleFiles::builtin().each() {
            let new = laid_out(text).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(laid_out(&new).as_ref(), Ok(&new), "{name}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_left() {
        assert!(laid_out("rules: [").unwrap_err().contains("is not understood"));
    }
}
