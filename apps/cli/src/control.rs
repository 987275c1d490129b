//! What a running program tells of itself, over a local socket: `--control PATH`, and `duologue stats` that asks.

use std::path::PathBuf;
use std::time::Duration;

use duologue::Endpoint;
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use crate::Failure;

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ControlArgs {
    /// Make a local socket at this path, where `duologue stats --control PATH` asks what happens
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
}

/// `duologue stats`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StatsArgs {
    /// Where the running program was told to make its socket
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// Ask again after so many seconds, until Ctrl-C, and show what came in between
    #[arg(long, value_name = "N", value_parser = crate::seconds)]
    every: Option<Duration>,
    /// Print lines of JSON
    #[arg(long)]
    json: bool,
}

/// A socket that answers until this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    answering: AbortHandle,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.answering.abort();
        // Somebody else may have removed it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The answer: one object of JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Told {
    pid: u32,
    version: String,
    /// By the names and in the order of `docs/metrics.md`.
    metrics: Vec<(String, u64)>,
}

impl Told {
    fn of(endpoint: &Endpoint) -> Self {
        let text = endpoint.metrics().to_string();
        let values = text.lines().filter(|line| !line.starts_with('#'));
        let metrics = values.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Told {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            metrics: metrics.collect(),
        }
    }

    /// Those that are not 0, and how much counters grew since `before`.
    fn lines(&self, before: Option<&Told>, passed: Duration) -> String {
        let mut text = String::new();
        for (name, value) in self.metrics.iter().filter(|(_, value)| *value > 0) {
            let known = before.and_then(|told| told.metrics.iter().find(|(it, _)| it == name));
            let grew = known.filter(|_| name.contains("_total"));
            let rate = grew.map(|(_, before)| {
                let rate = value.saturating_sub(*before) as f64 / passed.as_secs_f64();
                format!("{rate:>14.1}/s")
            });
            let name = name.trim_start_matches("duologue_");
            text += &format!("{name:<52}{value:>16}{}\n", rate.unwrap_or_default());
        }
        text
    }
}

#[cfg(unix)]
mod local {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::Interrupt;

    /// How long the other end may take.
    const PATIENCE: Duration = Duration::from_secs(5);
    /// Bytes of an answer.
    const ANSWER_BYTES: u64 = 1 << 20;

    impl ControlArgs {
        /// The socket, if one is asked for. It is its user's alone.
        ///
        /// # Errors
        /// It cannot be made, or another program answers there.
        pub(crate) fn open(&self, endpoint: &Endpoint) -> Result<Option<Control>, Failure> {
            let Some(path) = self.control.clone() else {
                return Ok(None);
            };
            let listener =
                bind(&path).map_err(|error| format!("--control {}: {error}", path.display()))?;
            let answering = tokio::spawn(answer(listener, endpoint.clone()));
            Ok(Some(Control {
                path,
                answering: answering.abort_handle(),
            }))
        }
    }

    fn bind(path: &Path) -> io::Result<UnixListener> {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::other("another program answers there"));
        }
        // Left by one that was killed. What is no socket stays, and binding fails.
        let is_socket = |kind: std::fs::FileType| {
            use std::os::unix::fs::FileTypeExt;
            kind.is_socket()
        };
        if std::fs::symlink_metadata(path).is_ok_and(|it| is_socket(it.file_type())) {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    async fn answer(listener: UnixListener, endpoint: Endpoint) {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                sleep(PATIENCE).await;
                continue;
            };
            let told = serde_json::to_vec(&Told::of(&endpoint)).unwrap_or_default();
            // One after another: who does not read is not waited for.
            let _ = timeout(PATIENCE, stream.write_all(&told)).await;
        }
    }

    async fn ask(path: &Path) -> Result<Told, Failure> {
        let asking = async {
            let stream = UnixStream::connect(path).await?;
            let mut text = Vec::new();
            stream.take(ANSWER_BYTES).read_to_end(&mut text).await?;
            Ok::<_, io::Error>(text)
        };
        let hint = "is a duologue running with this --control?";
        let text = timeout(PATIENCE, asking)
            .await
            .map_err(|_| format!("{}: no answer; {hint}", path.display()))?
            .map_err(|error| format!("{}: {error}; {hint}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    pub(crate) async fn run(args: StatsArgs) -> Result<(), Failure> {
        let mut before: Option<Told> = None;
        let mut interrupt = Interrupt::new();
        loop {
            let told = tokio::select! {
                told = ask(&args.control) => told?,
                () = interrupt.came(), if args.every.is_some() => return Ok(()),
            };
            match args.json {
                true => println!("{}", serde_json::to_string(&told)?),
                false => {
                    let passed = args.every.unwrap_or_default();
                    println!("process {}, duologue {}", told.pid, told.version);
                    println!("{}", told.lines(before.as_ref(), passed));
                }
            }
            let Some(pause) = args.every else {
                return Ok(());
            };
            before = Some(told);
            tokio::select! {
                () = sleep(pause) => {}
                () = interrupt.came() => return Ok(()),
            }
        }
    }
}

#[cfg(not(unix))]
mod local {
    use super::*;

    const NONE: &str = "local sockets are only where there are Unix ones";

    impl ControlArgs {
        /// # Errors
        /// One is asked for.
        pub(crate) fn open(&self, _endpoint: &Endpoint) -> Result<Option<Control>, Failure> {
            match self.control {
                Some(_) => Err(NONE.into()),
                None => Ok(None),
            }
        }
    }

    pub(crate) async fn run(_args: StatsArgs) -> Result<(), Failure> {
        Err(NONE.into())
    }
}

pub(crate) use local::run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_rates_gauges_have_none_and_what_is_zero_is_not_shown() {
        let told = |packets, connections| Told {
            metrics: vec![
                ("duologue_connections".to_owned(), connections),
                ("duologue_rtp_packets_total".to_owned(), packets),
                ("duologue_ice_failures_total".to_owned(), 0),
            ],
            ..Told::default()
        };
        let text = told(300, 2).lines(Some(&told(100, 5)), Duration::from_secs(2));
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = [
            vec!["connections", "2"],
            vec!["rtp_packets_total", "300", "100.0/s"],
        ];
        assert_eq!(words, expected);
    }
}
