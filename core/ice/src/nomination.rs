//! How far the nomination of one pair is (RFC 8445 §8.1).

use duologue_base::IceRole;

/// The nomination of a pair, which only a pair that works has to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nomination {
    stage: Stage,
    /// The number of the last one, 0 without renomination (draft-thatcher-ice-renomination §4).
    last: u32,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    None,
    /// Controlled agent: USE-CANDIDATE came before the pair was valid (RFC 8445 §7.3.1.5), or the
    /// pair was nominated and may come back.
    Wanted,
    /// Controlling agent: the check with USE-CANDIDATE is queued or under way.
    UnderWay {
        number: u32,
        /// It was nominated before.
        again: bool,
    },
    Done,
}

impl Nomination {
    /// It is done, or done and on its way again.
    pub(crate) fn is_done(&self) -> bool {
        matches!(
            self.stage,
            Stage::Done | Stage::UnderWay { again: true, .. }
        )
    }

    /// The other agent has nominated the pair, which is not valid yet.
    pub(crate) fn is_wanted(&self) -> bool {
        self.stage == Stage::Wanted
    }

    /// The number of the one that is queued or under way.
    pub(crate) fn under_way(&self) -> Option<u32> {
        match self.stage {
            Stage::UnderWay { number, .. } => Some(number),
            _ => None,
        }
    }

    /// Its number: a later one counts more.
    pub(crate) fn number(&self) -> u32 {
        self.last
    }

    /// Controlling agent: a check with USE-CANDIDATE is queued (RFC 8445 §8.1.1).
    pub(crate) fn begin(&mut self, number: u32) {
        self.stage = Stage::UnderWay {
            number,
            again: self.is_done(),
        };
    }

    /// Controlling agent: that check was answered (RFC 8445 §7.2.5.3.4).
    pub(crate) fn confirm(&mut self, number: u32) {
        self.stage = Stage::Done;
        self.last = self.last.max(number);
    }

    /// Controlling agent: that check comes to nothing.
    pub(crate) fn stop(&mut self) {
        if let Stage::UnderWay { again, .. } = self.stage {
            self.stage = match again {
                true => Stage::Done,
                false => Stage::None,
            };
        }
    }

    /// Controlled agent: USE-CANDIDATE came (RFC 8445 §7.3.1.5). Of a pair that is not valid the
    /// nomination waits.
    pub(crate) fn accept(&mut self, number: u32, valid: bool) {
        self.stage = match valid {
            true => Stage::Done,
            false => Stage::Wanted,
        };
        self.last = self.last.max(number);
    }

    /// Controlled agent: the pair became valid.
    pub(crate) fn confirm_wanted(&mut self) {
        if self.is_wanted() {
            self.stage = Stage::Done;
        }
    }

    /// The pair is not valid any more. The other agent may see it work on, and what that nominated
    /// stays so.
    pub(crate) fn lose(&mut self, role: IceRole) {
        self.stage = match (self.stage, role) {
            (Stage::Done | Stage::Wanted, IceRole::Controlled) => Stage::Wanted,
            _ => Stage::None,
        };
    }

    /// The pair failed for good.
    pub(crate) fn forget(&mut self) {
        self.stage = Stage::None;
    }

    /// Another agent is controlling now: numbers are those of one.
    pub(crate) fn change_role(&mut self) {
        self.stop();
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nomination_that_comes_to_nothing_leaves_what_was_there() {
        let mut nomination = Nomination::default();
        nomination.begin(1);
        assert_eq!(
            (nomination.under_way(), nomination.is_done()),
            (Some(1), false)
        );
        nomination.stop();
        assert!(!nomination.is_done());
        nomination.begin(2);
        nomination.confirm(2);
        nomination.begin(4);
        assert!(nomination.is_done(), "it is used meanwhile");
        nomination.stop();
        assert_eq!((nomination.is_done(), nomination.number()), (true, 2));
    }

    #[test]
    fn what_the_other_agent_nominated_waits_until_the_pair_is_valid() {
        let mut nomination = Nomination::default();
        nomination.confirm_wanted();
        assert!(!nomination.is_done());
        nomination.accept(0, false);
        assert!(nomination.is_wanted() && !nomination.is_done());
        nomination.confirm_wanted();
        assert!(nomination.is_done());
        nomination.lose(IceRole::Controlled);
        assert!(nomination.is_wanted(), "it may come back");
        nomination.confirm_wanted();
        nomination.lose(IceRole::Controlling);
        assert!(!nomination.is_wanted() && !nomination.is_done());
    }
}
