//! The shares over the run: those in force, and those that each shadow rule would have set, on the faders' scale.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, fader, numbers, paint::Paint, trace};
use crate::{
    protocol::ObjectiveId,
    state::{Measured, Trace},
    tui::view::DeskMode,
};

/// The minimum width of an objective's column; the width of a share; the minimum width of its history.
const CELL: u16 = 6;
const SHARE: u16 = 5;
const HISTORY: u16 = 4;

/// The maximum height of a rule, in rows.
const MOST_ROWS: u16 = 4;

/// The minimum and maximum width of a rule's name.
const NAME: (u16, u16) = (8, 28);

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let last = run.measured.last_shadows.as_ref().filter(|last| !last.shares.is_empty());
    let title = last.map_or("shares".to_owned(), |last| {
        let (step, ms) = (numbers::grouped(last.step.0), last.took_us as f64 / 1e3);
        format!("shares at step {step}   shadow rules took {ms:.1} ms")
    });
    let inner = paint.panel(area, &title, false);
    let in_force = run.weighting().unwrap_or_else(numbers::none);
    let letters: Vec<(char, &str)> = run.measured.letters().collect();
    let shadows = letters.iter().map(|(letter, rule)| format!("{letter} {rule}"));
    let names: Vec<String> = std::iter::once(in_force).chain(shadows).collect();
    let n_strips = run.strips.len().clamp(1, 1_000) as u16;
    let longest = names.iter().map(|name| name.width().min(100)).max().unwrap_or(0) as u16;
    let room = inner.width.saturating_sub(CELL * n_strips + 1);
    let name = longest.clamp(NAME.0, NAME.1).min(room.max(NAME.0));
    let cell = (inner.width.saturating_sub(name + 1) / n_strips).max(CELL);
    let n_cells = usize::from(inner.width.saturating_sub(name + 1) / cell).min(run.strips.len());
    let cell_x = |at: usize| inner.x + name + 1 + cell * at as u16;
    for (at, strip) in run.strips.iter().enumerate().take(n_cells) {
        let head = format!("{} {}", glyphs.digit(at), strip.name);
        paint.put(cell_x(at), inner.y, cell - 1, &head, theme.series(at));
    }
    let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let has_histories = cell > SHARE + 1 + HISTORY;
    let most_rows = if has_histories { MOST_ROWS } else { 1 };
    let rows = (below.height / names.len() as u16).clamp(1, most_rows);
    for (at_rule, text) in names.iter().enumerate() {
        let y = below.y + rows * at_rule as u16;
        if y + rows > below.bottom() {
            break;
        }
        let baseline = y + rows - 1;
        let style = if at_rule == 0 { theme.title } else { theme.text };
        paint.put(inner.x, baseline, name, text, style);
        for (at, strip) in run.strips.iter().enumerate().take(n_cells) {
            let rule = at_rule.checked_sub(1).map(|at| letters[at].1);
            let trace = trace_of(&run.measured, rule, &strip.name);
            let share = match rule {
                None => run.is_active(strip).then_some(strip.share),
                Some(_) => trace.and_then(Trace::last),
            };
            let share = share.map_or_else(numbers::none, |share| format!("{share:.2}"));
            paint.put_right(cell_x(at), baseline, SHARE.min(cell - 1), &share, theme.text);
            let x = cell_x(at) + SHARE + 1;
            let width = (cell_x(at) + cell).saturating_sub(x + 1);
            if let Some(trace) = trace.filter(|_| has_histories) {
                // An empty row between two rules, where there is one.
                let height = if rows > 2 { rows - 1 } else { rows };
                let area = Rect { x, y: y + rows - height, width, height };
                trace::draw(trace, run.step, fader::place, area, theme.series(at), paint);
            }
        }
    }
    let y = below.y + rows + 1;
    if letters.is_empty() && y < below.bottom() {
        let text = match (view.mode, &run.ended) {
            (DeskMode::Live, None) => "no shadow rules: press R, then Space on a rule",
            _ => "no shadow rules: train.shadow_weightings names them",
        };
        paint.put(inner.x, y, inner.width, text, theme.dim);
    }
}

/// The shares of an objective: those in force, or a shadow rule's.
fn trace_of<'a>(
    measured: &'a Measured,
    rule: Option<&str>,
    objective: &ObjectiveId,
) -> Option<&'a Trace> {
    match rule {
        None => measured.shares.get(objective),
        Some(rule) => measured.shadows.get(rule)?.get(objective),
    }
}
