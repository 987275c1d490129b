//! Connections over `std::net::UdpSocket`, in one thread and without any runtime:
//! `cargo run --example udp_socket --no-default-features`.
//!
//! All that a host does is here and in `machines`: it opens the sockets that a session asks for, gives it what they
//! receive and the time, and sends what it has. The same works in any event loop.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "machines/mod.rs"]
mod machines;

use std::cell::RefCell;
use std::net::{Ipv4Addr, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use duologue::sans_io::{Context, Instant, Rng, WallClock};

use machines::{End, Outcome, Sockets};

/// How long a thread waits at a socket before it looks at the next one.
const TURN: Duration = Duration::from_millis(1);

/// The sockets of one end, by their ids.
type Opened = Rc<RefCell<Vec<UdpSocket>>>;

pub(crate) fn main() -> Outcome<()> {
    let begun = std::time::Instant::now();
    let now = || Instant::from_nanos(begun.elapsed().as_nanos() as u64);
    let context = Context::new()?;
    let (mut alice, of_alice) = end(&context)?;
    let (mut bob, of_bob) = end(&context)?;

    alice.create_channel("chat")?;
    let offer = alice.describe(now())?;
    bob.peer.set_remote_description(offer);
    let answer = bob.describe(now())?;
    alice.peer.set_remote_description(answer);

    let mut greeted = false;
    while bob.messages.is_empty() {
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("no connection in 20 seconds".into());
        }
        for (end, sockets) in [(&mut alice, &of_alice), (&mut bob, &of_bob)] {
            end.run(now());
            send(end, sockets, now());
            receive(end, sockets, now)?;
            end.session.handle_timeout(now());
        }
        if alice.open && !greeted {
            greeted = true;
            alice.say(now(), "Hello, Bob")?;
        }
    }
    let text = String::from_utf8_lossy(&bob.messages[0]);
    println!("After {:?} Bob got {text:?}.", begun.elapsed());
    Ok(())
}

/// One end, whose sockets are real ones on loopback.
fn end(context: &Context) -> Outcome<(End, Opened)> {
    let opened = Opened::default();
    let kept = opened.clone();
    let sockets = Sockets::new(Ipv4Addr::LOCALHOST.into(), move |_, ip| {
        let socket = UdpSocket::bind((ip, 0)).ok()?;
        socket.set_read_timeout(Some(TURN)).ok()?;
        let addr = socket.local_addr().ok()?;
        kept.borrow_mut().push(socket);
        Some(addr)
    });
    // What identifies this end is made of it: a program takes it from the system.
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let today = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let today = WallClock::from_unix_millis(today.as_millis() as u64);
    let end = End::new(context, sockets, today, Rng::from_seed(seed))?;
    Ok((end, opened))
}

fn send(end: &mut End, sockets: &Opened, now: Instant) {
    let sockets = sockets.borrow();
    end.sockets
        .transmit(now, &mut end.session, |id, _, to, datagram| {
            // What the system does not take is lost, as on any network.
            let _ = sockets[id.0 as usize].send_to(datagram, to);
        });
}

/// Gives the session what is there.
fn receive(end: &mut End, sockets: &Opened, now: impl Fn() -> Instant) -> Outcome<()> {
    let mut buffer = [0; 2048];
    for socket in sockets.borrow().iter() {
        let to = socket.local_addr()?;
        // An error: nothing is there yet, or the ICMP error of a datagram before.
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let (now, way) = (now(), [from, to]);
            end.sockets
                .receive(now, &mut end.session, way, &mut buffer[..len]);
        }
    }
    Ok(())
}
