use duologue_base::{Instant, MdnsName};

use crate::limits;
use crate::link::Source;

/// The names that are asked for.
#[derive(Debug, Default)]
pub(crate) struct Querier(Vec<Query>);

#[derive(Debug)]
struct Query {
    name: MdnsName,
    sends: u32,
    /// When it is sent next, or given up.
    at: Instant,
}

impl Querier {
    /// Asks for a name; false when there are too many questions already.
    pub(crate) fn ask(&mut self, now: Instant, name: MdnsName) -> bool {
        if self.0.iter().any(|query| query.name == name) {
            return true;
        }
        if self.0.len() >= limits::QUERIES {
            return false;
        }
        self.0.push(Query {
            name,
            sends: 0,
            at: now,
        });
        true
    }

    /// The question was answered; false if it was not asked.
    pub(crate) fn take(&mut self, name: MdnsName) -> bool {
        let asked = self.0.len();
        self.0.retain(|query| query.name != name);
        self.0.len() < asked
    }

    /// The questions to send now from one source, which then count as sent.
    pub(crate) fn take_due(&mut self, now: Instant, source: Source) -> Vec<MdnsName> {
        let due = |query: &&mut Query| {
            let from = match query.sends {
                0 => Source::Own,
                _ => Source::Shared,
            };
            query.sends < limits::QUERY_SENDS && query.at <= now && from == source
        };
        let due = self.0.iter_mut().filter(due);
        due.map(|query| {
            query.sends += 1;
            query.at = now
                + match query.sends {
                    limits::QUERY_SENDS => limits::QUERY_LAST_WAIT,
                    // RFC 6762 §5.2: "the intervals between successive queries MUST increase by
                    // at least a factor of two".
                    sends => limits::QUERY_INTERVAL * (1 << (sends - 1)),
                };
            query.name
        })
        .collect()
    }

    /// The questions that nobody answers.
    pub(crate) fn take_given_up(&mut self, now: Instant) -> Vec<MdnsName> {
        let over = |query: &mut Query| query.sends >= limits::QUERY_SENDS && query.at <= now;
        self.0
            .extract_if(.., over)
            .map(|query| query.name)
            .collect()
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.0.iter().map(|query| query.at).min()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
