//! The agent's loop: one input at a time to the controller, then what it asked for.

use crate::colleagues::Colleagues;
use crate::keychain::Keychain;
use crate::notices::{Notices, Pressed};
use crate::people::{self, People};
use crate::server_line::{self, ServerLine};
use crate::shell::{Effect, Effects};
use crate::tray::TrayThread;
use crate::window_program::{Fate, WindowProgram};
use crate::{links, logs, opener, settings_file};
use agent_link::{BindError, Place, Server, ServerEvent};
use anyhow::Context as _;
use desktop::{
    ClientId, Controller, Input, Keep, Notification, Now, SecretOutcome, ServerCommand, TrayAction,
};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use view::{AgentMessage, Role, Settings};
use wire::rest::Enrolled;

/// Signing out shall be done by the end of the program; a locked keychain keeps nobody from ending it.
const FORGET: Duration = Duration::from_secs(2);

/// How the agent's life ended.
pub(crate) enum Ended {
    Done,
    AnotherRuns,
}

/// What wakes the loop.
enum Tick {
    Server(Option<ServerEvent>),
    Engine(Option<(engine::DeskId, engine::Update)>),
    Line(desktop::ServerEvent),
    Colleagues(Vec<wire::Fact>),
    Inner(Inner),
    /// A contact source has become ready, or does otherwise than before.
    Sources,
    People(people::Done),
    Tray(TrayAction),
    TrayHost(bool),
    Notice(Pressed),
    Windows(Fate),
    Timeout,
    EndSignal,
}

/// Answers of what took time.
enum Inner {
    Secret(SecretOutcome),
    Enrolled(Result<Box<Enrolled>, String>),
    Saved(Result<(), String>),
    Links(view::Tick),
}

/// Lives until somebody says quit.
pub(crate) fn agent(place: &Place) -> anyhow::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_secs(2))
        .build()?;
    let ended = runtime.block_on(async {
        let server = match Server::bind(place) {
            Ok(server) => server,
            Err(BindError::Running) => return Ok(Ended::AnotherRuns),
            Err(error @ (BindError::Place(_) | BindError::Io(_))) => return Err(error.into()),
        };
        Agent::start(server)?.live().await
    });
    // A locked keychain may hold a thread for ever; nobody waits for it.
    runtime.shutdown_background();
    ended
}

struct Agent {
    server: Server,
    controller: Controller<Effects>,
    engine: engine::Handle,
    updates: engine::Updates,
    line: ServerLine,
    colleagues: Colleagues,
    /// A token on its way out of the keychain.
    forgetting: Option<JoinHandle<()>>,
    people: People,
    answers: mpsc::Receiver<people::Done>,
    windows_client: Option<u64>,
    windows: WindowProgram,
    tray: TrayThread,
    notices: Notices,
    keychain: Keychain,
    settings_path: Option<PathBuf>,
    inner: mpsc::Sender<Inner>,
    inbox: mpsc::Receiver<Inner>,
    clicks: mpsc::Receiver<TrayAction>,
    hosts: watch::Receiver<bool>,
    pressed: mpsc::Receiver<Pressed>,
    quitting: bool,
}

impl Agent {
    fn start(server: Server) -> anyhow::Result<Self> {
        let (click, clicks) = mpsc::channel(32);
        let (host, hosts) = watch::channel(false);
        let (press, pressed) = mpsc::channel(32);
        let (inner, inbox) = mpsc::channel(32);
        let settings_path = settings_file::path();
        let loaded = settings_path
            .as_deref()
            .map(settings_file::load)
            .unwrap_or_default();
        let keychain = Keychain::default();
        let (answer, answers) = mpsc::channel(32);
        let people = People::new(keychain.clone(), &loaded.settings, answer);
        let (engine, updates) = engine::spawn(people.directory());
        let mut agent = Self {
            server,
            controller: Controller::new(Effects::default(), loaded.settings),
            engine,
            updates,
            line: ServerLine::default(),
            colleagues: Colleagues::default(),
            forgetting: None,
            people,
            answers,
            windows_client: None,
            windows: WindowProgram::default(),
            tray: TrayThread::start(click, host).context("start the tray")?,
            notices: Notices::start(press).context("start notifications")?,
            keychain,
            settings_path,
            inner,
            inbox,
            clicks,
            hosts,
            pressed,
            quitting: false,
        };
        agent.act();
        logs::init();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
        if let Some(words) = loaded.trouble {
            tracing::warn!(%words, "settings");
            let title = "Settings were not read".to_owned();
            agent.notices.show(Notification {
                key: "settings".into(),
                title,
                body: words,
                urgent: false,
                hang_up: false,
            });
        }
        Ok(agent)
    }

    async fn live(mut self) -> anyhow::Result<Ended> {
        let mut end = EndSignals::new()?;
        while !self.quitting {
            let due = self.controller.poll_timeout();
            let timeout = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let tick = tokio::select! {
                event = self.server.next() => Tick::Server(event),
                update = self.updates.next() => Tick::Engine(update),
                event = self.line.next() => Tick::Line(event),
                facts = self.colleagues.next() => Tick::Colleagues(facts),
                Some(inner) = self.inbox.recv() => Tick::Inner(inner),
                () = self.people.changed() => Tick::Sources,
                Some(done) = self.answers.recv() => Tick::People(done),
                Some(action) = self.clicks.recv() => Tick::Tray(action),
                Ok(()) = self.hosts.changed() => Tick::TrayHost(*self.hosts.borrow_and_update()),
                Some(pressed) = self.pressed.recv() => Tick::Notice(pressed),
                fate = self.windows.next() => Tick::Windows(fate),
                () = timeout => Tick::Timeout,
                () = end.next() => Tick::EndSignal,
            };
            self.tick(tick)?;
            self.act();
        }
        if let Some(forgetting) = self.forgetting.take() {
            let _ = tokio::time::timeout(FORGET, forgetting).await;
        }
        self.people.end().await;
        self.server.close().await;
        tracing::info!("ended");
        Ok(Ended::Done)
    }

    fn tick(&mut self, tick: Tick) -> anyhow::Result<()> {
        match tick {
            Tick::Server(Some(event)) => self.server_event(event),
            Tick::Server(None) => anyhow::bail!("the local socket is gone"),
            Tick::Engine(Some((_, update))) => self.input(Input::Backend(update)),
            Tick::Engine(None) => anyhow::bail!("the engine has ended"),
            Tick::Colleagues(facts) => self.input(Input::Facts(facts)),
            Tick::Line(event) => self.input(Input::Server(event)),
            Tick::Inner(Inner::Enrolled(outcome)) => self.input(Input::Enrolled(outcome)),
            Tick::Inner(Inner::Secret(outcome)) => self.input(Input::Secret(outcome)),
            Tick::Inner(Inner::Saved(result)) => self.input(Input::SettingsSaved(result)),
            Tick::Inner(Inner::Links(tick)) => self.input(Input::Links(tick)),
            Tick::Sources => {
                let news = self.people.news();
                self.told(news);
            }
            Tick::People(people::Done::Wish { id, answer, linked }) => {
                let answer = *answer;
                self.input(Input::People { id, answer, linked });
            }
            Tick::People(people::Done::Connector(news)) => self.input(Input::Connectors(news)),
            Tick::Tray(action) => self.input(Input::Tray(action)),
            Tick::TrayHost(there) => self.input(Input::TrayShown(there)),
            Tick::Notice(Pressed { key, action }) => {
                self.input(Input::Notification { key, action })
            }
            Tick::Windows(Fate::Ended | Fate::Again) => {}
            Tick::Windows(Fate::GivenUp { words }) => self.input(Input::WindowsFailed { words }),
            Tick::Timeout => self.input(Input::Timeout),
            Tick::EndSignal => self.input(Input::Tray(TrayAction::Quit)),
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        self.controller.handle(input, now());
    }

    fn server_event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Connected {
                client,
                role: Role::Windows,
            } => {
                // One window program: a newer one takes the place of an older.
                if let Some(older) = self.windows_client.replace(client) {
                    self.server.cut_off(older);
                }
                self.windows.came_up();
                self.input(Input::WindowsConnected(ClientId(client)));
            }
            ServerEvent::Connected {
                role: Role::CommandLine,
                ..
            } => {}
            ServerEvent::Request { client, message } => {
                self.input(Input::Client {
                    client: ClientId(client),
                    id: message.id,
                    request: message.request,
                });
            }
            ServerEvent::Gone { client } => {
                self.input(Input::ClientGone(ClientId(client)));
                if self
                    .windows_client
                    .take_if(|windows| *windows == client)
                    .is_some()
                {
                    self.input(Input::WindowsGone);
                }
            }
        }
    }

    /// Does what the controller asked for.
    fn act(&mut self) {
        for effect in std::mem::take(&mut self.controller.shell_mut().list) {
            self.do_one(effect);
        }
    }

    fn do_one(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(client, id, reply) => self
                .server
                .send(client.0, &AgentMessage::Reply { id, reply }),
            Effect::Publish(message) => {
                if let Some(windows) = self.windows_client {
                    self.server.send(windows, &message);
                }
            }
            Effect::Tray(tray) => self.tray.set(&tray),
            Effect::Notify(notification) => self.notices.show(notification),
            Effect::Withdraw(key) => self.notices.withdraw(key),
            Effect::Windows(Keep::Running) => {
                if let Some(Fate::GivenUp { words }) = self.windows.want() {
                    self.input(Input::WindowsFailed { words });
                    self.act();
                }
            }
            Effect::Windows(Keep::Ended) => {
                if let Some(windows) = self.windows_client {
                    self.server.send(windows, &AgentMessage::End);
                }
                self.windows.end();
            }
            Effect::Backend(command) => {
                if self.engine.send(command).is_err() {
                    tracing::error!("the engine takes no more commands");
                }
            }
            Effect::Server(command) => self.server(command),
            Effect::Follow(settings) => self.colleagues.follow(settings.as_ref(), &self.engine),
            Effect::SaveSettings(settings) => self.save(settings),
            Effect::LoadSecret(settings) => {
                // Asked for when somebody wants to connect: what waits for the same keychain may try again too.
                self.people.retry();
                let (keychain, inner) = (self.keychain.clone(), self.inner.clone());
                tokio::spawn(async move {
                    drop(
                        inner
                            .send(Inner::Secret(keychain.load(settings).await))
                            .await,
                    )
                });
            }
            Effect::StoreSecret(settings, secret) => {
                let (keychain, inner) = (self.keychain.clone(), self.inner.clone());
                tokio::spawn(async move {
                    drop(
                        inner
                            .send(Inner::Secret(keychain.store(settings, secret).await))
                            .await,
                    )
                });
            }
            Effect::ForgetSecret(settings) => {
                let forgetting = self.keychain.clone().forget(settings);
                self.forgetting = Some(tokio::spawn(forgetting));
            }
            Effect::UseSources(settings) => {
                let told = self.people.follow(&settings);
                self.told(told);
            }
            Effect::People(id, wish) => {
                let told = self.people.wish(id, wish);
                self.told(told);
            }
            Effect::Connector(command) => self.people.connector_command(command),
            Effect::OpenLink(url) => {
                tokio::task::spawn_blocking(move || opener::open(&url));
            }
            Effect::CheckLinks => self.blocking(|| Inner::Links(links::check())),
            Effect::TakeLinks => self.blocking(|| Inner::Links(links::take())),
            Effect::Quit => self.quitting = true,
        }
    }

    fn server(&mut self, command: ServerCommand) {
        if let ServerCommand::Enrol {
            server,
            tls,
            code,
            device,
        } = command
        {
            let inner = self.inner.clone();
            tokio::spawn(async move {
                let outcome = server_line::enrol(server, tls, code, device).await;
                drop(inner.send(Inner::Enrolled(outcome)).await);
            });
        } else if let Some(event) = self.line.command(command) {
            self.input(Input::Server(event));
            self.act();
        }
    }

    fn blocking(&self, work: impl FnOnce() -> Inner + Send + 'static) {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || drop(inner.blocking_send(work())));
    }

    fn save(&self, settings: Settings) {
        let path = self.settings_path.clone();
        self.blocking(move || {
            Inner::Saved(match path {
                Some(path) => settings_file::save(&path, &settings),
                None => Err("Not saved: there is no home folder.".into()),
            })
        });
    }

    /// What is known at once, as if it had come later.
    fn told(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            self.input(input);
        }
        self.act();
    }
}

fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        instant: Instant::now(),
        unix_us: u64::try_from(unix.as_micros()).unwrap_or(u64::MAX),
    }
}

/// The system asks us to end.
struct EndSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Kept: a listener made anew each time would miss what came in between.
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl EndSignals {
    fn new() -> anyhow::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
