use crate::stats::PairId;

/// What the owner says of pairs, given by [`Agent::command_pairs`](crate::Agent::command_pairs).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PairCommand {
    /// The owner is [told](crate::PairEvent) of pairs from now on, and asked before one is
    /// nominated, or dropped because nothing needs it any more.
    Control,
    /// The answer to [`PairEvent::Nomination`](crate::PairEvent::Nomination).
    AnswerNomination {
        /// The pair that is to be nominated.
        pair: PairId,
        /// If not, it is not proposed again unless the owner selects it, nor is a worse one.
        accepted: bool,
    },
    /// The answer to [`PairEvent::Removal`](crate::PairEvent::Removal).
    AnswerRemoval {
        /// The pair that is to be dropped.
        pair: PairId,
        /// If not, it is checked on and may be selected.
        accepted: bool,
    },
    /// Data is to go by this pair while it works, whatever its priority and whichever is nominated.
    Select(PairId),
    /// Ends the use of a pair: nothing goes by it any more, nor is a check on it answered, until a restart.
    Remove(PairId),
}

/// What the owner said of pairs, and was asked.
#[derive(Debug, Default)]
pub(crate) struct Control {
    on: bool,
    /// The pairs that the owner was told of, in order.
    told: Vec<PairId>,
    /// The pair whose nomination the owner is asked about.
    asked: Option<PairId>,
    /// The pair whose nomination it agreed to.
    approved: Option<PairId>,
    /// The pair that it selected.
    preferred: Option<PairId>,
    /// It waits for that pair to be used.
    selecting: bool,
}

/// How far it is with dropping a pair that nothing needs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Removal {
    #[default]
    Unasked,
    Asked,
    /// The owner wants to keep it.
    Refused,
}

impl Control {
    pub(crate) fn begin(&mut self) {
        self.on = true;
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Whether a pair may be nominated. If not, the owner is to be asked.
    pub(crate) fn allows(&mut self, pair: PairId) -> bool {
        if !self.on || self.approved == Some(pair) {
            self.approved = None;
            return true;
        }
        self.asked = Some(pair);
        self.approved = None;
        false
    }

    /// The owner is being asked about a nomination.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The owner answers. False if it was not asked that, or is not any more.
    pub(crate) fn answer(&mut self, pair: PairId, accepted: bool) -> bool {
        if self.asked != Some(pair) {
            return false;
        }
        self.asked = None;
        self.approved = accepted.then_some(pair);
        true
    }

    /// The owner selects a pair. The one that waited to be used instead, if one did.
    pub(crate) fn prefer(&mut self, pair: PairId) -> Option<PairId> {
        let before = self.selecting();
        self.preferred = Some(pair);
        self.selecting = true;
        before
    }

    /// The pair that the owner selected last.
    pub(crate) fn preferred(&self) -> Option<PairId> {
        self.preferred
    }

    pub(crate) fn prefers(&self, pair: PairId) -> bool {
        self.preferred == Some(pair)
    }

    /// The selected pair that waits to be used.
    pub(crate) fn selecting(&self) -> Option<PairId> {
        self.preferred.filter(|_| self.selecting)
    }

    /// That pair is used, or will not be.
    pub(crate) fn end_selection(&mut self) {
        self.selecting = false;
    }

    /// Another generation begins, for which nothing was said.
    pub(crate) fn forget_preference(&mut self) {
        (self.preferred, self.approved) = (None, None);
    }

    /// These are the pairs now, in order; those before. None if the owner was told so, or does not want
    /// to know.
    pub(crate) fn tell(&mut self, now: Vec<PairId>) -> Option<Vec<PairId>> {
        if !self.on || self.told == now {
            return None;
        }
        if self
            .asked
            .is_some_and(|pair| now.binary_search(&pair).is_err())
        {
            self.asked = None;
        }
        Some(std::mem::replace(&mut self.told, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_for_one_pair_and_one_nomination() {
        let mut control = Control::default();
        assert!(control.allows(PairId(1)), "nobody is asked");
        control.begin();
        assert!(!control.allows(PairId(1)));
        assert!(!control.answer(PairId(2), true), "it was not asked that");
        assert!(control.is_asked());
        assert!(control.answer(PairId(1), true));
        assert!(!control.allows(PairId(3)), "another one is the best now");
        assert!(control.answer(PairId(3), true));
        assert!(control.allows(PairId(3)));
        assert!(!control.allows(PairId(3)));
    }

    #[test]
    fn a_question_about_a_pair_that_is_gone_is_void() {
        let mut control = Control::default();
        control.begin();
        control.tell(vec![PairId(1), PairId(2)]);
        control.allows(PairId(2));
        assert_eq!(control.tell(vec![PairId(1), PairId(2)]), None);
        assert_eq!(
            control.tell(vec![PairId(1)]),
            Some(vec![PairId(1), PairId(2)])
        );
        assert!(!control.is_asked());
    }
}
