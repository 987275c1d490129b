//! Whole connections: the control planes negotiate while the data planes run.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::TransportKey;
use duologue_peer::{
    DataChannelInit, Event, IceConnectionState, MediaKind, Message, PeerConnectionState,
    SctpTransportState, SignalingState, TransceiverInit,
};
use duologue_sim::{HostId, Link, Peer, World, for_seeds};

const SECOND: Duration = Duration::from_secs(1);

type Peers = World<Peer>;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn create_channel(world: &mut Peers, host: HostId, label: &str) {
    let created = world.call(host, |pc| {
        pc.create_data_channel(label, DataChannelInit::default())
    });
    created.expect("the channel is legal");
}

fn is_connected(world: &Peers, host: HostId) -> bool {
    let pc = world.host(host).pc();
    pc.connection_state() == PeerConnectionState::Connected
        && pc.signaling_state() == SignalingState::Stable
}

fn is_open(world: &Peers, host: HostId, label: &str) -> bool {
    world.host(host).open_channel(label).is_some()
}

fn send(world: &mut Peers, host: HostId, label: &str, data: Bytes) {
    let key = world.host(host).open_channel(label).expect("open");
    let message = Message { data, binary: true };
    let sent = world.call(host, |pc| pc.send(key, message));
    sent.expect("an open channel takes messages");
}

fn transport_of_data(world: &Peers, host: HostId) -> Option<TransportKey> {
    world.host(host).pc().sctp()?.transport()
}

fn heard(world: &Peers, host: HostId, label: &str) -> usize {
    let key = world.host(host).open_channel(label);
    key.map_or(0, |key| world.host(host).messages(key).len())
}

/// Two peers with a channel "main" that is open at both ends.
fn connected(seed: u64, link: Link) -> (Peers, [HostId; 2]) {
    let mut world = Peers::new(seed, link);
    world.set_signalling_delay(millis(30));
    let peers = world.peers();
    create_channel(&mut world, peers[0], "main");
    world.run_until(SECOND * 20, |world| {
        peers
            .iter()
            .all(|&p| is_connected(world, p) && is_open(world, p, "main"))
    });
    (world, peers)
}

#[test]
fn peers_connect_under_30_percent_loss() {
    for_seeds(20, |seed| {
        let (mut world, [alice, bob]) =
            connected(seed, Link::default().delay(millis(20)).loss(0.3));
        send(&mut world, alice, "main", Bytes::from_static(b"hello"));
        send(&mut world, bob, "main", Bytes::new());
        world.run_until(SECOND * 20, |world| {
            heard(world, alice, "main") == 1 && heard(world, bob, "main") == 1
        });
    });
}

#[test]
fn glare_is_resolved_by_perfect_negotiation() {
    for_seeds(30, |seed| {
        let mut world = Peers::new(seed, Link::default().delay(millis(20)));
        let delay = millis(u64::from(world.rng().below(60)));
        world.set_signalling_delay(delay);
        let [polite, impolite] = world.peers();
        create_channel(&mut world, polite, "from polite");
        let head_start = millis(u64::from(world.rng().below(80)));
        world.run(head_start);
        create_channel(&mut world, impolite, "from impolite");
        world.run_until(SECOND * 10, |world| {
            [polite, impolite].iter().all(|&peer| {
                is_connected(world, peer)
                    && is_open(world, peer, "from polite")
                    && is_open(world, peer, "from impolite")
            })
        });
        assert_eq!(world.host(polite).ignored_offers(), 0);
    });
}

/// The group gets another transport each time (`TransportAgreement::mid`).
#[test]
fn data_flows_on_when_the_section_that_leads_the_group_is_stopped_and_recycled() {
    for_seeds(20, |seed| {
        let link = Link::default().delay(millis(15)).loss(0.02);
        let mut world = Peers::new(seed, link);
        world.set_signalling_delay(millis(30));
        let peers = world.peers();
        let add = |world: &mut Peers, at: usize| {
            let init = TransceiverInit::default();
            let added = world.call(peers[at], |pc| pc.add_transceiver(MediaKind::Audio, init));
            added.expect("a transceiver can be added")
        };
        let mut leader = (0, add(&mut world, 0));
        create_channel(&mut world, peers[0], "main");
        world.run_until(SECOND * 20, |world| {
            peers
                .iter()
                .all(|&p| is_connected(world, p) && is_open(world, p, "main"))
        });
        let mut sent = [0; 2];
        let chat = |world: &mut Peers, sent: &mut [usize; 2]| {
            for _ in 0..30 {
                let at = world.rng().below(2) as usize;
                send(world, peers[at], "main", Bytes::from(vec![1; 2000]));
                sent[at] += 1;
                let pause = millis(u64::from(world.rng().below(20)));
                world.run(pause);
            }
        };
        for _ in 0..3 {
            let (at, transceiver) = leader;
            let before = transport_of_data(&world, peers[0]);
            let stopped = world.call(peers[at], |pc| pc.stop(transceiver));
            stopped.expect("a transceiver can be stopped");
            chat(&mut world, &mut sent);
            world.run_until(SECOND * 20, |world| {
                peers.iter().all(|&p| is_connected(world, p))
                    && transport_of_data(world, peers[0]) != before
            });
            let at = world.rng().below(2) as usize;
            leader = (at, add(&mut world, at));
            chat(&mut world, &mut sent);
            world.run_until(SECOND * 20, |world| {
                heard(world, peers[1], "main") == sent[0]
                    && heard(world, peers[0], "main") == sent[1]
                    && peers.iter().all(|&peer| is_connected(world, peer))
            });
        }
    });
}

#[test]
fn both_ends_may_change_media_at_any_time_while_data_flows() {
    for_seeds(15, |seed| {
        let link = Link::default().delay(millis(15)).loss(0.02);
        let (mut world, peers) = connected(seed, link);
        let mut sent = [0; 2];
        for _ in 0..40 {
            let at = world.rng().below(2) as usize;
            let kind = if world.rng().below(2) == 0 {
                MediaKind::Audio
            } else {
                MediaKind::Video
            };
            match world.rng().below(5) {
                0 => {
                    let init = TransceiverInit::default();
                    let added = world.call(peers[at], |pc| pc.add_transceiver(kind, init));
                    added.expect("a transceiver can be added");
                }
                1 => world.call(peers[at], |pc| pc.restart_ice()),
                _ => {
                    send(&mut world, peers[at], "main", Bytes::from(vec![1; 2000]));
                    sent[at] += 1;
                }
            }
            let pause = millis(u64::from(world.rng().below(100)));
            world.run(pause);
        }
        world.run_until(SECOND * 30, |world| {
            heard(world, peers[1], "main") == sent[0]
                && heard(world, peers[0], "main") == sent[1]
                && peers.iter().all(|&peer| is_connected(world, peer))
        });
        let sections = peers.map(|peer| {
            let description = world.host(peer).pc().current_local_description();
            let sdp = description.expect("negotiated").sdp;
            sdp.lines().filter(|line| line.starts_with("m=")).count()
        });
        assert_eq!(sections[0], sections[1], "the ends agree");
    });
}

#[test]
fn closing_from_either_end_frees_both() {
    for closing in 0..2 {
        let (mut world, peers) = connected(closing as u64, Link::default());
        let other = peers[1 - closing];
        let key = world.host(other).open_channel("main").unwrap();
        world.call(peers[closing], |pc| pc.close());
        assert_eq!(world.host(peers[closing]).socket_count(), 0);
        world.run(SECOND * 2);
        let events = world.host(other).events();
        let about = |wanted: fn(&Event) -> bool| events.iter().position(wanted);
        let failed = about(|event| matches!(event, Event::ChannelError(..)));
        let closed = about(|event| matches!(event, Event::ChannelClose(..)));
        assert!(failed.is_some() && failed < closed, "{events:?}");
        assert!(events.contains(&Event::ChannelClose(key)));
        assert!(events.contains(&Event::SctpStateChange(SctpTransportState::Closed)));
        world.call(other, |pc| pc.close());
        assert_eq!(world.host(other).socket_count(), 0);
        let sent = world.network().stats().sent;
        world.run(SECOND * 1000);
        assert_eq!(world.network().stats().sent, sent, "nothing is left to say");
    }
}

#[test]
fn a_dead_path_is_seen_and_a_restart_heals_the_connection() {
    for_seeds(5, |seed| {
        let (mut world, [alice, bob]) = connected(seed, Link::default().delay(millis(10)));
        let addresses = ["198.51.100.1", "198.51.100.2"].map(|ip| ip.parse().unwrap());
        world.network().cut(addresses[0], addresses[1]);
        world.run_until(SECOND * 20, |world| {
            world.host(alice).pc().ice_connection_state() == IceConnectionState::Disconnected
        });
        world.run_until(SECOND * 40, |world| {
            world.host(alice).pc().connection_state() == PeerConnectionState::Failed
        });
        world.network().heal();
        world.call(alice, |pc| pc.restart_ice());
        world.run_until(SECOND * 10, |world| {
            is_connected(world, alice) && is_connected(world, bob)
        });
        send(&mut world, bob, "main", Bytes::from_static(b"alive"));
        world.run_until(SECOND * 10, |world| heard(world, alice, "main") == 1);
    });
}

#[test]
fn after_a_restart_the_selected_pair_is_of_the_candidates_that_it_brought() {
    let (mut world, [alice, bob]) = connected(1, Link::default().delay(millis(10)));
    let fragment = |world: &Peers, host: HostId| {
        let ice = world.host(host).pc().ice_transport(TransportKey(0));
        let ours = ice.and_then(|ice| ice.local_parameters());
        ours.map(|ours| ours.username_fragment.clone())
    };
    let selected = |world: &Peers, host: HostId| {
        let ice = world.host(host).pc().ice_transport(TransportKey(0));
        let pair = ice.and_then(|ice| ice.selected_candidate_pair());
        pair.and_then(|pair| pair.local.init.username_fragment.clone())
    };
    let before = fragment(&world, alice);
    world.call(alice, |pc| pc.restart_ice());
    world.run_until(SECOND * 10, |world| {
        fragment(world, alice) != before
            && [alice, bob]
                .iter()
                .all(|&host| selected(world, host) == fragment(world, host))
    });
}

/// The names and states of the connection's own events, in order.
fn story(world: &Peers, host: HostId) -> Vec<String> {
    let events = world.host(host).events().iter();
    let told = events.filter_map(|event| match event {
        Event::SignalingStateChange(state) => Some(format!("signaling {state}")),
        Event::IceGatheringStateChange(state) => Some(format!("gathering {state}")),
        Event::IceConnectionStateChange(state) => Some(format!("ice {state}")),
        Event::ConnectionStateChange(state) => Some(format!("connection {state}")),
        Event::DtlsStateChange(_, state) => Some(format!("dtls {state}")),
        Event::SctpStateChange(state) => Some(format!("sctp {state}")),
        Event::DataChannel(_) => Some("datachannel".to_owned()),
        Event::ChannelOpen(_) => Some("open".to_owned()),
        _ => None,
    });
    told.collect()
}

#[test]
fn events_tell_the_story_of_a_connection_in_the_specified_order() {
    let (mut world, [alice, bob]) = connected(1, Link::default().delay(millis(10)));
    world.run(SECOND);
    let offerer = [
        "signaling have-local-offer",
        "gathering gathering",
        "gathering complete",
        "signaling stable",
        "ice checking",
        "connection connecting",
        "ice connected",
        "dtls connecting",
        "ice completed",
        "dtls connected",
        "connection connected",
        "sctp connected",
        "open",
    ];
    assert_eq!(story(&world, alice), offerer);
    let answerer = [
        "signaling have-remote-offer",
        "signaling stable",
        "gathering gathering",
        "gathering complete",
        "ice checking",
        "connection connecting",
        "ice connected",
        "dtls connecting",
        "ice completed",
        "dtls connected",
        "connection connected",
        "sctp connected",
        "datachannel",
        "open",
    ];
    assert_eq!(story(&world, bob), answerer);
}
