use std::fmt;
use std::ops::Deref;

use zeroize::Zeroize;

/// Keeps an address, a credential or a description out of logs: its `Debug` and `Display` print
/// only that something is there. Code reads the value through `Deref`. Its memory is overwritten
/// when it goes.
///
/// ```
/// use duologue_base::Redacted;
///
/// let pwd = Redacted("secret".to_owned());
/// assert_eq!(format!("{pwd:?}"), "<redacted>");
/// assert_eq!(pwd.len(), 6);
/// ```
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Redacted<T: Wipe>(pub T);

/// What can be overwritten, so that nothing of it is left in memory that is used again.
pub trait Wipe {
    /// Overwrites it.
    fn wipe(&mut self);
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Box<[u8]> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for u128 {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// A place holder for what is kept elsewhere.
impl Wipe for () {
    fn wipe(&mut self) {}
}

impl<T: Wipe> Drop for Redacted<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> Deref for Redacted<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Wipe> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Wipe> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Redacted(value)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    struct Watched(Rc<Cell<u32>>);

    impl Wipe for Watched {
        fn wipe(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_secret_is_wiped_once_when_it_goes() {
        let wiped = Rc::new(Cell::new(0));
        let secret = Redacted(Watched(Rc::clone(&wiped)));
        let moved = secret;
        assert_eq!(wiped.get(), 0);
        drop(moved);
        assert_eq!(wiped.get(), 1);
    }

    #[test]
    fn what_is_wiped_is_empty_or_zero() {
        let mut text = "secret".to_owned();
        let mut bytes = vec![7; 9];
        let mut boxed: Box<[u8]> = vec![7; 9].into();
        let mut array = [7; 9];
        text.wipe();
        bytes.wipe();
        boxed.wipe();
        array.wipe();
        assert_eq!(array, [0; 9]);
        assert!(text.is_empty() && bytes.is_empty());
        assert!(boxed.iter().all(|&byte| byte == 0));
    }
}
