//! Two whole peers on one thread, without sockets, clocks or tasks:
//! `cargo run --example sans_io --no-default-features`.
//!
//! Time and the network are this program's. Both are pretended here, so that the run takes as long
//! as it computes and is the same every time.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "machines/mod.rs"]
mod machines;
#[path = "pretend/mod.rs"]
mod pretend;

use duologue::sans_io::{Context, Instant, Rng, WallClock};

use machines::{End, Outcome};
use pretend::Network;

pub(crate) fn main() -> Outcome<()> {
    let context = Context::new()?;
    let today = WallClock::from_unix_millis(1_700_000_000_000);
    let end = |number: u8| {
        let sockets = Network::sockets([192, 0, 2, number].into());
        End::new(&context, sockets, today, Rng::from_u64(number.into()))
    };
    let (mut alice, mut bob) = (end(1)?, end(2)?);
    let mut network = Network::default();
    let mut now = Instant::ZERO;

    alice.create_channel("chat")?;
    let offer = alice.describe(now)?;
    bob.peer.set_remote_description(offer);
    let answer = bob.describe(now)?;
    alice.peer.set_remote_description(answer);

    let mut greeted = false;
    while bob.messages.is_empty() {
        for end in [&mut alice, &mut bob] {
            end.run(now);
            network.take_from(now, &end.sockets, &mut end.session);
        }
        if alice.open && !greeted {
            greeted = true;
            alice.say(now, "Hello, Bob")?;
            continue;
        }

        let sessions = [&mut alice.session, &mut bob.session];
        now = network
            .next_moment(now, sessions)
            .ok_or("nothing happens any more")?;
        while let Some(mut flight) = network.arrived(now) {
            let mut ends = [&mut alice, &mut bob].into_iter();
            let to = ends.find(|end| end.sockets.address == flight.to.ip());
            let to = to.ok_or("a stray datagram")?;
            let way = [flight.from, flight.to];
            to.sockets
                .receive(now, &mut to.session, way, &mut flight.bytes);
        }
        for end in [&mut alice, &mut bob] {
            end.session.handle_timeout(now);
        }
    }
    let text = String::from_utf8_lossy(&bob.messages[0]);
    println!("After {now:?} of pretended time Bob got {text:?}.");
    Ok(())
}
