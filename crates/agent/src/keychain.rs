//! The AMI secret or, in server mode, the device's token in the system's keychain, with a deadline: a locked keychain asks its person and may wait for ever.

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
const TURN: Duration = Duration::from_secs(1);

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
        let kind = Kind::of(&settings);
        self.ask(kind, move || match entry(&settings)?.get_password() {
            Ok(secret) => Ok(SecretOutcome::Loaded(SecretString::from(secret))),
            Err(keyring::Error::NoEntry) => Ok(SecretOutcome::Missing),
            Err(error) => Err(error),
        })
        .await
    }

    pub(crate) async fn store(self, settings: Settings, secret: SecretString) -> SecretOutcome {
        let kind = Kind::of(&settings);
        self.ask(kind, move || {
            entry(&settings)?.set_password(secret.expose_secret())?;
            Ok(SecretOutcome::Stored)
        })
        .await
    }

    /// What is not there is forgotten already.
    pub(crate) async fn forget(self, settings: Settings) {
        // The one before may be a question that is just being answered.
        let turn = tokio::time::timeout(LIMIT, self.turn.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            tracing::warn!("the keychain does not answer: the token was not removed from it");
            return;
        };
        let asked = tokio::task::spawn_blocking(move || {
            let forgotten = entry(&settings).and_then(|entry| entry.delete_credential());
            drop(turn);
            forgotten
        });
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(Ok(Ok(()) | Err(keyring::Error::NoEntry))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "not removed from the keychain"),
            Ok(Err(_)) | Err(_) => tracing::warn!("not removed from the keychain"),
        }
    }

    async fn ask(
        self,
        kind: Kind,
        question: impl FnOnce() -> keyring::Result<SecretOutcome> + Send + 'static,
    ) -> SecretOutcome {
        let unavailable = |words: &str| SecretOutcome::Unavailable {
            words: words.to_owned(),
        };
        // The old token may be on its way out; a question that waits for a person takes longer.
        let turn = tokio::time::timeout(TURN, self.turn.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
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
            Err(_) => unavailable(kind.locked()),
            Ok(Err(_)) => unavailable(kind.failed()),
            Ok(Ok(Ok(outcome))) => outcome,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "keychain");
                unavailable(kind.words(&error))
            }
        }
    }
}

/// Why a question about contact sources was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    Locked,
    Absent,
    Failed,
}

/// The keychain while it is one's turn; on a thread that may wait.
pub(crate) struct Open;

impl Open {
    pub(crate) fn secret(&self, name: &str) -> keyring::Result<Option<SecretString>> {
        match system::entry(SERVICE, name)?.get_password() {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn set(&self, name: &str, secret: &SecretString) -> keyring::Result<()> {
        system::entry(SERVICE, name)?.set_password(secret.expose_secret())
    }

    pub(crate) fn forget(&self, name: &str) -> keyring::Result<()> {
        match system::entry(SERVICE, name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Keychain {
    /// Whether its person would have to open it first; he is not asked.
    pub(crate) async fn is_locked() -> bool {
        let asked = tokio::task::spawn_blocking(system::is_locked);
        let locked = tokio::time::timeout(LIMIT, asked).await;
        matches!(locked, Ok(Ok(Some(true))))
    }

    /// Asks when it is its turn, and waits as long as the keychain asks its person; a deadline is for whoever asks.
    pub(crate) async fn ask_for_sources<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Open) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, NotDone> {
        let turn = self.turn.clone().acquire_owned().await;
        let Ok(turn) = turn else {
            return Err(NotDone::Failed);
        };
        let asked = tokio::task::spawn_blocking(move || {
            let answer = question(&Open);
            drop(turn);
            answer
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "keychain");
                if matches!(error, keyring::Error::NoStorageAccess(_)) {
                    return Err(NotDone::Locked);
                }
                Err(NotDone::Absent)
            }
            Err(_) => Err(NotDone::Failed),
        }
    }
}

fn entry(settings: &Settings) -> keyring::Result<keyring::Entry> {
    system::entry(SERVICE, &user(settings))
}

/// Under which name it lies there: the account of the phone system or, in server mode, the server.
fn user(settings: &Settings) -> String {
    match settings.server.address.trim() {
        "" => format!(
            "{}@{}:{}",
            settings.user, settings.pbx_host, settings.pbx_port
        ),
        server => format!("token@{server}"),
    }
}

/// What is kept, for the sentences.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Secret,
    Token,
}

impl Kind {
    fn of(settings: &Settings) -> Self {
        match settings.server.address.trim() {
            "" => Self::Secret,
            _ => Self::Token,
        }
    }

    fn locked(self) -> &'static str {
        match self {
            Self::Secret => {
                "The keychain is locked. Unlock it, then choose “Connect now”, or type the secret for this run."
            }
            Self::Token => "The keychain is locked. Unlock it, then choose “Connect now”.",
        }
    }

    fn failed(self) -> &'static str {
        match self {
            Self::Secret => "The keychain failed. Type the secret for this run.",
            Self::Token => "The keychain failed. Connect this desktop to the server again.",
        }
    }

    fn words(self, error: &keyring::Error) -> &'static str {
        if matches!(error, keyring::Error::NoStorageAccess(_)) {
            return self.locked();
        }
        match self {
            Self::Secret => {
                "There is no keychain here, and the secret is not written to a file. Type it in Settings; it is kept for this run only."
            }
            Self::Token => {
                "There is no keychain here, and the token is not written to a file. This desktop must be connected to the server again after each start."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_and_the_secret_lie_under_different_names() {
        let mut settings = Settings {
            user: "sidetone".into(),
            pbx_host: "pbx".into(),
            ..Settings::default()
        };
        assert_eq!(user(&settings), "sidetone@pbx:5038");
        settings.server.address = "https://pbx.example".into();
        assert_eq!(user(&settings), "token@https://pbx.example");
    }
}
