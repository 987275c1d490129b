use duologue_base::Rng;
use duologue_sctp::{Config, Ppid};

use super::*;
use crate::Reliability;

const NOW: Instant = Instant::ZERO;
const STREAM: StreamId = StreamId(0);

/// One end: an association and its channels.
struct End {
    association: Association,
    channels: Channels,
}

/// A DTLS client and a server whose packets arrive at once.
struct Pair {
    client: End,
    server: End,
}

impl End {
    fn new(dtls_client: bool) -> Self {
        End::with_seed(dtls_client, u64::from(dtls_client))
    }

    fn with_seed(dtls_client: bool, seed: u64) -> Self {
        let config = Config {
            receive_window: 256 << 10,
            ..Config::default()
        };
        End {
            association: Association::new(config, Rng::from_u64(seed)),
            channels: Channels::new(dtls_client, 1 << 20),
        }
    }

    fn open(&mut self, key: u32, stream: StreamId, init: &ChannelInit) {
        let End {
            association,
            channels,
        } = self;
        channels.open(NOW, association, ChannelKey(key), stream, init);
    }

    fn send(&mut self, key: u32, data: &'static [u8]) {
        let data = Bytes::from_static(data);
        let channel = ChannelKey(key);
        self.channels
            .send(NOW, &mut self.association, channel, data, true);
    }

    fn close(&mut self, key: u32) {
        self.channels.close(&mut self.association, ChannelKey(key));
    }

    /// Sends what our own code never would.
    fn send_raw(&mut self, stream: StreamId, ppid: u32, data: &[u8]) {
        let data = Bytes::copy_from_slice(data);
        let options = SendOptions::default();
        let sent = self
            .association
            .send(NOW, stream, Ppid(ppid), data, options);
        assert_eq!(sent, Ok(()));
    }

    fn reports(&mut self) -> Vec<ChannelReport> {
        let End {
            association,
            channels,
        } = self;
        std::iter::from_fn(|| channels.poll_report(NOW, association)).collect()
    }
}

impl Pair {
    fn connected() -> Self {
        let mut pair = Pair {
            client: End::new(true),
            server: End::new(false),
        };
        pair.client.association.connect(NOW);
        pair.server.association.connect(NOW);
        pair.run();
        assert!(pair.client.channels.streams.is_some());
        pair
    }

    fn run(&mut self) {
        while carry(&mut self.client, &mut self.server) | carry(&mut self.server, &mut self.client)
        {
        }
    }

    /// A channel of the client: its key at each end is 0 and 1.
    fn open(&mut self, init: &ChannelInit) {
        self.client.open(0, STREAM, init);
        self.run();
        let announced = self.server.reports();
        assert!(matches!(announced[..], [ChannelReport::Announced { .. }]));
        self.run();
        assert_eq!(self.client.reports(), [opened(0)]);
    }
}

fn carry(from: &mut End, to: &mut End) -> bool {
    let mut any = false;
    let mut packet = Vec::new();
    while from.association.poll_packet(NOW, &mut packet) {
        any = true;
        to.association.handle_packet(NOW, &packet);
        packet.clear();
    }
    for end in [from, to] {
        while let Some(event) = end.association.poll_event() {
            end.channels.handle_event(&mut end.association, &event);
        }
    }
    any
}

fn opened(key: u32) -> ChannelReport {
    let channel = ChannelKey(key);
    ChannelReport::Opened { channel }
}

fn closing(key: u32) -> ChannelReport {
    let channel = ChannelKey(key);
    ChannelReport::Closing { channel }
}

fn closed(key: u32, error: Option<ChannelError>) -> ChannelReport {
    let channel = ChannelKey(key);
    ChannelReport::Closed { channel, error }
}

fn message(key: u32, data: &'static [u8]) -> ChannelReport {
    ChannelReport::Message {
        channel: ChannelKey(key),
        data: Bytes::from_static(data),
        binary: true,
    }
}

#[test]
fn the_end_of_a_channel_comes_behind_its_unread_messages() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send(0, b"one");
    pair.client.send(0, b"two");
    pair.client.close(0);
    pair.run();
    let read = pair.server.reports();
    assert_eq!(read, [message(1, b"one"), message(1, b"two"), closing(1)]);
    pair.run();
    assert_eq!(pair.server.reports(), [closed(1, None)]);
    assert_eq!(pair.client.reports(), [closed(0, None)]);
    assert!(pair.client.channels.is_empty() && pair.server.channels.is_empty());
}

#[test]
fn a_stream_is_used_anew_before_the_answer_to_its_reset_comes() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.close(0);
    pair.run();
    assert_eq!(pair.server.reports(), [closing(1)]);
    // The server resets its own stream, and the client's answer stays away.
    let mut ended = Vec::new();
    while ended.is_empty() && carry(&mut pair.server, &mut pair.client) {
        ended = pair.client.reports();
        if ended.is_empty() {
            carry(&mut pair.client, &mut pair.server);
        }
    }
    assert_eq!(ended, [closed(0, None)]);
    let mut answer = Vec::new();
    assert!(pair.client.association.poll_packet(NOW, &mut answer));
    pair.client.open(2, STREAM, &ChannelInit::default());
    pair.client.send(2, b"first");
    carry(&mut pair.client, &mut pair.server);
    let reports = pair.server.reports();
    assert_eq!(reports[0], closed(1, None));
    assert!(matches!(reports[1], ChannelReport::Announced { .. }));
    assert_eq!(reports[2..], [message(3, b"first")]);
    pair.server.send(3, b"second");
    pair.run();
    // Now it comes, and means nothing any more.
    pair.server.association.handle_packet(NOW, &answer);
    pair.run();
    pair.server.send(3, b"third");
    pair.run();
    assert_eq!(
        pair.client.reports(),
        [opened(2), message(2, b"second"), message(2, b"third")]
    );
    pair.client.close(2);
    pair.run();
    assert_eq!(pair.server.reports(), [closing(3)]);
    pair.run();
    assert_eq!(pair.client.reports(), [closed(2, None)]);
    assert_eq!(pair.server.reports(), [closed(3, None)]);
}

#[test]
fn unordered_messages_wait_for_the_answer() {
    let mut pair = Pair::connected();
    let init = ChannelInit {
        unordered: true,
        reliability: Reliability::MaxRetransmits(3),
        ..ChannelInit::default()
    };
    pair.client.open(0, STREAM, &init);
    let ordered = |pair: &Pair| {
        !pair.client.channels.channels[&STREAM]
            .send_options()
            .unordered
    };
    assert!(ordered(&pair));
    pair.run();
    let read = pair.server.reports();
    assert!(matches!(&read[..], [ChannelReport::Announced { init: heard, .. }] if *heard == init));
    pair.run();
    assert_eq!(pair.client.reports(), [opened(0)]);
    assert!(!ordered(&pair), "the ACK was read");
}

#[test]
fn a_message_shows_as_well_as_the_answer_that_the_peer_knows_the_channel() {
    let mut pair = Pair::connected();
    let init = ChannelInit {
        unordered: true,
        ..ChannelInit::default()
    };
    pair.client.open(0, STREAM, &init);
    pair.run();
    // The server has not read what opened the channel.
    pair.server.send_raw(STREAM, 53, b"early");
    pair.run();
    let read = pair.client.reports();
    assert_eq!(read, [opened(0), message(0, b"early")]);
    let channel = &pair.client.channels.channels[&STREAM];
    assert!(channel.send_options().unordered);
}

#[test]
fn pieces_of_the_deprecated_form_become_one_message() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send_raw(STREAM, 52, b"dep");
    pair.client.send_raw(STREAM, 52, b"reca");
    pair.client.send_raw(STREAM, 53, b"ted");
    pair.run();
    assert_eq!(pair.server.reports(), [message(1, b"deprecated")]);
    // Text among pieces of bytes: the peer is broken, and only this channel suffers.
    pair.client.send_raw(STREAM, 52, b"bin");
    pair.client.send_raw(STREAM, 51, b"text");
    pair.run();
    assert_eq!(pair.server.reports(), []);
    pair.run();
    assert_eq!(pair.client.reports(), [closing(0)]);
    pair.run();
    let error = Some(ChannelError::PeerMisbehaved);
    assert_eq!(pair.server.reports(), [closed(1, error)]);
}

/// DATA_CHANNEL_OPEN with this weight, which no [`Priority`] may have.
fn open_of_weight(weight: u16) -> Vec<u8> {
    let mut open = DcepMessage::Open(ChannelInit::default()).encode().to_vec();
    open[2..4].copy_from_slice(&weight.to_be_bytes());
    open
}

#[test]
fn a_weight_of_0_says_nothing_and_gives_the_usual_share() {
    let of_whom_it_came = |weight| {
        let mut pair = Pair::connected();
        let known = ChannelInit {
            negotiated: true,
            ..ChannelInit::default()
        };
        pair.client.open(0, STREAM, &known);
        pair.client.send_raw(STREAM, 50, &open_of_weight(weight));
        pair.run();
        assert!(matches!(
            pair.server.reports()[..],
            [ChannelReport::Announced { .. }]
        ));
        pair.server.open(0, StreamId(1), &ChannelInit::default());
        for _ in 0..60 {
            pair.server.send(1, &[7; 1000]);
            pair.server.send(0, &[7; 1000]);
        }
        pair.run();
        let mut came = pair.client.reports();
        came.retain(|it| matches!(it, ChannelReport::Message { .. }));
        came.truncate(60);
        let announced = came
            .iter()
            .filter(|it| matches!(it, ChannelReport::Message { channel, .. } if channel.0 == 0));
        announced.count()
    };
    assert!((28..=32).contains(&of_whom_it_came(0)));
    assert!((28..=32).contains(&of_whom_it_came(256)));
    assert!((18..=22).contains(&of_whom_it_came(128)));
    assert!((46..=50).contains(&of_whom_it_came(1024)));
}

#[test]
fn marks_go_by_the_channels_of_this_end_alone() {
    for weight in [0, 128, 256, 1024] {
        let mut pair = Pair::connected();
        pair.client.send_raw(STREAM, 50, &open_of_weight(weight));
        pair.run();
        assert_eq!(pair.server.reports().len(), 1);
        assert_eq!(pair.server.channels.highest_priority(), None, "{weight}");
        let init = ChannelInit {
            priority: Priority::Medium,
            ..ChannelInit::default()
        };
        pair.server.open(0, StreamId(1), &init);
        let highest = pair.server.channels.highest_priority();
        assert_eq!(highest, Some(Priority::Medium), "{weight}");
    }
}

#[test]
fn nonsense_is_counted_and_changes_nothing() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send_raw(STREAM, 50, b"\x03nonsense");
    pair.client.send_raw(STREAM, 999, b"what is this");
    pair.client
        .send_raw(StreamId(8), 50, &DcepMessage::Ack.encode());
    let open = DcepMessage::Open(ChannelInit::default()).encode();
    pair.client.send_raw(STREAM, 50, &open);
    pair.client.send_raw(StreamId(3), 50, &open);
    pair.client.send(0, b"fine");
    pair.run();
    assert_eq!(pair.server.reports(), [message(1, b"fine")]);
    let counters = pair.server.channels.counters();
    assert_eq!(counters.malformed_dcep, 1);
    assert_eq!(counters.stray_messages, 2);
    assert_eq!(counters.refused_opens, 2);
}

#[test]
fn text_that_is_not_utf_8_is_repaired() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send_raw(STREAM, 51, b"a\xffb");
    pair.run();
    let read = pair.server.reports();
    let text = "a\u{fffd}b".as_bytes();
    assert!(
        matches!(&read[..], [ChannelReport::Message { data, binary: false, .. }] if data == text)
    );
}

#[test]
fn pieces_that_never_become_a_message_are_bounded_on_all_channels_together() {
    let mut pair = Pair::connected();
    let piece: &'static [u8] = Box::leak(vec![7; 200 << 10].into_boxed_slice());
    for n in 0..20 {
        let stream = StreamId(2 * n);
        pair.client
            .open(2 * u32::from(n), stream, &ChannelInit::default());
        pair.run();
        pair.server.reports();
        pair.client.send_raw(stream, 52, piece);
        pair.run();
        pair.server.reports();
    }
    let channels = &pair.server.channels;
    assert!(
        channels.piece_bytes <= PIECE_BYTES,
        "{}",
        channels.piece_bytes
    );
    let closing = channels.channels.values().filter(|c| c.is_closing());
    assert!(closing.count() >= 5);
    pair.run();
    for end in [&mut pair.client, &mut pair.server] {
        end.reports();
    }
    pair.run();
    pair.server.reports();
    // Those that are left have what they had.
    let kept = pair.server.channels.channels.values();
    let kept: usize = kept.map(|channel| channel.piece_bytes()).sum();
    assert_eq!(pair.server.channels.piece_bytes, kept);
}

#[test]
fn an_association_begun_anew_closes_channels_behind_what_was_not_read() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send(0, b"unread");
    pair.run();
    // The peer starts over without a word.
    pair.client = End::new(true);
    pair.client.association.connect(NOW);
    pair.run();
    pair.client.open(0, STREAM, &ChannelInit::default());
    pair.run();
    let read = pair.server.reports();
    let error = Some(ChannelError::AssociationEnded { cause: None });
    assert_eq!(read[..2], [message(1, b"unread"), closed(1, error)]);
    assert!(matches!(read[2..], [ChannelReport::Announced { .. }]));
}

#[test]
fn what_was_queued_for_a_peer_that_begins_anew_is_not_for_its_next_channels() {
    for closes in [false, true] {
        let mut pair = Pair::connected();
        pair.open(&ChannelInit::default());
        for _ in 0..100 {
            pair.server.send(1, &[7; 1_000]);
        }
        if closes {
            pair.server.close(1);
        }
        pair.client = End::with_seed(true, 9);
        pair.client.association.connect(NOW);
        pair.run();
        // Nobody has read yet that the channel is no more.
        pair.server.send(1, b"late");
        pair.client.open(0, STREAM, &ChannelInit::default());
        pair.run();
        let read = pair.server.reports();
        let error = Some(ChannelError::AssociationEnded { cause: None });
        assert_eq!(read[0], closed(1, error));
        assert!(matches!(read[1..], [ChannelReport::Announced { .. }]));
        pair.server.send(3, b"new");
        pair.run();
        assert_eq!(pair.client.reports(), [opened(0), message(0, b"new")]);
        let left = std::iter::from_fn(|| pair.server.association.poll_departed());
        let left: Vec<_> = left
            .filter_map(|it| pair.server.channels.handle_departed(it))
            .collect();
        assert_eq!(left, [(ChannelKey(3), 3, 1)]);
    }
}

#[test]
fn channels_made_since_the_peer_began_anew_stay() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.client.send(0, b"unread");
    pair.run();
    pair.client = End::with_seed(true, 9);
    pair.client.association.connect(NOW);
    pair.run();
    pair.server.open(10, StreamId(1), &ChannelInit::default());
    let error = Some(ChannelError::AssociationEnded { cause: None });
    assert_eq!(
        pair.server.reports(),
        [opened(10), message(1, b"unread"), closed(1, error)]
    );
    pair.server.send(10, b"first");
    pair.run();
    let read = pair.client.reports();
    assert!(matches!(read[0], ChannelReport::Announced { .. }));
    assert_eq!(read[1..], [message(1, b"first")]);
    // Where nothing follows, they end, too.
    pair.server.channels.end(&pair.server.association, None);
    assert_eq!(pair.server.reports(), [closed(10, None)]);
}

#[test]
fn a_channel_whose_announcement_was_unread_when_the_peer_began_anew_closes_with_the_others() {
    let mut pair = Pair::connected();
    pair.client.open(0, STREAM, &ChannelInit::default());
    pair.client.send(0, b"unread");
    // Refused, as odd streams are the server's, and not reset where it was not announced.
    let open = DcepMessage::Open(ChannelInit::default()).encode();
    pair.client.send_raw(StreamId(1), 50, &open);
    pair.run();
    pair.client = End::with_seed(true, 9);
    pair.client.association.connect(NOW);
    pair.run();
    let read = pair.server.reports();
    assert!(matches!(read[0], ChannelReport::Announced { .. }));
    let error = Some(ChannelError::AssociationEnded { cause: None });
    assert_eq!(read[1..], [message(1, b"unread"), closed(1, error)]);
    assert!(!pair.server.association.is_resetting(StreamId(1)));
    // The next association has heard nothing of it.
    pair.run();
    assert_eq!(pair.client.reports(), []);
    assert_eq!(pair.client.channels.counters(), Counters::default());
    pair.client.open(0, STREAM, &ChannelInit::default());
    pair.run();
    assert!(matches!(
        pair.server.reports()[..],
        [ChannelReport::Announced { .. }]
    ));
    pair.run();
    assert_eq!(pair.client.reports(), [opened(0)]);
}

#[test]
fn a_stream_on_which_an_announcement_was_refused_is_in_use_until_it_is_reset() {
    for negotiated in [false, true] {
        let mut pair = Pair::connected();
        let open = DcepMessage::Open(ChannelInit::default()).encode();
        // Odd streams are the server's.
        let stream = StreamId(1);
        pair.client.send_raw(stream, 50, &open);
        carry(&mut pair.client, &mut pair.server);
        assert_eq!(pair.server.reports(), []);
        let init = ChannelInit {
            negotiated,
            ..ChannelInit::default()
        };
        pair.server.open(10, stream, &init);
        let error = Some(ChannelError::StreamInUse);
        assert_eq!(pair.server.reports(), [closed(10, error)]);

        pair.run();
        pair.client.reports();
        pair.run();
        pair.server.open(12, stream, &ChannelInit::default());
        pair.server.send(12, b"first");
        pair.run();
        assert_eq!(pair.server.reports(), [opened(12)]);
        let read = pair.client.reports();
        assert!(matches!(read[0], ChannelReport::Announced { .. }));
        assert_eq!(read[1..], [message(1, b"first")]);
    }
}

#[test]
fn an_association_that_ends_closes_every_channel_after_its_messages() {
    let mut pair = Pair::connected();
    pair.open(&ChannelInit::default());
    pair.server.open(10, StreamId(1), &ChannelInit::default());
    pair.run();
    assert_eq!(pair.server.reports(), [opened(10)]);
    pair.client.send(0, b"last");
    pair.run();
    pair.client.association.abort();
    pair.run();
    let error = Some(ChannelError::AssociationEnded { cause: Some(12) });
    assert_eq!(
        pair.server.reports(),
        [message(1, b"last"), closed(1, error), closed(10, error)]
    );
}
