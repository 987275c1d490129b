//! Setting up when packets come late, twice or from a peer that calls again (RFC 9260 §5.2).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{
    Association, AssociationState, Config, Event, Ppid, Reliability, SendOptions, SignalledInit,
};

const NOW: Instant = Instant::ZERO;
/// Longer than a state cookie lives.
const LONG: Duration = Duration::from_secs(70);

/// An end whose packets the test carries by hand.
struct End {
    sctp: Association,
    now: Instant,
}

impl End {
    fn new(seed: u64) -> Self {
        let mut config = Config::default();
        config.timers.handshake = Duration::from_secs(300);
        let sctp = Association::new(config, Rng::from_u64(seed));
        End { sctp, now: NOW }
    }

    fn calling(seed: u64) -> (Self, Packet) {
        let mut end = End::new(seed);
        end.sctp.connect(NOW);
        let init = end.packet();
        (end, init)
    }

    fn send(&mut self, data: &'static str) {
        self.send_with(data, SendOptions::default());
    }

    fn send_within(&mut self, data: &'static str, time: Duration) {
        let reliability = Reliability::MaxLifetime(time);
        let options = SendOptions {
            reliability,
            ..SendOptions::default()
        };
        self.send_with(data, options);
    }

    fn send_with(&mut self, data: &'static str, options: SendOptions) {
        let data = Bytes::from_static(data.as_bytes());
        let sent = self
            .sctp
            .send(self.now, StreamId(0), Ppid(51), data, options);
        sent.unwrap();
    }

    /// What it sends now, which has to be one packet.
    fn packet(&mut self) -> Packet {
        let mut packets = self.packets();
        assert_eq!(packets.len(), 1);
        packets.remove(0)
    }

    fn packets(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        loop {
            let mut packet = Vec::new();
            if !self.sctp.poll_packet(self.now, &mut packet) {
                return packets;
            }
            packets.push(packet);
        }
    }

    fn hear(&mut self, packet: &[u8]) {
        self.sctp.handle_packet(self.now, packet);
    }

    /// Takes a packet and gives the answer.
    fn answer(&mut self, packet: &[u8]) -> Packet {
        self.hear(packet);
        self.packet()
    }

    fn received(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.sctp.poll_message())
            .map(|message| message.data)
            .collect()
    }

    fn events(&mut self) -> Vec<&'static str> {
        std::iter::from_fn(|| self.sctp.poll_event())
            .map(|event| match event {
                Event::Connected { .. } => "connected",
                Event::Restarted => "restarted",
                _ => "other",
            })
            .collect()
    }

    fn is_connected(&self) -> bool {
        self.sctp.state() == AssociationState::Connected
    }
}

type Packet = Vec<u8>;

/// Carries everything until both are silent, time passing.
fn carry(a: &mut End, b: &mut End) {
    for _ in 0..100 {
        for packet in a.packets() {
            b.hear(&packet);
        }
        for packet in b.packets() {
            a.hear(&packet);
        }
        for end in [&mut *a, &mut *b] {
            end.now += Duration::from_millis(20);
            let due = end.sctp.poll_timeout().is_some_and(|at| at <= end.now);
            if due {
                end.sctp.handle_timeout(end.now);
            }
        }
    }
}

#[test]
fn a_cookie_ack_for_an_earlier_cookie_is_no_answer_to_the_next_one() {
    let (mut a, init_a) = End::calling(1);
    let (mut b, init_b) = End::calling(2);
    let init_ack = b.answer(&init_a);
    let cookie = a.answer(&init_ack);
    for end in [&mut a, &mut b] {
        end.now = NOW + LONG;
    }
    // It took too long: B says so, and that takes its time as well.
    let stale = b.answer(&cookie);
    // Meanwhile B's own call gets through to where it knows A, so that a copy of the cookie sets it
    // up, old as it is.
    let init_ack = a.answer(&init_b);
    b.hear(&init_ack);
    b.packets();
    let late_ack = b.answer(&cookie);
    assert!(b.is_connected());
    // A calls again, and the cookie that it sends back then gets lost.
    a.hear(&stale);
    let init_again = a.packet();
    let init_ack = b.answer(&init_again);
    let _lost = a.answer(&init_ack);
    a.hear(&late_ack);
    assert!(!a.is_connected(), "B has not heard of the second cookie");
}

/// Who sends data took the cookie.
#[test]
fn data_that_overtakes_the_cookie_ack_comes_after_the_news_that_the_association_is_up() {
    let (mut a, init) = End::calling(1);
    let mut b = End::new(2);
    let init_ack = b.answer(&init);
    let cookie = a.answer(&init_ack);
    let cookie_ack = b.answer(&cookie);
    b.send("early");
    let data = b.packet();
    a.hear(&data);
    assert_eq!(a.events(), ["connected"]);
    assert_eq!(a.received(), ["early"]);
    a.hear(&cookie_ack);
    assert_eq!(a.events(), [""; 0]);
}

#[test]
fn an_end_calls_again_after_a_stale_cookie_though_it_has_given_up_what_went_with_it() {
    let (mut a, init_a) = End::calling(1);
    a.send_within("too late", Duration::from_millis(100));
    let mut b = End::new(2);
    let init_ack = b.answer(&init_a);
    let cookie = a.answer(&init_ack);
    for end in [&mut a, &mut b] {
        end.now = NOW + LONG;
        end.sctp.handle_timeout(end.now);
    }
    a.packets();
    let stale = b.answer(&cookie);
    a.hear(&stale);
    a.send("in time");
    carry(&mut a, &mut b);
    assert!(a.is_connected() && b.is_connected());
    assert_eq!(b.received(), ["in time"]);
}

#[test]
fn what_went_with_a_cookie_goes_to_a_peer_that_calls_instead_of_answering() {
    let (mut a, init_a) = End::calling(1);
    a.send("early");
    let init_ack = End::new(2).answer(&init_a);
    let _lost = a.answer(&init_ack);
    let (mut b, init_b) = End::calling(3);
    let init_ack = a.answer(&init_b);
    let cookie = b.answer(&init_ack);
    a.hear(&cookie);
    carry(&mut a, &mut b);
    assert_eq!(b.received(), ["early"]);
    assert_eq!(a.events(), ["connected"]);
    assert!(a.is_connected() && b.is_connected());
}

/// A has got the cookie of a first caller, whose COOKIE ACK is lost; and the same peer's second
/// call, which it answered before.
fn called_twice() -> (End, End, End, Packet) {
    let (mut a, _) = End::calling(1);
    let (mut first, init_first) = End::calling(2);
    let (second, init_second) = End::calling(3);
    let answer_to_second = a.answer(&init_second);
    let answer_to_first = a.answer(&init_first);
    let cookie = first.answer(&answer_to_first);
    let cookie_ack = a.answer(&cookie);
    first.hear(&cookie_ack);
    assert!(a.is_connected());
    (a, first, second, answer_to_second)
}

#[test]
fn what_was_sent_to_a_peer_that_had_called_again_is_sent_again() {
    let (mut a, _, mut b, init_ack) = called_twice();
    a.send("for whom it may concern");
    let _for_the_first_call = a.packet();
    let cookie = b.answer(&init_ack);
    a.hear(&cookie);
    carry(&mut a, &mut b);
    assert_eq!(b.received(), ["for whom it may concern"]);
    assert_eq!(a.events(), ["connected"]);
}

#[test]
fn a_peer_that_calls_again_after_it_took_data_started_over() {
    let (mut a, mut first, mut b, init_ack) = called_twice();
    a.send("for the first");
    carry(&mut a, &mut first);
    assert_eq!(first.received(), ["for the first"]);
    let cookie = b.answer(&init_ack);
    a.hear(&cookie);
    assert_eq!(a.events(), ["connected", "restarted"]);
    a.send("for the second");
    carry(&mut a, &mut b);
    assert_eq!(b.received(), ["for the second"]);
}

/// An end that signalling has told of the other one.
fn signalled(seed: u64, local: &SignalledInit, remote: &SignalledInit) -> End {
    let sctp = Association::signalled(NOW, Config::default(), Rng::from_u64(seed), local, remote);
    End { sctp, now: NOW }
}

fn inits() -> [SignalledInit; 2] {
    [7, 8].map(|seed| SignalledInit::generate(&Config::default(), &mut Rng::from_u64(seed)))
}

#[test]
fn ends_that_signalling_told_of_each_other_send_data_at_once() {
    let [init_a, init_b] = inits();
    let mut a = signalled(1, &init_a, &init_b);
    let mut b = signalled(2, &init_b, &init_a);
    assert_eq!([a.events(), b.events()], [["connected"], ["connected"]]);
    assert!(a.packets().is_empty() && b.packets().is_empty());
    a.send("from a");
    b.send("from b");
    let (from_a, from_b) = (a.packet(), b.packet());
    a.hear(&from_b);
    b.hear(&from_a);
    assert_eq!([a.received(), b.received()], [["from b"], ["from a"]]);
    carry(&mut a, &mut b);
    assert!(a.is_connected() && b.is_connected());
}

#[test]
fn an_end_that_was_not_told_calls_and_is_answered() {
    let [init_a, init_b] = inits();
    for sends_first in [false, true] {
        let mut a = signalled(1, &init_a, &init_b);
        let mut b = End::new(2);
        b.sctp.connect(NOW);
        if sends_first {
            a.send("early");
        }
        carry(&mut a, &mut b);
        assert!(a.is_connected() && b.is_connected());
        a.send("from a");
        b.send("from b");
        carry(&mut a, &mut b);
        assert_eq!(b.received().last().unwrap(), "from a");
        assert_eq!(a.received(), ["from b"]);
    }
}

#[test]
fn only_a_whole_init_is_taken_from_signalling() {
    let [init, _] = inits();
    let bytes = init.as_bytes();
    assert_eq!(SignalledInit::parse(bytes), Some(init.clone()));
    for len in 0..bytes.len() {
        assert_eq!(SignalledInit::parse(&bytes[..len]), None, "{len}");
    }
    // Another kind of chunk; no tag; no streams in either direction; two chunks.
    for (at, len) in [(0, 1), (4, 4), (12, 2), (14, 2)] {
        let mut changed = bytes.to_vec();
        changed[at..at + len].fill(0);
        assert_eq!(SignalledInit::parse(&changed), None, "{at}");
    }
    let padded = bytes.len().next_multiple_of(4);
    let mut two = bytes.to_vec();
    two.resize(padded, 0);
    two.extend_from_slice(bytes);
    assert_eq!(SignalledInit::parse(&two), None);
    assert_eq!(SignalledInit::parse(&[1; 2000]), None);
}

/// The example of draft-hancke-tsvwg-snap-00, `a=sctp-init:AQAAHols3R0AUAAA/////+B5ZR3AAAAEgAgABoLA`.
#[test]
fn the_drafts_example_is_taken() {
    let chunk = [
        1, 0, 0, 30, 0x89, 0x6c, 0xdd, 0x1d, 0, 0x50, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xe0, 0x79,
        0x65, 0x1d, 0xc0, 0, 0, 4, 0x80, 8, 0, 6, 0x82, 0xc0,
    ];
    let theirs = SignalledInit::parse(&chunk).expect("an INIT");
    let [ours, _] = inits();
    let mut end = signalled(1, &ours, &theirs);
    end.send("hello");
    let packet = end.packet();
    assert_eq!(packet[4..8], [0x89, 0x6c, 0xdd, 0x1d], "their tag");
}
