//! What media costs in allocations, in steady state.

mod common;

use bytes::Bytes;
use common::{ID, at, paced_send_plan, receive_plan};
use duologue_allocations::Counting;
use duologue_base::{Rng, WallClock};
use duologue_media::{EncodedFrameInit, MediaItem, MediaTransport, Outlet, RtpPacketInit};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Two ends without a network between them.
struct Ends {
    sender: MediaTransport,
    receiver: MediaTransport,
    datagram: Vec<u8>,
    ms: u64,
    received: usize,
}

impl Ends {
    fn new(outlet: Outlet) -> Self {
        let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
        let mut rng = Rng::from_u64(3);
        let mut sender = MediaTransport::new(origin, rng.fork());
        let mut receiver = MediaTransport::new(origin, rng.fork());
        sender.set_send(at(0), ID, paced_send_plan());
        receiver.set_receive(at(0), ID, receive_plan(), outlet);
        Ends {
            sender,
            receiver,
            datagram: Vec::with_capacity(1_500),
            ms: 0,
            received: 0,
        }
    }

    /// All that waits goes over.
    fn deliver(&mut self) {
        let now = at(self.ms);
        let Ends {
            sender,
            receiver,
            datagram,
            ..
        } = self;
        datagram.clear();
        while sender.poll_rtp(now, 1_200, datagram).is_some() {
            let number = u64::from(u16::from_be_bytes([datagram[2], datagram[3]]));
            receiver.handle_rtp(now, now, number, datagram);
            datagram.clear();
        }
        while sender.poll_rtcp(now, datagram) {
            receiver.handle_rtcp(now, datagram);
            datagram.clear();
        }
        while receiver.poll_rtcp(now, datagram) {
            sender.handle_rtcp(now, datagram);
            datagram.clear();
        }
        receiver.handle_timeout(now);
        while let Some(item) = receiver.poll_item() {
            self.received += match item {
                MediaItem::Packet(_, packet) => packet.payload.len(),
                MediaItem::Frame(_, frame) => frame.data.len(),
                _ => 0,
            };
        }
        while receiver.poll_report().is_some() || sender.poll_report().is_some() {}
        self.ms += 10;
    }

    /// What the pacer holds back goes over, too.
    fn deliver_until(&mut self, received: usize) {
        (0..200).for_each(|_| {
            if self.received < received {
                self.deliver();
            }
        });
        assert_eq!(self.received, received);
    }

    fn numbered(&self) -> u64 {
        self.sender.stats().outbound[0].counters.packets_sent
    }
}

/// The fewest allocations of several windows: the first ones make room, and the thread that runs the
/// tests makes some of its own.
fn fewest(mut window: impl FnMut() -> u64) -> u64 {
    (0..8).map(|_| window()).min().unwrap_or_default()
}

/// One test: all threads of a program count.
#[test]
fn a_packet_costs_a_twentieth_of_an_allocation_and_a_frame_a_few() {
    let packets = of_1_000_packets();
    let frames = of_100_frames();
    // Received payloads of a thousand packets take 17 pieces of memory of 64 KiB, and whose they are is
    // told of ten times in the second.
    assert!(packets <= 60, "{packets} allocations for 1,000 packets");
    assert!(
        frames <= 400,
        "{frames} allocations for 100 frames of 18 packets"
    );
}

fn of_1_000_packets() -> u64 {
    let mut ends = Ends::new(Outlet::Packets);
    let payload = Bytes::from(vec![7; 1_100]);
    let window = || {
        let batch = |n: u32| {
            let packet = |_| RtpPacketInit {
                timestamp: n * 900,
                payload: payload.clone(),
                ..Default::default()
            };
            (0..10).map(packet).collect::<Vec<_>>()
        };
        let batches: Vec<_> = (0..100).map(batch).collect();
        let (before, received) = (ALLOCATOR.allocations(), ends.received);
        for batch in batches {
            ends.sender.send(at(ends.ms), ID, batch);
            ends.deliver();
        }
        ends.deliver_until(received + 1_000 * 1_100);
        ALLOCATOR.allocations() - before
    };
    fewest(window)
}

fn of_100_frames() -> u64 {
    let mut ends = Ends::new(Outlet::Frames);
    let data = Bytes::from(
        [
            &[0x10, 2, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0][..],
            &[9; 20_000],
        ]
        .concat(),
    );
    let window = || {
        let frame = |n: u32| {
            vec![EncodedFrameInit {
                timestamp: n * 900,
                data: data.clone(),
                ..Default::default()
            }]
        };
        let frames: Vec<_> = (0..100).map(frame).collect();
        let (before, received) = (ALLOCATOR.allocations(), ends.received);
        let packets = ends.numbered();
        for frame in frames {
            ends.sender.send_frames(at(ends.ms), ID, frame);
            ends.deliver();
        }
        ends.deliver_until(received + 100 * data.len());
        assert!(ends.numbered() - packets >= 1_700);
        ALLOCATOR.allocations() - before
    };
    fewest(window)
}
