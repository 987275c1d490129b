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
//! # Life of an exchange
//!
//! ```
//! use duologue_base::Rng;
//! use duologue_jsep::{
//!     BundlePolicy, Capabilities, Ids, Intent, OfferOptions, SdpType, Signaling, apply_local,
//!     apply_remote, create_answer, create_offer,
//! };
//!
//! // Each end has its intent, its ids and its state.
//! let fingerprint = "sha-256 ".to_owned() + &["00"; 32].join(":");
//! let end = |seed| {
//!     let fingerprints = vec![fingerprint.parse().expect("a fingerprint")];
//!     let cname = String::from("cname");
//!     let mut intent =
//!         Intent::new(BundlePolicy::Balanced, Capabilities::shared_default(), fingerprints, cname);
//!     intent.data = true;
//!     (intent, Ids::new(Rng::from_u64(seed)), Signaling::new())
//! };
//! let (alice, mut alice_ids, a) = end(1);
//! let (bob, mut bob_ids, b) = end(2);
//!
//! let offer = create_offer(&a, &alice, &mut alice_ids, OfferOptions::default())?;
//! let a = apply_local(&a, &alice, &mut alice_ids, SdpType::Offer, &offer)?;
//! let b = apply_remote(&b, &bob, &mut bob_ids, SdpType::Offer, offer.sdp())?;
//!
//! let answer = create_answer(&b, &bob, &mut bob_ids)?;
//! let b = apply_local(&b, &bob, &mut bob_ids, SdpType::Answer, &answer)?;
//! let a = apply_remote(&a, &alice, &mut alice_ids, SdpType::Answer, answer.sdp())?;
//!
//! let agreed = |s: &Signaling| s.stable().data().is_some_and(|media| !media.rejected);
//! assert!(agreed(&a) && agreed(&b));
//! # Ok::<(), duologue_jsep::JsepError>(())
//! ```
//!
//! [`diff`] and [`media_diff`] tell the data plane what such a step changes, [`surface`] what the
//! application sees of it. [`Candidates`] travel beside the descriptions and are merged into their text when that
//! is asked for.
//!
//! # Standards
//!
//! RFC 9429 (JSEP) with RFC 3264 (offer/answer), RFC 9143 (BUNDLE), RFC 5761 (RTCP multiplexing,
//! which is required), RFC 8839 and 8840 (ICE in SDP), RFC 8842 (DTLS in SDP), RFC 8841 (SCTP in
//! SDP), RFC 8830 (msid), RFC 8851 and 8853 (rid, simulcast), RFC 8285 (header extensions),
//! webrtc-pc for what its algorithms add. Where both are silent, what web-platform-tests assert.
//!
//! Departures from RFC 9429, each because browsers or web-platform-tests have it so:
//!
//! * An answer with other ICE credentials or fingerprints than before is taken without an ICE
//!   restart: another callee has taken over.
//! * An answer that keeps its ICE credentials though a restart was offered is taken for no restart.
//! * A local description may differ from the created one in what this end can keep: see
//!   [`Draft::with_text`].
//! * An answer may name the offer's `<proto>` in other words, as long as the kind is the same.
//! * When the section that stands for a BUNDLE group is rejected, the group lives on with its next
//!   one; an answer lists no formats that were not offered; unknown rids and feedback in an answer
//!   are ignored.
//! * A transceiver that is stopping makes an answered section inactive, not rejected.
//! * When another section comes to stand for a group, the group gets another transport: libwebrtc and
//!   Firefox replace theirs then, where RFC 9143 §7.5 would have it go on, and no description tells.
//! * The sections of a BUNDLE group repeat the ICE and DTLS lines of its first one, bundle-only ones
//!   too, and the transports of a first offer have the same ICE credentials.
//! * `a=rtcp-mux` stands in bundled sections too, and `a=msid` names the track.
//! * `a=tls-id`, `a=maxptime` and `a=imageattr` are not written.
#![forbid(unsafe_code)]

pub mod agreement;
mod announced_source;
mod applied;
mod blueprint;
mod candidates;
mod capabilities;
mod described;
mod diff;
mod draft;
mod error;
mod ice_key;
mod ids;
mod intent;
mod kind;
pub mod limits;
mod media_plane;
mod negotiation;
mod plan;
mod signaling;
mod surface;

pub use duologue_rtp::{
    Codec, CodecParameters, MediaKind, PayloadType, Rid, RtcpFeedback, RtpParameters,
    SourceParameters,
};
pub use duologue_sdp::attr::{Candidate, Direction};

pub use agreement::{Agreement, Rejection};
pub use candidates::{CandidateList, CandidateTarget, Candidates};
pub use capabilities::{Capabilities, CodecCapability, HeaderExtensionCapability, PreferenceError};
pub use described::DescribedCandidates;
pub use diff::{MediaChange, MediaPlans, SctpChange, TransportChange, diff, media_diff};
pub use draft::{Draft, OfferOptions};
pub use error::{ContentError, JsepError, Modification, OperationError};
pub use ids::Ids;
pub use intent::{
    BundlePolicy, HeaderEncryptionPolicy, Intent, SctpIntent, SenderIntent, StopState,
    TransceiverIntent,
};
pub use kind::{SdpType, SectionKind, Side, SignalingState};
pub use media_plane::{MEDIA_PLANE, MediaPlane};
pub use negotiation::negotiation_needed;
pub use plan::answer::create_answer;
pub use plan::apply::{apply_local, apply_remote};
pub use plan::offer::create_offer;
pub use signaling::Signaling;
pub use surface::{SurfaceChange, TransceiverChange, surface};
