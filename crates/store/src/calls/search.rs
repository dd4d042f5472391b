//! Finding calls: newest first, page by page, by the part of a number, a name, a phone, a queue, a time.

use super::numbers::wanted;
use super::read::{self, COLUMNS};
use super::write::{EXTENSION, NUMBER, QUEUE};
use super::{CallRecord, Direction, Outcome};
use crate::db::{Value, values};
use crate::{CallId, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// No page has more calls.
pub(super) const MOST: usize = 500;

/// Which calls somebody may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Visible {
    /// None, until it is said.
    #[default]
    Nothing,
    All,
    /// Those in which one of these phones took part.
    Extensions {
        pbx: String,
        extensions: BTreeSet<String>,
    },
}

/// Which calls are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// A part of a number, however it is spelled. A text without digits finds nothing.
    pub number: Option<String>,
    /// Parts of a name, in any order and case.
    pub name: Option<String>,
    pub pbx: Option<String>,
    pub extension: Option<String>,
    pub queue: Option<String>,
    pub direction: Option<Direction>,
    pub outcome: Option<Outcome>,
    /// Began at this time or later.
    pub from: Option<i64>,
    /// Began before this time.
    pub until: Option<i64>,
    pub visible: Visible,
    /// Where the page before ended.
    pub before: Option<CallCursor>,
    /// 500 at most; 0 means so many.
    pub limit: usize,
}

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCursor {
    pub started: i64,
    pub id: CallId,
}

/// Calls, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPage {
    pub calls: Vec<CallRecord>,
    /// Where the next page begins, if there is one.
    pub next: Option<CallCursor>,
}

impl Store {
    /// A page of the calls that somebody may see and wants.
    pub async fn calls(&self, filter: &CallFilter) -> Result<CallPage, StoreError> {
        let limit = limit(filter);
        let Some(question) = Question::of(filter, limit + 1) else {
            return Ok(CallPage {
                calls: Vec::new(),
                next: None,
            });
        };
        self.within(async {
            let mut tx = self.pools.read().await?;
            let mut rows = tx.rows(&question.sql, &question.values).await?;
            let calls: Result<Vec<_>, _> = rows.iter_mut().map(read::read).collect();
            let mut calls: Vec<CallRecord> = calls?.into_iter().map(|known| known.record).collect();
            let has_more = calls.len() > limit;
            calls.truncate(limit);
            let next = calls.last().filter(|_| has_more).map(|last| CallCursor {
                started: last.started,
                id: last.id.clone(),
            });
            Ok(CallPage { calls, next })
        })
        .await
    }

    /// How the database finds what is asked: its own words, for tests of indexes.
    pub async fn explain_calls(&self, filter: &CallFilter) -> Result<String, StoreError> {
        let Some(question) = Question::of(filter, limit(filter) + 1) else {
            return Ok(String::new());
        };
        self.within(async {
            let mut tx = self.pools.read().await?;
            tx.explain(&question.sql, &question.values).await
        })
        .await
    }
}

fn limit(filter: &CallFilter) -> usize {
    match filter.limit {
        0 => MOST,
        limit => limit.min(MOST),
    }
}

/// A statement that is being put together.
struct Question {
    sql: String,
    values: Vec<Value>,
}

impl Question {
    /// `None` if nothing can match.
    fn of(filter: &CallFilter, limit: usize) -> Option<Self> {
        let mut words = Words::default();
        let source = words.source(filter)?;
        words.visible(&filter.visible)?;
        words.plain(filter);
        words.name(filter.name.as_deref());
        if let Some(before) = &filter.before {
            let place = words.values(&values![before.started, before.id.as_str()]);
            words
                .conditions
                .push(format!("(c.started, c.id) < ({place})"));
        }
        let limit = words.values(&values![i64::try_from(limit).unwrap_or(1)]);
        let columns: Vec<String> = COLUMNS.iter().map(|column| format!("c.{column}")).collect();
        let sql = format!(
            "SELECT {} FROM {source} WHERE {} ORDER BY c.started DESC, c.id DESC LIMIT {limit}",
            columns.join(", "),
            words.conditions.join(" AND "),
        );
        Some(Self {
            sql,
            values: words.values,
        })
    }
}

#[derive(Default)]
struct Words {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Words {
    /// Adds values; their places in the statement.
    fn values(&mut self, values: &[Value]) -> String {
        let places = crate::db::places(self.values.len() + 1, values.len());
        self.values.extend_from_slice(values);
        places
    }

    /// Where to look. What few calls have leads, and the calls follow by their ids: `CROSS JOIN` keeps SQLite, which
    /// does not know how many they are, to that order.
    fn source(&mut self, filter: &CallFilter) -> Option<String> {
        let mut leads = Vec::new();
        if let Some(number) = filter
            .number
            .as_deref()
            .filter(|number| !number.trim().is_empty())
        {
            leads.push(self.by_number(number)?);
        }
        for (kind, word) in [(EXTENSION, &filter.extension), (QUEUE, &filter.queue)] {
            if let Some(word) = word {
                let places = self.values(&values![word.as_str()]);
                leads.push(format!(
                    "SELECT call_id FROM call_keys WHERE kind = '{kind}' AND word = {places}"
                ));
            }
        }
        if leads.is_empty() {
            self.conditions.push("1 = 1".into());
            return Some("calls c".into());
        }
        self.conditions.push("c.id = lead.call_id".into());
        let leads: Vec<String> = leads
            .into_iter()
            .map(|lead| format!("SELECT call_id FROM ({lead}) one"))
            .collect();
        Some(format!(
            "({}) lead CROSS JOIN calls c",
            leads.join(" INTERSECT ")
        ))
    }

    fn by_number(&mut self, number: &str) -> Option<String> {
        let mut ranges = Vec::new();
        for part in wanted(number) {
            // What begins with these digits lies before them with a colon, the character after 9.
            let end = format!("{part}:");
            let first = self.values(&values![part.as_str()]);
            let end = self.values(&values![end.as_str()]);
            ranges.push(format!(
                "SELECT number FROM number_parts WHERE part >= {first} AND part < {end}"
            ));
        }
        if ranges.is_empty() {
            return None;
        }
        Some(format!(
            "SELECT DISTINCT k.call_id FROM ({}) n CROSS JOIN call_keys k WHERE k.kind = '{NUMBER}' AND k.word = n.number",
            ranges.join(" UNION ")
        ))
    }

    fn visible(&mut self, visible: &Visible) -> Option<()> {
        match visible {
            Visible::Nothing => return None,
            Visible::All => {}
            Visible::Extensions { extensions, .. } if extensions.is_empty() => return None,
            Visible::Extensions { pbx, extensions } => {
                let pbx = self.values(&values![pbx.as_str()]);
                let own: Vec<Value> = extensions
                    .iter()
                    .map(|own| Value::from(own.as_str()))
                    .collect();
                let own = self.values(&own);
                self.conditions.push(format!(
                    "c.pbx = {pbx} AND EXISTS (SELECT 1 FROM call_keys own WHERE own.call_id = c.id \
                     AND own.kind = '{EXTENSION}' AND own.word IN ({own}))"
                ));
            }
        }
        Some(())
    }

    fn plain(&mut self, filter: &CallFilter) {
        let direction = filter.direction.map(Direction::word);
        let outcome = filter.outcome.map(Outcome::word);
        let wishes = [
            ("c.pbx =", filter.pbx.as_deref().map(Value::from)),
            ("c.direction =", direction.map(Value::from)),
            ("c.outcome =", outcome.map(Value::from)),
            ("c.started >=", filter.from.map(Value::from)),
            ("c.started <", filter.until.map(Value::from)),
        ];
        for (words, value) in wishes {
            if let Some(value) = value {
                let place = self.values(&[value]);
                self.conditions.push(format!("{words} {place}"));
            }
        }
    }

    fn name(&mut self, name: Option<&str>) {
        for word in name.unwrap_or_default().split_whitespace() {
            let place = self.values(&values![pattern(word).as_str()]);
            self.conditions
                .push(format!(r"c.names LIKE {place} ESCAPE '\'"));
        }
    }
}

/// What contains the word, whatever signs it has.
fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for sign in word.to_lowercase().chars() {
        if matches!(sign, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_name_are_letters() {
        assert_eq!(pattern("50%_Ä\\"), r"%50\%\_ä\\%");
    }
}
