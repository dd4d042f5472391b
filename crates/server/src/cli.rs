//! The command line.

use crate::{check, clock, config, http, logs, run};
use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use std::{io::Write as _, path::PathBuf, process::ExitCode};
use store::{DeviceId, Location, Store};

const HELP: &str = "\
sidetone-server [--config FILE] COMMAND

  run                 serve (the default)
  check               look at everything that the configuration names
  users               everybody who works here
  enrol LOGIN [HOURS] a one-time code for a device of somebody
  devices             devices that are signed in
  revoke DEVICE       sign a device out, within a second
  backup FILE         write everything that is kept into one file
  restore FILE        read it back into an empty store
  connector …         connectors to CRMs: list, show NAME, test FILE; see: sidetone-server connector

  --config FILE       the configuration; $SIDETONE_CONFIG, else ./sidetone-server.toml
  --print-config      every key with its default
  --version, --help

Every key can be set by the environment: SIDETONE__STORE__URL, SIDETONE__PBX__0__SECRET.
";

/// Restores and backups go by this program's exit code: 1 is a fault, 2 a wrong command.
pub(crate) fn main() -> ExitCode {
    match parse() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(wanted)) => match act(wanted) {
            Ok(code) => code,
            Err(error) => {
                say_wrong(&format!("{error:#}"));
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            say_wrong(&format!("{error}\n\n{HELP}"));
            ExitCode::from(2)
        }
    }
}

struct Wanted {
    config: Option<PathBuf>,
    command: Command,
}

enum Command {
    Run,
    Check,
    Users,
    Enrol(String, u16),
    Devices,
    Revoke(String),
    Backup(PathBuf),
    Restore(PathBuf),
    /// The words behind it.
    Connector(Vec<String>),
}

fn parse() -> Result<Option<Wanted>, lexopt::Error> {
    let mut parser = Parser::from_env();
    let mut config = std::env::var_os("SIDETONE_CONFIG").map(PathBuf::from);
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("config") | Arg::Short('c') => config = Some(parser.value()?.into()),
            Arg::Long("print-config") => {
                say(&config_text());
                return Ok(None);
            }
            Arg::Long("version") | Arg::Short('V') => {
                say(&format!("sidetone-server {}\n", env!("CARGO_PKG_VERSION")));
                return Ok(None);
            }
            Arg::Long("help") | Arg::Short('h') => {
                say(HELP);
                return Ok(None);
            }
            Arg::Value(word) if words.is_empty() && word == "connector" => {
                let rest = parser.raw_args()?.map(|word| word.string());
                let command = Command::Connector(rest.collect::<Result<_, _>>()?);
                return Ok(Some(Wanted { config, command }));
            }
            Arg::Value(word) => words.push(word.string()?),
            other @ (Arg::Long(_) | Arg::Short(_)) => return Err(other.unexpected()),
        }
    }
    let usual = PathBuf::from("sidetone-server.toml");
    let config = config.or_else(|| usual.exists().then_some(usual));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = match words.as_slice() {
        [] | ["run"] => Command::Run,
        ["check"] => Command::Check,
        ["users"] => Command::Users,
        ["enrol", login] => Command::Enrol((*login).to_owned(), 24),
        ["enrol", login, hours] => Command::Enrol(
            (*login).to_owned(),
            hours
                .parse()
                .map_err(|_| lexopt::Error::from(format!("{hours} is no number of hours")))?,
        ),
        ["devices"] => Command::Devices,
        ["revoke", device] => Command::Revoke((*device).to_owned()),
        ["backup", file] => Command::Backup(file.into()),
        ["restore", file] => Command::Restore(file.into()),
        other => return Err(format!("not understood: {}", other.join(" ")).into()),
    };
    Ok(Some(Wanted { config, command }))
}

fn config_text() -> String {
    toml::to_string_pretty(&config::Config::example()).unwrap_or_default()
}

fn act(wanted: Wanted) -> Result<ExitCode> {
    if let Command::Connector(words) = wanted.command {
        return connector(&words);
    }
    let environment: config::Environment = std::env::vars().collect();
    let file = wanted.config;
    let config = config::load(file.as_deref(), &environment)?;
    // Whoever speaks TLS here speaks it by this; an error is that another was chosen before.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        match wanted.command {
            Command::Run => {
                let recent = logs::init(&config.log);
                run::run(config, file, recent).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Check => {
                let findings = check::all(&config, file.as_deref()).await;
                for finding in &findings {
                    let tick = if finding.passed { "ok  " } else { "FAIL" };
                    say(&format!("{tick} {}: {}\n", finding.what, finding.words));
                }
                let is_well = findings.iter().all(|finding| finding.passed);
                Ok(if is_well {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                })
            }
            Command::Users => users(&run::open(&config).await?).await,
            Command::Enrol(login, hours) => enrol(&config, &login, hours).await,
            Command::Devices => devices(&run::open(&config).await?).await,
            Command::Revoke(device) => {
                let store = run::open(&config).await?;
                let device = DeviceId::from(device.as_str());
                if !store.revoke_device(&device, clock::store_ms()).await? {
                    bail!("there is no such device; see: sidetone-server devices");
                }
                say("revoked\n");
                Ok(ExitCode::SUCCESS)
            }
            Command::Backup(path) => backup(&config, path).await,
            Command::Restore(path) => restore(&config, path).await,
            // Done above: it needs no configuration.
            Command::Connector(_) => Ok(ExitCode::FAILURE),
        }
    });
    // A directory that is asked just now would be waited for.
    runtime.shutdown_background();
    done
}

/// What is done with a connector's file, without a configuration.
fn connector(words: &[String]) -> Result<ExitCode> {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(crm::cli::run(words));
    runtime.shutdown_background();
    say(&report.text);
    Ok(ExitCode::from(report.code))
}

async fn users(store: &Store) -> Result<ExitCode> {
    for user in store.users().await? {
        let extension = user.extension.as_deref().unwrap_or("-");
        let disabled = if user.disabled { " disabled" } else { "" };
        let role = format!("{:?}", user.role).to_lowercase();
        say(&format!(
            "{}\t{}\t{role}\t{extension}@{}{disabled}\n",
            user.login, user.name, user.pbx
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn enrol(config: &config::Config, login: &str, hours: u16) -> Result<ExitCode> {
    let store = run::open(config).await?;
    // Somebody new in the file is known before the server has run with it.
    crate::staff::sync_configured(&store, config).await?;
    let url = run::url(config, port(config));
    let made = http::make_enrolment(&store, &url, login, hours, None).await;
    let made = made.map_err(anyhow::Error::msg)?;
    say(&format!("code {}\nlink {}\n", made.code, made.link));
    Ok(ExitCode::SUCCESS)
}

/// That of the running server, where it writes one down.
fn port(config: &config::Config) -> u16 {
    let written = std::fs::read_to_string(&config.port_file).ok();
    let written = written.and_then(|port| port.trim().parse().ok());
    let set = config
        .listen
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    written.or(set).unwrap_or_default()
}

async fn devices(store: &Store) -> Result<ExitCode> {
    let users = store.users().await?;
    for device in store.devices(None).await? {
        if device.revoked_at.is_some() {
            continue;
        }
        let user = users.iter().find(|user| user.id == device.user);
        let login = user.map_or("-", |user| user.login.as_str());
        let seen = device
            .last_seen
            .map_or("never".to_owned(), |at| at.to_string());
        say(&format!(
            "{}\t{login}\t{}\t{}\tlast seen {seen}\n",
            device.id, device.name, device.platform
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn backup(config: &config::Config, path: PathBuf) -> Result<ExitCode> {
    let store = run::open(config).await?;
    let new = path.with_extension("new");
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    // It holds what opens the server: hashes of tokens, secrets of webhooks.
    #[cfg(unix)]
    options.mode(0o600);
    let _ = std::fs::remove_file(&new);
    let mut file = options
        .open(&new)
        .await
        .with_context(|| format!("write {}", new.display()))?;
    let rows = store.backup(&mut file).await?;
    file.sync_all().await?;
    std::fs::rename(&new, &path).with_context(|| format!("write {}", path.display()))?;
    say(&format!("{rows} rows in {}\n", path.display()));
    Ok(ExitCode::SUCCESS)
}

async fn restore(config: &config::Config, path: PathBuf) -> Result<ExitCode> {
    let location: Location = config
        .store
        .url
        .expose()
        .parse()
        .map_err(|error| anyhow::anyhow!("[store] url: {error}"))?;
    let store = Store::open(&location).await?;
    let file = tokio::fs::File::open(&path)
        .await
        .with_context(|| format!("read {}", path.display()))?;
    let mut reader = tokio::io::BufReader::new(file);
    let rows = store.restore(&mut reader).await?;
    say(&format!("{rows} rows from {}\n", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn say(words: &str) {
    // Whoever closed our output does not want to read it.
    let _ = std::io::stdout().write_all(words.as_bytes());
}

fn say_wrong(words: &str) {
    let _ = writeln!(std::io::stderr(), "sidetone-server: {words}");
}
