//! What the hub is asked, and by whom.

use crate::mailbox::Mailbox;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use wire::{Answer, ErrorCode, Failure, Interest, Me, Request, Role, rest::Policy};

/// A question to the hub is answered within this, or the hub is stuck.
const DEADLINE: Duration = Duration::from_secs(5);
/// An order may take the engine 15 seconds.
const WISH: Duration = Duration::from_secs(20);

/// Somebody who works here, as the hub needs him.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) id: Arc<str>,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) pbx: String,
    pub(crate) extension: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) disabled: bool,
}

/// A connection of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientId(pub(crate) u64);

/// Somebody whose token is known.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) person: Arc<str>,
    pub(crate) device: Arc<str>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) interest: Interest,
}

#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) client: ClientId,
    pub(crate) me: Me,
    pub(crate) now: u64,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Asker {
    Client { client: ClientId, id: String },
    Rest(oneshot::Sender<Answer>),
}

/// What a page shows of the whole.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) pbxs: Vec<wire::rest::PbxHealth>,
    pub(crate) clients: u32,
    pub(crate) uptime_s: u64,
    pub(crate) online: std::collections::BTreeSet<Arc<str>>,
}

#[derive(Debug)]
pub(crate) enum Ask {
    Join(Box<Newcomer>, oneshot::Sender<Result<Joined, Failure>>),
    Follow(ClientId, Box<Interest>),
    Resync(ClientId),
    Wish {
        asker: Asker,
        person: Arc<str>,
        address: Arc<str>,
        id: String,
        request: Box<Request>,
    },
    Leave(ClientId),
    /// The device may not be here any more.
    Cut {
        device: Arc<str>,
        why: Failure,
    },
    Me(Arc<str>, oneshot::Sender<Option<Me>>),
    /// All extensions, queues and parked calls, as this person sees them.
    Facts(
        Arc<str>,
        Box<Interest>,
        oneshot::Sender<Vec<crate::mailbox::Text>>,
    ),
    Health(oneshot::Sender<Snapshot>),
    People(Vec<Person>),
    /// What was done beside the hub is done.
    Done(Asker, Box<Answer>),
    /// Items of the board of missed calls; without one it is gone.
    Board(Vec<(String, Option<wire::MissedCall>)>),
    /// The server ends.
    End,
}

impl Ask {
    /// A wish of a client on its socket.
    pub(crate) fn wish(
        client: ClientId,
        person: &Arc<str>,
        address: &Arc<str>,
        id: String,
        request: Request,
    ) -> Self {
        Self::Wish {
            asker: Asker::Client {
                client,
                id: id.clone(),
            },
            person: person.clone(),
            address: address.clone(),
            id,
            request: Box::new(request),
        }
    }
}

/// Asks the hub; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HubHandle {
    asks: mpsc::Sender<Ask>,
}

impl HubHandle {
    pub(crate) fn new(asks: mpsc::Sender<Ask>) -> Self {
        Self { asks }
    }

    pub(crate) async fn join(&self, newcomer: Newcomer) -> Result<Joined, Failure> {
        let (answer, answered) = oneshot::channel();
        self.tell(Ask::Join(Box::new(newcomer), answer)).await?;
        wait(answered, DEADLINE).await?
    }

    pub(crate) async fn me(&self, person: &Arc<str>) -> Result<Option<Me>, Failure> {
        let (answer, answered) = oneshot::channel();
        self.tell(Ask::Me(person.clone(), answer)).await?;
        wait(answered, DEADLINE).await
    }

    pub(crate) async fn facts(
        &self,
        person: &Arc<str>,
        interest: Interest,
    ) -> Result<Vec<crate::mailbox::Text>, Failure> {
        let (answer, answered) = oneshot::channel();
        self.tell(Ask::Facts(person.clone(), Box::new(interest), answer))
            .await?;
        wait(answered, DEADLINE).await
    }

    pub(crate) async fn health(&self) -> Result<Snapshot, Failure> {
        let (answer, answered) = oneshot::channel();
        self.tell(Ask::Health(answer)).await?;
        wait(answered, DEADLINE).await
    }

    /// A wish of a program that waits for the answer.
    pub(crate) async fn wish(
        &self,
        person: &Arc<str>,
        address: &Arc<str>,
        id: String,
        request: Request,
    ) -> Answer {
        let (answer, answered) = oneshot::channel();
        let ask = Ask::Wish {
            asker: Asker::Rest(answer),
            person: person.clone(),
            address: address.clone(),
            id,
            request: Box::new(request),
        };
        if let Err(failure) = self.tell(ask).await {
            return Answer::Failed(failure);
        }
        wait(answered, WISH).await.unwrap_or_else(|_| {
            let words = "Nobody knows whether it was done.";
            Answer::Failed(Failure::new(ErrorCode::Unknown, words))
        })
    }

    /// Waits for room, not for the answer.
    pub(crate) async fn tell(&self, ask: Ask) -> Result<(), Failure> {
        match timeout(DEADLINE, self.asks.send(ask)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

async fn wait<T>(answered: oneshot::Receiver<T>, deadline: Duration) -> Result<T, Failure> {
    match timeout(deadline, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(busy()),
    }
}

fn busy() -> Failure {
    Failure {
        retry_after_ms: Some(1_000),
        ..Failure::new(
            ErrorCode::Busy,
            "The server is busy or ends; try again in a moment.",
        )
    }
}
