//! How a call goes, told as it goes: for people on standard error, or as JSON on standard output.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Instant;

use duologue::{
    Event, IceCandidate, IceCandidateParts, IceCandidateStats, IceProtocol, IceTcpCandidateType,
    IceTransport, IceTransportState, MediaKind, PeerConnection, SessionDescription, StatsReport,
};
use indicatif::{MultiProgress, ProgressBar};
use serde_json::{Value, json};

use super::measure::Measured;
use crate::plain;

#[derive(Clone, Debug)]
pub(super) struct Story(Arc<Teller>);

#[derive(Debug)]
struct Teller {
    began: Instant,
    json: bool,
    colour: bool,
    /// Both sides' words stand below one another, unless the output goes to a file or a program.
    mark_theirs: bool,
    /// What takes long, below all that is told.
    bars: MultiProgress,
}

impl Story {
    pub(super) fn new(json: bool) -> Self {
        // https://no-color.org
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Story(Arc::new(Teller {
            began: Instant::now(),
            json,
            colour: !plain && std::io::stderr().is_terminal(),
            mark_theirs: std::io::stdout().is_terminal(),
            bars: MultiProgress::new(),
        }))
    }

    /// Something for whoever sits at the terminal.
    pub(super) fn note(&self, text: &str) {
        self.tell("", text, || json!({ "event": "note", "text": text }));
    }

    /// Our description, as the text to paste.
    pub(super) fn description(&self, description: &SessionDescription, text: &str) {
        if self.0.json {
            let kind = description.sdp_type.as_str();
            self.json(json!({ "event": "description", "type": kind, "text": text }));
            return;
        }
        self.line("", "paste this on the other side:");
        println!("{text}");
    }

    /// Their description.
    pub(super) fn remote(&self, description: &SessionDescription) {
        for line in description.sdp.lines() {
            if let Some(candidate) = line.strip_prefix("a=candidate:") {
                self.remote_candidate(&format!("candidate:{candidate}"));
            }
        }
    }

    pub(super) fn remote_candidate(&self, candidate: &str) {
        let candidate = IceCandidate::new(duologue::IceCandidateInit {
            candidate: candidate.to_owned(),
            ..Default::default()
        });
        if candidate.parts.is_some() {
            self.candidate("remote", &candidate);
        }
    }

    pub(super) async fn event(&self, event: &Event, pc: &PeerConnection) {
        match event {
            Event::IceCandidate(Some(candidate)) if candidate.parts.is_some() => {
                self.candidate("local", candidate);
            }
            Event::IceCandidateError(error) => {
                let text = format!("{}: {} {}", error.url, error.error_code, error.error_text);
                self.tell("server", &text, || {
                    json!({
                        "event": "icecandidateerror", "url": error.url,
                        "errorCode": error.error_code, "errorText": error.error_text,
                    })
                });
            }
            Event::IceGatheringStateChange(state) => {
                self.state("candidates", "icegatheringstatechange", state.as_str());
            }
            Event::IceConnectionStateChange(state) => {
                self.state("ice", "iceconnectionstatechange", state.as_str());
            }
            Event::IceTransportStateChange(transport, IceTransportState::Failed) => {
                if let Some(failure) = transport.failure() {
                    let text = failure.to_string();
                    self.tell(
                        "ice",
                        &text,
                        || json!({ "event": "icefailure", "text": text }),
                    );
                }
            }
            Event::ConnectionStateChange(state) => {
                self.state("connection", "connectionstatechange", state.as_str());
            }
            Event::DtlsError(_, error) => {
                let text = error.to_string();
                self.tell(
                    "dtls",
                    &text,
                    || json!({ "event": "dtlserror", "text": text }),
                );
            }
            Event::DtlsSilent(_) => {
                self.tell(
                    "dtls",
                    "nothing comes of the peer's hello",
                    || json!({ "event": "dtlssilent" }),
                );
            }
            Event::TransceiverRejected(transceiver, why) => {
                let kind = transceiver.kind().map_or("media", MediaKind::as_str);
                let text = format!("{kind} is rejected: {why}");
                self.tell(
                    "media",
                    &text,
                    || json!({ "event": "rejected", "text": text }),
                );
            }
            Event::SelectedCandidatePairChange(transport) => self.selected(transport, pc).await,
            _ => {}
        }
    }

    /// All pairs, now that one carries data.
    pub(super) async fn connected(&self, pc: &PeerConnection) {
        let Ok(report) = pc.get_stats().await else {
            return;
        };
        self.pairs(&report);
    }

    pub(super) fn measured(&self, m: &Measured) {
        if self.0.json {
            let mut line = json!(m);
            line["event"] = json!("measured");
            return self.json(line);
        }
        self.line(
            "round trip",
            &format!(
                "{:.2} ms median, {:.2} ms p99",
                m.rtt_p50_us / 1e3,
                m.rtt_p99_us / 1e3
            ),
        );
        self.line("sent", &rate(m.sent_mb_per_s, m.sent_bytes));
        self.line("received", &rate(m.received_mb_per_s, m.received_bytes));
    }

    /// What the other side said.
    pub(super) fn said(&self, text: &str) {
        match self.0.json {
            true => self.json(json!({ "event": "message", "text": text })),
            false if self.0.mark_theirs => {
                let text = plain::marked("> ", text);
                self.0.bars.suspend(|| println!("{text}"));
            }
            false => self.0.bars.suspend(|| println!("{text}")),
        }
    }

    /// Which pictures and sounds came, if any did.
    pub(super) async fn came(&self, pc: &PeerConnection) {
        let report = pc.get_stats().await.unwrap_or_default();
        for stream in report.inbound_rtp() {
            let codec = stream.codec_id.as_ref().and_then(|id| report.codec(id));
            let codec = codec.map_or("", |codec| codec.mime_type.as_str());
            let frames = stream.frames_received.unwrap_or(0);
            let text = match stream.kind {
                "video" => format!("{frames} pictures, {codec}"),
                kind => format!(
                    "{:.1} s of {kind}, {codec}",
                    stream.total_samples_duration.unwrap_or(0.0)
                ),
            };
            self.tell(
                "came",
                &text,
                || json!({ "event": "came", "stream": stream, "codec": codec }),
            );
        }
    }

    pub(super) async fn ended(&self, pc: &PeerConnection) {
        let report = pc.get_stats().await.unwrap_or_default();
        let pair = report.selected_candidate_pair();
        let rtt = pair.and_then(|pair| pair.current_round_trip_time);
        let text = match rtt {
            Some(rtt) => format!(
                "the call is over; its last round trip took {:.1} ms",
                rtt * 1e3
            ),
            None => "the call is over".to_owned(),
        };
        self.tell(
            "",
            &text,
            || json!({ "event": "ended", "roundTripTime": rtt }),
        );
    }

    /// Why there is no connection: what each pair came to.
    pub(super) async fn why_not(&self, pc: &PeerConnection) -> String {
        let report = pc.get_stats().await.unwrap_or_default();
        self.pairs(&report);
        let pairs = report.candidate_pairs().count();
        let locals = report
            .iter()
            .filter(|stats| matches!(stats, duologue::Stats::LocalCandidate(_)));
        format!(
            "no connection: {} candidates here, {pairs} pairs, none works",
            locals.count()
        )
    }

    async fn selected(&self, transport: &IceTransport, pc: &PeerConnection) {
        let Some(pair) = transport.selected_candidate_pair() else {
            return;
        };
        let report = pc.get_stats().await.unwrap_or_default();
        let stats = report.selected_candidate_pair();
        let rtt = stats.and_then(|pair| pair.current_round_trip_time);
        // The pair itself has a remote address only of a candidate that trickled.
        let remote = stats.and_then(|pair| report.candidate(&pair.remote_candidate_id));
        let remote = remote.map_or_else(|| described(&pair.remote), known);
        let local = described(&pair.local);
        let rtt_text = rtt.map_or_else(String::new, |rtt| format!("  {:.1} ms", rtt * 1e3));
        self.tell("pair", &format!("{local} ⇄ {remote}{rtt_text}"), || {
            let [local, remote] = [&pair.local, &pair.remote].map(candidate_json);
            json!({
                "event": "selectedcandidatepairchange",
                "local": local, "remote": remote, "roundTripTime": rtt,
            })
        });
    }

    fn pairs(&self, report: &StatsReport) {
        if self.0.json {
            return self.json(json!({ "event": "stats", "stats": report }));
        }
        let selected = report
            .selected_candidate_pair()
            .map(|pair| pair.id.as_str());
        for pair in report.candidate_pairs() {
            let [local, remote] = [&pair.local_candidate_id, &pair.remote_candidate_id]
                .map(|id| report.candidate(id).map_or_else(String::new, known));
            let mark = if selected == Some(&pair.id) {
                "●"
            } else {
                "○"
            };
            let mut text = format!("{mark} {:<11} {local} ⇄ {remote}", pair.state.as_str());
            if let Some(rtt) = pair.current_round_trip_time {
                // Writing to a string does not fail.
                let _ = write!(text, "  {:.1} ms", rtt * 1e3);
            }
            self.line("", &text);
        }
    }

    fn candidate(&self, end: &'static str, candidate: &IceCandidate) {
        self.tell(end, &described(candidate), || {
            let mut line = candidate_json(candidate);
            line["event"] = json!("icecandidate");
            line["end"] = json!(end);
            line
        });
    }

    fn state(&self, what: &str, event: &str, state: &str) {
        self.tell(what, state, || json!({ "event": event, "state": state }));
    }

    /// A bar for something of this length; none where JSON is told.
    pub(super) fn bar(&self, len: u64) -> ProgressBar {
        match self.0.json {
            true => ProgressBar::hidden(),
            false => self.0.bars.add(ProgressBar::new(len)),
        }
    }

    /// What people see otherwise.
    pub(super) fn only_json(&self, json: impl FnOnce() -> Value) {
        if self.0.json {
            self.json(json());
        }
    }

    pub(super) fn tell(&self, what: &str, text: &str, json: impl FnOnce() -> Value) {
        match self.0.json {
            true => self.json(json()),
            false => self.line(what, text),
        }
    }

    fn json(&self, mut line: Value) {
        line["ms"] = json!((self.0.began.elapsed().as_secs_f64() * 1e4).round() / 10.0);
        println!("{line}");
    }

    fn line(&self, what: &str, text: &str) {
        let seconds = self.0.began.elapsed().as_secs_f64();
        // Candidates, errors of servers: others have a part in it.
        let text = plain::line(text);
        self.0.bars.suspend(|| match self.0.colour {
            true => eprintln!("\x1b[2m{seconds:8.3}\x1b[0m  \x1b[36m{what:<10}\x1b[0m  {text}"),
            false => eprintln!("{seconds:8.3}  {what:<10}  {text}"),
        });
    }
}

fn rate(mb_per_s: f64, bytes: u64) -> String {
    format!("{mb_per_s:.1} MB/s, {:.1} MB", bytes as f64 / 1e6)
}

/// As `relay udp 192.0.2.1:61234, related 198.51.100.2:4000, by turn:…`.
fn described(candidate: &IceCandidate) -> String {
    let Some(parts) = &candidate.parts else {
        return candidate.init.candidate.clone();
    };
    let mut text = address(
        parts.candidate_type.as_str(),
        &transport(parts.protocol, parts.tcp_type),
        parts.address.as_deref(),
        parts.port,
    );
    add_origin(&mut text, parts, candidate.url.as_deref());
    text
}

fn add_origin(text: &mut String, parts: &IceCandidateParts, url: Option<&str>) {
    if let (Some(address), Some(port)) = (&parts.related_address, parts.related_port) {
        // Writing to a string does not fail.
        let _ = write!(text, ", related {}", host_port(address, port));
    }
    if let Some(url) = url {
        let _ = write!(text, ", by {url}");
    }
}

fn known(candidate: &IceCandidateStats) -> String {
    address(
        candidate.candidate_type.as_str(),
        &transport(candidate.protocol, candidate.tcp_type),
        candidate.address.as_deref(),
        candidate.port,
    )
}

/// `udp`, or as `tcp active`.
fn transport(protocol: IceProtocol, tcp_type: Option<IceTcpCandidateType>) -> String {
    match tcp_type {
        Some(tcp_type) => format!("{protocol} {tcp_type}"),
        None => protocol.to_string(),
    }
}

fn address(kind: &str, protocol: &str, address: Option<&str>, port: u16) -> String {
    let address = host_port(address.unwrap_or("?"), port);
    format!("{kind} {protocol} {address}")
}

fn host_port(address: &str, port: u16) -> String {
    match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    }
}

fn candidate_json(candidate: &IceCandidate) -> Value {
    let mut value = json!(candidate.parts);
    if value.is_object() {
        value["url"] = json!(candidate.url);
        value["relayProtocol"] = json!(candidate.relay_protocol);
    }
    value
}
