//! The cost of a frame of the desk: eight objectives with eight metrics each, after few and after a million steps, at three sizes; on the overview
//! and on the pages of the objective, gradients, shares, samples and health, with gradients of three layers measured and eight shadow rules asked
//! at every tenth step, and twenty samples of the largest size.
//!
//! `cargo bench --bench frame`. A frame is all work of the screen's thread for it: two steps are
//! applied, everything is drawn, and the difference to the previous frame is computed and written
//! (to /dev/null). The ratio is within one process.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench measures time and prints what it measured"
)]

use std::{fs::File, io::BufWriter, time::Instant};

use auxdesk::{
    protocol::{
        Event, Loss, MetricId, ObjectiveId, Step,
        event::{
            BestMetric, CorpusStarted, Cosines, Direction, Evaluated, GradientsMeasured,
            LayerCosines, MOST_ROWS, MetricStarted, ObjectiveStarted, PhasesTimed, Role,
            RunStarted, Sample, SampleForm, SampleRow, SamplesTaken, ShadowShares, Split, StepDone,
        },
    },
    state::Run,
    tui::{
        Config, Environment, GlyphChoice, Look, actions,
        screen::{FrameData, render},
        theme::ColorWhen,
        view::{DeskMode, Page, View, keymap::Keymap},
    },
};
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    layout::{Rect, Size},
};

const N_OBJECTIVES: usize = 8;
const N_METRICS: usize = 8;
const FRAMES: usize = 400;
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const PAGES: [(&str, Page); 6] = [
    ("overview", Page::Overview),
    ("objective", Page::Objective),
    ("gradients", Page::Gradients),
    ("shares", Page::Shares),
    ("samples", Page::Samples),
    ("health", Page::Health),
];

/// Steps between two measurements.
const MEASURED_EVERY: u64 = 10;

/// Steps between two evaluations.
const EVALUATED_EVERY: u64 = 200;

fn main() {
    println!("frames with {N_OBJECTIVES} objectives, {FRAMES} of them, in microseconds");
    let mut means = Vec::new();
    for n_steps in [1_000, 100_000, 1_000_000] {
        let mut run = Run::new(None);
        run.apply(&cast(n_steps).into());
        (1..=n_steps).for_each(|step| apply(step, &mut run));
        run.apply(&samples(n_steps));
        for ((page_name, page), (width, height)) in
            PAGES.iter().flat_map(|page| SIZES.map(|size| (*page, size)))
        {
            let mut times = frames(run.clone(), page, Size { width, height });
            times.sort_unstable_by(f64::total_cmp);
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            let [p50, p95] = [0.5, 0.95].map(|part| times[(times.len() as f64 * part) as usize]);
            let share = mean * 20.0 / 1e6 * 100.0;
            println!(
                "{n_steps:>9} steps behind, {page_name:<9} {width:>3}x{height}: mean {mean:.0}  p50 {p50:.0}  \
                 p95 {p95:.0}  = {share:.2} % of a core at 20 frames a second"
            );
            means.push(mean);
        }
    }
    let largest_overview = SIZES.len() - 1;
    let ratio = means[2 * SIZES.len() * PAGES.len() + largest_overview] / means[largest_overview];
    println!("a million steps behind against a thousand, overview: {ratio:.2} times");
}

fn apply(step: u64, run: &mut Run) {
    if step.is_multiple_of(MEASURED_EVERY) {
        run.apply(&gradients(step));
        run.apply(&shadow_shares(step));
        run.apply(&phases(step));
    }
    if step.is_multiple_of(EVALUATED_EVERY) {
        run.apply(&evaluated(step));
    }
    run.apply(&step_done(step));
}

fn frames(mut run: Run, page: Page, size: Size) -> Vec<f64> {
    let n_steps = run.step.0;
    let config = Config::defaults(actions());
    let environment: Environment = [("LANG", "C.UTF-8"), ("TERM", "xterm")].into_iter().collect();
    let look = Look::choose(ColorWhen::Always, GlyphChoice::Auto, &config, &environment);
    let keymap = Keymap::new(&config.keys);
    let mut view = View::new(DeskMode::Live);
    (view.size, view.page) = (size, page);
    let nowhere = File::options().write(true).open("/dev/null").expect("there is a nowhere");
    let area = Rect::new(0, 0, size.width, size.height);
    let mut terminal = Terminal::with_options(
        CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, nowhere)),
        TerminalOptions { viewport: Viewport::Fixed(area) },
    )
    .expect("a fixed viewport asks nothing");
    let mut times = Vec::new();
    for frame in 0..FRAMES as u64 {
        let began = Instant::now();
        for step in 1..=2 {
            apply(n_steps + 2 * frame + step, &mut run);
        }
        let data = FrameData { run: &run, view: &view, look: &look, keymap: &keymap };
        terminal
            .draw(|frame| render(data, frame.area(), frame.buffer_mut()))
            .expect("nowhere takes everything");
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    // The first frame fills the whole screen, which happens only once.
    times.remove(0);
    times
}

/// As many samples as there can be, as long as they can be.
fn samples(step: u64) -> Event {
    let row = |at: usize| SampleRow {
        of: format!("word{at}"),
        gold: Some("B-NP".to_owned()),
        predicted: Some(if at.is_multiple_of(3) { "I-NP" } else { "B-NP" }.to_owned()),
    };
    let sample = |example| Sample {
        corpus: "news".to_owned(),
        example,
        loss: None,
        texts: Vec::new(),
        form: SampleForm::Tokens,
        rows: (0..MOST_ROWS).map(row).collect(),
        left_out: None,
    };
    let samples = (1..=20).map(sample).collect();
    let (at_ms, step) = (step * 31, Step(step));
    SamplesTaken { at_ms, step, objective: name(0), worst: false, samples }.into()
}

fn name(at: usize) -> ObjectiveId {
    format!("objective-{at}").as_str().into()
}

fn cast(n_steps: u64) -> RunStarted {
    let started =
        |at: usize| MetricStarted { name: metric(at), short: None, direction: Direction::Higher };
    let objective = |at: usize| ObjectiveStarted {
        name: name(at),
        role: if at == 0 { Role::Main } else { Role::Auxiliary },
        kind: "tag".into(),
        corpus: vec!["news".into()],
        gain: 1.0,
        muted: false,
        metrics: (0..N_METRICS).map(started).collect(),
        patience: None,
    };
    RunStarted {
        at_ms: 0,
        objectives: (0..N_OBJECTIVES).map(objective).collect(),
        corpora: vec![CorpusStarted {
            name: "news".into(),
            splits: [].into_iter().collect(),
            skipped: 0,
            irregularities: Vec::new(),
        }],
        parameters: 1_000_000,
        steps: 2 * n_steps,
        steps_per_epoch: 1_000,
        best: BestMetric { objective: name(0), metric: metric(0) },
        settings: [].into(),
        vectors: Vec::new(),
        warm_starts: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A value between −1 and 1 that wanders.
fn wander(step: u64, at: usize) -> f32 {
    (step as f32 / 900.0 + at as f32).sin()
}

fn gradients(step: u64) -> Event {
    let cosines = |of_layer: usize| -> Cosines {
        let pair = |one: usize, other: usize| wander(step, one + 3 * other + of_layer);
        let others = |one: usize| {
            (one + 1..N_OBJECTIVES).map(move |other| (name(other), pair(one, other))).collect()
        };
        (0..N_OBJECTIVES - 1).map(|one| (name(one), others(one))).collect()
    };
    let layer = |at: usize| LayerCosines { layer: format!("trunk.{at}"), cosines: cosines(at) };
    let of_each = |value: f32| (0..N_OBJECTIVES).map(|at| (name(at), value)).collect();
    GradientsMeasured {
        at_ms: step * 25,
        step: Step(step),
        norms: of_each(1.0),
        gradient_shares: of_each(1.0 / N_OBJECTIVES as f32),
        cosines: cosines(0),
        layers: (1..4).map(layer).collect(),
        lagged_cosines: of_each(0.1),
    }
    .into()
}

fn shadow_shares(step: u64) -> Event {
    let shares = |rule: usize| {
        let share = |at: usize| (name(at), 1.0 + wander(step, at + rule));
        (format!("rule-{rule}"), (0..N_OBJECTIVES).map(share).collect())
    };
    let (at_ms, step) = (step * 25, Step(step));
    ShadowShares { at_ms, step, shares: (0..8).map(shares).collect(), took_us: 900 }.into()
}

fn phases(step: u64) -> Event {
    PhasesTimed {
        at_ms: step * 25,
        step: Step(step),
        draw_us: 200,
        forward_us: 9_000 + step % 900,
        backward_us: 12_000,
        measure_us: 1_000,
        update_us: 1_500,
        step_us: 24_800 + step % 900,
    }
    .into()
}

/// Of the selected objective, with many metrics.
fn evaluated(step: u64) -> Event {
    let score = |at: usize| (metric(at), 50.0 + 10.0 * wander(step, at));
    Evaluated {
        at_ms: step * 25,
        step: Step(step),
        split: Split::Dev,
        objective: name(0),
        loss: Loss::read(1.2 + 0.2 * wander(step, 3)),
        metrics: (0..N_METRICS).map(score).collect(),
        extra: false,
        took_ms: 300,
        command: None,
    }
    .into()
}

fn metric(at: usize) -> MetricId {
    format!("metric_{at}").as_str().into()
}

fn step_done(step: u64) -> Event {
    let loss = |at: usize| {
        let wobble = (step.wrapping_mul(6_364_136_223_846_793_005) >> (at + 33)) % 1_000;
        let fallen = (at + 1) as f32 * (0.1 + 1.0 / (1.0 + step as f32 / 5_000.0));
        Loss::read(fallen * (0.8 + wobble as f32 / 2_500.0)).expect("a number")
    };
    StepDone {
        at_ms: step * 25,
        step: Step(step),
        losses: (0..N_OBJECTIVES).map(|at| (name(at), loss(at))).collect(),
        weights: (0..N_OBJECTIVES).map(|at| (name(at), 1.0)).collect(),
        shares: (0..N_OBJECTIVES).map(|at| (name(at), 1.0)).collect(),
        draws: [("news".to_owned(), 32)].into(),
        gradient_norm: 1.0,
        learning_rate: 0.001,
        tokens: 640,
        step_ms: 25,
        temperature: None,
        epochs: None,
    }
    .into()
}
