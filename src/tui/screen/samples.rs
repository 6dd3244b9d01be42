//! The samples of the selected objective: examples of dev with gold and prediction, one below the
//! other. Wrong predictions have an exclamation mark, and gold below or beside them.

mod difference;
mod lines;

use ratatui::{layout::Rect, style::Style};

use super::{FrameData, numbers, paint::Paint};
use crate::{
    protocol::event::{Sample, SamplesTaken},
    state::Strip,
    tui::{Theme, view::Focus},
};

/// A line of text in parts of one style each.
type Line = Vec<(String, Style)>;

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let strip = view.strip(run);
    let shown = strip.and_then(|strip| view.samples.of(strip));
    let taken = strip.zip(shown).map(|(strip, shown)| &strip.samples[shown]);
    let title = strip.map_or_else(|| "samples".to_owned(), |strip| title(strip, shown));
    let inner = paint.panel(area, &title, view.focus == Focus::Samples);
    let Some(taken) = taken else {
        let text = match strip {
            Some(strip) if run.step.0 > 0 => format!("no samples of {} yet", strip.name),
            _ => "samples are taken at each evaluation on dev".to_owned(),
        };
        paint.put(inner.x, inner.y, inner.width, &text, paint.theme().dim);
        return;
    };
    let theme = paint.theme();
    let first = view.samples.first.min(taken.samples.len().saturating_sub(1));
    let samples = taken.samples.iter().enumerate().skip(first);
    let mut lines = samples.flat_map(|(at, sample)| {
        let head = head(sample, (at + 1, taken.samples.len()), theme);
        let body = lines::of(sample, usize::from(inner.width), theme);
        std::iter::once(head).chain(body).chain([Line::new()]).collect::<Vec<Line>>()
    });
    for y in inner.y..inner.bottom() {
        let Some(line) = lines.next() else { break };
        let mut x = inner.x;
        for (text, style) in line {
            x = paint.put(x, y, inner.right().saturating_sub(x), &text, style);
        }
    }
}

/// The objective, and which evaluation is shown.
fn title(strip: &Strip, shown: Option<usize>) -> String {
    let Some(shown) = shown else { return format!("samples  {}", strip.name) };
    let SamplesTaken { step, worst, .. } = &strip.samples[shown];
    let which = if *worst { "largest losses" } else { "drawn" };
    let (step, n) = (numbers::grouped(step.0), strip.samples.len());
    let number = shown + 1;
    format!("samples  {}  dev after step {step}  evaluation {number}/{n}  {which}", strip.name)
}

/// A line above a sample: its number, its place in dev, its loss and its errors.
fn head(sample: &Sample, (number, n_samples): (usize, usize), theme: &Theme) -> Line {
    let place = format!("{number}/{n_samples}  {} {}", sample.corpus, sample.example);
    let loss = sample.loss.map(|loss| format!("  loss {}", numbers::loss(Some(loss.get()))));
    let n_wrong = sample.n_wrong();
    let left_out =
        sample.left_out.map(|n| format!("  {} left out", numbers::counted(n as usize, "row")));
    let errors = match n_wrong {
        0 => (String::new(), theme.text),
        n => (format!("  {n} wrong"), theme.bad),
    };
    vec![
        (place, theme.title),
        (loss.unwrap_or_default(), theme.dim),
        errors,
        (left_out.unwrap_or_default(), theme.dim),
    ]
}
