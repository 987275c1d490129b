//! What one channel carries over emulated paths, in virtual time: the paths of the comparison with
//! other stacks (20 ms each way, with loss or a rate limit).
//!
//! `cargo run --release -p duologue-sim --example goodput`
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::time::Duration;

use duologue_base::StreamId;
use duologue_datachannel::ChannelInit;
use duologue_sim::{Link, World};

const MESSAGE: usize = 16 << 10;
const BUFFER: usize = 1 << 20;
const TIME: Duration = Duration::from_secs(10);

fn goodput(seed: u64, link: &Link) -> f64 {
    let mut world: World = World::new(seed, link.clone());
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    let from = world.open(bob, 0, ChannelInit::default());
    world.run_until(Duration::from_secs(10), |world| {
        world.host(alice).channel_on(StreamId(0)).is_some()
    });
    let end = world.now() + TIME;
    while world.now() < end {
        while world.host(bob).buffered_amount(from) < BUFFER {
            world.send_numbered(bob, from, MESSAGE);
        }
        world.run(Duration::from_millis(1));
    }
    let to = world.host(alice).channel_on(StreamId(0));
    let received = to.map_or(0, |to| world.host(alice).received(to).len());
    (received * MESSAGE) as f64 / TIME.as_secs_f64() / 1e6
}

fn main() {
    let path = Link::default().delay(Duration::from_millis(20));
    let queue = 256 << 10;
    let paths = [
        ("20 ms, 1 Gbit/s", path.clone().rate(125_000_000, 4 << 20)),
        ("20 ms, 100 Mbit/s", path.clone().rate(12_500_000, queue)),
        ("20 ms, 10 Mbit/s", path.clone().rate(1_250_000, 64 << 10)),
        (
            "20 ms, 100 Mbit/s, 1 % loss",
            path.clone().rate(12_500_000, queue).loss(0.01),
        ),
        (
            "20 ms, 100 Mbit/s, 5 % loss",
            path.clone().rate(12_500_000, queue).loss(0.05),
        ),
        (
            "20 ms, 100 Mbit/s, 5 ms of jitter",
            path.rate(12_500_000, queue)
                .jitter(Duration::from_millis(5)),
        ),
    ];
    for (name, link) in paths {
        let runs: Vec<f64> = (0..3).map(|seed| goodput(seed, &link)).collect();
        println!("{name}: {runs:.2?} MB/s");
    }
}
