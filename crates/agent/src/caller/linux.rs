//! Linux: the parents of this process, less the openers between the browser and us.

use std::fs;

/// Between a click and us there are at most a browser's helper, `xdg-open` and `gio`.
const STEPS: usize = 8;

pub(super) fn program() -> Option<String> {
    let read = |pid: u32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    above(std::os::unix::process::parent_id(), read)
}

/// Climbs from `pid`; `read` gives a file of the process (proc(5)).
fn above(mut pid: u32, read: impl Fn(u32, &str) -> Option<String>) -> Option<String> {
    for _ in 0..STEPS {
        let name = read(pid, "comm")?;
        let name = name.trim();
        if SESSION.contains(&name) {
            return None;
        }
        if !OPENERS.contains(&name) {
            return Some(pretty(name));
        }
        pid = parent(&read(pid, "stat")?)?;
    }
    None
}

/// The fourth field of `/proc/PID/stat`; the second may hold spaces and parentheses (proc(5)).
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Names are cut to 15 bytes by the kernel.
const OPENERS: [&str; 14] = [
    "xdg-open",
    "gio",
    "gio-launch-desk",
    "gvfs-open",
    "kde-open",
    "kde-open5",
    "kfmclient",
    "kioclient5",
    "exo-open",
    "exo-helper-2",
    "sh",
    "dash",
    "env",
    "sidetone",
];

/// What is above every program of a session, and shells that people type into: nobody was clicked in.
const SESSION: [&str; 16] = [
    "systemd",
    "init",
    "bash",
    "zsh",
    "fish",
    "login",
    "sshd",
    "dbus-daemon",
    "dbus-broker",
    "xdg-desktop-por",
    "gnome-shell",
    "plasmashell",
    "kwin_wayland",
    "xfce4-session",
    "xfce4-panel",
    "openbox",
];

fn pretty(name: &str) -> String {
    let name = name.trim_end_matches("-bin").trim_end_matches("-browser");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_known_by_the_program_above_the_openers() {
        for (chain, expected) in [
            (&["chromium"][..], Some("Chromium")),
            (&["xdg-open", "chromium", "systemd"], Some("Chromium")),
            (
                &["sh", "gio-launch-desk", "xdg-open", "firefox-bin"],
                Some("Firefox"),
            ),
            (&["dash", "thunderbird-bin", "openbox"], Some("Thunderbird")),
            // Given over by the desktop itself, or typed into a shell.
            (&["gio", "systemd"], None),
            (&["bash", "xterm"], None),
            (&["xdg-open", "gnome-shell"], None),
            // Nobody above, and a chain without an end.
            (&["xdg-open"], None),
            (&["sh"; 20], None),
        ] {
            assert_eq!(caller_below(chain).as_deref(), expected, "{chain:?}");
        }
    }

    #[test]
    fn a_parent_is_found_whatever_the_program_is_called() {
        assert_eq!(parent("42 (chromium) S 7 42 42 0"), Some(7));
        assert_eq!(parent("42 (a) b (c) S 9 42"), Some(9));
        assert_eq!(parent("nonsense"), None);
    }

    /// Process 1 is our parent, process 2 its parent and so on.
    fn caller_below(chain: &[&str]) -> Option<String> {
        above(1, |pid, file| {
            let name = chain.get(usize::try_from(pid).ok()? - 1)?;
            Some(match file {
                "comm" => format!("{name}\n"),
                _ => format!("{pid} ({name}) S {} 0 0", pid + 1),
            })
        })
    }
}
