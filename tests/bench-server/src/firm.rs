//! A firm whose people are all enrolled: a store that is made once and copied for each server.

use crate::{lamps, source::Source};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeSet,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};
use store::{DeviceKind, DeviceNew, Location, Origin, Role, Store, TokenHash, User, UserId};
use tempfile::TempDir;
use wire::{Client, ClientMessage, Interest, Names, Token, VERSION};

/// Extension of the first person; the lamps have those from [`lamps::FIRST`] on.
const FIRST: usize = 1_000;

/// A store with people, and the token of a device of each client.
pub(crate) struct Firm {
    folder: TempDir,
    pub(crate) tokens: Vec<String>,
}

impl Firm {
    /// One person a client, and one at each lamp.
    pub(crate) fn large(clients: usize) -> Result<Self> {
        let people = (0..clients).map(|number| person(&(FIRST + number).to_string(), ""));
        let name = "Somebody with a name that people have".to_owned();
        let at_lamps =
            (0..lamps::LAMPS).map(|lamp| person(&(lamps::FIRST + lamp).to_string(), &name));
        Self::of(
            &people.chain(at_lamps).collect::<Vec<_>>(),
            clients,
            |client| client,
        )
    }

    /// Four people at the phones 101 to 104 of a real Asterisk, who share the clients.
    pub(crate) fn small(clients: usize) -> Result<Self> {
        let people = (101..=104).map(|extension| person(&extension.to_string(), ""));
        Self::of(&people.collect::<Vec<_>>(), clients, |client| client % 4)
    }

    fn of(people: &[User], clients: usize, owner: impl Fn(usize) -> usize) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let tokens: Vec<String> = (0..clients)
            .map(|client| format!("st_{client:064x}"))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let store = Store::open(&Location::Sqlite(folder.path().join("calls.db"))).await?;
            store.sync_users(Origin::Ldap, people).await?;
            let known = store.users().await?;
            for (client, token) in tokens.iter().enumerate() {
                let owner = &people[owner(client)].login;
                let owner = known
                    .iter()
                    .find(|user| user.login == *owner)
                    .context("a person")?;
                store.add_device(&device(&owner.id, token)?).await?;
            }
            store.close().await;
            anyhow::Ok(())
        })?;
        Ok(Self { folder, tokens })
    }

    pub(crate) fn copy_store(&self, to: &Path) -> Result<()> {
        for name in ["calls.db", "calls.db-wal"] {
            let from = self.folder.path().join(name);
            if from.exists() {
                std::fs::copy(from, to.join(name)).context("copy the store")?;
            }
        }
        Ok(())
    }

    /// The table of the scripted phone system.
    pub(crate) fn of_source(&self, source: &Source) -> String {
        pbx(source.port, "internal", 4)
    }
}

/// The table of a phone system on this machine.
pub(crate) fn pbx(port: u16, context: &str, digits: u8) -> String {
    format!(
        "[[pbx]]\nname = \"main\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"sidetone\"\n\
         secret = \"sidetone-secret\"\ncontext = \"{context}\"\n\
         dial_plan = {{ country = \"RU\", internal_min = {digits}, internal_max = {digits} }}\n"
    )
}

fn person(extension: &str, name: &str) -> User {
    User {
        id: UserId::fresh(),
        login: format!("person{extension}"),
        name: name.to_owned(),
        role: Role::Agent,
        pbx: "main".into(),
        extension: Some(extension.to_owned()),
        channel: None,
        groups: Vec::new(),
        source: Origin::Ldap,
        disabled: false,
        policy: "{}".into(),
        subject: None,
    }
}

fn device(user: &UserId, token: &str) -> Result<DeviceNew> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    Ok(DeviceNew {
        user: user.clone(),
        kind: DeviceKind::Desktop,
        name: "bench".into(),
        platform: "linux".into(),
        token_hash: TokenHash::of(token),
        now: now.try_into()?,
        expires_at: None,
    })
}

/// The first message of a client.
pub(crate) fn hello(token: &str, interest: Interest) -> String {
    let hello = ClientMessage::Hello {
        version: VERSION,
        token: Token(token.to_owned()),
        client: Client {
            program: "bench".into(),
            version: "1".into(),
            platform: "linux".into(),
        },
        interest,
    };
    serde_json::to_string(&hello).unwrap_or_default()
}

/// Follows these lamps and nothing else.
pub(crate) fn following(lamps: impl IntoIterator<Item = usize>) -> Interest {
    let names: BTreeSet<String> = lamps.into_iter().map(lamps::key).collect();
    Interest {
        extensions: Names::These(names),
        ..Interest::default()
    }
}

/// Follows every lamp.
pub(crate) fn following_all() -> Interest {
    Interest {
        extensions: Names::All,
        ..Interest::default()
    }
}
