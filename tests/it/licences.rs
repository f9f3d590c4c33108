//! Every dependency may be used under a licence that `deny.toml` allows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

impl Licences {
    /// Says what is wrong with a package's licence, if anything is.
    fn fault(&self, name: &str, licence: Option<&str>) -> Option<String> {
        let Some(text) = licence else { return Some(format!("{name} states no licence")) };
        let expression = match spdx::Expression::parse_mode(text, spdx::ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => {
                return Some(format!("{name}: \"{text}\" is no licence expression: {}", error.reason));
            }
        };
        let also = self.exceptions.iter().find(|exception| exception.name == name);
        let is_allowed = |request: &spdx::LicenseReq| {
            let request = request.to_string();
            self.allow.contains(&request) || also.is_some_and(|exception| exception.allow.contains(&request))
        };
        let is_good = expression.evaluate(is_allowed);
        (!is_good).then(|| format!("{name} is under \"{text}\", which deny.toml does not allow"))
    }
}

fn deny() -> Deny {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    toml::from_str(&std::fs::read_to_string(path).expect("deny.toml")).expect("the form of cargo-deny")
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the toolchain that built this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    // Only what is built for this machine is sure to be there without a network.
    let version = output(Command::new("rustc").arg("-vV"));
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let listed = output(
        Command::new(cargo)
            .args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    let metadata: Metadata = serde_json::from_slice(&listed).expect("cargo's metadata");
    let licences = deny().licenses;
    let foreign: Vec<&Package> =
        metadata.packages.iter().filter(|package| package.source.is_some()).collect();
    assert!(foreign.len() > 100, "only {} dependencies were listed", foreign.len());
    let faults: Vec<String> = foreign
        .iter()
        .filter_map(|package| {
            let fault = licences.fault(&package.name, package.license.as_deref())?;
            Some(format!("{fault} (version {})", package.version))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_licence_that_is_not_on_the_list_is_refused() {
    let licences = deny().licenses;
    let fault = |text| licences.fault("x", Some(text));
    assert_eq!(fault("MIT OR GPL-3.0-only"), None);
    assert_eq!(fault("(MIT OR Apache-2.0) AND Unicode-3.0"), None);
    assert!(fault("MIT AND GPL-3.0-only").is_some());
    assert!(fault("AGPL-3.0-or-later").is_some());
    assert!(fault("Our own").is_some());
    assert!(licences.fault("x", None).is_some());
}
