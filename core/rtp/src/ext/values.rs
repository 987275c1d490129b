use std::time::Duration;

/// How loud the audio of a packet is, and whether somebody speaks (RFC 6464 §3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AudioLevel(u8);

impl AudioLevel {
    /// Digital silence, and all below it.
    pub const SILENCE: u8 = 127;

    /// `level` counts downwards in dB from overload: 0 is loudest, [`SILENCE`](Self::SILENCE) and
    /// all above is silence.
    pub const fn new(voice: bool, level: u8) -> Self {
        let level = if level > Self::SILENCE {
            Self::SILENCE
        } else {
            level
        };
        AudioLevel((voice as u8) << 7 | level)
    }

    /// The byte on the wire: V bit and level.
    pub const fn from_byte(byte: u8) -> Self {
        AudioLevel(byte)
    }

    /// The byte on the wire.
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// Whether the sender takes the sound for speech. Senders that do not look always say so.
    pub const fn voice(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// 0 to 127, in dB below overload (-dBov).
    pub const fn level(self) -> u8 {
        self.0 & 0x7f
    }
}

/// The angle by which a picture is to be turned clockwise before it is shown.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Rotation {
    /// 0 degrees: the picture is shown as it is
    #[default]
    R0,
    /// 90 degrees
    R90,
    /// 180 degrees
    R180,
    /// 270 degrees
    R270,
}

impl Rotation {
    /// 0, 90, 180 or 270.
    pub const fn degrees(self) -> u16 {
        self as u16 * 90
    }
}

/// How a picture is to be turned, and by which camera it was taken (3GPP TS 26.114 §7.4.5).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct VideoOrientation {
    /// How it is to be turned before it is shown.
    pub rotation: Rotation,
    /// Whether the picture is to be mirrored, too.
    pub flip: bool,
    /// The camera faces away from the user.
    pub back_camera: bool,
}

impl VideoOrientation {
    /// Reads `0 0 0 0 C F R R`.
    pub const fn from_byte(byte: u8) -> Self {
        VideoOrientation {
            rotation: match byte & 3 {
                0 => Rotation::R0,
                1 => Rotation::R90,
                2 => Rotation::R180,
                _ => Rotation::R270,
            },
            flip: byte & 4 != 0,
            back_camera: byte & 8 != 0,
        }
    }

    /// The byte on the wire.
    pub const fn to_byte(self) -> u8 {
        (self.back_camera as u8) << 3 | (self.flip as u8) << 2 | self.rotation as u8
    }
}

/// Within which bounds a receiver is to delay pictures (`playout-delay`), in steps of 10 ms. Both
/// zero: show each at once.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct PlayoutDelay {
    min: u16,
    max: u16,
}

impl PlayoutDelay {
    /// The largest delay that twelve bits of 10 ms hold.
    pub const MAX: Duration = Duration::from_millis(40_950);

    /// Bounds, rounded down to 10 ms and cut to [`MAX`](Self::MAX). A maximum below the minimum is
    /// raised to it.
    pub fn new(min: Duration, max: Duration) -> Self {
        let steps = |d: Duration| (d.min(Self::MAX).as_millis() / 10) as u16;
        PlayoutDelay {
            min: steps(min),
            max: steps(max).max(steps(min)),
        }
    }

    /// Reads two numbers of twelve bits; `None` if the maximum is below the minimum.
    pub const fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        let [a, b, c] = bytes;
        let min = (a as u16) << 4 | b as u16 >> 4;
        let max = (b as u16 & 0xf) << 8 | c as u16;
        if max < min {
            return None;
        }
        Some(PlayoutDelay { min, max })
    }

    /// The bytes on the wire.
    pub const fn to_bytes(self) -> [u8; 3] {
        let both = (self.min as u32) << 12 | self.max as u32;
        [(both >> 16) as u8, (both >> 8) as u8, both as u8]
    }

    /// The minimum playout delay: no picture is to be shown earlier than this after its capture.
    pub const fn min(self) -> Duration {
        Duration::from_millis(self.min as u64 * 10)
    }

    /// The maximum playout delay: no picture is to be shown later than this after its capture.
    pub const fn max(self) -> Duration {
        Duration::from_millis(self.max as u64 * 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audio_level_is_a_bit_and_seven() {
        assert_eq!(AudioLevel::new(true, 3).to_byte(), 0x83);
        assert_eq!(AudioLevel::new(false, 200).level(), AudioLevel::SILENCE);
        let level = AudioLevel::from_byte(0xff);
        assert!(level.voice());
        assert_eq!(level.level(), 127);
    }

    #[test]
    fn an_orientation_is_a_nibble() {
        for byte in 0..16 {
            assert_eq!(VideoOrientation::from_byte(byte).to_byte(), byte);
        }
        let turned = VideoOrientation::from_byte(0x0b);
        assert_eq!(turned.rotation.degrees(), 270);
        assert!(turned.back_camera && !turned.flip);
    }

    #[test]
    fn a_playout_delay_is_twice_twelve_bits_of_ten_milliseconds() {
        let ms = Duration::from_millis;
        let delay = PlayoutDelay::new(ms(105), ms(5_000));
        assert_eq!((delay.min(), delay.max()), (ms(100), ms(5_000)));
        assert_eq!(delay.to_bytes(), [0x00, 0xa1, 0xf4]);
        assert_eq!(PlayoutDelay::from_bytes([0x00, 0xa1, 0xf4]), Some(delay));
        assert_eq!(PlayoutDelay::from_bytes([0x00, 0xa0, 0x09]), None);
        let most = PlayoutDelay::new(ms(60_000), ms(0));
        assert_eq!(
            (most.min(), most.max()),
            (PlayoutDelay::MAX, PlayoutDelay::MAX)
        );
    }
}
