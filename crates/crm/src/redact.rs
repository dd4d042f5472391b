//! Takes secrets and numbers out of what a CRM says.

use crate::template::percent_encoded;
use contacts::clean;
use reqwest::Url;
use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

/// Shorter ones would cut holes into every word.
const SHORTEST: usize = 4;
/// One of this length is no word.
const SURELY: usize = 12;
/// So many digits in a row may be somebody's number.
const NUMBER: usize = 7;
const LONGEST: usize = 200;
/// Tokens and keys of sessions that are remembered; older ones are over.
const MOST_PASSING: usize = 32;

/// The secrets of one connector, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Redactor(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Of the settings.
    lasting: Vec<String>,
    /// What the CRM gave, the newest last.
    passing: VecDeque<String>,
}

impl Known {
    /// The longest first: a secret may be a part of another.
    fn texts(&self) -> Vec<&str> {
        let all = self.lasting.iter().chain(&self.passing);
        let mut all: Vec<&str> = all.map(String::as_str).collect();
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        all
    }
}

impl Redactor {
    /// One of the settings, for good.
    pub(crate) fn learn(&self, secret: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in forms(secret) {
            if !known.lasting.contains(&text) {
                known.lasting.push(text);
            }
        }
    }

    /// One that others will follow.
    pub(crate) fn learn_for_now(&self, secret: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in forms(secret) {
            known.passing.retain(|other| *other != text);
            known.passing.push_back(text);
        }
        let over = known.passing.len().saturating_sub(MOST_PASSING);
        known.passing.drain(..over);
    }

    /// Whether a secret stands in it; a short password may be a word of any address.
    pub(crate) fn holds_secret(&self, text: &str) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut known = known.texts().into_iter();
        known.any(|secret| secret.len() >= SURELY && text.contains(secret))
    }

    /// Without what is behind `?`; in the path neither secrets nor numbers.
    pub(crate) fn address(&self, url: &Url) -> String {
        let port = url.port().map(|port| format!(":{port}"));
        let host = url.host_str().unwrap_or_default();
        let port = port.unwrap_or_default();
        format!("{}://{host}{port}{}", url.scheme(), self.words(url.path()))
    }

    /// One short line of plain words.
    pub(crate) fn words(&self, text: &str) -> String {
        // Long before it is cleaned: a page may be a megabyte.
        let start: String = text.chars().take(LONGEST * 20).collect();
        let mut words = start;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for secret in known.texts() {
            words = words.replace(secret, "…");
        }
        clean::line(&without_numbers(&words), LONGEST)
    }
}

/// As it may be told.
fn forms(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let parts = [secret].into_iter().chain(parts_of_address(secret));
    let both = |text: &str| [text.to_owned(), percent_encoded(text)];
    let mut forms: Vec<String> = parts.flat_map(both).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// What makes an address a secret also stands in every address below it, and may be told without the rest.
fn parts_of_address(secret: &str) -> Vec<&str> {
    let behind_host = || {
        let (scheme, rest) = secret.split_once("://")?;
        let (_, rest) = rest.split_once('/')?;
        scheme.starts_with("http").then_some(rest)
    };
    let Some(rest) = behind_host() else {
        return Vec::new();
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    let parts = rest.split(['/', '?', '#', '&']);
    let parts = parts.map(|part| part.split_once('=').map_or(part, |(_, value)| value));
    let mut parts: Vec<&str> = parts.filter(|part| may_be_key(part)).collect();
    parts.extend(Some(path).filter(|path| path.len() >= SHORTEST));
    parts
}

/// Words of a path are short, or have no digits.
fn may_be_key(part: &str) -> bool {
    let has_digit = part.contains(|c: char| c.is_ascii_digit());
    part.len() >= SURELY || (part.len() >= SURELY / 2 && has_digit)
}

fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        let is_separator = !run.is_empty() && " -().\u{a0}".contains(c);
        if c.is_ascii_digit() || (c == '+' && run.is_empty()) || is_separator {
            run.push(c);
            continue;
        }
        let digits = run.chars().filter(char::is_ascii_digit).count();
        if digits < NUMBER {
            out.push_str(&run);
        } else {
            out.push('…');
            let end = run.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
            out.push_str(&run[end..]);
        }
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

/// What a page says, without its markup.
pub(crate) fn page_words(html: &str) -> String {
    let mut words = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        words.push_str(&rest[..open]);
        words.push(' ');
        rest = &rest[open..];
        let silent = ["<script", "<style", "<head"].iter().find(|tag| {
            let start = rest.get(..tag.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
        });
        let end = match silent {
            Some(tag) => format!("</{}", &tag[1..]),
            None => ">".to_owned(),
        };
        let lower = rest.to_ascii_lowercase();
        let at = lower.find(&end).map_or(rest.len(), |at| at + end.len());
        rest = rest.get(at..).unwrap_or_default();
        if silent.is_some() {
            rest = rest.strip_prefix('>').unwrap_or(rest);
        }
        if words.len() > LONGEST * 4 {
            break;
        }
    }
    words.extend(rest.chars().take(LONGEST * 4));
    let entities = [
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let decoded = entities.into_iter();
    decoded.fold(words, |words, (entity, text)| words.replace(entity, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_numbers_are_cut_out() {
        let redactor = Redactor::default();
        redactor.learn("hunter2 x");
        redactor.learn("abc");
        assert_eq!(
            redactor.words("no hunter2 x or hunter2%20x for +7 (906) 219-50-47, abc 401"),
            "no … or … for …, abc 401"
        );
        assert_eq!(redactor.words("error 1062 at 10:20"), "error 1062 at 10:20");
    }

    #[test]
    fn what_the_crm_gave_is_forgotten_when_much_else_came_and_the_settings_never() {
        let redactor = Redactor::default();
        redactor.learn("of the settings");
        redactor.learn_for_now("refresh-token");
        for at in 0..1000 {
            redactor.learn_for_now(&format!("access-token-{at}"));
            if at % 10 == 0 {
                redactor.learn_for_now("refresh-token");
            }
        }
        let told =
            redactor.words("of the settings, refresh-token, access-token-999, access-token-1");
        assert_eq!(told, "…, …, …, access-token-1");
        assert_eq!(redactor.0.read().unwrap().texts().len(), MOST_PASSING + 2);
    }

    #[test]
    fn a_page_is_read_without_its_markup() {
        let page = "<html><head><title>x</title></head><body><h1>Sign in</h1><script>a<b</script> please</body>";
        assert_eq!(clean::line(&page_words(page), 99), "Sign in please");
        assert_eq!(page_words("it doesn&#39;t &amp;lt;"), "it doesn't &lt;");
        assert_eq!(clean::line(&page_words("<<<"), 99), "");
        assert_eq!(clean::line(&page_words("plain"), 99), "plain");
    }
}
