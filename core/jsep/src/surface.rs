use std::sync::Arc;

use duologue_base::TransceiverId;

use crate::agreement::MediaAgreement;
use crate::{MediaKind, SignalingState};

/// What the application can see of the step from one [`Signaling`](crate::Signaling) to another:
/// the material of the W3C's events.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceChange {
    /// The state afterwards.
    pub state: SignalingState,
    /// Transceivers whose m-section came, went or changed, in the order of the m-sections.
    pub transceivers: Vec<TransceiverChange>,
    /// The data m-section before.
    pub data_before: Option<Arc<MediaAgreement>>,
    /// The data m-section afterwards.
    pub data_after: Option<Arc<MediaAgreement>>,
}

/// What happened to one transceiver.
#[derive(Clone, Debug, PartialEq)]
pub struct TransceiverChange {
    /// Which one.
    pub id: TransceiverId,
    /// Its kind.
    pub kind: MediaKind,
    /// A remote description brings it: the peer makes it, `recvonly`, and adds it to its intent.
    pub created: bool,
    /// It was made for the remote offer that is rolled back: the peer stops and removes it unless
    /// `addTrack` has touched it meanwhile.
    pub uncreated: bool,
    /// Its m-section before; `None` when it was not associated.
    pub before: Option<Arc<MediaAgreement>>,
    /// Its m-section afterwards; `None` when it is not associated any more.
    pub after: Option<Arc<MediaAgreement>>,
}
