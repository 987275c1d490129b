//! Packets of media from one session to another, over SRTP and a network that loses some.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::StreamId;
use duologue_datachannel::ChannelInit;
use duologue_rtp::{Cryptex, RtcpFeedback};
use duologue_session::{
    Command, MediaCommand, MediaItem, MediaReport, Report, RtpPacket, RtpPacketInit,
    TransportCommand,
};
use duologue_sim::{HostId, Link, World, for_seeds};

use crate::common::{
    TRANSPORT, VIDEO, receive, receive_alone, receive_headers, send, send_alone, send_headers,
};

/// What the two ends agree on.
const FEEDBACK: &[RtcpFeedback] = &[RtcpFeedback::Nack];

fn frame(world: &mut World, host: HostId, number: u32, packets: u8) {
    let packet = |n| RtpPacketInit {
        timestamp: number * 3_000,
        marker: n + 1 == packets,
        payload: Bytes::from(vec![n; 1_100]),
        ..Default::default()
    };
    let packets = (0..packets).map(packet).collect();
    let send = MediaCommand::SendPackets(packets);
    world.command(host, Command::Media(VIDEO, send));
}

fn packets(world: &World, host: HostId) -> impl Iterator<Item = &RtpPacket> {
    let items = world.host(host).media().iter();
    items.filter_map(|item| match item {
        MediaItem::Packet(VIDEO, packet) => Some(packet),
        _ => None,
    })
}

fn distinct(world: &World, host: HostId) -> usize {
    let mut numbers: Vec<u64> = packets(world, host).map(|p| p.sequence_number).collect();
    numbers.sort_unstable();
    let all = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "a packet is handed out once");
    all
}

/// How many packets the session told its host have left.
fn left(world: &World, host: HostId) -> usize {
    let reports = world.host(host).reports().iter();
    let left = reports.map(|report| match report {
        Report::Media(_, MediaReport::Sent { items, .. }) => *items,
        _ => 0,
    });
    left.sum()
}

#[test]
fn what_has_left_is_told_before_anything_comes_back() {
    let link = Link::default().delay(Duration::from_millis(200));
    let mut world: World = World::new(1, link);
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    world.run_until(Duration::from_secs(20), |world| {
        world.is_connected(alice) && world.is_connected(bob)
    });
    receive(&mut world, bob, FEEDBACK);
    send(&mut world, alice, FEEDBACK);
    world.run(Duration::from_secs(1));

    frame(&mut world, alice, 0, 20);
    world.run(Duration::from_millis(1));

    assert_eq!(left(&world, alice), 20);
}

#[test]
fn what_waits_on_a_transport_that_goes_is_told_of() {
    let mut world: World = World::new(1, Link::default());
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    send(&mut world, alice, FEEDBACK);
    // They wait: the handshake has not even begun.
    frame(&mut world, alice, 0, 20);
    let remove = Command::Transport(TRANSPORT, TransportCommand::Remove);
    world.command(alice, remove);
    world.run(Duration::from_millis(1));
    assert_eq!(left(&world, alice), 20);
}

#[test]
fn headers_in_the_clear_do_not_come_to_who_requires_encrypted_ones() {
    for (sent, expected) in [(Cryptex::Off, 0), (Cryptex::Accepted, 20)] {
        let mut world: World = World::new(1, Link::default());
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        world.run_until(Duration::from_secs(20), |world| {
            world.is_connected(alice) && world.is_connected(bob)
        });
        receive_headers(&mut world, bob, Cryptex::Required);
        send_headers(&mut world, alice, sent);
        frame(&mut world, alice, 0, 20);
        world.run(Duration::from_secs(1));
        assert_eq!(packets(&world, bob).count(), expected);
        let refused = world.host(bob).session().counters().refused_srtp;
        assert_eq!(refused > 0, expected == 0);
    }
}

#[test]
fn packets_come_through_losses_while_data_flows() {
    for_seeds(5, |seed| {
        let link = Link::default().delay(Duration::from_millis(20)).loss(0.03);
        let mut world: World = World::new(seed, link);
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        let channel = world.open(bob, 0, ChannelInit::default());
        world.run_until(Duration::from_secs(20), |world| {
            world.is_connected(alice) && world.is_connected(bob)
        });
        receive(&mut world, bob, FEEDBACK);
        send(&mut world, alice, FEEDBACK);

        for number in 0..60 {
            frame(&mut world, alice, number, 5);
            world.send_numbered(bob, channel, 10_000);
            world.run(Duration::from_millis(33));
        }
        world.run(Duration::from_secs(5));

        // Of the very last one nobody knows that it was sent.
        let came = distinct(&world, bob);
        assert!((299..=300).contains(&came), "{came}");
        let at_alice = world.host(alice).channel_on(StreamId(0));
        let at_alice = at_alice.expect("announced");
        assert_eq!(world.host(alice).received(at_alice).len(), 60);
        assert!(packets(&world, bob).any(|packet| packet.repaired));
        let unmuted = Report::Media(VIDEO, MediaReport::Unmuted);
        let reports = world.host(bob).reports().iter();
        assert_eq!(reports.filter(|report| **report == unmuted).count(), 1);
        assert_eq!(left(&world, alice), 300);
        let counters = world.host(bob).session().counters();
        assert_eq!(counters.refused_srtp, 0);
    });
}

#[test]
fn packets_come_through_losses_without_a_stream_of_repetitions() {
    for_seeds(5, |seed| {
        let link = Link::default().delay(Duration::from_millis(20)).loss(0.03);
        let mut world: World = World::new(seed, link);
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        world.run_until(Duration::from_secs(20), |world| {
            world.is_connected(alice) && world.is_connected(bob)
        });
        receive_alone(&mut world, bob, FEEDBACK);
        send_alone(&mut world, alice, FEEDBACK);

        for number in 0..60 {
            frame(&mut world, alice, number, 5);
            world.run(Duration::from_millis(33));
        }
        world.run(Duration::from_secs(5));

        // Of the very last one nobody knows that it was sent.
        let came = distinct(&world, bob);
        let packets: Vec<&RtpPacket> = packets(&world, bob).collect();
        let numbers = packets.iter().map(|packet| packet.sequence_number);
        let (first, last) = (numbers.clone().min(), numbers.max());
        let sent = first.zip(last).map(|(first, last)| last - first + 1);
        assert_eq!(sent, Some(came as u64), "nothing is missing");
        assert!(came >= 298, "{came}");
        let late = packets.windows(2).filter(|pair| {
            let [before, after] = [pair[0], pair[1]].map(|it| it.sequence_number);
            after < before
        });
        assert!(late.count() > 0, "what was lost came later");
        let counters = world.host(bob).session().counters();
        assert!(counters.refused_srtp <= 20, "{}", counters.refused_srtp);
    });
}
