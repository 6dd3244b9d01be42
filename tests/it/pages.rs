//! The pages of an objective and of a run's health: a replay shows what the run has shown.

use auxdesk::{
    journal::{self, Journal, Writer},
    protocol::{
        Assignment, Command, Event,
        event::{PhasesTimed, Reason},
    },
    state::{self, replay},
    train::Moves,
    tui::{
        self, ColorWhen, Config, Environment, GlyphChoice, Look,
        screen::{FrameData, lines, render},
        view::{DeskMode, Page, Playing, View, keymap::Keymap},
    },
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use crate::{
    caught_up::header,
    tiny::{Run, Size as Dimensions, shipped_tiny},
};

const DIMENSIONS: Dimensions = Dimensions { width: 4, examples: 16 };

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn run(sets: &[&str], commands: &[Command]) -> Run {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    shipped_tiny("chunking", DIMENSIONS, &sets).train(commands)
}

/// A page of the desk as lines.
fn page(run: &state::Run, page: Page, mode: DeskMode, (width, height): (u16, u16)) -> Vec<String> {
    let config = Config::defaults(tui::actions());
    let look = Look::choose(ColorWhen::Never, GlyphChoice::Auto, &config, &Environment::default());
    let mut view = View::new(mode);
    (view.page, view.size, view.selected) = (page, Size { width, height }, Some("pos".into()));
    let keymap = Keymap::new(&config.keys);
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    render(FrameData { run, view: &view, look: &look, keymap: &keymap }, area, &mut buffer);
    lines(&buffer).lines().map(str::to_owned).collect()
}

#[test]
fn a_replay_shows_the_pages_that_the_run_has_shown() {
    let sets = [
        "train.steps=40",
        "train.evaluate_every=10",
        "train.measure_gradients_every=10",
        "objective.pos.patience=9",
    ];
    let run = run(&sets, &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(journal::FILE);
    let mut writer = Writer::create(&path, &header()).unwrap();
    let mut live = state::Run::new(Some(&header()));
    for event in &run.events {
        live.apply(event);
        writer.push(event);
    }
    writer.flush().unwrap();
    let journal = Journal::read(&path).unwrap();
    let replayed = replay(&journal.header, &journal.events, None);
    let playing = Playing { playing: false, speed: 1.0, seeking: None };
    for size in SIZES {
        for of in [Page::Objective, Page::Health] {
            let lived = page(&live, of, DeskMode::Live, size);
            assert_eq!(lived, page(&replayed, of, DeskMode::Live, size));
            // The header and the footer of a replay are its own, and the scrub bar takes a row.
            if size.1 == 10 {
                let again = page(&replayed, of, DeskMode::Replay(playing), size);
                assert_eq!(lived[1..9], again[1..9]);
            }
        }
    }
    let [objective, health] =
        [Page::Objective, Page::Health].map(|of| page(&replayed, of, DeskMode::Live, (120, 40)));
    let [objective, health] = [objective, health].map(|lines| lines.join("\n"));
    for text in ["d dev", "40 of 40 have a loss", "patience", "grad share", "lowest cosine"] {
        assert!(objective.contains(text), "{text}:\n{objective}");
    }
    for text in ["backward", "measure", "evaluation", "steps/s", "over the run"] {
        assert!(health.contains(text), "{text}:\n{health}");
    }
}

#[test]
fn phases_are_timed_at_fixed_steps_and_fit_into_the_step() {
    let sets = ["train.steps=45", "train.measure_gradients_every=5", "train.evaluate_every=45"];
    let run = run(&sets, &[]);
    let timed = run.events.iter().filter_map(|event| match event {
        Event::PhasesTimed(timed) => Some(timed),
        _ => None,
    });
    let timed: Vec<&PhasesTimed> = timed.collect();
    let steps: Vec<u64> = timed.iter().map(|timed| timed.step.0).collect();
    assert_eq!(steps, [1, 2, 4, 8, 16, 20, 40]);
    for timed in timed {
        let phases = timed.phases();
        assert_eq!(phases.iter().sum::<u64>(), timed.step_us, "{timed:?}");
        assert!(timed.forward_us > 0 && timed.backward_us > 0 && timed.update_us > 0, "{timed:?}");
        let is_measured = timed.step.0 >= 8;
        assert!(!is_measured || timed.measure_us > 0, "{timed:?}");
    }
}

#[test]
fn moves_repeat_a_linked_move() {
    let linked = |one: f32, other: f32| {
        Command::Set(vec![
            Assignment::gain("chunk".into(), one),
            Assignment::gain("pos".into(), other),
        ])
    };
    let mut commands = vec![Command::Pause];
    commands.extend([Command::StepOnce, linked(1.05, 0.525), Command::StepOnce, linked(0.0, 0.0)]);
    commands.extend([Command::StepOnce, Command::Stop { reason: Reason::Key }]);
    let tiny = shipped_tiny("chunking", DIMENSIONS, &[]);
    let run = tiny.train(&commands);
    let again = tiny.train_with(&[], Moves::of(&run.events));
    assert_eq!(again.steps(), run.steps());
    let mut state = state::Run::new(None);
    run.events.iter().for_each(|event| state.apply(event));
    assert_eq!(state.manual.history.n_done(), 2, "each is one change to undo");
}
