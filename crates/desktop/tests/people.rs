//! Who is calling, as stories: chosen, taken back, found, made anew; and contact sources in the settings.
#![allow(clippy::disallowed_methods)] // the tests bring the clock

mod desk;

use desk::{CALL, Desk, ringing, settings};
use desktop::{ClientId, ConnectorCommand, ConnectorNews, Input, NotificationAction};
use engine::{CallUpdate, Mine, People, Phase};
use insta::assert_snapshot;
use std::collections::BTreeMap;
use std::time::Duration;
use view::{ConnectorSettings, Person, Request, SecretText, Settings};
use wire::rest::{Finding, Findings};
use wire::{
    Answer, Connector, ConnectorKind, ConnectorState, ErrorCode, Failure, PersonFact, Record,
    Remember, Request as Wish,
};

#[test]
fn of_two_people_with_one_number_none_is_chosen_until_somebody_chooses() {
    let mut desk = Desk::connected();
    desk.call(&from_two());
    assert!(
        matches!(&desk.state().cards[0].people, People::Several { people } if people.len() == 2)
    );
    desk.told();
    desk.wish("w1", choose("2", Remember::Number));
    assert_snapshot!(desk.told(), @"people w1: link +7 916 123-45-67 on 4951230000 with crm 2, Number");
    assert!(name_on_card(&desk).is_none(), "not before it is done");
    desk.answered("w1", Answer::Done, Some(person("2", "Bob")));
    assert_eq!(name_on_card(&desk).as_deref(), Some("Bob"));
    let remembered = desk.state().cards[0]
        .remembered
        .clone()
        .expect("is remembered");
    assert_eq!((remembered.by, remembered.line), (None, None));
    assert_snapshot!(desk.told(), @"answer Done");
}

#[test]
fn of_two_people_with_one_number_none_stands_in_the_recent_calls_by_itself() {
    let mut desk = Desk::connected();
    desk.call(&from_two());
    desk.end(&from_two());
    assert_eq!(desk.state().recent[0].person, None);
}

#[test]
fn a_name_that_comes_late_takes_the_place_of_the_number_in_the_notification() {
    let mut desk = Desk::connected();
    let asking = CallUpdate {
        people: People::Asking,
        ..ringing("+7 916 123-45-67")
    };
    desk.call(&asking);
    desk.call(&asking);
    let known = CallUpdate {
        people: People::One {
            person: person("1", "Ada"),
        },
        ..asking.clone()
    };
    desk.call(&known);
    desk.call(&known);
    assert_snapshot!(desk.told(), @"
    notify +7 916 123-45-67 is calling | 
    windows Running
    notify Ada is calling | +7 916 123-45-67
    ");
    // Whoever closed it does not want to see it again.
    let (key, action) = (CALL.to_owned(), NotificationAction::Closed);
    desk.input(Input::Notification { key, action });
    desk.call(&asking);
    assert_snapshot!(desk.told(), @"");
}

#[test]
fn whom_the_answer_does_not_name_is_known_from_the_card() {
    let mut desk = Desk::connected();
    desk.call(&from_two());
    desk.wish("w1", choose("1", Remember::NumberOnLine));
    desk.answered("w1", Answer::Done, None);
    assert_eq!(name_on_card(&desk).as_deref(), Some("Ada"));
    let remembered = desk.state().cards[0]
        .remembered
        .clone()
        .expect("is remembered");
    assert_eq!(remembered.line.as_deref(), Some("4951230000"));
}

#[test]
fn the_wrong_person_goes_from_the_card_and_stands_in_no_list() {
    let mut desk = Desk::connected();
    let call = CallUpdate {
        people: People::One {
            person: person("1", "Ada"),
        },
        ..ringing("Ada")
    };
    desk.call(&call);
    desk.told();
    desk.wish("w1", unlink());
    assert_snapshot!(desk.told(), @"people w1: unlink +7 916 123-45-67 from 1");
    desk.answered("w1", Answer::Done, None);
    assert!(matches!(desk.state().cards[0].people, People::Nobody));
    desk.end(&CallUpdate {
        people: People::Nobody,
        ..call
    });
    assert_eq!(desk.state().recent[0].person, None);
}

#[test]
fn the_right_person_is_found_after_the_call_and_stands_in_its_line() {
    let mut desk = Desk::connected();
    desk.call(&ringing("Ada"));
    desk.end(&ringing("Ada"));
    desk.pass(Duration::from_secs(60));
    desk.told();
    desk.wish("f1", Wish::FindPeople { text: "bob".into() });
    desk.answered("f1", found(vec![person("2", "Bob")]), None);
    desk.wish("w1", choose("2", Remember::Number));
    desk.answered("w1", Answer::Done, None);
    let told = desk.told();
    assert!(told.contains("people f1: find bob"), "{told}");
    assert!(
        told.contains("link +7 916 123-45-67 with crm 2, Number"),
        "{told}"
    );
    let recent = desk.state().recent[0].clone();
    assert_eq!(
        recent.person.map(|person| person.name).as_deref(),
        Some("Bob")
    );
    desk.wish("w2", unlink());
    desk.answered("w2", Answer::Done, None);
    assert_eq!(desk.state().recent[0].person, None);
}

#[test]
fn what_fails_leaves_everything_as_it_was() {
    let mut desk = Desk::connected();
    desk.call(&from_two());
    desk.told();
    desk.wish("w1", choose("2", Remember::Number));
    let failure = Failure::new(ErrorCode::Internal, "The CRM is away.");
    desk.answered("w1", Answer::Failed(failure), None);
    assert!(matches!(
        &desk.state().cards[0].people,
        People::Several { .. }
    ));
    let told = desk.told();
    assert!(told.contains("The CRM is away."), "{told}");
}

#[test]
fn a_call_that_nobody_knows_cannot_be_given_a_person() {
    let mut desk = Desk::connected();
    desk.wish("w1", choose("2", Remember::Number));
    let told = desk.told();
    assert!(
        told.contains("NotFound") && !told.contains("people"),
        "{told}"
    );
}

#[test]
fn a_withheld_number_is_given_a_person_and_nothing_to_remember() {
    let mut desk = Desk::connected();
    let mut call = from_two();
    call.remote.number = None;
    desk.call(&call);
    desk.told();
    desk.wish("w1", choose("2", Remember::Number));
    desk.answered("w1", Answer::Done, Some(person("2", "Bob")));
    let told = desk.told();
    assert!(
        told.contains("link withheld on 4951230000 with crm 2, No"),
        "{told}"
    );
    assert!(desk.state().cards[0].remembered.is_none());
    desk.end(&CallUpdate {
        people: People::Nobody,
        ..call
    });
    let recent = desk.state().recent[0].clone();
    assert_eq!(
        recent.person.map(|person| person.name).as_deref(),
        Some("Bob")
    );
}

#[test]
fn a_double_click_makes_one_person_by_the_same_id_and_by_two() {
    let mut desk = Desk::connected();
    desk.call(&ringing("Ada"));
    desk.told();
    for id in ["c1", "c1", "c2"] {
        desk.wish(id, create());
    }
    assert_snapshot!(desk.told(), @r#"people c1: create {"name": "Bob"} in crm for +7 916 123-45-67"#);
    let person = person("9", "Bob");
    desk.answered("c1", Answer::Created { person }, None);
    assert_eq!(desk.told().matches("answer Created").count(), 3);
    for id in ["c1", "c3"] {
        desk.wish(id, create());
    }
    assert_eq!(desk.told().matches("answer Created").count(), 2);
    assert_eq!(name_on_card(&desk).as_deref(), Some("Bob"));
    desk.pass(Duration::from_secs(60));
    desk.wish("c1", create());
    assert_eq!(desk.told().matches("answer Created").count(), 1);
    desk.wish("c4", create());
    let told = desk.told();
    assert!(
        told.contains("people c4: create"),
        "a wish of its own: {told}"
    );
}

#[test]
fn who_could_not_be_made_may_be_tried_again_and_who_is_perhaps_made_may_not() {
    let mut desk = Desk::connected();
    desk.call(&ringing("Ada"));
    let failed = |code| Answer::Failed(Failure::new(code, "No."));
    desk.wish("c1", create());
    desk.answered("c1", failed(ErrorCode::Refused), None);
    desk.told();
    desk.wish("c1", create());
    assert!(desk.told().contains("people c1: create"));
    desk.pass(Duration::from_secs(60));
    let told = desk.told();
    assert!(told.contains("Unknown"), "{told}");
    desk.wish("c1", create());
    let told = desk.told();
    assert!(
        told.contains("Unknown") && !told.contains("people"),
        "{told}"
    );
}

#[test]
fn people_are_found_without_a_line_to_the_phone_system() {
    let mut desk = Desk::fresh(settings());
    desk.told();
    desk.wish("f1", Wish::FindPeople { text: "ada".into() });
    assert_snapshot!(desk.told(), @"people f1: find ada");
}

#[test]
fn only_a_link_that_is_shown_is_opened() {
    let mut desk = Desk::connected();
    let ada = Person {
        url: Some("https://crm.example/1".into()),
        facts: vec![PersonFact {
            label: "Deal".into(),
            value: "Roof".into(),
            url: Some("https://crm.example/deal/7".into()),
        }],
        ..person("1", "Ada")
    };
    let mallory = Person {
        url: Some("file:///etc/passwd".into()),
        ..person("3", "Mallory")
    };
    let people = People::Several {
        people: vec![ada, mallory],
    };
    desk.call(&CallUpdate {
        people,
        ..ringing("Ada")
    });
    desk.told();
    for url in [
        "https://crm.example/1",
        "https://crm.example/deal/7",
        "https://crm.example/2",
        "file:///etc/passwd",
    ] {
        desk.ask(Request::OpenLink { url: url.into() });
    }
    assert_snapshot!(desk.told(), @"
    open https://crm.example/1
    reply Done
    open https://crm.example/deal/7
    reply Done
    reply BadRequest: This link is not shown any more.
    reply BadRequest: This link is not opened: it is neither a web page nor a record of a known program.
    ");
}

#[test]
fn a_contact_source_is_used_once_its_form_is_right_and_its_secrets_are_kept() {
    let mut desk = Desk::connected();
    desk.ask(save(connector("tryton")));
    assert_snapshot!(desk.told(), @"connector keep tryton");
    let key = desk.connector_key();
    desk.news(ConnectorNews::Checked {
        key,
        result: Ok(()),
    });
    assert_snapshot!(desk.told(), @"
    save
    use sources tryton
    ");
    assert_eq!(desk.saved().connectors, [connector("tryton")]);
    desk.input(Input::SettingsSaved(Ok(())));
    assert_snapshot!(desk.told(), @"reply Done");
    let saved = format!("{:?}", desk.saved());
    assert!(!saved.contains("hunter2"), "{saved}");
}

#[test]
fn a_form_that_is_not_right_changes_nothing_and_says_what() {
    let mut desk = Desk::connected();
    desk.ask(save(connector("tryton")));
    desk.told();
    let key = desk.connector_key();
    desk.news(ConnectorNews::Checked {
        key,
        result: Err("Address: this is no address.".into()),
    });
    assert_snapshot!(desk.told(), @"reply Connector: Address: this is no address.");
    assert!(desk.state().settings.settings.connectors.is_empty());
    desk.ask(save(connector("a/b")));
    assert_snapshot!(desk.told(), @"reply Connector: The name of a contact source has 1 to 64 letters (a to z), digits and - _ .");
}

#[test]
fn contact_sources_are_put_in_order_and_forgotten() {
    let mut desk = Desk::with(Settings {
        connectors: vec![connector("a"), connector("b"), connector("c")],
        ..settings()
    });
    desk.ask(Request::MoveConnector {
        connector: "c".into(),
        to: 0,
    });
    desk.input(Input::SettingsSaved(Ok(())));
    desk.ask(Request::RemoveConnector {
        connector: "a".into(),
    });
    desk.input(Input::SettingsSaved(Ok(())));
    desk.ask(Request::RemoveConnector {
        connector: "a".into(),
    });
    assert_snapshot!(desk.told(), @"
    save
    use sources c a b
    reply Done
    connector forget a
    save
    use sources c b
    reply Done
    reply Connector: This contact source is not connected any more.
    ");
}

#[test]
fn a_form_of_the_settings_takes_away_no_contact_source() {
    let mut desk = Desk::with(Settings {
        connectors: vec![connector("a")],
        ..settings()
    });
    desk.ask(Request::SaveSettings {
        settings: Box::new(settings()),
        secret: None,
    });
    assert_eq!(desk.saved().connectors, [connector("a")]);
}

#[test]
fn a_test_is_answered_by_what_was_found_or_by_its_silence() {
    let mut desk = Desk::connected();
    let test = || Request::TestConnector {
        connector: connector("tryton"),
        secrets: BTreeMap::new(),
    };
    desk.ask(test());
    let key = desk.connector_key();
    let finding = Finding {
        passed: false,
        what: "sign in".into(),
        words: "Tryton does not take the password: “Login failed”.".into(),
    };
    let findings = Findings {
        findings: vec![finding],
    };
    desk.news(ConnectorNews::Tested { key, findings });
    desk.ask(test());
    desk.pass(Duration::from_secs(61));
    assert_snapshot!(desk.told(), @r#"
    connector test tryton
    findings [Finding { passed: false, what: "sign in", words: "Tryton does not take the password: “Login failed”." }]
    connector test tryton
    reply Connector: There was no answer in time. Try again.
    "#);
}

#[test]
fn the_settings_show_what_can_be_connected_and_how_it_does() {
    let mut desk = Desk::connected();
    desk.ask(Request::Show {
        window: view::Window::Settings,
    });
    assert!(!desk.told().contains("kinds"), "nobody sees them");
    desk.input(Input::WindowsConnected(ClientId(9)));
    assert!(desk.told().contains("connector kinds"));
    desk.news(ConnectorNews::Kinds(vec![ConnectorKind {
        file: "tryton".into(),
        title: "Tryton".into(),
        ..ConnectorKind::default()
    }]));
    desk.news(ConnectorNews::Connected(vec![Connector {
        id: "tryton".into(),
        file: "tryton".into(),
        title: "Tryton".into(),
        enabled: true,
        fields: Vec::new(),
        state: ConnectorState::Trouble {
            words: "The keychain is locked.".into(),
        },
        not_kept: None,
        set_by: None,
    }]));
    let shown = &desk.state().settings.connectors;
    assert_eq!(shown.kinds[0].title, "Tryton");
    let is_locked = |state: &ConnectorState| matches!(state, ConnectorState::Trouble { words } if words.contains("locked"));
    assert!(is_locked(&shown.connected[0].state));
    desk.ask(Request::Closed {
        window: view::Window::Settings,
    });
    let shown = desk.state().settings.connectors.clone();
    assert!(shown.kinds.is_empty() && shown.connected.len() == 1);
    desk.ask(Request::Show {
        window: view::Window::Settings,
    });
    assert!(
        desk.told().contains("connector kinds"),
        "they are read again"
    );
}

#[test]
fn a_window_that_has_gone_waits_for_no_test_and_what_it_saved_is_saved() {
    let mut desk = Desk::connected();
    desk.ask(save(connector("tryton")));
    let key = desk.connector_key();
    desk.input(Input::ClientGone(ClientId(1)));
    desk.news(ConnectorNews::Checked {
        key,
        result: Ok(()),
    });
    assert_eq!(desk.saved().connectors, [connector("tryton")]);
}

// --- helpers --------------------------------------------------------------------------------------------------------

impl Desk {
    fn answered(&mut self, id: &str, answer: Answer, linked: Option<Person>) {
        self.input(Input::People {
            id: id.into(),
            answer,
            linked: linked.map(Box::new),
        });
    }

    fn news(&mut self, news: ConnectorNews) {
        self.input(Input::Connectors(news));
    }

    /// Of the question that the shell was asked last.
    fn connector_key(&mut self) -> u64 {
        let command = self.controller.shell_mut().connector.take();
        match command.expect("the shell was asked") {
            ConnectorCommand::Read { key, .. }
            | ConnectorCommand::Keep { key, .. }
            | ConnectorCommand::Test { key, .. }
            | ConnectorCommand::SignIn { key, .. } => key,
            ConnectorCommand::Kinds | ConnectorCommand::Forget { .. } => {
                panic!("this is not answered")
            }
        }
    }

    fn end(&mut self, call: &CallUpdate) {
        let now = self.now.instant;
        self.call(&CallUpdate {
            mine: Mine::Gone,
            phase: Phase::Missed,
            ended: Some(now),
            ..call.clone()
        });
    }
}

fn person(id: &str, name: &str) -> Person {
    Person {
        name: name.into(),
        source: "CRM".into(),
        record: record(id),
        ..Person::default()
    }
}

fn record(id: &str) -> Record {
    Record {
        source: "crm".into(),
        kind: "person".into(),
        id: id.into(),
    }
}

fn from_two() -> CallUpdate {
    CallUpdate {
        people: People::Several {
            people: vec![person("1", "Ada"), person("2", "Bob")],
        },
        line: Some("4951230000".into()),
        ..ringing("")
    }
}

fn name_on_card(desk: &Desk) -> Option<String> {
    let person = desk.state().cards[0].people.one();
    person.map(|person| person.name.clone())
}

fn choose(id: &str, remember: Remember) -> Wish {
    Wish::LinkPerson {
        call: CALL.into(),
        record: record(id),
        remember,
    }
}

fn unlink() -> Wish {
    Wish::UnlinkPerson { call: CALL.into() }
}

fn create() -> Wish {
    Wish::CreatePerson {
        source: "crm".into(),
        call: Some(CALL.into()),
        fields: BTreeMap::from([("name".into(), "Bob".into())]),
    }
}

fn found(people: Vec<Person>) -> Answer {
    Answer::Found {
        people,
        sources: Vec::new(),
    }
}

fn connector(id: &str) -> ConnectorSettings {
    ConnectorSettings {
        id: id.into(),
        file: "tryton".into(),
        enabled: true,
        values: BTreeMap::new(),
    }
}

fn save(connector: ConnectorSettings) -> Request {
    Request::SaveConnector {
        connector,
        secrets: BTreeMap::from([("password".into(), SecretText::from("hunter2".to_owned()))]),
    }
}
