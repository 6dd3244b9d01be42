//! Dots in cells, each of which belongs to one curve: a terminal has one colour a cell, so dots of
//! two curves in one cell would tell a lie about one of them.

use super::GlyphSet;

/// A cell of the plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// What has the cell.
    pub(super) layer: Layer,
    /// Whose dots these are.
    pub(super) owner: u8,
    dots: u8,
}

/// What is in a cell; the later goes before the earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layer {
    /// Nothing.
    #[default]
    Empty,
    /// The spread of raw losses.
    Band,
    /// A smoothed line.
    Line,
}

/// The cells of the plot. Who comes first keeps a cell.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    markers: GlyphSet,
    cells: usize,
    spots: Vec<Spot>,
    /// Dots in a cell, as powers of two.
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

    /// The spots of each row of cells.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Spot]> {
        self.spots.chunks(self.cells.max(1))
    }

    /// Whether a column has dots of a shade: every second one, but at least one a cell.
    pub(super) fn is_shaded(&self, x: usize) -> bool {
        self.across_log2 == 0 || x.is_multiple_of(2)
    }

    /// What is in a cell; nothing outside.
    pub(super) fn layer(&self, cell: usize, row: usize) -> Layer {
        let spot = self.spots.get(row * self.cells + cell).filter(|_| cell < self.cells);
        spot.map_or(Layer::Empty, |spot| spot.layer)
    }

    /// The cell of a dot.
    pub(super) fn cell(&self, (x, y): (usize, usize)) -> (usize, usize) {
        (x >> self.across_log2, y >> self.down_log2)
    }

    /// A dot, where the cell is free or of the same curve and layer already.
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

    /// A line to a dot from another further left, whose own dot is there already. Only columns
    /// right of that are drawn in, so that a new point leaves old columns alone.
    pub(super) fn line(&mut self, owner: u8, from: (usize, usize), to: (usize, usize)) {
        let ((x0, y0), (x1, y1)) = (from, to);
        let (width, rise) = ((x1 - x0).max(1), y1 as isize - y0 as isize);
        let at = |x: usize| {
            // Mostly the next column; a division for each would be felt.
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

    /// What a spot looks like; `digit` is its owner's.
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
    fn dots_have_their_places_in_each_kind_of_cell() {
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
    fn who_comes_first_keeps_the_cell() {
        let mut canvas = Canvas::new(GlyphSet::Braille, 1, 1);
        canvas.dot(Layer::Line, 0, (0, 0));
        canvas.dot(Layer::Line, 1, (1, 3));
        canvas.dot(Layer::Band, 0, (1, 3));
        assert_eq!(text(&canvas), ["⠁"]);
        canvas.dot(Layer::Line, 0, (1, 3));
        assert_eq!(text(&canvas), ["⢁"]);
    }

    #[test]
    fn lines_are_whole_and_drawn_in_new_columns() {
        let mut canvas = Canvas::new(GlyphSet::Ascii, 5, 4);
        canvas.dot(Layer::Line, 0, (0, 0));
        canvas.line(0, (0, 0), (1, 3));
        canvas.line(0, (1, 3), (4, 0));
        assert_eq!(text(&canvas), ["1   1", " 1 1 ", " 11  ", " 1   "].map(str::to_owned));
        // Downwards in column 1, then one row a column up: 2, 1, 0.
    }
}
