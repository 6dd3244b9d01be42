//! Scores on dev: current, best, and their history.

use ratatui::{layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{FrameData, numbers, paint::Paint};
use crate::{
    protocol::event::{Direction, Evaluated, MetricStarted, Split},
    state::Strip,
};

pub(super) fn draw(FrameData { run, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let title = match &run.plan.best_metric {
        Some(best) => format!("dev  best by {}.{}", best.objective, best.metric),
        None => "dev".to_owned(),
    };
    let inner = paint.panel(area, &title, false);
    let rows: Vec<Row> = run.strips.iter().map(row).collect();
    let widest = |least: usize, width: fn(&Row) -> usize| {
        rows.iter().map(width).fold(least, usize::max) as u16
    };
    let metric = widest(2, |row| row.metric.width());
    let now = widest(5, |row| row.now.width());
    let best = widest(4, |row| row.best.width());
    let longest = run.strips.iter().map(|strip| strip.name.as_str().width()).max().unwrap_or(0);
    let apart = if inner.width > 46 { 2 } else { 1 };
    let rest = inner.width.saturating_sub(metric + now + best + 3 * apart);
    let name = (longest as u16 + 2).clamp(9, 20).min(rest.max(6));
    let metric_x = inner.x + name + apart;
    let now_x = metric_x + metric + apart;
    let best_x = now_x + now + apart;
    let spark_x = best_x + best + apart;
    let left = |x: u16| inner.right().saturating_sub(x);
    paint.put(inner.x, inner.y, name, if name < 9 { "name" } else { "objective" }, theme.dim);
    paint.put_right(now_x, inner.y, now.min(left(now_x)), "now", theme.dim);
    paint.put(best_x, inner.y, left(best_x), "best", theme.dim);
    let shown = run.strips.iter().zip(&rows).enumerate();
    for (y, (at, (strip, row))) in (inner.y + 1..inner.bottom()).zip(shown) {
        let head = format!("{} {}", glyphs.digit(at), strip.name);
        paint.put(inner.x, y, name, &head, theme.series(at));
        paint.put(metric_x, y, metric.min(left(metric_x)), row.metric, theme.dim);
        let style = if row.is_best { theme.good } else { theme.text };
        paint.put_right(now_x, y, now.min(left(now_x)), &row.now, style);
        paint.put(best_x, y, left(best_x), &row.best, theme.dim);
        let Some(metric) = strip.metrics.first() else { continue };
        history(strip, metric, (spark_x, y), left(spark_x), theme.series(at), paint);
    }
}

/// The latest scores of a metric on dev as a sparkline: better is higher.
pub(super) fn history(
    strip: &Strip,
    metric: &MetricStarted,
    (x, y): (u16, u16),
    width: u16,
    style: Style,
    paint: &mut Paint,
) {
    let glyphs = paint.glyphs();
    for (level, x) in scores(strip, metric, usize::from(width)).zip(x..) {
        paint.symbol(x, y, glyphs.spark[level], style);
    }
}

/// The values of an objective's first metric.
struct Row<'a> {
    metric: &'a str,
    now: String,
    best: String,
    is_best: bool,
}

fn row(strip: &Strip) -> Row<'_> {
    let metric = strip.metrics.first();
    let now = strip.on_dev().next();
    let best = strip
        .best
        .as_ref()
        .map(|best| format!("{}@{}", numbers::score(Some(best.value)), numbers::step(best.step.0)));
    Row {
        metric: metric.map_or("", MetricStarted::short),
        now: if metric.is_some() { numbers::score(now) } else { String::new() },
        is_best: now.is_some() && now == strip.best.as_ref().map(|best| best.value),
        best: best.unwrap_or_default(),
    }
}

/// The latest scores on dev as levels of a sparkline.
fn scores(strip: &Strip, metric: &MetricStarted, width: usize) -> impl Iterator<Item = usize> {
    let on_dev = strip.evaluations.iter().filter(|event| event.split == Split::Dev && !event.extra);
    let value = |event: &Evaluated| {
        let value = event.metrics.get(&metric.name)?;
        Some(if metric.direction == Direction::Higher { *value } else { -*value })
    };
    let mut values: Vec<f32> = on_dev.rev().filter_map(|event| value(event)).take(width).collect();
    values.reverse();
    let (least, most) =
        values.iter().fold((f32::MAX, f32::MIN), |(least, most), x| (least.min(*x), most.max(*x)));
    values.into_iter().map(move |value| {
        let part = if most > least { (value - least) / (most - least) } else { 0.5 };
        // The highest level would touch the row above.
        ((part * 7.0) as usize).min(6)
    })
}
