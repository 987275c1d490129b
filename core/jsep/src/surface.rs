use std::sync::Arc;

use duologue_base::TransceiverId;

use crate::agreement::MediaAgreement;
use crate::signaling::Proposal;
use crate::{MediaKind, SectionKind, Signaling, SignalingState};

/// What the application can see of the step from one [`Signaling`](crate::Signaling) to another:
/// the material of the W3C's events.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceChange {
    /// The state afterwards.
    pub state: SignalingState,
    /// Transceivers whose m-section came, went or changed, in the order of the m-sections. One
    /// whose rejection an answer has made final is always among them: it is stopped and leaves the
    /// set of transceivers.
    pub transceivers: Vec<TransceiverChange>,
}

/// What happened to one transceiver.
///
/// Between two descriptions the W3C's algorithms compare `before` and `after`: a `fired_direction`
/// that starts or stops receiving fires or mutes the track, other `remote_streams` add it to or
/// remove it from streams. After a rollback `after` is the last stable state again, so the same
/// comparison undoes them; only `layers`, which are about the latest description, mean nothing
/// then.
#[derive(Clone, Debug, PartialEq)]
pub struct TransceiverChange {
    /// The id of the transceiver.
    pub id: TransceiverId,
    /// The kind of media of the transceiver.
    pub kind: MediaKind,
    /// A remote description brings it: the peer makes it, `recvonly`, and adds it to its intent.
    pub created: bool,
    /// Whether the transceiver was made for the remote offer that is rolled back: the peer stops and removes it unless
    /// `addTrack` has touched it meanwhile.
    pub uncreated: bool,
    /// The transceiver's m-section before; `None` when it was not associated.
    pub before: Option<Arc<MediaAgreement>>,
    /// The transceiver's m-section afterwards; `None` when it is not associated any more.
    pub after: Option<Arc<MediaAgreement>>,
}

/// What the step from one signaling state to another changes for the application.
pub fn surface(from: &Signaling, to: &Signaling) -> SurfaceChange {
    let (before, after) = (from.latest(), to.latest());
    let mut transceivers: Vec<TransceiverChange> = Vec::new();
    for media in after.media.iter().chain(&before.media) {
        let (Some(id), SectionKind::Rtp(kind)) = (media.transceiver, &media.kind) else {
            continue;
        };
        if transceivers.iter().any(|change| change.id == id) {
            continue;
        }
        let (then, now) = (before.by_transceiver(id), after.by_transceiver(id));
        transceivers.push(TransceiverChange {
            id,
            kind: *kind,
            created: brought(to).contains(&id) && !brought(from).contains(&id),
            uncreated: brought(from).contains(&id) && now.is_none(),
            before: then.cloned(),
            after: now.cloned(),
        });
    }
    let ended = |change: &TransceiverChange| {
        let rejected = |m: &MediaAgreement| m.rejected;
        let was = from
            .stable()
            .by_transceiver(change.id)
            .is_some_and(|m| rejected(m));
        let is = to
            .stable()
            .by_transceiver(change.id)
            .is_some_and(|m| rejected(m));
        is && !was
    };
    transceivers.retain(|change| change.before != change.after || ended(change));
    SurfaceChange {
        state: to.state(),
        transceivers,
    }
}

/// The transceivers that the remote offer under way has brought.
fn brought(signaling: &Signaling) -> &[TransceiverId] {
    let pending = signaling.proposal.as_ref().map(Proposal::pending);
    pending.map_or(&[], |pending| &pending.created)
}
