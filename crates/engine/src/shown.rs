//! A call of the tracker as the person at our phone sees it.

use crate::{CallUpdate, Desk, DialId, Direction, Mine, Phase, Side, numbers};
use calls::{Call, End, Leg, LegState, Role, Talk, Transfer, Transferred};
use contacts::{Directory, Question};
use phone_number::{DialPlan, PhoneNumber};
use std::time::Instant;
use wire::SourceReport;

/// A call that has touched our phone, as it was told last.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) update: CallUpdate,
    /// What the directory is asked; `None`: the number is withheld.
    question: Option<Question>,
    /// We hung up while it rang here.
    pub(crate) rejected: bool,
}

/// The dial that made a call.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) dial: DialId,
    pub(crate) number: Option<PhoneNumber>,
}

/// What is known besides the call itself.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) directory: &'a Directory,
    /// When the bytes that brought this change were read.
    pub(crate) read: Instant,
}

impl Shown {
    /// `None` while the call has not reached our phone.
    pub(crate) fn new(
        call: &Call,
        origin: Option<Origin>,
        around: Surroundings<'_>,
    ) -> Option<Self> {
        let own = Own::of(call, around.desk)?;
        if own.only_looked_for() && call.ended.is_none() {
            return None;
        }
        let (text, name) = own.far_end(call, &around.desk.dial_plan);
        let (dial, asked) =
            origin.map_or((None, None), |origin| (Some(origin.dial), origin.number));
        // What the person asked for, before what the dial plan made of it.
        let number = asked
            .filter(|_| own.direction == Direction::Outgoing)
            .or_else(|| around.desk.dial_plan.number_of_trunk(text?));
        let text = number.as_ref().map(PhoneNumber::raw).or(text);
        let remote = numbers::remote(text, name, number.as_ref());
        let line = line(call, own.direction, around.desk);
        let question = number.map(|number| Question {
            number,
            line: line.clone(),
            extension: alone(call, own.direction, around.desk),
        });
        let who = numbers::who(around.directory, question.as_ref(), Some(call.id));
        let update = CallUpdate {
            call: call.id,
            direction: own.direction,
            internal: call.direction == calls::Direction::Internal,
            mine: own.mine(call),
            phase: own.phase(call, false),
            remote,
            people: who.people,
            sources: who.sources,
            remembered: who.remembered,
            line,
            since: call.started,
            answered: call.answered,
            ended: call.ended,
            event_read: around.read,
            dial,
        };
        Some(Self {
            update,
            question,
            rejected: false,
        })
    }

    /// Takes the newest state of the call; true when there is something to tell.
    pub(crate) fn refresh(
        &mut self,
        call: &Call,
        origin: Option<Origin>,
        around: Surroundings<'_>,
    ) -> bool {
        let Some(mut next) = Self::new(call, origin, around) else {
            return false;
        };
        let old = &self.update;
        let rings_anew = next.update.mine == Mine::Ringing && old.mine == Mine::Gone;
        if !rings_anew {
            next.update.event_read = old.event_read;
        }
        next.update.sources = told_anew(&old.sources, next.update.sources);
        next.rejected = self.rejected && !rings_anew;
        if next.rejected
            && let Some(own) = Own::of(call, around.desk)
        {
            next.update.phase = own.phase(call, true);
        }
        let is_news = next.update != self.update;
        *self = next;
        is_news
    }

    /// The number by which the directory tells of news.
    pub(crate) fn number(&self) -> Option<&str> {
        let question = self.question.as_ref()?;
        Some(question.number.normal_form())
    }

    /// Looks the people up again; true when there is something new to tell.
    pub(crate) fn look_up(&mut self, directory: &Directory) -> bool {
        let update = &mut self.update;
        let who = numbers::who(directory, self.question.as_ref(), Some(update.call));
        let sources = told_anew(&update.sources, who.sources);
        let is_news = who.people != update.people
            || sources != update.sources
            || who.remembered != update.remembered;
        update.people = who.people;
        update.sources = sources;
        update.remembered = who.remembered;
        is_news
    }

    /// Nobody will tell how it ends.
    pub(crate) fn give_up(&mut self, words: &str, now: Instant) {
        self.update.mine = Mine::Gone;
        self.update.phase = Phase::Unknown {
            words: words.into(),
        };
        self.update.ended = Some(now);
    }
}

/// The channels to hang up when the person at this phone is done with the call: his own, never the caller's.
pub(crate) fn own_channels<'a>(call: &'a Call, desk: &'a Desk) -> impl Iterator<Item = &'a Leg> {
    let legs = || {
        call.legs_of(&desk.extension)
            .filter(|leg| leg.state != LegState::Gone)
    };
    let is_up = legs().any(|leg| leg.state == LegState::Up);
    legs().filter(move |leg| !is_up || leg.state == LegState::Up)
}

fn line(call: &Call, direction: Direction, desk: &Desk) -> Option<String> {
    let dialled = call
        .dialled
        .as_deref()
        .filter(|dialled| *dialled != desk.extension)?;
    (direction == Direction::Incoming).then(|| dialled.to_owned())
}

/// A source that says the same again, a moment later or sooner, is no news.
fn told_anew(old: &[SourceReport], mut new: Vec<SourceReport>) -> Vec<SourceReport> {
    for report in &mut new {
        let same = |known: &&SourceReport| {
            (&known.source, &known.state) == (&report.source, &report.state)
        };
        if let Some(known) = old.iter().find(same) {
            *report = known.clone();
        }
    }
    new
}

/// This desk's extension, where no other one of ours rings or dials.
fn alone(call: &Call, direction: Direction, desk: &Desk) -> Option<String> {
    let role = match direction {
        Direction::Incoming => Role::Callee,
        Direction::Outgoing => Role::Caller,
    };
    let mut ours = call.legs.iter().filter(|leg| leg.role == role);
    let is_own = |leg: &Leg| {
        let extension = leg.extension.as_ref();
        extension.is_none_or(|extension| extension.as_str() == desk.extension)
    };
    ours.all(is_own).then(|| desk.extension.clone())
}

/// The legs of our own phone in a call.
struct Own<'a> {
    legs: Vec<&'a Leg>,
    direction: Direction,
}

impl<'a> Own<'a> {
    fn of(call: &'a Call, desk: &'a Desk) -> Option<Self> {
        let legs: Vec<_> = call.legs_of(&desk.extension).collect();
        let last = legs.last()?;
        let direction = match last.role {
            Role::Caller => Direction::Outgoing,
            Role::Callee => Direction::Incoming,
        };
        Some(Self { legs, direction })
    }

    /// Number and name of the other end; the outside line is no part of a number.
    fn far_end<'b>(&self, call: &'b Call, plan: &DialPlan) -> (Option<&'b str>, Option<&'b str>) {
        if self.direction == Direction::Incoming {
            return (call.caller.number.as_deref(), call.caller.name.as_deref());
        }
        let outside = |dialled: &'b str| {
            let rest = dialled.strip_prefix(plan.outside_prefix.as_str());
            rest.filter(|rest| !plan.internal_length.contains(dialled) && !rest.is_empty())
                .unwrap_or(dialled)
        };
        (call.dialled.as_deref().map(outside), None)
    }

    /// Dialled by the PBX, but the phone has not said that it rings: it may be busy or away.
    fn only_looked_for(&self) -> bool {
        self.direction == Direction::Incoming
            && self.legs.iter().all(|leg| leg.state == LegState::Dialling)
    }

    fn mine(&self, call: &Call) -> Mine {
        let any = |state| self.legs.iter().any(|leg| leg.state == state);
        // Off the hook and dialling, unless we had the PBX ring it.
        let dials = self.direction == Direction::Outgoing && any(LegState::Dialling);
        if call.ended.is_some() {
            Mine::Gone
        } else if any(LegState::Up) || (dials && call.originate.is_none()) {
            Mine::Up
        } else if any(LegState::Ringing) || dials {
            Mine::Ringing
        } else {
            Mine::Gone
        }
    }

    fn phase(&self, call: &Call, rejected: bool) -> Phase {
        if !call.certain {
            let words =
                "The line to the phone system is lost; it is not known how the call stands.";
            return Phase::Unknown {
                words: words.into(),
            };
        }
        match self.direction {
            Direction::Outgoing => outgoing_phase(call),
            Direction::Incoming => self.incoming_phase(call, rejected),
        }
    }

    fn incoming_phase(&self, call: &Call, rejected: bool) -> Phase {
        let was_mine = self.legs.iter().any(|leg| leg.answered.is_some());
        let mine = self.mine(call);
        match (call.ended.is_some(), mine) {
            (false, Mine::Up) => Phase::Talking,
            (_, Mine::Gone) if was_mine => self.left(call),
            (_, _) if call.answered.is_some() => Phase::AnsweredElsewhere { by: answerer(call) },
            (false, Mine::Ringing | Mine::Gone) => Phase::Ringing,
            (true, _) => self.unanswered(call, rejected),
        }
    }

    /// Talked here, and now not any more.
    fn left(&self, call: &Call) -> Phase {
        if call.ended.is_some() {
            return ended(call, Direction::Incoming);
        }
        if let Some(words) = self.handed_over(call) {
            return Phase::Ended { words, by: None };
        }
        // At the end of a call one phone leaves before the other.
        let others = call.legs.iter().filter(|leg| leg.state != LegState::Gone);
        if others.count() < 2 && !self.went_on(call) {
            return Phase::Talking;
        }
        Phase::Ended {
            words: "The call goes on without you.".into(),
            by: None,
        }
    }

    /// When this phone's last talk in it ended.
    fn last_talk(&self, call: &Call) -> Option<Instant> {
        let own = |talk: &&Talk| self.legs.iter().any(|leg| talk.legs.contains(&leg.id));
        call.talks
            .iter()
            .filter(own)
            .filter_map(|talk| talk.until)
            .max()
    }

    /// Others have talked since.
    fn went_on(&self, call: &Call) -> bool {
        let last = self.last_talk(call);
        last.is_some_and(|last| call.talks.iter().any(|talk| talk.from >= last))
    }

    /// What this phone did with the call before it left.
    fn handed_over(&self, call: &Call) -> Option<String> {
        let last = self.last_talk(call);
        let parked = call.parkings.last();
        if let Some(parked) = parked.filter(|parked| last.is_none_or(|last| last <= parked.since)) {
            return Some(format!("Parked on {}.", parked.space));
        }
        let mine = |transfer: &&Transfer| {
            let by = transfer.by_leg;
            by.is_some_and(|by| self.legs.iter().any(|leg| leg.id == by))
        };
        let transfer = call.transfers.iter().rev().find(mine)?;
        let to = match &transfer.outcome {
            Transferred::Reached(Some(extension)) => Some(extension.as_str()),
            Transferred::Reached(None) | Transferred::Pending => transfer.to.as_deref(),
            Transferred::Failed => return None,
        };
        Some(match to {
            Some(to) => format!("Passed on to {to}."),
            None => "Passed on.".into(),
        })
    }

    fn unanswered(&self, call: &Call, rejected: bool) -> Phase {
        let refused =
            |leg: &&Leg| leg.ringing.is_some() && leg.cause.is_some_and(calls::Cause::is_busy);
        if rejected || self.legs.iter().any(refused) {
            return Phase::Ended {
                words: "You rejected the call.".into(),
                by: Some(Side::Me),
            };
        }
        match &call.end {
            Some(End::Disconnected) => lost(),
            Some(End::JoinedTo(_)) => ended(call, Direction::Incoming),
            Some(_) | None => Phase::Missed,
        }
    }
}

fn outgoing_phase(call: &Call) -> Phase {
    match (&call.ended, call.answered) {
        (None, None) => Phase::Ringing,
        (None, Some(_)) => Phase::Talking,
        (Some(_), _) => ended(call, Direction::Outgoing),
    }
}

fn lost() -> Phase {
    Phase::Unknown {
        words: "It ended while the line to the phone system was lost.".into(),
    }
}

/// Who took a call that also rang here.
fn answerer(call: &Call) -> String {
    match &call.answered_by {
        Some(extension) => extension.to_string(),
        None => "somebody outside".into(),
    }
}

/// Over. The tracker's "you" is the caller where both ends are inside.
fn ended(call: &Call, direction: Direction) -> Phase {
    let flipped = call.direction == calls::Direction::Internal && direction == Direction::Incoming;
    let (words, by) = match &call.end {
        Some(End::ByThem) => hung_up(if flipped { Side::Me } else { Side::Them }),
        Some(End::ByYou) => hung_up(if flipped { Side::Them } else { Side::Me }),
        Some(End::ByPbx) => ("The phone system ended the call.".into(), None),
        Some(End::Busy) => ("Busy.".into(), None),
        Some(End::NoAnswer) => ("No answer.".into(), None),
        Some(End::YourPhoneOffline) => ("Your phone is offline.".into(), None),
        Some(End::YouDidNotPickUp) => ("You did not pick up.".into(), Some(Side::Me)),
        Some(End::YouRejected) => ("Your phone refused the call.".into(), Some(Side::Me)),
        Some(End::Cancelled) => ("Cancelled.".into(), None),
        Some(End::NoSuchNumber) => (
            "The number does not exist or cannot be reached.".into(),
            None,
        ),
        Some(End::Refused(why)) => (format!("The phone system refused the call: {why}"), None),
        Some(End::Failed { cause }) => (format!("The call failed: {}.", cause.words()), None),
        Some(End::JoinedTo(_)) => ("Joined with another call.".into(), None),
        Some(End::Voicemail { message: true }) => ("They left a message.".into(), None),
        Some(End::Voicemail { message: false }) => ("The voicemail took the call.".into(), None),
        Some(End::Transferred) => ("You passed the call on.".into(), Some(Side::Me)),
        Some(End::Disconnected) => return lost(),
        None => ("The call ended.".into(), None),
    };
    Phase::Ended { words, by }
}

fn hung_up(by: Side) -> (String, Option<Side>) {
    let words = match by {
        Side::Me => "You hung up.",
        Side::Them => "They hung up.",
    };
    (words.into(), Some(by))
}
