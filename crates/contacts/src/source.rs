//! Where people are looked for: the seam between the directory and books, LDAP, CardDAV and CRMs.

use crate::Person;
use phone_number::PhoneNumber;
use std::{pin::Pin, time::Duration};
use tokio::sync::watch;
use wire::Record;

/// An answer under way; the directory gives it a deadline and drops it when that has passed.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// Who is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub number: PhoneNumber,
    /// What the caller dialled (DID), where a source makes a difference.
    pub line: Option<String>,
    /// The extension that rings or dials, where one rings alone.
    pub extension: Option<String>,
}

/// Something that knows people by number and by name. **It never creates anything.**
///
/// Questions come from several tasks at once. A source need not be quick, but must not block a thread.
pub trait Source: Send + Sync {
    /// From the configuration, unique there: [`wire::Record::source`].
    fn id(&self) -> &str;

    /// For people: `Tryton`, `contacts.vcf`.
    fn title(&self) -> &str;

    /// Who has this number. What does not verify by [`crate::likeness`] is left out by the directory, so that a source
    /// which matches substrings cannot name the wrong person.
    ///
    /// # Errors
    /// [`SourceError`]; the card says its words.
    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>>;

    /// People by name, company or address, best first, at most `limit`.
    ///
    /// # Errors
    /// [`SourceError`].
    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>>;

    /// The person of a record, asked again to see whether he is still there; `None` in the answer: he is not.
    /// `None` at once: this source cannot be asked so, and what was known when the record was chosen is shown.
    ///
    /// # Errors
    /// [`SourceError`], in the answer.
    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        let _ = record;
        None
    }

    /// Schemes of links besides `http` and `https` that may be opened, in lower case: `callto`, `1c`.
    fn schemes(&self) -> &[String] {
        &[]
    }

    /// Answers differ by [`Question::line`]: then each line is asked for and kept by itself.
    fn depends_on_line(&self) -> bool {
        false
    }

    /// The extension that rings makes a difference to its answers.
    fn depends_on_extension(&self) -> bool {
        false
    }

    /// Counts up whenever any answer may have become another, as when a book was read anew. What was kept of this
    /// source is forgotten then, and running calls are asked for again.
    fn news(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Answers lookups from memory at once: asked each time, never waited for, and not cached.
    fn is_local(&self) -> bool {
        false
    }

    /// How long it may take to say who calls; later answers are added late, up to ten times as long.
    fn deadline(&self) -> Duration {
        Duration::from_secs(3)
    }
}

/// Why a source did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct SourceError {
    pub kind: SourceErrorKind,
    /// What happened and what to do, with the source's own words; no secret and no number.
    pub words: String,
}

/// What kind of trouble a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// Not reached, or cut off.
    Away,
    /// Reached, and did not answer in time.
    TooSlow,
    /// Does not take our login.
    Login,
    /// Wants fewer questions; `None`: it does not say for how long.
    Limited { retry_after: Option<Duration> },
    /// Answered something that cannot be used.
    Broken,
}
