//! Rules that no recording shows alone, each by the few events that it needs.

// Time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use ami::{Charset, Decoder, Extension, Incoming, Limits, Uniqueid};
use calls::{Call, CallEvent, CallTracker, Direction, End, Progress, Seed, Taken};

#[test]
fn anonymous_caller_is_nobody() {
    for number in ["", "<unknown>", "anonymous", "Anonymous"] {
        let mut pbx = Pbx::new();
        pbx.says(
            "Newchannel",
            &format!("{LINE}CallerIDNum: {number}\r\nCallerIDName: <unknown>"),
        );
        let call = pbx.call();
        assert!(call.caller.is_anonymous(), "{number:?}");
        assert_eq!(call.direction, Direction::Incoming);
    }
}

#[test]
fn first_name_is_kept_when_a_queue_puts_a_prefix_before_it() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.says(
        "NewCallerid",
        &format!("{LINE}CallerIDNum: 79161234567\r\nCallerIDName: Sales:Ada"),
    );
    assert_eq!(pbx.call().caller.name.as_deref(), Some("Ada"));
    assert_eq!(pbx.call().caller.number.as_deref(), Some("+79161234567"));
}

#[test]
fn missing_name_is_filled_in_but_not_by_a_prefix_and_the_number() {
    let mut pbx = Pbx::new();
    pbx.says(
        "Newchannel",
        &format!("{LINE}CallerIDNum: +79161234567\r\nCallerIDName: "),
    );
    pbx.says(
        "NewCallerid",
        &format!("{LINE}CallerIDNum: +79161234567\r\nCallerIDName: Sales:+79161234567"),
    );
    assert_eq!(pbx.call().caller.name, None);
    pbx.says(
        "NewCallerid",
        &format!("{LINE}CallerIDNum: +79161234567\r\nCallerIDName: Ada"),
    );
    assert_eq!(pbx.call().caller.name.as_deref(), Some("Ada"));
}

#[test]
fn callers_own_channel_being_up_is_no_answer() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.says("Newstate", &format!("{LINE}ChannelState: 6"));
    assert_eq!(pbx.call().answered, None);
}

#[test]
fn answer_shows_by_the_phones_state_before_dial_says_so_and_without_it() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("Newstate", &format!("{PHONE}ChannelState: 6"));
    assert_eq!(pbx.call().answered_by, Some(Extension::from("101")));
}

#[test]
fn who_picks_up_and_declines_has_not_answered() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("Newstate", &format!("{PHONE}ChannelState: 6"));
    pbx.says("DialEnd", &format!("{LINE}{DEST}DialStatus: CONTINUE"));
    pbx.hangs_up();
    assert!(pbx.ended[0].is_missed());
    assert_eq!(pbx.ended[0].talk_time(pbx.now), None);
}

#[test]
fn parties_in_one_bridge_talk_even_if_nobody_was_seen_to_dial() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.says("Newchannel", PHONE);
    pbx.says("BridgeEnter", &format!("{PHONE}{BRIDGE}"));
    assert_eq!(pbx.call().answered_by, None, "alone nobody talks");
    pbx.says("BridgeEnter", &format!("{LINE}{BRIDGE}"));
    assert_eq!(pbx.call().answered_by, Some(Extension::from("101")));
    assert!(pbx.call().legs.iter().all(|leg| leg.talking));
}

#[test]
fn hangup_by_our_action_is_ours() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("DialEnd", &format!("{LINE}{DEST}DialStatus: ANSWER"));
    pbx.tracker.hangup_asked(&Uniqueid::from("1.2"));
    pbx.hangs_up();
    assert_eq!(pbx.ended[0].end, Some(End::ByYou));
}

#[test]
fn goodbye_before_the_bridge_is_a_goodbye() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("DialEnd", &format!("{LINE}{DEST}DialStatus: ANSWER"));
    // Seen on a loaded 22.10.1: the phone says goodbye before its channel is in the bridge.
    pbx.says("HangupRequest", LINE);
    pbx.says("BridgeEnter", &format!("{PHONE}{BRIDGE}"));
    pbx.says("BridgeEnter", &format!("{LINE}{BRIDGE}"));
    pbx.hangs_up();
    assert_eq!(pbx.ended[0].end, Some(End::ByThem));
}

#[test]
fn queue_call_that_a_colleague_picks_up_is_his() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    let queue = "Queue: 600\r\nInterface: PJSIP/101\r\nPosition: 1\r\n";
    pbx.says("QueueCallerJoin", &format!("{LINE}{queue}"));
    pbx.rings_101();
    pbx.says("AgentCalled", &format!("{LINE}{DEST}{queue}"));
    let colleague = "Uniqueid: 1.3\r\nLinkedid: 1.3\r\nChannel: PJSIP/102-00000003\r\n";
    pbx.says("Newchannel", &format!("{colleague}Exten: *8101"));
    let target = prefixed(PHONE, "Target");
    pbx.says("Pickup", &format!("{colleague}{target}"));
    pbx.says("AgentConnect", &format!("{LINE}{DEST}{queue}"));
    let visit = &pbx.call().queues[0];
    assert_eq!(*visit.offered, ["101".into()]);
    assert_eq!(visit.outcome, Some(Taken::By("102".into())));
}

#[test]
fn hangup_that_asterisk_refuses_is_not_ours() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("DialEnd", &format!("{LINE}{DEST}DialStatus: ANSWER"));
    pbx.tracker.hangup_asked(&Uniqueid::from("1.2"));
    pbx.tracker.hangup_refused(&Uniqueid::from("1.2"));
    pbx.says("HangupRequest", LINE);
    pbx.hangs_up();
    assert_eq!(pbx.ended[0].end, Some(End::ByThem));
}

#[test]
fn hangup_by_nobodys_phone_is_the_pbxs() {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    pbx.says("DialEnd", &format!("{LINE}{DEST}DialStatus: ANSWER"));
    pbx.hangs_up();
    assert_eq!(pbx.ended[0].end, Some(End::ByPbx));
}

#[test]
fn endpoint_that_is_configured_as_a_line_is_no_extension() {
    let mut pbx = Pbx::new();
    pbx.tracker.set_extension("PJSIP/101", None);
    pbx.incoming();
    pbx.rings_101();
    assert_eq!(pbx.call().legs[1].extension, None);
}

#[test]
fn hint_says_whose_phone_it_is() {
    let mut pbx = Pbx::new();
    let hint = "Context: internal\r\nHint: PJSIP/101&PJSIP/anna&Custom:DND101";
    pbx.says(
        "ExtensionStatus",
        &format!("Exten: 101\r\n{hint}\r\nStatus: 0"),
    );
    let anna = "Uniqueid: 5.1\r\nLinkedid: 5.1\r\nChannel: PJSIP/anna-00000005\r\nExten: 102";
    pbx.says("Newchannel", anna);
    assert_eq!(pbx.call().caller.number.as_deref(), Some("101"));
}

#[test]
fn originate_announced_twice_is_one_attempt() {
    let mut pbx = Pbx::new();
    let id = Uniqueid::from("1.2");
    pbx.tracker
        .expect_originate(id.clone(), "PJSIP/101", pbx.now);
    pbx.says("Newchannel", PHONE);
    pbx.says("DialBegin", DEST);
    pbx.says("Newstate", &format!("{PHONE}ChannelState: 5"));
    pbx.tracker.expect_originate(id, "PJSIP/101", pbx.now);
    pbx.poll();
    assert_eq!(pbx.steps, [Progress::Queued, Progress::RingingYourPhone]);
}

#[test]
fn agents_phone_being_up_is_not_the_other_side_answering() {
    let mut pbx = Pbx::new();
    pbx.tracker
        .expect_originate(Uniqueid::from("1.2"), "PJSIP/101", pbx.now);
    pbx.says("Newchannel", PHONE);
    pbx.says("DialBegin", DEST);
    pbx.says("Newstate", &format!("{PHONE}ChannelState: 6"));
    pbx.says(
        "OriginateResponse",
        "Response: Success\r\nReason: 4\r\nUniqueid: 1.2",
    );
    assert_eq!(pbx.steps, [Progress::Queued, Progress::YouPickedUp]);
    assert_eq!(pbx.call().answered, None);
}

#[test]
fn agent_who_dials_on_has_picked_up_even_if_nothing_else_said_so() {
    let mut pbx = Pbx::new();
    pbx.tracker
        .expect_originate(Uniqueid::from("1.2"), "PJSIP/101", pbx.now);
    pbx.says("Newchannel", PHONE);
    pbx.says("DialBegin", DEST);
    pbx.says(
        "Newchannel",
        "Uniqueid: 1.9\r\nLinkedid: 1.1\r\nChannel: PJSIP/trunk-00000009",
    );
    let client = "DestUniqueid: 1.9\r\nDestLinkedid: 1.1\r\nDestChannel: PJSIP/trunk-00000009\r\n";
    pbx.says(
        "DialBegin",
        &format!("{PHONE}{client}ChannelState: 6\r\nExten: 79161112233"),
    );
    assert_eq!(pbx.steps, [Progress::Queued, Progress::Calling]);
}

#[test]
fn voicemail_of_the_agent_behind_a_local_channel_is_not_the_agent() {
    let mut pbx = Pbx::new();
    let near = "Uniqueid: l.1\r\nLinkedid: l.1\r\nChannel: Local/101@internal-00000001;1\r\n";
    let far = "Uniqueid: l.2\r\nLinkedid: l.1\r\nChannel: Local/101@internal-00000001;2\r\n";
    let (near_dest, near_one) = (prefixed(near, "Dest"), prefixed(near, "LocalOne"));
    pbx.tracker
        .expect_originate(Uniqueid::from("l.1"), "PJSIP/101", pbx.now);
    pbx.says("Newchannel", near);
    pbx.says("Newchannel", far);
    pbx.says(
        "LocalBridge",
        &format!("{near_one}{}", prefixed(far, "LocalTwo")),
    );
    pbx.says("DialBegin", &near_dest);
    // No phone is registered: the voicemail answers, and the dialplan rings the client for nobody.
    pbx.says("Newstate", &format!("{near}ChannelState: 6"));
    pbx.says("DialEnd", &format!("{near_dest}DialStatus: ANSWER"));
    pbx.says(
        "OriginateResponse",
        "Response: Success\r\nReason: 4\r\nUniqueid: l.1",
    );
    pbx.says(
        "Newchannel",
        "Uniqueid: 1.9\r\nLinkedid: l.1\r\nChannel: PJSIP/trunk-00000009",
    );
    let client = "DestUniqueid: 1.9\r\nDestLinkedid: l.1\r\nDestChannel: PJSIP/trunk-00000009\r\n";
    pbx.says("DialBegin", &format!("{near}{client}Exten: 79161112233"));
    pbx.says("DialEnd", &format!("{near}{client}DialStatus: ANSWER"));
    for id in ["1.9", "l.1", "l.2"] {
        pbx.says(
            "Hangup",
            &format!("Uniqueid: {id}\r\nLinkedid: l.1\r\nCause: 16"),
        );
    }
    assert_eq!(
        pbx.steps,
        [Progress::Queued, Progress::Ended(End::YourPhoneOffline)]
    );
}

/// Two calls that the agent had placed, connected by a transfer: one goes on, the other is told to have joined it.
#[test]
fn two_calls_of_ours_that_become_one_each_have_an_end() {
    let mut pbx = Pbx::new();
    let mut channels = Vec::new();
    for (at, id) in ["click-1", "click-2"].into_iter().enumerate() {
        pbx.tracker
            .expect_originate(Uniqueid::from(id), "PJSIP/101", pbx.now);
        let agent =
            format!("Uniqueid: {id}\r\nLinkedid: {id}\r\nChannel: PJSIP/101-0000000{at}\r\n");
        let client =
            format!("Uniqueid: c.{at}\r\nLinkedid: {id}\r\nChannel: PJSIP/trunk-0000000{at}\r\n");
        // Nobody looks until all is over.
        pbx.hears("Newchannel", &agent);
        pbx.hears("Newchannel", &client);
        channels.extend([agent, client]);
    }
    for client in [&channels[1], &channels[3]] {
        pbx.hears("BridgeEnter", &format!("{client}{BRIDGE}"));
    }
    let id = Uniqueid::from("click-2");
    assert!(
        pbx.tracker.originate(&id).is_some(),
        "not forgotten before it is told"
    );
    pbx.poll();
    for channel in &channels {
        pbx.says("Hangup", &format!("{channel}Cause: 16"));
    }
    assert!(pbx.tracker.is_idle());
    let ends = pbx
        .steps
        .iter()
        .filter(|step| matches!(step, Progress::Ended(_)));
    assert_eq!(ends.count(), 2, "{:?}", pbx.steps);
}

const LINE: &str =
    "Uniqueid: 1.1\r\nLinkedid: 1.1\r\nChannel: PJSIP/trunk-00000001\r\nExten: 74951230001\r\n";
const PHONE: &str = "Uniqueid: 1.2\r\nLinkedid: 1.1\r\nChannel: PJSIP/101-00000002\r\n";
const BRIDGE: &str = "BridgeUniqueid: b-1\r\nBridgeType: basic\r\n";
const DEST: &str = "DestUniqueid: 1.2\r\nDestLinkedid: 1.1\r\nDestChannel: PJSIP/101-00000002\r\n";

fn prefixed(channel: &str, prefix: &str) -> String {
    channel
        .lines()
        .map(|line| format!("{prefix}{line}\r\n"))
        .collect()
}

/// Says events to a tracker, and keeps what the tracker tells.
struct Pbx {
    tracker: CallTracker,
    now: Instant,
    steps: Vec<Progress>,
    ended: Vec<Call>,
}

impl Pbx {
    fn new() -> Self {
        let now = Instant::now();
        let tracker = CallTracker::new(Seed {
            unix_ms: 0,
            at: now,
            random: 0,
        });
        Self {
            tracker,
            now,
            steps: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn incoming(&mut self) {
        self.says(
            "Newchannel",
            &format!("{LINE}CallerIDNum: +79161234567\r\nCallerIDName: Ada"),
        );
    }

    fn rings_101(&mut self) {
        self.says("Newchannel", PHONE);
        self.says("DialBegin", &format!("{LINE}{DEST}"));
        self.says("Newstate", &format!("{PHONE}ChannelState: 5"));
    }

    fn hangs_up(&mut self) {
        self.says("Hangup", &format!("{PHONE}Cause: 16"));
        self.says("Hangup", &format!("{LINE}Cause: 16"));
    }

    fn says(&mut self, event: &str, headers: &str) {
        self.hears(event, headers);
        self.poll();
    }

    fn hears(&mut self, event: &str, headers: &str) {
        let mut decoder = Decoder::new(Charset::default(), Limits::default());
        let text = format!(
            "Asterisk Call Manager/11.0.0\r\nEvent: {event}\r\n{}\r\n\r\n",
            headers.trim_end()
        );
        decoder.feed(text.as_bytes());
        while let Some(incoming) = decoder.next_message() {
            if let Incoming::Message(message) = incoming {
                self.tracker
                    .handle(&message.event().expect("an event"), self.now);
            }
        }
    }

    fn poll(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Started(_) | CallEvent::Changed(_) | CallEvent::Room(_) => {}
                CallEvent::Ended(call) => self.ended.push(*call),
                CallEvent::Originate { progress, .. } => self.steps.push(progress),
            }
        }
    }

    fn call(&self) -> &Call {
        self.tracker.calls().next().expect("a call")
    }
}

fn live(uniqueid: &str, name: &str) -> calls::LiveChannel {
    calls::LiveChannel {
        uniqueid: Uniqueid::from(uniqueid),
        linkedid: ami::Linkedid::from("1.1"),
        channel: ami::ChannelName::from(name),
        state: ami::ChannelState::Ringing,
        caller: calls::Party::default(),
        connected: calls::Party::default(),
        bridge: None,
        exten: "101".into(),
        application: "AppDial".into(),
        application_data: "".into(),
        duration: std::time::Duration::from_secs(3),
    }
}

#[test]
fn call_that_ended_before_the_first_list_came_stays_ended() {
    ended_while_listed(false);
}

#[test]
fn call_that_ended_while_an_audit_lists_stays_ended() {
    ended_while_listed(true);
}

#[test]
fn call_that_ends_while_the_lists_of_a_new_link_come_stays_ended() {
    let mut pbx = Pbx::new();
    pbx.tracker.resync(&calls::PbxLists::default(), pbx.now);
    pbx.incoming();
    pbx.rings_101();
    pbx.tracker.link_lost(pbx.now);
    pbx.poll();
    // The new link: the channels are listed, then both end, then the other lists come to their ends.
    pbx.hangs_up();
    pbx.tracker.resync(&both_listed(), pbx.now);
    pbx.poll();
    assert_eq!(pbx.tracker.calls().count(), 0, "a call from the dead");
}

/// Written by the PBX while the call of these tests was ringing.
fn both_listed() -> calls::PbxLists {
    calls::PbxLists::from(vec![
        live("1.1", "PJSIP/trunk-00000001"),
        live("1.2", "PJSIP/101-00000002"),
    ])
}

fn ended_while_listed(audit: bool) {
    let mut pbx = Pbx::new();
    pbx.incoming();
    pbx.rings_101();
    if audit {
        pbx.tracker.begin_audit();
    }
    pbx.hangs_up();
    assert_eq!(pbx.ended.len(), 1);
    pbx.tracker.resync(&both_listed(), pbx.now);
    pbx.poll();
    assert_eq!(pbx.tracker.calls().count(), 0, "a call from the dead");
}

fn ch(id: &str, linked: &str, name: &str) -> String {
    format!("Uniqueid: {id}\r\nLinkedid: {linked}\r\nChannel: {name}\r\n")
}

fn dial(pbx: &mut Pbx, from: &str, to: &str, bridge: &str) {
    pbx.says("Newchannel", to);
    pbx.says("DialBegin", &format!("{from}{}", prefixed(to, "Dest")));
    pbx.says("Newstate", &format!("{to}ChannelState: 5"));
    pbx.says("Newstate", &format!("{to}ChannelState: 6"));
    pbx.says(
        "DialEnd",
        &format!("{from}{}DialStatus: ANSWER", prefixed(to, "Dest")),
    );
    for one in [to, from] {
        pbx.says(
            "BridgeEnter",
            &format!("{one}BridgeUniqueid: {bridge}\r\nBridgeType: basic\r\n"),
        );
    }
}

fn attended(pbx: &mut Pbx, orig: &str, second: &str, transferee: &str, target: &str) {
    pbx.says(
        "AttendedTransfer",
        &format!(
            "Result: Success\r\n{}{}{}{}",
            prefixed(orig, "OrigTransferer"),
            prefixed(second, "SecondTransferer"),
            prefixed(transferee, "Transferee"),
            prefixed(target, "TransferTarget"),
        ),
    );
}

/// 103 calls 101, who asks a customer outside and passes 103 on to him.
#[test]
fn colleague_who_is_passed_on_outside_stays_the_caller() {
    let mut pbx = Pbx::new();
    let a = ch("1.1", "1.1", "PJSIP/103-00000001");
    let b = ch("1.2", "1.1", "PJSIP/101-00000002");
    let c = ch("2.1", "2.1", "PJSIP/101-00000003");
    let d = ch("2.2", "2.1", "PJSIP/trunk-00000004");
    pbx.says(
        "Newchannel",
        &format!("{a}Exten: 101\r\nCallerIDNum: 103\r\n"),
    );
    dial(&mut pbx, &a, &b, "b-1");
    pbx.says(
        "Newchannel",
        &format!("{c}Exten: 79161112233\r\nCallerIDNum: 101\r\n"),
    );
    dial(&mut pbx, &c, &d, "b-2");
    attended(&mut pbx, &b, &c, &a, &d);
    let caller = &pbx.call().caller;
    assert_eq!(
        caller.number.as_deref(),
        Some("103"),
        "the caller stays the caller"
    );
}

/// 101 has called Y outside; X calls 101, who joins the two.
#[test]
fn caller_from_outside_stays_the_caller_of_an_older_call() {
    let mut pbx = Pbx::new();
    let a = ch("1.1", "1.1", "PJSIP/101-00000001");
    let b = ch("1.2", "1.1", "PJSIP/trunk-00000002");
    let c = ch("2.1", "2.1", "PJSIP/trunk-00000003");
    let d = ch("2.2", "2.1", "PJSIP/101-00000004");
    pbx.says(
        "Newchannel",
        &format!("{a}Exten: 79161112233\r\nCallerIDNum: 101\r\n"),
    );
    dial(&mut pbx, &a, &b, "b-1");
    pbx.says(
        "Newchannel",
        &format!("{c}Exten: 74951230001\r\nCallerIDNum: +79160000001\r\n"),
    );
    dial(&mut pbx, &c, &d, "b-2");
    attended(&mut pbx, &a, &d, &b, &c);
    let call = pbx.call();
    assert_eq!(
        (call.direction, call.caller.number.as_deref()),
        (Direction::Incoming, Some("+79160000001")),
        "A call with a line outside as its caller stays his"
    );
}

/// Page(): app_page dials without telling who dials.
#[test]
fn paged_phone_is_called() {
    let mut pbx = Pbx::new();
    let a = ch("1.1", "1.1", "PJSIP/101-00000001");
    let b = ch("1.2", "1.1", "PJSIP/102-00000002");
    pbx.says(
        "Newchannel",
        &format!("{a}Exten: 800\r\nCallerIDNum: 101\r\n"),
    );
    pbx.says("Newstate", &format!("{a}ChannelState: 6"));
    pbx.says("Newchannel", &b);
    pbx.says("DialBegin", &prefixed(&b, "Dest"));
    pbx.says("Newstate", &format!("{b}ChannelState: 5"));
    pbx.says("Newstate", &format!("{b}ChannelState: 6"));
    let leg = &pbx.call().legs[1];
    assert_eq!(leg.role, calls::Role::Callee);
}

#[test]
fn originate_of_a_call_that_nobody_saw_has_no_call() {
    let mut pbx = Pbx::new();
    let id = Uniqueid::from("l.1");
    pbx.tracker
        .expect_originate(id.clone(), "PJSIP/101", pbx.now);
    let near = ch("l.1", "l.1", "Local/101@x-00000001;1");
    pbx.hears("Newchannel", &near);
    pbx.hears("Hangup", &format!("{near}Cause: 0"));
    let known = pbx.tracker.originate(&id).expect("its end is not polled");
    assert_eq!(known.call, None);
}

#[test]
fn joining_our_call_to_another_is_its_end_for_us() {
    let mut pbx = Pbx::new();
    let a = ch("1.1", "1.1", "PJSIP/trunk-00000001");
    let b = ch("1.2", "1.1", "PJSIP/101-00000002");
    let c = ch("click", "click", "PJSIP/101-00000003");
    let d = ch("2.2", "click", "PJSIP/103-00000004");
    pbx.says(
        "Newchannel",
        &format!("{a}Exten: 101\r\nCallerIDNum: +79160000001\r\n"),
    );
    dial(&mut pbx, &a, &b, "b-1");
    let id = Uniqueid::from("click");
    pbx.tracker
        .expect_originate(id.clone(), "PJSIP/101", pbx.now);
    pbx.says("Newchannel", &c);
    pbx.says("DialBegin", &prefixed(&c, "Dest"));
    pbx.says("Newstate", &format!("{c}ChannelState: 6"));
    dial(&mut pbx, &c, &d, "b-2");
    attended(&mut pbx, &b, &c, &a, &d);
    for one in [&b, &c] {
        pbx.says("Hangup", &format!("{one}Cause: 16"));
    }
    let known = pbx.tracker.originate(&id);
    assert!(
        known.as_ref().is_none_or(|known| known
            .channel
            .as_ref()
            .is_none_or(|name| name.as_str().starts_with("PJSIP/101"))),
        "to hang up: {known:?}"
    );
    assert!(
        matches!(pbx.steps.last(), Some(Progress::Ended(_))),
        "{:?}",
        pbx.steps
    );
}
