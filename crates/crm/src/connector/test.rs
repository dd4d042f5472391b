//! The Test button.

use super::{Connector, Inner};
use crate::format::sections::Test;
use contacts::SourceError;
use std::sync::Arc;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried, in the language of the options.
    pub title: String,
    pub passed: bool,
    /// A sentence: what was found, or what is wrong and what to do.
    pub words: String,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

impl Connector {
    /// Tries everything that the file's tests say, in order; after the first failure nothing more.
    pub async fn test(&self) -> Vec<Finding> {
        let inner = &self.0;
        let language = &inner.options.language;
        let mut findings = Vec::new();
        for test in &inner.file.tests {
            let started = tokio::time::Instant::now();
            let tried = inner.try_one(test).await;
            let passed = tried.is_ok();
            findings.push(Finding {
                title: test.title.of(language).to_owned(),
                words: tried.unwrap_or_else(|error| error.words),
                took_ms: started.elapsed().as_millis().try_into().unwrap_or(u32::MAX),
                passed,
            });
            if !passed {
                break;
            }
        }
        if findings.is_empty() {
            findings.push(Finding {
                title: inner.title.clone(),
                passed: true,
                words: "the connector has nothing to test; look somebody up instead".into(),
                took_ms: 0,
            });
        }
        findings
    }
}

impl Inner {
    async fn try_one(self: &Arc<Self>, test: &Test) -> Result<String, SourceError> {
        let mut context = self.context();
        let budget = &mut self.budget();
        self.steps(&test.before, &mut context, budget).await?;
        let answer = self.ask(&test.request, &context, budget).await?;
        if test
            .ok
            .as_ref()
            .is_some_and(|ok| ok.first(&answer).is_none())
        {
            return Err(self.broken("answered, but not with what it should: see whether the address and the rights are right"));
        }
        context.set_json("doc", &answer);
        let words = test.words.as_ref().map(|words| words.text(&context));
        let words = words.transpose();
        let words = words.map_err(|failed| self.unusable_template(&test.request, &failed))?;
        let words = words.map(|words| self.redactor.words(&words));
        Ok(words
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| format!("{} answers", self.title)))
    }
}
