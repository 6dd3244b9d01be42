//! The state of a recorded run, at its end or at a step.

use super::Run;
use crate::protocol::{Event, Header, Step};

/// With `at`, the events up to the end of step `at`; without, all.
pub fn until<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    at: Option<Step>,
) -> impl Iterator<Item = &'a Event> {
    let is_later = move |event: &Event| match (event, at) {
        (Event::StepDone(event), Some(at)) => event.step > at,
        _ => false,
    };
    events.into_iter().take_while(move |event| !is_later(event))
}

/// Folds the events of [`until`].
pub fn replay<'a>(
    header: &Header,
    events: impl IntoIterator<Item = &'a Event>,
    at: Option<Step>,
) -> Run {
    let mut run = Run::new(Some(header));
    for event in until(events, at) {
        run.apply(event);
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, protocol::event::Split};

    #[test]
    fn a_replay_stops_before_the_first_later_step() {
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
        assert!(run.strips[0].best.is_some(), "events after step 2 belong to it");
        assert_eq!(replay(&header, &events, Some(Step(0))).step, Step(0));
        assert_eq!(replay(&header, &events, None).step, Step(3));
    }
}
