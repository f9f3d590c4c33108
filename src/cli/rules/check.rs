//! `fenghuo rules check`

use std::io::{IsTerminal as _, Write as _};

use annotate_snippets::{AnnotationKind, Level, Origin as Place, Renderer, Snippet};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::rules::{RuleError, RuleErrors, RuleFiles, RulePack, RuleWarning};

use super::super::{Context, Exit};
use super::{Origin, RulesIn, counted, zone};

/// Arguments of `fenghuo rules check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    rules: RulesIn,

    /// Fail for warnings, too
    #[arg(long)]
    pub strict: bool,

    /// Write the answer as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &CheckArgs, context: &Context) -> anyhow::Result<Exit> {
    let origin = args.rules.origin(context)?;
    let files = origin.files();
    let today = zone(context)?.to_datetime(Timestamp::now()).date();
    let rules = |files: &RuleFiles| {
        let (mut warnings, pack) = (files.warnings()?, files.pack()?);
        warnings.extend(pack.ending_exceptions(today));
        Ok((warnings, pack))
    };
    let checked: Result<_, RuleErrors> = match &files {
        Ok(files) => rules(files),
        Err(errors) => Err(errors.clone()),
    };
    let (problems, warnings, pack) = match checked {
        Ok((warnings, pack)) => (Vec::new(), warnings, Some(pack)),
        Err(errors) => (errors.0, Vec::new(), None),
    };
    let changes = pack.as_ref().map(RulePack::changes).unwrap_or_default();
    let rules = pack.as_ref().map_or(0, |pack| pack.rules().len());
    let is_good = problems.is_empty() && (warnings.is_empty() || !args.strict);
    if args.json {
        context.print_json(
            &json!({ "ok": is_good, "problems": problems, "warnings": warnings, "overlay": changes }),
        )?;
    } else {
        let files = files.ok();
        let renderer = if context.has_color(std::io::stdout().is_terminal()) {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut out = context.out();
        for told in problems.iter().map(Told::problem).chain(warnings.iter().map(Told::warning)) {
            writeln!(out, "{}\n", told.render(&origin, files.as_ref(), &renderer))?;
        }
        for change in changes {
            writeln!(out, "overlay: {change}")?;
        }
        writeln!(out, "{}", summary(&origin, files.as_ref(), rules, problems.len(), warnings.len()))?;
        out.flush()?;
    }
    Ok(if is_good { Exit::Ok } else { Exit::Problems })
}

fn summary(
    origin: &Origin,
    files: Option<&RuleFiles>,
    rules: usize,
    problems: usize,
    warnings: usize,
) -> String {
    let warned = if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning")) };
    if problems > 0 {
        return format!("{} in {}{warned}", counted(problems, "problem"), origin.told());
    }
    let count = files.map_or(0, RuleFiles::count);
    format!("{}: {} in {}, no problem{warned}", origin.told(), counted(rules, "rule"), counted(count, "file"))
}

/// A mistake or a warning, on its way to a terminal.
struct Told<'a> {
    level: Level<'static>,
    kind: Option<&'static str>,
    file: &'a str,
    line: u64,
    column: u64,
    message: &'a str,
}

impl<'a> Told<'a> {
    fn problem(RuleError { file, line, column, message }: &'a RuleError) -> Self {
        Self { level: Level::ERROR, kind: None, file, line: *line, column: *column, message }
    }

    fn warning(RuleWarning { kind, file, line, column, message }: &'a RuleWarning) -> Self {
        let (line, column) = (*line, *column);
        Self { level: Level::WARNING, kind: Some(kind.as_str()), file, line, column, message }
    }

    fn render(&self, origin: &Origin, files: Option<&RuleFiles>, renderer: &Renderer) -> String {
        let path = origin.path(self.file);
        let title = self.level.clone().primary_title(self.message);
        let title = match self.kind {
            Some(kind) => title.id(kind),
            None => title,
        };
        let source = files.and_then(|files| files.text(self.file));
        let word = files.and_then(|files| files.word_at(self.file, self.line, self.column));
        let report = match source.zip(word) {
            Some((source, word)) => {
                let caret = AnnotationKind::Primary.span(word);
                title.element(Snippet::source(source).path(path).annotation(caret))
            }
            None if self.line == 0 => title.element(Place::path(path)),
            // Of a file that could not be read there is no line to show.
            None => {
                title.element(Place::path(path).line(self.line as usize).char_column(self.column as usize))
            }
        };
        renderer.render(&[report])
    }
}
