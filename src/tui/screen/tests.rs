//! Every page at every size, with color, without color and in ASCII.
//!
//! `INSTA_UPDATE=always cargo test --release --lib screen` rewrites the snapshots; review them
//! before you keep them.

mod fixture;

use std::{collections::BTreeMap, fmt::Write};

use proptest::prelude::*;
use ratatui::{layout::Size, style::Style};

use super::*;
use crate::{
    arbitrary,
    protocol::{
        By, Loss, Step,
        event::{Ended, Reason, RunEnded, SamplingAdapted, Setting, SettingSet, Split, StepDone},
    },
    tui::{
        Glyphs, Theme, glyphs,
        line::Line,
        theme::ColorDepth,
        view::{DeskMode, Effect, Page, Palette, Playing, ProcessHealth, Prompt, PromptKind, Tour},
    },
};
use fixture::{of_three_corpora, pressed, ranked, sampled, shadowed, timed, trained};

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

/// A look with color and all glyphs.
pub(crate) fn look() -> Look {
    look_of("dark", &glyphs::BRAILLE)
}

fn look_of(theme: &str, glyphs: &'static Glyphs) -> Look {
    Look { theme: Theme::shipped(theme).unwrap(), glyphs, depth: ColorDepth::Ansi16 }
}

fn drawn(run: &Run, view: &View, look: &Look) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, view.size.width, view.size.height));
    let keymap = Keymap::new(&BTreeMap::new());
    let area = buffer.area;
    render(FrameData { run, view, look, keymap: &keymap }, area, &mut buffer);
    buffer
}

/// The styles of a buffer: one line for each row that has any, with `FROM-TO style` for each run of
/// cells.
fn styles(buffer: &Buffer) -> String {
    let mut text = String::new();
    for (y, row) in buffer.content.chunks(usize::from(buffer.area.width)).enumerate() {
        let mut runs = String::new();
        let mut start = 0;
        for end in 1..=row.len() {
            if end < row.len() && row[end].style() == row[start].style() {
                continue;
            }
            let style = row[start].style();
            let plain = Style::reset()
                .patch(Style { underline_color: style.underline_color, ..Style::new() });
            if style != plain {
                let modifiers = style.add_modifier;
                let _ = write!(runs, " {start}-{end}");
                for color in [style.fg, style.bg].into_iter().flatten() {
                    let _ = write!(runs, ":{color}");
                }
                if !modifiers.is_empty() {
                    let _ = write!(runs, ":{modifiers:?}");
                }
            }
            start = end;
        }
        if !runs.is_empty() {
            let _ = writeln!(text, "{y}{runs}");
        }
    }
    text
}

/// One frame at every size, in every look.
fn pictures(name: &str, run: &Run, view: &View) {
    for (width, height) in SIZES {
        let mut view = view.clone();
        view.size = Size::new(width, height);
        let color = drawn(run, &view, &look());
        let plain = drawn(run, &view, &look_of("plain", &glyphs::ASCII));
        let block = drawn(run, &view, &look_of("light", &glyphs::BLOCK));
        let ascii = lines(&plain);
        assert!(ascii.is_ascii(), "{name}: the ASCII look has other characters:\n{ascii}");
        let has_color = plain.content.iter().any(|cell| {
            use ratatui::style::Color::Reset;
            cell.fg != Reset || cell.bg != Reset
        });
        assert!(!has_color, "{name}: a look without color has some");
        let picture = format!(
            "{}\n== styles, dark\n{}\n== ascii\n{ascii}\n== styles, plain\n{}\n== block\n{}",
            lines(&color),
            styles(&color),
            styles(&plain),
            lines(&block),
        );
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("{name}-{width}x{height}"), picture);
        });
    }
}

fn page(page: Page) -> View {
    View { page, ..View::new(DeskMode::Live) }
}

#[test]
fn a_run_during_training() {
    pictures("overview", &trained(), &View::new(DeskMode::Live));
    pictures("chart", &trained(), &page(Page::Chart));
    pictures("gradients", &trained(), &page(Page::Gradients));
    pictures("events", &trained(), &page(Page::Events));
    pictures("shares-none", &trained(), &page(Page::Shares));
}

#[test]
fn the_tour_of_the_first_start() {
    let (run, tour) = (trained(), Some(Tour::default()));
    let mut view = View { tour, ..View::new(DeskMode::Live) };
    pictures("tour", &run, &view);
    pressed(&mut view, &run, "j");
    pictures("tour-move", &run, &view);
}

#[test]
fn the_tour_has_the_keys_of_the_user_and_fits_every_screen() {
    let mut run = trained();
    let users = [("end-tour".to_owned(), vec!["ctrl-e".parse().unwrap()])].into();
    let keymap = Keymap::new(&users);
    let tour = Some(Tour::default());
    for (width, height) in SIZES {
        let size = Size::new(width, height);
        let view = View { size, tour, ..View::new(DeskMode::Live) };
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let area = buffer.area;
        render(
            FrameData { run: &run, view: &view, look: &look(), keymap: &keymap },
            area,
            &mut buffer,
        );
        let text = lines(&buffer);
        let line = text.lines().find(|line| line.contains("tour 1/5")).unwrap();
        assert!(line.contains("objective") && !line.contains("X ends"), "{line}");
        assert_eq!(line.contains("ctrl-e ends"), width > 40, "{line}");
        assert!(!line.contains('…'), "{line}");
        // Where it has a row of its own, the keys are still there.
        assert_eq!(text.contains("? help"), height >= 20);
    }
    // A fader of a run that has ended can be moved once it is trained on.
    let ended = RunEnded {
        at_ms: run.at_ms,
        step: run.step,
        ended: Ended::Finished,
        reason: Reason::Epochs,
        message: None,
    };
    run.apply(&ended.into());
    let mut view = View { tour, size: Size::new(80, 24), ..View::new(DeskMode::Live) };
    pressed(&mut view, &run, "j");
    let text = lines(&drawn(&run, &view, &look()));
    assert!(text.contains("tour 2/5 C trains the run on"), "{text}");
}

#[test]
fn samples_of_the_selected_objective() {
    let run = sampled();
    let on = |objective: &str| View {
        page: Page::Samples,
        focus: Focus::Samples,
        selected: Some(objective.into()),
        ..View::new(DeskMode::Live)
    };
    pictures("samples-tags", &run, &on("chunk"));
    pictures("samples-spans", &run, &on("ner"));
    pictures("samples-texts", &run, &on("next-word"));
    pictures("samples-numbers", &run, &on("frequency"));
    pictures("samples-none", &run, &on("pos"));
    let mut view = on("chunk");
    view.size = Size::new(120, 40);
    pressed(&mut view, &run, "left down");
    let text = lines(&drawn(&run, &view, &look()));
    assert!(text.contains("dev after step 200  evaluation 1/2"), "{text}");
    assert!(!text.contains("1/2  news 7") && text.contains("2/2  news 31"), "{text}");
}

#[test]
fn shadow_rules_beside_the_one_in_force() {
    let run = shadowed();
    pictures("shadows", &run, &View::new(DeskMode::Live));
    pictures("shadows-shares", &run, &page(Page::Shares));
    pictures("shadows-gradients", &run, &page(Page::Gradients));
    let overlay = Some(Overlay::Weightings { selected: 2 });
    pictures("weightings", &run, &View { overlay, ..View::new(DeskMode::Live) });
}

#[test]
fn the_scores_of_the_selected_strip() {
    let of = |name: &str| View { selected: Some(name.into()), ..page(Page::Scores) };
    pictures("scores", &trained(), &of("pos"));
    pictures("scores-few", &trained(), &of("frequency"));
    pictures("scores-spans", &trained(), &of("chunk"));
    pictures("scores-metrics", &ranked(), &of("chunk"));
}

#[test]
fn the_page_of_the_selected_objective() {
    let of = |name: &str| View { selected: Some(name.into()), ..page(Page::Objective) };
    pictures("objective", &trained(), &of("pos"));
    pictures("objective-muted", &trained(), &of("next-word"));
    pictures("objective-metrics", &ranked(), &of("chunk"));
    let mut begun = Run::new(None);
    begun.apply(&arbitrary::run_started().into());
    (1..=7).for_each(|at| begun.apply(&arbitrary::step_done(at, "chunk", 2.0).into()));
    pictures("objective-begun", &begun, &of("chunk"));
    pictures("objective-empty", &Run::new(None), &page(Page::Objective));
}

#[test]
fn the_page_of_an_objective_says_how_it_is_trained() {
    let mut started = arbitrary::run_started();
    started.objectives[2].patience = Some(3);
    for (key, value) in [("learning_rate_factor", 0.5), ("accumulation_steps", 4.0)] {
        started.settings.insert(format!("objective.pos.{key}"), Setting::Number(value));
    }
    let mut run = Run::new(None);
    run.apply(&started.into());
    let step = |at| StepDone {
        weights: [("pos".into(), 1.0)].into(),
        losses: [("pos".into(), Loss::read(2.0).unwrap())].into(),
        ..arbitrary::step_done(at, "pos", 2.0)
    };
    run.apply(&step(1).into());
    let selected = Some("pos".into());
    let view = View { selected, size: Size::new(80, 24), ..page(Page::Objective) };
    let shown = |run: &Run, view: &View| lines(&drawn(run, view, &look()));
    let first = shown(&run, &view);
    assert!(first.contains("3 of 3 left"), "{first}");
    assert!(first.contains("0.500 x 0.5 = 0.250"), "{first}");
    assert!(first.contains("4 steps per update"), "{first}");
    assert!(first.contains("32  0.10 epochs"), "{first}");
    assert!(first.contains("not evaluated yet"), "{first}");
    for (at, value) in [(1, 50.0), (2, 40.0), (3, 45.0)] {
        run.apply(&arbitrary::evaluated(at, Split::Dev, "pos", "f1", value).into());
    }
    assert!(shown(&run, &view).contains("1 of 3 left"), "{}", shown(&run, &view));
    let mut view = view;
    view.size = Size::new(40, 10);
    let small = shown(&run, &view);
    assert!(small.contains("training      trained") && small.contains("best 50.00@1"), "{small}");
}

#[test]
fn where_the_time_goes_and_the_state_of_the_process() {
    let run = timed();
    let resident_bytes = Some(1_234 << 20);
    let process = Some(ProcessHealth { resident_bytes, journal_lag: 3, frames_missed: 2 });
    let live = View { process, ..page(Page::Health) };
    pictures("health", &run, &live);
    pictures("health-empty", &Run::new(None), &page(Page::Health));
    // A replay has all but the process.
    let playing = Playing { playing: false, speed: 1.0, seeking: None };
    let size = Size::new(120, 40);
    let replayed = View { mode: DeskMode::Replay(playing), size, ..page(Page::Health) };
    let shown = lines(&drawn(&run, &replayed, &look()));
    assert!(shown.contains("memory         -") && shown.contains("backward"), "{shown}");
    assert!(shown.contains("7.10 ms"), "{shown}");
}

#[test]
fn a_strip_without_scores_says_why() {
    let mut view = View { size: Size::new(40, 10), ..page(Page::Scores) };
    let shown = |run: &Run, view: &View| lines(&drawn(run, view, &look()));
    assert!(shown(&Run::new(None), &view).contains("waiting for the run to start"));
    let mut begun = Run::new(None);
    begun.apply(&crate::arbitrary::run_started().into());
    assert!(shown(&begun, &view).contains("chunk: not scored yet"));
    view.selected = Some("next-word".into());
    assert!(shown(&trained(), &view).contains("perplexity ↓  600.00"));
}

#[test]
fn the_usage_of_each_corpus() {
    let run = of_three_corpora();
    let mut view = page(Page::Corpora);
    pictures("corpora", &run, &view);
    view.size = Size::new(80, 24);
    pressed(&mut view, &run, "d ctrl-u a l l enter");
    let shown = lines(&drawn(&run, &view, &look()));
    assert!(shown.contains("\u{25cb}all"), "a request is hollow until it is answered:\n{shown}");
    let replayed = DeskMode::Replay(Playing { playing: false, speed: 1.0, seeking: None });
    let view = View { mode: replayed, size: view.size, ..page(Page::Corpora) };
    let shown = lines(&drawn(&run, &view, &look()));
    assert!(!shown.contains("d changes it"), "there is nothing to change:\n{shown}");
}

#[test]
fn an_annealed_temperature_shows_its_current_value() {
    let mut run = trained();
    let step = arbitrary::step_done(301, "chunk", 1.0);
    run.apply(&StepDone { temperature: Some(1.25), ..step }.into());
    let view = View { size: Size::new(80, 24), ..page(Page::Corpora) };
    let shown = lines(&drawn(&run, &view, &look()));
    assert!(
        shown.contains("sampling temperature 1.25  annealed by the recipe's schedule"),
        "{shown}"
    );
}

#[test]
fn a_sampling_rule_that_follows_progress_shows_the_rate_of_each_group() {
    let mut run = trained();
    let (old, new) = ([("news".to_owned(), 1.0)].into(), [("news", 0.8), ("web", 0.2)]);
    let new = new.map(|(group, rate)| (group.to_owned(), rate)).into();
    let adapted = SamplingAdapted { at_ms: 9, step: Step(300), from: Step(301), old, new };
    run.apply(&adapted.into());
    let described = run.log.iter().next_back().unwrap().text.clone();
    assert_eq!(
        described,
        "sampling follows progress from step 301  news in 80 % of steps, 100 % before  web in 20 % of steps"
    );
    let view = View { size: Size::new(80, 24), ..page(Page::Corpora) };
    let screen = lines(&drawn(&run, &view, &look()));
    assert!(screen.contains("  news 80%  web 20%"), "{screen}");
    let rule = |name: &str| Setting::Text(name.to_owned());
    let set = SettingSet {
        at_ms: 9,
        step: Step(300),
        from: Step(301),
        path: "train.sampling".into(),
        old: rule("bandit"),
        new: rule("uniform"),
        by: By::Key,
        command: None,
        undoes: None,
    };
    run.apply(&set.into());
    let screen = lines(&drawn(&run, &view, &look()));
    assert!(!screen.contains("80%"), "a rule that is set begins anew:\n{screen}");
}

#[test]
fn hidden_corpora_are_counted() {
    let mut run = of_three_corpora();
    (run.plan.corpora, run.usage.spent_us) = (vec![run.plan.corpora[0].clone(); 12], vec![0; 12]);
    let view = View { size: Size::new(40, 10), ..page(Page::Corpora) };
    let shown = lines(&drawn(&run, &view, &look()));
    assert!(shown.contains("9 more"), "{shown}");
}

#[test]
fn a_run_before_its_first_event() {
    pictures("empty", &Run::new(None), &View::new(DeskMode::Live));
}

#[test]
fn requests_without_an_answer() {
    let run = trained();
    let mut view = View::new(DeskMode::Live);
    pressed(&mut view, &run, "j l l l m");
    pictures("pending", &run, &view);
}

#[test]
fn linked_faders() {
    let run = trained();
    let mut view = View::new(DeskMode::Live);
    pressed(&mut view, &run, "2 & 3 l");
    pictures("linked", &run, &view);
    view.size = Size::new(40, 10);
    let shown = lines(&drawn(&run, &view, &look()));
    assert_eq!(shown.matches('&').count(), 2, "{shown}");
}

#[test]
fn a_requested_gain_is_visible_on_the_smallest_screen() {
    let run = trained();
    let mut view = View { size: Size::new(40, 10), ..View::new(DeskMode::Live) };
    pressed(&mut view, &run, "j l");
    let shown = lines(&drawn(&run, &view, &look()));
    assert!(shown.contains("\u{25cb}0.525"), "{shown}");
}

#[test]
fn windows_above_the_panels() {
    let run = trained();
    let open = |overlay| View { overlay: Some(overlay), ..View::new(DeskMode::Live) };
    pictures("help", &run, &open(Overlay::help()));
    let search = Overlay::Help { search: Line::new("fader"), searching: true, scroll: 0 };
    pictures("help-search", &run, &open(search));
    let palette = Palette { line: Line::new("re"), ..Palette::default() };
    pictures("palette", &run, &open(Overlay::Palette(palette)));
    let mut prompt = Prompt::new(PromptKind::Gain("pos".into()), "much");
    prompt.fault = prompt.entry(0).err();
    pictures("prompt", &run, &open(Overlay::Prompt(prompt)));
    pictures("settings", &run, &open(Overlay::Settings { selected: 1 }));
    pictures("confirm-stop", &run, &open(Overlay::ConfirmStop));
}

#[test]
fn a_replay_and_a_zoomed_chart() {
    let playing = Playing { playing: true, speed: 8.0, seeking: Some(0.4) };
    let mut view = View::new(DeskMode::Replay(playing));
    view.size = Size::new(120, 40);
    let run = trained();
    pressed(&mut view, &run, "tab + + left left y");
    pictures("replay", &run, &view);
}

fn key() -> impl Strategy<Value = crossterm::event::KeyEvent> {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let code = prop_oneof![
        6 => any::<char>().prop_map(KeyCode::Char),
        12 => prop::sample::select(
            "hjklHJKL0123456789wWmsSuabABncerdpyxvzotTGOPq&?:/{}[]<>,.+-= y".chars().collect::<Vec<_>>()
        ).prop_map(KeyCode::Char),
        6 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace,
            KeyCode::Delete, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown,
            KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::F(1),
        ]),
    ];
    let modifiers = prop_oneof![
        4 => Just(KeyModifiers::NONE),
        1 => Just(KeyModifiers::SHIFT),
        1 => Just(KeyModifiers::CONTROL),
        1 => Just(KeyModifiers::ALT),
    ];
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_keys_at_any_size_over_any_run_are_drawn(
        events in crate::arbitrary::events(),
        keys in prop::collection::vec((key(), 0u16..260, 0u16..90), 0..40),
        mode in prop::sample::select(vec![
            DeskMode::Live,
            DeskMode::Observe,
            DeskMode::Replay(Playing { playing: false, speed: 1.0, seeking: None }),
        ]),
    ) {
        let keymap = Keymap::new(&BTreeMap::new());
        let look = look();
        let mut run = Run::new(None);
        let mut view = View::new(mode);
        let mut events = events.iter();
        let mut order = 0;
        for (key, width, height) in keys {
            view.size = Size::new(width, height);
            drawn(&run, &view, &look);
            for effect in view.press(key, &keymap, &run) {
                if let Effect::Send(request) = effect {
                    let ends = matches!(request.command, crate::protocol::Command::Stop { .. });
                    prop_assert!(mode == DeskMode::Live || ends && mode == DeskMode::Observe, "{request:?}");
                    order += 1;
                    view.sent(&request, Some(crate::protocol::CommandId(order)));
                }
            }
            if let Some(event) = events.next() {
                run.apply(event);
                view.answered(event, &run);
            }
            drawn(&run, &view, &look);
        }
    }
}
