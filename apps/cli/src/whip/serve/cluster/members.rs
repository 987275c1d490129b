//! The other relays of a cluster, as their records tell of them.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::node_url;
use crate::whip::limits::{NODE_LIFE, NODES, RECORD_BYTES};

/// What a relay tells the others once a second.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Record {
    /// Where its web server is, with a slash at the end.
    pub(super) url: String,
    /// The SHA-256 hash of a certificate made at its start.
    pub(super) certificate: Option<String>,
    /// What publishers send to it.
    pub(super) streams: Vec<String>,
}

impl Record {
    /// What came as one. Another version's, or whoever else's, may be none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let short = i32::try_from(bytes.len()).is_ok_and(|length| length <= RECORD_BYTES);
        let record = short.then(|| serde_json::from_slice::<Record>(bytes).ok())??;
        // It goes to viewers and onto the page.
        let url = node_url(&record.url).ok()?.into();
        Some(Record { url, ..record })
    }
}

pub(super) struct Member {
    record: Record,
    seen: Instant,
}

/// All others. Who was not heard of for some seconds is gone, unless nobody could be heard of.
#[derive(Default)]
pub(super) struct Members {
    others: BTreeMap<String, Member>,
    /// Since when nobody can be heard of.
    deaf: Option<Instant>,
}

impl Members {
    /// What a relay tells of itself.
    pub(super) fn handle(&mut self, now: Instant, id: String, record: Record) {
        self.forget(now);
        if self.others.len() < NODES || self.others.contains_key(&id) {
            self.others.insert(id, Member { record, seen: now });
        }
    }

    /// A relay took its leave.
    pub(super) fn remove(&mut self, id: &str) {
        self.others.remove(id);
    }

    /// The way to all others is lost: they are taken for what they were.
    pub(super) fn cut_off(&mut self, now: Instant) {
        self.deaf.get_or_insert(now);
    }

    /// It is there again. They have their time to tell of themselves.
    pub(super) fn back(&mut self, now: Instant) {
        let Some(since) = self.deaf.take() else {
            return;
        };
        for member in self.others.values_mut() {
            if since.saturating_duration_since(member.seen) < NODE_LIFE {
                member.seen = now;
            }
        }
    }

    /// Who is there.
    pub(super) fn alive(&self, now: Instant) -> impl Iterator<Item = (&String, &Record)> {
        self.living(now).map(|(id, member)| (id, &member.record))
    }

    /// Who told last that it has the publisher of a stream: another that does may be gone, and its publisher come
    /// there.
    pub(super) fn holder(&self, now: Instant, stream: &str) -> Option<(&String, &Record)> {
        let holders = self.holders(now, stream);
        let newest = holders.max_by_key(|(_, it)| it.seen)?;
        Some((newest.0, &newest.1.record))
    }

    /// All who tell so.
    pub(super) fn holders<'m>(
        &'m self,
        now: Instant,
        stream: &str,
    ) -> impl Iterator<Item = (&'m String, &'m Member)> {
        let has = move |record: &Record| record.streams.iter().any(|name| name == stream);
        self.living(now).filter(move |(_, it)| has(&it.record))
    }

    fn living(&self, now: Instant) -> impl Iterator<Item = (&String, &Member)> {
        let now = self.deaf.unwrap_or(now);
        let others = self.others.iter();
        others.filter(move |(_, it)| now.saturating_duration_since(it.seen) < NODE_LIFE)
    }

    fn forget(&mut self, now: Instant) {
        let alive: Vec<String> = self.alive(now).map(|(id, _)| id.clone()).collect();
        self.others.retain(|id, _| alive.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn record(streams: &[&str]) -> Record {
        Record {
            url: "http://a/".to_owned(),
            certificate: None,
            streams: streams.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn a_record_has_the_address_of_a_web_server_and_is_no_longer_than_ours() {
        let read = |record: &Record| Record::read(&serde_json::to_vec(record).unwrap());
        let good = record(&["live"]);
        assert_eq!(read(&good), Some(good));
        for url in ["", "a/", "javascript:alert(1)", "http://a/?", "file:///"] {
            let url = url.to_owned();
            assert_eq!(read(&Record { url, ..record(&[]) }), None);
        }
        let long = "x".repeat(RECORD_BYTES as usize);
        assert_eq!(read(&record(&[&long])), None);
        assert_eq!(Record::read(b"{}"), None);
    }

    #[test]
    fn a_stream_is_where_it_was_told_last_until_that_relay_is_silent() {
        let (mut members, start) = (Members::default(), Instant::now());
        members.handle(start, "a".to_owned(), record(&["live"]));
        members.handle(start, "b".to_owned(), record(&[]));
        let holder = |members: &Members, at| members.holder(at, "live").map(|(id, _)| id.clone());
        assert_eq!(holder(&members, start).as_deref(), Some("a"));
        let later = start + NODE_LIFE;
        members.handle(later, "b".to_owned(), record(&["live"]));
        assert_eq!(holder(&members, later).as_deref(), Some("b"));
        assert_eq!(members.alive(later).count(), 1);
        members.remove("b");
        assert_eq!(holder(&members, later), None);
    }

    #[test]
    fn of_two_relays_with_a_stream_the_one_that_was_heard_last_has_it() {
        let (mut members, start) = (Members::default(), Instant::now());
        members.handle(start, "a".to_owned(), record(&["live"]));
        // It is killed, and its publisher comes to the other one.
        let later = start + NODE_LIFE / 3;
        members.handle(later, "b".to_owned(), record(&["live"]));
        members.handle(later, "c".to_owned(), record(&["other"]));
        let holder = members.holder(later, "live").map(|(id, _)| id.as_str());
        assert_eq!(holder, Some("b"));
        // Which of them has it, both are asked.
        assert_eq!(members.holders(later, "live").count(), 2);
    }

    #[test]
    fn nobody_is_gone_while_nobody_can_be_heard_of_and_for_a_moment_after_that() {
        let (mut members, start) = (Members::default(), Instant::now());
        members.handle(start, "a".to_owned(), record(&["live"]));
        members.cut_off(start + NODE_LIFE / 2);
        let hour = start + Duration::from_secs(3600);
        assert!(members.holder(hour, "live").is_some());
        members.back(hour);
        assert!(members.holder(hour + NODE_LIFE / 2, "live").is_some());
        assert!(members.holder(hour + NODE_LIFE, "live").is_none());
    }

    #[test]
    fn there_are_not_more_relays_than_are_kept() {
        let (mut members, now) = (Members::default(), Instant::now());
        for number in 0..2 * NODES {
            members.handle(now, number.to_string(), record(&[]));
        }
        assert_eq!(members.alive(now).count(), NODES);
    }
}
