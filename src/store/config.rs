//! The store's settings.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the store's file in the data folder.
const FILE_NAME: &str = "fenghuo.db";

/// Records of what was decided and handed out are kept at least this long: the Cybersecurity Law,
/// Art. 21(3), asks for six months of logs.
pub const MIN_AUDIT_DAYS: u32 = 180;

/// Where and how results are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The data folder; the store is the file `fenghuo.db` in it. A path that ends in `.db` is the
    /// file itself. Made when missing, readable by its owner only. Must be on a local disk: network
    /// file systems do not keep the locks and write order that the store relies on.
    pub path: PathBuf,
    /// How hard a commit is pressed onto the disk.
    pub synchronous: Synchronous,
    /// The largest size of the file in MiB, 1 to 16777216; without it the disk is the limit. A
    /// full store stops intake and loses nothing. The write-ahead log comes on top (usually
    /// below 64 MiB).
    #[schemars(range(min = 1, max = 16_777_216))]
    pub max_size_mib: Option<u32>,
    /// How long to wait for another process that is writing, in seconds, 0 to 60: well below the two
    /// minutes after which a pipeline that gives no sign of life counts as stuck.
    #[schemars(range(max = 60))]
    pub busy_timeout_seconds: u32,
    /// How long each kind of record is kept.
    pub retention: RetentionConfig,
}

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Power loss: every commit waits for the disk.
    #[default]
    Full,
    /// A crash of the process, but the last commits before a power loss may be gone. Only for
    /// sources that can be read again.
    Normal,
}

/// How long each kind of record is kept, in days after it was last written (wall clock). Whatever
/// is still needed stays longer: the engine's open window, open incidents and their alerts,
/// messages that were not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Complaints with their decisions and group membership, 1 to 36500. The Personal Information
    /// Protection Law, Art. 19, asks for the shortest time that serves the purpose.
    #[schemars(range(min = 1, max = 36_500))]
    pub complaints_days: u32,
    /// Incidents and risk cases that are not open, 1 to 36500.
    #[schemars(range(min = 1, max = 36_500))]
    pub incidents_days: u32,
    /// Alerts, 1 to 36500; never before their incident and their deliveries.
    #[schemars(range(min = 1, max = 36_500))]
    pub alerts_days: u32,
    /// Records of delivered alerts, 1 to 36500. Three years by default: the Regulations on Network
    /// Data Security Management, Art. 12, ask it for handing personal data to another processor.
    #[schemars(range(min = 1, max = 36_500))]
    pub deliveries_days: u32,
    /// Dead letters, 1 to 36500. They hold events as they came, unmasked, so keep this short.
    #[schemars(range(min = 1, max = 36_500))]
    pub dead_letters_days: u32,
    /// The audit trail, 180 to 36500.
    #[schemars(range(min = 180, max = 36_500))]
    pub audit_days: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data"),
            synchronous: Synchronous::Full,
            max_size_mib: None,
            busy_timeout_seconds: 10,
            retention: RetentionConfig::default(),
        }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            complaints_days: 365,
            incidents_days: 1096,
            alerts_days: 1096,
            deliveries_days: 1096,
            dead_letters_days: 30,
            audit_days: 1096,
        }
    }
}

impl StoreConfig {
    /// A store at `path`, everything else by default.
    #[must_use]
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_path_buf(), ..Self::default() }
    }

    /// The store's file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        let is_file = self.path.extension().is_some_and(|extension| extension == "db");
        if is_file { self.path.clone() } else { self.path.join(FILE_NAME) }
    }

    /// Checks the ranges that the fields' documentation gives.
    ///
    /// # Errors
    /// Names the field, the value and the range.
    pub fn validate(&self) -> Result<(), String> {
        let within = |name: &str, value: u32, min: u32, max: u32| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(format!("store.{name} is {value}; use {min} to {max}"))
            }
        };
        if self.path.as_os_str().is_empty() {
            return Err("store.path is empty; name the data folder, for example \"data\"".into());
        }
        if let Some(mib) = self.max_size_mib {
            within("max_size_mib", mib, 1, 16_777_216)?;
        }
        within("busy_timeout_seconds", self.busy_timeout_seconds, 0, 60)?;
        let keep = &self.retention;
        within("retention.complaints_days", keep.complaints_days, 1, 36_500)?;
        within("retention.incidents_days", keep.incidents_days, 1, 36_500)?;
        within("retention.alerts_days", keep.alerts_days, 1, 36_500)?;
        within("retention.deliveries_days", keep.deliveries_days, 1, 36_500)?;
        within("retention.dead_letters_days", keep.dead_letters_days, 1, 36_500)?;
        within("retention.audit_days", keep.audit_days, MIN_AUDIT_DAYS, 36_500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_the_file_itself() {
        assert_eq!(StoreConfig::at("/var/lib/x").file(), Path::new("/var/lib/x/fenghuo.db"));
        assert_eq!(StoreConfig::at("/tmp/a.db").file(), Path::new("/tmp/a.db"));
    }

    #[test]
    fn out_of_range_is_named() {
        let mut config = StoreConfig::default();
        config.validate().expect("the defaults are valid");
        config.retention.audit_days = 90;
        insta::assert_snapshot!(config.validate().unwrap_err(), @"store.retention.audit_days is 90; use 180 to 36500");
        config = StoreConfig { max_size_mib: Some(0), ..StoreConfig::default() };
        insta::assert_snapshot!(config.validate().unwrap_err(), @"store.max_size_mib is 0; use 1 to 16777216");
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<StoreConfig>("retension = {}").is_err());
        let read: StoreConfig = toml::from_str("path = 'x'\n[retention]\naudit_days = 200").unwrap();
        assert_eq!(read.retention.audit_days, 200);
        assert_eq!(read.retention.complaints_days, 365);
    }
}
