//! When a key frame is asked for (RFC 4585 §6.3.1).

use duologue_base::Instant;

use crate::limits::KEY_FRAME_INTERVAL;

/// Key frames that one receiver needs, one for each encoding.
#[derive(Debug, Default)]
pub(crate) struct KeyFrameRequests(Vec<(usize, Request)>);

#[derive(Clone, Copy, Debug, Default)]
struct Request {
    wanted: bool,
    /// When it was asked for last.
    asked: Option<Instant>,
}

impl KeyFrameRequests {
    pub(crate) fn want(&mut self, encoding: usize) {
        let known = self.0.iter_mut().find(|(at, _)| *at == encoding);
        match known {
            Some((_, request)) => request.wanted = true,
            None => {
                let request = Request {
                    wanted: true,
                    asked: None,
                };
                self.0.push((encoding, request));
            }
        }
    }

    /// When one of the encodings that `can` be asked for is to be.
    pub(crate) fn poll_timeout(&self, can: impl Fn(usize) -> bool) -> Option<Instant> {
        let wanted = self.0.iter().filter(|(at, _)| can(*at));
        wanted.filter_map(|(_, request)| request.due()).min()
    }

    /// An encoding to ask for now, of those that `can` be.
    pub(crate) fn take_due(&mut self, now: Instant, can: impl Fn(usize) -> bool) -> Option<usize> {
        let is_due = |request: &Request| request.due().is_some_and(|due| due <= now);
        let mut requests = self.0.iter_mut();
        let (encoding, request) = requests.find(|(at, request)| is_due(request) && can(*at))?;
        *request = Request {
            wanted: false,
            asked: Some(now),
        };
        Some(*encoding)
    }
}

impl Request {
    fn due(&self) -> Option<Instant> {
        let due = self
            .asked
            .map_or(Instant::ZERO, |at| at + KEY_FRAME_INTERVAL);
        self.wanted.then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn needs_are_one_request_in_300_ms() {
        let at = |ms| Instant::from_origin(Duration::from_millis(ms));
        let mut requests = KeyFrameRequests::default();
        let asked = (0..1_000).filter(|ms| {
            requests.want(0);
            requests.take_due(at(*ms), |_| true).is_some()
        });
        assert_eq!(asked.collect::<Vec<_>>(), [0, 300, 600, 900]);

        requests.want(1);
        assert_eq!(requests.take_due(at(1_000), |_| true), Some(1));
        assert_eq!(requests.poll_timeout(|_| true), Some(at(1_200)));
    }

    #[test]
    fn what_cannot_be_asked_for_stays_wanted() {
        let mut requests = KeyFrameRequests::default();
        requests.want(1);
        assert_eq!(requests.take_due(Instant::ZERO, |at| at == 0), None);
        assert_eq!(requests.poll_timeout(|at| at == 0), None);
        assert_eq!(requests.take_due(Instant::ZERO, |at| at == 1), Some(1));
    }
}
