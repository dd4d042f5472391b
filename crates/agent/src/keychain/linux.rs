//! Linux: the Secret Service, reached anew for each question. `keyring` alone looks for it once in the life of a
//! program, so that one which comes later would never be found.

use keyring_core::api::CredentialStoreApi as _;
use zbus_secret_service_keyring_store::Store;

pub(super) fn entry(service: &str, user: &str) -> keyring::Result<keyring::Entry> {
    let inner = Store::new()?.build(service, user, None)?;
    Ok(keyring::Entry { inner })
}
