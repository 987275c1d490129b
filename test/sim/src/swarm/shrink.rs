use super::scenario::Scenario;

/// A smaller scenario that still fails: whole stretches of steps are left out while it does, then
/// single ones, then pauses. What takes no part in a failure goes, weather included.
pub fn shrink(scenario: &Scenario, fails: impl Fn(&Scenario) -> bool) -> Scenario {
    let mut best = scenario.clone();
    loop {
        let before = best.clone();
        let mut stretch = best.steps.len().max(1);
        while stretch > 0 {
            best = without_stretches(best, stretch, &fails);
            stretch /= 2;
        }
        best = with_fewer_hosts(best, &fails);
        best = without_pauses(best, &fails);
        if best == before {
            return best;
        }
    }
}

fn without_stretches(
    mut best: Scenario,
    stretch: usize,
    fails: &impl Fn(&Scenario) -> bool,
) -> Scenario {
    let mut at = 0;
    while at < best.steps.len() {
        let mut tried = best.clone();
        let end = (at + stretch).min(tried.steps.len());
        tried.steps.drain(at..end);
        if fails(&tried) {
            best = tried;
        } else {
            at += stretch;
        }
    }
    best
}

fn with_fewer_hosts(mut best: Scenario, fails: &impl Fn(&Scenario) -> bool) -> Scenario {
    for participants in 2..best.participants {
        let tried = Scenario {
            participants,
            ..best.clone()
        };
        if fails(&tried) {
            best = tried;
            break;
        }
    }
    best
}

fn without_pauses(mut best: Scenario, fails: &impl Fn(&Scenario) -> bool) -> Scenario {
    for at in 0..best.steps.len() {
        let pause = best.steps[at].pause;
        for shorter in [0, pause / 2] {
            let mut tried = best.clone();
            tried.steps[at].pause = shorter;
            if shorter < pause && fails(&tried) {
                best = tried;
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Verb;
    use super::*;

    #[test]
    fn what_takes_no_part_in_a_failure_goes() {
        let scenario = Scenario::random(1);
        let close = |scenario: &Scenario| {
            let is_send = |step: &&super::super::Step| step.verb == Verb::Send;
            scenario.steps.iter().filter(is_send).count() >= 2
        };
        assert!(close(&scenario), "another seed");
        let small = shrink(&scenario, close);
        let verbs: Vec<Verb> = small.steps.iter().map(|step| step.verb).collect();
        assert_eq!(verbs, [Verb::Send, Verb::Send]);
        assert_eq!(small.participants, 2);
        assert!(small.steps.iter().all(|step| step.pause == 0));
    }
}
