use std::ffi::c_void;

/// A C structure as its bytes, of which only the places of some fields are known, with a guard behind
/// it that shows whether the library thinks that it is longer.
pub(crate) struct Record {
    words: Box<[u64]>,
    size: usize,
}

/// What bytes are before the library writes them.
const UNTOUCHED: u8 = 0xa5;
const GUARD_WORDS: usize = 256;

impl Record {
    /// All zero.
    pub(crate) fn zeroed(size: usize) -> Self {
        let words = size.div_ceil(8);
        let guard = u64::from_ne_bytes([UNTOUCHED; 8]);
        let words = std::iter::repeat_n(0, words).chain(std::iter::repeat_n(guard, GUARD_WORDS));
        Record {
            words: words.collect(),
            size,
        }
    }

    /// For the library to fill.
    pub(crate) fn untouched(size: usize) -> Self {
        let mut record = Record::zeroed(size);
        record.words.fill(u64::from_ne_bytes([UNTOUCHED; 8]));
        record
    }

    /// Whether nothing was written behind it.
    pub(crate) fn is_intact(&self) -> bool {
        let guard = &self.words[self.size.div_ceil(8)..];
        let untouched = u64::from_ne_bytes([UNTOUCHED; 8]);
        guard.iter().all(|word| *word == untouched)
    }

    /// Whether the library wrote it to its end, and not further.
    pub(crate) fn is_filled(&self) -> bool {
        self.is_intact() && self.u32(self.size - 4) != u32::from_ne_bytes([UNTOUCHED; 4])
    }

    pub(crate) fn as_ptr(&self) -> *const c_void {
        self.words.as_ptr().cast()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut c_void {
        self.words.as_mut_ptr().cast()
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let word = self.words[at / 8].to_ne_bytes();
        std::array::from_fn(|index| word[at % 8 + index])
    }

    fn set_bytes<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        debug_assert!(at + N <= self.size);
        let mut word = self.words[at / 8].to_ne_bytes();
        word[at % 8..][..N].copy_from_slice(&bytes);
        self.words[at / 8] = u64::from_ne_bytes(word);
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.bytes(at))
    }

    pub(crate) fn usize(&self, at: usize) -> usize {
        usize::from_ne_bytes(self.bytes(at))
    }

    pub(crate) fn set_u8(&mut self, at: usize, value: u8) {
        self.set_bytes(at, [value]);
    }

    pub(crate) fn set_u16(&mut self, at: usize, value: u16) {
        self.set_bytes(at, value.to_ne_bytes());
    }

    pub(crate) fn set_u32(&mut self, at: usize, value: u32) {
        self.set_bytes(at, value.to_ne_bytes());
    }

    pub(crate) fn set_f32(&mut self, at: usize, value: f32) {
        self.set_bytes(at, value.to_ne_bytes());
    }

    pub(crate) fn set_u64(&mut self, at: usize, value: u64) {
        self.set_bytes(at, value.to_ne_bytes());
    }

    /// Where `pointer` points to has to live as long as the library uses the record.
    pub(crate) fn set_pointer(&mut self, at: usize, pointer: *const u8) {
        self.set_bytes(at, pointer.expose_provenance().to_ne_bytes());
    }

    /// What stands there as a pointer.
    pub(crate) fn pointer(&self, at: usize) -> *const u8 {
        std::ptr::with_exposed_provenance(self.usize(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_where_they_are_set_and_what_is_written_behind_shows() {
        let mut record = Record::zeroed(20);
        record.set_u32(4, 7);
        record.set_u8(9, 3);
        record.set_u16(10, u16::from_ne_bytes([2, 1]));
        record.set_u32(16, 9);
        assert_eq!((record.u32(4), record.u32(16)), (7, 9));
        assert_eq!(record.u32(8).to_ne_bytes(), [0, 3, 2, 1]);
        assert_eq!(record.u32(0), 0);
        assert!(record.is_intact() && record.is_filled());
        // A library that has a longer structure.
        record.words[3] = 0;
        assert!(!record.is_intact() && !record.is_filled());
        let mut short = Record::untouched(24);
        short.set_u64(8, 1);
        assert!(short.is_intact() && !short.is_filled());
    }
}
