use std::time::Duration;

use duologue_base::Instant;

use crate::NtpTime;

/// When a packet left its sender (`abs-send-time`): seconds on any clock, of which only differences
/// mean something, in 24 bits with 18 behind the point. It wraps after 64 s.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    /// The low 24 bits.
    pub const fn from_bits(bits: u32) -> Self {
        AbsSendTime(bits & 0xff_ffff)
    }

    /// 24 bits.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The host's time as `abs-send-time` has it, rounded down.
    pub const fn from_instant(at: Instant) -> Self {
        let nanos = at.as_nanos() % WRAP_NANOS;
        AbsSendTime(((nanos << 18) / 1_000_000_000) as u32)
    }

    /// The 24 bits around the point of a NTP time stamp.
    pub const fn from_ntp(at: NtpTime) -> Self {
        AbsSendTime::from_bits((at.to_bits() >> 14) as u32)
    }

    /// How long after `earlier` this is, at most 64 s; more than 32 s are rather before it.
    pub const fn since(self, earlier: AbsSendTime) -> Duration {
        let ticks = self.0.wrapping_sub(earlier.0) & 0xff_ffff;
        Duration::from_nanos((ticks as u64 * 1_000_000_000) >> 18)
    }
}

/// How long after its time stamp a packet left (RFC 5450 §2), in ticks of the format's clock.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TransmissionOffset(i32);

impl TransmissionOffset {
    /// An offset of so many ticks, cut to what 24 bits with a sign hold.
    pub fn new(ticks: i32) -> Self {
        TransmissionOffset(ticks.clamp(-0x80_0000, 0x7f_ffff))
    }

    /// The low 24 bits, of which the highest is the sign.
    pub const fn from_bits(bits: u32) -> Self {
        TransmissionOffset((bits << 8) as i32 >> 8)
    }

    /// 24 bits.
    pub const fn to_bits(self) -> u32 {
        self.0 as u32 & 0xff_ffff
    }

    /// Ticks of the format's clock.
    pub const fn ticks(self) -> i32 {
        self.0
    }
}

/// 64 s.
const WRAP_NANOS: u64 = 64_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_time_has_18_bits_behind_the_point() {
        let at = |ms: u64| AbsSendTime::from_instant(Instant::from_nanos(ms * 1_000_000));
        assert_eq!(at(1_000).to_bits(), 1 << 18);
        assert_eq!(at(63_500).to_bits(), 127 << 17);
        assert_eq!(at(64_000).to_bits(), 0);
        assert_eq!(at(64_250).since(at(63_750)), Duration::from_millis(500));
        let ntp = NtpTime::from_bits(5 << 32 | 1 << 31);
        assert_eq!(AbsSendTime::from_ntp(ntp), at(5_500));
    }

    #[test]
    fn a_transmission_offset_has_a_sign() {
        for ticks in [0, 1, -1, 0x7f_ffff, -0x80_0000] {
            let offset = TransmissionOffset::new(ticks);
            assert_eq!(TransmissionOffset::from_bits(offset.to_bits()), offset);
            assert_eq!(offset.ticks(), ticks);
        }
        assert_eq!(TransmissionOffset::new(i32::MAX).ticks(), 0x7f_ffff);
    }
}
