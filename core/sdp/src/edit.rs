//! Changing a description that exists: what ICE learns after it was made.

use crate::address::NetAddress;
use crate::attr::{Attribute, Candidate, Rtcp};
use crate::field::{Connection, Origin};
use crate::section::Line;
use crate::session::{MediaDescription, SessionDescription};

impl SessionDescription {
    /// Replaces the `o=` line.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin_text = format!("o={origin}").into();
        self.origin = Some(origin);
    }

    /// One media section, to be changed.
    pub fn media_mut(&mut self, index: usize) -> Option<&mut MediaDescription> {
        self.media.get_mut(index)
    }
}

impl MediaDescription {
    /// Adds `a=candidate` lines after those that are there, before `a=end-of-candidates`.
    pub fn add_candidates(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        let is_candidate = |line: &Line| matches!(line.attribute(), Some(Attribute::Candidate(_)));
        let is_end = |line: &Line| matches!(line.attribute(), Some(Attribute::EndOfCandidates));
        let lines = &mut self.section.lines;
        let after_last = lines.iter().rposition(is_candidate).map(|at| at + 1);
        let at = after_last
            .or_else(|| lines.iter().position(is_end))
            .unwrap_or(lines.len());
        let new = candidates
            .into_iter()
            .map(|one| Attribute::from(one).into());
        lines.splice(at..at, new);
    }

    /// Adds `a=end-of-candidates` unless it is there.
    pub fn set_end_of_candidates(&mut self) {
        if !self.section.end_of_candidates() {
            self.section.lines.push(Attribute::EndOfCandidates.into());
        }
    }

    /// Writes the default candidate (RFC 9429 §5.3.1): the port of the `m=` line, the address of
    /// the `c=` line, and both in `a=rtcp` if it is there (the components are multiplexed).
    pub fn set_default_candidate(&mut self, address: NetAddress, port: u16) {
        self.set_port(port);
        for line in &mut self.section.lines {
            if let Some(Attribute::Rtcp(_)) = line.attribute() {
                let address = Some(address.clone());
                *line = Attribute::Rtcp(Rtcp { port, address }).into();
            }
        }
        self.set_connection(Connection(address));
    }

    /// Replaces the port of the `m=` line.
    pub fn set_port(&mut self, port: u16) {
        self.line.port = port;
        self.text = format!("m={}", self.line).into();
    }

    /// Replaces the `c=` line, or adds it in its place: after `i=`, before all else.
    pub fn set_connection(&mut self, connection: Connection) {
        let lines = &mut self.section.lines;
        let found = lines.iter_mut().find(|line| line.text().starts_with("c="));
        match found {
            Some(line) => *line = connection.into(),
            None => {
                let information = lines
                    .iter()
                    .take_while(|line| line.text().starts_with("i="));
                lines.insert(information.count(), connection.into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
