//! Starts that cannot work: one clear line on stderr and the documented exit code.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{World, program};

/// Runs the daemon, which must end by itself, with further settings. The line it ends with, with
/// the world's folder as `FOLDER`.
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
    said[0].replace(&world.dir.path().display().to_string(), "FOLDER")
}

#[test]
fn a_taken_port_ends_the_start() {
    let world = World::new("");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&world, &[format!("http.listen={address}")], 5);
    insta::assert_snapshot!(line.replace(&address, "ADDRESS"), @"fenghuo: http.listen: another program already listens on ADDRESS; stop it (is a fenghuo running?) or set another port");
    assert_eq!(world.daemon().get(&world.centre, "/healthz").0, 200, "nothing is left that hinders a start");
}

#[test]
fn a_key_that_cannot_be_read_ends_the_start() {
    let world = World::new("");
    // Unreadable for the superuser, too.
    fs::create_dir(world.path("folder.key")).unwrap();
    symlink(world.path("nowhere"), world.path("dangling.key")).unwrap();
    let key = |name: &str| refused(&world, &[format!("caller.key_file={}", world.path(name).display())], 2);
    let secret = format!("webhook.secret_file={}", world.path("missing.secret").display());
    let said = [key("missing.key"), key("folder.key"), key("dangling.key"), refused(&world, &[secret], 2)];
    insta::assert_snapshot!(said.join("\n"), @"
fenghuo: flag --set caller.key_file: `caller.key_file`: cannot read the caller key from FOLDER/missing.key: No such file or directory (os error 2); make the file or correct its path in the configuration
fenghuo: flag --set caller.key_file: `caller.key_file`: cannot read the caller key from FOLDER/folder.key: Is a directory (os error 21); correct its path in the configuration
fenghuo: flag --set caller.key_file: `caller.key_file`: cannot read the caller key from FOLDER/dangling.key: No such file or directory (os error 2); make the file or correct its path in the configuration
fenghuo: flag --set webhook.secret_file: `webhook.secret_file`: cannot read the webhook secret from FOLDER/missing.secret: No such file or directory (os error 2); make the file or correct its path in the configuration
");
}

#[test]
fn a_data_folder_that_cannot_be_written_ends_the_start() {
    // Refused for the superuser, too: a file where a folder should be, and a file system of the
    // kernel's own.
    let world = World::new("");
    fs::write(world.path("file"), "not a folder").unwrap();
    let at = |path: &Path| refused(&world, &[format!("store.path={}", path.display())], 4);
    let said = [at(&world.path("file")), at(&world.path("file/below")), at(Path::new("/proc/fenghuo"))];
    insta::assert_snapshot!(said.join("\n"), @"
fenghuo: cannot use the data folder FOLDER/file: Not a directory (os error 20); point store.path at a folder that this user may write to
fenghuo: cannot use the data folder FOLDER/file/below: Not a directory (os error 20); point store.path at a folder that this user may write to
fenghuo: cannot use the data folder /proc/fenghuo: No such file or directory (os error 2); point store.path at a folder that this user may write to
");
    assert_eq!(fs::read_to_string(world.path("file")).unwrap(), "not a folder", "it is left as it was");
}

#[test]
fn a_slip_in_a_rule_file_is_named_with_its_line() {
    let world = World::new("[rules]\nrisk_dir = \"risk\"\n");
    let rules = world.path("risk");
    fs::create_dir(&rules).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/risk");
    for entry in fs::read_dir(shipped).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), rules.join(entry.file_name())).unwrap();
    }
    let file = rules.join("50-other.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("    strong:", "    stron:", 1)).unwrap();
    let line = text.lines().position(|line| line.starts_with("    strong:")).expect("it is there") + 1;
    let expected = format!("50-other.yaml:{line}:5: unknown key `stron`; did you mean `strong`?");
    assert_eq!(refused(&world, &[], 2), format!("fenghuo: {expected}"));
    // Checking the configuration finds it, too.
    let checked = world.command(&["config", "check"]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().next(), Some(expected.as_str()));
}

#[test]
fn a_slip_in_the_configuration_is_named_with_its_line() {
    let world = World::new("[intake]\nqueue_recods = 5\n");
    insta::assert_snapshot!(refused(&world, &[], 2), @"fenghuo: FOLDER/fenghuo.toml:14:1: there is no setting `intake.queue_recods`; did you mean `intake.queue_records`?");
}
