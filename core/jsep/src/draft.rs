use duologue_base::TransceiverId;

use crate::{JsepError, SdpType};

/// Options of `createOffer`.
#[doc(alias = "RTCOfferOptions")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OfferOptions {
    /// New ICE credentials for every transport.
    pub ice_restart: bool,
}

/// A created description that `setLocalDescription` may apply. It remembers which transceiver
/// each m-section was made for, which its text does not say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft {
    pub(crate) ty: SdpType,
    pub(crate) sdp: String,
    pub(crate) transceivers: Vec<Option<TransceiverId>>,
}

impl Draft {
    /// `Offer` or `Answer`. An answer may be applied as `Pranswer` too.
    pub fn sdp_type(&self) -> SdpType {
        self.ty
    }

    /// The text, for `[[LastCreatedOffer]]` or `[[LastCreatedAnswer]]`.
    pub fn sdp(&self) -> &str {
        &self.sdp
    }

    /// Whether `setLocalDescription` may apply it for this argument: the text must be the draft's
    /// own, or empty (webrtc-pc §4.4.2, `setLocalDescription` steps 4.3 to 4.5).
    ///
    /// # Errors
    /// [`JsepError::Modified`] for another text.
    pub fn check(&self, sdp: &str) -> Result<(), JsepError> {
        match sdp.is_empty() || sdp == self.sdp {
            true => Ok(()),
            false => Err(JsepError::Modified),
        }
    }
}
