//! Which mid and which transceiver an m-section has (RFC 9429 §5.10).

use std::collections::BTreeSet;

use duologue_base::{Mid, TransceiverId};

use crate::agreement::Agreement;
use crate::blueprint::{Blueprint, Section};
use crate::{Ids, Intent, SectionKind, StopState};

/// The tags of an offer's sections. An end that does not know mids gets the ones it had, and new
/// ones for new sections.
pub(crate) fn offer_mids(base: &Agreement, offer: &Blueprint, ids: &Ids) -> Vec<Mid> {
    let given: BTreeSet<&Mid> = offer
        .sections
        .iter()
        .filter_map(|s| s.mid.as_ref())
        .collect();
    let before = base.media.iter().map(|m| &m.mid);
    let mut fresh = ids.fresh_mids(before.chain(given.iter().copied()).cloned());
    let sections = offer.sections.iter().enumerate();
    let mids = sections.map(|(index, section)| {
        let before = base.media.get(index);
        let goes_on = before.filter(|m| !m.rejected || section.is_rejected());
        match (&section.mid, goes_on) {
            (Some(mid), _) => mid.clone(),
            (None, Some(media)) if !given.contains(&media.mid) => media.mid.clone(),
            (None, _) => fresh.draw(),
        }
    });
    mids.collect()
}

/// The transceivers of a remote offer's sections, and which of them are new.
#[derive(Debug, Default)]
pub(crate) struct Associations {
    pub(crate) transceivers: Vec<Option<TransceiverId>>,
    pub(crate) created: Vec<TransceiverId>,
}

pub(crate) fn remote_offer(
    base: &Agreement,
    offer: &Blueprint,
    mids: &[Mid],
    intent: &Intent,
    ids: &mut Ids,
) -> Associations {
    let mut associations = Associations::default();
    for (section, mid) in offer.sections.iter().zip(mids) {
        let before = base.by_mid(mid);
        let before = before.filter(|m| !m.rejected || section.is_rejected());
        let id = match before.and_then(|m| m.transceiver) {
            Some(id) => Some(id),
            None => find_or_create(base, section, intent, ids, &mut associations),
        };
        associations.transceivers.push(id);
    }
    associations
}

/// The first transceiver that `addTrack` made, that has no section yet and is not stopped, if the
/// other end wants to receive; else a new one. A section that is rejected needs none.
fn find_or_create(
    base: &Agreement,
    section: &Section,
    intent: &Intent,
    ids: &mut Ids,
    associations: &mut Associations,
) -> Option<TransceiverId> {
    let SectionKind::Rtp(kind) = section.kind() else {
        return None;
    };
    if section.is_rejected() {
        return None;
    }
    let free = |id: TransceiverId| {
        base.by_transceiver(id).is_none() && !associations.transceivers.contains(&Some(id))
    };
    let mut candidates = intent.transceivers.iter().filter(|t| {
        t.kind == kind && t.added_by_add_track && t.stop == StopState::Running && free(t.id)
    });
    if let Some(found) = candidates.next().filter(|_| section.direction.receives()) {
        return Some(found.id);
    }
    let id = ids.transceiver();
    associations.created.push(id);
    Some(id)
}
