//! Session descriptions as the application passes and reads them.

use std::fmt;

use duologue_base::Redacted;
use duologue_jsep as jsep;

use crate::SdpType;

/// A description: type and SDP text. Both `RTCSessionDescriptionInit` and the attributes of
/// `RTCSessionDescription`; with the feature `serde` it is the browser's JSON.
#[doc(alias = "RTCSessionDescription")]
#[doc(alias = "RTCSessionDescriptionInit")]
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct SessionDescription {
    /// The description's type.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    #[doc(alias = "type")]
    pub sdp_type: SdpType,
    /// The description's text; unused for a rollback.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sdp: String,
}

impl SessionDescription {
    /// An offer with this text.
    pub fn offer(sdp: impl Into<String>) -> Self {
        Self::new(SdpType::Offer, sdp)
    }

    /// An answer with this text.
    pub fn answer(sdp: impl Into<String>) -> Self {
        Self::new(SdpType::Answer, sdp)
    }

    /// A provisional answer with this text.
    pub fn pranswer(sdp: impl Into<String>) -> Self {
        Self::new(SdpType::Pranswer, sdp)
    }

    /// The request to go back to the last stable state.
    pub fn rollback() -> Self {
        Self::new(SdpType::Rollback, "")
    }

    fn new(sdp_type: SdpType, sdp: impl Into<String>) -> Self {
        SessionDescription {
            sdp_type,
            sdp: sdp.into(),
        }
    }
}

impl From<(jsep::SdpType, String)> for SessionDescription {
    fn from((sdp_type, sdp): (jsep::SdpType, String)) -> Self {
        SessionDescription::new(sdp_type.into(), sdp)
    }
}

impl fmt::Debug for SessionDescription {
    /// Without the text: it has addresses and ICE passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription")
            .field("sdp_type", &self.sdp_type)
            .field("sdp", &Redacted(()))
            .finish()
    }
}

/// What `setLocalDescription` takes: without a type it makes the offer or answer that the
/// signalling state calls for; without text it applies the last one created, or a new one.
#[doc(alias = "RTCLocalSessionDescriptionInit")]
#[derive(Clone, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct LocalSessionDescription {
    /// The description's type, if the application says.
    #[cfg_attr(feature = "serde", serde(rename = "type", default))]
    pub sdp_type: Option<SdpType>,
    /// The description's text, empty for the implicit one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sdp: String,
}

impl fmt::Debug for LocalSessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSessionDescription")
            .field("sdp_type", &self.sdp_type)
            .field("sdp", &Redacted(()))
            .finish()
    }
}

impl From<SessionDescription> for LocalSessionDescription {
    fn from(description: SessionDescription) -> Self {
        LocalSessionDescription {
            sdp_type: Some(description.sdp_type),
            sdp: description.sdp,
        }
    }
}

impl From<Option<SessionDescription>> for LocalSessionDescription {
    /// `None` is the call without an argument.
    fn from(description: Option<SessionDescription>) -> Self {
        description.map_or_else(Self::default, Self::from)
    }
}

/// Options of `createOffer`.
#[doc(alias = "RTCOfferOptions")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct OfferOptions {
    /// New ICE credentials, so that applying the offer restarts ICE.
    pub ice_restart: bool,
    /// Legacy (webrtc-pc §4.4.4): `true` makes sure one audio transceiver receives, `false` that
    /// none does.
    pub offer_to_receive_audio: Option<bool>,
    /// Legacy: the same for video.
    pub offer_to_receive_video: Option<bool>,
}
