//! str0m: sans-IO, so that the socket and the clock are here.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, ErrorKind, stdin};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use counterparts::{
    Counts, MESSAGE, Tallies, address, frame, pattern, pause, say, text, version, words,
};
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

type Outcome<T = ()> = Result<T, String>;

struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    channels: HashMap<String, ChannelId>,
    labels: HashMap<ChannelId, String>,
    tallies: Tallies,
    counts: Counts,
    /// What is to be sent with the next offer or answer.
    playing: Option<Value>,
    streams: Vec<Stream>,
    /// Messages that wait for room: channel, binary, bytes.
    waiting: VecDeque<(ChannelId, bool, Vec<u8>)>,
}

/// Media that is sent.
struct Stream {
    mid: Mid,
    kind: &'static str,
    rids: Vec<String>,
    number: u64,
    next: Instant,
}

/// How long input of the test may wait.
const LATENCY: Duration = Duration::from_millis(5);

fn main() -> Outcome {
    str0m::crypto::from_feature_flags().install_process_default();
    let socket = UdpSocket::bind((address(), 0)).map_err(text)?;
    let local = socket.local_addr().map_err(text)?;
    let snap = std::env::args().nth(1).as_deref() == Some("snap");
    let mut rtc = Rtc::builder().set_snap_enabled(snap).build(Instant::now());
    let host = Candidate::host(local, "udp").map_err(text)?;
    rtc.add_local_candidate(host);
    let mut peer = Peer {
        rtc,
        socket,
        local,
        pending: None,
        channels: HashMap::new(),
        labels: HashMap::new(),
        tallies: Tallies::default(),
        counts: Counts::default(),
        playing: None,
        streams: Vec::new(),
        waiting: VecDeque::new(),
    };
    say(
        json!({ "hello": { "name": if snap { "str0m, SNAP," } else { "str0m" }, "version": version("str0m") } }),
    );
    let lines = lines();
    loop {
        loop {
            match lines.try_recv() {
                Ok(line) => {
                    if let Err(error) = peer.obey(&line) {
                        say(json!({ "error": error }));
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if let Err(error) = peer.turn() {
            say(json!({ "error": error }));
            return Ok(());
        }
    }
}

fn lines() -> Receiver<Value> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            let sent = serde_json::from_str(&line).map(|line| sender.send(line));
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    });
    lines
}

impl Peer {
    fn obey(&mut self, line: &Value) -> Outcome {
        if let Some(sdp) = line["description"]["sdp"].as_str() {
            return self.description(line["description"]["type"] == "offer", sdp);
        }
        if let Some(candidate) = line["candidate"]["candidate"].as_str() {
            return self.candidate(candidate);
        }
        let label = line["label"].as_str().unwrap_or_default();
        let size = |name: &str| line[name].as_u64().unwrap_or(0) as usize;
        match line["do"].as_str().unwrap_or_default() {
            "offer" => self.offer(line)?,
            "play" => self.playing = Some(line.clone()),
            "channel" => {
                let mut change = self.rtc.sdp_api();
                let id = change.add_channel(label.to_owned());
                if change.apply().is_some() {
                    return Err("a second channel needs an offer".to_owned());
                }
                self.labels.insert(id, label.to_owned());
            }
            "text" => {
                let bytes = line["text"].as_str().unwrap_or_default().into();
                self.waiting.push_back((self.channel(label)?, false, bytes));
            }
            "bytes" => {
                let (id, all) = (self.channel(label)?, pattern(size("count"), size("seed")));
                let messages = all.chunks(MESSAGE).map(|part| (id, true, part.to_vec()));
                self.waiting.extend(messages);
            }
            "expect" => self.tallies.expect(label, size("bytes")),
            "close" => {
                let id = self.channel(label)?;
                self.rtc.direct_api().close_data_channel(id);
            }
            "end" => self.rtc.close().map_err(text)?,
            _ => return Err(format!("unknown line {line}")),
        }
        Ok(())
    }

    fn channel(&self, label: &str) -> Outcome<ChannelId> {
        let known = self.channels.get(label).copied();
        known.ok_or_else(|| format!("no channel {label}"))
    }

    fn offer(&mut self, line: &Value) -> Outcome {
        let playing = self.playing.take().unwrap_or_default();
        let rids = words(&playing["rids"]);
        let mut change = self.rtc.sdp_api();
        for kind in words(&line["media"]) {
            let (kind, name) = kind_of(&kind);
            let simulcast = (!rids.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in &rids {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let direction = match rids.is_empty() {
                true => Direction::SendRecv,
                false => Direction::SendOnly,
            };
            let mid = change.add_media(kind, direction, None, None, simulcast);
            self.streams.push(Stream::new(mid, name, rids.clone()));
        }
        if let Some(label) = line["channel"].as_str() {
            let id = change.add_channel(label.to_owned());
            self.labels.insert(id, label.to_owned());
        }
        if line["restart"] == true {
            change.ice_restart(true);
        }
        let (offer, pending) = change.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        say(json!({ "description": { "type": "offer", "sdp": offer.to_sdp_string() } }));
        Ok(())
    }

    fn description(&mut self, offer: bool, sdp: &str) -> Outcome {
        if !offer {
            let answer = SdpAnswer::from_sdp_string(sdp).map_err(text)?;
            let pending = self.pending.take().ok_or("no offer of ours")?;
            return self
                .rtc
                .sdp_api()
                .accept_answer(pending, answer)
                .map_err(text);
        }
        let offer = SdpOffer::from_sdp_string(sdp).map_err(text)?;
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(text)?;
        say(json!({ "description": { "type": "answer", "sdp": answer.to_sdp_string() } }));
        Ok(())
    }

    fn candidate(&mut self, line: &str) -> Outcome {
        // The end of candidates; and there is one socket, of UDP.
        if line.is_empty() || !line.to_lowercase().contains(" udp ") {
            return Ok(());
        }
        let candidate = Candidate::from_sdp_string(line).map_err(text)?;
        self.rtc.add_remote_candidate(candidate);
        Ok(())
    }

    /// Sends what is to be sent, and waits for a datagram, a timer or a line for a short while.
    fn turn(&mut self) -> Outcome {
        self.write_messages()?;
        self.write_frames()?;
        let timeout = loop {
            match self.rtc.poll_output().map_err(text)? {
                Output::Timeout(at) => break at,
                Output::Transmit(it) => {
                    // A path that does not work is for ICE to find out.
                    let _ = self.socket.send_to(&it.contents, it.destination);
                }
                Output::Event(event) => self.on_event(event),
            }
        };
        let wait = timeout
            .saturating_duration_since(Instant::now())
            .min(LATENCY);
        let wait = wait.max(Duration::from_micros(100));
        self.socket.set_read_timeout(Some(wait)).map_err(text)?;
        let mut buffer = [0; 2048];
        let input = match self.socket.recv_from(&mut buffer) {
            Ok((length, source)) => match buffer[..length].try_into() {
                Ok(contents) => Input::Receive(
                    Instant::now(),
                    Receive {
                        proto: Protocol::Udp,
                        source,
                        destination: self.local,
                        contents,
                    },
                ),
                Err(_) => Input::Timeout(Instant::now()),
            },
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Input::Timeout(Instant::now())
            }
            Err(e) => return Err(e.to_string()),
        };
        self.rtc.handle_input(input).map_err(text)
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => say(json!({ "state": "connected" })),
            Event::IceConnectionStateChange(state) => say(json!({ "state": format!("{state:?}") })),
            Event::ChannelOpen(id, label) => {
                let label = self.labels.entry(id).or_insert(label).clone();
                self.channels.insert(label.clone(), id);
                say(json!({ "open": label }));
            }
            Event::ChannelData(data) => {
                if let Some(label) = self.labels.get(&data.id) {
                    self.tallies.take(label, &data.data);
                }
            }
            Event::ChannelClose(id) => self.on_close(id),
            Event::Closed => {
                let all: Vec<ChannelId> = self.labels.keys().copied().collect();
                all.into_iter().for_each(|id| self.on_close(id));
            }
            Event::MediaAdded(media) => {
                let name = match media.kind {
                    MediaKind::Audio => "audio",
                    MediaKind::Video => "video",
                };
                let playing = self.playing.as_ref().map(|line| words(&line["kinds"]));
                if playing.is_some_and(|kinds| kinds.iter().any(|kind| kind == name)) {
                    self.streams.push(Stream::new(media.mid, name, Vec::new()));
                }
            }
            Event::MediaData(data) => {
                let kind = match data.params.spec().codec.is_audio() {
                    true => "audio",
                    false => "video",
                };
                let rid = data.rid.map(|rid| rid.to_string()).unwrap_or_default();
                self.counts.take(kind, &rid, "frames");
            }
            _ => {}
        }
    }

    fn on_close(&mut self, id: ChannelId) {
        if let Some(label) = self.labels.remove(&id) {
            self.channels.remove(&label);
            say(json!({ "closed": label }));
        }
    }

    fn write_messages(&mut self) -> Outcome {
        while let Some((id, binary, bytes)) = self.waiting.front() {
            let Some(mut channel) = self.rtc.channel(*id) else {
                return Ok(());
            };
            if !channel.write(*binary, bytes).map_err(text)? {
                return Ok(());
            }
            self.waiting.pop_front();
        }
        Ok(())
    }

    fn write_frames(&mut self) -> Outcome {
        let now = Instant::now();
        for stream in &mut self.streams {
            if stream.next > now {
                continue;
            }
            let mut rids: Vec<Option<&str>> = stream.rids.iter().map(|rid| Some(&**rid)).collect();
            if rids.is_empty() {
                rids.push(None);
            }
            for rid in rids {
                let Some(mut writer) = self.rtc.writer(stream.mid) else {
                    break;
                };
                let Some(params) = writer.payload_params().next() else {
                    break;
                };
                let payload_type = params.pt();
                if let Some(rid) = rid {
                    writer = writer.rid(rid.into());
                }
                let (rate, ticks) = match stream.kind {
                    "audio" => (Frequency::FORTY_EIGHT_KHZ, 960),
                    _ => (Frequency::NINETY_KHZ, 4_500),
                };
                let time = MediaTime::new(stream.number * ticks, rate);
                // Before there is a connection nothing can be written.
                let _ = writer.write(payload_type, now, time, frame(stream.kind));
            }
            stream.number += 1;
            stream.next += pause(stream.kind);
        }
        Ok(())
    }
}

impl Stream {
    fn new(mid: Mid, kind: &'static str, rids: Vec<String>) -> Self {
        Stream {
            mid,
            kind,
            rids,
            number: 0,
            next: Instant::now(),
        }
    }
}

fn kind_of(name: &str) -> (MediaKind, &'static str) {
    match name {
        "audio" => (MediaKind::Audio, "audio"),
        _ => (MediaKind::Video, "video"),
    }
}
