//! Local descriptions that the application changed before it set them.

use duologue_jsep::{
    ContentError, Direction, JsepError, MediaKind, Modification, OfferOptions, SdpType, Side,
};
use duologue_rtp::{PayloadType, RtcpFeedback};

use crate::end::{End, fingerprint, lines, negotiate, sections};

fn end() -> End {
    let mut end = End::new(1);
    end.add_track(MediaKind::Audio, "s");
    end.add_track(MediaKind::Video, "s");
    end.intent.data = true;
    end
}

fn refused(result: Result<(), JsepError>) -> Modification {
    match result {
        Err(JsepError::Modified(modification)) => {
            assert!(!modification.to_string().is_empty());
            modification
        }
        other => panic!("{other:?}"),
    }
}

/// What an offer with this change is refused for; nothing changes.
fn refusal(change: impl Fn(&str) -> String) -> Modification {
    let mut a = end();
    let offer = a.create_offer();
    let changed = change(&offer);
    assert_ne!(changed, offer);
    let before = a.signaling.clone();
    let refusal = refused(a.set_local_text(SdpType::Offer, &changed));
    assert_eq!(a.signaling, before);
    refusal
}

fn line(section: impl Into<Option<usize>>, line: &str) -> Modification {
    Modification::Line {
        section: section.into(),
        line: line.to_owned(),
    }
}

/// Both ends after an exchange whose offer was changed so.
fn exchanged(change: impl Fn(&str) -> String) -> (End, End) {
    let (mut a, mut b) = (end(), end());
    let changed = change(&a.create_offer());
    a.set_local_text(SdpType::Offer, &changed).unwrap();
    assert_eq!(a.description(Side::Local), changed);
    b.set_remote(SdpType::Offer, &changed).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    (a, b)
}

#[test]
fn the_created_text_and_the_empty_one_are_the_created_description() {
    let mut a = end();
    let offer = a.create_offer();
    let draft = a.offer.clone().unwrap();
    for text in ["", offer.as_str()] {
        assert_eq!(
            draft.with_text(text, &a.signaling, &a.intent).as_ref(),
            Ok(&draft)
        );
    }
}

#[test]
fn codecs_their_order_and_their_parameters_are_taken_from_the_text() {
    let (a, b) = exchanged(|offer| {
        let offer = offer.replace("SAVPF 111 63 9 0 8 13 110 126", "SAVPF 0 111");
        let gone = ["63", "9", "8", "13", "110", "126"].map(|pt| format!("a=rtpmap:{pt} "));
        let kept = offer.split_inclusive("\r\n");
        let kept = kept.filter(|l| !gone.iter().any(|gone| l.starts_with(gone)));
        let stereo = "useinbandfec=1;stereo=1;maxaveragebitrate=128000";
        kept.collect::<String>().replace("useinbandfec=1", stereo)
    });
    let media = &a.signaling.stable().media[0];
    let receive = media.receive.clone().unwrap();
    let numbers = |codecs: &[duologue_jsep::CodecParameters]| {
        codecs
            .iter()
            .map(|c| c.payload_type.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&receive.codecs), [0, 111]);
    assert_eq!(numbers(&media.send.clone().unwrap().codecs), [0, 111]);
    let fmtp = receive.codecs[1].codec.sdp_fmtp_line.clone().unwrap();
    assert!(fmtp.contains("stereo=1"));
    let sent = b.signaling.stable().media[0].send.clone().unwrap();
    assert_eq!(sent.codecs[1].codec.sdp_fmtp_line, Some(fmtp));
}

#[test]
fn extensions_feedback_and_directions_are_taken_from_the_text() {
    let orientation = "urn:3gpp:video-orientation";
    let (a, b) = exchanged(|offer| {
        let kept = offer.split_inclusive("\r\n");
        let kept: String = kept.filter(|l| !l.contains(orientation)).collect();
        let kept = kept.replacen("a=sendrecv", "a=recvonly", 1);
        kept.replace("a=rtcp-fb:96 nack pli\r\n", "")
    });
    let media = &a.signaling.stable().media;
    let extensions = media[1].send.clone().unwrap().header_extensions;
    assert!(!extensions.is_empty());
    assert!(
        extensions
            .iter()
            .all(|extension| extension.uri != orientation)
    );
    assert_eq!(media[0].current_direction, Some(Direction::RecvOnly));
    assert_eq!(
        b.signaling.stable().media[0].current_direction,
        Some(Direction::SendOnly)
    );
    let receive = media[1].receive.clone().unwrap();
    let feedback = &receive.codecs[0].feedback;
    assert!(feedback.contains(&RtcpFeedback::Nack));
    assert!(!feedback.contains(&RtcpFeedback::Pli));
}

#[test]
fn what_does_not_change_the_meaning_may_be_written_otherwise() {
    let unchanged = |change: &dyn Fn(&str) -> String| {
        let (a, _) = exchanged(|offer| {
            let changed = change(offer);
            assert_ne!(changed, offer);
            changed
        });
        let (b, _) = exchanged(|offer| offer.to_owned());
        let media = |end: &End| end.signaling.stable().media.clone();
        assert_eq!(media(&a), media(&b));
    };
    unchanged(&|offer| offer.replace("\r\n", "\n"));
    unchanged(&|offer| offer.replace("c=IN IP4 0.0.0.0\r\n", "c=IN IP4 0.0.0.0\r\nb=AS:40\r\n"));
    unchanged(&|offer| offer.replace("a=ice-options:trickle ice2\r\n", ""));
    unchanged(&|offer| offer.replace("a=ice-options:trickle ice2", "a=ice-options:trickle"));
    unchanged(&|offer| offer.replace("a=max-message-size:262144", "a=max-message-size:100000"));
    unchanged(&|offer| offer.replace("a=msid-semantic: WMS *\r\n", ""));
    unchanged(&|offer| offer.replace("a=rtcp-mux-only\r\n", "a=ptime:20\r\n"));
    unchanged(&|offer| offer.replace("SAVPF 111 ", "SAVPF 111 77 "));
    // The order of a section's attributes, as a library that parses and writes has it.
    unchanged(&|offer| {
        let mut sections = sections(offer);
        for section in &mut sections[1..] {
            let mut lines: Vec<&str> = section.split_inclusive("\r\n").collect();
            let head = lines.iter().position(|l| l.starts_with("a=")).unwrap();
            lines[head..].sort_by_key(|l| l.split([':', '\r']).next());
            *section = lines.concat();
        }
        sections.concat()
    });
}

#[test]
fn a_first_description_may_have_its_own_credentials_and_a_later_one_not() {
    let own = |sdp: &str| {
        let (ufrag, pwd) = (lines(sdp, "a=ice-ufrag:")[0], lines(sdp, "a=ice-pwd:")[0]);
        sdp.replace(ufrag, "libp2p+webrtc+v1/0123456789abcdef")
            .replace(pwd, "libp2p+webrtc+v1/0123456789abcdef0123456789abcdef")
    };
    let (mut a, mut b) = exchanged(own);
    let ice = a
        .signaling
        .stable()
        .transports
        .values()
        .next()
        .unwrap()
        .local_ice
        .clone();
    assert_eq!(ice.unwrap().ufrag, "libp2p+webrtc+v1/0123456789abcdef");
    // They stay.
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(offer.contains("a=ice-ufrag:libp2p+webrtc+v1/"));
    let offer = a.create_offer_with(OfferOptions { ice_restart: true });
    let other = own(&offer);
    let wrong = line(0, "a=ice-ufrag or a=ice-pwd");
    assert_eq!(refused(a.set_local_text(SdpType::Offer, &other)), wrong);
    // An answer, too, is first once.
    let (mut a, mut b) = (end(), end());
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = own(&b.create_answer());
    b.set_local_text(SdpType::Answer, &answer).unwrap();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let ice = b
        .signaling
        .stable()
        .transports
        .values()
        .next()
        .unwrap()
        .local_ice
        .clone();
    assert!(ice.unwrap().ufrag.starts_with("libp2p"));
}

#[test]
fn an_answer_may_be_changed_within_the_offer() {
    let (mut a, mut b) = (end(), end());
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.create_answer();
    // sip.js holds so, and mediasoup-client adds feedback and stereo.
    let changed = answer
        .replacen("a=sendrecv", "a=sendonly", 1)
        .replace("useinbandfec=1", "useinbandfec=1;stereo=1")
        .replace("a=rtpmap:111 ", "a=rtcp-fb:111 nack\r\na=rtpmap:111 ");
    b.set_local_text(SdpType::Answer, &changed).unwrap();
    a.set_remote(SdpType::Answer, &changed).unwrap();
    let direction = |end: &End| end.signaling.stable().media[0].current_direction;
    assert_eq!(direction(&a), Some(Direction::RecvOnly));
    assert_eq!(direction(&b), Some(Direction::SendOnly));
    // A direction that was not offered, and a codec that was not answered, are refused.
    let (mut a, mut b) = (End::new(1), end());
    a.add(MediaKind::Audio, Direction::SendOnly);
    let offer = a.offer().replace("SAVPF 111 63 9 ", "SAVPF 111 63 ");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.create_answer();
    let wider = answer.replacen("a=recvonly", "a=sendrecv", 1);
    let wrong = Modification::Content(ContentError::Direction(0));
    assert_eq!(refused(b.set_local_text(SdpType::Answer, &wider)), wrong);
    let more = answer.replace("SAVPF 111 ", "SAVPF 111 9 ");
    let wrong = Modification::Codec {
        section: 0,
        payload_type: PayloadType::from_low_bits(9),
    };
    assert_eq!(refused(b.set_local_text(SdpType::Answer, &more)), wrong);
    b.set_local(SdpType::Answer).unwrap();
}

#[test]
fn what_may_not_change_is_named() {
    let first =
        |from: &'static str, to: &'static str| move |offer: &str| offer.replacen(from, to, 1);
    for (from, to, named) in [
        ("m=audio 9 ", "m=audio 0 ", line(0, "m=")),
        ("m=audio ", "m=video ", line(0, "m=")),
        ("m=application 9 ", "m=application 0 ", line(2, "m=")),
        ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF", line(0, "m=")),
        ("a=mid:0", "a=mid:x", line(0, "a=mid")),
        ("a=setup:actpass", "a=setup:active", line(0, "a=setup")),
        ("a=rtcp-mux\r\n", "", line(0, "a=rtcp-mux")),
        (
            "a=sctp-port:5000",
            "a=sctp-port:5001",
            line(2, "a=sctp-port"),
        ),
        ("size:262144", "size:0", line(2, "a=max-message-size")),
        (
            "a=group:BUNDLE 0 1 2",
            "a=group:BUNDLE 0 1",
            line(None, "a=group:BUNDLE"),
        ),
        (
            "t=0 0\r\n",
            "t=0 0\r\na=ice-lite\r\n",
            line(None, "a=ice-lite"),
        ),
        (
            "t=0 0\r\n",
            "t=0 0\r\na=made-up\r\n",
            line(None, "a=made-up"),
        ),
        (
            "a=mid:1\r\n",
            "a=mid:1\r\na=made-up:1\r\n",
            line(1, "a=made-up"),
        ),
        (
            "a=mid:1\r\n",
            "a=mid:1\r\na=end-of-candidates\r\n",
            line(1, "a=end-of-candidates"),
        ),
        ("a=msid:s ", "a=msid:other ", line(0, "a=msid")),
        ("a=ssrc:1000 cname", "a=ssrc:7 cname", line(0, "a=ssrc")),
        (
            "a=mid:1\r\n",
            "a=mid:1\r\na=rid:x send\r\n",
            line(1, "a=rid"),
        ),
        ("a=extmap:2 ", "a=extmap:1 ", line(0, "a=extmap")),
    ] {
        assert_eq!(refusal(first(from, to)), named, "{from} {to}");
    }
    let (own, other) = (fingerprint(1), fingerprint(2));
    let named = refusal(|offer| offer.replace(&own, &other));
    assert_eq!(named, line(0, "a=fingerprint"));
    let named = refusal(|offer| sections(offer)[..3].concat());
    assert_eq!(named, Modification::SectionCount);
    let named = refusal(|offer| offer.replace("VP8/90000", "FLV/90000"));
    let codec = |number| Modification::Codec {
        section: 1,
        payload_type: PayloadType::from_low_bits(number),
    };
    assert_eq!(named, codec(96));
    let named = refusal(|offer| {
        offer
            .replace("SAVPF 96 ", "SAVPF 96 77 ")
            .replace("a=rtpmap:96 ", "a=rtpmap:77 VP8/90000\r\na=rtpmap:96 ")
    });
    // The second section is the last that has the lines.
    assert_eq!(named, codec(77));
    assert_eq!(
        refusal(|_| "nonsense".to_owned()),
        Modification::Unreadable(1)
    );
}

#[test]
fn an_older_description_is_refused_and_so_is_one_from_elsewhere() {
    let mut a = end();
    let old = a.create_offer();
    a.audio();
    a.create_offer();
    assert_eq!(
        refused(a.set_local_text(SdpType::Offer, &old)),
        Modification::Outdated
    );
    // Also one that has the same sections.
    let old = a.create_offer();
    let vp9 = a
        .intent
        .capabilities
        .receive_codecs(MediaKind::Video)
        .remove(2);
    a.intent.transceivers[1].codec_preferences = vec![vp9];
    a.create_offer();
    assert_eq!(
        refused(a.set_local_text(SdpType::Offer, &old)),
        Modification::Outdated
    );
    let mut other = end();
    other.ids = duologue_jsep::Ids::new(duologue_base::Rng::from_u64(9));
    let foreign = other.create_offer();
    assert_eq!(
        refused(a.set_local_text(SdpType::Offer, &foreign)),
        Modification::Outdated
    );
    a.set_local(SdpType::Offer).unwrap();
}

#[test]
fn the_next_offer_is_this_ends_own_again() {
    let (mut a, mut b) = exchanged(|offer| offer.replacen("a=sendrecv", "a=recvonly", 1));
    assert!(duologue_jsep::negotiation_needed(&a.signaling, &a.intent));
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(sections(&offer)[1].contains("a=sendrecv\r\n"));
    assert!(!duologue_jsep::negotiation_needed(&a.signaling, &a.intent));
}
