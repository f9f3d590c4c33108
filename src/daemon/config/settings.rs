//! The configuration as put to use: checked, and with everything resolved that a setting leaves
//! open.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::{Config, Invalid, Loaded};
use crate::daemon::secrets::{check_file, secret};
use crate::daemon::sinks;
use crate::source::decode::Decoder;
use crate::source::http::HttpConfig;
#[cfg(feature = "kafka")]
use crate::source::kafka::KafkaConfig;

/// What the daemon is built from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings as written, with the store's path absolute.
    pub config: Config,
    /// The folder of the store, absolute; the caller key lives there, too.
    pub data_dir: PathBuf,
    /// The store's file, absolute.
    pub store_file: PathBuf,
    /// How many threads prepare complaints.
    pub threads: NonZeroUsize,
}

impl Settings {
    /// Resolves what the configuration leaves open: paths against the working folder, 0 threads
    /// against the number of cores.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn new(loaded: &Loaded<Config>) -> std::io::Result<Self> {
        let mut config = loaded.config.clone();
        config.store.path = std::path::absolute(&config.store.path)?;
        let store_file = config.store.file();
        let data_dir = store_file.parent().unwrap_or(&store_file).to_path_buf();
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = NonZeroUsize::new(usize::from(config.threads)).unwrap_or(cores);
        Ok(Self { config, data_dir, store_file, threads })
    }

    /// What the rooms would refuse when they are built from this configuration: values out of
    /// range, secrets and certificates that cannot be read. Nothing is made that is missing.
    #[must_use]
    pub fn faults(config: &Config) -> Vec<Invalid> {
        let mut out = Vec::new();
        let caller = &config.caller;
        let mut secrets = vec![("caller.key", "the caller key", &caller.key_file, &caller.key_env)];
        if let Some(webhook) = &config.webhook {
            secrets.push(("webhook.secret", "the webhook secret", &webhook.secret_file, &webhook.secret_env));
            secrets.push(("webhook.token", "the webhook token", &webhook.token_file, &webhook.token_env));
        }
        for (name, what, file, env) in secrets {
            if let Err(error) = secret(what, file.as_deref(), env.as_deref()) {
                let end = if file.is_some() { "file" } else { "env" };
                out.push(Invalid::new(format!("{name}_{end}"), error.to_string()));
            }
        }
        out.extend(channels(config));
        for (name, what, path) in files_of_rooms(config) {
            out.extend(check_file(what, path).err().map(|error| Invalid::new(name, error.to_string())));
        }
        out.extend(config.store.validate().err().map(|said| named("store", &said)));
        out.extend(config.http.check().err().map(|error| named("http", &error.to_string())));
        let decoder = Decoder::new(config.decode.clone());
        out.extend(decoder.err().map(|error| named("decode", &error.to_string())));
        #[cfg(feature = "kafka")]
        if let Some(kafka) = &config.kafka {
            out.extend(kafka.client().err().map(|error| named("kafka", &error.to_string())));
        }
        out
    }
}

/// What is wrong with the channels when they are set up: secrets, certificates, templates.
fn channels(config: &Config) -> Vec<Invalid> {
    match sinks::words(config) {
        Ok(words) => sinks::channels(config, &words)
            .into_iter()
            .filter_map(Result::err)
            .map(|fault| Invalid::new(fault.setting, fault.message))
            .collect(),
        Err(error) => vec![Invalid::new("deliver.templates_dir", error.to_string())],
    }
}

/// Files with secrets that the rooms read themselves: setting, what it holds, path.
fn files_of_rooms(config: &Config) -> Vec<(&'static str, &'static str, &Path)> {
    let tokens = ("http.tokens_file", "the HTTP tokens", &config.http.tokens_file);
    #[cfg(not(feature = "kafka"))]
    let files = [tokens];
    #[cfg(feature = "kafka")]
    let files = {
        let kafka = config.kafka.as_ref();
        let file = |of: fn(&KafkaConfig) -> &Option<PathBuf>| kafka.map_or(&None, of);
        [
            tokens,
            ("kafka.password_file", "the Kafka password", file(|kafka| &kafka.password_file)),
            ("kafka.key_file", "the private key for Kafka", file(|kafka| &kafka.key_file)),
            (
                "kafka.key_password_file",
                "the password of the private key for Kafka",
                file(|kafka| &kafka.key_password_file),
            ),
        ]
    };
    files.into_iter().filter_map(|(name, what, path)| Some((name, what, path.as_deref()?))).collect()
}

// The rooms begin their messages with the setting, with or without their section before it.
fn named(section: &str, said: &str) -> Invalid {
    let (first, rest) = said.split_once(' ').unwrap_or((said, ""));
    let first = first.trim_matches(|c| c == '`' || c == ':');
    let is_name = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
    match (is_name, first.starts_with(&format!("{section}."))) {
        (true, true) => Invalid::new(first, rest),
        (true, false) => Invalid::new(format!("{section}.{first}"), rest),
        (false, _) => Invalid::new(section, said),
    }
}

/// What is wrong between settings that are each right on their own.
pub(super) fn relations(config: &Config) -> Vec<Invalid> {
    let mut out = Vec::new();
    if config.store.path.as_os_str().is_empty() {
        out.push(Invalid::new("store.path", "is empty; name the data folder, for example \"data\""));
    }
    for filter in &config.log.filters {
        if filter.parse::<tracing_subscriber::filter::Directive>().is_err() {
            let message = format!("\"{filter}\" is no filter; write it like \"fenghuo::store=debug\"");
            out.push(Invalid::new("log.filters", message));
        }
    }
    let (grace, all) = (config.http.shutdown_grace_seconds, config.shutdown_seconds);
    if grace >= all.into() {
        // Told of the one that was written, as far as can be seen.
        let (ours, theirs) = ("http.shutdown_grace_seconds", "shutdown_seconds");
        let is_default = grace == HttpConfig::default().shutdown_grace_seconds;
        let (path, found, other, value, remedy) = if is_default {
            (theirs, u64::from(all), ours, grace, "raise the first or lower the second")
        } else {
            (ours, grace, theirs, all.into(), "lower the first or raise the second")
        };
        let message = format!(
            "is {found} and `{other}` is {value}; requests would take all the time for stopping, so {remedy}"
        );
        out.push(Invalid::new(path, message));
    }
    either(&mut out, "caller", "key", config.caller.key_file.is_some(), config.caller.key_env.is_some());
    #[cfg(feature = "kafka")]
    if let Some(kafka) = &config.kafka
        && kafka.brokers.is_empty()
    {
        out.push(Invalid::new("kafka.brokers", "is empty; name at least one, like [\"kafka-1:9092\"]"));
    }
    if let Some(file) = &config.file {
        out.extend(file.check().err().map(|error| Invalid::new("file.paths", error.to_string())));
    }
    if let Some(webhook) = &config.webhook {
        out.extend(
            webhook
                .validate()
                .err()
                .map(|error| Invalid::new(format!("webhook.{}", error.field), error.message)),
        );
        either(&mut out, "webhook", "secret", webhook.secret_file.is_some(), webhook.secret_env.is_some());
    }
    let channels: Vec<&str> = config.channels.keys().map(String::as_str).collect();
    if let Err((field, message)) = config.deliver.validate(&channels) {
        out.push(Invalid::new(format!("deliver.{field}"), message));
    }
    for (name, channel) in &config.channels {
        let path = format!("channels.{name}");
        if let Err((setting, message)) = channel.validate(name) {
            let dot = if setting.is_empty() { "" } else { "." };
            out.push(Invalid::new(format!("{path}{dot}{setting}"), message));
        }
        if config.webhook.as_ref().is_some_and(|webhook| webhook.name == *name) {
            out.push(Invalid::new(path, "is the webhook's name, too; rename one of the two"));
        }
    }
    out
}

fn either(out: &mut Vec<Invalid>, section: &str, what: &str, file: bool, env: bool) {
    if file && env {
        let message = format!("`{section}.{what}_env` is given too; keep one of the two");
        out.push(Invalid::new(format!("{section}.{what}_file"), message));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::catalog::{Catalog, NAME};
    use super::super::{Flag, Sources};
    use super::*;

    fn given(settings: &[(&str, &str)]) -> Sources {
        let flag = |(path, value): &(&str, &str)| Flag {
            name: format!("--set {path}"),
            path: (*path).into(),
            value: (*value).into(),
        };
        Sources { flags: settings.iter().map(flag).collect(), ..Sources::default() }
    }

    // A setting that is added and holds a secret is found here by its name.
    #[test]
    fn no_file_with_a_secret_may_be_read_by_everybody() {
        const PUBLIC: [&str; 3] = ["ca_file", "cert_file", "dictionary_file"];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "whsec_0123456789abcdef0123456789abcdef").unwrap();
        let mut checked = Vec::new();
        for setting in Catalog::of::<Config>().settings() {
            let name = setting.path.rsplit('.').next().unwrap();
            if !name.ends_with("_file") || PUBLIC.contains(&name) {
                continue;
            }
            let tested = setting.path.replace(NAME, "duty");
            let mut settings = vec![(&*tested, path.to_str().unwrap())];
            let section = setting.path.split('.').next().unwrap();
            settings.extend(match section {
                "webhook" => vec![("webhook.url", "https://centre.example/hooks")],
                "kafka" => vec![("kafka.brokers", "[\"kafka-1:9092\"]")],
                _ => Vec::new(),
            });
            let url_env = tested.replace("secret_file", "url_env");
            if section == "channels" && name == "secret_file" {
                settings.push((&url_env, "PATH"));
            }
            settings.extend(match &*tested {
                "channels.duty.mail.password_file" => vec![
                    ("channels.duty.mail.server", "mail.example"),
                    ("channels.duty.mail.username", "fenghuo"),
                    ("channels.duty.mail.from", "a@mail.example"),
                    ("channels.duty.mail.to", "b@mail.example"),
                ],
                "channels.duty.alertmanager.password_file" => {
                    vec![("channels.duty.alertmanager.url", "https://am.example")]
                }
                "channels.duty.kafka.password_file" => vec![
                    ("channels.duty.kafka.brokers", "[\"kafka-1:9092\"]"),
                    ("channels.duty.kafka.topic", "alerts"),
                    ("channels.duty.kafka.security", "sasl_ssl"),
                    ("channels.duty.kafka.username", "fenghuo"),
                ],
                _ => Vec::new(),
            });
            if setting.path == "webhook.token_file" {
                // An alert is always signed; the secret's own fault would be the same.
                settings.push(("webhook.secret_env", "PATH"));
            }
            let config = Config::load(&given(&settings)).unwrap().config;
            let complaints = |mode| {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                let is_open = |fault: &Invalid| fault.message.contains("can be read by everybody");
                let faults = Settings::faults(&config).into_iter().filter(is_open);
                faults.map(|fault| fault.path).collect::<Vec<_>>()
            };
            assert_eq!(complaints(0o644), [&*tested]);
            assert_eq!(complaints(0o640), [""; 0], "{tested}");
            checked.push(tested);
        }
        #[cfg(feature = "kafka")]
        assert_eq!(
            checked,
            [
                "caller.key_file",
                "http.tokens_file",
                "kafka.password_file",
                "kafka.key_file",
                "kafka.key_password_file",
                "webhook.secret_file",
                "webhook.token_file",
                "channels.duty.wecom.url_file",
                "channels.duty.dingtalk.url_file",
                "channels.duty.dingtalk.secret_file",
                "channels.duty.feishu.url_file",
                "channels.duty.feishu.secret_file",
                "channels.duty.mail.password_file",
                "channels.duty.alertmanager.password_file",
                "channels.duty.kafka.password_file",
            ]
        );
    }

    #[test]
    fn requests_may_not_take_all_the_time_for_stopping() {
        let errors = Config::load(&given(&[("shutdown_seconds", "3")])).unwrap_err();
        insta::assert_snapshot!(errors, @"flag --set shutdown_seconds: `shutdown_seconds`: is 3 and `http.shutdown_grace_seconds` is 3; requests would take all the time for stopping, so raise the first or lower the second");
        let errors = Config::load(&given(&[("http.shutdown_grace_seconds", "20")])).unwrap_err();
        insta::assert_snapshot!(errors, @"flag --set http.shutdown_grace_seconds: `http.shutdown_grace_seconds`: is 20 and `shutdown_seconds` is 20; requests would take all the time for stopping, so lower the first or raise the second");
        Config::load(&given(&[("shutdown_seconds", "4")])).unwrap();
        Config::load(&given(&[("shutdown_seconds", "1"), ("http.shutdown_grace_seconds", "0")])).unwrap();
    }

    #[test]
    fn faults_of_channels_are_told_with_their_place() {
        let told = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("f.toml");
            std::fs::write(&file, text).unwrap();
            let loaded = Config::load(&Sources { file: Some(file), ..Sources::default() });
            let errors = loaded.and_then(|loaded| match Settings::faults(&loaded.config) {
                faults if faults.is_empty() => Ok(()),
                faults => Err(loaded.errors(faults)),
            });
            let said = errors.map_or_else(|errors| errors.to_string(), |()| "good".into());
            said.replace(&format!("{}/", folder.path().display()), "")
        };
        insta::assert_snapshot!(told("[channels.duty]\n[channels.duty.wecom]\nurl_flie = 'x'"), @"f.toml:3:1: there is no setting `channels.duty.wecom.url_flie`; did you mean `channels.duty.wecom.url_file`?");
        insta::assert_snapshot!(told("[channels.duty]\nper_minute = 0\nwecom = { url_env = 'PATH' }"), @"f.toml:2:14: `channels.duty.per_minute`: 0 is out of range; give a number from 1 to 6000");
        insta::assert_snapshot!(told("[channels.duty]\nper_minute = 5"), @"f.toml:1:1: `channels.duty`: has no kind; give it a table that says what it is: `wecom`, `dingtalk`, `feishu`, `mail`, `alertmanager`, `syslog`, `kafka`");
        insta::assert_snapshot!(told("[channels.Duty.wecom]\nurl_env = 'PATH'"), @"f.toml:1:11: `channels.Duty`: the name of a channel must be 1 to 64 of a-z, 0-9, - and _");
        insta::assert_snapshot!(told("[channels.duty.wecom]\n"), @"f.toml:1:1: `channels.duty.wecom.url_file`: is missing; name a file with the address of the robot, or a variable in `url_env`");
        insta::assert_snapshot!(told("[channels.duty.wecom]\nurl_env = 'PATH'"), @"f.toml:2:11: `channels.duty.wecom.url_env`: is not an address: relative URL without a base");
        let log = "[channels.log.syslog]\naddress = 'udp://127.0.0.1:514'";
        insta::assert_snapshot!(told(&format!("{log}\n[[deliver.routes]]\nto = ['log']\n[[deliver.routes]]\nto = ['lgo']")), @r#"f.toml:6:6: `deliver.routes.1.to`: names "lgo", which is no channel; channels: log"#);
        insta::assert_snapshot!(told("[deliver]\ntemplates_dir = 'none'"), @"f.toml:2:17: `deliver.templates_dir`: none: cannot be read: No such file or directory (os error 2); correct `deliver.templates_dir`");
        insta::assert_snapshot!(told(log), @"good");
        insta::assert_snapshot!(told(&format!("[webhook]\nname = 'log'\nurl = 'https://a.example'\nsecret_env = 'PATH'\n{log}")), @"f.toml:5:11: `channels.log`: is the webhook's name, too; rename one of the two");
    }
}
