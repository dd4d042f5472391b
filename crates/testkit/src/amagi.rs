//! A real amagi-crm: a CRM that matches numbers letter by letter.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::processes::Memory;
use crate::service::{Service, Site};
use crate::{http, python, run};

const REQUIREMENTS: &str = include_str!("../python/amagi.txt");

/// A running amagi-crm on SQLite; gone with its contacts when dropped.
#[derive(Debug)]
pub struct Amagi {
    service: Service,
    token: String,
}

impl Amagi {
    /// Starts one without contacts; the first time its packages are fetched.
    ///
    /// # Errors
    /// What could not be fetched or started, with what it said.
    pub fn start() -> Result<Self> {
        let venv = python::venv("amagi", REQUIREMENTS).context("fetch amagi-crm")?;
        let program = venv.program("amagi-crm");
        let site = Site::new("amagi")?;
        let mut init = Command::new(&program);
        init.arg("init").current_dir(site.folder());
        let said = run::output(&mut init).context("set up amagi-crm")?;
        let token = said
            .lines()
            .skip_while(|line| !line.contains("API token"))
            .nth(1)
            .context("amagi-crm gives no token")?
            .trim()
            .to_owned();
        let mut serve = Command::new(&program);
        let port = site.address().port().to_string();
        serve.args(["serve", "--host", "127.0.0.1", "--port", &port]);
        let service = Service::start(site, &mut serve)?;
        Ok(Self { service, token })
    }

    /// `http://127.0.0.1:8000`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.service.site.address())
    }

    /// For `Authorization: Bearer`.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Adds a contact with his number as written; gives his id.
    ///
    /// # Errors
    /// What it has against him.
    pub fn add(&self, first_name: &str, last_name: &str, phone: &str) -> Result<u64> {
        let contact = json!({ "first_name": first_name, "last_name": last_name, "phone": phone });
        self.call("POST /api/contacts", Some(&contact))?["id"]
            .as_u64()
            .context("the id of the new contact")
    }

    /// # Errors
    /// What it said, where it did not succeed.
    pub fn call(&self, what: &str, body: Option<&Value>) -> Result<Value> {
        let authorization = format!("Authorization: Bearer {}", self.token);
        http::ask(self.service.site.address(), what, &[&authorization], body)?.json()
    }

    /// What it costs.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Result<Memory> {
        self.service.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_as_it_was_written_and_not_otherwise() {
        let amagi = Amagi::start().unwrap();
        amagi.add("Иван", "Иванов", "8 906 219-50-47").unwrap();
        let found = |text: &str| {
            let path = format!("GET /api/contacts?search={text}");
            amagi.call(&path, None).unwrap()["total"].as_u64().unwrap()
        };
        assert_eq!(found("906%20219-50-47"), 1);
        assert_eq!(found("9062195047"), 0);
    }
}
