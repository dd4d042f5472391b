//! The dialogue in virtual time: what is said, what is told, and when nobody waits any longer.

use crate::support::{changes, hello, interest, lamp, me, snapshot, welcome};
use server_client::{Session, SessionEvent, Why};
use std::time::{Duration, Instant};
use wire::{Answer, ClientMessage, ErrorCode, Failure, Request, ServerMessage};

#[test]
fn the_hello_comes_first_and_a_snapshot_brings_it_into_step() {
    let mut line = Line::new();
    assert_eq!(line.sent(), [hello()]);
    line.hear(welcome());
    line.hear(snapshot(7, vec![lamp(101, Some(1))]));
    line.hear(changes(8, vec![lamp(101, Some(2))]));
    assert_eq!(
        line.told(),
        [
            welcomed(),
            SessionEvent::Snapshot(vec![lamp(101, Some(1))]),
            SessionEvent::Changes(vec![lamp(101, Some(2))]),
        ]
    );
    assert_eq!(line.sent(), []);
}

#[test]
fn a_gap_asks_once_for_a_snapshot_and_nothing_of_before_it_counts() {
    let mut line = Line::in_step(7);
    line.hear(changes(9, vec![lamp(101, Some(9))]));
    line.hear(changes(10, vec![lamp(101, Some(10))]));
    assert_eq!(line.sent(), [ClientMessage::Resync]);
    assert_eq!(line.told(), []);
    line.hear(snapshot(10, vec![lamp(101, Some(10))]));
    line.hear(changes(11, vec![]));
    assert_eq!(line.told().len(), 2);
    assert_eq!(line.sent(), []);
}

#[test]
fn a_number_that_was_had_is_not_told_twice() {
    let mut line = Line::in_step(7);
    line.hear(changes(7, vec![lamp(101, Some(1))]));
    line.hear(changes(3, vec![]));
    assert_eq!(line.told(), []);
    assert_eq!(line.sent(), []);
}

#[test]
fn what_is_followed_anew_goes_on_until_its_snapshot() {
    let mut line = Line::in_step(7);
    line.session.follow(interest());
    assert_eq!(
        line.sent(),
        [ClientMessage::Follow {
            interest: interest()
        }]
    );
    line.hear(changes(8, vec![]));
    line.hear(snapshot(8, vec![]));
    line.hear(changes(9, vec![]));
    assert_eq!(line.told().len(), 3);
}

#[test]
fn silence_is_asked_after_five_seconds_and_believed_after_ten() {
    let mut line = Line::in_step(1);
    line.pass(Duration::from_millis(4_999));
    assert_eq!(line.sent(), []);
    line.pass(Duration::from_millis(1));
    assert_eq!(line.sent(), [ClientMessage::Ping { n: 1 }]);
    line.pass(Duration::from_millis(4_999));
    assert_eq!(line.told(), []);
    line.pass(Duration::from_millis(1));
    let silent = Why::Silent(Duration::from_secs(10));
    assert_eq!(line.told(), [SessionEvent::Over(silent)]);
    assert_eq!(line.session.poll_timeout(), None);
}

#[test]
fn an_answered_ping_tells_the_lag_and_anything_heard_is_life() {
    let mut line = Line::in_step(1);
    line.pass(Duration::from_secs(5));
    line.pass(Duration::from_millis(40));
    line.hear(ServerMessage::Pong { n: 1 });
    assert_eq!(line.told(), [SessionEvent::Lag(Duration::from_millis(40))]);
    line.pass(Duration::from_secs(5));
    line.hear(changes(2, vec![]));
    line.pass(Duration::from_millis(4_999));
    assert_eq!(line.told().len(), 1, "the changes, and no end");
}

#[test]
fn after_a_change_of_the_network_half_a_second_is_enough_to_know() {
    let mut line = Line::in_step(1);
    line.session.probe(line.now);
    assert_eq!(line.sent(), [ClientMessage::Ping { n: 1 }]);
    line.pass(Duration::from_millis(400));
    // The network goes on changing: that gives a dead line no more time.
    line.session.probe(line.now);
    line.pass(Duration::from_millis(99));
    assert_eq!(line.told(), []);
    line.pass(Duration::from_millis(1));
    assert!(matches!(
        line.told()[..],
        [SessionEvent::Over(Why::Silent(_))]
    ));
}

#[test]
fn a_probe_that_is_answered_ends_nothing() {
    let mut line = Line::in_step(1);
    line.session.probe(line.now);
    line.hear(ServerMessage::Pong { n: 1 });
    line.pass(Duration::from_secs(4));
    assert!(matches!(line.told()[..], [SessionEvent::Lag(_)]));
}

#[test]
fn a_request_is_answered_once_and_a_stranger_s_answer_is_nobody_s() {
    let mut line = Line::in_step(1);
    line.request("d1");
    let done = |id: &str| ServerMessage::Reply {
        id: id.into(),
        answer: Answer::Done,
    };
    line.hear(done("d1"));
    line.hear(done("d1"));
    line.hear(done("d2"));
    assert_eq!(
        line.told(),
        [SessionEvent::Reply {
            id: "d1".into(),
            answer: Answer::Done
        }]
    );
}

#[test]
fn a_request_whose_line_broke_is_unknown_and_is_not_sent_again() {
    let mut line = Line::in_step(1);
    line.request("d1");
    line.sent();
    line.session.close();
    assert!(matches!(
        &line.told()[..],
        [SessionEvent::Reply { id, answer: Answer::Failed(Failure { code: ErrorCode::Unknown, .. }) }] if id == "d1"
    ));
    assert_eq!(line.sent(), []);
}

#[test]
fn a_request_that_nobody_answers_is_unknown_after_half_a_minute() {
    let mut line = Line::in_step(1);
    line.request("d1");
    for seq in 2..16 {
        line.pass(Duration::from_secs(2));
        line.hear(changes(seq, vec![]));
    }
    line.told();
    line.pass(Duration::from_secs(2));
    assert!(matches!(
        &line.told()[..],
        [SessionEvent::Reply { id, .. }] if id == "d1"
    ));
}

#[test]
fn a_flood_of_requests_is_refused_and_not_queued() {
    let mut line = Line::in_step(1);
    let taken = (0..1_000)
        .take_while(|n| {
            let request = Request::Dial { text: "102".into() };
            line.session
                .request(n.to_string(), request, line.now)
                .is_ok()
        })
        .count();
    assert_eq!(taken, 64);
}

#[test]
fn a_goodbye_is_told_with_its_code() {
    let mut line = Line::in_step(1);
    let failure = Failure::new(ErrorCode::Unauthenticated, "The token was revoked.");
    line.hear(ServerMessage::Goodbye(failure.clone()));
    line.hear(changes(2, vec![]));
    assert_eq!(line.told(), [SessionEvent::Over(Why::Goodbye(failure))]);
}

#[test]
fn a_server_of_another_version_is_left_with_words() {
    let mut line = Line::new();
    line.hear(ServerMessage::Welcome {
        version: 2,
        server: "S".into(),
        me: me(),
        now: 0,
    });
    assert!(matches!(
        &line.told()[..],
        [SessionEvent::Over(Why::Goodbye(Failure { code: ErrorCode::Version, message, .. }))]
            if message.contains("version 2")
    ));
}

#[test]
fn a_server_that_does_not_keep_to_the_order_is_left() {
    for message in [
        snapshot(1, vec![]),
        changes(1, vec![]),
        ServerMessage::Reply {
            id: "1".into(),
            answer: Answer::Done,
        },
    ] {
        let mut line = Line::new();
        line.hear(message);
        assert!(matches!(
            line.told()[..],
            [SessionEvent::Over(Why::NotUnderstood(_))]
        ));
    }
}

#[test]
fn nobody_waits_for_ever_for_a_welcome_or_a_snapshot() {
    let mut line = Line::new();
    line.pass(Duration::from_secs(10));
    assert!(matches!(
        line.told()[..],
        [SessionEvent::Over(Why::Silent(_))]
    ));

    let mut line = Line::new();
    line.hear(welcome());
    line.told();
    for n in 1..=6 {
        line.pass(Duration::from_secs(5));
        line.hear(ServerMessage::Pong { n });
    }
    assert!(matches!(
        line.told().last(),
        Some(SessionEvent::Over(Why::NotUnderstood(_)))
    ));
}

fn welcomed() -> SessionEvent {
    SessionEvent::Welcome {
        server: "Sidetone server 1".into(),
        me: Box::new(me()),
        now: 1_800_000_000_000,
    }
}

/// A session and a clock that is moved by hand.
struct Line {
    session: Session,
    now: Instant,
}

impl Line {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(hello(), now),
            now,
        }
    }

    /// After a snapshot with this number.
    fn in_step(seq: u64) -> Self {
        let mut line = Self::new();
        line.hear(welcome());
        line.hear(snapshot(seq, vec![]));
        line.told();
        line.sent();
        line
    }

    fn hear(&mut self, message: ServerMessage) {
        self.session.handle_message(message, self.now);
    }

    fn request(&mut self, id: &str) {
        let request = Request::Dial { text: "102".into() };
        self.session
            .request(id.into(), request, self.now)
            .expect("room for one");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.session.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn sent(&mut self) -> Vec<ClientMessage> {
        std::iter::from_fn(|| self.session.poll_transmit()).collect()
    }

    fn told(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }
}
