//! Starting a headless browser on a page, and ending it whatever happens.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A browser of the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Browser {
    /// Debian's `chromium`
    Chromium,
    /// Debian's `firefox-esr`
    Firefox,
}

/// What a page's candidates say of the addresses of this host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Addresses {
    /// They say them.
    Shown,
    /// They are mDNS names: what browsers do for pages without a camera.
    Hidden,
}

/// A running browser with a profile of its own; dropping it ends all its processes.
#[derive(Debug)]
pub struct Running {
    _processes: ProcessGroup,
    _profile: TempDir,
}

/// A process and what it started; dropping it ends them all.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Child);

impl Browser {
    /// Its name and version, as it says them.
    ///
    /// # Errors
    /// It is not there.
    pub fn version(self) -> io::Result<String> {
        let program = match self {
            Browser::Chromium => "chromium",
            Browser::Firefox => "firefox-esr",
        };
        let output = Command::new(program).arg("--version").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        // Chromium says who built it, too.
        let words = said.split(" built on ").next().unwrap_or_default();
        Ok(words.trim().to_owned())
    }

    /// Opens `url` in a new headless browser, Chromium with `trials` (name and group by turns).
    pub(crate) fn open(
        self,
        url: &str,
        addresses: Addresses,
        trials: Option<&str>,
    ) -> io::Result<Running> {
        let profile = TempDir::with_prefix("duologue-browser-")?;
        let mut command = self.command(&profile, addresses)?;
        if let (Browser::Chromium, Some(trials)) = (self, trials) {
            command.arg(format!("--force-fieldtrials={trials}"));
        }
        command.arg(url).stderr(Stdio::null());
        Ok(Running {
            _processes: ProcessGroup::spawn(&mut command)?,
            _profile: profile,
        })
    }

    /// Starts a headless browser that listens for a debugger; gives what it says after `marker`
    /// on its standard error, which is where it listens.
    pub(crate) async fn debuggable(self, marker: &str) -> io::Result<(Running, String)> {
        let profile = TempDir::with_prefix("duologue-browser-")?;
        let mut command = self.command(&profile, Addresses::Shown)?;
        command.arg("--remote-debugging-port=0").arg("about:blank");
        command.stderr(Stdio::piped());
        let mut processes = ProcessGroup::spawn(&mut command)?;
        let said = said_after(marker, processes.0.stderr.take()).await?;
        let running = Running {
            _processes: processes,
            _profile: profile,
        };
        Ok((running, said))
    }

    fn command(self, profile: &TempDir, addresses: Addresses) -> io::Result<Command> {
        let mut command = match self {
            Browser::Chromium => chromium(profile.path(), addresses),
            Browser::Firefox => firefox(profile.path(), addresses)?,
        };
        // What they leave behind goes with the profile.
        command
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(command)
    }
}

impl ProcessGroup {
    fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(ProcessGroup)
    }

    /// Chromium's translator between WebDriver and its own protocol; with the port it listens at.
    pub(crate) async fn chromedriver() -> io::Result<(Self, u16)> {
        let mut command = Command::new("chromedriver");
        command.args(["--port=0"]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(Stdio::piped());
        let mut processes = ProcessGroup::spawn(&mut command)?;
        let said = said_after("started successfully on port ", processes.0.stdout.take()).await?;
        let port = said.trim_end_matches('.').parse();
        Ok((processes, port.map_err(io::Error::other)?))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.0.id().cast_signed()) {
            // An error means that the whole group has ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// The rest of the line in which `marker` appears. All that follows is read too: a process whose
/// output nobody reads stops.
async fn said_after(
    marker: &str,
    output: Option<impl Read + Send + 'static>,
) -> io::Result<String> {
    let output = output.ok_or_else(|| io::Error::other("no output"))?;
    let marker = marker.to_owned();
    let (sender, said) = oneshot::channel();
    std::thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(&marker)
                && let Some(sender) = sender.take()
            {
                // The test may have given up.
                let _ = sender.send(rest.trim().to_owned());
            }
        }
    });
    said.await
        .map_err(|_| io::Error::other("it ended without saying where it listens"))
}

fn chromium(profile: &Path, addresses: Addresses) -> Command {
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
        "--autoplay-policy=no-user-gesture-required",
        "--allow-loopback-in-peer-connection",
        // The demo makes its own.
        "--ignore-certificate-errors",
    ]);
    match addresses {
        Addresses::Shown => command.args([
            "--use-fake-ui-for-media-stream",
            "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints",
        ]),
        // A page that may use the camera is told the addresses, and the fake dialogue says yes.
        Addresses::Hidden => command.arg("--disable-features=MediaRouter,OptimizationHints"),
    };
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
}

fn firefox(profile: &Path, addresses: Addresses) -> io::Result<Command> {
    let hide = match addresses {
        Addresses::Shown => "false",
        Addresses::Hidden => "true",
    };
    let prefs: String = FIREFOX_PREFS
        .iter()
        .chain(&[("media.peerconnection.ice.obfuscate_host_addresses", hide)])
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

/// Loopback candidates, no traffic of the browser's own, no throttling.
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
    ("media.autoplay.blocking_policy", "0"),
    ("media.autoplay.default", "0"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("media.gmp-manager.url", "\"\""),
    ("media.navigator.permission.disabled", "true"),
    ("media.navigator.streams.fake", "true"),
    ("media.peerconnection.ice.loopback", "true"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("network.prefetch-next", "false"),
    ("services.settings.server", "\"data:,#dummy\""),
    ("toolkit.telemetry.reportingpolicy.firstRun", "false"),
    ("toolkit.telemetry.server", "\"\""),
];
