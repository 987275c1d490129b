use duologue_rtp::{Codec, PayloadType, RtcpFeedback, SourceParameters, Ssrc};
use duologue_sdp::Origin;
use proptest::prelude::*;

use super::*;
use crate::limits::{
    MAX_EXTENSIONS, MAX_FEEDBACK, MAX_FINGERPRINTS, MAX_RIDS, MAX_STREAMS, MAX_URI_BYTES,
};
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

/// What a description says that has these lines at the session level and in each of its sections.
fn read_of(session: &str, section: &str, sections: usize) -> Blueprint {
    let mut text = format!("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{session}");
    for _ in 0..sections {
        text += "m=video 9 UDP/TLS/RTP/SAVPF 96 97 96\r\n";
        text += "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 VP9/90000\r\n";
        text += section;
    }
    read(&duologue_sdp::SessionDescription::parse(&text).unwrap())
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|n| line(n) + "\r\n").collect()
}

fn rtp_of(blueprint: &Blueprint) -> Vec<&RtpLines> {
    blueprint.sections.iter().filter_map(Section::rtp).collect()
}

#[test]
fn a_section_has_of_the_session_level_what_it_does_not_say_itself() {
    let print = |byte: &str| format!("a=fingerprint:sha-256 {}\r\n", [byte; 32].join(":"));
    let session = "a=sendonly\r\na=setup:active\r\na=ice-ufrag:session\r\n\
        a=ice-pwd:passwordpasswordpassword\r\na=ice-options:trickle\r\na=extmap:1 urn:1\r\n";
    let session = session.to_owned() + &print("AA");
    let [section] = &read_of(&session, "", 1).sections[..] else {
        panic!("one section");
    };
    let ice = section.transport.ice.clone().unwrap();
    assert_eq!(section.direction, Direction::SendOnly);
    assert_eq!(section.transport.setup, Some(Setup::Active));
    assert_eq!(ice.ufrag, "session");
    assert!(section.transport.trickle);
    assert_eq!(section.transport.fingerprints.len(), 1);
    assert_eq!(section.rtp().unwrap().extensions.len(), 1);

    let own = "a=recvonly\r\na=setup:passive\r\na=ice-ufrag:ownown\r\n\
        a=ice-options:renomination\r\na=extmap:1 urn:1\r\na=extmap:2 urn:2\r\n";
    let own = own.to_owned() + &print("BB") + &print("CC");
    let [section] = &read_of(&session, &own, 1).sections[..] else {
        panic!("one section");
    };
    let ice = section.transport.ice.clone().unwrap();
    assert_eq!(section.direction, Direction::RecvOnly);
    assert_eq!(section.transport.setup, Some(Setup::Passive));
    assert_eq!(ice.ufrag, "ownown");
    assert!(section.transport.renomination && !section.transport.trickle);
    assert_eq!(section.transport.fingerprints.len(), 2);
    let uris = section.rtp().unwrap().extensions.iter();
    assert_eq!(
        uris.map(|it| &*it.uri).collect::<Vec<_>>(),
        ["urn:1", "urn:2"]
    );
}

#[test]
fn lines_of_the_session_level_do_not_count_for_each_section_without_a_bound() {
    let extensions = lines(5_000, |n| format!("a=extmap:{} urn:{n}", n % 255 + 1));
    let print = |n: usize| format!("{:02X}:{:02X}:{}", n / 256, n % 256, ["00"; 30].join(":"));
    let fingerprints = lines(5_000, |n| format!("a=fingerprint:sha-256 {}", print(n)));
    let blueprint = read_of(&(extensions + &fingerprints), "a=extmap:7 urn:own\r\n", 20);
    for section in &blueprint.sections {
        let extensions = &section.rtp().unwrap().extensions;
        assert_eq!(extensions.len(), MAX_EXTENSIONS);
        assert_eq!(extensions[0].uri, "urn:0");
        assert_eq!(section.transport.fingerprints.len(), MAX_FINGERPRINTS);
    }
    // Of one that nobody knows, and of another one that is there already, nothing is kept.
    let long = format!("a=extmap:1 urn:{}", "x".repeat(MAX_URI_BYTES));
    let same = lines(5_000, |n| match n % 2 {
        0 => long.clone(),
        _ => "a=extmap:2 urn:2".to_owned(),
    });
    let blueprint = read_of(&same, "", 1);
    assert_eq!(rtp_of(&blueprint)[0].extensions.len(), 1);
}

#[test]
fn feedback_for_all_formats_is_read_once_of_each_kind_and_within_a_bound() {
    let kinds = "a=rtcp-fb:96 nack\r\na=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\n".to_owned();
    let blueprint = read_of("", &kinds, 1);
    let [vp8, vp9] = &rtp_of(&blueprint)[0].codecs[..] else {
        panic!("each format once");
    };
    let both = [RtcpFeedback::Nack, RtcpFeedback::Pli];
    assert_eq!(
        (&vp8.feedback[..], &vp9.feedback[..]),
        (&both[..], &both[..])
    );

    let many = kinds + &lines(5_000, |n| format!("a=rtcp-fb:* kind-{n}"));
    let blueprint = read_of("", &many, 1);
    for codec in &rtp_of(&blueprint)[0].codecs {
        assert_eq!(codec.feedback.len(), MAX_FEEDBACK);
        assert_eq!(codec.feedback[..2], both);
    }
}

#[test]
fn streams_and_layers_of_a_section_are_read_within_a_bound() {
    let streams = lines(5_000, |n| format!("a=msid:{} track", n / 2));
    let layers = lines(5_000, |n| format!("a=rid:{n} send"));
    let ids: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
    let simulcast = format!("a=simulcast:send {}\r\n", ids.join(";"));
    let blueprint = read_of("", &(streams + &layers + &simulcast), 1);
    let rtp = rtp_of(&blueprint)[0];
    let Streams::In(streams) = &rtp.streams else {
        panic!("streams are named");
    };
    assert_eq!(streams.len(), MAX_STREAMS);
    assert_eq!(streams[..2], ["0", "1"]);
    assert_eq!(rtp.rids.len(), MAX_RIDS);
    assert_eq!(simulcast::sent(rtp).len(), MAX_RIDS);
    // As before `a=msid` was there.
    let sources = lines(5_000, |n| format!("a=ssrc:{n} msid:{n} track"));
    let blueprint = read_of("", &sources, 1);
    let Streams::In(streams) = &rtp_of(&blueprint)[0].streams else {
        panic!("streams are named");
    };
    assert_eq!(streams.len(), MAX_STREAMS);
}
