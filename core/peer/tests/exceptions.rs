//! Every row of the table of exceptions of `setRemoteDescription`, and those of its neighbours.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, audio, negotiate, pair};
use duologue_peer::{
    ExceptionName, IceCandidateInit, RtcErrorDetail, SdpType, SessionDescription, SignalingState,
};

/// An end in each signalling state, with the other end's offer to play with.
fn in_state(state: SignalingState) -> (Host, SessionDescription) {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.create_offer();
    match state {
        SignalingState::Stable => (b, offer),
        SignalingState::HaveLocalOffer => {
            b.pc.add_track(audio("t2"), &[]).unwrap();
            b.set_local();
            (b, offer)
        }
        SignalingState::HaveRemoteOffer => {
            b.set_remote(offer.clone()).unwrap();
            (b, offer)
        }
        SignalingState::HaveLocalPranswer => {
            b.set_remote(offer.clone()).unwrap();
            let answer = b.create_answer();
            b.set_local_to(SessionDescription::pranswer(answer.sdp))
                .unwrap();
            (b, offer)
        }
        SignalingState::HaveRemotePranswer => {
            a.set_local_to(offer.clone()).unwrap();
            b.set_remote(offer.clone()).unwrap();
            let answer = b.create_answer();
            a.set_remote(SessionDescription::pranswer(answer.sdp))
                .unwrap();
            (a, offer)
        }
        SignalingState::Closed => {
            b.pc.close();
            (b, offer)
        }
    }
}

const STATES: [SignalingState; 6] = [
    SignalingState::Stable,
    SignalingState::HaveLocalOffer,
    SignalingState::HaveRemoteOffer,
    SignalingState::HaveLocalPranswer,
    SignalingState::HaveRemotePranswer,
    SignalingState::Closed,
];

/// What each signalling state says to a description of a type, local and remote: `None` where the
/// type fits.
#[test]
fn a_type_that_does_not_fit_the_state_is_an_invalid_state_error() {
    use SignalingState::{
        HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
    };
    for state in STATES {
        for sdp_type in [
            SdpType::Offer,
            SdpType::Answer,
            SdpType::Pranswer,
            SdpType::Rollback,
        ] {
            let (mut host, offer) = in_state(state);
            assert_eq!(host.pc.signaling_state(), state);
            let fits = match sdp_type {
                // In have-local-offer after an implicit rollback.
                SdpType::Offer => matches!(state, Stable | HaveRemoteOffer | HaveLocalOffer),
                SdpType::Answer | SdpType::Pranswer => {
                    matches!(state, HaveLocalOffer | HaveRemotePranswer)
                }
                SdpType::Rollback => state == HaveRemoteOffer,
            };
            if fits && matches!(sdp_type, SdpType::Answer | SdpType::Pranswer) {
                continue;
            }
            let before = host.pc.local_description();
            let description = SessionDescription {
                sdp_type,
                sdp: offer.sdp,
            };
            let result = host.set_remote(description);
            match fits {
                true => assert!(result.is_ok(), "{sdp_type} in {state}: {result:?}"),
                false => {
                    let name = result.unwrap_err().name();
                    assert_eq!(
                        name,
                        ExceptionName::InvalidStateError,
                        "{sdp_type} in {state}"
                    );
                    assert_eq!(host.pc.signaling_state(), state, "nothing changed");
                    assert_eq!(host.pc.local_description(), before);
                }
            }
            let _ = HaveLocalPranswer;
        }
    }
}

#[test]
fn creating_in_the_wrong_state_is_an_invalid_state_error() {
    for state in STATES {
        let (mut host, _) = in_state(state);
        let offer_fits = matches!(
            state,
            SignalingState::Stable | SignalingState::HaveLocalOffer
        );
        let answer_fits = matches!(
            state,
            SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer
        );
        for (operation, fits) in [
            (host.pc.create_offer(Default::default()), offer_fits),
            (host.pc.create_answer(), answer_fits),
        ] {
            let result = host.settle(operation);
            assert_eq!(result.is_ok(), fits, "{state}");
            if let Err(error) = result {
                assert_eq!(error.name(), ExceptionName::InvalidStateError);
            }
        }
    }
}

#[test]
fn text_that_is_not_sdp_is_an_rtc_error_with_the_line() {
    let mut host = Host::new(1);
    for (sdp, line) in [
        ("Invalid SDP", 1),
        ("v=0\r\nnot a line\r\n", 2),
        ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=zero\r\n", 4),
    ] {
        let error = host.set_remote(SessionDescription::offer(sdp)).unwrap_err();
        assert_eq!(error.name(), ExceptionName::OperationError, "{sdp:?}");
        let rtc = error.rtc_error().expect("an RTCError");
        assert_eq!(rtc.error_detail, RtcErrorDetail::SdpSyntaxError);
        assert_eq!(rtc.sdp_line_number, Some(line), "{sdp:?}");
    }
    assert_eq!(host.pc.signaling_state(), SignalingState::Stable);
    assert_eq!(host.pc.remote_description(), None);
}

#[test]
fn content_that_cannot_be_accepted_is_an_invalid_access_error() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.create_offer();
    for (from, to) in [
        ("a=rtcp-mux\r\n", ""),
        ("a=ice-pwd:", "a=x:"),
        ("a=fingerprint:", "a=x:"),
    ] {
        let sdp = offer.sdp.replace(from, to);
        let error = b.set_remote(SessionDescription::offer(sdp)).unwrap_err();
        assert_eq!(error.name(), ExceptionName::InvalidAccessError, "{from:?}");
        assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
    }
}

#[test]
fn a_local_description_that_was_not_created_is_an_invalid_modification_error() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.create_offer();
    let error = b.set_local_to(offer.clone()).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
    b.set_remote(offer.clone()).unwrap();
    let error = b
        .set_local_to(SessionDescription::answer(offer.sdp))
        .unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
    b.create_answer();
    b.set_local();
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
}

#[test]
fn candidates_for_nobody_are_refused() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let text = "candidate:1 1 udp 2113929471 203.0.113.100 10100 typ host";
    let with = |mid: Option<&str>, index: Option<u16>, ufrag: Option<&str>| IceCandidateInit {
        candidate: text.to_owned(),
        sdp_mid: mid.map(str::to_owned),
        sdp_m_line_index: index,
        username_fragment: ufrag.map(str::to_owned),
    };
    let name = |host: &mut Host, init: IceCandidateInit| {
        host.add_candidate(init).map_err(|e| e.name()).err()
    };
    assert_eq!(
        name(&mut b, with(Some("0"), None, None)),
        Some(ExceptionName::InvalidStateError)
    );
    negotiate(&mut a, &mut b);
    let mid = b.mid(b.pc.transceivers()[0]).unwrap();
    let operation = Some(ExceptionName::OperationError);
    assert_eq!(
        name(&mut b, with(None, None, None)),
        Some(ExceptionName::TypeError)
    );
    assert_eq!(name(&mut b, with(Some("nobody"), Some(0), None)), operation);
    assert_eq!(name(&mut b, with(None, Some(7), None)), operation);
    assert_eq!(
        name(&mut b, with(Some(&mid), None, Some("nope"))),
        operation
    );
    let broken = IceCandidateInit {
        candidate: "(Invalid) candidate".to_owned(),
        ..with(Some(&mid), None, None)
    };
    assert_eq!(name(&mut b, broken), operation);
    let unknown = IceCandidateInit {
        username_fragment: Some("no such ufrag".to_owned()),
        ..IceCandidateInit::default()
    };
    assert_eq!(name(&mut b, unknown), operation);
    assert_eq!(name(&mut b, with(Some(&mid), Some(9), None)), None);
    assert_eq!(name(&mut b, IceCandidateInit::default()), None);
    let sdp = b.pc.remote_description().unwrap().sdp;
    assert!(sdp.contains(&format!("a={text}\r\n")), "{sdp}");
    assert!(sdp.contains("a=end-of-candidates\r\n"));
    // "If either indicates a media description whose associated transceiver is stopped, return a
    // promise resolved with undefined."
    a.pc.stop(a.pc.transceivers()[0]).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    for (mid, index) in [(Some(&*mid), None), (None, Some(0))] {
        assert_eq!(name(&mut b, with(mid, index, Some("nope"))), None);
    }
}

/// Pion's and webrtc-rs' JSON have `sdpMid: ""` and an index.
#[test]
fn an_empty_mid_with_an_index_counts_as_none() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let text = "candidate:1 1 udp 2113929471 203.0.113.100 10100 typ host";
    let with = |index: Option<u16>| IceCandidateInit {
        candidate: text.to_owned(),
        sdp_mid: Some(String::new()),
        sdp_m_line_index: index,
        username_fragment: Some(String::new()),
    };
    let name = |host: &mut Host, init| host.add_candidate(init).map_err(|e| e.name()).err();
    let operation = Some(ExceptionName::OperationError);
    assert_eq!(name(&mut b, with(None)), operation);
    assert_eq!(name(&mut b, with(Some(7))), operation);
    assert_eq!(name(&mut b, with(Some(0))), None);
    let sdp = b.pc.remote_description().unwrap().sdp;
    assert!(sdp.contains(&format!("a={text}\r\n")), "{sdp}");
}

/// Each as Chromium 156 has it; Firefox settles for more.
#[test]
fn a_candidate_is_taken_as_browsers_take_it() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    for (text, taken) in [
        (
            "candidate: 1 udp 1 192.0.2.1 7000 typ host generation 0",
            true,
        ),
        ("candidate:udp_host-= 1 udp 1 192.0.2.1 7000 typ host", true),
        (
            "candidate:0123456789012345678901234567890123456789 1 udp 1 192.0.2.1 7000 typ host",
            true,
        ),
        ("candidate:1 0 udp 1 192.0.2.1 7000 typ host", true),
        ("candidate:1 1 udp 1 fe80::1%21 7000 typ host", true),
        ("candidate:1 1 udp 1 [2001:db8::1] 7000 typ host", true),
        (
            "candidate:1 1 udp 1 192.0.2.1 7000 typ srflx raddr ::/0 rport 0",
            true,
        ),
        (
            "candidate:1 1 udp 1 192.0.2.1 7000 typ srflx raddr  rport 0",
            true,
        ),
        (
            "candidate:1 1 udp 1 192.0.2.1 7000 typ host generation",
            true,
        ),
        ("candidate:1 1 udp 1 192.0.2.1 7000 typ host\r\n", true),
        ("candidate:1 x udp 1 192.0.2.1 7000 typ host", false),
        ("candidate:1 1 udp -1 192.0.2.1 7000 typ host", false),
        (
            "candidate:1 1 udp 4294967296 192.0.2.1 7000 typ host",
            false,
        ),
        ("candidate:1 1 udp 1 192.0.2.1 70000 typ host", false),
        ("candidate:1 1 udp 1 192.0.2.1 7000 typ host rport x", false),
        (
            "candidate:1 1 tcp 1 192.0.2.1 7000 typ host tcptype idle",
            false,
        ),
        ("candidate:1 1 udp 1 192.0.2.1 7000 typ", false),
        (
            "candidate:1 1 udp 1 192.0.2.1 7000 typ host x y\r\na=b",
            false,
        ),
        ("candidate:1 1 ssltcp 1 192.0.2.1 443 typ host", true),
        ("candidate:1 1 sctp 1 192.0.2.1 443 typ host", false),
        ("candidate:1 1 udp 1 192.0.2.1 443 typ teleport", false),
        ("candidate:1 1 udp 1 192.0.2.1 443 typ HOST", false),
        ("candidate:garbage", false),
    ] {
        let init = IceCandidateInit {
            candidate: text.to_owned(),
            sdp_mid: Some("0".to_owned()),
            ..IceCandidateInit::default()
        };
        let error = b.add_candidate(init).map_err(|e| e.name()).err();
        let expected = (!taken).then_some(ExceptionName::OperationError);
        assert_eq!(error, expected, "{text:?}");
    }
}

#[test]
fn unreadable_candidates_of_a_description_are_skipped_and_counted() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.create_offer();
    assert_eq!(b.pc.unread_candidates(), 0);
    let sdp =
        offer.sdp + "a=candidate:garbage\r\na=candidate:1 1 udp 1 192.0.2.1 70000 typ host\r\n";
    b.set_remote(SessionDescription::offer(sdp)).unwrap();
    assert_eq!(b.pc.unread_candidates(), 2);
}
