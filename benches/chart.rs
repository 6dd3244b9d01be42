//! The cost of a frame of the loss chart, and its independence from the length of the run.
//!
//! `cargo bench --bench chart` prints microseconds per frame; `cargo bench --bench chart -- show
//! braille 120 30` prints the chart itself.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::{collections::BTreeMap, env, hint::black_box, time::Instant};

use auxdesk::{
    protocol::{
        By, Loss, ObjectiveId, Step,
        event::{
            BestMetric, CheckpointSaved, Evaluated, GainSet, Muted, NonFiniteLoss,
            ObjectiveStarted, Role, RunStarted, Split, StepDone,
        },
    },
    state::{Run, Unit},
    tui::{
        GlyphSet,
        chart::{Chart, ChartStyle, ChartView, Window},
    },
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

const NAMES: [&str; 8] =
    ["chunk", "pos", "ner", "next-word", "frequency", "parse", "sentiment", "adversary"];

/// The area of the measured frame, in cells.
const FRAME: Rect = Rect { x: 0, y: 0, width: 140, height: 25 };

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if words.first().is_some_and(|word| word == "show") {
        show(&words[1..]);
        return;
    }
    let lengths = [1_000, 100_000, 1_000_000];
    let runs = lengths.map(noisy);
    for markers in [GlyphSet::Braille, GlyphSet::Block, GlyphSet::Ascii] {
        let mut least = [f64::INFINITY; 3];
        // Interleaved, so that other load on the machine affects all lengths alike.
        for _ in 0..40 {
            for (run, least) in runs.iter().zip(&mut least) {
                *least = least.min(frame_us(run, markers, Unit::Steps));
            }
        }
        let texts = lengths.iter().zip(least).map(|(n, us)| format!("{n} steps {us:.0} us"));
        let texts: Vec<String> = texts.collect();
        println!("{markers:?}: {}  ratio {:.2}", texts.join("  "), least[2] / least[0]);
    }
    for unit in [Unit::Tokens, Unit::Ms] {
        let us = (0..40).map(|_| frame_us(&runs[2], GlyphSet::Braille, unit));
        println!("{unit:?}: 1000000 steps {:.0} us", us.fold(f64::INFINITY, f64::min));
    }
}

/// The mean of a few frames.
fn frame_us(run: &Run, markers: GlyphSet, unit: Unit) -> f64 {
    const FRAMES: u32 = 10;
    let view = ChartView { unit, cursor: Some(Step(run.step.0 / 3)), ..ChartView::default() };
    let mut buffer = Buffer::empty(FRAME);
    let selected = ObjectiveId::from("ner");
    let begun = Instant::now();
    for _ in 0..FRAMES {
        draw(run, &view, Some(&selected), markers, &mut buffer);
        black_box(&buffer);
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(FRAMES)
}

fn draw(
    run: &Run,
    view: &ChartView,
    selected: Option<&ObjectiveId>,
    markers: GlyphSet,
    buffer: &mut Buffer,
) -> String {
    let series = [Style::new().red(), Style::new().green(), Style::new().blue()];
    let style = ChartStyle { markers, series: &series, ..ChartStyle::default() };
    let chart = Chart { run, view, selected, shows_dev: false, style };
    chart.render(buffer.area, buffer);
    chart.title()
}

/// `show braille|block|ascii WIDTH HEIGHT [STEPS] [CURSOR] [all|last|tokens|ms] [SELECTED]`
fn show(words: &[String]) {
    let word = |place: usize| words.get(place).map_or("", String::as_str);
    let number = |place: usize, default: u64| word(place).parse().unwrap_or(default);
    let markers = match word(0) {
        "block" => GlyphSet::Block,
        "ascii" => GlyphSet::Ascii,
        _ => GlyphSet::Braille,
    };
    let area = Rect::new(0, 0, number(1, 120) as u16, number(2, 30) as u16);
    let run = noisy(number(3, 12_431));
    let cursor = Some(Step(number(4, 0))).filter(|cursor| cursor.0 > 0);
    let mut view = ChartView { cursor, ..ChartView::default() };
    match word(5) {
        "last" => view.window = Window::Last(run.step.0 / 10),
        "tokens" => view.unit = Unit::Tokens,
        "ms" => view.unit = Unit::Ms,
        "raw" => view.smoothing = 0,
        "linear" => view.log_y = false,
        _ => {}
    }
    let selected = Some(word(6)).filter(|name| !name.is_empty()).map(ObjectiveId::from);
    let mut buffer = Buffer::empty(area);
    let title = draw(&run, &view, selected.as_ref(), markers, &mut buffer);
    println!("+- {title}");
    for row in buffer.content.chunks(usize::from(area.width)) {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        println!("|{text}|");
    }
}

/// Eight falling, noisy losses, with changes, evaluations, checkpoints, a spike and a non-finite
/// loss.
fn noisy(n_steps: u64) -> Run {
    let mut run = Run::new(None);
    let objective = |(place, name): (usize, &&str)| ObjectiveStarted {
        name: (*name).into(),
        role: if place == 0 { Role::Main } else { Role::Auxiliary },
        kind: "tag".into(),
        corpus: vec!["news".into()],
        gain: 1.0,
        muted: false,
        metrics: Vec::new(),
        patience: None,
    };
    run.apply(
        &RunStarted {
            at_ms: 0,
            objectives: NAMES.iter().enumerate().map(objective).collect(),
            corpora: Vec::new(),
            parameters: 1,
            steps: n_steps,
            steps_per_epoch: 1000,
            best: BestMetric { objective: NAMES[0].into(), metric: "f1".into() },
            settings: [].into(),
            vectors: Vec::new(),
            warm_starts: Vec::new(),
            warnings: Vec::new(),
        }
        .into(),
    );
    let mut seed = 1_u64;
    let mut noise = move || {
        // xorshift: a bench needs no better dice.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 40) as f32 / (1u64 << 24) as f32
    };
    let names = NAMES.map(ObjectiveId::from);
    let tenth = (n_steps / 10).max(1);
    for step in 1..=n_steps {
        let part = step as f32 / n_steps as f32;
        let mut losses = BTreeMap::new();
        for (place, name) in names.iter().enumerate() {
            let (start, end) = (3.0 - 0.2 * place as f32, 0.06 * 1.9_f32.powi(place as i32));
            let fall = (-part * (4.0 + place as f32)).exp();
            let swing = 1.0 + (0.15 + 0.03 * place as f32) * (noise() + noise() + noise() - 1.5);
            let mut loss = (end + (start - end) * fall) * swing;
            if place == 1 && step == 6 * tenth {
                loss *= 12.0;
            }
            let is_silent = (place == 3 && step > 7 * tenth)
                || (place == 2 && (4 * tenth..4 * tenth + tenth / 40).contains(&step));
            if !is_silent {
                losses.insert(name.clone(), Loss::read(loss).expect("it is finite"));
            }
        }
        run.apply(
            &StepDone {
                at_ms: step * 7,
                step: Step(step),
                losses,
                weights: BTreeMap::new(),
                shares: BTreeMap::new(),
                draws: BTreeMap::new(),
                gradient_norm: 1.0,
                learning_rate: 1e-3,
                tokens: 600,
                step_ms: 7,
                temperature: None,
                epochs: None,
            }
            .into(),
        );
        beside(&mut run, step, tenth);
    }
    run
}

/// The events between two steps.
fn beside(run: &mut Run, step: u64, tenth: u64) {
    let (at_ms, at, from) = (step * 7, Step(step), Step(step + 1));
    let (by, command, undoes) = (By::Key, None, None);
    if step == 3 * tenth || step == 5 * tenth {
        let (old, new) = if step == 3 * tenth { (0.5, 0.8) } else { (0.8, 0.25) };
        let objective = NAMES[2].into();
        let (ended_schedule, over) = (false, None);
        run.apply(
            &GainSet {
                at_ms,
                step: at,
                from,
                objective,
                old,
                new,
                by,
                command,
                ended_schedule,
                over,
                undoes,
            }
            .into(),
        );
    }
    if step == 7 * tenth {
        let (objective, muted) = (NAMES[3].into(), true);
        run.apply(&Muted { at_ms, step: at, from, objective, muted, by, command, undoes }.into());
    }
    if step == 8 * tenth {
        run.apply(&NonFiniteLoss { at_ms, step: at, objective: Some(NAMES[0].into()) }.into());
    }
    if step % tenth.min(500) == tenth.min(500) - 1 {
        for name in NAMES {
            run.apply(
                &Evaluated {
                    at_ms,
                    step: at,
                    split: Split::Dev,
                    objective: name.into(),
                    loss: None,
                    metrics: BTreeMap::new(),
                    extra: false,
                    took_ms: 9,
                    command,
                }
                .into(),
            );
        }
    }
    if step % (2 * tenth) == tenth {
        run.apply(
            &CheckpointSaved {
                at_ms,
                step: at,
                name: "last".into(),
                last_evaluation: at,
                best: None,
                command,
            }
            .into(),
        );
    }
}
