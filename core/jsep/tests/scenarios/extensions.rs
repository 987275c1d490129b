//! Header extensions and their ids (RFC 8285).

use duologue_jsep::{
    ContentError, Direction, HeaderExtensionCapability, JsepError, MediaKind, SdpType,
};
use duologue_rtp::ExtensionId;

use crate::end::{End, lines, negotiate, sections};

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// Replaces the `a=extmap` lines of a one-section description.
fn with_extensions(sdp: &str, extensions: &[(u8, &str)]) -> String {
    let kept = sdp
        .split_inclusive("\r\n")
        .filter(|l| !l.starts_with("a=extmap:"));
    let mut text: String = kept.collect();
    for (id, uri) in extensions {
        text.push_str(&format!("a=extmap:{id} {uri}\r\n"));
    }
    text
}

fn audio_offer(extensions: &[(u8, &str)]) -> String {
    let mut a = End::new(9);
    a.audio();
    with_extensions(&a.offer(), extensions)
}

fn extension_id(number: u8) -> ExtensionId {
    ExtensionId::new(number).expect("not zero")
}

fn wanted(end: &End, kind: MediaKind) -> Vec<HeaderExtensionCapability> {
    end.intent.capabilities.extensions(kind).cloned().collect()
}

#[test]
fn an_answer_has_the_offered_extensions_that_are_known_under_the_offered_ids() {
    let mut b = End::new(2);
    let offer = audio_offer(&[(15, MID), (3, "urn:unknown"), (200, LEVEL)]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    let expected = [format!("15 {MID}"), format!("200 {LEVEL}")];
    assert_eq!(lines(&answer, "a=extmap:"), expected);
    let receive = b.signaling.stable().media[0].receive.clone().unwrap();
    assert_eq!(receive.header_extensions.len(), 2);
}

#[test]
fn later_sections_and_offers_use_the_ids_that_are_known() {
    let mut b = End::new(2);
    b.set_remote(SdpType::Offer, &audio_offer(&[(9, MID), (1, LEVEL)]))
        .unwrap();
    b.answer();
    b.video();
    let offer = b.offer();
    let parts = sections(&offer);
    assert!(parts[1].contains(&format!("a=extmap:9 {MID}\r\n")));
    assert!(parts[2].contains(&format!("a=extmap:9 {MID}\r\n")));
    assert!(
        !lines(&parts[2], "a=extmap:")
            .iter()
            .any(|l| l.starts_with("1 "))
    );
}

#[test]
fn ids_survive_a_rollback() {
    let mut a = End::new(1);
    a.video();
    let first = a.offer();
    a.set_local(SdpType::Rollback).unwrap();
    a.audio();
    let second = a.offer();
    let ids = |sdp: &str, at: usize| {
        let section = sections(sdp)[at].clone();
        lines(&section, "a=extmap:")
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&first, 1), ids(&second, 1));
    let level = ids(&second, 2)
        .into_iter()
        .find(|l| l.ends_with(LEVEL))
        .unwrap();
    let id = level.split(' ').next().unwrap().to_owned();
    assert!(
        !ids(&second, 1)
            .iter()
            .any(|l| l.starts_with(&format!("{id} ")))
    );
}

#[test]
fn an_answer_that_gives_ids_another_meaning_is_refused() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    let swapped = answer
        .replace(LEVEL, "xyzzy")
        .replace(MID, LEVEL)
        .replace("xyzzy", MID);
    let refused = a.set_remote(SdpType::Answer, &swapped);
    let wrong = ContentError::Extension {
        section: 0,
        id: extension_id(1),
    };
    assert_eq!(refused, Err(JsepError::Content(wrong)));
}

#[test]
fn a_later_offer_that_gives_an_id_another_meaning_is_refused() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    let offer = a
        .offer()
        .replace(LEVEL, "xyzzy")
        .replace(MID, LEVEL)
        .replace("xyzzy", MID);
    assert!(matches!(
        b.set_remote(SdpType::Offer, &offer),
        Err(JsepError::Content(ContentError::Extension {
            section: 0,
            ..
        }))
    ));
}

#[test]
fn one_id_for_two_extensions_of_a_group_is_refused() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.video();
    let offer = a.offer();
    let orientation = offer
        .lines()
        .find(|line| line.ends_with("urn:3gpp:video-orientation"));
    let orientation = orientation.expect("it is offered");
    let offer = offer.replace(orientation, "a=extmap:2 urn:x");
    assert_eq!(
        b.set_remote(SdpType::Offer, &offer),
        Err(JsepError::Content(ContentError::Extension {
            section: 1,
            id: extension_id(2)
        }))
    );
    // Without a group each section has its own numbers.
    let offer = offer.replace("a=group:BUNDLE 0 1\r\n", "");
    b.set_remote(SdpType::Offer, &offer).unwrap();
}

#[test]
fn extensions_can_be_stopped_and_directed_per_transceiver() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let first = a.video();
    a.video();
    let mut list = wanted(&a, MediaKind::Video);
    let orientation = "urn:3gpp:video-orientation";
    let toffset = "urn:ietf:params:rtp-hdrext:toffset";
    for extension in &mut list {
        if extension.uri == orientation {
            extension.direction = None;
        } else if extension.uri == toffset {
            extension.direction = Some(Direction::SendOnly);
        }
    }
    a.transceiver(first).header_extensions = Some(list);
    let (offer, answer) = negotiate(&mut a, &mut b);
    let parts = sections(&offer);
    assert!(!parts[1].contains(orientation) && parts[2].contains(orientation));
    assert!(parts[1].contains(&format!("/sendonly {toffset}")));
    assert!(sections(&answer)[1].contains(&format!("/recvonly {toffset}")));
    let media = a.media(first);
    let has = |p: &Option<duologue_jsep::RtpParameters>| {
        p.as_ref()
            .unwrap()
            .header_extensions
            .iter()
            .any(|e| e.uri == toffset)
    };
    assert!(has(&media.send) && !has(&media.receive));
    // Started again later, it comes back.
    a.transceiver(first).header_extensions = None;
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(sections(&offer)[1].contains(orientation));
}

#[test]
fn extensions_that_have_to_be_asked_for_are_not_offered() {
    let mut a = End::new(1);
    let id = a.audio();
    assert!(!a.create_offer().contains(CAPTURE));
    let mut list = wanted(&a, MediaKind::Audio);
    list.iter_mut()
        .for_each(|e| e.direction = Some(Direction::SendRecv));
    a.transceiver(id).header_extensions = Some(list);
    assert!(a.create_offer().contains(CAPTURE));
}

const CAPTURE: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

#[test]
fn capture_times_are_taken_when_the_other_end_offers_them_and_kept_in_later_offers() {
    let mut b = End::new(2);
    let offer = audio_offer(&[(9, MID), (5, CAPTURE)]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let line = format!("5 {CAPTURE}");
    assert!(lines(&b.answer(), "a=extmap:").contains(&line.as_str()));
    let media = &b.signaling.stable().media[0];
    for parameters in [&media.send, &media.receive] {
        let agreed = &parameters.as_ref().unwrap().header_extensions;
        assert!(agreed.iter().any(|extension| extension.uri == CAPTURE));
    }
    assert!(lines(&b.offer(), "a=extmap:").contains(&line.as_str()));
}

#[test]
fn capture_times_that_the_application_stopped_are_not_taken() {
    let mut b = End::new(2);
    let offer = audio_offer(&[(9, MID), (5, CAPTURE)]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let made = b.signaling.latest().media[0].transceiver;
    let stopped = wanted(&b, MediaKind::Audio);
    b.transceiver(made.unwrap()).header_extensions = Some(stopped);
    assert!(!b.answer().contains(CAPTURE));
}

#[test]
fn mixed_header_sizes_are_offered_and_answered() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert!(offer.contains("a=extmap-allow-mixed\r\n"));
    assert!(answer.contains("a=extmap-allow-mixed\r\n"));
    let (mut a, mut b) = (End::new(3), End::new(4));
    a.audio();
    let offer = a.offer().replace("a=extmap-allow-mixed\r\n", "");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(!b.answer().contains("a=extmap-allow-mixed"));
}

#[test]
fn a_line_that_is_there_twice_counts_once() {
    let mut b = End::new(2);
    let offer = audio_offer(&[(4, MID), (2, LEVEL), (4, MID)]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(lines(&b.answer(), "a=extmap:").len(), 2);
    let receive = b.signaling.stable().media[0].receive.clone().unwrap();
    assert_eq!(receive.header_extensions.len(), 2);
    let offer = audio_offer(&[(4, MID), (4, LEVEL)]);
    let refused = End::new(3).set_remote(SdpType::Offer, &offer);
    let wrong = ContentError::Extension {
        section: 0,
        id: extension_id(4),
    };
    assert_eq!(refused, Err(JsepError::Content(wrong)));
}

#[test]
fn what_an_answer_did_not_take_is_not_offered_but_accepted() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.audio();
    a.transceiver(id)
        .extensions_not_taken
        .insert(LEVEL.to_owned());
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(!offer.contains(LEVEL));
    let (offer, answer) = negotiate(&mut b, &mut a);
    assert!(offer.contains(LEVEL) && answer.contains(LEVEL));
}

#[test]
fn which_layers_are_sent_is_told_where_there_are_some_or_it_is_offered() {
    const LAYERS: &str = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.video();
    let several = a.layered(&["low", "high"]);
    let (offer, answer) = negotiate(&mut a, &mut b);
    let told = |sdp: &str| {
        sections(sdp)[1..]
            .iter()
            .map(|it| it.contains(LAYERS))
            .collect()
    };
    let told: [Vec<bool>; 2] = [told(&offer), told(&answer)];
    assert_eq!(told, [[false, true], [false, true]]);
    let sent = a.media(several).send.clone().unwrap();
    assert!(sent.header_extensions.iter().any(|it| it.uri == LAYERS));

    // What is agreed on stays so, whoever offers next.
    let (offer, answer) = negotiate(&mut b, &mut a);
    assert!(offer.contains(LAYERS) && answer.contains(LAYERS));
    // An application that says what it wants gets that.
    let mut list = wanted(&a, MediaKind::Video);
    list.retain(|it| it.uri != LAYERS);
    a.transceiver(several).header_extensions = Some(list);
    assert!(!a.create_offer().contains(LAYERS));
}
