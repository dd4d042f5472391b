//! What the session itself asks of its message bus.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, Proxy};
use zbus::names::BusName;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};

use crate::run;

const SECRETS: &str = "org.freedesktop.secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A connection whose calls end: a locked keychain or a hung tray would otherwise hold the test for ever.
pub(super) fn connect(address: &str) -> Result<Connection> {
    builder(address)?
        .build()
        .context("connect to the session's bus")
}

pub(super) fn builder(address: &str) -> Result<Builder<'_>> {
    let builder = Builder::address(address).context("read the bus's address")?;
    Ok(builder.method_timeout(Duration::from_secs(5)))
}

pub(super) fn properties(
    connection: &Connection,
    name: &str,
    path: &str,
    interface: &str,
) -> Result<HashMap<String, OwnedValue>> {
    let proxy = Proxy::new(connection, name, path, "org.freedesktop.DBus.Properties")
        .context("reach the object")?;
    proxy
        .call("GetAll", &(interface,))
        .with_context(|| format!("read the properties of {name}"))
}

pub(super) fn wait_for_unlocked_keyring(address: &str, limit: Duration) -> Result<()> {
    let connection = connect(address)?;
    let bus = DBusProxy::new(&connection).context("reach the bus")?;
    let name = BusName::try_from(SECRETS).context("name the keychain")?;
    // Any call before the daemon is there would make the bus start a second, locked one.
    run::poll(limit, "keychain", || {
        Ok(bus.name_has_owner(name.clone())?.then_some(()))
    })?;
    run::poll(limit, "unlocked keychain", || {
        let interface = "org.freedesktop.Secret.Collection";
        let collection = properties(&connection, SECRETS, LOGIN, interface)?;
        let locked = collection
            .get("Locked")
            .and_then(|value| bool::try_from(value).ok());
        Ok((locked == Some(false)).then_some(()))
    })
}

pub(super) fn lock_keyring(address: &str) -> Result<()> {
    let connection = connect(address)?;
    let service = Proxy::new(
        &connection,
        SECRETS,
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
    )
    .context("reach the keychain")?;
    let login = ObjectPath::try_from(LOGIN).context("name the collection")?;
    let _: (Vec<OwnedObjectPath>, OwnedObjectPath) = service
        .call("Lock", &(vec![login],))
        .context("lock the keychain")?;
    Ok(())
}
