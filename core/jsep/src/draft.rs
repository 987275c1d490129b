use duologue_base::TransceiverId;

use crate::plan::modify;
use crate::{Intent, JsepError, SdpType, Signaling};

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

    /// The draft with the text that `setLocalDescription` is given: the draft's own, the empty one,
    /// or one that was changed.
    ///
    /// # Errors
    /// [`JsepError::Modified`] for a text that differs in more.
    pub fn with_text(
        &self,
        sdp: &str,
        signaling: &Signaling,
        intent: &Intent,
    ) -> Result<Draft, JsepError> {
        if !sdp.is_empty() && sdp != self.sdp {
            modify::check(self.ty, &self.sdp, sdp, signaling, intent)?;
        }
        Ok(Draft {
            ty: self.ty,
            sdp: match sdp {
                "" => self.sdp.clone(),
                text => text.to_owned(),
            },
            transceivers: self.transceivers.clone(),
        })
    }
}
