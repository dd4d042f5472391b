//! Signing in: by a one-time code, by the directory's password, by an OpenID provider. Each ends with a device token.

use crate::{
    app::App,
    clock,
    http::{Peer, Refused},
    tokens,
};
use axum::{
    Json,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use people::oidc::{Callback, DeviceLogin, Oidc, OidcConfig, Pending, SignedIn};
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use store::{DeviceKind, DeviceNew, Origin, TokenHash, User, UserId};
use tokio::{sync::OnceCell, task::JoinHandle};
use wire::{
    Client, ErrorCode, Failure, Token,
    rest::{DeviceFlow, DevicePoll, DevicePolled, DeviceStart, Enrol, Enrolled, Password, SignIn},
};

/// A sign-in at a provider has to end within this.
const PENDING: Duration = Duration::from_secs(600);
/// Sign-ins that may be under way.
const MOST_PENDING: usize = 1_000;
/// What a browser brings back is good for this long.
const EXCHANGE: Duration = Duration::from_secs(60);
/// Names the browser that began a sign-in.
const COOKIE: &str = "sidetone_signin";
/// A browser's session.
const SESSION: i64 = 30 * 24 * 3_600 * 1_000;

/// Sign-ins that are under way, all bounded in number and time.
#[derive(Default)]
pub(crate) struct SigningIn {
    provider: OnceCell<Oidc>,
    browsers: Mutex<HashMap<String, (Pending, Instant)>>,
    /// One-time codes of browsers that came back, by hash.
    exchange: Mutex<HashMap<String, (UserId, Instant)>>,
    devices: Mutex<HashMap<String, Waiting>>,
}

/// A device whose person signs in on another screen.
struct Waiting {
    start: DeviceStart,
    until: Instant,
    task: JoinHandle<Result<SignedIn, String>>,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) async fn ways(State(app): State<Arc<App>>) -> Json<SignIn> {
    Json(SignIn {
        oidc: app.config.oidc.as_ref().map(|oidc| oidc.name.clone()),
        password: app
            .config
            .people
            .ldap
            .as_ref()
            .is_some_and(|ldap| ldap.sign_in),
    })
}

pub(crate) async fn enrol(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    body: Result<Json<Enrol>, JsonRejection>,
) -> Result<Json<Enrolled>, Refused> {
    app.may_try(address)?;
    let Json(body) = body?;
    let hash = TokenHash::of(&tokens::tidy(&body.code));
    let taken = app.store.take_enrolment(&hash, clock::store_ms()).await;
    let taken = taken.map_err(|error| app.broken("enrolment", &error))?;
    let Some(user) = taken.filter(|user| !user.disabled) else {
        app.was_wrong(address, "enrolment code");
        let words = "This code is wrong, was used already, or is too old. Ask your administrator for a new one.";
        return Err(Refused::new(ErrorCode::Unauthenticated, words));
    };
    enrolled(&app, user, &body.device, &body.client, address, "enrol").await
}

pub(crate) async fn password(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    body: Result<Json<Password>, JsonRejection>,
) -> Result<Json<Enrolled>, Refused> {
    app.may_try(address)?;
    let Json(body) = body?;
    let ldap = app.config.people.ldap.as_ref().filter(|ldap| ldap.sign_in);
    let Some(ldap) = ldap else {
        let words = "Nobody signs in with a password here.";
        return Err(Refused::new(ErrorCode::Forbidden, words));
    };
    let directory = crate::staff::directory(ldap);
    let directory = directory.map_err(|words| Refused::new(ErrorCode::Internal, words))?;
    let proven = directory
        .authenticate(&body.login, &body.password.0.into())
        .await;
    let proven = proven.map_err(|error| {
        tracing::warn!(%error, "the directory did not answer a sign-in");
        Refused::new(
            ErrorCode::Busy,
            format!("The directory does not answer: {error}."),
        )
    })?;
    let user = match proven {
        Some(person) => app.store.user_by_login(&person.login).await,
        None => Ok(None),
    };
    let user = user.map_err(|error| app.broken("user", &error))?;
    let Some(user) = user.filter(|user| !user.disabled) else {
        app.was_wrong(address, "password");
        let words = "Login or password is wrong, or your administrator has not let you in yet.";
        return Err(Refused::new(ErrorCode::Unauthenticated, words));
    };
    enrolled(&app, user, &body.device, &body.client, address, "sign_in").await
}

/// Makes the token of a device whose person is known.
async fn enrolled(
    app: &App,
    user: User,
    device: &str,
    client: &Client,
    address: IpAddr,
    action: &'static str,
) -> Result<Json<Enrolled>, Refused> {
    let token =
        tokens::token().map_err(|error| Refused::new(ErrorCode::Internal, error.to_string()))?;
    let now = clock::store_ms();
    let is_browser = client.platform == "web";
    let tidy = |text: &str, most: usize| -> String {
        text.chars()
            .filter(|c| !c.is_control())
            .take(most)
            .collect()
    };
    let made = app
        .store
        .add_device(&DeviceNew {
            user: user.id.clone(),
            kind: if is_browser {
                DeviceKind::Browser
            } else {
                DeviceKind::Desktop
            },
            name: tidy(device, 64),
            platform: tidy(&client.platform, 16),
            token_hash: TokenHash::of(&token),
            now,
            expires_at: is_browser.then_some(now + SESSION),
        })
        .await;
    let made = made.map_err(|error| app.broken("device", &error))?;
    app.note(
        &user.login,
        &address.to_string(),
        action,
        made.as_str(),
        "done",
    );
    let me = app.hub.me(&user.id.as_str().into()).await?;
    let me = me.ok_or_else(|| Refused::new(ErrorCode::Busy, "Try again in a moment."))?;
    Ok(Json(Enrolled {
        token: Token(token),
        me,
    }))
}

// OpenID Connect.

async fn provider(app: &App) -> Result<&Oidc, Refused> {
    let Some(config) = &app.config.oidc else {
        let words = "No OpenID provider is set up.";
        return Err(Refused::new(ErrorCode::NotFound, words));
    };
    let discover = || async {
        let file = app.config_file.as_deref();
        Oidc::discover(OidcConfig {
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            client_secret: (!config.client_secret.is_empty())
                .then(|| config.client_secret.secret()),
            redirect: Some(format!("{}/api/v1/signin/oidc/back", app.url)),
            scopes: config.scopes.clone(),
            claims: people::oidc::ClaimNames {
                login: config.login_claim.clone(),
                ..people::oidc::ClaimNames::default()
            },
            ca_file: (!config.ca_file.is_empty())
                .then(|| crate::config::beside(file, &config.ca_file)),
            deadline: Duration::from_secs(15),
        })
        .await
    };
    app.signing_in
        .provider
        .get_or_try_init(discover)
        .await
        .map_err(|error| {
            tracing::warn!(%error, "the OpenID provider cannot be used");
            Refused::new(
                ErrorCode::Busy,
                format!("The sign-in cannot begin: {error}."),
            )
        })
}

/// Sends a browser to the provider.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
) -> Result<Response, Refused> {
    app.may_try(address)?;
    let (to, pending) = provider(&app)
        .await?
        .begin(clock::store_ms())
        .map_err(internal)?;
    let mut browsers = lock(&app.signing_in.browsers);
    let now = Instant::now();
    browsers.retain(|_, (_, until)| *until > now);
    if browsers.len() >= MOST_PENDING {
        let words = "Too many people sign in at once; try again in a moment.";
        return Err(Refused::new(ErrorCode::Busy, words));
    }
    let cookie = cookie(&app, &pending.state);
    browsers.insert(pending.state.clone(), (pending, now + PENDING));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

/// Ties a sign-in to the browser that began it: nobody can have another one finish his. It proves nothing else.
fn cookie(app: &App, state: &str) -> String {
    let secure = match app.url.starts_with("https:") {
        true => "; Secure",
        false => "",
    };
    let (value, seconds) = (browser_mark(state), PENDING.as_secs());
    format!(
        "{COOKIE}={value}; Path=/api/v1/signin; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )
}

fn browser_mark(state: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, state.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn has_begun_here(headers: &HeaderMap, state: &str) -> bool {
    let wanted = format!("{COOKIE}={}", browser_mark(state));
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .any(|cookie| cookie.trim() == wanted)
}

/// The browser is back from the provider. What it gets is a code for its page; a token never stands in an address.
pub(crate) async fn back(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(callback) = query?;
    let is_here = has_begun_here(&headers, &callback.state);
    let pending = match is_here {
        true => lock(&app.signing_in.browsers).remove(&callback.state),
        false => None,
    };
    let pending = pending.filter(|(_, until)| *until > Instant::now());
    let Some((pending, _)) = pending else {
        app.was_wrong(address, "state of a sign-in");
        let words =
            "This sign-in was not begun here, is too old, or was used already. Begin again.";
        return Err(Refused::new(ErrorCode::Unauthenticated, words));
    };
    let signed = provider(&app)
        .await?
        .finish(pending, &callback, clock::store_ms())
        .await;
    let signed = signed.map_err(|error| {
        app.was_wrong(address, "OpenID sign-in");
        Refused::new(
            ErrorCode::Unauthenticated,
            format!("Not signed in: {error}."),
        )
    })?;
    let user = user_of(&app, &signed, address).await?;
    let code =
        tokens::token().map_err(|error| Refused::new(ErrorCode::Internal, error.to_string()))?;
    let mut exchange = lock(&app.signing_in.exchange);
    let now = Instant::now();
    exchange.retain(|_, (_, until)| *until > now);
    if exchange.len() >= MOST_PENDING {
        let words = "Too many people sign in at once; try again in a moment.";
        return Err(Refused::new(ErrorCode::Busy, words));
    }
    exchange.insert(browser_mark(&code), (user.id, now + EXCHANGE));
    Ok(Redirect::to(&format!("/#signin={code}")).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    code: Token,
    device: String,
    client: Client,
}

pub(crate) async fn exchange(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    body: Result<Json<Exchange>, JsonRejection>,
) -> Result<Json<Enrolled>, Refused> {
    app.may_try(address)?;
    let Json(body) = body?;
    let known = lock(&app.signing_in.exchange).remove(&browser_mark(&body.code.0));
    let Some((user, _)) = known.filter(|(_, until)| *until > Instant::now()) else {
        app.was_wrong(address, "code of a sign-in");
        let words = "This sign-in is too old or was used already. Begin again.";
        return Err(Refused::new(ErrorCode::Unauthenticated, words));
    };
    let user = app
        .store
        .user(&user)
        .await
        .map_err(|error| app.broken("user", &error))?;
    match user.filter(|user| !user.disabled) {
        Some(user) => enrolled(&app, user, &body.device, &body.client, address, "sign_in").await,
        None => Err(Refused(crate::app::unauthenticated())),
    }
}

/// The person here whom the provider names: by its subject, else by login, which is then tied to the subject.
async fn user_of(app: &App, signed: &SignedIn, address: IpAddr) -> Result<User, Refused> {
    let broken = |error| app.broken("user", &error);
    if let Some(user) = app
        .store
        .user_by_subject(&signed.subject)
        .await
        .map_err(broken)?
    {
        return match user.disabled {
            false => Ok(user),
            true => Err(not_let_in(app, signed, address)),
        };
    }
    let known = app
        .store
        .user_by_login(&signed.login)
        .await
        .map_err(broken)?;
    let Some(user) = known.filter(|user| !user.disabled && user.subject.is_none()) else {
        return Err(not_let_in(app, signed, address));
    };
    let user = User {
        subject: Some(signed.subject.clone()),
        ..user
    };
    app.store.put_user(&user).await.map_err(broken)?;
    Ok(user)
}

fn not_let_in(app: &App, signed: &SignedIn, address: IpAddr) -> Refused {
    app.note(
        &signed.login,
        &address.to_string(),
        "sign_in",
        "not known here",
        "refused",
    );
    tracing::warn!(%address, origin = ?Origin::Oidc, "signed in at the provider and not known here");
    let words = "You are signed in, but nobody has let you in here yet. Ask your administrator.";
    Refused::new(ErrorCode::Forbidden, words)
}

fn internal(error: impl std::fmt::Display) -> Refused {
    Refused::new(
        ErrorCode::Internal,
        format!("The sign-in cannot begin: {error}."),
    )
}

// A device without a browser of its own (RFC 8628).

pub(crate) async fn device(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    body: Result<Json<DeviceStart>, JsonRejection>,
) -> Result<Json<DeviceFlow>, Refused> {
    app.may_try(address)?;
    let Json(start) = body?;
    provider(&app).await?;
    let login = match app.signing_in.provider.get() {
        Some(provider) => provider.begin_on_device().await.map_err(internal)?,
        None => return Err(Refused(crate::app::unauthenticated())),
    };
    let handle =
        tokens::token().map_err(|error| Refused::new(ErrorCode::Internal, error.to_string()))?;
    let flow = DeviceFlow {
        handle: Token(handle.clone()),
        user_code: login.user_code.clone(),
        verification_uri: login.verification_uri.clone(),
        verification_uri_complete: login.verification_uri_complete.clone(),
        interval_s: 2,
        expires_in_s: u32::try_from(login.expires_in.as_secs()).unwrap_or(600),
    };
    let until = Instant::now() + login.expires_in.min(PENDING);
    let mut devices = lock(&app.signing_in.devices);
    devices.retain(|_, waiting| waiting.until > Instant::now());
    if devices.len() >= MOST_PENDING {
        let words = "Too many people sign in at once; try again in a moment.";
        return Err(Refused::new(ErrorCode::Busy, words));
    }
    let task = tokio::spawn(finish(app.clone(), login));
    devices.insert(handle, Waiting { start, until, task });
    Ok(Json(flow))
}

async fn finish(app: Arc<App>, login: DeviceLogin) -> Result<SignedIn, String> {
    match app.signing_in.provider.get() {
        Some(provider) => provider
            .finish_on_device(&login)
            .await
            .map_err(|error| error.to_string()),
        None => Err("the provider is gone".into()),
    }
}

/// How far the sign-in on another screen is.
pub(crate) async fn poll(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    body: Result<Json<DevicePoll>, JsonRejection>,
) -> Result<Json<DevicePolled>, Refused> {
    app.may_try(address)?;
    let Json(body) = body?;
    let waiting = {
        let mut devices = lock(&app.signing_in.devices);
        match devices.get(&body.handle.0) {
            Some(waiting) if waiting.until > Instant::now() && !waiting.task.is_finished() => {
                return Ok(Json(DevicePolled::Pending));
            }
            Some(_) => devices.remove(&body.handle.0),
            None => None,
        }
    };
    let Some(waiting) = waiting.filter(|waiting| waiting.task.is_finished()) else {
        app.was_wrong(address, "sign-in on another screen");
        let words = "This sign-in is too old or was used already. Begin again.";
        return Err(Refused::new(ErrorCode::Unauthenticated, words));
    };
    let start = waiting.start;
    let signed = match waiting.task.await {
        Ok(Ok(signed)) => signed,
        Ok(Err(words)) => {
            return Err(Refused(Failure::new(
                ErrorCode::Unauthenticated,
                format!("Not signed in: {words}."),
            )));
        }
        Err(_) => return Err(Refused::new(ErrorCode::Internal, "The sign-in broke off.")),
    };
    let user = user_of(&app, &signed, address).await?;
    let Json(made) = enrolled(&app, user, &start.device, &start.client, address, "sign_in").await?;
    Ok(Json(DevicePolled::Done {
        enrolled: Box::new(made),
    }))
}
