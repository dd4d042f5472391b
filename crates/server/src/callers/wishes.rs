//! What people want of contact callers, done beside the hub: each wish waits for CRM and store, and nobody for it.

use super::Callers;
use crate::{
    clock,
    hub::{Ask, CallAtHand, HubHandle, PeopleWish, Person, What},
    journal::{Audit, AuditTarget, call_person, without_digits},
};
use contacts::{Directory, Link, Question, Unlink};
use phone_number::{DialPlan, PhoneNumber};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OnceCell, Semaphore, mpsc},
    time::{Instant, timeout},
};
use wire::{Answer, ErrorCode, Failure, Record, Remember};

/// Wishes that may wait.
pub(crate) const WISHES: usize = 1_024;
/// Wishes that are being done.
const AT_ONCE: usize = 256;
/// Whoever asks who has a number waits this long for slow callers.
const WHO_IS: Duration = Duration::from_secs(2);
/// … and whoever looks for a name; he asks again while some still search.
const FIND: Duration = Duration::from_millis(500);
/// People of one search.
const FOUND: usize = 50;
/// A source that makes somebody; beyond it nobody knows whether it did.
const CREATE: Duration = Duration::from_secs(15);
/// Requests to make somebody that are known again.
const KNOWN: usize = 1_024;

/// Does what people want until nobody is left who could.
pub(crate) async fn serve(callers: Callers, hub: HubHandle, mut inbox: mpsc::Receiver<PeopleWish>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let once = Arc::new(Once::default());
    while let Some(wish) = inbox.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (callers, hub, once) = (callers.clone(), hub.clone(), once.clone());
        tokio::spawn(async move {
            let _place = place;
            let (asker, answer) = grant(&callers, &once, wish).await;
            if let Err(why) = hub.tell(Ask::Done(asker, Box::new(answer))).await {
                tracing::warn!(error = %why.message, "an answer is lost");
            }
        });
    }
}

/// Who asks, for what is written down and remembered.
struct By {
    person: Arc<Person>,
    address: Arc<str>,
    plan: DialPlan,
    /// He reads the log of others, of all or of his groups.
    sees_log: bool,
}

/// What a call is to the callers.
struct Call {
    id: String,
    number: Option<PhoneNumber>,
    line: Option<String>,
}

async fn grant(callers: &Callers, once: &Once, wish: PeopleWish) -> (crate::hub::Asker, Answer) {
    let by = By {
        person: wish.person,
        address: wish.address,
        plan: wish.plan,
        sees_log: wish.sees_log,
    };
    let answer = match wish.what {
        What::WhoIs(question) => Ok(who_is(callers, question).await),
        What::Find(text) => Ok(find(callers, &text).await),
        What::Link {
            call,
            record,
            remember,
            audit,
        } => {
            let target = format!("{} {}", call.id, named(&record));
            let done = link(callers, &by, call, record, remember).await;
            audit.send(by.row("link_person", &target, done.as_ref().err()));
            done.map(|()| Answer::Done)
        }
        What::Unlink { call, audit } => {
            let target = call.id.clone();
            let done = unlink(callers, &by, call).await;
            audit.send(by.row("unlink_person", &target, done.as_ref().err()));
            done.map(|()| Answer::Done)
        }
        What::Forms(call) => forms(callers, &by, call).await,
        What::Create {
            source,
            call,
            fields,
            audit,
        } => {
            let place = once.place(&by.person.id, &wish.id);
            let made = place.get_or_init(|| async {
                let made = create(callers, &by, &source, call, fields).await;
                let target = match &made {
                    Ok(person) => named(&person.record),
                    Err(_) => source.clone(),
                };
                audit.send(by.row("create_person", &target, made.as_ref().err()));
                made
            });
            let made = made.await.clone();
            made.map(|person| Answer::Created { person })
        }
    };
    let answer = answer.unwrap_or_else(Answer::Failed);
    let answer = match wish.sees_numbers {
        true => answer,
        false => without_numbers(answer),
    };
    (wish.asker, answer)
}

impl By {
    fn row(&self, action: &'static str, target: &str, why_not: Option<&Failure>) -> Audit {
        Audit {
            at: clock::unix_ms(),
            actor: self.person.login.clone(),
            address: self.address.to_string(),
            action,
            target: AuditTarget::Text(target.chars().take(256).collect()),
            outcome: why_not.map_or_else(|| "done".to_owned(), |why| why.message.clone()),
        }
    }

    /// As colleagues know him.
    fn name(&self) -> String {
        match self.person.name.trim() {
            "" => self.person.login.clone(),
            name => name.to_owned(),
        }
    }
}

/// `tryton party 17`: who it is, without a name.
fn named(record: &Record) -> String {
    format!("{} {} {}", record.source, record.kind, record.id)
}

async fn who_is(callers: &Callers, question: Option<Question>) -> Answer {
    let people = match question {
        Some(question) => {
            let until = Instant::now() + WHO_IS;
            let who = callers.directory().who_until(&question, until).await;
            who.people
        }
        None => wire::People::Nobody,
    };
    Answer::People { people }
}

/// For whoever may not see all digits: a source may know somebody by his number alone.
fn without_numbers(mut answer: Answer) -> Answer {
    let people = match &mut answer {
        Answer::Found { people, .. } => people.iter_mut().collect(),
        Answer::People { people } => match people {
            wire::People::One { person } => vec![person],
            wire::People::Several { people } => people.iter_mut().collect(),
            wire::People::Asking | wire::People::Nobody => Vec::new(),
        },
        Answer::Created { person } => vec![person],
        Answer::Done | Answer::Explained(_) | Answer::Forms { .. } | Answer::Failed(_) => {
            Vec::new()
        }
    };
    for person in people {
        let numbers = person.numbers.iter_mut();
        numbers.for_each(|number| *number = phone_number::masked(number));
        let facts = person.facts.iter_mut().map(|fact| &mut fact.value);
        let texts = [&mut person.name].into_iter().chain(&mut person.company);
        for text in texts.chain(&mut person.note).chain(facts) {
            *text = without_digits(std::mem::take(text));
        }
    }
    answer
}

async fn find(callers: &Callers, text: &str) -> Answer {
    let found = callers.directory().find(text, FOUND, FIND).await;
    Answer::Found {
        people: found.people,
        sources: found.sources,
    }
}

async fn link(
    callers: &Callers,
    by: &By,
    call: CallAtHand,
    record: Record,
    remember: Remember,
) -> Result<(), Failure> {
    let call = look_at(callers, by, call).await?;
    link_call(callers, by, &call, record, remember).await
}

const NOT_CONNECTED: &str =
    "The contact source of this person is not connected now; nothing was linked.";

/// The running call and its line in the log have this person.
async fn link_call(
    callers: &Callers,
    by: &By,
    call: &Call,
    record: Record,
    remember: Remember,
) -> Result<(), Failure> {
    let number = call.number.clone().ok_or_else(withheld)?;
    // The directory would say nothing of it, and the log would lose whom it has.
    if !callers.is_asked(&record.source) {
        return Err(super::refused(NOT_CONNECTED));
    }
    let directory = callers.directory();
    let linked = directory.link(Link {
        number: number.clone(),
        line: call.line.clone(),
        call: Some(call.id.clone()),
        record,
        remember,
        by: Some(by.name()),
        at: clock::unix_ms(),
    });
    let person = match linked {
        Some(person) => Some(person),
        None => asked_again(callers, call, number).await,
    };
    // Whom nobody knows in time is written down at the end of the call, or stays as he is.
    let Some(person) = person.as_ref().map(call_person) else {
        return Ok(());
    };
    // One that began a moment ago may not be in the log yet; at its end it is written with its person.
    let id = store::CallId::from(call.id.as_str());
    let kept = callers.inner.store.set_call_person(&id, Some(&person));
    kept.await.map(drop).map_err(|error| broken(&error))
}

/// Somebody who is known by his record only: his source is asked for him.
async fn asked_again(callers: &Callers, call: &Call, number: PhoneNumber) -> Option<wire::Person> {
    let question = Question {
        number,
        line: call.line.clone(),
        extension: None,
    };
    let directory = callers.directory();
    directory
        .who_until(&question, Instant::now() + WHO_IS)
        .await;
    let who = directory.who(&question, Some(&call.id));
    who.people.one().cloned()
}

async fn unlink(callers: &Callers, by: &By, call: CallAtHand) -> Result<(), Failure> {
    let call = look_at(callers, by, call).await?;
    let id = store::CallId::from(call.id.as_str());
    let stored = callers
        .inner
        .store
        .call(&id)
        .await
        .map_err(|error| broken(&error))?;
    let shown = stored.and_then(|stored| stored.person);
    if let Some(number) = call.number {
        callers.directory().unlink(Unlink {
            number,
            line: call.line,
            call: Some(call.id.clone()),
            record: shown.map(|person| Record {
                source: person.source,
                kind: person.kind,
                id: person.id,
            }),
        });
    }
    let kept = callers.inner.store.set_call_person(&id, None);
    kept.await.map(drop).map_err(|error| broken(&error))
}

async fn forms(callers: &Callers, by: &By, call: Option<CallAtHand>) -> Result<Answer, Failure> {
    let number = match call {
        Some(call) => look_at(callers, by, call).await?.number,
        None => None,
    };
    // Nothing to fill in for whoever may make nobody.
    let forms = match crate::hub::may_create(&by.person) {
        Ok(()) => callers.forms(number.as_ref()),
        Err(_) => Vec::new(),
    };
    Ok(Answer::Forms { forms })
}

async fn create(
    callers: &Callers,
    by: &By,
    source: &str,
    call: Option<CallAtHand>,
    fields: std::collections::BTreeMap<String, String>,
) -> Result<wire::Person, Failure> {
    let call = match call {
        Some(call) => Some(look_at(callers, by, call).await?),
        None => None,
    };
    let number = call.as_ref().and_then(|call| call.number.clone());
    let number = number.or_else(|| typed(&fields, &by.plan));
    let number = number.ok_or_else(|| {
        let words = "Somebody new needs a number: fill one in, or make him from a call.";
        Failure::new(ErrorCode::Refused, words)
    })?;
    let made = timeout(CREATE, callers.create(source, &fields, &number));
    let made = made.await.unwrap_or_else(|_| {
        let words =
            "The contact source did not answer in time; look there whether it made the contact.";
        Err(Failure::new(ErrorCode::Unknown, words))
    })?;
    let directory = callers.directory();
    let person = learnt(directory, source, made);
    directory.forget_number(&number);
    if let Some(call) = &call
        && call.number.is_some()
    {
        // The person is made; that the call is not linked to it is not worth to say that it failed.
        let linked = link_call(callers, by, call, person.record.clone(), Remember::Number);
        if let Err(why) = linked.await {
            tracing::warn!(error = %why.message, "a call is not linked to the person that was made for it");
        }
    }
    Ok(person)
}

/// A source that is being changed at this moment has made him all the same: to say that it failed would make a second.
fn learnt(directory: &Directory, source: &str, made: contacts::Person) -> wire::Person {
    let told = wire::Person {
        name: made.name.clone(),
        source: source.to_owned(),
        record: Record {
            source: source.to_owned(),
            ..made.record.clone()
        },
        ..wire::Person::default()
    };
    directory.learn(source, made).unwrap_or(told)
}

/// The number in a form that is filled in for no call.
fn typed(
    fields: &std::collections::BTreeMap<String, String>,
    plan: &DialPlan,
) -> Option<PhoneNumber> {
    let named = |part: &str| {
        let mut fields = fields.iter();
        fields.find_map(|(name, text)| name.contains(part).then(|| plan.number(text).ok())?)
    };
    ["phone", "number", "mobile", "tel"]
        .into_iter()
        .find_map(named)
}

/// The call, if it is his: one that goes on, or one of the log.
async fn look_at(callers: &Callers, by: &By, call: CallAtHand) -> Result<Call, Failure> {
    if let Some(live) = call.live {
        return Ok(Call {
            id: call.id,
            number: live.number,
            line: live.line,
        });
    }
    let id = store::CallId::from(call.id.as_str());
    let record = callers
        .inner
        .store
        .call(&id)
        .await
        .map_err(|error| broken(&error))?;
    let near = near(callers, by).await?;
    let record = record.filter(|record| {
        let phones = record
            .legs
            .iter()
            .filter_map(|leg| leg.extension.as_deref());
        is_his(by, &near, &record.pbx, phones)
    });
    // The same words whether it exists or not.
    let record = record.ok_or_else(|| {
        let words = "There is no such call of yours.";
        Failure::new(ErrorCode::NotFound, words)
    })?;
    let number = record.peer().and_then(|peer| by.plan.number_of_trunk(peer));
    let own = by.person.extension.as_deref();
    let line = record.did.clone().filter(|did| own != Some(did.as_str()));
    Ok(Call {
        id: record.id.to_string(),
        number,
        line,
    })
}

/// Phone system and extension of those whose calls he sees besides his own.
async fn near(callers: &Callers, by: &By) -> Result<Vec<(String, String)>, Failure> {
    let groups = &by.person.policy.see_groups;
    if !by.sees_log || groups.is_empty() {
        return Ok(Vec::new());
    }
    let users = callers.inner.store.users().await;
    let users = users.map_err(|error| broken(&error))?.into_iter();
    let near = users.filter(|user| user.groups.iter().any(|group| groups.contains(group)));
    Ok(near
        .filter_map(|user| Some((user.pbx, user.extension?)))
        .collect())
}

/// His own phone was in it, or the phone of somebody whose calls the log shows him.
fn is_his<'a>(
    by: &By,
    near: &[(String, String)],
    pbx: &str,
    mut phones: impl Iterator<Item = &'a str>,
) -> bool {
    let person = &by.person;
    let own = person.extension.as_deref();
    let is_here = person.pbx.is_empty() || person.pbx == pbx;
    let sees_all = by.sees_log && person.policy.see_groups.is_empty();
    let is_near = |extension: &str| {
        let mut near = near.iter();
        near.any(|(its, one)| its == pbx && one == extension)
    };
    let was_in_it = phones.any(|phone| own == Some(phone) || is_near(phone));
    (is_here && was_in_it) || sees_all
}

/// Requests that may be done once only, by person and id.
#[derive(Default)]
struct Once {
    known: Mutex<Known>,
}

type Place = Arc<OnceCell<Result<wire::Person, Failure>>>;

#[derive(Default)]
struct Known {
    places: HashMap<(Arc<str>, String), Place>,
    ages: VecDeque<(Arc<str>, String)>,
}

impl Once {
    fn place(&self, person: &Arc<str>, id: &str) -> Place {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (person.clone(), id.to_owned());
        if let Some(place) = known.places.get(&key) {
            return place.clone();
        }
        if known.ages.len() >= KNOWN
            && let Some(oldest) = known.ages.pop_front()
        {
            known.places.remove(&oldest);
        }
        known.ages.push_back(key.clone());
        let place = Place::default();
        known.places.insert(key, place.clone());
        place
    }
}

fn withheld() -> Failure {
    let words = "The number of this call is withheld: nobody can be remembered for it.";
    Failure::new(ErrorCode::Refused, words)
}

fn broken(error: &store::StoreError) -> Failure {
    tracing::error!(%error, "the store did not answer");
    Failure {
        retry_after_ms: Some(2_000),
        ..Failure::new(
            ErrorCode::Internal,
            format!("The server's store does not answer: {error}. Tell your administrator."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_not_see_numbers_reads_none_as_a_name() {
        let person = |name: &str| wire::Person {
            name: name.into(),
            company: Some("+7 906 219-50-47".into()),
            numbers: vec!["+79062195047".into()],
            ..wire::Person::default()
        };
        let all = [
            Answer::Created {
                person: person("+79062195047"),
            },
            Answer::Found {
                people: vec![person("8 (906) 219-50-47")],
                sources: Vec::new(),
            },
            Answer::People {
                people: wire::People::One {
                    person: person("+7 906 219 50 47"),
                },
            },
        ];
        for answer in all {
            let told = format!("{:?}", without_numbers(answer));
            let digits = told
                .chars()
                .filter(char::is_ascii_digit)
                .collect::<String>();
            assert!(!digits.contains("219"), "{told}");
        }
        let person = without_numbers(Answer::Created {
            person: person("Vera Orlova 2"),
        });
        assert!(format!("{person:?}").contains("Vera Orlova 2"));
    }

    #[test]
    fn whoever_sees_a_call_in_the_log_corrects_it_and_nobody_else() {
        let by = |sees_log: bool, see_groups: &[&str]| By {
            person: Arc::new(Person {
                id: "1".into(),
                login: "sue".into(),
                name: String::new(),
                role: wire::Role::Supervisor,
                pbx: "main".into(),
                extension: Some("100".into()),
                channel: None,
                groups: Vec::new(),
                policy: wire::rest::Policy {
                    see_groups: see_groups.iter().map(|group| (*group).into()).collect(),
                    ..wire::rest::Policy::default()
                },
                disabled: false,
            }),
            address: "".into(),
            plan: DialPlan::new(phone_number::Region::GB),
            sees_log,
        };
        let near = [("main".to_owned(), "101".to_owned())];
        let none = &near[..0];
        let is_his = |by: &By, near: &[_], pbx, phone| is_his(by, near, pbx, [phone].into_iter());
        assert!(is_his(&by(false, &[]), none, "main", "100"));
        // The site hides calls from his role.
        assert!(!is_his(&by(false, &[]), none, "main", "101"));
        assert!(is_his(&by(true, &[]), none, "main", "102"));
        assert!(is_his(&by(true, &["sales"]), &near, "main", "101"));
        assert!(!is_his(&by(true, &["sales"]), &near, "main", "102"));
        assert!(!is_his(&by(true, &["sales"]), &near, "other", "101"));
    }

    #[tokio::test]
    async fn who_was_made_by_a_source_that_has_gone_meanwhile_was_made() {
        let plan = DialPlan::new(phone_number::Region::GB);
        let directory = Directory::new(contacts::directory::Settings::new(plan));
        let made = contacts::Person {
            name: "Nina Neu".into(),
            record: Record {
                id: "900".into(),
                ..Record::default()
            },
            ..contacts::Person::default()
        };
        let person = learnt(&directory, "crm", made);
        assert_eq!(person.name, "Nina Neu");
        assert_eq!(person.record.id, "900");
        assert_eq!(person.record.source, "crm");
    }
}
