//! The machine's own apt with folders of ours: packages of any suite, without root and without a change to the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::run;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A folder with what apt keeps: lists, archives, an empty state.
pub(crate) struct Apt(PathBuf);

impl Apt {
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        for name in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "etc/sources.list.d",
            "lists/partial",
            "archives/partial",
        ] {
            fs::create_dir_all(folder.join(name)).context("create apt's folders")?;
        }
        // An empty state: the whole closure comes from one suite, whatever this machine has installed.
        fs::write(folder.join("status"), "").context("write apt's state")?;
        Ok(Self(folder))
    }

    /// Only these are asked from now on: mirror and suite.
    pub(crate) fn use_archives(&self, archives: &[(String, &str)]) -> Result<()> {
        let lines: String = archives
            .iter()
            .map(|(mirror, suite)| format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))
            .collect();
        fs::write(self.0.join("etc/sources.list"), lines).context("write apt's source")
    }

    /// Reads the lists.
    pub(crate) fn update(&self) -> Result<()> {
        let mut update = self.command();
        update.args(["-o", "APT::Update::Error-Mode=any", "update"]);
        run::output(&mut update).map(drop)
    }

    pub(crate) fn download(&self, packages: &[String]) -> Result<()> {
        run::output(self.command().arg("download").args(packages)).map(drop)
    }

    /// The packages that were downloaded.
    pub(crate) fn downloaded(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.0.join("archives")).context("list the downloads")?;
        let packages = entries.flatten().map(|entry| entry.path());
        Ok(packages
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .collect())
    }

    /// The machine's apt with folders of our own; proxy and mirror settings stay the machine's.
    pub(crate) fn command(&self) -> Command {
        let apt = &self.0;
        let mut command = Command::new("apt-get");
        command
            .arg("-q")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(apt.join("archives"));
        for (option, folder) in [
            ("Dir::Etc::sourcelist", "etc/sources.list"),
            ("Dir::Etc::sourceparts", "etc/sources.list.d"),
            ("Dir::Etc::preferencesparts", "etc/preferences.d"),
            ("Dir::Etc::preferences", "etc/preferences"),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::State::extended_states", "extended_states"),
            ("Dir::Cache::archives", "archives"),
            ("Dir::Cache::pkgcache", "pkgcache.bin"),
            ("Dir::Cache::srcpkgcache", "srcpkgcache.bin"),
            ("Dir::Log", "log"),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", apt.join(folder).display()));
        }
        for option in [
            "Acquire::Languages=none",
            "Acquire::Retries=3",
            "Acquire::http::Timeout=30",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "APT::Install-Recommends=false",
            "APT::Sandbox::User=",
            "APT::Update::Post-Invoke=",
            "APT::Update::Post-Invoke-Success=",
            "Debug::NoLocking=true",
        ] {
            command.args(["-o", option]);
        }
        command
    }
}

/// Unpacks a package without its scripts; `leave` are patterns of what is left out.
pub(crate) fn unpack(package: &Path, root: &Path, leave: &[&str]) -> Result<()> {
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("run dpkg-deb")?;
    let stream = archive.stdout.take().context("read from dpkg-deb")?;
    let tar = Command::new("tar")
        .arg("-C")
        .arg(root)
        .args([
            "-x",
            "--keep-directory-symlink",
            "--no-same-owner",
            "-f",
            "-",
        ])
        .args(leave.iter().map(|path| format!("--exclude={path}")))
        .stdin(stream)
        .output()
        .context("run tar")?;
    let archive = archive.wait().context("wait for dpkg-deb")?;
    if !tar.status.success() || !archive.success() {
        bail!("{}", String::from_utf8_lossy(&tar.stderr).trim());
    }
    Ok(())
}

/// The mirror from which this machine takes Debian's main archive.
pub(crate) fn mirror() -> Result<String> {
    let format = "$(COMPONENT) $(REPO_URI)";
    let targets = run::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]));
    let known = targets.unwrap_or_default();
    let from_targets = known.lines().filter_map(|line| line.strip_prefix("main "));
    if let Some(uri) = from_targets.map(str::trim).find(|uri| is_main_archive(uri)) {
        return Ok(uri.to_owned());
    }
    // Before the first `apt-get update` there are no targets, only sources.
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(
        fs::read_dir("/etc/apt/sources.list.d")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let text: String = files
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .find(|word| is_main_archive(word))
        .map(str::to_owned)
        .context(
            "no Debian mirror in this machine's apt sources: the tests fetch servers through apt",
        )
}

/// Where the same machine has Debian's security archive: beside the main one.
pub(crate) fn security_mirror(main: &str) -> String {
    format!("{}-security", main.trim_end_matches('/'))
}

fn is_main_archive(uri: &str) -> bool {
    uri.contains(":/") && uri.trim_end_matches('/').ends_with("/debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_archive_lies_beside_the_main_one() {
        assert_eq!(
            security_mirror("http://mirror.example/debian/"),
            "http://mirror.example/debian-security"
        );
    }

    #[test]
    fn the_security_archive_is_not_taken_for_the_main_one() {
        assert!(is_main_archive("http://mirror.example/debian/"));
        assert!(is_main_archive("https://mirror.example/pub/debian"));
        assert!(!is_main_archive("http://mirror.example/debian-security"));
        assert!(!is_main_archive("/debian"));
    }
}
