use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use duologue_base::{Instant, MdnsName, Rng};
use duologue_mdns::{Link, Mdns};

use crate::memory;

/// RFC 6762 §17: the largest message, with IP and UDP headers.
const MESSAGE_LEN: usize = 9000;
/// One query makes at most an answer to all and one to the asker.
const ANSWERS: usize = 2;

/// A host that has a name and looks for another is sent the datagram by a responder and by anybody:
/// it answers in bounds, and still finds out what it looks for.
pub fn mdns(bytes: &[u8]) {
    let _bound = memory::at_most_kib(512);
    let mut rng = Rng::from_u64(1);
    let [ours, theirs] = [(); 2].map(|()| MdnsName::random(&mut rng));
    let mut now = Instant::ZERO;
    let mut host = Mdns::default();
    host.set_links(now, &[Link(0)]);
    host.announce(now, ours, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    host.resolve(now, theirs);
    for port in [5353, 40_000] {
        now = pass(&mut host, now, Duration::from_secs(2));
        let from = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port));
        host.handle_datagram(now, Link(0), from, bytes);
        assert!(drain(&mut host, now) <= ANSWERS);
    }
    pass(&mut host, now, Duration::from_secs(60));
    let told = std::iter::from_fn(|| host.poll_event()).count();
    assert_eq!(told, 1, "the name is resolved or given up");
}

/// Lets time pass, with everything that is due meanwhile. When it is then.
fn pass(host: &mut Mdns, mut now: Instant, time: Duration) -> Instant {
    let end = now + time;
    drain(host, now);
    while let Some(at) = host.poll_timeout().filter(|at| *at < end) {
        now = now.max(at);
        host.handle_timeout(now);
        drain(host, now);
    }
    host.handle_timeout(end);
    drain(host, end);
    end
}

/// How many datagrams the host sends now.
fn drain(host: &mut Mdns, now: Instant) -> usize {
    let sent = std::iter::from_fn(|| host.poll_transmit(now));
    sent.inspect(|datagram| assert!(datagram.bytes.len() <= MESSAGE_LEN))
        .count()
}
