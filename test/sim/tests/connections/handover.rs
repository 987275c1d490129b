//! Another peer, or another certificate, takes over a connection; and the data section goes.

use std::time::Duration;

use bytes::Bytes;
use duologue_peer::{
    DataChannelInit, DataChannelState, DtlsTransportState, Event, Message, PeerConnectionState,
    SctpTransportState, SdpType, SessionDescription, SignalingState,
};
use duologue_sim::{HostId, Link, Peer, World, for_seeds};

const SECOND: Duration = Duration::from_secs(1);

type Peers = World<Peer>;

fn create_channel(world: &mut Peers, host: HostId, label: &str) {
    let created = world.call(host, |pc| {
        pc.create_data_channel(label, DataChannelInit::default())
    });
    created.expect("the channel is legal");
}

fn is_open(world: &Peers, hosts: &[HostId], label: &str) -> bool {
    let open = |host| world.host(host).open_channel(label).is_some();
    hosts.iter().all(|&host| open(host))
}

/// A message each way on a channel that is open at both ends.
fn talk(world: &mut Peers, pair: [HostId; 2], label: &str) {
    for host in pair {
        let key = world.host(host).open_channel(label).expect("open");
        let data = Bytes::from_static(b"hello");
        let message = Message { data, binary: true };
        let sent = world.call(host, |pc| pc.send(key, message));
        sent.expect("an open channel takes messages");
    }
    world.run_until(SECOND * 5, |world| {
        pair.iter().all(|&host| {
            let host = world.host(host);
            let key = host.open_channel(label).expect("still open");
            host.messages(key).len() == 1
        })
    });
}

/// Two peers that have talked over a channel "first" of each.
fn connected(seed: u64, link: Link) -> (Peers, [HostId; 2]) {
    let mut world = Peers::new(seed, link);
    world.set_signalling_delay(Duration::from_millis(25));
    let pair = world.peers();
    create_channel(&mut world, pair[0], "first");
    world.run_until(SECOND * 20, |world| is_open(world, &pair, "first"));
    talk(&mut world, pair, "first");
    (world, pair)
}

/// What the states of a peer went through since its event number `since`.
fn states(world: &Peers, host: HostId, since: usize) -> Vec<&'static str> {
    let said = world.host(host).events()[since..].iter();
    let names = said.filter_map(|event| match event {
        Event::DtlsStateChange(_, DtlsTransportState::Connecting) => Some("dtls connecting"),
        Event::DtlsStateChange(_, DtlsTransportState::Connected) => Some("dtls connected"),
        Event::SctpStateChange(SctpTransportState::Connecting) => Some("sctp connecting"),
        Event::SctpStateChange(SctpTransportState::Connected) => Some("sctp connected"),
        Event::SctpStateChange(SctpTransportState::Closed) => Some("sctp closed"),
        Event::ConnectionStateChange(PeerConnectionState::Connecting) => Some("connecting"),
        Event::ConnectionStateChange(PeerConnectionState::Connected) => Some("connected"),
        Event::ChannelOpen(_) => Some("open"),
        Event::ChannelClose(_) => Some("close"),
        Event::ChannelError(..) | Event::DtlsError(..) => Some("error"),
        _ => None,
    });
    names.collect()
}

const TAKEN_OVER: [&str; 9] = [
    "connecting",
    "dtls connecting",
    "sctp connecting",
    "close",
    "dtls connected",
    "connected",
    "sctp connected",
    "open",
    "open",
];

#[test]
fn another_callee_that_answers_the_same_offer_takes_over() {
    for_seeds(20, |seed| {
        let link = Link::default().delay(Duration::from_millis(15)).loss(0.05);
        let (mut world, [alice, bob]) = connected(seed, link);
        let since = world.host(alice).events().len();
        let carol = world.successor(alice);
        // The offer is the one that Bob knows, with the same ICE credentials.
        world.offer(alice);
        world.run_until(SECOND * 5, |world| {
            states(world, alice, since).contains(&"dtls connecting")
        });
        create_channel(&mut world, alice, "second");
        create_channel(&mut world, carol, "third");
        let pair = [alice, carol];
        world.run_until(SECOND * 20, |world| {
            is_open(world, &pair, "second") && is_open(world, &pair, "third")
        });
        talk(&mut world, pair, "second");
        talk(&mut world, pair, "third");
        assert_eq!(states(&world, alice, since), TAKEN_OVER);
        assert!(!world.host(bob).pc().is_closed());
    });
}

#[test]
fn another_caller_takes_over_with_an_ice_restart() {
    for_seeds(20, |seed| {
        let link = Link::default().delay(Duration::from_millis(15)).loss(0.05);
        let (mut world, [alice, _]) = connected(seed, link);
        let since = world.host(alice).events().len();
        let carol = world.successor(alice);
        create_channel(&mut world, carol, "second");
        let pair = [alice, carol];
        world.run_until(SECOND * 20, |world| is_open(world, &pair, "second"));
        talk(&mut world, pair, "second");
        let seen = states(&world, alice, since);
        assert!(!seen.contains(&"error"), "{seen:?}");
        for once in [
            "close",
            "dtls connected",
            "sctp connecting",
            "sctp connected",
        ] {
            let times = seen.iter().filter(|seen| **seen == once).count();
            assert_eq!(times, 1, "{once} in {seen:?}");
        }
    });
}

fn set_remote(world: &mut Peers, host: HostId, sdp_type: SdpType, sdp: String) {
    let description = SessionDescription { sdp_type, sdp };
    world.call(host, |pc| pc.set_remote_description(description));
}

fn set_local(world: &mut Peers, host: HostId) -> String {
    world.call(host, |pc| pc.set_local_description(None));
    let pc = world.host(host).pc();
    let description = pc.local_description().expect("it was just set");
    description.sdp
}

#[test]
fn a_rejected_data_section_closes_its_channels_without_an_error_and_may_come_back() {
    let (mut world, pair) = connected(1, Link::default().delay(Duration::from_millis(15)));
    let [alice, bob] = pair;
    let since = pair.map(|host| world.host(host).events().len());
    let offer = set_local(&mut world, bob);
    let rejecting = offer
        .replace("m=application 10000", "m=application 0")
        .replace("a=group:BUNDLE 0\r\n", "");
    assert!(rejecting.contains("m=application 0 "));
    set_remote(&mut world, alice, SdpType::Offer, rejecting);
    let answer = set_local(&mut world, alice);
    set_remote(&mut world, bob, SdpType::Answer, answer);
    for (host, since) in pair.into_iter().zip(since) {
        world.run(SECOND);
        let pc = world.host(host).pc();
        assert_eq!(pc.signaling_state(), SignalingState::Stable);
        assert!(pc.sctp().is_none());
        let seen = states(&world, host, since);
        let of_sctp = seen.iter().filter(|state| !state.contains("connect"));
        assert_eq!(of_sctp.collect::<Vec<_>>(), [&"sctp closed", &"close"]);
    }
    // Another channel asks for the negotiation itself.
    create_channel(&mut world, bob, "again");
    world.run_until(SECOND * 20, |world| is_open(world, &pair, "again"));
    talk(&mut world, pair, "again");
    let first = world.host(alice).pc();
    let key = duologue_base::ChannelKey(0);
    let state = first.data_channel(key).map(|channel| channel.ready_state());
    assert_eq!(state, Some(DataChannelState::Closed));
}
