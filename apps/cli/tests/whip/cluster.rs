//! Relays that act as one, with NATS of the system between them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use duologue::{
    BundlePolicy, Configuration, EncodedFrameInit, EncodedFrameWriter, Endpoint, MediaKind,
    MediaStreamId, RtpEncodingParameters, RtpSender, TransceiverDirection, TransceiverInit,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::media::{Program, counted};
use crate::raw::{Client, PATIENCE, SDP, ask, file, gathered};

/// A server of NATS; dropping it kills it.
struct Nats {
    child: Child,
    /// Kept to its end: a server that cannot write its log any more dies.
    log: Lines<BufReader<ChildStderr>>,
    port: u16,
    store: TempDir,
}

impl Nats {
    async fn start() -> Self {
        let store = tempfile::tempdir().unwrap();
        let (child, log) = Nats::spawn("-1", &store);
        let mut nats = Nats {
            child,
            log,
            port: 0,
            store,
        };
        nats.is_ready().await;
        nats
    }

    /// At a port, or at any free one that it tells.
    fn spawn(port: &str, store: &TempDir) -> (Child, Lines<BufReader<ChildStderr>>) {
        let child = Command::new("nats-server")
            .args(["-js", "-a", "127.0.0.1", "-p", port, "-sd"])
            .arg(store.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.expect("Debian's package is nats-server");
        let log = BufReader::new(child.stderr.take().expect("piped")).lines();
        (child, log)
    }

    /// Until it says so, and where.
    async fn is_ready(&mut self) {
        let reading = async {
            while let Some(line) = self.log.next_line().await.expect("UTF-8") {
                if let Some((_, address)) = line.split_once("client connections on ") {
                    let port = address.rsplit_once(':').expect("a port").1;
                    self.port = port.parse().expect("a number");
                }
                if line.ends_with("Server is ready") {
                    return;
                }
            }
            panic!("nats-server ended");
        };
        let ready = tokio::time::timeout(PATIENCE, reading).await;
        ready.expect("nats-server is ready");
    }

    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn start_again(&mut self) {
        (self.child, self.log) = Nats::spawn(&self.port.to_string(), &self.store);
        self.is_ready().await;
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

struct Relay {
    program: Program,
    authority: String,
}

impl Relay {
    async fn start(nats: &Nats, name: &str) -> Self {
        let args = ["relay", "--nats", &nats.url(), "--name", name];
        let (program, urls) = Program::serve(&args).await;
        let authority = urls[0].trim_start_matches("http://");
        let authority = authority.trim_end_matches("/whip/live").to_owned();
        Relay { program, authority }
    }

    fn url(&self, protocol: &str) -> String {
        format!("http://{}/{protocol}/live", self.authority)
    }

    async fn overview(&self) -> Value {
        let bearer = [("Authorization", "Bearer secret")];
        let answer = ask(&self.authority, "GET", "/api/overview", &bearer, "").await;
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Until it shows this. A relay tells nobody that it found another one: it is asked again.
    async fn shows(&self, what: impl Fn(&Value) -> bool) {
        let looking = async {
            while !what(&self.overview().await) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            panic!("it does not show it: {}", self.overview().await);
        }
    }

    fn publish(&self) -> Program {
        let file = file();
        let file = file.to_str().unwrap();
        Program::start(&["whip", "publish", &self.url("whip"), file, "--loop"])
    }

    fn view(&self, more: &[&str]) -> Program {
        let url = self.url("whep");
        Program::start(&[&["whep", "play", &url, "--wait", "20"], more].concat())
    }
}

/// Pictures in two layers, to this relay.
async fn publish_layers(relay: &Relay) -> Client {
    let endpoint = Endpoint::builder().loopback(true).build().unwrap();
    let configuration = Configuration {
        bundle_policy: BundlePolicy::MaxBundle,
        ..Configuration::default()
    };
    let (pc, mut events) = endpoint.connection(configuration).unwrap();
    let layer = |rid: &str| RtpEncodingParameters {
        rid: rid.parse().ok(),
        ..RtpEncodingParameters::default()
    };
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        streams: vec![MediaStreamId::from("stream")],
        send_encodings: vec![layer("low"), layer("high")],
    };
    let transceiver = pc.add_transceiver(MediaKind::Video, init).unwrap();
    let mut codecs = RtpSender::capabilities(MediaKind::Video).codecs;
    codecs.retain(|codec| matches!(codec.mime_type.as_str(), "video/VP8" | "video/rtx"));
    transceiver.set_codec_preferences(codecs).unwrap();
    pc.set_local_description(None).await.unwrap();
    gathered(&mut events).await;

    let offer = pc.local_description().unwrap().sdp;
    let headers = [SDP, ("Authorization", "Bearer secret")];
    let answer = ask(&relay.authority, "POST", "/whip/live", &headers, &offer).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let client = Client { pc, events, offer };
    client.take(&answer.body).await;
    tokio::spawn(send_layers(transceiver.sender().frames()));
    client
}

/// Frames of VP8 (RFC 6386 §9.1) of 120 kbit/s and 1.2 Mbit/s, for as long as the connection is open.
async fn send_layers(writer: EncodedFrameWriter) {
    let mut clock = tokio::time::interval(Duration::from_millis(33));
    for number in 0_u32.. {
        clock.tick().await;
        let head: &[u8] = match number.is_multiple_of(15) {
            true => &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
            false => &[0x11, 0, 0],
        };
        let frame = |(encoding, bytes)| {
            let mut data = head.to_vec();
            data.resize(bytes, 7);
            EncodedFrameInit {
                encoding,
                timestamp: number * 2_970,
                data: data.into(),
                ..EncodedFrameInit::default()
            }
        };
        let mut frames = [(0, 500), (1, 5_000)].map(frame).to_vec();
        if writer.send_all(&mut frames).await.is_err() {
            return;
        }
    }
}

async fn three(nats: &Nats) -> [Relay; 3] {
    let relays = [
        Relay::start(nats, "a").await,
        Relay::start(nats, "b").await,
        Relay::start(nats, "c").await,
    ];
    for relay in &relays {
        relay
            .shows(|it| it["nodes"].as_array().map(Vec::len) == Some(2))
            .await;
    }
    relays
}

#[tokio::test]
async fn viewers_of_three_relays_see_one_publisher_and_nats_may_begin_anew() {
    let mut nats = Nats::start().await;
    let relays = three(&nats).await;
    let mut publisher = relays[0].publish();
    publisher.told("connected").await;
    let mut viewers = relays
        .each_ref()
        .map(|relay| relay.view(&["--seconds", "6"]));
    for viewer in &mut viewers {
        viewer.told("playing").await;
    }
    // The publisher is published once, whoever asks for it.
    let mut second = relays[1].publish();
    let why = second.failed().await;
    assert!(why.contains("409"), "{why}");

    nats.kill().await;
    nats.start_again().await;
    for viewer in &mut viewers {
        let played = viewer.told_but("played", "lost").await;
        assert!(viewer.succeeded().await);
        // Of six seconds at 10 pictures and 50 pieces of sound.
        assert!(counted(&played).iter().all(|count| *count > 40), "{played}");
    }
    // They find each other again.
    for relay in &relays {
        relay
            .shows(|it| it["nodes"].as_array().map(Vec::len) == Some(2))
            .await;
    }
}

#[tokio::test]
async fn viewers_of_a_relay_that_is_killed_see_pictures_of_another_one() {
    let nats = Nats::start().await;
    let [publishing, other, mut killed] = three(&nats).await;
    let mut publisher = publishing.publish();
    publisher.told("connected").await;
    let mut viewer = killed.view(&[]);
    let mut elsewhere = other.view(&["--seconds", "5"]);
    viewer.told("playing").await;
    elsewhere.told("playing").await;

    killed.program.kill().await;
    let killed_at = Instant::now();
    viewer.told("lost").await;
    viewer.told("playing").await;
    let away = killed_at.elapsed();
    assert!(away < Duration::from_secs(3), "{away:?}");
    // Who sees another relay notices nothing.
    let played = elsewhere.told_but("played", "lost").await;
    assert!(counted(&played).iter().all(|count| *count > 30), "{played}");
}

#[tokio::test]
async fn a_publisher_whose_relay_is_killed_is_back_by_another_one_with_its_viewers() {
    let nats = Nats::start().await;
    let [mut killed, other, third] = three(&nats).await;
    let mut publisher = killed.publish();
    publisher.told("connected").await;
    let mut viewer = killed.view(&[]);
    let mut elsewhere = [&other, &third].map(|relay| relay.view(&["--seconds", "8"]));
    for viewer in elsewhere.iter_mut().chain([&mut viewer]) {
        viewer.told("playing").await;
    }

    killed.program.kill().await;
    let killed_at = Instant::now();
    publisher.told("lost").await;
    publisher.told("connected").await;
    let away = killed_at.elapsed();
    assert!(away < Duration::from_secs(5), "{away:?}");
    viewer.told("playing").await;
    let away = killed_at.elapsed();
    assert!(away < Duration::from_secs(8), "{away:?}");
    // What the others lack of eight seconds is the time until their relays had it again.
    for mut viewer in elsewhere {
        let played = viewer.told("played").await;
        assert!(counted(&played).iter().all(|count| *count > 40), "{played}");
    }
}

#[tokio::test]
async fn all_layers_come_to_another_relay_where_each_viewer_gets_the_one_that_its_path_carries() {
    let nats = Nats::start().await;
    let [publishing, other, _] = three(&nats).await;
    let _publisher = publish_layers(&publishing).await;
    let mut viewer = other.view(&["--seconds", "8"]);
    viewer.told("playing").await;
    // A path of which nothing is known is taken for one of the lower layer, and then found to be wider.
    other
        .shows(|it| {
            let stream = &it["streams"][0];
            stream["tracks"][0]["layers"] == 2 && stream["layers"] == serde_json::json!([0, 1])
        })
        .await;
    let played = viewer.told_but("played", "lost").await;
    assert!(counted(&played).iter().any(|count| *count > 60), "{played}");
}
