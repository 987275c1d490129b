use duologue_base::TransportKey;
use duologue_jsep as jsep;
use duologue_session::SendEncoding;
use jsep::agreement::MediaAgreement;

use super::Dtmf;
use crate::methods::MadeBy;
use crate::{
    DegradationPreference, MediaKind, MediaStreamId, Rejection, RtpEncodingParameters,
    RtpSendParameters, Track, TrackId,
};

/// The slots of a transceiver, its sender and its receiver that no description and no intent of
/// the application says.
#[derive(Debug)]
pub(crate) struct Transceiver {
    kind: MediaKind,
    /// `[[SenderTransport]]` and `[[ReceiverTransport]]`. They differ only without rtcp-mux.
    transport: Option<TransportKey>,
    made_by: MadeBy,
    /// `[[CurrentDirection]]` had sending in it once.
    has_sent: bool,
    /// Why an answer rejected its m-section; kept when the transceiver has none any more.
    rejection: Option<Rejection>,
    /// What the application wanted when the transceiver left the set of transceivers.
    removed: Option<jsep::TransceiverIntent>,

    /// `[[SenderTrack]]`
    sender_track: Option<Track>,
    /// `[[SendEncodings]]`
    send_encodings: Vec<RtpEncodingParameters>,
    /// What the session was told of them; nothing while all are sent.
    told_encodings: Vec<SendEncoding>,
    /// What the encoder of each may make now, in bits per second; none before that is known.
    target_bitrates: Vec<u64>,
    /// `[[LastStableRidlessSendEncodings]]`
    last_stable_ridless: Option<Vec<RtpEncodingParameters>>,
    /// `[[LastReturnedParameters]]`
    last_returned_parameters: Option<RtpSendParameters>,
    degradation_preference: Option<DegradationPreference>,
    /// `[[Dtmf]]`, of audio.
    dtmf: Dtmf,

    /// `[[ReceiverTrack]]`
    receiver_track: TrackId,
    /// `[[AssociatedRemoteMediaStreams]]`
    remote_streams: Vec<MediaStreamId>,
    /// The session has told of packets since the receiver's plan began, or since the track was muted.
    packets_came: bool,
    /// `[[JitterBufferTarget]]`, in milliseconds.
    jitter_buffer_target: Option<f64>,
}

impl Transceiver {
    pub(crate) fn new(
        kind: MediaKind,
        made_by: MadeBy,
        sender_track: Option<Track>,
        send_encodings: Vec<RtpEncodingParameters>,
        receiver_track: TrackId,
    ) -> Self {
        Transceiver {
            kind,
            transport: None,
            made_by,
            has_sent: false,
            rejection: None,
            removed: None,
            sender_track,
            send_encodings,
            told_encodings: Vec::new(),
            target_bitrates: Vec::new(),
            last_stable_ridless: None,
            last_returned_parameters: None,
            degradation_preference: None,
            dtmf: Dtmf::default(),
            receiver_track,
            remote_streams: Vec::new(),
            packets_came: false,
            jitter_buffer_target: None,
        }
    }

    pub(crate) fn kind(&self) -> MediaKind {
        self.kind
    }

    pub(crate) fn made_by(&self) -> MadeBy {
        self.made_by
    }

    /// `[[SenderTransport]]` and `[[ReceiverTransport]]`
    pub(crate) fn transport(&self) -> Option<TransportKey> {
        self.transport
    }

    pub(crate) fn set_transport(&mut self, transport: Option<TransportKey>) {
        self.transport = transport;
    }

    /// Why an answer rejected its m-section.
    pub(crate) fn rejection(&self) -> Option<Rejection> {
        self.rejection
    }

    /// What an answer makes of its m-section. Returns why it rejects that, if none did before.
    pub(crate) fn note_answer(&mut self, section: &MediaAgreement) -> Option<Rejection> {
        let before = self.rejection;
        // A section that is offered as rejected has no reason any more.
        self.rejection = before.or(section.rejection).filter(|_| section.rejected);
        section.rejection.filter(|_| before.is_none())
    }

    /// It leaves the set of transceivers: what the application wanted of it.
    pub(super) fn leave(&mut self, intent: jsep::TransceiverIntent) {
        self.removed = Some(intent);
    }

    /// What the application wanted when the transceiver left the set of transceivers.
    pub(super) fn removed(&self) -> Option<&jsep::TransceiverIntent> {
        self.removed.as_ref()
    }

    pub(super) fn removed_mut(&mut self) -> Option<&mut jsep::TransceiverIntent> {
        self.removed.as_mut()
    }

    /// `[[CurrentDirection]]` had sending in it once.
    pub(crate) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// `[[CurrentDirection]]` has sending in it.
    pub(crate) fn note_sending(&mut self) {
        self.has_sent = true;
    }
}

/// The sender.
impl Transceiver {
    /// `[[SenderTrack]]`
    pub(crate) fn sender_track(&self) -> Option<&Track> {
        self.sender_track.as_ref()
    }

    /// Returns the track that was there.
    pub(crate) fn set_sender_track(&mut self, track: Option<Track>) -> Option<Track> {
        std::mem::replace(&mut self.sender_track, track)
    }

    /// `[[SendEncodings]]`: they are set by
    /// [`Slots::set_send_encodings`](super::Slots::set_send_encodings).
    pub(crate) fn send_encodings(&self) -> &[RtpEncodingParameters] {
        &self.send_encodings
    }

    pub(super) fn set_send_encodings(&mut self, encodings: Vec<RtpEncodingParameters>) {
        self.send_encodings = encodings;
    }

    /// "For each encoding in [[SendEncodings]], if encoding.codec does not match any entry in codecs,
    /// remove encoding.codec."
    pub(crate) fn prune_codecs(&mut self, codecs: &[jsep::CodecParameters]) {
        for encoding in &mut self.send_encodings {
            encoding.codec = encoding.codec.take().filter(|codec| {
                codecs
                    .iter()
                    .any(|negotiated| codec.matches_ignoring_asymmetry(&negotiated.codec))
            });
        }
    }

    /// The session is to be told of these. Returns whether it is to be told: it knows others, or
    /// `forgot` what it knew.
    pub(crate) fn tell_encodings(&mut self, wanted: &[SendEncoding], forgot: bool) -> bool {
        let forgot = forgot && !self.told_encodings.is_empty();
        let tell = forgot || wanted != self.told_encodings;
        if tell {
            self.told_encodings = wanted.to_vec();
        }
        tell
    }

    /// What the encoder of each encoding may make now, in bits per second.
    pub(crate) fn target_bitrates(&self) -> &[u64] {
        &self.target_bitrates
    }

    /// None: nothing is known of them any more.
    pub(crate) fn set_target_bitrates(&mut self, targets: Vec<u64>) {
        self.target_bitrates = targets;
    }

    /// `[[LastStableRidlessSendEncodings]]`
    pub(crate) fn last_stable_ridless(&self) -> Option<&[RtpEncodingParameters]> {
        self.last_stable_ridless.as_deref()
    }

    /// The state is stable, and an offer comes: `[[SendEncodings]]`, if they have no rids.
    pub(crate) fn remember_ridless(&mut self) {
        self.last_stable_ridless = match self.send_encodings.as_slice() {
            [lone] if lone.rid.is_none() => Some(self.send_encodings.clone()),
            _ => None,
        };
    }

    pub(crate) fn set_last_stable_ridless(&mut self, encodings: Vec<RtpEncodingParameters>) {
        self.last_stable_ridless = Some(encodings);
    }

    /// `[[LastReturnedParameters]]`
    pub(crate) fn last_returned_parameters(&self) -> Option<&RtpSendParameters> {
        self.last_returned_parameters.as_ref()
    }

    /// `getParameters` begins a transaction.
    pub(crate) fn set_returned_parameters(&mut self, parameters: RtpSendParameters) {
        self.last_returned_parameters = Some(parameters);
    }

    /// The transaction of `getParameters` is over.
    pub(crate) fn forget_returned_parameters(&mut self) {
        self.last_returned_parameters = None;
    }

    pub(crate) fn degradation_preference(&self) -> Option<DegradationPreference> {
        self.degradation_preference
    }

    pub(crate) fn set_degradation_preference(&mut self, wanted: Option<DegradationPreference>) {
        self.degradation_preference = wanted;
    }

    /// `[[Dtmf]]`, of audio.
    pub(crate) fn dtmf(&self) -> &Dtmf {
        &self.dtmf
    }

    pub(crate) fn dtmf_mut(&mut self) -> &mut Dtmf {
        &mut self.dtmf
    }
}

/// The receiver.
impl Transceiver {
    /// `[[ReceiverTrack]]`
    pub(crate) fn receiver_track(&self) -> &TrackId {
        &self.receiver_track
    }

    /// `[[AssociatedRemoteMediaStreams]]`
    pub(crate) fn remote_streams(&self) -> &[MediaStreamId] {
        &self.remote_streams
    }

    /// Returns those that were there.
    pub(crate) fn set_remote_streams(&mut self, streams: Vec<MediaStreamId>) -> Vec<MediaStreamId> {
        std::mem::replace(&mut self.remote_streams, streams)
    }

    /// The session has told of packets since the receiver's plan began, or since the track was muted.
    pub(crate) fn packets_came(&self) -> bool {
        self.packets_came
    }

    /// The session tells of packets.
    pub(crate) fn note_packets(&mut self) {
        self.packets_came = true;
    }

    /// The session will tell of packets anew.
    pub(crate) fn expect_packets(&mut self) {
        self.packets_came = false;
    }

    /// `[[JitterBufferTarget]]`, in milliseconds.
    pub(crate) fn jitter_buffer_target(&self) -> Option<f64> {
        self.jitter_buffer_target
    }

    pub(crate) fn set_jitter_buffer_target(&mut self, target_ms: Option<f64>) {
        self.jitter_buffer_target = target_ms;
    }
}
