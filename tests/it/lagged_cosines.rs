//! The cosine of the main objective's gradient with those of the other objectives in the step before.

use auxdesk::protocol::{Event, ObjectiveId, event::GradientsMeasured};

use crate::tiny::{Run, Size, shipped_tiny};

const SIZE: Size = Size { width: 4, examples: 16 };

fn trained(sets: &[&str]) -> Run {
    // The same examples in every batch, and no change of the parameters.
    let all = ["train.steps=5", "train.batch_size=16", "train.learning_rate=0"];
    let all: Vec<String> = all.iter().chain(sets).map(|set| (*set).to_owned()).collect();
    shipped_tiny("chunking", SIZE, &all).train(&[])
}

fn measured(run: &Run) -> Vec<GradientsMeasured> {
    let gradients = |event: &Event| match event {
        Event::GradientsMeasured(event) => Some(event.clone()),
        _ => None,
    };
    run.events.iter().filter_map(gradients).collect()
}

#[test]
fn without_an_update_they_are_the_cosines_of_the_step() {
    let main = ObjectiveId::from("chunk");
    for rule in ["upgrad", "{ kind = \"ol-aux\", learning_rate = 0 }"] {
        let rule = format!("train.weighting={rule}");
        let run = trained(&["train.measure_gradients_every=1", &rule]);
        let events = measured(&run);
        assert_eq!(events.len(), 5);
        assert!(events[0].lagged_cosines.is_empty(), "{rule}: no step before");
        for event in &events[1..] {
            let names: Vec<&ObjectiveId> =
                event.norms.keys().filter(|name| **name != main).collect();
            assert_eq!(event.lagged_cosines.keys().collect::<Vec<_>>(), names, "{rule}");
            for (name, earlier) in &event.lagged_cosines {
                let (one, other) = if *name < main { (name, &main) } else { (&main, name) };
                let now = event.cosines[one][other];
                assert!((earlier - now).abs() < 2e-3, "{rule}: {name} has {earlier} and {now}");
            }
        }
    }
}

#[test]
fn a_rule_of_the_gradients_is_needed_and_measured_steps_only() {
    for (rule, has_some) in [("equal", false), ("upgrad", true)] {
        let rule = format!("train.weighting={rule}");
        let run = trained(&["train.measure_gradients_every=2", &rule]);
        let events = measured(&run);
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event.lagged_cosines.is_empty() != has_some), "{rule}");
    }
}
