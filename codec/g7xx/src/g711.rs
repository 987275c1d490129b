//! ITU-T G.711: a sample of 13 or 14 bits in a byte, finer where it is quiet.
//!
//! ```
//! use duologue_g7xx::g711::{decode_a, decode_mu, encode_a, encode_mu};
//!
//! assert_eq!((encode_mu(0), encode_a(0)), (0xff, 0xd5));
//! assert_eq!(decode_mu(encode_mu(10_000)), 9_852);
//! assert_eq!(decode_a(encode_a(-10_000)), -9_984);
//! ```

/// What the µ-law adds before it looks for the segment, of 16-bit samples (G.711 table 2a).
const BIAS: i32 = 0x84;
/// The largest magnitude that has a segment with it.
const CLIP: i32 = 32_635;
/// The A-law inverts every other bit (G.711 §3.1).
const EVEN_BITS: u8 = 0x55;

/// A sample by the µ-law.
pub fn encode_mu(sample: i16) -> u8 {
    // Negative ones count from -1, as in the ITU's own software (G.191).
    let (sign, magnitude) = match sample {
        positive @ 0.. => (0, positive),
        negative => (0x80, -1 - negative),
    };
    let magnitude = i32::from(magnitude).min(CLIP) + BIAS;
    // The highest bit set is one of 7 to 14.
    let segment = magnitude.ilog2() - 7;
    let step = (magnitude >> (segment + 3)) as u8 & 0x0f;
    !(sign | (segment as u8) << 4 | step)
}

/// What the µ-law says of a byte.
pub fn decode_mu(byte: u8) -> i16 {
    let bits = !byte;
    let segment = bits >> 4 & 7;
    let step = i32::from(bits & 0x0f) << 3;
    let magnitude = ((step + BIAS) << segment) - BIAS;
    let signed = if bits & 0x80 != 0 {
        -magnitude
    } else {
        magnitude
    };
    signed as i16
}

/// A sample by the A-law.
pub fn encode_a(sample: i16) -> u8 {
    // Of 13 bits; negative ones count from -1.
    let (sign, magnitude) = match sample >> 3 {
        positive @ 0.. => (0x80, positive),
        negative => (0, -1 - negative),
    };
    let coded = match magnitude {
        ..32 => magnitude >> 1,
        _ => {
            let segment = magnitude.ilog2() - 4;
            (segment as i16) << 4 | (magnitude >> segment & 0x0f)
        }
    };
    (sign | coded as u8) ^ EVEN_BITS
}

/// What the A-law says of a byte.
pub fn decode_a(byte: u8) -> i16 {
    let bits = byte ^ EVEN_BITS;
    let segment = u32::from(bits >> 4 & 7);
    let step = i32::from(bits & 0x0f) << 4;
    // The middle of a step, which is 16 wide in the first two segments.
    let magnitude = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    let signed = if bits & 0x80 != 0 {
        magnitude
    } else {
        -magnitude
    };
    signed as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_decoded_and_encoded_again_is_the_same() {
        for byte in 0..=u8::MAX {
            assert_eq!(encode_a(decode_a(byte)), byte);
            // The µ-law has two zeros, of which one is encoded.
            if byte != 0x7f {
                assert_eq!(encode_mu(decode_mu(byte)), byte);
            }
        }
        assert_eq!((decode_mu(0x7f), decode_mu(0xff)), (0, 0));
    }

    #[test]
    fn each_sample_is_coded_by_a_value_that_is_as_near_as_its_segment_allows() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let step = (magnitude + BIAS).min(CLIP + BIAS).ilog2() - 4;
            let apart = |decoded: i16| i32::from(sample).abs_diff(i32::from(decoded));
            let mu = apart(decode_mu(encode_mu(sample)));
            let clipped = (magnitude - CLIP).max(0) as u32;
            assert!(mu <= (1 << step) / 2 + clipped + 2, "{sample}: {mu}");
            let step = magnitude.max(256).ilog2() - 4;
            let a = apart(decode_a(encode_a(sample)));
            assert!(a <= 1 << (step - 1), "{sample}: {a}");
        }
    }

    #[test]
    fn the_values_are_those_of_the_recommendation() {
        // G.711 tables 1a and 2a, of 16 bits: the ends of the scale and of its segments.
        let mu = [
            (0x80, 32_124),
            (0x8f, 16_764),
            (0x90, 15_996),
            (0xa0, 7_932),
            (0xfe, 8),
        ];
        for (byte, value) in mu {
            assert_eq!((decode_mu(byte), decode_mu(byte ^ 0x80)), (value, -value));
        }
        let a = [
            (0xaa, 32_256),
            (0xa5, 16_896),
            (0xba, 16_128),
            (0xd5, 8),
            (0xd4, 24),
        ];
        for (byte, value) in a {
            assert_eq!((decode_a(byte), decode_a(byte ^ 0x80)), (value, -value));
        }
    }
}
