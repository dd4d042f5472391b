//! Texts that the PBX chose, kept only as long as they may be.

use ami::Value;

/// Longer texts are cut; Asterisk itself has no longer hint.
const LONGEST: usize = 1_024;

/// Says whether the text is another now; allocates only then.
pub(super) fn set_text(field: &mut Box<str>, value: Value<'_>) -> bool {
    let text = value.text();
    let text = cut(&text);
    let has_changed = **field != *text;
    if has_changed {
        *field = text.into();
    }
    has_changed
}

/// The same for what may be missing.
pub(super) fn set_opt_text(field: &mut Option<Box<str>>, value: Option<Value<'_>>) -> bool {
    match (field.as_mut(), value) {
        (Some(text), Some(value)) => set_text(text, value),
        (None, None) => false,
        (None | Some(_), value) => {
            *field = value.map(|value| cut(&value.text()).into());
            true
        }
    }
}

pub(super) fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Says whether the value is another now.
pub(super) fn set<T: PartialEq>(field: &mut T, value: T) -> bool {
    let has_changed = *field != value;
    *field = value;
    has_changed
}
