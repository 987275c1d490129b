//! A stream that is to be had at several servers: where to go when one is gone.

use std::time::Duration;

use duologue::PeerConnection;
use tokio::time::{Instant, sleep};

use super::client::EndpointUrl;
use super::limits::{LINKS, SILENCE, SILENCE_POLL};

/// Where a stream is to be had: the address that was given, and those that servers tell of.
#[derive(Debug)]
pub(super) struct Places {
    all: Vec<EndpointUrl>,
    at: usize,
}

impl Places {
    pub(super) fn new(given: EndpointUrl) -> Self {
        Places {
            all: vec![given],
            at: 0,
        }
    }

    pub(super) fn current(&self) -> &EndpointUrl {
        &self.all[self.at]
    }

    /// Whether there is another one.
    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// What the current one tells of the others. They come first, as they are today.
    pub(super) fn learn(&mut self, told: Vec<EndpointUrl>) {
        let current = self.current().clone();
        let before = std::mem::take(&mut self.all);
        self.at = 0;
        self.all.push(current);
        for place in told.into_iter().chain(before) {
            if self.all.len() < LINKS && !self.all.contains(&place) {
                self.all.push(place);
            }
        }
    }

    pub(super) fn go_on(&mut self) {
        self.at = (self.at + 1) % self.all.len();
    }
}

/// Until no packet of media came for a while, or the connection is closed. The first one may take `first`.
/// A packet that does not come tells nothing: the count is looked at.
pub(super) async fn silence(pc: &PeerConnection, first: Duration) {
    let mut before = 0;
    let mut patience = Instant::now() + first;
    loop {
        sleep(SILENCE_POLL).await;
        let Ok(report) = pc.get_stats().await else {
            return;
        };
        let packets = report.inbound_rtp().map(|it| it.packets_received).sum();
        let now = Instant::now();
        if packets > before {
            patience = now + SILENCE;
        }
        before = packets;
        if now >= patience {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> EndpointUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_others_are_tried_in_their_turn_and_none_twice() {
        let [a, b, c] = ["http://a/", "http://b/", "http://c/"].map(url);
        let mut places = Places::new(a.clone());
        assert!(!places.are_several());
        places.learn(vec![b.clone(), a.clone()]);
        places.go_on();
        assert_eq!(places.current(), &b);
        // Another one came; the one before may be there again.
        places.learn(vec![c.clone()]);
        let mut turn = Vec::new();
        for _ in 0..4 {
            turn.push(places.current().clone());
            places.go_on();
        }
        assert_eq!(turn, [b.clone(), c, a, b]);
    }

    #[test]
    fn a_server_does_not_name_more_places_than_are_kept() {
        let mut places = Places::new(url("http://a/"));
        places.learn((0..1_000).map(|n| url(&format!("http://a/{n}"))).collect());
        assert_eq!(places.all.len(), LINKS);
    }
}
