//! Orders that are being carried out: one action at a time, each sent once, all by one deadline.

use super::{Engine, Purpose};
use crate::{
    CallId, DeskId, DialId, Order, OrderId, Outcome, Update,
    control::{Plan, Proof, Scene, plan},
    remembered::Remembered,
    timers::Timers,
    words,
};
use ami::{Action, ActionName, Refusal, Uniqueid};
use calls::LegState;
use phone_number::Tones;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// A person waits for it; the tones of the longest extension take half.
const DEADLINE: Duration = Duration::from_secs(15);
/// How long after its Success an action may take to show.
const SHOWS: Duration = Duration::from_secs(3);
/// An automatic attendant listens a moment after it has picked up.
const ATTENDANT: Duration = Duration::from_secs(1);
/// Orders of one desk at the same time: more are a stuck key.
const RUNNING: usize = 32;

type Key = (DeskId, OrderId);

#[derive(Debug, Default)]
pub(super) struct Orders {
    running: BTreeMap<Key, Running>,
    /// Those of them that wait until the call shows something.
    proving: BTreeSet<Key>,
    finished: Remembered<OrderId, Outcome>,
    timers: Timers<Due>,
    /// Tones of dials that were answered, until the other side listens.
    tones: HashMap<(DeskId, DialId), (CallId, Tones)>,
    pub(super) counted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    NextStep(Key),
    Deadline(Key),
    Tones(DeskId, DialId),
}

#[derive(Debug)]
struct Running {
    steps: VecDeque<Action>,
    gap: Duration,
    /// What the PBX has not answered.
    sent: Option<ActionName>,
    is_begun: bool,
    proof: Option<Proof>,
    records: Option<(Uniqueid, bool)>,
}

impl Orders {
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The orders of one desk that are being carried out.
    fn of(&self, desk: DeskId) -> impl Iterator<Item = &Key> {
        let first = (desk, OrderId(String::new()));
        let keys = self.running.range(first..).map(|(key, _)| key);
        keys.take_while(move |(other, _)| *other == desk)
    }

    fn remove(&mut self, key: &Key) {
        self.running.remove(key);
        self.proving.remove(key);
        self.timers.clear(&Due::NextStep(key.clone()));
        self.timers.clear(&Due::Deadline(key.clone()));
    }
}

impl Engine {
    /// The same id again at the same desk is the same order.
    pub(super) fn order(
        &mut self,
        desk: DeskId,
        id: OrderId,
        call: Option<CallId>,
        order: &Order,
        now: Instant,
    ) {
        let key = (desk, id);
        if self.orders.running.contains_key(&key) {
            return;
        }
        if let Some(outcome) = self.orders.finished.get(desk, &key.1) {
            let (order, outcome) = (key.1, outcome.clone());
            return self.tell(desk, Update::Order { order, outcome });
        }
        match self.plan(desk, call, order) {
            Ok(plan) => self.begin(key, plan, now),
            Err(words) => self.finish(key, Outcome::Refused { words }),
        }
    }

    fn plan(&mut self, id: DeskId, call: Option<CallId>, order: &Order) -> Result<Plan, String> {
        if self.pbx.is_none() {
            return Err("No phone system is set up yet.".into());
        }
        if !self.is_up() {
            return Err("There is no connection to the phone system just now.".into());
        }
        if self.orders.of(id).count() >= RUNNING {
            return Err("The phone system has not done what was asked before.".into());
        }
        let Some(desk) = self.desks.desk(id) else {
            return Err("No phone is set up yet.".into());
        };
        self.orders.counted += 1;
        let call = call.or_else(|| self.current_call(id));
        plan(
            order,
            Scene {
                desk,
                tracker: &self.tracker,
                states: &self.states,
                rights: self.rights.as_ref(),
                call: call.and_then(|id| self.tracker.call(id)),
                number: self.orders.counted,
            },
        )
    }

    fn begin(&mut self, key: Key, plan: Plan, now: Instant) {
        info!(desk = %key.0, order = %key.1, steps = plan.steps.len(), "order");
        let running = Running {
            steps: plan.steps,
            gap: plan.gap,
            sent: None,
            is_begun: false,
            proof: plan.proof,
            records: plan.records,
        };
        self.orders.running.insert(key.clone(), running);
        let due = Due::Deadline(key.clone());
        self.orders.timers.set(due, now + DEADLINE);
        self.next_order_step(key, now);
    }

    /// Wants the next action, or ends the order when there is none.
    fn next_order_step(&mut self, key: Key, now: Instant) {
        let Some(order) = self.orders.running.get_mut(&key) else {
            return;
        };
        if let Some(action) = order.steps.pop_front() {
            order.sent = Some(action.name());
            return self.want(Purpose::Order(key.0, key.1), action);
        }
        order.sent = None;
        // Its event comes later, and from Asterisk 13 never.
        if let Some((uniqueid, on)) = order.records.take() {
            self.tracker.recording(&uniqueid, on);
        } else if order.proof.is_some() {
            let due = Due::Deadline(key.clone());
            self.orders.timers.set(due, now + SHOWS);
            self.orders.proving.insert(key);
            return self.look_for_proof();
        }
        self.finish(key, Outcome::Done);
    }

    pub(super) fn order_replied(
        &mut self,
        desk: DeskId,
        id: &OrderId,
        refused: Option<&Refusal<'_>>,
        now: Instant,
    ) {
        let key = (desk, id.clone());
        let Some(order) = self.orders.running.get_mut(&key) else {
            return;
        };
        let action = order.sent.take().unwrap_or_default();
        if let Some(why) = refused {
            let is_begun = order.is_begun;
            let words = self.refused_words(desk, action, why, is_begun);
            return self.finish(key, Outcome::Refused { words });
        }
        order.is_begun = true;
        if order.gap.is_zero() || order.steps.is_empty() {
            self.next_order_step(key, now);
        } else {
            let at = now + order.gap;
            self.orders.timers.set(Due::NextStep(key), at);
        }
    }

    fn refused_words(
        &self,
        desk: DeskId,
        action: ActionName,
        why: &Refusal<'_>,
        is_begun: bool,
    ) -> String {
        let Some(desk) = self.desks.desk(desk) else {
            return words::OTHER_SETTINGS.into();
        };
        let words = words::order_refused(action, why, desk, self.user());
        if is_begun {
            format!("Only a part was done: {words}")
        } else {
            words
        }
    }

    /// Its action certainly was not and will not be done.
    pub(super) fn order_not_sent(&mut self, desk: DeskId, id: &OrderId, why: &str) {
        let key = (desk, id.clone());
        if self.orders.running.contains_key(&key) {
            let words = words::sentence(why);
            self.finish(key, Outcome::Refused { words });
        }
    }

    /// It may have been done; asking again might do it twice.
    pub(super) fn order_unknown(&mut self, desk: DeskId, id: &OrderId) {
        let key = (desk, id.clone());
        if self.orders.running.contains_key(&key) {
            let words = words::ORDER_UNKNOWN.to_owned();
            self.finish(key, Outcome::Unknown { words });
        }
    }

    /// The link is lost.
    pub(super) fn give_up_orders(&mut self) {
        self.orders.tones.clear();
        let running: Vec<_> = self.orders.running.keys().cloned().collect();
        for key in running {
            self.give_up_order(&key, "the line to the phone system was lost");
        }
        self.orders.timers.clear_all();
    }

    /// Nobody sits there any more.
    pub(super) fn give_up_orders_of(&mut self, desk: DeskId) {
        self.orders.tones.retain(|(other, _), _| *other != desk);
        let running: Vec<_> = self.orders.of(desk).cloned().collect();
        for key in running {
            self.give_up_order(&key, words::OTHER_SETTINGS);
        }
    }

    fn give_up_order(&mut self, key: &Key, why: &str) {
        let order = self.orders.running.get(key);
        if order.is_some_and(|order| order.sent.is_some() || order.is_begun) {
            self.order_unknown(key.0, &key.1);
        } else {
            self.order_not_sent(key.0, &key.1, why);
        }
    }

    /// Where Asterisk says Success to everything, the call shows whether something came of it.
    pub(super) fn look_for_proof(&mut self) {
        let mut shown = Vec::new();
        for key in &self.orders.proving {
            let proof = self.orders.running.get(key).and_then(|order| order.proof);
            if let Some(outcome) = proof.and_then(|proof| self.shows(proof)) {
                shown.push((key.clone(), outcome));
            }
        }
        for (key, outcome) in shown {
            self.finish(key, outcome);
        }
    }

    /// Our phone has left the talk to ask somebody, while the other side waits. If either has hung up meanwhile, nobody
    /// was passed on.
    fn shows(&self, proof: Proof) -> Option<Outcome> {
        let call = self.tracker.call(proof.call);
        let call = call.filter(|call| call.ended_by.is_none());
        let leg = call.and_then(|call| call.leg(proof.leg));
        match leg.filter(|leg| leg.state != LegState::Gone) {
            Some(leg) if leg.talking => None,
            Some(_) => Some(Outcome::Done),
            None => Some(Outcome::Refused {
                words: words::CALL_IS_OVER.to_owned(),
            }),
        }
    }

    pub(super) fn orders_due(&mut self, now: Instant) {
        for due in self.orders.timers.take_due(now) {
            match due {
                Due::NextStep(key) => self.next_order_step(key, now),
                Due::Deadline(key) => self.order_is_late(key),
                Due::Tones(desk, dial) => self.tones_due(desk, dial, now),
            }
        }
    }

    fn order_is_late(&mut self, key: Key) {
        if self.orders.proving.contains(&key) {
            let words = words::NOTHING_CAME_OF_ATXFER.to_owned();
            self.finish(key, Outcome::Refused { words });
        } else {
            self.order_unknown(key.0, &key.1);
        }
    }

    fn finish(&mut self, key: Key, outcome: Outcome) {
        self.orders.remove(&key);
        let (desk, order) = key;
        match &outcome {
            Outcome::Done => info!(%desk, %order, "order done"),
            Outcome::Refused { .. } => info!(%desk, %order, "order refused"),
            Outcome::Unknown { .. } => warn!(%desk, %order, "outcome of the order unknown"),
        }
        self.orders.finished.make_room(desk, |_| true);
        self.orders
            .finished
            .insert(desk, order.clone(), outcome.clone());
        self.tell(desk, Update::Order { order, outcome });
    }

    // The extension behind a number that was dialled.

    pub(super) fn send_tones_soon(
        &mut self,
        desk: DeskId,
        dial: DialId,
        call: CallId,
        tones: Tones,
        now: Instant,
    ) {
        let due = Due::Tones(desk, dial.clone());
        self.orders.timers.set(due, now + ATTENDANT);
        self.orders.tones.insert((desk, dial), (call, tones));
    }

    fn tones_due(&mut self, desk: DeskId, dial: DialId, now: Instant) {
        let id = OrderId(format!("tones of {dial}"));
        if let Some((call, tones)) = self.orders.tones.remove(&(desk, dial)) {
            self.order(desk, id, Some(call), &Order::Tones { tones }, now);
        }
    }
}
