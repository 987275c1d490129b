//! What a flow's controller was told replays to what it said.

use duologue_media::cc::{Bitrate, Controller, Gcc, Input, Selector};
use duologue_sim::congestion::{
    Arena, Bottleneck, ControllerKind, DualPi2, MediaConfig, Queue, Record, seconds,
};

/// The targets of a record, whenever they changed, with their reasons.
fn said(record: &Record) -> Vec<String> {
    let history = record.history().iter();
    history
        .map(|(at, target, reason)| format!("{at:?} {target:?} {reason:?}"))
        .collect()
}

fn replayed(controller: &mut dyn Controller, log: &[Input]) -> Vec<String> {
    let mut last = None;
    let mut said = Vec::new();
    for input in log {
        controller.handle(input);
        while let Some(plan) = controller.poll() {
            if last.replace(plan.target) != Some(plan.target) {
                said.push(format!(
                    "{:?} {:?} {:?}",
                    input.at, plan.target, plan.reason
                ));
            }
        }
    }
    said
}

#[test]
fn a_recorded_call_replays_to_the_same_targets_for_the_same_reasons() {
    let fresh: [(ControllerKind, Box<dyn Controller>); 2] = [
        (ControllerKind::Gcc, Box::new(Gcc::default())),
        (ControllerKind::Selector, Box::new(Selector::new(true))),
    ];
    for (kind, mut controller) in fresh {
        let link = Bottleneck::new(Bitrate::from_kbps(2_000))
            .then(seconds(10.0), Bitrate::from_kbps(700))
            .queue(Queue::DualPi2(DualPi2::default()));
        let mut arena = Arena::new(3, link);
        let flow = arena.add_media(MediaConfig {
            controller: kind,
            ..MediaConfig::default()
        });
        arena.media_mut(flow).keep_log();
        arena.run_until(seconds(20.0));

        let flow = arena.media(flow);
        let said = said(flow.record());
        assert!(said.len() > 50, "{}", said.len());
        assert_eq!(said, replayed(&mut *controller, flow.log()));
    }
}
