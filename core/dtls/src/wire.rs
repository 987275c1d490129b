//! The presentation language of TLS (RFC 8446 §3): numbers in network order, and vectors after their
//! lengths.

/// What is left to be read. Every method is `None` when there is too little.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<usize> {
        let [a, b, c] = self.array()?;
        Some(u32::from_be_bytes([0, a, b, c]) as usize)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A vector after its length in one byte.
    pub(crate) fn vec8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.bytes(length.into())
    }

    /// A vector after its length in two bytes.
    pub(crate) fn vec16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(length.into())
    }

    /// A vector after its length in three bytes.
    pub(crate) fn vec24(&mut self) -> Option<&'a [u8]> {
        let length = self.u24()?;
        self.bytes(length)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None` if something is left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The whole of `bytes` as one vector after its length in two bytes.
pub(crate) fn only_vec16(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    let vector = reader.vec16()?;
    reader.end().map(|()| vector)
}

/// The numbers of a vector of two-byte numbers.
pub(crate) fn numbers(vector: &[u8]) -> impl Iterator<Item = u16> + '_ {
    vector
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Writes what `fill` appends, after its length in `width` bytes.
pub(crate) fn put_vec(out: &mut Vec<u8>, width: usize, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.resize(start + width, 0);
    fill(out);

    let length = (out.len() - start - width).to_be_bytes();
    out[start..start + width].copy_from_slice(&length[length.len() - width..]);
}

pub(crate) fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// The low three bytes.
pub(crate) fn be24(number: usize) -> [u8; 3] {
    [(number >> 16) as u8, (number >> 8) as u8, number as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_shorter() {
        let mut out = Vec::new();
        for width in 1..=3 {
            put_vec(&mut out, width, |out| out.extend([7; 5]));
        }
        put_u16(&mut out, 0x1234);
        let read = |bytes| {
            let mut reader = Reader::new(bytes);
            let vectors = [reader.vec8()?, reader.vec16()?, reader.vec24()?];
            let number = reader.u16()?;
            reader.end()?;
            Some((vectors, number))
        };
        assert_eq!(read(&out[..]), Some(([&[7; 5][..]; 3], 0x1234)));
        for length in 0..out.len() {
            assert_eq!(read(&out[..length]), None);
        }
    }
}
