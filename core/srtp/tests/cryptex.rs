//! Encrypted headers: the vectors of RFC 9335 Appendix A, and what happens where not both ends have
//! agreed on them.

mod common;

use common::{PROFILES, hex, pair, rtp};
use duologue_base::SrtpProfile;
use duologue_srtp::{Cryptex, MasterKey, OpenError, ProtectError, Receiver, Sender};

/// RFC 9335 Appendix A: a packet in plain, with AES-CM (A.1), with AES-GCM (A.2).
const VECTORS: [[&str; 3]; 6] = [
    [
        "900f1235 decafbad cafebabe bede0001 51000200 abababab abababab abababab abababab",
        "900f1235 decafbad cafebabe c0de0001 eb923652 51c3e036 f8de27e9 c27ee3e0 b4651d9f
         bc4218a7 0244522f 34a5",
        "900f1235 decafbad cafebabe c0de0001 39972dc9 572c4d99 e8fc355d e743fb2e 94f9d8ff
         54e72f41 93bbc5c7 4ffab0fa 9fa0fbeb",
    ],
    [
        "900f1236 decafbad cafebabe 10000001 05020002 abababab abababab abababab abababab",
        "900f1236 decafbad cafebabe c2de0001 4ed9cc4e 6a712b30 96c5ca77 339d4204 ce0d7739
         6cab6958 5fbce381 94a5",
        "900f1236 decafbad cafebabe c2de0001 bb75a4c5 45cd1f41 3bdb7daa 2b1e3263 de313667
         c9632490 81b35a65 f5cb6c88 b394235f",
    ],
    [
        "920f1238 decafbad cafebabe 0001e240 0000b26e bede0001 51000200 abababab abababab
         abababab abababab",
        "920f1238 decafbad cafebabe 8bb6e12b 5cff16dd c0de0001 92838c8c 09e58393 e1de3a9a
         74734d67 45671338 c3acf11d a2df8423 bee0",
        "920f1238 decafbad cafebabe 63bbccc4 a7f695c4 c0de0001 8ad7c71f ac70a80c 92866b4c
         6ba98546 ef913586 e95ffaaf fe956885 bb0647a8 bc094ac8",
    ],
    [
        "920f1239 decafbad cafebabe 0001e240 0000b26e 10000001 05020002 abababab abababab
         abababab abababab",
        "920f1239 decafbad cafebabe f70e513e b90b9b25 c2de0001 bbed4848 faa64466 5f3d7f34
         125914e9 f4d0ae92 3c6f479b 95a0f7b5 3133",
        "920f1239 decafbad cafebabe 3680524f 8d312b00 c2de0001 c78d1200 38422bc1 11a7187a
         18246f98 0c059cc6 bc9df8b6 26394eca 344e4b05 d80fea83",
    ],
    [
        "920f123a decafbad cafebabe 0001e240 0000b26e bede0000 abababab abababab abababab
         abababab",
        "920f123a decafbad cafebabe 7130b6ab fe2ab0e3 c0de0000 e3d9f64b 25c9e74c b4cf8e43
         fb92e378 1c2c0cea b6b3a499 a14c",
        "920f123a decafbad cafebabe 15b6bb43 37906fff c0de0000 b7b96453 7a2b03ab 7ba5389c
         e9331712 6b5d974d f30c6884 dcb651c5 e120c1da",
    ],
    [
        "920f123b decafbad cafebabe 0001e240 0000b26e 10000000 abababab abababab abababab
         abababab",
        "920f123b decafbad cafebabe cbf24c12 4330e1c8 c2de0000 599dd45b c9d687b6 03e8b59d
         771fd38e 88b170e0 cd31e125 eabe",
        "920f123b decafbad cafebabe dcb38c9e 48bf95f4 c2de0000 61ee432c f9203170 76613258
         d3ce4236 c06ac429 681ad084 13512dc9 8b5207d8",
    ],
];

/// The keys of A.1 and A.2.
fn masters() -> [MasterKey; 2] {
    let counter_mode = MasterKey::new(
        SrtpProfile::Aes128CmSha1_80,
        &hex("e1f97a0d3e018be0d64fa32c06de4139"),
        &hex("0ec675ad498afeebb6960b3aabe6"),
    );
    let gcm = MasterKey::new(
        SrtpProfile::AeadAes128Gcm,
        &hex("000102030405060708090a0b0c0d0e0f"),
        &hex("a0a1a2a3a4a5a6a7a8a9aaab"),
    );
    [counter_mode, gcm].map(|master| master.expect("the right lengths"))
}

#[test]
fn packets_are_the_vectors_of_rfc_9335() {
    for (which, master) in masters().iter().enumerate() {
        let mut sender = Sender::new(master).unwrap();
        sender.set_cryptex(true);
        let mut receiver = Receiver::new(master).unwrap();
        receiver.set_cryptex(Cryptex::Required);
        for vector in VECTORS {
            let plain = hex(vector[0]);
            let mut packet = plain.clone();
            sender.protect_rtp(&mut packet, 0).unwrap();
            assert_eq!(packet, hex(vector[1 + which]), "{}", vector[0]);

            let opened = receiver.open_rtp(&mut packet).unwrap();
            assert_eq!(packet[..opened.length], plain);
            assert_eq!(packet[opened.header..opened.length], [0xab; 16]);
        }
    }
}

/// Two CSRCs, no extension.
fn with_csrcs() -> Vec<u8> {
    let mut packet = rtp(5, 7, &[0, 1, 0xe2, 0x40, 0, 0, 0xb2, 0x6e, 1, 2, 3]);
    packet[0] |= 2;
    packet
}

/// An extension of this kind, no CSRCs.
fn with_extension(kind: u16) -> Vec<u8> {
    let mut packet = rtp(5, 7, &kind.to_be_bytes());
    packet[0] |= 0x10;
    packet.extend([0, 1, 0x51, 0, 2, 0, 1, 2, 3]);
    packet
}

/// RFC 9335 §5.1: an empty extension tells of them.
#[test]
fn csrcs_without_an_extension_get_an_empty_one() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        sender.set_cryptex(true);
        receiver.set_cryptex(Cryptex::Accepted);
        let before = [9; 5];
        let mut train = before.to_vec();
        train.extend(with_csrcs());
        let expected = train.len() + sender.rtp_overhead() + 4;
        sender.protect_rtp(&mut train, before.len()).unwrap();
        assert_eq!(train.len(), expected);
        assert_eq!(train[..5], before);
        let mut packet = train.split_off(5);
        assert_eq!(packet[20..24], [0xc0, 0xde, 0, 0]);
        assert_ne!(packet[12..20], with_csrcs()[12..20]);

        let opened = receiver.open_rtp(&mut packet).unwrap();
        let mut expected = with_csrcs();
        expected[0] |= 0x10;
        expected.splice(20..20, [0xbe, 0xde, 0, 0]);
        assert_eq!(packet[..opened.length], expected);
        assert_eq!(packet[opened.header..opened.length], [1, 2, 3]);
    }
}

#[test]
fn what_has_nothing_to_hide_is_protected_as_ever() {
    let (mut sender, _) = pair(SrtpProfile::AeadAes128Gcm);
    let (mut other, _) = pair(SrtpProfile::AeadAes128Gcm);
    sender.set_cryptex(true);
    let mut packets = [rtp(5, 7, b"payload"), rtp(5, 7, b"payload")];
    sender.protect_rtp(&mut packets[0], 0).unwrap();
    other.protect_rtp(&mut packets[1], 0).unwrap();
    assert_eq!(packets[0], packets[1]);
}

/// RFC 9335 §5.1: not with extensions of another kind; and application bits have no room.
#[test]
fn an_extension_of_another_kind_is_refused_and_left_as_it_was() {
    for kind in [0x1001, 0x0bad, 0xc0de] {
        let (mut sender, _) = pair(SrtpProfile::AeadAes128Gcm);
        sender.set_cryptex(true);
        let mut packet = with_extension(kind);
        let refused = sender.protect_rtp(&mut packet, 0);
        assert_eq!(refused, Err(ProtectError::HeaderNotEncryptable));
        assert_eq!(packet, with_extension(kind));
        // And its number is still free.
        sender.set_cryptex(false);
        assert_eq!(sender.protect_rtp(&mut packet, 0), Ok(7));
    }
}

#[test]
fn a_receiver_that_did_not_offer_it_does_not_open_it() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        sender.set_cryptex(true);
        let mut packet = with_extension(0xbede);
        sender.protect_rtp(&mut packet, 0).unwrap();
        let opened = receiver.open_rtp(&mut packet);
        if let Ok(opened) = opened {
            // HMAC is over what is sent, so that the tag matches; what came out is no plain text.
            assert_ne!(packet[..opened.length], with_extension(0xbede));
            assert!(matches!(
                profile,
                SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32
            ));
        }
    }
}

#[test]
fn a_receiver_that_accepts_it_takes_plain_headers_too() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    receiver.set_cryptex(Cryptex::Accepted);
    for mut packet in [with_csrcs(), rtp(5, 8, b"payload")] {
        let plain = packet.clone();
        sender.protect_rtp(&mut packet, 0).unwrap();
        let opened = receiver.open_rtp(&mut packet).unwrap();
        assert_eq!(packet[..opened.length], plain);
    }
}

#[test]
fn a_receiver_that_requires_it_takes_no_header_that_shows_something() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    receiver.set_cryptex(Cryptex::Required);
    let mut extension = with_extension(0xbede);
    extension[3] = 8;
    for mut packet in [with_csrcs(), extension] {
        sender.protect_rtp(&mut packet, 0).unwrap();
        assert_eq!(receiver.open_rtp(&mut packet), Err(OpenError::PlainHeader));
    }
    let mut packet = rtp(5, 9, b"payload");
    sender.protect_rtp(&mut packet, 0).unwrap();
    assert!(receiver.open_rtp(&mut packet).is_ok());
}
