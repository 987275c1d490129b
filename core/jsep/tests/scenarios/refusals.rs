//! Descriptions that are refused, each with its reason, and nothing changed.

use duologue_jsep::{ContentError, JsepError, OperationError, SdpType};
use duologue_rtp::PayloadType;

use crate::end::{End, fingerprint, negotiate, sections};

fn offer() -> String {
    let mut a = End::new(1);
    a.audio();
    a.video();
    a.intent.data = true;
    a.offer()
}

fn refused(sdp: &str) -> JsepError {
    let mut b = End::new(2);
    let before = b.signaling.clone();
    let error = b.set_remote(SdpType::Offer, sdp).unwrap_err();
    assert_eq!(b.signaling, before);
    assert!(b.intent.transceivers.is_empty());
    assert!(!error.to_string().is_empty());
    error
}

fn content(sdp: &str) -> ContentError {
    match refused(sdp) {
        JsepError::Content(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_not_sdp_has_a_line_number() {
    for (sdp, line) in [
        ("".to_owned(), 1),
        ("Invalid SDP".to_owned(), 1),
        (offer().replace("a=mid:1\r\n", "a=mid:1\r\nnonsense\r\n"), 0),
    ] {
        match refused(&sdp) {
            JsepError::Syntax(error) if line > 0 => assert_eq!(error.line, line),
            JsepError::Syntax(error) => {
                let found = sdp.lines().nth(error.line - 1);
                assert_eq!(found, Some("nonsense"));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn ice_credentials_must_be_there_and_legal() {
    let without = |prefix: &str| {
        let sdp = offer();
        let kept = sdp
            .split_inclusive("\r\n")
            .filter(|l| !l.starts_with(prefix));
        kept.collect::<String>()
    };
    assert_eq!(
        content(&without("a=ice-ufrag:")),
        ContentError::NoCredentials(0)
    );
    assert_eq!(
        content(&without("a=ice-pwd:")),
        ContentError::NoCredentials(0)
    );
    let ufrag = offer().replacen("a=ice-ufrag:", "a=ice-ufrag:$", 1);
    assert!(matches!(content(&ufrag), ContentError::Credentials(_)));
    let pwd = offer().replacen("a=ice-pwd:", "a=ice-pwd:$", 1);
    assert!(matches!(content(&pwd), ContentError::Credentials(_)));
}

#[test]
fn a_fingerprint_must_be_there() {
    let line = format!("a=fingerprint:{}\r\n", fingerprint(1));
    assert_eq!(
        content(&offer().replace(&line, "")),
        ContentError::NoFingerprint(0)
    );
    let md5 = format!("a=fingerprint:md5 {}\r\n", ["AB"; 16].join(":"));
    assert_eq!(
        content(&offer().replace(&line, &md5)),
        ContentError::NoFingerprint(0)
    );
}

#[test]
fn rtcp_must_be_multiplexed() {
    let sdp = offer().replace("a=rtcp-mux\r\n", "");
    assert_eq!(content(&sdp), ContentError::NoRtcpMux(0));
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer().replace("a=rtcp-mux\r\n", "");
    let refused = a.set_remote(SdpType::Answer, &answer);
    assert_eq!(refused, Err(JsepError::Content(ContentError::NoRtcpMux(0))));
}

#[test]
fn mids_and_groups_must_fit() {
    assert_eq!(
        content(&offer().replace("a=mid:1", "a=mid:0")),
        ContentError::DuplicateMid(1)
    );
    for group in ["BUNDLE 0 1 2 3", "BUNDLE 0 1\r\na=group:BUNDLE 1 2"] {
        let sdp = offer().replace("BUNDLE 0 1 2", group);
        assert_eq!(content(&sdp), ContentError::BundleGroup);
    }
}

#[test]
fn payload_types_must_be_usable() {
    let sdp = offer().replace("SAVPF 111 ", "SAVPF 111 64 ");
    let sdp = sdp.replace("a=rtpmap:111 ", "a=rtpmap:64 PCMA/8000\r\na=rtpmap:111 ");
    let wrong = ContentError::PayloadType {
        section: 0,
        payload_type: PayloadType::from_low_bits(64),
    };
    assert_eq!(content(&sdp), wrong);
    let sdp = offer().replace("a=fmtp:97 apt=96\r\n", "a=fmtp:97 apt=95\r\n");
    let wrong = ContentError::Retransmission {
        section: 1,
        payload_type: PayloadType::from_low_bits(97),
    };
    assert_eq!(content(&sdp), wrong);
}

#[test]
fn a_payload_type_that_stands_for_no_codec_is_ignored() {
    for number in ["77", "35", "127"] {
        let mut b = End::new(2);
        let sdp = offer().replace("SAVPF 111 ", &format!("SAVPF {number} 111 "));
        assert!(sdp.contains(number));
        b.set_remote(SdpType::Offer, &sdp).unwrap();
        assert!(b.answer().contains("SAVPF 111 63 9"));
    }
}

#[test]
fn an_answer_must_have_the_offers_sections() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    let parts = sections(&answer);
    let mut refused = |sdp: String| {
        let before = a.signaling.clone();
        let error = a.set_remote(SdpType::Answer, &sdp).unwrap_err();
        assert_eq!(a.signaling, before);
        error
    };
    let fewer = parts[0].replace("BUNDLE 0 1", "BUNDLE 0") + &parts[1];
    assert_eq!(
        refused(fewer),
        JsepError::Content(ContentError::SectionCount)
    );
    let swapped = parts[0].clone() + &parts[2] + &parts[1];
    assert_eq!(
        refused(swapped),
        JsepError::Content(ContentError::SectionChanged(0))
    );
    let other_mid = answer
        .replace("a=mid:1", "a=mid:7")
        .replace("BUNDLE 0 1", "BUNDLE 0 7");
    assert_eq!(
        refused(other_mid),
        JsepError::Content(ContentError::SectionChanged(1))
    );
    let other_kind = answer.replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/made-up");
    assert_eq!(
        refused(other_kind),
        JsepError::Content(ContentError::SectionChanged(0))
    );
    let direction = answer.replacen("a=recvonly", "a=sendrecv", 1);
    assert!(a.set_remote(SdpType::Answer, &direction).is_ok());
}

#[test]
fn an_answer_may_name_the_same_protocol_in_other_words() {
    for (from, to) in [
        ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"),
        ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"),
        ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"),
    ] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let id = a.audio();
        a.intent.data = true;
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let mut answer = b.answer().replace(from, to);
        if to.starts_with("DTLS") {
            let old = "a=sctpmap:5000 webrtc-datachannel 1024\r\n";
            answer = answer.replace("a=sctp-port:5000\r\n", old);
        }
        a.set_remote(SdpType::Answer, &answer).unwrap();
        assert!(a.current_direction(id).is_some_and(|d| d.sends()), "{to}");
        let sctp = a.signaling.stable().data().unwrap().sctp.clone().unwrap();
        assert!(sctp.established && sctp.remote_port == Some(5000), "{to}");
        // What is offered next is in this end's own words.
        assert!(a.offer().contains(from), "{to}");
    }
}

#[test]
fn a_payload_type_that_stands_for_no_codec_is_ignored_in_an_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let listed = |sdp: &str| {
        sdp.replace(
            "m=video 9 UDP/TLS/RTP/SAVPF ",
            "m=video 9 UDP/TLS/RTP/SAVPF 77 ",
        )
    };
    let offer = listed(&a.offer());
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert!(!answer.contains(" 77"));
    a.set_remote(SdpType::Answer, &listed(&answer)).unwrap();
    let send = a.signaling.stable().media[1].send.clone().unwrap();
    assert!(
        send.codecs
            .iter()
            .all(|codec| codec.payload_type.get() != 77)
    );
}

#[test]
fn an_answered_direction_must_have_been_offered() {
    use duologue_jsep::{Direction, MediaKind};
    for (offered, from, to) in [
        (Direction::RecvOnly, "inactive", "recvonly"),
        (Direction::SendOnly, "recvonly", "sendrecv"),
    ] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.add(MediaKind::Audio, offered);
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = b
            .answer()
            .replace(&format!("a={from}\r\n"), &format!("a={to}\r\n"));
        let refused = a.set_remote(SdpType::Answer, &answer);
        assert_eq!(refused, Err(JsepError::Content(ContentError::Direction(0))));
    }
}

#[test]
fn a_rejected_section_cannot_be_accepted() {
    use duologue_jsep::StopState;
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer().replace("m=audio 0", "m=audio 9");
    let refused = a.set_remote(SdpType::Answer, &answer);
    assert_eq!(
        refused,
        Err(JsepError::Content(ContentError::NotOffered(0)))
    );
}

#[test]
fn a_later_offer_keeps_the_sections_that_are_there() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    negotiate(&mut a, &mut b);
    let offer = a.offer();
    let parts = sections(&offer);
    let mut refused = |sdp: String| b.set_remote(SdpType::Offer, &sdp).unwrap_err();
    let fewer = parts[0].replace("BUNDLE 0 1", "BUNDLE 0") + &parts[1];
    assert_eq!(
        refused(fewer),
        JsepError::Content(ContentError::SectionCount)
    );
    let renamed = offer
        .replace("a=mid:1", "a=mid:7")
        .replace("BUNDLE 0 1", "BUNDLE 0 7");
    assert_eq!(
        refused(renamed),
        JsepError::Content(ContentError::SectionChanged(1))
    );
    assert!(b.set_remote(SdpType::Offer, &offer).is_ok());
}

#[test]
fn too_many_sections_are_refused() {
    let mut a = End::new(1);
    a.intent.data = true;
    let offer = a.offer();
    let parts = sections(&offer);
    let mut sdp = parts[0].clone();
    for mid in 0..1100 {
        sdp.push_str(&parts[1].replace("a=mid:0", &format!("a=mid:m{mid}")));
    }
    assert!(matches!(refused(&sdp), JsepError::Operation(_)));
}

#[test]
fn a_track_that_two_sections_describe_is_refused() {
    let mut a = End::new(1);
    a.audio();
    let offer = a.offer();
    let parts = sections(&offer);
    let doubled = offer.clone() + &parts[1].replace("a=mid:0", "a=mid:other");
    let wrong = OperationError::DuplicateTrack(1);
    assert_eq!(refused(&doubled), JsepError::Operation(wrong));
}

#[test]
fn a_group_cannot_name_a_section_that_has_no_mid() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.intent.data = true;
    negotiate(&mut a, &mut b);
    let offer = a.offer().replace("a=mid:1\r\n", "");
    let refused = b.set_remote(SdpType::Offer, &offer);
    assert_eq!(refused, Err(JsepError::Content(ContentError::BundleGroup)));
}
