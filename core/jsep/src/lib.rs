//! JSEP (RFC 9429): how offers and answers come about, and what they agree, as immutable values.
//!
//! Three kinds of state have three owners, and only one of them is rolled back:
//!
//! * [`Intent`] is what the application wants: transceivers, directions, codec preferences. Only
//!   the application's calls change it.
//! * [`Agreement`] is what two descriptions say: m-sections, transports, codecs. It is immutable.
//! * What packets did is none of this crate's business; [`TransportChange`]s tell the data plane
//!   which transports to run.
//!
//! [`Signaling`] holds the stable agreement and at most one proposal. Applying a description
//! computes another `Signaling` or fails; in both cases the value it was applied to is as before.
//!
//! ```text
//! create_offer(&Signaling, &Intent, &mut Ids, OfferOptions) -> Result<Draft, JsepError>
//! create_answer(&Signaling, &Intent, &mut Ids)              -> Result<Draft, JsepError>
//! apply_local(&Signaling, &Intent, &mut Ids, SdpType, &Draft) -> Result<Signaling, JsepError>
//! apply_remote(&Signaling, &Intent, &mut Ids, SdpType, &str)  -> Result<Signaling, JsepError>
//! Signaling::rollback(&self)                                -> Result<Signaling, JsepError>
//! diff(&Signaling, &Signaling)    -> Vec<TransportChange>   // for the data plane
//! surface(&Signaling, &Signaling) -> SurfaceChange          // for the W3C's events
//! negotiation_needed(&Signaling, &Intent) -> bool
//! Signaling::description(Side, Which, &Candidates) -> Option<(SdpType, String)>
//! ```
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    reason = "the first landing has the types; the plans that use them follow"
)]

pub mod agreement;
mod candidates;
mod capabilities;
mod codec;
mod diff;
mod draft;
mod error;
mod ids;
mod intent;
mod kind;
pub mod limits;
mod signaling;
mod surface;

pub use agreement::Agreement;
pub use candidates::{CandidateList, Candidates};
pub use capabilities::{Capabilities, CodecCapability, HeaderExtensionCapability};
pub use codec::{Codec, CodecParameters, RtcpFeedback};
pub use diff::TransportChange;
pub use draft::{Draft, OfferOptions};
pub use error::{ContentError, JsepError, OperationError};
pub use ids::Ids;
pub use intent::{
    BundlePolicy, Intent, SctpIntent, SenderIntent, Source, StopState, TransceiverIntent,
};
pub use kind::{Direction, MediaKind, Rid, RidError, SdpType, SectionKind, Side, SignalingState};
pub use signaling::Signaling;
pub use surface::{SurfaceChange, TransceiverChange};
