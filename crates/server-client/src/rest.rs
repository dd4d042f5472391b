//! What is asked once and not over the line: to enrol, and to sign in on another screen.

use crate::{
    LinkError, Trust,
    connect::Target,
    http::{Response, post},
};
use serde::{Serialize, de::DeserializeOwned};
use wire::{
    Failure, ServerAddress,
    rest::{DeviceFlow, DevicePoll, DevicePolled, DeviceStart, Enrol, Enrolled},
};

/// The REST interface of one server, as far as a desktop needs it.
#[derive(Clone, Debug)]
pub struct Rest {
    target: Target,
}

/// Why there is no answer. Each reads as a sentence without its dot.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The server says no, and why.
    #[error("{}", .0.message.trim_end_matches('.'))]
    Failed(Failure),
    /// The server was not reached, or is none.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl Rest {
    #[must_use]
    pub fn new(server: ServerAddress, tls: Trust) -> Self {
        Self {
            target: Target { server, tls },
        }
    }

    /// Trades a one-time code for a token. Not repeated by itself: a code is good for one time.
    ///
    /// # Errors
    /// The server's no, or why it was not asked.
    pub async fn enrol(&self, enrol: &Enrol) -> Result<Enrolled, RestError> {
        self.ask("/api/v1/enrol", enrol).await
    }

    /// Begins a sign-in that a person goes on with in a browser.
    ///
    /// # Errors
    /// The server's no, or why it was not asked.
    pub async fn sign_in_by_device(&self, start: &DeviceStart) -> Result<DeviceFlow, RestError> {
        self.ask("/api/v1/signin/device", start).await
    }

    /// Asks whether the person has come to an end with it; wait the flow's interval between two.
    ///
    /// # Errors
    /// The server's no (the time is up, the person refused), or why it was not asked.
    pub async fn poll_device(&self, poll: &DevicePoll) -> Result<DevicePolled, RestError> {
        self.ask("/api/v1/signin/device/poll", poll).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, RestError> {
        let not_written = |why: serde_json::Error| LinkError::NotUnderstood(why.to_string());
        let json = serde_json::to_string(body).map_err(not_written)?;
        let response = post(&self.target, path, &json).await?;
        self.read(&response)
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, RestError> {
        let is_good = (200..300).contains(&response.status);
        if is_good && let Ok(answer) = serde_json::from_slice(&response.body) {
            return Ok(answer);
        }
        if !is_good && let Ok(failure) = serde_json::from_slice(&response.body) {
            return Err(RestError::Failed(failure));
        }
        Err(self.stranger(response).into())
    }

    /// Whoever answered, it was not a Sidetone server.
    fn stranger(&self, response: &Response) -> LinkError {
        let at = self.target.at();
        let status = response.status;
        let what = match response.kind.as_str() {
            _ if status >= 500 => {
                let status = status.to_string();
                return LinkError::Status { at, status };
            }
            _ if (300..400).contains(&status) => "sends elsewhere".to_owned(),
            "text/html" => "answered with a web page".to_owned(),
            _ => format!("answered {status} and nothing that is understood"),
        };
        LinkError::NotSidetone { at, what }
    }
}
