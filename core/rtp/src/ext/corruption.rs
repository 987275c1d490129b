/// A few samples of a picture as it was before it was encoded (`corruption-detection`): who decodes it compares them
/// with what came out. libwebrtc's, "Corruption Detection"; it is in the clear where headers are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CorruptionDetection {
    /// Where the samples lie: the number of the first in a sequence of places.
    pub index: SampleIndex,
    /// How samples are to be taken and compared.
    pub filter: SampleFilter,
    samples: [u8; Self::MAX_SAMPLES],
    len: u8,
}

/// A number of 14 bits, half of which is told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SampleIndex {
    /// The upper seven bits; the others are zero. So it is of key frames.
    Upper(u8),
    /// The lower seven bits; the others follow from what was told before.
    Lower(u8),
}

/// How samples are taken and compared.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct SampleFilter {
    /// The standard deviation of the Gaussian around each, 255 of which are 40 pixels; 0 is the pixel alone.
    pub std_dev: u8,
    /// By how much a sample of luma may differ, 15 at the most.
    pub luma_error: u8,
    /// By how much one of chroma may.
    pub chroma_error: u8,
}

impl CorruptionDetection {
    /// The most samples that a message has.
    pub const MAX_SAMPLES: usize = 13;

    /// These samples; those after the thirteenth are left out. Without any it only tells the number.
    pub fn new(index: SampleIndex, filter: SampleFilter, samples: &[u8]) -> Self {
        let len = samples.len().min(Self::MAX_SAMPLES);
        let mut all = [0; Self::MAX_SAMPLES];
        all[..len].copy_from_slice(&samples[..len]);
        CorruptionDetection {
            index,
            filter,
            samples: all,
            len: len as u8,
        }
    }

    /// Reads the number alone, or it, the filter and one to thirteen samples; `None` of any other length.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let bits = first & 0x7f;
        let index = match first & 0x80 {
            0 => SampleIndex::Lower(bits),
            _ => SampleIndex::Upper(bits),
        };
        if rest.is_empty() {
            return Some(Self::new(index, SampleFilter::default(), &[]));
        }
        let (&[std_dev, errors], samples) = rest.split_first_chunk::<2>()?;
        let filter = SampleFilter {
            std_dev,
            luma_error: errors >> 4,
            chroma_error: errors & 0xf,
        };
        let known = 1..=Self::MAX_SAMPLES;
        known
            .contains(&samples.len())
            .then(|| Self::new(index, filter, samples))
    }

    /// The samples, in the order of their places.
    pub fn samples(&self) -> &[u8] {
        &self.samples[..usize::from(self.len)]
    }

    /// The bytes on the wire, and how many of them count.
    pub(super) fn to_bytes(self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        bytes[0] = match self.index {
            SampleIndex::Upper(bits) => 0x80 | bits,
            SampleIndex::Lower(bits) => bits & 0x7f,
        };
        if self.len == 0 {
            return (bytes, 1);
        }
        let filter = self.filter;
        bytes[1] = filter.std_dev;
        bytes[2] = filter.luma_error.min(15) << 4 | filter.chroma_error.min(15);
        bytes[3..].copy_from_slice(&self.samples);
        (bytes, 3 + usize::from(self.len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_number_and_one_to_thirteen_samples_or_none() {
        let filter = SampleFilter {
            std_dev: 9,
            luma_error: 15,
            chroma_error: 3,
        };
        let samples: Vec<u8> = (1..=14).collect();
        for index in [SampleIndex::Upper(0x7f), SampleIndex::Lower(5)] {
            for count in 0..=14 {
                let filter = if count == 0 {
                    SampleFilter::default()
                } else {
                    filter
                };
                let message = CorruptionDetection::new(index, filter, &samples[..count]);
                assert_eq!(message.samples(), &samples[..count.min(13)]);
                let (bytes, len) = message.to_bytes();
                assert_eq!(CorruptionDetection::parse(&bytes[..len]), Some(message));
            }
        }
        let bytes = [0x85, 9, 0xf3, 7];
        let read = CorruptionDetection::parse(&bytes).unwrap();
        assert_eq!((read.index, read.filter), (SampleIndex::Upper(5), filter));
        for len in [0, 2, 3, 17] {
            assert_eq!(CorruptionDetection::parse(&vec![0; len]), None, "{len}");
        }
    }
}
