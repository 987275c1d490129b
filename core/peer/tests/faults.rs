//! What goes wrong is named twice: to the application, and in the log of who looks for the cause.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::audio;
use common::log::Log;
use common::world::World;
use duologue_base::{TransceiverId, TransportKey};
use duologue_peer::{
    Configuration, DtlsTransportState, Event, Exception, ExceptionName, IceCandidateInit,
    IceFailure, IceServer, IceTransportState, PeerConnectionState, Rejection, RtcErrorDetail,
};
use duologue_stun::{Class, ErrorCode, Message, Writer};
use tracing::Level;

/// Does something, and gives what was logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    let (log, ()) = Log::during(work);
    log.lines(Level::DEBUG).join("\n")
}

fn assert_named(log: &str, cause: &str) {
    assert!(log.contains(cause), "{cause:?} is not in\n{log}");
}

fn with_server(url: &str) -> Configuration {
    Configuration {
        ice_servers: vec![IceServer {
            urls: vec![url.to_owned()],
            username: Some("ann".to_owned()),
            credential: Some("open sesame".into()),
        }],
        ..Configuration::default()
    }
}

/// The code and text of the first `icecandidateerror`.
fn candidate_error(world: &mut World) -> (u16, String) {
    world.channel(0, "chat");
    world.ends[0].host.set_local();
    let error = |world: &mut World| {
        let mut events = world.ends[0].host.events.iter();
        events.find_map(|event| match event {
            Event::IceCandidateError(error) => Some((error.error_code, error.error_text.clone())),
            _ => None,
        })
    };
    world.run_until("a server gives no candidate", |w| error(w).is_some());
    error(world).unwrap()
}

/// Which transceivers of one end were rejected, and why.
fn rejections(world: &World, end: usize) -> Vec<(TransceiverId, Rejection)> {
    let events = world.ends[end].host.events.iter();
    let rejections = events.filter_map(|event| match event {
        Event::TransceiverRejected(transceiver, why) => Some((*transceiver, *why)),
        _ => None,
    });
    rejections.collect()
}

/// The `error` of the DTLS transport of one end.
fn dtls_error(world: &World, end: usize) -> Option<Exception> {
    let mut events = world.ends[end].host.events.iter();
    events.find_map(|event| match event {
        Event::DtlsError(_, error) => Some(error.clone()),
        _ => None,
    })
}

/// Waits for `failed`, and gives the reason that the application reads.
fn ice_failure(world: &mut World) -> IceFailure {
    run_until_state(world, PeerConnectionState::Failed);
    let transport = world.pc(0).ice_transport(TransportKey(0));
    transport.and_then(|transport| transport.failure()).unwrap()
}

fn run_until_state(world: &mut World, state: PeerConnectionState) {
    world.run_until(state.as_str(), |w| w.pc(0).connection_state() == state);
}

fn connected(seed: u64) -> World {
    let mut world = World::new(seed);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| w.is_open(0, chat));
    world
}

#[test]
fn a_wrong_password_at_a_turn_server() {
    let log = logged(|| {
        let mut world = World::with(21, with_server("turn:192.0.2.9"));
        world.server = Some(|request| {
            let id = Message::parse(request).unwrap();
            let (method, id) = (id.method(), id.transaction_id());
            let mut answer = Vec::new();
            Writer::new(&mut answer, Class::ErrorResponse, method, id)
                .error_code(ErrorCode::UNAUTHENTICATED)
                .realm("example.org")
                .nonce("n1")
                .fingerprint();
            answer
        });
        let (code, text) = candidate_error(&mut world);
        assert_eq!((code, text.as_str()), (401, "Unauthenticated"));
    });
    assert_named(&log, "wrong username or password");
    assert_named(&log, "ICE server 0 (turn): no candidate: 401");
    assert!(!log.contains("open sesame"), "{log}");
}

#[test]
fn a_silent_server() {
    let log = logged(|| {
        let mut world = World::with(22, with_server("turn:192.0.2.9"));
        let (code, text) = candidate_error(&mut world);
        assert_eq!((code, text.as_str()), (701, "the server does not answer"));
    });
    assert_named(&log, "no candidate: 701 \"the server does not answer\"");
}

#[test]
fn a_server_whose_name_has_no_address() {
    let log = logged(|| {
        let mut world = World::with(23, with_server("stun:nowhere.invalid"));
        let (code, text) = candidate_error(&mut world);
        assert_eq!(code, 701);
        assert_eq!(text, "the server's name does not resolve");
    });
    assert_named(&log, "the name of an ICE server: 0 addresses");
    assert_named(&log, "ICE server 0 (stun): no candidate: 701");
}

#[test]
fn a_certificate_that_is_not_the_described_one() {
    let log = logged(|| {
        let mut world = World::new(24);
        world.channel(0, "chat");
        let offer = world.ends[0].host.set_local();
        world.ends[1].host.set_remote(offer).unwrap();
        let mut answer = world.ends[1].host.set_local();
        let at = answer.sdp.find("a=fingerprint:sha-256 ").unwrap() + 22;
        answer.sdp.replace_range(at..at + 95, &["00"; 32].join(":"));
        world.ends[0].host.set_remote(answer).unwrap();
        run_until_state(&mut world, PeerConnectionState::Failed);
        let error = dtls_error(&world, 0).unwrap();
        let detail = error.rtc_error().unwrap().error_detail;
        assert_eq!(detail, RtcErrorDetail::FingerprintFailure);

        // The other end is told, and has that from us.
        world.run_until("the alert comes", |w| dtls_error(w, 1).is_some());
        let sent = error.rtc_error().unwrap().sent_alert;
        let told = dtls_error(&world, 1).unwrap();
        assert!(sent.is_some());
        assert_eq!(told.rtc_error().unwrap().received_alert, sent);
    });
    assert_named(&log, "Failed: the peer sent a fatal alert: ");
    assert_named(
        &log,
        "DTLS: Connecting -> Failed: the peer's certificate does not match the fingerprints",
    );
}

#[test]
fn no_codec_in_common() {
    let log = logged(|| {
        let mut world = World::new(25);
        world.pc(0).add_track(audio("a"), &[]).unwrap();
        let mut offer = world.ends[0].host.set_local();
        let lines = offer.sdp.lines().map(|line| match line.split_once(' ') {
            Some((name, _)) if name.starts_with("a=rtpmap:") => format!("{name} unheard/1\r\n"),
            _ => format!("{line}\r\n"),
        });
        offer.sdp = lines.collect();
        world.ends[1].host.set_remote(offer).unwrap();
        let transceiver = world.pc(1).transceivers()[0];
        let mut answer = world.ends[1].host.set_local();
        assert!(answer.sdp.contains("m=audio 0 "), "{}", answer.sdp);
        let why = Rejection::NoCommonCodec;
        assert_eq!(rejections(&world, 1), [(transceiver, why)]);
        let view = world.pc(1).transceiver(transceiver).unwrap();
        assert_eq!(view.rejection(), Some(why));
        assert_eq!(why.to_string(), "no codec in common");

        // The formats of a rejected section say nothing (RFC 3264 §6).
        answer.sdp = answer.sdp.replace("unheard/1", "PCMU/8000");
        let transceiver = world.pc(0).transceivers()[0];
        world.ends[0].host.set_remote(answer).unwrap();
        assert_eq!(world.pc(0).transceivers(), [], "it was stopped");
        assert_eq!(rejections(&world, 0), [(transceiver, Rejection::ByPeer)]);
    });
    let section = "m-section 0: mid 0, Rtp(Audio), rejected: ";
    assert_named(&log, &format!("{section}no codec in common"));
    assert_named(&log, &format!("{section}the other end does not take it"));
}

#[test]
fn no_candidate_of_the_peers() {
    let log = logged(|| {
        let mut world = World::new(26);
        world.channel(0, "chat");
        world.mute_candidates = true;
        world.negotiate(0);
        let end = IceCandidateInit::default();
        world.pc(0).add_ice_candidate(end);
        assert_eq!(ice_failure(&mut world), IceFailure::NoRemoteCandidate);
    });
    assert_named(&log, "ICE failed: there is no remote candidate");
}

#[test]
fn candidates_that_make_no_pair() {
    let log = logged(|| {
        let mut world = World::new(33);
        world.channel(0, "chat");
        world.mute_candidates = true;
        world.negotiate(0);
        // Its host has IPv4 alone.
        let candidate = "candidate:1 1 udp 2130706431 2001:db8::1 5000 typ host";
        for candidate in [candidate, ""] {
            let candidate = IceCandidateInit {
                candidate: candidate.to_owned(),
                sdp_mid: Some("0".to_owned()),
                ..IceCandidateInit::default()
            };
            world.ends[0].host.add_candidate(candidate).unwrap();
        }
        assert_eq!(ice_failure(&mut world), IceFailure::NoPair);
    });
    assert_named(&log, "ICE failed: no pair could be made of the candidates");
}

#[test]
fn a_network_without_udp() {
    let log = logged(|| {
        let mut world = World::new(27);
        world.channel(0, "chat");
        world.blocked = true;
        world.negotiate(0);
        assert_eq!(ice_failure(&mut world), IceFailure::NoAnswer);
    });
    assert_named(&log, "ICE failed: no pair works: nothing answers");
}

#[test]
fn a_path_that_breaks() {
    let log = logged(|| {
        let mut world = connected(28);
        world.blocked = true;
        run_until_state(&mut world, PeerConnectionState::Disconnected);
        assert_eq!(ice_failure(&mut world), IceFailure::ConsentLost);
    });
    assert_named(&log, "selected, and consent checks are not answered");
    assert_named(&log, "consent expired");
    assert_named(&log, "ICE failed: no pair works: consent was lost");
}

#[test]
fn a_handshake_that_is_lost() {
    let log = logged(|| {
        let mut world = World::new(34);
        world.channel(0, "chat");
        world.mute_dtls = true;
        world.negotiate(0);
        world.run_until("the client gives up", |w| dtls_error(w, 1).is_some());
        let error = dtls_error(&world, 1).unwrap();
        let detail = error.rtc_error().unwrap().error_detail;
        assert_eq!(detail, RtcErrorDetail::DtlsFailure);
        assert_eq!(error.message(), "the handshake took too long");
    });
    assert_named(
        &log,
        "DTLS: Connecting -> Failed: the handshake took too long",
    );
}

#[test]
fn an_end_that_hears_nothing_of_a_handshake() {
    let log = logged(|| {
        let mut world = World::new(35);
        world.channel(0, "chat");
        world.mute_dtls = true;
        world.negotiate(0);
        let silent = |world: &mut World| {
            let events = &world.ends[0].host.events;
            events.contains(&Event::DtlsSilent(TransportKey(0)))
        };
        world.run_until("the server says so", silent);
        let dtls = world.pc(0).dtls_transport(TransportKey(0)).unwrap();
        assert!(dtls.is_silent());
        // webrtc-pc has no other state for it, and ICE is well.
        assert_eq!(dtls.state(), DtlsTransportState::Connecting);
        let ice = world.pc(0).ice_transport(TransportKey(0)).unwrap();
        assert_eq!(ice.state(), IceTransportState::Completed);

        world.mute_dtls = false;
        run_until_state(&mut world, PeerConnectionState::Connected);
        let dtls = world.pc(0).dtls_transport(TransportKey(0)).unwrap();
        assert!(!dtls.is_silent(), "it was heard");
    });
    assert_named(
        &log,
        "DTLS: Connecting: nothing comes of the client's hello",
    );
}

#[test]
fn an_association_that_the_peer_aborts() {
    let log = logged(|| {
        let mut world = connected(29);
        world.pc(1).close();
        let error = |world: &mut World| {
            let mut events = world.ends[0].host.events.iter();
            events.find_map(|event| match event {
                Event::ChannelError(_, error) => Some(error.clone()),
                _ => None,
            })
        };
        world.run_until("the channel has an error", |w| error(w).is_some());
        let error = error(&mut world).unwrap();
        let rtc = error.rtc_error().unwrap();
        assert_eq!(rtc.error_detail, RtcErrorDetail::SctpFailure);
        assert_eq!(rtc.sctp_cause_code, Some(12));
        assert!(
            error
                .message()
                .ends_with("the peer aborted the association"),
            "{error}"
        );
    });
    assert_named(
        &log,
        "SCTP: ESTABLISHED -> CLOSED: aborted by the peer (cause Some(12))",
    );
    assert_named(
        &log,
        "the SCTP association ended: the peer aborted the association",
    );
}

#[test]
fn sockets_that_cannot_be_bound() {
    let log = logged(|| {
        let mut world = World::new(30);
        world.channel(0, "chat");
        world.unbindable = true;
        world.negotiate(0);
        run_until_state(&mut world, PeerConnectionState::Failed);
        let mut events = world.ends[0].host.events.iter();
        let error = events.find_map(|event| match event {
            Event::IceCandidateError(error) => Some((error.error_code, error.error_text.as_str())),
            _ => None,
        });
        assert_eq!(
            error,
            Some((701, "no socket could be bound: not permitted"))
        );
    });
    assert_named(&log, "a socket could not be bound error=not permitted");
    assert_named(&log, "ICE transport: new -> failed");
}

#[test]
fn a_candidate_of_the_peers_that_cannot_be_read() {
    let log = logged(|| {
        let mut world = connected(31);
        let operation = world.pc(0).add_ice_candidate(IceCandidateInit {
            candidate: "candidate:1 1 udp what".to_owned(),
            sdp_mid: Some("0".to_owned()),
            ..IceCandidateInit::default()
        });
        let error = world.ends[0].host.settle(operation).unwrap_err();
        assert_eq!(error.name(), ExceptionName::OperationError);
        assert_eq!(error.message(), "the candidate attribute is not valid");
    });
    assert_named(
        &log,
        "rejected: OperationError: the candidate attribute is not valid",
    );
}

#[test]
fn what_a_connection_does_is_a_page_in_the_log() {
    let log = logged(|| drop(connected(32)));
    let mut at = 0;
    for step in [
        "signaling state: stable -> have-local-offer",
        "signaling state: have-local-offer -> stable",
        "gathered host Udp",
        "gathering -> complete",
        "ICE pair 0: new, host Udp -> host Udp",
        "ICE pair 0: waiting -> in-progress",
        "ICE pair 0: in-progress -> succeeded",
        "ICE selected pair: host -> host",
        "DTLS: New -> Connecting",
        "DTLS: Connecting -> Connected",
        "SCTP: CLOSED -> COOKIE-WAIT",
        "-> ESTABLISHED",
    ] {
        let found = log[at..].find(step);
        at += found.unwrap_or_else(|| panic!("{step} after {at} in\n{log}"));
    }
    // Of both ends.
    let lines = log.lines().count();
    assert!(lines < 80, "{lines} lines:\n{log}");
}
