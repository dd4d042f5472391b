//! A click in a real browser reaches the program that handles `tel:` links.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::browser::{Chromium, Consent, LinkPage};
use testkit::session::{DesktopSession, Keyring, Options};

const LINKS: [&str; 3] = ["tel:+7%20916%20123-45-67", "tel:102;ext=5", "callto:610"];

#[test]
fn a_click_on_an_allowed_page_reaches_the_handler() {
    let session = start();
    let page = LinkPage::serve(&LINKS).unwrap();
    let browser = Chromium::open(&session, &page, Consent::Remembered).unwrap();
    browser.click(0).unwrap();
    assert_eq!(handled(&session, 1), [LINKS[0]]);
    browser.click(2).unwrap();
    assert_eq!(handled(&session, 2), [LINKS[0], LINKS[2]]);
}

#[test]
fn the_policy_allows_it_for_everybody() {
    let session = start();
    let page = LinkPage::serve(&LINKS).unwrap();
    let browser = Chromium::open(&session, &page, Consent::Policy).unwrap();
    browser.click(1).unwrap();
    assert_eq!(handled(&session, 1), [LINKS[1]]);
}

#[test]
fn without_either_the_browser_asks_first() {
    let session = start();
    let page = LinkPage::serve(&LINKS).unwrap();
    let browser = Chromium::open(&session, &page, Consent::Ask).unwrap();
    browser.click(1).unwrap();
    browser.accept_prompt().unwrap();
    assert_eq!(handled(&session, 1), [LINKS[1]]);
}

fn start() -> DesktopSession {
    let options = Options {
        keyring: Keyring::None,
        ..Options::default()
    };
    let session = DesktopSession::start(&options).expect("the session starts");
    let handler = session.home().join("handler");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{}'\n",
        record(&session).display()
    );
    std::fs::write(&handler, script).expect("writes");
    std::fs::set_permissions(&handler, PermissionsExt::from_mode(0o755)).expect("executable");
    session.install_handler(&handler).expect("installs");
    session
}

fn record(session: &DesktopSession) -> PathBuf {
    session.home().join("handled")
}

/// What the handler was given, once it was given `count` links.
fn handled(session: &DesktopSession, count: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        let text = std::fs::read_to_string(record(session)).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.len() >= count || Instant::now() > until {
            return lines;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
