//! Everybody who works here, from all sources, into the store and from there to the hub.

use crate::{
    apart::apart,
    config::{self, Config},
    hub::{Ask, HubHandle, Person},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use store::{Origin, Store, StoreError, Synced, User, UserId};
use tokio::sync::Mutex;
use tracing::{info, warn};
use wire::{Role, rest::Policy};

/// A directory answers within this.
const DEADLINE: Duration = Duration::from_secs(30);

/// Brings people from their sources to the hub; cheap to clone.
#[derive(Clone)]
pub(crate) struct Staff {
    store: Store,
    hub: HubHandle,
    config: Arc<Config>,
    /// Held from reading to telling, so that nobody tells the hub what was so before.
    telling: Arc<Mutex<()>>,
    /// What is wrong with a source, for the health page.
    troubles: Arc<RwLock<BTreeMap<&'static str, String>>>,
}

impl Staff {
    pub(crate) fn new(store: Store, hub: HubHandle, config: Config) -> Self {
        Self {
            store,
            hub,
            config: Arc::new(config),
            telling: Arc::default(),
            troubles: Arc::default(),
        }
    }

    pub(crate) fn troubles(&self) -> Vec<String> {
        let troubles = self.troubles.read().unwrap_or_else(PoisonError::into_inner);
        troubles.values().cloned().collect()
    }

    /// Those of the configuration, at once; whoever is there already keeps what he has.
    pub(crate) async fn take_configured(&self) -> Result<(), StoreError> {
        let synced = sync_configured(&self.store, &self.config).await?;
        for login in &synced.taken {
            warn!(%login, "is known from another source already; the configuration's entry is left out");
        }
        Ok(())
    }

    /// Tells the hub who there is; whatever is asked afterwards is answered by that.
    pub(crate) async fn tell_hub(&self) -> Result<(), StoreError> {
        let _telling = self.telling.lock().await;
        let users = self.store.users().await?;
        let people = users.into_iter().map(person).collect();
        if let Err(why) = self.hub.tell(Ask::People(people)).await {
            warn!(error = %why.message, "people are not told");
        }
        Ok(())
    }

    /// Looks at the directories again and again, and tells whatever has changed.
    pub(crate) async fn follow(self) {
        let every = Duration::from_secs(u64::from(self.config.people.every_minutes.max(1)) * 60);
        loop {
            self.look().await;
            if let Err(error) = self.tell_hub().await {
                warn!(%error, "people cannot be read");
            }
            tokio::time::sleep(every).await;
        }
    }

    async fn look(&self) {
        if let Some(freepbx) = &self.config.people.freepbx {
            let from = freepbx.clone();
            let found = apart(move || async move { people_of_freepbx(&from).await }).await;
            let found = found.unwrap_or_else(|| Err("reading broke off".into()));
            self.take("FreePBX", Origin::Freepbx, &freepbx.pbx, found)
                .await;
        }
        if let Some(ldap) = &self.config.people.ldap {
            let found = match directory(ldap) {
                Ok(directory) => apart(move || async move {
                    directory.people().await.map_err(|error| error.to_string())
                })
                .await
                .unwrap_or_else(|| Err("reading broke off".into())),
                Err(words) => Err(words),
            };
            self.take("LDAP", Origin::Ldap, &ldap.pbx, found).await;
        }
    }

    /// Keeps what an administrator says of somebody whom another source names, so that it outlives the next look there.
    pub(crate) async fn keep_said(&self, user: &User, by: &UserId) -> Result<(), StoreError> {
        if user.source == Origin::Admin {
            return Ok(());
        }
        let _telling = self.telling.lock().await;
        let mut said = said(&self.store).await?;
        let about = Said {
            role: user.role,
            disabled: user.disabled,
            policy: user.policy.clone(),
        };
        said.insert(user.id.to_string(), about);
        let text = serde_json::to_string(&said).unwrap_or_default();
        let now = crate::clock::store_ms();
        self.store.set_setting(SAID, &text, Some(by), now).await?;
        Ok(())
    }

    async fn take(
        &self,
        name: &'static str,
        origin: Origin,
        pbx: &str,
        found: Result<Vec<people::Person>, String>,
    ) {
        let outcome = match found {
            // A directory that suddenly knows nobody is broken; nobody is locked out for that.
            Ok(found) if found.is_empty() => Err(format!("{name} names nobody")),
            Ok(found) => {
                let pbx = match pbx {
                    "" => self.config.pbx.first().map_or("", |pbx| &pbx.name),
                    pbx => pbx,
                };
                let users: Vec<User> = found
                    .into_iter()
                    .map(|person| of_directory(person, origin, pbx))
                    .collect();
                let synced = sync(&self.store, origin, users).await;
                synced.map_err(|error| error.to_string())
            }
            Err(words) => Err(words),
        };
        let mut troubles = self
            .troubles
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(synced) => {
                troubles.remove(name);
                let (added, changed) = (synced.added.len(), synced.changed.len());
                let disabled = synced.disabled.len();
                info!(source = name, added, changed, disabled, "people");
            }
            Err(words) => {
                warn!(source = name, error = %words, "people are not read; those known stay");
                troubles.insert(name, format!("{name}: {words}"));
            }
        }
    }
}

async fn people_of_freepbx(from: &config::Freepbx) -> Result<Vec<people::Person>, String> {
    let config = people::freepbx::FreepbxConfig {
        host: from.host.clone(),
        port: from.port,
        user: from.user.clone(),
        password: from.password.secret(),
        database: from.database.clone(),
        tls: match from.tls {
            true => people::freepbx::Tls::System,
            false => people::freepbx::Tls::Off,
        },
        deadline: DEADLINE,
    };
    let connection = people::freepbx::Freepbx::connect(&config).await;
    let connection = connection.map_err(|error| error.to_string())?;
    connection.people().await.map_err(|error| error.to_string())
}

/// The directory of the configuration.
///
/// # Errors
/// A sentence.
pub(crate) fn directory(from: &config::Ldap) -> Result<people::ldap::Ldap, String> {
    use people::ldap::{Attributes, Ldap, LdapConfig, Security};
    let (scheme, rest) = from.url.split_once("://").ok_or_else(|| {
        format!(
            "[people.ldap] url = \"{}\" is no ldaps:// address",
            from.url
        )
    })?;
    let (security, usual) = match (scheme, from.start_tls) {
        ("ldaps", _) => (Security::Ldaps, 636),
        ("ldap", true) => (Security::StartTls, 389),
        ("ldap", false) => (Security::Plain, 389),
        (other, _) => {
            return Err(format!(
                "[people.ldap] “{other}://” is not ldaps:// or ldap://"
            ));
        }
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => (rest, usual),
        },
        None => (rest, usual),
    };
    let config = LdapConfig {
        host: host.to_owned(),
        port,
        security,
        ca_file: (!from.ca_file.is_empty()).then(|| from.ca_file.clone().into()),
        allow_plain: false,
        bind: from.bind_dn.clone(),
        password: from.password.secret(),
        base: from.base.clone(),
        filter: from.filter.clone(),
        attributes: Attributes {
            login: from.login.clone(),
            name: from.name.clone(),
            extension: from.extension.clone(),
            email: from.mail.clone(),
            ..Attributes::openldap()
        },
        deadline: DEADLINE,
    };
    Ldap::new(config).map_err(|error| error.to_string())
}

/// Everybody of the configuration.
pub(crate) fn configured(config: &Config) -> Vec<User> {
    let first = config.pbx.first().map_or("", |pbx| pbx.name.as_str());
    config
        .user
        .iter()
        .map(|user| of_config(user, first))
        .collect()
}

fn of_config(user: &config::User, first: &str) -> User {
    let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    User {
        id: UserId::fresh(),
        login: user.login.trim().to_owned(),
        name: some(&user.name).unwrap_or_else(|| user.login.clone()),
        role: store_role(user.role),
        pbx: some(&user.pbx).unwrap_or_else(|| first.to_owned()),
        extension: some(&user.extension),
        channel: some(&user.channel),
        groups: user.groups.clone(),
        source: Origin::Config,
        disabled: false,
        policy: policy_text(&user.policy),
        subject: None,
    }
}

fn of_directory(person: people::Person, origin: Origin, pbx: &str) -> User {
    User {
        id: UserId::fresh(),
        login: person.login,
        name: person.name,
        role: store::Role::Agent,
        pbx: pbx.to_owned(),
        extension: person.extension.filter(|text| is_extension(text)),
        channel: person.channel.filter(|text| is_channel(text)),
        groups: person.groups,
        source: origin,
        disabled: false,
        policy: policy_text(&Policy::default()),
        subject: None,
    }
}

/// What may stand for an extension in a dial string; anything else from a directory is nobody's phone.
pub(crate) fn is_extension(text: &str) -> bool {
    let may = |c: char| c.is_ascii_alphanumeric() || "*#-_.".contains(c);
    !text.is_empty() && text.len() <= 32 && text.chars().all(may)
}

/// What may name a phone: `PJSIP/101`.
pub(crate) fn is_channel(text: &str) -> bool {
    let may = |c: char| c.is_ascii_graphic() && !",&|;".contains(c);
    text.len() <= 80 && text.chars().all(may)
}

/// The setting that holds what administrators said, by user.
const SAID: &str = "people";

/// What an administrator said of somebody: role, policy, and whether he may come in are not the source's any more.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Said {
    role: store::Role,
    disabled: bool,
    policy: String,
}

async fn said(store: &Store) -> Result<BTreeMap<String, Said>, StoreError> {
    let setting = store.setting(SAID).await?;
    let text = setting.map_or_else(|| "{}".to_owned(), |setting| setting.value);
    Ok(serde_json::from_str(&text).unwrap_or_else(|error| {
        warn!(%error, "what administrators said of people cannot be read");
        BTreeMap::new()
    }))
}

/// Everybody of the configuration into the store.
///
/// # Errors
/// Those of the store.
pub(crate) async fn sync_configured(store: &Store, config: &Config) -> Result<Synced, StoreError> {
    sync(store, Origin::Config, configured(config)).await
}

/// The people of a source, with what is known of them besides.
async fn sync(store: &Store, origin: Origin, users: Vec<User>) -> Result<Synced, StoreError> {
    let (known, said) = (store.users().await?, said(store).await?);
    let old = |user: &User| {
        known
            .iter()
            .find(|old| old.source == origin && old.login.eq_ignore_ascii_case(&user.login))
    };
    let complete = |user: User| {
        let Some(old) = old(&user) else { return user };
        let user = User {
            subject: old.subject.clone(),
            ..user
        };
        match said.get(old.id.as_str()) {
            Some(said) => User {
                role: said.role,
                disabled: said.disabled,
                policy: said.policy.clone(),
                ..user
            },
            None => user,
        }
    };
    let users: Vec<User> = users.into_iter().map(complete).collect();
    store.sync_users(origin, &users).await
}

pub(crate) fn person(user: User) -> Person {
    let policy = policy(&user);
    Person {
        id: user.id.as_str().into(),
        login: user.login,
        name: user.name,
        role: wire_role(user.role),
        pbx: user.pbx,
        extension: user.extension,
        channel: user.channel,
        groups: user.groups,
        policy,
        disabled: user.disabled,
    }
}

/// What the store keeps; what cannot be read allows nothing outside.
pub(crate) fn policy(user: &User) -> Policy {
    if user.policy.trim().is_empty() {
        return Policy::default();
    }
    serde_json::from_str(&user.policy).unwrap_or_else(|error| {
        warn!(login = %user.login, %error, "the policy cannot be read; no outside call is allowed");
        Policy {
            deny: vec![String::new()],
            ..Policy::default()
        }
    })
}

pub(crate) fn policy_text(policy: &Policy) -> String {
    serde_json::to_string(policy).unwrap_or_default()
}

pub(crate) fn store_role(role: Role) -> store::Role {
    match role {
        Role::Agent => store::Role::Agent,
        Role::Supervisor => store::Role::Supervisor,
        Role::Admin => store::Role::Admin,
    }
}

pub(crate) fn wire_role(role: store::Role) -> Role {
    match role {
        store::Role::Agent => Role::Agent,
        store::Role::Supervisor => Role::Supervisor,
        store::Role::Admin => Role::Admin,
    }
}
