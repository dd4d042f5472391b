//! Calls as the engine tells them, into the store.

use super::{
    Writer,
    record::{Around, call_person, item, question, record},
};
use crate::{clock, hub::Ask, pbx::Site};
use calls::{Call, CallId};
use contacts::Question;
use engine::{CallLog, Logged, What};
use presence::Now;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use store::{BoardChange, CallPerson, CallRecord, Event, PutCalls};
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, info, warn};
use wire::People;

/// Calls in one transaction: one write to the disk for all of them.
const BATCH: usize = 256;
/// Ended calls whose person is asked for at the same time.
const NAMED_AT_ONCE: usize = 64;
/// … and for so long.
const NAMED: Duration = Duration::from_secs(30);
/// … and that may wait for that; further ones stay without a name.
pub(crate) const UNNAMED: usize = 1_024;

/// Writes every call of one phone system until its engine ends.
pub(crate) async fn write_calls(
    writer: Writer,
    site: Site,
    mut log: CallLog,
    people: mpsc::Sender<Unnamed>,
) {
    let mut clocks = Clocks::default();
    while let Some(first) = log.next().await {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Some(next) = log.try_next()
        {
            batch.push(next);
        }
        write(&writer, &site, &mut clocks, batch, &people).await;
    }
}

/// The clock of each call that goes on, as it was when the call was first heard of: somebody may set it meanwhile, and
/// no talk is an hour longer for that.
#[derive(Debug, Default)]
struct Clocks(HashMap<CallId, Now>);

impl Clocks {
    fn of(&mut self, call: &Call, now: Now) -> Now {
        let first = *self.0.entry(call.id).or_insert(now);
        if call.ended.is_some() {
            self.0.remove(&call.id);
        }
        let passed = now.instant.saturating_duration_since(first.instant);
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        Now {
            unix_ms: first.unix_ms.saturating_add(passed),
            ..now
        }
    }
}

/// In order: what the PBX listed after a login closes what came before it and nothing after.
async fn write(
    writer: &Writer,
    site: &Site,
    clocks: &mut Clocks,
    batch: Vec<Logged>,
    people: &mpsc::Sender<Unnamed>,
) {
    let mut records = Vec::new();
    let mut events = Vec::new();
    writer
        .counters
        .log_waiting
        .store(batch.len() as u64, Relaxed);
    for logged in batch {
        let now = Now {
            instant: logged.at,
            unix_ms: logged.unix_ms,
        };
        let mut record = |call: &Call| {
            let around = Around {
                pbx: &site.name,
                plan: &site.dial_plan,
                missed_lines: &site.missed_lines,
                now: clocks.of(call, now),
            };
            record(call, around)
        };
        match logged.what {
            // A call without a phone or line is no call of anybody's.
            What::Began(call) | What::Answered(call) | What::Ended(call)
                if call.legs.is_empty() =>
            {
                debug!(call = %call.id, "no legs");
            }
            What::Began(call) => {
                let record = record(&call);
                events.push(event("call.began", &record, now));
                records.push(record);
            }
            What::Answered(call) => {
                let record = record(&call);
                events.push(event("call.answered", &record, now));
                records.push(record);
            }
            What::Ended(call) => {
                writer.counters.calls_logged.fetch_add(1, Relaxed);
                let mut record = record(&call);
                record.person = person(writer, site, &call, people);
                events.push(event("call.ended", &record, now));
                records.push(record);
            }
            What::Resynced { alive } => {
                clocks.0.clear();
                put(
                    writer,
                    site,
                    std::mem::take(&mut records),
                    std::mem::take(&mut events),
                )
                .await;
                close_lost(writer, site, &alive, now).await;
            }
            What::Lost(entries) => {
                warn!(pbx = %site.name, entries, "the disk was too slow for the call log; the PBX's own records complete it");
            }
        }
    }
    put(writer, site, records, events).await;
    writer.counters.log_waiting.store(0, Relaxed);
}

/// Who was at the other end, as far as it is known now; who is still asked for is written down later.
fn person(
    writer: &Writer,
    site: &Site,
    call: &Call,
    people: &mpsc::Sender<Unnamed>,
) -> Option<CallPerson> {
    let question = question(call, &site.dial_plan)?;
    let id = call.id.to_string();
    let who = writer.directory.who(&question, Some(&id));
    if matches!(who.people, People::Asking) && people.try_send(Unnamed { id, question }).is_err() {
        debug!(call = %call.id, "too many calls wait for the name of their person");
    }
    who.people.one().map(call_person)
}

/// An ended call whose person was still asked for.
#[derive(Debug)]
pub(crate) struct Unnamed {
    id: String,
    question: Question,
}

/// Writes down who was at the other end of calls, once slow sources have said it; until nobody is left who could end one.
pub(crate) async fn name_calls(writer: Writer, mut unnamed: mpsc::Receiver<Unnamed>) {
    let places = Arc::new(Semaphore::new(NAMED_AT_ONCE));
    while let Some(call) = unnamed.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let writer = writer.clone();
        tokio::spawn(async move {
            let _place = place;
            name(&writer, &call).await;
        });
    }
}

async fn name(writer: &Writer, call: &Unnamed) {
    let until = tokio::time::Instant::now() + NAMED;
    writer.directory.who_until(&call.question, until).await;
    // What somebody chose for this call meanwhile counts.
    let who = writer.directory.who(&call.question, Some(&call.id));
    let Some(person) = who.people.one().map(call_person) else {
        return;
    };
    let id = store::CallId::from(call.id.as_str());
    if let Err(error) = writer.store.set_call_person(&id, Some(&person)).await {
        debug!(%error, "a call in the log has no person");
    }
}

async fn put(writer: &Writer, site: &Site, records: Vec<CallRecord>, events: Vec<Event>) {
    if records.is_empty() {
        return;
    }
    let put = writer
        .insist("call log", || {
            writer.store.put_calls_with_events(&records, &events)
        })
        .await;
    tell_board(writer, site, put).await;
}

async fn close_lost(writer: &Writer, site: &Site, alive: &[ami::Uniqueid], now: Now) {
    let alive: Vec<String> = alive.iter().map(ToString::to_string).collect();
    let at = i64::try_from(now.unix_ms).unwrap_or(i64::MAX);
    let put = writer
        .insist("call log", || {
            writer.store.close_lost(&site.name, &alive, at)
        })
        .await;
    if !put.ids.is_empty() {
        info!(pbx = %site.name, calls = put.ids.len(), "ended while nobody was watching");
    }
    tell_board(writer, site, put).await;
}

pub(super) async fn tell_board(writer: &Writer, site: &Site, put: PutCalls) {
    if put.board.is_empty() {
        return;
    }
    let items = board_items(writer, put.board).await;
    let events: Vec<Event> = items.iter().filter_map(board_event).collect();
    if !events.is_empty()
        && let Err(error) = writer.store.enqueue(&events).await
    {
        warn!(pbx = %site.name, %error, "webhooks do not hear of the board of missed calls");
    }
    if let Err(why) = writer.hub.tell(Ask::Board(items)).await {
        warn!(error = %why.message, "the board of missed calls is not told");
    }
}

/// Items as clients read them; without one for those that were no missed calls.
pub(super) async fn board_items(
    writer: &Writer,
    changes: Vec<BoardChange>,
) -> Vec<(String, Option<wire::MissedCall>)> {
    let mut items = Vec::new();
    for change in changes {
        match change {
            BoardChange::Changed(changed) => {
                let by = closer(writer, &changed).await;
                let item = item(*changed, by, None);
                items.push((item.item.clone(), Some(item)));
            }
            BoardChange::Gone(id) => items.push((id.to_string(), None)),
        }
    }
    items
}

/// What other programs hear of an item: its first call, and that somebody has talked with the number.
fn board_event((_, item): &(String, Option<wire::MissedCall>)) -> Option<Event> {
    let item = item.as_ref()?;
    let name = match (item.closed_at, item.times) {
        (Some(_), _) => "missed.closed",
        (None, 1) => "missed.opened",
        (None, _) => return None,
    };
    let at = clock::unix_ms();
    Some(Event {
        name: name.to_owned(),
        body: serde_json::json!({ "event": name, "at": at, "missed": item }).to_string(),
        now: i64::try_from(at).unwrap_or(i64::MAX),
    })
}

/// Who closed it, by name where it is known.
async fn closer(writer: &Writer, item: &store::MissedItem) -> Option<String> {
    let closed = item.closed.as_ref()?;
    if let Some(user) = &closed.by_user {
        let user = writer.store.user(user).await.ok()??;
        return Some(user.name);
    }
    let extension = closed.by_extension.as_deref()?;
    let user = writer
        .store
        .user_by_extension(&item.pbx, extension)
        .await
        .ok()??;
    Some(user.name).filter(|name| !name.is_empty())
}

fn event(name: &str, record: &CallRecord, now: Now) -> Event {
    let entry = super::entry(record.clone(), presence::Sight::All, None);
    let body = serde_json::json!({ "event": name, "at": now.unix_ms, "call": entry });
    Event {
        name: name.to_owned(),
        body: body.to_string(),
        now: i64::try_from(now.unix_ms).unwrap_or(i64::MAX),
    }
}
