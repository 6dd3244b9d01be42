//! Journals: the state of a run, and the changes that `--moves` repeats.

use std::{fs, path::Path};

use auxdesk::{
    journal::Reader,
    protocol::{Event, ObjectiveId, Step},
    state::{Run, Totals},
    train::Moves,
};

use super::fuzz;
use crate::{
    runs::Here,
    tiny::{Size, shipped_tiny},
};

#[test]
fn readers_of_journals_do_not_panic() {
    let here = Here::new();
    let run = here.finished("run", 12, &["--set", "train.measure_gradients_every=5"]);
    let whole = fs::read(run.join("journal.jsonl")).unwrap();
    fuzz("journals", 6000, &[whole], |_, bytes| {
        let Ok(mut reader) = Reader::new(Path::new("fuzz"), bytes) else { return };
        let mut run = Run::new(Some(reader.header()));
        let mut totals = Totals::default();
        while let Ok(Some(event)) = reader.read_event() {
            run.apply(event);
            totals.apply(event);
        }
        let _ = (run.report(), totals.summary(&run, "run", None));
        let _ = reader.left_out().notes();
    });
}

/// One change of each sort in the first steps.
const MOVES: &str = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"by-hand","seed":1,"threads":1,"device":"cpu","kernel":"avx2","started":"2026-01-01T12:00:00Z","parent":null}
{"kind":"gain_set","at_ms":1,"step":0,"from":1,"objective":"pos","old":0.5,"new":0.9,"by":"key","command":1,"over":2}
{"kind":"muted","at_ms":2,"step":0,"from":1,"objective":"next-word","muted":true,"by":"key","command":2}
{"kind":"setting_set","at_ms":3,"step":1,"from":2,"path":"train.learning_rate","old":0.0005,"new":0.0123,"by":"remote","command":3}
{"kind":"setting_set","at_ms":4,"step":1,"from":2,"path":"train.sampling","old":"proportional","new":"temperature 3.7","by":"key","command":4}
{"kind":"setting_set","at_ms":5,"step":1,"from":2,"path":"train.clip_norm","old":5,"new":0.25,"by":"key","command":5}
{"kind":"setting_set","at_ms":6,"step":2,"from":3,"path":"train.weighting","old":"equal","new":"dwa","by":"key","command":6}
{"kind":"muted","at_ms":7,"step":2,"from":3,"objective":"next-word","muted":false,"by":"key","command":7}
{"kind":"soloed","at_ms":8,"step":2,"from":3,"objective":"chunk","soloed":true,"by":"key","command":8}
{"kind":"run_ended","at_ms":9,"step":3,"ended":"stopped","reason":"key","message":null}
"#;

/// The changes in a journal, up to its first fault.
fn moves(bytes: &[u8]) -> Moves {
    let Ok(mut reader) = Reader::new(Path::new("fuzz"), bytes) else { return Moves::default() };
    let mut events: Vec<Event> = Vec::new();
    while let Ok(Some(event)) = reader.read_event() {
        events.push(event.clone());
    }
    Moves::of(&events)
}

#[test]
fn changes_of_a_damaged_journal_are_applied_or_refused() {
    let sets = ["train.steps=3", "train.evaluate_every=3"].map(str::to_owned);
    let tiny = shipped_tiny("chunking", Size { width: 2, examples: 8 }, &sets);
    let is_known = |name: &ObjectiveId| tiny.recipe.objectives.iter().any(|of| of.name == *name);
    assert_eq!(moves(MOVES.as_bytes()).iter().count(), 7, "changes of strips are joined");
    let (mut n_read, mut n_trained) = (0, 0);
    fuzz("moves", 4000, &[MOVES.into()], |_, bytes| {
        let moves = moves(bytes);
        n_read += usize::from(moves != Moves::default());
        let _ = moves.clone().after(Step(1));
        // Training takes a thousand times as long as reading.
        let is_trained = n_read.is_multiple_of(20) && moves.iter().count() > 0;
        if is_trained && moves.iter().flat_map(|(_, command)| command.strips()).all(is_known) {
            n_trained += 1;
            let run = tiny.train_with(&[], moves);
            assert_eq!(run.events.last().map(Event::kind), Some("run_ended"));
        }
    });
    assert!(n_read > 2000 && n_trained > 20, "{n_read} with changes, {n_trained} trained with");
}
