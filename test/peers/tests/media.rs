//! Media with a stack that is no browser: `cargo xtask test peers`.

use duologue_peers::{ALL, media};

async fn aiortc(codec: &str, we_offer: bool) {
    let aiortc = ALL.iter().find(|counterpart| counterpart.name == "aiortc");
    let outcome = media(aiortc.expect("it is known"), codec, we_offer).await;
    outcome.expect("media flows");
}

#[tokio::test(flavor = "multi_thread")]
async fn aiortc_decodes_the_vp8_and_opus_that_we_send_back_when_it_offers() {
    aiortc("VP8", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aiortc_decodes_the_h264_and_opus_that_we_send_back_when_we_offer() {
    aiortc("H264", true).await;
}
