//! Starts that cannot work: one clear line on stderr and the documented exit code.

use std::fs;
use std::net::TcpListener;

use super::{World, program};

/// Runs the daemon, which must end by itself, with further settings.
fn refused(world: &World, settings: &[String], code: i32) -> String {
    let mut command = program();
    command.args(["run", "--config"]).arg(world.path("fenghuo.toml"));
    for setting in settings {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let said: Vec<&str> = text.lines().filter(|line| line.starts_with("fenghuo: ")).collect();
    assert_eq!(said.len(), 1, "{text}");
    said[0].to_owned()
}

#[test]
fn a_taken_port_ends_the_start() {
    let world = World::new("");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&world, &[format!("http.listen={address}")], 5);
    assert!(line.contains(&address), "{line}");
}

#[test]
fn a_key_that_cannot_be_read_ends_the_start() {
    let world = World::new("");
    let missing = world.path("missing.key").display().to_string();
    let line = refused(&world, &[format!("caller.key_file={missing}")], 2);
    assert!(line.contains("missing.key"), "{line}");
    let missing = world.path("missing.secret").display().to_string();
    let line = refused(&world, &[format!("webhook.secret_file={missing}")], 2);
    assert!(line.contains("missing.secret"), "{line}");
}

#[test]
fn a_data_folder_that_cannot_be_written_ends_the_start() {
    let world = World::new("");
    // A file where the folder should be: refused for the superuser, too.
    fs::write(world.path("data"), "not a folder").unwrap();
    let line = refused(&world, &[], 4);
    assert!(line.contains("data"), "{line}");
}

#[test]
fn a_slip_in_a_rule_file_is_named_with_its_line() {
    let world = World::new("");
    let rules = world.path("risk");
    fs::create_dir(&rules).unwrap();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/risk");
    for entry in fs::read_dir(shipped).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), rules.join(entry.file_name())).unwrap();
    }
    let file = rules.join("50-other.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("    strong:", "    stron:", 1)).unwrap();
    let line = refused(&world, &[format!("rules.risk_dir={}", rules.display())], 2);
    assert!(line.contains("50-other.yaml:") && line.contains("stron"), "{line}");
}
