//! Recorded calls of a real Asterisk through the whole engine, without a socket: a trace in, a story out.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many"
)]

mod desks;
mod orders;
mod people;

use super::{Engine, Purpose};
use crate::{
    Command, Config, Connection, Desk as Settings, DeskId, Mine, Pbx, People, Phase, Progress, Tls,
    Update, feed::Board, log::Log,
};
use ami::{
    Action, ActionId, Charset, Decoder, Event, Incoming, Limits, Message, Refusal, Response,
    SessionEvent,
};
use calls::Seed;
use contacts::{
    Answering, Book, BookSource, Changed, Directory, Person, Question, Source, watch::Watched,
};
use insta::assert_snapshot;
use phone_number::{DialPlan, Dialable, Region};
use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::watch, time::timeout};

#[test]
fn an_answered_click_is_told_step_by_step() {
    assert_snapshot!(dialled("22/a_originate_answered", "102"), @r#"
        0.0  dial  Queued
        0.0  dial  Queued
        0.0  Outgoing 102: ringing, my phone rings; nobody known
        0.0  dial  RingingYourPhone
        0.0  phone there ringing
        2.0  dial  YouPickedUp
        2.0  Outgoing 102: ringing, my phone is up; nobody known
        2.0  phone there in use
        2.0  dial  Calling
        2.0  Outgoing 102: ringing, my phone is up; nobody known
        2.0  dial  RingingThere
        4.0  dial  Answered
        4.0  Outgoing 102: talking, my phone is up; nobody known
        7.0  dial  ByYou: You hung up.
        7.0  Outgoing 102: You hung up, my phone is out, over; nobody known
        7.0  phone there
    "#);
}

#[test]
fn the_far_end_of_an_outside_call_hangs_up() {
    assert_snapshot!(dialled("22/a2_originate_to_trunk", "979161112233"), @r#"
        0.0  dial  Queued
        0.0  dial  Queued
        0.0  Outgoing +7 916 111-22-33: ringing, my phone rings; nobody known
        0.0  dial  RingingYourPhone
        0.0  phone there ringing
        1.0  dial  YouPickedUp
        1.0  Outgoing +7 916 111-22-33: ringing, my phone is up; nobody known
        1.0  phone there in use
        1.0  dial  Calling
        1.0  dial  RingingThere
        2.0  dial  Answered
        2.0  Outgoing +7 916 111-22-33: talking, my phone is up; nobody known
        4.0  dial  ByThem: They hung up.
        4.0  Outgoing +7 916 111-22-33: talking, my phone is out; nobody known
        4.0  phone there
        4.0  Outgoing +7 916 111-22-33: They hung up, my phone is out, over; nobody known
    "#);
}

#[test]
fn a_dial_that_fails_says_why() {
    let failures = [
        ("b_agent_no_answer", "102"),
        ("b2_agent_rejects", "102"),
        ("b3_agent_offline", "102"),
        ("b4_no_such_endpoint", "102"),
        ("c1_callee_busy", "979160000001"),
        ("c2_bad_number_404", "979160000002"),
        ("c3_480_after_ringing", "979160000003"),
        ("c6_callee_no_answer", "102"),
    ];
    let story = failures.map(|(name, number)| dial_end(&dialled(&format!("22/{name}"), number)));
    assert_snapshot!(story.join("\n"), @r#"
        YouDidNotPickUp: Not called: your phone 101 rang and nobody picked up.
        YouRejected: Not called: your phone 101 refused the call.
        YourPhoneOffline: Not called: your phone 101 is offline. Check that it is switched on and registered, then try again.
        YourPhoneOffline: Not called: your phone 101 is offline. Check that it is switched on and registered, then try again.
        Busy: Busy.
        NoSuchNumber: +7 916 000-00-02 does not exist or cannot be reached.
        NoAnswer: No answer.
        NoAnswer: No answer.
    "#);
}

#[test]
fn a_phone_behind_a_local_channel_tells_its_own_end() {
    let passed_on = dialled(
        "freepbx/e1_click_to_call_then_refer_to_queue",
        "79161112233",
    );
    let steps = passed_on
        .lines()
        .filter_map(|line| line.split_once("dial  "));
    let steps: Vec<_> = steps.map(|(_, step)| step).collect();
    assert_snapshot!(steps.join("\n"), @r"
        Queued
        Queued
        RingingYourPhone
        YouPickedUp
        Calling
        RingingThere
        Answered
        ByYou: You passed the call on.
    ");
    // Reason 5, and the Local channel's own cause is 0.
    let refused = dialled_by(
        "105",
        "freepbx/e3_click_to_call_agent_rejects_forwarded_vm_off",
        "79161112233",
    );
    assert_eq!(
        dial_end(&refused),
        "YouRejected: Not called: your phone 105 refused the call."
    );
}

#[test]
fn the_versions_of_asterisk_differ_and_what_the_person_is_told_does_not() {
    for (other, name, number) in [
        ("16", "b_agent_no_answer", "102"),
        ("20", "b_agent_no_answer", "102"),
        ("16", "b2_agent_rejects", "102"),
        ("16", "c3_480_after_ringing", "979160000003"),
    ] {
        let end = |version: &str| dial_end(&dialled(&format!("{version}/{name}"), number));
        assert_eq!(end(other), end("22"), "{other}/{name}");
    }
}

#[test]
fn an_incoming_call_comes_with_its_person_at_once() {
    assert_snapshot!(rung("22/d_incoming_answered", "101"), @r#"
        0.0  Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: ringing, my phone rings; Ada Lovelace, Analytical Engines Ltd
        0.0  phone there ringing
        2.0  Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: talking, my phone is up; Ada Lovelace, Analytical Engines Ltd
        2.0  phone there in use
        5.0  Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: talking, my phone is out; Ada Lovelace, Analytical Engines Ltd
        5.0  phone there
        5.0  Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: They hung up, my phone is out, over; Ada Lovelace, Analytical Engines Ltd
    "#);
}

#[test]
fn missed_calls_are_told_apart_from_rejected_ones() {
    assert_snapshot!(rung("22/e_incoming_missed_timeout", "101"), @r#"
         0.0  Incoming +7 916 111-00-00 "Missed Caller" on 74951230001: ringing, my phone rings; nobody known
         0.0  phone there ringing
        20.1  Incoming +7 916 111-00-00 "Missed Caller" on 74951230001: ringing, my phone is out; nobody known
        20.1  phone there
        20.1  Incoming +7 916 111-00-00 "Missed Caller" on 74951230001: missed, my phone is out, over; nobody known
    "#);
    assert_snapshot!(rung("22/e2_incoming_caller_gives_up", "101"), @r#"
        0.0  Incoming +7 916 111-00-01 "Gives Up" on 74951230001: ringing, my phone rings; nobody known
        0.0  phone there ringing
        3.1  Incoming +7 916 111-00-01 "Gives Up" on 74951230001: ringing, my phone is out; nobody known
        3.1  phone there
        3.1  Incoming +7 916 111-00-01 "Gives Up" on 74951230001: missed, my phone is out, over; nobody known
    "#);
    assert_snapshot!(rung("22/e3_incoming_agent_busy", "101"), @r#"
        0.0  Incoming +7 916 111-00-02 "Busy One" on 74951230001: ringing, my phone rings; nobody known
        0.0  phone there ringing
        1.0  Incoming +7 916 111-00-02 "Busy One" on 74951230001: ringing, my phone is out; nobody known
        1.0  phone there
        1.0  Incoming +7 916 111-00-02 "Busy One" on 74951230001: You rejected the call, my phone is out, over; nobody known
    "#);
}

#[test]
fn who_passes_a_call_on_sees_to_whom() {
    for (trace, extension) in [
        ("22/h_blind_transfer_ami", "101"),
        ("22/h2_blind_transfer_refer", "101"),
        ("22/i_atxfer_ami", "101"),
        ("freepbx/f1_attended_transfer", "101"),
        ("16/sip_blind_transfer_refer", "201"),
    ] {
        let story = rung(trace, extension);
        assert!(story.contains("Passed on to 10"), "{trace}\n{story}");
    }
    let parked = rung("22/l_park_and_pickup", "101");
    assert!(parked.contains("Parked on 701"), "{parked}");
}

#[test]
fn a_group_call_that_a_colleague_takes_says_who() {
    assert_snapshot!(rung("22/g_ring_group", "101"), @r#"
        0.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: ringing, my phone rings; nobody known
        0.1  phone there ringing
        2.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: answered by 102, my phone rings; nobody known
        2.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: answered by 102, my phone is out; nobody known
        2.1  phone there
        5.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: answered by 102, my phone is out, over; nobody known
    "#);
    assert_snapshot!(rung("22/g_ring_group", "102"), @r#"
        0.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: ringing, my phone rings; nobody known
        0.1  phone there ringing
        2.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: talking, my phone is up; nobody known
        2.1  phone there in use
        5.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: talking, my phone is out; nobody known
        5.1  phone there
        5.1  Incoming +7 916 333-00-01 "Group Caller" on 74951230003: You hung up, my phone is out, over; nobody known
    "#);
}

#[test]
fn a_queue_call_closes_where_another_member_answers() {
    assert_snapshot!(rung("22/f_queue_ringall", "101"), @r#"
        0.1  Incoming +7 916 222-00-01 "Queue Caller" on 74951230002: ringing, my phone rings; nobody known
        0.1  phone there ringing
        2.6  Incoming +7 916 222-00-01 "Queue Caller" on 74951230002: answered by 102, my phone rings; nobody known
        2.6  Incoming +7 916 222-00-01 "Queue Caller" on 74951230002: answered by 102, my phone is out; nobody known
        2.6  phone there
        5.6  Incoming +7 916 222-00-01 "Queue Caller" on 74951230002: answered by 102, my phone is out, over; nobody known
    "#);
}

#[test]
fn calls_that_do_not_touch_this_phone_are_not_told() {
    assert_eq!(rung("22/g_ring_group", "104"), "");
}

#[test]
fn one_id_is_dialled_once() {
    let mut desk = Desk::connected("101");
    desk.dial("d1", "102");
    desk.dial("d1", "102");
    assert_eq!(desk.originates().len(), 1);
    desk.refuse_originate("Permission denied");
    desk.dial("d1", "102");
    assert_eq!(desk.originates().len(), 0);
}

#[test]
fn refusals_say_what_to_do() {
    for (why, words) in [
        (
            "Permission denied",
            "Not called: the AMI user “sidetone” lacks the right “originate”; add it to the line write= of this user in manager.conf.",
        ),
        (
            "Extension does not exist.",
            "Not called: 102 cannot be dialled in the context “internal” of the phone system.",
        ),
        (
            "Out of order",
            "Not called: the phone system says “Out of order”.",
        ),
    ] {
        let mut desk = Desk::connected("101");
        desk.dial("d1", "102");
        desk.refuse_originate(why);
        assert_eq!(desk.dial_end(), Some(words.to_owned()));
    }
}

#[test]
fn a_dial_without_a_connection_is_refused_and_never_sent_later() {
    let mut desk = Desk::connected("101");
    desk.engine
        .link_down(Connection::Connecting { attempt: 1 }, desk.now);
    desk.dial("d1", "102");
    desk.engine.up(22);
    assert!(desk.originates().is_empty());
    assert_eq!(
        desk.dial_end().as_deref(),
        Some("Not called: there is no connection to the phone system just now.")
    );
}

#[test]
fn needless_events_are_left_out_where_the_user_may_say_so() {
    for (rights, filters) in [("Filter: Filter.  (Priv: system,all)\r\n", 1), ("", 0)] {
        let mut desk = Desk::connected("101");
        let of_rights = |asked: &(&ActionId, &Purpose)| *asked.1 == Purpose::Rights;
        let id = *desk.engine.asked.iter().find(of_rights).expect("asked").0;
        let reply = format!("Response: Success\r\nActionID: {id}\r\nPing: Ping.\r\n{rights}\r\n");
        each_message(reply.as_bytes(), |message| {
            let reply = SessionEvent::Reply {
                action_id: id,
                action: "ListCommands",
                response: Response::Success,
                message: *message,
            };
            desk.engine.session(&reply, desk.now);
            true
        });
        let sent = desk.take_wanted();
        let is_filter = |(_, action): &&(ActionId, Action)| matches!(action, Action::Filter(_));
        assert_eq!(sent.iter().filter(is_filter).count(), filters);
    }
}

#[test]
fn a_lost_link_makes_dials_unknown_and_never_dials_again() {
    let mut desk = Desk::connected("101");
    desk.dial("d1", "102");
    assert_eq!(desk.originates().len(), 1);
    desk.engine
        .link_down(Connection::Connecting { attempt: 1 }, desk.now);
    assert_eq!(
        desk.dial_end().as_deref(),
        Some(crate::words::unknown_outcome())
    );
    desk.engine.up(22);
    desk.dial("d1", "102");
    assert!(desk.originates().is_empty());
}

#[test]
fn a_call_goes_on_when_the_link_comes_back_and_ends_when_it_is_gone() {
    for (is_still_there, end) in [(true, "talking"), (false, "unknown, over")] {
        let mut desk = Desk::connected("101");
        let _ = desk.play_until("22/d_incoming_answered", "BridgeEnter", 2);
        let listing = desk.listing();
        desk.engine
            .link_down(Connection::Connecting { attempt: 1 }, desk.now);
        assert_eq!(desk.phase(), "unknown");
        desk.engine.up(22);
        desk.answer_channels(if is_still_there { &listing } else { &[] });
        assert_eq!(desk.phase(), end);
    }
}

/// Its Hangups never came. The first audit may overtake them, the second, a moment later, settles it.
#[test]
fn a_call_whose_end_was_never_told_is_ended_by_two_audits() {
    let mut desk = Desk::connected("101");
    let _ = desk.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let listing = desk.listing();
    let mut looked = desk.started;
    for (list, wait, phase) in [
        (listing.as_slice(), 30, "talking"),
        (&[], 30, "talking"),
        (&[], 2, "unknown, over"),
    ] {
        desk.now = desk.engine.poll_timeout().expect("an audit");
        assert_eq!(desk.now - looked, Duration::from_secs(wait));
        looked = desk.now;
        desk.engine.handle_timeout(desk.now);
        desk.answer_channels(list);
        assert_eq!(desk.phase(), phase);
    }
    assert_eq!(desk.engine.tracker.oddities().lost_hangups, 2);
    assert_eq!(
        desk.engine.poll_timeout(),
        None,
        "there is nothing to audit"
    );
}

#[test]
fn who_may_not_list_channels_asks_for_their_status() {
    let mut desk = Desk::connected("101");
    let _ = desk.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let listing = desk.listing();
    desk.engine
        .link_down(Connection::Connecting { attempt: 1 }, desk.now);
    desk.engine.up(22);
    for (id, _) in desk.take_wanted() {
        desk.engine
            .reply(id, Some(&Refusal::PermissionDenied), desk.now);
    }
    let asked = desk.take_wanted();
    let [(id, Action::Status { channel: None })] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    desk.engine
        .survey
        .as_mut()
        .expect("a survey")
        .set_channels(&listing);
    desk.engine.list_complete(*id, desk.now);
    desk.engine.poll_tracker(desk.now, desk.now);
    assert_eq!(desk.phase(), "talking");
}

/// Without the class `dialplan` nothing else tells voicemail from an announcement.
#[test]
fn what_the_pbx_does_with_a_caller_is_asked_once() {
    let mut desk = Desk::connected("104");
    let _ = desk.play(
        &without_dialplan("freepbx/d2_incoming_no_answer_voicemail_left"),
        |message| {
            !message
                .event_name()
                .is_some_and(|name| name == "MessageWaiting")
        },
    );
    let asked = desk.take_wanted();
    let questions: Vec<_> = asked
        .iter()
        .filter_map(|(id, action)| match action {
            Action::Status {
                channel: Some(channel),
            } => Some((*id, channel.to_string())),
            _ => None,
        })
        .collect();
    let [(id, channel)] = questions.as_slice() else {
        panic!("{questions:?}");
    };
    let uniqueid = desk.engine.tracker.calls().next().expect("a call").legs[0]
        .uniqueid
        .clone();
    let answer = format!(
        "Event: Status\r\nChannel: {channel}\r\nChannelState: 6\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n\
         Application: VoiceMail\r\nData: 104@default,u\r\nSeconds: 7\r\n\r\n"
    );
    each_message(
        format!("Asterisk Call Manager/11.0.0\r\n{answer}").as_bytes(),
        |message| {
            if let Some(event) = message.event() {
                let item = SessionEvent::ListItem {
                    action_id: *id,
                    event,
                };
                desk.engine.session(&item, desk.now);
            }
            true
        },
    );
    assert!(
        desk.engine
            .tracker
            .calls()
            .next()
            .expect("a call")
            .voicemail
            .is_some()
    );
}

#[test]
fn an_originate_without_an_answer_is_looked_for_by_its_channel() {
    for (is_there, end) in [(true, None), (false, Some(crate::words::unknown_outcome()))] {
        let mut desk = Desk::connected("101");
        desk.dial("d1", "102");
        let (action_id, channel_id) = desk.originates().remove(0);
        let timed_out = SessionEvent::TimedOut {
            action_id,
            action: "Originate",
        };
        desk.engine.session(&timed_out, desk.now);
        assert_eq!(desk.dial_end(), None, "the list of channels will tell");
        let channel = calls::LiveChannel {
            uniqueid: ami::Uniqueid::from(channel_id.as_str()),
            linkedid: ami::Linkedid::from(channel_id.as_str()),
            channel: ami::ChannelName::from("PJSIP/101-00000001"),
            state: ami::ChannelState::Ringing,
            caller: calls::Party::default(),
            connected: calls::Party::default(),
            bridge: None,
            exten: "102".into(),
            application: "AppDial2".into(),
            application_data: "(Outgoing Line)".into(),
            duration: Duration::from_secs(9),
        };
        desk.answer_channels(if is_there {
            std::slice::from_ref(&channel)
        } else {
            &[]
        });
        assert_eq!(desk.dial_end().as_deref(), end);
    }
}

#[test]
fn a_silent_phone_system_is_said_to_be_silent() {
    let mut desk = Desk::connected("101");
    desk.dial("d1", "102");
    let originate = desk.originates().remove(0);
    desk.reply(
        &originate,
        Response::Success,
        "Originate successfully queued",
    );
    desk.now = desk.engine.poll_timeout().expect("an end of patience");
    desk.engine.handle_timeout(desk.now);
    assert!(
        desk.dial_end()
            .expect("an end")
            .contains("has “call” in the line read=")
    );
}

#[test]
fn settings_that_leave_the_connection_as_it_is_keep_the_calls() {
    let mut desk = Desk::connected("101");
    let _ = desk.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let mut config = config("101");
    config.desk.dial_plan.country = Region::GB;
    assert!(!desk.engine.configure(config.clone(), desk.now));
    assert_eq!(desk.phase(), "talking");
    config.pbx.secret = "another".to_owned().into();
    assert!(desk.engine.configure(config.clone(), desk.now));
    assert_eq!(desk.phase(), "unknown");
    config.desk.extension = "102".into();
    assert!(desk.engine.configure(config, desk.now));
    assert_eq!(desk.phase(), "unknown, over");
}

#[test]
fn a_cancel_before_the_answer_is_remembered() {
    let mut desk = Desk::connected("101");
    desk.dial("d1", "102");
    let wanted = desk.originates();
    desk.command(Command::Cancel { dial: "d1".into() });
    assert!(desk.hangups().is_empty(), "there may be no channel yet");
    desk.reply(
        &wanted[0],
        Response::Success,
        "Originate successfully queued",
    );
    assert_eq!(desk.hangups(), [wanted[0].1.as_str()]);
}

#[test]
fn a_cancel_is_tried_again_until_the_channel_is_there() {
    let mut desk = Desk::connected("101");
    desk.dial("d1", "102");
    let wanted = desk.originates();
    desk.reply(
        &wanted[0],
        Response::Success,
        "Originate successfully queued",
    );
    desk.command(Command::Cancel { dial: "d1".into() });
    let hangup = desk.take_wanted().pop().expect("a hangup");
    desk.engine
        .reply(hangup.0, Some(&Refusal::NoSuchChannel), desk.now);
    assert!(desk.hangups().is_empty());
    desk.now = desk.engine.poll_timeout().expect("it is tried again");
    desk.engine.handle_timeout(desk.now);
    assert_eq!(desk.hangups(), [wanted[0].1.as_str()]);
}

#[test]
fn a_cancel_that_the_pbx_refuses_is_not_repeated_for_ever() {
    for (why, most) in [
        (Refusal::PermissionDenied, 1),
        (Refusal::new("Something else"), 1),
        (Refusal::NoSuchChannel, 21),
    ] {
        let mut desk = Desk::connected("101");
        desk.dial("d1", "102");
        let wanted = desk.originates();
        desk.reply(
            &wanted[0],
            Response::Success,
            "Originate successfully queued",
        );
        desk.command(Command::Cancel { dial: "d1".into() });
        let mut sent = 0;
        for _ in 0..100 {
            for (id, action) in desk.take_wanted() {
                sent += usize::from(matches!(action, Action::Hangup { .. }));
                desk.engine.reply(id, Some(&why), desk.now);
            }
            desk.now += Duration::from_millis(200);
            desk.engine.handle_timeout(desk.now);
        }
        assert_eq!(sent, most, "{why:?}");
    }
}

#[test]
fn hanging_up_names_our_own_channel_and_not_the_callers() {
    for (events, nth) in [("DialState", 1), ("BridgeEnter", 2)] {
        let mut desk = Desk::connected("101");
        let _ = desk.play_until("22/d_incoming_answered", events, nth);
        desk.command(Command::HangUp { call: None });
        let hangups = desk.hangups();
        assert!(
            hangups.len() == 1 && hangups[0].starts_with("PJSIP/101-"),
            "{hangups:?}"
        );
    }
}

#[test]
fn a_new_book_names_who_is_on_the_line() {
    let people = directory(Vec::new());
    let mut desk = Desk::connected_with("101", people.clone(), Instant::now());
    let story = desk.play_until("22/d_incoming_answered", "DialState", 1);
    assert!(
        story.contains("ringing, my phone rings; nobody known"),
        "{story}"
    );
    people.set_sources(vec![book()]);
    desk.engine.people_changed(&Changed::All, desk.now);
    assert!(
        desk.story()
            .contains("my phone rings; Ada Lovelace, Analytical Engines Ltd")
    );
}

#[test]
fn the_lag_is_told_when_it_changes_notably() {
    let mut desk = Desk::connected("101");
    let _ = desk.story();
    let mut told = Vec::new();
    for (seconds, lag) in [(0, 2), (5, 3), (10, 150), (11, 400), (15, 400), (20, 410)] {
        desk.engine.lag(
            Duration::from_millis(lag),
            desk.started + Duration::from_secs(seconds),
        );
        if !desk.story().is_empty() {
            told.push((seconds, lag));
        }
    }
    assert_eq!(told, [(0, 2), (10, 150), (15, 400)]);
}

/// The story of a call that was asked for here.
fn dialled(trace: &str, number: &str) -> String {
    dialled_by("101", trace, number)
}

/// The same at another phone.
fn dialled_by(extension: &str, trace: &str, number: &str) -> String {
    let mut desk = Desk::connected(extension);
    desk.dial("d1", number);
    let wanted = desk.originates().remove(0);
    let mut story = desk.story();
    desk.reply(&wanted, Response::Success, "Originate successfully queued");
    let bytes = replace(&read(trace), &first_leg(&read(trace)), &wanted.1);
    story += &desk.play(&bytes, |_| true);
    assert!(desk.shows_nothing(), "{trace} leaves a call behind");
    story
}

/// The story of recorded calls as one phone sees it.
fn rung(trace: &str, extension: &str) -> String {
    let mut desk = Desk::connected(extension);
    let story = desk.play(&read(trace), |_| true);
    assert!(desk.shows_nothing(), "{trace} leaves a call behind");
    story
}

/// How the dial of a story ended, without the time.
fn dial_end(story: &str) -> String {
    let last = story
        .lines()
        .rev()
        .find_map(|line| line.split_once("dial  "));
    last.map_or_else(String::new, |(_, end)| end.to_owned())
}

fn read(trace: &str) -> Vec<u8> {
    replay::Recording::named(trace).expect("a recording").bytes
}

/// As a user hears it who does not read the class `dialplan`.
fn without_dialplan(trace: &str) -> Vec<u8> {
    let bytes = read(trace);
    let text = String::from_utf8_lossy(&bytes);
    let heard = text.split_inclusive("\r\n\r\n").filter(|frame| {
        !frame.contains("Event: Newexten\r\n") && !frame.contains("Event: VarSet\r\n")
    });
    heard.collect::<String>().into_bytes()
}

/// The Uniqueid that the recorded Originate made; ours is the `ChannelId`.
fn first_leg(bytes: &[u8]) -> String {
    let mut found = "<unknown>".to_owned();
    each_message(bytes, |message| {
        let first = matches!(message.event(), Some(Event::DialBegin { caller: None, .. }));
        if first && let Some(id) = message.get("DestUniqueid") {
            found = id.text().into_owned();
        }
        !first
    });
    found
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let whole = |end: &str| (format!("queid: {from}{end}"), format!("queid: {to}{end}"));
    let linked = |end: &str| (format!("kedid: {from}{end}"), format!("kedid: {to}{end}"));
    let text = [whole("\r\n"), linked("\r\n"), whole("\n"), linked("\n")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)).expect("a byte"))
        .collect()
}

/// Until `goes_on` says no.
fn each_message(bytes: &[u8], mut goes_on: impl FnMut(&Message<'_>) -> bool) {
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    decoder.feed(bytes);
    while let Some(incoming) = decoder.next_message() {
        let Incoming::Message(message) = incoming else {
            continue;
        };
        if !goes_on(&message) {
            return;
        }
    }
}

/// The runtime in which sources are asked; the engine itself needs none here.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// A directory of these people.
fn directory(sources: Vec<Arc<dyn Source>>) -> Directory {
    let _entered = runtime().enter();
    let directory = Directory::new(contacts::directory::Settings::new(DialPlan::new(
        Region::RU,
    )));
    directory.set_sources(sources);
    directory
}

fn book() -> Arc<dyn Source> {
    let _entered = runtime().enter();
    let csv = "Name,Company,Phone\nAda Lovelace,Analytical Engines Ltd,+7 916 123-45-67\n";
    let (book, _) = Book::parse(
        csv.as_bytes(),
        Path::new("people.csv"),
        &DialPlan::new(Region::RU),
    )
    .expect("a book");
    let (_, watched) = watch::channel(Arc::new(Watched {
        book: Arc::new(book),
        ..Watched::default()
    }));
    Arc::new(BookSource::new(
        "contacts".into(),
        "people.csv".into(),
        watched,
    ))
}

/// An engine that believes to be connected, and a pencil.
struct Desk {
    engine: Engine,
    started: Instant,
    now: Instant,
    first_timestamp: Option<f64>,
    actions: u32,
    ended: Option<String>,
    last: Option<crate::CallUpdate>,
}

impl Desk {
    fn connected(extension: &str) -> Self {
        Self::connected_at(extension, Instant::now())
    }

    fn connected_at(extension: &str, now: Instant) -> Self {
        let people = directory(vec![book()]);
        Self::connected_with(extension, people, now)
    }

    fn connected_with(extension: &str, people: Directory, now: Instant) -> Self {
        let mut engine = Engine::new(seed(now), people, Board::default(), Log::off().0);
        engine.configure(config(extension), now);
        engine.up(22);
        Self::of(engine, now)
    }

    /// Where nothing goes on.
    fn of(engine: Engine, now: Instant) -> Self {
        let mut desk = Self {
            engine,
            started: now,
            now,
            first_timestamp: None,
            actions: 0,
            ended: None,
            last: None,
        };
        desk.answer_channels(&[]);
        let _ = desk.story();
        desk
    }

    fn command(&mut self, command: Command) {
        self.engine.command(DeskId::OWN, command, self.now);
    }

    fn shows_nothing(&self) -> bool {
        let mut seats = self.engine.desks.iter();
        seats.all(|(_, seat)| seat.shown.is_empty())
    }

    fn dial(&mut self, dial: &str, number: &str) {
        let target = Dialable::new(number).expect("dialable");
        let number = number
            .strip_prefix('9')
            .filter(|rest| rest.len() > 3)
            .unwrap_or(number)
            .to_owned();
        self.command(Command::Dial {
            dial: dial.into(),
            target,
            number,
            tones: None,
            asked: self.now,
        });
    }

    /// Takes what is to be sent as sent.
    fn take_wanted(&mut self) -> Vec<(ActionId, Action)> {
        let mut taken = Vec::new();
        while let Some(wanted) = self.engine.next_wanted() {
            self.actions += 1;
            let id = ActionId::parse(&format!("0000000000000007-{}", self.actions)).expect("an id");
            self.engine.sent(id, wanted.purpose, self.now);
            taken.push((id, wanted.action));
        }
        taken
    }

    /// The Originates that are sent now, each with its ChannelId.
    fn originates(&mut self) -> Vec<(ActionId, String)> {
        let originate = |(id, action)| match action {
            Action::Originate(originate) => Some((id, originate.channel_id.to_string())),
            _ => None,
        };
        self.take_wanted()
            .into_iter()
            .filter_map(originate)
            .collect()
    }

    /// The channels that are hung up now.
    fn hangups(&mut self) -> Vec<String> {
        let hangup = |(_, action)| match action {
            Action::Hangup { channel, .. } => Some(channel.to_string()),
            _ => None,
        };
        self.take_wanted().into_iter().filter_map(hangup).collect()
    }

    fn reply(&mut self, to: &(ActionId, String), response: Response, why: &str) {
        let refused = (response == Response::Error).then(|| Refusal::new(why));
        self.engine.reply(to.0, refused.as_ref(), self.now);
        self.engine.poll_tracker(self.now, self.now);
    }

    fn refuse_originate(&mut self, why: &str) {
        for originate in self.originates() {
            self.reply(&originate, Response::Error, why);
        }
    }

    /// Answers the CoreShowChannels that waits.
    fn answer_channels(&mut self, listing: &[calls::LiveChannel]) {
        let asked = self.take_wanted();
        let is_channels =
            |(_, action): &&(ActionId, Action)| matches!(action, Action::CoreShowChannels);
        let id = asked
            .iter()
            .find(is_channels)
            .expect("the channels were asked for")
            .0;
        assert_eq!(
            self.engine.asked.get(&id),
            Some(&Purpose::List(super::List::Channels))
        );
        if let Some(survey) = &mut self.engine.survey {
            survey.set_channels(listing);
        }
        // Rights for no other list.
        let others: Vec<_> = self
            .engine
            .asked
            .iter()
            .filter(|(other, purpose)| **other != id && matches!(purpose, Purpose::List(_)))
            .map(|(other, _)| *other)
            .collect();
        for other in others {
            self.engine
                .reply(other, Some(&Refusal::PermissionDenied), self.now);
        }
        self.engine.list_complete(id, self.now);
        self.engine.poll_tracker(self.now, self.now);
    }

    /// What CoreShowChannels would say of the calls that go on.
    fn listing(&self) -> Vec<calls::LiveChannel> {
        let legs = self
            .engine
            .tracker
            .calls()
            .flat_map(|call| call.legs.iter().map(move |leg| (call, leg)));
        let first = |call: &calls::Call| call.legs[0].uniqueid.as_str().to_owned();
        legs.map(|(call, leg)| calls::LiveChannel {
            uniqueid: leg.uniqueid.clone(),
            linkedid: ami::Linkedid::from(first(call)),
            channel: leg.channel.clone(),
            state: ami::ChannelState::Up,
            caller: call.caller.clone(),
            connected: call.callee.clone(),
            bridge: leg.talking.then(|| "b-1".into()),
            exten: call.dialled.clone().unwrap_or_default(),
            application: "Dial".into(),
            application_data: "PJSIP/102".into(),
            duration: Duration::from_secs(1),
        })
        .collect()
    }

    fn play(&mut self, bytes: &[u8], mut goes_on: impl FnMut(&Message<'_>) -> bool) -> String {
        let mut story = String::new();
        each_message(bytes, |message| {
            self.keep_time(message);
            if let Some(event) = message.event() {
                self.engine.session(&SessionEvent::Event(event), self.now);
                story += &self.story();
            }
            goes_on(message)
        });
        story
    }

    /// Up to and with the `nth` event of this name.
    fn play_until(&mut self, trace: &str, event: &str, nth: usize) -> String {
        let mut seen = 0;
        self.play(&read(trace), |message| {
            seen += usize::from(message.event_name().is_some_and(|name| name == *event));
            seen < nth
        })
    }

    /// Time is what the recording's own stamps say; they go back now and then, time does not.
    fn keep_time(&mut self, message: &Message<'_>) {
        let Some(stamp) = message
            .get("Timestamp")
            .and_then(|stamp| stamp.number::<f64>())
        else {
            return;
        };
        let first = *self.first_timestamp.get_or_insert(stamp);
        let since = Duration::try_from_secs_f64(stamp - first).unwrap_or_default();
        self.now = self.now.max(self.started + since);
    }

    /// What was told since, a line each.
    fn story(&mut self) -> String {
        let mut story = String::new();
        while let Some((_, update)) = self.engine.outbox().take() {
            self.note(&update);
            let seconds = self.now.duration_since(self.started).as_secs_f64();
            if let Some(line) = line(&update) {
                story += &format!("{seconds:5.1}  {line}\n");
            }
        }
        story
    }

    fn note(&mut self, update: &Update) {
        match update {
            Update::Dial(dial) => {
                if let Progress::Ended { words, .. } = &dial.progress {
                    self.ended = Some(words.clone());
                }
            }
            Update::Call(call) => self.last = Some((**call).clone()),
            _ => {}
        }
    }

    fn dial_end(&mut self) -> Option<String> {
        let _ = self.story();
        self.ended.clone()
    }

    fn phase(&mut self) -> String {
        let _ = self.story();
        let call = self.last.as_ref().expect("a call");
        let over = if call.ended.is_some() { ", over" } else { "" };
        format!("{}{over}", phase(&call.phase))
    }
}

fn seed(now: Instant) -> Seed {
    Seed {
        unix_ms: 1_795_228_715_000,
        at: now,
        random: 7,
    }
}

fn config(extension: &str) -> Config {
    let pbx = Pbx {
        host: "pbx.example".into(),
        port: 5038,
        tls: Tls::PlainAllowed,
        user: "sidetone".into(),
        secret: "secret".to_owned().into(),
        charset: String::new(),
    };
    let desk = settings(extension);
    Config { pbx, desk }
}

fn settings(extension: &str) -> Settings {
    Settings {
        extension: extension.into(),
        channel: format!("PJSIP/{extension}"),
        context: "internal".into(),
        dial_plan: DialPlan {
            outside_prefix: "9".into(),
            ..DialPlan::new(Region::RU)
        },
        placing: crate::Placing::default(),
        handling: crate::Handling::default(),
    }
}

fn line(update: &Update) -> Option<String> {
    Some(match update {
        Update::Dial(dial) => format!("dial  {}", step(&dial.progress)),
        Update::Call(call) => {
            let number = call
                .remote
                .number
                .as_ref()
                .map_or("withheld", |number| &number.display);
            let name = call
                .remote
                .name
                .as_deref()
                .map(|name| format!(" \"{name}\""))
                .unwrap_or_default();
            let line = call
                .line
                .as_deref()
                .map(|line| format!(" on {line}"))
                .unwrap_or_default();
            let over = if call.ended.is_some() { ", over" } else { "" };
            format!(
                "{:?} {number}{name}{line}: {}, {}{over}; {}",
                call.direction,
                phase(&call.phase),
                mine(call.mine),
                people(&call.people)
            )
        }
        Update::Phone(phone) => {
            let states = [
                (phone.ringing, "ringing"),
                (phone.in_use, "in use"),
                (phone.busy, "busy"),
            ];
            let on: Vec<_> = states
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, name)| *name)
                .collect();
            let there = match phone.registered {
                Some(true) => "there",
                Some(false) => "offline",
                None => "not known",
            };
            format!("phone {there} {}", on.join(", "))
                .trim_end()
                .to_owned()
        }
        Update::Connection(connection) => format!("{connection:?}"),
        Update::Order { order, outcome } => format!("order {order}: {outcome:?}"),
        Update::WhoIs { .. } | Update::Tested { .. } | Update::Capabilities(_) => return None,
    })
}

fn step(progress: &Progress) -> String {
    match progress {
        Progress::Ended { end, words } => format!("{end:?}: {words}"),
        step => format!("{step:?}"),
    }
}

fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Ringing => "ringing".into(),
        Phase::Talking => "talking".into(),
        Phase::AnsweredElsewhere { by } => format!("answered by {by}"),
        Phase::Missed => "missed".into(),
        Phase::Ended { words, .. } => words.trim_end_matches('.').into(),
        Phase::Unknown { .. } => "unknown".into(),
    }
}

fn mine(mine: Mine) -> &'static str {
    match mine {
        Mine::Ringing => "my phone rings",
        Mine::Up => "my phone is up",
        Mine::Gone => "my phone is out",
    }
}

fn people(people: &People) -> String {
    match people {
        People::Asking => "asking".into(),
        People::Nobody => "nobody known".into(),
        People::One { person } => {
            format!(
                "{}, {}",
                person.name,
                person.company.as_deref().unwrap_or("no company")
            )
        }
        People::Several { people } => format!("{} people", people.len()),
    }
}
