//! A call changes hands: transfers, pickup, parking.

use std::time::Instant;

use ami::{AttendedTransfer, BlindTransfer, Value};

use super::{CallTracker, ChannelKey};
use crate::{Call, Parked, Party, Role, Transfer, TransferKind, Transferred};

impl CallTracker {
    pub(super) fn blind_transfer(&mut self, transfer: &BlindTransfer<'_>, now: Instant) {
        let Some(key) = self.known(&transfer.transferer, now) else {
            return;
        };
        let done = transfer.result.bytes() == b"Success";
        let to = transfer.extension.known();
        let to = to.map(|to| to.text().into());
        self.passed_on(key, TransferKind::Blind, to, done, now);
    }

    /// The consultation joins the call that it was for.
    pub(super) fn attended_transfer(&mut self, transfer: &AttendedTransfer<'_>, now: Instant) {
        let original = self.known(&transfer.original, now);
        let second = self.known(&transfer.second, now);
        let (Some(original), Some(second)) = (original, second) else {
            return;
        };
        let done = transfer.result.bytes() == b"Success";
        if done {
            let (one, two) = (self.channels[original].call, self.channels[second].call);
            if one != two {
                self.merge(one, two, now);
            }
        }
        let target = transfer
            .target
            .as_ref()
            .and_then(|target| self.phone_behind(&target.uniqueid.text(), original));
        let reached = target.and_then(|key| self.extensions.of(self.channels[key].name.as_str()));
        let number = transfer.target.and_then(|target| target.caller.num.known());
        let to = match &reached {
            Some(extension) => Some(extension.as_str().into()),
            None => number.map(|number| number.text().into()),
        };
        self.passed_on(original, TransferKind::Attended, to, done, now);
        let call = self.channels[original].call;
        if done && target.is_some() {
            if let Some(transfer) = self.calls[call].call.transfers.last_mut() {
                transfer.outcome = Transferred::Reached(reached);
            }
            self.changed(call);
        }
    }

    /// The phone that is meant by a channel of a transfer: itself, or whoever talks at the far end of its Local pair.
    fn phone_behind(&self, uniqueid: &str, transferer: ChannelKey) -> Option<ChannelKey> {
        let key = *self.by_uniqueid.get(uniqueid)?;
        if self.channels[key].is_phone() {
            return Some(key);
        }
        let far = self.channels[key].pair?;
        let bridge = &self.bridges[self.channels.get(far)?.bridge?];
        let phones = bridge.members.iter().copied();
        phones
            .filter(|member| *member != transferer)
            .find(|member| self.channels[*member].is_phone())
    }

    fn passed_on(
        &mut self,
        by: ChannelKey,
        kind: TransferKind,
        to: Option<Box<str>>,
        done: bool,
        now: Instant,
    ) {
        let channel = &self.channels[by];
        let call = channel.call;
        let by = self
            .extensions
            .of(channel.name.as_str())
            .filter(|_| channel.is_phone());
        let transfer = Transfer {
            at: now,
            kind,
            by,
            by_leg: channel.leg.filter(|_| done),
            to,
            outcome: if done {
                Transferred::Pending
            } else {
                Transferred::Failed
            },
        };
        let entry = &mut self.calls[call];
        // A leg passes a call on once, however often that is told.
        let is_told = |told: &Transfer| told.by_leg.is_some() && told.by_leg == transfer.by_leg;
        if entry.call.transfers.iter().any(is_told) {
            return;
        }
        // Whoever passes the call on has not ended it, even if his phone said goodbye a moment before.
        if done && entry.call.ended_by.is_some() && entry.call.ended_by == transfer.by_leg {
            entry.call.ended_by = None;
            entry.hung_up_by = None;
        }
        entry.add_transfer(transfer);
        self.changed(call);
    }

    /// `channel` takes the call that rings at `target`.
    pub(super) fn pickup(
        &mut self,
        channel: &ami::Channel<'_>,
        target: &ami::Channel<'_>,
        now: Instant,
    ) {
        let (taker, target) = (self.known(channel, now), self.known(target, now));
        if let (Some(taker), Some(target)) = (taker, target) {
            let (one, two) = (self.channels[target].call, self.channels[taker].call);
            if one != two {
                self.merge(one, two, now);
            }
            let channel = &self.channels[taker];
            let by = self.extensions.of(channel.name.as_str());
            self.calls[channel.call].picked_up_by = by.map(|by| by.as_str().into());
        }
    }

    pub(super) fn parked(
        &mut self,
        parkee: &ami::Channel<'_>,
        lot: Value<'_>,
        space: Value<'_>,
        now: Instant,
    ) {
        if let Some(key) = self.known(parkee, now) {
            self.parked_at(key, &lot.text(), &space.text(), now);
        }
    }

    pub(super) fn parked_at(&mut self, key: ChannelKey, lot: &str, space: &str, since: Instant) {
        self.give_leg_once(key);
        let channel = &self.channels[key];
        let (call, leg) = (channel.call, channel.leg);
        let entry = &mut self.calls[call];
        if entry
            .call
            .parked()
            .is_some_and(|parked| *parked.space == *space)
        {
            return;
        }
        entry.unpark(since);
        if entry.call.parkings.len() >= Call::STEPS {
            entry.call.parkings.remove(0);
        }
        entry.call.parkings.push(Parked {
            lot: lot.into(),
            space: space.into(),
            leg,
            since,
            until: None,
            timed_out: false,
        });
        for transfer in &mut entry.call.transfers {
            if transfer.outcome == Transferred::Pending {
                transfer.outcome = Transferred::Reached(None);
            }
        }
        self.changed(call);
    }

    pub(super) fn parked_too_long(&mut self, parkee: &ami::Channel<'_>, now: Instant) {
        let Some(key) = self.known(parkee, now) else {
            return;
        };
        let call = self.channels[key].call;
        let entry = &mut self.calls[call];
        if entry.unpark(now) {
            if let Some(parked) = entry.call.parkings.last_mut() {
                parked.timed_out = true;
            }
            self.changed(call);
        }
    }

    /// Fetched by somebody, or given up.
    pub(super) fn unparked(
        &mut self,
        parkee: &ami::Channel<'_>,
        retriever: Option<&ami::Channel<'_>>,
        now: Instant,
    ) {
        let Some(key) = self.known(parkee, now) else {
            return;
        };
        let retriever = retriever.and_then(|retriever| self.known(retriever, now));
        // Only now: to know the one may have joined the call of the other to another.
        let call = self.channels[key].call;
        self.calls[call].unpark(now);
        self.changed(call);
        if let Some(retriever) = retriever {
            let other = self.channels[retriever].call;
            if other != call {
                self.merge(call, other, now);
            }
        }
    }

    /// The other side as the caller's phone shows it.
    pub(super) fn new_connected_line(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        if self.channels[key].role != Some(Role::Caller) || !self.channels[key].is_phone() {
            return;
        }
        let (number, name) = (channel.connected.num.text(), channel.connected.name.text());
        let call = self.channels[key].call;
        let entry = &mut self.calls[call];
        if entry.call.callee.is(&number, &name) {
            return;
        }
        let callee = Party::new(&number, &name);
        if !callee.is_anonymous() {
            entry.call.callee = callee;
            self.changed(call);
        }
    }
}
