//! One link to Asterisk that is made again whenever it breaks.

use std::time::Duration;

use ami::{Action, ActionId, SessionEvent};

use crate::{LinkConfig, LinkError, SendError};

/// What happens on the link.
#[derive(Debug)]
pub enum LinkEvent<'a> {
    /// Tries for the `attempt`th time since the link was last up, from 1.
    Connecting { attempt: u32 },
    /// Signed in. Everything known before is void: ask for the lists.
    Up {
        /// Asterisk's major version: 13 to 23.
        asterisk: u32,
    },
    /// An event, a reply or a list of the session.
    Session(SessionEvent<'a>),
    /// How long Asterisk took to answer a ping.
    Lag(Duration),
    /// No link any more: every call is unknown. Tries again by itself.
    Down { why: LinkError, retry_in: Duration },
}

/// Keeps one AMI connection up; driven by awaiting [`next`](Self::next) in a loop.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
}

impl Link {
    /// Prepares a link; nothing happens before [`next`](Self::next) is awaited.
    pub fn new(config: LinkConfig) -> Self {
        Self { config }
    }

    /// Waits for what happens next. Cancel safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> LinkEvent<'_> {
        std::future::pending().await
    }

    /// Hands an action to the present connection. It is never kept for another one nor sent twice.
    pub fn send(&mut self, action: &Action) -> Result<ActionId, SendError> {
        let _ = action;
        Err(SendError::NotConnected)
    }

    /// Says whether actions can be sent.
    pub fn is_up(&self) -> bool {
        false
    }

    /// Tries at once instead of waiting: after sleep, or when the network changed. An open connection is pinged.
    pub fn retry_now(&mut self) {}

    /// Goes on with other settings: an open connection is ended, a waiting one tries at once.
    pub fn reconfigure(&mut self, config: LinkConfig) {
        self.config = config;
    }
}
