//! Progress lines: for a run without a desk, for logs, for screen readers.
//!
//! Lines are ASCII, only ever appended, and wrapped at a fixed width where names allow it. Times
//! are those of the events, so a replay prints what the run printed.

mod line;

use std::io::Write;

use line::Line;

use crate::{
    protocol::{
        Event, Training,
        event::{Role, RunStarted, Split, StepDone},
    },
    state::{Entry, Run, Strip, count, describe, hms},
};

/// The interval of lines about steps, in milliseconds of the run's time.
pub const EVERY_MS: u64 = 2_000;

/// Converts events to lines.
#[derive(Debug)]
pub struct ProgressLines {
    /// The interval of lines about steps.
    every_ms: u64,
    /// The time of the next one.
    due_ms: u64,
}

impl ProgressLines {
    /// Progress lines with that interval between lines about steps.
    pub fn new(every_ms: u64) -> Self {
        Self { every_ms, due_ms: 0 }
    }

    /// Writes the lines for an event; `run` is the state after it.
    pub fn write_event(&mut self, event: &Event, run: &Run, out: &mut dyn Write) {
        write(self.lines(event, run), out);
    }

    /// Writes a line for each of these log entries, with the descriptions in the log: events that
    /// were missed.
    pub fn write_entries(&mut self, entries: &[Entry], out: &mut dyn Write) {
        let line = |entry: &Entry| {
            entry.text.split("  ").fold(Line::at(entry.event.at_ms()), Line::add).finish()
        };
        write(entries.iter().map(line), out);
    }

    /// Called when there are no more events: reports if the run never ended.
    pub fn close(&self, run: &Run, out: &mut dyn Write) {
        if run.ended.is_none() {
            let line = Line::at(run.at_ms).add(format!("interrupted after step {}", run.step));
            write([line.finish()], out);
        }
    }

    fn lines(&mut self, event: &Event, run: &Run) -> Vec<String> {
        match event {
            Event::RunStarted(event) => started(event, run),
            Event::StepDone(event) => self.step_done(event, run).into_iter().collect(),
            event if event.is_table() => Vec::new(),
            event => {
                let parts = describe(event, run);
                vec![parts.into_iter().fold(Line::at(run.at_ms), Line::add).finish()]
            }
        }
    }

    fn step_done(&mut self, event: &StepDone, run: &Run) -> Option<String> {
        if event.at_ms < self.due_ms {
            return None;
        }
        self.due_ms = event.at_ms.saturating_add(self.every_ms);
        let width = run.plan.steps.to_string().len();
        let mut line =
            Line::at(run.at_ms).add(format!("step {:>width$}/{}", event.step.0, run.plan.steps));
        if let Some(epochs) = run.epochs() {
            line = line.add(format!("epoch {epochs:.2}"));
        }
        if let Some(pace) = run.pace.tokens_per_second() {
            line = line.add(format!("{pace:.0} tokens/s"));
        }
        if let Some(left_ms) = run.left_ms() {
            line = line.add(format!("ETA {}", hms(left_ms)));
        }
        for strip in &run.strips {
            line = line.add(on_strip(strip, run));
        }
        Some(line.finish())
    }
}

fn started(event: &RunStarted, run: &Run) -> Vec<String> {
    let line = || Line::at(run.at_ms);
    let mut first = line();
    if let Some(header) = &run.header {
        first = first
            .add(format!("{}: seed {}", header.name, header.seed))
            .add(format!("{} threads on {}", header.threads, header.device))
            .add(format!("kernel {}", header.kernel));
    }
    first = first
        .add(format!("{} parameters", event.parameters))
        .add(format!("{} steps, {} per epoch", event.steps, event.steps_per_epoch));
    let corpora = event.corpora.iter().map(|corpus| {
        let mut line = line().add(format!("corpus {}:", corpus.name));
        for split in [Split::Train, Split::Dev, Split::Test].map(Split::name) {
            let Some(size) = corpus.splits.get(split) else { continue };
            let (examples, tokens) = (count(size.examples, "example"), size.tokens);
            line = line.add(format!("{split} {examples} of {tokens} tokens"));
        }
        if corpus.skipped > 0 && corpus.irregularities.is_empty() {
            // A journal of an earlier version.
            line = line.add(format!("skipped {}", count(corpus.skipped, "faulty example")));
        }
        for irregularity in &corpus.irregularities {
            let first = irregularity.lines.first();
            let first = first.map(|line| format!(" (first: {line})")).unwrap_or_default();
            line = line.add(format!("{irregularity}{first}"));
        }
        line
    });
    let vectors = event.vectors.iter().flat_map(|coverage| {
        let warning = coverage.warning().map(|warning| format!("warning: {warning}"));
        coverage.describe().into_iter().chain(warning).map(|text| line().add(text))
    });
    let strips = run.strips.iter().map(|strip| {
        let role = match strip.role {
            Role::Main => "main",
            Role::Auxiliary => "auxiliary",
        };
        let corpora = strip.corpus.join("+");
        line()
            .add(format!("objective {}: {role}", strip.name))
            .add(format!("{} on {corpora}", strip.kind))
            .add(format!("gain {:.3}", strip.gain))
            .add(if strip.muted { "muted" } else { "" })
    });
    let warnings = event.warnings.iter().map(|warning| line().add(format!("warning: {warning}")));
    let lines = std::iter::once(first).chain(corpora).chain(vectors).chain(strips).chain(warnings);
    lines.map(Line::finish).collect()
}

/// A strip in a line about a step: smoothed loss and weight.
fn on_strip(strip: &Strip, run: &Run) -> String {
    let loss = strip.smoothed().map_or_else(|| "-".into(), |loss| format!("{loss:.4}"));
    if run.is_active(strip) {
        format!("{} {loss} x{:.3}", strip.name, strip.weight)
    } else {
        let why = match strip {
            Strip { training: Training::Finished, .. } => "finished",
            Strip { muted: true, .. } => "muted",
            _ => "inactive",
        };
        format!("{} {loss} {why}", strip.name)
    }
}

fn write(lines: impl IntoIterator<Item = String>, out: &mut dyn Write) {
    for line in lines {
        // Errors such as a closed pipe are ignored; training continues for the journal.
        let _ = out.write_all(line.as_bytes());
    }
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            By, Step,
            event::{CheckpointSaved, Ended, GainSet, Noted, Reason, RunEnded},
        },
    };

    fn printed(events: &[Event]) -> String {
        let mut run = Run::new(Some(&arbitrary::header()));
        let mut progress = ProgressLines::new(200);
        let mut out = Vec::new();
        for event in events {
            run.apply(event);
            progress.write_event(event, &run, &mut out);
        }
        progress.close(&run, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_lines_of_a_run() {
        let mut events = vec![arbitrary::run_started().into()];
        events.extend((1..=25).map(|step| arbitrary::step_done(step, "chunk", 2.0).into()));
        events.push(arbitrary::evaluated(25, Split::Dev, "chunk", "f1", 80.126).into());
        events.push(
            CheckpointSaved {
                at_ms: 251,
                step: Step(25),
                name: "best".into(),
                last_evaluation: Step(25),
                best: None,
                command: None,
            }
            .into(),
        );
        let gain = GainSet { at_ms: 3_723_000, ..arbitrary::gain_set(25, "pos", 1.0, 0.5) };
        events.push(gain.into());
        let (at_ms, step, reason, message) = (3_724_000, Step(25), Reason::Key, None);
        events.push(RunEnded { at_ms, step, ended: Ended::Stopped, reason, message }.into());
        let expected = "\
0:00:00  chunking: seed 1  2 threads on cpu  kernel avx512  1234 parameters  100 steps, 10 per epoch
0:00:00  corpus news:  train 320 examples of 3200 tokens
0:00:00  vectors of words for news train: 93.75 % of tokens, 75.00 % of 800 distinct words; without a vector: Ge\\u{a0}x (12)
0:00:00  objective chunk: main  tag on news  gain 1.000
0:00:00  objective next-word: auxiliary  tag on news  gain 1.000
0:00:00  objective pos: auxiliary  tag on news  gain 1.000
0:00:00  step   1/100  epoch 0.10  10000 tokens/s  ETA 0:00:00  chunk 2.0000 x1.000
         next-word - x1.000  pos - x1.000
0:00:00  step  21/100  epoch 2.10  10000 tokens/s  ETA 0:00:00  chunk 2.0000 x1.000
         next-word - x1.000  pos - x1.000
0:00:00  dev after step 25  chunk  loss 1.5000  f1 80.13  best so far
0:00:00  saved best at step 25
1:02:03  gain of pos 1.000 to 0.500  from step 26, by key
1:02:04  stopped: by key  25 steps done  epoch 2.50  best f1 of chunk 80.13 at step 25  1 change
";
        assert_eq!(printed(&events), expected);
    }

    #[test]
    fn an_interrupted_run_is_reported() {
        let text = printed(&[arbitrary::step_done(3, "chunk", 1.0).into()]);
        assert!(text.ends_with("interrupted after step 3\n"), "{text}");
    }

    #[test]
    fn a_note_cannot_contain_control_sequences() {
        let text = "caf\u{e9} \u{1b}[2J\nnext".into();
        let note = Noted { at_ms: 1, step: Step(2), text, by: By::Key, command: None };
        let line = printed(&[note.into()]);
        assert!(line.contains(r"note at step 2: caf\u{e9} \u{1b}[2J\nnext"), "{line}");
    }

    #[test]
    fn a_closed_pipe_is_not_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut progress = ProgressLines::new(0);
        let run = Run::new(None);
        progress.write_event(&arbitrary::run_started().into(), &run, &mut Closed);
        progress.close(&run, &mut Closed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lines_are_always_ascii(events in arbitrary::events()) {
            let text = printed(&events);
            prop_assert!(text.chars().all(|c| c == '\n' || c == ' ' || c.is_ascii_graphic()));
            prop_assert!(text.is_empty() || text.ends_with('\n'));
        }
    }
}
