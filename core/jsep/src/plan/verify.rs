//! Whether a description makes sense in itself, and after the ones before it (RFC 9429 §5.8.3).

use std::collections::{BTreeMap, BTreeSet};

use duologue_rtp::{CodecRole, ExtensionId, Mid, PayloadType};

use super::bundle::Bundled;
use crate::agreement::Agreement;
use crate::blueprint::{Blueprint, Extension, Port, RtpLines, Section, Streams};
use crate::{ContentError, HeaderEncryptionPolicy, JsepError, OperationError, SectionKind};

/// Checks of a remote description by itself.
pub(crate) fn remote(description: &Bundled<'_>) -> Result<(), JsepError> {
    bundle_groups(description.blueprint, description.mids)?;
    for (index, section) in description.blueprint.sections.iter().enumerate() {
        if section.is_rejected() || section.kind() == SectionKind::Unknown {
            continue;
        }
        let lines = description.lines(index);
        if lines.ice.is_none() {
            return Err(ContentError::NoCredentials(index).into());
        }
        if lines.fingerprints.is_empty() {
            return Err(ContentError::NoFingerprint(index).into());
        }
        if let Some(rtp) = section.rtp() {
            if !section.transport.rtcp_mux && !lines.rtcp_mux {
                return Err(ContentError::NoRtcpMux(index).into());
            }
            formats(index, section, rtp)?;
        }
    }
    Ok(bundled_extensions(description)?)
}

/// webrtc-extensions §13: "remote is true, the connection's RTCRtpHeaderEncryptionPolicy is require and the
/// description does not support RFC 9335".
pub(crate) fn header_encryption(
    description: &Blueprint,
    policy: HeaderEncryptionPolicy,
    peer_repeats: bool,
) -> Result<(), ContentError> {
    let supports = |s: &Section| s.transport.cryptex && !peer_repeats;
    let in_clear = |s: &Section| s.rtp().is_some() && !s.is_rejected() && !supports(s);
    match description.sections.iter().position(in_clear) {
        Some(index) if policy == HeaderEncryptionPolicy::Require => {
            Err(ContentError::NoCryptex(index))
        }
        _ => Ok(()),
    }
}

/// RFC 8830 §2: a stream and a track in it are described by one section.
pub(crate) fn tracks(description: &Blueprint) -> Result<(), OperationError> {
    let mut seen: BTreeSet<(Option<&[String]>, &str)> = BTreeSet::new();
    for (index, section) in description.sections.iter().enumerate() {
        let rtp = section.rtp().filter(|_| !section.is_rejected());
        let Some((rtp, track)) = rtp.and_then(|rtp| Some((rtp, rtp.track_id.as_deref()?))) else {
            continue;
        };
        let streams = match &rtp.streams {
            Streams::Unsaid => None,
            Streams::In(streams) => Some(streams.as_slice()),
        };
        if !seen.insert((streams, track)) {
            return Err(OperationError::DuplicateTrack(index));
        }
    }
    Ok(())
}

fn bundle_groups(description: &Blueprint, mids: &[Mid]) -> Result<(), ContentError> {
    let mut seen = BTreeSet::new();
    if let Some(index) = mids.iter().position(|mid| !seen.insert(mid)) {
        return Err(ContentError::DuplicateMid(index));
    }
    // A section that has no a=mid was given one here, which the other end cannot mean.
    let mut unused: BTreeSet<&Mid> = description
        .sections
        .iter()
        .filter_map(|s| s.mid.as_ref())
        .collect();
    match description
        .bundles
        .iter()
        .flatten()
        .all(|mid| unused.remove(mid))
    {
        true => Ok(()),
        false => Err(ContentError::BundleGroup),
    }
}

/// RFC 5761 §4: with RTCP on the same port these cannot be told from its packet types.
pub(crate) fn clashes_with_rtcp(payload_type: &PayloadType) -> bool {
    (64..=95).contains(&payload_type.get())
}

fn formats(index: usize, section: &Section, rtp: &RtpLines) -> Result<(), ContentError> {
    // Of a payload type that nothing describes nobody can tell what it is: it is ignored.
    let mut described = rtp.codecs.iter().map(|c| c.payload_type);
    if let Some(payload_type) = described.find(clashes_with_rtcp) {
        return Err(ContentError::PayloadType {
            section: index,
            payload_type,
        });
    }
    let listed = section.formats.payload_types();
    for entry in rtp
        .codecs
        .iter()
        .filter(|c| c.codec.role() == CodecRole::Rtx)
    {
        if !entry.codec.apt().is_some_and(|apt| listed.contains(&apt)) {
            return Err(ContentError::Retransmission {
                section: index,
                payload_type: entry.payload_type,
            });
        }
    }
    Ok(())
}

/// RFC 9143 §15: in a BUNDLE group an id stands for one header extension. §9.1 says the same of
/// payload types and codecs, but Firefox offers new sections with numbers of its own beside those that
/// the other end chose, and libwebrtc takes that: the mid of a packet tells whose number it is.
fn bundled_extensions(description: &Bundled<'_>) -> Result<(), ContentError> {
    let mut extensions: BTreeMap<(usize, ExtensionId), &str> = BTreeMap::new();
    for (index, section) in description.blueprint.sections.iter().enumerate() {
        let Some(rtp) = section.rtp().filter(|_| !section.is_rejected()) else {
            continue;
        };
        let group = description.owner(index);
        for Extension { id, uri, .. } in &rtp.extensions {
            if *extensions.entry((group, *id)).or_insert(uri) != uri {
                return Err(ContentError::Extension {
                    section: index,
                    id: *id,
                });
            }
        }
    }
    Ok(())
}

/// Checks of an offer against what is there: RFC 3264 §8 lets sections be added, not removed or
/// changed, and only a rejected one be put to another use.
pub(crate) fn subsequent_offer(
    base: &Agreement,
    offer: &Blueprint,
    mids: &[Mid],
) -> Result<(), ContentError> {
    if offer.sections.len() < base.media.len() {
        return Err(ContentError::SectionCount);
    }
    for (index, before) in base.media.iter().enumerate() {
        let section = &offer.sections[index];
        if before.rejected {
            continue;
        }
        if before.kind != section.kind() || before.mid != mids[index] {
            return Err(ContentError::SectionChanged(index));
        }
        let Some(rtp) = section.rtp() else { continue };
        let known = before.send.iter().chain(&before.receive);
        for parameters in known.flat_map(|p| &p.header_extensions) {
            let moved = |e: &&Extension| e.id == parameters.id && e.uri != parameters.uri;
            if let Some(extension) = rtp.extensions.iter().find(moved) {
                return Err(ContentError::Extension {
                    section: index,
                    id: extension.id,
                });
            }
        }
    }
    Ok(())
}

/// Checks of an answer against the offer; it has as many sections.
pub(crate) fn answer(offer: &Bundled<'_>, answer: &Bundled<'_>) -> Result<(), ContentError> {
    let pairs = || {
        let offered = offer.blueprint.sections.iter();
        offered.zip(&answer.blueprint.sections).enumerate()
    };
    for (index, (offered, answered)) in pairs() {
        let mid = answered.mid.as_ref();
        if !same_kind(offered, answered) || mid.is_some_and(|mid| *mid != offer.mids[index]) {
            return Err(ContentError::SectionChanged(index));
        }
        if offered.is_rejected() && !answered.is_rejected() {
            return Err(ContentError::NotOffered(index));
        }
    }
    for (index, (offered, answered)) in pairs().filter(|(_, (_, s))| !s.is_rejected()) {
        let allowed = offered.direction.reversed();
        if answered.rtp().is_some()
            && answered.direction.intersection(allowed) != answered.direction
        {
            return Err(ContentError::Direction(index));
        }
        extensions(index, offered, answered)?;
        bundled(index, offer, answer)?;
    }
    Ok(())
}

/// RFC 3264 §6 has an answer repeat the offer's `<proto>`. Gateways name the same protocol in other
/// words (`RTP/SAVPF` for `UDP/TLS/RTP/SAVPF`, `DTLS/SCTP` for `UDP/DTLS/SCTP`), which libwebrtc and
/// Firefox take; of what this end does not know the words have to be the same.
fn same_kind(offered: &Section, answered: &Section) -> bool {
    let known = offered.kind() != SectionKind::Unknown || offered.protocol == answered.protocol;
    offered.word == answered.word && offered.kind() == answered.kind() && known
}

/// RFC 8285 §7: an answer does not give an offered id or extension another partner.
fn extensions(index: usize, offered: &Section, answered: &Section) -> Result<(), ContentError> {
    let (Some(offered), Some(answered)) = (offered.rtp(), answered.rtp()) else {
        return Ok(());
    };
    for extension in &answered.extensions {
        let same = |e: &Extension| e.id == extension.id && e.uri == extension.uri;
        let other = |e: &Extension| e.id == extension.id || e.uri == extension.uri;
        if !offered.extensions.iter().any(same) && offered.extensions.iter().any(other) {
            return Err(ContentError::Extension {
                section: index,
                id: extension.id,
            });
        }
    }
    Ok(())
}

/// RFC 9143 §7.3: an answer's group is within a group of the offer, and a section that the offer
/// has no transport for is in it.
fn bundled(index: usize, offer: &Bundled<'_>, answer: &Bundled<'_>) -> Result<(), ContentError> {
    let section = offer.section(index);
    let depends = section.port == Port::BundleOnly || section.transport.ice.is_none();
    match answer.is_bundled(index) {
        true if index == answer.owner(index) => Ok(()),
        true if offer.together(index, answer.owner(index)) => Ok(()),
        true => Err(ContentError::BundleGroup),
        false if depends && offer.is_bundled(index) => Err(ContentError::NotBundled(index)),
        false => Ok(()),
    }
}
