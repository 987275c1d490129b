use std::cmp::Ordering;

macro_rules! serial {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $signed:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub struct $name(pub $raw);

        impl $name {
            /// The number `n` after this one, wrapping.
            #[must_use]
            pub const fn plus(self, n: $raw) -> Self {
                $name(self.0.wrapping_add(n))
            }

            /// The number `n` before this one, wrapping.
            #[must_use]
            pub const fn minus(self, n: $raw) -> Self {
                $name(self.0.wrapping_sub(n))
            }

            /// How far this number is ahead of `other`; negative when it is behind.
            pub const fn distance(self, other: Self) -> $signed {
                self.0.wrapping_sub(other.0) as $signed
            }

            /// The number without wraps that ends in this one and is nearest to `near`, never below
            /// zero. Exactly half of the space ahead counts as behind (RFC 1982 §3.2 leaves it open).
            pub const fn extend(self, near: u64) -> u64 {
                let distance = self.distance($name(near as $raw)) as i64;
                match near.checked_add_signed(distance) {
                    Some(extended) => extended,
                    // Before zero there is none: the nearest is in the first cycle.
                    None => self.0 as u64,
                }
            }

            /// Whether this number comes before `other` (RFC 1982 §3.2).
            pub const fn before(self, other: Self) -> bool {
                self.distance(other) < 0
            }

            /// Whether this number comes after `other` (RFC 1982 §3.2).
            pub const fn after(self, other: Self) -> bool {
                self.distance(other) > 0
            }

            /// Serial order; exactly half the space apart counts as before.
            pub fn serial_cmp(self, other: Self) -> Ordering {
                self.distance(other).cmp(&0)
            }
        }
    };
}

serial!(
    /// A 16-bit serial number (RFC 1982): RTP sequence numbers, SCTP stream sequence numbers.
    Seq16,
    u16,
    i16
);
serial!(
    /// A 32-bit serial number (RFC 1982): SCTP's TSNs, message ids, request numbers.
    Seq32,
    u32,
    i32
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        assert!(Seq16(u16::MAX).before(Seq16(0)));
        assert!(Seq32(3).after(Seq32(u32::MAX - 2)));
        assert_eq!(Seq32(3).distance(Seq32(u32::MAX)), 4);
        assert_eq!(Seq16(5).serial_cmp(Seq16(5)), Ordering::Equal);
    }

    #[test]
    fn a_number_is_extended_to_the_nearest_one() {
        let near = 3 << 16;
        assert_eq!(Seq16(2).extend(near), near + 2);
        assert_eq!(Seq16(65_535).extend(near), near - 1);
        assert_eq!(Seq16(0x8000).extend(near), near - 0x8000);
        assert_eq!(Seq16(65_535).extend(4), 65_535);
        assert_eq!(Seq32(1).extend(u64::from(u32::MAX)), 1 << 32 | 1);
    }
}
