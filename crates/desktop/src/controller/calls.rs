//! Incoming calls: cards, notifications, history.

use super::{Asker, Controller};
use crate::convert;
use crate::history::remember;
use crate::shell::{Notification, NotificationAction, Now, Shell};
use engine::{CallUpdate, Command, Direction, Mine, Phase};
use view::{Card, CardPhase, Change, RefusalCode, Reply, UnixMicros, Window};

impl<S: Shell> Controller<S> {
    pub(super) fn call(&mut self, call: CallUpdate, now: Now) {
        let id = call.call.to_string();
        let call = self.found.name(&id, call);
        if call.direction == Direction::Incoming {
            self.incoming(&id, &call, now);
        }
        if let Some(recent) = convert::recent(&call, now) {
            let mut list = self.state.recent.clone();
            remember(&mut list, recent);
            self.change(Change::Recent(list));
        }
        if !self.is_server_mode() {
            self.own_call(&call, is_over(&call), now);
        }
        if is_over(&call) {
            self.calls.remove(&id);
            self.cards.forget(&id);
            self.found.forget(&id);
        } else {
            self.calls.insert(id, call);
        }
        self.draw_me();
    }

    fn incoming(&mut self, id: &str, call: &CallUpdate, now: Now) {
        let extension = self.extension();
        let is_new = call.phase == Phase::Ringing && !self.calls.contains_key(id);
        self.cards
            .update(convert::card(call, &extension, now), now.instant);
        if is_new {
            self.hops.ring(id, now.unix_us_of(call.event_read));
        }
        self.draw_cards();
        if is_new {
            self.card_wanted(id, now);
        }
        if call.phase != Phase::Ringing {
            self.withdraw_ring(id);
        } else if self.rung.contains_key(id) {
            self.notify_ring(id, now);
        }
    }

    pub(super) fn draw_cards(&mut self) {
        self.change(Change::Cards(self.cards.view()));
    }

    /// The card is on its way to a window that is there, or the window must start: then a notification carries the number.
    fn card_wanted(&mut self, id: &str, now: Now) {
        if self.windows.is_connected() {
            self.hops.ring(id, now.unix_us).published = Some(now.unix_us);
            self.windows.await_paint(id, now.instant);
        } else {
            self.notify_ring(id, now);
            self.need_windows();
        }
    }

    pub(super) fn notify_ring(&mut self, id: &str, now: Now) {
        let Some(card) = self
            .state
            .cards
            .iter()
            .find(|card| card.call == id && card.phase == CardPhase::Ringing)
        else {
            return;
        };
        let notification = ring_notification(card);
        let before = self.rung.insert(id.to_owned(), notification.clone());
        // Who it is may come late, and takes the place of the number alone.
        if before.as_ref() == Some(&notification) {
            return;
        }
        if before.is_none() {
            self.hops.ring(id, now.unix_us).notified = Some(now.unix_us);
        }
        self.shell.notify(notification);
    }

    pub(super) fn withdraw_ring(&mut self, id: &str) {
        self.rung.remove(id);
        self.shell.withdraw(id);
    }

    pub(super) fn painted(&mut self, calls: &[String], received: UnixMicros, painted: UnixMicros) {
        for call in calls {
            self.hops.painted(call, received, painted);
            self.windows.is_painted(call);
            self.withdraw_ring(call);
        }
    }

    pub(super) fn notification_action(&mut self, key: &str, action: NotificationAction) {
        match action {
            NotificationAction::Open => self.show(Window::Panel),
            NotificationAction::HangUp => {
                let _ = self.hang_up_any(Some(key));
            }
            NotificationAction::Closed => {
                self.rung.remove(key);
            }
        }
    }

    pub(super) fn hang_up(&mut self, asker: Asker, call: Option<&str>) {
        match self.hang_up_any(call) {
            true => self.reply(asker, Reply::Done),
            false => self.refuse(
                asker,
                RefusalCode::NoSuchCall,
                "There is no call to hang up.",
            ),
        }
    }

    /// Ends this call, or with `None` the newest own dial, else the call that is talked or rings.
    pub(super) fn hang_up_any(&mut self, call: Option<&str>) -> bool {
        match call {
            Some(id) => {
                let Some(call) = self.calls.get(id).map(|call| call.call) else {
                    return false;
                };
                self.backend(Command::HangUp { call: Some(call) });
                true
            }
            None => {
                if let Some(dial) = self
                    .state
                    .dials
                    .iter()
                    .rev()
                    .find(|dial| dial.can_cancel)
                    .map(|dial| dial.id.clone())
                {
                    self.backend(Command::Cancel { dial: dial.into() });
                    return true;
                }
                if self.calls.is_empty() {
                    return false;
                }
                self.backend(Command::HangUp { call: None });
                true
            }
        }
    }

    /// Whether a call rings this phone, and whether one is up here.
    pub(super) fn own_calls(&self) -> (bool, bool) {
        let ringing = self.calls.values().any(|call| call.mine == Mine::Ringing);
        let up = self.calls.values().any(|call| call.mine == Mine::Up);
        (ringing, up)
    }
}

fn is_over(call: &CallUpdate) -> bool {
    call.ended.is_some()
        || matches!(
            call.phase,
            Phase::AnsweredElsewhere { .. } | Phase::Missed | Phase::Ended { .. }
        )
}

fn ring_notification(card: &Card) -> Notification {
    let number = card.party.number.as_deref().unwrap_or("Number withheld");
    let (title, company) = match card.people.one() {
        Some(person) => (person.name.as_str(), person.company.as_deref()),
        None => (card.party.name.as_deref().unwrap_or(number), None),
    };
    let mut body: Vec<&str> = company.into_iter().collect();
    if title != number {
        body.push(number);
    }
    let line = card.line.as_ref().map(|line| format!("for {line}"));
    body.extend(line.as_deref());
    Notification {
        key: card.call.clone(),
        title: format!("{title} is calling"),
        body: body.join(" · "),
        urgent: true,
        hang_up: true,
    }
}
