//! Making somebody new in the CRM, when a person asks for it.

use super::{Connector, Inner, actions, spellings, with_answer};
use crate::{format::sections::Create, template::Context};
use contacts::{Person, SourceError, clean};
use phone_number::{PhoneNumber, Variant};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeMap, sync::Arc};
use wire::PersonForm;

/// Of a field of the form.
const LONGEST: usize = 4000;

impl Connector {
    /// What is asked to make somebody new, with what `number` fills in; `None`: this connector creates nobody.
    #[must_use]
    pub fn form(&self, number: Option<&PhoneNumber>) -> Option<PersonForm> {
        let create = self.0.file.create.as_ref()?;
        let mut context = self.0.context();
        if let Some(number) = number {
            context.set("number", spellings(number, &Variant::E164));
        }
        let field = |(param, value): &(crate::format::Param, Option<crate::template::Template>)| {
            let mut field = param.field();
            if let Some(value) = value {
                field.value = value.text(&context).unwrap_or_default();
            }
            field
        };
        Some(PersonForm {
            source: self.0.id.clone(),
            title: self.0.title.clone(),
            fields: create.fields.iter().map(field).collect(),
        })
    }

    /// Makes somebody of the form's fields; he has `number`.
    ///
    /// # Errors
    /// What is missing, or the CRM's words.
    pub async fn create(
        &self,
        fields: &BTreeMap<String, String>,
        number: &PhoneNumber,
    ) -> Result<Person, SourceError> {
        let inner = &self.0;
        let create = inner.file.create.as_ref();
        let create = create.ok_or_else(|| actions::unknown(inner, "make somebody new"))?;
        let given = inner.given(create, fields)?;
        inner.create(create, given, number).await
    }
}

impl Inner {
    fn given(
        &self,
        create: &Create,
        fields: &BTreeMap<String, String>,
    ) -> Result<Map<String, Json>, SourceError> {
        let mut given = Map::new();
        for (field, _) in &create.fields {
            let text = fields.get(&field.name).map_or("", |text| text.trim());
            let text: String = text.chars().take(LONGEST).collect();
            if field.required && text.is_empty() {
                let title = field.title.of(&self.options.language);
                return Err(self.broken(&format!("asks for “{title}”: fill it in")));
            }
            let value = match field.kind {
                wire::FieldKind::Bool => json!(text == "true"),
                wire::FieldKind::Text
                | wire::FieldKind::Url
                | wire::FieldKind::Secret
                | wire::FieldKind::SecretUrl
                | wire::FieldKind::Select
                | wire::FieldKind::Oauth => json!(text),
            };
            given.insert(field.name.clone(), value);
        }
        Ok(given)
    }

    async fn create(
        self: &Arc<Self>,
        create: &Create,
        given: Map<String, Json>,
        number: &PhoneNumber,
    ) -> Result<Person, SourceError> {
        let mut context = self.context();
        let budget = &mut self.writing_budget();
        context.set("number", spellings(number, &Variant::E164));
        context.set_json("contact", &Json::Object(given.clone()));
        self.steps(&create.before, &mut context, budget).await?;
        let answer = self.ask(&create.request, &context, budget).await?;
        let rows = create.each.rows(&answer);
        let row = rows.first().copied().unwrap_or(&answer);
        let person = self.created(create, row, &context, &given, number)?;
        let told = actions::CallPerson::of(&person);
        context.set_json("result", &told.json());
        // He is there, whatever becomes of the rest.
        if let Err(error) = self.steps(&create.then, &mut context, budget).await {
            tracing::debug!(connector = %self.id, kind = ?error.kind, "a step after creating failed");
        }
        Ok(person)
    }

    fn created(
        &self,
        create: &Create,
        row: &Json,
        context: &Context,
        given: &Map<String, Json>,
        number: &PhoneNumber,
    ) -> Result<Person, SourceError> {
        let seen = with_answer(context, row);
        let person = self.person(&create.map, row, &seen);
        let person = person.map_err(|failed| self.unusable_template(&create.request, &failed))?;
        let Some(mut person) = person else {
            return Err(self.broken(
                "took it and did not say under which id; see in the CRM whether it is there",
            ));
        };
        let field = |name: &str, max| {
            let text = given.get(name).and_then(Json::as_str)?;
            Some(clean::line(text, max)).filter(|text| !text.is_empty())
        };
        if person.name.is_empty() {
            let whole = field("name", clean::MAX_NAME).or_else(|| {
                let parts = ["first_name", "last_name"].map(|part| field(part, clean::MAX_NAME));
                let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                (!name.is_empty()).then_some(name)
            });
            person.name = whole.unwrap_or_else(|| number.international());
        }
        person.company = person.company.or_else(|| field("company", clean::MAX_NAME));
        person.email = person.email.or_else(|| field("email", clean::MAX_NOTE));
        if !person.numbers.contains(number) {
            person.numbers.push(number.clone());
        }
        if person.url.is_none() {
            person.url = self.link(
                self.file.links.contact.as_ref(),
                None,
                Some(&actions::CallPerson::of(&person)),
            );
        }
        Ok(person)
    }
}
