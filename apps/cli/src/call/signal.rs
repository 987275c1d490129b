//! Descriptions as lines to copy and paste.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use duologue::SessionDescription;
use tokio::sync::watch;

use super::story::Story;
use super::terminal::Lines;
use crate::Failure;

/// A terminal takes no longer lines (POSIX: `MAX_CANON`; Linux: 4095). A multiple of four, so that
/// every line of a long description is base64 by itself.
pub(super) const LINE: usize = 4000;
/// Bytes of a description that is pasted.
const MAX_DESCRIPTION: usize = 256 * 1024;
/// Servers that have not answered by then are left out of the description.
const GATHER_LIMIT: Duration = Duration::from_secs(10);

/// What the events have told so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) gathered: bool,
    /// The other end has done its part of DTLS's handshake, for which it needs this end's description. Checks of ICE it
    /// answers without.
    pub(super) reached: bool,
    pub(super) failed: bool,
}

/// Waits until all candidates are in the local description, or long enough.
pub(super) async fn gathered(progress: &mut watch::Receiver<Progress>) {
    let all = progress.wait_for(|progress| progress.gathered);
    // Late ones are not missed by a peer that can be reached without.
    let _ = tokio::time::timeout(GATHER_LIMIT, all).await;
}

/// Waits until the other end shows that it has this end's description.
pub(super) async fn reached(mut progress: watch::Receiver<Progress>) {
    // An error: the connection ended, which others notice.
    let _ = progress.wait_for(|progress| progress.reached).await;
}

/// An offer as if more candidates could come, by which ICE does not give up (webrtc-pc §5.6.4): it may take a person any
/// time to paste the answer at the other end, whose checks then find the pairs.
pub(super) fn open_ended(offer: SessionDescription) -> SessionDescription {
    let lines = offer.sdp.lines();
    let lines = lines.filter(|line| *line != "a=end-of-candidates");
    SessionDescription {
        sdp: lines.map(|line| format!("{line}\r\n")).collect(),
        ..offer
    }
}

/// Waits until the connection has failed: nobody restarts ICE here.
pub(super) async fn failed(mut progress: watch::Receiver<Progress>) {
    if progress.wait_for(|progress| progress.failed).await.is_err() {
        // The connection ended in another way.
        std::future::pending::<()>().await;
    }
}

/// The browser's JSON in base64, with a line end where a terminal needs one.
pub(super) fn encode(description: &SessionDescription) -> Result<String, Failure> {
    let text = BASE64.encode(serde_json::to_vec(description)?);
    let mut lines = Vec::new();
    let mut rest = text.as_str();
    while rest.len() > LINE {
        let (line, tail) = rest.split_at(LINE);
        lines.push(line);
        rest = tail;
    }
    lines.push(rest);
    Ok(lines.join("\n"))
}

/// Reads lines until they are a description.
pub(super) async fn read(lines: &mut Lines, story: &Story) -> Result<SessionDescription, Failure> {
    let mut pasted = Pasted::default();
    while let Some(line) = lines.next().await {
        match pasted.add(&line) {
            Ok(Some(description)) => {
                story.remote(&description);
                return Ok(description);
            }
            Ok(None) => {}
            Err(reason) => story.note(&format!("{reason}; paste it again")),
        }
    }
    Err("the input ended before the other side's description".into())
}

/// Lines of which a description is made.
#[derive(Debug, Default)]
struct Pasted(Vec<u8>);

impl Pasted {
    /// Either our base64 or a browser's `JSON.stringify(pc.localDescription)`.
    fn add(&mut self, line: &str) -> Result<Option<SessionDescription>, &'static str> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(None);
        }
        if self.0.len() + line.len() > MAX_DESCRIPTION {
            self.0.clear();
            return Err("that is too long for a description");
        }
        if line.starts_with('{') {
            self.0 = line.as_bytes().to_vec();
        } else if let Ok(bytes) = BASE64.decode(line) {
            self.0.extend(bytes);
        } else {
            self.0.clear();
            return Err("that is not a description");
        }
        match serde_json::from_slice(&self.0) {
            Ok(description) => Ok(Some(description)),
            Err(error) if error.is_eof() => Ok(None),
            Err(_) => {
                self.0.clear();
                Err("that is not a description")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue::SdpType;

    fn description(candidates: usize) -> SessionDescription {
        let mut sdp = "v=0\r\n".to_owned();
        for n in 0..candidates {
            sdp += &format!("a=candidate:{n} 1 udp 1 192.0.2.1 {n} typ host\r\n");
        }
        SessionDescription {
            sdp_type: SdpType::Offer,
            sdp,
        }
    }

    #[test]
    fn a_long_description_survives_the_lines_of_a_terminal() {
        for candidates in [0, 10, 500] {
            let description = description(candidates);
            let text = encode(&description).unwrap();
            let mut pasted = Pasted::default();
            let mut read = text.lines().map(|line| {
                assert!(line.len() <= LINE);
                pasted.add(line).unwrap()
            });
            assert_eq!(read.find_map(|found| found), Some(description));
            assert_eq!(read.next(), None);
        }
    }

    #[test]
    fn an_offer_that_is_left_open_lacks_its_end_of_candidates_and_nothing_else() {
        let open = description(3);
        let mut ended = open.clone();
        ended.sdp += "a=end-of-candidates\r\n";
        assert_eq!(open_ended(ended), open);
        assert_eq!(open_ended(open.clone()), open);
    }

    #[test]
    fn the_json_of_a_browser_is_taken_as_it_is() {
        let text = serde_json::to_string(&description(2)).unwrap();
        assert_eq!(Pasted::default().add(&text), Ok(Some(description(2))));
    }

    #[test]
    fn after_a_wrong_line_the_right_one_is_taken() {
        let mut pasted = Pasted::default();
        assert_eq!(pasted.add(""), Ok(None));
        assert!(pasted.add("hello?").is_err());
        assert!(pasted.add("{\"type\":\"hello\"}").is_err());
        let text = encode(&description(1)).unwrap();
        assert_eq!(pasted.add(&text), Ok(Some(description(1))));
    }
}
