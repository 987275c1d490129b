//! Two ends of one transport in virtual time, and a network between them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, TransceiverId, WallClock};
use duologue_media::{
    EncodedFrame, MediaItem, MediaReport, MediaTransport, Outlet, RtpPacket, RtpPacketInit,
    RtpSource,
};
use duologue_rtp::ext::uri;
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, HeaderExtensionParameters, MediaKind, PayloadType,
    ReceivePlan, RtcpFeedback, RtpParameters, SendPlan, SendStream, SourceParameters, Ssrc,
};

pub(crate) const ID: TransceiverId = TransceiverId(1);
pub(crate) const MEDIA: Ssrc = Ssrc(1_000);
pub(crate) const RTX: Ssrc = Ssrc(2_000);
pub(crate) const FEC: Ssrc = Ssrc(3_000);

pub(crate) fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

pub(crate) fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).expect("below 128")
}

pub(crate) fn video() -> RtpParameters {
    let vp8 = Codec::new(MediaKind::Video, "VP8", 90_000);
    let rtx = Codec::rtx(MediaKind::Video, 90_000, Some(payload_type(96)));
    let extension =
        |id, uri| HeaderExtensionParameters::new(ExtensionId::new(id).expect("not 0"), uri);
    RtpParameters {
        codecs: vec![
            CodecParameters {
                payload_type: payload_type(96),
                codec: vp8,
                feedback: vec![RtcpFeedback::Nack, RtcpFeedback::Pli],
            },
            CodecParameters::new(payload_type(97), rtx),
        ],
        header_extensions: vec![
            extension(1, uri::MID),
            extension(3, uri::TRANSPORT_SEQUENCE),
        ],
        cname: Some("somebody".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: false,
        cryptex: duologue_rtp::Cryptex::Off,
    }
}

fn source() -> SourceParameters {
    SourceParameters {
        ssrc: MEDIA,
        rtx: Some(RTX),
        fec: None,
    }
}

pub(crate) fn receive_plan() -> Arc<ReceivePlan> {
    Arc::new(ReceivePlan {
        mid: "v".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: video(),
        rids: Vec::new(),
        sources: Vec::new(),
        sent_formats: Vec::new(),
    })
}

pub(crate) fn send_plan() -> Arc<SendPlan> {
    Arc::new(SendPlan {
        mid: "v".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: video(),
        streams: vec![SendStream {
            rid: None,
            source: source(),
        }],
    })
}

/// The same with feedback by which the path is estimated and packets are paced.
pub(crate) fn paced_send_plan() -> Arc<SendPlan> {
    let mut plan = SendPlan::clone(&send_plan());
    let feedback = &mut plan.parameters.codecs[0].feedback;
    feedback.push(RtcpFeedback::TransportCc);
    Arc::new(plan)
}

/// A sender, a receiver, and 50 ms between them each way.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) sender: MediaTransport,
    pub(crate) receiver: MediaTransport,
    /// When it arrives, whether it is RTCP, and the packet.
    pub(crate) to_receiver: VecDeque<(u64, bool, Vec<u8>)>,
    to_sender: VecDeque<(u64, Vec<u8>)>,
    pub(crate) received: Vec<RtpPacket>,
    /// With the millisecond in which they were handed out.
    pub(crate) frames: Vec<(u64, EncodedFrame)>,
    pub(crate) reports: Vec<MediaReport>,
    /// Whose media the receiver received, and when that was told.
    pub(crate) sources: Vec<(u64, Vec<RtpSource>)>,
    pub(crate) sent_reports: Vec<MediaReport>,
    /// Nothing that is sent again arrives.
    pub(crate) lose_repetitions: bool,
    /// Nothing that the receiver says arrives.
    pub(crate) lose_feedback: bool,
    /// Milliseconds each way.
    pub(crate) delay: u64,
    /// RTP packets that went over the wire, lost ones too.
    pub(crate) sent: usize,
    /// Of these, those that went again as they were.
    pub(crate) as_they_went: Vec<Vec<u8>>,
}

pub(crate) const DELAY: u64 = 50;

impl World {
    pub(crate) fn new() -> Self {
        World::with(Outlet::Packets)
    }

    pub(crate) fn with(outlet: Outlet) -> Self {
        let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
        let mut rng = Rng::from_u64(7);
        let mut sender = MediaTransport::new(origin, rng.fork());
        let mut receiver = MediaTransport::new(origin, rng.fork());
        sender.set_send(at(0), ID, send_plan());
        receiver.set_receive(at(0), ID, receive_plan(), outlet);
        World {
            now: 0,
            sender,
            receiver,
            to_receiver: VecDeque::new(),
            to_sender: VecDeque::new(),
            received: Vec::new(),
            frames: Vec::new(),
            reports: Vec::new(),
            sources: Vec::new(),
            sent_reports: Vec::new(),
            lose_repetitions: false,
            lose_feedback: false,
            delay: DELAY,
            sent: 0,
            as_they_went: Vec::new(),
        }
    }

    /// Whose sender estimates the path.
    pub(crate) fn paced(outlet: Outlet) -> Self {
        let mut world = World::with(outlet);
        world.sender.set_send(at(0), ID, paced_send_plan());
        world
    }

    pub(crate) fn send(&mut self, count: usize) {
        let packet = |n: usize| RtpPacketInit {
            timestamp: (self.now * 90) as u32,
            marker: n + 1 == count,
            payload: Bytes::from(vec![n as u8; 1_000]),
            ..Default::default()
        };
        self.sender
            .send(at(self.now), ID, (0..count).map(packet).collect());
    }

    /// One millisecond; `lost` says which RTP packets do not arrive.
    fn step(&mut self, lost: &mut impl FnMut(usize) -> bool) {
        let now = at(self.now);
        let mut out = Vec::new();
        while let Some(polled) = self.sender.poll_rtp(now, 1_500, &mut out) {
            let packet = std::mem::take(&mut out);
            match polled.sealed {
                true => self.as_they_went.push(packet.clone()),
                false => self.sender.handle_sealed(&packet),
            }
            let repeats = packet[8..12] == RTX.0.to_be_bytes();
            if !(lost(self.sent) || repeats && self.lose_repetitions) {
                self.to_receiver
                    .push_back((self.now + self.delay, false, packet));
            }
            self.sent += 1;
        }
        while self.sender.poll_rtcp(now, &mut out) {
            let packet = std::mem::take(&mut out);
            self.to_receiver
                .push_back((self.now + self.delay, true, packet));
        }
        while self.receiver.poll_rtcp(now, &mut out) {
            let packet = std::mem::take(&mut out);
            if !self.lose_feedback {
                self.to_sender.push_back((self.now + self.delay, packet));
            }
        }
        while self.to_receiver.front().is_some_and(|p| p.0 <= self.now) {
            let (_, rtcp, packet) = self.to_receiver.pop_front().expect("one is there");
            match rtcp {
                true => self.receiver.handle_rtcp(now, &packet),
                false => {
                    let number = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
                    self.receiver.handle_rtp(now, now, number, &packet);
                }
            }
        }
        while self.to_sender.front().is_some_and(|p| p.0 <= self.now) {
            let (_, packet) = self.to_sender.pop_front().expect("one is there");
            self.sender.handle_rtcp(now, &packet);
        }
        self.receiver.handle_timeout(now);
        let due = self.receiver.poll_timeout();
        assert!(due.is_none_or(|due| due > now), "what was due is done");
        while let Some(item) = self.receiver.poll_item() {
            match item {
                MediaItem::Packet(_, packet) => self.received.push(packet),
                MediaItem::Frame(_, frame) => self.frames.push((self.now, frame)),
                _ => unreachable!("another kind of item"),
            }
        }
        let reports = std::iter::from_fn(|| self.receiver.poll_report());
        for (_, report) in reports {
            match report {
                MediaReport::Sources(sources) => self.sources.push((self.now, sources)),
                report => self.reports.push(report),
            }
        }
        let reports = std::iter::from_fn(|| self.sender.poll_report());
        self.sent_reports.extend(reports.map(|(_, report)| report));
        self.now += 1;
    }

    pub(crate) fn run(&mut self, ms: u64, mut lost: impl FnMut(usize) -> bool) {
        (0..ms).for_each(|_| self.step(&mut lost));
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.received.iter().map(|p| p.sequence_number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn sent_key_frame_requests(&self) -> usize {
        let wanted = |report: &&MediaReport| matches!(report, MediaReport::KeyFrameWanted { .. });
        self.sent_reports.iter().filter(wanted).count()
    }

    /// Both ends agree on these parameters, for media of their first codec's kind.
    pub(crate) fn agree(&mut self, parameters: RtpParameters, outlet: Outlet) {
        let now = at(self.now);
        let kind = parameters.codecs[0].codec.kind;
        let receive = ReceivePlan {
            kind,
            parameters: parameters.clone(),
            ..ReceivePlan::clone(&receive_plan())
        };
        let send = SendPlan {
            kind,
            parameters,
            ..SendPlan::clone(&send_plan())
        };
        self.receiver
            .set_receive(now, ID, Arc::new(receive), outlet);
        self.sender.set_send(now, ID, Arc::new(send));
    }

    /// These formats of repair beside VP8 and its repetitions.
    pub(crate) fn use_repairs(&mut self, formats: &[(u8, &str, Option<&str>)]) {
        self.use_repairs_with(formats, video());
    }

    /// The same, whatever VP8 and its repetitions are.
    pub(crate) fn use_repairs_with(
        &mut self,
        formats: &[(u8, &str, Option<&str>)],
        mut parameters: RtpParameters,
    ) {
        parameters.codecs.extend(formats.iter().map(repair));
        let source = SourceParameters {
            fec: Some(FEC),
            ..source()
        };
        let receive = ReceivePlan {
            parameters: parameters.clone(),
            sources: vec![source],
            ..ReceivePlan::clone(&receive_plan())
        };
        let send = SendPlan {
            parameters,
            streams: vec![SendStream { rid: None, source }],
            ..SendPlan::clone(&send_plan())
        };
        let now = at(self.now);
        self.receiver
            .set_receive(now, ID, Arc::new(receive), Outlet::Packets);
        self.sender.set_send(now, ID, Arc::new(send));
    }

    /// RED of Opus, preferred.
    pub(crate) fn use_redundant_audio(&mut self) {
        self.use_audio_as(true, Outlet::Packets);
    }

    /// Opus instead of VP8.
    pub(crate) fn use_audio(&mut self) {
        self.use_audio_as(false, Outlet::Frames);
    }

    fn use_audio_as(&mut self, redundant: bool, outlet: Outlet) {
        let opus = CodecParameters {
            payload_type: payload_type(111),
            codec: Codec {
                channels: Some(2),
                ..Codec::new(MediaKind::Audio, "opus", 48_000)
            },
            feedback: vec![RtcpFeedback::TransportCc],
        };
        let red = CodecParameters {
            payload_type: payload_type(63),
            codec: Codec {
                name: "red".to_owned(),
                sdp_fmtp_line: Some("111/111".to_owned()),
                ..opus.codec.clone()
            },
            feedback: Vec::new(),
        };
        let parameters = RtpParameters {
            codecs: match redundant {
                true => vec![red, opus],
                false => vec![opus],
            },
            ..video()
        };
        self.agree(parameters, outlet);
    }
}

fn repair(&(number, name, fmtp): &(u8, &str, Option<&str>)) -> CodecParameters {
    CodecParameters {
        payload_type: payload_type(number),
        codec: Codec {
            sdp_fmtp_line: fmtp.map(str::to_owned),
            ..Codec::new(MediaKind::Video, name, 90_000)
        },
        feedback: Vec::new(),
    }
}
