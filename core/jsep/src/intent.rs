use std::collections::BTreeSet;
use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_identity::Fingerprint;
use duologue_rtp::{Cryptex, SourceParameters};

use crate::ice_key::IceKey;
use crate::{Capabilities, Codec, Direction, HeaderExtensionCapability, MediaKind, Rid, Signaling};

/// What the application wants. Only the application's calls change it, no description does, so a
/// rollback leaves it alone (ARCHITECTURE.md §3).
#[derive(Clone, Debug)]
pub struct Intent {
    /// Grows with every change, so that a result computed from an older one can be recognised.
    pub version: u64,
    /// How new m-sections share transports.
    pub bundle_policy: BundlePolicy,
    /// What this end can do.
    pub capabilities: Arc<Capabilities>,
    /// Fingerprints of this end's certificate, as offers and answers list them.
    pub fingerprints: Vec<Fingerprint>,
    /// `a=identity` of offers and answers: an assertion that covers `fingerprints` (RFC 8827 §7.4.1),
    /// in base64.
    pub identity: Option<String>,
    /// RTCP's canonical name (RFC 7022), one for the life of the connection.
    pub cname: String,
    /// Whether headers of packets are to be encrypted.
    pub header_encryption: HeaderEncryptionPolicy,
    /// The set of transceivers, in the order they were created.
    pub transceivers: Vec<TransceiverIntent>,
    /// A data channel has been created: an offer describes an SCTP association. Taken back when an
    /// answer rejects that, for its channels are closed then.
    pub data: bool,
    /// The SCTP port and largest message to announce.
    pub sctp: SctpIntent,
    /// `restartIce()` was called while these were in use.
    #[doc(alias = "[[LocalIceCredentialsToReplace]]")]
    pub ice_to_replace: BTreeSet<IceKey>,
    /// The ICE servers or the policy changed while these were in use: the next offer replaces them
    /// (RFC 9429 §5.2.2), but nothing asks for one.
    pub ice_outdated: BTreeSet<IceKey>,
}

impl Intent {
    /// An intent in which nothing is wanted yet.
    pub fn new(
        bundle_policy: BundlePolicy,
        capabilities: Arc<Capabilities>,
        fingerprints: Vec<Fingerprint>,
        cname: String,
    ) -> Self {
        Intent {
            version: 0,
            bundle_policy,
            capabilities,
            fingerprints,
            identity: None,
            cname,
            header_encryption: HeaderEncryptionPolicy::default(),
            transceivers: Vec::new(),
            data: false,
            sctp: SctpIntent::default(),
            ice_to_replace: BTreeSet::new(),
            ice_outdated: BTreeSet::new(),
        }
    }

    /// "If none of the ICE credentials in `[[LocalIceCredentialsToReplace]]` are present in
    /// description, then set it to an empty set" (webrtc-pc §4.4.1.5), once an exchange is complete.
    /// An answer that restarts nothing leaves the old credentials in use, and counts as one all
    /// the same: this end's description did not show them.
    pub fn forget_replaced(&mut self, signaling: &Signaling) {
        for keys in [&mut self.ice_to_replace, &mut self.ice_outdated] {
            if !keys.is_empty() && !signaling.describes(keys) {
                keys.clear();
                self.version += 1;
            }
        }
    }

    /// The transceiver with this id.
    pub fn transceiver(&self, id: TransceiverId) -> Option<&TransceiverIntent> {
        self.transceivers.iter().find(|t| t.id == id)
    }

    /// The transceiver with this id, to change it.
    pub fn transceiver_mut(&mut self, id: TransceiverId) -> Option<&mut TransceiverIntent> {
        self.transceivers.iter_mut().find(|t| t.id == id)
    }
}

/// How m-sections of a first offer share transports (RFC 9429 §4.1.1).
#[doc(alias = "RTCBundlePolicy")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BundlePolicy {
    /// `"balanced"`: one transport for audio, one for video, one for data, shared when the other
    /// end knows BUNDLE.
    #[default]
    Balanced,
    /// `"max-compat"`: a transport for every m-section.
    MaxCompat,
    /// `"max-bundle"`: a transport for the first m-section, the others share or fall.
    MaxBundle,
}

/// Whether the header extensions and CSRCs of packets are encrypted (webrtc-extensions §13, RFC 9335).
#[doc(alias = "RTCRtpHeaderEncryptionPolicy")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum HeaderEncryptionPolicy {
    /// `"disable"`, of earlier drafts: descriptions do not speak of it.
    Disable,
    /// `"negotiate"`: where the other end takes them encrypted, they are.
    #[default]
    Negotiate,
    /// `"require"`: descriptions of ends that do not are refused, and so is what comes in the clear.
    Require,
}

impl HeaderEncryptionPolicy {
    /// What this end's receivers take.
    pub(crate) fn of_received(self) -> Cryptex {
        match self {
            HeaderEncryptionPolicy::Disable => Cryptex::Off,
            HeaderEncryptionPolicy::Negotiate => Cryptex::Accepted,
            HeaderEncryptionPolicy::Require => Cryptex::Required,
        }
    }
}

/// SCTP parameters of this end (RFC 8841 §§5–6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SctpIntent {
    /// `a=sctp-port`
    pub port: u16,
    /// `a=max-message-size`: the largest message this end takes, in bytes; 0 for any.
    pub max_message_size: u64,
    /// `a=sctp-init` of the next association (draft-hancke-tsvwg-snap): its INIT chunk. `None` when no
    /// description is to have one.
    pub init: Option<Vec<u8>>,
}

impl Default for SctpIntent {
    fn default() -> Self {
        SctpIntent {
            port: 5000,
            max_message_size: 262_144,
            init: None,
        }
    }
}

/// What the application wants of one transceiver.
#[doc(alias = "RTCRtpTransceiver")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransceiverIntent {
    /// The id of the transceiver.
    pub id: TransceiverId,
    /// Audio or video.
    pub kind: MediaKind,
    /// The preferred direction.
    #[doc(alias = "[[Direction]]")]
    pub direction: Direction,
    /// Whether `stop()` was called, or the other end rejected it.
    pub stop: StopState,
    /// `addTrack` made it: a remote offer may take it up (RFC 9429 §5.10).
    pub added_by_add_track: bool,
    /// `addTrack` has attached a track to it, whatever made it: it stays when the remote offer
    /// that brought it is rolled back, and is then as if `addTrack` had made it
    /// (RFC 9429 §4.1.10.2).
    pub taken_by_add_track: bool,
    /// Codecs in the order of `setCodecPreferences`; empty for the capabilities' order.
    #[doc(alias = "[[PreferredCodecs]]")]
    pub codec_preferences: Vec<Codec>,
    /// Header extensions of `setHeaderExtensionsToNegotiate`; `None` for the capabilities'.
    #[doc(alias = "[[HeaderExtensionsToNegotiate]]")]
    pub header_extensions: Option<Vec<HeaderExtensionCapability>>,
    /// Header extensions that the last answer did not take: not offered until the application
    /// asks for them again, but accepted when they are offered.
    pub extensions_not_taken: BTreeSet<String>,
    /// The sending part.
    pub sender: SenderIntent,
}

impl TransceiverIntent {
    /// A transceiver without track, streams, preferences or layers.
    pub fn new(id: TransceiverId, kind: MediaKind, direction: Direction) -> Self {
        TransceiverIntent {
            id,
            kind,
            direction,
            stop: StopState::Running,
            added_by_add_track: false,
            taken_by_add_track: false,
            codec_preferences: Vec::new(),
            header_extensions: None,
            extensions_not_taken: BTreeSet::new(),
            sender: SenderIntent::default(),
        }
    }
}

/// How far a transceiver's end has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StopState {
    /// The transceiver is in use.
    #[default]
    Running,
    /// `[[Stopping]]`: `stop()` was called; the next offer rejects its m-section, an answer makes
    /// it inactive.
    Stopping,
    /// `[[Stopped]]`: for good; its m-section may be recycled.
    Stopped,
}

/// What the application wants of one sender.
#[doc(alias = "RTCRtpSender")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SenderIntent {
    /// Ids of the streams to announce the track in (`a=msid`).
    #[doc(alias = "[[AssociatedMediaStreamIds]]")]
    pub streams: Vec<String>,
    /// The id to announce: the track's when the sender was made, else a random one. Kept for the
    /// sender's life (RFC 9429 §5.2.1).
    pub track_id: String,
    /// The rids of `[[SendEncodings]]`, in order. A lone encoding has one when it is what an answer
    /// left of several, or an offer asked for it by name; else there are none.
    pub rids: Vec<Rid>,
    /// The synchronisation sources of the encodings, in their order. An encoding keeps its own for
    /// life. That of a lone one is announced; ends that do not know MID tell streams apart by it.
    pub sources: Vec<SourceParameters>,
}

impl SenderIntent {
    /// Replaces the encodings, by their rids. One that goes on keeps its source, and the first of
    /// several keeps that of the lone one without a rid before them, as it keeps the first one's
    /// afterwards; the others get new ones.
    pub fn set_layers(&mut self, rids: Vec<Rid>, mut new_source: impl FnMut() -> SourceParameters) {
        let count = rids.len().max(1);
        let mut sources = Vec::with_capacity(count);
        for index in 0..count {
            let known = match rids.get(index) {
                Some(rid) if !self.rids.is_empty() => self.rids.iter().position(|r| r == rid),
                _ => Some(0).filter(|_| index == 0),
            };
            let known = known.and_then(|at| self.sources.get(at).copied());
            sources.push(known.unwrap_or_else(&mut new_source));
        }
        self.sources = sources;
        self.rids = rids;
    }
}
