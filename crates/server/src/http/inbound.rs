//! Click-to-call from a CRM: it asks, in the words of its connector, that somebody's phone rings and calls a number.

use crate::{
    app::App,
    http::{Peer, Refused},
    hub::HubHandle,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use crm::{Inbound, InboundRequest};
use ring::digest::{SHA256, digest};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use store::User;
use wire::{Answer, ErrorCode, Failure, Request};

/// Longer requests of a CRM are none.
const LONGEST: usize = 64 * 1024;
/// Within it the same wish is the same click.
const CLICK: Duration = Duration::from_secs(3);

pub(crate) async fn call(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    Path((connector, path)): Path<(String, String)>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    app.may_try(address)?;
    if body.len() > LONGEST {
        let words = "The request is longer than 64 KB.";
        return Err(Refused::new(ErrorCode::TooLarge, words));
    }
    let known = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let request = InboundRequest {
        method: method.to_string(),
        path: format!("/inbound/{connector}/{path}"),
        query: query.unwrap_or_default(),
        headers: known.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = app.callers.inbound(&connector, &path, &request).await;
    let answer = answer.ok_or_else(no_such)?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
    let Some(wish) = answer.wish else {
        if status == StatusCode::UNAUTHORIZED {
            app.was_wrong(address, "inbound");
        }
        return Err(not_understood(status));
    };
    place(&app, address, &connector, &wish).await?;
    Ok(match answer.json {
        Some(json) => (status, Json(json)).into_response(),
        None => status.into_response(),
    })
}

/// By the rights and limits of whom the extension belongs to, and in the audit as his.
async fn place(app: &App, address: IpAddr, connector: &str, wish: &Inbound) -> Result<(), Refused> {
    let user = clicker(app, wish.extension.as_deref()).await?;
    let target = format!(
        "{connector} {}",
        user.extension.as_deref().unwrap_or_default()
    );
    let number = wish.number.e164().unwrap_or(wish.number.digits());
    let id = id(connector, &user, number);
    let request = Request::Dial {
        text: number.to_owned(),
    };
    let (person, from) = (user.id.as_str().into(), address.to_string().into());
    let hub: &HubHandle = &app.hub;
    let placed = hub.wish(&person, &from, id, request).await;
    let failure = match placed {
        Answer::Failed(failure) => Some(failure),
        Answer::Done
        | Answer::Explained(_)
        | Answer::People { .. }
        | Answer::Found { .. }
        | Answer::Forms { .. }
        | Answer::Created { .. } => None,
    };
    let outcome = failure.as_ref().map_or("done", |why| why.message.as_str());
    app.note(&user.login, &from, "click_in_crm", &target, outcome);
    failure.map_or(Ok(()), |failure| Err(Refused(failure)))
}

async fn clicker(app: &App, extension: Option<&str>) -> Result<User, Refused> {
    let refused = |words: &str| Refused::new(ErrorCode::Refused, words);
    let extension = extension.ok_or_else(|| {
        refused("The request names nobody: neither an extension nor a user who has one.")
    })?;
    let mut found = Vec::new();
    for site in &app.sites {
        let known = app.store.user_by_extension(&site.name, extension).await;
        let known = known.map_err(|error| app.broken("users", &error))?;
        found.extend(known.filter(|user| !user.disabled));
    }
    the_one(found).map_err(refused)
}

/// The request says no phone system: at two of them the wrong person's phone would ring.
fn the_one<T>(mut found: Vec<T>) -> Result<T, &'static str> {
    match (found.pop(), found.is_empty()) {
        (Some(user), true) => Ok(user),
        (Some(_), false) => Err(
            "More than one phone system here has that extension, and the request does not say which is meant.",
        ),
        (None, _) => Err("Nobody here has that extension."),
    }
}

/// The same for a second click a moment later.
fn id(connector: &str, user: &User, number: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let moment = since.unwrap_or_default().as_secs() / CLICK.as_secs();
    let text = format!("{connector} {} {number} {moment}", user.id);
    let hash = digest(&SHA256, text.as_bytes());
    let hash = hash.as_ref().iter().take(16);
    format!(
        "crm-{}",
        hash.map(|byte| format!("{byte:02x}")).collect::<String>()
    )
}

fn no_such() -> Refused {
    Refused::new(ErrorCode::NotFound, "There is nothing here.")
}

/// Whoever cannot prove himself learns nothing.
fn not_understood(status: StatusCode) -> Refused {
    let (code, words) = match status {
        StatusCode::UNAUTHORIZED => (ErrorCode::Unauthenticated, "The request proves nothing."),
        StatusCode::NOT_FOUND => return no_such(),
        _ => (ErrorCode::BadRequest, "The request is not understood."),
    };
    Refused(Failure::new(code, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_of_two_phone_systems_rings_at_neither() {
        assert_eq!(the_one(vec!["anna"]), Ok("anna"));
        let why = the_one(vec!["anna", "bert"]).expect_err("two");
        assert!(why.contains("More than one"), "{why}");
        assert!(the_one(Vec::<&str>::new()).is_err());
    }
}
