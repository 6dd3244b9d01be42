//! Draws the canvas onto the screen, and the labels among the curves.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Chart, Curve,
    canvas::{Canvas, Layer},
    digit,
    draw::Edge,
    layout::Layout,
    marks::{Marks, RunMark},
};
use crate::printable::printable;

impl Chart<'_> {
    /// Draws the canvas, with the cursor and the columns of manual changes where cells are free.
    pub(super) fn paint(
        &self,
        canvas: &Canvas,
        curves: &[Curve<'_>],
        marks: &Marks,
        cursor: Option<usize>,
        plot: Rect,
        buf: &mut Buffer,
    ) {
        // Marked columns everywhere would be uninformative.
        let n_moved = marks.cells.iter().filter(|mark| **mark == Some(RunMark::Move)).count();
        let has_columns = n_moved * 6 <= marks.cells.len();
        let of_band: Vec<_> = curves.iter().map(|it| it.style.patch(self.style.band)).collect();
        for (spots, y) in canvas.rows().zip(plot.top()..plot.bottom()) {
            let begin = buf.index_of(plot.x, y);
            let row = &mut buf.content[begin..];
            for (cell, (&spot, on_screen)) in spots.iter().zip(row).enumerate() {
                let owner = usize::from(spot.owner);
                let is_cursor = cursor == Some(cell);
                let (symbol, style) = match spot.layer {
                    Layer::Line => (canvas.symbol(spot, curves[owner].digit), curves[owner].style),
                    _ if is_cursor && self.style.markers.is_ascii() => ('|', self.style.cursor),
                    _ if is_cursor => ('│', self.style.cursor),
                    Layer::Band => (canvas.symbol(spot, curves[owner].digit), of_band[owner]),
                    Layer::Empty if has_columns && marks.cells[cell] == Some(RunMark::Move) => {
                        (':', self.style.moved)
                    }
                    Layer::Empty => continue,
                };
                on_screen.set_char(symbol).set_style(style);
            }
        }
    }

    /// Marks raw losses beyond the plot at its edges, where no curve is; those of the curve in front
    /// first.
    pub(super) fn paint_outliers(
        &self,
        canvas: &Canvas,
        outliers: &[(&Curve<'_>, Vec<(usize, Edge)>)],
        plot: Rect,
        buf: &mut Buffer,
    ) {
        let [up, down] = if self.style.markers.is_ascii() { ['^', 'v'] } else { ['▴', '▾'] };
        let cells = |(curve, cells): &(&Curve<'_>, Vec<(usize, Edge)>)| {
            let style = curve.style.patch(self.style.band);
            cells.iter().map(move |&(cell, edge)| (cell, edge, style)).collect::<Vec<_>>()
        };
        for (cell, edge, style) in outliers.iter().rev().flat_map(cells) {
            let (row, symbol) = match edge {
                Edge::Upper => (0, up),
                Edge::Lower => (plot.height.saturating_sub(1), down),
            };
            let place = (plot.x + cell as u16, plot.y + row);
            if cell < usize::from(plot.width) && canvas.layer(cell, usize::from(row)) != Layer::Line
            {
                buf[place].set_char(symbol).set_style(style);
            }
        }
    }

    /// Draws the digit of each curve to the right of its end, or as near as there is room.
    pub(super) fn paint_ends(
        &self,
        canvas: &Canvas,
        curves: &[Curve<'_>],
        ends: &[Option<(usize, usize)>],
        layout: &Layout,
        buf: &mut Buffer,
    ) {
        if self.style.markers.is_ascii() {
            return;
        }
        let plot = layout.plot;
        let mut taken: Vec<(u16, u16)> = Vec::new();
        for (curve, end) in curves.iter().zip(ends) {
            let Some((cell, row)) = end.map(|end| canvas.cell(end)) else { continue };
            let (x, row) = (plot.x + cell as u16 + 1, row as i32);
            if x >= layout.right_of_lines() {
                continue;
            }
            let place = [0, -1, 1, -2, 2].into_iter().find_map(|off| {
                let row = u16::try_from(row + off).ok().filter(|&row| row < plot.height)?;
                let place = (x, plot.y + row);
                let is_line = canvas.layer(cell + 1, usize::from(row)) == Layer::Line;
                (!is_line && !taken.contains(&place)).then_some(place)
            });
            if let Some(place) = place {
                taken.push(place);
                buf[place].set_char(curve.digit).set_style(curve.style);
            }
        }
    }

    /// Labels manual changes beside their columns at the top of the plot, where there is room.
    pub(super) fn paint_moves(
        &self,
        canvas: &Canvas,
        marks: &Marks,
        (plot, readout): (Rect, Option<Rect>),
        buf: &mut Buffer,
    ) {
        let mut taken: Vec<Rect> = readout.into_iter().collect();
        for moved in &marks.moves {
            let place = moved.objective().and_then(|objective| {
                self.run.strips.iter().position(|strip| strip.name == *objective)
            });
            let label = match place {
                Some(place) => format!("{} {}", digit(place), moved.label()),
                None => moved.label(),
            };
            let width = label.chars().count();
            let left = moved.cell.checked_sub(width);
            let right = Some(moved.cell + 1).filter(|at| at + width <= usize::from(plot.width));
            let rows = 0..usize::from(plot.height).min(3);
            let spot = rows.flat_map(|row| [(right, row), (left, row)]).find_map(|(at, row)| {
                let at = at?;
                let spot = Rect::new(plot.x + at as u16, plot.y + row as u16, width as u16, 1);
                let is_free = (at..at + width).all(|at| canvas.layer(at, row) != Layer::Line);
                (is_free && !taken.iter().any(|other| other.intersects(spot))).then_some(spot)
            });
            if let Some(spot) = spot {
                // One more column, so that two labels do not read as one.
                taken.push(Rect { width: spot.width + 1, ..spot });
                buf.set_stringn(spot.x, spot.y, printable(&label), width, self.style.moved);
            }
        }
    }
}
