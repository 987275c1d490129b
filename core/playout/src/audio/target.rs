use std::time::Duration;

use duologue_base::Instant;

use super::histogram::Histogram;
use crate::limits::TARGET;

/// How long sound should be held back, so that nearly all packets are there when they are due.
#[derive(Debug)]
pub(crate) struct Target {
    /// Of half a second each: the most that a packet came late. A quantile of all packets would let
    /// through what hurts.
    latest: Histogram,
    half_second: Option<(Instant, Duration)>,
    /// Of packets that came behind later ones, or whose content came again with later ones.
    overtaken: Histogram,
    /// Of what was played lately: the share that was made up for something lost.
    made_up: f32,
    aim: Duration,
    /// `jitterBufferTarget`, and what lip sync asks for.
    least: [Duration; 2],
}

/// How a packet came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// Behind the one before it.
    InOrder,
    /// After later ones, or by a repair.
    Overtaken,
}

impl Target {
    pub(crate) fn new() -> Self {
        Target {
            latest: Histogram::new(400, Duration::from_millis(5), LATEST_KEEPS),
            half_second: None,
            overtaken: Histogram::new(100, Duration::from_millis(10), OVERTAKEN_KEEPS),
            made_up: 0.0,
            aim: START,
            least: [Duration::ZERO; 2],
        }
    }

    /// A packet came so much later than the fastest.
    pub(crate) fn handle(&mut self, arrival: Instant, later: Duration, order: Order) {
        if order == Order::Overtaken {
            self.overtaken.add(later);
            self.update();
            return;
        }
        self.overtaken.add(Duration::ZERO);
        let (begun, latest) = self.half_second.unwrap_or((arrival, later));
        let latest = latest.max(later);
        if arrival - begun < HALF_SECOND {
            self.half_second = Some((begun, latest));
            return;
        }
        self.half_second = None;
        self.latest.add(latest);
        self.update();
    }

    /// Ten milliseconds were played, made up for something lost or not.
    pub(crate) fn handle_played(&mut self, made_up: bool) {
        let share = f32::from(u8::from(made_up));
        self.made_up += (share - self.made_up) * MADE_UP_FOLLOWS;
    }

    /// What more than the aim is worth holding sound back for where sound is lost for good: so much of what is made
    /// up for a gap can be left out, as what comes after it is there. None where a conversation suffers from how long
    /// it is.
    pub(crate) fn reserve(&self) -> Duration {
        let worth = Duration::from_secs_f32(self.made_up * MS_FOR_ALL * SHORTENED / 1e3);
        let bearable = CONVERSATION.saturating_sub(self.get());
        let beside = self
            .aim
            .saturating_sub(NEXT_TO_NONE)
            .mul_f32(RESERVE_OF_AIM);
        worth.min(beside).min(RESERVE).min(bearable)
    }

    /// What is aimed at by what the network does.
    pub(crate) fn of_network(&self) -> Duration {
        self.aim
    }

    /// What is aimed at.
    pub(crate) fn get(&self) -> Duration {
        self.without_sync().max(self.least[1]).min(*TARGET.end())
    }

    /// What would be aimed at without lip sync.
    pub(crate) fn without_sync(&self) -> Duration {
        self.aim.max(self.least[0]).min(*TARGET.end())
    }

    pub(crate) fn set_user(&mut self, least: Duration) {
        self.least[0] = least;
    }

    pub(crate) fn set_sync(&mut self, least: Duration) {
        self.least[1] = least;
    }

    fn update(&mut self) {
        if self.latest.is_empty() {
            return;
        }
        let base = self.latest.quantile(QUANTILE);
        let aim = base.max(self.for_overtaken(base));
        self.aim = aim.clamp(*TARGET.start(), *TARGET.end());
    }

    /// What is worth waiting for packets that others overtook: a longer delay has its price as much as
    /// a packet without which one has to do.
    fn for_overtaken(&self, base: Duration) -> Duration {
        let cost = |(edge, lost): (Duration, f32)| {
            let delay = edge.saturating_sub(base).as_secs_f32() * 1e3;
            (edge, delay + MS_FOR_ALL * lost)
        };
        let cheapest = self.overtaken.beyond().map(cost);
        let cheapest = cheapest.min_by(|(_, a), (_, b)| a.total_cmp(b));
        cheapest.map_or(base, |(edge, _)| edge)
    }
}

/// Before anything is known.
const START: Duration = Duration::from_millis(80);
const HALF_SECOND: Duration = Duration::from_millis(500);
const QUANTILE: f32 = 0.95;
const LATEST_KEEPS: f32 = 0.983;
const OVERTAKEN_KEEPS: f32 = 0.9993;
/// One percent of the packets is worth 20 ms.
const MS_FOR_ALL: f32 = 2_000.0;
/// Of the difference, each ten milliseconds: about ten seconds are looked back on.
const MADE_UP_FOLLOWS: f32 = 0.001;
/// Of what is made up: what a reserve spares of it, about.
const SHORTENED: f32 = 0.25;
/// The end of a gap that can be left out, and what was late beside it.
const RESERVE: Duration = Duration::from_millis(24);
/// Where the network holds sound back for hardly any time, neither does a reserve, which takes the period of a voice,
/// ten milliseconds, to be of use.
const NEXT_TO_NONE: Duration = Duration::from_millis(20);
const RESERVE_OF_AIM: f32 = 0.8;
/// A way from mouth to ear that hardly anybody minds (ITU-T G.114 §3).
const CONVERSATION: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The aim after a minute of packets.
    fn after(mut packet: impl FnMut(u64) -> (u64, Order)) -> Duration {
        let mut target = Target::new();
        assert_eq!(target.get(), ms(80));
        for n in 0..3_000 {
            let (later, order) = packet(n);
            target.handle(Instant::ZERO + ms(20 * n), ms(later), order);
        }
        target.get()
    }

    #[test]
    fn it_follows_what_is_late_in_most_half_seconds() {
        assert_eq!(after(|_| (0, Order::InOrder)), ms(18));
        let late = |n| (if n % 20 == 0 { 98 } else { 3 }, Order::InOrder);
        assert_eq!(after(late), ms(100));
        // Once in ten seconds is too seldom to wait for all the time.
        let seldom = |n| (if n % 1_000 == 0 { 98 } else { 3 }, Order::InOrder);
        assert_eq!(after(seldom), ms(18));
    }

    #[test]
    fn repairs_are_waited_for_where_they_are_many() {
        let every = |nth| {
            move |n| match n % nth {
                0 => (45, Order::Overtaken),
                _ => (3, Order::InOrder),
            }
        };
        assert_eq!(after(every(20)), ms(50));
        assert_eq!(after(every(200)), ms(18));
    }

    #[test]
    fn where_sound_is_lost_for_good_some_more_is_held_back() {
        let reserve = |nth: u32, least| {
            let mut target = Target::new();
            target.aim = least;
            (0..6_000).for_each(|n| target.handle_played(n % nth == 0));
            target.reserve()
        };
        assert_eq!(reserve(20, ms(50)), ms(24));
        // Of a delay that is short it would be most.
        assert_eq!(reserve(20, ms(20)), ms(0));
        let (seldom, never) = (reserve(200, ms(50)), reserve(u32::MAX, ms(50)));
        assert!((ms(2)..ms(3)).contains(&seldom), "{seldom:?}");
        assert!(never < Duration::from_micros(10), "{never:?}");
        // Somebody waits for an answer.
        assert_eq!(reserve(20, ms(146)), ms(4));
        assert_eq!(reserve(20, ms(300)), ms(0));
    }

    #[test]
    fn the_application_and_lip_sync_can_ask_for_more_but_not_for_all() {
        let mut target = Target::new();
        target.set_user(ms(200));
        assert_eq!((target.get(), target.of_network()), (ms(200), ms(80)));
        target.set_sync(ms(300));
        assert_eq!(target.get(), ms(300));
        target.set_sync(Duration::MAX);
        assert_eq!(target.get(), ms(4_000));
    }
}
