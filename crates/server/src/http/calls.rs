//! The call log, and calls placed by programs.

use crate::{
    app::{App, Signed},
    http::Refused,
    journal,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use presence::Sight;
use std::{collections::BTreeSet, sync::Arc};
use store::{Begun, CallCursor, CallFilter, Visible};
use wire::{
    Answer, ErrorCode, Me, Request,
    rest::{LogDirection, LogOutcome, LogPage, LogQuery, NewCall},
};

/// Calls in a page where nothing is said.
const PAGE: u16 = 50;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    signed: Signed,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<LogPage>, Refused> {
    let Query(query) = query?;
    let wanted = query.outcome;
    let (filter, sight) = filter(&app, &signed, query).await?;
    let found = app.store.calls(&filter).await;
    let found = found.map_err(|error| app.broken("call log", &error))?;
    let calls = found.calls.into_iter().map(|record| {
        let plan = app.plan(&record.pbx);
        journal::entry(record, sight, plan)
    });
    // The store has one word for a call that goes on and for one whose end nobody saw.
    let calls = calls.filter(|call| wanted.is_none_or(|wanted| call.outcome == wanted));
    Ok(Json(LogPage {
        calls: calls.collect(),
        next: found
            .next
            .map(|next| format!("{}-{}", next.started, next.id)),
    }))
}

pub(crate) async fn csv(
    State(app): State<Arc<App>>,
    signed: Signed,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(query) = query?;
    let (filter, sight) = filter(&app, &signed, query).await?;
    let me = app.hub.me(&signed.person).await?;
    let may = me.is_some_and(|me| me.rights.export_log) && sight == Sight::All;
    if !may {
        app.note(
            &signed.user.login,
            &signed.address,
            "export_log",
            "",
            "forbidden",
        );
        let words = "You may not export the call log; supervisors who see all digits may.";
        return Err(Refused::new(ErrorCode::Forbidden, words));
    }
    app.note(
        &signed.user.login,
        &signed.address,
        "export_log",
        "",
        "done",
    );
    let (reader, mut writer) = tokio::io::duplex(64 * 1024);
    let store = app.store.clone();
    tokio::spawn(async move {
        if let Err(error) = store.export_calls(&filter, &mut writer).await {
            tracing::warn!(%error, "the export of the call log ended early");
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"calls.csv\"",
        ),
    ];
    Ok((headers, super::admin::stream(reader)).into_response())
}

/// Whose calls somebody may read: everybody's, those of the groups that he may see, or his own.
async fn visible(
    app: &App,
    signed: &Signed,
    me: &Me,
    asked: Option<&str>,
) -> Result<Visible, Refused> {
    let groups = crate::staff::policy(&signed.user).see_groups;
    if me.rights.see_log && me.rights.see_calls && groups.is_empty() {
        return Ok(Visible::All);
    }
    let pbx = me.pbx.clone().unwrap_or_default();
    let mut extensions: BTreeSet<String> = me.extension.clone().into_iter().collect();
    if me.rights.see_log && me.rights.see_calls {
        let users = app.store.users().await;
        let users = users.map_err(|error| app.broken("users", &error))?;
        let near = users.into_iter().filter(|user| {
            user.pbx == pbx && user.groups.iter().any(|group| groups.contains(group))
        });
        extensions.extend(near.filter_map(|user| user.extension));
    }
    if asked.is_some_and(|asked| !extensions.contains(asked)) {
        let (login, address) = (&signed.user.login, &signed.address);
        app.note(login, address, "read_log", "another's calls", "forbidden");
        let words = "You may read your own calls, and those of the people whom you may see.";
        return Err(Refused::new(ErrorCode::Forbidden, words));
    }
    Ok(match extensions.is_empty() {
        true => Visible::Nothing,
        false => Visible::Extensions { pbx, extensions },
    })
}

/// What may be seen of what is asked.
async fn filter(
    app: &App,
    signed: &Signed,
    query: LogQuery,
) -> Result<(CallFilter, Sight), Refused> {
    let me = app.hub.me(&signed.person).await?;
    let me = me.ok_or_else(|| Refused(crate::app::unauthenticated()))?;
    let visible = visible(app, signed, &me, query.extension.as_deref()).await?;
    let given = [&query.text, &query.extension, &query.queue];
    if given
        .into_iter()
        .flatten()
        .any(|text| text.contains(char::is_control))
    {
        // A NUL ends a text for one database and is no text at all for another.
        let words = "A search has letters, digits and signs only.";
        return Err(Refused::new(ErrorCode::BadRequest, words));
    }
    let text = query.text.filter(|text| !text.trim().is_empty());
    let is_number = |text: &String| {
        text.chars().any(|c| c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || " +-().*#/".contains(c))
    };
    let (number, name) = match text {
        Some(text) if is_number(&text) => (Some(text), None),
        text => (None, text),
    };
    let stored = |at: Option<u64>| at.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
    let before = query.before.as_deref().map(cursor).transpose()?;
    let sight = match me.rights.see_numbers {
        true => Sight::All,
        false => Sight::Masked,
    };
    let filter = CallFilter {
        number,
        name,
        pbx: None,
        extension: query.extension,
        queue: query.queue,
        direction: query.direction.map(|direction| match direction {
            LogDirection::Incoming => store::Direction::Incoming,
            LogDirection::Outgoing => store::Direction::Outgoing,
            LogDirection::Internal => store::Direction::Internal,
        }),
        outcome: query.outcome.map(outcome),
        from: stored(query.from),
        until: stored(query.until),
        visible,
        before,
        limit: usize::from(query.limit.unwrap_or(PAGE).clamp(1, 500)),
    };
    Ok((filter, sight))
}

fn cursor(text: &str) -> Result<CallCursor, Refused> {
    let parts = text.split_once('-');
    let parts = parts.and_then(|(started, id)| Some((started.parse().ok()?, id)));
    match parts {
        Some((started, id)) if id.len() <= 64 => Ok(CallCursor {
            started,
            id: id.into(),
        }),
        Some(_) | None => {
            let words = "The parameter “before” is the “next” of another page.";
            Err(Refused::new(ErrorCode::BadRequest, words))
        }
    }
}

fn outcome(outcome: LogOutcome) -> store::Outcome {
    match outcome {
        LogOutcome::Answered => store::Outcome::Answered,
        LogOutcome::Missed => store::Outcome::Missed,
        LogOutcome::Busy => store::Outcome::Busy,
        LogOutcome::NoAnswer => store::Outcome::NoAnswer,
        LogOutcome::Cancelled => store::Outcome::Cancelled,
        LogOutcome::Voicemail => store::Outcome::Voicemail,
        LogOutcome::Failed => store::Outcome::Failed,
        LogOutcome::Open | LogOutcome::Unknown => store::Outcome::Unknown,
    }
}

/// The board of missed calls.
pub(crate) async fn missed(
    State(app): State<Arc<App>>,
    signed: Signed,
) -> Result<Json<Vec<wire::MissedCall>>, Refused> {
    let me = app.hub.me(&signed.person).await?;
    let me = me.ok_or_else(|| Refused(crate::app::unauthenticated()))?;
    let open = app.store.missed_board(store::Board::Open, 500).await;
    let open = open.map_err(|error| app.broken("missed calls", &error))?;
    let items = open.into_iter().map(|item| {
        let plan = app.plan(&item.pbx).cloned();
        let mut item = journal::item(item, None, plan.as_ref());
        if !me.rights.see_numbers {
            item.party.number = item.party.number.as_deref().map(phone_number::masked);
            item.call_back = None;
        }
        item
    });
    Ok(Json(items.collect()))
}

pub(crate) async fn originate(
    State(app): State<Arc<App>>,
    signed: Signed,
    body: Result<Json<NewCall>, JsonRejection>,
) -> Result<(StatusCode, Json<Answer>), Refused> {
    let Json(body) = body?;
    if body.id.len() > 64 {
        let words = "The id of a request is 1 to 64 visible ASCII characters.";
        return Err(Refused::new(ErrorCode::BadRequest, words));
    }
    // A program asks again when its answer was lost, perhaps because the server died over it.
    let begun = app
        .store
        .begin_request(&signed.person, &body.id, crate::clock::store_ms())
        .await;
    match begun {
        Ok(Begun::New) => {}
        Ok(Begun::Known(outcome)) if outcome == DONE => return answer(Answer::Done),
        // It was refused; the hub knows an id of this run.
        Ok(Begun::Known(_)) => {}
        Ok(Begun::Unfinished) => {
            let words = "This was asked before, and nobody knows whether it was done.";
            return Err(Refused::new(ErrorCode::Unknown, words));
        }
        // Calls go on without a store.
        Err(error) => tracing::warn!(%error, "a request is not noted"),
    }
    let request = Request::Dial { text: body.to };
    let told = app
        .hub
        .wish(&signed.person, &signed.address, body.id.clone(), request)
        .await;
    if !is_unknown(&told) {
        let outcome = match &told {
            Answer::Failed(_) => REFUSED,
            Answer::Done
            | Answer::Explained(_)
            | Answer::People { .. }
            | Answer::Found { .. }
            | Answer::Forms { .. }
            | Answer::Created { .. } => DONE,
        };
        let noted = app
            .store
            .finish_request(&signed.person, &body.id, outcome)
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "what became of a request is not noted");
        }
    }
    answer(told)
}

/// What became of a request, as the store keeps it.
const DONE: &str = "\"done\"";
const REFUSED: &str = "\"refused\"";

fn is_unknown(answer: &Answer) -> bool {
    match answer {
        Answer::Failed(failure) => failure.code == ErrorCode::Unknown,
        Answer::Done
        | Answer::Explained(_)
        | Answer::People { .. }
        | Answer::Found { .. }
        | Answer::Forms { .. }
        | Answer::Created { .. } => false,
    }
}

pub(crate) async fn hang_up(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Answer>), Refused> {
    let request = Request::HangUp { call: Some(id) };
    let id = crate::tokens::code().unwrap_or_default();
    answer(
        app.hub
            .wish(&signed.person, &signed.address, id, request)
            .await,
    )
}

fn answer(answer: Answer) -> Result<(StatusCode, Json<Answer>), Refused> {
    match answer {
        Answer::Failed(failure) => Err(Refused(failure)),
        done @ (Answer::Done
        | Answer::Explained(_)
        | Answer::People { .. }
        | Answer::Found { .. }
        | Answer::Forms { .. }
        | Answer::Created { .. }) => Ok((StatusCode::ACCEPTED, Json(done))),
    }
}
