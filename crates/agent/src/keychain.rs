//! The AMI secret in the system's keychain, with a deadline: a locked keychain asks its person and may wait for ever.

#[cfg(not(target_os = "linux"))]
#[path = "keychain/elsewhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "keychain/linux.rs"]
mod system;

use desktop::SecretOutcome;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use view::Settings;

const SERVICE: &str = "sidetone";
const LIMIT: Duration = Duration::from_secs(5);

/// The keychain. One question at a time: a question that hangs keeps its thread until somebody unlocks it.
#[derive(Clone, Debug)]
pub(crate) struct Keychain {
    turn: Arc<Semaphore>,
}

impl Default for Keychain {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Keychain {
    pub(crate) async fn load(self, settings: Settings) -> SecretOutcome {
        self.ask(move || match entry(&settings)?.get_password() {
            Ok(secret) => Ok(SecretOutcome::Loaded(SecretString::from(secret))),
            Err(keyring::Error::NoEntry) => Ok(SecretOutcome::Missing),
            Err(error) => Err(error),
        })
        .await
    }

    pub(crate) async fn store(self, settings: Settings, secret: SecretString) -> SecretOutcome {
        self.ask(move || {
            entry(&settings)?.set_password(secret.expose_secret())?;
            Ok(SecretOutcome::Stored)
        })
        .await
    }

    async fn ask(
        self,
        question: impl FnOnce() -> keyring::Result<SecretOutcome> + Send + 'static,
    ) -> SecretOutcome {
        let unavailable = |words: &str| SecretOutcome::Unavailable {
            words: words.to_owned(),
        };
        let Ok(turn) = self.turn.try_acquire_owned() else {
            return unavailable(
                "The keychain still waits to be unlocked. Unlock it, then connect again.",
            );
        };
        let asked = tokio::task::spawn_blocking(move || {
            let answer = question();
            drop(turn);
            answer
        });
        match tokio::time::timeout(LIMIT, asked).await {
            Err(_) => unavailable(
                "The keychain is locked. Unlock it, then choose “Connect now”, or type the secret for this run.",
            ),
            Ok(Err(_)) => unavailable("The keychain failed. Type the secret for this run."),
            Ok(Ok(Ok(outcome))) => outcome,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "keychain");
                unavailable(words(&error))
            }
        }
    }
}

fn entry(settings: &Settings) -> keyring::Result<keyring::Entry> {
    let user = format!(
        "{}@{}:{}",
        settings.user, settings.pbx_host, settings.pbx_port
    );
    system::entry(SERVICE, &user)
}

fn words(error: &keyring::Error) -> &'static str {
    if matches!(error, keyring::Error::NoStorageAccess(_)) {
        return "The keychain is locked. Unlock it, then choose “Connect now”, or type the secret for this run.";
    }
    "There is no keychain here, and the secret is not written to a file. Type it in Settings; it is kept for this run only."
}
