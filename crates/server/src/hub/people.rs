//! What people want of contact sources: checked here, done beside the hub.

use super::{Hub, Person, ask::Asker, wishes::failed};
use crate::{
    convert,
    journal::{Audit, AuditTarget},
};
use contacts::Question;
use phone_number::{DialPlan, PhoneNumber};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc::OwnedPermit;
use wire::{Answer, ErrorCode, Failure, People, Record, Remember, Request, Role};

/// Signs of what somebody looks for.
const LONGEST_TEXT: usize = 200;
/// Fields of a new person, and signs of each.
const FIELDS: usize = 64;
const LONGEST_FIELD: usize = 10_000;

/// Something that is asked of contact sources; answered by [`Ask::Done`](super::Ask::Done).
#[derive(Debug)]
pub(crate) struct PeopleWish {
    pub(crate) asker: Asker,
    pub(crate) person: Arc<Person>,
    pub(crate) address: Arc<str>,
    /// Of the request: the same again of the same person is the same wish.
    pub(crate) id: String,
    /// How numbers are read where his phone is.
    pub(crate) plan: DialPlan,
    /// He sees all digits of numbers outside.
    pub(crate) sees_numbers: bool,
    /// He reads calls of others in the log.
    pub(crate) sees_log: bool,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// `None`: that is no number, and nobody has it.
    WhoIs(Option<Question>),
    Find(String),
    /// What is written down goes by the place in the audit that was taken first.
    Link {
        call: CallAtHand,
        record: Record,
        remember: Remember,
        audit: OwnedPermit<Audit>,
    },
    Unlink {
        call: CallAtHand,
        audit: OwnedPermit<Audit>,
    },
    Forms(Option<CallAtHand>),
    Create {
        source: String,
        call: Option<CallAtHand>,
        fields: BTreeMap<String, String>,
        audit: OwnedPermit<Audit>,
    },
}

/// The call that somebody speaks of.
#[derive(Clone, Debug)]
pub(crate) struct CallAtHand {
    pub(crate) id: String,
    /// One that goes on, or has just ended; else the call log knows it.
    pub(crate) live: Option<LiveCall>,
}

/// What the sources have to know of a call of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveCall {
    /// The other end; `None`: withheld.
    pub(crate) number: Option<PhoneNumber>,
    /// What the caller dialled, if that was not the person's own extension.
    pub(crate) line: Option<String>,
}

/// Who has this number, besides any call?
pub(super) fn question(number: PhoneNumber) -> Question {
    Question {
        number,
        line: None,
        extension: None,
    }
}

impl Hub {
    pub(super) fn live_call(&self, pbx: usize, call: &wire::Call) -> LiveCall {
        let plan = &self.pbxs[pbx].config.dial_plan;
        let number = call.call_back.as_deref();
        LiveCall {
            number: number.and_then(|number| plan.number_of_trunk(number)),
            line: call.line.clone(),
        }
    }

    /// Anything that is not a request about people is none of this.
    pub(super) fn people_wish(
        &mut self,
        asker: Asker,
        person: &Arc<Person>,
        address: &Arc<str>,
        id: &str,
        request: Request,
    ) {
        let Some(pbx) = self.pbx_of(person) else {
            let words = "No phone system is set up.";
            return self.answer(asker, failed(ErrorCode::Refused, words));
        };
        let plan = self.pbxs[pbx].config.dial_plan.clone();
        let changes = changes(&request);
        let what = match self.what(person, &plan, request) {
            Ok(What::WhoIs(None)) => {
                let people = People::Nobody;
                return self.answer(asker, Answer::People { people });
            }
            Ok(what) => what,
            Err(failure) => {
                if let Some(action) = changes {
                    self.note_refused(person, address, action, &failure);
                }
                return self.answer(asker, Answer::Failed(failure));
            }
        };
        let rights = self.rights_of(person);
        let wish = PeopleWish {
            asker,
            person: person.clone(),
            address: address.clone(),
            id: id.to_owned(),
            plan,
            sees_numbers: rights.see_numbers,
            sees_log: rights.see_log && rights.see_calls,
            what,
        };
        if let Err(refused) = self.people_wishes.try_send(wish) {
            let asker = refused.into_inner().asker;
            self.answer(asker, Answer::Failed(busy()));
        }
    }

    fn what(&self, person: &Person, plan: &DialPlan, request: Request) -> Result<What, Failure> {
        match request {
            Request::WhoIs { number } => {
                let number = plan.number_of_trunk(&number);
                Ok(What::WhoIs(number.map(question)))
            }
            Request::FindPeople { text } => Ok(What::Find(tidy(&text)?)),
            Request::LinkPerson {
                call,
                record,
                remember,
            } => Ok(What::Link {
                call: self.at_hand(person, call)?,
                record: tidy_record(record)?,
                remember,
                audit: self.place_in_audit()?,
            }),
            Request::UnlinkPerson { call } => Ok(What::Unlink {
                call: self.at_hand(person, call)?,
                audit: self.place_in_audit()?,
            }),
            Request::PersonForms { call } => {
                let call = call.map(|call| self.at_hand(person, call)).transpose()?;
                Ok(What::Forms(call))
            }
            Request::CreatePerson {
                source,
                call,
                fields,
            } => {
                may_create(person)?;
                look_over(&fields)?;
                Ok(What::Create {
                    source,
                    call: call.map(|call| self.at_hand(person, call)).transpose()?,
                    fields,
                    audit: self.place_in_audit()?,
                })
            }
            Request::Dial { .. }
            | Request::Cancel { .. }
            | Request::HangUp { .. }
            | Request::Order { .. }
            | Request::Explain { .. }
            | Request::CloseMissed { .. } => Err(Failure::new(
                ErrorCode::Internal,
                "That is not asked of contact sources.",
            )),
        }
    }

    /// A call of one's own, or one that the call log may know; whose that is, is looked at there.
    fn at_hand(&self, person: &Person, call: String) -> Result<CallAtHand, Failure> {
        convert::call_id(&call)?;
        let own = self.own.get(&person.id);
        let live = own.and_then(|own| own.live_call(&call)).cloned();
        Ok(CallAtHand { id: call, live })
    }

    fn note_refused(
        &self,
        person: &Person,
        address: &Arc<str>,
        action: &'static str,
        why: &Failure,
    ) {
        let audit = Audit {
            at: crate::clock::unix_ms(),
            actor: person.login.clone(),
            address: address.to_string(),
            action,
            target: AuditTarget::Text(String::new()),
            outcome: why.message.clone(),
        };
        if self.audit.try_send(audit).is_err() {
            tracing::error!(
                action,
                "the audit log is written too slowly: a row is missing"
            );
        }
    }

    /// Nothing is done that cannot be written down.
    fn place_in_audit(&self) -> Result<OwnedPermit<Audit>, Failure> {
        self.audit.clone().try_reserve_owned().map_err(|_| busy())
    }
}

/// What is written down of it.
fn changes(request: &Request) -> Option<&'static str> {
    match request {
        Request::LinkPerson { .. } => Some("link_person"),
        Request::UnlinkPerson { .. } => Some("unlink_person"),
        Request::CreatePerson { .. } => Some("create_person"),
        Request::WhoIs { .. }
        | Request::FindPeople { .. }
        | Request::PersonForms { .. }
        | Request::Dial { .. }
        | Request::Cancel { .. }
        | Request::HangUp { .. }
        | Request::Order { .. }
        | Request::Explain { .. }
        | Request::CloseMissed { .. } => None,
    }
}

/// Who may make new people: everybody, unless his policy says otherwise.
pub(crate) fn may_create(person: &Person) -> Result<(), Failure> {
    if person.policy.create_people || person.role == Role::Admin {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Forbidden,
        "You may not make new contacts; your administrator can allow it.",
    ))
}

fn tidy(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let is_well = text.chars().count() <= LONGEST_TEXT && !text.contains(char::is_control);
    match is_well {
        true => Ok(text.to_owned()),
        false => Err(bad("A search is one line of at most 200 signs.")),
    }
}

fn tidy_record(record: Record) -> Result<Record, Failure> {
    let texts = [&record.source, &record.kind, &record.id];
    let is_well = |text: &&String| text.len() <= 512 && !text.contains(char::is_control);
    match texts.iter().all(is_well) && !record.id.is_empty() {
        true => Ok(record),
        false => Err(bad("The record is none of a contact source.")),
    }
}

fn look_over(fields: &BTreeMap<String, String>) -> Result<(), Failure> {
    let is_well = |(name, value): (&String, &String)| {
        name.len() <= LONGEST_TEXT && value.len() <= LONGEST_FIELD
    };
    match fields.len() <= FIELDS && fields.iter().all(is_well) {
        true => Ok(()),
        false => Err(bad("The form has too many fields, or a field is too long.")),
    }
}

fn bad(words: &str) -> Failure {
    Failure::new(ErrorCode::BadRequest, words)
}

fn busy() -> Failure {
    Failure {
        retry_after_ms: Some(1_000),
        ..Failure::new(ErrorCode::Busy, "The server is busy.")
    }
}
