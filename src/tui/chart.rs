//! The loss chart: the losses of every objective over the steps, at the terminal's resolution.
//!
//! It is a widget of our own: ratatui's chart draws every point, which is slow; it joins points
//! across NaN; and the curve drawn last hides the others. Its properties:
//!
//! - A column shows the minimum and maximum loss of its steps, so no spike is lost; the curve is
//!   smoothed over every step before it is downsampled.
//! - The scale is that of the smoothed curves and of the bulk of the band. A raw loss beyond it is
//!   marked at the edge of the plot.
//! - A cell belongs to one curve: the selected one, then the main objective's, then in the recipe's
//!   order; curves before bands. A digit at a curve's end identifies it without color.
//! - A curve has a gap where a loss was non-finite or a strip was muted.
//! - Where it shows dev, the loss of each evaluation is a point of a curve of its own, marked `d`.
//! - The cost of a frame depends on the number of columns, not on the length of the run, and few
//!   cells change between frames.
//!
//! It reads the state and a [`ChartView`] and keeps no state of its own. The caller draws the
//! border.

mod axis;
mod canvas;
mod cursor;
mod curve;
mod draw;
mod layout;
mod marks;
mod number;
mod paint;
mod query;
mod readout;
mod scale;
#[cfg(test)]
mod tests;

pub use layout::plot_area;
pub use marks::{RunMark, marks_of_steps};
pub use query::{ChartView, Window};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use self::{axis::Axis, canvas::Canvas, curve::Column, layout::Layout, marks::Marks, scale::Scale};
use crate::{
    protocol::{ObjectiveId, event::Role},
    state::{ALPHAS, Run, Strip, Unit},
    tui::glyphs::{ASCII, GlyphSet},
};

impl GlyphSet {
    /// Columns and rows of dots per cell.
    fn dots(self) -> (usize, usize) {
        match self {
            Self::Braille => (2, 4),
            Self::Block => (1, 2),
            Self::Ascii => (1, 1),
        }
    }

    /// The text for a missing value.
    fn none(self) -> &'static str {
        if self == Self::Ascii { "-" } else { "–" }
    }

    fn is_ascii(self) -> bool {
        self == Self::Ascii
    }
}

/// Styles and characters of the chart.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChartStyle<'a> {
    /// The glyph set that curves are drawn with.
    pub markers: GlyphSet,
    /// The style of each objective, in the recipe's order; repeated when there are more objectives.
    pub series: &'a [Style],
    /// Patched onto the selected objective's style.
    pub selected: Style,
    /// The losses on dev.
    pub dev: Style,
    /// Patched onto an objective's style for the range of its raw losses.
    pub band: Style,
    /// Axes and their labels.
    pub axis: Style,
    /// Columns with manual changes, and their labels.
    pub moved: Style,
    /// Marks of evaluations, checkpoints and notes.
    pub mark: Style,
    /// Marks of non-finite losses.
    pub broken: Style,
    /// The cursor's column.
    pub cursor: Style,
    /// The box with the values at the cursor.
    pub readout: Style,
}

/// The loss chart.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The run.
    pub run: &'a Run,
    /// What it shows: window, unit, smoothing, cursor.
    pub view: &'a ChartView,
    /// The selected objective: drawn in front, with the range of its raw losses.
    pub selected: Option<&'a ObjectiveId>,
    /// Whether the losses on dev are drawn, or only those of the steps.
    pub shows_dev: bool,
    /// Its styles.
    pub style: ChartStyle<'a>,
}

/// An objective that is drawn.
#[derive(Clone, Copy, Debug)]
struct Curve<'a> {
    strip: &'a Strip,
    losses: Losses,
    digit: char,
    style: Style,
    is_selected: bool,
}

/// Which losses of an objective a curve shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Losses {
    /// Those of the training steps.
    Train,
    /// Those of the evaluations on dev.
    Dev,
}

/// The mark of the losses on dev.
const DEV: char = 'd';

impl<'a> Chart<'a> {
    /// What is shown and how: `EMA .98 + raw band  log-y  x steps  follow`.
    pub fn title(&self) -> String {
        let view = self.view;
        let band = if self.in_front().is_some() { " + raw band" } else { "" };
        let dev = if self.shows_dev { "  d dev" } else { "" };
        let y = match (view.log_y, self.is_log()) {
            (_, true) => "log-y",
            (true, false) => "linear-y: not all above 0",
            (false, false) => "linear-y",
        };
        let x = match view.unit {
            Unit::Steps => "steps",
            Unit::Tokens => "tokens",
            Unit::Ms => "wall time",
        };
        let window = match view.window {
            Window::Follow => "follow".to_owned(),
            Window::Last(n) => format!("follow last {}", number::count(n)),
            Window::Fixed { from, to } => {
                format!("steps {}..{}", number::count(from.0), number::count(to.0))
            }
        };
        let only = view.only.as_ref().map_or_else(String::new, |only| format!("  only {only}"));
        format!("{}{band}{dev}  {y}  x {x}  {window}{only}", smoothing_text(view.smoothing))
    }

    /// Draws the chart into all of `area`, for any size.
    pub fn render(&self, area: Rect, buf: &mut Buffer) {
        let Some(layout) = Layout::of(area.intersection(buf.area)) else { return };
        let (cells, rows) = (usize::from(layout.plot.width), usize::from(layout.plot.height));
        let (across, down) = self.style.markers.dots();
        let axis = Axis::new(self.view, self.run, cells, across);
        let curves = self.curves();
        let n = axis.n_columns();
        let mut columns = vec![Column::default(); n * curves.len()];
        for (columns, curve) in columns.chunks_mut(n.max(1)).zip(&curves) {
            match curve.losses {
                Losses::Train => {
                    curve::fill(columns, &curve.strip.losses, &axis, self.view.smoothing);
                }
                Losses::Dev => curve::fill_points(columns, curve.strip.dev_losses(), &axis),
            }
        }
        let is_log = self.is_log();
        let of_curves = columns.chunks(n.max(1)).zip(&curves);
        let with_bands = of_curves.clone().map(|(columns, curve)| (columns, curve.is_selected));
        let scale = draw::range(with_bands, (is_log, self.view.smoothing > 0))
            .map(|(least, largest)| Scale::new(is_log, least, largest, rows * down));
        let marks = Marks::new(self.run, &axis, cells, self.view.only.as_ref());

        let mut canvas = Canvas::new(self.style.markers, cells, rows);
        let mut ends = Vec::with_capacity(curves.len());
        let mut outliers = Vec::new();
        if let Some(scale) = scale {
            let placed = draw::placed(&columns, &scale);
            let placed = || placed.chunks(n.max(1)).zip(&curves).zip(0u8..);
            for ((columns, _), owner) in placed() {
                ends.push(draw::line(&mut canvas, columns, owner));
            }
            for (columns, curve) in of_curves {
                outliers.push((curve, draw::outliers(&canvas, columns, &scale)));
            }
            for ((columns, curve), owner) in placed() {
                if curve.is_selected {
                    draw::band(&mut canvas, columns, owner);
                }
                draw::whiskers(&mut canvas, columns, owner);
            }
        }
        let cursor = self.view.cursor.filter(|_| scale.is_some());
        let cursor_cell = cursor.and_then(|step| axis.cell(step));
        self.paint(&canvas, &curves, &marks, cursor_cell, layout.plot, buf);
        self.paint_outliers(&canvas, &outliers, layout.plot, buf);
        layout.draw_y(scale.as_ref(), down, &self.style, buf);
        layout.draw_x(&axis, self.view.unit, &marks, &self.style, buf);
        self.paint_ends(&canvas, &curves, &ends, &layout, buf);
        let readout = cursor.map(|step| self.readout(step, cursor_cell, layout.plot, buf));
        self.paint_moves(&canvas, &marks, (layout.plot, readout), buf);
        if scale.is_none() {
            let text = "no losses yet";
            let x = layout.plot.x + layout.plot.width.saturating_sub(text.len() as u16) / 2;
            let y = layout.plot.y + layout.plot.height / 2;
            buf.set_stringn(x, y, text, usize::from(layout.plot.right() - x), self.style.axis);
        }
    }

    /// The objective whose band is drawn.
    fn in_front(&self) -> Option<&Strip> {
        let only = self.view.only.as_ref();
        let name = only.or(self.selected)?;
        self.run.strip(name)
    }

    /// All curves, in the recipe's order.
    fn in_order(&self) -> Vec<Curve<'a>> {
        let in_front = self.in_front().map(|strip| &strip.name);
        let only = self.view.only.as_ref();
        let all = self.run.strips.iter().enumerate();
        let is_shown = |strip: &Strip| only.is_none_or(|only| strip.name == *only);
        let curves = |(place, strip): (usize, &'a Strip)| {
            let is_selected = in_front == Some(&strip.name);
            let style = self.style_of(place, is_selected);
            let train =
                Curve { strip, losses: Losses::Train, digit: digit(place), style, is_selected };
            let (losses, digit, style) = (Losses::Dev, DEV, self.style.dev);
            let dev = Curve { strip, losses, digit, style, is_selected: false };
            [Some(train), self.shows_dev.then_some(dev)].into_iter().flatten()
        };
        all.filter(|(_, strip)| is_shown(strip)).flat_map(curves).collect()
    }

    /// The curves in the order of their precedence in cells.
    fn curves(&self) -> Vec<Curve<'a>> {
        let mut curves = self.in_order();
        curves.sort_by_key(|curve| (!curve.is_selected, curve.strip.role != Role::Main));
        // The owner of a cell is stored in a byte; nobody can tell more curves apart anyway.
        curves.truncate(usize::from(u8::MAX));
        curves
    }

    fn style_of(&self, place: usize, is_selected: bool) -> Style {
        let series = self.style.series;
        let style = series.get(place % series.len().max(1)).copied().unwrap_or_default();
        if is_selected { style.patch(self.style.selected) } else { style }
    }

    /// Whether the y axis is logarithmic: if the view asks for it and every curve is above 0. Raw
    /// losses of 0 behind a curve above 0 do not count; their band is drawn down to the edge.
    ///
    /// It samples a few wide buckets, so that the title costs nothing; a curve that falls to 0
    /// between them is drawn at the edge as well.
    fn is_log(&self) -> bool {
        let (from, to) = self.view.span(self.run);
        let smoothing = self.view.smoothing;
        let is_above = |curve: &Curve<'_>| {
            if curve.losses == Losses::Dev {
                return curve.strip.dev_losses().all(|(_, loss)| loss > 0.0);
            }
            let mut buckets = curve.strip.losses.buckets(from, to, (to.0 - from.0) / 8);
            buckets.all(|bucket| match smoothing {
                0 => bucket.min > 0.0,
                _ => bucket.smoothed.get(smoothing).is_none_or(|&x| x > 0.0),
            })
        };
        self.view.log_y && self.in_order().iter().all(is_above)
    }
}

/// The smoothing as text.
fn smoothing_text(smoothing: usize) -> String {
    match ALPHAS.get(smoothing) {
        None | Some(1.0) => "raw".to_owned(),
        Some(alpha) => {
            let kept = format!("{:.3}", 1.0 - alpha);
            format!("EMA {}", kept.trim_start_matches('0').trim_end_matches('0'))
        }
    }
}

/// The character of an objective, by its index in the recipe; the same in every glyph set.
fn digit(place: usize) -> char {
    ASCII.digit(place).chars().next().unwrap_or('*')
}
