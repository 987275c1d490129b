//! Offers, answers, transceivers and their m-sections.

use duologue_jsep::{
    Candidate, CandidateTarget, Candidates, Direction, JsepError, MediaKind, OfferOptions, SdpType,
    SectionKind, Side, SignalingState, StopState, negotiation_needed,
};

use crate::end::{End, lines, negotiate, sections};

#[test]
fn an_offer_and_its_answer_agree_on_mids_directions_and_streams() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let audio = a.add_track(MediaKind::Audio, "stream");
    let offer = a.offer();
    assert_eq!(a.signaling.state(), SignalingState::HaveLocalOffer);
    assert_eq!(a.media(audio).mid.as_str(), "0");
    assert_eq!(a.media(audio).current_direction, None);

    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.signaling.state(), SignalingState::HaveRemoteOffer);
    let change = b.surface.clone().unwrap().transceivers.remove(0);
    assert!(change.created);
    let after = change.after.unwrap();
    assert_eq!(after.fired_direction, Some(Direction::SendRecv));
    assert_eq!(after.remote_streams, ["stream"]);
    assert_eq!(b.current_direction(change.id), None);

    let answer = b.answer();
    assert_eq!(b.signaling.state(), SignalingState::Stable);
    assert_eq!(b.current_direction(change.id), Some(Direction::RecvOnly));
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.signaling.state(), SignalingState::Stable);
    assert_eq!(a.current_direction(audio), Some(Direction::SendOnly));
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    assert!(!negotiation_needed(&b.signaling, &b.intent));
}

#[test]
fn an_empty_offer_is_complete() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let (offer, answer) = negotiate(&mut a, &mut b);
    let begin = "v=0\r\no=- ";
    assert!(offer.starts_with(begin) && answer.starts_with(begin));
    assert!(!offer.contains("a=group:BUNDLE"));
    assert!(a.signaling.stable().media.is_empty());
}

#[test]
fn a_remote_offer_takes_up_a_transceiver_of_add_track_and_no_other() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let made_by_hand = b.audio();
    let first = b.add_track(MediaKind::Audio, "s");
    b.add_track(MediaKind::Audio, "s");
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.media(first).mid.as_str(), "0");
    assert!(b.signaling.latest().by_transceiver(made_by_hand).is_none());
    assert_eq!(b.intent.transceivers.len(), 3);
}

#[test]
fn a_sendonly_offer_does_not_take_up_a_transceiver() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.add(MediaKind::Audio, Direction::SendOnly);
    b.add_track(MediaKind::Audio, "s");
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.intent.transceivers.len(), 2);
}

#[test]
fn an_answer_meets_the_offered_direction_and_the_wanted_one() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, wanted, answered) in [
        (SendRecv, SendRecv, SendRecv),
        (SendRecv, RecvOnly, RecvOnly),
        (SendOnly, SendRecv, RecvOnly),
        (SendOnly, SendOnly, Inactive),
        (RecvOnly, SendRecv, SendOnly),
        (Inactive, SendRecv, Inactive),
    ] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let id = a.add(MediaKind::Audio, offered);
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        b.intent.transceivers[0].direction = wanted;
        let answer = b.answer();
        assert!(
            answer.contains(&format!("a={answered}\r\n")),
            "{offered} {wanted}"
        );
        a.set_remote(SdpType::Answer, &answer).unwrap();
        assert_eq!(a.current_direction(id), Some(answered.reversed()));
    }
}

#[test]
fn a_rollback_dissociates_only_what_the_offer_associated() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let first = a.audio();
    negotiate(&mut a, &mut b);
    let second = a.video();
    a.offer();
    assert_eq!(a.media(second).mid.as_str(), "1");
    a.set_local(SdpType::Rollback).unwrap();
    assert_eq!(a.media(first).mid.as_str(), "0");
    assert!(a.signaling.latest().by_transceiver(second).is_none());
    // The mid has been seen and is not used again.
    a.offer();
    assert_eq!(a.media(second).mid.as_str(), "2");
}

#[test]
fn a_rollback_removes_what_the_remote_offer_brought_unless_add_track_took_it() {
    for taken in [false, true] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.audio();
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let id = b.intent.transceivers[0].id;
        b.transceiver(id).taken_by_add_track = taken;
        b.set_remote(SdpType::Rollback, "").unwrap();
        assert_eq!(b.intent.transceivers.len(), usize::from(taken));
        let change = b.surface.as_ref().unwrap().transceivers[0].clone();
        assert!(change.uncreated && change.after.is_none());
    }
}

#[test]
fn glare_is_resolved_by_rolling_back_and_taking_up_the_transceiver() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let ours = a.add_track(MediaKind::Audio, "a");
    let theirs = b.add_track(MediaKind::Audio, "b");
    a.offer();
    let offer = b.offer();
    a.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(a.media(ours).mid, b.media(theirs).mid);
    let answer = a.answer();
    b.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.current_direction(ours), Some(Direction::SendRecv));
    assert_eq!(b.current_direction(theirs), Some(Direction::SendRecv));
}

#[test]
fn provisional_answers_may_repeat_and_the_last_answer_counts() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.audio();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.intent.transceivers[0].direction = Direction::Inactive;
    let early = b.create_answer();
    b.set_local(SdpType::Pranswer).unwrap();
    assert_eq!(b.signaling.state(), SignalingState::HaveLocalPranswer);
    a.set_remote(SdpType::Pranswer, &early).unwrap();
    assert_eq!(a.signaling.state(), SignalingState::HaveRemotePranswer);
    assert_eq!(a.current_direction(id), Some(Direction::Inactive));
    a.set_remote(SdpType::Pranswer, &early).unwrap();
    assert!(a.changes.is_empty());
    assert!(a.set_local(SdpType::Rollback).is_err());
    assert!(b.set_remote(SdpType::Rollback, "").is_err());

    b.intent.transceivers[0].direction = Direction::RecvOnly;
    let answer = b.answer();
    assert_eq!(
        lines(&answer, "a=ice-ufrag:"),
        lines(&early, "a=ice-ufrag:")
    );
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.signaling.state(), SignalingState::Stable);
    assert_eq!(a.current_direction(id), Some(Direction::SendOnly));
}

#[test]
fn descriptions_are_pending_until_the_answer_makes_them_current() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let none = Candidates::new();
    let offer = a.offer();
    let pending = a.signaling.pending_description(Side::Local, &none);
    assert_eq!(pending, Some((SdpType::Offer, offer.clone())));
    assert_eq!(a.signaling.current_description(Side::Local, &none), None);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let early = b.create_answer();
    a.set_remote(SdpType::Pranswer, &early).unwrap();
    let pending = a.signaling.pending_description(Side::Remote, &none);
    assert_eq!(pending, Some((SdpType::Pranswer, early)));
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.signaling.pending_description(Side::Local, &none), None);
    assert_eq!(a.signaling.pending_description(Side::Remote, &none), None);
    let current = a.signaling.current_description(Side::Local, &none);
    assert_eq!(current, Some((SdpType::Offer, offer)));
    let current = a.signaling.current_description(Side::Remote, &none);
    assert_eq!(current, Some((SdpType::Answer, answer)));
}

#[test]
fn candidates_are_merged_into_the_section_they_came_for() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let mut candidates = Candidates::new();
    let text = "candidate:1 1 udp 2113937151 192.0.2.1 54400 typ host";
    let candidate: Candidate = text.parse().unwrap();
    let target = b.signaling.candidate_target(Some("1"), None, None).unwrap();
    assert!(candidates.add(Side::Remote, &target, candidate.clone()));
    assert!(!candidates.add(Side::Remote, &target, candidate.clone()));
    candidates.complete(Side::Remote, &target);
    let (_, sdp) = b
        .signaling
        .pending_description(Side::Remote, &candidates)
        .unwrap();
    let parts = sections(&sdp);
    assert!(!parts[1].contains("a=candidate"));
    assert!(parts[2].contains(&format!("a={text}\r\na=end-of-candidates\r\n")));
    // A remote description keeps its default address, a local one shows this end's.
    assert!(parts[2].starts_with("m=video 9 "));
    let target = CandidateTarget {
        mid: "0".parse().unwrap(),
        key: a.signaling.local_ice_keys().into_iter().next().unwrap(),
        reaches: true,
    };
    candidates.add(Side::Local, &target, candidate);
    let (_, sdp) = a
        .signaling
        .pending_description(Side::Local, &candidates)
        .unwrap();
    let parts = sections(&sdp);
    assert!(parts[1].starts_with("m=audio 54400 UDP/TLS/RTP/SAVPF"));
    assert!(parts[1].contains("c=IN IP4 192.0.2.1\r\n"));
    assert!(parts[1].contains("a=rtcp:54400 IN IP4 192.0.2.1\r\n"));
}

#[test]
fn candidates_find_their_section_by_mid_index_and_user_name_fragment() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.intent.data = true;
    assert!(b.signaling.candidate_target(Some("0"), None, None).is_err());
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let ufrag = lines(&offer, "a=ice-ufrag:")[0];
    let by_mid = b
        .signaling
        .candidate_target(Some("0"), None, Some(ufrag))
        .unwrap();
    let by_index = b.signaling.candidate_target(None, Some(0), None).unwrap();
    assert_eq!(by_mid, by_index);
    assert!(
        b.signaling
            .candidate_target(Some("0"), None, Some("other"))
            .is_err()
    );
    assert!(
        b.signaling
            .candidate_target(Some("nine"), None, None)
            .is_err()
    );
    assert!(b.signaling.candidate_target(None, Some(9), None).is_err());
    let all = b.signaling.end_of_candidates_targets(None).unwrap();
    assert_eq!(all.len(), 2);
    assert!(
        b.signaling
            .end_of_candidates_targets(Some("other"))
            .is_err()
    );
}

#[test]
fn candidates_of_a_section_that_is_bundled_away_are_only_shown() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let mut offer = a.offer();
    // Credentials of its own for the second section, as stacks other than browsers have them.
    let second = offer.rfind("a=ice-ufrag:").unwrap() + "a=ice-ufrag:".len();
    offer.insert_str(second, "own");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let ufrags = lines(&offer, "a=ice-ufrag:");
    assert_eq!(ufrags[1], format!("own{}", ufrags[0]));
    let target = |mid, ufrag| {
        b.signaling
            .candidate_target(Some(mid), None, ufrag)
            .unwrap()
    };
    assert!(target("0", Some(ufrags[0])).reaches);
    assert!(!target("1", Some(ufrags[1])).reaches);
    assert!(!target("1", None).reaches);
    let mut candidates = Candidates::new();
    let target = target("1", Some(ufrags[1]));
    let text = "candidate:1 1 udp 2113937151 192.0.2.1 54400 typ host";
    candidates.add(Side::Remote, &target, text.parse().unwrap());
    let shown = b
        .signaling
        .pending_description(Side::Remote, &candidates)
        .unwrap()
        .1;
    assert!(sections(&shown)[2].contains(text));
    assert_eq!(candidates.of_key(Side::Remote, target.key).count(), 0);
}

#[test]
fn candidates_in_a_description_are_told() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.intent.data = true;
    let text = "candidate:1 1 udp 2113937151 192.0.2.1 54400 typ host";
    let offer = a.offer() + "a=" + text + "\r\na=end-of-candidates\r\n";
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let described = b.signaling.described_candidates();
    assert_eq!(described.len(), 1);
    assert_eq!(described[0].target.mid.as_str(), "0");
    assert_eq!(described[0].candidates[0].to_string(), text);
    assert!(described[0].complete);
}

#[test]
fn a_stopped_transceivers_section_is_rejected_and_then_recycled_for_any_kind() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let mut kinds = [MediaKind::Audio, MediaKind::Audio, MediaKind::Video].into_iter();
    a.add(kinds.next().unwrap(), Direction::SendRecv);
    negotiate(&mut a, &mut b);
    for (round, kind) in kinds.enumerate() {
        a.intent.transceivers[round].stop = StopState::Stopping;
        assert!(negotiation_needed(&a.signaling, &a.intent));
        let (offer, answer) = negotiate(&mut a, &mut b);
        for sdp in [&offer, &answer] {
            assert!(sections(sdp)[1].contains(" 0 UDP/TLS/RTP/SAVPF "));
            assert!(lines(sdp, "a=msid:").is_empty());
        }
        assert_eq!(a.intent.transceivers[round].stop, StopState::Stopped);
        assert!(a.signaling.stable().media[0].rejected);
        assert!(!negotiation_needed(&a.signaling, &a.intent));
        let id = a.add(kind, Direction::SendRecv);
        let (offer, _) = negotiate(&mut a, &mut b);
        assert_eq!(sections(&offer).len(), 2);
        assert!(!a.media(id).rejected);
        assert_eq!(a.media(id).mid.as_str(), (round + 1).to_string());
    }
}

#[test]
fn a_remotely_stopped_transceiver_is_stopped_at_once_and_leaves_with_the_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let id = b.intent.transceivers[0].id;
    assert_eq!(b.transceiver(id).stop, StopState::Stopped);
    let after = b.media(id);
    assert!(after.rejected);
    assert_eq!(after.fired_direction, Some(Direction::Inactive));
    b.answer();
    assert!(b.signaling.stable().by_transceiver(id).unwrap().rejected);
}

#[test]
fn stopping_while_answering_makes_the_section_inactive_and_not_rejected() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.audio();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.intent.transceivers[0].stop = StopState::Stopping;
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.current_direction(id), Some(Direction::Inactive));
    assert!(negotiation_needed(&b.signaling, &b.intent));
}

#[test]
fn a_rejected_remote_section_makes_no_transceiver_and_is_recycled() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.video();
    let offer = a.offer().replace("m=video 9", "m=video 0");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.answer();
    assert!(b.intent.transceivers.is_empty());
    b.audio();
    let offer = b.create_offer();
    assert_eq!(sections(&offer).len(), 2);
    assert!(sections(&offer)[1].starts_with("m=audio 9 "));
}

#[test]
fn unknown_media_types_are_rejected_and_stay_so() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.intent.data = true;
    let offer = a.offer().replace("m=audio ", "m=unicorns ");
    let offer = offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 1");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.signaling.latest().media[0].kind, SectionKind::Unknown);
    let answer = b.answer();
    assert!(sections(&answer)[1].starts_with("m=unicorns 0 UDP/TLS/RTP/SAVPF 111 "));
    assert!(sections(&answer)[2].starts_with("m=application 9 "));
    let offer = b.create_offer();
    assert!(sections(&offer)[1].starts_with("m=unicorns 0 "));
}

#[test]
fn an_end_without_codecs_still_takes_the_data_channel() {
    let mut a = End::new(1);
    let mut b = End::with(2, Default::default(), duologue_jsep::Capabilities::none());
    a.audio();
    a.intent.data = true;
    let (_, answer) = negotiate(&mut a, &mut b);
    assert!(sections(&answer)[1].starts_with("m=audio 0 "));
    assert!(answer.contains("a=group:BUNDLE 1\r\n"));
    let data = a.signaling.stable().data().unwrap().sctp.clone().unwrap();
    assert!(data.established);
    assert_eq!(data.remote_max_message_size, Some(262_144));
}

#[test]
fn a_description_without_mids_is_taken_and_answered_without() {
    let without = |sdp: &str| {
        let kept = sdp.split_inclusive("\r\n");
        let kept = kept.filter(|l| !l.starts_with("a=mid:") && !l.starts_with("a=group:"));
        kept.collect::<String>()
    };
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.audio();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &without(&offer)).unwrap();
    let generated = b.signaling.latest().media[0].mid.clone();
    let answer = b.answer();
    assert!(lines(&answer, "a=mid:").is_empty());
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.current_direction(id), Some(Direction::SendOnly));
    // It keeps its generated mid when the other end offers again.
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &without(&offer)).unwrap();
    assert_eq!(b.signaling.latest().media[0].mid, generated);
}

#[test]
fn the_session_version_grows_with_changes_only() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let version = |sdp: &str| {
        let origin = lines(sdp, "o=- ")[0];
        let mut words = origin.split(' ');
        let id: u64 = words.next().unwrap().parse().unwrap();
        (id, words.next().unwrap().parse::<u64>().unwrap())
    };
    a.audio();
    let (first, _) = negotiate(&mut a, &mut b);
    a.video();
    let second = a.create_offer();
    let third = a.create_offer();
    assert_eq!(second, third);
    assert_eq!(version(&first).0, version(&second).0);
    assert_eq!(version(&second).1, version(&first).1 + 1);
    // An offer that was rolled back has used its version up.
    let rolled_back = a.offer();
    a.set_local(SdpType::Rollback).unwrap();
    a.intent.data = true;
    let next = a.create_offer();
    assert_eq!(version(&next).1, version(&rolled_back).1 + 1);
}

#[test]
fn an_old_offer_still_fits_after_a_remote_offer_was_rolled_back() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let ours = a.audio();
    a.create_offer();
    b.video();
    let offer = b.offer();
    a.set_remote(SdpType::Offer, &offer).unwrap();
    a.create_answer();
    a.set_remote(SdpType::Rollback, "").unwrap();
    a.set_local(SdpType::Offer).unwrap();
    assert_eq!(a.media(ours).mid.as_str(), "0");
}

#[test]
fn an_offer_is_associated_with_the_transceivers_it_was_made_for() {
    let mut a = End::new(1);
    let first = a.audio();
    let second = a.audio();
    a.create_offer();
    a.transceiver(first).stop = StopState::Stopping;
    a.audio();
    a.set_local(SdpType::Offer).unwrap();
    assert_eq!(a.media(first).mid.as_str(), "0");
    assert_eq!(a.media(second).mid.as_str(), "1");
    assert_eq!(a.signaling.latest().media.len(), 2);
}

#[test]
fn an_offer_may_be_replaced_by_another_before_the_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let audio = a.audio();
    a.offer();
    let video = a.video();
    let key = a.media(audio).transport;
    let offer = a.offer();
    assert_eq!(a.media(audio).transport, key);
    assert_eq!(a.media(video).mid.as_str(), "1");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.intent.transceivers.len(), 2);
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(a.current_direction(video), Some(Direction::SendOnly));
}

#[test]
fn msid_lines_name_each_stream_once() {
    let mut a = End::new(1);
    let none = a.audio();
    let two = a.add_track(MediaKind::Video, "s1");
    a.transceiver(two).sender.streams = vec!["s1".into(), "s2".into(), "s1".into()];
    let silent = a.add(MediaKind::Audio, Direction::RecvOnly);
    let offer = a.offer();
    let parts = sections(&offer);
    assert_eq!(lines(&parts[1], "a=msid:"), [format!("- track{}", none.0)]);
    assert_eq!(lines(&parts[2], "a=msid:"), ["s1 track1", "s2 track1"]);
    assert!(lines(&parts[3], "a=msid:").is_empty(), "{silent:?}");
}

#[test]
fn a_sources_msid_counts_when_the_section_has_none() {
    let streams = |tail: &str| {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.audio();
        let kept = a.offer();
        let kept = kept.split_inclusive("\r\n");
        let kept: String = kept.filter(|l| !l.starts_with("a=msid:")).collect();
        b.set_remote(SdpType::Offer, &(kept + tail)).unwrap();
        b.signaling.latest().media[0].remote_streams.clone()
    };
    let source = "a=ssrc:3 cname:4\r\na=ssrc:3 msid:1 2\r\n";
    assert_eq!(streams(source), ["1"]);
    assert_eq!(streams(&format!("a=msid:5 2\r\n{source}")), ["5"]);
    assert_eq!(streams("a=msid:1 2\r\na=msid:1 2\r\n"), ["1"]);
    assert!(streams("a=msid:-\r\n").is_empty());
}

#[test]
fn a_track_that_two_transceivers_send_is_described_apart() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    for _ in 0..2 {
        let id = a.audio();
        a.transceiver(id).sender.track_id = "shared".into();
    }
    let offer = a.offer();
    assert_eq!(lines(&offer, "a=msid:"), ["- shared", "-"]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
}

#[test]
fn changed_streams_need_a_negotiation() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.add_track(MediaKind::Audio, "one");
    negotiate(&mut a, &mut b);
    a.transceiver(id).sender.streams = vec!["two".into()];
    assert!(negotiation_needed(&a.signaling, &a.intent));
    negotiate(&mut a, &mut b);
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    assert_eq!(b.signaling.stable().media[0].remote_streams, ["two"]);
}

#[test]
fn tracks_without_msid_are_in_one_stream_of_the_session() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let strip = |sdp: String| {
        let kept = sdp.split_inclusive("\r\n");
        kept.filter(|l| !l.starts_with("a=msid:") && !l.starts_with("a=ssrc:"))
            .collect::<String>()
    };
    let offer = strip(a.offer());
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let streams = |b: &End, at: usize| b.signaling.latest().media[at].remote_streams.clone();
    assert_eq!(streams(&b, 0).len(), 1);
    assert_eq!(streams(&b, 0), streams(&b, 1));
    // And "-" says that there is none.
    let (mut a, mut b) = (End::new(3), End::new(4));
    a.audio();
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(streams(&b, 0).is_empty());
}

#[test]
fn a_changed_direction_needs_a_negotiation_by_the_side_that_changed_it() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.audio();
    negotiate(&mut a, &mut b);
    a.transceiver(id).direction = Direction::Inactive;
    assert!(negotiation_needed(&a.signaling, &a.intent));
    a.transceiver(id).direction = Direction::SendOnly;
    // sendrecv was offered and recvonly answered: sendonly is what the exchange came to.
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    let answerer = b.intent.transceivers[0].id;
    for (direction, needed) in [
        (Direction::SendRecv, true),
        (Direction::Inactive, true),
        (Direction::RecvOnly, false),
    ] {
        b.transceiver(answerer).direction = direction;
        let found = negotiation_needed(&b.signaling, &b.intent);
        assert_eq!(found, needed, "{direction}");
    }
}

#[test]
fn negotiation_is_needed_for_new_things_only() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    a.intent.data = true;
    assert!(negotiation_needed(&a.signaling, &a.intent));
    negotiate(&mut a, &mut b);
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    let id = a.audio();
    assert!(negotiation_needed(&a.signaling, &a.intent));
    a.transceiver(id).stop = StopState::Stopping;
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    a.intent.ice_to_replace = a.signaling.local_ice_keys();
    assert!(negotiation_needed(&a.signaling, &a.intent));
    negotiate(&mut a, &mut b);
    assert!(!negotiation_needed(&a.signaling, &a.intent));
}

#[test]
fn descriptions_are_refused_in_the_wrong_state() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let offer = a.create_offer();
    let state = |result: Result<(), JsepError>| matches!(result, Err(JsepError::State { .. }));
    assert!(state(a.set_remote(SdpType::Answer, &offer)));
    assert!(state(a.set_remote(SdpType::Pranswer, &offer)));
    assert!(state(a.set_local(SdpType::Rollback)));
    a.set_local(SdpType::Offer).unwrap();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.create_answer();
    assert!(state(b.set_local(SdpType::Offer).map_err(|e| {
        match e {
            JsepError::Modified(_) => b
                .signaling
                .check_state(SdpType::Offer, Side::Local)
                .unwrap_err(),
            other => other,
        }
    })));
    let options = OfferOptions::default();
    let refused = duologue_jsep::create_offer(&b.signaling, &b.intent, &mut b.ids, options);
    assert!(matches!(refused, Err(JsepError::State { .. })));
    let refused = duologue_jsep::create_answer(&a.signaling, &a.intent, &mut a.ids);
    assert!(matches!(refused, Err(JsepError::State { .. })));
}

#[test]
fn a_sender_announces_its_source_and_where_its_track_is() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.add_track(MediaKind::Audio, "s");
    a.add(MediaKind::Video, Direction::RecvOnly);
    let (first, answer) = negotiate(&mut a, &mut b);
    let cname = format!("{} cname:c1", 1000 + id.0);
    let msid = format!("{} msid:s track{}", 1000 + id.0, id.0);
    assert_eq!(lines(&first, "a=ssrc:"), [cname, msid]);
    assert!(!first.contains("a=ssrc-group"));
    assert!(lines(&answer, "a=ssrc:").is_empty(), "it does not send");
    let media = &b.signaling.stable().media[0];
    assert_eq!(media.remote_cname.as_deref(), Some("c1"));
    // They stay what they are.
    a.video();
    let (second, _) = negotiate(&mut a, &mut b);
    let of_first = lines(&sections(&second)[1].clone(), "a=ssrc:").join("\n");
    assert_eq!(of_first, lines(&first, "a=ssrc:").join("\n"));
    let (_, answer) = negotiate(&mut b, &mut a);
    // Two lines for each: of audio, of video, of what repeats it, and of the FlexFEC that an end has
    // offered which only receives.
    assert_eq!(lines(&answer, "a=ssrc:").len(), 8);
    assert_eq!(lines(&answer, "a=ssrc-group:FID").len(), 1);
    assert_eq!(lines(&answer, "a=ssrc-group:FEC-FR").len(), 1);
}

#[test]
fn a_sender_of_layers_announces_no_source() {
    let mut a = End::new(1);
    a.layered(&["a", "b"]);
    let offer = a.offer();
    assert!(offer.contains("a=simulcast:send a;b\r\n"));
    assert!(lines(&offer, "a=ssrc:").is_empty());
}

#[test]
fn a_rejected_data_section_is_asked_for_again_by_another_channel_only() {
    let mut a = End::new(1);
    let mut b = End::new(2);
    a.audio();
    a.intent.data = true;
    let offer = a.offer();
    let without = |sdp: &str| {
        let sdp = sdp.replace("m=application 9", "m=application 0");
        sdp.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0")
    };
    b.set_remote(SdpType::Offer, &without(&offer)).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert!(!negotiation_needed(&a.signaling, &a.intent));
    a.intent.data = true;
    assert!(negotiation_needed(&a.signaling, &a.intent));
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(sections(&offer)[2].starts_with("m=application 9"));
    assert_eq!(sections(&offer).len(), 3);
    assert!(!a.signaling.stable().data().unwrap().rejected);
}

#[test]
fn what_the_other_end_describes_and_rolls_back_is_not_remembered() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let offer = a.offer();
    let size = |end: &End| format!("{:?}", end.ids).len();
    for round in 0..200 {
        let strange = offer.replace("a=mid:0", &format!("a=mid:strange{round}"));
        let strange = strange.replace("BUNDLE 0", &format!("BUNDLE strange{round}"));
        let extension = format!("a=extmap:99 urn:strange:{round}\r\na=sendrecv");
        let strange = strange.replace("a=sendrecv", &extension);
        b.set_remote(SdpType::Offer, &strange).unwrap();
        b.set_remote(SdpType::Rollback, "").unwrap();
    }
    let many = size(&b);
    let mut c = End::new(2);
    c.set_remote(SdpType::Offer, &offer).unwrap();
    c.set_remote(SdpType::Rollback, "").unwrap();
    assert!(
        many < size(&c) + 100,
        "{many} after 200, {} after one",
        size(&c)
    );
    // And what is agreed on is bounded by what this end knows.
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.answer();
    for round in 0..200 {
        let extension = format!("a=extmap:99 urn:strange:{round}\r\na=sendrecv");
        let strange = a.offer().replace("a=sendrecv", &extension);
        b.set_remote(SdpType::Offer, &strange).unwrap();
        b.answer();
    }
    assert!(size(&b) < many + 1000, "{} after {many}", size(&b));
}

#[test]
fn the_other_end_says_whether_it_takes_trickled_candidates() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.intent.data = true;
    assert_eq!(b.signaling.can_trickle(), None);
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.signaling.can_trickle(), Some(true));
    b.set_remote(SdpType::Rollback, "").unwrap();
    assert_eq!(b.signaling.can_trickle(), None);
    let offer = offer.replace("a=ice-options:trickle ice2\r\n", "");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(b.signaling.can_trickle(), Some(false));
}

#[test]
fn streams_of_several_tracks_are_lip_synchronised() {
    let mut a = End::new(1);
    a.add_track(MediaKind::Audio, "s");
    a.add_track(MediaKind::Video, "s");
    a.add_track(MediaKind::Video, "t");
    assert!(a.offer().contains("a=group:LS 0 1\r\n"));
}
