//! Encoded frames changed on their way: webrtc-encoded-transform.

use std::sync::Arc;

use bytes::Bytes;
use duologue_base::{Instant, TransceiverId};
use duologue_peer::{Exception, MediaKind};
use duologue_rtp::ext::{AudioLevel, CaptureTime};
use duologue_rtp::payload::{FrameSize, Parts, PayloadFormat};
use duologue_rtp::{CodecParameters, PayloadType, ReceivePlan, Rid, SendPlan, Ssrc};
use duologue_session::{Contributor, EncodedFrame, EncodedFrameInit};

use crate::connection::ConnectionHandle;
use crate::media::{RtpReceiver, RtpSender};

/// Changes the encoded frames of a sender before they become packets, or those of a receiver before
/// they are read or decoded: what a program hands to `RTCRtpScriptTransform` (webrtc-encoded-transform
/// §4). End-to-end encryption is what it is mostly for: the example `e2ee`.
///
/// ```
/// use duologue::{RtpReceiver, RtpSender, Transform, TransformFrame, Transformer};
///
/// /// Hides what is in the frames from nobody at all.
/// struct Mask(u8);
///
/// impl Transform for Mask {
///     fn transform(&mut self, mut frame: TransformFrame, transformer: &mut Transformer<'_>) {
///         // What a packetiser and a decoder look at stays: of VP8 up to ten bytes, of Opus one.
///         let clear = if frame.metadata().key { 10 } else { 3 };
///         let masked = frame.data.iter().enumerate();
///         let masked = masked.map(|(at, byte)| if at < clear { *byte } else { byte ^ self.0 });
///         frame.data = masked.collect();
///         transformer.enqueue(frame);
///     }
/// }
///
/// fn attach(sender: &RtpSender, receiver: &RtpReceiver) {
///     sender.set_transform(Some(Mask(0x5a)));
///     receiver.set_transform(Some(Mask(0x5a)));
/// }
/// # use duologue::*;
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # let _entered = runtime.enter();
/// # let (pc, _events) = PeerConnection::new(Configuration::default()).unwrap();
/// # let made = pc.add_transceiver(MediaKind::Video, Default::default()).unwrap();
/// # attach(&made.sender(), &made.receiver());
/// ```
///
/// It runs in the task of whoever writes or reads the frames, not in that of the connection: one that
/// is slow holds up this track and nothing else.
#[doc(alias = "RTCRtpScriptTransform")]
#[doc(alias = "RTCRtpTransform")]
pub trait Transform: Send + 'static {
    /// A frame, in the order in which they come. What is [enqueued](Transformer::enqueue) goes on, in
    /// that order; what is not is left out.
    fn transform(&mut self, frame: TransformFrame, transformer: &mut Transformer<'_>);
}

/// An encoded frame on its way through a [`Transform`].
#[doc(alias = "RTCEncodedVideoFrame")]
#[doc(alias = "RTCEncodedAudioFrame")]
#[derive(Clone, Debug, PartialEq)]
pub struct TransformFrame {
    /// The frame's bytes. Those that are here when it is enqueued go on.
    pub data: Bytes,
    metadata: FrameMetadata,
    /// It without its bytes.
    pub(crate) origin: Origin,
}

/// Where a frame comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Received(Box<EncodedFrame>),
    ToSend(Box<EncodedFrameInit>),
}

/// What is known of a frame (webrtc-encoded-transform §4.1 to §4.4).
#[doc(alias = "RTCEncodedFrameMetadata")]
#[doc(alias = "RTCEncodedVideoFrameMetadata")]
#[doc(alias = "RTCEncodedAudioFrameMetadata")]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FrameMetadata {
    /// `synchronizationSource`: its stream, once it is negotiated.
    pub ssrc: Option<Ssrc>,
    /// Which encoding of the sender, or which simulcast layer of the receiver.
    pub encoding: usize,
    /// The name of that, where it has one.
    pub rid: Option<Rid>,
    /// `payloadType`
    pub payload_type: Option<PayloadType>,
    /// `mimeType`: `video/VP8`.
    pub mime_type: Option<String>,
    /// `rtpTimestamp`, in units of the codec's clock.
    pub timestamp: u32,
    /// The sequence number of the first packet of what is received, extended: the low 16 bits are `sequenceNumber`.
    pub sequence_number: Option<u64>,
    /// `type` is `key`: it needs no other frame. All of audio are so.
    pub key: bool,
    /// `width` and `height`, where the frame says it: key frames do.
    pub size: Option<FrameSize>,
    /// `temporalIndex`
    pub temporal: Option<u8>,
    /// `spatialIndex`, where it is agreed on to tell
    pub spatial: Option<u8>,
    /// `frameId`, where it is agreed on to tell
    pub frame_id: Option<u64>,
    /// `dependencies`: the numbers of the frames that it needs
    pub dependencies: Vec<u64>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
    /// `audioLevel`, in dB below overload (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// `contributingSources`
    pub contributing_sources: Vec<Contributor>,
    /// `receiveTime`: when the last packet of what is received came.
    pub received: Option<Instant>,
    /// `captureTime`, by the clock of this end, as [`EncodedFrame::captured`].
    pub captured: Option<Instant>,
    /// `captureTime` by the clock of whoever captured it, and `senderCaptureTimeOffset`.
    pub capture_time: Option<CaptureTime>,
}

impl TransformFrame {
    /// `getMetadata()`
    #[doc(alias = "getMetadata")]
    pub fn metadata(&self) -> &FrameMetadata {
        &self.metadata
    }

    pub(crate) fn received(mut frame: EncodedFrame, plan: Option<&ReceivePlan>) -> Self {
        let mut codecs = plan.iter().flat_map(|plan| &plan.parameters.codecs);
        let codec = codecs.find(|codec| codec.payload_type == frame.payload_type);
        let metadata = FrameMetadata {
            ssrc: Some(frame.ssrc),
            encoding: frame.encoding,
            rid: frame.rid.clone(),
            payload_type: Some(frame.payload_type),
            mime_type: codec.map(|it| it.codec.mime_type()),
            timestamp: frame.timestamp,
            sequence_number: Some(frame.sequence_number),
            key: frame.key,
            size: frame.size,
            temporal: frame.temporal,
            spatial: frame.spatial,
            frame_id: frame.frame_id,
            dependencies: frame.dependencies.clone(),
            discardable: frame.discardable,
            audio_level: frame.audio_level,
            contributing_sources: frame.contributing_sources.clone(),
            received: Some(frame.received),
            captured: frame.captured,
            capture_time: frame.capture_time,
        };
        TransformFrame {
            data: std::mem::take(&mut frame.data),
            metadata,
            origin: Origin::Received(Box::new(frame)),
        }
    }

    /// What its encoder would tell is read off its bytes.
    pub(crate) fn to_send(mut frame: EncodedFrameInit, plan: Option<&SendPlan>) -> Self {
        let stream = plan.and_then(|plan| plan.streams.get(frame.encoding));
        let codec = plan.and_then(|plan| codec_of(plan, frame.payload_type));
        let mut metadata = FrameMetadata {
            ssrc: stream.map(|stream| stream.source.ssrc),
            encoding: frame.encoding,
            rid: stream.and_then(|stream| stream.rid.clone()),
            payload_type: codec.map(|it| it.payload_type).or(frame.payload_type),
            mime_type: codec.map(|it| it.codec.mime_type()),
            timestamp: frame.timestamp,
            sequence_number: None,
            key: plan.is_some_and(|plan| plan.kind == MediaKind::Audio),
            size: None,
            temporal: frame.temporal,
            spatial: None,
            frame_id: frame.frame_id,
            dependencies: frame.dependencies.clone().unwrap_or_default(),
            discardable: frame.discardable,
            audio_level: frame.audio_level,
            contributing_sources: frame.contributing_sources.clone(),
            received: None,
            captured: frame.captured,
            capture_time: frame.capture_time,
        };
        // In the clear they would show what a transform may encrypt.
        frame.corruption_detection = None;
        let mut parts = Parts::new();
        if let Some(codec) = codec.filter(|it| it.codec.kind == MediaKind::Video) {
            let format = PayloadFormat::of(&codec.codec);
            if format.find_parts(&frame.data, &mut parts).is_ok() {
                let info = format.frame_info(&frame.data, &parts);
                metadata.key = info.key;
                metadata.size = info.size;
                metadata.temporal = metadata.temporal.or(info.temporal);
                metadata.discardable |= info.discardable;
            }
        }
        TransformFrame {
            data: std::mem::take(&mut frame.data),
            metadata,
            origin: Origin::ToSend(Box::new(frame)),
        }
    }
}

/// The codec of a frame to send: the one it names, or the preferred one.
fn codec_of(plan: &SendPlan, named: Option<PayloadType>) -> Option<&CodecParameters> {
    let mut codecs = plan.parameters.codecs.iter();
    codecs.find(|it| match named {
        Some(named) => it.payload_type == named,
        None => it.codec.is_media(),
    })
}

/// What a [`Transform`] writes to, and asks for key frames by.
#[doc(alias = "RTCRtpScriptTransformer")]
pub struct Transformer<'a> {
    connection: &'a Arc<ConnectionHandle>,
    id: TransceiverId,
    side: Side,
    enqueued: &'a mut Vec<TransformFrame>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

impl<'a> Transformer<'a> {
    pub(crate) fn new(
        connection: &'a Arc<ConnectionHandle>,
        id: TransceiverId,
        side: Side,
        enqueued: &'a mut Vec<TransformFrame>,
    ) -> Self {
        Transformer {
            connection,
            id,
            side,
            enqueued,
        }
    }

    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Passes a frame on, this one or one that came before. One of another sender or receiver goes
    /// nowhere (§5.1, `writeEncodedData` step 2).
    pub fn enqueue(&mut self, frame: TransformFrame) {
        self.enqueued.push(frame);
    }

    /// `generateKeyFrame(rid)`: whoever encodes for this sender is to make a key frame, of the encoding
    /// with this rid or of all. Who writes [`frames`](RtpSender::frames) hears of it by
    /// [`Event::KeyFrameRequest`](crate::Event::KeyFrameRequest).
    ///
    /// # Errors
    /// `InvalidStateError` unless it is of a sender of video, `NotFoundError` if no encoding has the
    /// rid.
    #[doc(alias = "generateKeyFrame")]
    pub fn generate_key_frame(&self, rid: Option<&str>) -> Result<(), Exception> {
        if self.side != Side::Sender {
            return Err(Exception::invalid_state("nothing is sent here"));
        }
        let generate =
            |peer: &mut duologue_peer::PeerConnection| peer.generate_key_frame(self.id, rid);
        self.connection.with(|control| generate(control.peer_mut()))
    }

    /// `sendKeyFrameRequest()`: asks the peer for a key frame of each layer.
    ///
    /// # Errors
    /// `InvalidStateError` unless it is of a receiver of video that receives.
    #[doc(alias = "sendKeyFrameRequest")]
    pub fn send_key_frame_request(&self) -> Result<(), Exception> {
        if self.side != Side::Receiver {
            return Err(Exception::invalid_state("nothing is received here"));
        }
        self.connection.with(|control| {
            let peer = control.peer_mut();
            let plan = peer.media_plans().receive(self.id);
            let layers = plan.map_or(1, |(_, plan)| plan.rids.len().max(1));
            (0..layers).try_for_each(|layer| peer.send_key_frame_request(self.id, layer))
        })
    }
}

impl std::fmt::Debug for Transformer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transformer")
            .field("side", &self.side)
            .field("enqueued", &self.enqueued.len())
            .finish_non_exhaustive()
    }
}

impl RtpSender {
    /// `transform`: what changes the frames of this sender from now on, encoded from raw pictures and
    /// sound or [written](RtpSender::frames); none for none. Packets do not pass it. Not to be called
    /// by the transform itself.
    ///
    /// One that is no [`SFrameTransform`](crate::SFrameTransform) sees the frames: of a track that was captured for one
    /// peer alone (webrtc-identity §9) it is given black pictures and silence.
    pub fn set_transform<T: Transform>(&self, transform: Option<T>) {
        let queues = crate::flow::open(self.connection(), self.id());
        queues.set_transform::<EncodedFrameInit, T>(transform);
    }
}

impl RtpReceiver {
    /// `transform`: what changes the frames of this receiver from now on, before they are
    /// [read](RtpReceiver::frames) or decoded; none for none. [Packets](RtpReceiver::packets) do not
    /// pass it. Not to be called by the transform itself.
    pub fn set_transform<T: Transform>(&self, transform: Option<T>) {
        let queues = crate::flow::open(self.connection(), self.id());
        queues.set_transform::<EncodedFrame, T>(transform);
    }
}
