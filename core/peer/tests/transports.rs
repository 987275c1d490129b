//! ICE and DTLS transports, candidates and the aggregated states, in the order of their events.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, audio, connected, host_candidate, negotiate, pair, video};
use duologue_base::{Generation, TransportKey};
use duologue_dtls::DtlsError;
use duologue_ice as ice;
use duologue_peer::limits::MAX_CLOSED_TRANSPORTS;
use duologue_peer::{
    BundlePolicy, Configuration, IceCandidateInit, IceTransportPolicy, MediaKind,
    SessionDescription,
};
use duologue_session::{Command, DtlsReport, Report, TransportCommand, TransportReport};

const GENERATION: Generation = Generation(0);

fn gathering(key: TransportKey, state: ice::GatheringState) -> Report {
    Report::Transport(
        key,
        TransportReport::GatheringState {
            generation: GENERATION,
            state,
        },
    )
}

fn candidate(key: TransportKey, port: u16) -> Report {
    Report::Transport(
        key,
        TransportReport::LocalCandidate {
            generation: GENERATION,
            candidate: Box::new(host_candidate(port)),
        },
    )
}

/// An offerer with one transport that gathers.
fn offerer() -> (Host, TransportKey) {
    let mut a = Host::new(1);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.set_local();
    a.run();
    a.log.clear();
    let [(key, generation)] = a.transports()[..] else {
        panic!("one transport: {:?}", a.transports());
    };
    assert_eq!(generation, GENERATION);
    (a, key)
}

#[test]
fn gathering_ends_in_two_tasks() {
    let (mut a, key) = offerer();
    assert_eq!(
        a.pc.ice_transport(key).unwrap().gathering_state().as_str(),
        "new"
    );
    for report in [
        gathering(key, ice::GatheringState::Gathering),
        candidate(key, 1000),
        gathering(key, ice::GatheringState::Complete),
    ] {
        a.pc.handle_report(report);
    }
    a.turn();
    assert_eq!(
        a.take_log(),
        [
            "gatheringstatechange ice0 gathering",
            "icegatheringstatechange gathering"
        ]
    );
    a.turn();
    assert_eq!(a.take_log(), ["icecandidate mid=0"]);
    a.turn();
    assert_eq!(a.take_log(), ["icecandidate end"]);
    assert_eq!(a.pc.ice_gathering_state().as_str(), "gathering");
    a.turn();
    assert_eq!(
        a.take_log(),
        [
            "gatheringstatechange ice0 complete",
            "icegatheringstatechange complete",
            "icecandidate null"
        ]
    );
    let sdp = a.pc.local_description().unwrap().sdp;
    assert!(sdp.contains("a=candidate:1 1 udp"), "{sdp}");
    assert!(sdp.contains("a=end-of-candidates"), "{sdp}");
    let transport = a.pc.ice_transport(key).unwrap();
    let [shown] = transport.local_candidates() else {
        panic!("one candidate");
    };
    let parts = shown.parts.as_ref().unwrap();
    assert_eq!(parts.port, 1000);
    assert_eq!(
        shown.init.username_fragment.as_ref(),
        transport
            .local_parameters()
            .map(|parameters| &parameters.username_fragment)
    );
}

/// webrtc-pc §5.6: the state changes with its events, and who waits for the null candidate gets it.
#[test]
fn an_ice_restart_that_is_rolled_back_while_it_gathers_ends_its_gathering_with_the_events() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let (key, _) = a.transports()[0];
    a.report(gathering(key, ice::GatheringState::Gathering));
    a.report(gathering(key, ice::GatheringState::Complete));
    a.pc.restart_ice();
    a.set_local();
    a.run();
    a.report(Report::Transport(
        key,
        TransportReport::GatheringState {
            generation: Generation(1),
            state: ice::GatheringState::Gathering,
        },
    ));
    a.take_log();
    a.set_local_to(SessionDescription::rollback()).unwrap();
    a.run();
    assert_eq!(
        a.take_events(),
        [
            "signalingstatechange stable",
            "gatheringstatechange ice0 complete",
            "icegatheringstatechange complete",
            "icecandidate null",
            "negotiationneeded"
        ]
    );
}

#[test]
fn a_rolled_back_offer_takes_gathering_back_to_new() {
    let (mut a, key) = offerer();
    a.report(gathering(key, ice::GatheringState::Gathering));
    a.log.clear();
    a.set_local_to(SessionDescription::rollback()).unwrap();
    assert_eq!(
        a.take_events(),
        ["signalingstatechange stable", "icegatheringstatechange new"]
    );
    a.run();
    assert_eq!(
        a.take_events(),
        [
            "statechange dtls0 closed",
            "statechange ice0 closed",
            "negotiationneeded"
        ]
    );
    a.report(candidate(key, 1000));
    a.report(gathering(key, ice::GatheringState::Complete));
    assert!(
        !a.take_events()
            .iter()
            .any(|e| e.starts_with("icecandidate"))
    );
}

#[test]
fn pair_and_state_change_in_one_task_and_the_connection_follows() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let key =
        a.pc.transceiver(a.pc.transceivers()[0])
            .unwrap()
            .transport()
            .unwrap();
    a.report(candidate(key, 1000));
    a.log.clear();
    let state = |state| {
        Report::Transport(
            key,
            TransportReport::IceState {
                state,
                failure: None,
            },
        )
    };
    a.report(state(ice::TransportState::Checking));
    assert_eq!(
        a.take_log(),
        [
            "statechange ice0 checking",
            "iceconnectionstatechange checking",
            "connectionstatechange connecting"
        ]
    );
    a.pc.handle_report(Report::Transport(
        key,
        TransportReport::SelectedPair {
            pair: Box::new(ice::CandidatePair {
                id: ice::PairId(1),
                generation: GENERATION,
                local: host_candidate(1000),
                remote: host_candidate(2000),
            }),
        },
    ));
    a.pc.handle_report(state(ice::TransportState::Connected));
    a.turn();
    assert_eq!(
        a.take_log(),
        [
            "selectedcandidatepairchange",
            "statechange ice0 connected",
            "iceconnectionstatechange connected"
        ]
    );
    let pair =
        a.pc.ice_transport(key)
            .unwrap()
            .selected_candidate_pair()
            .unwrap();
    assert_eq!(pair.local.parts.as_ref().unwrap().port, 1000);
    assert_eq!(pair.remote.init.candidate, "", "it was never signalled");
    assert_eq!(pair.remote.parts.as_ref().unwrap().address, None);

    let remote = IceCandidateInit {
        candidate: "candidate:1 1 udp 2130706431 192.0.2.1 2000 typ host".to_owned(),
        sdp_m_line_index: Some(0),
        ..IceCandidateInit::default()
    };
    a.add_candidate(remote.clone()).unwrap();
    let pair =
        a.pc.ice_transport(key)
            .unwrap()
            .selected_candidate_pair()
            .unwrap();
    assert_eq!(pair.remote.init.candidate, remote.candidate);

    a.log.clear();
    a.report(Report::Transport(
        key,
        TransportReport::DtlsState {
            state: DtlsReport::Connecting,
        },
    ));
    assert_eq!(a.take_log(), ["statechange dtls0 connecting"]);
    a.report(Report::Transport(
        key,
        TransportReport::DtlsState {
            state: connected(false),
        },
    ));
    assert_eq!(
        a.take_log(),
        [
            "statechange dtls0 connected",
            "connectionstatechange connected"
        ]
    );
    let dtls = a.pc.dtls_transport(key).unwrap();
    assert_eq!(dtls.remote_certificates().len(), 1);
    a.report(state(ice::TransportState::Completed));
    assert_eq!(
        a.take_log(),
        [
            "statechange ice0 completed",
            "iceconnectionstatechange completed"
        ]
    );
}

#[test]
fn a_failed_handshake_fires_error_before_statechange() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let key =
        a.pc.transceiver(a.pc.transceivers()[0])
            .unwrap()
            .transport()
            .unwrap();
    a.log.clear();
    a.report(Report::Transport(
        key,
        TransportReport::DtlsState {
            state: DtlsReport::Failed {
                error: DtlsError::HandshakeTimeout,
            },
        },
    ));
    assert_eq!(
        a.take_log(),
        [
            "error",
            "statechange dtls0 failed",
            "connectionstatechange failed"
        ]
    );
}

#[test]
fn transports_that_bundling_makes_useless_close_in_a_later_task() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.add_track(video("t2"), &[]).unwrap();
    let offer = a.set_local();
    let transport = |host: &Host, index: usize| {
        let id = host.pc.transceivers()[index];
        host.pc.transceiver(id).unwrap().transport().unwrap()
    };
    let (audio_key, video_key) = (transport(&a, 0), transport(&a, 1));
    assert_ne!(audio_key, video_key, "balanced: one for each kind");
    b.set_remote(offer).unwrap();
    let answer = b.set_local();
    a.log.clear();
    a.set_remote(answer).unwrap();
    assert_eq!(transport(&a, 1), audio_key);
    let state = |a: &Host| a.pc.ice_transport(video_key).unwrap().state().as_str();
    assert_ne!(state(&a), "closed");
    a.run();
    assert_eq!(state(&a), "closed");
    let events = a.take_events();
    assert!(events.contains(&format!("statechange ice{} closed", video_key.0)));
    assert!(
        a.commands.iter().any(
            |command| matches!(command, Command::Transport(key, TransportCommand::Remove) if *key == video_key)
        )
    );
}

#[test]
fn a_provisional_answer_closes_no_transport_that_the_final_one_may_use() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.add_track(video("t2"), &[]).unwrap();
    let offer = a.set_local();
    let id = a.pc.transceivers()[1];
    let key = a.pc.transceiver(id).unwrap().transport().unwrap();
    b.set_remote(offer).unwrap();
    let answer = b.create_answer();
    a.report(candidate(key, 1000));
    a.set_remote(SessionDescription::pranswer(answer.sdp.clone()))
        .unwrap();
    a.run();
    let state = |a: &Host| a.pc.ice_transport(key).unwrap().state().as_str();
    assert_ne!(state(&a), "closed");
    let unbundled = answer.sdp.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0");
    a.set_remote(SessionDescription::answer(unbundled)).unwrap();
    a.run();
    assert_eq!(a.pc.transceiver(id).unwrap().transport(), Some(key));
    assert_ne!(state(&a), "closed");
    let described = a.pc.local_description().unwrap().sdp;
    assert!(described.contains("192.0.2.1 1000 typ host"));
}

#[test]
fn closed_transports_are_forgotten_in_time() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let mut keys = Vec::new();
    for _ in 0..=MAX_CLOSED_TRANSPORTS {
        a.set_local();
        keys.extend(a.pc.transceiver(id).unwrap().transport());
        a.set_local_to(SessionDescription::rollback()).unwrap();
        a.run();
    }
    let last = keys[MAX_CLOSED_TRANSPORTS];
    assert_eq!(a.pc.ice_transport(last).unwrap().state().as_str(), "closed");
    assert!(a.pc.ice_transport(keys[1]).is_some());
    assert!(a.pc.ice_transport(keys[0]).is_none());
}

#[test]
fn max_bundle_needs_one_transport() {
    let configuration = Configuration {
        bundle_policy: BundlePolicy::MaxBundle,
        ..Configuration::default()
    };
    let mut a = Host::with(1, configuration);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.add_track(video("t2"), &[]).unwrap();
    a.set_local();
    assert_eq!(a.transports().len(), 1);
}

#[test]
fn servers_and_policy_go_to_the_session_before_its_transports() {
    let relay = || Configuration {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    };
    let mut a = Host::with(1, relay());
    let mut b = Host::new(2);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let commands = a.take_commands();
    assert!(matches!(
        commands[..2],
        [
            Command::SetIceServers {
                relay_only: true,
                ..
            },
            Command::Transport(_, TransportCommand::Add { .. })
        ]
    ));
    a.add_candidate(IceCandidateInit {
        candidate: "candidate:1 1 udp 1 192.0.2.9 2000 typ host".to_owned(),
        sdp_m_line_index: Some(0),
        ..IceCandidateInit::default()
    })
    .unwrap();
    let commands = a.take_commands();
    assert!(
        matches!(
            commands[..],
            [Command::Transport(
                _,
                TransportCommand::AddRemoteCandidate { .. }
            )]
        ),
        "a relay reaches candidates of every kind"
    );
    a.pc.set_configuration(Configuration::default()).unwrap();
    a.run();
    assert!(matches!(
        a.take_commands()[..],
        [Command::SetIceServers {
            relay_only: false,
            ..
        }]
    ));
}

#[test]
fn candidates_go_to_the_session_and_into_the_description() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    a.take_commands();
    let add = |host: &mut Host, text: &str| {
        host.add_candidate(IceCandidateInit {
            candidate: text.to_owned(),
            sdp_m_line_index: Some(0),
            ..IceCandidateInit::default()
        })
        .unwrap();
    };
    let good = "candidate:1 1 udp 2130706431 192.0.2.1 2000 typ host";
    add(&mut a, good);
    add(&mut a, good);
    add(
        &mut a,
        "candidate:1 2 udp 2130706430 192.0.2.1 2001 typ host",
    );
    add(
        &mut a,
        "candidate:1 1 udp 2130706431 0f5e.local 2000 typ host",
    );
    add(
        &mut a,
        "candidate:1 1 udp 2130706431 192.0.2.1 6000 typ host",
    );
    add(&mut a, "");
    let commands = a.take_commands();
    assert!(
        matches!(
            commands.as_slice(),
            [
                Command::Transport(_, TransportCommand::AddRemoteCandidate { .. }),
                Command::Transport(_, TransportCommand::EndOfRemoteCandidates { .. })
            ]
        ),
        "another component, a name and a forbidden port are not checked: {commands:?}"
    );
    let sdp = a.pc.remote_description().unwrap().sdp;
    assert_eq!(sdp.matches(good).count(), 1);
    let key = a.transports();
    assert!(key.is_empty());
}

#[test]
fn trickling_is_known_with_the_remote_description() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    assert_eq!(a.pc.can_trickle_ice_candidates(), None);
    let offer = a.set_local();
    assert_eq!(a.pc.can_trickle_ice_candidates(), None);
    b.set_remote(offer.clone()).unwrap();
    assert_eq!(b.pc.can_trickle_ice_candidates(), Some(true));
    let mut c = Host::new(3);
    let without = offer.sdp.replace("trickle", "none");
    c.set_remote(SessionDescription::offer(without)).unwrap();
    assert_eq!(c.pc.can_trickle_ice_candidates(), Some(false));
}

#[test]
fn an_offer_of_the_other_end_shows_no_transport_until_it_is_answered() {
    let (mut a, mut b) = pair();
    let near = a.pc.add_transceiver(MediaKind::Audio, Default::default());
    let near = near.unwrap();
    let offer = a.set_local();
    assert!(a.pc.transceiver(near).unwrap().transport().is_some());
    b.set_remote(offer).unwrap();
    let far = b.pc.transceivers()[0];
    assert_eq!(b.pc.transceiver(far).unwrap().transport(), None);
    b.set_local();
    assert!(b.pc.transceiver(far).unwrap().transport().is_some());
}

#[test]
fn candidates_of_a_generation_that_was_replaced_are_forgotten() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    let key = a.transports()[0].0;
    for round in 0..20 {
        let generation = Generation(round);
        for port in 0..30 {
            a.report(Report::Transport(
                key,
                TransportReport::LocalCandidate {
                    generation,
                    candidate: Box::new(host_candidate(1000 + port)),
                },
            ));
            let text = format!(
                "candidate:1 1 udp 2113929471 203.0.113.1 {} typ host",
                1000 + port
            );
            let ufrag =
                a.pc.ice_transport(key)
                    .unwrap()
                    .remote_parameters()
                    .unwrap();
            a.add_candidate(IceCandidateInit {
                candidate: text,
                sdp_mid: Some("0".to_owned()),
                username_fragment: Some(ufrag.username_fragment.clone()),
                ..IceCandidateInit::default()
            })
            .unwrap();
        }
        let transport = a.pc.ice_transport(key).unwrap();
        assert_eq!(transport.local_candidates().len(), 30, "round {round}");
        assert_eq!(transport.remote_candidates().len(), 30, "round {round}");
        // Now this end restarts, now the other.
        let (offerer, answerer) = match round % 2 {
            0 => (&mut a, &mut b),
            _ => (&mut b, &mut a),
        };
        offerer.pc.restart_ice();
        negotiate(offerer, answerer);
        let transport = a.pc.ice_transport(key).unwrap();
        assert_eq!(transport.local_candidates().len(), 0);
        assert_eq!(transport.remote_candidates().len(), 0);
    }
}
