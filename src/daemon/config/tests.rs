use std::fs;

use super::catalog::{Catalog, Kind, names_a_path};
use super::*;

// The rooms' settings change; what is tested here is how any settings are read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Trial {
    /// How many.
    #[schemars(range(min = 1, max = 50))]
    threads: u16,
    name: String,
    depot: Depot,
    feed: Option<Feed>,
}

/// Where things are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Depot {
    path: PathBuf,
    days: u32,
    ratio: f64,
    level: LogLevel,
    steps: crate::model::GrowthSteps,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Feed {
    brokers: Vec<String>,
    follow: bool,
    secret_env: Option<String>,
    properties: std::collections::BTreeMap<String, String>,
}

impl Default for Trial {
    fn default() -> Self {
        Self { threads: 4, name: "trial".into(), depot: Depot::default(), feed: None }
    }
}

struct Given(tempfile::TempDir, Sources);

fn given(file: &str) -> Given {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f.toml"), file).unwrap();
    let file = Some(dir.path().join("f.toml"));
    Given(dir, Sources { file, ..Sources::default() })
}

impl Given {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.1.env.push((name.into(), value.into()));
        self
    }

    fn set(mut self, path: &str, value: &str) -> Self {
        let name = format!("--set {path}");
        self.1.flags.push(Flag { name, path: path.into(), value: value.into() });
        self
    }

    fn load(&self) -> Result<Loaded<Trial>, ConfigErrors> {
        load(&self.1, |config: &Trial| match config.name.as_str() {
            "" => vec![Invalid::new("name", "is empty; give one")],
            _ => Vec::new(),
        })
    }

    fn good(&self) -> Loaded<Trial> {
        self.load().unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn bad(&self) -> String {
        let dir = self.0.path().display().to_string();
        self.load().expect_err("refused").to_string().replace(&format!("{dir}/"), "")
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once_with_their_places() {
    let given = given(
        r#"threads = 70000
nmae = "x"

[depot]
days = "abc"
ratio = []
level = "inof"
steps = [3, 3]
  listen = 1

[feed]
follow = "yes"
brokers = "a:1"
name = "y"
"#,
    );
    insta::assert_snapshot!(given.bad(), @r#"
f.toml:1:11: `threads`: 70000 is out of range; give a number from 1 to 50
f.toml:2:1: there is no setting `nmae`; did you mean `name`?
f.toml:5:8: `depot.days`: expected an integer, found "abc"
f.toml:6:9: `depot.ratio`: expected a number, found a list
f.toml:7:9: `depot.level`: "inof" is not known; did you mean "info"?
f.toml:8:9: `depot.steps`: growth steps [3, 3] must rise from one to the next
f.toml:9:3: there is no setting `depot.listen`; `depot` has `path`, `days`, `ratio`, `level`, `steps`
f.toml:12:10: `feed.follow`: expected true or false, found "yes"
f.toml:13:11: `feed.brokers`: expected a list, found "a:1"
f.toml:14:1: there is no setting `feed.name`; did you mean `name`?
"#);
}

#[test]
fn what_is_out_of_range_or_at_odds_is_told_with_its_place() {
    insta::assert_snapshot!(given("threads = 0").bad(), @"f.toml:1:11: `threads`: 0 is out of range; give a number from 1 to 50");
    insta::assert_snapshot!(given("threads = -1").bad(), @"f.toml:1:11: `threads`: -1 is out of range; give a number from 1 to 50");
    insta::assert_snapshot!(given("").env("FENGHUO_THREADS", "51").bad(), @"environment variable FENGHUO_THREADS: `threads`: 51 is out of range; give a number from 1 to 50");
    insta::assert_snapshot!(given("\n name = \"\"").bad(), @"f.toml:2:9: `name`: is empty; give one");
}

#[test]
fn faults_of_variables_and_flags_are_told_by_their_names() {
    let given = given("")
        .env("FENGHUO_DEPOT__PAHT", "/x")
        .env("FENGHUO_DEPOT__DAYS", "many")
        .env("FENGHUO_NOTHING_LIKE_THIS", "1")
        .env("FENGHUO_FEED", "{ broker = ['a'] }")
        .set("depot.ratio", "much")
        .set("depots.path", "/x");
    insta::assert_snapshot!(given.bad(), @r#"
environment variable FENGHUO_DEPOT__PAHT: there is no setting `depot.paht`; did you mean FENGHUO_DEPOT__PATH?
environment variable FENGHUO_NOTHING_LIKE_THIS: there is no setting `nothing_like_this`; `fenghuo config show` lists the settings
flag --set depots.path: there is no setting `depots.path`; did you mean `depot.path`?
environment variable FENGHUO_DEPOT__DAYS: `depot.days`: expected an integer, found "many"
environment variable FENGHUO_FEED: there is no setting `feed.broker`; did you mean `feed.brokers`?
flag --set depot.ratio: `depot.ratio`: expected a number, found "much"
"#);
}

#[test]
fn a_file_that_cannot_be_read_is_one_line_with_the_place() {
    insta::assert_snapshot!(given("a = 1\nb = \n").bad(), @"f.toml:2:5: this is not valid TOML: string values must be quoted, expected literal string");
    insta::assert_snapshot!(given("[depot]\npath = 'a'\npath = 'b'\n").bad(), @"f.toml:3:1: this is not valid TOML: duplicate key");
    let mut missing = given("");
    missing.1.file = Some(missing.0.path().join("none.toml"));
    insta::assert_snapshot!(missing.bad(), @"none.toml: cannot read this configuration file: No such file or directory (os error 2); give the right path with --config");
    let latin = given("");
    fs::write(latin.0.path().join("f.toml"), b"name = \"a\"\n# caf\xe9\n").unwrap();
    insta::assert_snapshot!(latin.bad(), @"f.toml:2:6: this is not UTF-8; save the file as UTF-8");
    let mut folder = given("");
    folder.1.file = Some(folder.0.path().to_owned());
    assert!(
        folder
            .load()
            .unwrap_err()
            .to_string()
            .contains("cannot read this configuration file: Is a directory")
    );
}

#[test]
fn each_layer_covers_the_one_below() {
    let given = given("threads = 5\nname = 'file'\n[depot]\ndays = 1\nratio = 0.5")
        .env("FENGHUO_NAME", "12")
        .env("FENGHUO_DEPOT__DAYS", "2")
        .env("FENGHUO_FEED__BROKERS", "a:1, b:2")
        .env("FENGHUO_FEED__PROPERTIES", "{ 'client.rack' = 'r1' }")
        .set("feed.properties.client.id", "me")
        .set("depot.days", "3");
    let loaded = given.good();
    let config = &loaded.config;
    assert_eq!((config.threads, &*config.name, config.depot.days), (5, "12", 3));
    assert!((config.depot.ratio - 0.5).abs() < 1e-9);
    let feed = config.feed.as_ref().unwrap();
    assert_eq!(feed.brokers, ["a:1", "b:2"]);
    assert_eq!((&*feed.properties["client.rack"], &*feed.properties["client.id"]), ("r1", "me"));
    assert_eq!(loaded.origin("depot.days"), "flag --set depot.days");
    assert_eq!(loaded.origin("name"), "environment variable FENGHUO_NAME");
    assert!(loaded.origin("depot.ratio").ends_with("f.toml:5:9"), "{}", loaded.origin("depot.ratio"));
    assert_eq!(loaded.origin("depot.level"), "default");
}

#[test]
fn paths_of_the_file_are_relative_to_its_folder_and_others_are_not() {
    let given = given("[depot]\npath = 'sub/x.db'");
    assert_eq!(given.good().config.depot.path, given.0.path().join("sub/x.db"));
    let given = given.env("FENGHUO_DEPOT__PATH", "sub/y.db");
    assert_eq!(given.good().config.depot.path, PathBuf::from("sub/y.db"));
}

#[test]
fn variables_that_hold_secrets_or_come_from_kubernetes_are_no_settings() {
    let given = given("[feed]\nsecret_env = 'FENGHUO_PASSWORD'")
        .env("FENGHUO_PASSWORD", "x")
        .env("FENGHUO_CONFIG", "f.toml")
        .env("FENGHUO_PORT", "tcp://10.0.0.1:80")
        .env("FENGHUO_PORT_80_TCP", "tcp://10.0.0.1:80")
        .env("FENGHUO_SERVICE_HOST", "10.0.0.1");
    assert!(given.good().config.feed.is_some());
}

// `names_a_path` is a rule about names; serde's own message betrays which settings are paths.
#[test]
fn every_path_setting_is_called_one_and_nothing_else_is() {
    let catalog = Catalog::of::<Config>();
    for setting in catalog.settings() {
        let is_list = matches!(&setting.kind, Kind::List(item) if **item == Kind::Text);
        if setting.kind != Kind::Text && !is_list {
            continue;
        }
        let nested = setting.path.rsplit('.').fold(
            serde_json::json!(if is_list { serde_json::json!([1]) } else { 1.into() }),
            |value, name| serde_json::json!({ name: value }),
        );
        let error = serde_json::from_value::<Config>(nested).expect_err("a number is no text").to_string();
        let name = setting.path.rsplit('.').next().unwrap();
        assert_eq!(error.contains("path string"), names_a_path(name), "{}: {error}", setting.path);
    }
}

#[test]
fn every_setting_is_documented() {
    for section in Catalog::of::<Config>().sections {
        for setting in section.settings {
            assert!(!setting.doc.is_empty(), "{} has no documentation", setting.path);
            assert_ne!(setting.kind, Kind::Any, "{} has no type in the schema", setting.path);
        }
    }
}

#[test]
fn defaults_of_the_catalog_are_those_of_the_types() {
    let all = serde_json::to_value(Config::default()).unwrap();
    for setting in Catalog::of::<Config>().settings() {
        let value = setting.path.split('.').try_fold(&all, |value, name| value.get(name));
        if let Some(value) = value {
            assert_eq!(value, &setting.default, "{}", setting.path);
        }
    }
}

#[test]
fn an_example_with_every_default_switched_on_is_the_default() {
    let catalog = Catalog::of::<Trial>();
    let text = example(&catalog, "All.", &[("feed.follow", "true")]);
    let uncommented: String = text
        .lines()
        .map(|line| {
            match line.strip_prefix("# ").filter(|rest| rest.contains(" = ") && !rest.ends_with("...\"")) {
                Some(setting) if setting.split(' ').nth(1) == Some("=") => format!("{setting}\n"),
                _ => format!("{line}\n"),
            }
        })
        .collect();
    let given = given(&uncommented);
    let loaded = given.good();
    assert!(loaded.config.feed.as_ref().unwrap().follow);
    assert!(uncommented.contains("\nthreads = 4\n"), "{uncommented}");
    assert!(loaded.origin("depot.steps").contains("f.toml"));
}
