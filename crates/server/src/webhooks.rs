//! Events to other programs: signed, in order of their age, again until they were taken.

use crate::{clock, config, counters::Counters};
use futures_util::future::join_all;
use reqwest::{Client, redirect::Policy};
use ring::hmac;
use secrecy::ExposeSecret as _;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use store::{Delivery, Store};
use tracing::{debug, warn};
use wire::rest::NewWebhook;

/// The other side answers within this.
const DEADLINE: Duration = Duration::from_secs(10);
/// Looked for this often.
const EVERY: Duration = Duration::from_millis(500);
/// At once.
const BATCH: u32 = 32;
/// Waits between tries: 5 s, 10 s, … an hour.
const FIRST_WAIT: i64 = 5_000;
const LONGEST_WAIT: i64 = 3_600_000;
const EVENTS: [&str; 6] = [
    "*",
    "call.began",
    "call.answered",
    "call.ended",
    "missed.opened",
    "missed.closed",
];

/// # Errors
/// A sentence.
pub(crate) fn look_over(new: &NewWebhook) -> Result<(), String> {
    let url = reqwest::Url::parse(&new.url).map_err(|_| "That is no address.".to_owned())?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err("The address begins with https:// or http://.".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address may not hold a password; deliveries are signed.".into());
    }
    if new.events.is_empty() {
        return Err("Name at least one event.".into());
    }
    match new
        .events
        .iter()
        .find(|event| !EVENTS.contains(&event.as_str()))
    {
        Some(event) => Err(format!("There is no event “{event}”.")),
        None => Ok(()),
    }
}

/// Delivers for as long as the server runs.
pub(crate) async fn deliver(store: Store, config: config::Http, counters: Arc<Counters>) {
    loop {
        match store.due(clock::store_ms(), BATCH).await {
            Ok(due) => {
                let is_more = due.len() == BATCH as usize;
                side_by_side(&store, &config, &counters, due).await;
                if is_more {
                    continue;
                }
            }
            Err(error) => debug!(%error, "deliveries cannot be read"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Each receiver gets its own in their order; one that hangs holds up no other longer than its deadline.
async fn side_by_side(
    store: &Store,
    config: &config::Http,
    counters: &Counters,
    due: Vec<Delivery>,
) {
    let mut receivers: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for delivery in due {
        let receiver = receivers
            .entry(delivery.subscription.to_string())
            .or_default();
        receiver.push(delivery);
    }
    let rows = receivers.into_values().map(|deliveries| async move {
        for delivery in deliveries {
            one(store, config, counters, delivery).await;
        }
    });
    join_all(rows).await;
}

async fn one(store: &Store, config: &config::Http, counters: &Counters, delivery: Delivery) {
    let sent = send(config, &delivery).await;
    let kept = match sent {
        Ok(()) => {
            counters.webhooks_sent.fetch_add(1, Relaxed);
            store.delivered(delivery.id).await
        }
        Err(words) => {
            counters.webhooks_failed.fetch_add(1, Relaxed);
            let doubled = FIRST_WAIT.saturating_mul(1 << delivery.attempts.clamp(0, 20));
            let at = clock::store_ms() + doubled.min(LONGEST_WAIT);
            warn!(subscription = %delivery.subscription, attempt = delivery.attempts + 1, error = %words, "webhook not delivered");
            store.retry(delivery.id, at, &words).await.map(drop)
        }
    };
    if let Err(error) = kept {
        warn!(%error, "what became of a delivery is not kept; it may be sent again");
    }
}

/// `X-Sidetone-Signature: t=SECONDS,v1=HEX` is HMAC-SHA256 of `SECONDS.BODY` by the subscription's secret.
async fn send(config: &config::Http, delivery: &Delivery) -> Result<(), String> {
    let url = reqwest::Url::parse(&delivery.url).map_err(|error| error.to_string())?;
    let addresses = resolve(config, &url).await?;
    // To the address that was looked at, not to what the name says a moment later.
    let client = Client::builder()
        .timeout(DEADLINE)
        .redirect(Policy::none())
        .no_proxy()
        .resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses)
        .build()
        .map_err(|error| error.to_string())?;
    let at = clock::unix_ms() / 1_000;
    let signature = sign(delivery.secret.expose_secret(), at, &delivery.body);
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("x-sidetone-event", &delivery.event)
        .header("x-sidetone-delivery", delivery.id.to_string())
        .header("x-sidetone-signature", format!("t={at},v1={signature}"))
        .body(delivery.body.clone())
        .send()
        .await
        .map_err(|error| error.without_url().to_string())?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(format!("it answered {}", answer.status())),
    }
}

async fn resolve(config: &config::Http, url: &reqwest::Url) -> Result<Vec<SocketAddr>, String> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::time::timeout(DEADLINE, tokio::net::lookup_host((bare, port))).await;
    let found = found.map_err(|_| format!("the name {host} was not found in time"))?;
    let found: Vec<SocketAddr> = found.map_err(|error| format!("{host}: {error}"))?.collect();
    let may = |address: &SocketAddr| config.webhooks_to_private || is_public(address.ip());
    if found.is_empty() || !found.iter().all(may) {
        return Err(format!(
            "{host} is a private address; [http] webhooks_to_private allows that"
        ));
    }
    Ok(found)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            !(four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_unspecified()
                || four.is_multicast()
                || four.is_broadcast()
                || (a == 100 && (64..128).contains(&b)))
        }
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => is_public(IpAddr::V4(four)),
            None => {
                let first = six.segments()[0];
                !(six.is_loopback()
                    || six.is_unspecified()
                    || six.is_multicast()
                    || (first & 0xfe00) == 0xfc00
                    || (first & 0xffc0) == 0xfe80)
            }
        },
    }
}

fn sign(secret: &str, at: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known() {
        for text in [
            "127.0.0.1",
            "10.1.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:192.168.0.1",
            "0.0.0.0",
        ] {
            assert!(!is_public(text.parse().expect("address")), "{text}");
        }
        for text in ["8.8.8.8", "2001:4860::1"] {
            assert!(is_public(text.parse().expect("address")), "{text}");
        }
    }

    #[test]
    fn a_signature_is_what_others_compute() {
        // Python: hmac.new(b"secret", b"1.{}", hashlib.sha256).hexdigest()
        let told = "1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908";
        assert_eq!(sign("secret", 1, "{}"), told);
    }

    #[test]
    fn what_is_no_webhook_is_refused() {
        let new = |url: &str, event: &str| NewWebhook {
            url: url.into(),
            events: vec![event.into()],
        };
        assert_eq!(
            look_over(&new("https://crm.example/hook", "call.ended")),
            Ok(())
        );
        for wrong in [
            new("file:///etc/passwd", "*"),
            new("https://user:pass@crm.example", "*"),
            new("https://crm.example", "call.exploded"),
            new("crm", "*"),
        ] {
            assert!(look_over(&wrong).is_err(), "{wrong:?}");
        }
    }
}
