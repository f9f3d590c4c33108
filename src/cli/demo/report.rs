//! The last screen: what happened, and what to try next.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Told;

/// What the last screen needs.
#[derive(Debug)]
pub(super) struct Report {
    /// The program, as it can be typed where it was started.
    pub(super) program: String,
    /// Where the HTTP side listens.
    pub(super) address: SocketAddr,
    /// Whether complaints are taken there.
    pub(super) takes_complaints: bool,
    /// The folder of the data.
    pub(super) folder: PathBuf,
    /// Whether the folder is removed at the end.
    pub(super) is_temporary: bool,
    /// Whether this is the end.
    pub(super) once: bool,
}

impl Report {
    pub(super) fn write(
        &self,
        out: &mut impl Write,
        told: &Told,
        events: u64,
        took: Duration,
    ) -> io::Result<()> {
        let Told { raised, grown, resolved, risks, largest, .. } = told;
        let Self { program, address, once, .. } = self;
        writeln!(out, "────────────────────────────────────────────────────────────────────────")?;
        writeln!(out, "{events} events played in {} s.", took.as_secs())?;
        writeln!(out, "{raised} group incidents (群诉) and {risks} financial risks (金融风险) raised;")?;
        writeln!(
            out,
            "{grown} told again as they grew, {resolved} ended: quiet for days, or one with another."
        )?;
        writeln!(out, "\nEach alert came once, signed, through the outbox. Try next:")?;
        if !once {
            writeln!(out, "  http://{address}/                      every alert with its explanation")?;
            writeln!(out, "  http://{address}/metrics and /readyz   how the daemon is doing")?;
        }
        if !once && self.takes_complaints {
            let body = r#"{"id":"my-1","received_at":"2026-03-07T12:00:00+08:00","text":"楼下饭店油烟大"}"#;
            writeln!(
                out,
                "  curl -H 'content-type: application/json' -d '{body}' \\\n       http://{address}/v1/complaints"
            )?;
        }
        if self.is_temporary && *once {
            writeln!(out, "  {program} demo --once --data-dir demo-data     keeps the data, to ask it why")?;
        } else if let Some((_, id)) = largest {
            let folder = quoted(&self.folder.display().to_string());
            writeln!(out, "  {program} explain {id} --data-dir {folder}")?;
        }
        writeln!(out, "  {program} replay --events yours.ndjson --out decided     on your own data")?;
        if !once {
            let removed = if self.is_temporary { "; the demo's data is then removed" } else { "" };
            writeln!(out, "\nCtrl-C ends it{removed}.")?;
        }
        out.flush()
    }
}

/// The name under which this process was started, so that what is shown can be typed again; its
/// file where there is no such name.
pub(super) fn program() -> String {
    let typed = std::env::args_os().next().filter(|name| !name.is_empty());
    let file = || std::env::current_exe().map_or_else(|_| "fenghuo".into(), PathBuf::into_os_string);
    quoted(&typed.unwrap_or_else(file).to_string_lossy())
}

/// A word that a shell reads as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(is_temporary: bool, once: bool) -> String {
        let report = Report {
            program: "target/release/fenghuo".into(),
            address: "127.0.0.1:8787".parse().unwrap(),
            takes_complaints: true,
            folder: "/tmp/a demo".into(),
            is_temporary,
            once,
        };
        let told = Told { raised: 3, largest: Some((9, "QS-1".into())), ..Told::default() };
        let mut out = Vec::new();
        report.write(&mut out, &told, 300, Duration::from_secs(2)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        let open = shown(true, false);
        assert!(
            open.contains("\n  target/release/fenghuo explain QS-1 --data-dir '/tmp/a demo'\n"),
            "{open}"
        );
        assert!(open.contains("the demo's data is then removed"), "{open}");
        let kept = shown(false, true);
        assert!(kept.contains("explain QS-1") && !kept.contains("http://"), "{kept}");
        let over = shown(true, true);
        assert!(!over.contains("/tmp") && !over.contains("explain"), "the folder has gone: {over}");
        assert!(over.contains("target/release/fenghuo demo --once --data-dir demo-data"), "{over}");
        for line in [&open, &kept, &over].into_iter().flat_map(|text| text.lines()) {
            assert!(!line.trim_start().starts_with("fenghuo "), "not on the path: {line}");
        }
    }

    #[test]
    fn names_with_spaces_are_quoted() {
        assert_eq!(quoted("./target/debug/fenghuo"), "./target/debug/fenghuo");
        assert_eq!(quoted("/opt/烽火/fenghuo"), "/opt/烽火/fenghuo");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
