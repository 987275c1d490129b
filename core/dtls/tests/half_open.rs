//! What a server holds of clients that say hello and nothing more.

use std::time::Duration;

use duologue_allocations::Counting;
use duologue_base::{DtlsRole, Instant, Rng, WallClock};
use duologue_dtls::{Context, State, Transport, Version, Versions};
use duologue_identity::{Certificate, KeygenAlgorithm};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Bytes that one of them may cost, its flight included.
const PER_CLIENT: usize = 8 << 10;

/// The same of one that also sends whatever makes a server keep something.
const PER_FLOODER: usize = 100 << 10;

fn certificate() -> Certificate {
    let (now, day) = (WallClock::default(), Duration::from_secs(86_400));
    let mut rng = Rng::from_u64(1);
    Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng).expect("a key")
}

fn hello(context: &Context, certificate: &Certificate) -> Vec<u8> {
    let mut client = Transport::new(context.clone(), certificate.clone());
    client.start(Instant::ZERO, DtlsRole::Client, Vec::new());
    let mut hello = Vec::new();
    assert!(client.poll_datagram(&mut hello));
    hello
}

/// A piece of the longest message that may come next, and records of keys that are not there yet.
fn flood(server: &mut Transport) {
    for number in 1..9_u8 {
        let mut message = vec![11, 0, 255, 255, 0, number, 0, 255, 0, 0, 0, 250];
        message.extend([7; 250]);
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number];
        record.extend((message.len() as u16).to_be_bytes());
        record.extend(message);
        server.handle_datagram(Instant::ZERO, &mut record, |_| {});
    }
    for number in 0..100 {
        let mut record = vec![0x2f, 0, number, 4, 0];
        record.resize(5 + 1024, 7);
        server.handle_datagram(Instant::ZERO, &mut record, |_| {});
    }
}

#[test]
fn ten_thousand_clients_that_say_hello_and_nothing_more_hold_little() {
    let certificate = certificate();
    for version in [Version::V12, Version::V13] {
        let context = Context::new().expect("the library works");
        let context = context.with_versions(Versions::Only(version));
        let hello = hello(&context, &certificate);
        let (mut servers, before) = (Vec::with_capacity(10_000), ALLOCATOR.live_bytes());
        for _ in 0..10_000 {
            let mut server = Transport::new(context.clone(), certificate.clone());
            server.start(Instant::ZERO, DtlsRole::Server, Vec::new());
            server.handle_datagram(Instant::ZERO, &mut hello.clone(), |_| {});
            let (mut datagram, mut answered) = (Vec::new(), 0);
            while server.poll_datagram(&mut datagram) {
                answered += 1;
            }
            assert!(answered > 0 && server.state() == State::Connecting);
            servers.push(server);
        }
        let each = (ALLOCATOR.live_bytes() - before) / servers.len();
        assert!(each <= PER_CLIENT, "{version:?}: {each}");

        let before = ALLOCATOR.live_bytes();
        let flooded = &mut servers[..100];
        for server in flooded.iter_mut() {
            flood(server);
        }
        let each = (ALLOCATOR.live_bytes() - before) / flooded.len();
        assert!(each <= PER_FLOODER, "{version:?}: {each}");
        // A server's time begins with a hello; then all of it goes.
        let late = Instant::ZERO + Duration::from_secs(31);
        for server in &mut servers {
            server.handle_timeout(late);
            assert_eq!(server.state(), State::Failed);
        }
    }
}

/// What Chromium 156 and Firefox 153 sent, a datagram a line (Debian's packages, 2026-11): the key share of
/// X25519MLKEM768 alone has 1,216 bytes.
const HELLOS: [&str; 2] = [
    include_str!("hellos/chromium-156.hex"),
    include_str!("hellos/firefox-153.hex"),
];

#[test]
fn a_browsers_hello_in_two_datagrams_is_answered_once_both_are_there() {
    let certificate = certificate();
    let context = Context::new().expect("the library works");
    for (hello, order) in HELLOS
        .into_iter()
        .flat_map(|it| [(it, [0, 1]), (it, [1, 0])])
    {
        let datagrams: Vec<_> = hello.lines().map(bytes).collect();
        assert_eq!(datagrams.len(), 2);
        let mut server = Transport::new(context.clone(), certificate.clone());
        server.start(Instant::ZERO, DtlsRole::Server, Vec::new());
        let mut answer = Vec::new();
        server.handle_datagram(Instant::ZERO, &mut datagrams[order[0]].clone(), |_| {});
        assert!(!server.poll_datagram(&mut answer));
        server.handle_datagram(Instant::ZERO, &mut datagrams[order[1]].clone(), |_| {});
        assert!(server.poll_datagram(&mut answer));
        assert_eq!(server.state(), State::Connecting);
    }
}

fn bytes(line: &str) -> Vec<u8> {
    let digits = line.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16);
    digits.map(|pair| byte(pair).expect("digits")).collect()
}
