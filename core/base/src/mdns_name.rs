use std::fmt;
use std::str::FromStr;

use crate::{Redacted, Rng};

/// The name that stands for an address in an mDNS candidate: a random UUID and `.local`
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1).
///
/// ```
/// use duologue_base::{MdnsName, Rng};
///
/// let name = MdnsName::random(&mut Rng::from_u64(1));
/// assert_eq!(name.to_string().parse(), Ok(name));
/// assert!("printer.local".parse::<MdnsName>().is_err());
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MdnsName(u128);

impl MdnsName {
    /// A name that nobody else has.
    pub fn random(rng: &mut Rng) -> Self {
        let bits = u128::from(rng.u64()) << 64 | u128::from(rng.u64());
        MdnsName(bits & !(VERSION_MASK | VARIANT_MASK) | VERSION_4 | VARIANT)
    }

    /// The name whose first label this is. Its other label is [`MdnsName::DOMAIN`].
    pub fn from_label(label: &[u8]) -> Option<Self> {
        if label.len() != LABEL_LEN {
            return None;
        }
        let mut bits = 0;
        for (at, &byte) in label.iter().enumerate() {
            if HYPHENS.contains(&at) {
                if byte != b'-' {
                    return None;
                }
            } else {
                bits = bits << 4 | u128::from(char::from(byte).to_digit(16)?);
            }
        }
        (bits & VERSION_MASK == VERSION_4).then_some(MdnsName(bits))
    }

    /// The label that follows the UUID.
    pub const DOMAIN: &str = "local";
}

impl fmt::Display for MdnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}.{}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48),
            Self::DOMAIN
        )
    }
}

impl fmt::Debug for MdnsName {
    /// Not the name: whoever hears it on the network knows the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MdnsName").field(&Redacted(())).finish()
    }
}

/// The text is not a version 4 UUID followed by `.local`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MdnsNameError;

impl fmt::Display for MdnsNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an mDNS candidate is a random UUID and .local")
    }
}

impl std::error::Error for MdnsNameError {}

impl FromStr for MdnsName {
    type Err = MdnsNameError;

    fn from_str(text: &str) -> Result<Self, MdnsNameError> {
        let (label, domain) = text.split_once('.').ok_or(MdnsNameError)?;
        if !domain.eq_ignore_ascii_case(Self::DOMAIN) {
            return Err(MdnsNameError);
        }
        MdnsName::from_label(label.as_bytes()).ok_or(MdnsNameError)
    }
}

/// Characters of a UUID, and where its hyphens are (RFC 9562 §4).
const LABEL_LEN: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// RFC 9562 §5.4
const VERSION_MASK: u128 = 0xf << 76;
const VERSION_4: u128 = 4 << 76;
const VARIANT_MASK: u128 = 0b11 << 62;
const VARIANT: u128 = 0b10 << 62;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_name_is_a_version_4_uuid() {
        let text = MdnsName::random(&mut Rng::from_u64(3)).to_string();
        assert_eq!(text.len(), 36 + ".local".len());
        assert_eq!(&text[14..15], "4");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
    }

    #[test]
    fn names_are_equal_whatever_their_case() {
        let lower = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
        let upper = "1F4712DB-EA17-4BCF-A596-105139DFD8BF.Local";
        let name: MdnsName = upper.parse().unwrap();
        assert_eq!(lower.parse(), Ok(name));
        assert_eq!(name.to_string(), lower);
    }

    #[test]
    fn other_names_are_not_names_of_candidates() {
        for bad in [
            "",
            ".local",
            "printer.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.local.",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.a.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.example",
            "1f4712db-ea17-1bcf-a596-105139dfd8bf.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bg.local",
            "1f4712db_ea17_4bcf_a596_105139dfd8bf.local",
            "+f4712db-ea17-4bcf-a596-105139dfd8bf.local",
        ] {
            assert_eq!(bad.parse::<MdnsName>(), Err(MdnsNameError), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_shows_no_name() {
        let name = MdnsName::random(&mut Rng::from_u64(3));
        let first = name.to_string()[..8].to_owned();
        assert!(!format!("{name:?}").contains(&first));
    }
}
