//! Enums as the words under which they are stored.

/// Gives an enum `word()` and `read()`; a variant without a word does not compile.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// The word under which it is stored.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub(crate) fn read(word: &str) -> Result<Self, $crate::StoreError> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    other => Err($crate::StoreError::damaged(format!("an unknown word is stored: {other}"))),
                }
            }
        }
    };
}
pub(crate) use words;
