//! The one owner of state, without IO: commands, events and the time go in, actions and updates come out.

mod dialling;
mod dialogue;
mod orders;
mod survey;

use self::{
    orders::Orders,
    survey::{Audits, List, Survey},
};
use crate::{
    CallId, Command, Config, Connection, End, OrderId, People, PhoneState, Update,
    dials::{Dials, Wish},
    feed::Board,
    numbers,
    outbox::Outbox,
    phone::Phone,
    shown::{Origin, Shown, Surroundings},
    words,
};
use ami::{Action, ActionId, Rights, Uniqueid};
use calls::{CallEvent, CallTracker, Seed, StateChange, StateList, States};
use contacts::Book;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::debug;

/// A channel that is to be hung up may not exist yet.
const HANG_UP_AGAIN: Duration = Duration::from_millis(100);
/// After this many times it never will.
const HANG_UPS: u8 = 20;
/// `OriginateResponse` may overtake the `Newstate` of the phone that was picked up.
const PHONE_IS_TOLD: Duration = Duration::from_millis(250);
/// The lag is told at most this often.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// A smaller change of the lag is noise.
const LAG_NOTABLE: Duration = Duration::from_millis(20);
/// Q.850 "normal call clearing".
const NORMAL: u16 = 16;

/// What an action was sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Originate(Uniqueid),
    /// The channel of a dial that was cancelled.
    Cancel(Uniqueid),
    HangUp(Uniqueid),
    /// A step of an order.
    Order(OrderId),
    List(List),
    /// What the dialplan does on one channel.
    Question,
    Devices,
    Hints,
    Presences,
    Rights,
    /// Fewer events.
    Filter,
}

/// An action that is to be sent now, once.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) purpose: Purpose,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) struct Engine {
    config: Option<Config>,
    tracker: CallTracker,
    states: States,
    board: Board,
    seed: Seed,
    book: Arc<Book>,
    dials: Dials,
    dialled: u64,
    orders: Orders,
    /// What the AMI user may do, once it is known.
    rights: Option<Rights>,
    shown: BTreeMap<CallId, Shown>,
    phone: Phone,
    connection: Connection,
    lag_told: Option<Instant>,
    survey: Option<Survey>,
    audits: Audits,
    asked: HashMap<ActionId, Purpose>,
    wanted: VecDeque<Wanted>,
    outbox: Outbox,
}

impl Engine {
    pub(crate) fn new(seed: Seed, book: Arc<Book>, board: Board) -> Self {
        Self {
            config: None,
            tracker: CallTracker::new(seed),
            states: States::default(),
            board,
            seed,
            book,
            dials: Dials::default(),
            dialled: 0,
            orders: Orders::default(),
            rights: None,
            shown: BTreeMap::new(),
            phone: Phone::default(),
            connection: Connection::NotSetUp,
            lag_told: None,
            survey: None,
            audits: Audits::default(),
            asked: HashMap::new(),
            wanted: VecDeque::new(),
            outbox: Outbox::default(),
        }
    }

    pub(crate) fn next_wanted(&mut self) -> Option<Wanted> {
        self.wanted.pop_front()
    }

    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// What readers of the feed see.
    pub(crate) fn board(&mut self) -> &mut Board {
        &mut self.board
    }

    /// Shows readers of the feed what has changed; with the first reader, everything.
    pub(crate) fn publish(&mut self) {
        self.board
            .refresh(&self.connection, &self.tracker, &self.states);
        self.board.publish();
    }

    // The link.

    /// Other settings; true when the connection must be made anew. What is known of another PBX or phone is void.
    pub(crate) fn configure(&mut self, config: Config, now: Instant) -> bool {
        let old = self.config.as_ref();
        let is_same_desk = old.is_some_and(|old| old.is_same_desk(&config));
        let stays = is_same_desk && old.is_some_and(|old| old.pbx.is_same(&config.pbx));
        if !stays {
            self.down(now);
        }
        if !is_same_desk {
            self.forget_calls("The settings were changed meanwhile.", now);
        }
        let own = ami::Extension::from(config.extension.as_str());
        self.states
            .set_extension(&config.channel, Some(own.clone()));
        self.tracker.set_extension(&config.channel, Some(own));
        self.config = Some(config);
        !stays
    }

    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.down(now);
        self.forget_calls("The connection was ended meanwhile.", now);
        self.config = None;
        self.tell_connection(Connection::NotSetUp);
    }

    pub(crate) fn connecting(&mut self, attempt: u32) {
        // Tried again by itself, which does not make a wrong password right.
        if attempt > 1 && matches!(self.connection, Connection::Refused { .. }) {
            return;
        }
        self.tell_connection(Connection::Connecting { attempt });
    }

    pub(crate) fn up(&mut self, asterisk: u32) {
        let Some(config) = &self.config else { return };
        let (pbx, version) = (config.pbx.host.clone(), format!("Asterisk {asterisk}"));
        self.lag_told = None;
        self.tell_connection(Connection::Connected {
            pbx,
            version,
            lag: None,
        });
        self.states.begin_list(StateList::Devices);
        self.states.begin_list(StateList::Extensions);
        self.states.begin_list(StateList::Presences);
        self.begin_survey();
        self.want(Purpose::Devices, Action::DeviceStateList);
        self.want(Purpose::Hints, Action::ExtensionStateList);
        self.want(Purpose::Presences, Action::PresenceStateList);
        self.want(Purpose::Rights, Action::ListCommands);
    }

    /// The link is lost, not made, or refused.
    pub(crate) fn link_down(&mut self, connection: Connection, now: Instant) {
        self.down(now);
        self.tell_connection(connection);
    }

    pub(crate) fn lag(&mut self, measured: Duration, now: Instant) {
        let Connection::Connected { lag, .. } = &mut self.connection else {
            return;
        };
        let is_due = self
            .lag_told
            .is_none_or(|told| now.saturating_duration_since(told) >= LAG_EVERY);
        let is_notable = lag.is_none_or(|old| measured.abs_diff(old) >= LAG_NOTABLE.max(old / 2));
        if !is_due || !is_notable {
            return;
        }
        *lag = Some(measured);
        self.lag_told = Some(now);
        self.board.connection(&self.connection);
        self.outbox.put(Update::Connection(self.connection.clone()));
    }

    fn tell_connection(&mut self, connection: Connection) {
        if self.connection != connection {
            self.connection = connection;
            self.board.connection(&self.connection);
            self.outbox.put(Update::Connection(self.connection.clone()));
        }
    }

    /// Nothing tells what happens from here on: dials have no known outcome, calls none that is certain.
    fn down(&mut self, now: Instant) {
        self.asked.clear();
        self.wanted.clear();
        self.forget_survey();
        self.rights = None;
        self.give_up_orders();
        self.tracker.link_lost(now);
        self.states.link_lost();
        for dial in self.dials.running() {
            if dial.end(End::Unknown, words::unknown_outcome(), now) {
                self.outbox.put(Update::Dial(Box::new(dial.update.clone())));
            }
        }
        let before = self.phone.state();
        self.phone = Phone::default();
        self.tell_phone(before);
        self.poll_tracker(now, now);
    }

    fn forget_calls(&mut self, words: &str, now: Instant) {
        self.tracker = CallTracker::new(self.seed_at(now));
        self.states = States::default();
        self.board.forget(&self.connection);
        for (_, mut shown) in std::mem::take(&mut self.shown) {
            shown.give_up(words, now);
            self.outbox.put(Update::Call(Box::new(shown.update)));
        }
    }

    /// Ids of a later tracker must not repeat those of an earlier one.
    fn seed_at(&mut self, now: Instant) -> Seed {
        self.seed.random = self
            .seed
            .random
            .rotate_left(17)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let since = now.saturating_duration_since(self.seed.at);
        let unix_ms = self
            .seed
            .unix_ms
            .saturating_add(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        Seed {
            unix_ms,
            at: now,
            random: self.seed.random,
        }
    }

    fn want(&mut self, purpose: Purpose, action: Action) {
        self.wanted.push_back(Wanted { purpose, action });
    }

    // The phone.

    fn device(&mut self, device: &str, state: &str) {
        if self
            .config
            .as_ref()
            .is_none_or(|config| config.channel != device)
        {
            return;
        }
        let before = self.phone.state();
        self.phone.device(state);
        self.tell_phone(before);
    }

    /// The states keep the hints; a list that only repeats them makes no change.
    fn read_hint(&mut self) {
        let Some(config) = &self.config else { return };
        let own = ami::Extension::from(config.extension.as_str());
        if let Some(hint) = self.states.extension(&own).filter(|hint| hint.certain) {
            let state = hint.state;
            let before = self.phone.state();
            self.phone.hint(state);
            self.tell_phone(before);
        }
    }

    fn tell_phone(&mut self, before: PhoneState) {
        let state = self.phone.state();
        if state != before {
            self.outbox.put(Update::Phone(state));
        }
    }

    // Commands, people, time.

    /// Does what needs no connection of its own.
    pub(crate) fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Dial {
                dial,
                target,
                number,
                tones,
                asked,
            } => {
                self.dial(
                    Wish {
                        dial,
                        target,
                        tones,
                        asked,
                    },
                    &number,
                    now,
                );
            }
            Command::Cancel { dial } => self.cancel(&dial),
            Command::HangUp { call } => self.hang_up(call),
            Command::Order { order, call, what } => self.order(order, call, &what, now),
            Command::WhoIs { key, number } => self.who_is(key, &number),
            Command::Configure(_)
            | Command::Disconnect
            | Command::Test { .. }
            | Command::RetryNow
            | Command::Shutdown => {}
        }
        self.poll_tracker(now, now);
    }

    fn who_is(&mut self, key: u64, number: &str) {
        let plan = self.config.as_ref().map(|config| &config.dial_plan);
        let number = plan.and_then(|plan| numbers::read(number, plan));
        let people = number.map_or(People::Nobody, |number| {
            numbers::people(&self.book, &number)
        });
        self.outbox.put(Update::WhoIs { key, people });
    }

    /// The book was replaced: whoever is on the line may have a name now.
    pub(crate) fn book(&mut self, book: Arc<Book>) {
        self.book = book;
        for shown in self.shown.values_mut() {
            if shown.look_up(&self.book) {
                self.outbox
                    .put(Update::Call(Box::new(shown.update.clone())));
            }
        }
        for dial in self.dials.running() {
            let Some(number) = &dial.number else { continue };
            let people = numbers::people(&self.book, number);
            if people != dial.update.people {
                dial.update.people = people;
                self.outbox.put(Update::Dial(Box::new(dial.update.clone())));
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [
            self.tracker.poll_timeout(),
            self.dials.poll_timeout(),
            self.next_audit(),
            self.orders.next_due(),
        ];
        timeouts.into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.tracker.handle_timeout(now);
        for channel_id in self.dials.take_due(now, |dial| &mut dial.hang_up_at) {
            self.hang_up_dial(&channel_id);
        }
        self.look_for_phones(now);
        self.audit_if_due(now);
        self.orders_due(now);
        self.poll_tracker(now, now);
    }

    // What the tracker has found.

    fn poll_tracker(&mut self, read: Instant, now: Instant) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Originate { id, progress } => self.originate_moved(&id, &progress, now),
                CallEvent::Started(id) | CallEvent::Changed(id) => {
                    if let Some(call) = self.tracker.call(id) {
                        self.board.call(call);
                    }
                    self.call_changed(id, read);
                }
                CallEvent::Ended(call) => {
                    self.board.call_ended(&call);
                    self.call_ended(&call, read);
                }
                CallEvent::Room(name) => self.board.room_changed(&self.tracker, &name),
            }
        }
        self.ask_what_is_unclear();
        while let Some(change) = self.states.poll_change() {
            self.board.state(&self.states, &change);
            let own = self.config.as_ref().map(|config| &*config.extension);
            if let StateChange::Extension(extension) = &change
                && own == Some(extension.as_str())
            {
                self.read_hint();
            }
        }
        self.look_for_proof();
    }

    fn call_changed(&mut self, id: CallId, read: Instant) {
        let (Some(call), Some(config)) = (self.tracker.call(id), &self.config) else {
            return;
        };
        let around = Surroundings {
            config,
            book: &self.book,
            read,
        };
        let origin = origin_of(&mut self.dials, call);
        let is_news = match self.shown.get_mut(&id) {
            Some(shown) => shown.refresh(call, origin, around),
            None => match Shown::new(call, origin, around) {
                Some(shown) => {
                    debug!(call = %id, direction = ?shown.update.direction, "call reached our phone");
                    self.shown.insert(id, shown);
                    true
                }
                None => false,
            },
        };
        if is_news && let Some(shown) = self.shown.get(&id) {
            self.outbox
                .put(Update::Call(Box::new(shown.update.clone())));
        }
    }

    fn call_ended(&mut self, call: &calls::Call, read: Instant) {
        let Some(config) = &self.config else { return };
        let around = Surroundings {
            config,
            book: &self.book,
            read,
        };
        let origin = origin_of(&mut self.dials, call);
        let update = match self.shown.remove(&call.id) {
            Some(mut shown) => shown.refresh(call, origin, around).then_some(shown.update),
            None => Shown::new(call, origin, around).map(|shown| shown.update),
        };
        if let Some(update) = update {
            debug!(call = %call.id, "call over");
            self.outbox.put(Update::Call(Box::new(update)));
        }
    }
}

fn origin_of(dials: &mut Dials, call: &calls::Call) -> Option<Origin> {
    let dial = dials.by_channel(call.originate.as_ref()?)?;
    Some(Origin {
        dial: dial.update.dial.clone(),
        number: dial.number.clone(),
    })
}

#[cfg(test)]
mod tests;
