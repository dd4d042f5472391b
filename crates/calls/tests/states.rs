//! Recordings of real Asterisks, replayed: what lamps, devices, queues and mailboxes show, and whether the lamps agree
//! with what the phones themselves logged.

// The edge of the pure crate: recordings are files.
#![allow(clippy::disallowed_methods)]

#[path = "states/story.rs"]
mod story;

use std::collections::BTreeMap;

use replay::{Recording, phones, recording};
use story::{Replay, replay};

use ami::{Event, Extension, ExtensionState, ExtensionStatus, Presence, QueueMember, Value};
use calls::{HintKind, PresenceStatus, QueueName, StateChange, StateList, States};
use insta::assert_snapshot;
use proptest::prelude::*;

#[test]
fn lamps_follow_a_call_do_not_disturb_and_a_phone_that_leaves() {
    assert_snapshot!(replay("22/m_blf_and_dnd"), @"
         0.0  lamps: 6 of phones, 20 of parking places, 1 of conferences, 0 of queues
         0.0  106 is unavailable
         0.0  conference 800 is unavailable
         0.0  devices: 21
         0.6  102 is ringing
         0.6  queue locals: Local/102@queue-agents/n ringing, has taken 1
         0.6  queue support: PJSIP/102 ringing, has taken 1
         0.6  queue support: PJSIP/101 in use
         0.6  101 is in use
         0.6  queue locals: Local/101@queue-agents/n in use
         2.6  queue support: PJSIP/102 in use, has taken 1
         2.6  102 is in use
         2.6  queue locals: Local/102@queue-agents/n in use, has taken 1
         4.6  queue support: PJSIP/102 not in use, has taken 1
         4.6  queue support: PJSIP/101 not in use
         4.6  102 is idle
         4.6  101 is idle
         4.6  queue locals: Local/102@queue-agents/n not in use, has taken 1
         4.6  queue locals: Local/101@queue-agents/n not in use
         5.1  104 is idle, do not disturb
         5.1  104 is busy, do not disturb
         6.2  queue support: PJSIP/101 busy
         6.2  101 is busy
         6.2  queue locals: Local/101@queue-agents/n busy
         6.2  101 is idle
         6.2  queue support: PJSIP/101 not in use
         6.2  queue locals: Local/101@queue-agents/n not in use
         8.2  104 is busy
         8.2  104 is idle
         8.2  104 is in use
         8.2  104 is idle
         9.2  103 is busy
         9.2  103 is busy, do not disturb
         9.7  103 is busy
         9.7  103 is idle
        10.0  PJSIP/105 cannot be reached, 0 contacts heard of
        10.0  105 is unavailable
        11.0  PJSIP/105 can be reached, 0 contacts heard of
        11.0  105 is idle
        11.0  PJSIP/105 can be reached, 1 contacts heard of
    ");
    assert_snapshot!(replay("16/m_blf_and_dnd"), @"
         0.0  lamps: 8 of phones, 20 of parking places, 1 of conferences, 0 of queues
         0.0  106 is unavailable
         0.0  202 is unavailable
         0.0  201 is unavailable
         0.0  conference 800 is unavailable
         0.0  devices: 22
         0.6  102 is ringing
         0.6  queue support: PJSIP/102 ringing, has taken 1
         0.6  queue locals: Local/102@queue-agents/n ringing, has taken 1
         0.6  101 is in use
         0.6  queue locals: Local/101@queue-agents/n in use
         0.6  queue support: PJSIP/101 in use
         2.6  102 is in use
         2.6  queue locals: Local/102@queue-agents/n in use, has taken 1
         2.6  queue support: PJSIP/102 in use, has taken 1
         4.6  queue support: PJSIP/101 not in use
         4.6  101 is idle
         4.6  102 is idle
         4.6  queue locals: Local/101@queue-agents/n not in use
         4.6  queue support: PJSIP/102 not in use, has taken 1
         4.6  queue locals: Local/102@queue-agents/n not in use, has taken 1
         5.1  104 is idle, do not disturb
         5.1  104 is busy, do not disturb
         6.2  101 is busy
         6.2  queue locals: Local/101@queue-agents/n busy
         6.2  queue support: PJSIP/101 busy
         6.2  101 is idle
         6.2  queue support: PJSIP/101 not in use
         6.2  queue locals: Local/101@queue-agents/n not in use
         8.2  104 is busy
         8.2  104 is idle
         8.2  104 is in use
         8.2  104 is idle
         9.2  103 is idle, do not disturb
         9.2  103 is busy, do not disturb
         9.7  103 is idle, do not disturb
         9.7  103 is idle
        10.0  PJSIP/105 cannot be reached, 0 contacts heard of
        10.0  105 is unavailable
        11.0  PJSIP/105 can be reached, 0 contacts heard of
        11.0  PJSIP/105 can be reached, 1 contacts heard of
        11.0  105 is idle
    ");
}

#[test]
fn second_call_rings_an_extension_in_use() {
    assert_snapshot!(replay("freepbx/b4_queue_agent_gets_second_direct_call"), @"
         0.1  queue 400 is ringing
         0.1  101 is ringing
         0.1  queue 401: Local/101@from-queue/n ringing, has taken 2
         0.1  queue 400: Local/101@from-queue/n ringing, has taken 2
         1.1  101 is in use
         1.1  queue 401: Local/101@from-queue/n in use, has taken 2
         1.1  queue 400: Local/101@from-queue/n in use, has taken 2
         1.1  queue 400 is idle
         3.1  101 is in use and ringing
         3.1  queue 401: Local/101@from-queue/n ringing and in use, has taken 2
         3.1  queue 400: Local/101@from-queue/n ringing and in use, has taken 2
         5.7  101 is in use
         5.7  queue 401: Local/101@from-queue/n in use, has taken 2
         5.7  queue 400: Local/101@from-queue/n in use, has taken 2
        10.9  101 is idle
        11.0  queue 401: Local/101@from-queue/n not in use, has taken 3
        11.0  queue 400: Local/101@from-queue/n not in use, has taken 3
    ");
}

#[test]
fn supervisor_pauses_an_agent_and_lends_another() {
    assert_snapshot!(replay("22/f4_queue_admin"), @"
        0.0  queues: 1
        0.0  queue support: PJSIP/103 not in use
        0.0  queue support: PJSIP/102 not in use, has taken 1
        0.0  queue support: PJSIP/101 not in use
        0.0  queue support: ringall, 0 waiting
        0.6  queue support: PJSIP/101 not in use, paused: lunch
        0.6  queues: 1
        1.2  queue support: PJSIP/101 not in use
        1.5  queue support: PJSIP/104 not in use
        1.8  queue support: PJSIP/104 is no member any more
    ");
    let story = replay("22/f4_queue_admin").to_string();
    assert_eq!(replay("20/f4_queue_admin").to_string(), story);
    // Says `Reason` besides `PausedReason`.
    assert_eq!(replay("16/f4_queue_admin").to_string(), story);
}

#[test]
fn agent_logs_in_takes_a_call_and_logs_out() {
    assert_snapshot!(replay("freepbx/b8_queue_toggle_login_call_logout"), @"
        0.0  105 is in use
        0.0  queue 400: Local/105@from-queue/n in use
        1.8  105 is idle
        1.8  queue 400: Local/105@from-queue/n not in use
        3.6  queue 400 is ringing
        3.6  105 is ringing
        3.6  queue 400: Local/105@from-queue/n ringing
        4.6  105 is in use
        4.6  queue 400: Local/105@from-queue/n in use
        4.6  queue 400 is idle
        6.7  105 is idle
        6.7  queue 400: Local/105@from-queue/n not in use, has taken 1
        7.7  105 is in use
        7.7  queue 400: Local/105@from-queue/n in use, has taken 1
        7.7  queue 400: Local/105@from-queue/n is no member any more
        9.1  105 is idle
    ");
}

#[test]
fn agent_on_do_not_disturb_is_passed_over() {
    assert_snapshot!(replay("freepbx/b3_queue_dnd_and_reject"), @"
         0.0  queue 400: Local/104@from-queue/n in use
         0.0  104 is in use
         0.0  queue 401: Local/104@from-queue/n in use
         0.0  104 is busy
         0.0  104 is busy, do not disturb
         0.0  queue 401: Local/104@from-queue/n busy
         1.1  queue 400: Local/104@from-queue/n not in use
         3.1  queue 400 is ringing
         3.1  101 is ringing
         3.1  queue 401: Local/101@from-queue/n ringing, has taken 1
         3.1  queue 400: Local/101@from-queue/n ringing, has taken 1
         8.1  101 is idle
         8.1  queue 401: Local/101@from-queue/n not in use, has taken 1
         8.1  queue 400: Local/101@from-queue/n not in use, has taken 1
         9.1  103 is ringing
         9.1  queue 401: Local/103@from-queue/n ringing
         9.1  queue 400: Local/103@from-queue/n ringing
        10.1  103 is idle
        10.1  queue 401: Local/103@from-queue/n not in use
        10.1  queue 400: Local/103@from-queue/n not in use
        10.1  101 is ringing
        10.1  queue 401: Local/101@from-queue/n ringing, has taken 1
        10.1  queue 400: Local/101@from-queue/n ringing, has taken 1
        11.1  101 is in use
        11.1  queue 401: Local/101@from-queue/n in use, has taken 1
        11.1  queue 400: Local/101@from-queue/n in use, has taken 1
        11.1  queue 400 is idle
        13.1  101 is idle
        13.1  queue 401: Local/101@from-queue/n not in use, has taken 1
        13.1  queue 400: Local/101@from-queue/n not in use, has taken 2
        14.1  queue 400: Local/104@from-queue/n in use
        14.1  104 is in use, do not disturb
        14.1  queue 401: Local/104@from-queue/n in use
        14.1  104 is in use
        15.7  104 is idle
        15.7  queue 401: Local/104@from-queue/n not in use
        15.7  queue 400: Local/104@from-queue/n not in use
    ");
}

#[test]
fn message_is_left_for_somebody_on_do_not_disturb() {
    assert_snapshot!(replay("freepbx/d1_internal_to_dnd_voicemail"), @"
         0.0  103 is in use
         0.0  queue 401: Local/103@from-queue/n in use
         0.0  queue 400: Local/103@from-queue/n in use
         0.0  103 is in use, do not disturb
         0.0  103 is busy, do not disturb
         0.0  queue 401: Local/103@from-queue/n busy
         0.0  queue 400: Local/103@from-queue/n busy
         3.0  queue 400: Local/104@from-queue/n in use
         3.0  104 is in use
         3.0  queue 401: Local/104@from-queue/n in use
        12.0  mailbox 103@default: 1 new, 0 old
        12.0  104 is idle
        12.0  queue 401: Local/104@from-queue/n not in use
        12.0  queue 400: Local/104@from-queue/n not in use
        13.6  103 is in use, do not disturb
        13.6  queue 401: Local/103@from-queue/n in use
        13.6  queue 400: Local/103@from-queue/n in use
        13.6  103 is in use
        15.1  103 is idle
        15.1  queue 401: Local/103@from-queue/n not in use
        15.1  queue 400: Local/103@from-queue/n not in use
    ");
}

#[test]
fn parking_place_is_in_use_until_the_time_out() {
    assert_snapshot!(replay("freepbx/f3_park_times_out_back"), @"
         0.0  101 is ringing
         0.0  queue 401: Local/101@from-queue/n ringing, has taken 2
         0.0  queue 400: Local/101@from-queue/n ringing, has taken 2
         1.0  101 is in use
         1.0  queue 401: Local/101@from-queue/n in use, has taken 2
         1.0  queue 400: Local/101@from-queue/n in use, has taken 2
         3.1  parking place 71 is in use
         4.8  101 is idle
         4.8  queue 401: Local/101@from-queue/n not in use, has taken 2
         4.8  queue 400: Local/101@from-queue/n not in use, has taken 2
         8.1  parking place 71 is idle
         8.1  101 is ringing
         8.1  queue 401: Local/101@from-queue/n ringing, has taken 2
         8.1  queue 400: Local/101@from-queue/n ringing, has taken 2
         9.1  101 is in use
         9.1  queue 401: Local/101@from-queue/n in use, has taken 2
         9.1  queue 400: Local/101@from-queue/n in use, has taken 2
        11.6  101 is idle
        11.6  queue 401: Local/101@from-queue/n not in use, has taken 2
        11.6  queue 400: Local/101@from-queue/n not in use, has taken 2
    ");
}

#[test]
fn chan_sip_phone_expires_and_registers_again() {
    assert_snapshot!(replay("16/sip_peers_and_blf"), @"
        0.0  SIP/202 can be reached, 0 contacts heard of
        0.0  SIP/201 can be reached, 0 contacts heard of
        0.6  201 is in use
        0.6  202 is ringing
        2.6  202 is in use
        4.9  202 is idle
        4.9  201 is idle
        5.4  SIP/202 cannot be reached, 0 contacts heard of
        5.4  202 is unavailable
        6.4  SIP/202 can be reached, 0 contacts heard of
        6.4  202 is idle
    ");
}

#[test]
fn everything_is_known_from_the_lists_alone() {
    assert_snapshot!(replay("22/q_snapshot_midcall"), @"
        0.0  queue support: PJSIP/101 ringing
        0.0  101 is ringing
        0.0  queue locals: Local/101@queue-agents/n ringing
        1.0  101 is in use
        1.0  queue support: PJSIP/101 in use
        1.0  queue locals: Local/101@queue-agents/n in use
        1.3  queues: 2
        1.3  queue support: PJSIP/103 not in use
        1.3  queue support: PJSIP/102 not in use, has taken 1
        1.3  queue locals: Local/102@queue-agents/n not in use, has taken 1
        1.3  queue support: ringall, 0 waiting
        1.3  queue locals: rrmemory, 0 waiting
        1.3  lamps: 6 of phones, 20 of parking places, 1 of conferences, 0 of queues
        1.3  106 is unavailable
        1.3  conference 800 is unavailable
        4.7  101 is idle
        4.7  queue locals: Local/101@queue-agents/n not in use
        4.7  queue support: PJSIP/101 not in use
    ");
}

#[test]
fn lamps_agree_with_what_the_phones_logged() {
    let (mut rings, mut talks) = (0, 0);
    for name in recording::names().expect("recordings") {
        if phones::has_log(&name) {
            let (ringing, talking) = compare(&name);
            rings += ringing;
            talks += talking;
        }
    }
    assert!(rings > 200 && talks > 150, "{rings} rings, {talks} talks");
}

#[test]
fn second_call_reads_ringing_or_busy_as_the_version_has_it() {
    for (status, is_ringing, is_busy) in [(9, true, false), (2, false, true)] {
        let mut states = States::default();
        states.handle(&lamp("101", "PJSIP/101", status));
        let hint = states.extension(&"101".into()).expect("a lamp");
        assert_eq!(hint.state.is_ringing(), is_ringing);
        assert_eq!(hint.state.is_busy(), is_busy);
        assert_eq!(hint.state.is_in_use(), is_ringing);
        assert_eq!(states.do_not_disturb(&"101".into()), None);
    }
}

#[test]
fn busy_is_not_taken_for_do_not_disturb() {
    let mut states = States::default();
    let anna = Extension::from("101");
    let mut is_dnd = |event: Event<'_>| {
        states.handle(&event);
        states.do_not_disturb(&anna)
    };
    let hint = "PJSIP/101&Custom:DND101,CustomPresence:101";
    assert_eq!(is_dnd(lamp("101", hint, 2)), None);
    // Were it on, the lamp would not be idle.
    assert_eq!(is_dnd(lamp("101", hint, 0)), Some(false));
    assert_eq!(is_dnd(lamp("101", hint, 2)), None);
    assert_eq!(is_dnd(device("Custom:DND101", "BUSY")), Some(true));
    assert_eq!(is_dnd(device("Custom:DND101", "NOT_INUSE")), Some(false));
    assert_eq!(is_dnd(presence("CustomPresence:101", "dnd")), Some(true));
    assert_eq!(is_dnd(presence("CustomPresence:101", "away")), Some(false));
}

#[test]
fn switch_that_no_list_names_was_never_set() {
    let mut states = States::default();
    let anna = Extension::from("101");
    states.handle(&lamp("101", "PJSIP/101&Custom:DND101", 2));
    states.begin_list(StateList::Devices);
    assert_eq!(states.do_not_disturb(&anna), None);
    states.end_list(StateList::Devices);
    assert_eq!(states.do_not_disturb(&anna), Some(false));
    states.link_lost();
    assert_eq!(states.do_not_disturb(&anna), None);
}

#[test]
fn switch_outside_of_the_hint_counts_by_its_name() {
    let mut states = States::default();
    let anna = Extension::from("101");
    states.handle(&lamp("101", "PJSIP/101", 0));
    assert_eq!(states.do_not_disturb(&anna), None);
    while states.poll_change().is_some() {}
    states.handle(&device("Custom:DND101", "INUSE"));
    assert_eq!(states.do_not_disturb(&anna), Some(true));
    assert!(changes(&mut states).contains(&StateChange::Extension(anna)));
}

#[test]
fn presence_shows_who_is_away_and_why() {
    let mut states = States::default();
    let anna = Extension::from("101");
    states.handle(&lamp("101", "PJSIP/101,CustomPresence:101", 0));
    while states.poll_change().is_some() {}
    let lunch = Presence {
        status: "away".into(),
        subtype: "lunch".into(),
        message: "back at two".into(),
    };
    states.handle(&Event::PresenceStatus {
        exten: "101".into(),
        context: "internal".into(),
        presence: lunch,
    });
    let presence = states.presence(&anna).expect("a presence");
    assert_eq!(presence.status, PresenceStatus::Away);
    assert_eq!(presence.subtype.as_deref(), Some("lunch"));
    assert_eq!(presence.message.as_deref(), Some("back at two"));
    assert!(changes(&mut states).contains(&StateChange::Extension(anna)));
    // The provider says the same once more.
    states.handle(&Event::PresenceStateChange {
        presentity: "CustomPresence:101".into(),
        presence: lunch,
    });
    assert!(!states.has_changes());
}

#[test]
fn extension_with_hints_in_two_contexts_shows_its_phone() {
    let mut states = States::default();
    states.handle(&lamp("101", "PJSIP/101", 1));
    states.handle(&Event::ExtensionStatus(ExtensionStatus {
        context: "another".into(),
        ..lamp_status("101", "Custom:night", 0)
    }));
    let hint = states.extension(&"101".into()).expect("a lamp");
    assert_eq!((hint.kind(), &*hint.context), (HintKind::Phone, "internal"));
    assert_eq!(states.extensions().count(), 2);
}

#[test]
fn hint_that_the_dialplan_no_longer_has_goes_out() {
    let mut states = States::default();
    let anna = Extension::from("101");
    states.handle(&lamp("101", "PJSIP/101", 1));
    assert_eq!(changes(&mut states).len(), 1);
    states.handle(&lamp("101", "PJSIP/101", -1));
    assert_eq!(changes(&mut states), [StateChange::Extension(anna.clone())]);
    assert_eq!(states.extension(&anna), None);
}

#[test]
fn member_belongs_to_the_extension_whose_state_counts() {
    let mut states = States::default();
    states.handle(&lamp("101", "PJSIP/anna-b&PJSIP/101", 0));
    for (queue, interface, state_interface) in [
        ("by-hint", "Local/7@agents/n", "hint:101@ext-local"),
        ("by-device", "Local/79160009988@out/n", "PJSIP/101"),
        ("by-local", "Local/101@from-queue/n", ""),
        ("by-name-of-the-hint", "PJSIP/anna-b", "PJSIP/anna-b"),
        ("of-another", "PJSIP/102", "PJSIP/102"),
        ("of-nobody", "PJSIP/trunk", "PJSIP/trunk"),
    ] {
        states.handle(&Event::QueueMember(QueueMember {
            queue: queue.into(),
            interface: interface.into(),
            state_interface: state_interface.into(),
            ..QueueMember::default()
        }));
    }
    let queues = |extension: &str| {
        let extension = Extension::from(extension);
        let members = states.memberships(&extension);
        members
            .map(|member| member.queue.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        queues("101"),
        ["by-device", "by-hint", "by-local", "by-name-of-the-hint"]
    );
    assert_eq!(queues("102"), ["of-another"]);
    let nobodys = states.member(&"of-nobody".into(), &"PJSIP/trunk".into());
    assert_eq!(states.extension_of(nobodys.expect("a member")), None);
}

#[test]
fn state_after_a_lost_link_is_that_of_a_client_that_never_lost_it() {
    for name in [
        "22/m_blf_and_dnd",
        "22/f4_queue_admin",
        "freepbx/b8_queue_toggle_login_call_logout",
    ] {
        let recording = Recording::named(name).expect("a recording");
        let mut at = 0;
        let mut cuts = Vec::new();
        let mut kept = States::default();
        recording.for_each(|message| {
            at += 1;
            if let Some(event) = message.event() {
                kept.handle(&event);
                if !changes(&mut kept).is_empty() {
                    cuts.push(at);
                }
            }
        });
        assert!(cuts.len() > 5, "{name}");
        // Cuts between other messages are the same as these.
        for cut in cuts {
            let mut lost = States::default();
            let mut at = 0;
            recording.for_each(|message| {
                at += 1;
                if let Some(event) = message.event().filter(|_| at <= cut) {
                    lost.handle(&event);
                }
            });
            lost.link_lost();
            take_lists_of(&kept, &mut lost);
            let (lost, kept) = (picture(&lost), picture(&kept));
            let different = lost
                .lines()
                .zip(kept.lines())
                .find(|(lost, kept)| lost != kept);
            assert_eq!(different, None, "{name} cut after message {cut}");
            assert_eq!(lost.len(), kept.len(), "{name} cut after message {cut}");
        }
    }
}

#[test]
fn lost_link_makes_uncertain_and_each_word_of_the_pbx_certain_again() {
    let mut states = States::default();
    let (anna, ben) = (Extension::from("101"), Extension::from("102"));
    states.handle(&lamp("101", "PJSIP/101", 0));
    states.handle(&lamp("102", "PJSIP/102", 0));
    changes(&mut states);
    states.link_lost();
    assert_eq!(changes(&mut states).len(), 2);
    states.handle(&lamp("101", "PJSIP/101", 0));
    assert_eq!(changes(&mut states), [StateChange::Extension(anna.clone())]);
    assert!(states.extension(&anna).expect("a lamp").certain);
    assert!(!states.extension(&ben).expect("a lamp").certain);
}

#[test]
fn callers_of_the_list_stay_until_they_leave() {
    let mut states = States::default();
    let support = QueueName::from("support");
    let list = |states: &mut States, callers: &[&str]| {
        states.handle(&Event::QueueParams(ami::QueueParams {
            queue: "support".into(),
            calls: u32::try_from(callers.len()).expect("few"),
            ..ami::QueueParams::default()
        }));
        for (place, uniqueid) in (1..).zip(callers) {
            states.handle(&Event::QueueEntry(ami::QueueEntry {
                queue: "support".into(),
                position: place,
                uniqueid: (*uniqueid).into(),
                ..ami::QueueEntry::default()
            }));
        }
    };
    let waiting = |states: &States| {
        let queue = states.queue(&support).expect("a queue");
        let callers = queue.waiting.iter();
        callers
            .map(|caller| caller.uniqueid.to_string())
            .collect::<Vec<_>>()
    };
    list(&mut states, &["1.1", "1.2", "1.3"]);
    assert_eq!(waiting(&states), ["1.1", "1.2", "1.3"]);
    changes(&mut states);
    list(&mut states, &["1.1", "1.2", "1.3"]);
    assert!(!states.has_changes());
    states.handle(&Event::QueueCallerLeave {
        channel: ami::Channel {
            uniqueid: "1.2".into(),
            ..ami::Channel::default()
        },
        queue: "support".into(),
    });
    assert_eq!(changes(&mut states), [StateChange::Queue(support.clone())]);
    assert_eq!(waiting(&states), ["1.1", "1.3"]);
    list(&mut states, &["1.3"]);
    assert_eq!(waiting(&states), ["1.3"]);
}

#[test]
fn names_that_no_asterisk_gives_are_counted_and_memory_is_bounded() {
    let mut states = States::default();
    let long = "1".repeat(300);
    states.handle(&lamp(&long, "PJSIP/101", 0));
    states.handle(&lamp("", "PJSIP/101", 0));
    states.handle(&device("a\nb", "BUSY"));
    assert_eq!(states.skipped().nameless, 3);
    for number in 0..200_000 {
        let number = number.to_string();
        states.handle(&device(&format!("Local/{number}@out"), "INUSE"));
        states.handle(&device(&format!("PJSIP/{number}"), "INUSE"));
    }
    assert_eq!(states.devices().count(), 100_000);
    assert_eq!(states.skipped().over_limit, 100_000);
    let endless = "PJSIP/1&".repeat(1_000);
    states.handle(&lamp("101", &endless, 0));
    assert!(states.extension(&"101".into()).expect("a lamp").text.len() <= 1_024);
}

/// What the next step of a made-up PBX is.
#[derive(Debug, Clone)]
enum Step {
    Lamp(u8, i16),
    Switch(u8, &'static str),
    Presence(u8, &'static str),
    Member(u8, bool),
    MemberGone(u8),
    BeginList(StateList),
    EndList(StateList),
    LinkLost,
    Poll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..4_u8;
    let list = prop::sample::select(vec![
        StateList::Extensions,
        StateList::Devices,
        StateList::Presences,
        StateList::Queues,
    ]);
    let state = prop::sample::select(vec![-1_i16, 0, 1, 2, 4, 8, 9]);
    let switch = prop::sample::select(vec!["BUSY", "NOT_INUSE", "INVALID"]);
    let presence = prop::sample::select(vec!["dnd", "away", "not_set"]);
    let step = prop_oneof![
        6 => (who.clone(), state).prop_map(|(who, state)| Step::Lamp(who, state)),
        3 => (who.clone(), switch).prop_map(|(who, switch)| Step::Switch(who, switch)),
        3 => (who.clone(), presence).prop_map(|(who, presence)| Step::Presence(who, presence)),
        3 => (who.clone(), any::<bool>()).prop_map(|(who, paused)| Step::Member(who, paused)),
        2 => who.prop_map(Step::MemberGone),
        1 => list.clone().prop_map(Step::BeginList),
        1 => list.prop_map(Step::EndList),
        1 => Just(Step::LinkLost),
        3 => Just(Step::Poll),
    ];
    prop::collection::vec(step, 0..120)
}

fn take(states: &mut States, step: &Step) {
    match step {
        Step::Lamp(who, state) => {
            let exten = format!("10{who}");
            // Even ones have their switch in the hint, the others by its name alone.
            let hint = match who % 2 {
                0 => format!("PJSIP/{exten}&Custom:DND{exten},CustomPresence:{exten}"),
                _ => format!("PJSIP/{exten}"),
            };
            states.handle(&lamp(&exten, &hint, *state));
        }
        Step::Switch(who, state) => states.handle(&device(&format!("Custom:DND10{who}"), state)),
        Step::Presence(who, status) => {
            states.handle(&presence(&format!("CustomPresence:10{who}"), status));
        }
        Step::Member(who, paused) => states.handle(&Event::QueueMember(QueueMember {
            queue: "support".into(),
            interface: format!("PJSIP/10{who}").as_str().into(),
            paused: *paused,
            ..QueueMember::default()
        })),
        Step::MemberGone(who) => states.handle(&Event::QueueMemberRemoved {
            queue: "support".into(),
            interface: format!("PJSIP/10{who}").as_str().into(),
        }),
        Step::BeginList(list) => states.begin_list(*list),
        Step::EndList(list) => states.end_list(*list),
        Step::LinkLost => states.link_lost(),
        Step::Poll => {}
    }
}

/// What somebody knows who looks only at what he is told has changed.
type Told = BTreeMap<String, String>;

fn look(states: &mut States, told: &mut Told) {
    for change in changes(states) {
        let now = match &change {
            StateChange::Extension(extension) => states.extension(extension).map(|hint| {
                let is_dnd = states.do_not_disturb(extension);
                format!(
                    "{hint:?} {is_dnd:?} {:?}",
                    states.presence(extension).map(|known| known.status)
                )
            }),
            StateChange::Device(name) => states.device(name).map(|known| format!("{known:?}")),
            StateChange::Presence(name) => {
                let known = states.presences().find(|(known, _)| *known == name);
                known.map(|known| format!("{known:?}"))
            }
            StateChange::Peer(name) => states.peer(name).map(|known| format!("{known:?}")),
            StateChange::Mailbox(name) => states.mailbox(name).map(|known| format!("{known:?}")),
            StateChange::Queue(name) => states.queue(name).map(|known| format!("{known:?}")),
            StateChange::QueueMember { queue, interface } => states
                .member(queue, interface)
                .map(|known| format!("{known:?}")),
        };
        match now {
            Some(now) => told.insert(format!("{change:?}"), now),
            None => told.remove(&format!("{change:?}")),
        };
    }
}

proptest! {
    #[test]
    fn who_looks_at_what_has_changed_knows_everything(steps in steps()) {
        let (mut now_and_then, mut always) = (States::default(), States::default());
        let (mut seldom, mut often) = (Told::new(), Told::new());
        for step in &steps {
            take(&mut now_and_then, step);
            take(&mut always, step);
            look(&mut always, &mut often);
            if matches!(step, Step::Poll) {
                look(&mut now_and_then, &mut seldom);
            }
        }
        look(&mut now_and_then, &mut seldom);
        prop_assert_eq!(&seldom, &often);
        let queue = QueueName::from("support");
        let all = always.extensions().count()
            + always.devices().count()
            + always.presences().count()
            + always.queues().count()
            + always.members(&queue).count();
        prop_assert_eq!(often.len(), all);
        for hint in always.extensions() {
            let is_dnd = always.do_not_disturb(&hint.extension);
            let presence = always.presence(&hint.extension).map(|known| known.status);
            let now = format!("{hint:?} {is_dnd:?} {presence:?}");
            let change = format!("{:?}", StateChange::Extension(hint.extension.clone()));
            prop_assert_eq!(often.get(&change), Some(&now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes have become, what is not about the damaged thing is right again after the lists.
    #[test]
    fn damaged_recording_is_mended_by_the_next_lists(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200),
    ) {
        let whole = Recording::named("22/m_blf_and_dnd").expect("a recording");
        let mut broken = whole.clone();
        for (at, byte) in &damages {
            let at = at.index(broken.bytes.len());
            broken.bytes[at] = *byte;
        }
        let (mut right, mut wrong) = (States::default(), States::default());
        let hear = |recording: &Recording, states: &mut States| {
            recording.for_each(|message| {
                if let Some(event) = message.event() {
                    states.handle(&event);
                }
            });
        };
        hear(&whole, &mut right);
        hear(&broken, &mut wrong);
        wrong.link_lost();
        take_lists_of(&right, &mut wrong);
        prop_assert_eq!(picture(&wrong), picture(&right));
    }
}

/// Compares the lamp of each phone with its own log, in the middle of every ring and every talk; says how many of both.
fn compare(name: &str) -> (usize, usize) {
    let log = phones::log_of(name).expect("a log");
    let mut moments = Vec::new();
    for leg in log.iter().filter(|leg| leg.phone != "line") {
        let mut between = |from: f64, until: f64, is_ring: bool| {
            if until - from > 0.3 {
                moments.push((f64::midpoint(from, until), leg.phone.clone(), is_ring));
            }
        };
        if let Some(rang) = leg.rang.filter(|_| !leg.placed) {
            between(rang, leg.up.unwrap_or(leg.ended), true);
        }
        if let Some(up) = leg.up {
            between(up, leg.left(), false);
        }
    }
    moments.sort_by(|one, other| one.0.total_cmp(&other.0));
    let rings = moments.iter().filter(|moment| moment.2).count();
    let counts = (rings, moments.len() - rings);
    let mut moments = moments.into_iter().peekable();
    let mut before = BTreeMap::<Extension, ExtensionState>::new();
    let mut check = |until: f64, lamps: &BTreeMap<Extension, ExtensionState>| {
        while let Some((at, extension, is_ring)) = moments.next_if(|moment| moment.0 < until) {
            let lamp = lamps.get(&*extension).copied().unwrap_or_default();
            let agrees = match is_ring {
                true => lamp.is_ringing(),
                false => lamp.is_in_use() || lamp.is_busy() || lamp.is_on_hold(),
            };
            assert!(
                agrees,
                "{name}: {extension} shows {lamp:?} at {at:.1}, ring: {is_ring}"
            );
        }
    };
    Replay::default().play(name, |states, now| {
        check(now, &before);
        before = states
            .extensions()
            .map(|hint| (hint.extension.clone(), hint.state))
            .collect();
    });
    check(f64::INFINITY, &before);
    counts
}

/// What the PBX would list of all that `states` holds.
fn take_lists_of(states: &States, into: &mut States) {
    into.begin_list(StateList::Extensions);
    for hint in states.extensions() {
        into.handle(&Event::ExtensionStatus(ExtensionStatus {
            exten: hint.extension.as_str().into(),
            context: (&*hint.context).into(),
            hint: (&*hint.text).into(),
            status: hint.state,
            text: Value::default(),
        }));
    }
    into.end_list(StateList::Extensions);
    into.begin_list(StateList::Devices);
    for (name, status) in states.devices() {
        into.handle(&device(name.as_str(), word(**status)));
    }
    into.end_list(StateList::Devices);
    into.begin_list(StateList::Queues);
    for (name, queue) in states.queues() {
        if let Some(params) = &queue.params {
            into.handle(&Event::QueueParams(ami::QueueParams {
                queue: name.as_str().into(),
                max: params.max,
                strategy: (&*params.strategy).into(),
                calls: params.calls,
                hold_time: params.hold_time,
                talk_time: params.talk_time,
                completed: params.completed,
                abandoned: params.abandoned,
            }));
        }
        for member in states.members(name) {
            into.handle(&Event::QueueMember(listed(member)));
        }
    }
    into.end_list(StateList::Queues);
}

fn listed(member: &calls::QueueMember) -> QueueMember<'_> {
    QueueMember {
        queue: member.queue.as_str().into(),
        name: (&*member.name).into(),
        interface: member.interface.as_str().into(),
        state_interface: (&*member.state_interface).into(),
        membership: match member.membership {
            calls::Membership::Static => "static",
            calls::Membership::Dynamic => "dynamic",
            calls::Membership::Realtime => "realtime",
            calls::Membership::Other => "",
        }
        .into(),
        penalty: member.penalty,
        calls_taken: member.calls_taken,
        last_call: member.last_call.unwrap_or_default(),
        login_time: member.login_time.unwrap_or_default(),
        in_call: member.in_call,
        status: member.status,
        paused: member.paused,
        paused_reason: member.paused_reason.as_deref().unwrap_or_default().into(),
    }
}

/// All that lists can name, for comparison. A queue is known by its members before it is listed itself.
fn picture(states: &States) -> String {
    let hints: Vec<_> = states.extensions().collect();
    let devices: Vec<_> = states.devices().collect();
    let queues: Vec<_> = states
        .queues()
        .map(|(name, queue)| (name, queue, states.members(name).collect::<Vec<_>>()))
        .filter(|(_, queue, members)| queue.params.is_some() || !members.is_empty())
        .collect();
    format!("{hints:#?}{devices:#?}{queues:#?}")
}

fn changes(states: &mut States) -> Vec<StateChange> {
    std::iter::from_fn(|| states.poll_change()).collect()
}

fn lamp<'a>(exten: &'a str, hint: &'a str, status: i16) -> Event<'a> {
    Event::ExtensionStatus(lamp_status(exten, hint, status))
}

fn lamp_status<'a>(exten: &'a str, hint: &'a str, status: i16) -> ExtensionStatus<'a> {
    ExtensionStatus {
        exten: exten.into(),
        context: "internal".into(),
        hint: hint.into(),
        status: ExtensionState(status),
        text: Value::default(),
    }
}

fn device<'a>(device: &'a str, state: &'a str) -> Event<'a> {
    Event::DeviceStateChange {
        device: device.into(),
        state: state.into(),
    }
}

fn presence<'a>(presentity: &'a str, status: &'a str) -> Event<'a> {
    Event::PresenceStateChange {
        presentity: presentity.into(),
        presence: Presence {
            status: status.into(),
            ..Presence::default()
        },
    }
}

fn word(status: ami::DeviceStatus) -> &'static str {
    match status {
        ami::DeviceStatus::Unknown => "UNKNOWN",
        ami::DeviceStatus::NotInUse => "NOT_INUSE",
        ami::DeviceStatus::InUse => "INUSE",
        ami::DeviceStatus::Busy => "BUSY",
        ami::DeviceStatus::Invalid => "INVALID",
        ami::DeviceStatus::Unavailable => "UNAVAILABLE",
        ami::DeviceStatus::Ringing => "RINGING",
        ami::DeviceStatus::RingInUse => "RINGINUSE",
        ami::DeviceStatus::OnHold => "ONHOLD",
    }
}
