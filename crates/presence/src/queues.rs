//! Queues with their members and who waits in them.

use crate::{Board, Now, Sight, lamp};
use calls::{CallId, Known};
use engine::MemberFact;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use wire::{Membership, QueueMember, WaitingCaller};

#[derive(Debug, Default)]
pub(crate) struct Queues {
    queues: BTreeMap<Box<str>, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    fact: Option<Arc<Known<calls::Queue>>>,
    members: BTreeMap<Box<str>, Arc<MemberFact>>,
    waiting: BTreeSet<CallId>,
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.fact.is_none() && self.members.is_empty() && self.waiting.is_empty()
    }
}

impl Queues {
    pub(crate) fn names(&self) -> impl Iterator<Item = &Box<str>> {
        self.queues.keys()
    }

    pub(crate) fn queue(&mut self, queue: &str, fact: Option<Arc<Known<calls::Queue>>>) {
        self.queues.entry(queue.into()).or_default().fact = fact;
        self.tidy(queue);
    }

    pub(crate) fn member(&mut self, queue: &str, interface: &str, fact: Option<Arc<MemberFact>>) {
        let members = &mut self.queues.entry(queue.into()).or_default().members;
        match fact {
            Some(fact) => members.insert(interface.into(), fact),
            None => members.remove(interface),
        };
        self.tidy(queue);
    }

    /// Says whether that is news, or shows a caller whose call has changed.
    pub(crate) fn waiting(&mut self, queue: &str, call: CallId, waits: bool) -> bool {
        if waits {
            let entry = self.queues.entry(queue.into()).or_default();
            entry.waiting.insert(call);
            return true;
        }
        let was = self
            .queues
            .get_mut(queue)
            .is_some_and(|entry| entry.waiting.remove(&call));
        self.tidy(queue);
        was
    }

    fn tidy(&mut self, queue: &str) {
        if self.queues.get(queue).is_some_and(Entry::is_empty) {
            self.queues.remove(queue);
        }
    }

    pub(crate) fn draw(
        &self,
        name: &str,
        board: &Board,
        sight: Sight,
        now: Now,
    ) -> Option<wire::Queue> {
        let entry = self.queues.get(name)?;
        let params = entry.fact.as_ref().and_then(|fact| fact.params.as_ref());
        let mut waiting: Vec<WaitingCaller> = entry
            .waiting
            .iter()
            .filter_map(|id| board.call(*id))
            .filter_map(|call| {
                let visit = call
                    .queues
                    .iter()
                    .rev()
                    .find(|visit| &*visit.queue == name)?;
                let names = board.names();
                Some(WaitingCaller {
                    call: call.id.to_string(),
                    party: names.seen(&names.caller(call), sight),
                    since: now.unix_ms_of(visit.joined),
                })
            })
            .collect();
        waiting.sort_by_key(|caller| caller.since);
        Some(wire::Queue {
            queue: name.to_owned(),
            pbx: board.pbx().to_owned(),
            strategy: params.map(|params| params.strategy.to_string()),
            waiting,
            members: entry
                .members
                .values()
                .map(|fact| member(fact, board))
                .collect(),
            completed: params.map_or(0, |params| params.completed),
            abandoned: params.map_or(0, |params| params.abandoned),
            hold_time_s: params.map_or(0, |params| params.hold_time),
            certain: board.is_certain() && entry.fact.as_ref().is_none_or(|fact| fact.certain),
        })
    }
}

fn member(fact: &MemberFact, board: &Board) -> QueueMember {
    let member = &fact.member;
    let extension = fact.extension.as_ref().map(ToString::to_string);
    let colleague = extension
        .as_deref()
        .and_then(|extension| board.colleague(extension));
    let lamp = extension
        .as_deref()
        .and_then(|extension| board.lamp(extension));
    QueueMember {
        name: colleague.map_or_else(
            || member.name.to_string(),
            |colleague| colleague.name.clone(),
        ),
        membership: match member.membership {
            calls::Membership::Static => Membership::Static,
            calls::Membership::Dynamic => Membership::Dynamic,
            calls::Membership::Realtime => Membership::Realtime,
            calls::Membership::Other => Membership::Other,
        },
        paused: member.paused,
        paused_reason: member.paused_reason.as_deref().map(str::to_owned),
        in_call: member.in_call,
        lamp: lamp.unwrap_or_else(|| lamp::of_device(member.status)),
        calls_taken: member.calls_taken,
        extension,
    }
}
