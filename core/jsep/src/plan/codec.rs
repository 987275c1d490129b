//! Codecs of an m-section: what is offered, answered, and thereby agreed.

use std::collections::BTreeMap;

use duologue_rtp::{
    Codec, CodecParameters, CodecRole, MediaKind, PayloadType, SentFormat, common_feedback,
};

use crate::capabilities::LocalCodec;
use crate::{Capabilities, Direction};

/// Payload types of one description. RFC 9143 §9.1: a payload type stands for one codec
/// configuration in all sections of a BUNDLE group, and every section may end up in one group.
#[derive(Debug, Default)]
pub(crate) struct PayloadTypes(BTreeMap<PayloadType, Codec>);

/// Where dynamic payload types are looked for, in this order. RFC 5761 §4: 64 to 95 are taken for
/// RTCP when it shares the port.
const DYNAMIC: [std::ops::RangeInclusive<u8>; 2] = [96..=127, 35..=63];

impl PayloadTypes {
    /// Payload types that sections have used so far keep their meaning.
    pub(crate) fn reserve(&mut self, codecs: &[CodecParameters]) {
        for entry in codecs {
            self.0
                .entry(entry.payload_type)
                .or_insert_with(|| entry.codec.clone());
        }
    }

    /// The payload type for a codec in a section: the one it had there, the one it has in another
    /// section, the one it likes, or a free one.
    fn assign(
        &mut self,
        codec: &Codec,
        likes: PayloadType,
        before: &[CodecParameters],
        here: &[CodecParameters],
    ) -> Option<PayloadType> {
        let taken_here = |pt: PayloadType| here.iter().any(|c| c.payload_type == pt);
        let same = |other: &Codec| codec.matches(other) && codec.apt() == other.apt();
        let means_this = |pt: PayloadType| self.0.get(&pt).is_none_or(&same) && !taken_here(pt);
        let previous = before
            .iter()
            .filter(|c| same(&c.codec))
            .map(|c| c.payload_type);
        let elsewhere = self.0.iter().filter(|(_, c)| same(c)).map(|(pt, _)| *pt);
        let free = DYNAMIC.into_iter().flatten().filter_map(PayloadType::new);
        let unused = |pt: &PayloadType| !self.0.contains_key(pt) && !taken_here(*pt);
        let found = previous
            .chain(elsewhere)
            .find(|pt| means_this(*pt))
            .or_else(|| Some(likes).filter(unused))
            .or_else(|| free.clone().find(unused))?;
        self.0.insert(found, codec.clone());
        Some(found)
    }
}

/// The codecs of an offered m-section (RFC 9429 §§5.2.1–5.2.2).
///
/// `before` are those that this end's description last had for it; `answered` those that the most
/// recent answer had, whose order is kept unless the application has preferences.
pub(crate) fn offer(
    usable: Vec<LocalCodec<'_>>,
    keep_order_of: &[CodecParameters],
    before: &[CodecParameters],
    types: &mut PayloadTypes,
) -> Vec<CodecParameters> {
    let mut usable = usable;
    let place = |codec: &Codec| keep_order_of.iter().position(|c| codec.matches(&c.codec));
    usable.sort_by_key(|local| place(&local.capability.codec).unwrap_or(usize::MAX));
    let mut section: Vec<CodecParameters> = Vec::new();
    // Redundant audio names the payload type it repeats, so the others come first.
    let (red, others): (Vec<_>, Vec<_>) = usable
        .into_iter()
        .enumerate()
        .partition(|(_, local)| is_redundant_audio(&local.capability.codec));
    let mut places = Vec::new();
    for (index, local) in others {
        add(&mut section, &mut places, index, &local, before, types);
    }
    for (index, local) in red {
        add(&mut section, &mut places, index, &local, before, types);
    }
    let mut ordered: Vec<_> = places.into_iter().zip(section).collect();
    ordered.sort_by_key(|(place, _)| *place);
    ordered.into_iter().map(|(_, entry)| entry).collect()
}

fn is_redundant_audio(codec: &Codec) -> bool {
    codec.role() == CodecRole::Red && codec.kind == MediaKind::Audio
}

fn add(
    section: &mut Vec<CodecParameters>,
    places: &mut Vec<usize>,
    place: usize,
    local: &LocalCodec<'_>,
    before: &[CodecParameters],
    types: &mut PayloadTypes,
) {
    let capability = local.capability;
    let mut codec = capability.codec.clone();
    if is_redundant_audio(&codec) {
        match redundant_line(&codec, section) {
            Some(line) => codec.sdp_fmtp_line = Some(line),
            None => return,
        }
    }

    let likes = capability.payload_type;
    let Some(payload_type) = types.assign(&codec, likes, before, section) else {
        return;
    };
    section.push(CodecParameters {
        payload_type,
        codec,
        feedback: capability.feedback.clone(),
    });
    places.push(place);

    let Some(likes) = capability.rtx.filter(|_| local.rtx) else {
        return;
    };
    let codec = Codec::rtx(
        capability.codec.kind,
        capability.codec.clock_rate,
        Some(payload_type),
    );
    if let Some(payload_type) = types.assign(&codec, likes, before, section) {
        section.push(CodecParameters {
            payload_type,
            codec,
            feedback: Vec::new(),
        });
        places.push(place);
    }
}

/// `111/111`: the codec that redundant audio repeats (RFC 2198 §5).
fn redundant_line(red: &Codec, section: &[CodecParameters]) -> Option<String> {
    let repeated = section.iter().find(|c| {
        c.codec.is_media()
            && c.codec.clock_rate == red.clock_rate
            && c.codec.channels == red.channels
    })?;
    let pt = repeated.payload_type;
    Some(format!("{pt}/{pt}"))
}

/// The codecs of an answered m-section; none when there is nothing in common, which rejects it.
/// The answer uses the offer's payload types, as RFC 3264 §6.1 recommends.
pub(crate) fn answer(
    usable: &[LocalCodec<'_>],
    preferred: bool,
    offered: &[CodecParameters],
) -> Vec<CodecParameters> {
    let mut accepted: Vec<(usize, CodecParameters)> = Vec::new();
    for entry in offered.iter().filter(|c| c.codec.role() != CodecRole::Rtx) {
        let found = usable
            .iter()
            .position(|local| local.capability.codec.matches(&entry.codec));
        let Some(place) = found.filter(|p| accepted.iter().all(|(q, _)| p != q)) else {
            continue;
        };
        let capability = usable[place].capability;
        let mut codec = capability.codec.clone();
        codec.sdp_fmtp_line = match is_redundant_audio(&codec) {
            true => entry.codec.sdp_fmtp_line.clone(),
            false => codec.answer_fmtp(&entry.codec),
        };
        let answered = CodecParameters {
            payload_type: entry.payload_type,
            codec,
            feedback: common_feedback(&capability.feedback, &entry.feedback),
        };
        accepted.push((place, answered));
    }
    if preferred {
        accepted.sort_by_key(|(place, _)| *place);
    }
    if !accepted.iter().any(|(_, c)| c.codec.is_media()) {
        return Vec::new();
    }
    let mut section = Vec::new();
    for (place, entry) in accepted.clone() {
        let parts_there = |pt: PayloadType| accepted.iter().any(|(_, c)| c.payload_type == pt);
        if is_redundant_audio(&entry.codec) && !entry.codec.redundant().all(parts_there) {
            continue;
        }
        let payload_type = entry.payload_type;
        section.push(entry);
        if usable[place].rtx && usable[place].capability.rtx.is_some() {
            section.extend(retransmission(offered, payload_type));
        }
    }
    section
}

/// The offered retransmission format of a payload type.
fn retransmission(offered: &[CodecParameters], of: PayloadType) -> Option<CodecParameters> {
    let found = offered
        .iter()
        .find(|c| c.codec.role() == CodecRole::Rtx && c.codec.apt() == Some(of))?;
    Some(CodecParameters {
        feedback: Vec::new(),
        ..found.clone()
    })
}

/// What may be sent to an end that describes itself by `theirs`: its payload types and its
/// parameters, for they say what it can receive (RFC 3264 §5.1), of the codecs this end can send.
/// When this end has described itself as well, `ours` limits the feedback.
pub(crate) fn sendable(
    capabilities: &Capabilities,
    kind: MediaKind,
    theirs: &[CodecParameters],
) -> Vec<CodecParameters> {
    let usable = capabilities.usable(kind, &[], Direction::SendOnly);
    let mut codecs: Vec<CodecParameters> = Vec::new();
    for entry in theirs {
        if let Some(apt) = entry
            .codec
            .apt()
            .filter(|_| entry.codec.role() == CodecRole::Rtx)
        {
            if codecs.iter().any(|c| c.payload_type == apt) {
                codecs.push(entry.clone());
            }
            continue;
        }
        let found = usable
            .iter()
            .find(|local| local.capability.codec.matches(&entry.codec));
        let Some(local) = found else { continue };
        codecs.push(CodecParameters {
            payload_type: entry.payload_type,
            codec: Codec {
                sdp_fmtp_line: entry.codec.sdp_fmtp_line.clone(),
                ..local.capability.codec.clone()
            },
            feedback: common_feedback(&local.capability.feedback, &entry.feedback),
        });
    }
    codecs
}

/// What may be received: the codecs this end described itself with that the other end's
/// description has too, under this end's payload types, with the feedback that both know.
pub(crate) fn receivable(
    ours: &[CodecParameters],
    theirs: &[CodecParameters],
) -> Vec<CodecParameters> {
    let mut codecs: Vec<CodecParameters> = Vec::new();
    for entry in ours {
        let agreed = match entry.codec.role() {
            CodecRole::Rtx => {
                let repeats = |c: &CodecParameters| Some(c.payload_type) == entry.codec.apt();
                let repeated = codecs.iter().any(repeats);
                let mut theirs = theirs.iter();
                theirs.find(|c| repeated && c.codec.role() == CodecRole::Rtx)
            }
            _ => counterpart(entry, theirs),
        };
        if let Some(agreed) = agreed {
            codecs.push(CodecParameters {
                feedback: common_feedback(&entry.feedback, &agreed.feedback),
                ..entry.clone()
            });
        }
    }
    codecs
}

/// The other end's format for one of this end's: of several that fit, the one of the same number.
fn counterpart<'a>(
    entry: &CodecParameters,
    theirs: &'a [CodecParameters],
) -> Option<&'a CodecParameters> {
    let mut fitting = theirs
        .iter()
        .filter(|c| entry.codec.matches(&c.codec))
        .peekable();
    let first = fitting.peek().copied();
    let same = fitting.find(|c| c.payload_type == entry.payload_type);
    same.or(first)
}

/// What the other end's description says of how it sends these formats of this end's.
pub(crate) fn sent_formats(
    receivable: &[CodecParameters],
    theirs: &[CodecParameters],
) -> Vec<SentFormat> {
    let formats = receivable.iter();
    let sent =
        formats.filter_map(|entry| SentFormat::of(entry, &counterpart(entry, theirs)?.codec));
    sent.collect()
}
