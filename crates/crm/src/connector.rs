//! A connector at work: a file with its values.

mod actions;
mod create;
mod inbound;
mod people;
mod test;

pub use actions::{CallFacts, CallPerson, Direction, LogRef, Outcome, Target, User};
pub use inbound::{Inbound, InboundAnswer, InboundRequest};
pub(crate) use people::MOST_ROWS;
pub use test::Finding;

use crate::{
    File, SignIn,
    asking::Budget,
    bucket::{Bucket, Quiet},
    format::{
        auth::{Auth, Grant},
        request::Step,
    },
    live::{Hosts, Live, is_own_machine},
    login::{self, Login, SecretStore},
    notes::Notes,
    redact::Redactor,
    template::{Context, Spellings, Template},
    values::{self, Secrets, ValueError, Values},
    world::World,
};
use contacts::{Answering, Person, Question, Source, SourceError};
use minijinja::Value;
use phone_number::{DialPlan, PhoneNumber, Variant};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Requests that one lookup may cost.
const MOST_REQUESTS: u32 = 20;

/// What a connector is told besides its settings.
#[derive(Clone)]
pub struct Options {
    /// How numbers without a country are meant.
    pub plan: DialPlan,
    /// Of labels: `en`, `ru`.
    pub language: String,
    /// [`Source::id`]; `None`: the file's.
    pub id: Option<String>,
    /// [`Source::title`]; `None`: the file's name.
    pub title: Option<String>,
    /// Where renewed tokens go; without it they are lost at the end.
    pub store: Option<Arc<dyn SecretStore>>,
    /// [`Source::deadline`].
    pub deadline: Duration,
    /// After that nothing waits for an answer any more, also not to add it late.
    pub longest: Duration,
}

impl Options {
    #[must_use]
    pub fn new(plan: DialPlan) -> Self {
        Self {
            plan,
            language: "en".into(),
            id: None,
            title: None,
            store: None,
            deadline: Duration::from_secs(3),
            longest: Duration::from_secs(10),
        }
    }
}

/// A CRM that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Connector(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) file: Arc<File>,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) params: BTreeMap<String, Value>,
    pub(crate) base: Url,
    pub(crate) options: Options,
    pub(crate) world: Arc<dyn World>,
    pub(crate) redactor: Redactor,
    pub(crate) bucket: Bucket,
    pub(crate) quiet: Quiet,
    pub(crate) notes: Notes,
    pub(crate) login: tokio::sync::Mutex<Login>,
    pub(crate) users: actions::UserCache,
}

impl fmt::Debug for Connector {
    /// Without settings, which hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}

impl File {
    /// The connector with these settings.
    ///
    /// # Errors
    /// Each setting that is wrong, with a sentence for the person who fills in the form.
    pub fn connector(
        self: &Arc<Self>,
        values: &Values,
        secrets: &Secrets,
        options: Options,
    ) -> Result<Connector, Vec<ValueError>> {
        let made = self.parts(values, secrets, &options)?;
        let hosts = made.hosts.iter().map(String::as_str);
        let world = Arc::new(Live::new(Hosts::new(hosts), made.tls_ca, made.proxy));
        let stored = self.stored_tokens(secrets, &options);
        Ok(self.assemble(
            made.params,
            made.base,
            options,
            world,
            Login::of(stored.as_ref()),
            secrets,
        ))
    }

    /// The same on another network, for recordings.
    pub(crate) fn connector_in(
        self: &Arc<Self>,
        values: &Values,
        secrets: &Secrets,
        options: Options,
        world: Arc<dyn World>,
        login: Login,
    ) -> Result<Connector, Vec<ValueError>> {
        let made = self.parts(values, secrets, &options)?;
        Ok(self.assemble(made.params, made.base, options, world, login, secrets))
    }

    fn assemble(
        self: &Arc<Self>,
        params: BTreeMap<String, Value>,
        base: Url,
        options: Options,
        world: Arc<dyn World>,
        login: Login,
        secrets: &Secrets,
    ) -> Connector {
        let redactor = Redactor::default();
        for secret in secrets.values() {
            redactor.learn(values::trimmed(secret.expose_secret()));
        }
        for proof in login::proofs(self, &params) {
            redactor.learn(&proof);
        }
        for secret in login.secrets() {
            redactor.learn_for_now(&secret);
        }
        Connector(Arc::new(Inner {
            id: options.id.clone().unwrap_or_else(|| self.id.clone()),
            title: options.title.clone().unwrap_or_else(|| self.name.clone()),
            bucket: Bucket::new(self.http.rate),
            login: tokio::sync::Mutex::new(login),
            users: Default::default(),
            quiet: Quiet::default(),
            notes: Notes::default(),
            file: self.clone(),
            redactor,
            params,
            base,
            options,
            world,
        }))
    }

    fn stored_tokens(&self, secrets: &Secrets, options: &Options) -> Option<secrecy::SecretString> {
        let Auth::Oauth(oauth) = &self.auth else {
            return None;
        };
        let Grant::Code { param, .. } = &oauth.grant else {
            return None;
        };
        let stored = options.store.as_ref().and_then(|store| store.load(param));
        stored.or_else(|| secrets.get(param).cloned())
    }

    fn parts(
        &self,
        values: &Values,
        secrets: &Secrets,
        options: &Options,
    ) -> Result<Parts, Vec<ValueError>> {
        let _ = options;
        let params = values::checked(self, values, secrets)?;
        let mut context = Context::default();
        context.set("params", params.clone());
        let whole = |template: &Template| {
            template
                .text(&context)
                .map_err(|failed| self.blame(template, failed.0))
        };
        let allow_http = whole(&self.http.allow_http).map(|text| text == "true")?;
        let address = |template: &Template| -> Result<Url, Vec<ValueError>> {
            let text = whole(template)?;
            let url = Url::parse(&text)
                .ok()
                .filter(|url| url.host_str().is_some());
            let url = url.ok_or_else(|| {
                self.blame(template, "this is no address as https://crm.example".into())
            })?;
            let host = url.host_str().unwrap_or_default();
            let may_be_plain = allow_http || is_own_machine(host);
            match url.scheme() {
                "https" => Ok(url),
                "http" if may_be_plain => Ok(url),
                _ => Err(self.blame(template, "the address begins with https://; without encryption anybody between could read what is said".into())),
            }
        };
        let base = address(&self.http.base)?;
        let mut hosts = vec![host_of(&base)];
        if let Auth::Oauth(oauth) = &self.auth {
            hosts.push(host_of(&address(&oauth.token_url)?));
        }
        let optional = |template: &Option<Template>| -> Result<Option<String>, Vec<ValueError>> {
            let text = template.as_ref().map(whole).transpose()?;
            Ok(text.filter(|text| !text.trim().is_empty()))
        };
        Ok(Parts {
            tls_ca: optional(&self.http.tls_ca)?.map(PathBuf::from),
            proxy: optional(&self.http.proxy)?,
            params,
            base,
            hosts,
        })
    }

    /// The first parameter that the template uses is what the admin can change.
    fn blame(&self, template: &Template, words: String) -> Vec<ValueError> {
        let used = |name: &&crate::format::Param| {
            template.source().contains(&format!("params.{}", name.name))
        };
        let param = self.params.iter().find(used);
        vec![(
            param.map(|param| param.name.clone()).unwrap_or_default(),
            words,
        )]
    }
}

/// What the settings say of the network.
struct Parts {
    params: BTreeMap<String, Value>,
    base: Url,
    hosts: Vec<String>,
    tls_ca: Option<PathBuf>,
    proxy: Option<String>,
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

impl Connector {
    /// The file's own name of the CRM or what the settings call it.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0.file
    }

    /// Begins a sign-in by browser, which comes back to `redirect`; `None`: this connector has none.
    #[must_use]
    pub fn sign_in(&self, redirect: &str) -> Option<SignIn> {
        self.0.authorize(redirect)
    }

    /// Ends it with the code that the browser brought. The caller has compared [`SignIn::state`].
    ///
    /// # Errors
    /// The CRM's words.
    pub async fn signed_in(&self, sign_in: &SignIn, code: &str) -> Result<(), SourceError> {
        self.0.take_code(sign_in, code).await
    }

    /// Where a person who is not known can be searched for by hand.
    #[must_use]
    pub fn search_link(&self, number: &PhoneNumber) -> Option<String> {
        self.0
            .link(self.0.file.links.search.as_ref(), Some(number), None)
    }

    /// An empty form in the CRM with the number in it.
    #[must_use]
    pub fn new_link(&self, number: &PhoneNumber) -> Option<String> {
        self.0
            .link(self.0.file.links.new.as_ref(), Some(number), None)
    }

    /// Opens a person.
    #[must_use]
    pub fn person_link(&self, person: &CallPerson) -> Option<String> {
        self.0
            .link(self.0.file.links.contact.as_ref(), None, Some(person))
    }
}

impl Source for Connector {
    fn id(&self) -> &str {
        &self.0.id
    }

    fn title(&self) -> &str {
        &self.0.title
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        Box::pin(self.0.look_up(question))
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(self.0.find(text, limit))
    }

    fn schemes(&self) -> &[String] {
        &self.0.file.schemes
    }

    fn depends_on_line(&self) -> bool {
        let mut lookups = self.0.file.lookups.iter();
        lookups.any(|lookup| lookup.mentions("line"))
    }

    fn depends_on_extension(&self) -> bool {
        let mut lookups = self.0.file.lookups.iter();
        lookups.any(|lookup| lookup.mentions("extension"))
    }

    fn deadline(&self) -> Duration {
        self.0.options.deadline
    }
}

impl Inner {
    /// What every template sees.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::default();
        context.set("params", self.params.clone());
        context.set("now", self.world.now());
        context
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget {
            until: Instant::now() + self.options.longest,
            requests: MOST_REQUESTS,
            is_writing: false,
        }
    }

    /// For what makes or logs something.
    pub(crate) fn writing_budget(&self) -> Budget {
        Budget {
            is_writing: true,
            ..self.budget()
        }
    }

    fn link(
        &self,
        template: Option<&Template>,
        number: Option<&PhoneNumber>,
        person: Option<&CallPerson>,
    ) -> Option<String> {
        let mut context = self.context();
        if let Some(number) = number {
            context.set("number", spellings(number, &Variant::E164));
        }
        if let Some(person) = person {
            context.set_json("contact", &person.json());
        }
        self.safe_link(&template?.text(&context).ok()?)
    }

    /// One that may be opened, and that shows no secret to whoever sees the card.
    pub(crate) fn safe_link(&self, link: &str) -> Option<String> {
        let link = contacts::clean::link(link, &self.file.schemes)?;
        (!self.redactor.holds_secret(&link)).then_some(link)
    }

    /// Steps one after the other; what they map is `step`.
    pub(crate) async fn steps(
        self: &Arc<Self>,
        steps: &[Step],
        context: &mut Context,
        budget: &mut Budget,
    ) -> Result<(), SourceError> {
        let mut kept: BTreeMap<String, Value> = BTreeMap::new();
        for step in steps {
            if let Some(when) = &step.when {
                let holds = when.holds(context);
                if !holds.map_err(|failed| self.unusable_template(&step.request, &failed))? {
                    continue;
                }
            }
            let answer = self.ask(&step.request, context, budget).await?;
            let seen = with_answer(context, &answer);
            for (name, field) in &step.map {
                let text = field.text(&answer, &seen);
                let text = text.map_err(|failed| self.unusable_template(&step.request, &failed))?;
                kept.insert(name.clone(), text.map_or(Value::from(()), Value::from));
            }
            context.set("step", kept.clone());
        }
        Ok(())
    }
}

/// With the answer as row and document.
pub(crate) fn with_answer(context: &Context, answer: &Json) -> Context {
    let mut seen = context.clone();
    seen.set_json("doc", answer);
    seen.set_json("row", answer);
    seen
}

/// The number for templates; alone it is this variant.
pub(crate) fn spellings(number: &PhoneNumber, alone: &Variant) -> Value {
    let each = Variant::names().filter_map(|name| {
        let variant: Variant = name.parse().ok()?;
        Some((name.to_owned(), number.variant(&variant)?))
    });
    let fallback = || number.normal_form().to_owned();
    Value::from_object(Spellings {
        alone: number.variant(alone).unwrap_or_else(fallback),
        each: each.collect(),
    })
}
