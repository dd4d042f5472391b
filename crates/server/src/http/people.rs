//! People outside: found, linked to calls, made; and the sources that know them.

use crate::{
    app::{App, Signed},
    http::{Admin, Refused},
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::StatusCode,
};
use serde::Deserialize;
use std::sync::Arc;
use wire::{
    Answer, Connector, ErrorCode, Request,
    rest::{ConnectorChange, Connectors, FindPeople, Findings, LinkPerson, NewPerson},
};

type Answered = Result<Json<Answer>, Refused>;

/// A wish of a program, by the same rights as that of a desktop.
async fn wish(app: &App, signed: &Signed, id: Option<String>, request: Request) -> Answered {
    let id = match id {
        Some(id) => id,
        None => crate::tokens::code().unwrap_or_default(),
    };
    let wished = app.hub.wish(&signed.person, &signed.address, id, request);
    match wished.await {
        Answer::Failed(failure) => Err(Refused(failure)),
        done @ (Answer::Done
        | Answer::Explained(_)
        | Answer::People { .. }
        | Answer::Found { .. }
        | Answer::Forms { .. }
        | Answer::Created { .. }) => Ok(Json(done)),
    }
}

pub(crate) async fn find(
    State(app): State<Arc<App>>,
    signed: Signed,
    body: Result<Json<FindPeople>, JsonRejection>,
) -> Answered {
    let Json(FindPeople { text }) = body?;
    wish(&app, &signed, None, Request::FindPeople { text }).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FormsQuery {
    call: Option<String>,
}

pub(crate) async fn forms(
    State(app): State<Arc<App>>,
    signed: Signed,
    query: Result<Query<FormsQuery>, QueryRejection>,
) -> Answered {
    let Query(FormsQuery { call }) = query?;
    wish(&app, &signed, None, Request::PersonForms { call }).await
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    signed: Signed,
    body: Result<Json<NewPerson>, JsonRejection>,
) -> Answered {
    let Json(body) = body?;
    let request = Request::CreatePerson {
        source: body.source,
        call: body.call,
        fields: body.fields,
    };
    wish(&app, &signed, Some(body.id), request).await
}

pub(crate) async fn link(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(call): Path<String>,
    body: Result<Json<LinkPerson>, JsonRejection>,
) -> Answered {
    let Json(LinkPerson { record, remember }) = body?;
    let request = Request::LinkPerson {
        call,
        record,
        remember,
    };
    wish(&app, &signed, None, request).await
}

pub(crate) async fn unlink(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(call): Path<String>,
) -> Answered {
    wish(&app, &signed, None, Request::UnlinkPerson { call }).await
}

// For administrators.

pub(crate) async fn connectors(State(app): State<Arc<App>>, _: Admin) -> Json<Connectors> {
    Json(Connectors {
        kinds: app.callers.kinds().await,
        connected: app.callers.list(),
    })
}

pub(crate) async fn put_connector(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
    body: Result<Json<ConnectorChange>, JsonRejection>,
) -> Result<Json<Connector>, Refused> {
    let Json(change) = body.map_err(without_texts)?;
    let put = app.callers.put(&id, change, &signed.user.id).await;
    let outcome = put.as_ref().err().map(|why| why.message.clone());
    note(&app, &signed, "put_connector", &id, outcome);
    Ok(Json(put?))
}

pub(crate) async fn remove_connector(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let removed = app.callers.remove(&id, &signed.user.id).await;
    let outcome = removed.as_ref().err().map(|why| why.message.clone());
    note(&app, &signed, "remove_connector", &id, outcome);
    removed?;
    Ok(StatusCode::NO_CONTENT)
}

/// Without a body what is saved is tried, else what is typed.
pub(crate) async fn test_connector(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
    body: Result<Option<Json<ConnectorChange>>, JsonRejection>,
) -> Result<Json<Findings>, Refused> {
    let change = body.map_err(without_texts)?.map(|Json(change)| change);
    let tested = app.callers.test(&id, change).await;
    let outcome = tested.as_ref().err().map(|why| why.message.clone());
    note(&app, &signed, "test_connector", &id, outcome);
    Ok(Json(Findings { findings: tested? }))
}

/// The words of the parser may hold what was typed: a secret in the wrong place.
fn without_texts(_: JsonRejection) -> Refused {
    let words =
        "The request is not understood: a connector has file, enabled, values, secrets and place.";
    Refused::new(ErrorCode::BadRequest, words)
}

fn note(app: &App, signed: &Signed, action: &'static str, id: &str, why_not: Option<String>) {
    let id: String = id.chars().take(64).collect();
    let outcome = why_not.unwrap_or_else(|| "done".to_owned());
    app.note(&signed.user.login, &signed.address, action, &id, &outcome);
}
