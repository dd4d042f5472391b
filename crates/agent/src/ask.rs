//! The short life of a command: hand over to the running agent, print, end.

use crate::cli::{Command, Exit};
use crate::{caller, run};
use agent_link::{AskError, Client, Place};
use anyhow::Context as _;
use std::io::Write as _;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use view::{
    CardPhase, ConnectorState, Person, Reply, Request, ServerView, SettingsView, Source, Status,
    Window, Wish,
};
use wire::{Answer, EnrolLink, SourceReport, SourceState};

/// The agent answers at once; a look-up may take a quarter of a second.
const ANSWER: Duration = Duration::from_secs(5);
/// A server far away is asked; it has half a minute.
const ENROL: Duration = Duration::from_secs(40);
/// A CRM that takes longer is not waited for.
const WHO: Duration = Duration::from_secs(12);
/// A fresh agent opens its socket within milliseconds; this is ten times a slow disk's.
const START: Duration = Duration::from_secs(5);

/// `sidetone` without arguments: becomes the agent, or shows the one that runs.
pub(crate) fn start() -> ExitCode {
    let place = match Place::of_this_user() {
        Ok(place) => place,
        Err(error) => return failed(&anyhow::Error::from(error)),
    };
    match run::agent(&place) {
        Ok(run::Ended::Done) => ExitCode::SUCCESS,
        Ok(run::Ended::AnotherRuns) => hand_over(Command::Show(Window::Panel)),
        Err(error) => failed(&error),
    }
}

/// Every other command.
pub(crate) fn hand_over(command: Command) -> ExitCode {
    let place = match Place::of_this_user() {
        Ok(place) => place,
        Err(error) => return failed(&anyhow::Error::from(error)),
    };
    let starts = matches!(
        command,
        Command::Link(_) | Command::Dial(_) | Command::Show(_) | Command::Enrol { .. }
    );
    let within = match command {
        Command::Enrol { .. } => ENROL,
        Command::Start
        | Command::Link(_)
        | Command::Dial(_)
        | Command::HangUp
        | Command::Status { .. }
        | Command::Show(_)
        | Command::SignOut
        | Command::Who(_)
        | Command::Sources
        | Command::Connector(_)
        | Command::Quit => ANSWER,
    };
    let asked = match Client::connect(&place, within) {
        Err(AskError::NotRunning) if starts => start_agent(&place, within),
        connected => connected.map_err(anyhow::Error::from),
    };
    if let Command::Who(text) = command {
        return who(&place, &text);
    }
    let is_json = command == Command::Status { json: true };
    let answer = asked.and_then(|client| Ok(client.ask(request(command))?));
    match answer {
        Ok(reply) => print(reply, is_json),
        Err(error) => not_answered(&error),
    }
}

fn not_answered(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<AskError>() {
        Some(AskError::NotRunning) => {
            complain("sidetone: Sidetone is not running. Start it with `sidetone`.");
            Exit::NotRunning.into()
        }
        Some(AskError::Late(_) | AskError::NotUnderstood | AskError::Io(_)) | None => failed(error),
    }
}

/// The connectors' own command: reads files and, where told so, asks a CRM; without the agent and its secrets.
pub(crate) fn connector(arguments: &[String]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let report = runtime.block_on(crm::cli::run(arguments));
            say(report.text.trim_end());
            report.code.into()
        }
        Err(error) => failed(&error.into()),
    }
}

/// Asks again while a source still looks; each answer takes half a second at most.
fn who(place: &Place, text: &str) -> ExitCode {
    let until = Instant::now() + WHO;
    loop {
        let wish = request(Command::Who(text.to_owned()));
        let client = Client::connect(place, ANSWER);
        match client.and_then(|client| client.ask(wish)) {
            Ok(Reply::Answer(Answer::Found { people, sources })) => {
                let is_asking = sources
                    .iter()
                    .any(|source| source.state == SourceState::Asking);
                if !is_asking || Instant::now() >= until {
                    say(&found_text(&people, &sources));
                    return ExitCode::SUCCESS;
                }
            }
            Ok(Reply::Answer(Answer::Failed(failure))) => {
                complain(&format!("sidetone: {}", failure.message));
                return Exit::Refused.into();
            }
            Ok(reply) => return print(reply, false),
            Err(error) => return not_answered(&error.into()),
        }
    }
}

/// People first, then what each source said.
fn found_text(people: &[Person], sources: &[SourceReport]) -> String {
    let mut lines: Vec<String> = people.iter().map(person_text).collect();
    if people.is_empty() {
        lines.push("Nobody.".to_owned());
    }
    lines.extend(sources.iter().map(source_text));
    lines.join("\n")
}

/// `Ada Lovelace, Analytical Engines, ada@engines.example, https://crm.example/7 (Tryton)`
fn person_text(person: &Person) -> String {
    let parts = [&person.company, &person.email, &person.url];
    let parts = parts.into_iter().flatten();
    let text = parts.fold(person.name.clone(), |text, part| text + ", " + part);
    let likely = if person.likely { ", likely" } else { "" };
    format!("{text} ({}{likely})", person.source)
}

fn source_text(report: &SourceReport) -> String {
    let said = match &report.state {
        SourceState::Asking => "still looks".to_owned(),
        SourceState::Found { people } => format!("{people} found"),
        SourceState::Nobody => "nobody".to_owned(),
        SourceState::Failed { words } => words.clone(),
    };
    let took = report.took_ms.map(|took| format!(", {took} ms"));
    let cached = if report.cached {
        ", known from before"
    } else {
        ""
    };
    format!(
        "  {}: {said}{}{cached}",
        report.source,
        took.unwrap_or_default()
    )
}

/// A line each, in the order in which they are asked.
fn connectors_text(settings: &SettingsView) -> String {
    let connected = settings.connectors.connected.iter().map(|connector| {
        let state = match &connector.state {
            ConnectorState::Off => "off".to_owned(),
            ConnectorState::Starting => "being made ready".to_owned(),
            ConnectorState::Ready => "ready".to_owned(),
            ConnectorState::Works { took_ms, .. } => format!("works, last answer in {took_ms} ms"),
            ConnectorState::Trouble { words } => words.clone(),
        };
        format!("{} ({}): {state}", connector.id, connector.title)
    });
    let mut lines: Vec<String> = connected.collect();
    let book = settings.settings.contacts_file.as_str();
    if !book.is_empty() {
        let words = settings.contacts.as_deref().unwrap_or("being read");
        lines.push(format!("contacts ({book}): {words}"));
    }
    if lines.is_empty() {
        lines.push("Nothing is connected. `sidetone show settings` connects a CRM, a directory or a contacts file.".to_owned());
    }
    lines.join("\n")
}

fn request(command: Command) -> Request {
    match command {
        Command::Start => Request::Show {
            window: Window::Panel,
        },
        Command::Link(text) => {
            let source = Source::Link {
                program: caller::program(),
            };
            if EnrolLink::looks_like(&text) {
                return Request::Enrol {
                    text,
                    server: None,
                    source,
                };
            }
            Request::Dial {
                text,
                source,
                request_id: request_id(),
            }
        }
        Command::Dial(text) => Request::Dial {
            text,
            source: Source::Typed,
            request_id: request_id(),
        },
        Command::HangUp => Request::HangUp { call: None },
        Command::Status { .. } => Request::Status,
        Command::Show(window) => Request::Show { window },
        Command::Enrol { text, server } => Request::Enrol {
            text,
            server,
            source: Source::Typed,
        },
        Command::SignOut => Request::SignOut,
        // What connectors are tried with is no affair of the agent's.
        Command::Sources | Command::Connector(_) => Request::Snapshot,
        Command::Who(text) => Request::Wish {
            request_id: request_id(),
            wish: Wish::FindPeople { text },
        },
        Command::Quit => Request::Quit,
    }
}

/// Each start of the program is a wish of its own; the agent knows double clicks by the target.
fn request_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("cli-{}-{}", std::process::id(), now.as_micros())
}

/// Starts an agent of its own life and connects as soon as it listens.
fn start_agent(place: &Place, within: Duration) -> anyhow::Result<Client> {
    let program = std::env::current_exe().context("find our own program")?;
    let mut agent = std::process::Command::new(program);
    agent
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut agent, 0);
    agent.spawn().context("start Sidetone")?;
    let until = Instant::now() + START;
    loop {
        match Client::connect(place, within) {
            Err(AskError::NotRunning) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(10))
            }
            connected => return Ok(connected?),
        }
    }
}

fn print(reply: Reply, json: bool) -> ExitCode {
    match reply {
        Reply::Done => ExitCode::SUCCESS,
        Reply::Dialling { .. } => {
            say(
                "Your phone rings first. `sidetone status` tells how far it is, `sidetone hangup` stops it.",
            );
            ExitCode::SUCCESS
        }
        Reply::AskedFirst { .. } => {
            say("Sidetone asks first: confirm it in its window.");
            ExitCode::SUCCESS
        }
        Reply::Status(status) if json => match serde_json::to_string_pretty(&status) {
            Ok(text) => {
                say(&text);
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error.into()),
        },
        Reply::Status(status) => {
            say(&status_text(&status));
            ExitCode::SUCCESS
        }
        Reply::Enrolled(server) => {
            say(&format!("Connected: {}.", server_text(&server)));
            ExitCode::SUCCESS
        }
        Reply::Refused(refusal) => {
            complain(&format!("sidetone: {}", refusal.words));
            Exit::Refused.into()
        }
        Reply::Snapshot(snapshot) => {
            say(&connectors_text(&snapshot.state.settings));
            ExitCode::SUCCESS
        }
        Reply::Explanation(_) | Reply::Answer(_) | Reply::Findings(_) | Reply::ConnectorKind(_) => {
            complain("sidetone: an answer to something else");
            Exit::Failed.into()
        }
    }
}

fn status_text(status: &Status) -> String {
    let lamp = status.me.lamp.word();
    let me = match status.me.extension.as_str() {
        "" => lamp.to_owned(),
        extension => format!("{extension}: {lamp}"),
    };
    let mut lines = vec![me, status.connection.words()];
    let server = status.server.as_ref();
    lines.extend(server.map(|server| format!("Server: {}", server_text(server))));
    lines.extend(status.me.phone_trouble.clone());
    for card in &status.cards {
        let who = card
            .people
            .one()
            .map(|person| person.name.as_str())
            .or(card.party.name.as_deref());
        let number = card.party.number.as_deref().unwrap_or("number withheld");
        let phase = match &card.phase {
            CardPhase::Ringing => "calls".to_owned(),
            CardPhase::Talking { .. } => "is on the line".to_owned(),
            CardPhase::AnsweredElsewhere { by } => format!("was answered by {by}"),
            CardPhase::Missed => "was missed".to_owned(),
            CardPhase::Ended { words } | CardPhase::Unknown { words } => words.clone(),
        };
        lines.push(
            format!("{} {number} {phase}", who.unwrap_or_default())
                .trim_start()
                .to_owned(),
        );
    }
    for dial in &status.dials {
        lines.push(format!(
            "to {}: {}",
            dial.display,
            dial.step.words(&status.me.extension)
        ));
    }
    lines.join("\n")
}

/// `pbx.example (Sidetone server 1.2), Anna, extension 101`
fn server_text(server: &ServerView) -> String {
    let name = server.server.as_ref().map(|name| format!(" ({name})"));
    let person = server.person.as_ref().map(|person| format!(", {person}"));
    let extension = server.extension.as_ref();
    let extension = extension.map(|extension| format!(", extension {extension}"));
    let parts = [name, person, extension].into_iter().flatten();
    parts.fold(server.host.clone(), |text, part| text + &part)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    complain(&format!("sidetone: {error:#}"));
    Exit::Failed.into()
}

/// Prints a line; a closed pipe is not our trouble.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
