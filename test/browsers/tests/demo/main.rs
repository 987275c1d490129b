//! The demo's page, used as a visitor does, in each browser of the system. What arrives is judged
//! at the far end: by what the Rust end says, and by what comes back from it.
#![expect(clippy::print_stdout, reason = "shown with --nocapture")]

mod clients;

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use duologue::MediaKind;
use duologue::files::FileReader;
use duologue_browsers::{Browser, Page};
use duologue_cli::demo::{Demo, Happening, Options};
use tempfile::NamedTempFile;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

#[tokio::test]
async fn a_visitor_with_chromium_sees_everything_work() {
    visit(Browser::Chromium).await;
}

#[tokio::test]
async fn a_visitor_with_firefox_sees_everything_work() {
    visit(Browser::Firefox).await;
}

#[tokio::test]
async fn candidates_wait_for_a_description_that_is_late_and_checksums_need_no_https() {
    let mut visitor = Visitor::arrive(Browser::Chromium, "127.0.0.1:0")
        .await
        .expect("arrives");
    for script in [LATE, BARE] {
        visitor.page.before_scripts(script).await.expect("is taken");
    }
    visitor.go_through(Step::Connect).await.expect("connects");
    // The Rust end took every one.
    let answers = visitor.page.value("window.answers").await;
    let answers = answers.expect("the page counts them");
    let answers = answers.as_array().expect("a list");
    assert!(!answers.is_empty());
    assert!(answers.iter().all(|status| status == 204), "{answers:?}");
    let bare = visitor.page.value("crypto.subtle === undefined").await;
    assert_eq!(bare, Ok(true.into()));
    for step in [Step::ChosenFile, Step::Noise] {
        visitor.go_through(step).await.expect("comes back");
    }
}

/// Holds the page's description back until all its candidates had their chance to overtake it, and
/// keeps what the Rust end says to each.
const LATE: &str = "() => {
    const { fetch } = window;
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    let flying = 0;
    window.answers = [];
    window.fetch = async (path, request) => {
        if (path.endsWith('/description')) {
            while (!document.querySelector('#log').textContent.includes('icecandidateend')) await turn();
            do await turn(); while (flying);
        }
        if (!path.endsWith('/candidate')) return fetch(path, request);
        flying++;
        const response = await fetch(path, request).finally(() => flying--);
        window.answers.push(response.status);
        return response;
    };
}";

/// What browsers take from pages of plain http.
const BARE: &str =
    "() => Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })";

#[tokio::test]
async fn a_visitor_from_elsewhere_is_served_https_and_all_works() {
    let visitor = Visitor::arrive(Browser::Chromium, "0.0.0.0:0").await;
    let mut visitor = visitor.expect("arrives");
    assert!(visitor.url.starts_with("https://"), "{}", visitor.url);
    for step in [Step::Connect, Step::ChosenFile, Step::IceRestart] {
        visitor.go_through(step).await.expect("works");
    }
}

#[tokio::test]
async fn on_a_telephone_every_pair_is_seen_whole() {
    let visitor = Visitor::arrive(Browser::Chromium, "127.0.0.1:0").await;
    let mut visitor = visitor.expect("arrives");
    visitor.page.resize(420, 800).await.expect("is narrow");
    visitor.go_through(Step::Connect).await.expect("connects");
    let pairs = visitor
        .page
        .until("document.querySelectorAll('.pairs td').length");
    pairs.await.expect("there are some");
    let cut = visitor.page.value(CUT).await;
    assert_eq!(cut, Ok(serde_json::json!([])));
}

/// The cells of pairs that reach over the edge of the page or show less than they hold; the page, if
/// it is wider than its window.
const CUT: &str = "[...document.querySelectorAll('.pairs td')]
    .filter((cell) => cell.getBoundingClientRect().right > innerWidth || cell.scrollWidth > cell.clientWidth + 1)
    .map((cell) => cell.textContent)
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])";

async fn visit(browser: Browser) {
    let visitor = Visitor::arrive(browser, "127.0.0.1:0").await;
    let mut visitor = visitor.expect("arrives");
    for step in Step::ALL {
        let began = Instant::now();
        let outcome = visitor.go_through(step).await;
        println!("{browser:?}: {step:?} {:?}", began.elapsed());
        if let Err(error) = outcome {
            let log = visitor.page.text("#log").await;
            let streams = visitor.page.text("#streams").await;
            panic!("{browser:?}, {step:?}: {error}\nevents: {log:?}\nstreams: {streams:?}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect,
    Chat,
    ChosenFile,
    Noise,
    Meter,
    Media,
    IceRestart,
    Reload,
    HangUp,
    Reconnect,
    ServerEnds,
}

impl Step {
    const ALL: [Step; 11] = [
        Step::Connect,
        Step::Chat,
        Step::ChosenFile,
        Step::Noise,
        Step::Meter,
        Step::Media,
        Step::IceRestart,
        Step::Reload,
        Step::HangUp,
        Step::Reconnect,
        Step::ServerEnds,
    ];
}

struct Visitor {
    page: Page,
    url: String,
    happenings: mpsc::UnboundedReceiver<Happening>,
    end: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

type Outcome = Result<(), String>;

impl Visitor {
    async fn arrive(browser: Browser, listen: &str) -> Result<Visitor, String> {
        let (sender, happenings) = mpsc::unbounded_channel();
        let tell = move |happening| {
            // The test may be over.
            let _ = sender.send(happening);
        };
        let listen = listen.parse().expect("an address");
        let demo = Demo::bind(listen, Options::default(), Arc::new(tell)).await;
        let demo = demo.map_err(|e| e.to_string())?;
        let url = demo.url().to_owned();
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(demo.serve(async {
            // A test that fails drops its end, which ends the server as well.
            let _ = ended.await;
        }));
        Ok(Visitor {
            page: Page::start(browser).await?,
            url,
            happenings,
            end: Some(end),
            serving,
        })
    }

    async fn go_through(&mut self, step: Step) -> Outcome {
        match step {
            Step::Connect => self.connect().await,
            Step::Chat => self.chat().await,
            Step::ChosenFile => self.send_a_chosen_file().await,
            Step::Noise => self.send_noise().await,
            Step::Meter => self.measure().await,
            Step::Media => self.see_and_hear().await,
            Step::IceRestart => self.restart_ice().await,
            Step::Reload => self.reload().await,
            Step::HangUp => self.hang_up().await,
            Step::Reconnect => self.reconnect().await,
            Step::ServerEnds => self.end_server().await,
        }
    }

    async fn connect(&mut self) -> Outcome {
        self.page.open(&self.url).await?;
        self.connected(1).await
    }

    /// Both ends of a call show and say that they are connected.
    async fn connected(&mut self, call: u64) -> Outcome {
        self.rust_end(&Happening::ConnectionStateChange {
            call,
            state: "connected",
        })
        .await?;
        let cell = |end| {
            format!(
                "[...$('#states').rows].find((r) => r.cells[0].textContent === 'connectionState')?.cells[{end}].textContent === 'connected'"
            )
        };
        for end in [1, 2] {
            self.page.until(&cell(end)).await?;
        }
        self.page.until("text('#link') === 'connected'").await?;
        self.page.until("/^\\d+ ms$/.test(text('#setup'))").await?;
        self.path_is_shown().await?;
        self.page
            .until("text('#chat').includes('Hello from Rust')")
            .await?;
        Ok(())
    }

    /// The ICE panel knows the selected pair at both ends, and it is the same one.
    async fn path_is_shown(&mut self) -> Outcome {
        let port = "((e) => e?.textContent.match(/:(\\d+)$/)?.[1])";
        let pair = |end: &str, at: usize| {
            let pairs = format!("#ice [data-end={end}] .pairs");
            format!("{port}($('{pairs} .selected .two')?.children[{at}])")
        };
        let [local, remote] = [0, 1].map(|at| pair("here", at));
        let [ours, theirs] = [0, 1].map(|at| pair("there", at));
        let same = format!("{local} && {local} === {theirs} && {remote} === {ours}");
        self.page.until(&same).await?;
        self.page.until("/\\d ms/.test(text('#rtt'))").await?;
        Ok(())
    }

    async fn chat(&mut self) -> Outcome {
        self.say("grüß dich", "2 words; backwards: hcid ßürg")
            .await?;
        self.say("/shout übung 世界", "ÜBUNG 世界").await?;
        self.say("/count", "3 messages, 30 characters").await
    }

    /// Types a line; the Rust end's answer shows that it got it.
    async fn say(&mut self, line: &str, answer: &str) -> Outcome {
        self.page.type_into("#text", &format!("{line}\n")).await?;
        let last = "[...$('#chat').children].slice(-2).map((li) => [li.className, li.textContent])";
        let wanted = serde_json::json!([["mine", line], ["", answer]]);
        let seen = format!("JSON.stringify({last}) === {:?}", wanted.to_string());
        match self.page.until(&seen).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{error}; chat: {}", self.page.value(last).await?)),
        }
    }

    async fn send_a_chosen_file(&mut self) -> Outcome {
        // Not a multiple of any chunk, and larger than the page's high-water mark.
        let data: Vec<u8> = (0..3_000_017u32)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        let mut file = NamedTempFile::new().map_err(|e| e.to_string())?;
        file.write_all(&data).map_err(|e| e.to_string())?;
        self.page.choose_file("#pick", file.path()).await?;
        let sum = hexadecimal(digest(&SHA256, &data).as_ref());
        self.file_came_back(data.len(), Some(&sum)).await
    }

    async fn send_noise(&mut self) -> Outcome {
        self.page.click("#sample").await?;
        self.page.until("text('#verdict') === ''").await?;
        self.file_came_back(16 * 1024 * 1024, None).await
    }

    /// The Rust end computed this sum of its own bytes, and so did the page of what came back.
    async fn file_came_back(&mut self, size: usize, sum: Option<&str>) -> Outcome {
        self.page
            .until("text('#verdict').includes('the same file')")
            .await?;
        let mut sums = Vec::new();
        for id in ["#sum-sent", "#sum-there", "#sum-back"] {
            sums.push(self.page.text(id).await?);
        }
        let sum = sum.unwrap_or(&sums[0]);
        equal(&sums, &vec![sum.to_owned(); 3], "checksums")?;
        for bar in ["up", "down"] {
            let value = self.page.value(&format!("$('#{bar}').value")).await?;
            equal(&value, &serde_json::json!(1), "progress")?;
        }
        self.rust_end(&Happening::File {
            call: 1,
            bytes: size,
            sha256: sum.to_owned(),
        })
        .await
    }

    async fn measure(&mut self) -> Outcome {
        self.page.until("parseFloat(text('#ping')) > 0").await?;
        for button in ["#meter-up", "#meter-down"] {
            let before = self.page.value(PLOT).await?;
            self.page.click(button).await?;
            self.page.until("parseFloat(text('#rate')) > 1").await?;
            self.page.until(&format!("{PLOT} !== {before}")).await?;
            self.page.click("#meter-stop").await?;
            self.page.until("parseFloat(text('#rate')) === 0").await?;
        }
        Ok(())
    }

    /// The test picture comes back and says how long it was away, and the Rust end decodes it; its own
    /// picture takes the place of it for a while. The camera takes over without a negotiation, then three
    /// layers do; sound joins in.
    async fn see_and_hear(&mut self) -> Outcome {
        self.page.click("#pattern").await?;
        let away = "/^\\d+ ms there and back$/.test(text('#way'))";
        self.page.until(away).await?;
        self.counters_go_both_ways().await?;
        self.page.until(away).await?;
        self.page.click("#camera").await?;
        let before = self.page.value(&stream("picture", "packets")).await?;
        self.page
            .until(&more("picture", "packets", &before, 30))
            .await?;
        let sound = serde_json::json!([0, 0, 0]);
        self.page.click("#microphone").await?;
        self.page
            .until(&more("sound", "packets", &sound, 50))
            .await?;
        // The browser's own microphone beeps.
        self.page.until("$('#level').value > 0.001").await?;
        self.keys_are_heard().await?;
        self.what_came_is_a_file().await?;
        self.page
            .value("$('#layers').value = '3', $('#layers').onchange(), 1")
            .await?;
        // A quarter of the picture's height, then half of it.
        let small = "$('#theirs').videoHeight < $('#mine').videoHeight / 3";
        self.page.until(small).await?;
        self.page.until("!$('#layer').options[1].disabled").await?;
        self.page
            .value("$('#layer').value = 'h', $('#layer').onchange(), 1")
            .await?;
        self.page
            .until("$('#theirs').videoHeight > $('#mine').videoHeight / 3")
            .await
            .map(drop)
    }

    /// The Rust end reads the time in the page's picture, and the page the number in the Rust end's, twice.
    async fn counters_go_both_ways(&mut self) -> Outcome {
        let seen = "/^\\d+ pictures, \\d+ × \\d+, \\d{1,4} ms ago$/.test(text('#seen-text'))";
        self.page.until(seen).await?;
        self.page.until("$('#seen').naturalWidth === 320").await?;
        self.page.click("#test").await?;
        self.page
            .until("/^picture \\d+$/.test(text('#way'))")
            .await?;
        let first = self.page.text("#way").await?;
        let later = format!(
            "/^picture \\d+$/.test(text('#way')) && +text('#way').slice(8) > {}",
            first.trim_start_matches("picture ")
        );
        self.page.until(&later).await?;
        self.page.click("#test").await.map(drop)
    }

    /// The Rust end says which keys it heard, and the page which ones of the Rust end's.
    async fn keys_are_heard(&mut self) -> Outcome {
        for key in ["4", "#"] {
            let press = format!(
                "[...$('#keys').children].find((it) => it.textContent === '{key}').click(), 1"
            );
            self.page.value(&press).await?;
        }
        self.page.until("text('#tones-there') === '4#'").await?;
        // The page hears keys that Rust dials, or says why it cannot: Firefox's Web Audio needs a sound device.
        self.page.click("#dial").await?;
        let heard = "text('#tones-here') === '159#'";
        let deaf = "navigator.userAgent.includes('Firefox') && text('#phone-text').includes('no sound device')";
        self.page
            .until(&format!("{heard} || {deaf}"))
            .await
            .map(drop)
    }

    /// What the Rust end kept is offered, and the browser plays it.
    async fn what_came_is_a_file(&mut self) -> Outcome {
        self.page.click("#record").await?;
        let before = self.page.value(&stream("picture", "packets")).await?;
        self.page
            .until(&more("picture", "packets", &before, 150))
            .await?;
        self.page.click("#record").await?;
        self.page.until("!$('#recording').hidden").await?;
        self.page.value(FETCH).await?;
        self.page.until("window.recorded").await?;
        let bytes = self.page.value("window.recorded").await?;
        let bytes: Vec<u8> = serde_json::from_value(bytes).map_err(|e| e.to_string())?;
        let file = FileReader::new(std::io::Cursor::new(bytes));
        let mut file = file.map_err(|e| e.to_string())?;
        let kinds: Vec<_> = file.tracks().iter().map(|it| it.format.kind()).collect();
        equal(&kinds, &vec![MediaKind::Video, MediaKind::Audio], "tracks")?;
        let mut frames = [0; 2];
        while let Some(frame) = file.next_frame().map_err(|e| e.to_string())? {
            frames[frame.track] += 1;
        }
        match frames.iter().all(|count| *count > 10) {
            true => Ok(()),
            false => Err(format!("frames of the tracks of the recording: {frames:?}")),
        }
    }

    async fn restart_ice(&mut self) -> Outcome {
        let before = self.page.value(GATHERED).await?;
        self.page.click("#restart").await?;
        // Both ends gather anew, with new credentials.
        let more = format!("({GATHERED}).every((n, end) => n > {before}[end])");
        self.page.until(&more).await?;
        self.say("still there?", "2 words; backwards: ?ereht llits")
            .await?;
        let link = self.page.text("#link").await?;
        equal(&link, &"connected".to_owned(), "after the restart")
    }

    async fn reload(&mut self) -> Outcome {
        self.page.reload().await?;
        self.rust_end(&Happening::Closed { call: 1 }).await?;
        self.connected(2).await?;
        self.say("again", "1 word; backwards: niaga").await
    }

    async fn hang_up(&mut self) -> Outcome {
        self.page.click("#hangup").await?;
        self.rust_end(&Happening::Closed { call: 2 }).await?;
        self.page.until("text('#link') === 'closed'").await?;
        self.page
            .until("$('#text').disabled && $('#sample').disabled && $('#meter-up').disabled")
            .await?;
        // Who hung up needs no explanation.
        let notice = self.page.text("#notice").await?;
        equal(&notice, &String::new(), "notice")
    }

    async fn reconnect(&mut self) -> Outcome {
        self.page.click("#call").await?;
        self.connected(3).await?;
        self.say("and once more", "3 words; backwards: erom ecno dna")
            .await
    }

    /// As Ctrl-C does. The page says so, and why it cannot connect any more.
    async fn end_server(&mut self) -> Outcome {
        drop(self.end.take());
        self.rust_end(&Happening::Closed { call: 3 }).await?;
        self.page.until("$('#text').disabled").await?;
        self.page
            .until("text('#notice') === 'The Rust end hung up.'")
            .await?;
        let served = (&mut self.serving).await;
        served.map_err(|e| e.to_string())?;
        self.page.click("#call").await?;
        self.page
            .until("text('#notice').includes('does not answer')")
            .await?;
        Ok(())
    }

    /// Waits until this has happened at the Rust end.
    async fn rust_end(&mut self, wanted: &Happening) -> Outcome {
        let limit = std::time::Duration::from_secs(20);
        let mut seen = Vec::new();
        while let Ok(Some(happening)) = tokio::time::timeout(limit, self.happenings.recv()).await {
            if happening == *wanted {
                return Ok(());
            }
            seen.push(happening);
        }
        Err(format!(
            "the Rust end does not say {wanted:?}; it said {seen:?}"
        ))
    }
}

/// All that the plot shows.
const PLOT: &str = "$('#plot').toDataURL()";

/// Fetches the recording.
const FETCH: &str = "(fetch($('#recording').href).then((it) => it.arrayBuffer()).then((bytes) => {
    window.recorded = [...new Uint8Array(bytes)];
}), 1)";

/// How many candidates of the page the log has, and how many different user name fragments of the
/// Rust end's (Firefox's do not say theirs).
const GATHERED: &str = "(() => {
    const rows = [...$('#log').rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    const of = (end) => rows.filter((row) => row[1] === end && row[3].startsWith('candidate:'));
    const fragments = of('rust').map((row) => /ufrag (\\S+)/.exec(row[3])?.[1]);
    return [of('page').length, new Set(fragments).size];
})()";

fn equal<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T, what: &str) -> Outcome {
    match actual == expected {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, got {actual:?}")),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line of the table of streams: the numbers of what was sent, reached the Rust end and came back.
fn stream(kind: &str, line: &str) -> String {
    format!(
        "((rows) => {{
            const from = rows.findIndex((r) => r.cells[0].textContent === '{kind}');
            const row = rows.slice(from < 0 ? rows.length : from).find((r) => r.cells[0].textContent === '{line}');
            return [1, 2, 3].map((at) => Number(row?.cells[at].textContent) || 0);
        }})([...$('#streams').rows])"
    )
}

/// So many more of it at each place.
fn more(kind: &str, line: &str, before: &serde_json::Value, count: u32) -> String {
    let now = stream(kind, line);
    format!("{now}.every((n, at) => n >= {before}[at] + {count})")
}
