//! ICE generations, DTLS roles, SCTP: what the data plane is told.

use duologue_base::{DtlsRole, Generation, IceRole};
use duologue_jsep::{
    BundlePolicy, Capabilities, ContentError, JsepError, OfferOptions, SctpChange, SdpType,
    StopState, TransportChange,
};

use crate::end::{End, fingerprint, lines, negotiate, sections};

fn names(end: &End) -> Vec<&'static str> {
    let name = |change: &TransportChange| match change {
        TransportChange::Add { .. } => "add",
        TransportChange::RestartIce { .. } => "restart ice",
        TransportChange::DropGeneration { .. } => "drop generation",
        TransportChange::SetRemoteIce { .. } => "remote ice",
        TransportChange::StartDtls { .. } => "dtls",
        TransportChange::RestartDtls { .. } => "restart dtls",
        TransportChange::Remove { .. } => "remove",
        TransportChange::Sctp(SctpChange::Start { .. }) => "sctp",
        TransportChange::Sctp(SctpChange::Move { .. }) => "move sctp",
        TransportChange::Sctp(SctpChange::SetMaxMessageSize { .. }) => "message size",
        TransportChange::Sctp(SctpChange::Stop) => "stop sctp",
    };
    end.changes.iter().map(name).collect()
}

fn data(seed: u64) -> End {
    let mut end = End::new(seed);
    end.intent.data = true;
    end
}

fn role(end: &End) -> DtlsRole {
    let transport = end.signaling.stable().transports.values().next().unwrap();
    transport.dtls.as_ref().unwrap().role
}

#[test]
fn the_data_plane_starts_in_the_order_of_the_descriptions() {
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer();
    assert_eq!(names(&a), ["add"]);
    assert!(matches!(
        a.changes[0],
        TransportChange::Add { role: IceRole::Controlling, key, .. } if key.generation == Generation(0)
    ));
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.changes.is_empty());
    let answer = b.answer();
    assert_eq!(names(&b), ["add", "remote ice", "dtls", "sctp"]);
    assert!(matches!(
        b.changes[0],
        TransportChange::Add {
            role: IceRole::Controlled,
            ..
        }
    ));
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(names(&a), ["remote ice", "dtls", "sctp"]);
    assert_eq!((role(&a), role(&b)), (DtlsRole::Server, DtlsRole::Client));
    let expected = TransportChange::Sctp(SctpChange::Start {
        transport: duologue_base::TransportKey(0),
        local_port: 5000,
        remote_port: 5000,
        max_message_size: Some(262_144),
        may_move: false,
        inits: None,
    });
    assert_eq!(a.changes[2], expected);
}

#[test]
fn rolling_back_a_first_offer_removes_its_transports() {
    let mut a = data(1);
    a.offer();
    a.set_local(SdpType::Rollback).unwrap();
    assert_eq!(names(&a), ["remove"]);
}

#[test]
fn an_unchanged_exchange_changes_no_transport_and_keeps_the_dtls_roles() {
    let (mut a, mut b) = (data(1), data(2));
    negotiate(&mut a, &mut b);
    let (offer, answer) = negotiate(&mut b, &mut a);
    assert!(offer.contains("a=setup:actpass\r\n"));
    assert!(answer.contains("a=setup:passive\r\n"));
    assert!(a.changes.is_empty() && b.changes.is_empty());
}

#[test]
fn an_answer_that_is_active_again_leaves_a_running_association_its_roles() {
    let (mut a, mut b) = (data(1), data(2));
    negotiate(&mut a, &mut b);
    // As Firefox does: it is the server, and stays it.
    let offer = b.create_offer_with(OfferOptions { ice_restart: true });
    b.set_local(SdpType::Offer).unwrap();
    a.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = a.answer();
    assert!(answer.contains("a=setup:passive\r\n"));
    let active = answer.replace("a=setup:passive", "a=setup:active");
    b.set_remote(SdpType::Answer, &active).unwrap();
    assert_eq!(names(&b), ["remote ice", "drop generation"]);
    assert_eq!(role(&b), DtlsRole::Client);
}

#[test]
fn an_ice_restart_runs_beside_the_old_generation_until_the_answer() {
    let (mut a, mut b) = (data(1), data(2));
    let (first, _) = negotiate(&mut a, &mut b);
    let offer = a.create_offer_with(OfferOptions { ice_restart: true });
    a.set_local(SdpType::Offer).unwrap();
    assert_ne!(lines(&offer, "a=ice-ufrag:"), lines(&first, "a=ice-ufrag:"));
    assert_eq!(names(&a), ["restart ice"]);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(b.changes.is_empty());
    let answer = b.answer();
    assert_eq!(names(&b), ["restart ice", "remote ice", "drop generation"]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(names(&a), ["remote ice", "drop generation"]);
    let transport = a.signaling.stable().transports.values().next().unwrap();
    assert_eq!(transport.generation, Generation(1));
}

#[test]
fn rolling_back_an_ice_restart_drops_the_new_generation_and_never_reuses_it() {
    let (mut a, mut b) = (data(1), data(2));
    negotiate(&mut a, &mut b);
    for generation in 1..3 {
        a.create_offer_with(OfferOptions { ice_restart: true });
        a.set_local(SdpType::Offer).unwrap();
        a.set_local(SdpType::Rollback).unwrap();
        assert!(matches!(
            a.changes[..],
            [TransportChange::DropGeneration { key }] if key.generation == Generation(generation)
        ));
    }
    let offer = b.create_offer_with(OfferOptions { ice_restart: true });
    a.set_remote(SdpType::Offer, &offer).unwrap();
    a.set_remote(SdpType::Rollback, "").unwrap();
    assert!(a.changes.is_empty());
}

#[test]
fn restart_ice_replaces_the_credentials_that_were_in_use() {
    let (mut a, mut b) = (data(1), data(2));
    let (first, _) = negotiate(&mut a, &mut b);
    a.intent.ice_to_replace = a.signaling.local_ice_keys();
    // A remote offer in between changes nothing here: only an offer can restart.
    negotiate(&mut b, &mut a);
    assert!(!a.intent.ice_to_replace.is_empty());
    let (second, _) = negotiate(&mut a, &mut b);
    assert_ne!(
        lines(&second, "a=ice-ufrag:"),
        lines(&first, "a=ice-ufrag:")
    );
    assert!(a.intent.ice_to_replace.is_empty());
    let (third, _) = negotiate(&mut a, &mut b);
    assert_eq!(
        lines(&second, "a=ice-ufrag:"),
        lines(&third, "a=ice-ufrag:")
    );
}

#[test]
fn an_answer_that_keeps_its_credentials_answers_no_restart_and_all_goes_on() {
    let (mut a, mut b) = (data(1), data(2));
    // As aiortc and webrtcbin do, which know no restarts.
    let (first, old) = negotiate(&mut a, &mut b);
    let before = a.signaling.stable().transports.clone();
    let credentials = |sdp: &str, from: &str| {
        let line = |prefix| format!("{prefix}{}\r\n", lines(from, prefix)[0]);
        let kept = sdp.split_inclusive("\r\n");
        let kept = kept.map(|l| match l {
            l if l.starts_with("a=ice-ufrag:") => line("a=ice-ufrag:"),
            l if l.starts_with("a=ice-pwd:") => line("a=ice-pwd:"),
            l => l.to_owned(),
        });
        kept.collect::<String>()
    };
    a.intent.ice_to_replace = a.signaling.local_ice_keys();
    let offer = a.offer();
    assert_ne!(lines(&offer, "a=ice-ufrag:"), lines(&first, "a=ice-ufrag:"));
    assert_eq!(names(&a), ["restart ice"]);
    b.set_remote(SdpType::Offer, &credentials(&offer, &first))
        .unwrap();
    let answer = b.answer();
    assert_eq!(lines(&answer, "a=ice-ufrag:"), lines(&old, "a=ice-ufrag:"));
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let dropped = TransportChange::DropGeneration {
        key: duologue_jsep::agreement::IceKey {
            transport: duologue_base::TransportKey(0),
            generation: Generation(1),
        },
    };
    assert_eq!(a.changes, [dropped]);
    assert_eq!(a.signaling.stable().transports, before);
    assert!(
        a.intent.ice_to_replace.is_empty(),
        "what was asked for is done"
    );
    assert!(!duologue_jsep::negotiation_needed(&a.signaling, &a.intent));
    // Candidates of the answer belong to the generation that runs.
    let target = a.signaling.candidate_target(Some("0"), None, None).unwrap();
    assert!(target.reaches && target.key.generation == Generation(0));
    // Later negotiations go on with what runs, from either end.
    a.audio();
    let (offer, _) = negotiate(&mut a, &mut b);
    assert_eq!(
        lines(&offer, "a=ice-ufrag:")[0],
        lines(&first, "a=ice-ufrag:")[0]
    );
    assert!(!names(&a).contains(&"restart ice"));
    negotiate(&mut b, &mut a);
    // And who knows restarts may still have one.
    a.intent.ice_to_replace = a.signaling.local_ice_keys();
    negotiate(&mut a, &mut b);
    assert_eq!(names(&a), ["remote ice", "drop generation"]);
    let transport = a.signaling.stable().transports.values().next().unwrap();
    assert_eq!(transport.generation, Generation(2));
}

#[test]
fn a_provisional_answer_without_a_restart_may_be_followed_by_one_with_it() {
    let (mut a, mut b) = (data(1), data(2));
    let (_, old) = negotiate(&mut a, &mut b);
    let offer = a.create_offer_with(OfferOptions { ice_restart: true });
    a.set_local(SdpType::Offer).unwrap();
    a.set_remote(SdpType::Pranswer, &old).unwrap();
    assert!(
        a.changes.is_empty(),
        "both generations run: {:?}",
        names(&a)
    );
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(names(&a), ["remote ice", "drop generation"]);
    let transport = a.signaling.stable().transports.values().next().unwrap();
    assert_eq!(transport.generation, Generation(1));
}

#[test]
fn a_changed_ice_configuration_gives_the_next_offer_new_credentials_unasked() {
    let (mut a, mut b) = (data(1), data(2));
    let (first, _) = negotiate(&mut a, &mut b);
    a.intent.ice_outdated = a.signaling.local_ice_keys();
    assert!(!duologue_jsep::negotiation_needed(&a.signaling, &a.intent));
    negotiate(&mut b, &mut a);
    assert!(!duologue_jsep::negotiation_needed(&a.signaling, &a.intent));
    let (second, _) = negotiate(&mut a, &mut b);
    assert_ne!(
        lines(&first, "a=ice-ufrag:"),
        lines(&second, "a=ice-ufrag:")
    );
    let (third, _) = negotiate(&mut a, &mut b);
    assert_eq!(
        lines(&second, "a=ice-ufrag:"),
        lines(&third, "a=ice-ufrag:")
    );
}

#[test]
fn the_answers_setup_suits_the_offers() {
    for (offered, answered, expected) in [
        ("actpass", "active", DtlsRole::Client),
        ("active", "passive", DtlsRole::Server),
        ("passive", "active", DtlsRole::Client),
    ] {
        let (mut a, mut b) = (data(1), data(2));
        let offer = a
            .offer()
            .replace("a=setup:actpass", &format!("a=setup:{offered}"));
        b.set_remote(SdpType::Offer, &offer).unwrap();
        assert_eq!(lines(&b.answer(), "a=setup:"), [answered]);
        assert_eq!(role(&b), expected);
    }
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer().replace("a=setup:active", "a=setup:actpass");
    let refused = a.set_remote(SdpType::Answer, &answer);
    assert_eq!(refused, Err(JsepError::Content(ContentError::Setup)));
}

#[test]
fn every_fingerprint_counts_and_unknown_hash_functions_do_not() {
    let (mut a, mut b) = (data(1), data(2));
    let first = fingerprint(1);
    let sha1 = format!("sha-1 {}", ["AB"; 20].join(":"));
    let more = format!("a=fingerprint:{first}\r\na=fingerprint:{sha1}\r\na=fingerprint:sha-999 AB");
    let offer = a.offer().replace(&format!("a=fingerprint:{first}"), &more);
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.answer();
    let transport = b.signaling.stable().transports.values().next().unwrap();
    let known = &transport.dtls.as_ref().unwrap().fingerprints;
    assert_eq!(
        known.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [first, sha1]
    );
}

#[test]
fn another_callee_takes_over_with_its_own_certificate_and_credentials() {
    let (mut a, mut b, mut c) = (data(1), data(2), data(3));
    negotiate(&mut a, &mut b);
    // Initiated here: the same offer goes to another end.
    let offer = a.offer();
    c.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = c.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(names(&a), ["remote ice", "restart dtls"]);
    // Initiated there: its offer looks like an ICE restart.
    let mut d = data(4);
    d.set_remote(SdpType::Offer, &offer).unwrap();
    d.answer();
    let offer = d.offer();
    a.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = a.answer();
    assert_eq!(
        names(&a),
        [
            "restart ice",
            "remote ice",
            "restart dtls",
            "drop generation"
        ]
    );
    d.set_remote(SdpType::Answer, &answer).unwrap();
}

#[test]
fn this_end_controls_when_the_other_is_lite() {
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer().replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.answer();
    assert!(matches!(
        b.changes[0],
        TransportChange::Add {
            role: IceRole::Controlling,
            ..
        }
    ));
    assert!(matches!(
        b.changes[1],
        TransportChange::SetRemoteIce { lite: true, .. }
    ));
}

#[test]
fn a_lite_end_says_so_in_offers_and_answers() {
    let lite = || {
        let capabilities = Capabilities {
            ice_lite: true,
            ..Capabilities::default()
        };
        let mut end = End::with(1, BundlePolicy::Balanced, capabilities);
        end.intent.data = true;
        end
    };
    let (mut server, mut client) = (lite(), data(2));
    let offer = server.offer();
    assert!(offer.contains("\r\na=ice-lite\r\n"), "{offer}");
    client.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(!client.answer().contains("a=ice-lite"));

    let (mut server, mut client) = (lite(), data(2));
    let offer = client.offer();
    server.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(server.answer().contains("\r\na=ice-lite\r\n"));
    assert!(matches!(
        server.changes[0],
        TransportChange::Add {
            role: IceRole::Controlled,
            ..
        }
    ));
}

#[test]
fn renomination_is_said_by_option_and_heard_always() {
    let capabilities = Capabilities {
        ice_renomination: true,
        ..Capabilities::default()
    };
    let mut a = End::with(1, BundlePolicy::Balanced, capabilities);
    a.intent.data = true;
    let mut b = data(2);
    let offer = a.offer();
    assert!(offer.contains("\r\na=ice-options:trickle ice2 renomination\r\n"));
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert!(answer.contains("\r\na=ice-options:trickle ice2\r\n"));
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let heard = |end: &End| {
        end.changes.iter().find_map(|change| match change {
            TransportChange::SetRemoteIce { renomination, .. } => Some(*renomination),
            _ => None,
        })
    };
    assert_eq!((heard(&a), heard(&b)), (Some(false), Some(true)));
}

#[test]
fn the_other_ends_pacing_of_checks_is_told() {
    let (mut a, mut b) = (data(1), data(2));
    let offer = a
        .offer()
        .replace("t=0 0\r\n", "t=0 0\r\na=ice-pacing:100\r\n");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    b.answer();
    let told = |change: &TransportChange| {
        matches!(
            change,
            TransportChange::SetRemoteIce {
                pacing: Some(100),
                ..
            }
        )
    };
    assert!(b.changes.iter().any(told));
}

#[test]
fn the_largest_message_is_what_the_other_end_says() {
    for (line, expected) in [
        ("a=max-message-size:0\r\n", None),
        ("a=max-message-size:1000\r\n", Some(1000)),
        ("", Some(65_536)),
    ] {
        let (mut a, mut b) = (data(1), data(2));
        let offer = a.offer();
        b.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = b.answer().replace("a=max-message-size:262144\r\n", line);
        a.set_remote(SdpType::Answer, &answer).unwrap();
        let sctp = a.signaling.stable().data().unwrap().sctp.clone().unwrap();
        assert_eq!(sctp.remote_max_message_size, expected);
        // It may change with the next answer, and not with an offer.
        let offer = b
            .offer()
            .replace("a=max-message-size:262144\r\n", "a=max-message-size:7\r\n");
        a.set_remote(SdpType::Offer, &offer).unwrap();
        assert!(a.changes.is_empty());
        a.answer();
        assert_eq!(names(&a), ["message size"]);
    }
}

#[test]
fn data_channels_come_late_and_share_the_transport() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    negotiate(&mut a, &mut b);
    a.intent.data = true;
    let (offer, _) = negotiate(&mut a, &mut b);
    assert!(sections(&offer)[2].starts_with("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"));
    assert_eq!(names(&a), ["sctp"]);
    assert_eq!(names(&b), ["sctp"]);
}

#[test]
fn a_data_section_survives_the_stop_of_the_section_it_shares_with() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    a.audio();
    a.intent.data = true;
    negotiate(&mut a, &mut b);
    a.intent.transceivers[0].stop = StopState::Stopping;
    negotiate(&mut a, &mut b);
    let moved = ["remote ice", "dtls", "move sctp", "remove"];
    assert_eq!(names(&a), moved);
    assert_eq!(names(&b), [&["add"], &moved[..]].concat());
    assert!(!a.signaling.stable().data().unwrap().rejected);
}

#[test]
fn a_rejected_data_section_ends_the_association_and_may_come_back() {
    let (mut a, mut b) = (End::new(1), data(2));
    a.audio();
    a.intent.data = true;
    negotiate(&mut a, &mut b);
    let offer = b.offer();
    let offer = offer.replace("m=application 9", "m=application 0");
    let offer = offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0");
    a.set_remote(SdpType::Offer, &offer).unwrap();
    a.answer();
    assert_eq!(names(&a), ["stop sctp"]);
    a.intent.data = true;
    let offer = a.create_offer();
    assert!(sections(&offer)[2].starts_with("m=application 9"));
    assert_eq!(lines(&offer, "a=mid:"), ["0", "2"]);
}

#[test]
fn old_forms_of_the_data_section_are_answered_in_kind() {
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer().replace(
        "a=sctp-port:5000\r\n",
        "a=sctpmap:5000 webrtc-datachannel 1024\r\n",
    );
    let offer = offer.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = b.answer();
    assert!(answer.contains("m=application 9 DTLS/SCTP 5000\r\n"));
    assert!(answer.contains("a=sctpmap:5000 webrtc-datachannel "));
    assert!(!answer.contains("a=sctp-port"));
    assert_eq!(names(&b), ["add", "remote ice", "dtls", "sctp"]);
    // And it is offered again as it was.
    assert!(
        b.create_offer()
            .contains("m=application 9 DTLS/SCTP 5000\r\n")
    );
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer().replace("UDP/DTLS/SCTP", "TCP/DTLS/SCTP");
    b.set_remote(SdpType::Offer, &offer).unwrap();
    assert!(
        b.answer()
            .contains("m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\n")
    );
}

#[test]
fn an_association_moves_with_its_section_from_one_transport_to_another() {
    let mut a = End::with(1, BundlePolicy::MaxCompat, Default::default());
    let mut b = End::new(2);
    a.audio();
    a.video();
    a.intent.data = true;
    let bundling = |sdp: &str, mids: &str| sdp.replace("BUNDLE 0 1 2", &format!("BUNDLE {mids}"));
    let offer = a.offer();
    b.set_remote(SdpType::Offer, &bundling(&offer, "0 2"))
        .unwrap();
    let answer = b.answer();
    a.set_remote(SdpType::Answer, &answer).unwrap();
    let offer = a.create_offer();
    b.set_remote(SdpType::Offer, &bundling(&offer, "1 2"))
        .unwrap();
    assert!(b.changes.is_empty());
    b.answer();
    assert_eq!(names(&b), ["move sctp"]);
    a.set_local(SdpType::Offer).unwrap();
    b.set_remote(SdpType::Offer, &bundling(&offer, "0 2"))
        .unwrap();
    let answer = b.answer();
    assert_eq!(names(&b), ["move sctp"]);
    a.set_remote(SdpType::Answer, &answer).unwrap();
    assert!(a.changes.is_empty());
}

#[test]
fn a_second_data_section_is_rejected() {
    let (mut a, mut b) = (data(1), data(2));
    let offer = a.offer();
    let parts = sections(&offer);
    let second = parts[1].replace("a=mid:0", "a=mid:1");
    b.set_remote(SdpType::Offer, &(offer.clone() + &second))
        .unwrap();
    let answer = b.answer();
    assert!(sections(&answer)[1].starts_with("m=application 9 "));
    assert!(sections(&answer)[2].starts_with("m=application 0 "));
}
