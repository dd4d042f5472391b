//! Outgoing calls: an Originate is wanted once, and what becomes of it is followed by its ChannelId.

use super::{Engine, HANG_UP_AGAIN, HANG_UPS, NORMAL, PHONE_IS_TOLD, Purpose};
use crate::{
    CallId, CallUpdate, Desk, DeskId, DialId, End, Mine, People, Progress, Update,
    dials::{Dial, Due, StandIn, Wish},
    numbers, placing,
    shown::own_channels,
    words,
};
use ami::{Action, FieldValue, Originate, Refusal, Uniqueid};
use contacts::Question;
use phone_number::{Dialable, PhoneNumber};
use std::time::Instant;
use tracing::{debug, info, warn};

impl Engine {
    /// The same id again at the same desk is the same call.
    pub(super) fn dial(&mut self, desk: DeskId, wish: Wish, number: &str, now: Instant) {
        if let Some(known) = self.dials.by_id(desk, &wish.dial) {
            let update = Update::Dial(Box::new(known.update.clone()));
            return self.tell(desk, update);
        }
        let plan = self.desks.desk(desk).map(|desk| &desk.dial_plan);
        let number = plan.and_then(|plan| plan.number(number).ok());
        let question = number.clone().map(|number| Question {
            number,
            line: None,
            extension: self.desks.desk(desk).map(|desk| desk.extension.clone()),
        });
        let people = numbers::who(&self.directory, question.as_ref(), None).people;
        let channel_id = self.next_channel_id();
        let id = channel_id.clone();
        let originate = self.originate(desk, &wish.target, number.as_ref(), &people, id);
        self.dials
            .begin(desk, wish, channel_id.clone(), question, people);
        match originate {
            Ok(originate) => {
                self.expect(desk, &originate, now);
                let purpose = Purpose::Originate(channel_id.clone());
                self.want(purpose, Action::Originate(originate));
            }
            Err(words) => {
                self.dials.end(&channel_id, End::Refused, words, now);
            }
        }
        if let Some(dial) = self.dials.by_channel(&channel_id) {
            let update = Update::Dial(Box::new(dial.update.clone()));
            self.tell(desk, update);
        }
    }

    fn next_channel_id(&mut self) -> Uniqueid {
        self.dialled += 1;
        let (random, number) = (self.seed.random, self.dialled);
        Uniqueid::from(format!("sidetone-{random:016x}-{number}"))
    }

    fn expect(&mut self, desk: DeskId, originate: &Originate, now: Instant) {
        let phone = self.desks.desk(desk).map(|desk| desk.channel.as_str());
        let phone = phone.unwrap_or(originate.channel.as_str());
        self.tracker
            .expect_originate(originate.channel_id.clone(), phone, now);
    }

    fn originate(
        &self,
        desk: DeskId,
        target: &Dialable,
        number: Option<&PhoneNumber>,
        people: &People,
        channel_id: Uniqueid,
    ) -> Result<Originate, String> {
        if self.pbx.is_none() {
            return Err("Not called: no phone system is set up yet.".into());
        }
        let Some(desk) = self.desks.desk(desk) else {
            return Err("Not called: no phone is set up yet.".into());
        };
        if !self.is_up() {
            return Err("Not called: there is no connection to the phone system just now.".into());
        }
        placing::originate(desk, target, number, people, channel_id)
    }

    /// Unless nobody sits there any more.
    pub(super) fn tell_dial(&mut self, channel_id: &Uniqueid) {
        if let Some(dial) = self.dials.by_channel(channel_id)
            && self.desks.desk(dial.desk).is_some()
        {
            let update = Update::Dial(Box::new(dial.update.clone()));
            self.tell(dial.desk, update);
        }
    }

    pub(super) fn end_dial(
        &mut self,
        channel_id: &Uniqueid,
        end: End,
        words: impl Into<String>,
        now: Instant,
    ) {
        if self.dials.end(channel_id, end, words, now).is_some() {
            self.tell_dial(channel_id);
        }
    }

    /// Nothing tells what becomes of them.
    pub(super) fn give_up_dials(&mut self, now: Instant) {
        let running = self.dials.running().map(|dial| dial.channel_id.clone());
        for channel_id in running.collect::<Vec<_>>() {
            self.end_dial(&channel_id, End::Unknown, words::unknown_outcome(), now);
        }
    }

    pub(super) fn give_up_dials_of(&mut self, desk: DeskId, words: &str, now: Instant) {
        let running = self.dials.running_at(desk);
        let running: Vec<_> = running.map(|dial| dial.channel_id.clone()).collect();
        for channel_id in running {
            self.end_dial(&channel_id, End::Unknown, words, now);
        }
    }

    /// There is news of a number, or of any.
    pub(super) fn look_up_dials(&mut self, number: Option<&str>) {
        for channel_id in self.dials.calling(number) {
            let Some(dial) = self.dials.by_channel_mut(&channel_id) else {
                continue;
            };
            let (question, call) = (dial.question.as_ref(), dial.update.call);
            let people = numbers::who(&self.directory, question, call).people;
            if people != dial.update.people {
                dial.update.people = people;
                self.tell_dial(&channel_id);
            }
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
        let Some(dial) = self.dials.by_channel_mut(channel_id) else {
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
        let Some(dial) = self.dials.by_channel(channel_id) else {
            return;
        };
        let desk = self.desks.desk(dial.desk);
        let goes_through_dialplan = desk.is_some_and(|desk| !desk.placing.through.is_empty());
        if goes_through_dialplan && !phone_is_up {
            self.dials
                .remind(channel_id, Due::LookForPhone, now + PHONE_IS_TOLD);
        }
    }

    /// Hangs up what nobody answered. Whoever forwarded his phone to another one is let talk.
    pub(super) fn look_for_phone(&mut self, channel_id: &Uniqueid) {
        if self.phone_was_picked_up(channel_id) {
            return;
        }
        let stand_in = if self.somebody_is_up(channel_id) {
            StandIn::OtherPhone
        } else {
            StandIn::Nobody
        };
        let Some(dial) = self.dials.by_channel_mut(channel_id) else {
            return;
        };
        info!(desk = %dial.desk, dial = %dial.update.dial, ?stand_in, "not answered by the phone");
        dial.stand_in = Some(stand_in);
        if stand_in == StandIn::Nobody {
            self.hang_up_dial(channel_id);
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

    pub(super) fn cancel(&mut self, desk: DeskId, id: &DialId) {
        let known = self.dials.by_id(desk, id).filter(|dial| !dial.is_over());
        let Some(channel_id) = known.map(|dial| dial.channel_id.clone()) else {
            return;
        };
        self.tracker.originate_cancelled(&channel_id);
        let Some(dial) = self.dials.by_channel_mut(&channel_id) else {
            return;
        };
        dial.cancelled = true;
        // Before the answer there may be no channel to hang up; remembered until then.
        if dial.replied {
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
        let dial = self.dials.by_channel_mut(channel_id);
        let Some(dial) = dial.filter(|dial| !dial.is_over()) else {
            return;
        };
        match why {
            Refusal::NoSuchChannel if dial.hang_ups < HANG_UPS => {
                dial.hang_ups += 1;
                self.dials
                    .remind(channel_id, Due::HangUp, now + HANG_UP_AGAIN);
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

    pub(super) fn hang_up(&mut self, desk: DeskId, call: Option<CallId>) {
        match call.or_else(|| self.current_call(desk)) {
            Some(call) => self.hang_up_call(desk, call),
            None => {
                let mut running = self.dials.running_at(desk);
                let newest = running.next_back().map(|dial| dial.update.dial.clone());
                drop(running);
                if let Some(dial) = newest {
                    self.cancel(desk, &dial);
                }
            }
        }
    }

    fn hang_up_call(&mut self, id: DeskId, call_id: CallId) {
        let (Some(desk), Some(call)) = (self.desks.desk(id), self.tracker.call(call_id)) else {
            return;
        };
        let channels: Vec<_> = own_channels(call, desk)
            .map(|leg| (leg.uniqueid.clone(), leg.channel.clone()))
            .collect();
        let originate = call.originate.clone().filter(|channel_id| {
            let dial = self.dials.by_channel(channel_id);
            dial.is_some_and(|dial| dial.desk == id)
        });
        if let Some(channel_id) = originate {
            self.tracker.originate_cancelled(&channel_id);
        }
        let shown = self.desks.seat_mut(id).map(|seat| &mut seat.shown);
        if let Some(shown) = shown.and_then(|shown| shown.get_mut(&call_id)) {
            shown.rejected = shown.update.mine == Mine::Ringing;
        }
        for (uniqueid, channel) in channels {
            self.tracker.hangup_asked(&uniqueid);
            self.hang_up_channel(Purpose::HangUp(uniqueid), channel.as_str());
        }
    }

    /// The call that is talked, else the newest that is held, else the newest that rings here.
    pub(super) fn current_call(&self, desk: DeskId) -> Option<CallId> {
        let seat = self.desks.seat(desk)?;
        let newest = |wanted: &dyn Fn(&CallUpdate) -> bool| {
            let mut updates = seat.shown.values().rev().map(|shown| &shown.update);
            updates
                .find(|update| wanted(update))
                .map(|update| update.call)
        };
        newest(&|update| self.is_talked(update.call, &seat.desk))
            .or_else(|| newest(&|update| update.mine == Mine::Up))
            .or_else(|| newest(&|update| update.mine == Mine::Ringing))
    }

    /// The desk's phone is in it and does not hold it.
    fn is_talked(&self, id: CallId, desk: &Desk) -> bool {
        let Some(call) = self.tracker.call(id) else {
            return false;
        };
        let mut legs = call.legs_of(&desk.extension);
        legs.any(|leg| leg.talking && !leg.on_hold)
    }

    pub(super) fn originate_moved(
        &mut self,
        id: &Uniqueid,
        progress: &calls::Progress,
        now: Instant,
    ) {
        let known = self.tracker.originate(id);
        let call = known.and_then(|originate| originate.call);
        let Some(next) = self.next_step(id, progress) else {
            if matches!(progress, calls::Progress::Ended(_)) {
                self.dials
                    .end(id, End::Unknown, words::OTHER_SETTINGS_DIAL, now);
            }
            return;
        };
        let Some(dial) = self.dials.by_channel_mut(id) else {
            return;
        };
        let is_new_call = call.is_some() && dial.update.call != call;
        dial.update.call = call.or(dial.update.call);
        if self.dials.advance(id, next, now).is_some() || is_new_call {
            self.tell_step(id);
        }
        self.send_tones_if_answered(id, now);
    }

    /// What this means at the desk that dialled; `None` when nobody sits there any more.
    fn next_step(&mut self, id: &Uniqueid, progress: &calls::Progress) -> Option<Progress> {
        let dial = self.dials.by_channel(id)?;
        let desk = self.desks.desk(dial.desk)?;
        let mut next = step(progress, dial, desk, self.user());
        if let Progress::Ended {
            end: End::Unknown,
            words,
        } = &mut next
            && self.is_up()
        {
            *words = words::nothing_heard(self.user());
        }
        Some(next)
    }

    fn tell_step(&mut self, id: &Uniqueid) {
        if let Some(Dial { desk, update, .. }) = self.dials.by_channel(id) {
            info!(%desk, dial = %update.dial, step = progress_name(&update.progress), "dial");
        }
        self.tell_dial(id);
    }

    fn send_tones_if_answered(&mut self, id: &Uniqueid, now: Instant) {
        if let Some(dial) = self.dials.by_channel_mut(id)
            && dial.update.progress == Progress::Answered
            && let Some(call) = dial.update.call
            && let Some(tones) = dial.tones.take()
        {
            let (desk, dial) = (dial.desk, dial.update.dial.clone());
            self.send_tones_soon(desk, dial, call, tones, now);
        }
    }
}

fn step(progress: &calls::Progress, dial: &Dial, desk: &Desk, user: &str) -> Progress {
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
                    (End::YouDidNotPickUp, words::taken_by(stand_in, desk))
                }
                Some(_) | None => words::dial_end(end, dial, desk, user),
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
