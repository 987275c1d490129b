//! Layers that one end sends and the other takes or leaves (RFC 8853).

use duologue_jsep::agreement::Layers;
use duologue_jsep::{Direction, MediaKind, Rid, SdpType};

use crate::end::{End, lines, negotiate};

fn rids(names: &[&str]) -> Vec<Rid> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// An offer to receive layers, as a media server makes it.
fn offer_to_receive(kind: MediaKind, simulcast: &str) -> String {
    let mut server = End::new(9);
    server.add(kind, Direction::SendRecv);
    let mut offer = server.offer();
    for rid in simulcast.split([';', ',']) {
        let rid = rid.trim_start_matches('~');
        if !offer.contains(&format!("a=rid:{rid} ")) {
            offer.push_str(&format!("a=rid:{rid} recv\r\n"));
        }
    }
    offer + &format!("a=simulcast:recv {simulcast}\r\n")
}

/// The answer with the layers of `a=simulcast:recv` replaced.
fn taking(answer: &str, names: &[&str]) -> String {
    let layers = |l: &str| l.starts_with("a=rid:") || l.starts_with("a=simulcast:");
    let kept = answer.split_inclusive("\r\n").filter(|l| !layers(l));
    let mut text: String = kept.collect();
    for name in names {
        text.push_str(&format!("a=rid:{name} recv\r\n"));
    }
    if !names.is_empty() {
        text.push_str(&format!("a=simulcast:recv {}\r\n", names.join(";")));
    }
    text
}

#[test]
fn layers_are_offered_and_taken() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["foo", "bar", "baz"]);
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert_eq!(
        lines(&offer, "a=rid:"),
        ["foo send", "bar send", "baz send"]
    );
    assert_eq!(lines(&offer, "a=simulcast:"), ["send foo;bar;baz"]);
    assert_eq!(lines(&answer, "a=simulcast:"), ["recv foo;bar;baz"]);
    assert_eq!(
        a.media(id).layers,
        Layers::Kept(rids(&["foo", "bar", "baz"]))
    );
    assert_eq!(
        b.signaling.stable().media[0].receive_rids,
        rids(&["foo", "bar", "baz"])
    );
    // The receiver goes on wanting them when it offers.
    let offer = b.offer();
    assert_eq!(lines(&offer, "a=simulcast:"), ["recv foo;bar;baz"]);
}

#[test]
fn one_layer_with_a_rid_is_not_simulcast() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["only"]);
    let (offer, answer) = negotiate(&mut a, &mut b);
    assert_eq!(lines(&offer, "a=rid:"), ["only send"]);
    assert!(lines(&offer, "a=simulcast:").is_empty());
    assert!(lines(&answer, "a=simulcast:").is_empty());
    assert_eq!(a.transceiver(id).sender.rids, rids(&["only"]));
}

#[test]
fn an_answer_removes_the_layers_it_does_not_take() {
    for (taken, left) in [
        (["foo"].as_slice(), ["foo"].as_slice()),
        (&["bar"], &["bar"]),
        (&["bar", "foo"], &["foo", "bar"]),
        (&["other"], &["foo"]),
        (&[], &["foo"]),
    ] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let id = a.layered(&["foo", "bar"]);
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = taking(&b.answer(), taken);
        a.set_remote(SdpType::Answer, &answer).unwrap();
        assert_eq!(a.transceiver(id).sender.rids, rids(left), "{taken:?}");
    }
}

#[test]
fn a_pause_does_not_end_simulcast() {
    for direction in [Direction::Inactive, Direction::RecvOnly] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let id = a.layered(&["foo", "bar"]);
        negotiate(&mut a, &mut b);
        a.transceiver(id).direction = direction;
        negotiate(&mut a, &mut b);
        assert_eq!(a.media(id).layers, Layers::Unmentioned);
        a.transceiver(id).direction = Direction::SendRecv;
        let (offer, _) = negotiate(&mut a, &mut b);
        assert_eq!(lines(&offer, "a=simulcast:"), ["send foo;bar"]);
    }
}

#[test]
fn a_remote_offer_proposes_layers_to_a_sender_without() {
    let mut b = End::new(2);
    let id = b.add_track(MediaKind::Video, "s");
    b.set_remote(
        SdpType::Offer,
        &offer_to_receive(MediaKind::Video, "foo;~bar"),
    )
    .unwrap();
    assert_eq!(b.media(id).layers, Layers::Proposed(rids(&["foo", "bar"])));
    let answer = b.answer();
    assert_eq!(lines(&answer, "a=rid:"), ["foo send", "bar send"]);
    assert_eq!(lines(&answer, "a=simulcast:"), ["send foo;bar"]);
}

#[test]
fn alternatives_and_duplicates_are_reduced_to_the_first() {
    for (wanted, said) in [
        ("foo,bar;1,2", "send foo;1"),
        ("foo;bar;foo", "send foo;bar"),
    ] {
        let mut b = End::new(2);
        b.add_track(MediaKind::Video, "s");
        b.set_remote(SdpType::Offer, &offer_to_receive(MediaKind::Video, wanted))
            .unwrap();
        assert_eq!(lines(&b.answer(), "a=simulcast:"), [said]);
    }
}

#[test]
fn more_layers_than_there_can_be_are_cut_off() {
    let mut b = End::new(2);
    let id = b.add_track(MediaKind::Video, "s");
    b.set_remote(
        SdpType::Offer,
        &offer_to_receive(MediaKind::Video, "1;2;3;4;5"),
    )
    .unwrap();
    assert_eq!(b.media(id).layers, Layers::Proposed(rids(&["1", "2", "3"])));
}

#[test]
fn audio_has_no_layers() {
    let mut b = End::new(2);
    let id = b.add_track(MediaKind::Audio, "s");
    b.set_remote(
        SdpType::Offer,
        &offer_to_receive(MediaKind::Audio, "foo;bar"),
    )
    .unwrap();
    assert_eq!(b.media(id).layers, Layers::Unmentioned);
    assert!(lines(&b.answer(), "a=rid:").is_empty());
}

#[test]
fn layers_that_no_rid_line_describes_are_ignored() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["0", "1", "2"]);
    for (wanted, left) in [("foo;1;2", ["1", "2"].as_slice()), ("foo;bar;2", &["2"])] {
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = taking(&b.answer(), &["0", "1", "2"]);
        let answer = answer.replace(
            "a=simulcast:recv 0;1;2",
            &format!("a=simulcast:recv {wanted}"),
        );
        a.set_remote(SdpType::Answer, &answer).unwrap();
        assert_eq!(a.transceiver(id).sender.rids, rids(left));
    }
}

#[test]
fn a_remote_offer_narrows_layers_only_with_the_answer() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let id = a.layered(&["foo", "bar"]);
    negotiate(&mut a, &mut b);
    let offer = taking(&b.offer(), &["bar"]);
    a.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(a.transceiver(id).sender.rids, rids(&["foo", "bar"]));
    let answer = a.answer();
    assert_eq!(lines(&answer, "a=simulcast:"), ["send bar"]);
    assert_eq!(a.transceiver(id).sender.rids, rids(&["bar"]));
    b.set_remote(SdpType::Answer, &answer).unwrap();
}

#[test]
fn a_layer_that_is_left_alone_keeps_its_name_with_and_without_simulcast_in_later_offers() {
    for simulcast in [true, false] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        let id = a.layered(&["foo", "bar"]);
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = taking(&b.answer(), &["bar"]);
        a.set_remote(SdpType::Answer, &answer).unwrap();
        let named = |a: &End| -> Vec<Option<String>> {
            let (_, plan) = a.plans.send(id).unwrap();
            let streams = plan.streams.iter();
            let rids = streams.map(|stream| stream.rid.as_ref().map(ToString::to_string));
            rids.collect()
        };
        assert_eq!(named(&a), [Some("bar".to_owned())]);

        let mut offer = taking(&b.offer(), &["bar"]);
        if !simulcast {
            offer = offer.replace("a=simulcast:recv bar\r\n", "");
        }
        a.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = a.answer();
        assert_eq!(lines(&answer, "a=rid:"), ["bar send"]);
        assert_eq!(answer.contains("a=simulcast:send bar\r\n"), simulcast);
        assert_eq!(named(&a), [Some("bar".to_owned())], "{simulcast}");
    }
}
