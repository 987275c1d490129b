//! Clients of WHIP and WHEP that pages use, as npm has them, in each browser: they publish its camera to
//! `duologue whip serve`, and a page views it. What counts is what the viewer's statistics say that it decoded.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use duologue_browsers::{Browser, Page};
use duologue_cli::whip::serve::{Happening, Options, Origin, Serving, Source, Tokens};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

#[tokio::test]
async fn pages_with_whip_whep_publish_and_view_in_chromium() {
    published(Browser::Chromium, WHIP_WHEP).await;
}

#[tokio::test]
async fn pages_with_whip_whep_publish_and_view_in_firefox() {
    published(Browser::Firefox, WHIP_WHEP).await;
}

#[tokio::test]
async fn pages_with_the_whip_web_client_publish_in_chromium() {
    published(Browser::Chromium, EYEVINN).await;
}

#[tokio::test]
async fn pages_with_the_whip_web_client_publish_in_firefox() {
    published(Browser::Firefox, EYEVINN).await;
}

/// A page that publishes, with what it is to be told to stop.
const WHIP_WHEP: &str = "(async () => {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    const whip = new clients.WHIPClient();
    await whip.publish(pc, WHIP, 'secret');
    window.stop = () => whip.stop();
    return true;
})()";

const EYEVINN: &str = "(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const whip = new clients.EyevinnWHIPClient({ endpoint: WHIP, opts: { authkey: 'secret', iceServers: [] } });
    await whip.setIceServersFromEndpoint();
    await whip.ingest(stream);
    window.stop = () => whip.destroy();
    return true;
})()";

const VIEW: &str = "(async () => {
    const pc = window.viewer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    pc.addTransceiver('audio', { direction: 'recvonly' });
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.ontrack = ({ track }) => {
        // Nobody decodes sound for who does not listen.
        const player = document.body.appendChild(document.createElement(track.kind));
        Object.assign(player, { autoplay: true, muted: track.kind === 'video', srcObject: new MediaStream([track]) });
    };
    window.whep = new clients.WHEPClient();
    await whep.view(pc, WHEP, 'secret');
    return true;
})()";

/// Waits for so many more pictures, and for a second of sound.
const SEEN: &str = "new Promise(async (resolve) => {
    const of = (report, kind) => [...report.values()].find((s) => s.type === 'inbound-rtp' && s.kind === kind) ?? {};
    let first;
    for (;;) {
        const report = await viewer.getStats();
        const { framesDecoded } = of(report, 'video');
        first ??= framesDecoded;
        if (framesDecoded >= first + 30 && of(report, 'audio').totalSamplesReceived >= 48000) return resolve(framesDecoded);
        await new Promise((r) => setTimeout(r, 50));
    }
})";

async fn published(browser: Browser, publish: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let page = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (sender, mut told) = mpsc::unbounded_channel();
    let options = Options {
        tokens: Tokens {
            all: Some("secret".to_owned()),
            ..Tokens::default()
        },
        origins: vec![Origin::One(page.clone())],
        // Firefox checks no addresses of loopback.
        external_address: (browser == Browser::Firefox).then(own_address),
        ..Options::new(Source::Publishers { record: None })
    };
    let tell = Arc::new(move |happening| drop(sender.send(happening)));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let serving = Serving::bind(listen, options, tell)
        .await
        .expect("it listens");
    let server = format!("http://{}", serving.authority());
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(serving.serve(async {
        let _ = ended.await;
    }));
    tokio::spawn(axum::serve(listener, pages(&server)).into_future());

    let mut browser = Page::start(browser).await.expect("it starts");
    browser.open(&page).await.expect("it opens");
    browser
        .until("window.clients !== undefined")
        .await
        .expect("it loads");
    browser.value(publish).await.expect("it publishes");
    // A client may say that it publishes before it has asked.
    let begun = |it: &Happening| {
        matches!(
            it,
            Happening::Began {
                role: "publisher",
                ..
            }
        )
    };
    while !begun(&next(&mut told).await) {}
    browser.value(VIEW).await.expect("it views");
    browser.value(SEEN).await.expect("it sees and hears");

    // Both are deleted, and the server knows.
    browser
        .value("whep.stop().then(() => true)")
        .await
        .expect("it stops");
    browser
        .value("stop().then(() => true)")
        .await
        .expect("it stops");
    let mut gone = Vec::new();
    while gone.len() < 2 {
        if let Happening::Ended { role, .. } = next(&mut told).await {
            gone.push(role);
        }
    }
    gone.sort_unstable();
    assert_eq!(gone, ["publisher", "viewer"]);
    drop(end);
    serving.await.expect("it ends");
}

/// What the server tells next.
async fn next(told: &mut mpsc::UnboundedReceiver<Happening>) -> Happening {
    let next = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
    next.expect("it tells in time").expect("it serves")
}

/// This machine's towards others. Nothing is sent: it only asks for the route to an address of documentation.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
    socket
        .connect("198.51.100.1:9")
        .expect("the tests of browsers need a network");
    socket.local_addr().expect("it is bound").ip()
}

/// A page of another origin than the server's, and the packages.
fn pages(server: &str) -> Router {
    let bundle = std::env::var_os("DUOLOGUE_WEB_CLIENTS");
    let bundle =
        bundle.expect("cargo xtask test browsers installs npm's clients and says where they are");
    let bundle = std::fs::read_to_string(bundle).expect("what was installed");
    let page = format!(
        "<!doctype html><body><script type=module>import * as clients from '/clients.js';
        Object.assign(window, {{ clients, WHIP: '{server}/whip/live', WHEP: '{server}/whep/live' }});</script>"
    );
    Router::new()
        .route("/", get(|| async { Html(page) }))
        .route(
            "/clients.js",
            get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], bundle) }),
        )
}
