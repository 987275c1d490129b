//! One stream of video from one session to another.

use std::sync::Arc;

use duologue_base::{TransceiverId, TransportKey};
use duologue_rtp::ext::uri;
use duologue_rtp::{
    Codec, CodecParameters, Cryptex, ExtensionId, HeaderExtensionParameters, MediaKind,
    PayloadType, ReceivePlan, RtcpFeedback, RtpParameters, SendPlan, SendStream, SourceParameters,
    Ssrc,
};
use duologue_session::{Command, MediaCommand, Outlet};
use duologue_sim::{HostId, World};

pub(crate) const TRANSPORT: TransportKey = TransportKey(0);
pub(crate) const VIDEO: TransceiverId = TransceiverId(5);

fn parameters(feedback: &[RtcpFeedback]) -> RtpParameters {
    let payload_type = |number| PayloadType::new(number).expect("below 128");
    let vp8 = Codec::new(MediaKind::Video, "VP8", 90_000);
    let mut vp8 = CodecParameters::new(payload_type(96), vp8);
    vp8.feedback = feedback.to_vec();
    let rtx = Codec::rtx(MediaKind::Video, 90_000, Some(payload_type(96)));
    let extension =
        |id, uri| HeaderExtensionParameters::new(ExtensionId::new(id).expect("not 0"), uri);
    RtpParameters {
        codecs: vec![vp8, CodecParameters::new(payload_type(97), rtx)],
        header_extensions: vec![
            extension(1, uri::MID),
            extension(2, uri::TRANSPORT_SEQUENCE),
        ],
        cname: Some("somebody".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: false,
        cryptex: Cryptex::Off,
    }
}

/// A host takes packets.
pub(crate) fn receive(world: &mut World, host: HostId, feedback: &[RtcpFeedback]) {
    receive_by(world, host, parameters(feedback));
}

/// The same, of packets whose headers are encrypted or not.
pub(crate) fn receive_headers(world: &mut World, host: HostId, cryptex: Cryptex) {
    let agreed = parameters(&[]);
    receive_by(world, host, RtpParameters { cryptex, ..agreed });
}

/// A host sends packets whose headers are encrypted or not.
pub(crate) fn send_headers(world: &mut World, host: HostId, cryptex: Cryptex) {
    let agreed = parameters(&[]);
    send_by(world, host, RtpParameters { cryptex, ..agreed });
}

/// The same, and no stream of repetitions.
pub(crate) fn receive_alone(world: &mut World, host: HostId, feedback: &[RtcpFeedback]) {
    receive_by(world, host, alone(feedback));
}

fn alone(feedback: &[RtcpFeedback]) -> RtpParameters {
    let mut parameters = parameters(feedback);
    parameters.codecs.truncate(1);
    parameters
}

fn receive_by(world: &mut World, host: HostId, parameters: RtpParameters) {
    let plan = ReceivePlan {
        mid: "video".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters,
        rids: Vec::new(),
        sources: Vec::new(),
        sent_formats: Vec::new(),
    };
    let receive = MediaCommand::SetReceive {
        transport: TRANSPORT,
        plan: Arc::new(plan),
    };
    world.command(host, Command::Media(VIDEO, receive));
    let outlet = MediaCommand::SetOutlet(Outlet::Packets);
    world.command(host, Command::Media(VIDEO, outlet));
}

/// A host sends.
pub(crate) fn send(world: &mut World, host: HostId, feedback: &[RtcpFeedback]) {
    send_by(world, host, parameters(feedback));
}

/// The same, and no stream of repetitions.
pub(crate) fn send_alone(world: &mut World, host: HostId, feedback: &[RtcpFeedback]) {
    send_by(world, host, alone(feedback));
}

fn send_by(world: &mut World, host: HostId, parameters: RtpParameters) {
    let plan = SendPlan {
        mid: "video".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters,
        streams: vec![SendStream {
            rid: None,
            source: SourceParameters {
                ssrc: Ssrc(10),
                rtx: Some(Ssrc(11)),
                fec: None,
            },
        }],
    };
    let send = MediaCommand::SetSend {
        transport: TRANSPORT,
        plan: Arc::new(plan),
    };
    world.command(host, Command::Media(VIDEO, send));
}
