//! Recordings of real Asterisks with real phones, replayed: the story that the tracker tells of each, and a machine's
//! comparison of that story with what the phones themselves logged.

// The edge of the pure crate: recordings are files, and time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

#[path = "traces/phones.rs"]
mod phones;
#[path = "traces/story.rs"]
mod story;

use story::{Replay, Story, replay, replay_originate};

use insta::assert_snapshot;

#[test]
fn agent_picks_up_and_a_colleague_answers() {
    assert_snapshot!(replay_originate("22/a_originate_answered", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        2.0  click: you picked up
        2.0    101 (caller) is up
        2.0  click: calling
        2.0  call: internal 101 "Agent 101" -> 102
        2.0  click: ringing there
        2.0    102 rings
        4.0  click: answered
        4.0    102 is up
        4.0  call: answered by 102
        7.0    102 leaves after 3.0 s
        7.0  click: ended: you hung up
        7.0    101 (caller) leaves after 5.0 s
        7.0  call: ended: you hung up, talk 3.0 s, normal end (16)
    "#);
}

#[test]
fn agent_picks_up_and_a_number_outside_answers() {
    assert_snapshot!(replay_originate("22/a2_originate_to_trunk", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0  click: you picked up
        1.0    101 (caller) is up
        1.0  click: calling
        1.0  call: outgoing 101 "Agent 101" -> 979161112233
        1.0  click: ringing there
        1.0    PJSIP/trunk rings
        2.0  click: answered
        2.0    PJSIP/trunk is up
        2.0  call: answered by the other side
        4.0  click: ended: they hung up
        4.0    101 (caller) leaves after 3.0 s
        4.0    PJSIP/trunk leaves after 2.0 s
        4.0  call: ended: they hung up, talk 2.0 s, normal end (16)
    "#);
}

#[test]
fn agent_does_not_pick_up() {
    assert_snapshot!(replay_originate("22/b_agent_no_answer", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        4.0  click: ended: you did not pick up
        4.0    101 (caller) stops ringing after 4.0 s
        4.0  call: ended: you did not pick up, nobody answered (19)
    "#);
    assert_snapshot!(replay_originate("20/b_agent_no_answer", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        4.1  click: ended: you did not pick up
        4.1    101 (caller) stops ringing after 4.0 s
        4.1  call: ended: you did not pick up, nobody answered (19)
    "#);
    assert_snapshot!(replay_originate("16/b_agent_no_answer", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        4.0  click: ended: you did not pick up
        4.0    101 (caller) stops ringing after 4.0 s
        4.0  call: ended: you did not pick up, no reason given (0)
    "#);
}

#[test]
fn agent_rejects() {
    assert_snapshot!(replay_originate("22/b2_agent_rejects", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0    101 (caller) stops ringing after 1.0 s
        1.0  click: ended: you rejected it
        1.0  call: ended: you rejected it, busy (17)
    "#);
    assert_snapshot!(replay_originate("16/b2_agent_rejects", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0    101 (caller) stops ringing after 1.0 s
        1.0  click: ended: you rejected it
        1.0  call: ended: you rejected it, busy (17)
    "#);
    assert_snapshot!(replay_originate("16/sip_agent_rejects", "SIP/201"), @r#"
        0.0  click: queued
        0.0  call: outgoing 201 "Sip Agent 201" -> ?
        0.0  click: ringing your phone
        0.0    201 (caller) rings
        1.0    201 (caller) stops ringing after 1.0 s
        1.0  click: ended: you rejected it
        1.0  call: ended: you rejected it, busy (17)
    "#);
}

#[test]
fn agents_phone_is_offline_or_does_not_exist() {
    assert_snapshot!(replay_originate("22/b3_agent_offline", "PJSIP/106"), @"
        0.0  click: queued
        0.0  click: ended: your phone is offline
    ");
    assert_snapshot!(replay_originate("22/b4_no_such_endpoint", "PJSIP/999"), @"
        0.0  click: queued
        0.0  click: ended: your phone is offline
    ");
}

#[test]
fn we_cancel_while_the_agents_phone_rings() {
    assert_snapshot!(replay_originate("22/b5_cancelled_by_us", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0    101 (caller) stops ringing after 1.0 s
        1.0  click: ended: cancelled
        1.0  call: ended: cancelled, normal end (16)
    "#);
}

#[test]
fn callee_is_busy() {
    assert_snapshot!(replay_originate("22/c1_callee_busy", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        0.5  click: you picked up
        0.5    101 (caller) is up
        0.5  click: calling
        0.5  call: outgoing 101 "Agent 101" -> 979160000001
        0.5    PJSIP/trunk leaves
        0.5  click: ended: busy
        0.5    101 (caller) leaves after 0.0 s
        0.5  call: ended: busy, busy (17)
    "#);
}

#[test]
fn number_does_not_exist() {
    assert_snapshot!(replay_originate("22/c2_bad_number_404", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        0.5  click: you picked up
        0.5    101 (caller) is up
        0.5  click: calling
        0.5  call: outgoing 101 "Agent 101" -> 979160000002
        0.5    PJSIP/trunk leaves
        0.5  click: ended: no such number
        0.5    101 (caller) leaves after 0.0 s
        0.5  call: ended: no such number, the number does not exist (1)
    "#);
}

#[test]
fn callee_rings_and_is_not_reached() {
    assert_snapshot!(replay_originate("22/c3_480_after_ringing", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        0.5  click: you picked up
        0.5    101 (caller) is up
        0.5  click: calling
        0.5  call: outgoing 101 "Agent 101" -> 979160000003
        0.5  click: ringing there
        0.5    PJSIP/trunk rings
        2.5    PJSIP/trunk stops ringing after 2.0 s
        2.5  click: ended: no answer
        2.5    101 (caller) leaves after 2.0 s
        2.5  call: ended: no answer, nobody answered (19)
    "#);
    assert_snapshot!(replay_originate("16/c3_480_after_ringing", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        0.5  click: you picked up
        0.5    101 (caller) is up
        0.5  click: calling
        0.5  call: outgoing 101 "Agent 101" -> 979160000003
        0.5  click: ringing there
        0.5    PJSIP/trunk rings
        2.5    PJSIP/trunk stops ringing after 2.0 s
        2.5  click: ended: no answer
        2.5    101 (caller) leaves after 2.0 s
        2.5  call: ended: no answer, nobody answered (19)
    "#);
    assert_snapshot!(replay_originate("22/c6_callee_no_answer", "PJSIP/101"), @r#"
         0.0  click: queued
         0.0  call: outgoing 101 "Agent 101" -> ?
         0.0  click: ringing your phone
         0.0    101 (caller) rings
         0.6  click: you picked up
         0.6    101 (caller) is up
         0.6  click: calling
         0.6  call: internal 101 "Agent 101" -> 102
         0.6  click: ringing there
         0.6    102 rings
        20.6    102 stops ringing after 20.0 s
        20.6  click: ended: no answer
        20.6    101 (caller) leaves after 20.0 s
        20.6  call: ended: no answer, no reason given (0)
    "#);
}

#[test]
fn extension_that_the_dialplan_lacks_is_refused_at_once() {
    assert_snapshot!(replay_originate("22/c5_no_such_extension", "PJSIP/101"), @"
        0.0  click: queued
        0.0  click: ended: refused: Extension does not exist.
    ");
}

#[test]
fn originate_through_a_local_channel_tells_the_same_story() {
    assert_snapshot!(replay_originate("22/o2_originate_local_channel", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0  click: you picked up
        1.0    101 (caller) is up
        1.0  click: calling
        1.0  call: internal 101 "Agent 101" -> 102
        1.0  click: ringing there
        1.0    102 rings
        3.0    102 is up
        3.0  click: answered
        3.0  call: answered by 102
        5.0  click: ended: you hung up
        5.0    101 (caller) leaves after 4.0 s
        5.0    102 leaves after 2.0 s
        5.0  call: ended: you hung up, talk 2.0 s, normal end (16)
    "#);
    assert_snapshot!(replay_originate("20/o2_originate_local_channel", "PJSIP/101"), @r#"
        0.0  click: queued
        0.0  call: outgoing 101 "Agent 101" -> ?
        0.0  click: ringing your phone
        0.0    101 (caller) rings
        1.0  click: you picked up
        1.0    101 (caller) is up
        1.0  click: calling
        1.0  call: internal 101 "Agent 101" -> 102
        1.0  click: ringing there
        1.0    102 rings
        3.0    102 is up
        3.0  click: answered
        3.0  call: answered by 102
        5.0    102 leaves after 2.0 s
        5.0  click: ended: you hung up
        5.0    101 (caller) leaves after 4.0 s
        5.0  call: ended: you hung up, talk 2.0 s, normal end (16)
    "#);
}

#[test]
fn agent_behind_a_local_channel_rejects() {
    assert_snapshot!(
        replay_originate("freepbx/e3_click_to_call_agent_rejects_forwarded_vm_off", "PJSIP/105"),
        @r#"
            0.0  click: queued
            0.0  call: outgoing 105 "Agent 105" -> ?
            0.0  click: ringing your phone
            0.0    105 (caller) rings
            1.0    105 (caller) stops ringing after 1.0 s
            1.0  click: ended: you rejected it
            1.0  call: ended: you rejected it, busy (17)
        "#
    );
}

#[test]
fn originate_to_a_chan_sip_phone() {
    assert_snapshot!(replay_originate("16/sip_originate_answered", "SIP/201"), @r#"
        0.0  click: queued
        0.0  call: outgoing 201 "Sip Agent 201" -> ?
        0.0  click: ringing your phone
        0.0    201 (caller) rings
        2.0  click: you picked up
        2.0    201 (caller) is up
        2.0  click: calling
        2.0  call: internal 201 "Sip Agent 201" -> 202
        2.0  click: ringing there
        2.0    202 rings
        4.0  click: answered
        4.0    202 is up
        4.0  call: answered by 202
        6.0    202 leaves after 2.0 s
        6.0  click: ended: you hung up
        6.0    201 (caller) leaves after 4.0 s
        6.0  call: ended: you hung up, talk 2.0 s, normal end (16)
    "#);
}

#[test]
fn incoming_call_is_answered() {
    assert_snapshot!(replay("22/d_incoming_answered"), @r#"
        0.0  call: incoming +79161234567 "Иван Петров" -> 74951230001
        0.0    101 rings
        2.0    101 is up
        2.0  call: answered by 101
        2.0    PJSIP/trunk (caller) is up
        5.0    101 leaves after 3.0 s
        5.0    PJSIP/trunk (caller) leaves
        5.0  call: ended: they hung up, talk 3.0 s, normal end (16)
    "#);
    assert_snapshot!(replay("16/d_incoming_answered"), @r#"
        0.0  call: incoming +79161234567 "Иван Петров" -> 74951230001
        0.0    101 rings
        2.0    101 is up
        2.0  call: answered by 101
        2.0    PJSIP/trunk (caller) is up
        5.0    PJSIP/trunk (caller) leaves
        5.0    101 leaves after 3.0 s
        5.0  call: ended: they hung up, talk 3.0 s, normal end (16)
    "#);
}

#[test]
fn incoming_call_that_nobody_answers_is_missed() {
    assert_snapshot!(replay("22/e_incoming_missed_timeout"), @r#"
         0.0  call: incoming +79161110000 "Missed Caller" -> 74951230001
         0.0    101 rings
        20.1    101 stops ringing after 20.1 s
        20.1    PJSIP/trunk (caller) leaves
        20.1  call: ended: no answer, missed, no reason given (0)
    "#);
}

#[test]
fn incoming_call_whose_caller_gives_up_is_missed() {
    assert_snapshot!(replay("22/e2_incoming_caller_gives_up"), @r#"
        0.0  call: incoming +79161110001 "Gives Up" -> 74951230001
        0.0    101 rings
        3.1    101 stops ringing after 3.0 s
        3.1    PJSIP/trunk (caller) leaves
        3.1  call: ended: cancelled, missed, ended without a stated reason (127)
    "#);
    assert_snapshot!(replay("16/e2_incoming_caller_gives_up"), @r#"
        0.0  call: incoming +79161110001 "Gives Up" -> 74951230001
        0.0    101 rings
        3.0    101 stops ringing after 3.0 s
        3.0    PJSIP/trunk (caller) leaves
        3.0  call: ended: cancelled, missed, ended without a stated reason (127)
    "#);
}

#[test]
fn incoming_call_that_the_agent_rejects_is_missed() {
    assert_snapshot!(replay("22/e3_incoming_agent_busy"), @r#"
        0.0  call: incoming +79161110002 "Busy One" -> 74951230001
        0.0    101 rings
        1.0    101 stops ringing after 1.0 s
        1.0    PJSIP/trunk (caller) leaves
        1.0  call: ended: busy, missed, busy (17)
    "#);
}

#[test]
fn ring_group_call_answered_by_one_stops_ringing_at_the_other() {
    assert_snapshot!(replay("22/g_ring_group"), @r#"
        0.1  call: incoming +79163330001 "Group Caller" -> 74951230003
        0.1    101 rings
        0.1    102 rings
        2.1    102 is up
        2.1  call: answered by 102
        2.1    101 stops ringing after 2.0 s
        2.1    PJSIP/trunk (caller) is up
        5.1    102 leaves after 3.0 s
        5.1    PJSIP/trunk (caller) leaves
        5.1  call: ended: you hung up, talk 3.0 s, normal end (16)
    "#);
}

#[test]
fn one_extension_with_two_phones_answers_once() {
    assert_snapshot!(replay("freepbx/g1_two_phones_one_extension"), @r#"
        0.1  call: incoming +79166660001 "Two Phones" -> 74951230001
        0.1    101 rings
        0.1    101 rings
        2.1    101 is up
        2.1  call: answered by 101
        2.1    101 stops ringing after 2.0 s
        2.1    PJSIP/trunk (caller) is up
        5.1    101 leaves after 3.0 s
        5.4    PJSIP/trunk (caller) leaves
        5.4  call: ended: they hung up, talk 3.0 s, normal end (16)
    "#);
}

#[test]
fn caller_who_hangs_up_on_the_busy_tone_found_it_busy() {
    assert_snapshot!(replay("freepbx/c2_out_busy"), @r#"
        0.0  call: outgoing 104 "Agent 104" -> 79160000001
        0.0    PJSIP/trunk leaves
        0.0    104 (caller) leaves
        0.0  call: ended: busy, busy (17)
    "#);
}

#[test]
fn held_call_stays_one_call() {
    assert_snapshot!(replay("22/j_hold"), @r#"
        0.0  call: incoming +79166660001 "On Hold" -> 74951230001
        0.0    101 rings
        1.0    101 is up
        1.0  call: answered by 101
        1.0    PJSIP/trunk (caller) is up
        2.2    101 holds
        4.2    101 talks again
        5.7    PJSIP/trunk (caller) leaves
        5.7    101 leaves after 4.7 s
        5.7  call: ended: they hung up, talk 4.7 s, normal end (16)
    "#);
}

#[test]
fn queue_rings_all_and_one_answers() {
    assert_snapshot!(replay("22/f_queue_ringall"), @r#"
        0.1  call: incoming +79162220001 "Queue Caller" -> 74951230002
        0.1    PJSIP/trunk (caller) is up
        0.1    101 rings
        0.1    102 rings
        0.1    103 rings
        1.1    103 stops ringing after 1.0 s
        2.6    102 is up
        2.6  call: answered by 102
        2.6    101 stops ringing after 2.5 s
        5.6    102 leaves after 3.0 s
        5.6    PJSIP/trunk (caller) leaves
        5.6  call: ended: they hung up, talk 3.0 s, normal end (16)
    "#);
}

#[test]
fn queue_caller_who_gives_up_is_missed_though_his_channel_was_up() {
    assert_snapshot!(replay("22/f2_queue_abandoned"), @r#"
        0.1  call: incoming +79162220002 "Queue Quitter" -> 74951230002
        0.1    PJSIP/trunk (caller) is up
        0.1    101 rings
        0.1    102 rings
        0.1    103 rings
        4.1    101 stops ringing after 4.0 s
        4.1    102 stops ringing after 4.0 s
        4.1    103 stops ringing after 4.0 s
        4.1    PJSIP/trunk (caller) leaves
        4.1  call: ended: cancelled, missed, no reason given (0)
    "#);
}

#[test]
fn blind_transfer_stays_one_call_with_its_caller() {
    assert_snapshot!(replay("22/h_blind_transfer_ami"), @r#"
        0.1  call: incoming +79164440001 "Blind Ami" -> 74951230001
        0.1    101 rings
        1.1    101 is up
        1.1  call: answered by 101
        1.1    PJSIP/trunk (caller) is up
        2.6    101 leaves after 1.5 s
        2.6    103 rings
        4.1    103 is up
        6.6    103 leaves after 2.5 s
        6.6    PJSIP/trunk (caller) leaves
        6.6  call: ended: they hung up, talk 4.0 s, normal end (16)
    "#);
    assert_snapshot!(replay("22/h2_blind_transfer_refer"), @r#"
        0.0  call: incoming +79164440002 "Blind Refer" -> 74951230001
        0.0    101 rings
        1.0    101 is up
        1.0  call: answered by 101
        1.0    PJSIP/trunk (caller) is up
        2.6    101 leaves after 1.5 s
        2.6    103 rings
        4.1    103 is up
        6.6    PJSIP/trunk (caller) leaves
        6.6    103 leaves after 2.5 s
        6.6  call: ended: they hung up, talk 4.0 s, normal end (16)
    "#);
}

#[test]
fn attended_transfer_stays_one_call_with_its_caller() {
    assert_snapshot!(replay("22/i_atxfer_ami"), @r#"
         0.0  call: incoming +79165550001 "Atx Ami" -> 74951230001
         0.1    101 rings
         1.1    101 is up
         1.1  call: answered by 101
         1.1    PJSIP/trunk (caller) is up
         2.8    101 holds
         3.0    103 rings
         4.0    103 is up
         7.6    101 leaves after 6.5 s
        10.6    103 leaves after 6.6 s
        10.6    PJSIP/trunk (caller) leaves
        10.6  call: ended: they hung up, talk 8.5 s, normal end (16)
    "#);
}

#[test]
fn call_that_was_up_when_asterisk_died_ends_as_unknown() {
    let mut story = Story::default();
    let mut replay = Replay::new();
    replay.play("22/p_restart_now_midcall", &mut story);
    replay.lose_link(&mut story);
    replay.play("22/p_after_restart", &mut story);
    replay.resync(&mut story);
    assert_snapshot!(story, @r#"
        0.0  call: outgoing 101 "Agent 101" -> 102
        0.0  call: internal 101 "Agent 101" -> 102
        0.0    102 rings
        1.0    102 is up
        1.0  call: answered by 102
        1.0    101 (caller) is up
        1.2  link lost
        1.2  call: uncertain
        3.5  PBX lists 0 channels
        3.5    101 (caller) leaves
        3.5    102 leaves after 2.4 s
        3.5  call: ended: unknown, the link was down, talk 2.4 s
    "#);
}

#[test]
fn calls_in_the_list_of_a_running_pbx_are_born_with_it() {
    let mut story = Story::default();
    let mut replay = Replay::new();
    replay.play_list_only("22/q_snapshot_midcall", &mut story);
    assert_snapshot!(story, @r#"
        0.0  PBX lists 2 channels
        0.0  call: incoming +79169990001 "Snapshot" -> 101
        0.0    PJSIP/trunk (caller) is up
        0.0    101 is up
        0.0  call: answered by 101
    "#);
}

/// Who rang how long, who talked how long: by the phones' own logs and by the tracker.
#[test]
fn stories_agree_with_the_phones() {
    for name in phones::with_phone_logs() {
        let told = phones::legs_told(&name);
        let seen = phones::legs_seen(&name);
        assert_eq!(
            told.len(),
            seen.len(),
            "{name}\ntold {told:#?}\nseen {seen:#?}"
        );
        for (told, seen) in told.iter().zip(&seen) {
            assert!(
                told.agrees_with(seen),
                "{name}\ntold {told:?}\nseen {seen:?}"
            );
        }
    }
}
