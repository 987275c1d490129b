//! A media server that knows no description: sessions driven by commands alone, on one thread, without
//! sockets, clocks or tasks: `cargo run --example commands --no-default-features`.
//!
//! A camera sends video to the server, which hands each packet on to a viewer. What descriptions would
//! have said (credentials, fingerprints, payload types) is agreed on some other way: here by one program.
//! Time and the network are pretended.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "machines/mod.rs"]
#[allow(dead_code, reason = "no peer is here")]
mod machines;
#[path = "pretend/mod.rs"]
mod pretend;

use std::sync::Arc;
use std::time::Duration;

use duologue::sans_io::{
    Command, Context, DtlsRole, Generation, IceCredentials, IceRole, Instant, MediaCommand,
    MediaItem, Outlet, Report, Rng, Session, SessionConfig, TransportCommand, TransportReport,
    WallClock, ice, rtp,
};
use duologue::{
    Bytes, Certificate, KeygenAlgorithm, RtpPacket, RtpPacketInit, TransceiverId, TransportKey,
};

use machines::{Outcome, Sockets};
use pretend::Network;

const TRANSPORT: TransportKey = TransportKey(0);
const VIDEO: TransceiverId = TransceiverId(0);
const FIRST: Generation = Generation(0);

/// Packets that the viewer is to get.
const PACKETS: usize = 100;

/// One end of one connection.
struct End {
    session: Session,
    sockets: Sockets,
    local: IceCredentials,
    certificate: Certificate,
    /// Candidates that the other end has to know.
    candidates: Vec<ice::Candidate>,
    connected: bool,
    packets: Vec<RtpPacket>,
}

pub(crate) fn main() -> Outcome<()> {
    let context = Context::new()?;
    // The camera and the server's end of it; the server's end of the viewer, and the viewer.
    let mut ends: Vec<End> = (1..=4)
        .map(|n| End::new(&context, n))
        .collect::<Result<_, _>>()?;
    let (to_camera, to_viewer) = ends.split_at_mut(2);
    for pair in [to_camera, to_viewer] {
        let [one, other] = pair else { unreachable!() };
        one.meet(other, DtlsRole::Client);
        other.meet(one, DtlsRole::Server);
        one.send_video();
        other.receive_video();
    }

    let mut network = Network::default();
    let mut now = Instant::ZERO;
    let mut sent = 0;
    while ends[3].packets.len() < PACKETS {
        if ends.iter().all(|end| end.connected) && sent < PACKETS as u32 {
            ends[0].send(now, vec![frame(sent)]);
            sent += 1;
        }
        // The server's whole work: what came from the camera goes to the viewer.
        let came = std::mem::take(&mut ends[1].packets);
        ends[2].send(now, came.into_iter().map(forwarded).collect());

        for end in &mut ends {
            end.run(now, &mut network);
        }
        for pair in ends.chunks_mut(2) {
            let [one, other] = pair else { unreachable!() };
            one.signal_to(now, other);
            other.signal_to(now, one);
        }
        // A frame comes every 33 ms.
        let frame = now + Duration::from_millis(33);
        let sessions = ends.iter_mut().map(|end| &mut end.session);
        now = network
            .next_moment(now, sessions)
            .map_or(frame, |next| next.min(frame));
        deliver(now, &mut ends, &mut network)?;
    }
    let bytes: usize = ends[3]
        .packets
        .iter()
        .map(|packet| packet.payload.len())
        .sum();
    println!("After {now:?} of pretended time the viewer has {bytes} bytes of video.");
    Ok(())
}

fn frame(number: u32) -> RtpPacketInit {
    RtpPacketInit {
        timestamp: number * 3_000,
        marker: true,
        payload: Bytes::from(vec![number as u8; 1_000]),
        ..Default::default()
    }
}

/// Gaps stay gaps: the viewer asks for what was lost on the way to the server, too.
fn forwarded(packet: RtpPacket) -> RtpPacketInit {
    RtpPacketInit {
        sequence_number: Some(packet.sequence_number as u16),
        timestamp: packet.timestamp,
        marker: packet.marker,
        payload: packet.payload,
        ..Default::default()
    }
}

fn deliver(now: Instant, ends: &mut [End], network: &mut Network) -> Outcome<()> {
    while let Some(mut flight) = network.arrived(now) {
        let mut to = ends.iter_mut();
        let to = to
            .find(|end| end.sockets.address == flight.to.ip())
            .ok_or("a stray datagram")?;
        let way = [flight.from, flight.to];
        to.sockets
            .receive(now, &mut to.session, way, &mut flight.bytes);
    }
    for end in ends {
        end.session.handle_timeout(now);
    }
    Ok(())
}

/// What a description would say of the video.
fn parameters() -> rtp::RtpParameters {
    let vp8 = rtp::Codec::new(rtp::MediaKind::Video, "VP8", 90_000);
    let payload_type = rtp::PayloadType::new(96).expect("below 128");
    rtp::RtpParameters {
        codecs: vec![rtp::CodecParameters::new(payload_type, vp8)],
        header_extensions: Vec::new(),
        cname: Some("camera".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: false,
        cryptex: rtp::Cryptex::Off,
    }
}

impl End {
    fn new(context: &Context, number: u8) -> Outcome<Self> {
        let mut rng = Rng::from_u64(number.into());
        let today = WallClock::from_unix_millis(1_700_000_000_000);
        let day = Duration::from_secs(86_400);
        let certificate = Certificate::generate(KeygenAlgorithm::EcdsaP256, today, day, &mut rng)?;
        Ok(End {
            session: Session::new(SessionConfig::new(context.clone()), rng.fork()),
            sockets: Network::sockets([192, 0, 2, number].into()),
            local: IceCredentials::generate(&mut rng),
            certificate,
            candidates: Vec::new(),
            connected: false,
            packets: Vec::new(),
        })
    }

    fn command(&mut self, command: Command) {
        self.session.handle_command(Instant::ZERO, command);
    }

    fn transport(&mut self, command: TransportCommand) {
        self.command(Command::Transport(TRANSPORT, command));
    }

    /// What offer and answer would have agreed on.
    fn meet(&mut self, other: &End, role: DtlsRole) {
        self.transport(TransportCommand::Add {
            generation: FIRST,
            local: self.local.clone(),
            role: match role {
                DtlsRole::Client => IceRole::Controlling,
                DtlsRole::Server => IceRole::Controlled,
            },
            certificates: self.certificate.clone().into(),
        });
        self.transport(TransportCommand::SetRemoteIce {
            generation: FIRST,
            remote: other.local.clone(),
            options: ice::RemoteOptions::default(),
        });
        self.transport(TransportCommand::StartDtls {
            role,
            fingerprints: other.certificate.fingerprints().to_vec(),
        });
    }

    fn send_video(&mut self) {
        let plan = rtp::SendPlan {
            mid: "video".parse().expect("a mid"),
            kind: rtp::MediaKind::Video,
            parameters: parameters(),
            streams: vec![rtp::SendStream {
                rid: None,
                source: rtp::SourceParameters {
                    ssrc: rtp::Ssrc(1),
                    rtx: None,
                    fec: None,
                },
            }],
        };
        let (transport, plan) = (TRANSPORT, Arc::new(plan));
        self.command(Command::Media(
            VIDEO,
            MediaCommand::SetSend { transport, plan },
        ));
    }

    fn receive_video(&mut self) {
        let plan = rtp::ReceivePlan {
            mid: "video".parse().expect("a mid"),
            kind: rtp::MediaKind::Video,
            parameters: parameters(),
            rids: Vec::new(),
            sources: Vec::new(),
            sent_formats: Vec::new(),
        };
        let (transport, plan) = (TRANSPORT, Arc::new(plan));
        self.command(Command::Media(
            VIDEO,
            MediaCommand::SetReceive { transport, plan },
        ));
        let outlet = MediaCommand::SetOutlet(Outlet::Packets);
        self.command(Command::Media(VIDEO, outlet));
    }

    fn send(&mut self, now: Instant, packets: Vec<RtpPacketInit>) {
        let send = Command::Media(VIDEO, MediaCommand::SendPackets(packets));
        self.session.handle_command(now, send);
    }

    /// Tells the other end the candidates that were gathered.
    fn signal_to(&mut self, now: Instant, other: &mut End) {
        for candidate in self.candidates.drain(..) {
            let add = TransportCommand::AddRemoteCandidate {
                generation: FIRST,
                candidate: Box::new(candidate),
            };
            let add = Command::Transport(TRANSPORT, add);
            other.session.handle_command(now, add);
        }
    }

    /// Does what the session asks for and takes what it has.
    fn run(&mut self, now: Instant, network: &mut Network) {
        while let Some(action) = self.session.poll_action() {
            self.sockets.act(now, &mut self.session, action);
        }
        while let Some(report) = self.session.poll_report() {
            match report {
                Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) => {
                    self.candidates.push(*candidate);
                }
                Report::Transport(_, TransportReport::DtlsState { state }) => {
                    self.connected =
                        matches!(state, duologue::sans_io::DtlsReport::Connected { .. });
                }
                _ => {}
            }
        }
        while let Some(item) = self.session.poll_media() {
            if let MediaItem::Packet(_, packet) = item {
                self.packets.push(packet);
            }
        }
        network.take_from(now, &self.sockets, &mut self.session);
    }
}
