//! What the data plane takes and sends in each state of a negotiation.

use duologue_base::{TransceiverId, TransportKey};
use duologue_jsep::{Direction, MediaChange, MediaKind, SdpType, Side, StopState};
use duologue_rtp::{CodecRole, PayloadType, ReceivePlan, SendPlan, SourceParameters, Ssrc};

use crate::end::{End, negotiate};

/// The changes of the last step in short: what happens, and to which transceiver.
fn changes(end: &End) -> Vec<String> {
    let short = |change: &MediaChange| match change {
        MediaChange::Receive { id, .. } => format!("receive {}", id.0),
        MediaChange::Send { id, .. } => format!("send {}", id.0),
        MediaChange::StopReceive { id } => format!("stop receive {}", id.0),
        MediaChange::StopSend { id } => format!("stop send {}", id.0),
    };
    end.media_changes.iter().map(short).collect()
}

fn receive(end: &End, id: TransceiverId) -> &ReceivePlan {
    end.plans.receive(id).unwrap().1
}

fn send(end: &End, id: TransceiverId) -> &SendPlan {
    end.plans.send(id).unwrap().1
}

/// Whether it receives, and whether it sends.
fn flows(end: &End, id: TransceiverId) -> (bool, bool) {
    (
        end.plans.receive(id).is_some(),
        end.plans.send(id).is_some(),
    )
}

fn transports(end: &End, id: TransceiverId) -> [Option<TransportKey>; 2] {
    [
        end.plans.receive(id).map(|(transport, _)| transport),
        end.plans.send(id).map(|(transport, _)| transport),
    ]
}

fn name_of(plan: &ReceivePlan, payload_type: u8) -> Option<&str> {
    let payload_type = PayloadType::new(payload_type);
    let mut codecs = plan.parameters.codecs.iter();
    let codec = codecs.find(|c| Some(c.payload_type) == payload_type)?;
    Some(&codec.codec.name)
}

fn ssrcs(plan: &SendPlan) -> Vec<(Option<&str>, Ssrc)> {
    let streams = plan.streams.iter();
    let streams = streams.map(|s| (s.rid.as_ref().map(|rid| rid.as_str()), s.source.ssrc));
    streams.collect()
}

/// The transceiver at the other end that this one's m-section made.
fn other(end: &End) -> TransceiverId {
    end.intent.transceivers[0].id
}

/// Two ends whose one transceiver sends and receives, and their ids.
fn talking(kind: MediaKind) -> (End, End, TransceiverId, TransceiverId) {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let (at_a, at_b) = (a.add_track(kind, "s"), b.add_track(kind, "s"));
    negotiate(&mut a, &mut b);
    (a, b, at_a, at_b)
}

#[test]
fn an_offerer_receives_what_its_offer_allows_before_the_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let (at_a, at_b) = (
        a.add_track(MediaKind::Video, "s"),
        b.add_track(MediaKind::Video, "s"),
    );
    let offer = a.offer();
    assert_eq!(changes(&a), ["receive 0"]);
    assert_eq!(receive(&a, at_a).mid.as_str(), "0");
    assert_eq!(transports(&a, at_a), [a.media(at_a).transport, None]);

    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.media_changes.is_empty());
    let answer = b.answer();
    assert_eq!(changes(&b), ["receive 0", "send 0"]);
    // What the answerer sends at once is understood though its answer is still on the way.
    for codec in &send(&b, at_b).parameters.codecs {
        let name = name_of(receive(&a, at_a), codec.payload_type.get());
        assert_eq!(name, Some(codec.codec.name.as_str()));
    }

    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(changes(&a), ["receive 0", "send 0"]);
    let announced: Vec<SourceParameters> = send(&b, at_b)
        .streams
        .iter()
        .map(|stream| stream.source)
        .collect();
    assert_eq!(receive(&a, at_a).sources, announced);
    assert_eq!(receive(&a, at_a).parameters.cname.as_deref(), Some("c2"));
    assert_eq!(send(&a, at_a).parameters.cname.as_deref(), Some("c1"));
}

#[test]
fn an_exchange_that_changes_nothing_leaves_the_same_plans() {
    let (mut a, mut b, at_a, at_b) = talking(MediaKind::Video);
    let before = [a.plans.clone(), b.plans.clone()];
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.media_changes.is_empty());
    let answer = b.answer();
    assert!(b.media_changes.is_empty());
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!([a.plans.clone(), b.plans.clone()], before);
    assert!(std::ptr::eq(
        send(&b, at_b),
        &**before[1].send(at_b).unwrap().1
    ));
    assert_eq!(send(&a, at_a), &**before[0].send(at_a).unwrap().1);
}

#[test]
fn each_direction_has_its_plans() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, wanted) in [
        (SendRecv, SendRecv),
        (SendRecv, RecvOnly),
        (SendRecv, SendOnly),
        (SendRecv, Inactive),
        (SendOnly, SendRecv),
        (RecvOnly, SendRecv),
        (Inactive, SendRecv),
    ] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let at_a = a.add(MediaKind::Audio, offered);
        let offer = a.offer();
        assert_eq!(flows(&a, at_a), (offered.receives(), false));
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let at_b = other(&b);
        b.transceiver(at_b).direction = wanted;
        let answer = b.answer();
        a.set_remote(SdpType::Answer, &answer).unwrap();
        let agreed = offered.intersection(wanted.reversed());
        assert_eq!(flows(&a, at_a), (agreed.receives(), agreed.sends()));
        assert_eq!(flows(&b, at_b), (agreed.sends(), agreed.receives()));
    }
}

#[test]
fn a_hold_ends_with_the_answer_what_it_ends_and_a_resume_begins_with_the_offer() {
    let (mut a, mut b, at_a, _) = talking(MediaKind::Audio);
    a.transceiver(at_a).direction = Direction::SendOnly;
    let offer = a.offer();
    // The other end sends until it has answered.
    assert!(a.media_changes.is_empty());
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.media_changes.is_empty());
    let answer = b.answer();
    assert_eq!(changes(&b), ["stop send 0"]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(changes(&a), ["stop receive 0"]);

    a.transceiver(at_a).direction = Direction::SendRecv;
    let offer = a.offer();
    assert_eq!(changes(&a), ["receive 0"]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert_eq!(changes(&b), ["send 0"]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(flows(&a, at_a), (true, true));
}

#[test]
fn a_resumed_sender_keeps_its_source() {
    let (mut a, mut b, at_a, _) = talking(MediaKind::Video);
    let before = ssrcs(send(&a, at_a))[0].1;
    for direction in [Direction::Inactive, Direction::SendRecv] {
        a.transceiver(at_a).direction = direction;
        negotiate(&mut a, &mut b);
    }
    assert_eq!(ssrcs(send(&a, at_a)), [(None, before)]);
}

#[test]
fn a_provisional_answer_counts_for_what_is_sent_and_takes_nothing_from_what_is_received() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let at_a = a.add_track(MediaKind::Audio, "s");
    let at_b = b.add_track(MediaKind::Audio, "s");
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.transceiver(at_b).direction = Direction::RecvOnly;
    let early = b.create_answer();
    b.set_local(SdpType::Pranswer).unwrap();
    assert_eq!(changes(&b), ["receive 0"]);
    a.set_remote(SdpType::Pranswer, &early).unwrap();
    assert_eq!(changes(&a), ["send 0"]);
    assert_eq!(flows(&a, at_a), (true, true));

    let early = early.replace("a=recvonly", "a=inactive");
    a.set_remote(SdpType::Pranswer, &early).unwrap();
    assert_eq!(changes(&a), ["stop send 0"]);
    let last = early.replace("a=inactive", "a=recvonly");
    a.set_remote(SdpType::Answer, &last).unwrap();
    assert_eq!(changes(&a), ["stop receive 0", "send 0"]);
}

#[test]
fn a_rollback_leaves_what_was_there() {
    let (mut a, mut b, ..) = talking(MediaKind::Video);
    let before = [a.plans.clone(), b.plans.clone()];
    a.video();
    b.add_track(MediaKind::Audio, "s");
    let offer = a.offer();
    assert_ne!(a.plans, before[0]);
    a.set_local(SdpType::Rollback).unwrap();
    assert_eq!(a.plans, before[0]);
    assert!(changes(&a).contains(&"stop receive 1".to_owned()));

    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.set_remote(SdpType::Rollback, "").unwrap();
    assert_eq!(b.plans, before[1]);
    // Glare: the polite end rolls its own offer back.
    let offer = b.offer();
    a.offer();
    a.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(a.plans, before[0]);
}

#[test]
fn a_number_with_two_meanings_has_the_new_one_from_the_answer_on() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let at_a = a.add_track(MediaKind::Video, "s");
    let capabilities = a.intent.capabilities.receive_codecs(MediaKind::Video);
    let vp8 = capabilities.into_iter().find(|codec| codec.name == "VP8");
    a.transceiver(at_a).codec_preferences = vec![vp8.unwrap()];
    b.add_track(MediaKind::Video, "s");
    negotiate(&mut a, &mut b);
    let number = receive(&a, at_a).parameters.codecs[0].payload_type.get();
    assert_eq!(name_of(receive(&a, at_a), number), Some("VP8"));

    let offer = a.create_offer().replace(" VP8/90000", " VP9/90000");
    a.set_local_text(SdpType::Offer, &offer).unwrap();
    assert_eq!(name_of(receive(&a, at_a), number), Some("VP8"));
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(name_of(receive(&a, at_a), number), Some("VP9"));
    assert_eq!(name_of(receive(&b, other(&b)), number), Some("VP9"));
}

#[test]
fn a_stopping_transceiver_neither_sends_nor_receives() {
    let (mut a, mut b, at_a, _) = talking(MediaKind::Audio);
    a.transceiver(at_a).stop = StopState::Stopping;
    a.update_media();
    assert_eq!(changes(&a), ["stop receive 0", "stop send 0"]);
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(changes(&b), ["stop receive 0", "stop send 0"]);
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert!(a.media_changes.is_empty());
}

#[test]
fn a_rejected_section_is_over_and_the_one_that_recycles_it_is_another() {
    let (mut a, mut b, at_a, _) = talking(MediaKind::Audio);
    a.add_track(MediaKind::Audio, "s");
    negotiate(&mut a, &mut b);
    a.transceiver(at_a).stop = StopState::Stopping;
    negotiate(&mut a, &mut b);
    assert_eq!(flows(&a, at_a), (false, false));

    let next = a.add_track(MediaKind::Video, "s");
    a.offer();
    assert!(changes(&a).contains(&format!("receive {}", next.0)));
    let plan = receive(&a, next);
    assert_eq!((plan.mid.as_str(), plan.kind), ("2", MediaKind::Video));
    assert_eq!(flows(&a, at_a), (false, false));
}

#[test]
fn an_answer_that_bundles_moves_what_is_received() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let (audio, video) = (
        a.add_track(MediaKind::Audio, "s"),
        a.add_track(MediaKind::Video, "s"),
    );
    let offer = a.offer();
    let [first, second] = [audio, video].map(|id| transports(&a, id)[0].unwrap());
    assert_ne!(first, second);
    b.add_track(MediaKind::Audio, "s");
    b.add_track(MediaKind::Video, "s");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(transports(&a, audio), [Some(first); 2]);
    assert_eq!(transports(&a, video), [Some(first); 2]);
}

#[test]
fn plans_move_unchanged_when_the_group_gets_another_transport() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let first = a.add_track(MediaKind::Audio, "s");
    let second = a.add_track(MediaKind::Video, "s");
    b.add_track(MediaKind::Audio, "s");
    b.add_track(MediaKind::Video, "s");
    negotiate(&mut a, &mut b);
    let (plans, before) = (a.plans.clone(), transports(&a, second)[0]);

    a.transceiver(first).stop = StopState::Stopping;
    a.update_media();
    let offer = a.offer();
    // Until the answer the old transport is the one that works.
    assert_eq!(transports(&a, second), [before; 2]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let now = a.media(second).transport;
    assert_ne!(now, before);
    assert_eq!(transports(&a, second), [now; 2]);
    assert_eq!(changes(&a), ["receive 1", "send 1"]);
    assert_eq!(send(&a, second), &**plans.send(second).unwrap().1);
    assert_eq!(receive(&a, second), &**plans.receive(second).unwrap().1);
}

/// The answer with these layers only.
fn taking(answer: &str, names: &[&str]) -> String {
    let layers = |l: &&str| !l.starts_with("a=rid:") && !l.starts_with("a=simulcast:");
    let mut text: String = answer.split_inclusive("\r\n").filter(layers).collect();
    for name in names {
        text.push_str(&format!("a=rid:{name} recv\r\n"));
    }
    if !names.is_empty() {
        text.push_str(&format!("a=simulcast:recv {}\r\n", names.join(";")));
    }
    text
}

#[test]
fn a_layer_keeps_its_source_when_others_are_not_taken() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["q", "h", "f"]);
    let sources: Vec<Ssrc> = a
        .transceiver(id)
        .sender
        .sources
        .iter()
        .map(|source| source.ssrc)
        .collect();
    let mut offer_and_take = |a: &mut End, names: &[&str]| {
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = taking(&b.answer(), names);
        a.set_remote(SdpType::Answer, &answer).unwrap();
    };

    offer_and_take(&mut a, &["q", "h", "f"]);
    let all = [
        (Some("q"), sources[0]),
        (Some("h"), sources[1]),
        (Some("f"), sources[2]),
    ];
    assert_eq!(ssrcs(send(&a, id)), all);
    offer_and_take(&mut a, &["f", "h"]);
    assert_eq!(ssrcs(send(&a, id)), all[1..]);
    offer_and_take(&mut a, &["f"]);
    assert_eq!(ssrcs(send(&a, id)), all[2..]);
}

#[test]
fn an_answer_without_layers_leaves_one_stream_without_a_name() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["q", "h"]);
    let first = a.transceiver(id).sender.sources[0].ssrc;
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = taking(&b.answer(), &[]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(ssrcs(send(&a, id)), [(None, first)]);
}

#[test]
fn a_receiver_of_layers_knows_them_by_name() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.layered(&["q", "h"]);
    negotiate(&mut a, &mut b);
    let plan = receive(&b, other(&b));
    let names = plan.rids.iter().map(|rid| rid.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["q", "h"]);
    assert!(plan.sources.is_empty());
    // And still when it is the one that offers.
    b.offer();
    assert_eq!(receive(&b, other(&b)).rids.len(), 2);
}

#[test]
fn layers_that_an_offer_proposes_are_sent_once_they_are_answered() {
    let (mut a, mut b, _, at_b) = talking(MediaKind::Video);
    let lone = ssrcs(send(&b, at_b))[0].1;
    let offer = a.offer() + "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n";
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.media_changes.is_empty());
    b.answer();
    let streams = send(&b, at_b);
    // The first goes on with the source that the lone one had.
    assert_eq!(ssrcs(streams)[0], (Some("q"), lone));
    assert_eq!(ssrcs(streams)[1].0, Some("h"));
    assert_ne!(ssrcs(streams)[1].1, lone);
}

#[test]
fn a_source_of_retransmissions_needs_an_agreed_format_for_them() {
    let repeats = |plan: &SendPlan| {
        let mut codecs = plan.parameters.codecs.iter();
        codecs.any(|c| c.codec.role() == CodecRole::Rtx)
    };
    for agreed in [true, false] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let at_a = a.add_track(MediaKind::Video, "s");
        let all = a.intent.capabilities.receive_codecs(MediaKind::Video);
        a.transceiver(at_a).codec_preferences = all;
        let offer = a.offer();
        assert!(offer.contains("a=ssrc-group:FID"));
        b.set_remote(SdpType::Offer, &offer).unwrap();
        assert!(b.answer().contains(" rtx/90000"));
        assert!(receive(&b, other(&b)).sources[0].rtx.is_some());
        let answer = b.description(Side::Local);
        let answer = match agreed {
            true => answer,
            false => answer.replace(" rtx/90000", " other/90000"),
        };
        a.set_remote(SdpType::Answer, &answer).unwrap();
        assert_eq!(repeats(send(&a, at_a)), agreed);
        assert_eq!(send(&a, at_a).streams[0].source.rtx.is_some(), agreed);
    }

    // Audio has none, so none is announced.
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.add_track(MediaKind::Audio, "s");
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(!offer.contains("a=ssrc-group:FID"));
}
