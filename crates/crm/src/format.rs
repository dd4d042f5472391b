//! The connector file: read, checked, and held ready. `docs/crm/format.md` is its reference.

pub(crate) mod auth;
pub(crate) mod cases;
pub(crate) mod http;
mod node;
pub(crate) mod params;
pub(crate) mod people;
pub(crate) mod request;
pub(crate) mod sections;
pub(crate) mod words;

pub(crate) use params::Param;

use crate::{
    pointer::Pointer,
    template::{Failed, Place, Scope, Template},
};
use auth::Auth;
use cases::{Case, CaseSetup};
use http::Http;
use node::{Errors, Node, Table};
use people::Lookup;
use phone_number::Variant;
use sections::{Action, Create, Inbound, Links, Test, Users};
use std::fmt;
use toml::de::DeTable;
use wire::FormField;
use words::Words;

/// A file is read by people; a longer one is none.
const LONGEST: usize = 512 * 1024;
/// Links of these schemes do something when clicked.
const NEVER: [&str; 6] = ["javascript", "data", "file", "vbscript", "blob", "about"];

/// A connector, as its file describes it.
#[derive(Clone, Debug)]
pub struct File {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) about: Words,
    pub(crate) executed: String,
    pub(crate) docs: Option<String>,
    pub(crate) schemes: Vec<String>,
    pub(crate) params: Vec<Param>,
    pub(crate) http: Http,
    pub(crate) auth: Auth,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) finds: Vec<Lookup>,
    pub(crate) create: Option<Create>,
    pub(crate) log: Option<Action>,
    pub(crate) update: Option<Action>,
    pub(crate) note: Option<Action>,
    pub(crate) pop: Option<Action>,
    pub(crate) users: Option<Users>,
    pub(crate) links: Links,
    pub(crate) inbound: Option<Inbound>,
    pub(crate) tests: Vec<Test>,
    pub(crate) setup: CaseSetup,
    pub(crate) cases: Vec<Case>,
    pub(crate) places: Places,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// As it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// A sentence.
    pub words: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            words,
        } = self;
        write!(f, "{file}:{line}:{column}: {words}")
    }
}

impl std::error::Error for FileError {}

/// The lines of a file, for saying where.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) file: String,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
}

impl Places {
    fn of(file: &str, text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            lines: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// From 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    fn error(&self, text: &str, at: usize, words: String) -> FileError {
        let line = self.line(at);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = text.get(start..at).unwrap_or_default();
        FileError {
            file: self.file.clone(),
            line,
            column: before.chars().count() + 1,
            words,
        }
    }
}

impl File {
    /// Reads and checks a file; `name` is what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<FileError>> {
        let places = Places::of(name, text);
        if text.len() > LONGEST {
            let words = format!("the file is longer than {} KiB", LONGEST / 1024);
            return Err(vec![places.error(text, 0, words)]);
        }
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![places.error(text, at, error.message().to_owned())]
        })?;
        let errors = Errors::default();
        let top = Table::new(table.get_ref(), table.span(), &errors);
        let file = read(top, places.clone());
        let mut errors = errors.into_inner();
        errors.sort_by_key(|(span, _)| span.start);
        errors.dedup();
        match (file, errors.is_empty()) {
            (Some(file), true) => Ok(file),
            (_, _) => Err(errors
                .into_iter()
                .map(|(span, words)| places.error(text, span.start, words))
                .collect()),
        }
    }

    /// As in the file: `odoo`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For people: `Odoo 19+ (JSON-2)`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A sentence for the list of connectors, in `en` or `ru`; may be empty.
    #[must_use]
    pub fn about(&self, language: &str) -> &str {
        self.about.of(language)
    }

    /// What was executed on a real server and what only on recorded cases.
    #[must_use]
    pub fn executed(&self) -> &str {
        &self.executed
    }

    /// The vendor's documentation.
    #[must_use]
    pub fn docs(&self) -> Option<&str> {
        self.docs.as_deref()
    }

    /// The settings form.
    #[must_use]
    pub fn params(&self) -> Vec<FormField> {
        self.params.iter().map(Param::field).collect()
    }

    /// Whether this parameter goes to the secret store.
    #[must_use]
    pub fn is_secret(&self, param: &str) -> bool {
        let mut params = self.params.iter();
        params.any(|known| known.name == param && known.is_secret())
    }

    /// How many recorded cases it has.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.cases.len()
    }
}

/// What templates of this file may name.
pub(crate) struct Reading {
    pub(super) params: Vec<Param>,
    /// What a login keeps.
    pub(super) session: Vec<String>,
    trouble: std::cell::RefCell<Vec<String>>,
}

impl Reading {
    /// Values that are known before any request.
    fn settings(&self) -> Scope {
        let names = self.params.iter().map(|param| &param.name);
        Scope::default().with("params", names).and("now")
    }

    fn requests(&self) -> Scope {
        match self.session.is_empty() {
            true => self.settings(),
            false => self.settings().with("session", &self.session),
        }
    }

    /// Where a request is signed.
    fn signing(&self) -> Scope {
        let parts = ["method", "url", "host", "path", "query", "body"];
        self.requests().with("request", parts)
    }

    fn numbers(&self, scope: Scope) -> Scope {
        scope.with("number", Variant::names())
    }

    fn template(&self, node: &Node<'_>, place: Place, scope: &Scope) -> Template {
        let source = node.text().unwrap_or_default();
        Template::parse(source, place, scope).unwrap_or_else(|Failed(words)| {
            node.wrong(format!("this template does not work: {words}"));
            self.literal("")
        })
    }

    fn required_template(
        &self,
        table: &Table<'_>,
        key: &'static str,
        place: Place,
        scope: &Scope,
    ) -> Template {
        match table.required(key) {
            Some(node) => self.template(&node, place, scope),
            None => self.literal(""),
        }
    }

    fn templates(
        &self,
        table: &Table<'_>,
        key: &'static str,
        place: Place,
        scope: &Scope,
    ) -> Vec<(String, Template)> {
        let entries = table.table(key).map(|table| table.entries());
        let one = |node: &Node<'_>| match node.is_text() {
            true => self.template(node, place, scope),
            false => {
                let text = crate::pointer::text(&node.json());
                if text.is_none() {
                    node.wrong("a text is wanted here");
                }
                self.literal(&text.unwrap_or_default())
            }
        };
        let entries = entries.unwrap_or_default().into_iter();
        entries.map(|(name, _, node)| (name, one(&node))).collect()
    }

    /// A text that has no braces.
    fn literal(&self, text: &str) -> Template {
        Template::literal(text)
    }

    /// A template of ours, which is known to parse.
    fn trusted(&self, source: &str, scope: &Scope) -> Template {
        Template::parse(source, Place::Plain, scope).unwrap_or_else(|_| self.literal(""))
    }

    fn wrong_auth(&self, words: &str) {
        self.trouble.borrow_mut().push(words.to_owned());
    }
}

fn read(table: Table<'_>, places: Places) -> Option<File> {
    let file = sections(&table, places);
    table.finish_sections();
    file
}

fn sections(table: &Table<'_>, places: Places) -> Option<File> {
    version(table);
    let params = table.table("params").map(|params| params::read(&params));
    let mut reading = Reading {
        params: params.unwrap_or_default(),
        session: Vec::new(),
        trouble: Default::default(),
    };
    let auth = auth_of(table, &mut reading);
    let http = table.required("http").and_then(|node| node.table());
    let http = http.map(|table| http::read(table, &reading));
    Some(File {
        id: id(table),
        name: table.required_text("name"),
        about: table
            .node("about")
            .map(|node| Words::read(&node))
            .unwrap_or_default(),
        executed: table.text("executed").unwrap_or_default(),
        docs: table.text("docs"),
        schemes: schemes(table),
        lookups: people::lookups(table, "lookup", &reading),
        finds: people::lookups(table, "find", &reading),
        create: sections::create(table, &reading),
        log: sections::action(table, "log_call", &reading),
        update: sections::action(table, "update_call", &reading),
        note: sections::action(table, "note", &reading),
        pop: sections::action(table, "pop", &reading),
        users: sections::users(table, &reading),
        links: sections::links(table, &reading),
        inbound: sections::inbound(table, &reading),
        tests: sections::tests(table, &reading),
        setup: cases::setup(table),
        cases: cases::read(table),
        params: reading.params,
        auth,
        places,
        // Last: all sections are to be known by then.
        http: http?,
    })
}

fn version(table: &Table<'_>) {
    if let Some(node) = table.required("format")
        && node.integer().is_some_and(|version| version != 1)
    {
        node.wrong("this program reads format 1");
    }
}

fn auth_of(table: &Table<'_>, reading: &mut Reading) -> Auth {
    let Some(node) = table.required("auth") else {
        return Auth::None;
    };
    let auth = node.table().map(|table| auth::read(table, reading));
    for words in reading.trouble.take() {
        node.wrong(words);
    }
    auth.unwrap_or(Auth::None)
}

fn id(table: &Table<'_>) -> String {
    let id = table.required_text("id");
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(node) = table.node("id")
        && (id.is_empty() || id.len() > 40 || !id.chars().all(fits))
    {
        node.wrong("an id is lower-case letters, digits and -, at most 40");
    }
    id
}

fn schemes(table: &Table<'_>) -> Vec<String> {
    let schemes = texts(table, "schemes");
    for scheme in &schemes {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        if scheme.is_empty() || !scheme.chars().all(fits) {
            table.wrong(format!("“{scheme}” is no scheme of a link"));
        }
        if NEVER.contains(&scheme.as_str()) {
            table.wrong(format!("links of the scheme {scheme} are never opened"));
        }
    }
    schemes
}

fn texts(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let nodes = table.node(key).map(|node| node.one_or_many());
    let nodes = nodes.unwrap_or_default();
    nodes
        .iter()
        .filter_map(|node| node.text().map(str::to_owned))
        .collect()
}

fn pointer(node: &Node<'_>) -> Option<Pointer> {
    let pointer = Pointer::parse(node.text()?);
    pointer.map_err(|words| node.wrong(words)).ok()
}

#[cfg(test)]
mod tests;
