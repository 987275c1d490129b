use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::SyntaxError;

/// Defines a string type whose values always follow a grammar: checked once, when made.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $subject:literal, $expected:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(std::borrow::Cow<'static, str>);

        impl $name {
            /// A constant. Fails to compile in a `const`, panics elsewhere, if the text is not legal.
            pub const fn from_static(text: &'static str) -> Self {
                assert!($valid(text.as_bytes()), "{}", $expected);
                Self(std::borrow::Cow::Borrowed(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::SyntaxError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if !$valid(text.as_bytes()) {
                    return Err($crate::error::SyntaxError::new($subject, $expected));
                }
                Ok(Self(std::borrow::Cow::Owned(text.to_owned())))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}
pub(crate) use checked_text;

/// As [`checked_text`], with the text shown by `Debug`: for what is neither an address nor a secret.
macro_rules! plain_text {
    ($(#[$doc:meta])* $name:ident, $subject:literal, $expected:literal, $valid:path) => {
        $crate::text::checked_text!($(#[$doc])* $name, $subject, $expected, $valid);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}
pub(crate) use plain_text;

plain_text!(
    /// One or more visible characters without separators (`token`, RFC 8866 §9).
    Token,
    "a token",
    "letters, digits or any of !#$%&'*+-.^_`{|}~",
    is_token
);

plain_text!(
    /// One or more characters without spaces (`non-ws-string`, RFC 8866 §9): what others write
    /// where the grammar has a [`Token`].
    Word,
    "a word",
    "visible characters without spaces",
    is_word
);

impl From<Token> for Word {
    fn from(token: Token) -> Self {
        Word(token.0)
    }
}

/// Any text that fits on a line (`byte-string`, RFC 8866 §9): no NUL, CR or LF. May be empty.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text(Cow<'static, str>);

impl Text {
    /// A constant. Fails to compile in a `const`, panics elsewhere, if the text is not legal.
    pub const fn from_static(text: &'static str) -> Self {
        assert!(is_byte_string(text.as_bytes()), "one line");
        Text(Cow::Borrowed(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if !is_byte_string(text.as_bytes()) {
            return Err(SyntaxError::new("a text", "no NUL and no line break"));
        }
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Token> for Text {
    fn from(token: Token) -> Self {
        Text(token.0)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Defines `const fn $name(bytes) -> bool`: every byte satisfies the class and the length is in the range.
macro_rules! all_bytes {
    ($name:ident, $len:pat, $byte:ident => $class:expr) => {
        pub(crate) const fn $name(bytes: &[u8]) -> bool {
            let mut i = 0;
            while i < bytes.len() {
                let $byte = bytes[i];
                if !$class {
                    return false;
                }
                i += 1;
            }
            matches!(bytes.len(), $len)
        }
    };
}
pub(crate) use all_bytes;

// RFC 8866 §9: token-char = %x21 / %x23-27 / %x2A-2B / %x2D-2E / %x30-39 / %x41-5A / %x5E-7E
all_bytes!(is_token, 1.., b => matches!(b,
    0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e));
// RFC 8866 §9: non-ws-string = 1*(VCHAR / %x80-FF)
all_bytes!(is_word, 1.., b => b > 0x20 && b != 0x7f);
all_bytes!(is_byte_string, 0.., b => !matches!(b, 0 | b'\r' | b'\n'));
all_bytes!(is_digits, 1.., b => b.is_ascii_digit());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_separators() {
        assert_eq!(
            "a-1_{x}".parse::<Token>().map(|t| t.to_string()),
            Ok("a-1_{x}".into())
        );
        for bad in ["", "a b", "a:b", "a;b", "ä", "a\n", "(", "a/b"] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_text_never_leaves_its_line() {
        assert!("any: text; ä".parse::<Text>().is_ok());
        for bad in ["a\r\nb", "a\nb", "a\rb", "a\0b"] {
            assert!(bad.parse::<Text>().is_err(), "{bad:?}");
        }
    }
}
