//! All scores of the selected strip: every metric with its best value and its history on dev, and the classes.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{FrameData, classes, dev, numbers, numbers::Trend, paint::Paint};
use crate::{
    protocol::event::{ClassesScored, Direction, MetricStarted, Split},
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
pub(super) fn why_none(run: &Run, strip: Option<&Strip>) -> String {
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

/// One line per metric, with the direction in which it is better.
pub(super) fn table(strip: &Strip, area: Rect, paint: &mut Paint) {
    let inner = paint.panel(area, &format!("{} scores", strip.name), false);
    let columns = Columns::new(strip, inner);
    columns.draw_head(inner.y, paint);
    let test = strip.scores(Split::Test);
    let n_rows = usize::from(inner.height.saturating_sub(1));
    let n_metrics = strip.metrics.len();
    let n_shown = if n_metrics > n_rows { n_rows.saturating_sub(1) } else { n_metrics };
    for (y, metric) in (inner.y + 1..inner.bottom()).zip(&strip.metrics[..n_shown]) {
        let test = test.as_ref().and_then(|scores| scores.metrics.get(&metric.name)).copied();
        columns.draw_row(strip, metric, test, y, paint);
    }
    if n_shown < n_metrics && n_rows > 0 {
        let text = format!("{} more", n_metrics - n_shown);
        paint.put(inner.x, inner.bottom() - 1, inner.width, &text, paint.theme().dim);
    }
}

/// Where the columns begin. Those for which there is no room are left out: the history first, then the change and the
/// scores on test.
struct Columns {
    name: u16,
    /// The width of names, which the direction follows.
    name_width: u16,
    dev: u16,
    change: Option<u16>,
    best: u16,
    test: Option<u16>,
    /// Where the history begins, and its width.
    history: Option<(u16, u16)>,
}

impl Columns {
    fn new(strip: &Strip, inner: Rect) -> Self {
        let longest = strip.metrics.iter().map(|metric| metric.name.as_str().width()).max();
        // With the direction and the spaces between.
        let least = SCORE + BEST + 4;
        let name_width = (longest.unwrap_or(0) as u16).clamp(NAME.0, NAME.1);
        let name_width = name_width.min(inner.width.saturating_sub(least));
        let room = inner.width.saturating_sub(name_width + least);
        let has_test = room > SCORE;
        let has_change = room > SCORE + 1 + CHANGE;
        let dev = inner.x + name_width + 3;
        let change = dev + SCORE + 1;
        let best = if has_change { change + CHANGE + 1 } else { change };
        let test = best + BEST + 1;
        let history = test + SCORE + 1;
        let width = inner.right().saturating_sub(history);
        Self {
            name: inner.x,
            name_width,
            dev,
            change: has_change.then_some(change),
            best,
            test: has_test.then_some(test),
            history: (width >= HISTORY).then_some((history, width)),
        }
    }

    fn draw_head(&self, y: u16, paint: &mut Paint) {
        let dim = paint.theme().dim;
        paint.put(self.name, y, self.name_width, "metric", dim);
        paint.put_right(self.dev, y, SCORE, "dev", dim);
        paint.put(self.best, y, BEST, "best", dim);
        if let Some(x) = self.change {
            paint.put_right(x, y, CHANGE, "change", dim);
        }
        if let Some(x) = self.test {
            paint.put_right(x, y, SCORE, "test", dim);
        }
    }

    fn draw_row(
        &self,
        strip: &Strip,
        metric: &MetricStarted,
        test: Option<f32>,
        y: u16,
        paint: &mut Paint,
    ) {
        let theme = paint.theme();
        let mut on_dev = strip.on_dev_of(&metric.name).map(|(_, score)| score);
        let (now, before) = (on_dev.next(), on_dev.next());
        let best = strip.best_scores.get(&metric.name).copied();
        let is_best = now.is_some() && now == best.map(|(_, score)| score);
        paint.put(self.name, y, self.name_width, metric.name.as_str(), theme.text);
        let direction = direction(metric, paint);
        paint.symbol(self.name + self.name_width + 1, y, direction, theme.dim);
        let style = if is_best { theme.good } else { theme.text };
        paint.put_right(self.dev, y, SCORE, &numbers::score(now), style);
        if let (Some(x), Some(now), Some(before)) = (self.change, now, before) {
            let style = match numbers::went(now, before, metric.direction) {
                (Trend::Level, _) => theme.dim,
                (_, true) => theme.good,
                (_, false) => theme.bad,
            };
            paint.put_right(x, y, CHANGE, &format!("{:+.2}", now - before), style);
        }
        if let Some((step, score)) = best {
            let text = format!("{}@{}", numbers::score(Some(score)), numbers::step(step.0));
            paint.put(self.best, y, BEST, &text, theme.dim);
        }
        if let Some(x) = self.test {
            paint.put_right(x, y, SCORE, &numbers::score(test), theme.text);
        }
        if let Some((x, width)) = self.history {
            dev::history(strip, metric, (x, y), width, theme.text, paint);
        }
    }
}

/// The direction in which a metric is better.
pub(super) fn direction(metric: &MetricStarted, paint: &Paint) -> &'static str {
    match metric.direction {
        Direction::Higher => paint.glyphs().up,
        Direction::Lower => paint.glyphs().down,
    }
}
