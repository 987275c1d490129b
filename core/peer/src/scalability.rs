//! webrtc-svc: which `scalabilityMode` an encoding may ask for, and which it has.

use duologue_jsep as jsep;
use duologue_rtp::ScalabilityMode;
use jsep::Capabilities;

use crate::{Exception, MediaKind, RtpCodecParameters, RtpEncodingParameters};

/// §5.1, the extensions of `addTransceiver` and `setParameters`: modes that no codec has are refused. Of
/// an encoding that has a codec it is that one which has to have the mode.
pub(crate) fn check(
    capabilities: &Capabilities,
    kind: MediaKind,
    encodings: &[RtpEncodingParameters],
) -> Result<(), Exception> {
    let mut sendable = capabilities.send_codecs(kind);
    sendable.retain(jsep::Codec::is_media);
    for encoding in encodings {
        let Some(name) = &encoding.scalability_mode else {
            continue;
        };
        let wanted = encoding.codec.as_ref().and_then(|it| it.to_jsep());
        let mut candidates = sendable.iter().filter(|it| {
            let same = |wanted: &jsep::Codec| wanted.name.eq_ignore_ascii_case(&it.name);
            wanted.as_ref().is_none_or(same)
        });
        if !candidates.any(|codec| has(capabilities, codec, name)) {
            return Err(Exception::operation("no codec has this scalabilityMode"));
        }
    }
    Ok(())
}

/// §5.2: once codecs are agreed on, what is told is what is in use: one layer, where the codec has not
/// what was asked for.
pub(crate) fn in_use(
    capabilities: &Capabilities,
    negotiated: &[RtpCodecParameters],
    encoding: &RtpEncodingParameters,
) -> Option<String> {
    let asked = encoding.scalability_mode.clone()?;
    let agreed = negotiated.iter().filter_map(|it| it.codec.to_jsep());
    let mut agreed = agreed.filter(jsep::Codec::is_media);
    let chosen = encoding.codec.as_ref().and_then(|it| it.to_jsep());
    let Some(used) = agreed.next().map(|first| chosen.unwrap_or(first)) else {
        return Some(asked);
    };
    match has(capabilities, &used, &asked) {
        true => Some(asked),
        false => Some(ScalabilityMode::L1T1.to_string()),
    }
}

fn has(capabilities: &Capabilities, codec: &jsep::Codec, name: &str) -> bool {
    let mode = name.parse::<ScalabilityMode>();
    mode.is_ok_and(|mode| capabilities.scalability_modes(codec).contains(&mode))
}
