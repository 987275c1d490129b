//! Whole sessions over a path that is slow, or becomes it: what is estimated, paced and shared.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::{ChannelKey, StreamId};
use duologue_datachannel::ChannelInit;
use duologue_rtp::RtcpFeedback;
use duologue_session::{
    Command, MediaCommand, MediaItem, MediaReport, Report, RtpPacketInit, SendEncoding,
};
use duologue_sim::{HostId, Link, World, for_seeds};

use crate::common::{VIDEO, receive, send};

/// Between two pictures.
const INTERVAL: Duration = Duration::from_millis(33);

/// A path of so many bits per second, 25 ms each way, whose queue holds two seconds.
fn path(kbps: u64) -> Link {
    let bytes = kbps * 125;
    let queue = 2 * bytes as usize;
    Link::default()
        .delay(Duration::from_millis(25))
        .rate(bytes, queue)
}

/// Alice sends video to Bob.
struct Call {
    world: World,
    alice: HostId,
    bob: HostId,
    /// The most that her source makes, in bits per second.
    wants: u64,
    ignores_target: bool,
    frame: u32,
    /// Bytes in parts of a byte that the last frames fell short of.
    owed: f64,
}

impl Call {
    fn new(seed: u64, link: Link, wants: u64) -> Self {
        Call::with(RtcpFeedback::TransportCc, seed, link, wants)
    }

    /// By this feedback of arrivals.
    fn with(feedback: RtcpFeedback, seed: u64, link: Link, wants: u64) -> Self {
        let mut world: World = World::new(seed, link);
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        world.run_until(Duration::from_secs(20), |world| {
            world.is_connected(alice) && world.is_connected(bob)
        });
        let feedback = [RtcpFeedback::Nack, feedback];
        receive(&mut world, bob, &feedback);
        send(&mut world, alice, &feedback);
        let mut encoding = SendEncoding::new(true);
        encoding.max_bitrate = u32::try_from(wants).ok();
        let encodings = MediaCommand::SetEncodings(vec![encoding]);
        world.command(alice, Command::Media(VIDEO, encodings));
        Call {
            world,
            alice,
            bob,
            wants,
            ignores_target: false,
            frame: 0,
            owed: 0.0,
        }
    }

    /// Bits per second that may be sent, as the statistics tell it; the first rate before they do.
    fn estimate(&self) -> u64 {
        let stats = self.world.host(self.alice).session().stats();
        let media = stats.transports[0].media.as_ref();
        let rate = media.and_then(|media| media.available_outgoing_bitrate);
        rate.unwrap_or(300_000)
    }

    /// As the last report tells it.
    fn round_trip(&self) -> Duration {
        let stats = self.world.host(self.alice).session().stats();
        let media = stats.transports[0].media.as_ref();
        let trips = media.map(|media| media.outbound[0].remote.round_trips);
        trips.and_then(|trips| trips.last).unwrap_or_default()
    }

    /// What its encoder was told that it may make.
    fn target(&self) -> u64 {
        let mut reports = self.world.host(self.alice).reports().iter().rev();
        let target = reports.find_map(|report| match report {
            Report::Media(VIDEO, MediaReport::TargetBitrates(targets)) => Some(targets[0]),
            _ => None,
        });
        target.unwrap_or(300_000)
    }

    /// One picture, as large as the encoder may make it and the source makes it.
    fn picture(&mut self) {
        let target = if self.ignores_target {
            u64::MAX
        } else {
            self.target()
        };
        let rate = target.min(self.wants);
        let bytes = rate as f64 * INTERVAL.as_secs_f64() / 8.0 + self.owed;
        let count = (bytes as usize).div_ceil(1_100).max(1);
        let size = (bytes as usize / count).max(20);
        self.owed = bytes - (size * count) as f64;
        self.frame += 1;
        let packet = |n| RtpPacketInit {
            timestamp: self.frame * 3_000,
            marker: n + 1 == count,
            payload: Bytes::from(vec![n as u8; size]),
            ..Default::default()
        };
        let packets = (0..count).map(packet).collect();
        let send = MediaCommand::SendPackets(packets);
        self.world.command(self.alice, Command::Media(VIDEO, send));
    }

    fn run(&mut self, seconds: f64) {
        let end = self.world.now() + Duration::from_secs_f64(seconds);
        while self.world.now() < end {
            self.picture();
            self.world.run(INTERVAL);
        }
    }

    /// Seconds until the estimate is so, at most `most`.
    fn until(&mut self, most: f64, holds: impl Fn(u64) -> bool) -> f64 {
        let begin = self.world.now();
        while !holds(self.estimate()) && (self.world.now() - begin).as_secs_f64() < most {
            self.run(0.01);
        }
        (self.world.now() - begin).as_secs_f64()
    }

    fn set_path(&mut self, link: Link) {
        self.world.network().set_default(link);
    }

    /// Keeps so many messages of 16 KiB waiting on a channel of Alice's, picture by picture.
    fn run_with_data(&mut self, seconds: f64, channel: ChannelKey) {
        let end = self.world.now() + Duration::from_secs_f64(seconds);
        while self.world.now() < end {
            let stats = self.world.host(self.alice).session().sctp_stats();
            let waiting = stats.map_or(0, |stats| stats.buffered_bytes);
            if waiting < 1 << 20 {
                self.world.send_numbered(self.alice, channel, 16 << 10);
            }
            self.picture();
            self.world.run(INTERVAL);
        }
    }

    /// Bytes of messages that came to Bob.
    fn data_bytes(&self) -> usize {
        let host = self.world.host(self.bob);
        let channel = host.channel_on(StreamId(1));
        let received = channel.map(|channel| host.received(channel));
        received.map_or(0, |all| all.iter().map(|one| one.data.len()).sum())
    }

    fn received_bytes(&self) -> usize {
        let items = self.world.host(self.bob).media().iter();
        let sizes = items.filter_map(|item| match item {
            MediaItem::Packet(VIDEO, packet) => Some(packet.payload.len()),
            _ => None,
        });
        sizes.sum()
    }
}

/// A source that wants 4 Mbit/s has them, and no more is asked of the path than twice what it wants.
#[test]
fn a_fast_path_is_found_within_half_a_second() {
    for_seeds(3, |seed| {
        let mut call = Call::new(seed, path(20_000), 4_000_000);
        call.run(0.5);
        assert!(call.estimate() >= 4_500_000, "{}", call.estimate());
        let before = call.received_bytes();
        call.run(4.0);
        let rate = (call.received_bytes() - before) * 8 / 4;
        assert!((3_700_000..4_100_000).contains(&rate), "{rate}");
        assert!(call.estimate() <= 13_000_000, "{}", call.estimate());
    });
}

/// Reports of RFC 8888 say as much as transport-wide feedback.
#[test]
fn arrivals_that_are_told_by_stream_tell_as_much() {
    for_seeds(3, |seed| {
        let mut call = Call::with(RtcpFeedback::Ccfb, seed, path(20_000), 4_000_000);
        call.run(0.5);
        assert!(call.estimate() >= 4_500_000, "{}", call.estimate());
        call.set_path(path(1_000));
        call.run(10.0);
        let before = call.received_bytes();
        call.run(10.0);
        let rate = (call.received_bytes() - before) * 8 / 10;
        assert!((700_000..1_000_000).contains(&rate), "{rate}");
    });
}

/// A queue that marks what waits longer than 4 ms (RFC 9332): the rate follows its marks, and
/// hardly anything waits.
#[test]
fn a_queue_that_marks_is_hardly_there() {
    for_seeds(3, |seed| {
        let link = path(4_000).marks(Duration::from_millis(4));
        let mut call = Call::with(RtcpFeedback::Ccfb, seed, link, 8_000_000);
        call.run(10.0);
        let before = (call.received_bytes(), call.world.network().stats());
        call.run(10.0);
        let after = call.world.network().stats();
        assert!(after.marked > before.1.marked, "nothing was marked");
        assert_eq!(after.lost, before.1.lost);
        let rate = (call.received_bytes() - before.0) * 8 / 10;
        assert!((2_800_000..4_000_000).contains(&rate), "{rate}");
        // 50 ms are the path's.
        let trip = call.round_trip();
        assert!(trip < Duration::from_millis(75), "{trip:?}");
    });
}

/// Where marks do not survive the path, nobody is answered by them: packets leave without.
#[test]
fn a_path_that_bleaches_is_not_sent_marks() {
    let link = path(4_000).marks(Duration::from_millis(4)).bleaches();
    let mut call = Call::with(RtcpFeedback::Ccfb, 1, link, 8_000_000);
    call.run(2.0);
    let before = call.world.network().stats().capable;
    assert!(before > 0);
    call.run(10.0);
    assert_eq!(call.world.network().stats().capable, before);
    assert!(call.estimate() > 2_000_000, "{}", call.estimate());
}

/// The drop of the issue: Chromium 156 needs 1.3 s down, and has 0.62 Mbit/s nine seconds after.
#[test]
fn a_path_that_breaks_in_is_known_within_a_second_and_found_again_within_five() {
    for_seeds(3, |seed| {
        let mut call = Call::new(seed, path(20_000), 7_000_000);
        call.run(10.0);
        assert!(call.estimate() >= 7_000_000, "{}", call.estimate());
        call.set_path(path(500));
        let fallen = call.until(3.0, |rate| rate < 500_000);
        assert!(fallen <= 0.6, "{fallen} s");
        call.run(10.0);
        assert!(call.estimate() >= 300_000, "{}", call.estimate());
        call.set_path(path(20_000));
        let risen = call.until(10.0, |rate| rate >= 3_000_000);
        assert!(risen <= 5.0, "{risen} s");
    });
}

/// The application hands over more than the path carries and the estimate allows: what waits leaves
/// within half a second all the same, and the oldest is not thrown away.
#[test]
fn who_does_not_follow_the_target_is_not_kept_waiting() {
    for_seeds(2, |seed| {
        let mut call = Call::new(seed, path(20_000), 4_000_000);
        call.ignores_target = true;
        call.run(5.0);
        call.world.run(Duration::from_secs(1));
        let rate = call.received_bytes() * 8 / 5;
        assert!((3_900_000..4_200_000).contains(&rate), "{rate}");
        let stats = call.world.host(call.alice).session().stats();
        let media = stats.transports[0].media.as_ref().expect("it has media");
        let sent = &media.outbound[0];
        let waited = sent.send_delay.as_secs_f64() / sent.counters.packets_sent as f64;
        assert!(waited < 0.1, "{waited} s");
    });
}

/// Video that wants all there is beside a channel that does, too: each has its share of what the path
/// carries, whichever began first, and together they use it.
#[test]
fn video_and_data_share_a_path() {
    for kbps in [1_000, 4_000] {
        let mut call = Call::new(1, path(kbps), 8_000_000);
        let channel = call.world.open(call.alice, 1, ChannelInit::default());
        call.run(5.0);
        for _ in 0..64 {
            call.world.send_numbered(call.alice, channel, 16 << 10);
        }
        call.run_with_data(10.0, channel);
        let before = (call.received_bytes(), call.data_bytes());
        call.run_with_data(20.0, channel);
        let rate = |bytes: usize| bytes as f64 * 8.0 / 20.0 / (kbps as f64 * 1e3);
        let video = rate(call.received_bytes() - before.0);
        let data = rate(call.data_bytes() - before.1);
        assert!(video >= 0.35 && data >= 0.35, "{video:.3} and {data:.3}");
        assert!(video + data >= 0.85, "{video:.3} and {data:.3}");
    }
}

/// A file goes over a fast path while there is a call of little video, which loses nothing by it: within
/// ten seconds it has nearly all of the path.
#[test]
fn data_has_what_video_leaves() {
    let mut call = Call::new(2, path(20_000), 800_000);
    let channel = call.world.open(call.alice, 1, ChannelInit::default());
    call.run(3.0);
    for _ in 0..64 {
        call.world.send_numbered(call.alice, channel, 16 << 10);
    }
    let mut last = (0, 0);
    for _ in 0..10 {
        let before = (call.received_bytes(), call.data_bytes());
        for _ in 0..30 {
            for _ in 0..8 {
                call.world.send_numbered(call.alice, channel, 16 << 10);
            }
            call.picture();
            call.world.run(INTERVAL);
        }
        let kbps = |bytes: usize| bytes * 8 / 990;
        last = (
            kbps(call.received_bytes() - before.0),
            kbps(call.data_bytes() - before.1),
        );
        assert!(last.0 >= 700, "{last:?}");
    }
    assert!(last.1 >= 15_000, "{last:?}");
}
