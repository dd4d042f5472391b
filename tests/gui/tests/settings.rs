//! The settings window: Test says what is right and what is wrong, Save puts the secret into the keychain and nowhere
//! else.
#![cfg(target_os = "linux")]

use e2e::scene::DIRECT_LINE;
use e2e::sidetone::output;
use e2e::{Scene, Setup};
use gui::stage::{PANEL, SETTINGS};
use gui::{Driver, SOON, Stage, wait_for};
use std::path::Path;
use std::process::Stdio;
use testkit::phones::{Customer, Policy};

const WRONG: &str = "not-the-secret";
const RIGHT: &str = "sidetone-secret";

#[test]
fn three_ticks_with_a_sentence_each_then_the_secret_is_in_the_keychain() {
    let mut setup = Setup {
        secret: Some(WRONG.into()),
        ..Setup::default()
    };
    setup.env.push(("SIDETONE_UI", String::new()));
    let scene = Scene::start_unconnected(&setup).expect("a scene");
    let (page, stage) = Stage::drive("settings", scene).expect("windows");
    stage
        .wait("refused", SOON, |status| {
            matches!(status.connection, view::Connection::Refused { .. })
        })
        .expect("the wrong secret is refused");
    page.turn_to("panel").expect("panel");
    page.wait_text("[role=status]", |text| text.contains("secret"))
        .expect("the panel says why");
    page.press("Open settings").expect("the way out");
    let window = stage.shown(SETTINGS).expect("settings");
    page.turn_to("settings").expect("settings");

    page.fill("#secret", WRONG).expect("type");
    page.press("Test").expect("test");
    let ticks = ticks(&page);
    assert!(
        ticks[0].starts_with("Phone system does not work") && ticks[0].contains("secret"),
        "{ticks:?}"
    );
    stage.picture(Some(window.id), "wrong").expect("a picture");

    page.fill("#secret", RIGHT).expect("type");
    page.press("Test").expect("test");
    page.wait_text("[aria-label=Test] li:nth-child(1)", |text| {
        text.starts_with("Phone system works")
    })
    .expect("connected");
    let ticks = self::ticks(&page);
    assert!(ticks[1].starts_with("Your phone works"), "{ticks:?}");
    assert!(
        ticks[2].starts_with("Link handler does not work"),
        "nothing is registered in this session: {ticks:?}"
    );
    stage.picture(Some(window.id), "right").expect("a picture");
    page.press("Open tel: links with Sidetone")
        .expect("take links");
    page.wait_text("[aria-label=Test] li:nth-child(3)", |text| {
        text.starts_with("Link handler works")
    })
    .expect("links come to us");

    assert_eq!(kept(&stage), WRONG, "a test keeps nothing");
    page.press("Save").expect("save");
    page.wait_text("[role=status], .said", |text| text.contains("Saved."))
        .expect("said so");
    stage
        .wait("connected", SOON, |status| status.connection.is_up())
        .expect("connected at once");
    wait_for("the secret in the keychain", SOON, || {
        Ok((kept(&stage) == RIGHT).then_some(()))
    })
    .expect("kept");
    assert_eq!(
        page.script("return document.querySelector('#secret').value")
            .expect("field"),
        "",
        "the secret goes one way"
    );
    for file in files(&stage.session.home()) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("read")).into_owned();
        let keychain = file.components().any(|part| part.as_os_str() == "keyrings");
        for secret in [WRONG, RIGHT] {
            assert!(keychain || !text.contains(secret), "{}", file.display());
        }
    }
}

#[test]
fn the_log_of_a_day_names_no_secret_no_number_and_no_person() {
    let mut stage = Stage::start("log", &Setup::default()).expect("a stage");
    stage
        .phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    stage
        .phones
        .set_customer_policy("+79161112233", Policy::answer_after(50))
        .expect("policy");
    stage.sidetone(&["show", "panel"]).expect("show");
    stage.shown(PANEL).expect("panel");
    stage.sidetone(&["dial", "+79161112233"]).expect("dial");
    stage
        .wait("answered", SOON, |status| {
            let mut steps = status.dials.iter().map(|dial| &dial.step);
            steps.any(|step| *step == view::DialStep::Answered)
        })
        .expect("answered");
    stage.sidetone(&["hangup"]).expect("hang up");
    stage
        .sidetone(&["tel:evil%0d%0aAction"])
        .expect("a bad link");
    let call = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", "Private Name"), DIRECT_LINE)
        .expect("call");
    stage
        .wait("a card", SOON, |status| !status.cards.is_empty())
        .expect("card");
    stage.phones.hang_up(call).expect("hang up");
    stage
        .wait("over", SOON, |status| status.calls.is_empty())
        .expect("over");
    stage.asterisk.kill().expect("kill");
    stage
        .wait("away", SOON, |status| !status.connection.is_up())
        .expect("trouble is logged too");
    let logs: Vec<_> = files(&stage.session.home().join(".local/state"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "log"))
        .collect();
    let text: String = logs
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("read"))
        .collect();
    assert!(!text.is_empty(), "something is logged: {logs:?}");
    for private in [
        RIGHT,
        "9161112233",
        "916 111",
        "2079460958",
        "20 7946",
        "Lovelace",
        "Petrova",
        "Private Name",
        "evil",
    ] {
        assert!(!text.contains(private), "{private:?} in\n{text}");
    }
}

/// The three lines, once none is running any more.
fn ticks(page: &Driver) -> Vec<String> {
    wait_for("three ticks", SOON * 2, || {
        let lines = page.texts("[aria-label=Test] li")?;
        let done = lines.len() == 3 && !lines.iter().any(|line| line.contains("checking"));
        Ok(done.then_some(lines))
    })
    .unwrap_or_else(|error| panic!("{error:#}: {:?}", page.texts("[aria-label=Test]")))
}

/// What the system's own tool finds in the keychain.
fn kept(stage: &Stage) -> String {
    let address = stage.asterisk.ami_addr();
    let username = format!("sidetone@{}:{}", address.ip(), address.port());
    let mut command = stage.session.command("secret-tool");
    command
        .args(["lookup", "service", "sidetone", "username", &username])
        .stdout(Stdio::piped());
    let found = output(&mut command, SOON).expect("secret-tool");
    String::from_utf8(found.stdout).expect("text")
}

/// All files below.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => all.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    all
}
