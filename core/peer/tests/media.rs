//! Tracks, transceivers, senders and receivers: what they validate and what they remember.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, audio, negotiate, pair, video};
use duologue_base::Instant;
use duologue_peer::{
    Capabilities, Event, Exception, ExceptionName, MediaKind, MediaStreamId, PeerConnection,
    ResolutionRestriction, RtpCodec, RtpEncodingParameters, SessionDescription,
    TransceiverDirection, TransceiverInit,
};
use duologue_rtp::Ssrc;
use duologue_session::{Command, MediaCommand, Tone};
use std::time::Duration;

fn name(error: Exception) -> ExceptionName {
    error.name()
}

fn encoding(rid: &str) -> RtpEncodingParameters {
    RtpEncodingParameters {
        rid: (!rid.is_empty()).then(|| rid.to_owned()),
        ..RtpEncodingParameters::default()
    }
}

fn with_encodings(encodings: Vec<RtpEncodingParameters>) -> TransceiverInit {
    TransceiverInit {
        send_encodings: encodings,
        ..TransceiverInit::default()
    }
}

fn codec(mime_type: &str) -> RtpCodec {
    RtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: 90_000,
        channels: None,
        sdp_fmtp_line: None,
    }
}

fn scales(encodings: &[RtpEncodingParameters]) -> Vec<Option<f64>> {
    encodings
        .iter()
        .map(|e| e.scale_resolution_down_by)
        .collect()
}

#[test]
fn a_track_is_sent_once_and_its_sender_is_taken_up_again_until_it_has_sent() {
    let (mut a, mut b) = pair();
    let first = a.pc.add_track(audio("t1"), &[]).unwrap();
    let twice = a.pc.add_track(audio("t1"), &[]).map_err(name);
    assert_eq!(twice, Err(ExceptionName::InvalidAccessError));
    a.pc.remove_track(first).unwrap();
    let view = a.pc.transceiver(first).unwrap();
    assert_eq!(view.direction(), TransceiverDirection::Recvonly);
    assert_eq!(view.sender_track(), None);
    assert_eq!(a.pc.add_track(audio("t2"), &[]), Ok(first));
    negotiate(&mut a, &mut b);
    a.pc.remove_track(first).unwrap();
    let second = a.pc.add_track(audio("t3"), &[]).unwrap();
    assert_ne!(second, first, "the first sender has been used to send");
    assert_ne!(a.pc.add_track(video("t4"), &[]), Ok(second));
}

#[test]
fn streams_of_a_sender_are_announced_and_changes_need_negotiation() {
    let (mut a, mut b) = pair();
    let stream = |id: &str| MediaStreamId::from(id);
    let id =
        a.pc.add_track(audio("t1"), &[stream("s1"), stream("s1")])
            .unwrap();
    assert_eq!(a.pc.transceiver(id).unwrap().sender_streams(), ["s1"]);
    negotiate(&mut a, &mut b);
    a.take_log();
    b.take_log();
    a.pc.set_streams(id, &[stream("s2")]).unwrap();
    a.run();
    assert_eq!(a.take_events(), ["negotiationneeded"]);
    negotiate(&mut a, &mut b);
    assert_eq!(
        b.take_events()[1..4],
        ["removetrack s1", "addtrack s2", "track [s2]"]
    );
}

#[test]
fn rids_are_legal_unique_and_on_all_encodings_or_none() {
    let mut a = Host::new(1);
    let long = "a".repeat(256);
    for rids in [
        vec!["foo", "foo"],
        vec!["foo", ""],
        vec!["foo-bar"],
        vec!["foo_bar"],
        vec!["!?"],
        vec![long.as_str()],
    ] {
        let init = with_encodings(rids.iter().map(|rid| encoding(rid)).collect());
        let result = a.pc.add_transceiver(MediaKind::Video, init).map_err(name);
        assert_eq!(result, Err(ExceptionName::TypeError), "{rids:?}");
    }
    let empty = with_encodings(vec![RtpEncodingParameters {
        rid: Some(String::new()),
        ..RtpEncodingParameters::default()
    }]);
    let result = a.pc.add_transceiver(MediaKind::Video, empty).map_err(name);
    assert_eq!(result, Err(ExceptionName::TypeError));
    assert_eq!(a.pc.transceivers(), []);
}

#[test]
fn encodings_are_completed_trimmed_and_range_checked() {
    let mut a = Host::new(1);
    let mut encodings = |kind: MediaKind, encodings: Vec<RtpEncodingParameters>| {
        let added = a.pc.add_transceiver(kind, with_encodings(encodings));
        added
            .map(|id| a.pc.parameters(id).unwrap().encodings)
            .map_err(name)
    };
    let scaled = |by: f64| RtpEncodingParameters {
        scale_resolution_down_by: Some(by),
        ..RtpEncodingParameters::default()
    };
    let two = encodings(MediaKind::Video, vec![encoding("a"), encoding("b")]).unwrap();
    assert_eq!(scales(&two), [Some(2.0), Some(1.0)]);
    let mixed = vec![
        encoding("a"),
        RtpEncodingParameters {
            rid: Some("b".to_owned()),
            ..scaled(3.0)
        },
    ];
    let mixed = encodings(MediaKind::Video, mixed).unwrap();
    assert_eq!(scales(&mixed), [Some(1.0), Some(3.0)]);
    let many = (0..1000).map(|i| encoding(&i.to_string())).collect();
    let many = encodings(MediaKind::Video, many).unwrap();
    assert_eq!(scales(&many), [Some(4.0), Some(2.0), Some(1.0)]);
    let restricted = |max_width| RtpEncodingParameters {
        scale_resolution_down_to: Some(ResolutionRestriction {
            max_width: Some(max_width),
            max_height: Some(60),
        }),
        ..RtpEncodingParameters::default()
    };
    let kept = encodings(MediaKind::Video, vec![restricted(120)]).unwrap();
    assert_eq!(
        kept,
        [RtpEncodingParameters {
            scale_resolution_down_by: Some(1.0),
            ..restricted(120)
        }]
    );
    let inactive = RtpEncodingParameters {
        active: false,
        ..encoding("b")
    };
    let a = |mut first: RtpEncodingParameters| {
        first.rid = Some("a".to_owned());
        first
    };
    assert!(encodings(MediaKind::Video, vec![a(restricted(120)), inactive]).is_ok());
    for wrong in [vec![restricted(0)], vec![a(restricted(120)), encoding("b")]] {
        let refused = encodings(MediaKind::Video, wrong);
        assert_eq!(refused, Err(ExceptionName::OperationError));
    }
    let lone = encodings(MediaKind::Video, vec![encoding("a")]).unwrap();
    assert_eq!((lone.len(), lone[0].rid.clone()), (1, None));
    let sound = vec![encoding("a"), encoding("b")];
    let sound = encodings(MediaKind::Audio, sound).unwrap();
    assert_eq!(sound, [RtpEncodingParameters::default()]);
    assert!(encodings(MediaKind::Audio, vec![scaled(-1.0)]).is_ok());
    for by in [0.0, 0.5, -1.0] {
        let result = encodings(MediaKind::Video, vec![scaled(by)]);
        assert_eq!(result, Err(ExceptionName::RangeError), "{by}");
    }
    let slow = RtpEncodingParameters {
        max_framerate: Some(-10.0),
        ..RtpEncodingParameters::default()
    };
    let result = encodings(MediaKind::Video, vec![slow]);
    assert_eq!(result, Err(ExceptionName::RangeError));
}

#[test]
fn a_transaction_of_parameters_lasts_until_the_next_task() {
    let mut a = Host::new(1);
    let id =
        a.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
            .unwrap();
    a.run();
    let early = a.pc.parameters(id).unwrap();
    assert_eq!(a.pc.parameters(id), Some(early.clone()));
    a.run();
    let stale = a.pc.set_parameters(id, early.clone());
    assert_eq!(
        a.settle(stale).map_err(name),
        Err(ExceptionName::InvalidStateError)
    );
    let mut changed = a.pc.parameters(id).unwrap();
    assert_ne!(changed.transaction_id, early.transaction_id);
    let other = a.pc.set_parameters(id, early);
    assert_eq!(
        a.settle(other).map_err(name),
        Err(ExceptionName::InvalidModificationError)
    );
    changed = a.pc.parameters(id).unwrap();
    changed.encodings[0].max_bitrate = Some(100_000);
    changed.encodings[0].scale_resolution_down_by = None;
    let set = a.pc.set_parameters(id, changed);
    a.settle(set).unwrap();
    let now = a.pc.parameters(id).unwrap();
    assert_eq!(now.encodings[0].max_bitrate, Some(100_000));
    assert_eq!(now.encodings[0].scale_resolution_down_by, Some(1.0));
}

#[test]
fn what_set_parameters_refuses() {
    type Change = fn(&mut duologue_peer::RtpSendParameters);
    let (mut a, mut b) = pair();
    let init = with_encodings(vec![encoding("a"), encoding("b")]);
    let id = a.pc.add_transceiver(MediaKind::Video, init).unwrap();
    negotiate(&mut a, &mut b);
    let modification = ExceptionName::InvalidModificationError;
    let refused: [(Change, ExceptionName); 12] = [
        (|p| p.encodings.clear(), modification),
        (|p| p.encodings.push(Default::default()), modification),
        (|p| p.encodings[0].rid = Some("c".to_owned()), modification),
        (|p| p.transaction_id.push('x'), modification),
        (|p| p.codecs.clear(), modification),
        (|p| p.header_extensions.clear(), modification),
        (|p| p.rtcp.cname = None, modification),
        (
            |p| p.encodings[0].codec = Some(codec("video/x")),
            modification,
        ),
        (
            |p| p.encodings[0].scale_resolution_down_by = Some(0.5),
            ExceptionName::RangeError,
        ),
        (
            |p| p.encodings[0].scale_resolution_down_to = Some(Default::default()),
            modification,
        ),
        (
            |p| p.encodings[0].max_framerate = Some(-1.0),
            ExceptionName::RangeError,
        ),
        (
            |p| p.encodings[0].scalability_mode = Some("L9T9".to_owned()),
            ExceptionName::OperationError,
        ),
    ];
    for (index, (change, expected)) in refused.into_iter().enumerate() {
        let mut parameters = a.pc.parameters(id).unwrap();
        change(&mut parameters);
        let set = a.pc.set_parameters(id, parameters);
        assert_eq!(a.settle(set).map_err(name), Err(expected), "{index}");
        a.run();
    }
    let parameters = a.pc.parameters(id).unwrap();
    a.pc.stop(id).unwrap();
    let set = a.pc.set_parameters(id, parameters);
    assert_eq!(
        a.settle(set).map_err(name),
        Err(ExceptionName::InvalidStateError)
    );
}

#[test]
fn a_description_waits_for_parameters_that_are_being_set() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.create_offer();
    let described = a.pc.set_local_description(offer);
    let parameters = a.pc.parameters(id).unwrap();
    let set = a.pc.set_parameters(id, parameters);
    a.take_log();
    a.run();
    let log = a.take_log();
    let at = |operation: duologue_peer::OperationId| {
        let line = format!("resolve {}", operation.as_u64());
        log.iter().position(|l| *l == line).unwrap()
    };
    assert!(at(set) < at(described), "{log:?}");
}

#[test]
fn an_encodings_codec_that_is_not_agreed_on_is_forgotten() {
    let (mut a, mut b) = pair();
    let vp8 = RtpEncodingParameters {
        codec: Some(codec("video/VP8")),
        ..RtpEncodingParameters::default()
    };
    let init = with_encodings(vec![vp8]);
    let id = a.pc.add_transceiver(MediaKind::Video, init).unwrap();
    let codec_of = |a: &mut Host| a.pc.parameters(id).unwrap().encodings[0].codec.clone();
    negotiate(&mut a, &mut b);
    assert_eq!(codec_of(&mut a), Some(codec("video/VP8")));
    a.run();
    let there = b.pc.transceivers()[0];
    let all = PeerConnection::receiver_capabilities(&Capabilities::default(), MediaKind::Video);
    let mut others = all.codecs;
    others.retain(|codec| codec.mime_type != "video/VP8");
    b.pc.set_codec_preferences(there, &others).unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(codec_of(&mut a), None);
}

/// webrtc-svc §5.1 and §5.2.
#[test]
fn a_scalability_mode_is_kept_where_the_codec_has_it_and_refused_where_none_has() {
    let (mut a, mut b) = pair();
    let layered = |mode: &str, codec: Option<RtpCodec>| {
        with_encodings(vec![RtpEncodingParameters {
            scalability_mode: Some(mode.to_owned()),
            codec,
            ..RtpEncodingParameters::default()
        }])
    };
    let mut refused = |mode: &str, of: Option<RtpCodec>| {
        let made = a.pc.add_transceiver(MediaKind::Video, layered(mode, of));
        made.map_err(name).err()
    };
    let operation = Some(ExceptionName::OperationError);
    assert_eq!(refused("TotalNonsense", None), operation);
    assert_eq!(refused("L3T3", Some(codec("video/VP8"))), operation);

    let spatial = layered("L3T3", None);
    let id = a.pc.add_transceiver(MediaKind::Video, spatial).unwrap();
    let mode_of = |a: &mut Host| {
        let mode = a.pc.parameters(id).unwrap().encodings[0]
            .scalability_mode
            .clone();
        a.run();
        mode
    };
    assert_eq!(mode_of(&mut a).as_deref(), Some("L3T3"));
    // The preferred codec is VP8, which has one size.
    negotiate(&mut a, &mut b);
    assert_eq!(mode_of(&mut a).as_deref(), Some("L1T1"));
    let there = b.pc.transceivers()[0];
    let all = PeerConnection::receiver_capabilities(&Capabilities::default(), MediaKind::Video);
    let mut vp9 = all.codecs;
    vp9.retain(|codec| codec.mime_type == "video/VP9");
    b.pc.set_codec_preferences(there, &vp9).unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(mode_of(&mut a).as_deref(), Some("L3T3"));

    let sound = layered("L1T2", None);
    let id = a.pc.add_transceiver(MediaKind::Audio, sound).unwrap();
    let encodings = a.pc.parameters(id).unwrap().encodings;
    assert_eq!(encodings[0].scalability_mode, None);
}

#[test]
fn negotiated_codecs_show_in_the_parameters_of_both_ends() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    assert!(a.pc.parameters(id).unwrap().codecs.is_empty());
    a.run();
    negotiate(&mut a, &mut b);
    let sent = a.pc.parameters(id).unwrap();
    assert_eq!(sent.codecs[0].codec.mime_type, "audio/opus");
    assert!(sent.rtcp.reduced_size);
    assert!(sent.rtcp.cname.is_some());
    let received = b.pc.receiver_parameters(b.pc.transceivers()[0]).unwrap();
    assert_eq!(received.codecs[0].payload_type, sent.codecs[0].payload_type);
    assert_eq!(received.rtcp.cname, None);
    // Its own description receives, although the answer sends nothing.
    let received = a.pc.receiver_parameters(id).unwrap();
    assert!(!received.codecs.is_empty());
}

#[test]
fn codec_preferences_order_and_restrict_the_offer() {
    let mut a = Host::new(1);
    let id =
        a.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
            .unwrap();
    let capabilities =
        PeerConnection::sender_capabilities(&Capabilities::default(), MediaKind::Video);
    let is = |name: &'static str| move |codec: &&RtpCodec| codec.mime_type == name;
    let vp9: Vec<RtpCodec> = capabilities
        .codecs
        .iter()
        .filter(is("video/VP9"))
        .cloned()
        .collect();
    a.pc.set_codec_preferences(id, &vp9).unwrap();
    let offer = a.create_offer();
    assert!(offer.sdp.contains("VP9") && !offer.sdp.contains("VP8"));
    let rtx: Vec<RtpCodec> = capabilities
        .codecs
        .iter()
        .filter(is("video/rtx"))
        .cloned()
        .collect();
    let unknown = RtpCodec {
        mime_type: "video/x".to_owned(),
        ..vp9[0].clone()
    };
    for bad in [rtx, vec![unknown]] {
        let result = a.pc.set_codec_preferences(id, &bad).map_err(name);
        assert_eq!(result, Err(ExceptionName::InvalidModificationError));
    }
    a.pc.set_codec_preferences(id, &[]).unwrap();
    assert!(a.create_offer().sdp.contains("VP8"));
}

#[test]
fn header_extensions_can_be_switched_off_but_for_mid() {
    let (mut a, mut b) = pair();
    let id =
        a.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
            .unwrap();
    let mut extensions = a.pc.header_extensions_to_negotiate(id);
    let level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    let mid = "urn:ietf:params:rtp-hdrext:sdes:mid";
    for extension in &mut extensions {
        if extension.uri == level {
            extension.direction = TransceiverDirection::Stopped;
        }
    }
    a.pc.set_header_extensions_to_negotiate(id, &extensions)
        .unwrap();
    negotiate(&mut a, &mut b);
    let direction = |uri: &str| {
        let negotiated = a.pc.negotiated_header_extensions(id);
        let found = negotiated.into_iter().find(|e| e.uri == uri);
        found.unwrap().direction
    };
    assert_eq!(direction(level), TransceiverDirection::Stopped);
    assert_ne!(direction(mid), TransceiverDirection::Stopped);
    for extension in &mut extensions {
        extension.direction = TransceiverDirection::Stopped;
    }
    let result = a.pc.set_header_extensions_to_negotiate(id, &extensions);
    assert_eq!(
        result.map_err(name),
        Err(ExceptionName::InvalidModificationError)
    );
    let result =
        a.pc.set_header_extensions_to_negotiate(id, &extensions[1..]);
    assert_eq!(
        result.map_err(name),
        Err(ExceptionName::InvalidModificationError)
    );
}

#[test]
fn a_header_extension_that_the_answer_did_not_take_is_not_offered_again() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let before = a.pc.header_extensions_to_negotiate(id);
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    let there = b.pc.transceivers()[0];
    let mut wanted = b.pc.header_extensions_to_negotiate(there);
    let at = wanted
        .iter()
        .position(|e| e.uri.ends_with("audio-level"))
        .unwrap();
    wanted[at].direction = TransceiverDirection::Stopped;
    b.pc.set_header_extensions_to_negotiate(there, &wanted)
        .unwrap();
    let answer = b.set_local();
    a.set_remote(answer).unwrap();
    let mut expected = before;
    expected[at].direction = TransceiverDirection::Stopped;
    assert_eq!(a.pc.header_extensions_to_negotiate(id), expected);
    assert!(!a.create_offer().sdp.contains("audio-level"));
}

#[test]
fn a_simulcast_offer_to_receive_makes_encodings_that_a_rollback_takes_back() {
    let (mut a, mut b) = pair();
    let init = with_encodings(vec![encoding("hi"), encoding("lo")]);
    a.pc.add_transceiver(MediaKind::Video, init).unwrap();
    let offer = a.set_local();
    let offer = duologue_peer::SessionDescription::offer(
        offer
            .sdp
            .replace(" send\r\n", " recv\r\n")
            .replace("a=simulcast:send", "a=simulcast:recv"),
    );
    let id = b.pc.add_track(video("t1"), &[]).unwrap();
    b.set_remote(offer).unwrap();
    let rids = |host: &mut Host| -> Vec<Option<String>> {
        let parameters = host.pc.parameters(id).unwrap();
        host.run();
        parameters.encodings.into_iter().map(|e| e.rid).collect()
    };
    let proposed = [Some("hi".to_owned()), Some("lo".to_owned())];
    assert_eq!(rids(&mut b), proposed);
    b.set_remote(duologue_peer::SessionDescription::rollback())
        .unwrap();
    assert_eq!(rids(&mut b), [None]);
}

/// An answer of an end that takes these layers alone.
fn taking(answer: SessionDescription, names: &[&str]) -> SessionDescription {
    let of_layers = |line: &&str| line.starts_with("a=rid:") || line.starts_with("a=simulcast:");
    let others = answer
        .sdp
        .split_inclusive("\r\n")
        .filter(|line| !of_layers(line));
    let rids = names.iter().map(|name| format!("a=rid:{name} recv\r\n"));
    let simulcast = format!("a=simulcast:recv {}\r\n", names.join(";"));
    let sdp = others.map(str::to_owned).chain(rids).chain([simulcast]);
    SessionDescription::answer(sdp.collect::<String>())
}

/// The streams that the session was told last to send.
fn told_streams(host: &mut Host) -> Vec<(Option<String>, Ssrc)> {
    let commands = host.take_commands().into_iter();
    let plans = commands.filter_map(|command| match command {
        Command::Media(_, MediaCommand::SetSend { plan, .. }) => Some(plan),
        _ => None,
    });
    let plan = plans.last().expect("the session was told what to send");
    let streams = plan.streams.iter();
    streams
        .map(|stream| {
            (
                stream.rid.as_ref().map(ToString::to_string),
                stream.source.ssrc,
            )
        })
        .collect()
}

#[test]
fn an_answer_that_takes_only_the_second_of_two_layers_leaves_one_stream_by_its_rid_and_source() {
    // The first answer of all takes one alone, or a later one does.
    for taken_first in [["h"].as_slice(), &["q", "h"]] {
        let (mut a, mut b) = pair();
        let init = with_encodings(vec![encoding("q"), encoding("h")]);
        let id = a.pc.add_transceiver(video("v"), init).unwrap();
        let mut offer_and_take = |a: &mut Host, names: &[&str]| {
            let offer = a.set_local();
            b.set_remote(offer).unwrap();
            let answer = taking(b.set_local(), names);
            a.set_remote(answer).unwrap();
            told_streams(a)
        };
        let first = offer_and_take(&mut a, taken_first);
        assert_eq!(first.len(), taken_first.len());
        let h = first.last().cloned().unwrap();
        assert_eq!(h.0.as_deref(), Some("h"));

        if taken_first.len() > 1 {
            assert_ne!(first[0].1, h.1);
            assert_eq!(offer_and_take(&mut a, &["h"]), [h]);
        }
        let encodings = a.pc.parameters(id).unwrap().encodings;
        let left: Vec<_> = encodings.iter().map(|it| it.rid.as_deref()).collect();
        assert_eq!(left, [Some("h")]);
        a.run();
        // It is what later offers have.
        let offer = a.create_offer();
        assert!(offer.sdp.contains("a=rid:h send\r\n"), "{}", offer.sdp);
        assert!(!offer.sdp.contains("a=rid:q"), "{}", offer.sdp);
    }
}

#[test]
fn an_offer_to_receive_one_layer_is_answered_with_that_one() {
    let (mut a, mut b) = pair();
    a.pc.add_transceiver(MediaKind::Video, TransceiverInit::default())
        .unwrap();
    let id = b.pc.add_track(video("v"), &[]).unwrap();
    let mut offer = a.set_local();
    offer.sdp += "a=rid:h recv\r\na=simulcast:recv h\r\n";
    b.set_remote(offer).unwrap();
    let answer = b.set_local();
    for line in ["a=rid:h send\r\n", "a=simulcast:send h\r\n"] {
        assert!(answer.sdp.contains(line), "{}", answer.sdp);
    }
    let streams = told_streams(&mut b);
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0].0.as_deref(), Some("h"));
    let encodings = b.pc.parameters(id).unwrap().encodings;
    assert_eq!(encodings.len(), 1);
    assert_eq!(encodings[0].rid.as_deref(), Some("h"));
}

#[test]
fn replace_track_checks_the_kind_at_once_and_the_transceiver_in_its_turn() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let wrong = a.pc.replace_track(id, Some(video("v1")));
    a.microtasks();
    assert_eq!(
        a.settled[&wrong].clone().map_err(name),
        Err(ExceptionName::TypeError)
    );
    let replaced = a.pc.replace_track(id, Some(audio("t2")));
    let track = |a: &Host| {
        let view = a.pc.transceiver(id).unwrap();
        view.sender_track().map(|track| track.id.to_string())
    };
    assert_eq!(track(&a).as_deref(), Some("t1"));
    a.settle(replaced).unwrap();
    assert_eq!(track(&a).as_deref(), Some("t2"));
    a.pc.stop(id).unwrap();
    let stopped = a.pc.replace_track(id, None);
    assert_eq!(
        a.settle(stopped).map_err(name),
        Err(ExceptionName::InvalidStateError)
    );
}

#[test]
fn a_direction_cannot_be_set_to_stopped_nor_after_stop() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let set = |a: &mut Host, direction| a.pc.set_direction(id, direction).map_err(name);
    assert_eq!(
        set(&mut a, TransceiverDirection::Stopped),
        Err(ExceptionName::TypeError)
    );
    a.pc.stop(id).unwrap();
    assert_eq!(
        set(&mut a, TransceiverDirection::Sendrecv),
        Err(ExceptionName::InvalidStateError)
    );
}

#[test]
fn jitter_buffer_targets_are_up_to_four_seconds() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    for (target, fits) in [
        (Some(0.0), true),
        (Some(4000.0), true),
        (Some(-1.0), false),
        (Some(4000.5), false),
        (Some(f64::NAN), false),
        (None, true),
    ] {
        let result = a.pc.set_jitter_buffer_target(id, target).map_err(name);
        let expected = if fits {
            Ok(())
        } else {
            Err(ExceptionName::RangeError)
        };
        assert_eq!(result, expected, "{target:?}");
    }
}

#[test]
fn dtmf_plays_its_tones_one_by_one_in_time() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let early = a.pc.insert_dtmf(id, "1", 100, 70).map_err(name);
    assert_eq!(early, Err(ExceptionName::InvalidStateError));
    negotiate(&mut a, &mut b);
    let key = a.pc.transceiver(id).unwrap().transport().unwrap();
    a.connect(key);
    assert!(a.pc.can_insert_dtmf(id));
    let wrong = a.pc.insert_dtmf(id, "1x", 100, 70).map_err(name);
    assert_eq!(wrong, Err(ExceptionName::InvalidCharacterError));
    a.log.clear();
    a.pc.insert_dtmf(id, "1,a", 10, 10).unwrap();
    assert_eq!(a.pc.tone_buffer(id), Some("1,A"));
    let mut at = Vec::new();
    a.take_commands();
    a.run();
    while let Some(due) = a.pc.poll_timeout() {
        at.push((due - Instant::ZERO).as_millis());
        a.now = due;
        a.pc.handle_timeout(due);
        a.run();
    }
    assert_eq!(
        a.take_log(),
        [
            "tonechange \"1\"",
            "tonechange \",\"",
            "tonechange \"A\"",
            "tonechange \"\""
        ]
    );
    assert_eq!(at, [70, 2070, 2140], "durations and gaps are clamped");
    let commands = a.take_commands();
    let played = commands.iter().filter_map(|command| match command {
        Command::Media(of, MediaCommand::PlayTone(tone)) if *of == id => Some(*tone),
        _ => None,
    });
    let duration = Duration::from_millis(40);
    let tone = |event| Tone { event, duration };
    assert_eq!(played.collect::<Vec<_>>(), [tone(1), tone(12)]);
    a.pc.insert_dtmf(id, "5", 100, 70).unwrap();
    a.run();
    a.pc.stop(id).unwrap();
    a.run();
    a.log.clear();
    a.now += Duration::from_secs(1);
    let now = a.now;
    a.pc.handle_timeout(now);
    a.run();
    assert_eq!(a.take_log(), [""; 0], "a stopped sender plays nothing");
}

/// Sections of audio, each in so many streams of its own.
fn in_streams(sections: usize, streams: usize) -> SessionDescription {
    let mut c = Host::new(9);
    for _ in 0..sections {
        c.pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())
            .unwrap();
    }
    let offer = c.create_offer();
    let mut section = 0;
    let lines = offer.sdp.split_inclusive("\r\n").map(|line| {
        if !line.starts_with("a=msid:") {
            return line.to_owned();
        }
        section += 1;
        let named = (0..streams).map(|n| format!("a=msid:{section}-{n} track{section}\r\n"));
        named.collect()
    });
    SessionDescription::offer(lines.collect::<String>())
}

#[test]
fn each_stream_of_many_that_a_track_event_names_has_the_track() {
    let mut b = Host::new(2);
    b.set_remote(in_streams(11, 100)).unwrap();
    let mut named = 0;
    for event in &b.events {
        if let Event::Track { track, streams, .. } = event {
            for stream in streams {
                let stream = b.pc.stream(stream).expect("the stream is there");
                assert!(stream.tracks().contains(track));
                named += 1;
            }
        }
    }
    assert_eq!(named, 1_100);
    let added = b.events.iter();
    let added = added.filter(|event| matches!(event, Event::StreamAddTrack { .. }));
    assert_eq!(added.count(), 1_100);

    // Those that have lost their tracks are not kept for ever.
    b.set_remote(SessionDescription::rollback()).unwrap();
    let first = MediaStreamId::from("1-0");
    assert!(b.pc.stream(&first).is_some());
    b.set_remote(in_streams(1, 1)).unwrap();
    assert_eq!(b.pc.stream(&first).unwrap().tracks().len(), 1);
    assert!(b.pc.stream(&MediaStreamId::from("1-1")).is_none());
}
