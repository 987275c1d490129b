//! Opus in RTP (RFC 7587): a packet of the codec is a payload, and its first byte says how long it
//! lasts (RFC 6716 §3.1).

/// How much audio a packet holds, in samples at 48 kHz, which is the clock of Opus' time stamps
/// whatever it codes; `None` if it is no Opus packet. One of a single byte (a DTX packet: nothing is
/// coded) lasts a frame of its table-of-contents byte, until the next packet comes.
///
/// ```
/// use duologue_rtp::payload::opus;
///
/// // Hybrid, full band, 20 ms, mono, one frame.
/// assert_eq!(opus::duration(&[0x78, 0, 0]), Some(960));
/// ```
pub fn duration(packet: &[u8]) -> Option<u32> {
    let toc = Toc::of(packet)?;
    let duration = toc.frame * u32::from(toc.frames);
    // RFC 6716 §3.2.5: at most 120 ms.
    (toc.frames > 0 && duration <= 5_760).then_some(duration)
}

/// Whether it is a packet that a sender with DTX repeats now and then in silence: no more than its
/// table of contents and a byte.
pub fn is_dtx(packet: &[u8]) -> bool {
    packet.len() <= 2
}

/// Whether two channels are coded in it (RFC 6716 §3.1, s).
pub fn is_stereo(packet: &[u8]) -> bool {
    packet.first().is_some_and(|toc| toc & 0x04 != 0)
}

/// Whether a packet has a coarse copy of the one before it, by which a decoder makes up for that
/// (RFC 6716 §2.1.7). Only speech has one, and the flag of its first channel says so.
///
/// ```
/// use duologue_rtp::payload::opus;
///
/// // SILK, wide band, 20 ms, one frame: voice, and a copy; voice alone.
/// assert!(opus::has_copy(&[0x48, 0xc0, 0]));
/// assert!(!opus::has_copy(&[0x48, 0x80, 0]));
/// ```
pub fn has_copy(packet: &[u8]) -> bool {
    let Some((&toc, rest)) = packet.split_first() else {
        return false;
    };
    // RFC 6716 §3.1: configurations from 16 on have no layer of speech, and so no copy. Packets of
    // several frames do not say at a fixed place.
    if toc >> 3 >= 16 || toc & 3 != 0 {
        return false;
    }
    // §4.2.3: a flag of activity for each 20 ms, and then that of the copy.
    let halves = match toc >> 3 {
        config @ 0..12 => [1, 1, 2, 3][usize::from(config % 4)],
        _ => 1,
    };
    rest.first()
        .is_some_and(|byte| byte >> (7 - halves) & 1 == 1)
}

/// The table of contents (RFC 6716 §3.1).
#[derive(Clone, Copy, Debug)]
struct Toc {
    /// Samples at 48 kHz of one frame.
    frame: u32,
    /// How many of them there are.
    frames: u8,
}

impl Toc {
    fn of(packet: &[u8]) -> Option<Self> {
        let (&toc, rest) = packet.split_first()?;
        // RFC 6716 table 2: configurations of SILK, of hybrid coding, of CELT.
        let frame = match toc >> 3 {
            config @ 0..12 => [480, 960, 1_920, 2_880][usize::from(config % 4)],
            config @ 12..16 => [480, 960][usize::from(config % 2)],
            config => [120, 240, 480, 960][usize::from(config % 4)],
        };
        let frames = match toc & 3 {
            0 => 1,
            1 | 2 => 2,
            _ => rest.first()? & 0x3f,
        };
        Some(Toc { frame, frames })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_says_how_long_a_packet_lasts() {
        let toc = |config: u8, code: u8| config << 3 | code;
        // RFC 6716 table 2, first and last of each mode.
        let frames = [
            (0, 480),
            (3, 2_880),
            (11, 2_880),
            (12, 480),
            (15, 960),
            (16, 120),
            (31, 960),
        ];
        for (config, samples) in frames {
            assert_eq!(duration(&[toc(config, 0), 1]), Some(samples), "{config}");
            assert_eq!(
                duration(&[toc(config, 1), 1, 1]),
                Some(2 * samples).filter(|&d| d <= 5_760)
            );
        }
        // Code 3 with three frames: what Chromium sends for `a=ptime:60`.
        assert_eq!(duration(&[toc(15, 3), 3, 0]), Some(2_880));
        assert_eq!(duration(&[toc(15, 3), 0x80 | 6, 0]), Some(5_760));
    }

    #[test]
    fn what_is_no_packet_lasts_nothing() {
        // No byte; code 3 without its count; no frame; more than 120 ms.
        for packet in [&[][..], &[0x7b], &[0x7b, 0], &[0x7b, 7]] {
            assert_eq!(duration(packet), None, "{packet:?}");
        }
    }

    #[test]
    fn a_dtx_packet_of_one_byte_lasts_a_frame() {
        assert!(is_dtx(&[0x78]));
        assert_eq!(duration(&[0x78]), Some(960));
        assert!(!is_dtx(&[0x78, 1, 2]));
    }

    #[test]
    fn stereo_shows_in_the_first_byte() {
        assert!(is_stereo(&[0xfc, 1, 2]));
        assert!(!is_stereo(&[0x78, 1, 2]));
    }
}
