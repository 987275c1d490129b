//! What a codec of audio has to be able to do.

use thiserror::Error;

/// A decoder of audio. Samples are interleaved, between −1 and 1.
///
/// It must bear any bytes: what is no packet is [`Damaged`], and is concealed as if it were lost.
///
/// ```
/// use duologue_playout::{AudioDecoder, Damaged};
///
/// /// PCM of 16 bits (L16, RFC 3551 §4.5.11).
/// struct L16;
///
/// impl AudioDecoder for L16 {
///     fn sample_rate(&self) -> u32 {
///         16_000
///     }
///     fn channels(&self) -> u8 {
///         1
///     }
///     fn duration(&self, packet: &[u8]) -> Option<u32> {
///         u32::try_from(packet.len() / 2).ok()
///     }
///     fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
///         let samples = packet.chunks_exact(2).zip(&mut *out);
///         samples.for_each(|(bytes, sample)| {
///             *sample = f32::from(i16::from_be_bytes([bytes[0], bytes[1]])) / 32_768.0;
///         });
///         Ok(packet.len() / 2)
///     }
/// }
///
/// let mut out = [0.0; 2];
/// assert_eq!(L16.decode(&[0x40, 0, 0xc0, 0], &mut out), Ok(2));
/// assert_eq!(out, [0.5, -0.5]);
/// ```
pub trait AudioDecoder: Send {
    /// Samples a second that it gives, 8,000 to 192,000; it never changes.
    fn sample_rate(&self) -> u32;

    /// Channels that it gives, one to eight; it never changes.
    fn channels(&self) -> u8;

    /// How many samples a channel are in a packet; `None` if it is none.
    fn duration(&self, packet: &[u8]) -> Option<u32>;

    /// Decodes a packet into `out`, which has room for 240 ms, and says how many samples a channel it
    /// was.
    ///
    /// # Errors
    ///
    /// It is no packet, or there is no room for it.
    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged>;

    /// Fills `out` with what goes on from the last packet, which no packet is there for. False if the
    /// codec does not know how: the player then repeats what it played last, more and more quietly.
    fn conceal(&mut self, out: &mut [f32]) -> bool {
        let _ = out;
        false
    }

    /// Whether a packet says, too, what began `back` samples before it and is lost: Opus' forward
    /// error correction, or its deep redundancy.
    fn can_recover(&self, next: &[u8], back: u32) -> bool {
        let _ = (next, back);
        false
    }

    /// Fills `out` with what began `back` samples before the packet `next`, out of what that says of
    /// it. False if it says nothing.
    fn recover(&mut self, next: &[u8], back: u32, out: &mut [f32]) -> bool {
        let _ = (next, back, out);
        false
    }

    /// Whether a packet says that nothing is sent until something is to be heard again (Opus with
    /// DTX): what comes then is no loss, and [`conceal`](Self::conceal) makes its noise.
    fn is_silence(&self, packet: &[u8]) -> bool {
        let _ = packet;
        false
    }
}

/// Bytes are no packet of a codec.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("this is no packet of the codec")]
pub struct Damaged;
