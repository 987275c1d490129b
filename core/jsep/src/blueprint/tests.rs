use duologue_rtp::{Codec, PayloadType, RtcpFeedback, SourceParameters, Ssrc};
use duologue_sdp::Origin;
use proptest::prelude::*;

use super::*;
use crate::plan::simulcast;

fn codec(name: &str, pt: u8, fmtp: Option<&str>) -> CodecParameters {
    CodecParameters {
        payload_type: PayloadType::from_low_bits(pt),
        codec: Codec {
            sdp_fmtp_line: fmtp.map(str::to_owned),
            ..Codec::new(MediaKind::Video, name, 90_000)
        },
        feedback: vec![RtcpFeedback::Nack, RtcpFeedback::Pli],
    }
}

prop_compose! {
    fn transport()(
        ice in prop::option::of(Just(IceCredentials {
            ufrag: "ufrag".into(),
            pwd: "passwordpasswordpassword".to_owned().into(),
        })),
        trickle in any::<bool>(),
        renomination in any::<bool>(),
        sped in any::<bool>(),
        hashes in 0usize..3,
        setup in prop::option::of(prop_oneof![Just(Setup::ActPass), Just(Setup::Active)]),
        rtcp_mux in any::<bool>(),
        rtcp_mux_only in any::<bool>(),
        reduced_size in any::<bool>(),
        cryptex in any::<bool>(),
    ) -> TransportLines {
        let text = format!("sha-256 {}", ["AB"; 32].join(":"));
        let fingerprints = vec![text.parse().unwrap(); hashes];
        TransportLines { ice, trickle, renomination, sped, fingerprints, setup, rtcp_mux, rtcp_mux_only, reduced_size, cryptex }
    }
}

prop_compose! {
    fn rtp()(
        streams in prop::option::of(prop::collection::btree_set("[a-z]{1,4}", 0..3)),
        track_id in "[a-z]{1,4}",
        send in prop::collection::btree_set("[a-z]{1,4}", 0..3),
        receive in prop::collection::btree_set("[a-z]{1,4}", 0..3),
        extensions in prop::collection::btree_map(1u8.., direction(), 0..4),
        sources in prop::collection::btree_map(
            1u32..1000,
            (prop::option::of(1000u32..2000), prop::option::of(2000u32..3000)),
            0..2,
        ),
    ) -> RtpLines {
        let rids = |set: std::collections::BTreeSet<String>| -> Vec<Rid> {
            set.iter().map(|rid| rid.parse().unwrap()).collect()
        };
        let extension = |(id, direction)| Extension {
            id: ExtensionId::new(id).expect("not zero"),
            uri: format!("urn:{id}"),
            direction,
        };
        let announced = |(ssrc, (rtx, fec)): (u32, (Option<u32>, Option<u32>))| AnnouncedSource {
            source: SourceParameters { ssrc: Ssrc(ssrc), rtx: rtx.map(Ssrc), fec: fec.map(Ssrc) },
            cname: Some("cname".to_owned()),
        };
        let mut lines = RtpLines {
            codecs: vec![
                codec("VP8", 96, None),
                codec("rtx", 97, Some("apt=96")),
                codec("H264", 100, Some("profile-level-id=42e01f")),
            ],
            extensions: extensions.into_iter().map(extension).collect(),
            track_id: streams.as_ref().map(|_| track_id),
            streams: match streams {
                None => Streams::Unsaid,
                Some(streams) => Streams::In(streams.into_iter().collect()),
            },
            cname: (!sources.is_empty()).then(|| "cname".to_owned()),
            sources: sources.into_iter().map(announced).collect(),
            ..RtpLines::empty(MediaKind::Video)
        };
        simulcast::describe(&mut lines, &rids(send), &rids(receive), true);
        lines
    }
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![
        Just(Direction::SendRecv),
        Just(Direction::SendOnly),
        Just(Direction::Inactive)
    ]
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        rtp().prop_map(Content::Rtp),
        prop::option::of(any::<u64>()).prop_map(|max_message_size| Content::Data(DataLines {
            port: 5000,
            max_message_size,
            legacy: false,
            init: None,
        })),
        Just(Content::Unknown),
    ]
}

fn section(index: usize, port: Port, (direction, transport, content): Parts) -> Section {
    let (word, protocol, formats) = match &content {
        Content::Rtp(rtp) => (
            MediaWord::Video,
            MediaProtocol::UDP_TLS_RTP_SAVPF,
            Formats::Rtp(rtp.codecs.iter().map(|c| c.payload_type).collect()),
        ),
        Content::Data(_) => (
            MediaWord::Application,
            MediaProtocol::UDP_DTLS_SCTP,
            Formats::data_channel(),
        ),
        Content::Unknown => (
            MediaWord::Other("text".parse().unwrap()),
            "UDP".parse().unwrap(),
            Formats::data_channel(),
        ),
    };
    let direction = match &content {
        Content::Rtp(_) => direction,
        _ => Direction::SendRecv,
    };
    Section {
        word,
        protocol,
        formats,
        mid: Some(format!("m{index}").parse().unwrap()),
        port,
        direction,
        transport,
        content,
    }
}

type Parts = (Direction, TransportLines, Content);

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_blueprint_back(
        parts in prop::collection::vec(
            ((direction(), transport(), content()), prop_oneof![Just(Port::Open), Just(Port::BundleOnly)]),
            0..5,
        ),
        ids in any::<(u32, u32)>(),
        extmap_allow_mixed in any::<bool>(),
        identity in proptest::option::of("[A-Za-z0-9+/]{4,40}={0,2}"),
    ) {
        let sections: Vec<Section> = parts
            .into_iter()
            .enumerate()
            .map(|(index, (parts, port))| section(index, port, parts))
            .collect();
        let mids: Vec<Mid> = sections.iter().filter_map(|s| s.mid.clone()).collect();
        let blueprint = Blueprint {
            ice_lite: false,
            ice_pacing: None,
            identity,
            extmap_allow_mixed,
            bundles: if mids.is_empty() { vec![] } else { vec![mids.clone()] },
            lip_sync: vec![mids],
            sections,
        };
        let origin = Origin::new(ids.0.into(), ids.1.into());
        let text = write(&blueprint, origin).to_string();
        let description = duologue_sdp::SessionDescription::parse(&text).unwrap();
        prop_assert_eq!(read(&description), blueprint);
    }
}
