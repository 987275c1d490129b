use std::fmt;
use std::ops::Deref;

/// Keeps an address, a credential or a description out of logs: its `Debug` and `Display` print
/// only that something is there. Code reads the value through `Deref`.
///
/// ```
/// use duologue_base::Redacted;
///
/// let pwd = Redacted("secret".to_owned());
/// assert_eq!(format!("{pwd:?}"), "<redacted>");
/// assert_eq!(pwd.len(), 6);
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Redacted<T>(pub T);

impl<T> Deref for Redacted<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Redacted(value)
    }
}
