//! The firm's CRM: a real Tryton with its customers, and how a desktop is connected to it.

use crate::Scene;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::tryton::{Party, Phone};
use testkit::{Odoo, Tryton};
use view::{Card, Reply, Request, SecretText};
use wire::{Connector, ConnectorSettings, ConnectorState, SourceReport, SourceState};

const SOON: Duration = Duration::from_secs(20);
/// The connector's id in the settings, and the source's in records.
pub const ID: &str = "tryton";

/// Companies with who answers there, and people without a company.
const CUSTOMERS: [(&str, Option<&str>, &str); 14] = [
    (
        "Ada Lovelace",
        Some("Analytical Engines Ltd"),
        "+44 20 7946 0958",
    ),
    ("Grace Hopper", Some("Compilers Inc."), "+1 212 555 0100"),
    ("Иван Иванов", Some("ООО Ромашка"), "+7 906 219-50-47"),
    ("Мария Иванова", None, "+7 906 219-50-47"),
    ("Karl Weiss", Some("Weiss GmbH"), "+49 30 1234567"),
    ("Olga Ostrova", Some("Bakery Ostrov"), "+7 495 765-43-21"),
    ("Emmy Noether", Some("Noether & Hilbert"), "+49 551 39012"),
    ("Alan Turing", Some("Café Turing"), "+44 161 496 0123"),
    (
        "Edsger Dijkstra",
        Some("Dijkstra Paths B.V."),
        "+31 20 794 0000",
    ),
    ("Софья Ковалевская", Some("Волчок"), "+7 812 309-00-00"),
    ("Barbara Liskov", None, "+1 617 555 0142"),
    ("Donald Knuth", None, "+1 650 555 0167"),
    ("Edith Clarke", None, "+1 518 555 0131"),
    ("Claude Shannon", None, "+1 989 555 0116"),
];

/// Starts a Tryton that knows the customers.
///
/// # Errors
/// It cannot be had, or has something against a customer.
pub fn start() -> Result<Tryton> {
    let tryton = Tryton::start()?;
    for (name, company, number) in CUSTOMERS {
        tryton.add(&Party {
            name: company.unwrap_or(name),
            phones: &[Phone {
                number,
                person: company.map(|_| name),
            }],
            ..Party::default()
        })?;
    }
    Ok(tryton)
}

/// How many customers there are.
#[must_use]
pub fn customers() -> usize {
    CUSTOMERS.len()
}

/// A contact source with its secrets, for the settings of a desktop or the configuration of a server.
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
    #[serde(flatten)]
    pub settings: ConnectorSettings,
    pub secrets: BTreeMap<String, String>,
}

impl Connection {
    /// By the description that comes with the product.
    #[must_use]
    pub fn tryton(tryton: &Tryton) -> Self {
        Self::tryton_at(&tryton.url())
    }

    /// The same of whatever answers there.
    #[must_use]
    pub fn tryton_at(url: &str) -> Self {
        let values = [
            ("base_url", url),
            ("db", Tryton::DATABASE),
            ("user", Tryton::USER),
        ];
        Self {
            settings: ConnectorSettings {
                id: ID.into(),
                file: "tryton".into(),
                enabled: true,
                values: owned(&values),
            },
            secrets: owned(&[("password", Tryton::PASSWORD)]),
        }
    }
}

impl Connection {
    /// Odoo 19 by its own interface.
    #[must_use]
    pub fn odoo(odoo: &Odoo) -> Self {
        Self {
            settings: ConnectorSettings {
                id: "odoo".into(),
                file: "odoo".into(),
                enabled: true,
                values: owned(&[("base_url", &odoo.url()), ("db", odoo.database())]),
            },
            secrets: owned(&[("api_key", odoo.key())]),
        }
    }
}

fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Connects the desktop, as its settings window does, and waits until the source can be asked.
///
/// # Errors
/// The agent refused, in its words.
pub fn connect(scene: &Scene, connection: &Connection) -> Result<()> {
    let secrets = connection.secrets.clone().into_iter();
    let saved = scene.ask(Request::SaveConnector {
        connector: connection.settings.clone(),
        secrets: secrets
            .map(|(name, secret)| (name, SecretText::from(secret)))
            .collect(),
    })?;
    ensure!(saved == Reply::Done, "not saved: {saved:?}");
    // Its secrets come from the keychain, which takes its time.
    let id = &connection.settings.id;
    let is_made = |connector: &Connector| match connector.state {
        ConnectorState::Off | ConnectorState::Starting => false,
        ConnectorState::Ready | ConnectorState::Works { .. } | ConnectorState::Trouble { .. } => {
            connector.id == *id
        }
    };
    scene
        .wait_state("the source", SOON, |state| {
            state.settings.connectors.connected.iter().any(is_made)
        })
        .map(drop)
}

/// Forgets the connector and its password.
///
/// # Errors
/// The agent refused.
pub fn disconnect(scene: &Scene) -> Result<()> {
    let connector = ID.to_owned();
    scene.ask(Request::RemoveConnector { connector }).map(drop)
}

/// The card's line about Tryton.
#[must_use]
pub fn report(card: &Card) -> Option<&SourceReport> {
    card.sources.iter().find(|report| report.source == "Tryton")
}

/// What the source said that knows somebody.
#[must_use]
pub fn found_by(card: &Card) -> Option<&SourceReport> {
    let mut reports = card.sources.iter();
    reports.find(|report| matches!(report.state, SourceState::Found { .. }))
}

/// Whether nobody is asked for this card any more.
#[must_use]
pub fn is_filled(card: &Card) -> bool {
    !card.sources.is_empty()
        && card
            .sources
            .iter()
            .all(|report| report.state != SourceState::Asking)
}
