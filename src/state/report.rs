//! The report of a run, generated from its state.

use super::{CorpusUsage, Run, Strip};
use crate::protocol::{
    Header,
    report::{CorpusReport, ObjectiveReport, Report},
};

/// `NAME-YYYYMMDD-HHMMSS`: the recipe's name and the start time, as in the name of the run's
/// folder.
pub fn run_name(recipe: &str, started: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (date, time) = started.split_once('T').unwrap_or((started, ""));
    // Fractions of a second are not part of the name.
    let time = time.split('.').next().unwrap_or(time);
    format!("{recipe}-{}-{}", digits(date), digits(time))
}

fn name(header: &Header) -> String {
    run_name(&header.name, &header.started)
}

impl Run {
    /// The run as written to `state.json` and by `replay --headless --json`.
    pub fn report(&self) -> Report {
        Report {
            run: self.header.as_ref().map(name).unwrap_or_default(),
            recipe: self.header.as_ref().map(|header| header.name.clone()).unwrap_or_default(),
            seed: self.header.as_ref().map(|header| header.seed).unwrap_or_default(),
            step: self.step,
            ended: self.ended.as_ref().map(|event| event.ended),
            reason: self.ended.as_ref().map(|event| event.reason),
            objectives: self.strips.iter().map(objective).collect(),
            sampling: self.sampling(),
            weighting: self.weighting(),
            corpora: self.used().map(corpus).collect(),
            interventions: self.manual.interventions,
            alerts: self.alerts.clone(),
            missed: self.missed,
        }
    }
}

fn objective(strip: &Strip) -> ObjectiveReport {
    ObjectiveReport {
        name: strip.name.clone(),
        role: strip.role,
        kind: strip.kind.clone(),
        loss: strip.loss,
        loss_smoothed: strip.smoothed(),
        gain: strip.gain,
        share: strip.share,
        weight: strip.weight,
        muted: strip.muted,
        soloed: strip.soloed,
        finished: strip.training.is_finished(),
        metrics: strip.scores_by_split(),
        best: strip.best.clone(),
    }
}

fn corpus(used: CorpusUsage<'_>) -> CorpusReport {
    CorpusReport {
        name: used.name.to_owned(),
        examples: used.examples,
        drawn: used.drawn,
        epochs: used.epochs,
        drawn_fraction: used.drawn_fraction,
        spent_ms: used.spent_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;

    #[test]
    fn a_run_is_named_by_its_recipe_and_start() {
        assert_eq!(name(&arbitrary::header()), "chunking-20260102-030405");
        let fraction = Header { started: "2026-01-02T03:04:05.678Z".into(), ..arbitrary::header() };
        assert_eq!(name(&fraction), "chunking-20260102-030405");
    }

    #[test]
    fn a_report_round_trips_through_json() {
        let mut run = Run::new(Some(&arbitrary::header()));
        run.apply(&arbitrary::run_started().into());
        run.apply(&arbitrary::step_done(1, "chunk", 0.1).into());
        let report = run.report();
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        assert_eq!(report.objectives[0].loss_smoothed, Some(0.1));
    }
}
