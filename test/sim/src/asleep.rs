//! Machines that sleep for an hour: what their connections are worth when they wake.

use std::time::Duration;

use bytes::Bytes;
use duologue_peer::{DataChannelInit, Message};

use crate::host::HostId;
use crate::network::Link;
use crate::peer::Peer;
use crate::world::World;

type Peers = World<Peer>;

const HOUR: Duration = Duration::from_secs(3_600);
/// How long ICE may take to connect, and to find a path again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bob sleeps for an hour, or both do. Afterwards an ICE restart brings connection and channel back, with what
/// was sent right before.
///
/// Returns how many datagrams there were in the first second awake.
///
/// # Panics
/// When it is otherwise.
pub fn sleep_for_an_hour(seed: u64, both: bool) -> u64 {
    let mut world = Peers::new(seed, Link::default().delay(Duration::from_millis(20)));
    let [alice, bob] = world.peers();
    let made = world.call(alice, |pc| {
        pc.create_data_channel(LABEL, DataChannelInit::default())
    });
    made.expect("the channel is legal");
    world.run_until(PATIENCE, |world| {
        let open = |host| world.host(host).open_channel(LABEL).is_some();
        open(alice) && open(bob)
    });
    say(&mut world, alice);
    world.run_until(PATIENCE, |world| heard(world, bob) == 1);

    // It is on its way when nobody listens any more.
    say(&mut world, alice);
    world.sleep(bob);
    if both {
        world.sleep(alice);
    }
    world.run(HOUR);
    let before = world.network().stats().sent;
    world.wake(alice);
    world.wake(bob);
    world.run(Duration::from_secs(1));
    let burst = world.network().stats().sent - before;

    // Whoever wants the connection back restarts ICE, as after any failure.
    world.call(alice, |pc| pc.restart_ice());
    world.run_until(PATIENCE, |world| heard(world, bob) == 2);
    say(&mut world, bob);
    world.run_until(PATIENCE, |world| heard(world, alice) == 1);
    burst
}

const LABEL: &str = "main";

fn say(world: &mut Peers, host: HostId) {
    let channel = world.host(host).open_channel(LABEL).expect("it is open");
    let message = Message {
        data: Bytes::from_static(b"still there"),
        binary: true,
    };
    let said = world.call(host, |pc| pc.send(channel, message));
    said.expect("an open channel takes messages");
}

fn heard(world: &Peers, host: HostId) -> usize {
    let channel = world.host(host).open_channel(LABEL);
    channel.map_or(0, |channel| world.host(host).messages(channel).len())
}
