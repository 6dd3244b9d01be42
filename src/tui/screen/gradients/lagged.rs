//! The lagged cosine of each auxiliary, its mean as a bar from the middle: of its gradient with that of the main objective in
//! the next step.

use ratatui::layout::Rect;

use super::{CONFLICT, FrameData, numbers};
use crate::{state::Run, tui::screen::paint::Paint};

/// The maximum width of a bar.
const WIDEST: u16 = 61;

/// The rows that all auxiliaries need, with a heading and an empty row above it.
pub(super) fn height(run: &Run) -> u16 {
    match run.measured.lagged_cosines.len() {
        0 => 0,
        n => n.min(100) as u16 + 2,
    }
}

/// Draws the heading and a bar for each auxiliary; the names take the first `name` columns.
pub(super) fn draw(FrameData { run, .. }: FrameData, area: Rect, name: u16, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let heading = "lag  mean cosine with the main gradient of the next step: opposed | aligned";
    paint.put(area.x, area.y, area.width, heading, theme.dim);
    let strips = run.strips.iter().enumerate();
    let measured = strips
        .filter_map(|(at, strip)| Some((at, strip, run.measured.lagged_cosines.get(&strip.name)?)));
    // An odd width has a middle.
    let width = area.width.saturating_sub(name + 1 + 7 + 8).min(WIDEST).saturating_sub(1) | 1;
    let (x, half) = (area.x + name + 1, width / 2);
    for (y, (at, strip, trace)) in (area.y + 1..area.bottom()).zip(measured) {
        let mean = trace.mean().unwrap_or(0.0).clamp(-1.0, 1.0);
        let head = format!("{} {}", glyphs.digit(at), strip.name);
        paint.put(area.x, y, name, &head, theme.series(at));
        let n_filled = (mean.abs() * f32::from(half)).round() as u16;
        let style = if mean < CONFLICT { theme.bad } else { theme.share };
        let from = if mean < 0.0 { x + half - n_filled } else { x + half + 1 };
        paint.fill(from, y, n_filled, glyphs.fader_filled, style);
        paint.put(x + half, y, 1, glyphs.vertical_empty, theme.dim);
        paint.put_right(x + width, y, 6, &numbers::cosine(mean), theme.text);
        let count = numbers::whole(trace.count());
        paint.put_right(x + width + 6, y, 8, &count, theme.dim);
    }
}
