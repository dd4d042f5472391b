//! OAuth 2: asking for tokens, and signing in by the browser.

use super::{State, Stored, Tokens, login_budget};
use crate::{
    connector::Inner,
    format::auth::{Auth, Grant, Oauth},
    pointer, render,
    template::{Context, Failed, Template, base64, base64_url},
    world::Outgoing,
};
use contacts::{SourceError, SourceErrorKind};
use reqwest::Url;
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use tokio::task::spawn_blocking;
use tracing::warn;

/// A browser on its way to the CRM. To be used once.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where the browser goes.
    pub url: String,
    /// Comes back with the browser, and must be this one.
    pub state: String,
    verifier: Option<SecretString>,
    redirect: String,
}

impl Inner {
    /// By the refresh token, and where that is dead by what the settings have.
    pub(super) async fn renewed(
        &self,
        oauth: &Oauth,
        old: &mut State,
    ) -> Result<State, SourceError> {
        let form = self.token_form(oauth, old)?;
        let had_refresh = old.refresh().is_some();
        match self.new_token(oauth, form, old).await {
            Err(error)
                if error.kind == SourceErrorKind::Login
                    && had_refresh
                    && !oauth.is_by_browser() =>
            {
                *old = State::Out;
                let form = self.token_form(oauth, old)?;
                self.new_token(oauth, form, old).await
            }
            done => done,
        }
    }

    fn token_form(&self, oauth: &Oauth, old: &State) -> Result<Vec<(String, String)>, SourceError> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        if let Some(refresh) = old.refresh() {
            return Ok(vec![
                pair("grant_type", "refresh_token"),
                pair("refresh_token", refresh.expose_secret()),
            ]);
        }
        let text = |template: &Template| {
            let text = template.text(&self.context());
            text.map_err(|failed| self.broken(&failed.0))
        };
        let mut form = match &oauth.grant {
            Grant::Code { .. } => {
                return Err(SourceError {
                    kind: SourceErrorKind::Login,
                    words: format!(
                        "nobody has signed in to {} yet: press “Sign in” in the settings",
                        self.title
                    ),
                });
            }
            Grant::Client => vec![pair("grant_type", "client_credentials")],
            Grant::Password { user, password } => vec![
                pair("grant_type", "password"),
                pair("username", &text(user)?),
                pair("password", &text(password)?),
            ],
        };
        let scopes = scopes(oauth, &self.context());
        let scopes = scopes.map_err(|failed| self.broken(&failed.0))?;
        form.extend(scopes.map(|scopes| pair("scope", &scopes)));
        let extra = render::pairs(&oauth.extra, &self.context());
        form.extend(extra.map_err(|failed| self.broken(&failed.0))?);
        Ok(form)
    }

    async fn new_token(
        &self,
        oauth: &Oauth,
        form: Vec<(String, String)>,
        old: &State,
    ) -> Result<State, SourceError> {
        let request = self
            .token_request(oauth, form)
            .map_err(|failed| self.broken(&failed.0))?;
        let asked = (request.method, request.url.clone());
        let reply = self.transmit(request, &mut login_budget()).await?;
        let json = reply.json();
        let access = json
            .as_ref()
            .and_then(|json| json.get("access_token")?.as_str());
        let (Some(json), Some(access), 200..300) = (&json, access, reply.status) else {
            let error = self.error_of(&reply, json.as_ref());
            let error = self.with_address(error, &reply, &asked);
            // 400 is how OAuth says that a token or a secret is wrong.
            let kind = match reply.status {
                400..404 | 200..300 => SourceErrorKind::Login,
                _ => error.kind,
            };
            return Err(SourceError {
                kind,
                words: format!("{}; sign in again in the settings", error.words),
            });
        };
        let given = json.get("refresh_token").and_then(Json::as_str);
        let given = given.map(SecretString::from);
        let lasts = json
            .get("expires_in")
            .and_then(|lasts| pointer::text(lasts)?.parse::<i64>().ok());
        let tokens = Tokens {
            access: access.into(),
            refresh: given.or_else(|| old.refresh().cloned()),
            // A CRM may say anything, and what has just been given is not over.
            until: lasts.map(|lasts| self.world.now().saturating_add(lasts.max(0))),
        };
        for token in [Some(&tokens.access), tokens.refresh.as_ref()] {
            let token = token.map(|token| token.expose_secret());
            self.redactor.learn_for_now(token.unwrap_or_default());
        }
        if let Grant::Code { param, .. } = &oauth.grant {
            self.save(param, &tokens).await;
        }
        Ok(State::Token(tokens))
    }

    /// Before it is used: the old one may be worth nothing already.
    async fn save(&self, param: &str, tokens: &Tokens) {
        let Some(store) = self.options.store.clone() else {
            return;
        };
        let stored = Stored {
            access: tokens.access.expose_secret().to_owned(),
            refresh: tokens
                .refresh
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            until: tokens.until,
        };
        let text: SecretString = serde_json::to_string(&stored).unwrap_or_default().into();
        let param = param.to_owned();
        let saved = spawn_blocking(move || store.save(&param, &text)).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(connector = %self.id, %error, "a new token is not stored; sign in again after a restart");
            }
            Err(_) => warn!(connector = %self.id, "a new token is not stored"),
        }
    }

    fn token_request(
        &self,
        oauth: &Oauth,
        mut form: Vec<(String, String)>,
    ) -> Result<Outgoing, Failed> {
        let context = self.context();
        let (id, secret) = (
            oauth.client_id.text(&context)?,
            oauth.client_secret.text(&context)?,
        );
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        if oauth.client_in_header {
            let proof = base64(format!("{id}:{secret}").as_bytes());
            headers.push(("Authorization".into(), format!("Basic {proof}")));
        } else {
            form.push(("client_id".into(), id));
            if !secret.is_empty() {
                form.push(("client_secret".into(), secret));
            }
        }
        let (content_type, body) = match oauth.token_request_json {
            true => {
                let table = form
                    .into_iter()
                    .map(|(name, value)| (name, Json::from(value)));
                (
                    "application/json",
                    Json::Object(table.collect()).to_string(),
                )
            }
            false => (render::FORM, render::form(&form)),
        };
        let url = Url::parse(&oauth.token_url.text(&context)?)
            .map_err(|_| Failed("the address for tokens is none".into()))?;
        Ok(Outgoing {
            method: "POST",
            url,
            headers,
            content_type: Some(content_type.into()),
            body: Some(body),
        })
    }

    /// Begins a sign-in by browser: where to send it. `None`: this connector has none, or its settings are wrong.
    pub(crate) fn authorize(&self, redirect: &str) -> Option<SignIn> {
        let Auth::Oauth(oauth) = &self.file.auth else {
            return None;
        };
        let Grant::Code {
            authorize_url,
            pkce,
            redirect: own,
            ..
        } = &oauth.grant
        else {
            return None;
        };
        let context = self.context();
        let redirect = match own {
            Some(own) => own.text(&context).ok().filter(|own| !own.is_empty()),
            None => None,
        }
        .unwrap_or_else(|| redirect.to_owned());
        let (state, verifier) = (random()?, random()?);
        let mut url = Url::parse(&authorize_url.text(&context).ok()?).ok()?;
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let mut query = vec![
            pair("response_type", "code".into()),
            pair("client_id", oauth.client_id.text(&context).ok()?),
            pair("redirect_uri", redirect.clone()),
            pair("state", state.clone()),
        ];
        query.extend(
            scopes(oauth, &context)
                .ok()?
                .map(|scopes| pair("scope", scopes)),
        );
        if *pkce {
            let challenge = digest::digest(&digest::SHA256, verifier.as_bytes());
            query.push(pair("code_challenge", base64_url(challenge.as_ref())));
            query.push(pair("code_challenge_method", "S256".into()));
        }
        query.extend(render::pairs(&oauth.extra, &context).ok()?);
        render::add_query(&mut url, &query);
        Some(SignIn {
            url: url.into(),
            state,
            verifier: pkce.then(|| verifier.into()),
            redirect,
        })
    }

    /// Ends it with what the browser brought.
    pub(crate) async fn take_code(&self, sign_in: &SignIn, code: &str) -> Result<(), SourceError> {
        let Auth::Oauth(oauth) = &self.file.auth else {
            return Err(self.broken("is not signed in to by a browser"));
        };
        let mut form = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".into(), code.to_owned()),
            ("redirect_uri".into(), sign_in.redirect.clone()),
        ];
        if let Some(verifier) = &sign_in.verifier {
            form.push(("code_verifier".into(), verifier.expose_secret().to_owned()));
        }
        let mut login = self.login.lock().await;
        let state = self.new_token(oauth, form, &State::Out).await?;
        login.generation += 1;
        login.state = state;
        login.failed = None;
        Ok(())
    }
}

impl State {
    fn refresh(&self) -> Option<&SecretString> {
        match self {
            Self::Token(tokens) => tokens.refresh.as_ref(),
            Self::Out | Self::Session(_) => None,
        }
    }
}

/// Apart by spaces, as OAuth has them.
fn scopes(oauth: &Oauth, context: &Context) -> Result<Option<String>, Failed> {
    let scopes = oauth.scopes.iter().map(|scope| scope.text(context));
    let scopes: Vec<String> = scopes.collect::<Result<_, _>>()?;
    let scopes = scopes.join(" ");
    Ok(Some(scopes.trim().to_owned()).filter(|scopes| !scopes.is_empty()))
}

/// 256 bits for addresses.
fn random() -> Option<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(base64_url(&bytes))
}
