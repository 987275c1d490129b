//! Which codecs, under which payload types, with which parameters.

use duologue_jsep::{
    Capabilities, Codec, CodecParameters, Direction, MEDIA_PLANE, MediaKind, RtcpFeedback, SdpType,
};
use duologue_rtp::Ssrc;

use crate::end::{End, lines, negotiate, sections};

/// Replaces the codecs of a one-section description.
fn with_formats(sdp: &str, formats: &str, attributes: &[&str]) -> String {
    let codec_line = |l: &str| {
        ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
            .iter()
            .any(|p| l.starts_with(p))
    };
    let mut text = String::new();
    for line in sdp.split_inclusive("\r\n").filter(|l| !codec_line(l)) {
        match line.starts_with("m=") {
            true => {
                let words: Vec<&str> = line.split(' ').collect();
                text.push_str(&format!(
                    "{} {} {} {formats}\r\n",
                    words[0], words[1], words[2]
                ));
            }
            false => text.push_str(line),
        }
    }
    for attribute in attributes {
        text.push_str(&format!("a={attribute}\r\n"));
    }
    text
}

fn offer_of(kind: MediaKind, formats: &str, attributes: &[&str]) -> String {
    let mut a = End::new(9);
    a.add(kind, Direction::SendRecv);
    with_formats(&a.offer(), formats, attributes)
}

/// This end's answer to an offer of these formats, which wants everything.
fn answered(kind: MediaKind, formats: &str, attributes: &[&str]) -> (End, String) {
    let mut b = End::new(2);
    let id = b.add_track(kind, "s");
    b.set_remote(SdpType::Offer, &offer_of(kind, formats, attributes))
        .unwrap();
    assert_eq!(b.media(id).mid.as_str(), "0");
    let answer = b.answer();
    (b, answer)
}

fn sent(end: &End) -> Vec<CodecParameters> {
    end.signaling.stable().media[0].send.clone().unwrap().codecs
}

fn received(end: &End) -> Vec<CodecParameters> {
    end.signaling.stable().media[0]
        .receive
        .clone()
        .unwrap()
        .codecs
}

fn numbers(codecs: &[CodecParameters]) -> Vec<(u8, &str)> {
    codecs
        .iter()
        .map(|c| (c.payload_type.get(), c.codec.name.as_str()))
        .collect()
}

fn find(end: &End, kind: MediaKind, name: &str) -> Codec {
    let codecs = end.intent.capabilities.receive_codecs(kind);
    codecs.into_iter().find(|c| c.name == name).unwrap()
}

#[test]
fn payload_types_of_an_offer_can_be_told_from_rtcp() {
    let mut a = End::new(1);
    a.audio();
    a.video();
    for line in lines(&a.offer(), "m=") {
        for pt in line.split(' ').skip(3) {
            let pt: u8 = pt.parse().unwrap();
            assert!(!(64..=95).contains(&pt), "{pt}");
        }
    }
}

#[test]
fn an_answer_uses_the_offers_payload_types() {
    let attributes = [
        "rtpmap:100 opus/48000/2",
        "fmtp:100 maxplaybackrate=48000;stereo=1",
    ];
    let (b, answer) = answered(MediaKind::Audio, "100 8", &attributes);
    assert!(answer.contains("a=rtpmap:100 opus/48000/2\r\n"));
    assert!(answer.contains("a=fmtp:100 minptime=10;useinbandfec=1\r\n"));
    assert_eq!(numbers(&sent(&b)), [(100, "opus"), (8, "PCMA")]);
    // What is sent obeys the other end's parameters, what is received this end's.
    let line = |codecs: &[CodecParameters]| codecs[0].codec.sdp_fmtp_line.clone().unwrap();
    assert_eq!(line(&sent(&b)), "maxplaybackrate=48000;stereo=1");
    assert_eq!(line(&received(&b)), "minptime=10;useinbandfec=1");
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let (b, answer) = answered(MediaKind::Audio, "0 8 9 13", &[]);
    assert_eq!(
        numbers(&sent(&b)),
        [(0, "PCMU"), (8, "PCMA"), (9, "G722"), (13, "CN")]
    );
    assert!(answer.contains("a=rtpmap:9 G722/8000\r\n"));
}

#[test]
fn a_section_without_a_common_codec_is_rejected() {
    for (formats, attributes) in [
        ("100", ["rtpmap:100 VP8/30"].as_slice()),
        ("100", &["rtpmap:100 no-such-codec/90000"]),
        (
            "100 101",
            &["rtpmap:100 ulpfec/90000", "rtpmap:101 red/90000"],
        ),
        ("100", &[]),
    ] {
        let (_, answer) = answered(MediaKind::Video, formats, attributes);
        assert!(
            sections(&answer)[1].starts_with("m=video 0 "),
            "{attributes:?}"
        );
    }
}

#[test]
fn h264_is_matched_by_profile_and_mode_and_answered_by_level() {
    let attributes = [
        "rtpmap:100 H264/90000",
        "fmtp:100 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034",
        "rtpmap:101 H264/90000",
        "fmtp:101 packetization-mode=0;profile-level-id=42e00d",
        "rtpmap:102 H264/90000",
        "fmtp:102 packetization-mode=1;profile-level-id=f4001f",
    ];
    let (b, answer) = answered(MediaKind::Video, "100 101 102", &attributes);
    assert_eq!(numbers(&sent(&b)), [(100, "H264"), (101, "H264")]);
    let asymmetric = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let lowered = "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e00d";
    assert!(answer.contains(&format!("a=fmtp:100 {asymmetric}\r\n")));
    assert!(answer.contains(&format!("a=fmtp:101 {lowered}\r\n")));
    let line = sent(&b)[0].codec.sdp_fmtp_line.clone().unwrap();
    assert!(line.ends_with("profile-level-id=42e034"));
}

/// RFC 6184 §8.2.2: they are those of the stream that the other end sends, under this end's payload types.
#[test]
fn parameter_sets_of_the_other_ends_description_are_for_what_is_received() {
    let mode = |number: u8, sets: &str| {
        format!("fmtp:{number} packetization-mode=1;profile-level-id=42e01f{sets}")
    };
    let sets = ";sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==";
    let other = ";sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==,aMljiQ==";
    let (first, second) = (mode(100, sets), mode(101, other));
    let attributes = [
        "rtpmap:100 H264/90000",
        first.as_str(),
        "rtpmap:101 H264/90000",
        second.as_str(),
        "rtpmap:102 VP8/90000",
    ];
    let (b, answer) = answered(MediaKind::Video, "100 101 102", &attributes);
    assert!(!answer.contains("sprop"));
    let id = b.intent.transceivers[0].id;
    let (_, plan) = b.plans.receive(id).unwrap();
    let known = plan.sent_formats.iter().map(|sent| {
        let sets = sent.parameter_sets.as_ref().unwrap();
        (sent.payload_type.get(), sets.units().count())
    });
    assert_eq!(known.collect::<Vec<_>>(), [(100, 2)]);

    // An answer has the offer's numbers, each with its own.
    let mut a = End::new(1);
    let id = a.add_track(MediaKind::Video, "s");
    let h264 = a.intent.capabilities.receive_codecs(MediaKind::Video);
    let of_mode = |codec: &Codec| {
        codec
            .sdp_fmtp_line
            .as_deref()
            .unwrap_or_default()
            .to_owned()
    };
    let h264 = h264.into_iter().filter(|codec| {
        codec.name == "H264"
            && of_mode(codec).contains("packetization-mode=1;profile-level-id=42e01f")
    });
    a.transceiver(id).codec_preferences = h264.collect();
    let offer = a.offer();
    let mut b = End::new(2);
    b.add_track(MediaKind::Video, "s");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    let answer = answer.replace(
        "profile-level-id=42e01f",
        &format!("profile-level-id=42e01f{sets}"),
    );
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let (_, plan) = a.plans.receive(id).unwrap();
    assert_eq!(plan.sent_formats.len(), 1);
    assert_eq!(
        plan.sent_formats[0].payload_type,
        plan.parameters.codecs[0].payload_type
    );
}

#[test]
fn vp9_and_av1_are_matched_by_profile() {
    let attributes = [
        "rtpmap:100 VP9/90000",
        "fmtp:100 profile-id=1",
        "rtpmap:101 VP9/90000",
        "fmtp:101 profile-id=2",
        "rtpmap:102 AV1/90000",
        "fmtp:102 level-idx=9;tier=1",
        "rtpmap:103 AV1/90000",
        "fmtp:103 profile=1",
    ];
    let (b, _) = answered(MediaKind::Video, "100 101 102 103", &attributes);
    assert_eq!(numbers(&sent(&b)), [(101, "VP9"), (102, "AV1")]);
}

#[test]
fn retransmission_follows_the_codec_it_repeats() {
    let attributes = [
        "rtpmap:96 rtx/90000",
        "fmtp:96 apt=98",
        "rtpmap:97 rtx/90000",
        "fmtp:97 apt=99",
        "rtpmap:98 VP8/90000",
        "rtpmap:99 unknown/90000",
    ];
    let (b, answer) = answered(MediaKind::Video, "96 97 98 99", &attributes);
    assert_eq!(numbers(&sent(&b)), [(98, "VP8"), (96, "rtx")]);
    assert!(answer.contains("UDP/TLS/RTP/SAVPF 98 96\r\n"));
    assert!(answer.contains("a=fmtp:96 apt=98\r\n"));
}

#[test]
fn a_codec_that_is_offered_twice_is_answered_once_with_its_retransmission() {
    let attributes = [
        "rtpmap:96 VP8/90000",
        "rtpmap:97 rtx/90000",
        "fmtp:97 apt=98",
        "rtpmap:98 VP8/90000",
        "rtpmap:99 rtx/90000",
        "fmtp:99 apt=96",
    ];
    let (b, _) = answered(MediaKind::Video, "96 97 98 99", &attributes);
    assert_eq!(numbers(&sent(&b)), [(96, "VP8"), (99, "rtx")]);
}

#[test]
fn redundant_audio_is_taken_when_what_it_repeats_is() {
    let attributes = [
        "rtpmap:96 opus/48000/2",
        "rtpmap:97 red/48000/2",
        "fmtp:97 96/96",
    ];
    let (b, answer) = answered(MediaKind::Audio, "97 96", &attributes);
    assert_eq!(numbers(&sent(&b)), [(97, "red"), (96, "opus")]);
    assert!(answer.contains("a=fmtp:97 96/96\r\n"));
    let attributes = [
        "rtpmap:96 lyra/48000/2",
        "rtpmap:97 red/48000/2",
        "fmtp:97 96/96",
    ];
    let (b, _) = answered(MediaKind::Audio, "97 0 96", &attributes);
    assert_eq!(numbers(&sent(&b)), [(0, "PCMU")]);
}

#[test]
fn telephone_events_and_comfort_noise_are_matched_by_clock_rate() {
    let attributes = [
        "rtpmap:96 opus/48000/2",
        "rtpmap:101 telephone-event/8000",
        "fmtp:101 0-15",
        "rtpmap:102 telephone-event/16000",
        "rtpmap:103 CN/32000",
    ];
    let (b, _) = answered(MediaKind::Audio, "96 101 102 103 13", &attributes);
    let names = numbers(&sent(&b))
        .into_iter()
        .map(|(pt, _)| pt)
        .collect::<Vec<_>>();
    assert_eq!(names, [96, 101, 13]);
}

#[test]
fn telephone_events_stay_for_each_clock_that_an_accepted_codec_has() {
    let attributes = [
        "rtpmap:96 opus/48000/2",
        "rtpmap:101 telephone-event/8000",
        "rtpmap:102 telephone-event/48000",
    ];
    for (formats, expected) in [
        // A gateway that sends PCMU has keys (RFC 4733 §2.1: on the clock of the codec).
        ("96 0 101 102", vec![96, 0, 101, 102]),
        ("0 96 101 102", vec![0, 96, 101, 102]),
        ("0 101 102", vec![0, 101]),
        ("96 101 102", vec![96, 102]),
        ("96 101", vec![96, 101]),
    ] {
        let (b, _) = answered(MediaKind::Audio, formats, &attributes);
        let codecs = sent(&b);
        let formats_sent: Vec<_> = numbers(&codecs).iter().map(|(pt, _)| *pt).collect();
        assert_eq!(formats_sent, expected, "{formats}");
    }
}

#[test]
fn feedback_is_what_both_ends_know() {
    let attributes = [
        "rtpmap:96 VP8/90000",
        "rtcp-fb:* nack",
        "rtcp-fb:96 nack pli",
        "rtcp-fb:96 nack sli",
        "rtcp-fb:96 trr-int 100",
    ];
    let mut capabilities = Capabilities::default();
    for codec in &mut capabilities.codecs {
        let known = [RtcpFeedback::Nack, RtcpFeedback::Pli, RtcpFeedback::Fir];
        codec.feedback = known.to_vec();
    }
    let mut b = End::with(2, Default::default(), capabilities);
    b.add_track(MediaKind::Video, "s");
    let offer = offer_of(MediaKind::Video, "96", &attributes);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert_eq!(lines(&answer, "a=rtcp-fb:"), ["96 nack", "96 nack pli"]);
    let known: Vec<String> = sent(&b)[0].feedback.iter().map(|f| f.to_string()).collect();
    assert_eq!(known, ["nack", "nack pli"]);
}

#[test]
fn an_offer_promises_the_repairs_that_the_media_plane_does_and_no_other() {
    let mut a = End::new(1);
    a.audio();
    a.video();
    let offer = a.create_offer();
    let has = |what: &str| offer.contains(what);
    assert_eq!(has("a=rtcp-fb:"), !MEDIA_PLANE.feedback.is_empty());
    assert_eq!(has(" rtx/90000"), MEDIA_PLANE.retransmission);
    assert_eq!(has("transport-wide-cc"), MEDIA_PLANE.transport_cc);
    for repair in [" red/48000/2", " red/90000", " ulpfec/90000"] {
        assert_eq!(has(repair), MEDIA_PLANE.redundancy, "{repair}");
    }
    // They are among the capabilities, and the application may ask for less.
    let mut less = a.intent.capabilities.receive_codecs(MediaKind::Video);
    for name in ["rtx", "red", "ulpfec", "flexfec-03"] {
        assert!(less.iter().any(|codec| codec.name == name), "{name}");
    }
    less.retain(|codec| codec.is_media());
    a.intent.transceivers[1].codec_preferences = less;
    let offer = a.create_offer();
    for repair in [" rtx/90000", " red/90000", " ulpfec/90000", "flexfec"] {
        assert!(!offer.contains(repair), "{repair}");
    }
}

#[test]
fn flexfec_is_offered_where_nothing_is_sent_or_the_application_asks_and_has_a_source_there() {
    let flexfec = " flexfec-03/90000";
    let mut a = End::new(1);
    let id = a.video();
    let offer = a.create_offer();
    assert!(!offer.contains(flexfec) && !offer.contains("FEC-FR"));

    a.transceiver(id).codec_preferences = a.intent.capabilities.receive_codecs(MediaKind::Video);
    let offer = a.create_offer();
    assert!(offer.contains(flexfec));
    let groups = lines(&offer, "a=ssrc-group:");
    assert_eq!(groups, ["FID 1000 2000", "FEC-FR 1000 3000"]);

    let mut a = End::new(1);
    a.add(MediaKind::Video, Direction::RecvOnly);
    let offer = a.create_offer();
    assert!(offer.contains(flexfec) && !offer.contains("a=ssrc"));
}

#[test]
fn a_receiver_that_offers_flexfec_is_told_of_its_source_and_one_that_does_not_is_not() {
    let exchange = |with: bool| {
        let mut a = End::new(1);
        let at = a.add(MediaKind::Video, Direction::RecvOnly);
        if !with {
            let mut all = a.intent.capabilities.receive_codecs(MediaKind::Video);
            all.retain(|codec| !codec.is_flexfec());
            a.transceiver(at).codec_preferences = all;
        }
        let mut b = End::new(2);
        let id = b.add_track(MediaKind::Video, "s");
        let (_, answer) = negotiate(&mut a, &mut b);
        let (_, sent) = b.plans.send(id).expect("it sends");
        let (_, received) = a.plans.receive(at).expect("it receives");
        let fec = [sent.streams[0].source.fec, received.sources[0].fec];
        (answer.contains("a=ssrc-group:FEC-FR "), fec)
    };
    assert_eq!(exchange(true), (true, [Some(Ssrc(3000)); 2]));
    assert_eq!(exchange(false), (false, [None; 2]));
}

#[test]
fn each_direction_uses_its_receivers_payload_types() {
    let mut a = End::new(1);
    let id = a.add(MediaKind::Audio, Direction::SendRecv);
    let mut b = End::new(2);
    b.add_track(MediaKind::Audio, "s");
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    // RFC 3264 §6.1 lets an answerer choose its own numbers.
    let answer = with_formats(&b.answer(), "120 8", &["rtpmap:120 OPUS/48000/2"]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(numbers(&sent(&a)), [(120, "opus"), (8, "PCMA")]);
    assert_eq!(numbers(&received(&a)), [(111, "opus"), (8, "PCMA")]);
    // The next offer keeps this end's numbers and the answer's order.
    let offer = a.offer();
    assert!(
        offer.contains("SAVPF 111 8 63 9 0 13 110 126\r\n"),
        "{offer}"
    );
    assert_eq!(a.media(id).mid.as_str(), "0");
}

#[test]
fn a_payload_type_keeps_its_meaning_in_later_sections() {
    // The other end's 100 is VP8, which this end would give to VP9 profile 2.
    let attributes = ["rtpmap:100 VP8/90000", "rtpmap:45 H264/90000"];
    let (mut b, _) = answered(MediaKind::Video, "100 45", &attributes);
    b.audio();
    b.video();
    let offer = b.offer();
    let parts = sections(&offer);
    for at in [1, 3] {
        let maps = lines(&parts[at], "a=rtpmap:");
        assert!(maps.contains(&"100 VP8/90000"), "{maps:?}");
        assert_eq!(maps.iter().filter(|m| m.starts_with("100 ")).count(), 1);
        assert!(
            maps.iter()
                .any(|m| m.ends_with("AV1/90000") && !m.starts_with("45 "))
        );
    }
}

#[test]
fn sections_of_one_group_may_number_their_codecs_apart() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.video();
    a.video();
    let offer = a.offer();
    let parts = sections(&offer);
    // As Firefox offers a section of its own beside those that the other end brought.
    let other = parts[2]
        .replace("a=rtpmap:96 VP8", "a=rtpmap:96 NEW")
        .replace("a=rtpmap:98 VP9", "a=rtpmap:98 VP8")
        .replace("a=rtpmap:96 NEW", "a=rtpmap:96 VP9")
        .replace("a=fmtp:98 ", "a=fmtp:96 ");
    let offer = parts[0].clone() + &parts[1] + &other;
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    let answered = sections(&answer);
    assert!(answered[1].contains("a=rtpmap:96 VP8/90000\r\n"));
    assert!(answered[2].contains("a=rtpmap:98 VP8/90000\r\n"));
    assert!(answered[2].contains("a=rtpmap:96 VP9/90000\r\n"));
}

#[test]
fn a_later_offer_has_all_codecs_again() {
    let attributes = ["rtpmap:100 VP8/90000"];
    let (mut b, answer) = answered(MediaKind::Video, "100", &attributes);
    assert_eq!(lines(&answer, "a=rtpmap:"), ["100 VP8/90000"]);
    let offer = b.offer();
    let maps = lines(&offer, "a=rtpmap:");
    assert_eq!(maps[0], "100 VP8/90000");
    assert!(maps.iter().any(|m| m.ends_with("H264/90000")));
}

#[test]
fn a_codec_that_only_the_answer_has_is_sent() {
    let mut a = End::new(1);
    a.video();
    let vp8 = find(&a, MediaKind::Video, "VP8");
    a.intent.transceivers[0].codec_preferences = vec![vp8];
    let offer = a.offer();
    assert_eq!(lines(&offer, "a=rtpmap:"), ["96 VP8/90000"]);
    let mut b = End::new(2);
    b.add_track(MediaKind::Video, "s");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let h264 = "fmtp:63 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let answer = with_formats(&b.answer(), "63", &["rtpmap:63 H264/90000", h264]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(numbers(&sent(&a)), [(63, "H264")]);
    assert!(received(&a).is_empty());
}

#[test]
fn preferences_order_and_filter_offers() {
    let mut a = End::new(1);
    a.video();
    let mut codecs = a.intent.capabilities.receive_codecs(MediaKind::Video);
    codecs.retain(|c| c.name != "red" && c.name != "ulpfec");
    codecs.rotate_left(3);
    let first = codecs[0].clone();
    let known = a
        .intent
        .capabilities
        .preferences(MediaKind::Video, &codecs)
        .unwrap();
    a.intent.transceivers[0].codec_preferences = known;
    let offer = a.offer();
    let maps = lines(&offer, "a=rtpmap:");
    assert!(maps[0].ends_with(&format!(" {}/90000", first.name)));
    assert!(!offer.contains("ulpfec") && !offer.contains(" red/"));
    assert!(offer.contains(" rtx/90000"));
    a.intent.transceivers[0]
        .codec_preferences
        .retain(|c| c.name != "rtx");
    assert!(!a.create_offer().contains("rtx"));
}

#[test]
fn the_answerers_preferences_decide_the_order_and_filter() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.video();
    let (vp8, vp9) = (
        find(&a, MediaKind::Video, "VP8"),
        find(&a, MediaKind::Video, "VP9"),
    );
    let h264 = find(&a, MediaKind::Video, "H264");
    a.intent.transceivers[0].codec_preferences = vec![vp8.clone(), vp9.clone()];
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.intent.transceivers[0].codec_preferences = vec![h264, vp9, vp8];
    let answer = b.answer();
    assert_eq!(
        lines(&answer, "a=rtpmap:"),
        ["98 VP9/90000", "96 VP8/90000"]
    );
}

#[test]
fn preferences_are_checked_against_the_capabilities() {
    let capabilities = Capabilities::default();
    let audio = capabilities.receive_codecs(MediaKind::Audio);
    let video = capabilities.receive_codecs(MediaKind::Video);
    assert_eq!(
        capabilities.preferences(MediaKind::Audio, &audio),
        Ok(audio.clone())
    );
    assert_eq!(
        capabilities.preferences(MediaKind::Audio, &[]),
        Ok(Vec::new())
    );
    assert!(capabilities.preferences(MediaKind::Audio, &video).is_err());
    let doubled: Vec<Codec> = audio.iter().chain(&audio).cloned().collect();
    assert_eq!(
        capabilities.preferences(MediaKind::Audio, &doubled),
        Ok(audio.clone())
    );
    let mut shouted = audio[0].clone();
    shouted.name = shouted.name.to_uppercase();
    assert_eq!(
        capabilities.preferences(MediaKind::Audio, &[shouted]),
        Ok(vec![audio[0].clone()])
    );
    for change in [
        |c: &mut Codec| c.clock_rate /= 2,
        |c: &mut Codec| c.channels = Some(11),
        |c: &mut Codec| c.sdp_fmtp_line = Some("modified=1".into()),
        |c: &mut Codec| c.name = "piepiper".into(),
    ] {
        let mut codec = audio[0].clone();
        change(&mut codec);
        assert!(
            capabilities
                .preferences(MediaKind::Audio, &[codec])
                .is_err()
        );
    }
    let rtx: Vec<Codec> = video.iter().filter(|c| !c.is_media()).cloned().collect();
    assert!(capabilities.preferences(MediaKind::Video, &rtx).is_err());
}

#[test]
fn offers_list_what_goes_in_their_direction() {
    let mut capabilities = Capabilities::default();
    for codec in &mut capabilities.codecs {
        match codec.codec.name.as_str() {
            "VP9" => codec.send = false,
            "AV1" => codec.receive = false,
            _ => {}
        }
    }
    let offer = |direction| {
        let mut a = End::with(1, Default::default(), capabilities.clone());
        a.add(MediaKind::Video, direction);
        let offer = a.offer();
        (offer.contains(" VP9/"), offer.contains(" AV1/"))
    };
    assert_eq!(offer(Direction::SendRecv), (false, false));
    assert_eq!(offer(Direction::SendOnly), (false, true));
    assert_eq!(offer(Direction::RecvOnly), (true, false));
}

#[test]
fn a_transceiver_without_codecs_is_offered_as_rejected() {
    let mut a = End::with(1, Default::default(), Capabilities::none());
    let mut b = End::new(2);
    a.audio();
    a.intent.data = true;
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert!(sections(&offer)[1].starts_with("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"));
    assert!(offer.contains("a=group:BUNDLE 1\r\n"));
    assert!(sections(&answer)[2].starts_with("m=application 9 "));
}

#[test]
fn h265_is_matched_by_profile_and_answered_with_the_lower_level() {
    let mut b = End::new(2);
    b.add_track(MediaKind::Video, "s");
    let attributes = [
        "rtpmap:96 H265/90000",
        "fmtp:96 level-id=30;profile-id=1;tier-flag=0;tx-mode=SRST",
    ];
    b.set_remote(
        SdpType::Offer,
        &offer_of(MediaKind::Video, "96", &attributes),
    )
    .unwrap();
    let answer = b.answer();
    assert!(answer.contains("a=fmtp:96 level-id=30;profile-id=1;tier-flag=0;tx-mode=SRST\r\n"));
    assert!(
        sent(&b)[0]
            .codec
            .sdp_fmtp_line
            .clone()
            .unwrap()
            .contains("level-id=30")
    );
}

#[test]
fn codecs_are_received_when_this_ends_description_receives() {
    for (direction, receives) in [(Direction::SendRecv, true), (Direction::SendOnly, false)] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.add(MediaKind::Audio, direction);
        negotiate(&mut a, &mut b);
        assert_eq!(!received(&a).is_empty(), receives);
        assert!(!sent(&a).is_empty());
        assert!(!received(&b).is_empty());
    }
}

#[test]
fn audio_has_one_channel_unless_it_says_otherwise() {
    let (b, _) = answered(MediaKind::Audio, "0 96", &["rtpmap:96 opus/48000/2"]);
    for codecs in [sent(&b), received(&b)] {
        let channels: Vec<_> = codecs.iter().map(|c| c.codec.channels).collect();
        assert_eq!(channels, [Some(1), Some(2)]);
    }
}

#[test]
fn there_are_no_codecs_before_the_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.create_answer();
    for end in [&a, &b] {
        let media = &end.signaling.latest().media[0];
        assert!(media.send.is_none() && media.receive.is_none());
    }
}

#[test]
fn capabilities_list_retransmission_once() {
    let capabilities = Capabilities::default();
    let video = capabilities.send_codecs(MediaKind::Video);
    let rtx: Vec<&Codec> = video.iter().filter(|c| c.name == "rtx").collect();
    assert_eq!(rtx.len(), 1);
    assert_eq!(rtx[0].sdp_fmtp_line, None);
    assert!(video.iter().any(|c| c.mime_type() == "video/AV1"));
    let audio = capabilities.receive_codecs(MediaKind::Audio);
    assert!(audio.iter().all(|c| c.name != "rtx"));
    assert_eq!(audio[0].mime_type(), "audio/opus");
}
