//! The HTTP face: who is let in, and which path leads where.

mod admin;
mod calls;
mod devices;
mod events;
mod failure;
mod inbound;
mod listen;
mod metrics;
mod pages;
mod people;
pub(crate) mod signin;

pub(crate) use admin::make_enrolment;
pub(crate) use devices::cut;
pub(crate) use failure::Refused;
pub(crate) use listen::listen;

use crate::app::{App, Signed};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use wire::{ErrorCode, Failure, Role};

/// The longest body of a request.
const LONGEST_BODY: usize = 256 * 1024;
/// What a connection keeps for reading: clients say little, and longer messages are read in several goes.
const READ_BUFFER: usize = 512;
/// The body of a request comes within this.
const BODY: Duration = Duration::from_secs(10);

/// Where a request comes from, behind proxies that are trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

pub(crate) fn router(app: Arc<App>) -> Router {
    let admin = Router::new()
        .route("/users", get(admin::users).post(admin::add_user))
        .route("/users/{id}", put(admin::change_user))
        .route("/devices", get(devices::all))
        .route("/devices/{id}", delete(devices::revoke_any))
        .route("/enrolments", post(admin::enrol))
        .route("/audit", get(admin::audit))
        .route("/health", get(admin::health))
        .route("/config", get(admin::config))
        .route("/check", post(admin::check))
        .route("/log", get(admin::log))
        .route("/connectors", get(people::connectors))
        .route(
            "/connectors/{id}",
            put(people::put_connector).delete(people::remove_connector),
        )
        .route("/connectors/{id}/test", post(people::test_connector))
        .route("/webhooks", get(admin::webhooks).post(admin::add_webhook))
        .route("/webhooks/{id}", delete(admin::remove_webhook))
        .route("/backup", get(admin::backup));
    let api = Router::new()
        .route("/socket", get(socket))
        .route("/signin", get(signin::ways))
        .route("/enrol", post(signin::enrol))
        .route("/signin/password", post(signin::password))
        .route("/signin/oidc", get(signin::begin))
        .route("/signin/oidc/back", get(signin::back))
        .route("/signin/exchange", post(signin::exchange))
        .route("/signin/device", post(signin::device))
        .route("/signin/device/poll", post(signin::poll))
        .route("/signout", post(devices::sign_out))
        .route("/me", get(me))
        .route("/extensions", get(events::extensions))
        .route("/queues", get(events::queues))
        .route("/events", get(events::stream))
        .route("/calls", get(calls::page).post(calls::originate))
        .route("/calls/{id}", delete(calls::hang_up))
        .route(
            "/calls/{id}/person",
            put(people::link).delete(people::unlink),
        )
        .route("/people", post(people::create))
        .route("/people/find", post(people::find))
        .route("/people/forms", get(people::forms))
        .route("/calls.csv", get(calls::csv))
        .route("/missed", get(calls::missed))
        .route("/devices", get(devices::own))
        .route("/devices/{id}", delete(devices::revoke_own))
        .route("/openapi.json", get(pages::openapi))
        .nest("/admin", admin);
    Router::new()
        .route("/healthz", get(metrics::healthz))
        .route("/readyz", get(metrics::readyz))
        .route("/metrics", get(metrics::metrics))
        .route(
            "/inbound/{connector}/{path}",
            get(inbound::call).post(inbound::call),
        )
        .nest("/api/v1", api)
        .fallback(pages::page)
        .layer(axum::extract::DefaultBodyLimit::max(LONGEST_BODY))
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Foreign pages are kept out, and every answer says what a browser may do with it.
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| {
        peer.0.ip().to_canonical()
    });
    let peer = Peer(behind(&app, peer, request.headers()));
    request.extensions_mut().insert(peer);
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && !app
            .origins
            .iter()
            .any(|known| known.as_bytes() == origin.as_bytes())
    {
        let origin: String = String::from_utf8_lossy(origin.as_bytes())
            .chars()
            .take(128)
            .collect();
        tracing::warn!(address = %peer.0, %origin, "foreign origin refused");
        app.note(
            "",
            &peer.0.to_string(),
            "foreign_origin",
            &origin,
            "refused",
        );
        let words = "Pages of this origin may not connect; the administrator lists origins in [http] origins.";
        return Refused(Failure::new(ErrorCode::Forbidden, words)).into_response();
    }
    let request = match whole(request).await {
        Ok(request) => request,
        Err(refused) => return refused.into_response(),
    };
    let trace = request.headers().get("traceparent").cloned();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers
                .entry(HeaderName::from_static(name))
                .or_insert(value);
        }
    };
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("x-frame-options", "DENY");
    set(
        "content-security-policy",
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    if !is_safe {
        set("cache-control", "no-store");
    }
    if app.config.tls.hsts_days > 0 {
        let seconds = u64::from(app.config.tls.hsts_days) * 86_400;
        set("strict-transport-security", &format!("max-age={seconds}"));
    }
    if let Some(trace) = trace {
        headers.insert("traceparent", trace);
    }
    response
}

/// Reads the body before anything waits for it: who announces one and does not send it holds a connection for seconds.
async fn whole(request: Request) -> Result<Request, Refused> {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::DELETE
    ) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let read = axum::body::to_bytes(body, LONGEST_BODY);
    match tokio::time::timeout(BODY, read).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => {
            let words = "The request is longer than 256 KB, or its line broke.";
            Err(Refused::new(ErrorCode::TooLarge, words))
        }
        Err(_) => {
            let words = "The request did not come within ten seconds.";
            Err(Refused::new(ErrorCode::TooSlow, words))
        }
    }
}

/// The last address that a trusted proxy names.
fn behind(app: &App, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: &IpAddr| app.config.http.trusted_proxies.contains(address);
    if !is_trusted(&peer) {
        return peer;
    }
    let named = headers.get_all("x-forwarded-for");
    let named = named.iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<IpAddr> = named
        .flat_map(|value| value.split(','))
        .filter_map(|text| text.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .collect();
    chain
        .into_iter()
        .rev()
        .find(|address| !is_trusted(address))
        .unwrap_or(peer)
}

impl FromRequestParts<Arc<App>> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Self>().copied();
        Ok(peer.unwrap_or(Self(IpAddr::from([0, 0, 0, 0]))))
    }
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Arc<App>> for Signed {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let Ok(Peer(address)) = Peer::from_request_parts(parts, app).await;
        let Some(token) = bearer(&parts.headers) else {
            return Err(Refused(crate::app::unauthenticated()));
        };
        Ok(app.authenticate(token, address).await?)
    }
}

/// An administrator.
pub(crate) struct Admin(pub(crate) Signed);

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let signed = Signed::from_request_parts(parts, app).await?;
        if crate::staff::wire_role(signed.user.role) != Role::Admin {
            let address = signed.address.to_string();
            app.note(
                &signed.user.login,
                &address,
                "administer",
                parts.uri.path(),
                "forbidden",
            );
            let words = "Only administrators may do that.";
            return Err(Refused(Failure::new(ErrorCode::Forbidden, words)));
        }
        Ok(Self(signed))
    }
}

async fn socket(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    upgrade: WebSocketUpgrade,
) -> Response<Body> {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(crate::socket::LONGEST)
        .max_frame_size(crate::socket::LONGEST)
        .on_upgrade(move |socket| crate::socket::serve(app, socket, address))
}

async fn me(State(app): State<Arc<App>>, signed: Signed) -> Result<axum::Json<wire::Me>, Refused> {
    match app.hub.me(&signed.person).await? {
        Some(me) => Ok(axum::Json(me)),
        None => Err(Refused(crate::app::unauthenticated())),
    }
}
