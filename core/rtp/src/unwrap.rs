use duologue_base::{Seq16, Seq32};

macro_rules! unwrapper {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $serial:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $name {
            highest: Option<u64>,
        }

        impl $name {
            /// The extended number of the first one is this plus itself, so that those before it
            /// have one, too.
            pub const FIRST_CYCLE: u64 = 1 << <$raw>::BITS;

            /// The extended number: the one closest to the highest so far. Exactly half of the
            /// space ahead counts as behind.
            #[inline]
            pub fn unwrap(&mut self, number: $raw) -> u64 {
                let extended = self.peek(number);
                if self.highest.is_none_or(|highest| extended > highest) {
                    self.highest = Some(extended);
                }
                extended
            }

            /// What [`unwrap`](Self::unwrap) would say, without remembering it: for packets that
            /// have not been authenticated yet.
            #[inline]
            pub fn peek(&self, number: $raw) -> u64 {
                match self.highest {
                    Some(highest) => $serial(number).extend(highest),
                    None => Self::FIRST_CYCLE + u64::from(number),
                }
            }

            /// The highest so far.
            pub fn highest(&self) -> Option<u64> {
                self.highest
            }
        }
    };
}

unwrapper!(
    /// Extends sequence numbers of 16 bits so that they never wrap.
    ///
    /// ```
    /// use duologue_rtp::SeqUnwrapper;
    ///
    /// let mut unwrapper = SeqUnwrapper::default();
    /// let last = unwrapper.unwrap(65_535);
    /// assert_eq!(unwrapper.unwrap(1), last + 2);
    /// assert_eq!(unwrapper.unwrap(65_534), last - 1);
    /// ```
    SeqUnwrapper,
    u16,
    Seq16
);

unwrapper!(
    /// Extends RTP time stamps of 32 bits so that they never wrap.
    TimestampUnwrapper,
    u32,
    Seq32
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_came_before_the_first_has_a_number() {
        let mut unwrapper = SeqUnwrapper::default();
        let first = unwrapper.unwrap(0);
        assert_eq!(unwrapper.unwrap(65_535), first - 1);
        assert_eq!(unwrapper.unwrap(32_768), first - 32_768);
        assert_eq!(unwrapper.highest(), Some(first));
    }

    #[test]
    fn a_peek_is_not_remembered() {
        let mut unwrapper = TimestampUnwrapper::default();
        let first = unwrapper.unwrap(u32::MAX);
        assert_eq!(unwrapper.peek(5), first + 6);
        assert_eq!(unwrapper.highest(), Some(first));
    }

    proptest! {
        #[test]
        fn reordered_numbers_are_those_that_were_counted(
            start: u16,
            steps in proptest::collection::vec(-1_000i64..2_000, 1..200),
        ) {
            let mut unwrapper = SeqUnwrapper::default();
            let mut highest = unwrapper.unwrap(start);
            for step in steps {
                let expected = highest.wrapping_add_signed(step);
                prop_assert_eq!(unwrapper.unwrap(expected as u16), expected);
                highest = highest.max(expected);
            }
        }
    }
}
