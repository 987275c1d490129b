use std::time::Duration;

use bytes::Bytes;
use duologue_base::Seq16;
use duologue_rtp::ext::{
    AbsSendTime, AudioLevel, ExtensionKind, ExtensionMap, ExtensionsToSend, PlayoutDelay,
    VideoOrientation,
};
use duologue_rtp::{ExtensionId, HeaderToSend, Packet, PayloadType, Ssrc, write_padding};
use rtc_rtp::extension::abs_send_time_extension::AbsSendTimeExtension;
use rtc_rtp::extension::audio_level_extension::AudioLevelExtension;
use rtc_rtp::extension::transport_cc_extension::TransportCcExtension;
use rtc_rtp::extension::video_orientation_extension::VideoOrientationExtension;
use rtc_shared::marshal::{Marshal, Unmarshal};

const MID: u8 = 4;
const LEVEL: u8 = 1;
const SEND_TIME: u8 = 2;
const TRANSPORT: u8 = 3;
const ORIENTATION: u8 = 5;
const PLAYOUT: u8 = 6;
const DESCRIPTOR: u8 = 13;

fn map() -> ExtensionMap {
    let mut map = ExtensionMap::of([], true);
    for (id, kind) in [
        (MID, ExtensionKind::Mid),
        (LEVEL, ExtensionKind::AudioLevel),
        (SEND_TIME, ExtensionKind::AbsSendTime),
        (TRANSPORT, ExtensionKind::TransportSequence),
        (ORIENTATION, ExtensionKind::VideoOrientation),
        (PLAYOUT, ExtensionKind::PlayoutDelay),
        (DESCRIPTOR, ExtensionKind::DependencyDescriptor),
    ] {
        map.insert(ExtensionId::new(id).expect("not zero"), kind);
    }
    map
}

fn ours<'a>(csrcs: &'a [Ssrc], descriptor: Option<&'a [u8]>) -> HeaderToSend<'a> {
    HeaderToSend {
        marker: true,
        payload_type: PayloadType::from_low_bits(96),
        sequence_number: Seq16(0xfedc),
        timestamp: 0x8765_4321,
        ssrc: Ssrc(0x1234_5678),
        csrcs,
        extensions: ExtensionsToSend {
            mid: Some("video"),
            transport_sequence: Some(0xabcd),
            send_time: Some(AbsSendTime::from_bits(0x12_3456)),
            audio_level: Some(AudioLevel::new(true, 33)),
            orientation: Some(VideoOrientation::from_byte(0x0d)),
            playout_delay: Some(PlayoutDelay::new(
                Duration::from_millis(100),
                Duration::from_millis(400),
            )),
            dependency_descriptor: descriptor,
            ..Default::default()
        },
        padded: true,
    }
}

#[test]
fn they_read_our_header_and_its_extensions() {
    // With one-byte elements, and with two-byte ones for a long descriptor.
    for descriptor in [None, Some(&[7; 23][..])] {
        let mut datagram = Vec::new();
        ours(&[Ssrc(5), Ssrc(6)], descriptor).write(&map(), &mut datagram);
        datagram.extend_from_slice(b"payload");
        write_padding(5, &mut datagram);

        let theirs = rtc_rtp::Packet::unmarshal(&mut Bytes::from(datagram)).unwrap();
        let header = &theirs.header;
        assert!(header.marker);
        assert_eq!(header.payload_type, 96);
        assert_eq!(header.sequence_number, 0xfedc);
        assert_eq!(header.timestamp, 0x8765_4321);
        assert_eq!(header.ssrc, 0x1234_5678);
        assert_eq!(header.csrc, [5, 6]);
        assert_eq!(&theirs.payload[..], b"payload");

        let element = |id| header.get_extension(id).unwrap();
        assert_eq!(&element(MID)[..], b"video");
        let transport = TransportCcExtension::unmarshal(&mut element(TRANSPORT)).unwrap();
        assert_eq!(transport.transport_sequence, 0xabcd);
        let time = AbsSendTimeExtension::unmarshal(&mut element(SEND_TIME)).unwrap();
        assert_eq!(time.timestamp, 0x12_3456);
        let level = AudioLevelExtension::unmarshal(&mut element(LEVEL)).unwrap();
        assert_eq!((level.voice, level.level), (true, 33));
        assert_eq!(&element(ORIENTATION)[..], [0x0d]);
        VideoOrientationExtension::unmarshal(&mut element(ORIENTATION)).unwrap();
        assert_eq!(&element(PLAYOUT)[..], [0x00, 0xa0, 0x28]);
        let read = header.get_extension(DESCRIPTOR);
        assert_eq!(read.as_deref(), descriptor);
    }
}

#[test]
fn we_read_their_header_and_its_extensions() {
    for profile in [0xbede, 0x1000] {
        let mut header = rtc_rtp::Header {
            version: 2,
            marker: true,
            payload_type: 111,
            sequence_number: 77,
            timestamp: 0xfeed_beef,
            ssrc: 9,
            csrc: vec![1, 2, 3],
            extension: true,
            extension_profile: profile,
            ..Default::default()
        };
        let level = AudioLevelExtension {
            level: 12,
            voice: true,
        };
        let transport = TransportCcExtension {
            transport_sequence: 500,
        };
        let time = AbsSendTimeExtension {
            timestamp: 0x654321,
        };
        for (id, element) in [
            (MID, Bytes::from_static(b"0")),
            (TRANSPORT, transport.marshal().unwrap().freeze()),
            (LEVEL, level.marshal().unwrap().freeze()),
            (SEND_TIME, time.marshal().unwrap().freeze()),
        ] {
            header.set_extension(id, element).unwrap();
        }
        let theirs = rtc_rtp::Packet {
            header,
            payload: Bytes::from_static(b"opus"),
        };
        let datagram = theirs.marshal().unwrap();

        let packet = Packet::parse(&datagram).unwrap();
        assert!(packet.header.marker);
        assert_eq!(packet.header.payload_type.get(), 111);
        assert_eq!(packet.header.sequence_number, Seq16(77));
        assert_eq!(packet.header.timestamp, 0xfeed_beef);
        assert_eq!(packet.header.ssrc, Ssrc(9));
        assert!(packet.csrcs().eq([Ssrc(1), Ssrc(2), Ssrc(3)]));
        assert_eq!(packet.payload(), b"opus");
        let read = packet.extensions(&map());
        assert_eq!(read.mid(&datagram), Some("0"), "{profile:#x}");
        assert_eq!(read.transport_sequence(), Some(500));
        assert_eq!(read.audio_level(), Some(AudioLevel::new(true, 12)));
        assert_eq!(read.send_time(), Some(AbsSendTime::from_bits(0x654321)));
    }
}
