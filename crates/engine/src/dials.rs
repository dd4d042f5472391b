//! Outgoing calls that were asked for here: each is sent once, and each has exactly one end.

use crate::{DialId, DialStamps, DialUpdate, End, People, Progress};
use ami::Uniqueid;
use phone_number::{Dialable, PhoneNumber, Tones};
use std::{collections::VecDeque, time::Instant};

/// Ids that are known again; a person makes a few calls a minute.
const REMEMBERED: usize = 256;

#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) update: DialUpdate,
    /// The `ChannelId` of its Originate.
    pub(crate) channel_id: Uniqueid,
    pub(crate) target: Dialable,
    pub(crate) number: Option<PhoneNumber>,
    /// To press once the other side has answered.
    pub(crate) tones: Option<Tones>,
    /// The PBX has answered the Originate, or never will.
    pub(crate) replied: bool,
    /// The answer did not come in time: only its channel can tell what became of it.
    pub(crate) in_doubt: bool,
    pub(crate) cancelled: bool,
    /// The channel was not there yet: hang up again at this time.
    pub(crate) hang_up_at: Option<Instant>,
    /// How often that was so.
    pub(crate) hang_ups: u8,
    /// Something answered: see at this time whether it was the phone.
    pub(crate) look_for_phone_at: Option<Instant>,
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

    /// True when there is something to tell: an end is final.
    pub(crate) fn advance(&mut self, progress: Progress, now: Instant) -> bool {
        if self.is_over() || self.update.progress == progress {
            return false;
        }
        if progress == Progress::RingingYourPhone {
            self.update.stamps.phone_rings.get_or_insert(now);
        }
        self.update.progress = progress;
        self.update.at = now;
        if self.is_over() {
            self.hang_up_at = None;
            self.look_for_phone_at = None;
        }
        true
    }

    pub(crate) fn end(&mut self, end: End, words: impl Into<String>, now: Instant) -> bool {
        self.advance(
            Progress::Ended {
                end,
                words: words.into(),
            },
            now,
        )
    }
}

#[derive(Debug, Default)]
pub(crate) struct Dials {
    dials: VecDeque<Dial>,
}

impl Dials {
    pub(crate) fn begin(
        &mut self,
        wish: Wish,
        channel_id: Uniqueid,
        number: Option<PhoneNumber>,
        people: People,
    ) {
        if self.dials.len() >= REMEMBERED {
            let oldest = self.dials.iter().position(Dial::is_over).unwrap_or(0);
            self.dials.remove(oldest);
        }
        let stamps = DialStamps {
            asked: wish.asked,
            sent: None,
            queued: None,
            phone_rings: None,
        };
        let update = DialUpdate {
            dial: wish.dial,
            call: None,
            progress: Progress::Queued,
            at: wish.asked,
            people,
            stamps,
        };
        self.dials.push_back(Dial {
            update,
            channel_id,
            target: wish.target,
            number,
            tones: wish.tones,
            replied: false,
            in_doubt: false,
            cancelled: false,
            hang_up_at: None,
            hang_ups: 0,
            look_for_phone_at: None,
            stand_in: None,
        });
    }

    pub(crate) fn by_id(&mut self, id: &DialId) -> Option<&mut Dial> {
        self.dials.iter_mut().find(|dial| dial.update.dial == *id)
    }

    pub(crate) fn by_channel(&mut self, channel_id: &Uniqueid) -> Option<&mut Dial> {
        self.dials
            .iter_mut()
            .find(|dial| dial.channel_id == *channel_id)
    }

    pub(crate) fn running(&mut self) -> impl DoubleEndedIterator<Item = &mut Dial> {
        self.dials.iter_mut().filter(|dial| !dial.is_over())
    }

    /// The dials whose time has come; it is taken from them.
    pub(crate) fn take_due(
        &mut self,
        now: Instant,
        time: impl Fn(&mut Dial) -> &mut Option<Instant>,
    ) -> Vec<Uniqueid> {
        let dials = self.dials.iter_mut();
        let due = dials.filter_map(|dial| {
            time(dial).take_if(|at| *at <= now)?;
            Some(dial.channel_id.clone())
        });
        due.collect()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.dials
            .iter()
            .flat_map(|dial| [dial.hang_up_at, dial.look_for_phone_at])
            .flatten()
            .min()
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
