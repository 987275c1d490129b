//! The order of a run: warm-up, a crowd, rounds of troubles beside it, and what is left at the end.

use std::sync::Arc;
use std::time::Duration;

use cpu_time::ProcessTime;
use duologue::Endpoint;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::crowd::{Crowd, longest_life};
use crate::gauge::{Gauge, descriptors, tasks};
use crate::limits::{CALM, LEAVING_MAX, RECOVERY, WARM_UP};
use crate::log::Heard;
use crate::peer::endpoint;
use crate::report::{Report, Row};
use crate::tally::Tally;
use crate::trouble::{self, Seen};
use crate::{ALLOCATOR, Outcome};

/// Runs at least so long, with so many pairs at a time.
pub(crate) async fn run(lasts: Duration, pairs: usize) -> Outcome {
    let cpu = ProcessTime::now();
    let begin = Instant::now();
    let (heard, tally) = (Heard::begin(), Arc::new(Tally::default()));
    // Half of the ends share a port, as on a server; each of the others has its own.
    let ends = [endpoint(false)?, endpoint(true)?];
    let show = Show::begin(lasts);

    show.phase("warm-up");
    let crowd = Crowd::gather(ends.clone(), pairs, tally.clone());
    sleep(WARM_UP).await;
    disperse(crowd).await?;
    let empty = Left::now();

    let gauge = Gauge::start(tally.clone());
    let crowd = Crowd::gather(ends.clone(), pairs, tally.clone());
    sleep(WARM_UP).await;
    let mut seen = Vec::new();
    loop {
        seen.extend(round(&ends, &show, &heard, &tally, &gauge).await);
        calm(&show, &gauge, CALM).await;
        if begin.elapsed() >= lasts {
            break;
        }
    }
    disperse(crowd).await?;
    let samples = gauge.samples();
    drop(gauge);
    let left = empty.wait().await;
    show.end();

    let mut report = Report::default();
    report.add_trends(&samples);
    report.add(empty.row(&left));
    report.add(failures(&tally));
    seen.iter().for_each(|seen| report.add_trouble(seen));
    println!("{report}");
    println!(
        "soak: seconds={:.0} pairs={} messages={} packets={} troubles={} failed={} cpu={:.0}",
        begin.elapsed().as_secs_f64(),
        Tally::read(&tally.pairs),
        Tally::read(&tally.messages),
        Tally::read(&tally.packets),
        seen.len(),
        report.failed(),
        cpu.elapsed().as_secs_f64(),
    );
    match report.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} of what has to hold does not")),
    }
}

/// One round of all troubles, in calm before and between.
async fn round(
    ends: &[Endpoint; 2],
    show: &Show,
    heard: &Heard,
    tally: &Arc<Tally>,
    gauge: &Gauge,
) -> Vec<Seen> {
    calm(show, gauge, CALM).await;
    show.phase("other processes are killed, stopped and starved, disks are full");
    let mut seen = trouble::elsewhere(heard.clone()).await;
    sleep(RECOVERY).await;
    calm(show, gauge, CALM).await;
    let begins = |trouble: &str| show.phase(trouble);
    seen.extend(trouble::of_sockets(ends, heard, tally, begins).await);
    seen
}

/// Samples count for so long.
async fn calm(show: &Show, gauge: &Gauge, lasts: Duration) {
    show.phase("calm");
    gauge.set_calm(true);
    let mut seconds = interval(Duration::from_secs(1));
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        seconds.tick().await;
        if let Some(last) = gauge.last() {
            show.phase(&format!(
                "calm, {:.0} MiB, {:.1} ms",
                last.counted / 1_048_576.0,
                last.median
            ));
        }
    }
    gauge.set_calm(false);
}

async fn disperse(crowd: Crowd) -> Outcome {
    let gone = timeout(longest_life(), crowd.disperse()).await;
    gone.map_err(|_| "pairs do not end".to_owned())?
}

fn failures(tally: &Tally) -> Row {
    let failures = tally.failures();
    let words = failures
        .iter()
        .map(|(why, count)| format!("{count} × {why}"));
    let words: Vec<String> = words.collect();
    Row {
        what: format!("{} pairs", Tally::read(&tally.pairs)),
        rule: "each connects, loses nothing that is reliable, and ends when it wants to".to_owned(),
        seen: match words.is_empty() {
            true => format!(
                "{} messages back, {} packets of media, {} times disconnected",
                Tally::read(&tally.messages),
                Tally::read(&tally.packets),
                Tally::read(&tally.disconnected)
            ),
            false => words.join("; "),
        },
        holds: failures.is_empty(),
    }
}

/// What there is while there is no connection.
struct Left {
    descriptors: usize,
    tasks: usize,
    counted: usize,
}

/// What a table or a log may have grown by meanwhile.
const GROWTH: usize = 2 << 20;

impl Left {
    fn now() -> Self {
        Left {
            descriptors: descriptors(),
            tasks: tasks(),
            counted: ALLOCATOR.live_bytes(),
        }
    }

    /// As much as before, or what is left when nothing more goes.
    async fn wait(&self) -> Self {
        let until = Instant::now() + LEAVING_MAX;
        loop {
            let now = Left::now();
            if self.allows(&now) || Instant::now() > until {
                return now;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn allows(&self, now: &Left) -> bool {
        now.descriptors <= self.descriptors
            && now.tasks <= self.tasks
            && now.counted <= self.counted + GROWTH
    }

    fn row(&self, now: &Left) -> Row {
        let kib = |bytes: usize| bytes / 1024;
        Row {
            what: "what connections leave behind".to_owned(),
            rule: "as many descriptors and tasks as before the crowd, at most 2 MiB more memory"
                .to_owned(),
            seen: format!(
                "{} to {} descriptors, {} to {} tasks, {} to {} KiB",
                self.descriptors,
                now.descriptors,
                self.tasks,
                now.tasks,
                kib(self.counted),
                kib(now.counted)
            ),
            holds: self.allows(now),
        }
    }
}

/// The line in the terminal that says how far it is.
struct Show(ProgressBar);

/// How often it is drawn.
const DRAWN: Duration = Duration::from_millis(250);

impl Show {
    fn begin(lasts: Duration) -> Self {
        let bar = ProgressBar::new(lasts.as_secs());
        let style = "{elapsed_precise} {bar:30.cyan/dim} {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let shown = bar.clone();
        tokio::spawn(async move {
            let mut ticks = interval(DRAWN);
            while !shown.is_finished() {
                ticks.tick().await;
                // What goes on after the time that was asked for is at its end.
                shown.set_position(shown.elapsed().min(lasts).as_secs());
            }
        });
        Show(bar)
    }

    fn phase(&self, words: &str) {
        self.0.set_message(words.to_owned());
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
