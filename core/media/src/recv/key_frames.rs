//! When a key frame is asked for (RFC 4585 §6.3.1).

use std::time::Duration;

use duologue_base::Instant;

/// The wishes for key frames of one receiver, one for each encoding.
#[derive(Debug, Default)]
pub(crate) struct KeyFrameRequests(Vec<(usize, Request)>);

#[derive(Clone, Copy, Debug, Default)]
struct Request {
    wanted: bool,
    /// When it was asked for last.
    asked: Option<Instant>,
}

/// Browsers make one key frame in this time, however often they are asked (Chromium 156 and Firefox
/// 153, measured).
const INTERVAL: Duration = Duration::from_millis(300);

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

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let wanted = self.0.iter().filter(|(_, request)| request.wanted);
        wanted
            .map(|(_, request)| request.asked.map_or(Instant::ZERO, |at| at + INTERVAL))
            .min()
    }

    /// An encoding to ask for now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<usize> {
        let due = |request: &Request| {
            request.wanted && request.asked.is_none_or(|at| at + INTERVAL <= now)
        };
        let (encoding, request) = self.0.iter_mut().find(|(_, request)| due(request))?;
        *request = Request {
            wanted: false,
            asked: Some(now),
        };
        Some(*encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_one_request_in_300_ms() {
        let at = |ms| Instant::from_origin(Duration::from_millis(ms));
        let mut requests = KeyFrameRequests::default();
        let asked = (0..1_000).filter(|ms| {
            requests.want(0);
            requests.take_due(at(*ms)).is_some()
        });
        assert_eq!(asked.collect::<Vec<_>>(), [0, 300, 600, 900]);

        requests.want(1);
        assert_eq!(requests.take_due(at(1_000)), Some(1));
        assert_eq!(requests.poll_timeout(), Some(at(1_200)));
    }
}
