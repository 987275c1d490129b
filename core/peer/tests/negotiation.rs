//! Two connections negotiate through text; no packet moves.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(
    clippy::disallowed_types,
    reason = "a subscriber of tracing counts behind a shared reference"
)]

mod common;

use common::{Host, audio, negotiate, pair, video};
use duologue_peer::{
    DataChannelInit, ExceptionName, MediaKind, MediaStreamId, OfferOptions, Rejection,
    SessionDescription, SignalingState, TransceiverDirection, TransceiverInit,
};
use duologue_session::{Command, TransportCommand};

fn streams(ids: &[&str]) -> Vec<MediaStreamId> {
    ids.iter().map(|id| MediaStreamId::from(*id)).collect()
}

#[test]
fn an_exchange_walks_through_the_signaling_states() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    a.run();
    assert_eq!(a.take_log(), ["negotiationneeded"]);

    let offer = a.set_local();
    assert_eq!(a.pc.signaling_state(), SignalingState::HaveLocalOffer);
    assert_eq!(a.pc.pending_local_description(), Some(offer.clone()));
    assert_eq!(a.pc.current_local_description(), None);
    assert_eq!(
        a.take_log(),
        ["signalingstatechange have-local-offer", "resolve 1"]
    );

    b.set_remote(offer).unwrap();
    assert_eq!(
        b.take_log(),
        [
            "signalingstatechange have-remote-offer",
            "addtrack s1",
            "track [s1]",
            "resolve 1"
        ]
    );

    let answer = b.set_local();
    assert_eq!(b.take_log(), ["signalingstatechange stable", "resolve 2"]);
    a.set_remote(answer).unwrap();
    assert_eq!(a.take_log(), ["signalingstatechange stable", "resolve 2"]);
    assert!(a.pc.pending_local_description().is_none());
    assert!(a.pc.current_local_description().is_some());
    assert!(a.pc.current_remote_description().is_some());
    a.run();
    b.run();
    assert_eq!(a.take_log(), [""; 0], "nothing is left to negotiate");
    assert_eq!(b.take_log(), [""; 0]);
}

#[test]
fn a_track_of_the_other_end_is_live_muted_and_in_its_streams() {
    let (mut a, mut b) = pair();
    a.pc.add_track(video("t1"), &streams(&["s1", "s2"]))
        .unwrap();
    negotiate(&mut a, &mut b);
    let id = b.pc.transceivers()[0];
    let view = b.pc.transceiver(id).unwrap();
    assert_eq!(view.direction(), TransceiverDirection::Recvonly);
    assert_eq!(
        view.current_direction(),
        Some(TransceiverDirection::Recvonly)
    );
    assert_eq!(view.receiver_streams(), streams(&["s1", "s2"]));
    let track = b.pc.track(view.receiver_track()).unwrap();
    assert!(track.muted());
    assert_eq!(track.label(), "remote video");
    assert_eq!(track.ready_state().as_str(), "live");
    let stream = b.pc.stream(&MediaStreamId::from("s2")).unwrap();
    assert_eq!(stream.tracks(), [track.id().clone()]);
}

#[test]
fn operations_run_one_after_the_other() {
    let mut a = Host::new(1);
    a.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    let offer = a.create_offer();
    let set = a.pc.set_local_description(offer.clone());
    let remote = a.pc.set_remote_description(offer);
    a.take_log();
    a.settle(set).unwrap();
    a.settle(remote).unwrap();
    let mut events = a.take_events();
    events.retain(|event| event.starts_with("signalingstatechange"));
    assert_eq!(
        events,
        [
            "signalingstatechange have-local-offer",
            "signalingstatechange stable",
            "signalingstatechange have-remote-offer",
        ]
    );
}

#[test]
fn a_promise_rejected_in_the_methods_own_steps_comes_before_the_next_event() {
    let mut a = Host::new(1);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let set = a.pc.set_local_description(SessionDescription::rollback());
    a.microtasks();
    assert_eq!(a.take_log(), ["reject 1 InvalidStateError"]);
    assert!(a.pc.has_task(), "the negotiation-needed task still waits");
    assert!(a.settled.contains_key(&set));
}

/// Each answer says which streams would be sent, though it may send none.
#[test]
fn two_ends_that_both_want_to_send_alone_negotiate_once() {
    let (mut a, mut b) = pair();
    let alone = TransceiverDirection::Sendonly;
    let init = TransceiverInit::with_direction(alone);
    let id = a.pc.add_transceiver(audio("t1"), init).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    b.pc.set_direction(b.pc.transceivers()[0], alone).unwrap();
    let answer = b.set_local();
    assert!(answer.sdp.contains("a=inactive") && answer.sdp.contains("a=msid"));
    a.set_remote(answer).unwrap();
    for host in [&mut a, &mut b] {
        host.run();
        host.take_events();
    }

    negotiate(&mut b, &mut a);
    negotiate(&mut a, &mut b);
    for host in [&mut a, &mut b] {
        assert!(!host.take_events().contains(&"negotiationneeded".to_owned()));
    }
    let direction = a.pc.transceiver(id).unwrap().current_direction();
    assert_eq!(direction, Some(TransceiverDirection::Inactive));
}

/// The application made it: it is wanted still, and offered again.
#[test]
fn a_transceiver_that_this_end_rejected_runs_on_and_is_not_rejected_once_it_is_agreed_on() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let id = b.pc.add_track(audio("t2"), &[]).unwrap();
    let mut offer = a.set_local();
    let lines = offer.sdp.lines().map(|line| match line.split_once(' ') {
        Some((name, _)) if name.starts_with("a=rtpmap:") => format!("{name} unheard/1\r\n"),
        _ => format!("{line}\r\n"),
    });
    offer.sdp = lines.collect();
    b.set_remote(offer).unwrap();
    let mut answer = b.set_local();
    let view = b.pc.transceiver(id).unwrap();
    assert_eq!(view.rejection(), Some(Rejection::NoCommonCodec));
    assert!(!view.is_stopped());

    answer.sdp = answer.sdp.replace("unheard/1", "PCMU/8000");
    a.set_remote(answer).unwrap();
    negotiate(&mut b, &mut a);
    let view = b.pc.transceiver(id).unwrap();
    assert!(view.current_direction().is_some());
    assert_eq!(view.rejection(), None);
}

#[test]
fn negotiationneeded_waits_for_an_empty_chain_and_fires_once() {
    let (mut a, mut b) = pair();
    a.pc.create_data_channel("x", DataChannelInit::default())
        .unwrap();
    let offer = a.set_local();
    b.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
        .unwrap();
    let set = b.pc.set_remote_description(offer);
    let answer = b.pc.set_local_description(None);
    b.settle(set).unwrap();
    b.settle(answer).unwrap();
    assert!(!b.take_events().contains(&"negotiationneeded".to_owned()));
    b.run();
    assert_eq!(b.take_events(), ["negotiationneeded"]);
    b.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    b.run();
    assert_eq!(b.take_events(), [""; 0], "the flag is set already");
}

#[test]
fn a_created_offer_stays_usable_and_another_text_is_a_modification() {
    let mut a = Host::new(1);
    a.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    let mut offer = a.create_offer();
    a.set_local_to(offer.clone()).unwrap();
    a.set_local_to(offer.clone()).unwrap();
    offer.sdp.push_str("a=x\r\n");
    let error = a.set_local_to(offer).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
}

#[test]
fn set_local_description_makes_a_new_offer_when_the_last_one_is_out_of_date() {
    let mut a = Host::new(1);
    a.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    let stale = a.create_offer();
    a.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
        .unwrap();
    let applied = a.set_local();
    assert!(!stale.sdp.contains("m=video"));
    assert!(applied.sdp.contains("m=video"));
}

#[test]
fn an_implicit_rollback_visits_stable_and_keeps_the_offered_transceiver() {
    let (mut a, mut b) = pair();
    let ours =
        a.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
            .unwrap();
    b.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
        .unwrap();
    a.set_local();
    let offer = b.set_local();
    a.take_log();
    let mid = a.mid(ours);
    assert!(mid.is_some());
    assert!(a.pc.transceiver(ours).unwrap().transport().is_some());
    a.set_remote(offer).unwrap();
    assert_eq!(
        a.take_events(),
        [
            "signalingstatechange stable",
            "statechange dtls0 closed",
            "statechange ice0 closed",
            "signalingstatechange have-remote-offer",
            "track []",
        ]
    );
    assert_eq!(a.mid(ours), None);
    assert_eq!(a.pc.transceiver(ours).unwrap().transport(), None);
    let answer = a.set_local();
    a.run();
    assert!(
        a.take_events().contains(&"negotiationneeded".to_owned()),
        "our transceiver is still to be negotiated"
    );
    b.set_remote(answer).unwrap();
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
    assert_eq!(a.pc.transceivers().len(), 2);
}

#[test]
fn rolling_back_a_remote_offer_takes_its_transceiver_and_stream_away() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    let offer = a.set_local();
    b.set_remote(offer.clone()).unwrap();
    let made = b.pc.transceivers()[0];
    b.take_log();
    b.set_remote(SessionDescription::rollback()).unwrap();
    assert_eq!(
        b.take_events(),
        ["signalingstatechange stable", "removetrack s1"]
    );
    assert_eq!(b.pc.transceivers(), []);
    let view = b.pc.transceiver(made).unwrap();
    assert_eq!(view.mid(), None);
    assert_eq!(view.direction(), TransceiverDirection::Stopped);
    assert_eq!(
        view.current_direction(),
        Some(TransceiverDirection::Stopped)
    );
    b.run();
    assert_eq!(b.take_events(), ["ended"], "the track ends in its own task");
    b.set_remote(offer).unwrap();
    assert_eq!(b.pc.transceivers().len(), 1);
}

/// webrtc-pc §5.4, "stop the RTCRtpTransceiver": an offer that rejects its m-section has stopped it for good.
#[test]
fn rolling_back_a_remote_offer_gives_no_track_of_a_transceiver_that_it_stopped() {
    let (mut a, mut b) = pair();
    let sender = a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    negotiate(&mut a, &mut b);
    a.pc.stop(sender).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    b.run();
    b.take_log();
    b.set_remote(SessionDescription::rollback()).unwrap();
    b.run();
    assert_eq!(
        b.take_events(),
        ["signalingstatechange stable", "negotiationneeded"]
    );
}

#[test]
fn rolling_back_a_remote_offer_keeps_the_transceiver_that_add_track_touched() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    let sender = b.pc.add_track(audio("t2"), &[]).unwrap();
    assert_eq!(b.pc.transceivers(), [sender], "the sender is taken up");
    b.set_remote(SessionDescription::rollback()).unwrap();
    assert_eq!(b.pc.transceivers(), [sender]);
    let view = b.pc.transceiver(sender).unwrap();
    assert_eq!((view.mid(), view.transport()), (None, None));
    assert_eq!(view.direction(), TransceiverDirection::Sendrecv);
}

#[test]
fn a_remote_offer_takes_up_what_add_track_made_and_not_what_it_reused() {
    let (mut a, mut b) = pair();
    a.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    let offer = a.set_local();
    let added =
        b.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
            .unwrap();
    assert_eq!(b.pc.add_track(audio("t1"), &[]), Ok(added));
    b.set_remote(offer.clone()).unwrap();
    assert_eq!(b.mid(added), None);
    assert_eq!(b.pc.transceivers().len(), 2);
    let mut c = Host::new(3);
    let tracked = c.pc.add_track(audio("t2"), &[]).unwrap();
    c.set_remote(offer).unwrap();
    assert_eq!(c.pc.transceivers(), [tracked]);
    assert!(c.mid(tracked).is_some());
}

#[test]
fn transports_show_with_a_local_description_and_not_with_a_remote_offer() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    assert!(a.pc.transceiver(id).unwrap().transport().is_some());
    b.set_remote(offer).unwrap();
    let theirs = b.pc.transceivers()[0];
    assert_eq!(b.pc.transceiver(theirs).unwrap().transport(), None);
    b.set_local();
    assert!(b.pc.transceiver(theirs).unwrap().transport().is_some());
}

#[test]
fn only_the_end_that_set_an_offer_rolls_it_back() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    let error = a.set_remote(SessionDescription::rollback()).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    b.set_remote(offer).unwrap();
    let error = b.set_local_to(SessionDescription::rollback()).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    assert_eq!(b.pc.signaling_state(), SignalingState::HaveRemoteOffer);
}

#[test]
fn a_provisional_answer_may_be_followed_by_the_answer() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    let answer = b.create_answer();
    b.set_local_to(SessionDescription::pranswer(answer.sdp.clone()))
        .unwrap();
    assert_eq!(b.pc.signaling_state(), SignalingState::HaveLocalPranswer);
    a.set_remote(SessionDescription::pranswer(answer.sdp.clone()))
        .unwrap();
    assert_eq!(a.pc.signaling_state(), SignalingState::HaveRemotePranswer);
    let error = a.set_local_to(SessionDescription::rollback()).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    b.set_local_to(answer.clone()).unwrap();
    a.set_remote(answer).unwrap();
    assert_eq!(a.pc.signaling_state(), SignalingState::Stable);
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
}

/// webrtc-pc §4.4.1.5: the offer has fired it, and a local description fires none.
#[test]
fn a_local_answer_that_receives_after_a_provisional_one_that_did_not_fires_no_track() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    let id = b.pc.transceivers()[0];
    b.take_events();
    b.pc.set_direction(id, TransceiverDirection::Inactive)
        .unwrap();
    let inactive = b.create_answer();
    b.set_local_to(SessionDescription::pranswer(inactive.sdp))
        .unwrap();
    assert!(b.take_events().contains(&"removetrack s1".to_owned()));
    b.pc.set_direction(id, TransceiverDirection::Recvonly)
        .unwrap();
    let answer = b.create_answer();
    b.set_local_to(answer.clone()).unwrap();
    let events = b.take_events();
    let of_tracks = events.iter().filter(|event| event.contains("track"));
    assert_eq!(of_tracks.count(), 0, "{events:?}");
    a.set_remote(answer).unwrap();
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
}

#[test]
fn a_stopped_transceiver_disappears_at_both_ends() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    negotiate(&mut a, &mut b);
    a.take_log();
    b.take_log();
    a.pc.stop(id).unwrap();
    let view = a.pc.transceiver(id).unwrap();
    assert_eq!(view.direction(), TransceiverDirection::Stopped);
    assert_eq!(
        view.current_direction(),
        Some(TransceiverDirection::Sendonly),
        "stopping, and not stopped before it is negotiated"
    );
    a.run();
    assert_eq!(a.take_events(), ["ended", "negotiationneeded"]);
    let theirs = b.pc.transceivers()[0];
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    assert_eq!(
        b.take_events(),
        ["signalingstatechange have-remote-offer", "removetrack s1"]
    );
    assert!(b.pc.transceiver(theirs).unwrap().is_stopped());
    assert_eq!(b.pc.transceivers(), [theirs], "until the answer");
    let answer = b.set_local();
    assert_eq!(b.pc.transceivers(), []);
    a.set_remote(answer).unwrap();
    assert_eq!(a.pc.transceivers(), []);
    assert_eq!(a.mid(id), None);
}

#[test]
fn changing_a_direction_removes_the_remote_track_and_brings_it_back() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(video("t1"), &streams(&["s1"])).unwrap();
    negotiate(&mut a, &mut b);
    a.pc.set_direction(id, TransceiverDirection::Inactive)
        .unwrap();
    b.take_log();
    negotiate(&mut a, &mut b);
    assert!(b.take_events().contains(&"removetrack s1".to_owned()));
    a.pc.set_direction(id, TransceiverDirection::Sendrecv)
        .unwrap();
    negotiate(&mut a, &mut b);
    let events = b.take_events();
    let wanted = ["addtrack s1".to_owned(), "track [s1]".to_owned()];
    assert!(events.windows(2).any(|pair| pair == wanted), "{events:?}");
}

#[test]
fn restart_ice_asks_for_negotiation_until_new_credentials_are_agreed() {
    let (mut a, mut b) = pair();
    a.pc.restart_ice();
    a.run();
    assert_eq!(a.take_events(), [""; 0], "there is nothing to restart yet");
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let ufrag = |sdp: &str| {
        let line = sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"));
        line.unwrap().to_owned()
    };
    let before = ufrag(&a.pc.local_description().unwrap().sdp);
    a.take_log();
    a.pc.restart_ice();
    a.run();
    assert_eq!(a.take_events(), ["negotiationneeded"]);
    let offer = a.set_local();
    assert_ne!(ufrag(&offer.sdp), before);
    a.set_local_to(SessionDescription::rollback()).unwrap();
    a.run();
    assert!(a.take_events().contains(&"negotiationneeded".to_owned()));
    negotiate(&mut a, &mut b);
    assert_ne!(ufrag(&a.pc.local_description().unwrap().sdp), before);
    let needed = a.take_events();
    assert!(!needed.contains(&"negotiationneeded".to_owned()));
}

#[test]
fn the_legacy_offer_options_make_and_turn_transceivers() {
    let mut a = Host::new(1);
    let options = OfferOptions {
        offer_to_receive_audio: Some(true),
        offer_to_receive_video: Some(true),
        ..OfferOptions::default()
    };
    let create = a.pc.create_offer(options);
    let offer = common::description(a.settle(create));
    assert!(offer.sdp.contains("m=audio") && offer.sdp.contains("a=recvonly"));
    assert_eq!(a.pc.transceivers().len(), 2);
    let again = a.pc.create_offer(options);
    a.settle(again).unwrap();
    assert_eq!(a.pc.transceivers().len(), 2);
    let create = a.pc.create_offer(OfferOptions {
        offer_to_receive_audio: Some(false),
        ..OfferOptions::default()
    });
    a.settle(create).unwrap();
    let view = a.pc.transceiver(a.pc.transceivers()[0]).unwrap();
    assert_eq!(view.direction(), TransceiverDirection::Inactive);
    assert_eq!(a.take_events(), [""; 0], "no negotiationneeded");
}

/// The example of webrtc-pc §10.7, whose two ends act on nothing but their events.
struct Polite {
    host: Host,
    polite: bool,
    making_offer: bool,
    ignore_offer: bool,
    inbox: Vec<SessionDescription>,
}

impl Polite {
    fn new(seed: u64, polite: bool) -> Self {
        Polite {
            host: Host::new(seed),
            polite,
            making_offer: false,
            ignore_offer: false,
            inbox: Vec::new(),
        }
    }

    /// Runs this end and returns what it says to the other.
    fn turn(&mut self) -> Option<SessionDescription> {
        self.host.turn();
        let needed = self
            .host
            .take_events()
            .contains(&"negotiationneeded".to_owned());
        if needed {
            self.making_offer = true;
            let set = self.host.pc.set_local_description(None);
            let result = self.host.settle(set);
            self.making_offer = false;
            result.unwrap();
            return self.host.pc.local_description();
        }
        let description = self.inbox.pop()?;
        let is_offer = description.sdp_type == duologue_peer::SdpType::Offer;
        let collision = is_offer
            && (self.making_offer || self.host.pc.signaling_state() != SignalingState::Stable);
        self.ignore_offer = !self.polite && collision;
        if self.ignore_offer {
            return None;
        }
        self.host.set_remote(description).unwrap();
        is_offer.then(|| self.host.set_local())
    }
}

#[test]
fn perfect_negotiation_settles_a_glare_with_every_seed() {
    for seed in 0..20 {
        let mut ends = [Polite::new(seed, false), Polite::new(seed + 100, true)];
        ends[0]
            .host
            .pc
            .add_track(audio("a"), &streams(&["s0"]))
            .unwrap();
        ends[1]
            .host
            .pc
            .add_track(video("b"), &streams(&["s1"]))
            .unwrap();
        ends[1]
            .host
            .pc
            .create_data_channel("d", DataChannelInit::default())
            .unwrap();
        let mut rng = duologue_base::Rng::from_u64(seed);
        for _ in 0..200 {
            let end = (rng.u32() & 1) as usize;
            if let Some(description) = ends[end].turn() {
                ends[1 - end].inbox.insert(0, description);
            }
        }
        for end in &ends {
            assert_eq!(end.host.pc.signaling_state(), SignalingState::Stable);
            assert_eq!(end.host.pc.transceivers().len(), 2, "seed {seed}");
            assert!(end.host.pc.sctp().is_some());
            let mids: Vec<_> = end.host.pc.transceivers();
            assert!(mids.iter().all(|&id| end.host.mid(id).is_some()));
        }
    }
}

#[test]
fn a_changed_local_description_is_taken_where_its_meaning_can_be() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    let mut offer = a.create_offer();
    let created = offer.sdp.clone();
    offer.sdp = created.replace("a=setup:actpass", "a=setup:active");
    let error = a.set_local_to(offer.clone()).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
    assert!(
        error.message().contains("a=setup of m-section 0"),
        "{error}"
    );
    offer.sdp = created.replace("a=sendrecv", "a=sendonly");
    a.set_local_to(offer.clone()).unwrap();
    assert_eq!(a.pc.local_description(), Some(offer.clone()));
    b.set_remote(offer).unwrap();
    let answer = b.set_local();
    a.set_remote(answer).unwrap();
    let id = a.pc.transceivers()[0];
    let view = a.pc.transceiver(id).unwrap();
    assert_eq!(
        view.current_direction(),
        Some(TransceiverDirection::Sendonly)
    );
    assert_eq!(view.direction(), TransceiverDirection::Sendrecv);
}

#[test]
fn a_sender_announces_one_source_for_its_life() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &streams(&["s1"])).unwrap();
    a.pc.add_track(video("t2"), &streams(&["s1"])).unwrap();
    let sources = |sdp: &str| {
        let lines = sdp.lines().filter(|line| line.starts_with("a=ssrc:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = a.set_local();
    let shown = sources(&first.sdp);
    // Two lines for each of audio, video, and what repeats the video.
    assert_eq!(shown.len(), 6, "{shown:?}");
    assert!(shown[0].contains(" cname:") && shown[1].ends_with(" msid:s1 t1"));
    a.set_local_to(SessionDescription::rollback()).unwrap();
    negotiate(&mut a, &mut b);
    a.pc.set_direction(id, TransceiverDirection::Inactive)
        .unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(sources(&a.pc.local_description().unwrap().sdp), shown[2..]);
    a.pc.set_direction(id, TransceiverDirection::Sendrecv)
        .unwrap();
    negotiate(&mut b, &mut a);
    // An end that only receives offers FlexFEC, too, whose two lines come last.
    let answered = sources(&a.pc.local_description().unwrap().sdp);
    assert_eq!(answered[..6], shown);
    assert_eq!(answered.len(), 8);
}

#[test]
fn an_ice_restart_that_is_not_answered_is_given_up() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let answer = a.pc.remote_description().unwrap();
    a.pc.restart_ice();
    a.run();
    a.take_log();
    a.take_commands();
    a.set_local();
    // aiortc and webrtcbin answer with the credentials that they have.
    a.set_remote(answer).unwrap();
    a.run();
    let mut told = a.take_commands();
    told.retain(|command| matches!(command, Command::Transport(..)));
    let names: Vec<&str> = told
        .iter()
        .map(|command| match command {
            Command::Transport(_, TransportCommand::RestartIce { generation, .. })
                if generation.0 == 1 =>
            {
                "restart"
            }
            Command::Transport(_, TransportCommand::DropGeneration { generation, .. })
                if generation.0 == 1 =>
            {
                "drop"
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["restart", "drop"]);
    assert!(!a.take_events().contains(&"negotiationneeded".to_owned()));
    a.pc.add_track(video("t2"), &[]).unwrap();
    a.run();
    assert_eq!(a.take_events(), ["negotiationneeded"]);
    negotiate(&mut a, &mut b);
    assert_eq!(a.pc.signaling_state(), SignalingState::Stable);
    assert!(a.pc.transceivers().iter().all(|&id| a.mid(id).is_some()));
}

/// Many m-lines without BUNDLE: an answer takes one of them.
fn unbundled(sections: usize) -> SessionDescription {
    let mut c = Host::new(9);
    for _ in 0..sections {
        c.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
            .unwrap();
    }
    let mut offer = c.create_offer();
    let kept = offer.sdp.split_inclusive("\r\n");
    let kept = kept.filter(|line| !line.starts_with("a=group:") && *line != "a=bundle-only\r\n");
    offer.sdp = kept.collect::<String>().replace("m=audio 0 ", "m=audio 9 ");
    offer
}

#[test]
fn refused_m_lines_leave_no_transceivers_behind() {
    let offer = unbundled(50);
    let mut b = Host::new(2);
    for round in 0..20 {
        b.set_remote(offer.clone()).unwrap();
        assert_eq!(b.pc.transceivers().len(), 50);
        b.set_local();
        b.run();
        assert_eq!(b.pc.transceivers().len(), 1, "round {round}");
        assert!(!b.take_events().contains(&"negotiationneeded".to_owned()));
    }
    let left = b.pc.transceivers()[0];
    assert!(b.mid(left).is_some());
    // What the application made is still wanted.
    let mut c = Host::new(3);
    c.pc.add_track(audio("t1"), &[]).unwrap();
    let mine = c.pc.add_track(audio("t2"), &[]).unwrap();
    c.set_remote(unbundled(3)).unwrap();
    c.set_local();
    c.run();
    assert_eq!(c.pc.transceivers().len(), 2);
    assert!(!c.pc.transceiver(mine).unwrap().is_stopped());
    assert!(c.take_events().contains(&"negotiationneeded".to_owned()));
}

#[test]
fn m_lines_that_come_and_go_before_an_answer_leave_no_transceivers_behind() {
    let mut c = Host::new(9);
    c.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
        .unwrap();
    let offer = c.create_offer();
    let named = |mid: usize, port: usize| {
        let sdp = offer.sdp.replace("a=mid:0", &format!("a=mid:{mid}"));
        let group = match port {
            0 => String::new(),
            _ => format!("a=group:BUNDLE {mid}\r\n"),
        };
        let sdp = sdp.replace("a=group:BUNDLE 0\r\n", &group);
        SessionDescription::offer(sdp.replace("m=audio 9 ", &format!("m=audio {port} ")))
    };
    let mut b = Host::new(2);
    for round in 0..20 {
        for mid in 0..10 {
            b.set_remote(named(round * 10 + mid, 9)).unwrap();
            assert!(b.pc.transceivers().len() <= 2, "{:?}", b.pc.transceivers());
            b.set_remote(named(round * 10 + mid, 0)).unwrap();
        }
        match round % 2 {
            0 => b
                .set_remote(SessionDescription::rollback())
                .map(|_| ())
                .unwrap(),
            _ => drop(b.set_local()),
        }
        b.run();
        assert_eq!(b.pc.transceivers(), []);
    }
}
