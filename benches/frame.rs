//! The cost of a frame of the desk: eight objectives, 200x60, after few and after a million steps.
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
        Event, Loss, ObjectiveId, Step,
        event::{
            BestMetric, CorpusStarted, Direction, MetricStarted, ObjectiveStarted, Role,
            RunStarted, StepDone,
        },
    },
    state::Run,
    tui::{
        Config, Environment, GlyphChoice, Look, actions,
        screen::{FrameData, render},
        theme::ColorWhen,
        view::{DeskMode, View, keymap::Keymap},
    },
};
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    layout::{Rect, Size},
};

const N_OBJECTIVES: usize = 8;
const FRAMES: usize = 400;
const SIZE: Size = Size { width: 200, height: 60 };

fn main() {
    println!("frames at 200x60 with {N_OBJECTIVES} objectives, {FRAMES} of them, in microseconds");
    let mut means = Vec::new();
    for n_steps in [1_000, 100_000, 1_000_000] {
        let mut times = frames(n_steps);
        times.sort_unstable_by(f64::total_cmp);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let [p50, p95] = [0.5, 0.95].map(|part| times[(times.len() as f64 * part) as usize]);
        let share = mean * 20.0 / 1e6 * 100.0;
        println!(
            "{n_steps:>9} steps behind: mean {mean:.0}  p50 {p50:.0}  p95 {p95:.0}  \
             = {share:.2} % of a core at 20 frames a second"
        );
        means.push(mean);
    }
    println!("a million steps behind against a thousand: {:.2} times", means[2] / means[0]);
}

fn frames(n_steps: u64) -> Vec<f64> {
    let mut run = Run::new(None);
    run.apply(&cast(n_steps).into());
    for step in 1..=n_steps {
        run.apply(&step_done(step));
    }
    let config = Config::defaults(actions());
    let environment: Environment = [("LANG", "C.UTF-8"), ("TERM", "xterm")].into_iter().collect();
    let look = Look::choose(ColorWhen::Always, GlyphChoice::Auto, &config, &environment);
    let keymap = Keymap::new(&config.keys);
    let mut view = View::new(DeskMode::Live);
    view.size = SIZE;
    let nowhere = File::options().write(true).open("/dev/null").expect("there is a nowhere");
    let area = Rect::new(0, 0, SIZE.width, SIZE.height);
    let mut terminal = Terminal::with_options(
        CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, nowhere)),
        TerminalOptions { viewport: Viewport::Fixed(area) },
    )
    .expect("a fixed viewport asks nothing");
    let mut times = Vec::new();
    for frame in 0..FRAMES as u64 {
        let began = Instant::now();
        for step in 1..=2 {
            run.apply(&step_done(n_steps + 2 * frame + step));
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

fn name(at: usize) -> ObjectiveId {
    format!("objective-{at}").as_str().into()
}

fn cast(n_steps: u64) -> RunStarted {
    let objective = |at: usize| ObjectiveStarted {
        name: name(at),
        role: if at == 0 { Role::Main } else { Role::Auxiliary },
        kind: "tag".into(),
        corpus: vec!["news".into()],
        gain: 1.0,
        muted: false,
        metrics: vec![MetricStarted { name: "f1".into(), direction: Direction::Higher }],
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
        best: BestMetric { objective: name(0), metric: "f1".into() },
        settings: [].into(),
        vectors: Vec::new(),
        warm_starts: Vec::new(),
        warnings: Vec::new(),
    }
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
