//! Who calls, from the address books of a real Radicale: as they are there, and as they were while it is away.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contacts::carddav::{CardDavConfig, CardDavSource, CardDavState};
use contacts::{Person, Question, Source, SourceErrorKind};
use directories::http::{answer, forward, serve};
use phone_number::{DialPlan, Region};
use secrecy::SecretString;
use testkit::{Radicale, Slapd};

/// The machine may be busy.
const LIMIT: Duration = Duration::from_secs(120);

/// The same number, as five people have written it; the fifth has an extension.
const SPELLINGS: [(&str, &str); 5] = [
    ("Plus", "+79062195047"),
    ("Eight", "89062195047"),
    ("Brackets", "(906) 219-50-47"),
    ("Spaces", "906 219 50 47"),
    ("Extension", "+7 906 219-50-47 ext. 12"),
];

#[tokio::test]
async fn every_spelling_is_found_by_every_spelling() {
    let radicale = radicale();
    let mut cards = String::new();
    for (name, number) in SPELLINGS {
        cards += &card(name, number);
    }
    cards += &card("Part", "219-50-47");
    cards += &card("Longer", "+7 906 219-50-471");
    cards += &card("Anna", "+44 20 7946 0958");
    cards += &card("Night desk", "+44 20 7946 0000");
    cards += &card("Reception", "+442079460000");
    radicale.put("/anna/book/", &cards).expect("stored");
    let source = source(config(&radicale));
    // Extension is only likely meant where the extension is not told, and four surely are.
    for asked in [
        "+79062195047",
        "89062195047",
        "(906) 219-50-47",
        "9062195047",
    ] {
        assert_eq!(
            names(&who(&source, asked).await),
            ["Brackets", "Eight", "Plus", "Spaces"],
            "{asked}"
        );
    }
    assert_eq!(
        names(&who(&source, "+79062195047 ext. 12").await),
        ["Extension"]
    );
    let anna = who(&source, "+442079460958").await;
    assert_eq!(names(&anna), ["Anna"]);
    assert_eq!(anna[0].record.source, "cards");
    let asked = source.by_record(&anna[0].record).expect("can be asked");
    assert_eq!(asked.await, Ok(Some(anna[0].clone())));
    assert_eq!(
        names(&who(&source, "+442079460000").await),
        ["Night desk", "Reception"]
    );
    assert_eq!(names(&who(&source, "+442079461111").await), [""; 0]);
    let found = source.find("ann", 10).await.expect("an answer");
    assert_eq!(names(&found), ["Anna"]);
}

#[tokio::test]
async fn what_changes_there_changes_here_and_nothing_else_is_read_again() {
    let radicale = radicale();
    radicale
        .put(
            "/anna/book/",
            &(card("Anna", "+442079460958") + &card("Boris", "+442079460000")),
        )
        .expect("stored");
    let (url, asked) = counted(&radicale, |answer| answer);
    let source = source(CardDavConfig {
        url,
        ..config(&radicale)
    });
    let mut state = source.state();
    let news = source.news().expect("tells news");
    let first = reading(&mut state, 1).await;
    assert_eq!((first.report.entries, first.trouble.clone()), (2, None));
    assert_eq!(asked.cards.load(Ordering::SeqCst), 2);
    assert_eq!(
        asked.listings.load(Ordering::SeqCst),
        0,
        "the token is used"
    );

    radicale
        .put("/anna/book/eve.vcf", &card("Eve", "+442079461234"))
        .expect("stored");
    let next = again(&source, &mut state).await;
    assert_eq!(next.report.entries, 3);
    assert!(news.has_changed().expect("still told"));
    assert_eq!(asked.cards.load(Ordering::SeqCst), 3, "one card more");
    let eve = who(&source, "+442079461234").await;
    assert_eq!(names(&eve), ["Eve"]);

    let married = card("Eve", "+442079465678").replace("FN:Eve", "FN:Eve Small");
    radicale
        .put("/anna/book/eve.vcf", &married)
        .expect("stored");
    again(&source, &mut state).await;
    assert_eq!(names(&who(&source, "+442079461234").await), [""; 0]);
    let found = who(&source, "+442079465678").await;
    assert_eq!(names(&found), ["Eve Small"]);
    assert_eq!(
        found[0].record, eve[0].record,
        "the same one, by another name"
    );

    let tokens = asked.tokens.load(Ordering::SeqCst);
    radicale.delete("/anna/book/eve.vcf").expect("deleted");
    let last = again(&source, &mut state).await;
    assert_eq!(last.report.entries, 2);
    assert!(asked.tokens.load(Ordering::SeqCst) > tokens);
    assert_eq!(names(&who(&source, "+442079465678").await), [""; 0]);
    assert_eq!(asked.cards.load(Ordering::SeqCst), 4);

    // Nothing new: no card, and the book that is there stays.
    let quiet = again(&source, &mut state).await;
    assert!(Arc::ptr_eq(&quiet.book, &last.book));
    assert_eq!(asked.cards.load(Ordering::SeqCst), 4);

    radicale.delete("/anna/book/").expect("deleted");
    let gone = again(&source, &mut state).await;
    let trouble = gone.trouble.clone().expect("a trouble");
    assert!(trouble.words.contains("no address book"), "{trouble}");
    assert_eq!(gone.report.entries, 2, "better old than none");
}

#[tokio::test]
async fn a_server_without_tokens_is_read_by_marks() {
    let radicale = radicale();
    let two = card("Anna", "+442079460958") + &card("Boris", "+442079460000");
    radicale.put("/anna/book/", &two).expect("stored");
    let (url, asked) = counted(&radicale, |answer| {
        answer.replace("sync-collection", "something-else")
    });
    let source = source(CardDavConfig {
        url,
        ..config(&radicale)
    });
    let mut state = source.state();
    assert_eq!(reading(&mut state, 1).await.report.entries, 2);
    assert_eq!(asked.listings.load(Ordering::SeqCst), 1);
    again(&source, &mut state).await;
    // Its mark for the whole book (ctag) is the same.
    assert_eq!(asked.listings.load(Ordering::SeqCst), 1);
    assert_eq!(asked.cards.load(Ordering::SeqCst), 2);
    radicale
        .put("/anna/book/eve.vcf", &card("Eve", "+442079461234"))
        .expect("stored");
    assert_eq!(again(&source, &mut state).await.report.entries, 3);
    assert_eq!(asked.cards.load(Ordering::SeqCst), 3);
    radicale.delete("/anna/book/eve.vcf").expect("deleted");
    assert_eq!(again(&source, &mut state).await.report.entries, 2);
}

#[tokio::test]
async fn a_token_that_the_server_forgot_costs_a_reading_and_no_card() {
    let radicale = radicale();
    let two = card("Anna", "+442079460958") + &card("Boris", "+442079460000");
    radicale.put("/anna/book/", &two).expect("stored");
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cards.json");
    let config = CardDavConfig {
        cache: Some(cache.clone()),
        ..config(&radicale)
    };
    reading(&mut source(config.clone()).state(), 1).await;
    let kept = std::fs::read_to_string(&cache).expect("kept");
    let (before, after) = kept.split_once("/ns/sync/").expect("a token of Radicale");
    let zeros = format!("{}{}", "0".repeat(64), &after[64..]);
    std::fs::write(&cache, format!("{before}/ns/sync/{zeros}")).expect("written");
    radicale
        .put("/anna/book/eve.vcf", &card("Eve", "+442079461234"))
        .expect("stored");
    let source = source(config);
    let state = reading(&mut source.state(), 2).await;
    assert_eq!((state.report.entries, state.trouble.clone()), (3, None));
}

#[tokio::test]
async fn two_thousand_cards_with_pictures_are_read() {
    let radicale = radicale();
    let mut cards = String::new();
    for number in 0..2_000 {
        let picture = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}\r\n", "QUJD".repeat(500));
        let card = card(&format!("P{number}"), &format!("+7906{number:07}"));
        cards += &card.replace("END:VCARD", &(picture + "END:VCARD"));
    }
    radicale.put("/anna/book/", &cards).expect("stored");
    let source = source(config(&radicale));
    let state = reading(&mut source.state(), 1).await;
    assert_eq!((state.report.entries, state.left_out), (2_000, 0));
    assert_eq!(names(&who(&source, "+79060001234").await), ["P1234"]);
}

#[tokio::test]
async fn names_stay_while_the_server_is_away_and_after_a_restart_of_ours() {
    let mut radicale = radicale();
    radicale
        .put("/anna/book/", &card("Anna", "+442079460958"))
        .expect("stored");
    let folder = tempfile::tempdir().expect("a folder");
    let config = CardDavConfig {
        cache: Some(folder.path().join("cards.json")),
        ..config(&radicale)
    };
    let source = source(config.clone());
    let mut state = source.state();
    reading(&mut state, 1).await;
    is_private(&folder.path().join("cards.json"));

    radicale.kill();
    let away = again(&source, &mut state).await;
    let trouble = away.trouble.clone().expect("a trouble");
    assert_eq!(trouble.kind, SourceErrorKind::Away, "{trouble}");
    assert!(trouble.words.contains("known as they were"), "{trouble}");
    assert_eq!(names(&who(&source, "+442079460958").await), ["Anna"]);
    // A new card cannot be known.
    let nobody = source.look_up(&question("+442079461234")).await;
    assert_eq!(nobody, Err(trouble));

    let restarted = self::source(config.clone());
    let mut after = restarted.state();
    let known = reading(&mut after, 1).await;
    assert_eq!((known.report.entries, known.trouble.clone()), (1, None));
    assert!(reading(&mut after, 2).await.trouble.is_some());
    assert_eq!(names(&who(&restarted, "+442079460958").await), ["Anna"]);
    // Of another login nothing is known.
    let other = self::source(CardDavConfig {
        user: Radicale::NEWCOMER.into(),
        ..config
    });
    assert!(other.look_up(&question("+442079460958")).await.is_err());

    radicale.start_again().expect("started");
    radicale
        .put("/anna/book/eve.vcf", &card("Eve", "+442079461234"))
        .expect("stored");
    let back = again(&source, &mut state).await;
    assert_eq!(back.trouble, None);
    assert_eq!(names(&who(&source, "+442079461234").await), ["Eve"]);
}

#[tokio::test]
async fn address_books_are_found_from_every_address() {
    let radicale = radicale();
    radicale
        .put("/anna/book/", &card("Anna", "+442079460958"))
        .expect("stored");
    radicale
        .put("/anna/more%20people/", &card("Eve", "+442079461234"))
        .expect("stored");
    let url = radicale.url();
    for (path, expected) in [
        ("", 2),
        ("/", 2),
        ("/anna/", 2),
        ("/anna", 2),
        ("/anna/book/", 1),
        ("/anna/book", 1),
        ("/anna/more%20people/", 1),
    ] {
        let config = CardDavConfig {
            url: format!("{url}{path}"),
            ..config(&radicale)
        };
        let books = CardDavSource::test(&config).await;
        assert_eq!(books.expect(path).len(), expected, "{path}");
        let state = reading(&mut source(config).state(), 1).await;
        assert_eq!(
            state.report.entries, expected,
            "{path}: {:?}",
            state.trouble
        );
    }
}

#[tokio::test]
async fn tls_is_believed_by_the_right_authority_alone() {
    let radicale = radicale();
    radicale
        .put("/anna/book/", &card("Anna", "+442079460958"))
        .expect("stored");
    let good = CardDavConfig {
        url: radicale.tls_url(),
        ca_file: Some(radicale.ca_certificate()),
        ..config(&radicale)
    };
    CardDavSource::test(&good).await.expect("believed");
    let stranger = Slapd::start("").expect("slapd");
    for ca_file in [None, Some(stranger.ca_certificate())] {
        let config = CardDavConfig {
            ca_file,
            ..good.clone()
        };
        let refused = CardDavSource::test(&config).await.expect_err("an error");
        assert!(refused.words.contains("cannot be protected"), "{refused}");
        assert_eq!(refused.kind, SourceErrorKind::Broken);
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let radicale = radicale();
    let good = config(&radicale);
    let password = SecretString::from("wrong");
    let wrong = CardDavConfig {
        password,
        ..good.clone()
    };
    let wrong = CardDavSource::test(&wrong).await.expect_err("an error");
    assert_eq!(wrong.kind, SourceErrorKind::Login, "{wrong}");
    assert!(wrong.words.contains("refused the login anna"), "{wrong}");

    let newcomer = CardDavConfig {
        user: Radicale::NEWCOMER.into(),
        password: SecretString::from("boris-secret"),
        ..good.clone()
    };
    let none = CardDavSource::test(&newcomer).await.expect_err("an error");
    assert!(
        none.words
            .contains("has no address book of the login boris"),
        "{none}"
    );

    let nowhere = CardDavConfig {
        url: "http://127.0.0.1:9/".into(),
        ..good.clone()
    };
    let nowhere = CardDavSource::test(&nowhere).await.expect_err("an error");
    assert_eq!(nowhere.kind, SourceErrorKind::Away, "{nowhere}");

    let said = async |answer: Vec<u8>| {
        let address = serve(move |_| answer.clone()).expect("a server");
        let config = CardDavConfig {
            url: format!("http://{address}/"),
            ..good.clone()
        };
        CardDavSource::test(&config).await.expect_err("an error")
    };
    let page = said(answer(
        "200 OK",
        "Content-Type: text/html\r\n",
        "<!DOCTYPE html><p>Hello",
    ))
    .await;
    assert!(page.words.contains("answers with a web page"), "{page}");
    let heard = Arc::new(AtomicUsize::new(0));
    let hears = heard.clone();
    let thief = serve(move |_| {
        hears.fetch_add(1, Ordering::SeqCst);
        answer("207 Multi-Status", "", "<multistatus xmlns=\"DAV:\"/>")
    });
    let thief = thief.expect("a server");
    let there = format!("Location: http://{thief}/steal?all\r\n");
    let elsewhere = said(answer("302 Found", &there, "")).await;
    let named = format!("sends us on to http://{thief}:");
    assert!(elsewhere.words.contains(&named), "{elsewhere}");
    let link = format!(
        "<multistatus xmlns=\"DAV:\"><response><href>/</href><propstat><prop><current-user-principal>\
         <href>http://{thief}/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat>\
         </response></multistatus>"
    );
    let linked = said(answer("207 Multi-Status", "", &link)).await;
    assert!(linked.words.contains(&named), "{linked}");
    assert_eq!(heard.load(Ordering::SeqCst), 0, "the password went nowhere");
    let circle = said(answer("302 Found", "Location: /\r\n", "")).await;
    assert!(circle.words.contains("in circles"), "{circle}");
    let busy = said(answer("429 Too Many Requests", "Retry-After: 77\r\n", "")).await;
    let pause = Some(Duration::from_secs(77));
    assert_eq!(busy.kind, SourceErrorKind::Limited { retry_after: pause });
    let broken = said(answer("500 Internal Server Error", "", "")).await;
    assert_eq!(broken.kind, SourceErrorKind::Away, "{broken}");
    assert!(broken.words.contains("500"), "{broken}");
    let bomb = "<!DOCTYPE a [<!ENTITY b \"cc\">]><multistatus xmlns=\"DAV:\">&b;</multistatus>";
    let bomb = said(answer("207 Multi-Status", "", bomb)).await;
    assert!(bomb.words.contains("cannot be read"), "{bomb}");
    let huge = said(answer("207 Multi-Status", "", &" ".repeat(100_000_000))).await;
    assert!(huge.words.contains("larger than 32 MB"), "{huge}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("its address");
    let plan = DialPlan::new(Region::RU);
    let mut config = CardDavConfig::new("cards", "Cards", &format!("http://{address}/"), plan);
    config.deadline = Duration::from_millis(300);
    let source = source(config);
    let late = source.look_up(&question("+79062195047")).await;
    let late = late.expect_err("an error");
    assert_eq!(late.kind, SourceErrorKind::TooSlow, "{late}");
}

#[tokio::test]
async fn a_card_of_a_megabyte_is_left_out_and_the_rest_is_there() {
    let radicale = radicale();
    let large = card("Large", "+442079460958")
        .replace("END:", &format!("NOTE:{}\r\nEND:", "x".repeat(2_000_000)));
    radicale
        .put("/anna/book/", &(large + &card("Anna", "+442079460000")))
        .expect("stored");
    let (url, asked) = counted(&radicale, |answer| answer);
    let source = source(CardDavConfig {
        url,
        ..config(&radicale)
    });
    let mut state = source.state();
    let read = reading(&mut state, 1).await;
    assert_eq!((read.report.entries, read.left_out), (1, 1));
    again(&source, &mut state).await;
    assert_eq!(asked.cards.load(Ordering::SeqCst), 2, "not asked for again");
}

#[tokio::test]
async fn hostile_cards_are_text() {
    let radicale = radicale();
    let hostile = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:eve\r\nN:E;;;;\r\nFN:<img src=x onerror=alert(1)>\u{202e}\r\n\
                   URL:javascript:alert(1)\r\nTEL:+79062195047\r\nEND:VCARD\r\n";
    radicale.put("/anna/book/", hostile).expect("stored");
    let source = source(config(&radicale));
    let found = who(&source, "+79062195047").await;
    let [eve] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(eve.name, "<img src=x onerror=alert(1)>");
    assert_eq!(eve.url, None);
}

/// What a server between was asked for.
#[derive(Default)]
struct Asked {
    cards: AtomicUsize,
    tokens: AtomicUsize,
    listings: AtomicUsize,
}

/// The same server, by way of one that counts and may change its answers.
fn counted(
    radicale: &Radicale,
    change: impl Fn(String) -> String + Send + Sync + 'static,
) -> (String, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let seen = asked.clone();
    let real = radicale.url();
    let real = real
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let address = serve(move |request| {
        if request.contains("addressbook-multiget") {
            let cards = request.matches(":href>").count() / 2;
            seen.cards.fetch_add(cards, Ordering::SeqCst);
        }
        // Radicale tells all that ever was to who shows no token, so that it would not be missed otherwise.
        if request.contains("/ns/sync/") {
            seen.tokens.fetch_add(1, Ordering::SeqCst);
        }
        if request.contains("getcontenttype") {
            seen.listings.fetch_add(1, Ordering::SeqCst);
        }
        let answer = forward(request, real).map(&change).unwrap_or_default();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.lines().next().unwrap_or_default();
        let status = status.split_once(' ').unwrap_or_default().1;
        let there = head.lines().find(|line| line.starts_with("Location:"));
        let there = there.map(|there| format!("{there}\r\n"));
        self::answer(status, &there.unwrap_or_default(), body)
    });
    (format!("http://{}/", address.expect("a server")), asked)
}

fn radicale() -> Radicale {
    Radicale::start().expect("Radicale")
}

fn card(name: &str, number: &str) -> String {
    let mut card = String::new();
    let uid = name.replace(' ', "-");
    writeln!(
        card,
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nTEL;TYPE=WORK:{number}\r\nEND:VCARD\r"
    )
    .expect("text");
    card
}

fn config(radicale: &Radicale) -> CardDavConfig {
    let plan = DialPlan::new(Region::RU);
    CardDavConfig {
        user: Radicale::USER.into(),
        password: SecretString::from(Radicale::PASSWORD),
        ..CardDavConfig::new("cards", "Cards", &radicale.url(), plan)
    }
}

fn source(config: CardDavConfig) -> CardDavSource {
    CardDavSource::new(config).expect("settings")
}

type States = tokio::sync::watch::Receiver<Arc<CardDavState>>;

/// The state after so many readings of the server and of the kept copy.
async fn reading(states: &mut States, number: u64) -> Arc<CardDavState> {
    let read = states.wait_for(|state| state.readings >= number);
    let read = tokio::time::timeout(LIMIT, read).await;
    read.expect("in time").expect("a state").clone()
}

async fn again(source: &CardDavSource, states: &mut States) -> Arc<CardDavState> {
    let number = states.borrow().readings + 1;
    source.refresh();
    reading(states, number).await
}

fn question(number: &str) -> Question {
    Question {
        number: DialPlan::new(Region::RU).number(number).expect("a number"),
        line: None,
        extension: None,
    }
}

async fn who(source: &CardDavSource, number: &str) -> Vec<Person> {
    source.look_up(&question(number)).await.expect("an answer")
}

fn names(people: &[Person]) -> Vec<String> {
    let mut names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    names.sort();
    names
}

fn is_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
