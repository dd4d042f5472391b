//! A web view can be read and used through its driver.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::time::Duration;

use testkit::browser::LinkPage;
use testkit::session::{DesktopSession, Keyring, Options};
use testkit::webdriver::WebDriver;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_page_is_read_and_clicked() {
    let options = Options {
        keyring: Keyring::None,
        ..Options::default()
    };
    let session = DesktopSession::start(&options).unwrap();
    let page = LinkPage::serve(&["#first", "#second"]).unwrap();
    let driver = WebDriver::start(&session, &mini_browser(), &["--automation"], &[]).unwrap();
    driver.go_to(&page.origin()).unwrap();
    driver.switch_to("Links to call", SOON).unwrap();
    let link = driver.find("a:nth-of-type(2)", SOON).unwrap();
    assert_eq!(driver.text(&link).unwrap(), "#second");
    driver.click(&link).unwrap();
    page.requests()
        .wait_for(SOON, |request| request.path == "/clicked/1")
        .unwrap();
    assert_eq!(
        driver.script("return location.hash", &[]).unwrap(),
        "#second"
    );
    let missing = driver
        .find("button", Duration::from_millis(50))
        .unwrap_err();
    assert!(missing.to_string().contains("button"), "{missing:?}");
}

/// WebKitGTK's own example program, part of the library's package.
fn mini_browser() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("libraries").flatten();
    let mut found = folders.map(|folder| folder.path().join("webkit2gtk-4.1/MiniBrowser"));
    found
        .find(|path| path.exists())
        .expect("MiniBrowser of libwebkit2gtk-4.1")
}
