//! Which transport each m-section uses, and what a description says about each transport.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use duologue_base::{IceRole, TransportKey};

use super::bundle::Bundled;
use crate::Ids;
use crate::agreement::{Agreement, RemoteIce, TransportAgreement};
use crate::blueprint::{Blueprint, Port, TransportLines};

pub(crate) type Transports = BTreeMap<TransportKey, Arc<TransportAgreement>>;

/// The transport of each m-section of an offer of this end; `None` for a rejected one.
///
/// A section keeps a transport that bears its name or that of its group's first section. Else it
/// joins the transport of its group once an answer has agreed on one; before, it has its own until
/// the answer bundles it, unless it is offered without one (RFC 9429 §4.1.1, `bundlePolicy`).
pub(crate) fn assign_local(
    base: &Agreement,
    offer: &Bundled<'_>,
    ids: &mut Ids,
) -> Vec<Option<TransportKey>> {
    let sections = &offer.blueprint.sections;
    let agreed = base.bundle_agreed();
    let known = |at: usize| {
        let media = base.by_mid(&offer.mids[at])?;
        let name = &base.transport_of(media)?.mid;
        let named = [at, offer.owner(at)]
            .map(|at| &offer.mids[at])
            .contains(&name);
        media.transport.filter(|_| named)
    };
    let mut assigned: Vec<Option<TransportKey>> = vec![None; sections.len()];
    for (index, section) in sections.iter().enumerate() {
        if section.is_rejected() {
            continue;
        }
        let key = known(index).unwrap_or_else(|| {
            let shares = agreed || section.port == Port::BundleOnly;
            let owner = if shares { offer.owner(index) } else { index };
            let key = assigned[owner].or_else(|| known(owner));
            let key = key.unwrap_or_else(|| ids.transport());
            assigned[owner] = Some(key);
            key
        });
        assigned[index] = Some(key);
    }
    assigned
}

/// The transport of each m-section of the other end's offer; `None` for a rejected one.
///
/// Sections of a BUNDLE group share the transport of its first section at once, for the group will
/// be accepted. When that is another section than before, it is another transport.
pub(crate) fn assign_remote(
    base: &Agreement,
    offer: &Bundled<'_>,
    ids: &mut Ids,
) -> Vec<Option<TransportKey>> {
    let sections = &offer.blueprint.sections;
    let mut assigned: Vec<Option<TransportKey>> = vec![None; sections.len()];
    for (index, section) in sections.iter().enumerate() {
        if section.is_rejected() {
            continue;
        }
        let owner = offer.owner(index);
        let key = assigned[owner].unwrap_or_else(|| {
            let media = base.by_mid(&offer.mids[owner]);
            let media = media.filter(|media| base.stands_for_transport(media));
            let kept = media.and_then(|media| media.transport);
            kept.unwrap_or_else(|| ids.transport())
        });
        assigned[owner] = Some(key);
        assigned[index] = Some(key);
    }
    assigned
}

/// The transports of a local offer. New credentials on a transport restart its ICE.
pub(crate) fn local_offer(
    base: &Agreement,
    offer: &Bundled<'_>,
    assigned: &[Option<TransportKey>],
    ids: &mut Ids,
) -> Transports {
    let mut transports = Transports::new();
    let named = |index: usize| {
        let owner = offer.owner(index);
        match assigned[owner] == assigned[index] {
            true => owner,
            false => index,
        }
    };
    for (index, key) in each_first(assigned) {
        let ice = offer.answered_lines(index).ice.as_ref();
        let transport = match base.transports.get(&key) {
            None => TransportAgreement {
                mid: offer.mids[named(index)].clone(),
                generation: ids.generation(key),
                local_ice: ice.cloned(),
                remote_ice: None,
                ice_role: IceRole::Controlling,
                dtls: None,
            },
            Some(before) if before.local_ice.as_ref() == ice || ice.is_none() => {
                TransportAgreement::clone(before)
            }
            Some(before) => TransportAgreement {
                generation: ids.generation(key),
                local_ice: ice.cloned(),
                remote_ice: None,
                ..TransportAgreement::clone(before)
            },
        };
        transports.insert(key, Arc::new(transport));
    }
    transports
}

/// The transports of a remote offer. Other credentials than before restart ICE (RFC 8839 §4.4.2);
/// this end's own come with the answer.
pub(crate) fn remote_offer(
    base: &Agreement,
    offer: &Bundled<'_>,
    assigned: &[Option<TransportKey>],
    ids: &mut Ids,
) -> Transports {
    let mut transports = Transports::new();
    for (index, key) in each_first(assigned) {
        let Some(remote) = remote_ice(offer.blueprint, offer.lines(index)) else {
            continue;
        };
        let transport = match base.transports.get(&key) {
            None => TransportAgreement {
                mid: offer.mids[offer.owner(index)].clone(),
                generation: ids.generation(key),
                local_ice: None,
                // RFC 8445 §6.1.1: a full agent controls when the other end is lite.
                ice_role: match offer.blueprint.ice_lite {
                    true => IceRole::Controlling,
                    false => IceRole::Controlled,
                },
                remote_ice: Some(remote),
                dtls: None,
            },
            Some(before) => {
                let mut next = TransportAgreement::clone(before);
                let known = before.remote_ice.as_ref().map(|ice| &ice.credentials);
                let restart = known.is_some_and(|known| *known != remote.credentials);
                if restart && before.local_ice.is_some() {
                    next.generation = ids.generation(key);
                    next.local_ice = None;
                }
                next.remote_ice = Some(remote);
                next
            }
        };
        transports.insert(key, Arc::new(transport));
    }
    transports
}

/// The other end's ICE parameters in a section's attributes.
pub(crate) fn remote_ice(blueprint: &Blueprint, lines: &TransportLines) -> Option<RemoteIce> {
    Some(RemoteIce {
        credentials: lines.ice.clone()?,
        lite: blueprint.ice_lite,
        pacing: blueprint.ice_pacing,
        trickle: lines.trickle,
        renomination: lines.renomination,
        sped: lines.sped,
    })
}

/// Each transport with the first section that uses it.
pub(crate) fn each_first(
    assigned: &[Option<TransportKey>],
) -> impl Iterator<Item = (usize, TransportKey)> {
    let mut seen = BTreeSet::new();
    let used = assigned.iter().enumerate();
    used.filter_map(move |(index, key)| {
        let key = (*key)?;
        seen.insert(key).then_some((index, key))
    })
}
