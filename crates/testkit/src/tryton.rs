//! A real Tryton with its parties: a CRM that speaks JSON-RPC.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::cache::{self, Lock};
use crate::processes::Memory;
use crate::python::{self, Venv};
use crate::service::{Service, Site};
use crate::{http, run};

const REQUIREMENTS: &str = include_str!("../python/tryton.txt");
/// For its packages and its first database.
const INSTALL: Duration = Duration::from_secs(600);

/// A running Tryton on SQLite; gone with its parties when dropped.
#[derive(Debug)]
pub struct Tryton {
    service: Service,
    /// What its sessions are named by, as the header of a request has it.
    authorization: String,
}

/// A customer as Tryton keeps him.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Party<'a> {
    pub name: &'a str,
    /// Two letters. Without one Tryton takes numbers with their country code only.
    pub country: Option<&'a str>,
    pub phones: &'a [Phone<'a>],
    pub email: Option<&'a str>,
}

/// One of his numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phone<'a> {
    pub number: &'a str,
    /// Who answers there, where the party is a company.
    pub person: Option<&'a str>,
}

impl<'a> Phone<'a> {
    /// The party's own number.
    #[must_use]
    pub const fn own(number: &'a str) -> Self {
        Self {
            number,
            person: None,
        }
    }
}

impl Tryton {
    pub const DATABASE: &'static str = "crm";
    /// May do everything.
    pub const USER: &'static str = "admin";
    pub const PASSWORD: &'static str = "tryton-secret";

    /// Starts a Tryton without parties; the first time its packages are fetched, which takes a minute.
    ///
    /// # Errors
    /// What could not be fetched or started, with what it said.
    pub fn start() -> Result<Self> {
        let program = install()?;
        let site = Site::new("tryton")?;
        let database = site.folder().join("crm.sqlite");
        fs::copy(&program.database, database).context("copy the database")?;
        let configuration = write_configuration(site.folder(), &site.address().to_string())?;
        let mut command = Command::new(program.venv.program("trytond"));
        command.arg("-c").arg(configuration);
        command.args(["-d", Self::DATABASE]);
        let mut tryton = Self {
            service: Service::start(site, &mut command)?,
            authorization: String::new(),
        };
        tryton.log_in()?;
        Ok(tryton)
    }

    /// `http://127.0.0.1:8000`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.service.site.address())
    }

    /// Adds a party; gives its id.
    ///
    /// # Errors
    /// What Tryton has against it: it refuses numbers that are none.
    pub fn add(&self, party: &Party<'_>) -> Result<u64> {
        let mut mechanisms: Vec<Value> = party.phones.iter().map(mechanism).collect();
        mechanisms.extend(
            party
                .email
                .map(|email| json!({ "type": "email", "value": email })),
        );
        let mut values = json!({
            "name": party.name,
            "contact_mechanisms": [["create", mechanisms]],
        });
        if let Some(code) = party.country {
            let country = self.country(code)?;
            // The number is read by the address, which must be there before it.
            values["addresses"] = json!([["create", [{ "country": country }]]]);
        }
        let ids = self.call("model.party.party.create", &json!([[values], {}]))?;
        ids[0].as_u64().context("the id of the new party")
    }

    /// Calls a method of Tryton as its own clients do; the context is the last of `parameters`.
    ///
    /// # Errors
    /// Tryton's own words.
    pub fn call(&self, method: &str, parameters: &Value) -> Result<Value> {
        self.ask(&[&self.authorization], method, parameters)
    }

    /// It keeps its connections and takes new ones, and answers nothing.
    ///
    /// # Errors
    /// It has ended.
    pub fn freeze(&self) -> Result<()> {
        self.service.freeze()
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It has ended.
    pub fn thaw(&self) -> Result<()> {
        self.service.thaw()
    }

    /// What it costs.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Result<Memory> {
        self.service.memory()
    }

    fn log_in(&mut self) -> Result<()> {
        let parameters = json!([Self::USER, { "password": Self::PASSWORD }]);
        let session = self.ask(&[], "common.db.login", &parameters)?;
        let (Some(user), Some(key)) = (session[0].as_u64(), session[1].as_str()) else {
            bail!("Tryton does not take our login: {session}");
        };
        let name = base64(&format!("{}:{user}:{key}", Self::USER));
        self.authorization = format!("Authorization: Session {name}");
        Ok(())
    }

    fn ask(&self, headers: &[&str], method: &str, parameters: &Value) -> Result<Value> {
        let body = json!({ "id": 1, "method": method, "params": parameters });
        let what = format!("POST /{}/rpc/", Self::DATABASE);
        let mut reply =
            http::ask(self.service.site.address(), &what, headers, Some(&body))?.json()?;
        match reply.get("error") {
            Some(error) if !error.is_null() => bail!("{method}: {error}"),
            Some(_) | None => Ok(reply["result"].take()),
        }
    }

    fn country(&self, code: &str) -> Result<Value> {
        let known = self.call(
            "model.country.country.search",
            &json!([[["code", "=", code]], 0, 1, null, {}]),
        )?;
        if !known[0].is_null() {
            return Ok(known[0].clone());
        }
        let new = json!([[{ "name": code, "code": code }], {}]);
        Ok(self.call("model.country.country.create", &new)?[0].clone())
    }
}

fn mechanism(phone: &Phone<'_>) -> Value {
    json!({ "type": "phone", "value": phone.number, "name": phone.person })
}

/// What is in the cache.
struct Program {
    venv: Venv,
    /// With the modules and without parties.
    database: PathBuf,
}

/// Fetches Tryton and makes its first database, unless both are there; `progress` gets a sentence before it does.
///
/// # Errors
/// What could not be had.
pub fn prepare(mut progress: impl FnMut(&str)) -> Result<()> {
    if !is_ready()? {
        progress("Fetching Tryton: 22 Python packages, about 25 MB");
    }
    install().map(drop)
}

fn is_ready() -> Result<bool> {
    Ok(cache::is_made_by(
        &cache::folder()?.join("tryton"),
        &recipe(),
    ))
}

fn recipe() -> String {
    format!("database, recipe 1\n{}\n{REQUIREMENTS}", Tryton::PASSWORD)
}

fn install() -> Result<Program> {
    let venv = python::venv("tryton", REQUIREMENTS).context("fetch Tryton")?;
    let folder = cache::folder()?.join("tryton");
    let recipe = recipe();
    let program = Program {
        venv,
        database: folder.join("crm.sqlite"),
    };
    if cache::is_made_by(&folder, &recipe) {
        return Ok(program);
    }
    let _turn = Lock::acquire(&folder.with_extension("lock"), INSTALL, || ())?;
    if cache::is_made_by(&folder, &recipe) {
        return Ok(program);
    }
    let new = folder.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).with_context(|| format!("create {}", new.display()))?;
    make_database(&program.venv, &new).context("make Tryton's database")?;
    cache::stamp(&new, &recipe)?;
    cache::replace(&folder, &new)?;
    Ok(program)
}

fn make_database(venv: &Venv, folder: &Path) -> Result<()> {
    let configuration = write_configuration(folder, "127.0.0.1:0")?;
    let password = folder.join("password");
    fs::write(&password, Tryton::PASSWORD).context("write the password")?;
    // It fills an empty file and makes none.
    fs::write(folder.join("crm.sqlite"), "").context("create the database")?;
    let mut make = Command::new(venv.program("trytond-admin"));
    make.arg("-c").arg(configuration).args([
        "-d",
        Tryton::DATABASE,
        "--all",
        "-u",
        "party",
        "--activate-dependencies",
        "--email",
        "admin@firm.example",
    ]);
    make.env("TRYTONPASSFILE", password);
    run::output(&mut make).map(drop)
}

fn write_configuration(folder: &Path, listen: &str) -> Result<PathBuf> {
    let file = folder.join("trytond.conf");
    let path = folder.display();
    let text =
        format!("[database]\nuri = sqlite:///{path}/\npath = {path}\n\n[web]\nlisten = {listen}\n");
    fs::write(&file, text).context("write the configuration")?;
    Ok(file)
}

fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at > three.len() {
                '='
            } else {
                char::from(sign)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        assert_eq!(
            ["", "f", "fo", "foo", "foobar"].map(base64),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]
        );
    }

    #[test]
    fn a_party_is_there_under_its_number_and_another_tryton_knows_it_not() {
        let tryton = Tryton::start().unwrap();
        let phones = [Phone::own("8 906 219-50-47")];
        let id = tryton
            .add(&Party {
                name: "Ромашка",
                country: Some("RU"),
                phones: &phones,
                email: None,
            })
            .unwrap();
        let found = |tryton: &Tryton| {
            let domain = json!([["value_compact", "=", "+79062195047"]]);
            let fields = json!(["party", "party.rec_name", "value"]);
            let parameters = json!([domain, 0, 10, null, fields, {}]);
            tryton
                .call("model.party.contact_mechanism.search_read", &parameters)
                .unwrap()
        };
        let one = found(&tryton);
        assert_eq!(one[0]["party"], json!(id), "{one}");
        assert_eq!(one[0]["party."]["rec_name"], "Ромашка");
        assert_eq!(found(&Tryton::start().unwrap()), json!([]));
    }
}
