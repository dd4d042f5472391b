//! Linux: the parents of this process, less the openers between the browser and us.

use std::fs;

/// Between a click and us there are at most a browser's helper, `xdg-open` and `gio`.
const STEPS: usize = 8;

pub(super) fn program() -> Option<String> {
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..STEPS {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let name = name.trim();
        if is_session(name) {
            return None;
        }
        if !is_opener(name) {
            return Some(pretty(name));
        }
        pid = parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
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

fn is_opener(name: &str) -> bool {
    let openers = [
        "xdg-open",
        "gio",
        "gio-launch-desk",
        "kde-open",
        "kde-open5",
        "kfmclient",
        "exo-open",
        "sh",
        "dash",
        "env",
        "sidetone",
    ];
    openers.contains(&name)
}

/// What is above every program of a session, and shells that people type into.
fn is_session(name: &str) -> bool {
    [
        "systemd",
        "init",
        "bash",
        "zsh",
        "fish",
        "login",
        "sshd",
        "dbus-daemon",
    ]
    .contains(&name)
}

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
    fn a_parent_is_found_whatever_the_program_is_called() {
        assert_eq!(parent("42 (chromium) S 7 42 42 0"), Some(7));
        assert_eq!(parent("42 (a) b (c) S 9 42"), Some(9));
        assert_eq!(parent("nonsense"), None);
    }

    #[test]
    fn names_are_made_readable() {
        assert_eq!(pretty("chromium"), "Chromium");
        assert_eq!(pretty("firefox-bin"), "Firefox");
    }
}
