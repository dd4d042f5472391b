//! What the session says: events, lists, and the answers to what was asked.

use super::{Engine, Purpose};
use crate::{Capabilities, DeskId, End, Update};
use ami::{
    Action, ActionId, DeviceStatus, Event, EventFilter, Refusal, Rights, SessionEvent, Uniqueid,
};
use ami_client::SendError;
use calls::StateList;
use std::time::Instant;
use tracing::{debug, info, warn};

/// Of the classes that are asked for, but told by other events already.
const NEEDLESS: &[&str] = &["CEL", "MusicOnHoldStart", "MusicOnHoldStop"];

impl Engine {
    /// Takes what the session says; `read` is when its bytes came from the socket.
    pub(crate) fn session(&mut self, event: &SessionEvent<'_>, read: Instant) {
        match event {
            SessionEvent::Event(event) => self.event(event, read),
            SessionEvent::ListItem { action_id, event } => self.list_item(*action_id, event, read),
            SessionEvent::ListComplete { action_id, .. } => self.list_complete(*action_id, read),
            SessionEvent::Reply {
                action_id, message, ..
            } => {
                if self.asked.get(action_id) == Some(&Purpose::Rights)
                    && message.refusal().is_none()
                {
                    self.take_rights(Rights::from_list_commands(message));
                }
                self.reply(*action_id, message.refusal().as_ref(), read);
            }
            SessionEvent::TimedOut { action_id, .. } => self.timed_out(*action_id, read),
            SessionEvent::Unanswered {
                action_id, sent, ..
            } => self.unanswered(*action_id, *sent, read),
            SessionEvent::Banner(_)
            | SessionEvent::LoggedIn
            | SessionEvent::LoginRefused { .. }
            | SessionEvent::LoginTimedOut
            | SessionEvent::Lag(_)
            | SessionEvent::Silent(_) => {}
        }
        self.poll_tracker(read, read);
    }

    /// An AMI secret on a desktop should open no more than it must.
    pub(super) fn take_rights(&mut self, rights: Rights) {
        for class in rights.report().excess {
            let danger = class.danger().unwrap_or_default();
            warn!(%class, "the AMI user may {danger}; take the class from its line write= in manager.conf");
        }
        let own = self.desks.desk(DeskId::OWN).map(|desk| &desk.handling);
        let capabilities = Capabilities::new(&rights, self.user(), own);
        self.tell(DeskId::OWN, Update::Capabilities(Box::new(capabilities)));
        self.spare_events(&rights);
        self.rights = Some(rights);
    }

    /// Leaves out events of which nothing is made here: on a PBX that logs channel events they are the most of all.
    fn spare_events(&mut self, rights: &Rights) {
        if rights.allows("Filter")
            && let Ok(filter) = EventFilter::without(NEEDLESS)
        {
            self.want(Purpose::Filter, Action::Filter(filter));
        }
    }

    fn event(&mut self, event: &Event<'_>, read: Instant) {
        if let Event::DeviceStateChange { device, state } = event {
            self.device(&device.text(), DeviceStatus::from_word(state.bytes()));
        }
        self.states.handle(event);
        self.tracker.handle(event, read);
        if let Event::OriginateResponse(response) = event
            && response.success
        {
            let channel_id = Uniqueid::from(response.uniqueid.text().into_owned());
            self.originate_answered(&channel_id, read);
        }
    }

    fn list_item(&mut self, id: ActionId, event: &Event<'_>, read: Instant) {
        if !self.survey_item(id, event, read) {
            self.event(event, read);
        }
    }

    pub(super) fn list_complete(&mut self, id: ActionId, now: Instant) {
        match self.asked.remove(&id) {
            Some(Purpose::List(list)) => self.list_is_over(&list, None, now),
            Some(Purpose::Question) => self.question_is_over(),
            Some(Purpose::Hints) => {
                self.states.end_list(StateList::Extensions);
                self.read_hints();
            }
            Some(Purpose::Devices) => self.states.end_list(StateList::Devices),
            Some(Purpose::Presences) => self.states.end_list(StateList::Presences),
            Some(
                Purpose::Rights
                | Purpose::Filter
                | Purpose::HangUp(_)
                | Purpose::Order(..)
                | Purpose::Originate(_)
                | Purpose::Cancel(_),
            )
            | None => {}
        }
    }

    /// The answer to an action; without a refusal it is done, or begins to list.
    pub(super) fn reply(&mut self, id: ActionId, refused: Option<&Refusal<'_>>, now: Instant) {
        let Some(purpose) = self.asked.get(&id).cloned() else {
            return;
        };
        let is_list = matches!(
            purpose,
            Purpose::List(_)
                | Purpose::Question
                | Purpose::Devices
                | Purpose::Hints
                | Purpose::Presences
        );
        if refused.is_some() || !is_list {
            self.asked.remove(&id);
        }
        if let Purpose::Originate(channel_id) = &purpose {
            self.originate_replied(channel_id, refused, now);
        } else if let Purpose::Order(desk, order) = &purpose {
            self.order_replied(*desk, order, refused, now);
        } else if let Some(why) = refused {
            self.refused(&purpose, why, now);
        }
    }

    fn refused(&mut self, purpose: &Purpose, why: &Refusal<'_>, now: Instant) {
        match purpose {
            // Mostly the channel has just ended by itself.
            Purpose::HangUp(uniqueid) => {
                debug!(error = ?why, "hangup refused");
                self.tracker.hangup_refused(uniqueid);
            }
            Purpose::Cancel(channel_id) => self.cancel_refused(channel_id, why, now),
            Purpose::List(list) => self.list_is_over(list, Some(why.words()), now),
            Purpose::Question => self.question_is_over(),
            Purpose::Devices
            | Purpose::Hints
            | Purpose::Presences
            | Purpose::Rights
            | Purpose::Filter => debug!(error = ?why, ?purpose, "list refused"),
            Purpose::Originate(_) | Purpose::Order(..) => {}
        }
    }

    fn timed_out(&mut self, id: ActionId, now: Instant) {
        let Some(purpose) = self.asked.remove(&id) else {
            return;
        };
        warn!(?id, "no answer from Asterisk in time");
        match purpose {
            Purpose::Originate(channel_id) => self.doubt(&channel_id),
            Purpose::Order(desk, order) => self.order_unknown(desk, &order),
            Purpose::List(list) => self.list_is_over(&list, Some("no answer"), now),
            Purpose::Question => self.question_is_over(),
            // Nobody knows whether it was done, so it is not done again: the channel's end tells.
            Purpose::Cancel(_)
            | Purpose::HangUp(_)
            | Purpose::Devices
            | Purpose::Hints
            | Purpose::Presences
            | Purpose::Rights
            | Purpose::Filter => {}
        }
    }

    /// Whether it was done cannot be known by asking again, only by looking for its channel.
    fn doubt(&mut self, channel_id: &Uniqueid) {
        let Some(dial) = self.dials.by_channel_mut(channel_id) else {
            return;
        };
        dial.replied = true;
        dial.in_doubt = !dial.is_over();
        if dial.cancelled {
            self.hang_up_dial(channel_id);
        }
        self.audit();
    }

    fn unanswered(&mut self, id: ActionId, sent: bool, now: Instant) {
        match self.asked.remove(&id) {
            Some(Purpose::Originate(channel_id)) if !sent => {
                self.dial_not_sent(&channel_id, now);
            }
            Some(Purpose::Order(desk, order)) if sent => self.order_unknown(desk, &order),
            Some(Purpose::Order(desk, order)) => {
                self.order_not_sent(desk, &order, "the line to the phone system was lost");
            }
            Some(
                Purpose::Originate(_)
                | Purpose::Cancel(_)
                | Purpose::HangUp(_)
                | Purpose::List(_)
                | Purpose::Question
                | Purpose::Devices
                | Purpose::Hints
                | Purpose::Presences
                | Purpose::Rights
                | Purpose::Filter,
            )
            | None => {}
        }
    }

    fn dial_not_sent(&mut self, channel_id: &Uniqueid, now: Instant) {
        let words =
            "Not called: the line to the phone system was lost before the call could be asked for.";
        self.end_dial(channel_id, End::Refused, words, now);
    }

    /// The action has been handed to the connection.
    pub(crate) fn sent(&mut self, id: ActionId, purpose: Purpose, now: Instant) {
        if let Purpose::Originate(channel_id) = &purpose
            && let Some(dial) = self.dials.by_channel_mut(channel_id)
        {
            dial.update.stamps.sent = Some(now);
            let waited_us = now
                .saturating_duration_since(dial.update.stamps.asked)
                .as_micros();
            info!(desk = %dial.desk, dial = %dial.update.dial, waited_us, "originate sent");
            self.tell_dial(channel_id);
        }
        self.asked.insert(id, purpose);
    }

    /// The action certainly was not and will not be done.
    pub(crate) fn not_sent(&mut self, purpose: &Purpose, why: &SendError, now: Instant) {
        warn!(?purpose, error = %why, "action not sent");
        match purpose {
            Purpose::List(list) => return self.list_is_over(list, Some("not sent"), now),
            Purpose::Question => return self.question_is_over(),
            Purpose::Order(desk, order) => {
                return self.order_not_sent(*desk, order, &why.to_string());
            }
            Purpose::Originate(_)
            | Purpose::Cancel(_)
            | Purpose::HangUp(_)
            | Purpose::Devices
            | Purpose::Hints
            | Purpose::Presences
            | Purpose::Rights
            | Purpose::Filter => {}
        }
        let Purpose::Originate(channel_id) = purpose else {
            return;
        };
        self.tracker.originate_refused(channel_id, "");
        let words = format!("Not called: {why}.");
        self.end_dial(channel_id, End::Refused, words, now);
    }
}
