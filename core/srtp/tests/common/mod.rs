//! What the tests share: keys of each profile, packets, and bytes from hexadecimal.
#![allow(dead_code, reason = "each test uses some of it")]

use duologue_base::{Rng, SrtpProfile};
use duologue_srtp::{MasterKey, Receiver, Sender};

pub(crate) const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::Aes128CmSha1_32,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

/// Lengths of key and salt.
pub(crate) fn lengths(profile: SrtpProfile) -> (usize, usize) {
    match profile {
        SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => (16, 14),
        SrtpProfile::AeadAes128Gcm => (16, 12),
        SrtpProfile::AeadAes256Gcm => (32, 12),
    }
}

/// A key, the same for the same seed.
pub(crate) fn master(profile: SrtpProfile, seed: u64) -> MasterKey {
    let (mut key, mut salt) = ([0; 32], [0; 14]);
    let mut rng = Rng::from_u64(seed);
    rng.fill(&mut key);
    rng.fill(&mut salt);
    let (key_bytes, salt_bytes) = lengths(profile);
    MasterKey::new(profile, &key[..key_bytes], &salt[..salt_bytes]).expect("the right lengths")
}

/// Both ends of one direction.
pub(crate) fn pair(profile: SrtpProfile) -> (Sender, Receiver) {
    let master = master(profile, 1);
    let sender = Sender::new(&master).expect("keys");
    (sender, Receiver::new(&master).expect("keys"))
}

/// An RTP packet without extension and CSRCs.
pub(crate) fn rtp(ssrc: u32, sequence_number: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence_number.to_be_bytes());
    packet.extend([0, 0, 9, 7]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A receiver report about nobody, and a description of its sender.
pub(crate) fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x81, 202, 0, 3]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(b"\x01\x04nine\0\0");
    packet
}

/// Bytes from hexadecimal, whatever white space is between.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).expect("a digit") as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
