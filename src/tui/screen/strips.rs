//! Vertical strips, as on a mixing desk: the fader at the left, the objective's share of the
//! gradient beside it, its values below.

use ratatui::layout::Rect;

use super::{
    FrameData,
    desk::{flag, gradient_share, least_cosine, link, share, spark, title, trend},
    fader, numbers,
    paint::Paint,
};
use crate::{
    protocol::event::Role,
    state::Strip,
    tui::{
        layout::{SCALE, first_visible, strip_width, strips_inside},
        view::Focus,
    },
};

/// Rows below a fader.
const NUMBERS: u16 = 8;

pub(super) fn draw(frame: FrameData, area: Rect, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let theme = paint.theme();
    let inner = paint.panel(area, &title(run), view.focus == Focus::Desk);
    let scale = Rect { width: SCALE.min(inner.width), ..inner };
    let rest = strips_inside(area);
    let width = strip_width(rest.width, run.strips.len());
    let n_shown = usize::from(rest.width / width).max(1);
    let first = first_visible(run.strips.len(), n_shown, view.strip_idx(run));
    if inner.height <= NUMBERS + 5 {
        return;
    }
    let way = Rect { y: inner.y + 2, height: inner.height - 2 - NUMBERS, ..scale };
    draw_scale(way, paint);
    for (at, strip) in run.strips.iter().enumerate().skip(first).take(n_shown) {
        let x = rest.x + width * (at - first) as u16;
        let width = width.min(rest.right().saturating_sub(x));
        draw_strip(frame, (at, strip), Rect { x, width, ..rest }, paint);
    }
    if run.strips.is_empty() {
        paint.put(rest.x, rest.y, rest.width, "waiting for the run to start", theme.dim);
    }
}

/// The gains beside the track: the most important ones first, where a row is free.
fn draw_scale(way: Rect, paint: &mut Paint) {
    let dim = paint.theme().dim;
    let mut taken = Vec::new();
    for (gain, text) in fader::SCALE {
        let up = fader::cell(gain, way.height);
        if !taken.contains(&up) {
            taken.push(up);
            paint.put_right(way.x, way.bottom() - 1 - up, way.width - 1, text, dim);
        }
    }
}

fn draw_strip(frame: FrameData, (at, strip): (usize, &Strip), area: Rect, paint: &mut Paint) {
    let FrameData { run, view, .. } = frame;
    let (theme, glyphs) = (paint.theme(), paint.glyphs());
    let is_chosen = view.strip_idx(run) == at;
    let inactive = !run.is_active(strip);
    let main = if strip.role == Role::Main { " *" } else { "" };
    let name = format!("{} {}{main}", glyphs.digit(at), strip.name);
    let style = if is_chosen { theme.selected } else { theme.series(at) };
    if is_chosen {
        paint.symbol(area.x, area.y, glyphs.selected, theme.key);
    }
    paint.put(area.x + 1, area.y, area.width.saturating_sub(2), &name, style);
    let (flag, style) = flag(frame, strip);
    let x = paint.put(area.x + 1, area.y + 1, 5, flag, style);
    let (link, of_link) = link(frame, strip);
    paint.put(x + u16::from(!flag.is_empty()), area.y + 1, 3, &link, of_link);

    // Columns: half a handle, its track, and the meter beside it.
    let half = if area.width < 22 { 2 } else { 3 };
    let (way_x, meter_x) = (area.x + 2 + half, area.x + 6 + 2 * half);
    let (top, height) = (area.y + 2, area.height - 2 - NUMBERS);
    let bottom = top + height - 1;
    for (up, part) in fader::parts(strip, &view.pending, height).enumerate() {
        let y = bottom - up as u16;
        let (symbol, beside, style) = fader::vertical(part, inactive, paint);
        if let Some(beside) = beside {
            paint.fill(way_x - half, y, 2 * half + 1, beside, style);
        }
        paint.symbol(way_x, y, symbol, style);
    }
    let mut n_marks = vec![0; usize::from(height)];
    for (up, letter) in fader::shadows(&run.measured, strip, height) {
        // Letters of one row side by side, as far as there is room before the meter.
        let n_before = &mut n_marks[usize::from(up)];
        let x = way_x + half + 1 + *n_before;
        *n_before += 1;
        if x < meter_x {
            paint.put(x, bottom - up, 1, letter.encode_utf8(&mut [0; 4]), theme.mark);
        }
    }
    let measured = run.gradients.as_ref();
    let of_gradient =
        measured.and_then(|measured| measured.gradient_shares.get(&strip.name).copied());
    if let Some(share) = of_gradient {
        paint.put(meter_x, area.y + 1, 4, "grad", theme.dim);
        let eighths = (share.clamp(0.0, 1.0) * f32::from(height) * 8.0).round() as u16;
        for up in 0..height {
            let level = eighths.saturating_sub(up * 8).min(8);
            let symbol = glyphs.column[usize::from(level)];
            paint.fill(meter_x + 1, bottom - up, 2, symbol, theme.share);
        }
    }

    let number = if inactive { theme.muted } else { theme.text };
    let requested = view.pending.gain(&strip.name);
    let gain = if requested.is_some() { theme.pending } else { number };
    let dev =
        strip.metrics.first().map(|metric| (metric.short(), numbers::score(strip.on_dev().next())));
    let (dev_head, dev) = dev.unwrap_or(("dev", numbers::none()));
    let (cosine, conflict) = least_cosine(frame, strip);
    let rows = [
        ("gain", numbers::gain(requested.unwrap_or(strip.gain)), gain),
        ("share", share(strip), number),
        ("weight", numbers::gain(strip.weight), number),
        ("loss", numbers::loss(strip.smoothed().or(strip.loss)), number),
        (dev_head, dev, number),
        ("grad", gradient_share(frame, strip), number),
        ("cos", cosine, conflict),
    ];
    let width = (area.width.saturating_sub(5)).min(17);
    let mut y = bottom + 1;
    for (head, text, style) in rows {
        paint.put(area.x + 1, y, 6, head, theme.dim);
        paint.put_right(area.x + 1, y, width, &text, style);
        if head == "loss" {
            trend(strip, area.x + width + 2, y, paint);
        }
        y += 1;
    }
    spark(strip, (area.x + 1, y), width, theme.series(at), paint);
}
