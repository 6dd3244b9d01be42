//! Dots in cells, each of which belongs to one curve: a terminal cell has one color, so the dots of
//! two curves in one cell would misrepresent one of them.

use super::GlyphSet;

/// One cell of the plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The layer in the cell.
    pub(super) layer: Layer,
    /// The index of the curve that the dots belong to.
    pub(super) owner: u8,
    dots: u8,
}

/// The layer of a cell; a later variant takes precedence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layer {
    /// Nothing.
    #[default]
    Empty,
    /// The range of raw losses.
    Band,
    /// A smoothed curve.
    Line,
}

/// The cells of the plot. The first curve to draw in a cell owns it.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    markers: GlyphSet,
    cells: usize,
    spots: Vec<Spot>,
    /// Dots per cell, as powers of two.
    across_log2: u32,
    down_log2: u32,
}

/// The bit of each dot of a braille cell, row by row.
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Canvas {
    pub(super) fn new(markers: GlyphSet, cells: usize, rows: usize) -> Self {
        let (across_log2, down_log2) = match markers {
            GlyphSet::Braille => (1, 2),
            GlyphSet::Block => (0, 1),
            GlyphSet::Ascii => (0, 0),
        };
        let spots = vec![Spot::default(); cells * rows];
        Self { markers, cells, spots, across_log2, down_log2 }
    }

    /// The cells, row by row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Spot]> {
        self.spots.chunks(self.cells.max(1))
    }

    /// Whether a column has shading dots: every second column, but at least one per cell.
    pub(super) fn is_shaded(&self, x: usize) -> bool {
        self.across_log2 == 0 || x.is_multiple_of(2)
    }

    /// The layer in a cell; empty outside the plot.
    pub(super) fn layer(&self, cell: usize, row: usize) -> Layer {
        let spot = self.spots.get(row * self.cells + cell).filter(|_| cell < self.cells);
        spot.map_or(Layer::Empty, |spot| spot.layer)
    }

    /// The cell of a dot.
    pub(super) fn cell(&self, (x, y): (usize, usize)) -> (usize, usize) {
        (x >> self.across_log2, y >> self.down_log2)
    }

    /// Draws a dot, if the cell is empty or already has the same curve and layer.
    pub(super) fn dot(&mut self, layer: Layer, owner: u8, (x, y): (usize, usize)) {
        let (column, row) = self.cell((x, y));
        if column >= self.cells {
            return;
        }
        let Some(spot) = self.spots.get_mut(row * self.cells + column) else { return };
        if spot.layer == Layer::Empty {
            *spot = Spot { layer, owner, dots: 0 };
        }
        if spot.layer == layer && spot.owner == owner {
            spot.dots |= match self.markers {
                GlyphSet::Braille => BRAILLE[y & 3][x & 1],
                GlyphSet::Block => 1 << (y & 1),
                GlyphSet::Ascii => 1,
            };
        }
    }

    /// Draws a line to a dot from an earlier dot, which has been drawn. Only columns to the right
    /// of the earlier dot are drawn in, so that a new point does not change old columns.
    pub(super) fn line(&mut self, owner: u8, from: (usize, usize), to: (usize, usize)) {
        let ((x0, y0), (x1, y1)) = (from, to);
        let (width, rise) = ((x1 - x0).max(1), y1 as isize - y0 as isize);
        let at = |x: usize| {
            // Usually the next column; a division for each would be measurable.
            if x == x1 {
                return y1;
            }
            let along = 2 * (x - x0) as isize * rise + width as isize;
            y0.saturating_add_signed(along.div_euclid(2 * width as isize))
        };
        let mut before = y0;
        for x in x0 + 1..=x1 {
            let y = at(x);
            let run = match y.cmp(&before) {
                std::cmp::Ordering::Less => y..=before - 1,
                std::cmp::Ordering::Equal => y..=y,
                std::cmp::Ordering::Greater => before + 1..=y,
            };
            run.for_each(|y| self.dot(Layer::Line, owner, (x, y)));
            before = y;
        }
    }

    /// The character of a cell; `digit` is its owner's.
    pub(super) fn symbol(&self, spot: Spot, digit: char) -> char {
        match (self.markers, spot.layer) {
            (_, Layer::Empty) => ' ',
            (GlyphSet::Braille, _) => {
                char::from_u32(0x2800 + u32::from(spot.dots)).expect("256 patterns follow U+2800")
            }
            (GlyphSet::Block, Layer::Band) => '\u{2591}',
            (GlyphSet::Block, Layer::Line) => [' ', '▀', '▄', '█'][usize::from(spot.dots & 3)],
            (GlyphSet::Ascii, Layer::Band) => '.',
            (GlyphSet::Ascii, Layer::Line) => digit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(canvas: &Canvas) -> Vec<String> {
        let row = |spots: &[Spot]| {
            spots.iter().map(|&spot| canvas.symbol(spot, (b'1' + spot.owner) as char)).collect()
        };
        canvas.rows().map(row).collect()
    }

    #[test]
    fn dots_map_to_the_characters_of_each_glyph_set() {
        let dots = [(0, 0), (3, 3)];
        let drawn = |markers| {
            let mut canvas = Canvas::new(markers, 2, 1);
            for dot in dots {
                canvas.dot(Layer::Line, 0, dot);
            }
            text(&canvas)
        };
        assert_eq!(drawn(GlyphSet::Braille), ["⠁⢀"]);
        assert_eq!(drawn(GlyphSet::Block), ["▀ "], "(3, 3) is outside");
        assert_eq!(drawn(GlyphSet::Ascii), ["1 "]);
    }

    #[test]
    fn the_first_curve_owns_the_cell() {
        let mut canvas = Canvas::new(GlyphSet::Braille, 1, 1);
        canvas.dot(Layer::Line, 0, (0, 0));
        canvas.dot(Layer::Line, 1, (1, 3));
        canvas.dot(Layer::Band, 0, (1, 3));
        assert_eq!(text(&canvas), ["⠁"]);
        canvas.dot(Layer::Line, 0, (1, 3));
        assert_eq!(text(&canvas), ["⢁"]);
    }

    #[test]
    fn lines_are_continuous_and_drawn_in_new_columns() {
        let mut canvas = Canvas::new(GlyphSet::Ascii, 5, 4);
        canvas.dot(Layer::Line, 0, (0, 0));
        canvas.line(0, (0, 0), (1, 3));
        canvas.line(0, (1, 3), (4, 0));
        assert_eq!(text(&canvas), ["1   1", " 1 1 ", " 11  ", " 1   "].map(str::to_owned));
        // Downwards in column 1, then one row a column up: 2, 1, 0.
    }
}
