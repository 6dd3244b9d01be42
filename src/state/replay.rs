//! A run folded again from what was told, to its end or to a step.

use super::Run;
use crate::protocol::{Event, Header, Step};

/// Folds events; with `at`, everything that was told while no more than `at` steps were done.
pub fn replay<'a>(
    header: &Header,
    events: impl IntoIterator<Item = &'a Event>,
    at: Option<Step>,
) -> Run {
    let is_later = |event: &Event| match (event, at) {
        (Event::StepDone(event), Some(at)) => event.step > at,
        _ => false,
    };
    let mut run = Run::new(Some(header));
    for event in events {
        if is_later(event) {
            break;
        }
        run.apply(event);
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, protocol::event::Split};

    #[test]
    fn a_replay_stops_before_the_first_step_too_many() {
        let events: Vec<Event> = vec![
            arbitrary::run_started().into(),
            arbitrary::step_done(1, "chunk", 3.0).into(),
            arbitrary::step_done(2, "chunk", 2.0).into(),
            arbitrary::evaluated(2, Split::Dev, "chunk", "f1", 50.0).into(),
            arbitrary::step_done(3, "chunk", 1.0).into(),
        ];
        let header = arbitrary::header();
        let run = replay(&header, &events, Some(Step(2)));
        assert_eq!((run.step, run.strips[0].loss), (Step(2), Some(2.0)));
        assert!(run.strips[0].best.is_some(), "what was told after step 2 belongs to it");
        assert_eq!(replay(&header, &events, Some(Step(0))).step, Step(0));
        assert_eq!(replay(&header, &events, None).step, Step(3));
    }
}
