//! Dialogues with an Asterisk, told in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and begins its own clock"
)]

use std::time::{Duration, Instant};

use ami::{
    Action, ActionId, Charset, Decoder, Event, FieldValue, Incoming, Limits, Login, LoginMethod,
    Originate, Rights, SendError, Session, SessionConfig, SessionEvent, Uniqueid,
};
use secrecy::SecretString;

const BANNER: &str = "Asterisk Call Manager/11.0.0\r\n";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn plain_login_sends_the_secret_after_the_banner_only() {
    let mut talk = Talk::new(LoginMethod::Plain);
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.hear(BANNER), ["banner 22"]);
    let login = talk.sent();
    assert!(login.starts_with("Action: Login\r\nActionID: "), "{login}");
    assert!(
        login
            .contains("Username: ctc\r\nSecret: hunter2\r\nEvents: call,agent,user,system\r\n\r\n")
    );
    assert_eq!(talk.send(&Action::Ping), Err(SendError::NotConnected));
    assert_eq!(
        talk.answer("Success", "Message: Authentication accepted\r\n"),
        ["logged in"]
    );
    assert!(talk.send(&Action::Ping).is_ok());
}

#[test]
fn md5_login_answers_the_challenge_and_hides_the_secret() {
    let mut talk = Talk::new(LoginMethod::Md5);
    talk.hear(BANNER);
    assert!(talk.sent().starts_with("Action: Challenge"));
    assert!(
        talk.answer("Success", "Challenge: 975867129\r\n")
            .is_empty()
    );
    let login = talk.sent();
    assert!(login.contains("\r\nAuthType: MD5\r\nKey: "), "{login}");
    assert!(!login.contains("hunter2"));
    assert_eq!(talk.answer("Success", ""), ["logged in"]);
}

#[test]
fn secret_waiting_to_be_sent_is_not_shown() {
    let mut talk = Talk::new(LoginMethod::Plain);
    talk.hear(BANNER);
    let shown = format!("{:?}", talk.session);
    let as_bytes = format!("{:?}", b"hunter2").replace(['[', ']'], "");
    assert!(
        !shown.contains("hunter2") && !shown.contains(&as_bytes),
        "{shown}"
    );
    assert!(talk.sent().contains("hunter2"));
}

#[test]
fn recorded_challenge_gives_the_recorded_key() {
    // p_md5_login_22: user lab, secret lab-secret.
    let mut talk = Talk::with_secret(LoginMethod::Md5, "lab-secret");
    talk.hear(BANNER);
    talk.sent();
    talk.answer("Success", "Challenge: 975867129\r\n");
    assert!(
        talk.sent()
            .contains("\r\nKey: 5c52a0d2f281353bd30bcd9a9c4a4477\r\n")
    );
}

#[test]
fn wrong_password_is_told_with_asterisks_words() {
    let mut talk = Talk::new(LoginMethod::Plain);
    talk.hear(BANNER);
    talk.sent();
    assert_eq!(
        talk.answer("Error", "Message: Authentication failed\r\n"),
        ["login refused: Authentication failed"]
    );
    assert_eq!(talk.session.poll_timeout(), None);
}

#[test]
fn nothing_is_said_to_what_is_no_asterisk() {
    let mut talk = Talk::new(LoginMethod::Plain);
    assert_eq!(talk.hear("SSH-2.0-OpenSSH_9.2\r\n"), ["banner none"]);
    assert_eq!(talk.sent(), "");
}

#[test]
fn secret_does_not_go_to_an_asterisk_without_the_events_of_today() {
    for (banner, version) in [("1.3", 11), ("0.3", 11)] {
        let mut talk = Talk::new(LoginMethod::Plain);
        let heard = talk.hear(&format!("Asterisk Call Manager/{banner}\r\n"));
        assert_eq!(heard, [format!("banner {version}")]);
        assert_eq!(talk.sent(), "");
    }
}

#[test]
fn silence_before_the_login_ends_is_noticed() {
    for said in ["", BANNER] {
        let mut talk = Talk::new(LoginMethod::Plain);
        talk.hear(said);
        assert_eq!(talk.wait(9 * SECOND), Vec::<String>::new());
        assert_eq!(talk.wait(SECOND), ["login timed out"]);
    }
}

#[test]
fn reply_finds_its_action_and_foreign_ones_are_passed_by() {
    let mut talk = Talk::logged_in();
    let first = talk.send(&hangup()).unwrap();
    let second = talk.send(&hangup()).unwrap();
    let heard = talk.hear(&format!(
        "Response: Error\r\nActionID: {second}\r\nMessage: No such channel\r\n\r\n\
         Response: Success\r\nActionID: a7\r\n\r\n\
         Response: Error\r\nMessage: Missing action in request\r\n\r\n\
         Response: Success\r\nActionID: {first}\r\n\r\n\
         Response: Success\r\nActionID: {first}\r\n\r\n"
    ));
    assert_eq!(
        heard,
        [
            format!("reply Hangup Error {second}"),
            format!("reply Hangup Success {first}"),
        ]
    );
}

#[test]
fn list_comes_whole_and_events_between_stay_events() {
    let mut talk = Talk::logged_in();
    let list = talk.send(&Action::CoreShowChannels).unwrap();
    let heard = talk.hear(&format!(
        "Response: Success\r\nActionID: {list}\r\nEventList: start\r\n\r\n\
         Event: CoreShowChannel\r\nActionID: {list}\r\nChannel: PJSIP/101-1\r\nUniqueid: 1.1\r\n\r\n\
         Event: Hangup\r\nChannel: PJSIP/102-1\r\nUniqueid: 1.2\r\n\r\n\
         Event: OriginateResponse\r\nActionID: 0000000000000001-99\r\n\r\n\
         Event: CoreShowChannelsComplete\r\nActionID: {list}\r\nEventList: Complete\r\nListItems: 1\r\n\r\n\
         Event: CoreShowChannel\r\nActionID: {list}\r\nUniqueid: 1.3\r\n\r\n"
    ));
    assert_eq!(
        heard,
        [
            format!("reply CoreShowChannels Success {list}"),
            format!("item 1.1 of {list}"),
            "hangup 1.2".into(),
            "event OriginateResponse".into(),
            format!("list CoreShowChannels of 1 {list}"),
            "event CoreShowChannel".into(),
        ]
    );
}

#[test]
fn every_recorded_list_ends_with_its_own_last_event() {
    let recording = include_str!("data/lists_22.ami");
    let recording = recording.strip_prefix(BANNER).unwrap();
    let room = || text("800");
    for (action, items) in [
        (Action::Status { channel: None }, 2),
        (Action::BridgeList, 2),
        (
            Action::BridgeInfo {
                bridge: "f7f373c6-d541-4078-9429-acabc12b75d7".into(),
            },
            2,
        ),
        (Action::QueueStatus { queue: None }, 7),
        (Action::ParkedCalls, 1),
        (Action::Parkinglots, 1),
        (Action::ConfbridgeListRooms, 1),
        (Action::ConfbridgeList { room: room() }, 3),
    ] {
        let mut talk = Talk::logged_in();
        let id = talk.send(&action).unwrap();
        let name = action.name();
        let mine = format!("ActionID: {name}\r\n");
        let answer: String = recording
            .split_inclusive("\r\n\r\n")
            .filter(|message| message.contains(&mine))
            .map(|message| message.replace(&mine, &format!("ActionID: {id}\r\n")))
            .collect();
        let heard = talk.hear(&answer);
        assert_eq!(heard.first(), Some(&format!("reply {name} Success {id}")));
        assert_eq!(
            heard.last(),
            Some(&format!("list {name} of {items} {id}")),
            "{heard:#?}"
        );
        assert!(
            heard[1..heard.len() - 1]
                .iter()
                .all(|line| line.starts_with("item ")),
            "{heard:#?}"
        );
    }
}

#[test]
fn refused_list_is_over_with_its_reply() {
    let mut talk = Talk::logged_in();
    let list = talk.send(&Action::ExtensionStateList).unwrap();
    talk.sent();
    assert_eq!(
        talk.answer("Error", "Message: Permission denied\r\n"),
        [format!("reply ExtensionStateList Error {list}")]
    );
    assert_eq!(talk.keep_alive(60 * SECOND), Vec::<String>::new());
}

#[test]
fn action_without_an_answer_times_out_and_its_late_reply_is_passed_by() {
    let mut talk = Talk::logged_in();
    let id = talk.send(&originate()).unwrap();
    talk.keep_alive(9 * SECOND);
    assert_eq!(
        talk.keep_alive(SECOND),
        [format!("timed out Originate {id}")]
    );
    let late = format!("Response: Success\r\nActionID: {id}\r\n\r\n");
    assert_eq!(talk.hear(&late), Vec::<String>::new());
}

#[test]
fn list_that_stalls_times_out() {
    let mut talk = Talk::logged_in();
    let id = talk.send(&Action::DeviceStateList).unwrap();
    talk.hear(&format!(
        "Response: Success\r\nActionID: {id}\r\nEventList: start\r\n\r\n"
    ));
    assert_eq!(
        talk.keep_alive(11 * SECOND),
        [format!("timed out DeviceStateList {id}")]
    );
}

#[test]
fn ping_goes_out_every_five_seconds_and_measures_the_lag() {
    let mut talk = Talk::logged_in();
    talk.wait(5 * SECOND - Duration::from_millis(1));
    assert_eq!(talk.sent(), "");
    talk.wait(Duration::from_millis(1));
    assert!(talk.sent().starts_with("Action: Ping\r\n"));
    talk.wait(Duration::from_millis(40));
    assert_eq!(talk.answer("Success", "Ping: Pong\r\n"), ["lag 40 ms"]);
    assert_eq!(talk.sent(), "");
    talk.wait(5 * SECOND);
    assert!(talk.sent().starts_with("Action: Ping\r\n"));
}

#[test]
fn half_open_link_is_found_within_fifteen_seconds() {
    for heard_before in 0..10 {
        let mut talk = Talk::logged_in();
        talk.keep_alive(heard_before * SECOND);
        let heard = talk.wait(14 * SECOND);
        assert_eq!(
            heard.last().map(String::as_str),
            Some("silent"),
            "{heard_before}"
        );
    }
}

#[test]
fn asterisk_that_talks_but_lags_is_no_dead_link() {
    let mut talk = Talk::logged_in();
    let mut heard = Vec::new();
    for _ in 0..30 {
        heard.extend(talk.wait(SECOND));
        heard.extend(talk.hear("Event: Reload\r\n\r\n"));
    }
    heard.retain(|event| event != "event Reload");
    assert_eq!(
        heard,
        [
            "lag 5000 ms",
            "lag 10000 ms",
            "lag 15000 ms",
            "lag 20000 ms",
            "lag 25000 ms"
        ]
    );
}

#[test]
fn probe_finds_a_link_that_did_not_survive_sleep_within_a_second() {
    let mut talk = Talk::logged_in();
    talk.session.probe(talk.now);
    assert!(talk.sent().starts_with("Action: Ping\r\n"));
    assert_eq!(talk.wait(SECOND), ["silent"]);
    let mut talk = Talk::logged_in();
    talk.session.probe(talk.now);
    talk.sent();
    assert_eq!(talk.answer("Success", "Ping: Pong\r\n"), ["lag 0 ms"]);
    assert_eq!(talk.wait(4 * SECOND), Vec::<String>::new());
}

#[test]
fn end_of_the_link_leaves_no_action_in_doubt_about_being_in_doubt() {
    let mut talk = Talk::logged_in();
    let sent = talk.send(&originate()).unwrap();
    talk.sent();
    let half_sent = talk.send(&hangup()).unwrap();
    talk.session.poll_transmit();
    let never_polled = talk.send(&originate()).unwrap();
    talk.session.close(&[half_sent]);
    assert_eq!(
        talk.heard(),
        [
            format!("unanswered Originate {sent} sent"),
            format!("unanswered Hangup {half_sent} not sent"),
            format!("unanswered Originate {never_polled} not sent"),
        ]
    );
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.send(&originate()), Err(SendError::NotConnected));
}

#[test]
fn waiting_actions_are_bounded() {
    let mut talk = Talk::logged_in();
    let refused = (0..1_000)
        .map(|_| talk.send(&hangup()))
        .find(Result::is_err);
    assert_eq!(refused, Some(Err(SendError::TooManyWaiting)));
}

#[test]
fn event_found_but_not_polled_survives_more_input() {
    let mut talk = Talk::logged_in();
    talk.session.handle_input(
        b"Event: Hangup\r\nUniqueid: 1.1\r\n\r\nEvent: Hang",
        talk.now,
    );
    assert!(talk.session.has_event());
    talk.session
        .handle_input(b"up\r\nUniqueid: 1.2\r\n\r\n", talk.now);
    assert_eq!(talk.heard(), ["hangup 1.1", "hangup 1.2"]);
}

#[test]
fn every_action_is_one_message_of_its_own_words() {
    let actions = [
        (Action::Challenge, "Challenge"),
        (Action::Logoff, "Logoff"),
        (Action::Ping, "Ping"),
        (originate(), "Originate"),
        (hangup(), "Hangup"),
        (Action::CoreShowChannels, "CoreShowChannels"),
        (Action::ExtensionStateList, "ExtensionStateList"),
        (Action::DeviceStateList, "DeviceStateList"),
        (
            Action::ExtensionState(ami::ExtensionAddress {
                exten: text("101"),
                context: text("internal"),
            }),
            "ExtensionState",
        ),
        (Action::Events { mask: "call" }, "Events"),
        (Action::ListCommands, "ListCommands"),
        (Action::CoreSettings, "CoreSettings"),
    ];
    let mut talk = Talk::logged_in();
    for (action, name) in actions {
        let id = talk.send(&action).unwrap();
        let bytes = talk.sent();
        let mut decoder = Decoder::without_banner(Charset::default(), Limits::default());
        decoder.feed(bytes.as_bytes());
        let Some(Incoming::Message(message)) = decoder.next_message() else {
            panic!("{name} is no message: {bytes}");
        };
        assert_eq!(message.get("Action").unwrap(), name);
        assert_eq!(message.get("ActionID").unwrap(), id.to_string().as_str());
        assert_eq!(message.headers().count() + 1, bytes.matches("\r\n").count());
        assert!(
            decoder.next_message().is_none(),
            "{name} is more than one message"
        );
        assert_eq!(name, action.name());
    }
}

#[test]
fn rights_of_a_user_without_originate_are_seen() {
    let mut talk = Talk::logged_in();
    let id = talk.send(&Action::ListCommands).unwrap();
    talk.session.handle_input(
        format!(
            "Response: Success\r\nActionID: {id}\r\nHangup: Hangup channel.  (Priv: system,call,all)\r\n\
             Ping: Keepalive command.  (Priv: <none>)\r\n\r\n"
        )
        .as_bytes(),
        talk.now,
    );
    let Some(SessionEvent::Reply { message, .. }) = talk.session.poll_event() else {
        panic!("no reply");
    };
    let rights = Rights::from_list_commands(&message);
    assert!(rights.allows("Hangup") && !rights.allows("Originate") && !rights.allows("Command"));
}

/// A session, its clock and what was last asked.
struct Talk {
    session: Session,
    now: Instant,
    asked: Option<String>,
}

impl Talk {
    fn new(method: LoginMethod) -> Self {
        Self::with_secret(method, "hunter2")
    }

    fn with_secret(method: LoginMethod, secret: &str) -> Self {
        let login = Login::new(text("ctc"), SecretString::from(secret), method).unwrap();
        let now = Instant::now();
        Self {
            session: Session::new(SessionConfig::new(login), 0xfeed, now),
            now,
            asked: None,
        }
    }

    fn logged_in() -> Self {
        let mut talk = Self::new(LoginMethod::Plain);
        talk.hear(BANNER);
        talk.sent();
        assert_eq!(talk.answer("Success", ""), ["logged in"]);
        talk
    }

    fn send(&mut self, action: &Action) -> Result<ActionId, SendError> {
        self.session.send(action, self.now)
    }

    /// Everything that waits to be sent.
    fn sent(&mut self) -> String {
        let mut sent = String::new();
        while let Some(transmit) = self.session.poll_transmit() {
            self.asked = Some(transmit.action_id.to_string());
            sent += std::str::from_utf8(&transmit.bytes).unwrap();
        }
        sent
    }

    fn hear(&mut self, bytes: &str) -> Vec<String> {
        self.session.handle_input(bytes.as_bytes(), self.now);
        self.heard()
    }

    /// Answers what was last sent.
    fn answer(&mut self, response: &str, headers: &str) -> Vec<String> {
        let id = self.asked.clone().unwrap();
        self.hear(&format!(
            "Response: {response}\r\nActionID: {id}\r\n{headers}\r\n"
        ))
    }

    /// Lets time pass in silence.
    fn wait(&mut self, time: Duration) -> Vec<String> {
        let until = self.now + time;
        let mut heard = Vec::new();
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            heard.extend(self.heard());
        }
        self.now = until;
        heard
    }

    /// Lets time pass with an Asterisk that answers pings.
    fn keep_alive(&mut self, time: Duration) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..time.as_secs() {
            heard.extend(self.wait(SECOND));
            if self.sent().contains("Action: Ping") {
                heard.extend(self.answer("Success", "Ping: Pong\r\n"));
            }
        }
        heard.retain(|event| event != "lag 0 ms");
        heard
    }

    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(event) = self.session.poll_event() {
            heard.push(tell(&event));
        }
        heard
    }
}

fn tell(event: &SessionEvent<'_>) -> String {
    match event {
        SessionEvent::Banner(banner) => match banner.asterisk_version() {
            Some(version) => format!("banner {version}"),
            None => "banner none".into(),
        },
        SessionEvent::LoggedIn => "logged in".into(),
        SessionEvent::LoginRefused { message } => format!("login refused: {message}"),
        SessionEvent::LoginTimedOut => "login timed out".into(),
        SessionEvent::Event(Event::Hangup { channel, .. }) => {
            format!("hangup {}", channel.uniqueid)
        }
        SessionEvent::Event(event) => {
            let debug = format!("{event:?}");
            let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            format!("event {name}")
        }
        SessionEvent::Reply {
            action_id,
            action,
            response,
            ..
        } => format!("reply {action} {response:?} {action_id}"),
        SessionEvent::ListItem { action_id, event } => match event {
            Event::CoreShowChannel(listing) => {
                format!("item {} of {action_id}", listing.channel.uniqueid)
            }
            other => format!("item {other:?} of {action_id}"),
        },
        SessionEvent::ListComplete {
            action_id,
            action,
            items,
        } => format!("list {action} of {items} {action_id}"),
        SessionEvent::TimedOut { action_id, action } => format!("timed out {action} {action_id}"),
        SessionEvent::Unanswered {
            action_id,
            action,
            sent,
        } => {
            let sent = if *sent { "sent" } else { "not sent" };
            format!("unanswered {action} {action_id} {sent}")
        }
        SessionEvent::Lag(lag) => format!("lag {} ms", lag.as_millis()),
        SessionEvent::Silent(_) => "silent".into(),
    }
}

fn text(text: &str) -> FieldValue {
    FieldValue::new(text).unwrap()
}

fn hangup() -> Action {
    Action::Hangup {
        channel: text("PJSIP/101-00000001"),
        cause: None,
    }
}

fn originate() -> Action {
    Action::Originate(Originate {
        channel: text("PJSIP/101"),
        channel_id: Uniqueid::from("st-1"),
        exten: text("979161112233"),
        context: text("internal"),
        priority: 1,
        timeout: 30 * SECOND,
        connected_line: None,
        caller_id: None,
        early_media: false,
        account: None,
        variables: Vec::new(),
    })
}
