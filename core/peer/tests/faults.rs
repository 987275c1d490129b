//! What goes wrong is named twice: to the application, and in the log of who looks for the cause.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::time::Duration;

use common::audio;
use common::log::Log;
use common::world::World;
use duologue_peer::{
    Configuration, Event, ExceptionName, IceCandidateInit, IceServer, PeerConnectionState,
    RtcErrorDetail,
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
            credential: Some("open sesame".to_owned()),
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
        assert_eq!(candidate_error(&mut world).0, 401);
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
        assert_eq!(candidate_error(&mut world).0, 701);
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
        let mut events = world.ends[0].host.events.iter();
        let error = events.find_map(|event| match event {
            Event::DtlsError(_, error) => error.rtc_error().copied(),
            _ => None,
        });
        let detail = error.unwrap().error_detail;
        assert_eq!(detail, RtcErrorDetail::FingerprintFailure);
    });
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
        let answer = world.ends[1].host.set_local();
        assert!(answer.sdp.contains("m=audio 0 "), "{}", answer.sdp);
    });
    assert_named(&log, "m-section 0: mid 0, Rtp(Audio), rejected");
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
        run_until_state(&mut world, PeerConnectionState::Failed);
    });
    assert_named(&log, "ICE failed: there is no remote candidate");
}

#[test]
fn a_network_without_udp() {
    let log = logged(|| {
        let mut world = World::new(27);
        world.channel(0, "chat");
        world.blocked = true;
        world.negotiate(0);
        run_until_state(&mut world, PeerConnectionState::Failed);
    });
    assert_named(&log, "ICE failed: no pair works");
}

#[test]
fn a_path_that_breaks() {
    let log = logged(|| {
        let mut world = connected(28);
        world.blocked = true;
        run_until_state(&mut world, PeerConnectionState::Disconnected);
        let until = world.now + Duration::from_secs(30);
        world.run_until("consent expires", |w| {
            w.now >= until || w.pc(0).connection_state() == PeerConnectionState::Failed
        });
    });
    assert_named(&log, "selected, and consent checks are not answered");
    assert_named(&log, "consent expired");
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
        assert!(events.any(|event| {
            matches!(event, Event::IceCandidateError(error) if error.error_code == 701)
        }));
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
        let settled = world.ends[0].host.settle(operation);
        assert_eq!(settled.unwrap_err().name(), ExceptionName::OperationError);
    });
    assert_named(&log, "rejected: OperationError");
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
