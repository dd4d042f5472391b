//! Tokens and codes: random, told once, kept as hashes only.

use ring::rand::{SecureRandom as _, SystemRandom};

/// Letters and digits that nobody takes for each other when reading aloud.
const READABLE: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub(crate) struct NoRandomness;

/// A token of 256 bits, as text that fits into a header.
pub(crate) fn token() -> Result<String, NoRandomness> {
    let bytes: [u8; 32] = random()?;
    let mut text = String::from("st_");
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    Ok(text)
}

/// A code of 80 bits that a person can type: `7KQM-…`.
pub(crate) fn code() -> Result<String, NoRandomness> {
    let bytes: [u8; 16] = random()?;
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(READABLE[usize::from(byte % 32)]));
    }
    Ok(text)
}

/// A code as it was typed: without blanks, dashes and small letters.
pub(crate) fn tidy(code: &str) -> String {
    let kept = code.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).take(64).collect()
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_the_same_however_it_is_typed() {
        let code = code().expect("a code");
        assert_eq!(code.len(), 19);
        assert_eq!(tidy(&code.to_lowercase()), tidy(&code.replace('-', " ")));
        assert_ne!(token().expect("a token"), token().expect("another"));
    }
}
