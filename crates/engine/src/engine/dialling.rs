//! Outgoing calls: an Originate is wanted once, and what becomes of it is followed by its ChannelId.

use super::{Engine, HANG_UP_AGAIN, HANG_UPS, NORMAL, PHONE_IS_TOLD, Purpose};
use crate::{
    CallId, CallUpdate, Config, Connection, DialId, End, Mine, People, Progress, Update,
    dials::{Dial, StandIn, Wish},
    numbers, placing,
    shown::own_channels,
    words,
};
use ami::{Action, FieldValue, Originate, Refusal, Uniqueid};
use phone_number::{Dialable, PhoneNumber};
use std::time::Instant;
use tracing::{debug, info, warn};

impl Engine {
    /// The same id again is the same call.
    pub(super) fn dial(&mut self, wish: Wish, number: &str, now: Instant) {
        if let Some(known) = self.dials.by_id(&wish.dial) {
            self.outbox
                .put(Update::Dial(Box::new(known.update.clone())));
            return;
        }
        let plan = self.config.as_ref().map(|config| &config.dial_plan);
        let number = plan.and_then(|plan| plan.number(number).ok());
        let people = number
            .as_ref()
            .map_or(People::Nobody, |number| numbers::people(&self.book, number));
        self.dialled += 1;
        let channel_id = Uniqueid::from(format!(
            "sidetone-{:016x}-{}",
            self.seed.random, self.dialled
        ));
        let originate = self.originate(&wish.target, number.as_ref(), &people, channel_id.clone());
        self.dials.begin(wish, channel_id.clone(), number, people);
        match originate {
            Ok(originate) => {
                let phone = self.config.as_ref().map(|config| config.channel.as_str());
                let phone = phone.unwrap_or(originate.channel.as_str());
                self.tracker
                    .expect_originate(channel_id.clone(), phone, now);
                self.want(
                    Purpose::Originate(channel_id.clone()),
                    Action::Originate(originate),
                );
                self.tell_dial(&channel_id);
            }
            Err(words) => self.end_dial(&channel_id, End::Refused, words, now),
        }
    }

    fn originate(
        &self,
        target: &Dialable,
        number: Option<&PhoneNumber>,
        people: &People,
        channel_id: Uniqueid,
    ) -> Result<Originate, String> {
        let Some(config) = &self.config else {
            return Err("Not called: no phone system is set up yet.".into());
        };
        if !matches!(self.connection, Connection::Connected { .. }) {
            return Err("Not called: there is no connection to the phone system just now.".into());
        }
        placing::originate(config, target, number, people, channel_id)
    }

    pub(super) fn tell_dial(&mut self, channel_id: &Uniqueid) {
        if let Some(dial) = self.dials.by_channel(channel_id) {
            self.outbox.put(Update::Dial(Box::new(dial.update.clone())));
        }
    }

    pub(super) fn end_dial(
        &mut self,
        channel_id: &Uniqueid,
        end: End,
        words: impl Into<String>,
        now: Instant,
    ) {
        if self
            .dials
            .by_channel(channel_id)
            .is_some_and(|dial| dial.end(end, words, now))
        {
            self.tell_dial(channel_id);
        }
    }

    pub(super) fn originate_replied(
        &mut self,
        channel_id: &Uniqueid,
        refused: Option<&Refusal<'_>>,
        now: Instant,
    ) {
        if let Some(why) = refused {
            // Asterisk's words may hold the number.
            debug!(channel = %channel_id, error = ?why, "originate refused");
            self.tracker.originate_refused(channel_id, why.words());
            return;
        }
        let Some(dial) = self.dials.by_channel(channel_id) else {
            return;
        };
        dial.replied = true;
        dial.update.stamps.queued.get_or_insert(now);
        let is_cancelled = dial.cancelled && !dial.is_over();
        self.tell_dial(channel_id);
        if is_cancelled {
            self.hang_up_dial(channel_id);
        }
    }

    /// What the Originate called is up. Behind a Local channel that need not be the phone: its voicemail may have
    /// answered, and then the other party is about to be rung for nobody.
    pub(super) fn originate_answered(&mut self, channel_id: &Uniqueid, now: Instant) {
        let phone_is_up = self.phone_was_picked_up(channel_id);
        let goes_through_dialplan = self
            .config
            .as_ref()
            .is_some_and(|config| !config.placing.through.is_empty());
        let Some(dial) = self.dials.by_channel(channel_id) else {
            return;
        };
        if goes_through_dialplan && !phone_is_up && !dial.is_over() {
            dial.look_for_phone_at = Some(now + PHONE_IS_TOLD);
        }
    }

    /// Hangs up what nobody answered. Whoever forwarded his phone to another one is let talk.
    pub(super) fn look_for_phones(&mut self, now: Instant) {
        for channel_id in self.dials.take_due(now, |dial| &mut dial.look_for_phone_at) {
            if self.phone_was_picked_up(&channel_id) {
                continue;
            }
            let stand_in = if self.somebody_is_up(&channel_id) {
                StandIn::OtherPhone
            } else {
                StandIn::Nobody
            };
            let Some(dial) = self.dials.by_channel(&channel_id) else {
                continue;
            };
            info!(dial = %dial.update.dial, ?stand_in, "not answered by the phone");
            dial.stand_in = Some(stand_in);
            if stand_in == StandIn::Nobody {
                self.hang_up_dial(&channel_id);
            }
        }
    }

    fn phone_was_picked_up(&self, channel_id: &Uniqueid) -> bool {
        let known = self.tracker.originate(channel_id);
        known.is_none_or(|originate| match originate.progress {
            calls::Progress::Queued | calls::Progress::RingingYourPhone => false,
            calls::Progress::YouPickedUp
            | calls::Progress::Calling
            | calls::Progress::RingingThere
            | calls::Progress::Answered
            | calls::Progress::Ended(_) => true,
        })
    }

    fn somebody_is_up(&self, channel_id: &Uniqueid) -> bool {
        let originate = self.tracker.originate(channel_id);
        let call = originate
            .and_then(|originate| originate.call)
            .and_then(|call| self.tracker.call(call));
        call.is_some_and(|call| call.legs.iter().any(|leg| leg.answered.is_some()))
    }

    pub(super) fn cancel(&mut self, dial: &DialId) {
        let Some(dial) = self.dials.by_id(dial) else {
            return;
        };
        if dial.is_over() {
            return;
        }
        dial.cancelled = true;
        let (channel_id, replied) = (dial.channel_id.clone(), dial.replied);
        self.tracker.originate_cancelled(&channel_id);
        // Before the answer there may be no channel to hang up; remembered until then.
        if replied {
            self.hang_up_dial(&channel_id);
        }
    }

    /// By name where it is known, else by the ChannelId, which Asterisk takes as well.
    pub(super) fn hang_up_dial(&mut self, channel_id: &Uniqueid) {
        let known = self
            .tracker
            .originate(channel_id)
            .and_then(|originate| originate.channel);
        let name = known
            .as_ref()
            .map_or(channel_id.as_str(), |channel| channel.as_str())
            .to_owned();
        self.hang_up_channel(Purpose::Cancel(channel_id.clone()), &name);
    }

    fn hang_up_channel(&mut self, purpose: Purpose, name: &str) {
        match FieldValue::new(name) {
            Ok(channel) => self.want(
                purpose,
                Action::Hangup {
                    channel,
                    cause: Some(NORMAL),
                },
            ),
            Err(error) => warn!(%error, "channel name cannot be sent"),
        }
    }

    /// A channel that was asked for just now may not be there yet; anything else will not change by asking again.
    pub(super) fn cancel_refused(
        &mut self,
        channel_id: &Uniqueid,
        why: &Refusal<'_>,
        now: Instant,
    ) {
        let Some(dial) = self
            .dials
            .by_channel(channel_id)
            .filter(|dial| !dial.is_over())
        else {
            return;
        };
        match why {
            Refusal::NoSuchChannel if dial.hang_ups < HANG_UPS => {
                dial.hang_ups += 1;
                dial.hang_up_at = Some(now + HANG_UP_AGAIN);
            }
            Refusal::NoSuchChannel => {
                info!(dial = %dial.update.dial, "there is no channel to hang up");
            }
            Refusal::PermissionDenied => {
                warn!(dial = %dial.update.dial, "cannot cancel; the AMI user needs the write class `call`");
            }
            Refusal::OriginateForbidden
            | Refusal::NoSuchExtension
            | Refusal::UnknownAction
            | Refusal::Other(_) => {
                warn!(dial = %dial.update.dial, "the phone system did not cancel");
                debug!(error = ?why, "hangup refused");
            }
        }
    }

    pub(super) fn hang_up(&mut self, call: Option<CallId>) {
        let Some(id) = call.or_else(|| self.current_call()) else {
            let newest = self
                .dials
                .running()
                .next_back()
                .map(|dial| dial.update.dial.clone());
            if let Some(dial) = newest {
                self.cancel(&dial);
            }
            return;
        };
        let (Some(config), Some(call)) = (&self.config, self.tracker.call(id)) else {
            return;
        };
        if let Some(channel_id) = call.originate.clone() {
            self.tracker.originate_cancelled(&channel_id);
        }
        let Some(call) = self.tracker.call(id) else {
            return;
        };
        let channels: Vec<_> = own_channels(call, config)
            .map(|leg| (leg.uniqueid.clone(), leg.channel.clone()))
            .collect();
        if let Some(shown) = self.shown.get_mut(&id) {
            shown.rejected = shown.update.mine == Mine::Ringing;
        }
        for (uniqueid, channel) in channels {
            self.tracker.hangup_asked(&uniqueid);
            self.hang_up_channel(Purpose::HangUp(uniqueid), channel.as_str());
        }
    }

    /// The call that is talked, else the newest that is held, else the newest that rings here.
    pub(super) fn current_call(&self) -> Option<CallId> {
        let newest = |wanted: &dyn Fn(&CallUpdate) -> bool| {
            let mut updates = self.shown.values().rev().map(|shown| &shown.update);
            updates
                .find(|update| wanted(update))
                .map(|update| update.call)
        };
        newest(&|update| self.is_talked(update.call))
            .or_else(|| newest(&|update| update.mine == Mine::Up))
            .or_else(|| newest(&|update| update.mine == Mine::Ringing))
    }

    /// Our phone is in it and does not hold it.
    fn is_talked(&self, id: CallId) -> bool {
        let (Some(config), Some(call)) = (&self.config, self.tracker.call(id)) else {
            return false;
        };
        let mut legs = call.legs_of(&config.extension);
        legs.any(|leg| leg.talking && !leg.on_hold)
    }

    pub(super) fn originate_moved(
        &mut self,
        id: &Uniqueid,
        progress: &calls::Progress,
        now: Instant,
    ) {
        let call = self
            .tracker
            .originate(id)
            .and_then(|originate| originate.call);
        let (Some(config), Some(dial)) = (&self.config, self.dials.by_channel(id)) else {
            return;
        };
        let mut next = step(progress, dial, config);
        if let Progress::Ended {
            end: End::Unknown,
            words,
        } = &mut next
            && matches!(self.connection, Connection::Connected { .. })
        {
            *words = words::nothing_heard(config);
        }
        let is_new_call = call.is_some() && dial.update.call != call;
        dial.update.call = call.or(dial.update.call);
        if dial.advance(next, now) || is_new_call {
            info!(dial = %dial.update.dial, step = progress_name(&dial.update.progress), "dial");
            self.outbox.put(Update::Dial(Box::new(dial.update.clone())));
        }
        if dial.update.progress == Progress::Answered
            && let Some(call) = dial.update.call
            && let Some(tones) = dial.tones.take()
        {
            let id = dial.update.dial.clone();
            self.send_tones_soon(id, call, tones, now);
        }
    }
}

fn step(progress: &calls::Progress, dial: &Dial, config: &Config) -> Progress {
    match progress {
        calls::Progress::Queued => Progress::Queued,
        calls::Progress::RingingYourPhone => Progress::RingingYourPhone,
        calls::Progress::YouPickedUp => Progress::YouPickedUp,
        calls::Progress::Calling => Progress::Calling,
        calls::Progress::RingingThere => Progress::RingingThere,
        calls::Progress::Answered => Progress::Answered,
        calls::Progress::Ended(end) => {
            let (end, words) = match dial.stand_in {
                Some(stand_in) if !dial.cancelled => {
                    (End::YouDidNotPickUp, words::taken_by(stand_in, config))
                }
                Some(_) | None => words::dial_end(end, dial, config),
            };
            Progress::Ended { end, words }
        }
    }
}

fn progress_name(progress: &Progress) -> &'static str {
    match progress {
        Progress::Queued => "queued",
        Progress::RingingYourPhone => "ringing own phone",
        Progress::YouPickedUp => "picked up",
        Progress::Calling => "calling",
        Progress::RingingThere => "ringing there",
        Progress::Answered => "answered",
        Progress::Ended { .. } => "ended",
    }
}
