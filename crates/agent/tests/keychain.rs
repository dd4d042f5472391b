//! Secrets of contact sources lie in a real keychain, and nowhere else.
#![cfg(target_os = "linux")]

use agent_link::{Client, Place};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::session::{DesktopSession, Keyring, Options};
use view::{Connector, ConnectorSettings, ConnectorState, Reply, Request, SecretText, Snapshot};

const LIMIT: Duration = Duration::from_secs(30);
const SECRET: &str = "hunter2-of-the-directory";

#[test]
fn the_secrets_of_a_contact_source_are_in_the_keychain_and_in_no_file() {
    let session = session(Keyring::Unlocked);
    let mut desk = Desk::start(&session);
    assert_eq!(desk.ask(save(&[("password", SECRET)])), Reply::Done);
    let connector = desk.until(|connector| connector.state == ConnectorState::Ready);
    assert!(is_stored(&connector, "password"), "{connector:?}");
    assert_eq!(connector.not_kept, None);

    desk.stop();
    let files = everything_below(&session.home());
    assert!(
        files.contains("ldaps://ldap.example"),
        "the settings are there"
    );
    assert!(files.contains("started"), "the log is there");
    assert!(!files.contains(SECRET), "a file has the secret");

    desk = Desk::start(&session);
    let again = desk.until(|connector| connector.state == ConnectorState::Ready);
    assert!(is_stored(&again, "password"), "it comes back: {again:?}");

    let remove = Request::RemoveConnector {
        connector: "firm".into(),
    };
    assert_eq!(desk.ask(remove), Reply::Done);
    // The keychain is asked one thing after the other, so what is saved next finds what was removed before.
    assert_eq!(desk.ask(save(&[])), Reply::Done);
    let anew = desk.until(|connector| connector.state == ConnectorState::Ready);
    assert!(!is_stored(&anew, "password"), "it was forgotten: {anew:?}");
}

#[test]
fn a_locked_keychain_is_said_and_a_source_comes_back_when_it_is_open() {
    let session = session(Keyring::Unlocked);
    let mut desk = Desk::start(&session);
    assert_eq!(desk.ask(save(&[("password", SECRET)])), Reply::Done);
    desk.until(|connector| connector.state == ConnectorState::Ready);
    desk.stop();
    session.lock_keyring().expect("locked");
    desk = Desk::start(&session);
    let connector =
        desk.until(|connector| matches!(connector.state, ConnectorState::Trouble { .. }));
    let ConnectorState::Trouble { words } = connector.state else {
        panic!("it is in trouble");
    };
    assert!(words.contains("locked"), "{words}");
    unlock(&session);
    let connector = desk.until(|connector| connector.state == ConnectorState::Ready);
    assert!(is_stored(&connector, "password"), "{connector:?}");
}

#[test]
fn without_a_keychain_secrets_are_kept_for_this_run_and_it_is_said() {
    let session = session(Keyring::None);
    let desk = Desk::start(&session);
    assert_eq!(desk.ask(save(&[("password", SECRET)])), Reply::Done);
    let connector = desk.until(|connector| connector.state == ConnectorState::Ready);
    let words = connector.not_kept.clone().expect("is said");
    assert!(words.contains("no keychain"), "{words}");
    assert!(is_stored(&connector, "password"), "{connector:?}");
}

fn session(keyring: Keyring) -> DesktopSession {
    DesktopSession::start(&Options {
        keyring,
        tray_host: false,
        notifications: false,
        ..Options::default()
    })
    .expect("a session")
}

/// As signing in to a session does (gnome-keyring's `gkd-control-codes.h`): a byte for the credentials, then a packet of
/// its length, the operation "unlock" and the password.
fn unlock(session: &DesktopSession) {
    let password = b"sidetone";
    let control = session.runtime_folder().join("keyring/control");
    let mut control = UnixStream::connect(control).expect("the keychain listens");
    let mut packet = vec![0];
    let length = u32::try_from(12 + password.len()).expect("short");
    packet.extend(length.to_be_bytes());
    packet.extend(1_u32.to_be_bytes());
    packet.extend((length - 12).to_be_bytes());
    packet.extend(password);
    control.write_all(&packet).expect("written");
    let mut answer = [0; 8];
    control.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[4..], [0; 4], "the keychain is open");
}

fn save(secrets: &[(&str, &str)]) -> Request {
    let values = [("url", "ldaps://ldap.example"), ("base", "dc=example")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let secrets = secrets.iter();
    let secrets = secrets.map(|(name, secret)| {
        let secret = SecretText::from((*secret).to_owned());
        ((*name).to_owned(), secret)
    });
    Request::SaveConnector {
        connector: ConnectorSettings {
            id: "firm".into(),
            file: "ldap".into(),
            enabled: true,
            values: BTreeMap::from(values),
        },
        secrets: secrets.collect(),
    }
}

fn is_stored(connector: &Connector, field: &str) -> bool {
    let mut fields = connector.fields.iter();
    fields.any(|known| known.name == field && known.is_stored)
}

/// All files as one text; the keychain's own are not ours.
fn everything_below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.ends_with("keyrings") {
            continue;
        }
        if path.is_dir() {
            text += &everything_below(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            text += &String::from_utf8_lossy(&bytes);
        }
    }
    text
}

/// An agent of the session; ended when dropped.
struct Desk {
    agent: Child,
    place: Place,
}

impl Desk {
    fn start(session: &DesktopSession) -> Self {
        let mut command: Command = session.command(env!("CARGO_BIN_EXE_sidetone"));
        command
            .env("SIDETONE_UI", "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let agent = session.spawn(&mut command).expect("sidetone starts");
        let place = Place::at(session.runtime_folder().join("sidetone")).expect("a folder");
        let desk = Self { agent, place };
        desk.snapshot();
        desk
    }

    /// The answer, as soon as the agent is there.
    fn ask(&self, request: Request) -> Reply {
        let until = Instant::now() + LIMIT;
        loop {
            match Client::connect(&self.place, LIMIT) {
                Ok(client) => return client.ask(request).expect("an answer"),
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            pause();
        }
    }

    fn snapshot(&self) -> Snapshot {
        let Reply::Snapshot(snapshot) = self.ask(Request::Snapshot) else {
            panic!("a snapshot was asked for");
        };
        *snapshot
    }

    /// The contact source, once it is as it should be.
    fn until(&self, is_so: impl Fn(&Connector) -> bool) -> Connector {
        let until = Instant::now() + LIMIT;
        loop {
            let connected = self.snapshot().state.settings.connectors.connected;
            if let [connector] = connected.as_slice()
                && is_so(connector)
            {
                return connector.clone();
            }
            assert!(Instant::now() < until, "{connected:?}");
            pause();
        }
    }

    fn stop(mut self) {
        self.ask(Request::Quit);
        let until = Instant::now() + LIMIT;
        while self.agent.try_wait().expect("wait").is_none() {
            assert!(Instant::now() < until, "it does not end");
            pause();
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// Between two looks at something that gives no event.
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
