//! Linux: the Secret Service, reached anew for each question. `keyring` alone looks for it once in the life of a
//! program, so that one which comes later would never be found.

use keyring_core::api::CredentialStoreApi as _;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedObjectPath;
use zbus_secret_service_keyring_store::Store;

const SERVICE: &str = "org.freedesktop.secrets";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";

pub(super) fn entry(service: &str, user: &str) -> keyring::Result<keyring::Entry> {
    let inner = Store::new()?.build(service, user, None)?;
    Ok(keyring::Entry { inner })
}

/// Whether the collection where secrets go would have to be opened by its person first. Asks him nothing; `None`: there
/// is no service, or it does not say.
pub(super) fn is_locked() -> Option<bool> {
    let bus = Connection::session().ok()?;
    let service = Proxy::new(
        &bus,
        SERVICE,
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
    );
    let path: OwnedObjectPath = service.ok()?.call("ReadAlias", &"default").ok()?;
    // "/": there is no such collection yet.
    if path.as_str() == "/" {
        return Some(false);
    }
    let collection = Proxy::new(&bus, SERVICE, path, COLLECTION).ok()?;
    collection.get_property("Locked").ok()
}
