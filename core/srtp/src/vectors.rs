//! The test vectors of RFC 3711 and RFC 7714 that have session keys: those are made of nothing from
//! outside.

use duologue_base::{Redacted, SrtpProfile};

use crate::MasterKey;
use crate::cipher::{Cipher, Number};
use crate::cryptex::Cover;
use crate::keying::SessionKeys;

/// RFC 7714 §16.1.1, §16.1.2, and §16.2.1, §16.2.2 with 256 bits.
#[test]
fn rtp_packets_are_those_of_rfc_7714() {
    let protected = [
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
         0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
         9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    ];
    for (profile, protected) in GCM.into_iter().zip(protected) {
        let cipher = Cipher::rtp(profile, &gcm_keys(profile)).unwrap();
        let cover = Cover::Payload { header: 12 };

        let mut packet = hex(RTP);
        cipher.seal_rtp(&mut packet, 0, RTP_NUMBER, cover);
        assert_eq!(packet, hex(protected), "{profile:?}");
        cipher.open_rtp(&mut packet, RTP_NUMBER, cover).unwrap();
        assert_eq!(packet[..hex(RTP).len()], hex(RTP), "{profile:?}");
    }
}

/// RFC 7714 §16.1.3, §16.1.4, and §16.2.3, §16.2.4 with 256 bits: nothing is encrypted.
#[test]
fn tags_of_rtp_packets_in_plain_are_those_of_rfc_7714() {
    let tags = [
        "22493f82d2bce397e9d79e3b19aa4216",
        "a866d5910f887463067ceefec45215d4",
    ];
    for (profile, tag) in GCM.into_iter().zip(tags) {
        let cipher = Cipher::rtp(profile, &gcm_keys(profile)).unwrap();
        let mut packet = hex(RTP);
        let cover = Cover::Payload {
            header: packet.len(),
        };
        cipher.seal_rtp(&mut packet, 0, RTP_NUMBER, cover);
        assert_eq!(packet, hex(&format!("{RTP} {tag}")), "{profile:?}");
        assert!(cipher.open_rtp(&mut packet, RTP_NUMBER, cover).is_ok());
    }
}

/// RFC 7714 §17.1 (128 bits) and §17.2 (256 bits).
#[test]
fn encrypted_rtcp_packets_are_those_of_rfc_7714() {
    let protected = [
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
         c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
         45d9eade 800005d4",
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
         a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
         b26ac3be 800005d4",
    ];
    for (profile, protected) in GCM.into_iter().zip(protected) {
        let cipher = Cipher::rtcp(profile, &gcm_keys(profile)).unwrap();
        let mut packet = hex(RTCP);
        cipher.seal_rtcp(&mut packet, 0, RTCP_NUMBER);
        assert_eq!(packet, hex(protected), "{profile:?}");
        assert_eq!(cipher.rtcp_index(&packet), Some((0x5d4, true)));
        let length = cipher.open_rtcp(&mut packet, RTCP_NUMBER, true).unwrap();
        assert_eq!(packet[..length], hex(RTCP), "{profile:?}");
    }
}

/// RFC 7714 §17.3 (128 bits) and §17.4 (256 bits).
#[test]
fn rtcp_packets_in_plain_have_the_tags_of_rfc_7714() {
    let tags = [
        "841dd968 3dd78ec9 2ae58790 125f62b3",
        "91db4afb feee5a97 8fab4393 ed2615fe",
    ];
    for (profile, tag) in GCM.into_iter().zip(tags) {
        let cipher = Cipher::rtcp(profile, &gcm_keys(profile)).unwrap();
        let mut packet = hex(&format!("{RTCP} {tag} 000005d4"));
        assert_eq!(cipher.rtcp_index(&packet), Some((0x5d4, false)));
        let length = cipher.open_rtcp(&mut packet, RTCP_NUMBER, false).unwrap();
        assert_eq!(packet[..length], hex(RTCP), "{profile:?}");
    }
}

/// RFC 3711 §B.2.
#[test]
fn the_key_stream_of_counter_mode_is_that_of_rfc_3711() {
    let keys = SessionKeys {
        encryption: Redacted(hex("2b7e151628aed2a6abf7158809cf4f3c")),
        authentication: Redacted(vec![0; 20]),
        salt: Redacted(0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd),
    };
    let cipher = Cipher::rtp(SrtpProfile::Aes128CmSha1_80, &keys).unwrap();
    let mut stream = vec![0; 1_044_512];
    let number = Number { ssrc: 0, index: 0 };
    cipher.seal_rtp(&mut stream, 0, number, Cover::Payload { header: 0 });
    let first = "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab
                 41e95b3bb0a2e8dd477901e4fca894c0";
    let last = "ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae
                6a2cc3787889374fbeb4c81b17ba6c44";
    assert_eq!(stream[..48], hex(first));
    assert_eq!(stream[1_044_512 - 48..1_044_512], hex(last));
}

/// RFC 3711 §B.3; of the authentication key, as much as HMAC-SHA1 has.
#[test]
fn keys_are_derived_as_in_rfc_3711() {
    let master = MasterKey::new(
        SrtpProfile::Aes128CmSha1_80,
        &hex("e1f97a0d3e018be0d64fa32c06de4139"),
        &hex("0ec675ad498afeebb6960b3aabe6"),
    );
    let keys = master.unwrap().rtp().unwrap();
    assert_eq!(*keys.encryption, hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(*keys.salt, 0x30cb_bc08_863d_8c85_d49d_b34a_9ae1);
    let authentication = hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4");
    assert_eq!(*keys.authentication, authentication);
}

/// RFC 9335 §A.2: RFC 7714's salt is two bytes shorter.
#[test]
fn keys_of_gcm_are_derived_as_in_rfc_9335() {
    let master = MasterKey::new(
        SrtpProfile::AeadAes128Gcm,
        &hex("000102030405060708090a0b0c0d0e0f"),
        &hex("a0a1a2a3a4a5a6a7a8a9aaab"),
    );
    let keys = master.unwrap().rtp().unwrap();
    assert_eq!(*keys.encryption, hex("077c6143cb221bc355ff23d5f984a16e"));
    assert_eq!(*keys.salt, 0x9af3_e953_64eb_ac9c_99c5_a7c4);
}

const GCM: [SrtpProfile; 2] = [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm];

/// RFC 7714 §16, §17: keys that count, and "Quid pro quo" for a salt.
fn gcm_keys(profile: SrtpProfile) -> SessionKeys {
    let bytes = if profile == SrtpProfile::AeadAes256Gcm {
        32
    } else {
        16
    };
    SessionKeys {
        encryption: Redacted((0..bytes).collect()),
        authentication: Redacted(Vec::new()),
        salt: Redacted(0x5175_6964_2070_726f_2071_756f),
    }
}

const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                   69736120 696e2070 61727465 73207472 6573";

const RTP_NUMBER: Number = Number {
    ssrc: 0x5501_a0b2,
    index: 0xf17b,
};

const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                    deadbeef deadbeef deadbeef deadbeef deadbeef";

const RTCP_NUMBER: Number = Number {
    ssrc: 0x4d61_7273,
    index: 0x5d4,
};

fn hex(text: &str) -> Vec<u8> {
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
