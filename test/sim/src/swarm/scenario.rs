use std::fmt;
use std::str::FromStr;

use duologue_base::Rng;

/// What happens in one life of the swarm. Its text is what a failure is kept as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scenario {
    /// Of everything that is drawn while it runs.
    pub seed: u64,
    /// Hosts, 2 to 5: the first one has a connection with each of the others.
    pub participants: u8,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// One thing that is done. What it is done to is chosen by numbers, so that it makes sense whatever
/// was left out before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// Milliseconds that pass after it.
    pub pause: u32,
    /// What is done.
    pub verb: Verb,
    /// To which end or host.
    pub at: u8,
    /// With what.
    pub x: u16,
    /// And with what else.
    pub y: u16,
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $weight:literal;)+) => {
        /// What can be done.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[allow(clippy::exhaustive_enums, reason = "whoever runs a scenario does all of it")]
        pub enum Verb {
            $($(#[$doc])* $name,)+
        }

        impl Verb {
            /// All of them, each with how often it comes beside the others.
            const ALL: &[(Verb, u32)] = &[$((Verb::$name, $weight),)+];

            fn text(self) -> &'static str {
                match self {
                    $(Verb::$name => $text,)+
                }
            }
        }
    };
}

verbs! {
    /// `addTrack`
    AddTrack = "add-track", 8;
    /// `addTransceiver`, of a direction, with a track or without
    AddTransceiver = "add-transceiver", 5;
    /// `removeTrack`
    RemoveTrack = "remove-track", 3;
    /// `transceiver.direction = …`
    SetDirection = "set-direction", 5;
    /// `transceiver.stop()`
    Stop = "stop", 3;
    /// `replaceTrack`, with another track or with none
    ReplaceTrack = "replace-track", 4;
    /// `setParameters`: an encoding is switched off or on
    SetParameters = "set-parameters", 3;
    /// `setStreams`
    SetStreams = "set-streams", 1;
    /// The receiver cannot decode: a key frame is asked for
    WantKeyFrame = "want-key-frame", 2;
    /// `createDataChannel`
    CreateChannel = "create-channel", 7;
    /// The same negotiated channel at both ends
    CreateNegotiated = "create-negotiated", 2;
    /// `channel.close()`
    CloseChannel = "close-channel", 3;
    /// `channel.send()`, several messages
    Send = "send", 18;
    /// The application reads its channels no more, or again
    Read = "read", 2;
    /// An offer, needed or not
    Offer = "offer", 5;
    /// Both ends make one at once
    OfferBoth = "offer-both", 2;
    /// `restartIce()`
    RestartIce = "restart-ice", 3;
    /// The next offer is rolled back instead of being sent
    HoldOffer = "hold-offer", 2;
    /// The next offer of the peer is rolled back, and the peer told so
    RefuseOffer = "refuse-offer", 2;
    /// The next answer comes as a provisional one at first
    Pranswer = "pranswer", 2;
    /// `getStats()`
    GetStats = "get-stats", 2;
    /// `close()`
    Close = "close", 1;
    /// Another connection between two hosts
    Call = "call", 1;
    /// Signalling takes so long
    Signalling = "signalling", 3;
    /// So many datagrams of a thousand are lost
    Loss = "loss", 3;
    /// They are lost in bursts
    Burst = "burst", 2;
    /// They take so long
    Delay = "delay", 3;
    /// Or up to so much longer: they overtake one another
    Jitter = "jitter", 2;
    /// Some come twice
    Duplicate = "duplicate", 2;
    /// Some are damaged
    Corrupt = "corrupt", 2;
    /// A path carries so much
    Rate = "rate", 3;
    /// Nothing arrives for a while, and then everything at once
    Spike = "spike", 2;
    /// Nothing passes between two hosts
    Cut = "cut", 2;
    /// Everything passes
    Heal = "heal", 4;
    /// A host gets another address
    Move = "move", 1;
    /// A host moves behind a translator
    Nat = "nat", 1;
    /// The translator of a host forgets its mappings
    Rebind = "rebind", 2;
    /// The sockets of an end take nothing, or again
    Block = "block", 2;
}

/// Kinds of weather and how many of them a life begins with, at most.
const FIRST_WEATHER: &[Verb] = &[
    Verb::Signalling,
    Verb::Loss,
    Verb::Burst,
    Verb::Delay,
    Verb::Jitter,
    Verb::Duplicate,
    Verb::Corrupt,
    Verb::Rate,
    Verb::Nat,
];
const FIRST_WEATHER_MAX: u32 = 4;

const STEPS_MIN: u32 = 10;
const STEPS_MAX: u32 = 90;

impl Scenario {
    /// What a seed makes.
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::from_u64(seed);
        let participants = match rng.below(10) {
            0..6 => 2,
            6..8 => 3,
            8 => 4,
            _ => 5,
        };
        let mut steps = Vec::new();
        for verb in [Verb::CreateChannel, Verb::AddTrack, Verb::AddTrack] {
            steps.push(Step::random(&mut rng, 0, verb));
        }
        for _ in 0..rng.below(FIRST_WEATHER_MAX + 1) {
            let kind = rng.below(FIRST_WEATHER.len() as u32) as usize;
            let verb = FIRST_WEATHER[kind];
            steps.push(Step::random(&mut rng, 0, verb));
        }
        // Where something is ended early little else happens.
        let ends_early = rng.below(5) == 0;
        for _ in 0..STEPS_MIN + rng.below(STEPS_MAX - STEPS_MIN) {
            let pause = match rng.below(20) {
                0..6 => 0,
                6..12 => rng.below(50),
                12..19 => rng.below(400),
                _ => rng.below(6_000),
            };
            let verb = match Verb::random(&mut rng) {
                Verb::Close if !ends_early => Verb::Send,
                verb => verb,
            };
            steps.push(Step::random(&mut rng, pause, verb));
        }
        Scenario {
            seed,
            participants,
            steps,
        }
    }
}

impl Step {
    fn random(rng: &mut Rng, pause: u32, verb: Verb) -> Self {
        Step {
            pause,
            verb,
            at: rng.below(12) as u8,
            x: rng.below(1_000) as u16,
            y: rng.below(1_000) as u16,
        }
    }
}

impl Verb {
    fn random(rng: &mut Rng) -> Self {
        let total: u32 = Verb::ALL.iter().map(|(_, weight)| weight).sum();
        let mut at = rng.below(total);
        let chosen = Verb::ALL.iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        chosen.map_or(Verb::Send, |(verb, _)| *verb)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "participants {}", self.participants)?;
        for step in &self.steps {
            let Step {
                pause, at, x, y, ..
            } = step;
            writeln!(f, "{} {at} {x} {y} then {pause} ms", step.verb.text())?;
        }
        Ok(())
    }
}

/// A line is no step of a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoScenario(pub String);

impl fmt::Display for NoScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no line of a scenario: {:?}", self.0)
    }
}

impl std::error::Error for NoScenario {}

impl FromStr for Scenario {
    type Err = NoScenario;

    /// Lines that begin with `#` say what it is about.
    fn from_str(text: &str) -> Result<Self, NoScenario> {
        let mut scenario = Scenario {
            seed: 0,
            participants: 2,
            steps: Vec::new(),
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for line in lines.filter(|line| !line.trim().is_empty()) {
            scenario
                .read(line)
                .ok_or_else(|| NoScenario(line.to_owned()))?;
        }
        Ok(scenario)
    }
}

impl Scenario {
    fn read(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["seed", seed] => self.seed = seed.parse().ok()?,
            ["participants", count] => self.participants = count.parse().ok()?,
            [verb, at, x, y, "then", pause, "ms"] => {
                let (verb, _) = Verb::ALL.iter().find(|(it, _)| it.text() == *verb)?;
                self.steps.push(Step {
                    pause: pause.parse().ok()?,
                    verb: *verb,
                    at: at.parse().ok()?,
                    x: x.parse().ok()?,
                    y: y.parse().ok()?,
                });
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_as_it_is_written() {
        for seed in 0..50 {
            let scenario = Scenario::random(seed);
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        let wrong = "send 1 2 3 ms".to_owned();
        assert_eq!(wrong.parse::<Scenario>(), Err(NoScenario(wrong)));
    }
}
