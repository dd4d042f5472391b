//! Orders that are being carried out: one action at a time, each sent once, all by one deadline.

use super::{Engine, Purpose};
use crate::{
    CallId, Config, Connection, DialId, Order, OrderId, Outcome, Update,
    control::{Plan, Proof, Scene, plan},
    words,
};
use ami::{Action, ActionName, Refusal, Uniqueid};
use calls::LegState;
use phone_number::Tones;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// A person waits for it; the tones of the longest extension take half.
const DEADLINE: Duration = Duration::from_secs(15);
/// How long after its Success an action may take to show.
const SHOWS: Duration = Duration::from_secs(3);
/// An automatic attendant listens a moment after it has picked up.
const ATTENDANT: Duration = Duration::from_secs(1);
/// Orders at the same time: more are a stuck key.
const RUNNING: usize = 32;
/// Ids that are known again.
const REMEMBERED: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Orders {
    running: Vec<Running>,
    finished: VecDeque<(OrderId, Outcome)>,
    /// Tones of dials that were answered, and when the other side listens.
    tones: Vec<(Instant, DialId, CallId, Tones)>,
    pub(super) counted: u64,
}

#[derive(Debug)]
struct Running {
    id: OrderId,
    steps: VecDeque<Action>,
    gap: Duration,
    /// What the PBX has not answered.
    sent: Option<ActionName>,
    /// When the next step is due.
    next_at: Option<Instant>,
    is_begun: bool,
    proof: Option<Proof>,
    records: Option<(Uniqueid, bool)>,
    deadline: Instant,
}

impl Orders {
    pub(super) fn next_due(&self) -> Option<Instant> {
        let orders = self
            .running
            .iter()
            .flat_map(|order| [Some(order.deadline), order.next_at])
            .flatten();
        let tones = self.tones.iter().map(|(at, ..)| *at);
        orders.chain(tones).min()
    }

    fn find(&mut self, id: &OrderId) -> Option<&mut Running> {
        self.running.iter_mut().find(|order| order.id == *id)
    }
}

impl Engine {
    /// The same id again is the same order.
    pub(super) fn order(&mut self, id: OrderId, call: Option<CallId>, order: &Order, now: Instant) {
        if self.orders.find(&id).is_some() {
            return;
        }
        let finished = self.orders.finished.iter();
        if let Some((_, outcome)) = finished.clone().find(|(known, _)| *known == id) {
            let outcome = outcome.clone();
            self.outbox.put(Update::Order { order: id, outcome });
            return;
        }
        match self.plan(call, order) {
            Ok(plan) => self.begin(&id, plan, now),
            Err(words) => self.finish(id, Outcome::Refused { words }),
        }
    }

    fn plan(&mut self, call: Option<CallId>, order: &Order) -> Result<Plan, String> {
        let Some(config) = &self.config else {
            return Err("No phone system is set up yet.".into());
        };
        if !matches!(self.connection, Connection::Connected { .. }) {
            return Err("There is no connection to the phone system just now.".into());
        }
        if self.orders.running.len() >= RUNNING {
            return Err("The phone system has not done what was asked before.".into());
        }
        self.orders.counted += 1;
        let number = self.orders.counted;
        let call = call.or_else(|| self.current_call());
        plan(
            order,
            Scene {
                config,
                tracker: &self.tracker,
                states: &self.states,
                rights: self.rights.as_ref(),
                call: call.and_then(|id| self.tracker.call(id)),
                number,
            },
        )
    }

    fn begin(&mut self, id: &OrderId, plan: Plan, now: Instant) {
        info!(order = %id, steps = plan.steps.len(), "order");
        self.orders.running.push(Running {
            id: id.clone(),
            steps: plan.steps,
            gap: plan.gap,
            sent: None,
            next_at: None,
            is_begun: false,
            proof: plan.proof,
            records: plan.records,
            deadline: now + DEADLINE,
        });
        self.next_step(id, now);
    }

    /// Wants the next action, or ends the order when there is none.
    fn next_step(&mut self, id: &OrderId, now: Instant) {
        let Some(order) = self.orders.find(id) else {
            return;
        };
        order.next_at = None;
        if let Some(action) = order.steps.pop_front() {
            order.sent = Some(action.name());
            self.want(Purpose::Order(id.clone()), action);
            return;
        }
        order.sent = None;
        // Its event comes later, and from Asterisk 13 never.
        if let Some((uniqueid, on)) = order.records.take() {
            self.tracker.recording(&uniqueid, on);
        } else if order.proof.is_some() {
            order.deadline = now + SHOWS;
            self.look_for_proof();
            return;
        }
        self.finish(id.clone(), Outcome::Done);
    }

    pub(super) fn order_replied(
        &mut self,
        id: &OrderId,
        refused: Option<&Refusal<'_>>,
        now: Instant,
    ) {
        let Some(order) = self.orders.find(id) else {
            return;
        };
        let action = order.sent.take().unwrap_or_default();
        let is_begun = order.is_begun;
        if let (Some(why), Some(config)) = (refused, &self.config) {
            let words = refused_words(action, why, is_begun, config);
            self.finish(id.clone(), Outcome::Refused { words });
            return;
        }
        order.is_begun = true;
        if order.gap.is_zero() || order.steps.is_empty() {
            self.next_step(id, now);
        } else {
            order.next_at = Some(now + order.gap);
        }
    }

    /// Its action certainly was not and will not be done.
    pub(super) fn order_not_sent(&mut self, id: &OrderId, why: &str) {
        if self.orders.find(id).is_some() {
            let words = words::sentence(why);
            self.finish(id.clone(), Outcome::Refused { words });
        }
    }

    /// It may have been done; asking again might do it twice.
    pub(super) fn order_unknown(&mut self, id: &OrderId) {
        if self.orders.find(id).is_some() {
            let words = words::ORDER_UNKNOWN.to_owned();
            self.finish(id.clone(), Outcome::Unknown { words });
        }
    }

    /// The link is lost.
    pub(super) fn give_up_orders(&mut self) {
        self.orders.tones.clear();
        while let Some(order) = self.orders.running.first() {
            let (id, was_sent) = (order.id.clone(), order.sent.is_some() || order.is_begun);
            if was_sent {
                self.order_unknown(&id);
            } else {
                self.order_not_sent(&id, "the line to the phone system was lost");
            }
        }
    }

    /// Where Asterisk says Success to everything, the call shows whether something came of it.
    pub(super) fn look_for_proof(&mut self) {
        let mut shown = Vec::new();
        for order in &self.orders.running {
            if let Some(proof) = order.proof
                && order.sent.is_none()
                && order.is_begun
                && let Some(outcome) = self.shows(proof)
            {
                shown.push((order.id.clone(), outcome));
            }
        }
        for (id, outcome) in shown {
            self.finish(id, outcome);
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
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let next: Vec<_> = self
            .orders
            .running
            .iter()
            .filter(|order| due(order.next_at))
            .map(|order| order.id.clone())
            .collect();
        for id in next {
            self.next_step(&id, now);
        }
        let late: Vec<_> = self
            .orders
            .running
            .iter()
            .filter(|order| order.deadline <= now)
            .map(|order| {
                (
                    order.id.clone(),
                    order.sent.is_none() && order.proof.is_some(),
                )
            })
            .collect();
        for (id, shows_nothing) in late {
            if shows_nothing {
                let words = words::NOTHING_CAME_OF_ATXFER.to_owned();
                self.finish(id, Outcome::Refused { words });
            } else {
                self.order_unknown(&id);
            }
        }
        self.tones_due(now);
    }

    fn finish(&mut self, id: OrderId, outcome: Outcome) {
        self.orders.running.retain(|order| order.id != id);
        match &outcome {
            Outcome::Done => info!(order = %id, "order done"),
            Outcome::Refused { .. } => info!(order = %id, "order refused"),
            Outcome::Unknown { .. } => warn!(order = %id, "outcome of the order unknown"),
        }
        if self.orders.finished.len() >= REMEMBERED {
            self.orders.finished.pop_front();
        }
        self.orders
            .finished
            .push_back((id.clone(), outcome.clone()));
        self.outbox.put(Update::Order { order: id, outcome });
    }

    // The extension behind a number that was dialled.

    pub(super) fn send_tones_soon(
        &mut self,
        dial: DialId,
        call: CallId,
        tones: Tones,
        now: Instant,
    ) {
        self.orders.tones.push((now + ATTENDANT, dial, call, tones));
    }

    fn tones_due(&mut self, now: Instant) {
        let (due, later) = std::mem::take(&mut self.orders.tones)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.orders.tones = later;
        for (_, dial, call, tones) in due {
            let id = OrderId(format!("tones of {dial}"));
            self.order(id, Some(call), &Order::Tones { tones }, now);
        }
    }
}

fn refused_words(action: ActionName, why: &Refusal<'_>, is_begun: bool, config: &Config) -> String {
    let words = words::order_refused(action, why, config);
    if is_begun {
        format!("Only a part was done: {words}")
    } else {
        words
    }
}
