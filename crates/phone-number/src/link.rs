//! Links that ask for a call: `tel:` (RFC 3966), `callto:`, `sip:` and `sips:` (RFC 3261).

use crate::{ParseNumberError, text, text::Written};
use std::fmt;

/// Longest link that is read; real ones stay under 100 bytes.
const MAX_LINK: usize = 512;

/// A link that names something to dial. Nothing of it but digits, `*`, `#` and a leading `+` can
/// reach a dial string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLink {
    scheme: Scheme,
    raw: String,
    written: Written,
    context: Option<PhoneContext>,
    host: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Tel,
    Callto,
    Sip,
    Sips,
}

/// Where a local number of a `tel:` link is valid (RFC 3966, section 5.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneContext {
    /// Leading digits that make it global, `+` and digits.
    Global(String),
    /// Whoever owns this domain; the number is dialled as it stands.
    Domain(String),
}

/// Why a link cannot be dialled; each reads as a sentence for the person who clicked it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("the link is longer than {MAX_LINK} bytes")]
    TooLong,
    #[error("the link holds a control character")]
    ControlCharacter,
    #[error("the link holds text that is not UTF-8")]
    NotUtf8,
    #[error("only tel:, callto:, sip: and sips: links can be called")]
    UnknownScheme,
    #[error("the link holds no phone number")]
    NoNumber,
    #[error("the link names “{0}”, not a phone number")]
    NotANumber(String),
    #[error("the link cannot be called: {0}")]
    BadNumber(#[source] ParseNumberError),
}

impl CallLink {
    pub fn parse(link: &str) -> Result<Self, LinkError> {
        let link = link.trim();
        if link.len() > MAX_LINK {
            return Err(LinkError::TooLong);
        }
        let (scheme, rest) = Scheme::split(link).ok_or(LinkError::UnknownScheme)?;
        let written = text::read(rest).map_err(LinkError::BadNumber)?;
        Ok(Self {
            scheme,
            raw: link.to_owned(),
            written,
            context: None,
            host: None,
        })
    }

    /// True for text that starts like a link, whether or not it is a good one.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        Scheme::split(text.trim()).is_some()
    }

    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The link as it came.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The host of a `sip:` link, for display only.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    #[must_use]
    pub fn context(&self) -> Option<&PhoneContext> {
        self.context.as_ref()
    }

    /// `+`, digits, `*` and `#`, before any dial plan.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.written.digits
    }

    pub(crate) fn written(&self) -> &Written {
        &self.written
    }

    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.written.extension.as_deref()
    }
}

impl Scheme {
    fn split(link: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = link.split_once(':')?;
        let known = [Self::Tel, Self::Callto, Self::Sip, Self::Sips];
        let scheme = known
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(scheme))?;
        Some((scheme, rest))
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tel => "tel",
            Self::Callto => "callto",
            Self::Sip => "sip",
            Self::Sips => "sips",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
