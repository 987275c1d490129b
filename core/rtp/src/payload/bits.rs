/// Reads bits, the highest of each byte first. Behind the end all is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a 3 behind two zeros is no data.
    escaped: bool,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Bits {
            bytes,
            at: 0,
            escaped: false,
        }
    }

    /// Those of a NAL unit, without its emulation prevention bytes (H.264 §7.3.1, H.265 §7.3.1.1).
    pub(crate) fn of_nal(bytes: &'a [u8]) -> Self {
        Bits {
            escaped: true,
            ..Bits::new(bytes)
        }
    }

    /// Of up to 32 bits.
    pub(crate) fn read(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        if self.escaped && self.at.is_multiple_of(8) && self.bytes[..self.at / 8].ends_with(&[0, 0])
        {
            let escape = self.bytes.get(self.at / 8) == Some(&3);
            self.at += if escape { 8 } else { 0 };
        }
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    pub(crate) fn skip(&mut self, bits: u32) -> Option<()> {
        for _ in 0..bits {
            self.bit()?;
        }
        Some(())
    }

    /// An Exp-Golomb number without sign (H.264 §9.1); AV1 calls it `uvlc` (§4.10.3).
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
        }
        match zeros {
            0..32 => (self.read(zeros)?).checked_add((1u32 << zeros) - 1),
            _ => None,
        }
    }

    /// One with sign (H.264 §9.1.1).
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.unsigned()?);
        Some(match code % 2 {
            0 => -(code / 2),
            _ => code / 2 + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_numbers_are_those_of_the_table() {
        // H.264 table 9-2: 0 is 1, 1 is 010, 2 is 011, 3 is 00100, 6 is 00111.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0011, 0b1000_0000]);
        let mut next = || bits.unsigned();
        assert_eq!(
            [next(), next(), next(), next()],
            [Some(0), Some(1), Some(2), Some(3)]
        );
        assert_eq!(next(), Some(6));
        let mut signed = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let mut next = || signed.signed();
        assert_eq!(
            [next(), next(), next(), next(), next()],
            [Some(0), Some(1), Some(-1), Some(2), Some(-2)]
        );
    }

    #[test]
    fn a_number_without_end_is_none() {
        assert_eq!(Bits::new(&[0; 3]).unsigned(), None);
        assert_eq!(Bits::new(&[0; 64]).unsigned(), None);
        assert_eq!(Bits::new(&[0, 0, 0, 0, 0x80, 0, 0, 0, 0]).unsigned(), None);
    }

    #[test]
    fn a_3_behind_two_zeros_of_a_nal_unit_is_no_data() {
        let mut bits = Bits::of_nal(&[0, 0, 3, 0, 0, 3, 1, 3]);
        assert_eq!(bits.read(32), Some(0));
        assert_eq!(bits.read(16), Some(0x0103));
        assert_eq!(bits.bit(), None);
    }
}
