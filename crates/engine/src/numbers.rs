//! Caller numbers as the PBX gives them, read in the way of the site, and who has them.

use crate::{CallId, People, Remote, RemoteNumber};
use contacts::{Directory, Question, Who};
use phone_number::PhoneNumber;
use wire::SourceState;

/// Who that is, as far as it is known now; slow sources are asked behind, and the directory tells when they answer.
pub(crate) fn who(directory: &Directory, question: Option<&Question>, call: Option<CallId>) -> Who {
    let Some(question) = question else {
        return Who {
            people: People::Nobody,
            sources: Vec::new(),
            remembered: None,
        };
    };
    let call = call.map(|call| call.to_string());
    directory.who(question, call.as_deref())
}

/// No source is asked any more.
pub(crate) fn is_complete(who: &Who) -> bool {
    let is_asked = |state: &SourceState| match state {
        SourceState::Asking => true,
        SourceState::Found { .. } | SourceState::Nobody | SourceState::Failed { .. } => false,
    };
    !who.sources.iter().any(|source| is_asked(&source.state))
        && !matches!(who.people, People::Asking)
}

/// The other end as a person reads it.
pub(crate) fn remote(
    text: Option<&str>,
    name: Option<&str>,
    number: Option<&PhoneNumber>,
) -> Remote {
    let shown = text.map(|text| RemoteNumber {
        display: number.map_or_else(|| text.to_owned(), PhoneNumber::international),
        dial_back: number.map_or(text, PhoneNumber::normal_form).to_owned(),
    });
    let name = name.filter(|name| text != Some(name)).map(str::to_owned);
    Remote {
        number: shown,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::{DialPlan, Region};

    fn dial_back(text: &str) -> String {
        let number = DialPlan::new(Region::RU).number_of_trunk(text);
        remote(Some(text), None, number.as_ref())
            .number
            .expect("a number")
            .dial_back
    }

    #[test]
    fn one_caller_reads_the_same_however_the_trunk_writes_him() {
        for text in ["+79161112233", "79161112233", "89161112233", "9161112233"] {
            assert_eq!(dial_back(text), "+79161112233", "{text}");
        }
        assert_eq!(dial_back("442079460123"), "+442079460123");
    }

    #[test]
    fn extensions_stay_as_they_are() {
        assert_eq!(dial_back("102"), "102");
    }

    #[test]
    fn a_name_that_only_repeats_the_number_is_no_name() {
        assert_eq!(remote(Some("102"), Some("102"), None).name, None);
        assert_eq!(remote(None, Some("Ada"), None).name.as_deref(), Some("Ada"));
    }
}
