//! Desks come and go while calls go on, and their phones tell how they are.

use super::Engine;
use crate::{Desk, DeskId, Update, phone::Phone, words};
use ami::{DeviceStatus, Extension};
use calls::DeviceName;
use std::time::Instant;
use tracing::debug;

impl Engine {
    /// Other settings of a desk, or a new one; `None`: nobody sits there any more.
    pub(super) fn seat(&mut self, id: DeskId, desk: Option<Desk>, now: Instant) {
        let Some(desk) = desk else {
            return self.unseat(id);
        };
        let old = self.desks.desk(id).cloned();
        let is_same_phone = old.as_ref().is_some_and(|old| old.is_same_phone(&desk));
        if is_same_phone {
            self.desks.set(id, desk);
            return;
        }
        if old.is_some() {
            self.leave_phone(id, now);
        }
        debug!(desk = %id, "a desk is seated");
        self.desks.set(id, desk);
        self.outbox.set_desks(self.desks.len());
        if let Some(old) = old {
            self.name_extension(&old.channel);
        }
        self.look_around(id, now);
    }

    /// Another phone: nobody will tell this desk how the calls of the old one end.
    fn leave_phone(&mut self, id: DeskId, now: Instant) {
        self.give_up_dials_of(id, words::OTHER_SETTINGS_DIAL, now);
        self.give_up_orders_of(id);
        self.give_up_calls(id, words::OTHER_SETTINGS, now);
    }

    fn unseat(&mut self, id: DeskId) {
        let Some(seat) = self.desks.remove(id) else {
            return;
        };
        debug!(desk = %id, "a desk is gone");
        self.give_up_orders_of(id);
        // The line to the PBX is everybody's matter, and told here.
        if id != DeskId::OWN {
            self.outbox.forget(id);
        }
        self.outbox.set_desks(self.desks.len());
        self.name_extension(&seat.desk.channel);
    }

    pub(super) fn give_up_calls(&mut self, id: DeskId, words: &str, now: Instant) {
        for mut shown in self.desks.clear(id).into_values() {
            shown.give_up(words, now);
            self.tell(id, Update::Call(Box::new(shown.update)));
        }
    }

    /// As if the desk had been there from the start.
    fn look_around(&mut self, id: DeskId, now: Instant) {
        let Some(desk) = self.desks.desk(id).cloned() else {
            return;
        };
        self.name_extension(&desk.channel);
        let device = self.states.device(&DeviceName::from(desk.channel.as_str()));
        let device = device.filter(|known| known.certain).map(|known| **known);
        self.hear_phone(id, |phone| {
            *phone = Phone::default();
            phone.device(device.unwrap_or_default());
        });
        self.read_hint(id);
        let is_there = |call: &&calls::Call| call.legs_of(&desk.extension).next().is_some();
        let calls: Vec<_> = self
            .tracker
            .calls()
            .filter(is_there)
            .map(|call| call.id)
            .collect();
        for call in calls {
            self.show_call(id, call, now);
        }
    }

    // Whose phone is whose.

    /// Tracker and states that know nothing yet.
    pub(super) fn name_extensions(&mut self) {
        let channels: Vec<_> = self
            .desks
            .iter()
            .map(|(_, seat)| seat.desk.channel.clone())
            .collect();
        for channel in channels {
            self.name_extension(&channel);
        }
    }

    /// Of several who share a phone, the first names it.
    fn name_extension(&mut self, channel: &str) {
        let first = self.desks.of_channel(channel).first().copied();
        let Some(desk) = first.and_then(|id| self.desks.desk(id)) else {
            self.states.forget_extension(channel);
            self.tracker.forget_extension(channel);
            return;
        };
        let extension = Extension::from(desk.extension.as_str());
        self.states.set_extension(channel, Some(extension.clone()));
        self.tracker.set_extension(channel, Some(extension));
    }

    // Phones.

    pub(super) fn device(&mut self, device: &str, status: DeviceStatus) {
        for id in self.desks.of_channel(device) {
            self.hear_phone(id, |phone| phone.device(status));
        }
    }

    pub(super) fn read_hints(&mut self) {
        for id in self.desks.ids() {
            self.read_hint(id);
        }
    }

    /// The states keep the hints; a list that only repeats them makes no change.
    pub(super) fn read_hint(&mut self, id: DeskId) {
        let Some(desk) = self.desks.desk(id) else {
            return;
        };
        let own = Extension::from(desk.extension.as_str());
        if let Some(hint) = self.states.extension(&own).filter(|hint| hint.certain) {
            let state = hint.state;
            self.hear_phone(id, |phone| phone.hint(state));
        }
    }

    /// Nothing is known of any phone.
    pub(super) fn forget_phones(&mut self) {
        for id in self.desks.ids() {
            self.hear_phone(id, |phone| *phone = Phone::default());
        }
    }

    fn hear_phone(&mut self, id: DeskId, hear: impl FnOnce(&mut Phone)) {
        let Some(seat) = self.desks.seat_mut(id) else {
            return;
        };
        let before = seat.phone.state();
        hear(&mut seat.phone);
        let state = seat.phone.state();
        if state != before {
            self.tell(id, Update::Phone(state));
        }
    }
}
