//! Devices that hold tokens: listed, and refused from the moment they are revoked.

use crate::{
    app::{App, Signed},
    http::{Admin, Refused},
    hub::Ask,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use std::{collections::BTreeMap, sync::Arc};
use store::{DeviceId, UserId};
use wire::{ErrorCode, Failure, rest::Device};

pub(crate) async fn own(
    State(app): State<Arc<App>>,
    signed: Signed,
) -> Result<Json<Vec<Device>>, Refused> {
    list(&app, &signed, Some(&signed.user.id)).await
}

pub(crate) async fn all(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
) -> Result<Json<Vec<Device>>, Refused> {
    list(&app, &signed, None).await
}

async fn list(
    app: &App,
    signed: &Signed,
    user: Option<&UserId>,
) -> Result<Json<Vec<Device>>, Refused> {
    let devices = app.store.devices(user).await;
    let devices = devices.map_err(|error| app.broken("devices", &error))?;
    let users = app.store.users().await;
    let users = users.map_err(|error| app.broken("users", &error))?;
    let names: BTreeMap<&UserId, &str> = users
        .iter()
        .map(|user| (&user.id, user.name.as_str()))
        .collect();
    let online = app.hub.health().await?.online;
    let unix = |at: i64| u64::try_from(at).unwrap_or_default();
    let devices = devices
        .into_iter()
        .filter(|device| device.revoked_at.is_none());
    let devices = devices.map(|device| Device {
        online: online.contains(device.id.as_str()),
        this: *signed.device == *device.id.as_str(),
        id: device.id.to_string(),
        user_name: names
            .get(&device.user)
            .map(|name| (*name).to_owned())
            .unwrap_or_default(),
        user: device.user.to_string(),
        name: device.name,
        platform: device.platform,
        created: unix(device.created_at),
        last_seen: device.last_seen.map(unix),
    });
    Ok(Json(devices.collect()))
}

pub(crate) async fn revoke_own(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let devices = app.store.devices(Some(&signed.user.id)).await;
    let devices = devices.map_err(|error| app.broken("devices", &error))?;
    if !devices.iter().any(|device| device.id.as_str() == id) {
        app.note(
            &signed.user.login,
            &signed.address,
            "revoke",
            &id,
            "forbidden",
        );
        return Err(Refused::new(
            ErrorCode::NotFound,
            "You have no such device.",
        ));
    }
    revoke(&app, &signed, &id).await
}

pub(crate) async fn revoke_any(
    State(app): State<Arc<App>>,
    Admin(signed): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    revoke(&app, &signed, &id).await
}

/// The device that asks forgets its token after this.
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    signed: Signed,
) -> Result<StatusCode, Refused> {
    let device = signed.device.to_string();
    revoke(&app, &signed, &device).await
}

async fn revoke(app: &App, signed: &Signed, id: &str) -> Result<StatusCode, Refused> {
    let device = DeviceId::from(id);
    let revoked = app
        .store
        .revoke_device(&device, crate::clock::store_ms())
        .await;
    let revoked = revoked.map_err(|error| app.broken("devices", &error))?;
    if !revoked {
        return Err(Refused::new(
            ErrorCode::NotFound,
            "There is no such device.",
        ));
    }
    cut(app, id).await;
    app.note(&signed.user.login, &signed.address, "revoke", id, "done");
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the lines of a device that may not be here any more.
pub(crate) async fn cut(app: &App, id: &str) {
    let words = "This device was signed out. Enrol it again.";
    let why = Failure::new(ErrorCode::Unauthenticated, words);
    let _ = app
        .hub
        .tell(Ask::Cut {
            device: id.into(),
            why,
        })
        .await;
}
