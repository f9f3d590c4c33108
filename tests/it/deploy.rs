//! What is delivered beside the program agrees with it.

use std::fs;
use std::path::{Path, PathBuf};

use fenghuo::daemon::config::{Config, Settings, Sources};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(path: PathBuf) -> fenghuo::daemon::config::Loaded<Config> {
    let sources = Sources { file: Some(path), ..Sources::default() };
    Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn pages_made_from_the_program_are_current() {
    for (path, text) in fenghuo::cli::docs::pages() {
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(committed == text, "{path} is not current; run `cargo run -- docs .` and commit it");
    }
}

#[test]
fn the_example_configurations_are_good() {
    for name in ["embedded.toml", "kafka.toml"] {
        let loaded = load(root().join("deploy/config").join(name));
        let settings = Settings::new(&loaded).expect("a working folder");
        assert_eq!(settings.data_dir, Path::new("/var/lib/fenghuo"), "{name}: what the unit lets it write");
    }
}

// An example that shows an old default would mislead whoever switches it on.
#[test]
fn defaults_shown_in_the_examples_are_the_defaults() {
    let catalog = fenghuo::daemon::config::catalog::Catalog::of::<Config>();
    for name in ["embedded.toml", "kafka.toml"] {
        let text = fs::read_to_string(root().join("deploy/config").join(name)).expect("there");
        let (mut section, mut shown) = (String::new(), 0);
        for line in text.lines() {
            let line = line.strip_prefix("# ").unwrap_or(line);
            if let Some(table) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = format!("{table}.");
            } else if let Some((name, value)) = line.split_once(" = ")
                && let Some(setting) = catalog.get(&format!("{section}{name}"))
            {
                shown += 1;
                let table: toml::Table = format!("value = {value}").parse().expect("TOML");
                let value = serde_json::to_value(&table["value"]).expect("plain data");
                let is_active = text.contains(&format!("\n{line}\n"));
                let is_default = setting.default.is_null() || setting.default == value;
                assert!(
                    is_active || is_default,
                    "{}: {value} is not the default {}",
                    setting.path,
                    setting.default
                );
            }
        }
        assert_eq!(shown, catalog.settings().count(), "{name} shows every setting once");
    }
}

#[test]
fn the_unit_is_hardened_and_calls_what_there_is() {
    let unit = fs::read_to_string(root().join("deploy/systemd/fenghuo.service")).expect("there");
    for line in [
        "Type=notify",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "StateDirectory=fenghuo",
        "ExecStartPre=/usr/local/bin/fenghuo config check /etc/fenghuo/fenghuo.toml",
        "ExecReload=/usr/local/bin/fenghuo config check /etc/fenghuo/fenghuo.toml",
        "ExecReload=/bin/kill -HUP $MAINPID",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    // The check comes before the signal.
    let reloads: Vec<&str> = unit.lines().filter(|line| line.starts_with("ExecReload=")).collect();
    assert!(reloads.len() == 2 && reloads[1].contains("HUP"), "{reloads:?}");
    // Variables that the unit sets, also those in comments, must be settings.
    let catalog = fenghuo::daemon::config::catalog::Catalog::of::<Config>();
    let known: Vec<String> =
        catalog.settings().map(|setting| fenghuo::daemon::config::env_name(&setting.path)).collect();
    let set = unit.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix("Environment="));
    for name in set.filter_map(|assignment| assignment.split('=').next()) {
        assert!(known.iter().any(|known| known == name), "{name} is no setting");
    }
}
