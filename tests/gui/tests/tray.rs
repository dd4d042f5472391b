//! The tray icon as a panel reads and uses it: left click, menu, the four states, a tray that comes late or never.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::DIRECT_LINE;
use gui::stage::{PANEL, SETTINGS};
use gui::{SOON, Stage, wait_for};
use std::collections::HashSet;
use std::time::Duration;
use testkit::phones::Customer;
use testkit::session::TrayIcon;

#[test]
fn a_click_opens_the_panel_and_the_menu_does_what_it_says() {
    let mut stage = Stage::start("tray", &Setup::default()).expect("a stage");
    let tray = stage.session.tray().expect("a tray");
    let icon = tray.wait_for_icon(SOON).expect("an icon");
    assert!(stage.status().expect("status").tray);
    assert!(!tray.read(&icon).expect("icon").item_is_menu);

    tray.activate(&icon).expect("left click");
    let panel = stage.shown(PANEL).expect("the panel");
    stage.active(panel.id).expect("it takes the keyboard");
    stage.session.press("Escape").expect("press");
    stage.gone(PANEL).expect("Escape closes it");

    tray.click(&icon, "Open Sidetone").expect("menu");
    stage.shown(PANEL).expect("the panel");
    tray.click(&icon, "Settings…").expect("menu");
    let settings = stage.shown(SETTINGS).expect("the settings");
    stage.active(settings.id).expect("they take the keyboard");
    stage
        .picture(None, "settings")
        .expect("a picture of the settings");

    tray.click(&icon, "Quit").expect("menu");
    stage.agent.wait_ended(SOON).expect("it ends");
    stage.gone(SETTINGS).expect("the windows end with it");
}

#[test]
fn the_icon_has_a_shape_and_words_for_each_state() {
    let mut stage = Stage::start("lamp", &Setup::default()).expect("a stage");
    let mut pictures = HashSet::new();
    let mut see = |stage: &Stage, words: &str| {
        let shown = tooltip(stage, words);
        assert!(!shown.pixmaps.is_empty(), "{words}");
        assert!(
            pictures.insert(shown.pixmaps),
            "{words}: a picture of its own"
        );
    };
    see(&stage, "Sidetone 101: free");
    let call = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    see(&stage, "Sidetone 101: ringing");
    let mine = stage.own_phone_rings().expect("101 rings");
    stage.phones.answer(mine).expect("answer");
    see(&stage, "Sidetone 101: in a call");
    let tray = stage.session.tray().expect("a tray");
    let icon = tray.wait_for_icon(SOON).expect("an icon");
    tray.click(&icon, "Hang up").expect("menu");
    stage
        .phones
        .wait_ended(call, SOON)
        .expect("hung up from the menu");
    tooltip(&stage, "Sidetone 101: free");
    stage.asterisk.kill().expect("kill");
    see(&stage, "Sidetone 101: offline");
    let tray = stage.session.tray().expect("a tray");
    assert!(
        tray.menu(&icon)
            .expect("menu")
            .flatten()
            .iter()
            .any(|item| item.label.replace('_', "") == "Connect now" && item.enabled),
        "offline there is a way back"
    );
}

#[test]
fn without_a_tray_the_agent_lives_and_one_that_comes_late_or_again_gets_the_icon() {
    let mut setup = Setup::default();
    setup.session.tray_host = false;
    let mut stage = Stage::start("no-tray", &setup).expect("a stage");
    assert!(!stage.status().expect("status").tray);
    let call = stage
        .phones
        .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)
        .expect("call");
    stage.shown(gui::stage::CARD).expect("a card all the same");
    stage.phones.hang_up(call).expect("hang up");

    for _ in 0..2 {
        stage.session.start_tray().expect("a tray");
        let tray = stage.session.tray().expect("a tray");
        tray.wait_for_icon(SOON * 3).expect("the icon comes");
        stage
            .wait("a tray", SOON * 3, |status| status.tray)
            .expect("known");
        stage.session.stop_tray();
        stage
            .wait("no tray", Duration::from_secs(30), |status| !status.tray)
            .expect("known");
    }
}

fn tooltip(stage: &Stage, words: &str) -> TrayIcon {
    let tray = stage.session.tray().expect("a tray");
    let icon = tray.wait_for_icon(SOON).expect("an icon");
    wait_for(words, SOON, || {
        let shown = tray.read(&icon)?;
        let text = format!("{} {} {}", shown.title, shown.tooltip.0, shown.tooltip.1);
        anyhow::ensure!(text.contains(words), "{text:?}");
        Ok(Some(shown))
    })
    .expect("the tray says it")
}
