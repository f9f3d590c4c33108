//! `fenghuo entity`: the companies that complaints are about, and the evidence for each.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::deliver::{local_time, told_before};
use crate::engine::Dossier;
use crate::model::AlertId;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

use super::explain::marked;
use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo entity list --top 10
  fenghuo entity show 金穗财富
  fenghuo entity show 北京金穗财富投资管理有限公司 --json

NAME may be any spelling of the company. Exit code 1 says that no case is about it.";

/// Arguments of `fenghuo entity`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EntityArgs {
    /// Folder with the daemon's data (`store.path`)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The actions of `fenghuo entity`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List companies by their risk index, the highest first
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20)]
        top: usize,
    },
    /// Show the evidence for one company
    Show {
        /// The company, under any spelling
        name: String,
    },
}

/// Does one of the actions.
///
/// # Errors
/// When the configuration is wrong or the store cannot be read.
pub fn run(args: &EntityArgs, context: &Context) -> anyhow::Result<Exit> {
    let config = context.config()?.config;
    let zone = config.engine.zone()?;
    let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
    let mut found: Vec<Dossier> = Vec::new();
    for (partition, _) in store.partitions()? {
        for record in store.incidents(&partition)?.iter().filter(|record| record.entity.is_some()) {
            found.extend(Dossier::of(record, &zone)?);
        }
    }
    found.sort_by(|a, b| (b.index.total, b.callers).cmp(&(a.index.total, a.callers)).then(a.id.cmp(&b.id)));
    let words = match &args.action {
        Action::List { top } => {
            found.truncate(*top);
            if found.is_empty() { "没有主体\n".to_owned() } else { found.iter().map(line).collect() }
        }
        Action::Show { name } => {
            found.retain(|one| one.is_about(name));
            if found.is_empty() {
                format!("没有涉及“{name}”的风险线索\n")
            } else {
                found.iter().map(|one| page(one, &store)).collect::<anyhow::Result<Vec<_>>>()?.join("\n")
            }
        }
    };
    if args.json {
        context.print_json(&found)?;
    } else {
        let mut out = context.out();
        out.write_all(words.as_bytes())?;
        out.flush()?;
    }
    let missed = found.is_empty() && matches!(args.action, Action::Show { .. });
    Ok(if missed { Exit::Problems } else { Exit::Ok })
}

/// `46 聚穗财富管理 3人4件 JR… 最近 2026-03-02 10:00`
fn line(one: &Dossier) -> String {
    let name = one.name.as_deref().unwrap_or(&one.headline);
    let last = one.last_at.map(local_time).unwrap_or_default();
    let over = if one.open { "" } else { "（已解除）" };
    format!(
        "{:>3} {name}{over} {}人{}件 {} 最近 {last}\n",
        one.index.total,
        one.callers,
        one.complaints.len(),
        one.id
    )
}

fn page(one: &Dossier, store: &dyn Store) -> anyhow::Result<String> {
    let mut out = format!(
        "{} {}（{}）\n{}人，{}件工单\n",
        one.name.as_deref().unwrap_or("未命名"),
        one.id,
        if one.open { "关注中" } else { "已解除" },
        one.callers,
        one.complaints.len()
    );
    if let (Some(first), Some(last)) = (one.first_at, one.last_at) {
        writeln!(out, "时间：{} 起，最近 {}", local_time(first), local_time(last))?;
    }
    writeln!(out, "风险指数：{}（满分100，供排序参考，不是结论）", one.index.total)?;
    for dimension in &one.index.dimensions {
        writeln!(out, "  {}", dimension.chinese())?;
    }
    out.push_str("名称：\n");
    for named in &one.names {
        let (name, said, why) = (&named.name, named.said.join("、"), named.why.chinese());
        writeln!(out, "  {name} {}件（{why}；原文：{said}）", named.complaints)?;
    }
    out.push_str("每周来电：\n");
    for week in &one.weeks {
        writeln!(out, "  {}起一周 {}人{}件", week.monday, week.callers, week.complaints)?;
    }
    let counted = |of: &std::collections::BTreeMap<String, u32>| {
        of.iter().map(|(what, count)| format!("{what} {count}件")).collect::<Vec<_>>().join("、")
    };
    for (what, said) in [("街道", counted(&one.streets)), ("规则", counted(&one.rules))] {
        if !said.is_empty() {
            writeln!(out, "{what}：{said}")?;
        }
    }
    let claimed = [
        ("金额", one.claimed.money, "元"),
        ("损失或未还", one.claimed.loss, "元"),
        ("人数", one.claimed.people, "人"),
    ];
    for (what, number, unit) in claimed {
        if let Some(number) = number {
            writeln!(out, "诉求称（未核实）{what}最高：{number}{unit}")?;
        }
    }
    if !one.incidents.is_empty() {
        let ids: Vec<&str> = one.incidents.iter().map(AlertId::as_str).collect();
        writeln!(out, "关联群诉：{}", ids.join("、"))?;
    }
    for told in &one.told {
        writeln!(out, "提示：{}", told_before(told))?;
    }
    writeln!(out, "工单（最近{}件的依据）：", one.hits.len())?;
    for (id, hit) in &one.hits {
        write!(out, "  {id} {}（{}）{}分", hit.rule, hit.category, hit.score)?;
        match store.complaint(id)? {
            Some(stored) => writeln!(out, "：{}", marked(&stored, hit.spans.iter().copied()))?,
            None => out.push_str("：原文已超过保存期限\n"),
        }
    }
    // What callers wrote goes to a terminal: nothing in it may move its cursor.
    Ok(out.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect())
}
