//! The examples of the façade that need a browser, with one. What the browser decodes is counted by its own
//! statistics, what was recorded by ffmpeg.
#![allow(
    clippy::duplicate_mod,
    reason = "what the examples share belongs to each of them"
)]

use std::path::Path;
use std::process::Command;

use duologue_browsers::{Browser, Page};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[path = "../../../duologue/examples/e2ee.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod e2ee;
#[path = "../../../duologue/examples/forward.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod forward;
#[path = "../../../duologue/examples/play.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod play;
#[path = "../../../duologue/examples/record.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod record;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Waits until so much was counted in a statistics report of the page's connection.
fn counted(kind: &str, media: &str, field: &str, enough: u32) -> String {
    format!(
        "new Promise(async (resolve) => {{
            for (;;) {{
                for (const s of (await window.pc?.getStats())?.values() ?? [])
                    if (s.type === {kind:?} && s.kind === {media:?} && s[{field:?}] >= {enough}) return resolve(s[{field:?}]);
                await new Promise((r) => setTimeout(r, 50));
            }}
        }})"
    )
}

/// An example that waits for a browser, and a page of it.
async fn visit<T: Send + 'static>(
    browser: Browser,
    example: impl FnOnce(TcpListener) -> JoinHandle<T>,
) -> Outcome<(Page, JoinHandle<T>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let example = example(listener);
    let mut page = Page::start(browser).await?;
    page.open(&url).await?;
    Ok((page, example))
}

/// How many frames ffmpeg decodes of a file's first stream of a kind.
fn decoded(path: &Path, stream: &str) -> Outcome<u32> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-count_frames", "-select_streams", stream]);
    ffprobe.args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
    let done = ffprobe.arg(path).output()?;
    assert!(
        done.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?
        .trim()
        .trim_matches(',')
        .parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_what_the_example_recorded_of_a_chromium() {
    recorded(Browser::Chromium).await.expect("is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_what_the_example_recorded_of_a_firefox() {
    recorded(Browser::Firefox).await.expect("is recorded");
}

async fn recorded(browser: Browser) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    for name in ["camera.webm", "camera.mp4"] {
        let path = folder.path().join(name);
        let to = path.clone();
        let (mut page, recording) = visit(browser, |listener| {
            tokio::spawn(record::record(listener, to))
        })
        .await?;
        page.value(&counted("outbound-rtp", "video", "framesSent", 60))
            .await?;
        page.value("pc.close()").await?;
        let frames = recording.await??;

        let (pictures, sound) = (decoded(&path, "v:0")?, decoded(&path, "a:0")?);
        assert!(pictures >= 50, "{name}: {pictures} pictures");
        assert!(sound >= 50, "{name}: {sound} packets of sound");
        // Sound before the first picture is left out, and each picture that was written is decoded.
        assert!(
            u64::from(pictures) < frames && frames <= u64::from(pictures + sound) + 100,
            "{name}: {frames}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_decodes_the_files_that_the_example_plays() {
    for file in ["both.webm", "both.mp4"] {
        played(Browser::Chromium, file).await.expect(file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_decodes_the_file_that_the_example_plays() {
    played(Browser::Firefox, "both.webm")
        .await
        .expect("is played");
}

async fn played(browser: Browser, file: &str) -> Outcome<()> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../media/files/tests/data");
    let path = Path::new(data).join(file);
    let (mut page, playing) =
        visit(browser, |listener| tokio::spawn(play::play(listener, path))).await?;
    page.value(&counted("inbound-rtp", "video", "framesDecoded", 30))
        .await?;
    page.value(&counted(
        "inbound-rtp",
        "audio",
        "totalSamplesReceived",
        48_000,
    ))
    .await?;
    playing.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_sees_each_layer_that_it_chooses_of_another_chromium() {
    forwarded(Browser::Chromium).await.expect("is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_sees_each_layer_that_it_chooses_of_a_chromium() {
    forwarded(Browser::Firefox).await.expect("is seen");
}

async fn forwarded(viewer: Browser) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let forwarding = tokio::spawn(forward::forward(listener));
    let mut publisher = Page::start(Browser::Chromium).await?;
    publisher.open(&url).await?;
    // All three layers are sent.
    let layers = "new Promise(async (resolve) => {
        for (;;) {
            const sent = [...(await window.pc?.getStats())?.values() ?? []].filter((s) => s.type === 'outbound-rtp' && s.framesSent > 0);
            if (sent.length === 3) return resolve(true);
            await new Promise((r) => setTimeout(r, 50));
        }
    })";
    publisher.value(layers).await?;

    let mut page = Page::start(viewer).await?;
    page.open(&format!("{url}watch")).await?;
    for (layer, height) in [(0, 180), (1, 360), (2, 720), (0, 180), (2, 720)] {
        page.value(&watch_layer(layer, height)).await?;
    }
    forwarding.abort();
    Ok(())
}

/// Chooses a layer, waits until pictures of its size are decoded, and some more of them.
fn watch_layer(layer: usize, height: u32) -> String {
    format!(
        "new Promise(async (resolve) => {{
            const wait = () => new Promise((r) => setTimeout(r, 50));
            while (window.layer?.readyState !== 'open') await wait();
            window.layer.send('{layer}');
            const report = async () => [...(await window.pc.getStats()).values()].find((s) => s.type === 'inbound-rtp') ?? {{}};
            let first;
            for (;;) {{
                const {{ frameHeight, framesDecoded }} = await report();
                if (frameHeight === {height}) first ??= framesDecoded;
                if (framesDecoded >= first + 20) return resolve(true);
                await wait();
            }}
        }})"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_decodes_what_both_ends_encrypt() {
    encrypted(Browser::Chromium).await.expect("is decoded");
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_decodes_what_both_ends_encrypt() {
    encrypted(Browser::Firefox).await.expect("is decoded");
}

/// What is not encrypted with this key is not sent back, and not decoded by the page.
async fn encrypted(browser: Browser) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/#{}", listener.local_addr()?, "5a".repeat(32));
    let example = tokio::spawn(e2ee::encrypted(listener, [0x5a; 32]));
    let mut page = Page::start(browser).await?;
    page.open(&url).await?;
    page.value(&counted("inbound-rtp", "video", "framesDecoded", 30))
        .await?;
    page.value(&counted(
        "inbound-rtp",
        "audio",
        "totalSamplesReceived",
        48_000,
    ))
    .await?;
    example.abort();
    Ok(())
}
