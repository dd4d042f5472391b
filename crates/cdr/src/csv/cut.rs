//! Cuts one record off the front of bytes, strictly: what Asterisk would not write is bad.
//!
//! `cdr_csv` puts texts in quotes, doubles the quotes in them, and leaves everything else as it is,
//! line ends too. Only strictness finds the way back after half a record: a reader that forgives a
//! lone quote takes the rest of the file for one text.

/// Asterisk's own buffer has 1024 bytes; `cdr_custom` has no limit of its own.
pub(super) const MOST_OF_A_RECORD: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// `len` with its line end.
    Record { fields: Vec<String>, len: usize },
    /// So many bytes are of no use.
    Bad { len: usize },
    /// More is to come.
    Partial,
}

/// What stands at the front. Depends on nothing behind the record, so that a file can be read while it grows.
pub(super) fn cut(bytes: &[u8]) -> Cut {
    let window = &bytes[..bytes.len().min(MOST_OF_A_RECORD)];
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        match field(&window[at..]) {
            Field::Ends { text, len, is_last } => {
                fields.push(text);
                at += len;
                if is_last {
                    return Cut::Record { fields, len: at };
                }
            }
            Field::Unfinished if window.len() < MOST_OF_A_RECORD => return Cut::Partial,
            Field::Unfinished => return bad(window),
            // Its line may not be complete yet.
            Field::Broken if window.contains(&b'\n') => return bad(window),
            Field::Broken if window.len() < MOST_OF_A_RECORD => return Cut::Partial,
            Field::Broken => return bad(window),
        }
    }
}

/// Up to and with the first line end, or all.
pub(super) fn first_line(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or(bytes.len(), |end| end + 1)
}

fn bad(window: &[u8]) -> Cut {
    Cut::Bad {
        len: first_line(window),
    }
}

enum Field {
    /// `len` with what ends it.
    Ends {
        text: String,
        len: usize,
        is_last: bool,
    },
    Unfinished,
    Broken,
}

fn field(bytes: &[u8]) -> Field {
    let (content, after) = match bytes.first() {
        None => return Field::Unfinished,
        Some(b'"') => match quoted(bytes) {
            Some(found) => found,
            None => return Field::Unfinished,
        },
        Some(_) => match plain(bytes) {
            Some(found) => found,
            None => return Field::Unfinished,
        },
    };
    let ends = |len: usize, is_last| Field::Ends {
        text: String::from_utf8_lossy(&content).into_owned(),
        len: after + len,
        is_last,
    };
    match &bytes[after..] {
        [] | [b'\r'] => Field::Unfinished,
        [b',', ..] => ends(1, false),
        [b'\n', ..] => ends(1, true),
        [b'\r', b'\n', ..] => ends(2, true),
        _ => Field::Broken,
    }
}

/// The text between quotes and where it is over; `None` if it is not.
fn quoted(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    let mut at = 1;
    loop {
        let length = bytes[at..].iter().position(|byte| *byte == b'"')?;
        text.extend_from_slice(&bytes[at..at + length]);
        at += length + 1;
        // A quote at the very end may be the first of two.
        match bytes.get(at) {
            Some(b'"') => text.push(b'"'),
            Some(_) => return Some((text, at)),
            None => return None,
        }
        at += 1;
    }
}

/// A number, or nothing, and where it is over.
fn plain(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let is_end = |byte: &u8| matches!(byte, b',' | b'\n' | b'\r' | b'"');
    let length = bytes.iter().position(is_end)?;
    Some((bytes[..length].to_vec(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_quotes_and_numbers_have_none() {
        let line = b"\"a\",\"\"\"Anna\"\" <101>\",,12,\"two\nlines\"\nrest";
        let Cut::Record { fields, len } = cut(line) else {
            panic!("no record");
        };
        assert_eq!(fields, ["a", "\"Anna\" <101>", "", "12", "two\nlines"]);
        assert_eq!(&line[len..], b"rest");
    }

    #[test]
    fn half_a_record_is_waited_for() {
        for half in [
            "", "\"", "\"a\"", "\"a\",", "\"a\"\"", "\"a\n", "12", "\"a\"\r",
        ] {
            assert_eq!(cut(half.as_bytes()), Cut::Partial, "{half}");
        }
    }

    #[test]
    fn after_half_a_record_the_next_line_is_good() {
        let line = b"\"a\",\"20\"\",\"b\",1\n\"c\",2\n";
        let mut rest = &line[..];
        let mut good = 0;
        while !rest.is_empty() {
            match cut(rest) {
                Cut::Record { len, .. } => {
                    good += 1;
                    rest = &rest[len..];
                }
                Cut::Bad { len } => rest = &rest[len..],
                Cut::Partial => panic!("waits for ever"),
            }
        }
        assert_eq!(good, 1);
    }

    #[test]
    fn a_record_without_end_is_given_up() {
        let endless = [b"\"".as_slice(), &vec![b'x'; MOST_OF_A_RECORD]].concat();
        let len = MOST_OF_A_RECORD;
        assert_eq!(cut(&endless), Cut::Bad { len });
        assert_eq!(cut(&endless[..MOST_OF_A_RECORD - 1]), Cut::Partial);
    }
}
