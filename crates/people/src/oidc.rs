//! Signing in at an OpenID provider: with a browser that comes back to us, or with a code that the
//! person types in a browser anywhere (RFC 8628).
//!
//! Nothing is remembered here. Who begins a sign-in keeps the [`Pending`] or the [`DeviceLogin`] and
//! gives it back.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse,
    CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AdditionalProviderMetadata, AuthType, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationResponse,
    DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields, IdTokenVerifier,
    IssuerUrl, Nonce, NonceVerifier, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _, UserInfoClaims,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::debug;

mod error;
mod http;

pub use error::OidcError;

use crate::{filled, tidy};
use http::Http;

/// How long somebody may take to sign in.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Which claims say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    pub login: String,
    pub name: String,
    pub email: String,
    pub groups: String,
}

impl Default for ClaimNames {
    /// As OpenID Connect names them; `groups` is what most providers send besides.
    fn default() -> Self {
        Self {
            login: "preferred_username".into(),
            name: "name".into(),
            email: "email".into(),
            groups: "groups".into(),
        }
    }
}

/// The provider and who we are there.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// As the provider writes itself, e.g. `https://login.firm.example/realms/firm`.
    pub issuer: String,
    pub client_id: String,
    /// `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// Where browsers come back to; without it only devices can sign in.
    pub redirect: Option<String>,
    /// Asked for besides `openid`.
    pub scopes: Vec<String>,
    pub claims: ClaimNames,
    /// PEM file of the authority that signed the provider's certificate; else the system's are believed.
    pub ca_file: Option<PathBuf>,
    /// For each request.
    pub deadline: Duration,
}

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// Stays the same at this provider, whatever becomes of name and login.
    pub subject: String,
    /// The subject where the provider sends no login.
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    /// Sorted, each once.
    pub groups: Vec<String>,
}

/// A browser on its way to the provider. To be used once.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Under this the caller finds it when the browser comes back.
    pub state: String,
    pub nonce: SecretString,
    /// The proof that whoever brings the code began the sign-in (PKCE).
    pub verifier: SecretString,
    /// When it began, in unix milliseconds.
    pub at: i64,
}

/// What the browser brings back, as the provider put it into the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Callback {
    #[serde(default)]
    pub state: String,
    pub code: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
    /// Who sends the browser back (RFC 9207), where the provider says so.
    pub iss: Option<String>,
}

/// A person on his way to a browser with a code in his hand.
#[derive(Debug, Clone)]
pub struct DeviceLogin {
    /// To be typed at [`Self::verification_uri`].
    pub user_code: String,
    pub verification_uri: String,
    /// The same with the code in it, where the provider has such an address.
    pub verification_uri_complete: Option<String>,
    /// How long the code is good.
    pub expires_in: Duration,
    details: Details,
}

type Details = DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields>;

/// An OpenID provider as it described itself.
#[derive(Debug, Clone)]
pub struct Oidc {
    config: OidcConfig,
    metadata: Metadata,
    http: Http,
}

impl Oidc {
    /// Asks the provider for its addresses and keys. To be repeated now and then: both may change.
    pub async fn discover(config: OidcConfig) -> Result<Self, OidcError> {
        let issuer = IssuerUrl::new(config.issuer.clone())
            .map_err(|why| OidcError::settings("issuer", &why))?;
        if let Some(redirect) = &config.redirect {
            RedirectUrl::new(redirect.clone())
                .map_err(|why| OidcError::settings("redirect address", &why))?;
        }
        let http = Http::new(&config).await?;
        let metadata = Metadata::discover_async(issuer, &http)
            .await
            .map_err(|failed| OidcError::of_discovery(&config.issuer, failed))?;
        Ok(Self {
            config,
            metadata,
            http,
        })
    }

    /// Whether somebody without a browser of ours can sign in.
    pub fn has_device_flow(&self) -> bool {
        self.device_address().is_some()
    }

    /// The address to which a browser is sent, and what to keep until it comes back. `now` in unix milliseconds.
    pub fn begin(&self, now: i64) -> Result<(String, Pending), OidcError> {
        let client = self.client_for_browsers()?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        let (address, state, nonce) = request
            .add_scopes(self.scopes())
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: SecretString::from(nonce.secret().clone()),
            verifier: SecretString::from(verifier.into_secret()),
            at: now,
        };
        Ok((address.into(), pending))
    }

    /// Who it is that came back. `now` in unix milliseconds.
    pub async fn finish(
        &self,
        pending: Pending,
        callback: &Callback,
        now: i64,
    ) -> Result<SignedIn, OidcError> {
        let code = self.code_of(&pending, callback, now)?;
        let client = self.client_for_browsers()?;
        let token = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| OidcError::NoTokenAddress)?
            .set_pkce_verifier(PkceCodeVerifier::new(
                pending.verifier.expose_secret().into(),
            ))
            .request_async(&self.http)
            .await
            .map_err(|failed| OidcError::of_token(&self.config.issuer, failed))?;
        let nonce = Nonce::new(pending.nonce.expose_secret().into());
        self.signed_in(&token, &nonce).await
    }

    /// The code if the browser is the one that was sent, in time, by this provider.
    fn code_of<'a>(
        &self,
        pending: &Pending,
        callback: &'a Callback,
        now: i64,
    ) -> Result<&'a str, OidcError> {
        if pending.state.is_empty() || pending.state != callback.state {
            return Err(OidcError::State);
        }
        let age = u64::try_from(now.saturating_sub(pending.at)).unwrap_or(0);
        if Duration::from_millis(age) > PATIENCE {
            return Err(OidcError::TooSlow);
        }
        if let Some(iss) = callback
            .iss
            .as_ref()
            .filter(|iss| **iss != self.config.issuer)
        {
            return Err(OidcError::WrongIssuer {
                issuer: self.config.issuer.clone(),
                found: iss.clone(),
            });
        }
        match (&callback.error, &callback.code) {
            (Some(error), _) => Err(OidcError::of_callback(
                error,
                callback.error_description.as_deref(),
            )),
            (None, Some(code)) => Ok(code),
            (None, None) => Err(OidcError::State),
        }
    }

    /// A code for somebody to type in a browser.
    pub async fn begin_on_device(&self) -> Result<DeviceLogin, OidcError> {
        let address = self.device_address().ok_or(OidcError::NoDeviceFlow)?;
        let client = self.client().set_device_authorization_url(address.clone());
        let details: Details = client
            .exchange_device_code()
            .add_scopes(self.scopes())
            .request_async(&self.http)
            .await
            .map_err(|failed| OidcError::of_token(&self.config.issuer, failed))?;
        Ok(DeviceLogin {
            user_code: details.user_code().secret().clone(),
            verification_uri: details.verification_uri().to_string(),
            verification_uri_complete: details
                .verification_uri_complete()
                .map(|address| address.secret().clone()),
            expires_in: details.expires_in(),
            details,
        })
    }

    /// Waits until the code was typed, was refused, or is no longer good; asks as often as the
    /// provider allows. Dropping the future ends the waiting.
    pub async fn finish_on_device(&self, login: &DeviceLogin) -> Result<SignedIn, OidcError> {
        let client = self.client();
        let token = client
            .exchange_device_access_token(&login.details)
            .map_err(|_| OidcError::NoTokenAddress)?
            .request_async(&self.http, tokio::time::sleep, Some(login.expires_in))
            .await
            .map_err(|failed| OidcError::of_device(&self.config.issuer, failed))?;
        // Nobody could have given the provider a nonce: there is no such field in the request.
        self.signed_in(&token, |_: Option<&Nonce>| Ok(())).await
    }

    async fn signed_in(
        &self,
        token: &Token,
        nonce: impl NonceVerifier + Clone,
    ) -> Result<SignedIn, OidcError> {
        let id_token = token.id_token().ok_or(OidcError::NoIdToken)?;
        let mut claims = self.verified(id_token, nonce).await?;
        if self.wants_more(&claims) {
            self.ask_more(token.access_token(), &mut claims).await;
        }
        read(&self.config.claims, &claims)
    }

    /// The claims of a token whose issuer, audience, age, nonce and signature are right.
    async fn verified(
        &self,
        token: &TokenId,
        nonce: impl NonceVerifier + Clone,
    ) -> Result<Map<String, Value>, OidcError> {
        let known = self.verifier(self.metadata.jwks().clone());
        match token.claims(&known, nonce.clone()) {
            Ok(claims) => return as_map(claims),
            // Providers change their keys without notice, so look once more before saying no.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => debug!("the provider signs with a key that it did not have before"),
            Err(failed) => return Err(OidcError::of_claims(&self.config, failed)),
        }
        let keys = CoreJsonWebKeySet::fetch_async(self.metadata.jwks_uri(), &self.http)
            .await
            .map_err(|failed| OidcError::of_discovery(&self.config.issuer, failed))?;
        let claims = token
            .claims(&self.verifier(keys), nonce)
            .map_err(|failed| OidcError::of_claims(&self.config, failed))?;
        as_map(claims)
    }

    fn verifier(&self, keys: CoreJsonWebKeySet) -> IdTokenVerifier<'static, CoreJsonWebKey> {
        let id = ClientId::new(self.config.client_id.clone());
        IdTokenVerifier::new_public_client(id, self.metadata.issuer().clone(), keys)
            .set_allowed_algs(SIGNATURES)
    }

    fn wants_more(&self, claims: &Map<String, Value>) -> bool {
        let names = &self.config.claims;
        [&names.login, &names.name, &names.email, &names.groups]
            .iter()
            .any(|name| !claims.contains_key(*name))
    }

    /// Many providers tell name and address only when asked with the token. Who signed in is settled
    /// already, so a failure costs the name and nothing else.
    async fn ask_more(&self, token: &AccessToken, claims: &mut Map<String, Value>) {
        let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        let subject = subject.map(openidconnect::SubjectIdentifier::new);
        let client = self.client();
        let Ok(request) = client.user_info(token.clone(), subject) else {
            return;
        };
        let said: Result<UserInfoClaims<Extra, CoreGenderClaim>, _> =
            request.request_async(&self.http).await;
        let more = said
            .map_err(|failed| failed.to_string())
            .and_then(|said| as_map(&said).map_err(|failed| failed.to_string()));
        match more {
            Ok(more) => {
                for (name, value) in more {
                    claims.entry(name).or_insert(value);
                }
            }
            Err(error) => debug!(%error, "the provider tells no more than the token"),
        }
    }

    fn client(&self) -> Client {
        let secret = self.config.client_secret.as_ref();
        Client::from_provider_metadata(
            self.metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.expose_secret().into())),
        )
        .set_auth_type(self.auth_type())
    }

    fn client_for_browsers(&self) -> Result<Client, OidcError> {
        let redirect = self.config.redirect.clone().ok_or(OidcError::NoRedirect)?;
        let redirect = RedirectUrl::new(redirect)
            .map_err(|why| OidcError::settings("redirect address", &why))?;
        Ok(self.client().set_redirect_uri(redirect))
    }

    /// In the header, which every provider must understand, unless it says that it does not.
    fn auth_type(&self) -> AuthType {
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let knows = |method| methods.is_none_or(|methods| methods.contains(&method));
        match knows(CoreClientAuthMethod::ClientSecretBasic) {
            true => AuthType::BasicAuth,
            false => AuthType::RequestBody,
        }
    }

    fn device_address(&self) -> Option<&DeviceAuthorizationUrl> {
        self.metadata
            .additional_metadata()
            .device_authorization_endpoint
            .as_ref()
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        self.config.scopes.iter().cloned().map(Scope::new)
    }
}

/// Signatures that only the provider can make. A signature by a shared secret (HS256) could be made
/// by us as well, and "none" by anybody.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

fn as_map(claims: &impl Serialize) -> Result<Map<String, Value>, OidcError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) | Err(_) => Err(OidcError::NoIdToken),
    }
}

fn read(names: &ClaimNames, claims: &Map<String, Value>) -> Result<SignedIn, OidcError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).and_then(filled);
    let subject = text("sub").ok_or(OidcError::NoIdToken)?;
    let login = text(&names.login).unwrap_or_else(|| subject.clone());
    Ok(SignedIn {
        name: text(&names.name).unwrap_or_else(|| login.clone()),
        email: text(&names.email),
        groups: tidy(texts(claims.get(&names.groups))),
        subject,
        login,
    })
}

/// A list of texts; some providers send a single text where there is one group.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

/// Claims that OpenID Connect does not name itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Extra(Map<String, Value>);
impl AdditionalClaims for Extra {}

/// What a provider with RFC 8628 tells besides.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct DeviceMetadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
}
impl AdditionalProviderMetadata for DeviceMetadata {}

type Metadata = ProviderMetadata<
    DeviceMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type TokenId =
    IdToken<Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Token = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type Client = openidconnect::Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Token,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_read_by_their_configured_names() {
        let names = ClaimNames {
            login: "upn".into(),
            groups: "roles".into(),
            ..ClaimNames::default()
        };
        let read = |claims: Value| read(&names, claims.as_object().expect("an object"));
        let full = json!({"sub": "1", "upn": "anna", "name": "Anna", "roles": ["b", "a", "b"]});
        let person = read(full).expect("signed in");
        assert_eq!(person.login, "anna");
        assert_eq!(person.groups, ["a", "b"]);
        let bare = read(json!({"sub": "1", "roles": "one", "email": " "})).expect("signed in");
        assert_eq!((bare.login.as_str(), bare.name.as_str()), ("1", "1"));
        assert_eq!(bare.email, None);
        assert_eq!(bare.groups, ["one"]);
        assert!(read(json!({"upn": "anna"})).is_err());
    }

    /// A web server's handler needs this.
    #[test]
    fn every_future_may_move_between_threads() {
        fn is_send<T: Send>(_: fn(Oidc) -> T) {}
        is_send(|oidc| async move { oidc.begin_on_device().await });
        is_send(|oidc| async move {
            let login = oidc.begin_on_device().await?;
            oidc.finish_on_device(&login).await
        });
        is_send(|oidc| async move {
            let (_, pending) = oidc.begin(0)?;
            oidc.finish(pending, &Callback::default(), 0).await
        });
    }
}
