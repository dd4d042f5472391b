//! The engine at a socket whose other end does what a real Asterisk does seldom: cuts, floods, says no.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many"
)]

use contacts::{Directory, directory::Settings};
use engine::{
    Command, Config, Connection, DialId, DialUpdate, End, Handle, Pbx, PhoneState, Progress, Tls,
    Update, Updates, spawn,
};
use phone_number::{DialPlan, Dialable, Region};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tracing::{
    Level, Metadata,
    field::{Field, Visit},
    span,
};

const SOON: Duration = Duration::from_secs(10);
const SECRET: &str = "correct-horse-battery";

#[tokio::test]
async fn an_originate_is_sent_once_wherever_the_connection_is_cut() {
    let mut pbx = FakeAmi::bind().await;
    let mut desk = Desk::new();
    desk.send(Command::Configure(Box::new(pbx.config())));
    let mut connection = pbx.let_in().await;
    let whole = {
        desk.connected().await;
        desk.dial("measure");
        let originate = connection.hear("Originate").await;
        pbx.note(&originate);
        originate.len()
    };
    drop(connection);
    desk.dial_until("measure", is_over).await;
    for cut in 0..=whole + ANSWER.len() {
        let connection = pbx.welcome_back(&desk).await;
        desk.connected().await;
        let id = format!("cut {cut}");
        desk.dial(&id);
        desk.dial(&id);
        connection.cut_originate(cut, whole, &mut pbx).await;
        let end = desk.dial_until(&id, is_over).await;
        let ended = ended_as(&end);
        assert!(
            matches!(ended, Some(End::Unknown | End::Refused)),
            "{cut}: {:?}",
            end.progress
        );
        if cut >= whole {
            assert_eq!(ended, Some(End::Unknown), "{cut}: it may ring there");
        }
    }
    let mut connection = pbx.welcome_back(&desk).await;
    desk.connected().await;
    // The end of a ping's round: whatever was to be sent again would have come before it.
    desk.dial("last");
    let last = connection.hear("Originate").await;
    pbx.note(&last);
    assert!(
        pbx.originates.values().all(|times| *times == 1),
        "{:?}",
        pbx.originates
    );
    assert_eq!(pbx.originates.len(), 2 + ANSWER.len() + 1);
}

#[tokio::test]
async fn a_reader_who_has_stopped_does_not_stop_the_reading() {
    let mut pbx = FakeAmi::bind().await;
    let mut desk = Desk::new();
    desk.send(Command::Configure(Box::new(pbx.config())));
    let mut connection = pbx.let_in().await;
    desk.connected().await;
    let flood: String = (0..2_000)
        .map(|n| device_state(if n % 2 == 0 { "RINGING" } else { "INUSE" }))
        .collect();
    let writes = async {
        for _ in 0..100 {
            connection.say(&flood).await;
        }
        drop(connection);
        // It has read to the end when it comes again.
        pbx.accept().await
    };
    let _again = timeout(SOON, writes)
        .await
        .expect("200,000 events are read while nobody takes the updates");
    // Without a connection the phone is not known: that is the newest.
    let newest = Update::Phone(PhoneState::default());
    let mut waited = 1;
    while desk.next().await != newest {
        waited += 1;
    }
    assert!(waited < 50, "{waited} updates waited");
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_for_a_person() {
    let mut pbx = FakeAmi::bind().await;
    let mut desk = Desk::new();
    desk.send(Command::Configure(Box::new(pbx.config())));
    let mut connection = pbx.accept().await;
    connection.say("Asterisk Call Manager/11.0.0\r\n").await;
    let challenge = connection.hear("Challenge").await;
    connection
        .answer(&challenge, "Success", "Challenge: 1\r\n")
        .await;
    let login = connection.hear("Login").await;
    connection
        .answer(&login, "Error", "Message: Authentication failed\r\n")
        .await;
    let refused = desk
        .until(|update| matches!(update, Update::Connection(Connection::Refused { .. })))
        .await;
    let Update::Connection(Connection::Refused { words }) = refused else {
        unreachable!()
    };
    assert_eq!(
        words,
        "Asterisk refuses user sidetone: Authentication failed; check name and secret in manager.conf."
    );
}

#[tokio::test]
async fn neither_secret_nor_number_nor_name_reaches_the_log() {
    let log = Log::default();
    // For the whole program: what other tests log must be as clean, and interest in a callsite is kept globally.
    tracing::subscriber::set_global_default(log.clone()).expect("nobody else listens");
    let mut pbx = FakeAmi::bind().await;
    let mut desk = Desk::new();
    desk.send(Command::Configure(Box::new(pbx.config())));
    let mut connection = pbx.let_in().await;
    desk.connected().await;
    connection.say(&incoming_call()).await;
    desk.until(|update| matches!(update, Update::Call(_))).await;
    desk.dial("d1");
    let originate = connection.hear("Originate").await;
    let refusal = "Message: Extension 9161234567 of Ada does not exist\r\n";
    connection.answer(&originate, "Error", refusal).await;
    desk.dial_until("d1", is_over).await;
    drop(connection);
    let lines = log.lines.lock().expect("no writer has panicked").clone();
    assert!(
        lines.contains("originate sent"),
        "nothing was captured: {lines}"
    );
    for private in [SECRET, "9161234567", "Ada"] {
        assert!(!lines.contains(private), "{private} in: {lines}");
    }
}

const ANSWER: &str =
    "Response: Success\r\nActionID: ?\r\nMessage: Originate successfully queued\r\n\r\n";

fn device_state(state: &str) -> String {
    format!(
        "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/101\r\nState: {state}\r\n\r\n"
    )
}

fn incoming_call() -> String {
    let channel = |prefix: &str, name: &str, id: &str, state: u8| {
        format!(
            "{prefix}Channel: {name}\r\n{prefix}ChannelState: {state}\r\n{prefix}CallerIDNum: +79161234567\r\n\
             {prefix}CallerIDName: Ada\r\n{prefix}Context: from-trunk\r\n{prefix}Exten: 74951230001\r\n\
             {prefix}Uniqueid: {id}\r\n{prefix}Linkedid: t.1\r\n"
        )
    };
    let (trunk, phone) = ("PJSIP/trunk-00000001", "PJSIP/101-00000002");
    format!(
        "Event: Newchannel\r\n{}\r\nEvent: Newchannel\r\n{}\r\nEvent: DialBegin\r\n{}{}DialString: 101\r\n\r\n\
         Event: Newstate\r\n{}\r\n",
        channel("", trunk, "t.1", 4),
        channel("", phone, "t.2", 0),
        channel("", trunk, "t.1", 4),
        channel("Dest", phone, "t.2", 0),
        channel("", phone, "t.2", 5),
    )
}

fn is_over(dial: &DialUpdate) -> bool {
    ended_as(dial).is_some()
}

fn ended_as(dial: &DialUpdate) -> Option<End> {
    match dial.progress {
        Progress::Ended { end, .. } => Some(end),
        _ => None,
    }
}

/// An Asterisk that counts.
struct FakeAmi {
    listener: TcpListener,
    /// By ChannelId: how often it arrived whole.
    originates: BTreeMap<String, usize>,
}

impl FakeAmi {
    async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self {
            listener,
            originates: BTreeMap::new(),
        }
    }

    fn config(&self) -> Config {
        let address = self.listener.local_addr().expect("an address");
        Config {
            pbx: Pbx {
                host: address.ip().to_string(),
                port: address.port(),
                tls: Tls::Off,
                user: "sidetone".into(),
                secret: SECRET.to_owned().into(),
                charset: String::new(),
            },
            desk: engine::Desk {
                extension: "101".into(),
                channel: "PJSIP/101".into(),
                context: "internal".into(),
                dial_plan: DialPlan::new(Region::RU),
                placing: engine::Placing::default(),
                handling: engine::Handling::default(),
            },
        }
    }

    async fn accept(&mut self) -> Peer {
        let (stream, _) = timeout(SOON, self.listener.accept())
            .await
            .expect("it connects")
            .expect("a stream");
        Peer {
            stream,
            heard: Vec::new(),
        }
    }

    /// Up to the answers to what is asked after each login.
    async fn let_in(&mut self) -> Peer {
        let mut peer = self.accept().await;
        peer.say("Asterisk Call Manager/11.0.0\r\n").await;
        let challenge = peer.hear("Challenge").await;
        peer.answer(&challenge, "Success", "Challenge: 1\r\n").await;
        let login = peer.hear("Login").await;
        peer.answer(&login, "Success", "Message: Authentication accepted\r\n")
            .await;
        for (action, complete) in [
            ("CoreShowChannels", "CoreShowChannelsComplete"),
            ("BridgeList", "BridgeListComplete"),
            ("ParkedCalls", "ParkedCallsComplete"),
            ("ConfbridgeListRooms", "ConfbridgeListRoomsComplete"),
            ("QueueStatus", "QueueStatusComplete"),
            ("DeviceStateList", "DeviceStateListComplete"),
            ("ExtensionStateList", "ExtensionStateListComplete"),
            ("PresenceStateList", "PresenceStateListComplete"),
        ] {
            let asked = peer.hear(action).await;
            peer.answer(&asked, "Success", "EventList: start\r\n").await;
            let id = header(&asked, "ActionID").to_owned();
            peer.say(&format!(
                "Event: {complete}\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
            ))
            .await;
        }
        let asked = peer.hear("ListCommands").await;
        peer.answer(
            &asked,
            "Success",
            "Originate: Originate a call.\r\nHangup: Hangup channel.\r\n",
        )
        .await;
        peer
    }

    async fn welcome_back(&mut self, desk: &Desk) -> Peer {
        desk.send(Command::RetryNow);
        self.let_in().await
    }

    fn note(&mut self, originate: &str) {
        *self
            .originates
            .entry(header(originate, "ChannelId").to_owned())
            .or_default() += 1;
    }
}

struct Peer {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Peer {
    async fn say(&mut self, text: &str) {
        self.stream
            .write_all(text.as_bytes())
            .await
            .expect("the engine reads");
    }

    async fn answer(&mut self, action: &str, response: &str, headers: &str) {
        let id = header(action, "ActionID").to_owned();
        self.say(&format!(
            "Response: {response}\r\nActionID: {id}\r\n{headers}\r\n"
        ))
        .await;
    }

    /// The next action, which must be this one.
    async fn hear(&mut self, name: &str) -> String {
        loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                let action: Vec<u8> = self.heard.drain(..end + 4).collect();
                let action = String::from_utf8(action).expect("text");
                assert_eq!(header(&action, "Action"), name);
                return action;
            }
            let read = timeout(SOON, self.stream.read_buf(&mut self.heard)).await;
            assert_ne!(
                read.expect("an action in time").expect("a stream"),
                0,
                "it went instead of {name}"
            );
        }
    }

    /// Reads or answers so many bytes, then goes.
    async fn cut_originate(mut self, cut: usize, whole: usize, pbx: &mut FakeAmi) {
        if cut < whole {
            let mut part = vec![0; cut];
            timeout(SOON, self.stream.read_exact(&mut part))
                .await
                .expect("bytes in time")
                .expect("a stream");
            return;
        }
        let originate = self.hear("Originate").await;
        pbx.note(&originate);
        let answer = ANSWER.replace('?', header(&originate, "ActionID"));
        self.say(&answer[..(cut - whole).min(answer.len())]).await;
    }
}

fn header<'a>(action: &'a str, name: &str) -> &'a str {
    let find = |line: &'a str| line.split_once(": ").filter(|(key, _)| *key == name);
    action.lines().find_map(find).map_or("", |(_, value)| value)
}

struct Desk {
    handle: Handle,
    updates: Updates,
}

impl Desk {
    fn new() -> Self {
        let (handle, updates) = spawn(nobody());
        Self { handle, updates }
    }

    fn send(&self, command: Command) {
        self.handle
            .send(command)
            .expect("the engine takes commands");
    }

    fn dial(&self, dial: &str) {
        let target = Dialable::new("+79161234567").expect("dialable");
        let (dial, number) = (DialId::from(dial), "+79161234567".into());
        self.send(Command::Dial {
            dial,
            target,
            number,
            tones: None,
            asked: Instant::now(),
        });
    }

    async fn next(&mut self) -> Update {
        timeout(SOON, self.updates.next())
            .await
            .expect("told in time")
            .expect("the engine runs")
            .1
    }

    async fn until(&mut self, wanted: impl Fn(&Update) -> bool) -> Update {
        loop {
            let update = self.next().await;
            if wanted(&update) {
                return update;
            }
        }
    }

    async fn connected(&mut self) {
        self.until(|update| matches!(update, Update::Connection(Connection::Connected { .. })))
            .await;
    }

    async fn dial_until(&mut self, id: &str, wanted: impl Fn(&DialUpdate) -> bool) -> DialUpdate {
        let is_it = |update: &Update| matches!(update, Update::Dial(dial) if dial.dial.0 == id && wanted(dial));
        match self.until(is_it).await {
            Update::Dial(dial) => *dial,
            other => panic!("{other:?}"),
        }
    }
}

/// Keeps what is logged at INFO and above, spans and all.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<String>>,
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut Line(
            &mut self.lines.lock().expect("no writer has panicked"),
        ));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Line(
            &mut self.lines.lock().expect("no writer has panicked"),
        ));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut lines = self.lines.lock().expect("no writer has panicked");
        event.record(&mut Line(&mut lines));
        lines.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A directory that asks nobody.
fn nobody() -> Directory {
    Directory::new(Settings::new(DialPlan::new(Region::RU)))
}
