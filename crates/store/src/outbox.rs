//! What others' addresses are to be told, until they have heard it or it was tried often enough.

use crate::db::{Row, Tx, Value, values};
use crate::{Store, StoreError, SubscriptionId};
use secrecy::{ExposeSecret as _, SecretString};

/// So many deliveries wait for one subscription; the oldest goes when there is one more, and is counted.
const MOST_WAITING: i64 = 10_000;
/// So often a delivery is tried; then it is dead and only looked at.
const MOST_ATTEMPTS: i64 = 12;

/// Somebody else's address and what it wants to hear.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub url: String,
    /// Signs what is sent.
    pub secret: SecretString,
    /// Names of events; `*` means all.
    pub events: Vec<String>,
    pub active: bool,
    /// Deliveries that were thrown away because too many waited. Not taken by [`Store::put_subscription`].
    pub dropped: i64,
}

/// Something that happened, to be told to all who want it.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    /// JSON, sent as it is.
    pub body: String,
    pub now: i64,
}

/// An event on its way to one address.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: i64,
    pub subscription: SubscriptionId,
    pub url: String,
    pub secret: SecretString,
    pub event: String,
    pub body: String,
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// What was wrong the last time.
    pub error: Option<String>,
}

/// What [`read_delivery`] reads.
const DELIVERY: &str =
    "o.id, o.subscription, s.url, s.secret, o.event, o.body, o.created_at, o.attempts, o.error";

impl Store {
    /// Adds a subscription or changes the one with this id.
    pub async fn put_subscription(&self, subscription: &Subscription) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "INSERT INTO subscriptions (id, url, secret, events, active, dropped) \
                       VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (id) DO UPDATE SET url = excluded.url, \
                       secret = excluded.secret, events = excluded.events, active = excluded.active";
            let values = values![
                subscription.id.as_str(),
                subscription.url.as_str(),
                subscription.secret.expose_secret(),
                serde_json::to_string(&subscription.events)?.as_str(),
                subscription.active,
            ];
            tx.run(sql, &values).await?;
            tx.commit().await
        })
        .await
    }

    /// Removes a subscription and all that waits for it; whether it was there.
    pub async fn remove_subscription(&self, id: &SubscriptionId) -> Result<bool, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let count = tx
                .run(
                    "DELETE FROM subscriptions WHERE id = $1",
                    &values![id.as_str()],
                )
                .await?;
            tx.commit().await?;
            Ok(count == 1)
        })
        .await
    }

    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        self.within(async { subscriptions(&mut self.pools.read().await?).await })
            .await
    }

    /// Hands events to all active subscriptions that want them. Those of a call belong to
    /// [`Store::put_calls_with_events`].
    pub async fn enqueue(&self, events: &[Event]) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            enqueue(&mut tx, events).await?;
            tx.commit().await
        })
        .await
    }

    /// What is to be sent now, the longest due first. For one who delivers: nothing marks them as taken.
    pub async fn due(&self, now: i64, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let condition = "o.dead = 0 AND o.due_at <= $1 AND s.active = 1 ORDER BY o.due_at, o.id";
        self.deliveries(condition, now, limit).await
    }

    /// Those that were tried often enough, newest first, made since a time.
    pub async fn dead_deliveries(
        &self,
        since: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let condition = "o.dead = 1 AND o.created_at >= $1 ORDER BY o.id DESC";
        self.deliveries(condition, since, limit).await
    }

    /// It was heard: forget it.
    pub async fn delivered(&self, id: i64) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.run("DELETE FROM outbox WHERE id = $1", &values![id])
                .await?;
            tx.commit().await
        })
        .await
    }

    /// It was not heard: try again at a time, unless it was tried often enough; whether it will be.
    pub async fn retry(&self, id: i64, at: i64, error: &str) -> Result<bool, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "UPDATE outbox SET attempts = attempts + 1, due_at = $2, error = $3, \
                       dead = CASE WHEN attempts + 1 >= $4 THEN 1 ELSE 0 END WHERE id = $1 RETURNING dead";
            let row = tx.row(sql, &values![id, at, error, MOST_ATTEMPTS]).await?;
            tx.commit().await?;
            row.map_or(Ok(false), |mut row| Ok(!row.flag()?))
        })
        .await
    }

    async fn deliveries(
        &self,
        condition: &str,
        time: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = format!(
                "SELECT {DELIVERY} FROM outbox o JOIN subscriptions s ON s.id = o.subscription \
                 WHERE {condition} LIMIT $2"
            );
            let mut rows = tx.rows(&sql, &values![time, i64::from(limit)]).await?;
            rows.iter_mut().map(read_delivery).collect()
        })
        .await
    }
}

/// Adds events for all who want them, in the transaction of what they tell.
pub(crate) async fn enqueue(tx: &mut Tx, events: &[Event]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    for subscription in subscriptions(tx).await? {
        if !subscription.active {
            continue;
        }
        let wanted = events.iter().filter(|event| {
            let mut names = subscription.events.iter();
            names.any(|name| name == "*" || *name == event.name)
        });
        let mut is_any = false;
        for event in wanted {
            add(tx, &subscription.id, event).await?;
            is_any = true;
        }
        if is_any {
            prune(tx, &subscription.id).await?;
        }
    }
    Ok(())
}

async fn add(tx: &mut Tx, subscription: &SubscriptionId, event: &Event) -> Result<(), StoreError> {
    let id = tx.count("outbox").await?;
    let sql = "INSERT INTO outbox (id, subscription, event, body, created_at, due_at, attempts, dead) \
               VALUES ($1, $2, $3, $4, $5, $5, 0, 0)";
    let values = values![
        id,
        subscription.as_str(),
        event.name.as_str(),
        event.body.as_str(),
        event.now,
    ];
    tx.run(sql, &values).await.map(drop)
}

/// Throws away the oldest of too many, the waiting and the dead each.
async fn prune(tx: &mut Tx, subscription: &SubscriptionId) -> Result<(), StoreError> {
    let sql = "DELETE FROM outbox WHERE subscription = $1 AND dead = $2 AND id <= (SELECT id FROM outbox \
               WHERE subscription = $1 AND dead = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)";
    let id = subscription.as_str();
    let dropped = tx.run(sql, &values![id, 0_i64, MOST_WAITING]).await?;
    tx.run(sql, &values![id, 1_i64, MOST_WAITING]).await?;
    if dropped > 0 {
        let sql = "UPDATE subscriptions SET dropped = dropped + $2 WHERE id = $1";
        tx.run(
            sql,
            &values![id, i64::try_from(dropped).unwrap_or(i64::MAX)],
        )
        .await?;
    }
    Ok(())
}

async fn subscriptions(tx: &mut Tx) -> Result<Vec<Subscription>, StoreError> {
    let sql = "SELECT id, url, secret, events, active, dropped FROM subscriptions ORDER BY id";
    let rows: Vec<Row> = tx.rows(sql, &[] as &[Value]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Subscription {
                id: row.text()?.into(),
                url: row.text()?,
                secret: row.text()?.into(),
                events: row.json()?,
                active: row.flag()?,
                dropped: row.int()?,
            })
        })
        .collect()
}

/// Reads [`DELIVERY`].
fn read_delivery(row: &mut Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.int()?,
        subscription: row.text()?.into(),
        url: row.text()?,
        secret: row.text()?.into(),
        event: row.text()?,
        body: row.text()?,
        created_at: row.int()?,
        attempts: row.int()?,
        error: row.opt_text()?,
    })
}
