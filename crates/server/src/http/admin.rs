//! What administrators do in their pages.

use crate::{
    app::App,
    clock,
    http::{Admin, Refused},
    staff, tokens,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use qrcode::{QrCode, render::svg};
use serde::Deserialize;
use std::sync::{Arc, atomic::Ordering::Relaxed};
use store::{AuditFilter, EnrolmentNew, Origin, SubscriptionId, TokenHash, UserId};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use wire::{
    EnrolLink, ErrorCode, Plain, ServerAddress, Token,
    rest::{
        AuditPage, AuditRow, ConfigView, Enrolment, Findings, Health, LogLines, NewEnrolment,
        NewWebhook, User, UserChange, Webhook,
    },
};

/// Rows of a page of the audit.
const AUDIT_PAGE: u32 = 100;
const HOUR: i64 = 3_600 * 1_000;

type Answer<T> = Result<Json<T>, Refused>;

fn shown(user: store::User) -> User {
    let policy = staff::policy(&user);
    let some = |text: String| (!text.is_empty()).then_some(text);
    User {
        id: user.id.to_string(),
        login: user.login,
        name: user.name,
        role: staff::wire_role(user.role),
        pbx: some(user.pbx),
        extension: user.extension,
        channel: user.channel,
        groups: user.groups,
        source: match user.source {
            Origin::Config => "config",
            Origin::Pbx => "pbx",
            Origin::Freepbx => "freepbx",
            Origin::Ldap => "ldap",
            Origin::Oidc => "oidc",
            Origin::Admin => "admin",
        }
        .into(),
        disabled: user.disabled,
        policy,
    }
}

pub(crate) async fn users(State(app): State<Arc<App>>, _: Admin) -> Answer<Vec<User>> {
    let users = app
        .store
        .users()
        .await
        .map_err(|error| app.broken("users", &error))?;
    Ok(Json(users.into_iter().map(shown).collect()))
}

pub(crate) async fn add_user(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    body: Result<Json<UserChange>, JsonRejection>,
) -> Result<(StatusCode, Json<User>), Refused> {
    let Json(change) = body?;
    look_over(&app, &change)?;
    let known = app.store.user_by_login(&change.login).await;
    if known
        .map_err(|error| app.broken("users", &error))?
        .is_some()
    {
        let words = format!("There is a “{}” already.", change.login.trim());
        return Err(Refused::new(ErrorCode::Refused, words));
    }
    let first = app.sites.first().map(|site| site.name.clone());
    let user = store::User {
        id: UserId::fresh(),
        login: change.login.trim().to_owned(),
        name: change.name.trim().to_owned(),
        role: staff::store_role(change.role),
        pbx: change.pbx.or(first).unwrap_or_default(),
        extension: filled(change.extension),
        channel: filled(change.channel),
        groups: change.groups,
        source: Origin::Admin,
        disabled: change.disabled,
        policy: staff::policy_text(&change.policy.unwrap_or_default()),
        subject: None,
    };
    app.store
        .put_user(&user)
        .await
        .map_err(|error| app.broken("users", &error))?;
    app.note(
        &signed.user.login,
        &signed.address,
        "add_user",
        &user.login,
        "done",
    );
    tell(&app).await?;
    Ok((StatusCode::CREATED, Json(shown(user))))
}

pub(crate) async fn change_user(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
    body: Result<Json<UserChange>, JsonRejection>,
) -> Answer<User> {
    let Json(change) = body?;
    look_over(&app, &change)?;
    let known = app.store.user(&UserId::from(id)).await;
    let known = known.map_err(|error| app.broken("users", &error))?;
    let known = known.ok_or_else(|| Refused::new(ErrorCode::NotFound, "There is no such user."))?;
    if known.id == signed.user.id && (change.disabled || change.role != wire::Role::Admin) {
        let words = "You cannot take your own rights away; another administrator can.";
        return Err(Refused::new(ErrorCode::Refused, words));
    }
    let policy = match &change.policy {
        Some(policy) => staff::policy_text(policy),
        None => known.policy.clone(),
    };
    // What a source says of somebody would be said again in some minutes.
    let is_ours = known.source == Origin::Admin;
    let user = store::User {
        role: staff::store_role(change.role),
        disabled: change.disabled,
        policy,
        name: if is_ours {
            change.name.trim().to_owned()
        } else {
            known.name.clone()
        },
        login: if is_ours {
            change.login.trim().to_owned()
        } else {
            known.login.clone()
        },
        pbx: if is_ours {
            change.pbx.unwrap_or_default()
        } else {
            known.pbx.clone()
        },
        extension: if is_ours {
            filled(change.extension)
        } else {
            known.extension.clone()
        },
        channel: if is_ours {
            filled(change.channel)
        } else {
            known.channel.clone()
        },
        groups: if is_ours {
            change.groups
        } else {
            known.groups.clone()
        },
        ..known
    };
    app.store
        .put_user(&user)
        .await
        .map_err(|error| app.broken("users", &error))?;
    let kept = app.people.keep_said(&user, &signed.user.id).await;
    kept.map_err(|error| app.broken("users", &error))?;
    app.note(
        &signed.user.login,
        &signed.address,
        "change_user",
        &user.login,
        "done",
    );
    tell(&app).await?;
    Ok(Json(shown(user)))
}

/// From the answer on it is so: somebody who was shut out is out.
async fn tell(app: &App) -> Result<(), Refused> {
    let told = app.people.tell_hub().await;
    Ok(told.map_err(|error| app.broken("users", &error))?)
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn look_over(app: &App, change: &UserChange) -> Result<(), Refused> {
    let refused = |words: &str| Err(Refused::new(ErrorCode::Refused, words));
    if change.login.trim().is_empty() || change.login.chars().any(char::is_control) {
        return refused("A user needs a login.");
    }
    if let Some(pbx) = &change.pbx
        && !app.sites.iter().any(|site| site.name == *pbx)
    {
        return refused("There is no such phone system.");
    }
    if !filled(change.extension.clone()).is_none_or(|text| staff::is_extension(&text)) {
        return refused("An extension has digits and letters only.");
    }
    if !filled(change.channel.clone()).is_none_or(|text| staff::is_channel(&text)) {
        return refused("A phone is named as Asterisk names it: PJSIP/101.");
    }
    if let Some(policy) = &change.policy {
        crate::policy::Hours::parse(&policy.hours)
            .map_err(|words| Refused::new(ErrorCode::Refused, words))?;
    }
    Ok(())
}

pub(crate) async fn enrol(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    body: Result<Json<NewEnrolment>, JsonRejection>,
) -> Result<(StatusCode, Json<Enrolment>), Refused> {
    let Json(body) = body?;
    let made = make_enrolment(
        &app.store,
        &app.url,
        &body.login,
        body.hours,
        Some(&signed.user.id),
    );
    let made = made
        .await
        .map_err(|words| Refused::new(ErrorCode::Refused, words))?;
    app.note(
        &signed.user.login,
        &signed.address,
        "make_enrolment",
        &body.login,
        "done",
    );
    Ok((StatusCode::CREATED, Json(made)))
}

/// A code for one device of somebody.
///
/// # Errors
/// A sentence.
pub(crate) async fn make_enrolment(
    store: &store::Store,
    url: &str,
    login: &str,
    hours: u16,
    by: Option<&UserId>,
) -> Result<Enrolment, String> {
    let user = store
        .user_by_login(login)
        .await
        .map_err(|error| error.to_string())?;
    let user = user.filter(|user| !user.disabled);
    let user = user.ok_or_else(|| format!("There is nobody with the login “{login}”."))?;
    let code = tokens::code().map_err(|error| error.to_string())?;
    let now = clock::store_ms();
    let expires = now + i64::from(hours.clamp(1, 720)) * HOUR;
    let new = EnrolmentNew {
        user: user.id,
        code_hash: TokenHash::of(&tokens::tidy(&code)),
        now,
        expires_at: expires,
        made_by: by.cloned(),
    };
    store
        .add_enrolment(&new)
        .await
        .map_err(|error| error.to_string())?;
    let plain = Plain::Anywhere;
    let link = EnrolLink {
        server: ServerAddress::parse(url, plain).map_err(|error| error.to_string())?,
        code: code
            .parse()
            .map_err(|error: wire::EnrolError| error.to_string())?,
    };
    let link = link.to_string();
    let qr = QrCode::new(link.as_bytes()).map_err(|error| error.to_string())?;
    Ok(Enrolment {
        code,
        qr: qr
            .render::<svg::Color<'_>>()
            .min_dimensions(240, 240)
            .build(),
        link,
        expires: u64::try_from(expires).unwrap_or_default(),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditQuery {
    before: Option<String>,
    action: Option<String>,
}

pub(crate) async fn audit(
    State(app): State<Arc<App>>,
    _: Admin,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Answer<AuditPage> {
    let Query(query) = query?;
    let rows = app
        .store
        .audit_entries(&AuditFilter {
            action: query.action,
            before: query.before.and_then(|before| before.parse().ok()),
            limit: AUDIT_PAGE,
            ..AuditFilter::default()
        })
        .await;
    let rows = rows.map_err(|error| app.broken("audit log", &error))?;
    let is_whole = rows.len() < AUDIT_PAGE as usize;
    let next = rows
        .last()
        .filter(|_| !is_whole)
        .map(|row| row.id.to_string());
    let rows = rows.into_iter().map(|row| {
        let details: serde_json::Value =
            serde_json::from_str(&row.what.details).unwrap_or_default();
        AuditRow {
            at: u64::try_from(row.what.at).unwrap_or_default(),
            who: details["login"].as_str().unwrap_or_default().to_owned(),
            address: row.what.address.unwrap_or_default(),
            action: row.what.action,
            target: row.what.target.unwrap_or_default(),
            outcome: row.what.outcome,
        }
    });
    Ok(Json(AuditPage {
        rows: rows.collect(),
        next,
    }))
}

pub(crate) async fn health(State(app): State<Arc<App>>, _: Admin) -> Answer<Health> {
    let mut live = app.hub.health().await?;
    if let Some(first) = live.pbxs.first_mut() {
        first.findings.extend(app.people.troubles());
    }
    let counters = &app.counters;
    let waiting = app
        .store
        .due(i64::MAX, 500)
        .await
        .map_or(0, |due| due.len() as u64);
    Ok(Json(Health {
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_s: live.uptime_s,
        pbxs: live.pbxs,
        clients: live.clients,
        clients_resynced: counters.resynced.load(Relaxed),
        clients_dropped: counters.dropped.load(Relaxed),
        messages_sent: counters.messages_sent.load(Relaxed),
        store: match app.config.store.url.expose().starts_with("postgres") {
            true => "postgres".into(),
            false => "sqlite".into(),
        },
        store_trouble: app.trouble.borrow().clone(),
        log_waiting: u32::try_from(counters.log_waiting.load(Relaxed)).unwrap_or(u32::MAX),
        webhooks_waiting: waiting,
        sources: app.callers.health(),
        resident_bytes: super::metrics::resident(),
    }))
}

pub(crate) async fn config(State(app): State<Arc<App>>, _: Admin) -> Answer<ConfigView> {
    let toml = toml::to_string_pretty(&app.config).map_err(|error| {
        Refused::new(
            ErrorCode::Internal,
            format!("The configuration cannot be shown: {error}."),
        )
    })?;
    Ok(Json(ConfigView {
        file: app
            .config_file
            .as_ref()
            .map(|file| file.display().to_string()),
        toml,
    }))
}

pub(crate) async fn check(State(app): State<Arc<App>>, Admin(signed): Admin) -> Answer<Findings> {
    app.note(&signed.user.login, &signed.address, "check", "", "done");
    let findings = crate::check::running(&app).await;
    Ok(Json(Findings { findings }))
}

pub(crate) async fn log(State(app): State<Arc<App>>, _: Admin) -> Json<LogLines> {
    Json(LogLines {
        lines: app.recent.lines(),
    })
}

pub(crate) async fn webhooks(State(app): State<Arc<App>>, _: Admin) -> Answer<Vec<Webhook>> {
    let known = app.store.subscriptions().await;
    let known = known.map_err(|error| app.broken("webhooks", &error))?;
    let due = app.store.due(i64::MAX, 500).await;
    let due = due.map_err(|error| app.broken("webhooks", &error))?;
    let webhooks = known.into_iter().map(|known| {
        let mut waiting = due
            .iter()
            .filter(|delivery| delivery.subscription == known.id);
        let last_error = waiting.clone().find_map(|delivery| delivery.error.clone());
        Webhook {
            id: known.id.to_string(),
            url: known.url,
            events: known.events,
            active: known.active,
            waiting: waiting.by_ref().count() as u64,
            last_error,
            secret: None,
        }
    });
    Ok(Json(webhooks.collect()))
}

pub(crate) async fn add_webhook(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    body: Result<Json<NewWebhook>, JsonRejection>,
) -> Result<(StatusCode, Json<Webhook>), Refused> {
    let Json(body) = body?;
    crate::webhooks::look_over(&body).map_err(|words| Refused::new(ErrorCode::Refused, words))?;
    let secret = tokens::token();
    let secret = secret.map_err(|error| Refused::new(ErrorCode::Internal, error.to_string()))?;
    let subscription = store::Subscription {
        id: SubscriptionId::fresh(),
        url: body.url.clone(),
        secret: secret.clone().into(),
        events: body.events.clone(),
        active: true,
        dropped: 0,
    };
    let put = app.store.put_subscription(&subscription).await;
    put.map_err(|error| app.broken("webhooks", &error))?;
    app.note(
        &signed.user.login,
        &signed.address,
        "add_webhook",
        // Path and parameters often hold a key.
        &origin(&body.url),
        "done",
    );
    let webhook = Webhook {
        id: subscription.id.to_string(),
        url: body.url,
        events: body.events,
        active: true,
        waiting: 0,
        last_error: None,
        secret: Some(Token(secret)),
    };
    Ok((StatusCode::CREATED, Json(webhook)))
}

fn origin(url: &str) -> String {
    let url = reqwest::Url::parse(url);
    url.map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

pub(crate) async fn remove_webhook(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let removed = app
        .store
        .remove_subscription(&SubscriptionId::from(id.as_str()))
        .await;
    if !removed.map_err(|error| app.broken("webhooks", &error))? {
        return Err(Refused::new(
            ErrorCode::NotFound,
            "There is no such webhook.",
        ));
    }
    app.note(
        &signed.user.login,
        &signed.address,
        "remove_webhook",
        &id,
        "done",
    );
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn backup(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
) -> Result<Response, Refused> {
    app.note(&signed.user.login, &signed.address, "backup", "", "done");
    let (reader, mut writer) = tokio::io::duplex(64 * 1024);
    let store = app.store.clone();
    tokio::spawn(async move {
        if let Err(error) = store.backup(&mut writer).await {
            tracing::error!(%error, "the backup ended early");
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"sidetone-backup.jsonl\"",
        ),
    ];
    Ok((headers, stream(reader)).into_response())
}

/// Sends what is read, piece by piece.
pub(crate) fn stream(reader: impl AsyncRead + Unpin + Send + 'static) -> Body {
    let pieces = stream::unfold(reader, |mut reader| async move {
        let mut piece = vec![0; 16 * 1024];
        match reader.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), reader))
            }
            Err(error) => Some((Err(error), reader)),
        }
    });
    Body::from_stream(pieces)
}
