//! Linux: a `.desktop` file with `%u`, and the default by `xdg-mime` (freedesktop.org MIME applications).

mod mime_apps;

use crate::folders;
use mime_apps::MimeApps;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const FILE: &str = "sidetone.desktop";
/// Calls, and our own: a link that connects this desktop to a server.
const SCHEMES: [&str; 4] = ["tel", "callto", "sip", "sidetone"];
const LIMIT: Duration = Duration::from_secs(5);

/// Reads the lists itself: `xdg-mime query` starts a dozen programs, and this is asked at each start.
pub(super) fn check() -> Result<String, String> {
    match MimeApps::of_this_user().owner("x-scheme-handler/tel") {
        None => {
            Err("No program opens tel: links yet. Choose “Open tel: links with Sidetone”.".into())
        }
        Some(owner) if owner == FILE => Ok("tel: links come to Sidetone.".into()),
        Some(other) => {
            let other = other.trim_end_matches(".desktop");
            Err(format!(
                "tel: links go to {other}. Choose “Open tel: links with Sidetone” to change that."
            ))
        }
    }
}

pub(super) fn take() -> Result<(), String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("Our own program is not found: {error}."))?;
    let folder = applications().ok_or("There is no home folder to write to.")?;
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(FILE), entry(&program))
    };
    write().map_err(|error| {
        format!(
            "{} cannot be written: {error}.",
            folder.join(FILE).display()
        )
    })?;
    // Not everywhere there, and not needed for the default.
    let _ = run("update-desktop-database", &[&folder.to_string_lossy()]);
    let types: Vec<String> = SCHEMES
        .iter()
        .map(|scheme| format!("x-scheme-handler/{scheme}"))
        .collect();
    let mut arguments = vec!["default", FILE];
    arguments.extend(types.iter().map(String::as_str));
    let output = run("xdg-mime", &arguments)?;
    if output.status.success() {
        Ok(())
    } else {
        Err("The system did not take the change (xdg-mime).".into())
    }
}

fn applications() -> Option<PathBuf> {
    let data = folders::variable("XDG_DATA_HOME")
        .or_else(|| Some(folders::variable("HOME")?.join(".local/share")))?;
    Some(data.join("applications"))
}

/// Without `%u` the desktop starts the program and drops the number.
fn entry(program: &Path) -> String {
    let types: String = SCHEMES
        .iter()
        .map(|scheme| format!("x-scheme-handler/{scheme};"))
        .collect();
    format!(
        "[Desktop Entry]\nType=Application\nName=Sidetone\nComment=Call phone numbers and see who calls\n\
         Exec={} %u\nIcon=sidetone\nTerminal=false\nCategories=Network;Telephony;\nMimeType={types}\n",
        quoted(program)
    )
}

/// Quoting of the `Exec` key (Desktop Entry Specification, "The Exec key"), where there is need of it: xdg-open 1.1.3
/// takes quotes for a part of the program's name.
fn quoted(program: &Path) -> String {
    let program = program.to_string_lossy();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+@:,=".contains(letter);
    if program.chars().all(is_plain) {
        return program.into_owned();
    }
    let mut quoted = String::from("\"");
    for letter in program.chars() {
        match letter {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', letter]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn run(program: &str, arguments: &[&str]) -> Result<Output, String> {
    let absent = |error| format!("{program} is not there ({error}); install xdg-utils.");
    let mut command = Command::new(program);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(absent)?;
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        if let Ok(Some(_)) = child.try_wait() {
            return child.wait_with_output().map_err(absent);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("{program} did not answer."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_passes_the_link_on() {
        let entry = entry(Path::new("/opt/side tone/sidetone"));
        assert!(
            entry.contains("\nExec=\"/opt/side tone/sidetone\" %u\n"),
            "{entry}"
        );
        assert!(
            entry.contains(
                "MimeType=x-scheme-handler/tel;x-scheme-handler/callto;x-scheme-handler/sip;x-scheme-handler/sidetone;\n"
            ),
            "{entry}"
        );
    }

    #[test]
    fn odd_paths_are_quoted_and_others_are_not() {
        assert_eq!(quoted(Path::new("/usr/bin/sidetone")), "/usr/bin/sidetone");
        assert_eq!(quoted(Path::new("/a\"b$c%d")), r#""/a\\"b\\$c%%d""#);
    }
}
