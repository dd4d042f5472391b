//! Which program a desktop starts for a kind of link (freedesktop.org "Association between MIME types and applications").

use crate::folders::variable;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the lists, the most important first.
#[derive(Debug)]
pub(super) struct MimeApps {
    config: Vec<PathBuf>,
    /// `applications` folders.
    data: Vec<PathBuf>,
    /// The running desktop in lower case; its own lists come before the common ones.
    desktops: Vec<String>,
}

impl MimeApps {
    pub(super) fn of_this_user() -> Self {
        let home = variable("HOME").unwrap_or_default();
        let own = |name, otherwise: &str| variable(name).unwrap_or_else(|| home.join(otherwise));
        let system = |name, otherwise: &str| {
            let folders = std::env::var(name).unwrap_or_default();
            let folders = if folders.is_empty() {
                otherwise
            } else {
                &folders
            };
            folders.split(':').map(PathBuf::from).collect::<Vec<_>>()
        };
        let mut config = vec![own("XDG_CONFIG_HOME", ".config")];
        config.extend(system("XDG_CONFIG_DIRS", "/etc/xdg"));
        let mut data = vec![own("XDG_DATA_HOME", ".local/share")];
        data.extend(system("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
        let desktops = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        Self {
            config,
            data: data
                .iter()
                .map(|folder| folder.join("applications"))
                .collect(),
            desktops: desktops
                .split(':')
                .filter(|name| !name.is_empty())
                .map(str::to_lowercase)
                .collect(),
        }
    }

    /// The `.desktop` file that is started for `kind`, for example `x-scheme-handler/tel`.
    pub(super) fn owner(&self, kind: &str) -> Option<String> {
        let lists: Vec<String> = self
            .config
            .iter()
            .chain(&self.data)
            .flat_map(|folder| self.lists_in(folder))
            .collect();
        let caches: Vec<String> = self
            .data
            .iter()
            .filter_map(|folder| fs::read_to_string(folder.join("mimeinfo.cache")).ok())
            .collect();
        let chosen = lists
            .iter()
            .flat_map(|list| entries(list, "Default Applications", kind));
        let added = lists
            .iter()
            .flat_map(|list| entries(list, "Added Associations", kind));
        let known = caches
            .iter()
            .flat_map(|cache| entries(cache, "MIME Cache", kind));
        chosen
            .chain(added)
            .chain(known)
            .find(|program| self.is_installed(program))
            .map(str::to_owned)
    }

    fn lists_in(&self, folder: &Path) -> Vec<String> {
        let names = self
            .desktops
            .iter()
            .map(|desktop| format!("{desktop}-mimeapps.list"))
            .chain(["mimeapps.list".to_owned()]);
        names
            .filter_map(|name| fs::read_to_string(folder.join(name)).ok())
            .collect()
    }

    fn is_installed(&self, program: &str) -> bool {
        !program.contains('/') && self.data.iter().any(|folder| folder.join(program).exists())
    }
}

/// The values of `key` in the group, first those that count most.
fn entries<'a>(list: &'a str, group: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.lines()
        .skip_while(move |line| group_of(line) != Some(group))
        .skip(1)
        .take_while(|line| group_of(line).is_none())
        .filter_map(|line| line.split_once('='))
        .filter(move |(name, _)| name.trim() == key)
        .flat_map(|(_, values)| values.split(';'))
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

fn group_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEL: &str = "x-scheme-handler/tel";

    #[test]
    fn the_persons_choice_counts_before_the_systems() {
        let desk = Desk::new(&["a.desktop", "b.desktop"]);
        desk.write(
            "data/applications/mimeinfo.cache",
            "[MIME Cache]\nx-scheme-handler/tel=a.desktop;\n",
        );
        assert_eq!(desk.owner().as_deref(), Some("a.desktop"));
        desk.write(
            "config/mimeapps.list",
            "[Added Associations]\nx-scheme-handler/tel=b.desktop;\n",
        );
        assert_eq!(desk.owner().as_deref(), Some("b.desktop"));
        desk.write(
            "config/mimeapps.list",
            "[Added Associations]\nx-scheme-handler/tel=b.desktop;\n\n[Default Applications]\nx-scheme-handler/sip=b.desktop\nx-scheme-handler/tel=a.desktop\n",
        );
        assert_eq!(desk.owner().as_deref(), Some("a.desktop"));
        desk.write(
            "config/xfce-mimeapps.list",
            "[Default Applications]\nx-scheme-handler/tel=b.desktop\n",
        );
        assert_eq!(desk.owner().as_deref(), Some("b.desktop"));
    }

    #[test]
    fn a_program_that_is_gone_owns_nothing() {
        let desk = Desk::new(&["b.desktop"]);
        desk.write(
            "config/mimeapps.list",
            "[Default Applications]\nx-scheme-handler/tel=gone.desktop;b.desktop;\n",
        );
        assert_eq!(desk.owner().as_deref(), Some("b.desktop"));
        desk.write(
            "config/mimeapps.list",
            "[Default Applications]\nx-scheme-handler/tel=gone.desktop;\n",
        );
        assert_eq!(desk.owner(), None);
    }

    #[test]
    fn no_list_and_nonsense_are_no_owner() {
        let desk = Desk::new(&[]);
        assert_eq!(desk.owner(), None);
        desk.write(
            "config/mimeapps.list",
            "x-scheme-handler/tel=a.desktop\n[Default Applications\n=;;\n",
        );
        assert_eq!(desk.owner(), None);
    }

    struct Desk {
        folder: tempfile::TempDir,
    }

    impl Desk {
        fn new(programs: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("data/applications")).unwrap();
            fs::create_dir_all(folder.path().join("config")).unwrap();
            let desk = Self { folder };
            for program in programs {
                desk.write(&format!("data/applications/{program}"), "[Desktop Entry]\n");
            }
            desk
        }

        fn write(&self, path: &str, text: &str) {
            fs::write(self.folder.path().join(path), text).unwrap();
        }

        fn owner(&self) -> Option<String> {
            MimeApps {
                config: vec![self.folder.path().join("config")],
                data: vec![self.folder.path().join("data/applications")],
                desktops: vec!["xfce".into()],
            }
            .owner(TEL)
        }
    }
}
