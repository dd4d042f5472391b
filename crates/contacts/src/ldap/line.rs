//! The line to the directory: opened when it is needed, kept while it works, opened again when it broke.

use super::{LdapConfig, error};
use crate::{SourceError, SourceErrorKind, tls};
use ldap3::adapters::{Adapter, EntriesOnly};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Questions that one directory gets at once.
const AT_ONCE: usize = 4;
/// Firewalls forget lines on which nobody speaks, and tell nobody.
const IDLE: Duration = Duration::from_secs(120);
/// Directories lock an account that was refused some times within half an hour, and others work with it too.
const REFUSED: Duration = Duration::from_secs(600);

/// Where the directory listens, and how.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    Tls,
    StartTls,
    Plain,
}

impl Address {
    fn of(config: &LdapConfig) -> Result<Self, SourceError> {
        let url = Url::parse(config.url.trim()).ok();
        let wrong = || error::settings("the address must be like ldaps://ldap.firm.example");
        let url = url.ok_or_else(wrong)?;
        let security = match (url.scheme(), config.start_tls) {
            ("ldaps", _) => Security::Tls,
            ("ldap", true) => Security::StartTls,
            ("ldap", false) => Security::Plain,
            _ => return Err(wrong()),
        };
        let usual = if security == Security::Tls { 636 } else { 389 };
        let host = url.host_str().filter(|host| !host.is_empty());
        Ok(Self {
            host: host.ok_or_else(wrong)?.to_owned(),
            port: url.port().unwrap_or(usual),
            security,
        })
    }

    /// A host of IPv6 has its brackets already.
    fn url(&self) -> String {
        let scheme = match self.security {
            Security::Tls => "ldaps",
            Security::StartTls | Security::Plain => "ldap",
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    pub(super) fn is_handshake(&self, failed: &std::io::Error) -> bool {
        self.security != Security::Plain && failed.kind() == std::io::ErrorKind::InvalidData
    }
}

/// What a search found.
pub(super) struct Answer {
    pub(super) entries: Vec<SearchEntry>,
    /// There are more.
    pub(super) is_cut: bool,
}

/// Shared by all questions: the protocol carries several at once.
#[derive(Debug)]
pub(super) struct Line {
    config: LdapConfig,
    address: Address,
    /// Held for a moment and never while waiting.
    kept: Mutex<Option<Kept>>,
    /// When and why the account was not taken; held for a moment.
    refused: Mutex<Option<(Instant, SourceError)>>,
    opening: Semaphore,
    asking: Semaphore,
}

#[derive(Clone, Debug)]
struct Kept {
    ldap: Ldap,
    used: Instant,
}

/// Whether another line would help.
enum Failed {
    Line(LdapError),
    Said(SourceError),
}

impl Line {
    pub(super) fn new(config: &LdapConfig) -> Result<Self, SourceError> {
        let address = Address::of(config)?;
        let is_plain = address.security == Security::Plain;
        if is_plain && !config.allow_plain && !tls::is_loopback(&address.host) {
            return Err(error::plain(&address.host));
        }
        Ok(Self {
            config: config.clone(),
            address,
            kept: Mutex::new(None),
            refused: Mutex::new(None),
            opening: Semaphore::new(1),
            asking: Semaphore::new(AT_ONCE),
        })
    }

    /// At most `most` entries that the filter finds.
    pub(super) async fn search(&self, filter: &str, most: usize) -> Result<Answer, SourceError> {
        let asked = timeout(self.config.deadline, self.ask(filter, most)).await;
        asked.unwrap_or_else(|_| {
            // Perhaps it is the line that is silent.
            self.hang_up();
            Err(error::late(&self.address, &self.config))
        })
    }

    /// A line that was kept may have broken since; the question is asked once more on another.
    async fn ask(&self, filter: &str, most: usize) -> Result<Answer, SourceError> {
        let _turn = self.asking.acquire().await.map_err(|_| self.closed())?;
        if let Some(kept) = self.kept() {
            match self.ask_on(kept, filter, most).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Said(error)) => return Err(error),
                Err(Failed::Line(error)) => {
                    debug!(%error, "the line to the directory broke");
                    self.hang_up();
                }
            }
        }
        let line = self.open_one().await?;
        let answer = self.ask_on(line, filter, most).await;
        answer.map_err(|failed| match failed {
            Failed::Said(error) => error,
            Failed::Line(error) => {
                self.hang_up();
                self.explain(error)
            }
        })
    }

    async fn ask_on(&self, mut line: Ldap, filter: &str, most: usize) -> Result<Answer, Failed> {
        line.with_search_options(self.limits(most));
        // A directory may answer with hints to other directories, which is no entry.
        let adapters: Vec<Box<dyn Adapter<'_, _, _>>> = vec![Box::new(EntriesOnly::new())];
        let attributes = self.config.attributes.all();
        let mut stream = line
            .streaming_search_with(
                adapters,
                &self.config.base,
                Scope::Subtree,
                filter,
                attributes,
            )
            .await
            .map_err(|failed| self.sort(failed))?;
        let mut entries = Vec::new();
        while let Some(entry) = stream.next().await.map_err(|failed| self.sort(failed))? {
            // What comes from one that does not keep to the limit is let fall.
            if entries.len() < most {
                entries.push(SearchEntry::construct(entry));
            }
        }
        let said = stream.finish().await;
        match said.rc {
            error::SUCCESS | error::SIZE_LIMIT => Ok(Answer {
                is_cut: said.rc == error::SIZE_LIMIT || entries.len() >= most,
                entries,
            }),
            code => Err(Failed::Said(error::of_code(
                &self.address,
                &self.config,
                code,
                &said.text,
            ))),
        }
    }

    /// For the directory; one that does not keep to them is cut off by us.
    fn limits(&self, most: usize) -> SearchOptions {
        let seconds = self.config.deadline.as_secs().max(1);
        SearchOptions::new()
            .sizelimit(i32::try_from(most).unwrap_or(i32::MAX))
            .timelimit(i32::try_from(seconds).unwrap_or(i32::MAX))
    }

    /// One at a time: who comes second finds the line of the first.
    async fn open_one(&self) -> Result<Ldap, SourceError> {
        let _turn = self.opening.acquire().await.map_err(|_| self.closed())?;
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        if let Some(refused) = self.refused() {
            return Err(refused);
        }
        let line = self.open().await?;
        *self.lock() = Some(Kept {
            ldap: line.clone(),
            used: Instant::now(),
        });
        Ok(line)
    }

    async fn open(&self) -> Result<Ldap, SourceError> {
        let config = &self.config;
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(config.deadline)
            .set_starttls(self.address.security == Security::StartTls);
        if self.address.security != Security::Plain {
            let tls = tls::client_config(config.ca_file.as_deref()).await;
            settings = settings.set_config(tls.map_err(|why| error::tls(&why))?);
        }
        let (connection, mut line) = LdapConnAsync::with_settings(settings, &self.address.url())
            .await
            .map_err(|failed| self.explain(failed))?;
        // Ends with the last handle of the line.
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                debug!(%error, "the line to the directory broke");
            }
        });
        let said = line
            .simple_bind(&config.bind, config.password.expose_secret())
            .await
            .map_err(|failed| self.explain(failed))?;
        match said.rc {
            error::SUCCESS => Ok(line),
            code => {
                let refused = error::of_bind(&self.address, config, code, &said.text);
                self.remember(&refused);
                Err(refused)
            }
        }
    }

    /// An account that was not taken is not tried with each question; settings that are changed make another line.
    fn refused(&self) -> Option<SourceError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, error) = refused.as_ref()?;
        (at.elapsed() < REFUSED).then(|| error.clone())
    }

    fn remember(&self, refused: &SourceError) {
        if refused.kind == SourceErrorKind::Login {
            let at = Instant::now();
            let mut place = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some((at, refused.clone()));
        }
    }

    /// The line, where there is one that may still work.
    fn kept(&self) -> Option<Ldap> {
        let mut slot = self.lock();
        let kept = slot.as_mut()?;
        if kept.used.elapsed() > IDLE || kept.ldap.is_closed() {
            *slot = None;
            return None;
        }
        kept.used = Instant::now();
        Some(kept.ldap.clone())
    }

    fn hang_up(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not of the line is not mended by another"
    )]
    fn sort(&self, failed: LdapError) -> Failed {
        match failed {
            LdapError::FilterParsing | LdapError::LdapResult { .. } => {
                Failed::Said(self.explain(failed))
            }
            line => Failed::Line(line),
        }
    }

    fn explain(&self, failed: LdapError) -> SourceError {
        error::of_line(&self.address, &self.config, failed)
    }

    fn closed(&self) -> SourceError {
        error::away(&self.address, "this program ends")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests")]
mod tests {
    use super::*;
    use phone_number::{DialPlan, Region};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[tokio::test]
    async fn a_refused_password_is_not_tried_with_every_question() {
        let (url, binds) = refusing();
        let line = Line::new(&config(&url)).unwrap();
        for _ in 0..5 {
            let refused = line.search("(cn=*)", 1).await.map(drop).unwrap_err();
            assert_eq!(refused.kind, SourceErrorKind::Login, "{refused}");
        }
        assert_eq!(binds.load(SeqCst), 1);
        // Settings that are saved anew are tried at once.
        let anew = Line::new(&config(&url)).unwrap();
        assert!(anew.search("(cn=*)", 1).await.is_err());
        assert_eq!(binds.load(SeqCst), 2);
        // After a while somebody may have mended the account there.
        tokio::time::pause();
        tokio::time::advance(REFUSED).await;
        tokio::time::resume();
        assert!(line.search("(cn=*)", 1).await.is_err());
        assert_eq!(binds.load(SeqCst), 3);
    }

    /// A directory that refuses every account, and how often it did.
    fn refusing() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let binds = Arc::new(AtomicUsize::new(0));
        let count = binds.clone();
        std::thread::spawn(move || {
            for line in listener.incoming() {
                let mut line = line.unwrap();
                let mut asked = [0; 512];
                if line.read(&mut asked).unwrap_or_default() > 4 {
                    count.fetch_add(1, SeqCst);
                    // BindResponse (RFC 4511) to the message of this id: invalidCredentials (49), without words.
                    let answer = [48, 12, 2, 1, asked[4], 97, 7, 10, 1, 49, 4, 0, 4, 0];
                    line.write_all(&answer).unwrap();
                    line.read(&mut asked).unwrap_or_default();
                }
            }
        });
        (format!("ldap://127.0.0.1:{port}"), binds)
    }

    #[test]
    fn passwords_do_not_leave_this_machine_in_the_clear() {
        for (url, allowed) in [
            ("ldap://ldap.firm.example", false),
            ("ldap://localhost.evil.example", false),
            ("ldaps://ldap.firm.example", true),
            ("ldap://127.0.0.1:3890", true),
            ("ldap://[::1]", true),
            ("http://ldap.firm.example", false),
            ("ldap.firm.example", false),
        ] {
            let made = Line::new(&config(url));
            assert_eq!(made.is_ok(), allowed, "{url}: {made:?}");
        }
        let protected = LdapConfig {
            start_tls: true,
            ..config("ldap://ldap.firm.example")
        };
        assert!(Line::new(&protected).is_ok());
    }

    fn config(url: &str) -> LdapConfig {
        LdapConfig::new("ad", "AD", url, "dc=firm", DialPlan::new(Region::RU))
    }
}
