//! A server in this process, and a client of it that knows nothing but HTTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use duologue::{
    BundlePolicy, Configuration, Endpoint, Event, Events, MediaKind, MediaStreamId, PeerConnection,
    PeerConnectionState, SdpType, SessionDescription, TransceiverDirection, TransceiverInit,
};
use duologue_cli::whip::serve::{Happening, Options, Serving, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const SDP: (&str, &str) = ("Content-Type", "application/sdp");
pub(crate) const FRAGMENT: (&str, &str) = ("Content-Type", "application/trickle-ice-sdpfrag");

/// Pictures of VP8 and sound of Opus.
pub(crate) fn file() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../media/files/tests/data/both.webm"
    ))
}

pub(crate) fn for_publishers() -> Options {
    Options::new(Source::Publishers { record: None })
}

pub(crate) struct Served {
    pub(crate) authority: String,
    told: mpsc::UnboundedReceiver<Happening>,
    _end: oneshot::Sender<()>,
}

impl Served {
    pub(crate) async fn start(options: Options) -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let tell = Arc::new(move |happening| drop(sender.send(happening)));
        let listen = "127.0.0.1:0".parse().expect("an address");
        let serving = Serving::bind(listen, options, tell)
            .await
            .expect("it listens");
        let authority = serving.authority().to_owned();
        let (end, ended) = oneshot::channel::<()>();
        tokio::spawn(serving.serve(async {
            let _ = ended.await;
        }));
        Served {
            authority,
            told,
            _end: end,
        }
    }

    /// One request, one connection, one answer.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        ask(&self.authority, method, path, headers, body).await
    }

    /// Until somebody in this role is gone.
    pub(crate) async fn ended(&mut self, role: &str) {
        let is =
            |it: &Happening| matches!(it, Happening::Ended { role: ended, .. } if *ended == role);
        let waiting = async { while !is(&self.told.recv().await.expect("it serves")) {} };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it ends");
    }

    pub(crate) async fn post(&self, path: &str, offer: &str) -> Answer {
        self.ask("POST", path, &[SDP], offer).await
    }
}

/// One request, one connection, one answer, of whichever server is there.
pub(crate) async fn ask(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Answer {
    let asking = asked(authority, method, path, headers, body.as_ref());
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("it answers")
}

async fn asked(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(authority).await.expect("it listens");
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += &format!("Host: {}\r\n", authority);
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n", body.len());
    stream
        .write_all(&[request.as_bytes(), body].concat())
        .await
        .expect("it reads");
    let mut text = String::new();
    // A server that refuses a body may close while it is written.
    let _ = stream.read_to_string(&mut text).await;
    Answer::parse(&text)
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let of_name = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The session that was made.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 201, "{self:?}");
        self.header("Location").expect("a session")
    }
}

pub(crate) struct Client {
    pub(crate) pc: PeerConnection,
    pub(crate) events: Events,
    pub(crate) offer: String,
}

impl Client {
    pub(crate) async fn publisher() -> Self {
        Self::new(
            &[MediaKind::Audio, MediaKind::Video],
            TransceiverDirection::Sendonly,
        )
        .await
    }

    pub(crate) async fn viewer() -> Self {
        Self::new(
            &[MediaKind::Audio, MediaKind::Video],
            TransceiverDirection::Recvonly,
        )
        .await
    }

    /// With its offer set and not answered.
    pub(crate) async fn new(kinds: &[MediaKind], direction: TransceiverDirection) -> Self {
        let endpoint = Endpoint::builder()
            .loopback(true)
            .build()
            .expect("an endpoint");
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..Configuration::default()
        };
        let (pc, mut events) = endpoint.connection(configuration).expect("a connection");
        for kind in kinds {
            let init = TransceiverInit {
                direction,
                streams: vec![MediaStreamId::from("stream")],
                ..TransceiverInit::default()
            };
            pc.add_transceiver(*kind, init).expect("a transceiver");
        }
        pc.set_local_description(None).await.expect("an offer");
        gathered(&mut events).await;
        let offer = pc.local_description().expect("an offer").sdp;
        Client { pc, events, offer }
    }

    pub(crate) async fn take(&self, answer: &str) {
        let (sdp_type, sdp) = (SdpType::Answer, answer.to_owned());
        let taken = self
            .pc
            .set_remote_description(SessionDescription { sdp_type, sdp })
            .await;
        taken.expect("it fits");
    }

    pub(crate) async fn connected(&mut self) {
        self.wait(|event| {
            matches!(
                event,
                Event::ConnectionStateChange(PeerConnectionState::Connected)
            )
        })
        .await;
    }

    /// Reads events until one is what is looked for.
    pub(crate) async fn wait(&mut self, is: impl Fn(&Event) -> bool) {
        let waiting = async { while !is(&self.events.recv().await.expect("it is open")) {} };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it happens");
    }
}

pub(crate) async fn gathered(events: &mut Events) {
    let gathering =
        async { while !matches!(events.recv().await, Some(Event::IceCandidate(None))) {} };
    tokio::time::timeout(PATIENCE, gathering)
        .await
        .expect("it gathers");
}

/// Lines of a description that say something of ICE.
pub(crate) fn line<'d>(description: &'d str, name: &str) -> &'d str {
    let mut lines = description.lines();
    lines
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("no {name} in {description}"))
}

/// A fragment of a description's first m-section: all that it says of ICE.
pub(crate) fn fragment(description: &str) -> String {
    let mut text = format!(
        "{}\r\n{}\r\n",
        line(description, "m="),
        line(description, "a=mid:")
    );
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        text += &format!("{}\r\n", line(description, name));
    }
    let candidates = description
        .lines()
        .filter(|line| line.starts_with("a=candidate:"));
    for candidate in candidates {
        text += &format!("{candidate}\r\n");
    }
    text
}
