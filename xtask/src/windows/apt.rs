//! Debian packages unpacked into a folder, with package lists of our own: nothing is installed and nobody need be root.

use crate::step;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Reads the lists of these suites of the machine's own mirror; of none: the machine's own sources.
    pub(super) fn new(folder: &Path, suites: &str) -> Result<Self> {
        let folder = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial", "etc", "debs"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let here = folder.display();
        let mut conf = format!(
            "Dir::State::lists \"{here}/lists\";\nDir::Cache \"{here}/cache\";\nAPT::Sandbox::User \"\";\n\
             Acquire::Languages \"none\";\n"
        );
        if !suites.is_empty() {
            let sources = format!(
                "Types: deb\nURIs: {}\nSuites: {suites}\nComponents: main\n\
                 Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
                mirror()?
            );
            std::fs::write(folder.join("etc/debian.sources"), sources)?;
            std::fs::write(folder.join("status"), "")?;
            conf += &format!(
                "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{here}/etc\";\n\
                 Dir::State::status \"{here}/status\";\n"
            );
        }
        std::fs::write(folder.join("conf"), conf)?;
        let apt = Self { folder };
        step::command(
            "ask Debian for Rust's packages",
            apt.command("apt-get").args(["-q", "update"]),
        )?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("APT_CONFIG", self.folder.join("conf"))
            .current_dir(self.folder.join("debs"));
        command
    }

    /// The versions of a package that can be had.
    pub(super) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let known = printed(self.command("apt-cache").args(["madison", package]))?;
        let version = |line: &str| Some(line.split('|').nth(1)?.trim().to_owned());
        Ok(known.lines().filter_map(version).collect())
    }

    /// What a package depends on, by name.
    pub(super) fn needs(&self, package: &str) -> Result<Vec<String>> {
        let known = printed(self.command("apt-cache").args(["depends", package]))?;
        let name = |line: &str| Some(line.trim().strip_prefix("Depends: ")?.to_owned());
        Ok(known.lines().filter_map(name).collect())
    }

    /// Downloads packages (`name` or `name=version`) and unpacks them.
    pub(super) fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let mut download = self.command("apt-get");
        download.args(["-q", "download"]).args(packages);
        step::command("fetch Rust's packages", &mut download)?;
        let debs: Vec<PathBuf> = std::fs::read_dir(self.folder.join("debs"))?
            .filter_map(|file| Some(file.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|ending| ending == "deb"))
            .collect();
        if debs.len() != packages.len() {
            bail!("apt downloaded {} of {}", debs.len(), packages.join(" "));
        }
        for deb in debs {
            step::command(
                "unpack Rust's packages",
                Command::new("dpkg").arg("-x").arg(deb).arg(into),
            )?;
        }
        Ok(())
    }
}

/// The address of Debian's main archive as this machine has it.
fn mirror() -> Result<String> {
    let format = "$(REPO_URI) $(COMPONENT)";
    let targets = printed(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let uri = targets
        .lines()
        .filter_map(|line| line.strip_suffix(" main"))
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    uri.map(str::to_owned)
        .context("no Debian mirror in this machine's apt settings")
}

/// What a command prints, without the line's end.
pub(super) fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
