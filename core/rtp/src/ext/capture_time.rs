use crate::NtpTime;

/// When the first frame of a packet was captured (`abs-capture-time`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CaptureTime {
    /// The time of the capture, on the clock of whoever captured the frame.
    pub at: NtpTime,
    /// How far that clock is ahead of the sender's, by which sender reports are, in seconds with 32
    /// bits behind the point: 0 of who captures itself, something else of a mixer or forwarder.
    pub clock_offset: Option<i64>,
}

impl CaptureTime {
    /// Reads eight bytes, or sixteen with the offset; `None` of any other length.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (at, rest) = bytes.split_first_chunk::<8>()?;
        let clock_offset = match rest.len() {
            0 => None,
            8 => Some(i64::from_be_bytes(*rest.first_chunk()?)),
            _ => return None,
        };
        Some(CaptureTime {
            at: NtpTime::from_bits(u64::from_be_bytes(*at)),
            clock_offset,
        })
    }

    /// The bytes on the wire, and how many of them count.
    pub(super) fn to_bytes(self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.at.to_bits().to_be_bytes());
        let Some(offset) = self.clock_offset else {
            return (bytes, 8);
        };
        bytes[8..].copy_from_slice(&offset.to_be_bytes());
        (bytes, 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_time_has_one_or_two_numbers() {
        for clock_offset in [None, Some(0), Some(-1)] {
            let time = CaptureTime {
                at: NtpTime::from_bits(0x0102_0304_0506_0708),
                clock_offset,
            };
            let (bytes, len) = time.to_bytes();
            assert_eq!(bytes[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!(CaptureTime::parse(&bytes[..len]), Some(time));
        }
        for len in [0, 7, 9, 15, 17] {
            assert_eq!(CaptureTime::parse(&vec![0; len]), None);
        }
    }
}
