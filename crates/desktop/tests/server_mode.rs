//! The same desktop in server mode: what holds for an engine's updates holds for a server's facts.
#![allow(clippy::disallowed_methods)] // the tests bring the clock

use desktop::{
    ClientId, ConnectorCommand, Controller, Input, Keep, Notification, Now, PeopleWish,
    SecretOutcome, ServerCommand, ServerEvent, Shell, Tray,
};
use engine::Command;
use insta::assert_snapshot;
use secrecy::{ExposeSecret as _, SecretString};
use std::time::{Duration, Instant};
use view::{
    AgentMessage, CardPhase, DialStep, EnrolStep, Lamp, RecentOutcome, Reply, Request, SecretState,
    ServerSettings, Settings, Source, Tick, TickState, Window,
};
use wire::{
    Answer, Call, CallState, Dial, DialEnd, Direction, ErrorCode, Fact, Failure, Me, Mine, Party,
    PbxLine, People, Person, Phone, Progress, Rights, Token, rest::Enrolled,
};

#[test]
fn extension_and_dial_plan_come_from_the_server() {
    let mut desk = Desk::connected();
    assert_eq!(desk.state().me.extension, "101");
    assert_eq!(desk.state().me.lamp, Lamp::Idle);
    let server = desk.state().server.clone().expect("a server");
    assert_eq!(server.host, "pbx.example");
    assert_eq!(server.person.as_deref(), Some("Anna"));
    // A national number of the server's country, and an outside line that the server's plan has.
    desk.ask(Request::Explain {
        text: "8 916 123-45-67".into(),
    });
    assert_snapshot!(desk.told(), @"ask who is +79161234567");
}

#[test]
fn a_dial_is_one_request_with_its_own_id_and_facts_tell_how_far_it_is() {
    let mut desk = Desk::connected();
    let id = desk.dial("8 916 123-45-67");
    assert_snapshot!(desk.told(), @"
    ask dial +79161234567
    reply Dialling
    ");
    for progress in [
        Progress::RingingYourPhone,
        Progress::YouPickedUp,
        Progress::Calling,
        Progress::RingingThere,
        Progress::Answered,
    ] {
        desk.changes(vec![dial_fact(&id, progress)]);
    }
    let reached = desk.state().dials[0].reached.iter();
    let reached: Vec<_> = reached.map(|step| step.words.clone()).collect();
    assert_eq!(
        reached,
        [
            "asking the PBX",
            "ringing your phone 101",
            "you picked up",
            "calling",
            "ringing there",
            "answered"
        ]
    );
    desk.told();
    desk.ask(Request::Cancel { dial: id.clone() });
    desk.changes(vec![dial_fact(&id, ended(DialEnd::ByYou, "You hung up."))]);
    assert_snapshot!(desk.told(), @"
    ask cancel
    reply Done
    ");
    desk.pass(Duration::from_secs(6));
    assert!(desk.state().dials.is_empty());
}

#[test]
fn the_panel_gets_the_servers_facts_and_its_wishes_go_there_with_their_ids() {
    let mut desk = Desk::connected();
    desk.input(Input::WindowsConnected(ClientId(1)));
    desk.ask(Request::Show {
        window: Window::Panel,
    });
    desk.told();
    desk.ask(Request::Follow { on: true });
    assert_snapshot!(desk.told(), @"
    follow all at the server
    reply Done
    ");
    let lamp = Fact::Extension {
        key: "102@main".into(),
        value: None,
    };
    desk.server(ServerEvent::Snapshot(vec![pbx_fact(), lamp]));
    let debug = std::mem::take(&mut desk.controller.shell_mut().debug);
    assert!(
        debug.contains("Facts { from_nothing: true, facts: [Me {"),
        "{debug}"
    );
    assert!(debug.contains("102@main"), "{debug}");
    let order = wire::Order::PickUp;
    let call = Some(CALL.to_owned());
    let wish = wire::Request::Order { call, order };
    for id in ["w1", "w2"] {
        desk.ask(Request::Wish {
            request_id: id.into(),
            wish: wish.clone(),
        });
    }
    desk.server(ServerEvent::Reply {
        id: "w1".into(),
        answer: failed(ErrorCode::Forbidden, "You may not pick up this call."),
    });
    desk.server(ServerEvent::Down {
        words: "it went away".into(),
        retry_in: Duration::from_secs(5),
    });
    assert_snapshot!(desk.told(), @r#"
    ask Order { call: Some("019ac5a0-0000-7000-8000-000000000001"), order: PickUp }
    ask Order { call: Some("019ac5a0-0000-7000-8000-000000000001"), order: PickUp }
    answer Failed(Failure { code: Forbidden, message: "You may not pick up this call.", retry_after_ms: None })
    answer Failed(Failure { code: Unknown, message: "The line to the server broke before the answer. Look whether it was done before you try again.", retry_after_ms: None })
    "#);
}

#[test]
fn an_extension_behind_a_number_goes_along() {
    let mut desk = Desk::connected();
    desk.dial("tel:+79161234567;ext=12");
    assert!(desk.told().contains("ask dial tel:+79161234567;ext=12"));
}

#[test]
fn what_the_server_does_not_take_is_refused_with_its_words() {
    let mut desk = Desk::connected();
    let id = desk.dial("102");
    desk.server(ServerEvent::Reply {
        id,
        answer: failed(
            ErrorCode::Forbidden,
            "This number may not be called from here.",
        ),
    });
    let DialStep::Ended { end, words } = &desk.state().dials[0].step else {
        panic!("it goes on")
    };
    assert_eq!(*end, view::DialEnd::Refused);
    assert_eq!(
        words,
        "Not called: This number may not be called from here."
    );
}

#[test]
fn a_ring_is_a_card_and_a_colleagues_answer_is_told() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    assert_snapshot!(desk.told(), @"
    notify Ada is calling | +7 916 123-45-67
    windows Running
    ");
    assert_eq!(desk.state().me.lamp, Lamp::Ringing);
    let taken = CallState::AnsweredElsewhere { by: "102".into() };
    desk.changes(vec![call_fact(taken, Mine::Gone)]);
    assert!(
        matches!(&desk.state().cards[0].phase, CardPhase::AnsweredElsewhere { by } if by == "102")
    );
    desk.changes(vec![gone_fact()]);
    desk.pass(Duration::from_secs(4));
    assert!(desk.state().cards.is_empty());
    assert!(
        matches!(&desk.state().recent[0].outcome, RecentOutcome::AnsweredElsewhere { by } if by == "102")
    );
}

#[test]
fn a_missed_call_stays_missed_when_the_server_forgets_it() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    desk.changes(vec![call_fact(CallState::Missed, Mine::Gone)]);
    desk.changes(vec![gone_fact()]);
    assert_eq!(desk.state().recent.len(), 1);
    assert_eq!(desk.state().recent[0].outcome, RecentOutcome::Missed);
    assert_eq!(
        desk.state().recent[0].call_back.as_deref(),
        Some("+79161234567")
    );
}

#[test]
fn somebody_found_at_the_server_is_given_to_a_call_that_is_over_and_taken_back() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    desk.changes(vec![call_fact(CallState::Missed, Mine::Gone)]);
    desk.changes(vec![gone_fact()]);
    desk.told();
    let bob = Person {
        name: "Bob".into(),
        url: Some("https://crm.example/2".into()),
        record: record(),
        ..Person::default()
    };
    let found = Answer::Found {
        people: vec![bob],
        sources: Vec::new(),
    };
    let find = wire::Request::FindPeople { text: "bob".into() };
    desk.wish("f1", find, found);
    desk.ask(Request::OpenLink {
        url: "https://crm.example/2".into(),
    });
    let link = wire::Request::LinkPerson {
        call: CALL.into(),
        record: record(),
        remember: wire::Remember::Number,
    };
    desk.wish("l1", link, Answer::Done);
    let person = desk.state().recent[0].person.clone();
    assert_eq!(person.map(|person| person.name).as_deref(), Some("Bob"));
    let unlink = wire::Request::UnlinkPerson { call: CALL.into() };
    desk.wish("u1", unlink, Answer::Done);
    assert_eq!(desk.state().recent[0].person, None);
    let told = desk.told();
    assert!(told.contains("open https://crm.example/2"), "{told}");
    assert_eq!(told.matches("ask ").count(), 3, "{told}");
}

/// The server's news of the call comes before its answer.
#[test]
fn after_a_wrong_person_those_are_shown_whom_the_server_names() {
    let mut desk = Desk::connected();
    let named = |people| {
        let Fact::Call { key, value } = call_fact(CallState::Ringing, Mine::Ringing) else {
            panic!("a call")
        };
        let value = value.map(|call| Call { people, ..call });
        vec![Fact::Call { key, value }]
    };
    let person = |name: &str| Person {
        name: name.into(),
        ..Person::default()
    };
    let one = People::One {
        person: person("Vera"),
    };
    desk.changes(named(one));
    let several = People::Several {
        people: vec![person("Vera"), person("Igor")],
    };
    desk.changes(named(several.clone()));
    let unlink = wire::Request::UnlinkPerson { call: CALL.into() };
    desk.wish("u1", unlink, Answer::Done);
    assert_eq!(desk.state().cards[0].people, several);
}

#[test]
fn contact_sources_are_the_administrators_affair() {
    let mut desk = Desk::connected();
    desk.told();
    desk.ask(Request::RemoveConnector {
        connector: "crm".into(),
    });
    assert_snapshot!(desk.told(), @"reply Connector: Your administrator connects contact sources at the server.");
}

#[test]
fn a_number_that_may_not_be_seen_cannot_be_called_back() {
    let mut desk = Desk::connected();
    let Fact::Call {
        key,
        value: Some(call),
    } = call_fact(CallState::Missed, Mine::Gone)
    else {
        panic!("a call")
    };
    let masked = Call {
        party: Party {
            number: Some("+7…67".into()),
            name: None,
        },
        call_back: None,
        ..call
    };
    desk.changes(vec![Fact::Call {
        key,
        value: Some(masked),
    }]);
    assert_eq!(desk.state().recent[0].call_back, None);
}

#[test]
fn without_the_server_calls_are_unknown_and_actions_grey() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Talking, Mine::Up)]);
    desk.lose();
    let tray = desk.tray();
    assert_eq!(tray.lamp, Lamp::Offline);
    assert_eq!(
        tray.tooltip,
        "Sidetone 101: offline. No connection to the server pbx.example: nothing heard from the server for 10 s."
    );
    desk.told();
    desk.dial_typed("102");
    assert!(
        desk.told()
            .starts_with("reply NotConnected: Not called: No connection to the server")
    );
    let view::Connection::Away { retry_at, .. } = desk.state().connection else {
        panic!("not away")
    };
    assert_eq!(retry_at, desk.now.unix_ms() + 2_000);
}

#[test]
fn a_call_that_goes_on_is_the_same_after_the_line_was_lost() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    desk.lose();
    assert!(matches!(
        desk.state().cards[0].phase,
        CardPhase::Unknown { .. }
    ));
    desk.pass(Duration::from_secs(3));
    desk.up(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    assert_eq!(desk.state().cards[0].phase, CardPhase::Ringing);
    assert!(desk.state().recent.is_empty());
}

#[test]
fn a_call_that_ended_meanwhile_is_not_missed() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    desk.lose();
    desk.up(vec![]);
    assert!(matches!(
        desk.state().recent[0].outcome,
        RecentOutcome::Unknown { .. }
    ));
    assert_eq!(desk.state().me.lamp, Lamp::Idle);
    desk.pass(Duration::from_secs(20));
    assert!(desk.state().cards.is_empty());
}

#[test]
fn a_dial_is_unknown_after_a_lost_line_until_its_fact_tells_and_is_never_sent_again() {
    let mut desk = Desk::connected();
    let id = desk.dial("102");
    desk.changes(vec![dial_fact(&id, Progress::RingingThere)]);
    desk.told();
    desk.lose();
    let step = desk.state().dials[0].step.clone();
    assert!(matches!(
        step,
        DialStep::Ended {
            end: view::DialEnd::Unknown,
            ..
        }
    ));
    desk.up(vec![dial_fact(&id, Progress::Answered)]);
    assert_eq!(desk.state().dials[0].step, DialStep::Answered);
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.state().dials.len(), 1, "it goes on");
    assert!(desk.state().dials[0].can_cancel);
    assert!(!desk.told().contains("ask dial"));
}

#[test]
fn a_dial_whose_request_broke_off_and_of_which_no_fact_tells_stays_unknown() {
    let mut desk = Desk::connected();
    let id = desk.dial("102");
    desk.server(ServerEvent::Reply {
        id,
        answer: failed(ErrorCode::Unknown, "Lost."),
    });
    desk.lose();
    desk.up(vec![]);
    let step = &desk.state().dials[0].step;
    assert!(matches!(
        step,
        DialStep::Ended {
            end: view::DialEnd::Unknown,
            ..
        }
    ));
    assert!(!desk.told().contains("ask dial +"));
}

#[test]
fn the_servers_own_trouble_with_the_phone_system_is_told_as_that() {
    let mut desk = Desk::connected();
    desk.changes(vec![Fact::Pbx {
        key: "main".into(),
        value: Some(PbxLine::Away {
            words: "nothing listens there.".into(),
            retry_at: desk.now.unix_ms() + 4_000,
        }),
    }]);
    assert_eq!(
        desk.state().connection.words(),
        "The server pbx.example has no line to the phone system: nothing listens there."
    );
    desk.changes(vec![pbx_fact()]);
    assert!(desk.state().connection.is_up());
}

#[test]
fn times_are_right_although_the_clocks_differ_by_an_hour() {
    let mut desk = Desk::fresh(settings());
    desk.load_token();
    let hour = 3_600_000;
    let theirs = desk.now.unix_ms() + hour;
    desk.server(ServerEvent::Up {
        server: "Sidetone server 1".into(),
        me: Box::new(me()),
        now_ms: theirs,
    });
    let Fact::Call {
        key,
        value: Some(call),
    } = call_fact(CallState::Ringing, Mine::Ringing)
    else {
        panic!("a call")
    };
    let call = Call {
        since: theirs - 5_000,
        ..call
    };
    let facts = vec![
        pbx_fact(),
        Fact::Call {
            key,
            value: Some(call),
        },
    ];
    desk.server(ServerEvent::Snapshot(facts));
    assert_eq!(desk.state().cards[0].since, desk.now.unix_ms() - 5_000);
}

#[test]
fn the_test_gives_three_ticks_of_the_line_that_stands() {
    let mut desk = Desk::connected();
    desk.ask(Request::TestSettings {
        settings: Box::new(settings()),
        secret: None,
    });
    desk.input(Input::Links(Tick {
        state: TickState::Passed,
        words: "tel: links come to Sidetone.".into(),
    }));
    let test = desk.state().test.clone().expect("a report");
    assert_eq!(
        [test.connection.state, test.phone.state, test.links.state],
        [TickState::Passed; 3]
    );
    assert_eq!(test.connection.words, "Connected to pbx.example, 3 ms");

    desk.lose();
    desk.ask(Request::TestSettings {
        settings: Box::new(settings()),
        secret: None,
    });
    desk.pass(Duration::from_secs(21));
    let test = desk.state().test.clone().expect("a report");
    assert_eq!(test.connection.state, TickState::Failed);
    assert!(test.connection.words.contains("pbx.example"), "{test:?}");
}

#[test]
fn a_revoked_token_is_forgotten_and_said_and_nothing_is_tried_with_it() {
    let mut desk = Desk::connected();
    desk.told();
    desk.server(ServerEvent::Refused(Failure::new(
        ErrorCode::Unauthenticated,
        "The token was revoked.",
    )));
    assert_snapshot!(desk.told(), @"
    forget secret
    disconnect from server
    notify Signed out | The server pbx.example does not take this desktop any more: The token was revoked. Ask for a new link, or type a code in Settings.
    ");
    assert_eq!(desk.state().settings.secret, SecretState::Missing);
    assert_eq!(desk.state().me.lamp, Lamp::Offline);
    // What the old line still says does not count.
    desk.server(ServerEvent::Snapshot(vec![pbx_fact()]));
    assert!(!desk.state().connection.is_up());
}

#[test]
fn a_server_of_another_version_is_no_reason_to_forget_the_token() {
    let mut desk = Desk::connected();
    desk.told();
    let words = "Update Sidetone.";
    desk.server(ServerEvent::Refused(Failure::new(
        ErrorCode::Version,
        words,
    )));
    assert_eq!(desk.state().connection.words(), words);
    assert!(!desk.told().contains("forget"));
}

#[test]
fn a_link_asks_first_and_shows_the_host() {
    let mut desk = Desk::fresh(Settings {
        server: ServerSettings::default(),
        pbx_host: "old-pbx".into(),
        ..settings()
    });
    desk.told();
    desk.ask(enrol_link("sidetone://enrol/pbx.example/7KQ2-MXNP"));
    assert_snapshot!(desk.told(), @"
    windows Running
    reply AskedFirst
    ");
    let asked = desk.state().enrolment.clone().expect("a question");
    assert_eq!(
        (asked.host.as_str(), &asked.step),
        ("pbx.example", &EnrolStep::Asking)
    );
    assert_eq!(asked.program.as_deref(), Some("Chromium"));
    assert_eq!(asked.replaces.as_deref(), Some("old-pbx"));

    desk.ask(Request::ConfirmEnrol {
        enrolment: asked.id.clone(),
    });
    desk.ask(Request::ConfirmEnrol {
        enrolment: asked.id,
    });
    assert_snapshot!(desk.told(), @"
    enrol at https://pbx.example
    reply Done
    reply NoSuchCall: This question is no longer asked.
    ");
    desk.input(Input::Enrolled(Ok(enrolled())));
    assert_snapshot!(desk.told(), @"
    save
    store secret for https://pbx.example
    disconnect
    connect to https://pbx.example
    notify Connected to pbx.example | Anna, extension 101
    ");
    assert_eq!(desk.state().enrolment, None);
    assert_eq!(desk.state().me.extension, "101");
}

#[test]
fn a_question_is_not_swapped_under_the_click_and_a_no_sends_nothing() {
    let mut desk = Desk::connected();
    desk.told();
    desk.ask(enrol_link("sidetone://enrol/other.example/abcd"));
    desk.ask(enrol_link("sidetone://enrol/evil.example/abcd"));
    assert_snapshot!(desk.told(), @"
    windows Running
    reply AskedFirst
    reply TooMany: Another server waits for your answer.
    ");
    let asked = desk.state().enrolment.clone().expect("a question");
    assert_eq!(asked.host, "other.example");
    desk.ask(Request::Closed {
        window: Window::Confirm,
    });
    assert_eq!(desk.state().enrolment, None);
    assert!(!desk.told().contains("enrol at"));
    assert!(desk.state().connection.is_up());
}

#[test]
fn a_code_that_the_server_refuses_is_said_where_it_was_asked() {
    let mut desk = Desk::connected();
    desk.told();
    desk.ask(enrol_link("sidetone://enrol/other.example/abcd"));
    let id = desk.state().enrolment.clone().expect("a question").id;
    desk.ask(Request::ConfirmEnrol { enrolment: id });
    desk.input(Input::Enrolled(Err("This code was used already.".into())));
    let words = "This code was used already.".to_owned();
    let asked = desk.state().enrolment.clone().expect("still shown");
    assert_eq!(asked.step, EnrolStep::Failed { words });
    assert!(desk.state().connection.is_up(), "the old server stays");

    desk.pass(Duration::from_secs(3));
    desk.told();
    desk.ask(Request::Enrol {
        text: "abcd".into(),
        server: Some("other.example".into()),
        source: Source::Typed,
    });
    desk.input(Input::Enrolled(Err("This code was used already.".into())));
    assert_snapshot!(desk.told(), @"
    enrol at https://other.example
    reply Enrolment: This code was used already.
    ");
}

#[test]
fn a_code_on_the_command_line_needs_a_server_and_no_question() {
    let mut desk = Desk::fresh(Settings::default());
    desk.told();
    let typed = |text: &str, server: Option<&str>| Request::Enrol {
        text: text.into(),
        server: server.map(str::to_owned),
        source: Source::Typed,
    };
    desk.ask(typed("abcd", None));
    desk.ask(typed("abcd", Some("http://pbx.example")));
    desk.ask(typed("ab cd", Some("pbx.example")));
    desk.ask(typed("sidetone://enrol/u@pbx.example/abcd", None));
    assert_snapshot!(desk.told(), @"
    reply BadRequest: Which server? Give the whole link, or the server's address with the code.
    reply BadRequest: Plain http:// can be read by others and is taken for this computer only: use https://.
    reply BadRequest: This is not an enrolment code: it has letters, digits, - and _ only.
    reply BadRequest: The server's address may not hold a user, a path or a question mark.
    ");
    desk.ask(typed("abcd", Some("pbx.example")));
    desk.input(Input::Enrolled(Ok(enrolled())));
    assert!(!desk.told().contains("reply"), "the token is not kept yet");
    desk.input(Input::Secret(SecretOutcome::Stored));
    assert_eq!(desk.told(), "reply Enrolled");
}

#[test]
fn a_server_that_does_not_answer_to_a_code_is_given_up() {
    let mut desk = Desk::fresh(Settings::default());
    desk.told();
    desk.ask(Request::Enrol {
        text: "sidetone://enrol/pbx.example/abcd".into(),
        server: None,
        source: Source::Typed,
    });
    desk.pass(Duration::from_secs(31));
    assert!(
        desk.told()
            .contains("reply Enrolment: The server did not answer.")
    );
    // A token that comes after that is nobody's.
    desk.input(Input::Enrolled(Ok(enrolled())));
    assert!(!desk.told().contains("store secret"));
}

#[test]
fn signing_out_forgets_the_token_and_the_address() {
    let mut desk = Desk::connected();
    desk.changes(vec![call_fact(CallState::Ringing, Mine::Ringing)]);
    desk.told();
    desk.ask(Request::SignOut);
    let told = desk.told();
    for step in [
        "forget secret",
        "disconnect from server",
        "save",
        "reply Done",
    ] {
        assert!(told.contains(step), "{step}: {told}");
    }
    assert_eq!(desk.state().settings.settings.server.address, "");
    assert_eq!(desk.state().server, None);
    assert!(matches!(
        desk.state().recent[0].outcome,
        RecentOutcome::Unknown { .. }
    ));
    desk.ask(Request::SignOut);
    assert!(desk.told().contains("reply NotSetUp"));
}

#[test]
fn the_token_is_in_nothing_that_is_shown() {
    let mut desk = Desk::fresh(Settings::default());
    desk.ask(Request::Enrol {
        text: "sidetone://enrol/pbx.example/s3cret-code".into(),
        server: None,
        source: Source::Typed,
    });
    desk.input(Input::Enrolled(Ok(enrolled())));
    let state = format!("{:?}", desk.state());
    let shown = state + &desk.controller.shell_mut().debug;
    assert!(
        !shown.contains("t0ken") && !shown.contains("s3cret-code"),
        "{shown}"
    );
}

#[test]
fn a_secret_that_is_typed_is_never_taken_for_the_token() {
    let mut desk = Desk::connected();
    desk.told();
    desk.ask(Request::SaveSettings {
        settings: Box::new(settings()),
        secret: Some(view::SecretText::from("hunter2".to_owned())),
    });
    let told = desk.told();
    assert!(
        !told.contains("store secret") && !told.contains("connect to"),
        "{told}"
    );
}

#[test]
fn a_desktop_without_its_token_says_how_to_get_one() {
    let mut desk = Desk::fresh(settings());
    desk.input(Input::Secret(SecretOutcome::Missing));
    let words = desk.state().connection.words();
    assert!(
        words.starts_with("This desktop is not connected to pbx.example yet."),
        "{words}"
    );
    assert!(!desk.told().contains("connect to"));
}

#[test]
fn what_the_engine_says_at_rest_does_not_count_in_server_mode() {
    let mut desk = Desk::connected();
    let connection = engine::Connection::NotSetUp;
    desk.input(Input::Backend(engine::Update::Connection(connection)));
    assert!(desk.state().connection.is_up());
}

#[test]
fn status_names_the_server() {
    let mut desk = Desk::connected();
    desk.ask(Request::Status);
    let status = desk
        .controller
        .shell_mut()
        .status
        .clone()
        .expect("a status");
    let server = status.server.expect("server mode");
    assert_eq!(server.server.as_deref(), Some("Sidetone server 1"));
    assert_eq!(server.extension.as_deref(), Some("101"));
    assert_eq!(status.calls, []);
    assert_eq!(desk.told(), "reply Status");
}

// --- the desk -------------------------------------------------------------------------------------------------------

const CALL: &str = "019ac5a0-0000-7000-8000-000000000001";
const NOW_MS: u64 = 1_800_000_000_000;

struct Desk {
    controller: Controller<Notebook>,
    now: Now,
    requests: u64,
}

impl Desk {
    fn fresh(settings: Settings) -> Self {
        Self {
            controller: Controller::new(Notebook::default(), settings),
            now: Now {
                instant: Instant::now() + Duration::from_secs(7200),
                unix_us: NOW_MS * 1000,
            },
            requests: 0,
        }
    }

    fn connected() -> Self {
        let mut desk = Self::fresh(settings());
        desk.load_token();
        desk.up(vec![]);
        desk.told();
        desk
    }

    fn load_token(&mut self) {
        let token = SecretString::from("t0ken");
        self.input(Input::Secret(SecretOutcome::Loaded(token)));
        assert!(self.told().ends_with("connect to https://pbx.example"));
    }

    /// The line is there, with these facts beside those that are always told.
    fn up(&mut self, more: Vec<Fact>) {
        self.server(ServerEvent::Connecting { attempt: 1 });
        self.server(ServerEvent::Up {
            server: "Sidetone server 1".into(),
            me: Box::new(me()),
            now_ms: self.now.unix_ms(),
        });
        let mut facts = vec![
            pbx_fact(),
            Fact::Me { value: me() },
            Fact::Phone {
                value: Phone {
                    registered: Some(true),
                    ..Phone::default()
                },
            },
        ];
        facts.extend(more);
        self.server(ServerEvent::Snapshot(facts));
    }

    fn lose(&mut self) {
        self.server(ServerEvent::Down {
            words: "nothing heard from the server for 10 s".into(),
            retry_in: Duration::from_secs(2),
        });
    }

    fn changes(&mut self, facts: Vec<Fact>) {
        self.server(ServerEvent::Changes(facts));
    }

    /// A wish of the panel with what the server answers.
    fn wish(&mut self, id: &str, wish: wire::Request, answer: Answer) {
        self.ask(Request::Wish {
            request_id: id.into(),
            wish,
        });
        let id = id.to_owned();
        self.server(ServerEvent::Reply { id, answer });
    }

    fn server(&mut self, event: ServerEvent) {
        self.input(Input::Server(event));
    }

    fn state(&self) -> &view::State {
        self.controller.state()
    }

    fn input(&mut self, input: Input) {
        self.controller.handle(input, self.now);
    }

    fn ask(&mut self, request: Request) {
        self.requests += 1;
        self.input(Input::Client {
            client: ClientId(1),
            id: self.requests,
            request,
        });
    }

    fn dial_typed(&mut self, text: &str) {
        let request_id = format!("r{}", self.requests);
        self.ask(Request::Dial {
            text: text.into(),
            source: Source::Typed,
            request_id,
        });
    }

    /// Dials and gives the dial's id.
    fn dial(&mut self, text: &str) -> String {
        self.dial_typed(text);
        self.state().dials.last().expect("a dial").id.clone()
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(due) = self.controller.poll_timeout().filter(|due| *due <= end) {
            self.step_to(due.max(self.now.instant));
            self.input(Input::Timeout);
        }
        self.step_to(end);
    }

    fn step_to(&mut self, instant: Instant) {
        let micros = instant.duration_since(self.now.instant).as_micros();
        self.now = Now {
            instant,
            unix_us: self.now.unix_us + u64::try_from(micros).expect("a short story"),
        };
    }

    fn told(&mut self) -> String {
        std::mem::take(&mut self.controller.shell_mut().told).join("\n")
    }

    fn tray(&mut self) -> Tray {
        self.controller.shell_mut().tray.clone().expect("a tray")
    }
}

fn settings() -> Settings {
    Settings {
        server: ServerSettings {
            address: "https://pbx.example".into(),
            ..ServerSettings::default()
        },
        ..Settings::default()
    }
}

fn me() -> Me {
    Me {
        user: "u1".into(),
        login: "anna".into(),
        name: "Anna".into(),
        role: wire::Role::Agent,
        pbx: Some("main".into()),
        extension: Some("101".into()),
        rights: Rights::default(),
        dial_plan: Some(wire::DialPlan {
            country: "RU".into(),
            area_code: String::new(),
            outside_prefix: "9".into(),
            international_prefix: String::new(),
            national_prefix: String::new(),
            internal_length: wire::InternalLength { min: 3, max: 3 },
            send_as: wire::SendAs::National,
            rules: Vec::new(),
        }),
    }
}

fn enrolled() -> Box<Enrolled> {
    Box::new(Enrolled {
        token: Token("t0ken".into()),
        me: me(),
    })
}

fn enrol_link(text: &str) -> Request {
    Request::Enrol {
        text: text.into(),
        server: None,
        source: Source::Link {
            program: Some("Chromium".into()),
        },
    }
}

fn failed(code: ErrorCode, words: &str) -> Answer {
    Answer::Failed(Failure::new(code, words))
}

fn pbx_fact() -> Fact {
    Fact::Pbx {
        key: "main".into(),
        value: Some(PbxLine::Up {
            version: "Asterisk 22".into(),
            lag_ms: Some(3),
            since: NOW_MS,
        }),
    }
}

fn call_fact(state: CallState, mine: Mine) -> Fact {
    let is_over = matches!(state, CallState::Missed | CallState::Ended { .. });
    let value = Some(Call {
        id: CALL.into(),
        direction: Direction::Incoming,
        internal: false,
        mine,
        state,
        party: Party {
            number: Some("+7 916 123-45-67".into()),
            name: Some("Ada".into()),
        },
        call_back: Some("+79161234567".into()),
        people: People::Nobody,
        sources: Vec::new(),
        remembered: None,
        line: None,
        since: NOW_MS,
        answered: None,
        ended: is_over.then_some(NOW_MS),
        dial: None,
        event_read_us: NOW_MS * 1000,
    });
    Fact::Call {
        key: CALL.into(),
        value,
    }
}

fn record() -> wire::Record {
    wire::Record {
        source: "crm".into(),
        kind: "person".into(),
        id: "2".into(),
    }
}

fn gone_fact() -> Fact {
    Fact::Call {
        key: CALL.into(),
        value: None,
    }
}

fn dial_fact(id: &str, progress: Progress) -> Fact {
    Fact::Dial {
        key: id.into(),
        value: Some(Dial {
            id: id.into(),
            call: None,
            progress,
            at: NOW_MS,
            display: "102".into(),
            people: People::Nobody,
            asked_us: NOW_MS * 1000,
            sent_us: None,
            queued_us: None,
            phone_rings_us: None,
        }),
    }
}

fn ended(end: DialEnd, words: &str) -> Progress {
    Progress::Ended {
        end,
        words: words.into(),
    }
}

/// Writes down what the controller asks for.
#[derive(Default)]
struct Notebook {
    told: Vec<String>,
    tray: Option<Tray>,
    status: Option<view::Status>,
    /// Everything as `Debug` shows it.
    debug: String,
}

impl Shell for Notebook {
    fn reply(&mut self, _client: ClientId, _id: u64, reply: Reply) {
        self.debug += &format!("{reply:?}");
        self.told.push(match reply {
            Reply::Done => "reply Done".into(),
            Reply::Dialling { .. } => "reply Dialling".into(),
            Reply::AskedFirst { .. } => "reply AskedFirst".into(),
            Reply::Explanation(_) => "reply Explanation".into(),
            Reply::Snapshot(_) => "reply Snapshot".into(),
            Reply::Enrolled(_) => "reply Enrolled".into(),
            Reply::Status(status) => {
                self.status = Some(*status);
                "reply Status".into()
            }
            Reply::Answer(answer) => format!("answer {answer:?}"),
            Reply::Findings(found) => format!("findings {:?}", found.findings),
            Reply::ConnectorKind(kind) => format!("form of {}", kind.file),
            Reply::Refused(refusal) => format!("reply {:?}: {}", refusal.code, refusal.words),
        });
    }

    fn publish(&mut self, message: AgentMessage) {
        self.debug += &format!("{message:?}");
    }

    fn set_tray(&mut self, tray: &Tray) {
        self.tray = Some(tray.clone());
    }

    fn notify(&mut self, notification: Notification) {
        let Notification { title, body, .. } = notification;
        self.told.push(format!("notify {title} | {body}"));
    }

    fn withdraw(&mut self, _key: &str) {}

    fn windows(&mut self, keep: Keep) {
        self.told.push(format!("windows {keep:?}"));
    }

    fn backend(&mut self, command: Command) {
        assert!(matches!(command, Command::Disconnect), "{command:?}");
        self.told.push("disconnect".into());
    }

    fn server(&mut self, command: ServerCommand) {
        self.debug += &format!("{command:?}");
        self.told.push(match command {
            ServerCommand::Connect { server, token, .. } => {
                assert_eq!(token.expose_secret(), "t0ken");
                format!("connect to {server}")
            }
            ServerCommand::Disconnect => "disconnect from server".into(),
            ServerCommand::RetryNow => "retry".into(),
            ServerCommand::Follow(interest) if interest == wire::Interest::default() => return,
            ServerCommand::Follow(_) => "follow all at the server".into(),
            ServerCommand::Enrol { server, .. } => format!("enrol at {server}"),
            ServerCommand::Send { request, .. } => match request {
                wire::Request::Dial { text } => format!("ask dial {text}"),
                wire::Request::Cancel { .. } => "ask cancel".into(),
                wire::Request::HangUp { .. } => "ask hang up".into(),
                wire::Request::WhoIs { number } => format!("ask who is {number}"),
                other @ (wire::Request::Order { .. }
                | wire::Request::Explain { .. }
                | wire::Request::FindPeople { .. }
                | wire::Request::LinkPerson { .. }
                | wire::Request::UnlinkPerson { .. }
                | wire::Request::PersonForms { .. }
                | wire::Request::CreatePerson { .. }
                | wire::Request::CloseMissed { .. }) => format!("ask {other:?}"),
            },
        });
    }

    fn follow(&mut self, settings: Option<&Settings>) {
        if settings.is_some() {
            self.told.push("follow the engine".into());
        }
    }

    fn save_settings(&mut self, settings: &Settings) {
        self.debug += &format!("{settings:?}");
        self.told.push("save".into());
    }

    fn load_secret(&mut self, _settings: &Settings) {}

    fn store_secret(&mut self, settings: &Settings, _secret: SecretString) {
        let server = &settings.server.address;
        self.told.push(format!("store secret for {server}"));
    }

    fn forget_secret(&mut self, _settings: &Settings) {
        self.told.push("forget secret".into());
    }

    fn use_sources(&mut self, _settings: &Settings) {}

    fn people(&mut self, _id: &str, wish: PeopleWish) {
        panic!("with a server it is asked for people: {wish:?}");
    }

    fn connector(&mut self, command: ConnectorCommand) {
        assert!(matches!(command, ConnectorCommand::Kinds), "{command:?}");
    }

    fn open_link(&mut self, url: &str) {
        self.told.push(format!("open {url}"));
    }

    fn check_links(&mut self) {}

    fn take_links(&mut self) {}

    fn without_windows(&mut self, _wanted: Window, _words: &str) {}

    fn quit(&mut self) {}
}
