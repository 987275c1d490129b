//! Packets of media: what the session is told to take and to send, and what it reports of them.

use duologue_base::{Dscp, TransceiverId};
use duologue_jsep as jsep;
use duologue_session::{Command, MediaCommand, SendEncoding};

use crate::connection::Step as Effect;
use crate::{
    Event, MediaKind, MediaStreamTrackState, PeerConnection, PriorityType, RtpEncodingParameters,
};

/// The tasks of one transceiver's media.
#[derive(Debug)]
pub(crate) enum MediaTask {
    /// Packets come that the receiver takes.
    PacketsCame,
    /// The other end cannot decode without a key frame.
    KeyFrameWanted { encoding: usize },
    /// What the encoders of its sender may make is another rate.
    TargetBitrates(Vec<u64>),
}

impl PeerConnection {
    /// Tells the session what packets each transceiver takes and sends, where that is another than
    /// before.
    pub(crate) fn update_media(&mut self) {
        let mut begun = Vec::new();
        for change in self.slots.diff_media() {
            let (id, command) = command_of(change);
            if let Some(transceiver) = self.slots.transceiver_mut(id) {
                match command {
                    MediaCommand::StopReceive => transceiver.expect_packets(),
                    MediaCommand::StopSend => transceiver.set_target_bitrates(Vec::new()),
                    _ => {}
                }
            }
            if let MediaCommand::SetSend { .. } = command {
                begun.push(id);
            }
            self.command(Command::Media(id, command));
        }
        self.update_encodings(&begun);
        self.expect_packets();
    }

    /// Tells the session what `[[SendEncodings]]` say, where that is another than it knows, or may
    /// have forgotten of senders that have begun anew.
    pub(crate) fn update_encodings(&mut self, begun: &[TransceiverId]) {
        let sending = self.slots.transceivers().map(|(id, _)| id);
        let sending = sending.filter(|id| self.slots.plans().send(*id).is_some());
        let sending: Vec<TransceiverId> = sending.collect();
        let mut commands = Vec::new();
        for id in sending {
            let Some(transceiver) = self.slots.transceiver_mut(id) else {
                continue;
            };
            let kind = transceiver.kind();
            let encodings = transceiver.send_encodings().iter();
            let mut wanted: Vec<SendEncoding> = encodings.map(|it| to_send(kind, it)).collect();
            if wanted.iter().all(|it| *it == SendEncoding::default()) {
                wanted.clear();
            }
            if transceiver.tell_encodings(&wanted, begun.contains(&id)) {
                commands.push(Command::Media(id, MediaCommand::SetEncodings(wanted)));
            }
        }
        for command in commands {
            self.command(command);
        }
    }

    /// A receiver whose packets were told of already and whose track was muted since, without an
    /// end of its plan: the other end's offer to send no more was taken back.
    fn expect_packets(&mut self) {
        let slots = &self.slots;
        let waits = slots.transceivers().filter(|(id, transceiver)| {
            let track = slots.track(transceiver.receiver_track());
            transceiver.packets_came()
                && track.is_some_and(|track| track.muted())
                && slots.section(*id).is_some_and(|m| m.receptive)
        });
        for id in waits.map(|(id, _)| id).collect::<Vec<TransceiverId>>() {
            if let Some(transceiver) = self.slots.transceiver_mut(id) {
                transceiver.expect_packets();
            }
            self.command(Command::Media(id, MediaCommand::ExpectPackets));
        }
    }

    pub(crate) fn run_media(&mut self, id: TransceiverId, task: MediaTask) {
        match task {
            MediaTask::PacketsCame => self.run_packets_came(id),
            MediaTask::KeyFrameWanted { encoding } => self.run_key_frame_wanted(id, encoding),
            MediaTask::TargetBitrates(targets) => self.run_target_bitrates(id, targets),
        }
    }

    /// webrtc-pc §5.3, "[[Receptive]]": a track that is muted is unmuted by the first packets, while
    /// the latest description lets them come.
    fn run_packets_came(&mut self, id: TransceiverId) {
        let receptive = self.slots.section(id).is_some_and(|m| m.receptive);
        let Some(transceiver) = self.slots.transceiver_mut(id) else {
            return;
        };
        transceiver.note_packets();
        let track = transceiver.receiver_track().clone();
        let known = self.slots.track(&track);
        let live = known.is_some_and(|it| it.ready_state() == MediaStreamTrackState::Live);
        if receptive && live {
            self.step(Effect::SetMuted(track, false));
        }
    }

    fn run_target_bitrates(&mut self, id: TransceiverId, targets: Vec<u64>) {
        if let Some(transceiver) = self.slots.transceiver_mut(id) {
            transceiver.set_target_bitrates(targets);
            self.fire(Event::TargetBitrateChange(id));
        }
    }

    fn run_key_frame_wanted(&mut self, id: TransceiverId, encoding: usize) {
        let Some(transceiver) = self.slots.transceiver(id) else {
            return;
        };
        let rid = transceiver.send_encodings().get(encoding);
        let rid = rid.and_then(|encoding| encoding.rid.clone());
        self.fire(Event::KeyFrameRequest {
            transceiver: id,
            encoding,
            rid,
        });
    }
}

fn to_send(kind: MediaKind, encoding: &RtpEncodingParameters) -> SendEncoding {
    let mut to_send = SendEncoding::new(encoding.active);
    to_send.max_bitrate = encoding.max_bitrate;
    // webrtc-priority §3.1: each is twice the one before.
    to_send.weight = match encoding.priority {
        PriorityType::VeryLow => 1,
        PriorityType::Low => 2,
        PriorityType::Medium => 4,
        PriorityType::High => 8,
    };
    // webrtc-priority §3.2: "If networkPriority is unset, the DSCP markings of the generated packets are
    // controlled by the priority member."
    let priority = encoding.network_priority.unwrap_or(encoding.priority);
    to_send.dscp = dscp(kind, priority);
    to_send
}

/// RFC 8837 §5, table 1: of audio, and of interactive video, whose least droppable code point it takes.
fn dscp(kind: MediaKind, priority: PriorityType) -> Dscp {
    match (priority, kind) {
        (PriorityType::VeryLow, _) => Dscp::LOWER_EFFORT,
        (PriorityType::Low, _) => Dscp::DEFAULT,
        (PriorityType::Medium | PriorityType::High, MediaKind::Audio) => Dscp::EXPEDITED,
        (PriorityType::Medium, MediaKind::Video) => Dscp::assured(4, 2),
        (PriorityType::High, MediaKind::Video) => Dscp::assured(4, 1),
    }
}

fn command_of(change: jsep::MediaChange) -> (TransceiverId, MediaCommand) {
    use jsep::MediaChange as Change;
    match change {
        Change::Receive {
            id,
            transport,
            plan,
        } => (id, MediaCommand::SetReceive { transport, plan }),
        Change::Send {
            id,
            transport,
            plan,
        } => (id, MediaCommand::SetSend { transport, plan }),
        Change::StopReceive { id } => (id, MediaCommand::StopReceive),
        Change::StopSend { id } => (id, MediaCommand::StopSend),
    }
}
