//! Debian packages: those that are missing are installed, by apt and only then.

use crate::{folders, step};
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// What building, the demo and the tests need on a bare Debian 12 with Rust, its linker, Node and git.
const PACKAGES: &[&str] = &[
    // building: the windows' webview
    "build-essential",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
    // a desktop of one's own
    "adwaita-icon-theme",
    "at-spi2-core",
    "dbus",
    "desktop-file-utils",
    "fonts-dejavu-core",
    "fonts-noto-color-emoji",
    "fonts-noto-core",
    "gnome-keyring",
    "hicolor-icon-theme",
    "imagemagick",
    "libglib2.0-bin",
    "librsvg2-common",
    "libsecret-tools",
    "openbox",
    "procps",
    "x11-utils",
    "xauth",
    "xdg-utils",
    "xdotool",
    "xvfb",
    // a real browser, and a driver for our own windows
    "chromium",
    "webkit2gtk-driver",
    // servers to read people and records from, and a clock that can be set
    "ldap-utils",
    "libfaketime",
    "mariadb-server",
    "postgresql",
    "slapd",
    // the phones are a Python program
    "python3-venv",
];

/// What the type check for Windows needs besides.
const FOR_WINDOWS: &[&str] = &[
    "binutils-mingw-w64-x86-64",
    "gcc-mingw-w64-x86-64-posix",
    "mingw-w64-x86-64-dev",
];

pub(crate) fn install_missing() -> Result<()> {
    install("install Debian packages", PACKAGES)
}

pub(crate) fn install_for_windows() -> Result<()> {
    install("install Debian packages for Windows", FOR_WINDOWS)
}

fn install(what: &str, packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("        missing: {}", missing.join(" "));
    let by_hand = format!(
        "sudo apt-get install --no-install-recommends {}",
        missing.join(" ")
    );
    let Some(prefix) = become_root() else {
        bail!(
            "these Debian packages are missing and this user may not install them; run:\n  {by_hand}"
        );
    };
    // Debian's images empty apt's archive after each run, also under another run's feet: ours is our own.
    let archives = folders::cache()?.join("apt-archives");
    std::fs::create_dir_all(archives.join("partial"))?;
    let archives_option = format!("Dir::Cache::archives={}", archives.display());
    let apt = |arguments: &[&str]| {
        let mut words = prefix.clone();
        words.extend([
            "apt-get",
            "-q",
            "-o",
            "DPkg::Lock::Timeout=300",
            "-o",
            "Acquire::Retries=3",
            "-o",
            archives_option.as_str(),
        ]);
        words.extend_from_slice(arguments);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step::command("ask apt what there is", &mut apt(&["update"]))?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&missing);
    step::command(&format!("{what} ({})", missing.len()), &mut apt(&arguments))?;
    let _ = std::fs::remove_dir_all(archives);
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Abbrev}", package])
        .stderr(Stdio::null())
        .output();
    query.is_ok_and(|output| output.stdout.starts_with(b"ii"))
}

/// The words before `apt-get`; `None` where this user may not.
fn become_root() -> Option<Vec<&'static str>> {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if is_root {
        return Some(Vec::new());
    }
    let sudo = Command::new("sudo")
        .args(["-n", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // sudo drops what it does not know from the environment.
    sudo.is_ok_and(|status| status.success())
        .then(|| vec!["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"])
}
