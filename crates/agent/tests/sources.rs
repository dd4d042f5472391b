//! A CRM of one's own, described by a text file and asked by the running program: read, tried, connected, found in, changed.
#![cfg(unix)]

mod home;

use agent_link::{Client, Place};
use home::{Home, LIMIT, pause, text};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Instant;
use view::{Connector, ConnectorSettings, ConnectorState, Reply, Request, SecretText, Wish};
use wire::Answer;

const TOKEN: &str = "t0ken-of-the-crm";

#[test]
fn a_crm_of_ones_own_is_tried_connected_and_asked_and_follows_its_file() {
    let (home, crm) = (Home::new(), crm());
    let mut agent = home.start();
    let desk = Desk::of(&home);
    let file = desk.write(OWN);

    let Reply::ConnectorKind(kind) = desk.ask(Request::ReadConnectorFile { file: desk.file() })
    else {
        panic!("a form was asked for");
    };
    assert_eq!(
        (kind.title.as_str(), &kind.trouble[..]),
        ("Own CRM", &[][..])
    );
    let names: Vec<&str> = kind
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["base_url", "token"]);

    let refused = desk.test(crm, "wrong-t0ken");
    assert!(
        refused.0.is_empty() && refused.1.contains("no such token"),
        "{refused:?}"
    );
    assert_eq!(
        desk.test(crm, TOKEN),
        ("2 people".to_owned(), String::new())
    );

    assert_eq!(desk.ask(desk.save(crm)), Reply::Done);
    desk.until(|connector| connector.state == ConnectorState::Ready);
    assert_eq!(desk.find("ada"), ["Ada Lovelace of Engines"]);
    desk.until(|connector| matches!(connector.state, ConnectorState::Works { .. }));

    let said = text(&home.run(&["who", "Ada"]).stdout);
    assert!(
        said.starts_with("Ada Lovelace, Engines (Own CRM)\n  Own CRM: 1 found, "),
        "{said}"
    );
    let said = text(&home.run(&["sources"]).stdout);
    assert!(
        said.starts_with("own (Own CRM): works, last answer in "),
        "{said}"
    );

    let tested = home.run(&["connector", "test", &desk.file()]);
    let said = text(&tested.stdout);
    assert!(
        said.contains("the file is good") && tested.status.code() == Some(0),
        "{tested:?}"
    );

    std::fs::write(&file, "format = 1\nid = [").expect("written");
    let broken = desk.until(|connector| matches!(connector.state, ConnectorState::Trouble { .. }));
    let words = format!("{:?}", broken.state);
    assert!(words.contains("own.toml:2:"), "{words}");
    assert_eq!(
        desk.find("lovelace"),
        ["Ada Lovelace of Engines"],
        "as it was before"
    );

    std::fs::write(&file, OWN.replace("/firm", "/city")).expect("written");
    desk.until(|connector| connector.state == ConnectorState::Ready);
    assert_eq!(desk.find("ada l"), ["Ada Lovelace of London"]);

    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
    let files = everything_below(home.path());
    assert!(
        files.contains("Own CRM") && files.contains("started"),
        "all was read"
    );
    assert!(!files.contains("t0ken"), "a file has the secret");
    assert!(!files.contains("Lovelace"), "a file has a person");
}

const OWN: &str = r#"
format = 1
id = "own"
name = "Own CRM"
executed = "all of it, by this test"

[params]
base_url = { kind = "url", required = true, title = { en = "Address" } }
token = { kind = "secret", required = true, title = { en = "Token" } }

[http]
base = "{{ params.base_url }}"
words = "/error"

[auth]
kind = "bearer"
token = "{{ params.token }}"

[[lookup]]
numbers = ["e164"]
request = { path = "/people", query = { number = "{{ number }}" } }
each = "/people"
map = { id = "/id", name = "/name", company = "/firm", phones = ["/phone"] }

[[find]]
request = { path = "/people", query = { text = "{{ text }}" } }
each = "/people"
map = { id = "/id", name = "/name", company = "/firm", phones = ["/phone"] }

[test]
request = { path = "/people" }
words = "{{ doc.count }} people"
"#;

/// A program that listens on a port of its own until the test ends.
fn crm() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(answer(&stream)));
        }
    });
    address
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next().transpose()? {
        let mut is_known = false;
        let mut header = line;
        while !header.is_empty() {
            is_known |= header.to_lowercase() == format!("authorization: bearer {TOKEN}");
            header = lines.next().transpose()?.unwrap_or_default();
        }
        let (status, body) = if is_known {
            let ada = r#"{"id": 1, "name": "Ada Lovelace", "firm": "Engines", "city": "London", "phone": "+442079460958"}"#;
            ("200 OK", format!(r#"{{"count": 2, "people": [{ada}]}}"#))
        } else {
            (
                "401 Unauthorized",
                r#"{"error": "no such token"}"#.to_owned(),
            )
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
    }
    Ok(())
}

/// The agent, as its settings window asks it.
struct Desk {
    place: Place,
    folder: PathBuf,
}

impl Desk {
    fn of(home: &Home) -> Self {
        let folder = home.path().join("config/sidetone/connectors");
        std::fs::create_dir_all(&folder).expect("a folder");
        Self {
            place: Place::at(home.path().join("run/sidetone")).expect("a place"),
            folder,
        }
    }

    fn file(&self) -> String {
        self.folder.join("own.toml").to_string_lossy().into_owned()
    }

    fn write(&self, text: &str) -> PathBuf {
        std::fs::write(self.file(), text).expect("written");
        self.file().into()
    }

    fn ask(&self, request: Request) -> Reply {
        let client = Client::connect(&self.place, LIMIT).expect("the agent is there");
        client.ask(request).expect("an answer")
    }

    fn settings(&self, crm: SocketAddr) -> ConnectorSettings {
        let base = ("base_url".to_owned(), format!("http://{crm}"));
        ConnectorSettings {
            id: "own".into(),
            file: self.file(),
            enabled: true,
            values: BTreeMap::from([base]),
        }
    }

    fn save(&self, crm: SocketAddr) -> Request {
        Request::SaveConnector {
            connector: self.settings(crm),
            secrets: secrets(TOKEN),
        }
    }

    /// What passed and what did not.
    fn test(&self, crm: SocketAddr, token: &str) -> (String, String) {
        let reply = self.ask(Request::TestConnector {
            connector: self.settings(crm),
            secrets: secrets(token),
        });
        let Reply::Findings(found) = reply else {
            panic!("it was tried: {reply:?}");
        };
        let words = |passed| {
            let findings = found
                .findings
                .iter()
                .filter(|finding| finding.passed == passed);
            findings.map(|finding| finding.words.as_str()).collect()
        };
        (words(true), words(false))
    }

    fn find(&self, text: &str) -> Vec<String> {
        let until = Instant::now() + LIMIT;
        loop {
            let reply = self.ask(Request::Wish {
                request_id: format!("find {text} {:?}", Instant::now()),
                wish: Wish::FindPeople { text: text.into() },
            });
            let Reply::Answer(Answer::Found { people, sources }) = reply else {
                panic!("people were looked for: {reply:?}");
            };
            let is_asking = sources
                .iter()
                .any(|source| source.state == wire::SourceState::Asking);
            if !is_asking {
                let name = |person: view::Person| {
                    format!("{} of {}", person.name, person.company.unwrap_or_default())
                };
                return people.into_iter().map(name).collect();
            }
            assert!(Instant::now() < until, "{sources:?}");
        }
    }

    /// The contact source, once it is as it should be.
    fn until(&self, is_so: impl Fn(&Connector) -> bool) -> Connector {
        let until = Instant::now() + LIMIT;
        loop {
            let Reply::Snapshot(snapshot) = self.ask(Request::Snapshot) else {
                panic!("a snapshot was asked for");
            };
            let connected = snapshot.state.settings.connectors.connected;
            if let [connector] = connected.as_slice()
                && is_so(connector)
            {
                return connector.clone();
            }
            assert!(Instant::now() < until, "{connected:?}");
            pause();
        }
    }
}

fn secrets(token: &str) -> BTreeMap<String, SecretText> {
    BTreeMap::from([("token".to_owned(), SecretText::from(token.to_owned()))])
}

/// All files as one text.
fn everything_below(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let texts = paths.map(|path| match path.is_dir() {
        true => everything_below(&path),
        false => String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned(),
    });
    texts.collect()
}
