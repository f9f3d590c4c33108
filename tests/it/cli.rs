//! The built program in a fresh folder: help, exit codes, messages.

mod eval;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A folder and the program in it, with nothing of ours in the environment.
struct Folder(TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn with(name: &str, text: &str) -> Self {
        let folder = Self::new();
        fs::write(folder.path().join(name), text).expect("written");
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenghuo"));
        command.current_dir(self.path()).args(args);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FENGHUO_"))
        {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        said(&mut self.command(args))
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said {
        code: output.status.code().expect("it ends by itself"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn commands() -> Vec<String> {
    fenghuo::cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .map(|command| command.get_name().to_owned())
        .collect()
}

#[test]
fn help_of_every_command_has_examples() {
    let folder = Folder::new();
    assert!(commands().len() >= 4);
    for command in commands() {
        let help = folder.run(&[&command, "--help"]);
        assert_eq!(help.code, 0);
        assert!(
            help.out.contains("Examples:\n  ") && help.out.contains(&format!("fenghuo {command}")),
            "{}",
            help.out
        );
        assert!(help.err.is_empty(), "{}", help.err);
    }
    let help = folder.run(&["--help"]);
    assert!(help.out.contains("Exit codes:") && help.out.contains("  70 "), "{}", help.out);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let folder = Folder::new();
    for args in [
        &["nothing"][..],
        &["config", "chek"],
        &["send", "--rate", "0"],
        &["--set", "x", "config", "show"],
        &[],
    ] {
        let said = folder.run(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {}", said.err);
        assert!(!said.err.is_empty());
    }
    assert_eq!(folder.run(&["--version"]).code, 0);
}

#[test]
fn config_check_says_all_that_is_wrong_and_ends_with_1() {
    let folder = Folder::with("f.toml", "threads = \"many\"\n[log]\nlevel = \"lous\"\nport = 1\n[stor]\n");
    let said = folder.run(&["config", "check", "f.toml"]);
    assert_eq!(said.code, 1, "{}", said.err);
    insta::assert_snapshot!(said.out, @r#"
f.toml:1:11: `threads`: expected an integer, found "many"
f.toml:3:9: `log.level`: "lous" is not known; give one of `error`, `warn`, `info`, `debug`, `trace`
f.toml:4:1: there is no setting `log.port`; `log` has `level`, `format`, `filters`
f.toml:5:2: there is no setting `stor`; did you mean `store`?
4 problems in f.toml
"#);
    let said = folder.run(&["config", "check", "f.toml", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (said.code, &answer["ok"], answer["problems"].as_array().map(Vec::len)),
        (1, &false.into(), Some(4))
    );

    let good = Folder::with("f.toml", "threads = 2\n");
    let said = good.run(&["config", "check", "f.toml"]);
    assert_eq!((said.code, said.out.as_str()), (0, "f.toml is good\n"));
}

#[test]
fn config_check_reads_the_secrets_that_are_named() {
    let folder = Folder::with("f.toml", "[caller]\nkey_file = \"caller.key\"\n");
    let said = folder.run(&["config", "check", "f.toml"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.out, @r"
f.toml:2:12: `caller.key_file`: cannot read the caller key from caller.key: No such file or directory (os error 2); make the file or correct its path in the configuration
1 problem in f.toml
");
    fs::write(folder.path().join("caller.key"), "0123456789abcdef\n").expect("written");
    let set_mode = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path().join("caller.key"), fs::Permissions::from_mode(mode)).expect("set");
    };
    set_mode(0o604);
    let said = folder.run(&["config", "check", "f.toml"]);
    assert!(said.code == 1 && said.out.contains("chmod o-rwx caller.key"), "{}", said.out);
    set_mode(0o600);
    assert_eq!(folder.run(&["config", "check", "f.toml"]).code, 0);
}

#[test]
fn a_broken_configuration_ends_with_2_and_one_line_for_each_fault() {
    let folder = Folder::with("f.toml", "threads = [\n");
    let said = folder.run(&["config", "show", "--config", "f.toml"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err, @"fenghuo: f.toml:1:12: this is not valid TOML: unclosed array, expected `]`");
    let said = folder.run(&["config", "show", "--config", "none.toml"]);
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @"fenghuo: none.toml: cannot read this configuration file: No such file or directory (os error 2); give the right path with --config");
    let said = said_with(
        &folder,
        &[("FENGHUO_THREADS", "-1"), ("FENGHUO_STORE__PAHT", "x")],
        &["config", "show", "--set", "log.level=loud"],
    );
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @r#"
fenghuo: environment variable FENGHUO_STORE__PAHT: there is no setting `store.paht`; did you mean FENGHUO_STORE__PATH?
fenghuo: environment variable FENGHUO_THREADS: `threads`: -1 is out of range; give a number from 0 to 1024
fenghuo: flag --set log.level: `log.level`: "loud" is not known; give one of `error`, `warn`, `info`, `debug`, `trace`
"#);
}

fn said_with(folder: &Folder, variables: &[(&str, &str)], args: &[&str]) -> Said {
    said(folder.command(args).envs(variables.iter().copied()))
}

#[test]
fn config_show_says_what_is_in_force_and_where_it_comes_from() {
    let folder = Folder::with("f.toml", "threads = 2\n[log]\nlevel = \"warn\"\n");
    let variables = [("FENGHUO_CONFIG", "f.toml"), ("FENGHUO_THREADS", "3")];
    let said = said_with(&folder, &variables, &["config", "show", "--set-only", "--log-format", "json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out, @r#"
threads = 3          # environment variable FENGHUO_THREADS
log.level = "warn"   # f.toml:3:9
log.format = "json"  # flag --log-format
"#);
    let said = said_with(&folder, &variables, &["config", "show", "--json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&said.out).expect("JSON");
    let threads = all.iter().find(|setting| setting["path"] == "threads").expect("there");
    assert_eq!(
        (&threads["value"], &threads["origin"]),
        (&3.into(), &"environment variable FENGHUO_THREADS".into())
    );
}

#[test]
fn no_secret_is_shown() {
    let folder =
        Folder::with("f.toml", "[webhook]\nurl = \"https://host/hook?key=geheim\"\nsecret_env = \"HOOK\"\n");
    for format in [&["--json"][..], &[]] {
        let args = [&["config", "show", "--config", "f.toml"][..], format].concat();
        let said = said_with(&folder, &[("HOOK", "geheim")], &args);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("HOOK") && !said.out.contains("geheim"), "{}", said.out);
    }
}

#[test]
fn the_schema_describes_every_setting() {
    let said = Folder::new().run(&["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((said.code, &schema["type"]), (0, &"object".into()));
    assert!(schema["properties"]["store"]["description"].is_string());
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn the_example_is_a_configuration_that_changes_nothing() {
    let folder = Folder::new();
    let example = folder.run(&["config", "example"]);
    fs::write(folder.path().join("f.toml"), &example.out).expect("written");
    let said = folder.run(&["config", "show", "--set-only", "--config", "f.toml"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""));
}

#[test]
fn completions_are_written_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = Folder::new().run(&["completions", shell]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{shell}");
        for command in commands() {
            assert!(said.out.contains(&command), "{shell} knows {command}");
        }
    }
    let bash = Folder::new().run(&["completions", "bash"]).out;
    Command::new("bash").args(["-n"]).write_stdin(bash).assert().success();
}

#[test]
fn the_man_page_tells_commands_and_exit_codes() {
    let folder = Folder::new();
    let said = folder.run(&["man"]);
    assert!(said.code == 0 && said.out.contains(".TH fenghuo 1"), "{}", said.out);
    assert!(said.out.contains("Exit codes"), "{}", said.out);
    let said = folder.run(&["man", "--dir", "pages"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for command in commands() {
        assert!(folder.path().join(format!("pages/fenghuo-{command}.1")).is_file(), "{command}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_fenghuo"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn sending_what_is_not_there_or_to_nobody_has_its_own_codes() {
    let folder = Folder::with("events.ndjson", "{}\n");
    let said = folder.run(&["send", "none.ndjson"]);
    assert_eq!(said.code, 3);
    insta::assert_snapshot!(said.err, @"fenghuo: cannot read none.ndjson: No such file or directory (os error 2)");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://{free}/v1/complaints");
    let said = folder.run(&["send", "--url", &url, "--give-up-after", "0", "events.ndjson"]);
    assert_eq!(said.code, 5);
    insta::assert_snapshot!(said.err.replace(&url, "URL"), @"fenghuo: URL: it cannot be reached: Connection refused (os error 111); gave up after 0 s");
    let said = folder.run(&["send", "--url", "nowhere", "events.ndjson"]);
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @"fenghuo: --url nowhere is no address; write it like http://127.0.0.1:8787/v1/complaints: relative URL without a base");
    let said = folder.run(&["send", "--token-env", "NOT_SET", "events.ndjson"]);
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @"fenghuo: environment variable NOT_SET is not set; it should hold the bearer token");
}

#[test]
fn a_demo_touches_no_service_and_leaves_nothing() {
    let service = "[store]\npath = \"data\"\n[file]\npaths = [\"orders.ndjson\"]\n\
                   [http]\ntokens_file = \"tokens\"\n[caller]\nkey_file = \"caller.key\"\n";
    let folder = Folder::with("fenghuo.toml", service);
    let temporary = tempfile::tempdir().unwrap();
    let demo = ["demo", "--config", "fenghuo.toml", "--once", "--complaints", "150", "--speed", "0"];
    let mut command = folder.command(&demo);
    let said = said(command.args(["--listen", "127.0.0.1:0"]).env("TMPDIR", temporary.path()));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    // Started by its path, it is named by its path.
    let replay = format!("  {} replay --events", env!("CARGO_BIN_EXE_fenghuo"));
    assert!(said.out.contains(&replay), "{}", said.out);
    assert!(!said.out.contains(&*temporary.path().to_string_lossy()), "a folder that has gone: {}", said.out);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the configuration is there");

    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/fenghuo.db"), "a store").unwrap();
    let said = folder.run(&["demo", "--once", "--data-dir", "data"]);
    assert_eq!((said.code, said.err.lines().count()), (4, 1), "{}", said.err);
    assert!(said.err.contains("name a new folder"), "{}", said.err);
}

#[test]
fn route_test_says_where_an_alert_would_go_and_why() {
    let config = "[channels.duty.syslog]
[channels.mail.syslog]
address = 'udp://127.0.0.1:514'
[[deliver.routes]]
name = 'red'
levels = ['red']
to = ['duty']
[[deliver.routes]]
name = 'rest'
nobody = true
";
    let folder = Folder::with("f.toml", config);
    let test = ["--config", "f.toml", "route", "test", "--at", "2026-03-06T12:00:00+08:00"];
    let said = folder.run(&[&test[..], &["--level", "red"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out, @r"
    2026-03-06 12:00：
      duty  发送（red）
      mail  不发（按路由不发此渠道：发往duty（red））
    ");
    let said = folder.run(&[&test[..], &["--level", "blue", "--json"]].concat());
    let answer: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((said.code, &answer["channels"][0]["outcome"]), (1, &"suppress".into()));
    assert_eq!(Folder::new().run(&["route", "test"]).code, 2, "there are no channels");
}
