//! `createAnswer`: RFC 9429 §5.3.

use std::collections::BTreeSet;

use duologue_base::{IceCredentials, Mid, TransportKey};
use duologue_rtp::{CodecParameters, CodecRole};

use super::bundle::Bundled;
use super::offer::{of_rtp, sending};
use super::{codec, draft, dtls_role, extension, simulcast};
use crate::agreement::{Agreement, DtlsAgreement, MediaAgreement, Rejection, TransportAgreement};
use crate::applied::Applied;
use crate::blueprint::{Blueprint, Content, DataLines, Port, RtpLines, Section, TransportLines};
use crate::signaling::Proposal;
use crate::{
    BundlePolicy, Draft, Ids, Intent, JsepError, SdpType, SectionKind, Side, Signaling, StopState,
    TransceiverIntent,
};

/// Makes an answer to the remote offer (RFC 9429 §5.3).
///
/// # Errors
/// In every state but `have-remote-offer` and `have-local-pranswer`.
#[doc(alias = "createAnswer")]
pub fn create_answer(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
) -> Result<Draft, JsepError> {
    let Some(Proposal::RemoteOffer(pending) | Proposal::LocalPranswer(pending)) =
        &signaling.proposal
    else {
        return Err(JsepError::State {
            ty: SdpType::Answer,
            side: Side::Local,
            state: signaling.state(),
        });
    };
    let planner = Planner {
        stable: signaling.stable(),
        offered: &pending.offered,
        // A provisional answer has brought credentials that the next answer keeps.
        latest: &pending.next,
        offer: &pending.offer,
        intent,
    };
    Ok(planner.plan(ids))
}

struct Planner<'a> {
    stable: &'a Agreement,
    offered: &'a Agreement,
    latest: &'a Agreement,
    offer: &'a Applied,
    intent: &'a Intent,
}

impl Planner<'_> {
    fn plan(&self, ids: &mut Ids) -> Draft {
        let offer = &self.offer.blueprint;
        let media = || self.offered.media.iter();
        let mids: Vec<Mid> = media().map(|m| m.mid.clone()).collect();
        let bundled = Bundled::new(offer, &mids);
        let mut sections: Vec<Section> = Vec::new();
        for (index, (offered, media)) in offer.sections.iter().zip(media()).enumerate() {
            // The answer has a mid if and only if the offer has (RFC 9429 §5.3.1).
            let section = match self.is_acceptable(index, &bundled) {
                true => self.accept(offered, media),
                false => None,
            };
            sections.push(section.unwrap_or_else(|| offered.rejection(offered.mid.clone())));
        }
        let bundles = accepted_groups(offer, &sections);
        self.transports(&bundled, &bundles, &mut sections, ids);
        let transceivers = media().map(|m| m.transceiver).collect();
        let blueprint = Blueprint {
            ice_lite: self.intent.capabilities.ice_lite,
            ice_pacing: None,
            identity: self.intent.identity.clone(),
            extmap_allow_mixed: offer.extmap_allow_mixed,
            bundles,
            lip_sync: Vec::new(),
            sections,
        };
        draft(SdpType::Answer, &blueprint, transceivers, ids)
    }

    /// Whether the bundle policy and the transceiver let a section be accepted (RFC 9429 §5.3.1).
    ///
    /// When the section that stands for a group is rejected, the group lives on with its next
    /// one. RFC 9429 would reject them all, but then an end without audio codecs could not take
    /// the data channel of a browser's offer; browsers do as we do.
    fn is_acceptable(&self, index: usize, bundled: &Bundled<'_>) -> bool {
        let offer = &self.offer.blueprint;
        let section = &offer.sections[index];
        if section.is_rejected() || section.kind() == SectionKind::Unknown {
            return false;
        }
        let data = |s: &Section| s.data().is_some() && !s.is_rejected();
        if data(section) && offer.sections[..index].iter().any(data) {
            // A connection has one SCTP association.
            return false;
        }
        let leader = match self.intent.bundle_policy {
            BundlePolicy::MaxCompat => None,
            BundlePolicy::MaxBundle => offer.sections.iter().position(|s| !s.is_rejected()),
            BundlePolicy::Balanced => {
                let alike = |s: &Section| !s.is_rejected() && s.kind() == section.kind();
                offer.sections.iter().position(alike)
            }
        };
        leader.is_none_or(|first| first == index || bundled.together(index, first))
    }

    fn accept(&self, offered: &Section, media: &MediaAgreement) -> Option<Section> {
        let content = match &offered.content {
            Content::Rtp(rtp) => {
                let transceiver = self.intent.transceiver(media.transceiver?)?;
                let direction = answered_direction(offered, transceiver)?;
                let lines = self.media(rtp, transceiver, direction)?;
                return Some(self.section(offered, Content::Rtp(lines), direction));
            }
            Content::Data(data) => Content::Data(DataLines {
                port: match data.legacy {
                    // The older form has one port for both in the m= line.
                    true => data.port,
                    false => self.intent.sctp.port,
                },
                max_message_size: Some(self.intent.sctp.max_message_size),
                legacy: data.legacy,
                init: data.init.as_ref().and_then(|_| self.sctp_init(media)),
            }),
            Content::Unknown => return None,
        };
        Some(self.section(offered, content, crate::Direction::SendRecv))
    }

    /// draft-hancke-tsvwg-snap: what a description with such a line is answered with. An association
    /// that there is keeps its own.
    fn sctp_init(&self, media: &MediaAgreement) -> Option<Vec<u8>> {
        match media.sctp.as_ref().filter(|sctp| sctp.established) {
            Some(sctp) => sctp.inits.as_ref().map(|inits| inits.local.clone()),
            None => self.intent.sctp.init.clone(),
        }
    }

    fn section(&self, offered: &Section, content: Content, direction: crate::Direction) -> Section {
        let mut section = Section {
            word: offered.word.clone(),
            protocol: offered.protocol.clone(),
            formats: offered.formats.clone(),
            mid: offered.mid.clone(),
            port: Port::Open,
            direction,
            transport: TransportLines::default(),
            content,
        };
        of_rtp(&mut section, self.intent);
        section.transport.reduced_size &= offered.transport.reduced_size;
        if let Content::Rtp(rtp) = &section.content {
            let types = rtp.codecs.iter();
            let types = types.map(|c| c.payload_type);
            section.formats = duologue_sdp::Formats::Rtp(types.collect());
        }
        section
    }

    fn media(
        &self,
        offered: &RtpLines,
        transceiver: &TransceiverIntent,
        direction: crate::Direction,
    ) -> Option<RtpLines> {
        let capabilities = &self.intent.capabilities;
        let codecs = common_codecs(offered, transceiver, self.intent, direction);
        if codecs.is_empty() {
            return None;
        }
        let mut lines = RtpLines::empty(offered.kind);
        lines.codecs = codecs;
        lines.extensions = extension::answer(capabilities, transceiver, &offered.extensions);
        let mut send = transceiver.sender.rids.clone();
        let taken = simulcast::taken(offered);
        send.retain(|rid| direction.sends() && taken.contains(rid));
        let receive = match direction.receives() {
            true => simulcast::sent(offered),
            false => Vec::new(),
        };
        // RFC 8853 §5.3.2: an answer has a=simulcast where the offer has it.
        let offers_simulcast = offered.simulcast.is_some();
        simulcast::describe(&mut lines, &send, &receive, offers_simulcast);
        sending(&mut lines, transceiver, self.intent, direction.sends());
        Some(lines)
    }

    /// Gives the first section of each transport its attributes (RFC 9429 §5.3.1).
    fn transports(
        &self,
        offer: &Bundled<'_>,
        bundles: &[Vec<Mid>],
        sections: &mut [Section],
        ids: &mut Ids,
    ) {
        let firsts: BTreeSet<&Mid> = bundles.iter().map(|group| &group[0]).collect();
        let data = sections
            .iter()
            .position(|s| s.data().is_some() && !s.is_rejected());
        let carries_data =
            |at: usize| data.is_some_and(|data| data == at || offer.together(data, at));

        for (index, section) in sections.iter_mut().enumerate() {
            let stands = !offer.is_bundled(index) || firsts.contains(&offer.mids[index]);
            let Some(key) = self.offered.media[index].transport.filter(|_| stands) else {
                continue;
            };
            if section.is_rejected() {
                continue;
            }
            let of = |agreement: &Agreement| agreement.transports.get(&key)?.local_ice.clone();
            let local_ice = of(self.offered)
                .or_else(|| of(self.latest))
                .or_else(|| self.unchanged_ice(key));
            let lines = offer.answered_lines(index);
            let latest = self.latest.transports.get(&key);
            let dtls = latest
                .and_then(|transport| transport.dtls.as_ref())
                .or_else(|| self.dtls_of_data().filter(|_| carries_data(index)));
            let shown = std::mem::take(&mut section.transport);
            section.transport = TransportLines {
                ice: Some(local_ice.unwrap_or_else(|| ids.credentials())),
                trickle: true,
                renomination: self.intent.capabilities.ice_renomination,
                // An answer has it if and only if the offer has.
                sped: lines.sped,
                fingerprints: self.intent.fingerprints.clone(),
                setup: Some(dtls_role::answer_setup(lines, dtls)),
                ..shown
            };
        }
        repeat_in_groups(offer, bundles, sections);
    }

    /// What was agreed for the transport that the data channels have, if the offer moves them to
    /// another one. RFC 8842 §5.3 leaves the role there to this end, and RFC 8832 §6 takes the channels'
    /// ids from it: with roles turned round each end would give out what the other one has given.
    fn dtls_of_data(&self) -> Option<&DtlsAgreement> {
        let data = self.stable.data().filter(|data| !data.rejected)?;
        self.stable.transport_of(data)?.dtls.as_ref()
    }

    /// The credentials that were shown for the other end's, if the offer keeps those for another
    /// transport: new ones would look like an ICE restart, which Firefox refuses in an answer.
    fn unchanged_ice(&self, transport: TransportKey) -> Option<IceCredentials> {
        let theirs = |t: &TransportAgreement| Some(t.remote_ice.as_ref()?.credentials.clone());
        let offered = theirs(self.offered.transports.get(&transport)?)?;
        let mut agreed = self.stable.transports.values();
        let same = agreed.find(|t| theirs(t).is_some_and(|known| known == offered))?;
        same.local_ice.clone()
    }
}

/// RFC 9143 §7.3.1 leaves a group's attributes to its first section, but libwebrtc and Firefox
/// repeat them in every one, and Firefox 153 crashes on a section without a fingerprint.
fn repeat_in_groups(offer: &Bundled<'_>, bundles: &[Vec<Mid>], sections: &mut [Section]) {
    for group in bundles {
        let index = |mid: &Mid| offer.mids.iter().position(|offered| offered == mid);
        let mut members = group.iter().filter_map(index);
        let Some(first) = members.next() else {
            continue;
        };
        let shared = sections[first].transport.clone();
        for index in members {
            let section = &mut sections[index];
            if section.is_rejected() {
                continue;
            }
            let own = std::mem::take(&mut section.transport);
            section.transport = TransportLines {
                rtcp_mux: own.rtcp_mux,
                rtcp_mux_only: own.rtcp_mux_only,
                reduced_size: own.reduced_size,
                cryptex: own.cryptex,
                ..shared.clone()
            };
        }
    }
}

/// The codecs of an offered m-section that this end has, as the answer lists them.
fn common_codecs(
    offered: &RtpLines,
    transceiver: &TransceiverIntent,
    intent: &Intent,
    direction: crate::Direction,
) -> Vec<CodecParameters> {
    let preferences = &transceiver.codec_preferences;
    let usable = intent
        .capabilities
        .usable(offered.kind, preferences, direction);
    let mut codecs = codec::answer(&usable, !preferences.is_empty(), &offered.codecs);
    if preferences.is_empty() {
        leave_out_events_of_other_clocks(&mut codecs);
    }
    codecs
}

/// RFC 4733 §2.1: an event is on the clock of the codec beside it, so that each clock of a codec keeps its own.
/// Events of other clocks are left out: Chromium 156 sends telephone keys by the 8 kHz one where it may, counting
/// them on the clock of its codec, and beside Opus they end after a sixth of their time.
fn leave_out_events_of_other_clocks(codecs: &mut Vec<CodecParameters>) {
    let is_event = |it: &CodecParameters| it.codec.role() == CodecRole::TelephoneEvent;
    let clocks: Vec<u32> = codecs
        .iter()
        .filter(|it| it.codec.role() == CodecRole::Primary)
        .map(|it| it.codec.clock_rate)
        .collect();
    let fits = |it: &CodecParameters| clocks.contains(&it.codec.clock_rate);
    if codecs.iter().any(|it| is_event(it) && fits(it)) {
        codecs.retain(|it| !is_event(it) || fits(it));
    }
}

/// Why an answer of this end rejects an m-section that was offered.
pub(super) fn rejection(
    offered: &Section,
    transceiver: Option<&TransceiverIntent>,
    intent: &Intent,
) -> Rejection {
    let no_codec = offered.rtp().zip(transceiver).is_some_and(|(rtp, it)| {
        answered_direction(offered, it)
            .is_some_and(|direction| common_codecs(rtp, it, intent, direction).is_empty())
    });
    match no_codec {
        true => Rejection::NoCommonCodec,
        false => Rejection::ByThisEnd,
    }
}

/// The offered direction turned around and cut down to the transceiver's (RFC 3264 §6.1). `None`
/// rejects: the transceiver is stopped. One that is about to stop is inactive: rejecting its
/// section is left to the next offer.
fn answered_direction(
    offered: &Section,
    transceiver: &TransceiverIntent,
) -> Option<crate::Direction> {
    match transceiver.stop {
        StopState::Running => Some(
            offered
                .direction
                .reversed()
                .intersection(transceiver.direction),
        ),
        StopState::Stopping => Some(crate::Direction::Inactive),
        StopState::Stopped => None,
    }
}

/// The offer's groups without the sections that are rejected.
fn accepted_groups(offer: &Blueprint, sections: &[Section]) -> Vec<Vec<Mid>> {
    let accepted = |mid: &&Mid| {
        let section = offer.by_mid(mid).map(|at| &sections[at]);
        section.is_some_and(|s| !s.is_rejected())
    };
    let groups = offer.bundles.iter();
    groups
        .map(|group| group.iter().filter(accepted).cloned().collect::<Vec<_>>())
        .filter(|group| !group.is_empty())
        .collect()
}
