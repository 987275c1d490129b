//! Numbers of packets, and of pictures, as a receiver sees them that does not get all of them.

use std::collections::VecDeque;

use crate::limits::FORWARD_LEFT_OUT;

/// Numbers of one source after another, as one run without gaps but those that the network made.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Where the source begins: its number, and the one that is given out for it.
    base: Option<(u64, u64)>,
    /// The highest of the source's numbers that were looked at.
    highest: u64,
    /// The highest number that was given out.
    last: Option<u64>,
    /// Of the source, in their order: what the receiver does not get.
    left_out: VecDeque<u64>,
}

impl Numbers {
    /// A source begins with `number`, right behind what was given out before. Its earlier numbers are
    /// not given out.
    pub(super) fn begin(&mut self, number: u64) {
        let next = self.last.map_or(number, |last| last + 1);
        self.base = Some((number, next));
        self.highest = number;
        self.left_out.clear();
    }

    /// The number for one of the source; `None` for one before its beginning, or that was left out.
    pub(super) fn map(&mut self, number: u64) -> Option<u64> {
        let mapped = self.look_up(number)?;
        self.highest = self.highest.max(number);
        self.last = self.last.max(Some(mapped));
        Some(mapped)
    }

    fn look_up(&self, number: u64) -> Option<u64> {
        let (base, begins) = self.base?;
        let below = self.left_out.partition_point(|out| *out < number);
        if self.left_out.get(below) == Some(&number) {
            return None;
        }
        Some(begins + number.checked_sub(base)? - below as u64)
    }

    /// Nothing behind this one was looked at.
    pub(super) fn is_ahead(&self, number: u64) -> bool {
        self.base.is_some_and(|(base, _)| number >= base) && number >= self.highest
    }

    /// The receiver does not get this one, and sees no gap. One that comes late has its place already:
    /// that stays a gap.
    pub(super) fn leave_out(&mut self, number: u64) {
        if self.base.is_none() || number <= self.highest {
            return;
        }
        if self.left_out.len() >= FORWARD_LEFT_OUT {
            self.forget_oldest();
        }
        self.highest = self.highest.max(number);
        self.left_out.push_back(number);
    }

    /// Numbers up to the one that was left out first are not given out any more.
    fn forget_oldest(&mut self) {
        if let (Some((base, begins)), Some(oldest)) = (self.base, self.left_out.pop_front()) {
            self.base = Some((oldest + 1, begins + (oldest - base)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_makes_no_gap_and_what_is_lost_does() {
        let mut numbers = Numbers::default();
        numbers.begin(100);
        assert_eq!(numbers.map(100), Some(100));
        numbers.leave_out(101);
        numbers.leave_out(102);
        assert_eq!(numbers.map(103), Some(101));
        // 104 is lost.
        assert_eq!(numbers.map(105), Some(103));
        // 104 was late.
        assert_eq!(numbers.map(104), Some(102));
        assert_eq!((numbers.map(101), numbers.map(99)), (None, None));
    }

    #[test]
    fn another_source_goes_on_right_behind() {
        let mut numbers = Numbers::default();
        numbers.begin(65_530);
        numbers.map(65_540);
        numbers.begin(7);
        assert_eq!(
            (numbers.map(7), numbers.map(8), numbers.map(6)),
            (Some(65_541), Some(65_542), None)
        );
    }

    #[test]
    fn what_is_left_out_late_stays_a_gap() {
        let mut numbers = Numbers::default();
        numbers.begin(1);
        assert_eq!((numbers.map(1), numbers.map(3)), (Some(1), Some(3)));
        numbers.leave_out(2);
        assert_eq!(numbers.map(4), Some(4));
    }

    #[test]
    fn numbers_stay_in_their_run_however_many_are_left_out() {
        let mut numbers = Numbers::default();
        numbers.begin(0);
        let mut given = Vec::new();
        for number in 0..20 * FORWARD_LEFT_OUT as u64 {
            match number % 3 {
                0 => given.extend(numbers.map(number)),
                _ => numbers.leave_out(number),
            }
        }
        let expected: Vec<u64> = (0..given.len() as u64).collect();
        assert!(given == expected, "{:?}", &given[given.len() - 5..]);
        assert!(numbers.left_out.len() <= FORWARD_LEFT_OUT);
    }
}
