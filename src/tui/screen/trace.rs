//! A trace as a small chart of columns over the whole run.

use ratatui::{layout::Rect, style::Style};

use super::paint::Paint;
use crate::{protocol::Step, state::Trace};

/// Draws a trace up to the step `last`, with the height of each value between 0 and 1. A value always has a mark.
pub(super) fn draw(
    trace: &Trace,
    last: Step,
    height: impl Fn(f32) -> f32,
    area: Rect,
    style: Style,
    paint: &mut Paint,
) {
    let glyphs = paint.glyphs();
    let n_eighths = f32::from(area.height) * 8.0;
    for (at, value) in columns(trace, last, area.width).into_iter().enumerate() {
        let Some(value) = value else { continue };
        let eighths = (height(value).clamp(0.0, 1.0) * n_eighths).round().max(1.0) as u16;
        for up in 0..area.height {
            let level = eighths.saturating_sub(up * 8).min(8);
            if level > 0 {
                let symbol = glyphs.column[usize::from(level)];
                paint.symbol(area.x + at as u16, area.bottom() - 1 - up, symbol, style);
            }
        }
    }
}

/// The mean of the points in each column; a column without one has that of the column before it. Nothing is known after
/// the last point.
fn columns(trace: &Trace, last: Step, width: u16) -> Vec<Option<f32>> {
    let n_columns = u128::from(width);
    let (n_steps, end) = (u128::from(last.0.max(1)), trace.points().last().map(|point| point.step));
    let mut sums = vec![(0.0, 0u32); usize::from(width)];
    for point in trace.points() {
        let column = u128::from(point.step.0.saturating_sub(1)) * n_columns / n_steps;
        if let Some((sum, n_points)) = sums.get_mut(column as usize) {
            *sum += point.mean;
            *n_points += 1;
        }
    }
    let end = end.map_or(0, |end| (u128::from(end.0) * n_columns).div_ceil(n_steps) as usize);
    let mut before = None;
    let value = |(at, (sum, n_points)): (usize, (f32, u32))| {
        if n_points > 0 {
            before = Some(sum / n_points as f32);
        }
        before.filter(|_| at < end)
    };
    sums.into_iter().enumerate().map(value).collect()
}
