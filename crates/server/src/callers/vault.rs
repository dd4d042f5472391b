//! Where sources find their secrets.

use super::Secrets;
use crate::config;
use secrecy::SecretString;
use sources::Boxed;
use std::{
    collections::BTreeMap,
    future::{pending, ready},
    sync::Arc,
};

/// Secrets of the configuration, and those that are kept in the file.
pub(super) struct ServerVault {
    configured: BTreeMap<String, BTreeMap<String, SecretString>>,
    kept: Arc<Secrets>,
}

impl ServerVault {
    pub(super) fn new(connectors: &[config::Connector], kept: Arc<Secrets>) -> Self {
        let secrets = |connector: &config::Connector| {
            let secrets = connector.secrets.iter();
            secrets
                .map(|(name, secret)| (name.clone(), secret.secret()))
                .collect()
        };
        let configured = connectors.iter();
        Self {
            configured: configured
                .map(|connector| (connector.id.clone(), secrets(connector)))
                .collect(),
            kept,
        }
    }

    /// All of one connector. What the configuration says counts more than what was kept.
    pub(super) fn of(&self, connector: &str) -> BTreeMap<String, SecretString> {
        let names = self.kept.names(connector).into_iter();
        let kept = names.filter_map(|name| {
            let secret = self.kept.get(connector, &name)?;
            Some((name, secret))
        });
        let mut secrets: BTreeMap<String, SecretString> = kept.collect();
        secrets.extend(self.configured.get(connector).cloned().unwrap_or_default());
        secrets
    }
}

impl sources::Vault for ServerVault {
    fn load<'a>(
        &'a self,
        connector: &'a str,
        fields: Vec<String>,
    ) -> Boxed<'a, Result<BTreeMap<String, SecretString>, String>> {
        let mut secrets = self.of(connector);
        secrets.retain(|name, secret| {
            fields.contains(name) && !secrecy::ExposeSecret::expose_secret(secret).is_empty()
        });
        Box::pin(ready(Ok(secrets)))
    }

    fn save(&self, connector: &str, field: &str, secret: &SecretString) -> Result<(), String> {
        let change = (field.to_owned(), Some(secret.clone()));
        self.kept.change(connector, [change])
    }

    fn waiting(&self) -> String {
        "Its secrets are being read.".to_owned()
    }

    /// It never fails.
    fn again(&self) -> Boxed<'_, ()> {
        Box::pin(pending())
    }
}

/// Secrets of what is only tried: whatever a strange address hands out never takes the place of what is stored.
pub(super) struct Untouched;

impl sources::Vault for Untouched {
    fn load<'a>(
        &'a self,
        _: &'a str,
        _: Vec<String>,
    ) -> Boxed<'a, Result<BTreeMap<String, SecretString>, String>> {
        Box::pin(ready(Ok(BTreeMap::new())))
    }

    fn save(&self, _: &str, _: &str, _: &SecretString) -> Result<(), String> {
        Ok(())
    }

    fn waiting(&self) -> String {
        String::new()
    }

    /// It never fails.
    fn again(&self) -> Boxed<'_, ()> {
        Box::pin(pending())
    }
}
