//! Whether a text may stand for the description that was created. webrtc-pc §4.4.2 refuses every
//! other text; browsers take changed ones, and libraries count on it. What two ends agree on is
//! computed from the text that is applied, so a change is sound when this end can keep what the text
//! says. Here texts are compared by what they mean, and what may not differ is named.
//!
//! * M-sections, their tags and groups, fingerprints, `a=setup`, streams to send and their layers
//!   stay, and so does what this crate does not know the meaning of.
//! * ICE credentials may be others before anything is described: later they would be a restart.
//! * Directions, codecs and their order, `a=fmtp`, `a=rtcp-fb`, `a=extmap` and `b=` may be anything
//!   that this end can do, and promises may be left out.

use std::collections::BTreeMap;

use duologue_rtp::{CodecParameters, CodecRole, ExtensionId, Mid, PayloadType};
use duologue_sdp::{Attribute, Field, Line, Section as SdpSection, SessionDescription};

use super::verify::clashes_with_rtcp;
use crate::blueprint::{
    self, Blueprint, Content, DataLines, RtpLines, Section, Streams, TransportLines,
};
use crate::{HeaderEncryptionPolicy, Intent, Modification, SdpType, Side, Signaling};

/// Compares a text with the description that was created.
pub(crate) fn check(
    ty: SdpType,
    created: &str,
    text: &str,
    signaling: &Signaling,
    intent: &Intent,
) -> Result<(), Modification> {
    let read = |text: &str| {
        let description = SessionDescription::parse(text);
        description.map_err(|error| Modification::Unreadable(error.line))
    };
    let (created, text) = (read(created)?, read(text)?);
    let version = |description: &SessionDescription| {
        let origin = description.origin()?;
        Some((origin.session_id, origin.session_version))
    };
    if version(&created) != version(&text) {
        return Err(Modification::Outdated);
    }
    if created.media_count() != text.media_count() {
        return Err(Modification::SectionCount);
    }
    unknown_lines(&created, &text)?;
    let comparison = Comparison {
        is_answer: ty != SdpType::Offer,
        first: signaling.applied(Side::Local).is_none(),
        intent,
    };
    comparison.blueprints(&blueprint::read(&created), &blueprint::read(&text))
}

/// Lines that jsep does not read and that were not there: this end cannot know what it would promise
/// by them.
fn unknown_lines(
    created: &SessionDescription,
    text: &SessionDescription,
) -> Result<(), Modification> {
    for ((_, before), (section, after)) in levels(created).zip(levels(text)) {
        let mut added = after.lines().iter().filter(|line| is_foreign(line));
        if let Some(line) = added.find(|line| !before.lines().contains(line)) {
            return Err(Modification::Line {
                section,
                line: match line.text().split_once(':') {
                    Some((name, _)) => name.to_owned(),
                    None => line.text().to_owned(),
                },
            });
        }
    }
    Ok(())
}

/// The session level and the m-sections.
fn levels(description: &SessionDescription) -> impl Iterator<Item = (Option<usize>, &SdpSection)> {
    let medias = description.medias();
    let medias = medias.map(|media| (Some(media.index()), media.section()));
    std::iter::once((None, description.session())).chain(medias)
}

/// An attribute that is neither in the blueprint nor a mere hint.
fn is_foreign(line: &Line) -> bool {
    match line.field() {
        Field::Attribute(attribute) => matches!(
            attribute,
            Attribute::Other { .. }
                | Attribute::Candidate(_)
                | Attribute::EndOfCandidates
                | Attribute::RemoteCandidates(_)
                | Attribute::Identity(_)
                | Attribute::TlsId(_)
                | Attribute::ImageAttr(_)
        ),
        Field::Unread => line.text().starts_with("a="),
        _ => false,
    }
}

struct Comparison<'a> {
    is_answer: bool,
    /// This end has described nothing yet.
    first: bool,
    intent: &'a Intent,
}

impl Comparison<'_> {
    fn blueprints(&self, created: &Blueprint, text: &Blueprint) -> Result<(), Modification> {
        let fits = [
            ("a=group:BUNDLE", created.bundles == text.bundles),
            ("a=ice-lite", created.ice_lite == text.ice_lite),
            ("a=ice-pacing", created.ice_pacing == text.ice_pacing),
            (
                "a=extmap-allow-mixed",
                created.extmap_allow_mixed || !text.extmap_allow_mixed,
            ),
        ];
        first_misfit(None, fits)?;
        let sections = created.sections.iter().zip(&text.sections).enumerate();
        for (index, (created, text)) in sections {
            self.section(index, created, text)?;
        }
        extension_ids(text)
    }

    fn section(&self, index: usize, created: &Section, text: &Section) -> Result<(), Modification> {
        let same_line = created.word == text.word
            && created.protocol == text.protocol
            && created.port == text.port
            && created.kind() == text.kind();
        let fits = [("m=", same_line), ("a=mid", created.mid == text.mid)];
        first_misfit(Some(index), fits)?;
        if created.is_rejected() {
            return Ok(());
        }
        self.transport(index, &created.transport, &text.transport)?;
        match (&created.content, &text.content) {
            (Content::Rtp(created), Content::Rtp(text)) => self.rtp(index, created, text),
            (Content::Data(created), Content::Data(text)) => data(index, created, text),
            _ => Ok(()),
        }
    }

    fn transport(
        &self,
        index: usize,
        created: &TransportLines,
        text: &TransportLines,
    ) -> Result<(), Modification> {
        let ice = match self.first {
            true => created.ice.is_some() == text.ice.is_some(),
            false => created.ice == text.ice,
        };
        let fits = [
            ("a=ice-ufrag or a=ice-pwd", ice),
            (
                "a=ice-options",
                (created.trickle || !text.trickle)
                    && (created.renomination || !text.renomination)
                    && (created.sped || !text.sped),
            ),
            ("a=fingerprint", created.fingerprints == text.fingerprints),
            ("a=setup", created.setup == text.setup),
            ("a=rtcp-mux", created.rtcp_mux == text.rtcp_mux),
            (
                "a=rtcp-mux-only",
                created.rtcp_mux_only || !text.rtcp_mux_only,
            ),
            ("a=rtcp-rsize", created.reduced_size || !text.reduced_size),
            // Without it the other end would send headers in the clear.
            (
                "a=cryptex",
                match self.intent.header_encryption {
                    HeaderEncryptionPolicy::Require => created.cryptex == text.cryptex,
                    _ => created.cryptex || !text.cryptex,
                },
            ),
        ];
        first_misfit(Some(index), fits)
    }

    fn rtp(&self, index: usize, created: &RtpLines, text: &RtpLines) -> Result<(), Modification> {
        let streams = match (&created.streams, &text.streams) {
            (_, Streams::Unsaid) => true,
            (Streams::In(created), Streams::In(text)) => {
                text.iter().all(|stream| created.contains(stream))
            }
            (Streams::Unsaid, Streams::In(_)) => false,
        };
        let known = |id: &String| created.track_id.as_ref() == Some(id);
        let sources = text.sources.iter().all(|source| {
            let mut created = created.sources.iter();
            created.any(|known| known.source.ssrc == source.source.ssrc)
        });
        let cname = text.cname.is_none() || text.cname == created.cname;
        let fits = [
            ("a=msid", streams && text.track_id.iter().all(known)),
            ("a=rid", created.rids == text.rids),
            ("a=simulcast", created.simulcast == text.simulcast),
            ("a=ssrc", sources && cname),
            ("m=", !text.codecs.is_empty()),
        ];
        first_misfit(Some(index), fits)?;
        let unfit = text
            .codecs
            .iter()
            .find(|entry| !self.can_be_there(entry, created, text));
        match unfit {
            Some(entry) => Err(Modification::Codec {
                section: index,
                payload_type: entry.payload_type,
            }),
            None => Ok(()),
        }
    }

    /// This end has the codec, and an answer has answered it.
    fn can_be_there(&self, entry: &CodecParameters, created: &RtpLines, text: &RtpLines) -> bool {
        let numbered =
            |lines: &RtpLines, pt: PayloadType| lines.codecs.iter().any(|c| c.payload_type == pt);
        if clashes_with_rtcp(&entry.payload_type)
            || (self.is_answer && !numbered(created, entry.payload_type))
        {
            return false;
        }
        match entry.codec.role() {
            CodecRole::Rtx => entry.codec.apt().is_some_and(|apt| numbered(text, apt)),
            _ => {
                let mut known = self.intent.capabilities.codecs.iter();
                known.any(|known| known.codec.matches(&entry.codec))
            }
        }
    }
}

fn data(index: usize, created: &DataLines, text: &DataLines) -> Result<(), Modification> {
    // Zero stands for any size (RFC 8841 §6.1).
    let size = |lines: &DataLines| match lines.max_message_size {
        Some(0) => u64::MAX,
        Some(size) => size,
        None => 0,
    };
    let form = created.port == text.port && created.legacy == text.legacy;
    first_misfit(
        Some(index),
        [
            ("a=sctp-port", form),
            ("a=max-message-size", size(text) <= size(created)),
            (
                "a=sctp-init",
                text.init.is_none() || text.init == created.init,
            ),
        ],
    )
}

/// An id stands for one extension in a BUNDLE group (RFC 9143 §15).
fn extension_ids(text: &Blueprint) -> Result<(), Modification> {
    let mut known: BTreeMap<(Result<usize, usize>, ExtensionId), &str> = BTreeMap::new();
    for (index, section) in text.sections.iter().enumerate() {
        let with = |group: &Vec<Mid>| section.mid.as_ref().is_some_and(|mid| group.contains(mid));
        let group = text.bundles.iter().position(with).ok_or(index);
        let lines = section.rtp().filter(|_| !section.is_rejected());
        for extension in lines.into_iter().flat_map(|rtp| &rtp.extensions) {
            let uri = *known.entry((group, extension.id)).or_insert(&extension.uri);
            first_misfit(Some(index), [("a=extmap", uri == extension.uri)])?;
        }
    }
    Ok(())
}

fn first_misfit<const N: usize>(
    section: Option<usize>,
    fits: [(&'static str, bool); N],
) -> Result<(), Modification> {
    match fits.into_iter().find(|(_, fits)| !fits) {
        Some((line, _)) => Err(Modification::Line {
            section,
            line: line.to_owned(),
        }),
        None => Ok(()),
    }
}
