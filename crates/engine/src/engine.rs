//! The one owner of state, without IO: commands, events and the time go in, actions and updates come out.

mod desks;
mod dialling;
mod dialogue;
mod look_ups;
mod orders;
mod seating;
mod survey;

use self::{
    desks::Desks,
    look_ups::LookUps,
    orders::Orders,
    survey::{Audits, List, Survey},
};
use crate::{
    CallId, Command, Config, Connection, DeskId, OrderId, Pbx, Update, What,
    dials::{Dials, Due, Wish},
    feed::Board,
    log::Log,
    outbox::Outbox,
    shown::Origin,
    words,
};
use ami::{Action, ActionId, Rights, Uniqueid};
use calls::{CallEvent, CallTracker, Seed, StateChange, StateList, States};
use contacts::{Changed, Directory};
use std::{
    collections::{HashMap, VecDeque},
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
    Order(DeskId, OrderId),
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

pub(crate) struct Engine {
    pbx: Option<Pbx>,
    desks: Desks,
    tracker: CallTracker,
    states: States,
    board: Board,
    seed: Seed,
    directory: Directory,
    look_ups: LookUps,
    dials: Dials,
    dialled: u64,
    orders: Orders,
    /// What the AMI user may do, once it is known.
    rights: Option<Rights>,
    connection: Connection,
    lag_told: Option<Instant>,
    survey: Option<Survey>,
    audits: Audits,
    asked: HashMap<ActionId, Purpose>,
    wanted: VecDeque<Wanted>,
    outbox: Outbox,
    log: Log,
    /// The tracker has taken the lists of a login, and the log was not told.
    is_resynced: bool,
    /// How many ended calls the tracker had to drop, as far as the log was told.
    dropped: u64,
}

impl Engine {
    pub(crate) fn new(seed: Seed, directory: Directory, board: Board, log: Log) -> Self {
        Self {
            pbx: None,
            desks: Desks::default(),
            tracker: CallTracker::new(seed),
            states: States::default(),
            board,
            seed,
            directory,
            look_ups: LookUps::default(),
            dials: Dials::default(),
            dialled: 0,
            orders: Orders::default(),
            rights: None,
            connection: Connection::NotSetUp,
            lag_told: None,
            survey: None,
            audits: Audits::default(),
            asked: HashMap::new(),
            wanted: VecDeque::new(),
            outbox: Outbox::default(),
            log,
            is_resynced: false,
            dropped: 0,
        }
    }

    pub(crate) fn next_wanted(&mut self) -> Option<Wanted> {
        self.wanted.pop_front()
    }

    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Where calls are written down.
    pub(crate) fn log(&mut self) -> &mut Log {
        &mut self.log
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
        let Config { pbx, desk } = config;
        let own = self.desks.desk(DeskId::OWN);
        let is_same_phone = own.is_some_and(|own| own.is_same_phone(&desk));
        let is_new = self.change_pbx(pbx, is_same_phone, now);
        self.seat(DeskId::OWN, Some(desk), now);
        is_new
    }

    /// The same without a desk of our own.
    pub(crate) fn connect(&mut self, pbx: Pbx, now: Instant) -> bool {
        let is_new = self.change_pbx(pbx, true, now);
        self.seat(DeskId::OWN, None, now);
        is_new
    }

    fn change_pbx(&mut self, pbx: Pbx, is_same_phone: bool, now: Instant) -> bool {
        let old = self.pbx.as_ref();
        let keeps_calls = is_same_phone && old.is_some_and(|old| old.is_same_place(&pbx));
        let stays = keeps_calls && old.is_some_and(|old| old.is_same(&pbx));
        if !stays {
            self.down(now);
        }
        if !keeps_calls {
            self.forget_calls(words::OTHER_SETTINGS, now);
        }
        self.pbx = Some(pbx);
        !stays
    }

    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.down(now);
        self.forget_calls("The connection was ended meanwhile.", now);
        self.pbx = None;
        self.seat(DeskId::OWN, None, now);
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
        let Some(pbx) = &self.pbx else { return };
        let (pbx, version) = (pbx.host.clone(), format!("Asterisk {asterisk}"));
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
        self.tell(DeskId::OWN, Update::Connection(self.connection.clone()));
    }

    fn tell_connection(&mut self, connection: Connection) {
        if self.connection != connection {
            self.connection = connection;
            self.board.connection(&self.connection);
            self.tell(DeskId::OWN, Update::Connection(self.connection.clone()));
        }
    }

    /// Nothing tells what happens from here on: dials have no known outcome, calls none that is certain.
    fn down(&mut self, now: Instant) {
        self.asked.clear();
        self.wanted.clear();
        self.forget_survey();
        self.rights = None;
        self.is_resynced = false;
        self.give_up_orders();
        self.tracker.link_lost(now);
        self.states.link_lost();
        self.give_up_dials(now);
        self.forget_phones();
        self.poll_tracker(now, now);
    }

    fn forget_calls(&mut self, words: &str, now: Instant) {
        self.tracker = CallTracker::new(self.seed_at(now));
        self.states = States::default();
        self.board.forget(&self.connection);
        self.dropped = 0;
        self.log.forget_calls();
        for id in self.desks.ids() {
            self.give_up_calls(id, words, now);
        }
        self.name_extensions();
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

    fn tell(&mut self, desk: DeskId, update: Update) {
        self.outbox.put(desk, update);
    }

    fn is_up(&self) -> bool {
        matches!(self.connection, Connection::Connected { .. })
    }

    /// The login that sentences name.
    fn user(&self) -> &str {
        self.pbx.as_ref().map_or("", |pbx| &pbx.user)
    }

    // Commands, people, time.

    /// Does what needs no connection of its own.
    pub(crate) fn command(&mut self, desk: DeskId, command: Command, now: Instant) {
        match command {
            Command::Dial {
                dial,
                target,
                number,
                tones,
                asked,
            } => {
                let wish = Wish {
                    dial,
                    target,
                    tones,
                    asked,
                };
                self.dial(desk, wish, &number, now);
            }
            Command::Cancel { dial } => self.cancel(desk, &dial),
            Command::HangUp { call } => self.hang_up(desk, call),
            Command::Order { order, call, what } => self.order(desk, order, call, &what, now),
            Command::WhoIs { key, number } => self.who_is(desk, key, &number, now),
            Command::Seat(settings) => self.seat(desk, settings.map(|desk| *desk), now),
            Command::Configure(_)
            | Command::Connect(_)
            | Command::Disconnect
            | Command::Test { .. }
            | Command::RetryNow
            | Command::Shutdown => {}
        }
        self.poll_tracker(now, now);
    }

    /// The directory knows something new of these numbers: whoever is on the line may have a name now.
    pub(crate) fn people_changed(&mut self, changed: &Changed, now: Instant) {
        match changed {
            Changed::All => self.look_up(None),
            Changed::Numbers(numbers) => {
                for number in numbers {
                    self.look_up(Some(number));
                }
            }
        }
        self.answer_look_ups(now);
    }

    fn look_up(&mut self, number: Option<&str>) {
        for (desk, call) in self.desks.shown_of(number) {
            if let Some(update) = self.desks.look_up(desk, call, &self.directory) {
                self.outbox.put(desk, Update::Call(Box::new(update)));
            }
        }
        self.look_up_dials(number);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [
            self.tracker.poll_timeout(),
            self.dials.poll_timeout(),
            self.next_audit(),
            self.orders.next_due(),
            self.look_ups.next_due(),
        ];
        timeouts.into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.tracker.handle_timeout(now);
        for (due, channel_id) in self.dials.take_due(now) {
            match due {
                Due::HangUp => self.hang_up_dial(&channel_id),
                Due::LookForPhone => self.look_for_phone(&channel_id),
            }
        }
        self.audit_if_due(now);
        self.answer_look_ups(now);
        self.orders_due(now);
        self.poll_tracker(now, now);
    }

    // What the tracker has found.

    fn poll_tracker(&mut self, read: Instant, now: Instant) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Originate { id, progress } => self.originate_moved(&id, &progress, now),
                CallEvent::Started(id) | CallEvent::Changed(id) => self.call_changed(id, read),
                CallEvent::Ended(call) => self.call_ended(Arc::from(call), read),
                CallEvent::Room(name) => self.board.room_changed(&self.tracker, &name),
            }
        }
        self.log_rest();
        self.ask_what_is_unclear();
        while let Some(change) = self.states.poll_change() {
            self.board.state(&self.states, &change);
            if let StateChange::Extension(extension) = &change {
                for id in self.desks.of_extension(extension.as_str()) {
                    self.read_hint(id);
                }
            }
        }
        self.look_for_proof();
    }

    fn call_changed(&mut self, id: CallId, read: Instant) {
        let Some(call) = self.tracker.call(id) else {
            return;
        };
        self.board.call(call);
        self.log.call(call);
        for desk in self.desks.reached_by(call) {
            self.show_call(desk, id, read);
        }
    }

    fn show_call(&mut self, desk: DeskId, id: CallId, read: Instant) {
        let Some(call) = self.tracker.call(id) else {
            return;
        };
        let origin = origin_of(&self.dials, desk, call);
        let update = self.desks.show(desk, call, origin, &self.directory, read);
        if let Some(update) = update {
            self.outbox.put(desk, Update::Call(Box::new(update)));
        }
    }

    fn call_ended(&mut self, call: Arc<calls::Call>, read: Instant) {
        self.board.call_ended(&call);
        for desk in self.desks.followers(&call) {
            let origin = origin_of(&self.dials, desk, &call);
            let update = self.desks.show(desk, &call, origin, &self.directory, read);
            if let Some(update) = update {
                debug!(call = %call.id, %desk, "call over");
                self.outbox.put(desk, Update::Call(Box::new(update)));
            }
        }
        self.desks.forget_call(call.id);
        self.log.ended(call);
    }

    /// What the log must know besides calls.
    fn log_rest(&mut self) {
        let dropped = self.tracker.oddities().unpolled;
        self.log.lost(dropped.saturating_sub(self.dropped));
        self.dropped = dropped;
        if std::mem::take(&mut self.is_resynced) && self.log.is_on() {
            let alive = self.tracker.uniqueids().cloned().collect();
            self.log.write(What::Resynced { alive });
        }
    }
}

/// The dial that made a call, if it was asked for at this desk.
fn origin_of(dials: &Dials, desk: DeskId, call: &calls::Call) -> Option<Origin> {
    let dial = dials.by_channel(call.originate.as_ref()?)?;
    (dial.desk == desk).then(|| Origin {
        dial: dial.update.dial.clone(),
        number: dial.number.clone(),
    })
}

#[cfg(test)]
mod tests;
