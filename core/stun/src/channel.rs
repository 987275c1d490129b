/// A TURN channel: 0x4000 to 0x4fff (RFC 8656 §12).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChannelNumber(u16);

impl ChannelNumber {
    /// The lowest number.
    pub const FIRST: ChannelNumber = ChannelNumber(0x4000);
    /// The highest number.
    pub const LAST: ChannelNumber = ChannelNumber(0x4fff);

    /// The channel of a number; `None` outside 0x4000 to 0x4fff.
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            0x4000..=0x4fff => Some(ChannelNumber(number)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Application data on a TURN channel (RFC 8656 §12.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelData<'a> {
    /// The channel.
    pub number: ChannelNumber,
    /// The data without padding.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Length of the header.
    pub const HEADER_LEN: usize = 4;

    /// Reads one message. Bytes after the data are padding and ignored (RFC 8656 §12.6).
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[n0, n1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let number = ChannelNumber::new(u16::from_be_bytes([n0, n1]))?;
        let data = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
        Some(ChannelData { number, data })
    }

    /// The header of a message with `len` bytes of data.
    pub const fn header(number: ChannelNumber, len: u16) -> [u8; 4] {
        let (n, l) = (number.0.to_be_bytes(), len.to_be_bytes());
        [n[0], n[1], l[0], l[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_data_is_read_without_its_padding() {
        let number = ChannelNumber::new(0x4001).unwrap();
        let mut bytes = ChannelData::header(number, 3).to_vec();
        bytes.extend_from_slice(b"abc\0");
        let read = ChannelData::parse(&bytes).unwrap();
        assert_eq!((read.number, read.data), (number, &b"abc"[..]));
        assert_eq!(ChannelData::parse(&bytes[..6]), None);
        assert_eq!(ChannelData::parse(&[0x50, 0, 0, 0]), None);
    }
}
