//! A real Odoo 19 on a PostgreSQL of its own: Debian's package, unpacked and never installed, with Python packages of
//! the time it was made for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::apt::{self, Apt};
use crate::cache::{self, Lock};
use crate::processes::Memory;
use crate::python::{self, Venv};
use crate::service::{Service, Site};
use crate::{Postgres, http, run};

const REQUIREMENTS: &str = include_str!("../python/odoo.txt");
/// For 120 MB of a package, 70 Python packages and half a minute of making a database.
const INSTALL: Duration = Duration::from_secs(1200);
const MODULES: &str = "base,contacts,crm,phone_validation";

/// Translations, other countries' accounts and shops: most of what it weighs, and nothing that a CRM needs.
const NOT_UNPACKED: [&str; 8] = [
    "./usr/share/doc",
    "*.po",
    "*/static/description/*",
    "*/addons/l10n_*",
    "*/addons/pos_*",
    "*/addons/test_*",
    "*/addons/theme_*",
    "*/addons/website_*",
];

/// A running Odoo; gone with its partners when dropped.
#[derive(Debug)]
pub struct Odoo {
    service: Service,
    key: String,
    database: String,
    _postgres: Postgres,
}

impl Odoo {
    /// Starts an Odoo without partners; the first time it is fetched, which takes minutes and leaves 500 MB.
    ///
    /// # Errors
    /// What could not be fetched or started, with what it said.
    pub fn start() -> Result<Self> {
        let program = install()?;
        let postgres = Postgres::start()?;
        let url = postgres.database()?;
        fill(&url, &program.dump)?;
        let site = Site::new("odoo")?;
        let mut command = program.command(&[], &url, site.folder())?;
        let port = site.address().port();
        command.args(["--http-interface=127.0.0.1", "--max-cron-threads=0"]);
        command.arg(format!("--http-port={port}"));
        let service = Service::start(site, &mut command)?;
        Ok(Self {
            service,
            key: fs::read_to_string(&program.key).context("read the key")?,
            database: database_name(&url)?.to_owned(),
            _postgres: postgres,
        })
    }

    /// `http://127.0.0.1:8069`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.service.site.address())
    }

    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The administrator's API key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Adds a partner with his number as written, and his company if he has one; gives his id.
    ///
    /// # Errors
    /// Odoo's own words.
    pub fn add(&self, name: &str, company: Option<&str>, phone: &str) -> Result<u64> {
        let parent = company
            .map(|company| self.create(&json!({ "name": company, "is_company": true })))
            .transpose()?;
        self.create(&json!({ "name": name, "parent_id": parent, "phone": phone }))
    }

    fn create(&self, partner: &Value) -> Result<u64> {
        let made = self.call("res.partner", "create", &json!({ "vals_list": [partner] }))?;
        made[0].as_u64().context("the id of the new partner")
    }

    /// Calls a method of a model by the JSON-2 interface.
    ///
    /// # Errors
    /// Odoo's own words.
    pub fn call(&self, model: &str, method: &str, parameters: &Value) -> Result<Value> {
        let what = format!("POST /json/2/{model}/{method}");
        let authorization = format!("Authorization: bearer {}", self.key);
        let database = format!("X-Odoo-Database: {}", self.database);
        let headers = [authorization.as_str(), database.as_str()];
        let address = self.service.site.address();
        http::ask(address, &what, &headers, Some(parameters))?.json()
    }

    /// What it costs, without its PostgreSQL.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Result<Memory> {
        self.service.memory()
    }
}

/// Fetches Odoo and makes its first database, unless both are there.
///
/// # Errors
/// Why it cannot be had here, for example because Debian has the package no longer.
pub fn prepare() -> Result<()> {
    install().map(drop)
}

/// What is in the cache.
struct Program {
    venv: Venv,
    root: PathBuf,
    /// A database with the modules, as `psql` reads it.
    dump: PathBuf,
    key: PathBuf,
}

impl Program {
    /// `odoo` at this database, with its files in `folder`; `words` are what it is to do.
    fn command(&self, words: &[&str], url: &str, folder: &Path) -> Result<Command> {
        let (user, password, port) = parts(url)?;
        let mut command = Command::new(self.venv.python());
        command
            .env(
                "PYTHONPATH",
                self.root.join("usr/lib/python3/dist-packages"),
            )
            .arg(self.root.join("usr/bin/odoo"))
            .args(words)
            .args(["-c", "/dev/null", "--db_host=127.0.0.1"])
            .arg(format!("--db_port={port}"))
            .arg(format!("--db_user={user}"))
            .arg(format!("--db_password={password}"))
            .args(["-d", database_name(url)?])
            .arg(format!("--data-dir={}", folder.join("data").display()));
        Ok(command)
    }
}

fn install() -> Result<Program> {
    let venv = python::venv("odoo", REQUIREMENTS).context("fetch what Odoo needs")?;
    let folder = cache::folder()?.join("odoo-19");
    let recipe = format!("odoo 19, recipe 1\n{MODULES}\n{REQUIREMENTS}");
    let ready = program(&venv, &folder);
    if cache::is_made_by(&folder, &recipe) {
        return Ok(ready);
    }
    let _turn = Lock::acquire(&folder.with_extension("lock"), INSTALL, || ())?;
    if cache::is_made_by(&folder, &recipe) {
        return Ok(ready);
    }
    let new = program(&venv, &folder.with_extension("new"));
    let _ = fs::remove_dir_all(&new.root);
    fetch(&new.root).context("fetch Odoo 19 from Debian's development suite")?;
    make_database(&new).context("make Odoo's database")?;
    cache::stamp(&new.root, &recipe)?;
    cache::replace(&folder, &new.root)?;
    Ok(ready)
}

fn program(venv: &Venv, folder: &Path) -> Program {
    Program {
        venv: venv.clone(),
        root: folder.to_owned(),
        dump: folder.join("database.sql"),
        key: folder.join("key"),
    }
}

fn fetch(root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("create {}", root.display()))?;
    let folder = root.join("apt");
    let apt = Apt::new(folder.clone())?;
    apt.use_archives(&[(apt::mirror()?, "sid")])?;
    apt.update()?;
    apt.download(&["odoo-19".to_owned()])?;
    for package in apt.downloaded()? {
        apt::unpack(&package, root, &NOT_UNPACKED).context("unpack Odoo")?;
    }
    fs::remove_dir_all(folder).context("remove the download")
}

/// Installs the modules once and keeps the database as text, with an API key in it.
fn make_database(program: &Program) -> Result<()> {
    let postgres = Postgres::start()?;
    let url = postgres.database()?;
    let mut init = program.command(&[], &url, &program.root)?;
    init.args([
        "-i",
        MODULES,
        "--without-demo=all",
        "--stop-after-init",
        "--no-http",
    ]);
    run::output(&mut init).context("install the modules")?;
    let mut shell = program.command(&["shell"], &url, &program.root)?;
    shell.arg("--no-http");
    let said = run::output_of(&mut shell, KEY_SCRIPT).context("make an API key")?;
    let key = said
        .lines()
        .find_map(|line| line.strip_prefix("key="))
        .context("no API key")?;
    fs::write(&program.key, key).context("keep the API key")?;
    let mut dump = Command::new(Postgres::program("pg_dump")?);
    dump.args(["--no-owner", "--file"])
        .arg(&program.dump)
        .arg(&url);
    run::output(&mut dump)
        .context("keep the database")
        .map(drop)
}

/// For the administrator, who has the id 2.
const KEY_SCRIPT: &str =
    "key = env['res.users.apikeys'].with_user(2)._generate('rpc', 'tests', None)
env.cr.commit()
print('key=' + key)
";

fn fill(url: &str, dump: &Path) -> Result<()> {
    let mut psql = Command::new(Postgres::program("psql")?);
    psql.args(["--quiet", "--set=ON_ERROR_STOP=1", "--file"]);
    psql.arg(dump).arg(url);
    run::output(&mut psql)
        .context("fill the database")
        .map(drop)
}

/// User, password and port of `postgres://user:password@127.0.0.1:port/name`.
fn parts(url: &str) -> Result<(&str, &str, &str)> {
    let parts = || {
        let (login, place) = url.strip_prefix("postgres://")?.split_once('@')?;
        let (user, password) = login.split_once(':')?;
        let (_, port) = place.split_once('/')?.0.split_once(':')?;
        Some((user, password, port))
    };
    parts().context("an address of a database")
}

fn database_name(url: &str) -> Result<&str> {
    match url.rsplit_once('/') {
        Some((_, name)) => Ok(name),
        None => bail!("an address without a database"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts() {
        let url = "postgres://me:secret@127.0.0.1:5432/crm";
        assert_eq!(parts(url).unwrap(), ("me", "secret", "5432"));
        assert_eq!(database_name(url).unwrap(), "crm");
    }

    #[test]
    #[ignore = "fetches 120 MB: with --full"]
    fn a_partner_is_found_by_his_number() {
        let odoo = Odoo::start().unwrap();
        let id = odoo
            .add("Иван Иванов", Some("Ромашка"), "+7 (906) 219-50-47")
            .unwrap();
        let domain = json!([["phone_mobile_search", "ilike", "9062195047"]]);
        let question = json!({ "domain": domain, "fields": ["name"] });
        let found = odoo.call("res.partner", "search_read", &question).unwrap();
        assert_eq!(found[0]["id"], json!(id), "{found}");
    }
}
