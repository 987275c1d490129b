//! Packets as bytes: encrypted and given a tag where they lie, by the keys of one kind (RTP or RTCP)
//! and one direction. Which number a packet has, and whether it may have it, is decided before.

mod counter;
mod gcm;

use duologue_base::SrtpProfile;

use crate::cryptex::Cover;
use crate::header::RTCP_CLEAR;
use crate::keying::SessionKeys;
use crate::{KeyingError, OpenError};
use counter::{CounterMode, TAG_32, TAG_80};
use gcm::Gcm;

/// The transforms there are.
#[derive(Debug)]
pub(crate) enum Cipher {
    /// RFC 7714
    Gcm(Box<Gcm>),
    /// RFC 3711 §4.1.1, §4.2.1
    CounterMode(Box<CounterMode>),
}

/// What makes a packet's nonce unique for its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub(crate) ssrc: u32,
    /// RTP's extended sequence number, or RTCP's index.
    pub(crate) index: u64,
}

impl Cipher {
    /// For the RTP packets of a profile.
    pub(crate) fn rtp(profile: SrtpProfile, keys: &SessionKeys) -> Result<Self, KeyingError> {
        Self::with_tag(profile, keys, TAG_32)
    }

    /// For its RTCP packets. RFC 5764 §4.1.2: their tags never have 32 bits.
    pub(crate) fn rtcp(profile: SrtpProfile, keys: &SessionKeys) -> Result<Self, KeyingError> {
        Self::with_tag(profile, keys, TAG_80)
    }

    fn with_tag(
        profile: SrtpProfile,
        keys: &SessionKeys,
        short: usize,
    ) -> Result<Self, KeyingError> {
        let counter_mode = |tag| Ok(Cipher::CounterMode(Box::new(CounterMode::new(keys, tag)?)));
        match profile {
            SrtpProfile::Aes128CmSha1_80 => counter_mode(TAG_80),
            SrtpProfile::Aes128CmSha1_32 => counter_mode(short),
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                Ok(Cipher::Gcm(Box::new(Gcm::new(keys)?)))
            }
        }
    }

    /// Bytes of a tag.
    pub(crate) fn tag(&self) -> usize {
        match self {
            Cipher::Gcm(_) => gcm::TAG,
            Cipher::CounterMode(mode) => mode.tag(),
        }
    }

    /// Protects the packet that begins at `at`, and appends its tag.
    pub(crate) fn seal_rtp(&self, packet: &mut Vec<u8>, at: usize, number: Number, cover: Cover) {
        let bytes = &mut packet[at..];
        let clear = cover.gather(bytes);
        match self {
            Cipher::Gcm(gcm) => {
                let (clear, rest) = bytes.split_at_mut(clear);
                let tag = gcm.seal(number, clear, rest);
                cover.spread(bytes);
                packet.extend_from_slice(tag.as_ref());
            }
            Cipher::CounterMode(mode) => {
                mode.encrypt(number, &mut bytes[clear..]);
                cover.spread(bytes);
                let tag = mode.sign(bytes, &roll_over_counter(number));
                packet.extend_from_slice(&tag.as_ref()[..mode.tag()]);
            }
        }
    }

    /// Opens a packet with its tag, which [`Cipher::tag`] bytes are at its end.
    pub(crate) fn open_rtp(
        &self,
        packet: &mut [u8],
        number: Number,
        cover: Cover,
    ) -> Result<(), OpenError> {
        match self {
            Cipher::Gcm(gcm) => {
                let clear = cover.gather(packet);
                let (clear, rest) = packet.split_at_mut(clear);
                gcm.open(number, clear, rest)?;
            }
            Cipher::CounterMode(mode) => {
                let (bytes, tag) = packet.split_at_mut(packet.len() - mode.tag());
                mode.verify(bytes, &roll_over_counter(number), tag)?;
                let clear = cover.gather(bytes);
                mode.encrypt(number, &mut bytes[clear..]);
            }
        }
        cover.spread(packet);
        cover.unmark(packet);
        Ok(())
    }

    /// Protects the compound packet that begins at `at`, and appends what belongs to it.
    pub(crate) fn seal_rtcp(&self, packet: &mut Vec<u8>, at: usize, number: Number) {
        let (clear, rest) = packet[at..].split_at_mut(RTCP_CLEAR);
        let word = (ENCRYPTED | number.index as u32).to_be_bytes();
        match self {
            // RFC 7714 §9.2: header, what is encrypted, tag, index.
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal(number, &gcm::rtcp_clear(clear, word), rest);
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&word);
            }
            // RFC 3711 §3.4: header, what is encrypted, index, tag.
            Cipher::CounterMode(mode) => {
                mode.encrypt(number, rest);
                packet.extend_from_slice(&word);
                let tag = mode.sign(&packet[at..], &[]);
                packet.extend_from_slice(&tag.as_ref()[..mode.tag()]);
            }
        }
    }

    /// The index of a protected compound packet, and whether it is encrypted. None if the packet is
    /// too short.
    pub(crate) fn rtcp_index(&self, packet: &[u8]) -> Option<(u32, bool)> {
        let behind = match self {
            Cipher::Gcm(_) => 0,
            Cipher::CounterMode(mode) => mode.tag(),
        };
        let least = RTCP_CLEAR + RTCP_INDEX + self.tag();
        if packet.len() < least {
            return None;
        }
        let word = packet[..packet.len() - behind].last_chunk::<RTCP_INDEX>()?;
        let word = u32::from_be_bytes(*word);
        Some((word & !ENCRYPTED, word & ENCRYPTED != 0))
    }

    /// Opens a compound packet that [`Cipher::rtcp_index`] has an answer for, and says how long it
    /// is without what was appended.
    pub(crate) fn open_rtcp(
        &self,
        packet: &mut [u8],
        number: Number,
        encrypted: bool,
    ) -> Result<usize, OpenError> {
        let length = packet.len() - RTCP_INDEX - self.tag();
        match self {
            Cipher::Gcm(gcm) => gcm.open_rtcp(number, packet, encrypted)?,
            Cipher::CounterMode(mode) => {
                let (bytes, tag) = packet.split_at_mut(length + RTCP_INDEX);
                mode.verify(bytes, &[], tag)?;
                if encrypted {
                    mode.encrypt(number, &mut bytes[RTCP_CLEAR..length]);
                }
            }
        }
        Ok(length)
    }
}

impl Number {
    /// What RFC 3711 §4.1.1 and RFC 7714 §8.1 and §9.1 make of it: SSRC and index beside each
    /// other, XOR the salt. Where the number has fewer than 48 bits, zeros come first.
    fn salted(self, salt: u128) -> u128 {
        salt ^ u128::from(self.ssrc) << 48 ^ u128::from(self.index)
    }
}

/// It is authenticated behind the packet, though it is not sent (RFC 3711 §4.2).
fn roll_over_counter(number: Number) -> [u8; 4] {
    ((number.index >> 16) as u32).to_be_bytes()
}

/// The first bit of the word with the index: the packet is encrypted (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;

/// Bytes of that word.
const RTCP_INDEX: usize = 4;
