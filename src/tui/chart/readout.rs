//! The values at the cursor: the loss of every objective at one step, in a box or on one line.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};
use unicode_width::UnicodeWidthStr;

use super::{Chart, Curve, Losses, curve::FAR, number};
use crate::{
    printable::printable,
    protocol::Step,
    state::{Series, Unit, hms},
};

/// The width of a value, in columns.
const VALUE: usize = 8;

/// The maximum width of a name, in columns.
const NAME: usize = 12;

/// The raw and the smoothed loss at a step, if it was computed at that step or shortly before.
pub(super) fn values(series: &Series, step: Step, smoothing: usize) -> Option<(f32, f32)> {
    let bucket = series.at(step)?;
    let age = step.0.saturating_sub(bucket.last.0) as f32;
    let smoothed = *bucket.smoothed.get(smoothing)?;
    (age <= (series.spacing() * FAR).max(1.0)).then_some((bucket.smoothed[0], smoothed))
}

impl Curve<'_> {
    /// Its value at a step, raw and smoothed. That on dev is of the last evaluation until then.
    fn values(&self, step: Step, smoothing: usize) -> Option<(f32, f32)> {
        match self.losses {
            Losses::Train => values(&self.strip.losses, step, smoothing),
            Losses::Dev => {
                let until = self.strip.dev_losses().take_while(|(at, _)| *at <= step);
                until.last().map(|(_, loss)| (loss, loss))
            }
        }
    }

    /// Its name in the box.
    fn name(&self) -> &str {
        match self.losses {
            Losses::Train => self.strip.name.as_str(),
            Losses::Dev => "dev",
        }
    }
}

impl Chart<'_> {
    /// Draws the values at the top of the plot, away from the cursor's cell, and returns their
    /// area.
    pub(super) fn readout(
        &self,
        step: Step,
        cell: Option<usize>,
        plot: Rect,
        buf: &mut Buffer,
    ) -> Rect {
        let (curves, style) = (self.in_order(), self.style.readout);
        let ms = self.run.timeline.at(step, Unit::Ms) as u64;
        let head = match self.view.unit {
            Unit::Steps | Unit::Ms => format!("step {step}  {}", hms(ms)),
            Unit::Tokens => {
                let tokens = self.run.timeline.at(step, Unit::Tokens) as u64;
                format!("step {step}  {} tokens", number::about(tokens))
            }
        };
        let names = curves.iter().map(|curve| curve.name().width());
        let name = names.max().unwrap_or(0).min(NAME);
        let n_values: usize = if self.view.smoothing == 0 { 1 } else { 2 };
        let width = (2 + name + n_values * (VALUE + 1)).max(head.len()) + 2;
        let has_captions = n_values == 2 && usize::from(plot.height) > curves.len() + 3;
        let height = 1 + curves.len() + usize::from(has_captions);
        if width > usize::from(plot.width) * 2 / 3 || height >= usize::from(plot.height) {
            return self.one_line(&curves, step, plot, buf);
        }
        let is_hidden = cell.is_some_and(|cell| cell + width >= usize::from(plot.width));
        let (width, height) = (width as u16, height as u16);
        let x = if is_hidden { plot.x } else { plot.right() - width };
        let area = Rect::new(x, plot.y, width, height);
        clear(area, style, buf);
        buf.set_stringn(x + 1, plot.y, &head, usize::from(width) - 2, style);
        let mut put_values = |y: u16, texts: [&str; 2], style: Style| {
            for (place, text) in texts[2 - n_values..].iter().enumerate() {
                let at = area.right() - 1 - ((n_values - place) * (VALUE + 1)) as u16;
                buf.set_stringn(at, y, format!("{text:>9}"), VALUE + 1, style);
            }
        };
        let mut y = plot.y + 1;
        if has_captions {
            put_values(y, ["raw", &super::smoothing_text(self.view.smoothing)], style);
            y += 1;
        }
        for (curve, y) in curves.iter().zip(y..) {
            let texts = match curve.values(step, self.view.smoothing) {
                Some((raw, smoothed)) => [raw, smoothed].map(number::value),
                None => [(); 2].map(|()| self.style.markers.none().to_owned()),
            };
            put_values(y, [&texts[0], &texts[1]], style.patch(curve.style));
        }
        for (curve, y) in curves.iter().zip(y..) {
            let style = style.patch(curve.style);
            buf.set_stringn(x + 1, y, curve.digit.encode_utf8(&mut [0; 4]), 1, style);
            buf.set_stringn(x + 3, y, printable(curve.name()), name, style);
        }
        area
    }

    /// In small areas: the step, then as many smoothed values as fit.
    fn one_line(&self, curves: &[Curve<'_>], step: Step, plot: Rect, buf: &mut Buffer) -> Rect {
        let mut x = plot.x;
        let mut put = |text: &str, style: Style| {
            let text = &*printable(text);
            let is_room = usize::from(plot.right() - x) > text.len();
            if is_room {
                clear(Rect::new(x, plot.y, text.len() as u16 + 1, 1), self.style.readout, buf);
                buf.set_string(x, plot.y, text, style);
                x += text.len() as u16 + 1;
            }
            is_room
        };
        let mut is_room = put(&format!("@{}", number::about(step.0)), self.style.readout);
        for curve in curves {
            let Some((_, smoothed)) = curve.values(step, self.view.smoothing) else { continue };
            let text = format!("{} {}", curve.digit, number::value(smoothed));
            is_room = is_room && put(&text, self.style.readout.patch(curve.style));
        }
        Rect { height: 1, ..plot }
    }
}

fn clear(area: Rect, style: Style, buf: &mut Buffer) {
    for position in area.intersection(buf.area).positions() {
        let Position { x, y } = position;
        buf[(x, y)].reset();
        buf[(x, y)].set_style(style);
    }
}
