//! Which action on which channel does what a person wants, or why it cannot be done. Decided before anything is sent.

use crate::{CallId, Desk, DoNotDisturb, Order, words};
use ami::{
    Action, Confbridge, ConfbridgeOrder, CustomState, Database, DtmfDigit, ExtensionAddress,
    FieldValue, Park, PlayDtmf, QueueAdd, QueueMembership, Recording, RecordingFile, Redirect,
    Rights, Setvar, Uniqueid,
};
use calls::{Call, CallTracker, Leg, LegId, LegState, Membership, QueueMember, Role, States};
use phone_number::Tones;
use std::{collections::VecDeque, time::Duration};

/// What is known when an order comes.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) tracker: &'a CallTracker,
    pub(crate) states: &'a States,
    /// `None` until ListCommands is answered; then Asterisk's own refusal tells.
    pub(crate) rights: Option<&'a Rights>,
    /// The call that is meant.
    pub(crate) call: Option<&'a Call>,
    /// Counts orders, so that no recording is written over another.
    pub(crate) number: u64,
}

/// Actions to send one after another, each when the one before it was done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: VecDeque<Action>,
    /// Between two steps.
    pub(crate) gap: Duration,
    pub(crate) proof: Option<Proof>,
    /// The channel whose recording begins or ends with it.
    pub(crate) records: Option<(Uniqueid, bool)>,
}

/// Asterisk says Success also when nothing comes of it; this leg stops talking when something does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
}

/// How long a key is pressed, and how long none is before the next: what every receiver hears.
const TONE: Duration = Duration::from_millis(120);
const TONE_GAP: Duration = Duration::from_millis(80);

type Refused = String;

impl From<Action> for Plan {
    fn from(action: Action) -> Self {
        Self::of([action])
    }
}

impl Plan {
    fn of(steps: impl IntoIterator<Item = Action>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            gap: Duration::ZERO,
            proof: None,
            records: None,
        }
    }
}

/// Decides.
///
/// # Errors
/// A sentence that says why not, and what would help.
pub(crate) fn plan(order: &Order, scene: Scene<'_>) -> Result<Plan, Refused> {
    let plan = scene.plan(order)?;
    let missing = scene.rights.and_then(|rights| {
        let mut steps = plan.steps.iter();
        steps.find_map(|action| rights.missing(action.name()))
    });
    match missing {
        Some(missing) => Err(missing.to_string()),
        None => Ok(plan),
    }
}

impl<'a> Scene<'a> {
    fn plan(self, order: &Order) -> Result<Plan, Refused> {
        match order {
            Order::BlindTransfer { to } => self.blind_transfer(to.as_str()),
            Order::AttendedTransfer { to } => self.attended_transfer(to.as_str()),
            Order::CancelTransfer => {
                let channel = name(self.mine()?)?;
                Ok(Action::CancelAtxfer { channel }.into())
            }
            Order::Join { with } => self.join(*with),
            Order::Redirect { to } => self.redirect(to.as_str()),
            Order::Hold => Err(words::NO_HOLD.into()),
            Order::Park => self.park(),
            Order::PickUp => self.pick_up(),
            Order::Conference => self.conference(),
            Order::Add => self.add(),
            Order::MuteMember { member, on } => self.member(member, |channel| match on {
                true => ConfbridgeOrder::Mute { channel },
                false => ConfbridgeOrder::Unmute { channel },
            }),
            Order::Kick { member } => {
                self.member(member, |channel| ConfbridgeOrder::Kick { channel })
            }
            Order::Tones { tones } => self.tones(tones),
            Order::Record { on } => self.record(*on),
            Order::Mute { on } => {
                let channel = name(self.mine()?)?;
                let (audio, on) = (ami::Audio::FromPhone, *on);
                Ok(Action::MuteAudio { channel, audio, on }.into())
            }
            Order::QueueLogin { queue } => self.queue_login(queue),
            Order::QueueLogout { queue } => self.queue_logout(queue),
            Order::QueuePause {
                queue,
                paused,
                reason,
            } => self.queue_pause(queue.as_deref(), *paused, reason.as_deref()),
            Order::DoNotDisturb { on } => self.do_not_disturb(*on),
        }
    }

    // Who is who.

    fn call(self) -> Result<&'a Call, Refused> {
        let call = self.call.filter(|call| call.ended.is_none());
        let call = call.ok_or(words::CALL_IS_OVER)?;
        if !call.certain {
            return Err("It is not known how this call stands; try again in a moment.".into());
        }
        Ok(call)
    }

    fn my_legs(self, call: &'a Call) -> impl Iterator<Item = &'a Leg> {
        call.legs_of(&self.desk.extension)
            .filter(|leg| leg.state != LegState::Gone)
    }

    /// Our own phone in this call, off the hook.
    fn mine(self) -> Result<&'a Leg, Refused> {
        let call = self.call()?;
        let up = || self.my_legs(call).filter(|leg| leg.state == LegState::Up);
        up().find(|leg| leg.talking)
            .or_else(|| up().next())
            .ok_or_else(|| match self.my_legs(call).next() {
                Some(_) => "Pick up first.".into(),
                None => "Your phone is not in this call.".into(),
            })
    }

    /// The other side, when there is exactly one.
    fn other(self) -> Result<&'a Leg, Refused> {
        let (call, mine) = (self.call()?, self.mine()?);
        let with_me = call.talking().find(|talk| talk.legs.contains(&mine.id));
        let is_other = |leg: &&Leg| match with_me {
            Some(talk) => talk.legs.contains(&leg.id) && leg.id != mine.id,
            None => leg.state == LegState::Up && leg.id != mine.id,
        };
        let mut others = call.legs.iter().filter(is_other);
        match (others.next(), others.next()) {
            (Some(other), None) => Ok(other),
            (Some(_), Some(_)) => Err("Several people are on the other side.".into()),
            (None, _) => Err("There is nobody on the other side yet.".into()),
        }
    }

    /// Whoever had this phone rung, be it a line or a colleague, the one who called or one who was passed on. Where no
    /// event has told of that, the only other one in the call.
    fn calls(self, ringing: &Leg) -> Result<&'a Leg, Refused> {
        let call = self.call()?;
        let is_live = |leg: &&Leg| leg.state != LegState::Gone && leg.id != ringing.id;
        let told = self.tracker.rung_by(ringing).and_then(|by| call.leg(by));
        let found = told.filter(is_live).or_else(|| {
            let mut others = call.legs.iter().filter(is_live);
            let mut others = others.by_ref().filter(|leg| leg.state != LegState::Ringing);
            others.next().filter(|_| others.next().is_none())
        });
        found.ok_or_else(|| "The phone system does not tell who calls.".into())
    }

    fn here(self) -> Result<ExtensionAddress, Refused> {
        self.target(&self.desk.extension)
    }

    fn target(self, exten: &str) -> Result<ExtensionAddress, Refused> {
        Ok(ExtensionAddress {
            exten: field(exten)?,
            context: field(&self.desk.context)?,
        })
    }

    // Passing on.

    /// Given the other side's channel, BlindTransfer throws the caller out (h0_blind_transfer_ami_wrong_channel), and
    /// Redirect of ours throws us into the target: each has its own right one.
    fn blind_transfer(self, to: &str) -> Result<Plan, Refused> {
        let (mine, other) = (self.mine()?, self.other()?);
        let to = self.target(to)?;
        let only_redirect = self
            .rights
            .is_some_and(|rights| !rights.allows("BlindTransfer") && rights.allows("Redirect"));
        if only_redirect {
            return Ok(redirect(name(other)?, to).into());
        }
        let channel = name(mine)?;
        Ok(Action::BlindTransfer { channel, to }.into())
    }

    fn attended_transfer(self, to: &str) -> Result<Plan, Refused> {
        let (call, mine) = (self.call()?, self.mine()?);
        self.other()?;
        let action = Action::Atxfer {
            channel: name(mine)?,
            to: self.target(to)?,
        };
        Ok(Plan {
            proof: Some(Proof {
                call: call.id,
                leg: mine.id,
            }),
            ..Plan::from(action)
        })
    }

    fn join(self, with: CallId) -> Result<Plan, Refused> {
        let second = Self {
            call: self.tracker.call(with),
            ..self
        };
        if self.call()?.id == second.call()?.id {
            return Err("That is the same call.".into());
        }
        let (one, other) = (self.other()?, second.other()?);
        Ok(Action::Bridge {
            first: name(one)?,
            second: name(other)?,
        }
        .into())
    }

    fn redirect(self, to: &str) -> Result<Plan, Refused> {
        let call = self.call()?;
        let rings = |leg: &&Leg| leg.state == LegState::Ringing && leg.role == Role::Callee;
        let ringing = self.my_legs(call).find(rings);
        let ringing = ringing.ok_or("Only a call that rings here can be redirected.")?;
        Ok(redirect(name(self.calls(ringing)?)?, self.target(to)?).into())
    }

    fn park(self) -> Result<Plan, Refused> {
        let (mine, other) = (self.mine()?, self.other()?);
        let lot = self.desk.handling.parking_lot.as_str();
        Ok(Action::Park(Park {
            channel: name(other)?,
            timeout_channel: Some(name(mine)?),
            timeout: None,
            parkinglot: optional(lot)?,
        })
        .into())
    }

    /// By a redirect of the caller to our extension: it needs no pickup group and no code in the dialplan, and keeps the
    /// call one call.
    fn pick_up(self) -> Result<Plan, Refused> {
        let call = self.call()?;
        let parked = call.parked();
        // Who parked a call keeps a leg that nobody hears for some seconds (l_park_and_pickup).
        if self
            .my_legs(call)
            .any(|leg| parked.is_none() || leg.talking)
        {
            return Err("Your phone is in this call already.".into());
        }
        let is_callee = |leg: &&Leg| leg.role == Role::Callee;
        let waits = match parked {
            Some(parked) => {
                let waiting = parked.leg.and_then(|id| call.leg(id));
                Some(waiting.ok_or("The phone system does not tell who waits there.")?)
            }
            None if call.talking().next().is_none() => {
                let ringing = call.ringing().find(is_callee);
                ringing.map(|ringing| self.calls(ringing)).transpose()?
            }
            None => None,
        };
        let waits = waits.ok_or("Only a call that is parked or rings can be picked up.")?;
        Ok(redirect(name(waits)?, self.here()?).into())
    }

    // Conferences.

    fn room(self) -> Result<ExtensionAddress, Refused> {
        let handling = &self.desk.handling;
        let room = handling.conference.as_ref().ok_or(words::NO_CONFERENCE)?;
        let context = match room.context.as_str() {
            "" => &self.desk.context,
            context => context,
        };
        Ok(ExtensionAddress {
            exten: field(&room.exten)?,
            context: field(context)?,
        })
    }

    fn conference(self) -> Result<Plan, Refused> {
        let (mine, other) = (self.mine()?, self.other()?);
        Ok(Action::Redirect(Redirect {
            channel: name(other)?,
            to: self.room()?,
            extra_channel: Some(name(mine)?),
        })
        .into())
    }

    /// The room where our phone is, in whatever call.
    fn my_room(self) -> Result<&'a str, Refused> {
        let mut calls = self.tracker.calls();
        let room = calls.find_map(|call| self.my_legs(call).find_map(|leg| leg.room.as_deref()));
        room.ok_or_else(|| "Your phone is in no conference.".into())
    }

    /// By its own channel: through a Local channel it could be neither muted nor seen, since rooms optimise none away.
    fn add(self) -> Result<Plan, Refused> {
        self.my_room()?;
        Ok(redirect(name(self.other()?)?, self.room()?).into())
    }

    fn member(
        self,
        member: &Uniqueid,
        order: impl FnOnce(FieldValue) -> ConfbridgeOrder,
    ) -> Result<Plan, Refused> {
        let room = self.my_room()?;
        let mut legs = self.tracker.calls().flat_map(|call| &call.legs);
        let leg = legs
            .find(|leg| leg.uniqueid == *member && leg.room.as_deref() == Some(room))
            .ok_or("This member is not in your conference any more.")?;
        Ok(Action::Confbridge(Confbridge {
            room: field(room)?,
            order: order(name(leg)?),
        })
        .into())
    }

    // Sound.

    /// To the other side's line, or where the PBX itself talks with us, as if our phone had pressed the keys.
    fn tones(self, tones: &Tones) -> Result<Plan, Refused> {
        let mine = self.mine()?;
        let (channel, receive) = match self.other() {
            Ok(other) => (name(other)?, false),
            Err(_) => (name(mine)?, true),
        };
        let press = |key| {
            Ok(Action::PlayDtmf(PlayDtmf {
                channel: channel.clone(),
                digit: DtmfDigit::new(key)?,
                duration: Some(TONE),
                receive,
            }))
        };
        let keys: Result<Vec<_>, ami::EncodeError> = tones.as_str().chars().map(press).collect();
        Ok(Plan {
            gap: TONE_GAP,
            ..Plan::of(keys.map_err(|why| words::sentence(&why.to_string()))?)
        })
    }

    fn record(self, on: bool) -> Result<Plan, Refused> {
        let (call, mine) = (self.call()?, self.mine()?);
        let channel = name(mine)?;
        let recording = match (on, call.recording) {
            (true, true) => return Err("The call is being recorded already.".into()),
            (false, false) => return Err("The call is not being recorded.".into()),
            (true, false) => Recording::Start {
                channel,
                file: self.file(call)?,
            },
            (false, true) => Recording::Stop { channel },
        };
        Ok(Plan {
            records: Some((mine.uniqueid.clone(), on)),
            ..Plan::from(Action::Recording(recording))
        })
    }

    /// Ids of calls sort by time and never repeat.
    fn file(self, call: &Call) -> Result<RecordingFile, Refused> {
        let (extension, folder) = (&self.desk.extension, &self.desk.handling.recordings);
        let file = format!("{folder}/{extension}-{}-{}.wav", call.id, self.number);
        RecordingFile::new(&file)
            .map_err(|_| "The folder for recordings in the settings cannot be used.".into())
    }

    // Queues and do-not-disturb.

    /// As we are known in this queue, else as the settings say.
    fn interface(self, queue: Option<&str>) -> Result<FieldValue, Refused> {
        let own = ami::Extension::from(self.desk.extension.as_str());
        let known = self
            .states
            .memberships(&own)
            .find(|member| queue.is_none_or(|queue| member.queue.as_str() == queue));
        let Desk {
            channel, handling, ..
        } = self.desk;
        match (known, handling.queue_interface.as_str()) {
            (Some(member), _) => field(member.interface.as_str()),
            (None, "") => field(channel),
            (None, interface) => field(interface),
        }
    }

    fn is_member(self, queue: &str) -> bool {
        let own = ami::Extension::from(self.desk.extension.as_str());
        let mut mine = self.states.memberships(&own);
        mine.any(|member| member.queue.as_str() == queue)
    }

    fn queue_login(self, queue: &str) -> Result<Plan, Refused> {
        if self.is_member(queue) {
            return Err(format!("You are in the queue {queue} already."));
        }
        let state = self.desk.handling.queue_state_interface.as_str();
        Ok(Action::QueueMembership(QueueMembership::Add(QueueAdd {
            queue: field(queue)?,
            interface: self.interface(Some(queue))?,
            member_name: None,
            state_interface: optional(state)?,
            penalty: 0,
            paused: false,
        }))
        .into())
    }

    fn queue_logout(self, queue: &str) -> Result<Plan, Refused> {
        let own = ami::Extension::from(self.desk.extension.as_str());
        let mut mine = self.states.memberships(&own);
        let is_static = |member: &QueueMember| member.membership == Membership::Static;
        if mine.any(|member| member.queue.as_str() == queue && is_static(member)) {
            return Err(format!(
                "You stand in queues.conf as a member of {queue} and cannot leave it; pause instead."
            ));
        }
        Ok(Action::QueueMembership(QueueMembership::Remove {
            queue: field(queue)?,
            interface: self.interface(Some(queue))?,
        })
        .into())
    }

    fn queue_pause(
        self,
        queue: Option<&str>,
        paused: bool,
        reason: Option<&str>,
    ) -> Result<Plan, Refused> {
        Ok(Action::QueueMembership(QueueMembership::Pause {
            queue: queue.map(field).transpose()?,
            interface: self.interface(queue)?,
            paused,
            reason: reason.map_or(Ok(None), optional)?,
        })
        .into())
    }

    fn do_not_disturb(self, on: bool) -> Result<Plan, Refused> {
        let extension = &self.desk.extension;
        let lamp = || {
            let state = match on {
                true => CustomState::Busy,
                false => CustomState::NotInUse,
            };
            let custom = field(&format!("DND{extension}"))?;
            Ok::<_, Refused>(Action::Setvar(Setvar::DeviceState { custom, state }))
        };
        let entry = || {
            let (family, key) = (field("DND")?, field(extension)?);
            Ok::<_, Refused>(Action::Database(match on {
                true => Database::Put {
                    family,
                    key,
                    value: field("YES")?,
                },
                false => Database::Del { family, key },
            }))
        };
        Ok(match self.desk.handling.do_not_disturb {
            DoNotDisturb::Off => return Err(words::NO_DO_NOT_DISTURB.into()),
            DoNotDisturb::DeviceState => lamp()?.into(),
            DoNotDisturb::Database => entry()?.into(),
            DoNotDisturb::Both => Plan::of([entry()?, lamp()?]),
        })
    }
}

fn redirect(channel: FieldValue, to: ExtensionAddress) -> Action {
    Action::Redirect(Redirect {
        channel,
        to,
        extra_channel: None,
    })
}

fn name(leg: &Leg) -> Result<FieldValue, Refused> {
    field(leg.channel.as_str())
}

fn optional(text: &str) -> Result<Option<FieldValue>, Refused> {
    match text.trim() {
        "" => Ok(None),
        text => field(text).map(Some),
    }
}

fn field(text: &str) -> Result<FieldValue, Refused> {
    FieldValue::new(text)
        .map_err(|why| format!("“{}” cannot be sent: {why}.", text.escape_default()))
}
