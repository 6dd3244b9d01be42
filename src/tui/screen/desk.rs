//! The strips as rows: for each objective its loss, gain, share, weight, fader, share of the
//! gradient and score. The columns depend on the width alone.

mod columns;

use ratatui::{layout::Rect, style::Style};

use self::columns::{Column, columns};
use super::{FrameData, fader, numbers, numbers::Trend, paint::Paint};
use crate::{
    protocol::{
        Step,
        event::{Role, Setting},
    },
    state::{Run, Strip, USUAL},
    tui::{
        layout::{StripRows, first_visible},
        view::{Focus, finished},
    },
};

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let theme = paint.theme();
    let StripRows { bordered, inner } = StripRows::new(area);
    if bordered {
        paint.panel(area, &title(run), view.focus == Focus::Desk);
    }
    let columns = columns(run, inner.width);
    if bordered {
        let y = inner.y - 1;
        let mut x = inner.x + 4;
        for column in &columns {
            let head = column.head();
            let numeric = matches!(
                column,
                Column::Gain | Column::Share | Column::Weight | Column::Gradient | Column::Cosine
            );
            if *column == Column::Loss {
                // The last two columns are for the trend.
                paint.put_right(x, y, column.width() - 2, head, theme.dim);
            } else if numeric {
                paint.put_right(x, y, column.width(), head, theme.dim);
            } else {
                paint.put(x, y, column.width(), head, theme.dim);
            }
            x += column.width() + 1;
        }
    }
    let n_rows = usize::from(inner.height);
    let selected = view.strip_idx(run);
    let first = first_visible(run.strips.len(), n_rows, selected);
    let shown = run.strips.iter().enumerate().skip(first);
    for (y, (at, strip)) in (inner.y..inner.bottom()).zip(shown) {
        row(frame, (at, strip), &columns, Rect { y, height: 1, ..inner }, paint);
    }
    if run.strips.is_empty() {
        paint.put(inner.x + 1, inner.y, inner.width, "waiting for the run to start", theme.dim);
    }
}

/// The panel's title: the weighting rule, the letters of the shadow rules, and how many changes can be undone or redone.
pub(super) fn title(run: &Run) -> String {
    let (done, undone) = (run.manual.history.n_done(), run.manual.history.n_undone());
    let counts = [("undo", done), ("redo", undone)].into_iter().filter(|(_, n)| *n > 0);
    let name = run.weighting().map_or("desk".to_owned(), |rule| format!("desk  {rule}"));
    let rules = run.measured.letters().map(|(letter, rule)| {
        let name = rule.split_whitespace().next().unwrap_or_default();
        format!("{letter} {name}")
    });
    let name = rules.fold(name, |title, rule| format!("{title}  {rule}"));
    counts.fold(name, |title, (word, n)| format!("{title}  {word} {n}"))
}

fn row(
    frame: FrameData,
    (at, strip): (usize, &Strip),
    columns: &[Column],
    area: Rect,
    paint: &mut Paint,
) {
    let FrameData { run, view, .. } = frame;
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let is_chosen = view.strip_idx(run) == at;
    let inactive = !run.is_active(strip);
    let series = theme.series(at);
    let y = area.y;
    let has_flags = columns.contains(&Column::Flag);
    let has_gains = columns.contains(&Column::Gain);
    if is_chosen {
        paint.symbol(area.x, y, glyphs.selected, theme.key);
    }
    paint.symbol(area.x + 1, y, glyphs.digit(at), series);
    let is_main = strip.role == Role::Main;
    paint.put(area.x + 2, y, 1, if is_main { "*" } else { " " }, theme.text);
    let (link, of_link) = link(frame, strip);
    if !link.is_empty() {
        paint.put(area.x + 3, y, 1, "&", of_link);
    }
    let mut x = area.x + 4;
    for &column in columns {
        let width = column.width().min(area.right().saturating_sub(x));
        let number = if inactive { theme.muted } else { theme.text };
        match column {
            Column::Name(_) => {
                let style = match (is_chosen, inactive) {
                    (true, _) => theme.selected,
                    (false, true) => theme.muted,
                    (false, false) => series,
                };
                paint.put(x, y, width, strip.name.as_str(), style);
            }
            Column::Flag => {
                let (flag, style) = flag(frame, strip);
                let (flag, style) = if flag.is_empty() { (&*link, of_link) } else { (flag, style) };
                paint.put(x, y, width, flag, style);
            }
            Column::Loss => {
                paint.put_right(x, y, 7, &numbers::loss(strip.smoothed().or(strip.loss)), number);
                trend(strip, x + 8, y, paint);
            }
            Column::Gain => {
                let requested = view.pending.gain(&strip.name);
                let style = if requested.is_some() { theme.pending } else { number };
                let gain = numbers::gain(requested.unwrap_or(strip.gain));
                paint.put_right(x, y, width, &gain, style);
            }
            Column::Share => {
                paint.put_right(x, y, width, &share(strip), number);
            }
            // Without a column for flags, the reason why the objective is inactive replaces its
            // weight.
            Column::Weight if !has_flags && !flag(frame, strip).0.is_empty() => {
                let (flag, style) = flag(frame, strip);
                paint.put_right(x, y, width, flag, style);
            }
            Column::Weight => {
                // Without a column for gains, a requested one is shown here, hollow.
                let requested = view.pending.gain(&strip.name).filter(|_| !has_gains);
                let (text, style) = match requested {
                    Some(gain) => {
                        (format!("{}{}", glyphs.fader_pending, numbers::gain(gain)), theme.pending)
                    }
                    None => (numbers::gain(strip.weight), number),
                };
                paint.put_right(x, y, width, &text, style);
            }
            Column::Fader(_) => {
                fader::horizontal(strip, frame, (x, y), width, paint);
            }
            Column::Gradient => {
                paint.put_right(x, y, width, &gradient_share(frame, strip), number);
            }
            Column::Cosine => {
                let (text, style) = least_cosine(frame, strip);
                paint.put_right(x, y, width, &text, style);
            }
            Column::Dev => dev(strip, (x, y), width, number, paint),
            Column::Best => {
                if let Some(best) = &strip.best {
                    let (value, step) = (best.value, numbers::step(best.step.0));
                    let text = format!("{}@{step}", numbers::score(Some(value)));
                    paint.put(x, y, width, &text, theme.dim);
                }
            }
            Column::Spark(_) => spark(strip, (x, y), width, series, paint),
        }
        x += column.width() + 1;
    }
}

/// The share, or that it is not the rule's.
pub(super) fn share(strip: &Strip) -> String {
    if strip.share_by.is_rule() { format!("{:.2}", strip.share) } else { "hand".to_owned() }
}

/// Whether the strip is finished, muted, soloed or inactive, or was handed to the rule; with a `?` while it is only requested.
pub(super) fn flag(frame: FrameData, strip: &Strip) -> (&'static str, Style) {
    let FrameData { run, view, look, .. } = frame;
    let theme = &look.theme;
    match view.pending.value(&finished(strip)) {
        Some(Setting::Switch(true)) => return ("DON?", theme.pending),
        Some(_) => return ("ON?", theme.pending),
        None => {}
    }
    let requested = (view.pending.mute(&strip.name), view.pending.solo(&strip.name));
    match requested {
        (Some(true), _) => return ("MUT?", theme.pending),
        (Some(false), _) => return ("ON?", theme.pending),
        (_, Some(true)) => return ("SOL?", theme.pending),
        (_, Some(false)) => return ("-SO?", theme.pending),
        (None, None) => {}
    }
    if strip.training.is_finished() {
        ("DONE", theme.muted)
    } else if strip.muted {
        ("MUTE", theme.muted)
    } else if strip.soloed {
        ("SOLO", theme.solo)
    } else if !run.is_active(strip) {
        ("off", theme.muted)
    } else if strip.fade.is_some() {
        ("FADE", theme.pending)
    } else if strip.is_handed {
        ("RULE", theme.fader)
    } else {
        ("", theme.text)
    }
}

/// The fader that is linked with this one, by its digit: `&3`; `&` while it is to be linked.
pub(super) fn link(frame: FrameData, strip: &Strip) -> (String, Style) {
    let FrameData { run, view, look, .. } = frame;
    if view.links.first() == Some(&strip.name) {
        return ("&".to_owned(), look.theme.pending);
    }
    let partner = view.links.partner(&strip.name);
    let place = partner.and_then(|name| run.strips.iter().position(|strip| strip.name == *name));
    let text = place.map(|place| format!("&{}", look.glyphs.digit(place)));
    (text.unwrap_or_default(), look.theme.key)
}

pub(super) fn trend(strip: &Strip, x: u16, y: u16, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let Some(trend) = numbers::trend(strip) else { return };
    let (symbol, style) = match trend {
        Trend::Down => (glyphs.down, theme.good),
        Trend::Up => (glyphs.up, theme.bad),
        Trend::Level => (glyphs.level, theme.dim),
    };
    paint.symbol(x, y, symbol, style);
}

/// The objective's share of the gradient at the last measurement.
pub(super) fn gradient_share(FrameData { run, .. }: FrameData, strip: &Strip) -> String {
    let measured = run.gradients.as_ref();
    let share = measured.and_then(|measured| measured.gradient_shares.get(&strip.name));
    share.map_or_else(numbers::none, |share| numbers::percent(*share))
}

/// The lowest cosine with another objective: the strongest conflict.
pub(super) fn least_cosine(
    FrameData { run, look, .. }: FrameData,
    strip: &Strip,
) -> (String, Style) {
    let theme = &look.theme;
    let others = run.strips.iter().filter(|other| other.name != strip.name);
    let cosines =
        others.filter_map(|other| super::gradients::cosine(run, &strip.name, &other.name));
    match cosines.min_by(f32::total_cmp) {
        None => (numbers::none(), theme.dim),
        Some(cosine) if cosine < super::gradients::CONFLICT => (numbers::cosine(cosine), theme.bad),
        Some(cosine) => (numbers::cosine(cosine), theme.text),
    }
}

/// The first metric on dev, and its change since the previous evaluation.
fn dev(strip: &Strip, (x, y): (u16, u16), width: u16, style: Style, paint: &mut Paint) {
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let Some(first) = strip.metrics.first() else { return };
    let mut scores = strip.on_dev();
    let (now, before) = (scores.next(), scores.next());
    let end = paint.put(x, y, 6, first.short(), theme.dim);
    paint.put_right(end, y, (x + width - 2).saturating_sub(end), &numbers::score(now), style);
    if let (Some(now), Some(before)) = (now, before) {
        let (trend, better) = numbers::went(now, before, first.direction);
        let (symbol, style) = match (trend, better) {
            (Trend::Level, _) => (glyphs.level, theme.dim),
            (Trend::Up, better) => (glyphs.up, if better { theme.good } else { theme.bad }),
            (Trend::Down, better) => (glyphs.down, if better { theme.good } else { theme.bad }),
        };
        paint.symbol(x + width - 1, y, symbol, style);
    }
}

/// The smoothed loss over the whole run; logarithmic where possible, as in the chart. The highest
/// level is not used, to stay apart from the row above.
pub(super) fn spark(
    strip: &Strip,
    (x, y): (u16, u16),
    width: u16,
    style: Style,
    paint: &mut Paint,
) {
    let glyphs = paint.glyphs();
    let Some(last) = strip.losses.last_step() else { return };
    let steps_a_column = last.0.div_ceil(u64::from(width.max(1))).max(1);
    let mut columns: Vec<Option<f32>> = vec![None; usize::from(width)];
    for bucket in strip.losses.buckets(Step(0), last, steps_a_column) {
        let column = (bucket.last.0.saturating_sub(1) / steps_a_column) as usize;
        if let Some(column) = columns.get_mut(column) {
            *column = Some(bucket.smoothed[USUAL]);
        }
    }
    if columns.iter().flatten().all(|loss| *loss > 0.0) {
        columns.iter_mut().flatten().for_each(|loss| *loss = loss.ln());
    }
    let known = || columns.iter().flatten().copied().filter(|loss| loss.is_finite());
    let (least, most) = known().fold((f32::MAX, f32::MIN), |(a, b), x| (a.min(x), b.max(x)));
    let n_levels = glyphs.spark.len() - 1;
    for (at, loss) in columns.iter().enumerate() {
        let Some(loss) = loss else { continue };
        let part = if most > least { (loss - least) / (most - least) } else { 0.0 };
        let level = ((part * n_levels as f32) as usize).min(n_levels - 1);
        paint.symbol(x + at as u16, y, glyphs.spark[level], style);
    }
}
