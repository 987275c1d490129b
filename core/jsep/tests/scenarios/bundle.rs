//! BUNDLE groups, bundle policies and the transports they lead to (RFC 9143).

use duologue_base::DtlsRole;
use duologue_jsep::{
    BundlePolicy, Capabilities, ContentError, JsepError, SdpType, StopState, TransportChange,
};

use crate::end::{End, lines, negotiate, sections};

fn end(seed: u64, policy: BundlePolicy) -> End {
    End::with(seed, policy, Capabilities::default())
}

/// Audio, two videos and data.
fn busy(seed: u64, policy: BundlePolicy) -> End {
    let mut end = end(seed, policy);
    end.audio();
    end.video();
    end.video();
    end.intent.data = true;
    end
}

fn without_bundle(sdp: &str) -> String {
    let kept = sdp.split_inclusive("\r\n");
    kept.filter(|l| !l.starts_with("a=group:BUNDLE")).collect()
}

fn transports(end: &End) -> Vec<Option<u32>> {
    let media = end.signaling.latest().media.iter();
    media.map(|m| m.transport.map(|key| key.0)).collect()
}

#[test]
fn each_policy_gives_its_sections_their_transports() {
    for (policy, own) in [
        (BundlePolicy::Balanced, [true, true, false, true]),
        (BundlePolicy::MaxCompat, [true, true, true, true]),
        (BundlePolicy::MaxBundle, [true, false, false, false]),
    ] {
        let offer = busy(1, policy).offer();
        for (section, own) in sections(&offer)[1..].iter().zip(own) {
            // In all, or libwebrtc rejects what comes behind a section without, and Firefox takes
            // an answer for a restart.
            for attribute in ["a=ice-ufrag:", "a=fingerprint:", "a=setup:"] {
                assert!(section.contains(attribute), "{policy:?}");
            }
            assert_eq!(section.contains("a=bundle-only\r\n"), !own, "{policy:?}");
            assert_eq!(section.split(' ').nth(1) == Some("0"), !own);
        }
        assert!(offer.contains("a=group:BUNDLE 0 1 2 3\r\n"));
    }
}

#[test]
fn an_accepted_group_leaves_one_transport_and_ends_the_others() {
    let (mut a, mut b) = (busy(1, BundlePolicy::Balanced), End::new(2));
    let offer = a.offer();
    assert_eq!(transports(&a), [Some(0), Some(1), Some(0), Some(2)]);
    let added = a
        .changes
        .iter()
        .filter(|c| matches!(c, TransportChange::Add { .. }));
    assert_eq!(added.count(), 3);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.changes.is_empty());
    assert_eq!(transports(&b), [Some(0); 4]);
    let answer = b.answer();
    // One transport's, in each section of the group: Firefox crashes without.
    for attribute in ["a=ice-ufrag:", "a=fingerprint:", "a=setup:"] {
        let mut said = lines(&answer, attribute);
        assert_eq!(said.len(), 4);
        said.dedup();
        assert_eq!(said.len(), 1);
    }
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(transports(&a), [Some(0); 4]);
    let removed = a
        .changes
        .iter()
        .filter(|c| matches!(c, TransportChange::Remove { .. }));
    assert_eq!(removed.count(), 2);
}

#[test]
fn a_provisional_answer_keeps_the_transports_that_it_does_not_use() {
    let (mut a, mut b) = (busy(1, BundlePolicy::MaxCompat), End::new(2));
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.create_answer();
    a.set_remote(SdpType::Pranswer, &answer).unwrap();
    assert!(
        !a.changes
            .iter()
            .any(|c| matches!(c, TransportChange::Remove { .. }))
    );
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let removed = a
        .changes
        .iter()
        .filter(|c| matches!(c, TransportChange::Remove { .. }));
    assert_eq!(removed.count(), 3);
}

#[test]
fn without_a_group_every_section_has_its_transport_at_both_ends() {
    let (mut a, mut b) = (end(1, BundlePolicy::MaxCompat), End::new(2));
    a.audio();
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &without_bundle(&offer))
        .unwrap();
    let answer = b.answer();
    assert_eq!(lines(&answer, "a=ice-ufrag:").len(), 2);
    assert!(!answer.contains("a=group:BUNDLE"));
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(transports(&a), [Some(0), Some(1)]);
    assert_eq!(transports(&b), [Some(0), Some(1)]);
    // Bundling later joins them.
    negotiate(&mut a, &mut b);
    assert_eq!(transports(&a), [Some(0); 2]);
    assert_eq!(transports(&b), [Some(0); 2]);
}

#[test]
fn max_bundle_takes_only_the_first_section_of_an_offer_without_a_group() {
    let (mut a, mut b) = (
        end(1, BundlePolicy::MaxCompat),
        end(2, BundlePolicy::MaxBundle),
    );
    a.audio();
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &without_bundle(&offer))
        .unwrap();
    let answer = b.answer();
    assert!(sections(&answer)[1].starts_with("m=audio 9 "));
    assert!(sections(&answer)[2].starts_with("m=video 0 "));
    assert_eq!(b.intent.transceivers[1].stop, StopState::Stopped);
}

#[test]
fn balanced_takes_one_section_of_each_kind_of_an_offer_without_a_group() {
    let (mut a, mut b) = (busy(1, BundlePolicy::MaxCompat), End::new(2));
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &without_bundle(&offer))
        .unwrap();
    let answer = b.answer();
    let rejected = sections(&answer)[1..]
        .iter()
        .map(|s| s.contains(" 0 U"))
        .collect::<Vec<_>>();
    assert_eq!(rejected, [false, false, true, false]);
}

#[test]
fn new_sections_join_an_agreed_group_without_bundle_only() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    a.video();
    let offer = a.offer();
    let video = &sections(&offer)[2];
    assert!(video.starts_with("m=video 9 "));
    let ufrag = |section: &str| {
        let line = section.lines().find(|l| l.starts_with("a=ice-ufrag"));
        line.map(str::to_owned)
    };
    assert_eq!(
        ufrag(video),
        ufrag(&sections(&offer)[1]),
        "the group's credentials"
    );
    assert!(ufrag(video).is_some() && !video.contains("a=bundle-only"));
    assert!(
        !a.changes
            .iter()
            .any(|c| matches!(c, TransportChange::Add { .. }))
    );
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(transports(&a), [Some(0); 2]);
}

#[test]
fn multiplexing_is_announced_as_the_only_way_in_a_first_offer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.intent.data = true;
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert_eq!(lines(&offer, "a=rtcp-mux-only").len(), 1);
    assert_eq!(lines(&answer, "a=rtcp-mux-only").len(), 0);
    assert_eq!(lines(&a.offer(), "a=rtcp-mux-only").len(), 0);
}

/// libwebrtc and Firefox make a transport for each section that comes to stand for a group.
#[test]
fn another_transport_comes_when_the_first_section_of_the_group_is_stopped() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let (first, _) = negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert!(offer.contains("a=group:BUNDLE 1\r\n"));
    assert!(!sections(&offer)[1].contains("a=ice-ufrag"));
    let ufrags = [&first, &offer].map(|sdp| lines(sdp, "a=ice-ufrag:")[0]);
    assert_ne!(ufrags[0], ufrags[1]);
    assert_eq!(lines(&answer, "a=ice-ufrag:").len(), 1);
    assert_eq!(transports(&a), [None, Some(2)]);
    assert_eq!(transports(&b), [None, Some(1)]);
    // Nothing changes when another one than the first is stopped.
    a.audio();
    negotiate(&mut a, &mut b);
    let before = transports(&a);
    a.intent.transceivers[1].stop = StopState::Stopping;
    negotiate(&mut a, &mut b);
    assert_eq!(transports(&a), [before[0], None]);
}

#[test]
fn another_transport_comes_when_a_recycled_section_leads_the_group() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    negotiate(&mut a, &mut b);
    let before = transports(&b)[1];
    a.audio();
    let (offer, _) = negotiate(&mut a, &mut b);
    assert_eq!(lines(&offer, "a=group:BUNDLE "), ["2 1"]);
    for end in [&a, &b] {
        let [Some(first), Some(second)] = transports(end)[..] else {
            panic!("both sections live");
        };
        assert_eq!(first, second);
    }
    assert_ne!(transports(&b)[1], before);
}

/// The ids of data channels follow the roles (RFC 8832 §6), and there are channels already.
#[test]
fn the_dtls_roles_of_data_channels_stay_when_the_group_gets_another_transport() {
    let role = |end: &End| {
        let agreed = end.signaling.stable();
        let transport = agreed.transport_of(agreed.data().unwrap()).unwrap();
        transport.dtls.as_ref().unwrap().role
    };
    for data in [true, false] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.audio();
        a.video();
        a.intent.data = data;
        negotiate(&mut a, &mut b);
        b.intent.transceivers[0].stop = StopState::Stopping;
        let (_, answer) = negotiate(&mut b, &mut a);
        assert_eq!(transports(&b)[..2], [None, Some(1)]);
        let setup = if data { "passive" } else { "active" };
        assert_eq!(lines(&answer, "a=setup:")[0], setup);
        if data {
            assert_eq!((role(&a), role(&b)), (DtlsRole::Server, DtlsRole::Client));
        }
    }
}

/// Firefox refuses an answer with new ones, and offers the same for its new transport.
#[test]
fn the_new_transport_of_a_group_is_answered_with_the_credentials_of_the_old() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let (first_offer, first_answer) = negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    let mut offer = a.offer();
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        let now = lines(&offer, name)[0].to_owned();
        offer = offer.replace(&now, lines(&first_offer, name)[0]);
    }
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert_eq!(transports(&b), [None, Some(1)]);
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        assert_eq!(lines(&answer, name)[0], lines(&first_answer, name)[0]);
    }
}

/// Firefox takes others for an ICE restart, once they come in a bundled section of an answer.
#[test]
fn the_sections_of_a_first_offer_share_credentials_and_restarted_transports_do_not() {
    for policy in [BundlePolicy::Balanced, BundlePolicy::MaxCompat] {
        let (mut a, mut b) = (end(1, policy), End::new(2));
        a.audio();
        a.video();
        let offer = a.offer();
        let ufrags = lines(&offer, "a=ice-ufrag:");
        assert_eq!(ufrags, [ufrags[0]; 2], "{policy:?}");
        b.set_remote(SdpType::Offer, &without_bundle(&offer))
            .unwrap();
        let answer = b.answer();
        a.set_remote(SdpType::Answer, &answer).unwrap();
        a.intent.ice_to_replace = a.signaling.local_ice_keys();
        let offer = a.create_offer();
        let restarted = lines(&offer, "a=ice-ufrag:");
        assert!(!restarted.contains(&ufrags[0]) && restarted[0] != restarted[1]);
    }
}

#[test]
fn a_bundle_only_section_that_is_not_bundled_is_refused() {
    let (mut a, mut b) = (
        end(1, BundlePolicy::MaxBundle),
        end(2, BundlePolicy::MaxCompat),
    );
    a.audio();
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = without_bundle(&b.answer());
    let refused = a.set_remote(SdpType::Answer, &answer);
    assert_eq!(
        refused,
        Err(JsepError::Content(ContentError::NotBundled(1)))
    );
}

#[test]
fn a_bundle_only_section_needs_no_transport_attributes() {
    let mut a = End::new(1);
    let sdp = "v=0\r\no=- 0 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio video\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n\
        a=fingerprint:sha-256 A7:24:72:CA:6E:02:55:39:BA:66:DF:6E:CC:4C:D8:B0:1A:BF:1A:56:65:7D:F4:03:AD:7E:77:43:2A:29:EC:93\r\n\
        a=ice-ufrag:ETEn\r\na=ice-pwd:OtSK0WpNtpUjkY4+86js7Z/l\r\na=rtcp-mux\r\na=sendonly\r\n\
        a=mid:audio\r\na=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\na=bundle-only\r\na=sendonly\r\n\
        a=mid:video\r\na=rtpmap:100 VP8/90000\r\na=fmtp:100 max-fr=30;max-fs=3600\r\n";
    a.set_remote(SdpType::Offer, sdp).unwrap();
    let answer = a.answer();
    assert!(answer.contains("a=group:BUNDLE audio video\r\n"));
    assert!(sections(&answer)[2].starts_with("m=video 9 "));
    // webrtc-pc: the limits of the other end are in the sender's parameters.
    let send = a.signaling.stable().media[1].send.clone().unwrap();
    assert_eq!(
        send.codecs[0].codec.sdp_fmtp_line.as_deref(),
        Some("max-fr=30;max-fs=3600")
    );
    assert_eq!(send.codecs[0].codec.mime_type(), "video/VP8");
}

#[test]
fn two_callees_may_answer_one_offer_without_a_group() {
    let (mut a, mut b, mut c) = (end(1, BundlePolicy::MaxCompat), End::new(2), End::new(3));
    a.audio();
    a.video();
    let offer = without_bundle(&a.offer());
    let parts = sections(&offer);
    b.set_remote(SdpType::Offer, &(parts[0].clone() + &parts[1]))
        .unwrap();
    c.set_remote(SdpType::Offer, &(parts[0].clone() + &parts[2]))
        .unwrap();
    let (left, right) = (
        sections(&without_bundle(&b.answer())),
        sections(&c.answer()),
    );
    a.set_remote(SdpType::Answer, &(left[0].clone() + &left[1] + &right[1]))
        .unwrap();
    let fingerprints = |at: usize| {
        let media = &a.signaling.stable().media[at];
        let transport = a.signaling.stable().transport_of(media).unwrap();
        transport.dtls.clone().unwrap().fingerprints
    };
    assert_ne!(fingerprints(0), fingerprints(1));
}
