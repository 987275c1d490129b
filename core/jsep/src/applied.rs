use std::sync::Arc;

use duologue_base::Mid;
use duologue_sdp::{NetAddress, SessionDescription, attr};

use crate::blueprint::{self, Blueprint};
use crate::candidates::{CandidateList, Candidates};
use crate::ice_key::IceKey;
use crate::limits::MAX_SECTIONS;
use crate::{JsepError, OperationError, SdpType, Side};

/// A description that has been applied: its text as it was given, and what it says. Its lines are
/// parsed again when they are asked for, since they take ten times the text's memory for as long
/// as the connection lives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Applied {
    pub(crate) ty: SdpType,
    pub(crate) side: Side,
    text: Box<str>,
    pub(crate) blueprint: Blueprint,
    /// How many candidates in the text could not be read.
    pub(crate) unread_candidates: usize,
    /// Tag and ICE credentials of each section, to which its candidates belong.
    sections: Vec<(Mid, Option<IceKey>)>,
}

/// A description that has been read and is going to be applied.
pub(crate) struct Read {
    ty: SdpType,
    side: Side,
    text: Box<str>,
    pub(crate) blueprint: Blueprint,
    unread_candidates: usize,
}

impl Read {
    pub(crate) fn parse(ty: SdpType, side: Side, text: &str) -> Result<Self, JsepError> {
        let description = SessionDescription::parse(text)?;
        // This end's own has as many sections as the application wants.
        if side == Side::Remote && description.media_count() > MAX_SECTIONS {
            return Err(OperationError::TooManySections.into());
        }
        Ok(Read {
            ty,
            side,
            text: text.into(),
            blueprint: blueprint::read(&description),
            unread_candidates: description
                .medias()
                .map(|media| media.section().unread_candidates())
                .sum(),
        })
    }

    pub(crate) fn side(&self) -> Side {
        self.side
    }

    pub(crate) fn sdp_type(&self) -> SdpType {
        self.ty
    }

    pub(crate) fn apply(self, sections: Vec<(Mid, Option<IceKey>)>) -> Arc<Applied> {
        Arc::new(Applied {
            ty: self.ty,
            side: self.side,
            text: self.text,
            blueprint: self.blueprint,
            unread_candidates: self.unread_candidates,
            sections,
        })
    }
}

impl Applied {
    /// The text with the candidates that have come since the description was applied.
    ///
    /// A local description's default candidate is one of them (RFC 9429 §5.2.2): the first IPv4
    /// host candidate over UDP, else the first.
    pub(crate) fn render(&self, candidates: &Candidates) -> String {
        let mut description = None;
        for (index, (mid, key)) in self.sections.iter().enumerate() {
            let Some(list) = key.and_then(|key| candidates.get(self.side, key, mid)) else {
                continue;
            };
            let edited = description.get_or_insert_with(|| self.parse());
            let Some(media) = edited.media_mut(index) else {
                continue;
            };
            let added = list.candidates().iter().cloned();
            if self.side == Side::Local
                && let Some((address, port)) = default_candidate(list)
            {
                media.set_default_candidate(address, port);
            }
            media.add_candidates(added);
            if list.is_complete() {
                media.set_end_of_candidates();
            }
        }
        match description {
            Some(description) => description.to_string(),
            None => self.text.to_string(),
        }
    }

    /// Whether the text has candidates, or says that none follow.
    pub(crate) fn mentions_candidates(&self) -> bool {
        ["a=candidate:", "a=end-of-candidates"]
            .iter()
            .any(|line| self.text.contains(line))
    }

    /// The candidates in the text, section by section, and whether it says that none follow.
    pub(crate) fn candidates(&self) -> Vec<(Vec<attr::Candidate>, bool)> {
        SessionDescription::candidates_of(&self.text)
    }

    fn parse(&self) -> SessionDescription {
        SessionDescription::parse(&self.text).expect("it was parsed before it was applied")
    }

    /// The ICE credentials that a section's candidates belong to.
    pub(crate) fn key_of(&self, index: usize) -> Option<(&Mid, IceKey)> {
        let (mid, key) = self.sections.get(index)?;
        Some((mid, (*key)?))
    }

    /// The ICE credentials that any section's candidates belong to.
    pub(crate) fn ice_keys(&self) -> impl Iterator<Item = IceKey> {
        self.sections.iter().filter_map(|(_, key)| *key)
    }

    pub(crate) fn index_of(&self, mid: &str) -> Option<usize> {
        self.sections.iter().position(|(m, _)| m.as_str() == mid)
    }

    pub(crate) fn section_count(&self) -> usize {
        self.sections.len()
    }
}

fn default_candidate(list: &CandidateList) -> Option<(NetAddress, u16)> {
    let over_udp = |c: &&attr::Candidate| c.transport == attr::CandidateTransport::Udp;
    let v4 = |c: &&attr::Candidate| c.address.ip().is_some_and(|ip| ip.is_ipv4());
    let candidates = || list.candidates().iter().filter(over_udp);
    let chosen = candidates().find(v4).or_else(|| {
        let mut addressed = candidates().filter(|c| c.address.ip().is_some());
        addressed.next()
    })?;
    Some((NetAddress::from(chosen.address.ip()?), chosen.port))
}
