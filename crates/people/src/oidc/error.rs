//! What can go wrong with a provider, said so that a person or an administrator knows what to do.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    ClaimsVerificationError, DeviceCodeErrorResponse, DeviceCodeErrorResponseType, DiscoveryError,
    ErrorResponse, RequestTokenError, StandardErrorResponse,
};

use super::OidcConfig;
use super::http::HttpError;

/// Why nobody signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the {what} of the settings is not an address: {why}")]
    Settings { what: &'static str, why: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error("the OpenID provider {issuer} does not answer: {why}")]
    Away { issuer: String, why: String },
    #[error(
        "{issuer} is no OpenID provider ({why}): its description should be at /.well-known/openid-configuration below that address"
    )]
    NotAProvider { issuer: String, why: String },
    #[error(
        "the OpenID provider calls itself otherwise than the settings ({issuer}): write it exactly as it does: {found}"
    )]
    WrongIssuer { issuer: String, found: String },
    #[error("the OpenID provider does not know this server: check client id and secret ({0})")]
    Client(String),
    #[error("the OpenID provider has no address for tokens")]
    NoTokenAddress,
    #[error("the settings have no address to which browsers come back")]
    NoRedirect,
    #[error(
        "the OpenID provider does not let devices sign in: switch the device authorization grant on there"
    )]
    NoDeviceFlow,
    #[error("this sign-in was not begun here, or is already over: begin again")]
    State,
    #[error("signing in took too long: begin again")]
    TooSlow,
    #[error("signing in was refused at the OpenID provider")]
    RefusedByPerson,
    #[error("the code for signing in is no longer good: begin again")]
    CodeRefused,
    #[error("the OpenID provider refused: {0}")]
    Refused(String),
    #[error("the OpenID provider sent no proof of who signed in: is the scope openid allowed?")]
    NoIdToken,
    #[error(
        "the proof of who signed in is too old: compare the clocks of this server and the provider ({0})"
    )]
    Clock(String),
    #[error("the proof of who signed in belongs to another sign-in")]
    Nonce,
    #[error("the proof of who signed in is not for this server (client id {client_id})")]
    Audience { client_id: String },
    #[error("the proof of who signed in is not valid: {0}")]
    Proof(String),
}

impl OidcError {
    pub(super) fn settings(what: &'static str, why: &impl ToString) -> Self {
        Self::Settings {
            what,
            why: why.to_string(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not named here needs no sentence of its own"
    )]
    pub(super) fn of_discovery(issuer: &str, failed: DiscoveryError<HttpError>) -> Self {
        let issuer = issuer.to_owned();
        match failed {
            DiscoveryError::Request(why) => Self::Away {
                issuer,
                why: why.to_string(),
            },
            DiscoveryError::Validation(found) => Self::WrongIssuer { issuer, found },
            DiscoveryError::Response(status, ..) => Self::NotAProvider {
                issuer,
                why: format!("it answers {status}"),
            },
            DiscoveryError::Parse(why) => Self::NotAProvider {
                issuer,
                why: why.to_string(),
            },
            other => Self::NotAProvider {
                issuer,
                why: other.to_string(),
            },
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not named here needs no sentence of its own"
    )]
    pub(super) fn of_token(
        issuer: &str,
        failed: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
    ) -> Self {
        use CoreErrorResponseType as Kind;
        let said = match failed {
            RequestTokenError::ServerResponse(said) => said,
            other => return Self::of_request(issuer, other),
        };
        match said.error() {
            Kind::InvalidGrant => Self::CodeRefused,
            Kind::InvalidClient | Kind::UnauthorizedClient => Self::Client(said.to_string()),
            Kind::Extension(word) if word == "access_denied" => Self::RefusedByPerson,
            _ => Self::Refused(said.to_string()),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not named here needs no sentence of its own"
    )]
    pub(super) fn of_device(
        issuer: &str,
        failed: RequestTokenError<HttpError, DeviceCodeErrorResponse>,
    ) -> Self {
        use DeviceCodeErrorResponseType as Kind;
        let said = match failed {
            RequestTokenError::ServerResponse(said) => said,
            other => return Self::of_request(issuer, other),
        };
        match said.error() {
            Kind::AccessDenied => Self::RefusedByPerson,
            Kind::ExpiredToken => Self::CodeRefused,
            Kind::AuthorizationPending | Kind::SlowDown | Kind::Basic(_) => {
                Self::Refused(said.to_string())
            }
        }
    }

    fn of_request<T: ErrorResponse>(issuer: &str, failed: RequestTokenError<HttpError, T>) -> Self {
        let issuer = issuer.to_owned();
        match failed {
            RequestTokenError::Request(why) => Self::Away {
                issuer,
                why: why.to_string(),
            },
            RequestTokenError::ServerResponse(_) => Self::Refused("without a reason".into()),
            // Without the body, which may hold a token.
            RequestTokenError::Parse(why, _) => Self::NotAProvider {
                issuer,
                why: why.to_string(),
            },
            RequestTokenError::Other(why) => Self::NotAProvider { issuer, why },
        }
    }

    pub(super) fn of_callback(error: &str, description: Option<&str>) -> Self {
        match error {
            "access_denied" => Self::RefusedByPerson,
            other => {
                let text = description.map(|text| format!(": {text}"));
                Self::Refused(format!("{other}{}", text.unwrap_or_default()))
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not named here needs no sentence of its own"
    )]
    pub(super) fn of_claims(config: &OidcConfig, failed: ClaimsVerificationError) -> Self {
        use ClaimsVerificationError as Theirs;
        match failed {
            Theirs::Expired(why) => Self::Clock(why),
            Theirs::InvalidNonce(_) => Self::Nonce,
            Theirs::InvalidAudience(_) => Self::Audience {
                client_id: config.client_id.clone(),
            },
            Theirs::InvalidIssuer(found) => Self::WrongIssuer {
                issuer: config.issuer.clone(),
                found,
            },
            Theirs::SignatureVerification(why) => Self::Proof(why.to_string()),
            other => Self::Proof(other.to_string()),
        }
    }
}
