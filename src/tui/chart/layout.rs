//! The layout of the chart: y labels at the left, the plot, a column for the curves' digits, and
//! the x axis with its labels below. Small areas omit parts, the outermost first.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    ChartStyle, GlyphSet, axis::Axis, marks::Marks, marks::RunMark, number, scale, scale::Scale,
};
use crate::state::{Unit, hms};

/// The width of the y labels and the axis line, in columns.
const GUTTER: u16 = scale::LABEL as u16 + 1;

/// Narrower areas have no y labels.
const WIDE: u16 = 24;

/// Candidate distances between x labels, in columns: the first that separates them is used.
const APART: [usize; 4] = [5, 7, 9, 12];

/// The areas of the parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) plot: Rect,
    gutter: u16,
    /// The row with ticks and marks, if there is one.
    axis: Option<u16>,
    /// The row with labels, if there is one.
    labels: Option<u16>,
}

/// The part of the chart's area that contains the curves: for clicks, and for moving the cursor by
/// its columns.
pub fn plot_area(area: Rect) -> Rect {
    Layout::of(area).map_or(Rect { width: 0, height: 0, ..area }, |layout| layout.plot)
}

impl Layout {
    pub(super) fn of(area: Rect) -> Option<Self> {
        if area.is_empty() {
            return None;
        }
        let is_wide = area.width >= WIDE && area.height >= 3;
        let (gutter, digits) = if is_wide { (GUTTER, 1) } else { (0, 0) };
        let below = match area.height {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        };
        let plot = Rect {
            x: area.x + gutter,
            y: area.y,
            width: area.width - gutter - digits,
            height: area.height - below,
        };
        let axis = (below == 2).then_some(plot.bottom());
        let labels = (below > 0).then(|| area.bottom() - 1);
        Some(Self { plot, gutter, axis, labels })
    }

    /// The first column to the right of the curves and their digits.
    pub(super) fn right_of_lines(&self) -> u16 {
        self.plot.right() + u16::from(self.gutter > 0)
    }

    /// Draws the y axis with its labels.
    pub(super) fn draw_y(
        &self,
        scale: Option<&Scale>,
        per: usize,
        style: &ChartStyle<'_>,
        buf: &mut Buffer,
    ) {
        if self.gutter == 0 {
            return;
        }
        let [line, tick, corner, ..] = lines(style.markers);
        let x = self.plot.x - 1;
        for y in self.plot.y..self.plot.bottom() {
            buf[(x, y)].set_char(line).set_style(style.axis);
        }
        if let Some(y) = self.axis {
            buf[(x, y)].set_char(corner).set_style(style.axis);
        }
        let apart = if self.plot.height > 14 { 3 } else { 2 };
        for (row, text) in scale.map(|scale| scale.ticks(per, apart)).unwrap_or_default() {
            let y = self.plot.y + row as u16;
            let width = scale::LABEL;
            buf.set_stringn(x - width as u16, y, format!("{text:>width$}"), width, style.axis);
            buf[(x, y)].set_char(tick);
        }
    }

    /// Draws the x axis with its ticks, labels and marks. Without a row for the axis, marks are
    /// drawn on the plot's last row.
    pub(super) fn draw_x(
        &self,
        axis: &Axis,
        unit: Unit,
        marks: &Marks,
        style: &ChartStyle<'_>,
        buf: &mut Buffer,
    ) {
        let Some(labels) = self.labels else { return };
        let [.., line, tick] = lines(style.markers);
        if let Some(y) = self.axis {
            for x in self.plot.left()..self.plot.right() {
                buf[(x, y)].set_char(line).set_style(style.axis);
            }
        }
        let mut free = i32::from(self.plot.x - self.gutter);
        for (cell, text) in labels_of(axis, unit) {
            let x = self.plot.x + cell as u16;
            if let Some(y) = self.axis {
                buf[(x, y)].set_char(tick);
            }
            // Centered below its tick, but within the area.
            let width = text.len() as i32;
            let most = i32::from(self.plot.right()) - width;
            let at = (i32::from(x) - width / 2).min(most);
            if at >= free {
                buf.set_stringn(at as u16, labels, &text, text.len(), style.axis);
                free = at + width + 2;
            }
        }
        let y = self.axis.unwrap_or(self.plot.bottom() - 1);
        for (mark, x) in marks.cells.iter().zip(self.plot.left()..) {
            let Some(mark) = *mark else { continue };
            let style = match mark {
                RunMark::Broken => style.broken,
                RunMark::Move => style.moved,
                RunMark::Checkpoint | RunMark::Evaluation | RunMark::Note => style.mark,
            };
            buf[(x, y)].set_char(mark.symbol()).set_style(style);
        }
    }
}

/// Round values of the unit and their cells, as many as are legible.
fn labels_of(axis: &Axis, unit: Unit) -> Vec<(usize, String)> {
    let text = |amount| match unit {
        Unit::Steps | Unit::Tokens => number::count(amount),
        Unit::Ms => hms(amount),
    };
    let labelled = |apart: usize| {
        let ticks = axis.ticks(apart).into_iter();
        ticks.map(|(cell, amount)| (cell, text(amount))).collect::<Vec<_>>()
    };
    let is_loose = |labels: &Vec<(usize, String)>| {
        labels.windows(2).all(|pair| pair[1].0 - pair[0].0 >= pair[1].1.len() + 2)
    };
    APART.into_iter().map(labelled).find(is_loose).unwrap_or_else(|| labelled(20))
}

/// The vertical line and its tick, the corner, the horizontal line and its tick.
fn lines(markers: GlyphSet) -> [char; 5] {
    match markers {
        GlyphSet::Braille | GlyphSet::Block => ['│', '┤', '└', '─', '┴'],
        GlyphSet::Ascii => ['|', '+', '+', '-', '+'],
    }
}
