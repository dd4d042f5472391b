//! Windows: a ProgID and capabilities of our own; which program is the default is for the person to say.

use windows_registry::{CURRENT_USER, Key, Result};

const SCHEMES: [&str; 3] = ["tel", "callto", "sip"];
const PROG_ID: &str = "Sidetone.Link";

/// The choice is signed by the system, so that no program can write it; it may be read.
pub(super) fn check() -> std::result::Result<String, String> {
    let path = r"Software\Microsoft\Windows\Shell\Associations\UrlAssociations\tel\UserChoice";
    let owner = CURRENT_USER
        .open(path)
        .and_then(|key| key.get_string("ProgId"))
        .unwrap_or_default();
    match owner.as_str() {
        PROG_ID => Ok("tel: links come to Sidetone.".into()),
        "" => Err("Windows has not been told who opens tel: links: open Settings, Apps, Default apps, Sidetone.".into()),
        other => Err(format!("tel: links go to {other}: open Settings, Apps, Default apps, Sidetone.")),
    }
}

pub(super) fn take() -> std::result::Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    register(&program.to_string_lossy())
        .map_err(|error| format!("The registry did not take it: {error}."))
}

/// Nobody else's scheme: it needs no choice of the person.
fn own_scheme(command: &str) -> Result<()> {
    let class = CURRENT_USER.create(r"Software\Classes\sidetone")?;
    class.set_string("", "URL:Sidetone")?;
    class.set_string("URL Protocol", "")?;
    class.create(r"shell\open\command")?.set_string("", command)
}

fn register(program: &str) -> Result<()> {
    let command = format!("\"{program}\" \"%1\"");
    let class = CURRENT_USER.create(format!(r"Software\Classes\{PROG_ID}"))?;
    class.set_string("", "Call with Sidetone")?;
    class.set_string("URL Protocol", "")?;
    class
        .create(r"shell\open\command")?
        .set_string("", &command)?;
    own_scheme(&command)?;
    let capabilities: Key = CURRENT_USER.create(r"Software\Sidetone\Capabilities")?;
    capabilities.set_string("ApplicationName", "Sidetone")?;
    capabilities.set_string(
        "ApplicationDescription",
        "Call phone numbers and see who calls",
    )?;
    let associations = capabilities.create("UrlAssociations")?;
    for scheme in SCHEMES {
        associations.set_string(scheme, PROG_ID)?;
    }
    CURRENT_USER
        .create(r"Software\RegisteredApplications")?
        .set_string("Sidetone", r"Software\Sidetone\Capabilities")
}
