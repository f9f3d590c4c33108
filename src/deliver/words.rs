//! Messages for people: templates, and what they are given.
//!
//! The built-in templates are those of `deploy/templates`; a folder may replace any of them. All are
//! rendered with sample alerts when they are loaded, so that a mistake is told at the start and not
//! when the first red incident comes.

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::plain::{ELLIPSIS, clean, cut};
use super::render::{local_time, reason, size, span_of_time};
use super::samples;
use crate::model::{Alert, AlertBody, AlertState, Level};

/// The built-in templates: file name and text. Those that end in `.markdown` are for chat robots.
pub const TEMPLATES: [(&str, &str); 8] = [
    ("subject.txt", include_str!("../../deploy/templates/subject.txt")),
    ("line.txt", include_str!("../../deploy/templates/line.txt")),
    ("line.markdown", include_str!("../../deploy/templates/line.markdown")),
    ("digest.txt", include_str!("../../deploy/templates/digest.txt")),
    ("wecom.markdown", include_str!("../../deploy/templates/wecom.markdown")),
    ("dingtalk.markdown", include_str!("../../deploy/templates/dingtalk.markdown")),
    ("feishu.markdown", include_str!("../../deploy/templates/feishu.markdown")),
    ("mail.txt", include_str!("../../deploy/templates/mail.txt")),
];

/// Why a template cannot be used: file and line, what is wrong, what to do.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("{}: cannot be read: {cause}; correct `deliver.templates_dir`", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file that is no template of ours would never be used.
    #[error("{}: there is no template of this name; the templates are {known}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The names that there are.
        known: String,
    },
    /// It cannot be rendered.
    #[error("{file}:{line}: {detail}")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// The templates, loaded and checked.
#[derive(Debug, Clone)]
pub struct Words {
    environment: Environment<'static>,
    console_url: Option<String>,
}

/// What a template may use. All is text for people in Chinese; empty when there is nothing to say.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// Kind, level, what and where: `【群诉·红】青石里小区：搅拌站噪音`.
    headline: String,
    id: &'a str,
    revision: u32,
    kind: &'static str,
    level: &'static str,
    state: &'static str,
    /// `（更新）` and the like; empty for what is told first.
    mark: String,
    /// People and work orders in words.
    size: String,
    summary: &'a str,
    place: &'a str,
    entity: &'a str,
    terms: String,
    callers: u32,
    complaints: u32,
    anonymous: u32,
    since: String,
    time: String,
    reason: String,
    link: String,
}

#[derive(Debug, Serialize)]
struct Digest {
    total: usize,
    counts: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    level: &'static str,
    number: usize,
}

impl Words {
    /// Loads the templates, those of `folder` in the place of the built-in ones of the same name,
    /// and renders each with sample alerts. `console_url` is where links lead.
    ///
    /// # Errors
    /// The first template that cannot be used.
    pub fn load(folder: Option<&Path>, console_url: Option<&str>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax());
        environment.set_formatter(|out, state, value| {
            let clean = clean(&value.to_string(), is_markdown(state.name()));
            Ok(out.write_str(&clean)?)
        });
        let replaced = folder.map(read).transpose()?.unwrap_or_default();
        for (name, built_in) in TEMPLATES {
            let own = replaced.iter().find(|(own, _)| own == name);
            let (file, text) = match own {
                Some((_, text)) => {
                    (folder.unwrap_or(Path::new("")).join(name).display().to_string(), text.clone())
                }
                None => (name.to_owned(), built_in.to_owned()),
            };
            environment.add_template_owned(name, text).map_err(|error| wrong(&file, &error))?;
        }
        let console_url = console_url.map(|url| url.trim_end_matches('/').to_owned());
        let words = Self { environment, console_url };
        words.try_all().map_err(|(name, error)| {
            let is_own = replaced.iter().any(|(own, _)| own == name);
            let path = if is_own { folder.unwrap_or(Path::new("")).join(name) } else { name.into() };
            wrong(&path.display().to_string(), &error)
        })?;
        Ok(words)
    }

    fn try_all(&self) -> Result<(), (&'static str, minijinja::Error)> {
        let alerts = samples::all();
        for (name, _) in TEMPLATES {
            if name == "digest.txt" {
                let all: Vec<&Alert> = alerts.iter().collect();
                self.try_digest(&all).map_err(|error| (name, error))?;
                continue;
            }
            for alert in &alerts {
                self.try_one(name, alert, &alert.summary).map_err(|error| (name, error))?;
            }
        }
        Ok(())
    }

    fn try_one(&self, name: &str, alert: &Alert, summary: &str) -> Result<String, minijinja::Error> {
        let told = self.told(alert, summary);
        let text = self.environment.get_template(name)?.render(Value::from(Serde(&told)))?;
        Ok(text.trim().to_owned())
    }

    fn try_digest(&self, alerts: &[&Alert]) -> Result<String, minijinja::Error> {
        let count = |level: Level| Count {
            level: level.chinese(),
            number: alerts.iter().filter(|alert| alert.level == level).count(),
        };
        let levels = [Level::Red, Level::Orange, Level::Yellow, Level::Blue];
        let counts = levels.map(count).into_iter().filter(|count| count.number > 0).collect();
        let digest = Digest { total: alerts.len(), counts };
        let text = self.environment.get_template("digest.txt")?.render(Value::from(Serde(&digest)))?;
        Ok(text.trim().to_owned())
    }

    /// An alert as the template `name` says it, in at most `most` bytes: its summary is cut first,
    /// so that the link at the end stays.
    ///
    /// # Errors
    /// When the template fails on this alert, though it did not on the samples.
    pub(super) fn alert(&self, name: &str, alert: &Alert, most: usize) -> Result<String, TemplateError> {
        let fault = |error| wrong(name, &error);
        let text = self.try_one(name, alert, &alert.summary).map_err(fault)?;
        let Some(over) = text.len().checked_sub(most).filter(|over| *over > 0) else { return Ok(text) };
        let room = alert.summary.len().saturating_sub(over + ELLIPSIS.len());
        let text = self.try_one(name, alert, &cut(&alert.summary, room)).map_err(fault)?;
        Ok(cut(&text, most))
    }

    /// The head of a digest of these alerts.
    pub(super) fn digest(&self, alerts: &[&Alert]) -> Result<String, TemplateError> {
        self.try_digest(alerts).map_err(|error| wrong("digest.txt", &error))
    }

    fn told<'a>(&self, alert: &'a Alert, summary: &'a str) -> Told<'a> {
        let (kind, level) = (alert.kind.chinese(), alert.level.chinese());
        let begin =
            if alert.title.starts_with('【') { String::new() } else { format!("【{kind}·{level}】") };
        let (mut place, mut entity, mut terms) = ("", "", String::new());
        match &alert.body {
            AlertBody::Group(group) => {
                place = group.place.as_deref().unwrap_or("");
                terms = group.key_terms.join("、");
            }
            AlertBody::Risk(risk) => entity = risk.entity.as_deref().unwrap_or(""),
        }
        Told {
            headline: begin + &alert.title,
            id: alert.id.as_str(),
            revision: alert.revision,
            kind,
            level,
            state: alert.state.chinese(),
            mark: match alert.state {
                AlertState::Raised => String::new(),
                state => format!("（{}）", state.chinese()),
            },
            size: size(alert),
            summary,
            place,
            entity,
            terms,
            callers: alert.callers,
            complaints: alert.complaints,
            anonymous: alert.anonymous,
            since: local_time(alert.first_at),
            time: span_of_time(alert),
            reason: reason(alert),
            link: self.link(alert),
        }
    }

    /// The alert's page; empty without a console to link to.
    pub(super) fn link(&self, alert: &Alert) -> String {
        self.console_url.as_ref().map_or_else(String::new, |url| format!("{url}/alerts/{}", alert.id))
    }
}

// A line that holds a block alone leaves no empty line behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().trim_blocks(true).build().expect("the usual delimiters are sound")
}

fn is_markdown(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind == "markdown")
}

fn read(folder: &Path) -> Result<Vec<(String, String)>, TemplateError> {
    let unreadable = |path: &Path, cause| TemplateError::Unreadable { path: path.into(), cause };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
        let path = entry.map_err(|cause| unreadable(folder, cause))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What editors leave behind, and notes.
        if name.starts_with('.') || name.ends_with('~') || name == "README.md" {
            continue;
        }
        if !TEMPLATES.iter().any(|(known, _)| *known == name) {
            let known: Vec<&str> = TEMPLATES.iter().map(|(known, _)| *known).collect();
            return Err(TemplateError::Unknown { path, known: known.join(", ") });
        }
        let text = fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?;
        found.push((name, text));
    }
    Ok(found)
}

fn wrong(file: &str, error: &minijinja::Error) -> TemplateError {
    let detail = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError::Wrong { file: file.into(), line: error.line().unwrap_or(1), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words::load(None, Some("https://fenghuo.example/")).unwrap()
    }

    #[test]
    fn the_built_in_templates_say_what_counts_on_a_first_screen() {
        let words = words();
        insta::assert_snapshot!(words.alert("wecom.markdown", &samples::group(), 4096).unwrap(), @r#"
        **【群诉·蓝】青石里小区：搅拌站噪音**
        > 地点：展览路街道 青石里小区
        > 人数：<font color="info">3人</font>，6件工单
        > 时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
        > 等级：蓝，30天内3人，达到3人
        3人反映青石里小区旁搅拌站夜间施工。
        [查看依据](https://fenghuo.example/alerts/QS20260301-7F3K2QXA) QS20260301-7F3K2QXA 第1版
        "#);
        insta::assert_snapshot!(words.alert("dingtalk.markdown", &samples::risk(), 4096).unwrap(), @r#"
        #### 【金融风险·橙】某某健身 卷款跑路

        - 主体：某某健身
        - 人数：**2人**，2件工单
        - 时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
        - 等级：橙，命中规则F07（预付卡）第2版，85分，达到80分

        [查看依据](https://fenghuo.example/alerts/JR20260301-0C4M9TPD) JR20260301-0C4M9TPD 第1版
        "#);
        insta::assert_snapshot!(words.alert("feishu.markdown", &samples::group(), 4096).unwrap(), @r#"
        地点：展览路街道 青石里小区
        人数：**3人**，6件工单
        时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
        等级：蓝，30天内3人，达到3人
        3人反映青石里小区旁搅拌站夜间施工。
        [查看依据](https://fenghuo.example/alerts/QS20260301-7F3K2QXA) QS20260301-7F3K2QXA 第1版
        "#);
        insta::assert_snapshot!(words.alert("mail.txt", &samples::group(), 4096).unwrap(), @r#"
        【群诉·蓝】青石里小区：搅拌站噪音

        地点：展览路街道 青石里小区
        人数：3人，6件工单（其中1件未留来电人，不计人数）
        时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
        等级：蓝（内部关注等级，不是对外发布的预警）
        原因：30天内3人，达到3人
        关键词：搅拌站、噪音

        3人反映青石里小区旁搅拌站夜间施工。

        查看依据：https://fenghuo.example/alerts/QS20260301-7F3K2QXA
        编号：QS20260301-7F3K2QXA 第1版
        "#);
        let alerts = samples::all();
        let all: Vec<&Alert> = alerts.iter().collect();
        insta::assert_snapshot!(words.digest(&all).unwrap(), @"10条提示一并告知：红2条、橙2条、黄2条、蓝4条");
        let lines: Vec<String> =
            alerts.iter().map(|alert| words.alert("line.markdown", alert, 300).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        【群诉·蓝】青石里小区：搅拌站噪音，3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        【金融风险·蓝】某某健身 卷款跑路，2人 [JR20260301-0C4M9TPD](https://fenghuo.example/alerts/JR20260301-0C4M9TPD)
        【群诉·蓝】青石里小区：搅拌站噪音（更新），3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        【金融风险·黄】某某健身 卷款跑路（更新），2人 [JR20260301-0C4M9TPD](https://fenghuo.example/alerts/JR20260301-0C4M9TPD)
        【群诉·蓝】青石里小区：搅拌站噪音（解除），3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        【金融风险·橙】某某健身 卷款跑路（解除），2人 [JR20260301-0C4M9TPD](https://fenghuo.example/alerts/JR20260301-0C4M9TPD)
        【群诉·蓝】青石里小区：搅拌站噪音（再起），3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        【金融风险·红】某某健身 卷款跑路（再起），2人 [JR20260301-0C4M9TPD](https://fenghuo.example/alerts/JR20260301-0C4M9TPD)
        【群诉·蓝】青石里小区：搅拌站噪音，3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        【群诉·红】＜＠all＞ ［x］(http://a) ＊＊，3人 [QS20260301-7F3K2QXA](https://fenghuo.example/alerts/QS20260301-7F3K2QXA)
        "#);
    }

    #[test]
    fn words_from_outside_are_no_markup() {
        let alert = Alert {
            title: "【群诉·红】<@all>\n[x](http://a) **b** `c`".into(),
            summary: "<at id=all></at>\u{1b}[2J".into(),
            ..samples::group()
        };
        for name in ["wecom.markdown", "feishu.markdown", "dingtalk.markdown", "line.markdown"] {
            let text = words().alert(name, &alert, 4096).unwrap();
            for markup in ["<@", "[x]", "**b", "<at", "\u{1b}"] {
                assert!(!text.contains(markup), "{markup} in {text}");
            }
        }
        assert_eq!(words().alert("subject.txt", &alert, 999).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_is_too_long_loses_its_summary_first() {
        let alert = Alert { summary: "很长的说明。".repeat(2000), ..samples::group() };
        let text = words().alert("wecom.markdown", &alert, 4096).unwrap();
        assert!(text.len() <= 4096 && text.len() > 4000, "{}", text.len());
        assert!(text.ends_with("QS20260301-7F3K2QXA 第1版") && text.contains("…\n[查看依据]"), "{text}");
    }

    #[test]
    fn a_mistake_in_a_template_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            let error = Words::load(Some(folder.path()), None).unwrap_err().to_string();
            fs::remove_file(folder.path().join(name)).unwrap();
            error.replace(&format!("{}/", folder.path().display()), "")
        };
        insta::assert_snapshot!(refused("wecom.markdown", "a\n{{ titel }}"), @"wecom.markdown:2: undefined value: `titel` is undefined");
        let said = refused("mail.txt", "{% if %}");
        assert!(said.starts_with("mail.txt:1: syntax error: "), "{said}");
        insta::assert_snapshot!(refused("digest.txt", "\n\n{{ callers }}"), @"digest.txt:3: undefined value: `callers` is undefined");
        insta::assert_snapshot!(refused("wechat.markdown", "x"), @"wechat.markdown: there is no template of this name; the templates are subject.txt, line.txt, line.markdown, digest.txt, wecom.markdown, dingtalk.markdown, feishu.markdown, mail.txt");
        fs::write(folder.path().join("subject.txt"), "提示：{{ headline }}").unwrap();
        let words = Words::load(Some(folder.path()), None).unwrap();
        let subject = words.alert("subject.txt", &samples::group(), 200).unwrap();
        assert_eq!(subject, "提示：【群诉·蓝】青石里小区：搅拌站噪音");
        assert!(
            Words::load(Some(Path::new("/none")), None).unwrap_err().to_string().contains("templates_dir")
        );
    }
}
