use std::ops::Range;

/// Where the header extension of a packet lies (RFC 3550 §5.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExtensionBlock {
    profile: u16,
    start: u16,
    len: u16,
}

impl ExtensionBlock {
    /// The profile of a header extension with one-byte elements (RFC 8285 §4.2).
    pub const ONE_BYTE: u16 = 0xbede;
    /// Two-byte elements (RFC 8285 §4.3); the low four bits are the application's.
    pub const TWO_BYTE: u16 = 0x1000;

    /// `None` if no datagram can hold it.
    #[inline]
    pub(crate) fn new(profile: u16, start: usize, words: u16) -> Option<Self> {
        Some(ExtensionBlock {
            profile,
            start: u16::try_from(start).ok()?,
            len: words.checked_mul(4)?,
        })
    }

    /// What says how the elements look: [`ONE_BYTE`](Self::ONE_BYTE), [`TWO_BYTE`](Self::TWO_BYTE),
    /// cryptex's (RFC 9335 §4), or another's.
    pub fn profile(self) -> u16 {
        self.profile
    }

    /// Where the elements lie, behind profile and length.
    pub fn range(self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len)
    }

    /// The elements of the datagram that this was read from; none if the profile is another one.
    #[inline]
    pub fn elements(self, datagram: &[u8]) -> Elements<'_> {
        let two_byte = match self.profile {
            ExtensionBlock::ONE_BYTE => false,
            profile if profile & 0xfff0 == ExtensionBlock::TWO_BYTE => true,
            _ => return Elements::default(),
        };
        match datagram.get(..self.range().end) {
            Some(datagram) => Elements {
                datagram,
                at: self.start.into(),
                two_byte,
            },
            None => Elements::default(),
        }
    }
}

/// The elements of a header extension (RFC 8285 §4.2, §4.3), in their order on the wire.
#[derive(Clone, Debug, Default)]
pub struct Elements<'a> {
    /// Up to the end of the header extension.
    datagram: &'a [u8],
    at: usize,
    two_byte: bool,
}

/// An element of a header extension.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Element<'a> {
    /// The id of the element: not 0; not 15 or above in one-byte elements.
    pub id: u8,
    /// Where `data` begins in the datagram.
    pub start: u16,
    /// The data of the element, at most 255 bytes.
    pub data: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let first = *self.datagram.get(self.at)?;
            self.at += 1;
            // RFC 8285 §4.1.2, §4.1.3: a zero byte between elements is padding.
            if first == 0 {
                continue;
            }

            let (id, len) = if self.two_byte {
                let len = *self.datagram.get(self.at)?;
                self.at += 1;
                (first, usize::from(len))
            } else {
                (first >> 4, usize::from(first & 0xf) + 1)
            };
            let start = self.at;
            self.at += len;
            // RFC 8285 §4.2: the id 15, and a length with the id 0, end the whole extension.
            if !self.two_byte && (id == 15 || id == 0) {
                self.at = self.datagram.len();
                return None;
            }

            let Some(data) = self.datagram.get(start..self.at) else {
                self.at = self.datagram.len();
                return None;
            };
            return Some(Element {
                id,
                // The datagram is not longer.
                start: start as u16,
                data,
            });
        }
    }
}

/// How elements are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    OneByte,
    TwoByte,
}

impl Form {
    pub(super) fn profile(self) -> u16 {
        match self {
            Form::OneByte => ExtensionBlock::ONE_BYTE,
            Form::TwoByte => ExtensionBlock::TWO_BYTE,
        }
    }

    /// Appends an element; `false` if it cannot be written in this form.
    #[inline]
    pub(super) fn write(self, id: u8, data: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Form::OneByte => {
                if id > crate::ExtensionId::MAX_ONE_BYTE || !(1..=16).contains(&data.len()) {
                    return false;
                }
                out.push(id << 4 | (data.len() - 1) as u8);
            }
            Form::TwoByte => {
                let Ok(len) = u8::try_from(data.len()) else {
                    return false;
                };
                out.extend_from_slice(&[id, len]);
            }
        }
        out.extend_from_slice(data);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of a block without its four bytes of head.
    fn read(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let words = u16::try_from(block.len() / 4).unwrap();
        let found = ExtensionBlock::new(profile, 0, words).unwrap();
        found
            .elements(block)
            .map(|e| {
                assert_eq!(block[usize::from(e.start)..][..e.data.len()], *e.data);
                (e.id, e.data.to_vec())
            })
            .collect()
    }

    #[test]
    fn one_byte_elements_are_those_of_rfc_8285() {
        // The figure of §4.2: lengths of 1, 2 and 4 bytes, padding between them.
        let block = [0x10, 0xaa, 0x21, 0xbb, 0xbc, 0, 0, 0x33, 1, 2, 3, 4];
        assert_eq!(
            read(ExtensionBlock::ONE_BYTE, &block),
            [
                (1, vec![0xaa]),
                (2, vec![0xbb, 0xbc]),
                (3, vec![1, 2, 3, 4])
            ]
        );
    }

    #[test]
    fn two_byte_elements_are_those_of_rfc_8285() {
        // The figure of §4.3: lengths of 0, 1 and 4 bytes, padding between them.
        let block = [1, 0, 2, 1, 0xaa, 0, 3, 4, 1, 2, 3, 4];
        let expected = [(1, vec![]), (2, vec![0xaa]), (3, vec![1, 2, 3, 4])];
        assert_eq!(read(0x1000, &block), expected);
        assert_eq!(read(0x100f, &block), expected);
    }

    #[test]
    fn the_id_15_ends_one_byte_elements() {
        let block = [0x10, 1, 0xf0, 2, 0x20, 3, 0, 0];
        assert_eq!(read(ExtensionBlock::ONE_BYTE, &block), [(1, vec![1])]);
        // A length with the id of padding ends them, too.
        let block = [0x10, 1, 0x01, 2, 0x20, 3, 0, 0];
        assert_eq!(read(ExtensionBlock::ONE_BYTE, &block), [(1, vec![1])]);
        // Neither is special in two-byte elements.
        let block = [15, 1, 7, 16, 1, 8, 0, 0];
        assert_eq!(read(0x1000, &block), [(15, vec![7]), (16, vec![8])]);
    }

    #[test]
    fn an_element_that_leaves_the_block_ends_it() {
        assert_eq!(
            read(ExtensionBlock::ONE_BYTE, &[0x10, 1, 0x23, 2]),
            [(1, vec![1])]
        );
        assert_eq!(read(0x1000, &[1, 1, 9, 2]), [(1, vec![9])]);
        assert_eq!(read(0x1000, &[1, 3, 9, 2]), []);
    }

    #[test]
    fn another_profile_has_no_elements() {
        for profile in [0, 0xc0de, 0xc2de, 0x1010, 0x2000] {
            assert_eq!(read(profile, &[0x10, 1, 0, 0]), []);
        }
    }
}
