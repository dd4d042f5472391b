//! What a person sees and what the PBX is told, as stories with a shell that writes everything down.
#![allow(clippy::disallowed_methods)] // the tests bring the clock

mod desk;

use desk::{Desk, lamp, link, ringing, settings};
use desktop::{ClientId, Input, MenuItem, SecretOutcome, TrayAction};
use engine::{CallUpdate, Connection, End, Mine, Outcome, Phase, Progress, Update};
use insta::assert_snapshot;
use std::time::Duration;
use view::{
    AgentMessage, Explanation, KeepWindows, Lamp, Request, SecretText, Settings, Source, Tick,
    TickState, Window,
};

#[test]
fn a_clicked_link_asks_first_and_dials_once() {
    let mut desk = Desk::connected();
    desk.ask(link("tel:+442079460958", "r1"));
    assert_snapshot!(desk.told(), @"
    windows Running
    reply AskedFirst
    ");
    let confirm = desk.state().confirm.clone().expect("a question");
    assert_eq!(confirm.program.as_deref(), Some("Chromium"));
    desk.ask(Request::ConfirmDial {
        confirm: confirm.id,
        always: false,
    });
    desk.ask(link("tel:+442079460958", "r1"));
    assert_snapshot!(desk.told(), @"
    dial +442079460958
    windows Running
    reply Dialling
    reply Dialling
    ");
}

#[test]
fn always_for_this_program_asks_no_more_and_is_kept() {
    let mut desk = Desk::connected();
    desk.ask(link("tel:102", "r1"));
    let confirm = desk.state().confirm.clone().expect("a question");
    desk.ask(Request::ConfirmDial {
        confirm: confirm.id,
        always: true,
    });
    desk.told();
    desk.pass(Duration::from_secs(5));
    desk.ask(link("tel:103", "r2"));
    assert_snapshot!(desk.told(), @"
    dial 103
    reply Dialling
    ");
    assert_eq!(desk.saved().trusted_programs, ["Chromium"]);
}

#[test]
fn a_feature_code_never_leaves_without_a_question_even_when_typed() {
    let mut desk = Desk::connected();
    desk.ask(Request::Dial {
        text: "*21#".into(),
        source: Source::Typed,
        request_id: "r1".into(),
    });
    assert_snapshot!(desk.told(), @"
    windows Running
    reply AskedFirst
    ");
    let confirm = desk.state().confirm.clone().expect("a question");
    assert!(matches!(
        confirm.explanation,
        Explanation::Dials {
            question: Some(_),
            ..
        }
    ));
}

#[test]
fn what_is_typed_dials_at_once_and_twice_is_once() {
    let mut desk = Desk::connected();
    for id in ["r1", "r1", "r2"] {
        desk.ask(Request::Dial {
            text: "102".into(),
            source: Source::Typed,
            request_id: id.into(),
        });
    }
    assert_snapshot!(desk.told(), @"
    dial 102
    reply Dialling
    reply Dialling
    reply Dialling
    ");
}

#[test]
fn nothing_is_dialled_while_the_pbx_is_away_and_it_is_said_why() {
    let mut desk = Desk::connected();
    desk.input(Input::Backend(Update::Connection(Connection::Away {
        words: "No answer from pbx.".into(),
        retry_in: Duration::from_secs(4),
    })));
    desk.told();
    desk.ask(Request::Dial {
        text: "102".into(),
        source: Source::Typed,
        request_id: "r1".into(),
    });
    assert_snapshot!(desk.told(), @"reply NotConnected: Not called: No answer from pbx.");
}

#[test]
fn a_link_without_a_number_says_so_where_it_is_seen() {
    let mut desk = Desk::connected();
    desk.ask(link("tel:", "r1"));
    let told = desk.told();
    assert!(
        told.starts_with("notify Not called | ") && told.contains("reply NoNumber: Not called: "),
        "{told}"
    );
}

#[test]
fn progress_is_shown_step_by_step_and_can_be_cancelled() {
    let mut desk = Desk::connected();
    desk.ask(Request::Dial {
        text: "102".into(),
        source: Source::Typed,
        request_id: "r1".into(),
    });
    let dial = desk.state().dials[0].id.clone();
    for progress in [
        Progress::RingingYourPhone,
        Progress::YouPickedUp,
        Progress::Calling,
        Progress::RingingThere,
    ] {
        desk.progress(&dial, progress);
    }
    let reached: Vec<_> = desk.state().dials[0]
        .reached
        .iter()
        .map(|step| step.words.clone())
        .collect();
    assert_eq!(
        reached,
        [
            "asking the PBX",
            "ringing your phone 101",
            "you picked up",
            "calling",
            "ringing there"
        ]
    );
    desk.told();
    desk.ask(Request::Cancel { dial: dial.clone() });
    desk.progress(
        &dial,
        Progress::Ended {
            end: End::Cancelled,
            words: "Cancelled.".into(),
        },
    );
    desk.ask(Request::Cancel { dial });
    assert_snapshot!(desk.told(), @"
    cancel
    reply Done
    reply NoSuchCall: This call is over already.
    ");
    desk.pass(Duration::from_secs(6));
    assert!(desk.state().dials.is_empty());
}

#[test]
fn a_failed_call_from_a_link_is_notified_when_no_panel_shows_it() {
    let mut desk = Desk::with(Settings {
        confirm_links: false,
        ..settings()
    });
    desk.ask(link("tel:102", "r1"));
    let dial = desk.state().dials[0].id.clone();
    desk.told();
    desk.progress(
        &dial,
        Progress::Ended {
            end: End::YourPhoneOffline,
            words: "Not called: your phone 101 is offline.".into(),
        },
    );
    assert_snapshot!(desk.told(), @"notify Not called | Your phone 101 is offline.");
}

#[test]
fn a_ring_with_no_window_yet_is_notified_and_the_window_started() {
    let mut desk = Desk::connected();
    let call = ringing("Ada");
    desk.call(&call);
    assert_snapshot!(desk.told(), @"
    notify Ada is calling | +7 916 123-45-67
    windows Running
    ");
    desk.input(Input::WindowsConnected(ClientId(9)));
    assert_snapshot!(desk.told(), @"publish snapshot");
    desk.ask(Request::Painted {
        calls: vec![call.call.to_string()],
        received_at: 1,
        painted_at: 2,
    });
    assert_snapshot!(desk.told(), @"
    withdraw
    reply Done
    ");
}

#[test]
fn a_ring_with_the_window_prepared_needs_no_notification_if_it_paints() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.told();
    let call = ringing("Ada");
    desk.call(&call);
    assert_snapshot!(desk.told(), @"
    publish cards 1
    publish me
    ");
    desk.ask(Request::Painted {
        calls: vec![call.call.to_string()],
        received_at: 1,
        painted_at: 2,
    });
    desk.told();
    desk.pass(Duration::from_secs(1));
    assert_snapshot!(desk.told(), @"");
}

#[test]
fn a_window_that_does_not_paint_leaves_the_number_to_a_notification() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.call(&ringing("Ada"));
    desk.told();
    desk.pass(Duration::from_millis(301));
    assert_snapshot!(desk.told(), @"notify Ada is calling | +7 916 123-45-67");
}

#[test]
fn windows_killed_while_it_rings_come_back_with_everything() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.call(&ringing("Ada"));
    desk.told();
    desk.input(Input::WindowsGone);
    assert_snapshot!(desk.told(), @"
    notify Ada is calling | +7 916 123-45-67
    windows Running
    ");
    desk.input(Input::WindowsConnected(ClientId(10)));
    assert_snapshot!(desk.told(), @"publish snapshot");
    assert_eq!(desk.state().cards.len(), 1);
}

#[test]
fn windows_that_die_twice_while_it_rings_leave_a_notification_each_time() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.call(&ringing("Ada"));
    desk.input(Input::WindowsGone);
    desk.input(Input::WindowsConnected(ClientId(10)));
    desk.told();
    desk.input(Input::WindowsGone);
    assert_snapshot!(desk.told(), @"
    notify Ada is calling | +7 916 123-45-67
    windows Running
    ");
}

#[test]
fn a_colleague_answers_and_the_card_says_who_then_goes() {
    let mut desk = Desk::connected();
    let call = ringing("Ada");
    desk.call(&call);
    let taken = CallUpdate {
        mine: Mine::Gone,
        phase: Phase::AnsweredElsewhere { by: "102".into() },
        ..call
    };
    desk.call(&taken);
    assert!(
        matches!(&desk.state().cards[0].phase, view::CardPhase::AnsweredElsewhere { by } if by == "102")
    );
    desk.pass(Duration::from_secs(4));
    assert!(desk.state().cards.is_empty());
    assert!(
        matches!(&desk.state().recent[0].outcome, view::RecentOutcome::AnsweredElsewhere { by } if by == "102")
    );
    assert_eq!(desk.state().me.lamp, Lamp::Idle);
}

#[test]
fn a_missed_call_can_be_called_back_from_the_tray() {
    let mut desk = Desk::connected();
    let call = ringing("Ada");
    desk.call(&call);
    let now = desk.now.instant;
    desk.call(&CallUpdate {
        mine: Mine::Gone,
        phase: Phase::Missed,
        ended: Some(now),
        ..call
    });
    let redial = desk.menu().into_iter().find_map(|item| match item {
        MenuItem::Action {
            action: TrayAction::Redial { text },
            enabled: true,
            ..
        } => Some(text),
        MenuItem::Action { .. } | MenuItem::Words(_) | MenuItem::Separator => None,
    });
    assert_eq!(redial.as_deref(), Some("+79161234567"));
    desk.told();
    desk.input(Input::Tray(TrayAction::Redial {
        text: "+79161234567".into(),
    }));
    assert_snapshot!(desk.told(), @"dial +79161234567");
}

#[test]
fn windows_end_after_ten_idle_minutes_and_not_before() {
    let mut desk = Desk::connected();
    desk.input(Input::Tray(TrayAction::Activate));
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.pass(Duration::from_secs(3600));
    desk.told();
    desk.ask(Request::Closed {
        window: Window::Panel,
    });
    desk.pass(Duration::from_secs(599));
    assert_snapshot!(desk.told(), @"reply Done");
    desk.pass(Duration::from_secs(2));
    assert_snapshot!(desk.told(), @"windows Ended");
}

#[test]
fn windows_that_are_kept_always_start_at_once_and_never_end() {
    let mut desk = Desk::with(Settings {
        keep_windows: KeepWindows::Always,
        ..settings()
    });
    assert!(desk.first.contains("windows Running"));
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.told();
    desk.pass(Duration::from_secs(3600));
    assert_snapshot!(desk.told(), @"");
    desk.input(Input::WindowsGone);
    assert_snapshot!(desk.told(), @"windows Running");
}

#[test]
fn a_secret_that_the_keychain_does_not_take_works_for_this_run_and_says_why() {
    let mut desk = Desk::connected();
    desk.ask(Request::SaveSettings {
        settings: Box::new(settings()),
        secret: Some(SecretText::from("s3cret".to_owned())),
    });
    assert_snapshot!(desk.told(), @"
    save
    store secret
    configure 101 at pbx:5038
    check links
    ");
    desk.input(Input::Secret(SecretOutcome::Unavailable {
        words: "There is no keychain.".into(),
    }));
    assert!(
        matches!(&desk.state().settings.secret, view::SecretState::ThisRunOnly { words } if words == "There is no keychain.")
    );
    desk.input(Input::SettingsSaved(Err(
        "The disk is full; the old settings stay.".into(),
    )));
    assert_snapshot!(desk.told(), @"reply Settings: The disk is full; the old settings stay.");
}

#[test]
fn a_first_start_opens_the_settings() {
    let mut desk = Desk::fresh(Settings::default());
    desk.input(Input::Secret(SecretOutcome::Missing));
    assert_snapshot!(desk.told(), @"
    load secret
    use sources
    check links
    disconnect
    windows Running
    ");
    desk.input(Input::WindowsConnected(ClientId(9)));
    assert_snapshot!(desk.told(), @"
    publish snapshot
    publish show Settings
    connector kinds
    ");
}

#[test]
fn a_late_answer_of_the_keychain_does_not_undo_what_was_typed_meanwhile() {
    let mut desk = Desk::fresh(settings());
    desk.ask(Request::SaveSettings {
        settings: Box::new(settings()),
        secret: Some(SecretText::from("s3cret".to_owned())),
    });
    desk.told();
    desk.input(Input::Secret(SecretOutcome::Missing));
    desk.input(Input::Secret(SecretOutcome::Stored));
    assert_snapshot!(desk.told(), @"");
    assert_eq!(desk.state().settings.secret, view::SecretState::Stored);
}

#[test]
fn the_secret_of_one_phone_system_is_never_sent_to_another() {
    let mut desk = Desk::connected();
    let mut other = settings();
    other.pbx_host = "other".into();
    let save = || Request::SaveSettings {
        settings: Box::new(other.clone()),
        secret: None,
    };
    desk.ask(save());
    desk.input(Input::Secret(SecretOutcome::Unavailable {
        words: "There is no keychain.".into(),
    }));
    desk.input(Input::SettingsSaved(Ok(())));
    desk.ask(save());
    let told = desk.told();
    assert!(told.contains("disconnect"), "{told}");
    assert!(!told.contains("configure"), "{told}");
}

#[test]
fn without_a_keychain_the_secret_is_asked_for_with_the_reason() {
    let mut desk = Desk::fresh(settings());
    desk.input(Input::Secret(SecretOutcome::Unavailable {
        words: "There is no keychain.".into(),
    }));
    assert_eq!(desk.state().connection.words(), "There is no keychain.");
    assert!(desk.told().ends_with("windows Running"));
}

#[test]
fn the_test_gives_three_ticks() {
    let mut desk = Desk::connected();
    desk.ask(Request::TestSettings {
        settings: Box::new(settings()),
        secret: None,
    });
    assert_snapshot!(desk.told(), @"
    test 101 at pbx:5038
    check links
    reply Done
    ");
    desk.input(Input::Links(Tick {
        state: TickState::Passed,
        words: "tel: links come to Sidetone.".into(),
    }));
    let verdict = |passed, words: &str| engine::Verdict {
        passed,
        words: words.into(),
    };
    let report = engine::TestReport {
        connection: verdict(true, "Connected."),
        phone: verdict(false, "Your phone 101 is not registered."),
    };
    desk.input(Input::Backend(Update::Tested { key: 1, report }));
    let test = desk.state().test.clone().expect("a report");
    assert_eq!(
        [test.connection.state, test.phone.state, test.links.state],
        [TickState::Passed, TickState::Failed, TickState::Passed]
    );
}

#[test]
fn the_settings_offer_every_country_once_they_are_opened() {
    let mut desk = Desk::connected();
    assert_eq!(desk.state().settings.countries, []);
    desk.ask(Request::Show {
        window: Window::Settings,
    });
    let countries = &desk.state().settings.countries;
    assert!(countries.len() > 200, "{}", countries.len());
    assert!(
        countries
            .iter()
            .any(|country| country.code == "DE" && country.calling_code == "+49")
    );
}

#[test]
fn the_stored_secret_is_not_tried_on_another_phone_system() {
    let mut desk = Desk::connected();
    let elsewhere = Settings {
        pbx_host: "elsewhere".into(),
        ..settings()
    };
    desk.ask(Request::TestSettings {
        settings: Box::new(elsewhere),
        secret: None,
    });
    assert_snapshot!(desk.told(), @"
    check links
    reply Done
    ");
    let test = desk.state().test.clone().expect("a report");
    assert!(test.connection.words.contains("secret"), "{test:?}");
}

#[test]
fn saving_after_a_refusal_tries_again() {
    let mut desk = Desk::connected();
    desk.input(Input::Backend(Update::Connection(Connection::Refused {
        words: "Wrong secret.".into(),
    })));
    desk.told();
    desk.ask(Request::SaveSettings {
        settings: Box::new(settings()),
        secret: None,
    });
    assert_snapshot!(desk.told(), @"
    save
    configure 101 at pbx:5038
    retry
    check links
    ");
}

#[test]
fn a_window_that_misses_a_change_can_tell() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(9)));
    desk.call(&ringing("Ada"));
    let numbers: Vec<u64> = desk
        .controller
        .shell_mut()
        .published
        .iter()
        .filter_map(|message| match message {
            AgentMessage::Snapshot { snapshot } => Some(snapshot.seq),
            AgentMessage::Change { seq, .. } => Some(*seq),
            AgentMessage::Reply { .. }
            | AgentMessage::Facts { .. }
            | AgentMessage::Show { .. }
            | AgentMessage::End => None,
        })
        .collect();
    assert!(
        numbers.len() > 2 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
}

#[test]
fn an_order_of_the_panel_is_answered_when_the_phone_system_has_done_it() {
    let mut desk = Desk::connected();
    desk.call(&ringing("Ada"));
    desk.told();
    desk.transfer("w1", "102");
    // The same wish again, while it goes on: it is ordered once and answered twice.
    desk.transfer("w1", "102");
    assert_snapshot!(desk.told(), @r#"order BlindTransfer { to: Dialable("102") }"#);
    desk.outcome("w1", Outcome::Done);
    assert_snapshot!(desk.told(), @"
    answer Done
    answer Done
    ");
}

#[test]
fn an_order_that_is_refused_says_why_and_one_without_an_answer_is_unknown() {
    let mut desk = Desk::connected();
    desk.call(&ringing("Ada"));
    desk.transfer("w0", "nobody");
    desk.transfer("w1", "102");
    desk.told();
    let words = "There is no such extension.".to_owned();
    desk.outcome("w1", Outcome::Refused { words });
    desk.transfer("w2", "103");
    desk.pass(Duration::from_secs(16));
    desk.outcome("w2", Outcome::Done);
    let told = desk.told();
    let answers: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("answer"))
        .collect();
    assert_snapshot!(answers.join("\n"), @r#"
    answer Failed(Failure { code: Refused, message: "There is no such extension.", retry_after_ms: None })
    answer Failed(Failure { code: Unknown, message: "There was no answer. Look whether it was done before you try again.", retry_after_ms: None })
    "#);
}

#[test]
fn without_a_line_nothing_is_ordered() {
    let mut desk = Desk::connected();
    let words = "The phone system does not answer.".to_owned();
    let retry_in = Duration::from_secs(5);
    desk.input(Input::Backend(Update::Connection(Connection::Away {
        words,
        retry_in,
    })));
    desk.told();
    desk.transfer("w1", "102");
    assert_snapshot!(desk.told(), @r#"answer Failed(Failure { code: PbxAway, message: "The phone system does not answer.", retry_after_ms: None })"#);
}

#[test]
fn a_dial_from_the_panel_is_as_one_that_was_typed_and_twice_is_once() {
    let mut desk = Desk::connected();
    for _ in 0..2 {
        desk.wish("w1", wire::Request::Dial { text: "102".into() });
    }
    desk.wish("w2", wire::Request::Dial { text: "abc".into() });
    assert_snapshot!(desk.told(), @r#"
    dial 102
    answer Done
    answer Done
    answer Failed(Failure { code: Refused, message: "Not called: “a” cannot be part of a phone number.", retry_after_ms: None })
    "#);
    assert_eq!(desk.state().dials.len(), 1);
}

#[test]
fn colleagues_are_told_only_while_the_panel_shows_them() {
    let mut desk = Desk::connected();
    let windows = ClientId(1);
    desk.input(Input::Facts(vec![lamp()]));
    desk.ask(Request::Follow { on: true });
    assert!(desk.told().contains("BadRequest"), "only windows follow");
    desk.input(Input::WindowsConnected(windows));
    desk.ask(Request::Follow { on: true });
    desk.pass(Duration::from_secs(1));
    assert!(!desk.told().contains("follow"), "the panel is not open");
    let window = Window::Panel;
    desk.ask(Request::Show { window });
    desk.call(&ringing("Ada"));
    desk.input(Input::Facts(vec![lamp()]));
    desk.pass(Duration::from_secs(1));
    assert_eq!(desk.facts(), ["anew: Me Phone", "Call Extension"]);
    desk.ask(Request::Closed { window });
    desk.input(Input::Facts(vec![lamp()]));
    desk.pass(Duration::from_secs(1));
    assert!(desk.facts().is_empty());
    // It was hidden, and its tab is still the chosen one.
    desk.ask(Request::Show { window });
    desk.pass(Duration::from_secs(1));
    assert_eq!(desk.facts(), ["anew: Me Phone Call"]);
    desk.input(Input::WindowsGone);
    desk.input(Input::Facts(vec![lamp()]));
    desk.pass(Duration::from_secs(1));
    assert!(desk.facts().is_empty());
}
