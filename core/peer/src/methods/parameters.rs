//! `getParameters` and `setParameters` (webrtc-pc §§5.2 and 5.3).

use duologue_base::TransceiverId;
use duologue_jsep as jsep;
use jsep::RtpParameters;

use super::transceiver::unknown;
use crate::params::{check_ranges, check_restrictions};
use crate::scalability;
use crate::task::Task;
use crate::{
    Exception, MediaKind, OperationId, PeerConnection, RtcpParameters, RtpCodecParameters,
    RtpHeaderExtensionParameters, RtpReceiveParameters, RtpSendParameters,
};

impl PeerConnection {
    /// `getParameters()` of a sender. It begins a transaction that `setParameters` ends, until
    /// the running task is over. None for an unknown sender.
    pub fn parameters(&mut self, sender: TransceiverId) -> Option<RtpSendParameters> {
        let slots = self.slots.transceiver(sender)?;
        if let Some(parameters) = slots.last_returned_parameters() {
            return Some(parameters.clone());
        }
        let parameters = RtpSendParameters {
            transaction_id: self.slots.new_uuid(),
            ..self.sender_parameters(sender)?
        };
        let slots = self.slots.transceiver_mut(sender)?;
        slots.set_returned_parameters(parameters.clone());
        self.queue(Task::ForgetReturnedParameters(sender));
        Some(parameters)
    }

    /// What `getParameters()` of a sender returns, without the transaction that it begins: for what
    /// encodes by them. None for an unknown sender.
    pub fn sender_parameters(&self, sender: TransceiverId) -> Option<RtpSendParameters> {
        let slots = self.slots.transceiver(sender)?;
        let negotiated = self.slots.section(sender).and_then(|m| m.send.clone());
        let (header_extensions, codecs, reduced_size) = split(negotiated.unwrap_or_default());
        let capabilities = &self.slots.intent().capabilities;
        let mut encodings = slots.send_encodings().to_vec();
        for encoding in &mut encodings {
            encoding.scalability_mode = scalability::in_use(capabilities, &codecs, encoding);
        }
        Some(RtpSendParameters {
            transaction_id: String::new(),
            encodings,
            header_extensions,
            rtcp: RtcpParameters {
                cname: Some(self.slots.intent().cname.clone()),
                reduced_size,
            },
            codecs,
            degradation_preference: slots.degradation_preference(),
        })
    }

    /// `getParameters()` of a receiver. None for an unknown receiver.
    pub fn receiver_parameters(&self, receiver: TransceiverId) -> Option<RtpReceiveParameters> {
        self.slots.transceiver(receiver)?;
        let section = self.slots.section(receiver);
        let negotiated = section.and_then(|section| section.receive.clone());
        let (header_extensions, codecs, reduced_size) = split(negotiated.unwrap_or_default());
        Some(RtpReceiveParameters {
            header_extensions,
            rtcp: RtcpParameters {
                cname: None,
                reduced_size,
            },
            codecs,
        })
    }

    /// `setParameters(parameters)` of a sender.
    ///
    /// Rejects with `InvalidStateError` when the transceiver is stopping or no `getParameters`
    /// came before in this task, `InvalidModificationError` when something read-only differs
    /// (also `transactionId`) or a codec is not negotiated, `OperationError` for a `scalabilityMode`
    /// that no codec has, `RangeError` for a scale below 1 or a negative frame rate.
    pub fn set_parameters(
        &mut self,
        sender: TransceiverId,
        parameters: RtpSendParameters,
    ) -> OperationId {
        let operation = self.new_operation();
        match self.check_parameters(sender, parameters) {
            Ok(parameters) => {
                self.slots.begin_set_parameters();
                self.queue(Task::SetParameters(operation, sender, parameters));
            }
            Err(exception) => self.reject_now(operation, exception),
        }
        operation
    }

    /// "setParameters validation steps": the parameters as they are to be used.
    fn check_parameters(
        &self,
        sender: TransceiverId,
        mut parameters: RtpSendParameters,
    ) -> Result<RtpSendParameters, Exception> {
        let slots = self.slots.transceiver(sender).ok_or_else(unknown)?;
        let intent = self.slots.intent_of(sender).ok_or_else(unknown)?;
        if intent.stop != jsep::StopState::Running {
            return Err(Exception::invalid_state("the transceiver is stopped"));
        }
        let Some(returned) = slots.last_returned_parameters() else {
            return Err(Exception::invalid_state(
                "call getParameters in the same task first",
            ));
        };

        let modified = |message| Err(Exception::invalid_modification(message));
        if parameters.encodings.len() != slots.send_encodings().len() {
            return modified("encodings cannot be added or removed");
        }
        let rids = |p: &RtpSendParameters| -> Vec<Option<String>> {
            p.encodings.iter().map(|e| e.rid.clone()).collect()
        };
        if rids(&parameters) != rids(returned) {
            return modified("encodings cannot be reordered or renamed");
        }
        if parameters.transaction_id != returned.transaction_id {
            return modified("the parameters are not those of the last getParameters");
        }

        if parameters.header_extensions != returned.header_extensions
            || parameters.rtcp != returned.rtcp
            || parameters.codecs != returned.codecs
        {
            return modified("headerExtensions, rtcp and codecs are read-only");
        }

        if !self.are_codecs_choosable(slots.kind(), &parameters) {
            return modified("an encoding's codec is not negotiated");
        }
        for encoding in &mut parameters.encodings {
            match slots.kind() {
                MediaKind::Audio => {
                    encoding.scale_resolution_down_by = None;
                    encoding.scale_resolution_down_to = None;
                    encoding.max_framerate = None;
                    encoding.scalability_mode = None;
                }
                MediaKind::Video => {
                    encoding.scale_resolution_down_by.get_or_insert(1.0);
                }
            }
        }

        let capabilities = &self.slots.intent().capabilities;
        scalability::check(capabilities, slots.kind(), &parameters.encodings)?;
        check_ranges(&parameters.encodings)?;
        check_restrictions(&parameters.encodings).map_err(Exception::invalid_modification)?;
        Ok(parameters)
    }

    fn are_codecs_choosable(&self, kind: MediaKind, parameters: &RtpSendParameters) -> bool {
        let implemented = self.slots.intent().capabilities.send_codecs(kind);
        let negotiated: Vec<jsep::Codec> = parameters
            .codecs
            .iter()
            .filter_map(|codec| codec.codec.to_jsep())
            .collect();
        let choosable = match negotiated.is_empty() {
            true => &implemented,
            false => &negotiated,
        };
        let mut wanted = parameters.encodings.iter().filter_map(|e| e.codec.as_ref());
        wanted.all(|codec| {
            choosable
                .iter()
                .any(|c| codec.matches_ignoring_asymmetry(c))
        })
    }
}

fn split(
    negotiated: RtpParameters,
) -> (
    Vec<RtpHeaderExtensionParameters>,
    Vec<RtpCodecParameters>,
    bool,
) {
    let extension = |e: duologue_rtp::HeaderExtensionParameters| RtpHeaderExtensionParameters {
        uri: e.uri,
        id: u16::from(e.id.get()),
        encrypted: e.encrypted,
    };
    let codec = |c: jsep::CodecParameters| RtpCodecParameters {
        payload_type: c.payload_type.get(),
        codec: c.codec.into(),
    };
    (
        negotiated
            .header_extensions
            .into_iter()
            .map(extension)
            .collect(),
        negotiated.codecs.into_iter().map(codec).collect(),
        negotiated.reduced_size,
    )
}
