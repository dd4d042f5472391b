//! Who is at the other end, as a colleague may see it.

use crate::{Sight, board::Colleague};
use calls::{Call, Leg, LegState, Role};
use phone_number::DialPlan;
use std::collections::BTreeMap;
use wire::{LampCallState, Party};

/// What is needed to name somebody.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) plan: &'a DialPlan,
    pub(crate) colleagues: &'a BTreeMap<Box<str>, Colleague>,
}

impl Names<'_> {
    /// The other end of a leg: with whom it talks, else who calls or whom it calls.
    pub(crate) fn far_end(self, call: &Call, leg: &Leg) -> Party {
        let talk = call.talking().find(|talk| talk.legs.contains(&leg.id));
        let other = talk.and_then(|talk| talk.legs.iter().find(|id| **id != leg.id));
        match (other.and_then(|id| call.leg(*id)), leg.role) {
            (Some(other), _) => self.end(call, other),
            (None, Role::Callee) => self.caller(call),
            (None, Role::Caller) => self.number(call.dialled.as_deref(), None),
        }
    }

    /// Who calls.
    pub(crate) fn caller(self, call: &Call) -> Party {
        self.number(call.caller.number.as_deref(), call.caller.name.as_deref())
    }

    fn end(self, call: &Call, leg: &Leg) -> Party {
        match (&leg.extension, leg.role) {
            (Some(extension), _) => self.number(Some(extension.as_str()), None),
            (None, Role::Caller) => self.caller(call),
            (None, Role::Callee) => {
                let dialled = leg.dialled.as_deref().or(call.dialled.as_deref());
                self.number(dialled, None)
            }
        }
    }

    fn number(self, number: Option<&str>, name: Option<&str>) -> Party {
        let colleague = number.and_then(|number| self.colleagues.get(number));
        let name = colleague.map(|colleague| &*colleague.name).or(name);
        Party {
            number: number.map(|number| self.plan.caller(number)),
            name: name
                .filter(|name| !name.is_empty() && Some(*name) != number)
                .map(str::to_owned),
        }
    }

    /// As much of it as the reader may see. Colleagues' own extensions are no secret.
    pub(crate) fn seen(self, party: &Party, sight: Sight) -> Party {
        let is_inside = |number: &String| self.colleagues.contains_key(number.as_str());
        match sight {
            Sight::All => party.clone(),
            Sight::Masked => Party {
                number: party.number.as_ref().map(|number| match is_inside(number) {
                    true => number.clone(),
                    false => phone_number::masked(number),
                }),
                name: party.name.clone(),
            },
            Sight::Lamps => Party::default(),
        }
    }
}

/// What an extension does in a call with this leg; nothing once the leg is gone.
pub(crate) fn state(leg: &Leg) -> Option<LampCallState> {
    match (leg.state, leg.role) {
        (LegState::Gone, _) => None,
        // Dialled, and the phone has not said that it rings.
        (LegState::Dialling, Role::Callee) => None,
        (_, _) if leg.on_hold => Some(LampCallState::Held),
        (LegState::Ringing, _) => Some(LampCallState::Ringing),
        (LegState::Dialling, Role::Caller) => Some(LampCallState::Calling),
        (LegState::Up, Role::Caller) if !leg.talking => Some(LampCallState::Calling),
        (LegState::Up, _) => Some(LampCallState::Talking),
    }
}
