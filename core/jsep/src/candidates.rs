use duologue_base::Mid;
use duologue_sdp::attr::Candidate;

use crate::Side;
use crate::ice_key::IceKey;
use crate::limits::MAX_CANDIDATES;

/// The candidates of both ends per set of ICE credentials and m-section. They are neither intent
/// nor agreement: they come one by one beside the descriptions and are merged in when a
/// description's text is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    local: Lists,
    remote: Lists,
}

/// In the order of their keys. There is one list or a few.
type Lists = Vec<((IceKey, Mid), CandidateList)>;

/// Where candidates belong: an m-section and the transport and ICE generation it uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CandidateTarget {
    /// The m-section's tag.
    pub mid: Mid,
    /// The transport and generation.
    pub key: IceKey,
    /// The candidates are for that transport. They are not when the m-section had credentials of
    /// its own and was bundled with another: then they are only shown in the description.
    pub reaches: bool,
}

/// The candidates of one end for one m-section and one set of credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CandidateList {
    candidates: Vec<Candidate>,
    complete: bool,
    /// See [`CandidateTarget::reaches`].
    reaches: bool,
}

impl CandidateList {
    /// The candidates in the order they came.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Whether no more candidates will come (`a=end-of-candidates`).
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Candidates {
    /// A list without candidates.
    pub fn new() -> Self {
        Candidates::default()
    }

    /// Adds a candidate. Returns whether it is a new one that there was room for.
    pub fn add(&mut self, side: Side, target: &CandidateTarget, candidate: Candidate) -> bool {
        let list = self.list_mut(side, target);
        if list.candidates.contains(&candidate) || list.candidates.len() >= MAX_CANDIDATES {
            return false;
        }
        list.candidates.reserve_exact(1);
        list.candidates.push(candidate);
        true
    }

    /// Notes that no more candidates will come.
    pub fn complete(&mut self, side: Side, target: &CandidateTarget) {
        self.list_mut(side, target).complete = true;
    }

    /// The candidates of one end for an m-section under these credentials.
    pub fn get(&self, side: Side, key: IceKey, mid: &Mid) -> Option<&CandidateList> {
        let lists = self.lists(side);
        let at = place(lists, &(key, mid.clone())).ok()?;
        Some(&lists[at].1)
    }

    /// The candidates of one end that are for the transport of these credentials, whatever their
    /// m-section.
    pub fn of_key(&self, side: Side, key: IceKey) -> impl Iterator<Item = (&Mid, &CandidateList)> {
        let lists = self.lists(side).iter();
        lists
            .filter(move |((k, _), list)| *k == key && list.reaches)
            .map(|((_, mid), list)| (mid, list))
    }

    /// Forgets what belongs to other credentials than these.
    pub fn retain(&mut self, mut keep: impl FnMut(IceKey) -> bool) {
        self.local.retain(|((key, _), _)| keep(*key));
        self.remote.retain(|((key, _), _)| keep(*key));
    }

    /// Forgets one end's candidates under these credentials.
    pub fn forget(&mut self, side: Side, key: IceKey) {
        let lists = match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        };
        lists.retain(|((k, _), _)| *k != key);
    }

    fn lists(&self, side: Side) -> &Lists {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    fn list_mut(&mut self, side: Side, target: &CandidateTarget) -> &mut CandidateList {
        let lists = match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        };
        let key = (target.key, target.mid.clone());
        let at = match place(lists, &key) {
            Ok(at) => at,
            Err(at) => {
                lists.reserve_exact(1);
                lists.insert(at, (key, CandidateList::default()));
                at
            }
        };
        let list = &mut lists[at].1;
        list.reaches = target.reaches;
        list
    }
}

fn place(lists: &Lists, key: &(IceKey, Mid)) -> Result<usize, usize> {
    lists.binary_search_by(|(known, _)| known.cmp(key))
}
