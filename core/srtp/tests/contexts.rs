//! What the two contexts of a direction do with packets of all kinds, in any order.

mod common;

use std::collections::BTreeSet;

use common::{PROFILES, lengths, master, pair, rtcp, rtp};
use duologue_base::{DtlsRole, Rng, SrtpKeying, SrtpProfile};
use duologue_rtp::Ssrc;
use duologue_srtp::{
    ACTIVE_STREAMS, KeyingError, MasterKey, OpenError, Opened, ProtectError, QUIET_STREAMS,
    REPLAY_WINDOW, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, Receiver, Sender,
};
use proptest::prelude::*;

/// Protected packets of one stream with these extended sequence numbers, each with its number as
/// payload.
fn protected(sender: &mut Sender, sequences: impl IntoIterator<Item = u64>) -> Vec<Vec<u8>> {
    let protect = |sequence: u64| {
        let mut packet = rtp(9, sequence as u16, &sequence.to_be_bytes());
        assert_eq!(sender.protect_rtp(&mut packet, 0), Ok(sequence));
        packet
    };
    sequences.into_iter().map(protect).collect()
}

fn open(receiver: &mut Receiver, packet: &[u8]) -> Result<u64, OpenError> {
    let mut packet = packet.to_vec();
    let opened = receiver.open_rtp(&mut packet)?;
    let payload = opened.sequence.to_be_bytes();
    assert_eq!(packet[opened.header..opened.length], payload);
    Ok(opened.sequence)
}

#[test]
fn packets_of_every_profile_come_out_as_they_went_in() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for length in [0, 1, 15, 16, 17, 160, 1_200] {
            let plain = rtp(9, length as u16, &vec![7; length]);
            let mut packet = plain.clone();
            sender.protect_rtp(&mut packet, 0).unwrap();
            assert!(packet.len() <= plain.len() + RTP_OVERHEAD_MAX);
            assert_eq!(packet[..12], plain[..12], "the header stays in plain");
            let opened = receiver.open_rtp(&mut packet).unwrap();
            let expected = Opened {
                ssrc: Ssrc(9),
                sequence: length as u64,
                header: 12,
                length: plain.len(),
            };
            assert_eq!(opened, expected);
            assert_eq!(packet[..opened.length], plain);
        }
        for ssrc in 1..5 {
            let mut packet = rtcp(ssrc);
            sender.protect_rtcp(&mut packet, 0).unwrap();
            assert!(packet.len() <= rtcp(ssrc).len() + RTCP_OVERHEAD_MAX);
            assert_eq!(packet[..8], rtcp(ssrc)[..8]);
            assert_ne!(packet[8..20], rtcp(ssrc)[8..20]);
            let length = receiver.open_rtcp(&mut packet).unwrap();
            assert_eq!(packet[..length], rtcp(ssrc));
        }
    }
}

/// RFC 5764 §4.1.2: with 32-bit tags, those of SRTCP have 80 bits.
#[test]
fn tags_are_as_long_as_the_profile_says() {
    for (profile, of_rtp, of_rtcp) in [
        (SrtpProfile::Aes128CmSha1_80, 10, 10),
        (SrtpProfile::Aes128CmSha1_32, 4, 10),
        (SrtpProfile::AeadAes128Gcm, 16, 16),
        (SrtpProfile::AeadAes256Gcm, 16, 16),
    ] {
        let (mut sender, _) = pair(profile);
        let (mut media, mut report) = (rtp(1, 1, b"payload"), rtcp(1));
        let before = (media.len(), report.len());
        sender.protect_rtp(&mut media, 0).unwrap();
        sender.protect_rtcp(&mut report, 0).unwrap();
        assert_eq!(media.len() - before.0, of_rtp);
        assert_eq!(sender.rtp_overhead(), of_rtp);
        assert_eq!(report.len() - before.1, 4 + of_rtcp);
    }
}

#[test]
fn a_train_is_protected_packet_by_packet_at_its_end() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    let mut train = Vec::new();
    let mut ends = vec![0];
    for sequence in 0..3 {
        let at = train.len();
        train.extend(rtp(9, sequence, &[7; 100]));
        sender.protect_rtp(&mut train, at).unwrap();
        ends.push(train.len());
    }
    let at = train.len();
    train.extend(rtcp(9));
    sender.protect_rtcp(&mut train, at).unwrap();
    for (sequence, range) in ends.windows(2).enumerate() {
        let opened = receiver.open_rtp(&mut train[range[0]..range[1]]).unwrap();
        assert_eq!(opened.sequence, sequence as u64);
    }
    let length = receiver.open_rtcp(&mut train[at..]).unwrap();
    assert_eq!(train[at..][..length], rtcp(9));
}

/// RFC 5764 §4.2: `client_write_key ‖ server_write_key ‖ client_write_salt ‖ server_write_salt`.
#[test]
fn each_role_protects_with_its_own_half_of_the_keys() {
    for profile in PROFILES {
        let (key, salt) = lengths(profile);
        let mut material = vec![0; 2 * (key + salt)];
        Rng::from_u64(3).fill(&mut material);
        let (keys, salts) = material.split_at(2 * key);
        let client = MasterKey::new(profile, &keys[..key], &salts[..salt]).unwrap();
        let keying = SrtpKeying {
            profile,
            material: material.clone().into(),
        };
        let [client_sends, client_receives] =
            MasterKey::of_handshake(&keying, DtlsRole::Client).unwrap();
        let [server_sends, server_receives] =
            MasterKey::of_handshake(&keying, DtlsRole::Server).unwrap();
        for (sends, receives, works) in [
            (&client_sends, &server_receives, true),
            (&server_sends, &client_receives, true),
            (&client, &server_receives, true),
            (&client_sends, &client_receives, false),
        ] {
            let mut packet = rtp(1, 1, b"payload");
            let mut sender = Sender::new(sends).unwrap();
            sender.protect_rtp(&mut packet, 0).unwrap();
            let opened = Receiver::new(receives).unwrap().open_rtp(&mut packet);
            assert_eq!(opened.is_ok(), works, "{profile:?}");
        }
    }
}

#[test]
fn keys_of_another_length_are_refused() {
    for profile in PROFILES {
        let (key, salt) = lengths(profile);
        for (key, salt) in [(key + 1, salt), (key, salt + 1), (key - 1, salt), (0, 0)] {
            let made = MasterKey::new(profile, &vec![1; key], &vec![1; salt]);
            assert_eq!(made.err(), Some(KeyingError::Length));
        }
        for length in [0, 2 * (key + salt) - 1, 2 * (key + salt) + 1] {
            let keying = SrtpKeying {
                profile,
                material: vec![1; length].into(),
            };
            let made = MasterKey::of_handshake(&keying, DtlsRole::Client);
            assert_eq!(made.err(), Some(KeyingError::Length));
        }
    }
}

#[test]
fn nothing_that_is_printed_shows_a_key() {
    for profile in PROFILES {
        let (key, salt) = lengths(profile);
        let master = MasterKey::new(profile, &vec![0xab; key], &vec![0xcd; salt]).unwrap();
        let sender = Sender::new(&master).unwrap();
        let receiver = Receiver::new(&master).unwrap();
        let printed = format!("{master:?} {sender:?} {receiver:?}").to_lowercase();
        for byte in ["171", "205", "0xab", "0xcd", "abab", "cdcd"] {
            assert!(!printed.contains(byte), "{printed}");
        }
    }
}

#[test]
fn contexts_go_from_thread_to_thread() {
    fn is_send<T: Send>() {}
    is_send::<(Sender, Receiver, MasterKey)>();
}

#[test]
fn what_is_no_packet_is_malformed() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let (mut media, mut report) = (rtp(1, 1, b"payload"), rtcp(1));
        media[0] |= 0x1f; // Fifteen CSRCs and an extension that are not there.
        for mut packet in [
            media,
            vec![],
            vec![0x80; 11],
            vec![0x40; 40],
            vec![0xc0; 40],
        ] {
            let before = packet.clone();
            let refused = sender.protect_rtp(&mut packet, 0);
            assert_eq!(refused, Err(ProtectError::Malformed));
            assert_eq!(packet, before);
            let refused = receiver.open_rtp(&mut packet);
            assert_eq!(refused, Err(OpenError::Malformed));
        }
        report[0] = 0x40;
        for mut packet in [report, vec![], vec![0x80; 7]] {
            let refused = sender.protect_rtcp(&mut packet, 0);
            assert_eq!(refused, Err(ProtectError::Malformed));
            let refused = receiver.open_rtcp(&mut packet);
            assert_eq!(refused, Err(OpenError::Malformed));
        }
        let mut nothing = rtp(1, 1, b"payload");
        assert_eq!(
            sender.protect_rtp(&mut nothing, 100),
            Err(ProtectError::Malformed)
        );
        let mut long = rtp(1, 1, &[0; 65_535]);
        assert_eq!(
            sender.protect_rtp(&mut long, 0),
            Err(ProtectError::Malformed)
        );
    }
}

/// RFC 3711 §3.3.1.
#[test]
fn numbers_wrap_around_and_the_counter_counts() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let sequences = (0..200_000).step_by(1_000);
        for (sequence, packet) in sequences.clone().zip(protected(&mut sender, sequences)) {
            assert_eq!(open(&mut receiver, &packet), Ok(sequence));
        }
        assert_eq!(receiver.newest(Ssrc(9)), Some(199_000));
        assert_eq!(sender.newest(Ssrc(9)), Some(199_000));
        assert_eq!(sender.newest(Ssrc(8)), None);
    }
}

#[test]
fn packets_around_the_wrap_open_in_any_order() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    let packets = protected(&mut sender, 65_500..65_580);
    let order = [0, 36, 79, 35, 40, 34, 78, 1];
    for at in order {
        assert_eq!(open(&mut receiver, &packets[at]), Ok(65_500 + at as u64));
    }
    for at in order {
        assert_eq!(open(&mut receiver, &packets[at]), Err(OpenError::Replayed));
    }
}

#[test]
fn a_burst_of_losses_of_half_the_numbers_is_bridged() {
    for start in [0, 30_000, 65_535, 100_000] {
        let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
        let mut between = start;
        // The sender has its own packets to go by.
        sender.resume(Ssrc(9), start).unwrap();
        receiver.resume(Ssrc(9), start).unwrap();
        while between + 1_000 < start + 0x7fff {
            between += 1_000;
            protected(&mut sender, [between]);
        }
        let last = start + 0x7fff;
        let packet = &protected(&mut sender, [last])[0];
        assert_eq!(open(&mut receiver, packet), Ok(last));
    }
}

#[test]
fn whoever_joins_late_is_told_the_counter() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        sender.resume(Ssrc(9), 0x5_0009).unwrap();
        let packets = protected(&mut sender, [0x5_000a, 0x5_000b]);
        assert_eq!(
            open(&mut receiver, &packets[0]),
            Err(OpenError::NotAuthentic)
        );
        receiver.resume(Ssrc(9), 0x5_0000).unwrap();
        assert_eq!(open(&mut receiver, &packets[1]), Ok(0x5_000b));
        assert_eq!(open(&mut receiver, &packets[0]), Ok(0x5_000a));
    }
}

/// RFC 7714 §5.2: the second packet of a number would give the key away.
#[test]
fn no_number_is_protected_twice() {
    for profile in PROFILES {
        let (mut sender, _) = pair(profile);
        protected(&mut sender, [0, 1, 2_000]);
        for (number, refusal) in [
            (2_000, ProtectError::Repeated),
            (976, ProtectError::TooOld),
            (1, ProtectError::TooOld),
        ] {
            let mut packet = rtp(9, number, b"other bytes");
            let before = packet.clone();
            assert_eq!(sender.protect_rtp(&mut packet, 0), Err(refusal));
            assert_eq!(packet, before);
        }
        // What was skipped may still come.
        protected(&mut sender, [977, 1_999]);
    }
}

#[test]
fn reports_open_once_and_in_any_order() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut reports: Vec<Vec<u8>> = (0..REPLAY_WINDOW + 2).map(|_| rtcp(4)).collect();
        for report in &mut reports {
            sender.protect_rtcp(report, 0).unwrap();
        }
        let mut open = |at: usize| receiver.open_rtcp(&mut reports[at].clone()).map(|_| ());
        let last = reports.len() - 1;
        assert_eq!(open(5), Ok(()));
        assert_eq!(open(last), Ok(()));
        assert_eq!(open(last - 1), Ok(()));
        assert_eq!(open(2), Ok(()));
        assert_eq!(open(1), Err(OpenError::TooOld));
        for at in [5, last, last - 1, 2] {
            assert_eq!(open(at), Err(OpenError::Replayed));
        }
    }
}

/// SRTP's and SRTCP's packets of one number have other keys.
#[test]
fn rtp_does_not_open_as_rtcp() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut media = rtp(1, 1, &[0; 40]);
        sender.protect_rtp(&mut media, 0).unwrap();
        let mut report = rtcp(1);
        sender.protect_rtcp(&mut report, 0).unwrap();
        assert_eq!(receiver.open_rtcp(&mut media), Err(OpenError::NotAuthentic));
        assert_eq!(receiver.open_rtp(&mut report), Err(OpenError::NotAuthentic));
    }
}

#[test]
fn a_flood_of_forged_streams_leaves_nothing_behind() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut rng = Rng::from_u64(5);
        for ssrc in 0..10_000 {
            let mut forged = rtp(ssrc, rng.u32() as u16, &[7; 40]);
            rng.fill(&mut forged[12..]);
            assert_eq!(
                receiver.open_rtp(&mut forged.clone()),
                Err(OpenError::NotAuthentic)
            );
            assert_eq!(
                receiver.open_rtcp(&mut forged),
                Err(OpenError::NotAuthentic)
            );
        }
        assert_eq!(receiver.streams(), (0, 0));
        let packet = &protected(&mut sender, [1])[0];
        assert_eq!(open(&mut receiver, packet), Ok(1));
    }
}

#[test]
fn a_peer_with_10_000_streams_costs_what_the_limits_say_and_repeats_none() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    let mut packets = Vec::new();
    for ssrc in 0..10_000 {
        let mut packet = rtp(ssrc, 7, b"payload");
        sender.protect_rtp(&mut packet, 0).unwrap();
        packets.push(packet.clone());
        assert!(receiver.open_rtp(&mut packet).is_ok());
    }
    assert_eq!(receiver.streams(), (10_000, 0));
    for packet in &packets {
        let again = receiver.open_rtp(&mut packet.clone());
        assert_eq!(again, Err(OpenError::Replayed));
    }
    for ssrc in 0..10_000 {
        let again = sender.protect_rtp(&mut rtp(ssrc, 7, b"payload"), 0);
        assert_eq!(again, Err(ProtectError::Repeated));
    }
}

#[test]
fn a_stream_too_many_is_refused_and_the_others_go_on() {
    let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    let (mut other, _) = pair(SrtpProfile::AeadAes128Gcm);
    let most = (ACTIVE_STREAMS + QUIET_STREAMS) as u32;
    for ssrc in 0..most {
        let mut packet = rtp(ssrc, 7, b"");
        sender.protect_rtp(&mut packet, 0).unwrap();
        receiver.open_rtp(&mut packet).unwrap();
    }
    let mut packet = rtp(most, 7, b"");
    let refused = sender.protect_rtp(&mut packet, 0);
    assert_eq!(refused, Err(ProtectError::TooManyStreams));
    other.protect_rtp(&mut packet, 0).unwrap();
    let refused = receiver.open_rtp(&mut packet);
    assert_eq!(refused, Err(OpenError::TooManyStreams));
    for ssrc in [0, most - 1] {
        let mut packet = rtp(ssrc, 8, b"");
        sender.protect_rtp(&mut packet, 0).unwrap();
        receiver.open_rtp(&mut packet).unwrap();
    }
}

#[test]
fn no_packet_with_a_changed_bit_opens() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let packet = &protected(&mut sender, [300])[0];
        let mut report = rtcp(9);
        sender.protect_rtcp(&mut report, 0).unwrap();
        for bit in 0..8 * packet.len() {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.open_rtp(&mut changed).is_err(), "bit {bit}");
        }
        for bit in 0..8 * report.len() {
            let mut changed = report.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.open_rtcp(&mut changed).is_err(), "bit {bit}");
        }
        for cut in 0..packet.len() {
            assert!(receiver.open_rtp(&mut packet[..cut].to_vec()).is_err());
        }
        for cut in 0..report.len() {
            assert!(receiver.open_rtcp(&mut report[..cut].to_vec()).is_err());
        }
        assert_eq!(receiver.streams(), (0, 0));
        assert_eq!(open(&mut receiver, packet), Ok(300));
        assert!(receiver.open_rtcp(&mut report).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Losses, repetitions and delays of packets: each opens exactly once, unless it is further
    /// behind than the window.
    #[test]
    fn whatever_the_order_each_packet_opens_once_at_most(
        start in 0_u64..70_000,
        steps in prop::collection::vec((1_u64..400, -1_200_i64..1_200), 1..200),
        which in 0_usize..4,
    ) {
        let (mut sender, mut receiver) = pair(PROFILES[which]);
        sender.resume(Ssrc(9), start).unwrap();
        receiver.resume(Ssrc(9), start).unwrap();
        let mut sequence = start;
        let mut sent: Vec<(i64, u64)> = Vec::new();
        for (skip, delay) in &steps {
            sequence += skip;
            sent.push((sequence as i64 + delay, sequence));
        }
        let packets = protected(&mut sender, sent.iter().map(|sent| sent.1));
        let mut arrivals: Vec<_> = sent.into_iter().zip(packets).collect();
        let again: Vec<_> = arrivals.iter().step_by(3).cloned().collect();
        arrivals.extend(again);
        arrivals.sort_by_key(|((arrival, _), _)| *arrival);

        let (mut taken, mut newest) = (BTreeSet::new(), start);
        for ((_, sequence), packet) in arrivals {
            let expected = if newest >= sequence + REPLAY_WINDOW {
                Err(OpenError::TooOld)
            } else if taken.contains(&sequence) || sequence <= start {
                Err(OpenError::Replayed)
            } else {
                Ok(sequence)
            };
            prop_assert_eq!(open(&mut receiver, &packet), expected);
            if expected.is_ok() {
                taken.insert(sequence);
                newest = newest.max(sequence);
            }
        }
    }

    /// Hostile packets between good ones change nothing for those.
    #[test]
    fn forged_packets_disturb_no_stream(
        forged in prop::collection::vec((0_u32..12, any::<u16>(), 0_usize..60), 1..60),
        which in 0_usize..4,
    ) {
        let (mut sender, mut receiver) = pair(PROFILES[which]);
        let packets = protected(&mut sender, (0..60).map(|n| 65_000 + 20 * n));
        for (at, (ssrc, number, length)) in forged.into_iter().enumerate() {
            let mut packet = rtp(ssrc, number, &vec![0x5a; length]);
            prop_assert!(receiver.open_rtp(&mut packet).is_err());
            let expected = 65_000 + 20 * at as u64;
            prop_assert_eq!(open(&mut receiver, &packets[at]), Ok(expected));
        }
        prop_assert_eq!(receiver.streams(), (1, 0));
    }
}

/// Two contexts with other keys.
#[test]
fn another_key_opens_nothing() {
    for profile in PROFILES {
        let mut sender = Sender::new(&master(profile, 1)).unwrap();
        let mut receiver = Receiver::new(&master(profile, 2)).unwrap();
        let packet = &protected(&mut sender, [1])[0];
        assert_eq!(open(&mut receiver, packet), Err(OpenError::NotAuthentic));
    }
}
