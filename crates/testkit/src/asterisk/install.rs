//! Fetches Asterisk with the machine's own apt into the user's cache: no root, no chroot, no change to the system.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::AsteriskProgram;
use crate::apt::{self, Apt, mirror, security_mirror};
use crate::cache::{self, Lock};
use crate::run;

/// Which Asterisk: the oldest and the newest that people run and Debian has built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// The current long-term release.
    #[default]
    V22,
    /// 16.28, the last one with `chan_sip` in daily use.
    V16,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V22, Self::V16];

    /// The major version, as the banner of the manager interface implies it.
    pub const fn major(self) -> u16 {
        match self {
            Self::V22 => 22,
            Self::V16 => 16,
        }
    }

    /// To be raised whenever this file makes something different.
    const fn recipe(self) -> &'static str {
        match self {
            Self::V22 => "asterisk 22, recipe 1",
            Self::V16 => "asterisk 16, recipe 1",
        }
    }

    /// The folder in the cache.
    const fn folder(self) -> &'static str {
        match self {
            Self::V22 => "asterisk",
            Self::V16 => "asterisk-16",
        }
    }

    /// Fetched besides what belongs to `asterisk`: in bullseye the mailboxes are a package of their own.
    /// From the main suite, because mirrors of the security suite list its build and do not have it.
    const fn extra_packages(self) -> &'static [&'static str] {
        match self {
            Self::V22 => &[],
            Self::V16 => &["asterisk-voicemail/bullseye"],
        }
    }

    /// Sources to try one after the other; the suites of one source are asked together.
    ///
    /// Debian's development suites carry the current release; its stable ones carry none.
    const fn sources(self) -> &'static [&'static [Suite]] {
        match self {
            Self::V22 => &[&[Suite::Main("sid")], &[Suite::Main("forky")]],
            Self::V16 => &[&[
                Suite::Main("bullseye"),
                Suite::Security("bullseye-security"),
            ]],
        }
    }
}

#[derive(Clone, Copy)]
enum Suite {
    Main(&'static str),
    Security(&'static str),
}

/// Parts of the closure that only maintainer scripts and unused modules need.
const NOT_NEEDED: [&str; 33] = [
    "adduser",
    "asterisk-config",
    "coreutils",
    "debconf",
    "dirmngr",
    "dmsetup",
    "dpkg",
    "gnupg",
    "gpg",
    "gpgv",
    "init-system",
    "libcodec2",
    "libperl",
    "libpython",
    "libsnmp-base",
    "login",
    "lsb-base",
    "media-types",
    "mount",
    "netbase",
    "passwd",
    "perl",
    "pinentry",
    "python3",
    "sensible-utils",
    "systemd",
    "sysv",
    "tar",
    "ucf",
    "util-linux",
    "usr-is-merged",
    "libpam-systemd",
    "dbus",
];

/// Documentation, translations and tables that a telephone exchange does without.
const NOT_UNPACKED: [&str; 7] = [
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/info",
    "./usr/share/icu",
    "./usr/share/lintian",
    "./usr/lib/*-linux-gnu/gconv",
];

/// The current Asterisk, see [`install_version`].
pub fn install(progress: impl FnMut(&str)) -> Result<AsteriskProgram> {
    install_version(Version::default(), progress)
}

/// A real Asterisk, fetched now unless it is there already; `progress` gets a sentence at each long step.
///
/// The first call downloads about 65 MB and leaves about 150 MB; the next ones only read a stamp.
pub fn install_version(
    version: Version,
    mut progress: impl FnMut(&str),
) -> Result<AsteriskProgram> {
    let cache = cache::folder()?;
    let (root, recipe) = (cache.join(version.folder()), version.recipe());
    if cache::is_made_by(&root, recipe) {
        return Ok(AsteriskProgram::at(root));
    }
    let _turn = Lock::acquire(
        &cache.join(format!("{}.lock", version.folder())),
        Duration::from_secs(900),
        || {
            progress("Waiting for another process that is fetching Asterisk");
        },
    )?;
    if cache::is_made_by(&root, recipe) {
        return Ok(AsteriskProgram::at(root));
    }
    let started = Instant::now();
    let work = Work::new(cache.join(format!("{}.work", version.folder())))?;
    let mut packages = work.resolve(version, &mut progress)?;
    packages.extend(
        version
            .extra_packages()
            .iter()
            .map(|name| (*name).to_owned()),
    );
    progress(&format!(
        "Downloading Asterisk: {} Debian packages, about 55 MB",
        packages.len()
    ));
    work.download(&packages)?;
    progress("Unpacking Asterisk");
    work.unpack()?;
    let name = AsteriskProgram::at(work.root())
        .version()
        .context("start the unpacked Asterisk")?;
    if !name.starts_with(&format!("Asterisk {}.", version.major())) {
        bail!("Debian has {name} instead of Asterisk {}", version.major());
    }
    cache::stamp(&work.root(), recipe)?;
    cache::replace(&root, &work.root())?;
    fs::remove_dir_all(&work.folder).context("remove the downloads")?;
    progress(&format!(
        "{name} is ready after {:.0} s in {}",
        started.elapsed().as_secs_f32(),
        root.display()
    ));
    Ok(AsteriskProgram::at(root))
}

/// The folder in which apt and dpkg-deb do their part.
struct Work {
    folder: PathBuf,
    apt: Apt,
}

impl Work {
    fn new(folder: PathBuf) -> Result<Self> {
        let _ = fs::remove_dir_all(&folder);
        let apt = Apt::new(folder.join("apt"))?;
        Ok(Self { folder, apt })
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Names of the packages, from the first source that has them.
    fn resolve(&self, version: Version, progress: &mut impl FnMut(&str)) -> Result<Vec<String>> {
        let mirror = mirror()?;
        let mut last = None;
        for suites in version.sources() {
            let (mut names, mut archives) = (Vec::new(), Vec::new());
            for suite in *suites {
                let (name, mirror) = match suite {
                    Suite::Main(name) => (*name, mirror.clone()),
                    Suite::Security(name) => (*name, security_mirror(&mirror)),
                };
                names.push(name);
                archives.push((mirror, name));
            }
            let names = names.join(" and ");
            progress(&format!("Reading the package lists of Debian {names}"));
            self.apt.use_archives(&archives)?;
            match self.closure() {
                Ok(packages) => return Ok(packages),
                Err(error) => last = Some(error.context(format!("resolve asterisk in {names}"))),
            }
        }
        Err(last.context("no suite to ask")?)
    }

    fn closure(&self) -> Result<Vec<String>> {
        self.apt.update()?;
        let plan = run::output(self.apt.command().args([
            "-s",
            "install",
            "asterisk",
            "asterisk-core-sounds-en",
        ]))?;
        let packages: Vec<String> = plan
            .lines()
            .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next())
            .filter(|name| !NOT_NEEDED.iter().any(|prefix| name.starts_with(prefix)))
            .map(str::to_owned)
            .collect();
        if packages.len() < 20 {
            bail!("apt resolved only {} packages", packages.len());
        }
        Ok(packages)
    }

    fn download(&self, packages: &[String]) -> Result<()> {
        self.apt.download(packages).context("download Asterisk")
    }

    fn unpack(&self) -> Result<()> {
        let root = self.root();
        // As on every current Debian: /lib and the like are links into /usr.
        for name in ["bin", "sbin", "lib", "lib64"] {
            fs::create_dir_all(root.join("usr").join(name)).context("create the root")?;
            symlink(format!("usr/{name}"), root.join(name)).context("link into /usr")?;
        }
        for package in self.apt.downloaded()? {
            apt::unpack(&package, &root, &NOT_UNPACKED)
                .with_context(|| format!("unpack {}", package.display()))?;
        }
        // On an installed system these two are made by maintainer scripts.
        let sounds = root.join("usr/share/asterisk/sounds");
        if !sounds.join("en").exists() {
            symlink("en_US_f_Allison", sounds.join("en")).context("choose the English sounds")?;
        }
        write_launcher(&root)
    }
}

/// `bin-path/asterisk` starts the program with the loader and the libraries that came with it. Its
/// folder has to be in `PATH`, because `core restart now` executes "asterisk" by name.
fn write_launcher(root: &Path) -> Result<()> {
    let loader = loader(root)?;
    // Asterisk runs without this, but the loader of glibc 2.31 does not know it.
    let name = match run::output(Command::new(&loader).arg("--help")) {
        Ok(help) if help.contains("--argv0") => "--argv0 asterisk ",
        Ok(_) | Err(_) => "",
    };
    let below_root = |path: &Path| -> Result<String> {
        let path = path
            .strip_prefix(root)
            .context("a path outside of the root")?;
        Ok(format!("$root/{}", path.display()))
    };
    // Before Debian merged /usr, some packages put their libraries right into /usr/lib.
    let libraries = [library_folder(root)?, root.join("usr/lib")]
        .iter()
        .map(|folder| below_root(folder))
        .collect::<Result<Vec<_>>>()?
        .join(":");
    let script = format!(
        "#!/bin/sh\nroot=${{0%/*}}/..\nexec \"{}\" {name}--library-path \"{libraries}\" \"$root/usr/sbin/asterisk\" \"$@\"\n",
        below_root(&loader)?,
    );
    let folder = root.join("launch");
    fs::create_dir_all(&folder).context("create the launcher's folder")?;
    let path = folder.join("asterisk");
    fs::write(&path, script).context("write the launcher")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .context("make the launcher executable")
}

/// The program that loads the others with the libraries of the unpacked root.
fn loader(root: &Path) -> Result<PathBuf> {
    let found = ["usr/lib64", "usr/lib"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).into_iter().flatten())
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("ld-linux"))
        .context("no loader in the unpacked packages")?
        .path();
    // In bullseye it is a link to `/lib/…`, which here would be the machine's own.
    match fs::read_link(&found) {
        Ok(target) if target.is_absolute() => Ok(root
            .join("usr")
            .join(target.strip_prefix("/").unwrap_or(&target))),
        Ok(_) | Err(_) => Ok(found),
    }
}

/// `usr/lib/<triplet>` of the unpacked root.
fn library_folder(root: &Path) -> Result<PathBuf> {
    fs::read_dir(root.join("usr/lib"))
        .context("list the libraries")?
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().contains("-linux-gnu"))
        .map(|entry| entry.path())
        .context("no libraries in the unpacked packages")
}

/// Where Asterisk's modules are: under `usr/lib/<triplet>` today, right under `usr/lib` in bullseye.
pub(super) fn modules_folder(root: &Path) -> Result<PathBuf> {
    [library_folder(root)?, root.join("usr/lib")]
        .iter()
        .map(|folder| folder.join("asterisk/modules"))
        .find(|folder| folder.join("chan_pjsip.so").exists())
        .context("no modules in the unpacked packages")
}
