use std::str::FromStr;

use crate::error::SyntaxError;
use crate::limits::MAX_ITEMS;
use crate::text::is_digits;

/// Reads the space-separated words of one line's value. Knows which line it is, for its errors.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    subject: &'static str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(crate) fn new(subject: &'static str, value: &'a str) -> Self {
        Words {
            subject,
            rest: value.trim_matches(' '),
        }
    }

    pub(crate) fn error(&self, expected: &'static str) -> SyntaxError {
        SyntaxError::new(self.subject, expected)
    }

    /// The next word; `None` at the end.
    pub(crate) fn take(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest.trim_start_matches(' ');
        Some(word)
    }

    /// The next word, which must be there.
    pub(crate) fn word(&mut self, expected: &'static str) -> Result<&'a str, SyntaxError> {
        self.take().ok_or_else(|| self.error(expected))
    }

    /// The next word as a `T`.
    pub(crate) fn parse<T: FromStr>(&mut self, expected: &'static str) -> Result<T, SyntaxError> {
        let word = self.word(expected)?;
        word.parse().map_err(|_| self.error(expected))
    }

    /// The next word as an unsigned decimal number.
    pub(crate) fn number<T: FromStr>(&mut self, expected: &'static str) -> Result<T, SyntaxError> {
        let word = self.word(expected)?;
        decimal(word).ok_or_else(|| self.error(expected))
    }

    /// All remaining words as a list of `T`, bounded by [`MAX_ITEMS`].
    pub(crate) fn list<T: FromStr>(
        &mut self,
        expected: &'static str,
    ) -> Result<Vec<T>, SyntaxError> {
        let mut items = Vec::new();
        while let Some(word) = self.take() {
            if items.len() == MAX_ITEMS {
                return Err(self.error("fewer items"));
            }
            items.push(word.parse().map_err(|_| self.error(expected))?);
        }
        Ok(items)
    }

    /// What has not been read yet, without leading spaces.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Nothing more may follow.
    pub(crate) fn end(&self) -> Result<(), SyntaxError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error("nothing more"))
        }
    }
}

/// An unsigned decimal number: digits only, unlike `str::parse`, which takes a plus sign.
pub(crate) fn decimal<T: FromStr>(text: &str) -> Option<T> {
    if !is_digits(text.as_bytes()) {
        return None;
    }
    text.parse().ok()
}
