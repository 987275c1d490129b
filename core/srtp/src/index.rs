//! The number of a packet: which it is, and whether it came before (RFC 3711 §3.3.1, §3.3.2).

use duologue_base::Seq16;

use crate::limits::{REPLAY_WINDOW, RTP_PACKETS};

/// The extended sequence number that 16 bits of it stand for, by the newest number of the stream so
/// far. None beyond the last one there is. Both ends must guess alike: what is half of the space away
/// stays in its cycle, other than [`Seq16::extend`] has it.
pub(crate) fn extended(newest: Option<u64>, sequence_number: Seq16) -> Option<u64> {
    // RFC 3711 §3.3.1: of the first packet on, the roll-over counter is zero.
    let number = u64::from(sequence_number.0);
    let newest = newest.unwrap_or(number);
    let (counter, last) = (newest >> 16, newest & 0xffff);
    let counter = if last < HALF && number > last + HALF {
        // One before zero there is none: then it is ahead, however far.
        counter.saturating_sub(1)
    } else if last >= HALF && number < last - HALF {
        counter + 1
    } else {
        counter
    };
    let index = counter << 16 | number;
    (index < RTP_PACKETS).then_some(index)
}

/// Which numbers of one stream there were, as far back as the replay window reaches.
#[derive(Clone, Debug)]
pub(crate) struct History {
    newest: u64,
    /// A ring of bits: a number's place is its rest by the window's length.
    seen: [u64; WORDS],
}

/// Why a number is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stale {
    Repeated,
    TooOld,
}

impl History {
    /// Of a stream whose first number this will be.
    pub(crate) fn beginning_at(newest: u64) -> Self {
        History {
            newest,
            seen: [0; WORDS],
        }
    }

    /// Of a stream that goes on after this number: it and all before it count as taken.
    pub(crate) fn closed_at(newest: u64) -> Self {
        History {
            newest,
            seen: [u64::MAX; WORDS],
        }
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether a packet of this number may still come.
    pub(crate) fn check(&self, index: u64) -> Result<(), Stale> {
        if index > self.newest {
            return Ok(());
        }
        if self.newest - index >= REPLAY_WINDOW {
            return Err(Stale::TooOld);
        }
        let (word, bit) = place(index);
        if self.seen[word] & bit != 0 {
            return Err(Stale::Repeated);
        }
        Ok(())
    }

    /// A packet of this number came; `check` has let it pass.
    pub(crate) fn commit(&mut self, index: u64) {
        if index > self.newest {
            if index - self.newest >= REPLAY_WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.newest + 1..index {
                    let (word, bit) = place(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.newest = index;
        }
        let (word, bit) = place(index);
        self.seen[word] |= bit;
    }
}

fn place(index: u64) -> (usize, u64) {
    let place = index % REPLAY_WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

const HALF: u64 = 1 << 15;
const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_counter_rolls_over_and_back_with_the_number() {
        assert_eq!(extended(None, Seq16(0xfffe)), Some(0xfffe));
        assert_eq!(extended(Some(0xfffe), Seq16(1)), Some(0x1_0001));
        assert_eq!(extended(Some(0x1_0001), Seq16(0xffff)), Some(0xffff));
        assert_eq!(extended(Some(0x2_8000), Seq16(0x7fff)), Some(0x2_7fff));
    }

    #[test]
    fn no_counter_is_below_zero_or_above_its_32_bits() {
        assert_eq!(extended(Some(5), Seq16(0xfff0)), Some(0xfff0));
        assert_eq!(
            extended(Some(RTP_PACKETS - 1), Seq16(0xfff0)),
            Some(RTP_PACKETS - 16)
        );
        assert_eq!(extended(Some(RTP_PACKETS - 1), Seq16(0)), None);
    }

    proptest! {
        #[test]
        fn a_jump_of_up_to_half_the_numbers_is_followed(
            newest in 0x8000_u64..RTP_PACKETS - 0x8000, jump in -0x7fff_i64..0x8000
        ) {
            let index = newest.checked_add_signed(jump).unwrap();
            prop_assert_eq!(extended(Some(newest), Seq16(index as u16)), Some(index));
        }

        /// What RFC 3711 §3.3.1 has as pseudo-code, in its own words.
        #[test]
        fn the_guess_is_that_of_the_rfc(counter in 1_u64..0xffff_ffff, last: u16, number: u16) {
            let (s_l, seq) = (i64::from(last), i64::from(number));
            let v = if s_l < 32_768 {
                if seq - s_l > 32_768 { counter - 1 } else { counter }
            } else if s_l - 32_768 > seq {
                counter + 1
            } else {
                counter
            };
            let guess = extended(Some(counter << 16 | u64::from(last)), Seq16(number));
            prop_assert_eq!(guess, Some(v << 16 | u64::from(number)));
        }

        #[test]
        fn each_number_passes_once_and_none_that_is_too_old(
            steps in prop::collection::vec(-1_500_i64..1_500, 1..400)
        ) {
            let mut history = History::beginning_at(100_000);
            let mut taken = BTreeSet::new();
            let mut newest = 100_000_u64;
            for step in steps {
                let index = newest.checked_add_signed(step).unwrap();
                let expected = if newest >= index + REPLAY_WINDOW {
                    Err(Stale::TooOld)
                } else if taken.contains(&index) {
                    Err(Stale::Repeated)
                } else {
                    Ok(())
                };
                prop_assert_eq!(history.check(index), expected);
                if expected.is_ok() {
                    history.commit(index);
                    taken.insert(index);
                    newest = newest.max(index);
                }
                prop_assert_eq!(history.newest(), newest);
            }
        }
    }
}
