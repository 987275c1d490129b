//! `profile-level-id` of H.264 (RFC 6184 §8.1).

use super::fmtp::Fmtp;

/// The profiles that RFC 6184's table 5 tells apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    High444,
}

/// A level; level 1b lies between 1 and 1.1 and has its own coding.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Level {
    L1,
    L1b,
    /// Ten times the level's number, at least 11.
    Idc(u8),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ProfileLevel {
    pub(crate) profile: Profile,
    pub(crate) level: Level,
}

/// What browsers take a missing `profile-level-id` for.
const DEFAULT: ProfileLevel = ProfileLevel {
    profile: Profile::ConstrainedBaseline,
    level: Level::Idc(31),
};

/// `constraint_set3_flag`: marks level 1b for the profiles up to Main.
const CONSTRAINT_SET3: u8 = 0x10;

impl ProfileLevel {
    /// Of a format-specific parameter line; `None` when the value is no profile known here.
    pub(crate) fn of(fmtp: Fmtp<'_>) -> Option<Self> {
        match fmtp.get("profile-level-id") {
            None => Some(DEFAULT),
            Some(text) => Self::parse(text),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.is_ascii() {
            return None;
        }
        let [_, idc, iop, level] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        let profile = Self::profile(idc, iop)?;
        let old = matches!(idc, 66 | 77 | 88);
        let level = match level {
            11 if old && iop & CONSTRAINT_SET3 != 0 => Level::L1b,
            9 => Level::L1b,
            10 => Level::L1,
            11..=62 => Level::Idc(level),
            _ => return None,
        };
        Some(ProfileLevel { profile, level })
    }

    /// RFC 6184 §8.1, table 5; `x` bits of its patterns are ignored.
    fn profile(idc: u8, iop: u8) -> Option<Profile> {
        Some(match (idc, iop) {
            (0x42, iop) if iop & 0x4f == 0x40 => Profile::ConstrainedBaseline,
            (0x4d, iop) if iop & 0x8f == 0x80 => Profile::ConstrainedBaseline,
            (0x58, iop) if iop & 0xcf == 0xc0 => Profile::ConstrainedBaseline,
            (0x42, iop) if iop & 0x4f == 0x00 => Profile::Baseline,
            (0x58, iop) if iop & 0xcf == 0x80 => Profile::Baseline,
            (0x4d, iop) if iop & 0xaf == 0x00 => Profile::Main,
            (0x64, 0x00) => Profile::High,
            (0x64, 0x0c) => Profile::ConstrainedHigh,
            (0xf4, 0x00) => Profile::High444,
            _ => return None,
        })
    }

    /// The six hexadecimal digits.
    pub(crate) fn render(self) -> String {
        let (idc, mut iop) = match self.profile {
            Profile::ConstrainedBaseline => (0x42, 0xe0),
            Profile::Baseline => (0x42, 0x00),
            Profile::Main => (0x4d, 0x00),
            Profile::ConstrainedHigh => (0x64, 0x0c),
            Profile::High => (0x64, 0x00),
            Profile::High444 => (0xf4, 0x00),
        };
        let level = match (self.level, idc) {
            (Level::L1, _) => 10,
            (Level::L1b, 0x42 | 0x4d) => {
                iop |= CONSTRAINT_SET3;
                11
            }
            (Level::L1b, _) => 9,
            (Level::Idc(level), _) => level,
        };
        format!("{idc:02x}{iop:02x}{level:02x}")
    }
}

/// `packetization-mode`, 0 when absent (RFC 6184 §8.1).
pub(crate) fn packetization_mode(fmtp: Fmtp<'_>) -> u32 {
    fmtp.number("packetization-mode").unwrap_or(0)
}

/// The answer's `profile-level-id`: this end's own level when both ends allow the two directions
/// to differ, else the lower of the two (RFC 6184 §8.2.2).
pub(crate) fn answer_level(local: Fmtp<'_>, offered: Fmtp<'_>) -> Option<String> {
    let asymmetric = |fmtp: Fmtp<'_>| fmtp.get("level-asymmetry-allowed") == Some("1");
    let own = ProfileLevel::of(local)?;
    let other = ProfileLevel::of(offered)?;
    if asymmetric(local) && asymmetric(offered) {
        return Some(own.render());
    }
    let level = own.level.min(other.level);
    Some(ProfileLevel { level, ..own }.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(Profile, Level)> {
        ProfileLevel::parse(text).map(|p| (p.profile, p.level))
    }

    #[test]
    fn profiles_are_told_apart_by_their_constraint_bits() {
        use Level::{Idc, L1b};
        assert_eq!(
            parse("42e01f"),
            Some((Profile::ConstrainedBaseline, Idc(31)))
        );
        assert_eq!(
            parse("4d8020"),
            Some((Profile::ConstrainedBaseline, Idc(32)))
        );
        assert_eq!(parse("42001F"), Some((Profile::Baseline, Idc(31))));
        assert_eq!(parse("4d001f"), Some((Profile::Main, Idc(31))));
        assert_eq!(parse("640c34"), Some((Profile::ConstrainedHigh, Idc(52))));
        assert_eq!(parse("64001f"), Some((Profile::High, Idc(31))));
        assert_eq!(parse("42f00b"), Some((Profile::ConstrainedBaseline, L1b)));
        for bad in [
            "", "42e0", "zze01f", "42e01fff", "ffffff", "42e0ff", "ü2e01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rendering_reads_back_as_the_same() {
        for text in [
            "42e01f", "42001f", "4d001f", "64001f", "640c1f", "42f00b", "42e00a",
        ] {
            let parsed = ProfileLevel::parse(text);
            assert_eq!(parsed.map(ProfileLevel::render).as_deref(), Some(text));
        }
    }

    #[test]
    fn an_answer_takes_the_lower_level_unless_both_allow_asymmetry() {
        let high = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034";
        let low = "packetization-mode=1;profile-level-id=42e00d";
        let answer = |a, b| answer_level(Fmtp(a), Fmtp(b));
        assert_eq!(answer(high, low).as_deref(), Some("42e00d"));
        assert_eq!(answer(low, high).as_deref(), Some("42e00d"));
        let low = "level-asymmetry-allowed=1;profile-level-id=42e00d";
        assert_eq!(answer(high, low).as_deref(), Some("42e034"));
    }
}
