//! A viewer that sees: Chromium with the relay's own page.

use duologue_browsers::{Browser, Page};

use crate::Outcome;

/// Frames of the page's picture that were decoded and shown.
const SHOWN: &str = "(() => { const it = $('#video').getVideoPlaybackQuality(); \
                     return it.totalVideoFrames - it.droppedVideoFrames; })()";

pub(crate) struct Watcher {
    page: Page,
    before: u64,
}

impl Watcher {
    /// Opens the relay's page and watches its only stream; until there is a picture.
    pub(crate) async fn start(url: &str) -> Outcome<Self> {
        let mut page = Page::start(Browser::Chromium).await?;
        page.open(url).await?;
        page.click("#rows button").await?;
        page.until("$('#video').videoWidth > 0").await?;
        Ok(Watcher { page, before: 0 })
    }

    /// Frames that were shown since the last time.
    pub(crate) async fn take(&mut self) -> Outcome<u64> {
        let shown = self.page.value(SHOWN).await?;
        let shown = shown
            .as_u64()
            .ok_or("the page does not say what it shows")?;
        Ok(shown.saturating_sub(std::mem::replace(&mut self.before, shown)))
    }
}
