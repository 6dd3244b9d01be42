//! The objectives' gradients on the shared encoders: pairwise cosines, norms, each objective's
//! share of the mixed gradient, and on their own page the lagged cosines and each pair over the run.

mod lagged;
mod pairs;

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    protocol::ObjectiveId,
    state::Run,
    tui::view::{DeskMode, Page},
};

/// Cosines below this value are highlighted as conflicts.
pub(super) const CONFLICT: f32 = -0.2;

/// The cosine of two objectives' gradients at the last measurement.
pub(super) fn cosine(run: &Run, one: &ObjectiveId, other: &ObjectiveId) -> Option<f32> {
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    run.gradients.as_ref()?.cosines.get(first)?.get(second).copied()
}

/// The minimum and maximum width of a value with its mark and margin, in columns.
const CELL: (u16, u16) = (6, 12);

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let title = match &run.gradients {
        Some(measured) => format!("gradients at step {}", numbers::grouped(measured.step.0)),
        None => "gradients".to_owned(),
    };
    let inner = paint.panel(area, &title, false);
    let Some(measured) = &run.gradients else {
        let lines = match (view.mode, &run.ended) {
            (DeskMode::Live, None) => {
                ["not measured: press G to start, or", "set train.measure_gradients_every"]
            }
            _ => ["not measured", ""],
        };
        for (y, text) in (inner.y..inner.bottom()).zip(lines) {
            paint.put(inner.x + 1, y, inner.width.saturating_sub(2), text, theme.dim);
        }
        return;
    };
    let heads: Vec<String> = run
        .strips
        .iter()
        .enumerate()
        .map(|(at, strip)| format!("{} {}", glyphs.digit(at), strip.name))
        .collect();
    let n_strips = run.strips.len().clamp(1, 1_000) as u16;
    let longest = heads.iter().map(|head| head.width()).max().unwrap_or(0) as u16;
    let name = longest.min(inner.width.saturating_sub(CELL.0 * n_strips + 1)).clamp(6, 20);
    let room = inner.width.saturating_sub(name + 1);
    let cell = (room / n_strips).clamp(CELL.0, CELL.1);
    let n_cells = usize::from(room / cell).min(run.strips.len());
    let cell_x = |at: usize| inner.x + name + 1 + cell * at as u16;
    // A truncated name is less useful than its digit, which is also in front of the row.
    let has_names = longest < cell;
    for (at, head) in heads.iter().take(n_cells).enumerate() {
        let head = if has_names { head } else { glyphs.digit(at) };
        paint.put_right(cell_x(at), inner.y, cell - 1, head, theme.series(at));
    }
    let below = inner.y + 1;
    for (y, (at, strip)) in (below..inner.bottom()).zip(run.strips.iter().enumerate()) {
        paint.put(inner.x, y, name, &heads[at], theme.series(at));
        for (other_at, other) in run.strips.iter().take(n_cells).enumerate() {
            let x = cell_x(other_at);
            match cosine(run, &strip.name, &other.name) {
                _ if at == other_at => paint.put_right(x, y, cell - 1, glyphs.dot, theme.dim),
                None => paint.put_right(x, y, cell - 1, &numbers::none(), theme.dim),
                Some(cosine) => {
                    let conflict = cosine < CONFLICT;
                    let style = if conflict { theme.bad } else { theme.text };
                    paint.put_right(x, y, cell - 1, &numbers::cosine(cosine), style);
                    if conflict {
                        paint.put(x + cell - 1, y, 1, "!", style);
                    }
                }
            }
        }
    }
    let mut y = below + n_strips;
    let is_page = view.page == Page::Gradients;
    let of_pairs = if is_page { pairs::height(run) } else { 0 };
    let of_lagged = if is_page { lagged::height(run) } else { 0 };
    // The shares of the gradient, and the lagged cosines: as bars below an empty row and a heading, or as one more row each.
    let height = 3 + n_strips + of_pairs;
    let lagged_as_bars = of_lagged > 0 && y + height + of_lagged <= inner.bottom();
    let has_means = of_lagged > 0 && !lagged_as_bars;
    let shares_as_bars = y + height + u16::from(has_means) <= inner.bottom();
    let means = run.measured.lagged_cosines.iter();
    let means = means.filter_map(|(name, trace)| Some((name.clone(), trace.mean()?))).collect();
    let norm = |norm: f32| numbers::short(f64::from(norm));
    let mut rows = vec![("norm", texts(&measured.norms, norm))];
    rows.extend(
        (!shares_as_bars).then(|| ("grad", texts(&measured.gradient_shares, numbers::percent))),
    );
    rows.extend(has_means.then(|| ("lag", texts(&means, numbers::cosine))));
    for (head, texts) in rows {
        if y >= inner.bottom() {
            return;
        }
        paint.put(inner.x, y, name, head, theme.dim);
        for (at, strip) in run.strips.iter().take(n_cells).enumerate() {
            let text = texts.get(&strip.name).cloned().unwrap_or_else(numbers::none);
            // A power of ten may need the mark's column too.
            let width = cell - u16::from(text.len() < usize::from(cell));
            paint.put_right(cell_x(at), y, width, &text, theme.text);
        }
        y += 1;
    }
    if shares_as_bars {
        y += 1;
        paint.put(inner.x, y, inner.width, "grad  share of the mixed gradient", theme.dim);
        for (y, (at, strip)) in (y + 1..inner.bottom()).zip(run.strips.iter().enumerate()) {
            let share = measured.gradient_shares.get(&strip.name).copied().unwrap_or(0.0);
            paint.put(inner.x, y, name, &heads[at], theme.series(at));
            let width = room.saturating_sub(6).min(60);
            let n_filled = (share.clamp(0.0, 1.0) * f32::from(width)).round() as u16;
            let x = inner.x + name + 1;
            paint.fill(x, y, n_filled, glyphs.fader_filled, theme.share);
            paint.put_right(x + width, y, 5, &numbers::percent(share), theme.text);
        }
        y += 1 + n_strips;
    }
    if lagged_as_bars {
        let area = Rect { y: y + 1, height: of_lagged - 1, ..inner };
        lagged::draw(frame, area, name, paint);
        y += of_lagged;
    }
    if of_pairs > 0 && y + 2 < inner.bottom() {
        let height = inner.bottom() - (y + 1);
        pairs::draw(frame, Rect { y: y + 1, height, ..inner }, paint);
    }
}

/// The text of each objective's value.
fn texts(
    values: &BTreeMap<ObjectiveId, f32>,
    text: impl Fn(f32) -> String,
) -> BTreeMap<ObjectiveId, String> {
    values.iter().map(|(name, value)| (name.clone(), text(*value))).collect()
}
