//! Which stream a packet belongs to (RFC 9143 §9.2): by its SSRC once that is known, before by the
//! names in its header extensions, else by its payload type.

use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_rtp::{Mid, PayloadType, ReceivePlan, Rid, RtcpFeedback, SourceParameters, Ssrc};

use super::payload_types::{PayloadTypes, Use};
use super::route::{Purpose, Route};
use super::source::Source;
use crate::limits::{PAUSED_SOURCES, SOURCES};

/// The streams of one transport, by their SSRC.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order of their SSRCs.
    slots: Vec<Slot>,
    /// Where the last packet belonged: the next one mostly does, too.
    last: usize,
    learnt: u64,
}

#[derive(Debug)]
struct Slot {
    ssrc: Ssrc,
    /// No description announced it: packets said what it is. The larger, the later.
    learnt: Option<u64>,
    source: Source,
}

/// What a packet says about the stream it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) ssrc: Ssrc,
    pub(crate) payload_type: PayloadType,
    pub(crate) mid: Option<&'a str>,
    pub(crate) rid: Option<&'a str>,
    pub(crate) repaired_rid: Option<&'a str>,
}

/// What a receiver claims: the names and payload types of its m-section.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) id: TransceiverId,
    mid: Mid,
    rids: Vec<Rid>,
    pub(crate) payload_types: PayloadTypes,
    /// Arrivals are told of by stream (RFC 8888). Where the other end may still choose, by the numbers
    /// of the transport, which are in its packets or not.
    pub(crate) by_stream: bool,
}

impl Claim {
    pub(crate) fn new(id: TransceiverId, plan: &ReceivePlan) -> Self {
        let codecs = plan.parameters.codecs.iter();
        let mut feedback = codecs.flat_map(|codec| &codec.feedback);
        let has = |wanted: &RtcpFeedback| feedback.clone().any(|it| it == wanted);
        Claim {
            by_stream: has(&RtcpFeedback::Ccfb)
                && !feedback.any(|it| *it == RtcpFeedback::TransportCc),
            id,
            mid: plan.mid.clone(),
            rids: plan.rids.clone(),
            payload_types: PayloadTypes::new(plan),
        }
    }

    /// What a packet with these names is to this receiver, if it is any of its streams.
    fn route(&self, names: &Names<'_>) -> Option<Route> {
        let named = |name: &str| self.rids.iter().position(|rid| rid.as_str() == name);
        let (encoding, purpose) = match (names.rid, names.repaired_rid) {
            (_, Some(repaired)) => (named(repaired)?, Purpose::Retransmission),
            (Some(rid), None) => (named(rid)?, self.purpose_of(names.payload_type)?),
            // A layer that does not say which it is cannot be told from the others.
            (None, None) if self.rids.len() > 1 => return None,
            (None, None) => (0, self.purpose_of(names.payload_type)?),
        };
        Some(Route {
            receiver: self.id,
            encoding,
            purpose,
        })
    }

    fn purpose_of(&self, payload_type: PayloadType) -> Option<Purpose> {
        match self.payload_types.get(payload_type)?.used_for {
            Use::Retransmission { .. } => Some(Purpose::Retransmission),
            Use::FlexFec => Some(Purpose::ErrorCorrection),
            Use::Media | Use::Red | Use::UlpFec => Some(Purpose::Media),
        }
    }
}

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    /// The index of its stream.
    At(usize),
    /// No receiver claims it, or not yet.
    Unclaimed,
}

impl Sources {
    /// The stream of a packet; a new one if its names say whose it is.
    pub(crate) fn find(&mut self, claims: &[Claim], names: &Names<'_>) -> Found {
        let known = self.position(names.ssrc);
        if let Ok(at) = known
            && names.mid.is_none_or(|mid| {
                let receiver = self.slots[at].source.route.receiver;
                let claim = claims.iter().find(|claim| claim.id == receiver);
                claim.is_some_and(|claim| claim.mid.as_str() == mid)
            })
        {
            self.last = at;
            return Found::At(at);
        }

        // A known one may come to be another section's by its mid alone.
        let Some(route) = route(claims, names) else {
            return Found::Unclaimed;
        };
        if let Ok(at) = known {
            self.slots.remove(at);
        }
        self.insert(names.ssrc, route, false);
        self.position(names.ssrc)
            .map_or(Found::Unclaimed, Found::At)
    }

    /// A description announces a stream.
    pub(crate) fn announce(&mut self, ssrc: Ssrc, route: Route) {
        match self.position(ssrc) {
            Ok(at) if self.slots[at].source.route == route => self.slots[at].learnt = None,
            Ok(at) => {
                self.slots.remove(at);
                self.insert(ssrc, route, true);
            }
            Err(_) => self.insert(ssrc, route, true),
        }
    }

    /// Those of a receiver that descriptions announced before and do not any more are like others.
    pub(crate) fn retract(&mut self, receiver: TransceiverId, announced: &[(Ssrc, Route)]) {
        for slot in &mut self.slots {
            let again = announced.iter().any(|(ssrc, _)| *ssrc == slot.ssrc);
            if slot.source.route.receiver == receiver && !again {
                slot.learnt.get_or_insert(0);
            }
        }
    }

    /// A receiver takes nothing for now. Its streams keep their counters, which statistics go on to
    /// tell (webrtc-stats §8.1), and their names, which packets need not repeat.
    pub(crate) fn pause(&mut self, receiver: TransceiverId, plan: &Arc<ReceivePlan>) {
        let its = |slot: &Slot| slot.source.route.receiver == receiver;
        self.slots
            .retain(|slot| !its(slot) || slot.source.has_begun());
        for slot in self.slots.iter_mut().filter(|slot| its(slot)) {
            slot.learnt.get_or_insert(0);
            slot.source.pause(plan);
        }

        let mut keys: Vec<u64> = self.paused().map(|source| source.key).collect();
        keys.sort_unstable();
        let too_many = keys.len().saturating_sub(PAUSED_SOURCES);
        let oldest = &keys[..too_many];
        self.slots.retain(|slot| !oldest.contains(&slot.source.key));
    }

    fn paused(&self) -> impl Iterator<Item = &Source> {
        let sources = self.slots.iter().map(|slot| &slot.source);
        sources.filter(|source| source.paused.is_some())
    }

    /// A receiver goes on, or begins.
    pub(crate) fn resume(&mut self, receiver: TransceiverId) {
        for slot in &mut self.slots {
            if slot.source.route.receiver == receiver {
                slot.source.paused = None;
            }
        }
    }

    /// All are over. Others may come under the same SSRCs.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn ssrc_at(&self, at: usize) -> Ssrc {
        self.slots[at].ssrc
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Source {
        &mut self.slots[at].source
    }

    pub(crate) fn index_of(&self, ssrc: Ssrc) -> Option<usize> {
        self.position(ssrc).ok()
    }

    pub(crate) fn by_ssrc(&mut self, ssrc: Ssrc) -> Option<&mut Source> {
        let at = self.position(ssrc).ok()?;
        Some(&mut self.slots[at].source)
    }

    /// The latest stream of media that a packet of repair belongs to.
    pub(crate) fn repaired_by(&self, at: usize) -> Option<usize> {
        let route = self.slots[at].source.route;
        self.latest(route.receiver, route.encoding)
    }

    fn latest(&self, receiver: TransceiverId, encoding: usize) -> Option<usize> {
        let media = |slot: &Slot| {
            let it = slot.source.route;
            it.purpose == Purpose::Media
                && (it.receiver, it.encoding) == (receiver, encoding)
                && slot.source.has_begun()
        };
        let candidates = self.slots.iter().enumerate();
        let candidates = candidates.filter(|(_, slot)| media(slot));
        let latest = candidates.max_by_key(|(_, slot)| slot.source.statistics.last_packet_received);
        latest.map(|(at, _)| at)
    }

    /// Something came of an encoding.
    pub(crate) fn has_media_of(&self, receiver: TransceiverId, encoding: usize) -> bool {
        self.latest(receiver, encoding).is_some()
    }

    /// The latest stream of media of an encoding.
    pub(crate) fn media_of(
        &mut self,
        receiver: TransceiverId,
        encoding: usize,
    ) -> Option<(Ssrc, &mut Source)> {
        let at = self.latest(receiver, encoding)?;
        let slot = &mut self.slots[at];
        Some((slot.ssrc, &mut slot.source))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ssrc, &Source)> {
        self.slots.iter().map(|slot| (slot.ssrc, &slot.source))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Ssrc, &mut Source)> {
        let slots = self.slots.iter_mut();
        slots.map(|slot| (slot.ssrc, &mut slot.source))
    }

    fn position(&self, ssrc: Ssrc) -> Result<usize, usize> {
        if self
            .slots
            .get(self.last)
            .is_some_and(|slot| slot.ssrc == ssrc)
        {
            return Ok(self.last);
        }
        self.slots.binary_search_by_key(&ssrc, |slot| slot.ssrc)
    }

    /// The oldest that no description announced makes room.
    fn insert(&mut self, ssrc: Ssrc, route: Route, announced: bool) {
        if self.slots.len() >= SOURCES {
            let learnt = self.slots.iter().enumerate();
            let learnt = learnt.filter_map(|(at, slot)| Some((slot.learnt?, at)));
            let Some((_, oldest)) = learnt.min() else {
                return;
            };
            self.slots.remove(oldest);
        }
        self.learnt += 1;
        if let Err(at) = self.slots.binary_search_by_key(&ssrc, |slot| slot.ssrc) {
            let slot = Slot {
                ssrc,
                learnt: (!announced).then_some(self.learnt),
                source: Source::new(self.learnt, route),
            };
            self.slots.insert(at, slot);
        }
    }
}

/// RFC 9143 §9.2: by the mid, else by a payload type that one section alone has.
fn route(claims: &[Claim], names: &Names<'_>) -> Option<Route> {
    if let Some(mid) = names.mid {
        let claim = claims.iter().find(|claim| claim.mid.as_str() == mid);
        return claim?.route(names);
    }
    let mut having = claims
        .iter()
        .filter(|claim| claim.payload_types.get(names.payload_type).is_some());
    match (having.next(), having.next()) {
        (Some(claim), None) => claim.route(names),
        _ => None,
    }
}

/// The streams that a description announces. Those of several layers tell by themselves which they
/// are: no description says which SSRC has which rid.
pub(crate) fn announced(
    id: TransceiverId,
    plan: &ReceivePlan,
) -> impl Iterator<Item = (Ssrc, Route)> {
    let sources: &[SourceParameters] = match plan.rids.len() {
        0 | 1 => &plan.sources,
        _ => &[],
    };
    let sources = sources.iter().take(MOST_ANNOUNCED).enumerate();
    sources.flat_map(move |(encoding, source)| {
        let all = [
            (Some(source.ssrc), Purpose::Media),
            (source.rtx, Purpose::Retransmission),
            (source.fec, Purpose::ErrorCorrection),
        ];
        all.into_iter().filter_map(move |(ssrc, purpose)| {
            let route = Route {
                receiver: id,
                encoding,
                purpose,
            };
            Some((ssrc?, route))
        })
    })
}

/// Streams of one m-section that a description announces.
const MOST_ANNOUNCED: usize = 16;
