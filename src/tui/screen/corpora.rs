//! The corpora: the sampling rule, and how many batches, tokens and how much time each has had.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    live::TrainSetting,
    protocol::{Control, event::Setting},
    state::{CorpusUsage, hms},
    tui::view::action::{ACTIONS, Action},
};

/// A column of values.
struct Column {
    head: &'static str,
    width: u16,
    text: fn(&CorpusUsage) -> String,
}

/// The columns of a narrow screen.
const NARROW: &[Column] = &[
    Column { head: "drawn", width: 7, text: |used| numbers::step(used.drawn) },
    Column { head: "%", width: 4, text: |used| part(used.drawn_fraction) },
    Column { head: "epochs", width: 6, text: epochs },
    Column { head: "time", width: 8, text: time },
];

/// The columns of a wide screen, with size, time fraction and more digits.
const WIDE: &[Column] = &[
    Column { head: "examples", width: 11, text: |used| numbers::grouped(used.examples) },
    Column { head: "drawn", width: 13, text: |used| numbers::grouped(used.drawn) },
    Column { head: "draws %", width: 7, text: |used| part(used.drawn_fraction) },
    Column { head: "epochs", width: 8, text: epochs },
    Column { head: "time", width: 9, text: time },
    Column { head: "time %", width: 6, text: |used| part(used.time_fraction) },
];

/// The minimum and maximum width of a bar, in columns.
const BAR: (u16, u16) = (10, 60);

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let inner = paint.panel(area, "corpora", false);
    if inner.height == 0 {
        return;
    }
    sampling(frame, inner, paint);
    let used: Vec<CorpusUsage> = frame.run.used().collect();
    // An empty row below the rule, unless a corpus needs it.
    let apart = u16::from(usize::from(inner.height) >= used.len() + 3);
    let y = inner.y + 1 + apart;
    let longest = used.iter().map(|used| used.name.width()).max().unwrap_or(0) as u16;
    let columns = if inner.width >= 72 { WIDE } else { NARROW };
    let numbers: u16 = columns.iter().map(|column| column.width + 1).sum();
    let name = longest.clamp(6, 20).min(inner.width.saturating_sub(numbers));
    paint.put(inner.x, y, name, "corpus", theme.dim);
    let mut x = inner.x + name + 1;
    for Column { head, width, .. } in columns {
        paint.put_right(x, y, *width, head, theme.dim);
        x += width + 1;
    }
    let bar_x = x + 1;
    let bar = inner.right().saturating_sub(bar_x + 1).min(BAR.1);
    let has_bars = bar >= BAR.0;
    if has_bars {
        paint.put(bar_x, y, bar, "proportion of all draws", theme.dim);
    }
    let n_rows = usize::from((inner.bottom()).saturating_sub(y + 1));
    let n_shown = if used.len() > n_rows { n_rows.saturating_sub(1) } else { used.len() };
    for (y, used) in (y + 1..inner.bottom()).zip(&used[..n_shown]) {
        paint.put(inner.x, y, name, used.name, theme.text);
        let mut x = inner.x + name + 1;
        for Column { width, text, .. } in columns {
            paint.put_right(x, y, *width, &text(used), theme.text);
            x += width + 1;
        }
        if has_bars {
            let part = used.drawn_fraction.unwrap_or(0.0);
            let n_filled = (part * f32::from(bar)).round() as u16;
            paint.fill(bar_x, y, n_filled, glyphs.fader_filled, theme.share);
        }
    }
    if n_shown < used.len() && n_rows > 0 {
        let text = format!("{} more", used.len() - n_shown);
        paint.put(inner.x, inner.bottom() - 1, inner.width, &text, theme.dim);
    }
}

/// The rule in force, and the requested one.
fn sampling(FrameData { run, view, keymap, .. }: FrameData, inner: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let left = |x: u16| inner.right().saturating_sub(x);
    let x = paint.put(inner.x, inner.y, inner.width, "sampling ", theme.dim);
    let rule = run.sampling().unwrap_or_else(numbers::none);
    let mut x = paint.put(x, inner.y, left(x), &rule, theme.text);
    let pending = view.pending.value(&Control::Setting("train.sampling".to_owned()));
    if let Some(Setting::Text(rule)) = pending {
        let rule = format!(" {}{rule}", glyphs.fader_pending);
        x = paint.put(x, inner.y, left(x), &rule, theme.pending);
    }
    let is_annealed =
        run.latest.temperature.is_some() && !run.manual.settings.contains_key("train.sampling");
    let annealed = is_annealed.then(|| "annealed by the recipe's schedule".to_owned());
    let rates =
        run.rates.iter().map(|(group, rate)| format!("{group} {}", numbers::percent(*rate)));
    let rates = Some(rates.collect::<Vec<_>>().join("  ")).filter(|rates| !rates.is_empty());
    let typed = ACTIONS.iter().find(|spec| spec.action == Action::Set(TrainSetting::Sampling));
    let key =
        typed.filter(|spec| (spec.valid)(view, run)).and_then(|spec| keymap.keys(spec).first());
    let changed = key.map(|key| format!("{} changes it", key.shown(glyphs)));
    for note in rates.into_iter().chain(annealed).chain(changed) {
        // A note that does not fit is omitted.
        if usize::from(left(x)) > note.width() + 2 {
            x = paint.put(x + 2, inner.y, left(x + 2), &note, theme.dim);
        }
    }
}

fn part(part: Option<f32>) -> String {
    part.map_or_else(numbers::none, numbers::percent)
}

/// With tenths of a second for a short run, as its steps take milliseconds.
fn time(used: &CorpusUsage) -> String {
    match used.spent_ms {
        ms @ 0..100_000 => format!("{:.1} s", ms as f32 / 1e3),
        ms => hms(ms),
    }
}

fn epochs(used: &CorpusUsage) -> String {
    match used.epochs {
        None => numbers::none(),
        Some(epochs) if epochs < 1_000.0 => format!("{epochs:.2}"),
        Some(epochs) => numbers::step(epochs as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_columns() {
        for drawn in [0, 999, 12_345, 900_000, 12_345_678] {
            for examples in [0, 1, 320, 9_999_999] {
                let epochs = (examples > 0).then(|| drawn as f32 / examples as f32);
                let (drawn_fraction, time_fraction) = (Some(1.0), None);
                let spent_ms = 99 * 3_600_000;
                let used = CorpusUsage {
                    name: "news",
                    examples,
                    drawn,
                    epochs,
                    drawn_fraction,
                    spent_ms,
                    time_fraction,
                };
                for Column { head, width, text } in WIDE.iter().chain(NARROW) {
                    let text = text(&used);
                    assert!(text.len() <= usize::from(*width), "{head}: {text}");
                }
            }
        }
    }
}
