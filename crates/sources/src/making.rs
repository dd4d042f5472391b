//! What became of a person that was to be made, where the source says no or says nothing.

use crate::Made;
use contacts::{SourceError, SourceErrorKind};
use phone_number::PhoneNumber;
use std::collections::BTreeMap;
use wire::{ErrorCode, Failure};

const LOOK: &str = "Look whether it is there before you try again.";

/// Where the source may have been asked, nobody knows what became of it: a second contact is worse than a look.
#[must_use]
pub fn not_made(why: SourceError, was_asked: bool) -> Failure {
    let code = match why.kind {
        SourceErrorKind::Limited { .. } => ErrorCode::RateLimited,
        SourceErrorKind::Login => ErrorCode::Refused,
        SourceErrorKind::Broken if !was_asked || says_no(&why.words) => ErrorCode::Refused,
        SourceErrorKind::Broken | SourceErrorKind::TooSlow | SourceErrorKind::Away => {
            let words = format!("{}. {LOOK}", why.words.trim_end_matches('.'));
            return Failure::new(ErrorCode::Unknown, words);
        }
    };
    Failure::new(code, why.words)
}

/// Whether a source has refused what it was asked: “Odoo answered 400 Bad Request”. Only a time-out may still be done.
fn says_no(words: &str) -> bool {
    let status = words.split_once(" answered ").map(|(_, rest)| rest);
    let status = status.and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
    status.is_some_and(|status| (400..500).contains(&status) && status != 408)
}

/// Without what must be filled in the source is not even asked.
#[must_use]
pub fn is_filled_in(made: &Made, fields: &BTreeMap<String, String>, number: &PhoneNumber) -> bool {
    let is_there = |name: &str| fields.get(name).is_some_and(|text| !text.trim().is_empty());
    let form = made.form(Some(number));
    form.is_some_and(|form| {
        let mut needed = form.fields.iter().filter(|field| field.required);
        needed.all(|field| is_there(&field.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_somebody_may_have_been_made_nobody_says_that_it_was_refused() {
        let told = |kind, words: &str, was_asked| {
            let words = words.to_owned();
            not_made(SourceError { kind, words }, was_asked)
        };
        use SourceErrorKind::{Away, Broken, Login, TooSlow};
        for kind in [Away, TooSlow, Broken] {
            let failure = told(kind, "CRM did not say under which id", true);
            assert_eq!(failure.code, ErrorCode::Unknown, "{kind:?}");
            assert!(failure.message.ends_with(LOOK), "{}", failure.message);
        }
        let broke = "CRM answered 500 Internal Server Error";
        assert_eq!(told(Broken, broke, true).code, ErrorCode::Unknown);
        let refused = "CRM answered 400 Bad Request: “no e-mail”";
        assert_eq!(told(Broken, refused, true).code, ErrorCode::Refused);
        assert_eq!(told(Broken, "fill it in", false).code, ErrorCode::Refused);
        assert_eq!(told(Login, "no", true).code, ErrorCode::Refused);
    }
}
