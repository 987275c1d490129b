//! Where records begin and end.

/// The content types of records (RFC 8446 §5.1, RFC 9147 §4.1).
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
    pub(crate) const ACK: u8 = 26;
}

/// Type, version, epoch, number, length (RFC 6347 §4.1).
pub(crate) const RECORD_HEADER: usize = 13;

/// RFC 9147 §4: the unified header as it is written here, with a number of 16 bits and a length.
pub(crate) const UNIFIED_HEADER: usize = 5;

/// The version that every record says it has.
pub(crate) const VERSION_BYTES: [u8; 2] = [0xfe, 0xfd];

/// RFC 9147 §4: 001CSLEE.
pub(crate) const UNIFIED: u8 = 0b0010_0000;
const UNIFIED_MASK: u8 = 0b1110_0000;
const CONNECTION_ID: u8 = 0b0001_0000;
pub(crate) const LONG_NUMBER: u8 = 0b0000_1000;
pub(crate) const HAS_LENGTH: u8 = 0b0000_0100;
pub(crate) const EPOCH_BITS: u8 = 0b0000_0011;

/// What the beginning of a record says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Header {
    /// RFC 6347 §4.1: plaintext, or protected by DTLS 1.2.
    Plain {
        content: u8,
        epoch: u16,
        number: u64,
        length: usize,
    },
    /// RFC 9147 §4: protected by DTLS 1.3.
    Unified {
        /// The low bits of the epoch.
        epoch_bits: u8,
        /// Bytes of the number, which follows the first byte.
        number_len: usize,
        header_len: usize,
        length: usize,
    },
}

impl Header {
    /// `None` for what is no record, or is not whole. What follows it in its datagram cannot be
    /// told from it then.
    pub(crate) fn read(datagram: &[u8]) -> Option<Header> {
        let first = *datagram.first()?;
        let header = match first & UNIFIED_MASK == UNIFIED {
            true => Header::read_unified(first, datagram)?,
            false => Header::read_plain(datagram)?,
        };
        (datagram.len() >= header.total_len()).then_some(header)
    }

    fn read_plain(datagram: &[u8]) -> Option<Header> {
        let header: &[u8; RECORD_HEADER] = datagram.first_chunk()?;
        // DTLS 1.0's number is in a first hello's header (RFC 9147 §5.3).
        if header[1] != 0xfe || !matches!(header[2], 0xff | 0xfd) {
            return None;
        }
        Some(Header::Plain {
            content: header[0],
            epoch: u16::from_be_bytes([header[3], header[4]]),
            number: u64::from_be_bytes([
                0, 0, header[5], header[6], header[7], header[8], header[9], header[10],
            ]),
            length: u16::from_be_bytes([header[11], header[12]]).into(),
        })
    }

    fn read_unified(first: u8, datagram: &[u8]) -> Option<Header> {
        // None was negotiated (RFC 9146).
        if first & CONNECTION_ID != 0 {
            return None;
        }
        let number_len = if first & LONG_NUMBER != 0 { 2 } else { 1 };
        let (header_len, length) = match first & HAS_LENGTH != 0 {
            true => {
                let at = 1 + number_len;
                let length = datagram.get(at..at + 2)?;
                (at + 2, u16::from_be_bytes([length[0], length[1]]).into())
            }
            false => {
                let header_len = 1 + number_len;
                (header_len, datagram.len().checked_sub(header_len)?)
            }
        };
        Some(Header::Unified {
            epoch_bits: first & EPOCH_BITS,
            number_len,
            header_len,
            length,
        })
    }

    pub(crate) fn total_len(&self) -> usize {
        match self {
            Header::Plain { length, .. } => RECORD_HEADER + length,
            Header::Unified {
                header_len, length, ..
            } => header_len + length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_not_whole_is_none() {
        let plain = [22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 2, 0, 2, 8, 9];
        let unified = [0x2f, 1, 2, 0, 2, 8, 9];
        let short = [0x23, 1, 8, 9];
        for record in [&plain[..], &unified, &short] {
            let header = Header::read(record).expect("a record");
            assert_eq!(header.total_len(), record.len());
        }
        for record in [&plain[..], &unified] {
            for length in 0..record.len() {
                assert_eq!(Header::read(&record[..length]), None);
            }
        }
        let read = Header::read(&plain);
        assert!(matches!(
            read,
            Some(Header::Plain {
                epoch: 1,
                number: 258,
                ..
            })
        ));
        assert_eq!(Header::read(&[0x3f, 1, 2, 0, 0]), None, "a connection id");
        assert_eq!(
            Header::read(&[22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            None
        );
    }
}
