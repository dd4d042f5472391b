//! A recorded call, an order, and what is sent for it.

use super::*;
use crate::{Ability, Conference, DoNotDisturb, Handling, Order, Outcome};
use ami::Rights;
use phone_number::Tones;

fn to(number: &str) -> Dialable {
    Dialable::new(number).expect("dialable")
}

/// A customer and 101 talk.
fn talking() -> Desk {
    let mut desk = Desk::connected("101");
    set_up(&mut desk);
    let _ = desk.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let _ = desk.take_wanted();
    desk
}

fn set_up(desk: &mut Desk) {
    let handling = Handling {
        conference: Some(Conference {
            exten: "800".into(),
            context: String::new(),
        }),
        do_not_disturb: DoNotDisturb::Both,
        ..Handling::default()
    };
    let mut config = config("101");
    config.desk.handling = handling;
    desk.engine.configure(config, desk.now);
}

fn rights(listed: &[&str]) -> Rights {
    let lines: String = listed
        .iter()
        .map(|action| format!("{action}: About it.  (Priv: x,all)\r\n"))
        .collect();
    let answer = format!("Response: Success\r\n{lines}\r\n");
    let mut decoder = Decoder::without_banner(Charset::default(), Limits::default());
    decoder.feed(answer.as_bytes());
    match decoder.next_message() {
        Some(Incoming::Message(message)) => Rights::from_list_commands(&message),
        other => panic!("{other:?}"),
    }
}

impl Desk {
    /// What is sent for an order, without what all actions have; or why nothing is.
    fn ordered(&mut self, id: &str, what: Order) -> String {
        let sent = self.give(id, what);
        if let Some((_, action)) = sent.first() {
            return headers(action);
        }
        self.outcome(id).map_or_else(
            || "nothing".into(),
            |outcome| match outcome {
                Outcome::Done => "done".into(),
                Outcome::Refused { words } => format!("refused: {words}"),
                Outcome::Unknown { words } => format!("unknown: {words}"),
            },
        )
    }

    fn give(&mut self, id: &str, what: Order) -> Vec<(ActionId, Action)> {
        self.command(Command::Order {
            order: id.into(),
            call: None,
            what,
        });
        self.take_wanted()
    }

    fn outcome(&mut self, id: &str) -> Option<Outcome> {
        let mut found = None;
        while let Some((_, update)) = self.engine.outbox().take() {
            if let Update::Order { order, outcome } = update
                && order.0 == id
            {
                assert!(found.is_none(), "an order has one outcome");
                found = Some(outcome);
            }
        }
        found
    }

    fn answer(&mut self, id: ActionId, refused: Option<&Refusal<'_>>) -> Vec<(ActionId, Action)> {
        self.engine.reply(id, refused, self.now);
        self.engine.poll_tracker(self.now, self.now);
        self.take_wanted()
    }

    fn wait(&mut self, time: Duration) -> Vec<(ActionId, Action)> {
        self.now += time;
        self.engine.handle_timeout(self.now);
        self.take_wanted()
    }
}

fn headers(action: &Action) -> String {
    let id = ActionId::parse("0000000000000007-1").expect("an id");
    let bytes = action.encode(id).expect("it can be written");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let lines = text.trim_end().split("\r\n");
    let mine = lines.filter(|line| !line.starts_with("ActionID"));
    mine.map(|line| line.trim_start_matches("Action: "))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn each_order_goes_to_the_channel_that_it_is_about() {
    let mut story = String::new();
    let tones = Tones::new("4").expect("tones");
    for what in [
        Order::BlindTransfer { to: to("103") },
        Order::AttendedTransfer { to: to("103") },
        Order::CancelTransfer,
        Order::Redirect { to: to("103") },
        Order::Hold,
        Order::Park,
        Order::PickUp,
        Order::Conference,
        Order::Add,
        Order::Tones { tones },
        Order::Record { on: false },
        Order::Mute { on: true },
        Order::DoNotDisturb { on: true },
        Order::QueueLogin {
            queue: "sales".into(),
        },
        Order::QueueLogin {
            queue: "support".into(),
        },
        Order::QueuePause {
            queue: None,
            paused: true,
            reason: None,
        },
    ] {
        let mut desk = talking();
        story += &format!("{}\n", desk.ordered("o", what));
    }
    assert_snapshot!(story, @r#"
        BlindTransfer, Channel: PJSIP/101-00000012, Context: internal, Exten: 103
        Atxfer, Channel: PJSIP/101-00000012, Context: internal, Exten: 103
        CancelAtxfer, Channel: PJSIP/101-00000012
        refused: Only a call that rings here can be redirected.
        refused: Asterisk’s manager interface cannot put a phone on hold: press Hold on the phone, or park the call.
        Park, Channel: PJSIP/trunk-00000011, TimeoutChannel: PJSIP/101-00000012
        refused: Your phone is in this call already.
        Redirect, Channel: PJSIP/trunk-00000011, Context: internal, Exten: 800, Priority: 1, ExtraChannel: PJSIP/101-00000012, ExtraContext: internal, ExtraExten: 800, ExtraPriority: 1
        refused: Your phone is in no conference.
        PlayDTMF, Channel: PJSIP/trunk-00000011, Digit: 4, Duration: 120
        refused: The call is not being recorded.
        MuteAudio, Channel: PJSIP/101-00000012, Direction: in, State: on
        DBPut, Family: DND, Key: 101, Val: YES
        QueueAdd, Queue: sales, Interface: PJSIP/101, Penalty: 0, Paused: false
        refused: You are in the queue support already.
        QueuePause, Interface: Local/101@queue-agents/n, Paused: true
    "#);
}

#[test]
fn a_call_that_rings_can_be_sent_on_and_nothing_else() {
    let ringing = || {
        let mut desk = Desk::connected("101");
        let _ = desk.play_until("22/d_incoming_answered", "DialBegin", 1);
        let _ = desk.play_until("22/d_incoming_answered", "DialState", 1);
        let _ = desk.take_wanted();
        desk
    };
    let redirect = Order::Redirect { to: to("103") };
    assert_snapshot!(ringing().ordered("o", redirect), @"Redirect, Channel: PJSIP/trunk-00000011, Context: internal, Exten: 103, Priority: 1");
    assert_snapshot!(ringing().ordered("o", Order::Park), @"refused: Pick up first.");
}

#[test]
fn who_may_only_redirect_passes_on_by_redirecting_the_caller() {
    let mut desk = talking();
    desk.engine.take_rights(rights(&["Redirect"]));
    let _ = desk.take_wanted();
    assert_snapshot!(desk.ordered("o", Order::BlindTransfer { to: to("103") }), @"Redirect, Channel: PJSIP/trunk-00000011, Context: internal, Exten: 103, Priority: 1");
}

#[test]
fn a_missing_right_is_told_before_anything_is_sent() {
    let mut desk = talking();
    desk.engine.take_rights(rights(&["Originate"]));
    let transfer = || Order::BlindTransfer { to: to("103") };
    assert!(desk.give("o", transfer()).is_empty());
    let words = "Transfers need the write class `call` in manager.conf.".to_owned();
    assert_eq!(desk.outcome("o"), Some(Outcome::Refused { words }));
    // The rights are not known yet: Asterisk's own refusal tells the same.
    let mut desk = talking();
    let sent = desk.give("o", transfer());
    desk.answer(sent[0].0, Some(&Refusal::PermissionDenied));
    let words = "The AMI user “sidetone” lacks the right “call”; add it to the line write= of this user in manager.conf.".to_owned();
    assert_eq!(desk.outcome("o"), Some(Outcome::Refused { words }));
}

#[test]
fn the_report_says_what_is_lacking_and_what_is_too_much() {
    let capabilities = |listed: &[&str]| {
        let mut desk = talking();
        desk.engine.take_rights(rights(listed));
        while let Some((_, update)) = desk.engine.outbox().take() {
            if let Update::Capabilities(capabilities) = update {
                return *capabilities;
            }
        }
        panic!("no report");
    };
    let all = capabilities(&["Originate", "Hangup", "Redirect", "Setvar", "Command"]);
    assert!(all.can(Ability::Dial) && all.can(Ability::Redirect));
    assert!(!all.can(Ability::DoNotDisturb), "DBPut is missing");
    assert_eq!(
        all.excess,
        [
            "By the write class `command` the AMI user “sidetone” may run any command on the phone system."
        ]
    );
    assert_eq!(
        all.lacking[&Ability::Tones],
        "Sending tones needs the module app_senddtmf on the phone system."
    );
}

#[test]
fn an_order_without_an_answer_is_unknown_and_never_given_again() {
    for is_cut in [false, true] {
        let mut desk = talking();
        let sent = desk.give("o", Order::Park);
        assert!(desk.give("o", Order::Park).is_empty(), "a double click");
        if is_cut {
            desk.engine
                .link_down(Connection::Connecting { attempt: 1 }, desk.now);
        } else {
            let timed_out = SessionEvent::TimedOut {
                action_id: sent[0].0,
                action: "Park",
            };
            desk.engine.session(&timed_out, desk.now);
        }
        let words = crate::words::ORDER_UNKNOWN.to_owned();
        let unknown = Some(Outcome::Unknown { words });
        assert_eq!(desk.outcome("o"), unknown);
        assert!(desk.give("o", Order::Park).is_empty());
        assert_eq!(desk.outcome("o"), unknown, "told again, not done again");
        assert!(desk.answer(sent[0].0, None).is_empty());
        assert_eq!(desk.outcome("o"), None, "too late");
    }
}

#[test]
fn an_order_that_was_never_sent_was_not_done() {
    let mut desk = talking();
    let sent = desk.give("o", Order::Park);
    let unanswered = SessionEvent::Unanswered {
        action_id: sent[0].0,
        action: "Park",
        sent: false,
    };
    desk.engine.session(&unanswered, desk.now);
    desk.engine
        .link_down(Connection::Connecting { attempt: 1 }, desk.now);
    assert!(matches!(desk.outcome("o"), Some(Outcome::Refused { .. })));
}

#[test]
fn all_steps_have_one_deadline() {
    let mut desk = talking();
    let sent = desk.give("o", Order::DoNotDisturb { on: true });
    let next = desk.answer(sent[0].0, None);
    assert_eq!(
        (sent[0].1.name(), next[0].1.name(), next.len()),
        ("DBPut", "Setvar", 1)
    );
    assert!(desk.wait(Duration::from_secs(15)).is_empty());
    assert!(matches!(desk.outcome("o"), Some(Outcome::Unknown { .. })));
}

#[test]
fn what_was_done_in_part_is_said_to_be() {
    let mut desk = talking();
    let sent = desk.give("o", Order::DoNotDisturb { on: true });
    let next = desk.answer(sent[0].0, None);
    assert!(
        desk.answer(next[0].0, Some(&Refusal::UnknownAction))
            .is_empty()
    );
    let words =
        "Only a part was done: This phone system does not have the action Setvar.".to_owned();
    assert_eq!(desk.outcome("o"), Some(Outcome::Refused { words }));
}

#[test]
fn keys_are_pressed_one_after_another() {
    let mut desk = talking();
    let tones = Tones::new("1#").expect("tones");
    let first = desk.give("o", Order::Tones { tones });
    assert_eq!(first.len(), 1);
    assert!(desk.answer(first[0].0, None).is_empty(), "a gap between");
    let second = desk.wait(Duration::from_millis(80));
    assert!(headers(&second[0].1).contains("Digit: #"));
    assert_eq!(desk.outcome("o"), None);
    desk.answer(second[0].0, None);
    assert_eq!(desk.outcome("o"), Some(Outcome::Done));
}

#[test]
fn an_attended_transfer_is_done_when_the_call_shows_it() {
    let trace = "22/i_atxfer_ami";
    let ask = Order::AttendedTransfer { to: to("103") };
    let is_queued = |message: &Message<'_>| {
        let said = message.get("Message");
        said.is_some_and(|said| said == "Atxfer successfully queued")
    };
    let mut desk = Desk::connected("101");
    let bytes = read(trace);
    desk.play(&bytes, |message| !is_queued(message));
    let _ = desk.take_wanted();
    let sent = desk.give("o", ask.clone());
    desk.answer(sent[0].0, None);
    assert_eq!(desk.outcome("o"), None, "Success alone is no proof");
    let mut is_after = false;
    let mut outcome = None;
    each_message(&bytes, |message| {
        is_after |= is_queued(message);
        if is_after && let Some(event) = message.event() {
            let now = desk.now;
            desk.engine.session(&SessionEvent::Event(event), now);
            outcome = outcome.take().or(desk.outcome("o"));
        }
        outcome.is_none()
    });
    assert_eq!(outcome, Some(Outcome::Done));
    // Where the Dial of the call does not know the key, nothing moves.
    let mut desk = talking();
    let sent = desk.give("o", ask);
    desk.answer(sent[0].0, None);
    desk.wait(Duration::from_secs(3));
    let words = crate::words::NOTHING_CAME_OF_ATXFER.to_owned();
    assert_eq!(desk.outcome("o"), Some(Outcome::Refused { words }));
}

#[test]
fn the_extension_behind_a_number_is_pressed_after_the_answer() {
    let trace = "22/a2_originate_to_trunk";
    let mut desk = Desk::connected("101");
    desk.command(Command::Dial {
        dial: "d1".into(),
        target: to("979161112233"),
        number: "79161112233".into(),
        tones: Some(Tones::new("17").expect("tones")),
        asked: desk.now,
    });
    let wanted = desk.originates().remove(0);
    desk.reply(&wanted, Response::Success, "Originate successfully queued");
    let bytes = replace(&read(trace), &first_leg(&read(trace)), &wanted.1);
    let mut entered = 0;
    desk.play(&bytes, |message| {
        let enters = message
            .event_name()
            .is_some_and(|name| name == *"BridgeEnter");
        entered += usize::from(enters);
        entered < 2
    });
    let pressed = |sent: &[(ActionId, Action)]| {
        let mut tones = sent.iter().map(|(_, action)| headers(action));
        tones.find(|headers| headers.starts_with("PlayDTMF"))
    };
    assert_eq!(pressed(&desk.take_wanted()), None);
    let sent = desk.wait(Duration::from_secs(1));
    assert_snapshot!(pressed(&sent).expect("the first key"), @"PlayDTMF, Channel: PJSIP/trunk-00000003, Digit: 1, Duration: 120");
}

pub(super) fn say(desk: &mut Desk, event: &str, headers: &str) {
    let text = format!(
        "Asterisk Call Manager/11.0.0\r\nEvent: {event}\r\n{}\r\n\r\n",
        headers.trim_end()
    );
    let _ = desk.play(text.as_bytes(), |_| true);
}

pub(super) fn ch(id: &str, linked: &str, name: &str) -> String {
    format!("Uniqueid: {id}\r\nLinkedid: {linked}\r\nChannel: {name}\r\n")
}

fn pre(channel: &str, prefix: &str) -> String {
    channel
        .lines()
        .map(|line| format!("{prefix}{line}\r\n"))
        .collect()
}

fn talk(desk: &mut Desk, from: &str, to: &str, bridge: &str) {
    say(desk, "Newchannel", to);
    say(desk, "DialBegin", &format!("{from}{}", pre(to, "Dest")));
    say(desk, "Newstate", &format!("{to}ChannelState: 5"));
    say(desk, "Newstate", &format!("{to}ChannelState: 6"));
    say(
        desk,
        "DialEnd",
        &format!("{from}{}DialStatus: ANSWER", pre(to, "Dest")),
    );
    say(desk, "Newstate", &format!("{from}ChannelState: 6"));
    for one in [to, from] {
        say(
            desk,
            "BridgeEnter",
            &format!("{one}BridgeUniqueid: {bridge}\r\nBridgeType: basic\r\n"),
        );
    }
}

#[test]
fn hanging_up_an_answered_call_is_ours() {
    let mut desk = talking();
    desk.command(Command::HangUp { call: None });
    let hangups = desk.hangups();
    assert_eq!(hangups.len(), 1, "{hangups:?}");
    let legs = desk
        .engine
        .tracker
        .calls()
        .next()
        .expect("a call")
        .legs
        .clone();
    // AMI hangup: no HangupRequest.
    for leg in legs.iter().rev() {
        let head = ch(
            leg.uniqueid.as_str(),
            legs[0].uniqueid.as_str(),
            leg.channel.as_str(),
        );
        say(&mut desk, "Hangup", &format!("{head}Cause: 16"));
    }
    let phase = desk.last.as_ref().expect("a call").phase.clone();
    assert_eq!(
        format!("{phase:?}"),
        r#"Ended { words: "You hung up.", by: Some(Me) }"#
    );
}

/// 101 calls a customer and parks him; the parker's own leg hears the slot for two seconds.
#[test]
fn who_is_parked_is_fetched_and_not_who_parked_him() {
    let mut desk = Desk::connected("102");
    let me = ch("1.1", "1.1", "PJSIP/101-00000001");
    let customer = ch("1.2", "1.1", "PJSIP/trunk-00000002");
    say(
        &mut desk,
        "Newchannel",
        &format!("{me}Exten: 979161112233\r\nCallerIDNum: 101"),
    );
    talk(&mut desk, &me, &customer, "b-1");
    say(
        &mut desk,
        "BridgeLeave",
        &format!("{customer}BridgeUniqueid: b-1\r\nBridgeType: basic"),
    );
    say(
        &mut desk,
        "BridgeEnter",
        &format!("{customer}BridgeUniqueid: p-1\r\nBridgeType: holding"),
    );
    say(
        &mut desk,
        "ParkedCall",
        &format!(
            "{}Parkinglot: default\r\nParkingSpace: 701",
            pre(&customer, "Parkee")
        ),
    );
    let call = desk.engine.tracker.calls().next().expect("a call").id;
    desk.command(Command::Order {
        order: "p".into(),
        call: Some(call),
        what: Order::PickUp,
    });
    let sent: Vec<_> = desk
        .take_wanted()
        .iter()
        .map(|(_, action)| headers(action))
        .collect();
    assert!(sent[0].contains("PJSIP/trunk-00000002"), "{sent:?}");
}

#[test]
fn customer_who_was_passed_on_can_be_redirected_and_picked_up() {
    for (extension, what) in [
        ("104", Order::Redirect { to: to("103") }),
        ("103", Order::PickUp),
    ] {
        let mut desk = Desk::connected(extension);
        // After the transfer the customer's call rings at 104.
        let mut refer = false;
        let _ = desk.play(
            &read("freepbx/e1_click_to_call_then_refer_to_queue"),
            |message| {
                let name = message.event_name().map(|name| name.text().into_owned());
                refer |= name.as_deref() == Some("BlindTransfer");
                let rings = message
                    .get("ChannelStateDesc")
                    .is_some_and(|s| s.text() == "Ringing")
                    && message
                        .get("Channel")
                        .is_some_and(|c| c.text().starts_with("PJSIP/104"));
                !(refer && rings && name.as_deref() == Some("Newstate"))
            },
        );
        // A moment later the transferer's channel is gone as well.
        let call = desk.engine.tracker.calls().next().expect("a call").clone();
        let _ = desk.take_wanted();
        desk.command(Command::Order {
            order: "r".into(),
            call: Some(call.id),
            what,
        });
        let sent: Vec<_> = desk
            .take_wanted()
            .iter()
            .map(|(_, action)| headers(action))
            .collect();
        assert_eq!(sent.len(), 1, "{extension}: {:?}", desk.outcome("r"));
        assert!(sent[0].contains("Channel: PJSIP/trunk"), "{sent:?}");
    }
}

#[test]
fn current_call_is_the_one_that_is_talked() {
    let mut desk = Desk::connected("101");
    let a = ch("1.1", "1.1", "PJSIP/trunk-00000001");
    let b = ch("1.2", "1.1", "PJSIP/101-00000002");
    let c = ch("2.1", "2.1", "PJSIP/trunk-00000003");
    let d = ch("2.2", "2.1", "PJSIP/101-00000004");
    say(
        &mut desk,
        "Newchannel",
        &format!("{a}Exten: 101\r\nCallerIDNum: 79160000001"),
    );
    talk(&mut desk, &a, &b, "b-1");
    say(&mut desk, "Hold", &b);
    desk.now += Duration::from_secs(1);
    say(
        &mut desk,
        "Newchannel",
        &format!("{c}Exten: 101\r\nCallerIDNum: 79160000002"),
    );
    talk(&mut desk, &c, &d, "b-2");
    say(&mut desk, "Hold", &d);
    say(&mut desk, "Unhold", &b);
    desk.command(Command::HangUp { call: None });
    assert_eq!(desk.hangups(), ["PJSIP/101-00000002"]);
}

#[test]
fn recording_is_stopped_where_asterisk_does_not_tell_of_it() {
    let mut desk = talking();
    let (id, _) = desk.give("r1", Order::Record { on: true }).remove(0);
    let _ = desk.answer(id, None);
    assert_eq!(desk.outcome("r1"), Some(Outcome::Done));
    let said = desk.ordered("r2", Order::Record { on: false });
    assert!(said.contains("StopMixMonitor"), "{said}");
}

#[test]
fn doubt_about_a_click_whose_hangup_was_lost_is_survived() {
    let mut desk = Desk::connected("101");
    let mut config = config("101");
    config.desk.placing.through = "Local/101@sidetone-phone/n".into();
    desk.engine.configure(config, desk.now);
    desk.now += Duration::from_secs(21);
    desk.dial("d1", "102");
    let (action_id, id) = desk.originates().remove(0);
    say(
        &mut desk,
        "Newchannel",
        &ch(&id, &id, "Local/101@sidetone-phone-00000001;1"),
    );
    // The Hangup is lost; the audit does not find the channel.
    desk.now = desk.engine.poll_timeout().expect("an audit");
    desk.engine.handle_timeout(desk.now);
    desk.answer_channels(&[]);
    // Before the second look: no answer to the Originate either.
    desk.now += Duration::from_secs(1);
    let timed_out = SessionEvent::TimedOut {
        action_id,
        action: "Originate",
    };
    desk.engine.session(&timed_out, desk.now);
    desk.answer_channels(&[]);
    assert!(desk.engine.tracker.calls().next().is_none());
}
