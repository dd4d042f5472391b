//! The life of the server, from its configuration to a clean end.

use crate::{
    app::App,
    callers::{self, Callers},
    config::Config,
    counters::Counters,
    http,
    hub::{self, Ask, HubHandle},
    journal::{self, Writer},
    limits::Failures,
    logs::Recent,
    notify,
    pbx::Site,
    staff::Staff,
    webhooks,
};
use anyhow::{Context as _, Result};
use engine::{Command, Options};
use phone_number::{DialPlan, Region};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use store::{Board, Location, Store};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tracing::{error, info, warn};

/// Rows of the audit that may wait for the disk.
const AUDIT: usize = 4_096;
/// Commands that may wait at an engine: everybody is seated at once.
const COMMANDS: usize = 16_384;
/// Clients have this long to take their goodbye.
const GRACE: Duration = Duration::from_millis(500);
/// … and a store that does not answer this long, twice: all of it within five seconds. The phone system's records tell
/// afterwards what was not written.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Devices that were revoked by another program are looked for this often.
const REVOKED: Duration = Duration::from_millis(400);
/// … and those of the last minute each time.
const REVOKED_AGAIN: i64 = 60_000;
/// Closed items of the board that are still shown after a start.
const BOARD_BACK: i64 = 24 * 3_600 * 1_000;

/// Runs until a signal ends it.
///
/// # Errors
/// A sentence: what is wrong and what to do.
pub(crate) async fn run(config: Config, file: Option<PathBuf>, recent: Recent) -> Result<()> {
    let store = open(&config).await?;
    let listening = http::listen(&config, file.as_deref()).await?;
    let address = listening.address()?;
    let mut running = start(&config, file.clone(), &store, recent, address.port()).await?;
    let (end, ending) = watch::channel(false);
    let router = http::router(running.app.clone());
    let serving = tokio::spawn(listening.serve(router, ending));
    write_port(&config, address.port())?;
    info!(version = env!("CARGO_PKG_VERSION"), %address, "ready");
    notify::ready();
    let alive = tokio::spawn(watchdog(running.hub.clone()));
    let broken = tokio::select! {
        signalled = signalled() => {
            signalled?;
            false
        }
        // Each of them serves for as long as the server runs. Without one of them it only seems to: whoever watches over
        // the program starts it again.
        Some(_) = running.keepers.join_next() => {
            error!("a part of the server broke off");
            true
        }
    };
    info!("ending");
    notify::stopping();
    let _ = running.hub.tell(Ask::End).await;
    tokio::time::sleep(GRACE).await;
    let _ = end.send(true);
    let _ = serving.await;
    alive.abort();
    running.finish().await;
    let _ = tokio::time::timeout(LAST_WORDS, store.close()).await;
    info!("ended");
    anyhow::ensure!(
        !broken,
        "a part of the server broke off; the log says which"
    );
    Ok(())
}

pub(crate) async fn open(config: &Config) -> Result<Store> {
    let location: Location = config
        .store
        .url
        .expose()
        .parse()
        .map_err(|error| anyhow::anyhow!("[store] url: {error}"))?;
    Ok(Store::open(&location).await?)
}

struct Running {
    app: Arc<App>,
    hub: HubHandle,
    engines: Vec<engine::Handle>,
    writers: Vec<tokio::task::JoinHandle<()>>,
    keepers: JoinSet<()>,
}

impl Running {
    /// The engines end, and what they still had to say is written.
    async fn finish(self) {
        for engine in &self.engines {
            let _ = engine.send(Command::Shutdown);
        }
        let until = tokio::time::Instant::now() + LAST_WORDS;
        for writer in self.writers {
            let _ = tokio::time::timeout_at(until, writer).await;
        }
    }
}

async fn start(
    config: &Config,
    file: Option<PathBuf>,
    store: &Store,
    recent: Recent,
    port: u16,
) -> Result<Running> {
    let counters = Arc::new(Counters::default());
    let (trouble, troubles) = watch::channel(None);
    let (audit, audits) = mpsc::channel(AUDIT);
    let sites = config
        .pbx
        .iter()
        .map(Site::new)
        .collect::<Result<Vec<_>, _>>();
    let sites = sites.map_err(anyhow::Error::msg)?;
    let callers = contact_sources(config, &sites, file.as_deref(), store).await?;
    let directory = callers.directory().clone();
    let (mut engines, mut starts, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for site in &sites {
        let options = Options {
            commands: COMMANDS,
            log: true,
        };
        let (engine, updates, log) = engine::spawn_with(directory.clone(), options);
        engines.push(engine.clone());
        logs.push(log);
        starts.push(hub::Start {
            site: site.clone(),
            engine,
            updates,
        });
    }
    let policies = hub::Policies {
        hide_digits_from: config.call_log.hide_digits_from.clone(),
        hide_calls_from: config.call_log.hide_calls_from.clone(),
    };
    let (wishes, wished) = mpsc::channel(callers::WISHES);
    let people = (directory.clone(), wishes);
    let hub = hub::start(starts, policies, audit.clone(), counters.clone(), people);
    let writer = Writer {
        store: store.clone(),
        hub: hub.clone(),
        directory,
        counters: counters.clone(),
        trouble: Arc::new(trouble),
    };
    let people = Staff::new(store.clone(), hub.clone(), config.clone());
    people
        .take_configured()
        .await
        .context("people of the configuration")?;
    people.tell_hub().await.context("people of the store")?;
    show_board(&writer).await;
    let mut keepers = JoinSet::new();
    keepers.spawn(people.clone().follow());
    keepers.spawn(journal::write_audit(writer.clone(), audits));
    keepers.spawn(journal::keep_tidy(
        writer.clone(),
        config.call_log.keep_days,
    ));
    keepers.spawn(webhooks::deliver(
        store.clone(),
        config.http.clone(),
        counters.clone(),
    ));
    keepers.spawn(count(counters.clone()));
    keepers.spawn(callers::serve(callers.clone(), hub.clone(), wished));
    keepers.spawn(callers.clone().follow());
    keepers.spawn(callers.clone().remember());
    let (unnamed, to_name) = mpsc::channel(journal::UNNAMED);
    keepers.spawn(journal::name_calls(writer.clone(), to_name));
    let mut writers = Vec::new();
    for (site, log) in sites.iter().zip(logs) {
        let write = journal::write_calls(writer.clone(), site.clone(), log, unnamed.clone());
        writers.push(tokio::spawn(write));
    }
    for (site, pbx) in sites.iter().zip(&config.pbx) {
        let source = journal::source(&pbx.records, file.as_deref());
        let source = source.map_err(|words| anyhow::anyhow!("[[pbx]] {}: {words}", pbx.name))?;
        if let Some((name, source)) = source {
            keepers.spawn(journal::complete(
                writer.clone(),
                site.clone(),
                name,
                source,
            ));
        }
    }
    // Last, so that nothing of what they tell is missed.
    for (engine, site) in engines.iter().zip(&sites) {
        let _ = engine.send(Command::Connect(Box::new(site.pbx.clone())));
    }
    let app = Arc::new(App {
        origins: config.origins(port),
        url: url(config, port),
        config: config.clone(),
        config_file: file,
        sites,
        hub: hub.clone(),
        store: store.clone(),
        audit,
        failures: Failures::new(config.http.failures),
        counters,
        trouble: troubles,
        recent,
        people,
        callers,
        signing_in: http::signin::SigningIn::default(),
    });
    keepers.spawn(cut_revoked(app.clone()));
    Ok(Running {
        keepers,
        app,
        hub,
        engines,
        writers,
    })
}

/// How people reach the server.
pub(crate) fn url(config: &Config, port: u16) -> String {
    match config.public_url.trim_end_matches('/') {
        "" => {
            let scheme = if config.tls.certificate.is_empty() {
                "http"
            } else {
                "https"
            };
            let host = config
                .listen
                .rsplit_once(':')
                .map_or("127.0.0.1", |(host, _)| host);
            let host = if matches!(host, "0.0.0.0" | "[::]") {
                "127.0.0.1"
            } else {
                host
            };
            format!("{scheme}://{host}:{port}")
        }
        url => url.to_owned(),
    }
}

/// Contact sources, whose numbers are read in the way of the first site.
async fn contact_sources(
    config: &Config,
    sites: &[Site],
    file: Option<&Path>,
    store: &Store,
) -> Result<Callers> {
    let plan = sites.first().map(|site| site.dial_plan.clone());
    let plan = plan.unwrap_or_else(|| DialPlan::new(Region::GB));
    let callers = Callers::open(config, file, plan, store.clone());
    callers.await.map_err(anyhow::Error::msg)
}

async fn show_board(writer: &Writer) {
    let since = Board::ClosedSince(crate::clock::store_ms() - BOARD_BACK);
    for board in [Board::Open, since] {
        match writer.store.missed_board(board, 500).await {
            Ok(items) => {
                let items = items.into_iter().map(|item| {
                    let item = journal::item(item, None, None);
                    (item.item.clone(), Some(item))
                });
                let _ = writer.hub.tell(Ask::Board(items.collect())).await;
            }
            Err(error) => warn!(%error, "the board of missed calls cannot be read"),
        }
    }
}

async fn count(counters: Arc<Counters>) {
    const SECONDS: u64 = 10;
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(SECONDS)).await;
        let now = counters.facts_told.load(Relaxed);
        counters.set_per_second((now - before) / SECONDS);
        before = now;
    }
}

/// By the command line, or by another server on the same store.
async fn cut_revoked(app: Arc<App>) {
    let mut looked = crate::clock::store_ms();
    loop {
        tokio::time::sleep(REVOKED).await;
        // Some are seen again and cut again, which costs nothing. None is missed for a clock that was set or for
        // another's revocation that was written a moment earlier and is seen a moment later.
        let now = crate::clock::store_ms();
        match app
            .store
            .revoked_since(looked.min(now) - REVOKED_AGAIN)
            .await
        {
            Ok(revoked) => {
                looked = now;
                for (device, _) in revoked {
                    http::cut(&app, device.as_str()).await;
                }
            }
            Err(error) => warn!(%error, "revoked devices cannot be read"),
        }
    }
}

/// Says that the server lives only if its hub answers.
async fn watchdog(hub: HubHandle) {
    let Some(every) = notify::watchdog() else {
        return;
    };
    loop {
        tokio::time::sleep(every).await;
        match hub.health().await {
            Ok(_) => notify::alive(),
            Err(why) => error!(error = %why.message, "the hub does not answer"),
        }
    }
}

fn write_port(config: &Config, port: u16) -> Result<()> {
    if config.port_file.is_empty() {
        return Ok(());
    }
    let path = Path::new(&config.port_file);
    let new = path.with_extension("new");
    std::fs::write(&new, port.to_string())
        .and_then(|()| std::fs::rename(&new, path))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(unix)]
async fn signalled() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signalled() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
