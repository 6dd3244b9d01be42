//! Steps and tokens per second over the run, smoothed, without evaluations and pauses.

use ratatui::layout::Rect;

use super::{FrameData, numbers, paint::Paint, trace};
use crate::state::{Run, Trace};

/// The minimum width of two charts side by side, in columns.
const WIDE: u16 = 100;

pub(super) fn draw(FrameData { run, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let inner = paint.panel(area, "throughput", false);
    let [steps, tokens] = if inner.width >= WIDE {
        let width = (inner.width - 2) / 2;
        let right = Rect { x: inner.right() - width, width, ..inner };
        [Rect { width, ..inner }, right]
    } else {
        let height = inner.height / 2;
        let below = Rect { y: inner.y + height, height: inner.height - height, ..inner };
        [Rect { height, ..inner }, below]
    };
    chart("steps/s", &run.timing.steps_per_second, run, steps, paint);
    chart("tokens/s", &run.timing.tokens_per_second, run, tokens, paint);
}

/// The throughput in one line.
pub(super) fn line(run: &Run) -> String {
    let rate = |trace: &Trace| trace.last().map_or_else(numbers::none, numbers::rate);
    let timing = &run.timing;
    let [steps, tokens] = [&timing.steps_per_second, &timing.tokens_per_second].map(rate);
    format!("{steps} steps/s  {tokens} tokens/s")
}

/// A heading with the latest, lowest and highest rate, and the rates as columns from 0 on.
fn chart(name: &str, trace: &Trace, run: &Run, area: Rect, paint: &mut Paint) {
    if area.height == 0 {
        return;
    }
    let (text, share) = (paint.theme().text, paint.theme().share);
    let means = || trace.points().iter().map(|point| point.mean);
    let (lowest, highest) = (means().fold(f32::MAX, f32::min), means().fold(0.0, f32::max));
    let head = match trace.last() {
        None => format!("{name} -"),
        Some(last) => {
            let [last, lowest, highest] = [last, lowest, highest].map(numbers::rate);
            format!("{name} {last}  lowest {lowest}  highest {highest}")
        }
    };
    paint.put(area.x + 1, area.y, area.width.saturating_sub(1), &head, text);
    let columns = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height - 1,
    };
    let height = |rate: f32| if highest > 0.0 { rate / highest } else { 0.0 };
    trace::draw(trace, run.step, height, columns, share, paint);
}
