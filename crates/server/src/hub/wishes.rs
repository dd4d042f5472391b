//! What people want: checked, written down, handed to the engine, answered.

use super::{Hub, Person, ask::Asker, desks::Own};
use crate::{
    convert,
    journal::{Audit, AuditTarget},
    policy::{self, Denied},
};
use engine::{Command, DeskId, DialId, OrderId};
use phone_number::{CallLink, Kind, Resolution, Target};
use presence::Now;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{Answer, ErrorCode, Explained, Failure, People, Request};

/// Answers that the engine owes; it keeps its own deadline of 15 seconds.
const OWED: usize = 16_384;
const OVERDUE: Duration = Duration::from_secs(20);

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    orders: HashMap<(usize, DeskId, OrderId), Vec<(Asker, Instant)>>,
}

impl Hub {
    pub(super) fn wish(
        &mut self,
        asker: Asker,
        person: &Arc<str>,
        address: &Arc<str>,
        id: &str,
        request: Request,
        now: Now,
    ) {
        let known = self.people.get(person).filter(|person| !person.disabled);
        let Some(person) = known.cloned() else {
            let words = "This device is not signed in any more.";
            self.answer(asker, failed(ErrorCode::Unauthenticated, words));
            return;
        };
        if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_graphic()) {
            let words = "The id of a request is 1 to 64 visible ASCII characters.";
            self.answer(asker, failed(ErrorCode::BadRequest, words));
            return;
        }
        match request {
            Request::Dial { text } => {
                let answer = self.dial(&person, address, id, &text, now);
                self.answer(asker, answer.map_or_else(Answer::Failed, |()| Answer::Done));
            }
            Request::Cancel { dial } => {
                let command = Command::Cancel { dial: DialId(dial) };
                self.command(asker, &person, command);
            }
            Request::HangUp { call } => match call.as_deref().map(convert::call_id).transpose() {
                Ok(call) => self.command(asker, &person, Command::HangUp { call }),
                Err(failure) => self.answer(asker, Answer::Failed(failure)),
            },
            Request::Order { call, order } => {
                self.order(asker, &person, address, id, call.as_deref(), order, now);
            }
            Request::Explain { text } => self.explain(asker, &person, &text),
            request @ (Request::WhoIs { .. }
            | Request::FindPeople { .. }
            | Request::LinkPerson { .. }
            | Request::UnlinkPerson { .. }
            | Request::PersonForms { .. }
            | Request::CreatePerson { .. }) => {
                self.people_wish(asker, &person, address, id, request);
            }
            Request::CloseMissed { item } => self.close_missed(asker, &person, item, now),
        }
    }

    fn desk_of(&self, person: &Person) -> Result<(usize, DeskId), Failure> {
        let desk = self.own.get(&person.id).and_then(|own| own.desk);
        desk.ok_or_else(|| {
            let words = "You have no phone here: your administrator gives you an extension.";
            Failure::new(ErrorCode::Forbidden, words)
        })
    }

    fn dial(
        &mut self,
        person: &Person,
        address: &Arc<str>,
        id: &str,
        text: &str,
        now: Now,
    ) -> Result<(), Failure> {
        let (pbx, desk) = self.desk_of(person)?;
        if self
            .own
            .get(&person.id)
            .is_some_and(|own| own.has_dialled(id))
        {
            return Ok(());
        }
        if !self.pbxs[pbx].board.is_connected() {
            let words = "Not called: the server has no connection to the phone system just now.";
            return Err(Failure::new(ErrorCode::PbxAway, words));
        }
        let resolved = resolve(&self.pbxs[pbx].config.dial_plan, text);
        let running = self.own.get(&person.id).map_or(0, Own::running);
        let allowed = resolved.and_then(|resolved| {
            self.allow(person, &resolved, running, now)?;
            Ok(resolved)
        });
        let outcome = match &allowed {
            Ok(_) => "asked the phone system".to_owned(),
            Err(failure) => failure.message.clone(),
        };
        let number = match &allowed {
            Ok(resolved) => resolved.dial.to_string(),
            Err(_) => text.chars().take(64).collect(),
        };
        let audited = self.audit.try_send(Audit {
            at: now.unix_ms,
            actor: person.login.clone(),
            address: address.to_string(),
            action: "originate",
            target: AuditTarget::Number(number),
            outcome,
        });
        let resolved = allowed?;
        if audited.is_err() && resolved.kind != Kind::Emergency {
            let words = "Not called: the server cannot write its audit log fast enough.";
            return Err(Failure::new(ErrorCode::Busy, words));
        }
        let number = resolved.number.e164().unwrap_or(resolved.number.digits());
        let command = Command::Dial {
            dial: DialId(id.to_owned()),
            target: resolved.dial.clone(),
            number: number.to_owned(),
            tones: resolved.extension_to_send.clone(),
            asked: now.instant,
        };
        if self.pbxs[pbx].engine.send_at(desk, command).is_err() {
            return Err(Failure::new(
                ErrorCode::Busy,
                "Not called: the server is busy.",
            ));
        }
        let own = self.own.entry(person.id.clone()).or_default();
        own.dialled(id, resolved.number.international());
        Ok(())
    }

    fn allow(
        &mut self,
        person: &Person,
        wish: &Resolution,
        running: usize,
        now: Now,
    ) -> Result<(), Failure> {
        let own = self.own.entry(person.id.clone()).or_default();
        let wish = policy::Wish {
            number: &wish.number,
            kind: wish.kind,
            running,
            now: now.instant,
            minute_of_day: crate::clock::minute_of_day(),
        };
        policy::decide(&person.policy, &mut own.pace, wish).map_err(|denied| match denied {
            Denied::Forbidden(words) => Failure::new(ErrorCode::Forbidden, words),
            Denied::TooMany { words, wait } => Failure {
                retry_after_ms: Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
                ..Failure::new(ErrorCode::RateLimited, words)
            },
        })
    }

    /// Something that is done or not, without an answer of the engine.
    fn command(&mut self, asker: Asker, person: &Person, command: Command) {
        let answer = match self.desk_of(person) {
            Ok((pbx, desk)) => match self.pbxs[pbx].engine.send_at(desk, command) {
                Ok(()) => Answer::Done,
                Err(engine::Busy) => failed(ErrorCode::Busy, "The server is busy."),
            },
            Err(failure) => Answer::Failed(failure),
        };
        self.answer(asker, answer);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is another thing of one wish"
    )]
    fn order(
        &mut self,
        asker: Asker,
        person: &Person,
        address: &Arc<str>,
        id: &str,
        call: Option<&str>,
        order: wire::Order,
        now: Now,
    ) {
        let name = order_name(&order);
        // The call, and where it is passed on to.
        let known = call.filter(|call| convert::call_id(call).is_ok());
        let target = [known, leads_to(&order)].into_iter().flatten();
        let target: String = target
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(128)
            .collect();
        let (pbx, desk, call, what) = match self.plan(person, call, order, now) {
            Ok(planned) => planned,
            Err(failure) => {
                self.note_order(person, address, name, target, failure.message.clone(), now);
                return self.answer(asker, Answer::Failed(failure));
            }
        };
        let order = convert::order_id(id);
        let command = Command::Order {
            order: order.clone(),
            call,
            what,
        };
        let asked = "asked the phone system".to_owned();
        let noted = self.note_order(person, address, name, target, asked, now);
        let owed = self.wishes.orders.len();
        let is_busy = !noted || owed >= OWED;
        if is_busy || self.pbxs[pbx].engine.send_at(desk, command).is_err() {
            return self.answer(asker, failed(ErrorCode::Busy, "The server is busy."));
        }
        let waiting = self.wishes.orders.entry((pbx, desk, order)).or_default();
        waiting.push((asker, now.instant + OVERDUE));
    }

    /// Whether this person may do that, to this call, and to where it leads.
    fn plan(
        &mut self,
        person: &Person,
        call: Option<&str>,
        order: wire::Order,
        now: Now,
    ) -> Result<(usize, DeskId, Option<engine::CallId>, engine::Order), Failure> {
        let (pbx, desk) = self.desk_of(person)?;
        let call = call.map(convert::call_id).transpose()?;
        if let Some(call) = call {
            self.may_touch(person, pbx, call, &order)?;
        }
        if let Some(text) = leads_to(&order) {
            let resolved = resolve(&self.pbxs[pbx].config.dial_plan, text)?;
            // The call that is passed on is one of those that go on: it does not stand in its own way.
            self.allow(person, &resolved, 0, now)?;
        }
        let what = convert::order(order, &self.pbxs[pbx].config.dial_plan)?;
        Ok((pbx, desk, call, what))
    }

    /// False when the audit cannot be written fast enough.
    fn note_order(
        &self,
        person: &Person,
        address: &Arc<str>,
        action: &'static str,
        target: String,
        outcome: String,
        now: Now,
    ) -> bool {
        let audit = Audit {
            at: now.unix_ms,
            actor: person.login.clone(),
            address: address.to_string(),
            action,
            // It may name whom a call was passed on to.
            target: AuditTarget::Number(target),
            outcome,
        };
        self.audit.try_send(audit).is_ok()
    }

    /// Other people's calls may be picked up where they ring or are parked; anything else is for those in the call.
    fn may_touch(
        &self,
        person: &Person,
        pbx: usize,
        call: engine::CallId,
        order: &wire::Order,
    ) -> Result<(), Failure> {
        let known = self.pbxs[pbx].board.call(call);
        let extension = person.extension.as_deref().unwrap_or_default();
        let is_own = known.is_some_and(|call| call.legs_of(extension).next().is_some());
        let is_pickup = matches!(order, wire::Order::PickUp);
        if known.is_some() && (is_own || is_pickup) {
            return Ok(());
        }
        // The same words whether it exists or not.
        Err(Failure::new(
            ErrorCode::NotFound,
            "There is no such call of yours.",
        ))
    }

    pub(super) fn ordered(&mut self, pbx: usize, desk: DeskId, order: &OrderId, answer: &Answer) {
        let waiting = self.wishes.orders.remove(&(pbx, desk, order.clone()));
        for (asker, _) in waiting.into_iter().flatten() {
            self.answer(asker, answer.clone());
        }
    }

    /// With whoever is known at once: nobody waits for a CRM to learn what would be dialled.
    fn explain(&mut self, asker: Asker, person: &Person, text: &str) {
        let Some(pbx) = self.pbx_of(person) else {
            return self.answer(
                asker,
                failed(ErrorCode::Refused, "No phone system is set up."),
            );
        };
        let plan = &self.pbxs[pbx].config.dial_plan;
        let answer = match resolve_with_steps(plan, text) {
            Ok(resolution) => {
                let number = resolution.number.clone();
                let who = self.directory.who(&super::people::question(number), None);
                Explained {
                    people: who.people,
                    ..explained(&resolution)
                }
            }
            Err(explained) => *explained,
        };
        self.answer(asker, Answer::Explained(answer));
    }

    fn close_missed(&mut self, asker: Asker, person: &Person, item: String, now: Now) {
        if !self.missed.contains_key(&item) {
            let words = "There is no such item any more.";
            return self.answer(asker, failed(ErrorCode::NotFound, words));
        }
        let asked = self.audit.try_send(Audit {
            at: now.unix_ms,
            actor: person.login.clone(),
            address: String::new(),
            action: "close_missed",
            target: AuditTarget::Missed(item),
            outcome: "done".into(),
        });
        let answer = match asked {
            Ok(()) => Answer::Done,
            Err(_) => failed(ErrorCode::Busy, "The server is busy."),
        };
        self.answer(asker, answer);
    }

    /// An engine that ended owes answers for ever.
    pub(super) fn forget_wishes(&mut self, now: Now) {
        let late = |until: &Instant| *until <= now.instant;
        let mut unanswered = Vec::new();
        self.wishes.orders.retain(|_, waiting| {
            for at in (0..waiting.len()).rev() {
                if late(&waiting[at].1) {
                    unanswered.push(waiting.swap_remove(at).0);
                }
            }
            !waiting.is_empty()
        });
        for asker in unanswered {
            let words = "Nobody knows whether it was done.";
            self.answer(asker, failed(ErrorCode::Unknown, words));
        }
    }
}

pub(super) fn failed(code: ErrorCode, words: &str) -> Answer {
    Answer::Failed(Failure::new(code, words))
}

fn resolve(plan: &phone_number::DialPlan, text: &str) -> Result<Resolution, Failure> {
    resolve_with_steps(plan, text)
        .map_err(|explained| Failure::new(ErrorCode::Refused, explained.words.unwrap_or_default()))
}

fn resolve_with_steps(
    plan: &phone_number::DialPlan,
    text: &str,
) -> Result<Resolution, Box<Explained>> {
    let no = |words: String, steps: &[phone_number::Step]| {
        Box::new(Explained {
            display: text.chars().take(64).collect(),
            dials: None,
            steps: steps_of(steps),
            words: Some(format!("Not called: {}.", words.trim_end_matches('.'))),
            question: None,
            people: People::Nobody,
        })
    };
    let resolved = if CallLink::looks_like(text) {
        let link = CallLink::parse(text).map_err(|error| no(error.to_string(), &[]))?;
        plan.resolve(Target::Link(&link))
    } else {
        plan.resolve(Target::Text(text))
    };
    resolved.map_err(|refusal| no(refusal.reason.to_string(), &refusal.steps))
}

fn explained(resolution: &Resolution) -> Explained {
    Explained {
        display: resolution.number.international(),
        dials: Some(resolution.dial.to_string()),
        steps: steps_of(&resolution.steps),
        words: None,
        question: resolution.question.as_ref().map(ToString::to_string),
        people: People::Asking,
    }
}

fn steps_of(steps: &[phone_number::Step]) -> Vec<(String, String)> {
    steps
        .iter()
        .map(|step| (step.what.clone(), step.result.clone()))
        .collect()
}

/// The number that an order calls: what may not be dialled may not be reached by passing a call on either.
fn leads_to(order: &wire::Order) -> Option<&str> {
    use wire::Order;
    match order {
        Order::BlindTransfer { to } | Order::AttendedTransfer { to } | Order::Redirect { to } => {
            Some(to)
        }
        Order::CancelTransfer
        | Order::Join { .. }
        | Order::Hold
        | Order::Park
        | Order::PickUp
        | Order::Conference
        | Order::Add
        | Order::MuteMember { .. }
        | Order::Kick { .. }
        | Order::Tones { .. }
        | Order::Record { .. }
        | Order::Mute { .. }
        | Order::QueueLogin { .. }
        | Order::QueueLogout { .. }
        | Order::QueuePause { .. }
        | Order::DoNotDisturb { .. } => None,
    }
}

fn order_name(order: &wire::Order) -> &'static str {
    use wire::Order;
    match order {
        Order::BlindTransfer { .. } => "blind_transfer",
        Order::AttendedTransfer { .. } => "attended_transfer",
        Order::CancelTransfer => "cancel_transfer",
        Order::Join { .. } => "join",
        Order::Redirect { .. } => "redirect",
        Order::Hold => "hold",
        Order::Park => "park",
        Order::PickUp => "pick_up",
        Order::Conference => "conference",
        Order::Add => "add",
        Order::MuteMember { .. } => "mute_member",
        Order::Kick { .. } => "kick",
        Order::Tones { .. } => "tones",
        Order::Record { .. } => "record",
        Order::Mute { .. } => "mute",
        Order::QueueLogin { .. } => "queue_login",
        Order::QueueLogout { .. } => "queue_logout",
        Order::QueuePause { .. } => "queue_pause",
        Order::DoNotDisturb { .. } => "do_not_disturb",
    }
}
