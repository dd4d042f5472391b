//! What is wrong around the server gets a sentence, calls go on, and nothing is lost.

use crate::{
    client::{Client, everything},
    firm::{Firm, SOON, Server, Setup, http, run},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};
use testkit::{
    Asterisk, Phones, Postgres, asterisk,
    phones::{Customer, Policy},
};
use tokio_tungstenite::tungstenite::Message;
use wire::{
    CallState, PbxLine,
    rest::{Health, LogOutcome, LogPage},
};

/// A broken store is tried again within ten seconds, the PBX's line within some more.
const AGAIN: Duration = Duration::from_secs(60);

#[test]
fn what_is_wrong_with_the_configuration_is_said_with_its_place() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("server.toml");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address");
    let store = format!(
        "[store]\nurl = \"sqlite:{}/calls.db\"\n",
        folder.path().display()
    );
    for (text, words) in [
        (
            format!("listen = \"{taken}\"\n{store}"),
            "another program may have that port",
        ),
        ("name = \"x\nlisten = 1".into(), "line 1"),
        (
            "name = \"x\"\n[http]\nconections = 7\n".into(),
            "line 3, column 1",
        ),
        (
            "name = \"x\"\n[http]\nconections = 7\n".into(),
            "conections",
        ),
        ("listen = 7460".into(), "line 1"),
        ("[store]\nurl = \"oracle:calls\"\n".into(), "[store] url"),
        (
            "[store]\nurl = \"sqlite:/nowhere/at/all/calls.db\"\n".into(),
            "/nowhere/at/all/calls.db",
        ),
        (
            format!(
                "listen = \"127.0.0.1:0\"\n{store}[tls]\ncertificate = \"no.pem\"\nkey = \"no.pem\"\n"
            ),
            "no.pem",
        ),
        (
            format!("listen = \"127.0.0.1:0\"\n{store}[[pbx]]\nsecret_file = \"no-secret\"\n"),
            "no-secret",
        ),
    ] {
        fs::write(&file, &text).expect("written");
        let output = run(&file, &[]);
        let said = both(&output);
        assert_eq!(output.status.code(), Some(1), "{text}\n{said}");
        assert!(said.contains(words), "{words} is not in: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let output = run(&folder.path().join("none.toml"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(both(&output).contains("none.toml"), "{output:?}");
    assert_eq!(run(&file, &["dance"]).status.code(), Some(2));
    let printed = run(&file, &["--print-config"]);
    assert_eq!(printed.status.code(), Some(0));
    let text = String::from_utf8_lossy(&printed.stdout);
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    assert!(
        table.contains_key("store") && table.contains_key("pbx"),
        "{text}"
    );
}

#[test]
fn a_check_says_a_sentence_for_each_thing_and_ends_with_its_code() {
    let mut asterisk = asterisk_with_records();
    let setup = Setup {
        pbx: RECORDS.into(),
        ..Setup::default()
    };
    let server = Server::prepare(&asterisk, &setup);
    let check = || {
        let output = server.run(&["check"]);
        let text = both(&output);
        let fails: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with("FAIL"))
            .filter(|line| !line.contains("MB are free"))
            .map(str::to_owned)
            .collect();
        assert!(!text.contains("sidetone-secret"), "{text}");
        (output.status.code(), fails, text)
    };
    let (_, fails, text) = check();
    assert_eq!(fails, [""; 0], "{text}");
    for thing in ["configuration", "address", "store", "disk", "pbx main"] {
        assert!(text.contains(&format!(" {thing}: ")), "{thing}: {text}");
    }
    let right = fs::read_to_string(server.config()).expect("configuration");
    for (change, words) in [
        (
            right.replace("sidetone-secret", "wrong-secret"),
            "name and secret",
        ),
        (right.replace("Master.csv", "Nobody.csv"), "Nobody.csv"),
        (right.replace("sqlite:", "sqlite:/nowhere"), "Store"),
        (
            right.replace("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\""),
            "TLS",
        ),
    ] {
        fs::write(server.config(), change).expect("written");
        let (code, fails, text) = check();
        assert_eq!((code, fails.len()), (Some(1), 1), "{text}");
        assert!(
            fails[0].to_lowercase().contains(&words.to_lowercase()),
            "{words}: {fails:?}"
        );
    }
    fs::write(server.config(), right).expect("written");
    asterisk.kill().expect("killed");
    let (code, fails, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(fails.iter().any(|line| line.contains("pbx main")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_and_are_written_later_when_another_program_holds_the_database() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("calls.db");
    let firm = Firm::start(&keeping(format!("sqlite:{}", file.display())));
    let mut anna = ready(&firm).await;
    let database = format!("sqlite:{}", file.display());
    let other = sqlx::SqlitePool::connect(&database).await;
    let mut other = other
        .expect("the database")
        .acquire()
        .await
        .expect("a connection");
    let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut *other).await;
    begun.expect("held");
    calls_go_on(&firm, &mut anna, "4477120001").await;
    trouble_is_said(&firm.server, "another program").await;
    let ended = sqlx::query("ROLLBACK").execute(&mut *other).await;
    ended.expect("let go");
    all_is_there(&firm, &["4477120001"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_and_are_written_later_when_the_disk_was_full() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a small disk can be mounted by root only");
        return;
    };
    let file = disk.folder().join("calls.db");
    let firm = Firm::start(&keeping(format!("sqlite:{}", file.display())));
    let mut anna = ready(&firm).await;
    let ballast = disk.folder().join("ballast");
    // It ends when there is no room, which is what is wanted.
    let _ = fs::write(&ballast, vec![0; 64 << 20]);
    let mut numbers = Vec::new();
    // Room within the database's own files is used first.
    for call in 0..40 {
        let number = format!("44771201{call:02}");
        calls_go_on(&firm, &mut anna, &number).await;
        numbers.push(number);
        if !is_ready(&firm.server).await {
            break;
        }
    }
    trouble_is_said(&firm.server, "full").await;
    fs::remove_file(ballast).expect("removed");
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    all_is_there(&firm, &numbers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_and_are_written_later_when_postgresql_was_away() {
    let mut postgres = Postgres::start().expect("PostgreSQL");
    let firm = Firm::start(&keeping(postgres.database().expect("a database")));
    let mut anna = ready(&firm).await;
    postgres.stop().expect("stopped");
    calls_go_on(&firm, &mut anna, "4477120002").await;
    trouble_is_said(&firm.server, "").await;
    postgres.restart().expect("back");
    all_is_there(&firm, &["4477120002"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_system_that_is_away_at_the_start_is_waited_for() {
    let mut asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let mut server = Server::prepare(&asterisk, &Setup::default());
    asterisk.kill().expect("killed");
    server.start();
    trouble_is_said(&server, "phone system main is not connected").await;
    let root = server.enrol("root").await.token.0;
    assert!(matches!(
        line(&server, &root).await,
        PbxLine::Away { .. } | PbxLine::Connecting { .. }
    ));
    asterisk.restart().expect("back");
    until_ready(&server).await;
    assert!(matches!(line(&server, &root).await, PbxLine::Up { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_and_a_right_one_is_taken_after_a_restart() {
    let asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let mut server = Server::prepare(&asterisk, &Setup::default());
    let right = fs::read_to_string(server.config()).expect("configuration");
    let wrong = right.replace("sidetone-secret", "wrong-secret");
    fs::write(server.config(), wrong).expect("written");
    server.start();
    let root = server.enrol("root").await.token.0;
    let until = Instant::now() + SOON;
    loop {
        match line(&server, &root).await {
            PbxLine::Refused { words, .. } => {
                assert!(
                    !words.is_empty() && !words.contains("wrong-secret"),
                    "{words}"
                );
                break;
            }
            other @ (PbxLine::Connecting { .. } | PbxLine::Up { .. } | PbxLine::Away { .. }) => {
                assert!(Instant::now() < until, "{other:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    trouble_is_said(&server, "phone system main").await;
    assert!(!server.log().contains("wrong-secret"));
    assert_eq!(server.stop(), Some(0));
    fs::write(server.config(), right).expect("written");
    server.start();
    until_ready(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_a_phone_system_that_died_are_unknown_and_then_closed() {
    let mut firm = Firm::start(&Setup::default());
    let mut anna = ready(&firm).await;
    let customer = Customer::new("+447712000301", "");
    firm.phones
        .customer_calls(&customer, "74951230001")
        .expect("a call");
    anna.until("talks", |client| client.states() == [CallState::Talking])
        .await;
    let root = firm.server.enrol("root").await.token.0;
    in_log(&firm.server, &root, "447712000301", |call| {
        call.outcome == LogOutcome::Answered || call.ended.is_none()
    })
    .await;
    firm.asterisk.kill().expect("killed");
    anna.until("away", |client| !client.is_up()).await;
    anna.until("unknown", |client| {
        client
            .states()
            .iter()
            .all(|state| matches!(state, CallState::Unknown { .. }))
    })
    .await;
    firm.asterisk.restart().expect("back");
    anna.until("connected", |client| client.is_up()).await;
    in_log(&firm.server, &root, "447712000301", |call| {
        call.ended.is_some()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_loses_no_call_and_no_revocation() {
    let asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    let mut server = Server::prepare(&asterisk, &Setup::default());
    let clock = server.folder.path().join("clock");
    fs::write(&clock, "+0").expect("written");
    server.environment = vec![
        ("LD_PRELOAD".into(), text(&faketime()).into()),
        ("FAKETIME_TIMESTAMP_FILE".into(), text(&clock).into()),
        ("FAKETIME_NO_CACHE".into(), "1".into()),
        // As when somebody sets the clock: what counts since the start counts on.
        ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
    ];
    server.start();
    let firm = Firm {
        server,
        phones,
        asterisk,
    };
    let mut anna = ready(&firm).await;
    let root = firm.server.enrol("root").await.token.0;
    for (number, offset) in [
        ("4477120005", "+7200"),
        ("4477120006", "-3600"),
        ("4477120007", "+0"),
    ] {
        let customer = Customer::new(&format!("+{number}"), "");
        let call = firm
            .phones
            .customer_calls(&customer, "74951230001")
            .expect("a call");
        anna.until("talks", |client| {
            client.states().contains(&CallState::Talking)
        })
        .await;
        fs::write(&clock, offset).expect("written");
        firm.phones.hang_up(call).expect("hang up");
        anna.until("over", |client| {
            client.calls().iter().all(|call| call.ended.is_some())
        })
        .await;
        in_log(&firm.server, &root, number, |call| {
            call.outcome == LogOutcome::Answered
                && call.talk_ms.is_some_and(|talk| talk < 60_000)
                && call.ended >= Some(call.started)
        })
        .await;
        let mut bert = firm.server.client("bert", everything()).await;
        let devices = firm.server.run(&["devices"]);
        let devices = String::from_utf8_lossy(&devices.stdout).into_owned();
        let device = devices.lines().find(|line| line.contains("\tbert\t"));
        let device = device
            .and_then(|line| line.split('\t').next())
            .expect("a device");
        done(&firm.server.run(&["revoke", device]));
        let cut = async { while let Some(Ok(_)) = bert.socket.next().await {} };
        tokio::time::timeout(SOON, cut).await.expect("cut");
    }
    assert_eq!(log(&firm.server, &root).await.calls.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_said_to_clients_and_takes_no_longer_than_five_seconds() {
    let mut firm = Firm::start(&Setup::default());
    let mut anna = ready(&firm).await;
    // One that does not read does not hold it up.
    let _deaf = firm.server.client("bert", everything()).await;
    let goodbye = tokio::spawn(async move {
        let mut last = Value::Null;
        while let Some(Ok(message)) = anna.socket.next().await {
            if let Message::Text(text) = message {
                last = serde_json::from_str(&text).expect("JSON");
            }
        }
        last
    });
    let asked = Instant::now();
    let (code, firm) = tokio::task::spawn_blocking(move || (firm.server.stop(), firm))
        .await
        .expect("an end");
    println!("ended after {:?}", asked.elapsed());
    assert_eq!(code, Some(0));
    // Five seconds are the promise; a busy machine has twice as long.
    assert!(asked.elapsed() < Duration::from_secs(10));
    let goodbye = goodbye.await.expect("a goodbye");
    assert_eq!(
        (&goodbye["type"], &goodbye["code"]),
        (&json!("goodbye"), &json!("busy"))
    );
    drop(firm);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_answer_does_not_keep_the_server_from_ending() {
    let folder = tempfile::tempdir().expect("folder");
    let database = format!("sqlite:{}", folder.path().join("calls.db").display());
    let mut firm = Firm::start(&keeping(database.clone()));
    let mut anna = ready(&firm).await;
    let other = sqlx::SqlitePool::connect(&database).await;
    let mut other = other
        .expect("the database")
        .acquire()
        .await
        .expect("a connection");
    let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut *other).await;
    begun.expect("held");
    calls_go_on(&firm, &mut anna, "4477120008").await;
    let asked = Instant::now();
    assert_eq!(firm.server.stop(), Some(0));
    println!("ended after {:?}", asked.elapsed());
    // Five seconds are the promise; a busy machine has twice as long.
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_directory_that_says_nothing_does_not_keep_the_server_from_ending() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let directory = format!("[people.ldap]\nurl = \"ldap://{address}\"\nbase = \"dc=x\"\n");
    let mut server = Server::prepare(
        &asterisk,
        &Setup {
            tables: directory,
            ..Setup::default()
        },
    );
    server.start();
    let (_asked, _) = silent.accept().expect("it asks");
    let asked = Instant::now();
    assert_eq!(server.stop(), Some(0));
    println!("ended after {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_kept_moves_from_sqlite_to_postgresql_and_back() {
    let postgres = Postgres::start().expect("PostgreSQL");
    let mut firm = Firm::start(&Setup::default());
    let mut anna = ready(&firm).await;
    calls_go_on(&firm, &mut anna, "4477120004").await;
    let root = firm.server.enrol("root").await.token.0;
    in_log(&firm.server, &root, "4477120004", |call| {
        call.ended.is_some()
    })
    .await;
    let before = log(&firm.server, &root).await;
    assert_eq!(firm.server.stop(), Some(0));
    let first = firm.server.folder.path().join("first");
    let second = firm.server.folder.path().join("second");
    done(&firm.server.run(&["backup", text(&first)]));
    let right = fs::read_to_string(firm.server.config()).expect("configuration");
    let sqlite = format!(
        "sqlite:{}",
        firm.server.folder.path().join("calls.db").display()
    );
    assert!(right.contains(&sqlite));
    let moved = right.replace(&sqlite, &postgres.database().expect("a database"));
    fs::write(firm.server.config(), moved).expect("written");
    done(&firm.server.run(&["restore", text(&first)]));
    let again = firm.server.run(&["restore", text(&first)]);
    assert_eq!(
        again.status.code(),
        Some(1),
        "into a store that is not empty"
    );
    firm.server.start();
    assert_eq!(
        log(&firm.server, &root).await,
        before,
        "and the token is good"
    );
    assert_eq!(firm.server.stop(), Some(0));
    done(&firm.server.run(&["backup", text(&second)]));
    let back = right.replace(&sqlite, &format!("{sqlite}.new"));
    fs::write(firm.server.config(), back).expect("written");
    done(&firm.server.run(&["restore", text(&second)]));
    firm.server.start();
    assert_eq!(log(&firm.server, &root).await, before);
}

/// The library that stands between a program and the clock.
fn faketime() -> std::path::PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("libraries").flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found
        .find(|path| path.exists())
        .expect("Debian package libfaketime")
}

/// A disk of four megabytes.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        mount
            .is_ok_and(|output| output.status.success())
            .then(|| Self(folder))
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may have it open for a moment longer.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn keeping(store: String) -> Setup {
    Setup {
        store: Some(store),
        ..Setup::default()
    }
}

async fn ready(firm: &Firm) -> Client {
    firm.phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    let mut anna = firm.server.client("anna", everything()).await;
    anna.until("connected", |client| client.is_up()).await;
    anna
}

/// A customer talks with anna, who sees it as always.
async fn calls_go_on(firm: &Firm, anna: &mut Client, number: &str) {
    let customer = Customer::new(&format!("+{number}"), "");
    let call = firm
        .phones
        .customer_calls(&customer, "74951230001")
        .expect("a call");
    let is_it = |call: &wire::Call| {
        let digits: String = call.party.number.clone().unwrap_or_default();
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        digits == number
    };
    anna.until("talks", |client| {
        let calls = client.calls();
        calls
            .iter()
            .any(|call| is_it(call) && call.state == CallState::Talking)
    })
    .await;
    firm.phones.hang_up(call).expect("hang up");
    anna.until("over", |client| {
        let calls = client.calls();
        calls
            .iter()
            .all(|call| !is_it(call) || call.ended.is_some())
    })
    .await;
}

async fn is_ready(server: &Server) -> bool {
    let answer = http().get(server.url("/readyz")).send().await;
    answer.expect("an answer").status().is_success()
}

async fn until_ready(server: &Server) {
    let until = Instant::now() + AGAIN;
    while !is_ready(server).await {
        assert!(Instant::now() < until, "not ready:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn trouble_is_said(server: &Server, words: &str) {
    let until = Instant::now() + AGAIN;
    loop {
        let answer = http()
            .get(server.url("/readyz"))
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let said = answer.text().await.expect("words");
        if status == 503 && said.to_lowercase().contains(&words.to_lowercase()) {
            println!("readyz: {}", said.trim());
            return;
        }
        assert!(Instant::now() < until, "{words} is not in {status}: {said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Afterwards: ready again, and each call in the log once.
async fn all_is_there(firm: &Firm, numbers: &[&str]) {
    until_ready(&firm.server).await;
    let root = firm.server.enrol("root").await.token.0;
    for number in numbers {
        in_log(&firm.server, &root, number, |call| {
            call.ended.is_some() && call.outcome == LogOutcome::Answered
        })
        .await;
    }
    let page = log(&firm.server, &root).await;
    assert_eq!(page.calls.len(), numbers.len(), "{page:#?}");
}

/// Waits until a call is in the log once, and so.
async fn in_log(
    server: &Server,
    token: &str,
    digits: &str,
    is_so: impl Fn(&wire::rest::LogEntry) -> bool,
) {
    let until = Instant::now() + AGAIN;
    loop {
        let path = format!("/api/v1/calls?text=%2B{digits}");
        let page: LogPage = server.get(&path, token).await.json().await.expect("a page");
        if page.calls.len() == 1 && is_so(&page.calls[0]) {
            return;
        }
        assert!(Instant::now() < until, "{digits}: {page:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn log(server: &Server, token: &str) -> LogPage {
    let answer = server.get("/api/v1/calls?limit=500", token).await;
    answer.json().await.expect("a page")
}

async fn line(server: &Server, root: &str) -> PbxLine {
    let answer = server.get("/api/v1/admin/health", root).await;
    let health: Health = answer.json().await.expect("health");
    health.pbxs[0].line.clone()
}

fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", both(output));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn asterisk_with_records() -> Asterisk {
    let asterisk = Asterisk::start(&asterisk::Options {
        extra: vec![
            (
                "cdr.conf",
                "[csv]\nusegmtime = yes\nloguniqueid = yes\nnewcdrcolumns = yes".into(),
            ),
            (
                "modules.conf",
                "load = func_cdr.so\nload = cdr_csv.so".into(),
            ),
        ],
        ..asterisk::Options::default()
    });
    let asterisk = asterisk.expect("Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    // The file is there after the first call.
    let call = phones
        .customer_calls(&Customer::new("+447712000300", ""), "74951230009")
        .expect("a call");
    phones.wait_answered(call, SOON).expect("answered");
    phones.hang_up(call).expect("hang up");
    let file = asterisk.folder().join("log/cdr-csv/Master.csv");
    let until = Instant::now() + SOON;
    while !file.exists() {
        assert!(Instant::now() < until, "no records");
        std::thread::sleep(Duration::from_millis(20));
    }
    asterisk
}

const RECORDS: &str = r#"
[pbx.records]
csv = "@asterisk@/log/cdr-csv/Master.csv"
csv_utc = true
"#;
