//! What the PBX is asked to list: everything after a login, the channels again as an audit, one channel of which it is
//! unclear what happens on it.

use super::{Engine, Purpose};
use crate::{End, words};
use ami::{Action, ActionId, Event, FieldValue};
use calls::{LiveChannel, PbxLists, StateList};
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// While calls go on, the PBX's list is compared with what events have told this often.
const AUDIT_EVERY: Duration = Duration::from_secs(30);
/// A doubt that an audit leaves is settled after this long.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// More rooms are not looked into.
const MOST_ROOMS: usize = 64;
/// Questions that may wait for their answers at the same time.
const MOST_QUESTIONS: usize = 8;

/// One of the PBX's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// CoreShowChannels.
    Channels,
    /// Status of all channels, for who may not list them otherwise.
    Status,
    Bridges,
    Parked,
    Rooms,
    Members(Box<str>),
    Queues,
}

/// Lists that are coming in.
#[derive(Debug)]
pub(super) struct Survey {
    why: Why,
    /// Lists that were asked for and have not come to an end.
    pending: usize,
    lists: PbxLists,
    rooms: Vec<Box<str>>,
    /// There are more.
    rooms_left_out: bool,
    /// Neither list of channels could be had.
    is_blind: bool,
    /// The outcome of a dial is in doubt: look again when this is done, since its channel may come after the list.
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Login,
    Audit,
}

/// When to look next, and whether that is of use.
#[derive(Debug, Default)]
pub(super) struct Audits {
    next: Option<Instant>,
    lost_told: u64,
    questions: usize,
}

impl Engine {
    /// After a login: everything that the PBX lists.
    pub(super) fn begin_survey(&mut self) {
        self.audits = Audits::default();
        self.survey = Some(Survey::new(Why::Login));
        for (list, action) in [
            (List::Channels, Action::CoreShowChannels),
            (List::Bridges, Action::BridgeList),
            (List::Parked, Action::ParkedCalls),
            (List::Rooms, Action::ConfbridgeListRooms),
            (List::Queues, Action::QueueStatus { queue: None }),
        ] {
            self.ask_list(list, action);
        }
        self.states.begin_list(StateList::Queues);
    }

    /// Only the channels: cheap for the PBX, and enough to find what was lost.
    pub(super) fn audit(&mut self) {
        if let Some(survey) = &mut self.survey {
            survey.again = true;
            return;
        }
        self.tracker.begin_audit();
        self.survey = Some(Survey::new(Why::Audit));
        self.ask_list(List::Channels, Action::CoreShowChannels);
    }

    pub(super) fn forget_survey(&mut self) {
        self.survey = None;
        self.audits = Audits::default();
    }

    fn ask_list(&mut self, list: List, action: Action) {
        if let Some(survey) = &mut self.survey {
            survey.pending += 1;
            self.want(Purpose::List(list), action);
        }
    }

    /// An entry of a list; true if it belonged to one of these.
    pub(super) fn survey_item(&mut self, id: ActionId, event: &Event<'_>, read: Instant) -> bool {
        match self.asked.get(&id) {
            Some(Purpose::List(list)) => {
                let is_queues = *list == List::Queues;
                if let Some(survey) = &mut self.survey {
                    survey.take(event);
                }
                // Members and figures of queues are states; who waits is a matter of calls.
                if is_queues {
                    self.states.handle(event);
                }
                true
            }
            Some(Purpose::Question) => {
                if let Event::Status(listing) = event {
                    self.tracker.take_status(&LiveChannel::from(listing), read);
                }
                true
            }
            Some(_) | None => false,
        }
    }

    /// A list is whole, or `refused`.
    pub(super) fn list_is_over(&mut self, list: &List, refused: Option<&str>, now: Instant) {
        if self.survey.is_none() {
            return;
        }
        if let Some(why) = refused {
            self.list_refused(list, why);
        }
        let is_queues = *list == List::Queues && refused.is_none();
        if is_queues {
            self.states.end_list(StateList::Queues);
        }
        let Some(survey) = &mut self.survey else {
            return;
        };
        survey.pending = survey.pending.saturating_sub(1);
        match list {
            List::Rooms if is_none_open(refused) => {
                survey.lists.rooms_listed = !survey.rooms_left_out;
            }
            List::Parked => survey.lists.parked_listed = refused.is_none(),
            List::Queues => survey.lists.queues_listed = refused.is_none(),
            List::Rooms | List::Channels | List::Status | List::Bridges | List::Members(_) => {}
        }
        for room in std::mem::take(&mut survey.rooms) {
            if let Ok(name) = FieldValue::new(&*room) {
                self.ask_list(List::Members(room), Action::ConfbridgeList { room: name });
            }
        }
        if self
            .survey
            .as_ref()
            .is_some_and(|survey| survey.pending == 0)
        {
            self.survey_is_whole(now);
        }
    }

    fn list_refused(&mut self, list: &List, why: &str) {
        match list {
            List::Channels => {
                debug!(error = why, "no list of channels, asking for their status");
                self.ask_list(List::Status, Action::Status { channel: None });
            }
            List::Status => {
                warn!(
                    error = why,
                    "cannot read the calls that go on; the AMI user needs `reporting` or `call`"
                );
                if let Some(survey) = &mut self.survey {
                    survey.is_blind = true;
                }
            }
            List::Bridges | List::Parked | List::Rooms | List::Members(_) | List::Queues => {
                debug!(error = why, ?list, "list refused")
            }
        }
    }

    fn survey_is_whole(&mut self, now: Instant) {
        let Some(survey) = self.survey.take() else {
            return;
        };
        if survey.why == Why::Login || !survey.is_blind {
            self.tracker.resync(&survey.lists, now);
        }
        self.is_resynced |= survey.why == Why::Login && !survey.is_blind;
        self.settle_doubts(now);
        if survey.is_blind {
            return;
        }
        let lost = self.tracker.oddities();
        let lost = lost.lost_hangups + lost.lost_births;
        if lost > self.audits.lost_told {
            info!(
                events = lost - self.audits.lost_told,
                "an audit has mended what was lost"
            );
            self.audits.lost_told = lost;
        }
        let wait = if self.tracker.wants_second_audit() {
            SECOND_LOOK
        } else {
            AUDIT_EVERY
        };
        self.audits.next = Some(now + wait);
        if survey.again {
            self.audit();
        }
    }

    /// Whether an Originate was done that was not answered in time shows by its channel alone.
    fn settle_doubts(&mut self, now: Instant) {
        let doubts = self.dials.running().filter(|dial| dial.in_doubt);
        let doubts: Vec<_> = doubts.map(|dial| dial.channel_id.clone()).collect();
        for channel_id in doubts {
            if let Some(dial) = self.dials.by_channel_mut(&channel_id) {
                dial.in_doubt = false;
            }
            let known = self.tracker.originate(&channel_id);
            if known.is_none_or(|known| known.call.is_none()) {
                self.end_dial(&channel_id, End::Unknown, words::unknown_outcome(), now);
            }
        }
    }

    /// When to look again: only while there is something to look at.
    pub(super) fn next_audit(&self) -> Option<Instant> {
        self.audits
            .next
            .filter(|_| self.survey.is_none() && self.tracker.wants_audit())
    }

    pub(super) fn audit_if_due(&mut self, now: Instant) {
        if self.next_audit().is_some_and(|next| next <= now) {
            self.audits.next = Some(now + AUDIT_EVERY);
            self.audit();
        }
    }

    /// The PBX itself took a call: it alone knows with what.
    pub(super) fn ask_what_is_unclear(&mut self) {
        let is_up = self.is_up();
        // The others wait for the answers to these.
        while (!is_up || self.audits.questions < MOST_QUESTIONS)
            && let Some(channel) = self.tracker.poll_unclear()
        {
            if !is_up {
                continue;
            }
            if let Ok(channel) = FieldValue::new(channel.as_str()) {
                self.audits.questions += 1;
                let channel = Some(channel);
                self.want(Purpose::Question, Action::Status { channel });
            }
        }
    }

    pub(super) fn question_is_over(&mut self) {
        self.audits.questions = self.audits.questions.saturating_sub(1);
    }
}

impl Survey {
    fn new(why: Why) -> Self {
        Self {
            why,
            pending: 0,
            lists: PbxLists::default(),
            rooms: Vec::new(),
            rooms_left_out: false,
            is_blind: false,
            again: false,
        }
    }

    #[cfg(test)]
    pub(super) fn set_channels(&mut self, channels: &[LiveChannel]) {
        self.lists.channels = channels.to_vec();
    }

    fn take(&mut self, event: &Event<'_>) {
        if let Event::ConfbridgeListRooms { room, .. } = event {
            if self.rooms.len() < MOST_ROOMS {
                self.rooms.push(room.text().into());
            } else {
                self.rooms_left_out = true;
            }
        }
        self.lists.take(event);
    }
}

/// With no room in use the list of rooms is an error (Asterisk 13 to 23).
fn is_none_open(refused: Option<&str>) -> bool {
    refused.is_none_or(|why| why.starts_with("No active conferences"))
}
