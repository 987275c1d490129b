use std::sync::Arc;

use duologue_base::TransportKey;
use duologue_media::{EncodedFrameInit, Outlet, RtpPacketInit, SendEncoding, Tone};
use duologue_rtp::{ReceivePlan, SendPlan};

/// What the media of one transceiver is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MediaCommand {
    /// What the transceiver's receiver takes from now on, on which transport. On another one than
    /// before it begins anew.
    SetReceive {
        /// The transport.
        transport: TransportKey,
        /// What is agreed on.
        plan: Arc<ReceivePlan>,
    },
    /// The transceiver's receiver takes nothing any more.
    StopReceive,
    /// What the transceiver's sender may send from now on, on which transport. Streams that it had go on.
    SetSend {
        /// The transport.
        transport: TransportKey,
        /// What is agreed on.
        plan: Arc<SendPlan>,
    },
    /// The transceiver's sender sends nothing until it is told [`MediaCommand::SetSend`] again.
    StopSend,
    /// What the application says of the streams of the transceiver's sender, in their order, after
    /// [`MediaCommand::SetSend`]. All are sent at first.
    SetEncodings(Vec<SendEncoding>),
    /// The track of the transceiver's receiver was muted though packets may come: the next one is
    /// told of as the first one was.
    ExpectPackets,
    /// The form in which the application takes what the receiver gets. It may come at any time, and
    /// holds until another one comes.
    SetOutlet(Outlet),
    /// Packets for the transceiver's sender. They are dropped while it may not send. That they have
    /// left is told either way.
    SendPackets(Vec<RtpPacketInit>),
    /// Frames for the transceiver's sender. They are dropped while it may not send.
    SendFrames(Vec<EncodedFrameInit>),
    /// A telephone key, which the transceiver's sender plays in the place of audio. It does not
    /// while it may not send.
    PlayTone(Tone),
    /// A picture of the transceiver's receiver cannot be decoded: a key frame is asked for.
    RequestKeyFrame {
        /// The index of the simulcast layer; 0 when there are none.
        encoding: usize,
    },
}
