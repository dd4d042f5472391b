//! What every request can reach.

use crate::{
    config::Config,
    counters::Counters,
    hub::HubHandle,
    journal::{Audit, AuditTarget},
    limits::Failures,
    logs::Recent,
    pbx::Site,
};
use std::{
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{DeviceId, Store, TokenHash, User};
use tokio::sync::{mpsc, watch};
use wire::{ErrorCode, Failure};

pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) sites: Vec<Site>,
    pub(crate) hub: HubHandle,
    pub(crate) store: Store,
    pub(crate) audit: mpsc::Sender<Audit>,
    pub(crate) failures: Failures,
    pub(crate) origins: Vec<String>,
    /// How people reach the server.
    pub(crate) url: String,
    pub(crate) counters: Arc<Counters>,
    pub(crate) trouble: watch::Receiver<Option<String>>,
    pub(crate) recent: Recent,
    pub(crate) people: crate::staff::Staff,
    pub(crate) callers: crate::callers::Callers,
    pub(crate) signing_in: crate::http::signin::SigningIn,
}

/// Somebody whose token is good.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) user: User,
    pub(crate) person: Arc<str>,
    pub(crate) device: Arc<str>,
    pub(crate) address: Arc<str>,
}

impl App {
    /// Whose token this is. A good one is let in whatever others at the same address, an office, guess: nobody guesses
    /// 256 bits.
    pub(crate) async fn authenticate(
        &self,
        token: &str,
        address: IpAddr,
    ) -> Result<Signed, Failure> {
        let hash = TokenHash::of(token);
        let found = self
            .store
            .device_by_token(&hash, crate::clock::store_ms())
            .await;
        let found = found.map_err(|error| self.broken("device", &error))?;
        let Some((device, user)) = found.filter(|(_, user)| !user.disabled) else {
            self.may_try(address)?;
            self.was_wrong(address, "token");
            return Err(unauthenticated());
        };
        self.was_seen(&device.id, address);
        Ok(Signed {
            person: user.id.as_str().into(),
            device: device.id.as_str().into(),
            address: address.to_string().into(),
            user,
        })
    }

    /// Beside the sign-in: thousands come back at once after a restart, and none waits for the others' notes.
    fn was_seen(&self, device: &DeviceId, address: IpAddr) {
        let (store, device) = (self.store.clone(), device.clone());
        tokio::spawn(async move {
            let now = crate::clock::store_ms();
            if let Err(error) = store.touch_device(&device, &address.to_string(), now).await {
                tracing::debug!(%error, "not noted that a device was seen");
            }
        });
    }

    pub(crate) fn may_try(&self, address: IpAddr) -> Result<(), Failure> {
        match self.failures.wait(address, Instant::now()) {
            None => Ok(()),
            Some(wait) => Err(too_often(wait)),
        }
    }

    pub(crate) fn was_wrong(&self, address: IpAddr, what: &'static str) {
        self.failures.wrong(address, Instant::now());
        self.counters
            .sign_ins_refused
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tracing::warn!(%address, what, "sign-in refused");
        self.note("", &address.to_string(), "sign_in", what, "refused");
    }

    /// A row for the audit log.
    pub(crate) fn note(
        &self,
        login: &str,
        address: &str,
        action: &'static str,
        target: &str,
        outcome: &str,
    ) {
        let audit = Audit {
            at: crate::clock::unix_ms(),
            actor: login.to_owned(),
            address: address.to_owned(),
            action,
            target: AuditTarget::Text(target.to_owned()),
            outcome: outcome.to_owned(),
        };
        // What strangers try may not fill the place of what people do: those are not served without their row.
        let is_stranger = login.is_empty();
        if is_stranger && self.audit.capacity() < self.audit.max_capacity() / 2 {
            tracing::warn!(action, "more strange requests than are written down");
            return;
        }
        if self.audit.try_send(audit).is_err() {
            tracing::error!(
                action,
                "the audit log is written too slowly: a row is missing"
            );
        }
    }

    /// What a person is told when the store does not answer.
    pub(crate) fn broken(&self, what: &str, error: &dyn std::error::Error) -> Failure {
        tracing::error!(what, %error, "the store did not answer");
        Failure {
            retry_after_ms: Some(2_000),
            ..Failure::new(
                ErrorCode::Internal,
                format!("The server's store does not answer: {error}. Tell your administrator."),
            )
        }
    }

    pub(crate) fn plan(&self, pbx: &str) -> Option<&phone_number::DialPlan> {
        let site = self.sites.iter().find(|site| site.name == pbx);
        site.or(self.sites.first()).map(|site| &site.dial_plan)
    }
}

pub(crate) fn unauthenticated() -> Failure {
    let words =
        "This device is not signed in: its token is unknown, expired or revoked. Enrol it again.";
    Failure::new(ErrorCode::Unauthenticated, words)
}

fn too_often(wait: Duration) -> Failure {
    Failure {
        retry_after_ms: Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
        ..Failure::new(
            ErrorCode::RateLimited,
            format!(
                "Too many wrong tries from this address; wait {} s.",
                wait.as_secs() + 1
            ),
        )
    }
}
