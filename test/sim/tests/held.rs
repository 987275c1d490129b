//! What one end of a connection holds, and can be made to hold: the table of `docs/memory.md`, measured with an
//! allocator that counts. One test, because all of a program's tests share the allocator.

use std::time::Duration;

use bytes::Bytes;
use duologue_allocations::Counting;
use duologue_datachannel::ChannelInit;
use duologue_peer::{DataChannelInit, IceCandidateInit, SessionDescription};
use duologue_sim::{HostId, Link, Peer, World};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

const SECOND: Duration = Duration::from_secs(1);
const KIB: usize = 1024;

/// Two peers with an open channel, after a minute in which the memory of handshakes goes.
fn connected(seed: u64) -> (World<Peer>, [HostId; 2]) {
    let mut world = World::<Peer>::new(seed, Link::default().delay(Duration::from_millis(5)));
    let peers = world.peers();
    open(&mut world, peers[0], "first");
    world.run(60 * SECOND);
    for peer in peers {
        assert!(world.host(peer).open_channel("first").is_some());
    }
    (world, peers)
}

fn open(world: &mut World<Peer>, peer: HostId, label: &str) {
    let made = world.call(peer, |pc| {
        pc.create_data_channel(label, DataChannelInit::default())
    });
    made.expect("the channel is legal");
}

fn grown(since: usize) -> usize {
    ALLOCATOR.live_bytes().saturating_sub(since)
}

/// One end of a connection on which nothing happens.
fn idle() -> usize {
    let before = ALLOCATOR.live_bytes();
    let world = connected(2);
    let both = grown(before);
    drop(world);
    both / 2
}

/// What an open channel adds to one end.
fn channel() -> usize {
    const CHANNELS: usize = 200;
    let (mut world, [alice, _]) = connected(3);
    let before = ALLOCATOR.live_bytes();
    for number in 0..CHANNELS {
        open(&mut world, alice, &number.to_string());
    }
    world.run(60 * SECOND);
    grown(before) / 2 / CHANNELS
}

/// Messages that a peer sends and nobody reads, as many as it may send.
fn unread() -> usize {
    let mut world: World = World::new(4, Link::default().delay(Duration::from_millis(5)));
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    world.run_until(20 * SECOND, |world| {
        world.is_connected(alice) && world.is_connected(bob)
    });
    world.set_reading(bob, false);
    let channel = world.open(alice, 0, ChannelInit::default());
    world.run(SECOND);
    let before = ALLOCATOR.live_bytes();
    // What the peer cannot send any more is its own to hold, and is one buffer that all messages share.
    let message = Bytes::from(vec![7; 64 * KIB]);
    for _ in 0..200 {
        world.send(alice, channel, message.clone(), true);
    }
    world.run(60 * SECOND);
    grown(before)
}

/// Candidates that signalling goes on and on to tell.
fn candidates() -> usize {
    let (mut world, [alice, _]) = connected(5);
    let before = ALLOCATOR.live_bytes();
    for number in 0..20_000_u32 {
        let [_, high, middle, low] = number.to_be_bytes();
        let candidate = format!("candidate:1 1 udp 1 10.{high}.{middle}.{low} 9 typ host");
        let init = IceCandidateInit {
            candidate,
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: None,
            username_fragment: None,
        };
        world.call(alice, |pc| pc.add_ice_candidate(init));
    }
    world.run(60 * SECOND);
    grown(before)
}

/// What is allocated at a time while a description is set that says as much as it can for all of its sections.
fn description() -> usize {
    let mut world = World::<Peer>::new(6, Link::default());
    let [alice, _] = world.peers();
    let mut sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n".to_owned();
    for number in 0..12_000 {
        let (id, high, low) = (number % 255 + 1, number / 256, number % 256);
        let rest = ["00"; 30].join(":");
        sdp += &format!("a=extmap:{id} urn:{number}\r\n");
        sdp += &format!("a=fingerprint:sha-256 {high:02X}:{low:02X}:{rest}\r\n");
    }
    for mid in 0..1_000 {
        sdp += &format!("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n");
    }
    let before = ALLOCATOR.live_bytes();
    ALLOCATOR.forget_peak();
    world.call(alice, |pc| {
        pc.set_remote_description(SessionDescription::offer(sdp))
    });
    world.run(SECOND);
    let applied = world.call(alice, |pc| pc.remote_description());
    assert!(applied.is_some());
    ALLOCATOR.peak_bytes().saturating_sub(before)
}

/// The rows of the table, in KiB.
fn stated() -> Vec<(String, usize)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/memory.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (what, most) = (cells.next()?, cells.next()?);
        let number: usize = most.strip_suffix(" KiB")?.replace(',', "").parse().ok()?;
        Some((what.to_owned(), number))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn the_table_of_what_a_connection_holds_is_true() {
    // What is made once is made by now.
    drop(connected(1));
    let measured = [
        ("idle, with one data channel", idle()),
        ("each further data channel", channel()),
        ("messages that nobody reads", unread()),
        ("20,000 candidates by signalling", candidates()),
        ("a description of 1.7 MB for 1,000 sections", description()),
    ];
    let stated = stated();
    let mut wrong = Vec::new();
    for (what, bytes) in measured {
        let row = stated.iter().find(|(row, _)| row == what);
        let most = row.map_or(0, |(_, kib)| kib * KIB);
        // A table that states three times as much as there is tells little.
        if bytes > most || bytes < most / 3 {
            wrong.push(format!("{what}: {bytes} bytes, stated are {most}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
