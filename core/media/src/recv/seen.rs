/// Which of a stream's last packets came, where nothing is asked for again.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    highest: Option<u64>,
    /// The lowest bit is the highest number's, the next one that of the number before.
    came: u128,
}

impl Seen {
    /// A packet came. False: it did before, or it is too old to tell.
    pub(crate) fn take(&mut self, sequence_number: u64) -> bool {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence_number);
            self.came = 1;
            return true;
        };
        if sequence_number > highest {
            let ahead = u32::try_from(sequence_number - highest).unwrap_or(u32::MAX);
            let shifted = self.came.checked_shl(ahead).unwrap_or(0);
            self.came = shifted | 1;
            self.highest = Some(sequence_number);
            return true;
        }
        let behind = u32::try_from(highest - sequence_number).unwrap_or(u32::MAX);
        let bit = 1_u128.checked_shl(behind).unwrap_or(0);
        let new = bit != 0 && self.came & bit == 0;
        self.came |= bit;
        new
    }

    /// A packet did not come, and is not too old to be taken.
    pub(crate) fn lacks(&self, sequence_number: u64) -> bool {
        let Some(highest) = self.highest else {
            return true;
        };
        let behind = u32::try_from(highest.saturating_sub(sequence_number)).unwrap_or(u32::MAX);
        let bit = 1_u128.checked_shl(behind).unwrap_or(0);
        sequence_number > highest || bit != 0 && self.came & bit == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once() {
        let mut seen = Seen::default();
        let taken = [
            10,
            12,
            11,
            12,
            11,
            9,
            139,
            11,
            12,
            138,
            10_000,
            139,
            u64::MAX,
            0,
        ];
        let taken = taken.map(|number| seen.take(number));
        let expected = [1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0];
        assert_eq!(taken, expected.map(|bit| bit == 1));
    }
}
