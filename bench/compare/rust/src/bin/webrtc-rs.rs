//! webrtc-rs 0.21 (async layer over the sans-IO `rtc` crate, tokio): two peer
//! connections in one process over 127.0.0.1.
//!
//! webrtc-rs setup|dc|ping|rtp|mem --key value ...
//! `--reactors N` gives the drivers N threads of their own (0 = tokio's pool).
use bytes::{Bytes, BytesMut};
use measured::*;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCConfigurationBuilder, RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
    Registry, register_default_interceptors,
};

enum Sig {
    Gathered,
    Connected,
    Channel(Arc<dyn DataChannel>),
    Track(Arc<dyn TrackRemote>),
}

struct Handler(mpsc::UnboundedSender<Sig>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, s: RTCIceGatheringState) {
        if s == RTCIceGatheringState::Complete {
            let _ = self.0.send(Sig::Gathered);
        }
    }
    async fn on_connection_state_change(&self, s: RTCPeerConnectionState) {
        if s == RTCPeerConnectionState::Connected {
            let _ = self.0.send(Sig::Connected);
        }
    }
    async fn on_data_channel(&self, dc: Arc<dyn DataChannel>) {
        let _ = self.0.send(Sig::Channel(dc));
    }
    async fn on_track(&self, t: Arc<dyn TrackRemote>) {
        let _ = self.0.send(Sig::Track(t));
    }
}

struct Ep {
    pc: Arc<dyn PeerConnection>,
    sig: mpsc::UnboundedReceiver<Sig>,
}

async fn endpoint(args: &Args) -> Ep {
    let mut media = MediaEngine::default();
    media.register_default_codecs().unwrap();
    let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
    let (tx, sig) = mpsc::unbounded_channel();
    let pc = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(Handler(tx)))
        .with_runtime(webrtc::runtime::default_runtime().unwrap())
        .with_udp_addrs(vec!["127.0.0.1:0".to_string()])
        .with_dedicated_reactor_pool_size(args.int("reactors", 0))
        .with_data_channel_send_buffer_limit(args.int("buffer", 1 << 20))
        .build()
        .await
        .unwrap();
    Ep { pc: Arc::new(pc), sig }
}

impl Ep {
    async fn gathered(&mut self) {
        while !matches!(self.sig.recv().await.unwrap(), Sig::Gathered) {}
    }
}

/// Puts the relay's port in place of the candidate's.
fn via(sdp: RTCSessionDescription, port: Option<&str>) -> RTCSessionDescription {
    let Some(port) = port else { return sdp };
    let mut out = String::new();
    for line in sdp.sdp.split("\r\n") {
        if line.is_empty() {
            continue;
        }
        if line.starts_with("a=candidate:") {
            let mut f: Vec<&str> = line.split(' ').collect();
            f[5] = port;
            out += &f.join(" ");
        } else {
            out += line;
        }
        out += "\r\n";
    }
    if sdp.sdp_type.to_string() == "offer" {
        RTCSessionDescription::offer(out).unwrap()
    } else {
        RTCSessionDescription::answer(out).unwrap()
    }
}

struct Pair {
    a: Ep,
    b: Ep,
    dca: Arc<dyn DataChannel>,
    dcb: Arc<dyn DataChannel>,
    track: Option<Arc<dyn TrackRemote>>,
}

async fn opened(dc: &Arc<dyn DataChannel>) {
    while !matches!(dc.poll().await.unwrap(), DataChannelEvent::OnOpen) {}
}

async fn pair(args: &Args, local: Option<Arc<TrackLocalStaticRTP>>) -> Pair {
    let relay: Vec<&str> = args.text("relay").map(|r| r.split(':').collect()).unwrap_or_default();
    let mut a = endpoint(args).await;
    let mut b = endpoint(args).await;
    let dca = a.pc.create_data_channel("data", None).await.unwrap();
    let media = local.is_some();
    if let Some(t) = local {
        a.pc.add_track(t as Arc<dyn TrackLocal>).await.unwrap();
    }
    let offer = a.pc.create_offer(None).await.unwrap();
    a.pc.set_local_description(offer).await.unwrap();
    a.gathered().await;
    let offer = a.pc.local_description().await.unwrap();
    b.pc.set_remote_description(via(offer, relay.get(1).copied())).await.unwrap();
    let answer = b.pc.create_answer(None).await.unwrap();
    b.pc.set_local_description(answer).await.unwrap();
    b.gathered().await;
    let answer = b.pc.local_description().await.unwrap();
    a.pc.set_remote_description(via(answer, relay.first().copied())).await.unwrap();
    let (mut dcb, mut up, track) = (None, [false; 2], None);
    while !(up[0] && up[1] && dcb.is_some()) {
        tokio::select! {
            s = a.sig.recv() => if let Some(Sig::Connected) = s { up[0] = true },
            s = b.sig.recv() => match s {
                Some(Sig::Connected) => up[1] = true,
                Some(Sig::Channel(d)) => dcb = Some(d),
                _ => {}
            },
        }
    }
    let _ = media;
    let dcb = dcb.unwrap();
    opened(&dca).await;
    Pair { a, b, dca, dcb, track }
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    match args.scenario.as_str() {
        "setup" => {
            let n = args.int("n", 50);
            close(pair(&args, None).await).await;
            let (mut ms, c0) = (Vec::new(), cpu());
            for _ in 0..n {
                let t = Instant::now();
                let p = pair(&args, None).await;
                ms.push(t.elapsed().as_secs_f64() * 1e3);
                close(p).await;
            }
            report_setup(ms, cpu() - c0);
        }
        "mem" => {
            let n = args.int("pairs", 200);
            let _warm = pair(&args, None).await;
            let before = rss();
            // Ten at a time: set-up mostly waits.
            let mut all = Vec::new();
            while all.len() < n {
                all.extend(futures::future::join_all((0..10.min(n - all.len())).map(|_| pair(&args, None))).await);
            }
            report_mem(before, rss(), n);
        }
        "dc" => dc(&args).await,
        "ping" => ping(&args).await,
        "rtp" => rtp(&args).await,
        s => panic!("unknown scenario {s}"),
    }
    std::process::exit(0);
}

async fn close(p: Pair) {
    p.a.pc.close().await.unwrap();
    p.b.pc.close().await.unwrap();
}

async fn dc(args: &Args) {
    let p = pair(args, None).await;
    let msg = vec![0x5au8; args.int("size", 16384)];
    let (bytes, msgs) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let dca = p.dca.clone();
    tokio::spawn(async move {
        // `send` itself waits while the channel's buffer is over the limit.
        loop {
            if dca.send(BytesMut::from(&msg[..])).await.is_err() { break }
        }
    });
    let (dcb, by, ms) = (p.dcb.clone(), bytes.clone(), msgs.clone());
    tokio::spawn(async move {
        while let Some(e) = dcb.poll().await {
            if let DataChannelEvent::OnMessage(m) = e {
                by.fetch_add(m.data.len() as u64, Relaxed);
                ms.fetch_add(1, Relaxed);
            }
        }
    });
    tokio::time::sleep(Duration::from_secs_f64(args.num("warm", 1.0))).await;
    let (c0, b0, m0, t0) = (cpu(), bytes.load(Relaxed), msgs.load(Relaxed), Instant::now());
    tokio::time::sleep(Duration::from_secs_f64(args.num("secs", 10.0))).await;
    let (c, by, m) = (cpu() - c0, bytes.load(Relaxed) - b0, msgs.load(Relaxed) - m0);
    report_dc(by as f64, m as f64, t0.elapsed().as_secs_f64(), c);
}

async fn ping(args: &Args) {
    let p = pair(args, None).await;
    let n = args.int("n", 5000);
    let warm = n / 10;
    let dcb = p.dcb.clone();
    tokio::spawn(async move {
        while let Some(e) = dcb.poll().await {
            if let DataChannelEvent::OnMessage(m) = e {
                dcb.send(m.data).await.unwrap();
            }
        }
    });
    let dca = p.dca.clone();
    let (us, c) = tokio::spawn(async move {
        let (mut us, mut c0) = (Vec::new(), 0.0);
        for i in 0..n + warm {
            if i == warm {
                c0 = cpu();
            }
            let t = Instant::now();
            dca.send(BytesMut::from(&[7u8; 64][..])).await.unwrap();
            while !matches!(dca.poll().await.unwrap(), DataChannelEvent::OnMessage(_)) {}
            if i >= warm {
                us.push(t.elapsed().as_secs_f64() * 1e6);
            }
        }
        (us, cpu() - c0)
    })
    .await
    .unwrap();
    report_ping(us, c);
}

async fn rtp(args: &Args) {
    let ssrc = 0x1234_5678u32;
    let codec = RTCRtpCodec {
        mime_type: "video/VP8".into(),
        clock_rate: 90000,
        ..Default::default()
    };
    let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "stream".into(),
        "track".into(),
        "label".into(),
        RtpCodecKind::Video,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec,
            ..Default::default()
        }],
    )));
    let mut p = pair(args, Some(track.clone())).await;
    let pps = args.num("pps", 0.0);
    let stop = Arc::new(AtomicBool::new(false));
    let (sent, recv, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (s, n) = (stop.clone(), sent.clone());
    tokio::spawn(async move {
        let payload = Bytes::from(vec![0x11u8; 1200]);
        let start = Instant::now();
        let mut seq = 1u64;
        while !s.load(Relaxed) {
            if pps > 0.0 && n.load(Relaxed) >= (start.elapsed().as_secs_f64() * pps) as u64 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let packet = rtc::rtp::Packet {
                header: rtc::rtp::Header {
                    version: 2,
                    payload_type: 96,
                    sequence_number: seq as u16,
                    timestamp: (seq * 90) as u32,
                    ssrc,
                    ..Default::default()
                },
                payload: payload.clone(),
            };
            if track.write_rtp(packet).await.is_ok() {
                n.fetch_add(1, Relaxed);
            }
            seq += 1;
        }
    });
    let (r, by) = (recv.clone(), bytes.clone());
    let known = p.track.take();
    tokio::spawn(async move {
        let t = match known {
            Some(t) => t,
            None => loop {
                if let Some(Sig::Track(t)) = p.b.sig.recv().await {
                    break t;
                }
            },
        };
        while let Some(e) = t.poll().await {
            if let TrackRemoteEvent::OnRtpPacket(pkt) = e {
                r.fetch_add(1, Relaxed);
                by.fetch_add(pkt.payload.len() as u64, Relaxed);
            }
        }
    });
    tokio::time::sleep(Duration::from_secs_f64(args.num("warm", 1.0))).await;
    let get = || (sent.load(Relaxed) as f64, recv.load(Relaxed) as f64, bytes.load(Relaxed) as f64);
    let (c0, g0, t0) = (cpu(), get(), Instant::now());
    tokio::time::sleep(Duration::from_secs_f64(args.num("secs", 10.0))).await;
    let (c, g, t) = (cpu() - c0, get(), t0.elapsed().as_secs_f64());
    stop.store(true, Relaxed);
    report_rtp(g.0 - g0.0, g.1 - g0.1, g.2 - g0.2, t, c);
}
