//! vCard books: versions 3 and 4 (RFC 2426, RFC 6350), and 2.1 as old phones write it.

use crate::{book::Builder, charset::Fallback, person::Card};
use calcard::{
    Entry, Parser,
    vcard::{VCard, VCardEntry, VCardProperty, VCardValue},
};

/// A card with a photograph of this size is no business card.
const MAX_CARD: usize = 4_000_000;

/// Reads every card by itself, so that a broken one does not take its neighbours along.
pub(crate) fn read(bytes: &[u8], builder: &mut Builder) {
    let fallback = Fallback::guess(bytes);
    for (line, card) in cards(bytes) {
        if card.len() > MAX_CARD {
            builder.skip(line, "the card is larger than 4 MB");
            continue;
        }
        match parse(&fallback.decode(card)) {
            Ok(card) => builder.add(line, &card),
            Err(why) => builder.skip(line, why),
        }
    }
}

/// The cards with the line on which each starts. Text before the first one is no card.
fn cards(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut starts = begins(bytes).peekable();
    std::iter::from_fn(move || {
        let (line, start) = starts.next()?;
        let end = starts.peek().map_or(bytes.len(), |(_, next)| *next);
        Some((line, &bytes[start..end]))
    })
}

/// Line number and offset of every `BEGIN:VCARD` at the start of a line.
fn begins(bytes: &[u8]) -> impl Iterator<Item = (u64, usize)> {
    const BEGIN: &[u8] = b"BEGIN:VCARD";
    let mut offset = 0;
    bytes
        .split_inclusive(|b| *b == b'\n')
        .zip(1..)
        .filter_map(move |(text, line)| {
            let start = offset;
            offset += text.len();
            let begins = text
                .get(..BEGIN.len())
                .is_some_and(|b| b.eq_ignore_ascii_case(BEGIN));
            begins.then_some((line, start))
        })
}

/// The first card of a text.
pub(crate) fn parse(text: &str) -> Result<Card, &'static str> {
    // The parser takes a card without an end for complete; half of one may be half of a number.
    if !text
        .lines()
        .any(|line| line.trim_end().eq_ignore_ascii_case("END:VCARD"))
    {
        return Err("the card has no end");
    }
    let Entry::VCard(card) = Parser::new(text).entry() else {
        return Err("the card cannot be read");
    };
    Ok(card_of(&card))
}

fn card_of(vcard: &VCard) -> Card {
    let all = |property: VCardProperty| vcard.entries.iter().filter(move |e| e.name == property);
    let first = |property, separator| {
        let texts = all(property).map(|entry| joined(entry, separator));
        texts
            .into_iter()
            .find(|text| !text.trim().is_empty())
            .unwrap_or_default()
    };
    let mut name = first(VCardProperty::Fn, " ");
    if name.is_empty() {
        name = all(VCardProperty::N)
            .map(full_name)
            .next()
            .unwrap_or_default();
    }
    Card {
        name,
        company: first(VCardProperty::Org, ", "),
        note: first(VCardProperty::Note, " "),
        url: first(VCardProperty::Url, ""),
        email: first(VCardProperty::Email, ""),
        phones: all(VCardProperty::Tel)
            .map(|entry| joined(entry, ";"))
            .collect(),
        id: String::new(),
    }
}

/// Title, given, middle, family, suffix, from `Family;Given;Middle;Title;Suffix`.
fn full_name(entry: &VCardEntry) -> String {
    let parts: Vec<String> = entry.values.iter().map(text_of).collect();
    let part = |at: usize| parts.get(at).map_or("", |part| part.trim());
    let inner = [part(3), part(1), part(2), part(0), part(4)];
    inner
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn joined(entry: &VCardEntry, separator: &str) -> String {
    let parts = entry
        .values
        .iter()
        .map(text_of)
        .filter(|part| !part.trim().is_empty());
    parts.collect::<Vec<_>>().join(separator)
}

fn text_of(value: &VCardValue) -> String {
    match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Component(parts) => parts.join(" "),
        VCardValue::Integer(number) => number.to_string(),
        VCardValue::Float(_)
        | VCardValue::Boolean(_)
        | VCardValue::PartialDateTime(_)
        | VCardValue::Binary(_)
        | VCardValue::Sex(_)
        | VCardValue::GramGender(_)
        | VCardValue::Kind(_) => String::new(),
    }
}
