//! What people do with their phones, one after the other, played on the little PBX with the truth written beside.

use std::collections::BTreeSet;

use calls::{Direction, End, Taken, TransferKind};
use proptest::prelude::*;

use crate::{
    pbx::{Br, Ch, DOWN, Exchange, Frame, RING, RINGING, UP},
    truth::{CallTruth, Passed, Truth, Visit},
};

/// A call from its first channel to its last.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) origin: Origin,
    pub(crate) reach: Reach,
    /// What is done while it is answered; what cannot be done at that point is left out.
    pub(crate) turns: Vec<(Side, Turn)>,
    pub(crate) goodbye: Goodbye,
    /// In which order Asterisk tells what it may tell in any.
    pub(crate) seed: u64,
    /// Milliseconds after the beginning.
    pub(crate) start: u64,
}

/// Extensions of phones are 101 and up.
pub(crate) type Phone = u16;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// From the telephone company; withheld, or after a menu that picks up.
    Line { withheld: bool, menu: bool },
    /// One of our phones calls another.
    Phone(Phone),
    /// One of our phones calls a number outside.
    Out(Phone),
    /// The same by an Originate of ours.
    Click(Phone, Agent),
}

/// What the phone does that an Originate rings first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    PicksUp,
    LetsItRing,
    Rejects,
}

#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// All ring, the one at this place answers.
    Answered(Vec<Phone>, usize),
    NoAnswer(Vec<Phone>),
    Busy(Phone),
    GivesUp(Vec<Phone>),
    /// Rung one after the other, until the last answers.
    Hunt(Vec<Phone>),
    /// Rings here and is picked up there; in the way of Asterisk 13, or of later ones.
    PickedUp {
        rings: Phone,
        by: Phone,
        old: bool,
    },
    Voicemail {
        rings: Phone,
        message: bool,
    },
    Queue {
        members: Vec<Phone>,
        /// One after the other behind Local pairs, else all at once.
        local: bool,
        /// How many reject it.
        rejects: usize,
        answered: bool,
    },
    /// A conference room in which others already are, or come.
    Room(Vec<Phone>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Callee,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Turn {
    Hold,
    Blind(Phone, Outcome),
    /// By REFER with Replaces.
    Consult(Phone, Consultation),
    /// By AMI's Atxfer, with a Local pair that Asterisk takes out in the end.
    Atxfer(Phone),
    Park(Fate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answers,
    Busy,
    LetsItRing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consultation {
    Transfers,
    GoesBack,
    Busy,
    LetsItRing,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Fetched(Phone),
    /// Rings back at who parked it.
    RingsBack(Outcome),
    GivesUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodbye {
    By(Side),
    /// An administrator, a time limit, the dialplan.
    Pbx,
}

/// A script that has been played.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) frames: Vec<Frame>,
    pub(crate) truth: Truth,
    /// The ChannelId of its Originate and the phone that it rings.
    pub(crate) click: Option<(String, String)>,
}

const CLIENT: &str = "+79161234567";
const OUTSIDE: &str = "79035550011";

pub(crate) fn script(latest: u64) -> impl Strategy<Value = Script> {
    let turns = prop::collection::vec((side(), turn()), 0..5);
    (
        origin(),
        reach(),
        turns,
        goodbye(),
        any::<u64>(),
        0..=latest,
    )
        .prop_map(|(origin, reach, turns, goodbye, seed, start)| Script {
            origin,
            reach,
            turns,
            goodbye,
            seed,
            start,
        })
}

fn phone() -> impl Strategy<Value = Phone> {
    101..=109_u16
}

/// No phone twice.
fn phones(most: usize) -> impl Strategy<Value = Vec<Phone>> {
    prop::sample::subsequence((102..=109_u16).collect::<Vec<_>>(), 1..=most)
}

fn origin() -> impl Strategy<Value = Origin> {
    let agent = prop_oneof![
        4 => Just(Agent::PicksUp),
        1 => Just(Agent::LetsItRing),
        1 => Just(Agent::Rejects),
    ];
    prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(withheld, menu)| Origin::Line { withheld, menu }),
        2 => Just(Origin::Phone(101)),
        2 => phone().prop_map(Origin::Out),
        2 => (phone(), agent).prop_map(|(phone, agent)| Origin::Click(phone, agent)),
    ]
}

fn reach() -> impl Strategy<Value = Reach> {
    let queue = (
        phones(4),
        any::<bool>(),
        0..3_usize,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(members, local, rejects, answered)| Reach::Queue {
            members,
            local,
            rejects,
            answered,
        });
    prop_oneof![
        4 => (phones(4), any::<prop::sample::Index>())
            .prop_map(|(phones, at)| { let at = at.index(phones.len()); Reach::Answered(phones, at) }),
        1 => phones(3).prop_map(Reach::NoAnswer),
        1 => phones(1).prop_map(|phones| Reach::Busy(phones[0])),
        1 => phones(3).prop_map(Reach::GivesUp),
        1 => phones(4).prop_map(Reach::Hunt),
        1 => (102..=104_u16, 105..=109_u16, any::<bool>())
            .prop_map(|(rings, by, old)| Reach::PickedUp { rings, by, old }),
        1 => (phones(1), any::<bool>()).prop_map(|(phones, message)| Reach::Voicemail { rings: phones[0], message }),
        4 => queue,
        1 => phones(3).prop_map(Reach::Room),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![1 => Just(Side::Caller), 3 => Just(Side::Callee)]
}

fn turn() -> impl Strategy<Value = Turn> {
    let outcome = || {
        prop_oneof![
            4 => Just(Outcome::Answers),
            1 => Just(Outcome::Busy),
            1 => Just(Outcome::LetsItRing),
        ]
    };
    let consultation = prop_oneof![
        4 => Just(Consultation::Transfers),
        1 => Just(Consultation::GoesBack),
        1 => Just(Consultation::Busy),
        1 => Just(Consultation::LetsItRing),
    ];
    let fate = prop_oneof![
        3 => phone().prop_map(Fate::Fetched),
        2 => outcome().prop_map(Fate::RingsBack),
        1 => Just(Fate::GivesUp),
    ];
    prop_oneof![
        1 => Just(Turn::Hold),
        3 => (phone(), outcome()).prop_map(|(to, outcome)| Turn::Blind(to, outcome)),
        3 => (phone(), consultation).prop_map(|(to, consultation)| Turn::Consult(to, consultation)),
        2 => phone().prop_map(Turn::Atxfer),
        2 => fate.prop_map(Turn::Park),
    ]
}

fn goodbye() -> impl Strategy<Value = Goodbye> {
    prop_oneof![
        3 => side().prop_map(Goodbye::By),
        1 => Just(Goodbye::Pbx),
    ]
}

impl Script {
    /// `number` sets its ids apart from those of other scripts.
    pub(crate) fn play(&self, number: usize) -> Played {
        let mut play = Play {
            x: Exchange::new(number, self.start, self.seed),
            truth: Truth::default(),
            chain: Vec::new(),
            bridges: Vec::new(),
            main: 0,
        };
        let click = play.all(self);
        let mut frames = play.x.frames;
        frames.sort_by_key(|frame| frame.at);
        Played {
            frames,
            truth: play.truth,
            click,
        }
    }
}

/// The call as it stands: who talks at its ends, and what lies between.
struct Play {
    x: Exchange,
    truth: Truth,
    /// From one end to the other: two channels a bridge, and two halves of a Local pair from bridge to bridge.
    chain: Vec<Ch>,
    bridges: Vec<Br>,
    /// The call of the truth that goes on.
    main: usize,
}

/// The call is over.
struct Over;

impl Play {
    fn all(&mut self, script: &Script) -> Option<(String, String)> {
        let (caller, click) = self.begin(script);
        let Some(caller) = caller else { return click };
        self.x.wait();
        // A click goes to a number outside, as a call out does.
        let goes_out = matches!(script.origin, Origin::Out(_) | Origin::Click(..));
        let reached = if goes_out {
            self.reach_outside(caller, &script.reach)
        } else {
            self.reach(caller, &script.reach)
        };
        if reached.is_err() {
            return click;
        }
        for (side, turn) in &script.turns {
            self.x.wait();
            if self.turn(*side, *turn).is_err() {
                return click;
            }
        }
        self.x.wait();
        let by = match script.goodbye {
            Goodbye::By(Side::Caller) => Some(self.chain[0]),
            Goodbye::By(Side::Callee) => self.chain.last().copied(),
            Goodbye::Pbx => None,
        };
        self.goodbye(by);
        click
    }

    // Beginnings.

    fn begin(&mut self, script: &Script) -> (Option<Ch>, Option<(String, String)>) {
        match script.origin {
            Origin::Line { withheld, menu } => {
                let who = if withheld {
                    ("<unknown>", "<unknown>")
                } else {
                    (CLIENT, "Client One")
                };
                self.call(Direction::Incoming, (!withheld).then_some(CLIENT));
                let line = self.phone("PJSIP/trunk", None, RING, who, "74951230001");
                if menu {
                    self.x.wait();
                    self.x.state(line, UP);
                }
                (Some(line), None)
            }
            Origin::Phone(extension) => {
                self.call(Direction::Internal, Some(&extension.to_string()));
                (
                    Some(self.placing(extension, &first_dialled(&script.reach))),
                    None,
                )
            }
            Origin::Out(extension) => {
                self.call(Direction::Outgoing, Some(&extension.to_string()));
                (Some(self.placing(extension, OUTSIDE)), None)
            }
            Origin::Click(extension, agent) => self.click(extension, agent),
        }
    }

    fn click(&mut self, extension: Phone, agent: Agent) -> (Option<Ch>, Option<(String, String)>) {
        // Nobody outside was dialled where the agent did not pick up.
        let direction = Direction::Outgoing;
        let call = self.call(direction, Some(&extension.to_string()));
        self.truth.calls[call].clicked = true;
        let endpoint = format!("PJSIP/{extension}");
        let number = extension.to_string();
        let phone = self.phone(&endpoint, None, DOWN, (&number, ""), OUTSIDE);
        let click = Some((self.x.channels[phone].uniqueid.clone(), endpoint));
        let dial_string = format!("DialString: {extension}\r\n");
        self.x.event("DialBegin", &[("Dest", phone)], &dial_string);
        self.ring(None, phone);
        self.x.wait();
        self.truth.rings_no_more(&self.who(phone), self.x.now);
        let response = |answer: &str, reason: u8, id: &str| {
            format!(
                "Response: {answer}\r\nReason: {reason}\r\nUniqueid: {id}\r\nChannel: PJSIP/{extension}\r\n"
            )
        };
        let id = self.x.channels[phone].uniqueid.clone();
        match agent {
            Agent::PicksUp => {
                self.x.state(phone, UP);
                self.dial_end(None, phone, "ANSWER");
                let text = response("Success", 4, &id);
                self.x.event("OriginateResponse", &[], &text);
                return (Some(phone), click);
            }
            Agent::LetsItRing => {
                let text = response("Failure", 3, &id);
                self.x.event("OriginateResponse", &[], &text);
                self.hangup(phone, 19);
                self.ends(End::YouDidNotPickUp, None);
            }
            Agent::Rejects => {
                self.request_hangup(phone, 17);
                self.dial_end(None, phone, "BUSY");
                let text = response("Failure", 0, &id);
                if self.x.dice.once_in(2) {
                    self.hangup(phone, 17);
                    self.x.event("OriginateResponse", &[], &text);
                } else {
                    self.x.event("OriginateResponse", &[], &text);
                    self.hangup(phone, 17);
                }
                self.ends(End::YouRejected, None);
            }
        }
        (None, click)
    }

    fn reach_outside(&mut self, caller: Ch, reach: &Reach) -> Result<(), Over> {
        let line = self.dial(caller, None, "AppDial");
        self.ring(Some(caller), line);
        self.x.wait();
        match reach {
            Reach::Busy(_) => self.all_busy(caller, line),
            Reach::NoAnswer(_) => self.nobody_answers(caller, &[line]),
            Reach::GivesUp(_) => self.gives_up(caller, &[line]),
            Reach::Answered(..)
            | Reach::Hunt(_)
            | Reach::PickedUp { .. }
            | Reach::Voicemail { .. }
            | Reach::Queue { .. }
            | Reach::Room(_) => {
                self.answer(caller, &[line], 0);
                Ok(())
            }
        }
    }

    fn reach(&mut self, caller: Ch, reach: &Reach) -> Result<(), Over> {
        match reach {
            Reach::Answered(phones, at) => {
                let rung = self.ring_all(caller, phones);
                self.answer(caller, &rung, *at);
                Ok(())
            }
            Reach::NoAnswer(phones) => {
                let rung = self.ring_all(caller, phones);
                self.nobody_answers(caller, &rung)
            }
            Reach::Busy(phone) => {
                let rung = self.ring_all(caller, &[*phone]);
                self.all_busy(caller, rung[0])
            }
            Reach::GivesUp(phones) => {
                let rung = self.ring_all(caller, phones);
                self.gives_up(caller, &rung)
            }
            Reach::Hunt(phones) => {
                for phone in &phones[..phones.len() - 1] {
                    let rung = self.ring_all(caller, &[*phone]);
                    self.unanswered(caller, rung[0], "NOANSWER", 0);
                }
                let rung = self.ring_all(caller, &phones[phones.len() - 1..]);
                self.answer(caller, &rung, 0);
                Ok(())
            }
            Reach::PickedUp { rings, by, old } => {
                self.picked_up(caller, *rings, *by, *old);
                Ok(())
            }
            Reach::Voicemail { rings, message } => self.voicemail(caller, *rings, *message),
            Reach::Queue {
                members,
                local,
                rejects,
                answered,
            } => self.queue(caller, members, *local, *rejects, *answered),
            Reach::Room(others) => self.room(caller, others),
        }
    }

    fn ring_all(&mut self, caller: Ch, phones: &[Phone]) -> Vec<Ch> {
        let rung: Vec<_> = phones
            .iter()
            .map(|phone| self.dial(caller, Some(*phone), "AppDial"))
            .collect();
        for phone in &rung {
            self.ring(Some(caller), *phone);
        }
        self.x.wait();
        rung
    }

    fn all_busy(&mut self, caller: Ch, callee: Ch) -> Result<(), Over> {
        self.request_hangup(callee, 17);
        self.unanswered(caller, callee, "BUSY", 17);
        self.hangup(caller, 17);
        self.ends(End::Busy, None);
        Err(Over)
    }

    fn nobody_answers(&mut self, caller: Ch, rung: &[Ch]) -> Result<(), Over> {
        for phone in rung {
            self.unanswered(caller, *phone, "NOANSWER", 0);
        }
        self.hangup(caller, 16);
        self.ends(End::NoAnswer, None);
        Err(Over)
    }

    fn gives_up(&mut self, caller: Ch, rung: &[Ch]) -> Result<(), Over> {
        self.request_hangup(caller, 127);
        for phone in rung {
            self.unanswered(caller, *phone, "CANCEL", 127);
        }
        self.hangup(caller, 127);
        self.ends(End::Cancelled, Some(caller));
        Err(Over)
    }

    fn picked_up(&mut self, caller: Ch, rings: Phone, by: Phone, old: bool) {
        let rung = self.ring_all(caller, &[rings])[0];
        let other = self.call(Direction::Outgoing, Some(&by.to_string()));
        let taker = self.placing_in(other, by, "*8");
        self.x.runs(taker, "Pickup", "");
        self.x.state(taker, UP);
        self.x.event("Pickup", &[("", taker), ("Target", rung)], "");
        if old {
            self.dial_end(Some(caller), rung, "CANCEL");
            self.truth.rings_no_more(&self.who(rung), self.x.now);
            let channels = [("", caller), ("Dest", taker)];
            self.x.event("DialBegin", &channels, "DialString: \r\n");
        }
        self.dial_end(Some(caller), taker, "ANSWER");
        self.hangup(rung, 26);
        self.is_up(caller);
        self.bridge(&[taker, caller]);
        self.merge(other);
        self.talk();
        self.truth.calls[self.main].answered_by = Some(by.to_string());
    }

    fn voicemail(&mut self, caller: Ch, rings: Phone, message: bool) -> Result<(), Over> {
        let rung = self.ring_all(caller, &[rings]);
        self.unanswered(caller, rung[0], "NOANSWER", 0);
        self.is_up(caller);
        self.x
            .runs(caller, "VoiceMail", &format!("{rings}@default,u"));
        self.x.wait();
        self.request_hangup(caller, 16);
        if message {
            let mailbox = format!("Mailbox: {rings}@default\r\nWaiting: 1\r\nNew: 1\r\nOld: 0\r\n");
            self.x.event("MessageWaiting", &[("", caller)], &mailbox);
        }
        self.hangup(caller, 16);
        self.ends(End::Voicemail { message }, Some(caller));
        Err(Over)
    }

    fn queue(
        &mut self,
        caller: Ch,
        members: &[Phone],
        local: bool,
        rejects: usize,
        answered: bool,
    ) -> Result<(), Over> {
        self.is_up(caller);
        let place = "Queue: 400\r\nPosition: 1\r\nCount: 1\r\n";
        self.x.event("QueueCallerJoin", &[("", caller)], place);
        self.truth.calls[self.main].queues.push(Visit {
            offered: BTreeSet::new(),
            outcome: (!answered).then_some(Taken::Abandoned),
        });
        if local {
            self.queue_of_locals(caller, members, answered)
        } else {
            self.queue_of_phones(caller, members, rejects, answered)
        }
    }

    fn queue_of_phones(
        &mut self,
        caller: Ch,
        members: &[Phone],
        rejects: usize,
        answered: bool,
    ) -> Result<(), Over> {
        let mut rung = Vec::new();
        for member in members {
            let phone = self.dial_for_queue(caller, *member);
            rung.push(phone);
        }
        for phone in &rung {
            self.ring(Some(caller), *phone);
        }
        self.x.wait();
        // One is left to answer.
        for _ in 0..rejects.min(rung.len() - 1) {
            let phone = rung.remove(0);
            self.request_hangup(phone, 17);
            self.unanswered(caller, phone, "NOANSWER", 17);
            self.x.wait();
        }
        if !answered {
            return self.abandons(caller, &rung, &[]);
        }
        let taker = rung.remove(0);
        self.truth.rings_no_more(&self.who(taker), self.x.now);
        self.x.state(taker, UP);
        self.dial_end(Some(caller), taker, "ANSWER");
        for phone in &rung {
            self.dial_end(Some(caller), *phone, "CANCEL");
        }
        for phone in rung {
            self.unanswered(caller, phone, "CANCEL", 26);
        }
        self.taken(caller, taker, taker);
        self.bridge(&[taker, caller]);
        self.talk();
        Ok(())
    }

    fn queue_of_locals(
        &mut self,
        caller: Ch,
        members: &[Phone],
        answered: bool,
    ) -> Result<(), Over> {
        for (at, member) in members.iter().enumerate() {
            let number = member.to_string();
            let stem = format!("{member}@from-queue");
            let (near, far) = self.x.local_pair(&stem, caller, &number);
            self.offered(
                caller,
                near,
                *member,
                &format!("Local/{member}@from-queue/n"),
            );
            let string = format!("DialString: {member}@from-queue/n\r\n");
            self.x
                .event("DialBegin", &[("", caller), ("Dest", near)], &string);
            let phone = self.dial(far, Some(*member), "AppDial");
            self.ring(Some(far), phone);
            self.x.state(near, RINGING);
            self.dial_state(Some(caller), near);
            self.x.wait();
            let is_last = at + 1 == members.len();
            if is_last && answered {
                self.answer_behind_local(caller, near, far, phone);
                return Ok(());
            }
            if is_last {
                return self.abandons(caller, &[near], &[(far, phone)]);
            }
            self.dial_end(Some(caller), near, "NOANSWER");
            self.dial_end(Some(caller), near, "CANCEL");
            self.hangup(near, 0);
            self.unanswered(far, phone, "CANCEL", 26);
            self.hangup(far, 0);
            self.x.wait();
        }
        Ok(())
    }

    fn answer_behind_local(&mut self, caller: Ch, near: Ch, far: Ch, phone: Ch) {
        self.truth.rings_no_more(&self.who(phone), self.x.now);
        self.x.state(phone, UP);
        self.dial_end(Some(far), phone, "ANSWER");
        self.x.state(far, UP);
        let inner = self.x.newbridge();
        self.x.enter(inner, phone);
        self.x.state(near, UP);
        self.dial_end(Some(caller), near, "ANSWER");
        let late = self.x.dice.once_in(2);
        if !late {
            self.x.enter(inner, far);
        }
        self.taken(caller, near, phone);
        let outer = self.x.newbridge();
        self.x.enter(outer, near);
        self.x.enter(outer, caller);
        if late {
            self.x.enter(inner, far);
        }
        self.chain = vec![caller, near, far, phone];
        self.bridges = vec![outer, inner];
        self.talk();
    }

    fn abandons(&mut self, caller: Ch, rung: &[Ch], behind: &[(Ch, Ch)]) -> Result<(), Over> {
        self.request_hangup(caller, 127);
        for phone in rung {
            self.dial_end(Some(caller), *phone, "CANCEL");
        }
        self.x
            .event("QueueCallerAbandon", &[("", caller)], "Queue: 400\r\n");
        for phone in rung {
            self.unanswered(caller, *phone, "CANCEL", 0);
        }
        for (far, phone) in behind {
            self.unanswered(*far, *phone, "CANCEL", 26);
            self.hangup(*far, 0);
        }
        self.x
            .event("QueueCallerLeave", &[("", caller)], "Queue: 400\r\n");
        self.hangup(caller, 0);
        self.ends(End::Cancelled, Some(caller));
        Err(Over)
    }

    /// Each has his own call with the room.
    fn room(&mut self, caller: Ch, others: &[Phone]) -> Result<(), Over> {
        let name = format!("8{}", self.who(caller).replace(['.', '-'], ""));
        let room = self.x.named_bridge("base", "ConfBridge", &name);
        let mut calls = vec![(self.main, caller)];
        self.joins(room, &name, caller);
        for other in others {
            self.x.wait();
            let call = self.call(Direction::Outgoing, Some(&other.to_string()));
            let member = self.placing_in(call, *other, "800");
            self.joins(room, &name, member);
            calls.push((call, member));
        }
        for (call, member) in calls {
            self.x.wait();
            self.request_hangup(member, 16);
            self.leaves_room(room, &name, member);
            self.hangup(member, 16);
            let truth = &mut self.truth.calls[call];
            truth.is_answered = true;
            // Nobody of ours is called by who comes from outside, so nobody of ours hangs up on him.
            truth.end = if truth.direction == Direction::Incoming {
                End::ByThem
            } else {
                End::ByYou
            };
            truth.ended_by = Some(self.x.channels[member].uniqueid.clone());
        }
        self.x.destroy(room);
        Err(Over)
    }

    fn joins(&mut self, room: Br, name: &str, member: Ch) {
        self.is_up(member);
        if self.x.dice.once_in(2) {
            self.x.enter(room, member);
            self.in_room("ConfbridgeJoin", room, name, member);
        } else {
            self.in_room("ConfbridgeJoin", room, name, member);
            self.x.enter(room, member);
        }
    }

    fn leaves_room(&mut self, room: Br, name: &str, member: Ch) {
        if self.x.dice.once_in(2) {
            self.x.leave(room, member);
            self.in_room("ConfbridgeLeave", room, name, member);
        } else {
            self.in_room("ConfbridgeLeave", room, name, member);
            self.x.leave(room, member);
        }
    }

    fn in_room(&mut self, event: &str, room: Br, name: &str, member: Ch) {
        let bridge = self.x.bridge_text(room, "Bridge");
        let text = format!("Conference: {name}\r\n{bridge}Admin: No\r\nMuted: No\r\n");
        self.x.event(event, &[("", member)], &text);
    }

    // What is done while people talk.

    fn turn(&mut self, side: Side, turn: Turn) -> Result<(), Over> {
        let by = match side {
            Side::Caller => self.chain[0],
            Side::Callee => self.chain[self.chain.len() - 1],
        };
        // The telephone company's customers transfer nobody, and nobody transfers to himself.
        let Some(own) = self.extension(by) else {
            return Ok(());
        };
        let other = self.other_end(by);
        let is_free = |to: Phone| {
            to.to_string() != own && self.extension(other).as_deref() != Some(&*to.to_string())
        };
        match turn {
            Turn::Hold => {
                self.x.event("Hold", &[("", by)], "");
                self.x.wait();
                self.x.event("Unhold", &[("", by)], "");
                Ok(())
            }
            Turn::Blind(to, outcome) if is_free(to) => self.blind(by, to, outcome),
            Turn::Consult(to, consultation) if is_free(to) => {
                self.consult(by, to, consultation);
                Ok(())
            }
            Turn::Atxfer(to) if is_free(to) => {
                self.atxfer(by, to);
                Ok(())
            }
            // What is parked through a Local pair is the half of it.
            Turn::Park(fate) if self.chain.len() == 2 => self.park(by, fate),
            Turn::Blind(..) | Turn::Consult(..) | Turn::Atxfer(_) | Turn::Park(_) => Ok(()),
        }
    }

    /// Who transfers leaves; the channel beside him dials on.
    fn blind(&mut self, by: Ch, to: Phone, outcome: Outcome) -> Result<(), Over> {
        let (at, beside) = self.beside(by);
        if self.x.dice.once_in(2) {
            self.x.event("Unhold", &[("", by)], "");
        }
        let text = format!(
            "Result: Success\r\n{}IsExternal: No\r\nContext: internal\r\nExtension: {to}\r\n",
            self.x.bridge_text(at, "Bridge")
        );
        let channels = [("Transferer", by), ("Transferee", beside)];
        self.x.event("BlindTransfer", &channels, &text);
        self.hush(by);
        self.x.leave(at, by);
        self.x.leave(at, beside);
        self.x.destroy(at);
        if self.x.dice.once_in(3) {
            self.request_hangup(by, 16);
        }
        self.hangup(by, 16);
        let passed = |to| Passed {
            kind: TransferKind::Blind,
            by: String::new(),
            to,
        };
        let own = self.extension(by).unwrap_or_default();
        let reached = (outcome == Outcome::Answers).then(|| to.to_string());
        self.truth.calls[self.main].transfers.push(Passed {
            by: own,
            ..passed(reached)
        });
        self.drop_end(by);
        self.x.channels[beside].exten = to.to_string();
        self.dial_on(beside, to, outcome)
    }

    /// The last of the chain, alone now, dials somebody.
    fn dial_on(&mut self, from: Ch, to: Phone, outcome: Outcome) -> Result<(), Over> {
        let phone = self.dial(from, Some(to), "AppDial");
        self.ring(Some(from), phone);
        self.x.wait();
        match outcome {
            Outcome::Answers => {
                self.truth.rings_no_more(&self.who(phone), self.x.now);
                self.x.state(phone, UP);
                self.dial_end(Some(from), phone, "ANSWER");
                self.bridge_at_end(from, phone);
                self.talk();
                return Ok(());
            }
            Outcome::Busy => {
                self.request_hangup(phone, 17);
                self.unanswered(from, phone, "BUSY", 17);
            }
            Outcome::LetsItRing => self.unanswered(from, phone, "NOANSWER", 0),
        }
        self.hang_all_up(Some(from));
        self.ends(End::ByPbx, None);
        Err(Over)
    }

    fn consult(&mut self, by: Ch, to: Phone, consultation: Consultation) {
        let own: Phone = self
            .extension(by)
            .and_then(|own| own.parse().ok())
            .unwrap_or_default();
        self.x.event("Hold", &[("", by)], "");
        self.x.wait();
        let other = self.call(Direction::Internal, Some(&own.to_string()));
        let asking = self.placing_in(other, own, &to.to_string());
        let target = self.dial_in(other, asking, Some(to), "AppDial");
        self.ring(Some(asking), target);
        self.x.wait();
        self.truth.rings_no_more(&self.who(target), self.x.now);
        let failed = match consultation {
            Consultation::Busy => Some(("BUSY", 17, End::Busy)),
            Consultation::LetsItRing => Some(("NOANSWER", 0, End::NoAnswer)),
            Consultation::Transfers | Consultation::GoesBack => None,
        };
        if let Some((status, cause, end)) = failed {
            self.unanswered(asking, target, status, cause);
            self.hangup(asking, cause);
            self.truth.calls[other].end = end;
            self.x.wait();
            self.x.event("Unhold", &[("", by)], "");
            return;
        }
        self.x.state(target, UP);
        self.dial_end(Some(asking), target, "ANSWER");
        self.is_up(asking);
        let second = self.x.newbridge();
        self.x.enter(second, target);
        self.x.enter(second, asking);
        let (one, two) = (self.who(asking), self.who(target));
        self.truth.talks(&one, &two, self.x.now);
        let answered = &mut self.truth.calls[other];
        answered.is_answered = true;
        answered.answered_by = Some(to.to_string());
        self.x.wait();
        if consultation == Consultation::GoesBack {
            self.request_hangup(asking, 16);
            self.truth.talks_no_more(&one, self.x.now);
            self.x.leave(second, asking);
            self.x.leave(second, target);
            self.x.destroy(second);
            self.hangup(asking, 16);
            self.hangup(target, 16);
            self.truth.calls[other].end = End::ByYou;
            self.truth.calls[other].ended_by = Some(one);
            self.x.wait();
            self.x.event("Unhold", &[("", by)], "");
            return;
        }
        self.replace(by, asking, target, second, other);
    }

    /// REFER with Replaces: who consulted is taken out of both calls.
    fn replace(&mut self, by: Ch, asking: Ch, target: Ch, second: Br, other: usize) {
        let (first, beside) = self.beside(by);
        if self.x.dice.once_in(2) {
            self.x.event("Unhold", &[("", by)], "");
            self.x.event("Unhold", &[("", asking)], "");
        }
        self.hush(by);
        self.truth.talks_no_more(&self.who(asking), self.x.now);
        self.x.leave(first, beside);
        self.x.leave(second, asking);
        self.x.enter(second, beside);
        self.merge(other);
        let text = format!(
            "Result: Success\r\n{}{}IsExternal: No\r\nDestType: Bridge\r\n",
            self.x.bridge_text(first, "OrigBridge"),
            self.x.bridge_text(second, "SecondBridge"),
        );
        let channels = [
            ("OrigTransferer", by),
            ("SecondTransferer", asking),
            ("Transferee", beside),
            ("TransferTarget", target),
        ];
        self.x.event("AttendedTransfer", &channels, &text);
        let passed = Passed {
            kind: TransferKind::Attended,
            by: self.extension(by).unwrap_or_default(),
            to: self.extension(target),
        };
        self.truth.calls[self.main].transfers.push(passed);
        self.hangup(asking, 16);
        self.x.leave(first, by);
        self.hangup(by, 16);
        self.x.destroy(first);
        self.drop_end(by);
        self.chain.push(target);
        self.bridges.push(second);
        self.talk();
    }

    fn atxfer(&mut self, by: Ch, to: Phone) {
        let (first, beside) = self.beside(by);
        let stem = format!("{to}@internal");
        let (near, far) = self.x.local_pair(&stem, by, &to.to_string());
        let target = self.dial(far, Some(to), "AppDial");
        let second = self.x.newbridge();
        self.x.enter(second, near);
        self.hush(by);
        self.x.leave(first, by);
        self.x.enter(second, by);
        self.ring(Some(far), target);
        self.x.state(near, RINGING);
        self.dial_state(None, near);
        self.x.wait();
        self.truth.rings_no_more(&self.who(target), self.x.now);
        self.x.state(target, UP);
        self.dial_end(Some(far), target, "ANSWER");
        self.x.state(far, UP);
        let third = self.x.newbridge();
        self.x.state(near, UP);
        self.dial_end(None, near, "ANSWER");
        self.x.enter(third, target);
        self.x.enter(third, far);
        let (one, two) = (self.who(by), self.who(target));
        self.truth.talks(&one, &two, self.x.now);
        self.x.wait();
        self.request_hangup(by, 16);
        self.truth.talks_no_more(&one, self.x.now);
        self.x.leave(second, by);
        self.x.leave(second, near);
        self.x.enter(first, near);
        let text = format!(
            "Result: Success\r\n{}{}IsExternal: No\r\nDestType: Bridge\r\n",
            self.x.bridge_text(first, "OrigBridge"),
            self.x.bridge_text(second, "SecondBridge"),
        );
        let channels = [
            ("OrigTransferer", by),
            ("SecondTransferer", by),
            ("Transferee", beside),
            ("TransferTarget", near),
        ];
        self.x.event("AttendedTransfer", &channels, &text);
        let passed = Passed {
            kind: TransferKind::Attended,
            by: self.extension(by).unwrap_or_default(),
            to: self.extension(target),
        };
        self.truth.calls[self.main].transfers.push(passed);
        self.x.destroy(second);
        self.hangup(by, 16);
        self.drop_end(by);
        self.chain.push(target);
        self.bridges.push(third);
        self.talk();
        // The pair is taken out: for a moment nobody is with anybody.
        self.x.leave(first, beside);
        self.x.leave(third, far);
        self.x.enter(third, beside);
        self.hangup(far, 0);
        self.x.leave(first, near);
        self.hangup(near, 0);
        self.x.destroy(first);
    }

    fn park(&mut self, by: Ch, fate: Fate) -> Result<(), Over> {
        let (first, parkee) = self.beside(by);
        let own = self.extension(by).unwrap_or_default();
        let lot = self.x.named_bridge("parking", "Parking", "default");
        let place = format!(
            "ParkerDialString: PJSIP/{own}\r\nParkinglot: default\r\nParkingSpace: 701\r\n\
             ParkingTimeout: 20\r\nParkingDuration: 0\r\n"
        );
        self.hush(by);
        self.x.leave(first, parkee);
        if self.x.dice.once_in(2) {
            self.x.event("ParkedCall", &[("Parkee", parkee)], &place);
            self.x.enter(lot, parkee);
        } else {
            self.x.enter(lot, parkee);
            self.x.event("ParkedCall", &[("Parkee", parkee)], &place);
        }
        self.truth.calls[self.main].parkings += 1;
        self.x.wait();
        self.x.leave(first, by);
        self.x.destroy(first);
        self.hangup(by, 16);
        self.drop_end(by);
        self.x.wait();
        match fate {
            Fate::Fetched(phone) => {
                self.fetch(parkee, phone, lot, &place);
                Ok(())
            }
            Fate::RingsBack(outcome) => {
                self.x
                    .event("ParkedCallTimeOut", &[("Parkee", parkee)], &place);
                self.x.leave(lot, parkee);
                let own = own.parse().unwrap_or_default();
                self.dial_on(parkee, own, outcome)
            }
            Fate::GivesUp => {
                self.request_hangup(parkee, 16);
                self.x.leave(lot, parkee);
                self.x
                    .event("ParkedCallGiveUp", &[("Parkee", parkee)], &place);
                self.hangup(parkee, 16);
                let end = self.end_by(parkee);
                self.ends(end, Some(parkee));
                Err(Over)
            }
        }
    }

    fn fetch(&mut self, parkee: Ch, phone: Phone, lot: Br, place: &str) {
        let other = self.call(Direction::Outgoing, Some(&phone.to_string()));
        let retriever = self.placing_in(other, phone, "701");
        self.x.runs(retriever, "ParkedCall", "default,701");
        self.x.state(retriever, UP);
        let channels = [("Parkee", parkee), ("Retriever", retriever)];
        self.x.event("UnParkedCall", &channels, place);
        self.x.leave(lot, parkee);
        self.bridge_at_end(parkee, retriever);
        self.merge(other);
        self.talk();
    }

    // Ends.

    fn goodbye(&mut self, by: Option<Ch>) {
        if let Some(by) = by {
            self.request_hangup(by, 16);
        }
        let end = by.map_or(End::ByPbx, |by| self.end_by(by));
        self.hush(self.chain[0]);
        self.hang_all_up(by);
        self.ends(end, by);
    }

    /// Bridge by bridge, beginning at one end.
    fn hang_all_up(&mut self, first: Option<Ch>) {
        let from_end = first.is_some() && first == self.chain.last().copied();
        let mut chain = self.chain.clone();
        let mut bridges = self.bridges.clone();
        if from_end {
            chain.reverse();
            bridges.reverse();
        }
        let mut left = Vec::new();
        for (at, ch) in chain.iter().enumerate() {
            // Who dialled on is in no bridge.
            let in_bridge = if chain.len() % 2 == 1 && from_end {
                at.checked_sub(1)
            } else {
                Some(at)
            };
            if let Some(bridge) = in_bridge.and_then(|at| bridges.get(at / 2)) {
                self.x.leave(*bridge, *ch);
            }
            if self.x.dice.once_in(2) {
                self.hangup(*ch, 16);
            } else {
                left.push(*ch);
            }
        }
        for ch in left.into_iter().rev() {
            self.hangup(ch, 16);
        }
    }

    /// "You" is our side; of an internal call, who placed it.
    fn end_by(&self, by: Ch) -> End {
        let call = &self.truth.calls[self.main];
        let is_you = match call.direction {
            Direction::Incoming | Direction::Outgoing => self.extension(by).is_some(),
            Direction::Internal => self.extension(by) == call.caller,
        };
        if is_you { End::ByYou } else { End::ByThem }
    }

    fn ends(&mut self, end: End, by: Option<Ch>) {
        let by = by.map(|by| self.who(by));
        let call = &mut self.truth.calls[self.main];
        call.end = end;
        call.ended_by = by;
    }

    // What several of these have in common.

    fn call(&mut self, direction: Direction, caller: Option<&str>) -> usize {
        self.truth.calls.push(CallTruth {
            direction,
            caller: caller.map(str::to_owned),
            answered_by: None,
            is_answered: false,
            end: End::ByPbx,
            ended_by: None,
            transfers: Vec::new(),
            queues: Vec::new(),
            parkings: 0,
            clicked: false,
        });
        self.truth.calls.len() - 1
    }

    fn merge(&mut self, other: usize) {
        self.truth.merges.push((self.x.now, other, self.main));
    }

    fn placing(&mut self, extension: Phone, number: &str) -> Ch {
        self.placing_in(self.main, extension, number)
    }

    fn placing_in(&mut self, call: usize, extension: Phone, number: &str) -> Ch {
        let (endpoint, own) = (format!("PJSIP/{extension}"), extension.to_string());
        let name = format!("Agent {extension}");
        let at = self.x.now;
        let ch = self
            .x
            .newchannel(&endpoint, None, RING, (&own, &name), number);
        self.truth.is_born(&self.x.channels[ch].uniqueid, call, at);
        ch
    }

    fn phone(
        &mut self,
        endpoint: &str,
        linked: Option<Ch>,
        state: u8,
        who: (&str, &str),
        exten: &str,
    ) -> Ch {
        let at = self.x.now;
        let ch = self.x.newchannel(endpoint, linked, state, who, exten);
        self.truth
            .is_born(&self.x.channels[ch].uniqueid, self.main, at);
        ch
    }

    fn dial(&mut self, from: Ch, to: Option<Phone>, application: &str) -> Ch {
        self.dial_in(self.main, from, to, application)
    }

    /// One of our phones, or the number outside.
    fn dial_in(&mut self, call: usize, from: Ch, to: Option<Phone>, application: &str) -> Ch {
        let (endpoint, number, string) = match to {
            Some(phone) => (
                format!("PJSIP/{phone}"),
                phone.to_string(),
                phone.to_string(),
            ),
            None => (
                "PJSIP/trunk".to_owned(),
                OUTSIDE.to_owned(),
                format!("{OUTSIDE}@trunk"),
            ),
        };
        let at = self.x.now;
        let ch = self
            .x
            .newchannel(&endpoint, Some(from), DOWN, (&number, ""), "s");
        self.truth.is_born(&self.x.channels[ch].uniqueid, call, at);
        self.x.channels[ch].connected = self.x.channels[from].number.clone();
        self.x.runs(ch, application, "(Outgoing Line)");
        self.x.event("NewConnectedLine", &[("", ch)], "");
        let string = format!("DialString: {string}\r\n");
        self.x
            .event("DialBegin", &[("", from), ("Dest", ch)], &string);
        self.x.channels[from].connected = number;
        self.x.event("NewConnectedLine", &[("", from)], "");
        ch
    }

    fn dial_for_queue(&mut self, caller: Ch, member: Phone) -> Ch {
        let phone = self.dial(caller, Some(member), "AppQueue");
        self.offered(caller, phone, member, &format!("PJSIP/{member}"));
        phone
    }

    fn offered(&mut self, caller: Ch, dest: Ch, member: Phone, interface: &str) {
        let text =
            format!("Queue: 400\r\nInterface: {interface}\r\nMemberName: Agent {member}\r\n");
        self.x
            .event("AgentCalled", &[("", caller), ("Dest", dest)], &text);
        let visit = self.truth.calls[self.main].queues.last_mut();
        if let Some(visit) = visit {
            visit.offered.insert(member.to_string());
        }
    }

    fn taken(&mut self, caller: Ch, dest: Ch, phone: Ch) {
        let member = self.extension(phone).unwrap_or_default();
        self.x
            .event("QueueCallerLeave", &[("", caller)], "Queue: 400\r\n");
        let interface = if dest == phone {
            format!("PJSIP/{member}")
        } else {
            format!("Local/{member}@from-queue/n")
        };
        let text =
            format!("Queue: 400\r\nInterface: {interface}\r\nMemberName: Agent {member}\r\n");
        self.x
            .event("AgentConnect", &[("", caller), ("Dest", dest)], &text);
        let call = &mut self.truth.calls[self.main];
        if let Some(visit) = call.queues.last_mut() {
            visit.outcome = Some(Taken::By(member.as_str().into()));
        }
    }

    /// The channel and Dial tell it in either order, and one may be missing.
    fn ring(&mut self, from: Option<Ch>, dest: Ch) {
        self.truth.rings(&self.who(dest), self.x.now);
        match self.x.dice.below(4) {
            0 => self.x.state(dest, RINGING),
            1 => self.dial_state(from, dest),
            2 => {
                self.x.state(dest, RINGING);
                self.dial_state(from, dest);
            }
            _ => {
                self.dial_state(from, dest);
                self.x.state(dest, RINGING);
            }
        }
    }

    fn dial_state(&mut self, from: Option<Ch>, dest: Ch) {
        let channels: Vec<_> = from
            .map(|from| ("", from))
            .into_iter()
            .chain([("Dest", dest)])
            .collect();
        self.x
            .event("DialState", &channels, "DialStatus: RINGING\r\n");
    }

    fn dial_end(&mut self, from: Option<Ch>, dest: Ch, status: &str) {
        let channels: Vec<_> = from
            .map(|from| ("", from))
            .into_iter()
            .chain([("Dest", dest)])
            .collect();
        self.x
            .event("DialEnd", &channels, &format!("DialStatus: {status}\r\n"));
    }

    fn unanswered(&mut self, from: Ch, dest: Ch, status: &str, cause: u16) {
        self.truth.rings_no_more(&self.who(dest), self.x.now);
        self.dial_end(Some(from), dest, status);
        self.hangup(dest, cause);
    }

    fn answer(&mut self, caller: Ch, rung: &[Ch], at: usize) {
        let taker = rung[at];
        let others: Vec<_> = rung
            .iter()
            .copied()
            .filter(|other| *other != taker)
            .collect();
        self.truth.rings_no_more(&self.who(taker), self.x.now);
        self.x.state(taker, UP);
        let told_first = self.x.dice.once_in(2);
        if told_first {
            self.dial_end(Some(caller), taker, "ANSWER");
        }
        for other in &others {
            self.truth.rings_no_more(&self.who(*other), self.x.now);
            self.dial_end(Some(caller), *other, "CANCEL");
        }
        if !told_first {
            self.dial_end(Some(caller), taker, "ANSWER");
        }
        self.is_up(caller);
        let late = self.x.dice.once_in(2);
        if late {
            self.bridge(&[taker, caller]);
        }
        for other in others {
            self.hangup(other, 26);
        }
        if !late {
            self.bridge(&[taker, caller]);
        }
        self.talk();
    }

    fn is_up(&mut self, ch: Ch) {
        if self.x.channels[ch].state != UP {
            self.x.state(ch, UP);
        }
    }

    /// The callee and the caller, who come in one or the other order.
    fn bridge(&mut self, members: &[Ch; 2]) {
        let bridge = self.x.newbridge();
        let [one, two] = *members;
        if self.x.dice.once_in(2) {
            self.x.enter(bridge, one);
            self.x.enter(bridge, two);
        } else {
            self.x.enter(bridge, two);
            self.x.enter(bridge, one);
        }
        self.chain = vec![two, one];
        self.bridges = vec![bridge];
    }

    /// Behind what is left of the chain.
    fn bridge_at_end(&mut self, from: Ch, new: Ch) {
        let bridge = self.x.newbridge();
        if self.x.dice.once_in(2) {
            self.x.enter(bridge, from);
            self.x.enter(bridge, new);
        } else {
            self.x.enter(bridge, new);
            self.x.enter(bridge, from);
        }
        self.chain.push(new);
        self.bridges.push(bridge);
    }

    /// The ends of the chain talk from now on.
    fn talk(&mut self) {
        let (one, two) = (self.chain[0], self.chain[self.chain.len() - 1]);
        self.truth.talks(
            &self.x.channels[one].uniqueid,
            &self.x.channels[two].uniqueid,
            self.x.now,
        );
        let answerer = self.extension(two);
        let call = &mut self.truth.calls[self.main];
        if !call.is_answered {
            call.is_answered = true;
            call.answered_by = answerer;
        }
    }

    fn hush(&mut self, ch: Ch) {
        self.truth
            .talks_no_more(&self.x.channels[ch].uniqueid, self.x.now);
    }

    /// The bridge of one end and who else is in it.
    fn beside(&self, end: Ch) -> (Br, Ch) {
        if self.chain[0] == end {
            (self.bridges[0], self.chain[1])
        } else {
            (
                self.bridges[self.bridges.len() - 1],
                self.chain[self.chain.len() - 2],
            )
        }
    }

    fn other_end(&self, end: Ch) -> Ch {
        let last = self.chain[self.chain.len() - 1];
        if end == last { self.chain[0] } else { last }
    }

    /// An end and its bridge are gone; who was beside him is the last of the chain now.
    fn drop_end(&mut self, end: Ch) {
        if self.chain[0] == end {
            self.chain.reverse();
            self.bridges.reverse();
        }
        self.chain.pop();
        self.bridges.pop();
    }

    fn request_hangup(&mut self, ch: Ch, cause: u16) {
        self.x
            .event("HangupRequest", &[("", ch)], &format!("Cause: {cause}\r\n"));
    }

    fn hangup(&mut self, ch: Ch, cause: u16) {
        self.truth.dies(&self.x.channels[ch].uniqueid, self.x.now);
        self.x.hangup(ch, cause);
    }

    fn who(&self, ch: Ch) -> String {
        self.x.channels[ch].uniqueid.clone()
    }

    /// `None` for a line outside and for Local halves.
    fn extension(&self, ch: Ch) -> Option<String> {
        let endpoint = self.x.channels[ch].name.strip_prefix("PJSIP/")?;
        let (endpoint, _) = endpoint.split_once('-')?;
        (endpoint != "trunk").then(|| endpoint.to_owned())
    }
}

/// What a phone dials to get there.
fn first_dialled(reach: &Reach) -> String {
    match reach {
        Reach::Answered(phones, _)
        | Reach::NoAnswer(phones)
        | Reach::GivesUp(phones)
        | Reach::Hunt(phones)
            if phones.len() == 1 =>
        {
            phones[0].to_string()
        }
        Reach::Answered(..) | Reach::NoAnswer(_) | Reach::GivesUp(_) | Reach::Hunt(_) => {
            "610".into()
        }
        Reach::Busy(phone)
        | Reach::PickedUp { rings: phone, .. }
        | Reach::Voicemail { rings: phone, .. } => phone.to_string(),
        Reach::Queue { .. } => "600".into(),
        Reach::Room(_) => "800".into(),
    }
}
