//! Signing in to a contact source by an administrator's browser.

use super::{Callers, NOT_READY, no_such, refused};
use contacts::SourceError;
use crm::SignIn;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;
use wire::{ErrorCode, Failure};

/// An administrator has this long to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// Sign-ins that are under way.
const MOST: usize = 64;
/// The source says within this whether the code is good.
const CODE: Duration = Duration::from_secs(30);

/// Those that are under way, by their state, which only the source and the browser know.
#[derive(Default)]
pub(super) struct SigningIn {
    waiting: Mutex<HashMap<String, Waiting>>,
}

struct Waiting {
    connector: String,
    sign_in: SignIn,
    until: Instant,
}

impl SigningIn {
    fn put(&self, waiting: Waiting) -> Result<(), Failure> {
        let all = self.waiting.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, waiting| waiting.until > now);
        if all.len() >= MOST {
            return Err(refused(
                "Too many sign-ins are under way; wait some minutes.",
            ));
        }
        all.insert(waiting.sign_in.state.clone(), waiting);
        Ok(())
    }

    /// Once.
    fn take(&self, connector: &str, state: &str) -> Option<SignIn> {
        let all = self.waiting.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        let waiting = all.remove(state)?;
        let is_his = waiting.connector == connector && waiting.until > Instant::now();
        is_his.then_some(waiting.sign_in)
    }
}

impl Callers {
    /// Begins to sign in; the browser goes to this address and comes back to `redirect`.
    ///
    /// # Errors
    /// [`Failure`]: there is no such source, or nobody signs in to it.
    pub(crate) fn begin_sign_in(&self, id: &str, redirect: &str) -> Result<String, Failure> {
        let one = self.find(id).ok_or_else(no_such)?;
        let made = one.made().ok_or_else(|| refused(NOT_READY))?;
        let sign_in = made.crm().and_then(|crm| crm.sign_in(redirect));
        let sign_in = sign_in
            .ok_or_else(|| refused("This contact source is not signed in to by a browser."))?;
        let url = sign_in.url.clone();
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(refused("The address where to sign in is no web page."));
        }
        self.inner.signing_in.put(Waiting {
            connector: id.to_owned(),
            sign_in,
            until: Instant::now() + PATIENCE,
        })?;
        Ok(url)
    }

    /// The browser has come back with a code; what it is good for is kept.
    ///
    /// # Errors
    /// [`Failure`]: nobody began this, or the source's own words.
    pub(crate) async fn end_sign_in(
        &self,
        id: &str,
        state: &str,
        code: &str,
    ) -> Result<(), Failure> {
        let sign_in = self.inner.signing_in.take(id, state);
        let sign_in = sign_in.ok_or_else(|| {
            let words = "This sign-in was not begun here, or it took too long. Begin it again.";
            Failure::new(ErrorCode::Refused, words)
        })?;
        let one = self.find(id).ok_or_else(no_such)?;
        let made = one.made().ok_or_else(|| refused(NOT_READY))?;
        let crm = made.crm().ok_or_else(|| refused(NOT_READY))?;
        let signed_in = timeout(CODE, crm.signed_in(&sign_in, code)).await;
        let signed_in = signed_in.map_err(|_| refused("The contact source did not answer."))?;
        signed_in.map_err(|SourceError { words, .. }| refused(&words))?;
        one.kept.retry();
        Ok(())
    }
}
