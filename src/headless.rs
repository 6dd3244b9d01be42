//! Progress as plain lines: for a run without a desk, for logs, for readers by ear.
//!
//! Lines are ASCII, only ever appended, and kept to the width of a page where names allow it.
//! Times are those of the events, so a replay prints what the run printed.

mod line;

use std::io::Write;

use line::{Line, count, ms};

use crate::protocol::{
    By, Event, Header, MetricId, ObjectiveId, Step,
    event::{
        Ended, Evaluated, LossBroke, Reason, Role, RunEnded, RunStarted, Setting, Split, StepDone,
    },
};
use crate::state::{Run, Strip};

/// Milliseconds of a run's time between two lines about its steps.
pub const EVERY_MS: u64 = 2_000;

/// Turns events into lines.
#[derive(Debug)]
pub struct Progress {
    run: Run,
    /// Time between two lines about steps.
    every_ms: u64,
    /// When the next one is due.
    due_ms: u64,
}

impl Progress {
    /// Lines about a run, with one about its steps every so often.
    pub fn new(header: &Header, every_ms: u64) -> Self {
        Self { run: Run::new(Some(header)), every_ms, due_ms: 0 }
    }

    /// Takes in one event and writes what there is to say about it.
    pub fn tell(&mut self, event: &Event, out: &mut dyn Write) {
        let best_before = self.best_of(event);
        self.run.apply(event);
        let is_best = best_before != self.best_of(event);
        for line in self.lines(event, is_best) {
            // Nobody reads a closed pipe, and training goes on for the journal.
            let _ = out.write_all(line.as_bytes());
        }
        let _ = out.flush();
    }

    /// To be called when the wire has closed: says so if the run never ended.
    pub fn close(&self, out: &mut dyn Write) {
        if self.run.ended.is_none() {
            let line = self.line().add(format!("broke off after step {}", self.run.step));
            let _ = out.write_all(line.finish().as_bytes());
        }
    }

    fn lines(&mut self, event: &Event, is_best: bool) -> Vec<String> {
        let line = self.line();
        let line = match event {
            Event::RunStarted(event) => return self.started(event),
            Event::StepDone(event) => return self.step_done(event).into_iter().collect(),
            Event::GainSet(event) => line
                .add(format!("gain of {} {:.3} to {:.3}", event.objective, event.old, event.new))
                .add(event.over.map(|over| format!("over {over} steps")).unwrap_or_default())
                .add(since(event.from, event.by))
                .add(if event.ended_schedule { "ends its schedule" } else { "" }),
            Event::Muted(event) => {
                let verb = if event.muted { "muted" } else { "unmuted" };
                line.add(format!("{verb} {}", event.objective)).add(since(event.from, event.by))
            }
            Event::Soloed(event) => {
                let verb = if event.soloed { "soloed" } else { "unsoloed" };
                line.add(format!("{verb} {}", event.objective)).add(since(event.from, event.by))
            }
            Event::SettingSet(event) => {
                let (old, new) = (setting(&event.old), setting(&event.new));
                line.add(format!("{} {old} to {new}", event.path)).add(since(event.from, event.by))
            }
            Event::SceneStored(event) => line
                .add(format!("kept the mix as scene {}", event.scene.letter()))
                .add(format!("after step {}", event.step)),
            Event::CommandRefused(event) => line.add(format!("refused: {}", event.why)),
            Event::Paused(event) => {
                line.add(format!("paused after step {}", event.step)).add(name_of(event.by))
            }
            Event::Resumed(event) => {
                line.add(format!("resumed after step {}", event.step)).add(name_of(event.by))
            }
            Event::Evaluated(event) => self.evaluated(event, is_best),
            Event::Gradients(_) => return Vec::new(),
            Event::CheckpointSaved(event) => {
                line.add(format!("saved {} at step {}", event.name, event.step))
            }
            Event::LossBroke(event) => line.add(broke(event)),
            Event::Noted(event) => line.add(format!("note at step {}: {}", event.step, event.text)),
            Event::Continued(event) => line.add(format!("goes on from step {}", event.step)),
            Event::Rewound(event) => line.add(format!("back to step {}", event.to)),
            Event::ScreenMissed(event) => line.add(format!(
                "{} events came too fast to be shown; the journal has them",
                event.total
            )),
            Event::RunEnded(event) => self.ended(event),
        };
        vec![line.finish()]
    }

    fn line(&self) -> Line {
        Line::at(self.run.at_ms)
    }

    fn started(&self, event: &RunStarted) -> Vec<String> {
        let mut first = self.line();
        if let Some(header) = &self.run.header {
            first = first
                .add(format!("{}: seed {}", header.name, header.seed))
                .add(format!("{} threads on {}", header.threads, header.device))
                .add(format!("kernel {}", header.kernel));
        }
        first = first
            .add(format!("{} parameters", event.parameters))
            .add(format!("{} steps", event.steps))
            .add(format!("{} a pass", event.steps_per_epoch));
        let corpora = event.corpora.iter().map(|corpus| {
            let mut line = self.line().add(format!("corpus {}:", corpus.name));
            for split in [Split::Train, Split::Dev, Split::Test].map(Split::name) {
                let Some(size) = corpus.splits.get(split) else { continue };
                let (examples, tokens) = (count(size.examples, "example"), size.tokens);
                line = line.add(format!("{split} {examples} of {tokens} tokens"));
            }
            if corpus.skipped > 0 {
                line = line.add(format!("skipped {}", count(corpus.skipped, "faulty example")));
            }
            line
        });
        let strips = self.run.strips.iter().map(|strip| {
            let role = match strip.role {
                Role::Main => "main",
                Role::Auxiliary => "auxiliary",
            };
            let corpora = strip.corpus.join("+");
            self.line()
                .add(format!("objective {}: {role}", strip.name))
                .add(format!("{} on {corpora}", strip.kind))
                .add(format!("gain {:.3}", strip.gain))
                .add(if strip.muted { "muted" } else { "" })
        });
        std::iter::once(first).chain(corpora).chain(strips).map(Line::finish).collect()
    }

    fn step_done(&mut self, event: &StepDone) -> Option<String> {
        if event.at_ms < self.due_ms {
            return None;
        }
        self.due_ms = event.at_ms.saturating_add(self.every_ms);
        let run = &self.run;
        let width = run.steps.to_string().len();
        let mut line = self.line().add(format!("step {:>width$}/{}", event.step.0, run.steps));
        if let Some(epochs) = run.epochs() {
            line = line.add(format!("pass {epochs:.2}"));
        }
        if let Some(pace) = run.pace.tokens_per_second() {
            line = line.add(format!("{pace:.0} tokens/s"));
        }
        if let Some(left_ms) = run.left_ms() {
            line = line.add(format!("left {}", ms(left_ms)));
        }
        for strip in &run.strips {
            line = line.add(self.strip(strip));
        }
        Some(line.finish())
    }

    /// A strip in a line about a step: smoothed loss and weight.
    fn strip(&self, strip: &Strip) -> String {
        let loss = strip.smoothed().map_or_else(|| "-".into(), |loss| format!("{loss:.4}"));
        if self.run.sounds(strip) {
            format!("{} {loss} x{:.3}", strip.name, strip.weight)
        } else {
            format!("{} {loss} {}", strip.name, if strip.muted { "muted" } else { "silent" })
        }
    }

    fn evaluated(&self, event: &Evaluated, is_best: bool) -> Line {
        let mut line = self
            .line()
            .add(format!("{} after step {}", event.split.name(), event.step))
            .add(event.objective.to_string());
        if let Some(loss) = event.loss {
            line = line.add(format!("loss {:.4}", loss.get()));
        }
        // The recipe's order is that of importance; what it does not name comes after.
        let declared = self.run.strip(&event.objective).map(|strip| strip.metrics.as_slice());
        let declared = declared.unwrap_or_default();
        let rank = |name: &MetricId| declared.iter().position(|metric| metric.name == *name);
        let mut metrics: Vec<_> = event.metrics.iter().collect();
        metrics.sort_by_key(|(name, _)| rank(name).unwrap_or(declared.len()));
        for (name, value) in metrics {
            line = line.add(format!("{name} {value:.2}"));
        }
        line.add(if is_best { "best so far" } else { "" }).add(if event.extra {
            "looked at by hand"
        } else {
            ""
        })
    }

    fn ended(&self, event: &RunEnded) -> Line {
        let ended = match event.ended {
            Ended::Finished => "finished",
            Ended::Stopped => "stopped",
            Ended::Failed => "failed",
        };
        let reason = match event.reason {
            Reason::Steps => "all steps done",
            Reason::Epochs => "all epochs done",
            Reason::Patience => "no gain for as long as it had patience",
            Reason::Key => "by key",
            Reason::Signal => "by signal",
            Reason::Panic => "the trainer panicked",
            Reason::Loss => "no finite loss",
            Reason::Disk => "the disk refused",
        };
        let mut line = self
            .line()
            .add(format!("{ended}: {reason}"))
            .add(format!("{} done", count(event.step.0, "step")));
        if let Some(epochs) = self.run.epochs() {
            line = line.add(format!("pass {epochs:.2}"));
        }
        let chosen = self.run.best_metric.as_ref();
        let chosen = chosen.and_then(|best| self.run.strip(&best.objective));
        if let Some((strip, best)) = chosen.and_then(|strip| Some((strip, strip.best.as_ref()?))) {
            let (value, step) = (best.value, best.step);
            line = line
                .add(format!("best {} of {} {value:.2} at step {step}", best.metric, strip.name));
        }
        if self.run.interventions > 0 {
            line = line.add(count(self.run.interventions, "move"));
        }
        line.add(event.message.as_deref().unwrap_or_default())
    }

    /// When the best score was measured, for the objective that the event has scored on dev.
    fn best_of(&self, event: &Event) -> Option<Step> {
        let Event::Evaluated(event) = event else { return None };
        if event.split != Split::Dev {
            return None;
        }
        self.run.strip(&event.objective)?.best.as_ref().map(|best| best.step)
    }
}

fn since(from: Step, by: By) -> String {
    format!("from step {from}, {}", name_of(by))
}

fn name_of(by: By) -> &'static str {
    match by {
        By::Key => "by key",
        By::Schedule => "by schedule",
        By::Rule => "by rule",
        By::Moves => "by an earlier run's moves",
        By::Remote => "by remote",
    }
}

fn setting(setting: &Setting) -> String {
    match setting {
        Setting::Switch(on) => on.to_string(),
        // A rate of 0.0003 needs its digits; a setting is what somebody typed.
        Setting::Number(number) => number.to_string(),
        Setting::Text(text) => text.clone(),
    }
}

fn broke(event: &LossBroke) -> String {
    let whose = event.objective.as_ref().map(ObjectiveId::as_str);
    let what = whose.map_or("the gradient".into(), |name| format!("the loss of {name}"));
    format!("{what} was not a number in step {}; no update", event.step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        arbitrary,
        protocol::event::{CheckpointSaved, GainSet, Noted},
    };

    fn told(events: &[Event]) -> String {
        let mut progress = Progress::new(&arbitrary::header(), 200);
        let mut out = Vec::new();
        for event in events {
            progress.tell(event, &mut out);
        }
        progress.close(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_run_reads_like_this() {
        let mut events = vec![arbitrary::run_started().into()];
        events.extend((1..=25).map(|step| arbitrary::step_done(step, "chunk", 2.0).into()));
        events.push(arbitrary::evaluated(25, Split::Dev, "chunk", "f1", 80.126).into());
        events.push(
            CheckpointSaved { at_ms: 251, step: Step(25), name: "best".into(), command: None }
                .into(),
        );
        let gain = GainSet {
            at_ms: 3_723_000,
            step: Step(25),
            from: Step(26),
            objective: "pos".into(),
            old: 1.0,
            new: 0.5,
            by: By::Key,
            command: None,
            ended_schedule: false,
            over: None,
            undoes: None,
        };
        events.push(gain.into());
        let (at_ms, step, reason, message) = (3_724_000, Step(25), Reason::Key, None);
        events.push(RunEnded { at_ms, step, ended: Ended::Stopped, reason, message }.into());
        let expected = "\
0:00:00  chunking: seed 1  2 threads on cpu  kernel avx512  1234 parameters  100 steps  10 a pass
0:00:00  corpus news:  train 320 examples of 3200 tokens
0:00:00  objective chunk: main  tag on news  gain 1.000
0:00:00  objective next-word: auxiliary  tag on news  gain 1.000
0:00:00  objective pos: auxiliary  tag on news  gain 1.000
0:00:00  step   1/100  pass 0.10  10000 tokens/s  left 0:00:00  chunk 2.0000 x1.000
         next-word - x1.000  pos - x1.000
0:00:00  step  21/100  pass 2.10  10000 tokens/s  left 0:00:00  chunk 2.0000 x1.000
         next-word - x1.000  pos - x1.000
0:00:00  dev after step 25  chunk  loss 1.5000  f1 80.13  best so far
0:00:00  saved best at step 25
1:02:03  gain of pos 1.000 to 0.500  from step 26, by key
1:02:04  stopped: by key  25 steps done  pass 2.50  best f1 of chunk 80.13 at step 25  1 move
";
        assert_eq!(told(&events), expected);
    }

    #[test]
    fn a_run_that_breaks_off_is_said_so() {
        let text = told(&[arbitrary::step_done(3, "chunk", 1.0).into()]);
        assert!(text.ends_with("broke off after step 3\n"), "{text}");
    }

    #[test]
    fn a_note_cannot_write_on_the_terminal() {
        let text = "caf\u{e9} \u{1b}[2J\nnext".into();
        let note = Noted { at_ms: 1, step: Step(2), text, by: By::Key, command: None };
        let line = told(&[note.into()]);
        assert!(line.contains(r"note at step 2: caf\u{e9} \u{1b}[2J\nnext"), "{line}");
    }

    #[test]
    fn a_closed_pipe_is_no_fault() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut progress = Progress::new(&arbitrary::header(), 0);
        progress.tell(&arbitrary::run_started().into(), &mut Closed);
        progress.close(&mut Closed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lines_are_ascii_whatever_happens(events in arbitrary::events()) {
            let text = told(&events);
            prop_assert!(text.chars().all(|c| c == '\n' || c == ' ' || c.is_ascii_graphic()));
            prop_assert!(text.is_empty() || text.ends_with('\n'));
        }
    }
}
