//! `getCapabilities`, `setCodecPreferences` (webrtc-pc §§5.2 to 5.4) and the control of header
//! extensions (webrtc-extensions §5).

use duologue_base::TransceiverId;
use duologue_jsep as jsep;
use duologue_rtp::ext::uri;

use super::transceiver::unknown;
use crate::{
    Exception, MediaKind, PeerConnection, RtpCapabilities, RtpCodec, RtpHeaderExtensionCapability,
    TransceiverDirection,
};

impl PeerConnection {
    /// `RTCRtpSender.getCapabilities(kind)`, given what this end can do.
    pub fn sender_capabilities(
        capabilities: &jsep::Capabilities,
        kind: MediaKind,
    ) -> RtpCapabilities {
        list(capabilities, capabilities.send_codecs(kind), kind)
    }

    /// `RTCRtpReceiver.getCapabilities(kind)`, given what this end can do.
    pub fn receiver_capabilities(
        capabilities: &jsep::Capabilities,
        kind: MediaKind,
    ) -> RtpCapabilities {
        list(capabilities, capabilities.receive_codecs(kind), kind)
    }

    /// `setCodecPreferences(codecs)` of a transceiver; an empty list restores the default.
    ///
    /// # Errors
    /// `InvalidModificationError` for a codec that neither capabilities list, or a list without
    /// one that carries media.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: &[RtpCodec],
    ) -> Result<(), Exception> {
        let kind = self.slots.transceiver(id).ok_or_else(unknown)?.kind();
        let problem = || {
            Exception::invalid_modification(
                "the codecs are not among the capabilities, or none carries media",
            )
        };
        let codecs: Option<Vec<jsep::Codec>> = codecs.iter().map(RtpCodec::to_jsep).collect();
        let codecs = codecs.ok_or_else(problem)?;
        let capabilities = &self.slots.intent().capabilities;
        let preferences = capabilities
            .preferences(kind, &codecs)
            .map_err(|_| problem())?;
        self.slots
            .change_intent(id, |intent| intent.codec_preferences = preferences);
        Ok(())
    }

    /// `getHeaderExtensionsToNegotiate()` of a transceiver.
    pub fn header_extensions_to_negotiate(
        &self,
        id: TransceiverId,
    ) -> Vec<RtpHeaderExtensionCapability> {
        let (Some(slots), Some(intent)) = (self.slots.transceiver(id), self.slots.intent_of(id))
        else {
            return Vec::new();
        };
        let mut extensions: Vec<_> = match &intent.header_extensions {
            Some(extensions) => extensions.iter().map(shown).collect(),
            None => {
                let capabilities = &self.slots.intent().capabilities;
                capabilities.extensions(slots.kind()).map(shown).collect()
            }
        };
        for extension in &mut extensions {
            if intent.extensions_not_taken.contains(&extension.uri) {
                extension.direction = TransceiverDirection::Stopped;
            }
        }
        extensions
    }

    /// `setHeaderExtensionsToNegotiate(extensions)` of a transceiver.
    ///
    /// # Errors
    /// `TypeError` for an empty URI, `InvalidModificationError` when the list is not the one of
    /// `getHeaderExtensionsToNegotiate` but for directions, or `mid` would be switched off.
    pub fn set_header_extensions_to_negotiate(
        &mut self,
        id: TransceiverId,
        extensions: &[RtpHeaderExtensionCapability],
    ) -> Result<(), Exception> {
        let kind = self.slots.transceiver(id).ok_or_else(unknown)?.kind();
        let known = self.header_extensions_to_negotiate(id);
        let modified = |message| Err(Exception::invalid_modification(message));
        if extensions.iter().any(|extension| extension.uri.is_empty()) {
            return Err(Exception::type_error("an extension has no URI"));
        }
        let uris = |list: &[RtpHeaderExtensionCapability]| -> Vec<String> {
            list.iter().map(|extension| extension.uri.clone()).collect()
        };
        if uris(&known) != uris(extensions) {
            return modified("the extensions are not those that can be negotiated");
        }
        let mandatory = |e: &RtpHeaderExtensionCapability| {
            e.uri == uri::MID && e.direction != TransceiverDirection::Sendrecv
        };
        if extensions.iter().any(mandatory) {
            return modified("the mid extension is mandatory");
        }
        let wanted = extensions
            .iter()
            .map(|extension| jsep::HeaderExtensionCapability {
                kind,
                uri: extension.uri.clone(),
                direction: extension.direction.to_jsep().ok(),
            })
            .collect();
        self.slots.change_intent(id, |intent| {
            intent.header_extensions = Some(wanted);
            intent.extensions_not_taken.clear();
        });
        Ok(())
    }

    /// `getNegotiatedHeaderExtensions()` of a transceiver: all that can be negotiated, `stopped`
    /// where nothing was.
    pub fn negotiated_header_extensions(
        &self,
        id: TransceiverId,
    ) -> Vec<RtpHeaderExtensionCapability> {
        let section = self.slots.section(id);
        let has = |parameters: Option<&jsep::RtpParameters>, uri: &str| {
            parameters.is_some_and(|p| p.header_extensions.iter().any(|e| e.uri == uri))
        };
        let negotiated = section.filter(|section| section.current_direction.is_some());
        let mut extensions = self.header_extensions_to_negotiate(id);
        for extension in &mut extensions {
            let sends = has(negotiated.and_then(|s| s.send.as_ref()), &extension.uri);
            let receives = has(negotiated.and_then(|s| s.receive.as_ref()), &extension.uri);
            extension.direction = match (sends, receives) {
                (false, false) => TransceiverDirection::Stopped,
                (sends, receives) => TransceiverDirection::from_parts(sends, receives),
            };
        }
        extensions
    }
}

fn list(
    capabilities: &jsep::Capabilities,
    codecs: Vec<jsep::Codec>,
    kind: MediaKind,
) -> RtpCapabilities {
    RtpCapabilities {
        codecs: codecs.into_iter().map(Into::into).collect(),
        header_extensions: capabilities.extensions(kind).map(shown).collect(),
    }
}

fn shown(extension: &jsep::HeaderExtensionCapability) -> RtpHeaderExtensionCapability {
    RtpHeaderExtensionCapability {
        uri: extension.uri.clone(),
        direction: match extension.direction {
            Some(direction) => direction.into(),
            None => TransceiverDirection::Stopped,
        },
    }
}
