//! The selected objective: its losses, state, weight, learning rate, draws and gradient, and its
//! metrics over the evaluations. The chart beside it has its losses on train and dev.

use ratatui::{layout::Rect, style::Style};

use super::{FrameData, desk, numbers, paint::Paint, scores};
use crate::{
    live::{LiveSetting, ObjectiveSetting, SettingId},
    protocol::event::{MetricStarted, Role, Setting},
    state::{Run, Strip},
    tui::{Theme, view::Focus},
};

/// The width of a row's name, in columns.
const HEAD: u16 = 14;

/// The rows that come before the metrics where these have no panel of their own.
const FIRST: usize = 4;

/// A row: its name, its value and the style of the value.
type Row = (String, String, Style);

/// The values of the selected objective, with its metrics if they have no panel of their own.
pub(super) fn draw(frame: FrameData, area: Rect, has_metrics: bool, paint: &mut Paint) {
    let FrameData { run, view, look, .. } = frame;
    let theme = &look.theme;
    let strip = view.strip(run);
    let title = strip.map_or("objective", |strip| strip.name.as_str());
    let has_focus = view.focus == Focus::Desk && view.layout(run).place(view.focus) == Some(area);
    let inner = paint.panel(area, title, has_focus);
    let Some(strip) = strip else {
        let text = "waiting for the run to start";
        paint.put(inner.x + 1, inner.y, inner.width.saturating_sub(2), text, theme.dim);
        return;
    };
    let mut rows = rows(frame, strip);
    if has_metrics {
        let metrics = metric_rows(strip, paint);
        rows.splice(FIRST..FIRST, metrics);
    }
    let n_rows = usize::from(inner.height);
    let n_shown = if rows.len() > n_rows { n_rows.saturating_sub(1) } else { rows.len() };
    for (y, (head, text, style)) in (inner.y..inner.bottom()).zip(&rows[..n_shown]) {
        paint.put(inner.x + 1, y, HEAD - 1, head, theme.dim);
        let x = inner.x + 1 + HEAD;
        paint.put(x, y, inner.right().saturating_sub(x), text, *style);
    }
    if n_shown < rows.len() && n_rows > 0 {
        let text = format!("{} more", rows.len() - n_shown);
        paint.put(inner.x + 1, inner.bottom() - 1, inner.width.saturating_sub(1), &text, theme.dim);
    }
}

/// Every metric of the selected objective over the evaluations.
pub(super) fn metrics(FrameData { run, view, .. }: FrameData, area: Rect, paint: &mut Paint) {
    let strip = view.strip(run);
    let Some(strip) = strip.filter(|strip| !strip.metrics.is_empty()) else {
        let inner = paint.panel(area, "metrics", false);
        let text = match strip {
            Some(strip) => format!("{} reports no metrics", strip.name),
            None => scores::why_none(run, None),
        };
        let (width, dim) = (inner.width.saturating_sub(2), paint.theme().dim);
        paint.put(inner.x + 1, inner.y, width, &text, dim);
        return;
    };
    scores::table(strip, area, paint);
}

/// The values, the most important first.
fn rows(frame: FrameData, strip: &Strip) -> Vec<Row> {
    let FrameData { run, look, .. } = frame;
    let theme = &look.theme;
    let number = if run.is_active(strip) { theme.text } else { theme.muted };
    let raw = strip.loss.map(|raw| format!("  raw {}", numbers::loss(Some(raw))));
    let train = numbers::loss(strip.smoothed()) + &raw.unwrap_or_default();
    let (state, style) = training(run, strip, theme);
    let gain = frame.view.pending.gain(&strip.name);
    let of_gain = if gain.is_some() { theme.pending } else { number };
    let gain = numbers::gain(gain.unwrap_or(strip.gain));
    let weight = format!("{gain} x {} = {}", desk::share(strip), numbers::gain(strip.weight));
    let mut rows: Vec<(&str, String, Style)> = vec![
        ("train loss", train, number),
        ("dev loss", dev_loss(strip), theme.text),
        ("gain x share", weight, of_gain),
        ("training", state, style),
    ];
    if let Some(patience) = strip.patience {
        let left = patience.saturating_sub(strip.evals_without_improvement);
        rows.push(("patience", format!("{left} of {patience} left"), number));
    }
    rows.push(("learning rate", learning_rate(run, strip), number));
    if let Some(n) = accumulation_steps(run, strip) {
        rows.push(("accumulation", format!("{n} steps per update"), number));
    }
    if let Some(partner) = frame.view.links.partner(&strip.name) {
        rows.push(("linked with", partner.to_string(), theme.text));
    }
    rows.extend(draws(run, strip).map(|drawn| ("drawn", drawn, theme.text)));
    let steps = numbers::grouped(strip.n_steps);
    let steps = format!("{steps} of {} have a loss", numbers::grouped(run.step.0));
    rows.push(("steps", steps, theme.text));
    rows.extend(gradient(frame, strip));
    let role = if strip.role == Role::Main { "main" } else { "auxiliary" };
    rows.push(("kind", format!("{}, {role}", strip.kind), theme.text));
    rows.into_iter().map(|(head, text, style)| (head.to_owned(), text, style)).collect()
}

/// Whether it is trained, and why not.
fn training(run: &Run, strip: &Strip, theme: &Theme) -> (String, Style) {
    let inactive = |text: &str| (text.to_owned(), theme.muted);
    if strip.training.is_finished() {
        return inactive("finished");
    }
    if strip.muted {
        return inactive("muted");
    }
    if !run.is_active(strip) {
        return inactive("not trained: others are soloed");
    }
    let state = match (strip.soloed, strip.fade) {
        (_, Some(fade)) => format!("fades to {} at {}", numbers::gain(fade.to), fade.until),
        (true, None) => "trained, soloed".to_owned(),
        (false, None) if strip.gain == 0.0 => "gain 0".to_owned(),
        (false, None) => "trained".to_owned(),
    };
    (state, if strip.soloed { theme.solo } else { theme.text })
}

/// The loss at the last evaluation on dev, and the lowest one with its step.
fn dev_loss(strip: &Strip) -> String {
    let Some((_, last)) = strip.dev_losses().last() else {
        return if strip.evaluations.is_empty() { "not evaluated yet" } else { "-" }.to_owned();
    };
    let lowest = strip.lowest_dev_loss.map(|(step, loss)| {
        format!("  lowest {}@{}", numbers::loss(Some(loss)), numbers::step(step.0))
    });
    numbers::loss(Some(last)) + &lowest.unwrap_or_default()
}

/// That of the run, times the factor of its own parameters.
fn learning_rate(run: &Run, strip: &Strip) -> String {
    let Some(rate) = run.latest.learning_rate else { return numbers::none() };
    let factor = SettingId::Objective(ObjectiveSetting::LearningRateFactor);
    let path = LiveSetting::of(factor).path_of(&strip.name);
    let short = |x: f32| numbers::short(f64::from(x));
    match run.setting(&path) {
        Some(Setting::Number(factor)) if factor != 1.0 => {
            format!("{} x {factor} = {}", short(rate), short(rate * factor))
        }
        _ => short(rate),
    }
}

/// The number of steps whose gradients are accumulated, if more than one.
fn accumulation_steps(run: &Run, strip: &Strip) -> Option<f32> {
    let setting = SettingId::Objective(ObjectiveSetting::AccumulationSteps);
    match run.setting(&LiveSetting::of(setting).path_of(&strip.name))? {
        Setting::Number(n) => Some(n).filter(|n| *n > 1.0),
        _ => None,
    }
}

/// What has been drawn of each of its corpora.
fn draws(run: &Run, strip: &Strip) -> impl Iterator<Item = String> {
    let read = |name: &str| strip.corpus.iter().any(|corpus| corpus == name);
    let has_several = strip.corpus.len() > 1;
    run.used().filter(move |used| read(used.name)).map(move |used| {
        let epochs = used.epochs.map(|epochs| format!("  {epochs:.2} epochs")).unwrap_or_default();
        let of = if has_several { format!(" of {}", used.name) } else { String::new() };
        format!("{}{of}{epochs}", numbers::grouped(used.drawn))
    })
}

/// What was measured of its gradient.
fn gradient(frame: FrameData, strip: &Strip) -> Vec<(&'static str, String, Style)> {
    let FrameData { run, look, .. } = frame;
    let theme = &look.theme;
    let Some(measured) = &run.gradients else {
        return vec![("grad share", "not measured".to_owned(), theme.dim)];
    };
    let norm = measured.norms.get(&strip.name).map(|norm| numbers::short(f64::from(*norm)));
    let norm = norm.unwrap_or_else(numbers::none);
    let share = desk::gradient_share(frame, strip);
    let at = numbers::step(measured.step.0);
    let mut rows = vec![
        ("grad share", format!("{share}  @{at}"), theme.text),
        ("grad norm", norm, theme.text),
    ];
    let (cosine, style) = desk::least_cosine(frame, strip);
    rows.push(("lowest cosine", cosine, style));
    if let Some(cosine) = measured.lagged_cosines.get(&strip.name) {
        rows.push(("lagged cosine", numbers::cosine(*cosine), theme.text));
    }
    rows
}

/// Each metric in one line: the latest score, the direction in which it is better, the best score.
fn metric_rows(strip: &Strip, paint: &Paint) -> Vec<Row> {
    let theme = paint.theme();
    let row = |metric: &MetricStarted| {
        let now = strip.on_dev_of(&metric.name).next().map(|(_, score)| score);
        let best = strip.best_scores.get(&metric.name).map(|(step, score)| {
            format!("  best {}@{}", numbers::score(Some(*score)), numbers::step(step.0))
        });
        let head = format!("{} {}", metric.short(), scores::direction(metric, paint));
        (head, numbers::score(now) + &best.unwrap_or_default(), theme.text)
    };
    strip.metrics.iter().map(row).collect()
}
