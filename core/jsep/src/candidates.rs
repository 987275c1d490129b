use std::collections::BTreeMap;

use crate::Side;
use crate::agreement::IceKey;
use crate::limits::MAX_CANDIDATES;

/// The candidates of both ends per set of ICE credentials. They are neither intent nor agreement:
/// they arrive one by one beside the descriptions and are merged in when a description's text is
/// asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    local: BTreeMap<IceKey, CandidateList>,
    remote: BTreeMap<IceKey, CandidateList>,
}

/// The candidates of one end for one set of credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CandidateList {
    lines: Vec<String>,
    complete: bool,
}

impl CandidateList {
    /// The candidates in the form of `RTCIceCandidate.candidate` (`candidate:…`), in the order
    /// they came.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// No more will come (`a=end-of-candidates`).
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Candidates {
    /// No candidates.
    pub fn new() -> Self {
        Candidates::default()
    }

    /// Adds a candidate, given in the form `candidate:…`. Returns whether it is a new one.
    pub fn add(&mut self, side: Side, key: IceKey, candidate: &str) -> bool {
        let list = self.side_mut(side).entry(key).or_default();
        let known = list.lines.iter().any(|line| line == candidate);
        if known || list.lines.len() >= MAX_CANDIDATES {
            return false;
        }
        list.lines.push(candidate.to_owned());
        true
    }

    /// No more candidates will come for these credentials.
    pub fn complete(&mut self, side: Side, key: IceKey) {
        self.side_mut(side).entry(key).or_default().complete = true;
    }

    /// The candidates of one end for these credentials.
    pub fn get(&self, side: Side, key: IceKey) -> Option<&CandidateList> {
        match side {
            Side::Local => self.local.get(&key),
            Side::Remote => self.remote.get(&key),
        }
    }

    /// Forgets what belongs to other credentials than these.
    pub fn retain(&mut self, mut keep: impl FnMut(IceKey) -> bool) {
        self.local.retain(|key, _| keep(*key));
        self.remote.retain(|key, _| keep(*key));
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<IceKey, CandidateList> {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        }
    }
}
