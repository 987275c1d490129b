//! The candidates in the text of a description, and where candidates belong that name one of its
//! sections.

use duologue_base::IceCredentials;
use duologue_sdp::attr::Candidate;

use crate::agreement::Agreement;
use crate::applied::Applied;
use crate::candidates::CandidateTarget;

/// Candidates that stand in a remote description.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedCandidates {
    /// Where the candidates belong.
    pub target: CandidateTarget,
    /// The candidates in their order.
    pub candidates: Vec<Candidate>,
    /// `a=end-of-candidates` is there.
    pub complete: bool,
}

/// The candidates that a description itself has; `agreement` is what it has led to.
pub(crate) fn candidates(
    applied: &Applied,
    agreement: &Agreement,
    stable: &Agreement,
) -> Vec<DescribedCandidates> {
    if !applied.mentions_candidates() {
        return Vec::new();
    }
    let sections = applied.candidates().into_iter().enumerate();
    let described = sections.filter_map(|(index, (candidates, complete))| {
        let described = DescribedCandidates {
            target: target(applied, agreement, stable, index, None)?,
            candidates,
            complete,
        };
        Some(described).filter(|d| d.complete || !d.candidates.is_empty())
    });
    described.collect()
}

/// Where candidates of a section belong, if it has this user name fragment: its own, or that of
/// the transport it uses. A section that leaves a running transport for another one, which another
/// section stands for, still names the candidates of the one it leaves.
pub(crate) fn target(
    applied: &Applied,
    agreement: &Agreement,
    stable: &Agreement,
    index: usize,
    ufrag: Option<&str>,
) -> Option<CandidateTarget> {
    let (mid, key) = applied.key_of(index)?;
    let own = applied.blueprint.sections[index].transport.ice.as_ref();
    let transport = agreement.transports.get(&key.transport);
    let transport = transport.filter(|t| t.generation == key.generation);
    let shared = transport.and_then(|t| Some(&t.remote_ice.as_ref()?.credentials));
    let named = |ice: &&IceCredentials| ufrag.is_none_or(|ufrag| ice.ufrag == ufrag);
    let before = stable.by_mid(mid).and_then(|media| media.transport);
    let stands = transport.is_some_and(|transport| transport.mid == *mid);
    let leaves = !stands && before.is_some_and(|before| before != key.transport);
    let fits = own.is_none_or(|own| Some(own) == shared) && !leaves;
    let reaches = fits && shared.filter(named).is_some();
    (reaches || own.filter(named).is_some()).then(|| CandidateTarget {
        mid: mid.clone(),
        key,
        reaches,
    })
}
