//! A little PBX that makes up calls: for each the events that Asterisk would send, and what really happened.

use std::collections::BTreeSet;

use calls::{Direction, End};

/// What people do on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    IncomingAnswered,
    IncomingMissed,
    IncomingRejected,
    RingGroup,
    QueueLocalMembers,
    QueueAbandoned,
    Outgoing,
    Internal,
    OnHold,
    BlindTransfer,
    AttendedTransfer,
    ParkedAndFetched,
    Conference,
    ClickLocal,
    Voicemail,
}

impl Kind {
    pub(crate) const ALL: [Self; 15] = [
        Self::IncomingAnswered,
        Self::IncomingMissed,
        Self::IncomingRejected,
        Self::RingGroup,
        Self::QueueLocalMembers,
        Self::QueueAbandoned,
        Self::Outgoing,
        Self::Internal,
        Self::OnHold,
        Self::BlindTransfer,
        Self::AttendedTransfer,
        Self::ParkedAndFetched,
        Self::Conference,
        Self::ClickLocal,
        Self::Voicemail,
    ];
}

/// One story: its frames in their order, and the truth of each call in it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) frames: Vec<String>,
    pub(crate) truths: Vec<Truth>,
    number: usize,
    channels: usize,
    bridges: usize,
}

#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) what: String,
    /// The Uniqueid of the leg that placed the call or was rung first.
    pub(crate) first_leg: String,
    pub(crate) caller: String,
    pub(crate) direction: Direction,
    pub(crate) answered_by: Option<String>,
    pub(crate) way: Vec<String>,
    /// Who was in each talk, in their order.
    pub(crate) talks: Vec<BTreeSet<String>>,
    pub(crate) end: End,
    pub(crate) missed: bool,
}

/// A channel of the little PBX.
#[derive(Debug, Clone)]
struct Chan {
    uniqueid: String,
    linkedid: String,
    name: String,
    number: String,
    exten: String,
    state: u8,
}

impl Script {
    pub(crate) fn new(kind: Kind, number: usize, dice: u16) -> Self {
        let mut script = Self {
            frames: Vec::new(),
            truths: Vec::new(),
            number,
            channels: 0,
            bridges: 0,
        };
        let by_caller = dice & 1 == 0;
        match kind {
            Kind::IncomingAnswered => script.incoming(by_caller, false),
            Kind::OnHold => script.incoming(by_caller, true),
            Kind::IncomingMissed => script.unanswered(End::Cancelled),
            Kind::IncomingRejected => script.unanswered(End::Busy),
            Kind::RingGroup => script.ring_group(usize::from(dice) % 3, by_caller),
            Kind::QueueLocalMembers => script.queue(by_caller),
            Kind::QueueAbandoned => script.queue_abandoned(),
            Kind::Outgoing => script.outgoing(by_caller),
            Kind::Internal => script.internal(by_caller),
            Kind::BlindTransfer => script.blind_transfer(dice & 2 == 0),
            Kind::AttendedTransfer => script.attended_transfer(dice & 2 == 0),
            Kind::ParkedAndFetched => script.parked(),
            Kind::Conference => script.conference(),
            Kind::ClickLocal => script.click_local(),
            Kind::Voicemail => script.voicemail(dice & 2 == 0),
        }
        script
    }

    // What happens.

    fn incoming(&mut self, by_caller: bool, on_hold: bool) {
        let (mut line, mut phone) = self.rung("101");
        self.answer(&mut line, &mut phone);
        let bridge = self.bridge(&[&phone, &line]);
        if on_hold {
            self.say("Hold", &[("", &phone)], &[]);
            self.say("Unhold", &[("", &phone)], &[]);
        }
        let end = self.goodbye(by_caller, &bridge, &line, &phone);
        let talks = vec![both(&line, &phone)];
        self.truth("incoming", &line, Direction::Incoming, &["101"], talks, end);
    }

    fn unanswered(&mut self, end: End) {
        let (line, phone) = self.rung("101");
        let (status, cause) = if end == End::Busy {
            ("BUSY", 17)
        } else {
            self.say("HangupRequest", &[("", &line)], &[("Cause", "127")]);
            ("CANCEL", 127)
        };
        self.dial_end(&line, &phone, status);
        self.hangup(&phone, cause);
        self.hangup(&line, cause);
        self.truth("unanswered", &line, Direction::Incoming, &[], vec![], end);
    }

    fn ring_group(&mut self, answerer: usize, by_caller: bool) {
        let mut line = self.line();
        let mut phones: Vec<_> = ["101", "102", "103"]
            .iter()
            .map(|extension| self.phone(extension, &line))
            .collect();
        for phone in &mut phones {
            self.dial(&line, phone);
        }
        let mut taker = phones.remove(answerer);
        self.answer(&mut line, &mut taker);
        for phone in &phones {
            self.dial_end(&line, phone, "CANCEL");
            self.hangup(phone, 26);
        }
        let bridge = self.bridge(&[&taker, &line]);
        let end = self.goodbye(by_caller, &bridge, &line, &taker);
        let talks = vec![both(&line, &taker)];
        let by = taker.number.clone();
        self.truth("ring group", &line, Direction::Incoming, &[&by], talks, end);
    }

    /// `Local/103@from-queue/n`: the agent's phone is one hop away, and the caller is up all the time.
    fn queue(&mut self, by_caller: bool) {
        let mut line = self.line();
        self.up(&mut line);
        self.say(
            "QueueCallerJoin",
            &[("", &line)],
            &[("Queue", "400"), ("Position", "1")],
        );
        let (mut near, mut far) = self.local("103", &line);
        let called = [("Queue", "400"), ("Interface", "Local/103@from-queue/n")];
        self.say("AgentCalled", &[("", &line), ("Dest", &near)], &called);
        self.say(
            "DialBegin",
            &[("", &line), ("Dest", &near)],
            &[("DialString", "103@from-queue/n")],
        );
        let mut phone = self.phone("103", &line);
        self.dial(&far, &mut phone);
        self.up(&mut phone);
        self.dial_end(&far, &phone, "ANSWER");
        self.up(&mut far);
        let inner = self.bridge(&[&phone, &far]);
        self.up(&mut near);
        self.dial_end(&line, &near, "ANSWER");
        self.say("QueueCallerLeave", &[("", &line)], &[("Queue", "400")]);
        self.say("AgentConnect", &[("", &line), ("Dest", &near)], &called);
        let outer = self.bridge(&[&near, &line]);
        let end = self.hang_up(by_caller, &line, &phone);
        self.leave(&inner, &phone);
        self.leave(&inner, &far);
        self.hangup(&phone, 16);
        self.hangup(&far, 16);
        self.leave(&outer, &near);
        self.leave(&outer, &line);
        self.hangup(&near, 26);
        self.hangup(&line, 16);
        let talks = vec![both(&line, &phone)];
        self.truth("queue", &line, Direction::Incoming, &["103"], talks, end);
    }

    fn queue_abandoned(&mut self) {
        let mut line = self.line();
        self.up(&mut line);
        self.say(
            "QueueCallerJoin",
            &[("", &line)],
            &[("Queue", "400"), ("Position", "1")],
        );
        let mut phone = self.phone("101", &line);
        let called = [("Queue", "400"), ("Interface", "PJSIP/101")];
        self.say("AgentCalled", &[("", &line), ("Dest", &phone)], &called);
        self.dial(&line, &mut phone);
        self.say("HangupRequest", &[("", &line)], &[]);
        self.dial_end(&line, &phone, "CANCEL");
        self.dial_end(&line, &phone, "CANCEL");
        self.say("QueueCallerAbandon", &[("", &line)], &[("Queue", "400")]);
        self.say("QueueCallerLeave", &[("", &line)], &[("Queue", "400")]);
        self.hangup(&phone, 26);
        self.hangup(&line, 0);
        self.truth(
            "abandoned",
            &line,
            Direction::Incoming,
            &[],
            vec![],
            End::Cancelled,
        );
    }

    fn outgoing(&mut self, by_caller: bool) {
        let mut agent = self.placing("104", "979161112233");
        let mut trunk = self.chan("PJSIP/trunk", "79161112233", &agent.linkedid.clone());
        self.born(&trunk);
        self.dial(&agent, &mut trunk);
        self.answer(&mut agent, &mut trunk);
        let bridge = self.bridge(&[&trunk, &agent]);
        let end = self.goodbye(by_caller, &bridge, &agent, &trunk);
        let end = flipped(end);
        let talks = vec![both(&agent, &trunk)];
        self.truth("outgoing", &agent, Direction::Outgoing, &[], talks, end);
        self.last_way(&["104"]);
    }

    fn internal(&mut self, by_caller: bool) {
        let mut one = self.placing("104", "105");
        let mut two = self.phone("105", &one);
        self.dial(&one, &mut two);
        self.answer(&mut one, &mut two);
        let bridge = self.bridge(&[&two, &one]);
        let end = flipped(self.goodbye(by_caller, &bridge, &one, &two));
        let talks = vec![both(&one, &two)];
        self.truth("internal", &one, Direction::Internal, &["105"], talks, end);
    }

    /// By AMI or by REFER: the caller dials on, and who has passed him on is let go.
    fn blind_transfer(&mut self, busy: bool) {
        let (mut line, mut phone) = self.rung("101");
        self.answer(&mut line, &mut phone);
        let bridge = self.bridge(&[&phone, &line]);
        let transfer = [("Result", "Success"), ("Extension", "103")];
        self.say(
            "BlindTransfer",
            &[("Transferer", &phone), ("Transferee", &line)],
            &transfer,
        );
        self.leave(&bridge, &line);
        self.leave(&bridge, &phone);
        self.hangup(&phone, 16);
        let mut next = self.phone("103", &line);
        self.dial(&line, &mut next);
        let first = both(&line, &phone);
        if busy {
            self.dial_end(&line, &next, "BUSY");
            self.hangup(&next, 17);
            self.hangup(&line, 17);
            self.truth(
                "to a busy one",
                &line,
                Direction::Incoming,
                &["101"],
                vec![first],
                End::ByPbx,
            );
            return;
        }
        self.answer(&mut line, &mut next);
        let bridge = self.bridge(&[&next, &line]);
        let end = self.goodbye(true, &bridge, &line, &next);
        let talks = vec![first, both(&line, &next)];
        self.truth(
            "blind",
            &line,
            Direction::Incoming,
            &["101", "103"],
            talks,
            end,
        );
    }

    /// REFER with Replaces: the consultation is a call of its own until then.
    fn attended_transfer(&mut self, by_caller: bool) {
        let (mut line, mut phone) = self.rung("101");
        self.answer(&mut line, &mut phone);
        let first = self.bridge(&[&phone, &line]);
        self.say("Hold", &[("", &phone)], &[]);
        let mut asking = self.placing("101", "105");
        let mut target = self.phone("105", &asking);
        self.dial(&asking, &mut target);
        self.answer(&mut asking, &mut target);
        let second = self.bridge(&[&target, &asking]);
        self.leave(&first, &line);
        self.leave(&second, &asking);
        self.enter(&second, &line);
        let roles = [
            ("OrigTransferer", &phone),
            ("SecondTransferer", &asking),
            ("Transferee", &line),
            ("TransferTarget", &target),
        ];
        self.say(
            "AttendedTransfer",
            &roles,
            &[("Result", "Success"), ("DestType", "Bridge")],
        );
        self.leave(&first, &phone);
        self.hangup(&phone, 16);
        self.hangup(&asking, 16);
        target.linkedid.clone_from(&line.linkedid);
        let end = self.goodbye(by_caller, &second, &line, &target);
        let talks = vec![
            both(&line, &phone),
            both(&asking, &target),
            both(&line, &target),
        ];
        self.truth(
            "attended",
            &line,
            Direction::Incoming,
            &["101", "105"],
            talks,
            end,
        );
    }

    fn parked(&mut self) {
        let (mut line, mut phone) = self.rung("101");
        self.answer(&mut line, &mut phone);
        let bridge = self.bridge(&[&phone, &line]);
        self.leave(&bridge, &line);
        let place = [("Parkinglot", "default"), ("ParkingSpace", "701")];
        self.say("ParkedCall", &[("Parkee", &line)], &place);
        let lot = format!("lot-{}", self.number);
        self.enter_kind(&lot, &line, "parking", "Parking");
        self.leave(&bridge, &phone);
        self.hangup(&phone, 16);
        let mut fetcher = self.placing("102", "701");
        self.up(&mut fetcher);
        self.say(
            "UnParkedCall",
            &[("Parkee", &line), ("Retriever", &fetcher)],
            &place,
        );
        self.leave(&lot, &line);
        fetcher.linkedid.clone_from(&line.linkedid);
        let again = self.bridge(&[&line, &fetcher]);
        let end = self.goodbye(true, &again, &line, &fetcher);
        let talks = vec![both(&line, &phone), both(&line, &fetcher)];
        self.truth(
            "parked",
            &line,
            Direction::Incoming,
            &["101", "102"],
            talks,
            end,
        );
    }

    /// Two people in a room: each has his own call.
    fn conference(&mut self) {
        let room = format!("8{}", self.number);
        let bridge = format!("room-{room}");
        let mut members = Vec::new();
        for extension in ["101", "102"] {
            let mut member = self.placing(extension, &room);
            self.up(&mut member);
            self.enter_kind(&bridge, &member, "base", "ConfBridge");
            self.say(
                "ConfbridgeJoin",
                &[("", &member)],
                &[("Conference", &room), ("Muted", "No")],
            );
            members.push(member);
        }
        for member in members {
            self.say("HangupRequest", &[("", &member)], &[]);
            self.say(
                "ConfbridgeLeave",
                &[("", &member)],
                &[("Conference", &room)],
            );
            self.leave(&bridge, &member);
            self.hangup(&member, 16);
            self.truth(
                "conference",
                &member,
                Direction::Outgoing,
                &[],
                vec![],
                End::ByYou,
            );
        }
    }

    /// Somebody else's Originate of a Local channel: the agent's phone is rung first, then the client.
    fn click_local(&mut self) {
        let mut near = self.chan("Local/101@internal", "", "");
        near.name = format!(
            "Local/101@internal-{:08x};1",
            self.number * 100 + self.channels
        );
        near.linkedid.clone_from(&near.uniqueid);
        self.born(&near);
        let mut far = self.chan("Local", "", &near.linkedid.clone());
        far.name = near.name.replace(";1", ";2");
        self.born(&far);
        self.say(
            "LocalBridge",
            &[("LocalOne", &near), ("LocalTwo", &far)],
            &[],
        );
        self.say(
            "DialBegin",
            &[("Dest", &near)],
            &[("DialString", "101@internal/n")],
        );
        let mut agent = self.phone("101", &near);
        self.dial(&far, &mut agent);
        self.up(&mut agent);
        self.dial_end(&far, &agent, "ANSWER");
        self.up(&mut far);
        let inner = self.bridge(&[&agent, &far]);
        self.up(&mut near);
        self.say("DialEnd", &[("Dest", &near)], &[("DialStatus", "ANSWER")]);
        let mut client = self.chan("PJSIP/trunk", "79161112233", &near.linkedid.clone());
        self.born(&client);
        near.exten = "979161112233".into();
        self.dial(&near, &mut client);
        self.up(&mut client);
        self.dial_end(&near, &client, "ANSWER");
        let outer = self.bridge(&[&client, &near]);
        let end = self.hang_up(true, &agent, &client);
        self.leave(&inner, &agent);
        self.leave(&inner, &far);
        self.hangup(&agent, 16);
        self.hangup(&far, 16);
        self.leave(&outer, &near);
        self.leave(&outer, &client);
        self.hangup(&near, 16);
        self.hangup(&client, 16);
        let talks = vec![both(&agent, &client)];
        self.truth(
            "click",
            &agent,
            Direction::Outgoing,
            &[],
            talks,
            flipped(end),
        );
        self.last_way(&["101"]);
    }

    fn voicemail(&mut self, message: bool) {
        let (mut line, phone) = self.rung("104");
        self.dial_end(&line, &phone, "NOANSWER");
        self.hangup(&phone, 19);
        self.up(&mut line);
        self.say(
            "Newexten",
            &[("", &line)],
            &[("Application", "VoiceMail"), ("AppData", "104")],
        );
        self.say("HangupRequest", &[("", &line)], &[]);
        if message {
            let mailbox = [("Mailbox", "104@default"), ("New", "1"), ("Old", "0")];
            self.say("MessageWaiting", &[("", &line)], &mailbox);
        }
        self.hangup(&line, 16);
        let end = End::Voicemail { message };
        self.truth("voicemail", &line, Direction::Incoming, &[], vec![], end);
    }

    // What the PBX says of it.

    fn line(&mut self) -> Chan {
        let number = format!("+7916{:07}", self.number);
        let mut line = self.chan("PJSIP/trunk", &number, "");
        line.exten = "74951230001".into();
        line.state = 4;
        self.born(&line);
        line
    }

    fn placing(&mut self, extension: &str, dialled: &str) -> Chan {
        let mut phone = self.chan(&format!("PJSIP/{extension}"), extension, "");
        phone.exten = dialled.into();
        phone.state = 4;
        self.born(&phone);
        phone
    }

    fn phone(&mut self, extension: &str, of: &Chan) -> Chan {
        let phone = self.chan(
            &format!("PJSIP/{extension}"),
            extension,
            &of.linkedid.clone(),
        );
        self.born(&phone);
        phone
    }

    fn rung(&mut self, extension: &str) -> (Chan, Chan) {
        let line = self.line();
        let mut phone = self.phone(extension, &line);
        self.dial(&line, &mut phone);
        (line, phone)
    }

    fn local(&mut self, extension: &str, of: &Chan) -> (Chan, Chan) {
        let stem = format!(
            "Local/{extension}@from-queue-{:08x}",
            self.number * 100 + self.channels
        );
        let mut pair = [";1", ";2"].map(|end| {
            let mut half = self.chan("Local", "", &of.linkedid.clone());
            half.name = format!("{stem}{end}");
            self.born(&half);
            half
        });
        self.say(
            "LocalBridge",
            &[("LocalOne", &pair[0]), ("LocalTwo", &pair[1])],
            &[],
        );
        pair[0].exten = extension.into();
        let [near, far] = pair;
        (near, far)
    }

    fn chan(&mut self, endpoint: &str, number: &str, linkedid: &str) -> Chan {
        self.channels += 1;
        let uniqueid = format!("{}.{}", self.number, self.channels);
        Chan {
            linkedid: if linkedid.is_empty() {
                uniqueid.clone()
            } else {
                linkedid.into()
            },
            name: format!("{endpoint}-{:08x}", self.number * 100 + self.channels),
            uniqueid,
            number: number.into(),
            exten: String::new(),
            state: 0,
        }
    }

    fn born(&mut self, channel: &Chan) {
        self.say("Newchannel", &[("", channel)], &[]);
    }

    fn dial(&mut self, caller: &Chan, dest: &mut Chan) {
        let dial_string = dest.number.clone();
        self.say(
            "DialBegin",
            &[("", caller), ("Dest", dest)],
            &[("DialString", &dial_string)],
        );
        dest.state = 5;
        self.say("Newstate", &[("", dest)], &[]);
        self.say(
            "DialState",
            &[("", caller), ("Dest", dest)],
            &[("DialStatus", "RINGING")],
        );
    }

    fn up(&mut self, channel: &mut Chan) {
        channel.state = 6;
        self.say("Newstate", &[("", channel)], &[]);
    }

    fn answer(&mut self, caller: &mut Chan, dest: &mut Chan) {
        self.up(dest);
        self.dial_end(caller, dest, "ANSWER");
        self.up(caller);
    }

    fn dial_end(&mut self, caller: &Chan, dest: &Chan, status: &str) {
        self.say(
            "DialEnd",
            &[("", caller), ("Dest", dest)],
            &[("DialStatus", status)],
        );
    }

    fn bridge(&mut self, members: &[&Chan]) -> String {
        self.bridges += 1;
        let bridge = format!("bridge-{}-{}", self.number, self.bridges);
        for member in members {
            self.enter(&bridge, member);
        }
        bridge
    }

    fn enter(&mut self, bridge: &str, member: &Chan) {
        self.enter_kind(bridge, member, "basic", "<unknown>");
    }

    fn enter_kind(&mut self, bridge: &str, member: &Chan, kind: &str, creator: &str) {
        let name = bridge
            .strip_prefix("room-")
            .unwrap_or("<unknown>")
            .to_owned();
        let own = [
            ("BridgeUniqueid", bridge),
            ("BridgeType", kind),
            ("BridgeCreator", creator),
            ("BridgeName", &name),
        ];
        self.say("BridgeEnter", &[("", member)], &own);
    }

    fn leave(&mut self, bridge: &str, member: &Chan) {
        self.say(
            "BridgeLeave",
            &[("", member)],
            &[("BridgeUniqueid", bridge)],
        );
    }

    fn hang_up(&mut self, by_first: bool, first: &Chan, second: &Chan) -> End {
        let who = if by_first { first } else { second };
        self.say("HangupRequest", &[("", who)], &[("Cause", "16")]);
        if by_first { End::ByThem } else { End::ByYou }
    }

    /// As of an incoming call.
    fn goodbye(&mut self, by_caller: bool, bridge: &str, caller: &Chan, callee: &Chan) -> End {
        let end = self.hang_up(by_caller, caller, callee);
        self.leave(bridge, caller);
        self.leave(bridge, callee);
        self.hangup(callee, 16);
        self.hangup(caller, 16);
        end
    }

    fn hangup(&mut self, channel: &Chan, cause: u16) {
        self.say("Hangup", &[("", channel)], &[("Cause", &cause.to_string())]);
    }

    fn say(&mut self, event: &str, channels: &[(&str, &Chan)], own: &[(&str, &str)]) {
        let mut frame = format!("Event: {event}\r\n");
        for (prefix, channel) in channels {
            let state = channel.state.to_string();
            let fields = [
                ("Channel", &channel.name),
                ("ChannelState", &state),
                ("CallerIDNum", &channel.number),
                ("Exten", &channel.exten),
                ("Uniqueid", &channel.uniqueid),
                ("Linkedid", &channel.linkedid),
            ];
            for (name, value) in fields {
                frame += &format!("{prefix}{name}: {value}\r\n");
            }
        }
        for (name, value) in own {
            frame += &format!("{name}: {value}\r\n");
        }
        frame += "\r\n";
        self.frames.push(frame);
    }

    fn truth(
        &mut self,
        what: &str,
        first: &Chan,
        direction: Direction,
        way: &[&str],
        talks: Vec<BTreeSet<String>>,
        end: End,
    ) {
        let missed = direction == Direction::Incoming && talks.is_empty();
        self.truths.push(Truth {
            what: what.into(),
            first_leg: first.uniqueid.clone(),
            caller: first.number.clone(),
            direction,
            answered_by: way.first().map(|by| (*by).to_owned()),
            way: way.iter().map(|by| (*by).to_owned()).collect(),
            talks,
            end,
            missed,
        });
    }

    /// The way of an outgoing call begins with who placed it, whom nobody rang.
    fn last_way(&mut self, way: &[&str]) {
        if let Some(truth) = self.truths.last_mut() {
            truth.way = way.iter().map(|by| (*by).to_owned()).collect();
        }
    }
}

fn both(one: &Chan, two: &Chan) -> BTreeSet<String> {
    BTreeSet::from([one.uniqueid.clone(), two.uniqueid.clone()])
}

/// The caller of an incoming call is "they", of any other "you".
fn flipped(end: End) -> End {
    if end == End::ByThem {
        End::ByYou
    } else if end == End::ByYou {
        End::ByThem
    } else {
        end
    }
}
