use super::VERSION;

/// Appends RTCP packets to a buffer, one behind the other: a compound packet (RFC 3550 §6.1) if the
/// first one is a report, else one of reduced size (RFC 5506).
///
/// What a packet has no room for is left out or goes into a packet of the same type behind it; each
/// method says which.
#[derive(Debug)]
pub struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Appends to what is in `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Writer { out }
    }

    /// Bytes in the buffer, those before the first packet with them.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// Appends a packet; `count` has five bits. Bodies are filled up to whole words with zeros.
    pub(super) fn packet<R>(
        &mut self,
        packet_type: u8,
        count: u8,
        body: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        let start = self.out.len();
        self.out
            .extend_from_slice(&[(VERSION << 6) | (count & 0x1f), packet_type, 0, 0]);
        let result = body(self.out);

        let len = self.out.len() - start;
        self.out.resize(start + len.next_multiple_of(4), 0);
        // Callers keep bodies below 256 kB.
        let words = (len.div_ceil(4) - 1) as u16;
        self.out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
        result
    }
}
