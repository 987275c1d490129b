//! Starting a headless browser on a page, and ending it whatever happens.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// A browser of the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Browser {
    /// Debian's `chromium`
    Chromium,
    /// Debian's `firefox-esr`
    Firefox,
}

/// A running browser with a profile of its own; dropping it ends all its processes.
#[derive(Debug)]
pub struct Running {
    child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens `url` in a new headless browser.
    pub fn open(self, url: &str) -> io::Result<Running> {
        let profile = TempDir::with_prefix("duologue-browser-")?;
        let mut command = match self {
            Browser::Chromium => chromium(profile.path()),
            Browser::Firefox => firefox(profile.path())?,
        };
        let child = command
            .arg(url)
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Running {
            child,
            _profile: profile,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // An error means that the whole group has ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn chromium(profile: &Path) -> Command {
    let mut command = Command::new("chromium");
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
        "--no-first-run",
        "--no-default-browser-check",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        // The page's candidates are on loopback, without mDNS names: those are issue 4's.
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
}

fn firefox(profile: &Path) -> io::Result<Command> {
    let prefs: String = FIREFOX_PREFS
        .iter()
        .map(|(key, value)| format!("user_pref(\"{key}\", {value});\n"))
        .collect();
    std::fs::write(profile.join("user.js"), prefs)?;
    let mut command = Command::new("firefox-esr");
    command
        .args(["--headless", "--no-remote", "--profile"])
        .arg(profile);
    command.env("MOZ_CRASHREPORTER_DISABLE", "1");
    // As root, the content sandbox cannot be set up.
    command.env("MOZ_DISABLE_CONTENT_SANDBOX", "1");
    Ok(command)
}

/// Loopback candidates without mDNS names, no traffic of the browser's own, no throttling.
const FIREFOX_PREFS: &[(&str, &str)] = &[
    ("app.normandy.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("browser.aboutwelcome.enabled", "false"),
    ("browser.newtabpage.enabled", "false"),
    ("browser.region.network.url", "\"\""),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.safebrowsing.update.enabled", "false"),
    ("browser.sessionstore.resume_from_crash", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("datareporting.healthreport.uploadEnabled", "false"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("dom.min_background_timeout_value", "4"),
    ("dom.timeout.enable_budget_timer_throttling", "false"),
    ("extensions.getAddons.cache.enabled", "false"),
    ("extensions.systemAddon.update.enabled", "false"),
    ("extensions.update.enabled", "false"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("media.gmp-manager.url", "\"\""),
    ("media.navigator.permission.disabled", "true"),
    ("media.navigator.streams.fake", "true"),
    ("media.peerconnection.ice.loopback", "true"),
    ("media.peerconnection.ice.obfuscate_host_addresses", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("network.prefetch-next", "false"),
    ("services.settings.server", "\"data:,#dummy\""),
    ("toolkit.telemetry.reportingpolicy.firstRun", "false"),
    ("toolkit.telemetry.server", "\"\""),
];
