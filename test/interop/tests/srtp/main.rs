//! Our SRTP against rtc-srtp (webrtc-rs's), with the same keys, in both directions.

mod packets;

use duologue_base::{Rng, SrtpProfile};
use duologue_srtp::{MasterKey, Receiver, Sender};
use packets::{rtcp, rtp};
use rtc_crypto::RTCCryptoProvider as _;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

const PROFILES: [(SrtpProfile, ProtectionProfile); 4] = [
    (
        SrtpProfile::Aes128CmSha1_80,
        ProtectionProfile::Aes128CmHmacSha1_80,
    ),
    (
        SrtpProfile::Aes128CmSha1_32,
        ProtectionProfile::Aes128CmHmacSha1_32,
    ),
    (SrtpProfile::AeadAes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (SrtpProfile::AeadAes256Gcm, ProtectionProfile::AeadAes256Gcm),
];

/// Packets of a run; the sequence numbers of each stream wrap around some times.
const PACKETS: usize = 2_000;

/// Contexts with the same key.
struct Ends {
    our_sender: Sender,
    our_receiver: Receiver,
    their_sender: Context,
    their_receiver: Context,
}

impl Ends {
    fn new((ours, theirs): (SrtpProfile, ProtectionProfile), rng: &mut Rng) -> Self {
        let mut key = vec![0; theirs.key_len()];
        let mut salt = vec![0; theirs.salt_len()];
        rng.fill(&mut key);
        rng.fill(&mut salt);
        let master = MasterKey::new(ours, &key, &salt).expect("as long as theirs");
        let provider = AwsLcRsProvider::new();
        let context = || {
            let windows = (srtp_replay_protection(64), srtcp_replay_protection(64));
            let (rtp, rtcp) = (Some(windows.0), Some(windows.1));
            Context::new(&key, &salt, theirs, rtp, rtcp, provider.crypto()).expect("a context")
        };
        Ends {
            our_sender: Sender::new(&master).expect("keys"),
            our_receiver: Receiver::new(&master).expect("keys"),
            their_sender: context(),
            their_receiver: context(),
        }
    }
}

#[test]
fn rtp_with_csrcs_and_extensions_is_protected_to_the_same_bytes_and_opened_by_either() {
    for profiles in PROFILES {
        let mut rng = Rng::from_u64(1);
        let mut ends = Ends::new(profiles, &mut rng);
        // RFC 3711 §3.3.1: a first number in the lower half, so that no loss hides a wrap.
        let mut streams = [(7_u32, 100_u64), (0x8000_0000, 30_000), (u32::MAX, 1)];
        for _ in 0..PACKETS {
            let (ssrc, sequence) = &mut streams[rng.below(3) as usize];
            *sequence += u64::from(1 + rng.below(700));
            let plain = rtp(*ssrc, *sequence as u16, &mut rng);

            let theirs = ends.their_sender.encrypt_rtp(&plain).expect("protected");
            let mut ours = plain.clone();
            let protected = ends.our_sender.protect_rtp(&mut ours, 0);
            assert_eq!(protected, Ok(*sequence));
            assert_eq!(ours, theirs, "{profiles:?}: {plain:02x?}");

            let opened_by_them = ends.their_receiver.decrypt_rtp(&ours).expect("opened");
            assert_eq!(opened_by_them, plain);
            let mut packet = theirs.to_vec();
            let opened = ends.our_receiver.open_rtp(&mut packet).expect("opened");
            assert_eq!(packet[..opened.length], plain);
            assert_eq!(opened.sequence, *sequence);
        }
        assert!(streams.iter().all(|stream| stream.1 > 3 << 16));
    }
}

#[test]
fn rtcp_is_opened_by_either() {
    for profiles in PROFILES {
        let mut rng = Rng::from_u64(2);
        let mut ends = Ends::new(profiles, &mut rng);
        for number in 0..500 {
            let plain = rtcp(number % 3, &mut rng);
            let mut ours = plain.clone();
            ends.our_sender
                .protect_rtcp(&mut ours, 0)
                .expect("protected");
            let opened_by_them = ends.their_receiver.decrypt_rtcp(&ours).expect("opened");
            assert_eq!(opened_by_them, plain);

            let theirs = ends.their_sender.encrypt_rtcp(&plain).expect("protected");
            assert_eq!(theirs.len(), ours.len());
            let mut packet = theirs.to_vec();
            let length = ends.our_receiver.open_rtcp(&mut packet).expect("opened");
            assert_eq!(packet[..length], plain);
        }
    }
}

/// (rtc-srtp itself takes AES-GCM's RTCP packets with the flag of encryption turned.)
#[test]
fn what_they_send_and_is_damaged_on_its_way_is_not_opened() {
    for profiles in PROFILES {
        let mut rng = Rng::from_u64(3);
        let mut ends = Ends::new(profiles, &mut rng);
        for number in 1..300 {
            let media = ends.their_sender.encrypt_rtp(&rtp(7, number, &mut rng));
            let report = ends.their_sender.encrypt_rtcp(&rtcp(7, &mut rng));
            let (mut media, mut report) = (media.expect("protected"), report.expect("protected"));
            for packet in [&mut media, &mut report] {
                let at = rng.below(packet.len() as u32) as usize;
                packet[at] ^= 1 << rng.below(8);
            }
            assert!(ends.our_receiver.open_rtp(&mut media).is_err());
            assert!(ends.our_receiver.open_rtcp(&mut report).is_err());
        }
    }
}
