//! `createOffer`: RFC 9429 §5.2.

use std::sync::Arc;

use duologue_base::{IceCredentials, Mid, TransceiverId, TransportKey};
use duologue_rtp::{CodecParameters, CodecRole, PayloadType, SourceParameters};
use duologue_sdp::attr::{RidDirection, Setup};
use duologue_sdp::{Formats, MediaKind as MediaWord, MediaProtocol};

use super::codec::{self, PayloadTypes};
use super::extension::{self, ExtensionIds};
use super::{draft, simulcast};
use crate::agreement::{Agreement, AnnouncedSource, IceKey, MediaAgreement};
use crate::applied::Applied;
use crate::blueprint::{
    Blueprint, Content, DataLines, Port, RtpLines, Section, Streams, TransportLines,
};
use crate::{
    BundlePolicy, Draft, HeaderEncryptionPolicy, Ids, Intent, JsepError, MediaKind, OfferOptions,
    SdpType, SectionKind, Side, Signaling, SignalingState, StopState, TransceiverIntent,
};

/// Makes an offer of what is wanted, on top of what is agreed (RFC 9429 §5.2).
///
/// # Errors
/// In every state but `stable` and `have-local-offer`.
#[doc(alias = "createOffer")]
pub fn create_offer(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
    options: OfferOptions,
) -> Result<Draft, JsepError> {
    let state = signaling.state();
    if !matches!(
        state,
        SignalingState::Stable | SignalingState::HaveLocalOffer
    ) {
        return Err(JsepError::State {
            ty: SdpType::Offer,
            side: Side::Local,
            state,
        });
    }
    let planner = Planner::new(signaling, intent, ids, options);
    Ok(planner.plan())
}

/// What an m-section of the offer is made of.
enum Slot {
    /// The section that was there, rejected or made so.
    Rejected(usize),
    /// A transceiver's section, new or not.
    Media(TransceiverId),
    Data,
}

struct Planner<'a> {
    base: &'a Agreement,
    /// What `base`'s sections last looked like, local and remote.
    local: Option<&'a Blueprint>,
    remote: Option<&'a Blueprint>,
    stable: &'a Agreement,
    intent: &'a Intent,
    ids: &'a mut Ids,
    options: OfferOptions,
    types: PayloadTypes,
    extensions: ExtensionIds,
}

impl<'a> Planner<'a> {
    fn new(
        signaling: &'a Signaling,
        intent: &'a Intent,
        ids: &'a mut Ids,
        options: OfferOptions,
    ) -> Self {
        let blueprint = |applied: Option<&'a Arc<Applied>>| applied.map(|a| &a.blueprint);
        let local = blueprint(signaling.applied(Side::Local));
        let remote = blueprint(signaling.applied(Side::Remote));
        let mut types = PayloadTypes::default();
        let mut extensions = ExtensionIds::new(&ids.extensions);
        for rtp in [local, remote].into_iter().flatten().flat_map(alive_rtp) {
            types.reserve(&rtp.codecs);
        }
        // Later lines win: this end's own, which an answer has fitted to the other end's.
        for rtp in [remote, local].into_iter().flatten().flat_map(alive_rtp) {
            extensions.reserve(&rtp.extensions);
        }
        Planner {
            base: signaling.latest(),
            local,
            remote,
            stable: signaling.stable(),
            intent,
            ids,
            options,
            types,
            extensions,
        }
    }

    fn plan(mut self) -> Draft {
        let slots = self.slots();
        let mids = self.base.media.iter().map(|m| m.mid.clone());
        let mut fresh = self.ids.fresh_mids(mids);
        let mut sections = Vec::new();
        let mut transceivers = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let kept = self.kept(index, slot);
            let mid = match kept {
                Some(media) => media.mid.clone(),
                None => fresh.draw(),
            };
            sections.push(self.section(index, slot, mid));
            transceivers.push(match slot {
                Slot::Media(id) => Some(*id),
                Slot::Rejected(at) => self.base.media[*at].transceiver,
                Slot::Data => None,
            });
        }

        // In the order of the sections, as browsers have it: libwebrtc answers in that order whatever
        // is offered, and fails when the first one is another than it took from the offer.
        let alive = sections.iter().filter(|s: &&Section| !s.is_rejected());
        let bundle: Vec<Mid> = alive.filter_map(|s| s.mid.clone()).collect();
        self.transports(&slots, &mut sections, &bundle);
        let blueprint = Blueprint {
            ice_lite: self.intent.capabilities.ice_lite,
            ice_pacing: None,
            identity: self.intent.identity.clone(),
            extmap_allow_mixed: true,
            bundles: if bundle.is_empty() {
                Vec::new()
            } else {
                vec![bundle]
            },
            lip_sync: self.lip_sync(&slots, &sections),
            sections,
        };

        for extension in alive_rtp(&blueprint).flat_map(|rtp| &rtp.extensions) {
            let known = self.ids.extensions.entry(extension.uri.clone());
            known.or_insert(extension.id);
        }
        draft(SdpType::Offer, &blueprint, transceivers, self.ids)
    }

    /// What each m-section is to be (RFC 9429 §5.2.2): those that are there stay in their places,
    /// new transceivers take the places of rejected ones and then follow, data comes last.
    fn slots(&self) -> Vec<Slot> {
        let associated = |id: TransceiverId| {
            let media = self.base.by_transceiver(id);
            media.is_some_and(|m| !m.rejected || self.stable.by_transceiver(id).is_none())
        };
        let mut new = self
            .intent
            .transceivers
            .iter()
            .filter(|t| t.stop == StopState::Running && !associated(t.id))
            .map(|t| Slot::Media(t.id));
        let has_data = |m: &Arc<MediaAgreement>| m.kind == SectionKind::Data && !m.rejected;
        let mut data = self.intent.data && !self.base.media.iter().any(has_data);
        let mut slots = Vec::new();
        for (index, media) in self.base.media.iter().enumerate() {
            let recyclable = media.rejected
                && self
                    .stable
                    .media
                    .get(index)
                    .is_some_and(|stable| stable.rejected);
            slots.push(match (&media.kind, media.transceiver) {
                _ if recyclable => match new.next() {
                    Some(slot) => slot,
                    None if std::mem::take(&mut data) => Slot::Data,
                    None => Slot::Rejected(index),
                },
                _ if media.rejected => Slot::Rejected(index),
                (SectionKind::Rtp(_), Some(id)) if self.running(id) => Slot::Media(id),
                (SectionKind::Data, _) => Slot::Data,
                _ => Slot::Rejected(index),
            });
        }
        slots.extend(new);
        if data {
            slots.push(Slot::Data);
        }
        slots
    }

    fn running(&self, id: TransceiverId) -> bool {
        let transceiver = self.intent.transceiver(id);
        transceiver.is_some_and(|t| t.stop == StopState::Running)
    }

    /// The section that was there, if the slot goes on with it.
    fn kept(&self, index: usize, slot: &Slot) -> Option<&'a Arc<MediaAgreement>> {
        let media = self.base.media.get(index)?;
        let goes_on = match slot {
            Slot::Rejected(_) => true,
            Slot::Media(id) => !media.rejected && media.transceiver == Some(*id),
            Slot::Data => !media.rejected && media.kind == SectionKind::Data,
        };
        goes_on.then_some(media)
    }

    fn section(&mut self, index: usize, slot: &Slot, mid: Mid) -> Section {
        let kept = self.kept(index, slot).is_some();
        let before = self.local.or(self.remote).filter(|_| kept);
        let before = before.and_then(|b| b.sections.get(index));
        match slot {
            Slot::Rejected(_) => rejected(before, mid),
            Slot::Data => self.data(before, mid),
            Slot::Media(id) => match self.intent.transceiver(*id) {
                Some(transceiver) => self.media(index, before, transceiver, mid),
                None => rejected(before, mid),
            },
        }
    }

    /// A section for data channels. One that goes on keeps its form, be that an old one.
    fn data(&self, before: Option<&Section>, mid: Mid) -> Section {
        let sctp = &self.intent.sctp;
        let mut section = data_section(mid, Port::Open, sctp.port, sctp.max_message_size);
        if let Some((before, lines)) = before.and_then(|s| Some((s, s.data()?))) {
            section.protocol = before.protocol.clone();
            section.formats = before.formats.clone();
            section.content = Content::Data(DataLines {
                max_message_size: Some(sctp.max_message_size),
                ..lines.clone()
            });
        }
        if let Content::Data(lines) = &mut section.content {
            lines.init = self.sctp_init();
        }
        section
    }

    /// draft-hancke-tsvwg-snap: an association that there is keeps its line, or goes on without.
    fn sctp_init(&self) -> Option<Vec<u8>> {
        let known = self.base.data().and_then(|media| media.sctp.as_ref());
        match known.filter(|sctp| sctp.established) {
            Some(sctp) => sctp.inits.as_ref().map(|inits| inits.local.clone()),
            None => {
                let offers = self.intent.capabilities.sctp_snap;
                self.intent.sctp.init.clone().filter(|_| offers)
            }
        }
    }

    fn media(
        &mut self,
        index: usize,
        kept: Option<&Section>,
        transceiver: &TransceiverIntent,
        mid: Mid,
    ) -> Section {
        let kind = transceiver.kind;
        let media = self.kept(index, &Slot::Media(transceiver.id));
        let before = |blueprint: Option<&'a Blueprint>| {
            let section = media
                .and(blueprint)
                .and_then(|b| b.by_mid(&mid).map(|at| &b.sections[at]));
            section.and_then(Section::rtp)
        };

        let (ours, theirs) = (before(self.local), before(self.remote));
        let direction = transceiver.direction;
        let mut lines = RtpLines::empty(kind);
        lines.codecs = self.codecs(transceiver, ours, theirs);
        if lines.codecs.is_empty() {
            // Nothing that this end has goes in the wanted direction.
            return rejected_media(kind, mid);
        }

        lines.extensions = extension::offer(
            &self.intent.capabilities,
            transceiver,
            ours.map_or(&[], |rtp| &rtp.extensions),
            &mut self.extensions,
        );

        let receive_rids = match media {
            Some(media) if direction.receives() => media.receive_rids.as_slice(),
            _ => &[],
        };
        let send_rids = match direction.sends() {
            true => transceiver.sender.rids.as_slice(),
            false => &[],
        };

        // A description of layers stays one while the section lives (RFC 9429 §5.2.2).
        let was_simulcast = ours.is_some_and(|rtp| {
            let sends = |(_, direction): &(_, RidDirection)| *direction == RidDirection::Send;
            rtp.simulcast.is_some() && rtp.rids.iter().any(sends)
        });
        simulcast::describe(
            &mut lines,
            send_rids,
            receive_rids,
            was_simulcast || !receive_rids.is_empty(),
        );

        sending(&mut lines, transceiver, self.intent, direction.sends());
        let types = lines.codecs.iter();
        let types = types.map(|c| c.payload_type);
        Section {
            word: word(kind),
            protocol: kept.map_or(MediaProtocol::UDP_TLS_RTP_SAVPF, |s| s.protocol.clone()),
            formats: Formats::Rtp(types.collect()),
            mid: Some(mid),
            port: Port::Open,
            direction,
            transport: TransportLines::default(),
            content: Content::Rtp(lines),
        }
    }

    fn codecs(
        &mut self,
        transceiver: &TransceiverIntent,
        ours: Option<&RtpLines>,
        theirs: Option<&RtpLines>,
    ) -> Vec<crate::CodecParameters> {
        let capabilities = &self.intent.capabilities;
        let preferences = &transceiver.codec_preferences;
        let usable = capabilities.offerable(transceiver.kind, preferences, transceiver.direction);
        // RFC 9429 §5.2.2: in the order of the most recent answer unless there are preferences.
        let answered = match self.stable.exchange.as_ref().map(|e| e.remote.ty) {
            Some(SdpType::Offer) => ours,
            Some(_) => theirs,
            None => None,
        };
        let order = answered.filter(|_| preferences.is_empty());
        codec::offer(
            usable,
            order.map_or(&[], |rtp| &rtp.codecs),
            ours.map_or(&[], |rtp| &rtp.codecs),
            &mut self.types,
        )
    }

    /// Gives sections their transport attributes: those that have a transport of their own, or
    /// stand for that of the group (RFC 9429 §5.2.1).
    fn transports(&mut self, slots: &[Slot], sections: &mut [Section], bundle: &[Mid]) {
        let bundled = self.stable.bundle_agreed();
        let running = |planner: &Self, index: usize| {
            let media = planner.kept(index, &slots[index])?;
            let transport = planner.base.transport_of(media)?;
            let named = [Some(&media.mid), bundle.first()].contains(&Some(&transport.mid));
            media.transport.filter(|_| named)
        };

        let first = sections.iter().position(|section| !section.is_rejected());
        let of_group = first.and_then(|at| running(self, at)).filter(|_| bundled);
        let mut described: Vec<(Option<TransportKey>, TransportLines)> = Vec::new();
        let mut fresh = None;
        let mut kinds: Vec<SectionKind> = Vec::new();
        for (index, section) in sections.iter_mut().enumerate() {
            if section.is_rejected() {
                continue;
            }
            let key = running(self, index).or(of_group);
            let first_of_kind = !kinds.contains(&section.kind());
            let first_of_packets = !kinds.iter().any(|kind| matches!(kind, SectionKind::Rtp(_)));
            kinds.push(section.kind());
            let said = described.iter().find(|(known, _)| *known == key);
            let own = match (key, self.intent.bundle_policy) {
                (Some(_), _) => said.is_none(),
                (None, _) if bundled => said.is_none(),
                (None, BundlePolicy::MaxCompat) => true,
                (None, BundlePolicy::Balanced) => first_of_kind,
                (None, BundlePolicy::MaxBundle) => kinds.len() == 1,
            };
            if own {
                section.transport = self.lines(key, &mut fresh);
                described.push((key, section.transport.clone()));
            } else {
                // RFC 9143 §7.1.3 leaves these to the group's first section, but libwebrtc repeats
                // them in every one; it takes a section without a fingerprint for one without DTLS
                // and rejects every section behind it, and Firefox refuses a new section without
                // ICE attributes.
                let lines = said.or(described.first()).map(|(_, lines)| lines);
                section.transport = lines.cloned().unwrap_or_default();
                if !bundled {
                    section.port = Port::BundleOnly;
                }
            }
            of_rtp(section, self.intent);
            // RFC 9429 §§5.2.1–5.2.2: in a section's first offer, where it has a transport; or is the first of
            // packets on that of data.
            let new = self.kept(index, &slots[index]).is_none();
            let exclusive = section.rtp().is_some() && (own || first_of_packets);
            section.transport.rtcp_mux_only = new && exclusive;
        }
    }

    /// The attributes of a transport. New ones of an offer share their credentials, `fresh`, as in
    /// browsers: an answer to a later offer of Firefox shows the group's in each section, and
    /// Firefox takes those that differ from a section's first ones for an ICE restart that it did
    /// not ask for.
    fn lines(
        &mut self,
        key: Option<TransportKey>,
        fresh: &mut Option<IceCredentials>,
    ) -> TransportLines {
        let before = key.and_then(|key| Some((key, self.base.transports.get(&key)?)));
        TransportLines {
            ice: Some(match before {
                Some((key, transport)) => {
                    let current = IceKey {
                        transport: key,
                        generation: transport.generation,
                    };
                    let asked = [&self.intent.ice_to_replace, &self.intent.ice_outdated];
                    let restart = self.options.ice_restart
                        || asked.iter().any(|keys| keys.contains(&current));
                    match transport.local_ice.clone().filter(|_| !restart) {
                        Some(ice) => ice,
                        None => self.ids.credentials(),
                    }
                }
                None => fresh.get_or_insert_with(|| self.ids.credentials()).clone(),
            }),
            trickle: true,
            renomination: self.intent.capabilities.ice_renomination,
            sped: self.intent.capabilities.sped,
            fingerprints: self.intent.fingerprints.clone(),
            setup: Some(Setup::ActPass),
            ..TransportLines::default()
        }
    }

    /// A group for each stream that several transceivers send in (RFC 9429 §5.2.1).
    fn lip_sync(&self, slots: &[Slot], sections: &[Section]) -> Vec<Vec<Mid>> {
        let mut streams: Vec<(&str, Vec<Mid>)> = Vec::new();
        for (slot, section) in slots.iter().zip(sections) {
            let (Slot::Media(id), Some(mid)) = (slot, &section.mid) else {
                continue;
            };
            let transceiver = self.intent.transceiver(*id);
            let sender = transceiver
                .filter(|t| t.direction.sends())
                .map(|t| &t.sender);
            for stream in sender.into_iter().flat_map(|s| &s.streams) {
                match streams.iter_mut().find(|(known, _)| known == stream) {
                    Some((_, mids)) if mids.contains(mid) => {}
                    Some((_, mids)) => mids.push(mid.clone()),
                    None => streams.push((stream, vec![mid.clone()])),
                }
            }
        }
        let mut groups: Vec<Vec<Mid>> = Vec::new();
        for (_, mids) in streams {
            if mids.len() > 1 && !groups.contains(&mids) {
                groups.push(mids);
            }
        }
        groups
    }
}

/// What every section of packets says of its transport. RTCP attributes are of category IDENTICAL and
/// could be left to the group's first section (RFC 9143 §7.1.3), but libwebrtc refuses a bundled section
/// without `a=rtcp-mux`; RFC 9335 §4 has `a=cryptex` in all of them.
pub(crate) fn of_rtp(section: &mut Section, intent: &Intent) {
    let rtp = section.rtp().is_some();
    section.transport.rtcp_mux = rtp;
    section.transport.reduced_size = rtp;
    section.transport.cryptex = rtp && intent.header_encryption != HeaderEncryptionPolicy::Disable;
}

/// Writes into a section what its sender announces of its track. Whoever wants to send says the streams,
/// also in an answer that may not (RFC 9429 §5.2.1 asks for the transceiver's direction): two ends that
/// both want to send alone would miss them in each other's answers, and negotiate without end
/// (webrtc-pc §4.7.3 step 5.3.1). Sources are said of what is sent.
pub(crate) fn sending(
    lines: &mut RtpLines,
    transceiver: &TransceiverIntent,
    intent: &Intent,
    sends: bool,
) {
    if !transceiver.direction.sends() {
        return;
    }
    let sender = &transceiver.sender;
    let mut streams: Vec<String> = Vec::new();
    for stream in &sender.streams {
        if !streams.contains(stream) {
            streams.push(stream.clone());
        }
    }
    lines.streams = Streams::In(streams);

    // A track that several transceivers send is told apart by its streams alone.
    let mut before = intent
        .transceivers
        .iter()
        .take_while(|t| t.id != transceiver.id);
    let shared = before.any(|t| t.sender.track_id == sender.track_id);
    lines.track_id = Some(sender.track_id.clone()).filter(|id| !id.is_empty() && !shared);

    // As browsers have it: sources of layers are learnt from their packets' RIDs (RFC 8853 §5.5).
    let layered = lines
        .rids
        .iter()
        .any(|(_, direction)| *direction == RidDirection::Send);
    let source = sender.sources.first();
    if let Some(source) = source.filter(|_| sends && !layered) {
        let repeats = |c: &CodecParameters| c.codec.role() == CodecRole::Rtx;
        let rtx = source.rtx.filter(|_| lines.codecs.iter().any(repeats));
        let corrects = |c: &CodecParameters| c.codec.is_flexfec();
        let fec = source.fec.filter(|_| lines.codecs.iter().any(corrects));
        lines.cname = Some(intent.cname.clone());
        lines.sources = vec![AnnouncedSource {
            source: SourceParameters {
                rtx,
                fec,
                ..*source
            },
            cname: lines.cname.clone(),
        }];
    }
}

fn alive_rtp(blueprint: &Blueprint) -> impl Iterator<Item = &RtpLines> {
    let alive = blueprint.sections.iter().filter(|s| !s.is_rejected());
    alive.filter_map(Section::rtp)
}

fn word(kind: MediaKind) -> MediaWord {
    match kind {
        MediaKind::Audio => MediaWord::Audio,
        MediaKind::Video => MediaWord::Video,
    }
}

/// A rejected section for media; an `m=` line must have a format, so it has payload type 0.
fn rejected_media(kind: MediaKind, mid: Mid) -> Section {
    Section {
        word: word(kind),
        protocol: MediaProtocol::UDP_TLS_RTP_SAVPF,
        formats: Formats::Rtp(PayloadType::new(0).into_iter().collect()),
        mid: Some(mid),
        port: Port::Rejected,
        direction: crate::Direction::Inactive,
        transport: TransportLines::default(),
        content: Content::Rtp(RtpLines::empty(kind)),
    }
}

/// The section that was there with port zero.
fn rejected(before: Option<&Section>, mid: Mid) -> Section {
    match before {
        Some(section) => section.rejection(Some(mid)),
        None => data_section(mid, Port::Rejected, 0, 0),
    }
}

fn data_section(mid: Mid, port: Port, sctp_port: u16, max_message_size: u64) -> Section {
    Section {
        word: MediaWord::Application,
        protocol: MediaProtocol::UDP_DTLS_SCTP,
        formats: Formats::data_channel(),
        mid: Some(mid),
        port,
        direction: crate::Direction::SendRecv,
        transport: TransportLines::default(),
        content: Content::Data(DataLines {
            port: sctp_port,
            max_message_size: Some(max_message_size),
            legacy: false,
            init: None,
        }),
    }
}
