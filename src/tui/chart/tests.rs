//! The chart as text: worked examples, and properties of every chart.

use proptest::prelude::*;
use ratatui::style::Color;

use super::*;
use crate::{
    arbitrary,
    protocol::{
        By, Event, Header, Loss, Step,
        event::{
            CheckpointSaved, Evaluated, NonFiniteLoss, Noted, Reason, RunEnded, Split, StepDone,
        },
    },
};

pub(super) fn run(events: impl IntoIterator<Item = Event>) -> Run {
    let mut run = Run::new(None::<&Header>);
    run.apply(&arbitrary::run_started().into());
    events.into_iter().for_each(|event| run.apply(&event));
    run
}

/// A run of `n_steps` steps whose loss is always 1.
pub(super) fn stepped(n_steps: u64) -> Run {
    run((1..=n_steps).map(|step| arbitrary::step_done(step, "chunk", 1.0).into()))
}

pub(super) fn ended(step: u64) -> Event {
    let (step, reason) = (Step(step), Reason::Steps);
    RunEnded { at_ms: step.0 * 10, step, ended: reason.ended(), reason, message: None }.into()
}

/// A step with losses of `chunk`, `next-word` and `pos`, in that order.
fn step(step: u64, losses: &[f32]) -> Event {
    let losses = arbitrary::OBJECTIVES.iter().zip(losses);
    let losses = losses.map(|(name, &loss)| ((*name).into(), Loss::read(loss).unwrap())).collect();
    StepDone { losses, ..arbitrary::step_done(step, "chunk", 1.0) }.into()
}

fn steps(n_steps: u64, losses: impl Fn(u64) -> Vec<f32>) -> Vec<Event> {
    (1..=n_steps).map(|at| step(at, &losses(at))).collect()
}

fn broke(at: u64, objective: &str) -> Event {
    NonFiniteLoss { at_ms: at * 10, step: Step(at), objective: Some(objective.into()) }.into()
}

fn gain_set(at: u64, objective: &str, old: f32, new: f32) -> Event {
    arbitrary::gain_set(at, objective, old, new).into()
}

/// Raw losses on a linear axis, for worked examples.
fn plain() -> ChartView {
    ChartView { log_y: false, smoothing: 0, ..ChartView::default() }
}

const STYLES: [Style; 3] = [
    Style::new().fg(Color::Indexed(1)),
    Style::new().fg(Color::Indexed(2)),
    Style::new().fg(Color::Indexed(3)),
];

fn buffer(
    run: &Run,
    view: &ChartView,
    markers: GlyphSet,
    selected: &str,
    size: (u16, u16),
) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    let band = Style::new().bg(Color::Indexed(9));
    let style = ChartStyle { markers, series: &STYLES, band, ..ChartStyle::default() };
    let selected = ObjectiveId::from(selected);
    Chart { run, view, selected: Some(&selected), shows_dev: false, style }
        .render(buf.area, &mut buf);
    buf
}

fn text(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width).max(1));
    let row = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        format!("{}\n", text.trim_end())
    };
    rows.map(row).collect()
}

fn drawn(
    run: &Run,
    view: &ChartView,
    markers: GlyphSet,
    selected: &str,
    size: (u16, u16),
) -> String {
    text(&buffer(run, view, markers, selected, size))
}

/// The cells of one column of the plot, from the top.
fn column(buf: &Buffer, cell: u16) -> String {
    let plot = plot_area(buf.area);
    (plot.top()..plot.bottom()).map(|y| buf[(plot.x + cell, y)].symbol()).collect()
}

#[test]
fn a_small_chart_in_each_glyph_set() {
    // A loss that falls from 7 to 0 crosses a constant 4; there is no loss at step 0.
    let falling = run(steps(8, |at| vec![8.0 - at as f32, 4.0]));
    let drawn = |markers| drawn(&falling, &plain(), markers, "", (30, 10));
    let ascii = "
     |  11
    6+    111
     |       11
    4+  22222221112222222222
     |            111
    2+               11
     |                 111
    0+                    11
     ++----+----+-----+----+-
      0    2    4     6    8
";
    let block = "
     │  ▄
    6┤   ▀▀▄
     │      ▀▀▄
    4┤  ▄▄▄▄▄▄▄▀▄▄▄▄▄▄▄▄▄▄▄▄2
     │           ▀▀▄
    2┤              ▀▀▄
     │                 ▀▄
    0┤                   ▀▀▄1
     └┴────┴────┴─────┴────┴─
      0    2    4     6    8
";
    let braille = "
     │  ⠠⡀
    6┤   ⠈⠑⢄⡀
     │      ⠈⠒⢄
    4┤  ⠠⠤⠤⠤⠤⠤⠤⠉⠢⡀⠤⠤⠤⠤⠤⠤⠤⠤⠤⠄2
     │           ⠈⠢⡀
    2┤             ⠈⠑⠤⡀
     │                ⠈⠒⢄
    0┤                   ⠑⠢⡀1
     └┴────┴────┴─────┴────┴─
      0    2    4     6    8
";
    assert_eq!(drawn(GlyphSet::Ascii), &ascii[1..]);
    assert_eq!(drawn(GlyphSet::Block), &block[1..]);
    assert_eq!(drawn(GlyphSet::Braille), &braille[1..]);
}

/// `chunk` alternates by 1 until it is non-finite at step 401; `pos` has one spike at step 200.
fn eventful() -> Run {
    let losses = |at: u64| {
        let chunk = if at <= 400 { 2.0 + (at % 2) as f32 } else { 3.0 };
        vec![chunk, 4.0, if at == 200 { 9.0 } else { 5.0 }]
    };
    let mut events = steps(800, losses);
    events.insert(400, broke(401, "chunk"));
    run(events)
}

#[test]
fn a_non_finite_loss_is_a_gap_with_a_mark_and_a_spike_is_kept() {
    let drawn = |markers| drawn(&eventful(), &plain(), markers, "chunk", (40, 14));
    let ascii = "
     |
     |       .
    8+
     |       .
     |
    6+       .
     |33333333333333333333333333333
     |
    4+22222222222222222222222222222
     |11111111111111 11111111111111
    2+..............
     |
     ++------+------x------+------+----
      0     200    400    600    800
";
    let braille = "
     │       ⡀
     │       ⡂
    8┤       ⡂
     │       ⡂
     │       ⡂
    6┤       ⡂
     │⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤3
     │
    4┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉2
     │⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤ ⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤1
     │⠅⠅⠅⠅⠅⠅⠅⠅⠅⠅⠅⠅⠅⠅
    2┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
     └┴──────┴──────x──────┴──────┴────
      0     200    400    600    800
";
    assert_eq!(drawn(GlyphSet::Ascii), &ascii[1..]);
    assert_eq!(drawn(GlyphSet::Braille), &braille[1..]);
}

#[test]
fn the_cursor_shows_the_values_of_every_curve() {
    let view = ChartView { cursor: Some(Step(300)), smoothing: 2, ..ChartView::default() };
    // The mean of the debiased weights over 300 steps that end with a 2 after a 3: 2.4949.
    let large = "
     │            ▴     │    step 300  0:00:03
     │            ⠨     │                     raw  EMA .98
    6┤            ⠨     │    1 chunk       2.0000   2.4949
     │⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠔⠤⠤⠤⠤⠤⠤⠤⠤⠤ 2 next-word   4.0000   4.0000
     │                  │    3 pos         5.0000   5.0106
    4┤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠄2
";
    let text = drawn(&eventful(), &view, GlyphSet::Braille, "chunk", (60, 14));
    assert!(text.starts_with(&large[1..]), "{text}");
    let small = drawn(&eventful(), &view, GlyphSet::Braille, "chunk", (30, 5));
    assert!(small.starts_with("     │@300 1 2.4949 2 4.0000\n"), "{small}");
    let view = ChartView { cursor: Some(Step(780)), unit: Unit::Tokens, smoothing: 0, ..view };
    let left = drawn(&eventful(), &view, GlyphSet::Ascii, "", (60, 14));
    assert!(left.starts_with("     | step 780  78k tokens"), "{left}");
    assert!(left.contains("+ 1 chunk       3.0000 "), "{left}");
}

#[test]
fn an_old_value_is_not_shown() {
    let mut events = steps(100, |_| vec![1.0, 2.0]);
    events.extend((101..=200).map(|at| step(at, &[1.0])));
    let view = ChartView { cursor: Some(Step(180)), ..plain() };
    let text = drawn(&run(events), &view, GlyphSet::Ascii, "", (60, 12));
    assert!(text.contains("| 2 next-word        -"), "{text}");
    let line = text.lines().find(|line| line.contains("2222")).unwrap();
    assert!(line.matches('2').count() < 30, "it ends where it was silenced: {line}");
}

#[test]
fn the_most_important_mark_of_a_column_is_shown() {
    let (at_ms, at) = (500, Step(50));
    let saved = CheckpointSaved {
        at_ms,
        step: at,
        name: "last".into(),
        last_evaluation: at,
        best: None,
        command: None,
    }
    .into();
    let noted = Noted { at_ms, step: at, text: "look".into(), by: By::Key, command: None }.into();
    let evaluated = arbitrary::evaluated(50, Split::Dev, "chunk", "f1", 1.0).into();
    let moved = gain_set(49, "pos", 0.5, 0.8);
    let all = [noted, evaluated, saved, moved, broke(50, "chunk")];
    for (n, symbol) in (1..).zip(["n", "e", "c", "^", "x"]) {
        let mut events = steps(49, |_| vec![1.0]);
        events.extend_from_slice(&all[..n]);
        events.extend((50..=100).map(|at| step(at, &[1.0])));
        let buf = buffer(&run(events), &plain(), GlyphSet::Ascii, "", (60, 12));
        let axis: String = (6..59).map(|x| buf[(x, 10)].symbol().to_owned()).collect();
        let marks: Vec<&str> = axis.matches(|c| c != '-' && c != '+').collect();
        assert_eq!(marks, [symbol], "{axis}");
    }
}

#[test]
fn a_manual_change_is_marked_and_labeled() {
    let mut events = steps(100, |at| vec![1.0 + at as f32 / 100.0]);
    events.insert(50, gain_set(50, "pos", 0.5, 0.6));
    events.insert(51, gain_set(50, "pos", 0.6, 0.8));
    let moved = drawn(&run(events), &plain(), GlyphSet::Ascii, "", (40, 9));
    let expected = "
     |            :3 .50>.80
    2+            :       111111
     |            :   1111
  1.5+           11111
     |       1111 :
     |  11111     :
    1+11          :
     ++----+----+-^--+----+----+----+--
      0   20   40   60   80   100  120
";
    assert_eq!(moved, &expected[1..]);
}

#[test]
fn a_spike_is_visible_among_a_million_steps() {
    let losses =
        |at: u64| vec![1.0 + (at % 7) as f32 / 100.0, if at == 600_000 { 3.0 } else { 0.5 }];
    let run = run((1..=1_000_000).map(|at| step(at, &losses(at))));
    let buf = buffer(&run, &ChartView::default(), GlyphSet::Braille, "chunk", (120, 30));
    // It is far from the curves, and so at the edge.
    let spike = |cell: &u16| column(&buf, *cell).starts_with('▴');
    let cells: Vec<u16> = (0..plot_area(buf.area).width).filter(spike).collect();
    let axis = Axis::new(&ChartView::default(), &run, 113, 2);
    assert_eq!(cells, [axis.cell(Step(600_000)).unwrap() as u16]);
}

#[test]
fn raw_losses_far_from_the_curves_are_marked_at_the_edge() {
    // A loss of about 1 with rare values of 1e-4 and 1e3, which would take most of the plot.
    let losses = |at: u64| match at {
        100 => vec![1e-4],
        300 => vec![1e3],
        at => vec![1.0 + (at % 5) as f32 / 10.0],
    };
    let run = run(steps(400, losses));
    let drawn = |smoothing| {
        let view = ChartView { smoothing, ..ChartView::default() };
        drawn(&run, &view, GlyphSet::Ascii, "chunk", (40, 12))
    };
    let smoothed = drawn(2);
    let rows: Vec<&str> = smoothed.lines().collect();
    assert_eq!((rows[0].matches('^').count(), rows[9].matches('v').count()), (1, 1), "{smoothed}");
    assert!(!smoothed.contains("1e-4") && !smoothed.contains("1000"), "{smoothed}");
    let raw = drawn(0);
    assert!(raw.contains("1e-4") && !raw.contains('v') && !raw.contains('^'), "{raw}");
}

#[test]
fn the_axis_is_linear_if_not_all_losses_are_positive() {
    let view = ChartView { smoothing: 0, ..ChartView::default() };
    let title = |run: &Run| {
        let selected = ObjectiveId::from("pos");
        let style = ChartStyle::default();
        Chart { run, view: &view, selected: Some(&selected), shows_dev: false, style }.title()
    };
    let positive = run(steps(20, |at| vec![at as f32]));
    assert_eq!(title(&positive), "raw + raw band  log-y  x steps  follow");
    let negative = run(steps(20, |at| vec![at as f32 - 5.0]));
    assert_eq!(title(&negative), "raw + raw band  linear-y: not all above 0  x steps  follow");
    let text = drawn(&negative, &view, GlyphSet::Ascii, "", (40, 12));
    assert!(text.contains("    0+"), "{text}");
    // A single raw 0 behind a positive line does not change the axis.
    let smooth = ChartView::default();
    let touched = run(steps(200, |at| vec![if at == 90 { 0.0 } else { 2.0 }]));
    let text = drawn(&touched, &smooth, GlyphSet::Ascii, "chunk", (40, 12));
    assert!(!text.contains("    0+"), "{text}");
}

#[test]
fn losses_on_dev_are_a_curve_of_their_own() {
    let on_dev = |at: u64, objective: &str, loss: f32| -> Event {
        let scored = arbitrary::evaluated(at, Split::Dev, objective, "f1", 50.0);
        Evaluated { loss: Loss::read(loss), ..scored }.into()
    };
    let mut events = steps(40, |_| vec![2.0]);
    events.extend([on_dev(10, "chunk", 8.0), on_dev(40, "chunk", 4.0), on_dev(40, "pos", 16.0)]);
    let run = run(events);
    let view = ChartView { only: Some("chunk".into()), cursor: Some(Step(20)), ..plain() };
    let picture = |view: &ChartView, shows_dev: bool| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 14));
        let style = ChartStyle { markers: GlyphSet::Ascii, ..ChartStyle::default() };
        let chart = Chart { run: &run, view, selected: None, shows_dev, style };
        chart.render(buf.area, &mut buf);
        (text(&buf), chart.title())
    };
    let (without, title) = picture(&view, false);
    assert!(!without.contains('d') && !title.contains("dev"), "{title}\n{without}");
    let (with, title) = picture(&view, true);
    assert!(title.contains("  d dev  "), "{title}");
    // It falls from 8 to 4, above the loss on train, and belongs to this objective.
    let rows: Vec<usize> = with.lines().map(|row| row.matches('d').count()).collect();
    assert!(rows.iter().sum::<usize>() > 20 && with.contains("8+"), "{with}");
    assert!(!with.contains("16+") && with.lines().any(|row| row.contains("11111")), "{with}");
    let readout = with.lines().find(|row| row.contains(" dev")).unwrap();
    assert!(readout.contains("8.0"), "the evaluation before the cursor: {with}");
    // An objective that is not trained has losses on dev only.
    let (muted, _) = picture(&ChartView { only: Some("pos".into()), ..plain() }, true);
    assert!(muted.contains('d') && muted.contains("16+"), "{muted}");
}

#[test]
fn the_title_describes_the_view() {
    let run = stepped(20_000);
    let (from, to) = (Step(1000), Step(3500));
    let view = ChartView {
        log_y: false,
        smoothing: 3,
        unit: Unit::Ms,
        window: Window::Fixed { from, to },
        only: Some("chunk".into()),
        ..ChartView::default()
    };
    let style = ChartStyle::default();
    let chart = Chart { run: &run, view: &view, selected: None, shows_dev: false, style };
    let expected = "EMA .995 + raw band  linear-y  x wall time  steps 1k..3.5k  only chunk";
    assert_eq!(chart.title(), expected);
}

#[test]
fn a_cell_belongs_to_one_curve() {
    // Both cross the whole range, so that the scale is the same without one of them.
    let crossing = run(steps(60, |at| vec![at as f32, 61.0 - at as f32]));
    let only = ChartView { only: Some("chunk".into()), ..plain() };
    for markers in [GlyphSet::Braille, GlyphSet::Block, GlyphSet::Ascii] {
        let both = buffer(&crossing, &plain(), markers, "", (60, 20));
        let alone = buffer(&crossing, &only, markers, "", (60, 20));
        let plot = plot_area(both.area);
        let mut n_others = 0;
        for position in plot.positions() {
            let (cell, of_first) = (&both[position], &alone[position]);
            if of_first.symbol() != " " && of_first.bg == Color::Reset {
                assert_eq!((cell.symbol(), cell.fg), (of_first.symbol(), of_first.fg));
            }
            n_others += u32::from(cell.fg == Color::Indexed(2));
        }
        assert!(n_others > 20, "the other is there all the same");
        // If the other one is selected, it is in front.
        let selected = buffer(&crossing, &plain(), markers, "next-word", (60, 20));
        assert_ne!(selected, both);
    }
}

#[test]
fn old_columns_do_not_change() {
    let losses = |at: u64| vec![1.0 + (at * 7919 % 101) as f32 / 300.0, 2.0, 3.0];
    let view = ChartView::default();
    for markers in [GlyphSet::Braille, GlyphSet::Block, GlyphSet::Ascii] {
        for n_steps in [650, 657, 660] {
            let before = buffer(&run(steps(n_steps, losses)), &view, markers, "chunk", (64, 20));
            let after = buffer(&run(steps(n_steps + 1, losses)), &view, markers, "chunk", (64, 20));
            let changed: Vec<u16> = before.diff(&after).iter().map(|(x, _, _)| *x).collect();
            let axis = Axis::new(&view, &stepped(n_steps), 57, 1);
            let newest = 6 + axis.cell(Step(n_steps)).unwrap() as u16;
            assert!(changed.iter().all(|&x| x >= newest), "{n_steps}: {changed:?} {newest}");
        }
    }
}

#[test]
fn a_run_without_losses_shows_a_message() {
    assert!(drawn(&run([]), &plain(), GlyphSet::Ascii, "", (40, 9)).contains("no losses yet"));
    assert!(drawn(&Run::default(), &plain(), GlyphSet::Block, "", (40, 9)).contains("no losses"));
}

#[test]
fn the_largest_values_are_drawn() {
    let ends = run(steps(9, |at| vec![if at % 2 == 0 { f32::MAX } else { f32::MIN }]));
    let text = drawn(&ends, &plain(), GlyphSet::Ascii, "chunk", (40, 12));
    assert!(text.contains(" 2e38+") && text.contains("-2e38+"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_run_is_drawn_in_any_area(
        events in arbitrary::events(),
        (width, height) in (0u16..=30, 0u16..=20),
        (n_steps, smoothing, unit, window) in (0u64..60, 0usize..5, 0u8..3, 0u8..3),
        (log_y, cursor, only) in (any::<bool>(), proptest::option::of(0u64..70), any::<bool>()),
        is_wide: bool,
    ) {
        let mut run = run(steps(n_steps, |at| vec![at as f32 * 5e36, 1.0 / at as f32]));
        for event in &events {
            run.apply(event);
        }
        let view = ChartView {
            log_y,
            smoothing,
            unit: [Unit::Steps, Unit::Tokens, Unit::Ms][usize::from(unit)],
            window: match window {
                0 => Window::Follow,
                1 => Window::Last(n_steps),
                _ => Window::Fixed { from: Step(n_steps / 2), to: Step(n_steps) },
            },
            cursor: cursor.map(Step),
            only: only.then(|| "pos".into()),
        };
        let width = if is_wide { width + 40 } else { width };
        for markers in [GlyphSet::Braille, GlyphSet::Block, GlyphSet::Ascii] {
            let buf = buffer(&run, &view, markers, "chunk", (width, height));
            let is_ascii = buf.content.iter().all(|cell| cell.symbol().is_ascii());
            prop_assert!(markers != GlyphSet::Ascii || is_ascii);
        }
    }
}
