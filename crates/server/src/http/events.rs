//! The live state for pages and programs without a WebSocket.

use crate::{
    app::{App, Signed},
    http::Refused,
    hub::{Ask, Newcomer},
    mailbox::{Mailbox, Text},
};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::Stream;
use serde::Deserialize;
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use wire::{Interest, Names};

pub(crate) async fn extensions(
    State(app): State<Arc<App>>,
    signed: Signed,
) -> Result<Response, Refused> {
    let interest = Interest {
        extensions: Names::All,
        ..Interest::default()
    };
    facts(&app, &signed, interest, "extension").await
}

pub(crate) async fn queues(
    State(app): State<Arc<App>>,
    signed: Signed,
) -> Result<Response, Refused> {
    let interest = Interest {
        queues: Names::All,
        ..Interest::default()
    };
    facts(&app, &signed, interest, "queue").await
}

async fn facts(
    app: &App,
    signed: &Signed,
    interest: Interest,
    kind: &str,
) -> Result<Response, Refused> {
    let texts = app.hub.facts(&signed.person, interest).await?;
    let begins = format!("{{\"fact\":\"{kind}\"");
    let texts: Vec<&str> = texts
        .iter()
        .map(|text| &**text)
        .filter(|text| text.starts_with(&begins))
        .collect();
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, format!("[{}]", texts.join(","))).into_response())
}

/// What is followed: `all`, or keys separated by commas.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Following {
    extensions: Option<String>,
    queues: Option<String>,
    parked: bool,
    missed: bool,
}

/// Server-sent events, each a fact: the same as on the WebSocket, one way.
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    signed: Signed,
    query: Result<Query<Following>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(following) = query?;
    let mailbox = Arc::new(Mailbox::default());
    let joined = app
        .hub
        .join(Newcomer {
            person: signed.person,
            device: signed.device,
            mailbox: mailbox.clone(),
            interest: Interest {
                extensions: names(following.extensions.as_deref()),
                queues: names(following.queues.as_deref()),
                parked: following.parked,
                missed: following.missed,
            },
        })
        .await?;
    let facts = Facts {
        app,
        client: joined.client,
        mailbox,
        waiting: VecDeque::new(),
        ready: None,
        is_over: false,
    };
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(facts).keep_alive(alive).into_response())
}

fn names(text: Option<&str>) -> Names {
    match text {
        None | Some("") => Names::None,
        Some("all") => Names::All,
        Some(list) => Names::These(list.split(',').map(str::to_owned).collect()),
    }
}

/// The newest of each thing whenever the reader takes more.
struct Facts {
    app: Arc<App>,
    client: crate::hub::ClientId,
    mailbox: Arc<Mailbox>,
    waiting: VecDeque<(&'static str, Text)>,
    ready: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_over: bool,
}

impl Stream for Facts {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some((name, text)) = self.waiting.pop_front() {
                let event = Event::default().event(name).data(&*text);
                return Poll::Ready(Some(Ok(event)));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            let mailbox = self.mailbox.clone();
            let ready = self
                .ready
                .get_or_insert_with(|| Box::pin(async move { mailbox.ready().await }));
            if ready.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.ready = None;
            let taken = self.mailbox.take();
            if taken.from_nothing {
                self.waiting.push_back(("snapshot", "{}".into()));
            }
            let facts = taken.facts.into_texts();
            self.waiting
                .extend(facts.into_iter().map(|text| ("fact", text)));
            if let Some(why) = taken.goodbye {
                let text = serde_json::to_string(&why).unwrap_or_default();
                self.waiting.push_back(("goodbye", text.into()));
                self.is_over = true;
            }
        }
    }
}

impl Drop for Facts {
    fn drop(&mut self) {
        let (hub, client) = (self.app.hub.clone(), self.client);
        tokio::spawn(async move {
            let _ = hub.tell(Ask::Leave(client)).await;
        });
    }
}
