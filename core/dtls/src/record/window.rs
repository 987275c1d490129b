/// The replay window of one epoch (RFC 6347 §4.1.2.6, RFC 9147 §4.5.1): which of the newest record
/// numbers have come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    /// The number after the highest that came.
    next: u64,
    /// Bit n: the number `next - 1 - n` came.
    seen: u128,
}

impl Window {
    /// Whether nothing came.
    pub(crate) fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// Whether a number has not come yet, as far as is known: what is older than the window may have.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        match self.next.checked_sub(number + 1) {
            None => true,
            Some(age) if age < u128::BITS.into() => self.seen & (1 << age) == 0,
            Some(_) => false,
        }
    }

    /// An authentic record has this number.
    pub(crate) fn mark(&mut self, number: u64) {
        match self.next.checked_sub(number + 1) {
            None => {
                let ahead = number + 1 - self.next;
                let ahead = u32::try_from(ahead).unwrap_or(u128::BITS);
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.next = number + 1;
            }
            Some(age) if age < u128::BITS.into() => self.seen |= 1 << age,
            Some(_) => {}
        }
    }

    /// The whole number of which a record shows the low bits: the one nearest to what comes next
    /// (RFC 9147 §4.2.2).
    #[inline]
    pub(crate) fn complete(&self, low: u64, bits: u32) -> u64 {
        let span = 1_u64 << bits;
        let same = (self.next & !(span - 1)) | low;
        let distance = |candidate: u64| candidate.abs_diff(self.next);
        let below = same.checked_sub(span).unwrap_or(same);
        [same, same + span, below]
            .into_iter()
            .min_by_key(|candidate| distance(*candidate))
            .unwrap_or(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_new_once_and_what_is_too_old_never() {
        let mut window = Window::default();
        for number in [0, 5, 3, 200, 199, 100, 73, 1000] {
            assert!(window.is_new(number), "{number}");
            window.mark(number);
            assert!(!window.is_new(number), "{number}");
        }
        assert!(!window.is_new(1000 - 128));
        assert!(window.is_new(1000 - 127));
        assert!(window.is_new((1 << 48) - 1));
        window.mark((1 << 48) - 1);
        assert!(!window.is_new(1000));
    }

    #[test]
    fn low_bits_mean_the_number_nearest_to_the_next() {
        let mut window = Window::default();
        assert_eq!(window.complete(0xffff, 16), 0xffff);
        window.mark(0x1_fff0);
        for number in [0x1_fff1, 0x2_0001, 0x1_8fff, 0x2_7000] {
            assert_eq!(window.complete(number & 0xffff, 16), number);
        }
        assert_eq!(window.complete(0xf0, 8), 0x1_fff0);
        assert_eq!(window.complete(0x02, 8), 0x2_0002);
    }
}
