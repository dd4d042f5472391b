//! Who may import whom, what a pure crate may not know, and what may not stand in a file.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom among ourselves, tests aside. See ARCHITECTURE.md.
const ARROWS: &[(&str, &[&str])] = &[
    ("phone-number", &[]),
    ("ami", &[]),
    ("view", &["wire"]),
    ("calls", &["ami"]),
    ("ami-client", &["ami"]),
    ("contacts", &["phone-number", "wire"]),
    ("crm", &["contacts", "phone-number", "wire"]),
    (
        "engine",
        &[
            "ami",
            "ami-client",
            "calls",
            "contacts",
            "phone-number",
            "wire",
        ],
    ),
    (
        "desktop",
        &[
            "contacts",
            "engine",
            "phone-number",
            "presence",
            "view",
            "wire",
        ],
    ),
    ("agent-link", &["view"]),
    (
        "agent",
        &[
            "agent-link",
            "contacts",
            "crm",
            "desktop",
            "engine",
            "phone-number",
            "presence",
            "server-client",
            "sources",
            "view",
            "wire",
        ],
    ),
    ("sources", &["contacts", "crm", "phone-number", "wire"]),
    ("sidetone-ui", &["agent-link", "view"]),
    ("wire", &[]),
    ("server-client", &["wire"]),
    ("store", &["phone-number"]),
    ("people", &[]),
    ("cdr", &[]),
    (
        "server",
        &[
            "ami",
            "calls",
            "cdr",
            "contacts",
            "crm",
            "engine",
            "people",
            "phone-number",
            "presence",
            "sources",
            "store",
            "wire",
        ],
    ),
    (
        "presence",
        &["ami", "calls", "engine", "phone-number", "wire"],
    ),
    ("replay", &["ami", "calls"]),
    ("testkit", &[]),
    ("e2e", &["agent-link", "testkit", "view", "wire"]),
    ("gui", &["agent-link", "e2e", "testkit", "view"]),
    (
        "bench",
        &[
            "ami",
            "ami-client",
            "calls",
            "contacts",
            "engine",
            "phone-number",
        ],
    ),
    ("bench-contacts", &["contacts", "phone-number", "wire"]),
    ("bench-server", &["store", "testkit", "wire"]),
    ("fuzz", &["ami", "calls", "phone-number"]),
    (
        "crm-tests",
        &["contacts", "crm", "phone-number", "testkit", "wire"],
    ),
    ("directories", &["testkit"]),
    ("live", &["testkit"]),
    ("store-tests", &["store", "testkit"]),
    ("tidy", &[]),
    ("xtask", &[]),
];

const PURE: [&str; 5] = ["phone-number", "ami", "calls", "view", "wire"];

#[test]
fn every_arrow_points_the_way_it_is_drawn() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(name, may)| (*name, may.iter().copied().collect()))
        .collect();
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(Package::name).collect();
    for package in &packages {
        let may = allowed.get(package.name()).unwrap_or_else(|| {
            panic!(
                "{}: a new room; draw its arrows here and in ARCHITECTURE.md",
                package.name()
            )
        });
        for import in package
            .imports()
            .filter(|import| ours.contains(import.as_str()))
        {
            assert!(
                may.contains(import.as_str()),
                "{} may not import {import}",
                package.name()
            );
        }
    }
}

#[test]
fn only_the_windows_know_tauri() {
    for package in packages() {
        let knows = package
            .imports()
            .any(|import| import == "tauri" || import.starts_with("tauri-"));
        assert!(
            !knows || package.name() == "sidetone-ui",
            "{} knows Tauri",
            package.name()
        );
    }
}

#[test]
fn pure_crates_have_no_clock_no_file_no_task() {
    let forbidden = [
        "tokio", "reqwest", "notify", "tempfile", "rand", "zbus", "keyring",
    ];
    for package in packages()
        .iter()
        .filter(|package| PURE.contains(&package.name()))
    {
        for import in package.imports() {
            assert!(
                !forbidden.contains(&import.as_str()),
                "{} imports {import}",
                package.name()
            );
        }
        let rules =
            std::fs::read_to_string(package.folder().join("clippy.toml")).unwrap_or_default();
        for method in [
            "std::time::Instant::now",
            "std::fs::File::open",
            "std::thread::spawn",
        ] {
            assert!(
                rules.contains(method),
                "{}/clippy.toml does not disallow {method}",
                package.name()
            );
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> = files(&["rs"])
        .into_iter()
        .filter(|file| {
            !text(file)
                .lines()
                .take(3)
                .any(|line| line.starts_with("//!"))
        })
        .collect();
    assert!(silent.is_empty(), "no //! at the top of {silent:?}");
}

#[test]
fn no_file_names_a_package_host_or_a_place_of_one_machine() {
    // In two parts, so that this file does not name them.
    let hosts = [
        ("crates", ".io"),
        ("npm", "js."),
        ("pypi", ".org"),
        ("python", "hosted"),
        ("debian", ".org"),
    ];
    let places = [("/wo", "rk/"), ("/ro", "ot/")];
    let words: Vec<String> = hosts
        .iter()
        .chain(&places)
        .map(|(first, second)| [*first, *second].concat())
        .collect();
    for file in tracked() {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else {
            continue;
        };
        // A lock file of Cargo names its registry by Cargo's own rule.
        if file.ends_with("Cargo.lock") {
            continue;
        }
        for word in &words {
            assert!(
                !text.contains(word.as_str()),
                "{} names {word}",
                file.display()
            );
        }
    }
}

#[test]
fn the_npm_lock_files_have_no_addresses() {
    for folder in [
        "ui",
        "tests/bench-server/rivals",
        "tests/crm/bitrix",
        "tests/directories/oidc",
    ] {
        let lock = text(&Path::new(folder).join("package-lock.json"));
        assert!(
            !lock.is_empty() && !lock.contains("\"resolved\""),
            "{folder}"
        );
    }
}

#[test]
fn the_pages_know_their_host_in_one_folder_and_show_text_only() {
    for file in files(&["ts", "svelte", "js"]) {
        let text = text(&file);
        let imports = text.contains("from \"@tauri-apps")
            || text.contains("from '@tauri-apps")
            || text.contains("import(\"@tauri-apps");
        assert!(
            !imports || file.starts_with("ui/src/backend"),
            "{} knows its host",
            file.display()
        );
        for unsafe_html in [
            "{@html",
            "innerHTML",
            "insertAdjacentHTML",
            "document.write",
        ] {
            let is_test =
                file.to_string_lossy().contains(".test.") || file.starts_with("ui/src/testing");
            assert!(
                is_test || !text.contains(unsafe_html),
                "{} uses {unsafe_html}",
                file.display()
            );
        }
    }
}

#[test]
fn the_changelog_has_a_place_for_what_is_new() {
    assert!(text(Path::new("CHANGELOG.md")).contains("## Unreleased"));
}

#[test]
fn the_map_names_every_room() {
    let map = text(Path::new("ARCHITECTURE.md"));
    for package in packages() {
        let folder = package.folder();
        let place = folder
            .strip_prefix(root())
            .expect("in the repository")
            .to_string_lossy()
            .into_owned();
        let place = place.replace('\\', "/");
        assert!(
            map.contains(&place) || map.contains(&place.replace("crates/", "")),
            "ARCHITECTURE.md does not name {place}"
        );
    }
}

struct Package(Value);

impl Package {
    fn name(&self) -> &str {
        self.0["name"].as_str().expect("a name")
    }

    fn folder(&self) -> PathBuf {
        let manifest = PathBuf::from(self.0["manifest_path"].as_str().expect("a path"));
        manifest.parent().expect("a folder").to_owned()
    }

    /// What it needs, for building or running, but not for its tests.
    fn imports(&self) -> impl Iterator<Item = String> {
        let dependencies = self.0["dependencies"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        dependencies
            .into_iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
    }
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output();
    let metadata: Value =
        serde_json::from_slice(&output.expect("cargo metadata").stdout).expect("JSON");
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .cloned()
        .map(Package)
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the repository")
        .to_owned()
}

/// What git knows, so that build products and caches do not count.
fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git");
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|file| root().join(file).exists())
        .collect()
}

fn files(endings: &[&str]) -> Vec<PathBuf> {
    let has = |file: &PathBuf| {
        file.extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| endings.contains(&ending))
    };
    tracked().into_iter().filter(has).collect()
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}
