use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Namespace;

/// What a peer is started with.
#[derive(Clone, Debug, Default)]
pub struct PeerOptions {
    /// URLs of STUN and TURN servers; the credentials are [`Coturn`](crate::Coturn)'s.
    pub servers: Vec<String>,
    /// W3C `iceTransportPolicy: "relay"`.
    pub relay_only: bool,
    /// Other options, as `nat-peer` takes them.
    pub flags: Vec<String>,
}

/// Two peers in their namespaces and the signalling between them.
#[derive(Debug)]
pub struct Call {
    /// The offerer and the answerer.
    pub sides: [Side; 2],
    lines: Receiver<(usize, Option<Value>)>,
    begun: Instant,
    /// Signalling goes through.
    pub signals: bool,
}

/// One peer: a process, and what it has told.
#[derive(Debug)]
pub struct Side {
    child: Child,
    input: ChildStdin,
    /// Its `connectionState`s with the time since the offer.
    pub states: Vec<(Duration, String)>,
    /// Types of its selected pairs' candidates, local and remote.
    pub pairs: Vec<(String, String)>,
    /// Messages of its own that came back.
    pub echoes: u64,
    /// All it has told, for the report of a failure.
    pub told: Vec<Value>,
    ended: bool,
}

impl Side {
    fn start(
        at: usize,
        program: &str,
        namespace: &Namespace,
        options: &PeerOptions,
        lines: Sender<(usize, Option<Value>)>,
    ) -> Self {
        let mut command = namespace.command(program);
        command.args(options.servers.iter().map(|url| format!("--server={url}")));
        if options.relay_only {
            command.arg("--relay-only");
        }
        command.args(&options.flags);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("iproute2 is there");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("peers speak JSON");
                if lines.send((at, Some(line))).is_err() {
                    return;
                }
            }
            let _ = lines.send((at, None));
        });
        Side {
            child,
            input,
            states: Vec::new(),
            pairs: Vec::new(),
            echoes: 0,
            told: Vec::new(),
            ended: false,
        }
    }

    /// Its last `connectionState`.
    pub fn state(&self) -> &str {
        self.states.last().map_or("new", |(_, state)| state)
    }

    /// When it came into this state first.
    pub fn when(&self, wanted: &str) -> Option<Duration> {
        let mut states = self.states.iter();
        states.find(|(_, state)| state == wanted).map(|(at, _)| *at)
    }

    /// Says something to it.
    pub fn tell(&mut self, line: &Value) {
        // One that ended tells so itself.
        let _ = writeln!(self.input, "{line}");
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Call {
    /// Starts `program`, which is `nat-peer`, in each namespace; the first one offers.
    pub fn start(program: &str, ends: [(&Namespace, &PeerOptions); 2]) -> Self {
        let (sender, lines) = channel();
        let mut at = 0;
        let sides = ends.map(|(namespace, options)| {
            at += 1;
            Side::start(at - 1, program, namespace, options, sender.clone())
        });
        let mut call = Call {
            sides,
            lines,
            begun: Instant::now(),
            signals: true,
        };
        call.sides[0].tell(&json!({ "offer": {} }));
        call
    }

    /// Carries the signalling until `done`, at most for `limit`; whether it came to that.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&[Side; 2]) -> bool) -> bool {
        let end = Instant::now() + limit;
        while !done(&self.sides) {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, Some(line))) => self.handle(at, line),
                Ok((at, None)) => self.sides[at].ended = true,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
            assert!(
                self.sides.iter().all(|side| !side.ended),
                "a peer ended by itself: {self:#?}"
            );
        }
        true
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Both are connected and data of the first one comes back.
    pub fn connects(&mut self, limit: Duration) -> bool {
        self.run_until(limit, |sides| {
            sides.iter().all(|side| side.state() == "connected") && sides[0].echoes > 0
        })
    }

    /// Some more data of the first one comes back.
    pub fn data_flows(&mut self, limit: Duration) -> bool {
        // What is on its way does not count.
        self.run_for(Duration::from_millis(50));
        let before = self.sides[0].echoes;
        self.run_until(limit, |sides| sides[0].echoes >= before + 20)
    }

    /// How long it took until both were connected.
    pub fn time_to_connect(&self) -> Option<Duration> {
        let times = self.sides.each_ref().map(|side| side.when("connected"));
        times[0].max(times[1])
    }

    fn handle(&mut self, at: usize, line: Value) {
        if line["description"].is_object() || line["candidate"].is_object() {
            if self.signals {
                self.sides[1 - at].tell(&line);
            }
            self.sides[at].told.push(line);
            return;
        }
        let elapsed = self.begun.elapsed();
        let side = &mut self.sides[at];
        if let Some(state) = line["state"].as_str() {
            side.states.push((elapsed, state.to_owned()));
        }
        if let [Some(local), Some(remote)] = [&line["local"], &line["remote"]].map(Value::as_str) {
            side.pairs.push((local.to_owned(), remote.to_owned()));
        }
        match line["echoes"].as_u64() {
            Some(echoes) => side.echoes = echoes,
            None => side.told.push(line),
        }
    }
}
