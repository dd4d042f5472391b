//! Outgoing calls that were asked for here: each is sent once, and each has exactly one end.

use crate::{
    DeskId, DialId, DialStamps, DialUpdate, End, People, Progress,
    remembered::{Age, Remembered},
    timers::Timers,
};
use ami::Uniqueid;
use contacts::Question;
use phone_number::{Dialable, PhoneNumber, Tones};
use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

#[derive(Debug)]
pub(crate) struct Dial {
    /// Where it was asked for.
    pub(crate) desk: DeskId,
    pub(crate) update: DialUpdate,
    /// The `ChannelId` of its Originate.
    pub(crate) channel_id: Uniqueid,
    pub(crate) target: Dialable,
    pub(crate) number: Option<PhoneNumber>,
    /// What the directory is asked.
    pub(crate) question: Option<Question>,
    /// To press once the other side has answered.
    pub(crate) tones: Option<Tones>,
    /// The PBX has answered the Originate, or never will.
    pub(crate) replied: bool,
    /// The answer did not come in time: only its channel can tell what became of it.
    pub(crate) in_doubt: bool,
    pub(crate) cancelled: bool,
    /// How often there was no channel yet to hang up.
    pub(crate) hang_ups: u8,
    pub(crate) stand_in: Option<StandIn>,
}

/// What answered in place of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// Voicemail or an announcement; we hung up.
    Nobody,
    /// The phone is forwarded.
    OtherPhone,
}

impl Dial {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.update.progress, Progress::Ended { .. })
    }

    fn advance(&mut self, progress: Progress, now: Instant) -> bool {
        if self.is_over() || self.update.progress == progress {
            return false;
        }
        if progress == Progress::RingingYourPhone {
            self.update.stamps.phone_rings.get_or_insert(now);
        }
        self.update.progress = progress;
        self.update.at = now;
        true
    }
}

/// What is to be done about a dial at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The channel was not there yet: hang up again.
    HangUp,
    /// Something answered: see whether it was the phone.
    LookForPhone,
}

#[derive(Debug, Default)]
pub(crate) struct Dials {
    dials: Remembered<DialId, Dial>,
    by_channel: HashMap<Uniqueid, Age>,
    /// Those that are not over.
    running: BTreeSet<Age>,
    /// The same, by number in its normal form.
    by_number: HashMap<Box<str>, BTreeSet<Age>>,
    timers: Timers<(Age, Due)>,
}

impl Dials {
    pub(crate) fn begin(
        &mut self,
        desk: DeskId,
        wish: Wish,
        channel_id: Uniqueid,
        question: Option<Question>,
        people: People,
    ) {
        for (age, dial) in self.dials.make_room(desk, Dial::is_over) {
            self.by_channel.remove(&dial.channel_id);
            self.is_over(age, dial.number.as_ref());
        }
        let stamps = DialStamps {
            asked: wish.asked,
            sent: None,
            queued: None,
            phone_rings: None,
        };
        let update = DialUpdate {
            dial: wish.dial.clone(),
            call: None,
            progress: Progress::Queued,
            at: wish.asked,
            people,
            stamps,
        };
        let dial = Dial {
            desk,
            update,
            channel_id: channel_id.clone(),
            target: wish.target,
            number: question.as_ref().map(|question| question.number.clone()),
            question,
            tones: wish.tones,
            replied: false,
            in_doubt: false,
            cancelled: false,
            hang_ups: 0,
            stand_in: None,
        };
        let number = dial.number.as_ref();
        let number: Option<Box<str>> = number.map(|number| number.normal_form().into());
        let age = self.dials.insert(desk, wish.dial, dial);
        if let Some(number) = number {
            self.by_number.entry(number).or_default().insert(age);
        }
        self.by_channel.insert(channel_id, age);
        self.running.insert(age);
    }

    pub(crate) fn by_id(&self, desk: DeskId, id: &DialId) -> Option<&Dial> {
        self.dials.get(desk, id)
    }

    pub(crate) fn by_channel(&self, channel_id: &Uniqueid) -> Option<&Dial> {
        self.dials.at(*self.by_channel.get(channel_id)?)
    }

    pub(crate) fn by_channel_mut(&mut self, channel_id: &Uniqueid) -> Option<&mut Dial> {
        self.dials.at_mut(*self.by_channel.get(channel_id)?)
    }

    /// Those that are not over, at whatever desk, the oldest first.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Dial> {
        self.running.iter().filter_map(|age| self.dials.at(*age))
    }

    /// Those of one desk that are not over, the oldest first.
    pub(crate) fn running_at(&self, desk: DeskId) -> impl DoubleEndedIterator<Item = &Dial> {
        let dials = self.dials.of(desk).map(|(_, dial)| dial);
        dials.filter(|dial| !dial.is_over())
    }

    /// The dial, when there is something to tell: an end is final.
    pub(crate) fn advance(
        &mut self,
        channel_id: &Uniqueid,
        progress: Progress,
        now: Instant,
    ) -> Option<&Dial> {
        let age = *self.by_channel.get(channel_id)?;
        let dial = self.dials.at_mut(age)?;
        let is_news = dial.advance(progress, now);
        if dial.is_over() {
            let number = dial.number.clone();
            self.is_over(age, number.as_ref());
        }
        self.dials.at(age).filter(|_| is_news)
    }

    pub(crate) fn end(
        &mut self,
        channel_id: &Uniqueid,
        end: End,
        words: impl Into<String>,
        now: Instant,
    ) -> Option<&Dial> {
        let words = words.into();
        self.advance(channel_id, Progress::Ended { end, words }, now)
    }

    /// The channels of those that go on and call this number; `None`: of all.
    pub(crate) fn calling(&self, number: Option<&str>) -> Vec<Uniqueid> {
        let ages: Vec<Age> = match number {
            Some(number) => {
                let ages = self.by_number.get(number).into_iter();
                ages.flatten().copied().collect()
            }
            None => self.running.iter().copied().collect(),
        };
        let dials = ages.into_iter().filter_map(|age| self.dials.at(age));
        dials.map(|dial| dial.channel_id.clone()).collect()
    }

    fn is_over(&mut self, age: Age, number: Option<&PhoneNumber>) {
        self.running.remove(&age);
        if let Some(number) = number.map(PhoneNumber::normal_form)
            && let Some(ages) = self.by_number.get_mut(number)
        {
            ages.remove(&age);
            if ages.is_empty() {
                self.by_number.remove(number);
            }
        }
        for due in [Due::HangUp, Due::LookForPhone] {
            self.timers.clear(&(age, due));
        }
    }

    /// Once; a dial that is over needs nothing any more.
    pub(crate) fn remind(&mut self, channel_id: &Uniqueid, due: Due, at: Instant) {
        if let Some(age) = self.by_channel.get(channel_id)
            && self.running.contains(age)
        {
            self.timers.set((*age, due), at);
        }
    }

    /// The dials whose time has come; it is taken from them.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(Due, Uniqueid)> {
        let due = self.timers.take_due(now).into_iter();
        let due = due.filter_map(|(age, due)| Some((due, self.dials.at(age)?.channel_id.clone())));
        due.collect()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) dial: DialId,
    pub(crate) target: Dialable,
    pub(crate) tones: Option<Tones>,
    pub(crate) asked: Instant,
}
