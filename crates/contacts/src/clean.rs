//! Foreign text made harmless: one line, no control or direction characters, a sane length.

pub const MAX_NAME: usize = 120;
pub const MAX_NOTE: usize = 240;
const MAX_EMAIL: usize = 254;
/// In bytes.
const MAX_URL: usize = 300;
const MAX_LINK: usize = 1000;
/// Run what they hold, or open what lies on this computer.
const NEVER: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// The text in one line, at most `max` characters long.
pub fn line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max * 4));
    let mut space = false;
    let mut length = 0;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = !line.is_empty();
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        if length + usize::from(space) >= max {
            break;
        }
        if std::mem::take(&mut space) {
            line.push(' ');
            length += 1;
        }
        line.push(c);
        length += 1;
    }
    line
}

/// A web address, or nothing: a link of another scheme may do anything when clicked.
pub(crate) fn url(text: &str) -> Option<String> {
    link(text, &[]).filter(|link| link.len() <= MAX_URL)
}

/// A web address or a link of one of these schemes, or nothing.
pub fn link(text: &str, schemes: &[String]) -> Option<String> {
    let text = text.trim();
    let begins = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    };
    let is_web = ["http://", "https://"].into_iter().any(begins);
    let may = |scheme: &&String| {
        !scheme.is_empty() && !NEVER.iter().any(|never| scheme.eq_ignore_ascii_case(never))
    };
    let mut named = schemes.iter().filter(may);
    let mut is_named = || named.any(|scheme| begins(&format!("{scheme}:")));
    let harmless = |c: char| !c.is_whitespace() && !c.is_control() && !is_invisible(c);
    let is_plain = text.len() <= MAX_LINK && text.chars().all(harmless);
    (is_plain && (is_web || is_named())).then(|| text.to_owned())
}

/// An address for mail, or nothing.
pub fn email(text: &str) -> Option<String> {
    let email = line(text, MAX_EMAIL);
    let is_email = email.contains('@') && !email.contains(' ') && email.chars().count() > 2;
    is_email.then_some(email)
}

/// Appends a form for comparing: lower case, and `ё` as `е`, which most people write.
pub(crate) fn fold_into(folded: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            'a'..='z' | ' ' | '0'..='9' | 'а'..='я' => folded.push(c),
            'A'..='Z' => folded.push(c.to_ascii_lowercase()),
            // The table of all scripts costs more than the rest of a search.
            'А'..='Я' => folded.extend(char::from_u32(u32::from(c) + 32)),
            'Ё' | 'ё' => folded.push('е'),
            _ => folded.extend(c.to_lowercase()),
        }
    }
}

/// Marks that turn round or hide what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_one_plain_line() {
        assert_eq!(line("  Ada\r\n\tLovelace\0 ", 50), "Ada Lovelace");
        assert_eq!(line("a\u{202e}b\u{200b}c", 50), "abc");
        assert_eq!(
            line("<img src=x onerror=alert(1)>", 50),
            "<img src=x onerror=alert(1)>"
        );
        assert_eq!(line(&"я".repeat(1_000_000), 120).chars().count(), 120);
        assert_eq!(line("ab cd", 3), "ab");
    }

    #[test]
    fn folding_hides_case_in_every_script() {
        let mut folded = String::new();
        fold_into(&mut folded, "ADA Ёлкина АЯая Zoë ÀÖ 7");
        assert_eq!(folded, "ada елкина аяая zoë àö 7");
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(
            url(" HTTPS://example.com/a?b "),
            Some("HTTPS://example.com/a?b".into())
        );
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "https://a b",
            "http://a\u{202e}b",
            "я",
        ] {
            assert_eq!(url(bad), None, "{bad}");
        }
    }
}
