//! Whether everything is as it has to be: a sentence for each thing.

use crate::{
    apart::apart,
    app::App,
    config::{self, Config},
    journal,
    pbx::Site,
};
use contacts::{Directory, directory::Settings};
use engine::{Command, Update};
use phone_number::{DialPlan, Region};
use std::{path::Path, time::Duration};
use store::{Location, Store};
use tokio::time::timeout;
use wire::rest::Finding;

/// A phone system is asked for at most this long.
const PROBE: Duration = Duration::from_secs(30);
/// Less room than this is worth a sentence.
const ROOM: u64 = 1 << 30;

fn finding(passed: bool, what: impl Into<String>, words: impl Into<String>) -> Finding {
    Finding {
        passed,
        what: what.into(),
        words: words.into(),
    }
}

/// Before the server runs: opens everything that the configuration names.
pub(crate) async fn all(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![finding(true, "configuration", "It can be read.")];
    findings.extend(address(config));
    findings.push(store(config).await);
    findings.extend(disk(config, file));
    for (place, pbx) in config.pbx.iter().enumerate() {
        let is_here =
            |user: &&config::User| user.pbx == pbx.name || (user.pbx.is_empty() && place == 0);
        let mut here = config.user.iter().filter(is_here);
        let extension = here.find_map(|user| some(&user.extension));
        findings.extend(site(pbx, extension, file).await);
    }
    if config.pbx.is_empty() {
        let words = "No [[pbx]] is set up: nobody can call.";
        findings.push(finding(false, "pbx", words));
    }
    if config.user.is_empty() && config.people.freepbx.is_none() && config.people.ldap.is_none() {
        let words = "Nobody is set up: add a [[user]], [people.freepbx] or [people.ldap].";
        findings.push(finding(false, "people", words));
    }
    findings.extend(contacts(config, file));
    let plan = config.pbx.first().and_then(|pbx| Site::new(pbx).ok());
    let plan = plan.map_or_else(|| DialPlan::new(Region::GB), |site| site.dial_plan);
    findings.extend(crate::callers::check(config, file, &plan).await);
    findings
}

/// While it runs: the same without opening the store a second time.
pub(crate) async fn running(app: &App) -> Vec<Finding> {
    let file = app.config_file.as_deref();
    let mut findings = Vec::new();
    findings.extend(address(&app.config));
    findings.push(match app.store.health().await {
        Ok(()) => finding(true, "store", "It takes writes."),
        Err(error) => finding(false, "store", sentence(&error.to_string())),
    });
    findings.extend(disk(&app.config, file));
    let users = app.store.users().await.unwrap_or_default();
    for pbx in &app.config.pbx {
        let mut here = users
            .iter()
            .filter(|user| user.pbx == pbx.name && !user.disabled);
        let extension = here.find_map(|user| some(user.extension.as_deref()?));
        findings.extend(site(pbx, extension, file).await);
    }
    findings.extend(
        app.people
            .troubles()
            .into_iter()
            .map(|words| finding(false, "people", words)),
    );
    findings.extend(contacts(&app.config, file));
    findings.extend(app.callers.check().await);
    findings
}

fn address(config: &Config) -> Vec<Finding> {
    let is_local = config
        .listen
        .parse::<std::net::SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback());
    let is_plain = config.tls.certificate.is_empty();
    match (is_plain, is_local) {
        (true, false) => {
            let words = format!(
                "{} is reached without TLS: set [tls] certificate and key, or listen on 127.0.0.1 behind a proxy.",
                config.listen
            );
            vec![finding(false, "address", words)]
        }
        (_, _) if config.public_url.is_empty() => {
            let words = "public_url is not set: enrolment links name this machine only.";
            vec![finding(is_local, "address", words)]
        }
        (_, _) => vec![finding(
            true,
            "address",
            format!("People come by {}.", config.public_url),
        )],
    }
}

async fn store(config: &Config) -> Finding {
    let location: Result<Location, _> = config.store.url.expose().parse();
    let location = match location {
        Ok(location) => location,
        Err(error) => return finding(false, "store", sentence(&format!("{error}"))),
    };
    match Store::open(&location).await {
        Ok(store) => match store.health().await {
            Ok(()) => {
                store.close().await;
                finding(true, "store", "It takes writes.")
            }
            Err(error) => finding(false, "store", sentence(&error.to_string())),
        },
        Err(error) => finding(false, "store", sentence(&error.to_string())),
    }
}

/// Where the system tells how much room there is.
fn disk(config: &Config, file: Option<&Path>) -> Option<Finding> {
    let path = config.store.url.expose().strip_prefix("sqlite:")?;
    let path = config::beside(file, path);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let free = free(folder)?;
    let words = format!("{} MB are free beside the call log.", free / (1 << 20));
    Some(finding(free >= ROOM, "disk", words))
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

fn contacts(config: &Config, file: Option<&Path>) -> Option<Finding> {
    if config.contacts.file.is_empty() {
        return None;
    }
    let path = config::beside(file, &config.contacts.file);
    Some(match std::fs::metadata(&path) {
        Ok(_) => finding(true, "contacts", format!("{} is there.", path.display())),
        Err(error) => finding(false, "contacts", format!("{}: {error}.", path.display())),
    })
}

fn some(extension: &str) -> Option<&str> {
    Some(extension.trim()).filter(|extension| !extension.is_empty())
}

/// `extension` is one of somebody here, for the test of dialling.
async fn site(from: &config::Pbx, extension: Option<&str>, file: Option<&Path>) -> Vec<Finding> {
    let what = format!("pbx {}", from.name);
    let site = match Site::new(from) {
        Ok(site) => site,
        Err(words) => return vec![finding(false, what, sentence(&words))],
    };
    let mut findings = vec![probe(&site, extension, &what).await];
    findings.push(match journal::source(&from.records, file) {
        Err(words) => finding(false, &what, sentence(&words)),
        Ok(None) => {
            let words = "No records of calls are set up ([pbx.records]): calls during an outage are not completed.";
            finding(false, &what, words)
        }
        Ok(Some((name, source))) => match read_one(source).await {
            Ok(_) => finding(true, &what, format!("Records of calls can be read ({name}).")),
            Err(error) => finding(false, &what, sentence(&error)),
        },
    });
    findings
}

async fn read_one(source: cdr::Source) -> Result<(), String> {
    let read = apart(move || async move { source.read(&cdr::Cursor::beginning(), 1).await });
    match read.await {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("reading broke off".into()),
    }
}

/// Over a connection of its own, without dialling.
async fn probe(site: &Site, extension: Option<&str>, what: &str) -> Finding {
    let directory = Directory::new(Settings::new(site.dial_plan.clone()));
    let (engine, mut updates) = engine::spawn(directory);
    let config = engine::Config {
        pbx: site.pbx.clone(),
        desk: site.test_desk(extension),
    };
    let test = Command::Test {
        key: 1,
        config: Box::new(config),
    };
    if engine.send(test).is_err() {
        return finding(false, what, "It could not be asked.");
    }
    let report = timeout(PROBE, async {
        while let Some((_, update)) = updates.next().await {
            if let Update::Tested { report, .. } = update {
                return Some(report);
            }
        }
        None
    });
    match report.await {
        Ok(Some(report)) if report.connection.words.contains(Site::NOBODY) => {
            let words =
                "Connected; nobody has an extension here yet, so that dialling was not tried.";
            finding(true, what, words)
        }
        Ok(Some(report)) => finding(report.connection.passed, what, report.connection.words),
        Ok(None) | Err(_) => finding(false, what, "It did not answer in time."),
    }
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let mut text: String = match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => return String::new(),
    };
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
