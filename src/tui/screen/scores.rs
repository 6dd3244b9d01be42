//! All scores of the selected strip: every metric with its best value and its history on dev, and the classes.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, classes, dev, numbers, numbers::Trend, paint::Paint};
use crate::{
    protocol::{
        Step,
        event::{ClassesScored, Direction, MetricStarted, Split},
    },
    state::{Run, Strip},
};

/// The minimum height of the classes, in rows; in less, the metrics are a line above them.
const CLASSES: u16 = 10;

/// The minimum and maximum width of a metric's name, in columns.
const NAME: (u16, u16) = (6, 22);

/// The widths of a score, of its change and of its best value with a step, in columns.
const SCORE: u16 = 7;
const CHANGE: u16 = 7;
const BEST: u16 = 13;

/// The minimum width of a history, in columns.
const HISTORY: u16 = 8;

pub(super) fn draw(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let strip = view.strip(run);
    let Some(strip) = strip.filter(|strip| !strip.evaluations.is_empty()) else {
        let inner = paint.panel(area, "scores", false);
        let (x, width, dim) = (inner.x + 1, inner.width.saturating_sub(2), paint.theme().dim);
        paint.put(x, inner.y, width, &why_none(run, strip), dim);
        return;
    };
    let Some(classes) = by_class(strip) else {
        table(strip, area, paint);
        return;
    };
    // Borders and heading.
    let height = strip.metrics.len() as u16 + 3;
    if area.height >= height + CLASSES {
        table(strip, Rect { height, ..area }, paint);
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        classes::draw(classes, "", below, paint);
    } else {
        classes::draw(classes, &line(strip, classes.split), area, paint);
    }
}

/// The classes of a split: dev, or any other without it.
fn by_class(strip: &Strip) -> Option<&ClassesScored> {
    [Split::Dev, Split::Test, Split::Train].iter().find_map(|split| strip.classes.get(split))
}

/// Why a strip has no scores to show.
fn why_none(run: &Run, strip: Option<&Strip>) -> String {
    match strip {
        None => "waiting for the run to start".to_owned(),
        Some(strip) if run.ended.is_none() => format!("{}: not scored yet", strip.name),
        Some(strip) => format!("{}: never scored", strip.name),
    }
}

/// The latest scores on a split in one line.
fn line(strip: &Strip, split: Split) -> String {
    let Some(scores) = strip.scores(split) else { return String::new() };
    let score = |metric: &MetricStarted| {
        let value = scores.metrics.get(&metric.name)?;
        Some(format!("{} {}", metric.name, numbers::score(Some(*value))))
    };
    strip.metrics.iter().filter_map(score).collect::<Vec<_>>().join("  ")
}

/// One line per metric. Columns for which there is no room are left out, the history first, then the
/// change and the scores on test.
fn table(strip: &Strip, area: Rect, paint: &mut Paint) {
    let theme = paint.theme();
    let inner = paint.panel(area, &format!("{} scores", strip.name), false);
    let longest = strip.metrics.iter().map(|metric| metric.name.as_str().width()).max();
    let least = SCORE + BEST + 2;
    let name = (longest.unwrap_or(0) as u16).clamp(NAME.0, NAME.1);
    let name = name.min(inner.width.saturating_sub(least));
    let mut room = inner.width.saturating_sub(name + least);
    let mut takes = |width: u16| {
        let fits = room > width;
        room -= if fits { width + 1 } else { 0 };
        fits
    };
    let (has_test, has_change) = (takes(SCORE), takes(CHANGE));
    let dev_x = inner.x + name + 1;
    let change_x = dev_x + SCORE + 1;
    let best_x = change_x + if has_change { CHANGE + 1 } else { 0 };
    let test_x = best_x + BEST + 1;
    let history_x = test_x + if has_test { SCORE + 1 } else { 0 };
    let history = inner.right().saturating_sub(history_x);
    paint.put(inner.x, inner.y, name, "metric", theme.dim);
    paint.put_right(dev_x, inner.y, SCORE, "dev", theme.dim);
    if has_change {
        paint.put_right(change_x, inner.y, CHANGE, "change", theme.dim);
    }
    paint.put(best_x, inner.y, BEST, "best", theme.dim);
    if has_test {
        paint.put_right(test_x, inner.y, SCORE, "test", theme.dim);
    }
    let test = strip.scores(Split::Test);
    for (y, metric) in (inner.y + 1..inner.bottom()).zip(&strip.metrics) {
        paint.put(inner.x, y, name, metric.name.as_str(), theme.text);
        let mut on_dev = strip.on_dev_of(&metric.name);
        let (now, before) = (on_dev.next().map(|(_, score)| score), on_dev.next());
        let best = best(strip, metric);
        let is_best = now.is_some() && now == best.map(|(_, score)| score);
        let style = if is_best { theme.good } else { theme.text };
        paint.put_right(dev_x, y, SCORE, &numbers::score(now), style);
        if let (Some(now), Some((_, before)), true) = (now, before, has_change) {
            let style = match numbers::went(now, before, metric.direction) {
                (Trend::Level, _) => theme.dim,
                (_, better) => {
                    if better {
                        theme.good
                    } else {
                        theme.bad
                    }
                }
            };
            paint.put_right(change_x, y, CHANGE, &format!("{:+.2}", now - before), style);
        }
        if let Some((step, score)) = best {
            let text = format!("{}@{}", numbers::score(Some(score)), numbers::step(step.0));
            paint.put(best_x, y, BEST, &text, theme.dim);
        }
        if has_test {
            let score = test.as_ref().and_then(|scores| scores.metrics.get(&metric.name));
            paint.put_right(test_x, y, SCORE, &numbers::score(score.copied()), theme.text);
        }
        if history >= HISTORY {
            dev::history(strip, metric, (history_x, y), history, theme.text, paint);
        }
    }
}

/// The step and the value of a metric's best score on dev.
fn best(strip: &Strip, metric: &MetricStarted) -> Option<(Step, f32)> {
    let counted = strip.on_dev_of(&metric.name);
    counted.reduce(|best, other| {
        // Of equal ones the earlier.
        let is_better = match metric.direction {
            Direction::Higher => other.1 >= best.1,
            Direction::Lower => other.1 <= best.1,
        };
        if is_better { other } else { best }
    })
}
