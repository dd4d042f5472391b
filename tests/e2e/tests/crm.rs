//! Incoming calls on the real phone system, and a real CRM that knows who calls: the right card, what it says of its
//! sources, and a CRM in trouble. In server mode it is the server that asks.
#![cfg(target_os = "linux")]

use e2e::crm::{self, Connection};
use e2e::scene::DIRECT_LINE;
use e2e::sidetone::{binary, output};
use e2e::{Scene, Setup};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Tryton;
use testkit::phones::RawCaller;
use testkit::tryton::{Party, Phone};
use view::{Card, CardPhase, People, Status};
use wire::SourceState;

const SOON: Duration = Duration::from_secs(20);

/// Ivan's number as trunks write it, percent-encoded as SIP wants it.
const SPELLINGS: [&str; 5] = [
    "+79062195047",
    "89062195047",
    "(906)%20219-50-47",
    "9062195047",
    "+79062195047%20ext.%2012",
];

/// Who else calls, and who that is.
const OTHERS: [(&str, &[&str]); 5] = [
    ("+74951234567", &["Ada Lovelace", "Grace Hopper"]),
    ("+499062195047", &["Karl Weiss"]),
    // A part of Ivan's number, a number that his is a part of, and nobody's.
    ("2195047", &[]),
    ("790621950471", &[]),
    ("+79990001122", &[]),
];

#[test]
fn the_crm_names_the_right_person_however_the_trunk_writes_the_number() {
    let tryton = firm();
    let scene = scene(Connection::tryton(&tryton));
    let ivan: &[&str] = &["Ivan Ivanov"];
    let spellings = SPELLINGS.map(|spelling| (spelling, ivan));
    for (number, names) in spellings.into_iter().chain(OTHERS) {
        let caller = ring(&scene, number);
        let card = filled(&scene);
        assert_eq!(names_on(&card), names, "{number}: {card:?}");
        let report = crm::report(&card).expect("what Tryton said");
        let people = u32::try_from(names.len()).expect("a few");
        let said = match people {
            0 => SourceState::Nobody,
            people => SourceState::Found { people },
        };
        assert_eq!(report.state, said, "{number}");
        assert!(report.took_ms.is_some(), "{report:?}");
        end(&scene, caller);
    }
}

#[test]
fn a_crm_that_hangs_delays_no_card_and_the_card_says_so() {
    let tryton = firm();
    let scene = scene(Connection::tryton(&tryton));
    tryton.freeze().expect("freeze");
    let caller = ring(&scene, "+79062195047");
    let card = ringing(&scene);
    assert_eq!(card.party.number.as_deref(), Some("+7 906 219-50-47"));
    let report = crm::report(&card).expect("Tryton on the card");
    assert_eq!(report.state, SourceState::Asking, "before its deadline");
    let words = trouble(&scene);
    assert!(!words.contains("906"), "no number in {words}");
    tryton.thaw().expect("thaw");
    end(&scene, caller);
}

#[test]
fn a_crm_that_answers_nonsense_is_told_of_in_words() {
    for (status, kind, body, said) in [
        ("500 Oops", "text/plain", "database is locked", "500"),
        ("200 OK", "text/html", "<h1>Sign in</h1>", ""),
        ("200 OK", "application/json", "{\"result\": ", ""),
    ] {
        let address = answering(status, kind, body);
        let scene = scene(Connection::tryton_at(&format!("http://{address}")));
        let caller = ring(&scene, "+79062195047");
        let card = ringing(&scene);
        assert_eq!(card.party.number.as_deref(), Some("+7 906 219-50-47"));
        let words = trouble(&scene);
        assert!(
            words.contains(said) && !words.is_empty(),
            "{status}: {words}"
        );
        assert!(!words.contains("<h1>"), "{words}");
        end(&scene, caller);
    }
}

#[test]
fn both_programs_test_a_connector_on_the_real_crm() {
    let tryton = firm();
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    std::fs::write(&password, Tryton::PASSWORD).expect("a password");
    for program in ["sidetone", "sidetone-server"] {
        let program = binary(program).expect("a program");
        let mut test = Command::new(program);
        test.args(["connector", "test", "tryton", "--live"])
            .args(["--set", &format!("base_url={}", tryton.url())])
            .args(["--set", &format!("db={}", Tryton::DATABASE)])
            .args(["--set", &format!("user={}", Tryton::USER)])
            .args(["--secret", &format!("password=@{}", password.display())])
            .args(["--lookup", "8 906 219-50-47", "--country", "RU"]);
        test.stdout(Stdio::piped()).stderr(Stdio::piped());
        let told = output(&mut test, SOON).expect("an end");
        let said = String::from_utf8_lossy(&told.stdout);
        let wrong = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{said}{wrong}");
        assert!(said.contains("Ivan Ivanov"), "{said}");
        assert!(!said.contains(Tryton::PASSWORD), "{said}");
    }
}

/// A Tryton whose customers a careless search would confuse.
fn firm() -> Tryton {
    let tryton = Tryton::start().expect("Tryton");
    for (name, number) in [
        ("Ivan Ivanov", "+7 (906) 219-50-47"),
        ("Ada Lovelace", "+7 495 123-45-67"),
        ("Grace Hopper", "+7 (495) 123 45 67"),
        ("Semyon Suffix", "+7 495 219-50-47"),
        ("Karl Weiss", "+49 906 2195047"),
    ] {
        let phones = &[Phone::own(number)];
        let party = Party {
            name,
            phones,
            ..Party::default()
        };
        tryton.add(&party).expect(name);
    }
    tryton
}

/// Nobody but the CRM knows anybody.
fn scene(connection: Connection) -> Scene {
    let setup = Setup {
        contacts: String::new(),
        connectors: vec![connection],
        ..Setup::default()
    };
    Scene::start(&setup).expect("a scene")
}

fn ring(scene: &Scene, number: &str) -> RawCaller {
    RawCaller::ring(&scene.asterisk, number, b"", DIRECT_LINE, SOON).expect("a call")
}

fn end(scene: &Scene, caller: RawCaller) {
    caller.cancel().expect("hang up");
    let gone = |status: &Status| status.calls.is_empty() && card(status).is_none();
    scene.wait("no card rings", SOON, gone).expect("gone");
}

fn card(status: &Status) -> Option<&Card> {
    let mut cards = status.cards.iter();
    cards.find(|card| card.phase == CardPhase::Ringing)
}

fn ringing(scene: &Scene) -> Card {
    let status = scene
        .wait("a card", SOON, |status| card(status).is_some())
        .expect("a card");
    card(&status).expect("a card").clone()
}

/// The card when everybody who was asked has answered.
fn filled(scene: &Scene) -> Card {
    let status = scene
        .wait("a filled card", SOON, |status| {
            card(status).is_some_and(crm::is_filled)
        })
        .expect("a filled card");
    card(&status).expect("a card").clone()
}

/// What the card says is wrong with Tryton.
fn trouble(scene: &Scene) -> String {
    let card = filled(scene);
    assert_eq!(card.people, People::Nobody, "{card:?}");
    match &crm::report(&card).expect("Tryton on the card").state {
        SourceState::Failed { words } => words.clone(),
        other @ (SourceState::Asking | SourceState::Found { .. } | SourceState::Nobody) => {
            panic!("no trouble: {other:?}")
        }
    }
}

fn names_on(card: &Card) -> Vec<&str> {
    let mut names: Vec<&str> = match &card.people {
        People::Asking | People::Nobody => Vec::new(),
        People::One { person } => vec![person.name.as_str()],
        People::Several { people } => people.iter().map(|person| person.name.as_str()).collect(),
    };
    names.sort_unstable();
    names
}

/// A server that gives this answer to everything, as long as the test runs.
fn answering(status: &str, kind: &str, body: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let until = Instant::now() + SOON;
            // A question that is not read to its end would be answered by a reset.
            stream
                .set_read_timeout(Some(Duration::from_millis(200)))
                .ok();
            let mut question = [0; 8192];
            while Instant::now() < until && matches!(stream.read(&mut question), Ok(1..)) {}
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    address
}
