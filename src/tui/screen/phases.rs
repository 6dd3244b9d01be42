//! Where the time goes: the phases of a step, as means over the latest steps, and the evaluations.

use ratatui::layout::Rect;

use super::{FrameData, numbers, paint::Paint, process, throughput, trace};
use crate::{protocol::event::PhasesTimed, state::Run};

/// The widths of a name, of a time and of a part, in columns.
const NAME: u16 = 10;
const TIME: u16 = 9;
const PART: u16 = 4;

/// The minimum and maximum width of a bar, in columns.
const BAR: (u16, u16) = (6, 30);

/// The minimum width of a history, in columns.
const HISTORY: u16 = 12;

/// The phases; with the throughput and the process in the first two rows, where these have no panels
/// of their own.
pub(super) fn draw(frame: FrameData, area: Rect, is_alone: bool, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let theme = paint.theme();
    let mut inner = paint.panel(area, "time of a step", false);
    if is_alone && inner.height > 2 {
        let (x, width) = (inner.x + 1, inner.width.saturating_sub(1));
        paint.put(x, inner.y, width, &throughput::line(run), theme.text);
        paint.put(x, inner.y + 1, width, &process::line(run, view.process.as_ref()), theme.text);
        inner = Rect { y: inner.y + 2, height: inner.height - 2, ..inner };
    }
    let columns = Columns::new(inner);
    let mut y = inner.y;
    if let Some(last) = &run.timing.last {
        if !is_alone {
            columns.heads(y, paint);
            y += 1;
        }
        for (at, (name, spent_us)) in PhasesTimed::NAMES.iter().zip(last.phases()).enumerate() {
            let part = (last.step_us > 0).then(|| spent_us as f32 / last.step_us as f32);
            columns.row((name, &ms(spent_us as f64), part), y, inner, paint);
            columns.history(run, at, y, inner, paint);
            y += 1;
        }
        columns.row(("step", &ms(last.step_us as f64), None), y, inner, paint);
    } else {
        let text = match &run.ended {
            None => "the phases have not been timed yet",
            Some(_) => "the phases were not timed",
        };
        paint.put(inner.x + 1, y, inner.width.saturating_sub(2), text, theme.dim);
    }
    y += 1;
    if let Some(last_ms) = run.timing.evaluations.last() {
        let part = run.timing.evaluated_fraction();
        let part = part.map_or_else(numbers::none, numbers::percent);
        columns.row(("evaluation", &ms(f64::from(last_ms) * 1e3), None), y, inner, paint);
        let x = columns.part;
        let text = format!("{part} of the time");
        if y < inner.bottom() {
            paint.put(x, y, inner.right().saturating_sub(x), &text, theme.dim);
        }
    }
}

/// A time in milliseconds; in seconds where it is long.
fn ms(us: f64) -> String {
    match us / 1e3 {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// Where the columns begin.
struct Columns {
    name: u16,
    time: u16,
    part: u16,
    /// Where the bars begin, and their largest width.
    bar: Option<(u16, u16)>,
    /// Where the histories begin, and their width.
    history: Option<(u16, u16)>,
}

impl Columns {
    fn new(inner: Rect) -> Self {
        let name = inner.x + 1;
        let time = name + NAME + 1;
        let part = time + TIME + 1;
        let bar = part + PART + 1;
        let room = inner.right().saturating_sub(bar + 1);
        let width = if room > 2 * HISTORY { room / 2 } else { room }.min(BAR.1);
        let history = bar + width + 2;
        let left = inner.right().saturating_sub(history + 1);
        Self {
            name,
            time,
            part,
            bar: (width >= BAR.0).then_some((bar, width)),
            history: (left >= HISTORY).then_some((history, left)),
        }
    }

    fn heads(&self, y: u16, paint: &mut Paint) {
        let dim = paint.theme().dim;
        paint.put(self.name, y, NAME, "phase", dim);
        paint.put_right(self.time, y, TIME, "time", dim);
        paint.put_right(self.part, y, PART, "%", dim);
        if let Some((x, width)) = self.history {
            paint.put(x, y, width, "over the run", dim);
        }
    }

    fn row(
        &self,
        (name, time, part): (&str, &str, Option<f32>),
        y: u16,
        inner: Rect,
        paint: &mut Paint,
    ) {
        if y >= inner.bottom() {
            return;
        }
        let (theme, glyphs) = (paint.theme(), paint.glyphs());
        paint.put(self.name, y, NAME, name, theme.dim);
        paint.put_right(self.time, y, TIME, time, theme.text);
        let Some(part) = part else { return };
        paint.put_right(self.part, y, PART, &numbers::percent(part), theme.text);
        if let Some((x, width)) = self.bar {
            let n_filled = (part.clamp(0.0, 1.0) * f32::from(width)).round() as u16;
            paint.fill(x, y, n_filled, glyphs.fader_filled, theme.share);
        }
    }

    /// A phase over the run, relative to its longest time.
    fn history(&self, run: &Run, at: usize, y: u16, inner: Rect, paint: &mut Paint) {
        let Some((x, width)) = self.history.filter(|_| y < inner.bottom()) else { return };
        let trace = &run.timing.phases[at];
        let longest = trace.points().iter().map(|point| point.mean).fold(0.0, f32::max);
        let height = |spent: f32| if longest > 0.0 { 0.85 * spent / longest } else { 0.0 };
        let style = paint.theme().share;
        trace::draw(trace, run.step, height, Rect { x, y, width, height: 1 }, style, paint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fit_their_column() {
        let shown = [0.0, 512.0, 31_250.0, 412_000.0, 61_000_000.0].map(ms);
        assert_eq!(shown, ["0.00 ms", "0.51 ms", "31.2 ms", "412 ms", "61.0 s"]);
        // Up to a day.
        for us in [9_999_000.0, 8.64e10] {
            assert!(ms(us).len() <= usize::from(TIME), "{}", ms(us));
        }
    }
}
